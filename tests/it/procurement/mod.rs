//! Procurement: asking and quoting under seal, choosing, buying with approvals, taking in, matching invoices, and how
//! suppliers do; what of it each side may see, and what many do at once.

mod agreements;
mod approvals;
mod awards;
mod billed_at_once;
mod comparison;
mod files;
mod invoices;
mod limits;
mod many;
mod orders;
mod path;
mod payables;
mod receipts;
mod rfqs;
mod rounds;
mod scores;
mod sealed;
pub mod statements;
mod tasks;
mod ubl;

use std::collections::HashMap;

use api::{app::App, platform::clock::business_day, procurement::jobs, worker};
use chrono::{DateTime, Duration, SecondsFormat, Utc};
use entities::party::MemberRole;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::{
    ordering::Market,
    support::{Client, OPERATOR, leaf, published_rug},
};

/// The organisation that buys in these tests.
pub const BUYER: &str = "huangdao-trading";
/// Those that deliver to it.
pub const SUPPLIERS: [&str; 3] = ["hehuang-carpet", "doma-rugs", "jiangta-wool"];

pub const RFQ: &str =
    "id number version state deadline round quotationCount lines(first: 100) { nodes { id position quantity } }";
pub const ORDER: &str = "id number version state revision receiptStatus billingStatus lines(first: 100) { nodes { \
     id position quantity received accepted rejected returned billed shortClosed } }";
pub const RECEIPT: &str =
    "id number version state kind lines(first: 100) { nodes { id position delivered accepted rejected returned } }";
pub const INVOICE: &str =
    "id version state invoiceNo lines(first: 100) { nodes { id position quantity claimed debited } }";

/// How long a token of somebody who signed in is used again: well below how long it lives.
const FRESH: Duration = Duration::minutes(8);

/// The desk of a buyer: its people, three suppliers, three things to buy, a place to put them.
pub struct Desk {
    pub market: Market,
    pub buyer: Value,
    pub suppliers: [Value; 3],
    pub variants: Vec<Value>,
    pub category: Value,
    pub location: Value,
    /// Who signed in when: time passes in these tests, and tokens with it.
    known: Mutex<HashMap<String, (DateTime<Utc>, Client)>>,
}

/// A line of an order.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// Which of [`Desk::variants`].
    pub item: usize,
    pub quantity: i64,
    pub price: &'a str,
    pub tax_ppm: i32,
}

/// So many of the first thing at a price, with 13 % of tax.
pub fn line(quantity: i64, price: &str) -> Line<'_> {
    Line { item: 0, quantity, price, tax_ppm: 130_000 }
}

/// An input with the fields of another laid over it.
#[expect(clippy::needless_pass_by_value, reason = "it is made where it is passed")]
pub fn over(mut input: Value, more: Value) -> Value {
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    input
}

/// The input of a step of a thing.
pub fn step(thing: &Value) -> Value {
    json!({ "id": thing["id"], "expectedVersion": thing["version"] })
}

fn price(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "CNY" })
}

/// The id of a thing's line.
fn line_id(thing: &Value, n: usize) -> &Value {
    &thing["lines"]["nodes"][n]["id"]
}

impl Desk {
    /// A desk whose jobs are done when the test says so.
    pub async fn new() -> Self {
        Self::of(Market::new().await).await
    }

    pub async fn of(market: Market) -> Self {
        let server = &market.server;
        let buyer = server.organisation(BUYER).await;
        let mut suppliers = Vec::new();
        for slug in SUPPLIERS {
            suppliers.push(server.organisation(slug).await);
        }
        let suppliers = suppliers.try_into().unwrap();
        let mut variants = Vec::new();
        for key in ["p1", "p2", "p3"] {
            let product = published_rug(server, SUPPLIERS[0], key).await;
            variants.push(product["variants"]["nodes"][0]["id"].clone());
        }
        let owner = server.seller(BUYER).await;
        let category = leaf(&owner).await;
        let place = json!({ "code": "PO-1", "kind": "DUTY_PAID_WAREHOUSE", "name": "采购仓" });
        let made = owner.done("createStockLocation", "location { id }", place).await;
        let location = made["location"]["id"].clone();
        Self { market, buyer, suppliers, variants, category, location, known: Mutex::default() }
    }

