//! What carriers report: kept once, folded into the state, and declared in error when it was wrong.
//!
//! - Who carries a shipment reports everything of it; who carries only a leg says how it ends when that is the last one.
//! - Who reported an event, or the house, declares it in error; [`event::Entity::counting`] is what is left.
//! - Of one shipment so many events are kept ([`MAX_EVENTS`]), and for so long after it was handed over ([`AFTER`]).
//! - What happened after everything that is known goes on from the state that is there; only what comes late, and what is
//!   declared in error, needs all of it read again.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Duration, Utc};
use entities::{
    logistics::{
        BizStep, Disposition, EventAction, Milestone, TrackingEventType,
        event::{self, Corrective, Epcs, is_offset, milestone},
        figures::{Stop, leg_times},
        fold::{Fact, Folded, SKEW, counts, fold},
        leg, shipment,
    },
    party::{Action, Resource},
    values::{
        ErrorCode, Refusal, Refusals,
        id::{OrganisationId, ShipmentId, TrackingEventId},
        refusal::{Check, given, line},
    },
};
use platform::{
    app::{App, Call, Work},
    db::wrote,
    error::{Error, not_found},
    graphql::encode,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, OnConflict},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{locking, noted, written};

/// Most reports of one batch.
pub const MAX_BATCH: usize = 200;
/// Most things that a report names, and most events that put one right.
const MAX_NAMED: usize = 100;
/// How long before a shipment was opened something may have happened to it.
pub(super) const BEFORE: Duration = Duration::days(30);
/// How long after it was handed over something is still reported of it.
const AFTER: Duration = Duration::days(30);
/// Most events of a shipment. Those that declare others in error may be as many again: what is wrong can always be said.
const MAX_EVENTS: i64 = 1_000;
/// How far ahead of ours the clock may be that says when something was declared in error, and the earliest that it may say.
const AHEAD: Duration = Duration::days(1);
const EARLIEST: DateTime<Utc> = match DateTime::from_timestamp(946_684_800, 0) {
    Some(at) => at,
    None => DateTime::UNIX_EPOCH,
};

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
pub(crate) async fn take(
    work: &mut Work,
    carrier: OrganisationId,
    reports: &[Reported],
) -> Result<Vec<Outcome>, Error> {
    let parcels = Parcels::named(work.tx(), carrier, reports.iter().map(|one| one.waybill.as_str())).await?;
    let mut kept = kept(work.tx(), &parcels.rows).await?;
    let mut outcomes = Vec::with_capacity(reports.len());
    let mut news: BTreeMap<ShipmentId, Vec<event::Model>> = BTreeMap::new();
    for report in reports {
        let checked = match parcels.find(&report.waybill) {
            Ok(row) => checked(work, &parcels, row, report).map(|event| (row, event)),
            Err(refusal) => Err(vec![refusal]),
        };
        let (row, event) = match checked {
            Ok(found) => found,
            Err(refusals) => {
                outcomes.push(Outcome { taken: false, refusals });
                continue;
            }
        };
        let kept = kept.entry(row.id).or_default();
        let outcome = match fits(work, row, &event, *kept).await? {
            Fits::Known => Outcome::default(),
            Fits::Not(refusal) => Outcome { taken: false, refusals: vec![refusal] },
            Fits::Yes => Outcome { taken: insert(work, &event).await?, refusals: Vec::new() },
        };
        if outcome.taken {
            *kept += 1;
            news.entry(row.id).or_default().push(event);
        }
        outcomes.push(outcome);
    }
    for row in &parcels.rows {
        if let Some(news) = news.get(&row.id) {
            follow(work, row, news).await?;
        }
    }
    Ok(outcomes)
}

/// The parcels that reports of a carrier name, locked.
pub(super) struct Parcels {
    pub(super) rows: Vec<shipment::Model>,
    carrier: OrganisationId,
    /// Who carries the last leg of each that the carrier does not carry as a whole.
    last: HashMap<ShipmentId, OrganisationId>,
}

