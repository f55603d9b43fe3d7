//! The guarantee of a withholding agent: what bills bind of it until they are paid, when they are to be paid, and what goods
//! that came back free of it.

use chrono::Duration;
use entities::customs::ceb::{Document, Message, Record, kind};
use serde_json::{Value, json};

use super::{Border, receipts::deliver};
use crate::support::{Client, OTHER_SELLER};

/// A border with somebody who buys there; people sign in anew each time, because months pass.
struct Office {
    border: Border,
}

/// An amount in fen.
fn fen(money: &Value) -> i64 {
    money["amount"].as_str().unwrap().replace('.', "").parse().unwrap()
}

impl Office {
    async fn new() -> Self {
        let border = Border::new().await;
        border.market.identified(1).await;
        Self { border }
    }

    async fn buyer(&self) -> Client {
        self.border.market.server.consumer(1).await
    }

    async fn operator(&self) -> Client {
        self.border.market.server.operator().await
    }

    async fn declared(&self, quantity: i32) -> Value {
        self.border.declared(&self.buyer().await, quantity, "").await
    }

    async fn seen(&self, order: &Value) -> Value {
        self.border.order(&self.buyer().await, order).await
    }

    async fn account(&self) -> Value {
        let query = "query($id: ID!) { guaranteeAccount(guarantorId: $id) { deposit { amount } bound { amount } \
                     free { amount } payable { amount } overdue { amount } \
                     bills(first: 20) { nodes { id number state paymentNumber total { amount } } } \
                     statement(first: 20) { nodes { reason amount { amount } document } } } }";
        let id = self.border.market.server.organisation(OTHER_SELLER).await;
        self.operator().await.data(query, json!({ "id": id })).await["guaranteeAccount"].clone()
    }

    /// Bound, payable, overdue, in fen; what is put in is what is bound and what is free.
    async fn stands(&self) -> (i64, i64, i64) {
        let account = self.account().await;
        assert_eq!(fen(&account["deposit"]), fen(&account["bound"]) + fen(&account["free"]), "{account:#}");
        (fen(&account["bound"]), fen(&account["payable"]), fen(&account["overdue"]))
    }

    async fn bill(&self, order: &Value) -> Value {
        self.seen(order).await["declaration"]["taxBill"].clone()
    }

    async fn asked_back(&self, order: &Value, quantity: i32) -> Value {
        self.border.asked_back(&self.buyer().await, order, quantity).await
    }

    async fn inspected(&self, request: &Value) {
        self.border.came_back(request).await;
        self.border.market.worked().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bill_binds_the_guarantee_until_it_is_paid_and_is_to_be_paid_from_day_31_to_day_45() {
    let office = Office::new().await;
    let order = office.declared(4).await;
    let bill = office.bill(&order).await;
    let total = fen(&bill["total"]);
    assert!(total > 0, "{bill:#}");
    assert_eq!(office.stands().await, (total, 0, 0));
    let id = office.border.market.server.organisation(OTHER_SELLER).await;
    let all = json!({ "guarantorId": id, "amount": { "amount": "10000.00", "currency": "CNY" }, "withdrawal": true,
        "reference": "OUT-1" });
    let refused = office.operator().await.refused("depositGuarantee", all).await;
    assert_eq!(refused, [("GUARANTEE_SHORT".into(), "amount".into())], "what is bound is taken out");
    // Released on 1 March: day 31 is 1 April, day 45 is 15 April.
    for (days, expected) in
        [(30, (total, 0, 0)), (1, (total, total, 0)), (14, (total, total, 0)), (1, (total, total, total))]
    {
        office.border.market.wait(Duration::days(days));
        assert_eq!(office.stands().await, expected, "{days} days later");
    }
    // Customs sums it up in a payment document.
    let bills = office.account().await["bills"]["nodes"].clone();
    let list = office.seen(&order).await["declaration"]["listNumber"].clone();
    let head = Record::default()
        .with("guid", "5F1A8E42-1A53-4C4B-9B9E-000000000819")
        .with("returnTime", "20260416120000000")
        .with("invtNo", list.as_str().unwrap())
        .with("taxNo", bills[0]["number"].as_str().unwrap())
        .with("status", "2")
        .with("entDutyNo", "9701-2026-7");
    let summed_up = Document { head, lines: Vec::new() };
    let guid = "5F1A8E42-1A53-4C4B-9B9E-000000000818".to_owned();
    let summed_up = Message::new(kind(818).unwrap(), guid, vec![summed_up]).write().unwrap();
    deliver(&office.border, &summed_up).await;
    let bills = office.account().await["bills"]["nodes"].clone();
    assert_eq!((&bills[0]["state"], &bills[0]["paymentNumber"]), (&json!("SUMMED_UP"), &json!("9701-2026-7")));
    assert_eq!(office.stands().await, (total, total, total), "what is summed up is not paid yet");
    let pay = json!({ "id": bills[0]["id"], "paymentNumber": "9701-2026-7" });
    office.operator().await.done("payTaxBill", "bill { paidAt }", pay.clone()).await;
    assert_eq!(office.stands().await, (0, 0, 0));
    assert_eq!(office.operator().await.refused("payTaxBill", pay).await, [("ILLEGAL_TRANSITION".into(), "id".into())]);
    let statement = office.account().await["statement"]["nodes"].clone();
    let told: Vec<(&str, i64)> = statement
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["reason"].as_str().unwrap(), fen(&entry["amount"])))
        .collect();
    assert_eq!(told, [("PAID", total), ("BOUND", total), ("DEPOSIT", 1_000_000)]);
    office.border.market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_back_is_not_taxed_and_nothing_is_to_be_paid_while_it_is_on_its_way() {
    let office = Office::new().await;
    let order = office.declared(4).await;
    let first = office.bill(&order).await;
    let total = fen(&first["total"]);
    let ship = json!({ "id": order["id"], "waybill": "YT" });
    office.border.seller().await.done("shipOrder", "order { state }", ship).await;
    office.border.market.wait(Duration::days(29));
    let request = office.asked_back(&order, 1).await;
    office.border.market.wait(Duration::days(3));
    assert_eq!(office.stands().await, (total, 0, 0), "taxes of what may come back are to be paid");
    office.inspected(&request).await;
    let (bound, payable, _) = office.stands().await;
    let second = office.bill(&order).await;
    assert_eq!((bound, payable), (fen(&second["total"]), fen(&second["total"])), "what stayed is not to be paid");
    assert!((total * 3 / 4 - 2..=total * 3 / 4 + 2).contains(&bound), "{total} and {bound} of three in four");
    let bills = office.account().await["bills"]["nodes"].clone();
    let states: Vec<&Value> = bills.as_array().unwrap().iter().map(|bill| &bill["state"]).collect();
    assert_eq!(states, ["MADE", "VOID"]);
    let seen = office.seen(&order).await;
    assert_eq!(seen["declaration"]["alarm"], Value::Null, "a bill of what is left is odd");
    // All of another.
    let other = office.declared(2).await;
    let request = office.asked_back(&other, 2).await;
    office.inspected(&request).await;
    assert_eq!(office.stands().await.0, bound, "what came back wholly is taxed");
    assert_eq!(office.bill(&other).await["state"], "VOID");
    office.border.market.adds_up().await;
}
