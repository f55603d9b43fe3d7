//! Promises of stock: held for a time, confirmed, consumed, let go.
//!
//! The guard stands in each UPDATE, on the balance when something is held and on the promise when it ends, so check and
//! change are one. What is due is swept by workers; until then it only keeps others from buying.

use chrono::{DateTime, Utc};
use entities::{
    inventory::{
        CustomsStatus, MoveReason, ReservationKind, ReservationState, ReservationStep, balance, fefo, lot, reservation,
    },
    values::{
        ErrorCode, Refusal,
        id::{OrganisationId, StockLocationId, StockReservationId, VariantId},
    },
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, LockBehavior, LockType},
};

use super::ledger::{self, By, Moving, Place};
use crate::{
    app::App,
    platform::{
        db::{Dialect, dialect},
        error::Error,
    },
};

/// Most promises that are swept at once.
const SWEPT: u64 = 500;

/// What is to be held.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// Whose stock.
    pub owner: OrganisationId,
    /// Of what.
    pub variant: VariantId,
    /// How much.
    pub quantity: i64,
    /// Where it may be taken from.
    pub locations: &'a [StockLocationId],
    /// Under which customs status.
    pub status: CustomsStatus,
    /// How many days it must keep after today.
    pub keeps_days: u32,
}

/// What it is held for.
#[derive(Clone, Copy, Debug)]
pub struct Purpose<'a> {
    /// Of which kind.
    pub kind: ReservationKind,
    /// The document.
    pub document: &'a str,
    /// What the hold is known by: asked for again, it is the same hold.
    pub key: &'a str,
    /// Until when.
    pub until: DateTime<Utc>,
}

/// Holds what is wanted, of the lots that end first. What cannot be held in full is refused, and the transaction with it.
/// Several in one transaction are asked for in the order of their variants, so that two orders do not embrace.
pub async fn hold(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    wanted: &Wanted<'_>,
    purpose: Purpose<'_>,
) -> Result<Vec<reservation::Model>, Error> {
    let key = |n: usize| format!("{}#{n}", purpose.key);
    // '$' is the character after '#': these are the parts of this hold.
    let before = reservation::Entity::find()
        .filter(reservation::Column::RequestKey.gte(format!("{}#", purpose.key)))
        .filter(reservation::Column::RequestKey.lt(format!("{}$", purpose.key)))
        .all(tx)
        .await?;
    if !before.is_empty() {
        return Ok(before);
    }
    // An UPDATE whose guard fails on PostgreSQL after it waited leaves the row locked all the same. So only a single row
    // is tried without a lock; of several, all are locked in one order before any is touched, and then what is seen is
    // what is there.
    let mut there = candidates(tx, wanted, false).await?;
    if there.len() > 1 && dialect(tx) == Dialect::Postgres {
        there = candidates(tx, wanted, true).await?;
    }
    let lots: Vec<_> = there
        .iter()
        .map(|(row, lot)| fefo::Lot {
            of: row,
            expires_on: lot.as_ref().and_then(|lot| lot.expires_on),
            since: row.id.0.get_timestamp().map_or(now, moment).date_naive(),
            available: row.available(),
        })
        .collect();
    let short = |available: i64| Refusal::new(ErrorCode::OutOfStock).with("available", available.to_string());
    let Some(mut picked) = fefo::pick(&lots, wanted.quantity, now.date_naive(), wanted.keeps_days) else {
        return Err(short(lots.iter().map(|lot| lot.available).sum()).into());
    };
    picked.sort_by_key(|(row, _): &(&balance::Model, i64)| Place::of(row));
    let mut held = Vec::with_capacity(picked.len());
    for (n, (row, quantity)) in picked.into_iter().enumerate() {
        if !reserve(tx, row, quantity).await? {
            // Whoever was first left too little; what was held before is given back with the transaction.
            let left = balance::Entity::find_by_id(row.id).one(tx).await?;
            return Err(short(left.map_or(0, |row| row.available())).into());
        }
        held.push(reservation::Model {
            id: StockReservationId::new(now),
            balance_id: row.id,
            owner_id: row.owner_id,
            quantity,
            kind: purpose.kind,
            state: ReservationState::Held,
            document: purpose.document.to_owned(),
            request_key: key(n),
            expires_at: Some(purpose.until),
            created_at: now,
            ended_at: None,
        });
    }
    let rows = held.iter().cloned().map(IntoActiveModel::into_active_model);
    reservation::Entity::insert_many(rows).exec_without_returning(tx).await?;
    Ok(held)
}

