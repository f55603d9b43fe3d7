//! Hot items (热点商品): variants of an owner that everyone wants at once, promised piece by piece ([`super::unit`]).

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::{OrganisationId, VariantId};

/// A row of `hot_item`: while it is there, the variant is hot.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "hot_item")]
pub struct Model {
    /// Whose stock.
    #[sea_orm(primary_key, auto_increment = false)]
    pub owner_id: OrganisationId,
    /// Of what.
    #[sea_orm(primary_key, auto_increment = false)]
    pub variant_id: VariantId,
    /// Since when.
    pub since: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
