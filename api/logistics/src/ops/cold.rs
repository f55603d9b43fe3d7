//! Temperatures: each is kept once for a shipment, a device and a moment, and when the goods were outside for too long those whom it
//! concerns are told.

use std::collections::{BTreeMap, BTreeSet, HashMap};

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
use platform::{
    app::{App, Call, Work},
    db::wrote,
    error::Error,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect, sea_query::OnConflict,
};

use super::{
    touched,
    tracking::{MAX_BATCH, Outcome, Parcels, open},
};

/// Most samples of a shipment: one in five minutes for a month.
const MAX_SAMPLES: i64 = 10_000;

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
    let parcels = Parcels::named(work.tx(), carrier, samples.iter().map(|one| one.waybill.as_str())).await?;
    let ranges = ranges(&parcels.rows);
    let devices: BTreeSet<&str> = samples.iter().map(|one| one.device.as_str()).collect();
    let mut measured = measured(work.tx(), &ranges, Some(&devices)).await?;
    let before = outside(&ranges, &measured);
    let mut kept = kept(work.tx(), &parcels.rows).await?;
    let mut outcomes = Vec::with_capacity(samples.len());
    for one in samples {
        let sample = parcels.find(&one.waybill).map_err(|refusal| vec![refusal]);
        let sample = match sample.and_then(|row| checked(&work, row, one)) {
            Ok(sample) => sample,
            Err(refusals) => {
                outcomes.push(Outcome { taken: false, refusals });
                continue;
            }
        };
        let kept = kept.entry(sample.shipment_id).or_default();
        if *kept >= MAX_SAMPLES && !known(&work, &sample).await? {
            let refusal = Refusal::new(ErrorCode::TooMany).with("max", MAX_SAMPLES.to_string()).at("waybill");
            outcomes.push(Outcome { taken: false, refusals: vec![refusal] });
            continue;
        }
        let same = OnConflict::columns([cold::Column::ShipmentId, cold::Column::Device, cold::Column::At]);
        let insert = cold::Entity::insert(sample.clone().into_active_model())
            .on_conflict(same.clone().do_nothing().to_owned())
            .try_insert();
        let taken = wrote(insert.exec_without_returning(work.tx()).await)?;
        if taken {
            *kept += 1;
            let series = measured.entry((sample.shipment_id, sample.device)).or_default();
            series.push(Sample { at: sample.at, deci: sample.deci });
        }
        outcomes.push(Outcome { taken, refusals: Vec::new() });
    }
    let after = outside(&ranges, &measured);
    for row in &parcels.rows {
        if after.get(&row.id).map_or(0, Vec::len) > before.get(&row.id).map_or(0, Vec::len) {
            tracing::warn!(shipment = %row.id, "goods were outside their range of temperature for too long");
            touched(&mut work, row, row.clone()).await?;
        }
    }
    work.commit(outcomes).await
}

/// How many samples are kept of each.
async fn kept(tx: &impl ConnectionTrait, rows: &[shipment::Model]) -> Result<HashMap<ShipmentId, i64>, Error> {
    let samples = cold::Entity::find()
        .select_only()
        .column(cold::Column::ShipmentId)
        .column_as(cold::Column::Id.count(), "kept")
        .filter(cold::Column::ShipmentId.is_in(rows.iter().map(|row| row.id)))
        .group_by(cold::Column::ShipmentId);
    Ok(samples.into_tuple::<(ShipmentId, i64)>().all(tx).await?.into_iter().collect())
}

/// Whether a device has measured at that moment before.
async fn known(work: &Work, sample: &cold::Model) -> Result<bool, Error> {
    let same = cold::Entity::find()
        .filter(cold::Column::ShipmentId.eq(sample.shipment_id))
        .filter(cold::Column::Device.eq(&sample.device))
        .filter(cold::Column::At.eq(sample.at));
    Ok(same.one(work.tx()).await?.is_some())
}

fn checked(work: &Work, row: &shipment::Model, one: &Measured) -> Result<cold::Model, Refusals> {
    let mut check = Check::default();
    check.take("waybill", open(row, work.now));
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

/// What goods take, of those shipments of which it was said.
fn ranges(rows: &[shipment::Model]) -> BTreeMap<ShipmentId, Range> {
    rows.iter().filter_map(|row| Some((row.id, row.range()?))).collect()
}

/// What was measured, by shipment and device.
type Series = BTreeMap<(ShipmentId, String), Vec<Sample>>;

/// What was measured in these shipments, by these devices or by all.
async fn measured(
    db: &impl ConnectionTrait,
    ranges: &BTreeMap<ShipmentId, Range>,
    devices: Option<&BTreeSet<&str>>,
) -> Result<Series, Error> {
    let mut series = Series::new();
    if ranges.is_empty() {
        return Ok(series);
    }
    let mut samples = cold::Entity::find().filter(cold::Column::ShipmentId.is_in(ranges.keys().copied()));
    if let Some(devices) = devices {
        samples = samples.filter(cold::Column::Device.is_in(devices.iter().copied()));
    }
    let samples = samples
        .select_only()
        .columns([cold::Column::ShipmentId, cold::Column::Device, cold::Column::At, cold::Column::Deci])
        .into_tuple::<(ShipmentId, String, DateTime<Utc>, i32)>();
    for (shipment, device, at, deci) in samples.all(db).await? {
        series.entry((shipment, device)).or_default().push(Sample { at, deci });
    }
    Ok(series)
}

/// When goods were outside for too long, by shipment and device.
fn outside(ranges: &BTreeMap<ShipmentId, Range>, series: &Series) -> BTreeMap<ShipmentId, Vec<(String, Breach)>> {
    let mut found: BTreeMap<ShipmentId, Vec<(String, Breach)>> = BTreeMap::new();
    for ((id, device), samples) in series {
        if let Some(range) = ranges.get(id) {
            let of = breaches(*range, samples.iter().copied()).into_iter().map(|breach| (device.clone(), breach));
            found.entry(*id).or_default().extend(of);
        }
    }
    found
}

/// When goods were outside for too long, by device, of those shipments that have a range.
pub async fn breached(
    db: &impl ConnectionTrait,
    rows: &[shipment::Model],
) -> Result<BTreeMap<ShipmentId, Vec<(String, Breach)>>, Error> {
    let ranges = ranges(rows);
    Ok(outside(&ranges, &measured(db, &ranges, None).await?))
}
