//! Keys of machine clients, and what they sign.

use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    jwk::{AlgorithmParameters, Jwk},
};
use serde_json::{Value, json};

use super::TestServer;

/// A private key and its public half as the API takes it.
pub struct TestKey {
    pub algorithm: Algorithm,
    pub signs: EncodingKey,
    pub public: Value,
}

impl TestKey {
    pub fn ed25519(seed: u8) -> Self {
        Self::ed25519_of(&[seed; 32])
    }

    pub fn ed25519_of(seed: &[u8]) -> Self {
        const HEAD: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
        Self::of(Algorithm::EdDSA, EncodingKey::from_ed_der(&[&HEAD[..], seed].concat()))
    }

    pub fn es256(seed: u8) -> Self {
        const HEAD: [u8; 35] = [
            0x30, 0x41, 2, 1, 0, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce,
            0x3d, 3, 1, 7, 4, 0x27, 0x30, 0x25, 2, 1, 1, 4, 0x20,
        ];
        Self::of(Algorithm::ES256, EncodingKey::from_ec_der(&[&HEAD[..], &[seed; 32]].concat()))
    }

    fn of(algorithm: Algorithm, signs: EncodingKey) -> Self {
        let public = match Jwk::from_encoding_key(&signs, algorithm).expect("a key").algorithm {
            AlgorithmParameters::OctetKeyPair(pair) => json!({ "kty": "OKP", "crv": "Ed25519", "x": pair.x }),
            AlgorithmParameters::EllipticCurve(ec) => json!({ "kty": "EC", "crv": "P-256", "x": ec.x, "y": ec.y }),
            other => panic!("{other:?}"),
        };
        Self { algorithm, signs, public }
    }

    /// Signs claims; `kid` when one is named.
    pub fn sign(&self, kid: Option<&str>, claims: &Value) -> String {
        let header = Header { kid: kid.map(str::to_owned), ..Header::new(self.algorithm) };
        jsonwebtoken::encode(&header, claims, &self.signs).expect("a signature")
    }
}

/// The claims of a good assertion.
pub fn assertion(server: &TestServer, client: &str, jti: &str) -> Value {
    let now = server.app.clock().now().timestamp();
    json!({
        "iss": client, "sub": client, "aud": "http://127.0.0.1:8000/oauth/token", "iat": now, "exp": now + 60, "jti": jti,
    })
}

/// Asks for a token; the status and the answer.
pub async fn exchange(server: &TestServer, assertion: &str, scope: Option<&str>) -> (u16, Value) {
    let mut form = vec![
        ("grant_type", "client_credentials"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion),
    ];
    form.extend(scope.map(|scope| ("scope", scope)));
    let sent = server.http().post(format!("{}/oauth/token", server.url)).form(&form).send().await.expect("an answer");
    (sent.status().as_u16(), sent.json().await.expect("an answer in JSON"))
}
