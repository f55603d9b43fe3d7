//! Proofs of what happened: attached by their hash, then their bytes are put where they are kept, sealed.
//!
//! Bytes are those that the hash says, and begin as their media type does; once kept they never change. They show who
//! took a parcel in: whoever sends, buys or leads a parcel reads them, and who oversees the zone; who carries a leg for
//! another does not.

use chrono::{DateTime, Utc};
use entities::{
    logistics::{
        ProofKind,
        fold::SKEW,
        proof::{self, LARGEST, content},
        shipment,
    },
    party::Viewer,
    values::{
        ErrorCode, Refusal,
        id::{ProofId, ShipmentId},
        refusal::Check,
    },
};
use platform::{
    app::{App, Call},
    attached::{Said, aside},
    error::{Error, not_found, taken},
    graphql::encode,
    vault,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, sea_query::Expr,
};
use serde_json::json;

use super::{beside::handles, noted, seen, tracking::BEFORE};

/// Most proofs of a shipment.
const MAX_PROOFS: u64 = 50;

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

/// Attaches a proof: it is known by the hash of its bytes, which come next ([`keep`]).
pub async fn attach(app: &App, call: &Call, id: ShipmentId, new: &NewProof) -> Result<shipment::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = seen(&work, id).await?;
    handles(call, &row)?;
    let mut check = Check::default();
    let said = Said { name: &new.name, sha256: &new.sha256, media_type: &new.media_type, size: new.size };
    let name = said.checked(&mut check, proof::is_known, LARGEST);
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
        kept_at: None,
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

fn content_place(id: ProofId) -> String {
    format!("proof_content:{id}")
}

fn unknown(id: ProofId) -> Error {
    not_found("id", encode(id).as_str())
}

/// A proof whose bytes a caller may bring: asked before any of them is read.
pub async fn awaited(app: &App, call: &Call, id: ProofId) -> Result<proof::Model, Error> {
    let db = app.db().read();
    let found = proof::Entity::find_by_id(id).one(db).await?.ok_or_else(|| unknown(id))?;
    let row = shipment::Entity::visible_to(&call.viewer).filter(shipment::Column::Id.eq(found.shipment_id));
    let row = row.one(db).await?.ok_or_else(|| unknown(id))?;
    handles(call, &row)?;
    Ok(found)
}

/// Keeps the bytes of a proof. The same once more is the same.
pub async fn keep(app: &App, call: &Call, id: ProofId, bytes: Vec<u8>) -> Result<proof::Model, Error> {
    let expected = awaited(app, call, id).await?;
    let (house, place) = (app.clone(), content_place(id));
    let (bytes, hash, sealed) = aside(move || {
        let hash = vault::sha256_hex(&bytes);
        let sealed = if hash == expected.sha256 { house.vault().seal(&place, &bytes)? } else { Vec::new() };
        Ok((bytes, hash, sealed))
    })
    .await?;
    let mut work = app.begin(call).await?;
    let found = proof::Entity::find_by_id(id).one(work.tx()).await?.ok_or_else(|| unknown(id))?;
    let row = seen(&work, found.shipment_id).await.map_err(|error| match error {
        Error::Refused(_) => unknown(id),
        other => other,
    })?;
    handles(call, &row)?;
    let said = Said { name: "", sha256: &found.sha256, media_type: &found.media_type, size: found.size };
    said.is(&bytes, &hash, proof::begins_as)?;
    let done = proof::Entity::update_many()
        .col_expr(proof::Column::KeptAt, Expr::val(Some(work.now)))
        .filter(proof::Column::Id.eq(id))
        .filter(proof::Column::KeptAt.is_null())
        .exec(work.tx())
        .await?;
    if done.rows_affected != 1 {
        return Ok(found);
    }
    let row_of = content::Model { proof_id: id, body: sealed };
    content::Entity::insert(row_of.into_active_model()).exec_without_returning(work.tx()).await?;
    noted(&mut work, "keepProof", &row, json!({ "kind": found.kind, "sha256": found.sha256 }));
    let after = proof::Model { kept_at: Some(work.now), ..found };
    work.commit(after.clone()).await
}

/// The bytes of a proof; what is not there, or not for this viewer, is none.
pub async fn read(app: &App, viewer: &Viewer, id: ProofId) -> Result<(proof::Model, Vec<u8>), Error> {
    let db = app.db().read();
    let found = proof::Entity::find_by_id(id).one(db).await?.ok_or_else(|| unknown(id))?;
    let row = shipment::Entity::visible_to(viewer).filter(shipment::Column::Id.eq(found.shipment_id)).one(db).await?;
    if !row.is_some_and(|row| shows_takers(viewer, &row)) {
        return Err(unknown(id));
    }
    let kept = content_of(db, id).await?.ok_or_else(|| unknown(id))?;
    let (house, place) = (app.clone(), content_place(id));
    let bytes = aside(move || house.vault().unseal(&place, &kept.body)).await?;
    Ok((found, bytes))
}

/// Whether a viewer who sees a shipment sees who took it in.
fn shows_takers(viewer: &Viewer, row: &shipment::Model) -> bool {
    let own = viewer.organisation();
    let of_organisation = own.is_some() && [Some(row.owner_id), row.buyer_id, Some(row.carrier_id)].contains(&own);
    viewer.oversees() || of_organisation || (row.person_id.is_some() && row.person_id == viewer.person())
}

async fn content_of(db: &impl ConnectionTrait, id: ProofId) -> Result<Option<content::Model>, Error> {
    Ok(content::Entity::find_by_id(id).one(db).await?)
}
