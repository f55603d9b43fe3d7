//! The part of the subscription root that the catalog adds.

use async_graphql::{Context, ID, Result, Subscription};
use entities::{party::Action, values::id::ProductId};
use futures_util::stream::BoxStream;
use platform::{
    app::watched,
    auth::Proof,
    graphql::{ContextExt, decode},
};

use super::Product;
use crate::ops::list::{ProductRef, find_product};

/// The part of the subscription root that this context adds.
#[derive(Default)]
pub struct CatalogSubscription;

#[Subscription]
impl CatalogSubscription {
    /// A product as it is now, and again whenever it has changed; null when it cannot be seen (any more) (商品更新).
    async fn product_updated(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which product.")] id: ID,
    ) -> Result<BoxStream<'static, Option<Product>>> {
        context.may(Action::ReadPublic)?;
        let id: ProductId = decode(&id, "id")?;
        Ok(watched(context.app(), context.data_unchecked::<Proof>(), move |app, viewer| {
            Box::pin(async move {
                let found = find_product(app.db().read(), &viewer, &ProductRef::Id(id)).await?;
                Ok(found.map(|head| {
                    let stamp = format!("{} {}", head.version, head.updated_at);
                    (Product(head), stamp)
                }))
            })
        }))
    }
}
