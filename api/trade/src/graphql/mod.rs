//! Trade in the schema: decode, call an operation, wrap.
//!
//! - [`tariff`]: tariff rows and consumption tax
//! - [`rules`]: the positive list, policies of the zone, shipping rates
//! - [`landed`]: the price with taxes, and its explanation
//! - [`allowance`]: one's own allowances
//! - [`query`], [`mutation`]: this context's part of the roots

pub mod allowance;
pub mod landed;
mod mutation;
mod query;
pub mod rules;
pub mod tariff;

pub use landed::{LandedPrice, TaxStep};
pub use mutation::TradeMutation;
pub use query::TradeQuery;
pub use rules::{ImportListLine, ShippingRate, ZonePolicy};
pub use tariff::Tariff;
