//! The audit, the change feed and dead letters in the schema.
//!
//! Who oversees the zone reads every chain; but of what is under seal not even that somebody did something, until it is
//! opened.

use std::collections::BTreeSet;

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use entities::{
    party::{Action, Resource, Viewer},
    platform::{EventKind, JobState, audit_entry, feed_entry, job},
    values::id::{JobId, QuotationId, RfqInvitationId},
};
use platform::{
    app::{App, Call},
    audit,
    error::{Error, not_found},
    feed,
    graphql::{Connection, ContextExt, NodeKind, connection::list_cost, decode, encode, id},
    jobs::{self, Job},
    page::PageArgs,
    payload,
};
use procurement::ops::{quotations, rfqs};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use uuid::Uuid;
use webhooks::jobs::Deliver;

/// Most entries of one read of the feed.
const MAX_FEED: i32 = 500;

/// An entry of the audit (审计记录).
pub struct AuditEntry(audit_entry::Model);

/// An entry of the audit (审计记录).
#[Object]
impl AuditEntry {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Place in the chain of its organisation, from 1.
    async fn place(&self) -> i64 {
        self.0.seq
    }

    /// Who did it.
    async fn actor(&self) -> &str {
        &self.0.actor
    }

    /// What was done: the name of the mutation.
    async fn action(&self) -> &str {
        &self.0.action
    }

    /// To what.
    async fn node_id(&self) -> ID {
        ID(self.0.node.clone())
    }

    /// When.
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }

    /// The entry as it was hashed: canonical JSON with what was before and after, personal data masked.
    async fn body(&self) -> &str {
        &self.0.body
    }

    /// Its hash, which takes in the one before: SHA-256, in hex.
    async fn hash(&self) -> &str {
        &self.0.hash
    }
}

/// A piece of the change feed (变更流).
#[derive(SimpleObject)]
pub struct ChangeFeed {
    /// What happened, in the order in which it can be read.
    items: Vec<FeedItem>,
    /// Where to go on: `after` of the next read. Kept by the reader once it has worked through the items.
    end_cursor: String,
    /// Whether there is more already.
    has_more: bool,
}

/// Something that happened (变更).
pub struct FeedItem(feed_entry::Model);

/// Something that happened (变更).
#[Object]
impl FeedItem {
    /// The event: the same as the `webhook-id` of its deliveries.
    async fn event_id(&self) -> String {
        format!("evt_{}", self.0.id.simple())
    }

    /// What happened.
    async fn event(&self) -> EventKind {
        self.0.event
    }

    /// To what.
    async fn node_id(&self) -> ID {
        ID(self.0.node.clone())
    }

    /// In which version.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When.
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }
}

/// A job that was given up (死信).
pub struct DeadLetter(job::Model);

/// A job that was given up (死信).
#[Object]
impl DeadLetter {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// What it was to do.
    async fn kind(&self) -> &str {
        &self.0.kind
    }

    /// What it is about.
    async fn aggregate(&self) -> &str {
        &self.0.aggregate
    }

    /// With what, as JSON.
    async fn payload(&self) -> &str {
        &self.0.payload
    }

    /// State: dead, or waiting again after a replay.
    async fn state(&self) -> JobState {
        self.0.state
    }

    /// How often it was begun.
    async fn attempts(&self) -> i32 {
        self.0.attempts
    }

    /// Why it failed last.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// Since when.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}

/// Whether who oversees the zone may know what was done to a node. What a supplier does with a sealed quotation it may
/// not before the opening, nor when a supplier looked at what it is asked for: each is known by itself from then on.
async fn opened(db: &impl ConnectionTrait, viewer: &Viewer, kind: NodeKind, uuid: Uuid) -> Result<bool, Error> {
    match kind {
        NodeKind::Quotation => Ok(quotations::find(db, viewer, QuotationId(uuid)).await?.is_some()),
        NodeKind::RfqInvitation => rfqs::trail_shown(db, viewer, RfqInvitationId(uuid)).await,
        _ => Ok(true),
    }
}

/// The part of the query root that this context adds.
#[derive(Default)]
pub struct OversightQuery;

#[Object]
impl OversightQuery {
    /// Who did what to a node, newest first: for its organisation's owners and auditors what stands in their own
    /// chain, for the zone's everything; of a quotation once it is opened (审计记录).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn audit_trail(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which node.")] node_id: ID,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<AuditEntry>> {
        context.may(Action::ReadAudit)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let Some((kind, uuid)) = id::open(&node_id) else { return Ok(Connection::empty()) };
        let (db, viewer) = (context.app().db().read(), context.viewer());
        if viewer.oversees() && !opened(db, viewer, kind, uuid).await? {
            return Ok(Connection::empty());
        }
        let chain = if viewer.oversees() { None } else { Some(viewer.organisation().ok_or(Error::Forbidden)?) };
        let rows = audit::trail(db, &node_id, chain, &page).await?;
        Ok(Connection::new(rows, None, |row| (audit::trail_cursor(&row), AuditEntry(row))))
    }