fn moment(stamp: uuid::Timestamp) -> DateTime<Utc> {
    let (seconds, nanos) = stamp.to_unix();
    i64::try_from(seconds).ok().and_then(|s| DateTime::from_timestamp(s, nanos)).unwrap_or_default()
}

async fn candidates(
    tx: &impl ConnectionTrait,
    wanted: &Wanted<'_>,
    locked: bool,
) -> Result<Vec<(balance::Model, Option<lot::Model>)>, Error> {
    let mut found = balance::Entity::find()
        .filter(balance::Column::OwnerId.eq(wanted.owner))
        .filter(balance::Column::VariantId.eq(wanted.variant))
        .filter(balance::Column::Status.eq(wanted.status))
        .filter(balance::Column::LocationId.is_in(wanted.locations.iter().copied()))
        .filter(balance::Column::Outside.eq(false))
        .order_by_asc(balance::Column::LocationId)
        .order_by_asc(balance::Column::LotId);
    if locked && dialect(tx) == Dialect::Postgres {
        found = found.lock(LockType::NoKeyUpdate);
    }
    let rows = found.all(tx).await?;
    let lots = lot::Entity::find().filter(lot::Column::Id.is_in(rows.iter().map(|row| row.lot_id))).all(tx).await?;
    let lot_of = |row: &balance::Model| lots.iter().find(|lot| lot.id == row.lot_id).cloned();
    Ok(rows.into_iter().map(|row| (row.clone(), lot_of(&row))).collect())
}

/// Whether so much of a balance could be promised.
async fn reserve(tx: &impl ConnectionTrait, row: &balance::Model, quantity: i64) -> Result<bool, Error> {
    let available = Expr::col(balance::Column::OnHand).sub(Expr::col(balance::Column::Reserved));
    let done = balance::Entity::update_many()
        .col_expr(balance::Column::Reserved, Expr::col(balance::Column::Reserved).add(quantity))
        .col_expr(balance::Column::Version, Expr::col(balance::Column::Version).add(1))
        .filter(balance::Column::Id.eq(row.id))
        .filter(available.gte(quantity))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

async fn unreserve(tx: &impl ConnectionTrait, row: &reservation::Model) -> Result<(), Error> {
    balance::Entity::update_many()
        .col_expr(balance::Column::Reserved, Expr::col(balance::Column::Reserved).sub(row.quantity))
        .col_expr(balance::Column::Version, Expr::col(balance::Column::Version).add(1))
        .filter(balance::Column::Id.eq(row.balance_id))
        .exec(tx)
        .await?;
    Ok(())
}

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
    unreserve(tx, &row).await?;
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
    unreserve(tx, &row).await?;
    let from = balance::Entity::find_by_id(row.balance_id).one(tx).await?;
    let from = from.ok_or_else(|| Error::internal("the balance of a promise is gone"))?;
    let shipped = Moving {
        from: Place::of(&from),
        to: (customer, from.status),
        quantity: row.quantity,
        reason: MoveReason::Shipment,
        document: row.document.clone(),
        reverses: None,
    };
    ledger::post(tx, by, &[shipped]).await?;
    Ok(row)
}

/// Lets go what is due, so many at once; answers with how many.
pub async fn sweep(app: &App, now: DateTime<Utc>) -> Result<usize, Error> {
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
    let mut due = is_due().order_by_asc(reservation::Column::BalanceId).limit(SWEPT);
    if dialect(&tx) == Dialect::Postgres {
        due = due.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    }
    let due = due.all(&tx).await?;
    for row in &due {
        let row = step(&tx, now, row.id, ReservationStep::Expire).await?;
        unreserve(&tx, &row).await?;
    }
    tx.commit().await?;
    Ok(due.len())
}
