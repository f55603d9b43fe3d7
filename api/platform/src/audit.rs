//! The audit: who did what to which, before and after, chained so that nothing can be changed or taken out
//! unseen. Entries are written last in their transaction: the end of a chain is the one row that all
//! changes of an organisation meet at. Personal data is masked before it comes here.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use entities::{
    platform::{
        audit_entry::{self, Hash},
        audit_head,
    },
    values::id::{AuditEntryId, OrganisationId},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, Order,
    QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, LockType, OnConflict, Query},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    clock::Clock,
    db::{Dialect, dialect},
    error::Error,
    page::{Cursor, Page, PageArgs},
    vault::hex,
};

/// The chain of what concerns no organisation.
pub const NOBODYS: OrganisationId = OrganisationId(Uuid::nil());

/// Name of the order of a trail, for cursors.
const NEWEST: &str = "newest-audit";

/// One entry.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Whose chain: the organisation that the change concerns.
    pub chain: OrganisationId,
    /// What was done: the name of the operation.
    pub action: &'static str,
    /// To what, as an opaque id.
    pub node: String,
    /// What was before; null when there was nothing.
    pub before: Value,
    /// What is after; null when nothing is left.
    pub after: Value,
}

/// Who makes a change.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    /// Who.
    pub actor: &'a str,
    /// For which organisation.
    pub acting: Option<OrganisationId>,
}

/// Adds entries to their chains. `now`: when the change began; the order of entries is that of their being written.
pub async fn append(
    tx: &impl ConnectionTrait,
    entries: Vec<Entry>,
    By { actor, acting }: By<'_>,
    now: DateTime<Utc>,
    clock: &Clock,
) -> Result<(), Error> {
    let mut chains: BTreeMap<OrganisationId, Vec<Entry>> = BTreeMap::new();
    for entry in entries {
        chains.entry(entry.chain).or_default().push(entry);
    }
    let mut rows = Vec::new();
    // In id order, so that two transactions that concern the same organisations queue instead of deadlocking.
    for (chain, entries) in chains {
        let head = locked_head(tx, chain).await?;
        let (mut seq, mut hash) = (head.seq, unhex(&head.hash)?);
        for entry in entries {
            seq += 1;
            let body = canonical(&json!({
                "seq": seq,
                "at": now.timestamp_millis(),
                "actor": actor,
                "acting_for": acting,
                "action": entry.action,
                "node": entry.node,
                "before": entry.before,
                "after": entry.after,
            }));
            hash = audit_entry::link(&hash, &body);
            rows.push(
                audit_entry::Model {
                    id: AuditEntryId::new(clock.now()),
                    chain_id: chain,
                    seq,
                    node: entry.node,
                    actor: actor.to_owned(),
                    action: entry.action.to_owned(),
                    at: now,
                    body,
                    hash: hex(&hash),
                }
                .into_active_model(),
            );
        }
        let head = audit_head::Model { chain_id: chain, seq, hash: hex(&hash) };
        head.into_active_model().reset_all().update(tx).await?;
    }
    if !rows.is_empty() {
        audit_entry::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(())
}

async fn locked_head(tx: &impl ConnectionTrait, chain: OrganisationId) -> Result<audit_head::Model, Error> {
    let find = || {
        let find = audit_head::Entity::find_by_id(chain);
        if dialect(tx) == Dialect::Postgres { find.lock(LockType::Update) } else { find }
    };
    if let Some(head) = find().one(tx).await? {
        return Ok(head);
    }
    let first = audit_head::Model { chain_id: chain, seq: 0, hash: hex(&[0; 32]) }.into_active_model();
    audit_head::Entity::insert(first)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(tx)
        .await?;
    find().one(tx).await?.ok_or_else(|| Error::internal("the end of an audit chain is missing"))
}

/// Canonical JSON (RFC 8785) of what an entry holds: keys sorted, no spaces, whole numbers only.
fn canonical(value: &Value) -> String {
    // serde_json keeps maps sorted and escapes as the RFC asks; floats, which it writes otherwise, never come here.
    value.to_string()
}

fn unhex(text: &str) -> Result<Hash, Error> {
    let broken = || Error::internal("an audit hash is not 32 bytes in hex");
    let mut hash = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return Err(broken());
    }
    for (at, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).map_err(|_| broken())?;
    }
    Ok(hash)
}

