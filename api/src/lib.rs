//! What people can do: operations, GraphQL, HTTP, and the way in from the command line.
//!
//! Modules in floor order; each knows those above it in this list and none below
//! (`tests/it/house.rs` holds this):
//!
//! - [`config`]: settings, from a defaults file, a file and the environment
//! - [`platform`]: what every context stands on: clock, database, cache, errors, pages, tokens, logs
//! - [`app`]: the one struct that holds it all, built once
//! - [`party`]: organisations, people, members, machine clients, filings
//! - [`catalog`]: categories, brands, products, variants, offers; [`webhooks`]: telling partners what happened
//! - [`trade`]: tariffs, the positive list, policies, shipping rates, allowances; what goods cost with import taxes
//! - [`inventory`]: what lies where, whose it is, what is promised of it
//! - [`payments`]: what is asked of a buyer, what came, what is owed to whom
//! - [`customs`]: what is declared of what was sold, and what customs says
//! - [`logistics`]: parcels on their way, and what may leave the gate
//! - [`showroom`]: stores: their floor, what stands there, what people scan
//! - [`ordering`]: carts, quotes, checkouts and their orders
//! - [`procurement`]: what is asked of suppliers, bought, taken in, billed and owed
//! - [`finding`]: searches, and how the index follows
//! - [`zone`], [`seed`]: a zone's reference data; a large catalog for benches
//! - [`worker`]: the runner of background jobs; [`oversight`]: the audit, the feed, dead letters
//! - [`graphql`]: the schema's roots, ids, errors, scalars
//! - [`http`]: routes, the only place that knows poem
//! - [`command`]: the subcommands of the binary

// The roots of the schema are merged of every room's: the compiler follows one into the other.
#![recursion_limit = "256"]

pub mod app;
pub mod catalog;
pub mod command;
pub mod config;
pub mod customs;
pub mod finding;
pub mod graphql;
pub mod http;
pub mod inventory;
pub mod logistics;
pub mod ordering;
pub mod oversight;
pub mod party;
pub mod payments;
pub mod platform;
pub mod procurement;
pub mod seed;
pub mod showroom;
pub mod trade;
pub mod webhooks;
pub mod worker;
pub mod zone;

pub use app::App;
