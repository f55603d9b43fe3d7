//! What was found in a slot in a round (巡检项). Looked at again it is what the last look found.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::{AuditRoundId, SlotId};

/// How a slot is (巡检结论).
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
pub enum AuditVerdict {
    /// As it is to be (合格).
    AsPlanned,
    /// Something is not there (缺货).
    Missing,
    /// Something else stands there (错放).
    WrongGoods,
    /// The price tag is not right (价签错误).
    WrongPrice,
    /// Something is broken (破损).
    Damaged,
    /// It is not in order (不整洁).
    Untidy,
}

/// A row of `audit_check`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "audit_check")]
pub struct Model {
    /// In which round.
    #[sea_orm(primary_key, auto_increment = false)]
    pub round_id: AuditRoundId,
    /// Which slot.
    #[sea_orm(primary_key, auto_increment = false)]
    pub slot_id: SlotId,
    /// How it is.
    pub verdict: AuditVerdict,
    /// In words.
    pub note: Option<String>,
    /// SHA-256 of the photo, in hex.
    pub photo: Option<String>,
    /// Who looked.
    pub checked_by: String,
    /// When.
    pub checked_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
