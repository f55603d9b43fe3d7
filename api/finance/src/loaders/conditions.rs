//! What hangs on requests for financing once their offers are taken: of all that one list shows at once.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use entities::{
    finance::{condition, notice, registry},
    values::id::FinancingRequestId,
};
use platform::error::SharedError;

use super::FinanceLoader;
use crate::ops::{conditions, notices};

/// What has to be done before money is paid out on a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConditionsOf(pub FinancingRequestId);

impl Loader<ConditionsOf> for FinanceLoader {
    type Value = Vec<condition::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[ConditionsOf]) -> Result<HashMap<ConditionsOf, Self::Value>, SharedError> {
        let ids: Vec<FinancingRequestId> = keys.iter().map(|key| key.0).collect();
        let found = conditions::of(self.app.db().read(), &ids).await?;
        Ok(found.into_iter().map(|(id, rows)| (ConditionsOf(id), rows)).collect())
    }
}

/// What the registry knows of a request; it is its financier's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RegistrationOf(pub FinancingRequestId);

impl Loader<RegistrationOf> for FinanceLoader {
    type Value = registry::Model;
    type Error = SharedError;

    async fn load(&self, keys: &[RegistrationOf]) -> Result<HashMap<RegistrationOf, Self::Value>, SharedError> {
        let ids: Vec<FinancingRequestId> = keys.iter().map(|key| key.0).collect();
        let found = conditions::records(self.app.db().read(), &ids).await?;
        Ok(found.into_iter().map(|(id, row)| (RegistrationOf(id), row)).collect())
    }
}

/// The notices of a request; those that the viewer may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NoticesOf(pub FinancingRequestId);

impl Loader<NoticesOf> for FinanceLoader {
    type Value = Vec<notice::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[NoticesOf]) -> Result<HashMap<NoticesOf, Self::Value>, SharedError> {
        let ids: Vec<FinancingRequestId> = keys.iter().map(|key| key.0).collect();
        let found = notices::of(self.app.db().read(), &self.viewer, &ids).await?;
        Ok(found.into_iter().map(|(id, rows)| (NoticesOf(id), rows)).collect())
    }
}
