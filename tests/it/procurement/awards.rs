//! Awards: a line to one supplier or several, with a reason when it is not the cheapest, never more than was asked for;
//! and one action makes orders of all of it, or of what is named.

use std::sync::Arc;

use chrono::Duration;
use futures_util::future::join_all;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tokio::sync::Barrier;

use super::{Desk, RFQ, over, step};
use crate::support::Client;

const AWARDED: &str = "rfq { state } awards { id lineId quotationId quantity price { amount currency } landed reason \
                       purchaseOrder { id } } purchaseOrders { id }";
const ORDERS: &str = "purchaseOrders { id version state supplier { id } net { amount currency } note \
                      exchangeRate { rate source } lines(first: 10) { nodes { quantity neededOn amount { amount } \
                      price { amount } } } }";

/// A request of a hundred and fifty pieces that three suppliers quoted, opened; and its quotations.
struct Bids {
    desk: Desk,
    rfq: Value,
    quotations: Vec<Value>,
}

impl Bids {
    /// What each supplier quotes of the two lines.
    async fn of(prices: [&[&str]; 3]) -> Self {
        let desk = Desk::new().await;
        let rfq = desk.published_rfq().await;
        let mut quotations = Vec::new();
        for (n, prices) in prices.into_iter().enumerate() {
            quotations.push(desk.quoted(n, &rfq, prices).await["id"].clone());
        }
        desk.opened(&rfq).await;
        Self { desk, rfq, quotations }
    }

    async fn usual() -> Self {
        Self::of([&["10.00", "5.00"], &["11.00", "4.00"], &["12.00", ""]]).await
    }

    /// One request, one quotation of the first supplier with these lines laid over its head.
    async fn single(more: impl Fn(&Desk, &Value) -> Value) -> Self {
        let desk = Desk::new().await;
        let rfq = desk.published_rfq().await;
        let input = desk.quoting(&rfq, &["10.00", "5.00"], more(&desk, &rfq));
        let made = desk.supplier(0).await.done("submitQuotation", "quotation { id }", input).await;
        let quotations = vec![made["quotation"]["id"].clone()];
        desk.opened(&rfq).await;
        Self { desk, rfq, quotations }
    }

    /// One request, opened; each of the first suppliers quotes these terms.
    async fn under(terms: impl Fn(&Desk, &Value) -> Vec<Value>) -> Self {
        let desk = Desk::new().await;
        let rfq = desk.published_rfq().await;
        let mut quotations = Vec::new();
        for (n, more) in terms(&desk, &rfq).into_iter().enumerate() {
            let input = desk.quoting(&rfq, &["10.00", "5.00"], more);
            let made = desk.supplier(n).await.done("submitQuotation", "quotation { id }", input).await;
            quotations.push(made["quotation"]["id"].clone());
        }
        desk.opened(&rfq).await;
        Self { desk, rfq, quotations }
    }

    /// A kept comparison by price alone.
    async fn kept(&self) -> Value {
        self.kept_with(json!({})).await
    }

    async fn kept_with(&self, more: Value) -> Value {
        let assumptions =
            json!({ "currency": "CNY", "weights": { "pricePercent": 80, "leadPercent": 20, "qualityPercent": 0 } });
        let assumptions = over(assumptions, more);
        let input = json!({ "rfqId": self.rfq["id"], "assumptions": assumptions });
        let buyer = self.desk.purchaser().await;
        buyer.done("keepComparison", "comparison { id }", input).await["comparison"]["id"].clone()
    }

    fn line(&self, n: usize) -> &Value {
        &self.rfq["lines"]["nodes"][n]["id"]
    }

    /// So many of a line to a supplier.
    fn to(&self, line: usize, supplier: usize, quantity: i64, more: Value) -> Value {
        let input =
            json!({ "lineId": self.line(line), "quotationId": self.quotations[supplier], "quantity": quantity });
        over(input, more)
    }

    fn awarding(&self, lines: &[Value], more: Value) -> Value {
        over(json!({ "rfqId": self.rfq["id"], "lines": lines }), more)
    }

    async fn refused(&self, lines: &[Value], more: Value) -> Vec<(String, String)> {
        self.desk.purchaser().await.refused("awardRfq", self.awarding(lines, more)).await
    }

    /// What is awarded now, with no more said.
    async fn awarded(&self, lines: &[Value]) -> Value {
        self.desk.purchaser().await.done("awardRfq", AWARDED, self.awarding(lines, json!({}))).await
    }

    fn converting(&self, more: Value) -> Value {
        over(json!({ "rfqId": self.rfq["id"] }), more)
    }

