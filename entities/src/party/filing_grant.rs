//! Views of filings (备案授权): which fields another organisation may see. Whoever has one is told of every
//! change, once.

use crate::Relation;
use sea_orm::entity::prelude::*;
use serde::Serialize;

use super::filing::Fields;
use crate::values::id::{FilingId, OrganisationId};

/// A row of `filing_grant`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "filing_grant")]
pub struct Model {
    /// The filing.
    #[sea_orm(primary_key, auto_increment = false)]
    pub filing_id: FilingId,
    /// Who may see it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub grantee_id: OrganisationId,
    /// Which fields.
    #[sea_orm(column_type = "JsonBinary")]
    pub fields: Fields,
    /// Since when.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
