//! Requests for financing: submitted with their receivables locked and limits blocked, looked at by the financier, and
//! freed again when they come to nothing.
//!
//! One transaction takes everything or nothing. An invoice is financed once: its receivable is locked by a guarded
//! UPDATE, its encumbrance and its fingerprint are unique while they are live.

use std::collections::HashMap;

use chrono::NaiveDate;
use entities::{
    finance::{
        EncumbranceStatus, FingerprintState, Ineligibility, OfferState, ProgrammeState, ReceivableEventKind as Kind,
        ReceivableSide, RequestState, RequestStep, financing, offer, programme, receivable,
        request::{self, encumbrance, fingerprint, item},
    },
    party::{Action, Viewer},
    platform::EventKind,
    values::{
        ErrorCode, Refusal, Refusals,
        id::{
            EncumbranceId, FinancingItemId, FinancingProgrammeId, FinancingRequestId, FingerprintId, OrganisationId,
            ReceivableId,
        },
        refusal as text,
    },
};
use platform::{
    app::{App, Call, Work, acting, tell_both},
    clock::business_day,
    error::{Error, fresh, not_found, stale, violates_unique},
    graphql::encode,
    guarded,
    number::number,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, Order, QueryFilter,
    QueryOrder, QuerySelect, sea_query::Expr,
};
use serde_json::{Value, json};

use super::{
    Control,
    confirmations::once,
    eligible::{Looked, Wanted, demand, look, on_time, quoted},
    limits,
    programmes::financier,
    receivables::{Happened, at_item, changed, several},
    standing::{KEY_VERSION, number_of},
};

const NEWEST: &str = "newest-financing-request";

/// What a seller asks for.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Asked {
    pub programme: FinancingProgrammeId,
    pub items: Vec<Wanted>,
    pub control: Control,
    pub wanted_on: NaiveDate,
}

/// Asks for money on receivables: all of them, or none. They are locked and the limits blocked until it is decided.
pub async fn submit(app: &App, call: &Call, asked: &Asked) -> Result<request::Model, Error> {
    let own = acting(call, Action::RequestFinancing)?;
    let ids: Vec<ReceivableId> = asked.items.iter().map(|one| one.id).collect();
    once(&ids)?;
    let today = business_day(app.clock().now());
    on_time(today, asked.wanted_on)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let programme = programme::Entity::visible_to(work.viewer())
        .filter(programme::Column::Id.eq(asked.programme))
        .one(work.tx())
        .await?
        .ok_or_else(|| not_found("programmeId", encode(asked.programme).as_str()))?;
    if programme.state != ProgrammeState::Active {
        return Err(Refusal::illegal(programme.state, "SUBMIT").at("programmeId").into());
    }
    let rows = several(&work, ReceivableSide::Seller, own, &ids).await?;
    let rows = rows.into_iter().zip(asked.items.iter().map(|one| one.amount)).collect();
    let all = look(work.tx(), &programme, own, rows, (today, asked.wanted_on)).await?;
    eligible(&all)?;
    for (n, (one, wanted)) in all.iter().zip(&asked.items).enumerate() {
        let most = one.row.money(one.base_minor);
        if wanted.amount.is_some_and(|amount| amount.minor > most.minor) {
            let range = Refusal::new(ErrorCode::OutOfRange).with("min", one.row.money(1).decimal().to_string());
            return Err(at_item(range.with("max", most.decimal().to_string()).at("amount").into(), n));
        }
    }
    // What is locked is what was read: the control sum is over what is asked for, whatever was left out.
    asked.control.holds(all.iter().map(|one| one.row.money(one.face_minor)))?;
    let quote = quoted(&programme, &all, asked.wanted_on)?
        .ok_or_else(|| Error::internal("an eligible request is over nothing"))?;
    let row = request::Model {
        id: FinancingRequestId::new(work.now),
        number: number("FR", work.now)?,
        programme_id: programme.id,
        financier_id: programme.financier_id,
        seller_id: own,
        state: RequestState::Submitted,
        currency: programme.currency,
        face_minor: quote.face_minor,
        principal_minor: quote.principal_minor,
        wanted_on: asked.wanted_on,
        terms: programme.terms.clone(),
        rules: programme.rules.clone(),
        rules_version: programme.rules_version,
        quote,
        submitted_by: work.viewer().subject(),
        note: None,
        answer: None,
        version: 1,
        created_at: work.now,
        updated_at: work.now,
    };
    request::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await?;
    for (n, one) in all.iter().enumerate() {
        locked(app, &mut work, &row, n, one).await.map_err(|error| at_item(error, n))?;
    }
    // Limits last: everybody wants them.
    let demand = demand(&programme, own, &all);
    let known = limits::of(work.tx(), programme.financier_id, programme.currency, &demand).await?;
    limits::block(&work, &known, &demand, &row.number, today).await?;
    told(&mut work, &row).await?;
    let shown = json!({ "programme": programme.number, "face": row.money(row.face_minor), "items": all.len() });
    work.audit(Some(own), "submitFinancingRequest", encode(row.id).0, Value::Null, shown);
    work.commit(row).await
}

