//! Purchase orders: their amounts, who sees what of them, sending and agreeing, changes and their revisions, closing
//! short, and printing.

use base64::{Engine, prelude::BASE64_STANDARD};
use entities::party::MemberRole;
use serde_json::{Value, json};

use super::{Desk, Line, ORDER, RECEIPT, line, line_id, over, step};
use crate::support::Client;

fn refusals(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(code, field)| ((*code).to_owned(), (*field).to_owned())).collect()
}

/// What an edit of an order takes that keeps its lines: quantity and price by their places.
fn editing(desk: &Desk, order: &Value, lines: &[(i64, &str)]) -> Value {
    let written: Vec<Line<'_>> = lines.iter().map(|(quantity, price)| line(*quantity, price)).collect();
    let mut input = desk.ordering(0, &written, json!({}));
    for (n, known) in order["lines"]["nodes"].as_array().unwrap().iter().enumerate() {
        if let Some(line) = input["lines"].get_mut(n) {
            line["lineId"] = known["id"].clone();
        }
    }
    let keep = ["incoterm", "namedPlace", "paymentDays", "deliverToId", "lines"];
    let edit: serde_json::Map<String, Value> =
        keep.into_iter().map(|field| (field.to_owned(), input[field].clone())).collect();
    over(step(order), Value::Object(edit))
}

fn amending(desk: &Desk, order: &Value, lines: &[(i64, &str)]) -> Value {
    over(editing(desk, order, lines), json!({ "reason": "客户改单" }))
}

/// A change that a supplier proposes of the first line.
fn proposing(order: &Value, line: Value) -> Value {
    let line = over(json!({ "lineId": order["lines"]["nodes"][0]["id"] }), line);
    over(step(order), json!({ "lines": [line], "note": "原料紧张" }))
}

