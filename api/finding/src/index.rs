//! How the index follows the database, is rebuilt and compared with it.
//!
//! Everything that writes to the index is a job of one aggregate ([`IndexJob`]), so it is done one after the other:
//! a later look at a thing always lies over an earlier one. A rebuild is a chain of such jobs, each a part of it;
//! between two parts whatever changed meanwhile has its turn and goes into both indexes. So a rebuild keeps nobody
//! waiting, misses nothing, and when a worker dies the next goes on where it was.

use std::collections::{HashMap, HashSet};

use entities::{
    catalog::{brand, category, product},
    party::organisation,
    platform::{JobState, job},
};
use platform::{
    app::{App, IndexJob},
    error::Error,
    jobs::{self, Job},
    responses::Tag,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select,
};
use search::{Document, Found, Kind, SearchError};
use uuid::Uuid;

/// Most documents of one write to the index; also a part of a rebuild.
const BATCH: usize = 2_000;

/// Reads things as documents; what is not there any more has none.
async fn documents(db: &impl ConnectionTrait, kind: Kind, ids: &[Uuid]) -> Result<Vec<Document>, Error> {
    match kind {
        Kind::Product => catalog::indexing::products(db, ids).await,
        Kind::Organisation => party::indexing::organisations(db, ids).await,
        Kind::Brand => catalog::indexing::brands(db, ids).await,
        Kind::Category => catalog::indexing::categories(db, ids).await,
    }
}

/// Reads things of several kinds as documents.
pub async fn documents_of(db: &impl ConnectionTrait, found: &[Found]) -> Result<Vec<Document>, Error> {
    let mut all = Vec::with_capacity(found.len());
    for kind in Kind::ALL {
        let ids: Vec<Uuid> = found.iter().filter(|f| f.kind == kind).map(|f| f.id).collect();
        if !ids.is_empty() {
            all.extend(documents(db, kind, &ids).await?);
        }
    }
    Ok(all)
}

/// Puts things into the index as they are now.
pub async fn follow(app: &App, kind: Kind, ids: &[Uuid]) -> Result<(), Error> {
    for part in ids.chunks(BATCH) {
        let documents = documents(app.db().read(), kind, part).await?;
        let there: HashSet<Uuid> = documents.iter().map(|d| d.id).collect();
        let gone: Vec<Uuid> = part.iter().copied().filter(|id| !there.contains(id)).collect();
        app.search().put(documents, &gone).await.map_err(away)?;
        // What was found before the index followed is kept no longer.
        app.responses().evict(&[Tag::Any(kind)]).await;
    }
    Ok(())
}

fn away(error: SearchError) -> Error {
    Error::Unavailable(error.into())
}

/// Does one job of the index.
pub async fn carry_out(app: &App, job: IndexJob) -> Result<(), Error> {
    match job {
        IndexJob::Follow { kind, ids } => follow(app, kind, &ids).await,
        IndexJob::Rebuild { kind: None, .. } => begin(app).await,
        IndexJob::Rebuild { kind: Some(kind), after, done, total } => part(app, kind, after, done, total).await,
    }
}

/// Begins a rebuild, unless one goes on.
async fn begin(app: &App) -> Result<(), Error> {
    if parts(app).await?.iter().any(|part| matches!(part, IndexJob::Rebuild { kind: Some(_), .. })) {
        return Ok(());
    }
    let mut total = 0;
    for kind in Kind::ALL {
        total += count(app.db().read(), kind).await?;
    }
    app.search().begin_rebuild().await.map_err(away)?;
    next(app, IndexJob::Rebuild { kind: Kind::ALL.first().copied(), after: None, done: 0, total }).await
}

async fn next(app: &App, job: IndexJob) -> Result<(), Error> {
    jobs::enqueue(app.db().writer(), &job, app.clock().now()).await?;
    app.jobs_due().notify_one();
    Ok(())
}

/// A part of a rebuild, and the next.
async fn part(app: &App, kind: Kind, after: Option<Uuid>, mut done: u64, total: u64) -> Result<(), Error> {
    let ids = ids_after(app.db().read(), kind, after, BATCH as u64).await?;
    if let Some(last) = ids.last() {
        let documents = documents(app.db().read(), kind, &ids).await?;
        match app.search().put_next(documents).await {
            // Somebody deleted what was built so far: from the beginning.
            Err(SearchError::NotReady) => return next(app, BEGINNING).await,
            put => put.map_err(away)?,
        }
        done += ids.len() as u64;
        // A page that is not full is the last: what was added since goes into both indexes as it changes.
        if ids.len() == BATCH {
            return next(app, IndexJob::Rebuild { kind: Some(kind), after: Some(*last), done, total }).await;
        }
    }
    let behind = Kind::ALL.into_iter().skip_while(|k| *k != kind).nth(1);
    if behind.is_some() {
        return next(app, IndexJob::Rebuild { kind: behind, after: None, done, total }).await;
    }
    match app.search().swap().await {
        Err(SearchError::NotReady) => next(app, BEGINNING).await,
        swapped => {
            swapped.map_err(away)?;
            app.responses().evict(&[Tag::All]).await;
            tracing::info!(documents = done, engine = app.search().name(), "the search index was built anew");
            Ok(())
        }
    }
}

const BEGINNING: IndexJob = IndexJob::Rebuild { kind: None, after: None, done: 0, total: 0 };

