//! Audit rounds: somebody walks the floor, says of each slot how it is, and takes photos.

use chrono::{DateTime, Utc};
use entities::{
    logistics::proof,
    party::Action,
    showroom::{AuditState, AuditVerdict, audit_check, audit_round, photo, store},
    values::{
        ErrorCode, Refusal,
        id::{AuditRoundId, ShowroomId},
        refusal::{given, line},
    },
};
use platform::{
    app::{App, Call, Work},
    error::{Error, not_found},
    graphql::encode,
    page::{Cursor, Page, PageArgs},
    vault,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, Order, QueryFilter,
    sea_query::{Expr, OnConflict},
};
use serde_json::{Value, json};

use super::{displays::slot_for, inside, planograms, store_for, store_of};

/// Name of the order, for cursors.
const NEWEST: &str = "audit-round";
const BY_SLOT: &str = "audit-check";

/// Opens a round.
pub async fn open(app: &App, call: &Call, id: ShowroomId) -> Result<audit_round::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let store = store_for(work.tx(), &call.viewer, Action::WorkShowrooms, id, "showroomId").await?;
    let row = audit_round::Model {
        id: AuditRoundId::new(work.now),
        showroom_id: id,
        planogram_id: planograms::in_force(work.tx(), id).await?.map(|row| row.id),
        state: AuditState::Open,
        opened_by: work.viewer().subject(),
        opened_at: work.now,
        done_by: None,
        done_at: None,
    };
    audit_round::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await?;
    work.audit(Some(store.organisation_id), "openAuditRound", encode(row.id).0, Value::Null, json!(row.planogram_id));
    work.commit(row).await
}

/// What was found in a slot.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns of the check")]
pub struct Checking {
    /// What is printed on the slot.
    pub slot: String,
    pub verdict: AuditVerdict,
    pub note: Option<String>,
    /// Media type and bytes.
    pub photo: Option<(String, Vec<u8>)>,
}

async fn found(work: &Work, id: AuditRoundId) -> Result<(store::Model, audit_round::Model), Error> {
    let unknown = || not_found("id", encode(id).as_str());
    let row = audit_round::Entity::find_by_id(id).one(work.tx()).await?.ok_or_else(unknown)?;
    let store = store_of(work.tx(), work.viewer(), Action::WorkShowrooms, row.showroom_id, unknown).await?;
    if row.state == AuditState::Open {
        return Ok((store, row));
    }
    let refusal = Refusal::new(ErrorCode::IllegalTransition).with("from", "DONE").with("action", "CHECK");
    Err(refusal.at("id").into())
}

/// Says how a slot is. Said again it is what was said last.
pub async fn check(app: &App, call: &Call, id: AuditRoundId, said: &Checking) -> Result<audit_round::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let now = work.now;
    let row = checked(&mut work, app, id, said, now).await?;
    work.commit(row).await
}

/// The same in a change that is under way.
pub(crate) async fn checked(
    work: &mut Work,
    app: &App,
    id: AuditRoundId,
    said: &Checking,
    at: DateTime<Utc>,
) -> Result<audit_round::Model, Error> {
    let (_, row) = found(work, id).await?;
    let viewer = work.viewer().clone();
    let (store, slot) = slot_for(work, &viewer, Action::WorkShowrooms, &said.slot, "slot").await?;
    if store.id != row.showroom_id {
        return Err(not_found("slot", &slot.scan_code));
    }
    let note = given(said.note.as_deref());
    let note = note.map(|text| line(text, 300)).transpose().map_err(|refusal| refusal.at("note"))?;
    let photo = match &said.photo {
        Some((kind, bytes)) => Some(kept(work, app, row.showroom_id, kind, bytes).await?),
        None => None,
    };
    let check = audit_check::Model {
        round_id: id,
        slot_id: slot.id,
        verdict: said.verdict,
        note,
        photo,
        checked_by: viewer.subject(),
        checked_at: at,
    };
    let again = OnConflict::columns([audit_check::Column::RoundId, audit_check::Column::SlotId])
        .update_columns([
            audit_check::Column::Verdict,
            audit_check::Column::Note,
            audit_check::Column::Photo,
            audit_check::Column::CheckedBy,
            audit_check::Column::CheckedAt,
        ])
        // What was seen earlier comes late from a device: what was seen last counts.
        .action_and_where(Expr::col((audit_check::Entity, audit_check::Column::CheckedAt)).lte(at))
        .to_owned();
    let insert = audit_check::Entity::insert(check.into_active_model()).on_conflict(again);
    insert.exec_without_returning(work.tx()).await?;
    Ok(row)
}

