//! A direct import (直购进口, 9610): what is bought lies abroad, comes over the border in a parcel of its own, and customs
//! is told with which flight and bill.

use chrono::Duration;
use entities::customs::message;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};

use super::{Border, CARRIER, paper};
use crate::{
    ordering::Sale,
    support::{Client, OTHER_SELLER},
};

/// Water for 41 yuan, twenty of them in a warehouse abroad: filed for direct import, with a carrier that a program reaches,
/// and no account book.
async fn abroad() -> Border {
    let settings = [("CHAMA_LOGISTICS_SIMULATOR_ENABLED", "true"), ("CHAMA_LOGISTICS_SIMULATOR_STEP_MS", "1000")];
    let border = Border::with(&settings, json!({})).await;
    let sale = Sale {
        seller: OTHER_SELLER,
        key: "water-d",
        mode: "DIRECT_IMPORT",
        price: "41.00",
        hs: "2201101000",
        stock: 20,
        warehouse: "OW-1",
    };
    let (offer, variant) = border.market.sold(sale).await;
    let carrier = border.market.server.seller(CARRIER).await;
    carrier.done("setCarrier", "carrier { setting { adapter } }", json!({ "adapter": "SIMULATOR" })).await;
    Border { offer, variant, ..border }
}

/// Files the goods for direct import, and has the filing approved.
async fn filed(border: &Border) {
    let input = json!({ "variantId": border.variant, "mode": "DIRECT_IMPORT", "itemNo": "SKU2", "name": "矿泉水",
        "specification": "品名:矿泉水;规格:500ml", "unit": "142", "price": { "amount": "41.00", "currency": "CNY" } });
    let filed = border.seller().await.done("fileGoods", "filing { id state }", input).await["filing"].clone();
    let decision = json!({ "id": filed["id"], "decision": "APPROVE" });
    border.market.server.operator().await.done("decideGoodsFiling", "filing { state }", decision).await;
}

fn flight(declaration: &Value) -> Value {
    json!({ "id": declaration["id"], "vehicle": "CK288", "voyage": "20260301", "bill": "112-00000001_1", "trafMode": "5",
        "country": "FR" })
}

/// With one thing of it said otherwise.
fn but(mut input: Value, field: &str, value: &str) -> Value {
    input[field] = value.into();
    input
}

