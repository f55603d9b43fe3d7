//! Supply-chain finance (供应链金融): receivables that debtors confirm, and what financiers do with them. The house
//! informs and remembers; it never holds funds: what was disbursed and collected is what a bank reports.
//!
//! Invariants:
//! - one invoice is one receivable, whoever brings it; of a matched one the amounts are those of its payable;
//! - what a debtor confirmed stays confirmed; what it stated is kept with its hash;
//! - a bank's reference of a transaction is taken once for each of its lines; the legs of a posting come to nothing;
//! - a batch of money is taken as a whole: its number of items and its control sum hold, or nothing is written.
//!
//! ```text
//! approved invoice ──> receivable <── import (seller), upload (debtor: confirmed at once)
//!   receivable ──> confirmation asked ──> confirmed | partly | disputed | rejected | expired
//! ```
//!
//! Rows are locked in one order: invoice, payable (procurement), requests by id, receivables by id, limits by id; notices
//! and what the registry knows are under the lock of their request.
//!
//! - [`ops`]: what people do; [`jobs`]: what the clock does; [`loaders`]: what is read in batches
//! - [`registry`]: the way to the registry of movable property

pub mod graphql;
pub mod jobs;
pub mod loaders;
pub mod ops;
pub mod registry;
