//! Goods that were bought come through a place of their own: they are taken in there, and go on from there to where
//! they are sold from once somebody looked at them, or back to whoever delivered them. Nobody sells what lies there,
//! and nobody moves it by hand.
//!
//! What an order is, the room above knows. Everything here is a part of its change. A change that moves goods twice
//! holds all of its balances first ([`hold`]): of two that move the same goods neither waits for one that waits for it.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use entities::{
    inventory::{CustomsStatus, LocationKind, MoveReason, location, lot, stock_move},
    values::{
        ErrorCode, Refusal,
        id::{OrganisationId, StockLocationId, StockLotId, VariantId},
    },
};
use platform::{app::Work, error::Error};
use sea_orm::{EntityTrait, IntoActiveModel, sea_query::OnConflict};

use super::{
    goods::{Received, lots},
    inspection_of,
    keeping::{lawful, open_location, postable},
    moved, supplier_of,
};
use crate::ledger::{Moving, Place, locked, of_lines, takes};

/// Goods that came.
#[derive(Clone, Debug)]
pub struct Bought {
    /// The line of the document that they are of: what is refused of them names it.
    pub line: usize,
    /// Of what.
    pub variant: VariantId,
    /// How much.
    pub quantity: i64,
    /// Under which customs status.
    pub status: CustomsStatus,
    /// The lot as it is printed on the goods; empty when they are not told apart.
    pub lot: String,
    /// When they were made.
    pub produced_on: Option<NaiveDate>,
    /// The first day on which they are too old.
    pub expires_on: Option<NaiveDate>,
}

/// Goods that go on.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// The line of the document that they are of: what is refused of them names it.
    pub line: usize,
    /// Of what.
    pub variant: VariantId,
    /// Which lot.
    pub lot: StockLotId,
    /// Under which customs status.
    pub status: CustomsStatus,
    /// How much.
    pub quantity: i64,
}

/// A place of the organisation that whoever asks may bring goods into.
pub async fn place_for(
    work: &Work,
    owner: OrganisationId,
    id: StockLocationId,
    field: &str,
) -> Result<location::Model, Error> {
    let row = open_location(work, owner, id, field).await?;
    postable(work.tx(), row.id).await.map_err(|error| error.at(field))?;
    Ok(row)
}

/// Whether goods under a customs status may come to a place by being bought. Bonded goods come into a bonded warehouse;
/// into every other place that takes them they come under a guarantee. What is abroad is not looked at here.
pub fn fits(place: &location::Model, status: CustomsStatus) -> Result<(), Refusal> {
    takes(place.kind, status)?;
    takes(LocationKind::QualityCheck, status)?;
    if status != CustomsStatus::Bonded || place.kind == LocationKind::BondedWarehouse {
        return Ok(());
    }
    let name = |value: async_graphql::Value| value.to_string();
    let refusal = Refusal::new(ErrorCode::WrongCustomsStatus).with("kind", name(place.kind.into()));
    Err(refusal.with("status", name(status.into())))
}

/// Holds the balances of goods wherever a document moves them: outside, where they are looked at, and where they go
/// when they are good. All at once and in the order of all, before the first of several moves.
pub async fn hold(
    work: &Work,
    owner: OrganisationId,
    onward: Option<StockLocationId>,
    lines: &[Way],
) -> Result<(), Error> {
    if lines.is_empty() {
        return Ok(());
    }
    let supplier = supplier_of(work.tx(), work.now, owner).await?;
    let here = inspection_of(work.tx(), work.now, owner).await?;
    let mut places = BTreeSet::new();
    for line in lines {
        for location in [supplier, here].into_iter().chain(onward) {
            places.insert(Place { owner, variant: line.variant, location, lot: line.lot, status: line.status });
        }
    }
    locked(work.tx(), places).await.map(drop)
}

/// Makes the lots that there are not yet, in the order of all: of two documents that bring the first of a lot at the
/// same moment both find it.
async fn lots_made(work: &Work, owner: OrganisationId, lines: &[Bought]) -> Result<(), Error> {
    let mut first: Vec<&Bought> = lines.iter().collect();
    // The first line of a lot says its dates.
    first.sort_by(|a, b| (a.variant, &a.lot).cmp(&(b.variant, &b.lot)));
    first.dedup_by(|a, b| (a.variant, &a.lot) == (b.variant, &b.lot));
    let rows = first.into_iter().map(|line| lot::Model {
        id: StockLotId::new(work.now),
        owner_id: owner,
        variant_id: line.variant,
        code: line.lot.clone(),
        produced_on: line.produced_on,
        expires_on: line.expires_on,
    });
    let key = [lot::Column::OwnerId, lot::Column::VariantId, lot::Column::Code];
    let known = OnConflict::columns(key).do_nothing().to_owned();
    let rows = rows.map(IntoActiveModel::into_active_model);
    let insert = lot::Entity::insert_many(rows).on_conflict(known).try_insert();
    insert.exec_without_returning(work.tx()).await?;
    Ok(())
}

