//! Which attributes a category has; its subcategories inherit them.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::{AttributeId, CategoryId};

/// A row of `category_attribute`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "category_attribute")]
pub struct Model {
    /// The category.
    #[sea_orm(primary_key, auto_increment = false)]
    pub category_id: CategoryId,
    /// The attribute.
    #[sea_orm(primary_key, auto_increment = false)]
    pub attribute_id: AttributeId,
}

impl ActiveModelBehavior for ActiveModel {}
