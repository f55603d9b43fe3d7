//! Proposed changes and the history of a product.

use async_graphql::{Context, ID, Json, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use entities::catalog::{ChangeStatus, product_change, product_history};
use party::graphql::Organisation;
use platform::graphql::{connection::times, encode};

use super::Product;
use crate::loaders;

/// A change of a shared product that waits for the operator, or that was decided (变更申请).
#[derive(Clone, Debug)]
pub struct ProductChange(pub product_change::Model);

/// A change of a shared product that waits for the operator, or that was decided (变更申请).
#[Object]
impl ProductChange {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// The product to change.
    async fn product(&self, context: &Context<'_>) -> Result<Option<Product>> {
        Ok(loaders::of(context).load_one(self.0.product_id).await?.map(Product))
    }

    /// Who proposes.
    async fn proposer(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.0.proposer_id).await?.map(Organisation))
    }

    /// State.
    async fn status(&self) -> ChangeStatus {
        self.0.status
    }

    /// What is to change, as it was sent; absent fields stay.
    async fn patch(&self) -> Result<Json<serde_json::Value>> {
        let whole = serde_json::to_value(&self.0.patch).map_err(platform::error::Error::internal)?;
        let serde_json::Value::Object(fields) = whole else { return Ok(Json(whole)) };
        // Only what was said: a patch has every field, most of them empty.
        let said = |value: &serde_json::Value| match value {
            serde_json::Value::Null => false,
            serde_json::Value::Object(o) => !o.is_empty(),
            serde_json::Value::Array(a) => !a.is_empty(),
            serde_json::Value::String(s) => s != "Keep",
            _ => true,
        };
        Ok(Json(fields.into_iter().filter(|(_, value)| said(value)).collect()))
    }

    /// The product's version that the proposer saw.
    async fn base_version(&self) -> i32 {
        self.0.base_version
    }

    /// Why it was rejected.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// When it was proposed.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it was decided.
    async fn decided_at(&self) -> Option<DateTime<Utc>> {
        self.0.decided_at
    }
}

/// One step in the history of a product (变更历史).
#[derive(Clone, Debug)]
pub struct ProductHistoryEntry(pub product_history::Model);

/// One step in the history of a product (变更历史).
#[Object]
impl ProductHistoryEntry {
    /// What was done.
    async fn action(&self) -> product_history::HistoryAction {
        self.0.action
    }

    /// The product's version afterwards.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Who did it.
    async fn actor(&self) -> &str {
        &self.0.actor
    }

    /// For which organisation.
    async fn organisation(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        let Some(id) = self.0.organisation_id else { return Ok(None) };
        Ok(party::loaders::of(context).load_one(id).await?.map(Organisation))
    }

    /// What changed, field by field.
    #[graphql(complexity = "times(5, child_complexity)")]
    async fn differences(&self) -> Vec<HistoryDifference> {
        let difference = |(field, d): (&String, &product_history::Difference)| HistoryDifference {
            field: field.clone(),
            before: (!d.before.is_null()).then(|| Json(d.before.clone())),
            after: (!d.after.is_null()).then(|| Json(d.after.clone())),
        };
        self.0.differences.0.iter().map(difference).collect()
    }

    /// When.
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }
}

/// One changed field (字段变更).
#[derive(Clone, Debug, SimpleObject)]
pub(super) struct HistoryDifference {
    /// Which field; a variant is `variants.<code>`.
    field: String,
    /// Value before; none when there was none.
    before: Option<Json<serde_json::Value>>,
    /// Value after; none when it was taken away.
    after: Option<Json<serde_json::Value>>,
}
