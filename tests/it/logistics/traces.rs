//! Who sees a shipment, what everyone sees, and goods followed from lot to parcel and back.

use api::{
    inventory::{
        ledger::By,
        ops::customer_of,
        promises::{self, Purpose, Wanted},
    },
    logistics::ops::Opening,
    platform::graphql::{decode, encode},
};
use entities::{
    inventory::{CustomsStatus, ReservationKind, stock_move},
    logistics::shipment::Line,
    party::MemberRole,
    values::{
        Localized,
        id::{StockLocationId, VariantId},
    },
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};

use super::{Dock, OTHER_CARRIER, consignee, open, opening, organisation_of};
use crate::support::{
    OPERATOR, OTHER_SELLER,
    keys::{TestKey, assertion, exchange},
    leaf, rug,
};

#[tokio::test(flavor = "multi_thread")]
async fn each_sees_its_own_shipments_and_everyone_with_the_code_a_masked_trace() {
    let dock = Dock::new().await;
    let (person, consumer) = dock.consumer(1).await;
    let to = consignee("示例路1号");
    let buyer = organisation_of(dock.app(), OTHER_SELLER).await;
    let private = Opening { person: Some(person), ..opening("P-1", dock.seller_id, dock.carrier_id, &to) };
    let private = open(dock.app(), &private).await.unwrap();
    let company =
        Opening { buyer: Some(buyer), person: Some(person), ..opening("B-1", dock.seller_id, dock.carrier_id, &to) };
    open(dock.app(), &company).await.unwrap();
    let query = "{ shipments { nodes { document } } }";
    let (_, other_consumer) = dock.consumer(2).await;
    let key = TestKey::ed25519(40);
    let made = json!({ "name": "TMS", "scopes": ["LOGISTICS"], "key": key.public });
    let made = dock.carrier.done("createMachineClient", "machineClient { clientId }", made).await;
    let client = made["machineClient"]["clientId"].as_str().unwrap().to_owned();
    let token = exchange(&dock.server, &key.sign(None, &assertion(&dock.server, &client, "l-1")), None).await.1;
    let machine = dock.server.anonymous().with_token(token["access_token"].as_str().unwrap().to_owned());
    let auditor = dock.server.anonymous().with_token(dock.server.token(MemberRole::Auditor, OPERATOR).await);
    for (who, client, expected) in [
        ("the seller", &dock.owner, &["B-1", "P-1"][..]),
        ("the carrier", &dock.carrier, &["B-1", "P-1"]),
        ("the carrier's machine", &machine, &["B-1", "P-1"]),
        ("the zone's auditor", &auditor, &["B-1", "P-1"]),
        // What it bought for a company it sees when it acts for that.
        ("the consumer", &consumer, &["P-1"]),
        ("the buying company", &dock.server.seller(OTHER_SELLER).await, &["B-1"]),
        ("another consumer", &other_consumer, &[]),
        ("another carrier", &dock.server.seller(OTHER_CARRIER).await, &[]),
    ] {
        let seen = client.data(query, json!({})).await["shipments"]["nodes"].clone();
        let seen: Vec<&str> = seen.as_array().unwrap().iter().map(|one| one["document"].as_str().unwrap()).collect();
        assert_eq!(seen, expected, "{who}");
        let one = client
            .data(
                "query($id: ID!) { shipment(id: $id) { consignee } node(id: $id) { id } }",
                json!({ "id": encode(private.id) }),
            )
            .await;
        let expected =
            if expected.contains(&"P-1") { json!({ "consignee": "测** 138****0000" }) } else { Value::Null };
        assert_eq!(one["shipment"], expected, "{who}");
        assert_eq!(one["node"].is_null(), expected.is_null(), "{who} by node");
    }
    assert_eq!(dock.server.anonymous().error(query, json!({})).await, "UNAUTHENTICATED");

    // In clear for a reason, which the seller reads in its audit.
    let reveal = json!({ "id": encode(private.id), "reason": "label is wet" });
    let clear = dock.carrier.done("revealShipmentConsignee", "consignee { name mobile address }", reveal.clone()).await;
    assert_eq!(clear["consignee"], json!({ "name": "测试甲", "mobile": "13800000000", "address": "示例路1号" }));
    let denied = dock.server.seller(OTHER_CARRIER).await.refused("revealShipmentConsignee", reveal.clone()).await;
    assert_eq!(denied[0].0, "NOT_FOUND");
    assert_eq!(machine.denied("revealShipmentConsignee", reveal).await, "FORBIDDEN");
    let trail = "query($id: ID!) { auditTrail(nodeId: $id) { nodes { action } } }";
    let trail = dock.owner.data(trail, json!({ "id": encode(private.id) })).await;
    assert!(trail.to_string().contains("revealShipmentConsignee"), "{trail}");

    // The machine reports, the seller's people do not.
    dock.pack(&private, 1_000, Some("SF-00012345")).await;
    dock.out(&private, 1_000).await;
    let event = dock.event("SF-00012345", "m-1", 0, "DEPARTING", None);
    machine.done("reportTracking", "results { taken }", json!({ "events": [event] })).await;
    let foreign =
        dock.owner.done("reportTracking", "results { userErrors { code } }", json!({ "events": [event] })).await;
    assert_eq!(foreign["results"][0]["userErrors"][0]["code"], "NOT_FOUND");

    let public = "query($c: String!) { publicTrace(code: $c) { state sender taker carrier maskedWaybill events { text texts { locale text } } } }";
    let anonymous = dock.server.anonymous();
    let told = anonymous.data(public, json!({ "c": private.public_code })).await["publicTrace"].clone();
    assert_eq!((&told["state"], &told["taker"]), (&json!("IN_TRANSIT"), &json!("测**")));
    assert_eq!(told["maskedWaybill"], "*******2345");
    // Carriers write what they like into a place: everyone reads only codes.
    assert_eq!(told["events"].as_array().unwrap().last().unwrap()["text"], "Departed");
    let mut said = dock.event("SF-00012345", "m-2", 1, "ARRIVING", None);
    (said["readPoint"], said["bizLocation"]) = (json!("门卫测试甲 13800000000"), json!("CNLZH"));
    said["note"] = json!("call 13800000000");
    machine.done("reportTracking", "results { taken }", json!({ "events": [said] })).await;
    let told = anonymous.data(public, json!({ "c": private.public_code })).await["publicTrace"].clone();
    assert_eq!(told["events"].as_array().unwrap().last().unwrap()["text"], "Arrived: CNLZH");
    let text = told.to_string();
    for secret in ["138", "测试甲", "西宁分拨中心", "示例路", "Hehuang Cloudloom", "SF-0001", "P-1"] {
        assert!(!text.contains(secret), "the public trace tells {secret}: {text}");
    }
    for code in ["", "0", &"0".repeat(32), &private.id.to_string(), "' OR 1=1 --"] {
        assert_eq!(anonymous.data(public, json!({ "c": code })).await["publicTrace"], Value::Null, "{code}");
    }
    dock.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lot_is_followed_to_its_parcels_and_a_parcel_to_its_lots_and_where_they_came_from() {
    let dock = Dock::new().await;
    let operator = dock.server.operator().await;
    let mut content = rug("traced", &leaf(&dock.owner).await);
    content["variants"][0]["gtin"] = json!("6901234567892");
    let variant = published(&dock, content).await;
    let place = json!({ "code": "WH", "kind": "DUTY_PAID_WAREHOUSE", "name": "仓" });
    let location = dock.owner.done("createStockLocation", "location { id }", place).await["location"]["id"].clone();
    for lot in [("LOT-A", 5, "QD-1", "2027-01-31"), ("LOT-B", 7, "QD-2", "2027-02-28")] {
        receive(&dock, &location, &variant, lot).await;
    }
    let ids = (variant.clone(), location.clone());
    // Three parcels: one of the first lot, one of both, one of the second.
    let (person, consumer) = dock.consumer(1).await;
    let to = consignee("示例路1号");
    let opaque = |id: &Value| async_graphql::ID::from(id.as_str().unwrap());
    let (variant, location) = (decode(&opaque(&variant), "id").unwrap(), decode(&opaque(&location), "id").unwrap());
    let lines = [Line { variant, name: Localized::bilingual("藏毯", "Rug"), quantity: 4 }];
    for (n, document) in ["T-1", "T-2", "T-3"].into_iter().enumerate() {
        let whose = (n == 1).then_some(person);
        let way = Opening { person: whose, lines: &lines, ..opening(document, dock.seller_id, dock.carrier_id, &to) };
        open(dock.app(), &way).await.unwrap();
        sent(&dock, variant, location, document, 4).await;
    }
    let query = "query($by: TraceBy!) { trace(by: $by) { truncated shipments { nodes { document lines { nodes { name quantity } } } } \
        lots { quantity lot { code } sources { document quantity } destinations { document quantity } } } }";
    let traced = async |client: &crate::support::Client, by: Value| {
        let told = client.data(query, json!({ "by": by })).await["trace"].clone();
        let documents: Vec<String> = told["shipments"]["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["document"].as_str().unwrap().to_owned())
            .collect();
        let mut lots: Vec<(String, i64, usize)> = told["lots"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| {
                let sources = one["sources"].as_array().unwrap().len();
                (one["lot"]["code"].as_str().unwrap().to_owned(), one["quantity"].as_i64().unwrap(), sources)
            })
            .collect();
        lots.sort();
        (documents, lots)
    };
    let lot = |code: &str| json!({ "lot": { "gtin": "6901234567892", "lot": code } });
    let (a, b) = ("LOT-A".to_owned(), "LOT-B".to_owned());
    assert_eq!(traced(&dock.owner, lot("LOT-A")).await, (vec!["T-2".into(), "T-1".into()], vec![(a.clone(), 5, 1)]));
    assert_eq!(traced(&dock.owner, lot("LOT-B")).await, (vec!["T-3".into(), "T-2".into()], vec![(b.clone(), 7, 1)]));
    let both = (vec!["T-2".to_owned()], vec![(a.clone(), 1, 1), (b.clone(), 3, 1)]);
    assert_eq!(traced(&dock.owner, json!({ "document": "T-2" })).await, both);
    // A consumer follows what it holds in its hand, as far as that is its own; not where its seller has it from.
    assert_eq!(traced(&consumer, lot("LOT-A")).await, (vec!["T-2".into()], vec![(a.clone(), 1, 0)]));
    assert_eq!(traced(&operator, lot("LOT-A")).await.0, ["T-2", "T-1"]);
    let stranger = dock.server.seller(OTHER_SELLER).await;
    for by in [lot("LOT-A"), json!({ "document": "T-2" })] {
        assert_eq!(traced(&stranger, by).await, (vec![], vec![]));
    }
    assert_eq!(traced(&dock.owner, lot("LOT-Z")).await, (vec![], vec![]));
    let waybill = json!({ "waybill": { "carrierId": encode(dock.carrier_id), "number": "no-such" } });
    assert_eq!(traced(&dock.owner, waybill).await, (vec![], vec![]));
    let wrong = json!({ "by": { "lot": { "gtin": "6901234567890", "lot": "x" } } });
    assert_eq!(dock.owner.error(query, wrong).await, "BAD_INPUT");

    // What went in no parcel is followed as well, by whose goods it is.
    receive(&dock, &ids.1, &ids.0, ("LOT-B", 2, "QD-3", "2027-02-28")).await;
    sent(&dock, variant, location, "NO-PARCEL", 2).await;
    let alone = json!({ "document": "NO-PARCEL" });
    assert_eq!(traced(&dock.owner, alone.clone()).await, (vec![], vec![(b.clone(), 2, 2)]));
    assert_eq!(traced(&operator, alone.clone()).await, (vec![], vec![(b.clone(), 2, 2)]));
    for client in [&stranger, &consumer, &dock.carrier] {
        assert_eq!(traced(client, alone.clone()).await, (vec![], vec![]));
    }
    let all = dock.owner.data(query, json!({ "by": lot("LOT-B") })).await["trace"].clone();
    let went = |document: &str, quantity: i64| json!({ "document": document, "quantity": quantity });
    let expected = json!([went("NO-PARCEL", 2), went("T-3", 4), went("T-2", 3)]);
    assert_eq!((&all["lots"][0]["destinations"], &all["truncated"]), (&expected, &json!(false)));
    // Other goods in the same parcel whose lot is called the same are another lot.
    let second = published(&dock, rug("traced-too", &leaf(&dock.owner).await)).await;
    receive(&dock, &ids.1, &second, ("LOT-A", 3, "QD-4", "2027-01-31")).await;
    sent(&dock, decode(&opaque(&second), "id").unwrap(), location, "T-2", 3).await;
    assert_eq!(traced(&dock.owner, lot("LOT-A")).await, (vec!["T-2".into(), "T-1".into()], vec![(a.clone(), 5, 1)]));
    assert_eq!(traced(&dock.carrier, lot("LOT-A")).await.1, vec![(a.clone(), 5, 0)]);
    // What was taken back did not happen.
    let wrong = stock_move::Entity::find().filter(stock_move::Column::Document.eq("T-3"));
    let wrong = wrong.one(dock.app().db().read()).await.unwrap().unwrap();
    let back = json!({ "id": encode(wrong.id), "document": "oops" });
    dock.owner.done("reverseStockMove", "reversal { id }", back).await;
    assert_eq!(traced(&dock.owner, lot("LOT-B")).await, (vec!["T-2".into()], vec![(b.clone(), 5, 2)]));
    assert_eq!(traced(&dock.owner, json!({ "document": "T-3" })).await, (vec!["T-3".into()], vec![]));
    dock.adds_up().await;
}

/// Publishes a product of the seller; answers with its variant.
async fn published(dock: &Dock, content: Value) -> Value {
    let made = dock.owner.done("createProduct", "product { id version }", json!({ "content": content })).await;
    let step = json!({ "id": made["product"]["id"], "expectedVersion": made["product"]["version"] });
    let selection = "product { variants { nodes { id } } }";
    let product = dock.server.operator().await.done("publishProduct", selection, step).await;
    product["product"]["variants"]["nodes"][0]["id"].clone()
}

/// Takes goods in: lot, how many, under which document, and when they end.
async fn receive(
    dock: &Dock,
    location: &Value,
    variant: &Value,
    (lot, quantity, document, ends): (&str, i64, &str, &str),
) {
    let line = json!({ "variantId": variant, "quantity": quantity, "customsStatus": "DUTY_PAID", "lot": lot, "expiresOn": ends });
    let receipt = json!({ "locationId": location, "document": document, "lines": [line] });
    dock.owner.done("receiveStock", "moves { id }", receipt).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everyone_sees_the_last_of_many_events_and_none_that_was_wrong() {
    let dock = Dock::new().await;
    let row = dock.on_its_way("P-1", "SF-0001").await;
    dock.server.wait(chrono::Duration::minutes(30));
    let mut events: Vec<Value> =
        (0..110).map(|n| dock.event("SF-0001", &format!("e-{n}"), -1, "STORING", Some("IN_TRANSIT"))).collect();
    events.push(dock.event("SF-0001", "last", 1, "ACCEPTING", Some("DELIVERED")));
    events.push(dock.event("SF-0001", "wrong", 2, "TRANSPORTING", Some("LOST")));
    let mut wrong = events[111].clone();
    wrong["errorDeclaration"] = json!({ "reason": "found" });
    events.push(wrong);
    assert!(dock.reported(json!(events)).await.iter().all(|one| *one == json!(true)));
    let query = "query($c: String!) { publicTrace(code: $c) { state events { text } } }";
    let told = dock.server.anonymous().data(query, json!({ "c": row.public_code })).await["publicTrace"].clone();
    let events = told["events"].as_array().unwrap();
    assert_eq!((events.len(), &told["state"]), (100, &json!("SIGNED")));
    assert_eq!(events[99]["text"], "Signed for", "the newest is not shown");
    assert!(events.iter().all(|one| one["text"] != "Lost" && one["text"] != "Registered"), "{events:?}");
    dock.adds_up().await;
}

/// So many pieces go to a customer under a document, those first that end first.
async fn sent(dock: &Dock, variant: VariantId, location: StockLocationId, document: &str, quantity: i64) {
    let app = dock.app();
    let now = app.clock().now();
    let tx = app.db().begin().await.unwrap();
    let wanted = Wanted {
        owner: dock.seller_id,
        variant,
        quantity,
        locations: &[location],
        status: CustomsStatus::DutyPaid,
        keeps_days: 0,
    };
    let until = now + chrono::Duration::minutes(15);
    let key = format!("{document}:{variant}");
    let purpose = Purpose { kind: ReservationKind::Order, document, key: &key, until };
    promises::hold(&tx, now, &wanted, purpose).await.unwrap();
    promises::confirm_all(&tx, now, document).await.unwrap();
    let customer = customer_of(&tx, now, dock.seller_id).await.unwrap();
    promises::consume_all(&tx, By { actor: "test", at: now }, document, customer).await.unwrap();
    tx.commit().await.unwrap();
}
