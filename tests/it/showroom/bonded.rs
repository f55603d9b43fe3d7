//! Bonded displays: the vector of section 6.4 through the schema, the guarantee under many who want it, days and
//! alarms, and every way in which pieces leave a showroom.

mod days;
mod leaving;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use api::{
    app::Call,
    inventory::{
        self,
        promises::{self, Purpose},
    },
    platform::{
        error::Error,
        graphql::{decode, encode},
    },
    showroom::ops::{
        bonded::{
            alarms,
            applying::{self, Asked},
            findings, guarantee,
        },
        stores::{self, NewStore},
    },
};
use async_graphql::ID;
use chrono::{DateTime, Duration, NaiveDate, Utc};
use entities::{
    inventory::{ReservationKind, balance},
    party::{Acting, Actor, MemberRole, OrganisationRole, Viewer, membership},
    values::{
        Currency, ErrorCode, Money,
        id::{OrganisationId, ShowroomId, StockBalanceId},
    },
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};

use crate::support::{Client, SELLER, TestServer, leaf, rug};

/// Who runs the showrooms here, and who runs others.
const RUNS: &str = "chama-wanda-showroom";
const RUNS_OTHERS: &str = "anning-import-gallery";
const DECLARATION: &str = "970120260000000001";

/// A showroom, a bonded warehouse with handbags in it, and a guarantee.
#[expect(clippy::struct_field_names, reason = "its showroom, by its id")]
struct Store {
    server: TestServer,
    store: ShowroomId,
    warehouse: Value,
    variant: Value,
}

/// An amount in fen.
fn fen(money: &Value) -> i64 {
    money["amount"].as_str().unwrap().replace('.', "").parse().unwrap()
}

