//! What tests stand on: a database of their own, the real server, and a client.

mod database;
pub mod keys;
pub mod receiver;

use std::path::Path;

use api::{
    app::App,
    app::Call,
    catalog::{import, ops::bulk},
    config::Config,
    http,
    platform::clock::Clock,
    zone,
};
use chrono::{DateTime, Duration, TimeZone, Utc};
use entities::{
    party::MemberRole,
    platform::{JobState, job},
};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};
use tokio::sync::oneshot;

pub use database::{Backend, TestDatabase as EmptyDatabase, backend, thorough};

/// The slug of the zone's operator in the reference data.
pub const OPERATOR: &str = "xining-cbec-zone";
/// Two sellers of the reference data.
pub const SELLER: &str = "hehuang-carpet";
pub const OTHER_SELLER: &str = "huangdao-trading";

/// A running server with the zone's reference data and no products.
pub struct TestServer {
    pub app: App,
    pub url: String,
    http: reqwest::Client,
    environment: Vec<(String, String)>,
    stop: Option<oneshot::Sender<()>>,
    stop_worker: Option<oneshot::Sender<()>>,
    // Dropped last: the database and the folder go with the test.
    _database: database::TestDatabase,
    folder: tempfile::TempDir,
}

/// The master key of every test: what the template sealed, the copies open.
pub const MASTER_KEY: &str = "dGVhLWhvcnNlLXRlYS1ob3JzZS10ZWEtaG9yc2UtdGU=";

/// A client that needs no certificates of the machine.
pub fn client() -> reqwest::Client {
    api::platform::web::services(std::time::Duration::from_secs(30)).expect("a client")
}

/// The moment at which every test begins.
pub fn dawn() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 1, 8, 0, 0).unwrap()
}

impl TestServer {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// A server with further settings.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let database = database::TestDatabase::make(folder.path()).await;
        let mut environment = vec![
            ("CHAMA_DATA_DIR".to_owned(), folder.path().to_string_lossy().into_owned()),
            ("CHAMA_AUTH_DEVELOPMENT_TOKENS".to_owned(), "true".to_owned()),
            ("CHAMA_SECRETS_MASTER_KEY".to_owned(), MASTER_KEY.to_owned()),
            ("CHAMA_PAYMENTS_SANDBOX_ENABLED".to_owned(), "true".to_owned()),
            // The clock of a test stands: what is delayed would never come.
            ("CHAMA_PAYMENTS_SANDBOX_DELAY_MS".to_owned(), "0".to_owned()),
            ("CHAMA_CUSTOMS_SIMULATOR_DELAY_MS".to_owned(), "0".to_owned()),
            // All tests ask from one address, and nodes that share a Redis share what was asked.
            ("CHAMA_LIMITS_ENABLED".to_owned(), "false".to_owned()),
        ];
        environment.extend(database.setting());
        if let Ok(url) = std::env::var("CHAMA_TEST_REDIS_URL") {
            // One Redis for all tests, and each is an installation of its own.
            let prefix = folder.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
            environment.extend([("CHAMA_REDIS_URL".to_owned(), url), ("CHAMA_REDIS_PREFIX".to_owned(), prefix)]);
        }
        environment.extend(settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        let config = Config::load(None, environment.clone()).expect("settings");
        let app = App::serving(config, Clock::fixed(dawn())).await.expect("an app");
        let (stop_worker, worker_stopped) = oneshot::channel::<()>();
        if app.config().jobs.workers > 0 {
            let stop = async {
                let _ = worker_stopped.await;
            };
            tokio::spawn(api::worker::work(app.clone(), Box::pin(stop)));
        }
        let (listener, address) = http::bind("127.0.0.1:0".parse().unwrap()).await.expect("a port");
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(http::serve(app.clone(), listener, async {
            let _ = stopped.await;
        }));
        let url = format!("http://{address}");
        Self {
            app,
            url,
            http: client(),
            environment,
            stop: Some(stop),
            stop_worker: Some(stop_worker),
            _database: database,
            folder,
        }
    }

