//! Requests for financing (融资申请): which receivables, in which programme, and where that is. [`RequestStep`] is the
//! table of A3.
//!
//! - A submitted request locks its receivables and blocks limits; what does not come to money frees all of that.
//! - A receivable has one live encumbrance ([`encumbrance`]), and an invoice one live fingerprint ([`fingerprint`]),
//!   whoever asks and whomever: unique indexes over what is live say so.

use crate::Relation;
use sea_orm::{Condition, Select, entity::prelude::*, sea_query::Expr};
use serde::{Deserialize, Serialize};

use super::{eligibility::Rules, quote::Quote, terms::Terms};
use crate::{
    party::Viewer,
    values::{
        Currency, Money, Refusal,
        id::{FinancingProgrammeId, FinancingRequestId, OrganisationId},
    },
};

/// Where a request is (融资申请状态).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "FinancingRequestState")]
pub enum RequestState {
    /// The financier has it (已提交).
    Submitted,
    /// The financier looks at it (审核中).
    UnderReview,
    /// The financier wants to know more (待补充资料).
    InfoRequested,
    /// The financier makes an offer (已报价).
    Offered,
    /// The seller takes the offer (已接受).
    Accepted,
    /// What has to be done before money is paid out is not all done (待落实放款条件).
    ConditionsPending,
    /// Money can be paid out (待放款).
    Ready,
    /// Money was paid out (已放款).
    Disbursed,
    /// A part of it came back (部分结清).
    PartSettled,
    /// All of it came back (已结清).
    Settled,
    /// It should have come back by now (已逾期).
    Overdue,
    /// The seller is to pay what the debtor did not (已追索).
    RecourseDemanded,
    /// The seller bought the receivables back (已回购).
    Repurchased,
    /// Whoever covers the debtor's risk is asked to pay (已索赔).
    CoverClaimed,
    /// Whoever covers it paid (已理赔).
    CoverPaid,
    /// Nobody expects the rest any more (已核销).
    WrittenOff,
    /// The financier will not (已拒绝).
    Rejected,
    /// The seller does not take the offer (已谢绝).
    Declined,
    /// Nobody took the offer in time (报价已过期).
    OfferExpired,
    /// The seller does not want it any more (已撤回).
    Withdrawn,
    /// It was called off after the offer was taken (已取消).
    Cancelled,
}

impl RequestState {
    /// Whether money is out on it.
    pub fn is_out(self) -> bool {
        matches!(
            self,
            Self::Disbursed | Self::PartSettled | Self::Overdue | Self::RecourseDemanded | Self::CoverClaimed
        )
    }

    /// Whether its receivables are free again: it came to nothing.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Rejected | Self::Declined | Self::OfferExpired | Self::Withdrawn | Self::Cancelled)
    }
}

/// A step of a request (融资申请操作).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum RequestStep {
    /// The financier begins to look at it.
    Review,
    /// The financier wants to know more.
    RequestInfo,
    /// The seller says more.
    SupplyInfo,
    /// The financier will not.
    Reject,
    /// The financier makes an offer.
    Offer,
    /// The seller takes it.
    Accept,
    /// The seller does not take it.
    Decline,
    /// Nobody took it in time.
    Expire,
    /// The seller does not want it any more.
    Withdraw,
    /// It is called off after the offer was taken.
    Cancel,
    /// There is something to be done before money is paid out.
    Await,
    /// All of that is done.
    Prepare,
    /// The bank reports that it paid out.
    Disburse,
    /// The bank reports that a part came back.
    PartSettle,
    /// Nothing is owed to the bank any more.
    Settle,
    /// What was reported of money that came back was wrong: it is owed again.
    Reopen,
    /// Due date and days of grace are over.
    Lapse,
    /// The bank wants it of the seller.
    DemandRecourse,
    /// The bank reports that the seller bought back.
    Repurchase,
    /// The bank claims the cover.
    ClaimCover,
    /// The bank reports that the cover was paid.
    PayCover,
    /// A second person of the bank gives the rest up.
    WriteOff,
}

