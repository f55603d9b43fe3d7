//! The account book: what orders lock, unlock and reduce of it.

use api::inventory::book;
use entities::{
    inventory::{BookEvent, bonded_entry, book as item},
    values::{Refusal, id::BondedItemId},
};

use super::*;

/// A bonded warehouse, and items of its book.
struct Zone {
    house: House,
    owner: OrganisationId,
    location: StockLocationId,
}

impl Zone {
    async fn new() -> Self {
        let house = House::new().await;
        house.location("ZONE", "BONDED_WAREHOUSE").await;
        let row = location::Entity::find().one(house.server.app.db().writer()).await.unwrap().unwrap();
        Self { house, owner: row.organisation_id, location: row.id }
    }

    async fn item(&self, variant: VariantId, number: i32, increased: i64) -> BondedItemId {
        let (db, now) = (self.house.server.app.db().writer(), self.house.server.app.clock().now());
        let row = item::Model {
            id: BondedItemId::new(now),
            location_id: self.location,
            book: "L9013B19A008".parse().unwrap(),
            number,
            owner_id: self.owner,
            variant_id: variant,
            pre_increase: 0,
            increased: 0,
            locked: 0,
            reduced: 0,
            version: 1,
        };
        item::Entity::insert(row.clone().into_active_model()).exec_without_returning(db).await.unwrap();
        let by = By { actor: "test", at: now };
        for event in [BookEvent::PreIncrease, BookEvent::Increase] {
            book::note(db, by, row.id, event, increased, &format!("in-{number}")).await.unwrap();
        }
        row.id
    }

    async fn columns(&self, id: BondedItemId) -> (i64, i64, i64) {
        let row = item::Entity::find_by_id(id).one(self.house.server.app.db().writer()).await.unwrap().unwrap();
        (row.increased, row.locked, row.reduced)
    }

    async fn lock(&self, wants: &[book::Wanted], document: &str) -> Result<Vec<BondedItemId>, Refusal> {
        let app = &self.house.server.app;
        let tx = app.db().begin().await.unwrap();
        let done = book::lock(&tx, By { actor: "test", at: app.clock().now() }, wants, document).await;
        match done {
            Ok(ids) => {
                tx.commit().await.unwrap();
                Ok(ids)
            }
            Err(Error::Refused(refusals)) => Err(refusals[0].clone()),
            Err(other) => panic!("{other:?}"),
        }
    }