    /// The id of an organisation by its slug.
    pub async fn organisation(&self, slug: &str) -> Value {
        let query = format!("{{ organisation(by: {{ slug: \"{slug}\" }}) {{ id }} }}");
        self.anonymous().data(&query, json!({})).await["organisation"]["id"].clone()
    }

    /// The settings that this server was started with, for a process of its own.
    pub fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    pub fn data_dir(&self) -> &Path {
        self.folder.path()
    }

    /// A second node over the same tiers, not listening anywhere.
    pub async fn second_node(&self) -> App {
        let config = Config::load(None, self.environment.clone()).expect("settings");
        App::new(config, self.app.clock().clone()).await.expect("a second node")
    }

    /// Moves time on.
    pub fn wait(&self, by: Duration) {
        self.app.clock().advance(by);
    }

    /// A development token for an organisation, in one role.
    pub async fn token(&self, role: MemberRole, organisation: &str) -> String {
        let (app, now) = (&self.app, self.app.clock().now());
        app.gate().for_development(app.db(), &[role], organisation, now, Duration::hours(1)).await.expect("a token")
    }

    /// Signs one of the demo people in, to act for its organisation; answers with the tokens.
    pub async fn sign_in(&self, person: &str, organisation: Option<&str>) -> Value {
        let anonymous = self.anonymous();
        let id = match organisation {
            Some(slug) => self.organisation(slug).await,
            None => Value::Null,
        };
        let input = json!({ "name": person, "password": zone::DEMO_PASSWORD, "organisationId": id, "device": "test" });
        let selection = "tokens { accessToken refreshToken accessTokenExpiresAt session { id } }";
        anonymous.done("signIn", selection, input).await["tokens"].clone()
    }

    /// A client of one of the demo people: `owner` of `hehuang-carpet`.
    pub async fn member(&self, role: &str, organisation: &str) -> Client {
        let name = format!("{role}@{organisation}.demo.chama.example");
        let tokens = self.sign_in(&name, Some(organisation)).await;
        self.anonymous().with_token(tokens["accessToken"].as_str().expect("a token").to_owned())
    }

    /// A client of a demo consumer, 1 or 2.
    pub async fn consumer(&self, number: u8) -> Client {
        let tokens = self.sign_in(&format!("consumer-{number}@demo.chama.example"), None).await;
        self.anonymous().with_token(tokens["accessToken"].as_str().expect("a token").to_owned())
    }

    /// Waits until no job is due.
    pub async fn settled(&self) {
        for _ in 0..400 {
            let due = job::Entity::find()
                .filter(job::Column::State.ne(JobState::Dead))
                .filter(job::Column::RunAt.lte(self.app.clock().now()))
                .count(self.app.db().read())
                .await
                .expect("a count");
            if due == 0 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
        panic!("jobs are still due after ten seconds");
    }

    /// A client without a token, reading English.
    pub fn anonymous(&self) -> Client {
        Client { http: self.http.clone(), url: format!("{}/graphql", self.url), token: None, language: "en".into() }
    }

    /// The same at another server.
    pub fn at(&self, url: &str) -> Client {
        Client { url: format!("{url}/graphql"), ..self.anonymous() }
    }

    pub async fn operator(&self) -> Client {
        self.anonymous().with_token(self.token(MemberRole::Operator, OPERATOR).await)
    }

    pub async fn seller(&self, slug: &str) -> Client {
        self.anonymous().with_token(self.token(MemberRole::Owner, slug).await)
    }

    /// A raw HTTP client.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        for stop in [self.stop.take(), self.stop_worker.take()].into_iter().flatten() {
            let _ = stop.send(());
        }
    }
}

/// Server-sent events as they come in.
pub struct Events {
    pub response: reqwest::Response,
    text: String,
}

