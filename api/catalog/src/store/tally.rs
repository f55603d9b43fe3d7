//! How many products there are of each state and category ([`product_tally`]), read and added up.

use entities::catalog::{ProductStatus, product_tally};
use platform::{
    db::{Db, Dialect},
    error::Error,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, SelectStatement},
};

/// How many products are in these states, or of those in these categories. One statement, whose cost depends on how many
/// categories there are and not on how many products.
pub async fn tallied(
    db: &impl ConnectionTrait,
    statuses: &[ProductStatus],
    categories: Option<SelectStatement>,
) -> Result<i64, Error> {
    let mut tally = product_tally::Entity::find()
        .select_only()
        // PostgreSQL adds whole numbers up to decimals.
        .expr(Expr::cust("CAST(COALESCE(SUM(n), 0) AS BIGINT)"))
        .filter(product_tally::Column::Status.is_in(statuses.iter().copied()));
    if let Some(categories) = categories {
        tally = tally.filter(product_tally::Column::CategoryId.in_subquery(categories));
    }
    Ok(tally.into_tuple::<i64>().one(db).await?.unwrap_or_default())
}

/// Adds up the rows of the tally, where the database only adds rows: those that are taken away and the sums that are put
/// in their place are one statement, so whoever reads sees the one or the other. Two that do it at once each take rows
/// that the other does not.
pub async fn add_up(db: &Db) -> Result<(), Error> {
    if db.dialect() == Dialect::Postgres {
        let text = "WITH gone AS (DELETE FROM product_tally RETURNING status, category_id, n) \
                    INSERT INTO product_tally (status, category_id, n) \
                    SELECT status, category_id, SUM(n) FROM gone GROUP BY status, category_id HAVING SUM(n) <> 0";
        db.writer().execute_unprepared(text).await?;
    }
    Ok(())
}
