//! Scanning: what a buyer sees, what it costs, whose the sale is.

use entities::showroom::{sale, scan_event};
use sea_orm::EntityTrait;

use super::*;
use crate::ordering::{CHECKOUT, paid, placing, put, quoted};

const SCAN: &str = "query($code: String!, $device: String, $staff: String) { scanDisplay(code: $code, device: $device, staffCode: $staff) { \
     state code showroomName attributionToken link miniProgramPath \
     displays { offerId name pattern tag { amount } price { goods { amount } tax { amount } total { amount } problems } \
     ways { handOver allowed source available } } similar { name } } }";

impl House {
    async fn scan(&self, client: &Client, code: &str, staff: Option<&str>) -> Value {
        let variables = json!({ "code": code, "device": "phone-1", "staff": staff });
        client.data(SCAN, variables).await["scanDisplay"].clone()
    }

    async fn scans(&self) -> Vec<scan_event::Model> {
        api::showroom::scans::write(self.market.app()).await.unwrap();
        scan_event::Entity::find().all(self.market.app().db().read()).await.unwrap()
    }

    async fn sales(&self) -> Vec<sale::Model> {
        sale::Entity::find().all(self.market.app().db().read()).await.unwrap()
    }

    async fn split(&self, showroom_ppm: i32, staff_ppm: i32) {
        let input =
            json!({ "id": self.showroom, "showroomPpm": showroom_ppm, "staffPpm": staff_ppm, "expectedVersion": 0 });
        self.market.server.operator().await.done("setShowroomSplit", "splitRule { version }", input).await;
    }

