//! Stock: what people do with it over the schema, what many do at once, and whether it adds up after anything.

mod anything;
mod book;
mod counts;
mod guard;
mod hot;
mod inbound;
mod leaving;
mod transfers;
mod whole;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
};

use api::{
    inventory::{
        ledger::By,
        ops,
        promises::{self, Purpose, Wanted},
        reconcile,
    },
    platform::{error::Error, graphql::encode},
};
use chrono::{DateTime, Duration, Utc};
use entities::{
    catalog::variant,
    inventory::{CustomsStatus, LocationKind, ReservationKind, ReservationState, balance, location, reservation},
    values::{
        ErrorCode,
        id::{OrganisationId, StockLocationId, StockReservationId, VariantId},
    },
};
use proptest::prelude::*;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};
use serde_json::{Value, json};

use crate::support::{Backend, Client, OTHER_SELLER, SELLER, TestServer, backend, published_rug};

/// A house with goods in it.
struct House {
    server: TestServer,
    owner: Client,
    variant: Value,
}

impl House {
    async fn new() -> Self {
        let server = TestServer::start().await;
        let owner = server.seller(SELLER).await;
        let product = published_rug(&server, SELLER, "stock").await;
        let variant = product["variants"]["nodes"][0]["id"].clone();
        Self { server, owner, variant }
    }

    async fn location(&self, code: &str, kind: &str) -> Value {
        let input = json!({ "code": code, "kind": kind, "name": code });
        self.owner.done("createStockLocation", "location { id }", input).await["location"]["id"].clone()
    }

    async fn receive(&self, location: &Value, lines: Value) -> Value {
        let input = json!({ "locationId": location, "document": "WB-1", "lines": lines });
        // A token of this moment: tests let days pass.
        let owner = self.server.seller(SELLER).await;
        owner.done("receiveStock", "moves { id quantity reason }", input).await["moves"].clone()
    }

    fn line(&self, quantity: i64, lot: &str, expires: Option<&str>) -> Value {
        let lot = if lot.is_empty() { Value::Null } else { json!(lot) };
        json!({ "variantId": self.variant, "quantity": quantity, "customsStatus": "DUTY_PAID", "lot": lot, "expiresOn": expires })
    }

    async fn stock(&self) -> Vec<Value> {
        let query = "{ stock { nodes { id onHand reserved available customsStatus location { code kind } lot { code expiresOn } variant { code } } } }";
        self.owner.data(query, json!({})).await["stock"]["nodes"].as_array().unwrap().clone()
    }

    async fn adds_up(&self) {
        let found = reconcile::findings(self.server.app.db().writer(), self.server.app.clock().now()).await.unwrap();
        assert_eq!(found, [], "stock does not add up");
    }

    /// What operations below the schema take.
    async fn shelf(&self) -> Shelf {
        let all = location::Entity::find().all(self.server.app.db().writer()).await.unwrap();
        let rows =
            balance::Entity::find().filter(balance::Column::Outside.eq(false)).all(self.server.app.db().writer());
        let row = rows.await.unwrap()[0].clone();
        let inside = |row: &&location::Model| !row.kind.is_virtual() && row.kind != LocationKind::Transit;
        let inside = all.iter().filter(inside).map(|row| row.id).collect();
        Shelf { owner: row.owner_id, variant: row.variant_id, locations: inside }
    }

    async fn customer(&self) -> StockLocationId {
        let (app, shelf) = (&self.server.app, self.shelf().await);
        ops::customer_of(app.db().writer(), app.clock().now(), shelf.owner).await.unwrap()
    }

    /// More variants of the same product.
    async fn variants(&self, n: usize) -> Vec<VariantId> {
        let db = self.server.app.db().writer();
        let first = variant::Entity::find().one(db).await.unwrap().unwrap();
        let made = |n: usize| variant::Model {
            id: VariantId::new(self.server.app.clock().now()),
            code: format!("V{n}"),
            gtin: None,
            ..first.clone()
        };
        let rows: Vec<variant::Model> = (0..n).map(made).collect();
        let models = rows.iter().cloned().map(IntoActiveModel::into_active_model);
        variant::Entity::insert_many(models).exec_without_returning(db).await.unwrap();
        rows.into_iter().map(|row| row.id).collect()
    }

