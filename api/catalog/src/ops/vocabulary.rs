//! Categories and brands: kept by the operator, read by everyone.

use std::collections::BTreeSet;

use entities::{
    catalog::{brand, category, product},
    values::{
        CountryCode, ErrorCode, Localized, Refusal, Slug,
        id::{BrandId, CategoryId, ProductId},
        refusal::Check,
    },
};
use platform::{
    app::{App, Call},
    error::Error,
    graphql::encode,
    page::{Cursor, Page, PageArgs, key},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, Order, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, Select,
    sea_query::{Expr, Query, SelectStatement},
};
use search::Kind;
use serde_json::{Value, json};

use super::{not_found, stale, taken};
use crate::{indexing, policy};

/// Names of the orders, for cursors.
const BY_POSITION: &str = "position";
const BY_SLUG: &str = "slug";
/// Longest name of a category or brand, in characters.
const MAX_NAME: usize = 100;

/// What is said of a category; absent means unchanged (or the default for a new one).
#[derive(Clone, Debug, Default)]
pub struct CategoryPatch {
    /// Readable key.
    pub slug: Option<String>,
    /// Names, laid over the present ones.
    pub name: Localized,
    /// Order among its siblings.
    pub position: Option<i32>,
}

/// Makes a category under `parent` (none: at the top). A category that products hang on gets no
/// subcategories: they would no longer hang on a leaf.
pub async fn create_category(
    app: &App,
    call: &Call,
    parent: Option<CategoryId>,
    patch: &CategoryPatch,
) -> Result<category::Model, Error> {
    let chain = policy::operator(&call.viewer)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let tx = work.tx();
    let above = match parent {
        Some(id) => {
            // Locked, so that no product is hung on it between the count below and the commit.
            let found = category::Entity::find_by_id(id).lock_exclusive().one(tx).await?;
            Some(found.ok_or_else(|| not_found("parentId", encode(id).as_str()))?)
        }
        None => None,
    };
    let (slug, name) = named(patch.slug.as_deref(), &Localized::default(), &patch.name)?;
    let path = category::path_under(above.as_ref().map(|c| c.path.as_str()), &slug);
    if category::depth(&path) > category::MAX_DEPTH {
        let refusal = Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", category::MAX_DEPTH.to_string());
        return Err(refusal.at("parentId").into());
    }
    if let Some(above) = &above
        && product::Entity::find().filter(product::Column::CategoryId.eq(above.id)).count(tx).await? > 0
    {
        return Err(Refusal::new(ErrorCode::AlreadyTaken).with("value", above.slug.as_str()).at("parentId").into());
    }
    let row = category::Model {
        id: CategoryId::new(work.now),
        slug,
        parent_id: parent,
        path,
        position: patch.position.unwrap_or_default(),
        name,
        version: 1,
    };
    row.clone().into_active_model().insert(tx).await.map_err(|e| taken(e.into(), row.slug.as_str()))?;
    work.audit(
        Some(chain),
        "createCategory",
        encode(row.id).0,
        Value::Null,
        json!({ "slug": row.slug, "name": row.name }),
    );
    work.changed(Kind::Category, [row.id.0]).await?;
    work.commit(row).await
}

/// Renames a category or moves it among its siblings. Its slug, and with it its path, stays.
pub async fn update_category(
    app: &App,
    call: &Call,
    id: CategoryId,
    expected_version: i32,
    patch: &CategoryPatch,
) -> Result<category::Model, Error> {
    let chain = policy::operator(&call.viewer)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let tx = work.tx();
    let before = category::Entity::find_by_id(id).one(tx).await?.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    let (_, name) = named(Some(before.slug.as_str()), &before.name, &patch.name)?;
    let old = before.name.clone();
    let row = category::Model {
        name,
        position: patch.position.unwrap_or(before.position),
        version: before.version + 1,
        ..before
    };
    let written = category::Entity::update_many()
        .set(row.clone().into_active_model().reset_all())
        .filter(category::Column::Id.eq(id))
        .filter(category::Column::Version.eq(expected_version))
        .exec(tx)
        .await?;
    if written.rows_affected != 1 {
        return Err(stale());
    }
    let named = products_naming(tx, product::Column::CategoryId.in_subquery(under(&row.path))).await?;
    work.audit(
        Some(chain),
        "updateCategory",
        encode(id).0,
        json!({ "name": old }),
        json!({ "slug": row.slug, "name": row.name }),
    );
    work.changed(Kind::Category, [id.0]).await?;
    indexing::changed(&mut work, &named).await?;
    work.commit(row).await
}

