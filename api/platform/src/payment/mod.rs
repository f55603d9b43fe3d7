//! Payment providers: a border to the outside, one adapter each.
//!
//! An adapter is I/O and a pure mapping. It says what a provider said and decides nothing: what a report means for a
//! payment is the business of the crate `payments`. Nothing here is called while a transaction is open.

pub mod bank;
pub mod sandbox;
pub mod stripe;
pub mod wechat;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
pub use entities::payments::{Method, ProviderKind, RefundReportState, ReportState};
use entities::values::{
    Money,
    id::{PaymentId, RefundId},
};

use super::{
    clock::Clock,
    db::Db,
    error::{Cause, Error},
    vault::Vault,
    web::Unread,
};
use crate::config::Config;

/// Whoever carries payments out.
#[async_trait]
pub trait PaymentProvider: Send + Sync + std::fmt::Debug {
    /// Begins a payment. Called again with the same `key`, the provider answers the same payment.
    async fn begin(&self, ask: &Begin) -> Result<Begun, Failure>;
    /// What the provider says of it now (polling, the client's return).
    async fn look(&self, reference: &str) -> Result<Report, Failure>;
    /// Takes the money that is held.
    async fn capture(&self, reference: &str, key: &str) -> Result<Report, Failure>;
    /// Gives a payment up.
    async fn cancel(&self, reference: &str, key: &str) -> Result<Report, Failure>;
    /// Gives money back. Called again with the same `key`, the provider answers the same refund.
    async fn refund(&self, ask: &RefundAsk) -> Result<RefundReport, Failure>;
    /// What the provider says of a refund now.
    async fn look_refund(&self, payment_reference: &str, refund_reference: &str) -> Result<RefundReport, Failure>;
    /// Reads a notification from its raw body. Whoever sent it is proved here, or it is refused.
    fn read(&self, headers: &[(String, String)], body: &[u8], now: DateTime<Utc>) -> Result<Notice, Failure>;
    /// What is answered to a notification that was taken: status and body.
    fn taken(&self) -> (u16, &'static str) {
        (200, "")
    }
}

/// A payment that is to begin.
#[derive(Clone, Debug)]
pub struct Begin {
    /// Known again by this.
    pub key: String,
    /// Our own id of it.
    pub payment: PaymentId,
    /// Merchant's order number: at most 32 letters, digits, `_` and `-`.
    pub number: String,
    /// How much.
    pub amount: Money,
    /// How the buyer pays.
    pub method: Method,
    /// What the buyer sees.
    pub description: String,
    /// Where the buyer comes back to.
    pub return_url: Option<String>,
    /// The mini-program's user.
    pub openid: Option<String>,
    /// Where the buyer is.
    pub client_ip: Option<String>,
    /// Until when it can be paid.
    pub expires_at: DateTime<Utc>,
    /// Whether it is captured as soon as it is authorised.
    pub capture: bool,
    /// Now.
    pub at: DateTime<Utc>,
}

/// A payment that has begun.
#[derive(Clone, Debug)]
pub struct Begun {
    /// What the provider knows it by.
    pub reference: String,
    /// What the client does next.
    pub next: NextStep,
    /// How it stands.
    pub report: Report,
}

/// What the client does next.
#[derive(Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the providers' own parameters")]
pub enum NextStep {
    /// Nothing.
    Nothing,
    /// Goes on with the provider's own library, with this secret.
    ClientSecret(String),
    /// Opens this address.
    Redirect(String),
    /// Calls `wx.requestPayment` with these.
    MiniProgram {
        app_id: String,
        time_stamp: String,
        nonce_str: String,
        package: String,
        sign_type: String,
        pay_sign: String,
    },
    /// Transfers the amount, with the reference in the remittance text.
    BankTransfer { account_name: String, bank: String, account_number: String, remittance_reference: String },
}

// Who has the secret can pay, or see who pays: it does not print itself.
impl std::fmt::Debug for NextStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Nothing => "Nothing",
            Self::ClientSecret(_) => "ClientSecret",
            Self::Redirect(_) => "Redirect",
            Self::MiniProgram { .. } => "MiniProgram",
            Self::BankTransfer { .. } => "BankTransfer",
        })
    }
}

