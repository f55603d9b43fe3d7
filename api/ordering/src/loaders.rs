//! Batch loaders of ordering. A loader belongs to one request and sees what its viewer may see.

use std::{collections::HashMap, time::Duration};

use async_graphql::{
    Context,
    dataloader::{DataLoader, HashMapCache, Loader},
};
use entities::{
    ordering::{checkout, order, order_line},
    party::Viewer,
    values::id::{CheckoutId, OrderId},
};
use platform::{app::App, error::SharedError, graphql::Batches};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

/// Loads what this context owns.
#[derive(Debug)]
pub struct OrderingLoader {
    app: App,
    viewer: Viewer,
}

/// The loaders of one request: asked for twice, loaded once.
pub type OrderingLoaders = DataLoader<OrderingLoader, HashMapCache>;

/// Makes the loaders of one request.
pub fn loaders(app: &App, viewer: &Viewer, batches: &Batches) -> OrderingLoaders {
    let loader = OrderingLoader { app: app.clone(), viewer: viewer.clone() };
    DataLoader::with_cache(loader, batches.spawner(), HashMapCache::default()).delay(Duration::ZERO)
}

/// The request's loaders.
pub fn of<'a>(context: &Context<'a>) -> &'a OrderingLoaders {
    context.data_unchecked::<OrderingLoaders>()
}

impl Loader<CheckoutId> for OrderingLoader {
    type Value = checkout::Model;
    type Error = SharedError;

    async fn load(&self, ids: &[CheckoutId]) -> Result<HashMap<CheckoutId, Self::Value>, SharedError> {
        let seen = checkout::Entity::visible_to(&self.viewer).filter(checkout::Column::Id.is_in(ids.iter().copied()));
        Ok(seen.all(self.app.db().read()).await?.into_iter().map(|row| (row.id, row)).collect())
    }
}

impl Loader<OrderId> for OrderingLoader {
    type Value = order::Model;
    type Error = SharedError;

    async fn load(&self, ids: &[OrderId]) -> Result<HashMap<OrderId, Self::Value>, SharedError> {
        let seen = order::Entity::visible_to(&self.viewer).filter(order::Column::Id.is_in(ids.iter().copied()));
        Ok(seen.all(self.app.db().read()).await?.into_iter().map(|row| (row.id, row)).collect())
    }
}

/// The orders of a checkout, in the order of their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OrdersOf(pub CheckoutId);

impl Loader<OrdersOf> for OrderingLoader {
    type Value = Vec<order::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[OrdersOf]) -> Result<HashMap<OrdersOf, Self::Value>, SharedError> {
        let seen = order::Entity::visible_to(&self.viewer)
            .filter(order::Column::CheckoutId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(order::Column::Number);
        let mut found: HashMap<OrdersOf, Vec<order::Model>> = HashMap::new();
        for row in seen.all(self.app.db().read()).await? {
            found.entry(OrdersOf(row.checkout_id)).or_default().push(row);
        }
        Ok(found)
    }
}

/// The lines of an order; who may see the order may see them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinesOf(pub OrderId);

impl Loader<LinesOf> for OrderingLoader {
    type Value = Vec<order_line::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[LinesOf]) -> Result<HashMap<LinesOf, Self::Value>, SharedError> {
        let rows = order_line::Entity::find()
            .filter(order_line::Column::OrderId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(order_line::Column::Number);
        let mut found: HashMap<LinesOf, Vec<order_line::Model>> = HashMap::new();
        for row in rows.all(self.app.db().read()).await? {
            found.entry(LinesOf(row.order_id)).or_default().push(row);
        }
        Ok(found)
    }
}
