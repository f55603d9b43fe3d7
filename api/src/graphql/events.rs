//! What happens in a subscription, one event at a time.
//!
//! A subscription may be open for hours, and the library gives all its events the same data. So each event is carried
//! out as a request of its own: its viewer is looked up anew, its loaders are fresh, it takes a seat and has a time
//! limit. A hook of the library does this; because a hook slows down every field, subscriptions have a schema of their
//! own, which is the same otherwise.
//!
//! What a subscription's root field itself does happens before, without loaders: it reads from the database.

use std::sync::Arc;

use async_graphql::{
    Data, Response,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute},
};
use async_trait::async_trait;
use entities::values::Locale;
use platform::auth::Proof;

use super::gateway::{Gateway, overloaded, unknown_caller};

/// In a request's data: it is validated and nothing else.
pub(super) struct OnlyValidate;

/// In a request's data: what its events are made with.
pub(super) struct Streaming {
    pub(super) gateway: Gateway,
    pub(super) proof: Proof,
    pub(super) locale: Locale,
}

/// The hook.
pub(super) struct PerEvent;

impl ExtensionFactory for PerEvent {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait]
impl Extension for PerEvent {
    async fn execute(
        &self,
        context: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        if context.data_opt::<OnlyValidate>().is_some() {
            return Response::default();
        }
        let Some(Streaming { gateway, proof, locale }) = context.data_opt::<Streaming>() else {
            return next.run(context, operation_name).await;
        };
        let caller = match gateway.caller(proof).await {
            Ok(caller) => caller,
            Err(error) => return *unknown_caller(error),
        };
        let Some(_seat) = gateway.seats().wait().await else { return *overloaded() };
        let mut data = Data::default();
        let batches = gateway.equip(&mut data, caller, locale.clone(), true);
        gateway.timed(&batches, next.run_with_data(context, operation_name, data)).await
    }
}
