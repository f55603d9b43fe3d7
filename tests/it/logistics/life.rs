//! The life of a shipment, with the simulated carrier and with reports that come as they like.

use api::platform::graphql::encode;
use entities::logistics::{Booking, ShipmentState, event, simulated, waybill};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::json;

use super::{CARRIER, Dock};

const TIMELINE: &str = "query($id: ID!) { shipment(id: $id) { state signedAt gatedOutAt consignee units { sscc weightG } \
    events(first: 50) { nodes { id eventId declaresError bizStep disposition text texts { locale text } } } } }";

#[tokio::test(flavor = "multi_thread")]
async fn a_simulated_carrier_brings_a_parcel_to_where_its_address_says_and_each_state_is_told_once() {
    let dock = Dock::new().await;
    dock.simulated().await;
    for (document, address, ends) in [
        ("O-1", "示例路1号", ShipmentState::Signed),
        ("O-2", "示例路1号【拒收】", ShipmentState::Refused),
        ("O-3", "1 Example Road [lost]", ShipmentState::Lost),
        ("O-4", "示例路1号 [returned]", ShipmentState::Returned),
        ("O-5", "示例路2号", ShipmentState::Signed),
        ("O-6", "示例路3号", ShipmentState::Signed),
    ] {
        let row = dock.opened_to(document, address).await;
        let number = row.waybill.clone().expect("a number at once");
        assert!(waybill::is_s10(&number), "{number}");
        dock.worked().await;
        assert_eq!(dock.row(&row).await.booking, Booking::Booked, "the carrier was not told");
        dock.pack(&row, 1_000, None).await;
        assert_eq!(dock.moved(document, ShipmentState::Packed).await, 1);
        let out = dock.out(&row, 1_010).await;
        assert_eq!((&out["state"], &out["waybill"]), (&json!("GATE_OUT"), &json!(number)));
        assert_eq!(dock.moved(document, ShipmentState::GateOut).await, 1);
        dock.worked().await;
        let after = dock.row(&row).await;
        assert_eq!(after.state, ends, "{document}");
        assert_eq!(dock.moved(document, ends).await, 1, "{document}: whoever it belongs to is told once");
        assert_eq!(after.signed_at.is_some(), ends == ShipmentState::Signed);
        let seen = dock.owner.data(TIMELINE, json!({ "id": encode(row.id) })).await["shipment"].clone();
        assert_eq!(seen["consignee"], "测** 138****0000", "who takes it in is shown in clear");
        assert_eq!(seen["units"][0]["weightG"], 1_000);
        let nodes = seen["events"]["nodes"].as_array().unwrap();
        assert!(nodes.iter().all(|one| one["texts"].as_array().unwrap().len() == 2), "{nodes:?}");
        let ids: std::collections::BTreeSet<_> = nodes.iter().map(|one| one["eventId"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), nodes.len(), "a report is kept twice");
    }
    // The address is sealed: the stand-in keeps only what becomes of a parcel.
    assert_eq!(simulated::Entity::find().count(dock.app().db().read()).await.unwrap(), 6);
    dock.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_come_late_twice_and_wrong_and_the_state_is_what_happened() {
    let mut dock = Dock::new().await;
    let row = dock.on_its_way("O-1", "SF-0001").await;
    // A token of this moment: hours pass.
    dock.server.wait(chrono::Duration::hours(5));
    dock.carrier = dock.server.seller(CARRIER).await;
    let dock = dock;
    let state = async || dock.row(&row).await.state;
    let events = json!([
        dock.event("SF-0001", "e-3", -60, "ACCEPTING", Some("DELIVERED")),
        dock.event("SF-0001", "e-1", -200, "DEPARTING", Some("IN_TRANSIT")),
        dock.event("SF-0001", "e-1", -200, "DEPARTING", Some("IN_TRANSIT")),
        dock.event("SF-9999", "e-1", -200, "DEPARTING", None),
        dock.event("SF-0001", "e-9", 60, "DEPARTING", None),
        dock.event("SF-0001", "空 格", -5, "DEPARTING", None),
    ]);
    let told = dock.reported(events).await;
    assert_eq!(
        told,
        [json!(true), json!(true), json!(false), json!("NOT_FOUND"), json!("OUT_OF_RANGE"), json!("INVALID_VALUE")]
    );
    assert_eq!(state().await, ShipmentState::Signed);
    // What was told late does not bring it back.
    assert_eq!(dock.reported(json!([dock.event("SF-0001", "e-2", -100, "INSPECTING", None)])).await, [json!(true)]);
    assert_eq!(state().await, ShipmentState::Signed);
    assert_eq!(dock.moved("O-1", ShipmentState::Signed).await, 1);
    // Signed was wrong: it is declared so, and what is left counts.
    let seen = dock.carrier.data(TIMELINE, json!({ "id": encode(row.id) })).await["shipment"].clone();
    let signed =
        seen["events"]["nodes"].as_array().unwrap().iter().find(|one| one["eventId"] == "e-3").unwrap()["id"].clone();
    let owner = dock.server.seller(crate::support::SELLER).await;
    let wrong = json!({ "id": signed, "reason": "another door", "correctiveEventIds": ["e-4"] });
    assert_eq!(owner.denied("declareTrackingError", wrong.clone()).await, "FORBIDDEN");
    let declared = dock.carrier.done("declareTrackingError", "shipment { state signedAt }", wrong.clone()).await;
    assert_eq!(declared["shipment"], json!({ "state": "IN_TRANSIT", "signedAt": null }));
    let again = dock.carrier.refused("declareTrackingError", wrong).await;
    assert_eq!(again, [("ILLEGAL_TRANSITION".into(), "id".into())]);
    let again = dock.reported(json!([dock.event("SF-0001", "e-3", -60, "ACCEPTING", Some("DELIVERED"))])).await;
    assert_eq!(again, [json!(false)], "what was declared in error is reported anew");
    assert_eq!(state().await, ShipmentState::InTransit);
    // A declaration that comes before its event counts as well.
    let mut early = dock.event("SF-0001", "e-5", -10, "ACCEPTING", Some("DELIVERED"));
    early["errorDeclaration"] = json!({ "reason": "never happened" });
    assert_eq!(dock.reported(json!([early])).await, [json!(true)]);
    assert_eq!(
        dock.reported(json!([dock.event("SF-0001", "e-5", -10, "ACCEPTING", Some("DELIVERED"))])).await,
        [json!(true)]
    );
    assert_eq!(state().await, ShipmentState::InTransit);
    assert_eq!(
        dock.reported(json!([dock.event("SF-0001", "e-4", -5, "TRANSPORTING", Some("OUT_FOR_DELIVERY"))])).await,
        [json!(true)]
    );
    assert_eq!(state().await, ShipmentState::OutForDelivery);
    // A report without a name of its own is known by what it says.
    let mut nameless = dock.event("SF-0001", "", -4, "ACCEPTING", Some("DELIVERED"));
    nameless.as_object_mut().unwrap().remove("eventId");
    assert_eq!(dock.reported(json!([nameless.clone(), nameless])).await, [json!(true), json!(false)]);
    assert_eq!(state().await, ShipmentState::Signed);
    // What is written stays, whoever writes SQL.
    for statement in ["UPDATE tracking_event SET note = 'x'", "DELETE FROM tracking_event"] {
        assert!(dock.app().db().writer().execute_unprepared(statement).await.is_err(), "{statement}");
    }
    let kept = event::Entity::find()
        .filter(event::Column::ShipmentId.eq(row.id))
        .filter(event::Column::DeclaresError.eq(true));
    assert_eq!(kept.count(dock.app().db().read()).await.unwrap(), 2);
    let many: Vec<_> = (0..201).map(|n| dock.event("SF-0001", &format!("m-{n}"), -1, "STORING", None)).collect();
    let many = dock.carrier.refused("reportTracking", json!({ "events": many })).await;
    assert_eq!(many, [("TOO_MANY".into(), "events".into())]);
    dock.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn legs_are_left_for_and_come_to_where_events_say_and_the_next_parcel_has_its_time() {
    let dock = Dock::new().await;
    let carrier = encode(dock.carrier_id);
    let way = json!([
        { "mode": "RAIL", "carrierId": carrier, "origin": "CNXNN", "destination": "CNLZH" },
        { "mode": "ROAD", "carrierId": carrier, "origin": "CNLZH", "destination": "310115" },
    ]);
    let legs = "query($id: ID!) { shipment(id: $id) { eta etaSampleSize promisedAt gatedOutAt legs { departedAt arrivedAt } } }";
    for n in 0..4 {
        let (document, number) = (format!("L-{n}"), format!("RAIL-{n}"));
        let row = dock.opened(&document).await;
        dock.owner.done("planShipment", "", json!({ "id": encode(row.id), "legs": way })).await;
        dock.pack(&row, 1_000, Some(&number)).await;
        dock.out(&row, 1_000).await;
        let at = |step: &str, place: &str, minutes: i64, disposition: Option<&str>| {
            let mut event = dock.event(&number, &format!("{step}-{place}"), minutes, step, disposition);
            event["readPoint"] = json!(place);
            event
        };
        let seen = dock.owner.data(legs, json!({ "id": encode(row.id) })).await["shipment"].clone();
        // Three are known before it says when the fourth should be there.
        assert_eq!(seen["etaSampleSize"], if n == 3 { 3 } else { 0 }, "{seen}");
        assert_eq!(seen["eta"].is_null(), n < 3, "{seen}");
        assert_eq!(seen["promisedAt"], seen["eta"], "what is not promised is what it usually takes");
        let came = json!([
            at("ARRIVING", "CNLZH", 2, None),
            at("DEPARTING", "CNLZH", 4, None),
            at("ACCEPTING", "310115", 6 + n, Some("DELIVERED")),
        ]);
        assert_eq!(dock.reported(came).await, [json!(true), json!(true), json!(true)]);
        let seen = dock.owner.data(legs, json!({ "id": encode(row.id) })).await["shipment"]["legs"].clone();
        assert!(
            seen.as_array().unwrap().iter().all(|leg| leg["departedAt"].is_string() && leg["arrivedAt"].is_string()),
            "{seen}"
        );
        assert_ne!(seen[0]["arrivedAt"], seen[1]["departedAt"]);
    }
    let figures = "query($c: ID!, $a: DateTime!, $b: DateTime!) { logisticsFigures(carrierId: $c, from: $a, to: $b) { \
        shipped onTimeBasisPoints onTimeSampleSize states { state count } \
        lanes { mode origin destination medianMinutes sampleSize } dwells { place medianMinutes sampleSize } } }";
    let now = dock.app().clock().now();
    let day = chrono::Duration::days(1);
    let asked = json!({ "c": carrier, "a": (now - day).to_rfc3339(), "b": (now + day).to_rfc3339() });
    let told = dock.owner.data(figures, asked.clone()).await["logisticsFigures"].clone();
    assert_eq!((&told["shipped"], &told["states"]), (&json!(4), &json!([{ "state": "SIGNED", "count": 4 }])));
    // The fourth took longer than the three before it.
    assert_eq!((&told["onTimeBasisPoints"], &told["onTimeSampleSize"]), (&json!(0), &json!(1)));
    let lanes = json!([
        { "mode": "ROAD", "origin": "CNLZH", "destination": "310000", "medianMinutes": 3, "sampleSize": 4 },
        { "mode": "RAIL", "origin": "CNXNN", "destination": "CNLZH", "medianMinutes": 2, "sampleSize": 4 },
    ]);
    assert_eq!(told["lanes"], lanes);
    assert_eq!(told["dwells"], json!([{ "place": "CNLZH", "medianMinutes": 2, "sampleSize": 4 }]));
    // Of what one may not see there are no figures.
    let stranger = dock.server.seller(crate::support::OTHER_SELLER).await;
    assert_eq!(stranger.data(figures, asked).await["logisticsFigures"]["shipped"], 0);
    let long = json!({ "c": carrier, "a": (now - day * 401).to_rfc3339(), "b": now.to_rfc3339() });
    assert_eq!(dock.owner.error(figures, long).await, "BAD_INPUT");
    let row = dock.opened("L-x").await;
    let gap = json!({ "id": encode(row.id), "legs": [way[1], way[1]] });
    assert_eq!(dock.owner.refused("planShipment", gap).await, [("INVALID_VALUE".into(), "legs.1.origin".into())]);
    dock.adds_up().await;
}
