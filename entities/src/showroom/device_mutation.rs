//! What a device did (离线操作), and what became of it: each once, in its order.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::DeviceId;

/// What became of it (处理结果).
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
pub enum PushOutcome {
    /// It was carried out (已执行).
    Applied,
    /// The rules say no, for good (已拒绝).
    Rejected,
    /// Somebody else changed it meanwhile; the device looks at what it is now (冲突).
    Conflict,
}

/// A row of `device_mutation`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "device_mutation")]
pub struct Model {
    /// Of which device.
    #[sea_orm(primary_key, auto_increment = false)]
    pub device_id: DeviceId,
    /// Its number there, from one on.
    #[sea_orm(primary_key, auto_increment = false)]
    pub seq: i64,
    /// The device's own id of it.
    pub mutation_id: String,
    /// What it did.
    pub what: String,
    /// What became of it.
    pub outcome: PushOutcome,
    /// The display that it put up, by which the device names it until it knows more.
    pub subject: Option<Uuid>,
    /// Why not.
    pub code: Option<String>,
    /// Because of which field.
    pub field: Option<String>,
    /// When it happened, as the device says.
    pub said_at: DateTimeUtc,
    /// When it happened, within what can be.
    pub occurred_at: DateTimeUtc,
    /// When it was carried out or refused.
    pub at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
