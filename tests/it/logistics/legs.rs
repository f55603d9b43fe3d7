//! Who carries only a part of the way: what it sees, and what it reports.

use api::{logistics::ops::Opening, platform::graphql::encode};
use chrono::SecondsFormat;
use entities::logistics::{ShipmentState, cold::Range};
use serde_json::{Value, json};

use super::{Dock, OTHER_CARRIER, consignee, open, opening, organisation_of};
use crate::support::Client;

struct Way {
    dock: Dock,
    other: Client,
    first: Value,
    second: Value,
}

/// A desk with two carriers, and a leg of each.
async fn way() -> Way {
    let dock = Dock::new().await;
    let other = dock.server.seller(OTHER_CARRIER).await;
    let other_id = organisation_of(dock.app(), OTHER_CARRIER).await;
    let first =
        json!({ "mode": "RAIL", "carrierId": encode(dock.carrier_id), "origin": "CNXNN", "destination": "CNLZH" });
    let second = json!({ "mode": "ROAD", "carrierId": encode(other_id), "origin": "CNLZH", "destination": "310115" });
    Way { dock, other, first, second }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_carries_the_last_leg_sees_the_shipment_masked_and_says_how_it_ends() {
    let Way { dock, other, first, second } = way().await;
    let to = consignee("示例路1号");
    let range = Range { min: 20, max: 80, allowed_minutes: 10 };
    let cold = Opening { temperature: Some(range), ..opening("L-1", dock.seller_id, dock.carrier_id, &to) };
    let row = open(dock.app(), &cold).await.unwrap();
    let id = encode(row.id);
    let list = "{ shipments { nodes { document consignee holds { note } legs { departedAt arrivedAt } } } }";
    assert_eq!(other.data(list, json!({})).await["shipments"]["nodes"], json!([]));
    dock.owner.done("planShipment", "", json!({ "id": id, "legs": [first, second] })).await;
    dock.owner.done("holdShipment", "", json!({ "id": id, "reason": "OTHER", "note": "of nobody else" })).await;
    let seen = other.data(list, json!({})).await["shipments"]["nodes"][0].clone();
    assert_eq!((&seen["document"], &seen["consignee"]), (&json!("L-1"), &json!("测** 138****0000")));
    assert_eq!(seen["holds"], json!([{ "note": null }]));
    let reveal = json!({ "id": id, "reason": "label is wet" });
    assert_eq!(other.denied("revealShipmentConsignee", reveal).await, "FORBIDDEN");
    let holds = "query($id: ID!) { shipment(id: $id) { holds { id } } }";
    let hold = dock.owner.data(holds, json!({ "id": id })).await["shipment"]["holds"][0]["id"].clone();
    dock.owner.done("liftHold", "", json!({ "id": hold })).await;
    dock.pack(&row, 1_000, Some("SF-0001")).await;
    dock.out(&row, 1_000).await;

    // A place has a name of its carrier's, and a code beside it.
    let at = |id: &str, minutes: i64, step: &str, disposition: Option<&str>| {
        let mut event = dock.event("SF-0001", id, minutes, step, disposition);
        (event["readPoint"], event["bizLocation"]) = (json!("兰州东货场"), json!("CNLZH"));
        event
    };
    assert_eq!(dock.reported(json!([at("a-1", 1, "ARRIVING", None)])).await, [json!(true)]);
    // What it says of an event of the other, before or after, or of one that has the same name, is of its own.
    let mut wrong = at("a-1", 1, "ARRIVING", None);
    wrong["errorDeclaration"] = json!({ "reason": "not mine" });
    assert_eq!(dock.reported_by(&other, json!([wrong.clone()])).await, [json!("NOT_REPORTER")]);
    wrong["eventId"] = json!("a-2");
    assert_eq!(dock.reported_by(&other, json!([wrong.clone()])).await, [json!(true)]);
    let same = json!([at("a-2", 1, "STORING", None)]);
    assert_eq!(dock.reported(same.clone()).await, [json!(true)]);
    assert_eq!(dock.reported(json!([wrong])).await, [json!(true)], "a stranger said it first, and it is lost");
    assert_eq!(dock.reported(same).await, [json!(false)]);
    let told = json!([at("b-1", 2, "DEPARTING", None), at("b-2", 3, "ACCEPTING", Some("DELIVERED"))]);
    assert_eq!(dock.reported_by(&other, told).await, [json!(true), json!(true)]);
    assert_eq!(dock.row(&row).await.state, ShipmentState::Signed);
    // Another that is called alike, earlier and told late, takes nothing from what it says.
    assert_eq!(dock.reported(json!([at("b-2", 1, "STORING", None)])).await, [json!(true)]);
    assert_eq!(dock.row(&row).await.state, ShipmentState::Signed, "a parcel that was taken in is on its way again");
    // Neither does the house that declares that one in error.
    let events = "query($id: ID!) { shipment(id: $id) { events(first: 50) { nodes { id eventId bizStep } } } }";
    let nodes = dock.carrier.data(events, json!({ "id": id })).await["shipment"]["events"]["nodes"].clone();
    let nodes = nodes.as_array().unwrap();
    let alike = nodes.iter().find(|one| one["eventId"] == "b-2" && one["bizStep"] == "STORING").unwrap();
    let wrong = json!({ "id": alike["id"], "reason": "another parcel" });
    let operator = dock.server.operator().await;
    let done = operator.done("declareTrackingError", "shipment { state }", wrong.clone()).await;
    assert_eq!(done["shipment"]["state"], "SIGNED", "the house voids what it did not name");
    assert_eq!(operator.refused("declareTrackingError", wrong).await, [("ILLEGAL_TRANSITION".into(), "id".into())]);
    let legs = other.data(list, json!({})).await["shipments"]["nodes"][0]["legs"].clone();
    let whole = |leg: &Value| leg["departedAt"].is_string() && leg["arrivedAt"].is_string();
    assert!(legs.as_array().unwrap().iter().all(whole), "{legs}");
    let moment = dock.app().clock().now().to_rfc3339_opts(SecondsFormat::Millis, true);
    let sample = json!({ "samples": [{ "waybill": "SF-0001", "device": "T-9", "at": moment, "tenths": 50 }] });
    let sample = other.done("reportTemperature", "results { taken userErrors { code } }", sample).await;
    assert_eq!(sample["results"], json!([{ "taken": true, "userErrors": [] }]));

    // What one of them reported is not the other's to take back.
    let nodes = dock.carrier.data(events, json!({ "id": id })).await["shipment"]["events"]["nodes"].clone();
    let theirs = nodes.as_array().unwrap().iter().find(|one| one["eventId"] == "b-2" && one["bizStep"] == "ACCEPTING");
    let theirs = theirs.unwrap()["id"].clone();
    let wrong = json!({ "id": theirs, "reason": "another door" });
    let refused = dock.carrier.refused("declareTrackingError", wrong.clone()).await;
    assert_eq!(refused, [("NOT_REPORTER".into(), "id".into())]);
    let mut pushed = at("b-1", 2, "DEPARTING", None);
    pushed["errorDeclaration"] = json!({ "reason": "another door" });
    assert_eq!(dock.reported(json!([pushed])).await, [json!("NOT_REPORTER")]);
    let done = other.done("declareTrackingError", "shipment { state }", wrong).await;
    assert_eq!(done["shipment"]["state"], "IN_TRANSIT");
    dock.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_carries_an_earlier_leg_says_where_it_is_and_not_how_it_ends() {
    let Way { dock, other, first, second } = way().await;
    let row = dock.opened("L-1").await;
    let way = json!([
        { "mode": "ROAD", "carrierId": second["carrierId"], "origin": "CNXNN", "destination": "CNLZH" },
        { "mode": "RAIL", "carrierId": first["carrierId"], "origin": "CNLZH", "destination": "310115" },
    ]);
    dock.owner.done("planShipment", "", json!({ "id": encode(row.id), "legs": way })).await;
    dock.pack(&row, 1_000, Some("SF-0001")).await;
    dock.out(&row, 1_000).await;
    let told = json!([
        dock.event("SF-0001", "b-1", 1, "DEPARTING", None),
        dock.event("SF-0001", "b-2", 2, "ACCEPTING", Some("DELIVERED")),
        dock.event("SF-0001", "b-3", 3, "TRANSPORTING", Some("RETURNED")),
    ]);
    let expected = [json!(true), json!("NOT_LAST_LEG"), json!("NOT_LAST_LEG")];
    assert_eq!(dock.reported_by(&other, told).await, expected);
    assert_eq!(dock.row(&row).await.state, ShipmentState::InTransit);
    // A parcel of its own that has the same number is the one that it means.
    let to = consignee("x路1号");
    let other_id = organisation_of(dock.app(), OTHER_CARRIER).await;
    let own = open(dock.app(), &opening("L-2", dock.seller_id, other_id, &to)).await.unwrap();
    dock.pack(&own, 1_000, Some("SF-0001")).await;
    dock.out(&own, 1_000).await;
    let lost = json!([dock.event("SF-0001", "b-4", 4, "TRANSPORTING", Some("LOST"))]);
    assert_eq!(dock.reported_by(&other, lost).await, [json!(true)]);
    assert_eq!(dock.row(&own).await.state, ShipmentState::Lost);
    assert_eq!(dock.row(&row).await.state, ShipmentState::InTransit, "another's parcel is lost");
    dock.adds_up().await;
}
