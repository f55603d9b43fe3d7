//! Alarms: what has to be back in the zone or declared soon. A sweep raises each once, and staff say that they have
//! seen it.

use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    party::{Action, Viewer},
    showroom::{
        BondedDisplayAlarmKind, BondedDisplayState,
        bonded_alarm::{self, Column as A, DECLARE_DAYS, RETURN_DAYS, Window, windows},
        bonded_display::{self, Column as D},
        bonded_part::{self, Column as P},
    },
    values::id::{BondedDisplayAlarmId, BondedDisplayId, BondedDisplayPartId, ShowroomId},
};
use platform::{
    app::{App, Call},
    clock::business_day,
    db::wrote,
    error::{Error, not_found},
    graphql::encode,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, Order, QueryFilter, QueryOrder,
    QuerySelect,
    sea_query::{Expr, OnConflict, Query, SelectStatement},
};
use serde_json::{Value, json};

use super::unfit;
use crate::ops::{inside, store_of};

/// Name of the order, for cursors.
const NEWEST: &str = "newest-bonded-display-alarm";
/// Most alarms of a kind that are raised in one sweep; the next one raises more.
const RAISED: u64 = 500;

/// Raises the alarms of a moment's day, each once however many nodes look. Answers with how many were raised.
pub async fn alarms(app: &App, now: DateTime<Utc>) -> Result<u64, Error> {
    let today = business_day(now);
    let mut raised = 0;
    for window in windows(&RETURN_DAYS, today) {
        for row in to_return(app.db().read(), window).await? {
            let alarm =
                alarm(now, window, BondedDisplayAlarmKind::Return, (row.id, None), row.showroom_id, row.return_by);
            raised += u64::from(raise(app, alarm).await?);
        }
    }
    for window in windows(&DECLARE_DAYS, today) {
        for (part, row) in to_declare(app.db().read(), window).await? {
            let (Some(row), Some(due)) = (row, part.declare_by) else { continue };
            let of = (row.id, Some(part.id));
            let alarm = alarm(now, window, BondedDisplayAlarmKind::Declare, of, row.showroom_id, due);
            raised += u64::from(raise(app, alarm).await?);
        }
    }
    Ok(raised)
}

fn alarm(
    now: DateTime<Utc>,
    window: Window,
    kind: BondedDisplayAlarmKind,
    (display, part): (BondedDisplayId, Option<BondedDisplayPartId>),
    showroom: ShowroomId,
    due_on: NaiveDate,
) -> bonded_alarm::Model {
    let of = part.map_or_else(|| format!("return:{display}"), |part| format!("declare:{part}"));
    bonded_alarm::Model {
        id: BondedDisplayAlarmId::new(now),
        display_id: display,
        part_id: part,
        showroom_id: showroom,
        kind,
        due_on,
        days: window.days,
        alarm_key: format!("{of}:{due_on}:{}", window.days),
        raised_at: now,
        acknowledged_by: None,
        acknowledged_at: None,
    }
}

async fn raise(app: &App, alarm: bonded_alarm::Model) -> Result<bool, Error> {
    let once = OnConflict::column(A::AlarmKey).do_nothing().to_owned();
    let insert = bonded_alarm::Entity::insert(alarm.into_active_model()).on_conflict(once).try_insert();
    Ok(wrote(insert.exec_without_returning(app.db().writer()).await)?)
}

fn within(due: &impl ColumnTrait, window: Window) -> Condition {
    Condition::all().add(due.lte(window.until)).add_option(window.after.map(|after| due.gt(after)))
}

/// That an alarm was raised, of what the statement around says.
fn raised(kind: BondedDisplayAlarmKind, days: i32) -> SelectStatement {
    Query::select()
        .expr(Expr::value(1))
        .from(bonded_alarm::Entity)
        .and_where(A::Kind.eq(kind))
        .and_where(A::Days.eq(days))
        .take()
}

/// That a bonded display of the statement around has pieces in one of these states.
pub(super) fn has_pieces(states: &[BondedDisplayState]) -> SelectStatement {
    Query::select()
        .expr(Expr::value(1))
        .from(bonded_part::Entity)
        .and_where(Expr::col((bonded_part::Entity, P::DisplayId)).equals((bonded_display::Entity, D::Id)))
        .and_where(P::State.is_in(states.iter().copied()))
        .and_where(P::Quantity.gt(0))
        .take()
}