fn photo_place(id: ShowroomId, hash: &str) -> String {
    format!("showroom_photo:{id}:{hash}")
}

/// Keeps a photo, sealed, under its hash; the same once more is the same.
async fn kept(work: &Work, app: &App, id: ShowroomId, kind: &str, bytes: &[u8]) -> Result<String, Error> {
    let wrong = |value: &str| {
        let shown: String = value.chars().take(60).collect();
        Error::from(Refusal::new(ErrorCode::InvalidValue).with("value", shown).at("mediaType").at("photo"))
    };
    if bytes.is_empty() || bytes.len() > photo::LARGEST {
        let range = Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", photo::LARGEST.to_string());
        return Err(range.at("content").at("photo").into());
    }
    if !photo::KINDS.contains(&kind) || !proof::begins_as(kind, bytes) {
        return Err(wrong(kind));
    }
    let hash = vault::sha256_hex(bytes);
    let row = photo::Model {
        showroom_id: id,
        sha256: hash.clone(),
        media_type: kind.to_owned(),
        body: app.vault().seal(&photo_place(id, &hash), bytes)?,
        kept_by: work.viewer().subject(),
        kept_at: work.now,
    };
    let known = OnConflict::columns([photo::Column::ShowroomId, photo::Column::Sha256]).do_nothing().to_owned();
    let insert = photo::Entity::insert(row.into_active_model()).on_conflict(known).try_insert();
    insert.exec_without_returning(work.tx()).await?;
    Ok(hash)
}

/// The bytes of a photo and what it is.
pub async fn photo_of(app: &App, id: ShowroomId, hash: &str) -> Result<Option<(String, Vec<u8>)>, Error> {
    let Some(row) = photo::Entity::find_by_id((id, hash.to_owned())).one(app.db().read()).await? else {
        return Ok(None);
    };
    let bytes = app.vault().unseal(&photo_place(id, hash), &row.body)?;
    Ok(Some((row.media_type, bytes)))
}

/// Ends a round.
pub async fn finish(app: &App, call: &Call, id: AuditRoundId) -> Result<audit_round::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (store, row) = found(&work, id).await?;
    let (by, at) = (work.viewer().subject(), work.now);
    let done = audit_round::Entity::update_many()
        .col_expr(audit_round::Column::State, Expr::val(AuditState::Done))
        .col_expr(audit_round::Column::DoneBy, Expr::val(Some(by.clone())))
        .col_expr(audit_round::Column::DoneAt, Expr::val(Some(at)))
        .filter(audit_round::Column::Id.eq(id))
        .filter(audit_round::Column::State.eq(AuditState::Open))
        .exec(work.tx())
        .await?;
    if done.rows_affected != 1 {
        let refusal = Refusal::new(ErrorCode::IllegalTransition).with("from", "DONE").with("action", "FINISH");
        return Err(refusal.at("id").into());
    }
    let after = audit_round::Model { state: AuditState::Done, done_by: Some(by), done_at: Some(at), ..row };
    work.audit(Some(store.organisation_id), "finishAuditRound", encode(id).0, json!("OPEN"), json!("DONE"));
    work.commit(after).await
}

/// What was found in a round, by slot.
pub async fn checks(
    db: &impl ConnectionTrait,
    id: AuditRoundId,
    page: &PageArgs,
) -> Result<Page<audit_check::Model>, Error> {
    let found = audit_check::Entity::find().filter(audit_check::Column::RoundId.eq(id));
    page.by_id(db, found, audit_check::Column::SlotId, BY_SLOT, Order::Asc).await
}

/// The cursor of what was found in that list.
pub fn check_cursor(row: &audit_check::Model) -> Cursor {
    Cursor::of_id(BY_SLOT, row.slot_id)
}

/// A round of which the viewer may read.
pub async fn find(
    db: &impl ConnectionTrait,
    viewer: &entities::party::Viewer,
    id: AuditRoundId,
) -> Result<Option<audit_round::Model>, Error> {
    let Some(row) = audit_round::Entity::find_by_id(id).one(db).await? else { return Ok(None) };
    let seen = inside(db, viewer).await?.is_none_or(|ids| ids.contains(&row.showroom_id));
    Ok(Some(row).filter(|_| seen))
}

/// Rounds of a showroom, newest first.
pub async fn list(
    db: &impl ConnectionTrait,
    id: ShowroomId,
    page: &PageArgs,
) -> Result<Page<audit_round::Model>, Error> {
    let list = audit_round::Entity::find().filter(audit_round::Column::ShowroomId.eq(id));
    page.by_id(db, list, audit_round::Column::Id, NEWEST, Order::Desc).await
}

/// The cursor of a round in that list.
pub fn cursor(row: &audit_round::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}
