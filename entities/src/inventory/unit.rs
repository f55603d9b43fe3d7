//! Pieces of a hot item (热点商品单件): each is counted as reserved in its balance, and is free or promised.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::{StockBalanceId, StockReservationId, StockUnitId};

/// A row of `stock_unit`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "stock_unit")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: StockUnitId,
    /// Of which balance.
    pub balance_id: StockBalanceId,
    /// For which promise; none: it is free.
    pub reservation_id: Option<StockReservationId>,
}

impl ActiveModelBehavior for ActiveModel {}
