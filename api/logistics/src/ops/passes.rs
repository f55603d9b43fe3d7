//! Gate passes out (出区核放单): one vehicle takes many parcels out of a bonded warehouse, each with its own list.
//!
//! ```text
//! open ──> the parcels are packed, in that warehouse, on no other pass; one verification list of all of them (预核扣)
//!   pass ──> every parcel leaves the gate, each weighed and released (800), or none does; list: verified (已核扣)
//!   cancel, before the gate ──> the parcels are free again; list: cancelled
//! ```
//!
//! A parcel is on one pass at most: whoever opens a pass has locked the shipments, in the order of their ids, as everyone does
//! who changes several. What was taken back since is not on the vehicle: it goes off the pass at the gate. What leaves by
//! itself goes under a pass of its own ([`alone`]): nothing bonded that an account book has locked leaves without a list.
//! Numbers and answers of customs are those of the stand-in ([`inventory::gate`]).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use entities::{
    inventory::{GateDirection, GatePassState, LocationKind, VerificationState, gate::pass, location},
    logistics::{ShipmentState, pass_parcel, shipment},
    party::{Action, Resource},
    values::{
        BookNumber, ErrorCode, Refusal, Refusals,
        id::{GatePassId, OrganisationId, ShipmentId, StockLocationId},
    },
};
use inventory::{
    book::{self, Locked},
    gate::{self, NewPass, Of},
    ops::own_bonded,
};
use platform::{
    app::{App, Call, Work},
    error::{Error, not_found},
    graphql::encode,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use serde_json::{Value, json};

use super::{
    desk::{Lanes, sent_out},
    locking,
};

/// Most parcels of a pass.
const MOST: usize = 50;
/// The vehicle of a parcel that leaves by itself: nobody said which.
const NO_VEHICLE: &str = "-";

/// A parcel at the weighbridge.
#[derive(Clone, Copy, Debug)]
pub struct Weighed {
    /// Which.
    pub shipment: ShipmentId,
    /// What it weighs, in grams.
    pub grams: i64,
}

fn own(call: &Call) -> Result<OrganisationId, Error> {
    call.may(Action::PackShipments, Resource::OWN)?;
    call.viewer.organisation().ok_or(Error::Forbidden)
}

/// The passes that these shipments are on, or went out under.
pub(crate) async fn live_of(
    db: &impl ConnectionTrait,
    shipments: &[ShipmentId],
) -> Result<HashMap<ShipmentId, pass::Model>, Error> {
    let parcels = pass_parcel::Entity::find()
        .filter(pass_parcel::Column::ShipmentId.is_in(shipments.iter().copied()))
        .all(db)
        .await?;
    if parcels.is_empty() {
        return Ok(HashMap::new());
    }
    let passes = pass::Entity::find()
        .filter(pass::Column::Id.is_in(parcels.iter().map(|parcel| parcel.gate_pass_id)))
        .filter(pass::Column::State.ne(GatePassState::Cancelled))
        .all(db)
        .await?;
    let of = |parcel: &pass_parcel::Model| {
        let row = passes.iter().find(|row| row.id == parcel.gate_pass_id)?;
        Some((parcel.shipment_id, row.clone()))
    };
    Ok(parcels.iter().filter_map(of).collect())
}

/// The passes of these shipments that have not been through the gate.
pub(super) async fn open_of(
    db: &impl ConnectionTrait,
    shipments: &[ShipmentId],
) -> Result<HashMap<ShipmentId, pass::Model>, Error> {
    let mut found = live_of(db, shipments).await?;
    found.retain(|_, row| row.state == GatePassState::Declared);
    Ok(found)
}

/// Shipments, locked in the order of their ids.
async fn locked(work: &Work, ids: &BTreeSet<ShipmentId>) -> Result<Vec<shipment::Model>, Error> {
    let found = shipment::Entity::find().filter(shipment::Column::Id.is_in(ids.iter().copied()));
    Ok(locking(work.tx(), found.order_by_asc(shipment::Column::Id)).all(work.tx()).await?)
}

/// All that is wrong with the parcels of an input, each under its place in `list`.
fn in_list(list: &str, n: usize, refusals: Refusals) -> Refusals {
    refusals.into_iter().map(|refusal| refusal.at(n.to_string()).at(list)).collect()
}

/// What is wrong with a shipment that leaves, as the parcels of an input name it.
fn of_parcel(refusal: Refusal) -> Refusal {
    let named = |name: String| if name == "id" { "shipmentId".to_owned() } else { name };
    let field = refusal.field.into_iter().map(named).collect();
    Refusal { field, ..refusal }
}

/// Opens a pass for parcels that are to go out on one vehicle.
pub async fn open_pass(
    app: &App,
    call: &Call,
    location: StockLocationId,
    vehicle: &str,
    shipments: &[ShipmentId],
) -> Result<pass::Model, Error> {
    const LIST: &str = "shipmentIds";
    let organisation = own(call)?;
    let vehicle = gate::vehicle(vehicle)?;
    if shipments.is_empty() {
        return Err(Refusal::new(ErrorCode::Required).at(LIST).into());
    }
    if shipments.len() > MOST {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MOST.to_string()).at(LIST).into());
    }
    let ids: BTreeSet<ShipmentId> = shipments.iter().copied().collect();
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let place = own_bonded(work.tx(), organisation, location, "locationId").await?;
    let rows = locked(&work, &ids).await?;
    let taken = live_of(work.tx(), shipments).await?;
    let mut wrong = Refusals::new();
    for (n, id) in shipments.iter().enumerate() {
        let row = rows.iter().find(|row| row.id == *id && row.owner_id == organisation);
        let refusal = match row {
            None => Some(Refusal::new(ErrorCode::NotFound).with("value", encode(*id).0)),
            Some(_) if shipments.iter().position(|other| other == id) != Some(n) => {
                Some(Refusal::new(ErrorCode::Duplicate).with("value", encode(*id).0))
            }
            Some(row) if row.state != ShipmentState::Packed => {
                let refusal = Refusal::new(ErrorCode::IllegalTransition).with("from", row.state.name());
                Some(refusal.with("action", "OPEN_GATE_PASS"))
            }
            Some(row) if row.from_id != Some(place.id) => {
                Some(Refusal::new(ErrorCode::InvalidValue).with("value", row.document.clone()))
            }
            Some(_) => {
                taken.get(id).map(|pass| Refusal::new(ErrorCode::AlreadyTaken).with("value", pass.number.clone()))
            }
        };
        wrong.extend(in_list(LIST, n, refusal.into_iter().collect()));
    }
    if !wrong.is_empty() {
        return Err(Error::Refused(wrong));
    }
    let of = |id: &ShipmentId| rows.iter().find(|row| row.id == *id).map(|row| row.document.as_str());
    let documents: Vec<&str> = shipments.iter().filter_map(of).collect();
    let locked = locked_in(&work, &place, LIST, &documents).await?;
    let book = &locked.first().ok_or_else(|| Error::internal("parcels that nothing is locked for"))?.item.book;
    let new = NewPass { owner: organisation, location: place.id, book, vehicle: &vehicle, inbound: None };
    let ids: Vec<ShipmentId> = ids.into_iter().collect();
    let load = Load { parcels: &ids, documents: &documents, locked: &locked };
    let row = declared(&mut work, new, &load).await?;
    work.commit(row).await
}