/// Everything that stands against every receivable is told.
fn eligible(all: &[Looked]) -> Result<(), Error> {
    let taken = |reasons: &[Ineligibility]| {
        reasons.contains(&Ineligibility::Encumbered) || reasons.contains(&Ineligibility::Duplicate)
    };
    let refused = all.iter().enumerate().filter(|(_, one)| !one.reasons.is_empty()).map(|(n, one)| {
        let code = if taken(&one.reasons) { ErrorCode::AlreadyEncumbered } else { ErrorCode::NotEligible };
        let names: Vec<String> = one.reasons.iter().map(|reason| reason.name()).collect();
        Refusal::new(code).with("reasons", names.join(",")).at("id").at(n.to_string()).at("items")
    });
    let refused: Refusals = refused.collect();
    if refused.is_empty() { Ok(()) } else { Err(refused.into()) }
}

/// Locks a receivable for a request: it, its encumbrance, its fingerprint.
async fn locked(app: &App, work: &mut Work, of: &request::Model, n: usize, one: &Looked) -> Result<(), Error> {
    let principal = of.quote.items.get(n).map_or(0, |item| item.principal_minor);
    let row = item::Model {
        id: FinancingItemId::new(work.now),
        request_id: of.id,
        position: i32::try_from(n).unwrap_or(i32::MAX),
        receivable_id: one.row.id,
        debtor_id: one.row.debtor_id,
        face_minor: one.face_minor,
        principal_minor: principal,
        due_on: one.due_on,
    };
    item::Entity::insert(row.into_active_model()).exec_without_returning(work.tx()).await?;
    let encumbered = encumbrance::Model {
        id: EncumbranceId::new(work.now),
        receivable_id: one.row.id,
        request_id: of.id,
        financier_id: of.financier_id,
        amount_minor: one.face_minor,
        live: true,
        created_at: work.now,
        ended_at: None,
    };
    let made = encumbrance::Entity::insert(encumbered.into_active_model()).exec_without_returning(work.tx()).await;
    made.map_err(|error| taken(error, "encumbrance", "receivable_id"))?;
    let marked = fingerprint::Model {
        id: FingerprintId::new(work.now),
        hash: one.row.fingerprint.clone(),
        number_hash: number_of(app, work, &one.row).await?,
        key_version: KEY_VERSION,
        state: FingerprintState::Registered,
        request_id: of.id,
        created_at: work.now,
        updated_at: work.now,
    };
    let made = fingerprint::Entity::insert(marked.into_active_model()).exec_without_returning(work.tx()).await;
    made.map_err(|error| taken(error, "financed_fingerprint", "hash"))?;
    let next = receivable::Model {
        encumbrance: EncumbranceStatus::Locked,
        encumbered_minor: one.face_minor,
        ..one.row.clone()
    };
    let happened = Happened {
        amount_minor: one.face_minor,
        reference: Some(of.number.clone()),
        ..Happened::plainly(Kind::Locked)
    };
    changed(work, &one.row, next, happened).await.map(drop)
}

fn taken(error: sea_orm::DbErr, table: &str, column: &str) -> Error {
    if violates_unique(&error, table, &[column]) {
        return Refusal::new(ErrorCode::AlreadyEncumbered).at("id").into();
    }
    error.into()
}

/// Tells both sides that a request changed.
pub(super) async fn told(work: &mut Work, row: &request::Model) -> Result<(), Error> {
    let node = encode(row.id);
    let (kind, seller, financier) = (EventKind::FinancingRequestChanged, row.seller_id, row.financier_id);
    tell_both(work, kind, seller, financier, node.as_str(), row.version).await
}

