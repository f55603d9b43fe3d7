//! Operations on organisations and places.

use entities::{
    party::{OrganisationRole, organisation, organisation_role, place},
    values::{Slug, id::OrganisationId},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, Order, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Expr, Query},
};

use crate::platform::{
    error::Error,
    page::{Cursor, Page, PageArgs, key},
};

/// Name of the order by slug, for cursors.
const BY_SLUG: &str = "slug";

/// Organisations by slug, those with `role` when one is given.
pub async fn list_organisations(
    db: &impl ConnectionTrait,
    role: Option<OrganisationRole>,
    page: &PageArgs,
) -> Result<Page<organisation::Model>, Error> {
    let mut list = playing(role);
    let slug = Expr::col((organisation::Entity, organisation::Column::Slug));
    if let Some(beyond) = page.beyond(BY_SLUG, vec![slug], Order::Asc, |k| Some(vec![key::text(k.first()?)?]))? {
        list = list.filter(beyond);
    }
    let rows = list.order_by(organisation::Column::Slug, page.walk(Order::Asc)).limit(page.fetch()).all(db).await?;
    Ok(page.page(rows))
}

/// How many organisations that list has.
pub async fn count_organisations(db: &impl ConnectionTrait, role: Option<OrganisationRole>) -> Result<i64, Error> {
    Ok(i64::try_from(playing(role).count(db).await?).unwrap_or(i64::MAX))
}

fn playing(role: Option<OrganisationRole>) -> Select<organisation::Entity> {
    let list = organisation::Entity::find();
    let Some(role) = role else { return list };
    let having = Query::select()
        .column(organisation_role::Column::OrganisationId)
        .from(organisation_role::Entity)
        .and_where(organisation_role::Column::Role.eq(role))
        .take();
    list.filter(organisation::Column::Id.in_subquery(having))
}

/// The cursor of an organisation in that list.
pub fn organisation_cursor(row: &organisation::Model) -> Cursor {
    Cursor::new(BY_SLUG, vec![row.slug.as_str().into()])
}

/// The organisation with this slug.
pub async fn organisation_by_slug(db: &impl ConnectionTrait, slug: &str) -> Result<Option<organisation::Model>, Error> {
    let Ok(slug) = slug.parse::<Slug>() else { return Ok(None) };
    Ok(organisation::Entity::find().filter(organisation::Column::Slug.eq(slug)).one(db).await?)
}

/// Places by slug.
pub async fn list_places(db: &impl ConnectionTrait, page: &PageArgs) -> Result<Page<place::Model>, Error> {
    let mut list = place::Entity::find();
    let slug = Expr::col((place::Entity, place::Column::Slug));
    if let Some(beyond) = page.beyond(BY_SLUG, vec![slug], Order::Asc, |k| Some(vec![key::text(k.first()?)?]))? {
        list = list.filter(beyond);
    }
    let rows = list.order_by(place::Column::Slug, page.walk(Order::Asc)).limit(page.fetch()).all(db).await?;
    Ok(page.page(rows))
}

/// How many places there are.
pub async fn count_places(db: &impl ConnectionTrait) -> Result<i64, Error> {
    Ok(i64::try_from(place::Entity::find().count(db).await?).unwrap_or(i64::MAX))
}

/// The cursor of a place in that list.
pub fn place_cursor(row: &place::Model) -> Cursor {
    Cursor::new(BY_SLUG, vec![row.slug.as_str().into()])
}

/// Whether the organisation plays the role.
pub async fn has_role(db: &impl ConnectionTrait, id: OrganisationId, role: OrganisationRole) -> Result<bool, Error> {
    Ok(organisation_role::Entity::find_by_id((id, role)).one(db).await?.is_some())
}
