//! Signing in, refreshing, and every way to get a token past the gate that must not work.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::Duration;
use entities::platform::signing_key;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use crate::support::{Client, SELLER, TestServer, keys::TestKey, receiver::Receiver};

const PERSON: &str = "owner@hehuang-carpet.demo.chama.example";
const PASSWORD: &str = api::zone::DEMO_PASSWORD;
const TOKENS: &str = "tokens { accessToken refreshToken accessTokenExpiresAt session { id } }";

fn text<'a>(tokens: &'a Value, field: &str) -> &'a str {
    tokens[field].as_str().unwrap()
}

fn with(server: &TestServer, tokens: &Value) -> Client {
    server.anonymous().with_token(text(tokens, "accessToken").to_owned())
}

async fn refused(client: &Client, mutation: &str, input: Value) -> String {
    client.refused(mutation, input).await[0].0.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_registers_signs_in_and_is_who_it_says() {
    let server = TestServer::start().await;
    let anyone = server.anonymous();
    let input = json!({ "name": "Li.Na@Example.com", "password": "tea bricks by yak", "displayName": "李娜" });
    let made = anyone.done("registerPerson", "person { id displayName }", input.clone()).await;
    assert_eq!(made["person"]["displayName"], "李娜");
    assert_eq!(refused(&anyone, "registerPerson", input).await, "ALREADY_TAKEN");
    let phone = json!({ "name": "+86 138-1234-1234", "password": "tea bricks by yak", "displayName": "Wang" });
    anyone.done("registerPerson", "", phone).await;
    for (name, password, code) in [
        ("nobody", "tea bricks by yak", "INVALID_MOBILE"),
        ("a@b", "tea bricks by yak", "INVALID_EMAIL"),
        ("c@example.com", "short", "WEAK_PASSWORD"),
        ("c@example.com", "1234567890", "WEAK_PASSWORD"),
    ] {
        let input = json!({ "name": name, "password": password, "displayName": "X" });
        assert_eq!(refused(&anyone, "registerPerson", input).await, code, "{name} {password}");
    }
    for name in ["li.na@example.com", "LI.NA@EXAMPLE.COM"] {
        let tokens = anyone.done("signIn", TOKENS, json!({ "name": name, "password": "tea bricks by yak" })).await;
        let me = with(&server, &tokens["tokens"])
            .data(
                "{ viewer { standing person { id } logins { kind masked } memberships { roles } organisation { id } } }",
                json!({}),
            )
            .await;
        assert_eq!(
            me["viewer"],
            json!({ "standing": "PERSON", "person": { "id": made["person"]["id"] }, "memberships": [], "organisation": null,
                    "logins": [{ "kind": "EMAIL", "masked": "l***@example.com" }] })
        );
    }
    anyone.done("signIn", "", json!({ "name": "13812341234", "password": "tea bricks by yak" })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_acts_for_its_organisations_only() {
    let server = TestServer::start().await;
    let tokens = server.sign_in(PERSON, None).await;
    let person = with(&server, &tokens);
    let own = server.organisation(SELLER).await;
    let other = server.organisation("huangdao-trading").await;
    let query = "{ viewer { standing roles organisation { slug } } }";
    assert_eq!(person.data(query, json!({})).await["viewer"]["standing"], "PERSON");
    let acting = person.done("actFor", TOKENS, json!({ "organisationId": own })).await;
    assert_eq!(acting["tokens"]["refreshToken"], Value::Null, "acting for someone uses the refresh token up");
    let member = with(&server, &acting["tokens"]);
    assert_eq!(
        member.data(query, json!({})).await["viewer"],
        json!({ "standing": "MEMBER", "roles": ["OWNER"], "organisation": { "slug": SELLER } })
    );
    assert_eq!(refused(&person, "actFor", json!({ "organisationId": other })).await, "NOT_FOUND");
    let input = json!({ "name": PERSON, "password": PASSWORD, "organisationId": other });
    assert_eq!(refused(&server.anonymous(), "signIn", input).await, "NOT_FOUND");
    // The refresh keeps what the session acts for.
    let refreshed = json!({ "refreshToken": tokens["refreshToken"] });
    let fresh = server.anonymous().done("refreshSession", TOKENS, refreshed).await;
    assert_eq!(with(&server, &fresh["tokens"]).data(query, json!({})).await["viewer"]["organisation"]["slug"], SELLER);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_an_unknown_name_are_refused_and_locked_out_alike() {
    let server = TestServer::start().await;
    let anyone = server.anonymous();
    for name in [PERSON, "nobody@demo.chama.example", "no name at all"] {
        for attempt in 1..=8 {
            let input = json!({ "name": name, "password": "wrong password" });
            assert_eq!(refused(&anyone, "signIn", input).await, "SIGN_IN_REFUSED", "{name}, attempt {attempt}");
        }
        let input = json!({ "name": name, "password": PASSWORD });
        assert_eq!(refused(&anyone, "signIn", input).await, "TOO_MANY_ATTEMPTS", "{name} is not locked out");
        server.wait(Duration::minutes(10));
        let input = json!({ "name": name, "password": PASSWORD });
        assert_eq!(refused(&anyone, "signIn", input).await, "TOO_MANY_ATTEMPTS");
        server.wait(Duration::minutes(6));
    }
    anyone.done("signIn", "", json!({ "name": PERSON, "password": PASSWORD })).await;
    // A success begins the count anew.
    for _ in 0..3 {
        for _ in 0..5 {
            let input = json!({ "name": PERSON, "password": "wrong password" });
            assert_eq!(refused(&anyone, "signIn", input).await, "SIGN_IN_REFUSED");
        }
        anyone.done("signIn", "", json!({ "name": PERSON, "password": PASSWORD })).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_wrong_passwords_at_once_are_no_more_than_many_one_after_the_other() {
    let server = TestServer::start().await;
    let attempts = (0..20).map(|_| {
        let client = server.anonymous();
        tokio::spawn(async move {
            refused(&client, "signIn", json!({ "name": PERSON, "password": "wrong password" })).await
        })
    });
    let mut tried = 0;
    for attempt in attempts.collect::<Vec<_>>() {
        tried += i32::from(attempt.await.unwrap() == "SIGN_IN_REFUSED");
    }
    assert_eq!(tried, 8, "so many passwords were tried before the name was locked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_refresh_token_ends_its_session_for_the_thief_and_for_its_owner() {
    let server = TestServer::start().await;
    let anyone = server.anonymous();
    let query = "{ viewer { standing } }";
    let first = server.sign_in(PERSON, None).await;
    let other_device = server.sign_in(PERSON, None).await;
    let input = json!({ "refreshToken": first["refreshToken"] });
    let second = anyone.done("refreshSession", TOKENS, input.clone()).await["tokens"].clone();
    assert_ne!(first["refreshToken"], second["refreshToken"]);
    with(&server, &second).data(query, json!({})).await;
    // The thief comes with the token that was used.
    assert_eq!(refused(&anyone, "refreshSession", input).await, "REFRESH_REFUSED");
    assert_eq!(
        refused(&anyone, "refreshSession", json!({ "refreshToken": second["refreshToken"] })).await,
        "REFRESH_REFUSED",
        "the family lives on"
    );
    for tokens in [&first, &second] {
        assert_eq!(with(&server, tokens).error(query, json!({})).await, "UNAUTHENTICATED", "its access token lives on");
    }
    let sessions =
        with(&server, &other_device).data("{ sessions { nodes { current ended device } } }", json!({})).await;
    assert_eq!(
        sessions["sessions"]["nodes"],
        json!([{ "current": true, "ended": null, "device": "test" }, { "current": false, "ended": "REUSED", "device": "test" }])
    );
    for bad in [
        String::new(),
        "x.y".into(),
        format!("{}x", text(&other_device, "refreshToken")),
        text(&other_device, "refreshToken").replace('.', ".0"),
        text(&other_device, "accessToken").to_owned(),
    ] {
        assert_eq!(
            refused(&anyone, "refreshSession", json!({ "refreshToken": bad })).await,
            "REFRESH_REFUSED",
            "{bad}"
        );
    }
    server.wait(Duration::days(31));
    let late = json!({ "refreshToken": other_device["refreshToken"] });
    assert_eq!(refused(&anyone, "refreshSession", late).await, "REFRESH_REFUSED", "a session never runs out");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_refreshes_at_once_wins_and_the_session_ends() {
    let server = TestServer::start().await;
    let tokens = server.sign_in(PERSON, None).await;
    let tasks: Vec<_> = (0..10)
        .map(|_| {
            let (client, input) = (server.anonymous(), json!({ "refreshToken": tokens["refreshToken"] }));
            tokio::spawn(async move { client.payload("refreshSession", TOKENS, input).await })
        })
        .collect();
    let mut won = Vec::new();
    for task in tasks {
        let payload = task.await.unwrap();
        won.extend(Some(payload["tokens"].clone()).filter(|t| !t.is_null()));
    }
    assert!(won.len() <= 1, "one token was changed {} times", won.len());
    for tokens in won {
        let input = json!({ "refreshToken": tokens["refreshToken"] });
        assert_eq!(refused(&server.anonymous(), "refreshSession", input).await, "REFRESH_REFUSED");
    }
}

/// What is done to the claims of a token.
type Change<'a> = &'a dyn Fn(&mut Value);

/// A token signed with the server's own key, with whatever claims.
async fn forged(server: &TestServer, header: Header, change: impl Fn(&mut Value)) -> String {
    let row = signing_key::Entity::find().one(server.app.db().read()).await.unwrap().unwrap();
    let place = format!("signing_key.private_key:{}", row.kid);
    let seed = server.app.vault().unseal(&place, &row.private_key).unwrap();
    let key = TestKey::ed25519_of(&seed).signs;
    let tokens = server.sign_in(PERSON, None).await;
    let claims = text(&tokens, "accessToken").split('.').nth(1).unwrap();
    let mut claims: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    change(&mut claims);
    let header = Header { kid: Some(row.kid), ..header };
    jsonwebtoken::encode(&header, &claims, &key).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_expired_or_for_someone_else_is_refused() {
    let server = TestServer::start().await;
    let query = "{ viewer { standing } }";
    let tokens = server.sign_in(PERSON, None).await;
    let eddsa = || Header::new(Algorithm::EdDSA);
    let good = forged(&server, eddsa(), |_| {}).await;
    server.anonymous().with_token(good).data(query, json!({})).await;
    let another = uuid::Uuid::now_v7().to_string();
    let changes: [(&str, Change); 8] = [
        ("another audience", &|c| c["aud"] = json!("chama:bank")),
        ("no audience", &|c| drop(c.as_object_mut().unwrap().remove("aud"))),
        ("another issuer", &|c| c["iss"] = json!("https://evil.example")),
        ("expired", &|c| c["exp"] = json!(c["iat"])),
        ("no expiry", &|c| drop(c.as_object_mut().unwrap().remove("exp"))),
        ("another person in this session", &|c| c["sub"] = json!(format!("person:{another}"))),
        ("no session", &|c| drop(c.as_object_mut().unwrap().remove("sid"))),
        ("a client that is none", &|c| c["sub"] = json!(format!("client:{another}"))),
    ];
    for (what, change) in changes {
        let token = forged(&server, eddsa(), change).await;
        assert_eq!(server.anonymous().with_token(token).error(query, json!({})).await, "UNAUTHENTICATED", "{what}");
    }
    let client = with(&server, &tokens);
    client.data(query, json!({})).await;
    server.wait(Duration::minutes(11));
    assert_eq!(client.error(query, json!({})).await, "UNAUTHENTICATED", "an access token lives longer than it says");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_algorithm_is_the_key_s_and_never_the_token_s() {
    let server = TestServer::start().await;
    let query = "{ viewer { standing } }";
    let tokens = server.sign_in(PERSON, None).await;
    let (head, rest) = text(&tokens, "accessToken").split_once('.').unwrap();
    let (claims, _) = rest.split_once('.').unwrap();
    let header: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(head).unwrap()).unwrap();
    let kid = header["kid"].as_str().unwrap();
    let keys: Value =
        server.http().get(format!("{}/.well-known/jwks.json", server.url)).send().await.unwrap().json().await.unwrap();
    let key = &keys["keys"][0];
    assert_eq!((&key["kid"], &key["alg"], &key["kty"]), (&json!(kid), &json!("EdDSA"), &json!("OKP")));
    assert!(key.get("d").is_none(), "the key set holds a private key");
    let public = key["x"].as_str().unwrap();
    // alg none, in several spellings.
    for alg in ["none", "None", "NONE"] {
        let head = BASE64_URL_SAFE_NO_PAD.encode(json!({ "alg": alg, "typ": "JWT", "kid": kid }).to_string());
        for token in [format!("{head}.{claims}."), format!("{head}.{claims}.AAAA"), format!("{head}.{claims}")] {
            assert_eq!(server.anonymous().with_token(token).error(query, json!({})).await, "UNAUTHENTICATED", "{alg}");
        }
    }
    // The public key, which everyone knows, as the secret of an HMAC.
    let claims: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    let raw = BASE64_URL_SAFE_NO_PAD.decode(public).unwrap();
    for secret in [public.as_bytes(), &raw] {
        for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            let header = Header { kid: Some(kid.to_owned()), ..Header::new(algorithm) };
            let token = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret)).unwrap();
            let code = server.anonymous().with_token(token).error(query, json!({})).await;
            assert_eq!(code, "UNAUTHENTICATED", "{algorithm:?} with the public key");
        }
    }
    // Another key of the right kind under the right name, and a name that nobody has.
    let stranger = TestKey::ed25519(9);
    for kid in [Some(kid), Some("0000000000000000"), None] {
        let token = stranger.sign(kid, &claims);
        assert_eq!(server.anonymous().with_token(token).error(query, json!({})).await, "UNAUTHENTICATED", "{kid:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_turn_and_old_ones_verify_until_their_tokens_are_over() {
    let server = TestServer::start().await;
    let kids = async || {
        let keys: Value = server
            .http()
            .get(format!("{}/.well-known/jwks.json", server.url))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        keys["keys"].as_array().unwrap().iter().map(|k| k["kid"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let query = "{ viewer { standing } }";
    let first = kids().await;
    assert_eq!(first.len(), 1);
    server.wait(Duration::days(30) - Duration::minutes(1));
    let tokens = server.sign_in(PERSON, None).await;
    server.wait(Duration::minutes(2));
    let fresh = server.sign_in(PERSON, None).await;
    let both = kids().await;
    assert!(both.len() == 2 && both[1] == first[0], "{both:?}");
    for tokens in [&tokens, &fresh] {
        with(&server, tokens).data(query, json!({})).await;
    }
    // Another node knows them at once.
    let node = server.second_node().await;
    let now = server.app.clock().now();
    for tokens in [&tokens, &fresh] {
        node.gate().caller(node.db(), text(tokens, "accessToken"), None, now).await.unwrap();
    }
    server.wait(Duration::days(3));
    assert_eq!(kids().await, both[..1], "a key verifies for ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_ended_from_another_device_by_its_owner_only() {
    let server = TestServer::start().await;
    let (here, there) = (server.sign_in(PERSON, None).await, server.sign_in(PERSON, None).await);
    let query = "{ viewer { standing } }";
    with(&server, &there).data(query, json!({})).await;
    let stranger = server.consumer(1).await;
    assert_eq!(refused(&stranger, "endSession", json!({ "id": there["session"]["id"] })).await, "NOT_FOUND");
    with(&server, &there).data(query, json!({})).await;
    let ended =
        with(&server, &here).done("endSession", "session { ended }", json!({ "id": there["session"]["id"] })).await;
    assert_eq!(ended["session"]["ended"], "SIGNED_OUT");
    assert_eq!(with(&server, &there).error(query, json!({})).await, "UNAUTHENTICATED", "an ended session goes on");
    let input = json!({ "refreshToken": there["refreshToken"] });
    assert_eq!(refused(&server.anonymous(), "refreshSession", input).await, "REFRESH_REFUSED");
    with(&server, &here).done("endSession", "", json!({})).await;
    assert_eq!(with(&server, &here).error(query, json!({})).await, "UNAUTHENTICATED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_every_other_session() {
    let server = TestServer::start().await;
    let (here, there) = (server.sign_in(PERSON, None).await, server.sign_in(PERSON, None).await);
    let me = with(&server, &here);
    let new = "saddles for silk";
    let wrong = json!({ "currentPassword": "wrong password", "newPassword": new });
    assert_eq!(refused(&me, "changePassword", wrong).await, "SIGN_IN_REFUSED");
    let weak = json!({ "currentPassword": PASSWORD, "newPassword": "short" });
    assert_eq!(me.refused("changePassword", weak).await, [("WEAK_PASSWORD".into(), "newPassword".into())]);
    me.done("changePassword", "", json!({ "currentPassword": PASSWORD, "newPassword": new })).await;
    me.data("{ viewer { standing } }", json!({})).await;
    assert_eq!(with(&server, &there).error("{ viewer { standing } }", json!({})).await, "UNAUTHENTICATED");
    let old = json!({ "name": PERSON, "password": PASSWORD });
    assert_eq!(refused(&server.anonymous(), "signIn", old).await, "SIGN_IN_REFUSED");
    server.anonymous().done("signIn", "", json!({ "name": PERSON, "password": new })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mini_program_signs_in_with_the_sandbox_and_with_the_real_protocol() {
    let server = TestServer::start().await;
    let anyone = server.anonymous();
    let who = async |tokens: &Value| {
        with(&server, tokens).data("{ viewer { person { id } logins { kind } } }", json!({})).await["viewer"].clone()
    };
    let first = anyone.done("signInWithWechat", TOKENS, json!({ "code": "sandbox:ma" })).await["tokens"].clone();
    let again = anyone.done("signInWithWechat", TOKENS, json!({ "code": "sandbox:ma" })).await["tokens"].clone();
    let other = anyone.done("signInWithWechat", TOKENS, json!({ "code": "sandbox:li" })).await["tokens"].clone();
    assert_eq!(who(&first).await, who(&again).await);
    assert_ne!(who(&first).await["person"], who(&other).await["person"]);
    assert_eq!(who(&first).await["logins"], json!([{ "kind": "WECHAT" }]));
    assert_eq!(refused(&anyone, "signInWithWechat", json!({ "code": "real" })).await, "NOT_VERIFIED");

    let wechat = Receiver::with(|_, request| {
        let good = request.target.contains("js_code=good-1&") && request.target.contains("secret=s3cret");
        let body = if good {
            r#"{"openid":"oGOOD","session_key":"k"}"#
        } else {
            r#"{"errcode":40029,"errmsg":"invalid code"}"#
        };
        ("200 OK".into(), body.into())
    })
    .await;
    let settings = [
        ("CHAMA_WECHAT_URL", wechat.url.as_str()),
        ("CHAMA_WECHAT_APP_ID", "wx1"),
        ("CHAMA_WECHAT_APP_SECRET", "s3cret"),
    ];
    let real = TestServer::with(&settings).await;
    let anyone = real.anonymous();
    anyone.done("signInWithWechat", TOKENS, json!({ "code": "good-1" })).await;
    assert!(wechat.received()[0].target.starts_with("GET /sns/jscode2session?appid=wx1&"), "{:?}", wechat.received());
    assert_eq!(refused(&anyone, "signInWithWechat", json!({ "code": "bad" })).await, "NOT_VERIFIED");
    assert_eq!(refused(&anyone, "signInWithWechat", json!({ "code": "sandbox:ma" })).await, "NOT_VERIFIED");
    wechat.gone().await;
    let document =
        "mutation($input: SignInWithWechatInput!) { signInWithWechat(input: $input) { userErrors { code } } }";
    assert_eq!(anyone.error(document, json!({ "input": { "code": "good-1" } })).await, "UNAVAILABLE");

    let closed = TestServer::with(&[("CHAMA_AUTH_DEVELOPMENT_TOKENS", "false")]).await;
    assert_eq!(
        refused(&closed.anonymous(), "signInWithWechat", json!({ "code": "sandbox:ma" })).await,
        "NOT_VERIFIED",
        "production has a sandbox"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_signs_in_on_many_devices_at_once_gets_in_on_all() {
    let server = TestServer::start().await;
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let client = server.anonymous();
            tokio::spawn(async move {
                client
                    .payload("signIn", "tokens { accessToken }", json!({ "name": PERSON, "password": PASSWORD }))
                    .await
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap()["userErrors"], json!([]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_write_bearer_small_or_send_an_old_token_along_are_understood() {
    let server = TestServer::start().await;
    let tokens = server.sign_in(PERSON, None).await;
    let ask = async |authorization: String, query: &str| {
        let sent = server.http().post(format!("{}/graphql", server.url)).header("authorization", authorization);
        sent.json(&json!({ "query": query })).send().await.unwrap()
    };
    let viewer = "{ viewer { standing } }";
    let small = ask(format!("bearer {}", text(&tokens, "accessToken")), viewer).await;
    assert_eq!(small.json::<Value>().await.unwrap()["data"]["viewer"]["standing"], "PERSON");
    for header in ["Basic eDp5", "Bearer", "Bearer ", "Bearer a b", ""] {
        let bad = ask(header.into(), viewer).await;
        assert_eq!(bad.status().as_u16(), 401, "{header}");
        assert!(bad.headers().contains_key("www-authenticate"));
    }
    server.wait(Duration::minutes(11));
    let expired = format!("Bearer {}", text(&tokens, "accessToken"));
    assert_eq!(ask(expired.clone(), viewer).await.status().as_u16(), 401);
    let refresh = format!(
        "mutation {{ refreshSession(input: {{ refreshToken: \"{}\" }}) {{ tokens {{ accessToken }} userErrors {{ code }} }} }}",
        text(&tokens, "refreshToken")
    );
    let fresh: Value = ask(expired.clone(), &refresh).await.json().await.unwrap();
    assert!(fresh["data"]["refreshSession"]["tokens"]["accessToken"].is_string(), "{fresh}");
    // Beside anything else a bad token is still refused.
    let both = "mutation { signIn(input: { name: \"x\", password: \"x\" }) { clientMutationId } endSession(input: {}) { clientMutationId } }";
    assert_eq!(ask(expired, both).await.status().as_u16(), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_change_of_the_password_answers_the_same() {
    let server = TestServer::start().await;
    let me = with(&server, &server.sign_in(PERSON, None).await);
    let input = json!({ "currentPassword": PASSWORD, "newPassword": "saddles for silk", "clientMutationId": "pw-1" });
    let first = me.done("changePassword", "person { id }", input.clone()).await;
    assert_eq!(me.done("changePassword", "person { id }", input).await, first);
}
