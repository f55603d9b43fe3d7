//! Money of financings as banks report it: paid out, collected, bought back, covered, written off. The house notes it
//! and never moves it.
//!
//! - What happened is a fact with a value date. A position is folded anew from all facts of its financing, so what
//!   becomes known late, or never was, counts from its day; what that changes is posted beside what was posted before.
//! - A bank's own reference of a transaction is taken once for each of its lines: one transaction for several
//!   receivables has a line for each, numbered from one. Said again in the same words it is done already and posts
//!   nothing; in others it is refused.
//! - Everything that changes a financing does so under the lock of its request. Rows are locked in one order: requests
//!   by id, receivables by id, limits by id.
//!
//! - here: what all of them share
//! - [`disbursing`], [`collecting`], [`reversing`], [`recovering`]: what is reported
//! - [`day_end`]: what the clock does; [`books`]: the memo ledger, and whether it adds up; [`reads`]: what is asked

pub mod books;
pub mod collecting;
pub mod day_end;
pub mod disbursing;
mod holding;
pub mod reads;
pub mod recovering;
pub mod reversing;
mod utilised;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDate;
use entities::{
    finance::{
        financing::{self, FactKind, FinancingState, PostingKind, Standing, fact, frees, next_step},
        ledger::{self, Leg},
        request,
        settlement::Payer,
    },
    values::{
        ErrorCode, Refusal,
        id::{FinancingFactId, FinancingId, FinancingRequestId},
        refusal as text,
    },
};
use platform::{
    app::Work,
    error::{Error, stale, violates_unique},
    guarded,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};
use uuid::Uuid;

use super::requests::moved;
use books::Posting;
use utilised::Back;

/// Longest reference of a bank.
const LONGEST_REFERENCE: usize = 64;
/// Longest note.
const LONGEST_NOTE: usize = 300;

/// A bank's own reference of a transaction, as it was sent in a field.
fn reference(said: &str, field: &str) -> Result<String, Refusal> {
    text::line(said, LONGEST_REFERENCE).map_err(|refusal| refusal.at(field))
}

/// What there is to say to a fact.
fn remark(said: Option<&str>) -> Result<Option<String>, Refusal> {
    let said = text::given(said).map(|said| text::paragraph(said, LONGEST_NOTE)).transpose();
    said.map_err(|refusal| refusal.at("note"))
}

/// A value date within the days on which it can be.
fn dated(on: NaiveDate, (first, last): (NaiveDate, NaiveDate)) -> Result<(), Refusal> {
    if (first..=last).contains(&on) {
        return Ok(());
    }
    let range = Refusal::new(ErrorCode::OutOfRange).with("min", first.to_string()).with("max", last.to_string());
    Err(range.at("valueDate"))
}

/// What was reported before under the reference, in other words.
fn other_words(reference: &str, field: &str) -> Refusal {
    Refusal::new(ErrorCode::AlreadyTaken).with("value", reference).at(field)
}

/// Requests by their ids, locked.
async fn locked(
    work: &Work,
    ids: &BTreeSet<FinancingRequestId>,
) -> Result<BTreeMap<FinancingRequestId, request::Model>, Error> {
    let keys: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    guarded::lock(work.tx(), "financing_request", &keys).await?;
    let rows = request::Entity::find().filter(request::Column::Id.is_in(ids.iter().copied()));
    Ok(rows.all(work.tx()).await?.into_iter().map(|row| (row.id, row)).collect())
}

/// The financings of a request, in the order of their ids.
async fn of_request(db: &impl ConnectionTrait, id: FinancingRequestId) -> Result<Vec<financing::Model>, Error> {
    let rows = financing::Entity::find().filter(financing::Column::RequestId.eq(id));
    Ok(rows.order_by_asc(financing::Column::Id).all(db).await?)
}

/// All that happened to financings, first first.
async fn facts_of(
    db: &impl ConnectionTrait,
    ids: &[FinancingId],
) -> Result<HashMap<FinancingId, Vec<fact::Model>>, Error> {
    let rows = fact::Entity::find().filter(fact::Column::FinancingId.is_in(ids.iter().copied()));
    let mut found: HashMap<FinancingId, Vec<fact::Model>> = HashMap::new();
    for row in rows.order_by_asc(fact::Column::Id).all(db).await? {
        found.entry(row.financing_id).or_default().push(row);
    }
    Ok(found)
}

/// Notes what happened. `field`: where its reference was sent.
async fn note(work: &Work, row: &fact::Model, field: &str) -> Result<(), Error> {
    let made = fact::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await;
    let columns = ["financier_id", "kind", "bank_reference", "line"];
    made.map(drop).map_err(|error| {
        if violates_unique(&error, "financing_fact", &columns) {
            // Of another request, at the same moment.
            return other_words(row.bank_reference.as_deref().unwrap_or_default(), field).into();
        }
        error.into()
    })
}

