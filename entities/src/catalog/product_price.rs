//! The price tag of a product: its cheapest active offer per currency.
//!
//! Derived from `offer` and `offer_price`, written in the same transaction as they are; it makes the
//! list's price, the price band and the order by price one index walk.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::{
    Currency, Money,
    id::{OfferId, ProductId},
};

/// A row of `product_price`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "product_price")]
pub struct Model {
    /// The product.
    #[sea_orm(primary_key, auto_increment = false)]
    pub product_id: ProductId,
    /// The currency.
    #[sea_orm(primary_key, auto_increment = false)]
    pub currency: Currency,
    /// The cheapest active offer.
    pub offer_id: OfferId,
    /// Its price of one unit at its minimum order, in minor units.
    pub amount_minor: i64,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The price of one unit.
    pub fn price(&self) -> Money {
        Money { minor: self.amount_minor, currency: self.currency }
    }
}
