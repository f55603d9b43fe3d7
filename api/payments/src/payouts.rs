//! Payout batches: what is owed to sellers, as a list for the bank. The platform holds no money: it says what is to be
//! paid, and a second person reports that it was. What is in a batch is not owed any more, so it is in no other.

use std::collections::BTreeMap;

use entities::{
    party::{Action, Resource, bank_account, organisation},
    payments::{
        PayoutState,
        payout::{self, PayoutStep},
        payout_line, postings,
    },
    values::{
        Currency, ErrorCode, Money, Refusal,
        id::{OrganisationId, PayoutId},
        refusal::line,
    },
};
use party::ops::accounts;
use platform::{
    app::{App, Call, Work},
    db::{Dialect, dialect},
    error::{Error, not_found},
    graphql::encode,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, QueryOrder, Statement,
    sea_query::Expr,
};
use serde_json::{Value, json};

use super::{
    fresh_number,
    ledger::{self, Posting},
};

/// Most lines of one batch; who is left is in the next.
const MAX_LINES: usize = 1_000;
/// What whoever makes a batch holds on `PostgreSQL`, so that two do not take the same balances. On `SQLite` there is one
/// writer anyway.
const ALONE: i64 = 0x7061_796f_7574;

fn number(now: chrono::DateTime<chrono::Utc>) -> Result<String, Error> {
    Ok(fresh_number(now)?.replacen("CM", "PO", 1))
}

async fn alone(tx: &impl ConnectionTrait) -> Result<(), Error> {
    if dialect(tx) == Dialect::Postgres {
        let lock = "SELECT pg_advisory_xact_lock($1)";
        let lock = Statement::from_sql_and_values(tx.get_database_backend(), lock, [ALONE.into()]);
        tx.query_one_raw(lock).await?;
    }
    Ok(())
}

/// What is owed in a currency, to whom.
async fn owed(tx: &impl ConnectionTrait, currency: Currency) -> Result<Vec<(OrganisationId, i64)>, Error> {
    let text = "SELECT party_id, CAST(-SUM(amount_minor) AS BIGINT) AS due FROM ledger_entry \
                WHERE account = 'seller_due' AND currency = $1 AND party_id IS NOT NULL \
                GROUP BY party_id HAVING SUM(amount_minor) < 0 ORDER BY party_id";
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), text, [currency.code().into()]);
    let rows = tx.query_all_raw(statement).await?;
    rows.iter().map(|row| Ok((OrganisationId(row.try_get("", "party_id")?), row.try_get("", "due")?))).collect()
}

/// The account of each seller for a currency: the one that it added first.
async fn accounts_for(
    tx: &impl ConnectionTrait,
    currency: Currency,
    sellers: impl Iterator<Item = OrganisationId>,
) -> Result<BTreeMap<OrganisationId, bank_account::Model>, Error> {
    let rows = bank_account::Entity::find()
        .filter(bank_account::Column::Currency.eq(currency))
        .filter(bank_account::Column::OrganisationId.is_in(sellers))
        .order_by_asc(bank_account::Column::Id)
        .all(tx)
        .await?;
    let mut first = BTreeMap::new();
    for row in rows {
        first.entry(row.organisation_id).or_insert(row);
    }
    Ok(first)
}

