//! Limits: how often, how many at the same time, and for how long.

use std::time::Duration;

use api::platform::abandoned::stopped_when_abandoned;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

use crate::support::{Backend, TestServer, backend};

/// An answer: status, seconds to wait, code.
type Answer = (u16, Option<u64>, String);

/// Asks from an address of its own: a believed proxy says where it comes from.
struct Asker<'a> {
    server: &'a TestServer,
    address: String,
    token: Option<String>,
}

impl<'a> Asker<'a> {
    /// From an address that nobody else has: tests may share a Redis, which remembers.
    fn new(server: &'a TestServer) -> Self {
        let (high, low) = uuid::Uuid::new_v4().as_u64_pair();
        Self { server, address: format!("2001:db8:{:x}:{:x}::1", high & 0xffff, low & 0xffff), token: None }
    }

    async fn ask(&self, query: &str) -> Answer {
        let request = self.server.http().post(format!("{}/graphql", self.server.url));
        let mut request = request.header("x-forwarded-for", &self.address).json(&json!({ "query": query }));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let wait = response.headers().get("retry-after").map(|wait| wait.to_str().unwrap().parse().unwrap());
        let body: Value = response.json().await.unwrap();
        (status, wait, body["errors"][0]["extensions"]["code"].as_str().unwrap_or("none").to_owned())
    }
}

async fn limited(settings: &[(&str, &str)]) -> TestServer {
    let mut all = vec![("CHAMA_LIMITS_ENABLED", "true"), ("CHAMA_SERVER_TRUSTED_PROXIES", "127.0.0.0/8")];
    all.extend(settings);
    TestServer::with(&all).await
}

fn well(answer: &Answer) -> bool {
    answer.0 == 200
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_in_too_often_has_to_wait() {
    let server = limited(&[("CHAMA_LIMITS_SIGN_IN_BURST", "3")]).await;
    let asker = Asker::new(&server);
    let attempt = "signIn(input: { name: \"x\", password: \"x\" }) { clientMutationId }";
    let once = format!("mutation {{ {attempt} }}");
    for n in 0..3 {
        assert!(well(&asker.ask(&once).await), "attempt {n}");
    }
    assert_eq!(asker.ask(&once).await, (429, Some(6), "RATE_LIMITED".into()), "ten a minute are one in six seconds");
    assert!(well(&asker.ask("{ __typename }").await), "reading is something else");
    assert!(well(&Asker::new(&server).ask(&once).await), "another address");
    server.wait(chrono::Duration::seconds(6));
    assert!(well(&asker.ask(&once).await));
    assert_eq!(asker.ask(&once).await.0, 429);

    let thrice = format!("mutation {{ a: {attempt} b: {attempt} c: {attempt} }}");
    let other = Asker::new(&server);
    assert!(well(&other.ask(&thrice).await));
    assert_eq!(other.ask(&once).await.0, 429, "three attempts in one request are three");
}

#[tokio::test(flavor = "multi_thread")]
async fn searching_and_everything_have_limits_of_their_own() {
    let settings = [
        // Few, so that a machine that is slow today does not fill the bucket again meanwhile.
        ("CHAMA_LIMITS_SEARCH", "6"),
        ("CHAMA_LIMITS_SEARCH_BURST", "2"),
        ("CHAMA_LIMITS_EVERYTHING", "6"),
        ("CHAMA_LIMITS_EVERYTHING_BURST", "6"),
        // What the cache answers costs nothing and is not counted.
        ("CHAMA_CACHE_BYTES", "0"),
    ];
    let server = limited(&settings).await;
    let mut asker = Asker::new(&server);
    let search = "{ products(filter: { text: \"rug\" }) { totalCount } }";
    assert!(well(&asker.ask(search).await) && well(&asker.ask(search).await));
    assert_eq!(asker.ask(search).await.2, "RATE_LIMITED");
    for _ in 0..3 {
        assert!(well(&asker.ask("{ products { totalCount } }").await), "a list without words is no search");
    }
    assert_eq!(asker.ask("{ __typename }").await, (429, Some(10), "RATE_LIMITED".into()));
    asker.token = Some(server.token(entities::party::MemberRole::Operator, crate::support::OPERATOR).await);
    assert!(well(&asker.ask("{ __typename }").await), "who is signed in has a bucket of its own");
    asker.token = Some("nonsense".into());
    assert_eq!(asker.ask("{ __typename }").await.0, 429, "guessing tokens is limited by the address");
    asker.token = None;
    server.wait(chrono::Duration::seconds(10));
    assert!(well(&asker.ask("{ __typename }").await));

    let calm = TestServer::with(&settings).await;
    for _ in 0..20 {
        assert!(well(&Asker::new(&calm).ask("{ __typename }").await));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_line_one_is_told_to_come_again() {
    let settings = [
        ("CHAMA_SERVER_OPERATIONS", "1"),
        ("CHAMA_SERVER_QUEUE", "0"),
        ("CHAMA_DATABASE_CONNECTIONS", "1"),
        ("CHAMA_JOBS_WORKERS", "0"),
    ];
    let server = TestServer::with(&settings).await;
    // Who signs in writes, and waits for this.
    let held = server.app.db().begin().await.unwrap();
    let asker = Asker::new(&server);
    let waiting = asker.ask("mutation { signIn(input: { name: \"x\", password: \"x\" }) { clientMutationId } }");
    let others = async {
        // Who signs in has the one seat by then.
        tokio::time::sleep(Duration::from_millis(300)).await;
        for _ in 0..200 {
            let answer = asker.ask("{ __typename }").await;
            if !well(&answer) {
                assert_eq!(answer, (503, Some(1), "UNAVAILABLE".into()));
                let health = server.http().get(format!("{}/healthz", server.url)).send().await.unwrap();
                assert_eq!(health.status(), 200, "whether it lives is not for the line");
                held.rollback().await.unwrap();
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("nobody was sent away");
    };
    let (waited, ()) = tokio::join!(waiting, others);
    assert!(well(&waited), "{waited:?}");
    assert!(well(&asker.ask("{ __typename }").await));
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_have_a_number_of_their_own() {
    let server = TestServer::with(&[("CHAMA_SERVER_SUBSCRIPTIONS", "0")]).await;
    let response = server.anonymous().first_event("subscription { productUpdated(id: \"x\") { id } }", json!({})).await;
    assert_eq!(response["errors"][0]["extensions"]["code"], "UNAVAILABLE");
    assert_eq!(response["errors"][0]["extensions"]["retryAfter"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_waits_for_any_more_is_stopped_in_the_database() {
    let server = TestServer::with(&[
        ("CHAMA_DATABASE_CONNECTIONS", "1"),
        ("CHAMA_JOBS_WORKERS", "0"),
        ("CHAMA_SERVER_OPERATION_TIMEOUT", "1"),
    ])
    .await;
    let db = server.app.db().read();
    let endless = match backend() {
        Backend::Sqlite => "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT max(n) FROM c",
        Backend::Postgres(_) => "SELECT pg_sleep(600)",
    };
    let statement = || Statement::from_string(db.get_database_backend(), endless);
    let abandoned = stopped_when_abandoned(db.query_one_raw(statement()));
    assert!(tokio::time::timeout(Duration::from_millis(200), abandoned).await.is_err());
    // The one connection is free again: at once on SQLite, when the statement's time is up on PostgreSQL.
    let free = tokio::time::timeout(Duration::from_secs(8), server.app.db().ping()).await;
    free.expect("the statement goes on").unwrap();
}
