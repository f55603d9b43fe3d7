//! Organisations, people, what they filed, and who may do what.
//!
//! - [`viewer`]: who is looking; [`permission`]: who may do what, as one table
//! - [`organisation`], [`place`], [`membership`]: who trades, where, and who acts for it
//! - [`person`], [`login`], [`session`]: who signs in, and how; [`machine_client`]: programs that do
//! - [`filing`]: filed once, used by every agency that was granted a view
//! - [`consumer_identity`], [`bank_account`]: what is kept encrypted and shown masked

pub mod bank_account;
pub mod client_key;
pub mod consumer_identity;
pub mod filing;
pub mod filing_grant;
pub mod filing_number;
pub mod filing_snapshot;
pub mod invitation;
pub mod login;
pub mod machine_client;
pub mod membership;
pub mod organisation;
pub mod organisation_role;
pub mod permission;
pub mod person;
pub mod place;
pub mod session;
pub mod sign_in_failure;
pub mod used_assertion;
pub mod viewer;

pub use membership::MemberRole;
pub use organisation_role::OrganisationRole;
pub use permission::{Action, Denial, Resource, may};
pub use place::PlaceKind;
pub use viewer::{Acting, Actor, Viewer};
