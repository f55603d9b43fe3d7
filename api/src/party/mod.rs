//! Organisations and places: who trades in the zone, and where.
//!
//! Invariants: an organisation has at least one role; its slug never changes meaning.
//! Signing in and filing are not here yet; a [`entities::party::Viewer`] comes from `platform::auth`.

pub mod graphql;
pub mod loaders;
pub mod ops;