async fn parcel(client: &Client, order: &Value) -> Value {
    let query = "query($id: ID!) { order(id: $id) { state shipment { id state waybill } declaration { state } } }";
    client.data(query, json!({ "id": order["id"] })).await["order"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_direct_import_goes_from_the_cart_to_the_door() {
    let border = abroad().await;
    let buyer = border.market.identified(1).await;
    let seller = border.seller().await;
    // Paid before anything is arranged: what is missing is named, one after the other.
    let order = border.bought(&buyer, 10, "").await;
    let waits = async || border.order(&buyer, &order).await["declaration"].clone();
    let declaration = waits().await;
    assert_eq!(
        declaration["blockers"][0], "NO_ARRANGEMENT",
        "the arrangement for bonded goods counts: {declaration:#}"
    );
    border.arrange(json!({ "mode": "DIRECT_IMPORT", "trafMode": "5" })).await;
    border.market.worked().await;
    let declaration = waits().await;
    assert_eq!(declaration["blockers"][0], "GOODS_NOT_FILED", "{declaration:#}");
    filed(&border).await;
    // It was looked too early who carries: a minute later it is looked again.
    border.market.wait(Duration::minutes(2));
    border.market.worked().await;
    let buyer = border.market.server.consumer(1).await;
    let waiting = border.order(&buyer, &order).await;
    let declaration = &waiting["declaration"];
    assert_eq!(declaration["blockers"], json!(["NO_TRANSPORT"]), "{declaration:#}");
    assert_eq!(declaration["nextActions"], json!(["SET_TRANSPORT", "CANCEL"]));
    for kind in ["ORDER", "PAYMENT", "WAYBILL"] {
        assert_eq!(paper(declaration, kind)["state"], "ACCEPTED", "{kind}: {declaration:#}");
    }
    let booked = parcel(&buyer, &order).await["shipment"].clone();
    assert_eq!(declaration["waybill"], booked["waybill"], "customs is told another number than the parcel has");
    let gate = json!({ "id": booked["id"], "weighedG": 9_300 });
    let pack = json!({ "id": booked["id"], "units": [{ "weightG": 9_300 }] });
    seller.done("packShipment", "shipment { state }", pack).await;
    assert_eq!(seller.refused("gateOut", gate.clone()).await[0].0, "NOT_RELEASED", "it leaves before customs says so");

    // How it comes.
    let said = flight(declaration);
    for (field, value, code) in [
        ("vehicle", "", "REQUIRED"),
        ("trafMode", "Y", "INVALID_VALUE"),
        ("country", "CN", "INVALID_COUNTRY"),
        ("country", "XX", "INVALID_COUNTRY"),
    ] {
        let refused = seller.refused("setTransport", but(said.clone(), field, value)).await;
        assert_eq!(refused[0], (code.into(), field.into()), "{field} {value}");
    }
    assert_eq!(buyer.denied("setTransport", said.clone()).await, "FORBIDDEN", "a buyer says how it comes");
    let set = seller.done("setTransport", "declaration { state blockers }", said).await["declaration"].clone();
    assert_eq!(set, json!({ "state": "DECLARING", "blockers": [] }));
    border.market.worked().await;
    let released = border.order(&buyer, &order).await;
    let declaration = &released["declaration"];
    assert_eq!(declaration["state"], "RELEASED", "{declaration:#}");
    assert_eq!(declaration["taxBill"]["total"]["amount"], "37.31", "customs bills what the buyer paid (vector T1)");
    assert_eq!(border.quota(&buyer).await, ("410.00".into(), "0.00".into()));
    let list = list_of(&border).await;
    for (name, value) in [
        ("tradeMode", "9610"),
        ("trafMode", "5"),
        ("trafNo", "CK288"),
        ("voyageNo", "20260301"),
        ("billNo", "112-00000001_1"),
        ("country", "305"),
    ] {
        assert!(
            list.contains(&format!("<ceb:{name}>{value}</ceb:{name}>")),
            "the list does not say {name} {value}: {list}"
        );
    }
    for name in ["emsNo", "areaCode", "itemRecordNo"] {
        assert!(!list.contains(&format!("<ceb:{name}>")), "a direct import has {name}: {list}");
    }

    // Out of the gate and to the door.
    assert_eq!(border.market.stock(OTHER_SELLER, &border.variant).await, (20, 10));
    seller.done("gateOut", "shipment { state }", gate).await;
    border.market.worked().await;
    assert_eq!(parcel(&buyer, &order).await["state"], "SHIPPED");
    assert_eq!(border.market.stock(OTHER_SELLER, &border.variant).await, (10, 0));
    for _ in 0..12 {
        border.market.wait(Duration::seconds(2));
        border.market.worked().await;
    }
    let done = parcel(&buyer, &order).await;
    assert_eq!((&done["state"], &done["shipment"]["state"]), (&json!("COMPLETED"), &json!("SIGNED")), "{done:#}");
    let told = border.order(&buyer, &order).await;
    assert_eq!(paper(&told["declaration"], "WAYBILL_STATUS")["state"], "ACCEPTED");
    let items = "query($v: ID) { bondedItems(variantId: $v) { nodes { id } } }";
    let items = seller.data(items, json!({ "v": border.variant })).await;
    assert_eq!(items["bondedItems"]["nodes"], json!([]), "what never lay in the zone is in the account book");
    border.market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_direct_import_is_taken_back_before_it_is_known_how_it_comes() {
    let border = abroad().await;
    border.arrange(json!({ "mode": "DIRECT_IMPORT", "trafMode": "5" })).await;
    filed(&border).await;
    let buyer = border.market.identified(1).await;
    let order = border.bought(&buyer, 2, "").await;
    let declaration = border.order(&buyer, &order).await["declaration"].clone();
    assert_eq!(declaration["blockers"], json!(["NO_TRANSPORT"]), "{declaration:#}");
    buyer.done("cancelOrder", "order { state }", json!({ "id": order["id"], "reason": "不要了" })).await;
    border.market.worked().await;
    let gone = parcel(&buyer, &order).await;
    let cancelled = json!("CANCELLED");
    let states = (&gone["state"], &gone["declaration"]["state"], &gone["shipment"]["state"]);
    assert_eq!(states, (&cancelled, &cancelled, &cancelled));
    assert_eq!(border.market.stock(OTHER_SELLER, &border.variant).await, (20, 0));
    assert_eq!(border.quota(&buyer).await, ("0.00".into(), "0.00".into()));

    // Bonded goods do not come over the border once more.
    let (offer, _) = border.market.sold(Sale::bonded(OTHER_SELLER, "water-b", "41.00", 5)).await;
    let border = Border { offer, ..border };
    let order = border.bought(&buyer, 1, "").await;
    let declaration = border.order(&buyer, &order).await["declaration"].clone();
    let refused = border.seller().await.refused("setTransport", flight(&declaration)).await;
    assert_eq!(refused[0], ("INVALID_VALUE".into(), "id".into()), "a bonded list says a flight");
    border.market.adds_up().await;
}

/// The text of the one list that was sent.
async fn list_of(border: &Border) -> String {
    let app = border.market.app();
    let sent = message::Entity::find().filter(message::Column::Kind.eq(621)).all(app.db().read()).await.unwrap();
    assert_eq!(sent.len(), 1, "more than one list is sent");
    app.vault().unseal_text(&format!("customs_message:{}", sent[0].id), &sent[0].body).unwrap()
}
