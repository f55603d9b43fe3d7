//! Many rows at once: the bulk mutation, catalog files, the demo zone and the seed all come through here.
//!
//! A batch is one transaction and a constant number of statements. Each row is decided against the state
//! that the rows before it left ([`Bench`]); only what was accepted is written, so a bad row costs itself
//! and nothing else. What a row means:
//!
//! - its offer is the one of the seller with this article number, or a new one;
//! - its product is that offer's, else the one whose variant has the barcode, else the one with the slug
//!   that it names, else the seller's own of the same name, else a new one that belongs to the seller;
//! - it describes the product only when the seller owns it: another seller's row hangs an offer on what
//!   is there. On a public product a seller's description becomes a proposal, an operator's applies.

mod bench;
mod seen;

use std::collections::BTreeSet;

use bench::Bench;
use chrono::{DateTime, Utc};
use entities::{
    catalog::row::Row,
    party::Viewer,
    values::{
        ErrorCode, Refusal, Refusals,
        id::{OfferId, OrganisationId, ProductId},
    },
};
use platform::{
    app::{App, Call, Work},
    error::Error,
    graphql::encode,
};
use sea_orm::DatabaseTransaction;
pub use seen::Seen;

use crate::{indexing, policy};

/// How often a batch that lost a race is read and decided again.
const TRIES: usize = 3;
/// Most rows of one batch.
pub const MAX_ROWS: usize = 500;

/// What to do with a batch in which a row is refused (出错处理).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, async_graphql::Enum)]
pub enum ErrorPolicy {
    /// Write nothing (整批拒绝).
    RejectAll,
    /// Write the others (跳过错误行).
    SkipFailed,
}

/// What became of a row (处理结果).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, async_graphql::Enum)]
pub enum Outcome {
    /// A new offer, and its product or variant when they were new (新建).
    Created,
    /// Something changed (更新).
    Updated,
    /// Everything was so already (无变化).
    Unchanged,
    /// The description waits for the operator; the offer is written (待审核).
    Proposed,
    /// Refused; nothing of it was written (失败).
    Failed,
}

/// The answer to one row.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct RowResult {
    /// What became of it.
    pub outcome: Outcome,
    /// Its product, unless it failed.
    pub product: Option<ProductId>,
    /// Its offer, unless it failed.
    pub offer: Option<OfferId>,
    /// Why it failed.
    pub refusals: Refusals,
}

/// How a batch is meant.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// The seller of rows that name none.
    pub seller: Option<OrganisationId>,
    /// Publish new products at once; for operators.
    pub publish: bool,
}

/// The rows, unless there are too many for one batch.
pub fn bounded<T>(rows: Vec<T>) -> Result<Vec<T>, Error> {
    if rows.len() <= MAX_ROWS {
        return Ok(rows);
    }
    Err(Refusal::new(ErrorCode::TooMany).with("max", MAX_ROWS.to_string()).at("rows").into())
}

/// Upserts a batch and commits it.
pub async fn upsert_rows(
    app: &App,
    call: &Call,
    rows: &[Result<Row, Refusals>],
    options: Options,
    policy: ErrorPolicy,
) -> Result<Vec<RowResult>, Error> {
    policy::signed_in(&call.viewer)?;
    if policy == ErrorPolicy::SkipFailed {
        return upsert_each(app, call, rows, options, &mut Seen::default()).await;
    }
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let mut results = upsert_in(work.tx(), &call.viewer, rows, options, &mut Seen::default(), work.now).await?;
    if results.iter().any(|r| r.outcome == Outcome::Failed) {
        for result in results.iter_mut().filter(|r| r.outcome != Outcome::Failed) {
            *result = failed(vec![Refusal::new(ErrorCode::BatchRejected)]);
        }
        return Ok(results);
    }
    note(&mut work, &results).await?;
    work.commit(results).await
}

