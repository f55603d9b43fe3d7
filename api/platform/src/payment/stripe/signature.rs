//! Who sent a notification: the header `Stripe-Signature` over its raw body.

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How far a signature's time may lie from our clock, in seconds: what Stripe's own libraries take.
const TOLERANCE: u64 = 300;
/// Signatures of one header that are looked at. While a secret is being changed there are two.
const SIGNATURES: usize = 8;

/// Whether `header` proves that who knows the secret sent this body, not long before or after `now`.
///
/// The header is `t=<seconds>,v1=<hex>,…`; `v1` may be there several times, other schemes are passed over. What is
/// signed is `<t>.<body>`.
pub(super) fn proves(header: &str, body: &[u8], secret: &[u8], now: DateTime<Utc>) -> bool {
    let parts = || header.split(',').filter_map(|part| part.trim().split_once('='));
    let Some((_, at)) = parts().find(|(scheme, _)| *scheme == "t") else { return false };
    if !at.parse().is_ok_and(|at: i64| at.abs_diff(now.timestamp()) <= TOLERANCE) {
        return false;
    }
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return false };
    mac.update(at.as_bytes());
    mac.update(b".");
    mac.update(body);
    // `verify_slice` compares in constant time.
    !secret.is_empty()
        && parts()
            .filter(|(scheme, _)| *scheme == "v1")
            .take(SIGNATURES)
            .filter_map(|(_, hex)| bytes(hex))
            .any(|signature| mac.clone().verify_slice(&signature).is_ok())
}

/// 32 bytes in hex.
fn bytes(hex: &str) -> Option<[u8; 32]> {
    if hex.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    let (pairs, _) = hex.as_bytes().as_chunks::<2>();
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        let (high, low) = (char::from(*high).to_digit(16)?, char::from(*low).to_digit(16)?);
        *byte = u8::try_from(high << 4 | low).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    const BODY: &[u8] = br#"{"id":"evt_1","object":"event"}"#;
    const SECRET: &[u8] = b"whsec_tea";
    // Made with: printf '1772352000.{"id":"evt_1","object":"event"}' | openssl dgst -sha256 -hmac whsec_tea
    const GOOD: &str = "c726be8fbdda10b5fb82bdd72981a0c49c847a8566019c1224cebed3406ee7b0";

    #[test]
    fn a_signature_proves_one_body_at_one_time() {
        let bad = "00".repeat(32);
        let now = Utc.timestamp_opt(1_772_352_000, 0).unwrap();
        let later = |seconds| now + chrono::Duration::seconds(seconds);
        for (header, at, expected) in [
            (format!("t=1772352000,v1={GOOD}"), now, true),
            (format!("t=1772352000,v1={}", GOOD.to_uppercase()), now, true),
            (format!("t=1772352000, v1={GOOD}, v0={bad}"), now, true),
            // A secret that is being changed: one signature with each.
            (format!("t=1772352000,v1={bad},v1={GOOD}"), now, true),
            (format!("v1={GOOD},t=1772352000"), now, true),
            (format!("t=1772352000,v1={GOOD}"), later(300), true),
            (format!("t=1772352000,v1={GOOD}"), later(-300), true),
            (format!("t=1772352000,v1={GOOD}"), later(301), false),
            (format!("t=1772352000,v1={GOOD}"), later(-301), false),
            (format!("t=1772352001,v1={GOOD}"), now, false),
            // The same number written another way is not what was signed.
            (format!("t=+1772352000,v1={GOOD}"), now, false),
            (format!("t=1772352000,v0={GOOD}"), now, false),
            (format!("t=1772352000,v1={bad}"), now, false),
            (format!("t=1772352000,v1={}", &GOOD[1..]), now, false),
            (format!("t=1772352000,v1={GOOD}00"), now, false),
            (format!("t=1772352000,v1={}{GOOD}", format!("{bad},v1=").repeat(SIGNATURES)), now, false),
            (format!("v1={GOOD}"), now, false),
            ("t=1772352000".to_owned(), now, false),
            (format!("t=,v1={GOOD}"), now, false),
            (format!("t={},v1={GOOD}", i64::MIN), now, false),
            (format!("t={},v1={GOOD}", i64::MAX), now, false),
            (format!("t=99999999999999999999,v1={GOOD}"), now, false),
            (String::new(), now, false),
        ] {
            assert_eq!(proves(&header, BODY, SECRET, at), expected, "{header} at {at}");
        }
        let good = format!("t=1772352000,v1={GOOD}");
        assert!(!proves(&good, b"{\"id\":\"evt_2\",\"object\":\"event\"}", SECRET, now));
        assert!(!proves(&good, BODY, b"whsec_te", now));
        assert!(!proves(&good, BODY, b"", now));
    }

    #[test]
    fn nobody_is_believed_without_a_secret() {
        // Anyone can sign with an empty key.
        let mut mac = Hmac::<Sha256>::new_from_slice(b"").unwrap();
        mac.update(b"0.");
        let signature = crate::vault::hex(&mac.finalize().into_bytes());
        assert!(!proves(&format!("t=0,v1={signature}"), b"", b"", DateTime::UNIX_EPOCH));
    }
}
