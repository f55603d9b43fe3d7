//! How well a carrier does, of the shipments that a viewer may see: in time, on the way, lying somewhere.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use entities::{
    logistics::{
        BizStep, ShipmentState, TransportMode, event,
        figures::{dwells, in_time, median, share},
        leg, shipment,
    },
    party::Viewer,
    values::id::{OrganisationId, ShipmentId},
};
use platform::error::Error;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

/// Most shipments that are looked at: the newest of the time.
const MOST: usize = 5_000;
/// The longest time that is looked at.
const LONGEST: Duration = Duration::days(400);
/// Most events of places that are looked at.
const EVENTS: u64 = 50_000;

/// How long legs of one lane took.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the lane, the median and of how many")]
pub struct Lane {
    pub mode: TransportMode,
    pub origin: String,
    pub destination: String,
    pub median_minutes: i64,
    pub n: usize,
}

/// How long parcels lay at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the place, the median and of how many")]
pub struct Dwell {
    pub place: String,
    pub median_minutes: i64,
    pub n: usize,
}

/// How well a carrier does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// How many left the gate.
    pub shipped: usize,
    /// How many of these are in each state now.
    pub states: BTreeMap<ShipmentState, usize>,
    /// Of how many it is known whether they were there in time.
    pub promised: usize,
    /// How many of these were, in hundredths of a percent.
    pub on_time: Option<i32>,
    /// How long legs took, by lane.
    pub lanes: Vec<Lane>,
    /// How long parcels lay at places, the longest first.
    pub dwells: Vec<Dwell>,
    /// Whether there was more than was looked at.
    pub truncated: bool,
}

/// The figures of a carrier over shipments that left the gate in a time, as they are `now`.
pub async fn figures(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    carrier: OrganisationId,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    now: DateTime<Utc>,
) -> Result<Figures, Error> {
    if from >= to || to - from > LONGEST {
        return Err(Error::BadInput("figures are of 400 days at most, and `from` is before `to`".into()));
    }
    let mut rows = shipment::Entity::visible_to(viewer)
        .filter(shipment::Column::CarrierId.eq(carrier))
        .filter(shipment::Column::GatedOutAt.gte(from))
        .filter(shipment::Column::GatedOutAt.lt(to))
        .order_by_desc(shipment::Column::GatedOutAt)
        .order_by_desc(shipment::Column::Id)
        .limit(MOST as u64 + 1)
        .all(db)
        .await?;
    let cut = rows.len() > MOST;
    rows.truncate(MOST);
    let ids: Vec<ShipmentId> = rows.iter().map(|row| row.id).collect();
    let judged: Vec<bool> = rows.iter().filter_map(|row| in_time(row.promised_at, row.signed_at, now)).collect();
    let mut states: BTreeMap<ShipmentState, usize> = BTreeMap::new();
    for row in &rows {
        *states.entry(row.state).or_default() += 1;
    }
    let (dwells, fewer) = lain(db, &ids).await?;
    Ok(Figures {
        shipped: rows.len(),
        states,
        promised: judged.len(),
        on_time: share(judged.iter().filter(|good| **good).count(), judged.len()),
        lanes: lanes(db, viewer, carrier, (from, to)).await?,
        dwells,
        truncated: cut || fewer,
    })
}

/// How long its legs took, also those of parcels that another carrier leads: of parcels that left the gate in the time.
async fn lanes(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    carrier: OrganisationId,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<Lane>, Error> {
    let seen = shipment::Entity::visible_to(viewer)
        .select_only()
        .column(shipment::Column::Id)
        .filter(shipment::Column::GatedOutAt.gte(from))
        .filter(shipment::Column::GatedOutAt.lt(to));
    let legs = leg::Entity::find()
        .filter(leg::Column::CarrierId.eq(carrier))
        .filter(leg::Column::ArrivedAt.gte(from))
        .filter(leg::Column::ShipmentId.in_subquery(seen.into_query()))
        .order_by_desc(leg::Column::ArrivedAt)
        .limit(MOST as u64);
    let mut took: BTreeMap<(TransportMode, String, String), Vec<i64>> = BTreeMap::new();
    for one in legs.all(db).await? {
        if let (Some(departed), Some(arrived)) = (one.departed_at, one.arrived_at) {
            let key = (one.mode, leg::lane_end(&one.origin), leg::lane_end(&one.destination));
            took.entry(key).or_default().push((arrived - departed).num_minutes());
        }
    }
    let lane = |((mode, origin, destination), minutes): (_, Vec<i64>)| {
        let n = minutes.len();
        Some(Lane { mode, origin, destination, median_minutes: median(minutes)?, n })
    };
    Ok(took.into_iter().filter_map(lane).collect())
}

/// How long parcels lay at places, and whether there was more than was looked at.
async fn lain(db: &impl ConnectionTrait, ids: &[ShipmentId]) -> Result<(Vec<Dwell>, bool), Error> {
    let (mut lay, mut seen): (BTreeMap<String, Vec<i64>>, u64) = (BTreeMap::new(), 0);
    for part in ids.chunks(500) {
        let events = event::Entity::counting()
            .filter(event::Column::ShipmentId.is_in(part.iter().copied()))
            .filter(event::Column::BizStep.is_in([BizStep::Arriving, BizStep::Departing]))
            .order_by_asc(event::Column::ShipmentId)
            .limit(EVENTS - seen);
        let events = events.all(db).await?;
        seen += events.len() as u64;
        for of_one in events.chunk_by(|a, b| a.shipment_id == b.shipment_id) {
            for (place, minutes) in dwells(of_one.iter().filter_map(event::Model::stop)) {
                lay.entry(place).or_default().push(minutes);
            }
        }
        if seen >= EVENTS {
            break;
        }
    }
    let dwell = |(place, minutes): (String, Vec<i64>)| {
        let n = minutes.len();
        Some(Dwell { place, median_minutes: median(minutes)?, n })
    };
    let mut found: Vec<Dwell> = lay.into_iter().filter_map(dwell).collect();
    found.sort_by(|a, b| b.median_minutes.cmp(&a.median_minutes).then_with(|| a.place.cmp(&b.place)));
    Ok((found, seen >= EVENTS))
}
