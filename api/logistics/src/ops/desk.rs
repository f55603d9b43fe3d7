//! The desk: how a shipment goes, packing, and the gate.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Duration, Utc};
use entities::{
    logistics::{
        Adapter, BizStep, Booking, ShipmentState, ShipmentStep, TrackingEventType, TransportMode,
        cold::Range,
        figures, leg, shipment,
        shipment::weighs_the_same,
        sscc,
        unit::{self, sequence},
        waybill,
    },
    party::{Action, Resource},
    values::{
        ErrorCode, Refusal,
        id::{HandlingUnitId, OrganisationId, ShipmentId, ShipmentLegId},
        refusal::Check,
    },
};
use platform::{
    app::{App, Call, Work},
    error::{Error, taken},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, OnConflict},
};

use super::{
    Unwritten, audited, house_event,
    opening::{carries, fit_place, fit_range, fit_weight},
    seen, touched,
    tracking::refold,
    written,
};
use crate::{
    jobs::{Book, HandOver},
    reads, setting,
};

/// Most units of a shipment.
const MAX_UNITS: usize = 100;
/// Most legs of a shipment.
const MAX_LEGS: usize = 20;
/// How many legs of a carrier that are over are looked at for what the next one takes, and for how long back.
const LOOKED_AT: u64 = 500;
const LOOKED_BACK: Duration = Duration::days(180);
/// How far ahead something may be promised.
const AHEAD: Duration = Duration::days(400);

/// A leg that is planned.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns of the leg")]
pub struct PlannedLeg {
    pub mode: TransportMode,
    pub carrier: OrganisationId,
    pub origin: String,
    pub destination: String,
}

/// How a shipment is to go; what is not said stays.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Its legs, in their order.
    pub legs: Option<Vec<PlannedLeg>>,
    /// What temperature its goods take.
    pub temperature: Option<Range>,
    /// Until when it is promised.
    pub promised_at: Option<DateTime<Utc>>,
}

/// Says how a shipment is to go, before it leaves the gate.
pub async fn plan(app: &App, call: &Call, id: ShipmentId, plan: &Plan) -> Result<shipment::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = seen(&work, id).await?;
    call.may(Action::PackShipments, Resource::of(row.owner_id))?;
    if row.state.is_out() || row.state == ShipmentState::Cancelled {
        let refusal = Refusal::new(ErrorCode::IllegalTransition).with("from", row.state.name()).with("action", "PLAN");
        return Err(refusal.at("id").into());
    }
    let mut next = row.clone();
    if let Some(range) = plan.temperature {
        let range = fit_range(range).map_err(|refusal| refusal.at("temperature"))?;
        (next.min_deci, next.max_deci) = (Some(range.min), Some(range.max));
        next.allowed_minutes = Some(range.allowed_minutes);
    }
    if let Some(promised) = plan.promised_at {
        let (earliest, latest) = (row.created_at, work.now + AHEAD);
        if !(earliest..=latest).contains(&promised) {
            let range = Refusal::new(ErrorCode::OutOfRange).with("min", earliest.to_rfc3339());
            return Err(range.with("max", latest.to_rfc3339()).at("promisedAt").into());
        }
        // Both databases keep milliseconds.
        next.promised_at = DateTime::from_timestamp_millis(promised.timestamp_millis());
    }
    if let Some(legs) = &plan.legs {
        let ends = planned(&work, &row, legs).await?;
        (next.origin, next.destination) = ends;
    }
    let after = touched(&mut work, &row, next).await?;
    audited(&mut work, "planShipment", &row, &after);
    work.commit(after).await
}

