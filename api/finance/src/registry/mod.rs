//! The registry of movable property (动产融资统一登记公示系统, 中登网): a border to the outside, one adapter for each way in which
//! it is reached.
//!
//! An adapter searches and files, and says what the registry answered. It decides nothing: what a hit means for a
//! request stands in `entities::finance::registry`, what is done about it in `ops::conditions`. Nothing here is called
//! while a transaction is open. What is filed is filed by a job ([`filing`]): known again by its reference it is filed
//! once, however often it is asked for.
//!
//! There is one adapter, [`simulator`], which stands in for the registry. A real one is a file beside it that
//! implements [`MovablesRegistry`] over the registry's interface for institutions, settings that say how it is reached
//! and who signs in, and a line in [`of`] that takes it when these are there. Nothing else knows which one it is.

pub mod filing;
pub mod simulator;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use entities::finance::{RegistrationKind, tsin::Party};
use platform::app::App;
/// Why the registry did not do it: as with payment providers.
pub use platform::payment::Failure;

/// The registry of movable property.
#[async_trait]
pub trait MovablesRegistry: Send + Sync + std::fmt::Debug {
    /// What stands there of a grantor, and the certificate of that (查询).
    async fn search(&self, ask: &Search) -> Result<Found, Failure>;
    /// Registers (初始登记). Asked again with the same `reference`, it is the same registration.
    async fn register(&self, ask: &Registration) -> Result<Filed, Failure>;
    /// Says anew what a registration is about (变更登记).
    async fn amend(&self, ask: &Amendment) -> Result<Filed, Failure>;
    /// Lets a registration last longer (展期登记).
    async fn extend(&self, ask: &Extension) -> Result<Filed, Failure>;
    /// Takes a registration away, also one that may never have been taken in (注销登记).
    async fn cancel(&self, reference: &str) -> Result<(), Failure>;
}

/// Of whom somebody wants to know what stands there.
#[derive(Clone, Debug)]
pub struct Search {
    /// Who assigns or pledges (担保人).
    pub grantor: Party,
    /// Who asks.
    pub secured: Party,
}

/// What a search found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The number of the certificate of it (查询证明编号).
    pub certificate: String,
    /// When it was searched.
    pub at: DateTime<Utc>,
    /// What stands there and is not over.
    pub hits: Vec<Entry>,
}

/// What stands there. Who secured himself is not told.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Since when.
    pub registered_at: DateTime<Utc>,
    /// Until when.
    pub expires_on: NaiveDate,
    /// Whether it is that of who asks.
    pub own: bool,
    /// What it is about.
    pub collateral: String,
}

/// What is to be registered.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Known again by this.
    pub reference: String,
    /// What it is.
    pub kind: RegistrationKind,
    /// Who assigns or pledges (担保人).
    pub grantor: Party,
    /// Who secures himself (担保权人).
    pub secured: Party,
    /// What it is about.
    pub collateral: String,
    /// Until when it is to last.
    pub expires_on: NaiveDate,
}

/// What a registration is about from now on.
#[derive(Clone, Debug)]
pub struct Amendment {
    /// The number of its certificate.
    pub cert_no: String,
    /// What it is about.
    pub collateral: String,
}

/// Until when a registration lasts from now on.
#[derive(Clone, Debug)]
pub struct Extension {
    /// The number of its certificate.
    pub cert_no: String,
    /// Until when.
    pub expires_on: NaiveDate,
}

/// What stands in the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filed {
    /// The number of its certificate (登记证明编号).
    pub cert_no: String,
    /// Since when it stands there.
    pub at: DateTime<Utc>,
    /// Until when.
    pub expires_on: NaiveDate,
}

/// The way to the registry.
pub fn of(app: &App) -> Box<dyn MovablesRegistry> {
    Box::new(simulator::Simulator::new(app))
}
