//! The catalog in the schema: objects, inputs, queries, mutations and subscriptions. Decode, call an operation, wrap;
//! no SQL and no rules.

mod category;
mod change;
mod inputs;
mod mutation;
mod offer;
mod product;
mod query;
mod subscription;

pub use category::{Attribute, AttributeChoice, Brand, Category};
pub use change::{ProductChange, ProductHistoryEntry};
pub use inputs::PriceBandInput;
pub use mutation::CatalogMutation;
pub use offer::{Offer, PriceTier};
pub use product::{Media, Product, ProductAttribute, Variant};
pub use query::CatalogQuery;
pub use subscription::CatalogSubscription;
