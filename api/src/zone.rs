//! A pilot zone's reference data: places, organisations, attributes, categories, brands, tariffs, the positive list; as
//! files, and as the demo zone that the binary carries.
//!
//! Loading is an upsert by slug (of tariffs and the list by code and first day) in one transaction: a second time changes nothing, an edited file
//! changes what was edited. Nothing is ever removed.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
};

use entities::{
    catalog::{
        attribute::{self, AttributeKind, Choices},
        brand, category, category_attribute, product,
    },
    party::{
        Acting, Actor, MemberRole, OrganisationRole, PlaceKind, Viewer, login::LoginKind, membership, organisation,
        organisation_role, place,
    },
    values::{
        CountryCode, CustomsRegistration, Localized, Slug, Uscc,
        id::{AttributeId, BrandId, CategoryId, OrganisationId, PlaceId},
    },
};
use finding::index;
use party::ops::{
    members::{self, Standing},
    people,
};
use platform::{app::App, cache::Topic, error::Error, responses::Tag};
use sea_orm::{
    ActiveEnum, ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel,
    QueryFilter,
    sea_query::{OnConflict, Query},
};
use serde::{Deserialize, de::DeserializeOwned};
use trade::reference;

/// The texts of a zone's files.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names of the files")]
pub struct ZoneFiles {
    pub places: String,
    pub organisations: String,
    pub attributes: String,
    pub categories: String,
    pub brands: String,
    pub tariffs: String,
    pub import_list: String,
}

/// The demo zone's catalog file.
pub const DEMO_CATALOG: &str = include_str!("../../deploy/demo/catalog.csv");

/// The demo zone's people, who sign in with [`DEMO_PASSWORD`].
pub const DEMO_PEOPLE: &str = include_str!("../../deploy/demo/people.json");

/// The password of everyone in the demo zone. It is no secret: the demo is for trying things out.
pub const DEMO_PASSWORD: &str = "tea-for-horses";

impl ZoneFiles {
    /// The demo zone, from inside the binary.
    pub fn demo() -> Self {
        Self {
            places: include_str!("../../deploy/demo/places.json").into(),
            organisations: include_str!("../../deploy/demo/organisations.json").into(),
            attributes: include_str!("../../deploy/demo/attributes.json").into(),
            categories: include_str!("../../deploy/demo/categories.json").into(),
            brands: include_str!("../../deploy/demo/brands.json").into(),
            tariffs: include_str!("../../deploy/demo/tariffs.json").into(),
            import_list: include_str!("../../deploy/demo/import-list.json").into(),
        }
    }

