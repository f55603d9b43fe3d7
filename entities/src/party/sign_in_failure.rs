//! Failed sign-ins (登录失败): counted per name that was tried, whether anyone has it or not, so that being
//! locked out tells nothing about who is registered.

use crate::Relation;
use sea_orm::entity::prelude::*;

/// A row of `sign_in_failure`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sign_in_failure")]
pub struct Model {
    /// Keyed hash of the name that was tried.
    #[sea_orm(primary_key, auto_increment = false, column_type = "String(StringLen::N(64))")]
    pub lookup: String,
    /// How often in a row.
    pub failures: i32,
    /// The last time.
    pub last_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
