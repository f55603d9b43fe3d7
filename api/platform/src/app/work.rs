//! How every change is carried out: one transaction, and in it everything that the platform promises.
//!
//! ```text
//! let mut work = app.begin(call).await?;
//! if let Some(before) = work.answered()? { return Ok(before) }   // a repeat
//! ...load, decide, write...
//! work.audit(..);  work.tell(..).await?;  work.enqueue(..).await?;
//! work.commit(answer).await
//! ```
//!
//! - **A repeat answers the same.** The answer is kept under who asked and its `clientMutationId`, with a hash
//!   of what was asked, in this transaction. The same id with another request is refused; one that is still
//!   being carried out is told so. A refused request is not kept: repeated, it is decided again.
//! - **The audit** is written last, where all changes of an organisation meet.
//! - **After the commit** caches learn what is out of date and workers that there are jobs. Dropping a `Work`
//!   rolls everything back.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use entities::{
    party::{Action, Actor, Denial, Resource, Viewer, may},
    platform::{EventKind, idempotent_request},
    values::{
        ErrorCode, Refusal,
        id::{OrganisationId, SlotId},
    },
    webhooks::endpoint,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect,
    Statement,
};
use search::Kind;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use uuid::Uuid;

use super::App;
use crate::{
    audit,
    cache::Topic,
    db::{Dialect, dialect},
    error::Error,
    feed::{self, Event},
    jobs::{self, Job},
    responses::Tag,
    vault::Vault,
};

/// Longest `clientMutationId`, in characters.
const LONGEST_ID: usize = 128;

/// Who asks for a change, and how a repeat of it is known.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who.
    pub viewer: Viewer,
    repeat: Option<Repeat>,
}

#[derive(Clone, Debug)]
struct Repeat {
    /// Keyed hash of who asked and of its id for it.
    key: String,
    /// Keyed hash of what was asked.
    request: String,
}

impl Call {
    /// A call that is never a repeat.
    pub fn by(viewer: Viewer) -> Self {
        Self { viewer, repeat: None }
    }

    /// What the house does by itself: a job, a report of a provider, the calendar. `by`: which room, for the audit.
    pub fn unasked(by: &str) -> Self {
        Self::by(Viewer { actor: Actor::Tool(by.to_owned()), acting: None })
    }

    /// A call that is known again by the client's id for it. `request`: the operation and its whole input.
    pub fn known_as(vault: &Vault, viewer: Viewer, id: &str, request: &str) -> Result<Self, Error> {
        if id.chars().count() > LONGEST_ID {
            let refusal = Refusal::new(ErrorCode::TooLong).with("max", LONGEST_ID.to_string());
            return Err(refusal.at("clientMutationId").into());
        }
        if id.is_empty() || id.chars().any(char::is_control) {
            let refusal = Refusal::new(ErrorCode::InvalidValue).with("value", "empty, or control characters");
            return Err(refusal.at("clientMutationId").into());
        }
        // Keyed: an input may hold a password or a resident ID, which a plain hash would give away.
        let request = vault.proof("request", request);
        let asking = viewer.organisation().map(|o| o.to_string()).unwrap_or_default();
        // Strangers share one name: what one of them asked with the id "1" must not be in another's way.
        let own = if viewer.signed_in() { "" } else { request.as_str() };
        let key = vault.proof("repeat", &serde_json::json!([viewer.subject(), asking, own, id]).to_string());
        Ok(Self { viewer, repeat: Some(Repeat { key, request }) })
    }

    /// The same call, but never a repeat: its answer holds what must not be kept.
    #[must_use]
    pub fn unrepeatable(&self) -> Self {
        Self::by(self.viewer.clone())
    }

    /// Whether the viewer may do this to that.
    pub fn may(&self, action: Action, to: Resource) -> Result<(), Error> {
        allowed(&self.viewer, action, to)
    }
}

/// [`may`] as an error of an operation.
pub fn allowed(viewer: &Viewer, action: Action, to: Resource) -> Result<(), Error> {
    may(viewer, action, to).map_err(|denial| match denial {
        Denial::Unauthenticated => Error::Unauthenticated,
        Denial::Forbidden => Error::Forbidden,
    })
}

/// The organisation acted for, when it may.
pub fn acting(call: &Call, action: Action) -> Result<OrganisationId, Error> {
    call.may(action, Resource::OWN)?;
    call.viewer.organisation().ok_or(Error::Forbidden)
}

/// Tells both organisations of a thing what happened to it.
pub async fn tell_both(
    work: &mut Work,
    kind: EventKind,
    one: OrganisationId,
    other: OrganisationId,
    node: &str,
    version: i32,
) -> Result<(), Error> {
    work.tell(one, kind, node, version).await?;
    work.tell(other, kind, node, version).await
}

/// Something happened that organisations are told of: written with the event, done by `webhooks`.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Told {
    /// The event's id.
    pub event: Uuid,
    /// To what it happened: what happened to one thing is told in its order.
    pub node: String,
}

