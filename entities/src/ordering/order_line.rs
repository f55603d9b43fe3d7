//! Lines of an order, as they were sold: nothing that changes in the catalog changes them.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::{
    trade::LineTax,
    values::{
        CountryCode, HsCode, Localized,
        id::{OfferId, OrderId, VariantId},
    },
};

/// A row of `order_line`. Amounts are in minor units of the order's currency.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "order_line")]
pub struct Model {
    /// The order.
    #[sea_orm(primary_key, auto_increment = false)]
    pub order_id: OrderId,
    /// From 1 (商品序号, gnum).
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i32,
    /// The offer that it was sold by.
    pub offer_id: OfferId,
    /// What was sold.
    pub variant_id: VariantId,
    /// The seller's article number.
    pub sku: String,
    /// Name by language.
    #[sea_orm(column_type = "JsonBinary")]
    pub name: Localized,
    /// Tariff code.
    pub hs_code: HsCode,
    /// Country of origin.
    pub origin: CountryCode,
    /// How much.
    pub quantity: i32,
    /// Price of one unit.
    pub unit_minor: i64,
    /// What it was sold for.
    pub goods_minor: i64,
    /// Its share of freight and insurance.
    pub carriage_minor: i64,
    /// Its three taxes.
    pub tax_minor: i64,
    /// How they were computed, when it is taxed.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub tax: Option<TaxOf>,
    /// What is in one unit of it, when it is a bundle.
    #[sea_orm(column_type = "JsonBinary")]
    pub parts: Parts,
}

impl ActiveModelBehavior for ActiveModel {}

/// The computation of a line's taxes, kept as it was.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, sea_orm::FromJsonQueryResult)]
#[serde(transparent)]
pub struct TaxOf(pub LineTax);

/// How many of which variants one unit is taken from.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, sea_orm::FromJsonQueryResult)]
#[serde(transparent)]
pub struct Parts(pub Vec<(VariantId, i32)>);
