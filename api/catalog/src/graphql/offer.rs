//! Offers and their prices.

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use entities::catalog::{OfferStatus, SupplyMode, offer, offer_price};
use party::graphql::Organisation;
use platform::graphql::{ContextExt, CurrencyCode, Money, connection::times, encode};

use super::{Product, Variant};
use crate::loaders::{self, TiersOf};

/// A seller's promise to sell one variant on certain terms (报价).
#[derive(Clone, Debug)]
pub struct Offer(pub offer::Model);

/// A seller's promise to sell one variant on certain terms (报价).
#[Object]
impl Offer {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// The seller's own article number (卖家货号).
    async fn sku(&self) -> &str {
        &self.0.sku
    }

    /// Who offers.
    async fn seller(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.0.seller_id).await?.map(Organisation))
    }

    /// What is offered.
    async fn variant(&self, context: &Context<'_>) -> Result<Option<Variant>> {
        Ok(loaders::of(context).load_one(self.0.variant_id).await?.map(Variant))
    }

    /// The product of the variant.
    async fn product(&self, context: &Context<'_>) -> Result<Option<Product>> {
        Ok(loaders::of(context).load_one(self.0.product_id).await?.map(Product))
    }

    /// How the goods reach the buyer.
    async fn supply_mode(&self) -> SupplyMode {
        self.0.supply_mode
    }

    /// State.
    async fn status(&self) -> OfferStatus {
        self.0.status
    }

    /// Minimum order quantity (起订量).
    async fn minimum_order(&self) -> i32 {
        self.0.moq
    }

    /// Quantities are multiples of this (包装倍数).
    async fn order_multiple(&self) -> i32 {
        self.0.multiple
    }

    /// Days until it ships; 0 ships from stock (交货期).
    async fn lead_time_days(&self) -> i32 {
        self.0.lead_time_days
    }

    /// Price of one unit at the minimum order; none when it is not priced in that currency.
    async fn price(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "ISO 4217 code.", default_with = "CurrencyCode(entities::values::Currency::CNY)")]
        currency: CurrencyCode,
    ) -> Result<Option<Money>> {
        let tiers = loaders::of(context).load_one(TiersOf(self.0.id)).await?.unwrap_or_default();
        Ok(tiers.iter().find(|t| t.currency == currency.0).map(|t| t.price().into()))
    }

    /// All prices: per currency, quantity up and price down (阶梯价).
    #[graphql(complexity = "times(10, child_complexity)")]
    async fn price_tiers(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only this currency.")] currency: Option<CurrencyCode>,
    ) -> Result<Vec<PriceTier>> {
        let tiers = loaders::of(context).load_one(TiersOf(self.0.id)).await?.unwrap_or_default();
        let wanted = |t: &&offer_price::Model| currency.is_none_or(|c| c.0 == t.currency);
        Ok(tiers
            .iter()
            .filter(wanted)
            .map(|t| PriceTier { minimum_quantity: t.min_quantity, price: t.price().into() })
            .collect())
    }

    /// Counts up with every change; send it back as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// Whether the viewer may change it.
    async fn is_mine(&self, context: &Context<'_>) -> Result<bool> {
        Ok(context.viewer().organisation() == Some(self.0.seller_id))
    }
}

/// A price from a quantity on (阶梯价).
#[derive(Clone, Debug, SimpleObject)]
pub struct PriceTier {
    /// From this quantity on.
    minimum_quantity: i32,
    /// Price of one unit.
    price: Money,
}
