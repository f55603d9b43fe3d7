//! XML signatures (XML-DSig) of customs messages, as the e-port's specification wants them (海关跨境统一版系统企业对接报文规范,
//! 2022-05): enveloped, one reference to the whole document, Canonical XML 1.0, and the signer's certificate with it.
//!
//! Signed is with SM2 and SM3 or with RSA and SHA-1, whichever the key is of, under the official identifiers of 2022-04.
//! Verified is also what software of vendors still writes: `http://www.w3.org/2000/09/xmldsig#sm2-sm3` with a digest of
//! SHA-1 or of `http://www.w3.org/2000/09/xmldsig#sm3`. SHA-1 is no longer safe against a signer who prepares two
//! documents with one digest; customs asks for it, and no other use is made of it.
//!
//! What an SM2 signature is: over the canonical `SignedInfo` itself, with the signer's identity `1234567812345678`, and
//! written as r and s, 64 bytes. So it is in a message that a U-key of the e-port signed and a vendor published, whose
//! signature holds under exactly that reading. The DER of GM/T 0009 is read as well.
//!
//! Invariants: only what [`verify`] could read is signed; a verified document has one signature, directly below its root,
//! which covers everything but itself and comments; what is too large, or has a document type, is refused before it is
//! hashed; a key never prints itself.
//!
//! - `document`, `wellformed`: what a document is made of, read strictly
//! - `canonical`: its canonical form
//! - `keys`: what signs and what verifies
//! - `certificate`: whose a key is, and who is trusted
//! - `verify`: what a signature must say

mod canonical;
mod certificate;
mod document;
mod keys;
#[cfg(test)]
mod tests;
mod verify;
mod wellformed;

use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};

pub use certificate::{Certificate, Trust};
pub use document::Unreadable;
pub use keys::{KeyError, Method};
pub use verify::verify;

use document::Document;
use keys::PrivateKey;
use verify::{Hash, signatures};

/// The namespace of signatures.
const SIGNATURES: &str = "http://www.w3.org/2000/09/xmldsig#";
/// Canonical XML 1.0, inclusive, without comments.
const C14N: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
/// Takes the signature out of what it signs.
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const SM2_SM3: &str = "http://www.chinaport.gov.cn/2022/04/xmldsig#sm2-sm3";
const RSA_SHA1: &str = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
const DIGEST_SM3: &str = "http://www.chinaport.gov.cn/2022/04/xmldsig#sm3";
const DIGEST_SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";

/// Why a document was not signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// It is no document that could be signed.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// It has a signature already.
    #[error("the document is signed already")]
    Signed,
    /// The system gave no randomness.
    #[error("the system has no randomness to sign with")]
    NoRandomness,
}

/// Signs documents with one key.
#[derive(Debug)]
pub struct Signer {
    key: PrivateKey,
    certificate: Certificate,
}

impl Signer {
    /// With a private key and its certificate, both in PEM. The key is RSA (PKCS#8 or PKCS#1) or SM2 (PKCS#8 or SEC 1),
    /// without a password. Whether the certificate is still valid is for whoever verifies.
    pub fn from_pem(key_pem: &str, certificate_pem: &str) -> Result<Self, KeyError> {
        let (key, certificate) = (PrivateKey::from_pem(key_pem)?, Certificate::from_pem(certificate_pem)?);
        if key.public() == *certificate.key() {
            Ok(Self { key, certificate })
        } else {
            Err(KeyError::NotTheCertificates)
        }
    }

    /// Whose the signatures are.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The signature of a text, in base64: SM2 with SM3, or RSA with SHA-1, by what the key is.
    pub fn sign_text(&self, text: &str) -> Result<String, SignError> {
        let value = self.key.sign(text.as_bytes()).ok_or(SignError::NoRandomness)?;
        Ok(BASE64_STANDARD.encode(value))
    }

