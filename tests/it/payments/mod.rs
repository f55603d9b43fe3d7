//! Payments: what providers tell in any order and any number of times, what many do at once, and whether it adds up after
//! anything.

mod bank;
mod many;
mod settling;
mod stripe;
mod webhooks;
mod wechat;
mod wechat_standin;
mod wechat_wire;

use api::{
    app::App,
    app::Call,
    payments::{
        jobs::Settled,
        ledger::{self, Share},
        ops::{self, Ask, Charge},
        receipts::{self, Reported},
        reconcile, refunds,
    },
    platform::{
        error::Error,
        graphql::encode,
        jobs::Job,
        payment::sandbox::{Told, signed},
        reconcile::Finding,
    },
    zone,
};
use chrono::Duration;
use entities::{
    party::organisation,
    payments::{Method, ProviderKind, ledger as entry, payment, refund, sandbox},
    platform::job,
    values::{
        Currency, ErrorCode, Money,
        id::{OrganisationId, PaymentId, PayoutId},
    },
};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};

use crate::support::TestServer;

/// The account of the tests that transfer.
const ACCOUNT: [(&str, &str); 3] = [
    ("CHAMA_PAYMENTS_BANK_ACCOUNT_NAME", "西宁综合保税区"),
    ("CHAMA_PAYMENTS_BANK_BANK", "中国银行西宁分行"),
    ("CHAMA_PAYMENTS_BANK_ACCOUNT_NUMBER", "105012345678"),
];

fn cny(minor: i64) -> Money {
    Money { minor, currency: Currency::CNY }
}

fn code(error: &Error) -> Option<ErrorCode> {
    match error {
        Error::Refused(refusals) => refusals.first().map(|refusal| refusal.code),
        _ => None,
    }
}

async fn opened(app: &App, document: &str, provider: ProviderKind, amount: Money) -> payment::Model {
    let now = app.clock().now();
    let method = if provider == ProviderKind::Bank { Method::BankTransfer } else { Method::Sandbox };
    let charge = Charge {
        document,
        payer: "person:1",
        amount,
        provider,
        method,
        expires_at: now + Duration::minutes(30),
        key: "1",
        at_once: true,
    };
    let tx = app.db().begin().await.unwrap();
    let row = ops::open(&tx, now, &charge).await.unwrap();
    tx.commit().await.unwrap();
    row
}

/// A server whose jobs are done when the test says so.
struct Till {
    server: TestServer,
}

impl Till {
    async fn new() -> Self {
        Self::with(&[]).await
    }

    async fn with(more: &[(&str, &str)]) -> Self {
        let settings: Vec<_> = [("CHAMA_JOBS_WORKERS", "0")].iter().chain(&ACCOUNT).chain(more).copied().collect();
        Self { server: TestServer::with(&settings).await }
    }

    fn app(&self) -> &App {
        &self.server.app
    }

    /// A payment that waits for its buyer.
    async fn begun(&self, document: &str, minor: i64) -> payment::Model {
        let row = opened(self.app(), document, ProviderKind::Sandbox, cny(minor)).await;
        ops::start(self.app(), row.id, &Ask::default()).await.unwrap().0
    }

    /// A payment that is paid.
    async fn paid(&self, document: &str, minor: i64) -> payment::Model {
        let row = self.begun(document, minor).await;
        self.press(&row, "pay").await;
        ops::look(self.app(), row.id).await.unwrap()
    }

    /// Presses a button of the sandbox's page.
    async fn press(&self, row: &payment::Model, what: &str) -> String {
        let url = format!("{}/sandbox/pay/{}", self.server.url, row.reference.as_deref().unwrap());
        let answer = self.server.http().post(url).form(&[("do", what)]).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.text().await.unwrap()
    }

    /// Does the jobs that are due.
    async fn worked(&self) {
        api::worker::drain(self.app(), None, |_| {}).await.unwrap();
    }

    async fn row(&self, id: PaymentId) -> payment::Model {
        payment::Entity::find_by_id(id).one(self.app().db().writer()).await.unwrap().unwrap()
    }

    async fn refund(&self, row: &refund::Model) -> refund::Model {
        refund::Entity::find_by_id(row.id).one(self.app().db().writer()).await.unwrap().unwrap()
    }

    /// What the sandbox tells of a payment as it stands.
    async fn told(&self, row: &payment::Model) -> Told {
        let reference = row.reference.clone().unwrap();
        Told::of(&sandbox::Entity::find_by_id(reference).one(self.app().db().writer()).await.unwrap().unwrap())
    }

