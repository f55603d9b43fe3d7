//! The change feed (变更流): what happened, one entry for each organisation that is told.
//!
//! `seq` is given when a row is written, `position` when it is committed and seen: a slow transaction may
//! commit a lower `seq` after a higher one was read, so cursors are positions (see
//! `api::platform::feed`).

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::values::id::OrganisationId;

/// What happened (事件类型).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    Serialize,
    Deserialize,
    async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(48))")]
pub enum EventKind {
    /// A product became public (商品已发布).
    #[sea_orm(string_value = "product.published")]
    #[serde(rename = "product.published")]
    ProductPublished,
    /// A proposed product was sent back (商品被驳回).
    #[sea_orm(string_value = "product.rejected")]
    #[serde(rename = "product.rejected")]
    ProductRejected,
    /// A proposed change was decided (变更已裁决).
    #[sea_orm(string_value = "product_change.decided")]
    #[serde(rename = "product_change.decided")]
    ProductChangeDecided,
    /// A filing that one has, or may see, changed its state or what is in force (备案变更).
    #[sea_orm(string_value = "filing.changed")]
    #[serde(rename = "filing.changed")]
    FilingChanged,
    /// Somebody joined, left or changed roles (成员变更).
    #[sea_orm(string_value = "member.changed")]
    #[serde(rename = "member.changed")]
    MemberChanged,
    /// An order was placed, or changed its state (订单变更).
    #[sea_orm(string_value = "order.changed")]
    #[serde(rename = "order.changed")]
    OrderChanged,
    /// A declaration came to another state (申报状态变更).
    #[sea_orm(string_value = "declaration.changed")]
    #[serde(rename = "declaration.changed")]
    DeclarationChanged,
    /// A shipment was opened, or changed its state (运单变更).
    #[sea_orm(string_value = "shipment.changed")]
    #[serde(rename = "shipment.changed")]
    ShipmentChanged,
    /// A trial of a webhook endpoint (测试).
    #[sea_orm(string_value = "webhook.test")]
    #[serde(rename = "webhook.test")]
    WebhookTest,
}

impl EventKind {
    /// As partners read it: `filing.changed`.
    pub fn name(self) -> String {
        sea_orm::ActiveEnum::to_value(&self)
    }
}

/// A row of `feed_entry`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "feed_entry")]
pub struct Model {
    /// In the order of writing.
    #[sea_orm(primary_key)]
    pub seq: i64,
    /// Identifier of the event, the same for every delivery.
    #[sea_orm(unique)]
    pub id: Uuid,
    /// In the order of reading; none until it is numbered.
    #[sea_orm(unique)]
    pub position: Option<i64>,
    /// Who is told.
    pub audience_id: OrganisationId,
    /// What happened.
    pub event: EventKind,
    /// To what, as an opaque id.
    #[sea_orm(column_type = "String(StringLen::N(40))")]
    pub node: String,
    /// In which version.
    pub version: i32,
    /// When.
    pub at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
