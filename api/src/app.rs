//! The one struct that holds everything an operation needs, built once.

use std::sync::{Arc, Mutex};

use entities::values::id::ProductId;
use search::SearchEngine;
use tokio::sync::mpsc;

use crate::{
    config::Config,
    platform::{
        auth::Tokens,
        cache::{Cache, Topic},
        clock::Clock,
        db::Db,
        error::Error,
    },
};

/// Changed products that wait for the search index.
const CHANGED: usize = 10_000;

/// Everything an operation needs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: Config,
    db: Db,
    cache: Cache,
    search: Arc<dyn SearchEngine>,
    tokens: Tokens,
    clock: Clock,
    changed: mpsc::Sender<ProductId>,
    waiting: Mutex<Option<mpsc::Receiver<ProductId>>>,
}

impl App {
    /// Connects to the tiers that the settings name. The tables are not touched; see [`Db::migrate`].
    pub async fn new(config: Config, clock: Clock) -> Result<Self, Error> {
        let db = Db::connect(&config).await?;
        let cache = Cache::new(config.redis()).map_err(Error::internal)?;
        let search = match config.meilisearch() {
            Some((url, key)) => search::meilisearch(url, key),
            None => search::embedded(&config.search_folder()),
        }
        .map_err(Error::internal)?;
        let tokens = Tokens::open(&config.data_dir)?;
        let (changed, waiting) = mpsc::channel(CHANGED);
        let inner = Inner { config, db, cache, search, tokens, clock, changed, waiting: Mutex::new(Some(waiting)) };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Settings.
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// Database.
    pub fn db(&self) -> &Db {
        &self.inner.db
    }

    /// Cache.
    pub fn cache(&self) -> &Cache {
        &self.inner.cache
    }

    /// Search engine.
    pub fn search(&self) -> &dyn SearchEngine {
        self.inner.search.as_ref()
    }

    /// Development tokens.
    pub fn tokens(&self) -> &Tokens {
        &self.inner.tokens
    }

    /// Clock.
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// To be called after a commit that changed the catalog, with the products that it changed. Never
    /// waits for the search index: what finds no place in the queue is left to `chama reindex`.
    pub async fn catalog_changed(&self, products: &[ProductId]) {
        self.inner.cache.outdate(Topic::Catalog).await;
        for id in products {
            if self.inner.changed.try_send(*id).is_err() {
                break;
            }
        }
    }

    /// The changed products as they come in, for the one task that follows them into the search index.
    pub fn take_changed(&self) -> Option<mpsc::Receiver<ProductId>> {
        self.inner.waiting.lock().ok()?.take()
    }
}
