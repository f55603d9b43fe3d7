//! Disbursements: the bank reports that it paid out what was agreed.
//!
//! Agreed are the terms, by the hash of the offer that was taken. Paid out on the day that the offer names it is what
//! the offer says; on a later day the same terms are reckoned from that day.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use entities::{
    finance::{
        Ineligibility, OfferState, ReceivableSide, RequestStep,
        financing::{self, FactKind, FinancingState, PostingKind, fact},
        ledger, offer, programme,
        quote::{Item, Quote, quote},
        receivable,
        request::{self, item},
        settlement::{Opening, Position},
    },
    party::Action,
    values::{
        ErrorCode, Money, Refusal, Refusals,
        id::{FinancingFactId, FinancingId, FinancingRequestId, OrganisationId},
    },
};
use platform::{
    app::{App, Call, Work},
    clock::business_day,
    error::Error,
    graphql::encode,
};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use serde_json::{Value, json};

use super::{
    books::{self, Posting},
    dated, holding, note, of_request, other_words, reference, remark, utilised,
};
use crate::ops::{
    conditions,
    programmes::financier,
    receivables::several,
    requests::{moved, of_side},
    standing::Standing,
};

/// What a bank reports that it paid out.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Disbursement {
    pub request: FinancingRequestId,
    pub terms_sha256: String,
    pub amount: Money,
    pub on: NaiveDate,
    pub bank_reference: String,
    pub note: Option<String>,
}

/// Its reference and note as they are kept.
struct Words {
    reference: String,
    note: Option<String>,
}

/// Notes that what was agreed was paid out: from then on interest runs, limits are used, and the receivables are the
/// bank's or secure what it gave. Answers with a financing for each receivable.
pub async fn report(app: &App, call: &Call, said: &Disbursement) -> Result<Vec<financing::Model>, Error> {
    let own = financier(call, Action::MakeFinancing)?;
    let words =
        Words { reference: reference(&said.bank_reference, "bankReference")?, note: remark(said.note.as_deref())? };
    let today = business_day(app.clock().now());
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let request = of_side(&work, own, false, said.request).await.map_err(|error| error.of("requestId"))?;
    if let Some(before) = told_before(&work, own, &request, said, &words.reference).await? {
        return work.commit(before).await;
    }
    RequestStep::Disburse.from(request.state).map_err(|refusal| refusal.at("requestId"))?;
    conditions::demand(&work, &request).await.map_err(|error| error.of("requestId"))?;
    let offer = agreed(&work, &request, &said.terms_sha256).await?;
    dated(said.on, (offer.quote.funded_on, today))?;
    let items = item::Entity::find().filter(item::Column::RequestId.eq(request.id));
    let items = items.order_by_asc(item::Column::Position).all(work.tx()).await?;
    let quote = reckoned(&request, &offer, &items, said.on)?;
    amount_is(&request, &quote, said.amount)?;
    let ids: Vec<_> = items.iter().map(|one| one.receivable_id).collect();
    let rows = several(&work, ReceivableSide::Seller, request.seller_id, &ids).await?;
    still_good(&work, &request, &items, &rows).await?;
    let programme = programme::Entity::find_by_id(request.programme_id).one(work.tx()).await?;
    let pledged = programme.ok_or_else(|| Error::internal("a programme is gone"))?.technique.pledges();
    let request = moved(&mut work, &request, RequestStep::Disburse, request.clone()).await?;
    holding::taken(&mut work, &request, &rows, pledged).await?;
    let mut done = Vec::with_capacity(items.len());
    for (item, one) in items.iter().zip(&quote.items) {
        let opening = Opening::of(&offer.terms, said.on, one);
        done.push(opened(&work, &request, &offer, (item, pledged), opening, &words).await?);
    }
    utilised::used(&work, &request.number, &done).await?;
    let shown = json!({
        "amount": said.amount, "on": said.on, "reference": words.reference, "sha256": offer.terms_sha256,
    });
    work.audit(Some(own), "reportDisbursement", encode(request.id).0, Value::Null, shown);
    work.commit(done).await
}

/// What was made of this report before; refused when the reference was reported in other words.
async fn told_before(
    work: &Work,
    own: OrganisationId,
    request: &request::Model,
    said: &Disbursement,
    reference: &str,
) -> Result<Option<Vec<financing::Model>>, Error> {
    let known = fact::Entity::find()
        .filter(fact::Column::FinancierId.eq(own))
        .filter(fact::Column::Kind.eq(FactKind::Disbursed))
        .filter(fact::Column::BankReference.eq(reference))
        .all(work.tx())
        .await?;
    if known.is_empty() {
        return Ok(None);
    }
    let financings = of_request(work.tx(), request.id).await?;
    let of: BTreeSet<FinancingId> = financings.iter().map(|one| one.id).collect();
    let sum: i64 = known.iter().map(|fact| fact.amount_minor).sum();
    let same = known.iter().all(|fact| of.contains(&fact.financing_id) && fact.value_date == said.on)
        && request.money(sum) == said.amount;
    if same { Ok(Some(financings)) } else { Err(other_words(reference, "bankReference").into()) }
}

