//! The part of the subscription root that orders add.

use async_graphql::{Context, ID, Result, Subscription};
use entities::{party::Action, values::id::OrderId};
use futures_util::stream::BoxStream;
use platform::{
    app::watched,
    auth::Proof,
    graphql::{ContextExt, decode},
};

use super::order::Order;
use crate::ops::orders;

/// The part of the subscription root that this context adds.
#[derive(Default)]
pub struct OrderingSubscription;

#[Subscription]
impl OrderingSubscription {
    /// An order as it is now, and again whenever it, how it stands at customs, or its parcel has changed; null when it cannot be seen
    /// (any more) (订单更新).
    async fn order_updated(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which order.")] id: ID,
    ) -> Result<BoxStream<'static, Option<Order>>> {
        context.may(Action::ReadOrders)?;
        let id: OrderId = decode(&id, "id")?;
        Ok(watched(context.app(), context.data_unchecked::<Proof>(), move |app, viewer| {
            Box::pin(async move {
                let db = app.db().read();
                let Some(row) = orders::find(db, &viewer, id).await? else { return Ok(None) };
                let declared = customs::lists::of_document(db, &row.number).await?;
                let declared = declared.map(|row| (row.version, row.updated_at));
                let parcel = logistics::ops::version_of(db, &row.number).await?;
                let stamp = format!("{} {} {declared:?} {parcel:?}", row.version, row.updated_at);
                Ok(Some((Order(row), stamp)))
            })
        }))
    }
}
