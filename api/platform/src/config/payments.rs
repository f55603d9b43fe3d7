//! Settings of payments.

use std::time::Duration;

use serde::Deserialize;

/// Payments.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described in defaults.toml")]
pub struct Payments {
    pub(super) timeout: u32,
    pub(super) look_after: u32,
    pub sandbox: Sandbox,
    pub bank: Bank,
}

/// The provider with no money behind it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described in defaults.toml")]
pub struct Sandbox {
    pub enabled: bool,
    pub(super) delay_ms: u32,
    pub duplicates: u32,
}

/// The account that buyers transfer to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described in defaults.toml")]
pub struct Bank {
    pub account_name: String,
    pub bank: String,
    pub account_number: String,
}

impl Payments {
    /// Longest wait for a provider's answer.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout.into())
    }

    /// How long there may be no news of a payment.
    pub fn look_after(&self) -> chrono::Duration {
        chrono::Duration::minutes(self.look_after.into())
    }
}

impl Sandbox {
    /// How long after a press its notification comes.
    pub fn delay(&self) -> chrono::Duration {
        chrono::Duration::milliseconds(self.delay_ms.into())
    }
}
