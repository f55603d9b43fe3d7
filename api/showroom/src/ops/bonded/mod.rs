//! Bonded displays: goods under customs supervision that go out of the zone into a showroom, under a guarantee of all
//! their taxes, and come back, are sold and declared, go on to another showroom, or are lost.
//!
//! - here: what all steps share
//! - [`applying`]: applied for, guaranteed, out of the gate; put off, given up
//! - [`leaving`]: in the showroom, and how pieces leave it
//! - [`declared`]: what is declared as general trade, paid, written off
//! - [`guarantee`]: what is put in, and what of it is in use
//! - [`alarms`]: what is due soon; [`reads`]: what is read; [`findings`]: whether it adds up
//!
//! Goods move with their step, in one transaction, under customs status BONDED. Until they leave the warehouse they are
//! promised (`ReservationKind::Display`), so nobody sells, moves or pledges them. Out of it they lie in the showroom's
//! place for bonded displays, and are not promised to their document as a whole: each facing promises the piece that it
//! shows, which could not be if all of them were promised already. No order takes from that place, because what is
//! ordered comes out of warehouses, and what lies in a place of that kind moves by the steps of its document.
//!
//! The account book is left as it is: it has no column for what is outside on display, so the goods are counted as
//! being there, which is what "displayed, not reduced" means. When customs wrote pieces off, people note that in the
//! book (`noteBondedMovement`), as of all that is cleared.
//!
//! Rows are locked in one order: bonded displays by id, then the guarantee, then balances.

pub mod alarms;
pub mod applying;
pub mod declared;
pub mod findings;
pub mod guarantee;
pub mod leaving;
pub mod reads;

use chrono::NaiveDate;
use entities::{
    inventory::{CustomsStatus, MoveReason},
    party::Action,
    showroom::{
        BondedDisplayCause, BondedDisplayState, BondedDisplayStep, ShowroomState, bonded_display, bonded_event,
        bonded_part, store,
    },
    values::{
        ErrorCode, Refusal,
        id::{BondedDisplayEventId, BondedDisplayId, BondedDisplayPartId, StockLocationId},
        refusal::line,
    },
};
use inventory::ledger::{self, By, Moving, Place};
use platform::{
    app::Work,
    db::{Dialect, dialect},
    error::{Error, not_found},
    graphql::encode,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    sea_query::LockType,
};
use serde_json::Value;

use super::{place_of, store_for, store_of};

/// Longest number of a paper of customs.
const LONGEST_NUMBER: usize = 60;
/// Longest document that people name.
const LONGEST_DOCUMENT: usize = 120;

fn number(text: &str, field: &str) -> Result<String, Error> {
    Ok(line(text, LONGEST_NUMBER).map_err(|refusal| refusal.at(field))?)
}

fn document(text: &str) -> Result<String, Error> {
    Ok(line(text, LONGEST_DOCUMENT).map_err(|refusal| refusal.at("document"))?)
}

fn unfit(state: &str, action: &str) -> Refusal {
    Refusal::new(ErrorCode::IllegalTransition).with("from", state).with("action", action)
}

/// Bonded displays, locked until the transaction ends, in the order of their ids. On `SQLite` nobody else writes.
async fn locked(tx: &impl ConnectionTrait, ids: &[BondedDisplayId]) -> Result<Vec<bonded_display::Model>, Error> {
    let mut rows = bonded_display::Entity::find()
        .filter(bonded_display::Column::Id.is_in(ids.iter().copied()))
        .order_by_asc(bonded_display::Column::Id);
    if dialect(tx) == Dialect::Postgres {
        rows = rows.lock(LockType::NoKeyUpdate);
    }
    Ok(rows.all(tx).await?)
}

/// A bonded display in a showroom in which the viewer may do this, locked, with the showroom. What is somebody else's
/// does not exist.
async fn held(
    work: &Work,
    action: Action,
    id: BondedDisplayId,
) -> Result<(bonded_display::Model, store::Model), Error> {
    let unknown = || not_found("id", encode(id).as_str());
    let row = locked(work.tx(), &[id]).await?.pop().ok_or_else(unknown)?;
    let store = store_of(work.tx(), work.viewer(), action, row.showroom_id, unknown).await?;
    Ok((row, store))
}

