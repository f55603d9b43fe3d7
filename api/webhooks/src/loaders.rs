//! Batch loaders of the delivery log. A loader belongs to one request.

use std::{collections::HashMap, time::Duration};

use async_graphql::{
    Context,
    dataloader::{DataLoader, HashMapCache, Loader},
};
use entities::{values::id::WebhookDeliveryId, webhooks::attempt};
use platform::{app::App, error::SharedError, graphql::Batches};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

/// Loads what this context owns.
#[derive(Debug)]
pub struct WebhookLoader {
    app: App,
}

/// The loaders of one request: asked for twice, loaded once.
pub type WebhookLoaders = DataLoader<WebhookLoader, HashMapCache>;

/// Makes the loaders of one request.
pub fn loaders(app: &App, batches: &Batches) -> WebhookLoaders {
    DataLoader::with_cache(WebhookLoader { app: app.clone() }, batches.spawner(), HashMapCache::default())
        .delay(Duration::ZERO)
}

/// The request's loaders.
pub fn of<'a>(context: &Context<'a>) -> &'a WebhookLoaders {
    context.data_unchecked::<WebhookLoaders>()
}

/// The attempts of a delivery, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AttemptsOf(pub WebhookDeliveryId);

impl Loader<AttemptsOf> for WebhookLoader {
    type Value = Vec<attempt::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[AttemptsOf]) -> Result<HashMap<AttemptsOf, Self::Value>, Self::Error> {
        let rows = attempt::Entity::find()
            .filter(attempt::Column::DeliveryId.is_in(keys.iter().map(|k| k.0)))
            .order_by_asc(attempt::Column::Id)
            .all(self.app.db().read())
            .await;
        let mut attempts: HashMap<AttemptsOf, Vec<attempt::Model>> = HashMap::new();
        for row in rows? {
            attempts.entry(AttemptsOf(row.delivery_id)).or_default().push(row);
        }
        Ok(attempts)
    }
}
