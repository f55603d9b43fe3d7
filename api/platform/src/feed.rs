//! The change feed: what happened, for each organisation that is told, readable with a cursor that misses
//! nothing.
//!
//! **The trap.** Rows are numbered when they are written, but seen when they are committed. A slow
//! transaction holds number 1 while a fast one commits number 2; a reader that takes 2 and asks for what
//! follows never sees 1. **The answer.** A row gets its `position` only once it is committed: whoever reads
//! first numbers what is new, holding the one row of `feed_head`, so positions become visible in their
//! order and cursors are positions. Nobody waits for a slow transaction; its rows get their number when they
//! are there. (The other known answer, serving only rows older than the oldest open transaction, delays
//! everyone behind the slowest, and its cursors do not survive a restore into a new cluster.)

use chrono::{DateTime, Utc};
use entities::{
    platform::{EventKind, feed_entry, feed_head},
    values::id::OrganisationId,
};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, Statement,
    sea_query::Expr,
};
use uuid::Uuid;

use super::{db::Db, error::Error};

/// What happened, for one organisation.
#[derive(Clone, Debug)]
pub struct Event {
    /// Who is told.
    pub audience: OrganisationId,
    /// What happened.
    pub kind: EventKind,
    /// To what, as an opaque id.
    pub node: String,
    /// In which version.
    pub version: i32,
}

/// Writes an event within the caller's transaction; answers with its id.
pub async fn write(db: &impl ConnectionTrait, event: &Event, now: DateTime<Utc>) -> Result<Uuid, Error> {
    let id = entities::values::id::time_ordered(now);
    let row = feed_entry::ActiveModel {
        seq: NotSet,
        id: Set(id),
        position: Set(None),
        audience_id: Set(event.audience),
        event: Set(event.kind),
        node: Set(event.node.clone()),
        version: Set(event.version),
        at: Set(now),
    };
    feed_entry::Entity::insert(row).exec_without_returning(db).await?;
    Ok(id)
}

/// What an organisation is told after position `after`, in order, at most `limit`.
pub async fn read(
    db: &Db,
    audience: OrganisationId,
    events: &[EventKind],
    after: i64,
    limit: u64,
) -> Result<Vec<feed_entry::Model>, Error> {
    number(db).await?;
    let mut list = feed_entry::Entity::find()
        .filter(feed_entry::Column::AudienceId.eq(audience))
        .filter(feed_entry::Column::Position.gt(after));
    if !events.is_empty() {
        list = list.filter(feed_entry::Column::Event.is_in(events.iter().copied()));
    }
    Ok(list.order_by_asc(feed_entry::Column::Position).limit(limit).all(db.read()).await?)
}

/// The last position that was given: where a reader starts that wants only what is new.
pub async fn end(db: &Db) -> Result<i64, Error> {
    number(db).await?;
    Ok(feed_head::Entity::find_by_id(1).one(db.read()).await?.map_or(0, |head| head.position))
}

/// Gives committed entries their positions.
pub async fn number(db: &Db) -> Result<(), Error> {
    let new = feed_entry::Entity::find().filter(feed_entry::Column::Position.is_null()).limit(1).one(db.read()).await?;
    if new.is_none() {
        return Ok(());
    }
    let tx = db.begin().await?;
    // The lock: whoever numbers next waits here, and then sees what was numbered before.
    let head = feed_head::Entity::update_many()
        .col_expr(feed_head::Column::Position, Expr::col(feed_head::Column::Position).add(0))
        .filter(feed_head::Column::Id.eq(1))
        .exec_with_returning(&tx)
        .await?;
    let head = head.first().ok_or_else(|| Error::internal(DbErr::RecordNotFound("feed_head".into())))?.position;
    let numbering = "WITH fresh AS (SELECT seq, ROW_NUMBER() OVER (ORDER BY seq) AS n FROM feed_entry WHERE position IS NULL) \
                     UPDATE feed_entry SET position = $1 + fresh.n FROM fresh WHERE feed_entry.seq = fresh.seq";
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), numbering, [head.into()]);
    let numbered = i64::try_from(tx.execute_raw(statement).await?.rows_affected()).unwrap_or_default();
    feed_head::Entity::update_many()
        .col_expr(feed_head::Column::Position, Expr::value(head + numbered))
        .filter(feed_head::Column::Id.eq(1))
        .exec(&tx)
        .await?;
    Ok(tx.commit().await?)
}
