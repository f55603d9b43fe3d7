//! The catalog: what is sold, described once and offered by many.
//!
//! Invariants: what is public is complete (both languages, a variant); a shared product changes only by
//! its operator or through a proposal that the operator confirmed; the price tag of a product is its
//! cheapest active offer, always, because it is written in the transaction that changes an offer.
//!
//! - [`policy`]: who may do what
//! - [`store`]: a product as one value, read and written
//! - [`ops`]: the operations
//! - [`import`]: catalog files
//! - [`indexing`]: what the search index knows

pub mod graphql;
pub mod import;
pub mod indexing;
pub mod loaders;
pub mod ops;
pub mod policy;
pub mod store;
