//! Answers that are kept: fresh after every write, the same for everyone, and nobody's private ones.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use reqwest::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    binary,
    support::{OTHER_SELLER, SELLER, TestServer, offered, published_rug},
};

const LIST: &str = "{ products(first: 20) { totalCount nodes { slug name price { amount } category { name } } } }";

fn sha256(text: &str) -> String {
    api::platform::vault::hex(&Sha256::digest(text))
}

struct Answer {
    status: StatusCode,
    etag: Option<String>,
    control: String,
    body: Value,
}

async fn get(server: &TestServer, parameters: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
    let mut request = server.http().get(format!("{}/graphql", server.url)).query(parameters);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    let header = |name: &str| response.headers().get(name).map(|v| v.to_str().unwrap().to_owned());
    let (status, etag, control) = (response.status(), header("etag"), header("cache-control").unwrap_or_default());
    Answer { status, etag, control, body: response.json().await.unwrap_or(Value::Null) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_answer_is_kept_and_fresh_after_every_write() {
    let server = TestServer::start().await;
    let product = published_rug(&server, SELLER, "kept").await;
    let by_slug = "{ product(by: { slug: \"rug-kept\" }) { name price { amount } offers { nodes { sku } } } }";
    let first = get(&server, &[("query", LIST)], &[]).await;
    let etag = first.etag.clone().expect("a public answer has an entity tag");
    assert!(first.control.starts_with("public"), "{}", first.control);
    let again = get(&server, &[("query", LIST)], &[("if-none-match", &etag)]).await;
    assert_eq!((again.status, again.body), (StatusCode::NOT_MODIFIED, Value::Null));
    assert_eq!(get(&server, &[("query", by_slug)], &[]).await.body["data"]["product"]["price"], Value::Null);

    offered(&server, SELLER, &product, "KEPT-1", "12.00").await;
    let fresh = get(&server, &[("query", LIST)], &[("if-none-match", &etag)]).await;
    assert_eq!(fresh.status, StatusCode::OK, "a list is stale after an offer");
    assert_eq!(fresh.body["data"]["products"]["nodes"][0]["price"]["amount"], "12.00");
    assert_eq!(get(&server, &[("query", by_slug)], &[]).await.body["data"]["product"]["price"]["amount"], "12.00");
    published_rug(&server, SELLER, "another").await;
    assert_eq!(get(&server, &[("query", LIST)], &[]).await.body["data"]["products"]["totalCount"], 2);

    // Another language, other variables: other answers.
    let chinese = get(&server, &[("query", LIST)], &[("accept-language", "zh-CN")]).await;
    let english = get(&server, &[("query", LIST)], &[("accept-language", "en")]).await;
    assert_ne!(chinese.body, english.body);
    let operator = server.operator().await;
    let category = operator.data("{ category(by: { slug: \"knotted-area-rugs\" }) { id version } }", json!({})).await;
    let rename = json!({ "id": category["category"]["id"], "expectedVersion": category["category"]["version"],
        "name": [{ "locale": "en", "text": "Renamed rugs" }] });
    operator.done("updateCategory", "category { id }", rename).await;
    let renamed = get(&server, &[("query", LIST)], &[("accept-language", "en")]).await;
    assert_eq!(renamed.body["data"]["products"]["nodes"][0]["category"]["name"], "Renamed rugs");
    // A search is stale no longer than the index.
    let search = "{ search(query: \"quasar\", filter: { kinds: [PRODUCT] }) { totalCount } }";
    assert_eq!(get(&server, &[("query", search)], &[]).await.body["data"]["search"]["totalCount"], 0);
    published_rug(&server, SELLER, "quasar").await;
    server.settled().await;
    assert_eq!(get(&server, &[("query", search)], &[]).await.body["data"]["search"]["totalCount"], 1);

    for (query, headers) in
        [("{ viewer { subject } }", vec![]), ("{ nothing }", vec![]), (LIST, vec![("cache-control", "no-cache")])]
    {
        let answer = get(&server, &[("query", query)], &headers).await;
        assert_eq!((answer.etag, answer.control.as_str()), (None, "no-store"), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_may_see_is_never_kept_for_others() {
    let server = TestServer::start().await;
    published_rug(&server, SELLER, "public").await;
    let owner = server.seller(SELLER).await;
    let content = crate::support::rug("secret", &crate::support::leaf(&owner).await);
    owner.done("createProduct", "product { id }", json!({ "content": content })).await;
    server.settled().await;
    let queries = [
        "{ products(filter: { statuses: [DRAFT, PUBLISHED] }) { totalCount nodes { slug } } }",
        "{ product(by: { slug: \"rug-secret\" }) { slug } }",
        "{ search(query: \"secret\", filter: { statuses: [DRAFT], kinds: [PRODUCT] }) { totalCount } }",
        "{ organisation(by: { slug: \"hehuang-carpet\" }) { slug addresses { kind street } } }",
    ];
    let stranger = server.anonymous();
    for query in queries {
        let before = stranger.data(query, json!({})).await;
        for (who, client) in [
            ("the owner", owner.clone()),
            ("an operator", server.operator().await),
            ("another seller", server.seller(OTHER_SELLER).await),
            ("a consumer", server.consumer(1).await),
            ("a member", server.member("catalog-manager", SELLER).await),
        ] {
            let own = client.data(query, json!({})).await;
            assert_eq!(stranger.data(query, json!({})).await, before, "a stranger is shown what {who} sees: {own}");
            // And what was kept for strangers is not what it sees.
            assert_eq!(client.data(query, json!({})).await, own, "{who} is shown what strangers see");
        }
    }
    let drafts = owner.data(queries[1], json!({})).await;
    assert_eq!(drafts["product"]["slug"], "rug-secret", "the owner does not see its own draft");
    let token = server.token(entities::party::MemberRole::Owner, SELLER).await;
    for token in [token.as_str(), "nonsense"] {
        let answer = get(&server, &[("query", LIST)], &[("authorization", &format!("Bearer {token}"))]).await;
        assert_eq!((answer.etag, answer.control.as_str()), (None, "no-store"), "an answer to a token is kept");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_known_by_its_hash() {
    let server = TestServer::start().await;
    published_rug(&server, SELLER, "hash").await;
    let query = "query Rugs($n: Int) { products(first: $n) { nodes { slug } } }";
    let hash = sha256(query);
    let extension = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
    let text = extension.to_string();
    let by_hash = [("extensions", text.as_str()), ("variables", "{\"n\":1}")];
    let unknown = get(&server, &by_hash, &[]).await;
    assert_eq!(unknown.body["errors"][0]["message"], "PersistedQueryNotFound");
    assert_eq!(unknown.body["errors"][0]["extensions"]["code"], "PERSISTED_QUERY_NOT_FOUND");

    let post = async |body: Value| -> Value {
        server.http().post(format!("{}/graphql", server.url)).json(&body).send().await.unwrap().json().await.unwrap()
    };
    let told = post(json!({ "query": query, "variables": { "n": 1 }, "extensions": extension })).await;
    assert_eq!(told["data"]["products"]["nodes"][0]["slug"], "rug-hash");
    for _ in 0..3 {
        let kept = get(&server, &by_hash, &[]).await;
        assert_eq!(kept.body, told);
        assert_eq!(kept.body["extensions"]["cacheControl"], json!({ "maxAge": 0, "scope": "PUBLIC" }));
        assert_eq!(kept.control, "public, no-cache", "the header says something else than the body");
        let uncached = get(&server, &by_hash, &[("cache-control", "no-cache")]).await;
        assert_eq!(uncached.body["data"], told["data"], "carried out again it answers otherwise");
        assert_eq!((uncached.control.as_str(), uncached.body.get("extensions")), ("no-store", None));
    }
    assert_eq!(post(json!({ "extensions": extension, "variables": { "n": 1 } })).await, told);
    // Another document under the same hash, and hashes that are none.
    let other = post(json!({ "query": "{ __typename }", "extensions": extension })).await;
    assert_eq!(other["errors"][0]["extensions"]["code"], "BAD_INPUT");
    for wrong in [json!({ "version": 2, "sha256Hash": hash }), json!({ "version": 1, "sha256Hash": "zz" }), json!(1)] {
        let answer = post(json!({ "extensions": { "persistedQuery": wrong } })).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_INPUT", "{wrong}");
    }
    // A known document is held against its budget and its variables like any other.
    for n in [json!("x"), json!(101)] {
        let answer = post(json!({ "extensions": extension, "variables": { "n": n } })).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_INPUT", "{n}");
    }
    // Mutations are persisted too, and are no links.
    let mutation = "mutation { signIn(input: { name: \"x\", password: \"x\" }) { userErrors { code } } }";
    let hash = sha256(mutation);
    let extension = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
    assert!(post(json!({ "query": mutation, "extensions": extension })).await["data"].is_object());
    assert_eq!(get(&server, &[("extensions", &extension.to_string())], &[]).await.status, 405);
}

/// A Redis of its own, which can be killed.
struct Redis {
    child: Option<Child>,
    port: u16,
    folder: tempfile::TempDir,
}

impl Redis {
    fn binary() -> Option<PathBuf> {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).map(|folder| folder.join("redis-server")).find(|file| file.is_file())
    }

    async fn start() -> Option<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self::binary()?;
        let mut redis = Self { child: None, port, folder: tempfile::tempdir().unwrap() };
        redis.resume().await;
        Some(redis)
    }

    async fn resume(&mut self) {
        let child = Command::new(Self::binary().unwrap())
            .current_dir(self.folder.path())
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Redis starts");
        self.child = Some(child);
        for _ in 0..100 {
            if tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("Redis does not answer");
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_with_one_redis_agree_within_a_second_and_survive_its_loss() {
    let Some(mut redis) = Redis::start().await else {
        eprintln!("redis-server is not installed: two servers with one Redis are tested where it is");
        return;
    };
    let server = TestServer::with(&[("CHAMA_JOBS_WORKERS", "0")]).await;
    let node = async || {
        let mut command = binary::chama(server.data_dir());
        command.envs(server.environment().iter().cloned());
        command.env("CHAMA_REDIS_URL", format!("redis://127.0.0.1:{}/0", redis.port));
        command.args(["serve", "--listen", "127.0.0.1:0"]).stderr(Stdio::null());
        binary::started(&mut command).await
    };
    let (one, two) = (node().await, node().await);
    let operator = {
        let anonymous = server.at(&one.url);
        let by = json!({ "by": { "slug": crate::support::OPERATOR } });
        let id = anonymous.data("query($by: OrganisationRef!) { organisation(by: $by) { id } }", by).await;
        let name = format!("operator@{}.demo.chama.example", crate::support::OPERATOR);
        let input =
            json!({ "name": name, "password": api::zone::DEMO_PASSWORD, "organisationId": id["organisation"]["id"] });
        let tokens = anonymous.done("signIn", "tokens { accessToken }", input).await;
        anonymous.with_token(tokens["tokens"]["accessToken"].as_str().unwrap().to_owned())
    };
    let brands = "{ brands(first: 100) { totalCount } }";
    let (here, there) = (server.at(&one.url), server.at(&two.url));
    let count = async |client: &crate::support::Client| {
        client.data(brands, json!({})).await["brands"]["totalCount"].as_i64().unwrap()
    };
    let made = async |n: u32| {
        let name =
            json!([{ "locale": "zh-CN", "text": format!("牌{n}") }, { "locale": "en", "text": format!("Brand {n}") }]);
        operator.done("createBrand", "brand { id }", json!({ "slug": format!("made-{n}"), "name": name })).await;
    };
    let begin = count(&there).await;
    assert_eq!(count(&here).await, begin);
    for n in 1..=5 {
        made(n).await;
        assert_eq!(count(&here).await, begin + i64::from(n), "the node that wrote is stale");
        let begun = Instant::now();
        while count(&there).await != begin + i64::from(n) {
            assert!(begun.elapsed() < Duration::from_secs(1), "the other node is stale after a second");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    // Redis goes away under load: nothing fails, and what one writes it shows itself.
    redis.kill();
    for n in 6..=8 {
        made(n).await;
        assert_eq!(count(&here).await, begin + i64::from(n), "without Redis the node that wrote is stale");
        assert!(count(&there).await >= begin + 5, "without Redis the other node does not answer");
    }
    let ready: Value = server.http().get(format!("{}/readyz", two.url)).send().await.unwrap().json().await.unwrap();
    assert_eq!((ready["status"].as_str(), ready["cache"].as_str()), (Some("degraded"), Some("away")));
    // It comes back, with nothing in it: what was missed is made good without a restart.
    redis.resume().await;
    let begun = Instant::now();
    while count(&there).await != begin + 8 {
        assert!(begun.elapsed() < Duration::from_secs(5), "what was missed stays missed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    made(9).await;
    let begun = Instant::now();
    while count(&there).await != begin + 9 {
        assert!(begun.elapsed() < Duration::from_secs(1), "the nodes do not agree again");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
