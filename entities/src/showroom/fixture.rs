//! A piece of furniture on a showroom's floor (货架).

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::{FixtureId, ShowroomId, ShowroomZoneId};

/// What a fixture is (货架类型).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
    async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FixtureKind {
    /// Shelves (层架).
    Shelf,
    /// A table or island (展台).
    Table,
    /// A locked cabinet (展柜).
    Cabinet,
    /// A refrigerator (冷柜).
    Refrigerator,
    /// A wall of pictures and codes (墙面).
    Wall,
}

/// A row of `showroom_fixture`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "showroom_fixture")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: FixtureId,
    /// Of which showroom.
    pub showroom_id: ShowroomId,
    /// In which zone of it.
    pub zone_id: ShowroomZoneId,
    /// Short code, unique within the showroom.
    pub code: String,
    /// What it is.
    pub kind: FixtureKind,
    /// Its width, in millimetres.
    pub width_mm: i32,
    /// Its height, in millimetres.
    pub height_mm: i32,
    /// Its place in the list.
    pub position: i32,
    /// Since when it is not there any more.
    pub retired_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
