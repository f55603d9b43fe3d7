//! Balances (库存余额): the sum of the moves, and what of it is promised. Written only where moves and promises are.

use crate::Relation;
use sea_orm::entity::prelude::*;

use super::CustomsStatus;
use crate::values::id::{OrganisationId, StockBalanceId, StockLocationId, StockLotId, VariantId};

/// Most pieces of one balance, and of one move: what an `Int` of the schema can show.
pub const MOST: i64 = 2_147_483_647;

/// A row of `stock_balance`: unique by variant, owner, location, lot and customs status.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "stock_balance")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: StockBalanceId,
    /// Of what.
    pub variant_id: VariantId,
    /// Whose.
    pub owner_id: OrganisationId,
    /// Where.
    pub location_id: StockLocationId,
    /// Which lot.
    pub lot_id: StockLotId,
    /// Under which customs status.
    pub status: CustomsStatus,
    /// Whether the location stands for the outside: then it may be less than nothing.
    pub outside: bool,
    /// How much lies there, in trade units.
    pub on_hand: i64,
    /// How much of it is promised.
    pub reserved: i64,
    /// Counts up with every change.
    pub version: i64,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// What can still be promised.
    pub fn available(&self) -> i64 {
        self.on_hand - self.reserved
    }
}
