//! What is asked of customs, and what customs says meanwhile: whoever is first, goods, quota and money go one way, once.

use api::{customs, ordering::clearance};
use entities::customs::message::{self, MessageVerdict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};

use super::{
    Border, paper,
    receipts::{deliver, replaced, silently, without},
};
use crate::support::{Client, OTHER_SELLER};

/// The last receipt of an order's list that came.
async fn receipt(border: &Border, order: &Value) -> String {
    let db = border.market.app().db().read();
    let rows = message::Entity::find()
        .filter(message::Column::Kind.eq(622))
        .order_by_desc(message::Column::Id)
        .all(db)
        .await
        .unwrap();
    let of = |row: &message::Model| {
        border.market.app().vault().unseal_text(&format!("customs_message:{}", row.id), &row.body).unwrap()
    };
    let number = order["number"].as_str().unwrap();
    rows.iter().map(of).find(|text| text.contains(number)).expect("nothing was said of its list")
}

/// The same with another status, said so many milliseconds of the last second of the day.
fn saying(text: &str, status: &str, milliseconds: u32) -> String {
    let said = replaced(text, "returnStatus", status);
    let time = &text[text.find("<ceb:returnTime>").unwrap() + 16..][..8];
    replaced(&said, "returnTime", &format!("{time}235959{milliseconds:03}"))
}

/// Gives a parcel its number, has the waybill taken in, and holds back what customs answers to the list.
async fn list_answers(border: &Border, order: &Value, waybill: &str) -> Vec<String> {
    border.waybill_silently(order, waybill).await;
    for text in silently(border).await {
        deliver(border, &text).await;
    }
    silently(border).await
}

/// What somebody is to look at, as the seller sees it.
async fn alarm(border: &Border, order: &Value) -> Value {
    let query = "query($id: ID!) { order(id: $id) { declaration { alarm } } }";
    border.seller().await.data(query, json!({ "id": order["id"] })).await["order"]["declaration"]["alarm"].clone()
}

