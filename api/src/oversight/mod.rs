//! Looking after the house: the audit, the change feed, jobs that were given up.
//!
//! Invariants: the audit is only read here; what an organisation may read of it stands in its own chain.

pub mod graphql;