    /// Sends a notification over the network; answers with the status.
    async fn notified(&self, told: &Told) -> u16 {
        let body = serde_json::to_string(told).unwrap();
        let headers = signed(self.app().vault(), &body, self.app().clock().now());
        self.posted("sandbox", &headers, body).await
    }

    async fn posted(&self, provider: &str, headers: &[(String, String)], body: String) -> u16 {
        let mut request = self.server.http().post(format!("{}/webhooks/{provider}", self.server.url)).body(body);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.send().await.unwrap().status().as_u16()
    }

    /// How many legs of a posting there are.
    async fn legs(&self, key: &str) -> u64 {
        let legs = entry::Entity::find().filter(entry::Column::PostingKey.eq(key));
        legs.count(self.app().db().writer()).await.unwrap()
    }

    /// How often whoever the document belongs to is told, given up or not.
    async fn settled(&self, document: &str) -> u64 {
        let of = job::Column::Aggregate.eq(format!("document:{document}"));
        let jobs = job::Entity::find().filter(job::Column::Kind.eq(Settled::KIND)).filter(of);
        jobs.count(self.app().db().writer()).await.unwrap()
    }

    async fn found(&self) -> Vec<Finding> {
        reconcile::findings(self.app().db().writer(), self.app().clock().now()).await.unwrap()
    }

    async fn adds_up(&self) {
        assert_eq!(self.found().await, [], "payments do not add up");
    }

    async fn seller(&self, slug: &str) -> OrganisationId {
        organisation_of(&self.server, slug).await
    }

    async fn asked_back(&self, id: PaymentId, minor: i64, key: &str) -> Result<refund::Model, Error> {
        asked_back(self.app(), id, minor, key).await
    }

    async fn allotted(&self, row: &payment::Model, shares: &[Share]) -> Result<(), Error> {
        let tx = self.app().db().begin().await?;
        ledger::allot(&tx, self.app().clock().now(), &row.document, row.id, shares).await?;
        Ok(tx.commit().await?)
    }
}

async fn asked_back(app: &App, id: PaymentId, minor: i64, key: &str) -> Result<refund::Model, Error> {
    let tx = app.db().begin().await?;
    let row = refunds::refund(&tx, app.clock().now(), id, minor, "not wanted", key).await?;
    tx.commit().await?;
    Ok(row)
}

async fn organisation_of(server: &TestServer, slug: &str) -> OrganisationId {
    let find = organisation::Entity::find().filter(organisation::Column::Slug.eq(slug));
    find.one(server.app.db().writer()).await.unwrap().unwrap().id
}

fn share(seller: OrganisationId, order: &str, goods: i64, commission: i64, tax: i64) -> Share {
    Share { seller, order: order.into(), goods_minor: goods, commission_minor: commission, tax_minor: tax }
}

/// Things that the walk over the permissions tries its hands on.
pub struct Walked {
    pub payment: String,
    pub refund: String,
    pub receipt: String,
    pub payout: String,
}

pub async fn walked(server: &TestServer, seller: &str) -> Walked {
    let app = &server.app;
    let row = opened(app, "walk", ProviderKind::Sandbox, cny(10_000)).await;
    let row = ops::start(app, row.id, &Ask::default()).await.unwrap().0;
    api::payments::sandbox::press(app, row.reference.as_deref().unwrap(), sandbox::Press::Pay).await.unwrap();
    ops::look(app, row.id).await.unwrap();
    let seller = organisation_of(server, seller).await;
    let tx = app.db().begin().await.unwrap();
    let now = app.clock().now();
    ledger::allot(&tx, now, "walk", row.id, &[share(seller, "o", 5_000, 100, 0)]).await.unwrap();
    let refund = refunds::refund(&tx, now, row.id, 1_000, "walk", "w").await.unwrap();
    tx.commit().await.unwrap();
    let call = Call::by(zone::operator(app).await.unwrap());
    let reported = Reported {
        bank_reference: "W-1".into(),
        amount: cny(1),
        received_on: now.date_naive(),
        remittance: "?".into(),
    };
    let receipt = receipts::report(app, &call, &[reported]).await.unwrap();
    Walked {
        payment: encode(row.id).0,
        refund: encode(refund.id).0,
        receipt: encode(receipt[0].id).0,
        payout: encode(PayoutId::new(now)).0,
    }
}
