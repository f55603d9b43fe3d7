//! Approval of orders: by amount, by category, by chain; split orders count together; who asks never approves; an edit
//! voids what was approved.

use chrono::Duration;
use serde_json::{Value, json};

use super::{Desk, Line, ORDER, line, over, path::waits, step};
use crate::{showroom::me, support::Client};

fn refusals(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(code, field)| ((*code).to_owned(), (*field).to_owned())).collect()
}

/// A line without tax, so that an amount is what it says.
fn plain(quantity: i64, price: &str) -> Line<'_> {
    Line { tax_ppm: 0, ..line(quantity, price) }
}

/// The levels of the steps of the last submission, and what became of them.
async fn steps(desk: &Desk, order: &Value) -> Vec<(i64, String)> {
    let shown = "approvals { round position level state }";
    let rows = desk.one(&desk.purchaser().await, "purchaseOrder", &order["id"], shown).await["approvals"].clone();
    let rows = rows.as_array().unwrap();
    let last = rows.first().map_or(0, |row| row["round"].as_i64().unwrap());
    let rows = rows.iter().filter(|row| row["round"] == last);
    rows.map(|row| (row["level"].as_i64().unwrap(), row["state"].as_str().unwrap().to_owned())).collect()
}

async fn levels(desk: &Desk, order: &Value) -> Vec<i64> {
    steps(desk, order).await.into_iter().map(|(level, _)| level).collect()
}

fn deciding(order: &Value, decision: &str) -> Value {
    json!({ "id": order["id"], "decision": decision, "comment": "见附注" })
}

async fn decided(client: &Client, order: &Value, decision: &str) -> Value {
    let selection = format!("purchaseOrder {{ {ORDER} }}");
    client.done("decidePurchaseApproval", &selection, deciding(order, decision)).await["purchaseOrder"].clone()
}

/// An edit of the price of an order's only line.
fn editing(desk: &Desk, order: &Value, price: &str) -> Value {
    let written = desk.ordering(0, &[plain(100, price)], json!({}));
    let lines = json!([over(written["lines"][0].clone(), json!({ "lineId": order["lines"]["nodes"][0]["id"] }))]);
    over(step(order), json!({ "incoterm": "DDP", "namedPlace": "西宁", "paymentDays": 30, "lines": lines }))
}

