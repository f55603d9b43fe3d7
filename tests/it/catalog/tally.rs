//! The tally of products: what triggers keep is what a count finds, whatever is written and by how many at once.

use api::{catalog::store::tally, platform::cache::Topic};
use entities::{
    catalog::{ProductStatus, category, product, product_tally},
    values::{Slug, id::ProductId},
};
use proptest::prelude::*;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect, Set, TransactionTrait, sea_query::Expr,
};
use serde_json::json;

use crate::support::{Client, TestServer, demo_catalog};

/// One statement on products.
#[derive(Clone, Debug)]
enum Write {
    State { of: usize, many: u64, to: usize },
    Category { of: usize, many: u64, to: usize },
    Copy { of: usize, many: u64 },
    Delete { many: u64 },
    RolledBack { many: u64 },
    AddUp,
}

fn writes() -> impl Strategy<Value = Vec<Write>> {
    let (of, many) = (0..100_usize, 1..9_u64);
    let write = prop_oneof![
        3 => (of.clone(), many.clone(), 0..5_usize).prop_map(|(of, many, to)| Write::State { of, many, to }),
        3 => (of.clone(), many.clone(), 0..100_usize).prop_map(|(of, many, to)| Write::Category { of, many, to }),
        2 => (of.clone(), many.clone()).prop_map(|(of, many)| Write::Copy { of, many }),
        2 => many.clone().prop_map(|many| Write::Delete { many }),
        1 => many.prop_map(|many| Write::RolledBack { many }),
        1 => Just(Write::AddUp),
    ];
    prop::collection::vec(write, 20..40)
}

const STATES: [ProductStatus; 5] = [
    ProductStatus::Draft,
    ProductStatus::Proposed,
    ProductStatus::Published,
    ProductStatus::Rejected,
    ProductStatus::Archived,
];

async fn write(server: &TestServer, what: &Write) {
    let db = server.app.db();
    let some = async |of: usize, many: u64| {
        let found = product::Entity::find().order_by_asc(product::Column::Slug).offset(of as u64).limit(many);
        found.all(db.writer()).await.unwrap()
    };
    // What has offers cannot be deleted.
    let copies = async |many: u64| {
        let found = product::Entity::find().filter(product::Column::Slug.starts_with("copy-")).limit(many);
        found.all(db.writer()).await.unwrap()
    };
    let ids = |rows: &[product::Model]| rows.iter().map(|row| row.id).collect::<Vec<_>>();
    let moved = async |rows: Vec<product::Model>, column: product::Column, to: sea_orm::Value| {
        let update = product::Entity::update_many().col_expr(column, Expr::val(to));
        done(update.filter(product::Column::Id.is_in(ids(&rows))).exec(db.writer()).await);
    };
    match what {
        Write::State { of, many, to } => {
            moved(some(*of, *many).await, product::Column::Status, STATES[*to].into()).await;
        }
        Write::Category { of, many, to } => {
            let categories =
                category::Entity::find().order_by_asc(category::Column::Path).all(db.writer()).await.unwrap();
            let to = categories[to % categories.len()].id;
            moved(some(*of, *many).await, product::Column::CategoryId, to.into()).await;
        }
        Write::Copy { of, many } => {
            let copies = some(*of, *many).await.into_iter().map(|row| {
                let id = ProductId::new(server.app.clock().now());
                let mut copy = row.into_active_model().reset_all();
                copy.id = Set(id);
                copy.slug = Set(format!("copy-{}", id.0.simple()).parse::<Slug>().unwrap());
                copy
            });
            product::Entity::insert_many(copies).exec_without_returning(db.writer()).await.unwrap();
        }
        Write::Delete { many } => {
            let rows = copies(*many).await;
            done(product::Entity::delete_many().filter(product::Column::Id.is_in(ids(&rows))).exec(db.writer()).await);
        }
        Write::RolledBack { many } => {
            let rows = copies(*many).await;
            let tx = db.writer().begin().await.unwrap();
            done(product::Entity::delete_many().filter(product::Column::Id.is_in(ids(&rows))).exec(&tx).await);
            tx.rollback().await.unwrap();
        }
        Write::AddUp => tally::add_up(db).await.unwrap(),
    }
}