/// What is locked for all these documents, in one account book: a list is of one. What is locked in none, or in another, is told
/// by its place in `list`.
async fn locked_in(work: &Work, place: &location::Model, list: &str, documents: &[&str]) -> Result<Vec<Locked>, Error> {
    let locked = book::still_locked(work.tx(), place.organisation_id, place.id, documents).await?;
    let (mut of, mut wrong): (Option<&BookNumber>, Refusals) = (None, Refusals::new());
    for (n, document) in documents.iter().enumerate() {
        let mut own = locked.iter().filter(|one| one.document == *document).map(|one| &one.item.book).peekable();
        let refusal = if own.peek().is_none() {
            Some(Refusal::new(ErrorCode::NotFiled).with("location", place.code.clone()))
        } else {
            let other = own.find(|book| *of.get_or_insert(*book) != *book);
            other.map(|book| Refusal::new(ErrorCode::InvalidValue).with("value", book.as_str()))
        };
        wrong.extend(in_list(list, n, refusal.into_iter().collect()));
    }
    if wrong.is_empty() { Ok(locked) } else { Err(Error::Refused(wrong)) }
}

/// Parcels that go out under one pass.
struct Load<'a> {
    parcels: &'a [ShipmentId],
    documents: &'a [&'a str],
    /// What is locked for them: what the list says.
    locked: &'a [Locked],
}

