//! What the clock does in finance: debtors that did not answer in time are not asked any more, offers that
//! nobody took run out.

use chrono::{DateTime, Utc};
use platform::{app::App, error::Error};

use super::ops::{confirmations, offers};

/// By which name the audit knows what the clock does here.
pub const BY: &str = "finance";

/// Does what has become due; what fails does not keep the rest. Answers with how much it was.
pub async fn sweep(app: &App, now: DateTime<Utc>) -> Result<u64, Error> {
    let done = [confirmations::expire_due(app, now).await, offers::expire_due(app, now).await];
    done.into_iter().sum()
}
