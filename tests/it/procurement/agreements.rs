//! Framework agreements: written, offered, agreed to, put into force by somebody else; what orders take of them, at
//! which prices, and never more than there is.

use chrono::Duration;
use entities::party::MemberRole;
use serde_json::{Value, json};

use super::{Desk, over, step};
use crate::support::Client;

fn refusals(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(code, field)| ((*code).to_owned(), (*field).to_owned())).collect()
}

const AGREEMENT: &str = "supplyAgreement { id number version state ceiling { amount } released { amount } \
                         lines(first: 100) { nodes { id position ceiling released } } }";

fn price(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "CNY" })
}

/// An agreement about the first thing of the desk: 12.00, from 100 on 11.20, from 500 on 10.50.
fn content(desk: &Desk, kind: &str, line: Value, more: Value) -> Value {
    let tier = |from: i64, amount: &str| json!({ "minQuantity": from, "price": price(amount) });
    let tiers = json!([tier(1, "12.00"), tier(100, "11.20"), tier(500, "10.50")]);
    let told = json!({ "variantId": desk.variants[0], "description": "藏毯", "unit": "032", "tiers": tiers });
    let input = json!({
        "kind": kind,
        "title": "年度地毯协议",
        "currency": "CNY",
        "incoterm": "DDP",
        "namedPlace": "西宁",
        "paymentDays": 30,
        "validFrom": desk.day(0),
        "validTo": desk.day(60),
        "lines": [over(told, line)],
    });
    over(input, more)
}

async fn stepped(client: &Client, mutation: &str, input: Value) -> Value {
    client.done(mutation, AGREEMENT, input).await["supplyAgreement"].clone()
}

async fn written(desk: &Desk, content: &Value) -> Value {
    let input = json!({ "supplierId": desk.suppliers[0], "content": content });
    stepped(&desk.purchaser().await, "createSupplyAgreement", input).await
}

/// An agreement that is in force.
async fn active(desk: &Desk, content: &Value) -> Value {
    let made = written(desk, content).await;
    let made = stepped(&desk.purchaser().await, "offerSupplyAgreement", step(&made)).await;
    let made = stepped(&desk.supplier(0).await, "acceptSupplyAgreement", step(&made)).await;
    stepped(&desk.approver(1).await, "activateSupplyAgreement", step(&made)).await
}

/// What `createPurchaseOrder` takes for so much of the agreement's only line.
fn taking(desk: &Desk, agreement: &Value, quantity: i64, amount: &str) -> Value {
    let mut input = desk.ordering(0, &[super::line(quantity, amount)], json!({ "agreementId": agreement["id"] }));
    let line = agreement["lines"]["nodes"][0]["id"].clone();
    input["lines"][0]["agreementLineId"] = line;
    input
}

async fn read(desk: &Desk, agreement: &Value) -> Value {
    let shown = "state version released { amount } lines(first: 100) { nodes { released } }";
    desk.one(&desk.purchaser().await, "supplyAgreement", &agreement["id"], shown).await
}

