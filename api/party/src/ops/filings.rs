//! Filings: filed once, used by every agency that was granted a view.
//!
//! Every change is a new version and a snapshot of it, sealed, because it names people. What an agency sees is
//! the version in force, and of that its fields. A change that an agency can see is told to it once: the event
//! is written with the change, and an event has one entry in each agency's feed.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, Duration, NaiveDate, Utc};
use entities::{
    party::{
        Action, Resource, Viewer,
        filing::{self, Agency, Content, Fields, FilingAction, FilingKind, FilingStatus},
        filing_grant, filing_number, filing_snapshot,
        machine_client::Scope,
    },
    platform::EventKind,
    values::{
        ErrorCode, Refusal, Refusals,
        id::{FilingId, OrganisationId},
        refusal::{Check, line, paragraph, sha256},
    },
};
use platform::{
    app::{App, Call, Work, allowed},
    clock::business_day,
    db::{Dialect, dialect},
    error::{Error, not_found, stale, taken},
    graphql::encode,
    page::{Cursor, Page, PageArgs},
    vault::Vault,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, Order,
    PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Expr, LockType, OnConflict, Query},
};
use serde_json::{Value, json};

/// Name of the order of filings, for cursors.
const NEWEST: &str = "newest-filing";
/// How long an approval holds unless said otherwise.
const HOLDS: Duration = Duration::days(365 * 3);
/// Most grants of one filing.
const MAX_GRANTS: u64 = 100;

fn place(id: FilingId, version: i32) -> String {
    format!("filing_snapshot.content:{id}:{version}")
}

/// The filings that `viewer` may know of: its own, its organisation's, those it was granted a view of once they
/// have been in force, and all for who oversees the zone.
pub fn visible_to(viewer: &Viewer) -> Select<filing::Entity> {
    let all = filing::Entity::find();
    if viewer.oversees() {
        return all;
    }
    let mut own = Condition::any().add(Expr::value(false));
    if let Some(person) = viewer.person() {
        own = own.add(filing::Column::PersonId.eq(person));
    }
    if let Some(organisation) = viewer.reads_for(Scope::Filings) {
        let granted = Query::select()
            .column(filing_grant::Column::FilingId)
            .from(filing_grant::Entity)
            .and_where(filing_grant::Column::GranteeId.eq(organisation))
            .take();
        own = own.add(filing::Column::OrganisationId.eq(organisation)).add(
            filing::Column::Id.in_subquery(granted).and(
                filing::Column::InForceVersion
                    .is_not_null()
                    .or(filing::Column::Status.is_in([FilingStatus::Suspended, FilingStatus::Expired])),
            ),
        );
    }
    all.filter(own)
}

/// Whether it is the viewer's own: its person's, or its organisation's.
pub fn is_own(viewer: &Viewer, row: &filing::Model) -> bool {
    let person = row.person_id.is_some() && row.person_id == viewer.person();
    person || (row.organisation_id.is_some() && row.organisation_id == viewer.reads_for(Scope::Filings))
}

fn resource(row: &filing::Model) -> Resource {
    Resource { organisation: row.organisation_id, person: row.person_id }
}

/// Begins a filing: of the organisation that one acts for, or of oneself when one acts for none.
pub async fn create_filing(app: &App, call: &Call, content: Content) -> Result<filing::Model, Error> {
    let organisation_id = call.viewer.organisation();
    let person_id = if organisation_id.is_none() { call.viewer.person() } else { None };
    call.may(Action::WriteFiling, Resource { organisation: organisation_id, person: person_id })?;
    let content = checked(content)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = filing::Model {
        id: FilingId::new(work.now),
        kind: if organisation_id.is_some() { FilingKind::Enterprise } else { FilingKind::Individual },
        organisation_id,
        person_id,
        status: FilingStatus::Draft,
        version: 1,
        in_force_version: None,
        approved_version: None,
        valid_until: None,
        reason: None,
        created_at: work.now,
        updated_at: work.now,
    };
    filing::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await.map_err(|e| {
        let column = if organisation_id.is_some() { "organisation_id" } else { "person_id" };
        taken(e, "filing", &[column], "content", "filing")
    })?;
    snapshot(app.vault(), &work, &row, &content).await?;
    work.audit(row.organisation_id, "createFiling", encode(row.id).0, Value::Null, state(&row));
    work.commit(row).await
}