/// A request that one side of it moves on, locked.
pub(super) async fn of_side(
    work: &Work,
    own: OrganisationId,
    seller: bool,
    id: FinancingRequestId,
) -> Result<request::Model, Error> {
    guarded::lock(work.tx(), "financing_request", &[id.0]).await?;
    let row = request::Entity::find_by_id(id).one(work.tx()).await?;
    let own = row.filter(|row| own == if seller { row.seller_id } else { row.financier_id });
    own.ok_or_else(|| not_found("id", encode(id).as_str()))
}

/// Moves a request on, and frees what it took when it came to nothing.
pub(super) async fn moved(
    work: &mut Work,
    before: &request::Model,
    step: RequestStep,
    next: request::Model,
) -> Result<request::Model, Error> {
    let state = step.from(before.state).map_err(|refusal| refusal.at("id"))?;
    let next = request::Model { state, version: before.version + 1, updated_at: work.now, ..next };
    let done = request::Entity::update_many()
        .set(next.clone().into_active_model().reset_all())
        .filter(request::Column::Id.eq(before.id))
        .filter(request::Column::Version.eq(before.version))
        .exec(work.tx())
        .await?;
    if done.rows_affected != 1 {
        return Err(stale());
    }
    if state.is_over() {
        freed(work, &next).await?;
    }
    told(work, &next).await?;
    Ok(next)
}

/// Frees the receivables of a request that came to nothing, their encumbrances and fingerprints, and its limits; offers
/// to it can be taken by nobody.
async fn freed(work: &mut Work, of: &request::Model) -> Result<(), Error> {
    let ended = encumbrance::Entity::find()
        .filter(encumbrance::Column::RequestId.eq(of.id))
        .filter(encumbrance::Column::Live.eq(true));
    let ids: Vec<ReceivableId> = ended.all(work.tx()).await?.into_iter().map(|row| row.receivable_id).collect();
    let rows = several(work, ReceivableSide::Seller, of.seller_id, &ids).await?;
    // What was financed before is again what it was then: free for programmes that refinance, and for no other.
    let before: Vec<ReceivableId> = financing::Entity::find()
        .select_only()
        .column(financing::Column::ReceivableId)
        .filter(financing::Column::ReceivableId.is_in(ids))
        .into_tuple()
        .all(work.tx())
        .await?;
    for row in &rows {
        let financed = before.contains(&row.id);
        let encumbrance = if financed { EncumbranceStatus::Released } else { EncumbranceStatus::Free };
        let next = receivable::Model { encumbrance, encumbered_minor: 0, ..row.clone() };
        let happened = Happened {
            amount_minor: row.encumbered_minor,
            reference: Some(of.number.clone()),
            ..Happened::plainly(Kind::Freed)
        };
        changed(work, row, next, happened).await?;
    }
    encumbrance::Entity::update_many()
        .col_expr(encumbrance::Column::Live, Expr::value(false))
        .col_expr(encumbrance::Column::EndedAt, Expr::value(work.now))
        .filter(encumbrance::Column::RequestId.eq(of.id))
        .filter(encumbrance::Column::Live.eq(true))
        .exec(work.tx())
        .await?;
    fingerprint::Entity::update_many()
        .col_expr(fingerprint::Column::State, Expr::value(FingerprintState::Cancelled))
        .col_expr(fingerprint::Column::UpdatedAt, Expr::value(work.now))
        .filter(fingerprint::Column::RequestId.eq(of.id))
        .exec(work.tx())
        .await?;
    offer::Entity::update_many()
        .col_expr(offer::Column::State, Expr::value(OfferState::Void))
        .filter(offer::Column::RequestId.eq(of.id))
        .filter(offer::Column::State.is_in([OfferState::Proposed, OfferState::Open]))
        .exec(work.tx())
        .await?;
    super::conditions::called_off(work, of).await?;
    limits::unblock(work, &of.number).await
}

/// What a financier does about a request before it makes an offer.
#[derive(Clone, Debug)]
pub enum Review {
    /// It looks at it.
    Begin,
    /// It wants to know more.
    Ask(String),
    /// It will not.
    Reject(String),
}

