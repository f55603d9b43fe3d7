//! A part of a showroom's floor (区域).

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::{ShowroomId, ShowroomZoneId};

/// A row of `showroom_zone`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "showroom_zone")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ShowroomZoneId,
    /// Of which showroom.
    pub showroom_id: ShowroomId,
    /// Short code, unique within the showroom.
    pub code: String,
    /// What people call it.
    pub name: String,
    /// Its place in the list.
    pub position: i32,
    /// Since when it is not there any more.
    pub retired_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
