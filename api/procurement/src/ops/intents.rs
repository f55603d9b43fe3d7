//! Intents and leads that become requests for quotations: what somebody was interested in at a fair or an exhibition,
//! or was looking for. Of one there is one request, however often it is converted, and that says what it was made of;
//! one that was given up is none, and then it may become another.

use entities::{
    procurement::{RfqState, rfq},
    values::{
        ErrorCode, Refusal, Refusals,
        id::OrganisationId,
        refusal::{Check, line},
    },
};
use platform::{
    app::Work,
    error::{Error, stale},
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::rfqs::{self, NewRfq};

/// What a request may be made of.
pub const KINDS: [&str; 3] = ["EXHIBITION_LEAD", "FAIR_INTENT", "SOURCING_REQUEST"];

/// What a request is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// One of [`KINDS`].
    pub kind: String,
    /// Which one, as whoever keeps it names it.
    pub reference: String,
}

impl Origin {
    fn checked(&self) -> Result<Self, Refusals> {
        let mut check = Check::default();
        let known = KINDS.contains(&self.kind.as_str());
        let shown: String = self.kind.chars().take(40).collect();
        check.demand(known, "kind", || Refusal::new(ErrorCode::InvalidValue).with("value", shown));
        let reference = check.take("reference", line(&self.reference, 120)).unwrap_or_default();
        check.done(Self { kind: self.kind.clone(), reference })
    }
}

async fn made(tx: &impl ConnectionTrait, buyer: OrganisationId, origin: &Origin) -> Result<Option<rfq::Model>, Error> {
    let found = rfq::Entity::find()
        .filter(rfq::Column::BuyerId.eq(buyer))
        .filter(rfq::Column::OriginKind.eq(origin.kind.as_str()))
        .filter(rfq::Column::OriginRef.eq(origin.reference.as_str()))
        .filter(rfq::Column::State.ne(RfqState::Cancelled));
    Ok(found.one(tx).await?)
}

/// Makes a request of an intent or lead, as a part of what the caller does; answers with it, and whether it was made
/// now. Whoever calls has looked whether the buyer may.
pub async fn convert(
    work: &mut Work,
    buyer: OrganisationId,
    origin: &Origin,
    draft: &NewRfq,
) -> Result<(rfq::Model, bool), Error> {
    let origin = origin.checked().map_err(|refusals| Error::from(refusals).at("origin"))?;
    if let Some(row) = made(work.tx(), buyer, &origin).await? {
        return Ok((row, false));
    }
    if let Some(row) = rfqs::drafted(work, buyer, Some(&origin), draft).await? {
        return Ok((row, true));
    }
    // Somebody else made it at this moment.
    let row = made(work.tx(), buyer, &origin).await?.ok_or_else(stale)?;
    Ok((row, false))
}
