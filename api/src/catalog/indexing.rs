//! What the search index knows of the catalog.
//!
//! The index follows the database: a change leaves a job with the products it touched, a worker reads them
//! again and puts them into the index. It may lag, but misses nothing; `chama doctor` shows by how many and
//! `chama reindex` builds it anew.

use entities::{
    catalog::{brand, category, offer, product, variant},
    values::id::ProductId,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use search::Document;
use serde::{Deserialize, Serialize};

use crate::{
    app::{App, Work},
    platform::{cache::Topic, error::Error, jobs::Job},
};

/// Most products of one write to the index.
pub const BATCH: usize = 2_000;
/// Most products of one job.
const JOB: usize = 500;

/// Products that changed and wait for the search index.
#[derive(Debug, Serialize, Deserialize)]
pub struct IndexProducts {
    /// Which.
    pub products: Vec<ProductId>,
}

impl Job for IndexProducts {
    const KIND: &'static str = "catalog.index";
    // One after the other: an older look at a product must not be put over a newer one.
    fn aggregate(&self) -> String {
        "search-index".into()
    }
}

/// Notes within a change which products it touched: the index follows, counts are out of date.
pub async fn changed(work: &mut Work, products: &[ProductId]) -> Result<(), Error> {
    work.outdates(Topic::Catalog);
    for part in products.chunks(JOB) {
        work.enqueue(&IndexProducts { products: part.to_vec() }).await?;
    }
    Ok(())
}

/// Reads products and puts them into the index.
pub async fn index(app: &App, ids: &[ProductId]) -> Result<(), Error> {
    let documents = documents(app.db().read(), ids).await?;
    if documents.is_empty() {
        return Ok(());
    }
    app.search().put(documents).await.map_err(Error::internal)
}

/// The same for any number of them.
pub async fn index_all(app: &App, ids: &[ProductId]) -> Result<(), Error> {
    for part in ids.chunks(BATCH) {
        index(app, part).await?;
    }
    Ok(())
}

/// How many products the database has.
pub async fn products(app: &App) -> Result<u64, Error> {
    Ok(product::Entity::find().count(app.db().read()).await?)
}

/// Builds the index anew from every product; `progress` is told how many are done.
pub async fn reindex(app: &App, progress: impl Fn(u64)) -> Result<u64, Error> {
    app.search().clear().await.map_err(Error::internal)?;
    let mut done = 0;
    let mut last = None;
    loop {
        let mut page = product::Entity::find()
            .select_only()
            .column(product::Column::Id)
            .order_by_asc(product::Column::Id)
            .limit(BATCH as u64);
        if let Some(last) = last {
            page = page.filter(product::Column::Id.gt::<ProductId>(last));
        }
        let ids = page.into_tuple::<ProductId>().all(app.db().read()).await?;
        let Some(end) = ids.last() else { return Ok(done) };
        last = Some(*end);
        index(app, &ids).await?;
        done += ids.len() as u64;
        progress(done);
    }
}

async fn documents(db: &impl ConnectionTrait, ids: &[ProductId]) -> Result<Vec<Document>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids = || ids.iter().copied();
    let products = product::Entity::find().filter(product::Column::Id.is_in(ids())).all(db).await?;
    let variants = variant::Entity::find().filter(variant::Column::ProductId.is_in(ids())).all(db).await?;
    let skus = offer::Entity::find()
        .filter(offer::Column::ProductId.is_in(ids()))
        .select_only()
        .columns([offer::Column::ProductId, offer::Column::Sku])
        .into_tuple::<(ProductId, String)>()
        .all(db)
        .await?;
    let brands = brand::Entity::find()
        .filter(brand::Column::Id.is_in(products.iter().filter_map(|p| p.brand_id)))
        .all(db)
        .await?;
    let categories = category::Entity::find()
        .filter(category::Column::Id.is_in(products.iter().map(|p| p.category_id)))
        .all(db)
        .await?;

    let mut codes: std::collections::HashMap<ProductId, Vec<String>> = std::collections::HashMap::new();
    for variant in variants {
        let own = codes.entry(variant.product_id).or_default();
        own.extend(variant.gtin.map(String::from));
        own.push(variant.hs_code.into());
    }
    for (product, sku) in skus {
        codes.entry(product).or_default().push(sku);
    }
    let words = |text: &entities::values::Localized| text.0.values().cloned().collect::<Vec<_>>().join(" ");
    let document = |product: product::Model| {
        let brand = brands.iter().find(|b| Some(b.id) == product.brand_id).map(|b| words(&b.name)).unwrap_or_default();
        let category =
            categories.iter().find(|c| c.id == product.category_id).map(|c| words(&c.name)).unwrap_or_default();
        let mut codes = codes.remove(&product.id).unwrap_or_default();
        codes.sort();
        codes.dedup();
        Document {
            id: product.id.0,
            title: format!("{} {brand}", words(&product.name)),
            body: format!("{category} {}", words(&product.description)),
            codes,
        }
    };
    Ok(products.into_iter().map(document).collect())
}
