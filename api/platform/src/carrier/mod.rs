//! Carriers: a border to the outside, one adapter for each way in which they are reached.
//!
//! An adapter tells a carrier of a parcel and says what it answered. What carriers report comes back as signed pushes
//! ([`signature`]); what that means for a shipment is the business of the crate `logistics`. Nothing here is called
//! while a transaction is open.

pub mod http;
pub mod signature;
pub mod simulator;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use entities::{
    logistics::{Adapter, TransportMode, carrier},
    values::{Consignee, id::OrganisationId},
};
use serde::Serialize;

use super::{
    clock::Clock,
    db::Db,
    error::{Cause, Error},
    vault::Vault,
};

/// Whoever carries parcels.
#[async_trait]
pub trait Carrier: Send + Sync + std::fmt::Debug {
    /// Tells of a parcel that will come; answers with its number. Called again with the same `key`, it is the same parcel.
    async fn book(&self, parcel: &Parcel) -> Result<String, Failure>;
    /// Tells that a parcel will not come. It may have no number yet: the carrier was told of it and did not answer.
    async fn cancel(&self, key: &str, number: Option<&str>) -> Result<(), Failure>;
    /// Tells that a parcel is out of the gate.
    async fn hand_over(&self, key: &str, number: &str, at: DateTime<Utc>) -> Result<(), Failure>;
}

/// What is in a parcel.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "a name in Chinese, and how much of it")]
pub struct Content {
    pub name: String,
    pub quantity: i64,
}

/// A parcel that will come.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "what carriers are told")]
pub struct Parcel {
    /// Known again by this.
    pub key: String,
    pub document: String,
    /// Its number, when the house gave it one.
    pub number: Option<String>,
    pub mode: TransportMode,
    pub origin: String,
    pub destination: String,
    pub consignee: Consignee,
    pub gross_weight_g: i64,
    pub contents: Vec<Content>,
}

/// Why a carrier did not do it.
#[derive(Debug)]
pub enum Failure {
    /// It was asked and said no. Not in its own words: they may say for whom the parcel is, and this is for the log.
    Refused(String),
    /// It does not answer, or is busy: the same may succeed later.
    Unavailable(Cause),
}

impl Failure {
    /// Why, for the log and for operators.
    pub fn told(&self) -> String {
        match self {
            Self::Refused(why) => format!("it says no: {why}"),
            Self::Unavailable(cause) => format!("it does not answer: {cause}"),
        }
    }
}

/// What adapters are made of.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "parts of the house")]
pub struct House<'a> {
    pub db: &'a Db,
    pub vault: &'a Vault,
    pub clock: &'a Clock,
    pub partners: &'a reqwest::Client,
    pub allow_private: bool,
}

/// The place in the vault of the secret that both sides sign with.
pub fn secret_place(carrier: OrganisationId) -> String {
    format!("carrier_setting.secret:{carrier}")
}

/// The secret that both sides sign with.
pub fn secret(vault: &Vault, setting: &carrier::Model) -> Result<Vec<u8>, Error> {
    vault.unseal(&secret_place(setting.carrier_id), &setting.secret)
}

/// The adapter of a carrier; none: people speak with it.
pub fn of(house: House<'_>, setting: &carrier::Model) -> Result<Option<Box<dyn Carrier>>, Error> {
    Ok(match setting.adapter {
        Adapter::Manual => None,
        Adapter::Simulator => Some(Box::new(simulator::Simulator::new(house.db, setting.carrier_id))),
        Adapter::Http => {
            let url = setting.url.clone().ok_or_else(|| Error::internal("a carrier without an address"))?;
            Some(Box::new(http::HttpCarrier::new(house, url, secret(house.vault, setting)?)))
        }
    })
}
