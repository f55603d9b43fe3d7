//! Trade (贸易规则): what goods cost with import taxes, whether they may come in at all, what may be done where, what
//! bringing them costs, and how much of it one person may buy.
//!
//! The rules are pure and stand in `entities/src/trade/`; here they get their rows. Invariants:
//! - a tariff row, a line of the list and a policy are dated; what was decided before is decided by the row of its day;
//! - an allowance changes only together with an entry that says for which document, in one transaction; the guard is in
//!   the UPDATE, so two orders of one person never take more than the year allows;
//! - every change of what prices are made of outdates all kept answers.
//!
//! - [`tariffs`], [`import_list`], [`policies`], [`shipping`]: rows, read for many goods at once, set one by one
//! - [`reference`]: the rows that come with a zone's files
//! - [`landed`]: the price with taxes of one offer
//! - [`allowance`]: reserving, using, releasing, giving back
//! - [`reconcile`]: whether allowances are what their entries say

pub mod allowance;
pub mod graphql;
pub mod import_list;
pub mod landed;
pub mod policies;
pub mod reconcile;
pub mod reference;
mod rows;
pub mod shipping;
pub mod tariffs;
