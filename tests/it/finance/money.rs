//! Money of financings as banks report it: the vectors F3 to F8 to the fen, said often and done once, taken back, late,
//! and what limits, receivables and the ledger have of it.

use std::sync::Arc;

use api::finance::ops::money::{books, day_end};
use chrono::{Duration, NaiveDate};
use entities::{
    finance::{
        financing::{self, FactKind, PostingKind, fact, posting},
        ledger::{self, Leg},
        limit as limits,
    },
    party::MemberRole,
};
use futures_util::future::join_all;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};

use super::{
    Desk, REQUEST, batch, checker, conditions, confirmed_with, limit, maker, offering, over, programme, refusals, seen,
    submitting, yuan,
};
use crate::{procurement::step, support::Client};

/// What is looked at of a financing.
const FINANCING: &str = "id version state accruedTo dueOn daysOverdue request { id version state } \
     uncovered { amount } figures { principal { amount } interestPaid { amount } interestDue { amount } \
     penaltyDue { amount } due { amount } reserve { amount } released { amount } rebated { amount } \
     sellerDue { amount } suspense { amount } received { amount } loss { amount } covered { amount } }";

/// What is looked at of what happened.
const FACTS: &str = "facts { nodes { kind payer valueDate bankReference line amount { amount } reversedBy \
     allocation { penalty { amount } interest { amount } principal { amount } released { amount } suspense { amount } \
     rebate { amount } recovered { amount } } } }";

/// The day on which everything begins, and on which it is due: 88 days.
const FUNDED: &str = "2026-03-01";
const DUE: &str = "2026-05-28";

/// A request whose offer is taken and on which money can be paid out: its id, and the hash of what is agreed.
async fn ready(desk: &Desk, programme: &Value, rows: &[&Value], sum: &str) -> Value {
    let (seller, maker, checker) = (desk.supplier(0).await, maker(desk).await, checker(desk).await);
    let selection = format!("request {{ {REQUEST} }}");
    let input = submitting(desk, programme, rows, sum);
    let asked = seller.done("submitFinancingRequest", &selection, input).await["request"].clone();
    let input = over(step(&asked), json!({ "review": "BEGIN" }));
    let asked = maker.done("reviewFinancingRequest", &selection, input).await["request"].clone();
    let input = json!({ "requestId": asked["id"], "expectedVersion": asked["version"], "days": 3 });
    let drawn = maker.done("makeFinancingOffer", "offer { id version termsSha256 }", input).await["offer"].clone();
    checker.done("checkFinancingOffer", "offer { id }", over(step(&drawn), json!({ "approve": true }))).await;
    let input = json!({ "id": drawn["id"], "termsSha256": drawn["termsSha256"] });
    seller.done("acceptFinancingOffer", "offer { id }", input).await;
    let taken = desk.one(&maker, "financingRequest", &asked["id"], REQUEST).await;
    conditions::prepared(desk, &taken).await;
    json!({ "id": asked["id"], "termsSha256": drawn["termsSha256"] })
}

/// What `reportDisbursement` takes.
fn paying_out(ready: &Value, amount: &str, on: &str) -> Value {
    json!({
        "requestId": ready["id"], "termsSha256": ready["termsSha256"], "amount": yuan(amount), "valueDate": on,
        "bankReference": "OUT-1",
    })
}

/// A programme with the terms of F3 and something else in them.
async fn with_terms(desk: &Desk, terms: Value) -> Value {
    let terms = over(offering("", json!({}))["terms"].clone(), terms);
    programme(desk, "保理", json!({ "terms": terms })).await
}

/// Money that is out on one receivable of a million.
struct Lent {
    row: Value,
    ready: Value,
    financing: Value,
}

/// F3, with something else in its terms; paid out on the first day.
async fn lent(desk: &Desk, terms: Value) -> Lent {
    let amount = if terms["interestTiming"] == "REAR" { "797000.00" } else { "786440.00" };
    let open = with_terms(desk, terms).await;
    limit(desk, "DEBTOR", "5000000.00", json!({ "debtorId": desk.buyer })).await;
    let row = confirmed_with(desk, "F3", "1000000.00", json!({ "dueDate": DUE })).await;
    let ready = ready(desk, &open, &[&row], "1000000.00").await;
    let selection = format!("financings {{ {FINANCING} }}");
    let paid = maker(desk).await.done("reportDisbursement", &selection, paying_out(&ready, amount, FUNDED)).await;
    Lent { row, ready, financing: paid["financings"][0].clone() }
}

async fn rear(desk: &Desk) -> Lent {
    lent(desk, json!({ "interestTiming": "REAR" })).await
}

/// A line of money that came.
fn line(financing: &Value, amount: &str, on: &str, reference: &str) -> Value {
    json!({
        "financingId": financing["id"], "payer": "DEBTOR", "amount": yuan(amount), "valueDate": on,
        "bankReference": reference,
    })
}

/// The same as a batch of one line.
fn came(financing: &Value, amount: &str, on: &str, reference: &str) -> Value {
    batch(&[line(financing, amount, on, reference)], amount)
}

/// What `reportRepurchase` and `reportCoverPaid` take for one financing.
fn paid(financing: &Value, amount: &str, on: &str, reference: &str) -> Value {
    let item = json!({
        "financingId": financing["id"], "amount": yuan(amount), "valueDate": on, "bankReference": reference,
    });
    batch(&[item], amount)
}

/// Reports a batch; answers with the first line's financing.
async fn reported(desk: &Desk, mutation: &str, input: Value) -> Value {
    let selection = format!("lines {{ repeated financing {{ {FINANCING} }} }}");
    let lines = maker(desk).await.done(mutation, &selection, input).await["lines"].clone();
    lines[0]["financing"].clone()
}

async fn collected(desk: &Desk, input: Value) -> Value {
    reported(desk, "reportCollections", input).await
}

/// A financing as the bank sees it.
async fn looked_at(desk: &Desk, financing: &Value, selection: &str) -> Value {
    desk.one(&maker(desk).await, "financing", &financing["id"], selection).await
}

