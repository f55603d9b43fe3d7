//! Keys and certificates, and whom they are trusted with.

use chrono::Duration;

use super::*;

#[test]
fn a_key_is_read_in_each_form_and_must_be_the_certificates() {
    let pkcs1 = include_str!("../testdata/rsa-key-pkcs1.pem");
    let sec1 = include_str!("../testdata/sm2-key-sec1.pem");
    for (key, certificate) in [(RSA_KEY, RSA_ISSUED_SHA1), (pkcs1, RSA_CERTIFICATE), (sec1, SM2_ISSUED)] {
        Signer::from_pem(key, certificate).unwrap();
    }
    Signer::from_pem(&sec1.replace("SM2 P", "EC P"), SM2_CERTIFICATE).unwrap();
    Signer::from_pem(&RSA_KEY.replace('\n', "\r\n"), &RSA_CERTIFICATE.replace('\n', "\r\n")).unwrap();
    let damaged = RSA_KEY.replacen("MII", "MIJ", 1);
    let table = [
        (RSA_KEY, RSA_AUTHORITY, KeyError::NotTheCertificates),
        (RSA_KEY, SM2_CERTIFICATE, KeyError::NotTheCertificates),
        (SM2_KEY, SM2_AUTHORITY, KeyError::NotTheCertificates),
        (RSA_CERTIFICATE, RSA_CERTIFICATE, KeyError::NoPem("private key")),
        (RSA_KEY, RSA_KEY, KeyError::NoPem("certificate")),
        (&damaged, RSA_CERTIFICATE, KeyError::NoKey),
        ("-----BEGIN ENCRYPTED PRIVATE KEY-----\n-----END ENCRYPTED PRIVATE KEY-----", "", KeyError::Encrypted),
    ];
    for (key, certificate, why) in table {
        assert_eq!(Signer::from_pem(key, certificate).err(), Some(why));
    }
    assert_eq!(Trust::default().with_authority(rsa().certificate).err(), Some(KeyError::NoAuthority));
}

#[test]
fn a_certificate_tells_its_number_and_whose_it_is() {
    let certificate = Certificate::from_pem(RSA_ISSUED_SHA1).unwrap();
    assert_eq!(certificate.number(), "d30000000000abcf");
    assert_eq!(certificate.subject(), "CN=Issued rsa,O=TEST ONLY,C=CN");
    for (number, is) in
        [("D30000000000ABCF", true), ("00d30000000000abcf", true), ("d30000000000abce", false), ("", false)]
    {
        assert_eq!(certificate.is_numbered(number), is, "{number}");
    }
    assert!(Certificate::from_der(&[certificate.der(), &[0]].concat()).is_err());
    let ucs2 = Certificate::from_pem(include_str!("../testdata/sm2-ucs2-cert.pem")).unwrap();
    assert_eq!((ucs2.subject().as_str(), ucs2.number()), ("CN=测试企业\\,1,O=TEST ONLY", "04"));
    assert_eq!(format!("{ucs2:?}"), "Certificate(04 of CN=测试企业\\,1,O=TEST ONLY)");
}

#[test]
fn a_certificate_is_trusted_by_itself_or_by_its_issuer_and_in_its_time() {
    let issued = |key, certificate| {
        let signer = Signer::from_pem(key, certificate).unwrap();
        (signed(&signer, MESSAGE), pinned(&signer))
    };
    let moment = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let (first, last) = (moment("2020-01-01T00:00:00Z"), moment("2120-01-01T00:00:00.999Z"));
    for (key, certificate, authority, other) in [
        (RSA_KEY, RSA_ISSUED, RSA_AUTHORITY, SM2_AUTHORITY),
        (RSA_KEY, RSA_ISSUED_SHA1, RSA_AUTHORITY, SM2_AUTHORITY),
        (SM2_KEY, SM2_ISSUED, SM2_AUTHORITY, RSA_AUTHORITY),
    ] {
        let (text, pinned) = issued(key, certificate);
        for trust in [&issued_by(authority), &pinned] {
            for at in [first, last] {
                verify(&text, trust, at).unwrap();
            }
            let early = verify(&text, trust, first - Duration::seconds(1)).unwrap_err();
            assert_eq!((&early, early.code()), (&Refused::NotYetValid(first), "1002"));
            let late = verify(&text, trust, last + Duration::seconds(1)).unwrap_err();
            assert_eq!(late.code(), "1002");
            assert_eq!(late.to_string(), "the certificate expired at 2120-01-01 00:00:00 UTC");
        }
        for trust in [Trust::default(), issued_by(other)] {
            assert!(matches!(verify(&text, &trust, at()), Err(Refused::Untrusted(_))));
        }
    }
    let table = [
        (RSA_KEY, RSA_ISSUED_SHA512, RSA_AUTHORITY, "is not trusted"),
        (RSA_KEY, RSA_CERTIFICATE, RSA_AUTHORITY, "is not trusted"),
        (SM2_KEY, SM2_ENCIPHER, SM2_AUTHORITY, "is not for signing"),
        (SM2_KEY, SM2_CRITICAL, SM2_AUTHORITY, "is not for signing"),
    ];
    for (key, certificate, authority, why) in table {
        let (text, _) = issued(key, certificate);
        let told = verify(&text, &issued_by(authority), at()).unwrap_err();
        assert!(told.to_string().contains(why), "{told}");
    }
    // Somebody may be trusted who has what nobody looks at, but not who may not sign.
    let (text, pinned) = issued(SM2_KEY, SM2_CRITICAL);
    verify(&text, &pinned, at()).unwrap();
    let (text, pinned) = issued(SM2_KEY, SM2_ENCIPHER);
    assert_eq!(verify(&text, &pinned, at()), Err(Refused::NotForSigning));
}

#[test]
fn published_vectors_hold() {
    // GB/T 32905-2016, appendix A.1.
    let hex = |text: &str| -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    };
    assert_eq!(Hash::Sm3.of("abc"), hex("66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"));
    assert_eq!(Hash::Sha1.of("abc"), hex("a9993e364706816aba3e25717850c26c9cd0d89d"));
    // GM/T 0003.5-2012, appendix A.
    let point = hex("0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020\
                     ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13");
    let signature = hex("f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3\
                         b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa");
    let key = ::sm2::dsa::VerifyingKey::from_sec1_bytes("1234567812345678", &point).unwrap();
    let key = keys::PublicKey::Sm2(Box::new(key));
    assert!(key.has_signed(b"message digest", &signature));
    assert!(!key.has_signed(b"message digesT", &signature));
}
