//! Organisations, people and what they file, in the schema.
//!
//! Here: places and organisations, which everyone sees. [`people`]: signing in, and who is looking; [`members`]:
//! who acts for an organisation; [`machines`]: programs that do; [`keeping`]: what an organisation says of itself;
//! [`filings`]: what it filed.

pub mod filings;
pub mod keeping;
pub mod machines;
pub mod members;
pub mod people;

use async_graphql::{Context, ID, MergedObject, Object, OneofObject, Result, SimpleObject};
use entities::{
    party::{
        Action, OrganisationRole, PlaceKind, Resource,
        organisation::{self, AddressKind},
        place,
    },
    values::{CustomsRegistration, Uscc, id::OrganisationId},
};
use platform::{
    app::allowed,
    error::Error,
    graphql::{
        Connection, ContextExt,
        connection::list_cost,
        decode, encode,
        text::{Translation, translations},
    },
    page::PageArgs,
};

use super::{
    loaders::{self, RolesOf},
    ops,
};

/// A place of the zone: a park, a mall or a commercial area (地点).
#[derive(Clone, Debug)]
pub struct Place(pub place::Model);

/// A place of the zone: a park, a mall or a commercial area (地点).
#[Object]
impl Place {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Readable key.
    async fn slug(&self) -> &str {
        self.0.slug.as_str()
    }

    /// What kind of place it is.
    async fn kind(&self) -> PlaceKind {
        self.0.kind
    }

    /// Name in the language asked for, or in `locale`.
    async fn name(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Language tag; none: of the request.")] locale: Option<String>,
    ) -> Result<String> {
        Ok(context.text(&self.0.name, locale.as_deref())?.unwrap_or_default())
    }
}

/// Whoever trades, keeps, carries, finances or oversees in the zone (组织).
#[derive(Clone, Debug)]
pub struct Organisation(pub organisation::Model);

/// Whoever trades, keeps, carries, finances or oversees in the zone (组织).
#[Object]
impl Organisation {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Readable key.
    async fn slug(&self) -> &str {
        self.0.slug.as_str()
    }

    /// Name in the language asked for, or in `locale`.
    async fn name(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Language tag; none: of the request.")] locale: Option<String>,
    ) -> Result<String> {
        Ok(context.text(&self.0.name, locale.as_deref())?.unwrap_or_default())
    }

    /// Name in all languages.
    async fn translations(&self) -> Vec<Translation> {
        translations(&self.0.name)
    }

    /// The roles it plays.
    async fn roles(&self, context: &Context<'_>) -> Result<Vec<OrganisationRole>> {
        Ok(loaders::of(context).load_one(RolesOf(self.0.id)).await?.unwrap_or_default())
    }

    /// Unified social credit code (统一社会信用代码).
    async fn uscc(&self) -> Option<&str> {
        self.0.uscc.as_ref().map(Uscc::as_str)
    }

    /// Customs registration code (海关注册编码).
    async fn customs_code(&self) -> Option<&str> {
        self.0.customs_code.as_ref().map(CustomsRegistration::as_str)
    }

    /// Addresses (地址); where goods and invoices go only for its own people and the zone's.
    async fn addresses(&self, context: &Context<'_>) -> Vec<Address> {
        let viewer = context.viewer();
        let whole = viewer.oversees() || viewer.organisation() == Some(self.0.id);
        let public =
            |a: &&organisation::Address| whole || matches!(a.kind, AddressKind::Registered | AddressKind::Business);
        let shown = |a: &organisation::Address| Address {
            kind: a.kind,
            country: a.country.to_string(),
            region: a.region.clone(),
            street: a.street.clone(),
            postal_code: a.postal_code.clone(),
        };
        self.0.addresses.0.iter().filter(public).map(shown).collect()
    }

    /// Counts up with every change; sent back as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Where it sits in the zone, when it does.
    async fn place(&self, context: &Context<'_>) -> Result<Option<Place>> {
        let Some(id) = self.0.place_id else { return Ok(None) };
        Ok(loaders::of(context).load_one(id).await?.map(Place))
    }
}

/// An address of an organisation (地址).
#[derive(SimpleObject)]
pub struct Address {
    /// What it is for.
    kind: AddressKind,
    /// ISO 3166-1 alpha-2.
    country: String,
    /// Province, city, district.
    region: String,
    /// Street and number.
    street: String,
    /// Postal code.
    postal_code: Option<String>,
}

/// How an organisation is asked for: exactly one of these.
#[derive(OneofObject)]
pub enum OrganisationRef {
    /// By id.
    Id(ID),
    /// By readable key.
    Slug(String),
}

/// The part of the query root that this context adds.
#[derive(MergedObject, Default)]
pub struct PartyQuery(
    PlacesQuery,
    people::PeopleQuery,
    members::MembersQuery,
    machines::MachinesQuery,
    keeping::KeepingQuery,
    filings::FilingsQuery,
);

/// The part of the mutation root that this context adds.
#[derive(MergedObject, Default)]
pub struct PartyMutation(
    people::PeopleMutation,
    members::MembersMutation,
    machines::MachinesMutation,
    keeping::KeepingMutation,
    filings::mutation::FilingsMutation,
);

/// Organisations and places, which everyone sees.
#[derive(Default)]
pub struct PlacesQuery;

#[Object]
impl PlacesQuery {
    /// Organisations by slug (组织列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn organisations(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only those that play this role.")] role: Option<OrganisationRole>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Organisation>> {
        context.may(Action::ReadPublic)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let db = context.app().db().read();
        let total = if context.wants_total() { Some(ops::count_organisations(db, role).await?) } else { None };
        let rows = ops::list_organisations(db, role, &page).await?;
        Ok(Connection::new(rows, total, |row| (ops::organisation_cursor(&row), Organisation(row))))
    }

    /// One organisation (组织).
    async fn organisation(&self, context: &Context<'_>, by: OrganisationRef) -> Result<Option<Organisation>> {
        context.may(Action::ReadPublic)?;
        let found = match by {
            OrganisationRef::Id(id) => loaders::of(context).load_one(decode::<OrganisationId>(&id, "by")?).await?,
            OrganisationRef::Slug(slug) => ops::organisation_by_slug(context.app().db().read(), &slug).await?,
        };
        Ok(found.map(Organisation))
    }

    /// The places of the zone by slug (地点列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn places(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Place>> {
        context.may(Action::ReadPublic)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let db = context.app().db().read();
        let total = if context.wants_total() { Some(ops::count_places(db).await?) } else { None };
        let rows = ops::list_places(db, &page).await?;
        Ok(Connection::new(rows, total, |row| (ops::place_cursor(&row), Place(row))))
    }
}

/// The organisation that an argument names, or the one that the viewer acts for.
fn named_or_own(context: &Context<'_>, named: Option<&ID>) -> Result<OrganisationId, Error> {
    match named {
        Some(id) => decode(id, "organisationId"),
        None => context.viewer().organisation().ok_or(Error::Forbidden),
    }
}

/// Lists of what an organisation has: for others than those who may, there is nothing.
fn readable(context: &Context<'_>, action: Action, organisation: OrganisationId) -> Result<(), Error> {
    allowed(context.viewer(), action, Resource::of(organisation))
}
