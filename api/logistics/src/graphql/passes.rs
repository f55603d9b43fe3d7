//! Gate passes out in the schema; the pass itself is described in `inventory`.

use async_graphql::{Context, ID, InputObject, Object, Result};
use entities::party::Action;
use inventory::graphql::gate::GatePass;
use platform::{
    error::Error,
    graphql::{ContextExt, decode, id::decode_all},
    payload,
};

use super::desk::in_list;
use crate::ops::passes::{self as ops, Weighed};

/// Parcels that are to go out on one vehicle (申报出区核放单).
#[derive(InputObject)]
pub(super) struct OpenGatePassInput {
    /// Out of which of one's bonded warehouses.
    location_id: ID,
    /// The plate of the vehicle (车牌号).
    vehicle: String,
    /// The shipments, at most 50: packed, from that warehouse, on no other pass.
    shipment_ids: Vec<ID>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A parcel at the weighbridge (过磅).
#[derive(InputObject)]
pub(super) struct WeighedParcelInput {
    /// Which.
    shipment_id: ID,
    /// What the weighbridge says, in grams.
    weighed_g: i64,
}

/// A vehicle that goes through the gate (出卡口).
#[derive(InputObject)]
pub(super) struct PassGateInput {
    /// Under which pass.
    id: ID,
    /// All parcels that are on it, weighed; what was taken back since is not.
    parcels: Vec<WeighedParcelInput>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A pass that is taken back (作废核放单).
#[derive(InputObject)]
pub(super) struct CancelGatePassInput {
    /// Which.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `openGatePass`.
    OpenGatePassPayload { /// The pass.
        gate_pass: GatePass }
    /// The answer to `passGate`.
    PassGatePayload { /// The pass.
        gate_pass: GatePass }
    /// The answer to `cancelGatePass`.
    CancelGatePassPayload { /// The pass.
        gate_pass: GatePass }
}

/// Mutations of passes out.
#[derive(Default)]
pub struct PassMutation;

#[Object]
impl PassMutation {
    /// Opens a pass for parcels that are to go out on one vehicle; customs need not have released them yet (申报出区核放单).
    async fn open_gate_pass(&self, context: &Context<'_>, input: OpenGatePassInput) -> Result<OpenGatePassPayload> {
        let call = context.call(Action::PackShipments)?;
        let result = async {
            let location = decode(&input.location_id, "locationId")?;
            let shipments = decode_all(&input.shipment_ids, "shipmentIds")?;
            ops::open_pass(context.app(), &call, location, &input.vehicle, &shipments).await
        };
        OpenGatePassPayload::new(context, input.client_mutation_id, result.await.map(GatePass))
    }

    /// A vehicle goes through the gate with all its parcels, once every list on it is released; or none goes (出卡口).
    async fn pass_gate(&self, context: &Context<'_>, input: PassGateInput) -> Result<PassGatePayload> {
        let call = context.call(Action::PackShipments)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            let parcel = |(n, sent): (usize, WeighedParcelInput)| match decode(&sent.shipment_id, "shipmentId") {
                Ok(shipment) => Ok(Weighed { shipment, grams: sent.weighed_g }),
                Err(error) => Err(in_list(error, n, "parcels")),
            };
            let parcels: Vec<Weighed> =
                input.parcels.into_iter().enumerate().map(parcel).collect::<Result<_, Error>>()?;
            ops::pass_gate(context.app(), &call, id, &parcels).await
        };
        PassGatePayload::new(context, input.client_mutation_id, result.await.map(GatePass))
    }

    /// Takes a pass back before its vehicle was at the gate (作废核放单).
    async fn cancel_gate_pass(
        &self,
        context: &Context<'_>,
        input: CancelGatePassInput,
    ) -> Result<CancelGatePassPayload> {
        let call = context.call(Action::PackShipments)?;
        let result = async { ops::cancel_pass(context.app(), &call, decode(&input.id, "id")?).await };
        CancelGatePassPayload::new(context, input.client_mutation_id, result.await.map(GatePass))
    }
}
