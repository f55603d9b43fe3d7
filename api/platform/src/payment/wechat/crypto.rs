//! How `WeChat` Pay and a merchant prove themselves to each other: both sign with RSA (SHA-256, PKCS#1 v1.5), and what
//! the service sends by itself is sealed with AES-256-GCM under a key that it shares with this merchant alone.

use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    rand::SystemRandom,
    signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey},
};
use rustls::pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer, pem::PemObject};
use secrecy::ExposeSecret;
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};

use crate::{config::WechatPay, error::Error, payment::Failure};

/// How far the time of a signature may be from ours, in seconds; what the documentation recommends.
const TOLERANCE: u64 = 300;
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// The keys of both sides.
pub(super) struct Keys {
    merchant_id: String,
    merchant_serial: String,
    merchant: RsaKeyPair,
    shared: LessSafeKey,
    platform_id: String,
    platform: UnparsedPublicKey<Vec<u8>>,
}

// A key does not print itself.
impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys of merchant {}", self.merchant_id)
    }
}

/// Under which headers a signature comes.
#[derive(Debug, Default)]
pub(super) struct Proof {
    timestamp: String,
    nonce: String,
    signature: String,
    serial: String,
}

impl Proof {
    /// What is missing is empty, and proves nothing.
    pub(super) fn of<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Self {
        let text = |name| header(name).unwrap_or_default().to_owned();
        Self {
            timestamp: text("wechatpay-timestamp"),
            nonce: text("wechatpay-nonce"),
            signature: text("wechatpay-signature"),
            serial: text("wechatpay-serial"),
        }
    }
}

impl Keys {
    /// The keys of the settings, read.
    pub(super) fn of(settings: &WechatPay) -> Result<Self, Error> {
        let wrong = |name: &str, what: &str| Error::BadInput(format!("wechat_pay.{name} is no {what}"));
        let merchant = PrivatePkcs8KeyDer::from_pem_slice(&lines(settings.merchant_key.expose_secret()))
            .ok()
            .and_then(|der| RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).ok())
            .ok_or_else(|| wrong("merchant_key", "RSA key in PEM (PKCS#8, BEGIN PRIVATE KEY)"))?;
        let platform = SubjectPublicKeyInfoDer::from_pem_slice(&lines(&settings.platform_key))
            .ok()
            .and_then(|der| {
                let info = SubjectPublicKeyInfoRef::try_from(der.as_ref()).ok()?;
                let key = info.subject_public_key.as_bytes().filter(|_| info.algorithm.oid == RSA)?;
                Some(key.to_vec())
            })
            .ok_or_else(|| wrong("platform_key", "RSA key in PEM (BEGIN PUBLIC KEY)"))?;
        let shared = UnboundKey::new(&AES_256_GCM, settings.api_v3_key.expose_secret().as_bytes())
            .map_err(|_| wrong("api_v3_key", "key of 32 characters"))?;
        Ok(Self {
            merchant_id: settings.merchant_id.clone(),
            merchant_serial: settings.merchant_serial.clone(),
            merchant,
            shared: LessSafeKey::new(shared),
            platform_id: settings.platform_key_id.clone(),
            platform: UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, platform),
        })
    }

    /// Which key of the service is believed.
    pub(super) fn platform_id(&self) -> &str {
        &self.platform_id
    }

    /// Our signature over these lines, in base64.
    pub(super) fn sign(&self, lines: &[&str]) -> Result<String, Failure> {
        let mut signature = vec![0; self.merchant.public().modulus_len()];
        let random = SystemRandom::new();
        self.merchant
            .sign(&RSA_PKCS1_SHA256, &random, joined(lines).as_bytes(), &mut signature)
            .map_err(|_| Failure::Unavailable("a request to WeChat Pay could not be signed".into()))?;
        Ok(BASE64_STANDARD.encode(signature))
    }

    /// The header that proves a request to be ours. `target`: path and query.
    pub(super) fn authorization(
        &self,
        method: &str,
        target: &str,
        body: &str,
        nonce: &str,
        at: DateTime<Utc>,
    ) -> Result<String, Failure> {
        let timestamp = at.timestamp().to_string();
        let signature = self.sign(&[method, target, &timestamp, nonce, body])?;
        Ok(format!(
            "WECHATPAY2-SHA256-RSA2048 mchid=\"{}\",nonce_str=\"{nonce}\",signature=\"{signature}\",\
             timestamp=\"{timestamp}\",serial_no=\"{}\"",
            self.merchant_id, self.merchant_serial
        ))
    }

    /// Whether the service sent this, and just now.
    pub(super) fn prove(&self, proof: &Proof, body: &[u8], now: DateTime<Utc>) -> Result<(), Failure> {
        let at: i64 = proof.timestamp.parse().map_err(|_| Failure::NotAuthentic)?;
        if proof.serial != self.platform_id || now.timestamp().abs_diff(at) > TOLERANCE {
            return Err(Failure::NotAuthentic);
        }
        let signature = BASE64_STANDARD.decode(&proof.signature).map_err(|_| Failure::NotAuthentic)?;
        let signed = [proof.timestamp.as_bytes(), b"\n", proof.nonce.as_bytes(), b"\n", body, b"\n"].concat();
        self.platform.verify(&signed, &signature).map_err(|_| Failure::NotAuthentic)
    }

    /// Opens what the service sealed for this merchant. Its signature is the same for all merchants, so what does not
    /// open was meant for another one, or was put together by somebody.
    pub(super) fn open(&self, nonce: &str, associated: &str, ciphertext: &str) -> Result<Vec<u8>, Failure> {
        let nonce = Nonce::try_assume_unique_for_key(nonce.as_bytes()).map_err(|_| Failure::NotAuthentic)?;
        let mut sealed = BASE64_STANDARD.decode(ciphertext).map_err(|_| Failure::NotAuthentic)?;
        let clear = self.shared.open_in_place(nonce, Aad::from(associated.as_bytes()), &mut sealed);
        Ok(clear.map_err(|_| Failure::NotAuthentic)?.to_vec())
    }
}

