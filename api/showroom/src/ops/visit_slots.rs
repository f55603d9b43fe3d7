//! Slots of visits: opened by who keeps the showroom, taken place by place, called off with all that was booked.
//!
//! A place is taken by one guarded UPDATE. Who receives visitors holds each quarter of an hour of its slots
//! ([`host`]): a key of the database refuses the second.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use entities::{
    party::Action,
    showroom::{
        ShowroomState,
        appointment::{self, AppointmentStep},
        quarter, store, team,
        time_hold::{host, visitor},
        visit_slot::{self, Planned, VisitSlotState},
    },
    values::{
        ErrorCode, Refusal, Refusals,
        id::{PersonId, ShowroomId, VisitSlotId},
    },
};
use platform::{
    app::{App, Call, Work},
    error::{Error, not_found},
    graphql::encode,
};
use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, QuerySelect, QueryTrait, TryInsertResult,
    sea_query::{Expr, OnConflict},
};
use serde_json::{Value, json};

use super::{store_for, store_of};

/// Most slots that are opened at once.
pub const MOST_SLOTS: usize = 100;

/// A step that the state does not allow.
pub(super) fn illegal(from: &str, action: &str) -> Refusal {
    Refusal::new(ErrorCode::IllegalTransition).with("from", from).with("action", action)
}

/// A showroom that people still come to.
pub(super) fn running(store: &store::Model, action: &str, field: &str) -> Result<(), Refusal> {
    if store.state == ShowroomState::Open { Ok(()) } else { Err(illegal("CLOSED", action).at(field)) }
}

/// Something else is booked for that time.
pub(super) fn booked_then(at: DateTime<Utc>) -> Refusal {
    Refusal::new(ErrorCode::AlreadyBooked).with("value", at.to_rfc3339())
}

/// How many rows an INSERT wrote that leaves alone what is there.
pub(super) fn rows(result: &TryInsertResult<u64>) -> u64 {
    if let TryInsertResult::Inserted(rows) = result { *rows } else { 0 }
}

/// Opens slots, all of them or none. Nobody receives visitors in two of them at once.
pub async fn open_slots(
    app: &App,
    call: &Call,
    showroom: ShowroomId,
    planned: &[Planned],
) -> Result<Vec<visit_slot::Model>, Error> {
    if planned.is_empty() {
        return Err(Refusal::new(ErrorCode::Required).at("slots").into());
    }
    if planned.len() > MOST_SLOTS {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MOST_SLOTS.to_string()).at("slots").into());
    }
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let store = store_for(work.tx(), &call.viewer, Action::KeepShowrooms, showroom, "showroomId").await?;
    running(&store, "OPEN_VISIT_SLOTS", "showroomId")?;
    checked(&work, &store, planned).await?;
    let by = work.viewer().subject();
    let slot = |one: &Planned| visit_slot::Model {
        id: VisitSlotId::new(work.now),
        showroom_id: store.id,
        host_id: one.host,
        starts_at: one.starts_at,
        ends_at: one.ends_at,
        capacity: one.capacity,
        booked: 0,
        auto_confirm: one.auto_confirm,
        state: VisitSlotState::Open,
        created_by: by.clone(),
        created_at: work.now,
    };
    let made: Vec<visit_slot::Model> = planned.iter().map(slot).collect();
    let models = made.iter().cloned().map(IntoActiveModel::into_active_model);
    visit_slot::Entity::insert_many(models).exec_without_returning(work.tx()).await?;
    hold_hosts(&work, &made).await?;
    let first = made.iter().map(|row| row.starts_at).min();
    let shown = json!({ "slots": made.len(), "first": first });
    work.audit(Some(store.organisation_id), "openVisitSlots", encode(store.id).0, Value::Null, shown);
    work.commit(made).await
}

fn in_slot(refusal: Refusal, n: usize) -> Refusal {
    refusal.at(n.to_string()).at("slots")
}

async fn checked(work: &Work, store: &store::Model, planned: &[Planned]) -> Result<(), Error> {
    let unfit = planned.iter().enumerate().flat_map(|(n, one)| {
        let refusals = one.fit(work.now).err().unwrap_or_default();
        refusals.into_iter().map(move |refusal| in_slot(refusal, n))
    });
    let mut wrong: Refusals = unfit.collect();
    let team: HashSet<PersonId> = team::Entity::find()
        .select_only()
        .column(team::Column::PersonId)
        .filter(team::Column::ShowroomId.eq(store.id))
        .into_tuple()
        .all(work.tx())
        .await?
        .into_iter()
        .collect();
    for (n, one) in planned.iter().enumerate() {
        if let Some(who) = one.host.filter(|who| !team.contains(who)) {
            let unknown = Refusal::new(ErrorCode::NotFound).with("value", encode(who).0);
            wrong.push(in_slot(unknown.at("hostId"), n));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.into()) }
}