/// What is said of a brand; absent means unchanged.
#[derive(Clone, Debug, Default)]
pub struct BrandPatch {
    /// Readable key.
    pub slug: Option<String>,
    /// Names, laid over the present ones.
    pub name: Localized,
    /// Where it is at home.
    pub country: Option<String>,
}

/// Makes a brand.
pub async fn create_brand(app: &App, call: &Call, patch: &BrandPatch) -> Result<brand::Model, Error> {
    let chain = policy::operator(&call.viewer)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let tx = work.tx();
    let (slug, name) = named(patch.slug.as_deref(), &Localized::default(), &patch.name)?;
    let country = patch.country.as_deref().map(str::parse::<CountryCode>).transpose().map_err(|r| r.at("country"))?;
    let row = brand::Model { id: BrandId::new(work.now), slug, name, country, version: 1 };
    row.clone().into_active_model().insert(tx).await.map_err(|e| taken(e.into(), row.slug.as_str()))?;
    work.audit(
        Some(chain),
        "createBrand",
        encode(row.id).0,
        Value::Null,
        json!({ "slug": row.slug, "name": row.name }),
    );
    work.changed(Kind::Brand, [row.id.0]).await?;
    work.commit(row).await
}

/// Changes a brand.
pub async fn update_brand(
    app: &App,
    call: &Call,
    id: BrandId,
    expected_version: i32,
    patch: &BrandPatch,
) -> Result<brand::Model, Error> {
    let chain = policy::operator(&call.viewer)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let tx = work.tx();
    let before = brand::Entity::find_by_id(id).one(tx).await?.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    let slug = patch.slug.as_deref().unwrap_or(before.slug.as_str());
    let (slug, name) = named(Some(slug), &before.name, &patch.name)?;
    let country = patch.country.as_deref().map(str::parse::<CountryCode>).transpose().map_err(|r| r.at("country"))?;
    let old = before.name;
    let row = brand::Model { slug, name, country: country.or(before.country), version: before.version + 1, id };
    let written = brand::Entity::update_many()
        .set(row.clone().into_active_model().reset_all())
        .filter(brand::Column::Id.eq(id))
        .filter(brand::Column::Version.eq(expected_version))
        .exec(tx)
        .await
        .map_err(|e| taken(e.into(), row.slug.as_str()))?;
    if written.rows_affected != 1 {
        return Err(stale());
    }
    let named = products_naming(tx, product::Column::BrandId.eq(id)).await?;
    work.audit(
        Some(chain),
        "updateBrand",
        encode(id).0,
        json!({ "name": old }),
        json!({ "slug": row.slug, "name": row.name }),
    );
    work.changed(Kind::Brand, [id.0]).await?;
    indexing::changed(&mut work, &named).await?;
    work.commit(row).await
}

/// Products whose search entry names a brand or category that was renamed.
async fn products_naming(db: &impl ConnectionTrait, of: Expr) -> Result<Vec<ProductId>, Error> {
    let ids = product::Entity::find().filter(of).select_only().column(product::Column::Id);
    Ok(ids.into_tuple().all(db).await?)
}

/// Ids of a category and those below it, by its path.
fn under(path: &str) -> SelectStatement {
    let (from, to) = category::subtree(path);
    Query::select()
        .column(category::Column::Id)
        .from(category::Entity)
        .and_where(category::Column::Path.gte(from))
        .and_where(category::Column::Path.lt(to))
        .take()
}

/// A checked slug (made of the name when there is none) and the names after the change.
fn named(slug: Option<&str>, before: &Localized, names: &Localized) -> Result<(Slug, Localized), Error> {
    let mut check = Check::default();
    let name = before.overlaid(names);
    check.demand(!name.is_empty(), "name", || Refusal::new(ErrorCode::Required));
    check.demand(!name.0.values().any(|n| n.contains(char::is_control)), "name", || {
        Refusal::new(ErrorCode::InvalidValue).with("value", "control character")
    });
    check.demand(name.0.values().all(|n| n.chars().count() <= MAX_NAME), "name", || {
        Refusal::new(ErrorCode::TooLong).with("max", MAX_NAME.to_string())
    });
    let slug = match slug {
        Some(text) => text.parse(),
        None => name
            .read(&entities::values::Locale::en())
            .and_then(Slug::of)
            .ok_or_else(|| Refusal::new(ErrorCode::Required)),
    };
    let slug = check.take("slug", slug);
    match slug {
        Some(slug) => Ok(check.done((slug, name))?),
        None => Err(check.0.into()),
    }
}

