//! Variants (规格): what is actually packed, declared and shipped.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::{
    trade::Contents,
    values::{
        CountryCode, CustomsUnit, Gtin, HsCode, Localized,
        id::{ProductId, VariantId},
    },
};

/// A row of `variant`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "variant")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: VariantId,
    /// The product it belongs to.
    pub product_id: ProductId,
    /// Short code, unique within the product (`750ml`, `default`).
    #[sea_orm(column_type = "String(StringLen::N(40))")]
    pub code: String,
    /// Name by language; empty when the product's name says enough.
    #[sea_orm(column_type = "JsonBinary")]
    pub name: Localized,
    /// Barcode, when it has one; unique in the catalog.
    #[sea_orm(unique)]
    pub gtin: Option<Gtin>,
    /// Tariff code.
    pub hs_code: HsCode,
    /// Country of origin.
    pub origin: CountryCode,
    /// Net weight in grams.
    pub net_weight_g: i32,
    /// Gross weight in grams.
    pub gross_weight_g: i32,
    /// Net volume in millilitres, of what is sold by volume.
    pub net_volume_ml: Option<i32>,
    /// Pieces or sheets, of what is sold by them: ten masks in a box are 10.
    pub piece_count: Option<i32>,
    /// First legal unit of the tariff (法定第一计量单位).
    pub unit1: CustomsUnit,
    /// Second legal unit, when the tariff names one (法定第二计量单位).
    pub unit2: Option<CustomsUnit>,
    /// Order among the product's variants, from 0.
    pub position: i32,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The net contents of one, as consumption tax asks for them.
    pub fn contents(&self) -> Contents {
        let stated = |n: i32| (n > 0).then(|| n.into());
        Contents {
            grams: stated(self.net_weight_g),
            millilitres: self.net_volume_ml.and_then(stated),
            pieces: self.piece_count.and_then(stated),
        }
    }
}
