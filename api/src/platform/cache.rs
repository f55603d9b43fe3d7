//! A cache that may vanish at any time: a miss costs a query, never a wrong answer.
//!
//! Entries are kept under the **generation** of what they were made of. A write moves the generation on
//! after its commit; what was kept under the old one is never read again and runs out. A reader that
//! raced the write keeps its answer under the old generation, so there is no moment in which a stale
//! answer can be stored as a fresh one. With Redis the generation is shared by all nodes; without it,
//! or while it is away, each node has its own and entries live no longer than [`TTL`].

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use redis::{
    AsyncCommands,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use sha2::{Digest, Sha256};

/// Longest life of an entry: how stale an answer may be at worst when a node died between its commit
/// and the next generation.
pub const TTL: Duration = Duration::from_mins(1);

/// Waiting longer than this for Redis costs more than the query that it saves.
const REDIS_TIMEOUT: Duration = Duration::from_millis(200);

/// How long Redis is left alone after it did not answer.
const REDIS_PAUSE: Duration = Duration::from_secs(1);

/// What entries are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Products, offers and what they hang on.
    Catalog,
}

impl Topic {
    fn key(self) -> &'static str {
        match self {
            Self::Catalog => "chama:generation:catalog",
        }
    }
}

/// The cache.
pub struct Cache {
    entries: moka::future::Cache<[u8; 32], i64>,
    catalog: AtomicI64,
    shared: Option<Shared>,
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache").field("shared", &self.shared.is_some()).finish_non_exhaustive()
    }
}

/// Redis, and since when it does not answer.
struct Shared {
    redis: ConnectionManager,
    away_since: Mutex<Option<Instant>>,
}

impl Shared {
    fn connect(url: &str) -> Result<Self, redis::RedisError> {
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_connection_timeout(Some(REDIS_TIMEOUT))
            .set_response_timeout(Some(REDIS_TIMEOUT));
        let redis = ConnectionManager::new_lazy_with_config(redis::Client::open(url)?, config)?;
        Ok(Self { redis, away_since: Mutex::new(None) })
    }

    /// Asks Redis something, unless it failed a moment ago: while it is away, only one request in
    /// [`REDIS_PAUSE`] waits for it in vain.
    async fn ask<T>(&self, question: impl AsyncFnOnce(ConnectionManager) -> Result<T, redis::RedisError>) -> Option<T> {
        let since = *self.away_since.lock().unwrap_or_else(PoisonError::into_inner);
        if since.is_some_and(|since| since.elapsed() < REDIS_PAUSE) {
            return None;
        }
        let answer = tokio::time::timeout(REDIS_TIMEOUT, question(self.redis.clone())).await;
        let (answer, trouble) = match answer {
            Ok(Ok(answer)) => (Some(answer), None),
            Ok(Err(error)) => (None, Some(error.to_string())),
            Err(_) => (None, Some("no answer in time".to_owned())),
        };
        if let (Some(trouble), None) = (&trouble, since) {
            tracing::warn!(trouble, "Redis does not answer; other nodes may show counts {} s old", TTL.as_secs());
        }
        *self.away_since.lock().unwrap_or_else(PoisonError::into_inner) = trouble.map(|_| Instant::now());
        answer
    }
}

impl Cache {
    /// A cache of this process, shared with other nodes when `redis` is an address. A Redis that does
    /// not answer at the start is connected to as soon as it does.
    pub fn new(redis: Option<&str>) -> Result<Self, redis::RedisError> {
        Ok(Self {
            entries: moka::future::Cache::builder().max_capacity(10_000).time_to_live(TTL).build(),
            catalog: AtomicI64::new(0),
            shared: redis.map(Shared::connect).transpose()?,
        })
    }

    /// The number kept under `key`, or what `load` answers, which is then kept.
    pub async fn count<E>(
        &self,
        topic: Topic,
        key: &str,
        load: impl Future<Output = Result<i64, E>>,
    ) -> Result<i64, E> {
        // Hashed: what a client filters by may be long, and a cache must not grow with it.
        let digest: [u8; 32] = Sha256::digest(format!("{}:{key}", self.generation(topic).await)).into();
        if let Some(known) = self.entries.get(&digest).await {
            return Ok(known);
        }
        let value = load.await?;
        self.entries.insert(digest, value).await;
        Ok(value)
    }

    /// Moves the generation on: everything kept of this topic is out of date. Called after a commit.
    pub async fn outdate(&self, topic: Topic) {
        self.catalog.fetch_add(1, Ordering::SeqCst);
        if let Some(shared) = &self.shared {
            shared.ask(async |mut redis| redis.incr::<_, _, i64>(topic.key(), 1).await).await;
        }
    }

    /// Both generations: the node's own one keeps an answer fresh here even while Redis is away.
    async fn generation(&self, topic: Topic) -> String {
        let own = self.catalog.load(Ordering::SeqCst);
        let shared = match &self.shared {
            Some(shared) => {
                shared.ask(async |mut redis| redis.get::<_, Option<i64>>(topic.key()).await).await.flatten()
            }
            None => None,
        };
        format!("{own}.{}", shared.unwrap_or_default())
    }

    /// Whether the shared part answers; none when there is none.
    pub async fn ping(&self) -> Option<Result<(), String>> {
        let mut redis = self.shared.as_ref()?.redis.clone();
        Some(match tokio::time::timeout(REDIS_TIMEOUT, redis.ping::<String>()).await {
            Ok(answer) => answer.map(drop).map_err(|error| error.to_string()),
            Err(_) => Err("no answer in time".into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_is_kept_until_the_topic_is_outdated() {
        let cache = Cache::new(None).unwrap();
        let count = async |value: i64| cache.count(Topic::Catalog, "all", async { Ok::<_, ()>(value) }).await.unwrap();
        assert_eq!(count(1).await, 1);
        assert_eq!(count(2).await, 1, "kept");
        cache.outdate(Topic::Catalog).await;
        assert_eq!(count(3).await, 3, "a write makes the next read fresh");
    }
}
