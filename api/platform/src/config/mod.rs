//! Settings: the defaults file beside this module, laid over by a file, laid over by the environment.
//!
//! The defaults file lists every setting there is and is the reference for people. A setting that is
//! not in it is refused by name, in a file and in the environment alike, so that a typing error is
//! found at the start and not in production.

mod customs;
mod logistics;
mod payments;
mod procurement;
mod server;
mod stripe;
mod wechat_pay;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use config::{File, FileFormat};
use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

pub use customs::{Customs, Eport, Exports, Gateway, PaymentData, Signing};
pub use logistics::{Logistics, Simulator};
pub use payments::{Bank, Payments, Sandbox};
pub use procurement::Procurement;
pub use server::{Budget, Introspection, Limits, Server};
pub use stripe::Stripe;
pub use wechat_pay::WechatPay;

/// The defaults and the documentation of every setting.
pub const DEFAULTS: &str = include_str!("defaults.toml");

/// The file that is read when none is named and it exists.
pub const DEFAULT_FILE: &str = "chama.toml";

const PREFIX: &str = "CHAMA_";

/// Longest id of sender and receiver in the envelope of the e-port (`SenderId` and `ReceiverId` of `DxpMsg`,
/// terminal-202205.xsd).
const LONGEST_EPORT_ID: usize = 16;

/// All settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Folder of the embedded tiers.
    pub data_dir: PathBuf,
    /// HTTP.
    pub server: Server,
    /// What one operation may cost.
    pub budget: Budget,
    /// How often someone may ask.
    pub limits: Limits,
    /// Database.
    pub database: Database,
    /// Cache shared between nodes.
    pub redis: Redis,
    /// Search engine apart from this process.
    pub meilisearch: Meilisearch,
    /// How text is read.
    pub search: Search,
    /// Finished answers.
    pub cache: Cache,
    /// What must stay secret.
    pub secrets: Secrets,
    /// Signing in.
    pub auth: Auth,
    /// The mini-program.
    pub wechat: Wechat,
    /// Orders.
    pub ordering: Ordering,
    /// Showrooms.
    pub showroom: Showroom,
    /// Logistics.
    pub logistics: Logistics,
    /// Payments.
    pub payments: Payments,
    /// Procurement.
    pub procurement: Procurement,
    /// Paying in the mini-program.
    pub wechat_pay: WechatPay,
    /// Payments through Stripe.
    pub stripe: Stripe,
    /// Customs.
    pub customs: Customs,
    /// Background jobs.
    pub jobs: Jobs,
    /// Webhooks to partners.
    pub webhooks: Webhooks,
    /// Logs.
    pub log: Log,
}

/// Database.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described in defaults.toml")]
pub struct Database {
    url: SecretString,
    pub connections: u32,
}

/// Orders.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described in defaults.toml")]
pub struct Ordering {
    pub keeps_days: u32,
}

/// Showrooms.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described in defaults.toml")]
pub struct Showroom {
    link: String,
    pub mini_program_page: String,
    pub low_stock: i64,
}

impl Showroom {
    /// Where the code on a slot leads, with `{code}` in it.
    pub fn link(&self, public_url: &str) -> String {
        if self.link.is_empty() { format!("{public_url}/s/{{code}}") } else { self.link.clone() }
    }
}

/// Cache shared between nodes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redis {
    url: SecretString,
    prefix: String,
}

/// Search engine apart from this process.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described in defaults.toml")]
pub struct Meilisearch {
    url: String,
    key: SecretString,
    pub index: String,
}

/// Finished answers that are kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described in defaults.toml")]
pub struct Cache {
    pub bytes: u64,
    pub max_age: u32,
}

/// How text is read.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    synonyms: String,
    stop_words: String,
}

impl Search {
    /// The file of synonyms, or none for that which comes with the house.
    pub fn synonyms(&self) -> Option<&Path> {
        Some(Path::new(&self.synonyms)).filter(|_| !self.synonyms.is_empty())
    }

    /// The file of stop words, or none for that which comes with the house.
    pub fn stop_words(&self) -> Option<&Path> {
        Some(Path::new(&self.stop_words)).filter(|_| !self.stop_words.is_empty())
    }
}

