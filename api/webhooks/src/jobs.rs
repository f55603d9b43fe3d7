//! What is sent to endpoints, and when again.

use std::time::Instant;

use chrono::{DateTime, Duration, Utc};
use entities::{
    platform::{feed_entry, job},
    values::id::{WebhookAttemptId, WebhookDeliveryId},
    webhooks::{DeliveryState, attempt, delivery, endpoint},
};
use platform::{
    app::{App, Call, Told},
    error::Error,
    jobs::{Job, Verdict},
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, sea_query::Expr};
use serde::{Deserialize, Serialize};

use super::ops;

/// Waits between the attempts, in seconds: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h.
const WAITS: [i64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// Failures in a row after which an endpoint is left alone.
pub const TRIPS: i32 = 5;
/// How long a probe of an endpoint that is left alone keeps others away.
const PROBE: Duration = Duration::minutes(1);

/// After this a delivery is given up, also when its endpoint was left alone: a little more than all waits together.
pub(super) const HORIZON: Duration = Duration::days(4);

/// A delivery that is due.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Deliver {
    /// Which.
    pub delivery: WebhookDeliveryId,
    /// Since when it is to be delivered: by a replay anew.
    pub since: DateTime<Utc>,
}

impl Job for Deliver {
    const KIND: &'static str = "webhooks.deliver";
    fn aggregate(&self) -> String {
        format!("delivery:{}", self.delivery)
    }
}

/// Makes a delivery for each endpoint that wants the event.
pub async fn told(app: &App, told: Told) -> Result<Verdict, Error> {
    let event = feed_entry::Entity::find().filter(feed_entry::Column::Id.eq(told.event)).one(app.db().read()).await?;
    let Some(event) = event else { return Ok(Verdict::Dead { reason: "the event is not there".into() }) };
    let endpoints = endpoint::Entity::find()
        .filter(endpoint::Column::OrganisationId.eq(event.audience_id))
        .filter(endpoint::Column::Enabled.eq(true))
        .all(app.db().read())
        .await?;
    let wanted: Vec<_> =
        endpoints.into_iter().filter(|e| e.events.0.is_empty() || e.events.0.contains(&event.event)).collect();
    if wanted.is_empty() {
        return Ok(Verdict::Done);
    }
    let mut work = app.begin(&Call::unasked("webhooks")).await?;
    let body = ops::body(event.event, &event.node, event.version, event.at);
    for endpoint in wanted {
        ops::deliver_once(&mut work, endpoint.id, event.id, event.event, body.clone()).await?;
    }
    work.commit(()).await?;
    Ok(Verdict::Done)
}

/// Tries a delivery.
pub async fn deliver(app: &App, job: Deliver) -> Result<Verdict, Error> {
    let now = app.clock().now();
    let Some(row) = delivery::Entity::find_by_id(job.delivery).one(app.db().read()).await? else {
        return Ok(Verdict::Done);
    };
    let Some(endpoint) = endpoint::Entity::find_by_id(row.endpoint_id).one(app.db().read()).await? else {
        return Ok(Verdict::Done);
    };
    if row.state != DeliveryState::Pending {
        return Ok(Verdict::Done);
    }
    if !endpoint.enabled {
        settle(app, &row, DeliveryState::Failed, now).await?;
        return Ok(Verdict::Done);
    }
    if now > job.since + HORIZON {
        // Its endpoint was left alone all that time.
        settle(app, &row, DeliveryState::Failed, now).await?;
        return Ok(Verdict::Done);
    }
    if let Some(later) = circuit(app, &endpoint, now).await? {
        return Ok(Verdict::Later { at: later });
    }
    let outgoing = ops::outgoing(app.vault(), &endpoint, row.event_id, &row.body, now)?;
    let begun = Instant::now();
    let answer = send(app, outgoing).await;
    let millis = i32::try_from(begun.elapsed().as_millis()).unwrap_or(i32::MAX);
    log(app, &row, &answer, millis).await?;
    after(app, &row, &endpoint, answer, app.clock().now()).await
}

