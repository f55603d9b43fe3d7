//! The way to customs: a border to the outside, one adapter each.
//!
//! An adapter hands messages over and unpacks what is pushed. It decides nothing: what a receipt means is the business of
//! the crate `customs`. Nothing here is called while a transaction is open.

pub mod eport;
mod signing;
pub mod simulator;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

/// Why a message was not handed over, or what was pushed was not taken: as with payment providers.
pub use super::payment::Failure;
pub use signing::Signing;

use super::{
    db::Db,
    error::Error,
    vault::{self, Vault},
};
use crate::config::{Config, Gateway};

/// Whoever carries messages to customs.
#[async_trait]
pub trait CustomsGateway: Send + Sync + std::fmt::Debug {
    /// Hands a message over. Handed over again with the same `id`, it is the same message.
    async fn send(&self, message: &Outgoing) -> Result<(), Failure>;
    /// Whether it may be the gateway that pushes, by the headers alone: of who is a stranger already the body is not read.
    fn admits(&self, headers: &[(String, String)]) -> bool;
    /// Whether it is the gateway that pushes a body which has this hash (SHA-256, in hex), when the body itself was not kept.
    fn proves(&self, headers: &[(String, String)], hash: &str) -> bool;
    /// The messages in what was pushed. Whoever sent it is proved here, or it is refused.
    fn unpack(&self, headers: &[(String, String)], body: &[u8], now: DateTime<Utc>) -> Result<Vec<u8>, Failure>;
}

/// A message that is to be handed over.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// What it is known by on the way (报文编号, `CopMsgId`).
    pub id: String,
    /// The number of its kind.
    pub kind: u16,
    /// Its text.
    pub text: String,
    /// The order that it is about.
    pub document: String,
    /// When it is sent.
    pub at: DateTime<Utc>,
}

impl Outgoing {
    /// The name of its kind on the way: `CEB621Message`.
    pub fn kind_name(&self) -> String {
        format!("CEB{}Message", self.kind)
    }
}

/// A number of its own (`guid`) for a paper or a message.
pub fn fresh_guid() -> Result<String, Error> {
    let bytes = vault::random::<16>()?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid().to_string().to_uppercase())
}

/// The gateway that the settings name.
pub fn of(config: &Config, db: &Db, vault: &Arc<Vault>) -> Result<Arc<dyn CustomsGateway>, Error> {
    Ok(match config.customs.gateway {
        Gateway::Simulator => Arc::new(simulator::Simulator::new(db, vault)),
        Gateway::Eport => Arc::new(eport::Bridge::new(&config.customs)?),
    })
}
