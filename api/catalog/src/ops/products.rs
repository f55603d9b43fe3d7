//! Describing products and moving them through their life.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use entities::{
    catalog::{
        ProductStatus, brand,
        lifecycle::ProductAction,
        product, product_change,
        product_history::{Differences, HistoryAction},
        sheet::{CategoryRules, Patch, Sheet},
        variant,
    },
    party::Viewer,
    platform::EventKind,
    values::{
        ErrorCode, Gtin, Refusal,
        id::{CategoryId, OrganisationId, ProductChangeId, ProductId},
    },
};
use platform::{
    app::{App, Call, Work},
    error::Error,
    graphql::encode,
};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect};
use serde_json::{Value, json};

use super::{changes, not_found, stale, taken};
use crate::{
    indexing,
    policy::{self, EditMode},
    store::{self, Entry, Stored},
};

/// Longest reason of a rejection.
const MAX_REASON: usize = 1_000;

/// What became of an edit.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub enum Edited {
    /// The product changed.
    Product(Box<product::Model>),
    /// A proposal waits for the operator; the product is as it was.
    Proposal(Box<product::Model>, Box<product_change::Model>),
}

/// Describes a new product. It is a draft of `viewer`'s organisation.
pub async fn create_product(app: &App, call: &Call, patch: &Patch) -> Result<product::Model, Error> {
    let owner = policy::describes(&call.viewer)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (viewer, tx, now) = (&call.viewer, work.tx(), work.now);
    let row = create_in(tx, viewer, owner, patch, now).await?.row;
    audited(&mut work, "createProduct", &row, None, Value::Null);
    indexing::changed(&mut work, &[row.id]).await?;
    work.commit(row).await
}

/// Notes a step of a product in its owner's audit.
pub(crate) fn audited(
    work: &mut Work,
    operation: &'static str,
    row: &product::Model,
    before: Option<&product::Model>,
    differences: Value,
) {
    let state = |row: &product::Model| json!({ "status": row.status, "version": row.version });
    let mut after = state(row);
    after["differences"] = differences;
    work.audit(Some(row.owner_id), operation, encode(row.id).0, before.map_or(Value::Null, state), after);
}

async fn create_in(
    tx: &impl ConnectionTrait,
    viewer: &Viewer,
    owner: OrganisationId,
    patch: &Patch,
    now: DateTime<Utc>,
) -> Result<Stored, Error> {
    let category = patch.category.ok_or_else(|| Refusal::new(ErrorCode::Required).at("categoryId"))?;
    let rules = rules_of(tx, category).await?;
    let sheet = Sheet::patched(None, patch, &rules)?;
    check_references(tx, None, &sheet).await?;
    let stored = store::draft(sheet, owner, now);
    store::insert(tx, std::slice::from_ref(&stored)).await.map_err(|e| taken(e, stored.row.slug.as_str()))?;
    let created = entry(&stored.row, HistoryAction::Created, Differences::default());
    store::record(tx, viewer, now, vec![created]).await?;
    Ok(stored)
}

/// Changes a product, directly or as a proposal; see [`policy`]. `expected_version` is the version
/// that the editor saw.
pub async fn update_product(
    app: &App,
    call: &Call,
    id: ProductId,
    expected_version: i32,
    patch: &Patch,
) -> Result<Edited, Error> {
    policy::describes(&call.viewer)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (viewer, tx, now) = (&call.viewer, work.tx(), work.now);
    let before = visible(tx, viewer, id).await?;
    let mode = policy::edit_mode(viewer, &before.row)?;
    if before.row.version != expected_version {
        return Err(stale());
    }
    refuse_archived(&before.row)?;
    let rules = rules_of(tx, patch.category.unwrap_or(before.sheet.category)).await?;
    let sheet = Sheet::patched(Some(&before.sheet), patch, &rules)?;
    check_references(tx, Some(&before), &sheet).await?;
    if before.row.status == ProductStatus::Published {
        sheet.complete()?;
    }
    let edited = match mode {
        EditMode::Proposal => {
            let change = changes::propose_in(tx, viewer, &before.row, patch, now).await?;
            changes::audited(&mut work, "proposeProductChange", &change, Value::Null);
            Edited::Proposal(Box::new(before.row), Box::new(change))
        }
        // What changes nothing leaves no trace.
        EditMode::Direct if sheet == before.sheet => Edited::Product(Box::new(before.row)),
        EditMode::Direct => {
            let row = apply(tx, viewer, &before, &sheet, HistoryAction::Updated, None, now).await?;
            let differences = serde_json::to_value(sheet.differences(&before.sheet)).map_err(Error::internal)?;
            audited(&mut work, "updateProduct", &row, Some(&before.row), differences);
            indexing::changed(&mut work, &[id]).await?;
            Edited::Product(Box::new(row))
        }
    };
    work.commit(edited).await
}

