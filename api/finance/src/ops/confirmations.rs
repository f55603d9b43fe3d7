//! Confirmations: sellers ask whether a debtor pays, debtors say so, in part, not at all, or dispute it.
//!
//! A confirmation is a batch: its number of items and its control sum hold, or none of it is written. What a debtor states
//! is kept in canonical form with its hash. Of a receivable for a matched invoice a dispute is one of its payable too, in
//! the same transaction.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use entities::{
    finance::{
        ConfirmationResult, ConfirmationStatus, ConfirmationStep, ReceivableEventKind as Kind, ReceivableSide,
        confirmation::{self, DAYS, MOST_DAYS, Statement},
        receivable,
    },
    party::{Action, bank_account, organisation},
    procurement::receivable::canonical,
    values::{
        ErrorCode, Money, Refusal,
        id::{BankAccountId, ConfirmationId, OrganisationId, ReceivableId},
        refusal as text,
    },
};
use platform::{
    app::{App, Call, Work, acting},
    error::{Error, fresh, not_found},
    graphql::encode,
    vault::sha256_hex,
};
use procurement::ops::payables;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::{Value, json};

use super::{
    Control,
    receivables::{Happened, at_item, changed, of_side, several, told},
};
use crate::jobs::BY;

/// The form of a statement.
const VERSION: &str = "1";
/// Most questions that run out in one transaction.
const SWEPT: u64 = 100;

/// What a seller asks.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Asked {
    pub ids: Vec<ReceivableId>,
    pub account: Option<BankAccountId>,
    pub days: Option<i32>,
}

/// An item of a confirmation: how much of it the debtor pays.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Item {
    pub id: ReceivableId,
    pub expected_version: i32,
    pub amount: Money,
}

/// What a debtor says of several receivables.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Said {
    pub items: Vec<Item>,
    pub control: Control,
    pub waiver_of_defences: bool,
    pub goods_accepted: bool,
}

/// How a dispute ends.
#[derive(Clone, Copy, Debug)]
pub enum Outcome {
    /// The debtor pays so much; none: all that is outstanding.
    Confirmed(Option<Money>),
    /// The debtor does not owe it.
    Rejected,
}

/// The questions of receivables, the newest first of each; who sees a receivable sees them.
pub async fn of(
    db: &impl ConnectionTrait,
    ids: &[ReceivableId],
) -> Result<HashMap<ReceivableId, Vec<confirmation::Model>>, Error> {
    let rows = confirmation::Entity::find()
        .filter(confirmation::Column::ReceivableId.is_in(ids.iter().copied()))
        .order_by_desc(confirmation::Column::Id);
    let mut found: HashMap<ReceivableId, Vec<confirmation::Model>> = HashMap::new();
    for row in rows.all(db).await? {
        found.entry(row.receivable_id).or_default().push(row);
    }
    Ok(found)
}

/// Accounts by their ids; whoever sees a confirmation sees to which account is to be paid, masked.
pub async fn accounts(
    db: &impl ConnectionTrait,
    ids: &[BankAccountId],
) -> Result<HashMap<BankAccountId, bank_account::Model>, Error> {
    let rows = bank_account::Entity::find().filter(bank_account::Column::Id.is_in(ids.iter().copied()));
    Ok(rows.all(db).await?.into_iter().map(|row| (row.id, row)).collect())
}

/// The seller asks the debtors of several receivables whether they pay.
pub async fn request(app: &App, call: &Call, asked: &Asked) -> Result<Vec<receivable::Model>, Error> {
    let seller = acting(call, Action::KeepReceivables)?;
    let days = asked.days.unwrap_or(DAYS);
    if !(1..=MOST_DAYS).contains(&days) {
        let range = Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", MOST_DAYS.to_string());
        return Err(range.at("days").into());
    }
    once(&asked.ids)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let account = match asked.account {
        Some(id) => Some(account_of(&work, seller, id).await?),
        None => None,
    };
    let rows = several(&work, ReceivableSide::Seller, seller, &asked.ids).await?;
    let mut done = Vec::new();
    for (n, row) in rows.into_iter().enumerate() {
        let next = asked_for(&mut work, &row, account.as_ref(), days).await.map_err(|error| at_item(error, n))?;
        done.push(next);
    }
    for row in &done {
        work.audit(Some(seller), "requestConfirmation", encode(row.id).0, Value::Null, json!({ "days": days }));
    }
    work.commit(done).await
}

