//! What the nodes of an installation share beside the database: Redis. It may vanish at any time, so whoever asks it
//! has an answer of its own, and while it is away nobody waits for it.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use redis::{
    AsyncCommands, RedisError,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

/// Waiting longer than this for a connection is waiting in vain.
const LONGEST: Duration = Duration::from_millis(200);

/// How long Redis is left alone after it did not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// Redis, and since when it does not answer.
pub struct Shared {
    client: redis::Client,
    redis: ConnectionManager,
    prefix: String,
    away_since: Mutex<Option<Instant>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared")
    }
}

impl Shared {
    /// The Redis at an address, in which all names of this installation begin with `prefix`. One that does not answer yet is connected to as soon as it does.
    pub fn connect(url: &str, prefix: &str) -> Result<Self, RedisError> {
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_connection_timeout(Some(LONGEST))
            .set_response_timeout(Some(LONGEST));
        let client = redis::Client::open(url)?;
        let redis = ConnectionManager::new_lazy_with_config(client.clone(), config)?;
        Ok(Self { client, redis, prefix: prefix.to_owned(), away_since: Mutex::new(None) })
    }

    /// What something of this installation is called there: others may use the same Redis.
    pub fn name(&self, what: &str) -> String {
        format!("{}:{what}", self.prefix)
    }

    /// Asks Redis something and waits `longest` for it, unless it failed a moment ago: while it is away, only one
    /// request in [`PAUSE`] waits for it in vain.
    pub async fn ask<T>(
        &self,
        longest: Duration,
        question: impl AsyncFnOnce(ConnectionManager) -> Result<T, RedisError>,
    ) -> Option<T> {
        let since = *self.away_since.lock().unwrap_or_else(PoisonError::into_inner);
        if since.is_some_and(|since| since.elapsed() < PAUSE) {
            return None;
        }
        let answer = tokio::time::timeout(longest, question(self.redis.clone())).await;
        let (answer, trouble) = match answer {
            Ok(Ok(answer)) => (Some(answer), None),
            Ok(Err(error)) => (None, Some(error.to_string())),
            Err(_) => (None, Some("no answer in time".to_owned())),
        };
        if let (Some(trouble), None) = (&trouble, since) {
            tracing::warn!(trouble, "Redis does not answer; until it does, each node counts and remembers on its own");
        }
        *self.away_since.lock().unwrap_or_else(PoisonError::into_inner) = trouble.map(|_| Instant::now());
        answer
    }

    /// Hears what is published in a channel, on a connection of its own.
    pub async fn subscribe(&self, channel: &str) -> Result<redis::aio::PubSub, RedisError> {
        let mut heard = self.client.get_async_pubsub().await?;
        heard.subscribe(channel).await?;
        Ok(heard)
    }

    /// Whether it answers.
    pub async fn ping(&self) -> Result<(), String> {
        let mut redis = self.redis.clone();
        match tokio::time::timeout(LONGEST, redis.ping::<String>()).await {
            Ok(answer) => answer.map(drop).map_err(|error| error.to_string()),
            Err(_) => Err("no answer in time".into()),
        }
    }
}