    /// What the organisation acted for is told, without a gap: read on from `endCursor` and nothing is missed, nothing
    /// comes twice (变更流).
    #[graphql(complexity = "10 + first.unwrap_or(100).clamp(0, 500) as usize * child_complexity / 2")]
    async fn change_feed(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "`endCursor` of the read before; none: from the beginning.")] after: Option<String>,
        #[graphql(desc = "At most so many, up to 500.")] first: Option<i32>,
        #[graphql(desc = "Only these events.")] events: Option<Vec<EventKind>>,
    ) -> Result<ChangeFeed> {
        context.may(Action::ReadFeed)?;
        let audience = context.viewer().organisation().ok_or(Error::Forbidden)?;
        let foreign = || Error::BadInput("the cursor is not one of this feed".into());
        let from: i64 = after.as_deref().map_or(Ok(0), str::parse).map_err(|_| foreign())?;
        if from < 0 || (from > 0 && from > feed::end(context.app().db()).await?) {
            return Err(foreign().into());
        }
        let size = first.unwrap_or(100);
        if !(1..=MAX_FEED).contains(&size) {
            return Err(Error::BadInput(format!("first must be between 1 and {MAX_FEED}")).into());
        }
        let size = usize::try_from(size).unwrap_or_default();
        // Named twice is named once.
        let events: Vec<EventKind> =
            events.unwrap_or_default().into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        let mut rows = feed::read(context.app().db(), audience, &events, from, size as u64 + 1).await?;
        let has_more = rows.len() > size;
        rows.truncate(size);
        let end = rows.last().and_then(|row| row.position).unwrap_or(from);
        Ok(ChangeFeed { items: rows.into_iter().map(FeedItem).collect(), end_cursor: end.to_string(), has_more })
    }

    /// Jobs that were given up, newest first; for operators and auditors of the zone (死信列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn dead_letters(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<DeadLetter>> {
        context.may(Action::ReadDeadLetters)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = jobs::list_dead(context.app().db().read(), &page).await?;
        Ok(Connection::new(rows, None, |row| (jobs::dead_cursor(&row), DeadLetter(row))))
    }
}

/// A job to bring back (重放死信).
#[derive(InputObject)]
pub(super) struct ReplayDeadLetterInput {
    /// Which.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A job to take away for good (丢弃死信).
#[derive(InputObject)]
pub(super) struct DiscardDeadLetterInput {
    /// Which.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `replayDeadLetter`.
    ReplayDeadLetterPayload { /// The job as it is now.
        dead_letter: DeadLetter }
    /// The answer to `discardDeadLetter`.
    DiscardDeadLetterPayload { /// The job that is gone.
        discarded_id: ID }
}

/// The part of the mutation root that this context adds.
#[derive(Default)]
pub struct OversightMutation;

#[Object]
impl OversightMutation {
    /// Brings a job back that was given up: it is due at once; for operators (重放死信).
    async fn replay_dead_letter(
        &self,
        context: &Context<'_>,
        input: ReplayDeadLetterInput,
    ) -> Result<ReplayDeadLetterPayload> {
        let call = context.call(Action::KeepDeadLetters)?;
        let result = async { replay(context.app(), &call, decode(&input.id, "id")?).await };
        ReplayDeadLetterPayload::new(context, input.client_mutation_id, result.await.map(DeadLetter))
    }

    /// Takes a job away that was given up; for operators (丢弃死信).
    async fn discard_dead_letter(
        &self,
        context: &Context<'_>,
        input: DiscardDeadLetterInput,
    ) -> Result<DiscardDeadLetterPayload> {
        let call = context.call(Action::KeepDeadLetters)?;
        let result = async { discard(context.app(), &call, decode(&input.id, "id")?).await };
        DiscardDeadLetterPayload::new(context, input.client_mutation_id, result.await.map(encode))
    }
}

async fn replay(app: &App, call: &Call, id: JobId) -> Result<job::Model, Error> {
    call.may(Action::KeepDeadLetters, Resource::OWN)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = jobs::replay(work.tx(), id, work.now).await?.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    if row.kind == Deliver::KIND {
        webhooks::jobs::revive(work.tx(), &row, work.now).await?;
    }
    let after = json!({ "kind": row.kind, "aggregate": row.aggregate });
    work.audit(call.viewer.organisation(), "replayDeadLetter", encode(id).0, json!({ "reason": row.reason }), after);
    let row = work.commit(row).await?;
    app.jobs_due().notify_one();
    Ok(row)
}

async fn discard(app: &App, call: &Call, id: JobId) -> Result<JobId, Error> {
    call.may(Action::KeepDeadLetters, Resource::OWN)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = jobs::discard(work.tx(), id).await?.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    if row.kind == Deliver::KIND {
        webhooks::jobs::given_up(work.tx(), &row.payload, work.now).await?;
    }
    let before = json!({ "kind": row.kind, "aggregate": row.aggregate, "reason": row.reason });
    work.audit(call.viewer.organisation(), "discardDeadLetter", encode(id).0, before, Value::Null);
    work.commit(id).await
}
