//! Specialty-industry tags of the plan (特色产业标签).

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::ProductId;

/// A specialty industry of the zone, as the plan names them (特色产业).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
    async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum IndustryTag {
    /// New materials (新材料).
    NewMaterials,
    /// Photovoltaics and lithium batteries (光伏锂电).
    PhotovoltaicLithium,
    /// Tibetan carpets and wool textiles (藏毯绒纺).
    TibetanCarpetsWool,
    /// Products of plateau plants and animals (高原动植物精深加工).
    PlateauPlantsAnimals,
}

/// A row of `product_tag`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "product_tag")]
pub struct Model {
    /// The product.
    #[sea_orm(primary_key, auto_increment = false)]
    pub product_id: ProductId,
    /// The tag.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tag: IndustryTag,
}

impl ActiveModelBehavior for ActiveModel {}