/// Refused when something stands twice in a batch, or nothing does.
pub(super) fn once(ids: &[ReceivableId]) -> Result<(), Error> {
    if ids.is_empty() {
        return Err(Refusal::new(ErrorCode::Required).at("items").into());
    }
    if ids.len() > receivable::MOST {
        let most = receivable::MOST.to_string();
        return Err(Refusal::new(ErrorCode::TooMany).with("max", most).at("items").into());
    }
    let mut seen = std::collections::HashSet::new();
    for (n, id) in ids.iter().enumerate() {
        if !seen.insert(*id) {
            let refusal = Refusal::new(ErrorCode::Duplicate).with("value", encode(*id).0).at("id");
            return Err(at_item(refusal.into(), n));
        }
    }
    Ok(())
}

async fn account_of(work: &Work, seller: OrganisationId, id: BankAccountId) -> Result<bank_account::Model, Error> {
    let row = bank_account::Entity::find_by_id(id).one(work.tx()).await?;
    row.filter(|row| row.organisation_id == seller).ok_or_else(|| not_found("accountId", encode(id).as_str()))
}

async fn asked_for(
    work: &mut Work,
    row: &receivable::Model,
    account: Option<&bank_account::Model>,
    days: i32,
) -> Result<receivable::Model, Error> {
    let status = ConfirmationStep::Request.from(row.confirmation).map_err(|refusal| refusal.at("id"))?;
    let outstanding = row.outstanding_minor();
    if outstanding == 0 || row.disputed || row.written_off {
        let from = if row.disputed { enumerated("DISPUTED") } else { row.commercial().into() };
        return Err(Refusal::illegal(from, "REQUEST").at("id").into());
    }
    if let Some(account) = account.filter(|account| account.currency != row.currency) {
        let refusal = Refusal::new(ErrorCode::InvalidCurrency).with("value", account.currency.code());
        return Err(refusal.at("id").into());
    }
    let question = confirmation::Model {
        id: ConfirmationId::new(work.now),
        receivable_id: row.id,
        result: ConfirmationResult::Requested,
        asked_minor: outstanding,
        amount_minor: None,
        account_id: account.map(|account| account.id),
        waiver_of_defences: false,
        goods_accepted: false,
        statement: None,
        statement_sha256: None,
        reason: None,
        requested_by: work.viewer().subject(),
        requested_at: work.now,
        expires_at: Some(work.now + Duration::days(i64::from(days))),
        answered_by: None,
        answerer_id: None,
        answered_at: None,
    };
    confirmation::Entity::insert(question.into_active_model()).exec_without_returning(work.tx()).await?;
    let next = receivable::Model { confirmation: status, ..row.clone() };
    let happened = Happened { amount_minor: outstanding, ..Happened::plainly(Kind::ConfirmationRequested) };
    changed(work, row, next, happened).await
}

fn enumerated(name: &str) -> async_graphql::Value {
    async_graphql::Value::Enum(async_graphql::Name::new(name))
}

/// The question that a receivable has, which has no last word yet.
async fn open(work: &Work, id: ReceivableId) -> Result<confirmation::Model, Error> {
    let row = confirmation::Entity::find()
        .filter(confirmation::Column::ReceivableId.eq(id))
        .filter(confirmation::Column::Result.is_in([ConfirmationResult::Requested, ConfirmationResult::Disputed]))
        .order_by_desc(confirmation::Column::Id);
    row.one(work.tx()).await?.ok_or_else(|| Error::internal("a receivable waits for an answer to no question"))
}

/// Writes what became of a question.
async fn answered(work: &Work, next: confirmation::Model) -> Result<(), Error> {
    confirmation::Entity::update(next.into_active_model().reset_all()).exec(work.tx()).await?;
    Ok(())
}

/// The same with who answered, and when.
fn signed(work: &Work, row: confirmation::Model) -> confirmation::Model {
    confirmation::Model {
        answered_by: Some(work.viewer().subject()),
        answerer_id: work.viewer().person(),
        answered_at: Some(work.now),
        ..row
    }
}

