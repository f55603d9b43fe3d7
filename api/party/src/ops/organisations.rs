//! Organisations and places.

use std::collections::BTreeSet;

use entities::{
    party::{
        Action, MemberRole, OrganisationRole, Resource,
        organisation::{self, Address, Addresses},
        organisation_role, place,
    },
    values::{
        ErrorCode, Locale, Localized, Refusal, Slug,
        id::OrganisationId,
        refusal::{Check, line},
    },
};
use platform::{
    app::{App, Call},
    error::{Error, not_found, stale, violates_unique},
    graphql::encode,
    page::{Cursor, Page, PageArgs, key},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, Order, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Expr, Query},
};
use search::Kind;
use serde_json::{Value, json};

use super::members;

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

/// Whether there is such an organisation.
pub async fn exists(db: &impl ConnectionTrait, id: OrganisationId) -> Result<bool, Error> {
    Ok(organisation::Entity::find_by_id(id).one(db).await?.is_some())
}

/// Whether an organisation plays a role.
pub async fn has_role(db: &impl ConnectionTrait, id: OrganisationId, role: OrganisationRole) -> Result<bool, Error> {
    Ok(organisation_role::Entity::find_by_id((id, role)).one(db).await?.is_some())
}

/// What is said of an organisation; absent means unchanged (or none for a new one).
#[derive(Clone, Debug, Default)]
pub struct OrganisationPatch {
    /// Names, laid over the present ones.
    pub name: Localized,
    /// Unified social credit code.
    pub uscc: Option<String>,
    /// Customs registration code.
    pub customs_code: Option<String>,
    /// Addresses, all of them.
    pub addresses: Option<Vec<Address>>,
}

/// Most addresses of one organisation.
const MAX_ADDRESSES: usize = 20;
/// Longest name, in characters.
const MAX_NAME: usize = 120;

impl OrganisationPatch {
    /// Laid over what is there.
    fn over(&self, before: organisation::Model) -> Result<organisation::Model, Error> {
        let mut check = Check::default();
        let name = before.name.overlaid(&self.name);
        check.demand(!name.is_empty(), "name", || Refusal::new(ErrorCode::Required));
        check.demand(name.0.values().all(|n| n.chars().count() <= MAX_NAME), "name", || {
            Refusal::new(ErrorCode::TooLong).with("max", MAX_NAME.to_string())
        });
        check.demand(!name.0.values().any(|n| n.contains(char::is_control)), "name", || {
            Refusal::new(ErrorCode::InvalidValue).with("value", "control character")
        });
        let uscc = self.uscc.as_deref().and_then(|text| check.take("uscc", text.trim().parse()));
        let code = self.customs_code.as_deref().and_then(|text| check.take("customsCode", text.trim().parse()));
        let mut addresses = before.addresses;
        if let Some(sent) = &self.addresses {
            check.demand(sent.len() <= MAX_ADDRESSES, "addresses", || {
                Refusal::new(ErrorCode::TooMany).with("max", MAX_ADDRESSES.to_string())
            });
            let read = sent.iter().take(MAX_ADDRESSES).enumerate().map(|(at, address)| {
                let below = |r: Refusal, field: &str| r.at(field).at(at.to_string());
                Ok(Address {
                    region: line(&address.region, 120).map_err(|r| below(r, "region"))?,
                    street: line(&address.street, 200).map_err(|r| below(r, "street"))?,
                    postal_code: match &address.postal_code {
                        Some(code) => Some(line(code, 20).map_err(|r| below(r, "postalCode"))?),
                        None => None,
                    },
                    ..address.clone()
                })
            });
            let read = read.collect::<Result<Vec<_>, Refusal>>();
            addresses = Addresses(check.take("addresses", read).unwrap_or_default());
        }
        Ok(check.done(organisation::Model {
            name,
            uscc: uscc.or(before.uscc),
            customs_code: code.or(before.customs_code),
            addresses,
            ..before
        })?)
    }
}

fn held(error: DbErr, row: &organisation::Model) -> Error {
    for (column, field, value) in [
        ("slug", "slug", Some(row.slug.to_string())),
        ("uscc", "uscc", row.uscc.as_ref().map(ToString::to_string)),
        ("customs_code", "customsCode", row.customs_code.as_ref().map(ToString::to_string)),
    ] {
        if violates_unique(&error, "organisation", &[column]) {
            let value = value.unwrap_or_default();
            return Refusal::new(ErrorCode::AlreadyTaken).with("value", value).at(field).into();
        }
    }
    error.into()
}

fn told(row: &organisation::Model) -> Value {
    json!({ "name": row.name, "uscc": row.uscc, "customs_code": row.customs_code, "addresses": row.addresses })
}

