//! Collections: money that came, as the bank reports it in batches. A batch is taken as a whole: its number of items
//! and its control sum hold and every line is good, or nothing is posted. A line that was reported before is done
//! already.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDate;
use entities::{
    finance::{
        RequestState, RequestStep,
        financing::{self, FactKind, fact},
        receivable::MOST,
        request,
        settlement::Payer,
    },
    party::Action,
    values::{
        ErrorCode, Money, Refusal, Refusals,
        id::{FinancingFactId, FinancingId, FinancingRequestId, OrganisationId, ReceivableId},
        refusal::Check,
    },
};
use platform::{
    app::{App, Call, Work},
    clock::business_day,
    error::{Error, not_found},
    graphql::encode,
};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Change, concluded, dated, facts_of, locked, note, other_words, rebooked, reference, remark};
use crate::ops::{Control, programmes::financier, receivables::at_item};

/// What money came for: a financing, by its id or by that of its receivable.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub enum Target {
    Financing(FinancingId),
    Receivable(ReceivableId),
}

/// Money that came.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Line {
    pub target: Target,
    pub payer: Payer,
    pub amount: Money,
    pub on: NaiveDate,
    pub bank_reference: String,
    pub line: i32,
    pub note: Option<String>,
}

/// As what a batch is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// Money that came, from whomever (回款).
    Collections,
    /// What sellers paid that it was demanded of (回购).
    Repurchase,
    /// What came of a cover that was claimed (赔付).
    Cover,
}

impl Report {
    fn name(self) -> &'static str {
        match self {
            Self::Collections => "reportCollections",
            Self::Repurchase => "reportRepurchase",
            Self::Cover => "reportCoverPaid",
        }
    }

    /// Refused unless it can be reported of a request there.
    fn fits(self, state: RequestState) -> Result<(), Refusal> {
        match self {
            Self::Collections => Ok(()),
            Self::Repurchase => RequestStep::Repurchase.from(state).map(drop),
            Self::Cover => RequestStep::PayCover.from(state).map(drop),
        }
    }
}

/// A batch of money that came.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Batch {
    pub report: Report,
    pub lines: Vec<Line>,
    pub control: Control,
}

/// What became of a line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reported {
    /// The financing as it is now.
    pub financing: financing::Model,
    /// The bank's own reference.
    pub bank_reference: String,
    /// The line of that.
    pub line: i32,
    /// Whether it was reported before: nothing was posted.
    pub repeated: bool,
}

/// A line whose words are good.
struct Read<'a> {
    said: &'a Line,
    reference: String,
    note: Option<String>,
}

fn read(line: &Line) -> Result<Read<'_>, Refusals> {
    let mut check = Check::default();
    let reference = match reference(&line.bank_reference, "bankReference") {
        Ok(reference) => reference,
        Err(refusal) => {
            check.0.push(refusal);
            String::new()
        }
    };
    let most = i32::try_from(MOST).unwrap_or(i32::MAX);
    check.demand((1..=most).contains(&line.line), "line", || {
        Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", most.to_string())
    });
    check.demand(line.amount.minor > 0, "amount", || {
        let of = |minor: i64| Money { minor, currency: line.amount.currency }.decimal().to_string();
        Refusal::new(ErrorCode::OutOfRange).with("min", of(1)).with("max", of(Money::MAX_MINOR))
    });
    let note = match remark(line.note.as_deref()) {
        Ok(note) => note,
        Err(refusal) => {
            check.0.push(refusal);
            None
        }
    };
    check.done(Read { said: line, reference, note })
}

/// All lines, each of which is there once.
fn read_all(lines: &[Line]) -> Result<Vec<Read<'_>>, Refusals> {
    let at = |n: usize| move |refusal: Refusal| refusal.at(n.to_string()).at("items");
    let mut refused = Refusals::new();
    let mut seen = BTreeSet::new();
    let mut good: Vec<Read<'_>> = Vec::with_capacity(lines.len());
    for (n, line) in lines.iter().enumerate() {
        match read(line) {
            Ok(read) => {
                if !seen.insert((read.reference.clone(), line.line)) {
                    let twice = Refusal::new(ErrorCode::Duplicate).with("value", read.reference.as_str());
                    refused.push(at(n)(twice.at("bankReference")));
                }
                good.push(read);
            }
            Err(refusals) => refused.extend(refusals.into_iter().map(at(n))),
        }
    }
    if refused.is_empty() { Ok(good) } else { Err(refused) }
}

