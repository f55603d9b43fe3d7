//! The history of a product (变更历史): who changed what, when, append-only.

use std::collections::BTreeMap;

use crate::Relation;
use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};

use crate::values::id::{OrganisationId, ProductChangeId, ProductHistoryId, ProductId};

/// What was done (操作类型).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, async_graphql::Enum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
pub enum HistoryAction {
    /// First described (创建).
    Created,
    /// Changed directly (修改).
    Updated,
    /// Changed by a confirmed proposal (采纳变更).
    ChangeConfirmed,
    /// Proposed for publication (提交审核).
    Proposed,
    /// Made public (发布).
    Published,
    /// Sent back (驳回).
    Rejected,
    /// Taken out (归档).
    Archived,
}

/// Changed fields: from what to what, as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct Differences(pub BTreeMap<String, Difference>);

/// One changed field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Value before; null when there was none.
    pub before: serde_json::Value,
    /// Value after; null when it was taken away.
    pub after: serde_json::Value,
}

/// A row of `product_history`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "product_history")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ProductHistoryId,
    /// The product.
    pub product_id: ProductId,
    /// The product's version after it.
    pub version: i32,
    /// What was done.
    pub action: HistoryAction,
    /// Who did it.
    #[sea_orm(column_type = "String(StringLen::N(120))")]
    pub actor: String,
    /// For which organisation.
    pub organisation_id: Option<OrganisationId>,
    /// The confirmed proposal, when there was one.
    pub change_id: Option<ProductChangeId>,
    /// What changed.
    #[sea_orm(column_type = "JsonBinary")]
    pub differences: Differences,
    /// When.
    pub at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