/// Asks the endpoint; its status, or why there was none. The body of the answer is not read.
async fn send(app: &App, outgoing: ops::Outgoing) -> Result<u16, String> {
    // Looked at again: it may have been saved under other settings.
    if platform::web::fit(&outgoing.url, app.config().webhooks.allow_private).is_err() {
        return Err("the address is not allowed".into());
    }
    let mut request = app.partners().post(&outgoing.url).body(outgoing.body);
    for (name, value) in outgoing.headers {
        request = request.header(name, value);
    }
    match request.send().await {
        Ok(answer) => Ok(answer.status().as_u16()),
        Err(error) => Err(innermost(&error.without_url())),
    }
}

/// The innermost cause: "connection refused" says more than "error sending request".
fn innermost(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |e| e.source()).last().map(ToString::to_string).unwrap_or_default()
}

async fn log(app: &App, row: &delivery::Model, answer: &Result<u16, String>, millis: i32) -> Result<(), Error> {
    let attempt = attempt::Model {
        id: WebhookAttemptId::new(app.clock().now()),
        delivery_id: row.id,
        status: answer.as_ref().ok().map(|status| i32::from(*status)),
        error: answer.as_ref().err().map(|why| why.chars().filter(|c| !c.is_control()).take(300).collect()),
        millis,
        at: app.clock().now(),
    };
    attempt::Entity::insert(attempt.into_active_model()).exec_without_returning(app.db().writer()).await?;
    Ok(())
}

/// What an answer means for the delivery and for its endpoint.
async fn after(
    app: &App,
    row: &delivery::Model,
    endpoint: &endpoint::Model,
    answer: Result<u16, String>,
    now: DateTime<Utc>,
) -> Result<Verdict, Error> {
    let reason = match answer {
        Ok(200..=299) => {
            settle(app, row, DeliveryState::Delivered, now).await?;
            if endpoint.failures > 0 || endpoint.open_until.is_some() {
                well_again(app, endpoint).await?;
            }
            return Ok(Verdict::Done);
        }
        Ok(410) => {
            settle(app, row, DeliveryState::Failed, now).await?;
            endpoint::Entity::update_many()
                .col_expr(endpoint::Column::Enabled, Expr::value(false))
                .col_expr(endpoint::Column::Version, Expr::col(endpoint::Column::Version).add(1))
                .filter(endpoint::Column::Id.eq(endpoint.id))
                .exec(app.db().writer())
                .await?;
            return Ok(Verdict::Done);
        }
        Ok(status) => format!("the endpoint answers {status}"),
        Err(why) => why,
    };
    failed_once(app, endpoint, now).await?;
    let attempts = row.attempts + 1;
    let wait = usize::try_from(row.attempts).ok().and_then(|n| WAITS.get(n)).copied();
    let Some(wait) = wait else {
        settle(app, row, DeliveryState::Failed, now).await?;
        return Ok(Verdict::Done);
    };
    delivery::Entity::update_many()
        .col_expr(delivery::Column::Attempts, Expr::value(attempts))
        .filter(delivery::Column::Id.eq(row.id))
        .exec(app.db().writer())
        .await?;
    Ok(Verdict::Again { after: Some(Duration::seconds(wait)), reason })
}

async fn settle(app: &App, row: &delivery::Model, state: DeliveryState, now: DateTime<Utc>) -> Result<(), Error> {
    delivery::Entity::update_many()
        .col_expr(delivery::Column::State, Expr::value(state))
        .col_expr(delivery::Column::Attempts, Expr::value(row.attempts + 1))
        .col_expr(delivery::Column::FinishedAt, Expr::value(now))
        .filter(delivery::Column::Id.eq(row.id))
        .exec(app.db().writer())
        .await?;
    Ok(())
}

