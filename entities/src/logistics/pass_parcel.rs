//! Which parcels go through the gate under which pass (核放单明细): one vehicle, many lists.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::{GatePassId, ShipmentId};

/// A row of `gate_pass_parcel`. A parcel is on one pass at most that is not cancelled.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "gate_pass_parcel")]
pub struct Model {
    /// Under which pass.
    #[sea_orm(primary_key, auto_increment = false)]
    pub gate_pass_id: GatePassId,
    /// Which parcel.
    #[sea_orm(primary_key, auto_increment = false)]
    pub shipment_id: ShipmentId,
}

impl ActiveModelBehavior for ActiveModel {}
