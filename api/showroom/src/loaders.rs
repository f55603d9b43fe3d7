//! Batch loaders of showrooms. Whoever asks for a slot or a showroom here has found what refers to it.

use std::{collections::HashMap, time::Duration};

use async_graphql::{
    Context,
    dataloader::{DataLoader, HashMapCache, Loader},
};
use entities::{
    showroom::{bonded_display, slot, store},
    values::id::{BondedDisplayId, ShowroomId, SlotId},
};
use platform::{app::App, error::SharedError, graphql::Batches};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::ops::bonded::reads::{self, Pieces};

/// Loads what this context owns.
#[derive(Debug)]
pub struct ShowroomLoader {
    app: App,
}

/// The loaders of one request: asked for twice, loaded once.
pub type ShowroomLoaders = DataLoader<ShowroomLoader, HashMapCache>;

/// Makes the loaders of one request.
pub fn loaders(app: &App, batches: &Batches) -> ShowroomLoaders {
    DataLoader::with_cache(ShowroomLoader { app: app.clone() }, batches.spawner(), HashMapCache::default())
        .delay(Duration::ZERO)
}

/// The request's loaders.
pub fn of<'a>(context: &Context<'a>) -> &'a ShowroomLoaders {
    context.data_unchecked::<ShowroomLoaders>()
}

impl Loader<SlotId> for ShowroomLoader {
    type Value = slot::Model;
    type Error = SharedError;

    async fn load(&self, ids: &[SlotId]) -> Result<HashMap<SlotId, Self::Value>, SharedError> {
        let rows = slot::Entity::find().filter(slot::Column::Id.is_in(ids.iter().copied()));
        Ok(rows.all(self.app.db().read()).await?.into_iter().map(|row| (row.id, row)).collect())
    }
}

impl Loader<ShowroomId> for ShowroomLoader {
    type Value = store::Model;
    type Error = SharedError;

    async fn load(&self, ids: &[ShowroomId]) -> Result<HashMap<ShowroomId, Self::Value>, SharedError> {
        let rows = store::Entity::find().filter(store::Column::Id.is_in(ids.iter().copied()));
        Ok(rows.all(self.app.db().read()).await?.into_iter().map(|row| (row.id, row)).collect())
    }
}

impl Loader<BondedDisplayId> for ShowroomLoader {
    type Value = bonded_display::Model;
    type Error = SharedError;

    async fn load(&self, ids: &[BondedDisplayId]) -> Result<HashMap<BondedDisplayId, Self::Value>, SharedError> {
        let rows = bonded_display::Entity::find().filter(bonded_display::Column::Id.is_in(ids.iter().copied()));
        Ok(rows.all(self.app.db().read()).await?.into_iter().map(|row| (row.id, row)).collect())
    }
}

/// How many pieces of a bonded display are in which state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PiecesOf(pub BondedDisplayId);

impl Loader<PiecesOf> for ShowroomLoader {
    type Value = Vec<Pieces>;
    type Error = SharedError;

    async fn load(&self, keys: &[PiecesOf]) -> Result<HashMap<PiecesOf, Self::Value>, SharedError> {
        let ids: Vec<BondedDisplayId> = keys.iter().map(|key| key.0).collect();
        let mut found: HashMap<PiecesOf, Vec<Pieces>> = HashMap::new();
        for row in reads::pieces(self.app.db().read(), &ids).await? {
            found.entry(PiecesOf(row.display_id)).or_default().push(row);
        }
        Ok(found)
    }
}
