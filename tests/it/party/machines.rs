//! Machine clients: assertions, tokens, keys that overlap.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::Duration;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::support::{
    Client, SELLER, TestServer,
    keys::{TestKey, assertion, exchange},
};

const CLIENT: &str = "machineClient { id clientId version scopes networks keys { id kid algorithm } }";

async fn made(owner: &Client, key: &TestKey, scopes: Value) -> Value {
    let input = json!({ "name": "ERP", "scopes": scopes, "key": key.public });
    owner.done("createMachineClient", CLIENT, input).await["machineClient"].clone()
}

fn id(client: &Value) -> &str {
    client["clientId"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_gets_a_token_with_either_kind_of_key_and_does_what_its_scopes_say() {
    let server = TestServer::start().await;
    let owner = server.member("owner", SELLER).await;
    for (n, key) in [TestKey::ed25519(1), TestKey::es256(2)].into_iter().enumerate() {
        let client = made(&owner, &key, json!(["CATALOG", "FEED"])).await;
        let kid = client["keys"][0]["kid"].as_str();
        let (status, answer) = exchange(&server, &key.sign(kid, &assertion(&server, id(&client), "1")), None).await;
        assert_eq!(
            (status, &answer["token_type"], &answer["scope"]),
            (200, &json!("Bearer"), &json!("catalog feed")),
            "{answer}"
        );
        assert_eq!(answer["expires_in"], 300);
        let machine = server.anonymous().with_token(answer["access_token"].as_str().unwrap().to_owned());
        let viewer = machine.data("{ viewer { standing scopes roles organisation { slug } } }", json!({})).await;
        assert_eq!(
            viewer["viewer"],
            json!({ "standing": "MACHINE", "scopes": ["CATALOG", "FEED"], "roles": [], "organisation": { "slug": SELLER } })
        );
        let rug = crate::support::rug(&format!("m{n}"), &crate::support::leaf(&machine).await);
        machine.done("createProduct", "", json!({ "content": rug })).await;
        machine.data("{ changeFeed { items { event } } }", json!({})).await;
        assert_eq!(machine.error("{ members { nodes { id } } }", json!({})).await, "FORBIDDEN");
        assert_eq!(machine.error("{ sessions { nodes { id } } }", json!({})).await, "FORBIDDEN");
        // Less than it may, and not more.
        let less = key.sign(kid, &assertion(&server, id(&client), "2"));
        let (_, answer) = exchange(&server, &less, Some("feed")).await;
        let machine = server.anonymous().with_token(answer["access_token"].as_str().unwrap().to_owned());
        let rug = json!({ "content": crate::support::rug("x", &crate::support::leaf(&machine).await) });
        assert_eq!(machine.denied("createProduct", rug).await, "FORBIDDEN");
        let more = key.sign(kid, &assertion(&server, id(&client), "3"));
        assert_eq!(exchange(&server, &more, Some("feed webhooks")).await.1, json!({ "error": "invalid_scope" }));
        server.wait(Duration::minutes(6));
        assert_eq!(machine.error("{ viewer { standing } }", json!({})).await, "UNAUTHENTICATED");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assertion_that_does_not_prove_its_client_is_refused() {
    let server = TestServer::start().await;
    let owner = server.member("owner", SELLER).await;
    let (key, stranger) = (TestKey::ed25519(3), TestKey::ed25519(4));
    let client = made(&owner, &key, json!(["FEED"])).await;
    let other = made(&owner, &stranger, json!(["FEED"])).await;
    let good = |jti: &str| assertion(&server, id(&client), jti);
    let now = server.app.clock().now().timestamp();
    let with = |name: &str, value: Value| {
        let mut claims = good(name);
        claims[name] = value;
        key.sign(None, &claims)
    };
    let without = |name: &str| {
        let mut claims = good(name);
        claims.as_object_mut().unwrap().remove(name);
        key.sign(None, &claims)
    };
    let hmac = |secret: &str| {
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &good("h"), &EncodingKey::from_secret(secret.as_bytes()))
            .unwrap()
    };
    let head = |alg: &str| {
        let signed = key.sign(None, &good("n"));
        let claims = signed.split('.').nth(1).unwrap().to_owned();
        format!("{}.{claims}.", BASE64_URL_SAFE_NO_PAD.encode(json!({ "alg": alg }).to_string()))
    };
    let cases = [
        ("another audience", with("aud", json!("https://other.example/oauth/token"))),
        ("no audience", without("aud")),
        ("expired", with("exp", json!(now))),
        ("valid for a day", with("exp", json!(now + 86_400))),
        ("no expiry", without("exp")),
        ("not yet valid", with("nbf", json!(now + 300))),
        ("made in the future", with("iat", json!(now + 300))),
        ("no jti", without("jti")),
        ("empty jti", with("jti", json!(""))),
        ("another subject", with("sub", json!(id(&other)))),
        ("another client's name", with("iss", json!(id(&other)))),
        ("a client that is none", with("iss", json!(uuid::Uuid::now_v7().to_string()))),
        ("another client's key", stranger.sign(None, &good("s"))),
        ("another client's key id", key.sign(other["keys"][0]["kid"].as_str(), &good("k"))),
        ("alg none", head("none")),
        ("HMAC with the public key", hmac(key.public["x"].as_str().unwrap())),
        ("garbage", "a.b.c".into()),
        ("nothing", String::new()),
    ];
    for (what, assertion) in cases {
        let (status, answer) = exchange(&server, &assertion, None).await;
        assert_eq!((status, answer), (401, json!({ "error": "invalid_client" })), "{what}");
    }
    // A fraction of a second is a date all the same; a client_id beside it must be the same one.
    let mut fraction = good("fraction");
    fraction["exp"] = serde_json::from_str(&format!("{}.25", now + 60)).unwrap();
    assert_eq!(exchange(&server, &key.sign(None, &fraction), None).await.0, 200);
    for (named, status) in [(id(&other), 401), (id(&client), 200)] {
        let assertion = key.sign(None, &good(&format!("named {named}")));
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", assertion.as_str()),
            ("client_id", named),
        ];
        let sent = server.http().post(format!("{}/oauth/token", server.url)).form(&form).send().await.unwrap();
        assert_eq!(sent.status().as_u16(), status, "another client_id beside the assertion");
    }
    // A good one works, once.
    let assertion = key.sign(None, &good("once"));
    assert_eq!(exchange(&server, &assertion, None).await.0, 200);
    assert_eq!(exchange(&server, &assertion, None).await.0, 401, "a replayed assertion works");
    let again = key.sign(client["keys"][0]["kid"].as_str(), &good("once"));
    assert_eq!(exchange(&server, &again, None).await.0, 401, "the same jti in another assertion works");
    let at_once = key.sign(None, &good("at once"));
    let mut got = 0;
    for answer in futures(&server, &at_once, 10).await {
        got += u16::from(answer == 200);
    }
    assert_eq!(got, 1, "an assertion was changed {got} times at once");
    let form = [("grant_type", "password"), ("username", "x")];
    let sent = server.http().post(format!("{}/oauth/token", server.url)).form(&form).send().await.unwrap();
    assert_eq!(sent.json::<Value>().await.unwrap(), json!({ "error": "unsupported_grant_type" }));
}

async fn futures(server: &TestServer, assertion: &str, times: usize) -> Vec<u16> {
    let url = format!("{}/oauth/token", server.url);
    let tasks: Vec<_> = (0..times)
        .map(|_| {
            let (http, url, assertion) = (server.http().clone(), url.clone(), assertion.to_owned());
            tokio::spawn(async move {
                let form = [
                    ("grant_type", "client_credentials"),
                    ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                    ("client_assertion", &assertion),
                ];
                http.post(url).form(&form).send().await.unwrap().status().as_u16()
            })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_overlap_and_what_is_switched_off_is_off_at_once() {
    let server = TestServer::start().await;
    let owner = server.member("owner", SELLER).await;
    let (old, new) = (TestKey::ed25519(5), TestKey::es256(6));
    let client = made(&owner, &old, json!(["FEED"])).await;
    let added = owner
        .done("addMachineClientKey", "key { id algorithm }", json!({ "id": client["id"], "key": new.public }))
        .await;
    assert_eq!(added["key"]["algorithm"], "ES256");
    let mut jti = 0;
    let mut works = async |key: &TestKey| {
        jti += 1;
        exchange(&server, &key.sign(None, &assertion(&server, id(&client), &jti.to_string())), None).await.0 == 200
    };
    assert!(works(&old).await && works(&new).await, "keys do not overlap");
    let at = server.app.clock().now() + Duration::hours(1);
    let input = json!({ "id": client["keys"][0]["id"], "at": at.to_rfc3339() });
    owner.done("retireMachineClientKey", "key { retiresAt }", input).await;
    assert!(works(&old).await, "a key ends before its time");
    server.wait(Duration::minutes(61));
    assert!(!works(&old).await && works(&new).await, "a retired key works");
    let owner = server.member("owner", SELLER).await;
    let absurd = json!({ "id": added["key"]["id"], "at": "+10000-01-01T00:00:00Z" });
    assert_eq!(owner.refused("retireMachineClientKey", absurd).await[0].1, "at");

    let owner = server.member("owner", SELLER).await;
    let (_, answer) = exchange(&server, &new.sign(None, &assertion(&server, id(&client), "t")), None).await;
    let machine = server.anonymous().with_token(answer["access_token"].as_str().unwrap().to_owned());
    machine.data("{ changeFeed { endCursor } }", json!({})).await;
    let off = json!({ "id": client["id"], "expectedVersion": 1, "enabled": false });
    owner.done("updateMachineClient", "", off).await;
    assert_eq!(machine.error("{ viewer { standing } }", json!({})).await, "UNAUTHENTICATED");
    assert_eq!(exchange(&server, &new.sign(None, &assertion(&server, id(&client), "off")), None).await.0, 401);

    for key in [
        json!({ "kty": "OKP", "crv": "Ed25519", "x": "AAAA" }),
        json!({ "kty": "RSA", "crv": "Ed25519", "x": old.public["x"] }),
        json!({ "kty": "EC", "crv": "P-256", "x": old.public["x"], "y": old.public["x"] }),
        json!({ "kty": "oct", "crv": "", "x": "secret" }),
    ] {
        let input = json!({ "id": client["id"], "key": key });
        assert_eq!(owner.refused("addMachineClientKey", input).await, [("INVALID_KEY".into(), "key".into())], "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_calls_from_its_networks_only() {
    let server = TestServer::with(&[("CHAMA_SERVER_TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    let owner = server.member("owner", SELLER).await;
    let key = TestKey::ed25519(7);
    let input = json!({ "name": "WMS", "scopes": ["FEED"], "networks": ["198.51.100.7/24"], "key": key.public });
    let client = owner.done("createMachineClient", CLIENT, input).await["machineClient"].clone();
    assert_eq!(client["networks"], json!(["198.51.100.0/24"]));
    let from = async |address: &str, jti: &str| {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &key.sign(None, &assertion(&server, id(&client), jti))),
        ];
        let request = server.http().post(format!("{}/oauth/token", server.url)).header("x-forwarded-for", address);
        request.form(&form).send().await.unwrap().json::<Value>().await.unwrap()
    };
    assert_eq!(from("203.0.113.1", "1").await, json!({ "error": "invalid_client" }));
    let token = from("198.51.100.200", "2").await["access_token"].as_str().unwrap().to_owned();
    for (address, status) in [("198.51.100.3", 200), ("203.0.113.1", 401)] {
        let sent = server
            .http()
            .post(format!("{}/graphql", server.url))
            .header("x-forwarded-for", address)
            .bearer_auth(&token)
            .json(&json!({ "query": "{ viewer { standing } }" }));
        assert_eq!(sent.send().await.unwrap().status().as_u16(), status, "{address}: a stolen token travels");
    }
    let mapped = json!({ "name": "V6", "scopes": [], "networks": ["::ffff:10.0.0.0/104", "2001:db8::/32", "10.1.2.3"], "key": key.public });
    let mapped = owner.done("createMachineClient", CLIENT, mapped).await;
    assert_eq!(mapped["machineClient"]["networks"], json!(["10.0.0.0/8", "2001:db8::/32", "10.1.2.3/32"]));
    let wrong = json!({ "name": "X", "scopes": [], "networks": ["here"], "key": key.public });
    assert_eq!(owner.refused("createMachineClient", wrong).await, [("INVALID_VALUE".into(), "networks".into())]);
}
