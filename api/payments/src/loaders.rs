//! Batch loaders of payments. Who may see a document may see what was paid for it, and who may see a payment may see
//! what of it goes back: whoever asks here has found the one above.

use std::{collections::HashMap, time::Duration};

use async_graphql::{
    Context,
    dataloader::{DataLoader, HashMapCache, Loader},
};
use entities::{
    payments::{payment, refund},
    values::id::PaymentId,
};
use platform::{app::App, error::SharedError, graphql::Batches};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

/// Loads what this context owns.
#[derive(Debug)]
pub struct PaymentsLoader {
    app: App,
}

/// The loaders of one request: asked for twice, loaded once.
pub type PaymentsLoaders = DataLoader<PaymentsLoader, HashMapCache>;

/// Makes the loaders of one request.
pub fn loaders(app: &App, batches: &Batches) -> PaymentsLoaders {
    DataLoader::with_cache(PaymentsLoader { app: app.clone() }, batches.spawner(), HashMapCache::default())
        .delay(Duration::ZERO)
}

/// The request's loaders.
pub fn of<'a>(context: &Context<'a>) -> &'a PaymentsLoaders {
    context.data_unchecked::<PaymentsLoaders>()
}

/// The payments for a document, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PaymentsFor(pub String);

impl Loader<PaymentsFor> for PaymentsLoader {
    type Value = Vec<payment::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[PaymentsFor]) -> Result<HashMap<PaymentsFor, Self::Value>, SharedError> {
        let rows = payment::Entity::find()
            .filter(payment::Column::Document.is_in(keys.iter().map(|key| key.0.as_str())))
            .order_by_asc(payment::Column::Id);
        let mut found: HashMap<PaymentsFor, Vec<payment::Model>> = HashMap::new();
        for row in rows.all(self.app.db().read()).await? {
            found.entry(PaymentsFor(row.document.clone())).or_default().push(row);
        }
        Ok(found)
    }
}

/// The refunds of a payment, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RefundsOf(pub PaymentId);

impl Loader<RefundsOf> for PaymentsLoader {
    type Value = Vec<refund::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[RefundsOf]) -> Result<HashMap<RefundsOf, Self::Value>, SharedError> {
        let rows = refund::Entity::find()
            .filter(refund::Column::PaymentId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(refund::Column::Id);
        let mut found: HashMap<RefundsOf, Vec<refund::Model>> = HashMap::new();
        for row in rows.all(self.app.db().read()).await? {
            found.entry(RefundsOf(row.payment_id)).or_default().push(row);
        }
        Ok(found)
    }
}