/// What must stay secret.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    master_key: SecretString,
}

/// Signing in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described in defaults.toml")]
pub struct Auth {
    pub development_tokens: bool,
    access_minutes: u32,
    session_days: u32,
    key_days: u32,
    pub lock_after: i32,
    lock_minutes: u32,
}

impl Auth {
    /// How long an access token lives.
    pub fn access_lifetime(&self) -> chrono::Duration {
        chrono::Duration::minutes(self.access_minutes.into())
    }

    /// How long a session can be refreshed.
    pub fn session_lifetime(&self) -> chrono::Duration {
        chrono::Duration::days(self.session_days.into())
    }

    /// How long a key signs.
    pub fn key_period(&self) -> chrono::Duration {
        chrono::Duration::days(self.key_days.into())
    }

    /// How long a name waits after too many failures.
    pub fn lock_time(&self) -> chrono::Duration {
        chrono::Duration::minutes(self.lock_minutes.into())
    }
}

/// The mini-program.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described in defaults.toml")]
pub struct Wechat {
    pub app_id: String,
    pub app_secret: SecretString,
    pub url: String,
}

/// Background jobs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described in defaults.toml")]
pub struct Jobs {
    pub workers: usize,
    lease: u32,
}

impl Jobs {
    /// How long a worker has a job.
    pub fn lease(&self) -> chrono::Duration {
        chrono::Duration::seconds(self.lease.into())
    }

    /// Longest time of one job: well before its lease runs out.
    pub fn time_limit(&self) -> Duration {
        Duration::from_millis(u64::from(self.lease) * 800)
    }
}

/// Webhooks to partners.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described in defaults.toml")]
pub struct Webhooks {
    pub allow_private: bool,
    timeout: u32,
}

impl Webhooks {
    /// Longest wait for an answer.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout.into())
    }
}

/// Logs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described in defaults.toml")]
pub struct Log {
    pub format: LogFormat,
    pub filter: String,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

impl Config {
    /// The default of `server.public_url`: nobody has said where the server is reached.
    pub const PUBLIC_URL: &str = "http://127.0.0.1:8000";

    /// Reads the settings. `file`: as named on the command line; `environment`: usually [`std::env::vars`].
    pub fn load(
        file: Option<PathBuf>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let file = file.or_else(|| Some(PathBuf::from(DEFAULT_FILE)).filter(|f| f.exists()));
        let mut builder = config::Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        if let Some(file) = &file {
            let text = std::fs::read_to_string(file)
                .map_err(|e| ConfigError(format!("cannot read the settings in {}: {e}", file.display())))?;
            builder = builder.add_source(File::from_str(&text, FileFormat::Toml));
        }
        let known = setting_names()?;
        for (variable, value) in environment {
            let Some(name) = variable.strip_prefix(PREFIX) else { continue };
            let setting = known.iter().find(|k| k.replace('.', "_").to_uppercase() == name);
            let setting = setting.ok_or_else(|| {
                ConfigError(format!("{variable} is no setting of chama; known are {}", variables(&known)))
            })?;
            builder = builder.set_override(setting, value)?;
        }
        let config: Self = builder.build()?.try_deserialize()?;
        config.validated()
    }

