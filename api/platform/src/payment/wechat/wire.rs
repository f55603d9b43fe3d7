//! What is written to `WeChat` Pay and what it answers, read. Names are those of its documentation.

use chrono::{DateTime, Duration, Utc};
use entities::{
    payments::Method,
    values::{Currency, Money},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::payment::{Begin, Failure, RefundAsk, RefundReport, RefundReportState, Report, ReportState};

/// Most bytes of a description and of the reason of a refund.
const DESCRIPTION: usize = 127;
const REASON: usize = 80;
/// The codes of an order that is not there: today's, and that of earlier documentation.
const MISSING: [&str; 2] = ["ORDER_NOT_EXIST", "ORDERNOTEXIST"];

/// Who pays through which app to which merchant.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) app_id: String,
    pub(super) merchant_id: String,
    pub(super) notify_url: String,
}

/// An order (下单).
#[derive(Debug, Serialize)]
pub(super) struct Order<'a> {
    appid: &'a str,
    mchid: &'a str,
    description: String,
    out_trade_no: &'a str,
    time_expire: String,
    notify_url: &'a str,
    amount: OrderAmount,
    payer: Payer<'a>,
}

#[derive(Debug, Serialize)]
struct OrderAmount {
    total: i64,
    currency: &'static str,
}

#[derive(Debug, Serialize)]
struct Payer<'a> {
    openid: &'a str,
}

/// An order as it is written. Only what is the same when it is asked for again: the service takes the same number with
/// other words for another order, so the client's address is not in it.
pub(super) fn order<'a>(ask: &'a Begin, account: &'a Account) -> Result<Order<'a>, Failure> {
    // It has no step between authorising and taking.
    if ask.method != Method::WechatJsapi || !ask.capture {
        return Err(Failure::NotSupported);
    }
    let openid = ask.openid.as_deref().filter(|openid| !openid.is_empty());
    let openid = openid.ok_or_else(|| refused("OPENID_MISSING", "only who signed in with WeChat pays in its app"))?;
    let description = cut(&ask.description, DESCRIPTION);
    Ok(Order {
        appid: &account.app_id,
        mchid: &account.merchant_id,
        description: if description.is_empty() { ask.number.clone() } else { description },
        out_trade_no: number(&ask.number, 32)?,
        time_expire: beijing(ask.expires_at),
        notify_url: &account.notify_url,
        amount: OrderAmount { total: fen(ask.amount)?, currency: "CNY" },
        payer: Payer { openid },
    })
}

/// Closing an order (关单).
#[derive(Debug, Serialize)]
pub(super) struct Close<'a> {
    pub(super) mchid: &'a str,
}

/// A refund (申请退款).
#[derive(Debug, Serialize)]
pub(super) struct Refund<'a> {
    out_trade_no: &'a str,
    out_refund_no: &'a str,
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
    notify_url: &'a str,
    amount: RefundAmount,
}

#[derive(Debug, Serialize)]
struct RefundAmount {
    refund: i64,
    total: i64,
    currency: &'static str,
}

/// A refund as it is written.
pub(super) fn refund<'a>(ask: &'a RefundAsk, account: &'a Account) -> Result<Refund<'a>, Failure> {
    Ok(Refund {
        out_trade_no: number(&ask.payment_reference, 32)?,
        out_refund_no: number(&ask.number, 64)?,
        reason: cut(&ask.reason, REASON),
        notify_url: &account.notify_url,
        amount: RefundAmount { refund: fen(ask.amount)?, total: fen(ask.total)?, currency: "CNY" },
    })
}

/// A number of ours, fit to stand in an address: what the service takes for a number.
pub(super) fn number(text: &str, longest: usize) -> Result<&str, Failure> {
    let good = (6..=longest).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    good.then_some(text).ok_or_else(|| refused("NUMBER", "it is no number that WeChat Pay takes"))
}

fn fen(amount: Money) -> Result<i64, Failure> {
    if amount.currency != Currency::CNY {
        return Err(Failure::NotSupported);
    }
    Some(amount.minor).filter(|fen| *fen > 0).ok_or_else(|| refused("AMOUNT", "there is nothing to be paid"))
}

