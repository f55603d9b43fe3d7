//! A server that is killed in the middle of orders, again and again: nothing is sold twice, no money is without an order.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use api::{app::App, platform::clock::Clock, worker};
use entities::{
    ordering::{CheckoutState, checkout},
    platform::{JobState, job},
};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};

use super::{Market, Sale};
use crate::{
    binary::{Running, chama, started},
    support::{SELLER, TestServer, thorough},
};

/// How often the server is killed, and how often when there is time.
const KILLS: (usize, usize) = (8, 50);
const BUYERS: usize = 4;
const STOCK: i64 = 100_000;

async fn serve(server: &TestServer) -> Running {
    let mut command = chama(server.data_dir());
    command.args(["serve", "--listen", "127.0.0.1:0"]);
    for (name, value) in server.environment() {
        command.env(name, value);
    }
    started(command.env("CHAMA_JOBS_WORKERS", "2")).await
}

/// Somebody who buys as long as there is a server.
struct Buyer {
    http: reqwest::Client,
    url: Arc<Mutex<String>>,
    token: String,
}

impl Buyer {
    fn url(&self) -> String {
        self.url.lock().unwrap().clone()
    }

    /// What is answered; none when the server is gone.
    async fn ask(&self, query: &str, input: Value) -> Option<Value> {
        let body = json!({ "query": query, "variables": { "i": input } });
        let sent = self.http.post(format!("{}/graphql", self.url())).bearer_auth(&self.token).json(&body).send().await;
        let mut answer: Value = sent.ok()?.json().await.ok()?;
        Some(answer["data"].take()).filter(|data| !data.is_null())
    }

    /// Puts, quotes, places, pays; stops where the server stops.
    async fn buy(&self, offer: &Value, quantity: usize) -> Option<()> {
        let lines = json!([{ "offerId": offer, "quantity": quantity }]);
        self.ask(
            "mutation($i: SetCartLinesInput!) { setCartLines(input: $i) { userErrors { code } } }",
            json!({ "lines": lines }),
        )
        .await?;
        let query = "mutation($i: RequestQuoteInput!) { requestQuote(input: $i) { quote { token } } }";
        let quote = self.ask(query, json!({ "division": "630103" })).await?;
        let consignee = json!({ "name": "测试", "mobile": "13800000000", "address": "x" });
        let input = json!({ "quote": quote["requestQuote"]["quote"]["token"].as_str()?, "consignee": consignee });
        let placed =
            self.ask("mutation($i: PlaceOrderInput!) { placeOrder(input: $i) { checkout { id } } }", input).await?;
        let id = placed["placeOrder"]["checkout"]["id"].as_str()?;
        let input = json!({ "id": id, "provider": "SANDBOX", "method": "SANDBOX" });
        let query = "mutation($i: PayCheckoutInput!) { payCheckout(input: $i) { started { redirectUrl } } }";
        let started = self.ask(query, input).await?;
        let page = started["payCheckout"]["started"]["redirectUrl"].as_str()?.split("/sandbox/").nth(1)?.to_owned();
        self.http.post(format!("{}/sandbox/{page}", self.url())).form(&[("do", "pay")]).send().await.ok()?;
        Some(())
    }
}

async fn signed_in(server: &TestServer, running: &Running, name: &str) -> String {
    let client = server.at(&running.url);
    let register = json!({ "name": name, "password": "tea bricks by yak", "displayName": "K" });
    client.done("registerPerson", "", register).await;
    let input = json!({ "name": name, "password": "tea bricks by yak" });
    let tokens = client.done("signIn", "tokens { accessToken }", input).await["tokens"].clone();
    tokens["accessToken"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_orders_the_house_adds_up() {
    let kills = if thorough() { KILLS.1 } else { KILLS.0 };
    // A short lease: what a killed worker had begun is soon another's.
    let market = Market::with(&[("CHAMA_JOBS_LEASE", "2"), ("CHAMA_WEBHOOKS_TIMEOUT", "1")]).await;
    let (rug, variant) = market.sold(Sale::domestic(SELLER, "killed", "1.00", STOCK)).await;
    let mut running = serve(&market.server).await;
    let url = Arc::new(Mutex::new(running.url.clone()));
    let stop = Arc::new(AtomicBool::new(false));
    let done = Arc::new(AtomicUsize::new(0));
    let mut buyers = Vec::new();
    for n in 0..BUYERS {
        let token = signed_in(&market.server, &running, &format!("killed-{n}@example.com")).await;
        let buyer = Buyer { http: market.server.http().clone(), url: url.clone(), token };
        let (stop, done, rug) = (stop.clone(), done.clone(), rug.clone());
        buyers.push(tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                match buyer.buy(&rug, n % 3 + 1).await {
                    Some(()) => _ = done.fetch_add(1, Ordering::Relaxed),
                    None => tokio::time::sleep(Duration::from_millis(10)).await,
                }
            }
        }));
    }
    for n in 0..kills {
        // Moments that do not repeat: some in the first orders after a start, some later.
        tokio::time::sleep(Duration::from_millis(60 + (n as u64 * 97) % 400)).await;
        drop(running);
        running = serve(&market.server).await;
        running.url.clone_into(&mut url.lock().unwrap());
    }
    stop.store(true, Ordering::Relaxed);
    for buyer in buyers {
        buyer.await.unwrap();
    }
    drop(running);
    let config = market.app().config().clone();
    let app = App::new(config, Clock::system()).await.unwrap();
    let now = app.clock().now();
    // What a later worker does: jobs of the killed ones, once their leases are up.
    for _ in 0..200 {
        worker::drain(&app, None, |_| {}).await.unwrap();
        let left = job::Entity::find().filter(job::Column::State.ne(JobState::Dead));
        let due = left.filter(job::Column::RunAt.lte(app.clock().now()));
        if due.count(app.db().read()).await.unwrap() == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let found = worker::findings(&app, now + chrono::Duration::minutes(6)).await.unwrap();
    assert_eq!(found, [], "after {kills} kills the books do not add up");
    let paid = checkout::Entity::find().filter(checkout::Column::State.eq(CheckoutState::Paid));
    let (paid, done) = (paid.count(app.db().read()).await.unwrap(), done.load(Ordering::Relaxed));
    println!("{kills} kills, {done} orders paid by their buyers, {paid} paid in the books");
    assert!(paid > 0, "nothing was paid: the test is too short");
    let (on_hand, reserved) = market.stock(SELLER, &variant).await;
    assert!(on_hand == STOCK && reserved >= i64::try_from(paid).unwrap(), "{on_hand} on hand, {reserved} promised");
}
