//! Stock (库存): what lies where, whose it is, and what of it is promised.
//!
//! Invariants: a balance changes only together with the move or the promise that says why, in one transaction; the guard
//! is in the UPDATE, so of two that want the last one exactly one gets it; a promise ends exactly once; a move is never
//! changed, only taken back.
//!
//! ```text
//! receive / transfer / reverse ──> ledger::post ──> stock_move + both balances
//! hold ──> promises::hold ──> reserved up      confirm ──> no time limit any more
//! release, expire ──> reserved down            consume ──> reserved down, then ledger::post to the customer
//! ```
//!
//! Rows are locked in one order (that of [`ledger::Place`]), so that two changes of several rows wait for each other and
//! do not embrace.
//!
//! - [`ledger`]: moves and balances
//! - [`loaders`]: where a balance lies and of which lot, read for all rows at once
//! - [`promises`]: holding, confirming, consuming, releasing; what is due expires
//! - [`reconcile`]: whether all of it adds up
//! - [`ops`]: what people do: locations, receipts, transfers, taking back; what they read of it

pub mod graphql;
pub mod ledger;
pub mod loaders;
pub mod ops;
pub mod promises;
pub mod reconcile;
