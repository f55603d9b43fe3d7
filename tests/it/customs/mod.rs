//! Customs: the messages as the e-port wants them; what becomes of an order there, however it goes.

mod back;
mod bridge;
mod declared;
mod deliveries;
mod direct;
mod export_messages;
mod exports;
mod filings;
mod guarantee;
mod import_messages;
mod inquiries;
mod messages;
mod overtaken;
mod papers;
mod receipts;
mod refusals;
mod traced;

use api::customs;
pub use receipts::{deliver, last, replaced};
use serde_json::{Value, json};

use crate::{
    ordering::{Market, Sale, paid, placing, put, quoted},
    support::{Client, OTHER_SELLER},
};

/// Who declares, carries, pays for the seller of these tests.
const DECLARER: &str = "heyue-customs";
const CARRIER: &str = "tangfan-logistics";
const PAYER: &str = "hehuang-commerce-bank";

pub const DECLARATION: &str = "declaration { id document state blockers nextActions overdue alarm listNumber releasedAt waybill \
     documents { id kind state status statusName info attempt sentByParty } \
     matches { rule left right verdict reason } \
     taxBill { number state total { amount } payableFrom paidAt } \
     requests { id kind state reason goodsDue note lines { number quantity } } \
     receipts(first: 100) { nodes { kind status statusName info } } }";

/// A market with goods that can be declared: filed, in the account book, and somebody who declares them.
pub struct Border {
    pub market: Market,
    pub offer: Value,
    pub variant: Value,
}

impl Border {
    /// Water for 41 yuan, a hundred of them.
    pub async fn new() -> Self {
        Self::with(&[], json!({})).await
    }

    /// The same with further settings, and other terms of the arrangement.
    pub async fn with(settings: &[(&str, &str)], terms: Value) -> Self {
        let market = Market::with(settings).await;
        let (offer, variant) = market.sold(Sale::bonded(OTHER_SELLER, "water-c", "41.00", 100)).await;
        booked(&market, &variant, 100).await;
        let border = Self { market, offer, variant };
        border.arrange(terms).await;
        let deposit = json!({ "guarantorId": border.market.server.organisation(OTHER_SELLER).await,
            "amount": { "amount": "10000.00", "currency": "CNY" }, "reference": "LG-1" });
        border.market.server.operator().await.done("depositGuarantee", "account { free { amount } }", deposit).await;
        border.file(&border.variant).await;
        border
    }

    pub async fn seller(&self) -> Client {
        self.market.server.seller(OTHER_SELLER).await
    }

    /// Says who does what for the seller.
    pub async fn arrange(&self, more: Value) {
        let server = &self.market.server;
        let mut input = json!({ "mode": "BONDED_IMPORT", "declarerId": server.organisation(DECLARER).await,
            "carrierId": server.organisation(CARRIER).await, "payerId": server.organisation(PAYER).await,
            "guarantorId": server.organisation(OTHER_SELLER).await, "customsCode": "9701", "portCode": "9701" });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.seller().await.done("arrangeCustoms", "arrangement { version }", input).await;
    }

    /// Files goods and has the filing approved.
    pub async fn file(&self, variant: &Value) {
        let filed =
            self.seller().await.done("fileGoods", "filing { id state }", filing(variant)).await["filing"].clone();
        assert_eq!(filed["state"], "SUBMITTED");
        let decision = json!({ "id": filed["id"], "decision": "APPROVE" });
        self.market.server.operator().await.done("decideGoodsFiling", "filing { state }", decision).await;
    }

    /// Takes more goods in, through the gate of the account book.
    pub async fn restocked(&self, quantity: i64) {
        self.market.stocked(OTHER_SELLER, &self.variant, "BW-1", quantity).await;
        let query = "query($v: ID) { bondedItems(variantId: $v) { nodes { id } } }";
        let item = self.seller().await.data(query, json!({ "v": self.variant })).await;
        for event in ["PRE_INCREASE", "INCREASE"] {
            let note = json!({ "itemId": item["bondedItems"]["nodes"][0]["id"], "event": event, "quantity": quantity,
                "document": "QD-2" });
            self.seller().await.done("noteBondedMovement", "", note).await;
        }
    }

    /// Buys so many and pays; answers with the order. `mark`: what the simulator makes happen.
    pub async fn bought(&self, buyer: &Client, quantity: i32, mark: &str) -> Value {
        put(buyer, &[(&self.offer, quantity)]).await;
        let quote = quoted(buyer).await;
        let address = if mark.is_empty() { "示例路1号".to_owned() } else { format!("示例路1号 #{mark}") };
        let consignee = json!({ "name": "测试甲", "mobile": "13800000000", "address": address });
        let selection = "checkout { id number orders { id number state amounts { tax { amount } } } }";
        let input = placing(&quote, json!({ "consignee": consignee }));
        let checkout = buyer.done("placeOrder", selection, input).await["checkout"].clone();
        paid(&self.market, buyer, &checkout).await;
        self.market.worked().await;
        checkout["orders"][0].clone()
    }

    /// The carrier has given the parcel a number.
    pub async fn waybill(&self, order: &Value, number: &str) {
        self.waybill_silently(order, number).await;
        self.market.worked().await;
    }

