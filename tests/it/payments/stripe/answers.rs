//! What Stripe is asked, and what its answers mean: against a server that answers with golden files.

use std::collections::BTreeMap;

use api::platform::payment::{Failure, NextStep, RefundReportState, ReportState};
use entities::payments::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{INTENT, REFUND, asked, asked_back, golden, money, provider, provider_with};
use crate::support::receiver::{Received, Receiver};

/// A server that answers everything so.
async fn answering(status: &'static str, golden_file: &str) -> Receiver {
    let body = golden(golden_file);
    Receiver::with(move |_, _| (status.to_owned(), body.clone())).await
}

/// The fields of a form.
fn form(request: &Received) -> BTreeMap<String, String> {
    let url = reqwest::Url::parse(&format!("http://form/?{}", request.body)).unwrap();
    url.query_pairs().into_owned().collect()
}

fn code(failure: Failure) -> String {
    match failure {
        Failure::Refused { code, .. } => code,
        other => panic!("no refusal: {other:?}"),
    }
}

#[tokio::test]
async fn every_state_of_an_intent_is_read() {
    for (file, state, received, fee, reason) in [
        ("intent_created", ReportState::Waiting, None, None, None),
        (
            "intent_declined",
            ReportState::Waiting,
            None,
            None,
            Some("card_declined/insufficient_funds: Your card has insufficient funds."),
        ),
        ("intent_requires_action", ReportState::Waiting, None, None, None),
        ("intent_authorised", ReportState::Authorised, None, None, None),
        ("intent_succeeded", ReportState::Captured, Some(money(129_900, "CNY")), Some(4_553), None),
        // Paid in one currency and kept in another: the fee is in that one.
        ("intent_succeeded_paid_out_in_hkd", ReportState::Captured, Some(money(129_900, "CNY")), None, None),
        ("intent_of_yen_succeeded", ReportState::Captured, Some(money(1_200, "JPY")), None, None),
        ("intent_cancelled", ReportState::Cancelled, None, None, None),
    ] {
        let server = answering("200 OK", file).await;
        let report = provider(&server.url).look(INTENT).await.unwrap_or_else(|e| panic!("{file}: {e:?}"));
        assert_eq!((report.state, report.received, report.fee_minor), (state, received, fee), "{file}");
        assert_eq!(report.reason.as_deref(), reason, "{file}");
        let asked = &server.received()[0];
        let expected = format!("GET /v1/payment_intents/{INTENT}?expand[0]=latest_charge.balance_transaction");
        assert_eq!(asked.target.replace("%5B", "[").replace("%5D", "]"), expected);
        assert_eq!(asked.header("idempotency-key"), "", "looking changes nothing");
    }
}

