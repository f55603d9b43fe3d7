//! What came into a site of direct imports (CEB711), and a vehicle that waits for the lists on it.

use api::{
    customs::receiving,
    platform::{customs::simulator::proved, graphql::decode},
};
use async_graphql::ID;
use entities::{
    customs::{
        ceb::{self, Document, Message, Record, kind},
        message::{self, MessageDirection, MessageVerdict},
        paper,
    },
    platform::job,
    values::id::CustomsPaperId,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};

use super::{Border, CARRIER, DECLARER, messages::official};
use crate::{
    ordering::Market,
    support::{Client, SELLER},
};

/// Who operates the site.
const SITE: &str = "xining-bonded-warehouse";

const DELIVERY: &str = "delivery { id number bill waybills paper { id kind messageNumber state status attempt info \
     receipts(first: 20) { nodes { status attempt } } } }";

async fn reporting(market: &Market, number: &str, waybills: Value) -> Value {
    json!({ "number": number, "customsCode": "9701", "trafMode": "5", "vehicle": "CZ3101", "voyage": "20260301",
        "bill": "784-12345675", "carrierId": market.server.organisation(CARRIER).await, "waybills": waybills })
}

async fn reported(client: &Client) -> Vec<Value> {
    let query = format!(
        "{{ deliveries {{ nodes {{ {} }} }} }}",
        DELIVERY.strip_prefix("delivery { ").unwrap().strip_suffix(" }").unwrap()
    );
    client.data(&query, json!({})).await["deliveries"]["nodes"].as_array().unwrap().clone()
}

/// The messages of a paper that went out, the oldest first.
async fn sent(market: &Market, delivery: &Value) -> Vec<String> {
    let id: CustomsPaperId = decode(&ID(delivery["id"].as_str().unwrap().to_owned()), "id").unwrap();
    let rows = message::Entity::find()
        .filter(message::Column::PaperId.eq(id))
        .filter(message::Column::Direction.eq(MessageDirection::Out))
        .order_by_asc(message::Column::Id);
    let rows = rows.all(market.app().db().read()).await.unwrap();
    let text = |row: &message::Model| {
        market.app().vault().unseal_text(&format!("customs_message:{}", row.id), &row.body).unwrap()
    };
    rows.iter().map(text).collect()
}

/// A receipt of a delivery, which names it by its message's number alone.
fn receipt(guid: &str, status: &str, time: &str) -> String {
    naming(guid, &[], status, time)
}

/// A receipt of a delivery that names it by its message's number and by what else there is.
fn naming(guid: &str, named: &[(&str, &str)], status: &str, time: &str) -> String {
    let head = named.iter().fold(Record::default().with("guid", guid), |head, (name, said)| head.with(name, *said));
    let head = head.with("returnStatus", status).with("returnTime", time).with("returnInfo", "运单信息有误");
    let document = Document { head, lines: Vec::new() };
    Message::new(kind(712).unwrap(), "44444444-AAAA-4BBB-8CCC-000000000001", vec![document]).write().unwrap()
}

