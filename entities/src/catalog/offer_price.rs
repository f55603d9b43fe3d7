//! Prices of an offer: per currency, one row a tier (阶梯价).

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::{Currency, Money, id::OfferId};

/// A row of `offer_price`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "offer_price")]
pub struct Model {
    /// The offer.
    #[sea_orm(primary_key, auto_increment = false)]
    pub offer_id: OfferId,
    /// The currency.
    #[sea_orm(primary_key, auto_increment = false)]
    pub currency: Currency,
    /// From this quantity on; the first tier starts at the offer's minimum order.
    #[sea_orm(primary_key, auto_increment = false)]
    pub min_quantity: i32,
    /// Price of one unit in minor units.
    pub amount_minor: i64,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The price of one unit.
    pub fn price(&self) -> Money {
        Money { minor: self.amount_minor, currency: self.currency }
    }
}