/// The financier looks at a request, wants to know more, or will not.
pub async fn review(
    app: &App,
    call: &Call,
    (id, expected): (FinancingRequestId, i32),
    what: &Review,
) -> Result<request::Model, Error> {
    let own = financier(call, Action::MakeFinancing)?;
    let (step, note) = match what {
        Review::Begin => (RequestStep::Review, None),
        Review::Ask(note) => (RequestStep::RequestInfo, Some(note)),
        Review::Reject(note) => (RequestStep::Reject, Some(note)),
    };
    let note = note.map(|note| text::paragraph(note, 500)).transpose().map_err(|refusal| refusal.at("note"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = of_side(&work, own, false, id).await?;
    fresh(row.version, expected)?;
    let next = request::Model { note: note.clone().or_else(|| row.note.clone()), ..row.clone() };
    let next = moved(&mut work, &row, step, next).await?;
    let shown = json!({ "state": next.state, "note": note });
    work.audit(Some(own), "reviewFinancingRequest", encode(id).0, json!({ "state": row.state }), shown);
    work.commit(next).await
}

/// What a seller does about its request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// It says what the financier wants to know.
    Supply(String),
    /// It does not want it any more.
    Withdraw(String),
    /// It calls it off after it took the offer.
    Cancel(String),
}

/// The seller says more, or does not want it any more.
pub async fn reply(
    app: &App,
    call: &Call,
    (id, expected): (FinancingRequestId, i32),
    what: &Reply,
) -> Result<request::Model, Error> {
    let own = acting(call, Action::RequestFinancing)?;
    let (step, said) = match what {
        Reply::Supply(said) => (RequestStep::SupplyInfo, said),
        Reply::Withdraw(said) => (RequestStep::Withdraw, said),
        Reply::Cancel(said) => (RequestStep::Cancel, said),
    };
    let said = text::paragraph(said, 500).map_err(|refusal| refusal.at("note"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = of_side(&work, own, true, id).await?;
    fresh(row.version, expected)?;
    let next = request::Model { answer: Some(said.clone()), ..row.clone() };
    let next = moved(&mut work, &row, step, next).await?;
    let shown = json!({ "state": next.state, "said": said });
    work.audit(Some(own), "replyToFinancingRequest", encode(id).0, json!({ "state": row.state }), shown);
    work.commit(next).await
}

/// The financier calls off what was agreed, before anything is paid out.
pub async fn cancel(
    app: &App,
    call: &Call,
    (id, expected): (FinancingRequestId, i32),
    reason: &str,
) -> Result<request::Model, Error> {
    let own = financier(call, Action::CheckFinancing)?;
    let reason = text::paragraph(reason, 500).map_err(|refusal| refusal.at("note"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = of_side(&work, own, false, id).await?;
    fresh(row.version, expected)?;
    let next = request::Model { note: Some(reason.clone()), ..row.clone() };
    let next = moved(&mut work, &row, RequestStep::Cancel, next).await?;
    work.audit(Some(own), "cancelFinancing", encode(id).0, Value::Null, json!({ "reason": reason }));
    work.commit(next).await
}

/// Requests that the viewer may see, newest first.
pub async fn list(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    (state, programme): (Option<RequestState>, Option<FinancingProgrammeId>),
    page: &PageArgs,
) -> Result<Page<request::Model>, Error> {
    let only = Condition::all()
        .add_option(state.map(|state| request::Column::State.eq(state)))
        .add_option(programme.map(|id| request::Column::ProgrammeId.eq(id)));
    let list = request::Entity::visible_to(viewer).filter(only);
    page.by_id(db, list, request::Column::Id, NEWEST, Order::Desc).await
}

/// The cursor of a request in that list.
pub fn cursor(row: &request::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// A request; none when there is none or it may not be seen.
pub async fn find(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    id: FinancingRequestId,
) -> Result<Option<request::Model>, Error> {
    Ok(request::Entity::visible_to(viewer).filter(request::Column::Id.eq(id)).one(db).await?)
}

/// What a request is about, in its order, at most 500; who sees the request sees it, the receivables as far as they may
/// be seen still.
pub async fn items(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    id: FinancingRequestId,
) -> Result<Vec<(item::Model, Option<receivable::Model>)>, Error> {
    let items = item::Entity::find().filter(item::Column::RequestId.eq(id)).order_by_asc(item::Column::Position);
    let items = items.all(db).await?;
    let ids = items.iter().map(|one| one.receivable_id);
    let rows = receivable::Entity::visible_to(viewer).filter(receivable::Column::Id.is_in(ids));
    let mut rows: HashMap<ReceivableId, receivable::Model> =
        rows.all(db).await?.into_iter().map(|row| (row.id, row)).collect();
    let both = |one: item::Model| {
        let row = rows.remove(&one.receivable_id);
        (one, row)
    };
    Ok(items.into_iter().map(both).collect())
}
