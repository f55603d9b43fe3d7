//! The part of the subscription root that the catalog adds.
//!
//! Whether something has changed is found by looking: so it does not matter which node, job or import changed it, and
//! there is nothing that a subscriber could miss.

use std::time::Duration;

use async_graphql::{Context, ID, Result, Subscription};
use chrono::{DateTime, Utc};
use entities::{party::Action, values::id::ProductId};
use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::Product;
use crate::{
    app::App,
    catalog::ops::list::{ProductRef, find_product},
    platform::{
        auth::Proof,
        error::Error,
        graphql::{ContextExt, decode},
    },
};

/// How often a product is looked at: one statement by its key. So its events are at least this far apart.
const LOOKS_EVERY: Duration = Duration::from_secs(1);

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
        let mut looks = interval(LOOKS_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let watch = Watch {
            app: context.app().clone(),
            proof: context.data_unchecked::<Proof>().clone(),
            id: decode(&id, "id")?,
            shown: Shown::Nothing,
            looks,
        };
        Ok(stream::unfold(watch, Watch::next).boxed())
    }
}

/// A product that somebody watches.
struct Watch {
    app: App,
    proof: Proof,
    id: ProductId,
    shown: Shown,
    looks: Interval,
}

/// What was shown last.
#[derive(PartialEq, Eq)]
enum Shown {
    /// Nothing yet.
    Nothing,
    /// That it cannot be seen.
    Gone,
    /// This version.
    Version(i32, DateTime<Utc>),
}

impl Watch {
    async fn next(mut self) -> Option<(Option<Product>, Self)> {
        loop {
            // The first is at once.
            self.looks.tick().await;
            let (app, now) = (&self.app, self.app.clock().now());
            // Anew each time: what this viewer may see can change as well.
            let viewer = match app.gate().shown(app.db(), &self.proof, now).await {
                Ok(caller) => caller.viewer,
                // An event asks who is looking, too: that ends the subscription and says why.
                Err(Error::Unauthenticated) => return Some((None, self)),
                Err(_) => continue,
            };
            let Ok(found) = find_product(app.db().read(), &viewer, &ProductRef::Id(self.id)).await else { continue };
            let state = found.as_ref().map_or(Shown::Gone, |head| Shown::Version(head.version, head.updated_at));
            if self.shown != state {
                self.shown = state;
                return Some((found.map(Product), self));
            }
        }
    }
}
