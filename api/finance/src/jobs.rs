//! What the clock does in finance: debtors that did not answer in time are not asked any more, offers that
//! nobody took run out, notices that nobody answered are noted so, and
//! every day ends once.

use chrono::{DateTime, Utc};
use platform::{app::App, clock::business_day, error::Error};

use super::ops::{confirmations, money::day_end, notices, offers};

/// By which name the audit knows what the clock does here.
pub const BY: &str = "finance";

/// Does what has become due; what fails does not keep the rest. Answers with how much it was.
pub async fn sweep(app: &App, now: DateTime<Utc>) -> Result<u64, Error> {
    let done = [
        confirmations::expire_due(app, now).await,
        offers::expire_due(app, now).await,
        notices::lapse_due(app, now).await,
        day_end::run(app, business_day(now)).await,
    ];
    done.into_iter().sum()
}
