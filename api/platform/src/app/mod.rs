//! The one struct that holds everything an operation needs, built once; and [`Work`], in which every change is
//! carried out.

mod watch;
mod work;

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use entities::showroom::scan_event;
use search::{Analyzer, SearchEngine};
use tokio::sync::Notify;

pub use self::watch::watched;
pub use self::work::{Call, IndexJob, Told, Work, acting, allowed, tell_both};
use crate::{
    auth::{Gate, Passwords},
    cache::Cache,
    clock::Clock,
    config::Config,
    customs::{self, CustomsGateway, Signing},
    db::Db,
    error::Error,
    gathered::Gathered,
    limits::Limits,
    payment::Providers,
    responses::Responses,
    shared::Shared,
    vault::Vault,
    web,
    wechat::{self, WechatLogin},
};

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
    shared: Option<Arc<Shared>>,
    limits: Limits,
    responses: Responses,
    search: Arc<dyn SearchEngine>,
    analyzer: Arc<Analyzer>,
    vault: Arc<Vault>,
    gate: Gate,
    passwords: Passwords,
    wechat: Box<dyn WechatLogin>,
    partners: reqwest::Client,
    payments: Providers,
    customs: Arc<dyn CustomsGateway>,
    signing: Arc<Signing>,
    clock: Clock,
    jobs_due: Notify,
    scans: Gathered<scan_event::Model>,
    // Requests with a `clientMutationId` that this node is carrying out.
    in_progress: Mutex<HashSet<String>>,
}

impl App {
    /// Connects to the tiers that the settings name. The tables are not touched; see [`Db::migrate`].
    pub async fn new(config: Config, clock: Clock) -> Result<Self, Error> {
        let db = Db::connect(&config).await?;
        Self::over(db, config, clock)
    }

    /// The same for a process that answers requests: the database stops statements that outlive any operation. Not for
    /// what may take long: migrations, imports.
    pub async fn serving(config: Config, clock: Clock) -> Result<Self, Error> {
        let db = Db::serving(&config).await?;
        Self::over(db, config, clock)
    }

    fn over(db: Db, config: Config, clock: Clock) -> Result<Self, Error> {
        let shared = config
            .redis()
            .map(|(url, prefix)| Shared::connect(url, prefix))
            .transpose()
            .map_err(Error::internal)?
            .map(Arc::new);
        let analyzer = Analyzer::new(config.search.synonyms(), config.search.stop_words());
        let analyzer = Arc::new(analyzer.map_err(|e| Error::BadInput(e.to_string()))?);
        let search = match config.meilisearch() {
            Some((url, key)) => search::meilisearch(url, key, &config.meilisearch.index, analyzer.clone()),
            None => search::embedded(&config.search_folder(), analyzer.clone()),
        }
        .map_err(Error::internal)?;
        let vault = Arc::new(Vault::open(config.master_key(), &config.data_dir)?);
        let payments = Providers::new(&config, &db, &vault, &clock)?;
        let signing = Arc::new(Signing::of(&config.customs)?);
        let customs = customs::of(&config, &db, &vault)?;
        let inner = Inner {
            db,
            cache: Cache::new(shared.clone()),
            limits: Limits::new(&config.limits, shared.clone(), clock.clone()),
            responses: Responses::new(config.cache.bytes, shared.clone(), clock.clone()),
            shared,
            search,
            analyzer,
            gate: Gate::new(&config, vault.clone()),
            vault,
            passwords: Passwords::new()?,
            wechat: wechat::of(&config)?,
            payments,
            customs,
            signing,
            partners: web::partners(config.webhooks.timeout(), config.webhooks.allow_private)?,
            clock,
            jobs_due: Notify::new(),
            scans: Gathered::default(),
            in_progress: Mutex::default(),
            config,
        };
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

    /// How often someone may ask.
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// Finished answers to what everyone may read.
    pub fn responses(&self) -> &Responses {
        &self.inner.responses
    }

    /// Redis, when there is one.
    pub fn shared(&self) -> Option<&Arc<Shared>> {
        self.inner.shared.as_ref()
    }

    /// Search engine.
    pub fn search(&self) -> &dyn SearchEngine {
        self.inner.search.as_ref()
    }

    /// How text is read.
    pub fn analyzer(&self) -> &Analyzer {
        &self.inner.analyzer
    }

    /// What is kept encrypted.
    pub fn vault(&self) -> &Vault {
        &self.inner.vault
    }

    /// Who is behind a token.
    pub fn gate(&self) -> &Gate {
        &self.inner.gate
    }

    /// Passwords.
    pub fn passwords(&self) -> &Passwords {
        &self.inner.passwords
    }

    /// The mini-program's login.
    pub fn wechat(&self) -> &dyn WechatLogin {
        self.inner.wechat.as_ref()
    }

    /// The client for addresses that partners give.
    pub fn partners(&self) -> &reqwest::Client {
        &self.inner.partners
    }

    /// The payment providers.
    pub fn payments(&self) -> &Providers {
        &self.inner.payments
    }

    /// The way to customs.
    pub fn customs(&self) -> &dyn CustomsGateway {
        self.inner.customs.as_ref()
    }

    /// With what messages to customs are signed, and whose signatures are believed.
    pub fn signing(&self) -> &Signing {
        &self.inner.signing
    }

    /// Clock.
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// Is told when this node wrote jobs; what other nodes write is found by looking.
    pub fn jobs_due(&self) -> &Notify {
        &self.inner.jobs_due
    }

    /// Scans of slots that are not written yet.
    pub fn scans(&self) -> &Gathered<scan_event::Model> {
        &self.inner.scans
    }

    /// Notes that a request is being carried out, unless it is already.
    fn enter(&self, key: &str) -> bool {
        self.inner.in_progress.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned())
    }

    fn leave(&self, key: &str) {
        self.inner.in_progress.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}
