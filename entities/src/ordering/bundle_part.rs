//! Bundles (组合商品): an offer whose one unit is taken from the stock of several variants.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::{OfferId, VariantId};

/// Most variants of one bundle.
pub const MAX_PARTS: usize = 20;
/// Most pieces of one variant in one bundle.
pub const MAX_PIECES: i32 = 1_000;

/// A row of `bundle_part`: so many of a variant in one unit of the offer.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "bundle_part")]
pub struct Model {
    /// The offer.
    #[sea_orm(primary_key, auto_increment = false)]
    pub offer_id: OfferId,
    /// What is in it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub variant_id: VariantId,
    /// How many.
    pub quantity: i32,
}

impl ActiveModelBehavior for ActiveModel {}
