//! Figures of a showroom: footfall that comes twice, late and wrong; rates that are exact; what comes back takes its
//! part along; days that end after midnight; who sees what of them.

use std::collections::BTreeMap;

use api::{app::Call, platform::graphql::decode};
use chrono::{DateTime, Duration, Utc};
use entities::{
    showroom::{
        DisplayState, StorePattern, display,
        footfall::{self, Sample, SampleVerdict},
        sale, scan_event, slot,
    },
    values::{
        Currency,
        id::{DisplayId, OfferId, OrganisationId, PersonId, ScanEventId, ShowroomId, SlotId, VariantId},
    },
};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use serde_json::{Value, json};

use super::appointments::{SHOP, Shop, typed};
use crate::{
    customs::Border,
    ordering::{CHECKOUT, paid, placing, put, quoted},
    support::{
        Client, OTHER_SELLER, SELLER, dawn,
        keys::{TestKey, assertion, exchange},
        offered, published_rug,
    },
};

/// So many minutes after ten o'clock in Shanghai, on the day on which every test begins.
fn at(minutes: i64) -> DateTime<Utc> {
    dawn() - Duration::hours(6) + Duration::minutes(minutes)
}

/// A shop with a floor of four slots, and something that is offered.
struct Floor {
    shop: Shop,
    slots: Vec<SlotId>,
    offer: OfferId,
    variant: VariantId,
    seller: OrganisationId,
}

impl Floor {
    async fn new() -> Self {
        let shop = Shop::new().await;
        let manager = shop.manager().await;
        let query = "query($id: ID!) { showroom(id: $id) { version } }";
        let version = manager.data(query, json!({ "id": shop.id })).await["showroom"]["version"].clone();
        let slot = |n: i32| {
            let code = format!("S{n}");
            json!({ "code": code, "xMm": 100 * n, "yMm": 0, "widthMm": 100, "heightMm": 100, "facings": 2 })
        };
        let slots: Vec<Value> = (0..4).map(slot).collect();
        let fixture = json!({ "code": "-F", "kind": "SHELF", "widthMm": 1000, "heightMm": 500, "slots": slots });
        let zones = json!([{ "code": "Z", "name": "进口区", "fixtures": [fixture] }]);
        let input = json!({ "id": shop.id, "expectedVersion": version, "zones": zones });
        manager.done("drawShowroom", "showroom { id }", input).await;
        let showroom: ShowroomId = typed(&shop.id);
        let rows = slot::Entity::find().filter(slot::Column::ShowroomId.eq(showroom)).order_by_asc(slot::Column::Code);
        let rows = rows.all(shop.app().db().read()).await.unwrap();
        let product = published_rug(&shop.server, SELLER, "shown").await;
        let offer = offered(&shop.server, SELLER, &product, "SHOWN", "100.00").await;
        let seller = typed(&shop.server.organisation(SELLER).await);
        Self {
            slots: rows.into_iter().map(|row| row.id).collect(),
            offer: typed(&offer["id"]),
            variant: typed(&product["variants"]["nodes"][0]["id"]),
            seller,
            shop,
        }
    }

    async fn ingest(&self, client: &Client, samples: Value) -> Vec<String> {
        let input = json!({ "showroomId": self.shop.id, "samples": samples });
        let done = client.done("ingestFootfall", "results { index verdict userErrors { code field } }", input).await;
        let told = |row: &Value| match row["userErrors"][0]["code"].as_str() {
            Some(code) => format!("{} {code} {}", row["verdict"].as_str().unwrap(), row["userErrors"][0]["field"][0]),
            None => row["verdict"].as_str().unwrap().to_owned(),
        };
        done["results"].as_array().unwrap().iter().map(told).collect()
    }

    async fn scan(&self, visitor: &str, slot: usize, staff: bool, moment: DateTime<Utc>) {
        let row = scan_event::Model {
            id: ScanEventId::new(moment),
            showroom_id: typed(&self.shop.id),
            slot_id: self.slots[slot],
            display_id: None,
            offer_id: None,
            visitor: visitor.to_owned(),
            staff,
            at: moment,
        };
        let insert = scan_event::Entity::insert(row.into_active_model());
        insert.exec_without_returning(self.shop.app().db().writer()).await.unwrap();
    }

