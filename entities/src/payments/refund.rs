//! Refunds (退款单): what is given back of a payment.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::{PaymentId, RefundId};

/// State of a refund (退款状态).
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
    serde::Serialize,
    serde::Deserialize,
    async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RefundState {
    /// It is to be asked of the provider (待提交).
    Requested,
    /// The provider has it, or a person has to transfer it (处理中).
    Pending,
    /// The money went back (已退款).
    Succeeded,
    /// It did not; the amount can be given back otherwise (退款失败).
    Failed,
}

/// What a provider says of a refund (渠道退款状态).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundReportState {
    /// It is under way.
    Pending,
    /// The money went back.
    Succeeded,
    /// It did not.
    Failed,
}

/// The state after a report; none when it says nothing new. What is over stays over.
pub fn fold(state: RefundState, report: RefundReportState) -> Option<RefundState> {
    match (state, report) {
        (RefundState::Succeeded | RefundState::Failed, _) | (RefundState::Pending, RefundReportState::Pending) => None,
        (_, RefundReportState::Pending) => Some(RefundState::Pending),
        (_, RefundReportState::Succeeded) => Some(RefundState::Succeeded),
        (_, RefundReportState::Failed) => Some(RefundState::Failed),
    }
}

/// A row of `refund`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "refund")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RefundId,
    /// The merchant's number of it (商户退款单号).
    #[sea_orm(unique)]
    pub number: String,
    /// Of which payment.
    pub payment_id: PaymentId,
    /// How much, in minor units of the payment's currency.
    pub amount_minor: i64,
    /// Why.
    pub reason: String,
    /// State.
    pub state: RefundState,
    /// What the provider knows it by.
    pub reference: Option<String>,
    /// What it is known by when it is asked for again.
    #[sea_orm(unique)]
    pub request_key: String,
    /// How often the provider was asked.
    pub attempts: i32,
    /// What the provider said when it failed.
    pub failure: Option<String>,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn a_refund_that_is_over_stays_over() {
        for report in RefundReportState::iter() {
            assert_eq!(fold(RefundState::Succeeded, report), None);
            assert_eq!(fold(RefundState::Failed, report), None);
        }
        assert_eq!(fold(RefundState::Requested, RefundReportState::Pending), Some(RefundState::Pending));
        assert_eq!(fold(RefundState::Pending, RefundReportState::Pending), None);
        assert_eq!(fold(RefundState::Pending, RefundReportState::Succeeded), Some(RefundState::Succeeded));
    }
}
