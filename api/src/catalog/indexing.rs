//! What the search index knows of the catalog.
//!
//! The index follows the database: an operation names the products it changed after its commit, a
//! background task reads them again and puts them into the index. It may lag or miss some (a full
//! queue, a killed process); `chama doctor` shows by how many and `chama reindex` mends it.

use std::time::Duration;

use entities::{
    catalog::{brand, category, offer, product, variant},
    values::id::ProductId,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use search::Document;
use tokio::sync::mpsc;

use crate::{app::App, platform::error::Error};

/// Most products of one write to the index.
pub const BATCH: usize = 2_000;
/// How long changes are gathered before they are written together.
const GATHER: Duration = Duration::from_millis(200);

/// Follows the catalog's changes as long as the process lives.
pub async fn follow(app: App, mut changed: mpsc::Receiver<ProductId>) {
    let mut ids = Vec::new();
    while changed.recv_many(&mut ids, BATCH).await > 0 {
        tokio::time::sleep(GATHER).await;
        while ids.len() < BATCH {
            match changed.try_recv() {
                Ok(id) => ids.push(id),
                Err(_) => break,
            }
        }
        ids.sort_unstable();
        ids.dedup();
        if let Err(error) = index(&app, &ids).await {
            tracing::warn!(
                ?error,
                products = ids.len(),
                "the search index was not updated; run `chama reindex` when it is reachable"
            );
        }
        ids.clear();
    }
}

/// Reads products and puts them into the index.
pub async fn index(app: &App, ids: &[ProductId]) -> Result<(), Error> {
    let documents = documents(app.db().read(), ids).await?;
    if documents.is_empty() {
        return Ok(());
    }
    app.search().put(documents).await.map_err(Error::internal)
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
