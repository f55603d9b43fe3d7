//! Something that somebody watches, as a stream for a subscription.
//!
//! Whether it has changed is found by looking: so it does not matter which node, job or import changed it, and there is
//! nothing that a subscriber could miss.

use std::time::Duration;

use entities::party::Viewer;
use futures_util::{
    future::BoxFuture,
    stream::{self, BoxStream, StreamExt},
};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::App;
use crate::{auth::Proof, error::Error};

/// How often a thing is looked at: a statement or two by its key. So its events are at least this far apart.
const LOOKS_EVERY: Duration = Duration::from_secs(1);

/// A look at a thing: what it is, and a stamp that changes with it; none: it cannot be seen.
pub(super) type Look<T> = BoxFuture<'static, Result<Option<(T, String)>, Error>>;

/// What was shown last.
#[derive(PartialEq, Eq)]
enum Shown {
    /// Nothing yet.
    Nothing,
    /// That it cannot be seen.
    Gone,
    /// It, with this stamp.
    Stamped(String),
}

struct Watch<T, F> {
    app: App,
    proof: Proof,
    look: F,
    shown: Shown,
    looks: Interval,
    what: std::marker::PhantomData<fn() -> T>,
}

/// A thing as it is now, and again whenever it has changed; none when it cannot be seen (any more).
pub fn watched<T: Send + 'static>(
    app: &App,
    proof: &Proof,
    look: impl Fn(App, Viewer) -> Look<T> + Send + 'static,
) -> BoxStream<'static, Option<T>> {
    let mut looks = interval(LOOKS_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let what = std::marker::PhantomData;
    let watch = Watch { app: app.clone(), proof: proof.clone(), look, shown: Shown::Nothing, looks, what };
    stream::unfold(watch, Watch::next).boxed()
}

impl<T, F: Fn(App, Viewer) -> Look<T>> Watch<T, F> {
    async fn next(mut self) -> Option<(Option<T>, Self)> {
        loop {
            // The first is at once.
            self.looks.tick().await;
            let now = self.app.clock().now();
            // Anew each time: what this viewer may see can change as well.
            let viewer = match self.app.gate().shown(self.app.db(), &self.proof, now).await {
                Ok(caller) => caller.viewer,
                // An event asks who is looking, too: that ends the subscription and says why.
                Err(Error::Unauthenticated) => return Some((None, self)),
                Err(_) => continue,
            };
            let Ok(found) = (self.look)(self.app.clone(), viewer).await else { continue };
            let (found, state) =
                found.map_or((None, Shown::Gone), |(found, stamp)| (Some(found), Shown::Stamped(stamp)));
            if self.shown != state {
                self.shown = state;
                return Some((found, self));
            }
        }
    }
}
