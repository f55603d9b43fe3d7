//! Notifications: who sent them, and what they tell.

use api::platform::payment::{Failure, Notice, PaymentProvider, RefundReport, RefundReportState, Report, ReportState};
use chrono::{DateTime, Duration, Utc};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{INTENT, REFUND, WEBHOOK_SECRET, golden, money, provider, signed};
use crate::support::dawn;

const GOLDEN: [&str; 10] = [
    "event_succeeded",
    "event_payment_failed",
    "event_canceled",
    "event_amount_capturable_updated",
    "event_refund_updated",
    "event_refund_failed",
    "event_refund_without_intent",
    "event_charge_refunded",
    "event_charge_refunded_2020",
    "event_customer_created",
];

fn stripe() -> Box<dyn PaymentProvider> {
    provider("http://127.0.0.1:9")
}

/// Reads a notification that Stripe signed just now.
fn read(body: &[u8]) -> Result<Notice, Failure> {
    stripe().read(&[signed(body, WEBHOOK_SECRET, dawn().timestamp())], body, dawn())
}

#[test]
fn every_event_tells_what_its_object_says() {
    let paid = |state, received, reason: Option<&str>| {
        Some(Report { reference: INTENT.into(), state, received, fee_minor: None, reason: reason.map(Into::into) })
    };
    let declined = "card_declined/insufficient_funds: Your card has insufficient funds.";
    for (file, expected) in [
        ("event_succeeded", paid(ReportState::Captured, Some(money(129_900, "CNY")), None)),
        // The buyer may try another card: the payment waits.
        ("event_payment_failed", paid(ReportState::Waiting, None, Some(declined))),
        ("event_canceled", paid(ReportState::Cancelled, None, None)),
        ("event_amount_capturable_updated", paid(ReportState::Authorised, None, None)),
    ] {
        let body = golden(file);
        let Notice::Payment { event, report } = read(body.as_bytes()).unwrap() else { panic!("{file}") };
        assert_eq!(Some(report), expected, "{file}");
        assert_eq!(json!(event), serde_json::from_str::<Value>(&body).unwrap()["id"]);
    }
    for (file, state, reason) in [
        ("event_refund_updated", RefundReportState::Succeeded, None),
        ("event_refund_failed", RefundReportState::Failed, Some("expired_or_canceled_card".to_owned())),
        ("event_charge_refunded_2020", RefundReportState::Succeeded, None),
    ] {
        let read = read(golden(file).as_bytes()).unwrap();
        let Notice::Refund { payment_reference, report, .. } = read else { panic!("{file}: {read:?}") };
        let amount = Some(money(29_900, "CNY"));
        assert_eq!(report, RefundReport { reference: REFUND.into(), state, amount, reason }, "{file}");
        assert_eq!(payment_reference, INTENT, "{file}");
    }
    // Of no payment that we could know, or told better by another event.
    for file in ["event_customer_created", "event_refund_without_intent", "event_charge_refunded"] {
        let read = read(golden(file).as_bytes()).unwrap();
        assert!(matches!(&read, Notice::Other { event } if event.starts_with("evt_")), "{file}: {read:?}");
    }
}

#[test]
fn an_event_of_an_intent_that_is_not_ours_is_read_like_any() {
    let body = golden("event_succeeded").replace(INTENT, "pi_someone_elses");
    let Notice::Payment { report, .. } = read(body.as_bytes()).unwrap() else { panic!() };
    assert_eq!(report.reference, "pi_someone_elses");
}

#[test]
fn a_notification_that_stripe_did_not_sign_is_refused() {
    let body = golden("event_succeeded").into_bytes();
    let at = dawn().timestamp();
    let good = signed(&body, WEBHOOK_SECRET, at);
    let altered = String::from_utf8(body.clone()).unwrap().replace("129900", "1").into_bytes();
    let header = |value: &str| ("stripe-signature".to_owned(), value.to_owned());
    let refused = |headers: &[(String, String)], body: &[u8], now: DateTime<Utc>, why: &str| {
        let read = stripe().read(headers, body, now);
        assert!(matches!(read, Err(Failure::NotAuthentic)), "{why}: {read:?}");
    };
    refused(&[], &body, dawn(), "no header");
    refused(&[header("")], &body, dawn(), "an empty header");
    refused(std::slice::from_ref(&good), &altered, dawn(), "another body");
    refused(std::slice::from_ref(&good), &[&body[..], b" "].concat(), dawn(), "a longer body");
    refused(std::slice::from_ref(&good), &body, dawn() + Duration::seconds(301), "too old");
    refused(std::slice::from_ref(&good), &body, dawn() - Duration::seconds(301), "from the future");
    refused(&[signed(&body, "whsec_other", at)], &body, dawn(), "another secret");
    refused(&[signed(&body, "", at)], &body, dawn(), "no secret");
    refused(&[header(&good.1.replace("v1=", "v0="))], &body, dawn(), "another scheme");
    // And what is good stays good: another writing of the header's name, a secret that is being changed.
    let name = ("Stripe-Signature".to_owned(), good.1.clone());
    assert!(stripe().read(&[("host".into(), "x".into()), name], &body, dawn()).is_ok());
    let other = signed(&body, "whsec_old", at).1;
    let both = header(&format!("{other},{}", good.1.split_once(',').unwrap().1));
    assert!(stripe().read(&[both], &body, dawn() + Duration::seconds(300)).is_ok());
}

