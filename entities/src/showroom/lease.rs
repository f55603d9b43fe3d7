//! What a device may sell without a network (离线配额): pieces that are promised to it one by one until a moment. What it
//! sells beyond them is asked for, and somebody decides.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::{DeviceId, LeaseId, ShowroomId, StockBalanceId, VariantId};

/// Most pieces of one lease.
pub const MOST: i32 = 50;

/// A row of `stock_lease`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "stock_lease")]
pub struct Model {
    /// Identifier; also the document of its promises: `lease:<id>`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: LeaseId,
    /// Of which showroom.
    pub showroom_id: ShowroomId,
    /// To which device.
    pub device_id: DeviceId,
    /// Of which balance.
    pub balance_id: StockBalanceId,
    /// Of what.
    pub variant_id: VariantId,
    /// How many pieces.
    pub quantity: i32,
    /// Until when.
    pub until: DateTimeUtc,
    /// Since when.
    pub made_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
