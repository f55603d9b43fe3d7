//! Logistics: from the desk over the gate to whoever takes goods in, what carriers report, who sees it, and whether it
//! adds up after anything.

mod carriers;
mod cold;
mod gate;
mod legs;
mod life;
mod passes;
mod traces;
mod webhook;

use api::{
    app::App,
    app::Call,
    logistics::{
        jobs::{Book, CallOff, HandOver, Moved},
        ops::{self, Opening},
        simulator::Arrive,
    },
    platform::{carrier::signature, error::Error, graphql::encode, jobs::Job},
    worker,
};
use chrono::SecondsFormat;
use entities::{
    logistics::{ShipmentState, TransportMode, shipment},
    party::{Actor, MemberRole, Viewer, organisation, person},
    platform::{JobState, job},
    values::{
        Consignee, ErrorCode,
        id::{OrganisationId, PersonId},
    },
};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};

use crate::support::{Client, SELLER, TestServer};

/// A carrier of the reference data, and another.
pub const CARRIER: &str = "tangfan-logistics";
pub const OTHER_CARRIER: &str = "xining-bonded-warehouse";

const SHIPMENT: &str = "shipment { id state waybill booking version holds { id reason note liftedAt } }";

/// A desk with its carrier; jobs are done when the test says so.
pub struct Dock {
    pub server: TestServer,
    pub owner: Client,
    pub carrier: Client,
    pub seller_id: OrganisationId,
    pub carrier_id: OrganisationId,
}

pub async fn organisation_of(app: &App, slug: &str) -> OrganisationId {
    let found = organisation::Entity::find().filter(organisation::Column::Slug.eq(slug));
    found.one(app.db().read()).await.unwrap().expect("an organisation").id
}

fn code(error: &Error) -> Option<ErrorCode> {
    match error {
        Error::Refused(refusals) => refusals.first().map(|refusal| refusal.code),
        _ => None,
    }
}

/// Who takes it in, at an address that a test can choose.
fn consignee(address: &str) -> Consignee {
    Consignee { name: "测试甲".into(), mobile: "13800000000".into(), address: address.into() }
}

/// A shipment as tests open it.
pub fn opening<'a>(
    document: &'a str,
    owner: OrganisationId,
    carrier: OrganisationId,
    to: &'a Consignee,
) -> Opening<'a> {
    Opening {
        document,
        owner,
        buyer: None,
        person: None,
        carrier,
        mode: TransportMode::Courier,
        from: None,
        origin: "630105",
        destination: "310115",
        gross_weight_g: 1_000,
        consignee: to,
        lines: &[],
        needs_release: false,
        temperature: None,
        promised_at: None,
    }
}

/// Opens it, as a room above does.
pub async fn open(app: &App, opening: &Opening<'_>) -> Result<shipment::Model, Error> {
    let mut work = app.begin(&Call::by(Viewer { actor: Actor::Tool("test".into()), acting: None })).await?;
    let row = ops::open(app, &mut work, opening).await?;
    work.commit(row).await
}

impl Dock {
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    pub async fn with(more: &[(&str, &str)]) -> Self {
        let usual = [
            ("CHAMA_JOBS_WORKERS", "0"),
            ("CHAMA_LOGISTICS_SIMULATOR_ENABLED", "true"),
            // Each thing happens at a moment of its own: of what happened at one moment the order of its reports says nothing.
            ("CHAMA_LOGISTICS_SIMULATOR_STEP_MS", "1000"),
            ("CHAMA_WEBHOOKS_ALLOW_PRIVATE", "true"),
        ];
        let settings: Vec<_> = usual.iter().chain(more).copied().collect();
        let server = TestServer::with(&settings).await;
        let (owner, carrier) = (server.seller(SELLER).await, server.seller(CARRIER).await);
        let (seller_id, carrier_id) =
            (organisation_of(&server.app, SELLER).await, organisation_of(&server.app, CARRIER).await);
        Self { server, owner, carrier, seller_id, carrier_id }
    }

    pub fn app(&self) -> &App {
        &self.server.app
    }

    /// The carrier is simulated from here on; answers with the secret.
    pub async fn simulated(&self) -> String {
        let set = self.carrier.done("setCarrier", "carrier { secret }", json!({ "adapter": "SIMULATOR" })).await;
        set["carrier"]["secret"].as_str().expect("a secret").to_owned()
    }

    /// A shipment of the seller with the carrier.
    pub async fn opened(&self, document: &str) -> shipment::Model {
        self.opened_to(document, "示例路1号").await
    }

    pub async fn opened_to(&self, document: &str, address: &str) -> shipment::Model {
        let to = consignee(address);
        open(self.app(), &opening(document, self.seller_id, self.carrier_id, &to)).await.unwrap()
    }

    pub async fn row(&self, of: &shipment::Model) -> shipment::Model {
        shipment::Entity::find_by_id(of.id).one(self.app().db().writer()).await.unwrap().unwrap()
    }

    pub async fn pack(&self, of: &shipment::Model, grams: i64, waybill: Option<&str>) -> Value {
        let input = json!({ "id": encode(of.id), "units": [{ "weightG": grams }], "waybill": waybill });
        self.owner.done("packShipment", SHIPMENT, input).await["shipment"].clone()
    }