    pub fn app(&self) -> &App {
        self.market.app()
    }

    /// One of the demo's people.
    async fn person(&self, name: &str) -> Client {
        let mut known = self.known.lock().await;
        if let Some((at, client)) = known.get(name)
            && self.now() - *at < FRESH
        {
            return client.clone();
        }
        let client = self.market.server.member(name, BUYER).await;
        known.insert(name.to_owned(), (self.now(), client.clone()));
        client
    }

    /// Somebody by a development token: with a role, and no person.
    async fn tool(&self, role: MemberRole, slug: &str) -> Client {
        let server = &self.market.server;
        server.anonymous().with_token(server.token(role, slug).await)
    }

    pub async fn purchaser(&self) -> Client {
        self.person("purchaser").await
    }

    /// An approver of a level; from 3 on it is the owner.
    pub async fn approver(&self, level: u8) -> Client {
        match level {
            1 => self.person("approver-1").await,
            2 => self.person("approver-2").await,
            _ => self.owner().await,
        }
    }

    pub async fn owner(&self) -> Client {
        self.person("owner").await
    }

    pub async fn receiver(&self) -> Client {
        self.person("receiver").await
    }

    pub async fn clerk(&self) -> Client {
        self.person("accounts-clerk").await
    }

    /// Somebody in another role at the buyer's.
    pub async fn buyers(&self, role: MemberRole) -> Client {
        self.tool(role, BUYER).await
    }

    pub async fn supplier(&self, n: usize) -> Client {
        self.tool(MemberRole::Owner, SUPPLIERS[n]).await
    }

    pub async fn suppliers_as(&self, n: usize, role: MemberRole) -> Client {
        self.tool(role, SUPPLIERS[n]).await
    }

    pub async fn operator(&self) -> Client {
        self.tool(MemberRole::Operator, OPERATOR).await
    }

    /// The zone's auditor.
    pub async fn auditor(&self) -> Client {
        self.tool(MemberRole::Auditor, OPERATOR).await
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.app().clock().now()
    }

    /// The business day so many days from today.
    pub fn day(&self, days: i64) -> String {
        (business_day(self.now()) + Duration::days(days)).to_string()
    }

    /// The moment so many hours from now.
    pub fn moment(&self, hours: i64) -> String {
        (self.now() + Duration::hours(hours)).to_rfc3339_opts(SecondsFormat::Secs, true)
    }

    pub fn wait(&self, by: Duration) {
        self.market.wait(by);
    }

    /// Does the jobs that are due.
    pub async fn worked(&self) {
        worker::drain(self.app(), None, |_| {}).await.unwrap();
    }

    /// Does what the clock does, and the jobs of it.
    pub async fn swept(&self) {
        jobs::sweep(self.app(), self.now()).await.unwrap();
        self.worked().await;
    }

    pub async fn adds_up(&self) {
        self.market.adds_up().await;
    }

    /// A thing by its id.
    pub async fn one(&self, client: &Client, query: &str, id: &Value, selection: &str) -> Value {
        let asked = format!("query($id: ID!) {{ {query}(id: $id) {{ {selection} }} }}");
        client.data(&asked, json!({ "id": id })).await[query].clone()
    }

    /// What `createRfq` takes: two lines, three suppliers, three days.
    pub fn asking(&self, more: Value) -> Value {
        let line = |n: usize, quantity: i64| {
            let description = format!("藏毯 {n}");
            json!({ "variantId": self.variants[n], "description": description, "quantity": quantity, "unit": "032" })
        };
        let input = json!({
            "title": "春季补货",
            "deadline": self.moment(72),
            "currency": "CNY",
            "neededOn": self.day(40),
            "lines": [line(0, 100), line(1, 50)],
            "supplierIds": self.suppliers,
        });
        over(input, more)
    }

