//! How suppliers do: scored once a month is over, stopped by hand or by how they stand; what was spent, and how long it
//! took.

use chrono::Duration;
use serde_json::{Value, json};

use super::{Desk, ORDER, RECEIPT, line, line_id, over, step};
use crate::support::Client;

fn refused(code: &str, field: &str) -> Vec<(String, String)> {
    vec![(code.to_owned(), field.to_owned())]
}

/// What `setSupplierScorecard` takes.
fn card(more: Value) -> Value {
    let criterion = |(kind, weight): (&str, i32)| json!({ "kind": kind, "weight": weight });
    let criteria = [("ON_TIME", 40), ("QUALITY", 40), ("RESPONSE", 20)].map(criterion);
    over(json!({ "criteria": criteria, "period": "MONTH" }), more)
}

async fn scores(client: &Client, supplier: &Value) -> Vec<Value> {
    let query = "query($id: ID!) { supplierScores(supplierId: $id, first: 10) { nodes { periodStart periodEnd score \
                 blended standing { name onOrder } parts { kind points good of } } } }";
    let found = client.data(query, json!({ "id": supplier })).await;
    found["supplierScores"]["nodes"].as_array().unwrap().clone()
}

/// A delivery of the first line of an order, looked at.
async fn came(desk: &Desk, order: &Value, accepted: i64, rejected: i64) {
    let delivered = json!({ "orderLineId": line_id(order, 0), "delivered": accepted + rejected });
    let mut of = over(delivered, json!({ "accepted": accepted, "rejected": rejected }));
    if rejected > 0 {
        of = over(of, json!({ "reason": "QUALITY" }));
    }
    let input = desk.receiving(order, &[], json!({ "lines": [of] }));
    desk.receiver().await.done("postGoodsReceipt", &format!("goodsReceipt {{ {RECEIPT} }}"), input).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_is_scored_when_it_is_over_and_who_stands_badly_gets_no_orders() {
    let desk = Desk::new().await;
    let set = desk.owner().await.done("setSupplierScorecard", "supplierScorecard { version }", card(json!({}))).await;
    assert_eq!(set["supplierScorecard"]["version"], 1);
    // One quotes, one says no, one says nothing.
    let rfq = desk.published_rfq().await;
    desk.quoted(0, &rfq, &["10.00", "20.00"]).await;
    let no = json!({ "id": rfq["id"], "reason": "产能已满" });
    desk.supplier(1).await.done("declineRfq", "", no).await;
    desk.opened(&rfq).await;
    // Sixty of a hundred come in time, two of them are no good; the others come five days late.
    let order = desk.acknowledged_order(&[line(100, "10.00")]).await;
    came(&desk, &order, 58, 2).await;
    desk.wait(Duration::days(25));
    came(&desk, &order, 40, 0).await;
    let running = "query($id: ID!) { supplierScorecard { running(supplierId: $id) { score standing { name } } } }";
    let found = desk.purchaser().await.data(running, json!({ "id": desk.suppliers[0] })).await;
    let expected = json!({ "score": "83.2", "standing": { "name": "Excellent" } });
    assert_eq!(found["supplierScorecard"]["running"], expected);
    desk.swept().await;
    assert_eq!(scores(&desk.purchaser().await, &desk.suppliers[0]).await, [Value::Null; 0], "March is not over");

    // What came on its last days may be noted a few days later.
    desk.wait(Duration::days(4));
    desk.swept().await;
    assert_eq!(scores(&desk.purchaser().await, &desk.suppliers[0]).await, [Value::Null; 0], "it is scored too early");
    desk.wait(Duration::days(3));
    desk.swept().await;
    desk.swept().await;
    let purchaser = desk.purchaser().await;
    let made = json!([{
        "periodStart": "2026-03-01",
        "periodEnd": "2026-03-31",
        "score": "83.2",
        "blended": "83.2",
        "standing": { "name": "Excellent", "onOrder": "NOTHING" },
        "parts": [
            { "kind": "ON_TIME", "points": "60.0", "good": 60, "of": 100 },
            { "kind": "QUALITY", "points": "98.0", "good": 98, "of": 100 },
            { "kind": "RESPONSE", "points": "100.0", "good": 1, "of": 1 },
        ],
    }]);
    assert_eq!(json!(scores(&purchaser, &desk.suppliers[0]).await), made, "made once, when the month is over");
    let silent = scores(&purchaser, &desk.suppliers[2]).await;
    assert_eq!(json!([silent[0]["score"], silent[0]["standing"]["onOrder"]]), json!(["0.0", "BLOCK"]));
    assert_eq!(scores(&purchaser, &desk.suppliers[1]).await[0]["score"], "100.0", "a no is an answer");
    assert_eq!(scores(&desk.supplier(0).await, &desk.suppliers[0]).await, [Value::Null; 0], "suppliers see none");

    let input = desk.ordering(2, &[line(1, "10.00")], json!({}));
    let stopped = refused("SUPPLIER_BLOCKED", "supplierId");
    assert_eq!(purchaser.refused("createPurchaseOrder", input.clone()).await, stopped);
    let asked = desk.drafted_rfq(json!({ "supplierIds": [desk.suppliers[2]] })).await;
    assert_eq!(purchaser.refused("publishRfq", step(&asked)).await, refused("SUPPLIER_BLOCKED", "suppliers.0"));
    // How it stands follows from the scorecard as it is now.
    let warned = json!([{ "name": "谨慎", "from": 0, "below": 50, "onRfq": "WARN", "onOrder": "WARN" },
        { "name": "正常", "from": 50 }]);
    let more = json!({ "standings": warned, "expectedVersion": 1 });
    desk.owner().await.done("setSupplierScorecard", "supplierScorecard { version }", card(more)).await;
    let made = purchaser.done("createPurchaseOrder", "purchaseOrder { warned }", input).await;
    assert_eq!(made["purchaseOrder"]["warned"], true);
}

/// How a supplier does at this moment.
async fn running(desk: &Desk, n: usize) -> Value {
    let query = "query($id: ID!) { supplierScorecard { running(supplierId: $id) { score parts { kind points } } } }";
    let found = desk.purchaser().await.data(query, json!({ "id": desk.suppliers[n] })).await;
    found["supplierScorecard"]["running"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_request_that_is_not_opened_nothing_counts_and_prices_are_held_against_the_lowest() {
    let desk = Desk::new().await;
    let criterion = |kind: &str| json!({ "kind": kind, "weight": 50 });
    let more = json!({ "criteria": [criterion("RESPONSE"), criterion("PRICE")] });
    desk.owner().await.done("setSupplierScorecard", "", card(more)).await;
    let rfq = desk.published_rfq().await;
    desk.quoted(0, &rfq, &["10.00", "20.00"]).await;
    desk.quoted(1, &rfq, &["12.50", "20.00"]).await;
    for n in 0..3 {
        assert_eq!(running(&desk, n).await, Value::Null, "a score tells whether supplier {n} has quoted");
    }
    desk.opened(&rfq).await;
    let shown = |score: &str, response: &str, price: Value| {
        json!({ "score": score, "parts": [
            { "kind": "RESPONSE", "points": response },
            { "kind": "PRICE", "points": price },
        ] })
    };
    for (n, expected) in [
        (0, shown("100.0", "100.0", json!("100.0"))),
        // 80 points for the first line and 100 for the second.
        (1, shown("95.0", "100.0", json!("90.0"))),
        (2, shown("0.0", "0.0", Value::Null)),
    ] {
        assert_eq!(running(&desk, n).await, expected, "supplier {n}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_early_counts_when_it_was_due_and_months_that_were_missed_are_made_up_for() {
    let desk = Desk::new().await;
    let blended = card(json!({ "blend": true }));
    desk.owner().await.done("setSupplierScorecard", "", blended).await;
    // Due in April, here in March, two of ten no good, the others billed: closed before it was due.
    let mut input = desk.ordering(0, &[line(10, "10.00")], json!({}));
    input["lines"][0]["neededOn"] = json!(desk.day(40));
    let purchaser = desk.purchaser().await;
    let order = desk.stepped("createPurchaseOrder", &purchaser, input).await;
    let order = desk.stepped("submitPurchaseOrder", &purchaser, step(&order)).await;
    let order = desk.approve(&order).await;
    let order = desk.stepped("sendPurchaseOrder", &purchaser, step(&order)).await;
    came(&desk, &order, 8, 2).await;
    desk.invoiced(&order, "INV-1", &[(0, 8, "10.00")]).await;
    assert_eq!(desk.order(&order).await["state"], "CLOSED");
    let points = async || {
        let rows = scores(&desk.purchaser().await, &desk.suppliers[0]).await;
        rows.iter().map(|row| json!([row["periodStart"], row["score"], row["blended"]])).collect::<Vec<_>>()
    };
    desk.wait(Duration::days(35));
    desk.swept().await;
    let march = json!(["2026-03-01", "80.0", "80.0"]);
    assert_eq!(points().await, std::slice::from_ref(&march));
    // Nothing was swept for two months: both are made up for, and of May nothing is known.
    desk.wait(Duration::days(61));
    desk.swept().await;
    desk.swept().await;
    let april = json!(["2026-04-01", "100.0", "90.4"]);
    assert_eq!(points().await, [april.clone(), march.clone()], "what was in time counts for nothing");
    let done = desk.owner().await.data("{ supplierScorecard { scoredThrough version } }", json!({})).await;
    assert_eq!(done["supplierScorecard"], json!({ "scoredThrough": "2026-05-01", "version": 1 }));
    // By quarters from now on: the last one that is over stands beside its months.
    let quarterly = card(json!({ "period": "QUARTER", "expectedVersion": 1 }));
    desk.owner().await.done("setSupplierScorecard", "", quarterly).await;
    desk.swept().await;
    assert_eq!(points().await, [april, march, json!(["2026-01-01", "80.0", "80.0"])]);
    let query = "query($id: ID!, $after: String) { supplierScores(supplierId: $id, first: 2, after: $after) { \
                 pageInfo { endCursor } nodes { periodStart } } }";
    let purchaser = desk.purchaser().await;
    let page = purchaser.data(query, json!({ "id": desk.suppliers[0] })).await["supplierScores"].clone();
    let after = json!({ "id": desk.suppliers[0], "after": page["pageInfo"]["endCursor"] });
    let page = purchaser.data(query, after).await["supplierScores"].clone();
    assert_eq!(page["nodes"], json!([{ "periodStart": "2026-01-01" }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn weights_are_a_hundred_standings_have_no_gap_and_owners_set_them() {
    let desk = Desk::new().await;
    let owner = desk.owner().await;
    let band = |name: &str, from: i32, below: Option<i32>| json!({ "name": name, "from": from, "below": below });
    for (more, code, field) in [
        (json!({ "criteria": [{ "kind": "ON_TIME", "weight": 99 }] }), "INVALID_WEIGHTS", "criteria"),
        (json!({ "standings": [band("a", 0, Some(40)), band("b", 50, None)] }), "INVALID_VALUE", "standings.1.from"),
        (json!({ "standings": [band("a", 0, Some(60)), band("b", 50, None)] }), "INVALID_VALUE", "standings.1.from"),
        (json!({ "standings": [band("a", 0, Some(60))] }), "INVALID_VALUE", "standings.0.below"),
        (json!({ "expectedVersion": 1 }), "STALE_VERSION", "expectedVersion"),
    ] {
        assert_eq!(owner.refused("setSupplierScorecard", card(more.clone())).await, refused(code, field), "{more}");
    }
    assert_eq!(desk.purchaser().await.denied("setSupplierScorecard", card(json!({}))).await, "FORBIDDEN");
    let none = owner.data("{ supplierScorecard { id } }", json!({})).await;
    assert_eq!(none["supplierScorecard"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_supplier_is_asked_for_nothing_until_its_last_day_is_over_or_it_is_let_in_again() {
    let desk = Desk::new().await;
    let (owner, purchaser) = (desk.owner().await, desk.purchaser().await);
    let block = json!({ "supplierId": desk.suppliers[0], "reason": "质量问题", "until": desk.day(10) });
    assert_eq!(purchaser.denied("blockSupplier", block.clone()).await, "FORBIDDEN");
    for (more, code, field) in [
        (json!({ "supplierId": desk.buyer }), "INVALID_VALUE", "supplierId"),
        (json!({ "reason": " " }), "REQUIRED", "reason"),
        (json!({ "until": desk.day(-1) }), "INVALID_VALUE", "until"),
    ] {
        assert_eq!(owner.refused("blockSupplier", over(block.clone(), more)).await, refused(code, field));
    }
    let rfq = desk.drafted_rfq(json!({ "supplierIds": [desk.suppliers[0]] })).await;
    let draft = desk.drafted(0, &[line(10, "10.00")]).await;
    owner.done("blockSupplier", "supplierBlock { reason }", block).await;
    let order = desk.ordering(0, &[line(10, "10.00")], json!({}));
    let stopped = refused("SUPPLIER_BLOCKED", "supplierId");
    assert_eq!(purchaser.refused("createPurchaseOrder", order.clone()).await, stopped);
    assert_eq!(purchaser.refused("publishRfq", step(&rfq)).await, refused("SUPPLIER_BLOCKED", "suppliers.0"));
    let errors = purchaser.refused("submitPurchaseOrder", step(&draft)).await;
    assert_eq!(errors, refused("SUPPLIER_BLOCKED", "id"), "what was drafted before is submitted");
    let list = "{ supplierBlocks(first: 10) { nodes { reason until supplier { id } } } }";
    let seen = purchaser.data(list, json!({})).await["supplierBlocks"]["nodes"].clone();
    let until = desk.day(10);
    assert_eq!(seen, json!([{ "reason": "质量问题", "until": until, "supplier": { "id": desk.suppliers[0] } }]));
    let theirs = desk.supplier(0).await.data(list, json!({})).await;
    assert_eq!(theirs["supplierBlocks"]["nodes"], json!([]), "whoever is stopped reads why");

    desk.wait(Duration::days(11));
    desk.purchaser().await.done("createPurchaseOrder", "purchaseOrder { id }", order.clone()).await;
    let owner = desk.owner().await;
    let supplier = json!({ "supplierId": desk.suppliers[0] });
    let again = over(supplier.clone(), json!({ "reason": "再次停用" }));
    owner.done("blockSupplier", "supplierBlock { until }", again).await;
    assert_eq!(desk.purchaser().await.refused("createPurchaseOrder", order.clone()).await, stopped);
    owner.done("unblockSupplier", "supplierBlock { reason }", supplier.clone()).await;
    assert_eq!(owner.refused("unblockSupplier", supplier).await, refused("NOT_FOUND", "supplierId"));
    desk.purchaser().await.done("createPurchaseOrder", "purchaseOrder { id }", order).await;
}

/// The same in dollars.
fn dollars(input: &Value) -> Value {
    serde_json::from_str(&input.to_string().replace("\"CNY\"", "\"USD\"")).unwrap()
}

async fn spent(client: &Client, desk: &Desk, by: &str, selection: &str) -> Value {
    let query = format!("query($input: SpendAnalyticsInput!) {{ spendAnalytics(input: $input) {{ {selection} }} }}");
    let input = json!({ "from": desk.day(-30), "to": desk.day(0), "by": by });
    client.data(&query, json!({ "input": input })).await["spendAnalytics"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_spent_is_added_up_in_renminbi_less_debit_notes_and_times_are_counted_from_the_sending() {
    let desk = Desk::new().await;
    let order = desk.sent_order(&[line(10, "100.00")]).await;
    let fx = json!({ "fx": { "rate": "7.1021", "source": "SAFE", "on": desk.day(0) } });
    let input = over(dollars(&desk.ordering(1, &[line(100, "12.50")], json!({}))), fx);
    let (selection, purchaser) = (format!("purchaseOrder {{ {ORDER} }}"), desk.purchaser().await);
    let other = purchaser.done("createPurchaseOrder", &selection, input).await["purchaseOrder"].clone();
    let other = purchaser.done("submitPurchaseOrder", &selection, step(&other)).await["purchaseOrder"].clone();
    let other = desk.approve(&other).await;
    let other = purchaser.done("sendPurchaseOrder", &selection, step(&other)).await["purchaseOrder"].clone();
    desk.wait(Duration::days(3));
    desk.received(&order, &[(0, 6)]).await;
    desk.wait(Duration::days(4));
    desk.received(&order, &[(0, 4)]).await;
    desk.received(&other, &[(0, 100)]).await;

    let first = desk.invoiced(&order, "INV-1", &[(0, 10, "100.00")]).await;
    let first = desk.approved_invoice(&first).await;
    let bill = dollars(&desk.invoicing(&other, "INV-2", &[(0, 100, "12.50")], json!({})));
    let bill = over(bill, json!({ "supplierId": desk.suppliers[1] }));
    let clerk = desk.clerk().await;
    let second = clerk.done("recordSupplierInvoice", "supplierInvoice { id version state }", bill).await;
    assert_eq!(second["supplierInvoice"]["state"], "MATCHED");
    let purchaser = desk.purchaser().await;
    let amounts = "supplier { id } amount { amount currency } lines";
    let row = |n: usize, amount: &str| {
        let amount = json!({ "amount": amount, "currency": "CNY" });
        json!({ "supplier": { "id": desk.suppliers[n] }, "amount": amount, "lines": 1 })
    };
    assert_eq!(
        spent(&purchaser, &desk, "SUPPLIER", amounts).await,
        json!([row(0, "1000.00")]),
        "what is not approved is not spent"
    );
    desk.approved_invoice(&second["supplierInvoice"]).await;
    let off = json!({ "lineId": line_id(&first, 0), "quantity": 1 });
    let note = json!({ "invoiceId": first["id"], "expectedVersion": first["version"], "reason": "QUALITY",
        "lines": [off] });
    clerk.done("issueDebitNote", "debitNote { id }", note).await;
    // 1,250.00 USD at 7.1021 is 8,877.625.
    let all = spent(&purchaser, &desk, "SUPPLIER", amounts).await;
    assert_eq!(all, json!([row(1, "8877.63"), row(0, "900.00")]));
    let of = spent(&purchaser, &desk, "CATEGORY", "category { id } amount { amount } lines sharePpm").await;
    let expected = json!({ "category": { "id": desk.category }, "amount": { "amount": "9777.63" }, "lines": 2,
        "sharePpm": 1_000_000 });
    assert_eq!(of, json!([expected]));
    let of = spent(&purchaser, &desk, "MONTH", "month amount { amount }").await;
    assert_eq!(of, json!([{ "month": "2026-03-01", "amount": { "amount": "9777.63" } }]));
    let theirs = spent(&desk.supplier(0).await, &desk, "SUPPLIER", amounts).await;
    assert_eq!(theirs, json!([]), "what a buyer spent is its own business");

    let query = "query($from: NaiveDate!, $to: NaiveDate!) { leadTimes(from: $from, to: $to) { supplier { id } orders \
                 firstDelivery { average median max } lastDelivery { average max } } }";
    let days = json!({ "from": desk.day(-30), "to": desk.day(0) });
    let found = purchaser.data(query, days).await["leadTimes"].clone();
    let of = |n: usize| {
        let rows = found.as_array().unwrap();
        rows.iter().find(|row| row["supplier"]["id"] == desk.suppliers[n]).expect("a row").clone()
    };
    let (first, second) = (of(0), of(1));
    assert_eq!(first["firstDelivery"], json!({ "average": "3.0", "median": "3.0", "max": 3 }));
    assert_eq!(first["lastDelivery"], json!({ "average": "7.0", "max": 7 }));
    assert_eq!(json!([second["orders"], second["firstDelivery"]["average"]]), json!([1, "7.0"]));
    desk.adds_up().await;
}
