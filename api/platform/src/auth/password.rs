//! Passwords: argon2id, with the library's defaults (19 MiB, two passes: OWASP's first choice).
//!
//! Hashing is meant to be dear, so it is done beside the handlers and by as many at a time as there are
//! cores; who waits too long is told that the house is busy. A sign-in with a name that nobody has is
//! checked against a dummy, so that it takes as long as one with a wrong password.

use std::{sync::Arc, time::Duration};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use entities::values::{ErrorCode, Refusal};
use tokio::sync::{Mutex, MutexGuard, Semaphore};

use crate::error::Error;

/// Fewest characters of a password.
const SHORTEST: usize = 10;
/// Most characters: what is longer is no password but an attempt to keep us busy.
const LONGEST: usize = 200;
/// How many names may have their turn at the same time.
const TURNS: usize = 256;
/// Longest wait for a core.
const PATIENCE: Duration = Duration::from_secs(5);

/// Passwords of that length that everyone tries first.
const COMMON: [&str; 16] = [
    "1234567890",
    "0123456789",
    "password123",
    "password1234",
    "qwertyuiop",
    "1q2w3e4r5t",
    "qwerty12345",
    "iloveyou123",
    "admin12345",
    "administrator",
    "1qaz2wsx3edc",
    "zaq12wsxcde3",
    "letmein123",
    "welcome123",
    "abcdefghij",
    "a123456789",
];

/// Hashes and verifies.
#[derive(Debug)]
pub struct Passwords {
    cores: Arc<Semaphore>,
    dummy: String,
    turns: Vec<Mutex<()>>,
}

impl Passwords {
    /// For this machine's cores.
    pub fn new() -> Result<Self, Error> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Ok(Self {
            cores: Arc::new(Semaphore::new(cores)),
            dummy: hashed("nobody has this password")?,
            turns: (0..TURNS).map(|_| Mutex::default()).collect(),
        })
    }

    /// Waits for the turn of a name: attempts with one name are looked at one after the other, so that what is counted
    /// before an attempt is what became of those before it. Other names may share the turn; nobody notices.
    pub async fn turn(&self, name: &str) -> Option<MutexGuard<'_, ()>> {
        let sum = name.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
        match self.turns.get(sum % TURNS) {
            Some(turn) => Some(turn.lock().await),
            None => None,
        }
    }

    /// The hash of a password that someone chose; refused when it is too short or a common one.
    pub async fn hash(&self, password: &str) -> Result<String, Error> {
        let length = password.chars().count();
        let plain = password.to_lowercase();
        let one_letter = plain.chars().next().is_some_and(|first| plain.chars().all(|c| c == first));
        if length < SHORTEST || one_letter || COMMON.contains(&plain.as_str()) {
            return Err(Refusal::new(ErrorCode::WeakPassword).with("min", SHORTEST.to_string()).at("password").into());
        }
        if length > LONGEST {
            return Err(Refusal::new(ErrorCode::TooLong).with("max", LONGEST.to_string()).at("password").into());
        }
        let password = password.to_owned();
        self.aside(move || hashed(&password)).await?
    }

    /// Whether the password is the one of `hash`; without a hash it is not, and that takes as long.
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, Error> {
        if password.chars().count() > LONGEST {
            return Ok(false);
        }
        let (password, known) = (password.to_owned(), hash.is_some());
        let hash = hash.unwrap_or(&self.dummy).to_owned();
        let right = self.aside(move || {
            let hash = PasswordHash::new(&hash).map_err(|e| Error::internal(e.to_string()))?;
            Ok::<_, Error>(Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
        });
        Ok(right.await?? && known)
    }

    async fn aside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let busy = || Error::Unavailable("too many sign-ins at once".into());
        let permit = tokio::time::timeout(PATIENCE, self.cores.clone().acquire_owned()).await.map_err(|_| busy())?;
        let permit = permit.map_err(Error::internal)?;
        // The permit goes with the work: a client that hangs up meanwhile does not free the core.
        let work = move || {
            let done = work();
            drop(permit);
            done
        };
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)
    }
}

fn hashed(password: &str) -> Result<String, Error> {
    let hash = Argon2::default().hash_password(password.as_bytes()).map_err(|e| Error::internal(e.to_string()))?;
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_its_own_hash_s_only() {
        let passwords = Passwords::new().unwrap();
        let hash = passwords.hash("茶马互市 tea for horses").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify("茶马互市 tea for horses", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("茶马互市 tea for horse", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("nobody has this password", None).await.unwrap(), "the dummy's password signs in");
        for weak in ["short", "1234567890", "PASSWORD123", "aaaaaaaaaaaa", ""] {
            assert!(passwords.hash(weak).await.is_err(), "{weak}");
        }
    }
}
