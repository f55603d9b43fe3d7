//! Persisted operations (automatic persisted queries): a client sends the hash of its document, and the document only
//! when the hash is not known.
//!
//! A document that is known is not parsed again, and one that was carried out before is not validated again. With
//! Redis all nodes know what one was told. Documents that clients send as they are, each time the same, are known by
//! their text as well, on this node and among themselves: they never push out one that is known by its hash.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_graphql::{Request, ServerError, Value, parser::types::ExecutableDocument};
use platform::{shared::Shared, vault::hex};
use sha2::{Digest, Sha256};

use super::gateway::refusal;

/// Bytes of documents that are remembered.
const BYTES: u64 = 16 * 1024 * 1024;
/// Bytes of documents that are remembered by their text, and of the longest of them.
const TEXT_BYTES: u64 = 4 * 1024 * 1024;
const LONGEST_TEXT: usize = 8 * 1024;
/// How long Redis remembers one, in seconds.
const REMEMBERED: u64 = 24 * 3_600;
const LONGEST: std::time::Duration = std::time::Duration::from_millis(50);

/// A document that was read.
#[derive(Debug)]
pub struct Plan {
    query: String,
    document: ExecutableDocument,
    valid: AtomicBool,
}

impl Plan {
    /// Whether it was carried out before, and so is valid.
    pub(super) fn is_valid(&self) -> bool {
        self.valid.load(Ordering::Relaxed)
    }

    pub(super) fn was_valid(&self) {
        self.valid.store(true, Ordering::Relaxed);
    }
}

type Plans = moka::sync::Cache<[u8; 32], Arc<Plan>>;

/// The documents that are known: by a hash that a client named, and by their text.
pub(super) struct Persisted {
    plans: Plans,
    texts: Plans,
    shared: Option<Arc<Shared>>,
}

impl Persisted {
    pub(super) fn new(shared: Option<Arc<Shared>>) -> Self {
        let weight = |_: &[u8; 32], plan: &Arc<Plan>| u32::try_from(plan.query.len() * 8).unwrap_or(u32::MAX);
        let plans = |bytes: u64| moka::sync::Cache::builder().max_capacity(bytes).weigher(weight).build();
        Self { plans: plans(BYTES), texts: plans(TEXT_BYTES), shared }
    }

    /// Completes a request that names its document by hash, or remembers the document that it brings. None: it is an
    /// ordinary request. The refusal is a whole response.
    pub(super) async fn resolve(
        &self,
        request: &mut Request,
    ) -> Result<Option<Arc<Plan>>, Box<async_graphql::Response>> {
        let Some(asked) = request.extensions.get("persistedQuery") else {
            if request.query.len() > LONGEST_TEXT {
                return Ok(None);
            }
            let hash: [u8; 32] = Sha256::digest(&request.query).into();
            let known = self.texts.get(&hash);
            return Ok(known.inspect(|plan| request.set_parsed_query(plan.document.clone())));
        };
        let refused = |why: &str| refusal("BAD_INPUT", ServerError::new(why, None));
        let Value::Object(asked) = asked else { return Err(refused("persistedQuery is no object")) };
        let hash = match (asked.get("version"), asked.get("sha256Hash")) {
            (Some(Value::Number(version)), Some(Value::String(hash))) if version.as_u64() == Some(1) => decoded(hash),
            _ => None,
        };
        let hash = hash.ok_or_else(|| refused("persistedQuery has version 1 and a sha256Hash of 64 hex digits"))?;
        let known = self.plans.get(&hash);
        if !request.query.is_empty() {
            let own: [u8; 32] = Sha256::digest(&request.query).into();
            if own != hash {
                return Err(refused("the sha256Hash is not that of the query"));
            }
            if known.is_some() {
                return Ok(known.inspect(|plan| request.set_parsed_query(plan.document.clone())));
            }
            // Remembered when it turns out to be within its budget: see `remember`.
            return Ok(None);
        }
        let plan = match known {
            Some(plan) => plan,
            None => self.told_by_redis(hash).await.ok_or_else(|| {
                refusal("PERSISTED_QUERY_NOT_FOUND", ServerError::new("PersistedQueryNotFound", None))
            })?,
        };
        request.query.clone_from(&plan.query);
        request.set_parsed_query(plan.document.clone());
        Ok(Some(plan))
    }

    /// Remembers the document of a request that was prepared. One that `changes` something only when the client named its
    /// hash: else its text may hold what it was filled with, a password too.
    pub(super) async fn remember(&self, request: &mut Request, changes: bool) -> Option<Arc<Plan>> {
        let named = request.extensions.contains_key("persistedQuery");
        if !named && (changes || request.query.len() > LONGEST_TEXT) {
            return None;
        }
        let hash: [u8; 32] = Sha256::digest(&request.query).into();
        let query = request.query.clone();
        let document = request.parsed_query().ok()?.clone();
        let plan = Arc::new(Plan { query, document, valid: AtomicBool::new(false) });
        if !named {
            self.texts.insert(hash, plan.clone());
            return Some(plan);
        }
        self.plans.insert(hash, plan.clone());
        if let Some(shared) = &self.shared {
            let (name, query) = (shared.name(&name(&hash)), plan.query.clone());
            shared
                .ask(LONGEST, async |mut redis| {
                    redis::AsyncCommands::set_ex::<_, _, ()>(&mut redis, name, query, REMEMBERED).await
                })
                .await;
        }
        Some(plan)
    }

    async fn told_by_redis(&self, hash: [u8; 32]) -> Option<Arc<Plan>> {
        let shared = self.shared.as_ref()?;
        let name = shared.name(&name(&hash));
        let query = shared
            .ask(LONGEST, async |mut redis| redis::AsyncCommands::get::<_, Option<String>>(&mut redis, name).await)
            .await??;
        let own: [u8; 32] = Sha256::digest(&query).into();
        // Whoever can write to Redis cannot make one document stand for another.
        if own != hash || super::scan::check(&query).is_err() {
            return None;
        }
        let document = async_graphql::parser::parse_query(&query).ok()?;
        let plan = Arc::new(Plan { query, document, valid: AtomicBool::new(false) });
        self.plans.insert(hash, plan.clone());
        Some(plan)
    }
}

fn name(hash: &[u8; 32]) -> String {
    format!("document:{}", hex(hash))
}

fn decoded(hash: &str) -> Option<[u8; 32]> {
    if hash.len() != 64 || !hash.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (n, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hash.get(n * 2..n * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}