/// Makes a batch of everything that is owed in a currency to sellers that have an account for it.
pub async fn create(app: &App, call: &Call, currency: Currency) -> Result<payout::Model, Error> {
    call.may(Action::KeepPayments, Resource::OWN)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    alone(work.tx()).await?;
    let owed = owed(work.tx(), currency).await?;
    let accounts = accounts_for(work.tx(), currency, owed.iter().map(|(seller, _)| *seller)).await?;
    let id = PayoutId::new(work.now);
    let lines: Vec<payout_line::Model> = owed
        .into_iter()
        .filter_map(|(seller, due)| {
            accounts.get(&seller).map(|account| payout_line::Model {
                payout_id: id,
                seller_id: seller,
                amount_minor: due,
                bank_account_id: account.id,
                masked_number: account.masked_number.clone(),
            })
        })
        .take(MAX_LINES)
        .collect();
    if lines.is_empty() {
        return Err(Refusal::new(ErrorCode::NothingDue).with("currency", currency.code()).at("currency").into());
    }
    let row = payout::Model {
        id,
        number: number(work.now)?,
        currency,
        state: PayoutState::Draft,
        total_minor: lines.iter().fold(0, |sum, line| sum + line.amount_minor),
        made_by: work.viewer().subject(),
        paid_by: None,
        bank_reference: None,
        version: 1,
        created_at: work.now,
        updated_at: work.now,
    };
    payout::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await?;
    let rows = lines.iter().cloned().map(IntoActiveModel::into_active_model);
    payout_line::Entity::insert_many(rows).exec_without_returning(work.tx()).await?;
    for line in &lines {
        let key = format!("payout:{id}:{}", line.seller_id);
        let posting = Posting { key: &key, payment: None, document: &row.number, currency };
        ledger::post(work.tx(), work.now, &posting, postings::paid_out(line.seller_id, line.amount_minor)).await?;
    }
    let shown = json!({ "number": row.number, "total": total(&row).to_string(), "lines": lines.len() });
    work.audit(call.viewer.organisation(), "createPayout", encode(id).0, Value::Null, shown);
    work.commit(row).await
}

/// The sum of a batch.
pub fn total(row: &payout::Model) -> Money {
    Money { minor: row.total_minor, currency: row.currency }
}

async fn found(work: &Work, id: PayoutId) -> Result<payout::Model, Error> {
    let row = payout::Entity::find_by_id(id).one(work.tx()).await?;
    row.ok_or_else(|| not_found("id", encode(id).as_str()))
}

/// Takes a step of a batch. Of two that step at the same time one is refused.
async fn step(work: &Work, row: payout::Model, step: PayoutStep) -> Result<payout::Model, Error> {
    let state = step.from(row.state).map_err(|refusal| refusal.at("id"))?;
    let paid = step == PayoutStep::ReportPaid;
    let next = payout::Model {
        state,
        paid_by: paid.then(|| work.viewer().subject()).or(row.paid_by),
        version: row.version + 1,
        updated_at: work.now,
        ..row
    };
    let done = payout::Entity::update_many()
        .col_expr(payout::Column::State, Expr::val(next.state))
        .col_expr(payout::Column::PaidBy, Expr::val(next.paid_by.clone()))
        .col_expr(payout::Column::BankReference, Expr::val(next.bank_reference.clone()))
        .col_expr(payout::Column::Version, Expr::col(payout::Column::Version).add(1))
        .col_expr(payout::Column::UpdatedAt, Expr::val(next.updated_at))
        .filter(payout::Column::Id.eq(next.id))
        .filter(payout::Column::State.is_in(step.leads().0.iter().copied()))
        .filter(payout::Column::Version.eq(next.version - 1))
        .exec(work.tx())
        .await?;
    if done.rows_affected == 1 { Ok(next) } else { Err(Refusal::new(ErrorCode::StaleVersion).at("id").into()) }
}

/// A batch and its list for the bank.
#[derive(Clone, Debug)]
pub struct Exported {
    /// The batch.
    pub row: payout::Model,
    /// Its lines as CSV, with the numbers of the accounts in clear.
    pub csv: String,
}

