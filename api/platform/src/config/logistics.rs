//! Settings of logistics.

use serde::Deserialize;

use super::ConfigError;

/// Logistics.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described in defaults.toml")]
pub struct Logistics {
    pub weight_tolerance: u32,
    pub sscc_prefix: String,
    pub simulator: Simulator,
}

/// The carrier without vehicles.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described in defaults.toml")]
pub struct Simulator {
    pub enabled: bool,
    pub step_ms: u32,
}

impl Logistics {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let prefix = &self.sscc_prefix;
        if !(7..=10).contains(&prefix.len()) || !prefix.bytes().all(|b| b.is_ascii_digit()) {
            return Err(ConfigError("logistics.sscc_prefix must be 7 to 10 digits".into()));
        }
        Ok(())
    }
}

impl Simulator {
    /// How long it takes from one thing that happens to a parcel to the next.
    pub fn step(&self) -> chrono::Duration {
        chrono::Duration::milliseconds(self.step_ms.into())
    }
}
