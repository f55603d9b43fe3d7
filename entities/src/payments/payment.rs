//! Payments (支付单): one attempt to be paid for one document, and what providers say of it.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::{Currency, Money, id::PaymentId};

/// Who carries a payment out (支付渠道).
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
#[graphql(name = "PaymentProvider")]
pub enum ProviderKind {
    /// Stripe.
    Stripe,
    /// `WeChat` Pay (微信支付).
    Wechat,
    /// A transfer to the platform's bank account (银行转账).
    Bank,
    /// The stand-in of a demo, with no money behind it (沙箱).
    Sandbox,
}

impl ProviderKind {
    /// Every provider.
    pub const ALL: [Self; 4] = [Self::Stripe, Self::Wechat, Self::Bank, Self::Sandbox];

    /// Its name in addresses: `/webhooks/stripe`.
    pub fn path(self) -> &'static str {
        match self {
            Self::Stripe => "stripe",
            Self::Wechat => "wechat",
            Self::Bank => "bank",
            Self::Sandbox => "sandbox",
        }
    }

    /// Whether buyers pay this way through it.
    pub fn takes(self, method: Method) -> bool {
        match self {
            Self::Stripe => matches!(method, Method::Card | Method::Alipay | Method::WechatPay),
            Self::Wechat => method == Method::WechatJsapi,
            Self::Bank => method == Method::BankTransfer,
            // It stands in for any of them.
            Self::Sandbox => method != Method::BankTransfer,
        }
    }

    /// The provider of that name.
    pub fn of_path(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.path() == name)
    }
}

/// How the buyer pays (支付方式).
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
#[graphql(name = "PaymentMethod")]
pub enum Method {
    /// A card (银行卡).
    Card,
    /// Alipay (支付宝).
    Alipay,
    /// `WeChat` Pay in a browser (微信扫码).
    WechatPay,
    /// `WeChat` Pay inside a mini-program (微信小程序支付).
    WechatJsapi,
    /// A transfer to the platform's bank account (银行转账).
    BankTransfer,
    /// The page of the sandbox (沙箱).
    Sandbox,
}

/// State of a payment (支付状态).
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
pub enum PaymentState {
    /// Known to us only (已创建).
    Created,
    /// The provider waits for the buyer (待支付).
    Waiting,
    /// The buyer's bank holds the money for us (已授权).
    Authorised,
    /// The provider has the money (已收款).
    Captured,
    /// An attempt failed; another of the same payment may succeed (支付失败).
    Failed,
    /// Given up (已取消).
    Cancelled,
}

/// What a provider says of a payment (渠道状态).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportState {
    /// It waits for the buyer.
    Waiting,
    /// The money is held for us.
    Authorised,
    /// It has the money.
    Captured,
    /// The last attempt failed.
    Failed,
    /// It is given up.
    Cancelled,
}

impl PaymentState {
    /// How much more a state says than another. Reports only lead upwards, so their order does not matter. A payment that
    /// failed may be tried again, and money that came although it was given up came all the same.
    fn rank(self) -> u8 {
        match self {
            Self::Created => 0,
            Self::Waiting => 1,
            Self::Failed => 2,
            Self::Authorised => 3,
            Self::Cancelled => 4,
            Self::Captured => 5,
        }
    }

    /// Whether the buyer may still pay it.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Created | Self::Waiting | Self::Authorised | Self::Failed)
    }

    /// The states that the buyer may begin, or begin again, from.
    pub fn can_start(self) -> bool {
        matches!(self, Self::Created | Self::Waiting | Self::Failed)
    }

    /// The state as the schema writes it.
    pub fn name(self) -> String {
        async_graphql::Value::from(self).to_string()
    }
}

impl From<ReportState> for PaymentState {
    fn from(report: ReportState) -> Self {
        match report {
            ReportState::Waiting => Self::Waiting,
            ReportState::Authorised => Self::Authorised,
            ReportState::Captured => Self::Captured,
            ReportState::Failed => Self::Failed,
            ReportState::Cancelled => Self::Cancelled,
        }
    }
}

