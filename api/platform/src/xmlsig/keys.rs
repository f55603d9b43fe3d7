//! Keys of signers: RSA with SHA-1 (PKCS#1 v1.5), and SM2 with SM3 (GM/T 0003.2, GM/T 0009).

use std::fmt;

use getrandom::SysRng;
use rsa::{pkcs1::DecodeRsaPrivateKey, pkcs8::DecodePrivateKey};
use sha1::Sha1;
use sha2::Sha256;
use sm2::dsa::signature::{RandomizedSigner, Verifier};
use x509_cert::{
    der::{Document as Der, SecretDocument, asn1::ObjectIdentifier, oid::ObjectIdentifier as Oid},
    spki::SubjectPublicKeyInfoRef,
};

/// Who signs, as SM2 hashes it before the message: without an agreement the sixteen digits of GM/T 0009, section 10.
/// The e-port's U-keys sign with it.
const SM2_SIGNER: &str = "1234567812345678";

const RSA: Oid = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const RSA_SHA1: Oid = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.5");
const RSA_SHA256: Oid = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const ELLIPTIC: Oid = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const SM2_CURVE: Oid = ObjectIdentifier::new_unwrap("1.2.156.10197.1.301");
const SM2_SM3: Oid = ObjectIdentifier::new_unwrap("1.2.156.10197.1.501");

/// Why a key or a certificate cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text has no such block of PEM.
    #[error("there is no {0} in PEM")]
    NoPem(&'static str),
    /// The key is sealed with a password.
    #[error("the private key is encrypted: give it without a password")]
    Encrypted,
    /// It is neither RSA of 1024 to 8192 bits nor SM2, or its bytes are damaged.
    #[error("the key is neither RSA nor SM2, or is damaged")]
    NoKey,
    /// It is no X.509 certificate; what the parser says.
    #[error("it is no certificate: {0}")]
    NoCertificate(String),
    /// The key is not the one that the certificate names.
    #[error("the private key is not the certificate's")]
    NotTheCertificates,
    /// The certificate is not one that may issue others.
    #[error("the certificate is no authority's")]
    NoAuthority,
}

/// How a document is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// SM2 with SM3, which the e-port prefers.
    Sm2Sm3,
    /// RSA with SHA-1, of cards that know no SM2.
    RsaSha1,
}

/// A key that says whether a signature is its own.
#[derive(Clone, Debug)]
pub(super) enum PublicKey {
    Rsa(Box<rsa::PublicKey>),
    Sm2(Box<sm2::dsa::VerifyingKey>),
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Rsa(one), Self::Rsa(other)) => one == other,
            (Self::Sm2(one), Self::Sm2(other)) => one.as_affine() == other.as_affine(),
            _ => false,
        }
    }
}

impl PublicKey {
    /// The key of a certificate.
    pub(super) fn of(named: SubjectPublicKeyInfoRef<'_>) -> Result<Self, KeyError> {
        let curve = |named: &SubjectPublicKeyInfoRef<'_>| named.algorithm.parameters_oid().ok();
        if named.algorithm.oid == RSA {
            return rsa::PublicKey::try_from(named).map(|key| Self::Rsa(Box::new(key))).map_err(|_| KeyError::NoKey);
        }
        if named.algorithm.oid != ELLIPTIC || curve(&named) != Some(SM2_CURVE) {
            return Err(KeyError::NoKey);
        }
        let point = named.subject_public_key.as_bytes().ok_or(KeyError::NoKey)?;
        let key = sm2::dsa::VerifyingKey::from_sec1_bytes(SM2_SIGNER, point).map_err(|_| KeyError::NoKey)?;
        Ok(Self::Sm2(Box::new(key)))
    }

    /// How it signs.
    pub(super) fn method(&self) -> Method {
        match self {
            Self::Rsa(_) => Method::RsaSha1,
            Self::Sm2(_) => Method::Sm2Sm3,
        }
    }

