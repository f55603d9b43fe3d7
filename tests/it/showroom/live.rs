//! The live board of a showroom: as it is when it is opened, and again whenever something of it changed.

use super::*;
use crate::support::Events;

const WATCH: &str = "subscription($id: ID!) { showroomFloor(id: $id) { scansToday scansLastHour lastScanAt \
     lowDisplays { kind slot { code } display { facing } } gaps { kind gaps pieces } \
     openAlarms visitorsInside dayOpen } }";

/// What a board says where nothing happens.
fn quiet() -> Value {
    json!({ "scansToday": 0, "scansLastHour": 0, "lastScanAt": null, "lowDisplays": [], "gaps": [], "openAlarms": 0,
        "visitorsInside": 0, "dayOpen": false })
}

/// A board that somebody watches over server-sent events.
struct Board(Events);

impl Board {
    /// What it says next.
    async fn next(&mut self) -> Value {
        let next = tokio::time::timeout(std::time::Duration::from_secs(20), self.0.next()).await;
        let (kind, data) = next.expect("an event in time").expect("an event");
        assert_eq!(kind, "next", "{data}");
        let mut said: Value = serde_json::from_str(&data).unwrap();
        assert!(said.get("errors").is_none(), "{said}");
        said["data"]["showroomFloor"].take()
    }

    /// That it says nothing: it is looked at every second.
    async fn silent(&mut self) {
        let next = tokio::time::timeout(std::time::Duration::from_millis(2_500), self.0.next()).await;
        assert!(next.is_err(), "nothing happened, and the board says {next:?}");
    }

    /// What it says once something holds: each change may be told, or only where several led to.
    async fn until(&mut self, holds: impl Fn(&Value) -> bool) -> Value {
        let mut said = Value::Null;
        for _ in 0..20 {
            said = self.next().await;
            if holds(&said) {
                return said;
            }
        }
        panic!("the board ends with {said}");
    }
}

impl House {
    async fn watched(&self, client: &Client) -> Board {
        let sent = client.request(reqwest::Method::POST, "/graphql").header("accept", "text/event-stream");
        let body = json!({ "query": WATCH, "variables": { "id": self.showroom } });
        let events = Events::of(sent.json(&body).send().await.unwrap());
        assert!(events.open());
        Board(events)
    }

    async fn now(&self, client: &Client) -> Value {
        client.first_event(WATCH, json!({ "id": self.showroom })).await
    }