    fn validated(self) -> Result<Self, ConfigError> {
        let url = self.database.url.expose_secret();
        if !url.is_empty() && !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(ConfigError(
                "database.url must start with postgres:// (leave it empty for SQLite in data_dir)".into(),
            ));
        }
        let redis = self.redis.url.expose_secret();
        if !redis.is_empty() && !redis.starts_with("redis://") && !redis.starts_with("redis+unix://") {
            return Err(ConfigError("redis.url must start with redis:// or redis+unix://".into()));
        }
        let url = self.server.public_url.as_str();
        if !(url.starts_with("http://") || url.starts_with("https://")) || url.ends_with('/') {
            return Err(ConfigError("server.public_url must start with https:// and have no slash at its end".into()));
        }
        let proxies = self.server.trusted_proxies.split(',').map(str::trim).filter(|net| !net.is_empty());
        if let Some(wrong) = proxies.into_iter().find(|net| net.parse::<IpNet>().is_err()) {
            return Err(ConfigError(format!("server.trusted_proxies: {wrong} is no network such as 10.0.0.0/8")));
        }
        let counted = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        for (name, value, range) in [
            ("server.header_timeout", self.server.header_timeout, 1..=300),
            ("server.body_timeout", self.server.body_timeout, 1..=600),
            ("server.connections", counted(self.server.connections), 1..=1_000_000),
            ("server.connections_per_address", counted(self.server.connections_per_address), 1..=1_000_000),
            ("server.operations", counted(self.server.operations), 1..=10_000),
            ("server.queue", counted(self.server.queue), 0..=100_000),
            ("server.subscriptions", counted(self.server.subscriptions), 0..=100_000),
            ("server.websocket_init_timeout", self.server.websocket_init_timeout, 1..=300),
            ("budget.anonymous", self.budget.anonymous, 100..=10_000_000),
            ("budget.signed_in", self.budget.signed_in, 100..=10_000_000),
            ("limits.everything", self.limits.everything, 1..=1_000_000),
            ("limits.everything_burst", self.limits.everything_burst, 1..=1_000_000),
            ("limits.search", self.limits.search, 1..=1_000_000),
            ("limits.search_burst", self.limits.search_burst, 1..=1_000_000),
            ("limits.sign_in", self.limits.sign_in, 1..=1_000_000),
            ("limits.sign_in_burst", self.limits.sign_in_burst, 1..=1_000_000),
            ("limits.inquiry", self.limits.inquiry, 1..=1_000_000),
            ("limits.inquiry_burst", self.limits.inquiry_burst, 1..=1_000_000),
            ("auth.access_minutes", self.auth.access_minutes, 1..=60),
            ("auth.session_days", self.auth.session_days, 1..=365),
            ("auth.key_days", self.auth.key_days, 1..=365),
            ("auth.lock_minutes", self.auth.lock_minutes, 1..=1_440),
            ("auth.lock_after", self.auth.lock_after.try_into().unwrap_or_default(), 3..=100),
            ("logistics.weight_tolerance", self.logistics.weight_tolerance, 0..=1_000),
            ("logistics.simulator.step_ms", self.logistics.simulator.step_ms, 0..=86_400_000),
            ("payments.timeout", self.payments.timeout, 1..=60),
            ("payments.look_after", self.payments.look_after, 1..=1_440),
            ("payments.sandbox.delay_ms", self.payments.sandbox.delay_ms, 0..=600_000),
            ("payments.sandbox.duplicates", self.payments.sandbox.duplicates, 0..=10),
            ("customs.timeout", self.customs.timeout, 1..=60),
            ("customs.wait_hours", self.customs.wait_hours, 1..=720),
            ("customs.simulator.delay_ms", self.customs.simulator.delay_ms, 0..=600_000),
            ("customs.matching.weight_tolerance_permille", self.customs.matching.weight_tolerance_permille, 0..=1_000),
            ("customs.matching.weight_tolerance_grams", self.customs.matching.weight_tolerance_grams, 0..=100_000),
            ("customs.exports.b2b_hs_digits", self.customs.exports.b2b_hs_digits, 4..=10),
            ("jobs.lease", self.jobs.lease, 2..=3_600),
            ("jobs.workers", counted(self.jobs.workers), 0..=64),
            ("webhooks.timeout", self.webhooks.timeout, 1..=60),
        ] {
            if !range.contains(&value) {
                let (from, to) = range.into_inner();
                return Err(ConfigError(format!("{name} must be between {from} and {to}")));
            }
        }
        self.logistics.check()?;
        self.procurement.check()?;
        self.stripe.check()?;
        if self.webhooks.timeout * 5 > self.jobs.lease * 4 {
            return Err(ConfigError("webhooks.timeout must be well below jobs.lease".into()));
        }
        let bank = &self.payments.bank;
        let filled = [&bank.account_name, &bank.bank, &bank.account_number].iter().filter(|s| !s.is_empty()).count();
        if !matches!(filled, 0 | 3) {
            return Err(ConfigError(
                "payments.bank needs account_name, bank and account_number, or none of them".into(),
            ));
        }
        self.wechat_pay.check()?;
        let eport = &self.customs.eport;
        for (name, id) in [("sender_id", &eport.sender_id), ("receiver_id", &eport.receiver_id)] {
            let long = id.chars().count();
            if long > LONGEST_EPORT_ID {
                return Err(ConfigError(format!(
                    "customs.eport.{name} has {long} characters, an envelope of the e-port takes {LONGEST_EPORT_ID}: \
                     give the id that the e-port gave (DXPENT and 10 digits) or the customs code of 10 digits, not a \
                     social credit code"
                )));
            }
        }
        if !(1..=500).contains(&self.database.connections) {
            return Err(ConfigError("database.connections must be between 1 and 500".into()));
        }
        Ok(self)
    }