async fn deliver(market: &Market, text: &str) -> MessageVerdict {
    let headers = proved(market.app().vault(), text.as_bytes());
    receiving::pushed(market.app(), &headers, text.as_bytes()).await.unwrap().expect("it is the gateway's").verdict
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_into_a_site_is_told_to_customs_and_stands_as_its_receipts_say() {
    let market = Market::new().await;
    let site = market.server.seller(SITE).await;
    let mut input = reporting(&market, "DR-1", json!(["YT0000000001", "YT0000000002"])).await;
    input["clientMutationId"] = json!("bill-1");
    let first = site.done("reportDelivery", DELIVERY, input.clone()).await;
    assert_eq!(site.done("reportDelivery", DELIVERY, input).await, first, "a repeat is another answer");
    let delivery = &first["delivery"];
    assert_eq!((&delivery["number"], &delivery["bill"]), (&json!("DR-1"), &json!("784-12345675")));
    assert_eq!((&delivery["paper"]["kind"], &delivery["paper"]["messageNumber"]), (&json!("DELIVERY"), &json!(711)));
    market.worked().await;
    let seen = reported(&site).await;
    assert_eq!(seen.len(), 1);
    assert_eq!(
        (&seen[0]["paper"]["state"], &seen[0]["waybills"]),
        (&json!("REVIEWED"), &json!(["YT0000000001", "YT0000000002"]))
    );
    let receipts = seen[0]["paper"]["receipts"]["nodes"].as_array().unwrap();
    let mut statuses: Vec<&str> = receipts.iter().map(|one| one["status"].as_str().unwrap()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, ["120", "2", "399"]);

    // What went out is what the schema wants, and says what was reported.
    let texts = sent(&market, delivery).await;
    assert_eq!(texts.len(), 1);
    official(&[("CEB711-reported".to_owned(), texts[0].clone())]);
    let read = ceb::read(texts[0].as_bytes()).unwrap();
    assert!(read.signature.is_some(), "it is not signed");
    let head = &read.documents[0].head;
    for (name, said) in [
        ("copNo", "DR-1"),
        ("ieFlag", "I"),
        ("billNo", "784-12345675"),
        ("operatorCode", "6301660715"),
        ("appType", "1"),
    ] {
        assert_eq!(head.get(name), Some(said), "{name}");
    }

    // The same number is the same delivery; what customs took is not told twice.
    let again = reporting(&market, "DR-1", json!(["YT0000000003"])).await;
    assert_eq!(site.refused("reportDelivery", again).await, [("ALREADY_TAKEN".into(), "number".into())]);
    // Others see nothing of it; who oversees the zone does.
    assert_eq!(reported(&market.server.seller(SELLER).await).await, Vec::<Value>::new());
    assert_eq!(reported(&market.server.operator().await).await.len(), 1);
    market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_customs_did_not_take_is_mended_under_its_number_and_strange_receipts_change_nothing() {
    let market = Market::new().await;
    let site = market.server.seller(SITE).await;
    let input = reporting(&market, "DR-2", json!(["YT0000000001", "YT0000000002"])).await;
    let delivery = site.done("reportDelivery", DELIVERY, input).await["delivery"].clone();
    market.worked().await;
    let row = paper::Entity::find().one(market.app().db().read()).await.unwrap().unwrap();
    let strange = receipt("99999999-AAAA-4BBB-8CCC-000000000009", "100", "20260301235959000");
    assert_ne!(deliver(&market, &strange).await, MessageVerdict::Taken, "a receipt of nothing was taken");
    assert_eq!(reported(&site).await[0]["paper"]["state"], "REVIEWED");
    let rejected = receipt(&row.guid, "100", "20260301235959000");
    assert_eq!(deliver(&market, &rejected).await, MessageVerdict::Taken);
    assert_eq!(deliver(&market, &rejected).await, MessageVerdict::Repeated);
    assert_eq!(reported(&site).await[0]["paper"]["state"], "REJECTED");

    let mended = reporting(&market, "DR-2", json!(["YT0000000001"])).await;
    let mended = site.done("reportDelivery", DELIVERY, mended).await["delivery"].clone();
    assert_eq!((&mended["id"], &mended["paper"]["attempt"]), (&delivery["id"], &json!(2)));
    market.worked().await;
    let seen = reported(&site).await;
    assert_eq!(
        (seen.len(), &seen[0]["paper"]["state"], &seen[0]["waybills"]),
        (1, &json!("REVIEWED"), &json!(["YT0000000001"]))
    );
    let texts = sent(&market, &delivery).await;
    assert_eq!(texts.len(), 2);
    let second = ceb::read(texts[1].as_bytes()).unwrap();
    let head = &second.documents[0].head;
    assert_eq!((head.get("appType"), head.get("preNo").is_some()), (Some("2"), true), "customs had it before");
    official(&[("CEB711-mended".to_owned(), texts[1].clone())]);
    // What is late about the first attempt changes nothing.
    assert_eq!(deliver(&market, &receipt(&row.guid, "100", "20260301235959001")).await, MessageVerdict::Taken);
    assert_eq!(reported(&site).await[0]["paper"]["state"], "REVIEWED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_of_a_delivery_with_a_strange_guid_is_matched_by_its_business_key() {
    let market = Market::new().await;
    let app = market.app();
    let site = market.server.seller(SITE).await;
    let input = reporting(&market, "DR-7", json!(["YT0000000001"])).await;
    site.done("reportDelivery", DELIVERY, input).await;
    market.worked().await;
    let row = paper::Entity::find().one(app.db().read()).await.unwrap().unwrap();
    let (strange, pre_no) = ("99999999-AAAA-4BBB-8CCC-000000000009", row.pre_no.unwrap());
    let named: [&[(&str, &str)]; 3] =
        [&[("operatorCode", "6301660715"), ("copNo", "DR-7")], &[("copNo", " DR-7\n")], &[("preNo", pre_no.as_str())]];
    for (n, named) in named.into_iter().enumerate() {
        let text = naming(strange, named, "100", &format!("2026030123595900{n}"));
        assert_eq!(deliver(&market, &text).await, MessageVerdict::Taken, "{named:?}");
        assert_eq!(deliver(&market, &text).await, MessageVerdict::Repeated, "{named:?}");
    }
    assert_eq!(reported(&site).await[0]["paper"]["state"], "REJECTED");
    // What nobody knows waits, and is followed once it is known.
    let early = naming(strange, &[("copNo", "DR-8")], "2", "20260301235959000");
    assert_eq!(deliver(&market, &early).await, MessageVerdict::Unmatched);
    let waits = message::Entity::find().filter(message::Column::Verdict.eq(MessageVerdict::Unmatched));
    let why = waits.clone().one(app.db().writer()).await.unwrap().unwrap().reason.unwrap();
    assert!(why.contains("copNo DR-8"), "{why}");
    let input = reporting(&market, "DR-8", json!(["YT0000000002"])).await;
    site.done("reportDelivery", DELIVERY, input).await;
    api::customs::jobs::sweep(app, app.clock().now()).await.unwrap();
    assert_eq!(waits.one(app.db().writer()).await.unwrap(), None, "it still waits");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_answers_to_is_seen_and_said_again_and_is_one_delivery() {
    let market = Market::new().await;
    let app = market.app();
    let site = market.server.seller(SITE).await;
    let to_do = "{ deliveries(filter: { toDo: true }) { nodes { number nextActions paper { state } } } }";
    let input = reporting(&market, "DR-4", json!(["YT0000000001"])).await;
    let first = site.done("reportDelivery", DELIVERY, input).await["delivery"].clone();
    api::worker::drain(app, Some("customs.send"), |_| {}).await.unwrap();
    // It is lost on its way.
    let lost = job::Entity::delete_many().filter(job::Column::Kind.eq("customs.heard"));
    assert_eq!(lost.exec(app.db().writer()).await.unwrap().rows_affected, 1);
    market.worked().await;
    assert_eq!(reported(&site).await[0]["paper"]["state"], "SENT");
    assert_eq!(site.data(to_do, json!({})).await["deliveries"]["nodes"], json!([]), "it is late at once");
    market.wait(chrono::Duration::hours(25));
    let site = market.server.seller(SITE).await;
    let late = json!([{ "number": "DR-4", "nextActions": ["SEND_AGAIN"], "paper": { "state": "SENT" } }]);
    assert_eq!(site.data(to_do, json!({})).await["deliveries"]["nodes"], late);
    // Other parcels are another delivery.
    let other = reporting(&market, "DR-4", json!(["YT0000000002"])).await;
    assert_eq!(site.refused("reportDelivery", other).await, [("ALREADY_TAKEN".into(), "number".into())]);
    let again = reporting(&market, "DR-4", json!(["YT0000000001"])).await;
    let again = site.done("reportDelivery", DELIVERY, again).await["delivery"].clone();
    assert_eq!((&again["id"], &again["paper"]["attempt"]), (&first["id"], &json!(1)));
    market.worked().await;
    assert_eq!(reported(&site).await[0]["paper"]["state"], "REVIEWED");
    assert_eq!(sent(&market, &first).await.len(), 1, "it is another message");
    assert_eq!(site.data(to_do, json!({})).await["deliveries"]["nodes"], json!([]));
    market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_carrier_may_run_a_site_and_parcels_are_a_carriers() {
    let market = Market::new().await;
    let carrier = market.server.seller(CARRIER).await;
    let own = reporting(&market, "DR-5", json!(["YT0000000001"])).await;
    carrier.done("reportDelivery", DELIVERY, own).await;
    let mut wrong = reporting(&market, "DR-6", json!(["YT0000000001"])).await;
    wrong["carrierId"] = market.server.organisation(DECLARER).await;
    let site = market.server.seller(SITE).await;
    assert_eq!(site.refused("reportDelivery", wrong).await, [("WRONG_ROLE".into(), "carrierId".into())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_keeps_no_site_reports_nothing_and_everything_that_is_wrong_is_said_at_once() {
    let market = Market::new().await;
    let good = reporting(&market, "DR-3", json!(["YT0000000001"])).await;
    let seller = market.server.seller(SELLER).await;
    assert_eq!(seller.refused("reportDelivery", good.clone()).await[0].0, "WRONG_ROLE");
    let site = market.server.seller(SITE).await;
    let mut wrong = good.clone();
    wrong["number"] = json!("a|b");
    wrong["customsCode"] = json!("97");
    wrong["trafMode"] = json!("7");
    wrong["voyage"] = json!("");
    wrong["waybills"] = json!(["YT1", " ", "YT1"]);
    let expected = [
        ("INVALID_VALUE", "number"),
        ("INVALID_VALUE", "customsCode"),
        ("INVALID_VALUE", "trafMode"),
        ("REQUIRED", "voyage"),
        ("REQUIRED", "waybills.1"),
        ("DUPLICATE", "waybills.2"),
    ];
    let expected = expected.map(|(code, field)| (code.to_owned(), field.to_owned()));
    assert_eq!(site.refused("reportDelivery", wrong).await, expected);
    let many: Vec<String> = (0..501).map(|n| format!("YT{n}")).collect();
    let mut wrong = good.clone();
    wrong["waybills"] = json!(many);
    assert_eq!(site.refused("reportDelivery", wrong).await, [("TOO_MANY".into(), "waybills".into())]);
    let at_once = (0..5).map(|_| site.payload("reportDelivery", "delivery { id }", good.clone()));
    let all = futures_util::future::join_all(at_once).await;
    // Said five times at once it is one delivery.
    assert!(all.iter().all(|payload| payload["userErrors"] == json!([]) && payload == &all[0]), "{all:?}");
    assert_eq!(reported(&site).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vehicle_waits_for_the_list_that_customs_has_not_released() {
    // With a carrier that a program reaches, so that orders have parcels; its clock stands.
    let settings = [("CHAMA_LOGISTICS_SIMULATOR_ENABLED", "true"), ("CHAMA_LOGISTICS_SIMULATOR_STEP_MS", "1000")];
    let border = Border::with(&settings, json!({})).await;
    let carrier = border.market.server.seller(CARRIER).await;
    carrier.done("setCarrier", "carrier { setting { adapter } }", json!({ "adapter": "SIMULATOR" })).await;
    let buyer = border.market.identified(1).await;
    let (free, held) = (border.bought(&buyer, 2, "").await, border.bought(&buyer, 1, "no-end").await);
    let seller = border.seller().await;
    let query = "query($id: ID!) { order(id: $id) { state shipment { id state } declaration { state } } }";
    let mut parcels = Vec::new();
    for (order, grams) in [(&free, 1_800), (&held, 900)] {
        let seen = buyer.data(query, json!({ "id": order["id"] })).await["order"].clone();
        let pack = json!({ "id": seen["shipment"]["id"], "units": [{ "weightG": grams }] });
        seller.done("packShipment", "shipment { state }", pack).await;
        parcels.push(json!({ "shipmentId": seen["shipment"]["id"], "weighedG": grams }));
    }
    border.market.worked().await;
    let places = seller.data("{ stockLocations(first: 100) { nodes { id code } } }", json!({})).await;
    let place = places["stockLocations"]["nodes"].as_array().unwrap().iter().find(|row| row["code"] == "BW-1").unwrap();
    let open = |parcels: &[Value]| {
        let ids: Vec<&Value> = parcels.iter().map(|parcel| &parcel["shipmentId"]).collect();
        json!({ "locationId": place["id"], "vehicle": "青A1", "shipmentIds": ids })
    };
    let pass = seller.done("openGatePass", "gatePass { id }", open(&parcels)).await["gatePass"]["id"].clone();
    let waits = seller.refused("passGate", json!({ "id": pass, "parcels": parcels })).await;
    assert_eq!(waits, [("NOT_RELEASED".into(), "parcels.1.shipmentId".into())]);
    assert_eq!(border.book().await, (3, 0, 97), "something of it went out");
    // Without it the vehicle goes, and the order with it.
    seller.done("cancelGatePass", "gatePass { state }", json!({ "id": pass })).await;
    let pass = seller.done("openGatePass", "gatePass { id }", open(&parcels[..1])).await["gatePass"]["id"].clone();
    seller.done("passGate", "gatePass { state }", json!({ "id": pass, "parcels": parcels[..1] })).await;
    border.market.worked().await;
    let seen = buyer.data(query, json!({ "id": free["id"] })).await["order"].clone();
    assert_eq!((&seen["state"], &seen["shipment"]["state"]), (&json!("SHIPPED"), &json!("GATE_OUT")), "{seen}");
    assert_eq!(border.book().await, (1, 2, 97));
    border.market.adds_up().await;
}