fn band(up_to: Option<&str>, levels: &[i32]) -> Value {
    let step = |level: &i32| json!({ "title": format!("级别 {level}"), "level": level });
    let up_to = up_to.map(|amount| json!({ "amount": amount, "currency": "CNY" }));
    json!({ "upTo": up_to, "steps": levels.iter().map(step).collect::<Vec<_>>() })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_approved_by_as_many_as_its_amount_takes_and_the_bounds_belong_to_their_band() {
    let desk = Desk::new().await;
    for (price, expected) in [("500.00", &[1][..]), ("500.01", &[1, 2]), ("5000.00", &[1, 2]), ("5000.01", &[1, 2, 3])]
    {
        let order = desk.submitted(0, &[plain(100, price)]).await;
        assert_eq!(order["state"], "PENDING_APPROVAL");
        assert_eq!(levels(&desk, &order).await, expected, "100 at {price}");
        // Orders of one supplier count together, as long as they will be.
        let input = over(step(&order), json!({ "reason": "换一个金额" }));
        desk.purchaser().await.done("cancelPurchaseOrder", "", input).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_are_decided_one_after_the_other_by_whom_their_level_takes() {
    let desk = Desk::new().await;
    let order = desk.submitted(0, &[plain(100, "1000.00")]).await;
    let (first, second) = (desk.approver(1).await, desk.approver(2).await);
    // Not who asked, whatever else that may do.
    let purchaser = desk.purchaser().await;
    assert_eq!(purchaser.denied("decidePurchaseApproval", deciding(&order, "APPROVE")).await, "FORBIDDEN");
    // Nor a program, which nobody can tell from who asked.
    let program = desk.buyers(entities::party::MemberRole::Approver).await;
    let refused = program.refused("decidePurchaseApproval", deciding(&order, "APPROVE")).await;
    assert_eq!(refused, refusals(&[("MAKER_CHECKER", "id")]));
    let stranger = desk.supplier(0).await;
    let refused = stranger.refused("decidePurchaseApproval", deciding(&order, "APPROVE")).await;
    assert_eq!(refused, refusals(&[("NOT_FOUND", "id")]), "the supplier sees an order that was not sent");

    let order = decided(&first, &order, "APPROVE").await;
    assert_eq!(order["state"], "PENDING_APPROVAL");
    assert_eq!(steps(&desk, &order).await, [(1, "APPROVED".into()), (2, "WAITING".into())]);
    // Of the second step: who decided the first decides no other, and is of no such level.
    let refused = first.refused("decidePurchaseApproval", deciding(&order, "APPROVE")).await;
    assert_eq!(refused, refusals(&[("MAKER_CHECKER", "id")]));
    let order = decided(&second, &order, "APPROVE").await;
    assert_eq!(order["state"], "APPROVED");
    let refused = desk.owner().await.refused("decidePurchaseApproval", deciding(&order, "APPROVE")).await;
    assert_eq!(refused, refusals(&[("ILLEGAL_TRANSITION", "id")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_takes_its_level_and_an_owner_is_of_any_but_approves_nothing_of_its_own() {
    let desk = Desk::new().await;
    let owner = desk.owner().await;
    let input = json!({ "bands": [band(None, &[2])], "windowDays": 0 });
    owner.done("setPurchasePolicy", "purchasePolicy { id version }", input).await;
    let order = desk.submitted(0, &[plain(1, "10.00")]).await;
    let refused = desk.approver(1).await.refused("decidePurchaseApproval", deciding(&order, "APPROVE")).await;
    assert_eq!(refused, refusals(&[("LEVEL_TOO_LOW", "id")]));
    assert_eq!(decided(&owner, &order, "APPROVE").await["state"], "APPROVED");

    // What the owner asks for somebody else approves.
    let made = desk.stepped("createPurchaseOrder", &owner, desk.ordering(0, &[plain(1, "10.00")], json!({}))).await;
    let order = desk.stepped("submitPurchaseOrder", &owner, step(&made)).await;
    let refused = owner.refused("decidePurchaseApproval", deciding(&order, "APPROVE")).await;
    assert_eq!(refused, refusals(&[("MAKER_CHECKER", "id")]));
    assert_eq!(decided(&desk.approver(2).await, &order, "APPROVE").await["state"], "APPROVED");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_who_does_not_agree_sends_an_order_back_and_says_why() {
    let desk = Desk::new().await;
    let order = desk.submitted(0, &[plain(100, "1000.00")]).await;
    let first = desk.approver(1).await;
    let silent = json!({ "id": order["id"], "decision": "REJECT", "comment": " " });
    assert_eq!(first.refused("decidePurchaseApproval", silent).await, refusals(&[("REQUIRED", "comment")]));
    let stale = over(deciding(&order, "REJECT"), json!({ "expectedVersion": 1 }));
    let refused = first.refused("decidePurchaseApproval", stale).await;
    assert_eq!(refused, refusals(&[("STALE_VERSION", "expectedVersion")]));
    let back = decided(&first, &order, "REJECT").await;
    assert_eq!(back["state"], "DRAFT");
    assert_eq!(steps(&desk, &order).await, [(1, "REJECTED".into()), (2, "VOID".into())]);
    // It waits for who asked; submitted again it begins anew.
    let purchaser = desk.purchaser().await;
    assert_eq!(waits(&purchaser, "SUBMIT_ORDER").await, 1);
    let again = desk.stepped("submitPurchaseOrder", &purchaser, step(&back)).await;
    assert_eq!(waits(&purchaser, "SUBMIT_ORDER").await, 0);
    assert_eq!(steps(&desk, &again).await, [(1, "WAITING".into()), (2, "WAITING".into())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_one_may_disagree_though_all_others_did_not_and_it_begins_anew() {
    let desk = Desk::new().await;
    let order = desk.submitted(0, &[plain(100, "5000.01")]).await;
    let order = decided(&desk.approver(1).await, &order, "APPROVE").await;
    let order = decided(&desk.approver(2).await, &order, "APPROVE").await;
    assert_eq!(order["state"], "PENDING_APPROVAL");
    let back = decided(&desk.approver(3).await, &order, "REJECT").await;
    assert_eq!(back["state"], "DRAFT");
    let all = |of: [&str; 3]| -> Vec<(i64, String)> { (1..).zip(of.map(str::to_owned)).collect() };
    assert_eq!(steps(&desk, &back).await, all(["APPROVED", "APPROVED", "REJECTED"]));
    let again = desk.stepped("submitPurchaseOrder", &desk.purchaser().await, step(&back)).await;
    assert_eq!(again["state"], "PENDING_APPROVAL");
    assert_eq!(steps(&desk, &again).await, all(["WAITING"; 3]), "what was approved before it was sent back holds");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_voids_what_was_approved() {
    let desk = Desk::new().await;
    let purchaser = desk.purchaser().await;
    let order = desk.submitted(0, &[plain(100, "1000.00")]).await;
    let order = decided(&desk.approver(1).await, &order, "APPROVE").await;
    let order = decided(&desk.approver(2).await, &order, "APPROVE").await;
    assert_eq!(order["state"], "APPROVED");
    let edit = editing(&desk, &order, "999.00");
    let edited = desk.stepped("updatePurchaseOrder", &purchaser, edit).await;
    assert_eq!((&edited["state"], &edited["revision"]), (&json!("DRAFT"), &json!(2)));
    assert_eq!(steps(&desk, &edited).await, [(1, "VOID".into()), (2, "VOID".into())]);
    let refused = purchaser.refused("sendPurchaseOrder", step(&edited)).await;
    assert_eq!(refused, refusals(&[("ILLEGAL_TRANSITION", "id")]), "an edited order went out as it was approved");
    // What waits is void too, and the first step is asked again.
    let again = desk.stepped("submitPurchaseOrder", &purchaser, step(&edited)).await;
    let again = decided(&desk.approver(1).await, &again, "APPROVE").await;
    let edited = desk.stepped("updatePurchaseOrder", &purchaser, editing(&desk, &again, "998.00")).await;
    assert_eq!(steps(&desk, &edited).await, [(1, "VOID".into()), (2, "VOID".into())]);
    let stale = editing(&desk, &again, "1.00");
    let refused = purchaser.refused("updatePurchaseOrder", stale).await;
    assert_eq!(refused, refusals(&[("STALE_VERSION", "expectedVersion")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_split_is_no_smaller() {
    let desk = Desk::new().await;
    let first = desk.submitted(0, &[plain(100, "400.00")]).await;
    assert_eq!(levels(&desk, &first).await, [1], "40,000.00");
    let second = desk.submitted(0, &[plain(100, "400.00")]).await;
    assert_eq!(levels(&desk, &second).await, [1, 2], "80,000.00 in two parts");
    let counted = "countedTotal { amount } baseTotal { amount }";
    let shown = desk.one(&desk.purchaser().await, "purchaseOrder", &second["id"], counted).await;
    assert_eq!(shown["countedTotal"]["amount"], "80000.00");
    assert_eq!(shown["baseTotal"]["amount"], "40000.00");
    // Another supplier's is another matter, and so is one that will not be.
    assert_eq!(levels(&desk, &desk.submitted(1, &[plain(100, "400.00")]).await).await, [1]);
    for order in [&first, &second] {
        let input = over(step(&desk.order(order).await), json!({ "reason": "不再需要" }));
        desk.purchaser().await.done("cancelPurchaseOrder", "", input).await;
    }
    let third = desk.submitted(0, &[plain(100, "400.00")]).await;
    assert_eq!(levels(&desk, &third).await, [1], "what was cancelled counts");
    // Seven days on it counts no more.
    desk.wait(Duration::days(7));
    assert_eq!(levels(&desk, &desk.submitted(0, &[plain(100, "400.00")]).await).await, [1, 2], "the seventh day");
    desk.wait(Duration::days(8));
    assert_eq!(levels(&desk, &desk.submitted(0, &[plain(100, "400.00")]).await).await, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_of_one_supplier_that_are_submitted_at_once_are_counted_together() {
    let desk = Desk::new().await;
    let mut drafts = Vec::new();
    for _ in 0..6 {
        drafts.push(desk.drafted(0, &[plain(100, "400.00")]).await);
    }
    let purchaser = desk.purchaser().await;
    let all = drafts.iter().map(|draft| desk.stepped("submitPurchaseOrder", &purchaser, step(draft)));
    let mut asked = Vec::new();
    for order in futures_util::future::join_all(all).await {
        asked.push(levels(&desk, &order).await.len());
    }
    asked.sort_unstable();
    assert_eq!(asked, [1, 2, 2, 2, 2, 2], "two were counted without each other");
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_say_who_agrees_by_category_and_only_the_owner_sets_them() {
    let desk = Desk::new().await;
    let (owner, purchaser) = (desk.owner().await, desk.purchaser().await);
    let any = json!({ "bands": [band(Some("1000.00"), &[]), band(None, &[1])], "windowDays": 0 });
    assert_eq!(purchaser.denied("setPurchasePolicy", any.clone()).await, "FORBIDDEN");
    let shown = "purchasePolicy { id version windowDays bands { upTo { amount } steps { level title } } }";
    let set = owner.done("setPurchasePolicy", shown, any.clone()).await["purchasePolicy"].clone();
    assert_eq!(set["bands"][0], json!({ "upTo": { "amount": "1000.00" }, "steps": [] }));
    let refused = owner.refused("setPurchasePolicy", any).await;
    assert_eq!(refused, refusals(&[("STALE_VERSION", "expectedVersion")]), "there is one already");
    let rugs = json!({ "categoryId": desk.category, "bands": [band(None, &[2])], "windowDays": 0 });
    let rugs = owner.done("setPurchasePolicy", shown, rugs).await["purchasePolicy"].clone();
    // Everything that the desk buys is a rug.
    assert_eq!(levels(&desk, &desk.submitted(0, &[plain(1, "10.00")]).await).await, [2]);
    let listed = purchaser.data("{ purchasePolicies { id categoryId } }", json!({})).await["purchasePolicies"].clone();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    owner.done("removePurchasePolicy", "purchasePolicy { id }", step(&rugs)).await;
    let small = desk.submitted(0, &[plain(1, "1000.00")]).await;
    assert_eq!(small["state"], "APPROVED", "nobody has to agree, and it waits");
    assert_eq!(levels(&desk, &desk.submitted(0, &[plain(1, "1000.01")]).await).await, [1]);

    for (bands, field) in [
        (json!([]), ("REQUIRED", "bands")),
        (json!([band(Some("1.00"), &[1])]), ("INVALID_VALUE", "bands.0.upTo")),
        (json!([band(None, &[10])]), ("OUT_OF_RANGE", "bands.0.steps.0.level")),
    ] {
        let input = json!({ "bands": bands, "windowDays": 0, "expectedVersion": 1 });
        assert_eq!(owner.refused("setPurchasePolicy", input).await, refusals(&[field]));
    }
    let stranger = me(&desk.market.server.consumer(1).await).await;
    let foreign = json!({ "title": "外人", "level": 1, "personId": stranger });
    let input = json!({ "bands": [{ "steps": [foreign] }], "windowDays": 0, "expectedVersion": 1 });
    let refused = owner.refused("setPurchasePolicy", input).await;
    assert_eq!(refused, refusals(&[("NOT_FOUND", "bands.0.steps.0.personId")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_changed_an_order_approves_it_though_others_changed_it_since() {
    let desk = Desk::new().await;
    let (owner, purchaser) = (desk.owner().await, desk.purchaser().await);
    let draft = desk.drafted(0, &[plain(100, "10.00")]).await;
    let edited = desk.stepped("updatePurchaseOrder", &owner, editing(&desk, &draft, "11.00")).await;
    let edited = desk.stepped("updatePurchaseOrder", &purchaser, editing(&desk, &edited, "11.01")).await;
    let order = desk.stepped("submitPurchaseOrder", &purchaser, step(&edited)).await;
    let refused = owner.refused("decidePurchaseApproval", deciding(&order, "APPROVE")).await;
    assert_eq!(refused, refusals(&[("MAKER_CHECKER", "id")]), "an editor approved what it wrote");
    let order = decided(&desk.approver(1).await, &order, "APPROVE").await;
    // Once it was sent another may approve what others change.
    let order = desk.stepped("sendPurchaseOrder", &purchaser, step(&order)).await;
    let amend = over(editing(&desk, &order, "12.00"), json!({ "reason": "客户改单" }));
    let order = desk.stepped("amendPurchaseOrder", &purchaser, amend).await;
    assert_eq!(decided(&owner, &order, "APPROVE").await["state"], "APPROVED");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_was_sent_counts_while_its_change_is_recalled() {
    let desk = Desk::new().await;
    let purchaser = desk.purchaser().await;
    let order = desk.sent_order(&[plain(100, "400.00")]).await;
    let amend = over(editing(&desk, &order, "450.00"), json!({ "reason": "客户改单" }));
    let pending = desk.stepped("amendPurchaseOrder", &purchaser, amend).await;
    let draft = desk.stepped("updatePurchaseOrder", &purchaser, editing(&desk, &pending, "1.00")).await;
    assert_eq!(draft["state"], "DRAFT");
    let second = desk.submitted(0, &[plain(100, "400.00")]).await;
    assert_eq!(levels(&desk, &second).await, [1, 2], "an order is split while another is a draft again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_without_a_window_leaves_that_of_other_lines() {
    let desk = Desk::new().await;
    let purchaser = desk.purchaser().await;
    let rugs = json!({ "categoryId": desk.category, "bands": [band(None, &[1])], "windowDays": 0 });
    desk.owner().await.done("setPurchasePolicy", "purchasePolicy { id }", rugs).await;
    // A rug and a service, which is of no category: so much that two of them need another approver.
    let price = json!({ "amount": "40000.00", "currency": "CNY" });
    let service = json!({ "description": "安装", "unit": "项", "quantity": 1, "price": price });
    let mut asked = Vec::new();
    for _ in 0..2 {
        let input = desk.ordering(0, &[plain(1, "10.00")], json!({}));
        let input = over(input.clone(), json!({ "lines": [input["lines"][0], service] }));
        let order = desk.stepped("createPurchaseOrder", &purchaser, input).await;
        let order = desk.stepped("submitPurchaseOrder", &purchaser, step(&order)).await;
        asked.push(levels(&desk, &order).await);
    }
    assert_eq!(asked, [vec![1], vec![1, 2]], "one policy switches the window off for all");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_names_somebody_is_decided_by_that_person() {
    let desk = Desk::new().await;
    let (owner, first) = (desk.owner().await, desk.approver(1).await);
    let step_of = json!({ "title": "指定审批人", "level": 9, "personId": me(&first).await });
    let input = json!({ "bands": [{ "steps": [step_of] }], "windowDays": 0 });
    owner.done("setPurchasePolicy", "purchasePolicy { id }", input).await;
    let order = desk.submitted(0, &[plain(1, "10.00")]).await;
    let refused = owner.refused("decidePurchaseApproval", deciding(&order, "APPROVE")).await;
    assert_eq!(refused, refusals(&[("MAKER_CHECKER", "id")]), "somebody else decided");
    assert_eq!(decided(&first, &order, "APPROVE").await["state"], "APPROVED", "nobody else may, and it may not");
}
