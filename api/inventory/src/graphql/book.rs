//! The account book in the schema.

use async_graphql::{Context, ID, InputObject, Object, Result};
use catalog::graphql::Variant;
use chrono::{DateTime, Utc};
use entities::{
    inventory::{BookEvent, bonded_entry, book},
    party::Action,
};
use platform::{
    graphql::{Connection, ContextExt, connection::list_cost, decode, encode},
    page::PageArgs,
    payload,
};

use super::StockLocation;
use crate::{
    loaders,
    ops::bonded::{self as ops, ItemFilter, NewItem},
};

/// An item of a bonded warehouse's account book (账册项).
#[derive(Clone, Debug)]
pub(crate) struct BondedItem(pub book::Model);

/// An item of a bonded warehouse's account book (账册项).
#[Object]
impl BondedItem {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// The warehouse whose book it is.
    async fn location(&self, context: &Context<'_>) -> Result<Option<StockLocation>> {
        Ok(loaders::of(context).load_one(self.0.location_id).await?.map(StockLocation))
    }

    /// Number of the book (账册号).
    async fn book(&self) -> &str {
        self.0.book.as_str()
    }

    /// Number of the item in it (备案序号).
    async fn number(&self) -> i32 {
        self.0.number
    }

    /// What it is.
    async fn variant(&self, context: &Context<'_>) -> Result<Option<Variant>> {
        Ok(catalog::loaders::of(context).load_one(self.0.variant_id).await?.map(Variant))
    }

    /// Declared to come in (预增).
    async fn pre_increase(&self) -> i64 {
        self.0.pre_increase
    }

    /// Came in (实增).
    async fn increased(&self) -> i64 {
        self.0.increased
    }

    /// Promised to go out (预减).
    async fn locked(&self) -> i64 {
        self.0.locked
    }

    /// Went out (实减).
    async fn reduced(&self) -> i64 {
        self.0.reduced
    }

    /// What may still be promised (可用余量).
    async fn available(&self) -> i64 {
        self.0.quantities().available()
    }
}

/// Something that happened to an item of an account book, which is never changed (账册流水).
#[derive(Clone, Debug)]
pub(crate) struct BondedEntry(pub bonded_entry::Model);

/// Something that happened to an item of an account book, which is never changed (账册流水).
#[Object]
impl BondedEntry {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// To which item.
    async fn item_id(&self) -> ID {
        encode(self.0.item_id)
    }

    /// What happened.
    async fn event(&self) -> BookEvent {
        self.0.event
    }

    /// How much, in the unit of the book.
    async fn quantity(&self) -> i64 {
        self.0.quantity
    }

    /// The document that says so.
    async fn document(&self) -> &str {
        &self.0.document
    }

    /// Who noted it.
    async fn actor(&self) -> &str {
        &self.0.actor
    }

    /// When.
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }
}

/// A new item of an account book (账册备案).
#[derive(InputObject)]
pub(crate) struct FileBondedItemInput {
    /// The bonded warehouse whose book it is.
    location_id: ID,
    /// Number of the book: T or L, four digits, seven capitals and digits (账册号).
    book: String,
    /// Number of the item in it, 1 to 99999 (备案序号).
    number: i32,
    /// What it is.
    variant_id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// Something that happened to an item (账册记账).
#[derive(InputObject)]
pub(crate) struct NoteBondedMovementInput {
    /// To which item.
    item_id: ID,
    /// What happened. What orders lock, unlock and reduce is noted by them, what inbound notices declare and bring by them.
    event: BookEvent,
    /// How much, in the unit of the book.
    quantity: i64,
    /// The document that says so; what is unlocked or reduced must have been locked under the same, what came in or is
    /// withdrawn must have been declared under the same. An order under that number has no part in it.
    document: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `fileBondedItem`.
    FileBondedItemPayload { /// The item.
        item: BondedItem }
    /// The answer to `noteBondedMovement`.
    NoteBondedMovementPayload { /// The entry.
        entry: BondedEntry }
}

/// Queries about the account book.
#[derive(Default)]
pub(crate) struct BookQuery;

#[Object]
impl BookQuery {
    /// Items of the account books of an organisation's warehouses, oldest first (账册).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn bonded_items(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whose; none: of the organisation acted for.")] organisation_id: Option<ID>,
        #[graphql(desc = "Only of this warehouse.")] location_id: Option<ID>,
        #[graphql(desc = "Only of this variant.")] variant_id: Option<ID>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<BondedItem>> {
        context.may(Action::ReadStock)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let filter = ItemFilter {
            of: organisation_id.map(|id| decode(&id, "organisationId")).transpose()?,
            location: location_id.map(|id| decode(&id, "locationId")).transpose()?,
            variant: variant_id.map(|id| decode(&id, "variantId")).transpose()?,
        };
        let rows = ops::list_items(context.app().db().read(), context.viewer(), filter, &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::item_cursor(&row), BondedItem(row))))
    }

    /// What happened to an item of an account book, newest first (账册流水).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn bonded_entries(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Of which item.")] item_id: ID,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<BondedEntry>> {
        context.may(Action::ReadStock)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let item = decode(&item_id, "itemId")?;
        let rows = ops::list_entries(context.app().db().read(), context.viewer(), item, &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::entry_cursor(&row), BondedEntry(row))))
    }
}

/// Mutations of the account book.
#[derive(Default)]
pub(crate) struct BookMutation;

#[Object]
impl BookMutation {
    /// Files an item in the account book of a bonded warehouse (账册备案).
    async fn file_bonded_item(
        &self,
        context: &Context<'_>,
        input: FileBondedItemInput,
    ) -> Result<FileBondedItemPayload> {
        let call = context.call(Action::KeepStock)?;
        let result = async {
            let new = NewItem {
                location: decode(&input.location_id, "locationId")?,
                book: input.book.parse().map_err(|refusal: entities::values::Refusal| refusal.at("book"))?,
                number: input.number,
                variant: decode(&input.variant_id, "variantId")?,
            };
            ops::file_item(context.app(), &call, &new).await
        };
        FileBondedItemPayload::new(context, input.client_mutation_id, result.await.map(BondedItem))
    }

    /// Notes what happened to an item of an account book. It moves no stock (账册记账).
    async fn note_bonded_movement(
        &self,
        context: &Context<'_>,
        input: NoteBondedMovementInput,
    ) -> Result<NoteBondedMovementPayload> {
        let call = context.call(Action::KeepStock)?;
        let result = async {
            let item = decode(&input.item_id, "itemId")?;
            ops::note_movement(context.app(), &call, item, input.event, input.quantity, &input.document).await
        };
        NoteBondedMovementPayload::new(context, input.client_mutation_id, result.await.map(BondedEntry))
    }
}
