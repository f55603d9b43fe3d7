//! Meilisearch, for when one machine is not enough.
//!
//! Two indexes: the one that answers and, while a rebuild goes on, the next. Meilisearch swaps them itself. Text is
//! read by the house's own analysis on both sides (`wire`): Meilisearch gets words cut, folded and spelled, and
//! brings ranking, typos and counts.

mod wire;

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use meilisearch_sdk::{
    client::{Client, SwapIndexes},
    documents::DocumentsQuery,
    errors::{Error, ErrorCode},
    indexes::Index,
    search::{MatchingStrategies, SearchQuery, Selectors},
    task_info::TaskInfo,
    tasks::Task,
};
use uuid::Uuid;

use self::wire::{Key, Row};
use crate::{
    Analyzer, Answer, DEEPEST, Document, Facet, Found, Kind, Query, SearchEngine, SearchError,
    analysis::{SHAPE, let_dictionary_go},
    query::in_order,
};

/// How long a task of Meilisearch may take until it counts as failed.
const TASK_TIMEOUT: Duration = Duration::from_mins(2);
/// How often a task is asked whether it is done.
const TASK_POLL: Duration = Duration::from_millis(20);
/// Waiting longer than this for an answer costs more than asking the database.
const TIMEOUT: Duration = Duration::from_millis(1_500);
/// How long Meilisearch is left alone after it did not answer.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Meili {
    client: Client,
    analyzer: Arc<Analyzer>,
    live: String,
    next: String,
    away_since: Mutex<Option<Instant>>,
}

impl Meili {
    pub(crate) fn new(
        url: &str,
        key: Option<&str>,
        prefix: &str,
        analyzer: Arc<Analyzer>,
    ) -> Result<Self, SearchError> {
        Ok(Self {
            client: Client::new(url.trim_end_matches('/'), key)?,
            analyzer,
            live: format!("{prefix}-{SHAPE}"),
            next: format!("{prefix}-{SHAPE}-next"),
            away_since: Mutex::new(None),
        })
    }

