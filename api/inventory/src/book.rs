//! The account book of customs (账册): what happened to its items. Each change of an item is one guarded UPDATE and an
//! entry that is only added; the columns are the sums of the entries.
//!
//! Orders lock what they will send out ([`lock`]), unlock what they will not ([`unlock`]), and reduce what customs let
//! out ([`reduce`]), each for their whole document and once. Items are locked in the order of their ids before any is
//! touched. What inbound notices declare, bring and take back goes the same way ([`inbound`]). The book is apart from the
//! shelves: nothing here moves stock.
//!
//! People note what happened under any document ([`note`]), also under one that is somebody else's order: such an entry
//! counts for its item and nothing else. What an order locks, unlocks, reduces and declares is what it locked itself.

use std::collections::{BTreeMap, BTreeSet};

use entities::{
    inventory::{
        BookEvent, bonded_entry,
        bonded_entry::{expected, outstanding},
        book, location,
    },
    values::{
        ErrorCode, Refusal,
        id::{BondedEntryId, BondedItemId, OrganisationId, StockLocationId, VariantId},
    },
};
use platform::{
    db::{Dialect, dialect},
    error::Error,
    guarded::change_each,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, sea_query::LockType,
};

use super::{
    ledger::{By, in_line},
    promises::holding::in_range,
};

/// What is to be locked: whose goods, in the book of which warehouse, what and how much.
pub type Wanted = (OrganisationId, StockLocationId, VariantId, i64);

/// Locks what a document will send out (预减): of the item with the lowest number that has it all, because a line of a list
/// names one item; when none has, of several, the lowest numbers first. All lines or, when one is short, none. Refused
/// with `NOT_FILED` when the book of the warehouse has no such item, with `BOOK_SHORT` when it has too little; both name
/// their line. What is locked for the document of a variant, asked for again it is the same lock. Answers with the items. The caller rolls back what was refused.
pub async fn lock(
    tx: &impl ConnectionTrait,
    by: By<'_>,
    wants: &[Wanted],
    document: &str,
) -> Result<Vec<BondedItemId>, Error> {
    if wants.is_empty() {
        return Ok(Vec::new());
    }
    let any = wants.iter().fold(Condition::any(), |any, (owner, location, variant, _)| {
        any.add(
            Condition::all()
                .add(book::Column::OwnerId.eq(*owner))
                .add(book::Column::VariantId.eq(*variant))
                .add(book::Column::LocationId.eq(*location)),
        )
    });
    let mut items = locked(tx, any).await?;
    let before = entries_of(tx, document).await?;
    let still: BTreeSet<BondedItemId> = open(&before).into_keys().collect();
    let there: BTreeSet<VariantId> =
        items.iter().filter(|item| still.contains(&item.id)).map(|item| item.variant_id).collect();
    items.sort_by(|a, b| (a.book.as_str(), a.number).cmp(&(b.book.as_str(), b.number)));
    let mut taken: BTreeMap<BondedItemId, i64> = BTreeMap::new();
    for (n, (owner, location, variant, quantity)) in wants.iter().enumerate() {
        if there.contains(variant) {
            continue;
        }
        in_range(*quantity).map_err(|refusal| in_line(refusal.into(), n))?;
        let of = |item: &&book::Model| {
            item.owner_id == *owner && item.location_id == *location && item.variant_id == *variant
        };
        if !items.iter().any(|item| of(&item)) {
            return Err(in_line(not_filed(tx, *location).await?.into(), n));
        }
        let (mut left, mut available) = (*quantity, 0);
        let free_of = |taken: &BTreeMap<BondedItemId, i64>, item: &book::Model| {
            item.quantities().available() - taken.get(&item.id).copied().unwrap_or_default()
        };
        let all: i64 = wants
            .iter()
            .filter(|want| (want.0, want.1, want.2) == (*owner, *location, *variant))
            .map(|want| want.3)
            .sum();
        // What lines before it of the same goods took is of that item, too.
        let whole = items.iter().filter(of).find(|item| item.quantities().available() >= all).map(|item| item.id);
        for item in items.iter().filter(of).filter(|item| whole.is_none_or(|whole| item.id == whole)) {
            let free = free_of(&taken, item);
            let some = free.min(left).max(0);
            if some > 0 {
                *taken.entry(item.id).or_default() += some;
            }
            available += free.max(0);
            left -= some;
        }
        if left > 0 {
            return Err(in_line(short(available).at("quantity").into(), n));
        }
    }
    changed(tx, by, BookEvent::Lock, &taken, document, &before, false).await?;
    Ok(still.into_iter().chain(taken.into_keys()).collect())
}

