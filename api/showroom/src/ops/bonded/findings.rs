//! Whether bonded displays add up: the guarantee against what is out, parts against their document, places against what
//! should lie there. Expected is nothing, always.

use entities::showroom::{BondedDisplayState, bonded_part::listed};
use platform::{
    error::Error,
    reconcile::{Finding, count},
};
use sea_orm::ConnectionTrait;

/// Looks at everything. One statement each.
pub async fn findings(db: &impl ConnectionTrait) -> Result<Vec<Finding>, Error> {
    let binding = listed(&BondedDisplayState::BINDING);
    let out = listed(&BondedDisplayState::OUT);
    let bound = format!(
        "SELECT d.organisation_id, SUM(p.quantity * (d.duty_minor + d.consumption_minor + d.vat_minor)) AS n \
         FROM bonded_display_part p JOIN bonded_display d ON d.id = p.display_id WHERE p.state IN ({binding}) \
         GROUP BY d.organisation_id"
    );
    let there = format!(
        "SELECT s.location_id, d.organisation_id, d.variant_id, d.lot_id, SUM(p.quantity) AS n \
         FROM bonded_display_part p JOIN bonded_display d ON d.id = p.display_id \
         JOIN showroom_place s ON s.showroom_id = d.showroom_id AND s.class = 'bonded_display' \
         WHERE p.state IN ({out}, 'force_majeure') \
         OR (p.state IN ('tax_due', 'declared', 'tax_paid') AND p.cause IN ('clearance', 'damage')) \
         GROUP BY s.location_id, d.organisation_id, d.variant_id, d.lot_id"
    );
    let mut found = Vec::new();
    for (what, text) in [
        (
            "of a display guarantee is not in use what is out under it",
            format!(
                "SELECT COUNT(*) AS n FROM display_guarantee g LEFT JOIN ({bound}) AS s \
                 ON s.organisation_id = g.organisation_id WHERE g.used_minor <> COALESCE(s.n, 0)"
            ),
        ),
        (
            "goods are out under a display guarantee that is not there",
            format!(
                "SELECT COUNT(*) AS n FROM ({bound}) AS s LEFT JOIN display_guarantee g \
                 ON g.organisation_id = s.organisation_id WHERE g.organisation_id IS NULL AND s.n > 0"
            ),
        ),
        (
            "a display guarantee is not the sum of its entries",
            "SELECT COUNT(*) AS n FROM display_guarantee g LEFT JOIN (SELECT organisation_id, \
             SUM(balance_minor) AS balance, SUM(used_minor) AS used FROM display_guarantee_entry \
             GROUP BY organisation_id) AS s ON s.organisation_id = g.organisation_id \
             WHERE g.balance_minor <> COALESCE(s.balance, 0) OR g.used_minor <> COALESCE(s.used, 0)"
                .to_owned(),
        ),
        (
            "the parts of a bonded display are not as many pieces as went out",
            "SELECT COUNT(*) AS n FROM bonded_display d LEFT JOIN (SELECT display_id, SUM(quantity) AS n \
             FROM bonded_display_part GROUP BY display_id) AS p ON p.display_id = d.id \
             WHERE d.quantity <> COALESCE(p.n, 0)"
                .to_owned(),
        ),
        (
            "other pieces lie in a place for bonded displays than are out there",
            format!(
                "SELECT COUNT(*) AS n FROM ({there}) AS s LEFT JOIN stock_balance b ON b.location_id = s.location_id \
                 AND b.owner_id = s.organisation_id AND b.variant_id = s.variant_id AND b.lot_id = s.lot_id \
                 AND b.status = 'bonded' WHERE COALESCE(b.on_hand, 0) <> s.n"
            ),
        ),
        (
            "pieces lie in a place for bonded displays that are out under no document",
            format!(
                "SELECT COUNT(*) AS n FROM stock_balance b JOIN showroom_place c ON c.location_id = b.location_id \
                 AND c.class = 'bonded_display' LEFT JOIN ({there}) AS s ON s.location_id = b.location_id \
                 AND s.organisation_id = b.owner_id AND s.variant_id = b.variant_id AND s.lot_id = b.lot_id \
                 WHERE b.on_hand <> 0 AND (b.status <> 'bonded' OR s.n IS NULL)"
            ),
        ),
    ] {
        found.extend(count(db, &text, Vec::new()).await?.map(|rows| Finding { what, rows }));
    }
    Ok(found)
}
