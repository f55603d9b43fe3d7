//! Showrooms: the floor and what is planned for it, what stands there and what of it is promised, who scans it, whose the
//! sale is, and who may see and do what.

mod appointments;
mod bonded;
mod day;
mod displays;
mod elsewhere;
mod figures;
mod floor;
mod live;
mod offline;
mod scans;
mod stock;

use api::worker;
use chrono::Duration;
use entities::party::MemberRole;
use serde_json::{Value, json};

use crate::{
    ordering::{Market, Sale},
    support::{Client, SELLER},
};

/// The organisation that runs the showroom of these tests.
pub const STORE: &str = "chama-wanda-showroom";
/// Another one that runs showrooms.
pub const OTHER_STORE: &str = "anning-import-gallery";

/// A showroom with a floor of two fixtures, and the people who work there.
pub struct House {
    pub market: Market,
    pub hq: Client,
    pub manager: Client,
    pub staff: Client,
    pub showroom: Value,
    /// What is printed on the slots, by their codes.
    pub slots: Vec<(String, String, Value)>,
}

pub fn slot(code: &str, x: i32, facings: i32) -> Value {
    json!({ "code": code, "xMm": x, "yMm": 0, "widthMm": 400, "heightMm": 300, "facings": facings })
}

/// Two fixtures: a shelf with three slots, and a table with one.
pub fn floor() -> Value {
    json!([{ "code": "Z1", "name": "茶区", "fixtures": [
        { "code": "F1", "kind": "SHELF", "widthMm": 1200, "heightMm": 300,
          "slots": [slot("A1", 0, 2), slot("A2", 400, 1), slot("A3", 800, 3)] },
        { "code": "F2", "kind": "TABLE", "widthMm": 400, "heightMm": 300, "slots": [slot("B1", 0, 1)] } ] }])
}

pub const SLOTS: &str = "zones { code fixtures { code slots { id code scanCode facings displays { id facing } } } }";

impl House {
    pub async fn new() -> Self {
        Self::of(Market::new().await).await
    }

    /// A showroom where there is a market already.
    pub async fn of(market: Market) -> Self {
        let hq = market.server.member("owner", STORE).await;
        let input = json!({ "code": "wanda", "name": "万达店", "address": "万达广场", "division": "630104" });
        let made = hq.done("openShowroom", "showroom { id version }", input).await["showroom"].clone();
        let (manager, staff) = (
            market.server.member("showroom-manager", STORE).await,
            market.server.member("showroom-staff", STORE).await,
        );
        let people = json!([me(&manager).await, me(&staff).await]);
        let team = json!({ "id": made["id"], "personIds": people });
        let version = hq.done("setShowroomTeam", "showroom { version }", team).await["showroom"]["version"].clone();
        let draw = json!({ "id": made["id"], "expectedVersion": version, "zones": floor() });
        manager.done("drawShowroom", "showroom { version }", draw).await;
        let mut house = Self { market, hq, manager, staff, showroom: made["id"].clone(), slots: Vec::new() };
        house.slots = house.printed().await;
        house
    }

    /// Code, printed code and id of each slot.
    pub async fn printed(&self) -> Vec<(String, String, Value)> {
        let zones = self.inside(&self.staff, SLOTS).await["zones"].clone();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let mut all = Vec::new();
        for zone in zones.as_array().unwrap() {
            for fixture in zone["fixtures"].as_array().unwrap() {
                for slot in fixture["slots"].as_array().unwrap() {
                    all.push((text(&slot["code"]), text(&slot["scanCode"]), slot["id"].clone()));
                }
            }
        }
        all
    }

    /// What is printed on a slot.
    pub fn code(&self, slot: &str) -> &str {
        &self.slots.iter().find(|(code, ..)| code == slot).expect("a slot").1
    }

    pub fn slot_id(&self, slot: &str) -> &Value {
        &self.slots.iter().find(|(code, ..)| code == slot).expect("a slot").2
    }

    pub async fn inside(&self, client: &Client, selection: &str) -> Value {
        let query = format!("query($id: ID!) {{ showroom(id: $id) {{ {selection} }} }}");
        client.data(&query, json!({ "id": self.showroom })).await["showroom"].clone()
    }

    /// The place of the showroom for pieces of a class.
    pub async fn place(&self, class: &str) -> Value {
        let places = self.inside(&self.staff, "places { unitClass location { id } }").await["places"].clone();
        let found = places.as_array().unwrap().iter().find(|row| row["unitClass"] == class).cloned();
        found.expect("a place")["location"]["id"].clone()
    }

    /// Pieces of the showroom's own, for which everything is paid, come into its place for a class.
    pub async fn stocked(&self, class: &str, variant: &Value, quantity: i64) {
        let line = json!({ "variantId": variant, "quantity": quantity, "customsStatus": "DUTY_PAID" });
        let input = json!({ "locationId": self.place(class).await, "document": "WB-1", "lines": [line] });
        self.owner().await.done("receiveStock", "moves { id }", input).await;
    }

    /// A token of this moment: tests let days pass.
    pub async fn owner(&self) -> Client {
        let token = self.market.server.token(MemberRole::Owner, STORE).await;
        self.market.server.anonymous().with_token(token)
    }

    /// Tea from the bonded warehouse of a seller; answers with offer and variant.
    pub async fn bonded(&self, key: &str, price: &str, stock: i64) -> (Value, Value) {
        self.market.sold(Sale::bonded(SELLER, key, price, stock)).await
    }

    /// A picture or a piece of an offer in a slot.
    #[expect(clippy::needless_pass_by_value, reason = "it is made where it is passed")]
    pub fn installing(&self, slot: &str, offer: &Value, more: Value) -> Value {
        let mut input = json!({ "slot": self.code(slot), "offerId": offer, "pattern": "EXPERIENCE_ORDER" });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    }

    pub async fn install(&self, slot: &str, offer: &Value, more: Value) -> Value {
        let input = self.installing(slot, offer, more);
        self.staff.done("installDisplay", "display { id facing state }", input).await["display"].clone()
    }

    /// What is on hand and promised of a variant in the showroom's organisation.
    pub async fn pieces(&self, variant: &Value) -> (i64, i64) {
        self.market.stock(STORE, variant).await
    }

    pub async fn adds_up(&self) {
        self.market.adds_up().await;
    }

    pub fn wait(&self, by: Duration) {
        self.market.wait(by);
    }

    pub async fn worked(&self) {
        worker::drain(self.market.app(), None, |_| {}).await.unwrap();
    }
}

/// The person behind a client.
pub async fn me(client: &Client) -> Value {
    let viewer = client.data("{ viewer { person { id } } }", json!({})).await;
    viewer["viewer"]["person"]["id"].clone()
}
