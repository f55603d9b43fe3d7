//! What the search index knows of the catalog: products, brands and categories as documents.
//!
//! A product's document has what finds it (names, brand, categories with all above them, variants, numbers with their
//! units, codes) and what it is narrowed by. A job reads things again when they changed; see `finding`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use entities::{
    catalog::{
        OfferStatus, ProductStatus, attribute,
        attributes::{AttributeValue, AttributeValues},
        brand, category, offer, product, product_price, product_tag, sort_key, variant,
    },
    party::{Viewer, machine_client::Scope},
    values::{
        Locale, Localized,
        id::{BrandId, CategoryId, ProductId},
    },
};
use platform::{app::Work, error::Error};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use search::{Document, Facet, Kind, Visible};
use uuid::Uuid;

use crate::ops::list::Availability;

/// What a viewer may find at all: what `product::Entity::visible_to` lets through, as the index knows it.
pub fn visible(viewer: &Viewer) -> Visible {
    match viewer.reads_for(Scope::Catalog) {
        _ if viewer.oversees() => Visible::Everything,
        Some(own) => Visible::PublicAndOf(own.0),
        None => Visible::Public,
    }
}

/// Notes within a change which products it touched: the index follows, what is cached of them is out of date.
pub async fn changed(work: &mut Work, products: &[ProductId]) -> Result<(), Error> {
    work.changed(Kind::Product, products.iter().map(|id| id.0)).await
}

/// An enum's value as the index has it.
pub fn value(of: &impl serde::Serialize) -> String {
    serde_json::to_value(of).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A product's availability as the index has it.
pub fn availability(of: Availability) -> &'static str {
    match of {
        Availability::InStock => "IN_STOCK",
        Availability::ToOrder => "TO_ORDER",
        Availability::Unavailable => "UNAVAILABLE",
    }
}

/// An id as the index has it.
pub fn id(of: Uuid) -> String {
    of.simple().to_string()
}

fn names(of: &Localized) -> BTreeMap<String, String> {
    of.0.iter().map(|(locale, text)| (locale.to_string(), text.clone())).collect()
}

fn texts(of: &Localized) -> impl Iterator<Item = String> + '_ {
    of.0.values().filter(|text| !text.trim().is_empty()).cloned()
}

fn sort_keys(name: &Localized) -> (String, String) {
    let key = |locale: &Locale| sort_key::sort_key(name.read(locale).unwrap_or_default());
    (key(&Locale::zh_cn()), key(&Locale::en()))
}

