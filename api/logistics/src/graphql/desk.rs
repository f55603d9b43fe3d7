//! The desk and the gate in the schema.

use async_graphql::{Context, ID, InputObject, Object, Result};
use chrono::{DateTime, Utc};
use entities::{
    logistics::{HoldReason, ProofKind, SealState, TransportMode, cold::Range},
    party::Action,
};
use platform::{
    error::Error,
    graphql::{ContextExt, RevealedConsignee, decode},
    payload,
};

use super::Shipment;
use crate::ops::{
    beside,
    desk::{self, PackedUnit, Packing, Plan, PlannedLeg},
    holds,
    proofs::{self, NewProof},
};

/// A leg that is planned (计划运输段).
#[derive(InputObject)]
pub(super) struct PlannedLegInput {
    /// How.
    mode: TransportMode,
    /// Who carries it.
    carrier_id: ID,
    /// From where, as a division or UN/LOCODE; where the leg before ends.
    origin: String,
    /// To where.
    destination: String,
}

/// What temperature goods take (温控范围).
#[derive(InputObject)]
pub(super) struct TemperatureRangeInput {
    /// The coldest, in tenths of a degree Celsius.
    min_tenths: i32,
    /// The warmest, in tenths of a degree Celsius.
    max_tenths: i32,
    /// For how many minutes they may be outside.
    allowed_minutes: i32,
}

