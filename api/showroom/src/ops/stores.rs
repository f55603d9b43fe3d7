//! Showrooms: opened by headquarters with a place for each class of pieces, changed, staffed, closed for good; and their
//! days.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;
use entities::{
    inventory::location,
    party::{Action, MemberRole, OrganisationRole, Resource, membership},
    showroom::{AppointmentState, ShowroomState, UnitClass, appointment, day, layout, place, split_rule, store, team},
    trade::zone_policy,
    values::{
        ErrorCode, Refusal,
        id::{OrganisationId, PersonId, ShowroomId, StockLocationId},
        refusal::{Check, line},
    },
};
use platform::{
    app::{App, Call, Work},
    clock::business_day,
    db::wrote,
    error::{Error, not_found, stale, taken},
    graphql::encode,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, Order,
    PaginatorTrait, QueryFilter, QueryOrder,
    sea_query::{Expr, OnConflict},
};
use serde_json::{Value, json};

use super::{bonded, displays, store_for, sums};

/// Name of the order, for cursors.
const BY_AGE: &str = "showroom";
/// Most people of a team.
const MOST_PEOPLE: usize = 200;

/// A showroom as it is typed.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns of the showroom")]
pub struct NewStore {
    pub code: String,
    pub name: String,
    pub address: String,
    pub division: String,
    pub special_zone: bool,
    pub approval_no: Option<String>,
}

/// What of a showroom is changed.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the columns of the showroom")]
pub struct Patch {
    pub name: Option<String>,
    pub address: Option<String>,
    pub special_zone: Option<bool>,
    /// Empty: there is none.
    pub approval_no: Option<String>,
    pub bonded_warehouse: Option<StockLocationId>,
    pub close: bool,
}

/// A division, all six digits of it.
fn division(text: &str) -> Result<String, Refusal> {
    match zone_policy::division(text)? {
        six if six.len() == 6 => Ok(six),
        other => Err(Refusal::new(ErrorCode::InvalidValue).with("value", other)),
    }
}

fn approval(text: &str) -> Result<Option<String>, Refusal> {
    if text.trim().is_empty() { Ok(None) } else { line(text, 60).map(Some) }
}

/// Opens a showroom, with a place for pieces of each class.
pub async fn open(app: &App, call: &Call, new: &NewStore) -> Result<store::Model, Error> {
    call.may(Action::OpenShowrooms, Resource::OWN)?;
    let organisation = call.viewer.organisation().ok_or(Error::Forbidden)?;
    if !call.viewer.plays(OrganisationRole::ShowroomOperator) {
        return Err(Error::Forbidden);
    }
    let mut check = Check::default();
    let code = check.take("code", layout::code(&new.code)).unwrap_or_default();
    let name = check.take("name", line(&new.name, 120)).unwrap_or_default();
    let address = check.take("address", line(&new.address, 200)).unwrap_or_default();
    let division = check.take("division", division(&new.division)).unwrap_or_default();
    let approval_no = check.take("approvalNo", approval(new.approval_no.as_deref().unwrap_or_default())).flatten();
    check.done(())?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = store::Model {
        id: ShowroomId::new(work.now),
        organisation_id: organisation,
        code,
        name,
        address,
        division,
        special_zone: new.special_zone,
        approval_no,
        state: ShowroomState::Open,
        version: 1,
        position: 0,
        created_at: work.now,
    };
    let written = store::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await;
    written.map_err(|e| taken(e, "showroom", &["organisation_id", "code"], "code", &row.code))?;
    for (class, kind, end, what) in place::OWN {
        let (code, name) = (format!("{}{end}", row.code), format!("{} {what}", row.name));
        let made = inventory::ops::made_location(work.tx(), work.now, organisation, &code, kind, name).await?;
        let of = place::Model { showroom_id: row.id, class, location_id: made.id };
        place::Entity::insert(of.into_active_model()).exec_without_returning(work.tx()).await?;
    }
    work.audit(Some(organisation), "openShowroom", encode(row.id).0, Value::Null, json!(row));
    work.commit(row).await
}

