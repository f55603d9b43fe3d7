//! What happened to an order (订单动态), only added to.

use crate::Relation;
use sea_orm::entity::prelude::*;

use super::{OrderState, OrderStep};
use crate::values::id::{OrderEventId, OrderId};

/// A row of `order_event`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "order_event")]
pub struct Model {
    /// Identifier; ids are made in the order of time.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OrderEventId,
    /// To which order.
    pub order_id: OrderId,
    /// What.
    pub step: OrderStep,
    /// The state after it.
    pub state: OrderState,
    /// Who did it.
    pub actor: String,
    /// What was said of it.
    pub note: Option<String>,
    /// When.
    pub at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
