//! Gate passes out: many parcels on one vehicle, which goes when every list on it is released, or not at all.

use api::{
    app::Call,
    inventory::{book, ledger::By},
    logistics::ops::{self, Opening},
    platform::graphql::{decode, encode},
};
use async_graphql::ID;
use entities::{
    logistics::{ShipmentState, shipment},
    party::{Actor, Viewer},
    values::id::{StockLocationId, VariantId},
};
use futures_util::future::join_all;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use super::{Dock, consignee, open, opening};
use crate::support::{Client, OTHER_SELLER, published_rug};

const PASS: &str = "gatePass { id number state direction vehicle authority verificationList { number state direction lines { quantity } } }";

/// A dock at a bonded warehouse with goods in its account book.
struct Yard {
    dock: Dock,
    zone: Value,
    variant: Value,
}

impl Yard {
    async fn new() -> Self {
        let dock = Dock::new().await;
        let place = json!({ "code": "ZONE", "kind": "BONDED_WAREHOUSE", "name": "保税仓" });
        let zone = dock.owner.done("createStockLocation", "location { id }", place).await["location"]["id"].clone();
        let product = published_rug(&dock.server, crate::support::SELLER, "yard").await;
        let variant = product["variants"]["nodes"][0]["id"].clone();
        filed(&dock.owner, &zone, "T9701W000001", &variant).await;
        Self { dock, zone, variant }
    }

    fn place(&self) -> StockLocationId {
        decode(&ID(self.zone.as_str().unwrap().to_owned()), "id").unwrap()
    }

    /// A bonded parcel of a kilogram, packed; its goods are locked in the account book.
    async fn packed(&self, document: &str) -> shipment::Model {
        let app = self.dock.app();
        let variant: VariantId = decode(&ID(self.variant.as_str().unwrap().to_owned()), "id").unwrap();
        let tx = app.db().begin().await.unwrap();
        let wants = [(self.dock.seller_id, self.place(), variant, 1)];
        book::lock(&tx, By { actor: "test", at: app.clock().now() }, &wants, document).await.unwrap();
        tx.commit().await.unwrap();
        let to = consignee("示例路1号");
        let import = Opening {
            needs_release: true,
            from: Some(self.place()),
            ..opening(document, self.dock.seller_id, self.dock.carrier_id, &to)
        };
        let row = open(app, &import).await.unwrap();
        self.dock.pack(&row, 1_000, Some(&format!("SF-{document}"))).await;
        row
    }

    async fn released(&self, document: &str) {
        let mut work = self.dock.app().begin(&Call::unasked("customs")).await.unwrap();
        ops::released(&mut work, document, Some("97012026I000000001")).await.unwrap();
        work.commit(()).await.unwrap();
    }

    fn opening(&self, rows: &[&shipment::Model]) -> Value {
        let ids: Vec<ID> = rows.iter().map(|row| encode(row.id)).collect();
        json!({ "locationId": self.zone, "vehicle": "青a00001", "shipmentIds": ids })
    }

    async fn opened(&self, rows: &[&shipment::Model]) -> Value {
        self.dock.owner.done("openGatePass", PASS, self.opening(rows)).await["gatePass"].clone()
    }
}

/// Files goods in an account book, a hundred of them; answers with the item.
async fn filed(owner: &Client, zone: &Value, book: &str, variant: &Value) -> Value {
    let item = json!({ "locationId": zone, "book": book, "number": 1, "variantId": variant });
    let item = owner.done("fileBondedItem", "item { id }", item).await["item"]["id"].clone();
    for event in ["PRE_INCREASE", "INCREASE"] {
        let note = json!({ "itemId": item, "event": event, "quantity": 100, "document": "QD-1" });
        owner.done("noteBondedMovement", "", note).await;
    }
    item
}

fn passing(pass: &Value, rows: &[(&shipment::Model, i64)]) -> Value {
    let parcel = |(row, grams): &(&shipment::Model, i64)| json!({ "shipmentId": encode(row.id), "weighedG": grams });
    json!({ "id": pass["id"], "parcels": rows.iter().map(parcel).collect::<Vec<_>>() })
}