/// Subcategories of `parent`, or the top ones, or the whole tree, by position and slug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Branch {
    /// Every category.
    Whole,
    /// Those at the top.
    Top,
    /// Those right under one.
    Under(CategoryId),
}

/// Categories by position.
pub async fn list_categories(
    db: &impl ConnectionTrait,
    branch: Branch,
    page: &PageArgs,
) -> Result<Page<category::Model>, Error> {
    let mut list = in_branch(branch);
    let columns = vec![Expr::col(category::Column::Position), Expr::col(category::Column::Slug)];
    let place =
        page.beyond(BY_POSITION, columns, Order::Asc, |k| Some(vec![key::int(k.first()?)?, key::text(k.get(1)?)?]))?;
    if let Some(beyond) = place {
        list = list.filter(beyond);
    }
    let walk = page.walk(Order::Asc);
    let rows = list
        .order_by(category::Column::Position, walk.clone())
        .order_by(category::Column::Slug, walk)
        .limit(page.fetch())
        .all(db)
        .await?;
    Ok(page.page(rows))
}

/// How many categories that list has.
pub async fn count_categories(db: &impl ConnectionTrait, branch: Branch) -> Result<i64, Error> {
    Ok(i64::try_from(in_branch(branch).count(db).await?).unwrap_or(i64::MAX))
}

fn in_branch(branch: Branch) -> Select<category::Entity> {
    let list = category::Entity::find();
    match branch {
        Branch::Whole => list,
        Branch::Top => list.filter(category::Column::ParentId.is_null()),
        Branch::Under(parent) => list.filter(category::Column::ParentId.eq(parent)),
    }
}

/// The cursor of a category in that list.
pub fn category_cursor(row: &category::Model) -> Cursor {
    Cursor::new(BY_POSITION, vec![row.position.into(), row.slug.as_str().into()])
}

/// Brands by slug.
pub async fn list_brands(db: &impl ConnectionTrait, page: &PageArgs) -> Result<Page<brand::Model>, Error> {
    let mut list = brand::Entity::find();
    if let Some(beyond) =
        page.beyond(BY_SLUG, vec![Expr::col(brand::Column::Slug)], Order::Asc, |k| Some(vec![key::text(k.first()?)?]))?
    {
        list = list.filter(beyond);
    }
    let rows = list.order_by(brand::Column::Slug, page.walk(Order::Asc)).limit(page.fetch()).all(db).await?;
    Ok(page.page(rows))
}

/// How many brands there are.
pub async fn count_brands(db: &impl ConnectionTrait) -> Result<i64, Error> {
    Ok(i64::try_from(brand::Entity::find().count(db).await?).unwrap_or(i64::MAX))
}

/// The cursor of a brand in that list.
pub fn brand_cursor(row: &brand::Model) -> Cursor {
    Cursor::new(BY_SLUG, vec![row.slug.as_str().into()])
}

/// The category with this slug.
pub async fn category_by_slug(db: &impl ConnectionTrait, slug: &str) -> Result<Option<category::Model>, Error> {
    let Ok(slug) = slug.parse::<Slug>() else { return Ok(None) };
    Ok(category::Entity::find().filter(category::Column::Slug.eq(slug)).one(db).await?)
}

/// The brand with this slug.
pub async fn brand_by_slug(db: &impl ConnectionTrait, slug: &str) -> Result<Option<brand::Model>, Error> {
    let Ok(slug) = slug.parse::<Slug>() else { return Ok(None) };
    Ok(brand::Entity::find().filter(brand::Column::Slug.eq(slug)).one(db).await?)
}

/// Ids of the categories on the way from the root to each of `ids`, themselves included.
pub async fn lineages(
    db: &impl ConnectionTrait,
    ids: &BTreeSet<CategoryId>,
) -> Result<Vec<(CategoryId, Vec<category::Model>)>, Error> {
    let own = category::Entity::find().filter(category::Column::Id.is_in(ids.iter().copied())).all(db).await?;
    let paths: BTreeSet<String> = own
        .iter()
        .flat_map(|c| c.path.match_indices('/').map(|(end, _)| c.path[..=end].to_owned()).collect::<Vec<_>>())
        .collect();
    let all = category::Entity::find()
        .filter(category::Column::Path.is_in(paths))
        .order_by_asc(category::Column::Path)
        .all(db)
        .await?;
    let line = |c: &category::Model| all.iter().filter(|a| c.path.starts_with(&a.path)).cloned().collect();
    Ok(own.iter().map(|c| (c.id, line(c))).collect())
}
