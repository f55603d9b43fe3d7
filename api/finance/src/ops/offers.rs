//! Offers of financiers: made by one person, approved by another, taken by the seller with the hash of what they say, or
//! run out.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use entities::{
    finance::{
        OfferState, OfferStep, RequestState, RequestStep,
        offer::{self, MOST_DAYS, Said, SaidItem},
        quote::{Item, quote},
        request::{self, item},
        terms::Terms,
    },
    party::{Action, Viewer},
    procurement::receivable::canonical,
    values::{
        ErrorCode, Refusal,
        id::{FinancingOfferId, FinancingRequestId},
        refusal as text,
    },
};
use platform::{
    app::{App, Call, Work, acting},
    error::{Error, fresh, not_found, stale},
    graphql::encode,
    vault::sha256_hex,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde_json::{Value, json};

use super::{
    conditions,
    programmes::financier,
    requests::{moved, of_side},
};
use crate::jobs::BY;

/// Most offers that run out in one transaction.
const SWEPT: u64 = 100;

/// What a financier offers. What is left out is as the request has it.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Made {
    pub request: FinancingRequestId,
    pub expected_version: i32,
    pub advance_ppm: Option<i32>,
    pub rate_ppm: Option<i32>,
    pub fee_ppm: Option<i32>,
    pub days: i32,
}

/// What an offer says in canonical form: whoever takes it takes this.
fn said(
    request: &request::Model,
    items: &[item::Model],
    terms: &Terms,
    quote: &entities::finance::quote::Quote,
    expires_at: DateTime<Utc>,
) -> Result<String, Error> {
    let said = Said {
        request: &request.number,
        currency: request.currency.code(),
        funded_on: quote.funded_on.to_string(),
        expires_at: expires_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        face: quote.face_minor,
        principal: quote.principal_minor,
        interest: quote.interest_minor,
        fee: quote.fee.gross_minor,
        disbursed: quote.disbursed_minor,
        receivables: items
            .iter()
            .zip(&quote.items)
            .map(|(item, of)| SaidItem {
                id: encode(item.receivable_id).0,
                face: of.face_minor,
                principal: of.principal_minor,
                due_on: of.due_on.to_string(),
            })
            .collect(),
        terms: terms.frozen(),
    };
    canonical(&said).map_err(Error::internal)
}

async fn items_of(db: &impl ConnectionTrait, id: FinancingRequestId) -> Result<Vec<item::Model>, Error> {
    let rows = item::Entity::find().filter(item::Column::RequestId.eq(id)).order_by_asc(item::Column::Position);
    Ok(rows.all(db).await?)
}

/// Makes an offer to a request that is looked at; somebody else has to approve it before the seller sees it.
pub async fn make(app: &App, call: &Call, made: &Made) -> Result<offer::Model, Error> {
    let own = financier(call, Action::MakeFinancing)?;
    if !(1..=MOST_DAYS).contains(&made.days) {
        let range = Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", MOST_DAYS.to_string());
        return Err(range.at("days").into());
    }
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let request = of_side(&work, own, false, made.request).await?;
    fresh(request.version, made.expected_version)?;
    if request.state != RequestState::UnderReview {
        return Err(Refusal::illegal(request.state, "OFFER").at("requestId").into());
    }
    let waiting = offer::Entity::find()
        .filter(offer::Column::RequestId.eq(request.id))
        .filter(offer::Column::State.eq(OfferState::Proposed));
    if waiting.one(work.tx()).await?.is_some() {
        return Err(Refusal::new(ErrorCode::ChangePending).at("requestId").into());
    }
    let terms = Terms {
        advance_ppm: made.advance_ppm.unwrap_or(request.terms.advance_ppm),
        rate_ppm: made.rate_ppm.unwrap_or(request.terms.rate_ppm),
        fee_ppm: made.fee_ppm.unwrap_or(request.terms.fee_ppm),
        ..request.terms.clone()
    };
    terms.check()?;
    // What is blocked of the limits is what was asked for: no offer is over more.
    if terms.advance_ppm > request.terms.advance_ppm {
        let range = Refusal::new(ErrorCode::OutOfRange).with("min", "1");
        return Err(range.with("max", request.terms.advance_ppm.to_string()).at("advancePpm").into());
    }
    let items = items_of(work.tx(), request.id).await?;
    let over: Vec<Item> = items.iter().map(|one| Item { face_minor: one.face_minor, due_on: one.due_on }).collect();
    let quote = quote(&terms, request.currency, &over, request.wanted_on)?;
    let expires_at = work.now + Duration::days(i64::from(made.days));
    let row = offer::Model {
        id: FinancingOfferId::new(work.now),
        request_id: request.id,
        state: OfferState::Proposed,
        terms_sha256: sha256_hex(said(&request, &items, &terms, &quote, expires_at)?.as_bytes()),
        terms,
        quote,
        expires_at,
        made_by: work.viewer().subject(),
        maker_id: work.viewer().person(),
        checked_by: None,
        reason: None,
        accepted_by: None,
        accepted_at: None,
        version: 1,
        created_at: work.now,
    };
    offer::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await?;
    let shown = json!({ "request": request.number, "terms": row.terms, "sha256": row.terms_sha256 });
    work.audit(Some(own), "makeFinancingOffer", encode(row.id).0, Value::Null, shown);
    work.commit(row).await
}