/// What a provider says of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What it knows it by.
    pub reference: String,
    /// How it stands.
    pub state: ReportState,
    /// What came.
    pub received: Option<Money>,
    /// What the provider keeps, in minor units.
    pub fee_minor: Option<i64>,
    /// Why it failed, in the provider's words; for the log.
    pub reason: Option<String>,
}

/// A refund that is to be made.
#[derive(Clone, Debug)]
pub struct RefundAsk {
    /// Known again by this.
    pub key: String,
    /// Of which payment.
    pub payment_reference: String,
    /// Our own id of it.
    pub refund: RefundId,
    /// Merchant's number of it.
    pub number: String,
    /// How much.
    pub amount: Money,
    /// How much was paid.
    pub total: Money,
    /// Why.
    pub reason: String,
}

/// What a provider says of a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundReport {
    /// What it knows it by.
    pub reference: String,
    /// How it stands.
    pub state: RefundReportState,
    /// How much goes back.
    pub amount: Option<Money>,
    /// Why it failed, in the provider's words.
    pub reason: Option<String>,
}

/// What a notification says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the provider's own id of the event, and what it says")]
pub enum Notice {
    /// Something about a payment.
    Payment { event: String, report: Report },
    /// Something about a refund.
    Refund { event: String, payment_reference: String, report: RefundReport },
    /// Something else.
    Other { event: String },
}

/// Why a provider did not do it.
#[derive(Debug)]
#[expect(missing_docs, reason = "the provider's own code, and what it says")]
pub enum Failure {
    /// It was asked and said no.
    Refused { code: String, message: String },
    /// It does not answer, or is busy: the same may succeed later.
    Unavailable(Cause),
    /// Whoever sent this is not the provider.
    NotAuthentic,
    /// This is not what the provider sends.
    Unreadable(String),
    /// This provider does no such thing.
    NotSupported,
}

impl Failure {
    /// It does not answer.
    pub fn unavailable(cause: impl Into<Cause>) -> Self {
        Self::Unavailable(cause.into())
    }

    /// Why, for the log and for operators.
    pub fn told(&self) -> String {
        match self {
            Self::Refused { code, message } => format!("{code}: {message}"),
            Self::Unavailable(cause) => format!("it does not answer: {cause}"),
            Self::NotAuthentic => "it is not from the provider".into(),
            Self::Unreadable(what) => format!("it cannot be read: {what}"),
            Self::NotSupported => "this provider does no such thing".into(),
        }
    }
}

impl From<Unread> for Failure {
    fn from(why: Unread) -> Self {
        match why {
            Unread::Broken(error) => Self::Unavailable(error.into()),
            Unread::TooLong => Self::Unreadable("an answer that is far too large".into()),
        }
    }
}

/// The providers that the settings name.
#[derive(Clone, Debug, Default)]
pub struct Providers {
    all: Vec<(ProviderKind, Arc<dyn PaymentProvider>)>,
}

impl Providers {
    /// Makes them.
    pub fn new(config: &Config, db: &Db, vault: &Arc<Vault>, clock: &Clock) -> Result<Self, Error> {
        let mut all: Vec<(ProviderKind, Arc<dyn PaymentProvider>)> = Vec::new();
        if let Some(bank) = bank::of(config) {
            all.push((ProviderKind::Bank, Arc::new(bank)));
        }
        if let Some(stripe) = stripe::of(config)? {
            all.push((ProviderKind::Stripe, stripe.into()));
        }
        if let Some(wechat) = wechat::WechatPay::of(config, clock)? {
            all.push((ProviderKind::Wechat, Arc::new(wechat)));
        }
        if let Some(sandbox) = sandbox::of(config, db, vault, clock) {
            all.push((ProviderKind::Sandbox, Arc::new(sandbox)));
        }
        Ok(Self { all })
    }

    /// One of them; none: it is not switched on.
    pub fn get(&self, kind: ProviderKind) -> Option<&dyn PaymentProvider> {
        self.all.iter().find(|(known, _)| *known == kind).map(|(_, provider)| provider.as_ref())
    }

    /// Those that are switched on.
    pub fn kinds(&self) -> impl Iterator<Item = ProviderKind> {
        self.all.iter().map(|(kind, _)| *kind)
    }
}