/// A question that is over cannot be answered any more, also before the clock has seen it.
fn in_time(work: &Work, question: &confirmation::Model) -> Result<(), Error> {
    match question.expires_at {
        Some(until) if until <= work.now => {
            let until = until.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
            Err(Refusal::new(ErrorCode::WindowClosed).with("until", until).at("id").into())
        }
        _ => Ok(()),
    }
}

/// The debtor says how much of several receivables it pays; what is less than is outstanding confirms a part.
pub async fn confirm(app: &App, call: &Call, said: &Said) -> Result<Vec<receivable::Model>, Error> {
    let debtor = acting(call, Action::ConfirmReceivables)?;
    let ids: Vec<ReceivableId> = said.items.iter().map(|item| item.id).collect();
    once(&ids)?;
    said.control.holds(said.items.iter().map(|item| item.amount))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let rows = several(&work, ReceivableSide::Debtor, debtor, &ids).await?;
    let mut done = Vec::new();
    for (n, (row, item)) in rows.into_iter().zip(&said.items).enumerate() {
        done.push(confirmed(&mut work, &row, item, said).await.map_err(|error| at_item(error, n))?);
    }
    for row in &done {
        let shown = json!({
            "confirmed": row.money(row.confirmed_minor), "waiverOfDefences": said.waiver_of_defences,
            "goodsAccepted": said.goods_accepted,
        });
        work.audit(Some(debtor), "confirmReceivables", encode(row.id).0, Value::Null, shown);
    }
    work.commit(done).await
}

async fn confirmed(
    work: &mut Work,
    row: &receivable::Model,
    item: &Item,
    said: &Said,
) -> Result<receivable::Model, Error> {
    fresh(row.version, item.expected_version)?;
    if row.confirmation != ConfirmationStatus::Requested || row.disputed {
        // A dispute ends by its own operation, which says how.
        let from = if row.disputed { enumerated("DISPUTED") } else { row.confirmation.into() };
        return Err(Refusal::illegal(from, "CONFIRM").at("id").into());
    }
    let question = open(work, row.id).await?;
    in_time(work, &question)?;
    pays(work, row, question, item.amount, (said.waiver_of_defences, said.goods_accepted), None).await
}

/// The debtor pays so much of a receivable: all that is outstanding, or a part.
pub(super) async fn pays(
    work: &mut Work,
    row: &receivable::Model,
    question: confirmation::Model,
    amount: Money,
    (waiver_of_defences, goods_accepted): (bool, bool),
    reason: Option<String>,
) -> Result<receivable::Model, Error> {
    if amount.currency != row.currency {
        let refusal = Refusal::new(ErrorCode::InvalidCurrency).with("value", amount.currency.code());
        return Err(refusal.at("currency").at("amount").into());
    }
    let outstanding = row.outstanding_minor();
    if !(1..=outstanding).contains(&amount.minor) {
        let (least, most) = (row.money(1).decimal(), row.money(outstanding).decimal());
        let refusal = Refusal::new(ErrorCode::OutOfRange).with("min", least.to_string()).with("max", most.to_string());
        return Err(refusal.at("amount").into());
    }
    let whole = amount.minor == outstanding;
    let step = if whole { ConfirmationStep::Confirm } else { ConfirmationStep::ConfirmPart };
    let status = step.from(row.confirmation).map_err(|refusal| refusal.at("id"))?;
    let (result, kind) = match status {
        ConfirmationStatus::Partial => (ConfirmationResult::Partial, Kind::PartlyConfirmed),
        _ => (ConfirmationResult::Confirmed, Kind::Confirmed),
    };
    let question = confirmation::Model {
        result,
        amount_minor: Some(amount.minor),
        waiver_of_defences,
        goods_accepted,
        reason: reason.clone(),
        ..signed(work, question)
    };
    let (statement, sha256) = stated(work, row, &question, amount).await?;
    answered(work, confirmation::Model { statement: Some(statement), statement_sha256: Some(sha256), ..question })
        .await?;
    let next = receivable::Model {
        confirmation: status,
        confirmed_minor: amount.minor,
        performed: row.performed || goods_accepted,
        ..row.clone()
    };
    changed(work, row, next, Happened { amount_minor: amount.minor, note: reason, ..Happened::plainly(kind) }).await
}

