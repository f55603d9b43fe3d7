//! Giving money back. What is asked for is taken off the payment at once, by a guarded UPDATE, and owed to the buyer; the
//! provider is asked by a job. When it says no, the amount is the payment's again.

use chrono::{DateTime, Utc};
use entities::{
    party::{Action, Resource},
    payments::{
        PaymentState, ProviderKind, RefundReportState, RefundState, payment, postings,
        refund::{self, fold},
    },
    values::{
        Currency, ErrorCode, Money, Refusal,
        id::{PaymentId, RefundId},
        refusal::line,
    },
};
use platform::{
    app::{App, Call, Work},
    db::wrote,
    error::{Error, not_found},
    graphql::encode,
    jobs,
    payment::RefundReport,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter,
    sea_query::{Expr, OnConflict},
};
use serde_json::{Value, json};

use super::{
    fresh_number,
    jobs::{GiveBack, Settled},
    ledger::{self, Posting},
};

/// How often a lost race for a refund's row is run again.
const TRIES: usize = 4;

/// Gives back so much of a payment, in the caller's transaction. What is allotted to sellers is taken back first
/// ([`ledger::un_allot`]); more than is left is refused, and the transaction with it. Asked for again with the same key, it
/// is the same refund.
pub async fn refund(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    id: PaymentId,
    amount_minor: i64,
    reason: &str,
    key: &str,
) -> Result<refund::Model, Error> {
    let reason = line(reason, 300).map_err(|refusal| refusal.at("reason"))?;
    if !(1..=Money::MAX_MINOR).contains(&amount_minor) {
        let range = Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", Money::MAX_MINOR.to_string());
        return Err(range.at("amount").into());
    }
    let row = refund::Model {
        id: RefundId::new(now),
        number: fresh_number(now)?,
        payment_id: id,
        amount_minor,
        reason,
        state: RefundState::Requested,
        reference: None,
        request_key: format!("{id}#{key}"),
        attempts: 0,
        failure: None,
        created_at: now,
        updated_at: now,
    };
    // First the refund, so that of two that ask with one key the second waits here.
    let known = OnConflict::column(refund::Column::RequestKey).do_nothing().to_owned();
    let insert = refund::Entity::insert(row.clone().into_active_model()).on_conflict(known).try_insert();
    if !wrote(insert.exec_without_returning(tx).await)? {
        let before = refund::Entity::find().filter(refund::Column::RequestKey.eq(row.request_key)).one(tx).await?;
        let before = before.ok_or_else(|| Error::internal("a refund is gone"))?;
        let same = before.amount_minor == amount_minor;
        return if same { Ok(before) } else { Err(Refusal::new(ErrorCode::IdempotencyKeyReused).into()) };
    }
    let spent = Expr::col(payment::Column::RefundedMinor).add(Expr::col(payment::Column::AllottedMinor));
    let done = payment::Entity::update_many()
        .col_expr(payment::Column::RefundedMinor, Expr::col(payment::Column::RefundedMinor).add(amount_minor))
        .col_expr(payment::Column::Version, Expr::col(payment::Column::Version).add(1))
        .col_expr(payment::Column::UpdatedAt, Expr::val(now))
        .filter(payment::Column::Id.eq(id))
        .filter(payment::Column::State.eq(PaymentState::Captured))
        .filter(Expr::col(payment::Column::CapturedMinor).sub(spent).gte(amount_minor))
        .exec(tx)
        .await?;
    let paid = payment::Entity::find_by_id(id).one(tx).await?.ok_or_else(|| not_found("id", id))?;
    if done.rows_affected != 1 {
        let free = Money { minor: paid.free_minor(), currency: paid.currency };
        return Err(Refusal::new(ErrorCode::OverRefund).with("available", free.to_string()).at("amount").into());
    }
    let key = format!("refund:{}", row.id);
    ledger::post(tx, now, &Posting::of(&paid, &key, &paid.document), postings::refund_owed(amount_minor)).await?;
    jobs::enqueue(tx, &GiveBack { refund: row.id }, now).await?;
    Ok(row)
}

/// Counts that the provider is asked.
pub(super) async fn attempted(db: &impl ConnectionTrait, id: RefundId) -> Result<(), Error> {
    refund::Entity::update_many()
        .col_expr(refund::Column::Attempts, Expr::col(refund::Column::Attempts).add(1))
        .filter(refund::Column::Id.eq(id))
        .exec(db)
        .await?;
    Ok(())
}

