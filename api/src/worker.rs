//! The runner of background jobs: which room does what, and how. `serve` has one inside, `chama worker` is one
//! alone; any number of them work side by side.
//!
//! A worker with a free place takes due jobs, many at once ([`jobs::claim`]): each place does one aggregate, its jobs in
//! order, and the rest wait in line for the next free one. A handler that takes too long is stopped before its lease
//! runs out. A worker that is told to stop finishes what it has begun and gives back the rest; one that is killed
//! leaves its leases to run out.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use catalog::store::tally;
use chrono::Utc;
use customs::{
    exports,
    jobs::{Advance, LookAgain, Moved, Send, SignedFor, TellPayment},
    simulator::Arrives,
};
use entities::platform::job;
use finance::registry::filing::FileAtRegistry;
use finding::index;
use futures_util::future::BoxFuture;
use logistics::{
    jobs::{Book, CallOff, HandOver},
    simulator::Arrive,
};
use ordering::parcels::BookParcel;
use payments::jobs::{Capture, GiveBack, GiveUp, LookAt, Notify, Settled};
use platform::{
    app::{App, IndexJob, Told},
    customs::simulator::Heard,
    error::Error,
    jobs::{self, Job, Verdict, Wanted},
    reconcile::Finding,
};
use procurement::jobs::OpenBids;
use serde::de::DeserializeOwned;
use tokio::task::JoinSet;
use uuid::Uuid;
use webhooks::jobs::Deliver;

/// How often a worker looks for what other nodes wrote, and for what has become due.
const LOOK: Duration = Duration::from_millis(250);
/// Most things that are put into the index at once.
const INDEXED_AT_ONCE: usize = 2_000;
/// How often it is looked whether there is a search index.
const KEEP_READY: Duration = Duration::from_secs(1);
/// How long the index is left alone after it could not be written.
const INDEX_PAUSE: chrono::Duration = chrono::Duration::seconds(2);
/// How often it is looked for promises of stock whose time is up.
const SWEEP: Duration = Duration::from_secs(5);
/// How often it is looked for declarations and returns whose time is up.
const SWEEP_CUSTOMS: Duration = Duration::from_secs(15);
/// How often it is looked for visits whose time is up.
const SWEEP_VISITS: Duration = Duration::from_secs(15);
/// How often it is looked for deadlines of procurement that are over.
const SWEEP_PROCUREMENT: Duration = Duration::from_secs(15);
/// How often it is looked for deadlines of finance that are over.
const SWEEP_FINANCE: Duration = Duration::from_secs(15);
/// How often it is looked for payments of which there is no news.
const LOOK_AFTER: Duration = Duration::from_secs(15);
/// How often the house is tidied.
const TIDY: Duration = Duration::from_mins(10);

