//! What stands above the rooms: the roots of the schema, HTTP, and the way in from the command line.
//!
//! The rooms are crates beside this one, in floor order (`tests/it/house.rs` holds the floors):
//!
//! - [`platform`]: what every context stands on: clock, database, cache, errors, pages, tokens, logs; in it
//!   [`config`], settings from a defaults file, a file and the environment, and [`app`], the one struct that holds it
//!   all, built once
//! - [`party`]: organisations, people, members, machine clients, filings
//! - [`catalog`]: categories, brands, products, variants, offers; [`webhooks`]: telling partners what happened
//! - [`trade`]: tariffs, the positive list, policies, shipping rates, allowances; what goods cost with import taxes
//! - [`inventory`]: what lies where, whose it is, what is promised of it
//! - [`payments`]: what is asked of a buyer, what came, what is owed to whom
//! - [`finding`]: searches, and how the index follows
//! - [`customs`]: what is declared of what was sold, and what customs says
//! - [`logistics`]: parcels on their way, and what may leave the gate
//! - [`showroom`]: stores: their floor, what stands there, what people scan
//! - [`ordering`]: carts, quotes, checkouts and their orders
//! - [`procurement`]: what is asked of suppliers, bought, taken in, billed and owed
//! - [`finance`]: receivables that debtors confirm, and what financiers do with them
//!
//! The modules here, each knowing the rooms and those before it:
//!
//! - [`zone`], [`seed`]: a zone's reference data; a large catalog for benches
//! - [`worker`]: the runner of background jobs; [`oversight`]: the audit, the feed, dead letters
//! - [`graphql`]: the schema's roots, the budget, the way in for every transport
//! - [`http`]: routes, the only place that knows poem
//! - [`command`]: the subcommands of the binary

// The roots of the schema are merged of every room's: the compiler follows one into the other.
#![recursion_limit = "256"]

pub mod command;
pub mod graphql;
pub mod http;
pub mod oversight;
pub mod seed;
pub mod worker;
pub mod zone;

// Who stands above all rooms finds them here.
pub use catalog;
pub use customs;
pub use finance;
pub use finding;
pub use inventory;
pub use logistics;
pub use ordering;
pub use party;
pub use payments;
pub use platform::{self, app, config};
pub use procurement;
pub use showroom;
pub use trade;
pub use webhooks;
