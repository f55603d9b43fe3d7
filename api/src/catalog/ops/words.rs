//! Words looked for in the database itself: slower than the index, without its judgement, but always there.

use entities::{
    catalog::{brand, category, offer, product, variant},
    party::Viewer,
    values::id::{BrandId, CategoryId, ProductId},
};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query};

use search::{Kind, Query};

use crate::{
    app::App,
    catalog::indexing,
    platform::{db::holding, error::Error},
};

/// A word, and how its Chinese sounds when it is pinyin.
pub type Word = search::PlainWord;

/// Products that fit a text, best first: from the index, or from the database when the index is away.
pub async fn best_fits(app: &App, viewer: &Viewer, text: &str, limit: usize) -> Result<Vec<ProductId>, Error> {
    let query = Query::words(text, indexing::visible(viewer), &[Kind::Product], limit);
    match app.search().search(&query).await {
        Ok(answer) => Ok(answer.found.into_iter().map(|found| ProductId(found.id)).collect()),
        Err(error) => {
            tracing::debug!(%error, "the search index did not answer; the database does");
            let words = app.analyzer().plain_words(text);
            if words.is_empty() {
                return Ok(Vec::new());
            }
            products(app.db().read(), viewer, &words, limit as u64).await
        }
    }
}

/// Products that the viewer may see and that hold any of these words, newest first, at most `limit`. Without words,
/// the newest.
pub async fn products(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    words: &[Word],
    limit: u64,
) -> Result<Vec<ProductId>, Error> {
    let mut any = Condition::any();
    for word in words {
        let text = word.text.as_str();
        any = any.add(holding(product::Column::Name, text));
        any = any.add(holding(product::Column::Description, text));
        if let Some(spelled) = &word.spelled {
            any = any.add(product::Column::SortZh.contains(spelled));
        }
        let brands = sea_query::Query::select()
            .column(brand::Column::Id)
            .from(brand::Entity)
            .and_where(holding(brand::Column::Name, text))
            .take();
        let categories = sea_query::Query::select()
            .column(category::Column::Id)
            .from(category::Entity)
            .and_where(holding(category::Column::Name, text))
            .take();
        any = any.add(product::Column::BrandId.in_subquery(brands));
        any = any.add(product::Column::CategoryId.in_subquery(categories));
        if word.code {
            let packed = sea_query::Query::select()
                .column(variant::Column::ProductId)
                .from(variant::Entity)
                .cond_where(
                    Condition::any()
                        .add(variant::Column::Gtin.starts_with(text))
                        .add(variant::Column::HsCode.starts_with(text)),
                )
                .take();
            let offered = sea_query::Query::select()
                .column(offer::Column::ProductId)
                .from(offer::Entity)
                .and_where(offer::Column::Sku.starts_with(text.to_uppercase()))
                .take();
            any = any.add(product::Column::Id.in_subquery(packed)).add(product::Column::Id.in_subquery(offered));
        }
    }
    let mut found = product::Entity::visible_to(viewer).order_by_desc(product::Column::ListedAt);
    if !words.is_empty() {
        found = found.filter(any);
    }
    Ok(found.select_only().column(product::Column::Id).limit(limit).into_tuple().all(db).await?)
}

/// Brands whose name holds any of these words.
pub async fn brands(db: &impl ConnectionTrait, words: &[Word], limit: u64) -> Result<Vec<BrandId>, Error> {
    let any = words.iter().fold(Condition::any(), |any, word| any.add(holding(brand::Column::Name, &word.text)));
    let found = brand::Entity::find().filter(any).select_only().column(brand::Column::Id).limit(limit);
    Ok(found.into_tuple().all(db).await?)
}

/// Categories whose name holds any of these words.
pub async fn categories(db: &impl ConnectionTrait, words: &[Word], limit: u64) -> Result<Vec<CategoryId>, Error> {
    let any = words.iter().fold(Condition::any(), |any, word| any.add(holding(category::Column::Name, &word.text)));
    let found = category::Entity::find().filter(any).select_only().column(category::Column::Id).limit(limit);
    Ok(found.into_tuple().all(db).await?)
}
