//! The keys that sign access tokens: Ed25519, in the database, private halves sealed.
//!
//! The newest key signs; when it is older than `auth.key_days` the next token makes a new one. An older key
//! verifies until the last token that it signed has run out, and stays in the key set that long. All nodes
//! share them: a node that meets a key it does not know looks, four times a second at most.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration as Span, Instant},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Duration, Utc};
use entities::platform::signing_key;
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey,
    jwk::{AlgorithmParameters, Jwk},
};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};

use crate::{
    db::Db,
    error::Error,
    vault::{Vault, hex, random},
};

/// How often a node looks for a key that it does not know.
const LOOK: Span = Span::from_millis(250);
/// How long a key verifies after it stopped signing: longer than any token lives.
const OVERLAP: Duration = Duration::days(2);

/// A key, ready for use.
pub(super) struct Key {
    pub(super) kid: String,
    pub(super) signs: EncodingKey,
    pub(super) verifies: DecodingKey,
    public: String,
    created_at: DateTime<Utc>,
    retires_at: DateTime<Utc>,
}

/// The keys that this node knows.
pub(super) struct Keys {
    vault: Arc<Vault>,
    period: Duration,
    known: RwLock<Known>,
    making: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    // Newest first.
    keys: Vec<Arc<Key>>,
    looked: Option<Instant>,
}

impl Keys {
    pub(super) fn new(vault: Arc<Vault>, period: Duration) -> Self {
        Self { vault, period, known: RwLock::default(), making: tokio::sync::Mutex::new(()) }
    }

    /// The key that signs now; made when the newest is too old.
    pub(super) async fn signing(&self, db: &Db, now: DateTime<Utc>) -> Result<Arc<Key>, Error> {
        if let Some(key) = self.newest(now) {
            return Ok(key);
        }
        // One of those who wait makes it, the others find it.
        let _making = self.making.lock().await;
        self.load(db, now).await?;
        if let Some(key) = self.newest(now) {
            return Ok(key);
        }
        let seed: [u8; 32] = random()?;
        let kid = hex(&random::<8>()?);
        let row = signing_key::Model {
            public_key: public_half(&seed)?,
            private_key: self.vault.seal(&place(&kid), &seed)?,
            kid,
            created_at: now,
            retires_at: now + self.period + OVERLAP,
        };
        // Two nodes may each make one; then both sign, and both verify everywhere.
        let tx = db.begin().await?;
        signing_key::Entity::insert(row.into_active_model()).exec_without_returning(&tx).await?;
        signing_key::Entity::delete_many().filter(signing_key::Column::RetiresAt.lt(now)).exec(&tx).await?;
        tx.commit().await?;
        self.load(db, now).await?;
        self.newest(now).ok_or_else(|| Error::internal("a new signing key is not there"))
    }

    fn newest(&self, now: DateTime<Utc>) -> Option<Arc<Key>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        // Also one that was made under other settings signs only what it can still verify.
        let signs = |key: &&Arc<Key>| key.created_at + self.period > now && key.retires_at > now + OVERLAP / 2;
        known.keys.first().filter(signs).cloned()
    }

    /// The key of a token, as long as it verifies.
    pub(super) async fn verifying(&self, db: &Db, kid: &str, now: DateTime<Utc>) -> Result<Option<Arc<Key>>, Error> {
        let find = |known: &Known| known.keys.iter().find(|key| key.kid == kid && key.retires_at > now).cloned();
        {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            let found = find(&known);
            if found.is_some() || known.looked.is_some_and(|at| at.elapsed() < LOOK) {
                return Ok(found);
            }
        }
        self.load(db, now).await?;
        Ok(find(&self.known.read().unwrap_or_else(PoisonError::into_inner)))
    }

    /// The public halves, as a JSON Web Key Set (RFC 7517).
    pub(super) async fn published(&self, db: &Db, now: DateTime<Utc>) -> Result<serde_json::Value, Error> {
        self.signing(db, now).await?;
        self.load(db, now).await?;
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let keys: Vec<serde_json::Value> = known
            .keys
            .iter()
            .map(|key| {
                serde_json::json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": key.kid, "x": key.public })
            })
            .collect();
        Ok(serde_json::json!({ "keys": keys }))
    }

    async fn load(&self, db: &Db, now: DateTime<Utc>) -> Result<(), Error> {
        let rows = signing_key::Entity::find()
            .filter(signing_key::Column::RetiresAt.gt(now))
            .order_by_desc(signing_key::Column::CreatedAt)
            .order_by_desc(signing_key::Column::Kid)
            .all(db.read())
            .await?;
        let mut keys = Vec::with_capacity(rows.len());
        for row in rows {
            let seed = self.vault.unseal(&place(&row.kid), &row.private_key)?;
            keys.push(Arc::new(Key {
                signs: private_half(&seed),
                verifies: DecodingKey::from_ed_components(&row.public_key).map_err(Error::internal)?,
                public: row.public_key,
                kid: row.kid,
                created_at: row.created_at,
                retires_at: row.retires_at,
            }));
        }
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Known { keys, looked: Some(Instant::now()) };
        Ok(())
    }
}

fn place(kid: &str) -> String {
    format!("signing_key.private_key:{kid}")
}

/// A private key in the form that the library reads: PKCS #8 (RFC 8410) around the 32 bytes.
pub(super) fn private_half(seed: &[u8]) -> EncodingKey {
    const HEAD: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    EncodingKey::from_ed_der(&[&HEAD[..], seed].concat())
}

/// The public key that belongs to a private one, in base64url.
fn public_half(seed: &[u8]) -> Result<String, Error> {
    let jwk = Jwk::from_encoding_key(&private_half(seed), Algorithm::EdDSA).map_err(Error::internal)?;
    match jwk.algorithm {
        AlgorithmParameters::OctetKeyPair(pair) => Ok(pair.x),
        _ => Err(Error::internal("an Ed25519 key is not one")),
    }
}

/// Whether a text is 32 bytes in base64url: a coordinate of a public key.
pub fn is_coordinate(text: &str) -> bool {
    text.len() == 43 && BASE64_URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_key_belongs_to_its_private_one() {
        // RFC 8032, section 7.1, test 1.
        let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
        let seed: Vec<u8> = (0..32).map(|n| u8::from_str_radix(&seed[n * 2..n * 2 + 2], 16).unwrap()).collect();
        let public = BASE64_URL_SAFE_NO_PAD.decode(public_half(&seed).unwrap()).unwrap();
        assert_eq!(hex(&public), "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
        assert!(is_coordinate(&BASE64_URL_SAFE_NO_PAD.encode(public)));
        assert!(!is_coordinate("AA") && !is_coordinate(&"!".repeat(43)));
    }
}