impl RequestStep {
    /// The states that it leads from, and where to (A3).
    pub fn leads(self) -> (&'static [RequestState], RequestState) {
        use RequestState::{
            Accepted, Cancelled, ConditionsPending, CoverClaimed, CoverPaid, Declined, Disbursed, InfoRequested,
            OfferExpired, Offered, Overdue, PartSettled, Ready, RecourseDemanded, Rejected, Repurchased, Settled,
            Submitted, UnderReview, Withdrawn, WrittenOff,
        };
        match self {
            Self::Review => (&[Submitted], UnderReview),
            Self::RequestInfo => (&[Submitted, UnderReview], InfoRequested),
            Self::SupplyInfo => (&[InfoRequested], UnderReview),
            Self::Reject => (&[Submitted, UnderReview, InfoRequested], Rejected),
            Self::Offer => (&[UnderReview], Offered),
            Self::Accept => (&[Offered], Accepted),
            Self::Decline => (&[Offered], Declined),
            Self::Expire => (&[Offered], OfferExpired),
            Self::Withdraw => (&[Submitted, UnderReview, InfoRequested, Offered], Withdrawn),
            Self::Cancel => (&[Accepted, ConditionsPending, Ready], Cancelled),
            Self::Await => (&[Accepted], ConditionsPending),
            Self::Prepare => (&[Accepted, ConditionsPending], Ready),
            Self::Disburse => (&[Ready], Disbursed),
            Self::PartSettle => (&[Disbursed], PartSettled),
            Self::Settle => (&[Disbursed, PartSettled, Overdue, RecourseDemanded, CoverClaimed], Settled),
            Self::Reopen => (&[PartSettled, Settled, Repurchased, CoverPaid], Disbursed),
            Self::Lapse => (&[Disbursed, PartSettled], Overdue),
            Self::DemandRecourse => (&[Overdue], RecourseDemanded),
            Self::Repurchase => (&[RecourseDemanded], Repurchased),
            Self::ClaimCover => (&[Overdue], CoverClaimed),
            Self::PayCover => (&[CoverClaimed], CoverPaid),
            Self::WriteOff => (&[Overdue, RecourseDemanded, CoverClaimed], WrittenOff),
        }
    }

    /// Where it leads from a state, or why not.
    pub fn from(self, state: RequestState) -> Result<RequestState, Refusal> {
        let (from, to) = self.leads();
        if from.contains(&state) {
            return Ok(to);
        }
        let doing = match self {
            Self::RequestInfo => "REQUEST_INFO".to_owned(),
            Self::SupplyInfo => "SUPPLY_INFO".to_owned(),
            Self::PartSettle => "PART_SETTLE".to_owned(),
            Self::DemandRecourse => "DEMAND_RECOURSE".to_owned(),
            Self::ClaimCover => "CLAIM_COVER".to_owned(),
            Self::PayCover => "PAY_COVER".to_owned(),
            Self::WriteOff => "WRITE_OFF".to_owned(),
            step => format!("{step:?}").to_uppercase(),
        };
        Err(Refusal::illegal(state, doing))
    }
}

/// A row of `financing_request`. Amounts are in minor units of its currency.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "financing_request")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: FinancingRequestId,
    /// What people call it by.
    #[sea_orm(unique)]
    pub number: String,
    /// In which programme.
    pub programme_id: FinancingProgrammeId,
    /// Who is asked.
    pub financier_id: OrganisationId,
    /// Who is to have the money.
    pub seller_id: OrganisationId,
    /// Where it is.
    pub state: RequestState,
    /// In which currency.
    pub currency: Currency,
    /// What its receivables are over, as far as they are financed.
    pub face_minor: i64,
    /// What is to be advanced.
    pub principal_minor: i64,
    /// On which day the money is wanted.
    pub wanted_on: Date,
    /// The terms as they were.
    #[sea_orm(column_type = "JsonBinary")]
    pub terms: Terms,
    /// The rules as they were.
    #[sea_orm(column_type = "JsonBinary")]
    pub rules: Rules,
    /// Which version of them.
    pub rules_version: i32,
    /// What it comes to by these terms.
    #[sea_orm(column_type = "JsonBinary")]
    pub quote: Quote,
    /// Who asked for it.
    pub submitted_by: String,
    /// What the financier wants to know, or why it will not; why it was called off.
    pub note: Option<String>,
    /// What the seller said to it.
    pub answer: Option<String>,
    /// Counts up with every change.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The requests that `viewer` may see: those of its organisation, on both sides; all for who oversees the zone.
    pub fn visible_to(viewer: &Viewer) -> Select<Self> {
        if viewer.oversees() {
            return Self::find();
        }
        let Some(own) = viewer.organisation() else { return Self::find().filter(Expr::val(false)) };
        Self::find().filter(Condition::any().add(Column::SellerId.eq(own)).add(Column::FinancierId.eq(own)))
    }
}

impl Model {
    /// An amount of this request.
    pub fn money(&self, minor: i64) -> Money {
        Money { minor, currency: self.currency }
    }
}

/// A receivable of a request (融资申请明细).
pub mod item {
    use crate::Relation;
    use sea_orm::entity::prelude::*;

    use crate::values::id::{FinancingItemId, FinancingRequestId, OrganisationId, ReceivableId};

    /// A row of `financing_item`; never changed.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
    #[sea_orm(table_name = "financing_item")]
    pub struct Model {
        /// Identifier.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: FinancingItemId,
        /// Of which request.
        pub request_id: FinancingRequestId,
        /// Where it stands in it, from nought.
        pub position: i32,
        /// Which receivable.
        pub receivable_id: ReceivableId,
        /// Its debtor.
        pub debtor_id: OrganisationId,
        /// How much of it is financed, in minor units.
        pub face_minor: i64,
        /// What is advanced on it, in minor units.
        pub principal_minor: i64,
        /// When it is due, as it was then.
        pub due_on: Date,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// That a receivable is in a request, or financed (应收占用).
pub mod encumbrance {
    use crate::Relation;
    use sea_orm::entity::prelude::*;

