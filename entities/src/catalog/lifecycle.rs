//! Who may be in which state, and how it gets there. Each table is the whole truth: a step that is not
//! in it is refused.

use sea_orm::entity::prelude::*;

use crate::values::{ErrorCode, Refusal};

/// State of a product (商品状态).
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
pub enum ProductStatus {
    /// Being described by its owner; nobody else sees it (草稿).
    Draft,
    /// Waiting for the operator's decision (待审核).
    Proposed,
    /// Public (已发布).
    Published,
    /// Sent back with a reason; may be changed and proposed again (已驳回).
    Rejected,
    /// Taken out for good (已归档).
    Archived,
}

/// A step of a product's life (商品操作).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum ProductAction {
    /// The owner asks for publication.
    Propose,
    /// The operator confirms a proposal, or publishes a draft directly.
    Publish,
    /// The operator sends a proposal back.
    Reject,
    /// Taken out.
    Archive,
}

impl ProductAction {
    /// The transition table of products.
    pub fn from(self, status: ProductStatus) -> Result<ProductStatus, Refusal> {
        use ProductAction::{Archive, Propose, Publish, Reject};
        use ProductStatus::{Archived, Draft, Proposed, Published, Rejected};
        match (self, status) {
            (Propose, Draft | Rejected) => Ok(Proposed),
            (Publish, Draft | Proposed) => Ok(Published),
            (Reject, Proposed) => Ok(Rejected),
            (Archive, Draft | Published | Rejected) => Ok(Archived),
            (action, status) => Err(illegal(status, action)),
        }
    }
}

impl ProductStatus {
    /// True while only the owner and the operator work on it: then it is edited directly.
    pub fn is_private(self) -> bool {
        matches!(self, Self::Draft | Self::Rejected)
    }
}

/// State of an offer (报价状态).
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
pub enum OfferStatus {
    /// Can be bought when its product is published (在售).
    Active,
    /// Held back by its seller for a while (暂停).
    Paused,
    /// Over for good (已下架).
    Ended,
}

impl OfferStatus {
    /// The transition table of offers. Staying where one is is no step and always allowed.
    pub fn to(self, next: Self) -> Result<Self, Refusal> {
        match (self, next) {
            (from, to) if from == to => Ok(to),
            (Self::Active | Self::Paused, Self::Active | Self::Paused | Self::Ended) => Ok(next),
            (from, to) => Err(illegal(from, to)),
        }
    }
}

/// State of a proposed change (变更申请状态).
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
pub enum ChangeStatus {
    /// Waiting for the operator (待审核).
    Pending,
    /// Accepted and part of the product (已采纳).
    Confirmed,
    /// Refused with a reason (已驳回).
    Rejected,
    /// Taken back by who proposed it (已撤回).
    Withdrawn,
}

impl ChangeStatus {
    /// The transition table of proposed changes: a pending one is decided once.
    pub fn decide(self, decision: Self) -> Result<Self, Refusal> {
        match (self, decision) {
            (Self::Pending, Self::Confirmed | Self::Rejected | Self::Withdrawn) => Ok(decision),
            (from, to) => Err(illegal(from, to)),
        }
    }
}

fn illegal(from: impl std::fmt::Debug, action: impl std::fmt::Debug) -> Refusal {
    Refusal::new(ErrorCode::IllegalTransition)
        .with("from", format!("{from:?}").to_uppercase())
        .with("action", format!("{action:?}").to_uppercase())
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn products_move_only_along_the_table() {
        use ProductStatus::*;
        let table = |action: ProductAction| ProductStatus::iter().map(move |s| action.from(s).ok()).collect::<Vec<_>>();
        //                                            draft            proposed         published        rejected         archived
        assert_eq!(table(ProductAction::Propose), [Some(Proposed), None, None, Some(Proposed), None]);
        assert_eq!(table(ProductAction::Publish), [Some(Published), Some(Published), None, None, None]);
        assert_eq!(table(ProductAction::Reject), [None, Some(Rejected), None, None, None]);
        assert_eq!(table(ProductAction::Archive), [Some(Archived), None, Some(Archived), Some(Archived), None]);
    }

    #[test]
    fn an_ended_offer_stays_ended_and_a_decided_change_decided() {
        assert!(OfferStatus::Ended.to(OfferStatus::Active).is_err());
        assert!(OfferStatus::Paused.to(OfferStatus::Active).is_ok());
        for from in ChangeStatus::iter() {
            for to in ChangeStatus::iter() {
                let legal = from == ChangeStatus::Pending && to != ChangeStatus::Pending;
                assert_eq!(from.decide(to).is_ok(), legal, "{from:?} -> {to:?}");
            }
        }
    }
}
