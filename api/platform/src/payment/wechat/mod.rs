//! `WeChat` Pay (微信支付) inside a mini-program: JSAPI of its API v3, straight from merchant to service, because
//! `WeChat` takes no other provider's payments there.
//!
//! The number of a payment is its reference at the service, and that of a refund too: asking again with the same number
//! is asking for the same thing. What the service takes is taken at once, in CNY only.

mod crypto;
mod wire;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use reqwest::Client;
use serde::Serialize;

use self::{
    crypto::{Keys, Proof},
    wire::Account,
};
use super::{Begin, Begun, Failure, NextStep, Notice, PaymentProvider, RefundAsk, RefundReport, Report, ReportState};
use crate::{clock::Clock, config::Config, error::Error, vault, web};

/// Largest answer that is read; what the service says of an order has a few hundred bytes.
const LARGEST: usize = 256 * 1024;

/// `WeChat` Pay as a provider.
#[derive(Debug)]
pub struct WechatPay {
    client: Client,
    url: String,
    account: Account,
    keys: Keys,
    clock: Clock,
}

impl WechatPay {
    /// The one that the settings name, if they do.
    pub fn of(config: &Config, clock: &Clock) -> Result<Option<Self>, Error> {
        let settings = &config.wechat_pay;
        if !settings.enabled() {
            return Ok(None);
        }
        Ok(Some(Self {
            client: web::services(settings.timeout())?,
            url: settings.url.clone(),
            account: Account {
                app_id: settings.app_id.clone(),
                merchant_id: settings.merchant_id.clone(),
                notify_url: config.wechat_notify_url(),
            },
            keys: Keys::of(settings)?,
            clock: clock.clone(),
        }))
    }

    async fn get(&self, target: &str) -> Result<Vec<u8>, Failure> {
        self.call(reqwest::Method::GET, target, String::new()).await
    }

    async fn post(&self, target: &str, body: &(impl Serialize + Sync)) -> Result<Vec<u8>, Failure> {
        let body = serde_json::to_string(body).map_err(|e| Failure::Unavailable(e.into()))?;
        self.call(reqwest::Method::POST, target, body).await
    }

    /// Asks, and believes only an answer that the service signed. `target`: path and query.
    async fn call(&self, method: reqwest::Method, target: &str, body: String) -> Result<Vec<u8>, Failure> {
        let nonce = nonce()?;
        let authorization = self.keys.authorization(method.as_str(), target, &body, &nonce, self.clock.now())?;
        let mut request = self
            .client
            .request(method, format!("{}{target}", self.url))
            .header("authorization", authorization)
            .header("accept", "application/json")
            // Which of its keys the answer shall be signed with.
            .header("wechatpay-serial", self.keys.platform_id());
        if !body.is_empty() {
            request = request.header("content-type", "application/json").body(body);
        }
        let answer = request.send().await.map_err(away)?;
        let status = answer.status().as_u16();
        let proof = Proof::of(|name| answer.headers().get(name).and_then(|value| value.to_str().ok()));
        let body = web::body(answer, LARGEST).await?;
        // A refusal need not be signed: when the service does not know us, it has no key to sign with.
        if !matches!(status, 200 | 204) {
            return Err(wire::failure(status, &body));
        }
        self.keys.prove(&proof, &body, self.clock.now())?;
        Ok(body)
    }

    /// What the mini-program hands to `wx.requestPayment`.
    fn handed_over(&self, prepay_id: &str, at: DateTime<Utc>) -> Result<NextStep, Failure> {
        let (app_id, time_stamp, nonce_str) = (self.account.app_id.clone(), at.timestamp().to_string(), nonce()?);
        let package = format!("prepay_id={prepay_id}");
        let pay_sign = self.keys.sign(&[&app_id, &time_stamp, &nonce_str, &package])?;
        Ok(NextStep::MiniProgram { app_id, time_stamp, nonce_str, package, sign_type: "RSA".into(), pay_sign })
    }
}

#[async_trait]
impl PaymentProvider for WechatPay {
    async fn begin(&self, ask: &Begin) -> Result<Begun, Failure> {
        let order = wire::order(ask, &self.account)?;
        let refusal = match self.post("/v3/pay/transactions/jsapi", &order).await {
            Ok(body) => {
                let next = self.handed_over(&wire::prepay(&body)?, ask.at)?;
                let report = plain(&ask.number, ReportState::Waiting);
                return Ok(Begun { reference: ask.number.clone(), next, report });
            }
            Err(refusal @ Failure::Refused { .. }) => refusal,
            Err(failure) => return Err(failure),
        };
        // An order that was begun before and is paid or closed by now is refused too: what it has come to is the answer.
        match self.look(&ask.number).await {
            Ok(report) if report.state != ReportState::Waiting => {
                Ok(Begun { reference: ask.number.clone(), next: NextStep::Nothing, report })
            }
            Ok(_) | Err(Failure::Refused { .. }) => Err(refusal),
            // Nobody knows: it may have been paid.
            Err(failure) => Err(failure),
        }
    }

