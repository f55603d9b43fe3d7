//! Scans that a buyer brought along to a checkout (归因触点), until it is paid.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::{PersonId, ProductId, ShowroomId, SlotId, TouchId};

/// A row of `showroom_touch`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "showroom_touch")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TouchId,
    /// Of which checkout.
    pub checkout_number: String,
    /// Where it was scanned.
    pub showroom_id: ShowroomId,
    /// What was scanned.
    pub slot_id: SlotId,
    /// What stood there.
    pub product_id: Option<ProductId>,
    /// Who of the team served.
    pub staff_id: Option<PersonId>,
    /// When.
    pub at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