    /// The `PostgreSQL` address, or none for `SQLite` in the data folder.
    pub fn postgres(&self) -> Option<&str> {
        Some(self.database.url.expose_secret()).filter(|url| !url.is_empty())
    }

    /// The master key, or none for that of the data folder.
    pub fn master_key(&self) -> Option<&str> {
        Some(self.secrets.master_key.expose_secret()).filter(|key| !key.is_empty())
    }

    /// The address of Redis and what all names there begin with, or none.
    pub fn redis(&self) -> Option<(&str, &str)> {
        Some((self.redis.url.expose_secret(), self.redis.prefix.as_str())).filter(|(url, _)| !url.is_empty())
    }

    /// Where `WeChat` Pay sends its notifications.
    pub fn wechat_notify_url(&self) -> String {
        match self.wechat_pay.notify_url.as_str() {
            "" => format!("{}/webhooks/wechat", self.server.public_url),
            url => url.to_owned(),
        }
    }

    /// Address and key of Meilisearch, or none for the embedded index.
    pub fn meilisearch(&self) -> Option<(&str, Option<&str>)> {
        let key = Some(self.meilisearch.key.expose_secret()).filter(|key| !key.is_empty());
        Some((self.meilisearch.url.as_str(), key)).filter(|(url, _)| !url.is_empty())
    }

    /// The `SQLite` file.
    pub fn sqlite_file(&self) -> PathBuf {
        self.data_dir.join("chama.sqlite")
    }

    /// The folder of pictures that this server hands out.
    pub fn media_folder(&self) -> PathBuf {
        self.data_dir.join("media")
    }

    /// The folder of the embedded search index.
    pub fn search_folder(&self) -> PathBuf {
        self.data_dir.join("search")
    }
}

/// Every setting by its dotted name, as the defaults file has them.
fn setting_names() -> Result<Vec<String>, ConfigError> {
    fn walk(prefix: &str, value: config::Value, names: &mut Vec<String>) {
        match value.kind {
            config::ValueKind::Table(table) => {
                for (key, value) in table {
                    walk(&if prefix.is_empty() { key } else { format!("{prefix}.{key}") }, value, names);
                }
            }
            _ => names.push(prefix.to_owned()),
        }
    }
    let defaults = config::Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml)).build()?;
    let mut names = Vec::new();
    for (key, value) in defaults.cache.into_table()? {
        walk(&key, value, &mut names);
    }
    names.sort();
    Ok(names)
}

fn variables(names: &[String]) -> String {
    let variable = |n: &String| format!("{PREFIX}{}", n.replace('.', "_").to_uppercase());
    names.iter().map(variable).collect::<Vec<_>>().join(", ")
}

