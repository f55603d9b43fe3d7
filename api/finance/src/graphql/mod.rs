//! Finance in the schema. A receivable is shown to its seller, to its debtor from when it is asked to confirm on, and to
//! the financier that is asked for money on it. What is drawn up by one person of a financier and not approved by another
//! is shown to nobody else.

pub mod conditions;
pub mod confirmations;
pub mod evidence;
pub mod financings;
pub mod limits;
pub mod money;
pub mod notices;
pub mod offers;
pub mod programmes;
pub mod receivables;
pub mod requests;
pub mod standing;

use async_graphql::{Context, ID, MergedObject, Result};
use entities::values::{ErrorCode, Refusal, id::OrganisationId};
use party::graphql::Organisation;
use platform::{
    error::Error,
    graphql::{decode, id::NodeId},
};

/// The part of the query root that this context adds.
#[derive(MergedObject, Default)]
pub struct FinanceQuery(
    receivables::ReceivableQuery,
    programmes::ProgrammeQuery,
    limits::LimitQuery,
    requests::RequestQuery,
    standing::StandingQuery,
    evidence::EvidenceQuery,
    financings::FinancingQuery,
    notices::NoticeQuery,
);

/// The part of the mutation root that this context adds.
#[derive(MergedObject, Default)]
pub struct FinanceMutation(
    receivables::ReceivableMutation,
    confirmations::ConfirmationMutation,
    programmes::ProgrammeMutation,
    limits::LimitMutation,
    requests::RequestMutation,
    offers::OfferMutation,
    standing::StandingMutation,
    evidence::EvidenceMutation,
    money::MoneyMutation,
    conditions::ConditionMutation,
    notices::NoticeMutation,
);

/// A value that has to be given.
fn required(field: &str) -> Error {
    Refusal::new(ErrorCode::Required).at(field).into()
}

/// An organisation by its id.
async fn organisation(context: &Context<'_>, id: OrganisationId) -> Result<Option<Organisation>> {
    Ok(party::loaders::of(context).load_one(id).await?.map(Organisation))
}

/// An id that may be left out.
fn optional<I: NodeId>(id: Option<&ID>, field: &str) -> std::result::Result<Option<I>, Error> {
    id.map(|id| decode(id, field)).transpose()
}
