//! Entries of the account book (账册流水): what happened to an item. Only added to; the database refuses the rest.

use crate::Relation;
use sea_orm::entity::prelude::*;

use super::BookEvent;
use crate::values::id::{BondedEntryId, BondedItemId};

/// A row of `bonded_entry`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "bonded_entry")]
pub struct Model {
    /// Identifier; ids are made in the order of time.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: BondedEntryId,
    /// To which item.
    pub item_id: BondedItemId,
    /// What happened.
    pub event: BookEvent,
    /// How much, in the unit of the book; more than nothing.
    pub quantity: i64,
    /// The document that says so: an order, an inbound or outbound list, a gate pass.
    pub document: String,
    /// What it is known by when it is asked for again.
    #[sea_orm(unique)]
    pub request_key: String,
    /// Whether people noted it under a document that they named; what a document locks itself is told from it.
    #[serde(default)]
    pub by_hand: bool,
    /// Who noted it.
    pub actor: String,
    /// When.
    pub at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

/// How much of an item is still promised under one document: what was locked for it, less what was unlocked and what
/// went out.
pub fn outstanding<'a>(entries: impl IntoIterator<Item = &'a Model>) -> i64 {
    let signed = |entry: &Model| match entry.event {
        BookEvent::Lock => entry.quantity,
        BookEvent::Unlock | BookEvent::Reduce => -entry.quantity,
        BookEvent::PreIncrease | BookEvent::Increase | BookEvent::Withdraw | BookEvent::ReturnIn => 0,
    };
    entries.into_iter().map(signed).sum()
}

/// How much of an item is still to come under one document: what was pre-increased for it, less what came and what was
/// withdrawn.
pub fn expected<'a>(entries: impl IntoIterator<Item = &'a Model>) -> i64 {
    let signed = |entry: &Model| match entry.event {
        BookEvent::PreIncrease => entry.quantity,
        BookEvent::Increase | BookEvent::Withdraw => -entry.quantity,
        BookEvent::Lock | BookEvent::Unlock | BookEvent::Reduce | BookEvent::ReturnIn => 0,
    };
    entries.into_iter().map(signed).sum()
}
