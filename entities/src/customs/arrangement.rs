//! Who does what at customs for a seller (申报关系): one for each seller and mode.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::{
    catalog::SupplyMode,
    values::id::{CustomsArrangementId, OrganisationId},
};

/// A row of `customs_arrangement`: unique by seller and mode.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "customs_arrangement")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CustomsArrangementId,
    /// The seller: the e-commerce company of the papers (电商企业).
    pub seller_id: OrganisationId,
    /// For bonded or for direct imports.
    pub mode: SupplyMode,
    /// Who declares (申报企业).
    pub declarer_id: OrganisationId,
    /// Who carries the parcels (物流企业).
    pub carrier_id: OrganisationId,
    /// Who takes the payments (支付企业).
    pub payer_id: OrganisationId,
    /// Who withholds the taxes and answers for them (担保企业): the platform, the seller or the carrier.
    pub guarantor_id: OrganisationId,
    /// Where it is declared, four digits (申报地海关).
    pub customs_code: String,
    /// Where the goods come in, four digits (口岸海关).
    pub port_code: String,
    /// How goods leave the warehouse, one character (运输方式): `Y` is a comprehensive bonded zone.
    pub traf_mode: String,
    /// Whether the platform's own system gives the order, and the house does not write it.
    pub order_by_party: bool,
    /// Whether the payment institution sends its paper itself and gives the house a copy.
    pub payment_by_party: bool,
    /// The same of the carrier.
    pub waybill_by_party: bool,
    /// Counts up with every change.
    pub version: i32,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
