//! What waits for whom: from the request to the payment, each step waits for those who may do it, and for nobody else; and
//! whoever lets it wait is reminded, once.

use api::procurement::jobs;
use chrono::Duration;
use entities::{
    party::MemberRole,
    platform::{EventKind, feed_entry},
    values::id::OrganisationId,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};

use super::{BUYER, Desk, RECEIPT, SUPPLIERS, line, line_id, over, step};
use crate::support::{Client, Events};

/// What waits for somebody, by its kind; of what it is in the order in which it is shown.
async fn kinds(client: &Client) -> Vec<String> {
    let found = client.data("{ myTasks(first: 100) { nodes { kind } } }", json!({})).await;
    let nodes = found["myTasks"]["nodes"].as_array().unwrap();
    nodes.iter().map(|node| node["kind"].as_str().unwrap().to_owned()).collect()
}

/// The one task of a kind.
async fn task(client: &Client, kind: &str) -> Value {
    let query = "{ myTasks(first: 100) { totalCount nodes { kind nodeId number otherSide { id } dueAt overdue } } }";
    let found = client.data(query, json!({})).await["myTasks"]["nodes"].clone();
    let of: Vec<&Value> = found.as_array().unwrap().iter().filter(|node| node["kind"] == kind).collect();
    assert_eq!(of.len(), 1, "{kind} in {found}");
    of[0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_waits_for_quotations_answers_an_award_and_orders() {
    let desk = Desk::new().await;
    let rfq = desk.published_rfq().await;
    let (first, second) = (desk.supplier(0).await, desk.supplier(1).await);
    let asked = task(&first, "QUOTE_RFQ").await;
    assert_eq!((&asked["nodeId"], &asked["number"]), (&rfq["id"], &rfq["number"]));
    assert_eq!((&asked["otherSide"]["id"], &asked["overdue"]), (&desk.buyer, &json!(false)));
    assert_eq!(kinds(&desk.suppliers_as(0, MemberRole::AccountsClerk).await).await, [""; 0], "who may not quote");
    first.done("askRfqQuestion", "", json!({ "rfqId": rfq["id"], "text": "尺寸?" })).await;
    let purchaser = desk.purchaser().await;
    assert_eq!(kinds(&purchaser).await, ["ANSWER_QUESTION"]);
    assert_eq!(kinds(&desk.clerk().await).await, [""; 0], "a question waits for who cannot answer it");
    desk.quoted(0, &rfq, &["10.00", "20.00"]).await;
    second.done("declineRfq", "", json!({ "id": rfq["id"] })).await;
    assert_eq!(kinds(&first).await, [""; 0], "what is quoted waits on");
    assert_eq!(kinds(&second).await, [""; 0], "what is declined waits on");
    assert_eq!(kinds(&desk.supplier(2).await).await, ["QUOTE_RFQ"]);
    assert_eq!(kinds(&purchaser).await, ["ANSWER_QUESTION"], "a task tells the buyer who quoted");
    desk.opened(&rfq).await;
    let purchaser = desk.purchaser().await;
    assert_eq!(kinds(&purchaser).await, ["AWARD_RFQ"]);
    assert_eq!(kinds(&desk.supplier(2).await).await, [""; 0], "the deadline is over");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_waits_for_approval_its_supplier_goods_inspection_invoice_and_payment() {
    let desk = Desk::new().await;
    // Six hundred thousand: three steps.
    let order = desk.submitted(0, &[line(1_000, "600.00")]).await;
    let (one, two) = (desk.approver(1).await, desk.approver(2).await);
    assert_eq!((kinds(&one).await, kinds(&two).await.len()), (vec!["APPROVE_ORDER".to_owned()], 1));
    let decide = json!({ "id": order["id"], "decision": "APPROVE" });
    one.done("decidePurchaseApproval", "purchaseOrder { state }", decide).await;
    assert_eq!(kinds(&one).await, [""; 0], "nobody approves twice");
    for client in [&two, &desk.owner().await] {
        let decide = json!({ "id": order["id"], "decision": "APPROVE" });
        client.done("decidePurchaseApproval", "purchaseOrder { state }", decide).await;
    }
    let order = desk.order(&order).await;
    let purchaser = desk.purchaser().await;
    assert_eq!(task(&purchaser, "SEND_ORDER").await["otherSide"]["id"], desk.suppliers[0]);
    purchaser.done("sendPurchaseOrder", "purchaseOrder { state }", step(&order)).await;
    let supplier = desk.supplier(0).await;
    assert_eq!(task(&supplier, "ACKNOWLEDGE_ORDER").await["otherSide"]["id"], desk.buyer);
    let order = desk.order(&order).await;
    supplier.done("acknowledgePurchaseOrder", "purchaseOrder { state }", step(&order)).await;
    assert_eq!(kinds(&supplier).await, [""; 0]);
    assert_eq!(kinds(&desk.receiver().await).await, [""; 0], "it is due in twenty days");

    desk.wait(Duration::days(14));
    let due = task(&desk.receiver().await, "RECEIVE_GOODS").await;
    assert!(due["dueAt"].as_str().unwrap().starts_with("2026-03-21T16:00:00"), "the day ends at midnight there: {due}");
    assert_eq!(due["overdue"], false);
    let receipt = desk.delivered(&order, &[(0, 1_000)]).await;
    assert_eq!(kinds(&desk.receiver().await).await, ["INSPECT_GOODS"]);
    let of = json!({ "lineId": line_id(&receipt, 0), "accepted": 990, "rejected": 10, "reason": "DAMAGED" });
    let input = json!({ "id": receipt["id"], "lines": [of] });
    let inspected = desk.receiver().await.done("inspectGoodsReceipt", "goodsReceipt { id }", input).await;
    assert_eq!(kinds(&desk.receiver().await).await, ["RETURN_GOODS"]);
    let back = json!({ "id": inspected["goodsReceipt"]["id"],
        "lines": [{ "lineId": line_id(&receipt, 0), "quantity": 10 }] });
    desk.receiver().await.done("returnToSupplier", &format!("goodsReceipt {{ {RECEIPT} }}"), back).await;
    assert_eq!(kinds(&desk.receiver().await).await, ["RECEIVE_GOODS"], "what went back is to come again");

    let clerk = desk.clerk().await;
    let wrong = desk.invoiced(&order, "INV-1", &[(0, 1_000, "600.00")]).await;
    assert_eq!(kinds(&clerk).await, ["RESOLVE_EXCEPTION"]);
    assert!(kinds(&desk.approver(1).await).await.contains(&"RESOLVE_EXCEPTION".to_owned()), "who may let it through");
    let input = desk.invoicing(&order, "INV-2", &[(0, 990, "600.00")], json!({ "correctsId": wrong["id"] }));
    let right = clerk.done("recordSupplierInvoice", "supplierInvoice { id version state }", input).await;
    assert_eq!(kinds(&clerk).await, ["APPROVE_INVOICE"]);
    desk.approved_invoice(&right["supplierInvoice"]).await;
    assert_eq!(kinds(&clerk).await, [""; 0], "thirty days are time to pay");
    desk.wait(Duration::days(25));
    assert_eq!(task(&desk.clerk().await, "PAY_INVOICE").await["overdue"], false);
    desk.wait(Duration::days(6));
    let clerk = desk.clerk().await;
    assert_eq!(task(&clerk, "PAY_INVOICE").await["overdue"], true);
    assert_eq!(kinds(&desk.supplier(0).await).await, [""; 0], "what is owed waits for whom it is owed to");
    let owed = clerk.data("{ payables(first: 10) { nodes { id version outstanding { amount } } } }", json!({})).await;
    let owed = &owed["payables"]["nodes"][0];
    assert_eq!(owed["outstanding"]["amount"], "671220.00");
    let amount = json!({ "amount": "671220.00", "currency": "CNY" });
    let paid = over(step(owed), json!({ "amount": amount, "reference": "ICBC-1" }));
    clerk.done("reportSupplierPayment", "payable { id }", paid).await;
    assert_eq!(kinds(&clerk).await, [""; 0], "what is paid is to be paid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_that_is_over_waits_to_be_opened_and_what_is_answered_or_given_up_for_nobody() {
    let desk = Desk::new().await;
    let rfq = desk.published_rfq().await;
    let asked = json!({ "rfqId": rfq["id"], "text": "尺寸?" });
    desk.supplier(0).await.done("askRfqQuestion", "", asked).await;
    let purchaser = desk.purchaser().await;
    assert_eq!(task(&purchaser, "ANSWER_QUESTION").await["nodeId"], rfq["id"]);
    let asked = desk.one(&purchaser, "rfq", &rfq["id"], "questions { nodes { id } }").await;
    let answer = json!({ "questionId": asked["questions"]["nodes"][0]["id"], "answer": "2 x 3 m", "publish": true });
    purchaser.done("answerRfqQuestion", "", answer).await;
    assert_eq!(kinds(&purchaser).await, [""; 0], "an answered question waits on");
    desk.quoted(0, &rfq, &["10.00", "20.00"]).await;
    // The deadline is over, and the clock has opened nothing yet.
    desk.wait(Duration::hours(73));
    let purchaser = desk.purchaser().await;
    let open = task(&purchaser, "OPEN_BIDS").await;
    assert_eq!((&open["nodeId"], &open["overdue"]), (&rfq["id"], &json!(true)));
    assert_eq!(kinds(&desk.supplier(1).await).await, [""; 0], "nobody can quote any more");
    purchaser.done("openBids", "", json!({ "id": rfq["id"] })).await;
    assert_eq!(kinds(&purchaser).await, ["AWARD_RFQ"]);
    let read = desk.one(&purchaser, "rfq", &rfq["id"], "id version").await;
    let given_up = over(step(&read), json!({ "reason": "不再需要" }));
    purchaser.done("cancelRfq", "", given_up).await;
    assert_eq!(kinds(&purchaser).await, [""; 0], "what was given up is to be awarded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_waits_for_the_buyer_and_a_debit_note_for_whoever_keeps_the_suppliers_books() {
    let desk = Desk::new().await;
    let (purchaser, supplier) = (desk.purchaser().await, desk.supplier(0).await);
    let order = desk.sent_order(&[line(100, "10.00")]).await;
    let later = json!({ "lineId": line_id(&order, 0), "neededOn": desk.day(30) });
    let proposal = over(step(&order), json!({ "lines": [later], "note": "原料紧张" }));
    let order = desk.stepped("proposeOrderChange", &supplier, proposal).await;
    assert_eq!(kinds(&supplier).await, [""; 0], "whoever proposes waits for the other side");
    assert_eq!(task(&purchaser, "SETTLE_CHANGE").await["nodeId"], order["id"]);
    assert_eq!(kinds(&desk.receiver().await).await, [""; 0]);
    let agreed = over(step(&order), json!({ "agree": true }));
    let order = desk.stepped("settleOrderChange", &purchaser, agreed).await;
    assert_eq!(kinds(&purchaser).await, [""; 0], "what is settled waits on");
    assert_eq!(kinds(&supplier).await, ["ACKNOWLEDGE_ORDER"]);
    let clerk = desk.suppliers_as(0, MemberRole::AccountsClerk).await;
    assert_eq!(kinds(&clerk).await, [""; 0], "an order waits for who keeps the books");
    let order = desk.stepped("acknowledgePurchaseOrder", &supplier, step(&order)).await;

    desk.received(&order, &[(0, 100)]).await;
    let invoice = desk.invoiced(&order, "INV-1", &[(0, 100, "10.00")]).await;
    let lines = json!([{ "lineId": line_id(&invoice, 0), "quantity": 1 }]);
    let note = json!({ "invoiceId": invoice["id"], "expectedVersion": invoice["version"], "reason": "QUALITY",
        "lines": lines });
    let note = desk.clerk().await.done("issueDebitNote", "debitNote { id version number }", note).await;
    let note = &note["debitNote"];
    for client in [&supplier, &clerk] {
        let waits = task(client, "ANSWER_DEBIT_NOTE").await;
        assert_eq!((&waits["nodeId"], &waits["number"]), (&note["id"], &note["number"]));
    }
    assert_eq!(kinds(&desk.suppliers_as(0, MemberRole::CatalogManager).await).await, [""; 0]);
    assert_eq!(kinds(&desk.supplier(1).await).await, [""; 0], "a debit note waits for another supplier");
    clerk.done("answerDebitNote", "", over(step(note), json!({ "answer": "ACKNOWLEDGE" }))).await;
    assert_eq!(kinds(&supplier).await, [""; 0], "what is answered waits on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_waits_when_it_was_sent_back_and_not_while_it_is_written() {
    let desk = Desk::new().await;
    let purchaser = desk.purchaser().await;
    let draft = desk.drafted(0, &[line(100, "10.00")]).await;
    assert_eq!(kinds(&purchaser).await, [""; 0], "what is being written waits");
    let order = desk.stepped("submitPurchaseOrder", &purchaser, step(&draft)).await;
    assert_eq!(kinds(&purchaser).await, [""; 0]);
    let reject = json!({ "id": order["id"], "decision": "REJECT", "comment": "太贵" });
    let order = desk.stepped("decidePurchaseApproval", &desk.approver(1).await, reject).await;
    let waits = task(&purchaser, "SUBMIT_ORDER").await;
    assert_eq!((&waits["nodeId"], &waits["otherSide"]["id"]), (&order["id"], &desk.suppliers[0]));
    for client in [desk.clerk().await, desk.supplier(0).await] {
        assert_eq!(kinds(&client).await, [""; 0], "a draft waits for who cannot submit it");
    }
    desk.stepped("submitPurchaseOrder", &purchaser, step(&order)).await;
    assert_eq!(kinds(&purchaser).await, [""; 0], "what is submitted waits on");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_disputed_waits_to_be_settled_and_not_to_be_paid() {
    let desk = Desk::new().await;
    let order = desk.acknowledged_order(&[line(100, "10.00")]).await;
    desk.received(&order, &[(0, 100)]).await;
    desk.approved_invoice(&desk.invoiced(&order, "INV-1", &[(0, 100, "10.00")]).await).await;
    desk.wait(Duration::days(25));
    let clerk = desk.clerk().await;
    assert_eq!(kinds(&clerk).await, ["PAY_INVOICE"]);
    let owed = clerk.data("{ payables(first: 10) { nodes { id version } } }", json!({})).await;
    let owed = &owed["payables"]["nodes"][0];
    let dispute = over(step(owed), json!({ "reason": "颜色不对" }));
    let disputed = clerk.done("disputePayable", "payable { id version }", dispute).await["payable"].clone();
    assert_eq!(kinds(&clerk).await, ["SETTLE_DISPUTE"], "what is disputed is to be paid");
    let waits = task(&clerk, "SETTLE_DISPUTE").await;
    assert_eq!((&waits["nodeId"], &waits["otherSide"]["id"]), (&owed["id"], &desk.suppliers[0]));
    assert_eq!(kinds(&desk.receiver().await).await, [""; 0], "a dispute waits for who cannot settle it");
    assert_eq!(kinds(&desk.supplier(0).await).await, [""; 0]);
    let note = over(step(&disputed), json!({ "note": "与样品一致" }));
    clerk.done("settlePayableDispute", "payable { id }", note).await;
    assert_eq!(kinds(&clerk).await, ["PAY_INVOICE"], "what is settled is to be paid");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agreement_waits_for_its_supplier_and_then_for_an_approver_who_did_not_write_it() {
    let desk = Desk::new().await;
    let (purchaser, owner, supplier) = (desk.purchaser().await, desk.owner().await, desk.supplier(0).await);
    let tiers = json!([{ "minQuantity": 1, "price": { "amount": "12.00", "currency": "CNY" } }]);
    let line = json!({ "variantId": desk.variants[0], "description": "藏毯", "unit": "032", "tiers": tiers });
    let content = json!({
        "kind": "PRICE_ONLY",
        "title": "年度地毯协议",
        "currency": "CNY",
        "incoterm": "DDP",
        "namedPlace": "西宁",
        "paymentDays": 30,
        "validFrom": desk.day(0),
        "validTo": desk.day(60),
        "lines": [line],
    });
    for (maker, others) in [(&purchaser, 1), (&owner, 0)] {
        let selection = "supplyAgreement { id version }";
        let input = json!({ "supplierId": desk.suppliers[0], "content": content });
        let made = maker.done("createSupplyAgreement", selection, input).await;
        assert_eq!(kinds(&supplier).await, [""; 0], "a draft waits for its supplier");
        let made = maker.done("offerSupplyAgreement", selection, step(&made["supplyAgreement"])).await;
        assert_eq!(kinds(&supplier).await, ["ACCEPT_AGREEMENT"]);
        let made = supplier.done("acceptSupplyAgreement", selection, step(&made["supplyAgreement"])).await;
        assert_eq!(kinds(&supplier).await, [""; 0], "what is agreed to waits on");
        let made = &made["supplyAgreement"];
        let approver = desk.approver(1).await;
        assert_eq!(task(&approver, "ACTIVATE_AGREEMENT").await["nodeId"], made["id"]);
        assert_eq!(kinds(&purchaser).await, [""; 0], "a purchaser puts nothing into force");
        assert_eq!(kinds(&owner).await.len(), others, "its own agreement waits for whoever wrote it");
        approver.done("activateSupplyAgreement", "", step(made)).await;
        assert_eq!((kinds(&approver).await.len(), kinds(&owner).await.len()), (0, 0), "it is in force");
    }
}

/// A subscription that stays open.
async fn watching(client: &Client, query: &str, variables: &Value) -> Events {
    let sent = client.request(reqwest::Method::POST, "/graphql").header("accept", "text/event-stream");
    Events::of(sent.json(&json!({ "query": query, "variables": variables })).send().await.unwrap())
}

/// What it tells next; none when it is silent for some of its looks.
async fn told(events: &mut Events) -> Option<Value> {
    let next = tokio::time::timeout(std::time::Duration::from_secs(4), events.next()).await.ok()?;
    Some(serde_json::from_str(&next.expect("an event").1).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_watches_a_request_learns_of_another_quotation_only_as_its_buyer() {
    let desk = Desk::new().await;
    let rfq = desk.published_rfq().await;
    let (query, id) = ("subscription($id: ID!) { rfqProgress(id: $id) { version } }", json!({ "id": rfq["id"] }));
    let mut buyer = watching(&desk.purchaser().await, query, &id).await;
    let mut rival = watching(&desk.supplier(1).await, query, &id).await;
    assert!(told(&mut buyer).await.is_some() && told(&mut rival).await.is_some(), "what it is now is told at once");
    desk.quoted(0, &rfq, &["10.00", "20.00"]).await;
    assert!(told(&mut buyer).await.is_some(), "the buyer learns that there is one more");
    assert_eq!(told(&mut rival).await, None, "a rival learns that somebody has quoted");
    let more = over(step(&rfq), json!({ "deadline": desk.moment(96) }));
    desk.purchaser().await.done("extendRfqDeadline", "", more).await;
    assert!(told(&mut rival).await.is_some(), "what its buyer changes is told");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_tasks_is_told_and_again_when_it_changed() {
    let desk = Desk::new().await;
    let watch = "subscription { myTaskCount }";
    assert_eq!(desk.supplier(0).await.first_event(watch, json!({})).await["data"]["myTaskCount"], 0);
    let rfq = desk.published_rfq().await;
    assert_eq!(desk.supplier(0).await.first_event(watch, json!({})).await["data"]["myTaskCount"], 1);
    let progress = "subscription($id: ID!) { rfqProgress(id: $id) { state quotationCount } }";
    let id = json!({ "id": rfq["id"] });
    let seen = desk.purchaser().await.first_event(progress, id.clone()).await;
    assert_eq!(seen["data"]["rfqProgress"], json!({ "state": "PUBLISHED", "quotationCount": 0 }));
    let seen = desk.supplier(0).await.first_event(progress, id.clone()).await;
    assert_eq!(seen["data"]["rfqProgress"], json!({ "state": "PUBLISHED", "quotationCount": null }));
    let stranger = desk.market.server.seller("muqu-dairy").await;
    assert_eq!(stranger.first_event(progress, id).await["data"]["rfqProgress"], Value::Null);
    let order = desk.submitted(0, &[line(1, "10.00")]).await;
    let progress = "subscription($id: ID!) { purchaseOrderProgress(id: $id) { state } }";
    let id = json!({ "id": order["id"] });
    let seen = desk.purchaser().await.first_event(progress, id.clone()).await;
    assert_eq!(seen["data"]["purchaseOrderProgress"]["state"], "PENDING_APPROVAL");
    let seen = desk.supplier(0).await.first_event(progress, id).await;
    assert_eq!(seen["data"]["purchaseOrderProgress"], Value::Null, "a supplier watches what was not sent to it");
}

/// Of which nodes an organisation was reminded, oldest first.
async fn reminded(desk: &Desk, slug: &str) -> Vec<Value> {
    let db = desk.app().db().read();
    let audience: OrganisationId = api::party::ops::organisation_by_slug(db, slug).await.unwrap().unwrap().id;
    let rows = feed_entry::Entity::find()
        .filter(feed_entry::Column::AudienceId.eq(audience))
        .filter(feed_entry::Column::Event.eq(EventKind::ProcurementReminded))
        .order_by_asc(feed_entry::Column::Seq);
    rows.all(db).await.unwrap().into_iter().map(|row| row.node.into()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lets_something_wait_is_reminded_once_for_each_time() {
    let desk = Desk::new().await;
    let rfq = desk.published_rfq().await;
    desk.quoted(0, &rfq, &["10.00", "20.00"]).await;
    desk.supplier(1).await.done("declineRfq", "", json!({ "id": rfq["id"] })).await;
    desk.swept().await;
    assert_eq!(reminded(&desk, SUPPLIERS[2]).await, [Value::Null; 0], "there are three days left");
    desk.wait(Duration::hours(49));
    // Two nodes look at the same moment, and one of them once more.
    let other = desk.market.server.second_node().await;
    let swept = tokio::join!(jobs::sweep(desk.app(), desk.now()), jobs::sweep(&other, desk.now()));
    assert!(swept.0.is_ok() && swept.1.is_ok(), "{swept:?}");
    desk.swept().await;
    for (slug, times) in [(BUYER, 1), (SUPPLIERS[0], 1), (SUPPLIERS[1], 0), (SUPPLIERS[2], 1)] {
        let expected = vec![rfq["id"].clone(); times];
        assert_eq!(reminded(&desk, slug).await, expected, "{slug}: whoever quoted is reminded like who did not");
    }
    // An order that is sent, not answered, and then late.
    let order = desk.sent_to(1, &[line(10, "10.00")]).await;
    desk.swept().await;
    assert_eq!(reminded(&desk, SUPPLIERS[1]).await, [Value::Null; 0]);
    desk.wait(Duration::hours(25));
    desk.swept().await;
    assert_eq!(reminded(&desk, SUPPLIERS[1]).await, vec![order["id"].clone(); 1], "it has not answered for a day");
    desk.wait(Duration::hours(25));
    desk.swept().await;
    assert_eq!(reminded(&desk, SUPPLIERS[1]).await, vec![order["id"].clone(); 2], "and another one");
    let order = desk.order(&order).await;
    desk.supplier(1).await.done("acknowledgePurchaseOrder", "purchaseOrder { id }", step(&order)).await;
    desk.wait(Duration::days(10));
    desk.swept().await;
    assert_eq!(reminded(&desk, SUPPLIERS[1]).await.len(), 2, "it is not due yet");
    desk.wait(Duration::days(12));
    desk.swept().await;
    desk.swept().await;
    assert_eq!(reminded(&desk, SUPPLIERS[1]).await.len(), 3, "it is late");
    let buyer = reminded(&desk, BUYER).await;
    assert_eq!(buyer.last(), Some(&order["id"]), "the buyer hears of it, too");
    desk.received(&order, &[(0, 10)]).await;
    desk.wait(Duration::days(3));
    desk.swept().await;
    assert_eq!(reminded(&desk, SUPPLIERS[1]).await.len(), 3, "it has come");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_that_does_not_match_is_reminded_of_until_it_is_settled() {
    let desk = Desk::new().await;
    let order = desk.acknowledged_order(&[line(20, "10.00")]).await;
    desk.received(&order, &[(0, 10)]).await;
    let invoice = desk.invoiced(&order, "INV-1", &[(0, 11, "10.00")]).await;
    assert_eq!(invoice["state"], "EXCEPTION");
    desk.swept().await;
    assert_eq!(reminded(&desk, BUYER).await, [Value::Null; 0], "it does not match since a moment");
    for times in 1..=2 {
        desk.wait(Duration::days(1) + Duration::minutes(1));
        desk.swept().await;
        desk.swept().await;
        assert_eq!(reminded(&desk, BUYER).await, vec![invoice["id"].clone(); times]);
    }
    assert_eq!(reminded(&desk, SUPPLIERS[0]).await, [Value::Null; 0], "its supplier is reminded of it");
    let reject = over(step(&invoice), json!({ "reason": "数量不符" }));
    desk.clerk().await.done("rejectSupplierInvoice", "", reject).await;
    desk.wait(Duration::days(2));
    desk.swept().await;
    assert_eq!(reminded(&desk, BUYER).await.len(), 2, "it is settled");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_schedule_one_is_reminded_of_what_should_be_here_by_now() {
    let desk = Desk::new().await;
    let mut input = desk.ordering(0, &[line(100, "10.00")], json!({}));
    let due = |days: i64, quantity: i64| json!({ "on": desk.day(days), "quantity": quantity });
    input["lines"][0]["schedule"] = json!([due(5, 60), due(15, 40)]);
    let purchaser = desk.purchaser().await;
    let order = desk.stepped("createPurchaseOrder", &purchaser, input).await;
    let order = desk.stepped("submitPurchaseOrder", &purchaser, step(&order)).await;
    let order = desk.approve(&order).await;
    let order = desk.stepped("sendPurchaseOrder", &purchaser, step(&order)).await;
    let order = desk.stepped("acknowledgePurchaseOrder", &desk.supplier(0).await, step(&order)).await;
    let due = task(&desk.receiver().await, "RECEIVE_GOODS").await;
    assert!(due["dueAt"].as_str().unwrap().starts_with("2026-03-06T16:00:00"), "its first part is due first: {due}");
    desk.received(&order, &[(0, 60)]).await;
    let due = kinds(&desk.receiver().await).await;
    assert_eq!(due, [""; 0], "its second part is due in fifteen days");
    desk.wait(Duration::days(8));
    desk.swept().await;
    assert_eq!(reminded(&desk, SUPPLIERS[0]).await, [Value::Null; 0], "all that was due is here");
    desk.wait(Duration::days(8));
    desk.swept().await;
    desk.swept().await;
    for slug in [BUYER, SUPPLIERS[0]] {
        assert_eq!(reminded(&desk, slug).await, vec![order["id"].clone(); 1], "{slug}: its second part is late");
    }
}
