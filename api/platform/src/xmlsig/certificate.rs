//! Certificates of signers, and which of them are trusted.

use std::{
    collections::BTreeSet,
    fmt::{self, Write},
};

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use x509_cert::{
    attr::AttributeTypeAndValue,
    der::{
        Any, Decode, Reader, SliceReader, Tag, Tagged, asn1::ObjectIdentifier, oid::AssociatedOid,
        referenced::OwnedToRef,
    },
    ext::pkix::{BasicConstraints, KeyUsage},
    name::Name,
};

use super::{
    Refused,
    keys::{self, KeyError, Method, PublicKey},
};

/// An X.509 certificate: whose a key is.
#[derive(Clone)]
pub struct Certificate {
    der: Vec<u8>,
    /// What its issuer signed, how and with what.
    signed: Vec<u8>,
    algorithm: ObjectIdentifier,
    signature: Vec<u8>,
    number: String,
    subject: Name,
    issuer: Name,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    key: PublicKey,
    authority: bool,
    /// Whether it may sign documents, and certificates; certificates that do not say may do both.
    usage: (bool, bool),
    /// Whether it has a critical extension that is not looked at here.
    unknown: bool,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({} of {})", self.number, self.subject())
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Certificate {
    /// The certificate of a text in PEM; the first when there are several.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        Self::from_der(&keys::certificate(pem)?)
    }

    /// The certificate of its bytes, which must have nothing after it.
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        let broken = |why: x509_cert::der::Error| KeyError::NoCertificate(why.to_string());
        let read = x509_cert::Certificate::from_der(der).map_err(broken)?;
        let told = read.tbs_certificate();
        if told.signature() != read.signature_algorithm() {
            return Err(KeyError::NoCertificate("it names two algorithms".into()));
        }
        let moment = |time: x509_cert::time::Time| {
            let seconds = i64::try_from(time.to_unix_duration().as_secs()).ok();
            seconds
                .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
                .ok_or_else(|| KeyError::NoCertificate("it is valid at no time".into()))
        };
        let constraints = told.get_extension::<BasicConstraints>().map_err(broken)?;
        let usage = told.get_extension::<KeyUsage>().map_err(broken)?.map(|(_, usage)| usage);
        let mut extensions = told.extensions().into_iter().flatten();
        Ok(Self {
            der: der.to_vec(),
            signed: signed(der).map_err(broken)?,
            algorithm: read.signature_algorithm().oid,
            signature: read.signature().as_bytes().unwrap_or_default().to_vec(),
            number: number(told.serial_number().as_bytes()),
            subject: told.subject().clone(),
            issuer: told.issuer().clone(),
            from: moment(told.validity().not_before)?,
            until: moment(told.validity().not_after)?,
            key: PublicKey::of(told.subject_public_key_info().owned_to_ref())?,
            authority: constraints.is_some_and(|(_, constraints)| constraints.ca),
            usage: usage.map_or((true, true), |usage| {
                (usage.digital_signature() || usage.non_repudiation(), usage.key_cert_sign())
            }),
            unknown: extensions.any(|extension| {
                extension.critical && ![BasicConstraints::OID, KeyUsage::OID].contains(&extension.extn_id)
            }),
        })
    }

    /// Its bytes.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Its serial number in hexadecimal, lower case, two digits a byte: the certificate number (证书编号) that `KeyName`
    /// says.
    pub fn number(&self) -> &str {
        &self.number
    }

    /// Whose it is (RFC 4514), in Unicode also where the certificate has UCS-2, as older ones of the e-port do.
    pub fn subject(&self) -> String {
        let mut told: Vec<String> =
            self.subject.iter().map(|one| in_utf8(one).unwrap_or(one.clone()).to_string()).collect();
        told.reverse();
        told.join(",")
    }

    /// The SHA-256 of its bytes: what it is pinned by.
    pub fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(&self.der).into()
    }

    /// How its key signs.
    pub fn method(&self) -> Method {
        self.key.method()
    }

    pub(super) fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Whether this is its number: letters of either case, and zeros before it do not count.
    pub(super) fn is_numbered(&self, number: &str) -> bool {
        let plain = |number: &str| number.trim_start_matches('0').to_ascii_lowercase();
        !number.is_empty() && plain(number) == plain(&self.number)
    }

    fn valid_at(&self, at: DateTime<Utc>) -> Result<(), Refused> {
        if at < self.from {
            return Err(Refused::NotYetValid(self.from));
        }
        // The second that it names is its last.
        if at.timestamp() > self.until.timestamp() { Err(Refused::Expired(self.until)) } else { Ok(()) }
    }
}

