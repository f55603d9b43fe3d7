//! Deliveries (回调投递): one event to one endpoint.

use crate::Relation;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    platform::EventKind,
    values::id::{WebhookDeliveryId, WebhookEndpointId},
};

/// State of a delivery (投递状态).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeliveryState {
    /// Waits for its first or next attempt (待投递).
    Pending,
    /// The endpoint took it (已送达).
    Delivered,
    /// Given up (投递失败).
    Failed,
}

/// A row of `webhook_delivery`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "webhook_delivery")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: WebhookDeliveryId,
    /// To which endpoint.
    pub endpoint_id: WebhookEndpointId,
    /// Which event: the `webhook-id`.
    pub event_id: Uuid,
    /// What happened.
    pub event: EventKind,
    /// The body as it is sent.
    #[sea_orm(column_type = "Text")]
    pub body: String,
    /// State.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When it was taken or given up.
    pub finished_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