/// Which of these variants of an owner are filed in the book of a warehouse.
pub async fn filed(
    db: &impl ConnectionTrait,
    owner: OrganisationId,
    location: StockLocationId,
    variants: impl IntoIterator<Item = VariantId>,
) -> Result<BTreeSet<VariantId>, Error> {
    let items = book::Entity::find()
        .filter(book::Column::OwnerId.eq(owner))
        .filter(book::Column::LocationId.eq(location))
        .filter(book::Column::VariantId.is_in(variants));
    Ok(items.all(db).await?.into_iter().map(|item| item.variant_id).collect())
}

/// Unlocks whatever is still locked for a document (解锁), once. Answers with how many items it was.
pub async fn unlock(tx: &impl ConnectionTrait, by: By<'_>, document: &str) -> Result<usize, Error> {
    end(tx, by, BookEvent::Unlock, document).await
}

/// Customs let the document's goods out (实减): whatever is still locked for it is reduced, once. Answers with how many
/// items it was.
pub async fn reduce(tx: &impl ConnectionTrait, by: By<'_>, document: &str) -> Result<usize, Error> {
    end(tx, by, BookEvent::Reduce, document).await
}

/// Goods of a document came back (退货入区): each item takes in what went out of it, the lowest number first.
pub async fn return_in(
    tx: &impl ConnectionTrait,
    by: By<'_>,
    document: &str,
    variant: VariantId,
    quantity: i64,
) -> Result<(), Error> {
    let entries = entries_of(tx, document).await?;
    let mut left = quantity;
    for item in locked_for(tx, document).await?.iter().filter(|item| item.variant_id == variant) {
        let sum = |event: BookEvent| -> i64 {
            let of = entries.iter().filter(|entry| entry.item_id == item.id && entry.event == event);
            of.map(|entry| entry.quantity).sum()
        };
        let some = (sum(BookEvent::Reduce) - sum(BookEvent::ReturnIn)).min(left);
        if some > 0 {
            noted(tx, by, item.id, BookEvent::ReturnIn, some, document, false).await?;
            left -= some;
        }
    }
    Ok(())
}

async fn end(tx: &impl ConnectionTrait, by: By<'_>, event: BookEvent, document: &str) -> Result<usize, Error> {
    let before = entries_of(tx, document).await?;
    let ids: Vec<BondedItemId> = open(&before).into_keys().collect();
    if ids.is_empty() {
        return Ok(0);
    }
    locked(tx, Condition::all().add(book::Column::Id.is_in(ids))).await?;
    // Somebody may have ended some of it before the items were locked.
    let before = entries_of(tx, document).await?;
    let left = open(&before);
    changed(tx, by, event, &left, document, &before, false).await?;
    Ok(left.len())
}

/// What an inbound notice declares (预增), brings (实增) or takes back (撤销预增), of all its items at once. No more comes, or
/// is taken back, than is still expected under the same document.
pub(super) async fn inbound(
    tx: &impl ConnectionTrait,
    by: By<'_>,
    event: BookEvent,
    by_item: &BTreeMap<BondedItemId, i64>,
    document: &str,
) -> Result<(), Error> {
    if by_item.is_empty() {
        return Ok(());
    }
    locked(tx, Condition::all().add(book::Column::Id.is_in(by_item.keys().copied()))).await?;
    let before = entries_of(tx, document).await?;
    for (item, quantity) in by_item {
        under_document(&before, *item, event, *quantity, false)?;
    }
    changed(tx, by, event, by_item, document, &before, false).await?;
    Ok(())
}

/// That no more is unlocked or goes out than is locked under the document, and no more comes in or is withdrawn than is
/// expected under it: by people of what people noted, by the house of what the house did.
fn under_document(
    before: &[bonded_entry::Model],
    item: BondedItemId,
    event: BookEvent,
    quantity: i64,
    by_hand: bool,
) -> Result<(), Refusal> {
    let own = before.iter().filter(|entry| entry.item_id == item && entry.by_hand == by_hand);
    let left = match event {
        BookEvent::Unlock | BookEvent::Reduce => outstanding(own),
        BookEvent::Increase | BookEvent::Withdraw => expected(own),
        BookEvent::PreIncrease | BookEvent::Lock | BookEvent::ReturnIn => return Ok(()),
    };
    if quantity > left { Err(short(left).at("quantity")) } else { Ok(()) }
}

/// Notes what people say happened to one item. `UNLOCK` and `REDUCE` take no more than is still locked under the same
/// document, `INCREASE` and `WITHDRAW` no more than is still expected under it.
pub async fn note(
    tx: &impl ConnectionTrait,
    by: By<'_>,
    item: BondedItemId,
    event: BookEvent,
    quantity: i64,
    document: &str,
) -> Result<bonded_entry::Model, Error> {
    noted(tx, by, item, event, quantity, document, true).await
}

