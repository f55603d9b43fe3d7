//! A day in the store, from `deploy/demo/day.graphql`: what people send, operation by operation.

use entities::showroom::scan_event;
use sea_orm::EntityTrait;

use super::*;
use crate::ordering::{FIRST_ID, paid};

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
    let buyer = house.market.server.consumer(1).await;
    let identity = json!({ "name": "测试甲", "residentId": FIRST_ID });
    buyer.done("setConsumerIdentity", "", identity).await;
    let scan = send(&buyer, "Scan", json!({ "slot": slot, "staff": staff_code })).await;
    assert_eq!((&scan["state"], &scan["displays"][0]["price"]["total"]["amount"]), (&json!("LIVE"), &json!("109.10")));
    done(&buyer, "Cart", json!({ "offer": scan["displays"][0]["offerId"] })).await;
    let quote = done(&buyer, "Quote", json!({})).await["quote"]["token"].clone();
    let place = json!({ "quote": quote, "tokens": [scan["attributionToken"]] });
    let checkout = done(&buyer, "Place", place).await["checkout"].clone();
    paid(&house.market, &buyer, &checkout).await;
    house.worked().await;
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

#[tokio::test(flavor = "multi_thread")]
async fn goods_are_handed_over_where_the_zone_says_so_and_where_they_lie() {
    let house = House::new().await;
    let (offer, _) = house.bonded("tea", "100.00", 5).await;
    house.install("A1", &offer, json!({})).await;
    let buyer = house.market.identified(1).await;
    let scan = send(&buyer, "Scan", json!({ "slot": house.code("A1"), "staff": null })).await;
    done(&buyer, "Cart", json!({ "offer": offer })).await;
    let quote = done(&buyer, "Quote", json!({})).await["quote"]["token"].clone();
    let checkout =
        done(&buyer, "Place", json!({ "quote": quote, "tokens": [scan["attributionToken"]] })).await["checkout"]
            .clone();
    let number = checkout["orders"][0]["number"].clone();
    let take = json!({ "showroomId": house.showroom, "orderNumber": number });
    // Before it is paid it is nobody's sale.
    assert_eq!(house.staff.refused("handOverOrder", take.clone()).await, [("NOT_FOUND".into(), "orderNumber".into())]);
    paid(&house.market, &buyer, &checkout).await;
    house.worked().await;
    assert_eq!(
        house.staff.refused("handOverOrder", take.clone()).await,
        [("NOT_ALLOWED_HERE".into(), "showroomId".into())]
    );
    let policy = json!({ "place": { "division": "630104" }, "mode": "BONDED_IMPORT", "capability": "PICK_UP", "allowed": true,
        "validFrom": "2026-01-01", "source": "西关〔2026〕9号" });
    house.market.server.operator().await.done("setZonePolicy", "", policy).await;
    // The zone lets it be done here, but the goods lie in the warehouse of somebody else.
    assert_eq!(house.staff.refused("handOverOrder", take).await, [("NOT_ALLOWED_HERE".into(), "orderNumber".into())]);
    let other = json!({ "showroomId": house.showroom, "orderNumber": "XN1" });
    assert_eq!(house.staff.refused("handOverOrder", other).await, [("NOT_FOUND".into(), "orderNumber".into())]);
}
