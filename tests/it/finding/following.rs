//! How the index follows the database: rebuilt beside the live one, compared and repaired, brought back when lost.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use api::finding::index;
use entities::catalog::product;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use search::{Found, Kind, Query, Visible};
use serde_json::json;

use crate::support::{SELLER, TestServer, demo_catalog, published_rug};

async fn eventually(what: &str, mut is: impl AsyncFnMut() -> bool) {
    for _ in 0..400 {
        if is().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("after ten seconds still not: {what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_leaves_no_gap_and_loses_nothing() {
    let server = TestServer::start().await;
    demo_catalog(&server).await;
    let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let reader = tokio::spawn({
        let (client, stop, asked) = (server.anonymous(), stop.clone(), asked.clone());
        async move {
            while !stop.load(Ordering::SeqCst) {
                let found = client
                    .data("{ search(query: \"藏毯\", filter: { kinds: [PRODUCT] }) { totalCount } }", json!({}))
                    .await;
                assert!(found["search"]["totalCount"].as_u64().unwrap() > 5, "a gap during the rebuild: {found}");
                asked.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    index::ask_for_rebuild(&server.app).await.unwrap();
    let mut keys = Vec::new();
    while index::progress(&server.app).await.unwrap().is_some() || keys.len() < 3 {
        let key = format!("during-{}", keys.len());
        published_rug(&server, SELLER, &key).await;
        keys.push(key);
    }
    server.settled().await;
    stop.store(true, Ordering::SeqCst);
    reader.await.unwrap();
    assert!(asked.load(Ordering::SeqCst) > 0);
    for key in keys {
        let query = Query::words(format!("rug-{key}"), Visible::Public, &[Kind::Product], 3);
        assert!(server.app.search().search(&query).await.unwrap().total > 0, "{key} was lost in the rebuild");
    }
    assert!(index::compare(&server.app, 1, |_| ()).await.unwrap().none(), "index and database differ");
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_is_seen_and_repaired() {
    let server = TestServer::start().await;
    demo_catalog(&server).await;
    let db = server.app.db();
    assert!(index::compare(&server.app, 1, |_| ()).await.unwrap().none());
    // Behind the back of every operation: one changes, one goes, one is in the index only.
    let two = product::Entity::find()
        .filter(product::Column::Slug.is_in(["yak-milk-powder-can", "doma-frog-foot-border-rug"]));
    let two = two.all(db.read()).await.unwrap();
    let found: Vec<Found> = two.iter().map(|p| Found { kind: Kind::Product, id: p.id.0 }).collect();
    let mut ghost = index::documents_of(db.read(), &found[..1]).await.unwrap();
    ghost[0].id = uuid::Uuid::from_u128(42);
    server.app.search().put(ghost, &[found[1].id]).await.unwrap();
    product::Entity::update_many()
        .col_expr(product::Column::SortEn, sea_orm::sea_query::Expr::value("moved"))
        .filter(product::Column::Id.eq(two[0].id))
        .exec(db.writer())
        .await
        .unwrap();
    let drift = index::compare(&server.app, 1, |_| ()).await.unwrap();
    assert_eq!(drift.behind.len(), 2, "{drift:?}");
    assert_eq!(drift.gone, [Found { kind: Kind::Product, id: uuid::Uuid::from_u128(42) }]);
    index::repair(&server.app, &drift).await.unwrap();
    server.settled().await;
    assert!(index::compare(&server.app, 1, |_| ()).await.unwrap().none(), "the repair did not repair");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_index_costs_no_read_and_comes_back() {
    let server = TestServer::start().await;
    demo_catalog(&server).await;
    let client = server.anonymous();
    let readyz = async || {
        let answer = server.http().get(format!("{}/readyz", server.url)).send().await.unwrap();
        answer.json::<serde_json::Value>().await.unwrap()["status"].as_str().unwrap().to_owned()
    };
    eventually("ready", async || readyz().await == "ready").await;
    std::fs::remove_dir_all(server.data_dir().join("search")).unwrap();
    let mut degraded = false;
    for _ in 0..40 {
        let found = client.data("{ search(query: \"goji\") { totalCount nodes { __typename } } }", json!({})).await;
        assert!(found["search"]["totalCount"].as_u64().unwrap() > 3, "{found}");
        degraded |= readyz().await == "degraded";
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(degraded, "nobody is told that the index was away");
    eventually("the index is back", async || readyz().await == "ready").await;
    server.settled().await;
    assert!(index::compare(&server.app, 1, |_| ()).await.unwrap().none());
}