/// Changes a showroom. It is closed for good when nothing stands in it any more.
pub async fn change(
    app: &App,
    call: &Call,
    id: ShowroomId,
    expected: Option<i32>,
    patch: &Patch,
) -> Result<store::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = store_for(work.tx(), &call.viewer, Action::OpenShowrooms, id, "id").await?;
    if expected.is_some_and(|expected| expected != row.version) {
        return Err(stale());
    }
    let mut check = Check::default();
    let mut after = row.clone();
    if let Some(name) = &patch.name {
        after.name = check.take("name", line(name, 120)).unwrap_or_default();
    }
    if let Some(address) = &patch.address {
        after.address = check.take("address", line(address, 200)).unwrap_or_default();
    }
    if let Some(number) = &patch.approval_no {
        after.approval_no = check.take("approvalNo", approval(number)).flatten();
    }
    after.special_zone = patch.special_zone.unwrap_or(row.special_zone);
    if patch.close {
        after.state = ShowroomState::Closed;
    }
    // First: whoever puts something into a slot meanwhile waits here, and looks again.
    let after = written(&work, &row, after).await?;
    if patch.close {
        let standing = displays::standing(work.tx(), id).await?.len() as u64
            + sums::open_papers(work.tx(), id).await?
            + bonded::reads::unfinished(work.tx(), id).await?
            + booked(&work, id).await?;
        check.demand(standing == 0, "close", || Refusal::new(ErrorCode::InUse).with("count", standing.to_string()));
    }
    if let Some(warehouse) = patch.bonded_warehouse {
        let place = inventory::ops::own_bonded(work.tx(), row.organisation_id, warehouse, "bondedWarehouseId").await?;
        link(&work, id, &place).await?;
    }
    lawful(&work, &after).await?;
    let after = check.done(after)?;
    // Its name and what is lawful there stand in what scans show of all its slots.
    work.outdates_answers();
    work.audit(Some(row.organisation_id), "changeShowroom", encode(id).0, json!(row), json!(after));
    work.commit(after).await
}

/// What stands in it must be lawful also where it will be by law.
async fn lawful(work: &Work, after: &store::Model) -> Result<(), Error> {
    let site = after.site();
    let there = displays::standing(work.tx(), after.id).await?;
    match there.iter().find_map(|display| display.pattern.lawful(&site).err()) {
        Some(refusal) => Err(refusal.at("approvalNo").into()),
        None => Ok(()),
    }
}

/// Visits that people still come for.
async fn booked(work: &Work, id: ShowroomId) -> Result<u64, Error> {
    Ok(appointment::Entity::find()
        .filter(appointment::Column::ShowroomId.eq(id))
        .filter(appointment::Column::State.is_in([AppointmentState::Requested, AppointmentState::Confirmed]))
        .count(work.tx())
        .await?)
}

async fn link(work: &Work, id: ShowroomId, warehouse: &location::Model) -> Result<(), Error> {
    let row = place::Model { showroom_id: id, class: UnitClass::BondedStock, location_id: warehouse.id };
    let known = OnConflict::columns([place::Column::ShowroomId, place::Column::Class])
        .update_column(place::Column::LocationId)
        .to_owned();
    place::Entity::insert(row.into_active_model()).on_conflict(known).exec_without_returning(work.tx()).await?;
    Ok(())
}

/// Writes a showroom; of two who change the same version one is refused.
pub(super) async fn written(work: &Work, before: &store::Model, after: store::Model) -> Result<store::Model, Error> {
    let after = store::Model { version: before.version + 1, ..after };
    // Its changes are numbered beside its version.
    let mut columns = after.clone().into_active_model().reset_all();
    columns.position = ActiveValue::NotSet;
    let done = store::Entity::update_many()
        .set(columns)
        .filter(store::Column::Id.eq(before.id))
        .filter(store::Column::Version.eq(before.version))
        .exec(work.tx())
        .await?;
    if done.rows_affected == 1 { Ok(after) } else { Err(stale()) }
}