    /// So much of each of them into a location.
    async fn stocked(&self, location: &Value, variants: &[VariantId], quantity: i64, status: &str) {
        let line = |id: &VariantId| json!({ "variantId": encode(*id), "quantity": quantity, "customsStatus": status });
        self.receive(location, variants.iter().map(line).collect()).await;
    }
}

#[derive(Clone)]
struct Shelf {
    owner: OrganisationId,
    variant: VariantId,
    locations: Vec<StockLocationId>,
}

impl Shelf {
    fn wanted(&self, quantity: i64) -> Wanted<'_> {
        Wanted {
            owner: self.owner,
            variant: self.variant,
            quantity,
            locations: &self.locations,
            status: CustomsStatus::DutyPaid,
            keeps_days: 0,
        }
    }
}

fn purpose(key: &str, until: DateTime<Utc>) -> Purpose<'_> {
    Purpose { kind: ReservationKind::Order, document: "order", key, until }
}

fn code(error: &Error) -> Option<ErrorCode> {
    match error {
        Error::Refused(refusals) => refusals.first().map(|refusal| refusal.code),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn goods_come_in_go_round_and_the_history_says_why_there_are_so_many() {
    let house = House::new().await;
    let (front, back) =
        (house.location("front", "SHOWROOM").await, house.location("BACK", "DUTY_PAID_WAREHOUSE").await);
    let lines = json!([house.line(40, "L-1", Some("2027-01-31")), house.line(10, "", None)]);
    let moves = house.receive(&back, lines).await;
    assert_eq!(moves.as_array().unwrap().len(), 2);
    let lot = house.stock().await.into_iter().find(|row| row["lot"]["code"] == "L-1").unwrap();
    assert_eq!(
        (&lot["onHand"], &lot["location"]["code"], &lot["lot"]["expiresOn"]),
        (&json!(40), &json!("BACK"), &json!("2027-01-31"))
    );
    let transfer = json!({ "document": "T-1", "lines": [{ "balanceId": lot["id"], "toId": front, "quantity": 15 }] });
    house.owner.done("transferStock", "moves { reason }", transfer).await;
    // Three of the ten were never there.
    let back_again = json!({ "id": moves[1]["id"], "document": "R-1" });
    let reversal =
        house.owner.done("reverseStockMove", "reversal { reason quantity reversesId }", back_again.clone()).await;
    assert_eq!(reversal["reversal"], json!({ "reason": "REVERSAL", "quantity": 10, "reversesId": moves[1]["id"] }));
    house.receive(&back, json!([house.line(7, "", None)])).await;

    let query = "query($v: ID!, $after: String) { stockHistory(variantId: $v, first: 2, after: $after) { \
                 nodes { quantity reason onHandAfter from { kind outside } to { code kind } actor document } pageInfo { hasNextPage endCursor } } }";
    let (mut told, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = house.owner.data(query, json!({ "v": house.variant, "after": after })).await["stockHistory"].clone();
        told.extend(
            page["nodes"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| (row["reason"].clone(), row["quantity"].clone(), row["onHandAfter"].clone())),
        );
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
    let expected =
        [("RECEIPT", 7, 47), ("REVERSAL", 10, 40), ("TRANSFER", 15, 50), ("RECEIPT", 10, 50), ("RECEIPT", 40, 40)];
    let expected: Vec<_> =
        expected.into_iter().map(|(reason, n, after)| (json!(reason), json!(n), json!(after))).collect();
    assert_eq!(told, expected, "why is on-hand 47?");
    house.adds_up().await;

    // Once, and only what is there.
    assert_eq!(house.owner.refused("reverseStockMove", back_again).await, [("ALREADY_TAKEN".into(), "id".into())]);
    let all = json!({ "id": moves[0]["id"], "document": "R-2" });
    assert_eq!(house.owner.refused("reverseStockMove", all).await, [("OUT_OF_STOCK".into(), "id".into())]);
    house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_by_its_line_and_nothing_of_it_is_written() {
    let house = House::new().await;
    let (back, zone) =
        (house.location("BACK", "DUTY_PAID_WAREHOUSE").await, house.location("ZONE", "BONDED_WAREHOUSE").await);
    let receive = |location: &Value, lines: Value| json!({ "locationId": location, "document": "WB", "lines": lines });
    let bonded = json!({ "variantId": house.variant, "quantity": 1, "customsStatus": "BONDED" });
    let good = house.line(5, "L", Some("2027-01-01"));
    for (what, input, expected) in [
        ("nothing", receive(&back, json!([])), ("REQUIRED", "lines")),
        ("no pieces", receive(&back, json!([good, house.line(0, "", None)])), ("OUT_OF_RANGE", "lines.1.quantity")),
        ("fewer than none", receive(&back, json!([house.line(-5, "", None)])), ("OUT_OF_RANGE", "lines.0.quantity")),
        ("bonded among paid", receive(&back, json!([good, bonded])), ("WRONG_CUSTOMS_STATUS", "lines.1")),
        ("paid among bonded", receive(&zone, json!([good])), ("WRONG_CUSTOMS_STATUS", "lines.0")),
        (
            "a product for a variant",
            receive(&back, json!([{ "variantId": back, "quantity": 1, "customsStatus": "BONDED" }])),
            ("NOT_FOUND", "lines.0.variantId"),
        ),
        (
            "one lot with two ends",
            receive(&back, json!([good, house.line(1, "L", Some("2028-01-01"))])),
            ("ALREADY_TAKEN", "lines.1.lot"),
        ),
    ] {
        let expected = (expected.0.to_owned(), expected.1.to_owned());
        assert_eq!(house.owner.refused("receiveStock", input).await, [expected], "{what}");
    }
    assert_eq!(house.stock().await, Vec::<Value>::new(), "a refused receipt left something");
    let twice = json!({ "code": "back", "kind": "SHOWROOM", "name": "again" });
    assert_eq!(house.owner.refused("createStockLocation", twice).await, [("ALREADY_TAKEN".into(), "code".into())]);
    let outside = json!({ "code": "C", "kind": "CUSTOMER", "name": "c" });
    assert_eq!(house.owner.refused("createStockLocation", outside).await, [("INVALID_VALUE".into(), "kind".into())]);

    house.receive(&back, json!([house.line(5, "", None)])).await;
    let row = house.stock().await[0].clone();
    let line = |to: &Value, quantity: i64| json!({ "document": "T", "lines": [{ "balanceId": row["id"], "toId": to, "quantity": quantity }] });
    let front = house.location("FRONT", "SHOWROOM").await;
    let refused = async |input: Value| house.owner.refused("transferStock", input).await;
    assert_eq!(refused(line(&front, 6)).await, [("OUT_OF_STOCK".into(), "lines.0.quantity".into())]);
    assert_eq!(refused(line(&zone, 1)).await, [("WRONG_CUSTOMS_STATUS".into(), "lines.0".into())]);
    // Another's house: its goods and its places are not there.
    let other = house.server.seller(OTHER_SELLER).await;
    let foreign = other.refused("transferStock", line(&front, 1)).await;
    assert_eq!(foreign, [("NOT_FOUND".into(), "lines.0.balanceId".into())]);
    let foreign = other.refused("receiveStock", receive(&back, json!([house.line(1, "", None)]))).await;
    assert_eq!(foreign, [("NOT_FOUND".into(), "locationId".into())]);
    let query = "query($o: ID!) { stock(organisationId: $o) { nodes { id } } }";
    let organisation = house.server.organisation(SELLER).await;
    assert_eq!(other.error(query, json!({ "o": organisation })).await, "FORBIDDEN");
    let seen = house.server.operator().await.data(query, json!({ "o": organisation })).await;
    assert_eq!(seen["stock"]["nodes"].as_array().unwrap().len(), 1);
    // The same receipt again is the same receipt.
    let again =
        json!({ "locationId": back, "document": "WB", "lines": [house.line(1, "", None)], "clientMutationId": "r-1" });
    let one = house.owner.done("receiveStock", "moves { id }", again.clone()).await;
    assert_eq!(house.owner.done("receiveStock", "moves { id }", again).await, one);
    assert_eq!(house.stock().await[0]["onHand"], 6, "a repeated receipt was booked twice");
    // What is written stays, whoever writes SQL.
    for statement in ["UPDATE stock_move SET quantity = 1", "DELETE FROM stock_move"] {
        assert!(house.server.app.db().writer().execute_unprepared(statement).await.is_err(), "{statement}");
    }
    let more = "UPDATE stock_balance SET reserved = on_hand + 1 WHERE NOT outside";
    assert!(house.server.app.db().writer().execute_unprepared(more).await.is_err(), "more is promised than there is");
    house.adds_up().await;
}

/// One attempt of a buyer to hold so much.
async fn attempt(
    server: &TestServer,
    shelf: &Shelf,
    quantity: i64,
    key: &str,
) -> Result<Vec<reservation::Model>, Error> {
    let now = server.app.clock().now();
    let tx = server.app.db().begin().await?;
    let held = promises::hold(&tx, now, &shelf.wanted(quantity), purpose(key, now + Duration::minutes(15))).await?;
    tx.commit().await?;
    Ok(held)
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_pieces_are_sold_five_hundred_times_however_many_want_them() {
    let house = House::new().await;
    let back = house.location("BACK", "DUTY_PAID_WAREHOUSE").await;
    // In three lots, so that the last pieces of one and the first of another are one order's.
    let lines = json!([
        house.line(249, "A", Some("2027-01-01")),
        house.line(250, "B", Some("2027-02-01")),
        house.line(1, "C", None)
    ]);
    house.receive(&back, lines).await;
    let (clients, times) = if backend() == Backend::Sqlite { (16, 60) } else { (64, 60) };
    let shelf = house.shelf().await;
    let (sold, refused) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicUsize::new(0)));
    let server = Arc::new(house);
    let barrier = Arc::new(tokio::sync::Barrier::new(clients));
    let buyers = (0..clients).map(|client| {
        let (server, shelf, sold, refused, barrier) =
            (server.clone(), shelf.clone(), sold.clone(), refused.clone(), barrier.clone());
        tokio::spawn(async move {
            barrier.wait().await;
            for n in 0..times {
                match attempt(&server.server, &shelf, 1, &format!("{client}-{n}")).await {
                    Ok(held) => {
                        sold.fetch_add(held.iter().map(|row| row.quantity).sum(), Ordering::SeqCst);
                    }
                    Err(error) if code(&error) == Some(ErrorCode::OutOfStock) => {
                        refused.fetch_add(1, Ordering::SeqCst);
                    }
                    Err(error) => panic!("neither sold nor sold out: {error:?}"),
                }
            }
        })
    });
    for buyer in buyers.collect::<Vec<_>>() {
        buyer.await.unwrap();
    }
    assert_eq!(sold.load(Ordering::SeqCst), 500, "sold of 500");
    assert_eq!(refused.load(Ordering::SeqCst), clients * times - 500, "false \"sold out\"");
    let left: i64 = server.stock().await.iter().map(|row| row["available"].as_i64().unwrap()).sum();
    assert_eq!(left, 0);
    server.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_one_hold_takes_what_ends_first_and_is_over_when_its_time_is_up() {
    let house = House::new().await;
    let back = house.location("BACK", "DUTY_PAID_WAREHOUSE").await;
    // dawn is in 2026; `old` ends within the days that are asked for.
    let lines = json!([
        house.line(4, "LATE", Some("2028-01-01")),
        house.line(4, "SOON", Some("2027-06-01")),
        house.line(4, "", None)
    ]);
    house.receive(&back, lines).await;
    let shelf = house.shelf().await;
    let server = &house.server;
    let first = attempt(server, &shelf, 6, "one").await.unwrap();
    assert_eq!(
        attempt(server, &shelf, 6, "one").await.unwrap().len(),
        first.len(),
        "asked for again it is another hold"
    );
    let lots: BTreeMap<String, i64> = house
        .stock()
        .await
        .iter()
        .map(|row| (row["lot"]["code"].as_str().unwrap().to_owned(), row["reserved"].as_i64().unwrap()))
        .collect();
    assert_eq!(lots, BTreeMap::from([("SOON".into(), 4), ("LATE".into(), 2), (String::new(), 0)]));
    assert_eq!(code(&attempt(server, &shelf, 7, "two").await.unwrap_err()), Some(ErrorCode::OutOfStock));
    let two = attempt(server, &shelf, 6, "two").await.unwrap();

    let now = server.app.clock().now();
    let tx = server.app.db().begin().await.unwrap();
    for row in &first {
        promises::confirm(&tx, now, row.id).await.unwrap();
    }
    tx.commit().await.unwrap();
    // On hand 12, all of it promised; the time of one hold passes.
    server.wait(Duration::minutes(15) + Duration::seconds(1));
    let now = server.app.clock().now();
    let tx = server.app.db().begin().await.unwrap();
    let late = promises::confirm(&tx, now, two[0].id).await.unwrap_err();
    assert_eq!(code(&late), Some(ErrorCode::HoldExpired), "paid for after its time");
    drop(tx);
    promises::sweep(&server.app, now).await.unwrap();
    let available: i64 = house.stock().await.iter().map(|row| row["available"].as_i64().unwrap()).sum();
    assert_eq!(available, 6, "what was confirmed is let go, or what is due is not");
    house.adds_up().await;

    let customer = house.customer().await;
    let tx = server.app.db().begin().await.unwrap();
    for row in &first {
        promises::consume(&tx, By { actor: "test", at: now }, row.id, customer).await.unwrap();
        let twice = promises::release(&tx, now, row.id).await.unwrap_err();
        assert_eq!(code(&twice), Some(ErrorCode::IllegalTransition), "let go after it was shipped");
    }
    tx.commit().await.unwrap();
    let on_hand: i64 = house.stock().await.iter().map(|row| row["onHand"].as_i64().unwrap()).sum();
    assert_eq!(on_hand, 6);
    house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_confirmation_and_the_end_of_its_time_exactly_one_wins() {
    let house = House::new().await;
    let back = house.location("BACK", "DUTY_PAID_WAREHOUSE").await;
    house.receive(&back, json!([house.line(100, "", None)])).await;
    let shelf = house.shelf().await;
    let mut ids = Vec::new();
    for n in 0..40 {
        ids.extend(
            attempt(&house.server, &shelf, 1, &format!("race-{n}")).await.unwrap().into_iter().map(|row| row.id),
        );
    }
    let house = Arc::new(house);
    let due = house.server.app.clock().now() + Duration::minutes(15);
    let mut racers = Vec::new();
    for id in &ids {
        for which in 0..3 {
            let (house, id) = (house.clone(), *id);
            racers.push(tokio::spawn(async move {
                let tx = house.server.app.db().begin().await.unwrap();
                // Of the same moment, a hair before and after the end.
                let done = match which {
                    0 => promises::confirm(&tx, due - Duration::milliseconds(1), id).await.map(|_| "confirmed"),
                    1 => promises::release(&tx, due, id).await.map(|_| "released"),
                    _ => {
                        drop(tx);
                        promises::sweep(&house.server.app, due).await.unwrap();
                        return None;
                    }
                };
                match done {
                    Ok(what) => {
                        tx.commit().await.unwrap();
                        Some((id, what))
                    }
                    Err(_) => None,
                }
            }));
        }
    }
    let mut ended: BTreeMap<StockReservationId, Vec<&str>> = BTreeMap::new();
    for racer in racers {
        if let Some((id, what)) = racer.await.unwrap() {
            ended.entry(id).or_default().push(what);
        }
    }
    let rows = reservation::Entity::find().all(house.server.app.db().writer()).await.unwrap();
    for row in rows {
        let told = ended.get(&row.id).cloned().unwrap_or_default();
        // Confirmed and then let go is no contradiction; let go twice would be.
        let releases = told.iter().filter(|what| **what == "released").count();
        assert_eq!(releases, usize::from(row.state == ReservationState::Released), "{told:?} and is {:?}", row.state);
        assert!(row.state != ReservationState::Held, "nobody won");
    }
    house.adds_up().await;
}

#[derive(Clone, Debug)]
enum Step {
    Receive(i64),
    Hold(i64),
    Confirm(usize),
    Release(usize),
    Consume(usize),
    Wait,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => (1..30_i64).prop_map(Step::Receive),
        4 => (1..20_i64).prop_map(Step::Hold),
        2 => (0..50_usize).prop_map(Step::Confirm),
        2 => (0..50_usize).prop_map(Step::Release),
        3 => (0..50_usize).prop_map(Step::Consume),
        1 => Just(Step::Wait),
    ];
    prop::collection::vec(step, 10..40)
}

#[test]
fn whatever_happens_in_whatever_order_stock_adds_up() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (house, back, customer) = runtime.block_on(async {
        let house = House::new().await;
        let back = house.location("BACK", "DUTY_PAID_WAREHOUSE").await;
        house.receive(&back, json!([house.line(1, "", None)])).await;
        let customer = house.customer().await;
        (house, back, customer)
    });
    let rounds = AtomicUsize::new(0);
    let config = ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(all in steps())| {
        let round = rounds.fetch_add(1, Ordering::SeqCst);
        runtime.block_on(async {
            let app = &house.server.app;
            let shelf = house.shelf().await;
            let mut ids: Vec<StockReservationId> = Vec::new();
            for (n, step) in all.iter().enumerate() {
                let now = app.clock().now();
                let pick = |n: usize| ids.get(n % ids.len().max(1)).copied();
                let tx = app.db().begin().await.unwrap();
                let done = match step {
                    Step::Receive(quantity) => {
                        drop(tx);
                        house.receive(&back, json!([house.line(*quantity, &format!("{round}-{n}"), None)])).await;
                        continue;
                    }
                    Step::Wait => {
                        drop(tx);
                        house.server.wait(Duration::minutes(16));
                        promises::sweep(app, app.clock().now()).await.unwrap();
                        continue;
                    }
                    Step::Hold(quantity) => {
                        let key = format!("{round}-{n}");
                        let held = promises::hold(&tx, now, &shelf.wanted(*quantity), purpose(&key, now + Duration::minutes(15))).await;
                        held.map(|rows| ids.extend(rows.into_iter().map(|row| row.id)))
                    }
                    Step::Confirm(n) => match pick(*n) {
                        Some(id) => promises::confirm(&tx, now, id).await.map(drop),
                        None => Ok(()),
                    },
                    Step::Release(n) => match pick(*n) {
                        Some(id) => promises::release(&tx, now, id).await.map(drop),
                        None => Ok(()),
                    },
                    Step::Consume(n) => match pick(*n) {
                        Some(id) => promises::consume(&tx, By { actor: "test", at: now }, id, customer).await.map(drop),
                        None => Ok(()),
                    },
                };
                match done {
                    Ok(()) => tx.commit().await.unwrap(),
                    Err(error) => {
                        // Rolled back before anyone else writes.
                        tx.rollback().await.unwrap();
                        prop_assert!(code(&error).is_some(), "{:?}: {:?}", step, error);
                    }
                }
                let found = reconcile::findings(app.db().writer(), app.clock().now()).await.unwrap();
                prop_assert_eq!(found, Vec::new(), "after {:?}", step);
            }
            Ok::<(), TestCaseError>(())
        })?;
    });
    drop(house);
    drop(runtime);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_add_up_is_found() {
    let house = House::new().await;
    let back = house.location("BACK", "DUTY_PAID_WAREHOUSE").await;
    house.receive(&back, json!([house.line(9, "", None)])).await;
    house.adds_up().await;
    let db = house.server.app.db().writer();
    for (wrong, right, expected) in [
        (
            "UPDATE stock_balance SET on_hand = on_hand + 1 WHERE NOT outside",
            "UPDATE stock_balance SET on_hand = on_hand - 1 WHERE NOT outside",
            "sum",
        ),
        (
            "UPDATE stock_balance SET reserved = 2 WHERE NOT outside",
            "UPDATE stock_balance SET reserved = 0 WHERE NOT outside",
            "reserved",
        ),
    ] {
        db.execute_unprepared(wrong).await.unwrap();
        let found = reconcile::findings(db, house.server.app.clock().now()).await.unwrap();
        assert!(found.iter().any(|finding| finding.what.contains(expected)), "{wrong} is not found: {found:?}");
        db.execute_unprepared(right).await.unwrap();
    }
    house.adds_up().await;
}