impl Job for Told {
    const KIND: &'static str = "webhooks.told";
    fn aggregate(&self) -> String {
        format!("told:{}", self.node)
    }
}

/// What the search index has to do: written with the change, done by `finding`. One after the other, so that an older
/// look at a thing is never put over a newer one.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum IndexJob {
    /// These changed: they are read again and put into the index.
    Follow {
        /// What they are.
        kind: Kind,
        /// Which.
        ids: Vec<Uuid>,
    },
    /// A part of building the index anew. Between two parts what changed meanwhile has its turn.
    Rebuild {
        /// The kind that is read; none: it has only begun.
        kind: Option<Kind>,
        /// The last id that was read.
        after: Option<Uuid>,
        /// How many are done.
        done: u64,
        /// How many there were when it began.
        total: u64,
    },
}

impl Job for IndexJob {
    const KIND: &'static str = "search.index";
    fn aggregate(&self) -> String {
        "search-index".into()
    }
}

/// Most things of one job for the index.
const INDEXED_TOGETHER: usize = 500;

/// Beyond this many things that changed at once, every kept answer is evicted.
const MOST_TAGS: usize = 1_000;

/// A change while it is carried out.
pub struct Work {
    app: App,
    tx: DatabaseTransaction,
    /// The moment of the change: one for all that it writes.
    pub now: DateTime<Utc>,
    viewer: Viewer,
    repeat: Option<Repeat>,
    _entered: Option<Entered>,
    before: Option<String>,
    audit: Vec<audit::Entry>,
    outdated: Vec<Topic>,
    evicts: BTreeSet<Tag>,
    jobs: bool,
    forget: bool,
}

impl std::fmt::Debug for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Work").field("viewer", &self.viewer).finish_non_exhaustive()
    }
}

/// Notes, as long as it lives, that a request is being carried out.
struct Entered {
    app: App,
    key: String,
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.app.leave(&self.key);
    }
}

impl App {
    /// Begins a change. It is rolled back unless committed.
    pub async fn begin(&self, call: &Call) -> Result<Work, Error> {
        let entered = match &call.repeat {
            Some(repeat) if self.enter(&repeat.key) => Some(Entered { app: self.clone(), key: repeat.key.clone() }),
            Some(_) => return Err(Refusal::new(ErrorCode::InProgress).at("clientMutationId").into()),
            None => None,
        };
        let tx = self.db().begin().await?;
        let before = match &call.repeat {
            Some(repeat) => answer_before(&tx, repeat).await?,
            None => None,
        };
        Ok(Work {
            app: self.clone(),
            tx,
            now: self.clock().now(),
            viewer: call.viewer.clone(),
            repeat: call.repeat.clone(),
            _entered: entered,
            before,
            audit: Vec::new(),
            outdated: Vec::new(),
            evicts: BTreeSet::new(),
            jobs: false,
            forget: false,
        })
    }
}

/// How often, and with which pause, it is looked again whether the same request is still being carried out.
const LOCK_TRIES: u32 = 20;
const LOCK_PAUSE: std::time::Duration = std::time::Duration::from_millis(10);
/// How long the answer to a request is kept for its repeats.
const KEPT: chrono::Duration = chrono::Duration::days(90);

impl App {
    /// Forgets answers that nobody repeats any more.
    pub async fn tidy(&self, now: DateTime<Utc>) -> Result<(), Error> {
        idempotent_request::Entity::delete_many()
            .filter(idempotent_request::Column::At.lt(now - KEPT))
            .exec(self.db().writer())
            .await?;
        Ok(())
    }
}

async fn answer_before(tx: &DatabaseTransaction, repeat: &Repeat) -> Result<Option<String>, Error> {
    if dialect(tx) == Dialect::Postgres {
        // Another node may be carrying it out. On SQLite, where all nodes share one writer, it is not.
        let half = repeat.key.get(..16).and_then(|half| u64::from_str_radix(half, 16).ok()).unwrap_or_default();
        let lock = Statement::from_sql_and_values(
            tx.get_database_backend(),
            "SELECT pg_try_advisory_xact_lock($1) AS alone",
            [i64::from_ne_bytes(half.to_ne_bytes()).into()],
        );
        let mut tries = 0;
        while tx.query_one_raw(lock.clone()).await?.map(|row| row.try_get::<bool>("", "alone")).transpose()?
            != Some(true)
        {
            // A change that was refused is answered before its connection has rolled it back.
            if tries == LOCK_TRIES {
                return Err(Refusal::new(ErrorCode::InProgress).at("clientMutationId").into());
            }
            tries += 1;
            tokio::time::sleep(LOCK_PAUSE).await;
        }
    }
    match idempotent_request::Entity::find_by_id(&repeat.key).one(tx).await? {
        Some(done) if done.request == repeat.request => Ok(Some(done.answer)),
        Some(_) => Err(Refusal::new(ErrorCode::IdempotencyKeyReused).at("clientMutationId").into()),
        None => Ok(None),
    }
}

