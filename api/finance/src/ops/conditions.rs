//! What has to be done before money is paid out: the registry is searched and the assignment or pledge stands in it,
//! debtors are told and acknowledge ([`super::notices`]), the contract is signed.
//!
//! Whoever meets a condition holds the lock of its request, and in the transaction that meets the last one the request
//! is ready: it is so once, in whichever order they come. The registry is searched while no transaction is open, and
//! what is filed there is filed by jobs ([`crate::registry::filing`]). What is called off is taken out of the registry
//! by a job that is written with it: it stands there until that is done, and never after.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;
use entities::{
    finance::{
        ConditionKind, NoticeState, RegistrationKind, RegistrationState, RegistrationStep, RequestState, RequestStep,
        condition::{self, Detail},
        notice, programme, receivable,
        registry::{self, Claim, Hit, Hits},
        request::{self, item},
        tsin::Party,
    },
    party::{Action, organisation},
    values::{
        ErrorCode, Locale, Refusal,
        id::{FinancingRequestId, OrganisationId, ReceivableId},
        refusal as text,
    },
};
use platform::{
    app::{App, Call, Work},
    clock::business_day,
    error::{Error, fresh, stale},
    graphql::encode,
};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use serde_json::{Value, json};

use super::{
    notices,
    programmes::financier,
    requests::{moved, of_side},
};
use crate::registry::{
    Search,
    filing::{FileAtRegistry, Filing},
};

/// Longest number of a contract.
const LONGEST: usize = 80;

/// What a request is about, in its order.
pub(super) async fn items_of(db: &impl ConnectionTrait, id: FinancingRequestId) -> Result<Vec<item::Model>, Error> {
    let rows = item::Entity::find().filter(item::Column::RequestId.eq(id)).order_by_asc(item::Column::Position);
    Ok(rows.all(db).await?)
}

/// The receivables of items.
pub(super) async fn receivables_of(
    db: &impl ConnectionTrait,
    items: &[item::Model],
) -> Result<HashMap<ReceivableId, receivable::Model>, Error> {
    let ids = items.iter().map(|item| item.receivable_id);
    let rows = receivable::Entity::find().filter(receivable::Column::Id.is_in(ids));
    Ok(rows.all(db).await?.into_iter().map(|row| (row.id, row)).collect())
}

/// Organisations as the registry and notices name them: by their unified social credit codes, or their ids.
pub(super) struct Parties(HashMap<OrganisationId, Party>);

impl Parties {
    pub(super) async fn read(db: &impl ConnectionTrait, ids: BTreeSet<OrganisationId>) -> Result<Self, Error> {
        let rows = organisation::Entity::find().filter(organisation::Column::Id.is_in(ids));
        let zh = Locale::zh_cn();
        let named = |row: organisation::Model| {
            let code = row.uscc.as_ref().map_or_else(|| encode(row.id).0, |code| code.as_str().to_owned());
            (row.id, Party { code, name: row.name.read(&zh).unwrap_or_default().to_owned() })
        };
        Ok(Self(rows.all(db).await?.into_iter().map(named).collect()))
    }

    pub(super) fn of(&self, id: OrganisationId) -> Result<Party, Error> {
        self.0.get(&id).cloned().ok_or_else(|| Error::internal("an organisation is gone"))
    }
}

/// Who assigns or pledges, and who secures himself with it.
pub(crate) async fn sides(db: &impl ConnectionTrait, of: &request::Model) -> Result<(Party, Party), Error> {
    let parties = Parties::read(db, BTreeSet::from([of.seller_id, of.financier_id])).await?;
    Ok((parties.of(of.seller_id)?, parties.of(of.financier_id)?))
}

