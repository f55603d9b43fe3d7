//! The way to the customs that stands in for customs (海关模拟器). It looks whether a message can be read, as the e-port
//! does, and leaves the job [`Heard`]; what customs makes of it, and when its receipts come, is the room's business
//! (`simulator` of the crate `customs`). What is pushed in its name is proved by a keyed hash.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use entities::customs::{ceb, paper::PaperKind};
use serde::{Deserialize, Serialize};

use super::{CustomsGateway, Failure, Outgoing};
use crate::{
    db::Db,
    jobs::{self, Job},
    vault::{self, Vault},
};

/// What a push to the house is proved by.
const PROOF: &str = "x-simulator-proof";
/// What its proofs are made for.
const PURPOSE: &str = "customs simulator";

/// The way to the simulator.
pub struct Simulator {
    db: Db,
    vault: Arc<Vault>,
}

impl std::fmt::Debug for Simulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Simulator")
    }
}

/// A message was handed over to the simulator. Handed over twice, it is heard once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// Which: what it is known by on the way, the id under which the house keeps it.
    pub message: String,
    /// The order that it is about.
    pub document: String,
    /// When it was handed over.
    pub at: DateTime<Utc>,
}

impl Job for Heard {
    const KIND: &'static str = "customs.heard";
    // What is said of an order is heard in its order: a payment looks for the order paper.
    fn aggregate(&self) -> String {
        format!("heard:{}", self.document)
    }
}

/// The headers that prove a push.
pub fn proved(vault: &Vault, body: &[u8]) -> Vec<(String, String)> {
    vec![(PROOF.into(), vault.proof(PURPOSE, &vault::sha256_hex(body)))]
}

/// The proof that is shown. It is one of the body: without the body it can only be missed.
fn said(headers: &[(String, String)]) -> Option<&str> {
    headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(PROOF)).map(|(_, proof)| proof.as_str())
}

impl Simulator {
    /// The way to it, over the house's own database.
    pub fn new(db: &Db, vault: &Arc<Vault>) -> Self {
        Self { db: db.clone(), vault: vault.clone() }
    }
}

#[async_trait]
impl CustomsGateway for Simulator {
    async fn send(&self, message: &Outgoing) -> Result<(), Failure> {
        let refused = |message: String| Failure::Refused { code: "0002".into(), message };
        let read = ceb::read(message.text.as_bytes()).map_err(|why| refused(why.to_string()))?;
        if let Some(fault) = read.faults().first() {
            return Err(refused(fault.to_string()));
        }
        if PaperKind::of_number(read.kind.number).is_none() {
            return Err(refused(format!("{} is nothing that is sent", read.root())));
        }
        let heard = Heard { message: message.id.clone(), document: message.document.clone(), at: message.at };
        let left = jobs::enqueue(self.db.writer(), &heard, message.at).await;
        left.map_err(|error| Failure::Unavailable(error.told().into()))
    }

    fn admits(&self, headers: &[(String, String)]) -> bool {
        said(headers).is_some()
    }

    fn proves(&self, headers: &[(String, String)], hash: &str) -> bool {
        said(headers).is_some_and(|proof| self.vault.proves(PURPOSE, hash, proof))
    }

    fn unpack(&self, headers: &[(String, String)], body: &[u8], _: DateTime<Utc>) -> Result<Vec<u8>, Failure> {
        let proved = self.proves(headers, &vault::sha256_hex(body));
        if proved { Ok(body.to_vec()) } else { Err(Failure::NotAuthentic) }
    }
}
