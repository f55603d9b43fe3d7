//! Whether allowances are what their entries say. Expected is nothing, always.

use platform::{
    error::Error,
    reconcile::{Finding, count},
};
use sea_orm::ConnectionTrait;

/// Looks at everything. One statement each.
pub async fn findings(db: &impl ConnectionTrait) -> Result<Vec<Finding>, Error> {
    let mut found = Vec::new();
    for (what, text) in [
        (
            "what is reserved of an allowance is not what its entries say",
            "SELECT COUNT(*) AS n FROM buyer_allowance a WHERE a.reserved <> COALESCE((SELECT SUM(e.amount) \
             FROM allowance_entry e WHERE e.allowance_id = a.id AND e.state = 'reserved'), 0)",
        ),
        (
            "what is used of an allowance is not what its entries say",
            "SELECT COUNT(*) AS n FROM buyer_allowance a WHERE a.used <> COALESCE((SELECT SUM(\
             CASE e.state WHEN 'used' THEN e.amount WHEN 'returned' THEN -e.amount ELSE 0 END) \
             FROM allowance_entry e WHERE e.allowance_id = a.id), 0)",
        ),
        (
            "what was given back of an entry is not what its returns say",
            "SELECT COUNT(*) AS n FROM allowance_entry e WHERE e.returned <> COALESCE((SELECT SUM(r.amount) \
             FROM allowance_entry r WHERE r.returns_id = e.id), 0)",
        ),
        (
            "something is given back to another allowance than the one it was taken of",
            "SELECT COUNT(*) AS n FROM allowance_entry r JOIN allowance_entry e ON e.id = r.returns_id \
             WHERE r.allowance_id <> e.allowance_id",
        ),
        (
            "a document counts to two years",
            "SELECT COUNT(*) AS n FROM (SELECT e.document FROM allowance_entry e \
             JOIN buyer_allowance a ON a.id = e.allowance_id WHERE e.state IN ('reserved', 'used') \
             GROUP BY e.document, a.kind HAVING COUNT(*) > 1) AS twice",
        ),
    ] {
        found.extend(count(db, text, Vec::new()).await?.map(|rows| Finding { what, rows }));
    }
    Ok(found)
}
