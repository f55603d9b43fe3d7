//! Offers of financiers in the schema.

use async_graphql::{Context, ID, InputObject, Object, Result};
use chrono::{DateTime, Utc};
use entities::{
    finance::{OfferState, offer},
    party::Action,
    values::Currency,
};
use platform::{
    graphql::{ContextExt, decode, encode},
    payload,
};

use super::{programmes::FinancingTerms, requests::FinancingQuote};
use crate::ops::offers::{self as ops, Made};

/// What a financier offers to a request (融资报价).
#[derive(Clone, Debug)]
pub struct FinancingOffer {
    pub(crate) row: offer::Model,
    pub(crate) currency: Currency,
}

impl FinancingOffer {
    fn of(row: offer::Model) -> Self {
        let currency = row.quote.currency;
        Self { row, currency }
    }
}

/// What a financier offers to a request (融资报价).
#[Object]
impl FinancingOffer {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.row.id)
    }

    /// To which request.
    async fn request_id(&self) -> ID {
        encode(self.row.request_id)
    }

    /// Where it is.
    async fn state(&self) -> OfferState {
        self.row.state
    }

    /// On which terms.
    async fn terms(&self) -> FinancingTerms {
        (&self.row.terms).into()
    }

    /// What it comes to.
    async fn quote(&self) -> FinancingQuote {
        FinancingQuote(self.row.quote.clone())
    }

    /// SHA-256 of what it says in canonical form, in hex: whoever takes it takes this (报价哈希).
    async fn terms_sha256(&self) -> &str {
        &self.row.terms_sha256
    }

    /// Until when it can be taken.
    async fn expires_at(&self) -> DateTime<Utc> {
        self.row.expires_at
    }

    /// Why it was refused or declined.
    async fn reason(&self) -> Option<&str> {
        self.row.reason.as_deref()
    }

    /// When it was taken.
    async fn accepted_at(&self) -> Option<DateTime<Utc>> {
        self.row.accepted_at
    }

    /// The currency of its amounts.
    async fn currency(&self) -> platform::graphql::CurrencyCode {
        platform::graphql::CurrencyCode(self.currency)
    }

    /// Counts up with every change.
    async fn version(&self) -> i32 {
        self.row.version
    }
}

/// An offer that is made; another person of the financier approves it (拟定报价).
#[derive(InputObject)]
pub(crate) struct MakeFinancingOfferInput {
    /// To which request; it is looked at.
    request_id: ID,
    /// The version of the request that was read.
    expected_version: i32,
    /// How much is advanced, in parts per million, at most as much as was asked for; left out: as the request has it.
    advance_ppm: Option<i32>,
    /// The rate by the year, in parts per million; left out: as the request has it.
    rate_ppm: Option<i32>,
    /// The fee, in parts per million; left out: as the request has it.
    fee_ppm: Option<i32>,
    /// Days for which it holds, 1 to 30.
    #[graphql(default = 5)]
    days: i32,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// Whether an offer is made as it was drawn up (报价复核).
#[derive(InputObject)]
pub(crate) struct CheckFinancingOfferInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// Whether it is.
    approve: bool,
    /// Why not.
    reason: Option<String>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// An offer that the seller takes (接受报价).
#[derive(InputObject)]
pub(crate) struct AcceptFinancingOfferInput {
    /// Which.
    id: ID,
    /// SHA-256 of what it says, as it was read.
    terms_sha256: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// An offer that the seller does not take (谢绝报价).
#[derive(InputObject)]
pub(crate) struct DeclineFinancingOfferInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// Why.
    reason: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `makeFinancingOffer`.
    MakeFinancingOfferPayload { /// The offer.
        offer: FinancingOffer }
    /// The answer to `checkFinancingOffer`.
    CheckFinancingOfferPayload { /// The offer.
        offer: FinancingOffer }
    /// The answer to `acceptFinancingOffer`.
    AcceptFinancingOfferPayload { /// The offer.
        offer: FinancingOffer }
    /// The answer to `declineFinancingOffer`.
    DeclineFinancingOfferPayload { /// The offer.
        offer: FinancingOffer }
}

/// Mutations of offers.
#[derive(Default)]
pub struct OfferMutation;

#[Object]
impl OfferMutation {
    /// Draws up an offer to a request; the seller sees it when another person of the financier approved it (拟定报价).
    async fn make_financing_offer(
        &self,
        context: &Context<'_>,
        input: MakeFinancingOfferInput,
    ) -> Result<MakeFinancingOfferPayload> {
        let call = context.call(Action::MakeFinancing)?;
        let result = async {
            let made = Made {
                request: decode(&input.request_id, "requestId")?,
                expected_version: input.expected_version,
                advance_ppm: input.advance_ppm,
                rate_ppm: input.rate_ppm,
                fee_ppm: input.fee_ppm,
                days: input.days,
            };
            ops::make(context.app(), &call, &made).await
        };
        MakeFinancingOfferPayload::new(context, input.client_mutation_id, result.await.map(FinancingOffer::of))
    }

    /// Approves an offer, and the seller can take it; or does not. Not by who drew it up (报价复核).
    async fn check_financing_offer(
        &self,
        context: &Context<'_>,
        input: CheckFinancingOfferInput,
    ) -> Result<CheckFinancingOfferPayload> {
        let call = context.call(Action::CheckFinancing)?;
        let result = async {
            let id = (decode(&input.id, "id")?, input.expected_version);
            ops::check(context.app(), &call, id, input.approve, input.reason.as_deref()).await
        };
        CheckFinancingOfferPayload::new(context, input.client_mutation_id, result.await.map(FinancingOffer::of))
    }

    /// The seller takes an offer: what it read, known by its hash (接受报价).
    async fn accept_financing_offer(
        &self,
        context: &Context<'_>,
        input: AcceptFinancingOfferInput,
    ) -> Result<AcceptFinancingOfferPayload> {
        let call = context.call(Action::AcceptFinancing)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            ops::accept(context.app(), &call, id, &input.terms_sha256).await
        };
        AcceptFinancingOfferPayload::new(context, input.client_mutation_id, result.await.map(FinancingOffer::of))
    }

    /// The seller does not take an offer; its receivables are free again (谢绝报价).
    async fn decline_financing_offer(
        &self,
        context: &Context<'_>,
        input: DeclineFinancingOfferInput,
    ) -> Result<DeclineFinancingOfferPayload> {
        let call = context.call(Action::AcceptFinancing)?;
        let result = async {
            let id = (decode(&input.id, "id")?, input.expected_version);
            ops::decline(context.app(), &call, id, &input.reason).await
        };
        DeclineFinancingOfferPayload::new(context, input.client_mutation_id, result.await.map(FinancingOffer::of))
    }
}
