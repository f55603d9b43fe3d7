//! What Stripe says, read.
//!
//! Its answers come in the types of the API version that we ask for, its notifications in whatever version the endpoint
//! was made with. So both are narrowed to the few fields that matter here before anything is concluded from them, and
//! that is the only place where something is.

use entities::payments::Method;
use serde::Deserialize;
use serde_json::Value;
use stripe_shared::PaymentIntentAllowedPaymentMethodTypes as AllowedMethod;

use super::amount;
use crate::payment::{Failure, Notice, RefundReport, RefundReportState, Report, ReportState};

/// Longest text of Stripe's that is kept, in characters.
const WORDS: usize = 300;

/// A payment intent, as far as it matters.
#[derive(Debug, Deserialize)]
pub(super) struct Intent {
    id: String,
    status: String,
    #[serde(default)]
    amount_received: i64,
    currency: String,
    #[serde(default)]
    last_payment_error: Option<Problem>,
    /// What Stripe keeps, and in which currency: only when that was asked for.
    #[serde(skip)]
    fee: Option<(i64, String)>,
}

/// Why something did not work.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    code: Option<String>,
    decline_code: Option<String>,
    message: Option<String>,
}

impl Problem {
    /// `card_declined/insufficient_funds: Your card has insufficient funds.`
    fn told(&self) -> String {
        let code = [&self.code, &self.decline_code].into_iter().flatten().cloned().collect::<Vec<_>>().join("/");
        let parts = [Some(code).filter(|code| !code.is_empty()), self.message.clone()];
        bounded(&parts.into_iter().flatten().collect::<Vec<_>>().join(": "))
    }
}

/// A refund, as far as it matters.
#[derive(Debug, Deserialize)]
pub(super) struct Refund {
    id: String,
    #[serde(default)]
    status: Option<String>,
    amount: i64,
    currency: String,
    #[serde(default)]
    failure_reason: Option<String>,
    #[serde(default)]
    payment_intent: Option<Named>,
}

/// A reference to another object: its id, or the object itself.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Named {
    Id(String),
    Whole { id: String },
}

impl Named {
    fn id(self) -> String {
        match self {
            Self::Id(id) | Self::Whole { id } => id,
        }
    }
}

impl From<stripe_shared::PaymentIntent> for Intent {
    fn from(intent: stripe_shared::PaymentIntent) -> Self {
        let charge = intent.latest_charge.and_then(stripe_types::Expandable::into_object);
        let booked = charge.and_then(|c| c.balance_transaction).and_then(stripe_types::Expandable::into_object);
        Self {
            id: intent.id.as_str().to_owned(),
            status: intent.status.as_str().to_owned(),
            amount_received: intent.amount_received,
            currency: intent.currency.to_string(),
            last_payment_error: intent.last_payment_error.map(|e| Problem {
                code: e.code.map(|code| code.as_str().to_owned()),
                decline_code: e.decline_code,
                message: e.message,
            }),
            fee: booked.map(|b| (b.fee, b.currency.to_string())),
        }
    }
}

impl From<stripe_shared::Refund> for Refund {
    fn from(refund: stripe_shared::Refund) -> Self {
        Self {
            id: refund.id.as_str().to_owned(),
            status: refund.status,
            amount: refund.amount,
            currency: refund.currency.to_string(),
            failure_reason: refund.failure_reason,
            payment_intent: refund.payment_intent.map(|p| Named::Id(p.id().as_str().to_owned())),
        }
    }
}

/// How a payment method is called at Stripe; none when it is not to be had there.
pub(super) fn method(method: Method) -> Option<AllowedMethod> {
    match method {
        Method::Card => Some(AllowedMethod::Card),
        Method::Alipay => Some(AllowedMethod::Alipay),
        Method::WechatPay => Some(AllowedMethod::WechatPay),
        Method::WechatJsapi | Method::BankTransfer | Method::Sandbox => None,
    }
}

/// What a payment intent means.
///
/// Stripe never gives one up because an attempt failed: it waits for the next one, with the reason beside it. And a state
/// that nobody knew when this was written concludes nothing.
pub(super) fn report(intent: Intent) -> Result<Report, Failure> {
    let mut reason = intent.last_payment_error.as_ref().map(Problem::told);
    let state = match intent.status.as_str() {
        "requires_payment_method" | "requires_confirmation" | "requires_action" | "processing" => ReportState::Waiting,
        "requires_capture" => ReportState::Authorised,
        "succeeded" => ReportState::Captured,
        "canceled" => ReportState::Cancelled,
        other => {
            reason = Some(bounded(&format!("Stripe says {other}")));
            ReportState::Waiting
        }
    };
    let received = if state == ReportState::Captured {
        reason = None; // of an attempt before the one that worked
        Some(money(intent.amount_received, &intent.currency)?)
    } else {
        None
    };
    // A fee in the currency of the payout says nothing in the currency of the payment.
    let fee = intent.fee.filter(|(_, currency)| received.is_some() && *currency == intent.currency);
    let fee_minor = fee.map(|(fee, currency)| money(fee, &currency)).transpose()?.map(|fee| fee.minor);
    Ok(Report { reference: named(intent.id, "pi_")?, state, received, fee_minor, reason })
}

