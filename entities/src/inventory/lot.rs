//! Lots (批次): goods that were made together. Goods that are not told apart are in the lot without a code.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::{OrganisationId, StockLotId, VariantId};

/// A row of `stock_lot`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "stock_lot")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: StockLotId,
    /// Whose goods.
    pub owner_id: OrganisationId,
    /// Of what.
    pub variant_id: VariantId,
    /// As it is printed on them; empty when they are not told apart. Unique within owner and variant.
    pub code: String,
    /// When they were made.
    pub produced_on: Option<Date>,
    /// The first day on which they are too old.
    pub expires_on: Option<Date>,
}

impl ActiveModelBehavior for ActiveModel {}
