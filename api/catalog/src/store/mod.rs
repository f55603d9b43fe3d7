//! A product as one value ([`Sheet`]), read from and written to its five tables, and the terms of an
//! offer likewise ([`offers`]). Everything here works on many at once: an import handles 500 rows in a
//! constant number of statements.

mod offers;
pub mod tally;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use entities::{
    catalog::{
        ProductStatus, attribute, category, category_attribute, media, product,
        product_history::{self, Differences, HistoryAction},
        product_tag,
        sheet::{CategoryRules, MediaSpec, Sheet, VariantSpec},
        sort_key::sort_key,
        variant,
    },
    party::Viewer,
    values::{
        Locale, Localized,
        id::{CategoryId, MediaId, OrganisationId, ProductChangeId, ProductHistoryId, ProductId, VariantId},
    },
};
use platform::error::Error;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    sea_query::{Expr, ExprTrait},
};

pub use offers::{insert_offers, load_terms, lock, new_offer, refresh_price_tags, replace_prices, with_terms};

/// A stored product: the row, what is shared about it, and the ids of its variants by code.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The row.
    pub row: product::Model,
    /// The product as one value.
    pub sheet: Sheet,
    /// Ids of the variants by their code.
    pub variants: BTreeMap<String, VariantId>,
}

/// Reads products as sheets; those that do not exist are left out.
pub async fn load(db: &impl ConnectionTrait, ids: &[ProductId]) -> Result<HashMap<ProductId, Stored>, Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids = || ids.iter().copied();
    let rows = product::Entity::find().filter(product::Column::Id.is_in(ids())).all(db).await?;
    let tags = product_tag::Entity::find().filter(product_tag::Column::ProductId.is_in(ids())).all(db).await?;
    let media = media::Entity::find()
        .filter(media::Column::ProductId.is_in(ids()))
        .order_by_asc(media::Column::Position)
        .all(db)
        .await?;
    let variants = variant::Entity::find()
        .filter(variant::Column::ProductId.is_in(ids()))
        .order_by_asc(variant::Column::Position)
        .all(db)
        .await?;

    let mut stored: HashMap<ProductId, Stored> = rows
        .into_iter()
        .map(|row| {
            let sheet = Sheet {
                slug: row.slug.clone(),
                category: row.category_id,
                brand: row.brand_id,
                name: row.name.clone(),
                description: row.description.clone(),
                attributes: row.attributes.clone(),
                tags: BTreeSet::new(),
                media: Vec::new(),
                variants: Vec::new(),
            };
            (row.id, Stored { row, sheet, variants: BTreeMap::new() })
        })
        .collect();
    for tag in tags {
        stored.entry(tag.product_id).and_modify(|p| {
            p.sheet.tags.insert(tag.tag);
        });
    }
    for medium in media {
        let spec = MediaSpec { kind: medium.kind, url: medium.url, alt: medium.alt };
        stored.entry(medium.product_id).and_modify(|p| p.sheet.media.push(spec));
    }
    for row in variants {
        if let Some(product) = stored.get_mut(&row.product_id) {
            product.variants.insert(row.code.clone(), row.id);
            product.sheet.variants.push(VariantSpec {
                code: row.code,
                name: row.name,
                gtin: row.gtin,
                hs_code: row.hs_code,
                origin: row.origin,
                net_weight_g: row.net_weight_g,
                gross_weight_g: row.gross_weight_g,
                net_volume_ml: row.net_volume_ml,
                piece_count: row.piece_count,
                unit1: row.unit1,
                unit2: row.unit2,
            });
        }
    }
    Ok(stored)
}

/// Writes new products. `row` of each holds what is not in the sheet; the sheet's values win.
pub async fn insert(db: &impl ConnectionTrait, products: &[Stored]) -> Result<(), Error> {
    if products.is_empty() {
        return Ok(());
    }
    product::Entity::insert_many(products.iter().map(|p| with_sheet(&p.row, &p.sheet).into_active_model()))
        .exec_without_returning(db)
        .await?;
    insert_parts(db, products.iter()).await
}

