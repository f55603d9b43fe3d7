//! What `WeChat` Pay is written and what is read of it, held against texts in the shapes that it publishes. They are in
//! `golden/wechat`; the keys there were made for these tests.

use api::platform::payment::{
    Begin, Failure, Notice, PaymentProvider, RefundAsk, RefundReport, RefundReportState, Report, ReportState,
    wechat::WechatPay,
};
use chrono::{DateTime, Duration};
use entities::values::Money;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::{
    wechat::{NUMBER, REFUND, ask, back, both, read, yuan},
    wechat_standin::{APP_ID, MERCHANT, MERCHANT_KEY, Mood, Notification, PLATFORM_ID, StandIn, der},
};
use crate::support::dawn;

const PAID: &str = include_str!("golden/wechat/transaction.json");
const UNPAID: &str = include_str!("golden/wechat/transaction_notpay.json");
const REFUND_ANSWER: &str = include_str!("golden/wechat/refund.json");
const REFUND_NOTICE: &str = include_str!("golden/wechat/refund_notice.json");
// Sealed with pyca/cryptography, signed with openssl.
const NOTIFICATION: &str = include_str!("golden/wechat/notification.json");
const SIGNATURE: &str = include_str!("golden/wechat/notification.signature");

fn altered(golden: &str, pointer: &str, value: Value) -> String {
    let mut json: Value = serde_json::from_str(golden).unwrap();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    json.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert(name.into(), value);
    json.to_string()
}

/// What is read of a transaction.
fn transaction((standin, provider): (&StandIn, &WechatPay), clear: &str) -> Result<Report, Failure> {
    match read(provider, &standin.notify("TRANSACTION.SUCCESS", "transaction", clear))? {
        Notice::Payment { report, .. } => Ok(report),
        other => panic!("{other:?}"),
    }
}

/// What is read of a refund, and of which payment it is.
fn refund((standin, provider): (&StandIn, &WechatPay), clear: &str) -> Result<(String, RefundReport), Failure> {
    match read(provider, &standin.notify("REFUND.SUCCESS", "refund", clear))? {
        Notice::Refund { payment_reference, report, .. } => Ok((payment_reference, report)),
        other => panic!("{other:?}"),
    }
}

