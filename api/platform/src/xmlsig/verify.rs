//! Verifying a document: what its signature claims is read strictly, then held against the certificate and the text.

use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};
use sha1::{Digest, Sha1};
use sm3::Sm3;

use super::{
    C14N, Certificate, DIGEST_SHA1, DIGEST_SM3, ENVELOPED, Method, RSA_SHA1, Refused, SIGNATURES, SM2_SM3, Trust,
    Verified,
    document::{Document, Node},
    wellformed::is_blank,
};

/// How software that is older than the official identifiers calls SM2 with SM3, and SM3.
const VENDORS_SM2_SM3: &str = "http://www.w3.org/2000/09/xmldsig#sm2-sm3";
const VENDORS_SM3: &str = "http://www.w3.org/2000/09/xmldsig#sm3";

/// Most characters of a certificate in base64, of the other values, and of a name.
const MOST_CERTIFICATE: usize = 16 << 10;
const MOST_VALUE: usize = 2 << 10;
const MOST_NAME: usize = 64;

/// How what a document says is hashed.
#[derive(Clone, Copy)]
pub(super) enum Hash {
    Sm3,
    Sha1,
}

impl Hash {
    pub(super) fn of(self, text: &str) -> Vec<u8> {
        match self {
            Self::Sm3 => Sm3::digest(text).to_vec(),
            Self::Sha1 => Sha1::digest(text).to_vec(),
        }
    }
}

/// What a signature says of itself.
struct Claim {
    signed_info: usize,
    method: Method,
    vendors: bool,
    hash: Hash,
    digest: Vec<u8>,
    value: Vec<u8>,
    key_name: String,
    certificate: Vec<u8>,
}

/// Verifies a document with its signature, at a moment. What it answers holds for the whole document but the signature
/// itself; comments are no part of it.
///
/// The order is: form, algorithms, certificate, signature, digest. So [`Refused::Signature`] is one that the key did
/// not make, and [`Refused::Digest`] a good one of another document.
pub fn verify(xml: &str, trust: &Trust, at: DateTime<Utc>) -> Result<Verified, Refused> {
    let document = Document::parse(xml)?;
    let signature = the_signature(&document)?;
    let claim = claim(&document, signature)?;
    let certificate = Certificate::from_der(&claim.certificate).map_err(|why| Refused::Certificate(why.to_string()))?;
    trust.accepts(&certificate, at)?;
    if !certificate.is_numbered(&claim.key_name) {
        return Err(Refused::KeyName(claim.key_name));
    }
    if certificate.method() != claim.method {
        return Err(Refused::OtherKey);
    }
    let signed_info = document.canonical_part(claim.signed_info);
    if !certificate.key().has_signed(signed_info.as_bytes(), &claim.value) {
        return Err(Refused::Signature);
    }
    if claim.hash.of(&document.canonical(Some(signature))) != claim.digest {
        return Err(Refused::Digest);
    }
    Ok(Verified { certificate, method: claim.method, vendors: claim.vendors })
}

/// Where the signatures of a document are, at any depth.
pub(super) fn signatures(document: &Document) -> Vec<usize> {
    let is_signature = |(at, node): (usize, &Node)| match node {
        Node::Start(element) => (&*element.namespace == SIGNATURES && element.local() == "Signature").then_some(at),
        _ => None,
    };
    document.nodes.iter().enumerate().filter_map(is_signature).collect()
}

/// The one signature, a child of the root: another one anywhere might be the one that somebody else looks at.
fn the_signature(document: &Document) -> Result<usize, Refused> {
    match signatures(document)[..] {
        [] => Err(Refused::Unsigned),
        [at] if document.around(at) == [document.root] => Ok(at),
        [_] => Err(Refused::Misplaced),
        _ => Err(Refused::Several),
    }
}

