//! Batch loaders of stock. A loader belongs to one request.

use std::{collections::HashMap, time::Duration};

use async_graphql::{
    Context,
    dataloader::{DataLoader, HashMapCache, Loader},
};
use entities::{
    inventory::{location, lot},
    values::id::{StockBalanceId, StockLocationId, StockLotId},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::units;
use crate::{
    app::App,
    platform::{error::SharedError, graphql::Batches},
};

/// Loads what this context owns. Who may see a balance or a move may see where it lies and of which lot.
#[derive(Debug)]
pub struct StockLoader {
    app: App,
}

/// The loaders of one request: asked for twice, loaded once.
pub type StockLoaders = DataLoader<StockLoader, HashMapCache>;

/// Makes the loaders of one request.
pub fn loaders(app: &App, batches: &Batches) -> StockLoaders {
    DataLoader::with_cache(StockLoader { app: app.clone() }, batches.spawner(), HashMapCache::default())
        .delay(Duration::ZERO)
}

/// The request's loaders.
pub fn of<'a>(context: &Context<'a>) -> &'a StockLoaders {
    context.data_unchecked::<StockLoaders>()
}

impl Loader<StockLocationId> for StockLoader {
    type Value = location::Model;
    type Error = SharedError;

    async fn load(&self, ids: &[StockLocationId]) -> Result<HashMap<StockLocationId, Self::Value>, SharedError> {
        let rows = location::Entity::find().filter(location::Column::Id.is_in(ids.iter().copied()));
        Ok(rows.all(self.app.db().read()).await?.into_iter().map(|row| (row.id, row)).collect())
    }
}

impl Loader<StockLotId> for StockLoader {
    type Value = lot::Model;
    type Error = SharedError;

    async fn load(&self, ids: &[StockLotId]) -> Result<HashMap<StockLotId, Self::Value>, SharedError> {
        let rows = lot::Entity::find().filter(lot::Column::Id.is_in(ids.iter().copied()));
        Ok(rows.all(self.app.db().read()).await?.into_iter().map(|row| (row.id, row)).collect())
    }
}

/// How many pieces of a balance's pool are free, when it has a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FreePieces(pub StockBalanceId);

impl Loader<FreePieces> for StockLoader {
    type Value = i64;
    type Error = SharedError;

    async fn load(&self, keys: &[FreePieces]) -> Result<HashMap<FreePieces, i64>, SharedError> {
        let ids: Vec<StockBalanceId> = keys.iter().map(|key| key.0).collect();
        let free = units::free(self.app.db().read(), &ids).await?;
        Ok(free.into_iter().map(|(id, n)| (FreePieces(id), n)).collect())
    }
}
