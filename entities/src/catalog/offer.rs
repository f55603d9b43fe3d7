//! Offers (报价): a seller's promise to sell one variant on certain terms. Many sellers offer one variant.

use crate::Relation;
use sea_orm::{ExprTrait, entity::prelude::*, sea_query::Query};

use super::{
    lifecycle::{OfferStatus, ProductStatus},
    product,
};
use crate::{
    party::{Viewer, machine_client::Scope},
    values::id::{OfferId, OrganisationId, ProductId, VariantId},
};

/// How goods reach the buyer (供货模式).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
    async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SupplyMode {
    /// Bonded retail import from the zone's warehouse, customs mode 1210 (网购保税进口).
    BondedImport,
    /// Retail import straight from abroad, customs mode 9610 (直购进口).
    DirectImport,
    /// Duty-paid goods within the country (境内一般贸易).
    Domestic,
    /// Export to business buyers, customs modes 9710/9810 (跨境B2B出口).
    #[graphql(name = "EXPORT_B2B")]
    #[serde(rename = "EXPORT_B2B")]
    ExportB2b,
}

impl SupplyMode {
    /// Whether goods come in as retail import: with the positive list, the limits and the taxes of it.
    pub fn is_retail_import(self) -> bool {
        matches!(self, Self::BondedImport | Self::DirectImport)
    }
}

/// A row of `offer`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "offer")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OfferId,
    /// The product of the variant, kept here so that a product's offers are one index walk.
    pub product_id: ProductId,
    /// What is offered.
    pub variant_id: VariantId,
    /// Who offers.
    pub seller_id: OrganisationId,
    /// The seller's own article number, unique for the seller.
    #[sea_orm(column_type = "String(StringLen::N(64))")]
    pub sku: String,
    /// How the goods reach the buyer.
    pub supply_mode: SupplyMode,
    /// State.
    pub status: OfferStatus,
    /// Minimum order quantity (起订量).
    pub moq: i32,
    /// Quantities are multiples of this (包装倍数).
    pub multiple: i32,
    /// Days until it ships; 0 ships from stock.
    pub lead_time_days: i32,
    /// Counts up with every change.
    pub version: i32,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The offers that `viewer` may see: active ones of published products, one's own, all for an operator.
    pub fn visible_to(viewer: &Viewer) -> Select<Self> {
        // Correlated on purpose: as `IN (…)` SQLite would first gather the ids of every published product.
        let published = Query::select()
            .expr(Expr::value(1))
            .from(product::Entity)
            .and_where(Expr::col((product::Entity, product::Column::Id)).equals((Entity, Column::ProductId)))
            .and_where(product::Column::Status.eq(ProductStatus::Published))
            .take();
        let public = Column::Status.eq(OfferStatus::Active).and(Expr::exists(published));
        match viewer.reads_for(Scope::Catalog) {
            _ if viewer.oversees() => Self::find(),
            Some(own) => Self::find().filter(public.or(Column::SellerId.eq(own))),
            None => Self::find().filter(public),
        }
    }
}
