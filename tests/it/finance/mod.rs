//! Finance: receivables and what debtors say of them, what financiers may do with them, and what many do at once.

pub mod conditions;
mod confirmations;
mod evidence;
mod financing;
mod importing;
mod many;
mod money;
mod receivables;

use serde_json::{Value, json};

use crate::{
    procurement::{BUYER, Desk, SUPPLIERS, over},
    support::Client,
};

/// What is looked at of a receivable.
pub const RECEIVABLE: &str = "id version revision source invoiceNo commercialStatus confirmationStatus \
     encumbranceStatus disputed performed face { amount } credited { amount } paid { amount } setOff { amount } \
     outstanding { amount } confirmed { amount } fundable { amount } encumbered { amount } evidenceSha256";

/// An amount in renminbi.
pub fn yuan(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "CNY" })
}

/// Refusals as they are compared.
pub fn refusals(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(code, field)| ((*code).to_owned(), (*field).to_owned())).collect()
}

/// A row of what is brought along: an invoice over so much, due in 60 days.
pub fn brought(desk: &Desk, party: &Value, number: &str, amount: &str) -> Value {
    json!({
        "partyId": party,
        "invoiceKind": "OTHER",
        "invoiceNo": number,
        "issueDate": desk.day(-10),
        "dueDate": desk.day(50),
        "amount": yuan(amount),
    })
}

/// The input of a batch, with its control sum.
pub fn batch(items: &[Value], sum: &str) -> Value {
    json!({ "items": items, "itemCount": items.len(), "controlSum": yuan(sum) })
}

/// What the first supplier brings along of the buyer's, as one receivable.
pub async fn imported(desk: &Desk, number: &str, amount: &str) -> Value {
    let input = batch(&[brought(desk, &desk.buyer, number, amount)], amount);
    let selection = format!("receivables {{ {RECEIVABLE} }}");
    let seller = desk.supplier(0).await;
    seller.done("importReceivables", &selection, input).await["receivables"][0].clone()
}

/// The same, and the buyer is asked to confirm it.
pub async fn asked(desk: &Desk, number: &str, amount: &str) -> Value {
    let row = imported(desk, number, amount).await;
    let selection = format!("receivables {{ {RECEIVABLE} }}");
    let input = json!({ "receivableIds": [row["id"]] });
    desk.supplier(0).await.done("requestConfirmation", &selection, input).await["receivables"][0].clone()
}

/// What `confirmReceivables` takes for one receivable.
pub fn confirming(row: &Value, amount: &str) -> Value {
    let item = json!({ "id": row["id"], "expectedVersion": row["version"], "amount": yuan(amount) });
    over(batch(&[item], amount), json!({ "waiverOfDefences": true }))
}

/// A receivable as one of its sides sees it.
pub async fn seen(desk: &Desk, client: &Client, row: &Value) -> Value {
    desk.one(client, "receivable", &row["id"], RECEIVABLE).await
}

/// The amounts of a receivable: face, credited, paid, set off, outstanding.
pub fn amounts(row: &Value) -> Vec<&str> {
    ["face", "credited", "paid", "setOff", "outstanding"].iter().map(|n| row[*n]["amount"].as_str().unwrap()).collect()
}

/// The bank of these tests.
pub const BANK: &str = "hehuang-commerce-bank";

/// Somebody of a bank who draws things up.
pub async fn maker(desk: &Desk) -> Client {
    desk.market.server.member("bank-maker", BANK).await
}

/// Somebody of a bank who approves them.
pub async fn checker(desk: &Desk) -> Client {
    desk.market.server.member("bank-checker", BANK).await
}

/// What `createFinancingProgramme` takes: the terms of F3, paid at the front, and rules that let these receivables pass.
pub fn offering(name: &str, more: Value) -> Value {
    let input = json!({
        "name": name,
        "technique": "FACTORING",
        "currency": "CNY",
        "terms": {
            "advancePpm": 800_000, "ratePpm": 54_000, "dayCount": "ACT_360", "interestTiming": "FRONT", "graceDays": 15,
            "feePpm": 3_000, "recourse": true, "disclosed": true,
        },
        "rules": { "concentrationPpm": 1_000_000, "waived": ["KYC"] },
    });
    over(input, more)
}

/// A programme that is open for requests.
pub async fn programme(desk: &Desk, name: &str, more: Value) -> Value {
    let (maker, checker) = (maker(desk).await, checker(desk).await);
    opened(&maker, &checker, offering(name, more)).await
}

/// The same by two people.
pub async fn opened(maker: &Client, checker: &Client, input: Value) -> Value {
    let selection = "programme { id version state number }";
    let made = maker.done("createFinancingProgramme", selection, input).await["programme"].clone();
    let input = json!({ "id": made["id"], "expectedVersion": made["version"], "decision": "APPROVE" });
    checker.done("decideFinancingProgramme", selection, input).await["programme"].clone()
}

/// What is looked at of a limit.
pub const LIMIT: &str = "id version state sanctioned { amount } blocked { amount } utilised { amount } free { amount }";

/// What `proposeFinancingLimit` takes: a limit of a year.
pub fn proposing(desk: &Desk, kind: &str, amount: &str, more: Value) -> Value {
    let input = json!({
        "kind": kind, "sanctioned": yuan(amount), "effectiveOn": desk.day(-30), "expiresOn": desk.day(335),
    });
    over(input, more)
}

/// A limit that can be used.
pub async fn limit(desk: &Desk, kind: &str, amount: &str, more: Value) -> Value {
    let (maker, checker) = (maker(desk).await, checker(desk).await);
    granted(&maker, &checker, proposing(desk, kind, amount, more)).await
}

/// The same by two people.
pub async fn granted(maker: &Client, checker: &Client, input: Value) -> Value {
    let selection = format!("limit {{ {LIMIT} }}");
    let made = maker.done("proposeFinancingLimit", &selection, input).await["limit"].clone();
    let input = json!({ "id": made["id"], "expectedVersion": made["version"], "approve": true });
    checker.done("decideFinancingLimit", &selection, input).await["limit"].clone()
}

/// A receivable that the buyer confirmed: all of it.
pub async fn confirmed(desk: &Desk, number: &str, amount: &str) -> Value {
    confirmed_with(desk, number, amount, json!({})).await
}

/// The same with something else in its row.
pub async fn confirmed_with(desk: &Desk, number: &str, amount: &str, more: Value) -> Value {
    let row = over(brought(desk, &desk.suppliers[0], number, amount), more);
    let selection = format!("receivables {{ {RECEIVABLE} }}");
    desk.owner().await.done("uploadPayables", &selection, batch(&[row], amount)).await["receivables"][0].clone()
}

/// What `submitFinancingRequest` takes: all of these receivables.
pub fn submitting(desk: &Desk, programme: &Value, rows: &[&Value], sum: &str) -> Value {
    let items: Vec<Value> = rows.iter().map(|row| json!({ "receivableId": row["id"] })).collect();
    json!({
        "programmeId": programme["id"], "items": items, "itemCount": rows.len(), "controlSum": yuan(sum),
        "wantedOn": desk.day(0),
    })
}

/// What is looked at of a request.
pub const REQUEST: &str = "id number version state face { amount } principal { amount }";
