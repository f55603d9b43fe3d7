//! `WeChat` Pay: the border against a stand-in for the service.

use api::{
    config::Config,
    platform::{
        clock::Clock,
        error::Error,
        payment::{
            Begin, Failure, NextStep, Notice, PaymentProvider, RefundAsk, RefundReportState, Report, ReportState,
            wechat::WechatPay,
        },
    },
};
use chrono::Duration;
use entities::{
    payments::Method,
    values::{
        Currency, Money,
        id::{PaymentId, RefundId},
    },
};
use proptest::prelude::*;
use serde_json::json;

use super::wechat_standin::{
    self as standin, APP_ID, MERCHANT, MERCHANT_KEY, Mood, Notification, PLATFORM_ID, PLATFORM_PUBLIC, SERIAL,
    SHARED_KEY, STRANGER_KEY, StandIn,
};
use crate::support::dawn;

pub const NUMBER: &str = "PAY-20260301-000123";
pub const REFUND: &str = "REF-20260302-000007";

fn config(url: &str, changed: &[(&str, &str)]) -> Config {
    let mut settings = vec![
        ("URL", url),
        ("APP_ID", APP_ID),
        ("MERCHANT_ID", MERCHANT),
        ("MERCHANT_SERIAL", SERIAL),
        ("MERCHANT_KEY", MERCHANT_KEY),
        ("API_V3_KEY", SHARED_KEY),
        ("PLATFORM_KEY_ID", PLATFORM_ID),
        ("PLATFORM_KEY", PLATFORM_PUBLIC),
        ("TIMEOUT", "1"),
    ];
    settings.extend(changed);
    let environment = settings.into_iter().map(|(name, value)| (format!("CHAMA_WECHAT_PAY_{name}"), value.to_owned()));
    Config::load(None, environment).expect("settings")
}

pub fn provider(url: &str, clock: &Clock, changed: &[(&str, &str)]) -> WechatPay {
    WechatPay::of(&config(url, changed), clock).expect("a provider").expect("it is on")
}

pub async fn both() -> (StandIn, WechatPay, Clock) {
    let clock = Clock::fixed(dawn());
    let standin = StandIn::start(&clock).await;
    let provider = provider(standin.url(), &clock, &[]);
    (standin, provider, clock)
}

pub fn yuan(minor: i64) -> Money {
    Money { minor, currency: Currency::CNY }
}

pub fn ask(number: &str) -> Begin {
    Begin {
        key: number.into(),
        payment: PaymentId::new(dawn()),
        number: number.into(),
        amount: yuan(19_900),
        method: Method::WechatJsapi,
        description: "河湟藏毯".into(),
        return_url: None,
        openid: Some("oUpF8uMuAJO_M2pxb1Q9zNjWeS6o".into()),
        client_ip: None,
        expires_at: dawn() + Duration::minutes(15),
        capture: true,
        at: dawn(),
    }
}

pub fn back(number: &str, minor: i64) -> RefundAsk {
    RefundAsk {
        key: number.into(),
        payment_reference: NUMBER.into(),
        refund: RefundId::new(dawn()),
        number: number.into(),
        amount: yuan(minor),
        total: yuan(19_900),
        reason: "少发一件".into(),
    }
}

fn captured() -> Report {
    Report {
        reference: NUMBER.into(),
        state: ReportState::Captured,
        received: Some(yuan(19_900)),
        fee_minor: None,
        reason: None,
    }
}

pub fn read(provider: &WechatPay, notification: &Notification) -> Result<Notice, Failure> {
    provider.read(&notification.headers, notification.body.as_bytes(), dawn())
}

