//! Moves (库存移动): so much of one lot from one place to another. Only added to; the database refuses the rest.

use crate::Relation;
use sea_orm::entity::prelude::*;

use super::CustomsStatus;
use crate::values::id::{OrganisationId, StockLocationId, StockLotId, StockMoveId, VariantId};

/// Why stock moved (移动原因).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
    async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MoveReason {
    /// Came in (收货).
    Receipt,
    /// Went to whoever bought it (发货).
    Shipment,
    /// From one place of the house to another (调拨).
    Transfer,
    /// A count found another number (盘点).
    Count,
    /// Came back from whoever bought it (退货).
    Return,
    /// Its customs status changed (海关状态变更).
    Clearance,
    /// Lost or destroyed (报损).
    WriteOff,
    /// Went back to whoever delivered it (退供应商).
    SupplierReturn,
    /// Takes back a move that was wrong (冲销).
    Reversal,
}

/// A row of `stock_move`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "stock_move")]
pub struct Model {
    /// Identifier; ids are made in the order of time.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: StockMoveId,
    /// Of what.
    pub variant_id: VariantId,
    /// Whose.
    pub owner_id: OrganisationId,
    /// Which lot.
    pub lot_id: StockLotId,
    /// From where.
    pub from_id: StockLocationId,
    /// Under which customs status it lay there.
    pub from_status: CustomsStatus,
    /// To where.
    pub to_id: StockLocationId,
    /// Under which customs status it lies there.
    pub to_status: CustomsStatus,
    /// How much, in trade units; more than nothing.
    pub quantity: i64,
    /// Why.
    pub reason: MoveReason,
    /// The document that says so: a waybill, a count, an order.
    pub document: String,
    /// The move that this one takes back; each can be taken back once.
    #[sea_orm(unique)]
    pub reverses_id: Option<StockMoveId>,
    /// Who did it.
    pub actor: String,
    /// When.
    pub at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
