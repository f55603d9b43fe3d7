//! What carriers report, in the schema.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use entities::{
    logistics::{BizStep, Disposition, EventAction, TrackingEventType},
    party::Action,
};
use platform::{
    error::Error,
    graphql::{ContextExt, UserError, decode},
    payload,
};

use super::Shipment;
use crate::ops::{
    cold::{self, Measured},
    tracking::{self, InError, MAX_BATCH, Outcome, Reported},
};

/// Why an event was wrong (错误声明).
#[derive(InputObject)]
pub(super) struct ErrorDeclarationInput {
    /// When it was declared; left out: now.
    declaration_time: Option<DateTime<Utc>>,
    /// Why.
    reason: String,
    /// The events that put it right, at most 100.
    corrective_event_ids: Option<Vec<String>>,
}

/// Something that happened to a shipment, as a subset of EPCIS 2.0 (物流事件).
#[derive(InputObject)]
pub(super) struct TrackingEventInput {
    /// The number of the shipment.
    waybill: String,
    /// `eventID`: known again by it, an event is taken once. Left out: a hash of what it says.
    event_id: Option<String>,
    /// Kind; left out: an object event.
    #[graphql(name = "type")]
    kind: Option<TrackingEventType>,
    /// What it does to what it names; left out: it was seen.
    action: Option<EventAction>,
    /// Why.
    biz_step: BizStep,
    /// How things are then.
    disposition: Option<Disposition>,
    /// Where it was seen.
    read_point: Option<String>,
    /// Where it is then.
    biz_location: Option<String>,
    /// When it happened.
    event_time: DateTime<Utc>,
    /// By which offset clocks there differ; left out: `+08:00`.
    event_time_zone_offset: Option<String>,
    /// What it names, as EPC URIs, at most 100.
    epc_list: Option<Vec<String>>,
    /// What is said of it.
    note: Option<String>,
    /// Declares the event with this `eventId` in error.
    error_declaration: Option<ErrorDeclarationInput>,
}

/// What happened to shipments that one carries (上报轨迹).
#[derive(InputObject)]
pub(super) struct ReportTrackingInput {
    /// The events, at most 200, each by itself.
    events: Vec<TrackingEventInput>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// An event that was wrong (声明轨迹错误).
#[derive(InputObject)]
pub(super) struct DeclareTrackingErrorInput {
    /// Which event.
    id: ID,
    /// Why.
    reason: String,
    /// The events that put it right, by their `eventId`, at most 100.
    corrective_event_ids: Option<Vec<String>>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What a device measured (温度采样).
#[derive(InputObject)]
pub(super) struct TemperatureSampleInput {
    /// The number of the shipment.
    waybill: String,
    /// The device; in a shipment it measures once at a moment.
    device: String,
    /// When.
    at: DateTime<Utc>,
    /// In tenths of a degree Celsius.
    tenths: i32,
}

/// What devices measured (上报温度).
#[derive(InputObject)]
pub(super) struct ReportTemperatureInput {
    /// The samples, at most 200, each by itself.
    samples: Vec<TemperatureSampleInput>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What became of one report of a batch (上报结果).
#[derive(SimpleObject)]
pub struct ReportResult {
    /// Its place in the batch, from 0 (序号).
    index: i32,
    /// Whether it was taken now; neither taken nor refused: it was known before (是否采纳).
    taken: bool,
    /// Why it was refused (错误).
    user_errors: Vec<UserError>,
}

payload! {
    /// The answer to `reportTracking`.
    ReportTrackingPayload { /// What became of each event, in their order.
        results: Vec<ReportResult> }
    /// The answer to `declareTrackingError`.
    DeclareTrackingErrorPayload { /// The shipment, in the state that is left.
        shipment: Shipment }
    /// The answer to `reportTemperature`.
    ReportTemperaturePayload { /// What became of each sample, in their order.
        results: Vec<ReportResult> }
}

fn results(context: &Context<'_>, outcomes: Vec<Outcome>) -> Vec<ReportResult> {
    let one = |(n, outcome): (usize, Outcome)| ReportResult {
        index: i32::try_from(n).unwrap_or(i32::MAX),
        taken: outcome.taken,
        user_errors: UserError::all(&outcome.refusals, context.locale()),
    };
    outcomes.into_iter().enumerate().map(one).collect()
}

fn reported(sent: TrackingEventInput) -> Reported {
    Reported {
        waybill: sent.waybill,
        event_id: sent.event_id,
        kind: sent.kind.unwrap_or(TrackingEventType::Object),
        action: sent.action.unwrap_or(EventAction::Observe),
        biz_step: sent.biz_step,
        disposition: sent.disposition,
        read_point: sent.read_point,
        biz_location: sent.biz_location,
        event_time: sent.event_time,
        zone_offset: sent.event_time_zone_offset,
        epcs: sent.epc_list.unwrap_or_default(),
        note: sent.note,
        error: sent.error_declaration.map(|declared| InError {
            declared_at: declared.declaration_time,
            reason: declared.reason,
            corrective: declared.corrective_event_ids.unwrap_or_default(),
        }),
    }
}

/// Mutations of carriers.
#[derive(Default)]
pub struct ReportMutation;

#[Object]
impl ReportMutation {
    /// Takes what happened to shipments that one carries, be it on one leg, each event by itself. How a shipment ends says
    /// who carries it, or its last leg (上报轨迹).
    async fn report_tracking(
        &self,
        context: &Context<'_>,
        input: ReportTrackingInput,
    ) -> Result<ReportTrackingPayload> {
        let call = context.call(Action::ReportTracking)?;
        let result = async {
            // One more than may be: the operation says that it is too many.
            let reports: Vec<Reported> = input.events.into_iter().take(MAX_BATCH + 1).map(reported).collect();
            Ok::<_, Error>(results(context, tracking::report(context.app(), &call, &reports).await?))
        };
        ReportTrackingPayload::new(context, input.client_mutation_id, result.await)
    }

    /// Declares an event in error: it stays and counts no more. Only who reported it does, or the zone's operator
    /// (声明轨迹错误).
    async fn declare_tracking_error(
        &self,
        context: &Context<'_>,
        input: DeclareTrackingErrorInput,
    ) -> Result<DeclareTrackingErrorPayload> {
        let call = context.call(Action::CorrectTracking)?;
        let result = async {
            let corrective = input.corrective_event_ids.unwrap_or_default();
            let id = decode(&input.id, "id")?;
            tracking::declare_error(context.app(), &call, id, &input.reason, &corrective).await
        };
        DeclareTrackingErrorPayload::new(context, input.client_mutation_id, result.await.map(Shipment))
    }

    /// Takes what devices measured in shipments that one carries, each sample by itself (上报温度).
    async fn report_temperature(
        &self,
        context: &Context<'_>,
        input: ReportTemperatureInput,
    ) -> Result<ReportTemperaturePayload> {
        let call = context.call(Action::ReportTracking)?;
        let result = async {
            let one = |sent: TemperatureSampleInput| Measured {
                waybill: sent.waybill,
                device: sent.device,
                at: sent.at,
                deci: sent.tenths,
            };
            let samples: Vec<Measured> = input.samples.into_iter().take(MAX_BATCH + 1).map(one).collect();
            Ok::<_, Error>(results(context, cold::report(context.app(), &call, &samples).await?))
        };
        ReportTemperaturePayload::new(context, input.client_mutation_id, result.await)
    }
}