fn moment(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

async fn organisation(server: &TestServer, slug: &str) -> OrganisationId {
    let id = server.organisation(slug).await;
    decode(&ID(id.as_str().unwrap().to_owned()), "id").unwrap()
}

/// The owner of an organisation that runs showrooms.
async fn headquarters(server: &TestServer, slug: &str) -> Call {
    let acting = Acting {
        organisation: organisation(server, slug).await,
        kinds: BTreeSet::from([OrganisationRole::ShowroomOperator]),
        roles: BTreeSet::from([MemberRole::Owner]),
        approval_level: 0,
        scopes: BTreeSet::new(),
    };
    Call::by(Viewer { actor: Actor::Tool("headquarters".into()), acting: Some(acting) })
}

async fn opened(server: &TestServer, slug: &str, code: &str) -> ShowroomId {
    let new = NewStore {
        code: code.into(),
        name: code.into(),
        address: "西宁市城西区".into(),
        division: "630104".into(),
        special_zone: false,
        approval_no: None,
    };
    stores::open(&server.app, &headquarters(server, slug).await, &new).await.unwrap().id
}

/// A handbag that anyone may see: duty 6 %, VAT 13 %.
async fn handbag(server: &TestServer) -> Value {
    let (owner, operator) = (server.seller(SELLER).await, server.operator().await);
    let mut content = rug("bag", &leaf(&owner).await);
    content["variants"][0]["hsCode"] = json!("4202210090");
    content["variants"][0]["unit1"] = json!("011");
    let made = owner.done("createProduct", "product { id version }", json!({ "content": content })).await;
    let step = json!({ "id": made["product"]["id"], "expectedVersion": made["product"]["version"] });
    let selection = "product { variants { nodes { id } } }";
    operator.done("publishProduct", selection, step).await["product"]["variants"]["nodes"][0]["id"].clone()
}

const DISPLAY: &str = "display { id returnBy unitTax { amount } guaranteeInUse { amount } pieces { state quantity } }";
const PARTS: &str = "parts { id state quantity declarationNumber paymentNumber }";

impl Store {
    /// At a moment, with so many handbags and a guarantee of so many fen.
    async fn new(at: &str, bags: i64, guaranteed: &str) -> Self {
        let server = TestServer::start().await;
        server.wait(moment(at) - server.app.clock().now());
        let store = opened(&server, RUNS, "WANDA").await;
        let variant = handbag(&server).await;
        let owner = server.seller(RUNS).await;
        let place = json!({ "code": "ZONE", "kind": "BONDED_WAREHOUSE", "name": "zone" });
        let warehouse = owner.done("createStockLocation", "location { id }", place).await["location"]["id"].clone();
        let line = json!({ "variantId": variant, "quantity": bags, "customsStatus": "BONDED" });
        let receipt = json!({ "locationId": warehouse, "document": "IN-1", "lines": [line] });
        owner.done("receiveStock", "moves { id }", receipt).await;
        let this = Self { server, store, warehouse, variant };
        this.deposited(guaranteed, false, "LG-1").await;
        this
    }

    /// The owner: with a token of this moment, because months pass.
    async fn owner(&self) -> Client {
        self.server.seller(RUNS).await
    }

    async fn wait_until(&self, at: &str) {
        self.server.wait(moment(at) - self.server.app.clock().now());
    }

    async fn deposit(&self, amount: &str, withdrawal: bool, reference: &str) -> Value {
        let whose = self.server.organisation(RUNS).await;
        json!({ "organisationId": whose, "amount": { "amount": amount, "currency": "CNY" },
            "withdrawal": withdrawal, "reference": reference })
    }

    async fn deposited(&self, amount: &str, withdrawal: bool, reference: &str) {
        let input = self.deposit(amount, withdrawal, reference).await;
        let selection = "guarantee { balance { amount } }";
        self.server.operator().await.done("depositDisplayGuarantee", selection, input).await;
    }

    /// What of the guarantee is in use, and what is free, in fen.
    async fn guarantee(&self) -> (i64, i64) {
        let query = "{ displayGuarantee { balance { amount } used { amount } free { amount } } }";
        let seen = self.owner().await.data(query, json!({})).await["displayGuarantee"].clone();
        let (used, free) = (fen(&seen["used"]), fen(&seen["free"]));
        assert_eq!(fen(&seen["balance"]), used + free);
        (used, free)
    }

    /// On hand by the codes of places, and by customs status.
    async fn stock(&self) -> BTreeMap<(String, String), i64> {
        let query = "{ stock(first: 100) { nodes { onHand customsStatus location { code } } } }";
        let rows = self.owner().await.data(query, json!({})).await["stock"]["nodes"].clone();
        let mut sums = BTreeMap::new();
        for row in rows.as_array().unwrap() {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            *sums.entry((text(&row["location"]["code"]), text(&row["customsStatus"]))).or_default() +=
                row["onHand"].as_i64().unwrap();
        }
        sums.retain(|_, n| *n != 0);
        sums
    }

    async fn balance(&self) -> Value {
        let query = "query($l: ID!) { stock(locationId: $l) { nodes { id available } } }";
        self.owner().await.data(query, json!({ "l": self.warehouse })).await["stock"]["nodes"][0].clone()
    }

    async fn asked(&self, quantity: i64, return_by: &str) -> Value {
        json!({ "showroomId": encode(self.store), "balanceId": self.balance().await["id"], "quantity": quantity,
            "unitPrice": { "amount": "1000.00", "currency": "CNY" }, "returnBy": return_by,
            "applicationNumber": "C97012026000001" })
    }

    async fn done(&self, mutation: &str, input: Value) -> Value {
        self.owner().await.done(mutation, DISPLAY, input).await["display"].clone()
    }

    async fn refused(&self, mutation: &str, input: Value) -> (String, String) {
        let mut all = self.owner().await.refused(mutation, input).await;
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    /// A step of a bonded display.
    async fn step(&self, mutation: &str, id: &Value, more: Value) -> Value {
        self.done(mutation, with(id, more)).await
    }

    /// So many pieces in the showroom, out of the gate.
    async fn out(&self, quantity: i64, return_by: &str) -> Value {
        let id = self.done("applyBondedDisplay", self.asked(quantity, return_by).await).await["id"].clone();
        self.step("lockBondedDisplay", &id, json!({})).await;
        self.step("gateOutBondedDisplay", &id, json!({ "outboundNumber": "CRK-1", "passNumber": "HF-1" })).await;
        id
    }

    /// The same, on the shelf.
    async fn shown(&self, quantity: i64, return_by: &str) -> Value {
        let id = self.out(quantity, return_by).await;
        self.step("shelveBondedDisplay", &id, json!({})).await;
        id
    }

    /// How many pieces of a bonded display are in which state.
    async fn pieces(&self, id: &Value) -> BTreeMap<String, i64> {
        let query = "query($id: ID!) { bondedDisplay(id: $id) { pieces { state quantity } } }";
        let seen = self.owner().await.data(query, json!({ "id": id })).await["bondedDisplay"]["pieces"].clone();
        let pair = |row: &Value| (row["state"].as_str().unwrap().to_owned(), row["quantity"].as_i64().unwrap());
        seen.as_array().unwrap().iter().map(pair).collect()
    }

    /// The parts of a bonded display in a state.
    async fn parts(&self, id: &Value, state: &str) -> Vec<Value> {
        let query = "query($id: ID!) { bondedDisplay(id: $id) { parts(first: 100) { nodes { \
                     id state quantity cause leftOn declareBy document tax { amount } } } } }";
        let seen = self.owner().await.data(query, json!({ "id": id })).await["bondedDisplay"]["parts"].clone();
        seen["nodes"].as_array().unwrap().iter().filter(|part| part["state"] == state).cloned().collect()
    }

    async fn part(&self, id: &Value, state: &str) -> Value {
        let parts = self.parts(id, state).await;
        assert_eq!(parts.len(), 1, "{parts:?}");
        parts[0].clone()
    }

    async fn pay(&self, parts: &[&Value]) {
        let ids: Vec<&Value> = parts.iter().map(|part| &part["id"]).collect();
        let input = json!({ "partIds": ids, "paymentNumber": "SD-1" });
        self.server.operator().await.done("payBondedDisplayTax", PARTS, input).await;
    }

    async fn close(&self, parts: &[&Value]) {
        let ids: Vec<&Value> = parts.iter().map(|part| &part["id"]).collect();
        let input = json!({ "partIds": ids, "verificationNumber": "QD970126E000000001" });
        self.owner().await.done("closeBondedDisplay", PARTS, input).await;
    }

    async fn adds_up(&self) {
        let (db, now) = (self.server.app.db().writer(), self.server.app.clock().now());
        assert_eq!(findings::findings(db).await.unwrap(), [], "bonded displays do not add up");
        assert_eq!(inventory::reconcile::findings(db, now).await.unwrap(), [], "stock does not add up");
    }
}

/// The input of a step.
#[expect(clippy::needless_pass_by_value, reason = "it is made where it is passed")]
fn with(id: &Value, more: Value) -> Value {
    let mut input = json!({ "id": id });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    input
}

fn pieces(of: &[(&str, i64)]) -> BTreeMap<String, i64> {
    of.iter().map(|(state, n)| ((*state).to_owned(), *n)).collect()
}

fn stock(of: &[(&str, &str, i64)]) -> BTreeMap<(String, String), i64> {
    of.iter().map(|(code, status, n)| (((*code).to_owned(), (*status).to_owned()), *n)).collect()
}

fn said(code: &str, field: &str) -> (String, String) {
    (code.to_owned(), field.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_bags_bind_their_full_tax_until_three_are_paid_and_seventeen_are_back() {
    let house = Store::new("2026-12-01T02:00:00Z", 20, "10000.00").await;
    assert_eq!(house.guarantee().await, (0, 1_000_000));
    let applied = house.done("applyBondedDisplay", house.asked(20, "2027-05-31").await).await;
    let id = applied["id"].clone();
    assert_eq!(applied["unitTax"]["amount"], "197.80", "60.00 of duty and 137.80 of VAT");
    assert_eq!(house.balance().await["available"], 0, "what is applied for is not promised");
    assert_eq!(house.guarantee().await, (0, 1_000_000));
    house.step("lockBondedDisplay", &id, json!({})).await;
    assert_eq!(house.guarantee().await, (395_600, 604_400));
    house.step("gateOutBondedDisplay", &id, json!({ "outboundNumber": "CRK-1", "passNumber": "HF-1" })).await;
    assert_eq!(house.stock().await, stock(&[("WANDA.BONDED", "BONDED", 20)]));
    let shown = house.step("shelveBondedDisplay", &id, json!({})).await;
    assert_eq!(fen(&shown["guaranteeInUse"]), 395_600);
    house.adds_up().await;

    house.wait_until("2026-12-20T02:00:00Z").await;
    house.step("sellBondedDisplay", &id, json!({ "quantity": 3, "document": "R-1" })).await;
    let sold = house.part(&id, "SOLD").await;
    assert_eq!((&sold["declareBy"], &sold["tax"]["amount"]), (&json!("2026-12-31"), &json!("593.40")));
    assert_eq!(house.guarantee().await.0, 395_600, "what is sold is guaranteed until it is paid");
    assert_eq!(house.stock().await, stock(&[("WANDA.BONDED", "BONDED", 17)]));
    let declare = |number: &str| json!({ "partIds": [sold["id"]], "declarationNumber": number });
    let short = house.refused("declareBondedDisplay", declare("9701")).await;
    assert_eq!(short, said("INVALID_VALUE", "declarationNumber"));
    let pay = json!({ "partIds": [sold["id"]], "paymentNumber": "SD-1" });
    let early = house.server.operator().await.refused("payBondedDisplayTax", pay.clone()).await;
    assert_eq!(early, [said("ILLEGAL_TRANSITION", "partIds")]);
    house.owner().await.done("declareBondedDisplay", PARTS, declare(DECLARATION)).await;
    assert_eq!(house.owner().await.denied("payBondedDisplayTax", pay.clone()).await, "FORBIDDEN");
    assert_eq!(house.guarantee().await.0, 395_600);
    house.server.operator().await.done("payBondedDisplayTax", PARTS, pay.clone()).await;
    assert_eq!(house.guarantee().await, (336_260, 604_400 + 59_340), "after the payment 593.40 is free");
    let twice = house.server.operator().await.refused("payBondedDisplayTax", pay).await;
    assert_eq!(twice, [said("ILLEGAL_TRANSITION", "partIds")]);

    house.step("applyBondedDisplayReturn", &id, json!({ "applicationNumber": "C-2" })).await;
    assert_eq!(house.guarantee().await.0, 336_260, "what is to go back is still out");
    let back = json!({ "inboundNumber": "CRK-2", "passNumber": "HF-2" });
    house.step("gateInBondedDisplay", &id, back).await;
    assert_eq!(house.guarantee().await, (0, 1_000_000), "after the return of 17 another 3,362.60 is free");
    house.close(&[&sold]).await;
    assert_eq!(house.pieces(&id).await, pieces(&[("IN_WAREHOUSE", 17), ("CLOSED", 3)]));
    assert_eq!(house.stock().await, stock(&[("ZONE", "BONDED", 17)]));
    house.adds_up().await;

    let query =
        "query($id: ID!) { bondedDisplay(id: $id) { events(first: 50) { nodes { step quantity document actor } } } }";
    let told = house.owner().await.data(query, json!({ "id": id })).await["bondedDisplay"]["events"]["nodes"].clone();
    let steps: Vec<(&str, i64)> = told
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .map(|event| (event["step"].as_str().unwrap(), event["quantity"].as_i64().unwrap()))
        .collect();
    let expected = [
        ("APPLY", 20),
        ("LOCK", 20),
        ("GATE_OUT", 20),
        ("SHELVE", 20),
        ("SELL", 3),
        ("DECLARE", 3),
        ("PAY", 3),
        ("APPLY_RETURN", 17),
        ("GATE_IN", 17),
        ("CLOSE", 3),
    ];
    assert_eq!(steps, expected);
    let query = "{ displayGuarantee { entries(first: 20) { nodes { reason amount { amount } document } } } }";
    let told = house.owner().await.data(query, json!({})).await["displayGuarantee"]["entries"]["nodes"].clone();
    let entries: Vec<(&str, i64)> = told
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["reason"].as_str().unwrap(), fen(&entry["amount"])))
        .collect();
    assert_eq!(entries, [("RETURNED", 336_260), ("PAID", 59_340), ("LOCKED", 395_600), ("DEPOSIT", 1_000_000)]);
    // What is written stays, whoever writes SQL.
    for statement in [
        "UPDATE bonded_display_event SET quantity = 1",
        "DELETE FROM display_guarantee_entry",
        "UPDATE display_guarantee SET used_minor = balance_minor + 1",
    ] {
        assert!(house.server.app.db().writer().execute_unprepared(statement).await.is_err(), "{statement}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_applied_for_is_refused_by_its_field() {
    let house = Store::new("2026-03-02T02:00:00Z", 20, "100.00").await;
    let good = house.asked(2, "2026-06-01").await;
    let but = |field: &str, value: Value| {
        let mut input = good.clone();
        input[field] = value;
        input
    };
    let owner = house.server.seller(RUNS).await;
    let back = json!({ "code": "PAID", "kind": "DUTY_PAID_WAREHOUSE", "name": "paid" });
    let back = owner.done("createStockLocation", "location { id }", back).await["location"]["id"].clone();
    let line = json!({ "variantId": house.variant, "quantity": 1, "customsStatus": "DUTY_PAID" });
    owner.done("receiveStock", "moves { id }", json!({ "locationId": back, "document": "IN", "lines": [line] })).await;
    let query = "query($l: ID!) { stock(locationId: $l) { nodes { id } } }";
    let paid = owner.data(query, json!({ "l": back })).await["stock"]["nodes"][0]["id"].clone();
    let other = encode(opened(&house.server, RUNS_OTHERS, "OTHER").await);
    for (input, expected) in [
        (but("quantity", json!(0)), said("OUT_OF_RANGE", "quantity")),
        (but("quantity", json!(21)), said("OUT_OF_STOCK", "quantity")),
        (but("returnBy", json!("2026-03-01")), said("OUT_OF_RANGE", "returnBy")),
        (but("returnBy", json!("2026-09-03")), said("OUT_OF_RANGE", "returnBy")),
        (but("applicationNumber", json!(" ")), said("REQUIRED", "applicationNumber")),
        (but("unitPrice", json!({ "amount": "0", "currency": "CNY" })), said("OUT_OF_RANGE", "unitPrice")),
        (but("unitPrice", json!({ "amount": "1", "currency": "USD" })), said("INVALID_CURRENCY", "unitPrice")),
        (but("balanceId", paid), said("NOT_FOUND", "balanceId")),
        (but("showroomId", json!(other)), said("NOT_FOUND", "showroomId")),
    ] {
        assert_eq!(house.refused("applyBondedDisplay", input.clone()).await, expected, "{input}");
    }
    assert_eq!(house.balance().await["available"], 20, "what was refused is promised");
    // The guarantee is not enough; with more it is, and given up it is free again.
    let id = house.done("applyBondedDisplay", good).await["id"].clone();
    assert_eq!(
        house.refused("gateOutBondedDisplay", with(&id, json!({ "outboundNumber": "1", "passNumber": "1" }))).await.0,
        "ILLEGAL_TRANSITION"
    );
    let lock = json!({ "id": id });
    assert_eq!(house.refused("lockBondedDisplay", lock.clone()).await, said("GUARANTEE_SHORT", "id"));
    house.deposited("295.60", false, "LG-2").await;
    house.done("lockBondedDisplay", lock.clone()).await;
    assert_eq!(house.guarantee().await, (39_560, 0));
    let operator = house.server.operator().await;
    let taken = house.deposit("0.01", true, "OUT-1").await;
    assert_eq!(operator.refused("depositDisplayGuarantee", taken).await, [said("GUARANTEE_SHORT", "amount")]);
    let again = house.deposit("295.60", false, "LG-2").await;
    assert_eq!(operator.refused("depositDisplayGuarantee", again.clone()).await, [said("ALREADY_TAKEN", "reference")]);
    assert_eq!(house.owner().await.denied("depositDisplayGuarantee", again).await, "FORBIDDEN");
    house.done("cancelBondedDisplay", lock.clone()).await;
    assert_eq!(house.guarantee().await, (0, 39_560));
    assert_eq!(house.balance().await["available"], 20);
    assert_eq!(house.refused("cancelBondedDisplay", lock).await, said("ILLEGAL_TRANSITION", "id"));
    house.deposited("395.60", true, "OUT-2").await;
    assert_eq!(house.guarantee().await, (0, 0));
    house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_who_want_a_guarantee_for_ten_exactly_ten_get_it() {
    let house = Store::new("2026-03-02T02:00:00Z", 50, "1978.00").await;
    let call = headquarters(&house.server, RUNS).await;
    let balance = house.balance().await["id"].clone();
    let balance: StockBalanceId = decode(&ID(balance.as_str().unwrap().to_owned()), "id").unwrap();
    let asked = Asked {
        showroom: house.store,
        balance,
        quantity: 1,
        unit_price: Money { minor: 100_000, currency: Currency::CNY },
        return_by: day("2026-06-01"),
        application_no: "C-1".into(),
    };
    let mut ids = Vec::new();
    for _ in 0..50 {
        ids.push(applying::apply(&house.server.app, &call, &asked).await.unwrap().id);
    }
    let barrier = Arc::new(tokio::sync::Barrier::new(ids.len()));
    let racers = ids.into_iter().map(|id| {
        let (app, call, barrier) = (house.server.app.clone(), call.clone(), barrier.clone());
        tokio::spawn(async move {
            barrier.wait().await;
            applying::lock_guarantee(&app, &call, id).await.map(drop)
        })
    });
    let mut got = 0;
    for racer in futures_util::future::join_all(racers).await {
        match racer.unwrap() {
            Ok(()) => got += 1,
            Err(Error::Refused(refusals)) => assert_eq!(refusals[0].code, ErrorCode::GuaranteeShort),
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(got, 10);
    assert_eq!(house.guarantee().await, (197_800, 0));
    house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_come_back_in_parts_and_no_piece_is_sold_twice() {
    let house = Store::new("2026-03-02T02:00:00Z", 20, "10000.00").await;
    let id = house.out(20, "2026-06-01").await;
    assert_eq!(
        house.refused("sellBondedDisplay", with(&id, json!({ "quantity": 1, "document": "R" }))).await,
        said("ILLEGAL_TRANSITION", "id"),
        "what is not on the shelf is sold"
    );
    house.step("shelveBondedDisplay", &id, json!({ "quantity": 12 })).await;
    assert_eq!(house.pieces(&id).await, pieces(&[("GATE_OUT", 8), ("ON_SHELF", 12)]));
    let too_many = with(&id, json!({ "quantity": 13, "document": "R" }));
    assert_eq!(house.refused("sellBondedDisplay", too_many).await, said("OUT_OF_RANGE", "quantity"));
    // Ten go back: the eight in the back room first. Of these one stays after all, and six pass the gate.
    let back = json!({ "quantity": 10, "applicationNumber": "C-2" });
    house.step("applyBondedDisplayReturn", &id, back).await;
    assert_eq!(house.pieces(&id).await, pieces(&[("ON_SHELF", 10), ("RETURN_APPLIED", 10)]));
    house.step("shelveBondedDisplay", &id, json!({ "quantity": 1 })).await;
    let gate = |quantity: i64| json!({ "quantity": quantity, "inboundNumber": "CRK-2", "passNumber": "HF-2" });
    assert_eq!(house.refused("gateInBondedDisplay", with(&id, gate(10))).await, said("OUT_OF_RANGE", "quantity"));
    house.step("gateInBondedDisplay", &id, gate(6)).await;
    house.step("gateInBondedDisplay", &id, gate(3)).await;
    assert_eq!(house.pieces(&id).await, pieces(&[("ON_SHELF", 11), ("IN_WAREHOUSE", 9)]));
    assert_eq!(house.guarantee().await.0, 11 * 19_780);
    assert_eq!(house.stock().await, stock(&[("WANDA.BONDED", "BONDED", 11), ("ZONE", "BONDED", 9)]));
    house.adds_up().await;

    // The same sale again is the same sale.
    let sale = with(&id, json!({ "quantity": 10, "document": "R-1", "clientMutationId": "s-1" }));
    house.done("sellBondedDisplay", sale.clone()).await;
    house.done("sellBondedDisplay", sale).await;
    assert_eq!(house.pieces(&id).await, pieces(&[("ON_SHELF", 1), ("IN_WAREHOUSE", 9), ("SOLD", 10)]));
    let last = with(&id, json!({ "quantity": 1, "document": "R-2" }));
    let owner = house.owner().await;
    let all = (0..6).map(|_| owner.payload("sellBondedDisplay", DISPLAY, last.clone()));
    let all = futures_util::future::join_all(all).await;
    let codes = |payload: &Value| -> Vec<Value> {
        payload["userErrors"].as_array().unwrap().iter().map(|error| error["code"].clone()).collect()
    };
    let mut told: Vec<Vec<Value>> = all.iter().map(codes).collect();
    told.sort_by_key(Vec::len);
    assert_eq!(told[0], Vec::<Value>::new(), "nobody sells the last piece: {all:?}");
    assert!(told[1..].iter().all(|codes| *codes == [json!("ILLEGAL_TRANSITION")]), "{all:?}");
    // Both sales under one number, or none.
    let sold = house.parts(&id, "SOLD").await;
    let ids: Vec<&Value> = sold.iter().map(|part| &part["id"]).collect();
    let twice = json!({ "partIds": [ids[0], ids[0]], "declarationNumber": DECLARATION });
    assert_eq!(house.refused("declareBondedDisplay", twice).await, said("DUPLICATE", "partIds"));
    let none = json!({ "partIds": [], "declarationNumber": DECLARATION });
    assert_eq!(house.refused("declareBondedDisplay", none).await, said("REQUIRED", "partIds"));
    let both = json!({ "partIds": ids, "declarationNumber": DECLARATION });
    let declared = house.owner().await.done("declareBondedDisplay", PARTS, both).await;
    assert_eq!(declared["parts"].as_array().unwrap().len(), 2);
    house.pay(&[&sold[0], &sold[1]]).await;
    house.close(&[&sold[0], &sold[1]]).await;
    assert_eq!(house.guarantee().await.0, 0);
    assert_eq!(house.pieces(&id).await, pieces(&[("IN_WAREHOUSE", 9), ("CLOSED", 11)]));
    house.adds_up().await;
}
