//! Whether logistics adds up: holds against their rows, what left the gate against what may, states against moments.
//! Expected is nothing, always.

use sea_orm::ConnectionTrait;

use crate::platform::{
    error::Error,
    reconcile::{Finding, count},
};

/// Looks at everything. One statement each.
pub async fn findings(db: &impl ConnectionTrait) -> Result<Vec<Finding>, Error> {
    let mut found = Vec::new();
    for (what, text) in [
        (
            "a shipment is not held by as many as hold it",
            "SELECT COUNT(*) AS n FROM shipment s LEFT JOIN (SELECT shipment_id, COUNT(*) AS n FROM shipment_hold \
             WHERE lifted_at IS NULL GROUP BY shipment_id) AS h ON h.shipment_id = s.id WHERE s.holds <> COALESCE(h.n, 0)",
        ),
        (
            "a shipment left the gate without a waybill or a weight",
            "SELECT COUNT(*) AS n FROM shipment WHERE desk = 'gate_out' AND (waybill IS NULL OR weighed_g IS NULL)",
        ),
        (
            "a shipment is handed over and nobody knows when, or the other way round",
            "SELECT COUNT(*) AS n FROM shipment WHERE (state = 'signed') <> (signed_at IS NOT NULL)",
        ),
        (
            "what waits for customs is more than one unit",
            "SELECT COUNT(*) AS n FROM (SELECT u.shipment_id FROM handling_unit u JOIN shipment s ON s.id = u.shipment_id \
             WHERE s.needs_release GROUP BY u.shipment_id HAVING COUNT(*) > 1) AS many",
        ),
    ] {
        found.extend(count(db, text, Vec::new()).await?.map(|rows| Finding { what, rows }));
    }
    Ok(found)
}
