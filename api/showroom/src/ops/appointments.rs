//! Visits by appointment: people book places in the slots that the team opens.
//!
//! - Who comes holds each quarter of an hour that it takes ([`visitor`]): a key of the database refuses the second.
//! - Slots are changed first, appointments after them, times last, so that nobody waits in a circle.
//! - What people do themselves is in no organisation's audit: the team must not learn there who they are.

use chrono::{DateTime, Utc};
use entities::{
    party::{Action, Resource},
    showroom::{
        appointment::{self, AppointmentState, AppointmentStep, Decision, MOST_PEOPLE},
        booking_code, quarter,
        time_hold::visitor,
        visit_slot,
    },
    values::{
        ErrorCode, Refusal, Refusals,
        id::{AppointmentId, PersonId, VisitSlotId},
        refusal::{Check, line, paragraph},
    },
};
use platform::{
    app::{App, Call, Work},
    db::wrote,
    error::{Error, not_found},
    graphql::encode,
    vault,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, sea_query::OnConflict,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    store_of,
    visit_slots::{booked_then, illegal, leave, rows, take_place},
};

/// How often another code is drawn when one is another's in the showroom.
const CODES: usize = 8;

/// What somebody leaves with an appointment, for the person alone.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wishes {
    /// How to reach them.
    pub contact: Option<String>,
    /// What they would like.
    pub note: Option<String>,
}

/// What is booked.
#[derive(Clone)]
pub struct Booking {
    /// Of which slot.
    pub slot: VisitSlotId,
    /// How many come.
    pub party_size: i32,
    /// What they leave.
    pub wishes: Wishes,
}

fn out_of_range(min: i32, max: i32) -> Refusal {
    Refusal::new(ErrorCode::OutOfRange).with("min", min.to_string()).with("max", max.to_string())
}

/// How many come, if so many can.
pub(super) fn party(size: i32) -> Result<i32, Refusal> {
    (1..=MOST_PEOPLE).contains(&size).then_some(size).ok_or_else(|| out_of_range(1, MOST_PEOPLE))
}

impl Booking {
    fn checked(&self) -> Result<Self, Refusals> {
        let mut check = Check::default();
        check.take("partySize", party(self.party_size));
        let written = |text: &&str| !text.trim().is_empty();
        let (contact, note) = (self.wishes.contact.as_deref(), self.wishes.note.as_deref());
        let contact = contact.filter(written).map(|text| check.take("contact", line(text, 120)));
        let note = note.filter(written).map(|text| check.take("note", paragraph(text, 500)));
        let wishes = Wishes { contact: contact.flatten(), note: note.flatten() };
        check.done(Self { slot: self.slot, party_size: self.party_size, wishes })
    }
}

/// The place in the vault of what somebody left.
fn wishes_place(id: AppointmentId) -> String {
    format!("appointment.wishes:{id}")
}

/// What somebody left with an appointment; for anyone else it is nothing.
pub fn wishes(app: &App, viewer: Option<PersonId>, row: &appointment::Model) -> Result<Wishes, Error> {
    match &row.wishes {
        Some(sealed) if viewer == Some(row.person_id) => opened(app, row.id, sealed),
        _ => Ok(Wishes::default()),
    }
}

fn opened(app: &App, id: AppointmentId, sealed: &[u8]) -> Result<Wishes, Error> {
    serde_json::from_str(&app.vault().unseal_text(&wishes_place(id), sealed)?).map_err(Error::internal)
}

fn oneself(call: &Call) -> Result<PersonId, Error> {
    call.may(Action::BookVisits, Resource::OWN)?;
    call.viewer.person().ok_or(Error::Forbidden)
}

/// An answer that was given before, with what of it is not kept for repeats.
async fn again(work: &Work, before: appointment::Model) -> Result<appointment::Model, Error> {
    let row = appointment::Entity::find_by_id(before.id).one(work.tx()).await?;
    Ok(appointment::Model { wishes: row.and_then(|row| row.wishes), ..before })
}

fn shown(row: &appointment::Model) -> Value {
    json!({ "state": row.state, "startsAt": row.starts_at, "partySize": row.party_size })
}

