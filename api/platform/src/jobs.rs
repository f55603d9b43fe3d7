//! Jobs: what must happen after a change, written in the change's own transaction and done later.
//!
//! - **At least once.** A worker leases a job; when it dies, the lease runs out and another worker takes the
//!   job over. So handlers are idempotent. A job that is done is deleted, by the worker that has the lease.
//! - **In order per aggregate.** A job is only taken when no earlier job of its aggregate is unfinished,
//!   unless the same worker takes that one with it and does it first. A dead job holds nobody up.
//! - **Side by side.** On PostgreSQL workers skip what others are just taking (`SKIP LOCKED`); on SQLite
//!   there is one writer anyway.
//! - **Given up with a reason.** After [`MAX_ATTEMPTS`], or when a handler says so, a job is dead: operators
//!   see it (`deadLetters`) and replay it.
//!
//! The runner, which knows the handlers of all rooms, is `api::worker`.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};
use entities::{
    platform::{JobState, job},
    values::id::JobId,
};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, Order, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Statement,
    sea_query::{Alias, Expr, LockBehavior, LockType, Query, Value},
};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::{
    db::{Db, Dialect, dialect},
    error::Error,
    page::{Cursor, Page, PageArgs, key},
};

/// How often a job is begun before it is given up.
pub const MAX_ATTEMPTS: i32 = 12;
/// Most jobs of one claim.
const CLAIM: u64 = 64;
/// Longest reason that is kept.
const MAX_REASON: usize = 500;
/// Name of the order of dead letters, for cursors.
const NEWEST: &str = "newest-job";

/// What a job is: its payload, and what it is about.
pub trait Job: Serialize + DeserializeOwned {
    /// Its name in the table.
    const KIND: &'static str;
    /// What it is about: jobs of one aggregate are done in order.
    fn aggregate(&self) -> String;
    /// Before when it is not to be begun; none: it is due at once.
    fn not_before(&self) -> Option<DateTime<Utc>> {
        None
    }
}

/// How a job went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is done.
    Done,
    /// It failed and is tried again, after this long or when the usual backoff says.
    Again {
        /// When; none: the usual backoff.
        after: Option<Duration>,
        /// Why it failed.
        reason: String,
    },
    /// It was not begun, for a reason that is not its own; that does not count as an attempt.
    Later {
        /// When it is due again.
        at: DateTime<Utc>,
    },
    /// It will never succeed.
    Dead {
        /// Why.
        reason: String,
    },
}

/// Writes a job within the caller's transaction.
pub async fn enqueue<J: Job>(db: &impl ConnectionTrait, job: &J, now: DateTime<Utc>) -> Result<(), Error> {
    let payload = serde_json::to_string(job).map_err(Error::internal)?;
    let row = job::ActiveModel {
        seq: NotSet,
        id: Set(JobId::new(now)),
        kind: Set(J::KIND.into()),
        aggregate: Set(job.aggregate()),
        payload: Set(payload),
        state: Set(JobState::Waiting),
        attempts: Set(0),
        run_at: Set(job.not_before().unwrap_or(now)),
        worker: Set(None),
        lease_until: Set(None),
        reason: Set(None),
        created_at: Set(now),
    };
    job::Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

/// The same, in place of what of its aggregate is not done: it is asked for anew. Who is just doing one of those finds
/// that the job is not there any more, as when its lease was lost.
pub async fn replace<J: Job>(db: &impl ConnectionTrait, job: &J, now: DateTime<Utc>) -> Result<(), Error> {
    job::Entity::delete_many()
        .filter(job::Column::Aggregate.eq(job.aggregate()))
        .filter(job::Column::State.ne(JobState::Dead))
        .exec(db)
        .await?;
    enqueue(db, job, now).await
}

/// Which jobs a worker takes.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Only of this kind.
    pub only: Option<&'a str>,
    /// Of any kind but these.
    pub except: &'a [&'a str],
}

impl Wanted<'_> {
    /// Everything there is.
    pub const ALL: Self = Self { only: None, except: &[] };
}