fn cancel(order: &Value) -> Value {
    json!({ "id": order["id"], "reason": "不要了" })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_is_overtaken_by_what_customs_decides_about_the_list() {
    let border = Border::new().await;
    let buyer = border.market.identified(1).await;
    for (mark, order_state, request, declaration) in [
        ("reject-lines", "CANCELLED", "APPROVED", "CANCELLED"),
        ("port-fails", "CANCELLED", "APPROVED", "CANCELLED"),
        ("release", "CONFIRMED", "FAILED", "RELEASED"),
    ] {
        let order = border.bought(&buyer, 1, mark).await;
        let answers = list_answers(&border, &order, &format!("YT-{mark}")).await;
        // The list is on its way, and customs has said nothing of it.
        buyer.done("cancelOrder", "order { state }", cancel(&order)).await;
        let asked = border.order(&buyer, &order).await;
        assert_eq!(asked["declaration"]["requests"][0]["state"], "ASKED", "{mark}");
        for text in &answers {
            deliver(&border, text).await;
        }
        border.market.worked().await;
        let seen = border.order(&buyer, &order).await;
        let states = (&seen["state"], &seen["declaration"]["requests"][0]["state"], &seen["declaration"]["state"]);
        assert_eq!(states, (&json!(order_state), &json!(request), &json!(declaration)), "{mark}: {seen:#}");
        let asked = &paper(&seen["declaration"], "CANCELLATION")["state"];
        // It was written when the list had its number, and never sent.
        assert_eq!(asked, "DRAFT", "{mark}: customs was asked to withdraw what it decided: {seen:#}");
        if mark == "release" {
            let steps: Vec<&Value> = seen["timeline"]["nodes"].as_array().unwrap().iter().map(|e| &e["step"]).collect();
            assert!(steps.contains(&&json!("REFUSE_CANCEL")), "nobody is told that it goes on: {steps:?}");
            let ship = json!({ "id": order["id"], "waybill": "YT-release" });
            border.seller().await.done("shipOrder", "order { state }", ship).await;
        }
    }
    assert_eq!(border.book().await, (0, 1, 99));
    border.market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_customs_is_asked_to_take_back_does_not_leave() {
    let border = Border::new().await;
    let buyer = border.market.identified(1).await;
    let order = border.declared(&buyer, 1, "").await;
    let whole = json!({ "id": order["id"], "reason": "不要了", "lines": [{ "number": 1, "quantity": 1 }] });
    buyer.done("requestReturn", "order { state }", whole).await;
    let seller = border.seller().await;
    let ship = json!({ "id": order["id"], "waybill": "YT1" });
    assert_eq!(seller.refused("shipOrder", ship.clone()).await[0].0, "ON_HOLD", "it leaves while it is given back");
    let ask = border.order(&buyer, &order).await["declaration"]["requests"][0]["id"].clone();
    buyer.done("withdrawReturn", "request { state }", json!({ "id": ask })).await;
    border.market.worked().await;
    seller.done("shipOrder", "order { state }", ship).await;
    // Lines that name the same thing twice are one.
    let part = json!({ "number": 1, "quantity": 1 });
    let twice = json!({ "id": order["id"], "reason": "退货", "lines": [part, part] });
    assert_eq!(buyer.refused("requestReturn", twice).await[0], ("OUT_OF_RANGE".into(), "lines.1.quantity".into()));
    border.market.adds_up().await;
}

/// An order whose parcel goes with a carrier that the house reaches.
async fn with_a_parcel() -> (Border, Client, Value) {
    let settings = [("CHAMA_LOGISTICS_SIMULATOR_ENABLED", "true"), ("CHAMA_LOGISTICS_SIMULATOR_STEP_MS", "1000")];
    let border = Border::with(&settings, json!({})).await;
    let carrier = border.market.server.seller(super::CARRIER).await;
    carrier.done("setCarrier", "carrier { setting { adapter } }", json!({ "adapter": "SIMULATOR" })).await;
    let buyer = border.market.identified(1).await;
    let order = border.bought(&buyer, 1, "").await;
    (border, buyer, order)
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_parcel_the_gate_is_shut_while_an_answer_is_waited_for() {
    let (border, buyer, order) = with_a_parcel().await;
    let seller = border.seller().await;
    let query = "query($id: ID!) { order(id: $id) { state shipment { id state held } } }";
    let parcel = async || seller.data(query, json!({ "id": order["id"] })).await["order"]["shipment"].clone();
    let id = parcel().await["id"].clone();
    seller.done("packShipment", "shipment { state }", json!({ "id": id, "units": [{ "weightG": 900 }] })).await;
    let whole = json!({ "id": order["id"], "reason": "不要了", "lines": [{ "number": 1, "quantity": 1 }] });
    buyer.done("requestReturn", "order { state }", whole).await;
    assert_eq!(parcel().await["held"], true);
    let out = json!({ "id": id, "weighedG": 900 });
    assert_eq!(seller.refused("gateOut", out.clone()).await[0].0, "ON_HOLD", "it leaves while it is given back");
    let ask = border.order(&buyer, &order).await["declaration"]["requests"][0]["id"].clone();
    buyer.done("withdrawReturn", "request { state }", json!({ "id": ask })).await;
    border.market.worked().await;
    assert_eq!(parcel().await["held"], false, "nobody wants it back, and it is still held");
    seller.done("gateOut", "shipment { state }", out).await;
    border.market.worked().await;
    border.market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_customs_sends_back_while_it_passes_the_gate_is_for_a_person_and_holds_nothing_up() {
    let (border, buyer, order) = with_a_parcel().await;
    let seller = border.seller().await;
    let query = "query($id: ID!) { order(id: $id) { shipment { id } } }";
    let id = seller.data(query, json!({ "id": order["id"] })).await["order"]["shipment"]["id"].clone();
    seller.done("packShipment", "shipment { state }", json!({ "id": id, "units": [{ "weightG": 900 }] })).await;
    deliver(&border, &saying(&receipt(&border, &order).await, "700", 1)).await;
    // Nobody has told the order, or its parcel, of that.
    seller.done("gateOut", "shipment { state }", json!({ "id": id, "weighedG": 900 })).await;
    border.market.worked().await;
    assert_eq!(border.order(&buyer, &order).await["state"], "SHIPPED", "what left the gate is not sent off");
    assert_eq!(border.book().await, (0, 1, 99));
    assert!(alarm(&border, &order).await.as_str().is_some(), "nobody looks");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_goods_go_abroad_is_not_taken_back_as_if_they_stayed() {
    let border = Border::new().await;
    let buyer = border.market.identified(1).await;
    let start = border.market.stock(OTHER_SELLER, &border.variant).await;
    let order = border.declared(&buyer, 1, "").await;
    deliver(&border, &saying(&receipt(&border, &order).await, "700", 1)).await;
    assert_eq!(buyer.refused("cancelOrder", cancel(&order)).await[0].0, "ILLEGAL_TRANSITION");
    border.market.worked().await;
    assert_eq!(border.order(&buyer, &order).await["state"], "CANCELLED");
    assert_eq!(border.quota(&buyer).await, ("0.00".into(), "0.00".into()));
    assert_eq!(border.market.stock(OTHER_SELLER, &border.variant).await, (start.0 - 1, 0));
    border.market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn told_twice_that_goods_came_back_they_come_back_once() {
    let border = Border::new().await;
    let buyer = border.market.identified(1).await;
    let start = (border.book().await, border.market.stock(OTHER_SELLER, &border.variant).await);
    let order = border.declared(&buyer, 3, "").await;
    let seller = border.seller().await;
    seller.done("shipOrder", "order { state }", json!({ "id": order["id"], "waybill": "YT1" })).await;
    // Two returns; customs agrees to the second one first.
    let mut papers = Vec::new();
    for quantity in [1, 2] {
        let request = border.asked_back(&buyer, &order, quantity).await;
        border.came_back(&request).await;
        papers.push(silently(&border).await);
    }
    for texts in papers.iter().rev() {
        for text in texts {
            deliver(&border, text).await;
        }
        border.market.worked().await;
    }
    let done = border.order(&buyer, &order).await;
    assert_eq!(done["state"], "RETURNED");
    let after = (border.book().await, border.market.stock(OTHER_SELLER, &border.variant).await);
    assert_eq!(after, start);
    let refunds = border.refunds(&buyer, &order).await;
    // Every job once more.
    for request in done["declaration"]["requests"].as_array().unwrap() {
        let app = border.market.app();
        let row =
            customs::lists::of_document(app.db().read(), order["number"].as_str().unwrap()).await.unwrap().unwrap();
        let all = customs::lists::requests(app.db().read(), row.id).await.unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(request["state"], "APPROVED");
        for ask in all {
            let told = customs::jobs::Moved {
                declaration: row.id,
                document: row.document.clone(),
                state: row.state,
                request: Some(ask.id),
            };
            clearance::moved(app, told).await.unwrap();
        }
    }
    let again = (border.book().await, border.market.stock(OTHER_SELLER, &border.variant).await);
    assert_eq!((again, border.refunds(&buyer, &order).await), (start, refunds), "goods came back twice");
    assert_eq!(border.quota(&buyer).await, ("0.00".into(), "0.00".into()));
    border.market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_customs_refused_can_be_asked_again_or_left() {
    let border = Border::new().await;
    let buyer = border.market.identified(1).await;
    let seller = border.seller().await;
    let held = border.declared(&buyer, 1, "cancel-refused+no-end").await;
    buyer.done("cancelOrder", "order { state }", cancel(&held)).await;
    border.market.worked().await;
    assert_eq!(border.order(&buyer, &held).await["declaration"]["requests"][0]["state"], "REFUSED");
    buyer.done("cancelOrder", "order { state }", cancel(&held)).await;
    border.market.worked().await;
    let gone = border.order(&buyer, &held).await;
    assert_eq!(gone["state"], "CANCELLED", "asked once more, customs is not asked: {gone:#}");
    // A return that customs refuses blocks nothing for ever.
    let order = border.declared(&buyer, 1, "return-refused").await;
    seller.done("shipOrder", "order { state }", json!({ "id": order["id"], "waybill": "YT1" })).await;
    let ask = json!({ "id": order["id"], "reason": "退货", "lines": [{ "number": 1, "quantity": 1 }] });
    let id = border.asked_back(&buyer, &order, 1).await;
    border.came_back(&id).await;
    border.market.worked().await;
    assert_eq!(buyer.refused("requestReturn", ask.clone()).await[0].0, "OUT_OF_RANGE");
    buyer.done("withdrawReturn", "request { state }", json!({ "id": id })).await;
    buyer.done("requestReturn", "order { state }", ask).await;
    border.market.worked().await;
    border.market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn released_and_then_sent_back_abroad_the_buyer_has_everything_back_and_the_warehouse_no_goods() {
    let border = Border::new().await;
    let buyer = border.market.identified(1).await;
    let start = border.market.stock(OTHER_SELLER, &border.variant).await;
    let order = border.declared(&buyer, 2, "").await;
    assert_eq!(border.quota(&buyer).await, ("82.00".into(), "0.00".into()));
    let text = receipt(&border, &order).await;
    assert_eq!(deliver(&border, &saying(&text, "700", 1)).await, MessageVerdict::Taken);
    border.market.worked().await;
    let seen = border.order(&buyer, &order).await;
    assert_eq!((&seen["state"], &seen["declaration"]["state"]), (&json!("CANCELLED"), &json!("RETURNED_ABROAD")));
    assert_eq!(border.quota(&buyer).await, ("0.00".into(), "0.00".into()), "what never came counts");
    let after = border.market.stock(OTHER_SELLER, &border.variant).await;
    assert_eq!(after, (start.0 - 2, 0), "goods that go abroad are sold again");
    assert_eq!(border.book().await, (0, 2, 98));
    assert_eq!(border.refunds(&buyer, &order).await.len(), 1);
    border.market.adds_up().await;
    // After they left, somebody looks: here, and whoever compares the books.
    let sent = border.declared(&buyer, 1, "").await;
    border.seller().await.done("shipOrder", "order { state }", json!({ "id": sent["id"], "waybill": "YT1" })).await;
    deliver(&border, &saying(&receipt(&border, &sent).await, "700", 2)).await;
    border.market.worked().await;
    let odd = border.order(&buyer, &sent).await;
    assert_eq!(odd["state"], "SHIPPED");
    assert!(alarm(&border, &sent).await.as_str().is_some(), "nobody looks");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_both_be_is_for_a_person_who_looked() {
    let border = Border::new().await;
    let buyer = border.market.identified(1).await;
    let order = border.declared(&buyer, 1, "no-end").await;
    buyer.done("cancelOrder", "order { state }", cancel(&order)).await;
    border.market.worked().await;
    assert_eq!(alarm(&border, &order).await, Value::Null);
    deliver(&border, &saying(&receipt(&border, &order).await, "800", 1)).await;
    border.market.worked().await;
    let odd = border.order(&buyer, &order).await;
    assert_eq!(odd["state"], "CANCELLED");
    assert!(alarm(&border, &order).await.as_str().is_some(), "released and withdrawn, and nobody looks: {odd:#}");
    let push = json!({ "id": odd["declaration"]["id"] });
    let seen = border.seller().await.done("pushDeclaration", "declaration { alarm }", push).await;
    assert_eq!(seen["declaration"]["alarm"], Value::Null, "it stays on the work list for ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_without_a_number_is_of_the_attempt_that_was_under_way() {
    let border = Border::new().await;
    let buyer = border.market.identified(1).await;
    let order = border.bought(&buyer, 1, "reject-lines").await;
    let answers = list_answers(&border, &order, "YT1").await;
    let first: Vec<String> = answers.iter().map(|text| without(text, &["guid"])).collect();
    for text in &first {
        deliver(&border, text).await;
    }
    border.market.worked().await;
    let rejected = border.order(&buyer, &order).await["declaration"].clone();
    assert_eq!(rejected["state"], "REJECTED");
    let push = json!({ "id": rejected["id"] });
    border.seller().await.done("pushDeclaration", "declaration { state }", push).await;
    // Said again before the second attempt is even written, and after it was sent.
    for text in &first {
        assert_eq!(deliver(&border, text).await, MessageVerdict::Repeated);
    }
    let second: Vec<String> = silently(&border).await.iter().map(|text| without(text, &["guid"])).collect();
    for text in first.iter().chain(&second) {
        deliver(&border, text).await;
    }
    border.market.worked().await;
    let released = border.order(&buyer, &order).await["declaration"].clone();
    assert_eq!(released["state"], "RELEASED", "an old refusal is that of the new attempt: {released:#}");
    border.market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_sells_reads_whom_customs_names() {
    let border = Border::new().await;
    let buyer = border.market.identified(1).await;
    let order = border.declared(&buyer, 1, "no-end").await;
    let text = saying(&receipt(&border, &order).await, "300", 7);
    let named = replaced(&text, "returnInfo", "[Code:1200]测试甲 63010319900101001X 13800000000");
    assert_eq!(deliver(&border, &named).await, MessageVerdict::Taken);
    let seller = border.seller().await;
    let id = border.order(&buyer, &order).await["declaration"]["id"].clone();
    let query =
        "query($id: ID!) { declaration(id: $id) { documents { info } receipts(first: 100) { nodes { info } } } }";
    let seen = seller.data(query, json!({ "id": id })).await.to_string();
    assert!(seen.contains("[Code:1200]"), "{seen}");
    for person in ["测试甲", "63010319900101001X", "13800000000"] {
        assert!(!seen.contains(person), "a seller reads {person}");
    }
    // What came is kept as it came, for who keeps customs.
    let app = border.market.app();
    let hash = api::platform::vault::sha256_hex(named.as_bytes());
    let row =
        message::Entity::find().filter(message::Column::Hash.eq(hash)).one(app.db().read()).await.unwrap().unwrap();
    let kept = app.vault().unseal_text(&format!("customs_message:{}", row.id), &row.body).unwrap();
    assert_eq!(kept, named);
}
