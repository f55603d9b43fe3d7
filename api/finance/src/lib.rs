//! Supply-chain finance (供应链金融): receivables that debtors confirm, and what financiers do with them. The house
//! informs and remembers; it never holds funds: what was disbursed and collected is what a bank reports.
//!
//! Invariants:
//! - one invoice is one receivable, whoever brings it; of a matched one the amounts are those of its payable;
//! - what a debtor confirmed stays confirmed; what it stated is kept with its hash;
//! - a batch of money is taken as a whole: its number of items and its control sum hold, or nothing is written.
//!
//! ```text
//! approved invoice ──> receivable <── import (seller), upload (debtor: confirmed at once)
//!   receivable ──> confirmation asked ──> confirmed | partly | disputed | rejected | expired
//! ```
//!
//! Rows are locked in one order: invoice, payable (procurement), receivables by id.
//!
//! - [`ops`]: what people do; [`jobs`]: what the clock does; [`loaders`]: what is read in batches

pub mod graphql;
pub mod jobs;
pub mod loaders;
pub mod ops;
