//! Evidence packages (证据包): what a bank is shown of a receivable, in one file that proves itself without us.
//!
//! The file is one text in canonical form (RFC 8785), amounts as texts, of four parts:
//!
//! - `package`: the manifest, which is what is signed: whose it is, its documents by their hashes, the facts, and the
//!   root of a Merkle tree (RFC 6962) over its leaves, each document's line and the facts;
//! - `leaves`: the hashes of the leaves, so that one that was altered is told from the others;
//! - `signature`: over the canonical bytes of `package`, by a key that is named;
//! - `sums`: of every 64 bytes before it 8 bytes of their SHA-256. They prove nothing, and whoever forges all of a file
//!   makes them anew; they find what was altered. Where they lie follows from the length of the file, so that one
//!   flipped byte is found wherever it is: in a name, a bracket, the signature or the sums themselves. [`verify`] says
//!   which byte it was and what it was; when the signature fits that, it is proved.
//!
//! A package is never changed: a correction is the next version, which names the one before by its hash.

mod place;

use std::{fmt, ops::Range};

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

pub use place::Place;

use super::merkle::{self, hex};
use crate::procurement::receivable::canonical;

/// Most bytes of a file.
pub const MOST_BYTES: usize = 4 << 20;

/// What a document is to a receivable (单证类型).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "EvidenceRole")]
pub enum DocRole {
    /// The contract of sale (合同).
    Contract,
    /// The purchase order (采购订单).
    Po,
    /// The invoice (发票).
    Invoice,
    /// The goods received note (收货单).
    Grn,
    /// The waybill (运单).
    Waybill,
    /// The customs declaration (报关单).
    Customs,
    /// What the debtor confirmed (债务人确认).
    Confirmation,
    /// The notice of the assignment (转让通知).
    Notice,
    /// Its acknowledgement (通知回执).
    Ack,
    /// The registration of the assignment (登记证明).
    Registry,
}

/// A document of a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Doc {
    /// What it is.
    pub role: DocRole,
    /// The name of its file; one of a package.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Its bytes, counted; empty: it is known by its hash alone.
    pub size: String,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
}

/// The manifest of a package: what is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Package {
    /// Which package; the same in all its versions.
    pub package_id: String,
    /// Which version of it, from 1 on.
    pub version: String,
    /// What it is about: the receivable's id.
    pub subject: String,
    /// When it was made (RFC 3339).
    pub created_at: String,
    /// [`Package::hash`] of the version before; none of the first.
    pub prev_hash: Option<String>,
    /// Its documents.
    pub docs: Vec<Doc>,
    /// What was so at that time.
    pub facts: serde_json::Value,
    /// The root over its leaves, in hex: see [`Package::sealed`].
    pub merkle_root: String,
}

impl Package {
    /// The same with its facts in canonical form, numbers as texts, and with its root.
    pub fn sealed(mut self) -> serde_json::Result<Self> {
        self.facts = serde_json::from_str(&canonical(&self.facts)?)?;
        self.merkle_root = hex(&merkle::root(&hashes(&self.leaves()?)));
        Ok(self)
    }

    /// The leaves, as they are hashed: each document's line in their order, and the facts last.
    pub fn leaves(&self) -> serde_json::Result<Vec<String>> {
        let mut leaves = self.docs.iter().map(canonical).collect::<serde_json::Result<Vec<String>>>()?;
        leaves.push(canonical(&self.facts)?);
        Ok(leaves)
    }

    /// What is signed, and what the next version names by its hash.
    pub fn message(&self) -> serde_json::Result<String> {
        canonical(self)
    }

    /// SHA-256 of that, in hex.
    pub fn hash(&self) -> serde_json::Result<String> {
        Ok(merkle::sha256(self.message()?.as_bytes()))
    }

    /// Whether it is the version after another one.
    pub fn follows(&self, before: &Self) -> serde_json::Result<bool> {
        let counted = |of: &Self| of.version.parse::<u32>().ok();
        let next = counted(before).and_then(|version| version.checked_add(1));
        let counts_up = next.is_some() && counted(self) == next;
        let same = self.package_id == before.package_id && self.subject == before.subject;
        Ok(counts_up && same && self.prev_hash == Some(before.hash()?))
    }