fn claim(document: &Document, signature: usize) -> Result<Claim, Refused> {
    says(document, signature, None)?;
    let [signed_info, value, key_info] = parts(document, signature, ["SignedInfo", "SignatureValue", "KeyInfo"])?;
    says(document, signed_info, None)?;
    let [canonicalization, method, reference] =
        parts(document, signed_info, ["CanonicalizationMethod", "SignatureMethod", "Reference"])?;
    let canonicalization = algorithm(document, canonicalization)?;
    if canonicalization != C14N {
        return Err(Refused::Canonicalization(canonicalization.to_owned()));
    }
    let method = algorithm(document, method)?;
    if let Some(uri) = says(document, reference, Some("URI"))?.filter(|uri| !uri.is_empty()) {
        return Err(Refused::Reference(uri.to_owned()));
    }
    let [transforms, hash, digest] = parts(document, reference, ["Transforms", "DigestMethod", "DigestValue"])?;
    says(document, transforms, None)?;
    let [transform] = parts(document, transforms, ["Transform"])?;
    let transform = algorithm(document, transform)?;
    if transform != ENVELOPED {
        return Err(Refused::Transform(transform.to_owned()));
    }
    let (method, hash, vendors) = match (method, algorithm(document, hash)?) {
        (SM2_SM3, DIGEST_SM3) => (Method::Sm2Sm3, Hash::Sm3, false),
        (RSA_SHA1, DIGEST_SHA1) => (Method::RsaSha1, Hash::Sha1, false),
        (VENDORS_SM2_SM3, DIGEST_SM3 | VENDORS_SM3) => (Method::Sm2Sm3, Hash::Sm3, true),
        (VENDORS_SM2_SM3, DIGEST_SHA1) => (Method::Sm2Sm3, Hash::Sha1, true),
        (method, hash) => return Err(Refused::Algorithms(method.to_owned(), hash.to_owned())),
    };
    says(document, key_info, None)?;
    let named = parts(document, key_info, ["KeyName", "X509Data"])
        .or_else(|_| parts(document, key_info, ["X509Data", "KeyName"]).map(|[data, name]| [name, data]));
    let [key_name, data] = named?;
    says(document, data, None)?;
    let [certificate] = parts(document, data, ["X509Certificate"])?;
    Ok(Claim {
        signed_info,
        method,
        vendors,
        hash,
        digest: bytes(document, digest, MOST_VALUE)?,
        value: bytes(document, value, MOST_VALUE)?,
        key_name: text(document, key_name, MOST_NAME)?.trim_matches(is_blank).to_owned(),
        certificate: bytes(document, certificate, MOST_CERTIFICATE)?,
    })
}

/// The name of an element, to be told.
fn name(document: &Document, at: usize) -> String {
    document.element(at).map_or_else(String::new, |element| element.name.clone())
}

/// The elements in an element, which are these, each once and in this order, with nothing but space between them.
fn parts<const N: usize>(document: &Document, at: usize, names: [&str; N]) -> Result<[usize; N], Refused> {
    let mut found = Vec::new();
    for child in document.children(at) {
        match document.nodes.get(child) {
            Some(Node::Start(element)) => {
                let is_next = &*element.namespace == SIGNATURES && names.get(found.len()) == Some(&element.local());
                if !is_next {
                    return Err(Refused::Stray(element.name.clone()));
                }
                found.push(child);
            }
            Some(Node::Text(text)) if text.chars().all(is_blank) => {}
            _ => return Err(Refused::Stray(format!("what {} has beside its elements", name(document, at)))),
        }
    }
    let missing = names.get(found.len()).copied().unwrap_or_default();
    found.try_into().map_err(|_| Refused::Missing(missing.to_owned()))
}

/// What an element says in its only attribute; with no name, it must have none.
fn says<'a>(document: &'a Document, at: usize, named: Option<&str>) -> Result<Option<&'a str>, Refused> {
    let attributes = document.element(at).map(|element| element.attributes.as_slice()).unwrap_or_default();
    match (attributes, named) {
        ([], None) => Ok(None),
        ([only], Some(named)) if only.name == named => Ok(Some(&only.value)),
        ([], Some(named)) => Err(Refused::Missing(named.to_owned())),
        ([first, ..], named) => {
            let stray = attributes.iter().find(|one| Some(one.name.as_str()) != named).unwrap_or(first);
            Err(Refused::Stray(format!("{} of {}", stray.name, name(document, at))))
        }
    }
}

/// The algorithm that an element names. It has no parameters.
fn algorithm(document: &Document, at: usize) -> Result<&str, Refused> {
    parts(document, at, [])?;
    says(document, at, Some("Algorithm")).map(Option::unwrap_or_default)
}

/// The text of an element that has nothing else, without the space in it when that says nothing.
fn text(document: &Document, at: usize, most: usize) -> Result<String, Refused> {
    says(document, at, None)?;
    let mut text = String::new();
    for child in document.children(at) {
        match document.nodes.get(child) {
            Some(Node::Text(more)) => text.push_str(more),
            _ => return Err(Refused::Stray(format!("what {} has beside its text", name(document, at)))),
        }
    }
    if text.len() > most { Err(Refused::TooLong(name(document, at))) } else { Ok(text) }
}

/// The bytes that an element says in base64, lines of any length.
fn bytes(document: &Document, at: usize, most: usize) -> Result<Vec<u8>, Refused> {
    let text: String = text(document, at, most)?.split_ascii_whitespace().collect();
    let bytes = BASE64_STANDARD.decode(text).ok().filter(|bytes| !bytes.is_empty());
    bytes.ok_or_else(|| Refused::NotBase64(name(document, at)))
}
