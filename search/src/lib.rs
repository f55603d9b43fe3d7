//! Finding things by words: one trait, two engines, one way of reading text.
//!
//! ```text
//! analysis    what a text says: words, pinyin, units, the same for both engines and for highlights
//! embedded    the default engine: a tantivy index in the data folder
//! meili       Meilisearch, for when one machine is not enough
//! plain       the same answers computed in memory: for when the index is away, and the oracle of the tests
//! reading     what people see of a find: highlights, "did you mean"
//! ```
//!
//! - The index is derived data. An engine answers with ids, best first, with counts; what a viewer is shown of them
//!   the caller reads from the database. An index may vanish at any time: it says [`SearchEngine::ready`] no more,
//!   and is rebuilt.
//! - **No query without [`Visible`].** It is a field without a default, and every engine puts it beside whatever the
//!   client filters by.
//! - **A rebuild goes beside the live index**: [`SearchEngine::begin_rebuild`], then every [`SearchEngine::put`]
//!   goes into both, then [`SearchEngine::swap`]. The caller does these one at a time, in the order of the changes.

use std::{path::Path, sync::Arc};

use uuid::Uuid;

mod analysis;
mod document;
mod embedded;
mod meili;
mod plain;
mod query;
mod reading;

pub use self::{
    analysis::{Analyzer, PlainWord, let_dictionary_go},
    document::{Document, Facet, Kind},
    plain::answer as plain_answer,
    query::{Answer, Band, Found, Query, Sort, Visible},
    reading::{Fragment, did_you_mean, highlights, snippet},
};

/// Pages of a search end here: whoever wants more narrows the search.
pub const DEEPEST: usize = 1_000;

/// A search engine.
#[async_trait::async_trait]
pub trait SearchEngine: Send + Sync + std::fmt::Debug {
    /// Its name, for people.
    fn name(&self) -> &'static str;

    /// Whether there is a whole index to answer from. No: it is missing, damaged or of an older shape, and must be
    /// rebuilt. An error: it cannot be reached.
    async fn ready(&self) -> Result<bool, SearchError>;

    /// Answers a query. [`SearchError::NotReady`] when there is no index.
    async fn search(&self, query: &Query) -> Result<Answer, SearchError>;

    /// Puts documents into the index, replacing those of the same id, and takes others out; into the one that is
    /// being built as well. They can be found when this returns. Without any index it does nothing: the rebuild
    /// that is due will read what is there then.
    async fn put(&self, documents: Vec<Document>, gone: &[Uuid]) -> Result<(), SearchError>;

    /// Begins a new index beside the live one. One that was begun before is given up.
    async fn begin_rebuild(&self) -> Result<(), SearchError>;

    /// Puts documents into the new index only.
    async fn put_next(&self, documents: Vec<Document>) -> Result<(), SearchError>;

    /// The new index takes the place of the live one. Answers come from one or the other, at every moment.
    async fn swap(&self) -> Result<(), SearchError>;

    /// How many documents of a kind the live index has.
    async fn count(&self, kind: Kind) -> Result<u64, SearchError>;

    /// The stamps ([`Document::stamp`]) of these documents, as far as the live index has them.
    async fn stamps(&self, ids: &[Uuid]) -> Result<Vec<(Uuid, String)>, SearchError>;

    /// What the live index has from place `offset` on, at most `limit`, in an order of its own: a walk over all of it
    /// while nobody writes.
    async fn walk(&self, offset: usize, limit: usize) -> Result<Vec<Found>, SearchError>;

    /// Lets go of what only a burst of work needs; after bulk loads.
    fn rest(&self) {}
}

/// Why an engine did not answer.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// There is no whole index to answer from.
    #[error("the search index is being built")]
    NotReady,
    /// The embedded index cannot be read or written.
    #[error("the search index: {0}")]
    Index(#[from] tantivy::TantivyError),
    /// Meilisearch refused or cannot be reached.
    #[error("Meilisearch: {0}")]
    Meilisearch(#[from] meilisearch_sdk::errors::Error),
    /// Meilisearch did not answer in time, or a moment ago and is left alone.
    #[error("Meilisearch does not answer")]
    Away,
    /// Meilisearch took a task and failed it.
    #[error("Meilisearch failed a task: {0}")]
    Task(String),
    /// The folder of the index.
    #[error("the folder of the search index: {0}")]
    Folder(#[from] std::io::Error),
    /// The thread that worked on it was lost.
    #[error("the search was interrupted: {0}")]
    Interrupted(#[from] tokio::task::JoinError),
    /// The files of synonyms and stop words.
    #[error("{0}")]
    Words(String),
}

/// The embedded engine, keeping its index in `folder` (created when missing).
pub fn embedded(folder: &Path, analyzer: Arc<Analyzer>) -> Result<Arc<dyn SearchEngine>, SearchError> {
    Ok(Arc::new(embedded::Embedded::open(folder, analyzer)?))
}

/// A Meilisearch at `url`, whose indexes are named after `prefix`; nothing is sent yet.
pub fn meilisearch(
    url: &str,
    key: Option<&str>,
    prefix: &str,
    analyzer: Arc<Analyzer>,
) -> Result<Arc<dyn SearchEngine>, SearchError> {
    Ok(Arc::new(meili::Meili::new(url, key, prefix, analyzer)?))
}
