//! Exports (出口): what leaves the country, as customs wants it said.
//!
//! Orders of foreign platforms are no orders of this house: whoever declares gives the facts ([`facts`]). Everything that
//! is said to customs of them, the papers CEB303, 403, 505, 603, 605, 607, 507, 509 and 701, is made of these ([`papers`]),
//! so papers that must say the same do.
//!
//! ```text
//! order 303 + waybill 505 (+ money 403, until a day) ──> list 603 ──> released ──> 607 ──> 507 ──> 509 left
//!                 └ above the limit: an entry (报关单), made elsewhere     simplified (A): that was all, statistics only
//!                                                  summarised (B): 701 of the month ──> 792 with the entry's number
//! ```
//!
//! - [`facts`]: what is declared; [`rules`]: what each mode wants of it, and by which route it goes
//! - [`papers`]: the documents that are made of it
//! - [`summary`]: which lists of a month are merged, and until when (汇总申报)
//! - [`declaration`], [`line`]: the rows, and how an export stands; [`about`]: which papers are about which exports
//! - [`summarised`], [`entry`]: the rows of summaries, and what came of them

pub mod about;
pub mod declaration;
pub mod entry;
pub mod facts;
pub mod line;
pub mod papers;
pub mod rules;
pub mod summarised;
pub mod summary;

#[cfg(test)]
pub(crate) mod fixtures;
