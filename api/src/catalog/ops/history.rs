//! Reading what hangs on a product: its history and its offers.

use entities::{
    catalog::{offer, product_history},
    party::Viewer,
    values::id::ProductId,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, Order, QueryFilter, QueryOrder, QuerySelect, Select, sea_query::Expr,
};

use crate::{
    catalog::loaders::OffersParent,
    platform::{
        error::Error,
        page::{Cursor, Page, PageArgs, key},
    },
};

const HISTORY: &str = "history";
const OFFERS: &str = "offers";

/// The history of a product, newest first. The caller has checked who may read it.
pub async fn list_history(
    db: &impl ConnectionTrait,
    product: ProductId,
    page: &PageArgs,
) -> Result<Page<product_history::Model>, Error> {
    // Ids are made in the order of time.
    let mut list = product_history::Entity::find().filter(product_history::Column::ProductId.eq(product));
    let id = vec![Expr::col(product_history::Column::Id)];
    if let Some(beyond) = page.beyond(HISTORY, id, Order::Desc, |k| Some(vec![key::id(k.first()?)?]))? {
        list = list.filter(beyond);
    }
    let rows = list.order_by(product_history::Column::Id, page.walk(Order::Desc)).limit(page.fetch()).all(db).await?;
    Ok(page.page(rows))
}

/// The cursor of an entry in that list.
pub fn history_cursor(row: &product_history::Model) -> Cursor {
    Cursor::new(HISTORY, vec![row.id.to_string().into()])
}

/// Offers of a product or variant that `viewer` may see, oldest first.
pub async fn list_offers(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    of: OffersParent,
    page: &PageArgs,
) -> Result<Page<offer::Model>, Error> {
    let mut list = offered(viewer, of);
    let id = vec![Expr::col((offer::Entity, offer::Column::Id))];
    if let Some(beyond) = page.beyond(OFFERS, id, Order::Asc, |k| Some(vec![key::id(k.first()?)?]))? {
        list = list.filter(beyond);
    }
    let rows = list.order_by(offer::Column::Id, page.walk(Order::Asc)).limit(page.fetch()).all(db).await?;
    Ok(page.page(rows))
}

fn offered(viewer: &Viewer, of: OffersParent) -> Select<offer::Entity> {
    let list = offer::Entity::visible_to(viewer);
    match of {
        OffersParent::Product(id) => list.filter(offer::Column::ProductId.eq(id)),
        OffersParent::Variant(id) => list.filter(offer::Column::VariantId.eq(id)),
    }
}

/// The cursor of an offer in that list.
pub fn offer_cursor(row: &offer::Model) -> Cursor {
    Cursor::new(OFFERS, vec![row.id.to_string().into()])
}