/// Books a place of a slot for oneself.
pub async fn book(app: &App, call: &Call, booking: &Booking) -> Result<appointment::Model, Error> {
    let person = oneself(call)?;
    let booking = booking.checked()?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return again(&work, before).await;
    }
    let slot = take_place(&work, booking.slot).await?;
    let made = made(app, &work, &slot, person, &booking, None).await?;
    work.audit(None, "bookAppointment", encode(made.id).0, Value::Null, shown(&made));
    work.commit(made).await
}

/// Writes an appointment for a place that was taken, and takes the time of who comes.
async fn made(
    app: &App,
    work: &Work,
    slot: &visit_slot::Model,
    person: PersonId,
    booking: &Booking,
    follows: Option<AppointmentId>,
) -> Result<appointment::Model, Error> {
    let id = AppointmentId::new(work.now);
    let wishes = if booking.wishes == Wishes::default() {
        None
    } else {
        let text = serde_json::to_vec(&booking.wishes).map_err(Error::internal)?;
        Some(app.vault().seal(&wishes_place(id), &text)?)
    };
    let state = if slot.auto_confirm { AppointmentState::Confirmed } else { AppointmentState::Requested };
    let mut row = appointment::Model {
        id,
        showroom_id: slot.showroom_id,
        slot_id: slot.id,
        person_id: person,
        code: String::new(),
        party_size: booking.party_size,
        wishes,
        state,
        starts_at: slot.starts_at,
        ends_at: slot.ends_at,
        follows_id: follows,
        by_showroom: false,
        version: 1,
        created_at: work.now,
        confirmed_at: slot.auto_confirm.then_some(work.now),
        ended_at: None,
    };
    let mut written = false;
    for _ in 0..CODES {
        row.code = booking_code::of(u64::from_be_bytes(vault::random::<8>()?));
        let known = OnConflict::columns([appointment::Column::ShowroomId, appointment::Column::Code]);
        let insert = appointment::Entity::insert(row.clone().into_active_model())
            .on_conflict(known.clone().do_nothing().to_owned())
            .try_insert();
        written = wrote(insert.exec_without_returning(work.tx()).await)?;
        if written {
            break;
        }
    }
    if !written {
        return Err(Error::internal("no code of a showroom is free"));
    }
    let steps: Vec<i64> = quarter::between(row.starts_at, row.ends_at).collect();
    let wanted = steps.len() as u64;
    let model = |step: i64| visitor::Model { person_id: person, step, appointment_id: id }.into_active_model();
    let taken = OnConflict::columns([visitor::Column::PersonId, visitor::Column::Step]).do_nothing().to_owned();
    let insert = visitor::Entity::insert_many(steps.into_iter().map(model)).on_conflict(taken).try_insert();
    if rows(&insert.exec_without_returning(work.tx()).await?) == wanted {
        Ok(row)
    } else {
        Err(booked_then(row.starts_at).at("slotId").into())
    }
}

/// Takes a step, or says why not: of two who step at the same time one does. What is over takes nobody's time.
pub(super) async fn stepped(
    work: &Work,
    row: &appointment::Model,
    step: AppointmentStep,
    by_showroom: bool,
    field: &str,
) -> Result<appointment::Model, Error> {
    let (from, to) = step.leads();
    step.from(row.state).map_err(|refusal| refusal.at(field))?;
    let mut next = appointment::Model { state: to, version: row.version + 1, ..row.clone() };
    match step {
        AppointmentStep::Confirm => next.confirmed_at = Some(work.now),
        AppointmentStep::CheckIn => {}
        AppointmentStep::Cancel => (next.ended_at, next.by_showroom) = (Some(work.now), by_showroom),
        AppointmentStep::Finish | AppointmentStep::Miss | AppointmentStep::Reschedule => {
            next.ended_at = Some(work.now);
        }
    }
    let done = appointment::Entity::update_many()
        .set(next.clone().into_active_model().reset_all())
        .filter(appointment::Column::Id.eq(row.id))
        .filter(appointment::Column::State.is_in(from.iter().copied()))
        .filter(appointment::Column::Version.eq(row.version))
        .exec(work.tx())
        .await?;
    if done.rows_affected != 1 {
        let now = appointment::Entity::find_by_id(row.id).one(work.tx()).await?;
        step.from(now.map_or(row.state, |row| row.state)).map_err(|refusal| refusal.at(field))?;
        return Err(Refusal::new(ErrorCode::StaleVersion).at(field).into());
    }
    if !next.state.is_live() {
        let times = visitor::Entity::delete_many().filter(visitor::Column::AppointmentId.eq(row.id));
        times.exec(work.tx()).await?;
    }
    Ok(next)
}

