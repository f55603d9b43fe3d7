//! Procurement (采购): requests for quotations, sealed quotations, comparison and award, agreements, orders with their
//! approvals, receipts, invoices that are matched, what is owed, and how suppliers do.
//!
//! Invariants:
//! - what a quotation says lies in the vault until its round is opened, after the deadline; until then nobody reads it
//!   but its supplier: no query, no subscription, no event, no audit, no job and no log line holds any of it;
//! - who asks for an order or edits it does not approve it; an edit voids every approval;
//! - nothing is received, accepted or billed beyond what a line of an order lets: guarded updates under the locks of
//!   the order and its lines, and the database refuses the rest;
//! - recording an invoice never fails because it does not match, approving it does;
//! - a thing belongs to two organisations: what one of them may not see of it is null or absent to it.
//!
//! ```text
//! request ──> quotations (sealed) ──> opened ──> comparison ──> award ──> orders, one a supplier
//! order ──> approvals ──> sent ──> acknowledged ──> receipts ──> inspection ──> stock
//!   invoice ──> match (order, receipt, invoice) ──> approved ──> payable, which its supplier sees as receivable
//! ```
//!
//! Rows are locked in one order: request, its lines, orders, their lines by id, lines of receipts by id, agreement, its
//! lines, use of limits, invoice, payable, stock.
//!
//! - [`ops`]: what people do; [`jobs`]: what the clock does; [`loaders`]: what is read in batches
//! - [`order_pdf`]: an order to print

pub mod graphql;
pub mod jobs;
pub mod loaders;
pub mod ops;
pub mod order_pdf;