/// The claims of a request. `now`: as much of them as is still outstanding, not as much as was asked for.
async fn claims(db: &impl ConnectionTrait, of: &request::Model, now: bool) -> Result<Vec<Claim>, Error> {
    let items = items_of(db, of.id).await?;
    let rows = receivables_of(db, &items).await?;
    let parties = Parties::read(db, items.iter().map(|item| item.debtor_id).collect()).await?;
    let mut claims = Vec::with_capacity(items.len());
    for item in &items {
        let row = rows.get(&item.receivable_id).ok_or_else(|| Error::internal("a receivable is gone"))?;
        let minor = if now { Ord::min(item.face_minor, row.outstanding_minor()) } else { item.face_minor };
        claims.push(Claim {
            debtor: parties.of(item.debtor_id)?,
            code: row.invoice_code.clone(),
            no: row.invoice_no.clone(),
            issued_on: row.issue_date,
            due_on: row.due_date,
            minor,
        });
    }
    Ok(claims)
}

/// What a registration of a request is about, as its claims are now.
pub(crate) async fn collateral_now(
    db: &impl ConnectionTrait,
    of: &request::Model,
    kind: RegistrationKind,
) -> Result<String, Error> {
    let (grantor, _) = sides(db, of).await?;
    Ok(registry::collateral(kind, &grantor, of.currency, &claims(db, of, true).await?))
}

/// Says what has to be done before money is paid out, in the transaction in which the offer is taken: conditions, what
/// the registry is to know, a draft for each debtor that is to be told. The request waits for it.
pub(super) async fn begin(work: &mut Work, of: &request::Model) -> Result<request::Model, Error> {
    let programme = programme::Entity::find_by_id(of.programme_id).one(work.tx()).await?;
    let technique = programme.ok_or_else(|| Error::internal("a request is in no programme"))?.technique;
    for kind in condition::required(technique, of.terms.disclosed) {
        let row = condition::Model { request_id: of.id, kind, met_at: None, by: None, reference: None, detail: None };
        condition::Entity::insert(row.into_active_model()).exec_without_returning(work.tx()).await?;
    }
    let kind = RegistrationKind::of(technique);
    let (grantor, _) = sides(work.tx(), of).await?;
    let record = registry::Model {
        request_id: of.id,
        kind,
        state: RegistrationState::None,
        collateral: registry::collateral(kind, &grantor, of.currency, &claims(work.tx(), of, false).await?),
        cert_no: None,
        search_cert_no: None,
        searched_at: None,
        hits: None,
        filed_at: None,
        expires_on: None,
        failure: None,
        version: 1,
        created_at: work.now,
        updated_at: work.now,
    };
    registry::Entity::insert(record.into_active_model()).exec_without_returning(work.tx()).await?;
    if of.terms.disclosed {
        notices::draft(work, of, None).await?;
    }
    moved(work, of, RequestStep::Await, of.clone()).await
}

/// What of it is not done: conditions that are not met; notices too when a debtor objects.
async fn missing(work: &Work, id: FinancingRequestId) -> Result<Vec<ConditionKind>, Error> {
    let open = condition::Entity::find()
        .filter(condition::Column::RequestId.eq(id))
        .filter(condition::Column::MetAt.is_null());
    let mut kinds: BTreeSet<ConditionKind> = open.all(work.tx()).await?.into_iter().map(|row| row.kind).collect();
    let objected = notice::Entity::find()
        .filter(notice::Column::RequestId.eq(id))
        .filter(notice::Column::State.eq(NoticeState::Objected));
    if objected.one(work.tx()).await?.is_some() {
        kinds.insert(ConditionKind::Notice);
    }
    Ok(kinds.into_iter().collect())
}

fn undone(kinds: &[ConditionKind]) -> Error {
    let names: Vec<String> = kinds.iter().map(|kind| kind.name()).collect();
    Refusal::new(ErrorCode::ConditionsPending).with("conditions", names.join(",")).at("id").into()
}

/// Refused unless money may be paid out on a request now: everything is done, and the registry was searched less than a
/// day ago and found clean (A4, 6). For whoever notes that it was paid out, under the request's lock.
pub async fn demand(work: &Work, of: &request::Model) -> Result<(), Error> {
    let mut kinds = missing(work, of.id).await?;
    let record = registry::Entity::find_by_id(of.id).one(work.tx()).await?;
    let searched = record.is_some_and(|record| record.is_clear() && record.is_fresh(work.now));
    if !searched && !kinds.contains(&ConditionKind::RegistrySearch) {
        kinds.push(ConditionKind::RegistrySearch);
    }
    if kinds.is_empty() { Ok(()) } else { Err(undone(&kinds)) }
}