/// How a shipment is to go; what is left out stays (运输计划).
#[derive(InputObject)]
pub(super) struct PlanShipmentInput {
    /// Which.
    id: ID,
    /// Its legs in their order, at most 20; in the place of those that are there.
    legs: Option<Vec<PlannedLegInput>>,
    /// What temperature its goods take.
    temperature: Option<TemperatureRangeInput>,
    /// Until when it is promised, at most 400 days ahead.
    promised_at: Option<DateTime<Utc>>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A unit that is packed (打包单元).
#[derive(InputObject)]
pub(super) struct PackedUnitInput {
    /// Its SSCC, not under the prefix of the house; left out, the house makes one.
    sscc: Option<String>,
    /// What it weighs with everything in it, in grams.
    weight_g: i64,
    /// The place in the list, from 0, of the unit that it lies in; that one comes before it.
    parent: Option<i32>,
}

/// What was packed (打包).
#[derive(InputObject)]
pub(super) struct PackShipmentInput {
    /// Which shipment.
    id: ID,
    /// Its units, at most 100; one when it waits for customs: one parcel is one list.
    units: Vec<PackedUnitInput>,
    /// The number on the waybill, when the carrier does not give it by itself, or did not want to.
    waybill: Option<String>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A shipment that its carrier did not want (重新下单).
#[derive(InputObject)]
pub(super) struct RebookShipmentInput {
    /// Which.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A shipment that goes out of the gate (出卡口).
#[derive(InputObject)]
pub(super) struct GateOutInput {
    /// Which.
    id: ID,
    /// What the weighbridge says, in grams.
    weighed_g: i64,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A seal (封志).
#[derive(InputObject)]
pub(super) struct SealShipmentInput {
    /// Of which shipment.
    id: ID,
    /// The number on it.
    number: String,
    /// How it is.
    state: SealState,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A proof that is attached (凭证).
#[derive(InputObject)]
pub(super) struct AttachProofInput {
    /// To which shipment.
    id: ID,
    /// What it is.
    kind: ProofKind,
    /// What it is called.
    name: String,
    /// SHA-256 of its bytes, in hex.
    sha256: String,
    /// Its media type: JPEG, PNG, WebP, HEIC or PDF.
    media_type: String,
    /// Its size in bytes, at most 20 MiB.
    size: i64,
    /// When it was taken.
    taken_at: DateTime<Utc>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A shipment that is held (扣留).
#[derive(InputObject)]
pub(super) struct HoldShipmentInput {
    /// Which.
    id: ID,
    /// Why.
    reason: HoldReason,
    /// What is said of it.
    note: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A hold that is let go (解除扣留).
#[derive(InputObject)]
pub(super) struct LiftHoldInput {
    /// Which hold.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// Who takes a shipment in, in clear (查看收货人).
#[derive(InputObject)]
pub(super) struct RevealShipmentConsigneeInput {
    /// Of which shipment.
    id: ID,
    /// Why; it is in the sender's audit.
    reason: String,
    /// The client's own id of this request; its answer is never kept.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `planShipment`.
    PlanShipmentPayload { /// The shipment.
        shipment: Shipment }
    /// The answer to `packShipment`.
    PackShipmentPayload { /// The shipment.
        shipment: Shipment }
    /// The answer to `rebookShipment`.
    RebookShipmentPayload { /// The shipment.
        shipment: Shipment }
    /// The answer to `gateOut`.
    GateOutPayload { /// The shipment.
        shipment: Shipment }
    /// The answer to `sealShipment`.
    SealShipmentPayload { /// The shipment.
        shipment: Shipment }
    /// The answer to `attachProof`.
    AttachProofPayload { /// The shipment.
        shipment: Shipment }
    /// The answer to `holdShipment`.
    HoldShipmentPayload { /// The shipment.
        shipment: Shipment }
    /// The answer to `liftHold`.
    LiftHoldPayload { /// The shipment.
        shipment: Shipment }
    /// The answer to `revealShipmentConsignee`.
    RevealShipmentConsigneePayload { /// Who takes it in.
        consignee: RevealedConsignee }
}

fn plan(input: PlanShipmentInput) -> Result<Plan, Error> {
    let one = |(n, sent): (usize, PlannedLegInput)| {
        let carrier = decode(&sent.carrier_id, "carrierId").map_err(|error| in_list(error, n, "legs"))?;
        Ok::<_, Error>(PlannedLeg { mode: sent.mode, carrier, origin: sent.origin, destination: sent.destination })
    };
    let legs = input.legs.map(|legs| legs.into_iter().take(100).enumerate().map(one).collect::<Result<Vec<_>, _>>());
    Ok(Plan {
        legs: legs.transpose()?,
        temperature: input.temperature.map(|sent| Range {
            min: sent.min_tenths,
            max: sent.max_tenths,
            allowed_minutes: sent.allowed_minutes,
        }),
        promised_at: input.promised_at,
    })
}

pub(super) fn in_list(error: Error, n: usize, list: &'static str) -> Error {
    match error {
        Error::Refused(refusals) => {
            Error::Refused(refusals.into_iter().map(|r| r.at(n.to_string()).at(list)).collect())
        }
        other => other,
    }
}

fn packing(units: Vec<PackedUnitInput>, waybill: Option<String>) -> Packing {
    let unit = |sent: PackedUnitInput| PackedUnit {
        sscc: sent.sscc,
        weight_g: sent.weight_g,
        // What is no place is none of the list, which the operation says.
        parent: sent.parent.map(|n| usize::try_from(n).unwrap_or(usize::MAX)),
    };
    Packing { units: units.into_iter().map(unit).collect(), waybill }
}

/// Mutations of the desk.
#[derive(Default)]
pub struct DeskMutation;

#[Object]
impl DeskMutation {
    /// Says how a shipment is to go, before it leaves the gate (运输计划).
    async fn plan_shipment(&self, context: &Context<'_>, input: PlanShipmentInput) -> Result<PlanShipmentPayload> {
        let call = context.call(Action::PackShipments)?;
        let client = input.client_mutation_id.clone();
        let result = async {
            let id = decode(&input.id, "id")?;
            desk::plan(context.app(), &call, id, &plan(input)?).await
        };
        PlanShipmentPayload::new(context, client, result.await.map(Shipment))
    }

    /// Packs a shipment, or packs it anew; what waits for customs is one unit (打包).
    async fn pack_shipment(&self, context: &Context<'_>, input: PackShipmentInput) -> Result<PackShipmentPayload> {
        let call = context.call(Action::PackShipments)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            desk::pack(context.app(), &call, id, &packing(input.units, input.waybill)).await
        };
        PackShipmentPayload::new(context, input.client_mutation_id, result.await.map(Shipment))
    }