    pub async fn drafted_rfq(&self, more: Value) -> Value {
        let selection = format!("rfq {{ {RFQ} }}");
        self.purchaser().await.done("createRfq", &selection, self.asking(more)).await["rfq"].clone()
    }

    pub async fn published_rfq(&self) -> Value {
        self.published_rfq_of(json!({})).await
    }

    pub async fn published_rfq_of(&self, more: Value) -> Value {
        let rfq = self.drafted_rfq(more).await;
        let selection = format!("rfq {{ {RFQ} }}");
        self.purchaser().await.done("publishRfq", &selection, step(&rfq)).await["rfq"].clone()
    }

    /// What `submitQuotation` takes: the prices of the lines in their order; an empty one quotes nothing for its line.
    pub fn quoting(&self, rfq: &Value, prices: &[&str], more: Value) -> Value {
        let quoted = prices.iter().enumerate().filter(|(_, amount)| !amount.is_empty());
        let lines: Vec<Value> = quoted
            .map(|(n, amount)| {
                let tiers = json!([{ "minQuantity": 1, "price": price(amount) }]);
                json!({ "lineId": line_id(rfq, n), "tiers": tiers, "moq": 1, "multiple": 1, "taxPpm": 130_000 })
            })
            .collect();
        let input = json!({
            "rfqId": rfq["id"],
            "currency": "CNY",
            "incoterm": "DDP",
            "namedPlace": "西宁",
            "paymentDays": 30,
            "leadDays": 14,
            "validUntil": self.day(30),
            "lines": lines,
        });
        over(input, more)
    }

    /// A quotation of one of the suppliers.
    pub async fn quoted(&self, n: usize, rfq: &Value, prices: &[&str]) -> Value {
        let input = self.quoting(rfq, prices, json!({}));
        let supplier = self.supplier(n).await;
        supplier.done("submitQuotation", "quotation { id version round state }", input).await["quotation"].clone()
    }

    /// Waits until the deadline is over, and lets the clock open the round.
    pub async fn opened(&self, rfq: &Value) {
        let deadline: DateTime<Utc> = rfq["deadline"].as_str().unwrap().parse().unwrap();
        self.wait(Ord::max(deadline - self.now(), Duration::zero()));
        self.worked().await;
    }

    /// What `createPurchaseOrder` takes.
    pub fn ordering(&self, n: usize, lines: &[Line<'_>], more: Value) -> Value {
        let line = |line: &Line<'_>| {
            json!({
                "variantId": self.variants[line.item],
                "description": format!("藏毯 {}", line.item),
                "unit": "032",
                "quantity": line.quantity,
                "price": price(line.price),
                "taxPpm": line.tax_ppm,
                "neededOn": self.day(20),
            })
        };
        let input = json!({
            "supplierId": self.suppliers[n],
            "currency": "CNY",
            "incoterm": "DDP",
            "namedPlace": "西宁",
            "paymentDays": 30,
            "deliverToId": self.location,
            "lines": lines.iter().map(line).collect::<Vec<_>>(),
        });
        over(input, more)
    }

