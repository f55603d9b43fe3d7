//! Numbers that agencies keep for a filing (部门备案号).

use crate::Relation;
use sea_orm::entity::prelude::*;
use serde::Serialize;

use super::filing::Agency;
use crate::values::id::FilingId;

/// A row of `filing_number`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "filing_number")]
pub struct Model {
    /// The filing.
    #[sea_orm(primary_key, auto_increment = false)]
    pub filing_id: FilingId,
    /// The agency.
    #[sea_orm(primary_key, auto_increment = false)]
    pub agency: Agency,
    /// Its number.
    #[sea_orm(column_type = "String(StringLen::N(64))")]
    pub number: String,
    /// Since when.
    pub at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
