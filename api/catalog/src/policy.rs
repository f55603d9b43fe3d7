//! Who may do what to which product and offer. Who may at all is said by
//! [`entities::party::permission`]; here stands what depends on the product's state and owner.
//!
//! | action | operator | owner's catalog people | other seller's | everyone else |
//! |---|---|---|---|---|
//! | describe a new product | yes | yes | yes | - |
//! | edit it while draft or rejected | yes | yes | hidden | - |
//! | edit it once proposed or public | yes | proposes | proposes (public only) | - |
//! | propose, archive a draft | yes | yes | hidden | - |
//! | publish, reject, decide changes, archive what is public | yes | - | - | - |
//! | offers: make, change | any seller's | own | own | - |
//! | categories, brands | yes | - | - | - |
//!
//! Catalog people are an organisation's owners, catalog managers, and machine clients with that scope.

use entities::{
    catalog::{lifecycle::ProductStatus, product},
    party::{Action, Resource, Viewer},
    values::id::OrganisationId,
};
use platform::{app::allowed, error::Error};

/// How an edit of a product is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditMode {
    /// Now.
    Direct,
    /// As a proposal.
    Proposal,
}

/// Anyone who acts for an organisation; answers with it.
pub fn signed_in(viewer: &Viewer) -> Result<OrganisationId, Error> {
    match viewer.organisation() {
        Some(id) => Ok(id),
        None if viewer.signed_in() => Err(Error::Forbidden),
        None => Err(Error::Unauthenticated),
    }
}

/// Whoever may describe products; answers with the organisation acted for.
pub fn describes(viewer: &Viewer) -> Result<OrganisationId, Error> {
    allowed(viewer, Action::DescribeProducts, Resource::OWN)?;
    signed_in(viewer)
}

/// The operator only.
pub fn operator(viewer: &Viewer) -> Result<OrganisationId, Error> {
    allowed(viewer, Action::DecideProducts, Resource::OWN)?;
    signed_in(viewer)
}

/// How `viewer` may edit a product that it can see.
pub fn edit_mode(viewer: &Viewer, product: &product::Model) -> Result<EditMode, Error> {
    let own = describes(viewer)?;
    let direct = viewer.is_operator() || (own == product.owner_id && product.status.is_private());
    Ok(if direct { EditMode::Direct } else { EditMode::Proposal })
}

/// Whether `viewer` may take the owner's steps: propose, archive what is not public.
pub fn owners_step(viewer: &Viewer, product: &product::Model) -> Result<(), Error> {
    let own = describes(viewer)?;
    let owners = own == product.owner_id && product.status != ProductStatus::Published;
    if viewer.is_operator() || owners { Ok(()) } else { Err(Error::Forbidden) }
}

/// Whether `viewer` may read a product's history: its owner and who oversees the zone.
pub fn reads_history(viewer: &Viewer, owner: OrganisationId) -> bool {
    viewer.oversees() || viewer.organisation() == Some(owner)
}

/// The seller that `viewer` makes an offer for: itself, or for an operator the one named.
pub fn offering_seller(viewer: &Viewer, named: Option<OrganisationId>) -> Result<OrganisationId, Error> {
    let seller = named.map_or_else(|| signed_in(viewer), Ok)?;
    allowed(viewer, Action::MakeOffers, Resource::of(seller))?;
    Ok(seller)
}