/// Writes a decided edit and its history.
pub(crate) async fn apply(
    tx: &impl ConnectionTrait,
    viewer: &Viewer,
    before: &Stored,
    sheet: &Sheet,
    action: HistoryAction,
    change: Option<ProductChangeId>,
    now: DateTime<Utc>,
) -> Result<product::Model, Error> {
    if !store::claim(tx, before.row.id, before.row.version).await? {
        return Err(stale());
    }
    let after = store::update(tx, before, sheet, now).await.map_err(|e| taken(e, sheet.slug.as_str()))?;
    let entry = Entry { change, ..entry(&after.row, action, sheet.differences(&before.sheet)) };
    store::record(tx, viewer, now, vec![entry]).await?;
    Ok(after.row)
}

/// Asks for publication.
pub async fn propose_product(
    app: &App,
    call: &Call,
    id: ProductId,
    expected_version: i32,
) -> Result<product::Model, Error> {
    step(app, call, id, expected_version, ProductAction::Propose, None).await
}

/// Confirms a proposal, or publishes a draft directly.
pub async fn publish_product(
    app: &App,
    call: &Call,
    id: ProductId,
    expected_version: i32,
) -> Result<product::Model, Error> {
    step(app, call, id, expected_version, ProductAction::Publish, None).await
}

/// Sends a proposal back with a reason.
pub async fn reject_product(
    app: &App,
    call: &Call,
    id: ProductId,
    expected_version: i32,
    reason: &str,
) -> Result<product::Model, Error> {
    step(app, call, id, expected_version, ProductAction::Reject, Some(checked_reason(reason)?)).await
}

/// Takes a product out for good.
pub async fn archive_product(
    app: &App,
    call: &Call,
    id: ProductId,
    expected_version: i32,
) -> Result<product::Model, Error> {
    step(app, call, id, expected_version, ProductAction::Archive, None).await
}

async fn step(
    app: &App,
    call: &Call,
    id: ProductId,
    expected_version: i32,
    action: ProductAction,
    reason: Option<String>,
) -> Result<product::Model, Error> {
    policy::signed_in(&call.viewer)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (viewer, tx, now) = (&call.viewer, work.tx(), work.now);
    let stored = visible(tx, viewer, id).await?;
    match action {
        ProductAction::Propose | ProductAction::Archive => policy::owners_step(viewer, &stored.row)?,
        ProductAction::Publish | ProductAction::Reject => drop(policy::operator(viewer)?),
    }
    if stored.row.version != expected_version {
        return Err(stale());
    }
    let status = action.from(stored.row.status).map_err(|r| r.at("id"))?;
    if matches!(status, ProductStatus::Proposed | ProductStatus::Published) {
        stored.sheet.complete()?;
    }
    if !store::claim(tx, id, expected_version).await? {
        return Err(stale());
    }
    let row = stepped(&stored.row, status, reason, now);
    row.clone().into_active_model().reset_all().update(tx).await?;
    let (operation, history) = match action {
        ProductAction::Propose => ("proposeProduct", HistoryAction::Proposed),
        ProductAction::Publish => ("publishProduct", HistoryAction::Published),
        ProductAction::Reject => ("rejectProduct", HistoryAction::Rejected),
        ProductAction::Archive => ("archiveProduct", HistoryAction::Archived),
    };
    store::record(tx, viewer, now, vec![entry(&row, history, Differences::default())]).await?;
    audited(&mut work, operation, &row, Some(&stored.row), Value::Null);
    match action {
        ProductAction::Publish => {
            work.tell(row.owner_id, EventKind::ProductPublished, encode(id).0, row.version).await?;
        }
        ProductAction::Reject => {
            work.tell(row.owner_id, EventKind::ProductRejected, encode(id).0, row.version).await?;
        }
        ProductAction::Propose | ProductAction::Archive => {}
    }
    indexing::changed(&mut work, &[id]).await?;
    work.commit(row).await
}