/// Notes that a condition is met, or is not any more; which a request does not have is nobody's business.
async fn noted(
    work: &Work,
    id: FinancingRequestId,
    kind: ConditionKind,
    met: bool,
    (reference, detail): (Option<String>, Option<Detail>),
) -> Result<(), Error> {
    let Some(row) = condition::Entity::find_by_id((id, kind)).one(work.tx()).await? else { return Ok(()) };
    let by = Some(work.viewer().subject());
    let next = condition::Model { met_at: met.then_some(work.now), by, reference, detail, ..row };
    condition::Entity::update(next.into_active_model().reset_all()).exec(work.tx()).await?;
    Ok(())
}

/// Notes that a condition is met, and makes the request ready when it was the last one. The request is locked.
pub(crate) async fn met(
    work: &mut Work,
    of: &request::Model,
    kind: ConditionKind,
    reference: Option<String>,
    detail: Option<Detail>,
) -> Result<request::Model, Error> {
    noted(work, of.id, kind, true, (reference, detail)).await?;
    prepare(work, of).await
}

/// Makes a request ready when nothing is missing. The request is locked.
pub(super) async fn prepare(work: &mut Work, of: &request::Model) -> Result<request::Model, Error> {
    if of.state != RequestState::ConditionsPending || !missing(work, of.id).await?.is_empty() {
        return Ok(of.clone());
    }
    moved(work, of, RequestStep::Prepare, of.clone()).await
}

/// Writes a record of the registry as it is now.
pub(crate) async fn written(
    work: &Work,
    before: &registry::Model,
    next: registry::Model,
) -> Result<registry::Model, Error> {
    let next = registry::Model { version: before.version + 1, updated_at: work.now, ..next };
    let done = registry::Entity::update_many()
        .set(next.clone().into_active_model().reset_all())
        .filter(registry::Column::RequestId.eq(before.request_id))
        .filter(registry::Column::Version.eq(before.version))
        .exec(work.tx())
        .await?;
    if done.rows_affected == 1 { Ok(next) } else { Err(stale()) }
}

/// A request to the financier, locked, with what the registry knows of it; `does`: what is refused before an offer was
/// taken.
async fn of_financier(
    work: &Work,
    own: OrganisationId,
    (id, expected): (FinancingRequestId, i32),
    does: &str,
) -> Result<(request::Model, registry::Model), Error> {
    let request = of_side(work, own, false, id).await?;
    fresh(request.version, expected)?;
    let record = registry::Entity::find_by_id(id).one(work.tx()).await?;
    let record = record.ok_or_else(|| Refusal::illegal(request.state, does).at("id"))?;
    Ok((request, record))
}

/// Refused when the registry is not searched for a request any more, or not yet.
fn searchable(of: &request::Model, record: &registry::Model) -> Result<RegistrationState, Error> {
    if !matches!(of.state, RequestState::ConditionsPending | RequestState::Ready) {
        return Err(Refusal::illegal(of.state, "SEARCH").at("id").into());
    }
    Ok(record.state.searched().map_err(|refusal| refusal.at("id"))?)
}

