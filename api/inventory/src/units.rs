//! Hot items: what everyone wants at once is promised piece by piece (`PostgreSQL` only; on `SQLite` one writes at a time,
//! and the balance serves as well).
//!
//! A pool of free pieces ([`unit`]) stands beside a balance and counts as reserved in it. Many take from it side by side,
//! each what nobody else has locked (`SKIP LOCKED`), and nobody waits for the balance. Who finds too few may have been
//! passed by: so the balance is locked, the pool filled from it, and what is free in the pool goes back into it, until
//! either the balance has enough or nothing is free any more. So "sold out" is said only of what is sold out.
//!
//! Order: everything else first, then hot items by owner and variant; nobody waits for a balance while he holds pieces of
//! its pool (they are let go by a savepoint). Pieces that nobody has are drained when an item is hot no more
//! ([`drain_cold`]), and whenever something else finds a balance short ([`reclaim`]).

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use entities::{
    inventory::{fefo, hot_item, unit},
    values::id::{OrganisationId, StockBalanceId, StockReservationId, VariantId},
};
use platform::{
    app::App,
    db::{Dialect, dialect},
    error::Error,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QuerySelect, Statement,
    sea_query::{Expr, Value},
};

use super::promises::holding::{Part, Wanted, candidates, lots, out_of_stock, reserve, saleable};
use crate::ledger::in_line;

/// Most free pieces of one pool: enough for minutes of a rush, few enough to be counted.
const POOL: i64 = 1_000;
/// More pieces than this at once go the ordinary way.
const FEW: i64 = 100;
/// How often a pool is looked at anew before it is said that the house is busy: each time others were faster.
const TRIES: usize = 50;

/// Which of these are hot. Nothing on `SQLite`.
pub(super) async fn hot_among(
    tx: &impl ConnectionTrait,
    of: impl Iterator<Item = (OrganisationId, VariantId)>,
) -> Result<HashSet<(OrganisationId, VariantId)>, Error> {
    if dialect(tx) == Dialect::Sqlite {
        return Ok(HashSet::new());
    }
    let variants: HashSet<VariantId> = of.map(|(_, variant)| variant).collect();
    let rows = hot_item::Entity::find().filter(hot_item::Column::VariantId.is_in(variants)).all(tx).await?;
    Ok(rows.into_iter().map(|row| (row.owner_id, row.variant_id)).collect())
}

/// Holds a line of a hot item. `alone`: no other line of the document wants the same; of several the balances are locked
/// first, because who has pieces of a pool must not wait for its balance.
pub(super) async fn hold(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    want: &Wanted<'_>,
    line: usize,
    alone: bool,
) -> Result<Vec<Part>, Error> {
    let id = StockReservationId::new(now);
    let part = |balance, quantity, pooled, id| Part { line, id, balance, quantity, pooled };
    if alone && let Some(balance) = take(tx, now, want, id, false).await? {
        return Ok(vec![part(balance, want.quantity, true, id)]);
    }
    // Who waited for the balance may find the pool filled by whom he waited for.
    if let Some(balance) = take(tx, now, want, id, true).await? {
        return Ok(vec![part(balance, want.quantity, true, id)]);
    }
    for _ in 0..TRIES {
        let there = candidates(tx, &[want], true).await?;
        let lots = lots(&there, want, now, entities::inventory::balance::Model::available);
        if let Some(picked) = fefo::pick(&lots, want.quantity, now.date_naive(), want.keeps_days) {
            if let ([(balance, _)], true) = (picked.as_slice(), want.quantity <= FEW) {
                let available = lots.iter().find(|lot| lot.of == *balance).map_or(0, |lot| lot.available);
                fill(tx, *balance, Ord::min(available, POOL), want.quantity, id).await?;
                return Ok(vec![part(*balance, want.quantity, true, id)]);
            }
            if !reserve(tx, &picked.iter().copied().collect::<BTreeMap<_, _>>()).await? {
                return Err(Error::internal("a balance changed under its lock"));
            }
            let parts = picked.into_iter().map(|(balance, n)| part(balance, n, false, StockReservationId::new(now)));
            return Ok(parts.collect());
        }
        // Too little beside the pools. What is free in them comes back, also what others have locked and do not take.
        let all: Vec<StockBalanceId> = lots.iter().map(|lot| lot.of).collect();
        if free(tx, &all).await?.is_empty() {
            return Err(in_line(out_of_stock(saleable(&lots, now, want)).into(), line));
        }
        reclaim(tx, &all).await?;
    }
    Err(Error::Unavailable("a pool was emptied faster than it could be looked at".into()))
}

/// Takes pieces from the pool of the first balance that has enough of them free, those that end first before others.
async fn take(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    want: &Wanted<'_>,
    id: StockReservationId,
    lock: bool,
) -> Result<Option<StockBalanceId>, Error> {
    if want.quantity > FEW {
        return Ok(None);
    }
    let there = candidates(tx, &[want], lock).await?;
    let lots = lots(&there, want, now, |row| row.on_hand);
    let whole = saleable(&lots, now, want);
    let order = fefo::pick(&lots, whole, now.date_naive(), want.keeps_days).unwrap_or_default();
    for (balance, _) in order {
        if take_from(tx, balance, want.quantity, id).await? {
            return Ok(Some(balance));
        }
    }
    Ok(None)
}

