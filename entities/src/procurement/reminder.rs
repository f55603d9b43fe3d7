//! What people were reminded of (提醒): when the last reminder of a thing went out. One row for a thing and a kind, so that
//! of two nodes that look at the same moment one reminds.

use crate::Relation;
use sea_orm::entity::prelude::*;

/// What somebody is reminded of (提醒类型).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, serde::Serialize, serde::Deserialize)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReminderKind {
    /// The time to quote is nearly over (报价即将截止).
    RfqDeadline,
    /// An order waits for its approvers (订单待审批).
    OrderApproval,
    /// An order waits for its supplier's answer (订单待确认).
    OrderAnswer,
    /// Something that was ordered should be here (交货逾期).
    OrderLate,
    /// An invoice does not match (发票不符待处理).
    InvoiceException,
    /// Something is to be paid soon, or should have been (付款到期).
    PayableDue,
}

/// A row of `procurement_reminder`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "procurement_reminder")]
pub struct Model {
    /// Of what.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: ReminderKind,
    /// Of which thing: the request, the order, the invoice, the payable.
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject_id: Uuid,
    /// When the last reminder went out.
    pub sent_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
