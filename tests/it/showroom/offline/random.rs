//! Two devices that do at random what staff do and lose their network at random: whatever happens, both come to what the
//! server has, each thing is dealt with once, and the books add up.

use std::collections::{BTreeMap, BTreeSet};

use api::platform::graphql::encode;
use chrono::{DateTime, Duration, Utc};
use entities::{
    inventory::count_line,
    showroom::{
        CounterSaleState, DisplayState, PushOutcome, counter_sale, device_mutation, display, scan_event, slot,
        slot_note,
    },
    values::id::{DeviceId, SlotId},
};
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use super::{
    Shelf,
    phone::{Dice, Phone},
    shelf, two,
};
use crate::{
    showroom::{House, appointments::typed},
    support::{dawn, thorough},
};

/// Pieces that each device has a lease of.
const LEASED: i32 = 30;

/// What a device's clock says: mostly the time, sometimes a little off, sometimes wrong by months.
fn clock(dice: &mut Dice) -> DateTime<Utc> {
    let mut some = |most: usize| i64::try_from(dice.below(most)).unwrap();
    match some(20) {
        0 => dawn() + Duration::days(30 + some(300)),
        1 => dawn() - Duration::days(30 + some(300)),
        2 | 3 => dawn() + Duration::seconds(some(600)),
        4..=9 => dawn() - Duration::minutes(some(5_000)),
        _ => dawn() - Duration::minutes(1),
    }
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
            let tag = json!({ "amount": format!("{}.{:02}", 90 + dice.below(9), dice.below(100)), "currency": "CNY" });
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
        70..=84 => {
            let visitor = dice.percent(40).then(|| format!("guest-{}", dice.below(5)));
            phone.does(json!({ "scan": { "slot": printed, "visitor": visitor } }), None);
        }
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

/// One of them has a network for a moment, or both at once. Which of two is first the database decides: a seed repeats all
/// but that.
async fn network(phones: &mut [Phone; 2], dice: &mut Dice) {
    let [first, second] = phones;
    match dice.below(3) {
        0 => first.sync(dice).await,
        1 => second.sync(dice).await,
        _ => {
            let (mut one, mut other) = (dice.split(), dice.split());
            futures_util::future::join(first.sync(&mut one), second.sync(&mut other)).await;
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
    let mut phones = two(&house).await;
    for phone in &mut phones {
        let lease = json!({ "deviceId": phone.id, "balanceId": shelf.saleable, "quantity": LEASED, "until": "2026-03-01T18:00:00Z" });
        phone.client.done("leaseStock", "lease { left }", lease).await;
        phone.pull().await;
    }
    let mut dice = Dice::of(seed);
    while phones.iter().any(|phone| phone.did.len() < each) {
        let mut n = dice.below(2);
        if phones[n].did.len() == each {
            n = 1 - n;
        }
        phones[n].clock = clock(&mut dice);
        something(&mut phones[n], &house, &shelf, &mut dice);
        if dice.percent(7) {
            network(&mut phones, &mut dice).await;
        }
    }
    while phones.iter().any(|phone| !phone.queue.is_empty()) {
        network(&mut phones, &mut dice).await;
    }
    for phone in &mut phones {
        phone.told().await;
    }
    knows_what_there_is(&house, &mut phones).await;
    let kept = Kept::of(&house).await;
    for phone in &phones {
        assert_eq!(phone.did.len(), each);
        was_dealt_with_once(phone, &kept);
        sold_what_it_had(phone, &kept);
    }
    everything_was_tried(&kept);
    happened_when_it_can_have(&kept);
    nothing_was_lost_or_overwritten(&phones, &kept);
    the_stock_is_right(&house, &shelf, &kept).await;
}

/// The floor as the tables have it, in the words in which a device knows it.
async fn in_the_tables(house: &House) -> BTreeMap<String, Value> {
    let db = house.market.app().db().read();
    let mut floor = BTreeMap::new();
    let mut printed: BTreeMap<SlotId, String> = BTreeMap::new();
    for row in slot::Entity::find().all(db).await.unwrap().into_iter().filter(|row| row.retired_at.is_none()) {
        let id = encode(row.id).0;
        let shown = json!({ "__typename": "ShowroomSlot", "id": id, "scanCode": row.scan_code });
        floor.insert(format!("ShowroomSlot {id}"), shown);
        printed.insert(row.id, row.scan_code);
    }
    for row in display::Entity::find().all(db).await.unwrap() {
        if row.state != DisplayState::Installed {
            continue;
        }
        let id = encode(row.id).0;
        let tag = row.tag_minor.map(|minor| json!({ "amount": format!("{}.{:02}", minor / 100, minor % 100) }));
        let shown = json!({ "__typename": "Display", "id": id, "facing": row.facing, "serial": row.serial,
            "tagVersion": row.tag_version, "tag": tag, "slot": { "scanCode": printed[&row.slot_id] } });
        floor.insert(format!("Display {id}"), shown);
    }
    for row in slot_note::Entity::find().all(db).await.unwrap() {
        let id = encode(row.slot_id).0;
        let shown = json!({ "__typename": "SlotNote", "slot": { "id": id }, "text": row.text, "version": row.version });
        floor.insert(format!("SlotNote {id}"), shown);
    }
    floor
}

/// Each device knows what the tables have: by what changed, by all of it anew, and by every change since the first.
async fn knows_what_there_is(house: &House, phones: &mut [Phone; 2]) {
    let there = in_the_tables(house).await;
    for phone in phones {
        assert_eq!(phone.floor, there, "what changed is not what there is");
        assert!(phone.gone > 0, "nothing that a device knew was gone when it came back: that tries nothing");
        assert!(phone.early > 0, "nothing came before its turn: that tries nothing");
        phone.floor.insert("Display of yesterday".to_owned(), Value::Null);
        phone.cursor = Value::Null;
        phone.pull().await;
        assert_eq!(phone.floor, there, "all of it anew is not what there is");
        phone.floor.clear();
        phone.cursor = json!("0");
        phone.pull().await;
        assert_eq!(phone.floor, there, "all changes since the first do not make what there is");
    }
}

/// What the tables have when it is over.
struct Kept {
    dealt: Vec<device_mutation::Model>,
    displays: Vec<display::Model>,
    notes: Vec<slot_note::Model>,
    scans: Vec<scan_event::Model>,
    sales: Vec<counter_sale::Model>,
    counted: Vec<count_line::Model>,
}

impl Kept {
    async fn of(house: &House) -> Self {
        let db = house.market.app().db().read();
        Self {
            dealt: device_mutation::Entity::find().all(db).await.unwrap(),
            displays: display::Entity::find().all(db).await.unwrap(),
            notes: slot_note::Entity::find().all(db).await.unwrap(),
            scans: scan_event::Entity::find().all(db).await.unwrap(),
            sales: counter_sale::Entity::find().all(db).await.unwrap(),
            counted: count_line::Entity::find().all(db).await.unwrap(),
        }
    }

    /// What of a kind ended in an outcome.
    fn ended(&self, what: &str, outcome: PushOutcome) -> Vec<&device_mutation::Model> {
        self.dealt.iter().filter(|row| row.what == what && row.outcome == outcome).collect()
    }

    /// How much of a kind was carried out.
    fn applied(&self, what: &str) -> usize {
        self.ended(what, PushOutcome::Applied).len()
    }

    fn standing(&self) -> impl Iterator<Item = &display::Model> {
        self.displays.iter().filter(|row| row.state == DisplayState::Installed)
    }
}

/// All that a device did is kept under its number, once, as it was told to the device; nothing else is.
fn was_dealt_with_once(phone: &Phone, kept: &Kept) {
    let device: DeviceId = typed(&phone.id);
    let mut rows: Vec<_> = kept.dealt.iter().filter(|row| row.device_id == device).collect();
    rows.sort_by_key(|row| row.seq);
    let kept: Vec<Value> = rows
        .iter()
        .map(|row| json!([row.seq, row.mutation_id, row.said_at.to_rfc3339(), [row.outcome, row.code]]))
        .collect();
    let outcome = |one: &Value| phone.outcomes[&one["seq"].as_i64().unwrap()].clone();
    let did: Vec<Value> =
        phone.did.iter().map(|one| json!([one["seq"], one["mutationId"], one["occurredAt"], outcome(one)])).collect();
    assert_eq!(kept, did, "what a device did is lost, dealt with twice or something else");
}

/// What a device sells goes at once as long as its lease has it all; what is beyond that waits.
fn sold_what_it_had(phone: &Phone, kept: &Kept) {
    let device: DeviceId = typed(&phone.id);
    let number = |row: &&counter_sale::Model| row.receipt.rsplit_once('-').unwrap().1.parse::<i64>().unwrap();
    let mut own: Vec<&counter_sale::Model> = kept.sales.iter().filter(|row| row.device_id == device).collect();
    own.sort_by_key(number);
    let (mut left, mut waits) = (LEASED, false);
    for row in own {
        let expected = if row.quantity <= left { CounterSaleState::Done } else { CounterSaleState::Requested };
        assert_eq!(row.state, expected, "{left} of the lease were left: {row:?}");
        if expected == CounterSaleState::Done {
            left -= row.quantity;
        } else {
            waits = true;
        }
    }
    assert!(left < LEASED && waits, "nothing was sold, or nothing waits: that tries nothing");
}

/// Each thing that can be done was done, and each that sets something met with somebody else's change.
fn everything_was_tried(kept: &Kept) {
    for what in ["install", "remove", "retag", "note", "scan", "count", "change_class", "sell"] {
        assert!(kept.applied(what) > 0, "no {what} was carried out: that tries nothing");
    }
    for what in ["install", "remove", "retag", "note"] {
        assert!(!kept.ended(what, PushOutcome::Conflict).is_empty(), "no {what} was a conflict: that tries nothing");
    }
    let twice = kept.ended("install", PushOutcome::Rejected);
    let twice = twice.iter().any(|row| row.field.as_deref() == Some("serial"));
    assert!(twice, "no piece was put up that stood elsewhere: that tries nothing");
}

/// What a wrong clock says is kept, and is not when it happened: at most three days ago, at most five minutes from now.
fn happened_when_it_can_have(kept: &Kept) {
    let (earliest, latest) = (dawn() - Duration::hours(72), dawn() + Duration::minutes(5));
    for row in &kept.dealt {
        assert_eq!(row.occurred_at, row.said_at.clamp(earliest, latest), "{row:?}");
    }
    let said = |wrong: &dyn Fn(DateTime<Utc>) -> bool| kept.dealt.iter().any(|row| wrong(row.said_at));
    assert!(said(&|at| at < earliest) && said(&|at| at > latest), "no clock was wrong: that tries nothing");
    // Each scan and each sale is there once, of that moment.
    let sorted = |mut moments: Vec<DateTime<Utc>>| {
        moments.sort_unstable();
        moments
    };
    let told = |what: &str| sorted(kept.ended(what, PushOutcome::Applied).iter().map(|row| row.occurred_at).collect());
    let scans = sorted(kept.scans.iter().map(|row| row.at).collect());
    assert_eq!(scans, told("scan"), "a scan is lost, counted twice or of another time");
    let sales = sorted(kept.sales.iter().map(|row| row.occurred_at).collect());
    assert_eq!(sales, told("sell"), "a sale is lost, made twice or of another time");
    // What is not here yet was not counted.
    assert!(!kept.counted.is_empty());
    for line in &kept.counted {
        assert!((earliest..=dawn()).contains(&line.at), "{line:?}");
    }
}

/// What only adds up is all there; of what sets something each that was carried out counts one version.
fn nothing_was_lost_or_overwritten(phones: &[Phone; 2], kept: &Kept) {
    let all = |what: &str| kept.dealt.iter().filter(|row| row.what == what).count();
    assert_eq!(
        (kept.applied("scan"), kept.applied("count"), kept.applied("sell")),
        (all("scan"), all("count"), all("sell")),
        "what only adds up was refused"
    );
    let did = phones.iter().flat_map(|phone| &phone.did);
    let buyers = did.filter(|one| one["operation"]["scan"]["visitor"].is_string()).count();
    assert!(buyers > 0, "nobody scanned for a buyer: that tries nothing");
    assert_eq!(
        kept.scans.iter().filter(|row| !row.staff).count(),
        buyers,
        "the team is counted as buyers, or buyers as it"
    );
    assert!(kept.scans.iter().all(|row| row.staff == row.visitor.is_empty()), "a buyer is nobody, or the team is one");
    let notes: i32 = kept.notes.iter().map(|row| row.version).sum();
    assert_eq!(usize::try_from(notes).unwrap(), kept.applied("note"), "a note was written over one that nobody saw");
    let tags: i32 = kept.displays.iter().map(|row| row.tag_version - 1).sum();
    assert_eq!(usize::try_from(tags).unwrap(), kept.applied("retag"), "a tag was put over one that nobody saw");
    assert_eq!(kept.displays.len(), kept.applied("install"), "something was put up twice, or is lost");
    let removed = kept.displays.iter().filter(|row| row.state == DisplayState::Removed).count();
    assert_eq!(removed, kept.applied("remove"), "something was taken away twice, or still stands");
}

/// No piece stands in two places, and each that stands somewhere is promised once; what was sold of a lease is gone, what
/// is left of it is promised, and what there was no lease for is still there. All moves together are nothing.
async fn the_stock_is_right(house: &House, shelf: &Shelf, kept: &Kept) {
    let serials: Vec<&str> = kept.standing().filter_map(|row| row.serial.as_deref()).collect();
    assert!(!serials.is_empty(), "no piece with a number stands anywhere: that tries nothing");
    assert_eq!(serials.iter().collect::<BTreeSet<_>>().len(), serials.len(), "a piece stands in two slots");
    let facings: BTreeSet<_> = kept.standing().map(|row| (row.slot_id, row.facing)).collect();
    assert_eq!(facings.len(), kept.standing().count(), "two stand in one facing");
    let pieces = i64::try_from(kept.standing().filter(|row| row.balance_id.is_some()).count()).unwrap();
    let done = kept.sales.iter().filter(|row| row.state == CounterSaleState::Done);
    let sold: i64 = done.map(|row| i64::from(row.quantity)).sum();
    let promised = pieces + 2 * i64::from(LEASED) - sold;
    assert_eq!(house.pieces(&shelf.variant).await, (shelf.pieces - sold, promised));
    house.adds_up().await;
}