/// Two statements that change the same products in another order may be a deadlock: then one has done nothing.
fn done<T>(result: Result<T, DbErr>) {
    if let Err(error) = result {
        assert!(error.to_string().contains("deadlock"), "{error}");
    }
}

fn count(rows: usize) -> i64 {
    i64::try_from(rows).unwrap()
}

async fn agrees(server: &TestServer) -> Result<(), TestCaseError> {
    let db = server.app.db().writer();
    for status in STATES {
        let there = product::Entity::find().filter(product::Column::Status.eq(status)).all(db).await.unwrap();
        prop_assert_eq!(tally::tallied(db, &[status], None).await.unwrap(), count(there.len()), "of {:?}", status);
        for category in category::Entity::find().all(db).await.unwrap() {
            let of = category::Entity::find()
                .select_only()
                .column(category::Column::Id)
                .filter(category::Column::Id.eq(category.id));
            let of = sea_orm::QueryTrait::into_query(of);
            let counted = count(there.iter().filter(|row| row.category_id == category.id).count());
            let told = tally::tallied(db, &[status], Some(of)).await.unwrap();
            prop_assert_eq!(told, counted, "of {:?} in {}", status, category.slug);
        }
    }
    Ok(())
}

#[test]
fn the_tally_is_what_a_count_finds_whatever_is_written_by_four_at_once() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let server = runtime.block_on(async {
        let server = TestServer::start().await;
        demo_catalog(&server).await;
        server
    });
    let config = ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(all in prop::collection::vec(writes(), 4))| {
        runtime.block_on(async {
            let hand = async |writes: &[Write]| {
                for one in writes {
                    write(&server, one).await;
                }
            };
            tokio::join!(hand(&all[0]), hand(&all[1]), hand(&all[2]), hand(&all[3]));
            agrees(&server).await?;
            tally::add_up(server.app.db()).await.unwrap();
            agrees(&server).await?;
            let rows = product_tally::Entity::find().all(server.app.db().writer()).await.unwrap();
            let groups: std::collections::BTreeSet<_> = rows.iter().map(|row| (format!("{:?}", row.status), row.category_id)).collect();
            prop_assert_eq!(rows.len(), groups.len(), "rows are left that could be added up");
            Ok::<(), TestCaseError>(())
        })?;
    });
    drop(server);
    drop(runtime);
}

/// A list of a hundred and of a million products must cost the same; so its total comes from the tally, which is shown
/// by a tally that is wrong.
#[tokio::test(flavor = "multi_thread")]
async fn totals_by_state_and_category_are_not_counted() {
    let server = TestServer::start().await;
    demo_catalog(&server).await;
    let (operator, anyone) = (server.operator().await, server.anonymous());
    let found = anyone.data("{ products(first: 1) { nodes { category { id } } } }", json!({})).await;
    let category = found["products"]["nodes"][0]["category"]["id"].clone();
    let total = async |of: &Client, arguments: &str, time: &str| {
        server.app.cache().outdate(Topic::Catalog).await;
        // Another text is another answer of the response cache.
        let data = of.data(&format!("{{ products{arguments} {{ totalCount }} {time}: __typename }}"), json!({})).await;
        data["products"]["totalCount"].as_i64().unwrap()
    };
    let asked = [
        (&anyone, String::new(), true),
        (&anyone, "(orderBy: { field: NAME, direction: ASC })".to_owned(), true),
        (&anyone, format!("(filter: {{ categoryId: {category} }})"), true),
        (&operator, "(filter: { statuses: [PUBLISHED, DRAFT] })".to_owned(), true),
        // Who sees only some drafts must be told how many these are.
        (&anyone, "(filter: { statuses: [PUBLISHED, DRAFT] })".to_owned(), false),
        (&anyone, "(filter: { origins: [\"CN\"] })".to_owned(), false),
        (&anyone, "(orderBy: { field: PRICE, direction: ASC })".to_owned(), false),
    ];
    let mut before = Vec::new();
    for (of, arguments, _) in &asked {
        before.push(total(of, arguments, "before").await);
    }
    let wrong = "UPDATE product_tally SET n = n + 1000 WHERE status = 'published'";
    server.app.db().writer().execute_unprepared(wrong).await.unwrap();
    for ((of, arguments, tallied), before) in asked.iter().zip(before) {
        let now = total(of, arguments, "after").await;
        assert_eq!(now != before, *tallied, "{arguments}: {before}, then {now}");
    }
}