/// What a refund means.
pub(super) fn refund_report(refund: Refund) -> Result<RefundReport, Failure> {
    let (state, reason) = match refund.status.as_deref() {
        Some("succeeded") => (RefundReportState::Succeeded, None),
        Some("failed") => (RefundReportState::Failed, refund.failure_reason.or_else(|| Some("failed".into()))),
        Some("canceled") => (RefundReportState::Failed, Some("canceled".into())),
        Some("pending" | "requires_action") | None => (RefundReportState::Pending, None),
        Some(other) => (RefundReportState::Pending, Some(format!("Stripe says {other}"))),
    };
    let amount = Some(money(refund.amount, &refund.currency)?);
    // `pyr_` are refunds of a bank's money.
    let reference = named(refund.id.clone(), "re_").or_else(|_| named(refund.id, "pyr_"))?;
    Ok(RefundReport { reference, state, amount, reason: reason.as_deref().map(bounded) })
}

#[derive(Deserialize)]
struct Event {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Value,
}

#[derive(Deserialize)]
struct Refunded {
    #[serde(default)]
    refunds: Option<Refunds>,
}

#[derive(Deserialize)]
struct Refunds {
    data: Vec<Refund>,
}

/// What an event tells. Its object is believed, not its name: events come in any order, and the object is what was true
/// when this one was made.
pub(super) fn notice(body: &[u8]) -> Result<Notice, Failure> {
    let Event { id, kind, data } = serde_json::from_slice(body).map_err(|e| unreadable(&e))?;
    let event = named(id, "evt_")?;
    let refund = match kind.as_str() {
        "payment_intent.succeeded"
        | "payment_intent.payment_failed"
        | "payment_intent.canceled"
        | "payment_intent.amount_capturable_updated" => {
            let intent = serde_json::from_value(data.object).map_err(|e| unreadable(&e))?;
            return Ok(Notice::Payment { event, report: report(intent)? });
        }
        "refund.created" | "refund.updated" | "refund.failed" | "charge.refund.updated" => {
            Some(serde_json::from_value(data.object).map_err(|e| unreadable(&e))?)
        }
        // The newest stands first. New API versions leave the list out and tell the same with refund.created.
        "charge.refunded" => {
            let charge: Refunded = serde_json::from_value(data.object).map_err(|e| unreadable(&e))?;
            charge.refunds.and_then(|refunds| refunds.data.into_iter().next())
        }
        _ => None,
    };
    let Some(mut refund): Option<Refund> = refund else { return Ok(Notice::Other { event }) };
    match refund.payment_intent.take() {
        Some(payment) => {
            let payment_reference = named(payment.id(), "pi_")?;
            Ok(Notice::Refund { event, payment_reference, report: refund_report(refund)? })
        }
        // Of a charge that no payment intent made: none of ours.
        None => Ok(Notice::Other { event }),
    }
}

#[derive(Deserialize)]
struct Refusal {
    error: Problem,
}

/// Why Stripe did not do it, from status and body of its answer.
pub(super) fn refusal(status: u16, body: &[u8]) -> Failure {
    let said = serde_json::from_slice::<Refusal>(body).ok().map(|refusal| refusal.error);
    match (status, said) {
        // Our key is wrong or may not. Nothing of the payment was decided; and the message repeats some of the key.
        (401 | 403, _) => Failure::Unavailable(format!("Stripe does not take our key ({status})").into()),
        // Another request with the same idempotency key is under way.
        (409, _) => Failure::Unavailable("Stripe is still busy with the same request".into()),
        (400..=499, Some(problem)) if !matches!(status, 408 | 424 | 425 | 429) => {
            let code = problem.decline_code.as_ref().or(problem.code.as_ref());
            let code = code.map_or_else(|| format!("http_{status}"), |code| bounded(code));
            Failure::Refused { code, message: problem.told() }
        }
        // Busy, broken, or something on the way that is not Stripe.
        _ => Failure::Unavailable(format!("Stripe answers {status}").into()),
    }
}

/// An id of Stripe's of this kind. It comes to stand in addresses and in our tables.
pub(super) fn named(id: String, kind: &str) -> Result<String, Failure> {
    let fits = id.len() <= 100
        && id.strip_prefix(kind).is_some_and(|rest| !rest.is_empty())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if fits { Ok(id) } else { Err(Failure::Unreadable(format!("no id that begins with {kind}"))) }
}