    /// Whether a signature of a document is its own. One of SM2 is 64 bytes, r and s, or both in DER: U-keys give the
    /// first, libraries the second.
    pub(super) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Rsa(key) => key.pkcs1v15_verify::<Sha1>(message, signature).is_ok(),
            Self::Sm2(key) => {
                let plain = sm2::dsa::Signature::from_slice(signature);
                plain
                    .or_else(|_| sm2::dsa::Signature::from_der(signature))
                    .is_ok_and(|signature| key.verify(message, &signature).is_ok())
            }
        }
    }

    /// Whether a signature of a certificate is its own; not with an algorithm that is none of the three.
    pub(super) fn has_issued(&self, algorithm: Oid, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Rsa(key) if algorithm == RSA_SHA256 => key.pkcs1v15_verify::<Sha256>(message, signature).is_ok(),
            Self::Rsa(_) if algorithm == RSA_SHA1 => self.has_signed(message, signature),
            Self::Sm2(_) if algorithm == SM2_SM3 => self.has_signed(message, signature),
            _ => false,
        }
    }
}

/// A key that signs. It does not print itself, and is wiped when it goes.
pub(super) enum PrivateKey {
    Rsa(Box<rsa::PrivateKey>),
    Sm2(Box<sm2::dsa::SigningKey>),
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey")
    }
}

impl PrivateKey {
    /// A key in PEM: PKCS#8 of either kind, PKCS#1 of RSA, SEC 1 of SM2. What else the text has is passed over, such
    /// as the parameters that OpenSSL writes before a key of a curve.
    pub(super) fn from_pem(pem: &str) -> Result<Self, KeyError> {
        if block(pem, "ENCRYPTED PRIVATE KEY").is_some() || pem.contains("Proc-Type: 4,ENCRYPTED") {
            return Err(KeyError::Encrypted);
        }
        // OpenSSL 3 calls the last of them by the name of the curve.
        let labels = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "SM2 PRIVATE KEY"];
        let block = labels.iter().find_map(|label| block(pem, label)).ok_or(KeyError::NoPem("private key"))?;
        let (label, der) = SecretDocument::from_pem(block).map_err(|_| KeyError::NoKey)?;
        let rsa = match label {
            "RSA PRIVATE KEY" => rsa::PrivateKey::from_pkcs1_der(der.as_bytes()).ok(),
            "PRIVATE KEY" => rsa::PrivateKey::from_pkcs8_der(der.as_bytes()).ok(),
            _ => None,
        };
        if let Some(key) = rsa {
            return Ok(Self::Rsa(Box::new(key)));
        }
        let key = match label {
            "PRIVATE KEY" => sm2::SecretKey::from_pkcs8_der(der.as_bytes()).ok(),
            "RSA PRIVATE KEY" => None,
            _ => sm2::SecretKey::from_sec1_der(der.as_bytes()).ok(),
        };
        let key = sm2::dsa::SigningKey::new(SM2_SIGNER, &key.ok_or(KeyError::NoKey)?).map_err(|_| KeyError::NoKey)?;
        Ok(Self::Sm2(Box::new(key)))
    }

    /// The other half of the pair.
    pub(super) fn public(&self) -> PublicKey {
        match self {
            Self::Rsa(key) => PublicKey::Rsa(Box::new(key.to_public_key())),
            Self::Sm2(key) => PublicKey::Sm2(Box::new(key.verifying_key().clone())),
        }
    }

    /// Signs; none: the system had no randomness. RSA is blinded with it, and for SM2 it goes into the nonce beside
    /// what RFC 6979 makes of key and message, so that a weak source alone gives no key away. SM2 gives r and s, 64
    /// bytes: that is what the e-port's U-keys write.
    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Rsa(key) => key.pkcs1v15_sign_with_rng::<Sha1, _>(&mut SysRng, message).ok(),
            Self::Sm2(key) => key.try_sign_with_rng(&mut SysRng, message).ok().map(|signature| signature.to_vec()),
        }
    }
}

/// The bytes of a certificate in PEM.
pub(super) fn certificate(pem: &str) -> Result<Vec<u8>, KeyError> {
    let block = block(pem, "CERTIFICATE").ok_or(KeyError::NoPem("certificate"))?;
    let (_, der) = Der::from_pem(block).map_err(|why| KeyError::NoCertificate(why.to_string()))?;
    Ok(der.into_vec())
}

/// The first block of PEM with this label.
fn block<'a>(pem: &'a str, label: &str) -> Option<&'a str> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let rest = &pem[pem.find(&begin)?..];
    Some(&rest[..rest.find(&end)? + end.len()])
}