    /// The files of a folder.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let read = |name: &str| {
            let file = folder.join(name);
            std::fs::read_to_string(&file).map_err(|e| Error::BadInput(format!("cannot read {}: {e}", file.display())))
        };
        Ok(Self {
            places: read("places.json")?,
            organisations: read("organisations.json")?,
            attributes: read("attributes.json")?,
            categories: read("categories.json")?,
            brands: read("brands.json")?,
            // A zone may do without: nothing is imported there, or its operators set the rows.
            tariffs: if folder.join("tariffs.json").exists() { read("tariffs.json")? } else { "[]".into() },
            import_list: if folder.join("import-list.json").exists() { read("import-list.json")? } else { "[]".into() },
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlaceEntry {
    slug: Slug,
    kind: PlaceKind,
    name: Localized,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OrganisationEntry {
    slug: Slug,
    name: Localized,
    roles: Vec<OrganisationRole>,
    place: Option<Slug>,
    uscc: Option<Uscc>,
    customs_code: Option<CustomsRegistration>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AttributeEntry {
    code: String,
    name: Localized,
    kind: AttributeKind,
    unit: Option<String>,
    #[serde(default)]
    choices: Choices,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CategoryEntry {
    slug: Slug,
    parent: Option<Slug>,
    name: Localized,
    #[serde(default)]
    attributes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BrandEntry {
    slug: Slug,
    name: Localized,
    country: Option<CountryCode>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PersonEntry {
    email: String,
    name: String,
    organisation: Option<Slug>,
    roles: BTreeSet<MemberRole>,
    approval_level: Option<i32>,
}

/// Loads people and their memberships, all with one password: for the demo zone and for tests. Who is there already
/// stays as it is.
pub async fn load_people(app: &App, text: &str, password: &str) -> Result<(), Error> {
    let hash = app.passwords().hash(password).await?;
    let tx = app.db().begin().await?;
    for entry in parsed::<PersonEntry>("people.json", text)? {
        let (now, name) = (app.clock().now(), people::Name::read(&entry.email)?);
        let known = people::by_lookup(&tx, &name.lookup(app.vault())).await?;
        if known.is_some() {
            continue;
        }
        let person = people::insert(&tx, &entry.name, Some(hash.clone()), now).await?;
        people::attach(app, &tx, person.id, LoginKind::Email, &entry.email, &entry.email, now).await?;
        let Some(slug) = &entry.organisation else { continue };
        let found = organisation::Entity::find().filter(organisation::Column::Slug.eq(slug.clone())).one(&tx).await?;
        let organisation = found.ok_or_else(|| dangling("person", &entry.email, "organisation", slug))?;
        let standing = Standing { roles: entry.roles, approval_level: entry.approval_level.unwrap_or_default() };
        members::join(&tx, organisation.id, person.id, &standing, now).await?;
    }
    Ok(tx.commit().await?)
}

/// Loads the reference data of a zone.
pub async fn load(app: &App, files: &ZoneFiles) -> Result<(), Error> {
    let tx = app.db().begin().await?;
    let places = load_places(app, &tx, parsed("places.json", &files.places)?).await?;
    load_organisations(app, &tx, parsed("organisations.json", &files.organisations)?, &places).await?;
    let attributes = load_attributes(app, &tx, parsed("attributes.json", &files.attributes)?).await?;
    load_categories(app, &tx, parsed("categories.json", &files.categories)?, &attributes).await?;
    load_brands(app, &tx, parsed("brands.json", &files.brands)?).await?;
    refuse_buried_products(&tx).await?;
    let now = app.clock().now();
    reference::load_tariffs(&tx, now, parsed("tariffs.json", &files.tariffs)?).await?;
    reference::load_import_list(&tx, now, parsed("import-list.json", &files.import_list)?).await?;
    tx.commit().await?;
    app.cache().outdate(Topic::Catalog).await;
    app.responses().evict(&[Tag::All]).await;
    // What was renamed is named in many documents: the index is made anew.
    index::ask_for_rebuild(app).await
}

fn parsed<T: DeserializeOwned>(name: &str, text: &str) -> Result<Vec<T>, Error> {
    serde_json::from_str(text).map_err(|e| Error::BadInput(format!("{name}: {e}")))
}

async fn load_places(
    app: &App,
    tx: &DatabaseTransaction,
    entries: Vec<PlaceEntry>,
) -> Result<HashMap<Slug, PlaceId>, Error> {
    let known: HashMap<Slug, place::Model> =
        place::Entity::find().all(tx).await?.into_iter().map(|p| (p.slug.clone(), p)).collect();
    let mut ids = HashMap::new();
    for entry in entries {
        let before = known.get(&entry.slug);
        let id = before.map_or_else(|| PlaceId::new(app.clock().now()), |p| p.id);
        ids.insert(entry.slug.clone(), id);
        put(tx, before, place::Model { id, slug: entry.slug, kind: entry.kind, name: entry.name }).await?;
    }
    Ok(ids)
}

async fn load_organisations(
    app: &App,
    tx: &DatabaseTransaction,
    entries: Vec<OrganisationEntry>,
    places: &HashMap<Slug, PlaceId>,
) -> Result<(), Error> {
    let known: HashMap<Slug, organisation::Model> =
        organisation::Entity::find().all(tx).await?.into_iter().map(|o| (o.slug.clone(), o)).collect();
    for entry in entries {
        let place_id = match &entry.place {
            Some(slug) => Some(*places.get(slug).ok_or_else(|| dangling("organisation", &entry.slug, "place", slug))?),
            None => None,
        };
        let before = known.get(&entry.slug);
        let now = app.clock().now();
        let id = before.map_or_else(|| OrganisationId::new(now), |o| o.id);
        let created_at = before.map_or(now, |o| o.created_at);
        let row = organisation::Model {
            id,
            slug: entry.slug,
            name: entry.name,
            place_id,
            created_at,
            uscc: entry.uscc.or_else(|| before.and_then(|o| o.uscc.clone())),
            customs_code: entry.customs_code.or_else(|| before.and_then(|o| o.customs_code.clone())),
            addresses: before.map(|o| o.addresses.clone()).unwrap_or_default(),
            version: before.map_or(1, |o| o.version),
        };
        let row = organisation::Model { version: row.version + i32::from(before.is_some_and(|b| *b != row)), ..row };
        put(tx, before, row).await?;
        refuse_gift(tx, before, &entry.roles).await?;
        for role in entry.roles {
            let role = organisation_role::Model { organisation_id: id, role }.into_active_model();
            organisation_role::Entity::insert(role)
                .on_conflict(OnConflict::new().do_nothing().to_owned())
                .exec_without_returning(tx)
                .await?;
        }
    }
    Ok(())
}

/// An organisation that people registered themselves under a slug of these files does not get the roles that the
/// files mean for somebody else: an operator decides that.
async fn refuse_gift(
    tx: &DatabaseTransaction,
    before: Option<&organisation::Model>,
    roles: &[OrganisationRole],
) -> Result<(), Error> {
    let Some(before) = before else { return Ok(()) };
    let own = organisation_role::Entity::find().filter(organisation_role::Column::OrganisationId.eq(before.id));
    let own: Vec<OrganisationRole> = own.all(tx).await?.into_iter().map(|row| row.role).collect();
    let Some(gift) = roles.iter().find(|role| !own.contains(role)) else { return Ok(()) };
    let members = membership::Entity::find().filter(membership::Column::OrganisationId.eq(before.id));
    if members.one(tx).await?.is_none() {
        return Ok(());
    }
    Err(Error::BadInput(format!(
        "organisation {} has members of its own and does not play {}; assign the role as an operator if it is the same one",
        before.slug,
        gift.to_value()
    )))
}

async fn load_attributes(
    app: &App,
    tx: &DatabaseTransaction,
    entries: Vec<AttributeEntry>,
) -> Result<HashMap<String, AttributeId>, Error> {
    let known: HashMap<String, attribute::Model> =
        attribute::Entity::find().all(tx).await?.into_iter().map(|a| (a.code.clone(), a)).collect();
    let mut ids: HashMap<String, AttributeId> = known.values().map(|a| (a.code.clone(), a.id)).collect();
    for entry in entries {
        let before = known.get(&entry.code);
        if before.is_some_and(|b| b.kind != entry.kind) {
            return Err(Error::BadInput(format!(
                "attribute {} is already of another kind than {}",
                entry.code,
                entry.kind.to_value()
            )));
        }
        let id = before.map_or_else(|| AttributeId::new(app.clock().now()), |a| a.id);
        ids.insert(entry.code.clone(), id);
        let row = attribute::Model {
            id,
            code: entry.code,
            name: entry.name,
            kind: entry.kind,
            unit: entry.unit,
            choices: entry.choices,
        };
        put(tx, before, row).await?;
    }
    Ok(ids)
}

async fn load_categories(
    app: &App,
    tx: &DatabaseTransaction,
    entries: Vec<CategoryEntry>,
    attributes: &HashMap<String, AttributeId>,
) -> Result<(), Error> {
    let known: HashMap<Slug, category::Model> =
        category::Entity::find().all(tx).await?.into_iter().map(|c| (c.slug.clone(), c)).collect();
    let mut placed: HashMap<Slug, category::Model> = known.clone();
    for (position, entry) in entries.into_iter().enumerate() {
        let above = match &entry.parent {
            Some(slug) => Some(placed.get(slug).ok_or_else(|| dangling("category", &entry.slug, "parent", slug))?),
            None => None,
        };
        let path = category::path_under(above.map(|c| c.path.as_str()), &entry.slug);
        if category::depth(&path) > category::MAX_DEPTH {
            return Err(Error::BadInput(format!(
                "category {} is deeper than {} levels",
                entry.slug,
                category::MAX_DEPTH
            )));
        }
        let before = known.get(&entry.slug);
        if before.is_some_and(|b| b.path != path) {
            return Err(Error::BadInput(format!("category {} already hangs somewhere else", entry.slug)));
        }
        let id = before.map_or_else(|| CategoryId::new(app.clock().now()), |c| c.id);
        let row = category::Model {
            id,
            slug: entry.slug.clone(),
            parent_id: above.map(|c| c.id),
            path,
            position: i32::try_from(position).unwrap_or(i32::MAX),
            name: entry.name,
            version: before.map_or(1, |c| c.version),
        };
        let row = category::Model { version: row.version + i32::from(before.is_some_and(|b| *b != row)), ..row };
        put(tx, before, row.clone()).await?;
        placed.insert(entry.slug.clone(), row);
        for code in entry.attributes {
            let attribute_id =
                *attributes.get(&code).ok_or_else(|| dangling("category", &entry.slug, "attribute", &code))?;
            let link = category_attribute::Model { category_id: id, attribute_id }.into_active_model();
            category_attribute::Entity::insert(link)
                .on_conflict(OnConflict::new().do_nothing().to_owned())
                .exec_without_returning(tx)
                .await?;
        }
    }
    Ok(())
}

async fn load_brands(app: &App, tx: &DatabaseTransaction, entries: Vec<BrandEntry>) -> Result<(), Error> {
    let known: HashMap<Slug, brand::Model> =
        brand::Entity::find().all(tx).await?.into_iter().map(|b| (b.slug.clone(), b)).collect();
    for entry in entries {
        let before = known.get(&entry.slug);
        let id = before.map_or_else(|| BrandId::new(app.clock().now()), |b| b.id);
        let version = before.map_or(1, |b| b.version);
        let row = brand::Model { id, slug: entry.slug, name: entry.name, country: entry.country, version };
        let row = brand::Model { version: version + i32::from(before.is_some_and(|b| *b != row)), ..row };
        put(tx, before, row).await?;
    }
    Ok(())
}

/// Inserts a new row, updates a changed one, and leaves an equal one alone.
async fn put<M, A>(tx: &impl ConnectionTrait, before: Option<&M>, row: M) -> Result<(), Error>
where
    M: IntoActiveModel<A> + PartialEq + Clone + sea_orm::ModelTrait,
    A: ActiveModelTrait<Entity = M::Entity> + sea_orm::ActiveModelBehavior + Send,
    <M::Entity as EntityTrait>::Model: IntoActiveModel<A>,
{
    match before {
        Some(before) if *before == row => {}
        Some(_) => {
            row.into_active_model().reset_all().update(tx).await?;
        }
        None => {
            M::Entity::insert(row.into_active_model()).exec_without_returning(tx).await?;
        }
    }
    Ok(())
}

/// Products hang on leaves: a new subcategory must not turn their category into a branch.
async fn refuse_buried_products(tx: &impl ConnectionTrait) -> Result<(), Error> {
    let branches = Query::select()
        .column(category::Column::ParentId)
        .from(category::Entity)
        .and_where(category::Column::ParentId.is_not_null())
        .take();
    let buried = product::Entity::find().filter(product::Column::CategoryId.in_subquery(branches)).one(tx).await?;
    match buried {
        None => Ok(()),
        Some(product) => {
            let message =
                format!("product {} hangs on a category that now has subcategories; move it first", product.slug);
            Err(Error::BadInput(message))
        }
    }
}

fn dangling(kind: &str, slug: impl std::fmt::Display, field: &str, value: impl std::fmt::Display) -> Error {
    Error::BadInput(format!("{kind} {slug}: there is no {field} {value} (parents stand before children)"))
}

/// The viewer that the command line acts as: the zone's operator.
pub async fn operator(app: &App) -> Result<Viewer, Error> {
    let platform = organisation_role::Entity::find()
        .filter(organisation_role::Column::Role.eq(OrganisationRole::Platform))
        .one(app.db().read())
        .await?;
    let none = || {
        Error::BadInput(
            "there is no organisation with the role PLATFORM; load a zone first: chama import zone FOLDER".into(),
        )
    };
    let platform = platform.ok_or_else(none)?;
    let acting = Acting {
        organisation: platform.organisation_id,
        kinds: BTreeSet::from([OrganisationRole::Platform]),
        roles: BTreeSet::from([MemberRole::Operator]),
        approval_level: 0,
        scopes: BTreeSet::new(),
    };
    Ok(Viewer { actor: Actor::Tool("command line".into()), acting: Some(acting) })
}