/// Applies what is reported of a refund; what is over stays over.
pub(super) async fn apply(work: &mut Work, id: RefundId, report: &RefundReport) -> Result<refund::Model, Error> {
    for _ in 0..TRIES {
        let row = refund::Entity::find_by_id(id).one(work.tx()).await?;
        let row = row.ok_or_else(|| not_found("id", id))?;
        let Some(state) = fold(row.state, report.state) else { return Ok(row) };
        let named = (!report.reference.is_empty()).then(|| report.reference.clone());
        let failed = report.reason.as_ref().filter(|_| state == RefundState::Failed);
        let next = refund::Model {
            state,
            reference: row.reference.clone().or(named),
            failure: failed.map(|why| why.chars().filter(|c| !c.is_control()).take(300).collect()),
            updated_at: work.now,
            ..row.clone()
        };
        let done = refund::Entity::update_many()
            .col_expr(refund::Column::State, Expr::val(next.state))
            .col_expr(refund::Column::Reference, Expr::val(next.reference.clone()))
            .col_expr(refund::Column::Failure, Expr::val(next.failure.clone()))
            .col_expr(refund::Column::UpdatedAt, Expr::val(next.updated_at))
            .filter(refund::Column::Id.eq(id))
            .filter(refund::Column::State.eq(row.state))
            .exec(work.tx())
            .await?;
        if done.rows_affected == 1 {
            follows(work, &next, report).await?;
            return Ok(next);
        }
    }
    Err(Error::Unavailable("a refund changes all the time".into()))
}

async fn follows(work: &mut Work, row: &refund::Model, report: &RefundReport) -> Result<(), Error> {
    if row.state == RefundState::Pending {
        return Ok(());
    }
    let paid = payment::Entity::find_by_id(row.payment_id).one(work.tx()).await?;
    let paid = paid.ok_or_else(|| Error::internal("the payment of a refund is gone"))?;
    let asked = Money { minor: row.amount_minor, currency: paid.currency };
    if report.amount.is_some_and(|amount| amount != asked) {
        tracing::error!(refund = %row.id, "a provider gives back another amount than was asked");
    }
    if row.state == RefundState::Failed {
        tracing::error!(refund = %row.id, "a refund failed; the buyer has to be paid otherwise");
        payment::Entity::update_many()
            .col_expr(payment::Column::RefundedMinor, Expr::col(payment::Column::RefundedMinor).sub(row.amount_minor))
            .col_expr(payment::Column::Version, Expr::col(payment::Column::Version).add(1))
            .col_expr(payment::Column::UpdatedAt, Expr::val(work.now))
            .filter(payment::Column::Id.eq(paid.id))
            .exec(work.tx())
            .await?;
    }
    let (what, legs) = if row.state == RefundState::Failed {
        ("unrefunded", postings::refund_dropped(row.amount_minor))
    } else {
        ("refunded", postings::refund_paid(row.amount_minor))
    };
    let key = format!("{what}:{}", row.id);
    ledger::post(work.tx(), work.now, &Posting::of(&paid, &key, &paid.document), legs).await?;
    work.enqueue(&Settled { payment: paid.id, document: paid.document, refund: Some(row.id) }).await
}

/// Gives back what is left of a payment, as a person decides: money that came late, or for nothing. What is allotted to
/// orders is given back by the orders.
pub async fn refund_by_hand(
    app: &App,
    call: &Call,
    id: PaymentId,
    amount: Money,
    reason: &str,
) -> Result<refund::Model, Error> {
    call.may(Action::KeepPayments, Resource::OWN)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let paid = payment::Entity::find_by_id(id).one(work.tx()).await?;
    let paid = paid.ok_or_else(|| not_found("paymentId", encode(id).as_str()))?;
    if amount.currency != paid.currency {
        let refusal = Refusal::new(ErrorCode::InvalidAmount).with("value", amount.decimal().to_string());
        return Err(refusal.with("currency", paid.currency.code()).at("amount").into());
    }
    let own = RefundId::new(work.now).to_string();
    let row = refund(work.tx(), work.now, id, amount.minor, reason, &own).await?;
    let shown = json!({ "payment": encode(id), "amount": amount.to_string(), "reason": row.reason });
    work.audit(call.viewer.organisation(), "refundPayment", encode(row.id).0, Value::Null, shown);
    work.commit(row).await
}

/// Notes that a person has transferred a refund of a bank transfer; answers with its currency as well.
pub async fn report_paid(
    app: &App,
    call: &Call,
    id: RefundId,
    reference: &str,
) -> Result<(refund::Model, Currency), Error> {
    call.may(Action::KeepPayments, Resource::OWN)?;
    let reference = line(reference, 120).map_err(|refusal| refusal.at("bankReference"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = refund::Entity::find_by_id(id).one(work.tx()).await?;
    let row = row.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    let paid = payment::Entity::find_by_id(row.payment_id).one(work.tx()).await?;
    let paid = paid.ok_or_else(|| Error::internal("the payment of a refund is gone"))?;
    let (by_bank, currency) = (paid.provider == ProviderKind::Bank, paid.currency);
    if !by_bank || !matches!(row.state, RefundState::Requested | RefundState::Pending) {
        let from = async_graphql::Value::from(row.state).to_string();
        let refusal = Refusal::new(ErrorCode::IllegalTransition).with("from", from).with("action", "REPORT_PAID");
        return Err(refusal.at("id").into());
    }
    let paid =
        RefundReport { reference: row.number.clone(), state: RefundReportState::Succeeded, amount: None, reason: None };
    let row = apply(&mut work, id, &paid).await?;
    let shown = json!({ "bankReference": reference });
    work.audit(call.viewer.organisation(), "reportRefundPaid", encode(id).0, Value::Null, shown);
    work.commit((row, currency)).await
}
