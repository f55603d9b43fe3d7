//! Spending limits: what is taken of them, by whom and of what; that nobody takes more; when they begin anew.

use chrono::Duration;
use serde_json::{Value, json};

use super::{Desk, Line, line, over, step};
use crate::showroom::me;

fn refusals(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(code, field)| ((*code).to_owned(), (*field).to_owned())).collect()
}

/// A line without tax, so that an amount is what it says.
fn plain(quantity: i64, price: &str) -> Line<'_> {
    Line { tax_ppm: 0, ..line(quantity, price) }
}

const LIMIT: &str = "spendingLimit { id version period spent { amount } free { amount } resetsOn }";

async fn limited(desk: &Desk, amount: &str, more: Value) -> Value {
    let amount = json!({ "amount": amount, "currency": "CNY" });
    let input = json!({ "period": "MONTH", "amount": amount, "validFrom": desk.day(0) });
    desk.owner().await.done("setSpendingLimit", LIMIT, over(input, more)).await["spendingLimit"].clone()
}

/// What is spent of each limit, and what is left.
async fn stands(desk: &Desk) -> Vec<(String, String)> {
    let query = "{ spendingLimits { spent { amount } free { amount } } }";
    let rows = desk.purchaser().await.data(query, json!({})).await["spendingLimits"].clone();
    let text = |value: &Value| value["amount"].as_str().unwrap().to_owned();
    rows.as_array().unwrap().iter().map(|row| (text(&row["spent"]), text(&row["free"]))).collect()
}

fn both(spent: &str, free: &str) -> (String, String) {
    (spent.to_owned(), free.to_owned())
}