/// Takes jobs that are due, in order; of each aggregate those that nobody else must do first. The lease begins
/// anew with each job, see [`begin`].
pub async fn claim(
    db: &Db,
    worker: Uuid,
    now: DateTime<Utc>,
    lease: Duration,
    wanted: Wanted<'_>,
) -> Result<Vec<job::Model>, Error> {
    let due = Condition::any()
        .add(job::Column::State.eq(JobState::Waiting).and(job::Column::RunAt.lte(now)))
        .add(job::Column::State.eq(JobState::Running).and(job::Column::LeaseUntil.lt(now)));
    // Most looks find nothing: they are not to queue with those who write.
    if job::Entity::find().filter(due.clone()).limit(1).one(db.read()).await?.is_none() {
        return Ok(Vec::new());
    }
    let tx = db.begin().await?;
    bury_killers(&tx, now).await?;
    let earlier = Alias::new("earlier");
    let column = |c: job::Column| Expr::col((earlier.clone(), c));
    // What holds a job up: an earlier one of its aggregate that another worker has or that waits for its time.
    let held_up = Query::select()
        .expr(Expr::value(1))
        .from_as(job::Entity, earlier.clone())
        .and_where(column(job::Column::Aggregate).equals((job::Entity, job::Column::Aggregate)))
        .and_where(column(job::Column::Seq).lt(Expr::col((job::Entity, job::Column::Seq))))
        .cond_where(
            Condition::any()
                .add(column(job::Column::State).eq("running").and(column(job::Column::LeaseUntil).gte(now)))
                .add(column(job::Column::State).eq("waiting").and(column(job::Column::RunAt).gt(now))),
        )
        .take();
    let mut due = job::Entity::find()
        .filter(due)
        .filter(Expr::exists(held_up).not())
        .order_by(job::Column::Seq, Order::Asc)
        .limit(CLAIM);
    if let Some(kind) = wanted.only {
        due = due.filter(job::Column::Kind.eq(kind));
    }
    if !wanted.except.is_empty() {
        due = due.filter(job::Column::Kind.is_not_in(wanted.except.iter().copied()));
    }
    if dialect(&tx) == Dialect::Postgres {
        due = due.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    }
    let found = due.all(&tx).await?;
    let taken = in_order(&tx, found).await?;
    if taken.is_empty() {
        // Keeps what was buried.
        tx.commit().await?;
        return Ok(taken);
    }
    job::Entity::update_many()
        .col_expr(job::Column::State, Expr::value(JobState::Running))
        .col_expr(job::Column::Worker, Expr::value(worker))
        .col_expr(job::Column::LeaseUntil, Expr::value(now + lease))
        .filter(job::Column::Seq.is_in(taken.iter().map(|j| j.seq)))
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok(taken)
}