/// Searches the registry: what it finds of others that names these claims stands against paying money out. Can be done
/// again at any time until then; the last search counts.
pub async fn search(app: &App, call: &Call, id: (FinancingRequestId, i32)) -> Result<request::Model, Error> {
    let own = financier(call, Action::MakeFinancing)?;
    let work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (request, record) = of_financier(&work, own, id, "SEARCH").await?;
    searchable(&request, &record)?;
    let (grantor, secured) = sides(work.tx(), &request).await?;
    let claims = claims(work.tx(), &request, false).await?;
    // Nothing is asked outside while a transaction is open: what it is decided on is looked at once more behind it.
    drop(work);
    let asked = crate::registry::of(app).search(&Search { grantor, secured }).await;
    let found = asked.map_err(|failure| Error::Unavailable(failure.told().into()))?;
    let seen = |entry: crate::registry::Entry| Hit {
        registered_at: entry.registered_at,
        expires_on: entry.expires_on,
        own: entry.own,
        same: registry::names(&entry.collateral, &claims),
    };
    let hits = Hits(found.hits.into_iter().map(seen).collect());
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (request, record) = of_financier(&work, own, id, "SEARCH").await?;
    let state = searchable(&request, &record)?;
    let against = hits.against();
    let shown = json!({ "certificate": found.certificate, "hits": hits.0.len(), "against": against });
    let next = registry::Model {
        state,
        search_cert_no: Some(found.certificate.clone()),
        searched_at: Some(found.at),
        hits: Some(hits),
        ..record.clone()
    };
    written(&work, &record, next).await?;
    let detail = Detail { against: i32::try_from(against).ok(), ..Detail::default() };
    let of = (Some(found.certificate), Some(detail));
    noted(&work, request.id, ConditionKind::RegistrySearch, against == 0, of).await?;
    let next = prepare(&mut work, &request).await?;
    work.audit(Some(own), "searchRegistry", encode(request.id).0, Value::Null, shown);
    work.commit(next).await
}

/// Sends the assignment or pledge to the registry, after a search that found it clean. The registry's answer comes
/// later.
pub async fn register(
    app: &App,
    call: &Call,
    id: (FinancingRequestId, i32),
    until: Option<NaiveDate>,
) -> Result<request::Model, Error> {
    let own = financier(call, Action::MakeFinancing)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (request, record) = of_financier(&work, own, id, "REGISTER").await?;
    if request.state != RequestState::ConditionsPending {
        return Err(Refusal::illegal(request.state, "REGISTER").at("id").into());
    }
    let state = RegistrationStep::Submit.from(record.state).map_err(|refusal| refusal.at("id"))?;
    if !record.is_clear() {
        return Err(Refusal::new(ErrorCode::AlreadyEncumbered).at("id").into());
    }
    if !record.is_fresh(work.now) {
        return Err(undone(&[ConditionKind::RegistrySearch]));
    }
    let today = business_day(work.now);
    let last_due = items_of(work.tx(), request.id).await?.iter().map(|item| item.due_on).max().unwrap_or(today);
    let expires_on =
        registry::term(today, until, last_due, request.terms.grace_days).map_err(|refusal| refusal.at("expiresOn"))?;
    let next = registry::Model { state, expires_on: Some(expires_on), failure: None, ..record.clone() };
    written(&work, &record, next).await?;
    work.enqueue(&FileAtRegistry { request: request.id, filing: Filing::Register }).await?;
    let shown = json!({ "state": state, "expiresOn": expires_on });
    work.audit(Some(own), "registerFinancing", encode(request.id).0, json!({ "state": record.state }), shown);
    work.commit(request).await
}

/// What is filed later of what stands in the registry.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    /// What it is about is said anew, as it is outstanding now.
    Amend,
    /// It lasts until then.
    Extend(NaiveDate),
}

/// Has what stands in the registry changed. The registry's answer comes later.
pub async fn change(
    app: &App,
    call: &Call,
    id: (FinancingRequestId, i32),
    what: Change,
) -> Result<request::Model, Error> {
    let own = financier(call, Action::MakeFinancing)?;
    let (does, name) = match what {
        Change::Amend => (RegistrationStep::Amend, "amendRegistration"),
        Change::Extend(_) => (RegistrationStep::Extend, "extendRegistration"),
    };
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (request, record) = of_financier(&work, own, id, "REGISTER").await?;
    does.from(record.state).map_err(|refusal| refusal.at("id"))?;
    if request.state.is_over() {
        return Err(Refusal::illegal(request.state, "REGISTER").at("id").into());
    }
    let filing = match what {
        Change::Amend => Filing::Amend,
        Change::Extend(until) => {
            let today = business_day(work.now);
            let longer = registry::longer(today, record.expires_on.unwrap_or(today), until);
            Filing::Extend { until: longer.map_err(|refusal| refusal.at("expiresOn"))? }
        }
    };
    work.enqueue(&FileAtRegistry { request: request.id, filing }).await?;
    let shown = json!({ "filing": filing, "certificate": record.cert_no });
    work.audit(Some(own), name, encode(request.id).0, json!({ "expiresOn": record.expires_on }), shown);
    work.commit(request).await
}