/// Settings that cannot be used; the text says which and why.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl From<config::ConfigError> for ConfigError {
    fn from(error: config::ConfigError) -> Self {
        Self(format!("the settings cannot be read: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(environment: &[(&str, &str)]) -> Result<Config, String> {
        let owned = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Config::load(None, owned).map_err(|e| e.to_string())
    }

    #[test]
    fn the_environment_wins_over_the_defaults() {
        let config = load(&[
            ("CHAMA_DATABASE_URL", "postgres://u:hunter2@h/d"),
            ("CHAMA_DATA_DIR", "/var/lib/chama"),
            ("CHAMA_SERVER_BODY_LIMIT", "2048"),
            ("HOME", "/root"),
        ])
        .unwrap();
        assert_eq!(config.postgres(), Some("postgres://u:hunter2@h/d"));
        assert_eq!(config.server.body_limit, 2048);
        assert_eq!(config.sqlite_file(), PathBuf::from("/var/lib/chama/chama.sqlite"));
        assert!(!format!("{config:?}").contains("hunter2"), "a password shows in a log line");
        assert_eq!(load(&[]).unwrap().postgres(), None);
    }

    #[test]
    fn what_cannot_be_meant_is_named() {
        for (variable, value, named) in [
            ("CHAMA_DATABSE_URL", "x", "CHAMA_DATABSE_URL"),
            ("CHAMA_DATABASE_URL", "mysql://h/d", "database.url"),
            ("CHAMA_REDIS_URL", "http://h", "redis.url"),
            ("CHAMA_SERVER_LISTEN", "here", "server.listen"),
            ("CHAMA_DATABASE_CONNECTIONS", "0", "database.connections"),
            ("CHAMA_LOG_FORMAT", "xml", "log.format"),
            ("CHAMA_SERVER_PUBLIC_URL", "chama.example", "server.public_url"),
            ("CHAMA_SERVER_TRUSTED_PROXIES", "10.0.0.0/8, here", "server.trusted_proxies"),
            ("CHAMA_SERVER_HEADER_TIMEOUT", "0", "server.header_timeout"),
            ("CHAMA_SERVER_INTROSPECTION", "friends", "server.introspection"),
            ("CHAMA_LIMITS_SIGN_IN", "0", "limits.sign_in"),
            ("CHAMA_AUTH_ACCESS_MINUTES", "0", "auth.access_minutes"),
            ("CHAMA_JOBS_LEASE", "10", "webhooks.timeout"),
            ("CHAMA_LOGISTICS_SSCC_PREFIX", "69", "logistics.sscc_prefix"),
            ("CHAMA_PAYMENTS_TIMEOUT", "0", "payments.timeout"),
            ("CHAMA_PROCUREMENT_LARGEST_FILE_MB", "51", "procurement.largest_file_mb"),
            ("CHAMA_PAYMENTS_BANK_BANK", "ICBC", "payments.bank"),
            // A social credit code, which an organisation has anyway, does not fit into the envelope.
            ("CHAMA_CUSTOMS_EPORT_SENDER_ID", "91630100MA75T40X36", "customs.eport.sender_id"),
            ("CHAMA_CUSTOMS_EPORT_RECEIVER_ID", "91630100MA75T40X36", "customs.eport.receiver_id"),
            ("CHAMA_WECHAT_PAY_API_V3_KEY", "k", "wechat_pay.merchant_id"),
            ("CHAMA_WECHAT_PAY_MERCHANT_ID", "1900000109", "wechat_pay.app_id"),
            ("CHAMA_WECHAT_PAY_NOTIFY_URL", "https://chama.example/hook?x=1", "wechat_pay.notify_url"),
            ("CHAMA_WECHAT_PAY_TIMEOUT", "0", "wechat_pay.timeout"),
            ("CHAMA_STRIPE_URL", "http://api.stripe.com", "stripe.url"),
            ("CHAMA_STRIPE_URL", "https://api.stripe.com/", "stripe.url"),
            ("CHAMA_STRIPE_URL", "https://sk:pw@api.stripe.com", "stripe.url"),
            ("CHAMA_STRIPE_TIMEOUT", "0", "stripe.timeout"),
            ("CHAMA_STRIPE_SECRET_KEY", "sk_test_1", "stripe.publishable_key"),
            ("CHAMA_STRIPE_WEBHOOK_SECRET", "whsec_1", "stripe.secret_key"),
        ] {
            let message = load(&[(variable, value)]).unwrap_err();
            assert!(message.contains(named), "{variable}={value} answers: {message}");
        }
    }
}