    async fn scanned(&self, client: &Client, slot: &str) {
        let query = "query($code: String!) { scanDisplay(code: $code) { state } }";
        client.data(query, json!({ "code": self.code(slot) })).await;
        api::showroom::scans::write(self.market.app()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_says_what_goes_on_and_again_when_it_changed() {
    let house = House::new().await;
    let (tea, _) = house.bonded("tea", "100.00", 5).await;
    let (salt, salt_variant) = house.bonded("salt", "10.00", 0).await;
    // 100.00 and 9.10 of taxes: what the tag says is right, and five are not little.
    let tag = |amount: &str| json!({ "tag": { "amount": amount, "currency": "CNY" } });
    house.install("A1", &tea, tag("109.10")).await;
    let mut board = house.watched(&house.staff).await;
    assert_eq!(board.next().await, quiet());
    // Somebody of the team tries a code, then a buyer scans it.
    house.scanned(&house.staff, "A1").await;
    house.scanned(&house.market.server.anonymous(), "A1").await;
    let said = board.until(|now| now["scansToday"] == 1).await;
    assert_eq!(said["scansLastHour"], 1);
    assert!(said["lastScanAt"].as_str().unwrap().starts_with("2026-03-01T08:00:00"), "{said}");
    // Who comes and goes, and the day.
    let door = json!({ "showroomId": house.showroom, "partySize": 3 });
    let visit = house.staff.done("checkIn", "visit { id }", door).await["visit"]["id"].clone();
    let said = board.until(|now| now["visitorsInside"] == 3).await;
    assert_eq!((&said["scansToday"], &said["dayOpen"]), (&json!(1), &json!(false)));
    house.staff.done("checkOut", "", json!({ "visitId": visit })).await;
    house.staff.done("openShowroomDay", "", json!({ "id": house.showroom })).await;
    board.until(|now| now["visitorsInside"] == 0 && now["dayOpen"] == true).await;
    // A tag that says another price, and something of which none is left.
    house.install("A2", &tea, tag("100.00")).await;
    house.install("A3", &salt, json!({})).await;
    let said = board.until(|now| now["gaps"].as_array().is_some_and(|gaps| gaps.len() == 2)).await;
    let gap = |kind: &str| json!({ "kind": kind, "gaps": 1, "pieces": 1 });
    assert_eq!(said["gaps"], json!([gap("STALE_PRICE"), gap("SOLD_OUT")]));
    let low = |kind: &str| json!([{ "kind": kind, "slot": { "code": "A3" }, "display": { "facing": 1 } }]);
    assert_eq!(said["lowDisplays"], low("SOLD_OUT"));
    // Goods come in: that nobody did in the showroom, so it is looked at after a while. Three are little, four are not.
    house.market.stocked(SELLER, &salt_variant, "BW-1", 3).await;
    house.wait(Duration::seconds(11));
    let said = board.until(|now| now["lowDisplays"] == low("RUNNING_LOW")).await;
    assert_eq!(said["gaps"], json!([gap("STALE_PRICE"), gap("RUNNING_LOW")]));
    house.market.stocked(SELLER, &salt_variant, "BW-1", 1).await;
    house.wait(Duration::seconds(11));
    let said = board.until(|now| now["lowDisplays"] == json!([])).await;
    assert_eq!(said["gaps"], json!([gap("STALE_PRICE")]));
    // An hour later the scan is none of the last hour any more, and the next day none of today.
    house.wait(Duration::minutes(61));
    let seen = house.now(&house.owner().await).await["data"]["showroomFloor"].clone();
    assert_eq!((&seen["scansToday"], &seen["scansLastHour"]), (&json!(1), &json!(0)));
    house.wait(Duration::hours(8));
    let seen = house.now(&house.owner().await).await["data"]["showroomFloor"].clone();
    assert_eq!((&seen["scansToday"], &seen["dayOpen"]), (&json!(0), &json!(true)), "nobody closed it");
    assert!(seen["lastScanAt"].is_string());
    house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_is_silent_while_something_happens_in_another_showroom() {
    let house = House::new().await;
    let (tea, _) = house.bonded("tea", "100.00", 5).await;
    // Another one of the organisation, with a floor of its own.
    let input = json!({ "code": "haihu", "name": "海湖店", "address": "海湖", "division": "630104" });
    let other = house.hq.done("openShowroom", "showroom { id version }", input).await["showroom"].clone();
    let draw = json!({ "id": other["id"], "expectedVersion": other["version"], "zones": floor() });
    house.hq.done("drawShowroom", "", draw).await;
    let query = "query($id: ID!) { showroom(id: $id) { zones { fixtures { slots { scanCode } } } } }";
    let seen = house.hq.data(query, json!({ "id": other["id"] })).await["showroom"].clone();
    let code = seen["zones"][0]["fixtures"][0]["slots"][0]["scanCode"].clone();
    let mut board = house.watched(&house.staff).await;
    assert_eq!(board.next().await, quiet());
    // There all of it happens: a display with an old tag, a scan, visitors, the day.
    let shown = json!({ "slot": code, "offerId": tea, "pattern": "EXPERIENCE_ORDER",
        "tag": { "amount": "90.00", "currency": "CNY" } });
    house.hq.done("installDisplay", "", shown).await;
    let query = "query($code: String!) { scanDisplay(code: $code) { state } }";
    house.market.server.anonymous().data(query, json!({ "code": code })).await;
    api::showroom::scans::write(house.market.app()).await.unwrap();
    house.hq.done("checkIn", "", json!({ "showroomId": other["id"], "partySize": 4 })).await;
    house.hq.done("openShowroomDay", "", json!({ "id": other["id"] })).await;
    board.silent().await;
    // And it still listens.
    house.staff.done("openShowroomDay", "", json!({ "id": house.showroom })).await;
    let mut open = quiet();
    open["dayOpen"] = json!(true);
    assert_eq!(board.next().await, open);
    board.silent().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_has_the_alarms_that_nobody_has_seen() {
    let house = House::new().await;
    let (_, variant) = house.bonded("tea", "100.00", 0).await;
    let place = json!({ "code": "ZONE", "kind": "BONDED_WAREHOUSE", "name": "zone" });
    let place = house.hq.done("createStockLocation", "location { id }", place).await["location"]["id"].clone();
    let line = json!({ "variantId": variant, "quantity": 5, "customsStatus": "BONDED" });
    let receipt = json!({ "locationId": place, "document": "IN-1", "lines": [line] });
    house.hq.done("receiveStock", "moves { id }", receipt).await;
    let query = "query($l: ID!) { stock(locationId: $l) { nodes { id } } }";
    let balance = house.hq.data(query, json!({ "l": place })).await["stock"]["nodes"][0]["id"].clone();
    let guarantee = json!({ "organisationId": house.market.server.organisation(STORE).await,
        "amount": { "amount": "10000.00", "currency": "CNY" }, "reference": "LG-1" });
    house.market.server.operator().await.done("depositDisplayGuarantee", "", guarantee).await;
    let asked = json!({ "showroomId": house.showroom, "balanceId": balance, "quantity": 5, "returnBy": "2026-03-20",
        "unitPrice": { "amount": "80.00", "currency": "CNY" }, "applicationNumber": "C97012026000001" });
    let display = house.hq.done("applyBondedDisplay", "display { id }", asked).await["display"]["id"].clone();
    house.hq.done("lockBondedDisplay", "", json!({ "id": display })).await;
    let out = json!({ "id": display, "outboundNumber": "CRK-1", "passNumber": "HF-1" });
    house.hq.done("gateOutBondedDisplay", "", out).await;
    let mut board = house.watched(&house.manager).await;
    assert_eq!(board.next().await, quiet());
    let now = house.market.app().clock().now();
    api::showroom::ops::bonded::alarms::alarms(house.market.app(), now).await.unwrap();
    board.until(|now| now["openAlarms"] == 1).await;
    let query = "{ bondedDisplayAlarms(open: true) { nodes { id } } }";
    let alarm = house.staff.data(query, json!({})).await["bondedDisplayAlarms"]["nodes"][0]["id"].clone();
    house.staff.done("acknowledgeBondedDisplayAlarm", "", json!({ "id": alarm })).await;
    assert_eq!(board.until(|now| now["openAlarms"] == 0).await, quiet());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_is_for_who_works_there() {
    let house = House::new().await;
    let unseen = json!({ "data": { "showroomFloor": null } });
    for outsider in [house.market.server.seller(SELLER).await, house.market.server.seller(OTHER_STORE).await] {
        assert_eq!(house.now(&outsider).await, unseen);
    }
    for (nobody, code) in
        [(house.market.server.anonymous(), "UNAUTHENTICATED"), (house.market.server.consumer(1).await, "FORBIDDEN")]
    {
        assert_eq!(house.now(&nobody).await["errors"][0]["extensions"]["code"], code);
    }
    for insider in [&house.hq, &house.manager, &house.staff, &house.market.server.operator().await] {
        assert_eq!(house.now(insider).await["data"]["showroomFloor"], quiet());
    }
    let other = house.staff.first_event(WATCH, json!({ "id": me(&house.staff).await })).await;
    assert_eq!(other, unseen, "a person is no showroom");
    // Who is taken off the team sees it no more, also where the board hangs already.
    let mut board = house.watched(&house.staff).await;
    assert_eq!(board.next().await, quiet());
    house.hq.done("setShowroomTeam", "", json!({ "id": house.showroom, "personIds": [] })).await;
    assert_eq!(board.next().await, Value::Null);
}