async fn cancelled(desk: &Desk, order: &Value) {
    let input = over(step(&desk.order(order).await), json!({ "reason": "不再需要" }));
    desk.purchaser().await.done("cancelPurchaseOrder", "", input).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_takes_of_a_limit_when_it_is_submitted_and_gives_back_when_it_will_not_be() {
    let desk = Desk::new().await;
    let made = limited(&desk, "1000.00", json!({})).await;
    assert_eq!(made["resetsOn"], "2026-04-01");
    let draft = desk.drafted(0, &[plain(6, "100.00")]).await;
    assert_eq!(stands(&desk).await, [both("0.00", "1000.00")], "a draft takes of a limit");
    let purchaser = desk.purchaser().await;
    let first = desk.stepped("submitPurchaseOrder", &purchaser, step(&draft)).await;
    assert_eq!(stands(&desk).await, [both("600.00", "400.00")]);
    let second = desk.drafted(1, &[plain(5, "100.00")]).await;
    let refused = purchaser.payload("submitPurchaseOrder", "", step(&second)).await;
    assert_eq!(refused["userErrors"][0]["code"], "LIMIT_EXCEEDED");
    let details = refused["userErrors"][0]["details"].as_array().unwrap();
    assert!(details.contains(&json!({ "name": "free", "value": "CNY 400.00" })), "{refused}");
    assert_eq!(desk.order(&second).await["state"], "DRAFT");
    // To the fen.
    let exact = desk.submitted(1, &[plain(4, "100.00")]).await;
    assert_eq!(stands(&desk).await, [both("1000.00", "0.00")]);
    cancelled(&desk, &exact).await;
    // Sent back, and edited.
    let reject = json!({ "id": first["id"], "decision": "REJECT", "comment": "太贵" });
    desk.approver(1).await.done("decidePurchaseApproval", "", reject).await;
    assert_eq!(stands(&desk).await, [both("0.00", "1000.00")]);
    let again = desk.stepped("submitPurchaseOrder", &purchaser, step(&desk.order(&first).await)).await;
    assert_eq!(stands(&desk).await, [both("600.00", "400.00")]);
    cancelled(&desk, &again).await;
    assert_eq!(stands(&desk).await, [both("0.00", "1000.00")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_closed_short_is_given_back_and_what_a_supplier_refuses_too() {
    let desk = Desk::new().await;
    limited(&desk, "1000.00", json!({})).await;
    let order = desk.sent_order(&[plain(6, "100.00")]).await;
    let order = desk.stepped("acknowledgePurchaseOrder", &desk.supplier(0).await, step(&order)).await;
    desk.received(&order, &[(0, 4)]).await;
    let close = over(step(&desk.order(&order).await), json!({ "reason": "不再需要" }));
    let done = desk.stepped("shortClosePurchaseOrder", &desk.purchaser().await, close).await;
    assert_eq!(done["state"], "SHORT_CLOSED");
    assert_eq!(done["lines"]["nodes"][0]["shortClosed"], 2);
    assert_eq!(stands(&desk).await, [both("400.00", "600.00")]);
    let order = desk.sent_to(1, &[plain(6, "100.00")]).await;
    assert_eq!(stands(&desk).await, [both("1000.00", "0.00")]);
    let reject = over(step(&order), json!({ "reason": "缺货" }));
    desk.supplier(1).await.done("rejectPurchaseOrder", "", reject).await;
    assert_eq!(stands(&desk).await, [both("400.00", "600.00")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_begins_anew_with_its_period_and_what_is_given_back_goes_where_it_came_from() {
    let desk = Desk::new().await;
    limited(&desk, "1000.00", json!({})).await;
    let march = desk.submitted(0, &[plain(10, "100.00")]).await;
    assert_eq!(stands(&desk).await, [both("1000.00", "0.00")]);
    desk.wait(Duration::days(31));
    assert_eq!(stands(&desk).await, [both("0.00", "1000.00")], "April has not begun");
    desk.submitted(1, &[plain(7, "100.00")]).await;
    cancelled(&desk, &march).await;
    assert_eq!(stands(&desk).await, [both("700.00", "300.00")], "what was taken in March was given back in April");
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_count_a_person_a_category_and_only_while_they_are_valid() {
    let desk = Desk::new().await;
    let purchaser = desk.purchaser().await;
    let another = json!({ "personId": me(&desk.owner().await).await });
    limited(&desk, "1.00", another).await;
    limited(&desk, "1.00", json!({ "validFrom": desk.day(1) })).await;
    let over_now = json!({ "validFrom": "2026-02-01", "validTo": "2026-02-28" });
    limited(&desk, "1.00", over_now).await;
    let rugs = limited(&desk, "500.00", json!({ "categoryId": desk.category })).await;
    limited(&desk, "900.00", json!({ "personId": me(&purchaser).await, "period": "ONCE" })).await;
    // Three rugs and a service, which is of no category.
    let input = desk.ordering(0, &[plain(3, "100.00")], json!({}));
    let price = json!({ "amount": "400.00", "currency": "CNY" });
    let service = json!({ "description": "安装", "unit": "项", "quantity": 1, "price": price });
    let input = over(input.clone(), json!({ "lines": [input["lines"][0], service] }));
    let order = desk.stepped("createPurchaseOrder", &purchaser, input).await;
    desk.stepped("submitPurchaseOrder", &purchaser, step(&order)).await;
    let expected = [
        both("0.00", "1.00"),
        both("0.00", "1.00"),
        both("0.00", "1.00"),
        both("300.00", "200.00"),
        both("700.00", "200.00"),
    ];
    assert_eq!(stands(&desk).await, expected);
    // A limit that is raised lets more through; one that is removed does not count.
    let order = desk.drafted(1, &[plain(3, "100.00")]).await;
    assert_eq!(purchaser.refused("submitPurchaseOrder", step(&order)).await, refusals(&[("LIMIT_EXCEEDED", "id")]));
    let owner = desk.owner().await;
    owner.done("removeSpendingLimit", "", step(&rugs)).await;
    assert_eq!(purchaser.refused("submitPurchaseOrder", step(&order)).await, refusals(&[("LIMIT_EXCEEDED", "id")]));
    let small = desk.submitted(1, &[plain(2, "100.00")]).await;
    assert_eq!(small["state"], "PENDING_APPROVAL");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_amount_in_another_currency_takes_its_renminbi_at_its_frozen_rate() {
    let desk = Desk::new().await;
    limited(&desk, "100000.00", json!({})).await;
    let purchaser = desk.purchaser().await;
    let line = json!({
        "description": "Rug", "unit": "pc", "quantity": 1,
        "price": { "amount": "12345.67", "currency": "USD" },
    });
    let more = json!({ "currency": "USD", "lines": [line] });
    let without = desk.ordering(0, &[], more.clone());
    let refused = purchaser.refused("createPurchaseOrder", without.clone()).await;
    assert_eq!(refused, refusals(&[("REQUIRED", "fx")]));
    let rate = json!({ "fx": { "rate": "7.1021", "source": "SAFE", "on": desk.day(0) } });
    let order = desk.stepped("createPurchaseOrder", &purchaser, over(without, rate)).await;
    let order = desk.stepped("submitPurchaseOrder", &purchaser, step(&order)).await;
    assert_eq!(stands(&desk).await, [both("87680.18", "12319.82")]);
    let shown = "total { amount currency } baseTotal { amount currency } exchangeRate { rate source on }";
    let shown = desk.one(&purchaser, "purchaseOrder", &order["id"], shown).await;
    assert_eq!(shown["total"], json!({ "amount": "12345.67", "currency": "USD" }));
    assert_eq!(shown["baseTotal"], json!({ "amount": "87680.18", "currency": "CNY" }));
    assert_eq!(shown["exchangeRate"], json!({ "rate": "7.1021", "source": "SAFE", "on": desk.day(0) }));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_submit_at_once_no_more_go_through_than_the_limit_lets() {
    let desk = Desk::new().await;
    limited(&desk, "1000.00", json!({})).await;
    let mut drafts = Vec::new();
    for n in 0..8 {
        drafts.push(desk.drafted(n % 3, &[plain(3, "100.00")]).await);
    }
    let purchaser = desk.purchaser().await;
    let all = drafts.iter().map(|draft| purchaser.payload("submitPurchaseOrder", "", step(draft)));
    let answers = futures_util::future::join_all(all).await;
    let through = answers.iter().filter(|answer| answer["userErrors"] == json!([])).count();
    assert_eq!(through, 3, "{answers:?}");
    for lost in answers.iter().filter(|answer| answer["userErrors"] != json!([])) {
        assert_eq!(lost["userErrors"][0]["code"], "LIMIT_EXCEEDED", "{lost}");
    }
    assert_eq!(stands(&desk).await, [both("900.00", "100.00")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_owner_sets_limits_and_in_renminbi() {
    let desk = Desk::new().await;
    let owner = desk.owner().await;
    let amount = json!({ "amount": "1.00", "currency": "CNY" });
    let input = json!({ "period": "YEAR", "amount": amount, "validFrom": desk.day(0) });
    assert_eq!(desk.purchaser().await.denied("setSpendingLimit", input.clone()).await, "FORBIDDEN");
    let stranger = me(&desk.market.server.consumer(1).await).await;
    for (more, expected) in [
        (json!({ "amount": { "amount": "1.00", "currency": "USD" } }), ("INVALID_CURRENCY", "amount.currency")),
        (json!({ "validTo": "2026-02-28" }), ("INVALID_VALUE", "validTo")),
        (json!({ "personId": stranger }), ("NOT_FOUND", "personId")),
        (json!({ "categoryId": desk.buyer }), ("NOT_FOUND", "categoryId")),
    ] {
        let refused = owner.refused("setSpendingLimit", over(input.clone(), more.clone())).await;
        assert_eq!(refused, refusals(&[expected]), "{more}");
    }
    let made = owner.done("setSpendingLimit", LIMIT, input.clone()).await["spendingLimit"].clone();
    assert_eq!(made["resetsOn"], "2027-01-01");
    let unread = over(input.clone(), json!({ "id": made["id"] }));
    assert_eq!(owner.refused("setSpendingLimit", unread).await, refusals(&[("REQUIRED", "expectedVersion")]));
    let stale = over(input.clone(), json!({ "id": made["id"], "expectedVersion": 2 }));
    assert_eq!(owner.refused("setSpendingLimit", stale).await, refusals(&[("STALE_VERSION", "expectedVersion")]));
    let raised = over(over(input, step(&made)), json!({ "amount": { "amount": "2.00", "currency": "CNY" } }));
    let raised = owner.done("setSpendingLimit", LIMIT, raised).await["spendingLimit"].clone();
    assert_eq!((&raised["version"], &raised["free"]["amount"]), (&json!(2), &json!("2.00")));
    let theirs = desk.supplier(0).await.refused("removeSpendingLimit", step(&raised)).await;
    assert_eq!(theirs, refusals(&[("NOT_FOUND", "id")]));
}

/// Another quantity of an order's only line.
fn amending(desk: &Desk, order: &Value, quantity: i64) -> Value {
    let written = desk.ordering(0, &[plain(quantity, "100.00")], json!({}));
    let lines = json!([over(written["lines"][0].clone(), json!({ "lineId": order["lines"]["nodes"][0]["id"] }))]);
    let head = json!({ "incoterm": "DDP", "namedPlace": "西宁", "paymentDays": 30, "reason": "客户改单" });
    over(over(step(order), head), json!({ "lines": lines }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_takes_of_the_period_that_it_is_and_gives_back_the_newest_first() {
    let desk = Desk::new().await;
    limited(&desk, "1000.00", json!({})).await;
    let order = desk.sent_order(&[plain(6, "100.00")]).await;
    desk.wait(Duration::days(31));
    let purchaser = desk.purchaser().await;
    let more = desk.stepped("amendPurchaseOrder", &purchaser, amending(&desk, &order, 8)).await;
    assert_eq!(stands(&desk).await, [both("200.00", "800.00")], "what is added in April is spent in March");
    // Not approved, it never was.
    let reject = json!({ "id": more["id"], "decision": "REJECT", "comment": "太贵" });
    desk.approver(1).await.done("decidePurchaseApproval", "", reject).await;
    assert_eq!(stands(&desk).await, [both("0.00", "1000.00")]);
    let order = desk.order(&order).await;
    let more = desk.stepped("amendPurchaseOrder", &purchaser, amending(&desk, &order, 8)).await;
    let more = desk.approve(&more).await;
    let order = desk.stepped("sendPurchaseOrder", &purchaser, step(&more)).await;
    let order = desk.stepped("amendPurchaseOrder", &purchaser, amending(&desk, &order, 7)).await;
    assert_eq!(stands(&desk).await, [both("100.00", "900.00")]);
    desk.stepped("amendPurchaseOrder", &purchaser, amending(&desk, &order, 5)).await;
    assert_eq!(stands(&desk).await, [both("0.00", "1000.00")], "April gave back what March took");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_which_something_is_spent_keeps_its_period() {
    let desk = Desk::new().await;
    let owner = desk.owner().await;
    let made = limited(&desk, "1000.00", json!({})).await;
    let changed = |more: Value| {
        let amount = json!({ "amount": "900.00", "currency": "CNY" });
        let input = json!({ "period": "MONTH", "amount": amount, "validFrom": desk.day(0) });
        over(over(input, step(&made)), more)
    };
    let order = desk.submitted(0, &[plain(6, "100.00")]).await;
    let refused = owner.refused("setSpendingLimit", changed(json!({ "period": "YEAR" }))).await;
    assert_eq!(refused, refusals(&[("IN_USE", "period")]), "what is spent is forgotten");
    cancelled(&desk, &order).await;
    let made = owner.done("setSpendingLimit", LIMIT, changed(json!({ "period": "ONCE" }))).await;
    assert_eq!(made["spendingLimit"]["resetsOn"], Value::Null);
    desk.submitted(0, &[plain(6, "100.00")]).await;
    let later = json!({ "period": "ONCE", "validFrom": desk.day(-1), "expectedVersion": 2 });
    let refused = owner.refused("setSpendingLimit", changed(later)).await;
    assert_eq!(refused, refusals(&[("IN_USE", "period")]));
    let lower = json!({ "period": "ONCE", "expectedVersion": 2 });
    let done = owner.done("setSpendingLimit", LIMIT, changed(lower)).await["spendingLimit"].clone();
    assert_eq!(done["free"]["amount"], "300.00");
}
