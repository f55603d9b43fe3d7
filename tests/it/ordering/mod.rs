//! Ordering: carts and what stands in their way, quotes, orders and their money, what many do at once, what a year's end
//! changes, and whether it adds up after anything.

mod carts;
mod companies;
mod killed;
mod many;
mod orders;
mod year_end;

use api::{app::App, worker};
use chrono::Duration;
use entities::party::MemberRole;
use serde_json::{Value, json};

use crate::support::{Client, TestServer, leaf, rug};

/// The resident IDs of two consumers.
pub const FIRST_ID: &str = "63010319900101001X";
pub const SECOND_ID: &str = "630103199001010028";

/// A server whose jobs are done when the test says so, and what is for sale.
pub struct Market {
    pub server: TestServer,
}

/// How an offer is made.
pub struct Sale<'a> {
    pub seller: &'a str,
    pub key: &'a str,
    pub mode: &'a str,
    pub price: &'a str,
    pub hs: &'a str,
    pub stock: i64,
    pub warehouse: &'a str,
}

impl<'a> Sale<'a> {
    /// A domestic one, from a warehouse for paid goods.
    pub fn domestic(seller: &'a str, key: &'a str, price: &'a str, stock: i64) -> Self {
        Self { seller, key, mode: "DOMESTIC", price, hs: "5701100000", stock, warehouse: "WH-1" }
    }

    /// Mineral water from the bonded warehouse: VAT of 13 %, no consumption tax.
    pub fn bonded(seller: &'a str, key: &'a str, price: &'a str, stock: i64) -> Self {
        Self { seller, key, mode: "BONDED_IMPORT", price, hs: "2201101000", stock, warehouse: "BW-1" }
    }
}

/// The legal units that the demo's tariff has for a code; kilograms when it does not know it.
pub fn legal_units(hs: &str) -> (Value, Value) {
    let rows: Value = serde_json::from_str(include_str!("../../../deploy/demo/tariffs.json")).unwrap();
    let row = rows.as_array().unwrap().iter().find(|row| row["hs"] == hs);
    row.map_or((json!("035"), Value::Null), |row| (row["unit1"].clone(), row["unit2"].clone()))
}

impl Market {
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// The same with further settings.
    pub async fn with(more: &[(&str, &str)]) -> Self {
        let settings: Vec<_> = [("CHAMA_JOBS_WORKERS", "0")].iter().chain(more).copied().collect();
        Self { server: TestServer::with(&settings).await }
    }

    pub fn app(&self) -> &App {
        &self.server.app
    }

    /// Describes, publishes, offers and stocks something; answers with offer and variant.
    pub async fn sold(&self, sale: Sale<'_>) -> (Value, Value) {
        let (owner, operator) = (self.server.seller(sale.seller).await, self.server.operator().await);
        let mut content = rug(sale.key, &leaf(&owner).await);
        let (unit1, unit2) = legal_units(sale.hs);
        content["variants"] = json!([{ "hsCode": sale.hs, "origin": "FR", "netWeightG": 500, "netVolumeMl": 500,
            "grossWeightG": 900, "unit1": unit1, "unit2": unit2 }]);
        let made = owner.done("createProduct", "product { id version }", json!({ "content": content })).await;
        let step = json!({ "id": made["product"]["id"], "expectedVersion": made["product"]["version"] });
        let product = operator.done("publishProduct", "product { variants { nodes { id } } }", step).await;
        let variant = product["product"]["variants"]["nodes"][0]["id"].clone();
        let tiers = json!([{ "price": { "amount": sale.price, "currency": "CNY" } }]);
        let terms = json!({ "supplyMode": sale.mode, "priceTiers": tiers });
        let input = json!({ "variantId": variant, "sku": format!("SKU-{}", sale.key), "terms": terms });
        let offer = owner.done("createOffer", "offer { id }", input).await["offer"]["id"].clone();
        if sale.stock > 0 {
            self.stocked(sale.seller, &variant, sale.warehouse, sale.stock).await;
        }
        (offer, variant)
    }

    /// Takes goods in; the warehouse is made when there is none. Its code says what it is.
    pub async fn stocked(&self, seller: &str, variant: &Value, warehouse: &str, quantity: i64) {
        let owner = self.server.seller(seller).await;
        let (kind, status) = match &warehouse[..2] {
            "BW" => ("BONDED_WAREHOUSE", "BONDED"),
            "OW" => ("OVERSEAS_WAREHOUSE", "ABROAD"),
            _ => ("DUTY_PAID_WAREHOUSE", "DUTY_PAID"),
        };
        let query = "{ stockLocations(first: 100) { nodes { id code } } }";
        let all = owner.data(query, json!({})).await["stockLocations"]["nodes"].clone();
        let known = all.as_array().unwrap().iter().find(|row| row["code"] == warehouse).map(|row| row["id"].clone());
        let location = if let Some(id) = known {
            id
        } else {
            let input = json!({ "code": warehouse, "kind": kind, "name": warehouse });
            owner.done("createStockLocation", "location { id }", input).await["location"]["id"].clone()
        };
        let line = json!({ "variantId": variant, "quantity": quantity, "customsStatus": status });
        let input = json!({ "locationId": location, "document": "WB", "lines": [line] });
        owner.done("receiveStock", "moves { id }", input).await;
    }

