//! Stripe: what it is asked, what its answers and notifications mean, and whether all of it fits together with a server
//! that others wrote.

mod answers;
mod local;
mod notices;
mod proxy;

use api::{
    config::Config,
    platform::payment::{Begin, PaymentProvider, RefundAsk, stripe},
};
use entities::{
    payments::Method,
    values::{
        Money,
        id::{PaymentId, RefundId},
    },
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::support::dawn;

pub const WEBHOOK_SECRET: &str = "whsec_chama";
/// The intent of the golden files, and the refund of a part of it.
pub const INTENT: &str = "pi_3SfGy2LkdIwHu7ix1nCpXwBe";
pub const REFUND: &str = "re_3SfGy2LkdIwHu7ix1ZbD8KcM";

/// A golden file: an object of the published shape.
pub fn golden(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/it/payments/golden/stripe");
    std::fs::read_to_string(format!("{folder}/{name}.json")).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// The adapter, asking at this address.
pub fn provider(url: &str) -> Box<dyn PaymentProvider> {
    provider_with(&[("CHAMA_STRIPE_URL", url)])
}

pub fn provider_with(settings: &[(&str, &str)]) -> Box<dyn PaymentProvider> {
    let keys = [
        ("CHAMA_STRIPE_SECRET_KEY", "sk_test_chama"),
        ("CHAMA_STRIPE_PUBLISHABLE_KEY", "pk_test_chama"),
        ("CHAMA_STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET),
    ];
    let environment = keys.iter().chain(settings).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let config = Config::load(None, environment).expect("settings");
    stripe::of(&config).expect("a client").expect("Stripe is on")
}

pub fn money(minor: i64, currency: &str) -> Money {
    Money { minor, currency: currency.parse().unwrap() }
}

/// A payment that is begun.
pub fn asked(amount: Money, method: Method) -> Begin {
    Begin {
        key: "0195-op-1".into(),
        payment: PaymentId::new(dawn()),
        number: "2603010001".into(),
        amount,
        method,
        description: "Order 2603010001".into(),
        return_url: Some("https://chama.example/paid".into()),
        openid: None,
        client_ip: Some("203.0.113.7".into()),
        expires_at: dawn() + chrono::Duration::minutes(15),
        capture: true,
        at: dawn(),
    }
}

/// Money of a payment that is given back.
pub fn asked_back(payment: &str, amount: Money, total: Money) -> RefundAsk {
    RefundAsk {
        key: "0195-op-2".into(),
        payment_reference: payment.into(),
        refund: RefundId::new(dawn()),
        number: "R2603010001".into(),
        amount,
        total,
        reason: "The carpet was too small for Ms Ma".into(),
    }
}

/// The header of a notification, as Stripe makes it.
pub fn signed(body: &[u8], secret: &str, at: i64) -> (String, String) {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{at}.").as_bytes());
    mac.update(body);
    let signature = api::platform::vault::hex(&mac.finalize().into_bytes());
    ("stripe-signature".to_owned(), format!("t={at},v1={signature}"))
}