impl Events {
    pub fn of(response: reqwest::Response) -> Self {
        Self { response, text: String::new() }
    }

    /// Whether these are events at all.
    pub fn open(&self) -> bool {
        let kind = self.response.headers().get("content-type").and_then(|kind| kind.to_str().ok());
        kind.is_some_and(|kind| kind.starts_with("text/event-stream"))
    }

    /// The next block as it was written, without the empty line behind it; none at the end.
    pub async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(block);
            }
            let chunk = self.response.chunk().await.ok().flatten()?;
            self.text.push_str(std::str::from_utf8(&chunk).expect("text"));
        }
    }

    /// Kind and data of the next event; comments are passed over.
    pub async fn next(&mut self) -> Option<(String, String)> {
        loop {
            let block = self.block().await?;
            if block.starts_with(':') {
                continue;
            }
            let line = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim_start);
            return Some((line("event:")?.to_owned(), line("data:")?.to_owned()));
        }
    }
}

/// A GraphQL client.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    token: Option<String>,
    language: String,
}

impl Client {
    pub fn with_token(mut self, token: String) -> Self {
        self.token = Some(token);
        self
    }

    /// A request to a path of the server, with the token.
    pub fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let server = self.url.strip_suffix("/graphql").unwrap_or(&self.url);
        let request = self.http.request(method, format!("{server}{path}"));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub fn reading(mut self, language: &str) -> Self {
        language.clone_into(&mut self.language);
        self
    }

    /// The whole response.
    pub async fn response(&self, query: &str, variables: Value) -> Value {
        let mut request = self.http.post(&self.url).header("accept-language", &self.language);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let sent = request.json(&json!({ "query": query, "variables": variables })).send().await.expect("an answer");
        sent.json().await.expect("an answer in JSON")
    }

    /// The first response of a subscription, which is then left; or the whole response when it is refused.
    pub async fn first_event(&self, query: &str, variables: Value) -> Value {
        let mut request = self.http.post(&self.url).header("accept", "text/event-stream");
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let sent = request.json(&json!({ "query": query, "variables": variables })).send().await.expect("an answer");
        let mut events = Events::of(sent);
        if !events.open() {
            return events.response.json().await.expect("an answer in JSON");
        }
        let (kind, data) = events.next().await.expect("an event");
        assert_eq!(kind, "next");
        serde_json::from_str(&data).expect("a response in JSON")
    }

    /// The data; fails the test when there are errors.
    pub async fn data(&self, query: &str, variables: Value) -> Value {
        let mut response = self.response(query, variables).await;
        assert!(response.get("errors").is_none(), "{query}\nanswers {:#}", response["errors"]);
        response["data"].take()
    }

    /// The code of the first error; fails the test when there is none.
    pub async fn error(&self, query: &str, variables: Value) -> String {
        let response = self.response(query, variables).await;
        let code = response["errors"][0]["extensions"]["code"].as_str();
        code.unwrap_or_else(|| panic!("{query}\nanswers without an error: {response:#}")).to_owned()
    }

    /// The payload of a mutation that takes `input`; `selection` is what is asked of it beside the errors.
    pub async fn payload(&self, mutation: &str, selection: &str, input: Value) -> Value {
        let response = self.response(&document(mutation, selection), json!({ "input": input })).await;
        assert!(response.get("errors").is_none(), "{mutation} answers {:#}", response["errors"]);
        response["data"][mutation].clone()
    }

    /// The same for a mutation that must be done.
    pub async fn done(&self, mutation: &str, selection: &str, input: Value) -> Value {
        let payload = self.payload(mutation, selection, input).await;
        assert_eq!(payload["userErrors"], json!([]), "{mutation} is refused");
        payload
    }

