//! What happens to the stock of a showroom: counts and transfers by who works there, what pieces are by law; samples
//! that are lent ([`lent`]), what is written off ([`off`]).

mod lent;
mod off;

use std::collections::BTreeMap;

use api::{
    inventory::{
        self,
        ledger::{self, By, Moving, Place},
        ops::customer_of,
        promises::{self, Purpose},
    },
    platform::graphql::decode,
    showroom::ops::sums,
};
use async_graphql::ID;
use chrono::Duration;
use entities::{
    inventory::{MoveReason, ReservationKind, balance},
    values::id::StockLocationId,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};

use crate::support::{Client, SELLER, TestServer, published_rug};

/// Who runs showrooms in the reference data.
const RUNS: &str = "chama-wanda-showroom";

/// A showroom with a manager and somebody who works there.
struct Shop {
    server: TestServer,
    owner: Client,
    manager: Client,
    staff: Client,
    id: Value,
    variant: Value,
}

fn refusals(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(code, field)| ((*code).to_owned(), (*field).to_owned())).collect()
}

async fn opened(owner: &Client, code: &str) -> Value {
    let input = json!({ "code": code, "name": code, "address": "万达广场", "division": "630104" });
    owner.done("openShowroom", "showroom { id }", input).await["showroom"]["id"].clone()
}

async fn people(owner: &Client, role: &str) -> Vec<Value> {
    let members = owner.data("{ members { nodes { roles person { id } } } }", json!({})).await;
    let members = members["members"]["nodes"].as_array().unwrap().clone();
    members.into_iter().filter(|one| one["roles"] == json!([role])).map(|one| one["person"]["id"].clone()).collect()
}

async fn place(owner: &Client, showroom: &Value, class: &str) -> Value {
    let query = "query($id: ID!) { showroom(id: $id) { places { unitClass location { id } } } }";
    let places = owner.data(query, json!({ "id": showroom })).await["showroom"]["places"].clone();
    let found = places.as_array().unwrap().iter().find(|one| one["unitClass"] == class).unwrap().clone();
    found["location"]["id"].clone()
}

impl Shop {
    async fn new() -> Self {
        let server = TestServer::start().await;
        let product = published_rug(&server, SELLER, "in-a-shop").await;
        let variant = product["variants"]["nodes"][0]["id"].clone();
        let (owner, manager, staff) = (
            server.member("owner", RUNS).await,
            server.member("showroom-manager", RUNS).await,
            server.member("showroom-staff", RUNS).await,
        );
        let id = opened(&owner, "WANDA").await;
        let team = [people(&owner, "SHOWROOM_MANAGER").await, people(&owner, "SHOWROOM_STAFF").await].concat();
        owner.done("setShowroomTeam", "", json!({ "id": id, "personIds": team })).await;
        Self { server, owner, manager, staff, id, variant }
    }

    /// Another showroom of the same organisation, and somebody who works there only.
    async fn another(&self) -> (Value, Client) {
        let other = opened(&self.owner, "HAIHU").await;
        let invite = json!({ "contact": "consumer-1@demo.chama.example", "roles": ["SHOWROOM_STAFF"] });
        let sent = self.owner.done("inviteMember", "sent { token }", invite).await["sent"]["token"].clone();
        let selection = "membership { person { id } }";
        let joined = self.server.consumer(1).await.done("acceptInvitation", selection, json!({ "token": sent })).await;
        let team = json!({ "id": other, "personIds": [joined["membership"]["person"]["id"]] });
        self.owner.done("setShowroomTeam", "", team).await;
        let tokens = self.server.sign_in("consumer-1@demo.chama.example", Some(RUNS)).await;
        let token = tokens["accessToken"].as_str().unwrap().to_owned();
        (other, self.server.anonymous().with_token(token))
    }

    async fn place(&self, class: &str) -> Value {
        place(&self.owner, &self.id, class).await
    }

