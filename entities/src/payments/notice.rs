//! Notifications of providers (渠道通知): that one was taken, so that it is taken once. Of what it said only a hash is kept.

use crate::Relation;
use sea_orm::entity::prelude::*;

use super::ProviderKind;

/// A row of `payment_notice`: its key is the provider and the provider's own id of the event.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "payment_notice")]
pub struct Model {
    /// From whom.
    #[sea_orm(primary_key, auto_increment = false)]
    pub provider: ProviderKind,
    /// The provider's own id of it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub event: String,
    /// SHA-256 of its body, in hex.
    pub payload_hash: String,
    /// When it was taken.
    pub at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
