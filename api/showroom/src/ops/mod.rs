//! What people do in showrooms. One function is one transaction.
//!
//! - here: who may do what where
//! - [`stores`]: showrooms, their teams, their days; [`floor`]: zones, fixtures, slots
//! - [`bonded`]: bonded displays and their guarantee; [`classes`], [`loans`], [`write_offs`]: what else happens to pieces;
//!   [`sums`]: whether that adds up
//! - [`changes`]: what changed, numbered; [`devices`], [`push`], [`pull`]: working without a network
//! - [`now`]: what goes on at this moment, for whoever watches
//! - [`visit_slots`], [`appointments`], [`visits`]: who comes; [`footfall`]: how many; [`figures`], [`figures_sheet`]: what
//!   it came to
//! - [`planograms`]: what is to stand where; [`displays`]: what stands there; [`rounds`]: looking at it

pub mod appointments;
pub mod bonded;
pub mod changes;
pub mod classes;
pub mod devices;
pub mod displays;
pub mod figures;
pub mod figures_sheet;
pub mod floor;
pub mod footfall;
pub mod loans;
pub mod now;
pub mod planograms;
pub mod pull;
pub mod push;
pub mod rounds;
pub mod stores;
pub mod sums;
pub mod visit_slots;
pub mod visits;
pub mod write_offs;

use entities::{
    party::{Action, MemberRole, Resource, Viewer, may},
    showroom::{UnitClass, place, store, team},
    values::id::{ShowroomId, StockLocationId},
};
use platform::{
    app::allowed,
    error::{Error, not_found},
    graphql::encode,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait};

/// Roles of an organisation that are not bound to single showrooms: its headquarters (总部).
const HEADQUARTERS: [MemberRole; 3] = [MemberRole::Owner, MemberRole::Auditor, MemberRole::CatalogManager];

/// A showroom in which the viewer may do this: headquarters in all of its organisation, managers and staff in those of
/// their team. What is somebody else's does not exist.
pub(crate) async fn store_for(
    tx: &impl ConnectionTrait,
    viewer: &Viewer,
    action: Action,
    id: ShowroomId,
    field: &str,
) -> Result<store::Model, Error> {
    let unknown = || not_found(field, encode(id).as_str());
    let row = store::Entity::find_by_id(id).one(tx).await?.ok_or_else(unknown)?;
    let own = viewer.organisation() == Some(row.organisation_id);
    if !own && !viewer.oversees() {
        return Err(unknown());
    }
    if own && !viewer.has_any(&HEADQUARTERS) && viewer.person().is_some() && !works_in(tx, viewer, id).await? {
        return Err(unknown());
    }
    allowed(viewer, action, Resource::of(row.organisation_id))?;
    Ok(row)
}

/// The showroom of a thing in it, for who may do this there; the thing does not exist for anyone else.
pub(crate) async fn store_of(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    action: Action,
    id: ShowroomId,
    unknown: impl FnOnce() -> Error,
) -> Result<store::Model, Error> {
    match store_for(db, viewer, action, id, "id").await {
        Err(Error::Refused(_)) => Err(unknown()),
        other => other,
    }
}

/// A showroom whose inside the viewer may read; none: there is none for the viewer.
pub(crate) async fn readable(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    id: ShowroomId,
) -> Result<Option<store::Model>, Error> {
    match store_for(db, viewer, Action::ReadShowrooms, id, "id").await {
        Ok(store) => Ok(Some(store)),
        Err(Error::Refused(_) | Error::Forbidden | Error::Unauthenticated) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the viewer is of the team of a showroom.
pub(crate) async fn works_in(db: &impl ConnectionTrait, viewer: &Viewer, id: ShowroomId) -> Result<bool, Error> {
    match viewer.person() {
        Some(person) => Ok(team::Entity::find_by_id((id, person)).one(db).await?.is_some()),
        None => Ok(false),
    }
}

/// The showrooms whose inside the viewer may read; none: all of them.
pub(crate) async fn inside(db: &impl ConnectionTrait, viewer: &Viewer) -> Result<Option<Vec<ShowroomId>>, Error> {
    if viewer.oversees() {
        return Ok(None);
    }
    let Some(own) = viewer.organisation() else { return Ok(Some(Vec::new())) };
    if may(viewer, Action::ReadShowrooms, Resource::of(own)).is_err() {
        return Ok(Some(Vec::new()));
    }
    let mut found = store::Entity::find().filter(store::Column::OrganisationId.eq(own));
    if !viewer.has_any(&HEADQUARTERS)
        && let Some(person) = viewer.person()
    {
        let teams = team::Entity::find().select_only().column(team::Column::ShowroomId);
        let teams = teams.filter(team::Column::PersonId.eq(person)).into_query();
        found = found.filter(store::Column::Id.in_subquery(teams));
    }
    Ok(Some(found.select_only().column(store::Column::Id).into_tuple().all(db).await?))
}

/// Whether the viewer may read the inside of a showroom.
pub(crate) async fn sees_inside(db: &impl ConnectionTrait, viewer: &Viewer, id: ShowroomId) -> Result<bool, Error> {
    Ok(readable(db, viewer, id).await?.is_some())
}

/// Where the pieces of a class lie in a showroom.
pub(crate) async fn place_of(
    tx: &impl ConnectionTrait,
    store: &store::Model,
    class: UnitClass,
) -> Result<StockLocationId, Error> {
    let found = place::Entity::find_by_id((store.id, class)).one(tx).await?;
    let name = async_graphql::Value::from(class).to_string();
    found.map(|row| row.location_id).ok_or_else(|| not_found("unitClass", name))
}