    /// The document of a name, when a file of so many bytes with this SHA-256, in hex, is it.
    pub fn attached(&self, name: &str, size: u64, sha256: &str) -> Result<&Doc, Fault> {
        let Some(doc) = self.docs.iter().find(|doc| doc.name == name) else {
            return Err(Fault::NoSuchDocument { name: name.to_owned() });
        };
        if doc.sha256 == sha256 && (doc.size.is_empty() || doc.size == size.to_string()) {
            return Ok(doc);
        }
        let (stated, computed) = (format!("{} {}", doc.size, doc.sha256), format!("{size} {sha256}"));
        Err(Fault::Attachment { name: name.to_owned(), stated, computed })
    }
}

/// The hashes of leaves.
fn hashes(leaves: &[String]) -> Vec<merkle::Hash> {
    leaves.iter().map(|leaf| merkle::leaf(leaf.as_bytes())).collect()
}

/// A signature over a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Seal {
    /// By which rule: `Ed25519`.
    pub algorithm: String,
    /// The name of the key.
    pub key_id: String,
    /// The public key. Who verifies knows it from elsewhere, or trusts whom the file is from.
    pub public_key: String,
    /// The signature.
    pub value: String,
}

/// All of a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole {
    leaves: Vec<String>,
    package: Package,
    signature: Seal,
    sums: String,
}

/// The file of a package that was sealed and signed.
pub fn file(package: &Package, seal: &Seal) -> serde_json::Result<String> {
    let leaves = hashes(&package.leaves()?).iter().map(|hash| hex(hash)).collect();
    written(Whole { leaves, package: package.clone(), signature: seal.clone(), sums: String::new() })
}

/// A file with its sums.
fn written(mut whole: Whole) -> serde_json::Result<String> {
    whole.sums.clear();
    whole.sums = place::sums(&canonical(&whole)?);
    canonical(&whole)
}

/// A leaf of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leaf {
    /// The line of a document: its place from 0 on, and its name.
    Document(usize, String),
    /// The facts.
    Facts,
}

/// What is wrong with a file, and where. Bytes are counted from 0 on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "what is stated, what was computed and where: said by the variants")]
pub enum Fault {
    /// It is larger than any package.
    TooLarge,
    /// It is not what the sums are over. Proved: with what is said to have stood there, the signature fits.
    Altered { places: Vec<Place>, proved: bool },
    /// It is no package: here a reader gives up.
    Malformed { at: usize, reason: String },
    /// It says what a package says, but is written otherwise from here on.
    NotCanonical { at: usize, field: String },
    /// It does not have as many hashes of leaves as leaves.
    LeafCount { stated: usize, computed: usize },
    /// A leaf does not have its hash.
    Leaf { leaf: Leaf, bytes: Range<usize>, stated: String, computed: String },
    /// The root over the leaves is another one than the manifest says.
    Root { at: usize, stated: String, computed: String },
    /// The signature does not fit the manifest, or is of a key that is not trusted.
    Signature { at: usize, key_id: String },
    /// The package has no document of this name.
    NoSuchDocument { name: String },
    /// A file is not the document of its name: size and hash.
    Attachment { name: String, stated: String, computed: String },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "the file has more than {MOST_BYTES} bytes"),
            Self::Altered { places, proved } => {
                for (n, place) in places.iter().enumerate() {
                    write!(f, "{}{place}", if n > 0 { "; " } else { "" })?;
                }
                if *proved { f.write_str("; with that put back the signature fits") } else { Ok(()) }
            }
            Self::Malformed { at, reason } => write!(f, "byte {at}: this is no package: {reason}"),
            Self::NotCanonical { at, field } => write!(f, "byte {at}, in {field}: not in canonical form"),
            Self::LeafCount { stated, computed } => write!(f, "there are {stated} hashes of {computed} leaves"),
            Self::Leaf { leaf, bytes, stated, computed } => {
                match leaf {
                    Leaf::Document(n, name) => write!(f, "document {n} ({name})")?,
                    Leaf::Facts => f.write_str("the facts")?,
                }
                let (from, to) = (bytes.start, bytes.end);
                write!(f, ", from byte {from} up to {to}: the hash is {computed}, stated is {stated}")
            }
            Self::Root { at, stated, computed } => {
                write!(f, "byte {at}: the root over the leaves is {computed}, stated is {stated}")
            }
            Self::Signature { at, key_id } => write!(f, "byte {at}: the signature of the key {key_id} does not fit"),
            Self::NoSuchDocument { name } => write!(f, "there is no document {name}"),
            Self::Attachment { name, stated, computed } => write!(f, "{name} is {computed}, stated is {stated}"),
        }
    }
}

impl std::error::Error for Fault {}

/// A file that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// What was signed.
    pub package: Package,
    /// By whom.
    pub seal: Seal,
    /// [`Package::hash`].
    pub sha256: String,
}

