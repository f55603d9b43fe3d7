//! Whether what happens to the stock of showrooms adds up: what is held, what is lent, what left, what of deposits is
//! settled. Expected is nothing, always.

use std::collections::BTreeSet;

use entities::{
    inventory::{ReservationKind, ReservationState, reservation},
    showroom::{
        DisplayState, display,
        loan::{self, LoanState},
        write_off::{self, WriteOffState},
    },
    values::id::{DisplayId, ShowroomId},
};
use platform::{
    error::Error,
    reconcile::{Finding, count},
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect};

use super::displays::promised_as;

/// What stands in slots without a promise of its piece, and promises of what does not stand there any more. Ids look
/// different in the two databases' texts, so they are compared here.
async fn unpromised(db: &impl ConnectionTrait) -> Result<Option<Finding>, Error> {
    let standing = display::Entity::find()
        .filter(display::Column::State.eq(DisplayState::Installed))
        .filter(display::Column::BalanceId.is_not_null())
        .select_only()
        .column(display::Column::Id)
        .into_tuple::<DisplayId>()
        .all(db)
        .await?;
    let standing: BTreeSet<String> = standing.into_iter().map(promised_as).collect();
    let promised = reservation::Entity::find()
        .filter(reservation::Column::Kind.eq(ReservationKind::Display))
        .filter(reservation::Column::State.is_in([ReservationState::Held, ReservationState::Confirmed]))
        .filter(reservation::Column::Document.starts_with("display:"))
        .select_only()
        .column(reservation::Column::Document)
        .into_tuple::<String>()
        .all(db)
        .await?;
    let promised: BTreeSet<String> = promised.into_iter().collect();
    let rows = i64::try_from(standing.symmetric_difference(&promised).count()).map_err(Error::internal)?;
    Ok((rows > 0).then_some(Finding { what: "what stands in a slot is not what is promised to it", rows }))
}

/// What does not add up, and in how many rows.
const CHECKS: &[(&str, &str)] = &[
    (
        "a write-off does not hold what it is of, or still does when it is decided",
        "SELECT COUNT(*) AS n FROM (SELECT w.document, l.balance_id, \
         SUM(CASE WHEN w.state = 'requested' THEN l.quantity ELSE 0 END) AS held FROM showroom_write_off_line l \
         JOIN showroom_write_off w ON w.id = l.write_off_id GROUP BY w.document, l.balance_id) AS s \
         WHERE s.held <> COALESCE((SELECT SUM(r.quantity) FROM stock_reservation r WHERE r.document = s.document \
         AND r.balance_id = s.balance_id AND r.state IN ('held', 'confirmed')), 0)",
    ),
    (
        "a loan does not hold what it is of, or still does when it was lent",
        "SELECT COUNT(*) AS n FROM (SELECT w.document, l.balance_id, \
         SUM(CASE WHEN w.state = 'requested' THEN l.quantity ELSE 0 END) AS held FROM sample_loan_line l \
         JOIN sample_loan w ON w.id = l.loan_id GROUP BY w.document, l.balance_id) AS s \
         WHERE s.held <> COALESCE((SELECT SUM(r.quantity) FROM stock_reservation r WHERE r.document = s.document \
         AND r.balance_id = s.balance_id AND r.state IN ('held', 'confirmed')), 0)",
    ),
    (
        "a write-off left the books otherwise than it was agreed to",
        "SELECT COUNT(*) AS n FROM (SELECT w.document, SUM(CASE WHEN w.state = 'approved' THEN l.quantity ELSE 0 END) \
         AS gone FROM showroom_write_off_line l JOIN showroom_write_off w ON w.id = l.write_off_id \
         GROUP BY w.document) AS s WHERE s.gone <> COALESCE((SELECT SUM(r.quantity) FROM stock_reservation r \
         WHERE r.document = s.document AND r.state = 'consumed'), 0)",
    ),
    (
        "what is on loan is not what borrowers have",
        "SELECT COUNT(*) AS n FROM stock_balance b JOIN stock_location p ON p.id = b.location_id \
         LEFT JOIN (SELECT s.organisation_id AS owner_id, l.variant_id, l.lot_id, l.status, \
         SUM(l.quantity - l.good - l.damaged - l.lost) AS n FROM sample_loan_line l \
         JOIN sample_loan w ON w.id = l.loan_id JOIN showroom s ON s.id = w.showroom_id \
         WHERE w.state IN ('lent', 'partially_returned') \
         GROUP BY s.organisation_id, l.variant_id, l.lot_id, l.status) AS o ON o.owner_id = b.owner_id \
         AND o.variant_id = b.variant_id AND o.lot_id = b.lot_id AND o.status = b.status \
         WHERE p.kind = 'transit' AND p.code = '@LOAN' AND b.on_hand <> COALESCE(o.n, 0)",
    ),
    (
        "a loan is not the sum of its lines",
        "SELECT COUNT(*) AS n FROM sample_loan w JOIN (SELECT loan_id, SUM(quantity) AS pieces, \
         SUM(good + damaged + lost) AS settled FROM sample_loan_line GROUP BY loan_id) AS l ON l.loan_id = w.id \
         WHERE l.pieces <> w.pieces OR l.settled <> w.settled",
    ),
    (
        "a line of a loan is not the sum of what came back of it",
        "SELECT COUNT(*) AS n FROM sample_loan_line l LEFT JOIN (SELECT line_id, SUM(good) AS good, \
         SUM(damaged) AS damaged, SUM(lost) AS lost FROM sample_loan_return GROUP BY line_id) AS r ON r.line_id = l.id \
         WHERE l.good <> COALESCE(r.good, 0) OR l.damaged <> COALESCE(r.damaged, 0) OR l.lost <> COALESCE(r.lost, 0)",
    ),
    (
        "of a deposit another sum was given back or kept than is noted",
        "SELECT COUNT(*) AS n FROM sample_loan w LEFT JOIN (SELECT loan_id, SUM(back_minor) AS back, \
         SUM(kept_minor) AS kept FROM sample_loan_return GROUP BY loan_id) AS r ON r.loan_id = w.id \
         WHERE w.back_minor <> COALESCE(r.back, 0) OR w.kept_minor <> COALESCE(r.kept, 0) \
         OR (w.state IN ('returned', 'lost')) <> (w.settled = w.pieces) \
         OR (w.state IN ('returned', 'lost') AND w.back_minor + w.kept_minor <> w.deposit_minor)",
    ),
];

/// What does not add up. One statement each.
pub async fn findings(db: &impl ConnectionTrait) -> Result<Vec<Finding>, Error> {
    let mut found = Vec::new();
    found.extend(unpromised(db).await?);
    for (what, text) in CHECKS {
        found.extend(count(db, text, Vec::new()).await?.map(|rows| Finding { what, rows }));
    }
    Ok(found)
}

/// How many loans and write-offs of a showroom are not over: it is not closed before they are.
pub(crate) async fn open_papers(tx: &impl ConnectionTrait, id: ShowroomId) -> Result<u64, Error> {
    let loans = loan::Entity::find().filter(loan::Column::ShowroomId.eq(id)).filter(loan::Column::State.is_in([
        LoanState::Requested,
        LoanState::Lent,
        LoanState::PartiallyReturned,
    ]));
    let write_offs = write_off::Entity::find()
        .filter(write_off::Column::ShowroomId.eq(id))
        .filter(write_off::Column::State.eq(WriteOffState::Requested));
    Ok(loans.count(tx).await? + write_offs.count(tx).await?)
}