impl Parcels {
    /// Those that it carries, be it on one leg, by their numbers.
    pub(super) async fn named<'a>(
        tx: &impl ConnectionTrait,
        carrier: OrganisationId,
        waybills: impl Iterator<Item = &'a str>,
    ) -> Result<Self, Error> {
        let numbers: BTreeSet<String> = waybills.filter_map(known_as).collect();
        let found = shipment::Entity::carried_by(carrier)
            .filter(shipment::Column::Waybill.is_in(numbers))
            .order_by_asc(shipment::Column::Id);
        let rows = locking(tx, found).all(tx).await?;
        let others: Vec<ShipmentId> = rows.iter().filter(|row| row.carrier_id != carrier).map(|row| row.id).collect();
        let mut last = HashMap::new();
        if !others.is_empty() {
            let legs = leg::Entity::find().filter(leg::Column::ShipmentId.is_in(others));
            for one in legs.order_by_asc(leg::Column::Number).all(tx).await? {
                last.insert(one.shipment_id, one.carrier_id);
            }
        }
        Ok(Self { rows, carrier, last })
    }

    /// The parcel with a number. A carrier's own goes first; that of others which have the same number is nobody's guess.
    pub(super) fn find(&self, waybill: &str) -> Result<&shipment::Model, Refusal> {
        let shown = || waybill.chars().take(40).collect::<String>();
        let unknown = || Refusal::new(ErrorCode::NotFound).with("value", shown()).at("waybill");
        let number = known_as(waybill).ok_or_else(unknown)?;
        let named = || self.rows.iter().filter(|row| row.waybill.as_ref() == Some(&number));
        if let Some(own) = named().find(|row| row.carrier_id == self.carrier) {
            return Ok(own);
        }
        let mut named = named();
        match (named.next(), named.next()) {
            (Some(one), None) => Ok(one),
            (Some(_), Some(_)) => Err(Refusal::new(ErrorCode::Duplicate).with("value", shown()).at("waybill")),
            (None, _) => Err(unknown()),
        }
    }

    /// Whether the carrier says how a shipment ends.
    fn ends(&self, row: &shipment::Model) -> bool {
        row.carrier_id == self.carrier || self.last.get(&row.id) == Some(&self.carrier)
    }
}

/// Whether something may still be reported of a shipment.
pub(super) fn open(row: &shipment::Model, now: DateTime<Utc>) -> Result<(), Refusal> {
    if row.signed_at.is_none_or(|signed| now <= signed + AFTER) {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::IllegalTransition).with("from", row.state.name()).with("action", "REPORT"))
}

/// How many events are kept of each.
async fn kept(tx: &impl ConnectionTrait, rows: &[shipment::Model]) -> Result<HashMap<ShipmentId, i64>, Error> {
    let events = event::Entity::find()
        .select_only()
        .column(event::Column::ShipmentId)
        .column_as(event::Column::Id.count(), "kept")
        .filter(event::Column::ShipmentId.is_in(rows.iter().map(|row| row.id)))
        .group_by(event::Column::ShipmentId);
    Ok(events.into_tuple::<(ShipmentId, i64)>().all(tx).await?.into_iter().collect())
}

/// Whether an event can be kept.
enum Fits {
    Yes,
    /// It is kept already.
    Known,
    Not(Refusal),
}

/// Whether an event can be kept beside so many others. What is known stays known when nothing more is taken.
async fn fits(work: &Work, row: &shipment::Model, event: &event::Model, kept: i64) -> Result<Fits, Error> {
    let most = if event.declares_error { 2 * MAX_EVENTS } else { MAX_EVENTS };
    let many = || Refusal::new(ErrorCode::TooMany).with("max", MAX_EVENTS.to_string());
    let refusal = open(row, work.now).err().or_else(|| (kept >= most).then(many)).map(|refusal| refusal.at("waybill"));
    if refusal.is_none() && !event.declares_error {
        return Ok(Fits::Yes);
    }
    let named = event::Entity::find()
        .filter(event::Column::ShipmentId.eq(row.id))
        .filter(event::Column::EventId.eq(&event.event_id))
        .all(work.tx())
        .await?;
    let (own, others): (Vec<_>, Vec<_>) = named.iter().partition(|one| one.reporter_id == event.reporter_id);
    if own.iter().any(|one| one.declares_error == event.declares_error) {
        return Ok(Fits::Known);
    }
    // A declaration may come before its event; of what only others reported it is no word of theirs.
    if event.declares_error && own.is_empty() && others.iter().any(|one| !one.declares_error) {
        return Ok(Fits::Not(Refusal::new(ErrorCode::NotReporter).at("eventId")));
    }
    Ok(refusal.map_or(Fits::Yes, Fits::Not))
}