/// Works until `stop` is done; then finishes what it has begun.
///
/// Boxed, as is what else is called from other crates and reaches everything: an `async fn` is compiled anew by every
/// crate that awaits it, and that took minutes of each release build.
pub fn work(app: App, stop: BoxFuture<'static, ()>) -> BoxFuture<'static, ()> {
    Box::pin(working(app, stop))
}

async fn working(app: App, mut stop: BoxFuture<'static, ()>) {
    let mut crew = Crew::new(app.clone());
    let mut tidied: Option<Instant> = None;
    let mut swept: Option<Instant> = None;
    let mut lapsed: Option<Instant> = None;
    let mut looked_after: Option<Instant> = None;
    let mut ready: Option<Instant> = None;
    let mut customs_swept: Option<Instant> = None;
    let mut visits_swept: Option<Instant> = None;
    let mut procurement_swept: Option<Instant> = None;
    let mut finance_swept: Option<Instant> = None;
    loop {
        if ready.is_none_or(|at| at.elapsed() > KEEP_READY) {
            ready = Some(Instant::now());
            if let Err(error) = index::keep_ready(&app).await {
                tracing::debug!(cause = error.told(), "the search index cannot be looked at");
            }
        }
        if swept.is_none_or(|at| at.elapsed() > SWEEP) {
            swept = Some(Instant::now());
            if let Err(error) = inventory::promises::sweep(&app, app.clock().now()).await {
                tracing::warn!(cause = error.told(), "promises of stock whose time is up could not be let go");
            }
        }
        if lapsed.is_none_or(|at| at.elapsed() > SWEEP) {
            lapsed = Some(Instant::now());
            if let Err(error) = ordering::ops::checkouts::expire_due(&app, app.clock().now()).await {
                tracing::warn!(cause = error.told(), "checkouts whose time is up could not be let go");
            }
        }
        if looked_after.is_none_or(|at| at.elapsed() > LOOK_AFTER) {
            looked_after = Some(Instant::now());
            if let Err(error) = payments::ops::look_after(&app, app.clock().now()).await {
                tracing::warn!(cause = error.told(), "payments could not be looked after");
            }
        }
        if visits_swept.is_none_or(|at| at.elapsed() > SWEEP_VISITS) {
            visits_swept = Some(Instant::now());
            if let Err(error) = showroom::ops::visits::sweep(&app, app.clock().now()).await {
                tracing::warn!(cause = error.told(), "visits whose time is up could not be looked at");
            }
        }
        if procurement_swept.is_none_or(|at| at.elapsed() > SWEEP_PROCUREMENT) {
            procurement_swept = Some(Instant::now());
            if let Err(error) = procurement::jobs::sweep(&app, app.clock().now()).await {
                tracing::warn!(cause = error.told(), "deadlines of procurement could not be looked at");
            }
        }
        if finance_swept.is_none_or(|at| at.elapsed() > SWEEP_FINANCE) {
            finance_swept = Some(Instant::now());
            if let Err(error) = finance::jobs::sweep(&app, app.clock().now()).await {
                tracing::warn!(cause = error.told(), "deadlines of finance could not be looked at");
            }
        }
        if customs_swept.is_none_or(|at| at.elapsed() > SWEEP_CUSTOMS) {
            customs_swept = Some(Instant::now());
            if let Err(error) = customs::jobs::sweep(&app, app.clock().now()).await {
                tracing::warn!(cause = error.told(), "declarations whose time is up could not be looked at");
            }
        }
        if tidied.is_none_or(|at| at.elapsed() > TIDY) {
            tidied = Some(Instant::now());
            tidy(&app).await;
        }
        if let Err(error) = crew.fill(None).await {
            tracing::warn!(cause = error.told(), "jobs could not be taken; looking again");
        }
        tokio::select! {
            () = &mut stop => break,
            () = crew.one_done() => {}
            () = app.jobs_due().notified() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    crew.give_back().await;
    while !crew.idle() {
        crew.one_done().await;
    }
}

/// Does what is due now, and what that makes due, of one kind or of all; answers with how many jobs were begun.
pub async fn drain(app: &App, only: Option<&str>, mut progress: impl FnMut(u64)) -> Result<u64, Error> {
    let mut crew = Crew::new(app.clone());
    let mut all = 0;
    loop {
        all += crew.fill(only).await?;
        progress(all);
        if crew.idle() {
            return Ok(all);
        }
        crew.one_done().await;
    }
}

/// Takes what is due now of one kind, once, and does it; answers with how many jobs were begun.
pub async fn drain_some(app: &App, only: &str) -> Result<u64, Error> {
    let mut crew = Crew::new(app.clone());
    let begun = crew.fill(Some(only)).await?;
    while !crew.idle() {
        crew.one_done().await;
    }
    Ok(begun)
}

/// The jobs that wait for somebody outside who may be slow: a partner's endpoint, a carrier.
const OUTSIDE: [&str; 5] = [Deliver::KIND, Book::KIND, CallOff::KIND, HandOver::KIND, FileAtRegistry::KIND];

/// The jobs that one worker has: each place does one aggregate, others wait in line. What waits for somebody outside never
/// takes the last place.
struct Crew {
    app: App,
    worker: Uuid,
    places: usize,
    /// Each says whether it waited for somebody outside.
    busy: JoinSet<bool>,
    outside: usize,
    /// The jobs of one aggregate each, taken and not begun.
    line: VecDeque<Vec<job::Model>>,
}

impl Crew {
    fn new(app: App) -> Self {
        let places = app.config().jobs.workers.max(1);
        Self { app, worker: Uuid::new_v4(), places, busy: JoinSet::new(), outside: 0, line: VecDeque::new() }
    }

    fn idle(&self) -> bool {
        self.busy.is_empty() && self.line.is_empty()
    }

    /// Whether one more that waits for somebody outside would take the last place.
    fn crowded(&self) -> bool {
        self.places > 1 && self.outside + 1 >= self.places
    }

    /// Takes due jobs until no place is free, or none is due; answers with how many.
    async fn fill(&mut self, only: Option<&str>) -> Result<u64, Error> {
        let mut taken = 0;
        loop {
            self.begin();
            if self.busy.len() >= self.places {
                return Ok(taken);
            }
            // Those that wait for a place are enough of them.
            let wanted = Wanted { only, except: if self.crowded() { &OUTSIDE } else { &[] } };
            let (now, lease) = (self.app.clock().now(), self.app.config().jobs.lease());
            let claimed = jobs::claim(self.app.db(), self.worker, now, lease, wanted).await?;
            if claimed.is_empty() {
                return Ok(taken);
            }
            taken += claimed.len() as u64;
            let mut groups: BTreeMap<String, Vec<job::Model>> = BTreeMap::new();
            for job in claimed {
                groups.entry(job.aggregate.clone()).or_default().push(job);
            }
            let mut groups: Vec<Vec<job::Model>> = groups.into_values().collect();
            groups.sort_by_key(|group| group.first().map(|job| job.seq));
            self.line.extend(groups);
        }
    }

    /// Begins what waits in line, as far as there are places.
    fn begin(&mut self) {
        while self.busy.len() < self.places {
            let crowded = self.crowded();
            let Some(next) = self.line.iter().position(|group| !crowded || !goes_outside(group)) else { return };
            let Some(group) = self.line.remove(next) else { return };
            let outside = goes_outside(&group);
            self.outside += usize::from(outside);
            let (app, worker) = (self.app.clone(), self.worker);
            self.busy.spawn(async move {
                if let Err(error) = in_order(&app, worker, group).await {
                    // The lease runs out and the jobs are taken again.
                    tracing::warn!(cause = error.told(), "what became of jobs could not be noted");
                }
                outside
            });
        }
    }

    /// Waits until one place is free again, and begins what waits for it; for ever when none is taken.
    async fn one_done(&mut self) {
        match self.busy.join_next().await {
            Some(outside) => {
                // A handler's panic is caught where it is done; what else could end a place is counted as either.
                let outside = outside.unwrap_or(self.outside > self.busy.len());
                self.outside = self.outside.saturating_sub(usize::from(outside));
                self.begin();
            }
            None => std::future::pending().await,
        }
    }

    /// Gives back what waits in line.
    async fn give_back(&mut self) {
        let rest: Vec<job::Model> = self.line.drain(..).flatten().collect();
        if let Err(error) = jobs::give_back(self.app.db().writer(), self.worker, &rest).await {
            // Their leases run out.
            tracing::warn!(cause = error.told(), "jobs that were not begun could not be given back");
        }
    }
}

fn goes_outside(group: &[job::Model]) -> bool {
    group.iter().any(|job| OUTSIDE.contains(&job.kind.as_str()))
}

/// Does the jobs of one aggregate, one after the other; what stands behind a failed one waits with it.
async fn in_order(app: &App, worker: Uuid, mut group: Vec<job::Model>) -> Result<(), Error> {
    if group.iter().all(|job| job.kind == IndexJob::KIND) {
        return index_in_order(app, worker, group).await;
    }
    let (db, lease) = (app.db().writer(), app.config().jobs.lease());
    group.reverse();
    while let Some(job) = group.pop() {
        // The lease may have run out while the jobs before it were done: then it is another worker's.
        let Some(job) = jobs::begin(db, worker, &job, app.clock().now(), lease).await? else {
            // So are those behind it, or they wait for that worker.
            return jobs::give_back(db, worker, &group).await;
        };
        let verdict = one(app, &job).await;
        let stays = matches!(verdict, Verdict::Again { .. } | Verdict::Later { .. });
        let given_up = jobs::settle(db, worker, &job, verdict, app.clock().now()).await?;
        if given_up && job.kind == Deliver::KIND {
            webhooks::jobs::given_up(db, &job.payload, app.clock().now()).await?;
        }
        if given_up && job.kind == customs::jobs::Send::KIND {
            customs::sending::given_up(app, &job.payload).await?;
        }
        if stays {
            return jobs::give_back(db, worker, &group).await;
        }
    }
    Ok(())
}

/// The jobs of the index. Changes that came in a row are put in at once. While the index is away they wait: they are
/// never given up, for nothing but a rebuild would bring them back.
async fn index_in_order(app: &App, worker: Uuid, group: Vec<job::Model>) -> Result<(), Error> {
    let (db, lease) = (app.db().writer(), app.config().jobs.lease());
    let mut group = group.into_iter().peekable();
    while let Some(job) = group.next() {
        let Some(job) = jobs::begin(db, worker, &job, app.clock().now(), lease).await? else { break };
        let mut work = match read::<IndexJob>(&job) {
            Ok(work) => work,
            Err(verdict) => {
                jobs::settle(db, worker, &job, verdict, app.clock().now()).await?;
                continue;
            }
        };
        let mut begun = vec![job];
        // What follows and is of the same kind goes with it.
        while let IndexJob::Follow { kind, ids } = &mut work
            && ids.len() < INDEXED_AT_ONCE
            && let Some(IndexJob::Follow { kind: other, ids: more }) =
                group.peek().and_then(|next| read::<IndexJob>(next).ok())
            && other == *kind
            && let Some(next) = group.next()
        {
            let Some(next) = jobs::begin(db, worker, &next, app.clock().now(), lease).await? else { break };
            begun.push(next);
            ids.extend(more);
            ids.sort_unstable();
            ids.dedup();
        }
        let done = tokio::time::timeout(app.config().jobs.time_limit(), index::carry_out(app, work)).await;
        let verdict = match done {
            Ok(Ok(())) => Verdict::Done,
            failed => {
                let why = failed
                    .map_or_else(|_| "it took too long".into(), |f| f.map_or_else(|e| e.told(), |()| String::new()));
                tracing::warn!(why, "the search index was not updated; trying again");
                Verdict::Later { at: app.clock().now() + INDEX_PAUSE }
            }
        };
        let stays = verdict != Verdict::Done;
        for job in &begun {
            jobs::settle(db, worker, job, verdict.clone(), app.clock().now()).await?;
        }
        if stays {
            break;
        }
    }
    let rest: Vec<job::Model> = group.collect();
    jobs::give_back(db, worker, &rest).await
}

/// Does one job. A panic of its handler is a failure of this job alone.
async fn one(app: &App, job: &job::Model) -> Verdict {
    let (task_app, task_job) = (app.clone(), job.clone());
    let task = tokio::spawn(async move { handle(&task_app, &task_job).await });
    let abort = task.abort_handle();
    let verdict = match tokio::time::timeout(app.config().jobs.time_limit(), task).await {
        Ok(Ok(Ok(verdict))) => verdict,
        Ok(Ok(Err(error))) => Verdict::Again { after: None, reason: error.told() },
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
        LookAt::KIND => match read(job) {
            Ok(look) => payments::jobs::look_at(app, look).await,
            Err(verdict) => Ok(verdict),
        },
        Capture::KIND => match read(job) {
            Ok(capture) => payments::jobs::capture(app, capture).await,
            Err(verdict) => Ok(verdict),
        },
        GiveUp::KIND => match read(job) {
            Ok(payment) => payments::jobs::give_up(app, payment).await,
            Err(verdict) => Ok(verdict),
        },
        GiveBack::KIND => match read(job) {
            Ok(refund) => payments::jobs::give_back(app, refund).await,
            Err(verdict) => Ok(verdict),
        },
        Settled::KIND => match read(job) {
            Ok(settled) => ordering::jobs::settled(app, settled).await,
            Err(verdict) => Ok(verdict),
        },
        Advance::KIND => match read(job) {
            Ok(advance) => customs::jobs::advances(app, advance).await,
            Err(verdict) => Ok(verdict),
        },
        LookAgain::KIND => match read(job) {
            Ok(looking) => customs::arrangements::looks_again(app, looking).await,
            Err(verdict) => Ok(verdict),
        },
        Send::KIND => match read(job) {
            Ok(send) => customs::sending::send(app, send).await,
            Err(verdict) => Ok(verdict),
        },
        exports::Look::KIND => match read(job) {
            Ok(look) => exports::looks(app, look).await,
            Err(verdict) => Ok(verdict),
        },
        TellPayment::KIND => match read(job) {
            Ok(asked) => customs::payment_data::tell(app, asked).await,
            Err(verdict) => Ok(verdict),
        },
        Heard::KIND => match read(job) {
            Ok(message) => customs::simulator::heard(app, message).await,
            Err(verdict) => Ok(verdict),
        },
        Arrives::KIND => match read(job) {
            Ok(receipt) => customs::simulator::arrives(app, receipt).await,
            Err(verdict) => Ok(verdict),
        },
        Moved::KIND => match read(job) {
            Ok(moved) => ordering::clearance::moved(app, moved).await,
            Err(verdict) => Ok(verdict),
        },
        SignedFor::KIND => match read(job) {
            Ok(told) => ordering::clearance::signed_for(app, told).await,
            Err(verdict) => Ok(verdict),
        },
        BookParcel::KIND => match read(job) {
            Ok(parcel) => ordering::parcels::book(app, parcel).await,
            Err(verdict) => Ok(verdict),
        },
        logistics::jobs::Moved::KIND => match read(job) {
            Ok(moved) => ordering::parcels::moved(app, moved).await,
            Err(verdict) => Ok(verdict),
        },
        Book::KIND => match read(job) {
            Ok(book) => logistics::jobs::book(app, book).await,
            Err(verdict) => Ok(verdict),
        },
        CallOff::KIND => match read(job) {
            Ok(off) => logistics::jobs::call_off(app, off).await,
            Err(verdict) => Ok(verdict),
        },
        HandOver::KIND => match read(job) {
            Ok(over) => logistics::jobs::hand_over(app, over).await,
            Err(verdict) => Ok(verdict),
        },
        Arrive::KIND => match read(job) {
            Ok(report) => logistics::simulator::arrives(app, report).await,
            Err(verdict) => Ok(verdict),
        },
        FileAtRegistry::KIND => files(app, job).await,
        OpenBids::KIND => opens(app, job).await,
        Notify::KIND => match read(job) {
            Ok(notification) => payments::sandbox::arrives(app, notification).await,
            Err(verdict) => Ok(verdict),
        },
        other => Ok(Verdict::Dead { reason: format!("no room does {other}") }),
    }
}

async fn files(app: &App, job: &job::Model) -> Result<Verdict, Error> {
    match read(job) {
        Ok(filing) => finance::registry::filing::file(app, filing).await,
        Err(verdict) => Ok(verdict),
    }
}

async fn opens(app: &App, job: &job::Model) -> Result<Verdict, Error> {
    match read(job) {
        Ok(open) => procurement::jobs::open_bids(app, open).await,
        Err(verdict) => Ok(verdict),
    }
}

fn read<J: Job + DeserializeOwned>(job: &job::Model) -> Result<J, Verdict> {
    serde_json::from_str(&job.payload).map_err(|e| Verdict::Dead { reason: format!("the payload cannot be read: {e}") })
}

/// What does not add up, of everything that is counted. Expected is nothing, always.
pub async fn findings(app: &App, now: chrono::DateTime<Utc>) -> Result<Vec<Finding>, Error> {
    let mut found = inventory::reconcile::findings(app.db().read(), now).await?;
    found.extend(trade::reconcile::findings(app.db().read()).await?);
    found.extend(payments::reconcile::findings(app.db().read(), now).await?);
    found.extend(customs::reconcile::findings(app.db().read()).await?);
    found.extend(logistics::reconcile::findings(app.db().read()).await?);
    found.extend(showroom::ops::bonded::findings::findings(app.db().read()).await?);
    found.extend(showroom::ops::sums::findings(app.db().read()).await?);
    found.extend(finance::ops::money::books::findings(app.db().read()).await?);
    found.extend(showroom::ops::visits::findings(app.db().read()).await?);
    found.extend(ordering::reconcile::findings(app.db().read(), now).await?);
    Ok(found)
}

/// Says in the log what does not add up; `chama reconcile` says more.
async fn reconciled(app: &App, now: chrono::DateTime<Utc>) -> Result<(), Error> {
    for finding in findings(app, now).await? {
        tracing::error!(rows = finding.rows, finding.what, "the books do not add up");
    }
    Ok(())
}

/// Takes away what has served its time, and does what the calendar says. What fails does not keep the rest.
pub async fn tidy(app: &App) {
    let now: chrono::DateTime<Utc> = app.clock().now();
    for (what, done) in [
        ("repeats", app.tidy(now).await),
        ("sign-ins and filings", party::ops::tidy(app, now).await),
        ("webhooks", webhooks::ops::tidy(app, now).await),
        ("notifications of payments", payments::ops::tidy(app, now).await),
        ("pushes of carriers", logistics::ops::carriers::tidy(app, now).await),
        ("carts", ordering::ops::carts::tidy(app, now).await),
        ("quotes", ordering::ops::quotes::tidy(app, now).await),
        ("money without orders", ordering::reconcile::mend(app, now).await.map(|_| ())),
        ("filings of goods", customs::filings::expire(app).await.map(|_| ())),
        ("declarations that wait", customs::arrangements::tidy(app).await),
        ("alarms of bonded displays", showroom::ops::bonded::alarms::alarms(app, now).await.map(|_| ())),
        ("changes of showrooms", showroom::ops::pull::tidy(app, now).await),
        ("times of visits", showroom::ops::visits::tidy(app, now).await),
        ("books", reconciled(app, now).await),
        ("tally of products", tally::add_up(app.db()).await),
    ] {
        if let Err(error) = done {
            tracing::warn!(cause = error.told(), what, "the house could not be tidied");
        }
    }
}
