//! Batch loaders of exports: what hangs on one may be seen by whoever may see that.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use entities::{
    customs::{
        export::{about, entry, line, summarised},
        paper,
    },
    values::id::{CustomsPaperId, ExportId, ExportSummaryId},
};
use platform::error::SharedError;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::loaders::CustomsLoader;

/// The lines of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinesOfExport(pub ExportId);

impl Loader<LinesOfExport> for CustomsLoader {
    type Value = Vec<line::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[LinesOfExport]) -> Result<HashMap<LinesOfExport, Self::Value>, SharedError> {
        let rows = line::Entity::find()
            .filter(line::Column::ExportId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(line::Column::ExportId)
            .order_by_asc(line::Column::Number);
        let mut found: HashMap<LinesOfExport, Vec<line::Model>> = HashMap::new();
        for row in rows.all(self.app().db().read()).await? {
            found.entry(LinesOfExport(row.export_id)).or_default().push(row);
        }
        Ok(found)
    }
}

/// The papers that are about an export, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PapersOfExport(pub ExportId);

impl Loader<PapersOfExport> for CustomsLoader {
    type Value = Vec<paper::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[PapersOfExport]) -> Result<HashMap<PapersOfExport, Self::Value>, SharedError> {
        let db = self.app().db().read();
        let links = about::Entity::find()
            .filter(about::Column::ExportId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(about::Column::PaperId)
            .all(db)
            .await?;
        let mut papers: HashMap<CustomsPaperId, paper::Model> = HashMap::new();
        let ids: Vec<CustomsPaperId> = links.iter().map(|link| link.paper_id).collect();
        for row in paper::Entity::find().filter(paper::Column::Id.is_in(ids)).all(db).await? {
            papers.insert(row.id, row);
        }
        let mut found: HashMap<PapersOfExport, Vec<paper::Model>> = HashMap::new();
        for link in links {
            if let Some(row) = papers.get(&link.paper_id) {
                found.entry(PapersOfExport(link.export_id)).or_default().push(row.clone());
            }
        }
        Ok(found)
    }
}

/// A summary, when the viewer may see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Summary(pub ExportSummaryId);

impl Loader<Summary> for CustomsLoader {
    type Value = summarised::Model;
    type Error = SharedError;

    async fn load(&self, keys: &[Summary]) -> Result<HashMap<Summary, Self::Value>, SharedError> {
        let seen = summarised::Entity::visible_to(self.viewer())
            .filter(summarised::Column::Id.is_in(keys.iter().map(|key| key.0)));
        let rows = seen.all(self.app().db().read()).await?;
        Ok(rows.into_iter().map(|row| (Summary(row.id), row)).collect())
    }
}

/// The entries that customs made of a summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EntriesOf(pub ExportSummaryId);

impl Loader<EntriesOf> for CustomsLoader {
    type Value = Vec<entry::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[EntriesOf]) -> Result<HashMap<EntriesOf, Self::Value>, SharedError> {
        let rows = entry::Entity::find()
            .filter(entry::Column::SummaryId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(entry::Column::DeclSeqNo);
        let mut found: HashMap<EntriesOf, Vec<entry::Model>> = HashMap::new();
        for row in rows.all(self.app().db().read()).await? {
            found.entry(EntriesOf(row.summary_id)).or_default().push(row);
        }
        Ok(found)
    }
}
