//! Awards (定标): what of a line goes to which supplier, at which price. A line may go to several.
//!
//! The guarded quantity stands on the line: what is awarded of it is never more than what was asked for. An award that
//! is not the cheapest of its line says why, and one is part of one order that stands.

use crate::Relation;
use sea_orm::entity::prelude::*;

use super::unit_price::UnitPrice;
use crate::values::{
    Currency,
    id::{OrganisationId, PurchaseOrderId, QuotationId, RfqAwardId, RfqComparisonId, RfqId, RfqLineId},
};

/// Most awards of one request.
pub const MOST_AWARDS: usize = 500;
/// Longest reason of an award.
pub const MAX_REASON: usize = 300;

/// A row of `rfq_award`: unique by line and supplier.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "rfq_award")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RfqAwardId,
    /// Of which RFQ.
    pub rfq_id: RfqId,
    /// Of which of its lines.
    pub line_id: RfqLineId,
    /// By which quotation.
    pub quotation_id: QuotationId,
    /// To whom.
    pub supplier_id: OrganisationId,
    /// The comparison that it rests on.
    pub comparison_id: Option<RfqComparisonId>,
    /// How much.
    pub quantity: i64,
    /// The price of one at this quantity.
    pub price: UnitPrice,
    /// The currency of the price.
    pub currency: Currency,
    /// The landed cost of one in that comparison, in millionths of its currency's unit; none when what was compared is
    /// another quantity with another price.
    pub landed_e6: Option<i64>,
    /// Why it goes there; demanded of what is not the cheapest.
    pub reason: Option<String>,
    /// The order that it became part of. One that was cancelled or rejected is as none.
    pub order_id: Option<PurchaseOrderId>,
    /// Who awarded it.
    pub awarded_by: String,
    /// When.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
