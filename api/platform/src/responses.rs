//! Finished answers to what everyone may read, kept until what they were made of changes.
//!
//! A key says everything an answer depends on: the operation, its variables, the language, and for whom it is (today
//! one audience: who is not signed in). An entry is the finished bytes and the [`Tag`]s of what they were made of.
//!
//! - **Fresh on this node.** A write evicts its tags after its commit. Evictions are numbered, and an entry has the
//!   number from before its answer was made: it counts only while none of its tags was evicted since. So an answer
//!   that was being made while the write committed is never kept as a fresh one.
//! - **Fresh on other nodes within a second.** With Redis evictions are published, and entries are shared, numbered
//!   in Redis in the same way. A node that was cut off begins anew when it hears again.
//! - **Never older than [`OLDEST`]**, whatever was missed.
//! - **A stampede runs once.** Who asks for the same while it is being made waits for it.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use futures_util::StreamExt;
use redis::AsyncCommands;
use search::Kind;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{clock::Clock, shared::Shared, vault::hex};

/// Longest life of an entry.
pub const OLDEST: Duration = Duration::from_mins(1);
/// Longest answer that is kept.
const LARGEST: usize = 512 * 1024;
/// Waiting longer than this for Redis costs more than making most answers.
const LONGEST: Duration = Duration::from_millis(50);
/// The number of the last eviction.
const EVICTIONS: &str = "evictions";
/// Where evictions are published.
const CHANNEL: &str = "evicted";
/// Most tags whose last eviction is remembered; beyond that everything is forgotten.
const MOST_TAGS: usize = 100_000;

/// What an answer was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Tag {
    /// One thing.
    One(Kind, Uuid),
    /// A choice among all things of a kind: any change of any of them may change it.
    Any(Kind),
    /// A slot of a showroom: what stands in it.
    Slot(Uuid),
    /// Everything.
    All,
}

impl Tag {
    fn key(self) -> String {
        match self {
            Self::One(kind, id) => format!("tag:{}:{}", kind.name(), id.simple()),
            Self::Any(kind) => format!("tag:{}", kind.name()),
            Self::Slot(id) => format!("tag:slot:{}", id.simple()),
            Self::All => "tag:all".into(),
        }
    }
}

/// Notes what an answer is made of while it is made.
#[derive(Clone, Debug, Default)]
pub struct Reads(Arc<Mutex<BTreeSet<Tag>>>);

impl Reads {
    /// The answer is made of this.
    pub fn note(&self, tag: Tag) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(tag);
    }

    fn tags(&self) -> Vec<Tag> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }
}

/// A key of an answer.
pub type Key = [u8; 32];

/// The key of what is asked: every part matters, in this order.
pub fn key(parts: &[&str]) -> Key {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// A finished answer.
#[derive(Debug)]
pub struct Kept {
    /// Its body.
    pub body: Vec<u8>,
    /// Its entity tag, quotes included.
    pub etag: String,
    tags: Vec<Tag>,
    number: u64,
    /// When it was made, milliseconds.
    made: i64,
}

/// As it is in Redis.
#[derive(Serialize, Deserialize)]
struct Stored {
    body: String,
    tags: Vec<Tag>,
    number: u64,
    made: i64,
}

/// Numbers an eviction, and tells everyone.
const EVICT: &str = r"
local number = redis.call('INCR', KEYS[2])
for i = 2, #ARGV do redis.call('SET', ARGV[i], number, 'EX', 180) end
redis.call('PUBLISH', KEYS[1], ARGV[1])
return number
";

/// What is being made, and who waits for it.
type Flights = Mutex<HashMap<Key, Arc<tokio::sync::Mutex<()>>>>;

/// A place in a flight. It is given back also when the client goes away in the middle.
struct Flight<'a> {
    flights: &'a Flights,
    key: Key,
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl<'a> Flight<'a> {
    fn board(flights: &'a Flights, key: Key) -> Self {
        let turn = flights.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().clone();
        Self { flights, key, turn }
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        // This one and the map's: nobody else waits.
        if Arc::strong_count(&self.turn) <= 2 {
            flights.remove(&self.key);
        }
    }
}

/// The kept answers.
pub struct Responses {
    entries: moka::sync::Cache<Key, Arc<Kept>>,
    /// What turned out not to be kept: nobody waits for another's.
    loose: moka::sync::Cache<Key, ()>,
    flights: Flights,
    number: AtomicU64,
    evicted: Mutex<Evicted>,
    shared: Option<Arc<Shared>>,
    /// An eviction did not reach Redis: everything there is suspect.
    owed: AtomicBool,
    clock: Clock,
}

#[derive(Default)]
struct Evicted {
    last: HashMap<Tag, u64>,
    /// Entries of before this number count no more.
    floor: u64,
}

impl std::fmt::Debug for Responses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Responses").field("entries", &self.entries.entry_count()).finish_non_exhaustive()
    }
}

