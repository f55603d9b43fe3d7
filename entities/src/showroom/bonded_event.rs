//! What happened to a bonded display (保税展示流水): who, when, under which document. Only added to; the database refuses
//! the rest.

use crate::Relation;
use sea_orm::entity::prelude::*;

use super::BondedDisplayStep;
use crate::values::id::{BondedDisplayEventId, BondedDisplayId, BondedDisplayPartId};

/// A row of `bonded_display_event`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "bonded_display_event")]
pub struct Model {
    /// Identifier; ids are made in the order of time.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: BondedDisplayEventId,
    /// To which.
    pub display_id: BondedDisplayId,
    /// To which part of it the pieces came.
    pub part_id: Option<BondedDisplayPartId>,
    /// What.
    pub step: BondedDisplayStep,
    /// How many pieces.
    pub quantity: i64,
    /// The documents that say so.
    pub document: Option<String>,
    /// Who did it.
    pub actor: String,
    /// When.
    pub at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
