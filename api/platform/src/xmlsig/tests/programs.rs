//! What is signed here, held against programs that others wrote.

use std::{path::Path, process::Command};

use super::*;

/// Whether a program is on this machine; `tests/run` brings both.
fn has(program: &str, asked: &str) -> bool {
    let found = Command::new(program).arg(asked).output().is_ok();
    if !found {
        eprintln!("{program} is not here: not compared with it");
    }
    found
}

fn run(folder: &Path, program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn xmlsec_verifies_what_is_signed_here_and_the_other_way_round() {
    if !has("xmlsec1", "--version") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    put("key.pem", RSA_KEY);
    put("certificate.pem", RSA_ISSUED);
    put("authority.pem", RSA_AUTHORITY);
    let signer = Signer::from_pem(RSA_KEY, RSA_ISSUED).unwrap();
    let named = format!("--pubkey-cert-pem:{}", signer.certificate().number());
    let spaced = MESSAGE.replace("><", ">\n\t<").replacen("<ceb:Inv", "<?x  y ?><ceb:Inv", 1);
    for message in [MESSAGE, &spaced] {
        let good = signed(&signer, message);
        put("signed.xml", &good);
        put("changed.xml", &good.replace("测试", "测验"));
        run(folder.path(), "xmlsec1", &["--verify", "--trusted-pem", "authority.pem", "signed.xml"]);
        run(folder.path(), "xmlsec1", &["--verify", &named, "certificate.pem", "signed.xml"]);
        let changed = ["--verify", &named, "certificate.pem", "changed.xml"];
        let changed = Command::new("xmlsec1").args(changed).current_dir(folder.path()).output().unwrap();
        assert!(!changed.status.success());

        // A template for it to fill in: what was signed here, without its values.
        let mut template = good.clone();
        for name in ["DigestValue", "SignatureValue", "X509Certificate"] {
            let (begin, end) = (format!("<ds:{name}>"), format!("</ds:{name}>"));
            let value = between(&good, &begin, &end);
            template = template.replace(&format!("{begin}{value}{end}"), &format!("<ds:{name}/>"));
        }
        put("template.xml", &template);
        let key = format!("--privkey-pem:{}", signer.certificate().number());
        run(
            folder.path(),
            "xmlsec1",
            &["--sign", "--output", "theirs.xml", &key, "key.pem,certificate.pem", "template.xml"],
        );
        let theirs = std::fs::read_to_string(folder.path().join("theirs.xml")).unwrap();
        let verified = verify(&theirs, &issued_by(RSA_AUTHORITY), at()).unwrap();
        assert_eq!(&verified.certificate, signer.certificate());
    }
}

#[test]
fn openssl_verifies_what_sm2_signs_here() {
    if !has("openssl", "version") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    let signer = sm2();
    let good = signed(&signer, MESSAGE);
    let document = Document::parse(&good).unwrap();
    let value = BASE64_STANDARD.decode(between(&good, "<ds:SignatureValue>", "<")).unwrap();
    put("signed", document.canonical_part(signatures(&document)[0] + 1).as_bytes());
    put("signature", ::sm2::dsa::Signature::from_slice(&value).unwrap().to_der().as_bytes());
    put("certificate.pem", SM2_CERTIFICATE.as_bytes());
    run(folder.path(), "openssl", &["x509", "-in", "certificate.pem", "-noout", "-pubkey", "-out", "key.pem"]);
    let identity = "distid:1234567812345678";
    let asked = ["dgst", "-sm3", "-verify", "key.pem", "-signature", "signature", "-sigopt", identity, "signed"];
    run(folder.path(), "openssl", &asked);
}