    /// The codes and fields of a mutation that must be refused.
    pub async fn refused(&self, mutation: &str, input: Value) -> Vec<(String, String)> {
        let payload = self.payload(mutation, "", input).await;
        let errors = payload["userErrors"].as_array().expect("errors");
        assert!(!errors.is_empty(), "{mutation} is not refused");
        let field = |e: &Value| {
            e["field"]
                .as_array()
                .map_or_else(String::new, |f| f.iter().map(|s| s.as_str().unwrap()).collect::<Vec<_>>().join("."))
        };
        errors.iter().map(|e| (e["code"].as_str().unwrap().to_owned(), field(e))).collect()
    }

    /// The code of the GraphQL error that a mutation ends in.
    pub async fn denied(&self, mutation: &str, input: Value) -> String {
        self.error(&document(mutation, ""), json!({ "input": input })).await
    }
}

fn document(mutation: &str, selection: &str) -> String {
    let kind = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
    format!(
        "mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {selection} clientMutationId userErrors {{ code message field retryable details {{ name value }} }} }} }}"
    )
}

/// The content of a small, complete product. `key` makes it its own.
pub fn rug(key: &str, category: &Value) -> Value {
    json!({
        "categoryId": category,
        "slug": format!("rug-{key}"),
        "name": [{ "locale": "zh-CN", "text": format!("藏毯 {key}") }, { "locale": "en", "text": format!("Rug {key}") }],
        "description": [{ "locale": "en", "text": "Knotted by hand." }],
        "tags": ["TIBETAN_CARPETS_WOOL"],
        "variants": [{ "hsCode": "5701100000", "origin": "CN", "netWeightG": 9000, "grossWeightG": 9500, "unit1": "032" }],
    })
}

/// The id of a leaf category of the reference data.
pub async fn leaf(client: &Client) -> Value {
    let data = client.data("{ category(by: { slug: \"knotted-area-rugs\" }) { id } }", json!({})).await;
    data["category"]["id"].clone()
}

/// Describes and publishes a rug of `seller`; answers with id, version, slug and the first variant's id.
pub async fn published_rug(server: &TestServer, seller: &str, key: &str) -> Value {
    let (owner, operator) = (server.seller(seller).await, server.operator().await);
    let content = rug(key, &leaf(&owner).await);
    let made = owner.done("createProduct", "product { id version }", json!({ "content": content })).await;
    let step = json!({ "id": made["product"]["id"], "expectedVersion": made["product"]["version"] });
    let selection = "product { id version slug variants { nodes { id } } }";
    operator.done("publishProduct", selection, step).await["product"].clone()
}

/// Offers the first variant of a product in CNY; answers with id and version.
pub async fn offered(server: &TestServer, seller: &str, product: &Value, sku: &str, amount: &str) -> Value {
    let terms =
        json!({ "supplyMode": "DOMESTIC", "priceTiers": [{ "price": { "amount": amount, "currency": "CNY" } }] });
    let input = json!({ "variantId": product["variants"]["nodes"][0]["id"], "sku": sku, "terms": terms });
    server.seller(seller).await.done("createOffer", "offer { id version }", input).await["offer"].clone()
}

/// Imports the demo zone's catalog into a test's server, search index included.
pub async fn demo_catalog(server: &TestServer) {
    let file = server.data_dir().join("catalog.csv");
    std::fs::write(&file, zone::DEMO_CATALOG).unwrap();
    let summary = imported(server, &file, false).await;
    assert_eq!(summary.failed, 0, "the demo catalog has bad rows");
    server.settled().await;
    server.app.db().analyze().await.unwrap();
}

/// Imports a catalog file as the command line does.
pub async fn imported(server: &TestServer, file: &Path, dry_run: bool) -> import::Summary {
    let shape = import::inspect(file, None).unwrap();
    let call = Call::by(zone::operator(&server.app).await.unwrap());
    let options = import::Options {
        bulk: bulk::Options { seller: None, publish: true },
        dry_run,
        language: import::Language::En,
    };
    let errors = file.with_extension("errors.csv");
    import::import_file(&server.app, &call, file, shape.format, options, &errors, |_| {}).await.unwrap()
}
