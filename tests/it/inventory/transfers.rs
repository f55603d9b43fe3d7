//! Transfers with a way between.

use super::*;

const TRANSFER: &str = "query($id: ID!) { stockTransfer(id: $id) { state approvedBy to { code } lines { nodes { id quantity received lost missing } } } }";

async fn transfer(client: &Client, id: &Value) -> Value {
    client.data(TRANSFER, json!({ "id": id })).await["stockTransfer"].clone()
}

/// On hand by the codes of the locations.
async fn places(house: &House) -> BTreeMap<String, i64> {
    let mut sums = BTreeMap::new();
    for row in house.stock().await {
        *sums.entry(row["location"]["code"].as_str().unwrap().to_owned()).or_default() +=
            row["onHand"].as_i64().unwrap();
    }
    sums
}

fn sums(of: &[(&str, i64)]) -> BTreeMap<String, i64> {
    of.iter().map(|(code, n)| ((*code).to_owned(), *n)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_go_eighteen_come_and_two_are_on_the_way_until_it_is_decided() {
    let house = House::new().await;
    let (back, front) =
        (house.location("BACK", "DUTY_PAID_WAREHOUSE").await, house.location("FRONT", "SHOWROOM").await);
    house.receive(&back, json!([house.line(30, "", None)])).await;
    let other = house.server.member("owner", SELLER).await;
    let balance = house.stock().await[0]["id"].clone();
    let asked = |quantity: i64, to: &Value| json!({ "toId": to, "document": "T-1", "lines": [{ "balanceId": balance, "quantity": quantity }] });
    let short = house.owner.refused("requestStockTransfer", asked(31, &front)).await;
    assert_eq!(short, [("OUT_OF_STOCK".into(), "lines.0.quantity".into())]);
    let zone = house.location("ZONE", "BONDED_WAREHOUSE").await;
    let wrong = house.owner.refused("requestStockTransfer", asked(1, &zone)).await;
    assert_eq!(wrong, [("WRONG_CUSTOMS_STATUS".into(), "lines.0".into())]);
    let id =
        house.owner.done("requestStockTransfer", "transfer { id state }", asked(20, &front)).await["transfer"]["id"]
            .clone();
    let row = house.stock().await[0].clone();
    assert_eq!((&row["onHand"], &row["available"]), (&json!(30), &json!(10)), "what is asked for is not held");
    let of = json!({ "id": id });
    let step = async |name: &str| house.owner.refused(name, of.clone()).await;
    assert_eq!(step("shipStockTransfer").await, [("ILLEGAL_TRANSITION".into(), "id".into())]);
    assert_eq!(step("approveStockTransfer").await, [("MAKER_CHECKER".into(), "id".into())]);
    other.done("approveStockTransfer", "transfer { state }", of.clone()).await;
    house.owner.done("shipStockTransfer", "transfer { state }", of.clone()).await;
    assert_eq!(step("cancelStockTransfer").await, [("ILLEGAL_TRANSITION".into(), "id".into())]);
    assert_eq!(places(&house).await, sums(&[("BACK", 10), ("TRANSIT", 20)]));
    house.adds_up().await;

    let line = transfer(&other, &id).await["lines"]["nodes"][0]["id"].clone();
    let came = |quantity: i64| json!({ "id": id, "lines": [{ "lineId": line, "quantity": quantity }] });
    let over = house.owner.refused("receiveStockTransfer", came(21)).await;
    assert_eq!(over, [("OUT_OF_RANGE".into(), "lines.0.quantity".into())]);
    let received = house.owner.done("receiveStockTransfer", "transfer { state }", came(18)).await;
    assert_eq!(received["transfer"]["state"], "PARTIAL");
    assert_eq!(places(&house).await, sums(&[("BACK", 10), ("FRONT", 18), ("TRANSIT", 2)]));
    assert_eq!(transfer(&other, &id).await["lines"]["nodes"][0]["missing"], 2);
    house.adds_up().await;
    // What is on the way moves by its transfer only.
    let way = house.stock().await.into_iter().find(|row| row["location"]["code"] == "TRANSIT").unwrap();
    let by_hand = json!({ "document": "x", "lines": [{ "balanceId": way["id"], "toId": front, "quantity": 2 }] });
    assert_eq!(house.owner.refused("transferStock", by_hand).await, [("NOT_FOUND".into(), "lines.0.balanceId".into())]);
    assert_eq!(step("closeStockTransfer").await, [("REQUIRED".into(), "decisions".into())]);
    let close =
        |found: i64, lost: i64| json!({ "id": id, "decisions": [{ "lineId": line, "found": found, "lost": lost }] });
    let half = house.owner.refused("closeStockTransfer", close(1, 0)).await;
    assert_eq!(half, [("OUT_OF_RANGE".into(), "decisions.0.lost".into())]);
    house.owner.done("closeStockTransfer", "transfer { state }", close(1, 1)).await;
    let places = places(&house).await;
    assert_eq!((places["FRONT"], places["TRANSIT"], places["BACK"]), (19, 0, 10));
    let closed = transfer(&other, &id).await;
    assert_eq!((&closed["state"], &closed["lines"]["nodes"][0]["lost"]), (&json!("CLOSED"), &json!(1)));
    house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_that_is_given_up_holds_nothing_and_two_who_receive_take_in_what_came_once() {
    let house = House::new().await;
    let (back, front) =
        (house.location("BACK", "DUTY_PAID_WAREHOUSE").await, house.location("FRONT", "SHOWROOM").await);
    house.receive(&back, json!([house.line(10, "", None)])).await;
    let other = house.server.member("owner", SELLER).await;
    let balance = house.stock().await[0]["id"].clone();
    let asked = json!({ "toId": front, "document": "T", "lines": [{ "balanceId": balance, "quantity": 10 }] });
    let request = async || {
        house.owner.done("requestStockTransfer", "transfer { id }", asked.clone()).await["transfer"]["id"].clone()
    };
    let id = request().await;
    house.owner.done("cancelStockTransfer", "transfer { state }", json!({ "id": id })).await;
    assert_eq!(house.stock().await[0]["available"], 10);
    let id = request().await;
    other.done("approveStockTransfer", "", json!({ "id": id })).await;
    other.done("shipStockTransfer", "", json!({ "id": id })).await;
    let line = transfer(&other, &id).await["lines"]["nodes"][0]["id"].clone();
    let came = json!({ "id": id, "lines": [{ "lineId": line, "quantity": 10 }] });
    let all = futures_util::future::join_all((0..6).map(|n| {
        let client = if n % 2 == 0 { &house.owner } else { &other };
        client.payload("receiveStockTransfer", "transfer { state }", came.clone())
    }))
    .await;
    let done = all.iter().filter(|payload| payload["userErrors"] == json!([])).count();
    assert_eq!(done, 1, "{all:?}");
    assert_eq!(places(&house).await["FRONT"], 10);
    house.adds_up().await;
}