/// Says who works in a showroom: members of its organisation who are managers or staff.
pub async fn set_team(app: &App, call: &Call, id: ShowroomId, people: &[PersonId]) -> Result<store::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = store_for(work.tx(), &call.viewer, Action::KeepShowrooms, id, "id").await?;
    if people.len() > MOST_PEOPLE {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MOST_PEOPLE.to_string()).at("personIds").into());
    }
    let people: BTreeSet<PersonId> = people.iter().copied().collect();
    let members = team_members(work.tx(), row.organisation_id, &people).await?;
    if let Some((n, person)) = people.iter().enumerate().find(|(_, person)| !members.contains(person)) {
        return Err(Refusal::new(ErrorCode::NotFound)
            .with("value", encode(*person).0)
            .at(n.to_string())
            .at("personIds")
            .into());
    }
    let after = written(&work, &row, row.clone()).await?;
    let before = team_of(work.tx(), id).await?;
    team::Entity::delete_many().filter(team::Column::ShowroomId.eq(id)).exec(work.tx()).await?;
    if !people.is_empty() {
        let rows = people.iter().map(|person| team::Model { showroom_id: id, person_id: *person }.into_active_model());
        team::Entity::insert_many(rows).exec_without_returning(work.tx()).await?;
    }
    let shown = |people: &mut dyn Iterator<Item = &PersonId>| json!(people.map(|p| encode(*p).0).collect::<Vec<_>>());
    work.audit(
        Some(row.organisation_id),
        "setShowroomTeam",
        encode(id).0,
        shown(&mut before.iter()),
        shown(&mut people.iter()),
    );
    work.commit(after).await
}

async fn team_members(
    tx: &impl ConnectionTrait,
    organisation: OrganisationId,
    people: &BTreeSet<PersonId>,
) -> Result<BTreeSet<PersonId>, Error> {
    let rows = membership::Entity::find()
        .filter(membership::Column::OrganisationId.eq(organisation))
        .filter(membership::Column::PersonId.is_in(people.iter().copied()))
        .all(tx)
        .await?;
    let works = |row: &membership::Model| {
        row.roles.0.iter().any(|role| matches!(role, MemberRole::ShowroomStaff | MemberRole::ShowroomManager))
    };
    Ok(rows.iter().filter(|row| works(row)).map(|row| row.person_id).collect())
}

/// The team of a showroom.
pub async fn team_of(db: &impl ConnectionTrait, id: ShowroomId) -> Result<Vec<PersonId>, Error> {
    let rows = team::Entity::find().filter(team::Column::ShowroomId.eq(id)).order_by_asc(team::Column::PersonId);
    Ok(rows.all(db).await?.into_iter().map(|row| row.person_id).collect())
}

/// The places of a showroom, by class.
pub async fn places_of(db: &impl ConnectionTrait, id: ShowroomId) -> Result<Vec<place::Model>, Error> {
    let rows = place::Entity::find().filter(place::Column::ShowroomId.eq(id)).order_by_asc(place::Column::Class);
    Ok(rows.all(db).await?)
}

/// The places of showrooms for pieces of a class.
pub(crate) async fn places_for(
    db: &impl ConnectionTrait,
    ids: impl Iterator<Item = ShowroomId>,
    class: UnitClass,
) -> Result<HashMap<ShowroomId, StockLocationId>, Error> {
    let ids: BTreeSet<ShowroomId> = ids.collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows =
        place::Entity::find().filter(place::Column::ShowroomId.is_in(ids)).filter(place::Column::Class.eq(class));
    Ok(rows.all(db).await?.into_iter().map(|row| (row.showroom_id, row.location_id)).collect())
}