    /// Asks a carrier once more that did not want a shipment, before it leaves the gate (重新下单).
    async fn rebook_shipment(
        &self,
        context: &Context<'_>,
        input: RebookShipmentInput,
    ) -> Result<RebookShipmentPayload> {
        let call = context.call(Action::PackShipments)?;
        let result = async { desk::rebook(context.app(), &call, decode(&input.id, "id")?).await };
        RebookShipmentPayload::new(context, input.client_mutation_id, result.await.map(Shipment))
    }

    /// Sends a shipment out of the gate, once: packed, released where it has to be, held by nobody, as heavy as it was
    /// packed. What is bonded and on no vehicle's gate pass goes under one of its own (出卡口).
    async fn gate_out(&self, context: &Context<'_>, input: GateOutInput) -> Result<GateOutPayload> {
        let call = context.call(Action::PackShipments)?;
        let result = async { desk::gate_out(context.app(), &call, decode(&input.id, "id")?, input.weighed_g).await };
        GateOutPayload::new(context, input.client_mutation_id, result.await.map(Shipment))
    }

    /// Puts a seal on a shipment, or says how the seal is; another number than the one put on is a broken seal (施封与验封).
    async fn seal_shipment(&self, context: &Context<'_>, input: SealShipmentInput) -> Result<SealShipmentPayload> {
        let call = context.call(Action::HandleShipments)?;
        let result =
            async { beside::seal(context.app(), &call, decode(&input.id, "id")?, &input.number, input.state).await };
        SealShipmentPayload::new(context, input.client_mutation_id, result.await.map(Shipment))
    }

    /// Attaches a proof of what happened by the hash of its bytes, which are then posted to its `path` (上传凭证).
    async fn attach_proof(&self, context: &Context<'_>, input: AttachProofInput) -> Result<AttachProofPayload> {
        let call = context.call(Action::HandleShipments)?;
        let new = NewProof {
            kind: input.kind,
            name: input.name,
            sha256: input.sha256,
            media_type: input.media_type,
            size: input.size,
            taken_at: input.taken_at,
        };
        let result = async { proofs::attach(context.app(), &call, decode(&input.id, "id")?, &new).await };
        AttachProofPayload::new(context, input.client_mutation_id, result.await.map(Shipment))
    }

    /// Holds a shipment at the gate (扣留).
    async fn hold_shipment(&self, context: &Context<'_>, input: HoldShipmentInput) -> Result<HoldShipmentPayload> {
        let call = context.call(Action::HoldShipments)?;
        let result =
            async { holds::hold(context.app(), &call, decode(&input.id, "id")?, input.reason, &input.note).await };
        HoldShipmentPayload::new(context, input.client_mutation_id, result.await.map(Shipment))
    }

    /// Lets a shipment go that was held: whoever holds it does, or an operator of the zone (解除扣留).
    async fn lift_hold(&self, context: &Context<'_>, input: LiftHoldInput) -> Result<LiftHoldPayload> {
        let call = context.call(Action::HoldShipments)?;
        let result = async { holds::lift(context.app(), &call, decode(&input.id, "id")?).await };
        LiftHoldPayload::new(context, input.client_mutation_id, result.await.map(Shipment))
    }

    /// Gives out in clear who takes a shipment in, to whoever sends or carries it; audited (查看收货人明文).
    async fn reveal_shipment_consignee(
        &self,
        context: &Context<'_>,
        input: RevealShipmentConsigneeInput,
    ) -> Result<RevealShipmentConsigneePayload> {
        let call = context.call(Action::RevealShipments)?;
        let result = async { beside::reveal(context.app(), &call, decode(&input.id, "id")?, &input.reason).await };
        RevealShipmentConsigneePayload::new(
            context,
            input.client_mutation_id,
            result.await.map(RevealedConsignee::from),
        )
    }
}
