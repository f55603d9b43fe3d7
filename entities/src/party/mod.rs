//! Organisations, the places of the zone, and who is looking.

pub mod organisation;
pub mod organisation_role;
pub mod place;
pub mod viewer;

pub use organisation_role::OrganisationRole;
pub use place::PlaceKind;
pub use viewer::Viewer;
