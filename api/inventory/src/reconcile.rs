//! Whether stock adds up: balances against moves, promises against what is reserved. Expected is nothing, always.

use chrono::{DateTime, Duration, Utc};
use platform::{
    error::Error,
    reconcile::{Finding, count},
};
use sea_orm::ConnectionTrait;

/// How long what is due may wait to be swept.
const GRACE: Duration = Duration::seconds(60);

const LEGS: &str = "SELECT owner_id, variant_id, lot_id, to_id AS location_id, to_status AS status, quantity AS n FROM stock_move \
                    UNION ALL \
                    SELECT owner_id, variant_id, lot_id, from_id, from_status, -quantity FROM stock_move";

const BOOK: &str = "SELECT item_id, \
    SUM(CASE event WHEN 'pre_increase' THEN quantity WHEN 'increase' THEN -quantity WHEN 'withdraw' THEN -quantity \
    ELSE 0 END) AS pre_increase, \
    SUM(CASE event WHEN 'increase' THEN quantity ELSE 0 END) AS increased, \
    SUM(CASE event WHEN 'lock' THEN quantity WHEN 'unlock' THEN -quantity WHEN 'reduce' THEN -quantity ELSE 0 END) AS locked, \
    SUM(CASE event WHEN 'reduce' THEN quantity WHEN 'return_in' THEN -quantity ELSE 0 END) AS reduced \
    FROM bonded_entry GROUP BY item_id";

const ON_THE_WAY: &str = "SELECT t.organisation_id AS owner_id, l.variant_id, l.lot_id, l.status, \
    SUM(l.quantity - l.received - l.lost) AS n FROM stock_transfer_line l JOIN stock_transfer t ON t.id = l.transfer_id \
    WHERE t.state IN ('shipped', 'partial') GROUP BY t.organisation_id, l.variant_id, l.lot_id, l.status";

/// What inbound notices declared, brought and took back, by document and item; and what the book says of it.
const INBOUND: &str = "SELECT i.number, l.item_id, SUM(l.quantity) AS declared, SUM(l.received) AS came, SUM(l.short) AS short \
    FROM inbound_line l JOIN inbound i ON i.id = l.inbound_id GROUP BY i.number, l.item_id";
const EXPECTED: &str = "SELECT document, item_id, SUM(CASE event WHEN 'pre_increase' THEN quantity ELSE 0 END) AS declared, \
    SUM(CASE event WHEN 'increase' THEN quantity ELSE 0 END) AS came, \
    SUM(CASE event WHEN 'withdraw' THEN quantity ELSE 0 END) AS short FROM bonded_entry \
    WHERE document IN (SELECT number FROM inbound) GROUP BY document, item_id";

const ON_THE_DOCK: &str = "SELECT i.organisation_id AS owner_id, l.variant_id, l.lot_id, SUM(l.received - l.put_away) AS n \
    FROM inbound_line l JOIN inbound i ON i.id = l.inbound_id GROUP BY i.organisation_id, l.variant_id, l.lot_id";

