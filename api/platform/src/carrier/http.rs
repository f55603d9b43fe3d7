//! Carriers over HTTP: one generic adapter.
//!
//! The house sends `POST <url>` with JSON and the header of [`super::signature`]:
//!
//! ```json
//! { "type": "book", "key": "…", "document": "O-1", "mode": "COURIER", "origin": "630105", "destination": "630103",
//!   "consignee": { "name": "…", "mobile": "…", "address": "…" }, "grossWeightG": 1200,
//!   "contents": [{ "name": "…", "quantity": 2 }] }
//! { "type": "cancel", "key": "…", "waybill": "SF1234" }
//! { "type": "handOver", "key": "…", "waybill": "SF1234", "at": "2026-03-01T08:00:00.000Z" }
//! ```
//!
//! `book` is answered with 2xx and `{ "waybill": "SF1234" }`, the others with 2xx. `key` is the same when the same is asked
//! again. `waybill` is null in a `cancel` of what was booked and never answered: then `key` alone says what is meant, and
//! 404 or 410 that nothing has to be called off. 409 and 422 say no for good; everything else is tried again. What the
//! carrier pushes back is described in `deploy/carrier-events.md`.

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Carrier, Failure, House, Parcel, signature};
use crate::{clock::Clock, web};

/// Largest answer that is read.
const LARGEST: usize = 64 * 1024;

/// A carrier over HTTP.
pub struct HttpCarrier {
    client: reqwest::Client,
    clock: Clock,
    url: String,
    secret: Vec<u8>,
    allow_private: bool,
}

impl std::fmt::Debug for HttpCarrier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HttpCarrier")
    }
}

fn away(error: reqwest::Error) -> Failure {
    Failure::Unavailable(error.without_url().into())
}

/// What `book` is answered with.
#[derive(Deserialize)]
struct Booked {
    waybill: String,
}

/// What is sent of a parcel.
fn booking(parcel: &Parcel) -> Value {
    json!({
        "type": "book",
        "key": parcel.key,
        "document": parcel.document,
        "mode": parcel.mode,
        "origin": parcel.origin,
        "destination": parcel.destination,
        "consignee": parcel.consignee,
        "grossWeightG": parcel.gross_weight_g,
        "contents": parcel.contents,
    })
}

impl HttpCarrier {
    pub(super) fn new(house: House<'_>, url: String, secret: Vec<u8>) -> Self {
        Self {
            client: house.partners.clone(),
            clock: house.clock.clone(),
            url,
            secret,
            allow_private: house.allow_private,
        }
    }

    /// Asks it; answers with the status and what came with it.
    async fn ask(&self, what: &Value) -> Result<(u16, Vec<u8>), Failure> {
        // Looked at again: it may have been saved under other settings.
        if web::fit(&self.url, self.allow_private).is_err() {
            return Err(Failure::Refused("the address is not allowed".into()));
        }
        let body = what.to_string();
        let proof = signature::signed(&self.secret, body.as_bytes(), self.clock.now());
        let request = self.client.post(&self.url).header("content-type", "application/json");
        let mut answer = request.header(signature::HEADER, proof).body(body).send().await.map_err(away)?;
        let status = answer.status();
        let mut read = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(away)? {
            if read.len() + chunk.len() > LARGEST {
                return Err(Failure::Unavailable("the answer is too large".into()));
            }
            read.extend_from_slice(&chunk);
        }
        Ok((status.as_u16(), read))
    }
}

/// What came with an answer that says yes. Of any other only the status is kept: carriers write into it for whom the
/// parcel is.
fn good((status, read): (u16, Vec<u8>)) -> Result<Vec<u8>, Failure> {
    match status {
        200..=299 => Ok(read),
        409 | 422 => Err(Failure::Refused(format!("it answers {status}"))),
        other => Err(Failure::Unavailable(format!("it answers {other}").into())),
    }
}

#[async_trait]
impl Carrier for HttpCarrier {
    async fn book(&self, parcel: &Parcel) -> Result<String, Failure> {
        let answer = good(self.ask(&booking(parcel)).await?)?;
        let booked: Booked =
            serde_json::from_slice(&answer).map_err(|_| Failure::Unavailable("it answers without a waybill".into()))?;
        Ok(booked.waybill)
    }

    async fn cancel(&self, key: &str, number: Option<&str>) -> Result<(), Failure> {
        match self.ask(&json!({ "type": "cancel", "key": key, "waybill": number })).await? {
            // What it does not know it does not wait for.
            (404 | 410, _) if number.is_none() => Ok(()),
            answer => good(answer).map(drop),
        }
    }

    async fn hand_over(&self, key: &str, number: &str, at: DateTime<Utc>) -> Result<(), Failure> {
        let at = at.to_rfc3339_opts(SecondsFormat::Millis, true);
        good(self.ask(&json!({ "type": "handOver", "key": key, "waybill": number, "at": at })).await?).map(drop)
    }
}
