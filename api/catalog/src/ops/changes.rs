//! Proposed changes of shared products: a seller proposes, an operator decides, once.

use chrono::{DateTime, Utc};
use entities::{
    catalog::{
        ChangeStatus, product,
        product_change::{self, StoredPatch},
        product_history::HistoryAction,
        sheet::{Patch, Sheet},
    },
    party::Viewer,
    platform::EventKind,
    values::{
        ErrorCode, Refusal,
        id::{ProductChangeId, ProductId},
    },
};
use platform::{
    app::{App, Call, Work},
    error::Error,
    graphql::encode,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, Order, PaginatorTrait, QueryFilter,
    QuerySelect, Select,
};
use serde_json::{Value, json};

use super::{not_found, products, stale};
use crate::{indexing, policy};

/// Name of the order of changes, for cursors.
const NEWEST: &str = "newest-change";

/// Most pending proposals of one organisation for one product: nobody reads more.
const MAX_PENDING: u64 = 20;

/// Notes a proposal. The caller has checked that it can be applied to the product as it is.
pub(crate) async fn propose_in(
    tx: &impl ConnectionTrait,
    viewer: &Viewer,
    product: &product::Model,
    patch: &Patch,
    now: DateTime<Utc>,
) -> Result<product_change::Model, Error> {
    let proposer_id = policy::signed_in(viewer)?;
    if *patch == Patch::default() {
        return Err(Refusal::new(ErrorCode::Required).into());
    }
    let pending = product_change::Entity::find()
        .filter(product_change::Column::ProductId.eq(product.id))
        .filter(product_change::Column::Status.eq(ChangeStatus::Pending))
        .filter(product_change::Column::ProposerId.eq(proposer_id))
        .limit(MAX_PENDING)
        .all(tx)
        .await?;
    if pending.iter().any(|c| c.patch.0 == *patch) {
        return Err(Refusal::new(ErrorCode::ChangePending).into());
    }
    if pending.len() as u64 >= MAX_PENDING {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MAX_PENDING.to_string()).into());
    }
    let change = product_change::Model {
        id: ProductChangeId::new(now),
        product_id: product.id,
        proposer_id,
        proposed_by: viewer.subject(),
        base_version: product.version,
        patch: StoredPatch(patch.clone()),
        status: ChangeStatus::Pending,
        reason: None,
        decided_by: None,
        created_at: now,
        decided_at: None,
    };
    change.clone().into_active_model().insert(tx).await?;
    Ok(change)
}

/// Notes a proposal, or what became of it, in its proposer's audit.
pub(crate) fn audited(work: &mut Work, operation: &'static str, change: &product_change::Model, before: Value) {
    let after = json!({ "status": change.status, "product": encode(change.product_id).0, "reason": change.reason });
    work.audit(Some(change.proposer_id), operation, encode(change.id).0, before, after);
}

/// What was decided on: a proposal is pending, once.
fn pending() -> Value {
    json!({ "status": ChangeStatus::Pending })
}

/// Accepts a proposal: it is laid over the product as it is now, and held to the rules again.
pub async fn confirm_change(
    app: &App,
    call: &Call,
    id: ProductChangeId,
) -> Result<(product::Model, product_change::Model), Error> {
    policy::operator(&call.viewer)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (viewer, tx, now) = (&call.viewer, work.tx(), work.now);
    let change = decided(tx, viewer, id, ChangeStatus::Confirmed, None, now).await?;
    let before = products::visible(tx, viewer, change.product_id).await?;
    products::refuse_archived(&before.row)?;
    let patch = &change.patch.0;
    let rules = products::rules_of(tx, patch.category.unwrap_or(before.sheet.category)).await?;
    let sheet = Sheet::patched(Some(&before.sheet), patch, &rules)?;
    products::check_references(tx, Some(&before), &sheet).await?;
    sheet.complete()?;
    let product = products::apply(tx, viewer, &before, &sheet, HistoryAction::ChangeConfirmed, Some(id), now).await?;
    audited(&mut work, "confirmProductChange", &change, pending());
    let differences = serde_json::to_value(sheet.differences(&before.sheet)).map_err(Error::internal)?;
    products::audited(&mut work, "confirmProductChange", &product, Some(&before.row), differences);
    work.tell(change.proposer_id, EventKind::ProductChangeDecided, encode(id).0, 1).await?;
    indexing::changed(&mut work, &[product.id]).await?;
    work.commit((product, change)).await
}

