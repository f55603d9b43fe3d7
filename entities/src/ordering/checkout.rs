//! Checkouts (结算单): what is paid at once. Its orders sum to its total.

use crate::Relation;
use sea_orm::{entity::prelude::*, sea_query::Expr};

use crate::{
    party::Viewer,
    values::{
        Currency, ErrorCode, Refusal,
        id::{CheckoutId, OrganisationId, PaymentId, PersonId, QuoteId},
    },
};

/// State of a checkout (结算状态).
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
pub enum CheckoutState {
    /// Waits for an approver of the buying organisation (待审批).
    AwaitingApproval,
    /// Waits to be paid (待付款).
    AwaitingPayment,
    /// Paid (已付款).
    Paid,
    /// Will be paid on its terms (赊账).
    OnCredit,
    /// Taken back before it was paid (已取消).
    Cancelled,
    /// Not paid in time (已过期).
    Expired,
}

/// A step of a checkout's life (结算操作).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum CheckoutStep {
    /// An approver said yes; it is to be paid.
    Approve,
    /// An approver said yes; it goes on credit.
    ApproveOnCredit,
    /// The money came.
    Pay,
    /// The money came after its time was up, and everything could be had again.
    PayLate,
    /// The buyer, or an approver, does not want it.
    Cancel,
    /// Its time is up.
    Expire,
}

impl CheckoutStep {
    /// The states that it leads from, and where to.
    pub fn leads(self) -> (&'static [CheckoutState], CheckoutState) {
        use CheckoutState::{AwaitingApproval, AwaitingPayment, Cancelled, Expired, OnCredit, Paid};
        match self {
            Self::Approve => (&[AwaitingApproval], AwaitingPayment),
            Self::ApproveOnCredit => (&[AwaitingApproval], OnCredit),
            Self::Pay => (&[AwaitingPayment], Paid),
            Self::PayLate => (&[AwaitingPayment, Expired], Paid),
            Self::Cancel => (&[AwaitingApproval, AwaitingPayment], Cancelled),
            Self::Expire => (&[AwaitingApproval, AwaitingPayment], Expired),
        }
    }

    /// Where it leads from a state, or why not.
    pub fn from(self, state: CheckoutState) -> Result<CheckoutState, Refusal> {
        let (from, to) = self.leads();
        if from.contains(&state) {
            return Ok(to);
        }
        let name = async_graphql::Value::from(state).to_string();
        Err(Refusal::new(ErrorCode::IllegalTransition)
            .with("from", name)
            .with("action", format!("{self:?}").to_uppercase()))
    }
}

/// When a checkout is paid (付款方式).
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
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
pub enum PaymentTerms {
    /// Before anything goes (预付).
    #[default]
    Prepaid,
    /// Within the days that each seller's credit limit names (赊销).
    OnCredit,
}

/// A row of `checkout`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "checkout")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CheckoutId,
    /// What people call it; also the document that it is paid by.
    #[sea_orm(unique)]
    pub number: String,
    /// The quote that it was placed from.
    #[sea_orm(unique)]
    pub quote_id: QuoteId,
    /// Who placed it.
    pub person_id: PersonId,
    /// The organisation that buys; none: the person does.
    pub organisation_id: Option<OrganisationId>,
    /// In which currency.
    pub currency: Currency,
    /// What is to be paid, in minor units.
    pub total_minor: i64,
    /// State.
    pub state: CheckoutState,
    /// When it is paid.
    pub terms: PaymentTerms,
    /// Who takes the goods in and where, sealed.
    #[serde(skip)]
    pub consignee: Vec<u8>,
    /// The same, masked.
    pub masked_consignee: String,
    /// Where to, by the code of the division.
    pub division: String,
    /// Keyed hash of the buyer's resident ID, when goods are imported for it.
    #[serde(skip)]
    pub buyer_lookup: Option<String>,
    /// The buyer's own number of the order (采购单号).
    pub po_number: Option<String>,
    /// What the buyer says to the sellers.
    pub note: Option<String>,
    /// The level of the approver that it needs; none: it needs none.
    pub approval_level: Option<i32>,
    /// Until when it is held; none once it is decided.
    pub expires_at: Option<DateTimeUtc>,
    /// Whether its time was made longer because a payment was on the way.
    pub extended: bool,
    /// The payment that paid it.
    pub paid_by: Option<PaymentId>,
    /// Counts up with every change.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The checkouts that `viewer` may see: one's own, those of the organisation acted for, all for who oversees the zone.
    pub fn visible_to(viewer: &Viewer) -> Select<Self> {
        if viewer.oversees() {
            return Self::find();
        }
        let own = super::bought(viewer, Column::PersonId, Column::OrganisationId);
        // An empty condition would let everything through.
        if own.is_empty() { Self::find().filter(Expr::val(false)) } else { Self::find().filter(own) }
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn a_checkout_is_paid_or_let_go_and_never_both() {
        use CheckoutState::{AwaitingApproval, AwaitingPayment, Cancelled, Expired, OnCredit, Paid};
        use CheckoutStep::{Approve, ApproveOnCredit, Cancel, Expire, Pay, PayLate};
        let table = [
            (Approve, AwaitingApproval, AwaitingPayment),
            (ApproveOnCredit, AwaitingApproval, OnCredit),
            (Pay, AwaitingPayment, Paid),
            (PayLate, AwaitingPayment, Paid),
            (PayLate, Expired, Paid),
            (Cancel, AwaitingApproval, Cancelled),
            (Cancel, AwaitingPayment, Cancelled),
            (Expire, AwaitingApproval, Expired),
            (Expire, AwaitingPayment, Expired),
        ];
        for step in CheckoutStep::iter() {
            for state in CheckoutState::iter() {
                let expected = table.iter().find(|(s, from, _)| (*s, *from) == (step, state)).map(|(_, _, to)| *to);
                assert_eq!(step.from(state).ok(), expected, "{step:?} of what is {state:?}");
            }
        }
    }
}