async fn well_again(app: &App, endpoint: &endpoint::Model) -> Result<(), Error> {
    endpoint::Entity::update_many()
        .col_expr(endpoint::Column::Failures, Expr::value(0))
        .col_expr(endpoint::Column::OpenUntil, Expr::value(Option::<DateTime<Utc>>::None))
        .filter(endpoint::Column::Id.eq(endpoint.id))
        .exec(app.db().writer())
        .await?;
    Ok(())
}

/// Counts a failure, in the row as it is now: several deliveries may fail at once. After [`TRIPS`] in a row the endpoint
/// is left alone: a minute, two, four … an hour.
async fn failed_once(app: &App, endpoint: &endpoint::Model, now: DateTime<Utc>) -> Result<(), Error> {
    let counted = endpoint::Entity::update_many()
        .col_expr(endpoint::Column::Failures, Expr::col(endpoint::Column::Failures).add(1))
        .filter(endpoint::Column::Id.eq(endpoint.id))
        .exec_with_returning(app.db().writer())
        .await?;
    let Some(failures) = counted.first().map(|row| row.failures).filter(|failures| *failures >= TRIPS) else {
        return Ok(());
    };
    let rest = Duration::minutes(Ord::min(1_i64 << (failures - TRIPS).clamp(0, 6), 60));
    endpoint::Entity::update_many()
        .col_expr(endpoint::Column::OpenUntil, Expr::value(now + rest))
        .filter(endpoint::Column::Id.eq(endpoint.id))
        .exec(app.db().writer())
        .await?;
    Ok(())
}

/// A delivery whose job was given up is over too, so that its owner may replay it.
pub async fn given_up(db: &impl ConnectionTrait, payload: &str, now: DateTime<Utc>) -> Result<(), Error> {
    let Ok(job) = serde_json::from_str::<Deliver>(payload) else { return Ok(()) };
    delivery::Entity::update_many()
        .col_expr(delivery::Column::State, Expr::value(DeliveryState::Failed))
        .col_expr(delivery::Column::FinishedAt, Expr::value(now))
        .filter(delivery::Column::Id.eq(job.delivery))
        .filter(delivery::Column::State.eq(DeliveryState::Pending))
        .exec(db)
        .await?;
    Ok(())
}

/// A delivery whose job is brought back begins anew with it.
pub async fn revive(db: &impl ConnectionTrait, job: &job::Model, now: DateTime<Utc>) -> Result<(), Error> {
    let Ok(deliver) = serde_json::from_str::<Deliver>(&job.payload) else { return Ok(()) };
    delivery::Entity::update_many()
        .col_expr(delivery::Column::State, Expr::value(DeliveryState::Pending))
        .col_expr(delivery::Column::Attempts, Expr::value(0))
        .col_expr(delivery::Column::FinishedAt, Expr::value(Option::<DateTime<Utc>>::None))
        .filter(delivery::Column::Id.eq(deliver.delivery))
        .exec(db)
        .await?;
    let payload = serde_json::to_string(&Deliver { since: now, ..deliver }).map_err(Error::internal)?;
    job::Entity::update_many()
        .col_expr(job::Column::Payload, Expr::value(payload))
        .filter(job::Column::Id.eq(job.id))
        .exec(db)
        .await?;
    Ok(())
}

/// Until when a delivery has to wait because its endpoint is left alone; none: it may try. When the time is over
/// one delivery probes, and the others wait for what becomes of it.
async fn circuit(app: &App, endpoint: &endpoint::Model, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, Error> {
    match endpoint.open_until {
        None => Ok(None),
        Some(until) if until > now => Ok(Some(until)),
        Some(until) => {
            let probe = endpoint::Entity::update_many()
                .col_expr(endpoint::Column::OpenUntil, Expr::value(now + PROBE))
                .filter(endpoint::Column::Id.eq(endpoint.id))
                .filter(endpoint::Column::OpenUntil.eq(until))
                .exec(app.db().writer())
                .await?;
            Ok((probe.rows_affected != 1).then(|| now + PROBE))
        }
    }
}