/// An answer, or what it became without being kept.
pub enum Made<T> {
    /// It is kept.
    Kept(Arc<Kept>),
    /// It is for this once.
    Loose(T),
}

impl Responses {
    /// Answers of at most so many bytes together.
    pub fn new(bytes: u64, shared: Option<Arc<Shared>>, clock: Clock) -> Self {
        let weight = |_: &Key, kept: &Arc<Kept>| u32::try_from(kept.body.len() + 300).unwrap_or(u32::MAX);
        Self {
            entries: moka::sync::Cache::builder().max_capacity(bytes).weigher(weight).time_to_live(OLDEST).build(),
            loose: moka::sync::Cache::builder().max_capacity(10_000).time_to_live(Duration::from_secs(1)).build(),
            flights: Mutex::default(),
            number: AtomicU64::new(1),
            evicted: Mutex::default(),
            shared,
            owed: AtomicBool::new(false),
            clock,
        }
    }

    /// The answer that this node has.
    pub fn get(&self, key: &Key) -> Option<Arc<Kept>> {
        let kept = self.entries.get(key)?;
        if self.counts(&kept) {
            return Some(kept);
        }
        self.entries.invalidate(key);
        None
    }

    fn counts(&self, kept: &Kept) -> bool {
        let age = self.clock.now().timestamp_millis() - kept.made;
        if age > i64::try_from(OLDEST.as_millis()).unwrap_or(i64::MAX) {
            return false;
        }
        let evicted = self.evicted.lock().unwrap_or_else(PoisonError::into_inner);
        kept.number >= evicted.floor
            && kept.tags.iter().all(|tag| evicted.last.get(tag).is_none_or(|last| *last <= kept.number))
    }

    /// The answer of this key, made by `make` when nobody has it. `make` answers with the bytes when they may be
    /// kept, else with what it made; it notes in [`Reads`] what it reads.
    pub async fn get_or_make<T>(&self, key: Key, make: impl AsyncFnOnce(Reads) -> Result<Vec<u8>, T>) -> Made<T> {
        if self.loose.contains_key(&key) {
            return self.make(key, make).await;
        }
        let flight = Flight::board(&self.flights, key);
        let turn = flight.turn.lock().await;
        match self.get(&key) {
            Some(kept) => Made::Kept(kept),
            None if self.loose.contains_key(&key) => {
                drop(turn);
                self.make(key, make).await
            }
            None => match self.shared_with_others(&key).await {
                Some(kept) => Made::Kept(kept),
                None => self.make(key, make).await,
            },
        }
    }

    async fn make<T>(&self, key: Key, make: impl AsyncFnOnce(Reads) -> Result<Vec<u8>, T>) -> Made<T> {
        let number = self.number.load(Ordering::SeqCst);
        let in_redis = self.redis_number().await;
        let made = self.clock.now().timestamp_millis();
        let reads = Reads::default();
        let body = match make(reads.clone()).await {
            Ok(body) => body,
            Err(loose) => {
                self.loose.insert(key, ());
                return Made::Loose(loose);
            }
        };
        let mut tags = reads.tags();
        tags.push(Tag::All);
        let kept = Arc::new(Kept { etag: etag(&body), body, tags, number, made });
        if kept.body.len() <= LARGEST {
            self.entries.insert(key, kept.clone());
            if let Some(number) = in_redis {
                self.share(&key, &kept, number).await;
            }
        }
        Made::Kept(kept)
    }