/// Registers an organisation; who registers it is its owner. It buys (`BUYER_COMPANY`) until an operator gives
/// it further roles.
pub async fn register_organisation(
    app: &App,
    call: &Call,
    slug: Option<&str>,
    patch: &OrganisationPatch,
) -> Result<organisation::Model, Error> {
    call.may(Action::JoinOrganisation, Resource::OWN)?;
    let person = call.viewer.person().ok_or(Error::Forbidden)?;
    let named = patch.name.read(&Locale::en()).and_then(Slug::of);
    let slug = slug.map_or_else(|| named.ok_or_else(|| Refusal::new(ErrorCode::Required)), str::parse);
    let slug: Slug = slug.map_err(|r| r.at("slug"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (tx, now) = (work.tx(), work.now);
    let blank = organisation::Model {
        id: OrganisationId::new(now),
        slug,
        name: Localized::default(),
        place_id: None,
        created_at: now,
        uscc: None,
        customs_code: None,
        addresses: Addresses::default(),
        version: 1,
    };
    let row = patch.over(blank)?;
    organisation::Entity::insert(row.clone().into_active_model())
        .exec_without_returning(tx)
        .await
        .map_err(|e| held(e, &row))?;
    let role = organisation_role::Model { organisation_id: row.id, role: OrganisationRole::BuyerCompany };
    organisation_role::Entity::insert(role.into_active_model()).exec_without_returning(tx).await?;
    let owner = members::Standing { roles: BTreeSet::from([MemberRole::Owner]), approval_level: 0 };
    members::join(tx, row.id, person, &owner, now).await?;
    work.audit(Some(row.id), "registerOrganisation", encode(row.id).0, Value::Null, told(&row));
    work.changed(Kind::Organisation, [row.id.0]).await?;
    work.commit(row).await
}

/// Changes names, codes and addresses of an organisation.
pub async fn update_organisation(
    app: &App,
    call: &Call,
    id: OrganisationId,
    expected_version: i32,
    patch: &OrganisationPatch,
) -> Result<organisation::Model, Error> {
    call.may(Action::KeepOrganisation, Resource::of(id))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let before = organisation::Entity::find_by_id(id).one(work.tx()).await?;
    let before = before.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    let row = patch.over(before.clone())?;
    let row = organisation::Model { version: row.version + 1, ..row };
    let written = organisation::Entity::update_many()
        .set(row.clone().into_active_model().reset_all())
        .filter(organisation::Column::Id.eq(id))
        .filter(organisation::Column::Version.eq(expected_version))
        .exec(work.tx())
        .await
        .map_err(|e| held(e, &row))?;
    if written.rows_affected != 1 {
        return Err(stale());
    }
    work.audit(Some(id), "updateOrganisation", encode(id).0, told(&before), told(&row));
    // What products say of their seller is cached with them.
    work.changed(Kind::Organisation, [id.0]).await?;
    work.commit(row).await
}

/// Says which roles an organisation plays; at least one. Who runs the platform is not decided here: that role is
/// neither given nor taken.
pub async fn assign_roles(
    app: &App,
    call: &Call,
    id: OrganisationId,
    roles: &BTreeSet<OrganisationRole>,
) -> Result<organisation::Model, Error> {
    call.may(Action::AssignOrganisationRoles, Resource::of(id))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let tx = work.tx();
    let row = super::locked(tx, id).await?;
    let present = organisation_role::Entity::find().filter(organisation_role::Column::OrganisationId.eq(id));
    let before: BTreeSet<OrganisationRole> = present.all(tx).await?.into_iter().map(|r| r.role).collect();
    if roles.is_empty() {
        return Err(Refusal::new(ErrorCode::Required).at("roles").into());
    }
    if roles.contains(&OrganisationRole::Platform) != before.contains(&OrganisationRole::Platform) {
        let refusal = Refusal::new(ErrorCode::WrongRole).with("value", row.slug.as_str()).with("role", "PLATFORM");
        return Err(refusal.at("roles").into());
    }
    let gone: Vec<OrganisationRole> = before.difference(roles).copied().collect();
    if !gone.is_empty() {
        organisation_role::Entity::delete_many()
            .filter(organisation_role::Column::OrganisationId.eq(id))
            .filter(organisation_role::Column::Role.is_in(gone))
            .exec(tx)
            .await?;
    }
    for role in roles.difference(&before) {
        let new = organisation_role::Model { organisation_id: id, role: *role }.into_active_model();
        organisation_role::Entity::insert(new).exec_without_returning(tx).await?;
    }
    work.audit(
        Some(id),
        "assignOrganisationRoles",
        encode(id).0,
        json!({ "roles": before }),
        json!({ "roles": roles }),
    );
    work.forgets_viewers();
    work.changed(Kind::Organisation, [id.0]).await?;
    work.commit(row).await
}
