//! What does not add up: what every room's reconciliation answers with.

use sea_orm::{ConnectionTrait, Statement};

use super::error::Error;

/// Something that does not add up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub what: &'static str,
    /// How many rows.
    pub rows: i64,
}

/// How many rows a statement that selects `COUNT(*) AS n` finds; none when there are none.
pub async fn count(db: &impl ConnectionTrait, text: &str, values: Vec<sea_orm::Value>) -> Result<Option<i64>, Error> {
    let statement = Statement::from_sql_and_values(db.get_database_backend(), text, values);
    let row = db.query_one_raw(statement).await?;
    let n = row.map(|row| row.try_get::<i64>("", "n")).transpose()?.unwrap_or_default();
    Ok((n > 0).then_some(n))
}