/// Refuses a proposal with a reason.
pub async fn reject_change(
    app: &App,
    call: &Call,
    id: ProductChangeId,
    reason: &str,
) -> Result<product_change::Model, Error> {
    policy::operator(&call.viewer)?;
    let reason = products::checked_reason(reason)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (viewer, tx, now) = (&call.viewer, work.tx(), work.now);
    let change = decided(tx, viewer, id, ChangeStatus::Rejected, Some(reason), now).await?;
    audited(&mut work, "rejectProductChange", &change, pending());
    work.tell(change.proposer_id, EventKind::ProductChangeDecided, encode(id).0, 1).await?;
    work.commit(change).await
}

/// Takes one's own proposal back.
pub async fn withdraw_change(app: &App, call: &Call, id: ProductChangeId) -> Result<product_change::Model, Error> {
    let own = policy::describes(&call.viewer)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (viewer, tx, now) = (&call.viewer, work.tx(), work.now);
    let change = decided(tx, viewer, id, ChangeStatus::Withdrawn, None, now).await?;
    if change.proposer_id != own {
        return Err(Error::Forbidden);
    }
    audited(&mut work, "withdrawProductChange", &change, pending());
    work.commit(change).await
}

/// Moves a pending proposal to its decision, exactly once: the guard is in the UPDATE.
async fn decided(
    tx: &impl ConnectionTrait,
    viewer: &Viewer,
    id: ProductChangeId,
    decision: ChangeStatus,
    reason: Option<String>,
    now: DateTime<Utc>,
) -> Result<product_change::Model, Error> {
    let change = product_change::Entity::visible_to(viewer).filter(product_change::Column::Id.eq(id)).one(tx).await?;
    let change = change.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    let status = change.status.decide(decision).map_err(|r| r.at("id"))?;
    let decided =
        product_change::Model { status, reason, decided_by: Some(viewer.subject()), decided_at: Some(now), ..change };
    let written = product_change::Entity::update_many()
        .set(decided.clone().into_active_model().reset_all())
        .filter(product_change::Column::Id.eq(id))
        .filter(product_change::Column::Status.eq(ChangeStatus::Pending))
        .exec(tx)
        .await?;
    if written.rows_affected == 1 { Ok(decided) } else { Err(stale()) }
}

/// Proposals that `viewer` may see, newest first.
pub async fn list_changes(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    product: Option<ProductId>,
    status: Option<ChangeStatus>,
    page: &PageArgs,
) -> Result<Page<product_change::Model>, Error> {
    let list = listed(viewer, product, status);
    // Ids are made in the order of time.
    page.by_id(db, list, product_change::Column::Id, NEWEST, Order::Desc).await
}

/// How many proposals that list has.
pub async fn count_changes(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    product: Option<ProductId>,
    status: Option<ChangeStatus>,
) -> Result<i64, Error> {
    Ok(i64::try_from(listed(viewer, product, status).count(db).await?).unwrap_or(i64::MAX))
}

fn listed(viewer: &Viewer, product: Option<ProductId>, status: Option<ChangeStatus>) -> Select<product_change::Entity> {
    let mut list = product_change::Entity::visible_to(viewer);
    if let Some(product) = product {
        list = list.filter(product_change::Column::ProductId.eq(product));
    }
    if let Some(status) = status {
        list = list.filter(product_change::Column::Status.eq(status));
    }
    list
}

/// The cursor of a proposal in that list.
pub fn change_cursor(row: &product_change::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}
