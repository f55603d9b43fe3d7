//! The last position of the change feed (变更流位置): one row, locked by whoever numbers.

use crate::Relation;
use sea_orm::entity::prelude::*;

/// The row of `feed_head`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "feed_head")]
pub struct Model {
    /// Always 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// The last position that was given.
    pub position: i64,
}

impl ActiveModelBehavior for ActiveModel {}