/// Puts these legs in the place of those that are there; answers with where the first begins and the last ends.
async fn planned(work: &Work, row: &shipment::Model, legs: &[PlannedLeg]) -> Result<(String, String), Error> {
    let (Some(first), Some(last)) = (legs.first(), legs.last()) else {
        return Err(Refusal::new(ErrorCode::Required).at("legs").into());
    };
    if legs.len() > MAX_LEGS {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MAX_LEGS.to_string()).at("legs").into());
    }
    let mut check = Check::default();
    for (n, one) in legs.iter().enumerate() {
        let at = |refusal: Refusal, field: &str| refusal.at(field).at(n.to_string());
        check.take("legs", fit_place(&one.origin).map_err(|refusal| at(refusal, "origin")));
        check.take("legs", fit_place(&one.destination).map_err(|refusal| at(refusal, "destination")));
        // One leg begins where the one before ends.
        let follows = n == 0 || legs.get(n - 1).is_some_and(|before| before.destination == one.origin);
        let refusal = || at(Refusal::new(ErrorCode::InvalidValue).with("value", one.origin.clone()), "origin");
        check.demand(follows, "legs", refusal);
    }
    check.done(())?;
    for carrier in legs.iter().map(|one| one.carrier).collect::<BTreeSet<_>>() {
        carries(work.tx(), carrier).await?;
    }
    leg::Entity::delete_many().filter(leg::Column::ShipmentId.eq(row.id)).exec(work.tx()).await?;
    let rows = (1..).zip(legs).map(|(number, one)| {
        let row = leg::Model {
            id: ShipmentLegId::new(work.now),
            shipment_id: row.id,
            number,
            mode: one.mode,
            carrier_id: one.carrier,
            origin: one.origin.clone(),
            destination: one.destination.clone(),
            departed_at: None,
            arrived_at: None,
        };
        row.into_active_model()
    });
    leg::Entity::insert_many(rows).exec_without_returning(work.tx()).await?;
    Ok((first.origin.clone(), last.destination.clone()))
}

/// A unit that is packed.
#[derive(Clone, Debug)]
pub struct PackedUnit {
    /// Its SSCC; none: the house makes one.
    pub sscc: Option<String>,
    /// What it weighs with everything in it, in grams.
    pub weight_g: i64,
    /// The place in the list of the unit that it lies in, which comes before it.
    pub parent: Option<usize>,
}

/// What was packed.
#[derive(Clone, Debug)]
pub struct Packing {
    /// The units.
    pub units: Vec<PackedUnit>,
    /// The number of the waybill, when the carrier is not reached by itself.
    pub waybill: Option<String>,
}

/// Packs a shipment, or packs it anew. What waits for customs is one list, so it is one unit.
pub async fn pack(app: &App, call: &Call, id: ShipmentId, packing: &Packing) -> Result<shipment::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = seen(&work, id).await?;
    call.may(Action::PackShipments, Resource::of(row.owner_id))?;
    let state = ShipmentStep::Pack.from(row.state).map_err(|refusal| refusal.at("id"))?;
    let old = unit::Entity::find().filter(unit::Column::ShipmentId.eq(row.id)).order_by_desc(unit::Column::Id);
    let old = old.all(work.tx()).await?;
    checked(&row, packing, &app.config().logistics.sscc_prefix, &old)?;
    let number = brought(&work, &row, packing.waybill.as_deref()).await?;
    // What stands on a unit goes before it.
    for one in old {
        unit::Entity::delete_by_id(one.id).exec(work.tx()).await?;
    }
    let codes = units(app, &work, &row, packing).await?;
    house_event(&work, &row, TrackingEventType::Aggregation, BizStep::Packing, codes).await?;
    let whole = packing.units.iter().filter(|one| one.parent.is_none()).map(|one| one.weight_g).sum();
    let next = shipment::Model {
        state,
        packed_weight_g: Some(whole),
        // A carrier that did not want it and gives a number after all has taken it.
        booking: if number.is_some() && row.booking == Booking::Rejected { Booking::Booked } else { row.booking },
        waybill: number.clone().or_else(|| row.waybill.clone()),
        ..row.clone()
    };
    let after = written(&mut work, &row, next).await.map_err(|unwritten| match unwritten {
        Unwritten::Db(error) => {
            let shown = number.unwrap_or_default();
            taken(error, "shipment", &["carrier_id", "waybill"], "waybill", &shown)
        }
        Unwritten::Other(error) => error,
    })?;
    audited(&mut work, "packShipment", &row, &after);
    work.commit(after).await
}

