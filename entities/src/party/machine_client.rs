//! Machine clients (机器客户端): programs of an organisation. A client proves itself with a key of its own
//! (`private_key_jwt`, RFC 7523) and does what its scopes say.

use std::collections::BTreeSet;

use crate::Relation;
use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};

use crate::values::id::{MachineClientId, OrganisationId};

/// What a machine client may do (权限范围).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, async_graphql::Enum)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Describe products and make offers of its organisation (商品写入).
    Catalog,
    /// Give the papers of declarations that its organisation speaks for, report what came into its site (申报单证提交).
    Customs,
    /// Read the change feed of its organisation (变更流读取).
    Feed,
    /// Read filings that its organisation may see (备案读取).
    Filings,
    /// Say how many people come through the doors of showrooms of its organisation (客流上报).
    Footfall,
    /// Read shipments of its organisation, pack them, report of those that it carries (物流).
    Logistics,
    /// Read what its organisation asks of suppliers, buys, takes in and owes, and what it delivers (采购读取).
    Procurement,
    /// Read and keep the stock of its organisation (库存管理).
    Stock,
    /// Manage webhook endpoints of its organisation (回调管理).
    Webhooks,
}

impl Scope {
    /// Every scope.
    pub const ALL: &'static [Self] = &[
        Self::Catalog,
        Self::Customs,
        Self::Feed,
        Self::Filings,
        Self::Footfall,
        Self::Logistics,
        Self::Procurement,
        Self::Stock,
        Self::Webhooks,
    ];

    /// As OAuth writes it: `catalog`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Catalog => "catalog",
            Self::Customs => "customs",
            Self::Feed => "feed",
            Self::Filings => "filings",
            Self::Footfall => "footfall",
            Self::Logistics => "logistics",
            Self::Procurement => "procurement",
            Self::Stock => "stock",
            Self::Webhooks => "webhooks",
        }
    }
}

/// The scopes of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct Scopes(pub BTreeSet<Scope>);

/// Networks that a client may call from, as CIDR; empty: from anywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct Networks(pub Vec<String>);

/// A row of `machine_client`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "machine_client")]
pub struct Model {
    /// Identifier; also its `client_id`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MachineClientId,
    /// Whose.
    pub organisation_id: OrganisationId,
    /// What it is called.
    #[sea_orm(column_type = "String(StringLen::N(80))")]
    pub name: String,
    /// What it may do.
    #[sea_orm(column_type = "JsonBinary")]
    pub scopes: Scopes,
    /// From where it may call.
    #[sea_orm(column_type = "JsonBinary")]
    pub networks: Networks,
    /// Whether it may get tokens, and those it has are taken.
    pub enabled: bool,
    /// Counts up with every change.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
