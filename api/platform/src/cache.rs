//! A cache that may vanish at any time: a miss costs a query, never a wrong answer.
//!
//! Entries are kept under the **generation** of what they were made of. A write moves the generation on
//! after its commit; what was kept under the old one is never read again and runs out. A reader that
//! raced the write keeps its answer under the old generation, so there is no moment in which a stale
//! answer can be stored as a fresh one. With Redis the generation is shared by all nodes; without it,
//! or while it is away, each node has its own and entries live no longer than [`TTL`].

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use redis::AsyncCommands;
use sha2::{Digest, Sha256};

use super::shared::Shared;

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
            Self::Catalog => "generation:catalog",
        }
    }
}

/// The cache.
pub struct Cache {
    entries: moka::future::Cache<[u8; 32], i64>,
    catalog: AtomicI64,
    shared: Option<Arc<Shared>>,
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache").field("shared", &self.shared.is_some()).finish_non_exhaustive()
    }
}

impl Cache {
    /// A cache of this process, whose generations are shared with other nodes when there is something that they share.
    pub fn new(shared: Option<Arc<Shared>>) -> Self {
        Self {
            entries: moka::future::Cache::builder().max_capacity(10_000).time_to_live(TTL).build(),
            catalog: AtomicI64::new(0),
            shared,
        }
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
            shared
                .ask(REDIS_TIMEOUT, async |mut redis| redis.incr::<_, _, i64>(shared.name(topic.key()), 1).await)
                .await;
        }
    }

    /// Both generations: the node's own one keeps an answer fresh here even while Redis is away.
    async fn generation(&self, topic: Topic) -> String {
        let own = self.catalog.load(Ordering::SeqCst);
        let shared = match &self.shared {
            Some(shared) => shared
                .ask(REDIS_TIMEOUT, async |mut redis| redis.get::<_, Option<i64>>(shared.name(topic.key())).await)
                .await
                .flatten(),
            None => None,
        };
        format!("{own}.{}", shared.unwrap_or_default())
    }

    /// Whether the shared part answers; none when there is none.
    pub async fn ping(&self) -> Option<Result<(), String>> {
        Some(self.shared.as_ref()?.ping().await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_is_kept_until_the_topic_is_outdated() {
        let cache = Cache::new(None);
        let count = async |value: i64| cache.count(Topic::Catalog, "all", async { Ok::<_, ()>(value) }).await.unwrap();
        assert_eq!(count(1).await, 1);
        assert_eq!(count(2).await, 1, "kept");
        cache.outdate(Topic::Catalog).await;
        assert_eq!(count(3).await, 3, "a write makes the next read fresh");
    }
}