/// Checks what a filing says; phone and e-mail are kept in one form.
fn checked(content: Content) -> Result<Content, Error> {
    fn text(check: &mut Check, field: &str, value: Option<String>, max: usize) -> Option<String> {
        value.and_then(|text| check.take(field, line(&text, max)))
    }
    let mut check = Check::default();
    let phone = content.contact_phone.and_then(|text| {
        check.take("contactPhone", text.parse::<entities::values::MobileNumber>()).map(|n| n.reveal().to_owned())
    });
    let email = content.contact_email.and_then(|text| {
        check.take("contactEmail", text.parse::<entities::values::Email>()).map(|e| e.reveal().to_owned())
    });
    if let Some(documents) = &content.documents {
        check.demand(documents.len() <= 50, "documents", || Refusal::new(ErrorCode::TooMany).with("max", "50"));
        for (at, document) in documents.iter().take(50).enumerate() {
            let below = |r: Refusal, field: &str| r.at(field).at(at.to_string());
            let faults = [
                line(&document.name, 200).err().map(|r| below(r, "name")),
                line(&document.media_type, 100).err().map(|r| below(r, "mediaType")),
                sha256(&document.sha256).err().map(|r| below(r, "sha256")),
                (!(1..=i64::from(i32::MAX)).contains(&document.size)).then(|| {
                    below(
                        Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", i32::MAX.to_string()),
                        "size",
                    )
                }),
            ];
            for fault in faults.into_iter().flatten() {
                check.take::<()>("documents", Err(fault));
            }
        }
    }
    let platforms = content.platforms.map(|platforms| {
        check.demand(platforms.len() <= 50, "platforms", || Refusal::new(ErrorCode::TooMany).with("max", "50"));
        platforms.iter().take(50).filter_map(|text| check.take("platforms", line(text, 200))).collect()
    });
    let checked = Content {
        legal_name: text(&mut check, "legalName", content.legal_name, 120),
        uscc: content.uscc,
        customs_code: content.customs_code,
        representative: text(&mut check, "representative", content.representative, 60),
        contact_name: text(&mut check, "contactName", content.contact_name, 60),
        contact_phone: phone,
        contact_email: email,
        address: text(&mut check, "address", content.address, 300),
        business_scope: content.business_scope.and_then(|text| check.take("businessScope", paragraph(&text, 2_000))),
        platforms,
        documents: content.documents,
    };
    let below = |refusals: Refusals| refusals.into_iter().map(|r| r.at("content")).collect::<Refusals>();
    Ok(check.done(checked).map_err(below)?)
}

/// What the audit notes of a filing: its state, never what it says.
fn state(row: &filing::Model) -> Value {
    json!({ "status": row.status, "version": row.version, "in_force_version": row.in_force_version, "reason": row.reason })
}

async fn snapshot(vault: &Vault, work: &Work, row: &filing::Model, content: &Content) -> Result<(), Error> {
    let text = serde_json::to_vec(content).map_err(Error::internal)?;
    let snapshot = filing_snapshot::Model {
        filing_id: row.id,
        version: row.version,
        status: row.status,
        content: vault.seal(&place(row.id, row.version), &text)?,
        actor: work.viewer().subject(),
        at: work.now,
    };
    filing_snapshot::Entity::insert(snapshot.into_active_model()).exec_without_returning(work.tx()).await?;
    Ok(())
}

/// What a version of a filing says, whole.
async fn content(vault: &Vault, db: &impl ConnectionTrait, id: FilingId, version: i32) -> Result<Content, Error> {
    let row = filing_snapshot::Entity::find_by_id((id, version)).one(db).await?;
    unsealed(vault, &row.ok_or_else(|| Error::internal(format!("version {version} of filing {id} is missing")))?)
}

/// What a version says, opened.
pub fn unsealed(vault: &Vault, row: &filing_snapshot::Model) -> Result<Content, Error> {
    serde_json::from_slice(&vault.unseal(&place(row.filing_id, row.version), &row.content)?).map_err(Error::internal)
}

/// Which version of a filing `viewer` may read, and which of its fields (none: all): its owner and who oversees the
/// zone the version in work; whoever was granted a view its fields of the version in force.
pub fn readable(viewer: &Viewer, row: &filing::Model, grants: &[filing_grant::Model]) -> Option<(i32, Option<Fields>)> {
    if is_own(viewer, row) || viewer.oversees() {
        return Some((row.version, None));
    }
    let grantee = viewer.reads_for(Scope::Filings)?;
    let grant = grants.iter().find(|grant| grant.grantee_id == grantee)?;
    Some((row.in_force_version?, Some(grant.fields.clone())))
}