impl Work {
    /// The transaction.
    pub fn tx(&self) -> &DatabaseTransaction {
        &self.tx
    }

    /// Who asked for it.
    pub fn viewer(&self) -> &Viewer {
        &self.viewer
    }

    /// The answer that was given to this request before.
    pub fn answered<T: DeserializeOwned>(&self) -> Result<Option<T>, Error> {
        self.before.as_deref().map(serde_json::from_str).transpose().map_err(Error::internal)
    }

    /// Notes in the audit what was done to `node`, in the chain of the organisation that it concerns.
    pub fn audit(
        &mut self,
        chain: Option<OrganisationId>,
        action: &'static str,
        node: impl Into<String>,
        before: Value,
        after: Value,
    ) {
        let chain = chain.unwrap_or(audit::NOBODYS);
        self.audit.push(audit::Entry { chain, action, node: node.into(), before, after });
    }

    /// Leaves a job to be done after the commit.
    pub async fn enqueue<J: Job>(&mut self, job: &J) -> Result<(), Error> {
        self.jobs = true;
        jobs::enqueue(&self.tx, job, self.now).await
    }

    /// The same, in place of the jobs of its aggregate that are not done. Two that do so for one aggregate wait for each
    /// other on what the jobs are about.
    pub async fn replace<J: Job>(&mut self, job: &J) -> Result<(), Error> {
        self.jobs = true;
        jobs::replace(&self.tx, job, self.now).await
    }

    /// Tells an organisation that something happened: its change feed, and its webhooks.
    pub async fn tell(
        &mut self,
        audience: OrganisationId,
        kind: EventKind,
        node: impl Into<String>,
        version: i32,
    ) -> Result<(), Error> {
        let event = Event { audience, kind, node: node.into(), version };
        let id = feed::write(&self.tx, &event, self.now).await?;
        let listens = endpoint::Entity::find()
            .filter(endpoint::Column::OrganisationId.eq(audience))
            .filter(endpoint::Column::Enabled.eq(true));
        // Most organisations have no endpoint: a job for each of their events would do nothing.
        match listens.limit(1).one(&self.tx).await? {
            Some(_) => self.enqueue(&Told { event: id, node: event.node }).await,
            None => Ok(()),
        }
    }

    /// Things of this kind changed: the search index follows, what is cached of them is out of date.
    pub async fn changed(&mut self, kind: Kind, ids: impl IntoIterator<Item = Uuid>) -> Result<(), Error> {
        self.outdates(Topic::Catalog);
        let ids: Vec<Uuid> = ids.into_iter().collect();
        self.evicts.insert(Tag::Any(kind));
        self.evicts.extend(ids.iter().map(|id| Tag::One(kind, *id)));
        for part in ids.chunks(INDEXED_TOGETHER) {
            self.enqueue(&IndexJob::Follow { kind, ids: part.to_vec() }).await?;
        }
        Ok(())
    }

    /// What is kept of this topic is out of date after the commit.
    pub fn outdates(&mut self, topic: Topic) {
        self.outdated.push(topic);
    }

    /// What stands in a slot changed: what a scan of it shows is out of date after the commit.
    pub fn outdates_slot(&mut self, slot: SlotId) {
        self.evicts.insert(Tag::Slot(slot.0));
    }

    /// What prices are made of changed: no kept answer is good any more after the commit.
    pub fn outdates_answers(&mut self) {
        self.evicts.insert(Tag::All);
    }

    /// What tokens are worth has changed after the commit.
    pub fn forgets_viewers(&mut self) {
        self.forget = true;
    }

    /// Commits, with the answer that a repeat is given; gives it back.
    pub async fn commit<T: Serialize>(self, answer: T) -> Result<T, Error> {
        let actor = self.viewer.subject();
        let by = audit::By { actor: &actor, acting: self.viewer.organisation() };
        audit::append(&self.tx, self.audit, by, self.now, self.app.clock()).await?;
        if let Some(Repeat { key, request }) = self.repeat {
            let kept = serde_json::to_string(&answer).map_err(Error::internal)?;
            let row = idempotent_request::Model { key, request, answer: kept, at: self.now };
            idempotent_request::Entity::insert(row.into_active_model()).exec_without_returning(&self.tx).await?;
        }
        self.tx.commit().await?;
        for topic in self.outdated {
            self.app.cache().outdate(topic).await;
        }
        let evicts: Vec<Tag> = self.evicts.into_iter().collect();
        self.app.responses().evict(if evicts.len() > MOST_TAGS { &[Tag::All] } else { &evicts }).await;
        if self.forget {
            self.app.gate().forget();
        }
        if self.jobs {
            self.app.jobs_due().notify_one();
        }
        Ok(answer)
    }
}
