//! Locks, and changes of many rows at once that the database refuses unless they still hold.
//!
//! Whoever changes quantities of rows locks them first, in one order, and so waits for nobody who waits for him; what has
//! no order of its own is locked here, by id. What is read under the lock is so; the guard in the UPDATE holds all the
//! same. Whoever calls demands that every row changed.

use sea_orm::{ConnectionTrait, Statement, sea_query::Value};
use uuid::Uuid;

use super::{
    db::{Dialect, dialect},
    error::Error,
};

/// Most rows of one statement.
const CHUNK: usize = 500;

/// Locks rows by their ids, in the order of these. On `SQLite` nobody else writes.
pub async fn lock(tx: &impl ConnectionTrait, table: &'static str, ids: &[Uuid]) -> Result<(), Error> {
    if dialect(tx) == Dialect::Sqlite {
        return Ok(());
    }
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    for part in ids.chunks(CHUNK) {
        let places: Vec<String> = (1..=part.len()).map(|n| format!("${n}")).collect();
        let statement =
            format!("SELECT id FROM {table} WHERE id IN ({}) ORDER BY id FOR NO KEY UPDATE", places.join(", "));
        let values = part.iter().map(|id| Value::from(*id));
        tx.query_all_raw(Statement::from_sql_and_values(tx.get_database_backend(), statement, values)).await?;
    }
    Ok(())
}

/// One UPDATE over many rows: `v.column1` is the id, `v.column2` how much. Each id stands there once. Answers with how
/// many rows changed: fewer than were given when the guard held some of them back.
pub async fn change_each(
    tx: &impl ConnectionTrait,
    table: &'static str,
    set: &str,
    guard: &str,
    rows: &[(Uuid, i64)],
) -> Result<u64, Error> {
    let mut changed = 0;
    for part in rows.chunks(CHUNK) {
        let tuples: Vec<String> = (0..part.len()).map(|n| format!("(${}, ${})", 2 * n + 1, 2 * n + 2)).collect();
        let values: Vec<Value> = part.iter().flat_map(|(id, n)| [Value::from(*id), Value::from(*n)]).collect();
        let statement = format!(
            "UPDATE {table} SET {set} FROM (VALUES {}) AS v WHERE {table}.id = v.column1 AND ({guard})",
            tuples.join(", ")
        );
        let statement = Statement::from_sql_and_values(tx.get_database_backend(), statement, values);
        changed += tx.execute_raw(statement).await?.rows_affected();
    }
    Ok(changed)
}
