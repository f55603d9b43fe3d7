//! Who is in a showroom: let in with a code or without, and gone again. What the clock does of itself: whoever did not
//! come did not come, and nobody is there for ever.

use chrono::{DateTime, Utc};
use entities::{
    party::{Action, Viewer},
    showroom::{
        ShowroomState,
        appointment::{self, AppointmentState, AppointmentStep, GRACE},
        booking_code, quarter, store,
        time_hold::{host, visitor},
        visit::{self, LONGEST, VisitState},
        visit_slot::{self, VisitSlotState},
    },
    values::id::{PersonId, ShowroomId, VisitId},
};
use platform::{
    app::{App, Call, Work},
    error::{Error, not_found},
    graphql::encode,
    page::{Cursor, Page, PageArgs, key},
    reconcile::{Finding, count},
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, Order, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, Select, sea_query::Expr,
};
use serde_json::{Value, json};

use super::{
    appointments::{party, stepped},
    readable, store_for, store_of,
    visit_slots::{illegal, leave, running},
};

/// Names of the orders of lists, for cursors.
const SLOTS: &str = "visit-slot-time";
const BY_TIME: &str = "appointment-time";
const MINE: &str = "newest-appointment";
const NEWEST: &str = "newest-visit";
/// How many whose time is up are looked at in one transaction.
const SWEPT: u64 = 100;
/// For how many quarters of an hour it is kept whose time was taken.
const KEPT: i64 = 96;

/// Lets people in: with the code of their appointment, or without one.
pub async fn check_in(
    app: &App,
    call: &Call,
    showroom: ShowroomId,
    code: Option<&str>,
    size: Option<i32>,
) -> Result<visit::Model, Error> {
    let code = code.map(|code| booking_code::read(code).map_err(|refusal| refusal.at("code"))).transpose()?;
    let size = size.map(|size| party(size).map_err(|refusal| refusal.at("partySize"))).transpose()?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let store = store_for(work.tx(), &call.viewer, Action::WorkShowrooms, showroom, "showroomId").await?;
    running(&store, "CHECK_IN", "showroomId")?;
    let came = match &code {
        Some(code) => Some(came(&work, &store, code).await?),
        None => None,
    };
    let row = visit::Model {
        id: VisitId::new(work.now),
        showroom_id: store.id,
        appointment_id: came.as_ref().map(|came| came.id),
        party_size: size.or(came.map(|came| came.party_size)).unwrap_or(1),
        state: VisitState::Here,
        arrived_at: work.now,
        left_at: None,
        checked_in_by: work.viewer().subject(),
        checked_out_by: None,
    };
    visit::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await?;
    let shown = json!({ "appointment": row.appointment_id.map(|id| encode(id).0), "partySize": row.party_size });
    work.audit(Some(store.organisation_id), "checkIn", encode(row.id).0, Value::Null, shown);
    work.commit(row).await
}

/// The appointment of a code, whose people are there now.
async fn came(work: &Work, store: &store::Model, code: &str) -> Result<appointment::Model, Error> {
    let found = appointment::Entity::find()
        .filter(appointment::Column::ShowroomId.eq(store.id))
        .filter(appointment::Column::Code.eq(code))
        .one(work.tx())
        .await?;
    let row = found.ok_or_else(|| not_found("code", code))?;
    AppointmentStep::CheckIn.from(row.state).map_err(|refusal| refusal.at("code"))?;
    row.lets_in(work.now).map_err(|refusal| refusal.at("code"))?;
    stepped(work, &row, AppointmentStep::CheckIn, false, "code").await
}

/// Notes that people went.
pub async fn check_out(app: &App, call: &Call, id: VisitId) -> Result<visit::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let unknown = || not_found("visitId", encode(id).as_str());
    let row = visit::Entity::find_by_id(id).one(work.tx()).await?.ok_or_else(unknown)?;
    let store = store_of(work.tx(), work.viewer(), Action::WorkShowrooms, row.showroom_id, unknown).await?;
    let after = visit::Model {
        state: VisitState::Left,
        left_at: Some(work.now),
        checked_out_by: Some(work.viewer().subject()),
        ..row.clone()
    };
    if !over(&work, &row, &after).await? {
        let now = visit::Entity::find_by_id(id).one(work.tx()).await?.map_or(row.state, |row| row.state);
        return Err(illegal(&now.name(), "CHECK_OUT").at("visitId").into());
    }
    let shown = json!({ "state": after.state, "minutes": after.minutes() });
    work.audit(Some(store.organisation_id), "checkOut", encode(id).0, json!({ "state": row.state }), shown);
    work.commit(after).await
}