/// The offer that was taken, by the hash of what it says.
async fn agreed(work: &Work, request: &request::Model, terms_sha256: &str) -> Result<offer::Model, Error> {
    let taken = offer::Entity::find()
        .filter(offer::Column::RequestId.eq(request.id))
        .filter(offer::Column::State.eq(OfferState::Accepted));
    let taken = taken.one(work.tx()).await?.ok_or_else(|| Error::internal("nothing was agreed"))?;
    if taken.terms_sha256 == terms_sha256.trim().to_ascii_lowercase() {
        return Ok(taken);
    }
    Err(Refusal::new(ErrorCode::TermsChanged).at("termsSha256").into())
}

/// What the terms make on the day on which it was paid out.
fn reckoned(
    request: &request::Model,
    offer: &offer::Model,
    items: &[item::Model],
    on: NaiveDate,
) -> Result<Quote, Error> {
    if on == offer.quote.funded_on {
        return Ok(offer.quote.clone());
    }
    let over: Vec<Item> = items.iter().map(|one| Item { face_minor: one.face_minor, due_on: one.due_on }).collect();
    // What is due by then is not paid out any more.
    quote(&offer.terms, request.currency, &over, on).map_err(|refusal| Error::from(refusal).of("valueDate"))
}

fn amount_is(request: &request::Model, quote: &Quote, said: Money) -> Result<(), Error> {
    if said.currency != request.currency {
        let refusal = Refusal::new(ErrorCode::InvalidCurrency).with("value", said.currency.code());
        return Err(refusal.at("currency").at("amount").into());
    }
    if said.minor == quote.disbursed_minor {
        return Ok(());
    }
    let expected = request.money(quote.disbursed_minor).decimal().to_string();
    let refusal = Refusal::new(ErrorCode::AmountMismatch).with("value", said.decimal().to_string());
    Err(refusal.with("expected", expected).at("amount").into())
}

/// What came to stand against receivables since they were asked for: everything, of each.
async fn still_good(
    work: &Work,
    request: &request::Model,
    items: &[item::Model],
    rows: &[receivable::Model],
) -> Result<(), Error> {
    let mut parties: BTreeSet<OrganisationId> = rows.iter().map(|row| row.debtor_id).collect();
    parties.insert(request.seller_id);
    let known = Standing::read(work.tx(), &parties).await?;
    let mut refused = Refusals::new();
    for (item, row) in items.iter().zip(rows) {
        let mut reasons = Vec::new();
        if request.rules.base_minor(row) < item.face_minor {
            let gone = row.outstanding_minor() < item.face_minor;
            reasons.push(if gone { Ineligibility::NothingOutstanding } else { Ineligibility::NotConfirmed });
        }
        if row.disputed {
            reasons.push(Ineligibility::Disputed);
        }
        if known.is_sanctioned(row.debtor_id) || known.is_sanctioned(request.seller_id) {
            reasons.push(Ineligibility::Sanctioned);
        }
        let filed = known.is_known(row.debtor_id) && known.is_known(request.seller_id);
        if !filed && !request.rules.waived.contains(&Ineligibility::Kyc) {
            reasons.push(Ineligibility::Kyc);
        }
        if !reasons.is_empty() {
            let names: Vec<String> = reasons.iter().map(|reason| reason.name()).collect();
            let refusal = Refusal::new(ErrorCode::NotEligible).with("reasons", names.join(","));
            refused.push(refusal.with("receivable", encode(row.id).0).at("requestId"));
        }
    }
    if refused.is_empty() { Ok(()) } else { Err(refused.into()) }
}

/// The financing of one receivable, with how it began in facts and postings.
async fn opened(
    work: &Work,
    request: &request::Model,
    offer: &offer::Model,
    (item, pledged): (&item::Model, bool),
    opening: Opening,
    words: &Words,
) -> Result<financing::Model, Error> {
    let position = Position::open(&opening)?;
    let row = financing::Model {
        id: FinancingId::new(work.now),
        request_id: request.id,
        item_id: item.id,
        receivable_id: item.receivable_id,
        programme_id: request.programme_id,
        financier_id: request.financier_id,
        seller_id: request.seller_id,
        debtor_id: item.debtor_id,
        currency: request.currency,
        state: FinancingState::Open,
        pledged,
        opening,
        grace_until: position.late_from(&offer.terms),
        terms: offer.terms.clone(),
        funded_on: opening.funded_on,
        due_on: opening.due_on,
        figures: position.figures.clone(),
        accrued_to: opening.funded_on,
        face_minor: opening.face_minor,
        principal_minor: opening.principal_minor,
        owed_minor: opening.principal_minor,
        collected_minor: 0,
        received_minor: 0,
        version: 1,
        created_at: work.now,
        updated_at: work.now,
    };
    financing::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await?;
    let fact = fact::Model {
        id: FinancingFactId::new(work.now),
        financing_id: row.id,
        financier_id: row.financier_id,
        kind: FactKind::Disbursed,
        payer: None,
        amount_minor: opening.disbursed_minor(),
        value_date: opening.funded_on,
        bank_reference: Some(words.reference.clone()),
        line: item.position.saturating_add(1),
        note: words.note.clone(),
        reverses_id: None,
        by: work.viewer().subject(),
        at: work.now,
    };
    note(work, &fact, "bankReference").await?;
    let posting = Posting {
        key: books::key_of(fact.id),
        of: &row,
        fact: Some(fact.id),
        kind: PostingKind::Disbursed,
        value_date: opening.funded_on,
    };
    books::post(work, &posting, ledger::disbursed(&opening)).await?;
    Ok(row)
}