/// Declares a pass with its list, and puts parcels on it.
async fn declared(work: &mut Work, new: NewPass<'_>, load: &Load<'_>) -> Result<pass::Model, Error> {
    let row = gate::declare_pass(work.tx(), work.now, new).await?;
    let list = gate::declare_list(work.tx(), work.now, new.book, Of::Pass(row.id), &book::sums(load.locked)).await?;
    let on_it = load.parcels.iter().map(|id| pass_parcel::Model { gate_pass_id: row.id, shipment_id: *id });
    let on_it = on_it.map(IntoActiveModel::into_active_model);
    pass_parcel::Entity::insert_many(on_it).exec_without_returning(work.tx()).await?;
    let shown =
        json!({ "number": row.number, "vehicle": row.vehicle, "list": list.number, "documents": load.documents });
    work.audit(Some(row.organisation_id), "openGatePass", encode(row.id).0, Value::Null, shown);
    Ok(row)
}

/// Passes a pass, and verifies its list. `taken_back`: the documents of what is not on the vehicle any more.
async fn passed(work: &mut Work, row: &pass::Model, parcels: usize, taken_back: &[&str]) -> Result<pass::Model, Error> {
    let after = gate::end_pass(work.tx(), work.now, row, GatePassState::Passed).await?;
    gate::end_list(work.tx(), work.now, Of::Pass(row.id), VerificationState::Verified).await?;
    let shown = json!({ "state": after.state, "parcels": parcels, "takenBack": taken_back });
    work.audit(Some(row.organisation_id), "passGate", encode(row.id).0, json!({ "state": row.state }), shown);
    Ok(after)
}

/// A parcel leaves by itself, in the transaction of whoever sends it out: what customs released out of a bonded warehouse
/// goes under a pass and a list of its own. Goods that no account book has locked have none.
pub(super) async fn alone(work: &mut Work, row: &shipment::Model) -> Result<(), Error> {
    let Some(from) = row.from_id.filter(|_| row.needs_release) else { return Ok(()) };
    let place = location::Entity::find_by_id(from).one(work.tx()).await?;
    let Some(place) = place.filter(|place| place.kind == LocationKind::BondedWarehouse) else { return Ok(()) };
    let documents = [row.document.as_str()];
    let locked = book::still_locked(work.tx(), row.owner_id, place.id, &documents).await?;
    let Some(first) = locked.first() else { return Ok(()) };
    if let Some(other) = locked.iter().find(|one| one.item.book != first.item.book) {
        // A list is of one book.
        return Err(Refusal::new(ErrorCode::InvalidValue).with("value", other.item.book.as_str()).at("id").into());
    }
    let book = &first.item.book;
    let new = NewPass { owner: row.owner_id, location: place.id, book, vehicle: NO_VEHICLE, inbound: None };
    let load = Load { parcels: &[row.id], documents: &documents, locked: &locked };
    let pass = declared(work, new, &load).await?;
    passed(work, &pass, 1, &[]).await?;
    Ok(())
}

async fn own_pass(work: &Work, organisation: OrganisationId, id: GatePassId) -> Result<pass::Model, Error> {
    let row = pass::Entity::find_by_id(id).one(work.tx()).await?;
    let row = row.filter(|row| row.organisation_id == organisation && row.direction() == GateDirection::Out);
    row.ok_or_else(|| not_found("id", encode(id).as_str()))
}