/// Brings a financing to where all that happened leads, and posts it: what each new fact does by itself, and what else
/// follows, interest until then and what is computed anew. The new ones are among the facts.
async fn rebooked(
    work: &Work,
    row: &financing::Model,
    facts: &[fact::Model],
    new: &[fact::Model],
) -> Result<financing::Model, Error> {
    let as_of = new.iter().map(|fact| fact.value_date).fold(row.accrued_to, Ord::max);
    let settled = row.settled(facts, as_of)?;
    let mut posted: Vec<Leg> = Vec::new();
    for fact in new {
        let (kind, legs) = match fact.kind {
            FactKind::Received => {
                let found = settled.allocations.iter().find(|(id, _)| *id == fact.id.0);
                (PostingKind::Received, found.map(|(_, one)| ledger::collected(one)).unwrap_or_default())
            }
            FactKind::Reversed => (PostingKind::Reversed, counter(work, fact).await?),
            FactKind::WrittenOff => (PostingKind::WrittenOff, given_up(row, facts, fact)?),
            FactKind::Disbursed | FactKind::RecourseDemanded | FactKind::CoverClaimed => continue,
        };
        posted.extend(legs.iter().copied());
        let posting =
            Posting { key: books::key_of(fact.id), of: row, fact: Some(fact.id), kind, value_date: fact.value_date };
        books::post(work, &posting, legs).await?;
    }
    let next = row.at(&settled.position);
    let follows = ledger::recomputed(&row.figures, &next.figures, &ledger::added(posted));
    if let Some(last) = new.last() {
        // What comes in its order brings interest of the days before and nothing else.
        let in_order = new.iter().all(|fact| fact.value_date >= row.accrued_to && fact.kind != FactKind::Reversed);
        let kind = if in_order { PostingKind::Accrued } else { PostingKind::Recomputed };
        let key = format!("follows:{}", last.id);
        let posting = Posting { key, of: row, fact: Some(last.id), kind, value_date: as_of };
        books::post(work, &posting, follows).await?;
    }
    written(work, row, next).await
}

/// What was posted of money that came, with the other sign.
async fn counter(work: &Work, fact: &fact::Model) -> Result<Vec<Leg>, Error> {
    let Some(id) = fact.reverses_id else { return Ok(Vec::new()) };
    Ok(ledger::reversed(&books::legs(work.tx(), &books::key_of(id)).await?))
}

/// What is posted when all that is owed is written off.
fn given_up(row: &financing::Model, facts: &[fact::Model], fact: &fact::Model) -> Result<Vec<Leg>, Error> {
    let others: Vec<fact::Model> = facts.iter().filter(|one| one.id != fact.id).cloned().collect();
    let before = row.settled(&others, fact.value_date)?.position;
    let (_, off) = before.write_off(&row.terms, fact.value_date)?;
    Ok(ledger::written_off(&off))
}

/// Writes a financing.
async fn written(work: &Work, before: &financing::Model, next: financing::Model) -> Result<financing::Model, Error> {
    let next = financing::Model { version: before.version + 1, updated_at: work.now, ..next };
    let done = financing::Entity::update_many()
        .set(next.clone().into_active_model().reset_all())
        .filter(financing::Column::Id.eq(before.id))
        .filter(financing::Column::Version.eq(before.version))
        .exec(work.tx())
        .await?;
    if done.rows_affected == 1 { Ok(next) } else { Err(stale()) }
}

/// What the financings of requests come to on a day.
async fn standing(
    work: &Work,
    ids: &BTreeSet<FinancingRequestId>,
    today: NaiveDate,
) -> Result<BTreeMap<FinancingRequestId, Standing>, Error> {
    let rows = financing::Entity::find()
        .filter(financing::Column::RequestId.is_in(ids.iter().copied()))
        .select_only()
        .column(financing::Column::RequestId)
        .column(financing::Column::State)
        .column(financing::Column::ReceivedMinor)
        .column(financing::Column::GraceUntil);
    let rows: Vec<(FinancingRequestId, FinancingState, i64, NaiveDate)> = rows.into_tuple().all(work.tx()).await?;
    let mut found = BTreeMap::new();
    for (id, state, received, grace_until) in rows {
        let standing = found.entry(id).or_insert(Standing { paid: true, came: false, late: false });
        let open = state == FinancingState::Open;
        standing.paid &= !open;
        standing.came |= received > 0;
        standing.late |= open && grace_until < today;
    }
    Ok(found)
}

/// A financing that changed, and after which fact.
struct Change {
    before: financing::Model,
    after: financing::Model,
    fact: FinancingFactId,
}

impl Change {
    /// What it gives back to the limits of its request, or takes of them again.
    fn back<'a>(&'a self, number: &'a str) -> Option<Back<'a>> {
        let minor = self.before.principal_minor - self.after.principal_minor;
        (minor != 0).then_some(Back { number, of: &self.after, fact: self.fact, minor })
    }
}

/// What follows of financings that changed: where their requests are, what becomes of the receivables, and what limits
/// have again, or not any more. `by`: who paid last. The requests are locked.
async fn concluded(
    work: &mut Work,
    today: NaiveDate,
    requests: &BTreeMap<FinancingRequestId, request::Model>,
    by: &BTreeMap<FinancingRequestId, Payer>,
    changes: &[Change],
) -> Result<(), Error> {
    let ids: BTreeSet<FinancingRequestId> = changes.iter().map(|change| change.after.request_id).collect();
    let standing = standing(work, &ids, today).await?;
    let (mut free, mut again) = (Vec::new(), Vec::new());
    for (id, standing) in standing {
        let Some(before) = requests.get(&id) else { continue };
        let mut row = before.clone();
        while let Some(step) = next_step(row.state, standing, by.get(&id).copied()) {
            row = moved(work, &row, step, row.clone()).await?;
        }
        match (frees(before.state), frees(row.state)) {
            (false, true) => free.push(row),
            (true, false) => again.push(row),
            _ => {}
        }
    }
    holding::released(work, &free).await?;
    for row in &free {
        super::conditions::unregister(work, row.id).await?;
    }
    holding::taken_again(work, &again).await?;
    let back = changes.iter().filter_map(|change| change.back(&requests.get(&change.after.request_id)?.number));
    utilised::given_back(work, &back.collect::<Vec<_>>()).await
}