    /// Buys of an offer, with what was scanned.
    async fn bought(&self, client: &Client, offer: &Value, quantity: i32, tokens: &[Value]) -> Value {
        put(client, &[(offer, quantity)]).await;
        let quote = quoted(client).await;
        let input = placing(&quote, json!({ "attributionTokens": tokens }));
        let checkout = client.done("placeOrder", CHECKOUT, input).await["checkout"].clone();
        paid(&self.market, client, &checkout).await;
        self.worked().await;
        checkout
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_shows_what_stands_there_what_it_costs_and_how_it_is_had() {
    let house = House::new().await;
    let (offer, _) = house.bonded("tea", "100.00", 5).await;
    house.install("A1", &offer, json!({ "tag": { "amount": "109.10", "currency": "CNY" } })).await;
    let buyer = house.market.server.anonymous();
    let code = house.code("A1").to_owned();
    let seen = house.scan(&buyer, &format!(" {} ", code.to_lowercase()), None).await;
    assert_eq!(
        (&seen["state"], &seen["code"], &seen["showroomName"]),
        (&json!("LIVE"), &json!(code), &json!("万达店"))
    );
    assert_eq!(seen["miniProgramPath"], json!(format!("pages/slot/index?scene={code}")));
    assert!(seen["link"].as_str().unwrap().ends_with(&format!("/s/{code}")));
    let shown = &seen["displays"][0];
    assert_eq!((&shown["offerId"], &shown["name"]), (&offer, &json!("Rug tea")));
    // 13 % of 100.00, of that 70 %.
    assert_eq!(
        shown["price"],
        json!({ "goods": { "amount": "100.00" }, "tax": { "amount": "9.10" }, "total": { "amount": "109.10" }, "problems": [] })
    );
    let ways: Vec<_> = shown["ways"]
        .as_array()
        .unwrap()
        .iter()
        .map(|way| (way["handOver"].as_str().unwrap(), way["allowed"] == true, way["available"].as_i64().unwrap()))
        .collect();
    assert_eq!(ways, [("PARCEL", true, 5), ("COUNTER", false, 0), ("PICK_UP", false, 0)]);
    assert!(shown["ways"][2]["source"].as_str().unwrap().contains("财关税"), "the law is not named: {shown}");
    // A policy of the zone says otherwise, from a day on.
    let policy = json!({ "place": { "division": "630104" }, "mode": "BONDED_IMPORT", "capability": "PICK_UP", "allowed": true,
        "validFrom": "2026-01-01", "source": "西关〔2026〕9号" });
    house.market.server.operator().await.done("setZonePolicy", "", policy).await;
    let seen = house.scan(&buyer, &code, None).await;
    assert_eq!(
        seen["displays"][0]["ways"][2],
        json!({ "handOver": "PICK_UP", "allowed": true, "source": "西关〔2026〕9号", "available": 0 }),
        "what lies in another warehouse is not picked up here"
    );
    // There is no such code; a code that is none is none either.
    for unknown in ["000000000000", "no code", ""] {
        assert_eq!(house.scan(&buyer, unknown, None).await, Value::Null);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_follows_what_changes_and_costs_no_statement_when_nothing_did() {
    let house = House::new().await;
    let (offer, _) = house.bonded("tea", "100.00", 5).await;
    let (other, _) = house.bonded("salt", "10.00", 5).await;
    let display = house.install("A1", &offer, json!({})).await;
    let buyer = house.market.server.anonymous();
    let code = house.code("A1").to_owned();
    house.scan(&buyer, &code, None).await;
    let sent = buyer.request(reqwest::Method::POST, "/graphql").header("x-chama-cost", "1");
    let body = json!({ "query": SCAN, "variables": { "code": code } });
    let answer = sent.json(&body).send().await.unwrap();
    assert_eq!(answer.headers()["x-chama-sql"], "0", "a scan of what is kept asks the database");
    // The price, what stands there, and that nothing does.
    let version = house.market.server.seller(SELLER).await;
    let found =
        version.data("query($id: ID!) { node(id: $id) { ... on Offer { version } } }", json!({ "id": offer })).await;
    let terms = json!({ "priceTiers": [{ "price": { "amount": "200.00", "currency": "CNY" } }] });
    let update = json!({ "id": offer, "expectedVersion": found["node"]["version"], "terms": terms });
    version.done("updateOffer", "offer { id }", update).await;
    let seen = house.scan(&buyer, &code, None).await;
    assert_eq!(seen["displays"][0]["price"]["goods"]["amount"], "200.00");
    house.install("A1", &other, json!({ "facing": 2 })).await;
    assert_eq!(house.scan(&buyer, &code, None).await["displays"].as_array().unwrap().len(), 2);
    house.staff.done("removeDisplay", "", json!({ "id": display["id"] })).await;
    assert_eq!(house.scan(&buyer, &code, None).await["displays"][0]["offerId"], other);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_that_is_gone_says_so_and_shows_what_is_like_it() {
    let house = House::new().await;
    let (offer, _) = house.bonded("tea", "100.00", 5).await;
    let (other, _) = house.bonded("salt", "10.00", 5).await;
    let display = house.install("A3", &offer, json!({})).await;
    house.install("A1", &other, json!({})).await;
    house.staff.done("removeDisplay", "", json!({ "id": display["id"] })).await;
    let (buyer, code) = (house.market.server.anonymous(), house.code("A3").to_owned());
    let seen = house.scan(&buyer, &code, None).await;
    assert_eq!((&seen["state"], &seen["displays"]), (&json!("EMPTY"), &json!([])));
    assert_eq!(seen["similar"][0]["name"], "Rug salt", "what stands beside it comes first: {seen}");
    let version = house.inside(&house.manager, "version").await["version"].clone();
    let mut zones = floor();
    zones[0]["fixtures"][0]["slots"].as_array_mut().unwrap().pop();
    let draw = json!({ "id": house.showroom, "expectedVersion": version, "zones": zones });
    house.manager.done("drawShowroom", "", draw).await;
    let seen = house.scan(&buyer, &code, None).await;
    assert_eq!((&seen["state"], &seen["similar"][0]["name"]), (&json!("SLOT_RETIRED"), &json!("Rug salt")));
    let input = json!({ "slot": code, "offerId": offer, "pattern": "EXPERIENCE_ORDER" });
    assert_eq!(house.staff.refused("installDisplay", input).await, [("SLOT_RETIRED".into(), "slot".into())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn scans_are_noted_without_a_name() {
    let house = House::new().await;
    let (offer, _) = house.bonded("tea", "100.00", 5).await;
    house.install("A1", &offer, json!({})).await;
    let (consumer, code) = (house.market.server.consumer(1).await, house.code("A1").to_owned());
    house.scan(&house.market.server.anonymous(), &code, None).await;
    house.scan(&house.market.server.anonymous(), &code, None).await;
    house.scan(&consumer, &code, None).await;
    house.scan(&house.staff, &code, None).await;
    let rows = house.scans().await;
    let staff: Vec<bool> = rows.iter().map(|row| row.staff).collect();
    assert_eq!(staff.iter().filter(|staff| **staff).count(), 1, "who works there is counted as a buyer");
    let visitors: std::collections::BTreeSet<&str> = rows.iter().map(|row| row.visitor.as_str()).collect();
    assert_eq!((rows.len(), visitors.len()), (4, 3));
    assert!(visitors.iter().all(|hash| hash.len() == 64 && !hash.contains("phone")), "{visitors:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_is_the_showrooms_and_of_who_served_and_goes_back_with_the_goods() {
    let house = House::new().await;
    let (offer, _) = house.bonded("tea", "100.00", 20).await;
    house.install("A1", &offer, json!({})).await;
    house.split(80_000, 250_000).await;
    let consumer = house.market.identified(1).await;
    let code = house.code("A1").to_owned();
    let query = "query($id: ID!) { staffCode(showroomId: $id) }";
    let shown = house.staff.data(query, json!({ "id": house.showroom })).await["staffCode"].clone();
    assert_eq!(
        house.hq.data(query, json!({ "id": house.showroom })).await["staffCode"],
        Value::Null,
        "headquarters serve nobody"
    );
    let served = house.scan(&consumer, &code, shown.as_str()).await["attributionToken"].clone();
    let server = me(&house.staff).await;
    house.wait(Duration::minutes(10));
    let consumer = house.market.server.consumer(1).await;
    // A later scan without anybody, a token that somebody wrote himself, and rubbish change nothing.
    let alone = house.scan(&consumer, &code, None).await["attributionToken"].clone();
    let mut forged = served.as_str().unwrap().to_owned();
    forged.replace_range(0..1, if forged.starts_with('A') { "B" } else { "A" });
    let tokens = [served.clone(), alone.clone(), json!(forged), json!("x"), json!("")];
    let checkout = house.bought(&consumer, &offer, 3, &tokens).await;
    let sales = house.sales().await;
    assert_eq!(sales.len(), 1);
    let one = &sales[0];
    assert_eq!((one.goods_minor, one.showroom_minor, one.staff_minor, one.rule_version), (30_000, 2_400, 600, 1));
    assert_eq!(json!(api::platform::graphql::encode(one.staff_id.unwrap())), server);
    let owed = async |slug: &str| {
        let client = house.market.owner(slug).await;
        let all = client.data("{ sellerBalances { due { amount } } }", json!({})).await["sellerBalances"].clone();
        all[0]["due"]["amount"].as_str().map(str::to_owned)
    };
    assert_eq!((owed(SELLER).await.as_deref(), owed(STORE).await.as_deref()), (Some("276.00"), Some("24.00")));
    house.adds_up().await;
    // The order is taken back: everything of it goes back.
    let order = &checkout["orders"][0];
    consumer.done("cancelOrder", "order { state }", json!({ "id": order["id"], "reason": "不想要了" })).await;
    house.worked().await;
    let gone = &house.sales().await[0];
    assert!(gone.returned && gone.returned_minor == 30_000, "{gone:?}");
    let nothing = |amount: Option<String>| amount.is_none_or(|amount| amount == "0.00");
    assert!(nothing(owed(SELLER).await) && nothing(owed(STORE).await));
    house.adds_up().await;
    // After seven days a scan counts no more.
    house.wait(Duration::days(7) + Duration::minutes(1));
    let consumer = house.market.server.consumer(1).await;
    house.bought(&consumer, &offer, 1, &[served, alone]).await;
    assert_eq!(house.sales().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_are_printed_on_pages() {
    use base64::{Engine, prelude::BASE64_STANDARD};
    let house = House::new().await;
    let sheet = house
        .inside(&house.staff, "codeSheet { labels svg pdf } other: codeSheet(fixtures: [\"f2\"]) { labels }")
        .await;
    assert_eq!((&sheet["codeSheet"]["labels"], &sheet["other"]["labels"]), (&json!(4), &json!(1)));
    let svg = sheet["codeSheet"]["svg"][0].as_str().unwrap();
    for (slot, printed, _) in &house.slots {
        assert!(svg.contains(&format!(">{printed}<")), "{slot} is not on the page");
    }
    let pdf = BASE64_STANDARD.decode(sheet["codeSheet"]["pdf"].as_str().unwrap()).unwrap();
    assert!(pdf.starts_with(b"%PDF-") && pdf.ends_with(b"%%EOF"), "it is no PDF");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_without_the_mini_program_sees_a_page() {
    let house = House::new().await;
    let (offer, _) = house.bonded("tea", "100.00", 5).await;
    let display = house.install("A3", &offer, json!({})).await;
    let get = async |code: &str| {
        let url = format!("{}/s/{code}", house.market.server.url);
        let answer = house.market.server.http().get(url).header("accept-language", "en").send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let code = house.code("A3").to_owned();
    let (status, page) = get(&code).await;
    assert_eq!(status, 200);
    for told in ["Rug tea", "109.10", "财关税", "邮寄 / parcel：5"] {
        assert!(page.contains(told), "{told} is not on the page: {page}");
    }
    assert_eq!(get("000000000000").await.0, 404);
    assert_eq!(get("%3Cscript%3E").await.0, 404);
    house.staff.done("removeDisplay", "", json!({ "id": display["id"] })).await;
    let version = house.inside(&house.manager, "version").await["version"].clone();
    let mut zones = floor();
    zones[0]["fixtures"][0]["slots"].as_array_mut().unwrap().pop();
    let draw = json!({ "id": house.showroom, "expectedVersion": version, "zones": zones });
    house.manager.done("drawShowroom", "", draw).await;
    assert_eq!(get(&code).await.0, 410);
    assert_eq!(house.scans().await.len(), 2, "what a page showed is not noted");
}
