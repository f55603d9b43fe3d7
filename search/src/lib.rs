//! Finding things by words: one trait, two engines.
//!
//! The index is derived data. It holds what can be found, the database says what may be seen: an engine
//! answers with ids, best first, and the caller reads the rows through its own visibility. An index may
//! vanish at any time and is rebuilt by `chama reindex`.

use std::{path::Path, sync::Arc};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

mod embedded;
mod meili;
mod segmenter;

/// What an index knows of a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// The product's id.
    pub id: Uuid,
    /// Names in all languages, and the brand's.
    pub title: String,
    /// Category names and descriptions.
    pub body: String,
    /// GTIN, HS codes, article numbers: found as they are written.
    pub codes: Vec<String>,
}

/// A search engine.
#[async_trait::async_trait]
pub trait SearchEngine: Send + Sync + std::fmt::Debug {
    /// Its name, for people.
    fn name(&self) -> &'static str;

    /// Puts documents into the index, replacing those with the same id. They can be found when this returns.
    async fn put(&self, documents: Vec<Document>) -> Result<(), SearchError>;

    /// Takes every document out.
    async fn clear(&self) -> Result<(), SearchError>;

    /// Ids of the products that fit `text`, best first, at most `limit`.
    async fn find(&self, text: &str, limit: usize) -> Result<Vec<Uuid>, SearchError>;

    /// Lets go of what only a burst of work needs; after bulk loads.
    fn rest(&self) {}

    /// How many documents it holds. Fails when the engine cannot be reached.
    async fn count(&self) -> Result<u64, SearchError>;
}

/// Why an engine did not answer.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The embedded index cannot be read or written.
    #[error("the search index: {0}")]
    Index(#[from] tantivy::TantivyError),
    /// Meilisearch refused or cannot be reached.
    #[error("Meilisearch: {0}")]
    Meilisearch(#[from] meilisearch_sdk::errors::Error),
    /// Meilisearch took a task and failed it.
    #[error("Meilisearch failed a task: {0}")]
    Task(String),
    /// The folder of the index.
    #[error("the folder of the search index: {0}")]
    Folder(#[from] std::io::Error),
    /// The thread that indexed was lost.
    #[error("indexing was interrupted: {0}")]
    Interrupted(#[from] tokio::task::JoinError),
}

/// The embedded engine, keeping its index in `folder` (created when missing).
pub fn embedded(folder: &Path) -> Result<Arc<dyn SearchEngine>, SearchError> {
    Ok(Arc::new(embedded::Embedded::open(folder)?))
}

/// A Meilisearch at `url`; nothing is sent yet.
pub fn meilisearch(url: &str, key: Option<&str>) -> Result<Arc<dyn SearchEngine>, SearchError> {
    Ok(Arc::new(meili::Meili::new(url, key)?))
}