    async fn receive(&self, place: &Value, quantity: i64, status: &str) {
        let line = json!({ "variantId": self.variant, "quantity": quantity, "customsStatus": status });
        let input = json!({ "locationId": place, "document": "WB-1", "lines": [line] });
        self.owner.done("receiveStock", "moves { id }", input).await;
    }

    /// So many pieces of a class; answers with their balance. What is shown bonded comes there under its guarantee: here a
    /// move below the schema stands for it.
    async fn stocked(&self, class: &str, quantity: i64) -> Value {
        let place = self.place(class).await;
        if class == "BONDED_DISPLAY" {
            let zone = json!({ "code": "ZONE", "kind": "BONDED_WAREHOUSE", "name": "zone" });
            let zone = self.owner.done("createStockLocation", "location { id }", zone).await["location"]["id"].clone();
            self.receive(&zone, quantity, "BONDED").await;
            let (app, row) = (&self.server.app, self.row(&zone).await);
            let (tx, now) = (app.db().begin().await.unwrap(), app.clock().now());
            let to: StockLocationId = decode(&ID(place.as_str().unwrap().to_owned()), "id").unwrap();
            let moving = Moving {
                from: Place::of(&row),
                to: (to, row.status),
                quantity,
                reason: MoveReason::Transfer,
                document: "C97012026000001".into(),
                reverses: None,
            };
            ledger::post(&tx, By { actor: "test", at: now }, &[moving]).await.unwrap();
            tx.commit().await.unwrap();
        } else {
            self.receive(&place, quantity, "DUTY_PAID").await;
        }
        self.lies(&place).await["id"].clone()
    }

    async fn lies(&self, place: &Value) -> Value {
        let query = "query($l: ID!) { stock(locationId: $l) { nodes { id onHand available } } }";
        let found = self.owner.data(query, json!({ "l": place })).await["stock"]["nodes"].clone();
        assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
        found[0].clone()
    }

    /// On hand by the codes of the places; those where nothing is are left out.
    async fn on_hand(&self) -> BTreeMap<String, i64> {
        let rows = self.owner.data("{ stock { nodes { onHand location { code } } } }", json!({})).await;
        let mut sums: BTreeMap<String, i64> = BTreeMap::new();
        for row in rows["stock"]["nodes"].as_array().unwrap() {
            let code = row["location"]["code"].as_str().unwrap().to_owned();
            *sums.entry(code).or_default() += row["onHand"].as_i64().unwrap();
        }
        sums.retain(|_, on_hand| *on_hand != 0);
        sums
    }

    async fn adds_up(&self) {
        let (db, now) = (self.server.app.db().writer(), self.server.app.clock().now());
        let mut found = inventory::reconcile::findings(db, now).await.unwrap();
        found.extend(sums::findings(db).await.unwrap());
        assert_eq!(found, [], "the stock of the showroom does not add up");
    }

    async fn row(&self, place: &Value) -> balance::Model {
        let id: StockLocationId = decode(&ID(place.as_str().unwrap().to_owned()), "id").unwrap();
        let rows = balance::Entity::find().filter(balance::Column::LocationId.eq(id));
        rows.one(self.server.app.db().writer()).await.unwrap().unwrap()
    }

