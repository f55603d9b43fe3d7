//! What pieces of a showroom are by law, which the place says that they lie in; and how they become something else: by
//! one move from place to place, with a document.

use std::collections::HashMap;

use entities::{
    inventory::{CustomsStatus, MoveReason, ReservationKind, ReservationState, balance, reservation, stock_move},
    party::Action,
    showroom::{UnitClass, place, store},
    values::{
        ErrorCode, Refusal,
        id::{ShowroomId, StockBalanceId, StockLocationId},
        refusal::line,
    },
};
use inventory::{
    ledger::{Moving, Place, in_line},
    ops::moved,
};
use platform::{
    app::{App, Call, Work},
    error::{Error, not_found},
    graphql::encode,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use serde_json::json;

use super::{place_of, store_for};

/// A change of what pieces are by law.
#[derive(Clone, Debug)]
pub struct Changing {
    /// In which showroom.
    pub showroom: ShowroomId,
    /// Of which balance.
    pub balance: StockBalanceId,
    /// What they become.
    pub to: UnitClass,
    /// How many.
    pub quantity: i64,
    /// The document that says so.
    pub document: String,
}

/// Pieces become something else by law. What is bonded becomes what is sold through customs only, whose release another
/// step notes; a sample is not sold any more. What stands in a slot is promised to it, and stays what it is.
pub async fn change(app: &App, call: &Call, new: &Changing) -> Result<stock_move::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = changed(&mut work, new).await?;
    work.commit(row).await
}

/// The same in a change that is under way.
pub(crate) async fn changed(work: &mut Work, new: &Changing) -> Result<stock_move::Model, Error> {
    let document = line(&new.document, 120).map_err(|refusal| refusal.at("document"))?;
    let store = store_for(work.tx(), work.viewer(), Action::WorkShowrooms, new.showroom, "showroomId").await?;
    let found = lying_in(work.tx(), &store, &[new.balance]).await.map_err(out_of_line)?;
    let (from, class) = found.into_iter().next().ok_or_else(|| Error::internal("a balance was not read"))?;
    if from.status == CustomsStatus::Bonded && new.to.status() != CustomsStatus::Bonded {
        return Err(Refusal::new(ErrorCode::NotReleased).at("to").into());
    }
    class.becomes(new.to).map_err(|refusal| refusal.at("to"))?;
    let to = place_of(work.tx(), &store, new.to).await?;
    let moving = Moving {
        from: Place::of(&from),
        to: (to, from.status),
        quantity: new.quantity,
        reason: MoveReason::Transfer,
        document,
        reverses: None,
    };
    let row = match moved(work, std::slice::from_ref(&moving)).await.map_err(out_of_line) {
        Ok(rows) => rows.into_iter().next().ok_or_else(|| Error::internal("a move was not made"))?,
        Err(error) => return Err(told_why(work.tx(), error, from.id).await?),
    };
    let shown = json!({ "from": class, "to": new.to, "quantity": row.quantity, "document": row.document });
    work.audit(Some(store.organisation_id), "changeUnitClass", encode(row.id).0, json!({ "class": class }), shown);
    Ok(row)
}

/// What is short because it stands in slots says so beside that it is short.
async fn told_why(tx: &impl ConnectionTrait, error: Error, id: StockBalanceId) -> Result<Error, Error> {
    let Error::Refused(mut refusals) = error else { return Ok(error) };
    if refusals.iter().any(|refusal| refusal.code == ErrorCode::OutOfStock) {
        let standing = reservation::Entity::find()
            .filter(reservation::Column::BalanceId.eq(id))
            .filter(reservation::Column::Kind.eq(ReservationKind::Display))
            .filter(reservation::Column::State.is_in([ReservationState::Held, ReservationState::Confirmed]));
        let standing: i64 = standing.all(tx).await?.iter().map(|row| row.quantity).sum();
        if standing > 0 {
            refusals.push(Refusal::new(ErrorCode::InUse).with("count", standing.to_string()).at("balanceId"));
        }
    }
    Ok(Error::Refused(refusals))
}

/// The refusal of the only line as one of the input itself.
fn out_of_line(error: Error) -> Error {
    let Error::Refused(refusals) = error else { return error };
    let bare = |refusal: Refusal| Refusal { field: refusal.field.into_iter().skip(2).collect(), ..refusal };
    Error::Refused(refusals.into_iter().map(bare).collect())
}

/// Balances of a showroom's own goods in its places, with what they are by law, in the order of the lines. What lies
/// elsewhere, or is somebody else's, is not found, by its line.
pub(super) async fn lying_in(
    tx: &impl ConnectionTrait,
    store: &store::Model,
    ids: &[StockBalanceId],
) -> Result<Vec<(balance::Model, UnitClass)>, Error> {
    let places = place::Entity::find().filter(place::Column::ShowroomId.eq(store.id)).all(tx).await?;
    let class: HashMap<StockLocationId, UnitClass> =
        places.into_iter().map(|row| (row.location_id, row.class)).collect();
    let rows = balance::Entity::find()
        .filter(balance::Column::Id.is_in(ids.iter().copied()))
        .filter(balance::Column::OwnerId.eq(store.organisation_id))
        .all(tx)
        .await?;
    let line = |(n, id): (usize, &StockBalanceId)| {
        let row = rows.iter().find(|row| row.id == *id);
        let found = row.and_then(|row| Some((row.clone(), *class.get(&row.location_id)?)));
        found.ok_or_else(|| in_line(not_found("balanceId", encode(*id).as_str()), n))
    };
    ids.iter().enumerate().map(line).collect()
}
