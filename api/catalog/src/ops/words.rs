//! Words looked for in the database itself: slower than the index, without its judgement, but always there.

use entities::{
    catalog::{brand, category, offer, product, sort_key::sort_key, variant},
    party::Viewer,
    values::id::{BrandId, CategoryId, ProductId},
};
use platform::{app::App, db::holding, error::Error};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query};

use search::{Kind, Query};

use crate::indexing;

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
    let categories = categories_of(db, words).await?;
    if !categories.is_empty() {
        any = any.add(product::Column::CategoryId.is_in(categories));
    }
    for word in words {
        let text = word.text.as_str();
        any = any.add(holding(product::Column::Name, text));
        any = any.add(holding(product::Column::Description, text));
        if let Some(spelled) = &word.spelled {
            // Each syllable ends in a blank, but for the last of a name.
            any = any.add(product::Column::SortZh.contains(spelled));
            any = any.add(product::Column::SortZh.ends_with(spelled.trim_end()));
        }
        let brands = sea_query::Query::select()
            .column(brand::Column::Id)
            .from(brand::Entity)
            .and_where(holding(brand::Column::Name, text))
            .take();
        any = any.add(product::Column::BrandId.in_subquery(brands));
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

/// Categories whose names hold any of these words, or sound like one, and all below them. There are few enough to look
/// at them one by one.
async fn categories_of(db: &impl ConnectionTrait, words: &[Word]) -> Result<Vec<CategoryId>, Error> {
    if words.is_empty() {
        return Ok(Vec::new());
    }
    let all = category::Entity::find().all(db).await?;
    let holds = |name: &String| {
        let (text, sound) = (name.to_lowercase(), format!("{} ", sort_key(name)));
        words.iter().any(|word| {
            text.contains(&word.text) || word.spelled.as_ref().is_some_and(|spelled| sound.contains(spelled))
        })
    };
    let roots: Vec<&str> =
        all.iter().filter(|row| row.name.0.values().any(holds)).map(|row| row.path.as_str()).collect();
    let below = |row: &&category::Model| roots.iter().any(|root| row.path.starts_with(root));
    Ok(all.iter().filter(below).map(|row| row.id).collect())
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