/// Asks a carrier once more that did not want a shipment.
pub async fn rebook(app: &App, call: &Call, id: ShipmentId) -> Result<shipment::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = seen(&work, id).await?;
    call.may(Action::PackShipments, Resource::of(row.owner_id))?;
    let over = row.state.is_out() || row.state == ShipmentState::Cancelled;
    if over || row.booking != Booking::Rejected {
        let from = if over { row.state.name() } else { async_graphql::Value::from(row.booking).to_string() };
        let refusal = Refusal::new(ErrorCode::IllegalTransition).with("from", from).with("action", "BOOK");
        return Err(refusal.at("id").into());
    }
    let next = shipment::Model { booking: Booking::Open, ..row.clone() };
    let after = written(&mut work, &row, next).await?;
    work.enqueue(&Book { shipment: after.id }).await?;
    audited(&mut work, "rebookShipment", &row, &after);
    work.commit(after).await
}

/// What is wrong with a packing. A code under the house's own prefix is one that it gives, or will give, to another unit;
/// those that this shipment has already it may keep.
fn checked(row: &shipment::Model, packing: &Packing, prefix: &str, old: &[unit::Model]) -> Result<(), Error> {
    let most = if row.needs_release { 1 } else { MAX_UNITS };
    if packing.units.is_empty() {
        return Err(Refusal::new(ErrorCode::Required).at("units").into());
    }
    if packing.units.len() > most {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", most.to_string()).at("units").into());
    }
    let mut check = Check::default();
    for (n, one) in packing.units.iter().enumerate() {
        let at = |refusal: Refusal, field: &str| refusal.at(field).at(n.to_string());
        check.take("units", fit_weight(one.weight_g).map_err(|refusal| at(refusal, "weightG")));
        if let Some(code) = one.sscc.as_deref().filter(|code| !sscc::is_sscc(code)) {
            let shown: String = code.chars().take(30).collect();
            let refusal = Refusal::new(ErrorCode::InvalidSscc).with("value", shown);
            check.demand(false, "units", || at(refusal, "sscc"));
        } else if let Some(code) = one.sscc.as_deref().filter(|code| sscc::is_under(code, prefix)) {
            let refusal = || Refusal::new(ErrorCode::SsccOfHouse).with("value", code).with("prefix", prefix);
            check.demand(old.iter().any(|unit| unit.sscc == code), "units", || at(refusal(), "sscc"));
        }
        let before = one.parent.is_none_or(|parent| parent < n);
        let range =
            || Refusal::new(ErrorCode::OutOfRange).with("min", "0").with("max", n.saturating_sub(1).to_string());
        check.demand(before, "units", || at(range(), "parent"));
    }
    Ok(check.done(())?)
}

/// The number that people bring; only of a carrier that does not give it by itself, or did not want to.
async fn brought(work: &Work, row: &shipment::Model, text: Option<&str>) -> Result<Option<String>, Error> {
    let Some(text) = text else { return Ok(None) };
    let wrong = || Refusal::new(ErrorCode::InvalidValue).with("value", text.chars().take(40).collect::<String>());
    let number = waybill::read(text).ok_or_else(|| wrong().at("waybill"))?;
    if row.waybill.as_deref() == Some(&number) {
        return Ok(None);
    }
    let adapter = setting(work.tx(), row.carrier_id).await?.map_or(Adapter::Manual, |setting| setting.adapter);
    let by_people = adapter == Adapter::Manual || row.booking == Booking::Rejected;
    if by_people { Ok(Some(number)) } else { Err(wrong().at("waybill").into()) }
}

