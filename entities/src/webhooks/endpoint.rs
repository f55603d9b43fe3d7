//! Webhook endpoints (回调地址): where an organisation wants to be told, and of what.

use std::collections::BTreeSet;

use crate::Relation;
use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};

use crate::{
    platform::EventKind,
    values::id::{OrganisationId, WebhookEndpointId},
};

/// Of what it is told; empty: of everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct Events(pub BTreeSet<EventKind>);

/// A row of `webhook_endpoint`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "webhook_endpoint")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: WebhookEndpointId,
    /// Whose.
    pub organisation_id: OrganisationId,
    /// Where to.
    #[sea_orm(column_type = "Text")]
    pub url: String,
    /// Of what.
    #[sea_orm(column_type = "JsonBinary")]
    pub events: Events,
    /// The secret that signs, sealed.
    #[serde(skip)]
    pub secret: Vec<u8>,
    /// The secret before it, sealed: it signs too until `previous_until`.
    #[serde(skip)]
    pub previous_secret: Option<Vec<u8>>,
    /// Until when the secret before it signs too.
    pub previous_until: Option<DateTimeUtc>,
    /// Whether it is told anything.
    pub enabled: bool,
    /// Attempts that failed in a row.
    pub failures: i32,
    /// The circuit is open: nothing is tried before this.
    pub open_until: Option<DateTimeUtc>,
    /// Counts up with every change by people.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
