//! Organisations and places in the schema.

use async_graphql::{ComplexObject, Context, Enum, ID, Object, OneofObject, Result, SimpleObject};
use entities::{
    party::{OrganisationRole, PlaceKind, organisation, place, viewer::Standing},
    values::id::OrganisationId,
};

use super::{
    loaders::{self, RolesOf},
    ops,
};
use crate::platform::{
    graphql::{
        Connection, ContextExt,
        connection::list_cost,
        decode, encode,
        text::{Translation, translations},
    },
    page::PageArgs,
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

    /// Where it sits in the zone, when it does.
    async fn place(&self, context: &Context<'_>) -> Result<Option<Place>> {
        let Some(id) = self.0.place_id else { return Ok(None) };
        Ok(loaders::of(context).load_one(id).await?.map(Place))
    }
}

/// How an organisation is asked for: exactly one of these.
#[derive(OneofObject)]
pub enum OrganisationRef {
    /// By id.
    Id(ID),
    /// By readable key.
    Slug(String),
}

/// In what standing someone looks (身份).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ViewerStanding {
    /// Not signed in (未登录).
    Anonymous,
    /// For an organisation that sells (卖家).
    Seller,
    /// For the platform's operator (平台运营).
    Operator,
}

/// Who is looking (当前访问者).
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct ViewerInfo {
    /// In what standing.
    standing: ViewerStanding,
    /// The name that the history notes.
    subject: String,
    #[graphql(skip)]
    organisation_id: Option<OrganisationId>,
}

#[ComplexObject]
impl ViewerInfo {
    /// The organisation acted for.
    async fn organisation(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        let Some(id) = self.organisation_id else { return Ok(None) };
        Ok(loaders::of(context).load_one(id).await?.map(Organisation))
    }
}

/// The part of the query root that this context adds.
#[derive(Default)]
pub struct PartyQuery;

#[Object]
impl PartyQuery {
    /// Who is looking (当前访问者).
    async fn viewer(&self, context: &Context<'_>) -> Result<ViewerInfo> {
        let viewer = context.viewer();
        let standing = match viewer.standing {
            Standing::Anonymous => ViewerStanding::Anonymous,
            Standing::Seller(_) => ViewerStanding::Seller,
            Standing::Operator(_) => ViewerStanding::Operator,
        };
        Ok(ViewerInfo { standing, subject: viewer.subject.clone(), organisation_id: viewer.organisation() })
    }

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
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let db = context.app().db().read();
        let total = if context.wants_total() { Some(ops::count_organisations(db, role).await?) } else { None };
        let rows = ops::list_organisations(db, role, &page).await?;
        Ok(Connection::new(rows, total, |row| (ops::organisation_cursor(&row), Organisation(row))))
    }

    /// One organisation (组织).
    async fn organisation(&self, context: &Context<'_>, by: OrganisationRef) -> Result<Option<Organisation>> {
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
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let db = context.app().db().read();
        let total = if context.wants_total() { Some(ops::count_places(db).await?) } else { None };
        let rows = ops::list_places(db, &page).await?;
        Ok(Connection::new(rows, total, |row| (ops::place_cursor(&row), Place(row))))
    }
}