    async fn converted(&self, more: Value) -> Vec<Value> {
        let buyer = self.desk.purchaser().await;
        let made = buyer.done("convertAwardsToOrders", ORDERS, self.converting(more)).await;
        made["purchaseOrders"].as_array().unwrap().clone()
    }

    async fn not_converted(&self, more: Value) -> Vec<(String, String)> {
        self.desk.purchaser().await.refused("convertAwardsToOrders", self.converting(more)).await
    }

    /// The order of each award.
    async fn orders(&self) -> Vec<Value> {
        let list = "query($id: ID!) { rfqAwards(rfqId: $id, first: 100) { nodes { purchaseOrder { id } } } }";
        let found = self.desk.purchaser().await.data(list, json!({ "id": self.rfq["id"] })).await;
        let nodes = found["rfqAwards"]["nodes"].as_array().unwrap().iter();
        nodes.map(|award| award["purchaseOrder"]["id"].clone()).collect()
    }

    async fn awards(&self, client: &Client) -> Vec<Value> {
        let list = "query($id: ID!) { rfqAwards(rfqId: $id, first: 100) { nodes { lineId quantity reason landed \
                    awardedBy comparisonId } } }";
        let found = client.data(list, json!({ "id": self.rfq["id"] })).await;
        found["rfqAwards"]["nodes"].as_array().unwrap().clone()
    }

    async fn state(&self) -> Value {
        self.desk.one(&self.desk.purchaser().await, "rfq", &self.rfq["id"], "state").await["state"].clone()
    }

    async fn of_quotation(&self, n: usize) -> Value {
        self.desk.one(&self.desk.supplier(n).await, "quotation", &self.quotations[n], "state").await["state"].clone()
    }
}

fn refusals(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(code, field)| ((*code).to_owned(), (*field).to_owned())).collect()
}

fn price(amount: &str, currency: &str) -> Value {
    json!({ "amount": amount, "currency": currency })
}

/// What is quoted of a line of a request, in tiers of renminbi.
fn tiered(rfq: &Value, line: usize, tiers: &[(i64, &str)]) -> Value {
    let tiers: Vec<Value> =
        tiers.iter().map(|(from, amount)| json!({ "minQuantity": from, "price": price(amount, "CNY") })).collect();
    json!({ "lineId": rfq["lines"]["nodes"][line]["id"], "tiers": tiers, "taxPpm": 130_000 })
}

/// A value of the details of the only refusal.
fn detail<'a>(payload: &'a Value, name: &str) -> &'a Value {
    let errors = payload["userErrors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{payload}");
    let details = errors[0]["details"].as_array().unwrap();
    &details.iter().find(|detail| detail["name"] == name).unwrap_or_else(|| panic!("no {name} in {payload}"))["value"]
}

fn because() -> Value {
    json!({ "reason": "产能不足，分散风险" })
}

