//! Invitations to quote (询价邀请). They say whether a supplier was told, looked and declined; never whether it quoted:
//! that would tell a buyer more than how many did. Of a sealed round who looked is the supplier's own to know until the
//! opening: beside the count it would name who quoted.

use crate::Relation;
use sea_orm::entity::prelude::*;

use super::rfq;
use crate::values::id::{OrganisationId, RfqId, RfqInvitationId};

/// A row of `rfq_invitation`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "rfq_invitation")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RfqInvitationId,
    /// To which RFQ.
    pub rfq_id: RfqId,
    /// Who is invited.
    pub supplier_id: OrganisationId,
    /// When the supplier was told; none: not yet, the RFQ is a draft.
    pub sent_at: Option<DateTimeUtc>,
    /// When it first looked.
    pub viewed_at: Option<DateTimeUtc>,
    /// When it said that it will not quote.
    pub declined_at: Option<DateTimeUtc>,
    /// Why not.
    pub decline_reason: Option<String>,
    /// Whether the buyer was warned of the supplier's standing when it was asked last.
    pub warned: bool,
    /// Since when.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// When the supplier first looked, as whoever asks may know it: of a sealed round after the opening. What it looked
    /// at in a round before was shown then.
    pub fn shown_view(&self, rfq: &rfq::Model) -> Option<DateTimeUtc> {
        let opened = !rfq.sealed || rfq.opened_at.is_some();
        self.viewed_at.filter(|at| opened || self.sent_at.is_some_and(|sent| *at < sent))
    }
}