async fn noted(
    tx: &impl ConnectionTrait,
    by: By<'_>,
    item: BondedItemId,
    event: BookEvent,
    quantity: i64,
    document: &str,
    by_hand: bool,
) -> Result<bonded_entry::Model, Error> {
    in_range(quantity)?;
    let items = locked(tx, Condition::all().add(book::Column::Id.eq(item))).await?;
    let Some(row) = items.first() else {
        return Err(Refusal::new(ErrorCode::NotFound).with("value", item.to_string()).into());
    };
    let before = entries_of(tx, document).await?;
    row.quantities().after(event, quantity).map_err(|refusal| refusal.at("quantity"))?;
    under_document(&before, item, event, quantity, by_hand)?;
    let mut written = changed(tx, by, event, &BTreeMap::from([(item, quantity)]), document, &before, by_hand).await?;
    written.pop().ok_or_else(|| Error::internal("an entry was not written"))
}

fn short(available: i64) -> Refusal {
    Refusal::new(ErrorCode::BookShort).with("available", available.max(0).to_string())
}

async fn not_filed(tx: &impl ConnectionTrait, location: StockLocationId) -> Result<Refusal, Error> {
    let row = location::Entity::find_by_id(location).one(tx).await?;
    Ok(Refusal::new(ErrorCode::NotFiled).with("location", row.map(|row| row.code).unwrap_or_default()))
}

/// Items, locked until the transaction ends. On `SQLite` nobody else writes.
async fn locked(tx: &impl ConnectionTrait, which: Condition) -> Result<Vec<book::Model>, Error> {
    let mut items = book::Entity::find().filter(which).order_by_asc(book::Column::Id);
    if dialect(tx) == Dialect::Postgres {
        items = items.lock(LockType::NoKeyUpdate);
    }
    Ok(items.all(tx).await?)
}

async fn entries_of(tx: &impl ConnectionTrait, document: &str) -> Result<Vec<bonded_entry::Model>, Error> {
    Ok(bonded_entry::Entity::find().filter(bonded_entry::Column::Document.eq(document)).all(tx).await?)
}

/// The items that were locked for a document, the lowest number first; also when they have gone out since.
pub async fn locked_for(db: &impl ConnectionTrait, document: &str) -> Result<Vec<book::Model>, Error> {
    let items = book::Entity::find().filter(book::Column::Id.is_in(own(&entries_of(db, document).await?)));
    Ok(items.order_by_asc(book::Column::Number).all(db).await?)
}

/// The places of a supervised warehouse: those that are in an account book in which this one is, too, whoever keeps them.
pub async fn beside(db: &impl ConnectionTrait, location: StockLocationId) -> Result<Vec<StockLocationId>, Error> {
    let books = book::Entity::find()
        .filter(book::Column::LocationId.eq(location))
        .select_only()
        .column(book::Column::Book)
        .into_query();
    let mut places: Vec<StockLocationId> = book::Entity::find()
        .filter(book::Column::Book.in_subquery(books))
        .select_only()
        .column(book::Column::LocationId)
        .distinct()
        .into_tuple()
        .all(db)
        .await?;
    places.push(location);
    Ok(places)
}

/// What is still locked for a document.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "for which document, of which item of a book, and how much")]
pub struct Locked {
    pub document: String,
    pub item: book::Model,
    pub quantity: i64,
}

/// What documents have still locked of an owner's goods in the books of a warehouse.
pub async fn still_locked(
    db: &impl ConnectionTrait,
    owner: OrganisationId,
    location: StockLocationId,
    documents: &[&str],
) -> Result<Vec<Locked>, Error> {
    let named = bonded_entry::Column::Document.is_in(documents.iter().copied());
    let of = bonded_entry::Entity::find().select_only().column(bonded_entry::Column::ItemId).filter(named.clone());
    let items = book::Entity::find()
        .filter(book::Column::OwnerId.eq(owner))
        .filter(book::Column::LocationId.eq(location))
        .filter(book::Column::Id.in_subquery(of.into_query()));
    let items: BTreeMap<BondedItemId, book::Model> =
        items.all(db).await?.into_iter().map(|item| (item.id, item)).collect();
    let entries = bonded_entry::Entity::find()
        .filter(named)
        .filter(bonded_entry::Column::ByHand.eq(false))
        .filter(bonded_entry::Column::ItemId.is_in(items.keys().copied()))
        .all(db)
        .await?;
    let mut under: BTreeMap<(&str, BondedItemId), Vec<&bonded_entry::Model>> = BTreeMap::new();
    for entry in &entries {
        under.entry((entry.document.as_str(), entry.item_id)).or_default().push(entry);
    }
    let still = under.into_iter().filter_map(|((document, item), entries)| {
        let quantity = outstanding(entries);
        let item = items.get(&item).filter(|_| quantity > 0)?;
        Some(Locked { document: document.to_owned(), item: item.clone(), quantity })
    });
    Ok(still.collect())
}

