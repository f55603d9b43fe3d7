//! The gate: what stops at it, what goes through once, and who packs what.

use api::{
    app::Call,
    logistics::ops::{self, Opening},
    platform::graphql::encode,
};
use entities::{
    logistics::{HoldReason, ShipmentState, shipment, sscc, unit},
    party::{Actor, Viewer},
    values::ErrorCode,
};
use futures_util::future::join_all;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};

use super::{Dock, OTHER_CARRIER, SHIPMENT, code, consignee, open, opening, organisation_of};
use crate::support::OTHER_SELLER;

fn house() -> Call {
    Call::by(Viewer { actor: Actor::Tool("customs".into()), acting: None })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gate_opens_once_for_what_is_packed_released_held_by_nobody_and_as_heavy_as_it_was() {
    let dock = Dock::new().await;
    let to = consignee("示例路1号");
    let import = Opening { needs_release: true, ..opening("I-1", dock.seller_id, dock.carrier_id, &to) };
    let row = open(dock.app(), &import).await.unwrap();
    assert_eq!(open(dock.app(), &import).await.unwrap().id, row.id, "a document has one shipment");
    let out = |grams: i64| json!({ "id": encode(row.id), "weighedG": grams });
    let refused = async |grams: i64| dock.owner.refused("gateOut", out(grams)).await;
    assert_eq!(refused(1_000).await, [("ILLEGAL_TRANSITION".into(), "id".into())], "what is not packed goes out");

    // One parcel is one list.
    let two = json!({ "id": encode(row.id), "units": [{ "weightG": 500 }, { "weightG": 500 }] });
    assert_eq!(dock.owner.refused("packShipment", two).await, [("TOO_MANY".into(), "units".into())]);
    let wrong = json!({ "id": encode(row.id), "units": [{ "weightG": 0, "sscc": "106141412345678907", "parent": 0 }] });
    let wrong = dock.owner.refused("packShipment", wrong).await;
    let expected = [("OUT_OF_RANGE", "weightG"), ("INVALID_SSCC", "sscc"), ("OUT_OF_RANGE", "parent")];
    assert_eq!(wrong, expected.map(|(code, field)| (code.to_owned(), format!("units.0.{field}"))));
    dock.pack(&row, 10_000, None).await;
    dock.pack(&row, 10_000, Some("SF-0100")).await;
    let units = unit::Entity::find().filter(unit::Column::ShipmentId.eq(row.id)).all(dock.app().db().read()).await;
    assert_eq!(units.unwrap().len(), 1, "what was packed anew is there twice");

    // Everything that is in its way at once.
    let held = json!({ "id": encode(row.id), "reason": "QUALITY", "note": "wet" });
    let held = dock.owner.done("holdShipment", SHIPMENT, held).await["shipment"].clone();
    let codes = async |grams: i64| -> Vec<String> { refused(grams).await.into_iter().map(|(code, _)| code).collect() };
    assert_eq!(codes(12_000).await, ["NOT_RELEASED", "ON_HOLD", "WEIGHT_MISMATCH"]);
    let mut work = dock.app().begin(&house()).await.unwrap();
    ops::hold(&mut work, "I-1", HoldReason::Customs, "to be looked at", None).await.unwrap().expect("a hold");
    assert!(ops::released(&mut work, "I-1", None).await.unwrap().unwrap().released_at.is_some());
    assert!(ops::released(&mut work, "nothing", None).await.unwrap().is_none());
    work.commit(()).await.unwrap();
    assert_eq!(codes(10_000).await, ["ON_HOLD"]);
    // Who holds is who lets go.
    let seen = "query($id: ID!) { shipment(id: $id) { held holds { id reason } } }";
    let seen = dock.owner.data(seen, json!({ "id": encode(row.id) })).await["shipment"]["holds"].clone();
    let customs = seen.as_array().unwrap().iter().find(|one| one["reason"] == "CUSTOMS").unwrap()["id"].clone();
    assert_eq!(dock.owner.denied("liftHold", json!({ "id": customs })).await, "FORBIDDEN");
    let own = json!({ "id": held["holds"][0]["id"] });
    dock.owner.done("liftHold", SHIPMENT, own.clone()).await;
    assert_eq!(dock.owner.refused("liftHold", own).await, [("ILLEGAL_TRANSITION".into(), "id".into())]);
    assert_eq!(codes(10_000).await, ["ON_HOLD"]);
    let mut work = dock.app().begin(&house()).await.unwrap();
    assert_eq!(ops::lift(&mut work, "I-1", HoldReason::Customs, None).await.unwrap(), 1);
    assert_eq!(ops::lift(&mut work, "I-1", HoldReason::Customs, None).await.unwrap(), 0);
    work.commit(()).await.unwrap();
    assert_eq!(codes(10_301).await, ["WEIGHT_MISMATCH"]);

    let input = json!({ "id": encode(row.id), "weighedG": 10_300, "clientMutationId": "out-1" });
    let gone = dock.owner.done("gateOut", SHIPMENT, input.clone()).await;
    assert_eq!(dock.owner.done("gateOut", SHIPMENT, input).await, gone, "a repeat is another answer");
    assert_eq!(refused(10_300).await, [("ILLEGAL_TRANSITION".into(), "id".into())], "it goes out twice");
    assert_eq!(dock.moved("I-1", ShipmentState::GateOut).await, 1);
    for (mutation, input) in [
        ("packShipment", json!({ "id": encode(row.id), "units": [{ "weightG": 1 }] })),
        ("holdShipment", json!({ "id": encode(row.id), "reason": "OTHER", "note": "late" })),
        ("planShipment", json!({ "id": encode(row.id), "promisedAt": "2026-03-09T00:00:00Z" })),
    ] {
        assert_eq!(
            dock.owner.refused(mutation, input).await,
            [("ILLEGAL_TRANSITION".into(), "id".into())],
            "{mutation}"
        );
    }
    let mut work = dock.app().begin(&house()).await.unwrap();
    assert!(ops::cancel(&mut work, "I-1").await.is_err(), "what is out is taken back");
    drop(work);
    // The database refuses it too.
    let out = "UPDATE shipment SET desk = 'gate_out', gated_out_at = created_at, released_at = NULL";
    assert!(dock.app().db().writer().execute_unprepared(out).await.is_err());
    let trail = "query($id: ID!) { auditTrail(nodeId: $id) { nodes { action } } }";
    let trail = dock.owner.data(trail, json!({ "id": encode(row.id) })).await["auditTrail"]["nodes"].clone();
    let actions: Vec<_> = trail.as_array().unwrap().iter().map(|one| one["action"].as_str().unwrap()).collect();
    for action in ["packShipment", "holdShipment", "liftHold", "gateOut"] {
        assert!(actions.contains(&action), "{action} is not in the audit: {actions:?}");
    }
    dock.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_send_it_out_or_bring_one_number_one_does() {
    let dock = Dock::new().await;
    let row = dock.opened("R-1").await;
    dock.pack(&row, 1_000, Some("SF-0001")).await;
    let out = json!({ "id": encode(row.id), "weighedG": 1_000 });
    let tries = join_all((0..6).map(|_| dock.owner.payload("gateOut", "shipment { id }", out.clone()))).await;
    assert_eq!(tries.iter().filter(|one| one["userErrors"] == json!([])).count(), 1, "it went out more than once");
    assert_eq!(dock.moved("R-1", ShipmentState::GateOut).await, 1);

    // One number, many parcels of one carrier; another carrier may have the same.
    let mut rows: Vec<shipment::Model> = Vec::new();
    for n in 0..5 {
        rows.push(dock.opened(&format!("N-{n}")).await);
    }
    let pack =
        |row: &shipment::Model| json!({ "id": encode(row.id), "units": [{ "weightG": 1 }], "waybill": "one-number" });
    let tries =
        join_all(rows.iter().map(|row| dock.owner.payload("packShipment", "shipment { waybill }", pack(row)))).await;
    let done: Vec<_> = tries.iter().filter(|one| one["userErrors"] == json!([])).collect();
    assert_eq!(done.len(), 1, "{tries:?}");
    assert_eq!(done[0]["shipment"]["waybill"], "ONE-NUMBER");
    let others = tries.iter().filter(|one| one["userErrors"] != json!([]));
    assert!(others.into_iter().all(|one| one["userErrors"][0]["code"] == "ALREADY_TAKEN"), "{tries:?}");
    let to = consignee("x路1号");
    let other = organisation_of(dock.app(), OTHER_CARRIER).await;
    let elsewhere = open(dock.app(), &opening("N-9", dock.seller_id, other, &to)).await.unwrap();
    dock.owner.done("packShipment", SHIPMENT, pack(&elsewhere)).await;

    // Numbers of the simulator are one parcel's each, however many open at once.
    dock.simulated().await;
    let documents: Vec<String> = (0..8).map(|n| format!("S-{n}")).collect();
    let opened = join_all(documents.iter().map(|document| dock.opened(document))).await;
    let mut numbers: Vec<_> = opened.iter().map(|row| row.waybill.clone().unwrap()).collect();
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), 8, "two parcels have one number");
    let brought = json!({ "id": encode(opened[0].id), "units": [{ "weightG": 1 }], "waybill": "MINE-1" });
    assert_eq!(dock.owner.refused("packShipment", brought).await, [("INVALID_VALUE".into(), "waybill".into())]);
    dock.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_opened_is_checked_and_what_is_taken_back_is_called_off() {
    let dock = Dock::new().await;
    let good = consignee("示例路1号");
    let base = opening("O-1", dock.seller_id, dock.carrier_id, &good);
    let nobody = super::Consignee { mobile: "1".into(), ..good.clone() };
    for (what, wrong, expected) in [
        ("no carrier", Opening { carrier: dock.seller_id, ..base.clone() }, "WRONG_ROLE"),
        ("no weight", Opening { gross_weight_g: 0, ..base.clone() }, "OUT_OF_RANGE"),
        ("no place", Opening { destination: "西宁", ..base.clone() }, "INVALID_VALUE"),
        ("no number", Opening { consignee: &nobody, ..base.clone() }, "INVALID_MOBILE"),
    ] {
        let error = open(dock.app(), &wrong).await.unwrap_err();
        assert_eq!(code(&error).map(ErrorCode::name).as_deref(), Some(expected), "{what}");
    }
    dock.simulated().await;
    let row = open(dock.app(), &base).await.unwrap();
    let other = organisation_of(dock.app(), OTHER_SELLER).await;
    let error = open(dock.app(), &Opening { owner: other, ..base.clone() }).await.unwrap_err();
    assert_eq!(code(&error).map(ErrorCode::name).as_deref(), Some("IDEMPOTENCY_KEY_REUSED"));
    dock.worked().await;
    for _ in 0..2 {
        let mut work = dock.app().begin(&house()).await.unwrap();
        assert_eq!(ops::cancel(&mut work, "O-1").await.unwrap().unwrap().state, ShipmentState::Cancelled);
        work.commit(()).await.unwrap();
    }
    assert_eq!(dock.moved("O-1", ShipmentState::Cancelled).await, 1);
    dock.worked().await;
    let after = dock.row(&row).await;
    assert_eq!(after.booking, entities::logistics::Booking::Cancelled, "the carrier waits for it");
    let gone = json!({ "id": encode(row.id), "weighedG": 1_000 });
    assert_eq!(dock.owner.refused("gateOut", gone).await, [("ILLEGAL_TRANSITION".into(), "id".into())]);
    dock.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seal_that_is_another_is_broken_and_stays_so_and_proofs_are_known_by_their_hash() {
    let dock = Dock::new().await;
    let row = dock.opened("E-1").await;
    let seal = |number: &str, state: &str| json!({ "id": encode(row.id), "number": number, "state": state });
    let selection = "shipment { sealNumber sealState }";
    dock.owner.done("sealShipment", selection, seal("ES-1", "INTACT")).await;
    dock.pack(&row, 1_000, Some("SF-0001")).await;
    dock.out(&row, 1_000).await;
    let carrier = &dock.carrier;
    let seen = carrier.done("sealShipment", selection, seal("ES-1", "INTACT")).await;
    assert_eq!(seen["shipment"], json!({ "sealNumber": "ES-1", "sealState": "INTACT" }));
    let seen = carrier.done("sealShipment", selection, seal("ES-2", "INTACT")).await;
    assert_eq!(seen["shipment"], json!({ "sealNumber": "ES-1", "sealState": "BROKEN" }));
    let seen = carrier.done("sealShipment", selection, seal("ES-1", "INTACT")).await;
    assert_eq!(seen["shipment"]["sealState"], "BROKEN", "a broken seal is whole again");
    let proof = |hash: &str, kind: &str| {
        json!({ "id": encode(row.id), "kind": "DELIVERY", "name": "door.jpg", "sha256": hash, "mediaType": kind, "size": 1_000,
                "takenAt": "2026-03-01T07:00:00Z" })
    };
    let hash = "ab".repeat(32);
    let attached =
        carrier.done("attachProof", "shipment { proofs { kind sha256 size } }", proof(&hash, "image/jpeg")).await;
    assert_eq!(attached["shipment"]["proofs"], json!([{ "kind": "DELIVERY", "sha256": hash, "size": 1_000 }]));
    for (wrong, expected) in [
        (proof(&hash, "image/jpeg"), ("ALREADY_TAKEN", "sha256")),
        (proof("AB", "image/jpeg"), ("INVALID_VALUE", "sha256")),
        (proof(&"cd".repeat(32), "text/html"), ("INVALID_VALUE", "mediaType")),
    ] {
        assert_eq!(carrier.refused("attachProof", wrong).await, [(expected.0.to_owned(), expected.1.to_owned())]);
    }
    let stranger = dock.server.seller(OTHER_SELLER).await;
    assert_eq!(stranger.refused("attachProof", proof(&"ef".repeat(32), "image/png")).await[0].0, "NOT_FOUND");
    dock.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_under_the_houses_own_prefix_is_given_by_the_house_only() {
    let dock = Dock::new().await;
    let (first, second) = (dock.opened("S-1").await, dock.opened("S-2").await);
    let unit = |row: &shipment::Model, code: &str| json!({ "id": encode(row.id), "units": [{ "weightG": 1_000, "sscc": code }] });
    // The next number of the house: brought in, it would stand in the way of whoever packs next.
    let next = sscc::numbered(&dock.app().config().logistics.sscc_prefix, 0).unwrap();
    let refused = dock.owner.refused("packShipment", unit(&first, &next)).await;
    assert_eq!(refused, [("SSCC_OF_HOUSE".into(), "units.0.sscc".into())]);
    let selection = "shipment { units { sscc } }";
    let plain = json!({ "id": encode(first.id), "units": [{ "weightG": 1_000 }] });
    let made = dock.owner.done("packShipment", selection, plain).await["shipment"]["units"][0]["sscc"].clone();
    assert_eq!(made, json!(next), "the house does not begin with its first number");
    // Packed anew it keeps the label that it has; no other shipment gets it. Others' codes are brought as before.
    dock.owner.done("packShipment", selection, unit(&first, &next)).await;
    let refused = dock.owner.refused("packShipment", unit(&second, &next)).await;
    assert_eq!(refused, [("SSCC_OF_HOUSE".into(), "units.0.sscc".into())]);
    dock.owner.done("packShipment", selection, unit(&second, "106141412345678908")).await;
    dock.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_of_the_desk_has_seal_weights_and_promise() {
    let dock = Dock::new().await;
    let row = dock.opened("A-1").await;
    let id = encode(row.id);
    let plan = json!({ "id": id, "promisedAt": "2026-03-09T00:00:00Z" });
    dock.owner.done("planShipment", "", plan).await;
    dock.owner.done("sealShipment", "", json!({ "id": id, "number": "ES-1", "state": "INTACT" })).await;
    dock.pack(&row, 1_000, Some("SF-0001")).await;
    dock.out(&row, 1_010).await;
    let trail = "query($id: ID!) { auditTrail(nodeId: $id) { nodes { action body } } }";
    let trail = dock.owner.data(trail, json!({ "id": id })).await["auditTrail"]["nodes"].clone();
    let of = |action: &str| {
        let entries = trail.as_array().unwrap().iter().filter(|one| one["action"] == action);
        entries.map(Value::to_string).collect::<String>()
    };
    for (action, what) in [
        ("planShipment", "2026-03-09T00:00:00"),
        ("sealShipment", "ES-1"),
        ("sealShipment", "intact"),
        ("packShipment", "1000"),
        ("gateOut", "1010"),
    ] {
        assert!(
            of(action).to_lowercase().contains(&what.to_lowercase()),
            "{action} does not say {what}: {}",
            of(action)
        );
    }
    dock.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bytes_of_a_proof_are_those_that_its_hash_says_and_only_who_sees_the_taker_reads_them() {
    let dock = Dock::new().await;
    let row = dock.opened("E-2").await;
    let photo: Vec<u8> =
        [0xff_u8, 0xd8, 0xff, 0xe0].into_iter().chain((0..5_000_u32).map(|n| n.to_le_bytes()[0])).collect();
    let input = json!({ "id": encode(row.id), "kind": "PACKING", "name": "box.jpg", "mediaType": "image/jpeg",
        "sha256": api::platform::vault::sha256_hex(&photo), "size": photo.len(), "takenAt": "2026-03-01T07:00:00Z" });
    let attached = dock.owner.done("attachProof", "shipment { proofs { path keptAt } }", input).await;
    let proof = attached["shipment"]["proofs"][0].clone();
    assert_eq!(proof["keptAt"], json!(null));
    let path = proof["path"].as_str().unwrap();
    let posted = async |client: &crate::support::Client, bytes: &[u8]| {
        client.request(reqwest::Method::POST, path).body(bytes.to_vec()).send().await.unwrap().status().as_u16()
    };
    let got = async |client: &crate::support::Client| {
        let answer = client.request(reqwest::Method::GET, path).send().await.unwrap();
        (answer.status().as_u16(), answer.bytes().await.unwrap().to_vec())
    };
    let stranger = dock.server.seller(OTHER_SELLER).await;
    let nobody = dock.server.anonymous();
    assert_eq!(got(&dock.owner).await.0, 404, "there is something before it came");
    let mut other = photo.clone();
    other[100] ^= 1;
    let more: Vec<u8> = photo.iter().copied().chain([0]).collect();
    for (who, bytes, status) in [
        (&nobody, &photo, 401),
        (&stranger, &photo, 404),
        (&dock.owner, &other, 422),
        (&dock.owner, &photo[1..].to_vec(), 422),
        (&dock.owner, &more, 413),
        (&dock.owner, &photo, 204),
        (&dock.owner, &photo, 204),
    ] {
        assert_eq!(posted(who, bytes).await, status, "{} bytes", bytes.len());
    }
    for who in [&dock.owner, &dock.carrier] {
        assert_eq!(got(who).await, (200, photo.clone()));
    }
    assert_eq!(got(&stranger).await.0, 404);
    assert_eq!(got(&nobody).await.0, 401);
    // A page that says it is a photo is none.
    let page = b"<html>".to_vec();
    let input = json!({ "id": encode(row.id), "kind": "DAMAGE", "name": "x.jpg", "mediaType": "image/jpeg",
        "sha256": api::platform::vault::sha256_hex(&page), "size": page.len(), "takenAt": "2026-03-01T07:00:00Z" });
    let attached = dock.owner.done("attachProof", "shipment { proofs { name path } }", input).await;
    let proofs = attached["shipment"]["proofs"].as_array().unwrap().clone();
    let path = proofs.iter().find(|proof| proof["name"] == "x.jpg").unwrap()["path"].as_str().unwrap();
    let refused = dock.owner.request(reqwest::Method::POST, path).body(page).send().await.unwrap();
    let (status, body) = (refused.status().as_u16(), refused.json::<Value>().await.unwrap());
    assert_eq!((status, &body["errors"][0]["field"]), (422, &json!(["mediaType"])), "{body}");
    dock.adds_up().await;
}
