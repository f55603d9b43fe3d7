//! Offers of financiers (融资报价): made by one person and approved by another, taken with the hash of what they say.

use crate::Relation;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    quote::Quote,
    terms::{Frozen, Terms},
};
use crate::values::{
    Refusal,
    id::{FinancingOfferId, FinancingRequestId, PersonId},
};

/// Most days that an offer holds.
pub const MOST_DAYS: i32 = 30;

/// Where an offer is (报价状态).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "FinancingOfferState")]
pub enum OfferState {
    /// A second person of the financier has to look at it (待复核).
    Proposed,
    /// The second person says no (复核未通过).
    Refused,
    /// The seller can take it (有效).
    Open,
    /// The seller took it (已接受).
    Accepted,
    /// The seller did not take it (已谢绝).
    Declined,
    /// Nobody took it in time (已过期).
    Expired,
    /// The request will not be (已失效).
    Void,
}

/// A step of an offer (报价操作).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum OfferStep {
    /// A second person approves it.
    Approve,
    /// A second person does not.
    Refuse,
    /// The seller takes it.
    Accept,
    /// The seller does not.
    Decline,
    /// Its time is over.
    Expire,
    /// The request will not be.
    Void,
}

impl OfferStep {
    /// Where it leads from a state, or why not.
    pub fn from(self, state: OfferState) -> Result<OfferState, Refusal> {
        use OfferState::{Accepted, Declined, Expired, Open, Proposed, Refused, Void};
        match (self, state) {
            (Self::Approve, Proposed) => Ok(Open),
            (Self::Refuse, Proposed) => Ok(Refused),
            (Self::Accept, Open) => Ok(Accepted),
            (Self::Decline, Open) => Ok(Declined),
            (Self::Expire, Open) => Ok(Expired),
            (Self::Void, Proposed | Open) => Ok(Void),
            _ => Err(Refusal::illegal(state, format!("{self:?}").to_uppercase())),
        }
    }
}

/// What is hashed of an offer: whoever takes it takes this (报价哈希). Amounts are whole minor units as texts.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields of what is hashed, described in the schema")]
pub struct Said<'a> {
    pub request: &'a str,
    pub currency: &'a str,
    pub funded_on: String,
    pub expires_at: String,
    pub face: i64,
    pub principal: i64,
    pub interest: i64,
    pub fee: i64,
    pub disbursed: i64,
    pub receivables: Vec<SaidItem>,
    pub terms: Frozen<'a>,
}

/// A receivable in it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields of what is hashed, described in the schema")]
pub struct SaidItem {
    pub id: String,
    pub face: i64,
    pub principal: i64,
    pub due_on: String,
}

/// A row of `financing_offer`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "financing_offer")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: FinancingOfferId,
    /// To which request.
    pub request_id: FinancingRequestId,
    /// Where it is.
    pub state: OfferState,
    /// On which terms.
    #[sea_orm(column_type = "JsonBinary")]
    pub terms: Terms,
    /// What it comes to.
    #[sea_orm(column_type = "JsonBinary")]
    pub quote: Quote,
    /// SHA-256 of what it says in canonical form, in hex.
    pub terms_sha256: String,
    /// Until when it can be taken.
    pub expires_at: DateTimeUtc,
    /// Who made it.
    pub made_by: String,
    /// The person who did.
    pub maker_id: Option<PersonId>,
    /// Who looked at it.
    pub checked_by: Option<String>,
    /// Why it was refused or declined.
    pub reason: Option<String>,
    /// Who took it.
    pub accepted_by: Option<String>,
    /// When.
    pub accepted_at: Option<DateTimeUtc>,
    /// Counts up with every change.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn an_offer_goes_along_its_table() {
        use OfferState::{Accepted, Declined, Expired, Open, Proposed, Refused, Void};
        for (step, expected) in [
            (OfferStep::Approve, vec![(Proposed, Open)]),
            (OfferStep::Refuse, vec![(Proposed, Refused)]),
            (OfferStep::Accept, vec![(Open, Accepted)]),
            (OfferStep::Decline, vec![(Open, Declined)]),
            (OfferStep::Expire, vec![(Open, Expired)]),
            (OfferStep::Void, vec![(Proposed, Void), (Open, Void)]),
        ] {
            let leads: Vec<_> = OfferState::iter().filter_map(|state| Some((state, step.from(state).ok()?))).collect();
            assert_eq!(leads, expected, "{step:?}");
        }
    }
}