/// What became of what came, each as penalty, interest, principal, and what is the seller's.
async fn allocations(desk: &Desk, financing: &Value) -> Vec<Value> {
    let all = looked_at(desk, financing, FACTS).await["facts"]["nodes"].clone();
    let came = all.as_array().unwrap().iter().filter(|one| one["kind"] == "RECEIVED" && one["allocation"].is_object());
    let parts = |one: &Value| {
        let of = &one["allocation"];
        json!([of["penalty"]["amount"], of["interest"]["amount"], of["principal"]["amount"], of["released"]["amount"]])
    };
    came.map(parts).collect()
}

/// An amount among the figures.
fn figure<'a>(financing: &'a Value, name: &str) -> &'a str {
    financing["figures"][name]["amount"].as_str().unwrap()
}

/// What of the debtor's limit is blocked and used, in fen.
async fn used(desk: &Desk) -> (i64, i64) {
    let row = limits::Entity::find().one(desk.app().db().read()).await.unwrap().unwrap();
    (row.blocked_minor, row.utilised_minor)
}

/// Every posting sums to nothing, the accounts are what the figures say, and limits what their entries say.
async fn adds_up(desk: &Desk) {
    let db = desk.app().db().read();
    assert_eq!(books::findings(db).await.unwrap(), [], "the books do not add up");
    for row in financing::Entity::find().all(db).await.unwrap() {
        let legs = posting::Entity::find().filter(posting::Column::FinancingId.eq(row.id)).all(db).await.unwrap();
        let legs = legs.iter().map(|leg| Leg { account: leg.account, amount_minor: leg.amount_minor });
        assert_eq!(ledger::added(legs), ledger::balances(&row.figures), "the ledger is not what the figures say");
    }
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Twenty who say the same at the same moment.
async fn at_once(client: &Client, mutation: &'static str, selection: &'static str, input: &Value) -> Vec<Value> {
    let barrier = Arc::new(tokio::sync::Barrier::new(20));
    let tasks = (0..20).map(|_| {
        let (client, input, barrier) = (client.clone(), input.clone(), barrier.clone());
        tokio::spawn(async move {
            barrier.wait().await;
            client.done(mutation, selection, input).await
        })
    });
    join_all(tasks).await.into_iter().map(|one| one.expect("a client broke down")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn f3_is_paid_out_as_it_was_agreed_and_the_receivable_is_the_banks() {
    let desk = Desk::new().await;
    let open = with_terms(&desk, json!({})).await;
    limit(&desk, "DEBTOR", "5000000.00", json!({ "debtorId": desk.buyer })).await;
    let row = confirmed_with(&desk, "F3", "1000000.00", json!({ "dueDate": DUE })).await;
    let ready = ready(&desk, &open, &[&row], "1000000.00").await;
    assert_eq!(used(&desk).await, (80_000_000, 0));
    let (seller, maker) = (desk.supplier(0).await, maker(&desk).await);
    let input = paying_out(&ready, "786440.00", FUNDED);
    for (wrong, expected) in [
        (json!({ "amount": yuan("786440.01") }), ("AMOUNT_MISMATCH", "amount")),
        (json!({ "amount": { "amount": "786440.00", "currency": "USD" } }), ("INVALID_CURRENCY", "amount.currency")),
        (json!({ "termsSha256": "0".repeat(64) }), ("TERMS_CHANGED", "termsSha256")),
        (json!({ "valueDate": "2026-03-02" }), ("OUT_OF_RANGE", "valueDate")),
        (json!({ "valueDate": "2026-02-28" }), ("OUT_OF_RANGE", "valueDate")),
        (json!({ "bankReference": " " }), ("REQUIRED", "bankReference")),
    ] {
        let refused = maker.refused("reportDisbursement", over(input.clone(), wrong)).await;
        assert_eq!(refused, refusals(&[expected]));
    }
    assert_eq!(checker(&desk).await.denied("reportDisbursement", input.clone()).await, "FORBIDDEN");
    assert_eq!(seller.denied("reportDisbursement", input.clone()).await, "FORBIDDEN");
    // A debtor that disputes what was confirmed keeps the money back until that is over.
    let debtor = desk.owner().await;
    let now = seen(&desk, &debtor, &row).await;
    debtor.done("disputeReceivable", "", over(step(&now), json!({ "reason": "too short" }))).await;
    let refused = maker.refused("reportDisbursement", input.clone()).await;
    assert_eq!(refused, refusals(&[("NOT_ELIGIBLE", "requestId")]));
    let now = seen(&desk, &debtor, &row).await;
    let over_now = json!({ "outcome": "CONFIRMED", "note": "they were measured again" });
    debtor.done("settleReceivableDispute", "", over(step(&now), over_now)).await;
    let selection = format!("financings {{ {FINANCING} }}");
    let made = maker.done("reportDisbursement", &selection, input).await["financings"].clone();
    assert_eq!(made.as_array().unwrap().len(), 1);
    let one = &made[0];
    assert_eq!(json!([one["state"], one["request"]["state"], one["dueOn"]]), json!(["OPEN", "DISBURSED", DUE]));
    assert_eq!((figure(one, "principal"), figure(one, "due")), ("800000.00", "800000.00"));
    assert_eq!((figure(one, "reserve"), figure(one, "interestPaid")), ("200000.00", "10560.00"));
    assert_eq!(used(&desk).await, (0, 80_000_000));
    let held = seen(&desk, &seller, &row).await;
    assert_eq!(json!([held["encumbranceStatus"], held["encumbered"]["amount"]]), json!(["ASSIGNED", "1000000.00"]));
    assert_eq!(seen(&desk, &maker, &row).await["id"], row["id"]);
    let kinds =
        desk.one(&seller, "receivable", &row["id"], "events { nodes { kind } }").await["events"]["nodes"].clone();
    assert_eq!(kinds.as_array().unwrap().last().unwrap()["kind"], "ASSIGNED");
    let kinds =
        desk.one(&debtor, "receivable", &row["id"], "events { nodes { kind } }").await["events"]["nodes"].clone();
    assert!(
        kinds.as_array().unwrap().iter().all(|one| one["kind"] != "ASSIGNED"),
        "a debtor reads of its seller's money: {kinds}"
    );
    adds_up(&desk).await;
    // The bank has a ledger of it, the seller has what it is told, and nobody else knows of it.
    let asked = "ledger { balances { account amount { amount } } postings { nodes { kind posting } } }";
    let ledger = looked_at(&desk, one, asked).await["ledger"].clone();
    let balances = ledger["balances"].as_array().unwrap();
    let cash = balances.iter().find(|leg| leg["account"] == "BANK_CASH").unwrap();
    assert_eq!(cash["amount"]["amount"], "-786440.00");
    assert_eq!(ledger["postings"]["nodes"].as_array().unwrap().len(), balances.len());
    let same = maker
        .data(
            "query($id: ID!) { financeLedger(financingId: $id) { postings { nodes { kind posting } } } }",
            json!({ "id": one["id"] }),
        )
        .await;
    assert_eq!(same["financeLedger"]["postings"], ledger["postings"]);
    let listed = "{ financings { nodes { id ledger { balances { account } } } } }";
    let own = seller.data(listed, json!({})).await["financings"]["nodes"].clone();
    assert_eq!(own, json!([{ "id": one["id"], "ledger": null }]));
    for other in [debtor, desk.supplier(1).await] {
        assert_eq!(other.data(listed, json!({})).await["financings"]["nodes"], json!([]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn paid_out_later_it_is_the_same_terms_from_that_day_on() {
    let desk = Desk::new().await;
    let open = with_terms(&desk, json!({})).await;
    limit(&desk, "DEBTOR", "5000000.00", json!({ "debtorId": desk.buyer })).await;
    let row = confirmed_with(&desk, "F3", "1000000.00", json!({ "dueDate": DUE })).await;
    let ready = ready(&desk, &open, &[&row], "1000000.00").await;
    desk.wait(Duration::days(10));
    let maker = maker(&desk).await;
    let refused = maker.refused("reportDisbursement", paying_out(&ready, "787640.00", "2026-03-11")).await;
    assert_eq!(refused, refusals(&[("CONDITIONS_PENDING", "requestId")]), "the registry was searched ten days ago");
    let request = desk.one(&maker, "financingRequest", &ready["id"], REQUEST).await;
    maker.done("searchRegistry", "request { id }", step(&request)).await;
    let refused = maker.refused("reportDisbursement", paying_out(&ready, "786440.00", "2026-03-11")).await;
    assert_eq!(refused, refusals(&[("AMOUNT_MISMATCH", "amount")]));
    // Ten days less of interest, 120.00 each.
    let input = paying_out(&ready, "787640.00", "2026-03-11");
    maker.done("reportDisbursement", "financings { id }", input).await;
    adds_up(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f4_what_comes_late_runs_on_through_grace_and_then_at_one_and_a_half_times() {
    let desk = Desk::new().await;
    let lent = rear(&desk).await;
    desk.wait(Duration::days(118));
    let after = collected(&desk, came(&lent.financing, "1000000.00", "2026-06-27", "IN-1")).await;
    assert_eq!(json!([after["state"], after["request"]["state"]]), json!(["CLOSED", "SETTLED"]));
    assert_eq!(
        allocations(&desk, &lent.financing).await,
        [json!(["2700.00", "12360.00", "800000.00", "184940.00"])],
        "15,060.00 of interest in all"
    );
    assert_eq!((figure(&after, "sellerDue"), figure(&after, "due")), ("184940.00", "0.00"));
    // What is settled is free of it: the bank has nothing to do with it any more, and the limit has it back.
    let free = seen(&desk, &desk.supplier(0).await, &lent.row).await;
    assert_eq!(json!([free["encumbranceStatus"], free["encumbered"]["amount"]]), json!(["RELEASED", "0.00"]));
    assert_eq!(seen(&desk, &maker(&desk).await, &lent.row).await, Value::Null);
    assert_eq!(used(&desk).await, (0, 0));
    adds_up(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f5_what_comes_early_gives_interest_back_that_was_paid_at_the_front() {
    let desk = Desk::new().await;
    let lent = lent(&desk, json!({})).await;
    desk.wait(Duration::days(68));
    let after = collected(&desk, came(&lent.financing, "1000000.00", "2026-05-08", "IN-1")).await;
    assert_eq!((figure(&after, "rebated"), figure(&after, "released")), ("2400.00", "200000.00"));
    assert_eq!((figure(&after, "sellerDue"), figure(&after, "interestPaid")), ("202400.00", "10560.00"));
    assert_eq!(after["request"]["state"], "SETTLED");
    adds_up(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f6_a_part_pays_interest_first_and_gives_the_limit_back_what_is_principal() {
    let desk = Desk::new().await;
    let lent = rear(&desk).await;
    desk.wait(Duration::days(60));
    let half = collected(&desk, came(&lent.financing, "500000.00", "2026-04-30", "IN-1")).await;
    assert_eq!(json!([half["state"], half["request"]["state"]]), json!(["OPEN", "PART_SETTLED"]));
    assert_eq!((figure(&half, "principal"), figure(&half, "interestPaid")), ("307200.00", "7200.00"));
    assert_eq!(used(&desk).await, (0, 30_720_000));
    assert_eq!(seen(&desk, &desk.supplier(0).await, &lent.row).await["encumbranceStatus"], "ASSIGNED");
    desk.wait(Duration::days(28));
    let after = collected(&desk, came(&lent.financing, "500000.00", DUE, "IN-2")).await;
    assert_eq!(after["request"]["state"], "SETTLED");
    assert_eq!(
        allocations(&desk, &lent.financing).await,
        [json!(["0.00", "7200.00", "492800.00", "0.00"]), json!(["0.00", "1290.24", "307200.00", "191509.76"]),]
    );
    assert_eq!(used(&desk).await, (0, 0));
    adds_up(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f7_a_credit_note_changes_no_history_and_is_taken_of_what_the_seller_has() {
    let desk = Desk::new().await;
    let lent = rear(&desk).await;
    let seller = desk.supplier(0).await;
    let now = seen(&desk, &seller, &lent.row).await;
    let note = json!({ "kind": "CREDIT_NOTE", "amount": yuan("50000.00"), "reference": "CN-1" });
    seller.done("recordReceivableEvent", "", over(step(&now), note)).await;
    let before = looked_at(&desk, &lent.financing, FINANCING).await;
    assert_eq!(before["figures"], lent.financing["figures"]);
    assert_eq!(before["uncovered"]["amount"], "0.00");
    desk.wait(Duration::days(88));
    let after = collected(&desk, came(&lent.financing, "950000.00", DUE, "IN-1")).await;
    assert_eq!((figure(&after, "released"), figure(&after, "due")), ("139440.00", "0.00"));
    assert_eq!(after["request"]["state"], "SETTLED");
    adds_up(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_credit_note_leaves_uncovered_is_a_margin_call() {
    let desk = Desk::new().await;
    let lent = rear(&desk).await;
    let (seller, bank) = (desk.supplier(0).await, maker(&desk).await);
    let listed = "{ financings(filter: { uncovered: true }) { nodes { id uncovered { amount } } } }";
    assert_eq!(bank.data(listed, json!({})).await["financings"]["nodes"], json!([]));
    let now = seen(&desk, &seller, &lent.row).await;
    let note = json!({ "kind": "CREDIT_NOTE", "amount": yuan("250000.01"), "reference": "CN-1" });
    seller.done("recordReceivableEvent", "", over(step(&now), note)).await;
    let called = bank.data(listed, json!({})).await["financings"]["nodes"].clone();
    assert_eq!(called, json!([{ "id": lent.financing["id"], "uncovered": { "amount": "50000.01" } }]));
    let facts = looked_at(&desk, &lent.financing, FACTS).await["facts"]["nodes"].clone();
    assert_eq!(facts.as_array().unwrap().len(), 1, "a credit note is no fact of the financing: {facts}");
    adds_up(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f8_what_is_short_is_overdue_then_asked_of_the_seller_who_buys_back() {
    let desk = Desk::new().await;
    let lent = rear(&desk).await;
    desk.wait(Duration::days(88));
    let short = collected(&desk, came(&lent.financing, "700000.00", DUE, "IN-1")).await;
    assert_eq!((figure(&short, "interestPaid"), figure(&short, "principal")), ("10560.00", "110560.00"));
    assert_eq!(figure(&short, "due"), "110560.00", "what the seller has to stand in for");
    let maker = maker(&desk).await;
    let asking = |of: &Value| {
        let of = &of["request"];
        json!({ "id": of["id"], "expectedVersion": of["version"], "note": "the debtor does not answer" })
    };
    let refused = maker.refused("demandRecourse", asking(&short)).await;
    assert_eq!(refused, refusals(&[("ILLEGAL_TRANSITION", "id")]), "it is in time");
    // The last day of grace is the twelfth of June.
    desk.wait(Duration::days(15));
    assert_eq!(day_end::run(desk.app(), day("2026-06-12")).await.unwrap(), 1);
    assert_eq!(looked_at(&desk, &short, FINANCING).await["request"]["state"], "PART_SETTLED");
    desk.wait(Duration::days(1));
    assert_eq!(day_end::run(desk.app(), day("2026-06-13")).await.unwrap(), 1);
    let late = looked_at(&desk, &short, FINANCING).await;
    assert_eq!(json!([late["request"]["state"], late["daysOverdue"]]), json!(["OVERDUE", 16]));
    assert_eq!((figure(&late, "interestDue"), figure(&late, "penaltyDue")), ("248.76", "24.88"));
    assert_eq!(figure(&late, "due"), "110833.64");
    let maker = super::maker(&desk).await;
    let ageing = "{ ageing { fromDays toDays principal { amount } owed { amount } financings } }";
    let aged = json!([{
        "fromDays": 1, "toDays": 30, "principal": { "amount": "110560.00" }, "owed": { "amount": "110833.64" },
        "financings": 1,
    }]);
    assert_eq!(maker.data(ageing, json!({})).await["ageing"], aged);
    assert_eq!(
        desk.supplier(0).await.data(ageing, json!({})).await["ageing"],
        json!([]),
        "a seller reads a bank's risk"
    );
    for by in ["DEBTOR", "SELLER", "PROGRAMME"] {
        let query = format!("{{ exposure(by: {by}) {{ principal {{ amount }} overdue {{ amount }} financings }} }}");
        let rows = maker.data(&query, json!({})).await["exposure"].clone();
        let row =
            json!([{ "principal": { "amount": "110560.00" }, "overdue": { "amount": "110833.64" }, "financings": 1 }]);
        assert_eq!(rows, row, "{by}");
    }
    let buying = paid(&short, "110833.64", "2026-06-13", "BUY-1");
    let refused = maker.refused("reportRepurchase", buying.clone()).await;
    assert_eq!(refused, refusals(&[("ILLEGAL_TRANSITION", "items.0.financingId")]), "nobody asked the seller");
    assert_eq!(
        maker.refused("claimCover", asking(&late)).await,
        refusals(&[("ILLEGAL_TRANSITION", "id")]),
        "the seller stands in"
    );
    let wrong = over(asking(&late), json!({ "disputeProven": true }));
    assert_eq!(maker.refused("demandRecourse", wrong).await, refusals(&[("INVALID_VALUE", "disputeProven")]));
    let asked = maker.done("demandRecourse", "request { id version state }", asking(&late)).await["request"].clone();
    assert_eq!(asked["state"], "RECOURSE_DEMANDED");
    let bought = reported(&desk, "reportRepurchase", buying.clone()).await;
    assert_eq!(json!([bought["state"], bought["request"]["state"]]), json!(["CLOSED", "REPURCHASED"]));
    assert_eq!((figure(&bought, "due"), figure(&bought, "reserve")), ("0.00", "0.00"));
    assert_eq!(reported(&desk, "reportRepurchase", buying).await["version"], bought["version"], "bought back twice");
    assert_eq!(seen(&desk, &desk.supplier(0).await, &lent.row).await["encumbranceStatus"], "RELEASED");
    assert_eq!(used(&desk).await, (0, 0));
    // What the debtor pays after all is the seller's.
    desk.wait(Duration::days(1));
    let after = collected(&desk, came(&short, "10000.00", "2026-06-14", "IN-2")).await;
    assert_eq!(
        json!([after["request"]["state"], after["figures"]["sellerDue"]["amount"]]),
        json!(["REPURCHASED", "10000.00"])
    );
    adds_up(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_twenty_repeat_at_once_posts_once() {
    let desk = Desk::new().await;
    let open = with_terms(&desk, json!({ "interestTiming": "REAR" })).await;
    limit(&desk, "DEBTOR", "5000000.00", json!({ "debtorId": desk.buyer })).await;
    let row = confirmed_with(&desk, "F3", "1000000.00", json!({ "dueDate": DUE })).await;
    let ready = ready(&desk, &open, &[&row], "1000000.00").await;
    let (maker, db) = (maker(&desk).await, desk.app().db().read());
    let input = paying_out(&ready, "797000.00", FUNDED);
    let answers = at_once(&maker, "reportDisbursement", "financings { id version }", &input).await;
    assert!(answers.iter().all(|one| one["financings"] == answers[0]["financings"]), "{answers:?}");
    assert_eq!(financing::Entity::find().count(db).await.unwrap(), 1);
    assert_eq!(used(&desk).await, (0, 80_000_000));
    let other = over(input, json!({ "amount": yuan("797000.01") }));
    assert_eq!(maker.refused("reportDisbursement", other).await, refusals(&[("ALREADY_TAKEN", "bankReference")]));
    let financing = answers[0]["financings"][0].clone();
    desk.wait(Duration::days(88));
    let maker = super::maker(&desk).await;
    let input = came(&financing, "400000.00", DUE, "IN-1");
    let answers = at_once(&maker, "reportCollections", "lines { repeated bankReference line }", &input).await;
    let fresh = answers.iter().filter(|one| one["lines"][0]["repeated"] == false).count();
    assert_eq!(fresh, 1, "{answers:?}");
    // Once more with an id of the client, which is another way to be known.
    let known = over(input.clone(), json!({ "clientMutationId": "x" }));
    for _ in 0..2 {
        let again = maker.done("reportCollections", "lines { repeated }", known.clone()).await;
        assert_eq!(again["lines"], json!([{ "repeated": true }]));
    }
    let received = fact::Entity::find().filter(fact::Column::Kind.eq(FactKind::Received));
    assert_eq!(received.count(db).await.unwrap(), 1);
    let posted = posting::Entity::find().filter(posting::Column::Kind.eq(PostingKind::Received));
    let cash = posted.filter(posting::Column::Account.eq(ledger::FinanceAccount::BankCash)).all(db).await.unwrap();
    assert_eq!(cash.iter().map(|leg| leg.amount_minor).collect::<Vec<_>>(), [40_000_000]);
    for other in
        [json!({ "payer": "SELLER" }), json!({ "valueDate": "2026-05-27" }), json!({ "amount": yuan("400000.01") })]
    {
        let sum = if other["amount"].is_object() { "400000.01" } else { "400000.00" };
        let other = batch(&[over(line(&financing, "400000.00", DUE, "IN-1"), other)], sum);
        let refused = maker.refused("reportCollections", other).await;
        assert_eq!(refused, refusals(&[("ALREADY_TAKEN", "items.0.bankReference")]));
    }
    adds_up(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_taken_as_a_whole_and_one_transaction_has_a_line_for_each_receivable() {
    let desk = Desk::new().await;
    let open = with_terms(&desk, json!({ "interestTiming": "REAR" })).await;
    limit(&desk, "DEBTOR", "5000000.00", json!({ "debtorId": desk.buyer })).await;
    let rows = [
        confirmed_with(&desk, "B-1", "600000.00", json!({ "dueDate": DUE })).await,
        confirmed_with(&desk, "B-2", "400000.00", json!({ "dueDate": DUE })).await,
    ];
    let ready = ready(&desk, &open, &[&rows[0], &rows[1]], "1000000.00").await;
    let selection = format!("financings {{ {FINANCING} }}");
    let maker = maker(&desk).await;
    let made = maker.done("reportDisbursement", &selection, paying_out(&ready, "797000.00", FUNDED)).await;
    let (one, two) = (made["financings"][0].clone(), made["financings"][1].clone());
    assert_eq!((figure(&one, "principal"), figure(&two, "principal")), ("480000.00", "320000.00"));
    desk.wait(Duration::days(88));
    let maker = super::maker(&desk).await;
    let first = line(&one, "600000.00", DUE, "IN-1");
    let second = over(line(&two, "400000.00", DUE, "IN-1"), json!({ "line": 2 }));
    for (items, sum, expected) in [
        (vec![first.clone(), second.clone()], "999999.99", ("CONTROL_SUM_MISMATCH", "controlSum")),
        (
            vec![first.clone(), over(second.clone(), json!({ "line": 1 }))],
            "1000000.00",
            ("DUPLICATE", "items.1.bankReference"),
        ),
        (
            vec![first.clone(), over(second.clone(), json!({ "line": 0 }))],
            "1000000.00",
            ("OUT_OF_RANGE", "items.1.line"),
        ),
        (
            vec![first.clone(), over(second.clone(), json!({ "valueDate": "2026-05-29" }))],
            "1000000.00",
            ("OUT_OF_RANGE", "items.1.valueDate"),
        ),
        (
            vec![first.clone(), over(second.clone(), json!({ "financingId": rows[1]["id"] }))],
            "1000000.00",
            ("NOT_FOUND", "items.1.financingId"),
        ),
        (
            vec![first.clone(), over(second.clone(), json!({ "financingId": null }))],
            "1000000.00",
            ("REQUIRED", "items.1.financingId"),
        ),
    ] {
        let refused = maker.refused("reportCollections", batch(&items, sum)).await;
        assert_eq!(refused, refusals(&[expected]), "{sum}");
    }
    let none = fact::Entity::find().filter(fact::Column::Kind.eq(FactKind::Received));
    assert_eq!(none.count(desk.app().db().read()).await.unwrap(), 0, "a part of a batch was posted");
    // By its receivable, half of it first.
    let by_receivable = over(first.clone(), json!({ "financingId": null, "receivableId": rows[0]["id"] }));
    let lines = "lines { repeated line financing { state request { state } } }";
    let done = maker.done("reportCollections", lines, batch(&[by_receivable], "600000.00")).await["lines"].clone();
    let told = |repeated: bool, line: i32, state: &str| {
        let financing = json!({ "state": "CLOSED", "request": { "state": state } });
        json!({ "repeated": repeated, "line": line, "financing": financing })
    };
    assert_eq!(done, json!([told(false, 1, "PART_SETTLED")]));
    let whole = maker.done("reportCollections", lines, batch(&[first, second], "1000000.00")).await["lines"].clone();
    assert_eq!(whole, json!([told(true, 1, "SETTLED"), told(false, 2, "SETTLED")]));
    let seller = desk.supplier(0).await;
    for row in &rows {
        assert_eq!(seen(&desk, &seller, row).await["encumbranceStatus"], "RELEASED");
    }
    assert_eq!(used(&desk).await, (0, 0));
    adds_up(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_reversed_never_came_and_what_it_settled_is_owed_again() {
    let desk = Desk::new().await;
    let lent = rear(&desk).await;
    desk.wait(Duration::days(60));
    collected(&desk, came(&lent.financing, "500000.00", "2026-04-30", "IN-1")).await;
    desk.wait(Duration::days(28));
    day_end::run(desk.app(), day(DUE)).await.unwrap();
    let settled = collected(&desk, came(&lent.financing, "500000.00", DUE, "IN-2")).await;
    assert_eq!(settled["request"]["state"], "SETTLED");
    let maker = maker(&desk).await;
    let selection = format!("financing {{ {FINANCING} }}");
    let back = |of: &str, by: &str| {
        json!({
            "bankReference": of, "reversalReference": by, "valueDate": DUE, "reason": "the wrong account",
        })
    };
    for (wrong, expected) in [
        (json!({ "bankReference": "IN-3" }), ("NOT_FOUND", "bankReference")),
        (json!({ "line": 2 }), ("NOT_FOUND", "bankReference")),
        (json!({ "valueDate": "2026-05-29" }), ("OUT_OF_RANGE", "valueDate")),
        (json!({ "valueDate": "2026-05-27" }), ("OUT_OF_RANGE", "valueDate")),
        (json!({ "reason": "" }), ("REQUIRED", "reason")),
    ] {
        let refused = maker.refused("reverseCollection", over(back("IN-2", "BACK-2"), wrong)).await;
        assert_eq!(refused, refusals(&[expected]));
    }
    // The last one: what is left is owed, the receivable is the bank's again and the limit used.
    let again = maker.done("reverseCollection", &selection, back("IN-2", "BACK-2")).await["financing"].clone();
    assert_eq!(json!([again["state"], again["request"]["state"]]), json!(["OPEN", "PART_SETTLED"]));
    assert_eq!((figure(&again, "principal"), figure(&again, "interestDue")), ("307200.00", "1290.24"));
    assert_eq!(used(&desk).await, (0, 30_720_000));
    let held = seen(&desk, &desk.supplier(0).await, &lent.row).await;
    assert_eq!(json!([held["encumbranceStatus"], held["encumbered"]["amount"]]), json!(["ASSIGNED", "1000000.00"]));
    assert_eq!(seen(&desk, &maker, &lent.row).await["id"], lent.row["id"]);
    adds_up(&desk).await;
    // Said again it is done; it is taken back once.
    let same = maker.done("reverseCollection", &selection, back("IN-2", "BACK-2")).await["financing"].clone();
    assert_eq!(same["version"], again["version"]);
    for (of, by, field) in [("IN-2", "BACK-3", "bankReference"), ("IN-1", "BACK-2", "reversalReference")] {
        let refused = maker.refused("reverseCollection", back(of, by)).await;
        assert_eq!(refused, refusals(&[("ALREADY_TAKEN", field)]), "{of} {by}");
    }
    // The first one too: interest runs on all of it from the beginning.
    let none = maker.done("reverseCollection", &selection, back("IN-1", "BACK-1")).await["financing"].clone();
    assert_eq!(json!([none["state"], none["request"]["state"]]), json!(["OPEN", "DISBURSED"]));
    assert_eq!((figure(&none, "principal"), figure(&none, "interestDue")), ("800000.00", "10560.00"));
    assert_eq!((figure(&none, "received"), figure(&none, "reserve")), ("0.00", "200000.00"));
    assert_eq!(used(&desk).await, (0, 80_000_000));
    adds_up(&desk).await;
    let facts = looked_at(&desk, &none, FACTS).await["facts"]["nodes"].clone();
    let told: Vec<Value> = facts
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            json!([one["kind"], one["bankReference"], one["reversedBy"].is_string(), one["allocation"].is_null()])
        })
        .collect();
    assert_eq!(
        told,
        [
            json!(["DISBURSED", "OUT-1", false, true]),
            json!(["RECEIVED", "IN-1", true, true]),
            json!(["RECEIVED", "IN-2", true, true]),
            json!(["REVERSED", "BACK-2", false, true]),
            json!(["REVERSED", "BACK-1", false, true]),
        ]
    );
    // What comes after all is as if nothing else had: and what is settled once more is free once more.
    let after = collected(&desk, came(&lent.financing, "1000000.00", DUE, "IN-4")).await;
    assert_eq!(
        json!([after["request"]["state"], after["figures"]["sellerDue"]["amount"]]),
        json!(["SETTLED", "189440.00"])
    );
    assert_eq!(seen(&desk, &desk.supplier(0).await, &lent.row).await["encumbranceStatus"], "RELEASED");
    assert_eq!(used(&desk).await, (0, 0));
    adds_up(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_becomes_known_late_counts_from_its_value_date() {
    let desk = Desk::new().await;
    let lent = rear(&desk).await;
    desk.wait(Duration::days(88));
    day_end::run(desk.app(), day(DUE)).await.unwrap();
    let before = looked_at(&desk, &lent.financing, FINANCING).await;
    assert_eq!(json!([before["accruedTo"], before["figures"]["interestDue"]["amount"]]), json!([DUE, "10560.00"]));
    // Half of it came four weeks ago: F6 again, reported the wrong way round.
    let rest = collected(&desk, came(&lent.financing, "500000.00", DUE, "IN-2")).await;
    assert_eq!(rest["request"]["state"], "PART_SETTLED");
    let after = collected(&desk, came(&lent.financing, "500000.00", "2026-04-30", "IN-1")).await;
    assert_eq!(
        json!([after["request"]["state"], after["figures"]["sellerDue"]["amount"]]),
        json!(["SETTLED", "191509.76"])
    );
    assert_eq!(figure(&after, "interestPaid"), "8490.24");
    let recomputed = posting::Entity::find().filter(posting::Column::Kind.eq(PostingKind::Recomputed));
    assert!(recomputed.count(desk.app().db().read()).await.unwrap() > 0, "history was changed");
    adds_up(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_the_face_waits_in_suspense() {
    let desk = Desk::new().await;
    let lent = rear(&desk).await;
    desk.wait(Duration::days(88));
    let over_paid = collected(&desk, came(&lent.financing, "1000000.01", DUE, "IN-1")).await;
    assert_eq!((figure(&over_paid, "suspense"), figure(&over_paid, "sellerDue")), ("0.01", "189440.00"));
    assert_eq!(over_paid["request"]["state"], "SETTLED");
    let again = collected(&desk, came(&lent.financing, "500.00", DUE, "IN-2")).await;
    assert_eq!((figure(&again, "suspense"), figure(&again, "sellerDue")), ("500.01", "189440.00"));
    adds_up(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cover_pays_a_part_the_rest_is_given_up_by_a_second_person_and_made_good_first() {
    let desk = Desk::new().await;
    let lent = lent(&desk, json!({ "interestTiming": "REAR", "recourse": false })).await;
    desk.wait(Duration::days(104));
    assert_eq!(day_end::run(desk.app(), day("2026-06-13")).await.unwrap(), 1);
    let late = looked_at(&desk, &lent.financing, FINANCING).await;
    assert_eq!(json!([late["request"]["state"], late["figures"]["due"]["amount"]]), json!(["OVERDUE", "812540.00"]));
    let (maker, checker) = (maker(&desk).await, checker(&desk).await);
    let asking = |of: &Value| {
        let of = &of["request"];
        json!({ "id": of["id"], "expectedVersion": of["version"], "note": "policy 12 of 2026" })
    };
    let refused = maker.refused("demandRecourse", asking(&late)).await;
    assert_eq!(refused, refusals(&[("ILLEGAL_TRANSITION", "id")]), "the seller does not stand in");
    let claimed = maker.done("claimCover", "request { id version state }", asking(&late)).await["request"].clone();
    assert_eq!(claimed["state"], "COVER_CLAIMED");
    // Ninety per cent.
    let covered = reported(&desk, "reportCoverPaid", paid(&late, "731286.00", "2026-06-13", "COVER-1")).await;
    assert_eq!(json!([covered["state"], covered["request"]["state"]]), json!(["OPEN", "COVER_CLAIMED"]));
    assert_eq!((figure(&covered, "principal"), figure(&covered, "covered")), ("81254.00", "731286.00"));
    assert_eq!(used(&desk).await, (0, 8_125_400));
    let request = covered["request"].clone();
    let giving_up = json!({ "id": request["id"], "expectedVersion": request["version"], "reason": "bankrupt" });
    assert_eq!(maker.denied("writeOffFinancing", giving_up.clone()).await, "FORBIDDEN");
    let lost = checker.done("writeOffFinancing", "request { state }", giving_up).await["request"].clone();
    assert_eq!(lost["state"], "WRITTEN_OFF");
    let lost = looked_at(&desk, &late, FINANCING).await;
    assert_eq!(json!([lost["state"], lost["figures"]["loss"]["amount"]]), json!(["CLOSED", "81254.00"]));
    assert_eq!(used(&desk).await, (0, 0));
    adds_up(&desk).await;
    // Nothing runs any more. What comes after all makes good what was lost, then it is who covered that has it back.
    desk.wait(Duration::days(1));
    assert_eq!(day_end::run(desk.app(), day("2026-06-14")).await.unwrap(), 0);
    let after = collected(&desk, came(&late, "100000.00", "2026-06-14", "IN-1")).await;
    assert_eq!(after["request"]["state"], "WRITTEN_OFF");
    assert_eq!((figure(&after, "loss"), figure(&after, "suspense")), ("0.00", "18746.00"));
    assert_eq!(figure(&after, "covered"), "712540.00");
    assert_eq!(
        seen(&desk, &desk.supplier(0).await, &lent.row).await["encumbranceStatus"],
        "ASSIGNED",
        "what was written off is free to be financed again"
    );
    adds_up(&desk).await;
}

/// Two receivables that money is out on, in one desk.
async fn two(desk: &Desk) {
    let open = with_terms(desk, json!({ "interestTiming": "REAR" })).await;
    limit(desk, "DEBTOR", "5000000.00", json!({ "debtorId": desk.buyer })).await;
    let rows = [
        confirmed_with(desk, "D-1", "600000.00", json!({ "dueDate": DUE })).await,
        confirmed_with(desk, "D-2", "400000.00", json!({ "dueDate": DUE })).await,
    ];
    let ready = ready(desk, &open, &[&rows[0], &rows[1]], "1000000.00").await;
    maker(desk).await.done("reportDisbursement", "financings { id }", paying_out(&ready, "797000.00", FUNDED)).await;
}

/// What was posted as interest: account, amount, value date.
async fn accrued(desk: &Desk) -> Vec<(ledger::FinanceAccount, i64, NaiveDate)> {
    let rows = posting::Entity::find().filter(posting::Column::Kind.eq(PostingKind::Accrued));
    let rows = rows.all(desk.app().db().read()).await.unwrap();
    let mut all: Vec<_> = rows.iter().map(|leg| (leg.account, leg.amount_minor, leg.value_date)).collect();
    all.sort_unstable();
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_of_day_that_was_killed_in_the_middle_comes_to_the_same_as_one_that_was_not() {
    use ledger::FinanceAccount::{Income, Interest};

    let (straight, killed) = (Desk::new().await, Desk::new().await);
    two(&straight).await;
    two(&killed).await;
    assert_eq!(day_end::run(straight.app(), day(FUNDED)).await.unwrap(), 0, "on the first day nothing is earned");
    for desk in [&straight, &killed] {
        desk.wait(Duration::days(10));
    }
    let ends = day("2026-03-11");
    assert_eq!(day_end::run(straight.app(), ends).await.unwrap(), 2);
    assert_eq!(day_end::part(killed.app(), ends, 1).await.unwrap(), (1, false));
    assert_eq!(accrued(&killed).await.len(), 2, "one of two");
    // Another node goes on.
    let node = killed.market.server.second_node().await;
    assert_eq!(day_end::run(&node, ends).await.unwrap(), 1);
    assert_eq!(accrued(&killed).await, accrued(&straight).await);
    let expected =
        [(Interest, 48_000, ends), (Interest, 72_000, ends), (Income, -72_000, ends), (Income, -48_000, ends)];
    assert_eq!(accrued(&straight).await, expected);
    for desk in [&straight, &killed] {
        assert_eq!(day_end::run(desk.app(), ends).await.unwrap(), 0, "a day ends twice");
        assert_eq!(day_end::part(desk.app(), ends, 1).await.unwrap(), (0, true));
        adds_up(desk).await;
    }
    // Days that were left out are made up for by the next; day by day it is the same.
    for desk in [&straight, &killed] {
        desk.wait(Duration::days(2));
    }
    assert_eq!(day_end::run(straight.app(), day("2026-03-13")).await.unwrap(), 2);
    for ends in ["2026-03-12", "2026-03-13"] {
        assert_eq!(day_end::run(killed.app(), day(ends)).await.unwrap(), 2);
    }
    let sum = |all: &[(ledger::FinanceAccount, i64, NaiveDate)]| -> i64 {
        all.iter().filter(|(account, ..)| *account == Interest).map(|(_, minor, _)| minor).sum()
    };
    assert_eq!((sum(&accrued(&straight).await), sum(&accrued(&killed).await)), (144_000, 144_000));
    adds_up(&straight).await;
    adds_up(&killed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_bank_gave_does_not_exist_for_a_bank() {
    const SECOND: &str = "gaoyuan-trade-insurance";
    let desk = Desk::new().await;
    let lent = rear(&desk).await;
    let server = &desk.market.server;
    let roles = json!({ "id": server.organisation(SECOND).await, "roles": ["INSURER", "BANK"] });
    desk.operator().await.done("assignOrganisationRoles", "", roles).await;
    let other = server.anonymous().with_token(server.token(MemberRole::Owner, SECOND).await);
    let out = paying_out(&lent.ready, "797000.00", FUNDED);
    assert_eq!(other.refused("reportDisbursement", out).await, refusals(&[("NOT_FOUND", "requestId")]));
    let input = came(&lent.financing, "1.00", FUNDED, "IN-1");
    let refused = other.refused("reportCollections", input).await;
    assert_eq!(refused, refusals(&[("NOT_FOUND", "items.0.financingId")]));
    let step = json!({ "id": lent.ready["id"], "expectedVersion": 1, "note": "x" });
    for mutation in ["demandRecourse", "claimCover"] {
        assert_eq!(other.refused(mutation, step.clone()).await, refusals(&[("NOT_FOUND", "id")]), "{mutation}");
    }
    let step = json!({ "id": lent.ready["id"], "expectedVersion": 1, "reason": "x" });
    assert_eq!(other.refused("writeOffFinancing", step).await, refusals(&[("NOT_FOUND", "id")]));
    // The same reference is another bank's own.
    let back = json!({ "bankReference": "OUT-1", "reversalReference": "B", "valueDate": FUNDED, "reason": "x" });
    assert_eq!(other.refused("reverseCollection", back).await, refusals(&[("NOT_FOUND", "bankReference")]));
    let seen = desk.one(&other, "financing", &lent.financing["id"], "id").await;
    assert_eq!(seen, Value::Null);
    let ledger = "query($id: ID!) { financeLedger(financingId: $id) { balances { account } } }";
    let seen = other.data(ledger, json!({ "id": lent.financing["id"] })).await["financeLedger"].clone();
    assert_eq!(seen, Value::Null);
    let query = "{ exposure(by: DEBTOR) { financings } ageing { financings } financings { nodes { id } } }";
    let nothing = json!({ "exposure": [], "ageing": [], "financings": { "nodes": [] } });
    assert_eq!(other.data(query, json!({})).await, nothing);
    let everything = desk.auditor().await.data(query, json!({})).await;
    assert_eq!(everything["exposure"], json!([{ "financings": 1 }]));
}
