//! A note that staff keep on a slot (陈列位备注): the last one that was written, by version.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::{ShowroomId, SlotId};

/// A row of `slot_note`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "slot_note")]
pub struct Model {
    /// On which slot.
    #[sea_orm(primary_key, auto_increment = false)]
    pub slot_id: SlotId,
    /// Of which showroom.
    pub showroom_id: ShowroomId,
    /// What it says; empty: nothing.
    pub text: String,
    /// Counts up with every change.
    pub version: i32,
    /// Who wrote it.
    pub written_by: String,
    /// When.
    pub written_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