fn last(standin: &StandIn) -> Value {
    serde_json::from_str(&standin.requests().last().expect("a request").body).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_other_programs_sealed_and_signed_is_read() {
    let (_standin, provider, _) = both().await;
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let headers = vec![
        header("Wechatpay-Timestamp", "1772352000"),
        header("Wechatpay-Nonce", "593BEC0C930BF1AFEB40B4A08C8FB242"),
        header("Wechatpay-Signature", SIGNATURE.trim()),
        header("Wechatpay-Serial", PLATFORM_ID),
    ];
    let golden = Notification { headers, body: NOTIFICATION.to_owned() };
    let report = Report {
        reference: NUMBER.into(),
        state: ReportState::Captured,
        // What the buyer's coupon paid was paid all the same: 1.00 of it.
        received: Some(yuan(19_900)),
        fee_minor: None,
        reason: None,
    };
    assert_eq!(read(&provider, &golden).unwrap(), Notice::Payment { event: "EV-2018022511223320873".into(), report });
    for at in (0..NOTIFICATION.len()).step_by(7).filter(|at| NOTIFICATION.as_bytes()[*at].is_ascii_alphanumeric()) {
        let other = if NOTIFICATION.as_bytes()[at] == b'A' { "B" } else { "A" };
        let body = format!("{}{other}{}", &NOTIFICATION[..at], &NOTIFICATION[at + 1..]);
        let taken = read(&provider, &Notification { body, ..golden.clone() });
        assert!(matches!(taken, Err(Failure::NotAuthentic)), "letter {at} was changed unseen: {taken:?}");
    }
    let test = format!("WECHATPAY/SIGNTEST/{}", SIGNATURE.trim());
    for signature in ["", "!", &test] {
        let mut headers = golden.headers.clone();
        headers[2].1 = signature.to_owned();
        // The service signs wrong on purpose now and then, to see whether the merchant looks.
        let taken = read(&provider, &Notification { headers, ..golden.clone() });
        assert!(matches!(taken, Err(Failure::NotAuthentic)), "{signature}: {taken:?}");
    }
    for timestamp in ["", "soon", "-9223372036854775808", "9223372036854775807", "99999999999999999999"] {
        let mut headers = golden.headers.clone();
        headers[0].1 = timestamp.to_owned();
        let taken = read(&provider, &Notification { headers, ..golden.clone() });
        assert!(matches!(taken, Err(Failure::NotAuthentic)), "{timestamp}: {taken:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_signed_as_another_program_signs_it() {
    let (standin, provider, _) = both().await;
    provider.begin(&ask(NUMBER)).await.unwrap();
    let request = standin.requests()[0].clone();
    assert_eq!(request.target, "POST /v3/pay/transactions/jsapi");
    let given = request.header("authorization").to_owned();
    let part = |name: &str| {
        let after = given.split_once(&format!("{name}=\"")).expect("a part").1;
        after.split_once('"').expect("an end").0.to_owned()
    };
    let (timestamp, nonce) = (part("timestamp"), part("nonce_str"));
    assert_eq!((timestamp.as_str(), nonce.len()), ("1772352000", 32));
    let signed = format!("POST\n/v3/pay/transactions/jsapi\n{timestamp}\n{nonce}\n{}\n", request.body);
    // What stands before the RSA key in a PKCS#8 text of 2,048 bits. This signature has no chance in it.
    let key = EncodingKey::from_rsa_der(&der(MERCHANT_KEY)[26..]);
    let expected = jsonwebtoken::crypto::sign(signed.as_bytes(), &key, Algorithm::RS256).unwrap();
    let signature = part("signature").replace('+', "-").replace('/', "_");
    assert_eq!(signature.trim_end_matches('='), expected);
    let scheme = "WECHATPAY2-SHA256-RSA2048 mchid=\"1900000109\",nonce_str=\"";
    assert!(given.starts_with(scheme), "{given}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_written_as_the_documentation_has_it() {
    let (standin, provider, _) = both().await;
    let late = DateTime::parse_from_rfc3339("2026-03-01T20:15:00Z").unwrap();
    provider.begin(&Begin { expires_at: late.into(), ..ask(NUMBER) }).await.unwrap();
    assert_eq!(
        last(&standin),
        json!({
            "appid": APP_ID,
            "mchid": MERCHANT,
            "description": "河湟藏毯",
            "out_trade_no": NUMBER,
            "time_expire": "2026-03-02T04:15:00+08:00",
            "notify_url": "http://127.0.0.1:8000/webhooks/wechat",
            "amount": { "total": 19900, "currency": "CNY" },
            "payer": { "openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o" },
        })
    );
    // What may be otherwise when it is asked for again is not in it.
    let elsewhere = Begin { client_ip: Some("203.0.113.9".into()), at: dawn() + Duration::seconds(9), ..ask(NUMBER) };
    provider.begin(&Begin { expires_at: late.into(), ..elsewhere }).await.unwrap();
    for (number, description, written) in [
        ("PAY-20260301-000124", format!("a{}", "毯".repeat(60)), format!("a{}", "毯".repeat(42))),
        ("PAY-20260301-000125", " one\ntwo\u{0} ".into(), "one two".into()),
        ("PAY-20260301-000126", " ".into(), "PAY-20260301-000126".into()),
    ] {
        provider.begin(&Begin { description, ..ask(number) }).await.unwrap();
        assert_eq!(last(&standin)["description"], json!(written));
    }
}

/// A change that makes it no order.
type Change = fn(&mut Begin);

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_an_order_is_refused_before_anybody_is_asked() {
    let (standin, provider, _) = both().await;
    let changes: [(&str, Change); 7] = [
        ("AMOUNT", |ask| ask.amount.minor = 0),
        ("AMOUNT", |ask| ask.amount.minor = -1),
        ("OPENID_MISSING", |ask| ask.openid = None),
        ("OPENID_MISSING", |ask| ask.openid = Some(String::new())),
        ("NUMBER", |ask| ask.number = "../../refund".into()),
        ("NUMBER", |ask| ask.number = "P".repeat(33)),
        ("NUMBER", |ask| ask.number = "P-1".into()),
    ];
    for (expected, change) in changes {
        let mut ask = ask(NUMBER);
        change(&mut ask);
        let Err(Failure::Refused { code, .. }) = provider.begin(&ask).await else { panic!("{ask:?}") };
        assert_eq!(code, expected);
    }
    assert!(standin.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_is_written_as_the_documentation_has_it() {
    let (standin, provider, _) = both().await;
    provider.begin(&ask(NUMBER)).await.unwrap();
    standin.pay(NUMBER);
    provider.refund(&back(REFUND, 5_000)).await.unwrap();
    assert_eq!(
        last(&standin),
        json!({
            "out_trade_no": NUMBER,
            "out_refund_no": REFUND,
            "reason": "少发一件",
            "notify_url": "http://127.0.0.1:8000/webhooks/wechat",
            "amount": { "refund": 5000, "total": 19900, "currency": "CNY" },
        })
    );
    provider.refund(&RefundAsk { reason: " ".into(), ..back("REF-20260302-000008", 1) }).await.unwrap();
    assert_eq!(last(&standin).get("reason"), None, "an empty reason is refused");
    provider.refund(&RefundAsk { reason: "毯".repeat(80), ..back("REF-20260302-000009", 1) }).await.unwrap();
    assert_eq!(last(&standin)["reason"], json!("毯".repeat(26)));
    let dollars = RefundAsk { amount: Money { minor: 1, currency: "USD".parse().unwrap() }, ..back(REFUND, 1) };
    assert!(matches!(provider.refund(&dollars).await, Err(Failure::NotSupported)));
}

#[tokio::test(flavor = "multi_thread")]
async fn states_of_a_transaction_are_read() {
    use ReportState as S;
    let (standin, provider, _) = both().await;
    let both = (&standin, &provider);
    for (told, state) in [
        ("SUCCESS", Some(S::Captured)),
        ("REFUND", Some(S::Captured)),
        ("NOTPAY", Some(S::Waiting)),
        ("USERPAYING", Some(S::Waiting)),
        ("CLOSED", Some(S::Cancelled)),
        ("REVOKED", Some(S::Cancelled)),
        ("PAYERROR", Some(S::Failed)),
        ("success", None),
        ("", None),
    ] {
        let read = transaction(both, &altered(PAID, "/trade_state", json!(told)));
        assert_eq!(read.as_ref().ok().map(|report| report.state), state, "{told}: {read:?}");
        let received = (state == Some(S::Captured)).then(|| yuan(19_900));
        assert_eq!(read.ok().and_then(|report| report.received), received, "{told}");
    }
    let unpaid = transaction(both, UNPAID).unwrap();
    assert_eq!((unpaid.state, unpaid.received, unpaid.reason), (S::Waiting, None, None));
    let closed = transaction(both, &altered(UNPAID, "/trade_state", json!("CLOSED"))).unwrap();
    assert_eq!(closed.reason.as_deref(), Some("CLOSED: 订单未支付"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_does_not_say_what_was_paid_to_us_is_not_believed() {
    let (standin, provider, _) = both().await;
    let both = (&standin, &provider);
    for (pointer, value) in [
        ("/mchid", json!("1900000110")),
        ("/appid", json!("wx0")),
        ("/amount", json!(null)),
        ("/amount/total", json!(null)),
        ("/amount/total", json!(199.5)),
        ("/amount/total", json!(-1)),
        ("/amount/total", json!(i64::MAX)),
        ("/amount/currency", json!("YUAN")),
        ("/out_trade_no", json!("")),
        ("/out_trade_no", json!("a b")),
    ] {
        let read = transaction(both, &altered(PAID, pointer, value));
        assert!(matches!(read, Err(Failure::Unreadable(_))), "{pointer}: {read:?}");
    }
    // Another currency is told as it is: whether it is the payment's is not decided here.
    let dollars = transaction(both, &altered(PAID, "/amount/currency", json!("USD"))).unwrap();
    assert_eq!(dollars.received.map(|m| m.currency.code()), Some("USD"));
    let Err(Failure::Unreadable(told)) = transaction(both, "{\"mchid\":[\"oSECRET\"]") else { panic!() };
    assert!(!told.contains("oSECRET"), "the log learns who paid: {told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn states_of_a_refund_are_read_from_answers_and_notifications() {
    use RefundReportState as S;
    let (standin, provider, _) = both().await;
    let both = (&standin, &provider);
    for (golden, name) in [(REFUND_ANSWER, "/status"), (REFUND_NOTICE, "/refund_status")] {
        for (told, state) in [
            ("SUCCESS", Some(S::Succeeded)),
            ("PROCESSING", Some(S::Pending)),
            ("ABNORMAL", Some(S::Pending)),
            ("CLOSED", Some(S::Failed)),
            ("DONE", None),
        ] {
            let read = refund(both, &altered(golden, name, json!(told))).ok();
            assert_eq!(read.as_ref().map(|(_, report)| report.state), state, "{told}");
            let Some((payment, report)) = read else { continue };
            assert_eq!((payment.as_str(), report.reference.as_str()), (NUMBER, REFUND));
            assert_eq!(report.amount, Some(yuan(5_000)));
            assert_eq!(report.reason.is_some(), matches!(told, "ABNORMAL" | "CLOSED"), "{told}");
        }
    }
    assert!(refund(both, &altered(REFUND_NOTICE, "/mchid", json!("1"))).is_err());
    assert!(refund(both, &altered(REFUND_ANSWER, "/amount/refund", json!(null))).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_succeed_later_is_not_taken_for_a_no() {
    let (standin, provider, _) = both().await;
    for (status, body, refused) in [
        ("400 Bad Request", "{\"code\":\"PARAM_ERROR\",\"message\":\"m\"}", Some("PARAM_ERROR")),
        ("403 Forbidden", "{\"code\":\"NO_AUTH\"}", Some("NO_AUTH")),
        ("500 Internal Server Error", "{\"code\":\"INVALID_TRANSACTIONID\"}", Some("INVALID_TRANSACTIONID")),
        ("202 Accepted", "{\"code\":\"USERPAYING\"}", None),
        ("401 Unauthorized", "{\"code\":\"SIGN_ERROR\"}", None),
        ("403 Forbidden", "{\"code\":\"FREQUENCY_LIMITED\"}", None),
        ("429 Too Many Requests", "{\"code\":\"RATELIMIT_EXCEEDED\"}", None),
        ("500 Internal Server Error", "{\"code\":\"BANK_ERROR\"}", None),
        ("503 Service Unavailable", "{\"code\":\"ANYTHING\"}", None),
        ("302 Found", "", None),
        ("403 Forbidden", "<html>", None),
        ("403 Forbidden", "", None),
    ] {
        standin.set(Mood::Says(status, body));
        match (provider.look(NUMBER).await, refused) {
            (Err(Failure::Refused { code, .. }), Some(expected)) => assert_eq!(code, expected),
            (Err(Failure::Unavailable(_)), None) => {}
            (other, _) => panic!("{status} {body}: {other:?}"),
        }
    }
    for body in ["", "{}", "{\"prepay_id\":\"\"}", "{\"prepay_id\":\"a&b c\"}", "[]"] {
        standin.set(Mood::Says("200 OK", body));
        let begun = provider.begin(&ask(NUMBER)).await;
        assert!(matches!(begun, Err(Failure::Unreadable(_))), "{body}: {begun:?}");
    }
}
