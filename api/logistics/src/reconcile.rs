//! Whether logistics adds up: holds against their rows, what left the gate against what may, states against moments.
//! Expected is nothing, always.

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
        (
            "a vehicle is through the gate and a parcel of it is not",
            "SELECT COUNT(*) AS n FROM gate_pass_parcel p JOIN gate_pass g ON g.id = p.gate_pass_id \
             JOIN shipment s ON s.id = p.shipment_id \
             WHERE g.state = 'passed' AND s.gated_out_at IS NULL",
        ),
        (
            // Since there are passes: before the first of them nobody kept any.
            "a bonded parcel is out of the gate without a pass",
            "SELECT COUNT(*) AS n FROM shipment s JOIN stock_location l ON l.id = s.from_id \
             WHERE s.desk = 'gate_out' AND s.needs_release AND l.kind = 'bonded_warehouse' \
             AND EXISTS (SELECT 1 FROM gate_pass f WHERE f.inbound_id IS NULL AND f.created_at <= s.gated_out_at) \
             AND (SELECT SUM(CASE e.event WHEN 'lock' THEN e.quantity WHEN 'unlock' THEN -e.quantity ELSE 0 END) \
             FROM bonded_entry e JOIN bonded_item i ON i.id = e.item_id WHERE e.document = s.document \
             AND i.owner_id = s.owner_id AND i.location_id = s.from_id AND e.at <= s.gated_out_at AND NOT e.by_hand) > 0 \
             AND NOT EXISTS (SELECT 1 FROM gate_pass_parcel p JOIN gate_pass g ON g.id = p.gate_pass_id \
             WHERE p.shipment_id = s.id AND g.state = 'passed')",
        ),
        (
            "a parcel is on two vehicles",
            "SELECT COUNT(*) AS n FROM (SELECT p.shipment_id FROM gate_pass_parcel p JOIN gate_pass g \
             ON g.id = p.gate_pass_id WHERE g.state <> 'cancelled' GROUP BY p.shipment_id HAVING COUNT(*) > 1) AS many",
        ),
        (
            // What left is never unlocked: it is reduced, whenever the order hears of it.
            "a verification list says another sum of an item than what its parcels had locked",
            "SELECT COUNT(*) AS n FROM (SELECT v.id, e.item_id, \
             SUM(CASE e.event WHEN 'lock' THEN e.quantity WHEN 'unlock' THEN -e.quantity ELSE 0 END) AS quantity \
             FROM verification_list v JOIN gate_pass_parcel p ON p.gate_pass_id = v.gate_pass_id \
             JOIN shipment s ON s.id = p.shipment_id JOIN bonded_entry e ON e.document = s.document AND NOT e.by_hand \
             JOIN bonded_item i ON i.id = e.item_id AND i.owner_id = s.owner_id AND i.location_id = s.from_id \
             WHERE v.state = 'verified' GROUP BY v.id, e.item_id) AS d \
             LEFT JOIN verification_line l ON l.list_id = d.id AND l.item_id = d.item_id \
             WHERE COALESCE(l.quantity, 0) <> d.quantity",
        ),
        (
            "a verification list does not stand as its gate pass",
            "SELECT COUNT(*) AS n FROM gate_pass g LEFT JOIN verification_list v ON v.gate_pass_id = g.id \
             WHERE g.inbound_id IS NULL AND (v.state IS NULL OR v.state <> CASE g.state WHEN 'passed' THEN 'verified' \
             ELSE g.state END)",
        ),
    ] {
        found.extend(count(db, text, Vec::new()).await?.map(|rows| Finding { what, rows }));
    }
    Ok(found)
}
