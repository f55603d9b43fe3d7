//! Many who bill one line at the same moment: together they never bill more than was accepted, of the order or of a
//! delivery, whatever is taken back meanwhile.

use std::{collections::BTreeMap, sync::Arc};

use api::platform::graphql::decode;
use async_graphql::ID;
use entities::{
    procurement::{
        invoice::{self, InvoiceState},
        order, receipt,
    },
    values::id::{GoodsReceiptLineId, PurchaseOrderLineId},
};
use futures_util::future::join_all;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use tokio::sync::Barrier;

use super::{Desk, Line, line, line_id, over, step};
use crate::support::Client;

/// So many at once.
const CLIENTS: usize = 64;

const STATE: &str = "supplierInvoice { id version state }";

async fn recorded(client: &Client, input: Value) -> Value {
    client.done("recordSupplierInvoice", STATE, input).await["supplierInvoice"].clone()
}

/// All of them at once; answers with how many matched.
async fn at_once(client: &Client, inputs: Vec<Value>) -> (Vec<Value>, usize) {
    let answers = join_all(inputs.into_iter().map(|input| recorded(client, input))).await;
    let matched = answers.iter().filter(|one| one["state"] == "MATCHED").count();
    (answers, matched)
}

fn typed(id: &Value) -> ID {
    ID(id.as_str().unwrap().to_owned())
}