/// A refusal of our own, before anything is asked.
fn refused(code: &str, message: &str) -> Failure {
    Failure::Refused { code: code.into(), message: message.into() }
}

/// As much of a text as fits, in one line, and no half of a character.
fn cut(text: &str, most: usize) -> String {
    let line: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line[..line.floor_char_boundary(most)].trim_end().to_owned()
}

/// RFC 3339 in the time of Beijing, as its documentation writes it.
fn beijing(at: DateTime<Utc>) -> String {
    (at + Duration::hours(8)).format("%Y-%m-%dT%H:%M:%S+08:00").to_string()
}

/// The session in which the buyer pays.
pub(super) fn prepay(body: &[u8]) -> Result<String, Failure> {
    #[derive(Deserialize)]
    struct Answer {
        prepay_id: String,
    }
    let answer: Answer = read(body, "answer to an order")?;
    let good = (1..=64).contains(&answer.prepay_id.len()) && answer.prepay_id.bytes().all(|b| b.is_ascii_graphic());
    good.then_some(answer.prepay_id).ok_or_else(|| Failure::Unreadable("no prepay_id in the answer to an order".into()))
}

#[derive(Deserialize)]
struct Transaction {
    appid: String,
    mchid: String,
    out_trade_no: String,
    trade_state: String,
    #[serde(default)]
    trade_state_desc: String,
    #[serde(default)]
    amount: Option<Amount>,
}

#[derive(Deserialize)]
struct Amount {
    // What the order is over. The buyer may have paid less of it himself (`payer_total`): the service adds its coupons.
    #[serde(default)]
    total: Option<i64>,
    #[serde(default)]
    refund: Option<i64>,
    #[serde(default)]
    currency: Option<String>,
}

/// What the service says of an order: its answer, or what a notification held.
pub(super) fn transaction(body: &[u8], account: &Account) -> Result<Report, Failure> {
    let told: Transaction = read(body, "transaction")?;
    if told.mchid != account.merchant_id || told.appid != account.app_id {
        return Err(Failure::Unreadable("a transaction of another merchant or app".into()));
    }
    let state = match told.trade_state.as_str() {
        // Also one of which something was given back: that is told by the refund.
        "SUCCESS" | "REFUND" => ReportState::Captured,
        "NOTPAY" | "USERPAYING" => ReportState::Waiting,
        "CLOSED" | "REVOKED" => ReportState::Cancelled,
        "PAYERROR" => ReportState::Failed,
        other => return Err(Failure::Unreadable(format!("a transaction in the state {}", cut(other, 32)))),
    };
    let received = match (state, told.amount) {
        (ReportState::Captured, Some(Amount { total: Some(total), currency, .. })) => Some(money(total, currency)?),
        (ReportState::Captured, _) => return Err(Failure::Unreadable("a paid transaction without an amount".into())),
        _ => None,
    };
    let failed = matches!(state, ReportState::Failed | ReportState::Cancelled);
    let reason = failed.then(|| format!("{}: {}", told.trade_state, cut(&told.trade_state_desc, 200)));
    Ok(Report { reference: reference(told.out_trade_no)?, state, received, fee_minor: None, reason })
}

#[derive(Deserialize)]
struct RefundTold {
    // Notifications name the merchant, answers do not.
    #[serde(default)]
    mchid: Option<String>,
    out_trade_no: String,
    out_refund_no: String,
    // Answers and notifications call it differently.
    #[serde(alias = "refund_status")]
    status: String,
    amount: Amount,
}