/// Whether inbound notices say the same as the account book, the shelves and the paperwork of the gate.
fn of_inbound() -> [(&'static str, String); 6] {
    [
        (
            "a verification list says another sum of an item than its inbound notice",
            "SELECT COUNT(*) AS n FROM (SELECT v.id, l.item_id, SUM(l.quantity) AS quantity FROM inbound_line l \
             JOIN verification_list v ON v.inbound_id = l.inbound_id GROUP BY v.id, l.item_id) AS d \
             LEFT JOIN verification_line s ON s.list_id = d.id AND s.item_id = d.item_id \
             WHERE COALESCE(s.quantity, 0) <> d.quantity"
                .to_owned(),
        ),
        (
            "an inbound notice and the account book do not say the same",
            format!(
                "SELECT COUNT(*) AS n FROM ({INBOUND}) AS i LEFT JOIN ({EXPECTED}) AS e ON e.document = i.number \
                 AND e.item_id = i.item_id WHERE i.declared <> COALESCE(e.declared, 0) \
                 OR i.came <> COALESCE(e.came, 0) OR i.short <> COALESCE(e.short, 0)"
            ),
        ),
        (
            "what lies on the dock is not what came and was not put away",
            format!(
                "SELECT COUNT(*) AS n FROM stock_balance b JOIN stock_location l ON l.id = b.location_id \
                 LEFT JOIN ({ON_THE_DOCK}) AS s ON s.owner_id = b.owner_id AND s.variant_id = b.variant_id \
                 AND s.lot_id = b.lot_id \
                 WHERE l.kind = 'transit' AND l.code = '@INBOUND' AND b.on_hand <> COALESCE(s.n, 0)"
            ),
        ),
        (
            "what was put away is not in bins",
            "SELECT COUNT(*) AS n FROM inbound_line l WHERE l.put_away <> COALESCE((SELECT SUM(p.quantity) \
             FROM inbound_put_away p WHERE p.line_id = l.id), 0)"
                .to_owned(),
        ),
        (
            "an inbound notice does not stand as its lines do",
            "SELECT COUNT(*) AS n FROM inbound i WHERE \
             (i.state IN ('declared', 'receiving')) <> EXISTS (SELECT 1 FROM inbound_line l WHERE l.inbound_id = i.id \
             AND l.received + l.short < l.quantity) OR (i.state = 'received') <> (i.state <> 'receiving' AND EXISTS \
             (SELECT 1 FROM inbound_line l WHERE l.inbound_id = i.id AND l.put_away < l.received))"
                .to_owned(),
        ),
        (
            "a verification list does not stand as what it is of",
            "SELECT COUNT(*) AS n FROM inbound i LEFT JOIN verification_list v ON v.inbound_id = i.id WHERE v.state IS NULL \
             OR v.state <> CASE i.state WHEN 'cancelled' THEN 'cancelled' WHEN 'received' THEN 'verified' \
             WHEN 'put_away' THEN 'verified' ELSE 'declared' END"
                .to_owned(),
        ),
    ]
}

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
            // Pieces of a pool are reserved whether somebody has them or not.
            "SELECT COUNT(*) AS n FROM stock_balance b WHERE b.reserved <> COALESCE((SELECT SUM(r.quantity) \
             FROM stock_reservation r WHERE r.balance_id = b.id AND NOT r.pooled AND r.state IN ('held', 'confirmed')), 0) \
             + (SELECT COUNT(*) FROM stock_unit u WHERE u.balance_id = b.id)"
                .to_owned(),
        ),
        (
            "a promise of pieces does not have them",
            "SELECT COUNT(*) AS n FROM stock_reservation r WHERE r.pooled AND \
             (SELECT COUNT(*) FROM stock_unit u WHERE u.reservation_id = r.id AND u.balance_id = r.balance_id) \
             <> CASE WHEN r.state IN ('held', 'confirmed') THEN r.quantity ELSE 0 END"
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
        (
            "the account book is not the sum of its entries",
            format!(
                "SELECT COUNT(*) AS n FROM bonded_item i LEFT JOIN ({BOOK}) AS s ON s.item_id = i.id \
                 WHERE i.pre_increase <> COALESCE(s.pre_increase, 0) OR i.increased <> COALESCE(s.increased, 0) \
                 OR i.locked <> COALESCE(s.locked, 0) OR i.reduced <> COALESCE(s.reduced, 0)"
            ),
        ),
        (
            "a transfer does not have on the way what is missing of it",
            // What is on the way of an owner's lot is what its transfers still miss, and nothing else.
            format!(
                "SELECT COUNT(*) AS n FROM stock_balance b JOIN stock_location l ON l.id = b.location_id \
                 LEFT JOIN ({ON_THE_WAY}) AS s ON s.owner_id = b.owner_id AND s.variant_id = b.variant_id \
                 AND s.lot_id = b.lot_id AND s.status = b.status \
                 WHERE l.kind = 'transit' AND l.code = 'TRANSIT' AND b.on_hand <> COALESCE(s.n, 0)"
            ),
        ),
    ]
    .into_iter()
    .chain(of_inbound())
    {
        found.extend(count(db, &text, Vec::new()).await?.map(|rows| Finding { what, rows }));
    }
    let due = "SELECT COUNT(*) AS n FROM stock_reservation WHERE state = 'held' AND expires_at < $1";
    let rows = count(db, due, vec![(now - GRACE).into()]).await?;
    found.extend(rows.map(|rows| Finding { what: "holds are due and nobody lets them go", rows }));
    Ok(found)
}
