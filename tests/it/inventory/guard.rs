//! The guard of these tests: what looks first and takes then is found out by them.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use entities::inventory::balance;
use sea_orm::{ConnectionTrait, EntityTrait, Statement};
use serde_json::json;

use super::House;
use crate::support::{Backend, backend};

/// Looks how many are promised, and promises one more: as shops do that oversell.
async fn looks_first(house: &House, id: uuid::Uuid) -> bool {
    let db = house.server.app.db();
    let row =
        balance::Entity::find_by_id(entities::values::id::StockBalanceId(id)).one(db.read()).await.unwrap().unwrap();
    if row.available() < 1 {
        return false;
    }
    let text = "UPDATE stock_balance SET reserved = $1 WHERE id = $2";
    let values = [(row.reserved + 1).into(), id.into()];
    let statement = Statement::from_sql_and_values(db.writer().get_database_backend(), text, values);
    db.writer().execute_raw(statement).await.unwrap();
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_looks_first_and_takes_then_oversells_in_this_harness() {
    let house = House::new().await;
    let back = house.location("BACK", "DUTY_PAID_WAREHOUSE").await;
    house.receive(&back, json!([house.line(500, "", None)])).await;
    let row = balance::Entity::find().all(house.server.app.db().writer()).await.unwrap();
    let id = row.into_iter().find(|row| !row.outside).unwrap().id.0;
    let (clients, times) = if backend() == Backend::Sqlite { (16, 60) } else { (64, 60) };
    let sold = Arc::new(AtomicI64::new(0));
    let house = Arc::new(house);
    let barrier = Arc::new(tokio::sync::Barrier::new(clients));
    let buyers = (0..clients).map(|_| {
        let (house, sold, barrier) = (house.clone(), sold.clone(), barrier.clone());
        tokio::spawn(async move {
            barrier.wait().await;
            for _ in 0..times {
                if looks_first(&house, id).await {
                    sold.fetch_add(1, Ordering::SeqCst);
                }
            }
        })
    });
    for buyer in buyers.collect::<Vec<_>>() {
        buyer.await.unwrap();
    }
    let sold = sold.load(Ordering::SeqCst);
    assert!(sold > 500, "check-then-act sold {sold} of 500: the harness does not race, and proves nothing");
    println!("check-then-act sold {sold} of 500");
}