fn refused(code: &str, field: &str) -> (String, String) {
    (code.to_owned(), field.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vehicle_goes_when_every_list_on_it_is_released_and_takes_all_its_parcels_or_none() {
    let yard = Yard::new().await;
    let (owner, dock) = (&yard.dock.owner, &yard.dock);
    let (a, b) = (yard.packed("I-1").await, yard.packed("I-2").await);
    let pass = yard.opened(&[&a, &b]).await;
    assert!(pass["number"].as_str().unwrap().starts_with("P9701"), "{pass}");
    assert_eq!(
        (&pass["state"], &pass["direction"], &pass["vehicle"]),
        (&json!("DECLARED"), &json!("OUT"), &json!("青A00001"))
    );
    let list = &pass["verificationList"];
    assert_eq!((&list["state"], &list["direction"]), (&json!("DECLARED"), &json!("OUT")));
    assert_eq!(list["lines"], json!([{ "quantity": 2 }]), "the list is not the sum of its parcels");
    dock.adds_up().await;
    // It goes with its vehicle, and with one.
    let alone = json!({ "id": encode(a.id), "weighedG": 1_000 });
    assert_eq!(owner.refused("gateOut", alone).await, [refused("ALREADY_TAKEN", "id")]);
    let second = owner.refused("openGatePass", yard.opening(&[&b])).await;
    assert_eq!(second, [refused("ALREADY_TAKEN", "shipmentIds.0")], "a parcel is on two vehicles");

    yard.released("I-1").await;
    let both = passing(&pass, &[(&a, 1_000), (&b, 1_500)]);
    let wrong = owner.refused("passGate", both).await;
    let expected = [refused("NOT_RELEASED", "parcels.1.shipmentId"), refused("WEIGHT_MISMATCH", "parcels.1.weighedG")];
    assert_eq!(wrong, expected);
    assert_eq!(dock.row(&a).await.state, ShipmentState::Packed, "half a vehicle went out");
    yard.released("I-2").await;
    let one = owner.refused("passGate", passing(&pass, &[(&a, 1_000)])).await;
    assert_eq!(one, [refused("REQUIRED", "parcels")], "what was not weighed goes out");
    let twice = owner.refused("passGate", passing(&pass, &[(&a, 1_000), (&a, 1_000)])).await;
    assert_eq!(twice, [refused("DUPLICATE", "parcels.1.shipmentId")]);

    let mut input = passing(&pass, &[(&b, 1_000), (&a, 1_020)]);
    input["clientMutationId"] = json!("vehicle-1");
    let passed = owner.done("passGate", PASS, input.clone()).await;
    assert_eq!(owner.done("passGate", PASS, input).await, passed, "a repeat is another answer");
    assert_eq!(
        (&passed["gatePass"]["state"], &passed["gatePass"]["verificationList"]["state"]),
        (&json!("PASSED"), &json!("VERIFIED"))
    );
    for row in [&a, &b] {
        let after = dock.row(row).await;
        assert_eq!((after.state, after.gated_out_at.is_some()), (ShipmentState::GateOut, true));
        assert_eq!(dock.moved(&row.document, ShipmentState::GateOut).await, 1);
    }
    let again = owner.refused("passGate", passing(&pass, &[(&a, 1_000), (&b, 1_000)])).await;
    assert_eq!(again, [refused("ILLEGAL_TRANSITION", "id")]);
    assert_eq!(
        owner.refused("cancelGatePass", json!({ "id": pass["id"] })).await,
        [refused("ILLEGAL_TRANSITION", "id")]
    );
    let on_it = "query($p: ID!) { shipments(filter: { gatePassId: $p }) { nodes { document gatePass { number } } } }";
    let seen = owner.data(on_it, json!({ "p": pass["id"] })).await["shipments"]["nodes"].clone();
    let expected = |document: &str| json!({ "document": document, "gatePass": { "number": pass["number"] } });
    assert_eq!(seen, json!([expected("I-2"), expected("I-1")]));
    // Its carrier sees the parcel, and not the sender's paperwork.
    let seen = dock.carrier.data(on_it, json!({ "p": pass["id"] })).await["shipments"]["nodes"].clone();
    assert_eq!(seen[0], json!({ "document": "I-2", "gatePass": null }));
    let trail = "query($id: ID!) { auditTrail(nodeId: $id) { nodes { action } } }";
    let trail = owner.data(trail, json!({ "id": pass["id"] })).await["auditTrail"]["nodes"].clone();
    let actions: Vec<_> = trail.as_array().unwrap().iter().map(|one| one["action"].as_str().unwrap()).collect();
    assert!(actions.contains(&"openGatePass") && actions.contains(&"passGate"), "{actions:?}");
    dock.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_back_is_not_on_the_vehicle_and_a_pass_that_is_taken_back_frees_its_parcels() {
    let yard = Yard::new().await;
    let (owner, dock) = (&yard.dock.owner, &yard.dock);
    let (a, b) = (yard.packed("I-1").await, yard.packed("I-2").await);
    let pass = yard.opened(&[&a, &b]).await;
    let cancelled = owner.done("cancelGatePass", PASS, json!({ "id": pass["id"] })).await["gatePass"].clone();
    assert_eq!(
        (&cancelled["state"], &cancelled["verificationList"]["state"]),
        (&json!("CANCELLED"), &json!("CANCELLED"))
    );
    let pass = yard.opened(&[&a, &b]).await;
    dock.adds_up().await;
    let mut work =
        dock.app().begin(&Call::by(Viewer { actor: Actor::Tool("test".into()), acting: None })).await.unwrap();
    ops::cancel(&mut work, "I-2").await.unwrap();
    work.commit(()).await.unwrap();
    yard.released("I-1").await;
    let gone = owner.refused("passGate", passing(&pass, &[(&a, 1_000), (&b, 1_000)])).await;
    assert_eq!(gone, [refused("NOT_FOUND", "parcels.1.shipmentId")]);
    let passed = owner.done("passGate", PASS, passing(&pass, &[(&a, 1_000)])).await["gatePass"].clone();
    assert_eq!(passed["verificationList"]["lines"], json!([{ "quantity": 1 }]), "what stayed is on the list");
    assert_eq!(dock.row(&b).await.state, ShipmentState::Cancelled);
    let on_it = "query($p: ID!) { shipments(filter: { gatePassId: $p }) { nodes { document } } \
                 auditTrail(nodeId: $p) { nodes { action body } } }";
    let seen = owner.data(on_it, json!({ "p": pass["id"] })).await;
    assert_eq!(seen["shipments"]["nodes"], json!([{ "document": "I-1" }]), "what was taken back went out");
    let trail = seen["auditTrail"]["nodes"].as_array().unwrap();
    let told = trail.iter().find(|one| one["action"] == "passGate").unwrap().to_string();
    assert!(told.contains("I-2"), "nobody was told what stayed: {told}");
    dock.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_go_on_a_vehicle_is_refused_and_others_see_no_pass() {
    let yard = Yard::new().await;
    let (owner, dock) = (&yard.dock.owner, &yard.dock);
    let a = yard.packed("I-1").await;
    let to = consignee("示例路1号");
    let inside = Opening { from: Some(yard.place()), ..opening("I-2", dock.seller_id, dock.carrier_id, &to) };
    let unpacked = open(dock.app(), &inside).await.unwrap();
    let elsewhere = dock.opened("I-3").await;
    dock.pack(&elsewhere, 1_000, Some("SF-3")).await;
    for (what, rows, expected) in [
        ("nothing", vec![], refused("REQUIRED", "shipmentIds")),
        ("what is not packed", vec![&a, &unpacked], refused("ILLEGAL_TRANSITION", "shipmentIds.1")),
        ("what lies elsewhere", vec![&a, &elsewhere], refused("INVALID_VALUE", "shipmentIds.1")),
        ("one parcel twice", vec![&a, &a], refused("DUPLICATE", "shipmentIds.1")),
    ] {
        assert_eq!(owner.refused("openGatePass", yard.opening(&rows)).await, [expected], "{what}");
    }
    // Goods that no account book has locked have no list.
    dock.pack(&unpacked, 1_000, Some("SF-2")).await;
    let unfiled = owner.refused("openGatePass", yard.opening(&[&a, &unpacked])).await;
    assert_eq!(unfiled, [refused("NOT_FILED", "shipmentIds.1")], "what is locked of one parcel counts for another");
    let stranger = dock.server.seller(OTHER_SELLER).await;
    assert_eq!(stranger.refused("openGatePass", yard.opening(&[&a])).await, [refused("NOT_FOUND", "locationId")]);
    let pass = yard.opened(&[&a]).await;
    for (name, input) in [("passGate", passing(&pass, &[(&a, 1_000)])), ("cancelGatePass", json!({ "id": pass["id"] }))]
    {
        assert_eq!(stranger.refused(name, input).await, [refused("NOT_FOUND", "id")], "{name}");
    }
    let query = "query($id: ID!) { gatePass(id: $id) { number } gatePasses { nodes { number } } }";
    let seen = stranger.data(query, json!({ "id": pass["id"] })).await;
    assert_eq!(seen, json!({ "gatePass": null, "gatePasses": { "nodes": [] } }));
    dock.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_load_a_parcel_or_open_the_gate_at_once_one_does() {
    let yard = Yard::new().await;
    let (owner, dock) = (&yard.dock.owner, &yard.dock);
    let (a, b) = (yard.packed("I-1").await, yard.packed("I-2").await);
    let done = |all: &[Value]| all.iter().filter(|payload| payload["userErrors"] == json!([])).count();
    // In opposite orders, too.
    let inputs = [yard.opening(&[&a, &b]), yard.opening(&[&b, &a])];
    let all = join_all((0..6).map(|n| owner.payload("openGatePass", PASS, inputs[n % 2].clone()))).await;
    assert_eq!(done(&all), 1, "{all:?}");
    let pass = all.iter().find(|payload| payload["userErrors"] == json!([])).unwrap()["gatePass"].clone();
    for document in ["I-1", "I-2"] {
        yard.released(document).await;
    }
    let (go, stay) = (passing(&pass, &[(&a, 1_000), (&b, 1_000)]), json!({ "id": pass["id"] }));
    let all = join_all((0..6).map(|n| {
        let (name, input) = if n == 3 { ("cancelGatePass", &stay) } else { ("passGate", &go) };
        owner.payload(name, PASS, input.clone())
    }))
    .await;
    assert_eq!(done(&all), 1, "{all:?}");
    dock.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bonded_parcel_that_leaves_by_itself_has_a_pass_and_a_list_of_its_own() {
    let yard = Yard::new().await;
    let (owner, dock) = (&yard.dock.owner, &yard.dock);
    let a = yard.packed("I-1").await;
    let out = json!({ "id": encode(a.id), "weighedG": 1_000 });
    assert_eq!(owner.refused("gateOut", out).await, [refused("NOT_RELEASED", "id")]);
    let passes = "{ gatePasses { nodes { id } } }";
    assert_eq!(owner.data(passes, json!({})).await["gatePasses"]["nodes"], json!([]), "what stays has a pass");
    yard.released("I-1").await;
    dock.out(&a, 1_000).await;
    let query = "query($id: ID!) { shipment(id: $id) { gatePass { state direction vehicle \
                 verificationList { state direction book } } } }";
    let seen = owner.data(query, json!({ "id": encode(a.id) })).await["shipment"]["gatePass"].clone();
    let list = json!({ "state": "VERIFIED", "direction": "OUT", "book": "T9701W000001" });
    let expected = json!({ "state": "PASSED", "direction": "OUT", "vehicle": "-", "verificationList": list });
    assert_eq!(seen, expected);
    // Goods that no account book has locked have no list.
    let to = consignee("示例路1号");
    let import = Opening {
        needs_release: true,
        from: Some(yard.place()),
        ..opening("I-2", dock.seller_id, dock.carrier_id, &to)
    };
    let b = open(dock.app(), &import).await.unwrap();
    dock.pack(&b, 1_000, Some("SF-2")).await;
    yard.released("I-2").await;
    dock.out(&b, 1_000).await;
    let seen = owner.data(query, json!({ "id": encode(b.id) })).await["shipment"]["gatePass"].clone();
    assert_eq!(seen, Value::Null);
    dock.adds_up().await;
    // Without its pass it does not add up.
    dock.app().db().writer().execute_unprepared("DELETE FROM gate_pass_parcel").await.unwrap();
    let found = api::worker::findings(dock.app(), dock.app().clock().now()).await.unwrap();
    let what: Vec<_> = found.iter().map(|finding| finding.what).collect();
    assert_eq!(what, ["a bonded parcel is out of the gate without a pass"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stranger_notes_under_a_parcels_document_stops_no_vehicle() {
    let yard = Yard::new().await;
    let (owner, dock) = (&yard.dock.owner, &yard.dock);
    let stranger = dock.server.seller(OTHER_SELLER).await;
    let place = json!({ "code": "ZONE", "kind": "BONDED_WAREHOUSE", "name": "保税仓" });
    let zone = stranger.done("createStockLocation", "location { id }", place).await["location"]["id"].clone();
    let item = filed(&stranger, &zone, "T9701W000009", &yard.variant).await;
    let lock = |document: &str| json!({ "itemId": item, "event": "LOCK", "quantity": 1, "document": document });
    // Before the goods are locked, and after.
    stranger.done("noteBondedMovement", "", lock("I-1")).await;
    let (a, b) = (yard.packed("I-1").await, yard.packed("I-2").await);
    stranger.done("noteBondedMovement", "", lock("I-2")).await;
    let locked = book::locked_for(dock.app().db().read(), "I-1").await.unwrap();
    assert_eq!(locked.len(), 1);
    assert_eq!(locked[0].owner_id, dock.seller_id);
    let pass = yard.opened(&[&a, &b]).await;
    for document in ["I-1", "I-2"] {
        yard.released(document).await;
    }
    owner.done("passGate", PASS, passing(&pass, &[(&a, 1_000), (&b, 1_000)])).await;
    // What left leaves the book of its sender, and no other.
    let tx = dock.app().db().begin().await.unwrap();
    let by = By { actor: "test", at: dock.app().clock().now() };
    assert_eq!(book::reduce(&tx, by, "I-1").await.unwrap(), 1);
    tx.commit().await.unwrap();
    let query = "{ bondedItems { nodes { locked reduced } } }";
    let seen = stranger.data(query, json!({})).await["bondedItems"]["nodes"].clone();
    assert_eq!(seen, json!([{ "locked": 2, "reduced": 0 }]));
    dock.adds_up().await;
}