/// What the debtor states, in canonical form, and its hash.
pub(super) async fn stated(
    work: &Work,
    row: &receivable::Model,
    question: &confirmation::Model,
    amount: Money,
) -> Result<(String, String), Error> {
    let account = match question.account_id {
        Some(id) => bank_account::Entity::find_by_id(id).one(work.tx()).await?,
        None => None,
    };
    let statement = Statement {
        version: VERSION.to_owned(),
        receivable: encode(row.id).0,
        evidence_sha256: row.evidence_sha256.clone(),
        seller: known_as(work, row.seller_id).await?,
        debtor: known_as(work, row.debtor_id).await?,
        invoice_number: format!("{}{}", row.invoice_code.as_deref().unwrap_or_default(), row.invoice_no),
        currency: row.currency.code().to_owned(),
        amount: amount.decimal().to_string(),
        due_date: row.due_date.to_string(),
        // The number itself is nobody's business but the seller's and the debtor's bank's.
        pay_to: account.map(|account| format!("{} {}", account.bank, account.masked_number)),
        waiver_of_defences: question.waiver_of_defences,
        goods_accepted: question.goods_accepted,
        signed_by: work.viewer().subject(),
        at: work.now.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
    };
    let text = canonical(&statement).map_err(Error::internal)?;
    let sha256 = sha256_hex(text.as_bytes());
    Ok((text, sha256))
}

/// The unified social credit code of an organisation, or its id.
pub(super) async fn known_as(work: &Work, id: OrganisationId) -> Result<String, Error> {
    let row = organisation::Entity::find_by_id(id).one(work.tx()).await?;
    let row = row.ok_or_else(|| Error::internal("an organisation is gone"))?;
    Ok(row.uscc.map_or_else(|| encode(id).0, |code| code.as_str().to_owned()))
}

/// The seller takes its question back.
pub async fn recall(app: &App, call: &Call, id: ReceivableId, expected: i32) -> Result<receivable::Model, Error> {
    let seller = acting(call, Action::KeepReceivables)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = of_side(&work, ReceivableSide::Seller, seller, id).await?;
    fresh(row.version, expected)?;
    let status = ConfirmationStep::Recall.from(row.confirmation).map_err(|refusal| refusal.at("id"))?;
    let question = open(&work, row.id).await?;
    answered(&work, confirmation::Model { result: ConfirmationResult::Recalled, ..question }).await?;
    let next = receivable::Model { confirmation: status, ..row.clone() };
    let next = changed(&mut work, &row, next, Happened::plainly(Kind::ConfirmationRecalled)).await?;
    work.audit(Some(seller), "recallConfirmation", encode(id).0, Value::Null, Value::Null);
    work.commit(next).await
}

