//! Batch loaders of customs. A loader belongs to one request and sees what its viewer may see; what hangs on a declaration
//! may be seen by whoever may see that.

use std::{collections::HashMap, time::Duration};

use async_graphql::{
    Context,
    dataloader::{DataLoader, HashMapCache, Loader},
};
use entities::{
    customs::{declaration, match_row, paper, receipt, request, tax_bill},
    party::Viewer,
    values::id::{CustomsPaperId, DeclarationId},
};
use platform::{app::App, error::SharedError, graphql::Batches};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

/// Loads what this context owns.
#[derive(Debug)]
pub struct CustomsLoader {
    app: App,
    viewer: Viewer,
}

/// The loaders of one request: asked for twice, loaded once.
pub type CustomsLoaders = DataLoader<CustomsLoader, HashMapCache>;

impl CustomsLoader {
    pub(super) fn app(&self) -> &App {
        &self.app
    }

    pub(super) fn viewer(&self) -> &Viewer {
        &self.viewer
    }
}

/// Makes the loaders of one request.
pub fn loaders(app: &App, viewer: &Viewer, batches: &Batches) -> CustomsLoaders {
    let loader = CustomsLoader { app: app.clone(), viewer: viewer.clone() };
    DataLoader::with_cache(loader, batches.spawner(), HashMapCache::default()).delay(Duration::ZERO)
}

/// The request's loaders.
pub fn of<'a>(context: &Context<'a>) -> &'a CustomsLoaders {
    context.data_unchecked::<CustomsLoaders>()
}

/// The declaration of a document, when the viewer may see it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OfDocument(pub String);

impl Loader<OfDocument> for CustomsLoader {
    type Value = declaration::Model;
    type Error = SharedError;

    async fn load(&self, keys: &[OfDocument]) -> Result<HashMap<OfDocument, Self::Value>, SharedError> {
        let seen = declaration::Entity::visible_to(&self.viewer)
            .filter(declaration::Column::Document.is_in(keys.iter().map(|key| key.0.as_str())));
        let rows = seen.all(self.app.db().read()).await?;
        Ok(rows.into_iter().map(|row| (OfDocument(row.document.clone()), row)).collect())
    }
}

/// The papers of a declaration, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PapersOf(pub DeclarationId);

impl Loader<PapersOf> for CustomsLoader {
    type Value = Vec<paper::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[PapersOf]) -> Result<HashMap<PapersOf, Self::Value>, SharedError> {
        let rows = paper::Entity::find()
            .filter(paper::Column::DeclarationId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(paper::Column::Id);
        let mut found: HashMap<PapersOf, Vec<paper::Model>> = HashMap::new();
        for row in rows.all(self.app.db().read()).await? {
            if let Some(id) = row.declaration_id {
                found.entry(PapersOf(id)).or_default().push(row);
            }
        }
        Ok(found)
    }
}

/// What the match of a declaration found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MatchesOf(pub DeclarationId);

impl Loader<MatchesOf> for CustomsLoader {
    type Value = Vec<match_row::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[MatchesOf]) -> Result<HashMap<MatchesOf, Self::Value>, SharedError> {
        let rows = match_row::Entity::find()
            .filter(match_row::Column::DeclarationId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(match_row::Column::Position);
        let mut found: HashMap<MatchesOf, Vec<match_row::Model>> = HashMap::new();
        for row in rows.all(self.app.db().read()).await? {
            found.entry(MatchesOf(row.declaration_id)).or_default().push(row);
        }
        Ok(found)
    }
}

/// The tax bills of a declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BillsOf(pub DeclarationId);

impl Loader<BillsOf> for CustomsLoader {
    type Value = Vec<tax_bill::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[BillsOf]) -> Result<HashMap<BillsOf, Self::Value>, SharedError> {
        let rows = tax_bill::Entity::find()
            .filter(tax_bill::Column::DeclarationId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(tax_bill::Column::Id);
        let mut found: HashMap<BillsOf, Vec<tax_bill::Model>> = HashMap::new();
        for row in rows.all(self.app.db().read()).await? {
            found.entry(BillsOf(row.declaration_id)).or_default().push(row);
        }
        Ok(found)
    }
}

/// What was asked of customs for a declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestsOf(pub DeclarationId);

impl Loader<RequestsOf> for CustomsLoader {
    type Value = Vec<request::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[RequestsOf]) -> Result<HashMap<RequestsOf, Self::Value>, SharedError> {
        let rows = request::Entity::find()
            .filter(request::Column::DeclarationId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(request::Column::Id);
        let mut found: HashMap<RequestsOf, Vec<request::Model>> = HashMap::new();
        for row in rows.all(self.app.db().read()).await? {
            found.entry(RequestsOf(row.declaration_id)).or_default().push(row);
        }
        Ok(found)
    }
}

/// The receipts of a paper, as they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReceiptsOf(pub CustomsPaperId);

impl Loader<ReceiptsOf> for CustomsLoader {
    type Value = Vec<receipt::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[ReceiptsOf]) -> Result<HashMap<ReceiptsOf, Self::Value>, SharedError> {
        let rows = receipt::Entity::find()
            .filter(receipt::Column::PaperId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(receipt::Column::Time)
            .order_by_asc(receipt::Column::Id);
        let mut found: HashMap<ReceiptsOf, Vec<receipt::Model>> = HashMap::new();
        for row in rows.all(self.app.db().read()).await? {
            found.entry(ReceiptsOf(row.paper_id)).or_default().push(row);
        }
        Ok(found)
    }
}
