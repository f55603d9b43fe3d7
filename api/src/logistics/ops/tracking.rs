//! What carriers report: kept once, folded into the state, and declared in error when it was wrong.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Duration, Utc};
use entities::{
    logistics::{
        BizStep, Disposition, EventAction, TrackingEventType,
        event::{self, Corrective, Epcs, is_offset, milestone},
        figures::{Stop, leg_times},
        fold::{Fact, Folded, SKEW, fold},
        leg, shipment,
    },
    party::{Action, Resource},
    values::{
        ErrorCode, Refusal, Refusals,
        id::{OrganisationId, ShipmentId, TrackingEventId},
        refusal::{Check, line},
    },
};
use sea_orm::{
    ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    sea_query::{Expr, OnConflict},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{locking, noted, written};
use crate::{
    app::{App, Call, Work},
    platform::{
        db::wrote,
        error::{Error, not_found},
        graphql::encode,
    },
};

/// Most reports of one batch.
pub const MAX_BATCH: usize = 200;
/// Most things that a report names, and most events that put one right.
const MAX_NAMED: usize = 100;
/// How long before a shipment was opened something may have happened to it.
const BEFORE: Duration = Duration::days(30);

/// Why an event was wrong.
#[derive(Clone, Debug)]
pub struct InError {
    /// When it was declared; none: now.
    pub declared_at: Option<DateTime<Utc>>,
    /// Why.
    pub reason: String,
    /// The events that put it right.
    pub corrective: Vec<String>,
}

/// A report, as it came.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields of the event")]
pub struct Reported {
    pub waybill: String,
    pub event_id: Option<String>,
    pub kind: TrackingEventType,
    pub action: EventAction,
    pub biz_step: BizStep,
    pub disposition: Option<Disposition>,
    pub read_point: Option<String>,
    pub biz_location: Option<String>,
    pub event_time: DateTime<Utc>,
    pub zone_offset: Option<String>,
    pub epcs: Vec<String>,
    pub note: Option<String>,
    pub error: Option<InError>,
}

/// What became of one report of a batch.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// Whether it was taken now; not when it was known before.
    pub taken: bool,
    /// Why it was refused.
    pub refusals: Refusals,
}

/// Takes reports of the carrier acted for, each by itself.
pub async fn report(app: &App, call: &Call, reports: &[Reported]) -> Result<Vec<Outcome>, Error> {
    let carrier = call.viewer.organisation().ok_or(Error::Forbidden)?;
    call.may(Action::ReportTracking, Resource::of(carrier))?;
    if reports.len() > MAX_BATCH {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MAX_BATCH.to_string()).at("events").into());
    }
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let outcomes = take(&mut work, carrier, reports).await?;
    work.commit(outcomes).await
}

/// Takes reports of a carrier, each by itself, and folds what they say into the states.
pub(in crate::logistics) async fn take(
    work: &mut Work,
    carrier: OrganisationId,
    reports: &[Reported],
) -> Result<Vec<Outcome>, Error> {
    let numbers: BTreeSet<String> = reports.iter().filter_map(|one| known_as(&one.waybill)).collect();
    let found = shipment::Entity::find()
        .filter(shipment::Column::CarrierId.eq(carrier))
        .filter(shipment::Column::Waybill.is_in(numbers))
        .order_by_asc(shipment::Column::Id);
    let rows = locking(work.tx(), found).all(work.tx()).await?;
    let by_number: BTreeMap<&str, &shipment::Model> =
        rows.iter().filter_map(|row| Some((row.waybill.as_deref()?, row))).collect();
    let mut outcomes = Vec::with_capacity(reports.len());
    let mut changed: BTreeSet<ShipmentId> = BTreeSet::new();
    for report in reports {
        let row = known_as(&report.waybill).and_then(|number| by_number.get(number.as_str()).copied());
        let Some(row) = row else {
            let shown: String = report.waybill.chars().take(40).collect();
            let refusal = Refusal::new(ErrorCode::NotFound).with("value", shown).at("waybill");
            outcomes.push(Outcome { taken: false, refusals: vec![refusal] });
            continue;
        };
        match checked(work, row, report) {
            Ok(event) => {
                let known = OnConflict::columns([
                    event::Column::ShipmentId,
                    event::Column::EventId,
                    event::Column::DeclaresError,
                ]);
                let insert = event::Entity::insert(event.into_active_model())
                    .on_conflict(known.clone().do_nothing().to_owned())
                    .try_insert();
                let taken = wrote(insert.exec_without_returning(work.tx()).await)?;
                if taken {
                    changed.insert(row.id);
                }
                outcomes.push(Outcome { taken, refusals: Vec::new() });
            }
            Err(refusals) => outcomes.push(Outcome { taken: false, refusals }),
        }
    }
    for row in rows.iter().filter(|row| changed.contains(&row.id)) {
        refold(work, row).await?;
    }
    Ok(outcomes)
}

