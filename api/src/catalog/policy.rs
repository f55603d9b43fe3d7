//! Who may do what in the catalog.
//!
//! | action | operator | owner (seller) | other seller | anonymous |
//! |---|---|---|---|---|
//! | describe a new product | yes | yes | yes | - |
//! | edit it while draft or rejected | yes | yes | hidden | - |
//! | edit it once proposed or public | yes | proposes | proposes (public only) | - |
//! | propose, archive a draft | yes | yes | hidden | - |
//! | publish, reject, decide changes, archive what is public | yes | - | - | - |
//! | offers: make, change | any seller's | own | own | - |
//! | categories, brands | yes | - | - | - |

use entities::{
    catalog::{lifecycle::ProductStatus, product},
    party::{Viewer, viewer::Standing},
    values::id::OrganisationId,
};

use crate::platform::error::Error;

/// How an edit of a product is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditMode {
    /// Now.
    Direct,
    /// As a proposal.
    Proposal,
}

/// Anyone who is signed in; answers with the organisation acted for.
pub fn signed_in(viewer: &Viewer) -> Result<OrganisationId, Error> {
    viewer.organisation().ok_or(Error::Unauthenticated)
}

/// The operator only.
pub fn operator(viewer: &Viewer) -> Result<OrganisationId, Error> {
    match viewer.standing {
        Standing::Operator(id) => Ok(id),
        Standing::Seller(_) => Err(Error::Forbidden),
        Standing::Anonymous => Err(Error::Unauthenticated),
    }
}

/// How `viewer` may edit a product that it can see.
pub fn edit_mode(viewer: &Viewer, product: &product::Model) -> Result<EditMode, Error> {
    match viewer.standing {
        Standing::Operator(_) => Ok(EditMode::Direct),
        Standing::Seller(own) if own == product.owner_id && product.status.is_private() => Ok(EditMode::Direct),
        Standing::Seller(_) => Ok(EditMode::Proposal),
        Standing::Anonymous => Err(Error::Unauthenticated),
    }
}

/// Whether `viewer` may take the owner's steps: propose, archive what is not public.
pub fn owners_step(viewer: &Viewer, product: &product::Model) -> Result<(), Error> {
    match viewer.standing {
        Standing::Operator(_) => Ok(()),
        Standing::Seller(own) if own == product.owner_id && product.status != ProductStatus::Published => Ok(()),
        Standing::Seller(_) => Err(Error::Forbidden),
        Standing::Anonymous => Err(Error::Unauthenticated),
    }
}

/// Whether `viewer` may read a product's history: its owner and the operator.
pub fn reads_history(viewer: &Viewer, owner: OrganisationId) -> bool {
    viewer.is_operator() || viewer.organisation() == Some(owner)
}

/// The seller that `viewer` makes an offer for: itself, or for an operator the one named.
pub fn offering_seller(viewer: &Viewer, named: Option<OrganisationId>) -> Result<OrganisationId, Error> {
    match (viewer.standing, named) {
        (Standing::Operator(_), Some(seller)) => Ok(seller),
        (Standing::Operator(own) | Standing::Seller(own), None) => Ok(own),
        (Standing::Seller(own), Some(seller)) if own == seller => Ok(own),
        (Standing::Seller(_), Some(_)) => Err(Error::Forbidden),
        (Standing::Anonymous, _) => Err(Error::Unauthenticated),
    }
}
