//! Signing and verifying together.

mod certificates;
mod documents;
mod programs;
mod properties;

use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};

use super::*;

const RSA_KEY: &str = include_str!("testdata/rsa-key.pem");
const RSA_CERTIFICATE: &str = include_str!("testdata/rsa-cert.pem");
const RSA_AUTHORITY: &str = include_str!("testdata/rsa-ca-cert.pem");
const RSA_ISSUED: &str = include_str!("testdata/rsa-issued-cert.pem");
const RSA_ISSUED_SHA1: &str = include_str!("testdata/rsa-issued-sha1-cert.pem");
const RSA_ISSUED_SHA512: &str = include_str!("testdata/rsa-issued-sha512-cert.pem");
const SM2_KEY: &str = include_str!("testdata/sm2-key.pem");
const SM2_CERTIFICATE: &str = include_str!("testdata/sm2-cert.pem");
const SM2_AUTHORITY: &str = include_str!("testdata/sm2-ca-cert.pem");
const SM2_ISSUED: &str = include_str!("testdata/sm2-issued-cert.pem");
const SM2_ENCIPHER: &str = include_str!("testdata/sm2-encipher-cert.pem");
const SM2_CRITICAL: &str = include_str!("testdata/sm2-critical-cert.pem");

const MESSAGE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
    <ceb:CEB621Message guid=\"4CDE1CFD-EDED-46B1-946C-B8022E42FC94\" version=\"1.0\" \
    xmlns:ceb=\"http://www.chinaport.gov.cn/ceb\" xml:lang=\"zh\"><ceb:Inventory>\
    <ceb:ebpName>测试企业 &amp; Söhne &lt;A&gt;</ceb:ebpName><!-- none -->\r\n<ceb:note><![CDATA[<1>]]>&#13;</ceb:note>\
    </ceb:Inventory><ceb:BaseTransfer/></ceb:CEB621Message>";

fn rsa() -> Signer {
    Signer::from_pem(RSA_KEY, RSA_CERTIFICATE).unwrap()
}

fn sm2() -> Signer {
    Signer::from_pem(SM2_KEY, SM2_CERTIFICATE).unwrap()
}

fn at() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

fn pinned(signer: &Signer) -> Trust {
    Trust::default().with_pinned(signer.certificate().fingerprint())
}

fn issued_by(authority: &str) -> Trust {
    Trust::default().with_authority(Certificate::from_pem(authority).unwrap()).unwrap()
}

/// The message with its signature, the last child of the root.
fn signed(signer: &Signer, message: &str) -> String {
    let (before, end) = message.split_at(message.rfind("</").unwrap());
    format!("{before}{}{end}", signer.sign(message).unwrap())
}

/// What is signed of a document, in its canonical form.
fn said(text: &str) -> String {
    let document = Document::parse(text).unwrap();
    document.canonical(signatures(&document).first().copied())
}

/// A signature of other algorithms, and its value in another form.
fn signed_otherwise(
    signer: &Signer,
    method: &str,
    digest: &str,
    hash: Hash,
    form: impl Fn(Vec<u8>) -> Vec<u8>,
) -> String {
    let plain = signed(signer, MESSAGE);
    let changed = plain.replace(SM2_SM3, method).replace(&format!("\"{DIGEST_SM3}\""), &format!("\"{digest}\""));
    let told = between(&changed, "<ds:DigestValue>", "</ds:DigestValue>").to_owned();
    let changed = changed.replace(&told, &BASE64_STANDARD.encode(hash.of(&said(MESSAGE))));
    let document = Document::parse(&changed).unwrap();
    let at = signatures(&document)[0] + 1;
    let value = form(signer.key.sign(document.canonical_part(at).as_bytes()).unwrap());
    let told = between(&changed, "<ds:SignatureValue>", "</ds:SignatureValue>").to_owned();
    changed.replace(&told, &BASE64_STANDARD.encode(value))
}

fn between<'a>(text: &'a str, begin: &str, end: &str) -> &'a str {
    text.split(begin).nth(1).unwrap().split(end).next().unwrap()
}

#[test]
fn what_is_signed_is_verified_wherever_the_signature_lies() {
    for signer in [rsa(), sm2()] {
        let (signature, trust) = (signer.sign(MESSAGE).unwrap(), pinned(&signer));
        for place in ["<ceb:Inventory>", "<ceb:BaseTransfer/>", "</ceb:CEB621Message>"] {
            let text = MESSAGE.replace(place, &format!("{signature}{place}"));
            let verified = verify(&text, &trust, at()).unwrap();
            assert_eq!((&verified.certificate, verified.vendors), (signer.certificate(), false));
            assert_eq!(verified.method, signer.certificate().method());
        }
        assert_eq!(signer.sign(&signed(&signer, MESSAGE)), Err(SignError::Signed));
        let printed = format!("{signer:?}");
        assert!(printed.contains("key: PrivateKey"), "{printed}");
        assert!(!signature.contains(['\n', '\r']));
        assert!(signature.contains("<ds:KeyName>030000000000abcd</ds:KeyName>"));
    }
}