    /// A line of an order as it was paid.
    fn line(&self, order: &str, line: i32, slot: usize, moment: DateTime<Utc>) -> sale::Model {
        sale::Model {
            order_number: order.to_owned(),
            line,
            showroom_id: typed(&self.shop.id),
            slot_id: Some(self.slots[slot]),
            staff_id: None,
            offer_id: self.offer,
            seller_id: self.seller,
            quantity: 1,
            goods_minor: 10_000,
            currency: Currency::CNY,
            showroom_minor: 800,
            staff_minor: 200,
            returned_minor: 0,
            returned: false,
            rule_version: 1,
            paid_at: moment,
        }
    }

    async fn sell(&self, row: sale::Model) {
        let insert = sale::Entity::insert(row.into_active_model());
        insert.exec_without_returning(self.shop.app().db().writer()).await.unwrap();
    }

    async fn show(&self, slot: usize, from: DateTime<Utc>, to: Option<DateTime<Utc>>) {
        let row = display::Model {
            id: DisplayId::new(from),
            showroom_id: typed(&self.shop.id),
            slot_id: self.slots[slot],
            facing: 1,
            offer_id: self.offer,
            variant_id: self.variant,
            pattern: StorePattern::ExperienceOrder,
            class: None,
            balance_id: None,
            serial: None,
            tag_minor: None,
            tag_currency: None,
            tag_version: 1,
            state: if to.is_some() { DisplayState::Removed } else { DisplayState::Installed },
            installed_by: "t".into(),
            installed_at: from,
            ended_by: to.map(|_| "t".into()),
            ended_at: to,
        };
        let insert = display::Entity::insert(row.into_active_model());
        insert.exec_without_returning(self.shop.app().db().writer()).await.unwrap();
    }

    async fn figures(&self, client: &Client, from: &str, to: &str, by: &str) -> Value {
        let variables = json!({ "id": self.shop.id, "from": from, "to": to, "by": by });
        client.data(FIGURES, variables).await["showroomFigures"].clone()
    }

    async fn csv(&self, client: &Client, sheet: &str) -> Vec<Vec<String>> {
        let query = "query($id: ID!, $sheet: FigureSheet!) { showroomFiguresCsv(showroomId: $id, from: \"2026-03-01\", \
                     to: \"2026-03-01\", granularity: HOUR, sheet: $sheet) }";
        let data = client.data(query, json!({ "id": self.shop.id, "sheet": sheet })).await;
        let text = data["showroomFiguresCsv"].as_str().unwrap().to_owned();
        assert!(text.ends_with("\r\n") && !text.replace("\r\n", "").contains('\n'), "lines end as RFC 4180 says");
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
    }
}

const FIGURES: &str = "query($id: ID!, $from: NaiveDate!, $to: NaiveDate!, $by: FigureGranularity!) { \
                       showroomFigures(showroomId: $id, from: $from, to: $to, granularity: $by) { \
                       total { ...c } buckets { day startsAt endsAt counts { ...c } } \
                       dwell { visits averageMinutes medianMinutes } \
                       slots { nodes { slotId fixture code stood dead scans uniqueScanners orders \
                       scanToOrderPpm revenue { amount } } } \
                       staff { personId name orders revenue { amount } commission { amount currency } } } } \
                       fragment c on ShowroomCounts { entered scans uniqueScanners orders \
                       revenue { amount currency } scanRatePpm conversionPpm scanToOrderPpm }";

fn sample(door: &str, source: &str, minutes: i64, entered: i64) -> Value {
    json!({ "door": door, "source": source, "bucketStart": at(minutes), "in": entered, "out": 0, "staff": 10 })
}

