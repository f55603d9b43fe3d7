//! Whether money, orders and what is held agree; and what is done about it when they do not.

use chrono::{DateTime, Duration, Utc};
use platform::{
    app::App,
    error::Error,
    jobs,
    reconcile::{Finding, count},
};
use sea_orm::ConnectionTrait;

/// How long what is due may wait to be let go, and money may wait for its order.
const GRACE: Duration = Duration::minutes(5);

/// Looks at everything, one statement each. Expected is nothing, always.
pub async fn findings(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<Vec<Finding>, Error> {
    let mut found = Vec::new();
    for (what, text) in [
        (
            "a checkout is not the sum of its orders",
            "SELECT COUNT(*) AS n FROM checkout c WHERE c.total_minor <> \
             COALESCE((SELECT SUM(o.total_minor) FROM sales_order o WHERE o.checkout_id = c.id), 0)",
        ),
        (
            "an order is not the sum of its lines",
            "SELECT COUNT(*) AS n FROM sales_order o WHERE o.total_minor <> COALESCE((SELECT \
             SUM(l.goods_minor + l.carriage_minor + l.tax_minor) FROM order_line l WHERE l.order_id = o.id), 0)",
        ),
        (
            "a checkout is paid and has no money",
            "SELECT COUNT(*) AS n FROM checkout c LEFT JOIN payment p ON p.id = c.paid_by WHERE c.state = 'paid' \
             AND (p.id IS NULL OR p.state <> 'captured' OR p.captured_minor < c.total_minor)",
        ),
        (
            "an order goes its own way",
            "SELECT COUNT(*) AS n FROM sales_order o JOIN checkout c ON c.id = o.checkout_id WHERE \
             (c.state IN ('awaiting_approval', 'awaiting_payment', 'expired') AND o.state <> c.state) \
             OR (c.state IN ('paid', 'on_credit') AND o.state NOT IN ('confirmed', 'shipped', 'completed', 'cancelled', \
              'returned')) \
             OR (c.state = 'cancelled' AND o.state <> 'cancelled')",
        ),
        (
            "stock is held for an order that is over",
            "SELECT COUNT(*) AS n FROM stock_reservation r JOIN sales_order o ON o.number = r.document \
             WHERE r.state IN ('held', 'confirmed') AND o.state IN ('cancelled', 'expired', 'shipped', 'completed')",
        ),
        (
            "a confirmed order has no stock",
            "SELECT COUNT(*) AS n FROM sales_order o WHERE o.state = 'confirmed' AND o.location_id IS NOT NULL AND NOT EXISTS \
             (SELECT 1 FROM stock_reservation r WHERE r.document = o.number AND r.state = 'confirmed')",
        ),
        (
            "a parcel waits for an order that is over",
            "SELECT COUNT(*) AS n FROM shipment s JOIN sales_order o ON o.number = s.document \
             WHERE s.state IN ('planned', 'packed') AND o.state IN ('cancelled', 'expired', 'returned')",
        ),
        (
            "an allowance is reserved for an order that is over",
            "SELECT COUNT(*) AS n FROM allowance_entry e JOIN sales_order o ON o.number = e.document \
             WHERE e.state = 'reserved' AND o.state IN ('cancelled', 'expired')",
        ),
        (
            "a paid import has nothing declared of it",
            "SELECT COUNT(*) AS n FROM sales_order o WHERE o.state IN ('confirmed', 'shipped', 'completed') \
             AND o.supply_mode IN ('bonded_import', 'direct_import') AND o.organisation_id IS NULL \
             AND NOT EXISTS (SELECT 1 FROM declaration d WHERE d.document = o.number)",
        ),
        (
            "an import was sent off and customs has not let it go",
            "SELECT COUNT(*) AS n FROM sales_order o JOIN declaration d ON d.document = o.number \
             WHERE o.state IN ('shipped', 'completed') AND d.state NOT IN ('released', 'closed')",
        ),
        (
            "a credit limit is not the sum of what is taken of it",
            "SELECT COUNT(*) AS n FROM credit_limit l WHERE l.used_minor <> COALESCE((SELECT SUM(e.amount_minor) \
             FROM credit_entry e WHERE e.limit_id = l.id AND e.state = 'live'), 0)",
        ),
    ] {
        found.extend(count(db, text, Vec::new()).await?.map(|rows| Finding { what, rows }));
    }
    let due = "SELECT COUNT(*) AS n FROM checkout WHERE state IN ('awaiting_approval', 'awaiting_payment') AND expires_at < $1";
    let rows = count(db, due, vec![(now - GRACE).into()]).await?;
    found.extend(rows.map(|rows| Finding { what: "checkouts are due and nobody lets them go", rows }));
    let idle = format!("SELECT COUNT(*) AS n FROM ({IDLE}) AS idle");
    let rows = count(db, &idle, vec![(now - GRACE).into()]).await?;
    found.extend(rows.map(|rows| Finding { what: "money came and has no order", rows }));
    Ok(found)
}

/// Money that came some time ago, that is not all given back, and that paid no checkout.
const IDLE: &str = "SELECT p.id FROM payment p JOIN checkout c ON c.number = p.document WHERE p.state = 'captured' \
                    AND p.updated_at < $1 AND p.captured_minor > p.refunded_minor \
                    AND (c.paid_by IS NULL OR c.paid_by <> p.id)";

/// Money without an order is looked at again: it buys what it was for, or goes back. Answers with how many.
pub async fn mend(app: &App, now: DateTime<Utc>) -> Result<usize, Error> {
    use sea_orm::Statement;

    let db = app.db().writer();
    let statement = Statement::from_sql_and_values(db.get_database_backend(), IDLE, [(now - GRACE).into()]);
    let rows = db.query_all_raw(statement).await?;
    for row in &rows {
        let id = row.try_get("", "id")?;
        if let Some(paid) = payments::ops::by_id(db, id).await? {
            let told = payments::jobs::Settled { payment: paid.id, document: paid.document, refund: None };
            jobs::enqueue(db, &told, now).await?;
        }
    }
    Ok(rows.len())
}
