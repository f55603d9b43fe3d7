//! Organisations (组织): whoever trades, keeps, carries, finances or oversees in the zone.

use crate::Relation;
use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};

use crate::values::{
    CountryCode, CustomsRegistration, Localized, Slug, Uscc,
    id::{OrganisationId, PlaceId},
};

/// What an address is for (地址类型).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, async_graphql::Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AddressKind {
    /// Where it is registered (注册地址).
    Registered,
    /// Where its business is (经营地址).
    Business,
    /// Where goods go (仓库地址).
    Warehouse,
    /// Where invoices go (开票地址).
    Billing,
}

/// An address (地址).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// What it is for.
    pub kind: AddressKind,
    /// Country.
    pub country: CountryCode,
    /// Province, city, district.
    pub region: String,
    /// Street and number.
    pub street: String,
    /// Postal code.
    pub postal_code: Option<String>,
}

/// The addresses of an organisation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct Addresses(pub Vec<Address>);

/// A row of `organisation`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
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
    /// Unified social credit code.
    #[sea_orm(unique)]
    pub uscc: Option<Uscc>,
    /// Customs registration code.
    #[sea_orm(unique)]
    pub customs_code: Option<CustomsRegistration>,
    /// Addresses.
    #[sea_orm(column_type = "JsonBinary")]
    pub addresses: Addresses,
    /// Counts up with every change.
    pub version: i32,
}

impl ActiveModelBehavior for ActiveModel {}
