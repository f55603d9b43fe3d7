//! What belongs to a shipment beside its way: its seal, proofs, and who takes it in.

use chrono::{DateTime, Utc};
use entities::{
    logistics::{ProofKind, SealState, ShipmentState, fold::SKEW, proof, shipment},
    party::{Action, Resource},
    values::{
        Consignee, ErrorCode, Refusal,
        id::{ProofId, ShipmentId},
        refusal::{Check, line},
    },
};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter};
use serde_json::json;

use super::{audited, consignee_place, noted, seen, tracking::BEFORE, written};
use crate::{
    app::{App, Call},
    platform::error::{Error, taken},
};

/// Most proofs of a shipment.
const MAX_PROOFS: u64 = 50;
/// The largest that a proof may be, in bytes.
const LARGEST: i64 = 20 * 1024 * 1024;
/// What a proof may be.
const MEDIA_TYPES: [&str; 5] = ["image/jpeg", "image/png", "image/webp", "image/heic", "application/pdf"];

/// Whoever sends or carries a shipment handles it.
fn handles(call: &Call, row: &shipment::Model) -> Result<(), Error> {
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

/// A proof that is attached.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns of the proof")]
pub struct NewProof {
    pub kind: ProofKind,
    pub name: String,
    pub sha256: String,
    pub media_type: String,
    pub size: i64,
    pub taken_at: DateTime<Utc>,
}

/// Attaches a proof: its bytes lie elsewhere and are known by their hash.
pub async fn attach(app: &App, call: &Call, id: ShipmentId, new: &NewProof) -> Result<shipment::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = seen(&work, id).await?;
    handles(call, &row)?;
    let mut check = Check::default();
    let name = check.take("name", line(&new.name, 120)).unwrap_or_default();
    let hash = new.sha256.len() == 64 && new.sha256.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    check.demand(hash, "sha256", || Refusal::new(ErrorCode::InvalidValue).with("value", "sha256"));
    let known = MEDIA_TYPES.contains(&new.media_type.as_str());
    let shown: String = new.media_type.chars().take(60).collect();
    check.demand(known, "mediaType", || Refusal::new(ErrorCode::InvalidValue).with("value", shown));
    let range = |max: String| Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", max);
    check.demand((1..=LARGEST).contains(&new.size), "size", || range(LARGEST.to_string()));
    let (earliest, latest) = (row.created_at - BEFORE, work.now + SKEW);
    check.demand((earliest..=latest).contains(&new.taken_at), "takenAt", || {
        let range = Refusal::new(ErrorCode::OutOfRange).with("min", earliest.to_rfc3339());
        range.with("max", latest.to_rfc3339())
    });
    let made = check.done(proof::Model {
        id: ProofId::new(work.now),
        shipment_id: row.id,
        kind: new.kind,
        name,
        sha256: new.sha256.clone(),
        media_type: new.media_type.clone(),
        size: new.size,
        taken_at: DateTime::from_timestamp_millis(new.taken_at.timestamp_millis()).unwrap_or(work.now),
        attached_by: work.viewer().subject(),
        attached_at: work.now,
    })?;
    let present = proof::Entity::find().filter(proof::Column::ShipmentId.eq(row.id)).count(work.tx()).await?;
    if present >= MAX_PROOFS {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MAX_PROOFS.to_string()).at("id").into());
    }
    proof::Entity::insert(made.clone().into_active_model())
        .exec_without_returning(work.tx())
        .await
        .map_err(|error| taken(error, "proof", &["shipment_id", "sha256"], "sha256", &made.sha256))?;
    noted(&mut work, "attachProof", &row, json!({ "kind": made.kind, "sha256": made.sha256 }));
    work.commit(row).await
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
