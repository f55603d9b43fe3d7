//! The audit: who did what, and that nobody can change it unseen.

use api::platform::audit::{self, NOBODYS};
use entities::platform::{audit_entry, audit_head};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};

use crate::support::{Backend, OPERATOR, OTHER_SELLER, SELLER, TestServer, backend, leaf, published_rug, rug};

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_in_the_trail_of_what_was_changed() {
    let server = TestServer::start().await;
    let owner = server.member("owner", SELLER).await;
    let operator = server.member("operator", OPERATOR).await;
    let content = rug("a", &leaf(&owner).await);
    let made =
        owner.done("createProduct", "product { id version }", json!({ "content": content })).await["product"].clone();
    operator.done("publishProduct", "", json!({ "id": made["id"], "expectedVersion": 1 })).await;
    let trail = "query($id: ID!) { auditTrail(nodeId: $id) { nodes { place action actor at nodeId body hash } } }";
    let entries = owner.data(trail, json!({ "id": made["id"] })).await["auditTrail"]["nodes"].clone();
    let actions: Vec<&str> = entries.as_array().unwrap().iter().map(|e| e["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["publishProduct", "createProduct"]);
    let body: Value = serde_json::from_str(entries[0]["body"].as_str().unwrap()).unwrap();
    assert_eq!((&body["before"]["status"], &body["after"]["status"]), (&json!("DRAFT"), &json!("PUBLISHED")));
    assert!(entries[0]["actor"].as_str().unwrap().starts_with("person:"));
    // Another organisation's owner sees nothing of it, the zone's auditor everything, who has no such role nothing.
    let stranger = server.member("owner", OTHER_SELLER).await;
    assert_eq!(stranger.data(trail, json!({ "id": made["id"] })).await["auditTrail"]["nodes"], json!([]));
    let auditor = server.member("auditor", OPERATOR).await;
    assert_eq!(auditor.data(trail, json!({ "id": made["id"] })).await["auditTrail"]["nodes"], entries);
    let manager = server.member("catalog-manager", SELLER).await;
    assert_eq!(manager.error(trail, json!({ "id": made["id"] })).await, "FORBIDDEN");
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_at_once_make_one_unbroken_chain() {
    let server = TestServer::start().await;
    let category = leaf(&server.anonymous()).await;
    let tasks: Vec<_> = (0..16)
        .map(|n| {
            let content = rug(&format!("c{n}"), &category);
            let server = &server;
            async move { server.seller(SELLER).await.done("createProduct", "", json!({ "content": content })).await }
        })
        .collect();
    all_at_once(tasks).await;
    let (walked, broken) = audit::verify(server.app.db().read(), |_| {}).await.unwrap();
    assert!(walked >= 16 && broken.is_empty(), "{walked} {broken:?}");
    let chain = api::party::ops::organisation_by_slug(server.app.db().read(), SELLER).await.unwrap().unwrap().id;
    let head = audit_head::Entity::find_by_id(chain).one(server.app.db().read()).await.unwrap().unwrap();
    assert_eq!(head.seq, 16);
}

async fn all_at_once<F: Future>(all: Vec<F>) {
    let mut running: Vec<_> = all.into_iter().map(Box::pin).collect();
    std::future::poll_fn(|context| {
        running.retain_mut(|future| future.as_mut().poll(context).is_pending());
        if running.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_tampered_with_is_found_at_its_first_broken_link() {
    let server = TestServer::start().await;
    for key in ["a", "b", "c"] {
        published_rug(&server, SELLER, key).await;
    }
    server.member("owner", SELLER).await;
    let db = server.app.db();
    let check = async || audit::verify(db.read(), |_| {}).await.unwrap().1;
    assert!(check().await.is_empty());
    let rows = audit_entry::Entity::find()
        .filter(audit_entry::Column::ChainId.ne(NOBODYS))
        .order_by_asc(audit_entry::Column::Seq)
        .all(db.read())
        .await
        .unwrap();
    let third = rows.iter().find(|row| row.seq == 3).unwrap().clone();
    let sql = |statement: String| async move { db.writer().execute_unprepared(&statement).await };
    // The database itself refuses a mistaken statement.
    assert!(sql("UPDATE audit_entry SET actor = 'nobody'".into()).await.is_err());
    assert!(sql("DELETE FROM audit_entry".into()).await.is_err());
    let way_around = match backend() {
        Backend::Sqlite => "REPLACE INTO audit_entry SELECT * FROM audit_entry",
        Backend::Postgres(_) => "TRUNCATE audit_entry",
    };
    assert!(sql(way_around.into()).await.is_err(), "{way_around}");
    // Whoever gets past that is found.
    let open: &[&str] = match backend() {
        Backend::Sqlite => &[
            "DROP TRIGGER audit_entry_no_update",
            "DROP TRIGGER audit_entry_no_delete",
            "DROP TRIGGER audit_entry_no_replace",
        ],
        Backend::Postgres(_) => &["DROP TRIGGER audit_entry_append_only ON audit_entry"],
    };
    for statement in open {
        sql((*statement).to_owned()).await.unwrap();
    }
    let id = match backend() {
        Backend::Sqlite => format!("id = x'{}'", third.id.0.simple()),
        Backend::Postgres(_) => format!("id = '{}'", third.id),
    };
    let forged = third.body.replace("createProduct", "readNothing");
    for (what, change, undo) in [
        ("a body", format!("body = '{forged}'"), format!("body = '{}'", third.body)),
        ("a column", "actor = 'nobody'".to_owned(), format!("actor = '{}'", third.actor)),
        ("a node", "node = 'x'".to_owned(), format!("node = '{}'", third.node)),
        ("a hash", format!("hash = '{}'", "0".repeat(64)), format!("hash = '{}'", third.hash)),
    ] {
        sql(format!("UPDATE audit_entry SET {change} WHERE {id}")).await.unwrap();
        let broken = check().await;
        assert_eq!(
            broken.iter().map(|b| (b.chain, b.seq)).collect::<Vec<_>>(),
            [(third.chain_id, 3)],
            "{what} was changed"
        );
        sql(format!("UPDATE audit_entry SET {undo} WHERE {id}")).await.unwrap();
        assert!(check().await.is_empty(), "{what}");
    }
    // An entry that is added behind the end.
    let behind = third.seq + 1_000;
    let copy = format!("SELECT chain_id, {behind}, node, actor, action, at, body, hash FROM audit_entry WHERE {id}");
    let new_id = match backend() {
        Backend::Sqlite => "x'00000000000000000000000000000001'".to_owned(),
        Backend::Postgres(_) => "'00000000-0000-0000-0000-000000000001'::uuid".to_owned(),
    };
    let columns = "id, chain_id, seq, node, actor, action, at, body, hash";
    sql(format!("INSERT INTO audit_entry ({columns}) {}", copy.replacen("SELECT ", &format!("SELECT {new_id}, "), 1)))
        .await
        .unwrap();
    assert_eq!(check().await.iter().map(|b| b.seq).collect::<Vec<_>>(), [behind], "an entry was added unseen");
    sql(format!("DELETE FROM audit_entry WHERE seq = {behind}")).await.unwrap();
    // Recomputing one hash moves the fault to the next entry, and taking the last away shows at the end.
    sql(format!("DELETE FROM audit_entry WHERE {id}")).await.unwrap();
    assert_eq!(check().await[0].seq, 3, "an entry was taken out unseen");
    let last = rows.iter().map(|row| row.seq).max().unwrap();
    sql(format!("DELETE FROM audit_entry WHERE seq >= {}", 3)).await.unwrap();
    let broken = check().await;
    assert!(
        broken.iter().any(|b| b.chain == third.chain_id && b.seq == 3),
        "the end was cut off unseen ({last}): {broken:?}"
    );
    sql("DELETE FROM audit_head".into()).await.unwrap();
    assert!(!check().await.is_empty(), "whole chains vanish unseen");
    assert!(audit_entry::Entity::find().count(db.read()).await.unwrap() > 0);
}