/// Takes the time of who receives visitors. In one order, so that of two who open slots at once none waits for the
/// other while that waits for it.
async fn hold_hosts(work: &Work, slots: &[visit_slot::Model]) -> Result<(), Error> {
    let hosted = slots.iter().enumerate().filter_map(|(n, row)| Some((row.host_id?, row, n)));
    let mut hosted: Vec<(PersonId, &visit_slot::Model, usize)> = hosted.collect();
    hosted.sort_by_key(|(who, row, _)| (*who, row.starts_at));
    for (who, row, n) in hosted {
        let steps: Vec<i64> = quarter::between(row.starts_at, row.ends_at).collect();
        let wanted = steps.len() as u64;
        let model = |step: i64| host::Model { host_id: who, step, slot_id: row.id }.into_active_model();
        let taken = OnConflict::columns([host::Column::HostId, host::Column::Step]).do_nothing().to_owned();
        let insert = host::Entity::insert_many(steps.into_iter().map(model)).on_conflict(taken).try_insert();
        if rows(&insert.exec_without_returning(work.tx()).await?) != wanted {
            return Err(in_slot(booked_then(row.starts_at).at("hostId"), n).into());
        }
    }
    Ok(())
}

/// Calls a slot off that has not begun, with all that was booked of it.
pub async fn close_slot(app: &App, call: &Call, id: VisitSlotId) -> Result<visit_slot::Model, Error> {
    use visit_slot::Column as C;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let unknown = || not_found("id", encode(id).as_str());
    let row = visit_slot::Entity::find_by_id(id).one(work.tx()).await?.ok_or_else(unknown)?;
    let store = store_of(work.tx(), work.viewer(), Action::KeepShowrooms, row.showroom_id, unknown).await?;
    let done = visit_slot::Entity::update_many()
        .col_expr(C::State, Expr::val(VisitSlotState::Closed))
        .filter(C::Id.eq(id))
        .filter(C::State.eq(VisitSlotState::Open))
        .filter(C::StartsAt.gt(work.now))
        .exec(work.tx())
        .await?;
    if done.rows_affected != 1 {
        let from = if row.starts_at <= work.now { "PAST" } else { "CLOSED" };
        return Err(illegal(from, "CLOSE").at("id").into());
    }
    let cancelled = cancel_all(&work, id).await?;
    host::Entity::delete_many().filter(host::Column::SlotId.eq(id)).exec(work.tx()).await?;
    let shown = json!({ "state": VisitSlotState::Closed, "cancelled": cancelled });
    work.audit(Some(store.organisation_id), "closeVisitSlot", encode(id).0, json!({ "state": row.state }), shown);
    let after = visit_slot::Entity::find_by_id(id).one(work.tx()).await?.ok_or_else(unknown)?;
    work.commit(after).await
}

/// Calls off what was booked of a slot that is locked; answers with how many that were.
async fn cancel_all(work: &Work, slot: VisitSlotId) -> Result<u64, Error> {
    use appointment::Column as C;
    let (from, to) = AppointmentStep::Cancel.leads();
    let done = appointment::Entity::update_many()
        .col_expr(C::State, Expr::val(to))
        .col_expr(C::ByShowroom, Expr::val(true))
        .col_expr(C::EndedAt, Expr::val(Some(work.now)))
        .col_expr(C::Version, Expr::col(C::Version).add(1))
        .filter(C::SlotId.eq(slot))
        .filter(C::State.is_in(from.iter().copied()))
        .exec(work.tx())
        .await?;
    leave(work, slot, i32::try_from(done.rows_affected).unwrap_or(i32::MAX)).await?;
    let over =
        appointment::Entity::find().select_only().column(C::Id).filter(C::SlotId.eq(slot)).filter(C::State.eq(to));
    let times = visitor::Entity::delete_many().filter(visitor::Column::AppointmentId.in_subquery(over.into_query()));
    times.exec(work.tx()).await?;
    Ok(done.rows_affected)
}

/// Gives places of a slot back. Before it is known that they were taken: then the step behind it is refused.
pub(super) async fn leave(work: &Work, slot: VisitSlotId, places: i32) -> Result<(), Error> {
    use visit_slot::Column as C;
    visit_slot::Entity::update_many()
        .col_expr(C::Booked, Expr::col(C::Booked).sub(places))
        .filter(C::Id.eq(slot))
        .filter(C::Booked.gte(places))
        .exec(work.tx())
        .await?;
    Ok(())
}

/// Takes a place of a slot, or says why not.
pub(super) async fn take_place(work: &Work, id: VisitSlotId) -> Result<visit_slot::Model, Error> {
    use visit_slot::Column as C;
    let done = visit_slot::Entity::update_many()
        .col_expr(C::Booked, Expr::col(C::Booked).add(1))
        .filter(C::Id.eq(id))
        .filter(C::State.eq(VisitSlotState::Open))
        .filter(C::StartsAt.gt(work.now))
        .filter(Expr::col(C::Booked).lt(Expr::col(C::Capacity)))
        .exec(work.tx())
        .await?;
    let unknown = || not_found("slotId", encode(id).as_str());
    let row = visit_slot::Entity::find_by_id(id).one(work.tx()).await?.ok_or_else(unknown)?;
    let store = store::Entity::find_by_id(row.showroom_id).one(work.tx()).await?.ok_or_else(unknown)?;
    running(&store, "BOOK", "slotId")?;
    let refusal = match row.state {
        _ if done.rows_affected == 1 => return Ok(row),
        VisitSlotState::Closed => illegal("CLOSED", "BOOK"),
        VisitSlotState::Open if row.starts_at <= work.now => illegal("PAST", "BOOK"),
        VisitSlotState::Open => Refusal::new(ErrorCode::AlreadyTaken).with("value", row.starts_at.to_rfc3339()),
    };
    Err(refusal.at("slotId").into())
}
