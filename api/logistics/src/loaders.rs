//! Batch loaders of logistics. A loader belongs to one request; shipments are those that its viewer may see, and who may
//! see a shipment may see what hangs on it.

use std::{collections::HashMap, hash::Hash, time::Duration};

use async_graphql::{
    Context,
    dataloader::{DataLoader, HashMapCache, Loader},
};
use entities::{
    inventory::gate::pass,
    logistics::{cold::Breach, hold, leg, proof, shipment, unit},
    party::Viewer,
    values::id::ShipmentId,
};
use platform::{app::App, error::SharedError, graphql::Batches};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::ops::{cold, passes};

/// Loads what this context owns.
#[derive(Debug)]
pub struct LogisticsLoader {
    app: App,
    viewer: Viewer,
}

/// The loaders of one request: asked for twice, loaded once.
pub type LogisticsLoaders = DataLoader<LogisticsLoader, HashMapCache>;

/// Makes the loaders of one request.
pub fn loaders(app: &App, viewer: &Viewer, batches: &Batches) -> LogisticsLoaders {
    let loader = LogisticsLoader { app: app.clone(), viewer: viewer.clone() };
    DataLoader::with_cache(loader, batches.spawner(), HashMapCache::default()).delay(Duration::ZERO)
}

/// The request's loaders.
pub fn of<'a>(context: &Context<'a>) -> &'a LogisticsLoaders {
    context.data_unchecked::<LogisticsLoaders>()
}

impl Loader<ShipmentId> for LogisticsLoader {
    type Value = shipment::Model;
    type Error = SharedError;

    async fn load(&self, ids: &[ShipmentId]) -> Result<HashMap<ShipmentId, Self::Value>, SharedError> {
        let seen = shipment::Entity::visible_to(&self.viewer).filter(shipment::Column::Id.is_in(ids.iter().copied()));
        Ok(seen.all(self.app.db().read()).await?.into_iter().map(|row| (row.id, row)).collect())
    }
}

/// The shipment of a document that the viewer may see.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ShipmentOf(pub String);

impl Loader<ShipmentOf> for LogisticsLoader {
    type Value = shipment::Model;
    type Error = SharedError;

    async fn load(&self, keys: &[ShipmentOf]) -> Result<HashMap<ShipmentOf, Self::Value>, SharedError> {
        let seen = shipment::Entity::visible_to(&self.viewer)
            .filter(shipment::Column::Document.is_in(keys.iter().map(|key| key.0.as_str())));
        let rows = seen.all(self.app.db().read()).await?;
        Ok(rows.into_iter().map(|row| (ShipmentOf(row.document.clone()), row)).collect())
    }
}

fn grouped<K: Eq + Hash, V>(rows: Vec<V>, key: impl Fn(&V) -> K) -> HashMap<K, Vec<V>> {
    let mut found: HashMap<K, Vec<V>> = HashMap::new();
    for row in rows {
        found.entry(key(&row)).or_default().push(row);
    }
    found
}

/// Declares what hangs on a shipment as a handful, in the order of a column.
macro_rules! handful {
    ($($(#[$doc:meta])* $key:ident: $table:ident by $order:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $key(pub ShipmentId);

        impl Loader<$key> for LogisticsLoader {
            type Value = Vec<$table::Model>;
            type Error = SharedError;

            async fn load(&self, keys: &[$key]) -> Result<HashMap<$key, Self::Value>, SharedError> {
                let rows = $table::Entity::find()
                    .filter($table::Column::ShipmentId.is_in(keys.iter().map(|key| key.0)))
                    .order_by_asc($table::Column::$order);
                Ok(grouped(rows.all(self.app.db().read()).await?, |row| $key(row.shipment_id)))
            }
        }
    )+};
}

handful! {
    /// The legs of a shipment, in their order.
    LegsOf: leg by Number;
    /// The units of a shipment, in the order in which they were packed.
    UnitsOf: unit by Id;
    /// The holds of a shipment, first first.
    HoldsOf: hold by Id;
    /// The proofs of a shipment, first first.
    ProofsOf: proof by Id;
}

/// When the goods of a shipment were outside their range for too long, by device. The shipments have been found before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BreachesOf(pub ShipmentId);

impl Loader<BreachesOf> for LogisticsLoader {
    type Value = Vec<(String, Breach)>;
    type Error = SharedError;

    async fn load(&self, keys: &[BreachesOf]) -> Result<HashMap<BreachesOf, Self::Value>, SharedError> {
        let db = self.app.db().read();
        let rows = shipment::Entity::find().filter(shipment::Column::Id.is_in(keys.iter().map(|key| key.0)));
        let found = cold::breached(db, &rows.all(db).await?).await?;
        Ok(found.into_iter().map(|(id, breaches)| (BreachesOf(id), breaches)).collect())
    }
}

/// The gate pass that a shipment is on, or went out under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PassOf(pub ShipmentId);

impl Loader<PassOf> for LogisticsLoader {
    type Value = pass::Model;
    type Error = SharedError;

    async fn load(&self, keys: &[PassOf]) -> Result<HashMap<PassOf, Self::Value>, SharedError> {
        let ids: Vec<ShipmentId> = keys.iter().map(|key| key.0).collect();
        let found = passes::live_of(self.app.db().read(), &ids).await?;
        Ok(found.into_iter().map(|(id, row)| (PassOf(id), row)).collect())
    }
}
