//! Places of the zone (地点): parks, malls and commercial areas named by the plan.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::{Localized, Slug, id::PlaceId};

/// What kind of place it is (地点类型).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
    async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PlaceKind {
    /// An industrial or logistics park (园区).
    Park,
    /// A shopping mall or department store (商场).
    Mall,
    /// A commercial centre or street (商业区).
    CommercialArea,
}

/// A row of `place`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "place")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PlaceId,
    /// Readable key.
    #[sea_orm(unique)]
    pub slug: Slug,
    /// Kind.
    pub kind: PlaceKind,
    /// Name by language.
    #[sea_orm(column_type = "JsonBinary")]
    pub name: Localized,
}

impl ActiveModelBehavior for ActiveModel {}
