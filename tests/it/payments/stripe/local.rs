//! Against localstripe, a server of Stripe's API that this project did not write. `tests/run` starts it and names it in
//! `CHAMA_TEST_STRIPE_URL`; without that these tests say so and try nothing.

use std::io::Write;

use api::platform::payment::{Failure, NextStep, Notice, RefundReportState, ReportState};
use chrono::DateTime;
use entities::payments::Method;
use serde_json::{Value, json};

use super::{WEBHOOK_SECRET, asked, asked_back, money, provider, provider_with, proxy};
use crate::support::{client, receiver::Receiver};

const GOOD: &str = "4242424242424242";
const DECLINED: &str = "4000000000000341";
const NEEDS_AUTHENTICATION: &str = "4000002500003155";

/// The address of localstripe. Written past what the test runner keeps to itself when a test passes.
fn localstripe() -> Option<String> {
    let url = std::env::var("CHAMA_TEST_STRIPE_URL").ok().filter(|url| !url.is_empty());
    if url.is_none() {
        let _ = writeln!(std::io::stderr(), "CHAMA_TEST_STRIPE_URL is not set: nothing is tried against localstripe");
    }
    url
}

/// The buyer's browser with Stripe's script in it.
struct Buyer {
    http: reqwest::Client,
    url: String,
}

