//! Sales at the counter that a device made (柜台销售): of its lease they are done; beyond it they wait for somebody who
//! decides. The money is the till's.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::{CounterSaleId, DeviceId, ShowroomId, StockBalanceId, VariantId};

/// State of a sale at the counter (柜台销售状态).
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
pub enum CounterSaleState {
    /// The pieces went (已出库).
    Done,
    /// There was no lease for it: somebody decides (待确认).
    Requested,
    /// It was not: the pieces stay (已驳回).
    Declined,
}

/// A row of `counter_sale`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "counter_sale")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CounterSaleId,
    /// In which showroom.
    pub showroom_id: ShowroomId,
    /// On which device.
    pub device_id: DeviceId,
    /// Number of the receipt; unique on the device.
    pub receipt: String,
    /// Of what.
    pub variant_id: VariantId,
    /// Of which balance.
    pub balance_id: StockBalanceId,
    /// How many.
    pub quantity: i32,
    /// State.
    pub state: CounterSaleState,
    /// When it happened.
    pub occurred_at: DateTimeUtc,
    /// Who decided.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