#[test]
fn what_vendors_write_is_verified() {
    let vendors = "http://www.w3.org/2000/09/xmldsig#sm2-sm3";
    let vendors_sm3 = "http://www.w3.org/2000/09/xmldsig#sm3";
    let signer = sm2();
    let der = |raw: Vec<u8>| ::sm2::dsa::Signature::from_slice(&raw).unwrap().to_der().as_bytes().to_vec();
    for (text, is_vendors) in [
        (signed_otherwise(&signer, SM2_SM3, DIGEST_SM3, Hash::Sm3, der), false),
        (signed_otherwise(&signer, vendors, DIGEST_SHA1, Hash::Sha1, |raw| raw), true),
        (signed_otherwise(&signer, vendors, vendors_sm3, Hash::Sm3, der), true),
        (signed_otherwise(&signer, vendors, DIGEST_SM3, Hash::Sm3, |raw| raw), true),
    ] {
        assert_eq!(verify(&text, &pinned(&signer), at()).map(|verified| verified.vendors), Ok(is_vendors), "{text}");
    }
    for (method, digest, hash) in [
        (SM2_SM3, DIGEST_SHA1, Hash::Sha1),
        (SM2_SM3, vendors_sm3, Hash::Sm3),
        (RSA_SHA1, DIGEST_SM3, Hash::Sm3),
        ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", DIGEST_SM3, Hash::Sm3),
        (SM2_SM3, "http://www.w3.org/2001/04/xmlenc#sha256", Hash::Sm3),
    ] {
        let refused = verify(&signed_otherwise(&signer, method, digest, hash, |raw| raw), &pinned(&signer), at());
        assert_eq!(refused, Err(Refused::Algorithms(method.into(), digest.into())));
    }
    let rsa = signed_otherwise(&signer, RSA_SHA1, DIGEST_SHA1, Hash::Sha1, |raw| raw);
    assert_eq!(verify(&rsa, &pinned(&signer), at()), Err(Refused::OtherKey));
    // Lines of base64 and the order of the key's two names are free.
    let plain = signed(&signer, MESSAGE);
    let name = format!("<ds:KeyName>{}</ds:KeyName>", signer.certificate().number());
    let value = between(&plain, "<ds:SignatureValue>", "</").to_owned();
    let lined = plain
        .replace(&value, &format!("\n{}\n{}\n", &value[..40], &value[40..]))
        .replace("<ds:KeyInfo>", "\n<ds:KeyInfo>\n")
        .replace(&name, "")
        .replace(
            "</ds:KeyInfo>",
            &format!(
                "{}\n</ds:KeyInfo>\n",
                name.replace("0300", " 300").to_uppercase().replace("DS:KEYNAME", "ds:KeyName")
            ),
        );
    verify(&lined, &pinned(&signer), at()).unwrap();
}