/// Brands as documents.
pub async fn brands(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<Document>, Error> {
    let rows = brand::Entity::find().filter(brand::Column::Id.is_in(ids.iter().map(|id| BrandId(*id)))).all(db).await?;
    Ok(rows.into_iter().map(|row| vocabulary(Kind::Brand, row.id.0, &row.name, row.slug.as_str())).collect())
}

/// Categories as documents.
pub async fn categories(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<Document>, Error> {
    let wanted = category::Column::Id.is_in(ids.iter().map(|id| CategoryId(*id)));
    let rows = category::Entity::find().filter(wanted).all(db).await?;
    Ok(rows.into_iter().map(|row| vocabulary(Kind::Category, row.id.0, &row.name, row.slug.as_str())).collect())
}

fn vocabulary(kind: Kind, id: Uuid, name: &Localized, slug: &str) -> Document {
    let (sort_zh, sort_en) = sort_keys(name);
    Document {
        id,
        kind,
        public: true,
        owner: None,
        names: names(name),
        words: Vec::new(),
        body: Vec::new(),
        codes: vec![slug.to_owned()],
        facets: BTreeMap::new(),
        prices: BTreeMap::new(),
        listed_at: 0,
        sort_zh,
        sort_en,
    }
}

/// What several products share.
struct Shared {
    brands: HashMap<BrandId, brand::Model>,
    /// By path, so that those above one are found by its beginning.
    categories: BTreeMap<String, category::Model>,
    paths: HashMap<CategoryId, String>,
    attributes: HashMap<String, attribute::Model>,
}

impl Shared {
    async fn of(db: &impl ConnectionTrait, products: &[product::Model]) -> Result<Self, Error> {
        let wanted: BTreeSet<BrandId> = products.iter().filter_map(|p| p.brand_id).collect();
        let brands = brand::Entity::find().filter(brand::Column::Id.is_in(wanted)).all(db).await?;
        // The whole tree: it is small, and what stands above a category is not known before it is read.
        let categories = category::Entity::find().all(db).await?;
        let attributes = attribute::Entity::find().all(db).await?;
        Ok(Self {
            brands: brands.into_iter().map(|row| (row.id, row)).collect(),
            paths: categories.iter().map(|row| (row.id, row.path.clone())).collect(),
            categories: categories.into_iter().map(|row| (row.path.clone(), row)).collect(),
            attributes: attributes.into_iter().map(|row| (row.code.clone(), row)).collect(),
        })
    }

    /// A category and all above it.
    fn lineage(&self, of: CategoryId) -> Vec<&category::Model> {
        let path = self.paths.get(&of).map(String::as_str).unwrap_or_default();
        let ends = path.match_indices('/').map(|(at, _)| &path[..=at]);
        ends.filter_map(|path| self.categories.get(path)).collect()
    }

    /// Values that people look for: choices by their names, numbers with their units, texts.
    fn described(&self, values: &AttributeValues) -> Vec<String> {
        let mut words = Vec::new();
        for (code, value) in &values.0 {
            let Some(definition) = self.attributes.get(code) else { continue };
            match value {
                AttributeValue::Boolean(_) => {}
                AttributeValue::Integer(_) | AttributeValue::Decimal(_) => {
                    words.extend(definition.unit.as_ref().map(|unit| format!("{} {unit}", value.text())));
                }
                AttributeValue::Choice(code) => {
                    let choice = definition.choices.0.iter().find(|choice| &choice.code == code);
                    words.extend(choice.iter().flat_map(|choice| texts(&choice.name)));
                }
                AttributeValue::Text(text) => words.push(text.clone()),
            }
        }
        words
    }
}

/// Products as documents. A constant number of statements.
pub async fn products(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<Document>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids = || ids.iter().map(|id| ProductId(*id));
    let rows = product::Entity::find().filter(product::Column::Id.is_in(ids())).all(db).await?;
    let shared = Shared::of(db, &rows).await?;
    let mut variants: HashMap<ProductId, Vec<variant::Model>> = HashMap::new();
    for row in variant::Entity::find().filter(variant::Column::ProductId.is_in(ids())).all(db).await? {
        variants.entry(row.product_id).or_default().push(row);
    }
    let mut offers: HashMap<ProductId, Vec<offer::Model>> = HashMap::new();
    for row in offer::Entity::find().filter(offer::Column::ProductId.is_in(ids())).all(db).await? {
        offers.entry(row.product_id).or_default().push(row);
    }
    let mut tags: HashMap<ProductId, Vec<String>> = HashMap::new();
    for row in product_tag::Entity::find().filter(product_tag::Column::ProductId.is_in(ids())).all(db).await? {
        tags.entry(row.product_id).or_default().push(value(&row.tag));
    }
    let mut prices: HashMap<ProductId, BTreeMap<String, i64>> = HashMap::new();
    for row in product_price::Entity::find().filter(product_price::Column::ProductId.is_in(ids())).all(db).await? {
        prices.entry(row.product_id).or_default().insert(row.currency.to_string(), row.amount_minor);
    }
    let document = |row: product::Model| {
        let (variants, offers) = (variants.remove(&row.id), offers.remove(&row.id));
        let of = Parts {
            variants: variants.unwrap_or_default(),
            offers: offers.unwrap_or_default(),
            tags: tags.remove(&row.id).unwrap_or_default(),
            prices: prices.remove(&row.id).unwrap_or_default(),
        };
        of.document(row, &shared)
    };
    Ok(rows.into_iter().map(document).collect())
}

/// What hangs on one product.
struct Parts {
    variants: Vec<variant::Model>,
    offers: Vec<offer::Model>,
    tags: Vec<String>,
    prices: BTreeMap<String, i64>,
}

impl Parts {
    fn document(self, row: product::Model, shared: &Shared) -> Document {
        let lineage = shared.lineage(row.category_id);
        let brand = row.brand_id.and_then(|id| shared.brands.get(&id));
        let mut words: Vec<String> = brand.iter().flat_map(|brand| texts(&brand.name)).collect();
        words.extend(lineage.iter().flat_map(|category| texts(&category.name)));
        words.extend(self.variants.iter().flat_map(|variant| texts(&variant.name)));
        words.extend(shared.described(&row.attributes));
        distinct(&mut words);

        let mut codes = vec![row.slug.to_string()];
        for variant in &self.variants {
            codes.extend(variant.gtin.clone().map(String::from));
            codes.push(variant.hs_code.to_string());
            codes.push(variant.code.clone());
        }
        codes.extend(self.offers.iter().map(|offer| offer.sku.clone()));
        codes.retain(|code| code != entities::catalog::row::DEFAULT_VARIANT);
        distinct(&mut codes);
        Document {
            id: row.id.0,
            kind: Kind::Product,
            public: row.status == ProductStatus::Published,
            owner: Some(row.owner_id.0),
            names: names(&row.name),
            words,
            body: texts(&row.description).collect(),
            codes,
            facets: self.facets(&row, &lineage),
            prices: self.prices,
            listed_at: row.listed_at.timestamp_millis(),
            sort_zh: row.sort_zh,
            sort_en: row.sort_en,
        }
    }

    fn facets(&self, row: &product::Model, lineage: &[&category::Model]) -> BTreeMap<Facet, Vec<String>> {
        let active: Vec<&offer::Model> = self.offers.iter().filter(|o| o.status == OfferStatus::Active).collect();
        let available = match () {
            () if active.is_empty() => Availability::Unavailable,
            () if active.iter().any(|offer| offer.lead_time_days == 0) => Availability::InStock,
            () => Availability::ToOrder,
        };
        let prefixes = |code: String| {
            let ends = [2, 4, 6, 8, code.len()];
            ends.into_iter().filter_map(|end| code.get(..end).map(str::to_owned)).collect::<Vec<_>>()
        };
        let mut facets = BTreeMap::from([
            (Facet::Category, lineage.iter().map(|category| id(category.id.0)).collect()),
            (Facet::Brand, row.brand_id.iter().map(|brand| id(brand.0)).collect()),
            (Facet::Seller, active.iter().map(|offer| id(offer.seller_id.0)).collect()),
            (Facet::Origin, self.variants.iter().map(|variant| variant.origin.to_string()).collect()),
            (Facet::SupplyMode, active.iter().map(|offer| value(&offer.supply_mode)).collect()),
            (Facet::Tag, self.tags.clone()),
            (Facet::Availability, vec![availability(available).to_owned()]),
            (Facet::Status, vec![value(&row.status)]),
            (Facet::Hs, self.variants.iter().flat_map(|variant| prefixes(variant.hs_code.to_string())).collect()),
        ]);
        facets.values_mut().for_each(distinct);
        facets.retain(|_, values| !values.is_empty());
        facets
    }
}

/// Sorted, each once: what is read in another order makes no other document.
fn distinct(values: &mut Vec<String>) {
    values.sort();
    values.dedup();
}
