//! Reading what hangs on a product: its history and its offers.

use entities::{
    catalog::{offer, product_history},
    party::Viewer,
    values::id::ProductId,
};
use platform::{
    error::Error,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, Order, QueryFilter, Select};

use crate::loaders::OffersParent;

const HISTORY: &str = "history";
const OFFERS: &str = "offers";

/// The history of a product, newest first. The caller has checked who may read it.
pub async fn list_history(
    db: &impl ConnectionTrait,
    product: ProductId,
    page: &PageArgs,
) -> Result<Page<product_history::Model>, Error> {
    // Ids are made in the order of time.
    let list = product_history::Entity::find().filter(product_history::Column::ProductId.eq(product));
    page.by_id(db, list, product_history::Column::Id, HISTORY, Order::Desc).await
}

/// The cursor of an entry in that list.
pub fn history_cursor(row: &product_history::Model) -> Cursor {
    Cursor::of_id(HISTORY, row.id)
}

/// Offers of a product or variant that `viewer` may see, oldest first.
pub async fn list_offers(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    of: OffersParent,
    page: &PageArgs,
) -> Result<Page<offer::Model>, Error> {
    let list = offered(viewer, of);
    page.by_id(db, list, offer::Column::Id, OFFERS, Order::Asc).await
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
    Cursor::of_id(OFFERS, row.id)
}
