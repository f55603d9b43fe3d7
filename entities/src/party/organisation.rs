//! Organisations (组织): whoever trades, keeps, carries, finances or oversees in the zone.

use sea_orm::entity::prelude::*;

use crate::values::{
    Localized, Slug,
    id::{OrganisationId, PlaceId},
};

/// A row of `organisation`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "organisation")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OrganisationId,
    /// Readable key.
    #[sea_orm(unique)]
    pub slug: Slug,
    /// Name by language.
    #[sea_orm(column_type = "JsonBinary")]
    pub name: Localized,
    /// Where it sits in the zone, when it does.
    pub place_id: Option<PlaceId>,
    /// When it was registered.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