/// The parts of a bonded display, oldest first.
async fn parts_of(db: &impl ConnectionTrait, id: BondedDisplayId) -> Result<Vec<bonded_part::Model>, Error> {
    let rows = bonded_part::Entity::find().filter(bonded_part::Column::DisplayId.eq(id));
    Ok(rows.order_by_asc(bonded_part::Column::Id).all(db).await?)
}

/// Writes a bonded display that is locked.
async fn written(
    work: &Work,
    before: &bonded_display::Model,
    after: bonded_display::Model,
) -> Result<bonded_display::Model, Error> {
    let after = bonded_display::Model { version: before.version + 1, ..after };
    let done = bonded_display::Entity::update_many()
        .set(after.clone().into_active_model().reset_all())
        .filter(bonded_display::Column::Id.eq(before.id))
        .filter(bonded_display::Column::Version.eq(before.version))
        .exec(work.tx())
        .await?;
    if done.rows_affected == 1 { Ok(after) } else { Err(Refusal::new(ErrorCode::StaleVersion).at("id").into()) }
}

/// Writes a part of a bonded display that is locked.
async fn part_written(
    work: &Work,
    before: &bonded_part::Model,
    after: bonded_part::Model,
) -> Result<bonded_part::Model, Error> {
    let after = bonded_part::Model { version: before.version + 1, updated_at: work.now, ..after };
    let done = bonded_part::Entity::update_many()
        .set(after.clone().into_active_model().reset_all())
        .filter(bonded_part::Column::Id.eq(before.id))
        .filter(bonded_part::Column::Version.eq(before.version))
        .exec(work.tx())
        .await?;
    if done.rows_affected == 1 { Ok(after) } else { Err(Refusal::new(ErrorCode::StaleVersion).at("id").into()) }
}

/// What is said of pieces that go on.
#[derive(Clone, Debug, Default)]
struct Said {
    cause: Option<BondedDisplayCause>,
    left_on: Option<NaiveDate>,
    declare_by: Option<NaiveDate>,
    document: Option<String>,
    declaration_no: Option<String>,
}

impl Said {
    /// Under a document.
    fn under(document: &str) -> Self {
        Self { document: Some(document.to_owned()), ..Self::default() }
    }
}

/// Pieces that went on.
#[derive(Clone, Debug)]
struct Went {
    /// To which part.
    part: bonded_part::Model,
    /// How many.
    pieces: i64,
    /// How many of them bound the guarantee and do not any more.
    freed: i64,
}

/// A part with nothing said of it yet.
fn new_part(work: &Work, id: BondedDisplayId, state: BondedDisplayState, quantity: i64) -> bonded_part::Model {
    bonded_part::Model {
        id: BondedDisplayPartId::new(work.now),
        display_id: id,
        state,
        quantity,
        cause: None,
        left_on: None,
        declare_by: None,
        document: None,
        declaration_no: None,
        payment_no: None,
        version: 1,
        updated_at: work.now,
    }
}