/// Ends a visit and its appointment; not when somebody else did so before.
async fn over(work: &Work, row: &visit::Model, after: &visit::Model) -> Result<bool, Error> {
    let done = visit::Entity::update_many()
        .col_expr(visit::Column::State, Expr::val(after.state))
        .col_expr(visit::Column::LeftAt, Expr::val(after.left_at))
        .col_expr(visit::Column::CheckedOutBy, Expr::val(after.checked_out_by.clone()))
        .filter(visit::Column::Id.eq(row.id))
        .filter(visit::Column::State.eq(VisitState::Here))
        .exec(work.tx())
        .await?;
    if done.rows_affected != 1 {
        return Ok(false);
    }
    if let Some(appointment) = row.appointment_id
        && let Some(appointment) = appointment::Entity::find_by_id(appointment).one(work.tx()).await?
        && appointment.state == AppointmentState::CheckedIn
    {
        stepped(work, &appointment, AppointmentStep::Finish, false, "visitId").await?;
    }
    Ok(true)
}

/// What the clock does: who was expected and did not come did not come, what nobody agreed to is off, and whoever was
/// forgotten in the showroom is there no more.
pub async fn sweep(app: &App, now: DateTime<Utc>) -> Result<(), Error> {
    while missed(app, now).await? == SWEPT {}
    while forgotten(app, now).await? == SWEPT {}
    Ok(())
}

/// Ends appointments whose time is up; answers with how many it looked at.
async fn missed(app: &App, now: DateTime<Utc>) -> Result<u64, Error> {
    let due = || {
        appointment::Entity::find()
            .filter(appointment::Column::State.is_in([AppointmentState::Requested, AppointmentState::Confirmed]))
            .filter(appointment::Column::EndsAt.lte(now - GRACE))
    };
    // Usually there is nothing, and then nobody who writes has to wait.
    if due().one(app.db().read()).await?.is_none() {
        return Ok(0);
    }
    let work = app.begin(&Call::unasked("showroom")).await?;
    // In the order in which everyone changes slots.
    let rows = due().order_by_asc(appointment::Column::SlotId).limit(SWEPT).all(work.tx()).await?;
    for row in &rows {
        let step = match row.state {
            AppointmentState::Requested => {
                leave(&work, row.slot_id, 1).await?;
                AppointmentStep::Cancel
            }
            _ => AppointmentStep::Miss,
        };
        match stepped(&work, row, step, true, "id").await {
            Ok(_) => {}
            // Somebody else ended it at this moment: what was given back of its slot must not stay so.
            Err(Error::Refused(_)) => return Ok(0),
            Err(error) => return Err(error),
        }
    }
    work.commit(rows.len() as u64).await
}

/// Ends visits of whom nobody noted that they went; answers with how many it looked at.
async fn forgotten(app: &App, now: DateTime<Utc>) -> Result<u64, Error> {
    let due = || {
        visit::Entity::find()
            .filter(visit::Column::State.eq(VisitState::Here))
            .filter(visit::Column::ArrivedAt.lte(now - LONGEST))
    };
    if due().one(app.db().read()).await?.is_none() {
        return Ok(0);
    }
    let work = app.begin(&Call::unasked("showroom")).await?;
    let rows = due().order_by_asc(visit::Column::Id).limit(SWEPT).all(work.tx()).await?;
    for row in &rows {
        over(&work, row, &visit::Model { state: VisitState::Forgotten, ..row.clone() }).await?;
    }
    work.commit(rows.len() as u64).await
}

/// Forgets whose time was taken once that has passed.
pub async fn tidy(app: &App, now: DateTime<Utc>) -> Result<(), Error> {
    let past = quarter::of(now) - KEPT;
    host::Entity::delete_many().filter(host::Column::Step.lt(past)).exec(app.db().writer()).await?;
    visitor::Entity::delete_many().filter(visitor::Column::Step.lt(past)).exec(app.db().writer()).await?;
    Ok(())
}

/// What does not add up of visits.
pub async fn findings(db: &impl ConnectionTrait) -> Result<Vec<Finding>, Error> {
    let mut found = Vec::new();
    for (what, text) in [
        (
            "slots of visits in which other places are taken than were booked",
            "SELECT COUNT(*) AS n FROM visit_slot s WHERE s.booked <> (SELECT COUNT(*) FROM appointment a \
             WHERE a.slot_id = s.id AND a.state NOT IN ('cancelled', 'rescheduled'))",
        ),
        (
            "times that are taken for what is over",
            "SELECT COUNT(*) AS n FROM visitor_hold h JOIN appointment a ON a.id = h.appointment_id \
             WHERE a.state NOT IN ('requested', 'confirmed', 'checked_in')",
        ),
        (
            "people who are let in and not there",
            "SELECT COUNT(*) AS n FROM appointment a WHERE a.state = 'checked_in' AND NOT EXISTS \
             (SELECT 1 FROM visit v WHERE v.appointment_id = a.id AND v.state = 'here')",
        ),
    ] {
        if let Some(rows) = count(db, text, Vec::new()).await? {
            found.push(Finding { what, rows });
        }
    }
    Ok(found)
}