fn money(amount: i64, currency: &str) -> Result<entities::values::Money, Failure> {
    amount::from_stripe(amount, currency)
        .filter(|money| money.minor >= 0)
        .ok_or_else(|| Failure::Unreadable("an amount that is none".into()))
}

/// What the parser says may repeat a value, but no field that is read has anything of a person.
fn unreadable(error: &serde_json::Error) -> Failure {
    Failure::Unreadable(bounded(&error.to_string()))
}

fn bounded(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(WORDS).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn intent(status: &str) -> Intent {
        let body = json!({ "id": "pi_1", "status": status, "amount_received": 100, "currency": "cny" });
        serde_json::from_value(body).unwrap()
    }

    #[test]
    fn every_status_of_a_payment_intent_means_one_state() {
        for (status, state, received) in [
            ("requires_payment_method", ReportState::Waiting, None),
            ("requires_confirmation", ReportState::Waiting, None),
            ("requires_action", ReportState::Waiting, None),
            ("processing", ReportState::Waiting, None),
            ("requires_capture", ReportState::Authorised, None),
            ("succeeded", ReportState::Captured, Some(100)),
            ("canceled", ReportState::Cancelled, None),
            ("requires_poetry", ReportState::Waiting, None),
        ] {
            let report = report(intent(status)).unwrap();
            assert_eq!((report.state, report.received.map(|m| m.minor)), (state, received), "{status}");
        }
        assert_eq!(report(intent("requires_poetry")).unwrap().reason.as_deref(), Some("Stripe says requires_poetry"));
    }

    #[test]
    fn a_fee_counts_in_the_currency_of_the_payment_only() {
        for (status, fee, expected) in [
            ("succeeded", Some((3, "cny")), Some(3)),
            ("succeeded", Some((3, "hkd")), None),
            ("succeeded", None, None),
            ("requires_capture", Some((3, "cny")), None),
        ] {
            let fee = fee.map(|(fee, currency)| (fee, currency.to_owned()));
            assert_eq!(report(Intent { fee, ..intent(status) }).unwrap().fee_minor, expected, "{status}");
        }
    }

    #[test]
    fn every_status_of_a_refund_means_one_state() {
        for (status, state) in [
            (json!("succeeded"), RefundReportState::Succeeded),
            (json!("pending"), RefundReportState::Pending),
            (json!("requires_action"), RefundReportState::Pending),
            (json!(null), RefundReportState::Pending),
            (json!("unheard_of"), RefundReportState::Pending),
            (json!("failed"), RefundReportState::Failed),
            (json!("canceled"), RefundReportState::Failed),
        ] {
            let body = json!({ "id": "re_1", "status": status, "amount": 5, "currency": "jpy" });
            let report = refund_report(serde_json::from_value(body).unwrap()).unwrap();
            assert_eq!(report.state, state, "{status}");
        }
    }

    #[test]
    fn an_answer_that_is_no_refusal_asks_to_try_again() {
        let declined =
            br#"{"error":{"code":"card_declined","decline_code":"insufficient_funds","message":"No\nfunds."}}"#;
        let bare = br#"{"error":{"message":"Bad request"}}"#;
        for (status, body, expected) in [
            (402, declined.as_slice(), Some("insufficient_funds")),
            (400, bare.as_slice(), Some("http_400")),
            (404, br#"{"error":{"code":"resource_missing"}}"#, Some("resource_missing")),
            (401, declined, None),
            (403, declined, None),
            (409, declined, None),
            (424, declined, None),
            (429, br#"{"error":{"code":"rate_limit"}}"#, None),
            (500, declined, None),
            (502, b"<html>", None),
            (404, b"<html>", None),
            (302, b"", None),
        ] {
            let code = match refusal(status, body) {
                Failure::Refused { code, .. } => Some(code),
                Failure::Unavailable(_) => None,
                other => panic!("{status} means {other:?}"),
            };
            assert_eq!(code.as_deref(), expected, "{status}");
        }
        let Failure::Refused { message, .. } = refusal(402, declined) else { panic!("a decline is a refusal") };
        assert_eq!(message, "card_declined/insufficient_funds: Nofunds.");
        let Failure::Unavailable(cause) = refusal(401, br#"{"error":{"message":"Invalid key sk_test_***1"}}"#) else {
            panic!("a wrong key refuses no payment")
        };
        assert!(!cause.to_string().contains("sk_"), "{cause}");
    }

    #[test]
    fn an_id_leads_nowhere_else() {
        for (id, fits) in [
            ("pi_3QabcDEF", true),
            ("pi_", false),
            ("re_1", false),
            ("", false),
            ("pi_1/../../v1/charges", false),
            ("pi_1?expand[]=customer", false),
            ("pi_1\n", false),
        ] {
            assert_eq!(named(id.to_owned(), "pi_").is_ok(), fits, "{id}");
        }
        assert!(named(format!("pi_{}", "a".repeat(100)), "pi_").is_err());
    }
}