/// Writes the units; answers with their codes.
async fn units(app: &App, work: &Work, row: &shipment::Model, packing: &Packing) -> Result<Vec<String>, Error> {
    let missing = packing.units.iter().filter(|one| one.sscc.is_none()).count();
    let mut fresh = serials(app, work, missing).await?.into_iter();
    let mut made: Vec<unit::Model> = Vec::with_capacity(packing.units.len());
    for (n, one) in packing.units.iter().enumerate() {
        let code = one.sscc.clone().or_else(|| fresh.next()).ok_or_else(|| Error::internal("a unit without a code"))?;
        let unit = unit::Model {
            id: HandlingUnitId::new(work.now),
            shipment_id: row.id,
            parent_id: one.parent.and_then(|parent| made.get(parent)).map(|parent| parent.id),
            sscc: code,
            weight_g: one.weight_g,
            packed_at: work.now,
        };
        let insert = unit::Entity::insert(unit.clone().into_active_model()).exec_without_returning(work.tx()).await;
        insert.map_err(|error| match taken(error, "handling_unit", &["sscc"], "sscc", &unit.sscc) {
            Error::Refused(refusals) => {
                Error::Refused(refusals.into_iter().map(|r| r.at(n.to_string()).at("units")).collect())
            }
            other => other,
        })?;
        made.push(unit);
    }
    Ok(made.into_iter().map(|unit| format!("urn:epc:id:sscc:{}", unit.sscc)).collect())
}

/// So many codes that nobody had.
async fn serials(app: &App, work: &Work, count: usize) -> Result<Vec<String>, Error> {
    let some = i64::try_from(count).unwrap_or_default();
    if some == 0 {
        return Ok(Vec::new());
    }
    let first = sequence::Model { name: sequence::SSCC.into(), next: 0 };
    let known = OnConflict::column(sequence::Column::Name).do_nothing().to_owned();
    let insert = sequence::Entity::insert(first.into_active_model()).on_conflict(known).try_insert();
    insert.exec_without_returning(work.tx()).await?;
    let counted = sequence::Entity::update_many()
        .col_expr(sequence::Column::Next, Expr::col(sequence::Column::Next).add(some))
        .filter(sequence::Column::Name.eq(sequence::SSCC))
        .exec_with_returning(work.tx())
        .await?;
    let next = counted.first().ok_or_else(|| Error::internal("the numbers of units are gone"))?.next;
    let code = |serial: i64| {
        let code = sscc::numbered(&app.config().logistics.sscc_prefix, u64::try_from(serial).unwrap_or_default());
        code.ok_or_else(|| Error::internal("there are no more numbers for units under this prefix"))
    };
    (next - some..next).map(code).collect()
}

/// What legs took in minutes, by carrier, mode and lane: read once for parcels that go the same way together.
pub(super) type Lanes = HashMap<(OrganisationId, TransportMode, String, String), Vec<i64>>;

/// Sends a shipment out of the gate, once: packed, with a waybill, released where it has to be, held by nobody, and as
/// heavy as it was packed. What is on a gate pass goes under it; what is on none and bonded, under one of its own
/// ([`super::passes`]).
pub async fn gate_out(app: &App, call: &Call, id: ShipmentId, weighed_g: i64) -> Result<shipment::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = seen(&work, id).await?;
    call.may(Action::PackShipments, Resource::of(row.owner_id))?;
    if let Some(pass) = super::passes::open_of(work.tx(), &[row.id]).await?.into_values().next() {
        // It goes with its vehicle.
        return Err(Refusal::new(ErrorCode::AlreadyTaken).with("value", pass.number).at("id").into());
    }
    let after = sent_out(app, &mut work, &row, weighed_g, &mut Lanes::new()).await?;
    super::passes::alone(&mut work, &row).await?;
    work.commit(after).await
}