/// Financings under the locks of their requests.
struct Held {
    requests: BTreeMap<FinancingRequestId, request::Model>,
    rows: BTreeMap<FinancingId, financing::Model>,
}

/// Which financing each line is for; of a receivable the last.
async fn found(work: &Work, own: OrganisationId, lines: &[Read<'_>]) -> Result<Vec<financing::Model>, Error> {
    let (mut ids, mut receivables) = (Vec::new(), Vec::new());
    for line in lines {
        match line.said.target {
            Target::Financing(id) => ids.push(id),
            Target::Receivable(id) => receivables.push(id),
        }
    }
    let either =
        Condition::any().add(financing::Column::Id.is_in(ids)).add(financing::Column::ReceivableId.is_in(receivables));
    let rows = financing::Entity::find()
        .filter(financing::Column::FinancierId.eq(own))
        .filter(either)
        .order_by_asc(financing::Column::Id)
        .all(work.tx())
        .await?;
    let by_id: HashMap<FinancingId, &financing::Model> = rows.iter().map(|row| (row.id, row)).collect();
    let by_receivable: HashMap<ReceivableId, &financing::Model> =
        rows.iter().map(|row| (row.receivable_id, row)).collect();
    let mut all = Vec::with_capacity(lines.len());
    for (n, line) in lines.iter().enumerate() {
        let row = match line.said.target {
            Target::Financing(id) => {
                by_id.get(&id).copied().ok_or_else(|| not_found("financingId", encode(id).as_str()))
            }
            Target::Receivable(id) => {
                by_receivable.get(&id).copied().ok_or_else(|| not_found("receivableId", encode(id).as_str()))
            }
        };
        all.push(row.map_err(|error| at_item(error, n))?.clone());
    }
    Ok(all)
}

/// Locks the requests of financings, and reads these again.
async fn held(work: &Work, seen: &[financing::Model]) -> Result<Held, Error> {
    let of: BTreeSet<FinancingRequestId> = seen.iter().map(|row| row.request_id).collect();
    let requests = locked(work, &of).await?;
    let ids: BTreeSet<FinancingId> = seen.iter().map(|row| row.id).collect();
    let rows = financing::Entity::find().filter(financing::Column::Id.is_in(ids));
    let rows = rows.all(work.tx()).await?.into_iter().map(|row| (row.id, row)).collect();
    Ok(Held { requests, rows })
}

/// What is new of the lines: none of one that was reported before in the same words.
async fn judged(
    work: &Work,
    (own, today): (OrganisationId, NaiveDate),
    report: Report,
    lines: &[(Read<'_>, FinancingId)],
    held: &Held,
) -> Result<Vec<Option<fact::Model>>, Error> {
    let known = fact::Entity::find()
        .filter(fact::Column::FinancierId.eq(own))
        .filter(fact::Column::Kind.eq(FactKind::Received))
        .filter(fact::Column::BankReference.is_in(lines.iter().map(|(line, _)| line.reference.as_str())))
        .all(work.tx())
        .await?;
    let mut before: HashMap<(String, i32), fact::Model> = HashMap::new();
    for fact in known {
        if let Some(reference) = fact.bank_reference.clone() {
            before.insert((reference, fact.line), fact);
        }
    }
    let mut refused = Refusals::new();
    let mut facts = Vec::with_capacity(lines.len());
    for (n, (line, id)) in lines.iter().enumerate() {
        let row = held.rows.get(id).ok_or_else(|| Error::internal("a financing is gone"))?;
        let request = held.requests.get(&row.request_id).ok_or_else(|| Error::internal("a request is gone"))?;
        let told = before.get(&(line.reference.clone(), line.said.line));
        match judge(work, told, (report, today), line, (row, request)) {
            Ok(fact) => facts.push(fact),
            Err(refusal) => refused.push(refusal.at(n.to_string()).at("items")),
        }
    }
    if refused.is_empty() { Ok(facts) } else { Err(refused.into()) }
}

fn judge(
    work: &Work,
    told: Option<&fact::Model>,
    (report, today): (Report, NaiveDate),
    line: &Read<'_>,
    (row, request): (&financing::Model, &request::Model),
) -> Result<Option<fact::Model>, Refusal> {
    let said = line.said;
    if let Some(told) = told {
        let same = told.financing_id == row.id
            && told.payer == Some(said.payer)
            && row.money(told.amount_minor) == said.amount
            && told.value_date == said.on;
        return if same { Ok(None) } else { Err(other_words(&line.reference, "bankReference")) };
    }
    if said.amount.currency != row.currency {
        let refusal = Refusal::new(ErrorCode::InvalidCurrency).with("value", said.amount.currency.code());
        return Err(refusal.at("currency").at("amount"));
    }
    dated(said.on, (row.funded_on, today))?;
    let field = match said.target {
        Target::Financing(_) => "financingId",
        Target::Receivable(_) => "receivableId",
    };
    report.fits(request.state).map_err(|refusal| refusal.at(field))?;
    Ok(Some(fact::Model {
        id: FinancingFactId::new(work.now),
        financing_id: row.id,
        financier_id: row.financier_id,
        kind: FactKind::Received,
        payer: Some(said.payer),
        amount_minor: said.amount.minor,
        value_date: said.on,
        bank_reference: Some(line.reference.clone()),
        line: said.line,
        note: line.note.clone(),
        reverses_id: None,
        by: work.viewer().subject(),
        at: work.now,
    }))
}

/// Posts what is new: each financing is brought to where all that happened to it leads.
async fn booked(
    work: &mut Work,
    today: NaiveDate,
    held: &mut Held,
    facts: &[Option<fact::Model>],
) -> Result<(), Error> {
    let mut new: BTreeMap<FinancingId, Vec<fact::Model>> = BTreeMap::new();
    let mut first: BTreeMap<FinancingId, usize> = BTreeMap::new();
    let mut by: BTreeMap<FinancingRequestId, Payer> = BTreeMap::new();
    for (n, fact) in facts.iter().enumerate() {
        let Some(fact) = fact else { continue };
        note(work, fact, "bankReference").await.map_err(|error| at_item(error, n))?;
        new.entry(fact.financing_id).or_default().push(fact.clone());
        first.entry(fact.financing_id).or_insert(n);
        if let Some((row, payer)) = held.rows.get(&fact.financing_id).zip(fact.payer) {
            by.insert(row.request_id, payer);
        }
    }
    let ids: Vec<FinancingId> = new.keys().copied().collect();
    // With the new ones among them.
    let all = facts_of(work.tx(), &ids).await?;
    let mut changes = Vec::with_capacity(new.len());
    for (id, new) in &new {
        let (Some(row), Some(last)) = (held.rows.get(id).cloned(), new.last()) else { continue };
        let facts = all.get(id).map(Vec::as_slice).unwrap_or_default();
        let n = first.get(id).copied().unwrap_or_default();
        let next = rebooked(work, &row, facts, new).await.map_err(|error| at_item(error.of("amount"), n))?;
        held.rows.insert(*id, next.clone());
        changes.push(Change { before: row, after: next, fact: last.id });
    }
    concluded(work, today, &held.requests, &by, &changes).await
}

/// Notes money that came: all of it, or none. Answers with what became of each line, in the order of the batch.
pub async fn report(app: &App, call: &Call, batch: &Batch) -> Result<Vec<Reported>, Error> {
    let own = financier(call, Action::MakeFinancing)?;
    batch.control.holds(batch.lines.iter().map(|line| line.amount))?;
    let read = read_all(&batch.lines)?;
    let today = business_day(app.clock().now());
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let seen = found(&work, own, &read).await?;
    let lines: Vec<(Read<'_>, FinancingId)> = read.into_iter().zip(seen.iter().map(|row| row.id)).collect();
    let mut held = held(&work, &seen).await?;
    let facts = judged(&work, (own, today), batch.report, &lines, &held).await?;
    let new = facts.iter().flatten().count();
    if new > 0 {
        booked(&mut work, today, &mut held, &facts).await?;
        let ids: BTreeSet<String> = facts.iter().flatten().map(|fact| encode(fact.financing_id).0).collect();
        let ids: Vec<String> = ids.into_iter().collect();
        let shown = json!({ "items": batch.control.count, "new": new, "sum": batch.control.sum });
        work.audit(Some(own), batch.report.name(), ids.join(" "), Value::Null, shown);
    }
    let mut done = Vec::with_capacity(lines.len());
    for ((line, id), fact) in lines.iter().zip(&facts) {
        let financing = held.rows.get(id).cloned().ok_or_else(|| Error::internal("a financing is gone"))?;
        let (bank_reference, line) = (line.reference.clone(), line.said.line);
        done.push(Reported { financing, bank_reference, line, repeated: fact.is_none() });
    }
    work.commit(done).await
}