/// Takes in what came; it is not for sale yet. `onward`: where it goes in the same change, when that was looked at.
/// Answers with a move for each line, which knows its lot.
pub async fn take_in(
    work: &Work,
    owner: OrganisationId,
    document: &str,
    onward: Option<StockLocationId>,
    lines: &[Bought],
) -> Result<Vec<stock_move::Model>, Error> {
    if lines.is_empty() {
        return Ok(Vec::new());
    }
    let of: Vec<usize> = lines.iter().map(|line| line.line).collect();
    let received: Vec<Received> = lines
        .iter()
        .map(|line| Received {
            variant: line.variant,
            quantity: line.quantity,
            status: line.status,
            lot: line.lot.clone(),
            produced_on: line.produced_on,
            expires_on: line.expires_on,
        })
        .collect();
    lots_made(work, owner, lines).await?;
    let lots = lots(work, owner, &received).await.map_err(|error| of_lines(error, &of))?;
    let ways: Vec<Way> = lines
        .iter()
        .zip(lots)
        .map(|(line, lot)| Way {
            line: line.line,
            variant: line.variant,
            lot,
            status: line.status,
            quantity: line.quantity,
        })
        .collect();
    hold(work, owner, onward, &ways).await?;
    let supplier = supplier_of(work.tx(), work.now, owner).await?;
    let here = inspection_of(work.tx(), work.now, owner).await?;
    gone(work, owner, document, (supplier, here), MoveReason::Receipt, &ways).await
}

/// What was looked at and is good goes to a place that it is sold from.
pub async fn accept(
    work: &Work,
    owner: OrganisationId,
    document: &str,
    to: StockLocationId,
    lines: &[Way],
) -> Result<Vec<stock_move::Model>, Error> {
    if lines.is_empty() {
        return Ok(Vec::new());
    }
    let to = open_location(work, owner, to, "locationId").await?;
    let here = inspection_of(work.tx(), work.now, owner).await?;
    lawful(work.tx(), &[(here, to.id)]).await.map_err(|error| error.of("locationId"))?;
    gone(work, owner, document, (here, to.id), MoveReason::Transfer, lines).await
}

/// What was accepted by mistake comes back to be looked at; refused when it is sold or promised by now.
pub async fn recall(
    work: &Work,
    owner: OrganisationId,
    document: &str,
    from: StockLocationId,
    lines: &[Way],
) -> Result<Vec<stock_move::Model>, Error> {
    if lines.is_empty() {
        return Ok(Vec::new());
    }
    let from = open_location(work, owner, from, "locationId").await?;
    let here = inspection_of(work.tx(), work.now, owner).await?;
    lawful(work.tx(), &[(from.id, here)]).await.map_err(|error| error.of("locationId"))?;
    gone(work, owner, document, (from.id, here), MoveReason::Transfer, lines).await
}

/// What is not wanted goes back to whoever delivered it.
pub async fn send_back(
    work: &Work,
    owner: OrganisationId,
    document: &str,
    lines: &[Way],
) -> Result<Vec<stock_move::Model>, Error> {
    if lines.is_empty() {
        return Ok(Vec::new());
    }
    let here = inspection_of(work.tx(), work.now, owner).await?;
    let supplier = supplier_of(work.tx(), work.now, owner).await?;
    gone(work, owner, document, (here, supplier), MoveReason::SupplierReturn, lines).await
}

async fn gone(
    work: &Work,
    owner: OrganisationId,
    document: &str,
    (from, to): (StockLocationId, StockLocationId),
    reason: MoveReason,
    lines: &[Way],
) -> Result<Vec<stock_move::Model>, Error> {
    let moves: Vec<Moving> = lines
        .iter()
        .map(|line| Moving {
            from: Place { owner, variant: line.variant, location: from, lot: line.lot, status: line.status },
            to: (to, line.status),
            quantity: line.quantity,
            reason,
            document: document.to_owned(),
            reverses: None,
        })
        .collect();
    let of: Vec<usize> = lines.iter().map(|line| line.line).collect();
    moved(work, &moves).await.map_err(|error| of_lines(error, &of))
}