/// An offer with its request, whose lock comes first.
async fn with_request(
    work: &Work,
    own: entities::values::id::OrganisationId,
    seller: bool,
    id: FinancingOfferId,
) -> Result<(offer::Model, request::Model), Error> {
    let unknown = || not_found("id", encode(id).as_str());
    let seen = offer::Entity::find_by_id(id).one(work.tx()).await?.ok_or_else(unknown)?;
    let request = of_side(work, own, seller, seen.request_id).await.map_err(|_| unknown())?;
    // Read again under the lock of its request.
    let row = offer::Entity::find_by_id(id).one(work.tx()).await?.ok_or_else(unknown)?;
    // What a second person has not approved does not exist for the seller.
    if seller && matches!(row.state, OfferState::Proposed | OfferState::Refused) {
        return Err(unknown());
    }
    Ok((row, request))
}

async fn written(work: &Work, before: &offer::Model, next: offer::Model) -> Result<offer::Model, Error> {
    let next = offer::Model { version: before.version + 1, ..next };
    let done = offer::Entity::update_many()
        .set(next.clone().into_active_model().reset_all())
        .filter(offer::Column::Id.eq(before.id))
        .filter(offer::Column::Version.eq(before.version))
        .exec(work.tx())
        .await?;
    if done.rows_affected == 1 { Ok(next) } else { Err(stale()) }
}

/// A second person approves an offer, and the seller can take it; or does not. Who made it does not decide.
pub async fn check(
    app: &App,
    call: &Call,
    (id, expected): (FinancingOfferId, i32),
    approve: bool,
    reason: Option<&str>,
) -> Result<offer::Model, Error> {
    let own = financier(call, Action::CheckFinancing)?;
    let reason = text::given(reason).map(|reason| text::paragraph(reason, 300)).transpose();
    let reason = reason.map_err(|refusal| refusal.at("reason"))?;
    if !approve && reason.is_none() {
        return Err(Refusal::new(ErrorCode::Required).at("reason").into());
    }
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (row, request) = with_request(&work, own, false, id).await?;
    fresh(row.version, expected)?;
    let step = if approve { OfferStep::Approve } else { OfferStep::Refuse };
    let state = step.from(row.state).map_err(|refusal| refusal.at("id"))?;
    if row.made_by == work.viewer().subject() {
        return Err(Refusal::new(ErrorCode::MakerChecker).at("id").into());
    }
    if approve && row.expires_at <= work.now {
        return Err(over(&row));
    }
    let next = offer::Model { state, checked_by: Some(work.viewer().subject()), reason, ..row.clone() };
    let next = written(&work, &row, next).await?;
    if approve {
        moved(&mut work, &request, RequestStep::Offer, request.clone()).await?;
    }
    let shown = json!({ "state": next.state, "reason": next.reason });
    work.audit(Some(own), "checkFinancingOffer", encode(id).0, json!({ "state": row.state }), shown);
    work.commit(next).await
}

fn over(row: &offer::Model) -> Error {
    let until = row.expires_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    Refusal::new(ErrorCode::OfferExpired).with("until", until).at("id").into()
}

