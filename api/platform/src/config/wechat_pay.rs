//! Settings of `WeChat` Pay.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::ConfigError;

/// `WeChat` Pay (微信支付) in a mini-program.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described in defaults.toml")]
pub struct WechatPay {
    pub url: String,
    pub app_id: String,
    pub merchant_id: String,
    pub merchant_serial: String,
    pub merchant_key: SecretString,
    pub api_v3_key: SecretString,
    pub platform_key_id: String,
    pub platform_key: String,
    pub(super) notify_url: String,
    timeout: u32,
}

impl WechatPay {
    /// Whether payments go through it.
    pub fn enabled(&self) -> bool {
        !self.merchant_id.is_empty()
    }

    /// Longest wait for an answer.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout.into())
    }

    /// What is there must be whole: a merchant who forgot one of them would find out at the first payment.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let all = [
            ("app_id", self.app_id.as_str()),
            ("merchant_id", self.merchant_id.as_str()),
            ("merchant_serial", self.merchant_serial.as_str()),
            ("merchant_key", self.merchant_key.expose_secret()),
            ("api_v3_key", self.api_v3_key.expose_secret()),
            ("platform_key_id", self.platform_key_id.as_str()),
            ("platform_key", self.platform_key.as_str()),
        ];
        let wrong = |name: &str, why: &str| Err(ConfigError(format!("wechat_pay.{name} {why}")));
        if !self.enabled() && all.iter().any(|(_, value)| !value.is_empty()) {
            return wrong("merchant_id", "is empty, but other settings of WeChat Pay are not");
        }
        if !(1..=30).contains(&self.timeout) {
            return wrong("timeout", "must be between 1 and 30");
        }
        let web = |url: &str| url.starts_with("https://") || url.starts_with("http://");
        if !web(&self.url) || self.url.ends_with('/') {
            return wrong("url", "must start with https:// and have no slash at its end");
        }
        // The service calls no address with a query.
        if !self.notify_url.is_empty() && (!web(&self.notify_url) || self.notify_url.contains(['?', '#'])) {
            return wrong("notify_url", "must start with https:// and have nothing behind the path");
        }
        if !self.enabled() {
            return Ok(());
        }
        if let Some((name, _)) = all.iter().find(|(_, value)| value.is_empty()) {
            return wrong(name, "is empty, but WeChat Pay is on: wechat_pay.merchant_id is set");
        }
        // These stand in headers, in what is signed and in addresses.
        let names = ["app_id", "merchant_id", "merchant_serial", "platform_key_id"];
        if let Some((name, _)) = all.iter().find(|(name, value)| names.contains(name) && !plain(value)) {
            return wrong(name, "must be letters, digits and _");
        }
        if self.api_v3_key.expose_secret().len() != 32 {
            return wrong("api_v3_key", "must have 32 characters");
        }
        Ok(())
    }
}
