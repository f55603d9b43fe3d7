//! Audit rounds (巡检): somebody walks the floor and says of each slot how it is, with a photo where words do not do.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::{AuditRoundId, PlanogramId, ShowroomId};

/// State of a round (巡检状态).
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
pub enum AuditState {
    /// Somebody is walking (进行中).
    Open,
    /// All that was to be looked at is (已完成).
    Done,
}

/// A row of `audit_round`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "audit_round")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AuditRoundId,
    /// Of which showroom.
    pub showroom_id: ShowroomId,
    /// The planogram that was in force when it was opened.
    pub planogram_id: Option<PlanogramId>,
    /// State.
    pub state: AuditState,
    /// Who opened it.
    pub opened_by: String,
    /// When.
    pub opened_at: DateTimeUtc,
    /// Who ended it.
    pub done_by: Option<String>,
    /// When.
    pub done_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