/// What is out and due in a window, and whose alarm was not raised.
async fn to_return(db: &impl ConnectionTrait, window: Window) -> Result<Vec<bonded_display::Model>, Error> {
    let mut raised = raised(BondedDisplayAlarmKind::Return, window.days);
    raised
        .and_where(Expr::col((bonded_alarm::Entity, A::DisplayId)).equals((bonded_display::Entity, D::Id)))
        .and_where(Expr::col((bonded_alarm::Entity, A::DueOn)).equals((bonded_display::Entity, D::ReturnBy)));
    let rows = bonded_display::Entity::find()
        .filter(within(&D::ReturnBy, window))
        .filter(Expr::exists(has_pieces(&BondedDisplayState::OUT)))
        .filter(Expr::exists(raised).not())
        .order_by_asc(D::Id)
        .limit(RAISED);
    Ok(rows.all(db).await?)
}

/// What is to be declared and due in a window, and whose alarm was not raised; with what it is a part of.
async fn to_declare(
    db: &impl ConnectionTrait,
    window: Window,
) -> Result<Vec<(bonded_part::Model, Option<bonded_display::Model>)>, Error> {
    let mut raised = raised(BondedDisplayAlarmKind::Declare, window.days);
    raised.and_where(Expr::col((bonded_alarm::Entity, A::PartId)).equals((bonded_part::Entity, P::Id)));
    let parts = bonded_part::Entity::find()
        .filter(P::State.is_in(BondedDisplayState::UNDECLARED))
        .filter(within(&P::DeclareBy, window))
        .filter(Expr::exists(raised).not())
        .order_by_asc(P::Id)
        .limit(RAISED);
    let parts = parts.all(db).await?;
    let of = bonded_display::Entity::find().filter(D::Id.is_in(parts.iter().map(|part| part.display_id)));
    let of = of.all(db).await?;
    let display = |part: &bonded_part::Model| of.iter().find(|row| row.id == part.display_id).cloned();
    Ok(parts.into_iter().map(|part| (part.clone(), display(&part))).collect())
}

/// Staff have seen an alarm.
pub async fn acknowledge(app: &App, call: &Call, id: BondedDisplayAlarmId) -> Result<bonded_alarm::Model, Error> {
    let unknown = || not_found("id", encode(id).as_str());
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = bonded_alarm::Entity::find_by_id(id).one(work.tx()).await?.ok_or_else(unknown)?;
    let store = store_of(work.tx(), &call.viewer, Action::WorkShowrooms, row.showroom_id, unknown).await?;
    let by = work.viewer().subject();
    let done = bonded_alarm::Entity::update_many()
        .col_expr(A::AcknowledgedBy, Expr::val(Some(by.clone())))
        .col_expr(A::AcknowledgedAt, Expr::val(Some(work.now)))
        .filter(A::Id.eq(id))
        .filter(A::AcknowledgedAt.is_null())
        .exec(work.tx())
        .await?;
    if done.rows_affected != 1 {
        return Err(unfit("ACKNOWLEDGED", "ACKNOWLEDGE").at("id").into());
    }
    let after = bonded_alarm::Model { acknowledged_by: Some(by), acknowledged_at: Some(work.now), ..row };
    let shown = json!({ "kind": after.kind, "dueOn": after.due_on, "days": after.days });
    work.audit(Some(store.organisation_id), "acknowledgeBondedDisplayAlarm", encode(id).0, Value::Null, shown);
    work.commit(after).await
}

/// Alarms of showrooms that the viewer sees inside, newest first.
pub async fn list(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    showroom: Option<ShowroomId>,
    open: bool,
    page: &PageArgs,
) -> Result<Page<bonded_alarm::Model>, Error> {
    let only = Condition::all()
        .add_option(inside(db, viewer).await?.map(|mine| A::ShowroomId.is_in(mine)))
        .add_option(showroom.map(|id| A::ShowroomId.eq(id)))
        .add_option(open.then(|| A::AcknowledgedAt.is_null()));
    page.by_id(db, bonded_alarm::Entity::find().filter(only), A::Id, NEWEST, Order::Desc).await
}

/// The cursor of an alarm in that list.
pub fn cursor(row: &bonded_alarm::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}
