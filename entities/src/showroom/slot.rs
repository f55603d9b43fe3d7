//! A place on a fixture where something stands (陈列位). Its code is printed and stuck to it.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::{FixtureId, ShowroomId, SlotId};

/// A row of `showroom_slot`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "showroom_slot")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SlotId,
    /// Of which showroom.
    pub showroom_id: ShowroomId,
    /// On which fixture.
    pub fixture_id: FixtureId,
    /// Short code, unique on the fixture.
    pub code: String,
    /// What is printed on it; unique, and never another's.
    #[sea_orm(unique)]
    pub scan_code: String,
    /// From the left of the fixture, in millimetres.
    pub x_mm: i32,
    /// From the bottom of the fixture, in millimetres.
    pub y_mm: i32,
    /// Its width, in millimetres.
    pub width_mm: i32,
    /// Its height, in millimetres.
    pub height_mm: i32,
    /// How many pieces stand side by side.
    pub facings: i32,
    /// Its place in the list.
    pub position: i32,
    /// Since when it is not there any more.
    pub retired_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