/// Gives out the list of a batch. It has account numbers in clear, so each is noted in its owner's audit, and the answer
/// is not kept.
pub async fn export(app: &App, call: &Call, id: PayoutId) -> Result<Exported, Error> {
    call.may(Action::KeepPayments, Resource::OWN)?;
    let mut work = app.begin(&call.unrepeatable()).await?;
    let row = found(&work, id).await?;
    let row = step(&work, row, PayoutStep::Export).await?;
    let lines = payout_line::Entity::find()
        .filter(payout_line::Column::PayoutId.eq(id))
        .order_by_asc(payout_line::Column::SellerId)
        .all(work.tx())
        .await?;
    let ids = lines.iter().map(|line| line.bank_account_id);
    let accounts = bank_account::Entity::find().filter(bank_account::Column::Id.is_in(ids)).all(work.tx()).await?;
    let sellers = lines.iter().map(|line| line.seller_id);
    let sellers = organisation::Entity::find().filter(organisation::Column::Id.is_in(sellers)).all(work.tx()).await?;
    let mut csv = csv::Writer::from_writer(Vec::new());
    let written = csv.write_record(["line", "batch", "seller", "holder", "bank", "account", "currency", "amount"]);
    written.map_err(Error::internal)?;
    for (n, line) in lines.iter().enumerate() {
        let account = accounts.iter().find(|account| account.id == line.bank_account_id);
        let account = account.ok_or_else(|| not_found("id", &line.masked_number))?;
        let seller =
            sellers.iter().find(|seller| seller.id == line.seller_id).map_or("", |seller| seller.slug.as_str());
        let amount = Money { minor: line.amount_minor, currency: row.currency }.decimal().to_string();
        let record = [
            &(n + 1).to_string(),
            &row.number,
            seller,
            &plain(&account.holder),
            &plain(&account.bank),
            &accounts::opened(app.vault(), account)?,
            row.currency.code(),
            &amount,
        ];
        csv.write_record(record).map_err(Error::internal)?;
        let shown = json!({ "payout": row.number });
        work.audit(Some(line.seller_id), "exportPayout", encode(account.id).0, Value::Null, shown);
    }
    work.audit(call.viewer.organisation(), "exportPayout", encode(id).0, Value::Null, json!({ "lines": lines.len() }));
    let csv = csv.into_inner().map_err(|e| Error::internal(e.to_string()))?;
    let csv = String::from_utf8(csv).map_err(Error::internal)?;
    work.commit(()).await?;
    Ok(Exported { row, csv })
}

/// A text that no spreadsheet takes for a formula.
fn plain(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text.to_owned() }
}

/// Notes that the bank did it. Whoever made the batch does not.
pub async fn report_paid(app: &App, call: &Call, id: PayoutId, reference: &str) -> Result<payout::Model, Error> {
    call.may(Action::KeepPayments, Resource::OWN)?;
    let reference = line(reference, 120).map_err(|refusal| refusal.at("bankReference"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = found(&work, id).await?;
    if row.made_by == work.viewer().subject() {
        return Err(Refusal::new(ErrorCode::MakerChecker).at("id").into());
    }
    let row = payout::Model { bank_reference: Some(reference), ..row };
    let row = step(&work, row, PayoutStep::ReportPaid).await?;
    let shown = json!({ "bankReference": row.bank_reference });
    work.audit(call.viewer.organisation(), "reportPayoutPaid", encode(id).0, Value::Null, shown);
    work.commit(row).await
}

/// Gives a batch up: what is in it is owed again.
pub async fn cancel(app: &App, call: &Call, id: PayoutId) -> Result<payout::Model, Error> {
    call.may(Action::KeepPayments, Resource::OWN)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = found(&work, id).await?;
    let row = step(&work, row, PayoutStep::Cancel).await?;
    let lines = payout_line::Entity::find().filter(payout_line::Column::PayoutId.eq(id)).all(work.tx()).await?;
    for line in lines {
        let key = format!("unpayout:{id}:{}", line.seller_id);
        let posting = Posting { key: &key, payment: None, document: &row.number, currency: row.currency };
        let legs = postings::payout_dropped(line.seller_id, line.amount_minor);
        ledger::post(work.tx(), work.now, &posting, legs).await?;
    }
    work.audit(call.viewer.organisation(), "cancelPayout", encode(id).0, Value::Null, Value::Null);
    work.commit(row).await
}
