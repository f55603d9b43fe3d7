//! What a client carries from a scan to an order: where and what was scanned, and who of the team served. It is signed with
//! a key of the house, so a client can neither make one nor change it; it holds no secret.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Duration, Utc};
use entities::{
    showroom::attribution::{Touch, WINDOW},
    values::id::{PersonId, ProductId, ShowroomId, SlotId},
};
use platform::{error::Error, vault::Vault};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// How long the code that somebody of the team shows is good: a working day.
pub const SHIFT: Duration = Duration::hours(12);
/// Longer texts are no tokens.
const LONGEST: usize = 1_000;
/// Most products of one scan that count.
const MOST_PRODUCTS: usize = 6;
const SCAN: &str = "showroom-scan";
const STAFF: &str = "showroom-staff";

#[derive(Serialize, Deserialize)]
struct Scanned(ShowroomId, SlotId, Vec<ProductId>, Option<PersonId>, i64);

#[derive(Serialize, Deserialize)]
struct Serves(ShowroomId, PersonId, i64);

fn signed(vault: &Vault, kind: &str, what: &impl Serialize) -> Result<String, Error> {
    let said = BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(what).map_err(Error::internal)?);
    let proof = vault.proof(kind, &said);
    Ok(format!("{said}.{proof}"))
}

fn read<T: DeserializeOwned>(vault: &Vault, kind: &str, token: &str) -> Option<T> {
    if token.len() > LONGEST {
        return None;
    }
    let (said, proof) = token.split_once('.')?;
    if !vault.proves(kind, said, proof) {
        return None;
    }
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(said).ok()?).ok()
}

/// The token of a scan of a slot in which these products stand (归因令牌).
pub fn of_scan(
    vault: &Vault,
    (showroom, slot): (ShowroomId, SlotId),
    products: impl Iterator<Item = ProductId>,
    staff: Option<PersonId>,
    at: DateTime<Utc>,
) -> Result<String, Error> {
    let products = products.take(MOST_PRODUCTS).collect();
    signed(vault, SCAN, &Scanned(showroom, slot, products, staff, at.timestamp_millis()))
}

/// What a token says, for each product that stood there; nothing when it is not of this house, or older than a scan counts.
pub fn scanned(vault: &Vault, token: &str, now: DateTime<Utc>) -> Vec<Touch> {
    let Some(Scanned(showroom, slot, products, staff, at)) = read(vault, SCAN, token) else { return Vec::new() };
    let Some(at) = DateTime::from_timestamp_millis(at).filter(|at| now - *at <= WINDOW) else { return Vec::new() };
    products.into_iter().map(|product| Touch { showroom, slot, product: Some(product), staff, at }).collect()
}

/// The code that somebody of the team shows to a buyer (导购码).
pub fn of_staff(vault: &Vault, showroom: ShowroomId, person: PersonId, now: DateTime<Utc>) -> Result<String, Error> {
    signed(vault, STAFF, &Serves(showroom, person, now.timestamp_millis()))
}

/// Who shows this code, in this showroom; none when it is not good there any more.
pub fn serves(vault: &Vault, token: &str, showroom: ShowroomId, now: DateTime<Utc>) -> Option<PersonId> {
    let Serves(of, person, at) = read(vault, STAFF, token)?;
    let at = DateTime::from_timestamp_millis(at)?;
    (of == showroom && now - at <= SHIFT).then_some(person)
}