/// The same in the transaction of whoever sends it out. The shipment is locked.
pub(super) async fn sent_out(
    app: &App,
    work: &mut Work,
    row: &shipment::Model,
    weighed_g: i64,
    lanes: &mut Lanes,
) -> Result<shipment::Model, Error> {
    let state = ShipmentStep::GateOut.from(row.state).map_err(|refusal| refusal.at("id"))?;
    passes(work, row, weighed_g, i64::from(app.config().logistics.weight_tolerance)).await?;
    let eta = expected(work.tx(), row, work.now, lanes).await?;
    let next = shipment::Model {
        state,
        weighed_g: Some(weighed_g),
        gated_out_at: Some(work.now),
        eta: eta.map(|(at, _)| at),
        eta_n: eta.map_or(0, |(_, n)| i32::try_from(n).unwrap_or(i32::MAX)),
        ..row.clone()
    };
    let out = written(work, row, next).await?;
    house_event(work, &out, TrackingEventType::Object, BizStep::Shipping, Vec::new()).await?;
    // Clocks differ: what was reported a moment before the gate is already its way.
    let after = refold(work, &out).await?;
    work.enqueue(&HandOver { shipment: after.id }).await?;
    audited(work, "gateOut", row, &after);
    Ok(after)
}

/// Whether the gate opens: everything that is in its way at once.
async fn passes(work: &Work, row: &shipment::Model, weighed_g: i64, tolerance: i64) -> Result<(), Error> {
    let mut check = Check::default();
    if row.needs_release && row.released_at.is_none() {
        check.demand(false, "id", || Refusal::new(ErrorCode::NotReleased));
    }
    if row.holds > 0 {
        let reasons = reads::open_holds(work.tx(), row.id).await?;
        let names: Vec<String> =
            reasons.into_iter().map(|hold| async_graphql::Value::from(hold.reason).to_string()).collect();
        check.demand(false, "id", || Refusal::new(ErrorCode::OnHold).with("reason", names.join(", ")));
    }
    check.demand(row.waybill.is_some(), "id", || Refusal::new(ErrorCode::Incomplete).with("missing", "waybill"));
    if check.take("weighedG", fit_weight(weighed_g)).is_some() {
        let packed = row.packed_weight_g.unwrap_or(row.gross_weight_g);
        check.demand(weighs_the_same(packed, weighed_g, tolerance), "weighedG", || {
            let refusal = Refusal::new(ErrorCode::WeightMismatch).with("value", weighed_g.to_string());
            refusal.with("expected", packed.to_string()).with("tolerance", tolerance.to_string())
        });
    }
    Ok(check.done(())?)
}

/// When a shipment that leaves now should be there, by what legs of the same carriers on the same lanes took.
async fn expected(
    tx: &impl ConnectionTrait,
    row: &shipment::Model,
    now: DateTime<Utc>,
    lanes: &mut Lanes,
) -> Result<Option<(DateTime<Utc>, usize)>, Error> {
    let legs = leg::Entity::find().filter(leg::Column::ShipmentId.eq(row.id)).order_by_asc(leg::Column::Number);
    let mut took = Vec::new();
    for own in legs.all(tx).await? {
        let (origin, destination) = (leg::lane_ends(&own.origin), leg::lane_ends(&own.destination));
        let lane = (own.carrier_id, own.mode, origin.0.clone(), destination.0.clone());
        if let Some(minutes) = lanes.get(&lane) {
            took.push(minutes.clone());
            continue;
        }
        let over = leg::Entity::find()
            .filter(leg::Column::CarrierId.eq(own.carrier_id))
            .filter(leg::Column::Mode.eq(own.mode))
            .filter(leg::Column::Origin.between(origin.0, origin.1))
            .filter(leg::Column::Destination.between(destination.0, destination.1))
            .filter(leg::Column::DepartedAt.is_not_null())
            .filter(leg::Column::ArrivedAt.gt(now - LOOKED_BACK))
            .order_by_desc(leg::Column::ArrivedAt)
            .limit(LOOKED_AT);
        let minutes = |one: leg::Model| Some((one.arrived_at? - one.departed_at?).num_minutes());
        let minutes: Vec<i64> = over.all(tx).await?.into_iter().filter_map(minutes).collect();
        lanes.insert(lane, minutes.clone());
        took.push(minutes);
    }
    Ok(figures::eta(now, took))
}