/// The sum of each item.
pub fn sums<'a>(locked: impl IntoIterator<Item = &'a Locked>) -> BTreeMap<BondedItemId, i64> {
    let mut sums = BTreeMap::new();
    for one in locked {
        *sums.entry(one.item.id).or_default() += one.quantity;
    }
    sums
}

/// The items that a document locked itself, also when they have gone out since.
fn own(entries: &[bonded_entry::Model]) -> BTreeSet<BondedItemId> {
    let locks = entries.iter().filter(|entry| entry.event == BookEvent::Lock && !entry.by_hand);
    locks.map(|entry| entry.item_id).collect()
}

/// What is still locked of the items that a document locked itself; what people noted under its number is theirs.
fn open(entries: &[bonded_entry::Model]) -> BTreeMap<BondedItemId, i64> {
    let of = |item| entries.iter().filter(move |entry| entry.item_id == item && !entry.by_hand);
    let left = own(entries).into_iter().map(|item| (item, outstanding(of(item))));
    left.filter(|(_, left)| *left > 0).collect()
}

/// Changes items by one UPDATE whose guard is the rule of [`entities::inventory::Quantities::after`], and writes the
/// entries. Their keys are `document#item#event#n`: a document can be locked again after it was unlocked, and two who
/// do the same at the same time are one.
async fn changed(
    tx: &impl ConnectionTrait,
    by: By<'_>,
    event: BookEvent,
    by_item: &BTreeMap<BondedItemId, i64>,
    document: &str,
    before: &[bonded_entry::Model],
    by_hand: bool,
) -> Result<Vec<bonded_entry::Model>, Error> {
    if by_item.is_empty() {
        return Ok(Vec::new());
    }
    let (set, guard) = match event {
        BookEvent::PreIncrease => ("pre_increase = bonded_item.pre_increase + v.column2", "v.column2 > 0"),
        BookEvent::Increase => (
            "pre_increase = bonded_item.pre_increase - v.column2, increased = bonded_item.increased + v.column2",
            "bonded_item.pre_increase >= v.column2",
        ),
        BookEvent::Withdraw => {
            ("pre_increase = bonded_item.pre_increase - v.column2", "bonded_item.pre_increase >= v.column2")
        }
        BookEvent::Lock => (
            "locked = bonded_item.locked + v.column2",
            "bonded_item.increased - bonded_item.reduced - bonded_item.locked >= v.column2",
        ),
        BookEvent::Unlock => ("locked = bonded_item.locked - v.column2", "bonded_item.locked >= v.column2"),
        BookEvent::Reduce => (
            "locked = bonded_item.locked - v.column2, reduced = bonded_item.reduced + v.column2",
            "bonded_item.locked >= v.column2",
        ),
        BookEvent::ReturnIn => ("reduced = bonded_item.reduced - v.column2", "bonded_item.reduced >= v.column2"),
    };
    let set = format!("{set}, version = bonded_item.version + 1");
    let rows: Vec<(uuid::Uuid, i64)> = by_item.iter().map(|(id, n)| (id.0, *n)).collect();
    if change_each(tx, "bonded_item", &set, guard, &rows).await? != rows.len() as u64 {
        let items = book::Entity::find().filter(book::Column::Id.is_in(by_item.keys().copied())).all(tx).await?;
        let available = items.iter().map(|item| item.quantities().available()).min().unwrap_or_default();
        return Err(short(available).into());
    }
    let name = sea_orm::ActiveEnum::to_value(&event);
    let entries = by_item.iter().map(|(item, quantity)| {
        let n = before.iter().filter(|entry| entry.item_id == *item && entry.event == event).count();
        bonded_entry::Model {
            id: BondedEntryId::new(by.at),
            item_id: *item,
            event,
            quantity: *quantity,
            document: document.to_owned(),
            request_key: format!("{document}#{item}#{name}#{n}"),
            by_hand,
            actor: by.actor.to_owned(),
            at: by.at,
        }
    });
    let entries: Vec<bonded_entry::Model> = entries.collect();
    let rows = entries.iter().cloned().map(IntoActiveModel::into_active_model);
    bonded_entry::Entity::insert_many(rows).exec_without_returning(tx).await?;
    Ok(entries)
}
