//! Money that came by bank transfer, as people report it from the bank's statement. A receipt is taken once, by the bank's
//! own reference; the payment is found by its number in what the payer wrote. Only the exact amount pays; what is less,
//! more, or for nothing waits for a person.

use chrono::NaiveDate;
use entities::{
    party::{Action, Resource},
    payments::{
        PaymentState, ProviderKind, ReceiptState, payment,
        receipt::{self, judge},
        remittance,
    },
    values::{
        Currency, ErrorCode, Money, Refusal,
        id::{BankReceiptId, PaymentId},
        refusal::{line, paragraph},
    },
};
use platform::{
    app::{App, Call, Work},
    db::wrote,
    error::{Error, not_found},
    graphql::encode,
    payment::{Report, ReportState},
    vault::Vault,
};
use sea_orm::{
    ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter,
    sea_query::{Expr, OnConflict},
};
use serde_json::{Value, json};

use super::applied;

/// Most receipts of one report, and of one match.
const MAX_ROWS: usize = 500;
/// Longest text of a payer.
const LONGEST_TEXT: usize = 500;

/// A line of the bank's statement.
#[derive(Clone, Debug)]
pub struct Reported {
    /// The bank's own reference.
    pub bank_reference: String,
    /// How much.
    pub amount: Money,
    /// The business day.
    pub received_on: NaiveDate,
    /// What the payer wrote.
    pub remittance: String,
}

fn place(id: BankReceiptId) -> String {
    format!("bank_receipt.remittance:{id}")
}

/// What the payer wrote; none in an answer that was kept without it.
pub fn remittance_of(vault: &Vault, row: &receipt::Model) -> Result<Option<String>, Error> {
    if row.remittance.is_empty() {
        return Ok(None);
    }
    vault.unseal_text(&place(row.id), &row.remittance).map(Some)
}

fn few<T>(rows: &[T], field: &'static str) -> Result<(), Error> {
    match rows.len() {
        0 => Err(Refusal::new(ErrorCode::Required).at(field).into()),
        n if n > MAX_ROWS => Err(Refusal::new(ErrorCode::TooMany).with("max", MAX_ROWS.to_string()).at(field).into()),
        _ => Ok(()),
    }
}

/// The refusal of one entry of a list.
fn at(error: Error, n: usize, list: &'static str) -> Error {
    match error {
        Error::Refused(refusals) => {
            Error::Refused(refusals.into_iter().map(|r| r.at(n.to_string()).at(list)).collect())
        }
        other => other,
    }
}

/// Takes what the bank's statement shows; all of it or, when one line is refused, none. A line that was taken before is
/// the same receipt.
pub async fn report(app: &App, call: &Call, rows: &[Reported]) -> Result<Vec<receipt::Model>, Error> {
    call.may(Action::KeepPayments, Resource::OWN)?;
    few(rows, "rows")?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let mut taken = Vec::with_capacity(rows.len());
    for (n, row) in rows.iter().enumerate() {
        taken.push(one(app, &mut work, row).await.map_err(|error| at(error, n, "rows"))?);
    }
    let shown = json!({ "receipts": taken.len() });
    let first = taken.first().map(|row| encode(row.id).0).unwrap_or_default();
    work.audit(call.viewer.organisation(), "reportBankReceipts", first, Value::Null, shown);
    work.commit(taken).await
}

async fn one(app: &App, work: &mut Work, reported: &Reported) -> Result<receipt::Model, Error> {
    let bank_reference = line(&reported.bank_reference, 120).map_err(|refusal| refusal.at("bankReference"))?;
    let text = match reported.remittance.trim() {
        "" => String::new(),
        text => paragraph(text, LONGEST_TEXT).map_err(|refusal| refusal.at("remittanceText"))?,
    };
    if reported.amount.minor < 1 {
        let refusal = Refusal::new(ErrorCode::InvalidAmount).with("value", reported.amount.decimal().to_string());
        return Err(refusal.with("currency", reported.amount.currency.code()).at("amount").into());
    }
    let id = BankReceiptId::new(work.now);
    let mut row = receipt::Model {
        id,
        bank_reference,
        amount_minor: reported.amount.minor,
        currency: reported.amount.currency,
        received_on: reported.received_on,
        remittance: app.vault().seal(&place(id), text.as_bytes())?,
        state: ReceiptState::Unmatched,
        payment_id: None,
        reported_by: work.viewer().subject(),
        created_at: work.now,
    };
    // First the receipt, so that of two that report it the second waits here.
    let known = OnConflict::column(receipt::Column::BankReference).do_nothing().to_owned();
    let insert = receipt::Entity::insert(row.clone().into_active_model()).on_conflict(known).try_insert();
    if !wrote(insert.exec_without_returning(work.tx()).await)? {
        return before(work, row).await;
    }
    if let Some(paid) = named(work, &text).await? {
        row.payment_id = Some(paid.id);
        row.state = judge(paid.amount(), paid.state != PaymentState::Captured, reported.amount);
        if row.state == ReceiptState::Matched && !pays(work, &paid).await? {
            // Somebody else's receipt paid it at the same time.
            row.state = ReceiptState::Over;
        }
        receipt::Entity::update_many()
            .col_expr(receipt::Column::State, Expr::val(row.state))
            .col_expr(receipt::Column::PaymentId, Expr::val(row.payment_id))
            .filter(receipt::Column::Id.eq(row.id))
            .exec(work.tx())
            .await?;
    }
    Ok(row)
}