fn refused(result: Result<impl std::fmt::Debug, Failure>) -> String {
    match result {
        Err(Failure::Refused { code, .. }) => code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_goes_from_its_order_to_its_refund() {
    let (standin, provider, _) = both().await;
    let begun = provider.begin(&ask(NUMBER)).await.unwrap();
    assert_eq!((begun.reference.as_str(), begun.report.state), (NUMBER, ReportState::Waiting));
    let NextStep::MiniProgram { app_id, time_stamp, nonce_str, package, sign_type, pay_sign } = begun.next else {
        panic!("{begun:?}")
    };
    assert_eq!((app_id.as_str(), time_stamp.as_str(), sign_type.as_str()), (APP_ID, "1772352000", "RSA"));
    assert!(package.starts_with("prepay_id=wx"), "{package}");
    let signed = format!("{app_id}\n{time_stamp}\n{nonce_str}\n{package}\n");
    assert!(standin::is_the_merchants(&signed, &pay_sign), "the mini-program cannot pay");
    let expires = &standin.requests()[0].body;
    assert!(expires.contains("\"time_expire\":\"2026-03-01T16:15:00+08:00\""), "{expires}");
    assert!(expires.contains("\"notify_url\":\"http://127.0.0.1:8000/webhooks/wechat\""), "{expires}");
    assert_eq!(provider.look(NUMBER).await.unwrap().state, ReportState::Waiting);

    let paid = standin.pay(NUMBER);
    let notice = read(&provider, &paid).unwrap();
    let Notice::Payment { event, report } = &notice else { panic!("{notice:?}") };
    assert!(event.starts_with("EV-") && *report == captured(), "{notice:?}");
    assert_eq!(read(&provider, &paid).unwrap(), notice, "a notification that comes again is another one");
    assert_eq!(provider.look(NUMBER).await.unwrap(), captured());

    let refund = provider.refund(&back(REFUND, 5_000)).await.unwrap();
    assert_eq!((refund.reference.as_str(), refund.state), (REFUND, RefundReportState::Pending));
    let settled = standin.settle(REFUND, "SUCCESS");
    let Notice::Refund { payment_reference, report, .. } = read(&provider, &settled).unwrap() else { panic!() };
    assert_eq!(payment_reference, NUMBER);
    assert_eq!((report.state, report.amount), (RefundReportState::Succeeded, Some(yuan(5_000))));
    assert_eq!(provider.look_refund(NUMBER, REFUND).await.unwrap(), report);
    assert_eq!(provider.look(NUMBER).await.unwrap(), captured(), "a refund takes the payment back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_is_begun_again_is_the_same_payment() {
    let (standin, provider, _) = both().await;
    for _ in 0..3 {
        let begun = provider.begin(&ask(NUMBER)).await.unwrap();
        assert!(matches!(begun.next, NextStep::MiniProgram { .. }));
    }
    assert_eq!(standin.orders(), 1);
    let other = Begin { amount: yuan(1), ..ask(NUMBER) };
    assert_eq!(refused(provider.begin(&other).await), "OUT_TRADE_NO_USED");
    standin.pay(NUMBER);
    let begun = provider.begin(&ask(NUMBER)).await.unwrap();
    assert_eq!((begun.next, begun.report), (NextStep::Nothing, captured()));
    let closed = "PAY-20260301-000124";
    provider.begin(&ask(closed)).await.unwrap();
    provider.cancel(closed, "k").await.unwrap();
    let begun = provider.begin(&ask(closed)).await.unwrap();
    assert_eq!((begun.next, begun.report.state), (NextStep::Nothing, ReportState::Cancelled));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_is_told_in_the_services_words() {
    let (_standin, provider, _) = both().await;
    let stranger = Begin { openid: Some("x-of-another-app".into()), ..ask(NUMBER) };
    assert_eq!(refused(provider.begin(&stranger).await), "OPENID_MISMATCH");
    assert_eq!(refused(provider.look(NUMBER).await), "ORDER_NOT_EXIST");
    assert_eq!(refused(provider.look_refund(NUMBER, REFUND).await), "RESOURCE_NOT_EXISTS");
    assert_eq!(refused(provider.refund(&back(REFUND, 1)).await), "ORDER_NOT_EXIST");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_cancelled_unless_it_was_paid() {
    let (standin, provider, _) = both().await;
    let state = async |number: &str| provider.cancel(number, "k").await.unwrap().state;
    assert_eq!(state("PAY-never-begun").await, ReportState::Cancelled);
    provider.begin(&ask(NUMBER)).await.unwrap();
    assert_eq!(state(NUMBER).await, ReportState::Cancelled);
    assert_eq!(state(NUMBER).await, ReportState::Cancelled, "cancelling again fails");
    assert_eq!(provider.look(NUMBER).await.unwrap().state, ReportState::Cancelled);
    let paid = "PAY-20260301-000124";
    provider.begin(&ask(paid)).await.unwrap();
    standin.pay(paid);
    let report = provider.cancel(paid, "k").await.unwrap();
    assert_eq!(
        (report.state, report.received),
        (ReportState::Captured, Some(yuan(19_900))),
        "money was cancelled away"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_is_given_once_and_never_more_than_was_paid() {
    let (standin, provider, _) = both().await;
    provider.begin(&ask(NUMBER)).await.unwrap();
    assert_eq!(refused(provider.refund(&back(REFUND, 1)).await), "INVALID_REQUEST");
    standin.pay(NUMBER);
    standin.set(Mood::Poor);
    let poor = provider.refund(&back(REFUND, 15_000)).await;
    assert!(matches!(poor, Err(Failure::Unavailable(_))), "an empty account is taken for a no: {poor:?}");
    standin.set(Mood::Well);
    for _ in 0..3 {
        assert_eq!(provider.refund(&back(REFUND, 15_000)).await.unwrap().amount, Some(yuan(15_000)));
    }
    assert_eq!(standin.refunds(), 1);
    assert_eq!(refused(provider.refund(&back(REFUND, 1)).await), "INVALID_REQUEST");
    assert_eq!(refused(provider.refund(&back("REF-20260302-000008", 4_901)).await), "INVALID_REQUEST");
    // The card is gone: not given back, and not failed either.
    let Notice::Refund { report, .. } = read(&provider, &standin.settle(REFUND, "ABNORMAL")).unwrap() else { panic!() };
    assert_eq!(report.state, RefundReportState::Pending);
    assert!(report.reason.is_some(), "nobody learns that it must be settled by hand");
    let Notice::Refund { report, .. } = read(&provider, &standin.settle(REFUND, "CLOSED")).unwrap() else { panic!() };
    assert_eq!(report.state, RefundReportState::Failed);
    provider.refund(&back("REF-20260302-000008", 19_900)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_the_service_did_not_sign_for_this_question_is_not_believed() {
    let (standin, provider, _) = both().await;
    provider.begin(&ask(NUMBER)).await.unwrap();
    standin.pay(NUMBER);
    provider.refund(&back(REFUND, 1)).await.unwrap();
    for mood in [Mood::Unsigned, Mood::Forged, Mood::Renamed, Mood::Stale, Mood::Mistaken] {
        standin.set(mood);
        let looked = provider.look(NUMBER).await;
        assert!(matches!(looked, Err(Failure::NotAuthentic)), "{mood:?}: {looked:?}");
        let looked = provider.look_refund(NUMBER, REFUND).await;
        assert!(matches!(looked, Err(Failure::NotAuthentic)), "{mood:?}: {looked:?}");
    }
    let other = provider.look_refund("PAY-20260301-000124", REFUND).await;
    assert!(matches!(other, Err(Failure::NotAuthentic)), "{other:?}");
    for mood in [Mood::Unsigned, Mood::Forged] {
        standin.set(mood);
        let begun = provider.begin(&ask("PAY-20260301-000124")).await;
        assert!(matches!(begun, Err(Failure::NotAuthentic)), "{mood:?}: {begun:?}");
        let cancelled = provider.cancel("PAY-20260301-000124", "k").await;
        assert!(matches!(cancelled, Err(Failure::NotAuthentic)), "{mood:?}: {cancelled:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_in_a_bad_moment_has_not_said_no() {
    let (standin, provider, clock) = both().await;
    provider.begin(&ask(NUMBER)).await.unwrap();
    for mood in [Mood::Busy, Mood::Page] {
        standin.set(mood);
        let asked = [
            provider.begin(&ask(NUMBER)).await.err(),
            provider.look(NUMBER).await.err(),
            provider.cancel(NUMBER, "k").await.err(),
            provider.refund(&back(REFUND, 1)).await.err(),
            provider.look_refund(NUMBER, REFUND).await.err(),
        ];
        for failure in asked {
            assert!(matches!(failure, Some(Failure::Unavailable(_))), "{mood:?}: {failure:?}");
        }
    }
    standin.set(Mood::Endless);
    assert!(matches!(provider.look(NUMBER).await, Err(Failure::Unreadable(_))));
    standin.set(Mood::Well);
    // It does not know us: a key or a clock is wrong, and no payment has failed by that.
    let stranger = self::provider(standin.url(), &clock, &[("MERCHANT_KEY", STRANGER_KEY)]);
    assert!(matches!(stranger.look(NUMBER).await, Err(Failure::Unavailable(_))));
    let late = self::provider(standin.url(), &Clock::fixed(dawn() + Duration::minutes(6)), &[]);
    assert!(matches!(late.look(NUMBER).await, Err(Failure::Unavailable(_))));
    assert_eq!(provider.look(NUMBER).await.unwrap().state, ReportState::Waiting);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_never_answers_is_not_waited_for() {
    // Connections are taken by the system, and nobody ever reads from them.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let provider = provider(&url, &Clock::fixed(dawn()), &[]);
    let begun = provider.begin(&ask(NUMBER)).await;
    assert!(matches!(begun, Err(Failure::Unavailable(_))), "{begun:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_service_cannot_do_is_not_asked_of_it() {
    let (standin, provider, _) = both().await;
    let asks = [
        Begin { amount: Money { minor: 1, currency: "USD".parse().unwrap() }, ..ask(NUMBER) },
        Begin { method: Method::Card, ..ask(NUMBER) },
        Begin { capture: false, ..ask(NUMBER) },
    ];
    for ask in asks {
        assert!(matches!(provider.begin(&ask).await, Err(Failure::NotSupported)), "{ask:?}");
    }
    assert!(matches!(provider.capture(NUMBER, "k").await, Err(Failure::NotSupported)));
    assert_eq!(refused(provider.look("../../../refund/domestic/refunds").await), "NUMBER");
    assert_eq!(refused(provider.cancel("PAY-1?x=/close", "k").await), "NUMBER");
    assert_eq!(refused(provider.look_refund(NUMBER, "REF 1 2 3").await), "NUMBER");
    assert!(standin.requests().is_empty(), "{:?}", standin.requests());
    let printed = format!("{provider:?}");
    assert!(!printed.contains(SHARED_KEY) && !printed.contains("BEGIN"), "{printed}");
}

#[test]
fn keys_that_cannot_be_used_are_named_at_the_start() {
    let clock = Clock::fixed(dawn());
    assert!(WechatPay::of(&Config::load(None, []).unwrap(), &clock).unwrap().is_none(), "it is on by itself");
    for (name, value) in [("MERCHANT_KEY", PLATFORM_PUBLIC), ("MERCHANT_KEY", "x"), ("PLATFORM_KEY", MERCHANT_KEY)] {
        let Err(Error::BadInput(told)) = WechatPay::of(&config("http://127.0.0.1:9", &[(name, value)]), &clock) else {
            panic!("{name}")
        };
        assert!(told.contains(&name.to_lowercase()) && !told.contains(value), "{told}");
    }
    // Not every place for environment variables can hold line breaks.
    let line = MERCHANT_KEY.replace('\n', "\\n");
    let config = config("http://127.0.0.1:9", &[("MERCHANT_KEY", &line)]);
    assert!(WechatPay::of(&config, &clock).unwrap().is_some());
    let printed = format!("{config:?}");
    assert!(!printed.contains(SHARED_KEY) && !printed.contains("BEGIN PRIVATE"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_notification_that_the_service_signed_for_this_merchant_is_taken() {
    let (standin, provider, clock) = both().await;
    provider.begin(&ask(NUMBER)).await.unwrap();
    let good = standin.pay(NUMBER);
    let now = dawn().timestamp();
    let lower = good.headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone())).collect();
    assert!(
        read(&provider, &Notification { headers: lower, ..good.clone() }).is_ok(),
        "proxies write headers otherwise"
    );
    let again = |body: &str, pem: &str, serial: &str, at| Notification {
        headers: standin::signature(&standin::key(pem), serial, at, body),
        body: body.to_owned(),
    };
    let mut wrong = vec![
        ("altered", Notification { body: good.body.replace("SUCCESS", "SUCCESS "), ..good.clone() }),
        ("unsigned", Notification { headers: Vec::new(), ..good.clone() }),
        ("a stranger's", again(&good.body, STRANGER_KEY, PLATFORM_ID, now)),
        ("the merchant's own", again(&good.body, MERCHANT_KEY, PLATFORM_ID, now)),
        ("under another name", again(&good.body, STRANGER_KEY, "PUB_KEY_ID_2", now)),
    ];
    for missing in 0..good.headers.len() {
        let mut headers = good.headers.clone();
        headers.remove(missing);
        wrong.push(("half signed", Notification { headers, ..good.clone() }));
    }
    // Signed by the service, and sealed for somebody else.
    let mut body: serde_json::Value = serde_json::from_str(&good.body).unwrap();
    body["resource"]["associated_data"] = json!("refund");
    wrong.push(("moved", standin.signed(&body.to_string())));
    for (what, notification) in wrong {
        let taken = read(&provider, &notification);
        assert!(matches!(taken, Err(Failure::NotAuthentic)), "{what}: {taken:?}");
    }
    let other = self::provider(standin.url(), &clock, &[("API_V3_KEY", "chama-test-api-v3-key-9876543210")]);
    assert!(matches!(read(&other, &good), Err(Failure::NotAuthentic)), "another merchant's notification is taken");
    for (minutes, taken) in [(-6, false), (-5, true), (5, true), (6, false)] {
        let at = dawn() + Duration::minutes(minutes);
        let read = provider.read(&good.headers, good.body.as_bytes(), at);
        assert_eq!(read.is_ok(), taken, "read {minutes} minutes later: {read:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_notification_tells_beside_payments_and_refunds_is_left_alone() {
    let (standin, provider, _) = both().await;
    provider.begin(&ask(NUMBER)).await.unwrap();
    let other = standin.notify("COUPON.USE", "coupon", "{\"stock_id\":\"1\"}");
    assert!(matches!(read(&provider, &other), Ok(Notice::Other { .. })));
    let foreign = json!({ "appid": APP_ID, "mchid": "1900000110", "out_trade_no": NUMBER, "trade_state": "SUCCESS",
                          "amount": { "total": 19900, "currency": "CNY" } });
    let foreign = standin.notify("TRANSACTION.SUCCESS", "transaction", &foreign.to_string());
    assert!(matches!(read(&provider, &foreign), Err(Failure::Unreadable(_))));
    for body in ["", "{}", "[]", "{\"id\":\"EV-1\",\"event_type\":\"TRANSACTION.SUCCESS\"}"] {
        assert!(matches!(read(&provider, &standin.signed(body)), Err(Failure::Unreadable(_))), "{body}");
    }
    let closed = standin.turn(NUMBER, "CLOSED");
    let Notice::Payment { report, .. } = read(&provider, &closed).unwrap() else { panic!() };
    assert_eq!((report.state, report.received), (ReportState::Cancelled, None));
}

#[test]
fn nothing_that_is_sent_as_a_notification_makes_the_reader_stumble() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (standin, provider, _) = runtime.block_on(both());
    let header = prop_oneof![
        Just("Wechatpay-Timestamp".to_owned()),
        Just("Wechatpay-Nonce".to_owned()),
        Just("Wechatpay-Signature".to_owned()),
        Just("Wechatpay-Serial".to_owned()),
        ".{0,8}",
    ];
    let value = prop_oneof![Just("1772352000".to_owned()), Just(PLATFORM_ID.to_owned()), "[A-Za-z0-9+/=]{0,400}", ".*"];
    let json = prop_oneof![
        ".*",
        "[\\[\\]{}\":,0-9a-z]{0,40}",
        (".{0,9}", "TRANSACTION.SUCCESS|REFUND.SUCCESS|.{0,9}", ".{0,14}", "[A-Za-z0-9+/=]{0,60}").prop_map(
            |(id, event_type, nonce, ciphertext)| {
                let resource = json!({ "algorithm": "AEAD_AES_256_GCM", "nonce": nonce, "ciphertext": ciphertext });
                json!({ "id": id, "event_type": event_type, "resource": resource }).to_string()
            }
        ),
    ];
    let told = prop_oneof![
        ".*",
        (".{0,12}", "SUCCESS|REFUND|CLOSED|.{0,9}", any::<i64>(), "CNY|USD|.{0,4}").prop_map(
            |(number, state, minor, currency)| {
                json!({ "appid": APP_ID, "mchid": MERCHANT, "out_trade_no": number, "out_refund_no": number,
                        "trade_state": state, "refund_status": state,
                        "amount": { "total": minor, "refund": minor, "currency": currency } })
                .to_string()
            }
        ),
    ];
    let config = ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(
        headers in prop::collection::vec((header, value), 0..6),
        body in prop::collection::vec(any::<u8>(), 0..200),
        signed in json,
        sealed in told,
    )| {
        // What nobody signed is never taken.
        prop_assert!(matches!(provider.read(&headers, &body, dawn()), Err(Failure::NotAuthentic)));
        // What the service signed is read or refused, whatever it is.
        let _ = read(&provider, &standin.signed(&signed));
        for event in ["TRANSACTION.SUCCESS", "REFUND.SUCCESS"] {
            if let Ok(Notice::Payment { report, .. }) = read(&provider, &standin.notify(event, "x", &sealed)) {
                prop_assert_eq!(report.received.is_some(), report.state == ReportState::Captured);
            }
        }
    });
}