/// Takes pieces of a bonded display that is locked a step on: from the heaps that the step leads from, onto the heap
/// that it leads to or into a part of their own. `quantity`: none: all that it leads from.
async fn go(
    work: &Work,
    row: &bonded_display::Model,
    step: BondedDisplayStep,
    quantity: Option<i64>,
    said: Said,
) -> Result<Went, Error> {
    let Some((_, to)) = step.leads() else { return Err(Error::internal("no pieces go by this step")) };
    let parts = parts_of(work.tx(), row.id).await?;
    let takes = bonded_part::taken(&parts, step, quantity)?;
    let pieces: i64 = takes.iter().map(|(_, n)| n).sum();
    let freed = takes.iter().filter(|(part, _)| part.state.binds() && !to.binds()).map(|(_, n)| n).sum();
    let heap = parts.iter().find(|part| to.is_heap() && part.state == to);
    let whole = match takes.as_slice() {
        [(part, n)] if *n == part.quantity && heap.is_none() => Some(*part),
        _ => None,
    };
    let laid = |part: bonded_part::Model| bonded_part::Model {
        state: to,
        cause: said.cause,
        left_on: said.left_on,
        declare_by: said.declare_by,
        document: said.document.clone(),
        declaration_no: said.declaration_no.clone(),
        ..part
    };
    let part = if let Some(part) = whole {
        part_written(work, part, laid(part.clone())).await?
    } else {
        for (part, n) in &takes {
            let rest = bonded_part::Model { quantity: part.quantity - n, ..(*part).clone() };
            part_written(work, part, rest).await?;
        }
        if let Some(heap) = heap {
            let more = bonded_part::Model { quantity: heap.quantity + pieces, ..heap.clone() };
            part_written(work, heap, more).await?
        } else {
            let part = laid(new_part(work, row.id, to, pieces));
            bonded_part::Entity::insert(part.clone().into_active_model()).exec_without_returning(work.tx()).await?;
            part
        }
    };
    told(work, row.id, Some(part.id), step, pieces, said.document).await?;
    Ok(Went { part, pieces, freed })
}

/// Notes what happened to a bonded display.
async fn told(
    work: &Work,
    id: BondedDisplayId,
    part: Option<BondedDisplayPartId>,
    step: BondedDisplayStep,
    quantity: i64,
    document: Option<String>,
) -> Result<(), Error> {
    let event = bonded_event::Model {
        id: BondedDisplayEventId::new(work.now),
        display_id: id,
        part_id: part,
        step,
        quantity,
        document,
        actor: work.viewer().subject(),
        at: work.now,
    };
    bonded_event::Entity::insert(event.into_active_model()).exec_without_returning(work.tx()).await?;
    Ok(())
}

fn noted(work: &mut Work, action: &'static str, row: &bonded_display::Model, shown: Value) {
    work.audit(Some(row.organisation_id), action, encode(row.id).0, Value::Null, shown);
}

/// A move of goods of a bonded display, which are under customs supervision where they lie.
fn moving(
    row: &bonded_display::Model,
    from: StockLocationId,
    to: (StockLocationId, CustomsStatus),
    quantity: i64,
    reason: MoveReason,
    document: &str,
) -> Moving {
    Moving {
        from: Place {
            owner: row.organisation_id,
            variant: row.variant_id,
            location: from,
            lot: row.lot_id,
            status: CustomsStatus::Bonded,
        },
        to,
        quantity,
        reason,
        document: document.to_owned(),
        reverses: None,
    }
}

/// Moves goods; whoever asked wrote no lines.
async fn moved(work: &Work, moves: &[Moving]) -> Result<(), Error> {
    let actor = work.viewer().subject();
    let by = By { actor: &actor, at: work.now };
    ledger::post(work.tx(), by, moves).await.map(drop).map_err(unlined)
}

fn unlined(error: Error) -> Error {
    let Error::Refused(refusals) = error else { return error };
    let without_line = |mut refusal: Refusal| {
        if refusal.field.first().is_some_and(|field| field == "lines") {
            refusal.field.drain(..refusal.field.len().min(2));
        }
        refusal
    };
    Error::Refused(refusals.into_iter().map(without_line).collect())
}

fn open(store: &store::Model, action: &str, field: &str) -> Result<(), Refusal> {
    match store.state {
        ShowroomState::Open => Ok(()),
        ShowroomState::Closed => Err(unfit("CLOSED", action).at(field)),
    }
}

/// Writes a new bonded display with all its pieces in one state.
async fn begun(
    work: &Work,
    row: &bonded_display::Model,
    state: BondedDisplayState,
    step: BondedDisplayStep,
    document: &str,
) -> Result<(), Error> {
    let part =
        bonded_part::Model { document: Some(document.to_owned()), ..new_part(work, row.id, state, row.quantity) };
    bonded_display::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await?;
    bonded_part::Entity::insert(part.clone().into_active_model()).exec_without_returning(work.tx()).await?;
    told(work, row.id, Some(part.id), step, row.quantity, Some(document.to_owned())).await
}
