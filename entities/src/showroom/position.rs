//! What a planogram has in a slot (陈列计划项).

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::{PlanogramId, SlotId, VariantId};

/// A row of `planogram_position`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "planogram_position")]
pub struct Model {
    /// Of which planogram.
    #[sea_orm(primary_key, auto_increment = false)]
    pub planogram_id: PlanogramId,
    /// In which slot.
    #[sea_orm(primary_key, auto_increment = false)]
    pub slot_id: SlotId,
    /// What is to stand there.
    pub variant_id: VariantId,
    /// How many of it side by side.
    pub facings: i32,
}

impl ActiveModelBehavior for ActiveModel {}