    /// The element `ds:Signature` of a document that has none yet, without a line break in it. It may be put between any
    /// two children of the root, with no space added; where, the kind of message says.
    pub fn sign(&self, xml: &str) -> Result<String, SignError> {
        let document = Document::parse(xml)?;
        if !signatures(&document).is_empty() {
            return Err(SignError::Signed);
        }
        let (method, digest_method, hash) = match self.certificate.method() {
            Method::Sm2Sm3 => (SM2_SM3, DIGEST_SM3, Hash::Sm3),
            Method::RsaSha1 => (RSA_SHA1, DIGEST_SHA1, Hash::Sha1),
        };
        let digest = BASE64_STANDARD.encode(hash.of(&document.canonical(None)));
        let signed_info = format!(
            "<ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"{C14N}\"></ds:CanonicalizationMethod>\
             <ds:SignatureMethod Algorithm=\"{method}\"></ds:SignatureMethod><ds:Reference URI=\"\"><ds:Transforms>\
             <ds:Transform Algorithm=\"{ENVELOPED}\"></ds:Transform></ds:Transforms>\
             <ds:DigestMethod Algorithm=\"{digest_method}\"></ds:DigestMethod>\
             <ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
        );
        let begin = format!("<ds:Signature xmlns:ds=\"{SIGNATURES}\">");
        // What is signed depends on what the root declares, as it will lie below it; not on what lies beside it.
        let (root, end) = document.root_tags();
        let placed = Document::parse(&format!("{root}{begin}{signed_info}</ds:Signature>{end}"))?;
        let canonical = placed.canonical_part(placed.root + 2);
        let value = self.key.sign(canonical.as_bytes()).ok_or(SignError::NoRandomness)?;
        let (value, number) = (BASE64_STANDARD.encode(value), self.certificate.number());
        let certificate = BASE64_STANDARD.encode(self.certificate.der());
        Ok(format!(
            "{begin}{signed_info}<ds:SignatureValue>{value}</ds:SignatureValue><ds:KeyInfo>\
             <ds:KeyName>{number}</ds:KeyName><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate>\
             </ds:X509Data></ds:KeyInfo></ds:Signature>"
        ))
    }
}

/// A document whose signature holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Verified {
    /// Whose it is.
    pub certificate: Certificate,
    /// How it is signed.
    pub method: Method,
    /// Whether it names its algorithms as vendors do and not as the specification does.
    pub vendors: bool,
}

/// Why a document is not believed. What is quoted comes from the document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is no document that could be signed.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// There is no signature.
    #[error("the document has no signature")]
    Unsigned,
    /// There are several.
    #[error("the document has more than one signature")]
    Several,
    /// The signature is not directly below the root.
    #[error("the signature is not a child of the root")]
    Misplaced,
    /// The signature has something that has no place there; what.
    #[error("{0} has no place in the signature")]
    Stray(String),
    /// The signature lacks an element or an attribute; which.
    #[error("the signature has no {0}")]
    Missing(String),
    /// An element of the signature is longer than any; which.
    #[error("{0} is too long")]
    TooLong(String),
    /// An element of the signature is no base64, or is empty; which.
    #[error("{0} is not base64")]
    NotBase64(String),
    /// It is canonicalised in another way.
    #[error("the canonicalisation {0} is not accepted")]
    Canonicalization(String),
    /// It is transformed in another way.
    #[error("the transform {0} is not accepted")]
    Transform(String),
    /// It signs something else than the whole document.
    #[error("the reference {0} is not to the whole document")]
    Reference(String),
    /// It is signed or hashed in another way, or the two do not belong together.
    #[error("the algorithms {0} and {1} are not accepted")]
    Algorithms(String, String),
    /// The certificate cannot be read.
    #[error("the certificate cannot be used: {0}")]
    Certificate(String),
    /// Nobody who is trusted stands for the certificate; whose it says it is.
    #[error("the certificate of {0} is not trusted")]
    Untrusted(String),
    /// The certificate is not for signing documents.
    #[error("the certificate is not for signing documents")]
    NotForSigning,
    /// The certificate, or its issuer's, is not valid yet; from when.
    #[error("the certificate is not valid before {0}")]
    NotYetValid(DateTime<Utc>),
    /// The certificate, or its issuer's, is no longer valid; since when.
    #[error("the certificate expired at {0}")]
    Expired(DateTime<Utc>),
    /// The key is named by something else than the certificate's number.
    #[error("the key name {0} is not the number of the certificate")]
    KeyName(String),
    /// The algorithm is not that of the certificate's key.
    #[error("the algorithm is not that of the certificate's key")]
    OtherKey,
    /// The certificate's key did not make this signature.
    #[error("the signature is not of the certificate's key")]
    Signature,
    /// The signature is good, but of another document.
    #[error("the document is not what was signed")]
    Digest,
}

impl Refused {
    /// The code of the transport (DXP, table 7-1) that says so: 0001 format, 0002 schema, 1001 the signature is bad,
    /// 1002 the certificate is out of its time, 1004 signature and data differ.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "0001",
            Self::Several
            | Self::Misplaced
            | Self::Stray(_)
            | Self::Missing(_)
            | Self::TooLong(_)
            | Self::NotBase64(_) => "0002",
            Self::Unsigned
            | Self::Canonicalization(_)
            | Self::Transform(_)
            | Self::Reference(_)
            | Self::Algorithms(..)
            | Self::Certificate(_)
            | Self::Untrusted(_)
            | Self::NotForSigning
            | Self::KeyName(_)
            | Self::OtherKey
            | Self::Signature => "1001",
            Self::NotYetValid(_) | Self::Expired(_) => "1002",
            Self::Digest => "1004",
        }
    }
}
