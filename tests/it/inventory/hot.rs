//! Hot items: on PostgreSQL promised piece by piece, on SQLite like anything else. Either way nobody is told "sold out"
//! while there is enough.

use entities::inventory::ReservationStep;

use super::*;

async fn hot(house: &House, hot: bool) {
    house.owner.done("setHotItem", "hot", json!({ "variantId": house.variant, "hot": hot })).await;
}

async fn available(house: &House) -> i64 {
    house.stock().await.iter().map(|row| row["available"].as_i64().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_pieces_of_a_hot_item_are_sold_five_hundred_times() {
    let house = House::new().await;
    let back = house.location("BACK", "DUTY_PAID_WAREHOUSE").await;
    house.receive(&back, json!([house.line(499, "A", Some("2027-01-01")), house.line(1, "B", None)])).await;
    hot(&house, true).await;
    let (clients, times) = if backend() == Backend::Sqlite { (16, 60) } else { (64, 60) };
    let shelf = house.shelf().await;
    let house = Arc::new(house);
    let barrier = Arc::new(tokio::sync::Barrier::new(clients));
    let buyers = (0..clients).map(|client| {
        let (house, shelf, barrier) = (house.clone(), shelf.clone(), barrier.clone());
        tokio::spawn(async move {
            barrier.wait().await;
            let (mut sold, mut refused) = (0, 0);
            for n in 0..times {
                match attempt(&house.server, &shelf, 1, &format!("{client}-{n}")).await {
                    Ok(held) => sold += held.iter().map(|row| row.quantity).sum::<i64>(),
                    Err(error) if code(&error) == Some(ErrorCode::OutOfStock) => refused += 1,
                    Err(error) => panic!("neither sold nor sold out: {error:?}"),
                }
            }
            (sold, refused)
        })
    });
    let (mut sold, mut refused) = (0, 0);
    for buyer in buyers.collect::<Vec<_>>() {
        let (pieces, times) = buyer.await.unwrap();
        (sold, refused) = (sold + pieces, refused + times);
    }
    assert_eq!((sold, refused), (500, clients * times - 500), "sold of 500, and told \"sold out\"");
    assert_eq!(available(&house).await, 0);
    house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_are_let_go_shipped_and_held_anew_and_nobody_is_told_sold_out_while_there_is_enough() {
    let house = House::new().await;
    let back = house.location("BACK", "DUTY_PAID_WAREHOUSE").await;
    house.receive(&back, json!([house.line(700, "A", None), house.line(100, "B", None)])).await;
    hot(&house, true).await;
    let (shelf, customer) = (house.shelf().await, house.customer().await);
    let house = Arc::new(house);
    let tasks = if backend() == Backend::Sqlite { 8 } else { 32 };
    let barrier = Arc::new(tokio::sync::Barrier::new(tasks));
    // Never more than 32 x 12 + 150 are held at once, and 32 x 10 / 3 x 2 shipped: there is always enough.
    let buyers = (0..tasks).map(|task| {
        let (house, shelf, barrier) = (house.clone(), shelf.clone(), barrier.clone());
        tokio::spawn(async move {
            barrier.wait().await;
            for n in 0..10_usize {
                let quantity = if task == 0 && n == 5 { 150 } else { [1, 2, 3, 5, 12][(task + n) % 5] };
                let (app, document) = (&house.server.app, format!("{task}-{n}"));
                let now = app.clock().now();
                let until = now + Duration::minutes(15);
                let purpose = Purpose { kind: ReservationKind::Order, document: &document, key: &document, until };
                let tx = app.db().begin().await.unwrap();
                let held = promises::hold_all(&tx, now, &[shelf.wanted(quantity)], purpose).await;
                let held = held.unwrap_or_else(|error| panic!("{quantity} are a false \"sold out\": {error:?}"));
                assert_eq!(held.iter().map(|row| row.quantity).sum::<i64>(), quantity);
                tx.commit().await.unwrap();
                let tx = app.db().begin().await.unwrap();
                if quantity == 1 && n % 3 == 0 {
                    promises::confirm_all(&tx, now, &document).await.unwrap();
                    promises::consume_all(&tx, By { actor: "test", at: now }, &document, customer).await.unwrap();
                } else {
                    promises::let_go(&tx, now, &document, ReservationStep::Release).await.unwrap();
                }
                tx.commit().await.unwrap();
            }
        })
    });
    for buyer in buyers.collect::<Vec<_>>() {
        buyer.await.unwrap();
    }
    house.adds_up().await;
    let on_hand: i64 = house.stock().await.iter().map(|row| row["onHand"].as_i64().unwrap()).sum();
    assert_eq!(available(&house).await, on_hand, "free pieces of the pool can be promised");
    // All of it at once, more than a pool has; and back.
    let all = attempt(&house.server, &shelf, on_hand, "all").await.unwrap();
    assert_eq!(available(&house).await, 0);
    let (app, now) = (&house.server.app, house.server.app.clock().now());
    let tx = app.db().begin().await.unwrap();
    for row in all {
        promises::release(&tx, now, row.id).await.unwrap();
    }
    tx.commit().await.unwrap();
    attempt(&house.server, &shelf, 1, "one").await.unwrap();
    // By hand too: what is free in the pool is there.
    let front = house.location("FRONT", "SHOWROOM").await;
    for row in house.stock().await {
        let move_all = json!({ "document": "T", "lines": [
            { "balanceId": row["id"], "toId": front, "quantity": row["available"] }] });
        house.owner.done("transferStock", "moves { id }", move_all).await;
    }
    house.adds_up().await;
    // Off: the pool is empty, and what was held of it can still be let go.
    hot(&house, false).await;
    house.server.wait(Duration::minutes(16));
    for _ in 0..2 {
        promises::sweep(&house.server.app, house.server.app.clock().now()).await.unwrap();
    }
    assert_eq!(available(&house).await, on_hand);
    house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_lines_of_one_hot_item_and_one_of_another_do_not_embrace() {
    let house = House::new().await;
    let back = house.location("BACK", "DUTY_PAID_WAREHOUSE").await;
    let variants = house.variants(3).await;
    house.stocked(&back, &variants, 400, "DUTY_PAID").await;
    for id in &variants[..2] {
        house.owner.done("setHotItem", "hot", json!({ "variantId": encode(*id), "hot": true })).await;
    }
    let (shelf, customer) = (house.shelf().await, house.customer().await);
    let house = Arc::new(house);
    let buyers = (0..24_usize).map(|task| {
        let (house, shelf, variants) = (house.clone(), shelf.clone(), variants.clone());
        tokio::spawn(async move {
            for n in 0..5 {
                let of = |variant: usize, quantity| Wanted { variant: variants[variant], ..shelf.wanted(quantity) };
                let mut wants = vec![of(0, 1), of(2, 1), of(1, 2), of(0, 2)];
                wants.rotate_left(task % 4);
                let (app, document) = (&house.server.app, format!("{task}-{n}"));
                let now = app.clock().now();
                let until = now + Duration::minutes(15);
                let purpose = Purpose { kind: ReservationKind::Order, document: &document, key: &document, until };
                let tx = app.db().begin().await.unwrap();
                promises::hold_all(&tx, now, &wants, purpose).await.unwrap();
                promises::confirm_all(&tx, now, &document).await.unwrap();
                if n % 2 == 0 {
                    promises::consume_all(&tx, By { actor: "test", at: now }, &document, customer).await.unwrap();
                }
                tx.commit().await.unwrap();
            }
        })
    });
    for buyer in buyers.collect::<Vec<_>>() {
        buyer.await.unwrap();
    }
    house.adds_up().await;
    assert_eq!(available(&house).await, 1_200 - 24 * 5 * 6);
}