    /// Evicts what was made of these: after the commit of what changed them.
    pub async fn evict(&self, tags: &[Tag]) {
        if tags.is_empty() {
            return;
        }
        self.evict_here(tags);
        let Some(shared) = &self.shared else { return };
        let told = shared.ask(LONGEST * 4, async |mut redis| publish(shared, &mut redis, tags).await).await;
        if told.is_none() {
            self.owed.store(true, Ordering::SeqCst);
        }
    }

    fn evict_here(&self, tags: &[Tag]) {
        let number = self.number.fetch_add(1, Ordering::SeqCst) + 1;
        let mut evicted = self.evicted.lock().unwrap_or_else(PoisonError::into_inner);
        if tags.contains(&Tag::All) || evicted.last.len() + tags.len() > MOST_TAGS {
            evicted.last.clear();
            evicted.floor = number;
            return;
        }
        for tag in tags {
            evicted.last.insert(*tag, number);
        }
    }

    /// Hears what other nodes evict, for as long as it is polled. Without Redis there is nothing to hear.
    pub async fn listen(&self) {
        let Some(shared) = &self.shared else { return std::future::pending().await };
        loop {
            if let Ok(mut heard) = shared.subscribe(&shared.name(CHANNEL)).await {
                // Whatever was said meanwhile was missed.
                self.evict_here(&[Tag::All]);
                if self.owed.swap(false, Ordering::SeqCst) {
                    self.evict(&[Tag::All]).await;
                }
                let mut messages = heard.on_message();
                loop {
                    tokio::select! {
                        message = messages.next() => {
                            let Some(message) = message else { break };
                            let text = message.get_payload::<String>().unwrap_or_default();
                            match serde_json::from_str::<Vec<Tag>>(&text) {
                                Ok(tags) => self.evict_here(&tags),
                                Err(_) => self.evict_here(&[Tag::All]),
                            }
                        }
                        // An eviction that did not get through while this connection held.
                        () = tokio::time::sleep(Duration::from_millis(500)) => {
                            if self.owed.swap(false, Ordering::SeqCst) {
                                self.evict(&[Tag::All]).await;
                            }
                        }
                    }
                }
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn redis_number(&self) -> Option<u64> {
        let shared = self.shared.as_ref()?;
        if self.owed.load(Ordering::SeqCst) {
            return None;
        }
        let number =
            async |mut redis: redis::aio::ConnectionManager| redis.get::<_, Option<u64>>(shared.name(EVICTIONS)).await;
        shared.ask(LONGEST, number).await.map(Option::unwrap_or_default)
    }

    async fn share(&self, key: &Key, kept: &Kept, number: u64) {
        let Some(shared) = &self.shared else { return };
        let body = BASE64_STANDARD.encode(&kept.body);
        let stored = Stored { body, tags: kept.tags.clone(), number, made: kept.made };
        let Ok(stored) = serde_json::to_string(&stored) else { return };
        let name = shared.name(&entry(key));
        shared.ask(LONGEST, async |mut redis| redis.set_ex::<_, _, ()>(name, stored, OLDEST.as_secs()).await).await;
    }

    async fn shared_with_others(&self, key: &Key) -> Option<Arc<Kept>> {
        let shared = self.shared.as_ref()?;
        if self.owed.load(Ordering::SeqCst) {
            return None;
        }
        // From before it is looked at: what is evicted here meanwhile counts.
        let here = self.number.load(Ordering::SeqCst);
        let name = shared.name(&entry(key));
        let stored = shared.ask(LONGEST, async |mut redis| redis.get::<_, Option<String>>(name).await).await??;
        let stored: Stored = serde_json::from_str(&stored).ok()?;
        let tags: Vec<String> = stored.tags.iter().map(|tag| shared.name(&tag.key())).collect();
        let last = shared.ask(LONGEST, async |mut redis| redis.mget::<_, Vec<Option<u64>>>(tags).await).await?;
        if last.into_iter().flatten().any(|last| last > stored.number) {
            return None;
        }
        let body = BASE64_STANDARD.decode(stored.body).ok()?;
        let kept = Kept { etag: etag(&body), body, tags: stored.tags, number: here, made: stored.made };
        let kept = Arc::new(kept);
        if !self.counts(&kept) {
            return None;
        }
        self.entries.insert(*key, kept.clone());
        Some(kept)
    }
}

async fn publish(
    shared: &Shared,
    redis: &mut redis::aio::ConnectionManager,
    tags: &[Tag],
) -> Result<u64, redis::RedisError> {
    let text = serde_json::to_string(tags).unwrap_or_default();
    let mut command = redis::cmd("EVAL");
    command.arg(EVICT).arg(2).arg(shared.name(CHANNEL)).arg(shared.name(EVICTIONS)).arg(text);
    for tag in tags {
        command.arg(shared.name(&tag.key()));
    }
    command.query_async(redis).await
}

fn entry(key: &Key) -> String {
    format!("answer:{}", hex(key))
}

fn etag(body: &[u8]) -> String {
    let hash = Sha256::digest(body);
    format!("\"{}\"", BASE64_STANDARD.encode(hash.get(..15).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn responses() -> Responses {
        Responses::new(1_000_000, None, Clock::system())
    }

    async fn asked(responses: &Responses, body: &str, tag: Tag) -> String {
        let made = responses.get_or_make::<()>(key(&["q"]), async |reads| {
            reads.note(tag);
            Ok(body.as_bytes().to_vec())
        });
        let Made::Kept(kept) = made.await else { panic!("it is not kept") };
        String::from_utf8(kept.body.clone()).unwrap()
    }

    #[tokio::test]
    async fn an_answer_is_kept_until_what_it_was_made_of_changes() {
        let (responses, product) = (responses(), Tag::One(Kind::Product, Uuid::from_u128(1)));
        assert_eq!(asked(&responses, "a", product).await, "a");
        responses.evict(&[Tag::One(Kind::Product, Uuid::from_u128(2)), Tag::Any(Kind::Product)]).await;
        assert_eq!(asked(&responses, "b", product).await, "a", "another product's change evicts it");
        responses.evict(&[product]).await;
        assert_eq!(asked(&responses, "c", product).await, "c", "its own change does not");
        responses.evict(&[Tag::All]).await;
        assert_eq!(asked(&responses, "d", product).await, "d");
    }

    #[tokio::test]
    async fn what_was_made_while_a_write_committed_is_not_kept_as_fresh() {
        let (responses, product) = (responses(), Tag::One(Kind::Product, Uuid::from_u128(1)));
        let made = responses.get_or_make::<()>(key(&["q"]), async |reads| {
            reads.note(product);
            responses.evict(&[product]).await;
            Ok(b"read before the commit".to_vec())
        });
        made.await;
        assert!(responses.get(&key(&["q"])).is_none(), "a stale answer is kept");
    }

    #[tokio::test]
    async fn a_stampede_runs_once_and_what_is_not_kept_waits_for_nobody() {
        let responses = Arc::new(responses());
        let runs = Arc::new(AtomicU64::new(0));
        let ask = |keep: bool| {
            let (responses, runs) = (responses.clone(), runs.clone());
            tokio::spawn(async move {
                let made = responses.get_or_make(key(&[if keep { "kept" } else { "loose" }]), async |_| {
                    runs.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    if keep { Ok(b"x".to_vec()) } else { Err("y") }
                });
                matches!(made.await, Made::Kept(_))
            })
        };
        for asked in (0..500).map(|_| ask(true)).collect::<Vec<_>>() {
            assert!(asked.await.unwrap());
        }
        assert_eq!(runs.load(Ordering::SeqCst), 1, "a stampede runs the query more than once");
        assert!(responses.flights.lock().unwrap().is_empty(), "flights are left behind");
        // Clients that go away in the middle leave nothing behind, and are in nobody's way.
        for asked in (0..20).map(|_| ask(false)).collect::<Vec<_>>() {
            tokio::task::yield_now().await;
            asked.abort();
            let _ = asked.await;
        }
        assert!(responses.flights.lock().unwrap().is_empty(), "who goes away leaves a flight behind");
        let begun = std::time::Instant::now();
        for asked in (0..100).map(|_| ask(false)).collect::<Vec<_>>() {
            assert!(!asked.await.unwrap());
        }
        assert!(begun.elapsed() < Duration::from_secs(1), "what is not kept is made one after the other");
    }
}
