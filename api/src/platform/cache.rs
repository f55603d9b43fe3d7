//! A cache that may vanish at any time: a miss costs a query, never a wrong answer.
//!
//! Entries are kept under the **generation** of what they were made of. A write moves the generation on
//! after its commit; what was kept under the old one is never read again and runs out. A reader that
//! raced the write keeps its answer under the old generation, so there is no moment in which a stale
//! answer can be stored as a fresh one. With Redis the generation is shared by all nodes; without it,
//! or while it is away, each node has its own and entries live no longer than [`TTL`].

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use redis::{AsyncCommands, aio::ConnectionManager};
use sha2::{Digest, Sha256};

/// Longest life of an entry: how stale an answer may be at worst when a node died between its commit
/// and the next generation.
pub const TTL: Duration = Duration::from_mins(1);

/// Waiting longer than this for Redis costs more than the query that it saves.
const REDIS_TIMEOUT: Duration = Duration::from_millis(200);

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
    redis: Option<ConnectionManager>,
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache").field("shared", &self.redis.is_some()).finish_non_exhaustive()
    }
}

impl Cache {
    /// A cache of this process, shared with other nodes when `redis` is an address. A Redis that does
    /// not answer at the start is connected to as soon as it does.
    pub fn new(redis: Option<&str>) -> Result<Self, redis::RedisError> {
        let config = redis::aio::ConnectionManagerConfig::new()
            .set_connection_timeout(Some(REDIS_TIMEOUT))
            .set_response_timeout(Some(REDIS_TIMEOUT));
        let connect = |url| ConnectionManager::new_lazy_with_config(redis::Client::open(url)?, config);
        Ok(Self {
            entries: moka::future::Cache::builder().max_capacity(10_000).time_to_live(TTL).build(),
            catalog: AtomicI64::new(0),
            redis: redis.map(connect).transpose()?,
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
        if let Some(mut redis) = self.redis.clone() {
            let moved: Result<i64, _> = redis.incr(topic.key(), 1).await;
            if let Err(error) = moved {
                tracing::warn!(%error, "the shared cache generation was not moved on; other nodes may be stale for {} s", TTL.as_secs());
            }
        }
    }

    /// Both generations: the node's own one keeps an answer fresh here even while Redis is away.
    async fn generation(&self, topic: Topic) -> String {
        let own = self.catalog.load(Ordering::SeqCst);
        let shared = match self.redis.clone() {
            Some(mut redis) => redis.get::<_, Option<i64>>(topic.key()).await.ok().flatten().unwrap_or_default(),
            None => 0,
        };
        format!("{own}.{shared}")
    }

    /// Whether the shared part answers; none when there is none.
    pub async fn ping(&self) -> Option<Result<(), redis::RedisError>> {
        let mut redis = self.redis.clone()?;
        Some(redis.ping::<String>().await.map(|_| ()))
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