/// Gives up what was begun too often without ever coming to an end: a job that kills its worker.
async fn bury_killers(tx: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<(), Error> {
    let buried = job::Entity::update_many()
        .col_expr(job::Column::State, Expr::value(JobState::Dead))
        .col_expr(job::Column::Worker, Expr::value(Option::<Uuid>::None))
        .col_expr(job::Column::LeaseUntil, Expr::value(Option::<DateTime<Utc>>::None))
        .col_expr(job::Column::Reason, Expr::value("its worker never came to an end with it"))
        .filter(job::Column::State.eq(JobState::Running))
        .filter(job::Column::LeaseUntil.lt(now))
        .filter(job::Column::Attempts.gte(MAX_ATTEMPTS))
        .exec(tx)
        .await?;
    if buried.rows_affected > 0 {
        tracing::error!(jobs = buried.rows_affected, "jobs are given up whose workers never came to an end with them");
    }
    Ok(())
}

/// Begins a job that was taken: counts the attempt and starts the lease anew. None: the lease ran out meanwhile,
/// and another worker has it.
pub async fn begin(
    db: &impl ConnectionTrait,
    worker: Uuid,
    job: &job::Model,
    now: DateTime<Utc>,
    lease: Duration,
) -> Result<Option<job::Model>, Error> {
    let begun = job::Entity::update_many()
        .col_expr(job::Column::Attempts, Expr::col(job::Column::Attempts).add(1))
        .col_expr(job::Column::LeaseUntil, Expr::value(now + lease))
        .filter(leased(worker, [job.seq]))
        .exec(db)
        .await?;
    Ok((begun.rows_affected == 1).then(|| job::Model { attempts: job.attempts + 1, ..job.clone() }))
}

/// How often a job that is being done was begun, this time included; 0: it is not being done. For a handler that does
/// something more when it failed often: at [`MAX_ATTEMPTS`] it is given up when it fails once more.
pub async fn attempts<J: Job>(db: &impl ConnectionTrait, job: &J) -> Result<i32, Error> {
    let payload = serde_json::to_string(job).map_err(Error::internal)?;
    let same = job::Entity::find()
        .select_only()
        .column(job::Column::Attempts)
        .filter(job::Column::Aggregate.eq(job.aggregate()))
        .filter(job::Column::Kind.eq(J::KIND))
        .filter(job::Column::Payload.eq(payload))
        .filter(job::Column::State.eq(JobState::Running));
    // Of several that say the same those behind the first were taken with it, and are not begun.
    Ok(same.into_tuple::<i32>().all(db).await?.into_iter().max().unwrap_or_default())
}

/// Leaves out what has an earlier unfinished job that is not among those found: another worker is just
/// taking it, and its row was skipped.
async fn in_order(tx: &impl ConnectionTrait, found: Vec<job::Model>) -> Result<Vec<job::Model>, Error> {
    if found.is_empty() || dialect(tx) == Dialect::Sqlite {
        return Ok(found);
    }
    // One look into the index for each aggregate, also when the planner has never seen how long the queue is.
    let aggregates: BTreeSet<&str> = found.iter().map(|job| job.aggregate.as_str()).collect();
    let rows: Vec<String> = (1..=aggregates.len()).map(|n| format!("(${n})")).collect();
    let own: Vec<String> = found.iter().map(|job| job.seq.to_string()).collect();
    let text = format!(
        "SELECT v.column1, (SELECT min(seq) FROM job WHERE aggregate = v.column1 AND state <> 'dead' AND seq NOT IN ({})) \
         FROM (VALUES {}) AS v",
        own.join(", "),
        rows.join(", ")
    );
    let values: Vec<Value> = aggregates.into_iter().map(Value::from).collect();
    let mut first: BTreeMap<String, i64> = BTreeMap::new();
    for row in tx.query_all_raw(Statement::from_sql_and_values(tx.get_database_backend(), text, values)).await? {
        let (aggregate, seq): (String, Option<i64>) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        first.extend(seq.map(|seq| (aggregate, seq)));
    }
    Ok(found.into_iter().filter(|j| first.get(&j.aggregate).is_none_or(|other| j.seq < *other)).collect())
}

fn leased(worker: Uuid, seqs: impl IntoIterator<Item = i64>) -> Condition {
    Condition::all()
        .add(job::Column::Seq.is_in(seqs))
        .add(job::Column::Worker.eq(worker))
        .add(job::Column::State.eq(JobState::Running))
}

/// Notes how a job went; answers whether it is given up. When the lease was lost meanwhile, nothing is noted: another
/// worker has the job.
pub async fn settle(
    db: &impl ConnectionTrait,
    worker: Uuid,
    job: &job::Model,
    verdict: Verdict,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let update = job::Entity::update_many()
        .col_expr(job::Column::Worker, Expr::value(Option::<Uuid>::None))
        .col_expr(job::Column::LeaseUntil, Expr::value(Option::<DateTime<Utc>>::None));
    if let Verdict::Later { at } = verdict {
        update
            .col_expr(job::Column::State, Expr::value(JobState::Waiting))
            .col_expr(job::Column::RunAt, Expr::value(at))
            .col_expr(job::Column::Attempts, Expr::col(job::Column::Attempts).sub(1))
            .filter(leased(worker, [job.seq]))
            .exec(db)
            .await?;
        return Ok(false);
    }
    let (state, run_at, reason) = match verdict {
        Verdict::Later { .. } | Verdict::Done => {
            job::Entity::delete_many().filter(leased(worker, [job.seq])).exec(db).await?;
            return Ok(false);
        }
        Verdict::Again { reason, .. } if job.attempts >= MAX_ATTEMPTS => (JobState::Dead, now, reason),
        Verdict::Again { after, reason } => {
            (JobState::Waiting, now + after.unwrap_or_else(|| backoff(job.attempts, job.seq)), reason)
        }
        Verdict::Dead { reason } => (JobState::Dead, now, reason),
    };
    if state == JobState::Dead {
        tracing::error!(job = %job.id, kind = job.kind, attempts = job.attempts, reason, "a job is given up");
    }
    let reason: String = reason.chars().filter(|c| !c.is_control()).take(MAX_REASON).collect();
    update
        .col_expr(job::Column::State, Expr::value(state))
        .col_expr(job::Column::RunAt, Expr::value(run_at))
        .col_expr(job::Column::Reason, Expr::value(reason))
        .filter(leased(worker, [job.seq]))
        .exec(db)
        .await?;
    Ok(state == JobState::Dead)
}

/// Gives jobs back that were taken and not begun: those behind a failed one of their aggregate.
pub async fn give_back(db: &impl ConnectionTrait, worker: Uuid, jobs: &[job::Model]) -> Result<(), Error> {
    if jobs.is_empty() {
        return Ok(());
    }
    job::Entity::update_many()
        .col_expr(job::Column::State, Expr::value(JobState::Waiting))
        .col_expr(job::Column::Worker, Expr::value(Option::<Uuid>::None))
        .col_expr(job::Column::LeaseUntil, Expr::value(Option::<DateTime<Utc>>::None))
        .filter(leased(worker, jobs.iter().map(|j| j.seq)))
        .exec(db)
        .await?;
    Ok(())
}

/// Makes waiting jobs of these aggregates due at once.
pub async fn hasten(
    db: &impl ConnectionTrait,
    aggregates: impl IntoIterator<Item = String>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let aggregates: Vec<String> = aggregates.into_iter().collect();
    if aggregates.is_empty() {
        return Ok(());
    }
    job::Entity::update_many()
        .col_expr(job::Column::RunAt, Expr::value(now))
        .filter(job::Column::Aggregate.is_in(aggregates))
        .filter(job::Column::State.eq(JobState::Waiting))
        .exec(db)
        .await?;
    Ok(())
}

/// Which of these aggregates have a job that is not given up.
pub async fn live(
    db: &impl ConnectionTrait,
    aggregates: impl IntoIterator<Item = String>,
) -> Result<BTreeSet<String>, Error> {
    let asked: Vec<String> = aggregates.into_iter().collect();
    if asked.is_empty() {
        return Ok(BTreeSet::new());
    }
    let live = job::Entity::find()
        .select_only()
        .column(job::Column::Aggregate)
        .filter(job::Column::Aggregate.is_in(asked))
        .filter(job::Column::State.ne(JobState::Dead));
    Ok(live.into_tuple::<String>().all(db).await?.into_iter().collect())
}

/// When a job that failed is tried again: 1 s, 5 s, 30 s, then longer, to 6 h, with a little jitter so that
/// what failed together does not come back together.
pub fn backoff(attempts: i32, seq: i64) -> Duration {
    const SECONDS: [i64; 9] = [1, 5, 30, 120, 600, 1_800, 3_600, 7_200, 21_600];
    let at = usize::try_from(attempts - 1).unwrap_or_default().min(SECONDS.len() - 1);
    let base = SECONDS.get(at).copied().unwrap_or(21_600) * 1_000;
    Duration::milliseconds(base + base / 5 * (seq.wrapping_mul(7919) % 100).abs() / 100)
}

/// Jobs that were given up, newest first.
pub async fn list_dead(db: &impl ConnectionTrait, page: &PageArgs) -> Result<Page<job::Model>, Error> {
    let mut list = job::Entity::find().filter(job::Column::State.eq(JobState::Dead));
    let seq = Expr::col((job::Entity, job::Column::Seq));
    if let Some(beyond) = page.beyond(NEWEST, vec![seq], Order::Desc, |k| Some(vec![key::int(k.first()?)?]))? {
        list = list.filter(beyond);
    }
    let rows = list.order_by(job::Column::Seq, page.walk(Order::Desc)).limit(page.fetch()).all(db).await?;
    Ok(page.page(rows))
}

/// How many jobs were given up.
pub async fn count_dead(db: &impl ConnectionTrait) -> Result<u64, Error> {
    Ok(job::Entity::find().filter(job::Column::State.eq(JobState::Dead)).count(db).await?)
}

/// The cursor of a job in that list.
pub fn dead_cursor(job: &job::Model) -> Cursor {
    Cursor::new(NEWEST, vec![job.seq.into()])
}

/// Brings a job that was given up back: it is due at once, as if it were new. None: there is no such job.
pub async fn replay(db: &impl ConnectionTrait, id: JobId, now: DateTime<Utc>) -> Result<Option<job::Model>, Error> {
    let Some(dead) = dead(db, id).await? else { return Ok(None) };
    let row = job::Model { state: JobState::Waiting, attempts: 0, run_at: now, ..dead };
    job::Entity::update_many()
        .col_expr(job::Column::State, Expr::value(row.state))
        .col_expr(job::Column::Attempts, Expr::value(row.attempts))
        .col_expr(job::Column::RunAt, Expr::value(row.run_at))
        .filter(job::Column::Id.eq(id))
        .exec(db)
        .await?;
    Ok(Some(row))
}

/// Takes a job that was given up away for good. None: there is no such job.
pub async fn discard(db: &impl ConnectionTrait, id: JobId) -> Result<Option<job::Model>, Error> {
    let Some(dead) = dead(db, id).await? else { return Ok(None) };
    job::Entity::delete_many().filter(job::Column::Id.eq(id)).exec(db).await?;
    Ok(Some(dead))
}

async fn dead(db: &impl ConnectionTrait, id: JobId) -> Result<Option<job::Model>, Error> {
    let mut row = job::Entity::find().filter(job::Column::Id.eq(id)).filter(job::Column::State.eq(JobState::Dead));
    if dialect(db) == Dialect::Postgres {
        row = row.lock(LockType::Update);
    }
    Ok(row.one(db).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_grows_and_stays_within_a_day() {
        let mut last = Duration::zero();
        for attempts in 1..MAX_ATTEMPTS {
            let next = backoff(attempts, 0);
            assert!(next >= last && next <= Duration::hours(8), "{attempts}: {next}");
            last = next;
        }
        assert_ne!(backoff(3, 1), backoff(3, 2), "what failed together comes back together");
    }
}