    use crate::values::id::{EncumbranceId, FinancingRequestId, OrganisationId, ReceivableId};

    /// A row of `encumbrance`. Of one receivable one is live.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
    #[sea_orm(table_name = "encumbrance")]
    pub struct Model {
        /// Identifier.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: EncumbranceId,
        /// Of which receivable.
        pub receivable_id: ReceivableId,
        /// By which request.
        pub request_id: FinancingRequestId,
        /// For whom.
        pub financier_id: OrganisationId,
        /// How much of it, in minor units.
        pub amount_minor: i64,
        /// Whether it holds.
        pub live: bool,
        /// Since when.
        pub created_at: DateTimeUtc,
        /// Until when it held.
        pub ended_at: Option<DateTimeUtc>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// That an invoice is financed, known by a keyed hash and nothing else (融资指纹).
pub mod fingerprint {
    use crate::Relation;
    use sea_orm::entity::prelude::*;

    use crate::values::id::{FinancingRequestId, FingerprintId};

    /// Where it is (指纹状态).
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
    pub enum FingerprintState {
        /// Somebody asks for money on it (已登记).
        Registered,
        /// Somebody gave money on it (已融资).
        Financed,
        /// It came to nothing, or is over (已注销).
        Cancelled,
    }

    /// A row of `financed_fingerprint`. Of one hash one is live.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
    #[sea_orm(table_name = "financed_fingerprint")]
    pub struct Model {
        /// Identifier.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: FingerprintId,
        /// The keyed hash, in hex.
        pub hash: String,
        /// That of its seller and number alone: finds the same number with another amount.
        pub number_hash: String,
        /// Which key.
        pub key_version: i32,
        /// Where it is.
        pub state: FingerprintState,
        /// By which request.
        pub request_id: FinancingRequestId,
        /// Since when.
        pub created_at: DateTimeUtc,
        /// When it last changed.
        pub updated_at: DateTimeUtc,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub use fingerprint::FingerprintState;

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn a_request_goes_along_its_table() {
        use RequestState::{
            Accepted, Cancelled, ConditionsPending, CoverClaimed, CoverPaid, Declined, Disbursed, InfoRequested,
            OfferExpired, Offered, Overdue, PartSettled, Ready, RecourseDemanded, Rejected, Repurchased, Settled,
            Submitted, UnderReview, Withdrawn, WrittenOff,
        };
        for (step, from, to) in [
            (RequestStep::Review, vec![Submitted], UnderReview),
            (RequestStep::RequestInfo, vec![Submitted, UnderReview], InfoRequested),
            (RequestStep::SupplyInfo, vec![InfoRequested], UnderReview),
            (RequestStep::Reject, vec![Submitted, UnderReview, InfoRequested], Rejected),
            (RequestStep::Offer, vec![UnderReview], Offered),
            (RequestStep::Accept, vec![Offered], Accepted),
            (RequestStep::Decline, vec![Offered], Declined),
            (RequestStep::Expire, vec![Offered], OfferExpired),
            (RequestStep::Withdraw, vec![Submitted, UnderReview, InfoRequested, Offered], Withdrawn),
            (RequestStep::Cancel, vec![Accepted, ConditionsPending, Ready], Cancelled),
            (RequestStep::Await, vec![Accepted], ConditionsPending),
            (RequestStep::Prepare, vec![Accepted, ConditionsPending], Ready),
            (RequestStep::Disburse, vec![Ready], Disbursed),
            (RequestStep::PartSettle, vec![Disbursed], PartSettled),
            (RequestStep::Settle, vec![Disbursed, PartSettled, Overdue, RecourseDemanded, CoverClaimed], Settled),
            (RequestStep::Reopen, vec![PartSettled, Settled, Repurchased, CoverPaid], Disbursed),
            (RequestStep::Lapse, vec![Disbursed, PartSettled], Overdue),
            (RequestStep::DemandRecourse, vec![Overdue], RecourseDemanded),
            (RequestStep::Repurchase, vec![RecourseDemanded], Repurchased),
            (RequestStep::ClaimCover, vec![Overdue], CoverClaimed),
            (RequestStep::PayCover, vec![CoverClaimed], CoverPaid),
            (RequestStep::WriteOff, vec![Overdue, RecourseDemanded, CoverClaimed], WrittenOff),
        ] {
            for state in RequestState::iter() {
                assert_eq!(step.from(state).ok(), from.contains(&state).then_some(to), "{step:?} from {state:?}");
            }
        }
        let over: Vec<_> = RequestState::iter().filter(|state| state.is_over()).collect();
        assert_eq!(over, [Rejected, Declined, OfferExpired, Withdrawn, Cancelled]);
        let out: Vec<_> = RequestState::iter().filter(|state| state.is_out()).collect();
        assert_eq!(out, [Disbursed, PartSettled, Overdue, RecourseDemanded, CoverClaimed]);
        for state in [Disbursed, PartSettled, Settled, Submitted, UnderReview, Offered, InfoRequested, Accepted, Ready]
        {
            assert!(!state.is_over(), "{state:?} frees what is financed");
        }
    }
}