    async fn ended(&self, event: BookEvent, document: &str) -> usize {
        let app = &self.house.server.app;
        let tx = app.db().begin().await.unwrap();
        let by = By { actor: "test", at: app.clock().now() };
        let done = match event {
            BookEvent::Unlock => book::unlock(&tx, by, document).await,
            _ => book::reduce(&tx, by, document).await,
        };
        tx.commit().await.unwrap();
        done.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_vector_of_section_6_2_over_the_tables() {
    let zone = Zone::new().await;
    let variant = zone.house.variants(1).await[0];
    let id = zone.item(variant, 1, 100).await;
    let want = |quantity| [(zone.owner, zone.location, variant, quantity)];
    assert_eq!(zone.lock(&want(30), "a").await.unwrap(), [id]);
    let short = zone.lock(&want(71), "b").await.unwrap_err();
    assert_eq!((short.code, short.field.join(".")), (ErrorCode::BookShort, "lines.0.quantity".into()));
    assert_eq!(short.details.get("available").unwrap(), "70");
    assert_eq!(zone.lock(&want(70), "c").await.unwrap(), [id]);
    assert_eq!(zone.columns(id).await, (100, 100, 0));
    assert_eq!(zone.ended(BookEvent::Reduce, "a").await, 1);
    assert_eq!(zone.columns(id).await, (100, 70, 30));
    assert_eq!(zone.ended(BookEvent::Unlock, "c").await, 1);
    assert_eq!(zone.columns(id).await, (100, 0, 30));
    // Once each; and nothing goes out that was not locked.
    for (event, document) in [(BookEvent::Reduce, "a"), (BookEvent::Unlock, "a"), (BookEvent::Reduce, "c")] {
        assert_eq!(zone.ended(event, document).await, 0, "{event:?} of {document}");
    }
    let db = zone.house.server.app.db().writer();
    let by = By { actor: "test", at: zone.house.server.app.clock().now() };
    let unlocked = book::note(db, by, id, BookEvent::Reduce, 1, "d").await.unwrap_err();
    assert_eq!(code(&unlocked), Some(ErrorCode::BookShort), "reduced without a lock");
    let more = book::note(db, by, id, BookEvent::ReturnIn, 31, "r").await.unwrap_err();
    assert_eq!(code(&more), Some(ErrorCode::BookShort), "more came back than went");
    book::note(db, by, id, BookEvent::ReturnIn, 5, "r").await.unwrap();
    assert_eq!(zone.columns(id).await, (100, 0, 25));
    zone.house.adds_up().await;
    for statement in ["UPDATE bonded_entry SET quantity = 1", "DELETE FROM bonded_entry"] {
        assert!(db.execute_unprepared(statement).await.is_err(), "{statement}");
    }
    db.execute_unprepared("UPDATE bonded_item SET increased = increased + 1").await.unwrap();
    let found = reconcile::findings(db, by.at).await.unwrap();
    assert!(found.iter().any(|finding| finding.what.contains("entries")), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_locked_whole_in_the_order_of_numbers_and_once() {
    let zone = Zone::new().await;
    let variants = zone.house.variants(3).await;
    let (late, first) = (zone.item(variants[0], 9, 50).await, zone.item(variants[0], 2, 10).await);
    let other = zone.item(variants[1], 5, 10).await;
    let want = |variant, quantity| (zone.owner, zone.location, variant, quantity);
    let order = [want(variants[0], 8), want(variants[1], 4), want(variants[0], 8)];
    let mut ids = zone.lock(&order, "o-1").await.unwrap();
    ids.sort();
    let mut all = vec![late, other];
    all.sort();
    assert_eq!(ids, all);
    // A line of a list names one item: the one that has it all, though another has a lower number.
    assert_eq!((zone.columns(first).await.1, zone.columns(late).await.1), (0, 16));
    assert_eq!(zone.lock(&order, "o-1").await.unwrap().len(), 2, "asked for again");
    assert_eq!(zone.columns(late).await.1, 16, "the same order was locked twice");
    // Where several have it all, that with the lowest number; where none has, the lowest numbers first.
    zone.lock(&[want(variants[0], 3)], "o-3").await.unwrap();
    assert_eq!((zone.columns(first).await.1, zone.columns(late).await.1), (3, 16));
    zone.lock(&[want(variants[0], 36)], "o-4").await.unwrap();
    assert_eq!((zone.columns(first).await.1, zone.columns(late).await.1), (10, 45));
    zone.ended(BookEvent::Unlock, "o-3").await;
    zone.ended(BookEvent::Unlock, "o-4").await;
    // All or nothing.
    let short = zone.lock(&[want(variants[0], 1), want(variants[1], 7)], "o-2").await.unwrap_err();
    assert_eq!((short.code, short.field[1].as_str()), (ErrorCode::BookShort, "1"));
    let unfiled = zone.lock(&[want(variants[0], 1), want(variants[2], 1)], "o-2").await.unwrap_err();
    assert_eq!((unfiled.code, unfiled.field.join(".")), (ErrorCode::NotFiled, "lines.1".into()));
    assert_eq!(zone.columns(late).await.1, 16);
    // Unlocked, and paid for after all.
    assert_eq!(zone.ended(BookEvent::Unlock, "o-1").await, 2);
    assert_eq!(zone.lock(&order, "o-1").await.unwrap().len(), 2);
    assert_eq!(zone.ended(BookEvent::Reduce, "o-1").await, 2);
    assert_eq!(zone.columns(late).await, (50, 0, 16));
    zone.house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_race_for_an_item_lock_what_there_is_and_no_more() {
    let zone = Zone::new().await;
    let variants = zone.house.variants(2).await;
    let (a, b) = (zone.item(variants[0], 1, 20).await, zone.item(variants[1], 2, 20).await);
    let zone = Arc::new(zone);
    let racers = (0..32_usize).map(|n| {
        let (zone, variants) = (zone.clone(), variants.clone());
        tokio::spawn(async move {
            let mut wants = variants.iter().map(|id| (zone.owner, zone.location, *id, 1)).collect::<Vec<_>>();
            if n % 2 == 1 {
                wants.reverse();
            }
            // The same document from two sides is one lock.
            match zone.lock(&wants, &format!("o-{}", n / 2)).await {
                Ok(_) => true,
                Err(refusal) => {
                    assert_eq!(refusal.code, ErrorCode::BookShort);
                    false
                }
            }
        })
    });
    for racer in racers.collect::<Vec<_>>() {
        assert!(racer.await.unwrap(), "16 orders of 20 pieces");
    }
    assert_eq!((zone.columns(a).await.1, zone.columns(b).await.1), (16, 16));
    let locks = bonded_entry::Entity::find()
        .filter(bonded_entry::Column::Event.eq(BookEvent::Lock))
        .all(zone.house.server.app.db().writer())
        .await
        .unwrap();
    assert_eq!(locks.len(), 32);
    zone.house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_note_under_an_orders_number_is_not_the_orders() {
    let zone = Zone::new().await;
    let variants = zone.house.variants(2).await;
    let (own, other) = (zone.item(variants[0], 1, 10).await, zone.item(variants[1], 2, 10).await);
    let app = &zone.house.server.app;
    let (db, by) = (app.db().writer(), By { actor: "test", at: app.clock().now() });
    book::note(db, by, other, BookEvent::Lock, 3, "o-1").await.unwrap();
    let want = [(zone.owner, zone.location, variants[0], 4)];
    assert_eq!(zone.lock(&want, "o-1").await.unwrap(), [own]);
    let locked: Vec<_> = book::locked_for(db, "o-1").await.unwrap().into_iter().map(|item| item.id).collect();
    assert_eq!(locked, [own]);
    // Of the same item as well.
    book::note(db, by, own, BookEvent::Lock, 2, "o-1").await.unwrap();
    for event in [BookEvent::Unlock, BookEvent::Reduce] {
        let too_much = book::note(db, by, own, event, 3, "o-1").await;
        assert!(too_much.is_err(), "people take what the order locked: {event:?}");
    }
    assert_eq!(zone.ended(BookEvent::Reduce, "o-1").await, 1);
    assert_eq!((zone.columns(own).await, zone.columns(other).await), ((10, 2, 4), (10, 3, 0)));
    // Who noted it takes it back.
    book::note(db, by, other, BookEvent::Unlock, 3, "o-1").await.unwrap();
    book::note(db, by, own, BookEvent::Unlock, 2, "o-1").await.unwrap();
    assert_eq!((zone.columns(own).await, zone.columns(other).await), ((10, 0, 4), (10, 0, 0)));
    zone.house.adds_up().await;
}