#[test]
fn whatever_else_is_refused_with_its_reason_and_code() {
    let signer = sm2();
    let (good, trust) = (signed(&signer, MESSAGE), pinned(&signer));
    let with = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replacen(from, to, 1)
    };
    let signature = format!("<ds:Signature {}</ds:Signature>", between(&good, "<ds:Signature ", "</ds:Signature>"));
    let info = format!("<ds:SignedInfo>{}</ds:SignedInfo>", between(&good, "<ds:SignedInfo>", "</ds:SignedInfo>"));
    let reference = format!("<ds:Reference{}</ds:Reference>", between(&good, "<ds:Reference", "</ds:Reference>"));
    let transform = format!("<ds:Transform Algorithm=\"{ENVELOPED}\"></ds:Transform>");
    let certificate = between(&good, "<ds:X509Certificate>", "<").to_owned();
    let other = BASE64_STANDARD.encode(Certificate::from_pem(SM2_ISSUED).unwrap().der());
    let value = between(&good, "<ds:SignatureValue>", "<").to_owned();
    let c14n = |more: &str| with(C14N, &format!("{C14N}{more}"));
    // Each part a document of its own, as in an attack that wraps what was signed.
    let wrapped =
        good.replace("<ceb:Inventory>", "<ceb:Inventory Id=\"signed\">").replace("URI=\"\"", "URI=\"#signed\"");
    let deep = format!("<ceb:BaseTransfer>{signature}</ceb:BaseTransfer>");
    let table: Vec<(String, &str, &str)> = vec![
        (String::new(), "0001", "the document is no XML: it ends before its root does"),
        (good.replace("</ceb:CEB621Message>", ""), "0001", "the document is no XML"),
        (with("?>\n", "?>\n<!DOCTYPE x>"), "0001", "the document declares a document type or names an entity"),
        (with("&amp;", "&e;"), "0001", "the document declares a document type or names an entity"),
        ("<a>".repeat(40) + &"</a>".repeat(40), "0001", "the document is larger than any message"),
        (MESSAGE.into(), "1001", "the document has no signature"),
        (MESSAGE.replace("<ceb:BaseTransfer/>", &deep), "0002", "the signature is not a child of the root"),
        (signature.clone(), "0002", "the signature is not a child of the root"),
        (with(&signature, &format!("{signature}{signature}")), "0002", "the document has more than one signature"),
        (with("<ceb:BaseTransfer/>", &deep), "0002", "the document has more than one signature"),
        (with("<ds:KeyInfo>", &format!("<ds:KeyInfo>{signature}")), "0002", "the document has more than one signature"),
        (wrapped, "1001", "the reference #signed is not to the whole document"),
        (with("URI=\"\"", "URI=\"#xpointer(/)\""), "1001", "the reference #xpointer(/) is not to the whole document"),
        (with(" URI=\"\"", ""), "0002", "the signature has no URI"),
        (with("URI=\"\"", "URI=\"\" Id=\"r\""), "0002", "Id of ds:Reference has no place in the signature"),
        (with("URI=\"\"", "ds:URI=\"\""), "0002", "ds:URI of ds:Reference has no place in the signature"),
        (
            with("<ds:SignedInfo", "<ds:SignedInfo Id=\"s\""),
            "0002",
            "Id of ds:SignedInfo has no place in the signature",
        ),
        (with("<ds:Signature ", "<ds:Signature Id=\"s\" "), "0002", "Id of ds:Signature has no place in the signature"),
        (with(&reference, &reference.repeat(2)), "0002", "ds:Reference has no place in the signature"),
        (with(&reference, ""), "0002", "the signature has no Reference"),
        (with(&info, &info.repeat(2)), "0002", "ds:SignedInfo has no place in the signature"),
        (with("</ds:Signature>", "<ds:Object/></ds:Signature>"), "0002", "ds:Object has no place in the signature"),
        (
            with("<ds:SignatureValue>", "x<ds:SignatureValue>"),
            "0002",
            "what ds:Signature has beside its elements has no place",
        ),
        (with(&transform, &transform.repeat(2)), "0002", "ds:Transform has no place in the signature"),
        (with(&transform, ""), "0002", "the signature has no Transform"),
        (
            with(ENVELOPED, C14N),
            "1001",
            "the transform http://www.w3.org/TR/2001/REC-xml-c14n-20010315 is not accepted",
        ),
        (
            c14n("#WithComments"),
            "1001",
            "the canonicalisation http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
        ),
        (c14n("\"><x xmlns=\"\"/><y a=\""), "0001", "the document is no XML"),
        (
            with("</ds:Transform>", "<ds:XPath>self</ds:XPath></ds:Transform>"),
            "0002",
            "ds:XPath has no place in the signature",
        ),
        (with("</ds:KeyName>", "<ds:x/></ds:KeyName>"), "0002", "what ds:KeyName has beside its text has no place"),
        (with(&certificate, "AAAA"), "1001", "the certificate cannot be used: it is no certificate"),
        (with(&certificate, "A"), "0002", "ds:X509Certificate is not base64"),
        (with(&certificate, ""), "0002", "ds:X509Certificate is not base64"),
        (with(&certificate, &"A".repeat(20_000)), "0002", "ds:X509Certificate is too long"),
        (with(&value, &"A".repeat(3_000)), "0002", "ds:SignatureValue is too long"),
        (with("<ds:KeyName>", &format!("<ds:KeyName>{}", "0".repeat(64))), "0002", "ds:KeyName is too long"),
        (with(&certificate, &other), "1001", "the certificate of CN=Issued sm2,O=TEST ONLY,C=CN is not trusted"),
        (with("030000000000abcd<", "030000000000abce<"), "1001", "the key name 030000000000abce is not the number"),
        (with(&value, "===="), "0002", "ds:SignatureValue is not base64"),
        (with(&value, &BASE64_STANDARD.encode([1; 64])), "1001", "the signature is not of the certificate's key"),
        (with(&value, "AAAA"), "1001", "the signature is not of the certificate's key"),
        (with("<ds:DigestValue>", "<ds:DigestValue> "), "1001", "the signature is not of the certificate's key"),
        (with("CEB621Message guid", "CEB621Message xmlns:x=\"u:x\" guid"), "1001", "the signature is not of"),
        (with("测试企业", "测试企業"), "1004", "the document is not what was signed"),
        (with("</ceb:Inventory>", "</ceb:Inventory> "), "1004", "the document is not what was signed"),
        (with("<ds:Signature ", "\n<ds:Signature "), "1004", "the document is not what was signed"),
        (with("?>\n", "?>\n<?x?>"), "1004", "the document is not what was signed"),
    ];
    for (text, code, why) in table {
        let told = verify(&text, &trust, at()).err().unwrap_or_else(|| panic!("verified, and not: {why}"));
        assert!(told.to_string().starts_with(why), "{told} and not {why}");
        assert_eq!(told.code(), code, "{told}");
    }
    // What the canonical form does not say does not count.
    for text in [
        with("<!-- none -->", "<!-- some -->"),
        with("<ceb:BaseTransfer/>", "<ceb:BaseTransfer ></ceb:BaseTransfer>"),
        with("<![CDATA[<1>]]>", "&lt;1&#62;"),
        with("?>\n", "?>\r\n\n<!-- before -->"),
    ] {
        verify(&text, &trust, at()).unwrap();
    }
}
