//! Payments (支付): what is asked of a buyer, what came, what is owed to whom.
//!
//! Invariants:
//! - a payment moves along [`PaymentState`] by [`payment::fold`]: whatever is reported, in any order and any number of
//!   times, it ends in the same state, and what came stays;
//! - what is allotted to sellers and what is given back are never more than what came (a check of the table);
//! - the memo ledger ([`ledger`]) is only added to, and each posting ([`postings`]) sums to nothing;
//! - of a notification and of a receipt of the bank each is taken once ([`notice`], [`receipt`]).

pub mod commission;
pub mod ledger;
pub mod notice;
pub mod payment;
pub mod payout;
pub mod payout_line;
pub mod postings;
pub mod receipt;
pub mod refund;
pub mod remittance;
pub mod sandbox;
pub mod sandbox_refund;

pub use ledger::Account;
pub use payment::{Method, PaymentState, ProviderKind, ReportState};
pub use payout::PayoutState;
pub use receipt::ReceiptState;
pub use refund::{RefundReportState, RefundState};
pub use sandbox::{Magic, SandboxState};