async fn visible(tx: &impl ConnectionTrait, viewer: &Viewer, id: FilingId) -> Result<filing::Model, Error> {
    let row = visible_to(viewer).filter(filing::Column::Id.eq(id)).one(tx).await?;
    row.ok_or_else(|| not_found("id", encode(id).as_str()))
}

/// One filing.
pub async fn find_filing(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    id: FilingId,
) -> Result<Option<filing::Model>, Error> {
    Ok(visible_to(viewer).filter(filing::Column::Id.eq(id)).one(db).await?)
}

/// What a step brings with it.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// The version that was seen.
    pub expected_version: i32,
    /// Why, for its owner.
    pub reason: Option<String>,
    /// Until when an approval holds.
    pub valid_until: Option<NaiveDate>,
    /// What changes.
    pub content: Option<Content>,
}

/// Takes a step of a filing's life.
pub async fn step(
    app: &App,
    call: &Call,
    id: FilingId,
    action: FilingAction,
    step: Step,
) -> Result<filing::Model, Error> {
    let (needed, operation) = match action {
        FilingAction::Amend => (Action::WriteFiling, "updateFiling"),
        FilingAction::Submit => (Action::WriteFiling, "submitFiling"),
        FilingAction::Return => (Action::DecideFiling, "returnFiling"),
        FilingAction::Approve => (Action::DecideFiling, "approveFiling"),
        FilingAction::Suspend => (Action::DecideFiling, "suspendFiling"),
        FilingAction::Resume => (Action::DecideFiling, "resumeFiling"),
        FilingAction::Expire => (Action::DecideFiling, "expireFiling"),
    };
    let work = app.begin(call).await?;
    let before = visible(work.tx(), &call.viewer, id).await?;
    call.may(needed, resource(&before))?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    carry_out(app, work, before, action, operation, step).await
}

async fn carry_out(
    app: &App,
    mut work: Work,
    before: filing::Model,
    action: FilingAction,
    operation: &'static str,
    step: Step,
) -> Result<filing::Model, Error> {
    let (id, now) = (before.id, work.now);
    if before.version != step.expected_version {
        return Err(stale());
    }
    let status = action.from(before.status, before.in_force_version.is_some()).map_err(|r| r.at("id"))?;
    // What is resumed is what was approved, whatever was being written when it was suspended.
    let version = before.approved_version.filter(|_| action == FilingAction::Resume).unwrap_or(before.version);
    let mut said = content(app.vault(), work.tx(), id, version).await?;
    if let Some(new) = step.content {
        said = checked(new)?.over(said);
    }
    if matches!(action, FilingAction::Submit | FilingAction::Approve) {
        said.complete(before.kind)?;
    }
    let reason = match action {
        FilingAction::Return | FilingAction::Suspend => {
            Some(paragraph(step.reason.as_deref().unwrap_or_default(), 1_000).map_err(|r| r.at("reason"))?)
        }
        _ => None,
    };
    let today = business_day(now);
    let version = before.version + 1;
    let (in_force_version, valid_until) = match action {
        FilingAction::Approve => {
            let until = step.valid_until.unwrap_or(today + HOLDS);
            if until < today || until.year() > 9_999 {
                let refusal = Refusal::new(ErrorCode::InvalidValue).with("value", until.to_string());
                return Err(refusal.at("validUntil").into());
            }
            (Some(version), Some(until))
        }
        FilingAction::Resume => (Some(version), before.valid_until),
        FilingAction::Suspend | FilingAction::Expire => (None, before.valid_until),
        FilingAction::Amend | FilingAction::Submit | FilingAction::Return => {
            (before.in_force_version, before.valid_until)
        }
    };
    let approved_now = matches!(action, FilingAction::Approve | FilingAction::Resume);
    let approved_version = if approved_now { Some(version) } else { before.approved_version };
    let row = filing::Model {
        status,
        version,
        in_force_version,
        approved_version,
        valid_until,
        reason,
        updated_at: now,
        ..before.clone()
    };
    let written = filing::Entity::update_many()
        .set(row.clone().into_active_model().reset_all())
        .filter(filing::Column::Id.eq(id))
        .filter(filing::Column::Version.eq(before.version))
        .exec(work.tx())
        .await?;
    if written.rows_affected != 1 {
        return Err(stale());
    }
    snapshot(app.vault(), &work, &row, &said).await?;
    work.audit(row.organisation_id, operation, encode(id).0, state(&before), state(&row));
    // Its owner is told of every step that others took, agencies of what changes what they see.
    let node = encode(id).0;
    let decided = !matches!(action, FilingAction::Amend | FilingAction::Submit);
    if let Some(owner) = row.organisation_id.filter(|_| decided) {
        work.tell(owner, EventKind::FilingChanged, node.clone(), version).await?;
    }
    if shown(&before) != shown(&row) {
        for grant in grants_of(work.tx(), id).await? {
            if Some(grant.grantee_id) != row.organisation_id {
                work.tell(grant.grantee_id, EventKind::FilingChanged, node.clone(), version).await?;
            }
        }
    }
    work.commit(row).await
}