fn sum(rows: &Value, field: &str) -> i64 {
    rows.as_array().unwrap().iter().map(|row| row["counts"][field].as_i64().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_480_who_came_in_96_scanned_and_24_bought() {
    let floor = Floor::new().await;
    let (manager, staff) = (floor.shop.manager().await, floor.shop.staff().await);
    let day = ("2026-03-01", "2026-03-01");
    let none = floor.figures(&manager, day.0, day.1, "DAY").await["total"].clone();
    let nothing = json!({ "entered": 0, "scans": 0, "uniqueScanners": 0, "orders": 0, "revenue": [],
                          "scanRatePpm": null, "conversionPpm": null, "scanToOrderPpm": null });
    assert_eq!(none, nothing);

    let samples = json!([0, 15, 60, 75].map(|minutes| sample("MAIN", "cam-1", minutes, 130)));
    assert_eq!(floor.ingest(&staff, samples).await, ["APPLIED"; 4]);
    let (mut moment, mut later) = (at(1), at(61));
    for n in 0..96 {
        moment += Duration::seconds(1);
        floor.scan(&format!("v{n}"), n % 2, false, moment).await;
    }
    // Who scans again is the same; a member of the team and somebody unknown are nobody.
    for (visitor, team) in [("v0", false), ("v1", false), ("team", true), ("", false)] {
        later += Duration::seconds(1);
        floor.scan(visitor, 0, team, later).await;
    }
    for n in 0..24 {
        let order = format!("O{n}");
        let mut row = floor.line(&order, 1, 0, at(70));
        row.staff_id = Some(typed(if n < 20 { &floor.shop.staff_id } else { &floor.shop.manager_id }));
        floor.sell(row).await;
    }
    // A second line, half of it given back; a line and an order that came back; another day.
    floor.sell(sale::Model { returned_minor: 5_000, ..floor.line("O0", 2, 1, at(70)) }).await;
    let back = |order: &str, line: i32| {
        let row = floor.line(order, line, 1, at(70));
        sale::Model { returned_minor: 10_000, returned: true, staff_id: Some(typed(&floor.shop.staff_id)), ..row }
    };
    floor.sell(back("O1", 2)).await;
    floor.sell(back("R", 1)).await;
    floor.sell(floor.line("LATE", 1, 0, at(14 * 60))).await;
    floor.scan("v0", 0, false, at(14 * 60)).await;

    let seen = floor.figures(&manager, day.0, day.1, "HOUR").await;
    let total = json!({ "entered": 480, "scans": 99, "uniqueScanners": 96, "orders": 24,
                        "revenue": [{ "amount": "2450.00", "currency": "CNY" }],
                        "scanRatePpm": 200_000, "conversionPpm": 50_000, "scanToOrderPpm": 250_000 });
    assert_eq!(seen["total"], total);
    let buckets = &seen["buckets"];
    assert_eq!(buckets.as_array().unwrap().len(), 24);
    assert_eq!((sum(buckets, "entered"), sum(buckets, "scans"), sum(buckets, "orders")), (480, 99, 24));
    assert_eq!(sum(buckets, "uniqueScanners"), 98, "v0 and v1 scanned in two hours");
    let ten = &buckets[10];
    assert_eq!((&ten["day"], &ten["startsAt"]), (&json!("2026-03-01"), &json!(at(0).to_rfc3339())));
    assert_eq!((&ten["counts"]["entered"], &ten["counts"]["orders"]), (&json!(240), &json!(0)));
    for by in ["DAY", "WEEK", "MONTH"] {
        assert_eq!(floor.figures(&manager, day.0, day.1, by).await["total"], total, "{by}");
    }
    let three = floor.figures(&manager, "2026-02-27", "2026-03-02", "DAY").await;
    let entered: Vec<_> =
        three["buckets"].as_array().unwrap().iter().map(|row| row["counts"]["entered"].clone()).collect();
    assert_eq!(entered, [json!(0), json!(0), json!(480), json!(0)]);
    assert_eq!((&three["total"]["orders"], &three["total"]["uniqueScanners"]), (&json!(25), &json!(96)));

    // What is late is counted as well, and a second counter above the same door counts the same people.
    let more =
        json!([sample("BACK", "cam-1", 30, 30), sample("MAIN", "beam", 0, 125), sample("MAIN", "beam", 15, 135)]);
    assert_eq!(floor.ingest(&staff, more).await, ["APPLIED"; 3]);
    let seen = floor.figures(&manager, day.0, day.1, "DAY").await;
    assert_eq!(seen["total"]["entered"], 480 + 20 + 5);

    // Staff: the manager sees all, who works there itself.
    let names = |seen: &Value| -> Vec<Value> {
        seen["staff"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| json!([row["name"], row["orders"], row["revenue"][0]["amount"], row["commission"][0]["amount"]]))
            .collect()
    };
    let expected = [json!(["马小梅", 20, "2000.00", "40.00"]), json!(["扎西当周", 4, "400.00", "8.00"])];
    assert_eq!(names(&seen), expected);
    let own = floor.figures(&staff, day.0, day.1, "DAY").await;
    assert_eq!(names(&own), expected[..1]);
    assert_eq!(own["total"], seen["total"]);
    // In a spreadsheet.
    let rows = floor.csv(&manager, "BUCKETS").await;
    assert_eq!(rows.len(), 26);
    assert_eq!(rows[0][2..6], ["entered", "scans", "unique_scanners", "orders"]);
    assert_eq!(rows[25], ["TOTAL", "", "505", "99", "96", "24", "190099", "47524", "250000", "2450.00"]);
    assert_eq!(rows[1][2..], ["0", "0", "0", "0", "", "", "", "0.00"], "nothing, and not 0 of 0");
    assert_eq!(floor.csv(&staff, "STAFF").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_that_took_most_come_first_and_where_nobody_looked_is_dead() {
    let floor = Floor::new().await;
    let manager = floor.shop.manager().await;
    floor.show(0, at(-600), None).await;
    floor.show(1, at(-600), None).await;
    // It was there on another day only.
    floor.show(2, at(-6_000), Some(at(-3_000))).await;
    floor.show(3, at(-6_000), Some(at(30))).await;
    floor.scan("a", 1, false, at(1)).await;
    floor.scan("team", 3, true, at(1)).await;
    floor.sell(floor.line("O1", 1, 1, at(5))).await;
    floor.sell(floor.line("O2", 1, 0, at(5))).await;
    floor.sell(sale::Model { goods_minor: 50, ..floor.line("O3", 1, 0, at(5)) }).await;
    let seen = floor.figures(&manager, "2026-03-01", "2026-03-01", "DAY").await["slots"]["nodes"].clone();
    let told: Vec<Value> = seen
        .as_array()
        .unwrap()
        .iter()
        .map(|row| json!([row["code"], row["orders"], row["scans"], row["dead"], row["scanToOrderPpm"]]))
        .collect();
    let expected =
        [json!(["S0", 2, 0, false, null]), json!(["S1", 1, 1, false, 1_000_000]), json!(["S3", 0, 0, true, null])];
    assert_eq!(told, expected);
    let query = "query($id: ID!, $dead: Boolean, $after: String) { \
                 showroomFigures(showroomId: $id, from: \"2026-03-01\", to: \"2026-03-01\") { \
                 slots(dead: $dead, first: 1, after: $after) { nodes { code } \
                 pageInfo { hasNextPage endCursor } } } }";
    let page =
        manager.data(query, json!({ "id": floor.shop.id, "dead": true })).await["showroomFigures"]["slots"].clone();
    assert_eq!((&page["nodes"][0]["code"], &page["pageInfo"]["hasNextPage"]), (&json!("S3"), &json!(false)));
    let first = manager.data(query, json!({ "id": floor.shop.id })).await["showroomFigures"]["slots"].clone();
    let after = json!({ "id": floor.shop.id, "after": first["pageInfo"]["endCursor"] });
    assert_eq!(manager.data(query, after).await["showroomFigures"]["slots"]["nodes"][0]["code"], "S1");
    // A fixture's code begins like a formula.
    let rows = floor.csv(&manager, "SLOTS").await;
    assert_eq!(rows[1][..3], ["'-F", "S0", "true"]);
    assert_eq!(rows[1][8], "100.50");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_is_known_again_whoever_sends_it_and_what_is_wrong_says_why() {
    let floor = Floor::new().await;
    let (staff, manager) = (floor.shop.staff().await, floor.shop.manager().await);
    let entered = async || floor.figures(&manager, "2025-11-01", "2026-03-01", "DAY").await["total"]["entered"].clone();
    let first = json!([sample("MAIN", "cam-1", 0, 50), sample("MAIN", "cam-1", 15, 60)]);
    assert_eq!(floor.ingest(&staff, first.clone()).await, ["APPLIED", "APPLIED"]);
    assert_eq!(floor.ingest(&manager, first).await, ["DUPLICATE", "DUPLICATE"]);
    assert_eq!(entered().await, 90);
    // The last of one batch holds; a number below the team's is nobody.
    let again = json!([sample("MAIN", "cam-1", 0, 51), sample("MAIN", "cam-1", 0, 51), sample("MAIN", "cam-1", 0, 5)]);
    assert_eq!(floor.ingest(&staff, again).await, ["REPLACED", "DUPLICATE", "REPLACED"]);
    assert_eq!(entered().await, 50);
    // Ninety days late, and what is none.
    let quarter = |days: i64, minutes: i64| {
        let mut one = sample("MAIN", "cam-1", 0, 12);
        one["bucketStart"] = json!(at(minutes) - Duration::days(days));
        one
    };
    let mut negative = sample("MAIN", "cam-1", 30, 1);
    negative["in"] = json!(-1);
    let mixed = json!([
        quarter(89, 0),
        quarter(91, 0),
        quarter(0, 7),
        quarter(0, 6 * 60 + 15),
        negative,
        sample("", "x", 45, 1)
    ]);
    let expected = [
        "APPLIED",
        "REJECTED OUT_OF_RANGE \"bucketStart\"",
        "REJECTED INVALID_VALUE \"bucketStart\"",
        "REJECTED OUT_OF_RANGE \"bucketStart\"",
        "REJECTED OUT_OF_RANGE \"in\"",
        "REJECTED INVALID_VALUE \"door\"",
    ];
    assert_eq!(floor.ingest(&staff, mixed).await, expected);
    assert_eq!(entered().await, 52);
    let many: Vec<Value> = (0..501).map(|_| sample("MAIN", "cam-1", 0, 1)).collect();
    let input = json!({ "showroomId": floor.shop.id, "samples": many });
    assert_eq!(staff.refused("ingestFootfall", input).await, [("TOO_MANY".into(), "samples".into())]);
    // A counter is a program of the organisation.
    let owner = floor.shop.owner().await;
    for (seed, scope, may) in [(41, "FOOTFALL", true), (42, "STOCK", false)] {
        let key = TestKey::ed25519(seed);
        let input = json!({ "name": "counter", "scopes": [scope], "key": key.public });
        let client = owner.done("createMachineClient", "machineClient { clientId }", input).await;
        let client = client["machineClient"]["clientId"].as_str().unwrap().to_owned();
        let signed = key.sign(None, &assertion(&floor.shop.server, &client, "1"));
        let (_, token) = exchange(&floor.shop.server, &signed, None).await;
        let machine = floor.shop.server.anonymous().with_token(token["access_token"].as_str().unwrap().to_owned());
        if may {
            assert_eq!(floor.ingest(&machine, json!([sample("MAIN", "cam-2", 60, 20)])).await, ["APPLIED"]);
            assert_eq!(machine.error(FIGURES_OF, json!({ "id": floor.shop.id })).await, "FORBIDDEN");
        } else {
            let input = json!({ "showroomId": floor.shop.id, "samples": [] });
            assert_eq!(machine.denied("ingestFootfall", input).await, "FORBIDDEN");
        }
    }
    assert_eq!(entered().await, 62);
}

const FIGURES_OF: &str = "query($id: ID!) { \
                          showroomFigures(showroomId: $id, from: \"2026-03-01\", to: \"2026-03-01\") { \
                          total { orders } } }";

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_batches_that_say_the_same_at_once_one_is_new() {
    let floor = Floor::new().await;
    let app = floor.shop.app();
    let showroom: ShowroomId = decode(&async_graphql::ID(floor.shop.id.as_str().unwrap().into()), "id").unwrap();
    let viewer = entities::party::Viewer {
        actor: entities::party::Actor::Person(typed::<PersonId>(&floor.shop.staff_id)),
        acting: Some(entities::party::Acting {
            organisation: typed(&floor.shop.server.organisation(SHOP).await),
            kinds: [entities::party::OrganisationRole::ShowroomOperator].into(),
            roles: [entities::party::MemberRole::ShowroomStaff].into(),
            approval_level: 0,
            scopes: [].into(),
        }),
    };
    let samples: Vec<_> = (0..20)
        .map(|n: i32| Sample {
            door: "MAIN".into(),
            source: "cam-1".into(),
            bucket_start: at(i64::from(n) * 15),
            entered: n,
            exited: 0,
            staff: 0,
        })
        .collect();
    let tries = (0..50).map(|n: usize| {
        let (app, viewer, mut samples) = (app.clone(), viewer.clone(), samples.clone());
        // In different orders.
        samples.rotate_left(n % 20);
        tokio::spawn(async move {
            let call = Call::by(viewer);
            let outcomes = api::showroom::ops::footfall::ingest(&app, &call, showroom, &samples).await;
            let outcomes = outcomes.map_err(|error| error.told()).unwrap();
            assert_eq!(outcomes.len(), samples.len());
            let quarters = samples.into_iter().map(|sample| sample.bucket_start);
            quarters.zip(outcomes.into_iter().map(|one| one.verdict)).collect::<Vec<_>>()
        })
    });
    let mut told: BTreeMap<DateTime<Utc>, (u32, u32)> = BTreeMap::new();
    for attempt in tries.collect::<Vec<_>>() {
        for (quarter, verdict) in attempt.await.unwrap() {
            let (applied, duplicates) = told.entry(quarter).or_default();
            match verdict {
                SampleVerdict::Applied => *applied += 1,
                SampleVerdict::Duplicate => *duplicates += 1,
                other => panic!("{other:?} of what all of them say"),
            }
        }
    }
    assert!(told.len() == 20 && told.values().all(|counts| *counts == (1, 49)), "{told:?}");
    let rows = footfall::Entity::find().filter(footfall::Column::ShowroomId.eq(showroom));
    let mut rows: Vec<i32> = rows.all(app.db().read()).await.unwrap().into_iter().map(|row| row.entered).collect();
    rows.sort_unstable();
    assert_eq!(rows, (0..20).collect::<Vec<_>>());
}

/// A showroom on whose shelf the water of a border stands; with who works there, and what is printed on the slot.
async fn showing(border: &Border) -> (Value, Client, Value) {
    let server = &border.market.server;
    let (owner, staff) = (server.member("owner", SHOP).await, server.member("showroom-staff", SHOP).await);
    let place = json!({ "code": "W-1", "name": "万达店", "address": "万达广场", "division": "630104" });
    let id = owner.done("openShowroom", "showroom { id }", place).await["showroom"]["id"].clone();
    let team = json!({ "id": id, "personIds": [super::me(&staff).await] });
    let version = owner.done("setShowroomTeam", "showroom { version }", team).await["showroom"]["version"].clone();
    let draw = json!({ "id": id, "expectedVersion": version, "zones": super::floor() });
    owner.done("drawShowroom", "", draw).await;
    let query = "query($id: ID!) { showroom(id: $id) { zones { fixtures { slots { scanCode } } } } }";
    let seen = staff.data(query, json!({ "id": id })).await["showroom"].clone();
    let code = seen["zones"][0]["fixtures"][0]["slots"][0]["scanCode"].clone();
    let shown = json!({ "slot": code, "offerId": border.offer, "pattern": "EXPERIENCE_ORDER" });
    staff.done("installDisplay", "", shown).await;
    (id, staff, code)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_in_parts_takes_its_part_of_each_share_along() {
    let border = Border::new().await;
    let (id, staff, code) = showing(&border).await;
    // 8 % of the goods are the showroom's, and a quarter of that is for who served.
    let split = json!({ "id": id, "showroomPpm": 80_000, "staffPpm": 250_000, "expectedVersion": 0 });
    border.market.server.operator().await.done("setShowroomSplit", "", split).await;
    let query = "query($id: ID!) { staffCode(showroomId: $id) }";
    let served = staff.data(query, json!({ "id": id })).await["staffCode"].clone();
    let buyer = border.market.identified(1).await;
    let query =
        "query($code: String!, $staff: String) { scanDisplay(code: $code, staffCode: $staff) { attributionToken } }";
    let scan = buyer.data(query, json!({ "code": code, "staff": served })).await["scanDisplay"].clone();
    put(&buyer, &[(&border.offer, 3)]).await;
    let quote = quoted(&buyer).await;
    let input = placing(&quote, json!({ "attributionTokens": [scan["attributionToken"]] }));
    let checkout = buyer.done("placeOrder", CHECKOUT, input).await["checkout"].clone();
    paid(&border.market, &buyer, &checkout).await;
    border.market.worked().await;
    // What is owed to the showroom; orders, revenue and share of who served.
    let shares = async || {
        let owner = border.market.owner(SHOP).await;
        let due = owner.data("{ sellerBalances { due { amount } } }", json!({})).await["sellerBalances"].clone();
        let query = "query($id: ID!) { showroomFigures(showroomId: $id, from: \"2026-03-01\", to: \"2026-03-01\") { \
                     staff { orders revenue { amount } commission { amount } } } }";
        let seen = owner.data(query, json!({ "id": id })).await["showroomFigures"]["staff"].clone();
        let one = &seen[0];
        let (revenue, commission) = (&one["revenue"][0]["amount"], &one["commission"][0]["amount"]);
        json!([due[0]["due"]["amount"], one["orders"], revenue, commission])
    };
    assert_eq!(shares().await, json!(["9.84", 1, "123.00", "2.46"]));
    // It is released and shipped; one comes back, then the other two.
    let order = &checkout["orders"][0];
    border.waybill(order, "YT0000000041").await;
    let shipped = json!({ "id": order["id"], "waybill": "YT0000000041" });
    border.seller().await.done("shipOrder", "order { state }", shipped).await;
    for (quantity, expected) in [(1, json!(["6.56", 1, "82.00", "1.64"])), (2, json!(["0.00", 0, "0.00", "0.00"]))] {
        let request = border.asked_back(&buyer, order, quantity).await;
        border.came_back(&request).await;
        border.market.worked().await;
        assert_eq!(shares().await, expected, "{quantity} more came back");
        border.market.adds_up().await;
    }
    let sales = sale::Entity::find().all(border.market.app().db().read()).await.unwrap();
    let [one] = sales.as_slice() else { panic!("{sales:?}") };
    assert_eq!((one.returned, one.returned_minor, one.staff_minor), (true, 12_300, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_closes_after_midnight_closes_the_day_on_which_it_opened() {
    let shop = Shop::new().await;
    let (of, day) = (json!({ "id": shop.id }), "day { date openedAt closedAt }");
    let over = [("ILLEGAL_TRANSITION".to_owned(), "id".to_owned())];
    // Four in the afternoon in Shanghai.
    let opened = shop.staff().await.done("openShowroomDay", day, of.clone()).await["day"].clone();
    assert_eq!((&opened["date"], &opened["closedAt"]), (&json!("2026-03-01"), &Value::Null));
    // Half past midnight there.
    shop.server.wait(Duration::minutes(8 * 60 + 30));
    let staff = shop.staff().await;
    let closed = staff.done("closeShowroomDay", day, of.clone()).await["day"].clone();
    assert_eq!((&closed["date"], &closed["openedAt"]), (&opened["date"], &opened["openedAt"]));
    assert!(closed["closedAt"].as_str().unwrap().starts_with("2026-03-01T16:30:00"), "{closed}");
    // That day is over, and the new one was not opened.
    assert_eq!(staff.refused("closeShowroomDay", of.clone()).await, over);
    let query = "query($id: ID!, $date: NaiveDate) { showroom(id: $id) { day(date: $date) { date } } }";
    for (date, expected) in [(json!(null), json!(null)), (json!("2026-03-01"), json!({ "date": "2026-03-01" }))] {
        let seen = staff.data(query, json!({ "id": shop.id, "date": date })).await;
        assert_eq!(seen["showroom"]["day"], expected);
    }
    let next = staff.done("openShowroomDay", day, of.clone()).await["day"].clone();
    assert_eq!((&next["date"], &next["closedAt"]), (&json!("2026-03-02"), &Value::Null));
    // It was forgotten to close it: of two that are open the last one is closed, and then the other.
    shop.server.wait(Duration::days(1));
    let staff = shop.staff().await;
    assert_eq!(staff.done("openShowroomDay", day, of.clone()).await["day"]["date"], "2026-03-03");
    assert_eq!(staff.done("closeShowroomDay", day, of.clone()).await["day"]["date"], "2026-03-03");
    assert_eq!(staff.done("closeShowroomDay", day, of.clone()).await["day"]["date"], "2026-03-02");
    assert_eq!(staff.refused("closeShowroomDay", of).await, over);
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_for_the_team_and_headquarters_of_ranges_that_can_be_counted() {
    let floor = Floor::new().await;
    let shop = &floor.shop;
    // One visit of 30 minutes, one of 90, one that is not over.
    let mut visits = Vec::new();
    for _ in 0..3 {
        let input = json!({ "showroomId": shop.id });
        visits.push(shop.staff().await.done("checkIn", "visit { id }", input).await["visit"]["id"].clone());
    }
    for (minutes, visit) in [(30, &visits[0]), (60, &visits[1])] {
        shop.server.wait(Duration::minutes(minutes));
        shop.staff().await.done("checkOut", "visit { id }", json!({ "visitId": visit })).await;
    }
    let auditor = shop.owner().await;
    let seen = floor.figures(&auditor, "2026-03-01", "2026-03-02", "DAY").await;
    assert_eq!(seen["dwell"], json!({ "visits": 2, "averageMinutes": 60, "medianMinutes": 60 }));
    let id = json!({ "id": shop.id });
    let foreign = shop.server.member("owner", OTHER_SELLER).await;
    assert_eq!(foreign.data(FIGURES_OF, id.clone()).await["showroomFigures"], Value::Null);
    assert_eq!(shop.server.consumer(1).await.error(FIGURES_OF, id.clone()).await, "FORBIDDEN");
    assert_eq!(shop.server.anonymous().error(FIGURES_OF, id.clone()).await, "UNAUTHENTICATED");
    assert!(shop.server.operator().await.data(FIGURES_OF, id.clone()).await["showroomFigures"].is_object());
    shop.owner().await.done("setShowroomTeam", "showroom { id }", json!({ "id": shop.id, "personIds": [] })).await;
    assert_eq!(shop.staff().await.data(FIGURES_OF, id).await["showroomFigures"], Value::Null, "of another showroom");
    let owner = shop.owner().await;
    for (from, to, by) in [
        ("2026-03-02", "2026-03-01", "DAY"),
        ("2026-03-01", "2026-04-01", "HOUR"),
        ("2025-01-01", "2026-03-01", "MONTH"),
        ("0001-01-01", "2026-03-01", "DAY"),
    ] {
        let variables = json!({ "id": shop.id, "from": from, "to": to, "by": by });
        assert_eq!(owner.error(FIGURES, variables).await, "BAD_INPUT", "{from} to {to}");
    }
    shop.adds_up().await;
}