/// Keeps an event; answers whether it was not kept before.
async fn insert(work: &Work, event: &event::Model) -> Result<bool, Error> {
    // What it is called is its reporter's: nobody takes a name from another.
    let known = OnConflict::columns([
        event::Column::ShipmentId,
        event::Column::EventId,
        event::Column::DeclaresError,
        event::Column::ReporterId,
    ]);
    let insert = event::Entity::insert(event.clone().into_active_model())
        .on_conflict(known.clone().do_nothing().to_owned())
        .try_insert();
    Ok(wrote(insert.exec_without_returning(work.tx()).await)?)
}

fn known_as(number: &str) -> Option<String> {
    entities::logistics::waybill::read(number)
}

/// A report as it is kept, or everything that is wrong with it.
fn checked(work: &Work, parcels: &Parcels, row: &shipment::Model, report: &Reported) -> Result<event::Model, Refusals> {
    let mut check = Check::default();
    if !parcels.ends(row) {
        let says = milestone(report.biz_step, report.disposition);
        check.demand(matches!(says, None | Some(Milestone::Moving | Milestone::Lost)), "bizStep", || {
            let said = report.disposition.map_or_else(|| report.biz_step.code(), Disposition::code);
            Refusal::new(ErrorCode::NotLastLeg).with("value", said)
        });
    }
    let optional = |check: &mut Check, field: &'static str, text: &Option<String>, max: usize| {
        let text = given(text.as_deref())?;
        check.take(field, line(text, max))
    };
    let read_point = optional(&mut check, "readPoint", &report.read_point, 120);
    let biz_location = optional(&mut check, "bizLocation", &report.biz_location, 120);
    let note = optional(&mut check, "note", &report.note, 300);
    let within =
        |check: &mut Check, field: &'static str, at: DateTime<Utc>, earliest: DateTime<Utc>, latest: DateTime<Utc>| {
            check.demand((earliest..=latest).contains(&at), field, || {
                let range = Refusal::new(ErrorCode::OutOfRange).with("min", earliest.to_rfc3339());
                range.with("max", latest.to_rfc3339())
            });
        };
    within(&mut check, "eventTime", report.event_time, row.created_at - BEFORE, work.now + SKEW);
    let declared_at = report.error.as_ref().map(|error| error.declared_at.unwrap_or(work.now));
    if let Some(at) = declared_at {
        within(&mut check, "declarationTime", at, EARLIEST, work.now + AHEAD);
    }
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
        event_time: in_millis(report.event_time),
        zone_offset,
        record_time: work.now,
        epcs: Epcs(report.epcs.clone()),
        note,
        declared_at: declared_at.map(in_millis),
        error_reason: reason,
        corrective: Corrective(corrective),
        reported_by: work.viewer().subject(),
        reporter_id: Some(parcels.carrier),
    })
}

/// A moment as both databases keep it.
fn in_millis(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at.timestamp_millis()).unwrap_or(at)
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

/// Goes on with a shipment, which is locked, after events that are new. Before the gate they say nothing yet: it is then
/// that they are looked at.
async fn follow(work: &mut Work, row: &shipment::Model, news: &[event::Model]) -> Result<(), Error> {
    let Some(out) = row.gated_out_at else { return Ok(()) };
    let telling: Vec<&event::Model> =
        news.iter().filter(|one| one.declares_error || one.fact().is_some() || one.stop().is_some()).collect();
    if telling.is_empty() {
        return Ok(());
    }
    if !later_than_all(work, row, news, &telling).await? {
        refold(work, row).await?;
        return Ok(());
    }
    let facts: BTreeSet<Fact> =
        telling.iter().filter_map(|one| one.fact()).filter(|fact| counts(out, fact.at)).collect();
    let now = Folded { state: row.state, signed_at: row.signed_at };
    let stops: Vec<Stop> = telling.iter().filter_map(|one| one.stop()).collect();
    settle(work, row, facts.iter().fold(now, Folded::then), &stops, true).await?;
    Ok(())
}

