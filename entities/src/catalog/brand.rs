//! Brands (品牌).

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::{CountryCode, Localized, Slug, id::BrandId};

/// A row of `brand`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "brand")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: BrandId,
    /// Readable key.
    #[sea_orm(unique)]
    pub slug: Slug,
    /// Name by language.
    #[sea_orm(column_type = "JsonBinary")]
    pub name: Localized,
    /// Where the brand is at home.
    pub country: Option<CountryCode>,
    /// Counts up with every change.
    pub version: i32,
}

impl ActiveModelBehavior for ActiveModel {}
