//! Carts (购物车): of a person, of a person who buys for an organisation, or of a guest who has its token.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::{Currency, id::CartId};

/// Most lines of a cart.
pub const MAX_LINES: usize = 500;
/// Most units of a line.
pub const MAX_QUANTITY: i32 = 1_000_000;

/// A row of `cart`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "cart")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CartId,
    /// Whose: `person:<id>`, `person:<id>@<organisation>`, or `guest:<keyed hash of the token>`.
    #[sea_orm(unique)]
    pub owner: String,
    /// In which currency it is priced.
    pub currency: Currency,
    /// Where to, by the code of the division (GB/T 2260); empty: not said yet.
    pub division: String,
    /// Counts up with every change.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