/// The revisions of an order that were agreed, the last first: number and total.
async fn versions(desk: &Desk, client: &Client, order: &Value) -> Vec<(i64, String)> {
    let shown = "versions { revision total { amount } sha256 lines { quantity price { amount } } }";
    let rows = desk.one(client, "purchaseOrder", &order["id"], shown).await["versions"].clone();
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| (row["revision"].as_i64().unwrap(), row["total"]["amount"].as_str().unwrap().to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_rounded_and_then_added_and_tax_is_made_once_for_a_rate() {
    let desk = Desk::new().await;
    let order = desk.drafted(0, &[line(3, "3.335"), line(3, "3.335"), line(3, "3.335")]).await;
    let shown = "net { amount } tax { amount } total { amount } lines(first: 2) { nodes { amount { amount } \
                 price { amount currency } taxPpm } pageInfo { hasNextPage endCursor } }";
    let read = desk.one(&desk.purchaser().await, "purchaseOrder", &order["id"], shown).await;
    assert_eq!((&read["net"]["amount"], &read["tax"]["amount"]), (&json!("30.03"), &json!("3.90")));
    assert_eq!(read["total"]["amount"], "33.93");
    let line = json!({
        "amount": { "amount": "10.01" }, "price": { "amount": "3.335", "currency": "CNY" }, "taxPpm": 130_000,
    });
    assert_eq!(read["lines"]["nodes"], json!([line, line]));
    assert_eq!(read["lines"]["pageInfo"]["hasNextPage"], true);
    let after = &read["lines"]["pageInfo"]["endCursor"];
    let query = "query($id: ID!, $after: String) { purchaseOrder(id: $id) { lines(first: 2, after: $after) { \
                 nodes { position } } } }";
    let rest = desk.purchaser().await.data(query, json!({ "id": order["id"], "after": after })).await;
    assert_eq!(rest["purchaseOrder"]["lines"]["nodes"], json!([{ "position": 2 }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_order_says_is_looked_at_line_by_line() {
    let desk = Desk::new().await;
    let purchaser = desk.purchaser().await;
    let with = |more: Value| {
        let mut input = desk.ordering(0, &[line(10, "1.00")], json!({}));
        input["lines"][0] = over(input["lines"][0].clone(), more);
        input
    };
    let due = |on: i64, quantity: i64| json!({ "on": desk.day(on), "quantity": quantity });
    for (input, expected) in [
        (with(json!({ "quantity": 0 })), ("OUT_OF_RANGE", "lines.0.quantity")),
        (with(json!({ "taxPpm": 1_000_001 })), ("OUT_OF_RANGE", "lines.0.taxPpm")),
        (with(json!({ "description": " " })), ("REQUIRED", "lines.0.description")),
        (with(json!({ "price": { "amount": "0", "currency": "CNY" } })), ("INVALID_AMOUNT", "lines.0.price.amount")),
        (
            with(json!({ "price": { "amount": "1", "currency": "USD" } })),
            ("INVALID_CURRENCY", "lines.0.price.currency"),
        ),
        (with(json!({ "schedule": [due(5, 4), due(9, 5)] })), ("INVALID_VALUE", "lines.0.schedule")),
        (with(json!({ "schedule": [due(9, 5), due(5, 5)] })), ("INVALID_VALUE", "lines.0.schedule.1.on")),
        (with(json!({ "variantId": desk.buyer })), ("NOT_FOUND", "lines.0.variantId")),
        (desk.ordering(0, &[], json!({})), ("REQUIRED", "lines")),
        (desk.ordering(0, &[line(1, "1")], json!({ "supplierId": desk.buyer })), ("INVALID_VALUE", "supplierId")),
        (desk.ordering(0, &[line(1, "1")], json!({ "namedPlace": "" })), ("REQUIRED", "namedPlace")),
        (desk.ordering(0, &[line(1, "1")], json!({ "paymentDays": -1 })), ("OUT_OF_RANGE", "paymentDays")),
        (desk.ordering(0, &[line(1, "1")], json!({ "currency": "XAU" })), ("INVALID_CURRENCY", "currency")),
    ] {
        let refused = purchaser.refused("createPurchaseOrder", input.clone()).await;
        assert_eq!(refused, refusals(&[expected]), "{input}");
    }
    let planned = with(json!({ "schedule": [due(5, 4), due(9, 6)] }));
    let made = purchaser.done("createPurchaseOrder", "purchaseOrder { id }", planned).await["purchaseOrder"].clone();
    let shown = "overdue lines(first: 1) { nodes { schedule { on quantity } } }";
    let read = desk.one(&purchaser, "purchaseOrder", &made["id"], shown).await;
    assert_eq!(read["lines"]["nodes"][0]["schedule"], json!([due(5, 4), due(9, 6)]));
    // A showroom's operator delivers nothing.
    let other = desk.market.server.organisation("chama-wanda-showroom").await;
    let refused =
        purchaser.refused("createPurchaseOrder", desk.ordering(0, &[line(1, "1")], json!({ "supplierId": other })));
    assert_eq!(refused.await, refusals(&[("WRONG_ROLE", "supplierId")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supplier_sees_an_order_when_it_is_sent_and_nothing_of_how_it_was_approved() {
    let desk = Desk::new().await;
    let supplier = desk.supplier(0).await;
    let order = desk.submitted(0, &[line(100, "10.00")]).await;
    let order = desk.approve(&order).await;
    assert_eq!(desk.one(&supplier, "purchaseOrder", &order["id"], "id").await, Value::Null);
    let listed = supplier.data("{ purchaseOrders { nodes { id } } }", json!({})).await;
    assert_eq!(listed["purchaseOrders"]["nodes"], json!([]));
    let refused = supplier.refused("acknowledgePurchaseOrder", step(&order)).await;
    assert_eq!(refused, refusals(&[("NOT_FOUND", "id")]));
    let order = desk.stepped("sendPurchaseOrder", &desk.purchaser().await, step(&order)).await;
    let inside = "state approvals { level } baseTotal { amount } countedTotal { amount } warned createdBy submittedAt \
                  requestedById deliverTo { code } lines(first: 1) { nodes { tolerance { quantityPpm } } }";
    let seen = desk.one(&supplier, "purchaseOrder", &order["id"], inside).await;
    let nothing = json!({
        "state": "SENT", "approvals": [], "baseTotal": null, "countedTotal": null, "warned": null, "createdBy": null,
        "submittedAt": null, "requestedById": null, "deliverTo": null, "lines": { "nodes": [{ "tolerance": null }] },
    });
    assert_eq!(seen, nothing);
    let listed = supplier.data("{ purchaseOrders(filter: { side: SUPPLIER }) { nodes { number } } }", json!({})).await;
    assert_eq!(listed["purchaseOrders"]["nodes"], json!([{ "number": order["number"] }]));
    let bought = supplier.data("{ purchaseOrders(filter: { side: BUYER }) { nodes { number } } }", json!({})).await;
    assert_eq!(bought["purchaseOrders"]["nodes"], json!([]));
    // Others see nothing of it, who oversees the zone sees all of it.
    for stranger in [desk.supplier(1).await, desk.market.server.seller("chama-wanda-showroom").await] {
        assert_eq!(desk.one(&stranger, "purchaseOrder", &order["id"], "id").await, Value::Null);
        let pdf = "query($id: ID!) { purchaseOrderPdf(id: $id, language: EN) }";
        assert_eq!(stranger.data(pdf, json!({ "id": order["id"] })).await["purchaseOrderPdf"], Value::Null);
    }
    for overseer in [desk.operator().await, desk.auditor().await, desk.buyers(MemberRole::Auditor).await] {
        let seen = desk.one(&overseer, "purchaseOrder", &order["id"], "approvals { level }").await;
        assert_eq!(seen["approvals"], json!([{ "level": 1 }]));
    }
    let node = "query($id: ID!) { node(id: $id) { ... on PurchaseOrder { number } } }";
    assert_eq!(supplier.data(node, json!({ "id": order["id"] })).await["node"]["number"], order["number"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_side_takes_its_own_steps() {
    let desk = Desk::new().await;
    let (purchaser, supplier) = (desk.purchaser().await, desk.supplier(0).await);
    let draft = desk.drafted(0, &[line(10, "10.00")]).await;
    let illegal = refusals(&[("ILLEGAL_TRANSITION", "id")]);
    assert_eq!(purchaser.refused("sendPurchaseOrder", step(&draft)).await, illegal, "an order went out unapproved");
    assert_eq!(desk.receiver().await.denied("submitPurchaseOrder", step(&draft)).await, "FORBIDDEN");
    let order = desk.sent_order(&[line(10, "10.00")]).await;
    assert_eq!(purchaser.denied("acknowledgePurchaseOrder", step(&order)).await, "FORBIDDEN");
    let clerk = desk.suppliers_as(0, MemberRole::AccountsClerk).await;
    assert_eq!(clerk.denied("acknowledgePurchaseOrder", step(&order)).await, "FORBIDDEN");
    let owner = desk.owner().await;
    let refused = owner.refused("acknowledgePurchaseOrder", step(&order)).await;
    assert_eq!(refused, refusals(&[("NOT_FOUND", "id")]), "a buyer agreed in its supplier's name");
    let stale = over(step(&order), json!({ "expectedVersion": 1 }));
    let refused = supplier.refused("acknowledgePurchaseOrder", stale).await;
    assert_eq!(refused, refusals(&[("STALE_VERSION", "expectedVersion")]));
    let again = over(step(&order), json!({ "clientMutationId": "ack-1" }));
    let first = desk.stepped("acknowledgePurchaseOrder", &supplier, again.clone()).await;
    let second = desk.stepped("acknowledgePurchaseOrder", &supplier, again).await;
    assert_eq!((&first["state"], &first), (&json!("ACKNOWLEDGED"), &second), "a repeat was answered otherwise");
    let refused = supplier.refused("rejectPurchaseOrder", over(step(&first), json!({ "reason": "缺货" }))).await;
    assert_eq!(refused, illegal, "what was agreed to was refused");
    assert_eq!(purchaser.refused("updatePurchaseOrder", editing(&desk, &first, &[(1, "1.00")])).await, illegal);
    let cancel = over(step(&first), json!({ "reason": "不再需要" }));
    assert_eq!(desk.stepped("cancelPurchaseOrder", &purchaser, cancel).await["state"], "CANCELLED");

    let order = desk.sent_order(&[line(10, "10.00")]).await;
    let reject = over(step(&order), json!({ "reason": "缺货" }));
    assert_eq!(desk.stepped("rejectPurchaseOrder", &supplier, reject).await["state"], "REJECTED");
    let shown = "closeReason closedAt";
    let read = desk.one(&purchaser, "purchaseOrder", &order["id"], shown).await;
    assert_eq!(read["closeReason"], "缺货");
    assert!(read["closedAt"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_what_was_sent_is_another_revision_and_a_dearer_one_is_approved_anew() {
    let desk = Desk::new().await;
    let (purchaser, supplier) = (desk.purchaser().await, desk.supplier(0).await);
    let order = desk.acknowledged_order(&[line(100, "10.00"), line(50, "2.00")]).await;
    assert_eq!(versions(&desk, &supplier, &order).await, [(1, "1243.00".into())]);
    let less = amending(&desk, &order, &[(90, "10.00"), (50, "2.00")]);
    let order = desk.stepped("amendPurchaseOrder", &purchaser, less).await;
    assert_eq!((&order["state"], &order["revision"]), (&json!("SENT"), &json!(2)), "its supplier has to agree anew");
    let order = desk.stepped("acknowledgePurchaseOrder", &supplier, step(&order)).await;
    let more = amending(&desk, &order, &[(100, "10.00"), (60, "2.00")]);
    let order = desk.stepped("amendPurchaseOrder", &purchaser, more).await;
    assert_eq!((&order["state"], &order["revision"]), (&json!("PENDING_APPROVAL"), &json!(3)));
    assert_eq!(versions(&desk, &supplier, &order).await.len(), 2, "what nobody approved is shown as agreed");
    let receipt = desk.receiving(&order, &[(0, 1)], json!({}));
    let refused = desk.receiver().await.refused("postGoodsReceipt", receipt).await;
    assert_eq!(refused[0].0, "ILLEGAL_TRANSITION", "goods were taken in by an order that waits for approval");
    let order = desk.approve(&order).await;
    let order = desk.stepped("sendPurchaseOrder", &purchaser, step(&order)).await;
    let expected = [(3, "1265.60".to_owned()), (2, "1130.00".to_owned()), (1, "1243.00".to_owned())];
    assert_eq!(versions(&desk, &supplier, &order).await, expected);
    let ids =
        |order: &Value| order["lines"]["nodes"].as_array().unwrap().iter().map(|l| l["id"].clone()).collect::<Vec<_>>();
    let before = ids(&order);

    // While it is delivered it goes on, what is here stays, and no line is taken out.
    desk.received(&order, &[(0, 40)]).await;
    let order = desk.order(&order).await;
    assert_eq!(order["state"], "IN_PROGRESS");
    let one = amending(&desk, &order, &[(100, "10.00")]);
    let refused = purchaser.refused("amendPurchaseOrder", one).await;
    assert_eq!(refused, refusals(&[("IN_USE", "lines")]));
    let few = amending(&desk, &order, &[(39, "10.00"), (60, "2.00")]);
    assert_eq!(purchaser.refused("amendPurchaseOrder", few).await, refusals(&[("OUT_OF_RANGE", "lines.0.quantity")]));
    let mut other = amending(&desk, &order, &[(100, "10.00"), (60, "2.00")]);
    other["lines"][0]["variantId"] = desk.variants[1].clone();
    assert_eq!(purchaser.refused("amendPurchaseOrder", other).await, refusals(&[("IN_USE", "lines.0.variantId")]));
    let order =
        desk.stepped("amendPurchaseOrder", &purchaser, amending(&desk, &order, &[(40, "10.00"), (60, "2.00")])).await;
    assert_eq!((&order["state"], &order["revision"]), (&json!("IN_PROGRESS"), &json!(4)));
    assert_eq!(ids(&order), before, "lines have other ids, and receipts name the old ones");
    // Dearer again: approved and sent, it is being delivered still.
    let order =
        desk.stepped("amendPurchaseOrder", &purchaser, amending(&desk, &order, &[(45, "10.00"), (60, "2.00")])).await;
    let order = desk.approve(&order).await;
    let order = desk.stepped("sendPurchaseOrder", &purchaser, step(&order)).await;
    assert_eq!(order["state"], "IN_PROGRESS");
    desk.received(&order, &[(0, 5), (1, 60)]).await;
    let read = desk.order(&order).await;
    assert_eq!((&read["receiptStatus"], &read["billingStatus"]), (&json!("FULL"), &json!("NOTHING")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_supplier_proposes_changes_nothing_until_its_buyer_agrees() {
    let desk = Desk::new().await;
    let (purchaser, supplier) = (desk.purchaser().await, desk.supplier(0).await);
    let order = desk.sent_order(&[line(100, "10.00")]).await;
    let wrong = proposing(&order, json!({ "price": { "amount": "1", "currency": "USD" } }));
    let refused = supplier.refused("proposeOrderChange", wrong).await;
    assert_eq!(refused, refusals(&[("INVALID_CURRENCY", "lines.0.price")]));
    let dearer = proposing(&order, json!({ "quantity": 80, "neededOn": desk.day(30) }));
    assert_eq!(purchaser.denied("proposeOrderChange", dearer.clone()).await, "FORBIDDEN");
    let order = desk.stepped("proposeOrderChange", &supplier, dearer).await;
    assert_eq!(order["state"], "CHANGE_PROPOSED");
    assert_eq!(order["lines"]["nodes"][0]["quantity"], 100);
    let shown = "proposal { note lines { lineId quantity price { amount } neededOn } }";
    let read = desk.one(&purchaser, "purchaseOrder", &order["id"], shown).await["proposal"].clone();
    assert_eq!((&read["note"], &read["lines"][0]["quantity"]), (&json!("原料紧张"), &json!(80)));
    assert_eq!(read["lines"][0]["price"], Value::Null);
    let agree = over(step(&order), json!({ "agree": true }));
    let refused = supplier.refused("settleOrderChange", agree).await;
    assert_eq!(refused, refusals(&[("NOT_FOUND", "id")]), "a supplier agreed in its buyer's name");

    let no = over(step(&order), json!({ "agree": false, "note": "按原计划" }));
    let order = desk.stepped("settleOrderChange", &purchaser, no).await;
    assert_eq!((&order["state"], &order["revision"]), (&json!("SENT"), &json!(1)));
    assert_eq!(order["lines"]["nodes"][0]["quantity"], 100);
    // Less is agreed to at once.
    let order = desk.stepped("proposeOrderChange", &supplier, proposing(&order, json!({ "quantity": 80 }))).await;
    let order = desk.stepped("settleOrderChange", &purchaser, over(step(&order), json!({ "agree": true }))).await;
    assert_eq!((&order["state"], &order["revision"]), (&json!("SENT"), &json!(2)));
    assert_eq!(order["lines"]["nodes"][0]["quantity"], 80);
    // More is approved anew.
    let price = json!({ "price": { "amount": "13.00", "currency": "CNY" } });
    let order = desk.stepped("proposeOrderChange", &supplier, proposing(&order, price)).await;
    let order = desk.stepped("settleOrderChange", &purchaser, over(step(&order), json!({ "agree": true }))).await;
    assert_eq!((&order["state"], &order["revision"]), (&json!("PENDING_APPROVAL"), &json!(3)));
    let order = desk.approve(&order).await;
    let order = desk.stepped("sendPurchaseOrder", &purchaser, step(&order)).await;
    assert_eq!(versions(&desk, &purchaser, &order).await[0], (3, "1175.20".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_given_up_by_line_or_in_all() {
    let desk = Desk::new().await;
    let purchaser = desk.purchaser().await;
    let order = desk.acknowledged_order(&[line(10, "10.00"), line(20, "1.00")]).await;
    desk.received(&order, &[(0, 4)]).await;
    let order = desk.order(&order).await;
    let first = order["lines"]["nodes"][0]["id"].clone();
    let closing = |order: &Value, lines: Value| over(step(order), json!({ "reason": "停产", "lineIds": lines }));
    let refused = purchaser.refused("shortClosePurchaseOrder", closing(&order, json!([desk.buyer]))).await;
    assert_eq!(refused[0].0, "NOT_FOUND");
    let order = desk.stepped("shortClosePurchaseOrder", &purchaser, closing(&order, json!([first]))).await;
    assert_eq!(order["state"], "IN_PROGRESS", "the other line is still to come");
    assert_eq!(
        (&order["lines"]["nodes"][0]["shortClosed"], &order["lines"]["nodes"][1]["shortClosed"]),
        (&json!(6), &json!(0))
    );
    let more = desk.receiving(&order, &[(0, 1)], json!({}));
    let refused = desk.receiver().await.refused("postGoodsReceipt", more).await;
    assert_eq!(refused[0].0, "OVER_RECEIPT", "what was given up came all the same");
    let cancel = over(step(&order), json!({ "reason": "不再需要" }));
    let refused = purchaser.refused("cancelPurchaseOrder", cancel).await;
    assert_eq!(refused, refusals(&[("ILLEGAL_TRANSITION", "id")]), "an order of which something came was cancelled");
    let order = desk.stepped("shortClosePurchaseOrder", &purchaser, closing(&order, Value::Null)).await;
    assert_eq!((&order["state"], &order["receiptStatus"]), (&json!("SHORT_CLOSED"), &json!("FULL")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_closed_when_all_of_it_was_delivered_and_billed() {
    let desk = Desk::new().await;
    let order = desk.sent_order(&[line(10, "10.00")]).await;
    desk.received(&order, &[(0, 10)]).await;
    let read = desk.order(&order).await;
    assert_eq!(
        (&read["state"], &read["receiptStatus"], &read["billingStatus"]),
        (&json!("IN_PROGRESS"), &json!("FULL"), &json!("NOTHING"))
    );
    desk.invoiced(&order, "A-1", &[(0, 10, "10.00")]).await;
    let read = desk.order(&order).await;
    assert_eq!((&read["state"], &read["billingStatus"]), (&json!("CLOSED"), &json!("FULL")));
    let shown = "receivedPpm billedPpm overdue acknowledgedAt closedAt";
    let read = desk.one(&desk.purchaser().await, "purchaseOrder", &order["id"], shown).await;
    assert_eq!(
        (&read["receivedPpm"], &read["billedPpm"], &read["overdue"]),
        (&json!(1_000_000), &json!(1_000_000), &json!(false))
    );
    assert!(read["acknowledgedAt"].is_string(), "what was delivered was not agreed to");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_ordered_of_a_supplier_that_is_blocked() {
    let desk = Desk::new().await;
    let (owner, purchaser) = (desk.owner().await, desk.purchaser().await);
    let draft = desk.drafted(0, &[line(1, "1.00")]).await;
    let approved = desk.approve(&desk.submitted(0, &[line(1, "1.00")]).await).await;
    let block = json!({ "supplierId": desk.suppliers[0], "reason": "质量问题" });
    owner.done("blockSupplier", "", block).await;
    let input = desk.ordering(0, &[line(1, "1.00")], json!({}));
    let refused = purchaser.refused("createPurchaseOrder", input).await;
    assert_eq!(refused, refusals(&[("SUPPLIER_BLOCKED", "supplierId")]));
    let blocked = refusals(&[("SUPPLIER_BLOCKED", "id")]);
    assert_eq!(purchaser.refused("submitPurchaseOrder", step(&draft)).await, blocked);
    assert_eq!(purchaser.refused("sendPurchaseOrder", step(&approved)).await, blocked);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_printed_in_both_languages_and_its_supplier_prints_what_was_sent() {
    let desk = Desk::new().await;
    let (purchaser, supplier) = (desk.purchaser().await, desk.supplier(0).await);
    let order = desk.acknowledged_order(&[line(100, "10.00")]).await;
    let printed = async |client: &Client, language: &str| {
        let query = format!("query($id: ID!) {{ purchaseOrderPdf(id: $id, language: {language}) }}");
        let answer = client.data(&query, json!({ "id": order["id"] })).await["purchaseOrderPdf"].clone();
        BASE64_STANDARD.decode(answer.as_str().unwrap()).unwrap()
    };
    let holds = |pdf: &[u8], text: &str| {
        let hex: String = text.encode_utf16().fold(String::new(), |hex, unit| format!("{hex}{unit:04X}"));
        let whole = String::from_utf8_lossy(pdf).to_uppercase();
        whole.contains(&text.to_uppercase()) || whole.contains(&hex)
    };
    for (language, title) in [("ZH", "采购订单"), ("EN", "Purchase Order")] {
        let pdf = printed(&purchaser, language).await;
        assert!(pdf.starts_with(b"%PDF-"), "{language}");
        for text in [title, order["number"].as_str().unwrap(), "1130.00", "藏毯"] {
            assert!(holds(&pdf, text), "{language}: {text} is not in it");
        }
    }
    // An amendment that nobody approved is the buyer's business.
    desk.stepped("amendPurchaseOrder", &purchaser, amending(&desk, &order, &[(200, "10.00")])).await;
    assert!(holds(&printed(&purchaser, "ZH").await, "2260.00"));
    let theirs = printed(&supplier, "ZH").await;
    assert!(holds(&theirs, "1130.00") && !holds(&theirs, "2260.00"));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_take_a_step_at_once_one_does() {
    let desk = Desk::new().await;
    let purchaser = desk.purchaser().await;
    let draft = desk.drafted(0, &[line(10, "10.00")]).await;
    let all = (0..6).map(|_| purchaser.payload("submitPurchaseOrder", "", step(&draft)));
    let answers = futures_util::future::join_all(all).await;
    let done = answers.iter().filter(|answer| answer["userErrors"] == json!([])).count();
    assert_eq!(done, 1, "{answers:?}");
    let shown = "version approvals { round }";
    let read = desk.one(&purchaser, "purchaseOrder", &draft["id"], shown).await;
    assert_eq!(read, json!({ "version": 2, "approvals": [{ "round": 1 }] }));
}

/// What a supplier sees of an order that is being changed, and its buyer beside.
const CHANGING: &str =
    "state revision total { amount } amendmentReason lines(first: 10) { nodes { quantity received } }";

async fn refused_by(client: &Client, order: &Value) -> Value {
    let input = json!({ "id": order["id"], "decision": "REJECT", "comment": "太多" });
    let selection = format!("purchaseOrder {{ {ORDER} }}");
    client.done("decidePurchaseApproval", &selection, input).await["purchaseOrder"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_not_approved_never_was_and_its_supplier_sees_nothing_of_it() {
    let desk = Desk::new().await;
    let (purchaser, supplier) = (desk.purchaser().await, desk.supplier(0).await);
    let order = desk.acknowledged_order(&[line(100, "10.00")]).await;
    desk.received(&order, &[(0, 40)]).await;
    let order = desk.order(&order).await;
    let more = amending(&desk, &order, &[(200, "10.00"), (5, "7.00")]);
    let pending = desk.stepped("amendPurchaseOrder", &purchaser, more).await;
    assert_eq!((&pending["state"], &pending["revision"]), (&json!("PENDING_APPROVAL"), &json!(2)));
    let theirs = json!({
        "state": "PENDING_APPROVAL", "revision": 1, "total": { "amount": "1130.00" }, "amendmentReason": null,
        "lines": { "nodes": [{ "quantity": 100, "received": 40 }] },
    });
    assert_eq!(desk.one(&supplier, "purchaseOrder", &order["id"], CHANGING).await, theirs);
    let ours = desk.one(&purchaser, "purchaseOrder", &order["id"], CHANGING).await;
    assert_eq!((&ours["amendmentReason"], &ours["total"]["amount"]), (&json!("客户改单"), &json!("2299.55")));
    let back = refused_by(&desk.approver(1).await, &pending).await;
    assert_eq!((&back["state"], &back["revision"]), (&json!("IN_PROGRESS"), &json!(1)), "a refusal strands the order");
    let lines = back["lines"]["nodes"].as_array().unwrap();
    assert_eq!((lines.len(), &lines[0]["quantity"], &lines[0]["received"]), (1, &json!(100), &json!(40)));
    let shown = "amendmentReason approvals { round state }";
    let read = desk.one(&purchaser, "purchaseOrder", &order["id"], shown).await;
    assert_eq!(read["amendmentReason"], Value::Null);
    assert_eq!(read["approvals"][0], json!({ "round": 2, "state": "REJECTED" }));
    desk.received(&back, &[(0, 60)]).await;
    assert_eq!(desk.order(&order).await["receiptStatus"], "FULL", "the old order is not delivered any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_was_recalled_is_hidden_and_may_be_withdrawn_and_one_that_is_sent_says_why() {
    let desk = Desk::new().await;
    let (purchaser, supplier) = (desk.purchaser().await, desk.supplier(0).await);
    let order = desk.acknowledged_order(&[line(100, "10.00")]).await;
    let refused = purchaser.refused("withdrawOrderAmendment", step(&order)).await;
    assert_eq!(refused, refusals(&[("ILLEGAL_TRANSITION", "id")]), "nothing is being changed");
    let more = amending(&desk, &order, &[(200, "10.00"), (5, "7.00")]);
    let pending = desk.stepped("amendPurchaseOrder", &purchaser, more).await;
    // Recalled, and without the line that the change added.
    let edit = editing(&desk, &pending, &[(150, "10.00")]);
    let draft = desk.stepped("updatePurchaseOrder", &purchaser, edit).await;
    assert_eq!((&draft["state"], draft["lines"]["nodes"].as_array().unwrap().len()), (&json!("DRAFT"), 1));
    let seen = desk.one(&supplier, "purchaseOrder", &order["id"], CHANGING).await;
    assert_eq!((&seen["state"], &seen["total"]["amount"]), (&json!("PENDING_APPROVAL"), &json!("1130.00")));
    for (state, count) in [("PENDING_APPROVAL", 1), ("DRAFT", 0), ("ACKNOWLEDGED", 0)] {
        let query = format!("{{ purchaseOrders(filter: {{ state: {state} }}) {{ nodes {{ state }} }} }}");
        let rows = supplier.data(&query, json!({})).await["purchaseOrders"]["nodes"].clone();
        assert_eq!(rows.as_array().unwrap().len(), count, "{state}: {rows}");
    }
    let reject = over(step(&draft), json!({ "reason": "缺货" }));
    assert_eq!(supplier.refused("rejectPurchaseOrder", reject).await, refusals(&[("ILLEGAL_TRANSITION", "id")]));
    let theirs = supplier.refused("withdrawOrderAmendment", step(&draft)).await;
    assert_eq!(theirs, refusals(&[("NOT_FOUND", "id")]), "a supplier withdrew its buyer's change");
    let back = desk.stepped("withdrawOrderAmendment", &purchaser, step(&draft)).await;
    assert_eq!((&back["state"], &back["revision"]), (&json!("ACKNOWLEDGED"), &json!(1)));
    assert_eq!(back["lines"]["nodes"][0]["quantity"], 100);
    // Another that is approved may be withdrawn, or sent.
    let pending = desk.stepped("amendPurchaseOrder", &purchaser, amending(&desk, &back, &[(120, "10.00")])).await;
    let approved = desk.approve(&pending).await;
    let back = desk.stepped("withdrawOrderAmendment", &purchaser, step(&approved)).await;
    assert_eq!(back["state"], "ACKNOWLEDGED");
    let pending = desk.stepped("amendPurchaseOrder", &purchaser, amending(&desk, &back, &[(120, "10.00")])).await;
    let approved = desk.approve(&pending).await;
    desk.stepped("sendPurchaseOrder", &purchaser, step(&approved)).await;
    let shown = "revision total { amount } amendmentReason versions { revision reason }";
    let read = desk.one(&supplier, "purchaseOrder", &order["id"], shown).await;
    let reasons = json!([{ "revision": 2, "reason": "客户改单" }, { "revision": 1, "reason": "approved" }]);
    assert_eq!((&read["versions"], &read["total"]["amount"]), (&reasons, &json!("1356.00")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_order_takes_a_replacement_for_what_went_back() {
    let desk = Desk::new().await;
    let order = desk.acknowledged_order(&[line(10, "10.00")]).await;
    let found = json!({ "orderLineId": line_id(&order, 0), "delivered": 10, "accepted": 8, "rejected": 2,
        "reason": "DAMAGED" });
    let receipt = desk.posted(desk.receiving(&order, &[], json!({ "lines": [found] }))).await;
    desk.invoiced(&order, "A-1", &[(0, 8, "10.00")]).await;
    assert_eq!(desk.order(&order).await["state"], "CLOSED");
    let back = json!({ "id": receipt["id"], "lines": [{ "lineId": line_id(&receipt, 0), "quantity": 2 }] });
    let selection = format!("goodsReceipt {{ {RECEIPT} }}");
    desk.receiver().await.done("returnToSupplier", &selection, back).await;
    let read = desk.one(&desk.purchaser().await, "purchaseOrder", &order["id"], "state closedAt receiptStatus").await;
    assert_eq!(read, json!({ "state": "IN_PROGRESS", "closedAt": null, "receiptStatus": "PARTIAL" }));
    desk.received(&order, &[(0, 2)]).await;
    desk.invoiced(&order, "A-2", &[(0, 2, "10.00")]).await;
    assert_eq!(desk.order(&order).await["state"], "CLOSED");
    desk.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_an_unsent_order_are_kept_moved_and_left_out_also_when_an_invoice_names_them() {
    let desk = Desk::new().await;
    let purchaser = desk.purchaser().await;
    let draft = desk.drafted(0, &[line(10, "10.00"), line(5, "2.00"), line(7, "3.00")]).await;
    let ids: Vec<Value> = (0..3).map(|n| line_id(&draft, n).clone()).collect();
    let invoice = desk.invoiced(&draft, "A-9", &[(1, 5, "2.00")]).await;
    assert_eq!(invoice["state"], "EXCEPTION");
    let mut edit = editing(&desk, &draft, &[(10, "10.00"), (5, "2.00"), (7, "3.00")]);
    edit["lines"].as_array_mut().unwrap().reverse();
    let moved = desk.stepped("updatePurchaseOrder", &purchaser, edit).await;
    let now: Vec<Value> = (0..3).map(|n| line_id(&moved, n).clone()).collect();
    assert_eq!(now, [ids[2].clone(), ids[1].clone(), ids[0].clone()], "lines that changed places are others");
    let mut edit = editing(&desk, &moved, &[(7, "3.00"), (5, "2.00"), (10, "10.00")]);
    edit["lines"].as_array_mut().unwrap().remove(1);
    let less = desk.stepped("updatePurchaseOrder", &purchaser, edit).await;
    assert_eq!(less["lines"]["nodes"].as_array().unwrap().len(), 2);
    let shown = "lines(first: 5) { nodes { orderLineId } }";
    let read = desk.one(&desk.clerk().await, "supplierInvoice", &invoice["id"], shown).await;
    assert_eq!(read["lines"]["nodes"], json!([{ "orderLineId": null }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_category_or_in_renminbi_is_approved_anew_and_more_asks_whether_the_supplier_is_stopped() {
    let desk = Desk::new().await;
    let purchaser = desk.purchaser().await;
    let order = desk.acknowledged_order(&[line(100, "10.00")]).await;
    let mut input = amending(&desk, &order, &[(80, "10.00")]);
    let price = json!({ "amount": "1.00", "currency": "CNY" });
    let service = json!({ "description": "安装", "unit": "项", "quantity": 1, "price": price });
    input["lines"].as_array_mut().unwrap().push(service);
    let other = desk.stepped("amendPurchaseOrder", &purchaser, input).await;
    assert_eq!(other["state"], "PENDING_APPROVAL", "nobody approved of services");
    let order = desk.stepped("withdrawOrderAmendment", &purchaser, step(&other)).await;

    let block = json!({ "supplierId": desk.suppliers[0], "reason": "质量问题" });
    desk.owner().await.done("blockSupplier", "", block).await;
    let more = amending(&desk, &order, &[(110, "9.00")]);
    let refused = purchaser.refused("amendPurchaseOrder", more).await;
    assert_eq!(refused, refusals(&[("SUPPLIER_BLOCKED", "id")]), "more is taken of whom nothing is ordered of");
    let less = desk.stepped("amendPurchaseOrder", &purchaser, amending(&desk, &order, &[(90, "10.00")])).await;
    assert_eq!(less["state"], "SENT");

    let line = json!({ "description": "Rug", "unit": "pc", "quantity": 1,
        "price": { "amount": "100.00", "currency": "USD" } });
    let fx = |rate: &str, on: String| json!({ "rate": rate, "source": "SAFE", "on": on });
    let more = json!({ "currency": "USD", "lines": [line], "fx": fx("7.10", desk.day(1)) });
    let input = over(desk.ordering(1, &[], json!({})), more);
    let refused = purchaser.refused("createPurchaseOrder", input.clone()).await;
    assert_eq!(refused, refusals(&[("INVALID_VALUE", "fx.on")]), "tomorrow's rate is known");
    let input = over(input, json!({ "fx": fx("7.10", desk.day(0)) }));
    let made = desk.stepped("createPurchaseOrder", &purchaser, input).await;
    let order = desk.stepped("submitPurchaseOrder", &purchaser, step(&made)).await;
    let order = desk.stepped("sendPurchaseOrder", &purchaser, step(&desk.approve(&order).await)).await;
    let line = over(line, json!({ "lineId": line_id(&order, 0) }));
    let head = json!({ "incoterm": "DDP", "namedPlace": "西宁", "paymentDays": 30, "reason": "汇率",
        "fx": fx("7.20", desk.day(0)), "lines": [line] });
    let dearer = desk.stepped("amendPurchaseOrder", &purchaser, over(step(&order), head)).await;
    assert_eq!(dearer["state"], "PENDING_APPROVAL", "more renminbi than anybody approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_up_is_another_revision_and_counts_what_was_rejected() {
    let desk = Desk::new().await;
    let (purchaser, supplier) = (desk.purchaser().await, desk.supplier(0).await);
    let order = desk.acknowledged_order(&[line(10, "10.00"), line(20, "1.00")]).await;
    let found = json!({ "orderLineId": line_id(&order, 0), "delivered": 6, "accepted": 4, "rejected": 2,
        "reason": "DAMAGED" });
    desk.posted(desk.receiving(&order, &[], json!({ "lines": [found] }))).await;
    let order = desk.order(&order).await;
    let close = over(step(&order), json!({ "reason": "停产", "lineIds": [line_id(&order, 0)] }));
    let order = desk.stepped("shortClosePurchaseOrder", &purchaser, close).await;
    let first = &order["lines"]["nodes"][0];
    assert_eq!((&order["state"], &order["revision"]), (&json!("IN_PROGRESS"), &json!(2)));
    assert_eq!(first["shortClosed"], 6, "what is no good was delivered");
    let few = amending(&desk, &order, &[(9, "10.00"), (20, "1.00")]);
    let refused = purchaser.refused("amendPurchaseOrder", few).await;
    assert_eq!(refused, refusals(&[("OUT_OF_RANGE", "lines.0.quantity")]));
    let shown = "versions { revision reason }";
    let read = desk.one(&supplier, "purchaseOrder", &order["id"], shown).await;
    assert_eq!(read["versions"][0], json!({ "revision": 2, "reason": "停产" }));
    let pdf = "query($id: ID!) { purchaseOrderPdf(id: $id, language: EN) }";
    let printed = supplier.data(pdf, json!({ "id": order["id"] })).await["purchaseOrderPdf"].clone();
    let printed = BASE64_STANDARD.decode(printed.as_str().unwrap()).unwrap();
    assert!(String::from_utf8_lossy(&printed).contains("Given up 6"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_awarded_is_ordered_at_its_price_and_again_when_its_order_is_not() {
    let desk = Desk::new().await;
    let rfq = desk.published_rfq().await;
    let quotation = desk.quoted(0, &rfq, &["10.00", "5.00"]).await;
    desk.opened(&rfq).await;
    let award = |n: usize, quantity: i64| {
        let line = line_id(&rfq, n);
        json!({ "lineId": line, "quotationId": quotation["id"], "quantity": quantity })
    };
    let input = json!({ "rfqId": rfq["id"], "lines": [award(0, 100), award(1, 50)] });
    desk.purchaser().await.done("awardRfq", "rfq { state }", input).await;
    let convert = async || {
        let selection = format!("purchaseOrders {{ {ORDER} }}");
        let input = json!({ "rfqId": rfq["id"] });
        let client = desk.purchaser().await;
        client.done("convertAwardsToOrders", &selection, input).await["purchaseOrders"][0].clone()
    };
    let order = convert().await;
    let purchaser = desk.purchaser().await;
    for (lines, expected) in [
        (&[(100, "10.01"), (50, "5.00")][..], ("PRICE_CHANGED", "lines.0.price")),
        (&[(100, "10.00"), (51, "5.00")], ("OUT_OF_RANGE", "lines.1.quantity")),
    ] {
        let refused = purchaser.refused("updatePurchaseOrder", editing(&desk, &order, lines)).await;
        assert_eq!(refused, refusals(&[expected]), "{lines:?}");
    }
    // Cheaper it may be; and what is left out is for another order.
    let order = desk.stepped("updatePurchaseOrder", &purchaser, editing(&desk, &order, &[(100, "9.50")])).await;
    let another = convert().await;
    let quantities = |order: &Value| {
        let lines = order["lines"]["nodes"].as_array().unwrap().iter();
        lines.map(|line| line["quantity"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(quantities(&another), [json!(50)]);
    let cancel = over(step(&order), json!({ "reason": "不再需要" }));
    desk.stepped("cancelPurchaseOrder", &purchaser, cancel).await;
    assert_eq!(quantities(&convert().await), [json!(100)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supplier_proposes_in_which_parts_it_delivers() {
    let desk = Desk::new().await;
    let (purchaser, supplier) = (desk.purchaser().await, desk.supplier(0).await);
    let order = desk.sent_order(&[line(100, "10.00")]).await;
    let due = |days: i64, quantity: i64| json!({ "on": desk.day(days), "quantity": quantity });
    let parts = |of: Value| json!({ "schedule": of });
    for (wrong, expected) in [
        (parts(json!([due(10, 60), due(20, 39)])), ("INVALID_VALUE", "lines.0.schedule")),
        (parts(json!([due(20, 60), due(10, 40)])), ("INVALID_VALUE", "lines.0.schedule.1.on")),
        // Of what is proposed with it, not of what was ordered.
        (
            over(parts(json!([due(10, 60), due(20, 40)])), json!({ "quantity": 80 })),
            ("INVALID_VALUE", "lines.0.schedule"),
        ),
    ] {
        let refused = supplier.refused("proposeOrderChange", proposing(&order, wrong.clone())).await;
        assert_eq!(refused, refusals(&[expected]), "{wrong}");
    }
    let shown = "lines(first: 1) { nodes { schedule { on quantity } } }";
    let planned = json!([due(10, 60), due(20, 40)]);
    let order = desk.stepped("proposeOrderChange", &supplier, proposing(&order, parts(planned.clone()))).await;
    assert_eq!(order["state"], "CHANGE_PROPOSED");
    let read = desk.one(&purchaser, "purchaseOrder", &order["id"], shown).await;
    assert_eq!(read["lines"]["nodes"][0]["schedule"], json!([]), "nothing changes until its buyer agrees");
    let order = desk.stepped("settleOrderChange", &purchaser, over(step(&order), json!({ "agree": true }))).await;
    let read = desk.one(&supplier, "purchaseOrder", &order["id"], shown).await;
    assert_eq!(read["lines"]["nodes"][0]["schedule"], planned);
    assert_eq!(order["lines"]["nodes"][0]["quantity"], 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_that_is_declined_leaves_what_was_agreed_to() {
    let desk = Desk::new().await;
    let (purchaser, supplier) = (desk.purchaser().await, desk.supplier(0).await);
    let order = desk.acknowledged_order(&[line(100, "10.00")]).await;
    let order = desk.stepped("proposeOrderChange", &supplier, proposing(&order, json!({ "quantity": 80 }))).await;
    let order = desk.stepped("settleOrderChange", &purchaser, over(step(&order), json!({ "agree": false }))).await;
    assert_eq!(order["state"], "ACKNOWLEDGED", "its supplier is asked twice for the same");
    let shown = "acknowledgedAt proposal { note }";
    let read = desk.one(&purchaser, "purchaseOrder", &order["id"], shown).await;
    assert!(read["acknowledgedAt"].is_string() && read["proposal"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_printed_as_one_and_histories_of_many_orders_take_as_many_statements_as_of_one() {
    let desk = Desk::new().await;
    let purchaser = desk.purchaser().await;
    let draft = desk.drafted(0, &[line(1, "1.00")]).await;
    let pdf = "query($id: ID!) { purchaseOrderPdf(id: $id, language: EN) }";
    let printed = async |order: &Value| {
        let answer = purchaser.data(pdf, json!({ "id": order["id"] })).await["purchaseOrderPdf"].clone();
        let bytes = BASE64_STANDARD.decode(answer.as_str().unwrap()).unwrap();
        String::from_utf8_lossy(&bytes).contains("Draft, not approved")
    };
    let sent = desk.sent_order(&[line(1, "1.00")]).await;
    assert!(printed(&draft).await, "a draft looks like an order");
    assert!(!printed(&sent).await);
    // The two that are listed first have a history.
    desk.sent_order(&[line(1, "1.00")]).await;
    let query = "query($n: Int!) { purchaseOrders(first: $n) { nodes { approvals { level } versions { revision } \
                 agreement { number } } } }";
    let mut counts = Vec::new();
    for n in [1_usize, 2, 1, 2] {
        let asked = purchaser.request(reqwest::Method::POST, "/graphql").header("x-chama-cost", "1");
        let answer = asked.json(&json!({ "query": query, "variables": { "n": n } })).send().await.unwrap();
        counts.push(answer.headers()["x-chama-sql"].to_str().unwrap().to_owned());
        let said: Value = answer.json().await.unwrap();
        assert!(said.get("errors").is_none(), "{said}");
        let nodes = said["data"]["purchaseOrders"]["nodes"].as_array().unwrap();
        let told = |of: &Value| of.as_array().is_some_and(|rows| !rows.is_empty());
        let whole = nodes.iter().filter(|node| told(&node["approvals"]) && told(&node["versions"])).count();
        assert_eq!((nodes.len(), whole), (n, n), "{said}");
    }
    assert_eq!(counts[2], counts[3], "each order asks for its own history: {counts:?}");
}