/// An appointment of one's own that is not over yet.
async fn own(
    tx: &impl ConnectionTrait,
    person: PersonId,
    id: AppointmentId,
    step: AppointmentStep,
    now: DateTime<Utc>,
) -> Result<appointment::Model, Error> {
    let row = appointment::Entity::find_by_id(id).one(tx).await?.filter(|row| row.person_id == person);
    let row = row.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    step.from(row.state).map_err(|refusal| refusal.at("id"))?;
    if row.ends_at <= now {
        // Nobody takes back afterwards that they did not come.
        return Err(illegal("PAST", step.name()).at("id").into());
    }
    Ok(row)
}

/// Calls one's own appointment off.
pub async fn cancel(app: &App, call: &Call, id: AppointmentId) -> Result<appointment::Model, Error> {
    let person = oneself(call)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return again(&work, before).await;
    }
    let row = own(work.tx(), person, id, AppointmentStep::Cancel, work.now).await?;
    leave(&work, row.slot_id, 1).await?;
    let next = stepped(&work, &row, AppointmentStep::Cancel, false, "id").await?;
    work.audit(None, "cancelAppointment", encode(id).0, shown(&row), shown(&next));
    work.commit(next).await
}

/// Takes another slot of the same showroom in place of the one that was booked, or keeps that one.
pub async fn reschedule(
    app: &App,
    call: &Call,
    id: AppointmentId,
    slot: VisitSlotId,
) -> Result<appointment::Model, Error> {
    let person = oneself(call)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return again(&work, before).await;
    }
    let row = own(work.tx(), person, id, AppointmentStep::Reschedule, work.now).await?;
    if row.slot_id == slot {
        return Err(booked_then(row.starts_at).at("slotId").into());
    }
    // Of two who swap their slots none waits for the other while that waits for it.
    let taken = if row.slot_id < slot {
        leave(&work, row.slot_id, 1).await?;
        take_place(&work, slot).await?
    } else {
        let taken = take_place(&work, slot).await?;
        leave(&work, row.slot_id, 1).await?;
        taken
    };
    if taken.showroom_id != row.showroom_id {
        return Err(not_found("slotId", encode(slot).as_str()));
    }
    let before = stepped(&work, &row, AppointmentStep::Reschedule, false, "id").await?;
    let wishes = wishes(app, Some(person), &row)?;
    let booking = Booking { slot, party_size: row.party_size, wishes };
    let made = made(app, &work, &taken, person, &booking, Some(before.id)).await?;
    work.audit(None, "rescheduleAppointment", encode(made.id).0, shown(&row), shown(&made));
    work.commit(made).await
}

/// Says to who asked whether they may come.
pub async fn decide(
    app: &App,
    call: &Call,
    id: AppointmentId,
    decision: Decision,
) -> Result<appointment::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let unknown = || not_found("id", encode(id).as_str());
    let row = appointment::Entity::find_by_id(id).one(work.tx()).await?.ok_or_else(unknown)?;
    let store = store_of(work.tx(), work.viewer(), Action::WorkShowrooms, row.showroom_id, unknown).await?;
    let step = match decision {
        Decision::Confirm => AppointmentStep::Confirm,
        Decision::Decline => AppointmentStep::Cancel,
    };
    if step == AppointmentStep::Cancel {
        leave(&work, row.slot_id, 1).await?;
    }
    let next = stepped(&work, &row, step, true, "id").await?;
    work.audit(Some(store.organisation_id), "decideAppointment", encode(id).0, shown(&row), shown(&next));
    work.commit(next).await
}
