//! Holds (扣留): while there is one, the shipment does not leave the gate. Who holds is who lets go.

use crate::Relation;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::values::id::{OrganisationId, ShipmentHoldId, ShipmentId};

/// Why a shipment is held (扣留原因).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum HoldReason {
    /// Customs wants to look at it (海关查验).
    Customs,
    /// Quality (质量).
    Quality,
    /// The address is not clear (地址不详).
    Address,
    /// Something about the order is odd (风控).
    Risk,
    /// The temperature was outside its range (温控异常).
    Temperature,
    /// Something else (其他).
    Other,
}

/// A row of `shipment_hold`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "shipment_hold")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ShipmentHoldId,
    /// Which shipment.
    pub shipment_id: ShipmentId,
    /// Why.
    pub reason: HoldReason,
    /// What was said of it.
    pub note: String,
    /// The organisation that holds it; none: the house does.
    pub held_for: Option<OrganisationId>,
    /// Who held it.
    pub held_by: String,
    /// Since when.
    pub held_at: DateTimeUtc,
    /// Who let it go.
    pub lifted_by: Option<String>,
    /// When.
    pub lifted_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
