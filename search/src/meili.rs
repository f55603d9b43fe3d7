//! Meilisearch, for when one machine is not enough.

use std::time::Duration;

use meilisearch_sdk::{client::Client, settings::Settings, task_info::TaskInfo, tasks::Task};
use uuid::Uuid;

use crate::{Document, SearchEngine, SearchError};

const INDEX: &str = "chama_products";
/// How long a task of Meilisearch may take until it counts as failed.
const TASK_TIMEOUT: Duration = Duration::from_mins(2);

#[derive(Debug)]
pub(crate) struct Meili {
    client: Client,
}

impl Meili {
    pub(crate) fn new(url: &str, key: Option<&str>) -> Result<Self, SearchError> {
        Ok(Self { client: Client::new(url, key)? })
    }

    async fn finish(&self, task: TaskInfo) -> Result<(), SearchError> {
        let done = task.wait_for_completion(&self.client, Some(Duration::from_millis(50)), Some(TASK_TIMEOUT)).await?;
        match done {
            Task::Succeeded { .. } => Ok(()),
            Task::Failed { content } => Err(SearchError::Task(content.error.error_message)),
            Task::Enqueued { .. } | Task::Processing { .. } => {
                Err(SearchError::Task("it did not finish in time".into()))
            }
        }
    }
}

#[async_trait::async_trait]
impl SearchEngine for Meili {
    fn name(&self) -> &'static str {
        "Meilisearch"
    }

    async fn put(&self, documents: Vec<Document>) -> Result<(), SearchError> {
        let index = self.client.index(INDEX);
        let settings = Settings::new().with_searchable_attributes(["title", "codes", "body"]);
        self.finish(index.set_settings(&settings).await?).await?;
        self.finish(index.add_or_replace(&documents, Some("id")).await?).await
    }

    async fn clear(&self) -> Result<(), SearchError> {
        self.finish(self.client.index(INDEX).delete_all_documents().await?).await
    }

    async fn find(&self, text: &str, limit: usize) -> Result<Vec<Uuid>, SearchError> {
        let index = self.client.index(INDEX);
        let mut query = index.search();
        query.with_query(text).with_limit(limit);
        let found = query.execute::<Document>().await?;
        Ok(found.hits.into_iter().map(|hit| hit.result.id).collect())
    }

    async fn count(&self) -> Result<u64, SearchError> {
        let stats = self.client.get_stats().await?;
        Ok(stats.indexes.get(INDEX).map_or(0, |index| index.number_of_documents as u64))
    }
}
