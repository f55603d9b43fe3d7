//! What things are: tables, value types, and the rules that need no database.
//!
//! One folder a context, with the name of its crate in `api/`. A rule here is a pure function over values:
//! time, randomness and whatever is looked up are parameters, so that each rule is tested as a table.
//!
//! - [`values`]: what every context speaks in (ids, money, languages, codes, refusals).
//! - [`party`]: organisations, people, what they filed, and who may do what.
//! - [`catalog`]: categories, brands, products, variants, offers, and the rules that hold them.
//! - [`inventory`]: what lies where, whose it is, what is promised of it, the account book of customs.
//! - [`trade`]: what a retail import owes at customs, and whether it may pass.
//! - [`customs`]: the messages that the e-port takes and gives.
//! - [`logistics`]: parcels on their way, and what may leave the gate.
//! - [`ordering`]: carts, quotes, orders, and the states that they go through.
//! - [`payments`]: what is asked of a buyer, what came, what is owed to whom.
//! - [`procurement`]: what is asked of suppliers, bought, taken in, billed and owed.
//! - [`finance`]: receivables, and what financiers do with them.
//! - [`showroom`]: a store's floor, what is planned to stand there, what stands there.
//! - [`platform`]: what the promises are kept in: repeats, jobs, audit, change feed.
//! - [`webhooks`]: endpoints of partners, and what was delivered to them.

pub mod catalog;
pub mod customs;
pub mod finance;
pub mod inventory;
pub mod logistics;
pub mod ordering;
pub mod party;
pub mod payments;
pub mod platform;
pub mod procurement;
mod relation;
pub mod showroom;
pub mod trade;
pub mod values;
pub mod webhooks;

pub use relation::Relation;
