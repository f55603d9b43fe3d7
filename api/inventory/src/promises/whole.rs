//! The steps of everything that is promised for one document. Each takes the same number of statements, however many
//! promises there are. A document is the id of an order, a transfer, a loan or a write-off: no other has the same.

use chrono::{DateTime, Utc};
use entities::{
    inventory::{MoveReason, ReservationState, ReservationStep, reservation},
    values::{ErrorCode, Refusal, id::StockLocationId},
};
use platform::{
    db::{Dialect, dialect},
    error::Error,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, LockType},
};

use super::{give_back, go};
use crate::ledger::By;

/// Everything that was ever promised for documents, in one order; locked until the transaction ends.
async fn locked(tx: &impl ConnectionTrait, documents: &[&str]) -> Result<Vec<reservation::Model>, Error> {
    let mut rows = reservation::Entity::find()
        .filter(reservation::Column::Document.is_in(documents.iter().copied()))
        .order_by_asc(reservation::Column::Id);
    if dialect(tx) == Dialect::Postgres {
        rows = rows.lock(LockType::Update);
    }
    Ok(rows.all(tx).await?)
}

/// Whether its time is up, and it was not confirmed before; swept or not.
fn is_over(row: &reservation::Model, now: DateTime<Utc>) -> bool {
    row.state == ReservationState::Expired
        || row.state == ReservationState::Held && row.expires_at.is_some_and(|end| end <= now)
}

/// Ends promises; they are locked, so all of them can take the step.
pub(super) async fn end(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    rows: &[reservation::Model],
    step: ReservationStep,
) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let (from, to) = step.leads();
    let done = reservation::Entity::update_many()
        .col_expr(reservation::Column::State, Expr::val(to))
        .col_expr(reservation::Column::EndedAt, Expr::val(Some(now)))
        .filter(reservation::Column::Id.is_in(rows.iter().map(|row| row.id)))
        .filter(reservation::Column::State.is_in(from.iter().copied()))
        .exec(tx)
        .await?;
    if done.rows_affected == rows.len() as u64 { Ok(()) } else { Err(Error::internal("a promise ended twice")) }
}

/// It was paid for: everything of the document is held without a time from here on, and is answered. What was confirmed
/// before stays so. Refused with `HOLD_EXPIRED` when the time of any of it is up, whether or not it was swept; nothing is
/// confirmed then. A document that was held again after its time was up is known by its last hold.
pub async fn confirm_all(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    document: &str,
) -> Result<Vec<reservation::Model>, Error> {
    let mut rows = locked(tx, &[document]).await?;
    let hold = |row: &reservation::Model| row.request_key.rsplit_once('#').map(|(key, _)| key.to_owned());
    let last = rows.last().and_then(hold);
    rows.retain(|row| hold(row) == last);
    let Some(first) = rows.first() else {
        return Err(Refusal::new(ErrorCode::NotFound).with("value", document).into());
    };
    if rows.iter().any(|row| is_over(row, now)) {
        return Err(Refusal::new(ErrorCode::HoldExpired).into());
    }
    if !rows.iter().any(|row| row.state.is_live()) {
        ReservationStep::Confirm.from(first.state)?;
    }
    let held = rows.iter().filter(|row| row.state == ReservationState::Held).map(|row| row.id);
    reservation::Entity::update_many()
        .col_expr(reservation::Column::State, Expr::val(ReservationState::Confirmed))
        .col_expr(reservation::Column::ExpiresAt, Expr::val(Option::<DateTime<Utc>>::None))
        .filter(reservation::Column::Id.is_in(held))
        .exec(tx)
        .await?;
    rows.retain(|row| row.state.is_live());
    for row in &mut rows {
        (row.state, row.expires_at) = (ReservationState::Confirmed, None);
    }
    Ok(rows)
}

/// Lets go what is still promised for the document, once: of several who do so each promise is let go by one. `Expire`
/// takes only what is not confirmed. Answers with how many promises there were.
pub async fn let_go(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    document: &str,
    step: ReservationStep,
) -> Result<usize, Error> {
    let_go_all(tx, now, &[document], step).await
}

/// The same for several documents at once.
pub async fn let_go_all(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    documents: &[&str],
    step: ReservationStep,
) -> Result<usize, Error> {
    let (from, to) = step.leads();
    if to.is_live() || to == ReservationState::Consumed {
        return Err(Error::internal("this step lets nothing go"));
    }
    let mut rows = locked(tx, documents).await?;
    rows.retain(|row| from.contains(&row.state));
    end(tx, now, &rows, step).await?;
    give_back(tx, &rows).await?;
    Ok(rows.len())
}

/// Holds the document's promises until a later moment; refused with `HOLD_EXPIRED` when the time of any is up.
pub async fn extend(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    document: &str,
    until: DateTime<Utc>,
) -> Result<(), Error> {
    let rows = locked(tx, &[document]).await?;
    let held: Vec<&reservation::Model> = rows.iter().filter(|row| row.state == ReservationState::Held).collect();
    if held.is_empty() || rows.iter().any(|row| is_over(row, now)) {
        return Err(Refusal::new(ErrorCode::HoldExpired).into());
    }
    reservation::Entity::update_many()
        .col_expr(reservation::Column::ExpiresAt, Expr::val(Some(until)))
        .filter(reservation::Column::Id.is_in(held.iter().map(|row| row.id)))
        .exec(tx)
        .await?;
    Ok(())
}

/// Everything of the document goes to `customer`, a location that stands for whoever bought it. It must be confirmed, all
/// of it that was not let go.
pub async fn consume_all(
    tx: &impl ConnectionTrait,
    by: By<'_>,
    document: &str,
    customer: StockLocationId,
) -> Result<Vec<reservation::Model>, Error> {
    consume_to(tx, by, document, customer, MoveReason::Shipment).await
}

/// The same with another place and reason.
pub async fn consume_to(
    tx: &impl ConnectionTrait,
    by: By<'_>,
    document: &str,
    to: StockLocationId,
    reason: MoveReason,
) -> Result<Vec<reservation::Model>, Error> {
    let all = locked(tx, &[document]).await?;
    let mut rows: Vec<reservation::Model> = all.iter().filter(|row| row.state.is_live()).cloned().collect();
    if rows.is_empty() {
        let Some(first) = all.first() else {
            return Err(Refusal::new(ErrorCode::NotFound).with("value", document).into());
        };
        ReservationStep::Consume.from(first.state)?;
    }
    for row in &mut rows {
        row.state = ReservationStep::Consume.from(row.state)?;
        row.ended_at = Some(by.at);
    }
    end(tx, by.at, &rows, ReservationStep::Consume).await?;
    go(tx, by, &rows, to, reason).await?;
    Ok(rows)
}
