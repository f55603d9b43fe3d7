//! Evidence packages as they are kept (证据包): signed files ([`super::evidence`]), one version after the other, of which
//! none is ever changed.

use crate::Relation;
use sea_orm::{DerivePartialModel, QuerySelect, QueryTrait, Select, entity::prelude::*};
use serde::{Deserialize, Serialize};

use super::receivable;
use crate::{
    party::Viewer,
    values::id::{EvidencePackageId, ReceivableId},
};

/// A row of `evidence_package`; never changed.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "evidence_package")]
pub struct Model {
    /// Identifier of this version.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: EvidencePackageId,
    /// Of which receivable.
    pub receivable_id: ReceivableId,
    /// Which version, from 1 on.
    pub version: i32,
    /// The hash of the version before; none of the first.
    pub prev_sha256: Option<String>,
    /// SHA-256 of what is signed, in hex: [`super::evidence::Package::hash`].
    pub sha256: String,
    /// The whole file.
    #[sea_orm(column_type = "Text")]
    pub file: String,
    /// Who made it.
    pub made_by: String,
    /// When.
    pub at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

/// What a list shows of a package: everything but its file, which is loaded when asked for.
#[derive(Clone, Debug, PartialEq, Eq, DerivePartialModel, Serialize, Deserialize)]
#[sea_orm(entity = "Entity")]
#[expect(missing_docs, reason = "the same fields as in `Model`")]
pub struct Head {
    pub id: EvidencePackageId,
    pub receivable_id: ReceivableId,
    pub version: i32,
    pub prev_sha256: Option<String>,
    pub sha256: String,
    pub at: DateTimeUtc,
}

impl From<&Model> for Head {
    fn from(row: &Model) -> Self {
        Self {
            id: row.id,
            receivable_id: row.receivable_id,
            version: row.version,
            prev_sha256: row.prev_sha256.clone(),
            sha256: row.sha256.clone(),
            at: row.at,
        }
    }
}

impl Entity {
    /// The packages that `viewer` may see: those of the receivables that it may see.
    pub fn visible_to(viewer: &Viewer) -> Select<Self> {
        let seen = receivable::Entity::visible_to(viewer).select_only().column(receivable::Column::Id).into_query();
        Self::find().filter(Column::ReceivableId.in_subquery(seen))
    }
}