async fn submitted(desk: &Desk, input: Value) -> Value {
    let purchaser = desk.purchaser().await;
    let order = desk.stepped("createPurchaseOrder", &purchaser, input).await;
    desk.stepped("submitPurchaseOrder", &purchaser, step(&order)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agreement_is_offered_accepted_and_put_into_force_by_somebody_else() {
    let desk = Desk::new().await;
    let (purchaser, supplier) = (desk.purchaser().await, desk.supplier(0).await);
    let ceiling = json!({ "ceiling": 1000 });
    let made = written(&desk, &content(&desk, "BLANKET_QUANTITY", ceiling.clone(), json!({}))).await;
    assert_eq!(made["state"], "DRAFT");
    let shown = desk.one(&supplier, "supplyAgreement", &made["id"], "id").await;
    assert_eq!(shown, Value::Null, "its supplier sees a draft");
    assert_eq!(supplier.refused("acceptSupplyAgreement", step(&made)).await, refusals(&[("NOT_FOUND", "id")]));
    let changed = content(&desk, "BLANKET_QUANTITY", ceiling, json!({ "title": "两年协议" }));
    let input = over(step(&made), json!({ "content": changed.clone() }));
    let made = stepped(&purchaser, "updateSupplyAgreement", input).await;
    let offered = stepped(&purchaser, "offerSupplyAgreement", step(&made)).await;
    let late = over(step(&offered), json!({ "content": changed }));
    let refused = purchaser.refused("updateSupplyAgreement", late).await;
    assert_eq!(refused, refusals(&[("ILLEGAL_TRANSITION", "id")]), "what was offered was changed");
    let title = desk.one(&supplier, "supplyAgreement", &offered["id"], "title createdBy").await;
    assert_eq!(title, json!({ "title": "两年协议", "createdBy": null }));
    assert_eq!(desk.one(&desk.supplier(1).await, "supplyAgreement", &offered["id"], "id").await, Value::Null);
    let refused = desk.approver(1).await.refused("activateSupplyAgreement", step(&offered)).await;
    assert_eq!(refused, refusals(&[("ILLEGAL_TRANSITION", "id")]), "nobody agreed to it");
    assert_eq!(purchaser.denied("acceptSupplyAgreement", step(&offered)).await, "FORBIDDEN");
    let clerk = desk.suppliers_as(0, MemberRole::AccountsClerk).await;
    assert_eq!(clerk.denied("acceptSupplyAgreement", step(&offered)).await, "FORBIDDEN");
    let accepted = stepped(&supplier, "acceptSupplyAgreement", step(&offered)).await;
    assert_eq!(accepted["state"], "ACCEPTED");
    assert_eq!(purchaser.denied("activateSupplyAgreement", step(&accepted)).await, "FORBIDDEN");
    let active = stepped(&desk.approver(1).await, "activateSupplyAgreement", step(&accepted)).await;
    assert_eq!(active["state"], "ACTIVE");

    // What an owner writes another puts into force.
    let owner = desk.owner().await;
    let input =
        json!({ "supplierId": desk.suppliers[0], "content": content(&desk, "PRICE_ONLY", json!({}), json!({})) });
    let made = stepped(&owner, "createSupplyAgreement", input).await;
    let made = stepped(&owner, "offerSupplyAgreement", step(&made)).await;
    let made = stepped(&supplier, "acceptSupplyAgreement", step(&made)).await;
    assert_eq!(owner.refused("activateSupplyAgreement", step(&made)).await, refusals(&[("MAKER_CHECKER", "id")]));
    // And a supplier may decline.
    let made = written(&desk, &content(&desk, "PRICE_ONLY", json!({}), json!({}))).await;
    let made = stepped(&purchaser, "offerSupplyAgreement", step(&made)).await;
    let input = over(step(&made), json!({ "reason": "价格过低" }));
    assert_eq!(stepped(&supplier, "declineSupplyAgreement", input).await["state"], "DECLINED");
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_take_of_a_quantity_until_it_is_used_up_and_give_back() {
    let desk = Desk::new().await;
    let made = active(&desk, &content(&desk, "BLANKET_QUANTITY", json!({ "ceiling": 250 }), json!({}))).await;
    let released = async || read(&desk, &made).await["lines"]["nodes"][0]["released"].as_i64().unwrap();
    let first = submitted(&desk, taking(&desk, &made, 150, "11.20")).await;
    assert_eq!(released().await, 150);
    let purchaser = desk.purchaser().await;
    let second = desk.stepped("createPurchaseOrder", &purchaser, taking(&desk, &made, 101, "11.20")).await;
    let refused = purchaser.payload("submitPurchaseOrder", "", step(&second)).await["userErrors"][0].clone();
    assert_eq!(refused["code"], "LIMIT_EXCEEDED");
    assert!(
        refused["details"].as_array().unwrap().contains(&json!({ "name": "free", "value": "100 032" })),
        "{refused}"
    );
    submitted(&desk, taking(&desk, &made, 100, "11.20")).await;
    assert_eq!(released().await, 250);
    let input = over(step(&first), json!({ "reason": "不再需要" }));
    purchaser.done("cancelPurchaseOrder", "", input).await;
    assert_eq!(released().await, 100);
    desk.stepped("submitPurchaseOrder", &purchaser, step(&second)).await;
    assert_eq!(released().await, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_take_of_a_value_without_tax_and_what_is_closed_short_is_given_back() {
    let desk = Desk::new().await;
    let made = content(&desk, "BLANKET_VALUE", json!({}), json!({ "ceiling": price("1120.00") }));
    let made = active(&desk, &made).await;
    let released = async || read(&desk, &made).await["released"]["amount"].as_str().unwrap().to_owned();
    let order = submitted(&desk, taking(&desk, &made, 100, "11.20")).await;
    assert_eq!(released().await, "1120.00");
    let purchaser = desk.purchaser().await;
    let another = desk.stepped("createPurchaseOrder", &purchaser, taking(&desk, &made, 1, "12.00")).await;
    let refused = purchaser.refused("submitPurchaseOrder", step(&another)).await;
    assert_eq!(refused, refusals(&[("LIMIT_EXCEEDED", "agreementId")]));
    let order = desk.approve(&order).await;
    let order = desk.stepped("sendPurchaseOrder", &purchaser, step(&order)).await;
    desk.received(&order, &[(0, 90)]).await;
    let close = over(step(&desk.order(&order).await), json!({ "reason": "够了" }));
    desk.stepped("shortClosePurchaseOrder", &purchaser, close).await;
    assert_eq!(released().await, "1008.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_of_an_agreement_has_its_price_of_the_day_and_its_quantities() {
    let desk = Desk::new().await;
    let line = json!({ "moq": 50, "multiple": 10 });
    let made = active(&desk, &content(&desk, "PRICE_ONLY", line, json!({}))).await;
    let purchaser = desk.purchaser().await;
    let offered = taking(&desk, &made, 100, "11.20");
    for (quantity, amount, expected) in [
        (37, "12.00", ("BELOW_MINIMUM_ORDER", "lines.0.quantity")),
        (103, "11.20", ("NOT_A_MULTIPLE", "lines.0.quantity")),
        (90, "11.20", ("PRICE_CHANGED", "lines.0.price")),
        (100, "12.00", ("PRICE_CHANGED", "lines.0.price")),
        (500, "11.20", ("PRICE_CHANGED", "lines.0.price")),
    ] {
        let refused = purchaser.refused("createPurchaseOrder", taking(&desk, &made, quantity, amount)).await;
        assert_eq!(refused, refusals(&[expected]), "{quantity} at {amount}");
    }
    // It is said what may be ordered instead.
    for (quantity, amount, suggested) in [(37, "12.00", "50"), (103, "11.20", "110")] {
        let refused = purchaser.payload("createPurchaseOrder", "", taking(&desk, &made, quantity, amount)).await;
        let details = refused["userErrors"][0]["details"].as_array().unwrap();
        assert!(details.contains(&json!({ "name": "suggested", "value": suggested })), "{refused}");
    }
    for (quantity, amount) in [(90, "12.00"), (100, "11.20"), (500, "10.5")] {
        purchaser.done("createPurchaseOrder", "", taking(&desk, &made, quantity, amount)).await;
    }
    let mut other = offered.clone();
    other["lines"][0]["variantId"] = desk.variants[1].clone();
    let refused = purchaser.refused("createPurchaseOrder", other).await;
    assert_eq!(refused, refusals(&[("NOT_FOUND", "lines.0.agreementLineId")]), "another thing at that price");
    let theirs = over(offered.clone(), json!({ "supplierId": desk.suppliers[1] }));
    let refused = purchaser.refused("createPurchaseOrder", theirs).await;
    assert_eq!(refused, refusals(&[("NOT_FOUND", "agreementId")]));
    let mut loose = offered.clone();
    loose.as_object_mut().unwrap().remove("agreementId");
    let refused = purchaser.refused("createPurchaseOrder", loose).await;
    assert_eq!(refused, refusals(&[("NOT_FOUND", "lines.0.agreementLineId")]));

    // Ended, nothing more is ordered by it; what was ordered goes on.
    let draft = desk.stepped("createPurchaseOrder", &purchaser, offered.clone()).await;
    let input = over(step(&made), json!({ "reason": "换供应商" }));
    assert_eq!(stepped(&purchaser, "endSupplyAgreement", input).await["state"], "ENDED");
    let refused = purchaser.refused("createPurchaseOrder", offered).await;
    assert_eq!(refused, refusals(&[("ILLEGAL_TRANSITION", "agreementId")]));
    let refused = purchaser.refused("submitPurchaseOrder", step(&draft)).await;
    assert_eq!(refused, refusals(&[("ILLEGAL_TRANSITION", "agreementId")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agreement_ends_by_itself_after_its_last_day() {
    let desk = Desk::new().await;
    let until = json!({ "validTo": desk.day(2) });
    let made = active(&desk, &content(&desk, "PRICE_ONLY", json!({}), until)).await;
    desk.wait(Duration::days(2));
    desk.swept().await;
    assert_eq!(read(&desk, &made).await["state"], "ACTIVE", "its last day is not over");
    desk.wait(Duration::days(1));
    let refused = desk.purchaser().await.refused("createPurchaseOrder", taking(&desk, &made, 1, "12.00")).await;
    assert_eq!(refused, refusals(&[("ILLEGAL_TRANSITION", "agreementId")]), "before the clock got to it");
    desk.swept().await;
    desk.swept().await;
    let ended = read(&desk, &made).await;
    assert_eq!((&ended["state"], &ended["version"]), (&json!("ENDED"), &json!(5)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agreement_says_is_looked_at() {
    let desk = Desk::new().await;
    let purchaser = desk.purchaser().await;
    let falling = json!([{ "minQuantity": 1, "price": price("1.00") }, { "minQuantity": 5, "price": price("2.00") }]);
    for (kind, line, more, expected) in [
        ("BLANKET_QUANTITY", json!({}), json!({}), ("REQUIRED", "lines.0.ceiling")),
        ("BLANKET_VALUE", json!({}), json!({}), ("REQUIRED", "ceiling")),
        ("PRICE_ONLY", json!({ "ceiling": 1 }), json!({}), ("INVALID_VALUE", "lines.0.ceiling")),
        ("PRICE_ONLY", json!({}), json!({ "validTo": "2026-02-28" }), ("INVALID_VALUE", "validTo")),
        ("PRICE_ONLY", json!({}), json!({ "paymentDays": 366 }), ("OUT_OF_RANGE", "paymentDays")),
        ("PRICE_ONLY", json!({}), json!({ "lines": [] }), ("REQUIRED", "lines")),
        ("PRICE_ONLY", json!({ "tiers": falling }), json!({}), ("INVALID_PRICE_TIERS", "lines.0.tiers")),
        ("PRICE_ONLY", json!({ "multiple": 0 }), json!({}), ("OUT_OF_RANGE", "lines.0.multiple")),
        ("PRICE_ONLY", json!({ "variantId": desk.buyer }), json!({}), ("NOT_FOUND", "lines.0.variantId")),
    ] {
        let content = content(&desk, kind, line.clone(), more.clone());
        let input = json!({ "supplierId": desk.suppliers[0], "content": content });
        let refused = purchaser.refused("createSupplyAgreement", input).await;
        assert_eq!(refused, refusals(&[expected]), "{kind} {line} {more}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_orders_at_once_no_more_take_than_an_agreement_holds() {
    let desk = Desk::new().await;
    let made = active(&desk, &content(&desk, "BLANKET_QUANTITY", json!({ "ceiling": 250 }), json!({}))).await;
    let purchaser = desk.purchaser().await;
    let mut drafts = Vec::new();
    for _ in 0..8 {
        drafts.push(desk.stepped("createPurchaseOrder", &purchaser, taking(&desk, &made, 60, "12.00")).await);
    }
    let all = drafts.iter().map(|draft| purchaser.payload("submitPurchaseOrder", "", step(draft)));
    let answers = futures_util::future::join_all(all).await;
    let through = answers.iter().filter(|answer| answer["userErrors"] == json!([])).count();
    assert_eq!(through, 4, "{answers:?}");
    for lost in answers.iter().filter(|answer| answer["userErrors"] != json!([])) {
        assert_eq!(lost["userErrors"][0]["code"], "LIMIT_EXCEEDED", "{lost}");
    }
    assert_eq!(read(&desk, &made).await["lines"]["nodes"][0]["released"], 240);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_holds_for_the_unit_that_it_was_agreed_for() {
    let desk = Desk::new().await;
    let made = active(&desk, &content(&desk, "PRICE_ONLY", json!({}), json!({}))).await;
    let purchaser = desk.purchaser().await;
    let mut boxes = taking(&desk, &made, 100, "11.20");
    boxes["lines"][0]["unit"] = json!("箱");
    let refused = purchaser.refused("createPurchaseOrder", boxes).await;
    assert_eq!(refused, refusals(&[("INVALID_VALUE", "lines.0.unit")]), "a box costs what a piece does");
    purchaser.done("createPurchaseOrder", "", taking(&desk, &made, 100, "11.20")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_wrote_of_an_agreement_puts_it_into_force_nor_anybody_with_whom_is_stopped() {
    let desk = Desk::new().await;
    let (owner, purchaser, supplier) = (desk.owner().await, desk.purchaser().await, desk.supplier(0).await);
    let said = content(&desk, "PRICE_ONLY", json!({}), json!({}));
    let made = written(&desk, &said).await;
    let made = stepped(&owner, "updateSupplyAgreement", over(step(&made), json!({ "content": said.clone() }))).await;
    let made = stepped(&purchaser, "updateSupplyAgreement", over(step(&made), json!({ "content": said }))).await;
    let made = stepped(&purchaser, "offerSupplyAgreement", step(&made)).await;
    let made = stepped(&supplier, "acceptSupplyAgreement", step(&made)).await;
    let refused = owner.refused("activateSupplyAgreement", step(&made)).await;
    assert_eq!(refused, refusals(&[("MAKER_CHECKER", "id")]), "an earlier editor put it into force");
    let block = json!({ "supplierId": desk.suppliers[0], "reason": "质量问题" });
    owner.done("blockSupplier", "", block).await;
    let refused = desk.approver(1).await.refused("activateSupplyAgreement", step(&made)).await;
    assert_eq!(refused, refusals(&[("SUPPLIER_BLOCKED", "id")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_may_be_given_up_and_its_supplier_never_sees_it() {
    let desk = Desk::new().await;
    let purchaser = desk.purchaser().await;
    let made = written(&desk, &content(&desk, "PRICE_ONLY", json!({}), json!({}))).await;
    let ended = stepped(&purchaser, "endSupplyAgreement", over(step(&made), json!({ "reason": "不再需要" }))).await;
    assert_eq!(ended["state"], "ENDED");
    let supplier = desk.supplier(0).await;
    assert_eq!(desk.one(&supplier, "supplyAgreement", &made["id"], "id").await, Value::Null);
    let listed = supplier.data("{ supplyAgreements { nodes { id } } }", json!({})).await;
    assert_eq!(listed["supplyAgreements"]["nodes"], json!([]));
    // One that was offered it may still read.
    let made = written(&desk, &content(&desk, "PRICE_ONLY", json!({}), json!({}))).await;
    let made = stepped(&purchaser, "offerSupplyAgreement", step(&made)).await;
    stepped(&purchaser, "endSupplyAgreement", over(step(&made), json!({ "reason": "不再需要" }))).await;
    assert_eq!(desk.one(&supplier, "supplyAgreement", &made["id"], "state").await["state"], "ENDED");
}
