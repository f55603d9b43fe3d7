//! Stock (库存): what lies where, whose it is, and what of it is promised.
//!
//! Invariants: a balance changes only together with the move or the promise that says why, in one transaction; the guard
//! is in the UPDATE, so of two that want the last one exactly one gets it; a promise ends exactly once; a move is never
//! changed, only taken back.
//!
//! ```text
//! receive / transfer / count / reverse ──> ledger::post ──> stock_move + both balances
//! hold_all ──> reserved up             confirm_all ──> no time limit any more
//! let_go, sweep ──> reserved down      consume_all ──> reserved down, then ledger::post to the customer
//! declare inbound ──> pre-increased ──> receive ──> increased, onto the dock ──> put away ──> into the warehouse
//! ```
//!
//! Rows are locked in one order ([`ledger`]), so that two changes of several rows wait for each other and do not embrace.
//!
//! - [`ledger`]: moves and balances
//! - [`promises`]: holding, confirming, consuming, releasing, line by line or a whole document; what is due expires
//! - [`units`]: hot items, promised piece by piece
//! - [`book`]: the account book of customs; [`gate`]: lists and passes of its gate, a stand-in
//! - [`loaders`]: where a balance lies and of which lot, read for all rows at once
//! - [`reconcile`]: whether all of it adds up
//! - [`ops`]: what people do: locations, receipts, inbound notices, transfers, counts, taking back; what they read of it

pub mod availability;
pub mod book;
pub mod gate;
pub mod graphql;
pub mod ledger;
pub mod loaders;
pub mod ops;
pub mod promises;
pub mod reconcile;
pub mod units;