/// Parts of a rebuild that are still to be done.
async fn parts(app: &App) -> Result<Vec<IndexJob>, Error> {
    let waiting = job::Entity::find()
        .filter(job::Column::Kind.eq(IndexJob::KIND))
        .filter(job::Column::State.ne(JobState::Dead))
        .filter(job::Column::Payload.starts_with("{\"what\":\"rebuild\""))
        .order_by_asc(job::Column::Seq)
        .all(app.db().read())
        .await?;
    Ok(waiting.iter().filter_map(|row| serde_json::from_str(&row.payload).ok()).collect())
}

/// Asks for a rebuild; one that goes on is enough.
pub async fn ask_for_rebuild(app: &App) -> Result<(), Error> {
    if parts(app).await?.is_empty() { next(app, BEGINNING).await } else { Ok(()) }
}

/// Asks for a rebuild when there is no index to answer from. Says whether there is one.
pub async fn keep_ready(app: &App) -> Result<bool, Error> {
    let ready = app.search().ready().await.map_err(away)?;
    if !ready {
        ask_for_rebuild(app).await?;
    }
    Ok(ready)
}

/// How far a rebuild is: done and total; none when there is none.
pub async fn progress(app: &App) -> Result<Option<(u64, u64)>, Error> {
    Ok(parts(app).await?.last().map(|part| match part {
        IndexJob::Rebuild { done, total, .. } => (*done, *total),
        IndexJob::Follow { .. } => (0, 0),
    }))
}

async fn ids_of<E: EntityTrait>(
    db: &impl ConnectionTrait,
    list: Select<E>,
    id: E::Column,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Uuid>, Error> {
    let list = after.into_iter().fold(list, |list, after| list.filter(id.gt(after)));
    Ok(list.select_only().column(id).order_by_asc(id).limit(limit).into_tuple().all(db).await?)
}

/// Ids of a kind in their order.
async fn ids_after(db: &impl ConnectionTrait, kind: Kind, after: Option<Uuid>, limit: u64) -> Result<Vec<Uuid>, Error> {
    match kind {
        Kind::Product => ids_of(db, product::Entity::find(), product::Column::Id, after, limit).await,
        Kind::Organisation => ids_of(db, organisation::Entity::find(), organisation::Column::Id, after, limit).await,
        Kind::Brand => ids_of(db, brand::Entity::find(), brand::Column::Id, after, limit).await,
        Kind::Category => ids_of(db, category::Entity::find(), category::Column::Id, after, limit).await,
    }
}

/// How many things of a kind the database has.
pub async fn count(db: &impl ConnectionTrait, kind: Kind) -> Result<u64, Error> {
    Ok(match kind {
        Kind::Product => product::Entity::find().count(db).await?,
        Kind::Organisation => organisation::Entity::find().count(db).await?,
        Kind::Brand => brand::Entity::find().count(db).await?,
        Kind::Category => category::Entity::find().count(db).await?,
    })
}

/// How index and database differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drift {
    /// How many things were compared.
    pub compared: u64,
    /// Things that the index lacks, or has as they were.
    pub behind: Vec<Found>,
    /// Things that the index has and the database has not.
    pub gone: Vec<Found>,
}

impl Drift {
    /// Whether they agree.
    pub fn none(&self) -> bool {
        self.behind.is_empty() && self.gone.is_empty()
    }
}

/// Compares the index with the database: every `step`th thing of the database by what it says, and with `step` 1
/// also whether the index has what the database has not. `progress` is told how many are done.
pub async fn compare(app: &App, step: usize, progress: impl Fn(u64)) -> Result<Drift, Error> {
    let db = app.db().read();
    let mut drift = Drift::default();
    let mut known: HashSet<Uuid> = HashSet::new();
    for kind in Kind::ALL {
        let mut after = None;
        loop {
            let ids = ids_after(db, kind, after, (BATCH * step.max(1)) as u64).await?;
            let Some(last) = ids.last() else { break };
            after = Some(*last);
            let sampled: Vec<Uuid> = ids.iter().copied().step_by(step.max(1)).collect();
            let stamps: HashMap<Uuid, String> =
                app.search().stamps(&sampled).await.map_err(away)?.into_iter().collect();
            for document in documents(db, kind, &sampled).await? {
                if stamps.get(&document.id) != Some(&document.stamp()) {
                    drift.behind.push(Found { kind, id: document.id });
                }
            }
            drift.compared += sampled.len() as u64;
            if step <= 1 {
                known.extend(ids);
            }
            progress(drift.compared);
        }
    }
    if step <= 1 {
        let mut offset = 0;
        loop {
            let page = app.search().walk(offset, BATCH).await.map_err(away)?;
            if page.is_empty() {
                break;
            }
            offset += page.len();
            drift.gone.extend(page.into_iter().filter(|found| !known.contains(&found.id)));
        }
    }
    Ok(drift)
}

/// Puts right what differs: as jobs, so that it goes its turn among the changes.
pub async fn repair(app: &App, drift: &Drift) -> Result<(), Error> {
    for kind in Kind::ALL {
        let of = |found: &[Found]| found.iter().filter(|f| f.kind == kind).map(|f| f.id).collect::<Vec<_>>();
        // What is gone is read again too, and is not found.
        let ids = [of(&drift.behind), of(&drift.gone)].concat();
        for part in ids.chunks(BATCH) {
            next(app, IndexJob::Follow { kind, ids: part.to_vec() }).await?;
        }
    }
    Ok(())
}