/// A vehicle goes through the gate with all its parcels: each packed, released, held by nobody, as heavy as it was packed; or
/// none of them does, and everything that is in their way is said at once.
pub async fn pass_gate(app: &App, call: &Call, id: GatePassId, weighed: &[Weighed]) -> Result<pass::Model, Error> {
    const LIST: &str = "parcels";
    let organisation = own(call)?;
    if weighed.len() > MOST {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MOST.to_string()).at(LIST).into());
    }
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = own_pass(&work, organisation, id).await?;
    row.state.must_be_declared("PASS").map_err(|refusal| refusal.at("id"))?;
    let parcels = pass_parcel::Entity::find().filter(pass_parcel::Column::GatePassId.eq(id)).all(work.tx()).await?;
    let ids: BTreeSet<ShipmentId> = parcels.iter().map(|parcel| parcel.shipment_id).collect();
    let rows = locked(&work, &ids).await?;
    let (gone, on_it): (Vec<&shipment::Model>, Vec<&shipment::Model>) =
        rows.iter().partition(|row| row.state == ShipmentState::Cancelled);
    let mut grams: BTreeMap<ShipmentId, (usize, i64)> = BTreeMap::new();
    for (n, one) in weighed.iter().enumerate() {
        if !on_it.iter().any(|row| row.id == one.shipment) {
            let refusal = Refusal::new(ErrorCode::NotFound).with("value", encode(one.shipment).0).at("shipmentId");
            return Err(Error::Refused(in_list(LIST, n, vec![refusal])));
        }
        if grams.insert(one.shipment, (n, one.grams)).is_some() {
            let refusal = Refusal::new(ErrorCode::Duplicate).with("value", encode(one.shipment).0).at("shipmentId");
            return Err(Error::Refused(in_list(LIST, n, vec![refusal])));
        }
    }
    if on_it.is_empty() || grams.len() != on_it.len() {
        // Nothing is on the vehicle, or something of it was not on the weighbridge.
        return Err(Refusal::new(ErrorCode::Required).at(LIST).into());
    }
    if !gone.is_empty() {
        let documents: Vec<&str> = on_it.iter().map(|row| row.document.as_str()).collect();
        let locked = book::still_locked(work.tx(), organisation, row.location_id, &documents).await?;
        gate::mend_list(work.tx(), id, &book::sums(&locked)).await?;
    }
    let (mut wrong, mut lanes) = (Refusals::new(), Lanes::new());
    for one in on_it {
        let Some((n, weight)) = grams.get(&one.id).copied() else { continue };
        match sent_out(app, &mut work, one, weight, &mut lanes).await {
            Ok(_) => {}
            Err(Error::Refused(refusals)) => {
                wrong.extend(in_list(LIST, n, refusals.into_iter().map(of_parcel).collect()));
            }
            Err(error) => return Err(error),
        }
    }
    if !wrong.is_empty() {
        return Err(Error::Refused(wrong));
    }
    if !gone.is_empty() {
        let off = pass_parcel::Entity::delete_many()
            .filter(pass_parcel::Column::GatePassId.eq(id))
            .filter(pass_parcel::Column::ShipmentId.is_in(gone.iter().map(|row| row.id)));
        off.exec(work.tx()).await?;
    }
    let taken_back: Vec<&str> = gone.iter().map(|row| row.document.as_str()).collect();
    let after = passed(&mut work, &row, grams.len(), &taken_back).await?;
    work.commit(after).await
}

/// Takes a pass back before its vehicle was at the gate; its parcels are free for another.
pub async fn cancel_pass(app: &App, call: &Call, id: GatePassId) -> Result<pass::Model, Error> {
    let organisation = own(call)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = own_pass(&work, organisation, id).await?;
    row.state.must_be_declared("CANCEL").map_err(|refusal| refusal.at("id"))?;
    let after = gate::end_pass(work.tx(), work.now, &row, GatePassState::Cancelled).await?;
    gate::end_list(work.tx(), work.now, Of::Pass(id), VerificationState::Cancelled).await?;
    let before = json!({ "state": row.state });
    work.audit(Some(organisation), "cancelGatePass", encode(id).0, before, json!({ "state": after.state }));
    work.commit(after).await
}