/// The row after a step of the product's life.
pub(crate) fn stepped(
    row: &product::Model,
    status: ProductStatus,
    rejection: Option<String>,
    now: DateTime<Utc>,
) -> product::Model {
    let published = (status == ProductStatus::Published).then_some(now);
    product::Model {
        status,
        rejection,
        version: row.version + 1,
        updated_at: now,
        listed_at: published.unwrap_or(row.listed_at),
        published_at: published.or(row.published_at),
        ..row.clone()
    }
}

/// A reason that people will read.
pub(crate) fn checked_reason(reason: &str) -> Result<String, Error> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Refusal::new(ErrorCode::Required).at("reason").into());
    }
    if reason.contains(|c: char| c.is_control() && c != '\n') {
        return Err(Refusal::new(ErrorCode::InvalidValue).with("value", "control character").at("reason").into());
    }
    if reason.chars().count() > MAX_REASON {
        return Err(Refusal::new(ErrorCode::TooLong).with("max", MAX_REASON.to_string()).at("reason").into());
    }
    Ok(reason.to_owned())
}

pub(crate) fn refuse_archived(row: &product::Model) -> Result<(), Error> {
    if row.status != ProductStatus::Archived {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::IllegalTransition).with("from", "ARCHIVED").with("action", "UPDATE").at("id").into())
}

/// A product that `viewer` may see, as it is stored.
pub async fn visible(tx: &impl ConnectionTrait, viewer: &Viewer, id: ProductId) -> Result<Stored, Error> {
    let seen = product::Entity::visible_to(viewer)
        .filter(product::Column::Id.eq(id))
        .select_only()
        .column(product::Column::Id);
    let seen = seen.into_tuple::<ProductId>().one(tx).await?;
    match seen {
        Some(id) => store::load(tx, &[id]).await?.remove(&id),
        None => None,
    }
    .ok_or_else(|| not_found("id", encode(id).as_str()))
}

pub(crate) async fn rules_of(tx: &impl ConnectionTrait, category: CategoryId) -> Result<CategoryRules, Error> {
    let mut rules = store::category_rules(tx, &BTreeSet::from([category])).await?;
    rules.remove(&category).ok_or_else(|| not_found("categoryId", encode(category).as_str()))
}

/// Holds a sheet's brand and barcodes against the catalog; the unique indexes have the last word.
pub(crate) async fn check_references(
    tx: &impl ConnectionTrait,
    before: Option<&Stored>,
    sheet: &Sheet,
) -> Result<(), Error> {
    if let Some(id) = sheet.brand.filter(|id| before.is_none_or(|b| b.sheet.brand != Some(*id))) {
        let known = brand::Entity::find_by_id(id).one(tx).await?;
        known.ok_or_else(|| not_found("brandId", encode(id).as_str()))?;
    }
    let gtins: Vec<&Gtin> = sheet.variants.iter().filter_map(|v| v.gtin.as_ref()).collect();
    if gtins.iter().collect::<BTreeSet<_>>().len() < gtins.len() {
        return Err(Refusal::new(ErrorCode::Duplicate).with("value", "gtin").at("variants").into());
    }
    let own: Vec<&Gtin> = before.iter().flat_map(|b| b.sheet.variants.iter().filter_map(|v| v.gtin.as_ref())).collect();
    let new: Vec<Gtin> = gtins.into_iter().filter(|g| !own.contains(g)).cloned().collect();
    if new.is_empty() {
        return Ok(());
    }
    match variant::Entity::find().filter(variant::Column::Gtin.is_in(new)).one(tx).await? {
        Some(variant::Model { gtin: Some(gtin), .. }) => {
            Err(Refusal::new(ErrorCode::AlreadyTaken).with("value", gtin.as_str()).at("gtin").at("variants").into())
        }
        _ => Ok(()),
    }
}

pub(crate) fn entry(row: &product::Model, action: HistoryAction, differences: Differences) -> Entry {
    Entry { product: row.id, version: row.version, action, change: None, differences }
}
