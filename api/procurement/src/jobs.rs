//! What the clock does in procurement: rounds are opened, what ran out ends, people are reminded, suppliers are scored.
//! Each handler reads anew what its ids name, and may run twice.

use chrono::{DateTime, Utc};
use entities::{
    procurement::{RfqState, rfq},
    values::id::RfqId,
};
use platform::{
    app::{App, Call},
    error::Error,
    jobs::{Job, Verdict},
};
use sea_orm::EntityTrait;
use serde::{Deserialize, Serialize};

use super::ops::{agreements, quotations, reminders, rfqs, scores};

/// By which name the audit knows what the clock does here.
pub const BY: &str = "procurement";

/// Opens a round of a request for quotations when its deadline is over (开标).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenBids {
    /// Of which request.
    pub rfq: RfqId,
    /// Which round.
    pub round: i32,
    /// Its deadline.
    pub at: DateTime<Utc>,
}

impl Job for OpenBids {
    const KIND: &'static str = "procurement.open";
    fn aggregate(&self) -> String {
        format!("rfq:{}", self.rfq)
    }
    fn not_before(&self) -> Option<DateTime<Utc>> {
        Some(self.at)
    }
}

/// Does [`OpenBids`]. A deadline that was put off since is waited for.
pub async fn open_bids(app: &App, job: OpenBids) -> Result<Verdict, Error> {
    let row = rfq::Entity::find_by_id(job.rfq).one(app.db().writer()).await?;
    let open = |row: &rfq::Model| row.state == RfqState::Published && row.round == job.round;
    let Some(row) = row.filter(open) else { return Ok(Verdict::Done) };
    if app.clock().now() < row.deadline {
        return Ok(Verdict::Later { at: row.deadline });
    }
    match rfqs::open(app, &Call::unasked(BY), row.id, row.round, true).await {
        // Somebody else opened, put off or took it back meanwhile: the sweep looks again.
        Ok(_) | Err(Error::Refused(_)) => Ok(Verdict::Done),
        Err(error) => Err(error),
    }
}

/// Does what has become due; what fails does not keep the rest. Answers with how much it was.
pub async fn sweep(app: &App, now: DateTime<Utc>) -> Result<u64, Error> {
    let done = [
        rfqs::overdue(app, now).await,
        quotations::expire_due(app, now).await,
        agreements::end_due(app, now).await,
        reminders::send_due(app, now).await,
        scores::make_due(app, now).await,
    ];
    done.into_iter().sum()
}