/// What the service says of a refund, and of which order it is.
pub(super) fn refund_told(body: &[u8], account: &Account) -> Result<(String, RefundReport), Failure> {
    let told: RefundTold = read(body, "refund")?;
    if told.mchid.is_some_and(|merchant| merchant != account.merchant_id) {
        return Err(Failure::Unreadable("a refund of another merchant".into()));
    }
    let (state, reason) = match told.status.as_str() {
        "SUCCESS" => (RefundReportState::Succeeded, None),
        "PROCESSING" => (RefundReportState::Pending, None),
        "CLOSED" => (RefundReportState::Failed, Some("CLOSED")),
        // The card is gone. The amount stays bound to this refund until somebody says at the service where it goes, so
        // a second refund for it would be refused, and this one may still succeed.
        "ABNORMAL" => (RefundReportState::Pending, Some("ABNORMAL: it must be settled by hand at WeChat Pay")),
        other => return Err(Failure::Unreadable(format!("a refund in the state {}", cut(other, 32)))),
    };
    let refund = told.amount.refund.ok_or_else(|| Failure::Unreadable("a refund without an amount".into()))?;
    let amount = Some(money(refund, told.amount.currency)?);
    let reason = reason.map(str::to_owned);
    let report = RefundReport { reference: reference(told.out_refund_no)?, state, amount, reason };
    Ok((reference(told.out_trade_no)?, report))
}

/// Notifications of refunds leave the currency out: there is only one.
fn money(minor: i64, currency: Option<String>) -> Result<Money, Failure> {
    let currency = currency.map_or(Ok(Currency::CNY), Currency::try_from);
    let currency = currency.map_err(|_| Failure::Unreadable("an amount in no currency".into()))?;
    let good = (0..=Money::MAX_MINOR).contains(&minor);
    good.then_some(Money { minor, currency }).ok_or_else(|| Failure::Unreadable("an amount below nothing".into()))
}

/// A number in what the service says. Not all its numbers are ours: a merchant may use other programs too.
fn reference(text: String) -> Result<String, Failure> {
    let good = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    good.then_some(text).ok_or_else(|| Failure::Unreadable("a number that is none".into()))
}

/// A notification, not yet opened.
#[derive(Debug, Deserialize)]
pub(super) struct Notification {
    pub(super) id: String,
    pub(super) event_type: String,
    #[serde(default)]
    pub(super) resource: Option<Resource>,
}

/// What is sealed in it.
#[derive(Debug, Deserialize)]
pub(super) struct Resource {
    pub(super) algorithm: String,
    pub(super) ciphertext: String,
    #[serde(default)]
    pub(super) associated_data: Option<String>,
    pub(super) nonce: String,
}

/// A notification as it came. Its id stays the same when it comes again.
pub(super) fn notification(body: &[u8]) -> Result<Notification, Failure> {
    let told: Notification = read(body, "notification")?;
    if told.id.is_empty() || told.id.len() > 64 {
        return Err(Failure::Unreadable("a notification without an id".into()));
    }
    Ok(told)
}

/// What an answer that is no success means.
pub(super) fn failure(status: u16, body: &[u8]) -> Failure {
    #[derive(Deserialize)]
    struct Told {
        code: String,
        #[serde(default)]
        message: String,
    }
    let Ok(told) = serde_json::from_slice::<Told>(body) else {
        // Something between us and the service, or the service in a bad moment.
        return Failure::Unavailable(format!("WeChat Pay answers {status} without a reason").into());
    };
    let (code, message) = (cut(&told.code, 64), cut(&told.message, 200));
    let later = match code.as_str() {
        // Told with a 500, and will never be otherwise.
        "OPENID_MISMATCH" | "INVALID_TRANSACTIONID" => false,
        // The merchant's account is empty for now; it must be the same refund that is asked for again.
        "NOT_ENOUGH" | "FREQUENCY_LIMITED" | "RATELIMIT_EXCEEDED" | "SYSTEM_ERROR" | "BANK_ERROR" => true,
        // 202: still at it. 401: it does not know us, so a clock or a key is wrong; no payment has failed by that.
        _ => matches!(status, 0..=399 | 401 | 408 | 429 | 500..),
    };
    if later {
        return Failure::Unavailable(format!("WeChat Pay answers {status} {code}: {message}").into());
    }
    Failure::Refused { code, message }
}

/// Whether the service said that it has no such order.
pub(super) fn is_missing(failure: &Failure) -> bool {
    matches!(failure, Failure::Refused { code, .. } if MISSING.contains(&code.as_str()))
}

/// What is wrong with a text that cannot be read is told by its place only: it holds what buyers are called.
fn read<T: DeserializeOwned>(body: &[u8], what: &str) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|e| {
        Failure::Unreadable(format!("no {what}: {:?} error in line {} column {}", e.classify(), e.line(), e.column()))
    })
}
