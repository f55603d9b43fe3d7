//! Steps of approval (审批步骤): one row for each step of each submission, decided in the order of their positions. An edit
//! of what was submitted voids them, and the next submission has steps of its own.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::{PersonId, PurchaseApprovalId, PurchaseOrderId};

/// State of a step (审批步骤状态).
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
#[graphql(name = "PurchaseApprovalState")]
pub enum ApprovalState {
    /// Waits, for those before it or for its approver (待审批).
    Waiting,
    /// Approved (已通过).
    Approved,
    /// Not approved (已驳回).
    Rejected,
    /// Counts no more: the order was changed, sent back or given up (已作废).
    Void,
}

/// A row of `purchase_approval`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "purchase_approval")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PurchaseApprovalId,
    /// Of which order.
    pub order_id: PurchaseOrderId,
    /// Of which revision of it.
    pub revision: i32,
    /// Of which submission, from 1 on.
    pub round: i32,
    /// Its place among the steps, from 0 on.
    pub position: i32,
    /// What people call it.
    pub title: String,
    /// Least level of who decides.
    pub level: i32,
    /// Who decides; none: anyone of that level.
    pub person_id: Option<PersonId>,
    /// State.
    pub state: ApprovalState,
    /// Who decided, as the audit names it.
    pub decided_by: Option<String>,
    /// Who decided.
    pub decider_id: Option<PersonId>,
    /// What who decided says to it.
    pub comment: Option<String>,
    /// When.
    pub decided_at: Option<DateTimeUtc>,
    /// Since when.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
