//! Requests that were carried out (幂等请求): what a repeat is answered with.

use crate::Relation;
use sea_orm::entity::prelude::*;

/// A row of `idempotent_request`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotent_request")]
pub struct Model {
    /// Keyed hash of who asked and of its `clientMutationId`, in hex.
    #[sea_orm(primary_key, auto_increment = false, column_type = "String(StringLen::N(64))")]
    pub key: String,
    /// Keyed hash of what was asked, in hex: it may hold a password.
    #[sea_orm(column_type = "String(StringLen::N(64))")]
    pub request: String,
    /// What the operation answered, as JSON.
    #[sea_orm(column_type = "Text")]
    pub answer: String,
    /// When.
    pub at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
