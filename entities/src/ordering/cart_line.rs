//! Lines of a cart: so much of an offer.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::{CartId, CartLineId, OfferId};

/// A row of `cart_line`: unique by cart and offer.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "cart_line")]
pub struct Model {
    /// Identifier; ids are made in the order of time.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CartLineId,
    /// In which cart.
    pub cart_id: CartId,
    /// Of what.
    pub offer_id: OfferId,
    /// How much.
    pub quantity: i32,
    /// The price of one unit when the line was last changed, in minor units; none when it had none.
    pub seen_minor: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
