//! Settings of customs.

use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

/// Customs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described in defaults.toml")]
pub struct Customs {
    pub gateway: Gateway,
    pub dxp_id: String,
    pub(super) timeout: u32,
    pub(super) wait_hours: u32,
    pub simulator: Simulator,
    pub eport: Eport,
    pub signing: Signing,
    pub payment_data: PaymentData,
    pub matching: Matching,
    pub exports: Exports,
}

/// Which way to customs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gateway {
    /// A customs that stands in for customs.
    Simulator,
    /// The bridge of the e-port.
    Eport,
}

/// The customs that stands in for customs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Simulator {
    pub(super) delay_ms: u32,
}

/// The bridge of the e-port.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described in defaults.toml")]
pub struct Eport {
    pub url: String,
    pub sender_id: String,
    pub receiver_id: String,
    pub secret: SecretString,
}

/// With what messages are signed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described in defaults.toml")]
pub struct Signing {
    pub key_file: String,
    pub certificate_file: String,
    pub trusted_folder: String,
}

/// Real-time payment data, as announcement 179 has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described in defaults.toml")]
pub struct PaymentData {
    pub url: String,
    pub account: String,
    pub holder: String,
    pub item_link: String,
}

/// On what terms papers are matched.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matching {
    /// By how many thousandths the waybill's weight may differ from the list's.
    pub weight_tolerance_permille: u32,
    /// By how many grams it may in any case.
    pub weight_tolerance_grams: u32,
}

/// What the rules of exports depend on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described in defaults.toml")]
pub struct Exports {
    pub b2b_hs_digits: u32,
    pub receipts_until: String,
}

impl Customs {
    /// Longest wait for the gateway's answer.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout.into())
    }

    /// How long a declaration may wait before it is overdue.
    pub fn wait(&self) -> chrono::Duration {
        chrono::Duration::hours(self.wait_hours.into())
    }
}

impl Simulator {
    /// How long after a message its first receipt comes, and each one after it.
    pub fn delay(&self) -> chrono::Duration {
        chrono::Duration::milliseconds(self.delay_ms.into())
    }
}