    /// A consumer whose name and resident ID are known.
    pub async fn identified(&self, number: u8) -> Client {
        let consumer = self.server.consumer(number).await;
        let id = if number == 1 { FIRST_ID } else { SECOND_ID };
        let input = json!({ "name": "测试甲", "residentId": id });
        consumer.done("setConsumerIdentity", "consumerIdentity { maskedName }", input).await;
        consumer
    }

    pub async fn owner(&self, slug: &str) -> Client {
        self.server.anonymous().with_token(self.server.token(MemberRole::Owner, slug).await)
    }

    /// Does the jobs that are due, until there are none.
    pub async fn worked(&self) {
        worker::drain(self.app(), None, |_| {}).await.unwrap();
    }

    pub async fn adds_up(&self) {
        let found = worker::findings(self.app(), self.app().clock().now()).await.unwrap();
        assert_eq!(found, [], "the books do not add up");
    }

    pub fn wait(&self, by: Duration) {
        self.server.wait(by);
    }

    /// What is on hand and promised of a variant.
    pub async fn stock(&self, seller: &str, variant: &Value) -> (i64, i64) {
        let query = "query($v: ID!) { stock(variantId: $v) { nodes { onHand reserved } } }";
        let rows = self.server.seller(seller).await.data(query, json!({ "v": variant })).await;
        let rows = rows["stock"]["nodes"].as_array().unwrap().clone();
        let sum = |field: &str| rows.iter().map(|row| row[field].as_i64().unwrap()).sum();
        (sum("onHand"), sum("reserved"))
    }
}

pub const CART: &str = "cart { id token version lineCount division lines(first: 100) { nodes { quantity offerId unitPrice { amount } } } \
     totals { goods { amount } freight { amount } tax { amount } total { amount } } \
     parcels { supplyMode inStock amounts { total { amount } } } \
     problems { offerId blocks error { code details { name value } } } }";

pub const QUOTE: &str = "quote { token expiresAt totals { goods { amount } tax { amount } total { amount } } \
     parcels { supplyMode passage laws amounts { goods { amount } tax { amount } total { amount } } \
     lines { nodes { quantity total { amount } tax { amount } steps { kind formula amount { amount } law source } } } } }";

pub const CHECKOUT: &str = "checkout { id number state total { amount } expiresAt consignee approvalLevel \
     orders { id number state supplyMode amounts { total { amount } } lines { nodes { quantity sku } } } }";

/// Puts lines into one's cart.
pub async fn put(client: &Client, lines: &[(&Value, i32)]) -> Value {
    let lines: Vec<Value> = lines.iter().map(|(offer, n)| json!({ "offerId": offer, "quantity": n })).collect();
    client.done("setCartLines", CART, json!({ "lines": lines, "division": "630103" })).await["cart"].clone()
}

/// The codes of a cart's problems.
pub fn problems(cart: &Value) -> Vec<String> {
    let all = cart["problems"].as_array().unwrap();
    let mut codes: Vec<String> = all.iter().map(|p| p["error"]["code"].as_str().unwrap().to_owned()).collect();
    codes.sort();
    codes
}

/// A quote of one's cart.
pub async fn quoted(client: &Client) -> Value {
    client.done("requestQuote", QUOTE, json!({ "division": "630103" })).await["quote"].clone()
}

/// What `placeOrder` takes.
#[expect(clippy::needless_pass_by_value, reason = "it is made where it is passed")]
pub fn placing(quote: &Value, more: Value) -> Value {
    let consignee = json!({ "name": "测试甲", "mobile": "13800000000", "address": "示例路1号" });
    let mut input = json!({ "quote": quote["token"], "consignee": consignee });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    input
}

/// Puts, quotes and places.
pub async fn placed(client: &Client, lines: &[(&Value, i32)]) -> Value {
    put(client, lines).await;
    let quote = quoted(client).await;
    client.done("placeOrder", CHECKOUT, placing(&quote, json!({}))).await["checkout"].clone()
}

/// Pays a checkout in the sandbox: presses the button of its page; answers with the payment's reference page.
pub async fn paid(market: &Market, client: &Client, checkout: &Value) {
    let input = json!({ "id": checkout["id"], "provider": "SANDBOX", "method": "SANDBOX" });
    let started = client.done("payCheckout", "started { redirectUrl payment { id } }", input).await["started"].clone();
    let url = started["redirectUrl"].as_str().expect("a page to pay on");
    let path = url.split("/sandbox/").nth(1).expect("the sandbox's page");
    let url = format!("{}/sandbox/{path}", market.server.url);
    let answer = market.server.http().post(url).form(&[("do", "pay")]).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

pub async fn checkout(client: &Client, checkout: &Value) -> Value {
    let query = format!("query($id: ID!) {{ {} }}", CHECKOUT.replacen("checkout {", "checkout(id: $id) {", 1));
    client.data(&query, json!({ "id": checkout["id"] })).await["checkout"].clone()
}
