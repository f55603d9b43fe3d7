//! Whether stock adds up: balances against moves, promises against what is reserved. Expected is nothing, always.

use chrono::{DateTime, Duration, Utc};
use sea_orm::{ConnectionTrait, Statement};

use crate::platform::error::Error;

/// How long what is due may wait to be swept.
const GRACE: Duration = Duration::seconds(60);

/// Something that does not add up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub what: &'static str,
    /// How many rows.
    pub rows: i64,
}

const LEGS: &str = "SELECT owner_id, variant_id, lot_id, to_id AS location_id, to_status AS status, quantity AS n FROM stock_move \
                    UNION ALL \
                    SELECT owner_id, variant_id, lot_id, from_id, from_status, -quantity FROM stock_move";

/// Looks at everything. One statement each.
pub async fn findings(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<Vec<Finding>, Error> {
    let sums = format!(
        "SELECT owner_id, variant_id, lot_id, location_id, status, SUM(n) AS n FROM ({LEGS}) AS legs \
         GROUP BY owner_id, variant_id, lot_id, location_id, status"
    );
    let same = "s.owner_id = b.owner_id AND s.variant_id = b.variant_id AND s.lot_id = b.lot_id \
                AND s.location_id = b.location_id AND s.status = b.status";
    let mut found = Vec::new();
    for (what, text) in [
        (
            "a balance is not the sum of its moves",
            format!("SELECT COUNT(*) AS n FROM stock_balance b LEFT JOIN ({sums}) AS s ON {same} WHERE b.on_hand <> COALESCE(s.n, 0)"),
        ),
        (
            "moves have no balance",
            format!("SELECT COUNT(*) AS n FROM ({sums}) AS s LEFT JOIN stock_balance b ON {same} WHERE b.id IS NULL AND s.n <> 0"),
        ),
        (
            "a variant does not sum to nothing",
            "SELECT COUNT(*) AS n FROM (SELECT variant_id FROM stock_balance GROUP BY variant_id HAVING SUM(on_hand) <> 0) AS odd"
                .to_owned(),
        ),
        (
            "what is reserved is not what is promised",
            "SELECT COUNT(*) AS n FROM stock_balance b WHERE b.reserved <> COALESCE((SELECT SUM(r.quantity) \
             FROM stock_reservation r WHERE r.balance_id = b.id AND r.state IN ('held', 'confirmed')), 0)"
                .to_owned(),
        ),
        (
            "more is promised than there is",
            "SELECT COUNT(*) AS n FROM stock_balance WHERE NOT outside AND (on_hand < reserved OR reserved < 0)".to_owned(),
        ),
        (
            "the account book shows less than nothing",
            "SELECT COUNT(*) AS n FROM bonded_item WHERE increased - reduced - locked < 0 OR locked < 0".to_owned(),
        ),
    ] {
        found.extend(count(db, &text, Vec::new()).await?.map(|rows| Finding { what, rows }));
    }
    let due = "SELECT COUNT(*) AS n FROM stock_reservation WHERE state = 'held' AND expires_at < $1";
    let rows = count(db, due, vec![(now - GRACE).into()]).await?;
    found.extend(rows.map(|rows| Finding { what: "holds are due and nobody lets them go", rows }));
    Ok(found)
}

async fn count(db: &impl ConnectionTrait, text: &str, values: Vec<sea_orm::Value>) -> Result<Option<i64>, Error> {
    let statement = Statement::from_sql_and_values(db.get_database_backend(), text, values);
    let row = db.query_one_raw(statement).await?;
    let n = row.map(|row| row.try_get::<i64>("", "n")).transpose()?.unwrap_or_default();
    Ok((n > 0).then_some(n))
}