/// What a filing looks like to whoever was granted a view: its version in force, or that it is out of force; none:
/// it is not seen at all.
pub fn shown(row: &filing::Model) -> Option<(FilingStatus, Option<i32>)> {
    match (row.in_force_version, row.status) {
        (Some(version), _) => Some((FilingStatus::Approved, Some(version))),
        (None, status @ (FilingStatus::Suspended | FilingStatus::Expired)) => Some((status, None)),
        (None, _) => None,
    }
}

/// Notes the number that an agency keeps for a filing.
pub async fn set_number(
    app: &App,
    call: &Call,
    id: FilingId,
    agency: Agency,
    number: &str,
) -> Result<filing::Model, Error> {
    let number = line(number, 64).map_err(|r| r.at("number"))?;
    if !number.is_ascii() {
        return Err(Refusal::new(ErrorCode::InvalidValue).with("value", "number").at("number").into());
    }
    let mut work = app.begin(call).await?;
    let row = visible(work.tx(), &call.viewer, id).await?;
    call.may(Action::DecideFiling, resource(&row))?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let before = filing_number::Entity::find_by_id((id, agency)).one(work.tx()).await?;
    let noted = filing_number::Model { filing_id: id, agency, number: number.clone(), at: work.now };
    let replace = OnConflict::columns([filing_number::Column::FilingId, filing_number::Column::Agency])
        .update_columns([filing_number::Column::Number, filing_number::Column::At])
        .to_owned();
    filing_number::Entity::insert(noted.into_active_model())
        .on_conflict(replace)
        .exec_without_returning(work.tx())
        .await
        .map_err(|e| taken(e, "filing_number", &["agency", "number"], "number", &number))?;
    let old = before.map_or(Value::Null, |n| json!({ "agency": agency, "number": n.number }));
    let new = json!({ "agency": agency, "number": number });
    work.audit(row.organisation_id, "setFilingNumber", encode(id).0, old, new);
    work.commit(row).await
}

/// Grants an organisation a view of some fields, or changes which; no fields take the view away. A filing in
/// force is told to whoever sees it for the first time or anew.
pub async fn grant(
    app: &App,
    call: &Call,
    id: FilingId,
    grantee: OrganisationId,
    fields: BTreeSet<filing::FilingField>,
) -> Result<filing::Model, Error> {
    let mut work = app.begin(call).await?;
    let row = visible(work.tx(), &call.viewer, id).await?;
    call.may(Action::WriteFiling, resource(&row))?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let tx = work.tx();
    if dialect(tx) == Dialect::Postgres {
        filing::Entity::find_by_id(id).lock(LockType::NoKeyUpdate).one(tx).await?;
    }
    // Read again, locked: an approval at the same moment either sees this grant or is seen here.
    let row = visible(tx, &call.viewer, id).await?;
    let known = entities::party::organisation::Entity::find_by_id(grantee).one(tx).await?;
    known
        .filter(|o| Some(o.id) != row.organisation_id)
        .ok_or_else(|| not_found("organisationId", encode(grantee).as_str()))?;
    let before = filing_grant::Entity::find_by_id((id, grantee)).one(tx).await?;
    let fields = Fields(fields);
    if fields.0.is_empty() {
        filing_grant::Entity::delete_by_id((id, grantee)).exec(tx).await?;
    } else {
        let others = filing_grant::Entity::find().filter(filing_grant::Column::FilingId.eq(id));
        if before.is_none() && others.count(tx).await? >= MAX_GRANTS {
            return Err(Refusal::new(ErrorCode::TooMany).with("max", MAX_GRANTS.to_string()).into());
        }
        let new =
            filing_grant::Model { filing_id: id, grantee_id: grantee, fields: fields.clone(), created_at: work.now };
        let replace = OnConflict::columns([filing_grant::Column::FilingId, filing_grant::Column::GranteeId])
            .update_column(filing_grant::Column::Fields)
            .to_owned();
        filing_grant::Entity::insert(new.into_active_model()).on_conflict(replace).exec_without_returning(tx).await?;
    }
    let old = before.map(|b| b.fields).unwrap_or_default();
    let node = encode(id).0;
    if row.in_force_version.is_some() && old != fields && !fields.0.is_empty() {
        work.tell(grantee, EventKind::FilingChanged, node.clone(), row.version).await?;
    }
    let noted = |fields: &Fields| json!({ "grantee": encode(grantee).0, "fields": fields });
    work.audit(row.organisation_id, "grantFilingView", node, noted(&old), noted(&fields));
    work.commit(row).await
}