async fn take_from(
    tx: &impl ConnectionTrait,
    balance: StockBalanceId,
    quantity: i64,
    id: StockReservationId,
) -> Result<bool, Error> {
    // A single piece is taken or not; of several that are too few the locks must be let go.
    let several = quantity > 1;
    if several {
        tx.execute_unprepared("SAVEPOINT stock_units").await?;
    }
    let statement = "UPDATE stock_unit SET reservation_id = $1 WHERE id = ANY(ARRAY(SELECT id FROM stock_unit \
                     WHERE balance_id = $2 AND reservation_id IS NULL LIMIT $3 FOR UPDATE SKIP LOCKED))";
    let values: [Value; 3] = [id.0.into(), balance.0.into(), quantity.into()];
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), statement, values);
    let taken = tx.execute_raw(statement).await?.rows_affected();
    let enough = u64::try_from(quantity).is_ok_and(|wanted| taken == wanted);
    if several {
        let end = if enough { "RELEASE SAVEPOINT stock_units" } else { "ROLLBACK TO SAVEPOINT stock_units" };
        tx.execute_unprepared(end).await?;
    }
    Ok(enough)
}

/// Fills the pool of a balance that is locked; the first pieces are taken at once.
async fn fill(
    tx: &impl ConnectionTrait,
    balance: StockBalanceId,
    pieces: i64,
    taken: i64,
    id: StockReservationId,
) -> Result<(), Error> {
    if !reserve(tx, &BTreeMap::from([(balance, pieces)])).await? {
        return Err(Error::internal("a balance changed under its lock"));
    }
    let statement = "INSERT INTO stock_unit (id, balance_id, reservation_id) \
                     SELECT gen_random_uuid(), $1, CASE WHEN n <= $2 THEN $3 END FROM generate_series(1, $4) AS n";
    let values: [Value; 4] = [balance.0.into(), taken.into(), id.0.into(), pieces.into()];
    tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), statement, values)).await?;
    Ok(())
}

/// Pieces of promises that were let go are free again.
pub(super) async fn give_back(tx: &impl ConnectionTrait, ids: &[StockReservationId]) -> Result<(), Error> {
    if ids.is_empty() {
        return Ok(());
    }
    unit::Entity::update_many()
        .col_expr(unit::Column::ReservationId, Expr::val(Option::<uuid::Uuid>::None))
        .filter(unit::Column::ReservationId.is_in(ids.iter().copied()))
        .exec(tx)
        .await?;
    Ok(())
}

/// Pieces of promises that were consumed are gone; the balance has them reserved until its caller says otherwise.
pub(super) async fn use_up(tx: &impl ConnectionTrait, ids: &[StockReservationId]) -> Result<(), Error> {
    if ids.is_empty() {
        return Ok(());
    }
    unit::Entity::delete_many().filter(unit::Column::ReservationId.is_in(ids.iter().copied())).exec(tx).await?;
    Ok(())
}

/// Pieces that are free go back into their balances, which the caller has locked; waits for who is about to take some.
/// Answers whether there were any.
pub(super) async fn reclaim(tx: &impl ConnectionTrait, balances: &[StockBalanceId]) -> Result<bool, Error> {
    if balances.is_empty() || dialect(tx) == Dialect::Sqlite {
        return Ok(false);
    }
    let places: Vec<String> = (1..=balances.len()).map(|n| format!("${n}")).collect();
    let statement = format!(
        "WITH gone AS (DELETE FROM stock_unit WHERE balance_id IN ({}) AND reservation_id IS NULL RETURNING balance_id), \
         sums AS (SELECT balance_id, COUNT(*) AS n FROM gone GROUP BY balance_id) \
         UPDATE stock_balance SET reserved = reserved - sums.n, version = version + 1 FROM sums WHERE id = sums.balance_id",
        places.join(", ")
    );
    let values = balances.iter().map(|id| Value::from(id.0));
    let done = tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), statement, values)).await?;
    Ok(done.rows_affected() > 0)
}

#[derive(FromQueryResult)]
struct Free {
    balance_id: StockBalanceId,
    n: i64,
}

/// How many pieces are free in the pools of these balances; those without any are not among them.
pub async fn free(
    db: &impl ConnectionTrait,
    balances: &[StockBalanceId],
) -> Result<HashMap<StockBalanceId, i64>, Error> {
    let rows = unit::Entity::find()
        .select_only()
        .column(unit::Column::BalanceId)
        .column_as(unit::Column::Id.count(), "n")
        .filter(unit::Column::BalanceId.is_in(balances.iter().copied()))
        .filter(unit::Column::ReservationId.is_null())
        .group_by(unit::Column::BalanceId)
        .into_model::<Free>();
    Ok(rows.all(db).await?.into_iter().map(|row| (row.balance_id, row.n)).collect())
}

/// Drains pools of what is hot no more: who lets pieces go after that leaves some behind.
pub(super) async fn drain_cold(app: &App) -> Result<(), Error> {
    if app.db().dialect() == Dialect::Sqlite {
        return Ok(());
    }
    let cold = "SELECT DISTINCT u.balance_id FROM stock_unit u JOIN stock_balance b ON b.id = u.balance_id \
                WHERE u.reservation_id IS NULL AND NOT EXISTS (SELECT 1 FROM hot_item h \
                WHERE h.owner_id = b.owner_id AND h.variant_id = b.variant_id) LIMIT 100";
    let statement = Statement::from_string(app.db().read().get_database_backend(), cold);
    let rows = app.db().read().query_all_raw(statement).await?;
    let ids: Vec<StockBalanceId> = rows.iter().map(|row| row.try_get("", "balance_id")).collect::<Result<_, _>>()?;
    if ids.is_empty() {
        return Ok(());
    }
    let tx = app.db().begin().await?;
    drain(&tx, &ids).await?;
    tx.commit().await?;
    Ok(())
}

/// Locks these balances and drains their pools.
pub(super) async fn drain(tx: &impl ConnectionTrait, balances: &[StockBalanceId]) -> Result<(), Error> {
    super::ledger::locked_by_id(tx, balances).await?;
    reclaim(tx, balances).await.map(drop)
}
