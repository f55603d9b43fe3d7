//! The life of a shipment, with the simulated carrier and with reports that come as they like.

use api::platform::graphql::encode;
use entities::logistics::{Booking, ShipmentState, event, simulated};
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
        assert!(number.len() == 13 && number.starts_with("CX") && number.ends_with("CN"), "{number}");
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
        let promised = (dock.app().clock().now() + chrono::Duration::minutes(8)).to_rfc3339();
        let plan = json!({ "id": encode(row.id), "legs": way, "promisedAt": promised });
        dock.owner.done("planShipment", "", plan).await;
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
        assert_ne!(seen["promisedAt"], seen["eta"], "what is usual is taken for what is promised");
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
    // What nobody promised is not promised by what is usual; what is promised and never comes is late.
    let nobody = dock.opened("L-4").await;
    dock.owner.done("planShipment", "", json!({ "id": encode(nobody.id), "legs": way })).await;
    dock.pack(&nobody, 1_000, Some("RAIL-4")).await;
    dock.out(&nobody, 1_000).await;
    let nobody = dock.row(&nobody).await;
    assert!(nobody.eta.is_some() && nobody.promised_at.is_none(), "{nobody:?}");
    let never = dock.opened("L-5").await;
    let promised = (dock.app().clock().now() + chrono::Duration::minutes(1)).to_rfc3339();
    dock.owner.done("planShipment", "", json!({ "id": encode(never.id), "promisedAt": promised })).await;
    dock.pack(&never, 1_000, Some("RAIL-5")).await;
    dock.out(&never, 1_000).await;
    dock.server.wait(chrono::Duration::minutes(2));
    let figures = "query($c: ID!, $a: DateTime!, $b: DateTime!) { logisticsFigures(carrierId: $c, from: $a, to: $b) { \
        truncated shipped onTimeBasisPoints onTimeSampleSize states { state count } \
        lanes { mode origin destination medianMinutes sampleSize } dwells { place medianMinutes sampleSize } } }";
    let now = dock.app().clock().now();
    let day = chrono::Duration::days(1);
    let asked = json!({ "c": carrier, "a": (now - day).to_rfc3339(), "b": (now + day).to_rfc3339() });
    let told = dock.owner.data(figures, asked.clone()).await["logisticsFigures"].clone();
    let states = json!([{ "state": "GATE_OUT", "count": 2 }, { "state": "SIGNED", "count": 4 }]);
    assert_eq!((&told["shipped"], &told["states"], &told["truncated"]), (&json!(6), &states, &json!(false)));
    // The fourth took longer than was promised, and the last is not there.
    assert_eq!((&told["onTimeBasisPoints"], &told["onTimeSampleSize"]), (&json!(6_000), &json!(5)));
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
    for days in [-1, 401] {
        let at = (dock.app().clock().now() + day * days).to_rfc3339();
        let plan = json!({ "id": encode(row.id), "promisedAt": at });
        assert_eq!(dock.owner.refused("planShipment", plan).await, [("OUT_OF_RANGE".into(), "promisedAt".into())]);
    }
    let gap = json!({ "id": encode(row.id), "legs": [way[1], way[1]] });
    assert_eq!(dock.owner.refused("planShipment", gap).await, [("INVALID_VALUE".into(), "legs.1.origin".into())]);
    dock.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_reported_just_before_the_gate_counts_when_it_opens() {
    let dock = Dock::new().await;
    let row = dock.opened("G-1").await;
    dock.pack(&row, 1_000, Some("SF-0001")).await;
    let early = json!([
        dock.event("SF-0001", "g-1", -60, "TRANSPORTING", Some("LOST")),
        dock.event("SF-0001", "g-2", -5, "DEPARTING", Some("IN_TRANSIT")),
    ]);
    assert_eq!(dock.reported(early).await, [json!(true), json!(true)]);
    assert_eq!(dock.row(&row).await.state, ShipmentState::Packed, "a carrier moves what is not out of the gate");
    assert_eq!(dock.out(&row, 1_000).await["state"], "IN_TRANSIT", "the gate forgets what was reported");
    assert_eq!(dock.moved("G-1", ShipmentState::GateOut).await, 1);
    assert_eq!(dock.moved("G-1", ShipmentState::InTransit).await, 1);
    dock.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_after_the_other_and_all_at_once_give_the_same_state_and_legs() {
    let dock = Dock::new().await;
    let carrier = encode(dock.carrier_id);
    let way = json!([
        { "mode": "RAIL", "carrierId": carrier, "origin": "CNXNN", "destination": "CNLZH" },
        { "mode": "ROAD", "carrierId": carrier, "origin": "CNLZH", "destination": "310115" },
    ]);
    let mut rows = Vec::new();
    for number in ["ONE-1", "ALL-1", "LATE-1"] {
        let row = dock.opened(number).await;
        dock.owner.done("planShipment", "", json!({ "id": encode(row.id), "legs": way })).await;
        dock.pack(&row, 1_000, Some(number)).await;
        dock.out(&row, 1_000).await;
        rows.push(row);
    }
    let events = |number: &str| {
        let at = |id: &str, minutes: i64, step: &str, disposition: Option<&str>| {
            let mut event = dock.event(number, id, minutes, step, disposition);
            (event["readPoint"], event["bizLocation"]) = (json!("兰州东货场"), json!("CNLZH"));
            event
        };
        vec![
            at("e-1", 1, "ARRIVING", None),
            at("e-2", 2, "STORING", Some("IN_PROGRESS")),
            at("e-3", 3, "DEPARTING", None),
            at("e-4", 4, "ARRIVING", None),
            at("e-5", 5, "TRANSPORTING", Some("REFUSED")),
            at("e-6", 6, "ACCEPTING", Some("DELIVERED")),
        ]
    };
    for event in events("ONE-1") {
        assert_eq!(dock.reported(json!([event])).await, [json!(true)]);
    }
    dock.reported(json!(events("ALL-1"))).await;
    let mut late = events("LATE-1");
    late.reverse();
    for event in late {
        assert_eq!(dock.reported(json!([event])).await, [json!(true)]);
    }
    let query = "query($id: ID!) { shipment(id: $id) { state signedAt legs { departedAt arrivedAt } } }";
    let mut seen = Vec::new();
    for row in &rows {
        seen.push(dock.owner.data(query, json!({ "id": encode(row.id) })).await["shipment"].clone());
    }
    assert_eq!(seen[0]["state"], "SIGNED");
    let legs = seen[0]["legs"].as_array().unwrap();
    assert!(legs.iter().all(|leg| leg["departedAt"].is_string() && leg["arrivedAt"].is_string()), "{legs:?}");
    assert_eq!(seen[0], seen[1], "reports of one push are folded otherwise");
    assert_eq!(seen[0], seen[2], "reports that come late are folded otherwise");
    dock.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shipment_has_so_many_events_and_none_long_after_it_was_handed_over() {
    let mut dock = Dock::new().await;
    let row = dock.on_its_way("O-1", "SF-0001").await;
    let mut taken = 0;
    for push in 0..5 {
        let many: Vec<_> =
            (0..200).map(|n| dock.event("SF-0001", &format!("m-{push}-{n}"), -1, "STORING", None)).collect();
        let told = dock.reported(json!(many)).await;
        taken += told.iter().filter(|one| **one == json!(true)).count();
        assert!(told.iter().all(|one| *one == json!(true) || *one == json!("TOO_MANY")), "{told:?}");
    }
    // Three are the house's own.
    assert_eq!(taken, 997);
    // What is known stays known, and what was wrong can still be said.
    let mut known = dock.event("SF-0001", "m-0-0", -1, "STORING", None);
    assert_eq!(dock.reported(json!([known.clone()])).await, [json!(false)]);
    known["errorDeclaration"] = json!({ "reason": "another parcel" });
    assert_eq!(dock.reported(json!([known])).await, [json!(true)]);

    let signed = dock.on_its_way("O-2", "SF-0002").await;
    let last = dock.event("SF-0002", "s-1", 1, "ACCEPTING", Some("DELIVERED"));
    assert_eq!(dock.reported(json!([last.clone()])).await, [json!(true)]);
    for (days, expected) in [(29, json!(true)), (2, json!("ILLEGAL_TRANSITION"))] {
        dock.server.wait(chrono::Duration::days(days));
        // A token of this day.
        dock.carrier = dock.server.seller(CARRIER).await;
        let late = dock.event("SF-0002", &format!("d-{days}"), 0, "STORING", None);
        assert_eq!(dock.reported(json!([late, last])).await, [expected, json!(false)], "{days} days later");
    }
    assert_eq!(dock.row(&signed).await.state, ShipmentState::Signed);
    assert_eq!(dock.row(&row).await.state, ShipmentState::InTransit);
    dock.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_reported_an_event_or_the_house_declares_it_in_error() {
    let dock = Dock::new().await;
    let row = dock.on_its_way("O-1", "SF-0001").await;
    let mine = dock.event("SF-0001", "e-1", 1, "ACCEPTING", Some("DELIVERED"));
    assert_eq!(dock.reported(json!([mine.clone()])).await, [json!(true)]);
    let query = "query($id: ID!) { shipment(id: $id) { state \
        events(first: 50) { nodes { id eventId bizStep declaresError reporter { slug } } } } }";
    let seen = async || dock.carrier.data(query, json!({ "id": encode(row.id) })).await["shipment"].clone();
    let nodes = seen().await["events"]["nodes"].as_array().unwrap().clone();
    let of = |step: &str| nodes.iter().find(|one| one["bizStep"] == step).unwrap().clone();
    let (house, mine_row) = (of("SHIPPING"), of("ACCEPTING"));
    assert_eq!((&house["reporter"], &mine_row["reporter"]["slug"]), (&json!(null), &json!(CARRIER)));
    // The house's own are not its carrier's, by the schema or by a push that names them.
    let wrong = |id: &serde_json::Value| json!({ "id": id, "reason": "never left" });
    let refused = dock.carrier.refused("declareTrackingError", wrong(&house["id"])).await;
    assert_eq!(refused, [("NOT_REPORTER".into(), "id".into())]);
    let mut named = mine.clone();
    named["eventId"] = house["eventId"].clone();
    named["errorDeclaration"] = json!({ "reason": "never left" });
    assert_eq!(dock.reported(json!([named])).await, [json!("NOT_REPORTER")]);
    assert_eq!(dock.owner.denied("declareTrackingError", wrong(&mine_row["id"])).await, "FORBIDDEN");
    // An operator speaks for the house, of whatever was reported.
    let operator = dock.server.operator().await;
    let done = operator.done("declareTrackingError", "shipment { state }", wrong(&mine_row["id"])).await;
    assert_eq!(done["shipment"]["state"], "GATE_OUT");
    let declared = seen().await["events"]["nodes"].as_array().unwrap().clone();
    let declared = declared.iter().find(|one| one["declaresError"] == true).unwrap().clone();
    assert_eq!(
        (&declared["eventId"], &declared["reporter"]),
        (&json!("e-1"), &json!({ "slug": CARRIER })),
        "it is about somebody else's"
    );
    dock.adds_up().await;
}
