//! Stripe: cards, Alipay and `WeChat` Pay by payment intents (支付意图).
//!
//! An intent is made here and confirmed by the buyer's browser with Stripe's own script, so no card number comes near
//! us; what became of it is learned by notification and by looking. All requests that change something carry an
//! idempotency key that is made of the caller's: asked again within a day, Stripe answers with what it did the first
//! time. The API version is that of the crate whose types read the answers.
//!
//! - `amount`: amounts as Stripe counts them
//! - `signature`: who sent a notification
//! - `wire`: what Stripe's answers and notifications mean

mod amount;
mod signature;
mod wire;

use std::{collections::HashMap, fmt::Display};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use entities::{payments::Method, values::Money};
use hyper::body::Bytes;
use reqwest::{Client, header::CONTENT_TYPE};
use secrecy::{ExposeSecret, SecretString};
use stripe_client_core::{
    CustomizableStripeRequest, CustomizedStripeRequest, IdempotencyKey, RequestStrategy, StripeClient, StripeClientErr,
    StripeMethod, StripeRequest, VERSION,
};
use stripe_core::{
    payment_intent::{CancelPaymentIntent, CapturePaymentIntent, CreatePaymentIntent, RetrievePaymentIntent},
    refund::{CreateRefund, RetrieveRefund},
};
use stripe_shared::PaymentIntentCaptureMethod;

use super::{Begin, Begun, Failure, NextStep, Notice, PaymentProvider, RefundAsk, RefundReport, Report};
use crate::{config::Config, error::Error, web};

/// Longest answer that is read, in bytes. An intent with everything expanded has some ten thousand.
const ANSWER: usize = 1 << 20;
/// Longest description that is sent, in characters.
const DESCRIPTION: usize = 500;
/// What Stripe says when an intent is not in the state for what was asked of it.
const UNEXPECTED_STATE: &str = "payment_intent_unexpected_state";

/// Stripe as the settings name it; none without a key.
pub fn of(config: &Config) -> Result<Option<Box<dyn PaymentProvider>>, Error> {
    if !config.stripe.enabled() {
        return Ok(None);
    }
    Ok(Some(Box::new(Stripe {
        api: Api {
            client: web::services(config.stripe.timeout())?,
            url: config.stripe.url.clone(),
            secret: config.stripe.secret_key.clone(),
        },
        webhook_secret: config.stripe.webhook_secret.clone(),
    })))
}

#[derive(Debug)]
struct Stripe {
    api: Api,
    webhook_secret: SecretString,
}

impl Stripe {
    /// A request for a change that is done once, however often it is asked with the same key.
    fn once<T: StripeRequest>(
        verb: &str,
        key: &str,
        request: &T,
    ) -> Result<CustomizableStripeRequest<T::Output>, Failure> {
        // One key of the caller's may stand for several steps of one payment; Stripe's keys are of one request each.
        let fits = !key.is_empty() && key.bytes().all(|b| b.is_ascii_graphic());
        let key = fits.then(|| format!("{verb}:{key}")).and_then(|key| IdempotencyKey::new(key).ok());
        let key = key.ok_or_else(|| refused("unfit_key", "a key has 1 to 240 visible ASCII characters"))?;
        Ok(request.customize().request_strategy(RequestStrategy::Idempotent(key)))
    }

    /// The state after a step that was not possible any more is what became of the payment in the meantime.
    async fn after(&self, reference: &str, step: Result<wire::Intent, Failure>) -> Result<Report, Failure> {
        match step {
            Ok(intent) => wire::report(intent),
            Err(Failure::Refused { code, .. }) if code == UNEXPECTED_STATE => self.look(reference).await,
            Err(failure) => Err(failure),
        }
    }
}

#[async_trait]
impl PaymentProvider for Stripe {
    async fn begin(&self, ask: &Begin) -> Result<Begun, Failure> {
        let method = wire::method(ask.method).ok_or(Failure::NotSupported)?;
        // Only a card can be held without being charged.
        if !ask.capture && ask.method != Method::Card {
            return Err(Failure::NotSupported);
        }
        let (amount, currency) = payable(ask.amount)?;
        let capture =
            if ask.capture { PaymentIntentCaptureMethod::Automatic } else { PaymentIntentCaptureMethod::Manual };
        // Nothing here may differ when the same payment is begun again: Stripe refuses a known key with other words.
        let request = CreatePaymentIntent::new(amount, currency)
            .allowed_payment_method_types(vec![method.clone()])
            .capture_method(capture)
            .description(ask.description.chars().take(DESCRIPTION).collect::<String>())
            .metadata(ours([("payment", ask.payment.to_string()), ("number", ask.number.clone())]));
        let intent = Self::once("begin", &ask.key, &request)?.send(&self.api).await?;
        // Stripe passes over a method that does not go with the currency, the amount or our account.
        if !intent.payment_method_types.iter().any(|offered| offered == method.as_str()) {
            return Err(refused("method_not_offered", "Stripe does not offer this method for this payment"));
        }
        let secret = intent.client_secret.clone();
        let secret = secret.ok_or_else(|| Failure::Unreadable("an intent without its client secret".into()))?;
        let report = wire::report(intent.into())?;
        Ok(Begun { reference: report.reference.clone(), next: NextStep::ClientSecret(secret), report })
    }

