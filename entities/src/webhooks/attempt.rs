//! Attempts of deliveries (投递尝试): the delivery log. Only added to.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::{WebhookAttemptId, WebhookDeliveryId};

/// A row of `webhook_attempt`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_attempt")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: WebhookAttemptId,
    /// Of which delivery.
    pub delivery_id: WebhookDeliveryId,
    /// The status that the endpoint answered with.
    pub status: Option<i32>,
    /// Why there was no answer.
    #[sea_orm(column_type = "Text")]
    pub error: Option<String>,
    /// How long it took, in milliseconds.
    pub millis: i32,
    /// When.
    pub at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
