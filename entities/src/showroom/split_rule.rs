//! How what a showroom brings about is split (分佣规则), from a version on. The newest rule holds.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::ShowroomId;

/// A row of `showroom_split_rule`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "showroom_split_rule")]
pub struct Model {
    /// Of which showroom.
    #[sea_orm(primary_key, auto_increment = false)]
    pub showroom_id: ShowroomId,
    /// Which rule, from one on.
    #[sea_orm(primary_key, auto_increment = false)]
    pub version: i32,
    /// What of the goods is the showroom's, in parts per million; the seller has the rest.
    pub showroom_ppm: i32,
    /// What of that is for who served, in parts per million.
    pub staff_ppm: i32,
    /// Who set it.
    pub set_by: String,
    /// When.
    pub set_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