/// Writes a changed product: its row with one version more, and those of its parts that differ.
/// The caller has locked the row by [`claim`].
pub async fn update(
    db: &impl ConnectionTrait,
    before: &Stored,
    sheet: &Sheet,
    now: DateTime<Utc>,
) -> Result<Stored, Error> {
    let mut after = before.clone();
    after.row = with_sheet(&before.row, sheet);
    after.row.version = before.row.version + 1;
    after.row.updated_at = now;
    after.sheet = sheet.clone();
    let id = after.row.id;
    after.row.clone().into_active_model().reset_all().update(db).await?;

    if before.sheet.tags != sheet.tags {
        product_tag::Entity::delete_many().filter(product_tag::Column::ProductId.eq(id)).exec(db).await?;
        insert_tags(db, [&after].into_iter()).await?;
    }
    if before.sheet.media != sheet.media {
        media::Entity::delete_many().filter(media::Column::ProductId.eq(id)).exec(db).await?;
        insert_media(db, [&after].into_iter()).await?;
    }
    release_barcodes(db, before, sheet).await?;
    let mut added = Vec::new();
    for (position, (spec, old)) in
        sheet.variants.iter().zip(before.sheet.variants.iter().map(Some).chain(std::iter::repeat(None))).enumerate()
    {
        match old {
            Some(old) if old == spec => {}
            Some(_) => {
                let known = before.variants[&spec.code];
                variant_row(known, id, position, spec).into_active_model().reset_all().update(db).await?;
            }
            None => {
                let new = VariantId::new(now);
                after.variants.insert(spec.code.clone(), new);
                added.push(variant_row(new, id, position, spec));
            }
        }
    }
    insert_variants(db, added).await?;
    Ok(after)
}

/// Takes changed barcodes off their variants first, so that two variants can swap theirs.
async fn release_barcodes(db: &impl ConnectionTrait, before: &Stored, sheet: &Sheet) -> Result<(), Error> {
    let pairs = before.sheet.variants.iter().zip(&sheet.variants);
    let changed: Vec<VariantId> = pairs
        .filter(|(old, new)| old.gtin.is_some() && old.gtin != new.gtin)
        .filter_map(|(old, _)| before.variants.get(&old.code).copied())
        .collect();
    if !changed.is_empty() {
        variant::Entity::update_many()
            .col_expr(variant::Column::Gtin, Expr::value(Option::<String>::None))
            .filter(variant::Column::Id.is_in(changed))
            .exec(db)
            .await?;
    }
    Ok(())
}

/// A new product's row and variant ids. State and moments are those of a draft made now.
pub fn draft(sheet: Sheet, owner: OrganisationId, now: DateTime<Utc>) -> Stored {
    let row = product::Model {
        id: ProductId::new(now),
        slug: sheet.slug.clone(),
        category_id: sheet.category,
        brand_id: sheet.brand,
        owner_id: owner,
        status: ProductStatus::Draft,
        rejection: None,
        name: Localized::default(),
        description: Localized::default(),
        attributes: sheet.attributes.clone(),
        sort_zh: String::new(),
        sort_en: String::new(),
        version: 1,
        created_at: now,
        updated_at: now,
        listed_at: now,
        published_at: None,
    };
    let variants = sheet.variants.iter().map(|v| (v.code.clone(), VariantId::new(now))).collect();
    Stored { row: with_sheet(&row, &sheet), sheet, variants }
}

fn with_sheet(row: &product::Model, sheet: &Sheet) -> product::Model {
    let order = |locale| sheet.name.read(&locale).map(sort_key).unwrap_or_default();
    product::Model {
        slug: sheet.slug.clone(),
        category_id: sheet.category,
        brand_id: sheet.brand,
        name: sheet.name.clone(),
        description: sheet.description.clone(),
        attributes: sheet.attributes.clone(),
        sort_zh: order(Locale::zh_cn()),
        sort_en: order(Locale::en()),
        ..row.clone()
    }
}

async fn insert_parts<'a>(
    db: &impl ConnectionTrait,
    products: impl Iterator<Item = &'a Stored> + Clone,
) -> Result<(), Error> {
    insert_tags(db, products.clone()).await?;
    insert_media(db, products.clone()).await?;
    let variants = products.flat_map(|p| {
        let row =
            |(position, spec): (usize, &VariantSpec)| variant_row(p.variants[&spec.code], p.row.id, position, spec);
        p.sheet.variants.iter().enumerate().map(row).collect::<Vec<_>>()
    });
    insert_variants(db, variants.collect()).await
}

async fn insert_tags<'a>(db: &impl ConnectionTrait, products: impl Iterator<Item = &'a Stored>) -> Result<(), Error> {
    let rows: Vec<_> = products
        .flat_map(|p| {
            p.sheet.tags.iter().map(|tag| product_tag::Model { product_id: p.row.id, tag: *tag }.into_active_model())
        })
        .collect();
    if !rows.is_empty() {
        product_tag::Entity::insert_many(rows).exec_without_returning(db).await?;
    }
    Ok(())
}

async fn insert_media<'a>(db: &impl ConnectionTrait, products: impl Iterator<Item = &'a Stored>) -> Result<(), Error> {
    let row = |p: &Stored, position: usize, spec: &MediaSpec| media::Model {
        id: MediaId::new(p.row.updated_at),
        product_id: p.row.id,
        position: as_position(position),
        kind: spec.kind,
        url: spec.url.clone(),
        alt: spec.alt.clone(),
    };
    let rows: Vec<_> = products
        .flat_map(|p| p.sheet.media.iter().enumerate().map(move |(n, spec)| row(p, n, spec).into_active_model()))
        .collect();
    if !rows.is_empty() {
        media::Entity::insert_many(rows).exec_without_returning(db).await?;
    }
    Ok(())
}

