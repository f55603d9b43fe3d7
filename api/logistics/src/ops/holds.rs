//! What stops at the gate, and who lets it go.

use entities::{
    logistics::{HoldReason, hold, shipment},
    party::{Action, Resource},
    values::{
        ErrorCode, Refusal,
        id::{OrganisationId, ShipmentHoldId, ShipmentId},
        refusal::line,
    },
};
use platform::{
    app::{App, Call, Work},
    error::{Error, not_found},
    graphql::encode,
};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, sea_query::Expr};
use serde_json::json;

use super::{locked, noted, seen, written};

/// Most holds that a shipment may have at once.
const MOST: i32 = 20;

/// Writes a hold of a shipment that is locked.
pub(super) async fn held(
    work: &mut Work,
    row: &shipment::Model,
    reason: HoldReason,
    note: &str,
    held_for: Option<OrganisationId>,
) -> Result<(shipment::Model, hold::Model), Error> {
    let note = line(note, 300).map_err(|refusal| refusal.at("note"))?;
    if row.state.is_out() || row.state == entities::logistics::ShipmentState::Cancelled {
        let refusal = Refusal::new(ErrorCode::IllegalTransition).with("from", row.state.name()).with("action", "HOLD");
        return Err(refusal.at("id").into());
    }
    if row.holds >= MOST {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MOST.to_string()).at("id").into());
    }
    let made = hold::Model {
        id: ShipmentHoldId::new(work.now),
        shipment_id: row.id,
        reason,
        note,
        held_for,
        held_by: work.viewer().subject(),
        held_at: work.now,
        lifted_by: None,
        lifted_at: None,
    };
    hold::Entity::insert(made.clone().into_active_model()).exec_without_returning(work.tx()).await?;
    let next = shipment::Model { holds: row.holds + 1, ..row.clone() };
    Ok((written(work, row, next).await?, made))
}

/// Lets go a hold of a shipment that is locked.
pub(super) async fn lifted(
    work: &mut Work,
    row: &shipment::Model,
    open: hold::Model,
) -> Result<(shipment::Model, hold::Model), Error> {
    let (by, at) = (work.viewer().subject(), work.now);
    let done = hold::Entity::update_many()
        .col_expr(hold::Column::LiftedBy, Expr::val(Some(by.clone())))
        .col_expr(hold::Column::LiftedAt, Expr::val(Some(at)))
        .filter(hold::Column::Id.eq(open.id))
        .filter(hold::Column::LiftedAt.is_null())
        .exec(work.tx())
        .await?;
    if done.rows_affected != 1 {
        let refusal = Refusal::new(ErrorCode::IllegalTransition).with("from", "LIFTED").with("action", "LIFT");
        return Err(refusal.at("id").into());
    }
    let next = shipment::Model { holds: row.holds - 1, ..row.clone() };
    let after = hold::Model { lifted_by: Some(by), lifted_at: Some(at), ..open };
    Ok((written(work, row, next).await?, after))
}

/// Holds a shipment at the gate.
pub async fn hold(
    app: &App,
    call: &Call,
    id: ShipmentId,
    reason: HoldReason,
    note: &str,
) -> Result<shipment::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = seen(&work, id).await?;
    call.may(Action::HoldShipments, Resource::of(row.owner_id))?;
    let (after, made) = held(&mut work, &row, reason, note, call.viewer.organisation()).await?;
    noted(&mut work, "holdShipment", &after, json!({ "reason": reason, "note": made.note }));
    work.commit(after).await
}

/// Lets a shipment go that was held: whoever holds it does, or an operator of the zone.
pub async fn lift(app: &App, call: &Call, id: ShipmentHoldId) -> Result<shipment::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let unknown = || not_found("id", encode(id).as_str());
    let of = hold::Entity::find_by_id(id).one(work.tx()).await?.ok_or_else(unknown)?.shipment_id;
    let seen = shipment::Entity::visible_to(&call.viewer).filter(shipment::Column::Id.eq(of)).one(work.tx()).await?;
    let seen = seen.ok_or_else(unknown)?;
    call.may(Action::HoldShipments, Resource::of(seen.owner_id))?;
    let row = locked(work.tx(), of).await?;
    let open = hold::Entity::find_by_id(id).one(work.tx()).await?.ok_or_else(unknown)?;
    if open.held_for != call.viewer.organisation() && !call.viewer.is_operator() {
        return Err(Error::Forbidden);
    }
    let (after, open) = lifted(&mut work, &row, open).await?;
    noted(&mut work, "liftHold", &after, json!({ "reason": open.reason, "note": open.note }));
    work.commit(after).await
}
