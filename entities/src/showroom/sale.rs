//! Lines of orders that a showroom brought about (门店成交), fixed when they were paid; what comes back is taken off.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::{
    Currency,
    id::{OfferId, OrganisationId, PersonId, ShowroomId, SlotId},
};

/// A row of `showroom_sale`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "showroom_sale")]
pub struct Model {
    /// The order.
    #[sea_orm(primary_key, auto_increment = false)]
    pub order_number: String,
    /// Which line of it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub line: i32,
    /// Which showroom brought it about.
    pub showroom_id: ShowroomId,
    /// The slot that was scanned.
    pub slot_id: Option<SlotId>,
    /// Who of the team served the buyer.
    pub staff_id: Option<PersonId>,
    /// What it was sold as.
    pub offer_id: OfferId,
    /// Who sold it.
    pub seller_id: OrganisationId,
    /// How many.
    pub quantity: i32,
    /// What it was sold for, in minor units.
    pub goods_minor: i64,
    /// The currency of all amounts.
    pub currency: Currency,
    /// What of it is the showroom's (门店佣金).
    pub showroom_minor: i64,
    /// What of that is for who served (导购提成).
    pub staff_minor: i64,
    /// What of the goods came back.
    pub returned_minor: i64,
    /// Whether all of it came back.
    pub returned: bool,
    /// The rule that it was split by; 0: there was none.
    pub rule_version: i32,
    /// When it was paid.
    pub paid_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
