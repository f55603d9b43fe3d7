//! Setting a row that is known by a key: new when there is none, in the expected version when there is one.

use platform::error::{Error, stale};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, SqlErr};

/// The version afterwards. Whoever sets a row says which version it saw, or that it saw none.
pub(super) fn next_version(before: Option<i32>, expected: Option<i32>) -> Result<i32, Error> {
    match (before, expected) {
        (None, None) => Ok(1),
        (Some(before), Some(expected)) if before == expected => Ok(before + 1),
        _ => Err(stale()),
    }
}

/// Writes a row unless someone was faster. `version`: the column with the version; `id`: the one with the row's id, and
/// the id.
pub(super) async fn put<E: EntityTrait>(
    tx: &impl ConnectionTrait,
    row: E::ActiveModel,
    (id, key): (E::Column, sea_orm::Value),
    (version, before): (E::Column, Option<i32>),
) -> Result<(), Error> {
    let Some(before) = before else {
        return match E::insert(row).exec_without_returning(tx).await {
            Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => Err(stale()),
            written => written.map(|_| ()).map_err(Error::from),
        };
    };
    let written = E::update_many().set(row.reset_all()).filter(id.eq(key)).filter(version.eq(before)).exec(tx).await?;
    if written.rows_affected == 1 { Ok(()) } else { Err(stale()) }
}