/// Verifies a file. `signed`: whether a signature fits what it is over, and its key is one that is trusted.
pub fn verify(bytes: &[u8], signed: impl Fn(&Seal, &[u8]) -> bool) -> Result<Verified, Fault> {
    if bytes.len() > MOST_BYTES {
        return Err(Fault::TooLarge);
    }
    let (places, mended) = place::altered(bytes);
    if places.is_empty() {
        return checked(bytes, &signed);
    }
    let proved = mended.is_some_and(|mended| checked(&mended, &signed).is_ok());
    Err(Fault::Altered { places, proved })
}

/// What a file says, when all that it says holds together.
fn checked(bytes: &[u8], signed: &impl Fn(&Seal, &[u8]) -> bool) -> Result<Verified, Fault> {
    let broken = |error: &serde_json::Error| Fault::Malformed { at: offset(bytes, error), reason: error.to_string() };
    let whole: Whole = serde_json::from_slice(bytes).map_err(|error| broken(&error))?;
    let canonically = canonical(&whole).map_err(|error| broken(&error))?;
    if let Some(at) = place::difference(bytes, canonically.as_bytes()) {
        return Err(Fault::NotCanonical { at, field: place::field_at(bytes, at) });
    }
    let Whole { leaves: stated, package, signature, .. } = whole;
    let leaves = package.leaves().map_err(|error| broken(&error))?;
    if stated.len() != leaves.len() {
        return Err(Fault::LeafCount { stated: stated.len(), computed: leaves.len() });
    }
    let computed = hashes(&leaves);
    for (n, (stated, computed)) in stated.iter().zip(&computed).enumerate() {
        let computed = hex(computed);
        if *stated != computed {
            let leaf = package.docs.get(n).map_or(Leaf::Facts, |doc| Leaf::Document(n, doc.name.clone()));
            return Err(Fault::Leaf { leaf, bytes: leaf_at(bytes, &leaves, n), stated: stated.clone(), computed });
        }
    }
    let root = hex(&merkle::root(&computed));
    if root != package.merkle_root {
        return Err(Fault::Root { at: last(bytes, b"\"merkleRoot\":"), stated: package.merkle_root, computed: root });
    }
    let message = package.message().map_err(|error| broken(&error))?;
    if !signed(&signature, message.as_bytes()) {
        return Err(Fault::Signature { at: last(bytes, b"\"signature\":{"), key_id: signature.key_id });
    }
    Ok(Verified { package, seal: signature, sha256: merkle::sha256(message.as_bytes()) })
}

/// Where a leaf is in a file that is in canonical form.
fn leaf_at(bytes: &[u8], leaves: &[String], n: usize) -> Range<usize> {
    const DOCS: &[u8] = b"\"docs\":[";
    const FACTS: &[u8] = b"],\"facts\":";
    // Before it stand hashes and a date: no name of a field.
    let docs = bytes.windows(DOCS.len()).position(|window| window == DOCS).unwrap_or_default() + DOCS.len();
    let before: usize = leaves.iter().take(n).map(|leaf| leaf.len() + 1).sum();
    // Behind the last document stands no comma.
    let facts = if n + 1 == leaves.len() { FACTS.len() - n.min(1) } else { 0 };
    let from = docs + before + facts;
    from..from + leaves.get(n).map_or(0, String::len)
}

/// Where something stands last; at the beginning, when it is not there.
fn last(bytes: &[u8], what: &[u8]) -> usize {
    bytes.windows(what.len().max(1)).rposition(|window| window == what).unwrap_or_default()
}

