//! Whether declarations, receipts, bills and guarantees add up. Expected is nothing, always.

use platform::{
    error::Error,
    reconcile::{Finding, count},
};
use sea_orm::ConnectionTrait;

/// What does not add up, and in how many rows.
const CHECKS: &[(&str, &str)] = &[
    (
        "lists that stand as released and whose declaration does not",
        "SELECT COUNT(*) AS n FROM customs_paper p JOIN declaration d ON d.id = p.declaration_id \
         WHERE p.kind = 'list' AND p.state IN ('released', 'closed') AND d.state NOT IN ('released', 'closed')",
    ),
    (
        "declarations that are released and whose list is not",
        "SELECT COUNT(*) AS n FROM declaration d WHERE d.state IN ('released', 'closed') AND NOT EXISTS \
         (SELECT 1 FROM customs_paper p WHERE p.declaration_id = d.id AND p.kind = 'list' \
         AND p.state IN ('released', 'closed'))",
    ),
    (
        "export lists that stand as released and whose export neither does nor was withdrawn",
        "SELECT COUNT(*) AS n FROM customs_paper p JOIN export_paper l ON l.paper_id = p.id \
         JOIN export_declaration d ON d.id = l.export_id WHERE p.kind = 'export_list' \
         AND p.state IN ('released', 'closed') AND d.released_at IS NULL AND d.state <> 'cancelled'",
    ),
    (
        "summaries with another number of lists than they say",
        "SELECT COUNT(*) AS n FROM export_summary s WHERE s.lists <> \
         (SELECT COUNT(*) FROM export_declaration d WHERE d.summary_id = s.id)",
    ),
    (
        "tax bills that are open and bind another sum of the guarantee",
        "SELECT COUNT(*) AS n FROM tax_bill b WHERE b.guarantor_id IS NOT NULL AND \
         (SELECT COALESCE(SUM(e.bound_minor), 0) FROM guarantee_entry e WHERE e.document = b.tax_no) <> \
         CASE WHEN b.paid_at IS NULL AND b.state <> 'void' THEN b.duty_minor + b.vat_minor + b.consumption_minor \
         ELSE 0 END",
    ),
];

/// What does not add up.
pub async fn findings(db: &impl ConnectionTrait) -> Result<Vec<Finding>, Error> {
    let mut found = Vec::new();
    for (what, text) in CHECKS {
        found.extend(count(db, text, Vec::new()).await?.map(|rows| Finding { what, rows }));
    }
    Ok(found)
}