#[test]
fn a_signed_notification_that_makes_no_sense_is_unreadable() {
    let event = |kind: &str, object: Value| json!({ "id": "evt_1", "type": kind, "data": { "object": object } });
    let intent = json!({ "id": "pi_1", "status": "succeeded", "amount_received": 5, "currency": "cny" });
    let with = |name: &str, value: Value| {
        let mut intent = intent.clone();
        intent[name] = value;
        intent
    };
    for body in [
        json!({}),
        json!([]),
        json!({ "id": "evt_1", "type": "payment_intent.succeeded" }),
        json!({ "id": "evt 1", "type": "x", "data": { "object": {} } }),
        event("payment_intent.succeeded", json!({})),
        event("payment_intent.succeeded", json!(null)),
        event("payment_intent.succeeded", with("id", json!("ch_1"))),
        event("payment_intent.succeeded", with("amount_received", json!(-5))),
        event("payment_intent.succeeded", with("amount_received", json!(5.5))),
        event("payment_intent.succeeded", with("currency", json!("xau"))),
        event("payment_intent.succeeded", with("currency", json!(7))),
        event("refund.updated", json!({ "id": "re_1" })),
        event("charge.refunded", json!({ "refunds": 5 })),
    ] {
        let text = body.to_string();
        let read = read(text.as_bytes());
        assert!(matches!(read, Err(Failure::Unreadable(_))), "{text}: {read:?}");
    }
    assert!(matches!(read(b"\xff\xfe"), Err(Failure::Unreadable(_))));
    assert!(matches!(read(&b"[".repeat(100_000)), Err(Failure::Unreadable(_))));
    assert!(read(event("payment_intent.succeeded", intent).to_string().as_bytes()).is_ok());
}

/// Any small JSON.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|b| json!(b)),
        any::<i64>().prop_map(|n| json!(n)),
        any::<u64>().prop_map(|n| json!(n)),
        ".{0,12}".prop_map(|s| json!(s)),
        Just(json!("succeeded")),
        Just(json!("isk")),
        Just(json!(INTENT)),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("id|object|data|refunds|status|amount", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Puts `value` where these steps lead.
fn alter(target: &mut Value, steps: &[prop::sample::Index], value: Value) {
    let Some((step, rest)) = steps.split_first() else {
        *target = value;
        return;
    };
    match target {
        Value::Object(map) if !map.is_empty() => {
            let at = step.index(map.len());
            alter(map.values_mut().nth(at).unwrap(), rest, value);
        }
        Value::Array(list) if !list.is_empty() => {
            let at = step.index(list.len());
            alter(&mut list[at], rest, value);
        }
        other => *other = value,
    }
}

proptest! {
    #[test]
    fn whatever_comes_in_nothing_breaks_and_nobody_is_believed(
        headers in proptest::collection::vec(("stripe-signature|Stripe-Signature|.{0,20}", "(t=[-+0-9]{0,22}|v1=[0-9a-f]{0,70}|.{0,20}|,){0,6}"), 0..4),
        body in proptest::collection::vec(any::<u8>(), 0..200),
        seconds in any::<i32>(),
    ) {
        let now = dawn() + Duration::seconds(seconds.into());
        prop_assert!(matches!(stripe().read(&headers, &body, now), Err(Failure::NotAuthentic)));
    }

    #[test]
    fn signed_nonsense_breaks_nothing(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(matches!(read(&body), Err(Failure::Unreadable(_))));
    }

    #[test]
    fn signed_events_that_are_altered_break_nothing(
        file in proptest::sample::select(&GOLDEN[..]),
        path in proptest::collection::vec(any::<prop::sample::Index>(), 1..6),
        value in any_json(),
    ) {
        let mut event: Value = serde_json::from_str(&golden(file)).unwrap();
        alter(&mut event, &path, value);
        let read = read(event.to_string().as_bytes());
        prop_assert!(matches!(read, Ok(_) | Err(Failure::Unreadable(_))), "{:?}", read);
    }
}