impl Buyer {
    fn of(url: &str) -> Self {
        Self { http: client(), url: url.to_owned() }
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Value {
        let request = self.http.post(format!("{}/v1/{path}", self.url)).bearer_auth("sk_test_chama").form(form);
        let answer = request.send().await.expect("localstripe");
        let status = answer.status();
        let said = answer.json().await.expect("JSON");
        assert!(status.is_success(), "{path}: {said}");
        said
    }

    /// Tries to pay with a card.
    async fn pays(&self, intent: &str, card: &str) {
        let card = [
            ("type", "card"),
            ("card[number]", card),
            ("card[exp_month]", "12"),
            ("card[exp_year]", "2030"),
            ("card[cvc]", "123"),
        ];
        let method = self.post("payment_methods", &card).await["id"].as_str().unwrap().to_owned();
        self.post(&format!("payment_intents/{intent}"), &[("payment_method", &method)]).await;
        self.post(&format!("payment_intents/{intent}/confirm"), &[("expand[]", "latest_charge")]).await;
    }

    /// Answers the bank's question who is paying.
    async fn authenticates(&self, intent: &str, secret: &str, success: bool) {
        let answer = [("client_secret", secret), ("success", if success { "true" } else { "false" })];
        self.post(&format!("payment_intents/{intent}/_authenticate"), &answer).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn localstripe_takes_a_card() {
    let Some(url) = localstripe() else { return };
    let (proxy, buyer) = (proxy::before(&url).await, Buyer::of(&url));
    let stripe = provider(&proxy.url);
    for amount in [money(129_900, "CNY"), money(1_200, "JPY")] {
        let begun = stripe.begin(&asked(amount, Method::Card)).await.unwrap();
        let NextStep::ClientSecret(secret) = begun.next else { panic!("{:?}", begun.next) };
        assert!(secret.starts_with(&begun.reference), "{secret}");
        assert_eq!(begun.report.state, ReportState::Waiting);
        assert_eq!(stripe.look(&begun.reference).await.unwrap(), begun.report);
        buyer.pays(&begun.reference, GOOD).await;
        let report = stripe.look(&begun.reference).await.unwrap();
        assert_eq!((report.state, report.received), (ReportState::Captured, Some(amount)));
        // localstripe books every charge without a fee, but it books it.
        assert_eq!((report.fee_minor, report.reason.as_deref()), (Some(0), None));
        // What is paid cannot be cancelled any more, and who tried is told.
        assert_eq!(stripe.cancel(&begun.reference, "k").await.unwrap(), report);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn localstripe_declines_a_card() {
    let Some(url) = localstripe() else { return };
    let (proxy, buyer) = (proxy::before(&url).await, Buyer::of(&url));
    let stripe = provider(&proxy.url);
    let begun = stripe.begin(&asked(money(129_900, "CNY"), Method::Card)).await.unwrap();
    buyer.pays(&begun.reference, DECLINED).await;
    let report = stripe.look(&begun.reference).await.unwrap();
    assert_eq!((report.state, report.received), (ReportState::Waiting, None));
    assert_eq!(report.reason.as_deref(), Some("card_declined: Your card was declined."));
    assert_eq!(stripe.cancel(&begun.reference, "k").await.unwrap().state, ReportState::Cancelled);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn localstripe_asks_who_is_paying() {
    let Some(url) = localstripe() else { return };
    let (proxy, buyer) = (proxy::before(&url).await, Buyer::of(&url));
    let stripe = provider(&proxy.url);
    for (success, state) in [(true, ReportState::Captured), (false, ReportState::Waiting)] {
        let begun = stripe.begin(&asked(money(129_900, "CNY"), Method::Card)).await.unwrap();
        let NextStep::ClientSecret(secret) = begun.next else { panic!("{:?}", begun.next) };
        buyer.pays(&begun.reference, NEEDS_AUTHENTICATION).await;
        assert_eq!(stripe.look(&begun.reference).await.unwrap().state, ReportState::Waiting, "before the answer");
        buyer.authenticates(&begun.reference, &secret, success).await;
        let report = stripe.look(&begun.reference).await.unwrap();
        assert_eq!(report.state, state);
        let failed = report.reason.is_some_and(|r| r.starts_with("payment_intent_authentication_failure: "));
        assert_eq!(failed, !success);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn localstripe_cancels_and_knows_what_it_has_not() {
    let Some(url) = localstripe() else { return };
    let proxy = proxy::before(&url).await;
    let stripe = provider(&proxy.url);
    let begun = stripe.begin(&asked(money(129_900, "CNY"), Method::Card)).await.unwrap();
    assert_eq!(stripe.cancel(&begun.reference, "k1").await.unwrap().state, ReportState::Cancelled);
    // Once more, as after a restart: it is cancelled, and says so.
    assert_eq!(stripe.cancel(&begun.reference, "k2").await.unwrap().state, ReportState::Cancelled);
    assert_eq!(stripe.look(&begun.reference).await.unwrap().state, ReportState::Cancelled);
    let missing = stripe.look("pi_nowhere").await;
    assert!(matches!(&missing, Err(Failure::Refused { code, .. }) if code == "resource_missing"), "{missing:?}");
    // localstripe takes no key that short.
    let stranger = provider_with(&[("CHAMA_STRIPE_URL", &proxy.url), ("CHAMA_STRIPE_SECRET_KEY", "sk_1")]);
    let refused = stranger.look(&begun.reference).await;
    assert!(matches!(refused, Err(Failure::Unavailable(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn localstripe_gives_money_back() {
    let Some(url) = localstripe() else { return };
    let (proxy, buyer) = (proxy::before(&url).await, Buyer::of(&url));
    let stripe = provider(&proxy.url);
    let total = money(129_900, "CNY");
    let begun = stripe.begin(&asked(total, Method::Card)).await.unwrap();
    let early = stripe.refund(&asked_back(&begun.reference, total, total)).await;
    assert!(matches!(early, Err(Failure::Refused { .. })), "money that never came was given back: {early:?}");
    buyer.pays(&begun.reference, GOOD).await;
    for part in [money(29_900, "CNY"), money(100_000, "CNY")] {
        let refund = stripe.refund(&asked_back(&begun.reference, part, total)).await.unwrap();
        assert_eq!((refund.state, refund.amount), (RefundReportState::Succeeded, Some(part)));
        assert_eq!(stripe.look_refund(&begun.reference, &refund.reference).await.unwrap(), refund);
    }
    // What came back does not undo what came in.
    assert_eq!(stripe.look(&begun.reference).await.unwrap().received, Some(total));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn localstripe_signs_as_stripe_does() {
    let Some(url) = localstripe() else { return };
    let ours = Receiver::answering("200 OK").await;
    let (http, stripe) = (client(), provider(&url));
    // It tells nothing of payments; its signature is over any event alike.
    let hook = json!({ "url": ours.url, "secret": WEBHOOK_SECRET, "events": ["product.created"] });
    let registered = http.post(format!("{url}/_config/webhooks/chama")).json(&hook).send().await.unwrap();
    assert!(registered.status().is_success());
    Buyer::of(&url).post("products", &[("name", "Carpet"), ("type", "good")]).await;
    let notification = &ours.until(1).await[0];

    let at: i64 = notification.header("stripe-signature")[2..].split(',').next().unwrap().parse().unwrap();
    let now = DateTime::from_timestamp(at, 0).unwrap();
    let body = notification.body.as_bytes();
    let read = stripe.read(&notification.headers, body, now).unwrap();
    assert!(matches!(&read, Notice::Other { event } if event.starts_with("evt_")), "{read:?}");
    let altered = notification.body.replace("Carpet", "carpet");
    assert!(matches!(stripe.read(&notification.headers, altered.as_bytes(), now), Err(Failure::NotAuthentic)));
    let later = now + chrono::Duration::seconds(301);
    assert!(matches!(stripe.read(&notification.headers, body, later), Err(Failure::NotAuthentic)));
    let other = provider_with(&[("CHAMA_STRIPE_URL", &url), ("CHAMA_STRIPE_WEBHOOK_SECRET", "whsec_other")]);
    assert!(matches!(other.read(&notification.headers, body, now), Err(Failure::NotAuthentic)));
}
