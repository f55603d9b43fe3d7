//! What carriers push: proved, in time, once, and of their own parcels only.

use api::platform::carrier::signature;
use chrono::Duration;
use entities::logistics::ShipmentState;
use serde_json::{Value, json};

use super::{CARRIER, Dock, OTHER_CARRIER};

fn push(waybill: &str, id: &str, step: &str, at: &str) -> String {
    json!({ "events": [{ "waybill": waybill, "eventID": id, "bizStep": step, "eventTime": at, "readPoint": "兰州" }] })
        .to_string()
}

const NOON: &str = "2026-03-01T08:00:00Z";

#[tokio::test(flavor = "multi_thread")]
async fn a_push_is_taken_once_when_its_carrier_proves_it_and_not_otherwise() {
    let dock = Dock::new().await;
    // A carrier that nobody has said anything of cannot push.
    assert_eq!(dock.pushed("secret", &push("X-1", "e", "departing", NOON)).await.0, 404);
    let secret = dock.simulated().await;
    let row = dock.opened("W-1").await;
    let number = row.waybill.clone().unwrap();
    dock.pack(&row, 1_000, None).await;
    dock.out(&row, 1_000).await;
    let good = push(&number, "w-1", "urn:epcglobal:cbv:bizstep:departing", NOON);
    let now = dock.app().clock().now();
    let signed = |at| signature::signed(secret.as_bytes(), good.as_bytes(), at);
    let other = signature::signed(b"another", good.as_bytes(), now);
    for (what, header, body, status) in [
        ("no proof", String::new(), good.clone(), 401),
        ("another's proof", other, good.clone(), 401),
        ("an altered body", signed(now), good.replace("w-1", "w-2"), 401),
        ("an old one", signed(now - Duration::seconds(301)), good.clone(), 401),
        ("one of the future", signed(now + Duration::seconds(301)), good.clone(), 401),
        ("too large", signed(now), "x".repeat(256 * 1024 + 1), 413),
    ] {
        assert_eq!(dock.pushed_with(&header, body).await.0, status, "{what}");
        assert_eq!(dock.row(&row).await.state, ShipmentState::GateOut, "{what} moved a parcel");
    }
    for (what, body, status) in [("no JSON", "{", 400), ("no events", "{}", 400), ("no list", r#"{"events":1}"#, 400)] {
        assert_eq!(dock.pushed(&secret, body).await.0, status, "{what}");
    }
    let (status, answer) = dock.pushed(&secret, &good).await;
    assert_eq!((status, &answer["results"][0]["status"]), (200, &json!("taken")));
    assert_eq!(dock.row(&row).await.state, ShipmentState::InTransit);
    // The very same push again is a replay, also in another writing of its header.
    let header = signature::signed(secret.as_bytes(), good.as_bytes(), now).replace(',', ", ");
    assert_eq!(dock.pushed_with(&header, good.clone()).await.0, 409, "a push was replayed");
    dock.server.wait(Duration::seconds(5));
    let (status, answer) = dock.pushed(&secret, &good).await;
    assert_eq!((status, &answer["results"][0]["status"]), (200, &json!("known")), "sent again, it is known");
    // A step that is not known here is kept and says nothing.
    let strange = push(&number, "w-3", "teleporting", NOON);
    assert_eq!(dock.pushed(&secret, &strange).await.1["results"][0]["status"], "taken");
    assert_eq!(dock.row(&row).await.state, ShipmentState::InTransit);
    // Each by itself.
    let event = |waybill: &str, id: &str| json!({ "waybill": waybill, "eventID": id, "bizStep": "arriving", "eventTime": NOON });
    let mixed = json!({ "events": [event("NOT-MINE", "a"), event(&number, "b")] }).to_string();
    let answer = dock.pushed(&secret, &mixed).await.1;
    let states: Vec<&Value> = answer["results"].as_array().unwrap().iter().map(|one| &one["status"]).collect();
    assert_eq!(states, [&json!("refused"), &json!("taken")]);
    assert_eq!(answer["results"][0]["errors"][0]["code"], "NOT_FOUND");
    // Also what cannot be read at all, and what was declared at a moment that never was.
    let strange = json!({ "declarationTime": "0001-01-01T00:00:00Z", "reason": "x" });
    let mut declared = event(&number, "c");
    declared["errorDeclaration"] = strange;
    let mut ahead = event(&number, "e");
    ahead["eventTime"] = json!("2026-03-02T08:00:01Z");
    let mixed = json!({ "events": [{ "waybill": number }, declared, 7, ahead, event(&number, "d")] }).to_string();
    let (status, answer) = dock.pushed(&secret, &mixed).await;
    assert_eq!(status, 200, "one bad event loses the others");
    let told: Vec<(&Value, &Value)> =
        answer["results"].as_array().unwrap().iter().map(|one| (&one["status"], &one["errors"][0]["code"])).collect();
    let refused = json!("refused");
    let expected = [
        (&refused, &json!("INVALID_VALUE")),
        (&refused, &json!("OUT_OF_RANGE")),
        (&refused, &json!("INVALID_VALUE")),
        (&refused, &json!("OUT_OF_RANGE")),
        (&json!("taken"), &Value::Null),
    ];
    assert_eq!(told, expected, "{answer}");
    assert!(answer["results"][0].to_string().contains("bizStep"), "it is not said what is missing: {answer}");
    let many: Vec<Value> = (0..201).map(|n| event(&number, &format!("m-{n}"))).collect();
    assert_eq!(dock.pushed(&secret, &json!({ "events": many }).to_string()).await.0, 413);
    let get = dock.server.http().get(format!("{}/webhooks/carrier/{CARRIER}", dock.server.url)).send().await.unwrap();
    assert_eq!(get.status(), 405);
    dock.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_carrier_that_got_another_secret_or_pushes_for_another_is_not_believed() {
    let dock = Dock::new().await;
    let old = dock.simulated().await;
    let row = dock.opened("W-1").await;
    dock.pack(&row, 1_000, None).await;
    dock.out(&row, 1_000).await;
    let turn = json!({ "adapter": "SIMULATOR", "newSecret": true, "expectedVersion": 1 });
    let fresh =
        dock.carrier.done("setCarrier", "carrier { secret setting { version } }", turn).await["carrier"].clone();
    let fresh = fresh["secret"].as_str().unwrap().to_owned();
    let number = row.waybill.clone().unwrap();
    let body = push(&number, "w-1", "departing", NOON);
    assert_eq!(dock.pushed(&old, &body).await.0, 401);
    assert_eq!(dock.pushed(&fresh, &body).await.0, 200);
    // The other carrier's proof is worth nothing for this one's parcels.
    let other = dock.server.seller(OTHER_CARRIER).await;
    let theirs = other.done("setCarrier", "carrier { secret }", json!({ "adapter": "SIMULATOR" })).await;
    let theirs = theirs["carrier"]["secret"].as_str().unwrap().to_owned();
    let header = signature::signed(theirs.as_bytes(), body.as_bytes(), dock.app().clock().now());
    let url = format!("{}/webhooks/carrier/{OTHER_CARRIER}", dock.server.url);
    let sent = dock.server.http().post(url).header(signature::HEADER, header).body(body).send().await.unwrap();
    let answer: Value = sent.json().await.unwrap();
    assert_eq!(answer["results"][0]["errors"][0]["code"], "NOT_FOUND", "a carrier moves another's parcel");
    dock.adds_up().await;
}
