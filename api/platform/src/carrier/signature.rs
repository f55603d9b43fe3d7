//! Who sent a request: the header `chama-signature: t=<seconds>,v1=<hex>`, where `v1` is the HMAC-SHA-256 of
//! `<seconds>.<body>` under the secret that the house and the carrier share. Both directions are signed alike.

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::vault::{hex, sha256_hex};

/// The header.
pub const HEADER: &str = "chama-signature";
/// How far a signature's time may lie from our clock, in seconds.
pub const TOLERANCE: u64 = 300;

fn mac(secret: &[u8], at: i64, body: &[u8]) -> Option<Hmac<Sha256>> {
    // A key of nothing proves nothing.
    let mut mac = Hmac::<Sha256>::new_from_slice(Some(secret).filter(|secret| !secret.is_empty())?).ok()?;
    mac.update(at.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    Some(mac)
}

/// The header of a body that is sent at `at`.
pub fn signed(secret: &[u8], body: &[u8], at: DateTime<Utc>) -> String {
    let at = at.timestamp();
    let proof = mac(secret, at, body).map(|mac| hex(&mac.finalize().into_bytes())).unwrap_or_default();
    format!("t={at},v1={proof}")
}

/// What the proof of this body is known by, when `header` proves that who knows the secret sent it, not long before or
/// after `now`.
pub fn proved(secret: &[u8], header: &str, body: &[u8], now: DateTime<Utc>) -> Option<String> {
    let part =
        |name: &str| header.split(',').filter_map(|part| part.trim().split_once('=')).find(|(key, _)| *key == name);
    let at: i64 = part("t")?.1.parse().ok().filter(|at: &i64| at.abs_diff(now.timestamp()) <= TOLERANCE)?;
    let proof = bytes(part("v1")?.1)?;
    // `verify_slice` compares in constant time.
    mac(secret, at, body)?.verify_slice(&proof).ok()?;
    // Of the proof, not of the header: a header can be written in many ways.
    Some(sha256_hex(&proof))
}

/// 32 bytes in hex.
fn bytes(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    let (pairs, _) = text.as_bytes().as_chunks::<2>();
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

    #[test]
    fn a_proof_is_of_one_body_one_time_and_one_secret() {
        let now = Utc.timestamp_opt(1_772_352_000, 0).unwrap();
        let (secret, body) = (b"tea".as_slice(), br#"{"events":[]}"#.as_slice());
        let header = signed(secret, body, now);
        let known = proved(secret, &header, body, now).unwrap();
        assert_eq!(proved(secret, &header.replace(',', ", "), body, now), Some(known), "the same in another writing");
        let later = |seconds| now + chrono::Duration::seconds(seconds);
        assert!(
            proved(secret, &header, body, later(300)).is_some() && proved(secret, &header, body, later(-300)).is_some()
        );
        for (what, secret, header, body, at) in [
            ("too old", secret, header.clone(), body, later(301)),
            ("of the future", secret, header.clone(), body, later(-301)),
            ("another body", secret, header.clone(), b"{}".as_slice(), now),
            ("another secret", b"tee".as_slice(), header.clone(), body, now),
            ("no secret", b"".as_slice(), signed(b"", body, now), body, now),
            ("another time", secret, header.replace("t=17", "t=18"), body, now),
            ("no time", secret, header.replace("t=", "s="), body, now),
            ("no proof", secret, "t=1772352000".into(), body, now),
            ("half a proof", secret, "t=1772352000,v1=00".into(), body, now),
            ("nothing", secret, String::new(), body, now),
            ("a number beyond time", secret, format!("t=-9223372036854775808,{header}"), body, now),
        ] {
            assert_eq!(proved(secret, &header, body, at), None, "{what}");
        }
    }
}