/// The places from which a showroom hands goods over: its own, and the supervised warehouse behind it, whoever's goods lie
/// there.
pub(crate) async fn hands_over_from(db: &impl ConnectionTrait, id: ShowroomId) -> Result<Vec<StockLocationId>, Error> {
    let mut all = Vec::new();
    for place in places_of(db, id).await? {
        match place.class {
            UnitClass::BondedStock => all.extend(inventory::book::beside(db, place.location_id).await?),
            _ => all.push(place.location_id),
        }
    }
    Ok(all)
}

/// A showroom: open ones are public, closed ones are their organisation's.
pub async fn find(
    db: &impl ConnectionTrait,
    viewer: &entities::party::Viewer,
    id: ShowroomId,
) -> Result<Option<store::Model>, Error> {
    Ok(store::Entity::find_by_id(id).filter(public_or_own(viewer)).one(db).await?)
}

fn public_or_own(viewer: &entities::party::Viewer) -> Condition {
    let open = Condition::any().add(store::Column::State.eq(ShowroomState::Open));
    match viewer.organisation() {
        _ if viewer.oversees() => Condition::all(),
        Some(own) => open.add(store::Column::OrganisationId.eq(own)),
        None => open,
    }
}

/// Showrooms, oldest first: near a division are those whose division begins so.
pub async fn list(
    db: &impl ConnectionTrait,
    viewer: &entities::party::Viewer,
    near: Option<&str>,
    of: Option<OrganisationId>,
    page: &PageArgs,
) -> Result<Page<store::Model>, Error> {
    let near = near.map(zone_policy::division).transpose().map_err(|refusal| refusal.at("near"))?;
    let only = public_or_own(viewer);
    let only = Condition::all()
        .add(only)
        .add_option(near.map(|near| store::Column::Division.starts_with(near)))
        .add_option(of.map(|of| store::Column::OrganisationId.eq(of)));
    page.by_id(db, store::Entity::find().filter(only), store::Column::Id, BY_AGE, Order::Asc).await
}

/// The cursor of a showroom in that list.
pub fn cursor(row: &store::Model) -> Cursor {
    Cursor::of_id(BY_AGE, row.id)
}

/// The rule by which what a showroom brings about is split today.
pub async fn split_rule_of(db: &impl ConnectionTrait, id: ShowroomId) -> Result<Option<split_rule::Model>, Error> {
    let rules = split_rule::Entity::find().filter(split_rule::Column::ShowroomId.eq(id));
    Ok(rules.order_by_desc(split_rule::Column::Version).one(db).await?)
}

/// Sets the rule by which what a showroom brings about is split: what is the showroom's of the goods, and of that what is
/// for who served. The zone's operator does, as with all commissions.
pub async fn set_split_rule(
    app: &App,
    call: &Call,
    id: ShowroomId,
    (showroom_ppm, staff_ppm): (i32, i32),
    expected: i32,
) -> Result<split_rule::Model, Error> {
    /// A showroom's share that would leave the seller nothing is a slip.
    const MOST: i32 = 500_000;
    call.may(Action::SetCommission, Resource::OWN)?;
    let mut check = Check::default();
    let range = |max: i32| Refusal::new(ErrorCode::OutOfRange).with("min", "0").with("max", max.to_string());
    check.demand((0..=MOST).contains(&showroom_ppm), "showroomPpm", || range(MOST));
    let whole = entities::showroom::attribution::WHOLE;
    check.demand((0..=whole).contains(&staff_ppm), "staffPpm", || range(whole));
    check.done(())?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let store = store::Entity::find_by_id(id).one(work.tx()).await?;
    let store = store.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    let before = split_rule_of(work.tx(), id).await?;
    let version = before.as_ref().map_or(0, |row| row.version);
    if version != expected {
        return Err(stale());
    }
    let set_by = work.viewer().subject();
    let row =
        split_rule::Model { showroom_id: id, version: version + 1, showroom_ppm, staff_ppm, set_by, set_at: work.now };
    // Of two who set the same version at once the second finds it there.
    let known =
        OnConflict::columns([split_rule::Column::ShowroomId, split_rule::Column::Version]).do_nothing().to_owned();
    let insert = split_rule::Entity::insert(row.clone().into_active_model()).on_conflict(known).try_insert();
    if !wrote(insert.exec_without_returning(work.tx()).await)? {
        return Err(stale());
    }
    work.audit(Some(store.organisation_id), "setShowroomSplit", encode(id).0, json!(before), json!(row));
    work.commit(row).await
}

