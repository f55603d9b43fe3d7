//! Temperatures: each is kept once for a device and a moment, and when the goods were outside for too long those whom it
//! concerns are told.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use entities::{
    logistics::{
        cold::{self, Breach, MEASURED, Range, Sample, breaches},
        fold::SKEW,
        shipment,
    },
    party::{Action, Resource},
    values::{
        ErrorCode, Refusal, Refusals,
        id::{ShipmentId, TemperatureSampleId},
        refusal::Check,
    },
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, sea_query::OnConflict,
};

use super::{
    locking, touched,
    tracking::{MAX_BATCH, Outcome},
};
use crate::{
    app::{App, Call, Work},
    platform::{db::wrote, error::Error},
};

/// What a device measured.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns of the sample")]
pub struct Measured {
    pub waybill: String,
    pub device: String,
    pub at: DateTime<Utc>,
    pub deci: i32,
}

/// Takes what devices of the carrier acted for measured, each by itself.
pub async fn report(app: &App, call: &Call, samples: &[Measured]) -> Result<Vec<Outcome>, Error> {
    let carrier = call.viewer.organisation().ok_or(Error::Forbidden)?;
    call.may(Action::ReportTracking, Resource::of(carrier))?;
    if samples.len() > MAX_BATCH {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MAX_BATCH.to_string()).at("samples").into());
    }
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let read = |one: &Measured| entities::logistics::waybill::read(&one.waybill);
    let found = shipment::Entity::find()
        .filter(shipment::Column::CarrierId.eq(carrier))
        .filter(shipment::Column::Waybill.is_in(samples.iter().filter_map(read)))
        .order_by_asc(shipment::Column::Id);
    let rows = locking(work.tx(), found).all(work.tx()).await?;
    let before = breached(work.tx(), &rows).await?;
    let mut outcomes = Vec::with_capacity(samples.len());
    let mut changed = BTreeSet::new();
    for one in samples {
        let row = read(one).and_then(|number| rows.iter().find(|row| row.waybill.as_ref() == Some(&number)));
        match row.map(|row| (row, checked(&work, row, one))) {
            None => {
                let shown: String = one.waybill.chars().take(40).collect();
                let refusal = Refusal::new(ErrorCode::NotFound).with("value", shown).at("waybill");
                outcomes.push(Outcome { taken: false, refusals: vec![refusal] });
            }
            Some((_, Err(refusals))) => outcomes.push(Outcome { taken: false, refusals }),
            Some((row, Ok(sample))) => {
                let known = OnConflict::columns([cold::Column::Device, cold::Column::At]).do_nothing().to_owned();
                let insert = cold::Entity::insert(sample.into_active_model()).on_conflict(known).try_insert();
                let taken = wrote(insert.exec_without_returning(work.tx()).await)?;
                if taken {
                    changed.insert(row.id);
                }
                outcomes.push(Outcome { taken, refusals: Vec::new() });
            }
        }
    }
    let after = breached(work.tx(), &rows).await?;
    for row in rows.iter().filter(|row| changed.contains(&row.id)) {
        if after.get(&row.id).map_or(0, Vec::len) > before.get(&row.id).map_or(0, Vec::len) {
            tracing::warn!(shipment = %row.id, "goods were outside their range of temperature for too long");
            touched(&mut work, row, row.clone()).await?;
        }
    }
    work.commit(outcomes).await
}

fn checked(work: &Work, row: &shipment::Model, one: &Measured) -> Result<cold::Model, Refusals> {
    let mut check = Check::default();
    let fits = (1..=60).contains(&one.device.len()) && one.device.bytes().all(|b| b.is_ascii_graphic());
    check.demand(fits, "device", || {
        Refusal::new(ErrorCode::InvalidValue).with("value", one.device.chars().take(40).collect::<String>())
    });
    let range = |min: String, max: String| Refusal::new(ErrorCode::OutOfRange).with("min", min).with("max", max);
    check.demand(MEASURED.contains(&one.deci), "tenths", || {
        range(MEASURED.start().to_string(), MEASURED.end().to_string())
    });
    let (earliest, latest) = (row.created_at - SKEW, work.now + SKEW);
    check.demand((earliest..=latest).contains(&one.at), "at", || range(earliest.to_rfc3339(), latest.to_rfc3339()));
    check.done(cold::Model {
        id: TemperatureSampleId::new(work.now),
        shipment_id: row.id,
        device: one.device.clone(),
        at: DateTime::from_timestamp_millis(one.at.timestamp_millis()).unwrap_or(work.now),
        deci: one.deci,
        record_time: work.now,
    })
}

/// When goods were outside for too long, by device, of those shipments that have a range.
pub async fn breached(
    db: &impl ConnectionTrait,
    rows: &[shipment::Model],
) -> Result<BTreeMap<ShipmentId, Vec<(String, Breach)>>, Error> {
    let ranges: BTreeMap<ShipmentId, Range> = rows.iter().filter_map(|row| Some((row.id, row.range()?))).collect();
    if ranges.is_empty() {
        return Ok(BTreeMap::new());
    }
    let samples = cold::Entity::find().filter(cold::Column::ShipmentId.is_in(ranges.keys().copied())).all(db).await?;
    let mut series: BTreeMap<(ShipmentId, String), Vec<Sample>> = BTreeMap::new();
    for sample in samples {
        let key = (sample.shipment_id, sample.device);
        series.entry(key).or_default().push(Sample { at: sample.at, deci: sample.deci });
    }
    let mut found: BTreeMap<ShipmentId, Vec<(String, Breach)>> = BTreeMap::new();
    for ((id, device), samples) in series {
        if let Some(range) = ranges.get(&id) {
            let of = breaches(*range, samples).into_iter().map(|breach| (device.clone(), breach));
            found.entry(id).or_default().extend(of);
        }
    }
    Ok(found)
}
