//! Promises of stock: held for a time, confirmed, consumed, let go.
//!
//! The guard stands in each UPDATE, on the balance when something is held and on the promise when it ends, so check and
//! change are one. What is due is swept by workers; until then it only keeps others from buying.
//!
//! - [`holding`]: many lines at once, all or nothing
//! - [`whole`]: the steps of everything that is promised for one document
//! - here: the steps of one promise, and what is due

pub mod holding;
pub mod whole;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use entities::{
    inventory::{MoveReason, ReservationState, ReservationStep, reservation},
    values::{
        ErrorCode, Refusal,
        id::{StockBalanceId, StockLocationId, StockReservationId},
    },
};
use platform::{
    app::App,
    db::{Dialect, dialect},
    error::Error,
    guarded::change_each,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, LockBehavior, LockType},
};

pub use holding::{Purpose, Wanted, hold, hold_all, hold_for, hold_these};
pub use whole::{confirm_all, consume_all, consume_to, extend, let_go, let_go_all};

use super::{
    ledger::{self, By, Moving, Place},
    units,
};

/// Most promises that are swept at once.
const SWEPT: u64 = 500;

/// Takes a step of a promise. Of two that step at the same time one is refused, whatever the other did.
async fn step(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    id: StockReservationId,
    step: ReservationStep,
) -> Result<reservation::Model, Error> {
    let (from, to) = step.leads();
    let mut update = reservation::Entity::update_many()
        .col_expr(reservation::Column::State, Expr::val(to))
        .filter(reservation::Column::Id.eq(id))
        .filter(reservation::Column::State.is_in(from.iter().copied()));
    update = match step {
        ReservationStep::Confirm => update
            .col_expr(reservation::Column::ExpiresAt, Expr::val(Option::<DateTime<Utc>>::None))
            .filter(reservation::Column::ExpiresAt.gt(now)),
        _ => update.col_expr(reservation::Column::EndedAt, Expr::val(Some(now))),
    };
    let done = update.exec(tx).await?.rows_affected == 1;
    let row = reservation::Entity::find_by_id(id).one(tx).await?;
    let row = row.ok_or_else(|| Refusal::new(ErrorCode::NotFound).with("value", id.to_string()))?;
    if done {
        return Ok(row);
    }
    step.from(row.state)?;
    // It may step, and did not: its time is up, and nobody has swept it yet.
    Err(Refusal::new(ErrorCode::HoldExpired).into())
}

/// It was paid for: held without a time from here on. Refused with `HOLD_EXPIRED` when its time is up.
pub async fn confirm(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    id: StockReservationId,
) -> Result<reservation::Model, Error> {
    step(tx, now, id, ReservationStep::Confirm).await
}

/// It is not wanted any more.
pub async fn release(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    id: StockReservationId,
) -> Result<reservation::Model, Error> {
    let row = step(tx, now, id, ReservationStep::Release).await?;
    give_back(tx, std::slice::from_ref(&row)).await?;
    Ok(row)
}

/// The goods go to `customer`, a location that stands for whoever bought them.
pub async fn consume(
    tx: &impl ConnectionTrait,
    by: By<'_>,
    id: StockReservationId,
    customer: StockLocationId,
) -> Result<reservation::Model, Error> {
    let row = step(tx, by.at, id, ReservationStep::Consume).await?;
    go(tx, by, std::slice::from_ref(&row), customer, MoveReason::Shipment).await?;
    Ok(row)
}

/// What was promised can be promised to others: in its balance, or in the pool that it was taken from.
async fn give_back(tx: &impl ConnectionTrait, rows: &[reservation::Model]) -> Result<(), Error> {
    let (pooled, plain): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.pooled);
    let pooled: Vec<StockReservationId> = pooled.iter().map(|row| row.id).collect();
    units::give_back(tx, &pooled).await?;
    let sums = sums(&plain);
    if sums.len() > 1 {
        let ids: Vec<StockBalanceId> = sums.keys().copied().collect();
        ledger::locked_by_id(tx, &ids).await?;
    }
    unreserve(tx, &sums).await
}

/// The goods of promises that were just consumed go.
async fn go(
    tx: &impl ConnectionTrait,
    by: By<'_>,
    rows: &[reservation::Model],
    to: StockLocationId,
    reason: MoveReason,
) -> Result<(), Error> {
    let pooled: Vec<StockReservationId> = rows.iter().filter(|row| row.pooled).map(|row| row.id).collect();
    units::use_up(tx, &pooled).await?;
    let all: Vec<&reservation::Model> = rows.iter().collect();
    let sums = sums(&all);
    let ids: Vec<StockBalanceId> = sums.keys().copied().collect();
    let balances: BTreeMap<StockBalanceId, Place> =
        ledger::locked_by_id(tx, &ids).await?.iter().map(|row| (row.id, Place::of(row))).collect();
    unreserve(tx, &sums).await?;
    let mut moves = Vec::with_capacity(rows.len());
    for row in rows {
        let from = balances.get(&row.balance_id).copied();
        let from = from.ok_or_else(|| Error::internal("the balance of a promise is gone"))?;
        let (quantity, document) = (row.quantity, row.document.clone());
        moves.push(Moving { from, to: (to, from.status), quantity, reason, document, reverses: None });
    }
    ledger::post(tx, by, &moves).await.map(drop)
}

fn sums(rows: &[&reservation::Model]) -> BTreeMap<StockBalanceId, i64> {
    let mut sums = BTreeMap::new();
    for row in rows {
        *sums.entry(row.balance_id).or_default() += row.quantity;
    }
    sums
}

async fn unreserve(tx: &impl ConnectionTrait, sums: &BTreeMap<StockBalanceId, i64>) -> Result<(), Error> {
    let rows: Vec<(uuid::Uuid, i64)> = sums.iter().map(|(id, n)| (id.0, *n)).collect();
    let done = change_each(
        tx,
        "stock_balance",
        "reserved = stock_balance.reserved - v.column2, version = stock_balance.version + 1",
        "stock_balance.reserved >= v.column2",
        &rows,
    )
    .await?;
    if done == rows.len() as u64 { Ok(()) } else { Err(Error::internal("more was promised than was reserved")) }
}

/// Lets go what is due, so many at once; answers with how many.
pub async fn sweep(app: &App, now: DateTime<Utc>) -> Result<usize, Error> {
    units::drain_cold(app).await?;
    let mut all = 0;
    loop {
        let some = sweep_some(app, now).await?;
        all += some;
        if some == 0 {
            return Ok(all);
        }
    }
}

async fn sweep_some(app: &App, now: DateTime<Utc>) -> Result<usize, Error> {
    let is_due = || {
        reservation::Entity::find()
            .filter(reservation::Column::State.eq(ReservationState::Held))
            .filter(reservation::Column::ExpiresAt.lte(now))
    };
    // Usually there is nothing, and then nobody who writes has to wait.
    if is_due().one(app.db().read()).await?.is_none() {
        return Ok(0);
    }
    let tx = app.db().begin().await?;
    let mut due = is_due().order_by_asc(reservation::Column::ExpiresAt).limit(SWEPT);
    if dialect(&tx) == Dialect::Postgres {
        due = due.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    }
    let due = due.all(&tx).await?;
    whole::end(&tx, now, &due, ReservationStep::Expire).await?;
    give_back(&tx, &due).await?;
    tx.commit().await?;
    Ok(due.len())
}
