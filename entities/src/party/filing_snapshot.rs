//! Versions of filings (备案快照): what each said, in which state, and who made it so. Only added to.

use crate::Relation;
use sea_orm::{DerivePartialModel, entity::prelude::*};

use super::filing::FilingStatus;
use crate::values::id::FilingId;

/// A row of `filing_snapshot`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "filing_snapshot")]
pub struct Model {
    /// The filing.
    #[sea_orm(primary_key, auto_increment = false)]
    pub filing_id: FilingId,
    /// Its version.
    #[sea_orm(primary_key, auto_increment = false)]
    pub version: i32,
    /// State.
    pub status: FilingStatus,
    /// What it said, sealed.
    pub content: Vec<u8>,
    /// Who made it so.
    #[sea_orm(column_type = "String(StringLen::N(120))")]
    pub actor: String,
    /// When.
    pub at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

/// What a list shows of a version: everything but what it says, which is sealed and loaded when asked for.
#[derive(Clone, Debug, PartialEq, Eq, DerivePartialModel)]
#[sea_orm(entity = "Entity")]
#[expect(missing_docs, reason = "the same fields as in `Model`")]
pub struct Head {
    pub filing_id: FilingId,
    pub version: i32,
    pub status: FilingStatus,
    pub actor: String,
    pub at: DateTimeUtc,
}