/// Where a reader gave up. It counts lines and columns from 1 on.
fn offset(bytes: &[u8], error: &serde_json::Error) -> usize {
    let before = bytes.split_inclusive(|byte| *byte == b'\n').take(error.line().saturating_sub(1));
    before.map(<[u8]>::len).sum::<usize>() + error.column().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Stands in for a signature: a hash with a key.
    fn value(message: &[u8]) -> String {
        merkle::sha256(&[message, b"key"].concat())
    }

    fn signed(seal: &Seal, message: &[u8]) -> bool {
        seal.algorithm == "Ed25519" && seal.key_id == "k1" && seal.value == value(message)
    }

    fn doc(role: DocRole, name: &str, size: &str, digit: &str) -> Doc {
        Doc {
            role,
            name: name.to_owned(),
            media_type: "application/pdf".to_owned(),
            size: size.to_owned(),
            sha256: digit.repeat(64),
        }
    }

    fn package() -> Package {
        let package = Package {
            package_id: "pkg-1".to_owned(),
            version: "1".to_owned(),
            subject: "receivable-7".to_owned(),
            created_at: "2026-03-01T00:00:00Z".to_owned(),
            prev_hash: None,
            docs: vec![doc(DocRole::Invoice, "inv-7.pdf", "1234", "a"), doc(DocRole::Grn, "grn.pdf", "99", "b")],
            facts: json!({ "outstanding": "1000000.00", "currency": "CNY", "debtor": "债务人", "days": 30 }),
            merkle_root: String::new(),
        };
        package.sealed().unwrap()
    }

    fn seal(package: &Package) -> Seal {
        Seal {
            algorithm: "Ed25519".to_owned(),
            key_id: "k1".to_owned(),
            public_key: "cHVibGlj".to_owned(),
            value: value(package.message().unwrap().as_bytes()),
        }
    }

    fn whole() -> String {
        let package = package();
        file(&package, &seal(&package)).unwrap()
    }

    fn place_of(text: &str, what: &str) -> usize {
        text.find(what).unwrap()
    }

    #[test]
    fn a_package_is_the_same_bytes_to_others() {
        // Made by another program.
        assert_eq!(package().merkle_root, "0208098d45a3dae09e9be4d605a07e34e075aa1a9720390e3ac1c9efe9fd2fd9");
        assert_eq!(package().hash().unwrap(), "4fed69133f26ac1db7d28e47a70046d96a24f43418554006ed61ef1e0dadb3bb");
        assert_eq!(
            (whole().len(), merkle::sha256(whole().as_bytes()).as_str()),
            (1_232, "1f75233ce9b16224182a610433627a6fbc19ba774834b8cd43a20f25ca5f22bc")
        );
        let verified = verify(whole().as_bytes(), signed).unwrap();
        assert_eq!((&verified.package, &verified.sha256), (&package(), &package().hash().unwrap()));
        assert_eq!(verified.package.facts["days"], "30", "a number is a text to everybody");
    }

    #[test]
    fn a_flipped_byte_is_found_wherever_it_is() {
        let good = whole().into_bytes();
        let tail = good.len() - 40..good.len();
        for at in (0..good.len()).step_by(67).chain(tail) {
            for flip in [1, 0x80] {
                let mut bad = good.clone();
                bad[at] ^= flip;
                let fault = verify(&bad, signed).unwrap_err();
                let Fault::Altered { places, proved: true } = &fault else { panic!("byte {at}: {fault}") };
                let told: Vec<_> =
                    places.iter().map(|one| (one.bytes.start, one.bytes.len(), one.found, one.expected)).collect();
                assert_eq!(told, [(at, 1, Some(bad[at]), Some(good[at]))], "{fault}");
            }
        }
    }

    #[test]
    fn an_altered_byte_is_told_with_its_field_and_its_document() {
        let good = whole();
        for (what, field, document) in [
            ("grn.pdf", "package.docs.1.name", Some(1)),
            ("aaaa", "package.docs.0.sha256", Some(0)),
            ("1000000.00", "package.facts.outstanding", None),
            ("receivable-7", "package.subject", None),
            ("cHVibGlj", "signature.publicKey", None),
        ] {
            let at = place_of(&good, what);
            let mut bad = good.clone().into_bytes();
            bad[at] = b'7';
            let Fault::Altered { places, proved: true } = verify(&bad, signed).unwrap_err() else { panic!("{what}") };
            assert_eq!((places[0].field.as_str(), places[0].document()), (field, document));
            let said = format!("byte {at} is 0x37 '7', was 0x{:02x} '{}', in {field}", what.as_bytes()[0], &what[..1]);
            assert_eq!(places[0].to_string(), said);
        }
        // An amount of another length, and two bytes beside each other: there is no one byte to name.
        let at = place_of(&good, "1000000.00");
        for other in [good.replace("1000000.00", "9000000.0"), good.replace("1000000.00", "9900000.00")] {
            let Fault::Altered { places, proved: false } = verify(other.as_bytes(), signed).unwrap_err() else {
                panic!("{other}")
            };
            let place = &places[0];
            assert!(place.bytes.contains(&at) && place.expected.is_none(), "{place}");
        }
    }

    #[test]
    fn whoever_makes_the_sums_anew_is_caught_by_leaf_root_or_signature() {
        let (good, own) = (package(), seal(&package()));
        let hexed = |package: &Package| -> Vec<String> {
            hashes(&package.leaves().unwrap()).iter().map(|hash| hex(hash)).collect()
        };
        let made = |leaves: Vec<String>, package: &Package| {
            written(Whole { leaves, package: package.clone(), signature: own.clone(), sums: String::new() }).unwrap()
        };
        let mut facts = good.clone();
        facts.facts["outstanding"] = json!("2000000.00");
        let mut line = good.clone();
        line.docs[1].size = "98".to_owned();
        let mut none = good.clone();
        none.docs.clear();
        none.facts = json!({});
        for (package, leaf) in [(&facts, Leaf::Facts), (&line, Leaf::Document(1, "grn.pdf".to_owned()))] {
            let text = made(hexed(&good), package);
            let fault = verify(text.as_bytes(), signed).unwrap_err();
            let Fault::Leaf { leaf: told, bytes, .. } = &fault else { panic!("{fault}") };
            let leaves = package.leaves().unwrap();
            let lies = if leaf == Leaf::Facts { &leaves[2] } else { &leaves[1] };
            assert_eq!((told, &text[bytes.clone()]), (&leaf, lies.as_str()));
            // With its leaf made anew it is the root that lies, and with that the signature.
            let text = made(hexed(package), package);
            let fault = verify(text.as_bytes(), signed).unwrap_err();
            assert!(matches!(fault, Fault::Root { at, .. } if text[at..].starts_with("\"merkleRoot\"")), "{fault}");
            let package = package.clone().sealed().unwrap();
            let text = made(hexed(&package), &package);
            let fault = verify(text.as_bytes(), signed).unwrap_err();
            let at = place_of(&text, "\"signature\"");
            assert_eq!(fault, Fault::Signature { at, key_id: "k1".to_owned() });
        }
        let fault = verify(made(hexed(&none), &good).as_bytes(), signed).unwrap_err();
        assert_eq!(fault, Fault::LeafCount { stated: 1, computed: 3 });
        let bare = made(vec!["0".repeat(64)], &none);
        let fault = verify(bare.as_bytes(), signed).unwrap_err();
        let Fault::Leaf { bytes, .. } = &fault else { panic!("{fault}") };
        assert_eq!(&bare[bytes.clone()], "{}");
        assert!(verify(whole().as_bytes(), |_, _| false).is_err(), "nobody trusts the key");
    }

    #[test]
    fn what_is_no_package_or_not_in_canonical_form_says_where() {
        let good = whole();
        let spaced = good.replacen("\"package\":", "\"package\": ", 1);
        let Fault::Altered { places, .. } = verify(spaced.as_bytes(), signed).unwrap_err() else { panic!("{spaced}") };
        assert!(places[0].bytes.contains(&place_of(&spaced, " {")));
        // Without sums it is read as it is.
        let pretty = serde_json::to_string_pretty(&serde_json::from_str::<Whole>(&good).unwrap()).unwrap();
        let at = pretty.find('\n').unwrap();
        assert_eq!(verify(pretty.as_bytes(), signed), Err(Fault::NotCanonical { at, field: String::new() }));
        for (text, at) in [("", 0), ("{\"leaves\":x", 10), ("{\n\"leaves\": [1]}", 13), ("[]", 0), ("{\"a\":1}", 3)] {
            let fault = verify(text.as_bytes(), signed).unwrap_err();
            assert!(matches!(fault, Fault::Malformed { at: told, .. } if told.abs_diff(at) <= 1), "{text}: {fault}");
        }
        assert_eq!(verify(&vec![b' '; MOST_BYTES + 1], signed), Err(Fault::TooLarge));
    }

    #[test]
    fn a_version_follows_the_one_before_and_files_are_held_against_their_lines() {
        let first = package();
        let next = Package { version: "2".to_owned(), prev_hash: Some(first.hash().unwrap()), ..first.clone() };
        assert!(next.follows(&first).unwrap());
        for wrong in [
            Package { version: "3".to_owned(), ..next.clone() },
            Package { version: "x".to_owned(), ..next.clone() },
            Package { prev_hash: None, ..next.clone() },
            Package { subject: "receivable-8".to_owned(), ..next.clone() },
            first.clone(),
        ] {
            assert!(!wrong.follows(&first).unwrap(), "{wrong:?}");
        }
        let hash = "b".repeat(64);
        assert_eq!(first.attached("grn.pdf", 99, &hash).unwrap().role, DocRole::Grn);
        for (name, size, sha256) in
            [("grn.pdf", 98, hash.as_str()), ("grn.pdf", 99, "c"), ("other.pdf", 99, hash.as_str())]
        {
            let fault = first.attached(name, size, sha256).unwrap_err();
            assert!(fault.to_string().contains(name), "{fault}");
        }
    }
}