/// What is signed: each line with a line feed at its end, the last one too.
fn joined(lines: &[&str]) -> String {
    lines.iter().flat_map(|line| [line, "\n"]).collect()
}

/// A PEM text as its reader wants it: not every place for environment variables can hold line breaks.
fn lines(pem: &str) -> Vec<u8> {
    pem.replace("\\n", "\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    const NONCE: &str = "593BEC0C930BF1AFEB40B4A08C8FB242";
    // openssl dgst -sha256 -sign, with the same key.
    const SIGNATURE: &str = "wmM1o0nJZjV+JZ4z8RgESYToj0AuJugIiyjks/pNtCdqv91khYBWYrIiLYS3l6EJMcoSTdfp3+ttxqESHHyUX/Ce9L+u\
                             YOwRluE5Cjg0w6b6YzNI6sgzC/66W5yoRY9OwbRv2BIoSY0X7qbInj7CuTd4Y3DqzTv7qIf7QuUwSdrpsT9l0EA9OpQn\
                             sZ3KGnvSAB9KPd8TUiPC+2hGIG2vMCRRSnmDsM7zggGNgcaQMtw1s/WmD3QPwHwF3YUoiqXBkqNx/A0G2AsJJiZ+aCAm\
                             dbASvfUsE5K9zLZkxb9mRd/Z5rskR9u0v7WxVxAxGV7UHnlG16XZF1zuJt9XFvBR0w==";

    #[test]
    fn a_request_is_signed_as_another_program_signs_it() {
        let settings = [
            ("APP_ID", "wxd678efh567hg6787"),
            ("MERCHANT_ID", "1900000109"),
            ("MERCHANT_SERIAL", "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"),
            ("MERCHANT_KEY", include_str!("../../../../../tests/it/payments/golden/wechat/merchant.key.pem")),
            ("API_V3_KEY", "chama-test-api-v3-key-0123456789"),
            ("PLATFORM_KEY_ID", "PUB_KEY_ID_0114232134912410000000000000"),
            ("PLATFORM_KEY", include_str!("../../../../../tests/it/payments/golden/wechat/platform.pub.pem")),
        ];
        let environment = settings.map(|(name, value)| (format!("CHAMA_WECHAT_PAY_{name}"), value.to_owned()));
        let keys = Keys::of(&crate::config::Config::load(None, environment).unwrap().wechat_pay).unwrap();
        let at = Utc.timestamp_opt(1_772_352_000, 0).unwrap();
        let header = keys.authorization("POST", "/v3/pay/transactions/jsapi", "{\"total\":1}", NONCE, at).unwrap();
        assert_eq!(
            header,
            format!(
                "WECHATPAY2-SHA256-RSA2048 mchid=\"1900000109\",nonce_str=\"{NONCE}\",signature=\"{SIGNATURE}\",\
                 timestamp=\"1772352000\",serial_no=\"5157F09EFDC096DE15EBE81A47057A7232F1B8E1\""
            )
        );
        assert_eq!(format!("{keys:?}"), "Keys of merchant 1900000109");
    }
}