    pub async fn drafted(&self, n: usize, lines: &[Line<'_>]) -> Value {
        self.stepped("createPurchaseOrder", &self.purchaser().await, self.ordering(n, lines, json!({}))).await
    }

    pub async fn submitted(&self, n: usize, lines: &[Line<'_>]) -> Value {
        let order = self.drafted(n, lines).await;
        self.stepped("submitPurchaseOrder", &self.purchaser().await, step(&order)).await
    }

    /// Everybody whose turn it is approves.
    pub async fn approve(&self, order: &Value) -> Value {
        let mut order = order.clone();
        for level in 1..=3 {
            if order["state"] != "PENDING_APPROVAL" {
                break;
            }
            let input = json!({ "id": order["id"], "decision": "APPROVE" });
            order = self.stepped("decidePurchaseApproval", &self.approver(level).await, input).await;
        }
        assert_eq!(order["state"], "APPROVED", "nobody is left to approve");
        order
    }

    /// An order to the first supplier that is approved and sent.
    pub async fn sent_order(&self, lines: &[Line<'_>]) -> Value {
        self.sent_to(0, lines).await
    }

    pub async fn sent_to(&self, n: usize, lines: &[Line<'_>]) -> Value {
        let order = self.submitted(n, lines).await;
        let order = self.approve(&order).await;
        self.stepped("sendPurchaseOrder", &self.purchaser().await, step(&order)).await
    }

    /// The same, and the supplier says yes.
    pub async fn acknowledged_order(&self, lines: &[Line<'_>]) -> Value {
        let order = self.sent_order(lines).await;
        self.stepped("acknowledgePurchaseOrder", &self.supplier(0).await, step(&order)).await
    }

    async fn stepped(&self, mutation: &str, client: &Client, input: Value) -> Value {
        let selection = format!("purchaseOrder {{ {ORDER} }}");
        client.done(mutation, &selection, input).await["purchaseOrder"].clone()
    }

    /// An order as it is now.
    pub async fn order(&self, order: &Value) -> Value {
        self.one(&self.purchaser().await, "purchaseOrder", &order["id"], ORDER).await
    }

    /// What `postGoodsReceipt` takes: of which lines of the order how much came. Nothing of it is inspected yet.
    pub fn receiving(&self, order: &Value, lines: &[(usize, i64)], more: Value) -> Value {
        let line = |(n, quantity): &(usize, i64)| json!({ "orderLineId": line_id(order, *n), "delivered": quantity });
        let input = json!({
            "orderId": order["id"],
            "locationId": self.location,
            "deliveryNote": "SH-1",
            "arrivedOn": self.day(0),
            "inspected": false,
            "lines": lines.iter().map(line).collect::<Vec<_>>(),
        });
        over(input, more)
    }

    /// A receipt of which nothing is inspected yet.
    pub async fn delivered(&self, order: &Value, lines: &[(usize, i64)]) -> Value {
        self.posted(self.receiving(order, lines, json!({}))).await
    }

    /// A receipt of which everything is accepted.
    pub async fn received(&self, order: &Value, lines: &[(usize, i64)]) -> Value {
        self.posted(self.receiving(order, lines, json!({ "inspected": true }))).await
    }

    async fn posted(&self, input: Value) -> Value {
        let selection = format!("goodsReceipt {{ {RECEIPT} }}");
        self.receiver().await.done("postGoodsReceipt", &selection, input).await["goodsReceipt"].clone()
    }

    /// What `recordSupplierInvoice` takes: of which lines of the order how much is billed, and at which price.
    pub fn invoicing(&self, order: &Value, number: &str, lines: &[(usize, i64, &str)], more: Value) -> Value {
        let line = |(n, quantity, amount): &(usize, i64, &str)| {
            let id = line_id(order, *n);
            json!({ "orderLineId": id, "quantity": quantity, "price": price(amount), "taxPpm": 130_000 })
        };
        let input = json!({
            "supplierId": self.suppliers[0],
            "kind": "OTHER",
            "invoiceNo": number,
            "issueDate": self.day(0),
            "currency": "CNY",
            "lines": lines.iter().map(line).collect::<Vec<_>>(),
        });
        over(input, more)
    }

    /// An invoice of the first supplier as the clerk records it.
    pub async fn invoiced(&self, order: &Value, number: &str, lines: &[(usize, i64, &str)]) -> Value {
        let input = self.invoicing(order, number, lines, json!({}));
        let selection = format!("supplierInvoice {{ {INVOICE} }}");
        self.clerk().await.done("recordSupplierInvoice", &selection, input).await["supplierInvoice"].clone()
    }

    pub async fn approved_invoice(&self, invoice: &Value) -> Value {
        let selection = format!("supplierInvoice {{ {INVOICE} }}");
        let input = step(invoice);
        self.clerk().await.done("approveSupplierInvoice", &selection, input).await["supplierInvoice"].clone()
    }
}