/// A time that a list is asked for; either end may be open.
pub type Between = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// Within what both databases can compare with.
fn comparable(at: DateTime<Utc>) -> DateTime<Utc> {
    let last = DateTime::from_timestamp(253_402_300_799, 0).unwrap_or(DateTime::UNIX_EPOCH);
    at.clamp(DateTime::UNIX_EPOCH, last)
}

/// A page in the order of a time, and of ids within it.
async fn by_time<E: EntityTrait>(
    db: &impl ConnectionTrait,
    list: Select<E>,
    (at, id): (E::Column, E::Column),
    name: &str,
    page: &PageArgs,
) -> Result<Page<E::Model>, Error> {
    let place = vec![Expr::col((E::default(), at)), Expr::col((E::default(), id))];
    let beyond = page.beyond(name, place, Order::Asc, |k| Some(vec![key::moment(k.first()?)?, key::id(k.get(1)?)?]))?;
    let list = beyond.into_iter().fold(list, QueryFilter::filter);
    let walk = page.walk(Order::Asc);
    let rows = list.order_by(at, walk.clone()).order_by(id, walk);
    Ok(page.page(rows.limit(page.fetch()).all(db).await?))
}

/// The slots of a showroom that can still be booked, first first; also those that are full.
pub async fn list_slots(
    db: &impl ConnectionTrait,
    showroom: ShowroomId,
    (from, to): Between,
    now: DateTime<Utc>,
    page: &PageArgs,
) -> Result<Page<visit_slot::Model>, Error> {
    use visit_slot::Column as C;
    let running = store::Entity::find()
        .select_only()
        .column(store::Column::Id)
        .filter(store::Column::Id.eq(showroom))
        .filter(store::Column::State.eq(ShowroomState::Open));
    let only = Condition::all()
        .add(C::ShowroomId.in_subquery(running.into_query()))
        .add(C::State.eq(VisitSlotState::Open))
        .add(C::StartsAt.gt(now))
        .add_option(from.map(|from| C::StartsAt.gte(comparable(from))))
        .add_option(to.map(|to| C::StartsAt.lt(comparable(to))));
    by_time(db, visit_slot::Entity::find().filter(only), (C::StartsAt, C::Id), SLOTS, page).await
}

/// The cursor of a slot in that list.
pub fn slot_cursor(row: &visit_slot::Model) -> Cursor {
    Cursor::new(SLOTS, vec![row.starts_at.timestamp_millis().into(), row.id.to_string().into()])
}

/// What is asked of appointments.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only in one of these states.
    pub states: Vec<AppointmentState>,
    /// Only those that begin in this time.
    pub between: Between,
}

/// The appointments of a showroom for who may read its inside, in the order of their times. None: there is no such
/// showroom for the viewer.
pub async fn list(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    showroom: ShowroomId,
    filter: &Filter,
    page: &PageArgs,
) -> Result<Option<Page<appointment::Model>>, Error> {
    use appointment::Column as C;
    let Some(store) = readable(db, viewer, showroom).await? else { return Ok(None) };
    let (from, to) = filter.between;
    let only = Condition::all()
        .add(C::ShowroomId.eq(store.id))
        .add_option((!filter.states.is_empty()).then(|| C::State.is_in(filter.states.iter().copied())))
        .add_option(from.map(|from| C::StartsAt.gte(comparable(from))))
        .add_option(to.map(|to| C::StartsAt.lt(comparable(to))));
    by_time(db, appointment::Entity::find().filter(only), (C::StartsAt, C::Id), BY_TIME, page).await.map(Some)
}

/// The cursor of an appointment in that list.
pub fn cursor(row: &appointment::Model) -> Cursor {
    Cursor::new(BY_TIME, vec![row.starts_at.timestamp_millis().into(), row.id.to_string().into()])
}

/// The appointments that somebody made, newest first.
pub async fn list_own(
    db: &impl ConnectionTrait,
    person: PersonId,
    page: &PageArgs,
) -> Result<Page<appointment::Model>, Error> {
    let list = appointment::Entity::find().filter(appointment::Column::PersonId.eq(person));
    page.by_id(db, list, appointment::Column::Id, MINE, Order::Desc).await
}

/// The cursor of an appointment in that list.
pub fn own_cursor(row: &appointment::Model) -> Cursor {
    Cursor::of_id(MINE, row.id)
}

/// The visits of a showroom for who may read its inside, newest first. None: there is no such showroom for the viewer.
pub async fn list_visits(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    showroom: ShowroomId,
    state: Option<VisitState>,
    page: &PageArgs,
) -> Result<Option<Page<visit::Model>>, Error> {
    let Some(store) = readable(db, viewer, showroom).await? else { return Ok(None) };
    let only = Condition::all()
        .add(visit::Column::ShowroomId.eq(store.id))
        .add_option(state.map(|state| visit::Column::State.eq(state)));
    page.by_id(db, visit::Entity::find().filter(only), visit::Column::Id, NEWEST, Order::Desc).await.map(Some)
}

/// The cursor of a visit in that list.
pub fn visit_cursor(row: &visit::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}