/// Who was granted a view of a filing.
async fn grants_of(db: &impl ConnectionTrait, id: FilingId) -> Result<Vec<filing_grant::Model>, Error> {
    let grants = filing_grant::Entity::find().filter(filing_grant::Column::FilingId.eq(id));
    Ok(grants.order_by_asc(filing_grant::Column::GranteeId).limit(MAX_GRANTS).all(db).await?)
}

/// Filings that `viewer` may know of, newest first.
pub async fn list_filings(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    status: Option<FilingStatus>,
    page: &PageArgs,
) -> Result<Page<filing::Model>, Error> {
    allowed(viewer, Action::ReadFilings, Resource::OWN)?;
    let mut list = visible_to(viewer);
    if let Some(status) = status {
        list = list.filter(in_state(viewer, status));
    }
    page.by_id(db, list, filing::Column::Id, NEWEST, Order::Desc).await
}

/// Filings in a state, as `viewer` sees it: of its own that of the version in work, of others what [`shown`] shows.
fn in_state(viewer: &Viewer, status: FilingStatus) -> Condition {
    let raw = filing::Column::Status.eq(status);
    if viewer.oversees() {
        return Condition::all().add(raw);
    }
    let person = viewer.person().map(|id| filing::Column::PersonId.is_not_null().and(filing::Column::PersonId.eq(id)));
    let organisation = viewer
        .reads_for(Scope::Filings)
        .map(|id| filing::Column::OrganisationId.is_not_null().and(filing::Column::OrganisationId.eq(id)));
    let own =
        [person, organisation].into_iter().flatten().fold(Condition::any().add(Expr::value(false)), Condition::add);
    let seen = match status {
        FilingStatus::Approved => filing::Column::InForceVersion.is_not_null(),
        FilingStatus::Suspended | FilingStatus::Expired => filing::Column::InForceVersion.is_null().and(raw.clone()),
        _ => Expr::value(false),
    };
    Condition::any().add(Condition::all().add(own.clone()).add(raw)).add(Condition::all().add(own.not()).add(seen))
}

/// The cursor of a filing in that list.
pub fn filing_cursor(row: &filing::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// Ends the approvals whose last day is over.
pub(super) async fn expire(app: &App, now: DateTime<Utc>) -> Result<(), Error> {
    let today = business_day(now);
    let due = filing::Entity::find()
        .filter(filing::Column::ValidUntil.lt(today))
        .filter(filing::Column::InForceVersion.is_not_null().or(filing::Column::Status.eq(FilingStatus::Suspended)))
        .limit(1_000)
        .all(app.db().read())
        .await?;
    for before in due {
        let id = before.id;
        let work = app.begin(&Call::unasked("calendar")).await?;
        let step = Step { expected_version: before.version, ..Step::default() };
        match carry_out(app, work, before, FilingAction::Expire, "expireFiling", step).await {
            // Somebody else took a step meanwhile; the next round looks again.
            Ok(_) | Err(Error::Refused(_)) => {}
            // One that cannot be ended does not keep the others.
            Err(error) => tracing::error!(filing = %id, cause = error.told(), "a filing could not be ended"),
        }
    }
    Ok(())
}
