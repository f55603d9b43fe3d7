//! Organisations, people, and who may do what.

mod filings;
pub mod identities;
mod machines;
mod members;
mod sessions;
mod zone;
