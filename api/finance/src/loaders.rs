//! Batch loaders of finance. A loader belongs to one request; who sees a receivable sees what is loaded of it.

pub mod conditions;

use std::{collections::HashMap, time::Duration};

use async_graphql::{
    Context,
    dataloader::{DataLoader, HashMapCache, Loader},
};
use entities::{
    finance::{confirmation, offer, programme, receivable, request},
    party::{Viewer, bank_account},
    procurement::receivable::Evidence,
    values::id::{
        BankAccountId, EvidencePackageId, FinancingProgrammeId, FinancingRequestId, PayableEventId, PayableId,
        ReceivableId,
    },
};
use platform::{app::App, error::SharedError, graphql::Batches};
use procurement::ops::payables;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::ops::{confirmations, evidence, offers};

/// Loads what this context owns, and what its things rest on.
#[derive(Debug)]
pub struct FinanceLoader {
    app: App,
    viewer: Viewer,
}

/// The loaders of one request: asked for twice, loaded once.
pub type FinanceLoaders = DataLoader<FinanceLoader, HashMapCache>;

/// Makes the loaders of one request.
pub fn loaders(app: &App, viewer: &Viewer, batches: &Batches) -> FinanceLoaders {
    let loader = FinanceLoader { app: app.clone(), viewer: viewer.clone() };
    DataLoader::with_cache(loader, batches.spawner(), HashMapCache::default()).delay(Duration::ZERO)
}

/// The request's loaders.
pub fn of<'a>(context: &Context<'a>) -> &'a FinanceLoaders {
    context.data_unchecked::<FinanceLoaders>()
}

/// What a receivable for a matched invoice is made of, by its payable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EvidenceOf(pub PayableId);

impl Loader<EvidenceOf> for FinanceLoader {
    type Value = Evidence;
    type Error = SharedError;

    async fn load(&self, keys: &[EvidenceOf]) -> Result<HashMap<EvidenceOf, Self::Value>, SharedError> {
        let ids: Vec<PayableId> = keys.iter().map(|key| key.0).collect();
        let found = payables::evidence_of(self.app.db().read(), &ids).await?;
        Ok(found.into_iter().map(|(id, evidence)| (EvidenceOf(id), evidence)).collect())
    }
}

/// The evidence that something that happened led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EvidenceAfter(pub PayableEventId);

impl Loader<EvidenceAfter> for FinanceLoader {
    type Value = Evidence;
    type Error = SharedError;

    async fn load(&self, keys: &[EvidenceAfter]) -> Result<HashMap<EvidenceAfter, Self::Value>, SharedError> {
        let ids: Vec<PayableEventId> = keys.iter().map(|key| key.0).collect();
        let found = payables::evidence_after(self.app.db().read(), &ids).await?;
        Ok(found.into_iter().map(|(id, evidence)| (EvidenceAfter(id), evidence)).collect())
    }
}

/// The questions of a receivable, the newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConfirmationsOf(pub ReceivableId);

impl Loader<ConfirmationsOf> for FinanceLoader {
    type Value = Vec<confirmation::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[ConfirmationsOf]) -> Result<HashMap<ConfirmationsOf, Self::Value>, SharedError> {
        let ids: Vec<ReceivableId> = keys.iter().map(|key| key.0).collect();
        let found = confirmations::of(self.app.db().read(), &ids).await?;
        Ok(found.into_iter().map(|(id, rows)| (ConfirmationsOf(id), rows)).collect())
    }
}

/// The account that a debtor is to pay to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AccountOf(pub BankAccountId);

impl Loader<AccountOf> for FinanceLoader {
    type Value = bank_account::Model;
    type Error = SharedError;

    async fn load(&self, keys: &[AccountOf]) -> Result<HashMap<AccountOf, Self::Value>, SharedError> {
        let ids: Vec<BankAccountId> = keys.iter().map(|key| key.0).collect();
        let found = confirmations::accounts(self.app.db().read(), &ids).await?;
        Ok(found.into_iter().map(|(id, row)| (AccountOf(id), row)).collect())
    }
}

/// A programme, as far as the viewer may see it: what nobody approved is its financier's alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProgrammeOf(pub FinancingProgrammeId);

impl Loader<ProgrammeOf> for FinanceLoader {
    type Value = programme::Model;
    type Error = SharedError;

    async fn load(&self, keys: &[ProgrammeOf]) -> Result<HashMap<ProgrammeOf, Self::Value>, SharedError> {
        let rows = programme::Entity::visible_to(&self.viewer)
            .filter(programme::Column::Id.is_in(keys.iter().map(|key| key.0)));
        Ok(rows.all(self.app.db().read()).await?.into_iter().map(|row| (ProgrammeOf(row.id), row)).collect())
    }
}

/// The offers to a request, the newest first; those that the viewer may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OffersOf(pub FinancingRequestId);

impl Loader<OffersOf> for FinanceLoader {
    type Value = Vec<offer::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[OffersOf]) -> Result<HashMap<OffersOf, Self::Value>, SharedError> {
        let ids: Vec<FinancingRequestId> = keys.iter().map(|key| key.0).collect();
        let found = offers::of(self.app.db().read(), &self.viewer, &ids).await?;
        Ok(found.into_iter().map(|(id, rows)| (OffersOf(id), rows)).collect())
    }
}

/// The file of an evidence package; who sees the package sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileOf(pub EvidencePackageId);

impl Loader<FileOf> for FinanceLoader {
    type Value = String;
    type Error = SharedError;

    async fn load(&self, keys: &[FileOf]) -> Result<HashMap<FileOf, Self::Value>, SharedError> {
        let ids: Vec<EvidencePackageId> = keys.iter().map(|key| key.0).collect();
        let found = evidence::files(self.app.db().read(), &ids).await?;
        Ok(found.into_iter().map(|(id, file)| (FileOf(id), file)).collect())
    }
}

/// A request; who sees a financing of it sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestOf(pub FinancingRequestId);

impl Loader<RequestOf> for FinanceLoader {
    type Value = request::Model;
    type Error = SharedError;

    async fn load(&self, keys: &[RequestOf]) -> Result<HashMap<RequestOf, Self::Value>, SharedError> {
        let rows = request::Entity::find().filter(request::Column::Id.is_in(keys.iter().map(|key| key.0)));
        Ok(rows.all(self.app.db().read()).await?.into_iter().map(|row| (RequestOf(row.id), row)).collect())
    }
}

/// A receivable, as far as the viewer may see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReceivableOf(pub ReceivableId);

impl Loader<ReceivableOf> for FinanceLoader {
    type Value = receivable::Model;
    type Error = SharedError;

    async fn load(&self, keys: &[ReceivableOf]) -> Result<HashMap<ReceivableOf, Self::Value>, SharedError> {
        let rows = receivable::Entity::visible_to(&self.viewer);
        let rows = rows.filter(receivable::Column::Id.is_in(keys.iter().map(|key| key.0)));
        Ok(rows.all(self.app.db().read()).await?.into_iter().map(|row| (ReceivableOf(row.id), row)).collect())
    }
}