    async fn look(&self, reference: &str) -> Result<Report, Failure> {
        let number = wire::number(reference, 32)?;
        let merchant = &self.account.merchant_id;
        let body = self.get(&format!("/v3/pay/transactions/out-trade-no/{number}?mchid={merchant}")).await?;
        let report = wire::transaction(&body, &self.account)?;
        // A signature does not say which question it answers.
        if report.reference == reference { Ok(report) } else { Err(Failure::NotAuthentic) }
    }

    async fn capture(&self, _: &str, _: &str) -> Result<Report, Failure> {
        Err(Failure::NotSupported)
    }

    async fn cancel(&self, reference: &str, _: &str) -> Result<Report, Failure> {
        let number = wire::number(reference, 32)?;
        let close = wire::Close { mchid: &self.account.merchant_id };
        let target = format!("/v3/pay/transactions/out-trade-no/{number}/close");
        let refusal = match self.post(&target, &close).await {
            Ok(_) => return Ok(plain(reference, ReportState::Cancelled)),
            Err(refusal @ Failure::Refused { .. }) => refusal,
            Err(failure) => return Err(failure),
        };
        match self.look(reference).await {
            // Paid meanwhile, or closed before.
            Ok(report) if report.state != ReportState::Waiting => Ok(report),
            Ok(_) => Err(refusal),
            // The service never heard of it, so nobody can pay it.
            Err(failure) if wire::is_missing(&failure) => Ok(plain(reference, ReportState::Cancelled)),
            Err(failure) => Err(failure),
        }
    }

    async fn refund(&self, ask: &RefundAsk) -> Result<RefundReport, Failure> {
        let refund = wire::refund(ask, &self.account)?;
        let body = self.post("/v3/refund/domestic/refunds", &refund).await?;
        self.refund_of(&body, &ask.payment_reference, &ask.number)
    }

    async fn look_refund(&self, payment_reference: &str, refund_reference: &str) -> Result<RefundReport, Failure> {
        let number = wire::number(refund_reference, 64)?;
        let body = self.get(&format!("/v3/refund/domestic/refunds/{number}")).await?;
        self.refund_of(&body, payment_reference, refund_reference)
    }

    fn read(&self, headers: &[(String, String)], body: &[u8], now: DateTime<Utc>) -> Result<Notice, Failure> {
        let header = |name: &str| headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str());
        self.keys.prove(&Proof::of(header), body, now)?;
        let told = wire::notification(body)?;
        let event = told.id;
        let kind = told.event_type.split('.').next().unwrap_or_default();
        if !matches!(kind, "TRANSACTION" | "REFUND") {
            return Ok(Notice::Other { event });
        }
        let sealed = told.resource.filter(|resource| resource.algorithm == "AEAD_AES_256_GCM");
        let sealed = sealed.ok_or_else(|| Failure::Unreadable("a notification with nothing sealed in it".into()))?;
        let associated = sealed.associated_data.unwrap_or_default();
        let clear = self.keys.open(&sealed.nonce, &associated, &sealed.ciphertext)?;
        if kind == "TRANSACTION" {
            return Ok(Notice::Payment { event, report: wire::transaction(&clear, &self.account)? });
        }
        let (payment_reference, report) = wire::refund_told(&clear, &self.account)?;
        Ok(Notice::Refund { event, payment_reference, report })
    }
}

impl WechatPay {
    /// A refund in an answer, if it is the one that was asked about.
    fn refund_of(&self, body: &[u8], payment: &str, refund: &str) -> Result<RefundReport, Failure> {
        let (of, report) = wire::refund_told(body, &self.account)?;
        if of == payment && report.reference == refund { Ok(report) } else { Err(Failure::NotAuthentic) }
    }
}

/// A report of which nothing but the state is known.
fn plain(reference: &str, state: ReportState) -> Report {
    Report { reference: reference.to_owned(), state, received: None, fee_minor: None, reason: None }
}

fn nonce() -> Result<String, Failure> {
    vault::random::<16>().map(|bytes| vault::hex(&bytes)).map_err(|e| Failure::Unavailable(e.told().into()))
}

fn away(error: reqwest::Error) -> Failure {
    Failure::Unavailable(error.without_url().into())
}