/// A contract that is signed.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Contract {
    pub number: String,
    pub sha256: String,
    pub signed_on: NaiveDate,
}

/// Notes that the contract is signed: by its number, and by the hash of what was signed.
pub async fn record_contract(
    app: &App,
    call: &Call,
    (id, expected): (FinancingRequestId, i32),
    contract: &Contract,
) -> Result<request::Model, Error> {
    let own = financier(call, Action::MakeFinancing)?;
    let number = text::line(&contract.number, LONGEST).map_err(|refusal| refusal.at("number"))?;
    let sha256 = text::sha256(&contract.sha256.trim().to_ascii_lowercase()).map_err(|refusal| refusal.at("sha256"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (request, _) = of_financier(&work, own, (id, expected), "SIGN").await?;
    if request.state != RequestState::ConditionsPending {
        return Err(Refusal::illegal(request.state, "SIGN").at("id").into());
    }
    if contract.signed_on > business_day(work.now) {
        let later = Refusal::new(ErrorCode::InvalidValue).with("value", contract.signed_on.to_string());
        return Err(later.at("signedOn").into());
    }
    let detail = Detail { sha256: Some(sha256.clone()), signed_on: Some(contract.signed_on), ..Detail::default() };
    let next = met(&mut work, &request, ConditionKind::Contract, Some(number.clone()), Some(detail)).await?;
    let shown = json!({ "number": number, "sha256": sha256, "signedOn": contract.signed_on, "state": next.state });
    work.audit(Some(own), "recordFinancingContract", encode(id).0, json!({ "state": request.state }), shown);
    work.commit(next).await
}

/// What follows when a request comes to nothing: debtors that were told learn that it does not hold, and what may stand
/// in the registry is taken away.
pub(super) async fn called_off(work: &mut Work, of: &request::Model) -> Result<(), Error> {
    notices::revoke(work, of.id).await?;
    unregister(work, of.id).await
}

/// Has what may stand in the registry of a request taken away, by a job. For what was called off, and for what is paid
/// back.
pub async fn unregister(work: &mut Work, id: FinancingRequestId) -> Result<(), Error> {
    let record = registry::Entity::find_by_id(id).one(work.tx()).await?;
    if record.is_some_and(|record| record.state.may_be_filed()) {
        work.enqueue(&FileAtRegistry { request: id, filing: Filing::Cancel }).await?;
    }
    Ok(())
}

/// What has to be done for requests, by request, in the order in which it is told.
pub async fn of(
    db: &impl ConnectionTrait,
    ids: &[FinancingRequestId],
) -> Result<HashMap<FinancingRequestId, Vec<condition::Model>>, Error> {
    let rows = condition::Entity::find().filter(condition::Column::RequestId.is_in(ids.iter().copied()));
    let mut rows = rows.all(db).await?;
    rows.sort_by_key(|row| row.kind);
    let mut found: HashMap<FinancingRequestId, Vec<condition::Model>> = HashMap::new();
    for row in rows {
        found.entry(row.request_id).or_default().push(row);
    }
    Ok(found)
}

/// What the registry knows of requests; it is their financiers' business.
pub async fn records(
    db: &impl ConnectionTrait,
    ids: &[FinancingRequestId],
) -> Result<HashMap<FinancingRequestId, registry::Model>, Error> {
    let rows = registry::Entity::find().filter(registry::Column::RequestId.is_in(ids.iter().copied()));
    Ok(rows.all(db).await?.into_iter().map(|row| (row.request_id, row)).collect())
}
