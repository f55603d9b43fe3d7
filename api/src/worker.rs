//! The runner of background jobs: which room does what, and how. `serve` has one inside, `chama worker` is one
//! alone; any number of them work side by side.
//!
//! A worker takes due jobs ([`jobs::claim`]), groups them by aggregate, and does the groups at the same time
//! and each group in order. A handler that takes too long is stopped before its lease runs out. A worker that
//! is told to stop finishes what it has; one that is killed leaves its leases to run out.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use chrono::Utc;
use entities::platform::job;
use futures_util::stream::{self, StreamExt};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::{
    app::{App, Told},
    catalog::indexing::{self, IndexProducts},
    party,
    platform::{
        error::Error,
        jobs::{self, Job, Verdict},
    },
    webhooks::{self, jobs::Deliver},
};

/// How often a worker looks for what other nodes wrote, and for what has become due.
const LOOK: Duration = Duration::from_millis(500);
/// How often the house is tidied.
const TIDY: Duration = Duration::from_mins(10);

/// Works until `stop` is done.
pub async fn work(app: App, stop: impl Future<Output = ()>) {
    let worker = Uuid::new_v4();
    let mut stop = std::pin::pin!(stop);
    let mut tidied: Option<Instant> = None;
    loop {
        if tidied.is_none_or(|at| at.elapsed() > TIDY) {
            tidied = Some(Instant::now());
            if let Err(error) = tidy(&app).await {
                tracing::warn!(?error, "the house could not be tidied");
            }
        }
        let done = match round(&app, worker).await {
            Ok(done) => done,
            Err(error) => {
                tracing::warn!(?error, "jobs could not be taken; looking again");
                0
            }
        };
        if done > 0 {
            // More may be due; but whoever stops is not kept by a long queue.
            if futures_util::poll!(stop.as_mut()).is_ready() {
                return;
            }
            continue;
        }
        tokio::select! {
            () = &mut stop => return,
            () = app.jobs_due().notified() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Does what is due now, and what that makes due; answers with how many jobs were begun.
pub async fn drain(app: &App, mut progress: impl FnMut(u64)) -> Result<u64, Error> {
    let worker = Uuid::new_v4();
    let mut all = 0;
    loop {
        let done = round(app, worker).await?;
        if done == 0 {
            return Ok(all);
        }
        all += done;
        progress(all);
    }
}

/// Takes due jobs and does them.
async fn round(app: &App, worker: Uuid) -> Result<u64, Error> {
    let claimed = jobs::claim(app.db(), worker, app.clock().now(), app.config().jobs.lease()).await?;
    let begun = claimed.len() as u64;
    let mut groups: BTreeMap<String, Vec<job::Model>> = BTreeMap::new();
    for job in claimed {
        groups.entry(job.aggregate.clone()).or_default().push(job);
    }
    let side_by_side = app.config().jobs.workers.max(1);
    stream::iter(groups.into_values())
        .for_each_concurrent(side_by_side, |group| async move {
            if let Err(error) = in_order(app, worker, group).await {
                // The lease runs out and the jobs are taken again.
                tracing::warn!(?error, "what became of jobs could not be noted");
            }
        })
        .await;
    Ok(begun)
}

/// Does the jobs of one aggregate, one after the other; what stands behind a failed one waits with it.
async fn in_order(app: &App, worker: Uuid, mut group: Vec<job::Model>) -> Result<(), Error> {
    if group.iter().all(|job| job.kind == IndexProducts::KIND) {
        return index_together(app, worker, group).await;
    }
    let begun = Instant::now();
    let patience = app.config().jobs.time_limit() / 2;
    group.reverse();
    while let Some(job) = group.pop() {
        let verdict = one(app, &job).await;
        let stays = matches!(verdict, Verdict::Again { .. } | Verdict::Later { .. });
        jobs::settle(app.db().writer(), worker, &job, verdict, app.clock().now()).await?;
        if stays || begun.elapsed() > patience {
            return jobs::give_back(app.db().writer(), worker, &group).await;
        }
    }
    Ok(())
}

/// Changes of the catalog that came in a row are put into the index at once.
async fn index_together(app: &App, worker: Uuid, group: Vec<job::Model>) -> Result<(), Error> {
    let mut products = Vec::new();
    for job in &group {
        match read::<IndexProducts>(job) {
            Ok(part) => products.extend(part.products),
            Err(verdict) => jobs::settle(app.db().writer(), worker, job, verdict, app.clock().now()).await?,
        }
    }
    products.sort_unstable();
    products.dedup();
    let verdict = match indexing::index_all(app, &products).await {
        Ok(()) => Verdict::Done,
        Err(error) => Verdict::Again { after: None, reason: told(&error) },
    };
    for job in &group {
        jobs::settle(app.db().writer(), worker, job, verdict.clone(), app.clock().now()).await?;
    }
    Ok(())
}

/// Does one job. A panic of its handler is a failure of this job alone.
async fn one(app: &App, job: &job::Model) -> Verdict {
    let (task_app, task_job) = (app.clone(), job.clone());
    let task = tokio::spawn(async move { handle(&task_app, &task_job).await });
    let abort = task.abort_handle();
    let verdict = match tokio::time::timeout(app.config().jobs.time_limit(), task).await {
        Ok(Ok(Ok(verdict))) => verdict,
        Ok(Ok(Err(error))) => Verdict::Again { after: None, reason: told(&error) },
        Ok(Err(panic)) => Verdict::Again { after: None, reason: format!("the handler broke: {panic}") },
        Err(_) => {
            abort.abort();
            Verdict::Again { after: None, reason: "it took too long and was stopped".into() }
        }
    };
    if let Verdict::Again { reason, .. } = &verdict {
        tracing::warn!(job = %job.id, kind = job.kind, attempt = job.attempts, reason, "a job failed");
    }
    verdict
}

/// Which room does what.
async fn handle(app: &App, job: &job::Model) -> Result<Verdict, Error> {
    match job.kind.as_str() {
        Told::KIND => match read(job) {
            Ok(told) => webhooks::jobs::told(app, told).await,
            Err(verdict) => Ok(verdict),
        },
        Deliver::KIND => match read(job) {
            Ok(deliver) => webhooks::jobs::deliver(app, deliver).await,
            Err(verdict) => Ok(verdict),
        },
        IndexProducts::KIND => match read::<IndexProducts>(job) {
            Ok(part) => indexing::index_all(app, &part.products).await.map(|()| Verdict::Done),
            Err(verdict) => Ok(verdict),
        },
        other => Ok(Verdict::Dead { reason: format!("no room does {other}") }),
    }
}

fn read<J: Job + DeserializeOwned>(job: &job::Model) -> Result<J, Verdict> {
    serde_json::from_str(&job.payload).map_err(|e| Verdict::Dead { reason: format!("the payload cannot be read: {e}") })
}

/// The cause of a failure, for operators.
fn told(error: &Error) -> String {
    match error {
        Error::Refused(refusals) => refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        Error::BadInput(message) => message.clone(),
        Error::Unauthenticated | Error::Forbidden => "not allowed".into(),
        Error::Unavailable(cause) | Error::Internal(cause) => cause.to_string(),
    }
}

/// Takes away what has served its time, and does what the calendar says.
pub async fn tidy(app: &App) -> Result<(), Error> {
    let now: chrono::DateTime<Utc> = app.clock().now();
    app.tidy(now).await?;
    party::ops::tidy(app, now).await?;
    webhooks::ops::tidy(app, now).await
}
