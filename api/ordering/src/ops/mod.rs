//! What people do: carts, quotes, orders, credit, rules. One function is one transaction.

pub mod carts;
pub mod checkouts;
pub mod companies;
pub mod orders;
pub mod pickup;
pub mod place;
pub mod quotes;
