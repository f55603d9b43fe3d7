//! What is read of bonded displays: by who sees the inside of their showroom.

use chrono::NaiveDate;
use entities::{
    party::Viewer,
    showroom::{
        BondedDisplayState,
        bonded_display::{self, Column as D},
        bonded_event,
        bonded_part::{self, Column as P},
    },
    values::id::{BondedDisplayId, ShowroomId},
};
use platform::{
    error::Error,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, FromQueryResult, Iterable, Order, PaginatorTrait,
    QueryFilter, QuerySelect, Select, sea_query::Expr,
};

use super::alarms::has_pieces;
use crate::ops::inside;

/// Names of the orders, for cursors.
const NEWEST: &str = "newest-bonded-display";
const BY_AGE: &str = "bonded-display-part";
const NEWEST_EVENT: &str = "newest-bonded-display-event";

/// Which bonded displays.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only in this showroom.
    pub showroom: Option<ShowroomId>,
    /// Only with pieces in one of these states.
    pub states: Vec<BondedDisplayState>,
}

async fn seen(db: &impl ConnectionTrait, viewer: &Viewer) -> Result<Select<bonded_display::Entity>, Error> {
    let only = Condition::all().add_option(inside(db, viewer).await?.map(|mine| D::ShowroomId.is_in(mine)));
    Ok(bonded_display::Entity::find().filter(only))
}

/// Bonded displays, newest first.
pub async fn list(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    filter: &Filter,
    page: &PageArgs,
) -> Result<Page<bonded_display::Model>, Error> {
    let states = (!filter.states.is_empty()).then(|| Expr::exists(has_pieces(&filter.states)));
    let only = Condition::all().add_option(filter.showroom.map(|id| D::ShowroomId.eq(id))).add_option(states);
    page.by_id(db, seen(db, viewer).await?.filter(only), D::Id, NEWEST, Order::Desc).await
}

/// Bonded displays with pieces that have to be back, or declared, before a day; newest first.
pub async fn due(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    before: NaiveDate,
    page: &PageArgs,
) -> Result<Page<bonded_display::Model>, Error> {
    let out = Condition::all().add(D::ReturnBy.lt(before)).add(Expr::exists(has_pieces(&BondedDisplayState::OUT)));
    let mut undeclared = has_pieces(&BondedDisplayState::UNDECLARED);
    undeclared.and_where(Expr::col((bonded_part::Entity, P::DeclareBy)).lt(before));
    let only = Condition::any().add(out).add(Expr::exists(undeclared));
    page.by_id(db, seen(db, viewer).await?.filter(only), D::Id, NEWEST, Order::Desc).await
}

/// How many bonded displays of a showroom are not over: it is not closed for good before they are.
pub async fn unfinished(db: &impl ConnectionTrait, id: ShowroomId) -> Result<u64, Error> {
    let open: Vec<BondedDisplayState> = BondedDisplayState::iter().filter(|state| !state.is_over()).collect();
    let rows = bonded_display::Entity::find().filter(D::ShowroomId.eq(id));
    Ok(rows.filter(Expr::exists(has_pieces(&open))).count(db).await?)
}

/// The cursor of a bonded display in these lists.
pub fn cursor(row: &bonded_display::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// A bonded display; none when there is none or it may not be seen.
pub async fn find(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    id: BondedDisplayId,
) -> Result<Option<bonded_display::Model>, Error> {
    Ok(seen(db, viewer).await?.filter(D::Id.eq(id)).one(db).await?)
}

/// The parts of a bonded display that have pieces, oldest first.
pub async fn parts(
    db: &impl ConnectionTrait,
    id: BondedDisplayId,
    page: &PageArgs,
) -> Result<Page<bonded_part::Model>, Error> {
    let list = bonded_part::Entity::find().filter(P::DisplayId.eq(id)).filter(P::Quantity.gt(0));
    page.by_id(db, list, P::Id, BY_AGE, Order::Asc).await
}

/// The cursor of a part in that list.
pub fn part_cursor(row: &bonded_part::Model) -> Cursor {
    Cursor::of_id(BY_AGE, row.id)
}

/// What happened to a bonded display, newest first.
pub async fn events(
    db: &impl ConnectionTrait,
    id: BondedDisplayId,
    page: &PageArgs,
) -> Result<Page<bonded_event::Model>, Error> {
    let list = bonded_event::Entity::find().filter(bonded_event::Column::DisplayId.eq(id));
    page.by_id(db, list, bonded_event::Column::Id, NEWEST_EVENT, Order::Desc).await
}

/// The cursor of an event in that list.
pub fn event_cursor(row: &bonded_event::Model) -> Cursor {
    Cursor::of_id(NEWEST_EVENT, row.id)
}

/// How many pieces of a bonded display are in a state.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
#[expect(missing_docs, reason = "of which, in which state, how many")]
pub struct Pieces {
    pub display_id: BondedDisplayId,
    pub state: BondedDisplayState,
    pub pieces: i64,
}

/// How many pieces of bonded displays are in which state, in the order of their life.
pub async fn pieces(db: &impl ConnectionTrait, ids: &[BondedDisplayId]) -> Result<Vec<Pieces>, Error> {
    let sum = Expr::col((bonded_part::Entity, P::Quantity)).sum().cast_as("bigint");
    let sums = bonded_part::Entity::find()
        .select_only()
        .column(P::DisplayId)
        .column(P::State)
        .column_as(sum, "pieces")
        .filter(P::DisplayId.is_in(ids.iter().copied()))
        .filter(P::Quantity.gt(0))
        .group_by(P::DisplayId)
        .group_by(P::State);
    let mut rows = sums.into_model::<Pieces>().all(db).await?;
    rows.sort_by_key(|row| (row.display_id, row.state));
    Ok(rows)
}
