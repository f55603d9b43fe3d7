//! Ends of the audit's chains (审计链头). Its row is locked by whoever adds to the chain.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::OrganisationId;

/// A row of `audit_head`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_head")]
pub struct Model {
    /// Whose chain.
    #[sea_orm(primary_key, auto_increment = false)]
    pub chain_id: OrganisationId,
    /// Place of the last entry.
    pub seq: i64,
    /// Hash of the last entry, in hex.
    #[sea_orm(column_type = "String(StringLen::N(64))")]
    pub hash: String,
}

impl ActiveModelBehavior for ActiveModel {}
