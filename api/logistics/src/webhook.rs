//! What carriers push (`POST /webhooks/carrier/<slug>`): proved by its signature, taken once, each event by itself. The
//! format is described in `deploy/carrier-events.md`.

use chrono::{DateTime, Utc};
use entities::{
    logistics::{Adapter, BizStep, Disposition, EventAction, TrackingEventType, carrier::notice},
    values::{ErrorCode, Refusal, id::OrganisationId},
};
use party::ops::organisations;
use platform::{
    app::{App, Call, Work},
    carrier::{secret, signature},
    db::wrote,
    error::Error,
};
use sea_orm::{EntityTrait, IntoActiveModel, sea_query::OnConflict};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    ops::tracking::{self, InError, MAX_BATCH, Outcome, Reported},
    setting,
};

/// What is answered to whoever pushed something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Status.
    pub status: u16,
    /// Body: JSON, or nothing.
    pub body: String,
}

fn only(status: u16) -> Taken {
    Taken { status, body: String::new() }
}

/// A push as it is read. What is not known of it is passed over, and an event that cannot be read costs only itself.
#[derive(Deserialize)]
struct Push {
    events: Vec<Value>,
}

/// An event of a push, or why it cannot be read.
fn read(event: Value) -> Result<Pushed, Refusal> {
    serde_json::from_value(event).map_err(|error| {
        let why: String = error.to_string().chars().filter(|c| !c.is_control()).take(120).collect();
        Refusal::new(ErrorCode::InvalidValue).with("value", why).at("event")
    })
}

/// An event of a push.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pushed {
    waybill: String,
    #[serde(rename = "eventID")]
    event_id: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    action: Option<String>,
    biz_step: String,
    disposition: Option<String>,
    event_time: DateTime<Utc>,
    event_time_zone_offset: Option<String>,
    read_point: Option<String>,
    biz_location: Option<String>,
    #[serde(default)]
    epc_list: Vec<String>,
    note: Option<String>,
    error_declaration: Option<Declared>,
}

/// An error declaration of an event.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Declared {
    declaration_time: Option<DateTime<Utc>>,
    reason: Option<String>,
    #[serde(default, rename = "correctiveEventIDs")]
    corrective: Vec<String>,
}

impl Pushed {
    /// What it says here. A step that is not known here is kept with its name and says nothing of the state.
    fn reported(self) -> Reported {
        let step = BizStep::read(&self.biz_step);
        let named = |text: &str| text.chars().filter(|c| !c.is_control()).take(120).collect::<String>();
        let strange = step.is_none().then(|| named(&self.biz_step));
        Reported {
            waybill: self.waybill,
            event_id: self.event_id,
            kind: match self.kind.as_deref() {
                Some("AggregationEvent") => TrackingEventType::Aggregation,
                Some("TransactionEvent") => TrackingEventType::Transaction,
                _ => TrackingEventType::Object,
            },
            action: match self.action.as_deref() {
                Some("ADD") => EventAction::Add,
                Some("DELETE") => EventAction::Delete,
                _ => EventAction::Observe,
            },
            biz_step: step.unwrap_or(BizStep::Other),
            disposition: self
                .disposition
                .as_deref()
                .map(|text| Disposition::read(text).unwrap_or(Disposition::Unknown)),
            read_point: self.read_point,
            biz_location: self.biz_location,
            event_time: self.event_time,
            zone_offset: self.event_time_zone_offset,
            epcs: self.epc_list,
            note: self.note.or(strange),
            error: self.error_declaration.map(|declared| InError {
                declared_at: declared.declaration_time,
                reason: declared.reason.unwrap_or_else(|| "not said".into()),
                corrective: declared.corrective,
            }),
        }
    }
}

/// Takes a push of a carrier.
pub async fn receive(app: &App, slug: &str, header: &str, body: &[u8]) -> Result<Taken, Error> {
    let known = organisations::organisation_by_slug(app.db().read(), slug).await?;
    let Some(carrier) = known.map(|row| row.id) else { return Ok(only(404)) };
    let setting = setting(app.db().read(), carrier).await?.filter(|setting| setting.adapter != Adapter::Manual);
    let Some(setting) = setting else { return Ok(only(404)) };
    let secret = secret(app.vault(), &setting)?;
    let Some(digest) = signature::proved(&secret, header, body, app.clock().now()) else {
        tracing::warn!(%carrier, "a push is not from the carrier");
        return Ok(only(401));
    };
    let Ok(push) = serde_json::from_slice::<Push>(body) else { return Ok(only(400)) };
    if push.events.len() > MAX_BATCH {
        return Ok(only(413));
    }
    let events: Vec<Result<Reported, Refusal>> =
        push.events.into_iter().map(|event| read(event).map(Pushed::reported)).collect();
    let reports: Vec<Reported> = events.iter().filter_map(|one| one.as_ref().ok().cloned()).collect();
    let mut work = app.begin(&Call::unasked("logistics")).await?;
    if !first(&work, carrier, digest).await? {
        return Ok(only(409));
    }
    let mut taken = tracking::take(&mut work, carrier, &reports).await?.into_iter();
    let outcomes = events.into_iter().map(|one| match one {
        Ok(_) => taken.next().unwrap_or_default(),
        Err(refusal) => Outcome { taken: false, refusals: vec![refusal] },
    });
    let results: Vec<_> = outcomes.enumerate().map(|(n, outcome)| told(n, &outcome)).collect();
    work.commit(()).await?;
    Ok(Taken { status: 200, body: json!({ "results": results }).to_string() })
}

/// Notes that a push is taken, unless it was before. Who comes at the same time waits for whoever was first.
async fn first(work: &Work, carrier: OrganisationId, digest: String) -> Result<bool, Error> {
    let row = notice::Model { carrier_id: carrier, digest, at: work.now };
    let known = OnConflict::columns([notice::Column::CarrierId, notice::Column::Digest]).do_nothing().to_owned();
    let insert = notice::Entity::insert(row.into_active_model()).on_conflict(known).try_insert();
    Ok(wrote(insert.exec_without_returning(work.tx()).await)?)
}

/// What became of an event, as its carrier reads it.
fn told(index: usize, outcome: &Outcome) -> Value {
    let status = match (outcome.taken, outcome.refusals.is_empty()) {
        (true, _) => "taken",
        (false, true) => "known",
        (false, false) => "refused",
    };
    let errors: Vec<_> = outcome
        .refusals
        .iter()
        .map(|refusal| json!({ "code": refusal.code.name(), "field": refusal.field.join("."), "message": refusal.to_string() }))
        .collect();
    json!({ "index": index, "status": status, "errors": errors })
}