    pub async fn out(&self, of: &shipment::Model, grams: i64) -> Value {
        let input = json!({ "id": encode(of.id), "weighedG": grams });
        self.owner.done("gateOut", SHIPMENT, input).await["shipment"].clone()
    }

    /// Opened with a carrier that people speak with, packed and out of the gate.
    pub async fn on_its_way(&self, document: &str, waybill: &str) -> shipment::Model {
        let row = self.opened(document).await;
        self.pack(&row, 1_000, Some(waybill)).await;
        self.out(&row, 1_000).await;
        self.row(&row).await
    }

    /// Does the jobs of this room that are due, and lets time pass until what the simulator reports has come: the clock of
    /// a test stands. What whoever the document belongs to is told waits, so that it can be counted.
    pub async fn worked(&self) {
        for _ in 0..100 {
            for kind in [Book::KIND, CallOff::KIND, HandOver::KIND, Arrive::KIND] {
                worker::drain(self.app(), Some(kind), |_| {}).await.unwrap();
            }
            let later = job::Entity::find()
                .filter(job::Column::Kind.eq(Arrive::KIND))
                .filter(job::Column::State.eq(JobState::Waiting));
            if later.count(self.app().db().writer()).await.unwrap() == 0 {
                return;
            }
            self.server.wait(chrono::Duration::milliseconds(500));
        }
        panic!("reports of the simulator do not come");
    }

    /// How often whoever the document belongs to is told that the shipment is in a state.
    pub async fn moved(&self, document: &str, state: ShipmentState) -> u64 {
        let told = serde_json::to_string(&state).unwrap();
        job::Entity::find()
            .filter(job::Column::Kind.eq(Moved::KIND))
            .filter(job::Column::Aggregate.eq(format!("document:{document}")))
            .filter(job::Column::Payload.contains(told))
            .count(self.app().db().writer())
            .await
            .unwrap()
    }

    pub async fn adds_up(&self) {
        let found = worker::findings(self.app(), self.app().clock().now()).await.unwrap();
        assert_eq!(found, [], "the books do not add up");
    }

    /// A report of the carrier over the schema; the code of each refusal, or whether it was taken.
    pub async fn reported(&self, events: Value) -> Vec<Value> {
        self.reported_by(&self.carrier, events).await
    }

    pub async fn reported_by(&self, carrier: &Client, events: Value) -> Vec<Value> {
        let selection = "results { taken userErrors { code field } }";
        let done = carrier.done("reportTracking", selection, json!({ "events": events })).await;
        let told = |one: &Value| match one["userErrors"][0]["code"].as_str() {
            Some(code) => json!(code),
            None => one["taken"].clone(),
        };
        done["results"].as_array().unwrap().iter().map(told).collect()
    }

    /// An event at so many minutes from now.
    pub fn event(&self, waybill: &str, id: &str, minutes: i64, step: &str, disposition: Option<&str>) -> Value {
        let at = self.app().clock().now() + chrono::Duration::minutes(minutes);
        json!({
            "waybill": waybill, "eventId": id, "bizStep": step, "disposition": disposition,
            "eventTime": at.to_rfc3339_opts(SecondsFormat::Millis, true), "readPoint": "西宁分拨中心",
        })
    }

    /// Pushes something to the house as the carrier does; status and answer.
    pub async fn pushed(&self, secret: &str, body: &str) -> (u16, Value) {
        let header = signature::signed(secret.as_bytes(), body.as_bytes(), self.app().clock().now());
        self.pushed_with(&header, body.to_owned()).await
    }

    pub async fn pushed_with(&self, header: &str, body: String) -> (u16, Value) {
        let url = format!("{}/webhooks/carrier/{CARRIER}", self.server.url);
        let sent = self.server.http().post(url).header(signature::HEADER, header).body(body).send().await.unwrap();
        let status = sent.status().as_u16();
        (status, sent.json().await.unwrap_or_default())
    }

    /// A demo consumer, by its name in the reference data.
    pub async fn consumer(&self, number: u8) -> (PersonId, Client) {
        let name = if number == 1 { "张晓宁" } else { "仁青吉" };
        let found = person::Entity::find().filter(person::Column::DisplayName.eq(name));
        let id = found.one(self.app().db().read()).await.unwrap().expect("a consumer").id;
        (id, self.server.consumer(number).await)
    }
}

/// What the walk over all root fields tries its hands on.
pub struct Walked {
    pub shipment: Value,
    pub event: Value,
    pub hold: Value,
}

pub async fn walked(server: &TestServer, seller: &str) -> Walked {
    let app = &server.app;
    let (owner, carrier) = (organisation_of(app, seller).await, organisation_of(app, CARRIER).await);
    let to = consignee("示例路1号");
    let row = open(app, &opening("walk-shipment", owner, carrier, &to)).await.unwrap();
    let client = server.anonymous().with_token(server.token(MemberRole::Owner, seller).await);
    let held = json!({ "id": encode(row.id), "reason": "OTHER", "note": "walk" });
    let held = client.done("holdShipment", "shipment { holds { id } events { nodes { id } } }", held).await;
    Walked {
        shipment: json!(encode(row.id)),
        event: held["shipment"]["events"]["nodes"][0]["id"].clone(),
        hold: held["shipment"]["holds"][0]["id"].clone(),
    }
}