/// The seller takes an offer: what it read, by its hash.
pub async fn accept(app: &App, call: &Call, id: FinancingOfferId, terms_sha256: &str) -> Result<offer::Model, Error> {
    let own = acting(call, Action::AcceptFinancing)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (row, request) = with_request(&work, own, true, id).await?;
    let state = OfferStep::Accept.from(row.state).map_err(|refusal| refusal.at("id"))?;
    if row.expires_at <= work.now {
        return Err(over(&row));
    }
    if row.terms_sha256 != terms_sha256.trim().to_ascii_lowercase() {
        return Err(Refusal::new(ErrorCode::TermsChanged).at("termsSha256").into());
    }
    let next =
        offer::Model { state, accepted_by: Some(work.viewer().subject()), accepted_at: Some(work.now), ..row.clone() };
    let next = written(&work, &row, next).await?;
    let request = moved(&mut work, &request, RequestStep::Accept, request.clone()).await?;
    conditions::begin(&mut work, &request).await?;
    work.audit(Some(own), "acceptFinancingOffer", encode(id).0, Value::Null, json!({ "sha256": row.terms_sha256 }));
    work.commit(next).await
}

/// The seller does not take an offer: its receivables are free again.
pub async fn decline(
    app: &App,
    call: &Call,
    (id, expected): (FinancingOfferId, i32),
    reason: &str,
) -> Result<offer::Model, Error> {
    let own = acting(call, Action::AcceptFinancing)?;
    let reason = text::paragraph(reason, 300).map_err(|refusal| refusal.at("reason"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (row, request) = with_request(&work, own, true, id).await?;
    fresh(row.version, expected)?;
    let state = OfferStep::Decline.from(row.state).map_err(|refusal| refusal.at("id"))?;
    let next = written(&work, &row, offer::Model { state, reason: Some(reason.clone()), ..row.clone() }).await?;
    moved(&mut work, &request, RequestStep::Decline, request.clone()).await?;
    work.audit(Some(own), "declineFinancingOffer", encode(id).0, Value::Null, json!({ "reason": reason }));
    work.commit(next).await
}

/// Lets offers run out that nobody took in time. Answers with how many.
pub async fn expire_due(app: &App, now: DateTime<Utc>) -> Result<u64, Error> {
    let due = offer::Entity::find()
        .filter(offer::Column::State.is_in([OfferState::Open, OfferState::Proposed]))
        .filter(offer::Column::ExpiresAt.lte(now))
        .order_by_asc(offer::Column::ExpiresAt)
        .limit(SWEPT);
    let mut done = 0;
    for seen in due.all(app.db().read()).await? {
        // One transaction each: a request that somebody holds does not keep the others.
        let mut work = app.begin(&Call::unasked(BY)).await?;
        platform::guarded::lock(work.tx(), "financing_request", &[seen.request_id.0]).await?;
        let Some(row) = offer::Entity::find_by_id(seen.id).one(work.tx()).await? else { continue };
        let Some(request) = request::Entity::find_by_id(row.request_id).one(work.tx()).await? else { continue };
        match row.state {
            OfferState::Open => {
                let state = OfferStep::Expire.from(row.state)?;
                written(&work, &row, offer::Model { state, ..row.clone() }).await?;
                moved(&mut work, &request, RequestStep::Expire, request.clone()).await?;
            }
            // Nobody approved it in time: the request is still looked at.
            OfferState::Proposed => {
                let state = OfferStep::Void.from(row.state)?;
                written(&work, &row, offer::Model { state, ..row.clone() }).await?;
            }
            _ => continue,
        }
        work.commit(()).await?;
        done += 1;
    }
    Ok(done)
}

/// The offers to requests, the newest first of each: all to who gives the money, to the seller those that were approved.
pub async fn of(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    ids: &[FinancingRequestId],
) -> Result<HashMap<FinancingRequestId, Vec<offer::Model>>, Error> {
    let seen = request::Entity::visible_to(viewer).filter(request::Column::Id.is_in(ids.iter().copied()));
    let seen = seen.all(db).await?;
    let inside = |row: &request::Model| viewer.oversees() || viewer.organisation() == Some(row.financier_id);
    let of = |all: bool| seen.iter().filter(move |row| inside(row) == all).map(|row| row.id).collect::<Vec<_>>();
    let told = Condition::all()
        .add(offer::Column::RequestId.is_in(of(false)))
        .add(offer::Column::State.is_not_in([OfferState::Proposed, OfferState::Refused]));
    let only = Condition::any().add(offer::Column::RequestId.is_in(of(true))).add(told);
    let rows = offer::Entity::find().filter(only).order_by_desc(offer::Column::Id);
    let mut found: HashMap<FinancingRequestId, Vec<offer::Model>> = HashMap::new();
    for row in rows.all(db).await? {
        found.entry(row.request_id).or_default().push(row);
    }
    Ok(found)
}
