//! Settings of Stripe.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::{Host, Url};

use super::ConfigError;

/// Payments through Stripe.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described in defaults.toml")]
pub struct Stripe {
    pub secret_key: SecretString,
    pub publishable_key: String,
    pub webhook_secret: SecretString,
    pub url: String,
    timeout: u32,
}

impl Stripe {
    /// Whether payments go through it.
    pub fn enabled(&self) -> bool {
        !self.secret_key.expose_secret().is_empty()
    }

    /// Longest wait for an answer.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout.into())
    }

    /// What is there must be whole: a key that was forgotten or put in the wrong place would be found at the first
    /// payment. No message repeats a value.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let wrong = |name: &str, why: &str| Err(ConfigError(format!("stripe.{name} {why}")));
        if !fit(&self.url) {
            return wrong(
                "url",
                "must start with https:// (http:// on this machine only) and have no slash at its end",
            );
        }
        if !(1..=30).contains(&self.timeout) {
            return wrong("timeout", "must be between 1 and 30");
        }
        let secret = self.secret_key.expose_secret();
        let others = [
            ("publishable_key", self.publishable_key.as_str(), "pk_"),
            ("webhook_secret", self.webhook_secret.expose_secret(), "whsec_"),
        ];
        if !self.enabled() {
            let left_over = others.iter().any(|(_, value, _)| !value.is_empty());
            return if left_over { wrong("secret_key", "is empty, but other keys of Stripe are not") } else { Ok(()) };
        }
        let plain = |key: &str| key.bytes().all(|b| b.is_ascii_graphic());
        if !plain(secret) || !(secret.starts_with("sk_") || secret.starts_with("rk_")) {
            return wrong("secret_key", "must start with sk_ or rk_");
        }
        for (name, value, start) in others {
            // Without the webhook's secret nobody would be believed, without the other key no buyer could pay.
            if !plain(value) || !value.starts_with(start) {
                return wrong(name, &format!("must start with {start}"));
            }
        }
        if secret.contains("_live_") != self.publishable_key.contains("_live_") {
            return wrong("publishable_key", "and stripe.secret_key must both be live keys, or both for tests");
        }
        Ok(())
    }
}

/// Whether the secret key may be sent there.
fn fit(url: &str) -> bool {
    let Ok(parsed) = Url::parse(url) else { return false };
    let here = match parsed.host() {
        Some(Host::Ipv4(four)) => four.is_loopback(),
        Some(Host::Ipv6(six)) => six.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    let plain = parsed.username().is_empty()
        && parsed.password().is_none()
        && parsed.query().is_none()
        && parsed.fragment().is_none();
    plain && !url.ends_with('/') && (parsed.scheme() == "https" || parsed.scheme() == "http" && here)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stripe(secret: &str, publishable: &str, webhook: &str) -> Stripe {
        Stripe {
            secret_key: secret.into(),
            publishable_key: publishable.into(),
            webhook_secret: webhook.into(),
            url: "https://api.stripe.com".into(),
            timeout: 15,
        }
    }

    #[test]
    fn keys_are_whole_or_absent_and_in_their_places() {
        for (secret, publishable, webhook, named) in [
            ("", "", "", None),
            ("sk_test_1", "pk_test_1", "whsec_1", None),
            ("rk_live_1", "pk_live_1", "whsec_1", None),
            ("", "pk_test_1", "", Some("secret_key")),
            ("pk_test_1", "sk_test_1", "whsec_1", Some("secret_key")),
            ("sk_test_1\n", "pk_test_1", "whsec_1", Some("secret_key")),
            ("sk_test_1", "", "whsec_1", Some("publishable_key")),
            ("sk_test_1", "sk_test_1", "whsec_1", Some("publishable_key")),
            ("sk_test_1", "pk_test_1", "", Some("webhook_secret")),
            ("sk_live_1", "pk_test_1", "whsec_1", Some("publishable_key")),
        ] {
            let said = stripe(secret, publishable, webhook).check().err().map(|e| e.to_string());
            let fits = said.as_deref().map(|s| named.is_some_and(|n| s.starts_with(&format!("stripe.{n} "))));
            assert_eq!(fits, named.map(|_| true), "{secret} {publishable} {webhook}: {said:?}");
            assert!(said.is_none_or(|s| !s.contains("_test_1") && !s.contains("_live_1")), "a message repeats a key");
        }
    }

    #[test]
    fn keys_do_not_print_themselves() {
        let printed = format!("{:?}", stripe("sk_test_hush", "pk_test_1", "whsec_hush"));
        assert!(!printed.contains("hush"), "{printed}");
    }

    #[test]
    fn the_secret_key_is_sent_in_the_clear_on_this_machine_only() {
        for (url, expected) in [
            ("https://api.stripe.com", true),
            ("http://127.0.0.1:8420", true),
            ("http://localhost:8420", true),
            ("http://[::1]:8420", true),
            ("http://api.stripe.com", false),
            ("http://127.0.0.1.example", false),
            ("http://10.0.0.1", false),
            ("ftp://127.0.0.1", false),
            ("https://api.stripe.com/", false),
            ("https://api.stripe.com?x=1", false),
            ("https://user@api.stripe.com", false),
            ("api.stripe.com", false),
        ] {
            assert_eq!(fit(url), expected, "{url}");
        }
    }
}
