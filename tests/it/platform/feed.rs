//! The change feed: nothing is missed, nothing comes twice, whatever commits when.

use std::{collections::BTreeMap, time::Duration};

use api::platform::feed::{self, Event};
use entities::{
    platform::{EventKind, feed_entry},
    values::id::OrganisationId,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::support::{Backend, SELLER, TestServer, backend};

async fn seller(server: &TestServer) -> OrganisationId {
    api::party::ops::organisation_by_slug(server.app.db().read(), SELLER).await.unwrap().unwrap().id
}

fn event(audience: OrganisationId, node: String) -> Event {
    Event { audience, kind: EventKind::FilingChanged, node, version: 1 }
}

/// How everyone reads a feed at first: what has a higher number than the last one seen.
async fn naive(server: &TestServer, after: i64) -> Vec<i64> {
    let rows = feed_entry::Entity::find().filter(feed_entry::Column::Seq.gt(after));
    let rows = rows.order_by_asc(feed_entry::Column::Seq).all(server.app.db().read()).await.unwrap();
    rows.iter().map(|row| row.seq).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trap_of_numbers_given_before_the_commit_is_there_and_is_not_stepped_into() {
    // On SQLite writers queue, so a lower number is never committed after a higher one.
    if backend() == Backend::Sqlite {
        let server = TestServer::start().await;
        let audience = seller(&server).await;
        let slow = server.app.db().begin().await.unwrap();
        feed::write(&slow, &event(audience, "slow".into()), server.app.clock().now()).await.unwrap();
        let quick = tokio::time::timeout(Duration::from_millis(300), server.app.db().begin()).await;
        assert!(quick.is_err(), "two writers at once: SQLite has the trap too");
        return;
    }
    let server = TestServer::start().await;
    let (db, now, audience) = (server.app.db(), server.app.clock().now(), seller(&server).await);
    let slow = db.begin().await.unwrap();
    feed::write(&slow, &event(audience, "slow".into()), now).await.unwrap();
    let quick = db.begin().await.unwrap();
    feed::write(&quick, &event(audience, "quick".into()), now).await.unwrap();
    quick.commit().await.unwrap();
    let (seen, guarded) = (naive(&server, 0).await, feed::read(db, audience, &[], 0, 10).await.unwrap());
    slow.commit().await.unwrap();
    let last = *seen.last().unwrap();
    assert!(naive(&server, last).await.is_empty() && seen.len() == 1, "the trap is gone; what is it that is tested?");
    let after = guarded.last().unwrap().position.unwrap();
    let rest = feed::read(db, audience, &[], after, 10).await.unwrap();
    let nodes: Vec<&str> = guarded.iter().chain(&rest).map(|row| row.node.as_str()).collect();
    assert_eq!(nodes, ["quick", "slow"], "a row was lost or came twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_writers_and_one_that_dawdles_lose_no_row_and_repeat_none() {
    let server = TestServer::start().await;
    let audience = seller(&server).await;
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let (db, clock) = (server.app.db().clone(), server.app.clock().clone());
            tokio::spawn(async move {
                let mut n = 0;
                while n < 40 {
                    let Ok(tx) = db.begin().await else { continue };
                    for _ in 0..4 {
                        let node = format!("w{writer}-{n:03}");
                        feed::write(&tx, &event(audience, node), clock.now()).await.unwrap();
                        n += 1;
                    }
                    // One of them holds its numbers for two seconds before it commits.
                    if writer == 0 && n == 20 {
                        tokio::time::sleep(Duration::from_secs(2)).await;
                    }
                    tx.commit().await.unwrap();
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            })
        })
        .collect();
    let reader = {
        let db = server.app.db().clone();
        tokio::spawn(async move {
            let (mut after, mut seen) = (0, Vec::new());
            let begun = std::time::Instant::now();
            while seen.len() < 320 && begun.elapsed() < Duration::from_secs(30) {
                // A busy database is asked again, from the same place.
                if let Ok(rows) = feed::read(&db, audience, &[], after, 50).await {
                    for row in rows {
                        let position = row.position.unwrap();
                        assert!(position > after, "positions run backwards");
                        after = position;
                        seen.push(row.node);
                    }
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            seen
        })
    };
    for writer in writers {
        writer.await.unwrap();
    }
    let seen = reader.await.unwrap();
    let mut count: BTreeMap<&String, usize> = BTreeMap::new();
    for node in &seen {
        *count.entry(node).or_default() += 1;
    }
    assert_eq!((seen.len(), count.len()), (320, 320), "rows were lost or came twice");
    // What one writer wrote comes in its order.
    for writer in 0..8 {
        let own: Vec<&String> = seen.iter().filter(|n| n.starts_with(&format!("w{writer}-"))).collect();
        assert!(own.is_sorted(), "writer {writer} is read out of order");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_that_was_never_given_out_is_refused() {
    use serde_json::json;
    let server = TestServer::start().await;
    crate::support::published_rug(&server, SELLER, "a").await;
    let owner = server.member("owner", SELLER).await;
    let read = "query($after: String, $first: Int) { changeFeed(after: $after, first: $first) { items { eventId } endCursor hasMore } }";
    let first = owner.data(read, json!({})).await["changeFeed"].clone();
    assert_eq!(first["items"].as_array().unwrap().len(), 1);
    let rest = owner.data(read, json!({ "after": first["endCursor"] })).await["changeFeed"].clone();
    assert_eq!(rest, json!({ "items": [], "endCursor": first["endCursor"], "hasMore": false }));
    for (after, size) in
        [("99999", 10), ("-1", 10), ("x", 10), ("9223372036854775808", 10), ("0", 0), ("0", -1), ("0", 501)]
    {
        let code = owner.error(read, json!({ "after": after, "first": size })).await;
        assert_eq!(code, "BAD_INPUT", "after {after}, first {size}");
    }
    let named: String = "WEBHOOK_TEST ".repeat(1_900);
    let many = format!("{{ changeFeed(events: [{named}]) {{ items {{ eventId }} }} }}");
    assert_eq!(owner.data(&many, json!({})).await["changeFeed"]["items"], json!([]));
}