/// The state after a report; none when the report says nothing new.
pub fn fold(state: PaymentState, report: ReportState) -> Option<PaymentState> {
    let reported = PaymentState::from(report);
    (reported.rank() > state.rank()).then_some(reported)
}

/// A row of `payment`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "payment")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PaymentId,
    /// The merchant's order number (商户订单号), which buyers and banks see.
    #[sea_orm(unique)]
    pub number: String,
    /// The document that it pays for: a checkout.
    pub document: String,
    /// Who pays, as the audit names it.
    pub payer: String,
    /// What it is known by when it is asked for again.
    #[sea_orm(unique)]
    pub request_key: String,
    /// Who carries it out.
    pub provider: ProviderKind,
    /// How the buyer pays.
    pub method: Method,
    /// What is asked, in minor units.
    pub amount_minor: i64,
    /// Its currency.
    pub currency: Currency,
    /// Whether it is captured as soon as it is authorised.
    pub at_once: bool,
    /// State.
    pub state: PaymentState,
    /// What the provider knows it by.
    pub reference: Option<String>,
    /// What came.
    pub captured_minor: i64,
    /// What of it is, or is to be, given back.
    pub refunded_minor: i64,
    /// What of it is allotted to sellers.
    pub allotted_minor: i64,
    /// What the provider keeps for it.
    pub fee_minor: i64,
    /// Whether the money came after the payment had failed or was given up.
    pub late: bool,
    /// What came instead of what was asked, in words; it is not paid then.
    pub mismatch: Option<String>,
    /// Until when it can be paid.
    pub expires_at: DateTimeUtc,
    /// When the provider is asked again what has become of it.
    pub look_at: DateTimeUtc,
    /// Counts up with every change.
    pub version: i64,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// What is asked.
    pub fn amount(&self) -> Money {
        Money { minor: self.amount_minor, currency: self.currency }
    }

    /// What came and is neither allotted nor given back.
    pub fn free_minor(&self) -> i64 {
        self.captured_minor - self.refunded_minor - self.allotted_minor
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn reports_lead_where_the_table_says() {
        use PaymentState::{Authorised, Cancelled, Captured, Created, Failed, Waiting};
        let table = [
            (Created, ReportState::Waiting, Some(Waiting)),
            (Created, ReportState::Captured, Some(Captured)),
            (Waiting, ReportState::Waiting, None),
            (Waiting, ReportState::Failed, Some(Failed)),
            (Waiting, ReportState::Authorised, Some(Authorised)),
            (Failed, ReportState::Waiting, None),
            // Another try of the same payment.
            (Failed, ReportState::Authorised, Some(Authorised)),
            (Failed, ReportState::Captured, Some(Captured)),
            (Authorised, ReportState::Failed, None),
            (Authorised, ReportState::Cancelled, Some(Cancelled)),
            // The money came all the same.
            (Cancelled, ReportState::Captured, Some(Captured)),
            (Cancelled, ReportState::Waiting, None),
        ];
        for (state, report, expected) in table {
            assert_eq!(fold(state, report), expected, "{report:?} of what is {state:?}");
        }
        for report in ReportState::iter() {
            assert_eq!(fold(Captured, report), None, "{report:?} took money away that came");
        }
    }

    fn reports() -> impl Strategy<Value = Vec<ReportState>> {
        prop::collection::vec(prop::sample::select(ReportState::iter().collect::<Vec<_>>()), 0..12)
    }

    proptest! {
        #[test]
        fn any_order_of_any_reports_ends_in_the_same_state(
            (told, shuffled) in reports().prop_flat_map(|told| (Just(told.clone()), Just(told).prop_shuffle())),
            again in any::<prop::sample::Index>(),
        ) {
            let end = |reports: &[ReportState]| {
                reports.iter().fold(PaymentState::Created, |state, report| fold(state, *report).unwrap_or(state))
            };
            prop_assert_eq!(end(&told), end(&shuffled));
            let mut repeated = shuffled.clone();
            if !told.is_empty() {
                repeated.push(*again.get(&told));
            }
            prop_assert_eq!(end(&told), end(&repeated), "a report that comes again changes the end");
        }
    }
}