async fn insert_variants(db: &impl ConnectionTrait, rows: Vec<variant::Model>) -> Result<(), Error> {
    if !rows.is_empty() {
        let rows = rows.into_iter().map(IntoActiveModel::into_active_model);
        variant::Entity::insert_many(rows).exec_without_returning(db).await?;
    }
    Ok(())
}

fn variant_row(id: VariantId, product_id: ProductId, position: usize, spec: &VariantSpec) -> variant::Model {
    variant::Model {
        id,
        product_id,
        code: spec.code.clone(),
        name: spec.name.clone(),
        gtin: spec.gtin.clone(),
        hs_code: spec.hs_code.clone(),
        origin: spec.origin.clone(),
        net_weight_g: spec.net_weight_g,
        gross_weight_g: spec.gross_weight_g,
        net_volume_ml: spec.net_volume_ml,
        piece_count: spec.piece_count,
        unit1: spec.unit1.clone(),
        unit2: spec.unit2.clone(),
        position: as_position(position),
    }
}

fn as_position(index: usize) -> i32 {
    i32::try_from(index).unwrap_or(i32::MAX)
}

/// Claims a product for a change: moves its version on if it still is `version`, and thereby locks the
/// row until the transaction ends. False: someone else was faster.
pub async fn claim(db: &impl ConnectionTrait, id: ProductId, version: i32) -> Result<bool, Error> {
    let claimed = product::Entity::update_many()
        .col_expr(product::Column::Version, Expr::col(product::Column::Version).add(1))
        .filter(product::Column::Id.eq(id))
        .filter(product::Column::Version.eq(version))
        .exec(db)
        .await?;
    Ok(claimed.rows_affected == 1)
}

/// One entry of a product's history.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The product.
    pub product: ProductId,
    /// Its version afterwards.
    pub version: i32,
    /// What was done.
    pub action: HistoryAction,
    /// The proposal behind it.
    pub change: Option<ProductChangeId>,
    /// What changed.
    pub differences: Differences,
}

/// Writes history.
pub async fn record(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    now: DateTime<Utc>,
    entries: Vec<Entry>,
) -> Result<(), Error> {
    if entries.is_empty() {
        return Ok(());
    }
    let rows = entries.into_iter().map(|entry| {
        product_history::Model {
            id: ProductHistoryId::new(now),
            product_id: entry.product,
            version: entry.version,
            action: entry.action,
            actor: viewer.subject(),
            organisation_id: viewer.organisation(),
            change_id: entry.change,
            differences: entry.differences,
            at: now,
        }
        .into_active_model()
    });
    product_history::Entity::insert_many(rows).exec_without_returning(db).await?;
    Ok(())
}

/// What the categories say about their products, ancestors' attributes included. Three statements for
/// any number of categories; those that do not exist are left out.
pub async fn category_rules(
    db: &impl ConnectionTrait,
    ids: &BTreeSet<CategoryId>,
) -> Result<HashMap<CategoryId, CategoryRules>, Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    // The tree is small (hundreds of rows), and ancestors are needed: read it as a whole.
    let tree: HashMap<CategoryId, category::Model> =
        category::Entity::find().all(db).await?.into_iter().map(|c| (c.id, c)).collect();
    let parents: BTreeSet<CategoryId> = tree.values().filter_map(|c| c.parent_id).collect();
    let links = linked_attributes(db).await?;
    let rules = ids.iter().filter_map(|id| tree.get(id)).map(|category| {
        let lineage = std::iter::successors(Some(category), |c| c.parent_id.and_then(|p| tree.get(&p)));
        let lineage: BTreeSet<CategoryId> = lineage.map(|c| c.id).collect();
        let attributes = links.iter().filter(|(owner, _)| lineage.contains(owner)).map(|(_, a)| a.clone()).collect();
        let rules = CategoryRules {
            id: category.id,
            slug: category.slug.clone(),
            leaf: !parents.contains(&category.id),
            attributes,
        };
        (category.id, rules)
    });
    Ok(rules.collect())
}

/// The attributes that hang on each category.
async fn linked_attributes(db: &impl ConnectionTrait) -> Result<Vec<(CategoryId, attribute::Model)>, Error> {
    let attributes: HashMap<_, _> = attribute::Entity::find().all(db).await?.into_iter().map(|a| (a.id, a)).collect();
    let links = category_attribute::Entity::find().all(db).await?;
    Ok(links.into_iter().filter_map(|l| Some((l.category_id, attributes.get(&l.attribute_id)?.clone()))).collect())
}
