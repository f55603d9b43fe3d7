//! Customs in the schema.
//!
//! - [`declaration`]: declarations with their papers, receipts, matches, bills; what was asked of customs
//! - [`beforehand`]: filings of goods, arrangements; [`delivery`]: what came into a site
//! - [`guarantee`]: tax bills and the guarantees that answer for them
//! - [`messages`]: raw messages; papers of other parties
//!
//! What is about exports stands with them, in `crate::exports::graphql`.

pub mod beforehand;
pub mod declaration;
pub mod delivery;
pub mod guarantee;
pub mod messages;

use async_graphql::MergedObject;

pub use declaration::Declaration;

use super::exports::graphql::{ExportMutation, ExportQuery};

/// The part of the query root about customs.
#[derive(MergedObject, Default)]
pub struct CustomsQuery(
    declaration::DeclarationQuery,
    beforehand::BeforehandQuery,
    guarantee::GuaranteeQuery,
    messages::MessageQuery,
    delivery::DeliveryQuery,
    ExportQuery,
);

/// The part of the mutation root about customs.
#[derive(MergedObject, Default)]
pub struct CustomsMutation(
    declaration::DeclarationMutation,
    beforehand::BeforehandMutation,
    guarantee::GuaranteeMutation,
    messages::MessageMutation,
    delivery::DeliveryMutation,
    ExportMutation,
);
