//! Settings of procurement.

use serde::Deserialize;

use super::ConfigError;

/// Procurement.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described in defaults.toml")]
pub struct Procurement {
    pub remind_before_hours: u32,
    pub remind_every_days: u32,
    pub split_window_days: u32,
    pub largest_file_mb: u32,
    pub files: u32,
}

impl Procurement {
    /// How long before a deadline those whom it concerns are reminded of it.
    pub fn remind_before(&self) -> chrono::Duration {
        chrono::Duration::hours(self.remind_before_hours.into())
    }

    /// Most bytes of one file.
    pub fn largest_file(&self) -> usize {
        usize::try_from(self.largest_file_mb).unwrap_or(usize::MAX).saturating_mul(1024 * 1024)
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        for (name, value, range) in [
            ("remind_before_hours", self.remind_before_hours, 1..=720),
            ("remind_every_days", self.remind_every_days, 1..=30),
            ("split_window_days", self.split_window_days, 0..=365),
            ("largest_file_mb", self.largest_file_mb, 1..=50),
            ("files", self.files, 1..=200),
        ] {
            if !range.contains(&value) {
                let (from, to) = (range.start(), range.end());
                return Err(ConfigError(format!("procurement.{name} must be between {from} and {to}")));
            }
        }
        Ok(())
    }
}
