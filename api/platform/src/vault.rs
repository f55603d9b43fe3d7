//! What is kept encrypted, and how it is found again.
//!
//! One **master key** (`secrets.master_key`, or a file of the data folder) gives every purpose a key of its
//! own (HKDF-SHA-256). Values are sealed with XChaCha20-Poly1305 under a random nonce and bound to the
//! place where they lie: a sealed value that is copied to another row does not open. What must be found
//! without being read (an e-mail address, a resident ID) has a keyed hash beside it (HMAC-SHA-256): without
//! the key nobody can try out numbers.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305,
    aead::{Aead, Payload},
};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use super::error::Error;

/// First byte of everything sealed: the form, should there ever be another.
const FORM: u8 = 1;
const NONCE: usize = 24;

/// Seals, opens, and makes keyed hashes.
pub struct Vault {
    cipher: XChaCha20Poly1305,
    lookup: [u8; 32],
    proof: [u8; 32],
    signing: [u8; 32],
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault")
    }
}

impl Vault {
    /// With the key of the settings, or that of `folder`, which is made when there is none yet.
    pub fn open(configured: Option<&str>, folder: &Path) -> Result<Self, Error> {
        let master = match configured {
            Some(text) => BASE64_STANDARD.decode(text.trim()).ok().filter(|key| key.len() == 32).ok_or_else(|| {
                Error::BadInput("secrets.master_key must be 32 bytes in base64: openssl rand -base64 32".into())
            })?,
            None => key_in(folder)?,
        };
        Ok(Self::new(&master))
    }

    fn new(master: &[u8]) -> Self {
        let derived = |purpose: &str| {
            let mut key = [0_u8; 32];
            // Infallible: 32 bytes are one block.
            let _ = Hkdf::<Sha256>::new(None, master).expand(purpose.as_bytes(), &mut key);
            key
        };
        Self {
            cipher: XChaCha20Poly1305::new(&derived("chama seal").into()),
            lookup: derived("chama lookup"),
            proof: derived("chama proof"),
            signing: derived("chama signing"),
        }
    }

    /// Seals `plain` for one place: `place` names the column and the row.
    pub fn seal(&self, place: &str, plain: &[u8]) -> Result<Vec<u8>, Error> {
        let nonce: [u8; NONCE] = random()?;
        let sealed = self
            .cipher
            .encrypt(&nonce.into(), Payload { msg: plain, aad: place.as_bytes() })
            .map_err(|_| Error::internal("a value could not be sealed"))?;
        Ok([&[FORM][..], &nonce, &sealed].concat())
    }

    /// Opens what was sealed for this place.
    pub fn unseal(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>, Error> {
        let broken = || {
            Error::internal("a sealed value does not open: is secrets.master_key the one this database was made with?")
        };
        let (form, rest) = sealed.split_first().ok_or_else(broken)?;
        let (nonce, body) = rest.split_at_checked(NONCE).ok_or_else(broken)?;
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| broken())?;
        if *form != FORM {
            return Err(broken());
        }
        self.cipher.decrypt(&nonce.into(), Payload { msg: body, aad: place.as_bytes() }).map_err(|_| broken())
    }

    /// The same for text.
    pub fn unseal_text(&self, place: &str, sealed: &[u8]) -> Result<String, Error> {
        String::from_utf8(self.unseal(place, sealed)?).map_err(Error::internal)
    }

    /// The seed of the key that signs for a purpose: the same as long as the master key is. It leaves the house nowhere.
    pub fn seed(&self, purpose: &str) -> [u8; 32] {
        keyed(&self.signing, "seed", purpose.as_bytes())
    }

    /// The keyed hash by which a value of this kind is found, in hex.
    pub fn lookup(&self, kind: &str, value: &str) -> String {
        hex(&keyed(&self.lookup, kind, value.as_bytes()))
    }

    /// A proof that this house made `value`, in hex.
    pub fn proof(&self, kind: &str, value: &str) -> String {
        hex(&keyed(&self.proof, kind, value.as_bytes()))
    }

    /// Whether `proof` is that of `value`; takes the same time whatever it is.
    pub fn proves(&self, kind: &str, value: &str, proof: &str) -> bool {
        let expected = self.proof(kind, value);
        expected.len() == proof.len()
            && expected.bytes().zip(proof.bytes()).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
    }
}