fn known_as(number: &str) -> Option<String> {
    entities::logistics::waybill::read(number)
}

/// A report as it is kept, or everything that is wrong with it.
fn checked(work: &Work, row: &shipment::Model, report: &Reported) -> Result<event::Model, Refusals> {
    let mut check = Check::default();
    let optional = |check: &mut Check, field: &'static str, text: &Option<String>, max: usize| {
        let text = text.as_deref().filter(|text| !text.trim().is_empty())?;
        check.take(field, line(text, max))
    };
    let read_point = optional(&mut check, "readPoint", &report.read_point, 120);
    let biz_location = optional(&mut check, "bizLocation", &report.biz_location, 120);
    let note = optional(&mut check, "note", &report.note, 300);
    let (earliest, latest) = (row.created_at - BEFORE, work.now + SKEW);
    check.demand((earliest..=latest).contains(&report.event_time), "eventTime", || {
        let range = Refusal::new(ErrorCode::OutOfRange).with("min", earliest.to_rfc3339());
        range.with("max", latest.to_rfc3339())
    });
    let zone_offset = report.zone_offset.clone().unwrap_or_else(|| "+08:00".into());
    check.demand(is_offset(&zone_offset), "eventTimeZoneOffset", || {
        Refusal::new(ErrorCode::InvalidValue).with("value", zone_offset.chars().take(12).collect::<String>())
    });
    let corrective = report.error.as_ref().map(|error| error.corrective.clone()).unwrap_or_default();
    for (field, names) in [("epcList", &report.epcs), ("correctiveEventIds", &corrective)] {
        let many = names.len() > MAX_NAMED;
        check.demand(!many, field, || Refusal::new(ErrorCode::TooMany).with("max", MAX_NAMED.to_string()));
        for name in names.iter().take(MAX_NAMED) {
            check.take(field, uri(name));
        }
    }
    let reason = report.error.as_ref().and_then(|error| check.take("reason", line(&error.reason, 300)));
    let event_id = if let Some(given) = &report.event_id {
        check.take("eventId", uri(given)).unwrap_or_default()
    } else {
        check.demand(report.error.is_none(), "eventId", || Refusal::new(ErrorCode::Required));
        hashed(report)
    };
    check.done(event::Model {
        id: TrackingEventId::new(work.now),
        shipment_id: row.id,
        event_id,
        declares_error: report.error.is_some(),
        kind: report.kind,
        action: report.action,
        biz_step: report.biz_step,
        disposition: report.disposition,
        read_point,
        biz_location,
        // Both databases keep milliseconds.
        event_time: DateTime::from_timestamp_millis(report.event_time.timestamp_millis()).unwrap_or(work.now),
        zone_offset,
        record_time: work.now,
        epcs: Epcs(report.epcs.clone()),
        note,
        declared_at: report.error.as_ref().map(|error| error.declared_at.unwrap_or(work.now)),
        error_reason: reason,
        corrective: Corrective(corrective),
        reported_by: work.viewer().subject(),
    })
}

/// A URI as it is kept: what a carrier calls its events is its own affair.
fn uri(text: &str) -> Result<String, Refusal> {
    let fits = (1..=140).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    fits.then(|| text.to_owned())
        .ok_or_else(|| Refusal::new(ErrorCode::InvalidValue).with("value", text.chars().take(40).collect::<String>()))
}

/// What a report is known by that has no name: a hash of what it says (RFC 6920), so that it comes only once.
fn hashed(report: &Reported) -> String {
    let place = report.read_point.as_deref().or(report.biz_location.as_deref()).unwrap_or_default();
    let says = json!([
        report.waybill,
        report.biz_step.code(),
        report.disposition.map(Disposition::code),
        report.event_time.timestamp_millis(),
        place,
    ]);
    format!("ni:///sha-256;{}", BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(says.to_string())))
}

