//! Who trades in the zone, who acts for whom, and what was filed: organisations, places, people, members, machine
//! clients, filings.
//!
//! Invariants: an organisation that has members has an owner; a filing's every version is kept; personal data
//! (how people sign in, resident IDs, account numbers, what filings say) is sealed, shown masked, and read in clear
//! only with an entry in the audit. Who may do what stands in [`entities::party::permission`].

pub mod graphql;
pub mod indexing;
pub mod loaders;
pub mod ops;
