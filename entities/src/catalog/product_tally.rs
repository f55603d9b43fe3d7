//! How many products there are of each state and category.
//!
//! Kept by triggers of the database (`m0006_tally`); the number is the sum of the rows. Only adding up rows is done here.

use crate::Relation;
use sea_orm::entity::prelude::*;

use super::ProductStatus;
use crate::values::id::CategoryId;

/// A row of `product_tally`: so many more, or fewer.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "product_tally")]
pub struct Model {
    /// In the order of writing.
    #[sea_orm(primary_key)]
    pub seq: i64,
    /// State of the products.
    pub status: ProductStatus,
    /// Their category, itself and not what lies under it.
    pub category_id: CategoryId,
    /// How many came, less how many went.
    pub n: i64,
}

impl ActiveModelBehavior for ActiveModel {}