/// The receipt that was taken under this reference; refused when it was another amount.
async fn before(work: &Work, row: receipt::Model) -> Result<receipt::Model, Error> {
    let known = receipt::Entity::find().filter(receipt::Column::BankReference.eq(&row.bank_reference));
    let known = known.one(work.tx()).await?.ok_or_else(|| Error::internal("a receipt is gone"))?;
    let same =
        (known.amount_minor, known.currency, known.received_on) == (row.amount_minor, row.currency, row.received_on);
    if same {
        Ok(known)
    } else {
        Err(Refusal::new(ErrorCode::AlreadyTaken).with("value", row.bank_reference).at("bankReference").into())
    }
}

/// The payment whose number stands in what the payer wrote. Several numbers name none: a person decides.
async fn named(work: &Work, text: &str) -> Result<Option<payment::Model>, Error> {
    let numbers = remittance::found(text);
    if numbers.is_empty() {
        return Ok(None);
    }
    let rows = payment::Entity::find()
        .filter(payment::Column::Number.is_in(numbers))
        .filter(payment::Column::Provider.eq(ProviderKind::Bank))
        .all(work.tx())
        .await?;
    Ok(match <[payment::Model; 1]>::try_from(rows) {
        Ok([row]) => Some(row),
        Err(_) => None,
    })
}

/// Whether the money is this payment's, and it was not paid before.
async fn pays(work: &mut Work, paid: &payment::Model) -> Result<bool, Error> {
    let report = Report {
        reference: paid.number.clone(),
        state: ReportState::Captured,
        received: Some(paid.amount()),
        fee_minor: None,
        reason: None,
    };
    Ok(applied::apply(work, paid.id, &report).await?.captured)
}

/// Says for which payment receipts are, when nobody but a person can tell: a text without a number, or two halves. They
/// must add up to exactly what was asked.
pub async fn matched(
    app: &App,
    call: &Call,
    id: PaymentId,
    receipts: &[BankReceiptId],
) -> Result<payment::Model, Error> {
    call.may(Action::KeepPayments, Resource::OWN)?;
    few(receipts, "receiptIds")?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let paid = payment::Entity::find_by_id(id).one(work.tx()).await?;
    let paid = paid.filter(|row| row.provider == ProviderKind::Bank);
    let paid = paid.ok_or_else(|| not_found("paymentId", encode(id).as_str()))?;
    let mut ids = receipts.to_vec();
    ids.sort_unstable();
    ids.dedup();
    let rows = receipt::Entity::find().filter(receipt::Column::Id.is_in(ids.iter().copied())).all(work.tx()).await?;
    if let Some(n) = receipts.iter().position(|id| !rows.iter().any(|row| row.id == *id)) {
        return Err(at(not_found_here(receipts[n]), n, "receiptIds"));
    }
    adds_up(&paid, &rows)?;
    for id in ids {
        let done = receipt::Entity::update_many()
            .col_expr(receipt::Column::State, Expr::val(ReceiptState::Matched))
            .col_expr(receipt::Column::PaymentId, Expr::val(Some(paid.id)))
            .filter(receipt::Column::Id.eq(id))
            .filter(receipt::Column::State.ne(ReceiptState::Matched))
            .exec(work.tx())
            .await?;
        if done.rows_affected != 1 {
            let refusal = Refusal::new(ErrorCode::IllegalTransition).with("from", "MATCHED").with("action", "MATCH");
            return Err(refusal.at("receiptIds").into());
        }
    }
    if !pays(&mut work, &paid).await? {
        let refusal = Refusal::new(ErrorCode::IllegalTransition).with("from", "CAPTURED").with("action", "MATCH");
        return Err(refusal.at("paymentId").into());
    }
    let row = payment::Entity::find_by_id(id).one(work.tx()).await?;
    let row = row.ok_or_else(|| Error::internal("a payment is gone"))?;
    let shown = json!({ "receipts": receipts.iter().map(|id| encode(*id)).collect::<Vec<_>>() });
    work.audit(call.viewer.organisation(), "matchBankReceipts", encode(id).0, Value::Null, shown);
    work.commit(row).await
}

fn not_found_here(id: BankReceiptId) -> Error {
    Refusal::new(ErrorCode::NotFound).with("value", encode(id).0).into()
}

fn adds_up(paid: &payment::Model, rows: &[receipt::Model]) -> Result<(), Error> {
    let of = |currency: Currency| rows.iter().filter(move |row| row.currency == currency);
    let sum = of(paid.currency).fold(0_i64, |sum, row| sum.saturating_add(row.amount_minor));
    if of(paid.currency).count() == rows.len() && sum == paid.amount_minor {
        return Ok(());
    }
    let came = Money { minor: sum, currency: paid.currency };
    let refusal = Refusal::new(ErrorCode::AmountMismatch).with("value", came.to_string());
    Err(refusal.with("expected", paid.amount().to_string()).at("receiptIds").into())
}
