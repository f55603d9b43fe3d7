//! Counts: blind, posted as differences, much of it after a second look.

use super::*;

impl House {
    async fn count(&self, client: &Client, location: &Value, more: Value) -> Value {
        let mut input = json!({ "locationId": location });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        client.done("openStockCount", "count { id state round }", input).await["count"]["id"].clone()
    }

    async fn on_hand(&self) -> i64 {
        self.stock().await.iter().map(|row| row["onHand"].as_i64().unwrap()).sum()
    }
}

const LINES: &str = "query($id: ID!) { stockCount(id: $id) { state round reviewedBy lines { nodes { counted expected difference outdated moveId } } } }";

async fn lines(client: &Client, id: &Value) -> Value {
    client.data(LINES, json!({ "id": id })).await["stockCount"].clone()
}

fn counted(id: &Value, balance: &Value, counted: i64) -> Value {
    json!({ "id": id, "lines": [{ "balanceId": balance, "counted": counted }] })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_posts_what_differed_when_it_was_counted_whatever_was_sold_since() {
    let house = House::new().await;
    let back = house.location("BACK", "DUTY_PAID_WAREHOUSE").await;
    house.receive(&back, json!([house.line(50, "", None)])).await;
    let balance = house.stock().await[0]["id"].clone();
    let id = house.count(&house.owner, &back, json!({})).await;
    let done = house.owner.done("submitStockCount", "count { state }", counted(&id, &balance, 49)).await;
    assert_eq!(done["count"]["state"], "COUNTED");
    // Three are sold before it is posted.
    let (shelf, customer) = (house.shelf().await, house.customer().await);
    let app = &house.server.app;
    let sold = attempt(&house.server, &shelf, 3, "sale").await.unwrap();
    let (tx, now) = (app.db().begin().await.unwrap(), app.clock().now());
    promises::confirm(&tx, now, sold[0].id).await.unwrap();
    promises::consume(&tx, By { actor: "test", at: now }, sold[0].id, customer).await.unwrap();
    tx.commit().await.unwrap();
    // Nobody who counted sees what the books said; somebody else does, and that it moved.
    let blind = lines(&house.owner, &id).await["lines"]["nodes"][0].clone();
    assert_eq!(
        (&blind["counted"], &blind["expected"], &blind["difference"], &blind["outdated"]),
        (&json!(49), &Value::Null, &Value::Null, &Value::Null)
    );
    let other = house.server.member("owner", SELLER).await;
    let seen = lines(&other, &id).await["lines"]["nodes"][0].clone();
    assert_eq!((&seen["expected"], &seen["difference"], &seen["outdated"]), (&json!(50), &json!(-1), &json!(true)));
    house.owner.done("reviewStockCount", "count { state }", json!({ "id": id, "decision": "POST" })).await;
    assert_eq!(house.on_hand().await, 46, "setting it to 49 is wrong");
    let posted = lines(&house.owner, &id).await;
    assert_eq!((&posted["state"], &posted["lines"]["nodes"][0]["expected"]), (&json!("POSTED"), &json!(50)));
    assert!(posted["lines"]["nodes"][0]["moveId"].is_string(), "the move is not named: {posted}");
    let again = house.owner.refused("reviewStockCount", json!({ "id": id, "decision": "POST" })).await;
    assert_eq!(again, [("ILLEGAL_TRANSITION".into(), "id".into())]);
    let late = house.owner.refused("submitStockCount", counted(&id, &balance, 1)).await;
    assert_eq!(late, [("ILLEGAL_TRANSITION".into(), "id".into())]);
    house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_differs_much_is_decided_by_somebody_who_did_not_count() {
    let house = House::new().await;
    let back = house.location("BACK", "DUTY_PAID_WAREHOUSE").await;
    house.receive(&back, json!([house.line(50, "", None)])).await;
    let balance = house.stock().await[0]["id"].clone();
    let other = house.server.member("owner", SELLER).await;
    let id = house.count(&house.owner, &back, json!({})).await;
    let open = lines(&other, &id).await;
    assert_eq!((&open["state"], &open["lines"]["nodes"]), (&json!("OPEN"), &json!([])));
    // A part of it, and a second thought.
    let mut part = counted(&id, &balance, 50);
    part["finished"] = json!(false);
    let still = house.owner.done("submitStockCount", "count { state }", part).await;
    assert_eq!(still["count"]["state"], "OPEN");
    assert_eq!(lines(&other, &id).await["lines"]["nodes"][0]["expected"], Value::Null, "shown while it is counted");
    let done = house.owner.done("submitStockCount", "count { state }", counted(&id, &balance, 38)).await;
    assert_eq!(done["count"]["state"], "REVIEW");
    let post = json!({ "id": id, "decision": "POST" });
    assert_eq!(house.owner.refused("reviewStockCount", post.clone()).await, [("MAKER_CHECKER".into(), "id".into())]);
    assert_eq!(house.on_hand().await, 50);
    other.done("reviewStockCount", "", json!({ "id": id, "decision": "RECOUNT" })).await;
    let again = lines(&other, &id).await;
    assert_eq!(
        (&again["state"], &again["round"], &again["lines"]["nodes"]),
        (&json!("RECOUNT"), &json!(2), &json!([]))
    );
    house.owner.done("submitStockCount", "", counted(&id, &balance, 38)).await;
    other.done("reviewStockCount", "", post).await;
    assert_eq!(house.on_hand().await, 38);
    house.adds_up().await;

    // What is promised is not counted away silently, and nothing is posted then.
    let shelf = house.shelf().await;
    attempt(&house.server, &shelf, 37, "promised").await.unwrap();
    let id = house.count(&house.owner, &back, json!({ "thresholdPieces": 0 })).await;
    house.owner.done("submitStockCount", "", counted(&id, &balance, 36)).await;
    let post = json!({ "id": id, "decision": "POST" });
    assert_eq!(other.refused("reviewStockCount", post).await, [("OUT_OF_STOCK".into(), "lines.0.quantity".into())]);
    assert_eq!(lines(&house.owner, &id).await["state"], "REVIEW");
    house.owner.done("cancelStockCount", "count { state }", json!({ "id": id })).await;
    // Goods that nobody knew of are found, in their lot.
    let id = house.count(&other, &back, json!({ "variantIds": [house.variant] })).await;
    let found = json!({ "id": id, "lines": [
        { "variantId": house.variant, "lot": "NEW", "customsStatus": "DUTY_PAID", "counted": 4 }] });
    other.done("submitStockCount", "count { state }", found).await;
    house.owner.done("reviewStockCount", "", json!({ "id": id, "decision": "POST" })).await;
    assert_eq!(house.on_hand().await, 42);
    house.adds_up().await;
    // What cannot be.
    let id = house.count(&house.owner, &back, json!({})).await;
    let variant = house.variant.clone();
    for (line, expected) in [
        (json!({ "balanceId": balance, "counted": -1 }), ("OUT_OF_RANGE", "lines.0.counted")),
        (json!({ "counted": 1 }), ("INVALID_VALUE", "lines.0")),
        (json!({ "variantId": variant, "customsStatus": "BONDED", "counted": 1 }), ("WRONG_CUSTOMS_STATUS", "lines.0")),
        (json!({ "balanceId": back, "counted": 1 }), ("NOT_FOUND", "lines.0.balanceId")),
    ] {
        let refused = house.owner.refused("submitStockCount", json!({ "id": id, "lines": [line] })).await;
        assert_eq!(refused, [(expected.0.to_owned(), expected.1.to_owned())]);
    }
    let loose = json!({ "locationId": back, "thresholdPieces": 11 });
    assert_eq!(house.owner.refused("openStockCount", loose).await, [("OUT_OF_RANGE".into(), "thresholdPieces".into())]);
    let foreign = house.server.seller(OTHER_SELLER).await;
    assert_eq!(foreign.data(LINES, json!({ "id": id })).await["stockCount"], Value::Null);
    assert_eq!(foreign.refused("cancelStockCount", json!({ "id": id })).await, [("NOT_FOUND".into(), "id".into())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_that_is_posted_while_goods_are_sold_posts_its_difference() {
    let house = House::new().await;
    let back = house.location("BACK", "DUTY_PAID_WAREHOUSE").await;
    house.receive(&back, json!([house.line(1_000, "", None)])).await;
    let balance = house.stock().await[0]["id"].clone();
    let (shelf, customer) = (house.shelf().await, house.customer().await);
    let house = Arc::new(house);
    let sellers = (0..8).map(|seller| {
        let (house, shelf) = (house.clone(), shelf.clone());
        tokio::spawn(async move {
            for n in 0..5 {
                let app = &house.server.app;
                let sold = attempt(&house.server, &shelf, 2, &format!("{seller}-{n}")).await.unwrap();
                let (tx, now) = (app.db().begin().await.unwrap(), app.clock().now());
                promises::confirm(&tx, now, sold[0].id).await.unwrap();
                promises::consume(&tx, By { actor: "test", at: now }, sold[0].id, customer).await.unwrap();
                tx.commit().await.unwrap();
            }
        })
    });
    let sellers: Vec<_> = sellers.collect();
    let mut posted = 0;
    let other = house.server.member("owner", SELLER).await;
    for _ in 0..5 {
        let id = house.count(&house.owner, &back, json!({})).await;
        // Three fewer than a look at the shelf says: the books may say something else by the time it is written.
        let now = house.on_hand().await;
        house.owner.done("submitStockCount", "", counted(&id, &balance, now - 3)).await;
        other.done("reviewStockCount", "", json!({ "id": id, "decision": "POST" })).await;
        posted += lines(&other, &id).await["lines"]["nodes"][0]["difference"].as_i64().unwrap();
    }
    for seller in sellers {
        seller.await.unwrap();
    }
    assert_eq!(house.on_hand().await, 1_000 - 80 + posted);
    house.adds_up().await;
}
