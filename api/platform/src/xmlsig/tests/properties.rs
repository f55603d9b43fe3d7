//! What holds for any document and any bytes.

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn a_document_with_another_byte_is_refused_or_says_the_same(
        at_byte in any::<proptest::sample::Index>(), byte in any::<u8>(), with_rsa in any::<bool>(),
    ) {
        let signer = if with_rsa { rsa() } else { sm2() };
        let good = signed(&signer, MESSAGE);
        let mut changed = good.clone().into_bytes();
        changed[at_byte.index(good.len())] = byte;
        if let Ok(changed) = String::from_utf8(changed) && verify(&changed, &pinned(&signer), at()).is_ok() {
            prop_assert_eq!(said(&changed), said(&good));
        }
    }

    #[test]
    fn whatever_comes_is_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300), text in "[<>/a:=\"'&;!?\\[\\]-]{0,60}") {
        let trust = Trust::default();
        prop_assert!(verify(&String::from_utf8_lossy(&bytes), &trust, at()).is_err());
        prop_assert!(verify(&text, &trust, at()).is_err());
        let _ = Certificate::from_der(&bytes);
        let _ = Signer::from_pem(&text, &String::from_utf8_lossy(&bytes));
        if let Ok(document) = Document::parse(&text) {
            let once = document.canonical(None);
            prop_assert_eq!(Document::parse(&once).map(|again| again.canonical(None)), Ok(once));
        }
    }

    #[test]
    fn a_damaged_certificate_does_no_harm(at_byte in any::<proptest::sample::Index>(), byte in any::<u8>()) {
        for pem in [SM2_ISSUED, RSA_ISSUED_SHA1] {
            let good = Certificate::from_pem(pem).unwrap();
            let mut der = good.der().to_vec();
            der[at_byte.index(good.der().len())] = byte;
            if let Ok(changed) = Certificate::from_der(&der) {
                let authority = if pem == SM2_ISSUED { SM2_AUTHORITY } else { RSA_AUTHORITY };
                prop_assert!(changed == good || issued_by(authority).accepts(&changed, at()).is_err());
            }
        }
    }

    #[test]
    fn any_text_is_signed_and_verified(text in "[\\PC\\t\\n\\r]{0,40}", attribute in "[\\PC\\t\\n]{0,20}") {
        let written = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
        let message = format!("<m a=\"{}\">{}</m>", written(&attribute), written(&text));
        let signer = sm2();
        verify(&signed(&signer, &message), &pinned(&signer), at()).unwrap();
        let once = said(&message);
        prop_assert_eq!(said(&once), once);
    }
}