/// Opens the day of a showroom; opened already, it stays as it is.
pub async fn open_day(app: &App, call: &Call, id: ShowroomId) -> Result<day::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let store = store_for(work.tx(), &call.viewer, Action::WorkShowrooms, id, "id").await?;
    if store.state == ShowroomState::Closed {
        return Err(closed());
    }
    let row = day::Model {
        showroom_id: id,
        date: business_day(work.now),
        opened_by: work.viewer().subject(),
        opened_at: work.now,
        closed_by: None,
        closed_at: None,
    };
    let known = OnConflict::columns([day::Column::ShowroomId, day::Column::Date]).do_nothing().to_owned();
    let insert = day::Entity::insert(row.clone().into_active_model()).on_conflict(known).try_insert();
    let made = wrote(insert.exec_without_returning(work.tx()).await)?;
    let row = if made { row } else { day_of(work.tx(), id, row.date).await?.unwrap_or(row) };
    if made {
        work.audit(Some(store.organisation_id), "openShowroomDay", encode(id).0, Value::Null, json!(row));
    }
    work.commit(row).await
}

pub(super) fn closed() -> Error {
    Refusal::new(ErrorCode::IllegalTransition).with("from", "CLOSED").with("action", "OPEN").at("id").into()
}

/// A day of a showroom.
pub async fn day_of(db: &impl ConnectionTrait, id: ShowroomId, date: NaiveDate) -> Result<Option<day::Model>, Error> {
    Ok(day::Entity::find_by_id((id, date)).one(db).await?)
}

/// The day of a showroom that is not over: it may be one before today.
pub async fn open_since(db: &impl ConnectionTrait, id: ShowroomId) -> Result<Option<day::Model>, Error> {
    let open = day::Entity::find().filter(day::Column::ShowroomId.eq(id)).filter(day::Column::ClosedAt.is_null());
    Ok(open.order_by_desc(day::Column::Date).one(db).await?)
}

/// Closes the day of a showroom, once; what was not opened is not closed.
pub async fn close_day(app: &App, call: &Call, id: ShowroomId) -> Result<day::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let store = store_for(work.tx(), &call.viewer, Action::WorkShowrooms, id, "id").await?;
    let by = work.viewer().subject();
    // A store that closes after midnight closes the day on which it opened; one that forgot to, closes that day as well.
    let date = open_since(work.tx(), id).await?.map_or_else(|| business_day(work.now), |row| row.date);
    let done = day::Entity::update_many()
        .col_expr(day::Column::ClosedBy, Expr::val(Some(by)))
        .col_expr(day::Column::ClosedAt, Expr::val(Some(work.now)))
        .filter(day::Column::ShowroomId.eq(id))
        .filter(day::Column::Date.eq(date))
        .filter(day::Column::ClosedAt.is_null())
        .exec(work.tx())
        .await?;
    let row = day_of(work.tx(), id, date).await?;
    let from = if row.is_some() { "CLOSED" } else { "NOT_OPENED" };
    let refusal = || Refusal::new(ErrorCode::IllegalTransition).with("from", from).with("action", "CLOSE").at("id");
    let row = row.filter(|_| done.rows_affected == 1).ok_or_else(refusal)?;
    work.audit(Some(store.organisation_id), "closeShowroomDay", encode(id).0, Value::Null, json!(row));
    work.commit(row).await
}