    async fn look(&self, reference: &str) -> Result<Report, Failure> {
        let request = RetrievePaymentIntent::new(intent_id(reference)?).expand(with_fee());
        wire::report(request.send(&self.api).await?.into())
    }

    async fn capture(&self, reference: &str, key: &str) -> Result<Report, Failure> {
        let request = CapturePaymentIntent::new(intent_id(reference)?).expand(with_fee());
        let step = Self::once("capture", key, &request)?.send(&self.api).await.map(wire::Intent::from);
        self.after(reference, step).await
    }

    async fn cancel(&self, reference: &str, key: &str) -> Result<Report, Failure> {
        let request = CancelPaymentIntent::new(intent_id(reference)?);
        let step = Self::once("cancel", key, &request)?.send(&self.api).await.map(wire::Intent::from);
        self.after(reference, step).await
    }

    async fn refund(&self, ask: &RefundAsk) -> Result<RefundReport, Failure> {
        if ask.amount.currency != ask.total.currency || ask.amount.minor > ask.total.minor {
            return Err(refused("unfit_amount", "more than was paid, or in another currency"));
        }
        let (amount, _) = payable(ask.amount)?;
        // Not the reason: it is our people's text, and Stripe has three words for it.
        let request = CreateRefund::new()
            .payment_intent(intent_id(&ask.payment_reference)?)
            .amount(amount)
            .metadata(ours([("refund", ask.refund.to_string()), ("number", ask.number.clone())]));
        wire::refund_report(Self::once("refund", &ask.key, &request)?.send(&self.api).await?.into())
    }

    async fn look_refund(&self, _: &str, refund_reference: &str) -> Result<RefundReport, Failure> {
        let named = |kind| wire::named(refund_reference.to_owned(), kind);
        let request = RetrieveRefund::new(named("re_").or_else(|_| named("pyr_"))?);
        wire::refund_report(request.send(&self.api).await?.into())
    }

    fn read(&self, headers: &[(String, String)], body: &[u8], now: DateTime<Utc>) -> Result<Notice, Failure> {
        let header = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("stripe-signature"));
        let (_, header) = header.ok_or(Failure::NotAuthentic)?;
        if !signature::proves(header, body, self.webhook_secret.expose_secret().as_bytes(), now) {
            return Err(Failure::NotAuthentic);
        }
        wire::notice(body)
    }
}

/// An intent's id; what is none was never Stripe's, and is not asked for.
fn intent_id(reference: &str) -> Result<String, Failure> {
    wire::named(reference.to_owned(), "pi_")
}

fn payable(amount: Money) -> Result<(i64, stripe_types::Currency), Failure> {
    amount::to_stripe(amount).ok_or_else(|| refused("unfit_amount", "an amount that Stripe cannot count"))
}

/// A refusal of ours.
fn refused(code: &str, message: &str) -> Failure {
    Failure::Refused { code: code.to_owned(), message: message.to_owned() }
}

/// What Stripe keeps of it stands in the booking of the charge.
fn with_fee() -> Vec<String> {
    vec!["latest_charge.balance_transaction".to_owned()]
}

/// What people find our payment by in Stripe's dashboard.
fn ours(pairs: [(&str, String); 2]) -> HashMap<String, String> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Stripe's API over the house's client.
#[derive(Debug)]
struct Api {
    client: Client,
    url: String,
    secret: SecretString,
}

impl StripeClientErr for Failure {
    fn deserialize_err(message: impl Display) -> Self {
        Self::Unreadable(message.to_string())
    }
}

impl StripeClient for Api {
    type Err = Failure;

    async fn execute(&self, request: CustomizedStripeRequest) -> Result<Bytes, Failure> {
        let (asked, settings) = request.into_pieces();
        let query = asked.query.filter(|query| !query.is_empty()).map(|query| format!("?{query}")).unwrap_or_default();
        let url = format!("{}/v1{}{query}", self.url, asked.path);
        let request = match asked.method {
            StripeMethod::Get => self.client.get(url),
            StripeMethod::Post => self.client.post(url),
            StripeMethod::Delete => self.client.delete(url),
        };
        let mut request = request.bearer_auth(self.secret.expose_secret()).header("stripe-version", VERSION.as_str());
        if let Some(key) = settings.request_strategy.and_then(|strategy| strategy.get_key()) {
            request = request.header("idempotency-key", key.as_str());
        }
        if let Some(body) = asked.body {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
        }
        let answer = request.send().await.map_err(away)?;
        let status = answer.status();
        let body = web::body(answer, ANSWER).await?;
        if status.is_success() { Ok(body.into()) } else { Err(wire::refusal(status.as_u16(), &body)) }
    }
}

/// Stripe was not reached, or did not answer in time: nobody knows whether it did what it was asked.
fn away(error: reqwest::Error) -> Failure {
    Failure::Unavailable(error.without_url().into())
}