#[tokio::test]
async fn a_payment_is_begun_with_a_key_of_our_operation_and_a_pinned_version() {
    let server = answering("200 OK", "intent_created").await;
    let ask = asked(money(129_900, "CNY"), Method::Card);
    let begun = provider(&server.url).begin(&ask).await.unwrap();
    assert_eq!((begun.reference.as_str(), begun.report.state), (INTENT, ReportState::Waiting));
    let NextStep::ClientSecret(secret) = begun.next else { panic!("{:?}", begun.next) };
    assert!(secret.starts_with(&format!("{INTENT}_secret_")), "{secret}");

    let request = &server.received()[0];
    assert_eq!(request.target, "POST /v1/payment_intents");
    for (header, expected) in [
        ("authorization", "Bearer sk_test_chama"),
        // Another version means another look at what changed: the shapes of answers and the names of parameters.
        ("stripe-version", "2026-09-30.endive"),
        ("idempotency-key", "begin:0195-op-1"),
        ("content-type", "application/x-www-form-urlencoded"),
    ] {
        assert_eq!(request.header(header), expected, "{header}");
    }
    let expected = [
        ("allowed_payment_method_types[0]", "card"),
        ("amount", "129900"),
        ("capture_method", "automatic"),
        ("currency", "cny"),
        ("description", "Order 2603010001"),
        ("metadata[number]", "2603010001"),
        ("metadata[payment]", &ask.payment.to_string()),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(form(request), BTreeMap::from(expected));
}

#[tokio::test]
async fn begun_again_the_very_same_is_asked() {
    let server = answering("200 OK", "intent_created").await;
    let stripe = provider(&server.url);
    let first = asked(money(129_900, "CNY"), Method::Card);
    // What may differ the second time. Stripe refuses a key that it knows with other words.
    let mut second = first.clone();
    second.at += chrono::Duration::minutes(1);
    second.return_url = None;
    second.client_ip = None;
    stripe.begin(&first).await.unwrap();
    stripe.begin(&second).await.unwrap();
    let received = server.received();
    assert_eq!(form(&received[0]), form(&received[1]));
    assert_eq!(received[0].header("idempotency-key"), received[1].header("idempotency-key"));
}

#[tokio::test]
async fn money_is_asked_for_in_the_units_of_its_currency() {
    let mut offering: Value = serde_json::from_str(&golden("intent_created")).unwrap();
    offering["payment_method_types"] = json!(["card", "alipay", "wechat_pay"]);
    let server = Receiver::with(move |_, _| ("200 OK".to_owned(), offering.to_string())).await;
    let stripe = provider(&server.url);
    for (amount, method, expected) in [
        (money(1_200, "JPY"), Method::Alipay, ("1200", "jpy", "alipay")),
        (money(19_900, "CNY"), Method::WechatPay, ("19900", "cny", "wechat_pay")),
        (money(500, "ISK"), Method::Card, ("50000", "isk", "card")),
    ] {
        stripe.begin(&asked(amount, method)).await.unwrap();
        let form = form(server.received().last().unwrap());
        let sent = ["amount", "currency", "allowed_payment_method_types[0]"].map(|name| form[name].as_str());
        assert_eq!(sent, [expected.0, expected.1, expected.2]);
    }
}

#[tokio::test]
async fn what_stripe_has_not_is_not_asked_for() {
    let server = answering("200 OK", "intent_created").await;
    let stripe = provider(&server.url);
    for method in [Method::WechatJsapi, Method::BankTransfer, Method::Sandbox] {
        let refused = stripe.begin(&asked(money(100, "CNY"), method)).await;
        assert!(matches!(refused, Err(Failure::NotSupported)), "{method:?}: {refused:?}");
    }
    for method in [Method::Alipay, Method::WechatPay] {
        let mut held = asked(money(100, "CNY"), method);
        held.capture = false;
        let refused = stripe.begin(&held).await;
        assert!(matches!(refused, Err(Failure::NotSupported)), "{method:?} was held: {refused:?}");
    }
    for amount in [money(0, "CNY"), money(1_234, "KWD"), money(1_000, "LYD")] {
        assert_eq!(code(stripe.begin(&asked(amount, Method::Card)).await.unwrap_err()), "unfit_amount", "{amount}");
    }
    for key in ["", "key with spaces", "钥匙", &"k".repeat(256)] {
        let mut ask = asked(money(100, "CNY"), Method::Card);
        key.clone_into(&mut ask.key);
        assert_eq!(code(stripe.begin(&ask).await.unwrap_err()), "unfit_key", "{key}");
    }
    for reference in ["", "re_1", "pi_1/capture", "pi_1?x", "../charges"] {
        assert!(matches!(stripe.look(reference).await, Err(Failure::Unreadable(_))), "{reference}");
        assert!(matches!(stripe.capture(reference, "k").await, Err(Failure::Unreadable(_))), "{reference}");
        assert!(matches!(stripe.cancel(reference, "k").await, Err(Failure::Unreadable(_))), "{reference}");
    }
    for (amount, total) in [(money(200, "CNY"), money(100, "CNY")), (money(100, "CNY"), money(100, "USD"))] {
        let refused = stripe.refund(&asked_back(INTENT, amount, total)).await;
        assert_eq!(code(refused.unwrap_err()), "unfit_amount", "{amount} of {total}");
    }
    assert!(server.received().is_empty(), "{:?}", server.received());
}

#[tokio::test]
async fn a_method_that_stripe_passes_over_is_a_refusal() {
    // Stripe makes the intent all the same, for the methods that are left.
    let server = answering("200 OK", "intent_created").await;
    let refused = provider(&server.url).begin(&asked(money(129_900, "CNY"), Method::Alipay)).await;
    assert_eq!(code(refused.unwrap_err()), "method_not_offered");
}

#[tokio::test]
async fn a_held_card_is_captured_once() {
    let server = Receiver::with(|n, _| {
        let file = ["intent_created", "intent_succeeded"][n.min(1)];
        ("200 OK".to_owned(), golden(file))
    })
    .await;
    let stripe = provider(&server.url);
    let mut ask = asked(money(129_900, "CNY"), Method::Card);
    ask.capture = false;
    stripe.begin(&ask).await.unwrap();
    let report = stripe.capture(INTENT, "0195-op-1").await.unwrap();
    assert_eq!((report.state, report.fee_minor), (ReportState::Captured, Some(4_553)));
    let received = server.received();
    assert_eq!(form(&received[0])["capture_method"], "manual");
    assert_eq!(received[1].target, format!("POST /v1/payment_intents/{INTENT}/capture"));
    // The same key of the caller's: another request, so another key at Stripe.
    assert_eq!(received[1].header("idempotency-key"), "capture:0195-op-1");
}

#[tokio::test]
async fn a_payment_that_is_over_is_not_cancelled_but_told() {
    let server = Receiver::with(|n, _| match n {
        0 => ("200 OK".to_owned(), golden("intent_cancelled")),
        1 | 3 => ("400 Bad Request".to_owned(), golden("error_unexpected_state")),
        _ => ("200 OK".to_owned(), golden("intent_succeeded")),
    })
    .await;
    let stripe = provider(&server.url);
    assert_eq!(stripe.cancel(INTENT, "k").await.unwrap().state, ReportState::Cancelled);
    assert_eq!(server.received()[0].target, format!("POST /v1/payment_intents/{INTENT}/cancel"));
    assert_eq!(server.received()[0].header("idempotency-key"), "cancel:k");
    // The buyer was faster: the money is there, and who wanted to cancel has to know.
    assert_eq!(stripe.cancel(INTENT, "k2").await.unwrap().received, Some(money(129_900, "CNY")));
    assert_eq!(stripe.capture(INTENT, "k3").await.unwrap().state, ReportState::Captured);
}

#[tokio::test]
async fn refunds_are_asked_for_once_and_looked_at() {
    let server = answering("200 OK", "refund_pending").await;
    let stripe = provider(&server.url);
    let ask = asked_back(INTENT, money(29_900, "CNY"), money(129_900, "CNY"));
    let report = stripe.refund(&ask).await.unwrap();
    assert_eq!((report.reference.as_str(), report.state), (REFUND, RefundReportState::Pending));
    assert_eq!(report.amount, Some(money(29_900, "CNY")));
    let request = &server.received()[0];
    assert_eq!((request.target.as_str(), request.header("idempotency-key")), ("POST /v1/refunds", "refund:0195-op-2"));
    let expected = [
        ("amount", "29900"),
        ("metadata[number]", "R2603010001"),
        ("metadata[refund]", &ask.refund.to_string()),
        ("payment_intent", INTENT),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(form(request), BTreeMap::from(expected), "and nothing of what our people wrote");

    for (file, state, reason) in [
        ("refund_succeeded", RefundReportState::Succeeded, None),
        ("refund_pending", RefundReportState::Pending, None),
        ("refund_failed", RefundReportState::Failed, Some("expired_or_canceled_card")),
    ] {
        let server = answering("200 OK", file).await;
        let report = provider(&server.url).look_refund(INTENT, REFUND).await.unwrap();
        assert_eq!((report.state, report.reason.as_deref()), (state, reason), "{file}");
        assert_eq!(server.received()[0].target, format!("GET /v1/refunds/{REFUND}"));
    }
    let server = answering("400 Bad Request", "error_already_refunded").await;
    assert_eq!(code(provider(&server.url).refund(&ask).await.unwrap_err()), "charge_already_refunded");
}

#[tokio::test]
async fn a_no_is_told_from_an_accident() {
    let server = answering("402 Payment Required", "error_card_declined").await;
    assert_eq!(code(provider(&server.url).look(INTENT).await.unwrap_err()), "insufficient_funds");
    for (status, file) in [
        ("401 Unauthorized", "error_wrong_key"),
        ("409 Conflict", "error_already_refunded"),
        ("429 Too Many Requests", "error_already_refunded"),
        ("500 Internal Server Error", "error_already_refunded"),
    ] {
        let server = answering(status, file).await;
        let failure = provider(&server.url).look(INTENT).await.unwrap_err();
        let Failure::Unavailable(cause) = failure else { panic!("{status}: {failure:?}") };
        assert!(!cause.to_string().contains("sk_"), "{cause}");
    }
    // What stands between us and Stripe.
    let server = Receiver::with(|_, _| ("502 Bad Gateway".into(), "<html>".into())).await;
    assert!(matches!(provider(&server.url).look(INTENT).await, Err(Failure::Unavailable(_))));
    for body in ["<html>", "{}", "", "{\"id\":\"pi_1\"}"] {
        let server = Receiver::with(move |_, _| ("200 OK".into(), body.into())).await;
        assert!(matches!(provider(&server.url).look(INTENT).await, Err(Failure::Unreadable(_))), "{body}");
    }
    let endless = "x".repeat(3 << 20);
    let server = Receiver::with(move |_, _| ("200 OK".into(), endless.clone())).await;
    assert!(matches!(provider(&server.url).look(INTENT).await, Err(Failure::Unreadable(_))));
}

#[tokio::test]
async fn a_stripe_that_hangs_or_is_away_is_asked_again_later() {
    // It takes the connection and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let stripe = provider_with(&[("CHAMA_STRIPE_URL", &url), ("CHAMA_STRIPE_TIMEOUT", "1")]);
    let ask = asked(money(129_900, "CNY"), Method::Card);
    assert!(matches!(stripe.begin(&ask).await, Err(Failure::Unavailable(_))));
    drop(silent);
    assert!(matches!(stripe.begin(&ask).await, Err(Failure::Unavailable(_))));
}

#[tokio::test]
async fn keys_do_not_show_in_a_log_line() {
    let printed = format!("{:?}", provider("http://127.0.0.1:9"));
    assert!(!printed.contains("sk_test") && !printed.contains("whsec"), "{printed}");
}
