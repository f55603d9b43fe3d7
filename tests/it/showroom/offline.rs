//! Working without a network: a reference client that loses its network at random, and what must hold whatever it does.

use std::collections::{BTreeMap, BTreeSet};

use entities::showroom::{CounterSaleState, DisplayState, counter_sale, device_mutation, display, scan_event};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::*;
use crate::support::thorough;

/// Numbers that look random, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).unwrap()
    }

    /// True so many times of a hundred.
    fn percent(&mut self, n: usize) -> bool {
        self.below(100) < n
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// A device of staff: what it knows of the floor, and what it did and does not know the end of.
struct Phone {
    client: Client,
    id: Value,
    next: i64,
    queue: BTreeMap<i64, Value>,
    sent_before: Vec<Value>,
    installs: Vec<Value>,
    cursor: Value,
    floor: BTreeMap<String, Value>,
    outcomes: BTreeMap<i64, String>,
}

const PULL: &str = "query($id: ID!, $cursor: String) { pull(deviceId: $id, cursor: $cursor) { anew cursor more lastSeq changes { __typename \
     ... on Display { id facing serial tagVersion tag { amount } slot { scanCode } } ... on ShowroomSlot { id scanCode } \
     ... on Planogram { id number } ... on SlotNote { slot { id } text version } ... on Tombstone { kind id } } } }";

impl Phone {
    async fn new(house: &House, client: Client, name: &str) -> Self {
        let input = json!({ "showroomId": house.showroom, "name": name });
        let made = client.done("registerShowroomDevice", "device { id lastSeq }", input).await["device"].clone();
        assert_eq!(made["lastSeq"], 0);
        Self {
            client,
            id: made["id"].clone(),
            next: 1,
            queue: BTreeMap::new(),
            sent_before: Vec::new(),
            installs: Vec::new(),
            cursor: Value::Null,
            floor: BTreeMap::new(),
            outcomes: BTreeMap::new(),
        }
    }

    /// Does something, network or not.
    #[expect(clippy::needless_pass_by_value, reason = "it is made where it is passed")]
    fn does(&mut self, operation: Value, base: Option<i64>) {
        if operation["install"].is_object() {
            self.installs.push(json!(format!("{}-{}", self.id.as_str().unwrap(), self.next)));
        }
        let one = json!({ "mutationId": format!("{}-{}", self.id.as_str().unwrap(), self.next), "seq": self.next,
            "occurredAt": "2026-03-01T07:59:00Z", "baseVersion": base, "operation": operation });
        self.queue.insert(self.next, one);
        self.next += 1;
    }

    async fn push(&mut self, mutations: &[Value]) -> Vec<Value> {
        let input = json!({ "deviceId": self.id, "mutations": mutations });
        let selection = "results { mutationId seq status outcome code occurredAt }";
        self.client.done("pushMutations", selection, input).await["results"].as_array().unwrap().clone()
    }

    /// Sends what waits, as a bad network has it: a part of it, in any order, twice, and the answer may be lost.
    async fn sync(&mut self, dice: &mut Dice, reliable: bool) {
        let mut batch: Vec<Value> = self.queue.values().take(200).cloned().collect();
        if !reliable {
            if dice.percent(30) {
                batch.truncate(dice.below(batch.len() + 1));
            }
            for _ in 0..dice.below(4) {
                if !self.sent_before.is_empty() && batch.len() < 200 {
                    batch.push(dice.one(&self.sent_before).clone());
                }
            }
            for n in (1..batch.len()).rev() {
                batch.swap(n, dice.below(n + 1));
            }
            if dice.percent(10) {
                // It never left.
                return;
            }
        }
        let results = self.push(&batch).await;
        self.sent_before.extend(batch);
        if !reliable && dice.percent(20) {
            // The answer never came.
            return;
        }
        for result in results {
            let seq = result["seq"].as_i64().unwrap();
            if result["status"] == "OUT_OF_ORDER" {
                assert!(result["outcome"].is_null());
                continue;
            }
            let outcome = result["outcome"].as_str().unwrap().to_owned();
            let before = self.outcomes.entry(seq).or_insert_with(|| outcome.clone());
            assert_eq!(*before, outcome, "what became of {seq} changed");
            self.queue.remove(&seq);
        }
        self.pull().await;
    }

    async fn pull(&mut self) {
        loop {
            let answer = self.client.data(PULL, json!({ "id": self.id, "cursor": self.cursor })).await["pull"].clone();
            if answer["anew"] == true {
                self.floor.clear();
            }
            for change in answer["changes"].as_array().unwrap() {
                let kind = change["__typename"].as_str().unwrap();
                let (kind, id) = match kind {
                    "Tombstone" => {
                        let kind = match change["kind"].as_str().unwrap() {
                            "DISPLAY" => "Display",
                            "SLOT" => "ShowroomSlot",
                            "PLANOGRAM" => "Planogram",
                            _ => "SlotNote",
                        };
                        self.floor.remove(&format!("{kind} {}", change["id"].as_str().unwrap()));
                        continue;
                    }
                    "SlotNote" => (kind, change["slot"]["id"].as_str().unwrap()),
                    _ => (kind, change["id"].as_str().unwrap()),
                };
                self.floor.insert(format!("{kind} {id}"), change.clone());
            }
            self.cursor = answer["cursor"].clone();
            if answer["more"] == false {
                return;
            }
        }
    }

    /// What it knows to stand in a facing.
    fn standing(&self, code: &str, facing: usize) -> Option<&Value> {
        self.floor.iter().find_map(|(key, one)| {
            let there = one["slot"]["scanCode"] == code && one["facing"] == facing;
            (key.starts_with("Display ") && there).then_some(one)
        })
    }

    /// A display that it saw, with the version of its tag: in a facing, or one that it put up and does not know the id of.
    fn saw(&self, code: &str, facing: usize, dice: &mut Dice) -> Option<(Value, i64)> {
        let known =
            self.standing(code, facing).map(|one| (json!({ "id": one["id"] }), one["tagVersion"].as_i64().unwrap()));
        known.or_else(|| {
            let own = (!self.installs.is_empty()).then(|| dice.one(&self.installs).clone())?;
            Some((json!({ "installedBy": own }), 1))
        })
    }

    fn note(&self, slot: &Value) -> i64 {
        let key = format!("SlotNote {}", slot.as_str().unwrap());
        self.floor.get(&key).and_then(|note| note["version"].as_i64()).unwrap_or_default()
    }
}

/// What the devices of a test work with.
struct Shelf {
    offer: Value,
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
    Shelf { offer, saleable, count: count["count"]["id"].clone() }
}

/// Something that staff do, by chance.
fn something(phone: &mut Phone, house: &House, shelf: &Shelf, dice: &mut Dice) {
    let (code, printed, slot) = dice.one(&house.slots).clone();
    let facings = match code.as_str() {
        "A1" => 2,
        "A3" => 3,
        _ => 1,
    };
    let facing = dice.below(facings) + 1;
    match dice.below(100) {
        0..=29 => {
            let serial = format!("S-{}", dice.below(12));
            let mut install = json!({ "slot": printed, "facing": facing, "offerId": shelf.offer, "pattern": "EXPERIENCE_ORDER",
                "tag": { "amount": format!("{}.00", 100 + dice.below(5)), "currency": "CNY" } });
            if dice.percent(80) {
                install["unitClass"] = json!("SAMPLE");
                install["serial"] = json!(serial);
            }
            if dice.percent(70)
                && let Some(there) = phone.standing(&printed, facing)
            {
                install["replaces"] = json!({ "id": there["id"] });
            }
            phone.does(json!({ "install": install }), None);
        }
        30..=44 => {
            if let Some((seen, _)) = phone.saw(&printed, facing, dice) {
                phone.does(json!({ "remove": { "display": seen } }), None);
            } else {
                phone.does(json!({ "scan": { "slot": printed } }), None);
            }
        }
        45..=59 => {
            let tag = json!({ "amount": format!("{}.00", 90 + dice.below(9)), "currency": "CNY" });
            if let Some((seen, version)) = phone.saw(&printed, facing, dice) {
                phone.does(json!({ "retag": { "display": seen, "tag": tag } }), Some(version));
            } else {
                phone.does(json!({ "scan": { "slot": printed } }), None);
            }
        }
        60..=69 => {
            let base = phone.note(&slot);
            phone.does(json!({ "note": { "slot": printed, "text": format!("n{}", dice.below(1_000)) } }), Some(base));
        }
        70..=84 => phone.does(json!({ "scan": { "slot": printed } }), None),
        85..=89 => {
            let line = json!({ "countId": shelf.count, "balanceId": shelf.saleable, "counted": dice.below(200) });
            phone.does(json!({ "count": line }), None);
        }
        90..=92 => {
            let change = json!({ "balanceId": shelf.saleable, "to": "SAMPLE", "quantity": 1, "document": "CC-1" });
            phone.does(json!({ "changeClass": change }), None);
        }
        _ => {
            let receipt = format!("R-{}-{}", phone.id.as_str().unwrap(), phone.next);
            let sell = json!({ "balanceId": shelf.saleable, "quantity": dice.below(3) + 1, "receipt": receipt });
            phone.does(json!({ "sell": sell }), None);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_devices_that_lose_their_network_at_random_come_to_what_the_server_has() {
    let seeds: Vec<u64> = match std::env::var("CHAMA_TEST_SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) if thorough() => (1..=8).collect(),
        Err(_) => vec![20_260_301],
    };
    for seed in seeds {
        println!("seed {seed}");
        converges(seed, 500).await;
    }
}

async fn converges(seed: u64, each: usize) {
    let house = House::new().await;
    let shelf = shelf(&house).await;
    let manager = house.market.server.member("showroom-manager", STORE).await;
    let staff = house.market.server.member("showroom-staff", STORE).await;
    let mut phones = [Phone::new(&house, staff, "柜台").await, Phone::new(&house, manager, "仓库").await];
    for phone in &mut phones {
        let lease = json!({ "deviceId": phone.id, "balanceId": shelf.saleable, "quantity": 30, "until": "2026-03-01T18:00:00Z" });
        phone.client.done("leaseStock", "lease { left }", lease).await;
        phone.pull().await;
    }
    let mut dice = Dice(seed);
    let mut done = [0; 2];
    while done.iter().sum::<usize>() < 2 * each {
        let n = if done[0] == each {
            1
        } else if done[1] == each {
            0
        } else {
            dice.below(2)
        };
        something(&mut phones[n], &house, &shelf, &mut dice);
        done[n] += 1;
        if dice.percent(8) {
            let n = dice.below(2);
            phones[n].sync(&mut dice, false).await;
        }
    }
    for phone in &mut phones {
        while !phone.queue.is_empty() {
            phone.sync(&mut dice, false).await;
        }
    }
    for phone in &mut phones {
        phone.sync(&mut dice, true).await;
    }
    let [first, second] = &mut phones;
    assert_eq!(first.floor, second.floor, "seed {seed}: two devices know two floors");
    let known = first.floor.clone();
    first.cursor = Value::Null;
    first.pull().await;
    assert_eq!(first.floor, known, "seed {seed}: what changed is not what there is");
    let db = house.market.app().db().read();
    // Each thing that a device did was dealt with once, and none was left out.
    let dealt = device_mutation::Entity::find().all(db).await.unwrap();
    assert_eq!(dealt.len(), 2 * each, "seed {seed}");
    let numbers: BTreeSet<(uuid::Uuid, i64)> = dealt.iter().map(|row| (row.device_id.0, row.seq)).collect();
    assert_eq!(numbers.len(), 2 * each);
    assert_eq!(dealt.iter().map(|row| row.seq).max(), Some(i64::try_from(each).unwrap()));
    for phone in &phones {
        let refused = phone.outcomes.values().filter(|outcome| *outcome != "APPLIED").count();
        assert!((1..each).contains(&refused), "seed {seed}: {refused} of {each} were refused: that tries nothing");
    }
    let scans = dealt.iter().filter(|row| row.what == "scan").count();
    assert_eq!(
        scan_event::Entity::find().all(db).await.unwrap().len(),
        scans,
        "seed {seed}: a scan is lost or counted twice"
    );
    // No piece stands in two places, and each that stands somewhere is promised once.
    let standing =
        display::Entity::find().filter(display::Column::State.eq(DisplayState::Installed)).all(db).await.unwrap();
    let serials: Vec<&str> = standing.iter().filter_map(|row| row.serial.as_deref()).collect();
    assert_eq!(
        serials.iter().collect::<BTreeSet<_>>().len(),
        serials.len(),
        "seed {seed}: a piece stands in two slots"
    );
    let facings: BTreeSet<_> = standing.iter().map(|row| (row.slot_id, row.facing)).collect();
    assert_eq!(facings.len(), standing.len(), "seed {seed}: two stand in one facing");
    let pieces = i64::try_from(standing.iter().filter(|row| row.balance_id.is_some()).count()).unwrap();
    // What is sold of a lease is gone, what is left of it is promised; what there was no lease for waits.
    let sales = counter_sale::Entity::find().all(db).await.unwrap();
    let of = |state: CounterSaleState| -> i64 {
        sales.iter().filter(|row| row.state == state).map(|row| i64::from(row.quantity)).sum()
    };
    let sold = of(CounterSaleState::Done);
    assert!(sold > 0 && of(CounterSaleState::Requested) > 0, "seed {seed}: nothing was sold, or nothing waits");
    let query = "query($v: ID!) { stock(variantId: $v) { nodes { onHand reserved } } }";
    let variant = house.inside(&house.staff, "displays { nodes { variant { id } } }").await["displays"]["nodes"][0]["variant"]["id"].clone();
    let rows = house.owner().await.data(query, json!({ "v": variant })).await["stock"]["nodes"].clone();
    let sum = |field: &str| -> i64 { rows.as_array().unwrap().iter().map(|row| row[field].as_i64().unwrap()).sum() };
    assert_eq!((sum("onHand"), sum("reserved")), (212 - sold, pieces + 60 - sold), "seed {seed}");
    house.adds_up().await;
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
    assert!(early.iter().all(|one| one["status"] == "OUT_OF_ORDER"), "{early:?}");
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
    assert!(again.iter().all(|one| one["status"] == "DUPLICATE"), "{again:?}");
    assert_eq!(again[3]["outcome"], "REJECTED");
    // Many at once do no more than one after the other.
    phone.queue.clear();
    for _ in 0..3 {
        phone.does(install(3), None);
        let own = phone.installs.last().unwrap().clone();
        phone.does(json!({ "remove": { "display": { "installedBy": own } } }), None);
    }
    let batch: Vec<Value> = phone.queue.values().cloned().collect();
    let input = json!({ "deviceId": phone.id, "mutations": batch });
    let tries = (0..8).map(|_| phone.client.payload("pushMutations", "results { seq status }", input.clone()));
    for answer in futures_util::future::join_all(tries).await {
        assert_eq!(answer["results"].as_array().unwrap().len(), 6, "{answer}");
    }
    let db = house.market.app().db().read();
    assert_eq!(device_mutation::Entity::find().all(db).await.unwrap().len(), 13);
    // A device that lost count is told so: what it did is not taken for what had that number before.
    let mut lost = all[0].clone();
    lost["mutationId"] = json!("another");
    let told = phone.push(&[lost]).await;
    assert_eq!((&told[0]["status"], &told[0]["outcome"]), (&json!("SEQ_TAKEN"), &Value::Null));
    let mut twice = all[0].clone();
    twice["seq"] = json!(14);
    assert_eq!(phone.push(&[twice]).await[0]["status"], "DUPLICATE");
    phone.next = 15;
    // What a device took for something else stays: another display, another tag.
    let shown = house.install("B1", &offer, json!({ "tag": { "amount": "1.00", "currency": "CNY" } })).await;
    house
        .install("B1", &offer, json!({ "facing": 1, "replace": true, "tag": { "amount": "2.00", "currency": "CNY" } }))
        .await;
    phone.queue.clear();
    let tag = json!({ "amount": "3.00", "currency": "CNY" });
    phone.does(json!({ "retag": { "display": { "id": shown["id"] }, "tag": tag } }), Some(1));
    phone.does(json!({ "remove": { "display": { "id": shown["id"] } } }), None);
    let mut over = install(1);
    over["install"]["slot"] = json!(house.code("B1"));
    over["install"]["replaces"] = json!({ "id": shown["id"] });
    phone.does(over, None);
    let stale: Vec<Value> = phone.queue.values().cloned().collect();
    let told = phone.push(&stale).await;
    assert!(told.iter().all(|one| one["status"] == "CONFLICT"), "{told:?}");
    // The clock of a device that is wrong by days.
    phone.queue.clear();
    phone.does(json!({ "scan": { "slot": house.code("A1") } }), None);
    let mut late = phone.queue.values().next().unwrap().clone();
    late["occurredAt"] = json!("2020-01-01T00:00:00Z");
    let told = phone.push(&[late]).await;
    assert_eq!((&told[0]["status"], &told[0]["occurredAt"]), (&json!("APPLIED"), &json!("2026-02-26T08:00:00+00:00")));
    // A device is its owner's, and there is a most of what is sent at once.
    let input = json!({ "deviceId": phone.id, "mutations": [] });
    assert_eq!(house.manager.refused("pushMutations", input).await, [("NOT_FOUND".into(), "deviceId".into())]);
    assert_eq!(house.manager.data(PULL, json!({ "id": phone.id })).await["pull"], Value::Null);
    let one = json!({ "mutationId": "x", "seq": 99, "occurredAt": "2026-03-01T08:00:00Z", "operation": { "scan": { "slot": "x" } } });
    let input = json!({ "deviceId": phone.id, "mutations": vec![one; 201] });
    assert_eq!(phone.client.refused("pushMutations", input).await, [("TOO_MANY".into(), "mutations".into())]);
    // Who leaves the team works there no more. What the device did waits: it may be a slip.
    let none = json!({ "id": house.showroom, "personIds": [] });
    house.hq.done("setShowroomTeam", "", none).await;
    phone.queue.clear();
    phone.does(json!({ "scan": { "slot": house.code("A1") } }), None);
    let left: Vec<Value> = phone.queue.values().cloned().collect();
    let input = json!({ "deviceId": phone.id, "mutations": left });
    let refused = phone.client.refused("pushMutations", input).await;
    assert_eq!(refused, [("NOT_FOUND".into(), "deviceId".into())], "its queue is used up");
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
    assert_eq!((sum("onHand"), sum("reserved")), (212 - 4, 0));
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