/// Upserts and commits a batch whose rows stand for themselves. A batch that lost a race against somebody
/// else's write is decided again; if it cannot be written as a whole, each row is tried on its own, so
/// that the one that is in the way is the only one that fails.
pub async fn upsert_each(
    app: &App,
    call: &Call,
    rows: &[Result<Row, Refusals>],
    options: Options,
    seen: &mut Seen,
) -> Result<Vec<RowResult>, Error> {
    for _ in 0..TRIES {
        match upsert_committed(app, call, rows, options, seen).await {
            Err(Error::Refused(refusals)) if refusals.iter().any(|r| about_the_call(r.code)) => {
                return Err(refusals.into());
            }
            Err(Error::Refused(_) | Error::Unavailable(_)) => {}
            done => return done,
        }
    }
    // One by one they are not one request any more: a repeat is decided again, and finds them done.
    let call = call.unrepeatable();
    let mut results = Vec::with_capacity(rows.len());
    for row in rows {
        match upsert_committed(app, &call, std::slice::from_ref(row), options, seen).await {
            Ok(one) => results.extend(one),
            Err(Error::Refused(refusals)) => results.push(failed(refusals)),
            Err(error) => return Err(error),
        }
    }
    Ok(results)
}

fn about_the_call(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::InProgress | ErrorCode::IdempotencyKeyReused)
}

async fn upsert_committed(
    app: &App,
    call: &Call,
    rows: &[Result<Row, Refusals>],
    options: Options,
    seen: &mut Seen,
) -> Result<Vec<RowResult>, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let results = upsert_in(work.tx(), &call.viewer, rows, options, seen, work.now).await?;
    note(&mut work, &results).await?;
    work.commit(results).await
}

/// What a batch leaves behind it: one entry of the audit (each product's history has the details), and work
/// for the search index.
async fn note(work: &mut Work, results: &[RowResult]) -> Result<(), Error> {
    let touched = touched(results);
    if touched.is_empty() {
        return Ok(());
    }
    let count = |outcome: Outcome| results.iter().filter(|r| r.outcome == outcome).count();
    let chain = work.viewer().organisation();
    let after = serde_json::json!({
        "created": count(Outcome::Created), "updated": count(Outcome::Updated), "proposed": count(Outcome::Proposed),
    });
    let node = chain.map(|id| encode(id).0).unwrap_or_default();
    work.audit(chain, "bulkUpsertOffers", node, serde_json::Value::Null, after);
    indexing::changed(work, &touched).await
}

/// The products that a batch changed.
pub fn touched(results: &[RowResult]) -> Vec<ProductId> {
    let changed =
        results.iter().filter(|r| matches!(r.outcome, Outcome::Created | Outcome::Updated | Outcome::Proposed));
    changed.filter_map(|r| r.product).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Upserts a batch within the caller's transaction. Rows that could not even be read are answered too.
pub async fn upsert_in(
    tx: &DatabaseTransaction,
    viewer: &Viewer,
    rows: &[Result<Row, Refusals>],
    options: Options,
    seen: &mut Seen,
    now: DateTime<Utc>,
) -> Result<Vec<RowResult>, Error> {
    policy::describes(viewer)?;
    if options.publish {
        policy::operator(viewer)?;
    }
    let mut bench = Bench::load(tx, viewer, rows, options, now).await?;
    // Kept apart until the batch is written: a batch that lost a race is tried again.
    let mut said = Seen::default();
    let mut results = Vec::with_capacity(rows.len());
    for row in rows {
        results.push(match row {
            Ok(row) => bench.decide(row, seen, &mut said).unwrap_or_else(failed),
            Err(refusals) => failed(refusals.clone()),
        });
    }
    bench.write(tx).await?;
    seen.merge(said);
    Ok(results)
}

fn failed(refusals: Refusals) -> RowResult {
    RowResult { outcome: Outcome::Failed, product: None, offer: None, refusals }
}
