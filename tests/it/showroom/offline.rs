//! Working without a network: what a device may send and is told, what it may sell, and that nobody's change is lost.
//!
//! - [`phone`]: a reference client that loses its network
//! - [`random`]: two of them that do at random what staff do

mod phone;
mod random;

use std::collections::{BTreeMap, BTreeSet};

use entities::{
    showroom::{CounterSaleState, DisplayState, counter_sale, device_mutation, display, scan_event},
    values::id::DisplayId,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use self::phone::{MOST, PULL, Phone};
use super::{appointments::typed, *};
use crate::support::{dawn, thorough};

/// What the devices of a test work with.
struct Shelf {
    offer: Value,
    variant: Value,
    /// How many of it there are: samples, and what is sold.
    pieces: i64,
    saleable: Value,
    count: Value,
}

async fn shelf(house: &House) -> Shelf {
    let (offer, variant) = house.bonded("tea", "100.00", 5).await;
    house.stocked("SAMPLE", &variant, 12).await;
    house.stocked("SALEABLE", &variant, 200).await;
    let query = "query($v: ID!) { stock(variantId: $v) { nodes { id location { id } } } }";
    let rows = house.owner().await.data(query, json!({ "v": variant })).await["stock"]["nodes"].clone();
    let back = house.place("SALEABLE").await;
    let saleable = rows.as_array().unwrap().iter().find(|row| row["location"]["id"] == back).unwrap()["id"].clone();
    let count = house.staff.done("openStockCount", "count { id }", json!({ "locationId": back })).await;
    Shelf { offer, variant, pieces: 212, saleable, count: count["count"]["id"].clone() }
}

/// Two devices: one of who works there, one of who manages it.
async fn two(house: &House) -> [Phone; 2] {
    let staff = house.market.server.member("showroom-staff", STORE).await;
    let manager = house.market.server.member("showroom-manager", STORE).await;
    [Phone::new(house, staff, "柜台").await, Phone::new(house, manager, "仓库").await]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_device_did_is_carried_out_once_and_nothing_that_is_refused_stands_in_the_way() {
    let house = House::new().await;
    let (offer, _) = house.bonded("tea", "100.00", 5).await;
    let mut phone = Phone::new(&house, house.market.server.member("showroom-staff", STORE).await, "柜台").await;
    let install = |facing: i32| json!({ "install": { "slot": house.code("A3"), "facing": facing, "offerId": offer, "pattern": "EXPERIENCE_ORDER" } });
    phone.does(install(1), None);
    // No such slot, an id that is none, a facing that is taken: each is refused for good.
    phone.does(json!({ "scan": { "slot": "000000000000" } }), None);
    phone.does(
        json!({ "changeClass": { "balanceId": "nonsense", "to": "SAMPLE", "quantity": 1, "document": "x" } }),
        None,
    );
    phone.does(install(1), None);
    phone.does(install(2), None);
    phone.does(json!({ "note": { "slot": house.code("A1"), "text": "擦灰" } }), Some(0));
    phone.does(json!({ "note": { "slot": house.code("A1"), "text": "再擦" } }), Some(0));
    let mut all: Vec<Value> = phone.queue.values().cloned().collect();
    // The second half comes first: it waits for the first.
    let early = phone.push(&all[3..]).await;
    assert!(early.len() == 4 && early.iter().all(|one| one["status"] == "OUT_OF_ORDER"), "{early:?}");
    all.reverse();
    let results = phone.push(&all).await;
    let told: Vec<_> = results
        .iter()
        .map(|one| (one["seq"].as_i64().unwrap(), one["status"].as_str().unwrap(), one["code"].as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (1, "APPLIED", None),
            (2, "REJECTED", Some("NOT_FOUND")),
            (3, "REJECTED", Some("NOT_FOUND")),
            (4, "REJECTED", Some("ALREADY_TAKEN")),
            (5, "APPLIED", None),
            (6, "APPLIED", None),
            (7, "CONFLICT", Some("STALE_VERSION")),
        ]
    );
    let again = phone.push(&all).await;
    assert!(again.len() == 7 && again.iter().all(|one| one["status"] == "DUPLICATE"), "{again:?}");
    assert_eq!(again[3]["outcome"], "REJECTED");
    // Many at once do no more than one after the other.
    phone.queue.clear();
    for _ in 0..3 {
        phone.does(install(3), None);
        let own = phone.last_install().clone();
        phone.does(json!({ "remove": { "display": { "installedBy": own } } }), None);
    }
    let batch: Vec<Value> = phone.queue.values().cloned().collect();
    let input = json!({ "deviceId": phone.id, "mutations": batch });
    let tries = (0..8).map(|_| phone.client.payload("pushMutations", "results { seq status outcome }", input.clone()));
    let mut carried_out: BTreeMap<i64, usize> = BTreeMap::new();
    for answer in futures_util::future::join_all(tries).await {
        let results = answer["results"].as_array().unwrap();
        assert!(results.len() == 6 && results.iter().all(|one| one["outcome"] == "APPLIED"), "{answer}");
        for one in results.iter().filter(|one| one["status"] != "DUPLICATE") {
            *carried_out.entry(one["seq"].as_i64().unwrap()).or_default() += 1;
        }
    }
    let once: BTreeMap<i64, usize> = (8..14).map(|seq| (seq, 1)).collect();
    assert_eq!(carried_out, once, "sent eight times, not each was carried out once");
    let db = house.market.app().db().read();
    assert_eq!(device_mutation::Entity::find().all(db).await.unwrap().len(), 13);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_lost_count_or_saw_something_else_is_told_so() {
    let house = House::new().await;
    let (offer, _) = house.bonded("tea", "100.00", 5).await;
    let mut phone = Phone::new(&house, house.market.server.member("showroom-staff", STORE).await, "柜台").await;
    phone.does(json!({ "scan": { "slot": house.code("A1") } }), None);
    let all: Vec<Value> = phone.queue.values().cloned().collect();
    assert_eq!(phone.push(&all).await[0]["status"], "APPLIED");
    // What it did is not taken for what had that number before; what comes again under the next number uses that up.
    let mut lost = all[0].clone();
    lost["mutationId"] = json!("another");
    let told = phone.push(&[lost]).await;
    assert_eq!((&told[0]["status"], &told[0]["outcome"]), (&json!("SEQ_TAKEN"), &Value::Null));
    let mut twice = all[0].clone();
    twice["seq"] = json!(2);
    assert_eq!(phone.push(&[twice]).await[0]["status"], "DUPLICATE");
    phone.next = 3;
    // What a device took for something else stays: another display, another tag.
    let shown = house.install("B1", &offer, json!({ "tag": { "amount": "1.00", "currency": "CNY" } })).await;
    house
        .install("B1", &offer, json!({ "facing": 1, "replace": true, "tag": { "amount": "2.00", "currency": "CNY" } }))
        .await;
    phone.queue.clear();
    let tag = json!({ "amount": "3.00", "currency": "CNY" });
    phone.does(json!({ "retag": { "display": { "id": shown["id"] }, "tag": tag } }), Some(1));
    phone.does(json!({ "remove": { "display": { "id": shown["id"] } } }), None);
    let over = json!({ "slot": house.code("B1"), "facing": 1, "offerId": offer, "pattern": "EXPERIENCE_ORDER",
        "replaces": { "id": shown["id"] } });
    phone.does(json!({ "install": over }), None);
    let stale: Vec<Value> = phone.queue.values().cloned().collect();
    let told: Vec<Value> = phone.push(&stale).await.iter().map(|one| json!([one["seq"], one["status"]])).collect();
    assert_eq!(told, [json!([3, "CONFLICT"]), json!([4, "CONFLICT"]), json!([5, "CONFLICT"])]);
    // The clock of a device that is wrong by years, either way.
    for (said, happened) in [
        ("2020-01-01T00:00:00Z", "2026-02-26T08:00:00+00:00"),
        ("2031-01-01T00:00:00Z", "2026-03-01T08:05:00+00:00"),
        ("2026-02-27T08:00:00Z", "2026-02-27T08:00:00+00:00"),
    ] {
        phone.queue.clear();
        phone.does(json!({ "scan": { "slot": house.code("A1") } }), None);
        let mut wrong = phone.queue.values().next().unwrap().clone();
        wrong["occurredAt"] = json!(said);
        let told = phone.push(&[wrong]).await;
        assert_eq!((&told[0]["status"], &told[0]["occurredAt"]), (&json!("APPLIED"), &json!(happened)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_its_owners_sends_two_hundred_at_once_and_nothing_from_outside_the_team() {
    let house = House::new().await;
    let mut phone = Phone::new(&house, house.market.server.member("showroom-staff", STORE).await, "柜台").await;
    let input = json!({ "deviceId": phone.id, "mutations": [] });
    assert_eq!(house.manager.refused("pushMutations", input).await, [("NOT_FOUND".into(), "deviceId".into())]);
    assert_eq!(house.manager.data(PULL, json!({ "id": phone.id })).await["pull"], Value::Null);
    let scan = json!({ "scan": { "slot": house.code("A1") } });
    let one = |seq: usize| json!({ "mutationId": format!("m{seq}"), "seq": seq, "occurredAt": "2026-03-01T08:00:00Z", "operation": scan });
    let most: Vec<Value> = (1..=MOST).map(one).collect();
    let told = phone.push(&most).await;
    assert!(told.len() == MOST && told.iter().all(|one| one["status"] == "APPLIED"), "{told:?}");
    let input = json!({ "deviceId": phone.id, "mutations": (1..=MOST + 1).map(one).collect::<Vec<_>>() });
    assert_eq!(phone.client.refused("pushMutations", input).await, [("TOO_MANY".into(), "mutations".into())]);
    // Who leaves the team works there no more. What the device did waits: it may be a slip.
    let none = json!({ "id": house.showroom, "personIds": [] });
    house.hq.done("setShowroomTeam", "", none).await;
    phone.next = 201;
    phone.does(scan, None);
    let left: Vec<Value> = phone.queue.values().cloned().collect();
    let input = json!({ "deviceId": phone.id, "mutations": left });
    let refused = phone.client.refused("pushMutations", input).await;
    assert_eq!(refused, [("NOT_FOUND".into(), "deviceId".into())], "its queue is used up");
    let db = house.market.app().db().read();
    assert_eq!(device_mutation::Entity::find().all(db).await.unwrap().len(), MOST, "its queue is used up");
    assert_eq!(phone.client.data(PULL, json!({ "id": phone.id })).await["pull"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_sells_of_its_lease_and_asks_for_what_is_beyond_it() {
    let house = House::new().await;
    let shelf = shelf(&house).await;
    let mut phone = Phone::new(&house, house.market.server.member("showroom-staff", STORE).await, "柜台").await;
    let lease = |quantity: i32, until: &str| json!({ "deviceId": phone.id, "balanceId": shelf.saleable, "quantity": quantity, "until": until });
    for (wrong, field) in [
        (lease(0, "2026-03-01T10:00:00Z"), "quantity"),
        (lease(51, "2026-03-01T10:00:00Z"), "quantity"),
        (lease(1, "2026-03-01T07:00:00Z"), "until"),
        (lease(1, "2026-03-02T10:00:00Z"), "until"),
    ] {
        assert_eq!(phone.client.refused("leaseStock", wrong).await, [("OUT_OF_RANGE".into(), field.into())]);
    }
    let made =
        phone.client.done("leaseStock", "lease { id left }", lease(3, "2026-03-01T10:00:00Z")).await["lease"].clone();
    assert_eq!(made["left"], 3);
    let sell = |quantity: i32, receipt: &str| json!({ "sell": { "balanceId": shelf.saleable, "quantity": quantity, "receipt": receipt } });
    phone.does(sell(2, "R-1"), None);
    phone.does(sell(2, "R-2"), None);
    phone.does(sell(1, "R-1"), None);
    let all: Vec<Value> = phone.queue.values().cloned().collect();
    let told = phone.push(&all).await;
    let told: Vec<_> = told.iter().map(|one| (one["status"].as_str().unwrap(), one["code"].as_str())).collect();
    assert_eq!(told, [("APPLIED", None), ("APPLIED", None), ("REJECTED", Some("ALREADY_TAKEN"))]);
    let query = "query($id: ID!) { counterSales(showroomId: $id) { nodes { id receipt quantity state } } }";
    let sales = house.manager.data(query, json!({ "id": house.showroom })).await["counterSales"]["nodes"].clone();
    let states: Vec<_> = sales
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["receipt"].as_str().unwrap(), row["state"].as_str().unwrap()))
        .collect();
    assert_eq!(states, [("R-2", "REQUESTED"), ("R-1", "DONE")]);
    assert_eq!(
        house.staff.denied("decideCounterSale", json!({ "id": sales[0]["id"], "accept": true })).await,
        "FORBIDDEN"
    );
    house.manager.done("decideCounterSale", "sale { state }", json!({ "id": sales[0]["id"], "accept": true })).await;
    let again = json!({ "id": sales[0]["id"], "accept": false });
    assert_eq!(house.manager.refused("decideCounterSale", again).await, [("ILLEGAL_TRANSITION".into(), "id".into())]);
    // Its time is up: what is left is free, and what is sold then is asked for.
    house.wait(Duration::hours(3));
    api::inventory::promises::sweep(house.market.app(), house.market.app().clock().now()).await.unwrap();
    phone.client = house.market.server.member("showroom-staff", STORE).await;
    phone.queue.clear();
    phone.does(sell(1, "R-3"), None);
    let all: Vec<Value> = phone.queue.values().cloned().collect();
    assert_eq!(phone.push(&all).await[0]["status"], "APPLIED");
    let db = house.market.app().db().read();
    let sales = counter_sale::Entity::find().all(db).await.unwrap();
    let last = sales.iter().find(|row| row.receipt == "R-3").unwrap();
    assert_eq!(last.state, CounterSaleState::Requested);
    // Two of the lease and two of the request went.
    let rows =
        house.owner().await.data("{ stock { nodes { onHand reserved } } }", json!({})).await["stock"]["nodes"].clone();
    let sum = |field: &str| -> i64 { rows.as_array().unwrap().iter().map(|row| row[field].as_i64().unwrap()).sum() };
    assert_eq!((sum("onHand"), sum("reserved")), (shelf.pieces - 4, 0));
    house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_counted_without_a_network_is_held_against_the_books_of_that_moment() {
    let house = House::new().await;
    let (_, variant) = house.bonded("tea", "100.00", 5).await;
    house.stocked("SALEABLE", &variant, 50).await;
    let back = house.place("SALEABLE").await;
    let count =
        house.staff.done("openStockCount", "count { id }", json!({ "locationId": back })).await["count"]["id"].clone();
    let query = "query($v: ID!) { stock(variantId: $v) { nodes { id } } }";
    let balance = house.hq.data(query, json!({ "v": variant })).await["stock"]["nodes"][0]["id"].clone();
    let mut phone = Phone::new(&house, house.market.server.member("showroom-staff", STORE).await, "柜台").await;
    let lease = json!({ "deviceId": phone.id, "balanceId": balance, "quantity": 3, "until": "2026-03-01T18:00:00Z" });
    phone.client.done("leaseStock", "", lease).await;
    // Counted at half past eight, sold at nine, both told at ten.
    house.wait(Duration::hours(1));
    phone.client = house.market.server.member("showroom-staff", STORE).await;
    phone.does(json!({ "sell": { "balanceId": balance, "quantity": 3, "receipt": "R-1" } }), None);
    phone.does(json!({ "count": { "countId": count, "balanceId": balance, "counted": 49 } }), None);
    let mut all: Vec<Value> = phone.queue.values().cloned().collect();
    all[1]["occurredAt"] = json!("2026-03-01T08:30:00Z");
    let told = phone.push(&all).await;
    assert!(told.iter().all(|one| one["status"] == "APPLIED"), "{told:?}");
    phone.client.done("submitStockCount", "", json!({ "id": count, "lines": [] })).await;
    let manager = house.market.server.member("showroom-manager", STORE).await;
    manager.done("reviewStockCount", "", json!({ "id": count, "decision": "POST" })).await;
    assert_eq!(house.pieces(&variant).await, (46, 0), "fifty were there, forty-nine were counted, three were sold");
    house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_sets_something_says_which_version_it_saw_and_what_adds_up_need_not() {
    let house = House::new().await;
    let shelf = shelf(&house).await;
    let [mut one, mut other] = two(&house).await;
    let tag = json!({ "tag": { "amount": "100.00", "currency": "CNY" } });
    let shown = house.install("A1", &shelf.offer, tag).await["id"].clone();
    one.pull().await;
    other.pull().await;
    let retag = |amount: &str| {
        let tag = json!({ "amount": amount, "currency": "CNY" });
        json!({ "retag": { "display": { "id": shown }, "tag": tag } })
    };
    let note = |text: &str| json!({ "note": { "slot": house.code("A1"), "text": text } });
    let (applied, stale) = (json!(["APPLIED", null]), json!(["CONFLICT", "STALE_VERSION"]));
    one.does(retag("101.00"), Some(1));
    one.does(note("一"), Some(0));
    assert_eq!(one.told().await, [applied.clone(), applied.clone()]);
    // The other saw what the first saw, or says nothing of it.
    other.does(retag("102.00"), Some(1));
    other.does(retag("102.00"), None);
    other.does(note("二"), Some(0));
    other.does(note("二"), None);
    let became = other.told().await;
    assert!(became.len() == 4 && became.iter().all(|one| *one == stale), "{became:?}");
    // Now it knows what there is, and changes that.
    let (code, slot) = (house.code("A1").to_owned(), house.slot_id("A1").clone());
    assert_eq!(other.standing(&code, 1).unwrap()["tag"], json!({ "amount": "101.00" }), "a conflict changed something");
    let seen = other.standing(&code, 1).unwrap()["tagVersion"].as_i64();
    let version = other.note(&slot);
    assert_eq!((seen, version), (Some(2), 1));
    other.does(retag("102.00"), seen);
    other.does(note("二"), Some(version));
    assert_eq!(other.told().await, [applied.clone(), applied.clone()]);
    one.pull().await;
    assert_eq!(one.floor, other.floor);
    assert_eq!(one.standing(&code, 1).unwrap()["tag"], json!({ "amount": "102.00" }));
    // Both scan, count and move of the same goods at the same moment: all of it is there.
    for phone in [&mut one, &mut other] {
        phone.does(json!({ "scan": { "slot": code } }), None);
        let line = json!({ "countId": shelf.count, "balanceId": shelf.saleable, "counted": 200 });
        phone.does(json!({ "count": line }), None);
        let change = json!({ "balanceId": shelf.saleable, "to": "SAMPLE", "quantity": 3, "document": "CC-1" });
        phone.does(json!({ "changeClass": change }), None);
    }
    let (first, second) = futures_util::future::join(one.told(), other.told()).await;
    assert!(first.iter().chain(&second).all(|became| *became == applied), "{first:?} {second:?}");
    let db = house.market.app().db().read();
    assert_eq!(scan_event::Entity::find().all(db).await.unwrap().len(), 2);
    let query = "query($v: ID!) { stock(variantId: $v) { nodes { onHand location { id } } } }";
    let rows = house.owner().await.data(query, json!({ "v": shelf.variant })).await["stock"]["nodes"].clone();
    let samples = house.place("SAMPLE").await;
    let lies = rows.as_array().unwrap().iter().find(|row| row["location"]["id"] == samples).unwrap();
    assert_eq!(lies["onHand"], 12 + 3 + 3, "a move is lost");
    house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_piece_that_one_takes_away_while_another_replaces_it_goes_once() {
    let house = House::new().await;
    let shelf = shelf(&house).await;
    let [mut one, mut other] = two(&house).await;
    let (applied, stale) = (json!(["APPLIED", null]), json!(["CONFLICT", "STALE_VERSION"]));
    let db = house.market.app().db().read();
    let rounds = if thorough() { 200 } else { 20 };
    for _ in 0..rounds {
        let sample = json!({ "facing": 1, "unitClass": "SAMPLE", "replace": true });
        let there = house.install("B1", &shelf.offer, sample).await["id"].clone();
        one.does(json!({ "remove": { "display": { "id": there } } }), None);
        let over = json!({ "slot": house.code("B1"), "facing": 1, "offerId": shelf.offer, "pattern": "EXPERIENCE_ORDER",
            "unitClass": "SAMPLE", "replaces": { "id": there } });
        other.does(json!({ "install": over }), None);
        let (taken, put) = futures_util::future::join(one.told(), other.told()).await;
        assert_eq!(
            put,
            std::slice::from_ref(&applied),
            "what it replaces is there or gone: both are as it was asked for"
        );
        assert!(taken == [applied.clone()] || taken == [stale.clone()], "{taken:?}");
        let standing = display::Entity::find().filter(display::Column::State.eq(DisplayState::Installed));
        let standing = standing.all(db).await.unwrap();
        let gone: DisplayId = typed(&there);
        assert!(standing.len() == 1 && standing[0].id != gone, "{standing:?}");
    }
    assert_eq!(house.pieces(&shelf.variant).await, (shelf.pieces, 1), "a piece that stands nowhere is promised");
    house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_for_a_buyer_is_the_buyers_as_if_it_had_been_made_on_the_buyers_own_phone() {
    let house = House::new().await;
    let (offer, _) = house.bonded("tea", "100.00", 5).await;
    let shown: DisplayId = typed(&house.install("A1", &offer, json!({})).await["id"]);
    let mut phone = Phone::new(&house, house.market.server.member("showroom-staff", STORE).await, "柜台").await;
    let code = house.code("A1").to_owned();
    phone.clock = dawn();
    // For a buyer twice, for another, for one whom nothing tells apart; and one of the team's own.
    for visitor in [json!("phone-1"), json!(" phone-1 "), json!("phone-2"), json!(""), Value::Null] {
        phone.does(json!({ "scan": { "slot": code, "visitor": visitor } }), None);
    }
    // Yesterday, and told today.
    phone.clock = dawn() - Duration::days(1);
    phone.does(json!({ "scan": { "slot": code, "visitor": "phone-3" } }), None);
    let became = phone.told().await;
    assert!(became.len() == 6 && became.iter().all(|one| one[0] == "APPLIED"), "{became:?}");
    // The first of them scans alone as well.
    let query = "query($code: String!) { scanDisplay(code: $code, device: \"phone-1\") { state } }";
    let seen = house.market.server.anonymous().data(query, json!({ "code": code })).await;
    assert_eq!(seen["scanDisplay"]["state"], "LIVE");
    api::showroom::scans::write(house.market.app()).await.unwrap();
    let rows = scan_event::Entity::find().all(house.market.app().db().read()).await.unwrap();
    let of_the_team: Vec<_> = rows.iter().filter(|row| row.staff).collect();
    assert_eq!(
        (rows.len(), of_the_team.len()),
        (7, 1),
        "who scans for a buyer is counted as the team, or the team as buyers"
    );
    assert_eq!(of_the_team[0].visitor, "", "the team is counted as a visitor");
    let today: Vec<_> = rows.iter().filter(|row| row.at == dawn()).collect();
    assert_eq!(today.len(), 6);
    assert!(today.iter().all(|row| row.display_id == Some(shown)), "a scan does not know what stood there: {today:?}");
    let visitors: BTreeSet<&str> =
        rows.iter().map(|row| row.visitor.as_str()).filter(|visitor| !visitor.is_empty()).collect();
    assert_eq!(visitors.len(), 3, "who scans alone and with the team is two");
    assert!(visitors.iter().all(|hash| hash.len() == 64 && !hash.contains("phone")), "{visitors:?}");
    let query = "query($id: ID!, $day: NaiveDate!) { showroomFigures(showroomId: $id, from: $day, to: $day) { \
                 total { scans uniqueScanners } } }";
    for (day, scans, scanners) in [("2026-03-01", 5, 2), ("2026-02-28", 1, 1)] {
        let variables = json!({ "id": house.showroom, "day": day });
        let total = house.manager.data(query, variables).await["showroomFigures"]["total"].clone();
        assert_eq!(total, json!({ "scans": scans, "uniqueScanners": scanners }), "{day}");
    }
}
