//! What belongs to a shipment beside its way: its seal, and who takes it in.

use entities::{
    logistics::{SealState, ShipmentState, shipment},
    party::{Action, Resource},
    values::{Consignee, ErrorCode, Refusal, id::ShipmentId, refusal::line},
};
use platform::{
    app::{App, Call},
    error::Error,
};
use serde_json::json;

use super::{audited, consignee_place, noted, seen, written};

/// Whoever sends or carries a shipment handles it.
pub(super) fn handles(call: &Call, row: &shipment::Model) -> Result<(), Error> {
    call.may(Action::HandleShipments, Resource::of(row.owner_id))
        .or_else(|_| call.may(Action::HandleShipments, Resource::of(row.carrier_id)))
}

/// Puts a seal on a shipment before it leaves the gate; after that, says how the seal is. Another number than the one that
/// was put on is a broken seal, whatever is said of it.
pub async fn seal(
    app: &App,
    call: &Call,
    id: ShipmentId,
    number: &str,
    state: SealState,
) -> Result<shipment::Model, Error> {
    let number = line(number, 40).map_err(|refusal| refusal.at("number"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = seen(&work, id).await?;
    handles(call, &row)?;
    let over = row.state == ShipmentState::Cancelled;
    if over || (row.state.is_out() && row.seal_number.is_none()) {
        let refusal = Refusal::new(ErrorCode::IllegalTransition).with("from", row.state.name()).with("action", "SEAL");
        return Err(refusal.at("id").into());
    }
    let next = if row.state.is_out() {
        let same = row.seal_number.as_deref() == Some(number.as_str());
        let state = if same { state } else { SealState::Broken };
        // What was broken once stays so.
        let broken = row.seal_state == Some(SealState::Broken);
        shipment::Model { seal_state: Some(if broken { SealState::Broken } else { state }), ..row.clone() }
    } else {
        shipment::Model { seal_number: Some(number), seal_state: Some(state), ..row.clone() }
    };
    let after = written(&mut work, &row, next).await?;
    audited(&mut work, "sealShipment", &row, &after);
    work.commit(after).await
}

/// Reads in clear who takes a shipment in, for whoever sends or carries it; the owner's audit says who did.
pub async fn reveal(app: &App, call: &Call, id: ShipmentId, reason: &str) -> Result<Consignee, Error> {
    let reason = line(reason, 300).map_err(|refusal| refusal.at("reason"))?;
    let mut work = app.begin(&call.unrepeatable()).await?;
    let row = seen(&work, id).await?;
    call.may(Action::RevealShipments, Resource::of(row.carrier_id))
        .or_else(|_| call.may(Action::RevealShipments, Resource::of(row.owner_id)))?;
    let text = app.vault().unseal_text(&consignee_place(row.id), &row.consignee)?;
    let consignee = serde_json::from_str(&text).map_err(Error::internal)?;
    noted(&mut work, "revealShipmentConsignee", &row, json!({ "reason": reason }));
    work.commit(()).await?;
    Ok(consignee)
}
