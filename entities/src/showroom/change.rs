//! What changed in a showroom (门店变更), numbered without a gap: what a device asks for that was away.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::ShowroomId;

/// What changed (变更对象).
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
pub enum ChangeKind {
    /// What stands somewhere (陈列).
    Display,
    /// A slot (陈列位).
    Slot,
    /// Which planogram is in force (陈列图).
    Planogram,
    /// A note on a slot (备注).
    Note,
}

/// A row of `showroom_change`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "showroom_change")]
pub struct Model {
    /// Of which showroom.
    #[sea_orm(primary_key, auto_increment = false)]
    pub showroom_id: ShowroomId,
    /// Its number there, from one on.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i64,
    /// What changed.
    pub kind: ChangeKind,
    /// Which of them.
    pub subject: Uuid,
    /// When.
    pub at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
