//! A day in the store, from `deploy/demo/day.graphql`: what people send, operation by operation.

use api::{app::Call, customs, logistics::ops::Opening};
use entities::{
    party::Viewer,
    showroom::{sale, scan_event},
    values::Consignee,
};
use sea_orm::EntityTrait;

use super::*;
use crate::{
    customs::Border,
    logistics::{self, CARRIER, opening, organisation_of},
    ordering::{FIRST_ID, SECOND_ID, paid, placed},
    support::OTHER_SELLER,
};

const DAY: &str = include_str!("../../../deploy/demo/day.graphql");

/// Sends one operation of the file; answers with its only field.
async fn send(client: &Client, operation: &str, variables: Value) -> Value {
    let body = json!({ "query": DAY, "operationName": operation, "variables": variables });
    let answer = client.request(reqwest::Method::POST, "/graphql").json(&body).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    assert!(answer.get("errors").is_none(), "{operation} answers {:#}", answer["errors"]);
    answer["data"].as_object().unwrap().values().next().unwrap().clone()
}

/// The same for what must be done.
async fn done(client: &Client, operation: &str, variables: Value) -> Value {
    let answer = send(client, operation, variables).await;
    assert_eq!(answer["userErrors"], json!([]), "{operation} is refused");
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_in_the_store() {
    let house = House::new().await;
    let (offer, variant) = house.bonded("tea", "100.00", 5).await;
    house.stocked("SAMPLE", &variant, 3).await;
    let showroom = json!({ "showroom": house.showroom });
    // Morning.
    done(&house.staff, "OpenDay", showroom.clone()).await;
    let positions = json!([{ "slotId": house.slot_id("A2"), "variantId": variant, "facings": 1 }]);
    let draft = json!({ "showroom": house.showroom, "positions": positions });
    let plan = done(&house.manager, "Draft", draft).await["planogram"].clone();
    let activate = json!({ "planogram": plan["id"], "version": plan["version"] });
    assert_eq!(done(&house.manager, "Activate", activate).await["planogram"]["state"], "ACTIVE");
    let gaps = send(&house.staff, "Gaps", showroom.clone()).await["gaps"].clone();
    assert_eq!((&gaps[0]["kind"], &gaps[0]["toFillWith"]), (&json!("MISSING"), &json!(3)));
    let slot = gaps[0]["slot"]["scanCode"].clone();
    done(&house.staff, "Install", json!({ "slot": slot, "offer": offer })).await;
    assert_eq!(send(&house.staff, "Gaps", showroom.clone()).await["gaps"], json!([]));
    // A buyer comes, is served, scans, orders and pays.
    let staff_code = send(&house.staff, "StaffCode", showroom.clone()).await;
    assert!(staff_code.is_string(), "who serves has no code to show");
    let buyer = house.market.server.consumer(1).await;
    let identity = json!({ "name": "测试甲", "residentId": FIRST_ID });
    buyer.done("setConsumerIdentity", "", identity).await;
    let scan = send(&buyer, "Scan", json!({ "slot": slot, "staff": staff_code })).await;
    assert_eq!((&scan["state"], &scan["displays"][0]["price"]["total"]["amount"]), (&json!("LIVE"), &json!("109.10")));
    done(&buyer, "Cart", json!({ "offer": scan["displays"][0]["offerId"] })).await;
    let quote = done(&buyer, "Quote", json!({})).await["quote"]["token"].clone();
    let place = json!({ "quote": quote, "tokens": [scan["attributionToken"]] });
    let checkout = done(&buyer, "Place", place).await["checkout"].clone();
    let page = done(&buyer, "Pay", json!({ "checkout": checkout["id"] })).await["started"]["redirectUrl"].clone();
    let page =
        format!("{}/sandbox/{}", house.market.server.url, page.as_str().unwrap().split("/sandbox/").nth(1).unwrap());
    let pressed = house.market.server.http().post(page).form(&[("do", "pay")]).send().await.unwrap();
    assert_eq!(pressed.status(), 200);
    house.worked().await;
    let sales = sale::Entity::find().all(house.market.app().db().read()).await.unwrap();
    let served = sales.iter().map(|row| json!(row.staff_id.map(api::platform::graphql::encode)));
    assert_eq!(served.collect::<Vec<_>>(), [me(&house.staff).await], "the sale is not that of who served");
    // The goods are not picked up here: the law is named.
    let number = checkout["orders"][0]["number"].clone();
    let take = json!({ "showroom": house.showroom, "number": number });
    let refused = send(&house.staff, "HandOver", take.clone()).await["userErrors"][0].clone();
    assert_eq!((&refused["code"], &refused["field"]), (&json!("NOT_ALLOWED_HERE"), &json!(["showroomId"])));
    assert!(refused["message"].as_str().unwrap().contains("财关税"), "the law is not named: {refused}");
    // Evening: three samples were there, two are counted.
    let count = done(&house.staff, "OpenCount", json!({ "place": house.place("SAMPLE").await })).await;
    let count = count["count"]["id"].clone();
    let query = "query($v: ID!) { stock(variantId: $v) { nodes { id } } }";
    let balance = house.hq.data(query, json!({ "v": variant })).await["stock"]["nodes"][0]["id"].clone();
    done(&house.staff, "SubmitCount", json!({ "count": count, "balance": balance, "counted": 2 })).await;
    let posted = done(&house.manager, "PostCount", json!({ "count": count })).await;
    assert_eq!((&posted["count"]["state"], house.pieces(&variant).await), (&json!("POSTED"), (2, 1)));
    api::showroom::scans::write(house.market.app()).await.unwrap();
    assert_eq!(scan_event::Entity::find().all(house.market.app().db().read()).await.unwrap().len(), 1);
    let day = json!({ "showroom": house.showroom, "day": "2026-03-01" });
    let figures = send(&house.manager, "Figures", day).await["total"].clone();
    assert_eq!(figures, json!({ "scans": 1, "uniqueScanners": 1, "orders": 1 }));
    done(&house.staff, "CloseDay", showroom).await;
    house.adds_up().await;
}

impl House {
    /// A buyer scans a slot, orders so many of what stands there, and pays; answers with the order's number.
    async fn bought_here(&self, buyer: &Client, slot: &str, offer: &Value, quantity: i32) -> String {
        let scan = send(buyer, "Scan", json!({ "slot": self.code(slot), "staff": null })).await;
        let cart = json!({ "lines": [{ "offerId": offer, "quantity": quantity }], "division": "630103" });
        buyer.done("setCartLines", "", cart).await;
        let quote = done(buyer, "Quote", json!({})).await["quote"]["token"].clone();
        let place = json!({ "quote": quote, "tokens": [scan["attributionToken"]] });
        let checkout = done(buyer, "Place", place).await["checkout"].clone();
        paid(&self.market, buyer, &checkout).await;
        self.worked().await;
        checkout["orders"][0]["number"].as_str().unwrap().to_owned()
    }

    /// Takes an order to the desk with a card, or without.
    fn taking(&self, number: &str, card: Option<&str>) -> Value {
        json!({ "showroomId": self.showroom, "orderNumber": number, "residentId": card })
    }

    /// Staff of one's own hand an order over, four at once; how many did, and what the others were told.
    async fn handed_over(&self, number: &str, card: Option<&str>) -> (usize, Vec<Value>) {
        let tries = (0..4).map(|_| {
            self.staff.payload("handOverOrder", "handedOver { orderNumber state }", self.taking(number, card))
        });
        let answers = futures_util::future::join_all(tries).await;
        let (done, told): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer["userErrors"] == json!([]));
        for answer in &done {
            assert_eq!(answer["handedOver"], json!({ "orderNumber": number, "state": "COMPLETED" }));
        }
        (done.len(), told.iter().map(|answer| answer["userErrors"][0]["code"].clone()).collect())
    }

    async fn lets_pick_up(&self, mode: &str) {
        let policy = json!({ "place": { "division": "630104" }, "mode": mode, "capability": "PICK_UP", "allowed": true,
            "validFrom": "2026-01-01", "source": "西关〔2026〕9号" });
        self.market.server.operator().await.done("setZonePolicy", "", policy).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn goods_are_not_handed_over_where_the_zone_does_not_say_so_or_where_they_do_not_lie() {
    let house = House::new().await;
    let (offer, _) = house.bonded("tea", "100.00", 5).await;
    house.install("A1", &offer, json!({})).await;
    let buyer = house.market.identified(1).await;
    let scan = send(&buyer, "Scan", json!({ "slot": house.code("A1"), "staff": null })).await;
    done(&buyer, "Cart", json!({ "offer": offer })).await;
    let quote = done(&buyer, "Quote", json!({})).await["quote"]["token"].clone();
    let place = json!({ "quote": quote, "tokens": [scan["attributionToken"]] });
    let checkout = done(&buyer, "Place", place).await["checkout"].clone();
    let take = house.taking(checkout["orders"][0]["number"].as_str().unwrap(), Some(FIRST_ID));
    // Before it is paid it is nobody's sale.
    assert_eq!(house.staff.refused("handOverOrder", take.clone()).await, [("NOT_FOUND".into(), "orderNumber".into())]);
    paid(&house.market, &buyer, &checkout).await;
    house.worked().await;
    assert_eq!(
        house.staff.refused("handOverOrder", take.clone()).await,
        [("NOT_ALLOWED_HERE".into(), "showroomId".into())]
    );
    house.lets_pick_up("BONDED_IMPORT").await;
    // The zone lets it be done here, but the goods lie in the warehouse of somebody else.
    assert_eq!(house.staff.refused("handOverOrder", take).await, [("NOT_ALLOWED_HERE".into(), "orderNumber".into())]);
    let other = house.taking("XN1", Some(FIRST_ID));
    assert_eq!(house.staff.refused("handOverOrder", other).await, [("NOT_FOUND".into(), "orderNumber".into())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn released_goods_are_handed_over_once_from_the_supervised_warehouse_to_who_ordered_them() {
    let Border { market, offer, variant } = Border::new().await;
    let house = House::of(market).await;
    // The store keeps goods of its own in the same supervised warehouse: it is the one behind it.
    let place = json!({ "code": "BW-9", "kind": "BONDED_WAREHOUSE", "name": "仓" });
    let warehouse = house.hq.done("createStockLocation", "location { id }", place).await["location"]["id"].clone();
    let behind = json!({ "id": house.showroom, "bondedWarehouseId": warehouse, "approvalNo": "西关〔2026〕1号" });
    house.hq.done("changeShowroom", "", behind).await;
    let line = json!({ "variantId": variant, "quantity": 2, "customsStatus": "BONDED" });
    house.hq.done("receiveStock", "", json!({ "locationId": warehouse, "document": "X", "lines": [line] })).await;
    let piece = json!({ "pattern": "BACK_WAREHOUSE", "unitClass": "BONDED_STOCK" });
    house.install("A1", &offer, piece.clone()).await;
    house.install("A2", &offer, piece).await;
    let buyer = house.market.identified(1).await;
    let number = house.bought_here(&buyer, "A1", &offer, 2).await;
    let taken = async |card: Option<&str>| house.staff.refused("handOverOrder", house.taking(&number, card)).await;
    // It is not the store's warehouse yet where the goods lie.
    assert_eq!(taken(Some(FIRST_ID)).await, [("NOT_ALLOWED_HERE".into(), "orderNumber".into())]);
    let filed = json!({ "locationId": warehouse, "book": "T9701W000001", "number": 13, "variantId": variant });
    house.hq.done("fileBondedItem", "item { id }", filed).await;
    let ways = "query($c: String!) { scanDisplay(code: $c) { displays { ways { handOver allowed available } } } }";
    let seen = buyer.data(ways, json!({ "c": house.code("A2") })).await["scanDisplay"]["displays"][0]["ways"].clone();
    let told = json!({ "handOver": "PICK_UP", "allowed": true, "available": 98 });
    assert!(seen.as_array().unwrap().contains(&told), "what lies behind the store is not shown as had here: {seen}");
    assert_eq!(taken(Some(FIRST_ID)).await, [("NOT_RELEASED".into(), "orderNumber".into())]);
    let app = house.market.app();
    let mut work = app.begin(&Call::by(Viewer::anonymous())).await.unwrap();
    customs::underway::waybill_known(app, &mut work, &number, "YT0000000001", 5_300).await.unwrap();
    work.commit(()).await.unwrap();
    house.worked().await;
    for (card, code) in
        [(None, "REQUIRED"), (Some(" "), "REQUIRED"), (Some(SECOND_ID), "WRONG_PERSON"), (Some("x"), "WRONG_PERSON")]
    {
        assert_eq!(taken(card).await, [(code.into(), "residentId".into())], "{card:?}");
    }
    let own = house.market.stock(OTHER_SELLER, &variant).await;
    assert_eq!(own, (100, 2));
    let (done, told) = house.handed_over(&number, Some(FIRST_ID)).await;
    assert_eq!((done, told), (1, vec![json!("ILLEGAL_TRANSITION"); 3]), "one order is handed over once");
    assert_eq!(house.market.stock(OTHER_SELLER, &variant).await, (98, 0));
    let query = "{ orders { nodes { id number state } } }";
    let seen = buyer.data(query, json!({})).await["orders"]["nodes"][0].clone();
    assert_eq!((&seen["number"], &seen["state"]), (&json!(number), &json!("COMPLETED")));
    // What is told of it says nothing of the card.
    let query = "query($id: ID!) { auditTrail(nodeId: $id) { nodes { action body } } }";
    let trail = house.market.server.operator().await.data(query, json!({ "id": seen["id"] })).await.to_string();
    assert!(trail.contains("handOverOrder") && !trail.contains(FIRST_ID), "the card's number is kept: {trail}");
    house.worked().await;
    house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn goods_of_the_back_room_are_handed_over_without_a_card() {
    let house = House::new().await;
    let sells =
        json!({ "id": house.market.server.organisation(STORE).await, "roles": ["SHOWROOM_OPERATOR", "SELLER"] });
    house.market.server.operator().await.done("assignOrganisationRoles", "", sells).await;
    let (offer, variant) = house.market.sold(Sale::domestic(STORE, "cup", "20.00", 0)).await;
    house.stocked("SALEABLE", &variant, 5).await;
    house.install("A1", &offer, json!({ "pattern": "DUTY_PAID_RETAIL", "unitClass": "SALEABLE" })).await;
    let buyer = house.market.identified(1).await;
    let number = house.bought_here(&buyer, "A1", &offer, 2).await;
    assert_eq!(house.pieces(&variant).await, (5, 3), "two are sold, one is shown");
    let elsewhere = house.market.owner(OTHER_STORE).await;
    let foreign = elsewhere.refused("handOverOrder", house.taking(&number, None)).await;
    assert_eq!(foreign, [("NOT_FOUND".into(), "showroomId".into())]);
    let (done, told) = house.handed_over(&number, None).await;
    assert_eq!((done, told), (1, vec![json!("ILLEGAL_TRANSITION"); 3]), "one order is handed over once");
    assert_eq!(house.pieces(&variant).await, (3, 1));
    house.worked().await;
    house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_only_works_in_the_store_does_not_see_who_buys() {
    let house = House::new().await;
    let sells =
        json!({ "id": house.market.server.organisation(STORE).await, "roles": ["SHOWROOM_OPERATOR", "SELLER"] });
    house.market.server.operator().await.done("assignOrganisationRoles", "", sells).await;
    let (offer, _) = house.market.sold(Sale::domestic(STORE, "cup", "20.00", 5)).await;
    let company = house.market.server.member("owner", OTHER_SELLER).await;
    let checkout = placed(&company, &[(&offer, 1)]).await;
    paid(&house.market, &company, &checkout).await;
    house.worked().await;
    let app = house.market.app();
    let (seller, carrier) = (organisation_of(app, STORE).await, organisation_of(app, CARRIER).await);
    let number = checkout["orders"][0]["number"].as_str().unwrap();
    let to = Consignee { name: "测试甲".into(), mobile: "13800000000".into(), address: "示例路1号".into() };
    let parcel = opening(number, seller, carrier, &to);
    let parcel = Opening { buyer: Some(organisation_of(app, OTHER_SELLER).await), ..parcel };
    logistics::open(app, &parcel).await.unwrap();
    let query =
        "{ orders { nodes { number buyer { id } checkout { consignee } shipment { consignee buyer { id } } } } }";
    let seen = async |client: &Client| client.data(query, json!({})).await["orders"]["nodes"][0].clone();
    let whole = seen(&house.owner().await).await;
    assert_eq!(whole["number"], checkout["orders"][0]["number"]);
    let buyer = house.market.server.organisation(OTHER_SELLER).await;
    assert_eq!((&whole["buyer"]["id"], &whole["shipment"]["buyer"]["id"]), (&buyer, &buyer));
    assert_ne!(whole["shipment"]["consignee"], "");
    for worker in [&house.staff, &house.manager] {
        let part = seen(worker).await;
        assert_eq!(part["number"], whole["number"]);
        assert_eq!((&part["buyer"], &part["checkout"]), (&Value::Null, &Value::Null), "a store sees who buys");
        assert_eq!(part["shipment"], json!({ "consignee": "", "buyer": null }), "a store sees who takes goods in");
    }
    let order =
        house.owner().await.data("{ orders { nodes { id } } }", json!({})).await["orders"]["nodes"][0]["id"].clone();
    let reveal = json!({ "id": order, "reason": "x" });
    for worker in [&house.staff, &house.manager] {
        assert_eq!(worker.denied("revealConsignee", reveal.clone()).await, "FORBIDDEN");
    }
}
