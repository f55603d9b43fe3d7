//! How carriers are reached: who says so, and what an HTTP carrier is told.

use api::{
    app::Call,
    logistics::ops,
    platform::{carrier::signature, graphql::encode},
};
use entities::{
    logistics::{Booking, ShipmentState},
    platform::{JobState, job},
};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};

use super::{Dock, SHIPMENT};
use crate::support::receiver::Receiver;

#[tokio::test(flavor = "multi_thread")]
async fn a_carrier_is_set_by_its_owner_or_the_zone_and_its_secret_is_shown_once() {
    let dock =
        Dock::with(&[("CHAMA_LOGISTICS_SIMULATOR_ENABLED", "false"), ("CHAMA_WEBHOOKS_ALLOW_PRIVATE", "false")]).await;
    let id = encode(dock.carrier_id);
    let query = "query($id: ID) { carrier(organisationId: $id) { adapter url webhookUrl version } }";
    assert_eq!(dock.carrier.data(query, json!({})).await["carrier"], Value::Null);
    for (what, input, expected) in [
        ("a simulator where there is none", json!({ "adapter": "SIMULATOR" }), ("INVALID_VALUE", "adapter")),
        ("no address", json!({ "adapter": "HTTP" }), ("REQUIRED", "url")),
        ("a private one", json!({ "adapter": "HTTP", "url": "https://127.0.0.1/x" }), ("ADDRESS_NOT_ALLOWED", "url")),
        (
            "a version of nothing",
            json!({ "adapter": "MANUAL", "expectedVersion": 1 }),
            ("STALE_VERSION", "expectedVersion"),
        ),
    ] {
        let expected = (expected.0.to_owned(), expected.1.to_owned());
        assert_eq!(dock.carrier.refused("setCarrier", input).await, [expected], "{what}");
    }
    let http = json!({ "adapter": "HTTP", "url": "https://carrier.example/in", "clientMutationId": "s-1" });
    let selection = "carrier { secret setting { adapter version webhookUrl } }";
    let set = dock.carrier.done("setCarrier", selection, http).await["carrier"].clone();
    assert!(set["secret"].as_str().unwrap().starts_with("chs_"));
    assert!(set["setting"]["webhookUrl"].as_str().unwrap().ends_with("/webhooks/carrier/tangfan-logistics"));
    let again = json!({ "adapter": "MANUAL", "expectedVersion": 1 });
    let operator = dock.server.operator().await;
    let mut named = again.clone();
    named["carrierId"] = json!(id);
    let set = operator.done("setCarrier", selection, named.clone()).await["carrier"].clone();
    assert_eq!((&set["secret"], &set["setting"]["version"]), (&Value::Null, &json!(2)), "a secret is shown twice");
    assert_eq!(dock.carrier.refused("setCarrier", again).await, [("STALE_VERSION".into(), "expectedVersion".into())]);
    assert_eq!(dock.owner.denied("setCarrier", named).await, "FORBIDDEN");
    assert_eq!(dock.owner.error(query, json!({ "id": id })).await, "FORBIDDEN");
    let own = json!({ "adapter": "MANUAL" });
    assert_eq!(dock.owner.refused("setCarrier", own).await, [("WRONG_ROLE".into(), "carrierId".into())]);
    let trail = "query($id: ID!) { auditTrail(nodeId: $id, organisationId: $id) { nodes { action after } } }";
    let trail = operator.response(trail, json!({ "id": id })).await.to_string();
    assert!(!trail.contains("chs_"), "a secret is in the audit");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_http_carrier_is_told_signed_and_gives_the_number_and_what_it_refuses_is_seen() {
    let dock = Dock::new().await;
    let receiver = Receiver::with(|n, request| {
        let body: Value = serde_json::from_str(&request.body).unwrap();
        match (body["type"].as_str().unwrap(), body["document"].as_str().unwrap_or_default()) {
            // Asked again, it answers the same.
            ("book", "H-1") if n == 0 => ("503 Service Unavailable".into(), String::new()),
            ("book", "H-2") => ("422 Unprocessable Entity".into(), "too heavy".into()),
            ("book", "H-3") => ("200 OK".into(), json!({ "waybill": "HT-0001" }).to_string()),
            ("book", _) => ("200 OK".into(), json!({ "waybill": "ht-0001" }).to_string()),
            _ => ("204 No Content".into(), String::new()),
        }
    })
    .await;
    let set = json!({ "adapter": "HTTP", "url": format!("{}/in", receiver.url) });
    let secret = dock.carrier.done("setCarrier", "carrier { secret }", set).await["carrier"]["secret"].clone();
    let secret = secret.as_str().unwrap().to_owned();
    let row = dock.opened("H-1").await;
    assert_eq!(row.waybill, None, "a number before the carrier gave one");
    dock.worked().await;
    assert_eq!(dock.row(&row).await.booking, Booking::Open);
    let early = json!({ "id": encode(row.id), "units": [{ "weightG": 1_000 }] });
    dock.owner.done("packShipment", SHIPMENT, early).await;
    let gate = json!({ "id": encode(row.id), "weighedG": 1_000 });
    assert_eq!(dock.owner.refused("gateOut", gate.clone()).await, [("INCOMPLETE".into(), "id".into())]);
    dock.server.wait(chrono::Duration::seconds(10));
    dock.worked().await;
    let booked = dock.row(&row).await;
    assert_eq!((booked.booking, booked.waybill.as_deref()), (Booking::Booked, Some("HT-0001")));
    dock.owner.done("gateOut", SHIPMENT, gate).await;
    dock.worked().await;
    let received = receiver.received();
    let kinds: Vec<String> = received
        .iter()
        .map(|one| serde_json::from_str::<Value>(&one.body).unwrap()["type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["book", "book", "handOver"]);
    for one in &received {
        let proof = one.header(signature::HEADER);
        assert!(
            signature::proved(secret.as_bytes(), proof, one.body.as_bytes(), dock.app().clock().now()).is_some(),
            "{one:?}"
        );
    }
    let booking: Value = serde_json::from_str(&received[1].body).unwrap();
    assert_eq!((&booking["consignee"]["name"], &booking["grossWeightG"]), (&json!("测试甲"), &json!(1_000)));
    assert_eq!(booking["key"], serde_json::from_str::<Value>(&received[0].body).unwrap()["key"]);

    let refused = dock.opened("H-2").await;
    let twice = dock.opened("H-3").await;
    dock.worked().await;
    assert_eq!(dock.row(&refused).await.booking, Booking::Rejected);
    // A number that another parcel has is nobody's a second time; people see why.
    assert_eq!(dock.row(&twice).await.waybill, None);
    assert_eq!(dock.row(&twice).await.booking, Booking::Rejected, "nobody can book it elsewhere");
    let told: Value = serde_json::from_str(&receiver.received().last().unwrap().body).unwrap();
    assert_eq!(
        (&told["type"], &told["key"], &told["waybill"]),
        (&json!("cancel"), &json!(twice.id.to_string()), &Value::Null),
        "a carrier waits for a parcel that does not come"
    );
    dock.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_carrier_did_not_want_is_booked_once_more_or_goes_under_a_number_that_people_bring() {
    let dock = Dock::new().await;
    // It wants nothing at first; the second time it takes what it is asked for.
    let receiver = Receiver::with(|n, request| {
        let body: Value = serde_json::from_str(&request.body).unwrap();
        match body["type"].as_str().unwrap() {
            "book" if n < 2 => ("422 Unprocessable Entity".into(), "no room for 测试甲 13800000000".into()),
            "book" => ("200 OK".into(), json!({ "waybill": "RB-0001" }).to_string()),
            "cancel" => ("422 Unprocessable Entity".into(), "测试甲 13800000000 has it already".into()),
            _ => ("204 No Content".into(), String::new()),
        }
    })
    .await;
    let set = json!({ "adapter": "HTTP", "url": format!("{}/in", receiver.url) });
    dock.carrier.done("setCarrier", "carrier { secret }", set).await;
    let (again, brought) = (dock.opened("R-1").await, dock.opened("R-2").await);
    let open = json!({ "id": encode(again.id) });
    let early = dock.owner.refused("rebookShipment", open.clone()).await;
    assert_eq!(early, [("ILLEGAL_TRANSITION".into(), "id".into())], "what is not refused is booked twice");
    let told = dock.moved("R-1", ShipmentState::Planned).await;
    dock.worked().await;
    assert_eq!(dock.row(&again).await.booking, Booking::Rejected);
    assert_eq!(dock.moved("R-1", ShipmentState::Planned).await, told + 1, "nobody is told that it was refused");

    // Once more.
    let booked = dock.owner.done("rebookShipment", "shipment { booking waybill }", open).await;
    assert_eq!(booked["shipment"], json!({ "booking": "OPEN", "waybill": null }));
    dock.worked().await;
    let row = dock.row(&again).await;
    assert_eq!((row.booking, row.waybill.as_deref()), (Booking::Booked, Some("RB-0001")));
    // Or the number that somebody was told on the phone; it is heard of although the state is the same.
    dock.pack(&brought, 1_000, None).await;
    let told = dock.moved("R-2", ShipmentState::Packed).await;
    let packed = dock.pack(&brought, 1_000, Some("phone-1")).await;
    assert_eq!((&packed["booking"], &packed["waybill"]), (&json!("BOOKED"), &json!("PHONE-1")));
    assert_eq!(dock.moved("R-2", ShipmentState::Packed).await, told + 1, "nobody is told of the number");
    dock.out(&brought, 1_000).await;
    dock.worked().await;
    let last: Value = serde_json::from_str(&receiver.received().last().unwrap().body).unwrap();
    assert_eq!((&last["type"], &last["waybill"]), (&json!("handOver"), &json!("PHONE-1")));

    // Of what a carrier says no with, only the status is kept.
    let mut work = dock.app().begin(&Call::unasked("test")).await.unwrap();
    ops::cancel(&mut work, "R-1").await.unwrap();
    work.commit(()).await.unwrap();
    dock.worked().await;
    let dead = job::Entity::find().filter(job::Column::State.eq(JobState::Dead)).all(dock.app().db().read()).await;
    let reasons: Vec<String> = dead.unwrap().into_iter().filter_map(|one| one.reason).collect();
    assert_eq!(reasons, ["it says no: it answers 422"], "what a carrier wrote is kept");
    dock.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_booked_without_an_answer_is_called_off_by_our_key() {
    let dock = Dock::new().await;
    let receiver = Receiver::with(|_, request| {
        let body: Value = serde_json::from_str(&request.body).unwrap();
        match (body["type"].as_str().unwrap(), body["document"].as_str().unwrap_or_default()) {
            ("book", _) => ("503 Service Unavailable".into(), String::new()),
            // What it does not know it does not wait for.
            _ => ("404 Not Found".into(), String::new()),
        }
    })
    .await;
    let set = json!({ "adapter": "HTTP", "url": format!("{}/in", receiver.url) });
    dock.carrier.done("setCarrier", "carrier { secret }", set).await;
    let cancel = async |document: &str| {
        let mut work = dock.app().begin(&Call::unasked("test")).await.unwrap();
        ops::cancel(&mut work, document).await.unwrap();
        work.commit(()).await.unwrap();
        dock.server.wait(chrono::Duration::seconds(10));
        dock.worked().await;
    };
    let asked = dock.opened("T-1").await;
    dock.worked().await;
    assert_eq!(dock.row(&asked).await.booking, Booking::Open);
    cancel("T-1").await;
    let bodies: Vec<Value> = receiver.received().iter().map(|one| serde_json::from_str(&one.body).unwrap()).collect();
    let kinds: Vec<&str> = bodies.iter().map(|one| one["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["book", "cancel"], "the carrier waits for it");
    assert_eq!((&bodies[1]["key"], &bodies[1]["waybill"]), (&bodies[0]["key"], &Value::Null));
    assert_eq!(dock.row(&asked).await.booking, Booking::Cancelled);
    // What it was never told of is not called off.
    let unasked = dock.opened("T-2").await;
    cancel("T-2").await;
    assert_eq!(receiver.received().len(), 2);
    assert_eq!(dock.row(&unasked).await.booking, Booking::Open);
    dock.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn carriers_that_do_not_answer_do_not_take_the_last_place_of_a_worker() {
    // Two places, and carriers that answer only when the test is over.
    let dock = Dock::with(&[("CHAMA_JOBS_WORKERS", "2")]).await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let set = json!({ "adapter": "HTTP", "url": format!("http://{}/in", silent.local_addr().unwrap()) });
    dock.carrier.done("setCarrier", "carrier { secret }", set).await;
    for n in 0..4 {
        dock.opened(&format!("L-{n}")).await;
    }
    // Something that waits for nobody outside.
    let waits = job::Entity::find().filter(job::Column::Kind.eq("logistics.moved"));
    let mut work = dock.app().begin(&Call::unasked("test")).await.unwrap();
    ops::cancel(&mut work, "L-3").await.unwrap();
    work.commit(()).await.unwrap();
    for _ in 0..200 {
        if waits.clone().count(dock.app().db().read()).await.unwrap() == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("carriers that do not answer keep the worker from everything else");
}