/// Accepted and billed of a line of an order, and what live invoices claim of it: the two are the same, always.
async fn claimed(desk: &Desk, id: &Value) -> (i64, i64) {
    let id: PurchaseOrderLineId = decode(&typed(id), "id").unwrap();
    let db = desk.app().db().writer();
    let of = order::line::Entity::find_by_id(id).one(db).await.unwrap().unwrap();
    let lines = invoice::line::Entity::find().filter(invoice::line::Column::OrderLineId.eq(id)).all(db).await.unwrap();
    let states: BTreeMap<_, _> =
        invoice::Entity::find().all(db).await.unwrap().into_iter().map(|row| (row.id, row.state)).collect();
    let sum = |of: &dyn Fn(&invoice::line::Model) -> i64| lines.iter().map(of).sum::<i64>();
    assert_eq!(of.billed, sum(&|line| line.claimed), "what is billed is not what invoices claim");
    let idle = |line: &invoice::line::Model| states[&line.invoice_id] != InvoiceState::Matched && line.claimed != 0;
    assert!(!lines.iter().any(idle), "an invoice claims something and does not match");
    assert!(of.billed <= of.accepted, "{} of {} are billed", of.billed, of.accepted);
    (of.accepted, of.billed)
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_clients_that_bill_one_line_never_bill_more_than_was_accepted() {
    let desk = Desk::new().await;
    let order = desk.acknowledged_order(&[line(100, "10.00")]).await;
    desk.received(&order, &[(0, 100)]).await;
    let clerk = desk.clerk().await;
    let input = |n: usize| desk.invoicing(&order, &format!("M-{n}"), &[(0, 3, "10.00")], json!({}));
    let (answers, matched) = at_once(&clerk, (0..CLIENTS).map(input).collect()).await;
    // 33 threes are 99; the last one is left over.
    assert_eq!((answers.len(), matched), (CLIENTS, 33));
    assert_eq!(claimed(&desk, line_id(&order, 0)).await, (100, 99));

    // Ten of them are rejected while those that did not fit are matched anew: what becomes free is claimed once.
    let (fit, unfit): (Vec<Value>, Vec<Value>) = answers.into_iter().partition(|one| one["state"] == "MATCHED");
    let rejected = fit.iter().take(10).map(|one| {
        let input = over(step(one), json!({ "reason": "not ours" }));
        let clerk = clerk.clone();
        async move { clerk.done("rejectSupplierInvoice", STATE, input).await }
    });
    let again = unfit.iter().map(|one| {
        let (input, clerk) = (step(one), clerk.clone());
        async move { clerk.done("rematchSupplierInvoice", STATE, input).await }
    });
    let (_, again) = tokio::join!(join_all(rejected), join_all(again));
    let (_, billed) = claimed(&desk, line_id(&order, 0)).await;
    assert!((69..=99).contains(&billed) && billed % 3 == 0, "{billed}");
    // And then it is: of those that came too early there are more than became free.
    for done in again.iter().filter(|done| done["supplierInvoice"]["state"] == "EXCEPTION") {
        clerk.done("rematchSupplierInvoice", STATE, step(&done["supplierInvoice"])).await;
    }
    assert_eq!(claimed(&desk, line_id(&order, 0)).await, (100, 99), "what became free is lost");
    desk.adds_up().await;
}

/// All of these begin at the same moment; what each answers, in their order.
async fn raced(asked: Vec<(Client, &'static str, Value)>) -> Vec<(&'static str, Value)> {
    let barrier = Arc::new(Barrier::new(asked.len()));
    let tasks = asked.into_iter().map(|(client, mutation, input)| {
        let barrier = Arc::clone(&barrier);
        tokio::spawn(async move {
            let selection = if mutation == "recordSupplierInvoice" { STATE } else { "" };
            barrier.wait().await;
            (mutation, client.payload(mutation, selection, input).await)
        })
    });
    join_all(tasks).await.into_iter().map(|answer| answer.expect("a client broke down")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_clients_that_receive_take_back_and_bill_one_line_leave_it_adding_up() {
    let desk = Desk::new().await;
    let order = desk.acknowledged_order(&[line(100, "10.00")]).await;
    let mut came = Vec::new();
    for _ in 0..10 {
        came.push(desk.received(&order, &[(0, 6)]).await);
    }
    let (receiver, clerk) = (desk.receiver().await, desk.clerk().await);
    // Ten that take back what came, thirty-two that bill three, twenty-two that receive five: with nothing of what came
    // left they are 110 all the same, so that somebody has to be refused.
    let one = |n: usize| match (n % 6, came.get(n / 6)) {
        (0 | 2 | 4, _) => {
            let input = desk.invoicing(&order, &format!("R-{n}"), &[(0, 3, "10.00")], json!({}));
            (clerk.clone(), "recordSupplierInvoice", input)
        }
        (1, Some(receipt)) => {
            (receiver.clone(), "reverseGoodsReceipt", over(step(receipt), json!({ "reason": "录错单" })))
        }
        _ => {
            let more = json!({ "inspected": true, "deliveryNote": format!("SH-{n}") });
            (receiver.clone(), "postGoodsReceipt", desk.receiving(&order, &[(0, 5)], more))
        }
    };
    let (mut accepted, mut refused, mut unfit) = (60, 0, Vec::new());
    for (mutation, payload) in raced((0..CLIENTS).map(one).collect()).await {
        match (mutation, payload["userErrors"][0]["code"].as_str()) {
            ("recordSupplierInvoice", None) => {
                let invoice = &payload["supplierInvoice"];
                if invoice["state"] == "EXCEPTION" {
                    unfit.push(invoice.clone());
                }
            }
            ("reverseGoodsReceipt", None) => accepted -= 6,
            ("postGoodsReceipt", None) => accepted += 5,
            // A hundred are never billed by threes: the order stays open, and nothing is refused because it is not.
            ("reverseGoodsReceipt", Some("IN_USE")) | ("postGoodsReceipt", Some("OVER_RECEIPT")) => refused += 1,
            _ => panic!("{mutation} answers {payload}"),
        }
    }
    assert!(refused > 0, "nobody was refused: the test is too small");
    assert!(accepted <= 100, "{accepted} of 100 are accepted");
    let (counted, billed) = claimed(&desk, line_id(&order, 0)).await;
    assert_eq!(counted, accepted, "the order counts other than was answered");
    assert!(billed <= 96 && billed % 3 == 0, "{billed}");
    // What did not fit then fits now, as far as something is left.
    for invoice in &unfit {
        clerk.done("rematchSupplierInvoice", STATE, step(invoice)).await;
    }
    assert_eq!(claimed(&desk, line_id(&order, 0)).await, (accepted, i64::min(accepted / 3 * 3, 96)));
    desk.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_clients_that_bill_one_delivery_never_bill_more_than_that_brought() {
    let desk = Desk::new().await;
    let order = desk.acknowledged_order(&[line(200, "10.00")]).await;
    let delivery = desk.received(&order, &[(0, 50)]).await;
    desk.received(&order, &[(0, 150)]).await;
    let clerk = desk.clerk().await;
    let input = |n: usize| {
        let of = json!({ "orderLineId": line_id(&order, 0), "receiptLineId": line_id(&delivery, 0), "quantity": 3,
            "price": { "amount": "10.00", "currency": "CNY" } });
        desk.invoicing(&order, &format!("M-{n}"), &[], json!({ "lines": [of] }))
    };
    let (_, matched) = at_once(&clerk, (0..CLIENTS).map(input).collect()).await;
    assert_eq!(matched, 16, "fifty were accepted of the delivery");
    assert_eq!(claimed(&desk, line_id(&order, 0)).await, (200, 48));
    let id: GoodsReceiptLineId = decode(&typed(line_id(&delivery, 0)), "id").unwrap();
    let row = receipt::line::Entity::find_by_id(id).one(desk.app().db().writer()).await.unwrap().unwrap();
    assert_eq!((row.accepted, row.billed), (50, 48));
}

#[tokio::test(flavor = "multi_thread")]
async fn invoices_that_name_lines_in_opposite_orders_do_not_embrace_and_one_number_is_taken_once() {
    let desk = Desk::new().await;
    let lines = [line(100, "10.00"), Line { item: 1, ..line(100, "10.00") }];
    let (one, other) = (desk.acknowledged_order(&lines).await, desk.acknowledged_order(&lines).await);
    for order in [&one, &other] {
        desk.received(order, &[(0, 100), (1, 100)]).await;
    }
    let clerk = desk.clerk().await;
    let of = |order: &Value, n: usize| {
        json!({ "orderLineId": line_id(order, n), "quantity": 2,
        "price": { "amount": "10.00", "currency": "CNY" } })
    };
    let input = |n: usize| {
        let mut lines = vec![of(&one, 0), of(&one, 1), of(&other, 0), of(&other, 1)];
        if n % 2 == 1 {
            lines.reverse();
        }
        desk.invoicing(&one, &format!("E-{n}"), &[], json!({ "lines": lines }))
    };
    let (_, matched) = at_once(&clerk, (0..CLIENTS).map(input).collect()).await;
    assert_eq!(matched, 50, "a hundred of each line are fifty twos");
    for (order, n) in [(&one, 0), (&one, 1), (&other, 0), (&other, 1)] {
        assert_eq!(claimed(&desk, line_id(order, n)).await, (100, 100));
    }
    // One invoice that all of them record: it is there once.
    let same = desk.invoicing(&one, "ONCE", &[(0, 1, "10.00")], json!({}));
    let tries = (0..CLIENTS).map(|_| clerk.payload("recordSupplierInvoice", STATE, same.clone()));
    let answers = join_all(tries).await;
    let made = answers.iter().filter(|answer| answer["userErrors"] == json!([])).count();
    assert_eq!(made, 1, "one invoice is there {made} times");
    for refused in answers.iter().filter(|answer| answer["userErrors"] != json!([])) {
        let error = &refused["userErrors"][0];
        assert_eq!((&error["code"], &error["field"]), (&json!("DUPLICATE_INVOICE"), &json!(["invoiceNo"])));
    }
}
