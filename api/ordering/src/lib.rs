//! Ordering (下单): carts, quotes, orders.
//!
//! Invariants: what is placed is what a quote of this house said; stock, allowances, credit and the account book are held
//! in the transaction that places, or nothing is; a checkout is paid or let go, never both, and what it held is let go
//! exactly once; the money of a checkout has its orders, and the orders of a checkout have its money.
//!
//! ```text
//! cart ──> quote (15 min, signed) ──> place ──> checkout with an order for each parcel
//!                                       │  held: allowances, credit, account book, stock — in this order, everywhere
//!              approve (companies) <────┤
//!              pay ──> payments.settled ┴─> paid: stock confirmed, seller's share noted
//!              expire, cancel ─────────────> let go; money that comes later buys it again, or goes back
//! ```
//!
//! - [`buyer`]: who buys, and whose cart it is
//! - [`known`]: everything that a cart is held against, read in a fixed number of statements
//! - [`ops`]: what people do; [`jobs`]: what follows by itself
//! - [`clearance`]: what is declared of imports, and what follows from what customs says; [`parcels`]: their way
//! - [`reconcile`]: whether money, orders and what is held agree

pub mod buyer;
pub mod clearance;
pub mod graphql;
pub mod jobs;
pub mod known;
pub mod loaders;
pub mod ops;
pub mod parcels;
pub mod reconcile;