/// The trail of one node, newest first; `chain`: only what stands in that chain.
pub async fn trail(
    db: &impl ConnectionTrait,
    node: &str,
    chain: Option<OrganisationId>,
    page: &PageArgs,
) -> Result<Page<audit_entry::Model>, Error> {
    let mut list = audit_entry::Entity::find().filter(audit_entry::Column::Node.eq(node));
    if let Some(chain) = chain {
        list = list.filter(audit_entry::Column::ChainId.eq(chain));
    }
    page.by_id(db, list, audit_entry::Column::Id, NEWEST, Order::Desc).await
}

/// The cursor of an entry in a trail.
pub fn trail_cursor(row: &audit_entry::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// Where a chain does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Whose chain.
    pub chain: OrganisationId,
    /// At which place.
    pub seq: i64,
    /// What is wrong there.
    pub why: &'static str,
}

/// Walks every chain up to where it ended when this began; `progress` is told how many entries are walked. The first
/// broken link of each chain.
pub async fn verify(db: &impl ConnectionTrait, mut progress: impl FnMut(u64)) -> Result<(u64, Vec<Broken>), Error> {
    const BATCH: u64 = 1_000;
    let (mut walked, mut broken) = (0, Vec::new());
    let heads = audit_head::Entity::find().order_by_asc(audit_head::Column::ChainId).all(db).await?;
    // Entries whose chain has no end: somebody took the end away. Both are written together.
    let end = Query::select()
        .expr(Expr::value(1))
        .from(audit_head::Entity)
        .and_where(
            Expr::col((audit_head::Entity, audit_head::Column::ChainId))
                .equals((audit_entry::Entity, audit_entry::Column::ChainId)),
        )
        .take();
    let stray = audit_entry::Entity::find().filter(Expr::exists(end).not()).one(db).await?;
    broken.extend(stray.map(|row| Broken {
        chain: row.chain_id,
        seq: row.seq,
        why: "the end of its chain is missing",
    }));
    for head in heads {
        let (mut seq, mut hash) = (0, [0; 32]);
        let fault = 'chain: loop {
            let rows = audit_entry::Entity::find()
                .filter(
                    Condition::all()
                        .add(audit_entry::Column::ChainId.eq(head.chain_id))
                        .add(audit_entry::Column::Seq.gt(seq))
                        .add(audit_entry::Column::Seq.lte(head.seq)),
                )
                .order_by_asc(audit_entry::Column::Seq)
                .limit(BATCH)
                .all(db)
                .await?;
            if rows.is_empty() {
                break 'chain match (seq == head.seq, hex(&hash) == head.hash) {
                    (true, true) => None,
                    (false, _) => Some((seq + 1, "it is missing, at the end of the chain")),
                    (true, false) => Some((seq, "its hash is not the one that the chain ends with")),
                };
            }
            for row in rows {
                if row.seq != seq + 1 {
                    break 'chain Some((seq + 1, "it is missing"));
                }
                hash = audit_entry::link(&hash, &row.body);
                if hex(&hash) != row.hash {
                    break 'chain Some((row.seq, "its hash does not follow from its body and the entry before"));
                }
                if !repeats_its_body(&row) {
                    break 'chain Some((row.seq, "its columns are not what its body says"));
                }
                seq = row.seq;
                walked += 1;
            }
            progress(walked);
        };
        let fault = match fault {
            None => beyond_the_end(db, &head).await?,
            fault => fault,
        };
        broken.extend(fault.map(|(seq, why)| Broken { chain: head.chain_id, seq, why }));
    }
    Ok((walked, broken))
}

/// An entry that stands behind the end of its chain, if the chain still ends there: nobody adds one without moving the
/// end.
async fn beyond_the_end(
    db: &impl ConnectionTrait,
    head: &audit_head::Model,
) -> Result<Option<(i64, &'static str)>, Error> {
    let beyond = audit_entry::Entity::find()
        .filter(audit_entry::Column::ChainId.eq(head.chain_id))
        .filter(audit_entry::Column::Seq.gt(head.seq))
        .order_by_asc(audit_entry::Column::Seq)
        .one(db)
        .await?;
    let still = audit_head::Entity::find_by_id(head.chain_id).one(db).await?;
    let moved = still.is_some_and(|now| now.seq > head.seq);
    Ok(beyond.filter(|_| !moved).map(|row| (row.seq, "it stands behind the end of its chain")))
}

/// Whether the columns, by which entries are found, are those of the hashed body.
fn repeats_its_body(row: &audit_entry::Model) -> bool {
    let Ok(body) = serde_json::from_str::<Value>(&row.body) else { return false };
    body["seq"] == row.seq
        && body["actor"] == row.actor.as_str()
        && body["action"] == row.action.as_str()
        && body["node"] == row.node.as_str()
        && body["at"] == row.at.timestamp_millis()
}