/// The debtor says that it does not owe what it is asked about.
pub async fn reject(
    app: &App,
    call: &Call,
    id: ReceivableId,
    expected: i32,
    reason: &str,
) -> Result<receivable::Model, Error> {
    let debtor = acting(call, Action::ConfirmReceivables)?;
    let reason = text::paragraph(reason, 300).map_err(|refusal| refusal.at("reason"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = of_side(&work, ReceivableSide::Debtor, debtor, id).await?;
    fresh(row.version, expected)?;
    if row.confirmation != ConfirmationStatus::Requested {
        return Err(Refusal::illegal(row.confirmation, "REJECT").at("id").into());
    }
    let question = open(&work, id).await?;
    in_time(&work, &question)?;
    let next = not_owed(&mut work, &row, question, &reason).await?;
    work.audit(Some(debtor), "rejectConfirmation", encode(id).0, Value::Null, json!({ "reason": reason }));
    work.commit(next).await
}

async fn not_owed(
    work: &mut Work,
    row: &receivable::Model,
    question: confirmation::Model,
    reason: &str,
) -> Result<receivable::Model, Error> {
    let status = ConfirmationStep::Reject.from(row.confirmation).map_err(|refusal| refusal.at("id"))?;
    let question = confirmation::Model {
        result: ConfirmationResult::Rejected,
        reason: Some(reason.to_owned()),
        ..signed(work, question)
    };
    answered(work, question).await?;
    let next = receivable::Model { confirmation: status, ..row.clone() };
    changed(work, row, next, Happened { note: Some(reason.to_owned()), ..Happened::plainly(Kind::Rejected) }).await
}

/// The debtor disputes a receivable: instead of an answer, or after it confirmed, which stays so.
pub async fn dispute(
    app: &App,
    call: &Call,
    id: ReceivableId,
    expected: i32,
    amount: Option<Money>,
    reason: &str,
) -> Result<receivable::Model, Error> {
    let debtor = acting(call, Action::ConfirmReceivables)?;
    let reason = text::paragraph(reason, 300).map_err(|refusal| refusal.at("reason"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = with_payable(&mut work, debtor, id, expected, (true, &reason)).await?;
    if let Some(amount) = amount {
        let fits = amount.currency == row.currency && (1..=row.outstanding_minor()).contains(&amount.minor);
        if !fits {
            let (least, most) = (row.money(1).decimal(), row.money(row.outstanding_minor()).decimal());
            let range = Refusal::new(ErrorCode::OutOfRange).with("min", least.to_string());
            return Err(range.with("max", most.to_string()).at("amount").into());
        }
    }
    let amount_minor = amount.map_or_else(|| row.outstanding_minor(), |amount| amount.minor);
    let happened = Happened { amount_minor, note: Some(reason.clone()), ..Happened::plainly(Kind::Disputed) };
    let next = if row.confirmation == ConfirmationStatus::Requested {
        let question = open(&work, id).await?;
        in_time(&work, &question)?;
        let question = confirmation::Model {
            result: ConfirmationResult::Disputed,
            amount_minor: Some(amount_minor),
            reason: Some(reason.clone()),
            ..signed(&work, question)
        };
        answered(&work, question).await?;
        let status = ConfirmationStep::Dispute.from(row.confirmation).map_err(|refusal| refusal.at("id"))?;
        receivable::Model { confirmation: status, disputed: true, ..row.clone() }
    } else {
        receivable::Model { disputed: true, ..row.clone() }
    };
    let next = moved(&mut work, &row, next, happened).await?;
    work.audit(Some(debtor), "disputeReceivable", encode(id).0, Value::Null, json!({ "reason": reason }));
    work.commit(next).await
}

/// A dispute is over: the debtor pays so much after all, or does not owe it. Of what was confirmed before, the
/// confirmation stays as it was.
pub async fn settle(
    app: &App,
    call: &Call,
    id: ReceivableId,
    expected: i32,
    outcome: Outcome,
    note: &str,
) -> Result<receivable::Model, Error> {
    let debtor = acting(call, Action::ConfirmReceivables)?;
    let note = text::paragraph(note, 300).map_err(|refusal| refusal.at("note"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = with_payable(&mut work, debtor, id, expected, (false, &note)).await?;
    let settled = Happened { note: Some(note.clone()), ..Happened::plainly(Kind::Settled) };
    let next = if row.confirmation == ConfirmationStatus::Disputed {
        let question = open(&work, id).await?;
        let row = moved(&mut work, &row, receivable::Model { disputed: false, ..row.clone() }, settled).await?;
        match outcome {
            Outcome::Confirmed(amount) => {
                let amount = amount.unwrap_or_else(|| row.money(row.outstanding_minor()));
                let said = (question.waiver_of_defences, question.goods_accepted);
                pays(&mut work, &row, question, amount, said, Some(note.clone())).await?
            }
            Outcome::Rejected => not_owed(&mut work, &row, question, &note).await?,
        }
    } else {
        if matches!(outcome, Outcome::Rejected) {
            return Err(Refusal::illegal(row.confirmation, "REJECT").at("outcome").into());
        }
        moved(&mut work, &row, receivable::Model { disputed: false, ..row.clone() }, settled).await?
    };
    work.audit(Some(debtor), "settleReceivableDispute", encode(id).0, Value::Null, json!({ "note": note }));
    work.commit(next).await
}

/// A receivable that its debtor disputes, or does not any more. Of a matched invoice the dispute is one of its payable:
/// that comes first, because its locks do, and the receivable follows by a trigger.
async fn with_payable(
    work: &mut Work,
    debtor: OrganisationId,
    id: ReceivableId,
    expected: i32,
    (begins, reason): (bool, &str),
) -> Result<receivable::Model, Error> {
    let seen = receivable::Entity::find_by_id(id).one(work.tx()).await?;
    let Some(payable) = seen.as_ref().and_then(|row| row.payable_id) else {
        let row = of_side(work, ReceivableSide::Debtor, debtor, id).await?;
        fresh(row.version, expected)?;
        if row.disputed == begins || (begins && row.outstanding_minor() == 0) {
            let from = if row.disputed { enumerated("DISPUTED") } else { row.commercial().into() };
            return Err(Refusal::illegal(from, if begins { "DISPUTE" } else { "SETTLE" }).at("id").into());
        }
        return Ok(row);
    };
    // Its dispute was settled where it is owed: what is left is what the debtor says of the receivable.
    let settled_there =
        |row: &receivable::Model| !begins && !row.disputed && row.confirmation == ConfirmationStatus::Disputed;
    let asked = |row: &receivable::Model| row.debtor_id == debtor && row.confirmation != ConfirmationStatus::None;
    let seen = seen.filter(asked).ok_or_else(|| not_found("id", encode(id).as_str()))?;
    fresh(seen.version, expected)?;
    if settled_there(&seen) {
        let row = of_side(work, ReceivableSide::Debtor, debtor, id).await?;
        fresh(row.version, expected)?;
        return Ok(row);
    }
    payables::disputed(work, debtor, payable, begins, reason).await?;
    let row = of_side(work, ReceivableSide::Debtor, debtor, id).await?;
    // One on: the trigger. More: somebody changed it between the look and the locks.
    fresh(row.version, expected + 1)?;
    Ok(row)
}

/// [`changed`], without a second event of what the trigger noted of its payable already.
async fn moved(
    work: &mut Work,
    before: &receivable::Model,
    next: receivable::Model,
    happened: Happened,
) -> Result<receivable::Model, Error> {
    if before.payable_id.is_none() {
        return changed(work, before, next, happened).await;
    }
    if next == *before {
        return Ok(next);
    }
    let next = receivable::Model { version: before.version + 1, updated_at: work.now, ..next };
    Box::pin(receivable::Entity::update(next.clone().into_active_model().reset_all()).exec(work.tx())).await?;
    told(work, &next, true).await?;
    Ok(next)
}

/// Lets questions run out that nobody answered in time: that is no yes (A3). Answers with how many.
pub async fn expire_due(app: &App, now: DateTime<Utc>) -> Result<u64, Error> {
    let due = || {
        confirmation::Entity::find()
            .filter(confirmation::Column::Result.eq(ConfirmationResult::Requested))
            .filter(confirmation::Column::ExpiresAt.lte(now))
            .order_by_asc(confirmation::Column::ExpiresAt)
            .limit(SWEPT)
    };
    if due().one(app.db().read()).await?.is_none() {
        return Ok(0);
    }
    let mut work = app.begin(&Call::unasked(BY)).await?;
    let ids: Vec<_> = due().all(work.tx()).await?.into_iter().map(|row| row.receivable_id).collect();
    let locked: Vec<_> = ids.iter().map(|id| id.0).collect();
    platform::guarded::lock(work.tx(), "receivable", &locked).await?;
    let mut done = 0;
    let rows = receivable::Entity::find()
        .filter(receivable::Column::Id.is_in(ids))
        .filter(receivable::Column::Confirmation.eq(ConfirmationStatus::Requested));
    for row in rows.all(work.tx()).await? {
        let question = open(&work, row.id).await?;
        if question.expires_at.is_none_or(|until| until > now) {
            continue;
        }
        let status = ConfirmationStep::Expire.from(row.confirmation)?;
        answered(&work, confirmation::Model { result: ConfirmationResult::Expired, ..question }).await?;
        let next = receivable::Model { confirmation: status, ..row.clone() };
        changed(&mut work, &row, next, Happened::plainly(Kind::Expired)).await?;
        done += 1;
    }
    work.commit(()).await?;
    Ok(done)
}