/// Whether what is new happened after everything that was known, and none of it is about an error.
async fn later_than_all(
    work: &Work,
    row: &shipment::Model,
    news: &[event::Model],
    telling: &[&event::Model],
) -> Result<bool, Error> {
    let of = || event::Entity::find().filter(event::Column::ShipmentId.eq(row.id));
    let before = of()
        .filter(event::Column::Id.is_not_in(news.iter().map(|one| one.id)))
        .order_by_desc(event::Column::EventTime)
        .order_by_desc(event::Column::Id)
        .limit(1)
        .one(work.tx())
        .await?;
    let first = telling.iter().map(|one| one.event_time).min();
    if before.zip(first).is_some_and(|(before, first)| first <= before.event_time) {
        return Ok(false);
    }
    let wrong = of()
        .filter(event::Column::EventId.is_in(telling.iter().map(|one| one.event_id.as_str())))
        .filter(event::Column::DeclaresError.eq(true));
    Ok(wrong.limit(1).one(work.tx()).await?.is_none())
}

/// Folds everything that was reported of a shipment, which is locked, into its state; before the gate that is the desk's.
pub(super) async fn refold(work: &mut Work, row: &shipment::Model) -> Result<shipment::Model, Error> {
    let Some(out) = row.gated_out_at else { return Ok(row.clone()) };
    let events = event::Entity::counting().filter(event::Column::ShipmentId.eq(row.id)).all(work.tx()).await?;
    let stops: Vec<Stop> = events.iter().filter_map(event::Model::stop).collect();
    settle(work, row, fold(out, events.iter().filter_map(event::Model::fact)), &stops, false).await
}

/// Writes how far a shipment is that is out of the gate, and when each leg was left for and come to: by all its stops, or
/// by those that are new and later than all others.
async fn settle(
    work: &mut Work,
    row: &shipment::Model,
    Folded { state, signed_at }: Folded,
    stops: &[Stop],
    new: bool,
) -> Result<shipment::Model, Error> {
    let next = written(work, row, shipment::Model { state, signed_at, ..row.clone() }).await?;
    let legs = leg::Entity::find().filter(leg::Column::ShipmentId.eq(row.id)).order_by_asc(leg::Column::Number);
    let legs = legs.all(work.tx()).await?;
    let ends: Vec<_> = legs.iter().map(|one| (one.origin.clone(), one.destination.clone())).collect();
    for (one, (departed, arrived)) in legs.iter().zip(leg_times(&ends, next.gated_out_at, next.signed_at, stops)) {
        // The first that came or went counts.
        let before = |at| Some(at).filter(|_| new).flatten();
        let (departed, arrived) = (before(one.departed_at).or(departed), before(one.arrived_at).or(arrived));
        if (one.departed_at, one.arrived_at) != (departed, arrived) {
            leg::Entity::update_many()
                .col_expr(leg::Column::DepartedAt, Expr::val(departed))
                .col_expr(leg::Column::ArrivedAt, Expr::val(arrived))
                .filter(leg::Column::Id.eq(one.id))
                .exec(work.tx())
                .await?;
        }
    }
    Ok(next)
}

/// Declares an event in error: it stays where it is and counts no more. Only who reported it does, or the house.
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
    may_declare(call, &row, &wrong)?;
    let again = event::Entity::find()
        .filter(event::Column::ShipmentId.eq(row.id))
        .filter(event::Column::EventId.eq(&wrong.event_id))
        .filter(event::Column::DeclaresError.eq(true))
        .filter(event::Column::ReporterId.is_null().or(event::Column::ReporterId.eq(wrong.reporter_id)))
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

/// Who sends or gets it does not say what was reported of it; who carries it not what others reported.
fn may_declare(call: &Call, row: &shipment::Model, wrong: &event::Model) -> Result<(), Error> {
    let viewer = &call.viewer;
    let own = wrong.reporter_id.filter(|own| viewer.organisation() == Some(*own));
    if own.is_some() || viewer.is_operator() {
        return call.may(Action::CorrectTracking, own.map_or(Resource::OWN, Resource::of));
    }
    let acting = viewer.organisation();
    if acting.is_none() || acting == Some(row.owner_id) || acting == row.buyer_id {
        return Err(Error::Forbidden);
    }
    Err(Refusal::new(ErrorCode::NotReporter).at("id").into())
}
