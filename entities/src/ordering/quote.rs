//! Quotes (报价单): what a cart comes to, promised for a quarter of an hour.
//!
//! A quote is kept as it was made. Its token names it and proves that this house made it; what is placed is what the
//! quote says, whatever prices and rates have become meanwhile. It is placed once.

use crate::Relation;
use chrono::Duration;
use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};

use super::pricing::Priced;
use crate::values::{
    Currency,
    id::{CartId, QuoteId},
};

/// How long a quote holds.
pub const HOLDS: Duration = Duration::minutes(15);

/// A row of `quote`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "quote")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: QuoteId,
    /// The cart that it was made of.
    pub cart_id: CartId,
    /// Whose, as carts say it.
    pub owner: String,
    /// Where to, by the code of the division.
    pub division: String,
    /// In which currency.
    pub currency: Currency,
    /// What is to be paid, in minor units.
    pub total_minor: i64,
    /// What it says.
    #[sea_orm(column_type = "JsonBinary")]
    pub content: Parcels,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// Until when it holds.
    pub expires_at: DateTimeUtc,
    /// When it was placed.
    pub placed_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}

/// The parcels of a quote; each becomes an order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct Parcels(pub Vec<Priced>);