    /// So many of what lies in a place are promised.
    async fn held(&self, place: &Value, quantity: i64, kind: ReservationKind, document: &str) {
        let (app, row) = (&self.server.app, self.row(place).await);
        let (tx, now) = (app.db().begin().await.unwrap(), app.clock().now());
        let purpose = Purpose { kind, document, key: document, until: now + Duration::minutes(1) };
        promises::hold_these(&tx, now, &[(row, quantity)], purpose).await.unwrap();
        promises::confirm_all(&tx, now, document).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// So many of what lies in a place are sold.
    async fn sold(&self, place: &Value, quantity: i64) {
        self.held(place, quantity, ReservationKind::Order, "sale").await;
        let (app, owner) = (&self.server.app, self.row(place).await.owner_id);
        let (tx, now) = (app.db().begin().await.unwrap(), app.clock().now());
        let customer = customer_of(&tx, now, owner).await.unwrap();
        promises::consume_all(&tx, By { actor: "test", at: now }, "sale", customer).await.unwrap();
        tx.commit().await.unwrap();
    }
}

fn there(all: &[(&str, i64)]) -> BTreeMap<String, i64> {
    all.iter().map(|(code, n)| ((*code).to_owned(), *n)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_works_in_a_showroom_counts_there_and_its_manager_posts_what_differed_when_it_was_counted() {
    let shop = Shop::new().await;
    let back = shop.place("SALEABLE").await;
    let balance = shop.stocked("SALEABLE", 50).await;
    let open = json!({ "locationId": back });
    let count = shop.staff.done("openStockCount", "count { id }", open.clone()).await["count"]["id"].clone();
    let counted = json!({ "id": count, "lines": [{ "balanceId": balance, "counted": 49 }] });
    let (elsewhere, stranger) = shop.another().await;
    assert_eq!(stranger.refused("openStockCount", open.clone()).await, refusals(&[("NOT_FOUND", "locationId")]));
    let foreign = stranger.refused("submitStockCount", counted.clone()).await;
    assert_eq!(foreign, refusals(&[("NOT_FOUND", "id")]));
    let done = shop.staff.done("submitStockCount", "count { state }", counted).await;
    assert_eq!(done["count"]["state"], "COUNTED");
    shop.sold(&back, 3).await;
    let post = json!({ "id": count, "decision": "POST" });
    assert_eq!(shop.staff.denied("reviewStockCount", post.clone()).await, "FORBIDDEN");
    shop.manager.done("reviewStockCount", "count { state }", post).await;
    assert_eq!(shop.on_hand().await, there(&[("WANDA", 46)]), "setting it to 49 is wrong");
    shop.adds_up().await;

    // Much of a difference somebody decides who did not count.
    let count = shop.manager.done("openStockCount", "count { id }", open).await["count"]["id"].clone();
    let counted = json!({ "id": count, "lines": [{ "balanceId": balance, "counted": 30 }] });
    let done = shop.manager.done("submitStockCount", "count { state }", counted).await;
    assert_eq!(done["count"]["state"], "REVIEW");
    let post = json!({ "id": count, "decision": "POST" });
    assert_eq!(shop.manager.refused("reviewStockCount", post.clone()).await, refusals(&[("MAKER_CHECKER", "id")]));
    shop.owner.done("reviewStockCount", "count { state }", post).await;
    assert_eq!(shop.on_hand().await, there(&[("WANDA", 30)]));
    shop.adds_up().await;

    // A manager leaves alone what is another showroom's; a warehouse is nobody's own.
    let theirs = place(&shop.owner, &elsewhere, "SALEABLE").await;
    let refused = shop.manager.refused("openStockCount", json!({ "locationId": theirs })).await;
    assert_eq!(refused, refusals(&[("NOT_FOUND", "locationId")]));
    let line = json!({ "variantId": shop.variant, "quantity": 1, "customsStatus": "DUTY_PAID" });
    let receive = json!({ "locationId": theirs, "document": "x", "lines": [line] });
    assert_eq!(shop.manager.refused("receiveStock", receive).await, refusals(&[("NOT_FOUND", "locationId")]));
    let warehouse = json!({ "code": "WH", "kind": "DUTY_PAID_WAREHOUSE", "name": "仓" });
    let warehouse =
        shop.owner.done("createStockLocation", "location { id }", warehouse).await["location"]["id"].clone();
    shop.manager.done("openStockCount", "count { id }", json!({ "locationId": warehouse })).await;
    let refused = shop.staff.refused("openStockCount", json!({ "locationId": warehouse })).await;
    assert_eq!(refused, refusals(&[("NOT_FOUND", "locationId")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_are_sent_to_a_showroom_eighteen_come_and_two_are_on_the_way_until_it_is_decided() {
    let shop = Shop::new().await;
    let back = shop.place("SALEABLE").await;
    let (elsewhere, stranger) = shop.another().await;
    let theirs = place(&shop.owner, &elsewhere, "SALEABLE").await;
    let warehouse = json!({ "code": "WH", "kind": "DUTY_PAID_WAREHOUSE", "name": "仓" });
    let warehouse =
        shop.owner.done("createStockLocation", "location { id }", warehouse).await["location"]["id"].clone();
    shop.receive(&warehouse, 30, "DUTY_PAID").await;
    let balance = shop.lies(&warehouse).await["id"].clone();
    let asked = |to: &Value, from: &Value, quantity: i64| json!({ "toId": to, "document": "T-1", "lines": [{ "balanceId": from, "quantity": quantity }] });
    // Of neither end it is theirs to say.
    let refused = shop.staff.refused("requestStockTransfer", asked(&theirs, &balance, 1)).await;
    assert_eq!(refused, refusals(&[("NOT_FOUND", "toId")]));
    let selection = "transfer { id state }";
    let made = shop.staff.done("requestStockTransfer", selection, asked(&back, &balance, 20)).await;
    let id = json!({ "id": made["transfer"]["id"] });
    assert_eq!(shop.staff.denied("approveStockTransfer", id.clone()).await, "FORBIDDEN");
    shop.manager.done("approveStockTransfer", selection, id.clone()).await;
    // What lies in the warehouse goes from there.
    assert_eq!(shop.staff.refused("shipStockTransfer", id.clone()).await, refusals(&[("NOT_FOUND", "id")]));
    shop.manager.done("shipStockTransfer", selection, id.clone()).await;
    let query = "query($id: ID!) { stockTransfer(id: $id) { lines { nodes { id } } } }";
    let line = async |id: &Value| {
        let found = shop.staff.data(query, id.clone()).await;
        found["stockTransfer"]["lines"]["nodes"][0]["id"].clone()
    };
    let came = |id: &Value, line: &Value, quantity: i64| json!({ "id": id["id"], "lines": [{ "lineId": line, "quantity": quantity }] });
    let of = line(&id).await;
    let foreign = stranger.refused("receiveStockTransfer", came(&id, &of, 18)).await;
    assert_eq!(foreign, refusals(&[("NOT_FOUND", "id")]));
    let received = shop.staff.done("receiveStockTransfer", selection, came(&id, &of, 18)).await;
    assert_eq!(received["transfer"]["state"], "PARTIAL");
    assert_eq!(shop.on_hand().await, there(&[("TRANSIT", 2), ("WANDA", 18), ("WH", 10)]));
    shop.adds_up().await;
    let close = json!({ "id": id["id"], "decisions": [{ "lineId": of, "found": 0, "lost": 2 }] });
    assert_eq!(shop.staff.denied("closeStockTransfer", close.clone()).await, "FORBIDDEN");
    shop.manager.done("closeStockTransfer", selection, close).await;
    assert_eq!(shop.on_hand().await, there(&[("WANDA", 18), ("WH", 10)]));
    shop.adds_up().await;

    // The other way: who works where it lies ships it, and who keeps the other end takes it in.
    let here = shop.lies(&back).await["id"].clone();
    let made = shop.staff.done("requestStockTransfer", selection, asked(&warehouse, &here, 5)).await;
    let id = json!({ "id": made["transfer"]["id"] });
    shop.manager.done("approveStockTransfer", selection, id.clone()).await;
    assert_eq!(stranger.refused("shipStockTransfer", id.clone()).await, refusals(&[("NOT_FOUND", "id")]));
    shop.staff.done("shipStockTransfer", selection, id.clone()).await;
    let all = came(&id, &line(&id).await, 5);
    assert_eq!(shop.staff.refused("receiveStockTransfer", all.clone()).await, refusals(&[("NOT_FOUND", "id")]));
    shop.owner.done("receiveStockTransfer", selection, all).await;
    assert_eq!(shop.on_hand().await, there(&[("WANDA", 13), ("WH", 15)]));
    shop.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_become_by_law_what_they_may_with_a_document_and_what_is_bonded_goes_through_customs() {
    let shop = Shop::new().await;
    let saleable = shop.stocked("SALEABLE", 10).await;
    let bonded = shop.stocked("BONDED_DISPLAY", 2).await;
    let change = |balance: &Value, to: &str, quantity: i64| json!({ "showroomId": shop.id, "balanceId": balance, "to": to, "quantity": quantity, "document": "LB-1" });
    let moved = "moved { reason document quantity from { code } to { code } }";
    let done = shop.staff.done("changeUnitClass", moved, change(&saleable, "SAMPLE", 4)).await["moved"].clone();
    assert_eq!(
        done,
        json!({ "reason": "TRANSFER", "document": "LB-1", "quantity": 4, "from": { "code": "WANDA" }, "to": { "code": "WANDA.SAMPLE" } })
    );
    shop.staff.done("changeUnitClass", moved, change(&saleable, "DAMAGED", 1)).await;
    let samples = shop.place("SAMPLE").await;
    let sample = shop.lies(&samples).await["id"].clone();
    shop.staff.done("changeUnitClass", moved, change(&sample, "DAMAGED", 1)).await;
    let damaged = shop.lies(&shop.place("DAMAGED").await).await["id"].clone();
    for (balance, to, expected) in [
        (&sample, "SALEABLE", ("ILLEGAL_TRANSITION", "to")),
        (&damaged, "SALEABLE", ("ILLEGAL_TRANSITION", "to")),
        (&damaged, "SAMPLE", ("ILLEGAL_TRANSITION", "to")),
        (&saleable, "SALEABLE", ("ILLEGAL_TRANSITION", "to")),
        (&saleable, "BONDED_STOCK", ("ILLEGAL_TRANSITION", "to")),
        (&bonded, "SALEABLE", ("NOT_RELEASED", "to")),
        (&bonded, "DAMAGED", ("NOT_RELEASED", "to")),
        (&bonded, "BONDED_STOCK", ("ILLEGAL_TRANSITION", "to")),
    ] {
        let refused = shop.staff.refused("changeUnitClass", change(balance, to, 1)).await;
        assert_eq!(refused, refusals(&[expected]), "{to}");
    }
    // Nor by hand.
    let back = shop.place("SALEABLE").await;
    let by_hand = json!({ "document": "x", "lines": [{ "balanceId": sample, "toId": back, "quantity": 1 }] });
    let refused = shop.owner.refused("transferStock", by_hand).await;
    assert_eq!(refused, refusals(&[("ILLEGAL_TRANSITION", "lines.0")]));
    // What stands in a slot is taken down first.
    shop.held(&back, 4, ReservationKind::Display, "shown:1").await;
    let refused = shop.staff.refused("changeUnitClass", change(&saleable, "SAMPLE", 2)).await;
    assert_eq!(refused, refusals(&[("OUT_OF_STOCK", "quantity"), ("IN_USE", "balanceId")]));
    shop.staff.done("changeUnitClass", moved, change(&saleable, "SAMPLE", 1)).await;
    assert_eq!(
        shop.on_hand().await,
        there(&[("WANDA", 4), ("WANDA.BONDED", 2), ("WANDA.DAMAGED", 2), ("WANDA.SAMPLE", 4)])
    );
    let (elsewhere, stranger) = shop.another().await;
    let foreign = stranger.refused("changeUnitClass", change(&sample, "DAMAGED", 1)).await;
    assert_eq!(foreign, refusals(&[("NOT_FOUND", "showroomId")]));
    let mut through = change(&sample, "DAMAGED", 1);
    through["showroomId"] = elsewhere;
    assert_eq!(stranger.refused("changeUnitClass", through).await, refusals(&[("NOT_FOUND", "balanceId")]));
    assert_eq!(
        shop.server.consumer(2).await.denied("changeUnitClass", change(&sample, "DAMAGED", 1)).await,
        "FORBIDDEN"
    );
    shop.adds_up().await;
}
