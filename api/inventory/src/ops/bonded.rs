//! The account book as people keep it: items are filed, what customs lets in and out is noted.

use entities::{
    inventory::{BookEvent, bonded_entry, book, inbound, location},
    party::Viewer,
    values::{
        BookNumber, ErrorCode, Refusal,
        id::{BondedItemId, OrganisationId, StockLocationId, VariantId},
    },
};
use platform::{
    app::{App, Call},
    error::{Error, not_found, taken},
    graphql::encode,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, JoinType, Order, QueryFilter, QuerySelect};
use serde_json::{Value, json};

use super::{own, own_bonded, reads::whose, unseen};
use crate::{book as entries, ledger::By};

const BY_AGE: &str = "bonded-item";
const NEWEST: &str = "newest-bonded-entry";
/// Most items of a book: five digits, as in the lists of customs.
const MOST_ITEMS: i32 = 99_999;

/// A new item.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns of the item")]
pub struct NewItem {
    pub location: StockLocationId,
    pub book: BookNumber,
    pub number: i32,
    pub variant: VariantId,
}

/// Files an item in the book of a bonded warehouse. The goods are the organisation's that keeps it.
pub async fn file_item(app: &App, call: &Call, new: &NewItem) -> Result<book::Model, Error> {
    let organisation = own(call)?;
    if !(1..=MOST_ITEMS).contains(&new.number) {
        let range = Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", MOST_ITEMS.to_string());
        return Err(range.at("number").into());
    }
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let place = own_bonded(work.tx(), organisation, new.location, "locationId").await?;
    if unseen(&work, &[new.variant]).await?.is_some() {
        return Err(not_found("variantId", encode(new.variant).as_str()));
    }
    let row = book::Model {
        id: BondedItemId::new(work.now),
        location_id: place.id,
        book: new.book.clone(),
        number: new.number,
        owner_id: organisation,
        variant_id: new.variant,
        pre_increase: 0,
        increased: 0,
        locked: 0,
        reduced: 0,
        version: 1,
    };
    let written = book::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await;
    let number = row.number.to_string();
    written.map_err(|e| taken(e, "bonded_item", &["book", "number"], "number", &number))?;
    let shown = json!({ "book": row.book, "number": row.number, "location": place.code });
    work.audit(Some(organisation), "fileBondedItem", encode(row.id).0, Value::Null, shown);
    work.commit(row).await
}

/// Notes what happened to an item.
pub async fn note_movement(
    app: &App,
    call: &Call,
    item: BondedItemId,
    event: BookEvent,
    quantity: i64,
    document: &str,
) -> Result<bonded_entry::Model, Error> {
    let organisation = own(call)?;
    let document = super::document(document)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let kept = book::Entity::find_by_id(item).one(work.tx()).await?;
    let kept = match kept {
        Some(row) => location::Entity::find_by_id(row.location_id).one(work.tx()).await?,
        None => None,
    };
    if kept.is_none_or(|place| place.organisation_id != organisation) {
        return Err(not_found("itemId", encode(item).as_str()));
    }
    // What an inbound notice declared comes, or is taken back, by its own steps.
    let notice = inbound::Entity::find().filter(inbound::Column::Number.eq(&document));
    if notice.one(work.tx()).await?.is_some() {
        return Err(Refusal::new(ErrorCode::AlreadyTaken).with("value", document).at("document").into());
    }
    let actor = work.viewer().subject();
    let by = By { actor: &actor, at: work.now };
    let entry = entries::note(work.tx(), by, item, event, quantity, &document).await?;
    let shown = json!({ "event": event, "quantity": quantity, "document": document });
    work.audit(Some(organisation), "noteBondedMovement", encode(item).0, Value::Null, shown);
    work.commit(entry).await
}

/// Which items.
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct ItemFilter {
    pub of: Option<OrganisationId>,
    pub location: Option<StockLocationId>,
    pub variant: Option<VariantId>,
}

/// The items of the books of an organisation's warehouses, oldest first.
pub async fn list_items(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    filter: ItemFilter,
    page: &PageArgs,
) -> Result<Page<book::Model>, Error> {
    let of = book::Entity::belongs_to(location::Entity).from(book::Column::LocationId).to(location::Column::Id).into();
    let mut list = book::Entity::find()
        .join(JoinType::InnerJoin, of)
        .filter(location::Column::OrganisationId.eq(whose(viewer, filter.of)?));
    if let Some(location) = filter.location {
        list = list.filter(book::Column::LocationId.eq(location));
    }
    if let Some(variant) = filter.variant {
        list = list.filter(book::Column::VariantId.eq(variant));
    }
    page.by_id(db, list, book::Column::Id, BY_AGE, Order::Asc).await
}

/// The cursor of an item in that list.
pub fn item_cursor(row: &book::Model) -> Cursor {
    Cursor::of_id(BY_AGE, row.id)
}

/// What happened to an item, newest first. Only who keeps the warehouse, and who oversees the zone, reads it.
pub async fn list_entries(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    item: BondedItemId,
    page: &PageArgs,
) -> Result<Page<bonded_entry::Model>, Error> {
    let row = book::Entity::find_by_id(item).one(db).await?;
    let place = match row {
        Some(row) => location::Entity::find_by_id(row.location_id).one(db).await?,
        None => None,
    };
    let seen = place.is_some_and(|place| whose(viewer, Some(place.organisation_id)).is_ok());
    if !seen {
        // What may not be seen has no entries.
        return Ok(Page { rows: Vec::new(), has_next: false, has_previous: false });
    }
    let list = bonded_entry::Entity::find().filter(bonded_entry::Column::ItemId.eq(item));
    page.by_id(db, list, bonded_entry::Column::Id, NEWEST, Order::Desc).await
}

/// The cursor of an entry in that list.
pub fn entry_cursor(row: &bonded_entry::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}
