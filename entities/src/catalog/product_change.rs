//! Proposed changes of shared products (变更申请): a seller proposes, an operator decides.

use crate::Relation;
use sea_orm::{FromJsonQueryResult, entity::prelude::*};

use super::{lifecycle::ChangeStatus, sheet::Patch};
use crate::{
    party::{Viewer, machine_client::Scope},
    values::id::{OrganisationId, ProductChangeId, ProductId},
};

/// The patch as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct StoredPatch(pub Patch);

/// A row of `product_change`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "product_change")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ProductChangeId,
    /// The product to change.
    pub product_id: ProductId,
    /// The organisation that proposes.
    pub proposer_id: OrganisationId,
    /// Who of it.
    #[sea_orm(column_type = "String(StringLen::N(120))")]
    pub proposed_by: String,
    /// The product's version that the proposer saw.
    pub base_version: i32,
    /// What is to change.
    #[sea_orm(column_type = "JsonBinary")]
    pub patch: StoredPatch,
    /// State.
    pub status: ChangeStatus,
    /// Why it was rejected.
    #[sea_orm(column_type = "Text")]
    pub reason: Option<String>,
    /// Who decided.
    #[sea_orm(column_type = "String(StringLen::N(120))")]
    pub decided_by: Option<String>,
    /// When it was proposed.
    pub created_at: DateTimeUtc,
    /// When it was decided.
    pub decided_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The changes that `viewer` may see: those of its own organisation, all for an operator.
    pub fn visible_to(viewer: &Viewer) -> Select<Self> {
        match viewer.reads_for(Scope::Catalog) {
            _ if viewer.oversees() => Self::find(),
            Some(own) => Self::find().filter(Column::ProposerId.eq(own)),
            None => Self::find().filter(Expr::value(false)),
        }
    }
}