/// Which certificates are trusted: some by themselves, some because of who issued them. Nobody is asked whether a
/// certificate was revoked: whoever keeps this takes out what is no longer trusted.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    pinned: BTreeSet<[u8; 32]>,
    authorities: Vec<Certificate>,
}

impl Trust {
    /// Trusts this one certificate as well, by the SHA-256 of its bytes ([`Certificate::fingerprint`]).
    #[must_use]
    pub fn with_pinned(mut self, fingerprint: [u8; 32]) -> Self {
        self.pinned.insert(fingerprint);
        self
    }

    /// Trusts what this authority issued as well: directly, there are no authorities between. It must say of itself
    /// that it is one. It issues with SM2 and SM3, or RSA and SHA-256 or SHA-1: an authority that
    /// still issues with SHA-1 is one whose certificates are better pinned one by one.
    pub fn with_authority(mut self, authority: Certificate) -> Result<Self, KeyError> {
        if !authority.authority || !authority.usage.1 || authority.unknown {
            return Err(KeyError::NoAuthority);
        }
        self.authorities.push(authority);
        Ok(self)
    }

    /// Whether a certificate is trusted at a moment. One that is pinned need only be valid and be meant for signing;
    /// one that was issued must have no critical extension that is not looked at, and its issuer must be valid too.
    pub(super) fn accepts(&self, certificate: &Certificate, at: DateTime<Utc>) -> Result<(), Refused> {
        if !certificate.usage.0 {
            return Err(Refused::NotForSigning);
        }
        if self.pinned.contains(&certificate.fingerprint()) {
            return certificate.valid_at(at);
        }
        let issuer = self.authorities.iter().find(|authority| {
            authority.subject == certificate.issuer
                && authority.key.has_issued(certificate.algorithm, &certificate.signed, &certificate.signature)
        });
        let issuer = issuer.ok_or_else(|| Refused::Untrusted(certificate.subject()))?;
        if certificate.authority || certificate.unknown {
            return Err(Refused::NotForSigning);
        }
        certificate.valid_at(at)?;
        issuer.valid_at(at)
    }
}

/// The part of a certificate that its issuer signed, as the bytes it came in.
fn signed(der: &[u8]) -> x509_cert::der::Result<Vec<u8>> {
    let mut reader = SliceReader::new(der)?;
    reader.sequence(|inside| {
        let signed = inside.tlv_bytes()?.to_vec();
        inside.tlv_bytes()?;
        inside.tlv_bytes()?;
        Ok(signed)
    })
}

/// A part of a name that is in UCS-2, in UTF-8; none: it is in something else.
fn in_utf8(part: &AttributeTypeAndValue) -> Option<AttributeTypeAndValue> {
    let units = (part.value.tag() == Tag::BmpString).then(|| part.value.value().chunks(2))?;
    let units: Vec<u16> = units.map(|unit| unit.iter().fold(0, |unit, byte| unit << 8 | u16::from(*byte))).collect();
    let value = Any::new(Tag::Utf8String, String::from_utf16(&units).ok()?.into_bytes()).ok()?;
    Some(AttributeTypeAndValue { oid: part.oid, value })
}

/// A serial number in hexadecimal, without the zero byte that only says that it is not negative.
fn number(bytes: &[u8]) -> String {
    let bytes = match bytes {
        [0, rest @ ..] if !rest.is_empty() => rest,
        all => all,
    };
    bytes.iter().fold(String::new(), |mut number, byte| {
        // Writing into a string cannot fail.
        let _ = write!(number, "{byte:02x}");
        number
    })
}