    /// The same, and nothing that follows from it is done.
    pub async fn waybill_silently(&self, order: &Value, number: &str) {
        let app = self.market.app();
        let mut work = app.begin(&api::app::Call::by(entities::party::Viewer::anonymous())).await.unwrap();
        let document = order["number"].as_str().unwrap();
        customs::underway::waybill_known(app, &mut work, document, number, 5_300).await.unwrap();
        work.commit(()).await.unwrap();
    }

    /// Buys, gives a waybill and waits for what customs says.
    pub async fn declared(&self, buyer: &Client, quantity: i32, mark: &str) -> Value {
        let order = self.bought(buyer, quantity, mark).await;
        let number = format!("YT{}", &order["number"].as_str().unwrap()[10..]);
        self.waybill(&order, &number).await;
        order
    }

    /// An order with its declaration, as its buyer sees it.
    pub async fn order(&self, buyer: &Client, order: &Value) -> Value {
        let query = format!(
            "query($id: ID!) {{ order(id: $id) {{ id number state timeline {{ nodes {{ step state text note }} }} {DECLARATION} }} }}"
        );
        buyer.data(&query, json!({ "id": order["id"] })).await["order"].clone()
    }

    /// Asks for so many of an order's first line to be given back; answers with the request.
    pub async fn asked_back(&self, buyer: &Client, order: &Value, quantity: i32) -> Value {
        let ask = json!({ "id": order["id"], "reason": "退货", "lines": [{ "number": 1, "quantity": quantity }] });
        buyer.done("requestReturn", "order { state }", ask).await;
        let seen = self.order(buyer, order).await;
        seen["declaration"]["requests"].as_array().unwrap().last().unwrap()["id"].clone()
    }

    /// What is to be given back came into the bonded warehouse, as it was sold; nothing that follows from it is done.
    pub async fn came_back(&self, request: &Value) {
        let seller = self.seller().await;
        let places = seller.data("{ stockLocations(first: 100) { nodes { id code } } }", json!({})).await;
        let places = places["stockLocations"]["nodes"].as_array().unwrap().clone();
        let place = places.iter().find(|row| row["code"] == "BW-1").unwrap()["id"].clone();
        let inspect = json!({ "id": request, "locationId": place, "asSold": true });
        seller.done("inspectReturn", "request { state }", inspect).await;
    }

    /// The four columns of the account book, and what is available.
    pub async fn book(&self) -> (i64, i64, i64) {
        let query = "query($v: ID) { bondedItems(variantId: $v) { nodes { locked reduced available } } }";
        let rows = self.seller().await.data(query, json!({ "v": self.variant })).await;
        let row = &rows["bondedItems"]["nodes"][0];
        let n = |field: &str| row[field].as_i64().unwrap();
        (n("locked"), n("reduced"), n("available"))
    }

    /// What goes back of the money of an order's checkout, in fen, refund by refund.
    pub async fn refunds(&self, buyer: &Client, order: &Value) -> Vec<i64> {
        let query = "query($id: ID!) { order(id: $id) { checkout { payments { refunds { amount { amount } } } } } }";
        let seen = buyer.data(query, json!({ "id": order["id"] })).await;
        let payments = seen["order"]["checkout"]["payments"].as_array().unwrap().clone();
        let fen = |refund: &Value| refund["amount"]["amount"].as_str().unwrap().replace('.', "").parse().unwrap();
        payments.iter().flat_map(|payment| payment["refunds"].as_array().unwrap()).map(fen).collect()
    }

    /// What a buyer has used and reserved of the annual allowance.
    pub async fn quota(&self, buyer: &Client) -> (String, String) {
        let query = "{ myAllowances { annualValue { used { amount } reserved { amount } } } }";
        let annual = buyer.data(query, json!({})).await["myAllowances"]["annualValue"].clone();
        let text = |field: &str| annual[field]["amount"].as_str().unwrap().to_owned();
        (text("used"), text("reserved"))
    }
}

/// What is filed of water.
pub fn filing(variant: &Value) -> Value {
    json!({ "variantId": variant, "mode": "BONDED_IMPORT", "itemNo": "SKU1", "name": "矿泉水",
        "specification": "品名:矿泉水;规格:500ml", "unit": "142", "price": { "amount": "41.00", "currency": "CNY" } })
}

/// Puts goods into the account book of the seller's bonded warehouse.
async fn booked(market: &Market, variant: &Value, quantity: i64) {
    let seller = market.server.seller(OTHER_SELLER).await;
    let all = seller.data("{ stockLocations(first: 100) { nodes { id code } } }", json!({})).await;
    let place = all["stockLocations"]["nodes"].as_array().unwrap().iter().find(|row| row["code"] == "BW-1").unwrap();
    let filed = json!({ "locationId": place["id"], "book": "T9701W000001", "number": 12, "variantId": variant });
    let item = seller.done("fileBondedItem", "item { id }", filed).await["item"]["id"].clone();
    for event in ["PRE_INCREASE", "INCREASE"] {
        let note = json!({ "itemId": item, "event": event, "quantity": quantity, "document": "QD-1" });
        seller.done("noteBondedMovement", "", note).await;
    }
}

/// How one of a declaration's papers stands.
pub fn paper<'a>(declaration: &'a Value, kind: &str) -> &'a Value {
    let papers = declaration["documents"].as_array().unwrap();
    papers.iter().find(|paper| paper["kind"] == kind).unwrap_or(&Value::Null)
}
