//! The catalog: what is sold, described once and offered by many.
//!
//! A **master product** is shared: sellers describe it together, an operator has the last word, and many
//! sellers hang **offers** on its variants. Invariants:
//! - what is published has a Chinese and an English name and at least one variant ([`sheet`]);
//! - a state changes only along the table of [`lifecycle`];
//! - an offer's tiers rise in quantity and fall in price ([`terms`]).

pub mod attribute;
pub mod attributes;
pub mod brand;
pub mod category;
pub mod category_attribute;
pub mod lifecycle;
pub mod media;
pub mod offer;
pub mod offer_price;
pub mod product;
pub mod product_change;
pub mod product_history;
pub mod product_price;
pub mod product_tag;
pub mod product_tally;
pub mod row;
pub mod sheet;
pub mod sort_key;
pub mod terms;
pub mod variant;

pub use attribute::AttributeKind;
pub use lifecycle::{ChangeStatus, OfferStatus, ProductAction, ProductStatus};
pub use media::MediaKind;
pub use offer::SupplyMode;
pub use product_tag::IndustryTag;