fn keyed(key: &[u8; 32], kind: &str, value: &[u8]) -> [u8; 32] {
    match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mut mac) => {
            mac.update(kind.as_bytes());
            mac.update(b"\0");
            mac.update(value);
            mac.finalize().into_bytes().into()
        }
        // Infallible: HMAC takes keys of any length.
        Err(_) => [0; 32],
    }
}

/// SHA-256 in hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes in hex.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]).collect()
}

/// Bytes from the system's generator.
pub fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| Error::internal(e.to_string()))?;
    Ok(bytes)
}

/// The master key of a data folder, made when there is none yet; readable by its owner only.
fn key_in(folder: &Path) -> Result<Vec<u8>, Error> {
    let file = folder.join("master.key");
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => made_key(folder, &file)?,
        Err(e) => return Err(Error::internal(e)),
    };
    BASE64_STANDARD.decode(text.trim()).ok().filter(|key| key.len() == 32).ok_or_else(|| {
        Error::internal(format!("{} is no key of 32 bytes in base64; restore it from a backup", file.display()))
    })
}

fn made_key(folder: &Path, file: &PathBuf) -> Result<String, Error> {
    std::fs::create_dir_all(folder).map_err(Error::internal)?;
    let text = BASE64_STANDARD.encode(random::<32>()?);
    // Written beside and linked into place: another process of this folder never reads half a key.
    let beside = folder.join(format!("master.key.{}", uuid::Uuid::new_v4().simple()));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&beside).and_then(|mut made| made.write_all(text.as_bytes())).map_err(Error::internal)?;
    let linked = std::fs::hard_link(&beside, file);
    std::fs::remove_file(&beside).map_err(Error::internal)?;
    match linked {
        Ok(()) => Ok(text),
        // Another process was faster: use its key.
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
            std::fs::read_to_string(file).map_err(Error::internal)
        }
        Err(e) => Err(Error::internal(e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_in_its_own_place_and_with_its_own_key_only() {
        let (vault, other) = (Vault::new(&[7; 32]), Vault::new(&[8; 32]));
        let sealed = vault.seal("identity.number:1", b"63010319900101001X").unwrap();
        assert_eq!(vault.unseal_text("identity.number:1", &sealed).unwrap(), "63010319900101001X");
        assert!(!sealed.windows(4).any(|w| w == b"6301"), "the number can be read");
        assert_ne!(sealed, vault.seal("identity.number:1", b"63010319900101001X").unwrap(), "equal values look equal");
        assert!(vault.unseal("identity.number:2", &sealed).is_err(), "a value was moved to another row");
        assert!(other.unseal("identity.number:1", &sealed).is_err());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(vault.unseal("identity.number:1", &changed).is_err(), "byte {at} was changed unseen");
        }
        assert!(vault.unseal("identity.number:1", &[]).is_err() && vault.unseal("x", &[1, 2, 3]).is_err());
    }

    #[test]
    fn keyed_hashes_keep_kinds_and_houses_apart() {
        let (vault, other) = (Vault::new(&[7; 32]), Vault::new(&[8; 32]));
        assert_eq!(vault.lookup("email", "a@b.cn"), vault.lookup("email", "a@b.cn"));
        assert_ne!(vault.lookup("email", "a@b.cn"), vault.lookup("phone", "a@b.cn"));
        assert_ne!(vault.lookup("email", "a@b.cn"), other.lookup("email", "a@b.cn"));
        let proof = vault.proof("refresh", "1.2");
        assert!(vault.proves("refresh", "1.2", &proof) && !vault.proves("refresh", "1.3", &proof));
        assert!(!other.proves("refresh", "1.2", &proof) && !vault.proves("refresh", "1.2", ""));
        assert_eq!(vault.seed("evidence"), vault.seed("evidence"));
        assert_ne!(vault.seed("evidence"), vault.seed("answers"));
        assert_ne!(vault.seed("evidence"), other.seed("evidence"));
    }

    #[test]
    fn the_key_of_a_folder_is_made_once() {
        let folder = std::env::temp_dir().join(format!("chama-vault-{}", uuid::Uuid::new_v4().simple()));
        let (first, second) = (key_in(&folder).unwrap(), key_in(&folder).unwrap());
        assert_eq!(first, second);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(folder.join("master.key")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "others can read the master key");
        }
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "half-made keys lie about");
        std::fs::remove_dir_all(folder).unwrap();
        assert!(Vault::open(Some("short"), Path::new("/nowhere")).is_err());
    }
}
