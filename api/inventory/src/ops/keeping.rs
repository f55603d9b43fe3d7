//! Whose hands touch which place. Owners, receivers and programs of an organisation touch all of its places. Who works
//! in its showrooms touches the places of those whose team one is in; who runs showrooms, also those of no showroom.
//!
//! What a showroom is, the room above knows. That a place is one's, and who works there, are rows of two tables.

use entities::{
    inventory::{balance, location},
    party::{MemberRole, Viewer},
    showroom::{UnitClass, place, team},
    values::{
        ErrorCode, Refusal,
        id::{OrganisationId, ShowroomId, StockBalanceId, StockLocationId},
    },
};
use platform::{
    app::Work,
    error::{Error, not_found},
    graphql::encode,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::{own_balances, own_location};
use crate::ledger::in_line;

/// Whether the viewer touches some places only.
pub(super) fn is_limited(viewer: &Viewer) -> bool {
    viewer.person().is_some() && !viewer.has_any(&[MemberRole::Owner, MemberRole::Receiver])
}

/// Which of these places are showrooms' own, and whose. The bonded warehouse behind a showroom is not.
async fn of_showrooms(tx: &impl ConnectionTrait, places: &[StockLocationId]) -> Result<Vec<place::Model>, Error> {
    let rows = place::Entity::find()
        .filter(place::Column::LocationId.is_in(places.iter().copied()))
        .filter(place::Column::Class.ne(UnitClass::BondedStock));
    Ok(rows.all(tx).await?)
}

/// Those of these places that the viewer may not touch.
pub(super) async fn closed(
    tx: &impl ConnectionTrait,
    viewer: &Viewer,
    places: &[StockLocationId],
) -> Result<Vec<StockLocationId>, Error> {
    let Some(person) = viewer.person().filter(|_| is_limited(viewer)) else { return Ok(Vec::new()) };
    let of = of_showrooms(tx, places).await?;
    let mine = team::Entity::find()
        .filter(team::Column::PersonId.eq(person))
        .filter(team::Column::ShowroomId.is_in(of.iter().map(|row| row.showroom_id)));
    let mine: Vec<ShowroomId> = mine.all(tx).await?.into_iter().map(|row| row.showroom_id).collect();
    let runs = viewer.has_any(&[MemberRole::ShowroomManager]);
    let is_closed = |id: &StockLocationId| {
        let mut of = of.iter().filter(|row| row.location_id == *id).peekable();
        if of.peek().is_none() { !runs } else { !of.any(|row| mine.contains(&row.showroom_id)) }
    };
    Ok(places.iter().copied().filter(is_closed).collect())
}

/// A place of the organisation that whoever asks may touch.
pub(super) async fn open_location(
    work: &Work,
    organisation: OrganisationId,
    id: StockLocationId,
    field: &str,
) -> Result<location::Model, Error> {
    let row = own_location(work.tx(), organisation, id, field).await?;
    let closed = closed(work.tx(), work.viewer(), &[row.id]).await?;
    if closed.is_empty() { Ok(row) } else { Err(not_found(field, encode(id).as_str())) }
}

/// Balances that whoever asks may move by hand, in the order of the lines.
pub(super) async fn open_balances(
    work: &Work,
    organisation: OrganisationId,
    ids: &[StockBalanceId],
) -> Result<Vec<balance::Model>, Error> {
    let rows = own_balances(work.tx(), organisation, ids).await?;
    let places: Vec<StockLocationId> = rows.iter().map(|row| row.location_id).collect();
    let closed = closed(work.tx(), work.viewer(), &places).await?;
    match rows.iter().position(|row| closed.contains(&row.location_id)) {
        Some(n) => Err(in_line(not_found("balanceId", encode(ids[n]).as_str()), n)),
        None => Ok(rows),
    }
}

/// Goods go by hand where they stay what they are by law: a sample or a damaged piece of a showroom is not sold any
/// more, so it goes to such a place of another showroom, or becomes what it may; and bonded goods come on display, and
/// leave it, under their guarantee only. Ways are from and to, by their lines.
pub(super) async fn lawful(
    tx: &impl ConnectionTrait,
    ways: &[(StockLocationId, StockLocationId)],
) -> Result<(), Error> {
    let ends: Vec<StockLocationId> = ways.iter().flat_map(|(from, to)| [*from, *to]).collect();
    let of = of_showrooms(tx, &ends).await?;
    let class = |id: StockLocationId| of.iter().find(|row| row.location_id == id).map(|row| row.class);
    for (n, (from, to)) in ways.iter().enumerate() {
        let lawful = match (class(*from), class(*to)) {
            (Some(UnitClass::BondedDisplay), _) | (_, Some(UnitClass::BondedDisplay)) => Err(under_guarantee()),
            (Some(from), Some(to)) if from != to => from.becomes(to),
            (Some(from @ (UnitClass::Sample | UnitClass::Damaged)), None) => {
                let from = async_graphql::Value::from(from).to_string();
                Err(Refusal::new(ErrorCode::IllegalTransition).with("from", from).with("action", "TRANSFER"))
            }
            _ => Ok(()),
        };
        lawful.map_err(|refusal| in_line(refusal.into(), n))?;
    }
    Ok(())
}

/// Bonded goods on display move by the steps of their document.
fn under_guarantee() -> Refusal {
    let name = async_graphql::Value::from(UnitClass::BondedDisplay).to_string();
    Refusal::new(ErrorCode::IllegalTransition).with("from", name).with("action", "TRANSFER")
}

/// Whether a move may be taken back by hand: it would make pieces of showrooms again what they were by law.
pub(super) async fn reversible(
    tx: &impl ConnectionTrait,
    from: StockLocationId,
    to: StockLocationId,
) -> Result<(), Error> {
    let of = of_showrooms(tx, &[from, to]).await?;
    let class = |id: StockLocationId| of.iter().find(|row| row.location_id == id).map(|row| row.class);
    match (class(from), class(to)) {
        (Some(UnitClass::BondedDisplay), _) | (_, Some(UnitClass::BondedDisplay)) => Err(under_guarantee().into()),
        (Some(was), Some(now)) if was != now => Ok(now.becomes(was)?),
        _ => Ok(()),
    }
}

/// Whether pieces come into a place, or leave it, without a document of their guarantee: what differs in a place for bonded
/// displays is lost or found before customs, and reported, not posted.
pub(super) async fn postable(tx: &impl ConnectionTrait, place: StockLocationId) -> Result<(), Error> {
    let of = of_showrooms(tx, &[place]).await?;
    if of.iter().any(|row| row.class == UnitClass::BondedDisplay) { Err(under_guarantee().into()) } else { Ok(()) }
}

/// What lies in a showroom is written off by whoever runs it when it was asked for there, and not by its own hand.
pub(super) async fn not_alone(work: &Work, rows: &[balance::Model]) -> Result<(), Error> {
    if !is_limited(work.viewer()) {
        return Ok(());
    }
    let places: Vec<StockLocationId> = rows.iter().map(|row| row.location_id).collect();
    let of = of_showrooms(work.tx(), &places).await?;
    match places.iter().position(|id| of.iter().any(|row| row.location_id == *id)) {
        Some(n) => Err(in_line(Refusal::new(ErrorCode::MakerChecker).at("balanceId").into(), n)),
        None => Ok(()),
    }
}
