//! Lines of a transfer (调拨行): how much goes, how much came, how much is lost; the rest is on the way.

use crate::Relation;
use sea_orm::entity::prelude::*;

use super::CustomsStatus;
use crate::values::id::{StockBalanceId, StockLotId, StockTransferId, StockTransferLineId, VariantId};

/// A row of `stock_transfer_line`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "stock_transfer_line")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: StockTransferLineId,
    /// Of which transfer.
    pub transfer_id: StockTransferId,
    /// Its place in it, from 0 on.
    pub position: i32,
    /// From which balance.
    pub balance_id: StockBalanceId,
    /// Of what.
    pub variant_id: VariantId,
    /// Which lot.
    pub lot_id: StockLotId,
    /// Under which customs status.
    pub status: CustomsStatus,
    /// How much goes.
    pub quantity: i64,
    /// How much came.
    pub received: i64,
    /// How much is lost.
    pub lost: i64,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// What neither came nor is lost: once the goods are shipped, it is on the way or missing.
    pub fn missing(&self) -> i64 {
        self.quantity - self.received - self.lost
    }
}
