//! Whether payments add up: the ledger, the sums on payments, refunds, payouts. Expected is nothing, always.

use chrono::{DateTime, Duration, Utc};
use platform::{
    error::Error,
    reconcile::{Finding, count},
};
use sea_orm::ConnectionTrait;

/// How long a refund may wait to be asked of its provider.
const GRACE: Duration = Duration::days(1);

fn of_account(account: &str) -> String {
    format!(
        "(SELECT payment_id, SUM(amount_minor) AS n FROM ledger_entry WHERE account = '{account}' GROUP BY payment_id)"
    )
}

fn of_refunds(states: &str) -> String {
    format!("(SELECT payment_id, SUM(amount_minor) AS n FROM refund WHERE state IN ({states}) GROUP BY payment_id)")
}

/// Looks at everything. One statement each.
pub async fn findings(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<Vec<Finding>, Error> {
    let mut found = Vec::new();
    for (what, text) in [
        (
            "a posting does not sum to nothing",
            "SELECT COUNT(*) AS n FROM (SELECT posting FROM ledger_entry GROUP BY posting, currency \
             HAVING SUM(amount_minor) <> 0) AS odd"
                .to_owned(),
        ),
        (
            "what came is not what was asked",
            "SELECT COUNT(*) AS n FROM payment WHERE captured_minor <> CASE state WHEN 'captured' THEN amount_minor ELSE 0 END"
                .to_owned(),
        ),
        (
            "another amount came than was asked, and a person has to decide",
            "SELECT COUNT(*) AS n FROM payment WHERE mismatch IS NOT NULL AND state <> 'captured'".to_owned(),
        ),
        (
            "what is left of a payment is not what the ledger says",
            format!(
                "SELECT COUNT(*) AS n FROM payment p LEFT JOIN {} s ON s.payment_id = p.id \
                 WHERE COALESCE(s.n, 0) <> p.refunded_minor + p.allotted_minor - p.captured_minor",
                of_account("buyer_funds")
            ),
        ),
        (
            "what lies at a provider is not what the ledger says",
            format!(
                "SELECT COUNT(*) AS n FROM payment p LEFT JOIN {} s ON s.payment_id = p.id \
                 LEFT JOIN {} r ON r.payment_id = p.id \
                 WHERE COALESCE(s.n, 0) <> p.captured_minor - p.fee_minor - COALESCE(r.n, 0)",
                of_account("provider"),
                of_refunds("'succeeded'")
            ),
        ),
        (
            "what is owed back to a buyer is not what the ledger says",
            format!(
                "SELECT COUNT(*) AS n FROM payment p LEFT JOIN {} s ON s.payment_id = p.id \
                 LEFT JOIN {} r ON r.payment_id = p.id WHERE COALESCE(s.n, 0) <> -COALESCE(r.n, 0)",
                of_account("refund_clearing"),
                of_refunds("'requested', 'pending'")
            ),
        ),
        (
            "what is held is not what the ledger says",
            format!(
                "SELECT COUNT(*) AS n FROM payment p LEFT JOIN {} s ON s.payment_id = p.id \
                 WHERE COALESCE(s.n, 0) <> CASE p.state WHEN 'authorised' THEN p.amount_minor ELSE 0 END",
                of_account("authorised")
            ),
        ),
        (
            "what is given back is not the sum of the refunds",
            format!(
                "SELECT COUNT(*) AS n FROM payment p LEFT JOIN {} r ON r.payment_id = p.id \
                 WHERE p.refunded_minor <> COALESCE(r.n, 0)",
                of_refunds("'requested', 'pending', 'succeeded'")
            ),
        ),
        (
            "a payout is not the sum of its lines",
            "SELECT COUNT(*) AS n FROM payout p WHERE p.total_minor <> COALESCE((SELECT SUM(l.amount_minor) \
             FROM payout_line l WHERE l.payout_id = p.id), 0)"
                .to_owned(),
        ),
        (
            "what was paid out to a seller is not what the ledger says",
            "SELECT COUNT(*) AS n FROM (SELECT l.seller_id, p.currency, SUM(l.amount_minor) AS n FROM payout_line l \
             JOIN payout p ON p.id = l.payout_id WHERE p.state <> 'cancelled' GROUP BY l.seller_id, p.currency) AS lines \
             LEFT JOIN (SELECT party_id, currency, SUM(amount_minor) AS n FROM ledger_entry WHERE account = 'paid_out' \
             GROUP BY party_id, currency) AS s ON s.party_id = lines.seller_id AND s.currency = lines.currency \
             WHERE COALESCE(s.n, 0) <> -lines.n"
                .to_owned(),
        ),
        (
            "a receipt is matched to a payment that is not paid",
            "SELECT COUNT(*) AS n FROM bank_receipt b LEFT JOIN payment p ON p.id = b.payment_id \
             WHERE b.state = 'matched' AND COALESCE(p.state, '') <> 'captured'"
                .to_owned(),
        ),
    ] {
        found.extend(count(db, &text, Vec::new()).await?.map(|rows| Finding { what, rows }));
    }
    let stuck = "SELECT COUNT(*) AS n FROM refund WHERE state = 'requested' AND updated_at < $1";
    let rows = count(db, stuck, vec![(now - GRACE).into()]).await?;
    found.extend(rows.map(|rows| Finding { what: "refunds wait and nobody asks for them", rows }));
    Ok(found)
}
