//! What becomes of receivables that money is out on: they go over to the financier, or secure what it gave; they are
//! free of it when it is settled; and they are its again when something of that was reversed.

use entities::{
    finance::{
        EncumbranceStatus, EncumbranceStep, FingerprintState, ReceivableEventKind as Kind, ReceivableSide, receivable,
        request::{self, encumbrance, fingerprint},
    },
    values::{
        ErrorCode, Refusal,
        id::{EncumbranceId, FinancingRequestId, ReceivableId},
    },
};
use platform::{app::Work, error::Error, guarded};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, sea_query::Expr};
use uuid::Uuid;

use super::of_request;
use crate::ops::receivables::{Happened, changed, several};

/// How an event of a receivable names a request that did the same to it before.
fn again(of: &request::Model) -> String {
    format!("{}#{}", of.number, of.version)
}

fn taken_away() -> Error {
    Refusal::new(ErrorCode::AlreadyEncumbered).at("requestId").into()
}

/// The step by which a receivable becomes a financier's, and what happened to it then.
fn taking(pledged: bool) -> (EncumbranceStep, Kind) {
    if pledged { (EncumbranceStep::Pledge, Kind::Pledged) } else { (EncumbranceStep::Assign, Kind::Assigned) }
}

/// The receivables of a request, which are locked, become its financier's. What holds them has to be live.
pub(super) async fn taken(
    work: &mut Work,
    of: &request::Model,
    rows: &[receivable::Model],
    pledged: bool,
) -> Result<(), Error> {
    let live = encumbrance::Entity::find()
        .filter(encumbrance::Column::RequestId.eq(of.id))
        .filter(encumbrance::Column::Live.eq(true))
        .all(work.tx())
        .await?;
    let (step, kind) = taking(pledged);
    let (from, to) = step.leads();
    for row in rows {
        if !from.contains(&row.encumbrance) || !live.iter().any(|one| one.receivable_id == row.id) {
            return Err(taken_away());
        }
        let next = receivable::Model { encumbrance: to, ..row.clone() };
        let happened = Happened {
            amount_minor: row.encumbered_minor,
            reference: Some(of.number.clone()),
            ..Happened::plainly(kind)
        };
        changed(work, row, next, happened).await?;
    }
    let done = fingerprint::Entity::update_many()
        .col_expr(fingerprint::Column::State, Expr::value(FingerprintState::Financed))
        .col_expr(fingerprint::Column::UpdatedAt, Expr::value(work.now))
        .filter(fingerprint::Column::RequestId.eq(of.id))
        .filter(fingerprint::Column::State.eq(FingerprintState::Registered))
        .exec(work.tx())
        .await?;
    if u64::try_from(rows.len()) == Ok(done.rows_affected) { Ok(()) } else { Err(taken_away()) }
}

/// The receivables of requests are free of them: those that they hold.
pub(super) async fn released(work: &mut Work, requests: &[request::Model]) -> Result<(), Error> {
    if requests.is_empty() {
        return Ok(());
    }
    let over: Vec<FinancingRequestId> = requests.iter().map(|of| of.id).collect();
    let live = encumbrance::Entity::find()
        .filter(encumbrance::Column::RequestId.is_in(over.iter().copied()))
        .filter(encumbrance::Column::Live.eq(true))
        .all(work.tx())
        .await?;
    // All of them at once: one request after the other would not be in the order of the ids.
    let keys: Vec<Uuid> = live.iter().map(|one| one.receivable_id.0).collect();
    guarded::lock(work.tx(), "receivable", &keys).await?;
    let (from, to) = EncumbranceStep::Release.leads();
    for of in requests {
        let held = live.iter().filter(|one| one.request_id == of.id).map(|one| one.receivable_id);
        let held: Vec<ReceivableId> = held.collect();
        for row in &several(work, ReceivableSide::Seller, of.seller_id, &held).await? {
            if !from.contains(&row.encumbrance) {
                return Err(Error::internal("a receivable that is held is not financed"));
            }
            let next = receivable::Model { encumbrance: to, encumbered_minor: 0, ..row.clone() };
            let happened = Happened {
                amount_minor: row.encumbered_minor,
                reference: Some(again(of)),
                ..Happened::plainly(Kind::Released)
            };
            changed(work, row, next, happened).await?;
        }
    }
    encumbrance::Entity::update_many()
        .col_expr(encumbrance::Column::Live, Expr::value(false))
        .col_expr(encumbrance::Column::EndedAt, Expr::value(work.now))
        .filter(encumbrance::Column::RequestId.is_in(over.iter().copied()))
        .filter(encumbrance::Column::Live.eq(true))
        .exec(work.tx())
        .await?;
    fingerprint::Entity::update_many()
        .col_expr(fingerprint::Column::State, Expr::value(FingerprintState::Cancelled))
        .col_expr(fingerprint::Column::UpdatedAt, Expr::value(work.now))
        .filter(fingerprint::Column::RequestId.is_in(over.iter().copied()))
        .filter(fingerprint::Column::State.eq(FingerprintState::Financed))
        .exec(work.tx())
        .await?;
    Ok(())
}

/// Something is owed again on requests that were settled: their receivables are their financiers' again. One that
/// somebody else took on meanwhile stays there: what is owed is owed, and nothing covers it.
pub(super) async fn taken_again(work: &mut Work, requests: &[request::Model]) -> Result<(), Error> {
    for of in requests {
        let financings = of_request(work.tx(), of.id).await?;
        let ids: Vec<ReceivableId> = financings.iter().map(|one| one.receivable_id).collect();
        let rows = several(work, ReceivableSide::Seller, of.seller_id, &ids).await?;
        for (row, financing) in rows.iter().zip(&financings) {
            if row.encumbrance != EncumbranceStatus::Released {
                continue;
            }
            let (step, kind) = taking(financing.pledged);
            let (_, to) = step.leads();
            let held = encumbrance::Model {
                id: EncumbranceId::new(work.now),
                receivable_id: row.id,
                request_id: of.id,
                financier_id: of.financier_id,
                amount_minor: financing.face_minor,
                live: true,
                created_at: work.now,
                ended_at: None,
            };
            encumbrance::Entity::insert(held.into_active_model()).exec_without_returning(work.tx()).await?;
            fingerprint::Entity::update_many()
                .col_expr(fingerprint::Column::State, Expr::value(FingerprintState::Financed))
                .col_expr(fingerprint::Column::UpdatedAt, Expr::value(work.now))
                .filter(fingerprint::Column::RequestId.eq(of.id))
                .filter(fingerprint::Column::Hash.eq(&row.fingerprint))
                .exec(work.tx())
                .await?;
            let next = receivable::Model { encumbrance: to, encumbered_minor: financing.face_minor, ..row.clone() };
            let happened =
                Happened { amount_minor: financing.face_minor, reference: Some(again(of)), ..Happened::plainly(kind) };
            changed(work, row, next, happened).await?;
        }
    }
    Ok(())
}
