//! Assertions that were used (已用断言): each proves its client once (RFC 7523, `jti`).

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::MachineClientId;

/// A row of `used_assertion`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "used_assertion")]
pub struct Model {
    /// Whose.
    #[sea_orm(primary_key, auto_increment = false)]
    pub client_id: MachineClientId,
    /// SHA-256 of its `jti`, in hex.
    #[sea_orm(primary_key, auto_increment = false, column_type = "String(StringLen::N(64))")]
    pub jti: String,
    /// After this it would be refused anyway, and the row may go.
    pub expires_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