#[tokio::test]
async fn a_line_goes_to_two_suppliers_and_one_action_makes_their_orders() {
    let bids = Bids::usual().await;
    let (desk, kept) = (&bids.desk, bids.kept().await);
    let rests = json!({ "comparisonId": kept });
    let silent = [bids.to(0, 0, 60, json!({})), bids.to(0, 1, 40, json!({})), bids.to(1, 1, 50, json!({}))];
    assert_eq!(bids.refused(&silent, rests.clone()).await, refusals(&[("REQUIRED", "lines.1.reason")]));
    let lines = [bids.to(0, 0, 60, json!({})), bids.to(0, 1, 40, because()), bids.to(1, 1, 50, json!({}))];
    let buyer = desk.purchaser().await;
    let done = buyer.done("awardRfq", AWARDED, bids.awarding(&lines, rests)).await;
    assert_eq!(done["rfq"]["state"], "AWARDED");
    assert_eq!(done["purchaseOrders"], json!([]), "orders are made when they are asked for");
    let of = |n: usize| {
        json!([done["awards"][n]["quantity"], done["awards"][n]["price"]["amount"], done["awards"][n]["landed"]])
    };
    assert_eq!([of(0), of(1), of(2)], [json!([60, "10", "10"]), json!([40, "11", "11"]), json!([50, "4", "4"])]);
    let states = [bids.of_quotation(0).await, bids.of_quotation(1).await, bids.of_quotation(2).await];
    assert_eq!(states, ["AWARDED", "AWARDED", "LOST"]);

    let seen = bids.awards(&desk.supplier(1).await).await;
    assert_eq!(seen.len(), 2, "a supplier sees what it got, and no other's");
    for award in &seen {
        let hidden = json!([award["reason"], award["landed"], award["awardedBy"], award["comparisonId"]]);
        assert_eq!(hidden, json!([null, null, null, null]), "and not why");
    }
    assert_eq!(bids.awards(&desk.supplier(2).await).await.len(), 0);
    assert_eq!(bids.awards(&buyer).await.len(), 3);

    let convert = json!({ "rfqId": bids.rfq["id"], "clientMutationId": "orders" });
    let selection = "purchaseOrders { id state lines(first: 10) { nodes { quantity } } }";
    let made = buyer.done("convertAwardsToOrders", selection, convert.clone()).await["purchaseOrders"].clone();
    let quantities = |order: &Value| {
        let lines = order["lines"]["nodes"].as_array().unwrap().iter();
        lines.map(|line| line["quantity"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    let mut orders: Vec<Vec<i64>> = made.as_array().unwrap().iter().map(quantities).collect();
    orders.sort();
    assert_eq!(orders, [vec![40, 50], vec![60]], "one order a supplier");
    let again = buyer.done("convertAwardsToOrders", selection, convert).await["purchaseOrders"].clone();
    assert_eq!(again, made, "a repeat makes no other orders");
    let once_more = json!({ "rfqId": bids.rfq["id"] });
    let refused = buyer.refused("convertAwardsToOrders", once_more).await;
    assert_eq!(refused, refusals(&[("INCOMPLETE", "rfqId")]), "an award becomes one order");
}

#[tokio::test]
async fn the_rest_of_a_request_is_awarded_later_and_orders_are_made_at_once() {
    let bids = Bids::usual().await;
    let kept = json!({ "comparisonId": bids.kept().await, "makeOrders": true });
    let buyer = bids.desk.purchaser().await;
    let part = bids.awarding(&[bids.to(0, 0, 60, json!({}))], kept.clone());
    let done = buyer.done("awardRfq", AWARDED, part).await;
    assert_eq!(done["rfq"]["state"], "PARTLY_AWARDED");
    assert_eq!(done["awards"][0]["purchaseOrder"]["id"], done["purchaseOrders"][0]["id"]);
    assert_eq!(bids.of_quotation(1).await, "SUBMITTED", "who may still get the rest has not lost");
    let twice = [bids.to(0, 0, 10, json!({}))];
    assert_eq!(bids.refused(&twice, kept.clone()).await, refusals(&[("DUPLICATE", "lines.0.lineId")]));
    let rest = bids.awarding(&[bids.to(0, 1, 40, because()), bids.to(1, 0, 50, because())], kept);
    let done = buyer.done("awardRfq", AWARDED, rest).await;
    assert_eq!(done["rfq"]["state"], "AWARDED");
    assert_eq!(done["purchaseOrders"].as_array().unwrap().len(), 2, "who won before may win again");
    let closed = bids.refused(&[bids.to(1, 1, 1, because())], json!({})).await;
    assert_eq!(closed, refusals(&[("ILLEGAL_TRANSITION", "rfqId")]));
}

#[tokio::test]
async fn without_a_comparison_a_reason_is_given_unless_only_one_quoted() {
    let bids = Bids::of([&["10.00", ""], &["", "4.00"], &["", "3.00"]]).await;
    let lines = [bids.to(0, 0, 100, json!({})), bids.to(1, 2, 50, json!({}))];
    assert_eq!(bids.refused(&lines, json!({})).await, refusals(&[("REQUIRED", "lines.1.reason")]));
    let lines = [bids.to(0, 0, 100, json!({})), bids.to(1, 2, 50, because())];
    let done = bids.desk.purchaser().await.done("awardRfq", AWARDED, bids.awarding(&lines, json!({}))).await;
    assert_eq!((&done["rfq"]["state"], &done["awards"][0]["landed"]), (&json!("AWARDED"), &Value::Null));
}

#[tokio::test]
async fn what_cannot_be_awarded_is_refused_by_its_line() {
    let bids = Bids::usual().await;
    let other = bids.desk.published_rfq().await;
    let foreign = bids.desk.quoted(0, &other, &["10.00", "5.00"]).await["id"].clone();
    for (lines, expected) in [
        (vec![], [("REQUIRED", "lines")]),
        (vec![bids.to(0, 0, 101, because())], [("OUT_OF_RANGE", "lines.0.quantity")]),
        (vec![bids.to(0, 0, 0, because())], [("OUT_OF_RANGE", "lines.0.quantity")]),
        (vec![bids.to(0, 0, 60, because()), bids.to(0, 1, 41, because())], [("OUT_OF_RANGE", "lines.1.quantity")]),
        (vec![bids.to(0, 0, 60, because()), bids.to(0, 0, 40, because())], [("DUPLICATE", "lines.1.lineId")]),
        (vec![bids.to(1, 2, 50, because())], [("NOT_FOUND", "lines.0.lineId")]),
        (vec![bids.to(0, 0, 60, json!({ "reason": "长".repeat(301) }))], [("TOO_LONG", "lines.0.reason")]),
        (
            vec![bids.to(0, 0, 60, json!({ "reason": "x", "lineId": other["lines"]["nodes"][0]["id"] }))],
            [("NOT_FOUND", "lines.0.lineId")],
        ),
        (
            vec![bids.to(0, 0, 60, json!({ "reason": "x", "quotationId": foreign }))],
            [("NOT_FOUND", "lines.0.quotationId")],
        ),
    ] {
        assert_eq!(bids.refused(&lines, json!({})).await, refusals(&expected), "{lines:?}");
    }
    assert_eq!(bids.state().await, "CLOSED", "a refused award changes nothing");
    let lines = [bids.to(0, 0, 60, because())];
    let unknown = json!({ "comparisonId": other["id"] });
    assert_eq!(bids.refused(&lines, unknown).await, refusals(&[("NOT_FOUND", "comparisonId")]));
    let input = bids.awarding(&lines, json!({}));
    let supplier = bids.desk.supplier(0).await;
    assert_eq!(supplier.refused("awardRfq", input.clone()).await, refusals(&[("NOT_FOUND", "rfqId")]));
    assert_eq!(bids.desk.receiver().await.denied("awardRfq", input).await, "FORBIDDEN");
}

#[tokio::test]
async fn nothing_is_awarded_while_quotations_are_sealed() {
    let desk = Desk::new().await;
    let rfq = desk.published_rfq().await;
    let quotation = desk.quoted(0, &rfq, &["10.00", "5.00"]).await["id"].clone();
    let line = json!({ "lineId": rfq["lines"]["nodes"][0]["id"], "quotationId": quotation, "quantity": 100 });
    let refused = desk.purchaser().await.refused("awardRfq", json!({ "rfqId": rfq["id"], "lines": [line] })).await;
    assert_eq!(refused, refusals(&[("SEALED", "rfqId")]));
}

#[tokio::test]
async fn a_supplier_gets_what_it_sells_and_has_and_no_less_than_its_least_order() {
    let bids = Bids::single(|_, rfq| {
        let price = |amount: &str| json!({ "amount": amount, "currency": "CNY" });
        let tiers =
            json!([{ "minQuantity": 1, "price": price("12.00") }, { "minQuantity": 100, "price": price("11.20") }]);
        let first = json!({ "lineId": rfq["lines"]["nodes"][0]["id"], "tiers": tiers, "mode": "GRADUATED", "moq": 50,
            "multiple": 10, "taxPpm": 130_000 });
        let second = json!({ "lineId": rfq["lines"]["nodes"][1]["id"], "tiers": [{ "minQuantity": 1,
            "price": price("5.00") }], "available": 30, "taxPpm": 130_000 });
        json!({ "lines": [first, second], "minValue": { "amount": "1000.00", "currency": "CNY" } })
    })
    .await;
    for (lines, expected) in [
        (vec![bids.to(0, 0, 37, json!({}))], [("BELOW_MINIMUM_ORDER", "lines.0.quantity")]),
        (vec![bids.to(0, 0, 55, json!({}))], [("NOT_A_MULTIPLE", "lines.0.quantity")]),
        (vec![bids.to(1, 0, 31, json!({}))], [("OUT_OF_STOCK", "lines.0.quantity")]),
        (vec![bids.to(1, 0, 30, json!({}))], [("BELOW_MINIMUM_ORDER", "lines.0.quotationId")]),
    ] {
        assert_eq!(bids.refused(&lines, json!({})).await, refusals(&expected), "{lines:?}");
    }
    let lines = [bids.to(0, 0, 100, json!({})), bids.to(1, 0, 30, json!({}))];
    let done = bids.desk.purchaser().await.done("awardRfq", AWARDED, bids.awarding(&lines, json!({}))).await;
    assert_eq!(done["awards"][0]["price"]["amount"], "11.992", "99 at 12.00 and one at 11.20 come to 1,199.20");
    assert_eq!(done["rfq"]["state"], "PARTLY_AWARDED", "of the second line 20 are left");
}

#[tokio::test]
async fn a_quotation_that_does_not_hold_any_more_gets_nothing() {
    let bids = Bids::usual().await;
    bids.desk.wait(Duration::days(31));
    let lines = [bids.to(0, 0, 60, because())];
    assert_eq!(bids.refused(&lines, json!({})).await, refusals(&[("QUOTE_EXPIRED", "lines.0.quotationId")]));
    bids.desk.swept().await;
    assert_eq!(bids.refused(&lines, json!({})).await, refusals(&[("QUOTE_EXPIRED", "lines.0.quotationId")]));
}

/// So many ask at the same moment.
const CLIENTS: usize = 16;

/// All of these begin at the same moment; what each answers, in their order.
async fn at_once(client: &Client, mutation: &'static str, selection: &'static str, asked: Vec<Value>) -> Vec<Value> {
    let barrier = Arc::new(Barrier::new(asked.len()));
    let tasks = asked.into_iter().map(|input| {
        let (client, barrier) = (client.clone(), Arc::clone(&barrier));
        tokio::spawn(async move {
            barrier.wait().await;
            client.payload(mutation, selection, input).await
        })
    });
    join_all(tasks).await.into_iter().map(|answer| answer.expect("a client broke down")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_award_at_once_no_more_goes_out_than_was_asked_for() {
    let bids = Bids::usual().await;
    let buyer = bids.desk.purchaser().await;
    // Half of them to each of two suppliers.
    let one = |n: usize| bids.awarding(&[bids.to(0, n % 2, 60, because())], json!({}));
    let answers = at_once(&buyer, "awardRfq", AWARDED, (0..CLIENTS).map(one).collect()).await;
    let won: Vec<usize> = (0..CLIENTS).filter(|n| answers[*n]["userErrors"] == json!([])).collect();
    assert_eq!(won.len(), 1, "{answers:?}");
    for (n, lost) in answers.iter().enumerate().filter(|(n, _)| !won.contains(n)) {
        // Who gets something of a line gets nothing more of it, and for another 60 is too much.
        let same = n % 2 == won[0] % 2;
        let expected = if same { ("DUPLICATE", "lineId") } else { ("OUT_OF_RANGE", "quantity") };
        let error = &lost["userErrors"][0];
        let field = json!(["lines", "0", expected.1]);
        assert_eq!((&error["code"], &error["field"]), (&json!(expected.0), &field), "{lost}");
    }
    let awarded: i64 = bids.awards(&buyer).await.iter().map(|award| award["quantity"].as_i64().unwrap()).sum();
    assert_eq!(awarded, 60);
    let line = bids.desk.one(&buyer, "rfq", &bids.rfq["id"], "lines(first: 1) { nodes { awarded } }").await;
    assert_eq!(line["lines"]["nodes"][0]["awarded"], 60);
}

#[tokio::test]
async fn the_cheapest_is_who_asks_least_for_the_quantity_that_is_awarded() {
    let bids = Bids::under(|_, rfq| {
        [&[(1, "12.00"), (100, "9.00")][..], &[(1, "10.00")]]
            .map(|tiers| json!({ "lines": [tiered(rfq, 0, tiers)] }))
            .to_vec()
    })
    .await;
    let rests = json!({ "comparisonId": bids.kept().await });
    let dear = [bids.to(0, 0, 60, json!({}))];
    assert_eq!(bids.refused(&dear, rests.clone()).await, refusals(&[("REQUIRED", "lines.0.reason")]), "60 cost 12.00");
    let dear = [bids.to(0, 1, 100, json!({}))];
    assert_eq!(bids.refused(&dear, rests.clone()).await, refusals(&[("REQUIRED", "lines.0.reason")]), "100 cost 9.00");
    let lines = [bids.to(0, 0, 60, because()), bids.to(0, 1, 40, json!({}))];
    let done = bids.desk.purchaser().await.done("awardRfq", AWARDED, bids.awarding(&lines, rests)).await;
    let shown = |n: usize| json!([done["awards"][n]["price"]["amount"], done["awards"][n]["landed"]]);
    assert_eq!(shown(0), json!(["12", null]), "the landed cost at 9.00 is not what it costs");
    assert_eq!(shown(1), json!(["10", "10"]), "nobody sells 40 for less");
}

#[tokio::test]
async fn who_does_not_quote_any_more_is_nobodys_cheapest() {
    let bids = Bids::under(|desk, rfq| {
        let short = json!({ "lines": [tiered(rfq, 0, &[(1, "8.00")])], "validUntil": desk.day(4) });
        vec![short, json!({ "lines": [tiered(rfq, 0, &[(1, "10.00")])] })]
    })
    .await;
    let lines = [bids.to(0, 1, 60, json!({}))];
    let kept = json!({ "comparisonId": bids.kept().await });
    for more in [json!({}), kept.clone()] {
        assert_eq!(bids.refused(&lines, more).await, refusals(&[("REQUIRED", "lines.0.reason")]));
    }
    bids.desk.wait(Duration::days(2));
    let buyer = bids.desk.purchaser().await;
    let done = buyer.done("awardRfq", AWARDED, bids.awarding(&lines, kept)).await;
    assert_eq!(done["awards"][0]["reason"], Value::Null);
}

#[tokio::test]
async fn the_only_quotation_that_stands_needs_no_reason() {
    let bids = Bids::under(|desk, rfq| {
        let short = json!({ "lines": [tiered(rfq, 0, &[(1, "8.00")])], "validUntil": desk.day(4) });
        vec![short, json!({ "lines": [tiered(rfq, 0, &[(1, "10.00")])] })]
    })
    .await;
    bids.desk.wait(Duration::days(2));
    let done = bids.awarded(&[bids.to(0, 1, 60, json!({}))]).await;
    assert_eq!(done["rfq"]["state"], "PARTLY_AWARDED");
}

/// The first supplier sells both lines, from a thousand on.
async fn at_least_a_thousand() -> Bids {
    Bids::under(|_, _| vec![json!({ "minValue": price("1000.00", "CNY") })]).await
}

#[tokio::test]
async fn what_was_ordered_before_does_not_count_for_the_least_order() {
    let bids = at_least_a_thousand().await;
    let buyer = bids.desk.purchaser().await;
    let first = bids.awarding(&[bids.to(0, 0, 100, json!({}))], json!({ "makeOrders": true }));
    buyer.done("awardRfq", AWARDED, first).await;
    let second = [bids.to(1, 0, 50, json!({}))];
    let refused = bids.refused(&second, json!({})).await;
    assert_eq!(refused, refusals(&[("BELOW_MINIMUM_ORDER", "lines.0.quotationId")]));

    let bids = at_least_a_thousand().await;
    bids.awarded(&[bids.to(0, 0, 100, json!({}))]).await;
    let rest = bids.awarded(&[bids.to(1, 0, 50, json!({}))]).await;
    let alone = json!({ "awardIds": [rest["awards"][0]["id"]] });
    assert_eq!(bids.not_converted(alone).await, refusals(&[("BELOW_MINIMUM_ORDER", "awardIds")]));
    let orders = bids.converted(json!({})).await;
    assert_eq!((orders.len(), &orders[0]["net"]["amount"]), (1, &json!("1250.00")), "together they are enough");
}

/// Sixty and forty of the first line, fifty of the second: to the first supplier, and to the second.
async fn split(bids: &Bids) -> Vec<Value> {
    let lines = [bids.to(0, 0, 60, because()), bids.to(0, 1, 40, because()), bids.to(1, 1, 50, because())];
    let done = bids.awarded(&lines).await;
    done["awards"].as_array().unwrap().iter().map(|award| award["id"].clone()).collect()
}

#[tokio::test]
async fn awards_that_are_named_are_ordered_and_those_of_an_order_that_is_over_once_more() {
    let bids = Bids::usual().await;
    let awards = split(&bids).await;
    let other = json!(bids.quotations[0]);
    for (named, expected) in [
        (json!([]), [("REQUIRED", "awardIds")]),
        (json!(vec![other.clone(); 501]), [("TOO_MANY", "awardIds")]),
        (json!([awards[0], other]), [("NOT_FOUND", "awardIds.1")]),
        (json!([awards[0], awards[1], awards[0]]), [("DUPLICATE", "awardIds.2")]),
    ] {
        assert_eq!(bids.not_converted(json!({ "awardIds": named })).await, refusals(&expected), "{named}");
    }
    let elsewhere = Bids::usual().await;
    let foreign = split(&elsewhere).await[0].clone();
    let named = json!({ "awardIds": [awards[0], foreign] });
    assert_eq!(bids.not_converted(named).await, refusals(&[("NOT_FOUND", "awardIds.1")]));

    let first = json!({ "awardIds": [awards[0]] });
    let made = bids.converted(first.clone()).await;
    assert_eq!(made.len(), 1);
    assert_eq!(made[0]["supplier"]["id"], bids.desk.suppliers[0]);
    assert_eq!(bids.not_converted(first.clone()).await, refusals(&[("ALREADY_TAKEN", "awardIds.0")]));

    // Its buyer gives it up; what was awarded is ordered again.
    let buyer = bids.desk.purchaser().await;
    buyer.done("cancelPurchaseOrder", "", over(step(&made[0]), json!({ "reason": "重新下单" }))).await;
    // Also where the award still names it.
    let tied = "UPDATE rfq_award SET order_id = (SELECT id FROM purchase_order WHERE state = 'cancelled') \
                WHERE order_id IS NULL AND quantity = 60";
    let changed = bids.desk.app().db().writer().execute_unprepared(tied).await.unwrap();
    assert!(changed.rows_affected() <= 1);
    let again = bids.converted(first.clone()).await;
    assert_eq!(again.len(), 1);
    assert_ne!(again[0]["id"], made[0]["id"]);
    // Its supplier does not deliver it; what was awarded is ordered again.
    let order = bids.desk.stepped("submitPurchaseOrder", &bids.desk.purchaser().await, step(&again[0])).await;
    let order = bids.desk.approve(&order).await;
    let order = bids.desk.stepped("sendPurchaseOrder", &bids.desk.purchaser().await, step(&order)).await;
    let supplier = bids.desk.supplier(0).await;
    supplier.done("rejectPurchaseOrder", "", over(step(&order), json!({ "reason": "停产" }))).await;
    let third = bids.converted(first).await;
    // The others wait until nobody is named.
    let rest = bids.converted(json!({})).await;
    assert_eq!(rest.len(), 1, "what is part of an order that stands is ordered once");
    assert_eq!(rest[0]["supplier"]["id"], bids.desk.suppliers[1]);
    assert_eq!(rest[0]["lines"]["nodes"].as_array().unwrap().len(), 2);
    let orders = bids.orders().await;
    let of = |made: &Value| orders.iter().filter(|order| **order == made["id"]).count();
    assert_eq!((of(&third[0]), of(&rest[0])), (1, 2), "{orders:?}");
    assert_eq!(bids.not_converted(json!({})).await, refusals(&[("INCOMPLETE", "rfqId")]));
}

#[tokio::test]
async fn a_supplier_that_is_blocked_gets_no_award_and_holds_up_no_order_of_the_others() {
    let bids = Bids::usual().await;
    let owner = bids.desk.owner().await;
    let block = |n: usize| json!({ "supplierId": bids.desk.suppliers[n], "reason": "质量问题" });
    owner.done("blockSupplier", "", block(2)).await;
    let lines = [bids.to(0, 0, 60, because()), bids.to(0, 2, 40, because())];
    let refused = bids.refused(&lines, json!({})).await;
    assert_eq!(refused, refusals(&[("SUPPLIER_BLOCKED", "lines.1.quotationId")]));
    assert_eq!(bids.awards(&bids.desk.purchaser().await).await.len(), 0, "all of them or none");

    let awards = split(&bids).await;
    owner.done("blockSupplier", "", block(0)).await;
    let buyer = bids.desk.purchaser().await;
    let payload = buyer.payload("convertAwardsToOrders", "", bids.converting(json!({}))).await;
    assert_eq!(payload["userErrors"][0]["code"], "SUPPLIER_BLOCKED");
    assert_eq!(*detail(&payload, "supplierId"), bids.desk.suppliers[0], "it says because of whom");
    assert_eq!(bids.orders().await, [Value::Null, Value::Null, Value::Null], "all of them or none");
    let made = bids.converted(json!({ "awardIds": [awards[1], awards[2]] })).await;
    assert_eq!(made.len(), 1, "the others are ordered by naming them");
    assert_eq!(made[0]["supplier"]["id"], bids.desk.suppliers[1]);
}

/// Another round of a request that was opened.
async fn round(bids: &Bids) -> Value {
    let buyer = bids.desk.purchaser().await;
    let closed = bids.desk.one(&buyer, "rfq", &bids.rfq["id"], RFQ).await;
    let again = over(step(&closed), json!({ "deadline": bids.desk.moment(48) }));
    buyer.done("startRfqRound", &format!("rfq {{ {RFQ} }}"), again).await["rfq"].clone()
}

#[tokio::test]
async fn the_quotations_of_the_round_before_stand_until_somebody_quotes_anew() {
    let bids = Bids::usual().await;
    let kept = json!({ "comparisonId": bids.kept().await });
    let second = round(&bids).await;
    bids.desk.opened(&second).await;
    let buyer = bids.desk.purchaser().await;
    let lines = [bids.to(0, 0, 60, json!({}))];
    let done = buyer.done("awardRfq", AWARDED, bids.awarding(&lines, kept)).await;
    assert_eq!(done["rfq"]["state"], "PARTLY_AWARDED", "nobody quoted in the second round");
    assert_eq!(bids.converted(json!({})).await.len(), 1);

    let bids = Bids::usual().await;
    let kept = json!({ "comparisonId": bids.kept().await });
    let second = round(&bids).await;
    let anew = bids.desk.quoted(1, &second, &["9.50", "4.00"]).await["id"].clone();
    bids.desk.opened(&second).await;
    let lines = [bids.to(0, 0, 60, because())];
    assert_eq!(bids.refused(&lines, json!({})).await, refusals(&[("NOT_FOUND", "lines.0.quotationId")]));
    let lines = [json!({ "lineId": bids.line(0), "quotationId": anew, "quantity": 60 })];
    assert_eq!(bids.refused(&lines, kept).await, refusals(&[("NOT_FOUND", "comparisonId")]), "that is of other prices");
    bids.awarded(&lines).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_order_at_once_one_does() {
    let bids = Bids::usual().await;
    split(&bids).await;
    let buyer = bids.desk.purchaser().await;
    let asked = vec![bids.converting(json!({})); CLIENTS];
    let answers = at_once(&buyer, "convertAwardsToOrders", ORDERS, asked).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|payload| payload["userErrors"] == json!([]));
    assert_eq!(won.len(), 1, "{answers:?}");
    for payload in lost {
        let error = &payload["userErrors"][0];
        assert_eq!((&error["code"], &error["field"]), (&json!("INCOMPLETE"), &json!(["rfqId"])), "{payload}");
    }
    let all = buyer.data("{ purchaseOrders(first: 100) { nodes { id } } }", json!({})).await;
    assert_eq!(all["purchaseOrders"]["nodes"].as_array().unwrap().len(), 2, "one order a supplier: {all}");
    assert!(bids.orders().await.iter().all(Value::is_string));
}

/// The first supplier quotes a line in dollars; ten of it are awarded on the ground of a comparison, or of none.
async fn in_dollars(compared: bool) -> Bids {
    let bids = Bids::under(|_, rfq| {
        let tiers = json!([{ "minQuantity": 1, "price": price("10.00", "USD") }]);
        let line = json!({ "lineId": rfq["lines"]["nodes"][0]["id"], "tiers": tiers, "taxPpm": 130_000 });
        vec![json!({ "currency": "USD", "lines": [line] })]
    })
    .await;
    let rate = json!({ "rate": "7.10", "source": "SAFE", "on": bids.desk.day(0) });
    let with = json!({ "rates": [{ "currency": "USD", "fx": rate }] });
    let more = if compared { json!({ "comparisonId": bids.kept_with(with).await }) } else { json!({}) };
    let lines = [bids.to(0, 0, 10, json!({}))];
    bids.desk.purchaser().await.done("awardRfq", AWARDED, bids.awarding(&lines, more)).await;
    bids
}

#[tokio::test]
async fn dollars_are_ordered_at_the_rate_of_the_comparison_or_at_one_that_is_said() {
    let bids = in_dollars(true).await;
    let order = bids.converted(json!({})).await.remove(0);
    assert_eq!(order["net"], price("100.00", "USD"));
    assert_eq!(order["exchangeRate"], json!({ "rate": "7.1", "source": "SAFE" }));

    let bids = in_dollars(false).await;
    let buyer = bids.desk.purchaser().await;
    let payload = buyer.payload("convertAwardsToOrders", "", bids.converting(json!({}))).await;
    let error = &payload["userErrors"][0];
    assert_eq!((&error["code"], &error["field"]), (&json!("INCOMPLETE"), &json!(["rates"])));
    assert_eq!(*detail(&payload, "missing"), "USD/CNY");
    assert_eq!(*detail(&payload, "supplierId"), bids.desk.suppliers[0]);
    let rate = json!({ "rate": "7.2", "source": "中国银行", "on": bids.desk.day(0) });
    let order = bids.converted(json!({ "rates": [{ "currency": "USD", "fx": rate }] })).await.remove(0);
    assert_eq!(order["exchangeRate"], json!({ "rate": "7.2", "source": "中国银行" }));
}

#[tokio::test]
async fn an_order_says_what_the_quotation_said() {
    let desk = Desk::new().await;
    let rfq = desk.published_rfq_of(json!({ "neededOn": null })).await;
    let graduated = over(tiered(&rfq, 0, &[(1, "12.00"), (100, "11.20")]), json!({ "mode": "GRADUATED" }));
    let second = over(tiered(&rfq, 1, &[(1, "5.00")]), json!({ "leadDays": 3 }));
    let terms = json!({ "lines": [graduated, second], "leadDays": 14, "note": "分两批发货" });
    let input = desk.quoting(&rfq, &[], terms);
    let made = desk.supplier(0).await.done("submitQuotation", "quotation { id }", input).await;
    desk.opened(&rfq).await;
    let bids = Bids { quotations: vec![made["quotation"]["id"].clone()], desk, rfq };
    bids.awarded(&[bids.to(0, 0, 100, json!({})), bids.to(1, 0, 50, json!({}))]).await;
    let order = bids.converted(json!({})).await.remove(0);
    let line = |n: usize| {
        let line = &order["lines"]["nodes"][n];
        json!([line["price"]["amount"], line["amount"]["amount"], line["neededOn"]])
    };
    assert_eq!(line(0), json!(["11.992", "1199.20", bids.desk.day(14)]), "99 at 12.00 and one at 11.20; when promised");
    assert_eq!(line(1), json!(["5", "250.00", bids.desk.day(3)]), "a line of its own comes earlier");
    assert_eq!(order["note"], "分两批发货");
}