    /// Asks something that should be answered at once. While Meilisearch is away, only one question in [`PAUSE`]
    /// waits for it in vain.
    async fn ask<T>(&self, question: impl Future<Output = Result<T, Error>>) -> Result<T, SearchError> {
        let since = *self.away_since.lock().unwrap_or_else(PoisonError::into_inner);
        if since.is_some_and(|since| since.elapsed() < PAUSE) {
            return Err(SearchError::Away);
        }
        let answer = match tokio::time::timeout(TIMEOUT, question).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) if missing(&error) => Err(SearchError::NotReady),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(SearchError::Away),
        };
        let away = match &answer {
            Err(SearchError::Away) => true,
            // What Meilisearch itself refuses, it refuses while it is there.
            Err(SearchError::Meilisearch(error)) => !matches!(error, Error::Meilisearch(_)),
            _ => false,
        };
        if let (true, Err(error), None) = (away, &answer, since) {
            tracing::warn!(%error, "Meilisearch does not answer; searches go to the database");
        }
        *self.away_since.lock().unwrap_or_else(PoisonError::into_inner) = away.then(Instant::now);
        answer
    }

    async fn finish(&self, task: TaskInfo) -> Result<(), SearchError> {
        match task.wait_for_completion(&self.client, Some(TASK_POLL), Some(TASK_TIMEOUT)).await? {
            Task::Succeeded { .. } => Ok(()),
            Task::Failed { content } => Err(SearchError::Task(content.error.error_message)),
            Task::Enqueued { .. } | Task::Processing { .. } => {
                Err(SearchError::Task("it did not finish in time".into()))
            }
        }
    }

    async fn exists(&self, index: &str) -> Result<bool, SearchError> {
        match self.ask(self.client.get_raw_index(index)).await {
            Ok(_) => Ok(true),
            Err(SearchError::NotReady) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn write(&self, index: &str, rows: &[Row], gone: &[Uuid]) -> Result<(), SearchError> {
        let index = self.client.index(index);
        // Tasks are done in their order, so only the last is waited for.
        let removed = match gone {
            [] => None,
            gone => Some(index.delete_documents(gone).await?),
        };
        let added = match rows {
            [] => None,
            rows => Some(index.add_or_replace(rows, Some("id")).await?),
        };
        match added.or(removed) {
            Some(last) => self.finish(last).await,
            None => Ok(()),
        }
    }

    /// Rows of documents; reading them takes the processor for a while.
    async fn rows(&self, documents: Vec<Document>) -> Result<Vec<Row>, SearchError> {
        Ok(tokio::task::spawn_blocking(move || documents.iter().map(Row::of).collect()).await?)
    }

    async fn answer(&self, query: &Query, text: &str, strategy: MatchingStrategies) -> Result<Answer, SearchError> {
        let index = self.client.index(&self.live);
        let limit = query.limit.min(DEEPEST.saturating_sub(query.offset));
        let filter = wire::filter(query, None);
        let (chosen, free): (Vec<Facet>, Vec<Facet>) =
            query.count.iter().partition(|facet| query.any_of.contains_key(facet));
        // The kinds are counted as well: their sum is how many there are in all.
        let counted: Vec<&str> = free.iter().map(|facet| facet.name()).chain([KIND]).collect();
        let sort = wire::sort(query);
        let sort: Vec<&str> = sort.iter().map(String::as_str).collect();
        let filters: Vec<(Facet, String, [&str; 1])> =
            chosen.iter().map(|facet| (*facet, wire::filter(query, Some(*facet)), [facet.name()])).collect();

        let mut all = self.client.multi_search();
        let mut whole = SearchQuery::new(&index);
        whole.with_query(text).with_filter(&filter).with_offset(query.offset).with_limit(limit);
        whole.with_matching_strategy(strategy.clone()).with_sort(&sort);
        whole.with_facets(Selectors::Some(&counted)).with_attributes_to_retrieve(Selectors::Some(&["id", KIND]));
        all.with_search_query(whole);
        for (_, filter, facet) in &filters {
            let mut without = SearchQuery::new(&index);
            without.with_query(text).with_filter(filter).with_limit(0).with_matching_strategy(strategy.clone());
            without.with_facets(Selectors::Some(facet));
            all.with_search_query(without);
        }
        let mut results = self.ask(all.execute::<Key>()).await?.results.into_iter();
        let Some(mut whole) = results.next() else { return Ok(Answer::default()) };

        let mut distribution = whole.facet_distribution.take().unwrap_or_default();
        let kinds = distribution.remove(KIND).unwrap_or_default();
        for ((_, _, [name]), result) in filters.iter().zip(results) {
            let values = result.facet_distribution.unwrap_or_default().remove(*name);
            distribution.insert((*name).to_owned(), values.unwrap_or_default());
        }
        let values = |facet: &Facet| {
            let values = distribution.get(facet.name()).into_iter().flatten();
            in_order(values.map(|(value, count)| (value.clone(), *count as u64)).collect())
        };
        Ok(Answer {
            found: whole.hits.into_iter().filter_map(|hit| hit.result.found()).collect(),
            total: kinds.values().map(|count| *count as u64).sum(),
            facets: query.count.iter().map(|facet| (*facet, values(facet))).collect(),
        })
    }
}

const KIND: &str = "kind";

/// Whether an index is not there.
fn missing(error: &Error) -> bool {
    matches!(error, Error::Meilisearch(error) if error.error_code == ErrorCode::IndexNotFound)
}

#[async_trait::async_trait]
impl SearchEngine for Meili {
    fn name(&self) -> &'static str {
        "Meilisearch"
    }

    async fn ready(&self) -> Result<bool, SearchError> {
        self.exists(&self.live).await
    }

    async fn search(&self, query: &Query) -> Result<Answer, SearchError> {
        let (analyzer, text) = (self.analyzer.clone(), query.text.clone());
        let asked = tokio::task::spawn_blocking(move || wire::texts(&analyzer, &text)).await?;
        let Some(texts) = asked else { return Ok(Answer::default()) };
        let mut answer = Answer::default();
        // As it was written, then as syllables; all words, then as many as there are.
        for strategy in [MatchingStrategies::ALL, MatchingStrategies::FREQUENCY] {
            for text in &texts {
                answer = self.answer(query, text, strategy.clone()).await?;
                if answer.total > 0 {
                    return Ok(answer);
                }
            }
        }
        Ok(answer)
    }

    async fn put(&self, documents: Vec<Document>, gone: &[Uuid]) -> Result<(), SearchError> {
        let rows = self.rows(documents).await?;
        if self.exists(&self.next).await? {
            self.write(&self.next, &rows, gone).await?;
        }
        if self.exists(&self.live).await? {
            self.write(&self.live, &rows, gone).await?;
        }
        Ok(())
    }

    async fn begin_rebuild(&self) -> Result<(), SearchError> {
        if self.exists(&self.next).await? {
            self.finish(self.client.delete_index(&self.next).await?).await?;
        }
        self.finish(self.client.create_index(&self.next, Some("id")).await?).await?;
        let settings = wire::settings(&self.analyzer);
        self.finish(self.client.index(&self.next).set_settings(&settings).await?).await
    }

    async fn put_next(&self, documents: Vec<Document>) -> Result<(), SearchError> {
        let rows = self.rows(documents).await?;
        self.write(&self.next, &rows, &[]).await
    }

    async fn swap(&self) -> Result<(), SearchError> {
        let indexes = (self.live.clone(), self.next.clone());
        if self.exists(&self.live).await? {
            let swap = SwapIndexes { indexes, rename: None };
            self.finish(self.client.swap_indexes([&swap]).await?).await?;
            return self.finish(self.client.delete_index(&self.next).await?).await;
        }
        // The first: it is given its name, so that there is no moment with an empty index.
        let swap = SwapIndexes { indexes: (indexes.1, indexes.0), rename: Some(true) };
        self.finish(self.client.swap_indexes([&swap]).await?).await
    }

    async fn count(&self, kind: Kind) -> Result<u64, SearchError> {
        let index: Index = self.client.index(&self.live);
        let filter = format!("{KIND} = {}", kind.name());
        let mut query = SearchQuery::new(&index);
        query.with_filter(&filter).with_limit(0).with_facets(Selectors::Some(&[KIND]));
        let found = self.ask(query.execute::<Key>()).await?;
        let kinds = found.facet_distribution.unwrap_or_default().remove(KIND).unwrap_or_default();
        Ok(kinds.get(kind.name()).copied().unwrap_or_default() as u64)
    }

    async fn stamps(&self, ids: &[Uuid]) -> Result<Vec<(Uuid, String)>, SearchError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let index = self.client.index(&self.live);
        let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
        let filter = format!("id IN [{}]", ids.join(", "));
        let mut query = DocumentsQuery::new(&index);
        query.with_filter(&filter).with_limit(ids.len()).with_fields(["id", KIND, "stamp"]);
        let found = self.ask(query.execute::<Key>()).await?;
        Ok(found.results.into_iter().filter_map(|key| Some((key.id, key.stamp?))).collect())
    }

    async fn walk(&self, offset: usize, limit: usize) -> Result<Vec<Found>, SearchError> {
        let index = self.client.index(&self.live);
        let mut query = DocumentsQuery::new(&index);
        query.with_offset(offset).with_limit(limit).with_fields(["id", KIND]);
        let found = self.ask(query.execute::<Key>()).await?;
        Ok(found.results.into_iter().filter_map(Key::found).collect())
    }

    fn rest(&self) {
        let_dictionary_go();
    }
}