/// Folds everything that was reported of a shipment, which is locked, into its state.
async fn refold(work: &mut Work, row: &shipment::Model) -> Result<shipment::Model, Error> {
    let events = event::Entity::find().filter(event::Column::ShipmentId.eq(row.id)).all(work.tx()).await?;
    let wrong: BTreeSet<String> =
        events.iter().filter(|event| event.declares_error).map(|event| event.event_id.clone()).collect();
    let good = || events.iter().filter(|event| !event.declares_error && !wrong.contains(&event.event_id));
    let facts = good().filter_map(|event| {
        let milestone = milestone(event.biz_step, event.disposition)?;
        Some(Fact { at: event.event_time, milestone, event: event.event_id.clone() })
    });
    let Folded { state, signed_at } = fold(row.desk, row.gated_out_at, facts, &wrong);
    let stops: Vec<Stop> =
        good().filter_map(|event| Stop::of(event.event_time, event.biz_step, event.read_point.as_deref())).collect();
    let next = shipment::Model { state, signed_at, ..row.clone() };
    let next = written(work, row, next).await?;
    if next.gated_out_at.is_some() {
        legs(work, &next, &stops).await?;
    }
    Ok(next)
}

/// When each leg was left for and come to.
async fn legs(work: &Work, row: &shipment::Model, stops: &[Stop]) -> Result<(), Error> {
    let legs = leg::Entity::find().filter(leg::Column::ShipmentId.eq(row.id)).order_by_asc(leg::Column::Number);
    let legs = legs.all(work.tx()).await?;
    let ends: Vec<_> = legs.iter().map(|one| (one.origin.clone(), one.destination.clone())).collect();
    for (one, (departed, arrived)) in legs.iter().zip(leg_times(&ends, row.gated_out_at, row.signed_at, stops)) {
        if (one.departed_at, one.arrived_at) != (departed, arrived) {
            leg::Entity::update_many()
                .col_expr(leg::Column::DepartedAt, Expr::val(departed))
                .col_expr(leg::Column::ArrivedAt, Expr::val(arrived))
                .filter(leg::Column::Id.eq(one.id))
                .exec(work.tx())
                .await?;
        }
    }
    Ok(())
}

/// Declares an event in error: it stays where it is and counts no more.
pub async fn declare_error(
    app: &App,
    call: &Call,
    id: TrackingEventId,
    reason: &str,
    corrective: &[String],
) -> Result<shipment::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let unknown = || not_found("id", encode(id).as_str());
    let wrong = event::Entity::find_by_id(id).one(work.tx()).await?.ok_or_else(unknown)?;
    let found = shipment::Entity::visible_to(&call.viewer).filter(shipment::Column::Id.eq(wrong.shipment_id));
    let row = locking(work.tx(), found).one(work.tx()).await?.ok_or_else(unknown)?;
    call.may(Action::ReportTracking, Resource::of(row.carrier_id))?;
    let again = event::Entity::find()
        .filter(event::Column::ShipmentId.eq(row.id))
        .filter(event::Column::EventId.eq(&wrong.event_id))
        .filter(event::Column::DeclaresError.eq(true))
        .one(work.tx())
        .await?;
    if wrong.declares_error || again.is_some() {
        let refusal = Refusal::new(ErrorCode::IllegalTransition).with("from", "IN_ERROR").with("action", "DECLARE");
        return Err(refusal.at("id").into());
    }
    let mut check = Check::default();
    let reason = check.take("reason", line(reason, 300));
    let few = corrective.len() <= MAX_NAMED;
    check.demand(few, "correctiveEventIds", || Refusal::new(ErrorCode::TooMany).with("max", MAX_NAMED.to_string()));
    for id in corrective.iter().take(MAX_NAMED) {
        check.take("correctiveEventIds", uri(id));
    }
    let declared = check.done(event::Model {
        id: TrackingEventId::new(work.now),
        declares_error: true,
        record_time: work.now,
        declared_at: Some(work.now),
        error_reason: reason.clone(),
        corrective: Corrective(corrective.to_vec()),
        reported_by: work.viewer().subject(),
        ..wrong.clone()
    })?;
    event::Entity::insert(declared.into_active_model()).exec_without_returning(work.tx()).await?;
    let after = refold(&mut work, &row).await?;
    noted(&mut work, "declareTrackingError", &after, json!({ "event": wrong.event_id, "reason": reason }));
    work.commit(after).await
}
