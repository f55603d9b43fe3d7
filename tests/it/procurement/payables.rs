//! What is owed for approved invoices, and from the supplier's side what is to come: its amounts, its evidence, and who
//! sees what of it.

use api::platform::{graphql::decode, vault::sha256_hex};
use async_graphql::ID;
use chrono::Duration;
use entities::{
    party::MemberRole,
    procurement::{
        matching,
        payable::{self, event},
    },
    values::id::PayableId,
};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};
use serde_json::{Value, json};

use super::{BUYER, Desk, SUPPLIERS, line, line_id, over, step};
use crate::support::Client;

fn refusals(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(code, field)| ((*code).to_owned(), (*field).to_owned())).collect()
}

const PAYABLE: &str = "id version revision state disputed overdue dueDate face { amount } credited { amount } \
     paid { amount } outstanding { amount } evidenceSha256";

fn yuan(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "CNY" })
}

/// An order of a hundred, all of it accepted and billed; answers with the invoice and what is owed for it: 1,130.00.
async fn owed(desk: &Desk) -> (Value, Value) {
    let order = desk.acknowledged_order(&[line(100, "10.00")]).await;
    desk.received(&order, &[(0, 60)]).await;
    desk.received(&order, &[(0, 40)]).await;
    let input = desk.invoicing(&order, "INV-1", &[(0, 100, "10.00")], json!({ "waybills": ["SF1"] }));
    let clerk = desk.clerk().await;
    let done = clerk.done("recordSupplierInvoice", "supplierInvoice { id version state }", input).await;
    let invoice = done["supplierInvoice"].clone();
    let selection =
        format!("supplierInvoice {{ id version state lines {{ nodes {{ id }} }} }} payable {{ {PAYABLE} }}");
    let done = clerk.done("approveSupplierInvoice", &selection, step(&invoice)).await;
    (done["supplierInvoice"].clone(), done["payable"].clone())
}

async fn paid(client: &Client, payable: &Value, amount: &str, reference: &str) -> Value {
    let input = over(step(payable), json!({ "amount": yuan(amount), "reference": reference }));
    let selection = format!("payable {{ {PAYABLE} }}");
    client.done("reportSupplierPayment", &selection, input).await["payable"].clone()
}

fn amounts(payable: &Value) -> Vec<&str> {
    ["face", "credited", "paid", "outstanding"].iter().map(|name| payable[*name]["amount"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approved_invoice_is_owed_until_it_is_paid_and_each_payment_counts_once() {
    let desk = Desk::new().await;
    let (invoice, payable) = owed(&desk).await;
    assert_eq!((&invoice["state"], &payable["state"]), (&json!("APPROVED"), &json!("OPEN")));
    assert_eq!(amounts(&payable), ["1130.00", "0.00", "0.00", "1130.00"]);
    assert_eq!((&payable["dueDate"], &payable["overdue"]), (&json!(desk.day(30)), &json!(false)));
    let clerk = desk.clerk().await;
    let twice = clerk.refused("approveSupplierInvoice", step(&invoice)).await;
    assert_eq!(twice, refusals(&[("ILLEGAL_TRANSITION", "id")]));
    let first = paid(&clerk, &payable, "130.00", "ICBC-1").await;
    assert_eq!(
        (amounts(&first), &first["state"]),
        (vec!["1130.00", "0.00", "130.00", "1000.00"], &json!("PARTLY_PAID"))
    );
    let paying = |of: &Value, amount: Value, reference: &str| {
        over(step(of), json!({ "amount": amount, "reference": reference }))
    };
    for (input, expected) in [
        // Reported again, whatever was read.
        (paying(&payable, yuan("130.00"), "ICBC-1"), ("ALREADY_TAKEN", "reference")),
        (paying(&payable, yuan("1.00"), "ICBC-2"), ("STALE_VERSION", "expectedVersion")),
        (paying(&first, yuan("1000.01"), "ICBC-2"), ("OUT_OF_RANGE", "amount")),
        (paying(&first, yuan("0.00"), "ICBC-2"), ("OUT_OF_RANGE", "amount")),
        (
            paying(&first, json!({ "amount": "1.00", "currency": "USD" }), "ICBC-2"),
            ("INVALID_CURRENCY", "amount.currency"),
        ),
        (paying(&first, yuan("1.00"), " "), ("REQUIRED", "reference")),
    ] {
        assert_eq!(clerk.refused("reportSupplierPayment", input).await, refusals(&[expected]));
    }
    let supplier = desk.supplier(0).await;
    let theirs = supplier.refused("reportSupplierPayment", paying(&first, yuan("1.00"), "X")).await;
    assert_eq!(theirs, refusals(&[("NOT_FOUND", "id")]), "a supplier says itself that it was paid");
    let receiver = desk.receiver().await.denied("reportSupplierPayment", paying(&first, yuan("1.00"), "X")).await;
    assert_eq!(receiver, "FORBIDDEN");

    // A dispute neither pays nor hides anything.
    let reason = over(step(&first), json!({ "reason": "the colour is another" }));
    let selection = format!("payable {{ {PAYABLE} }}");
    let disputed = clerk.done("disputePayable", &selection, reason.clone()).await["payable"].clone();
    assert_eq!((&disputed["disputed"], amounts(&disputed)), (&json!(true), amounts(&first)));
    let again = over(reason, json!({ "expectedVersion": disputed["version"] }));
    assert_eq!(clerk.refused("disputePayable", again).await, refusals(&[("ILLEGAL_TRANSITION", "id")]));
    let note = over(step(&disputed), json!({ "note": "it is as ordered" }));
    let settled = clerk.done("settlePayableDispute", &selection, note).await["payable"].clone();

    desk.wait(Duration::days(31));
    let clerk = desk.clerk().await;
    let late = desk.one(&clerk, "payable", &payable["id"], PAYABLE).await;
    assert_eq!(late["overdue"], true);
    let last = paid(&clerk, &settled, "1000.00", "ICBC-2").await;
    assert_eq!((&last["state"], &last["overdue"]), (&json!("PAID"), &json!(false)));
    let of = desk.one(&clerk, "supplierInvoice", &invoice["id"], "state payable { id }").await;
    assert_eq!((&of["state"], &of["payable"]["id"]), (&json!("PAID"), &payable["id"]));
    let log =
        desk.one(&clerk, "payable", &payable["id"], "events { nodes { kind amount { amount } reference by } }").await;
    let log: Vec<Value> = log["events"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| json!([one["kind"], one["amount"]["amount"], one["reference"]]))
        .collect();
    assert_eq!(
        log,
        [
            json!(["CREATED", "1130.00", null]),
            json!(["PAID", "130.00", "ICBC-1"]),
            json!(["DISPUTED", "0.00", null]),
            json!(["SETTLED", "0.00", null]),
            json!(["PAID", "1000.00", "ICBC-2"]),
        ]
    );
    let open = clerk.data("{ payables(filter: { side: BUYER, open: true }) { nodes { id } } }", json!({})).await;
    assert_eq!(open["payables"]["nodes"], json!([]));
    let closed = clerk.data("{ payables(filter: { side: BUYER, open: false }) { nodes { id } } }", json!({})).await;
    assert_eq!(closed["payables"]["nodes"], json!([{ "id": payable["id"] }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receivable_is_the_suppliers_with_evidence_that_anyone_can_hash_again() {
    let desk = Desk::new().await;
    let (invoice, payable) = owed(&desk).await;
    let supplier = desk.supplier(0).await;
    let shown = "id version revision state outstanding { amount } dueDate evidence evidenceSha256 previousSha256 \
         documents { role number revision sha256 } debtor { id } seller { id } invoice { id } \
         events { nodes { kind by } }";
    let receivable = desk.one(&supplier, "receivable", &payable["id"], shown).await;
    assert_eq!((&receivable["debtor"]["id"], &receivable["seller"]["id"]), (&desk.buyer, &desk.suppliers[0]));
    assert_eq!(receivable["outstanding"]["amount"], "1130.00");
    let text = receivable["evidence"].as_str().unwrap();
    assert_eq!(receivable["evidenceSha256"], sha256_hex(text.as_bytes()), "the evidence has another hash");
    let evidence: Value = serde_json::from_str(text).unwrap();
    let order = evidence["orders"][0].clone();
    assert!(order["number"].as_str().unwrap().starts_with("PO") && order["sha256"].as_str().unwrap().len() == 64);
    assert_eq!(evidence["receipts"].as_array().unwrap().len(), 2);
    let accepted: Vec<&Value> =
        evidence["receipts"].as_array().unwrap().iter().map(|one| &one["lines"][0]["accepted"]).collect();
    assert!(accepted.contains(&&json!("60")) && accepted.contains(&&json!("40")), "{accepted:?}");
    assert_eq!(
        json!([
            evidence["invoice"]["number"],
            evidence["invoice"]["total"],
            evidence["waybills"],
            evidence["seller"]["uscc"]
        ]),
        json!(["INV-1", "1130.00", ["SF1"], "91630103MA75AE4A44"])
    );
    let roles: Vec<&Value> = receivable["documents"].as_array().unwrap().iter().map(|one| &one["role"]).collect();
    assert_eq!(roles, ["PO", "GRN", "GRN", "INVOICE", "MATCH"]);
    let log =
        desk.one(&supplier, "supplierInvoice", &invoice["id"], "match { sha256 madeBy } approvedBy recordedBy").await;
    assert_eq!(evidence["matched"]["sha256"], log["match"]["sha256"]);
    assert_eq!(
        json!([log["match"]["madeBy"], log["approvedBy"], log["recordedBy"], receivable["events"]["nodes"][0]["by"]]),
        json!([null, null, null, null]),
        "a supplier learns who works at its buyer's"
    );
    assert!(!text.contains("person:") && !text.contains("dev:"), "the evidence names people: {text}");

    // Whoever oversees sees it; another supplier does not, and to the buyer it is a payable and no receivable.
    for (client, sees) in [
        (desk.auditor().await, true),
        (desk.operator().await, true),
        (desk.supplier(1).await, false),
        (desk.clerk().await, false),
        (desk.suppliers_as(0, MemberRole::AccountsClerk).await, true),
    ] {
        assert_eq!(!desk.one(&client, "receivable", &payable["id"], "id").await.is_null(), sees);
        let all = client.data("{ receivables { nodes { id } } }", json!({})).await;
        assert_eq!(!all["receivables"]["nodes"].as_array().unwrap().is_empty(), sees);
    }
    assert_eq!(
        desk.supplier(1).await.data("{ payables { nodes { id } } }", json!({})).await["payables"]["nodes"],
        json!([])
    );

    // Finance reads it by a key of its own.
    let app = desk.app();
    let id: PayableId = decode(&ID(payable["id"].as_str().unwrap().to_owned()), "id").unwrap();
    let row = payable::Entity::find_by_id(id).one(app.db().read()).await.unwrap().unwrap();
    assert_eq!(row.fingerprint.len(), 64);
    let text = "v1|91630103MA75AE4A44|91630105MA75PB350Q|INV-1|2026-03-01|CNY|113000";
    assert_eq!(row.fingerprint, app.vault().lookup("receivable", text), "{SUPPLIERS:?} and {BUYER}");
    // What happened, and how it fitted, nobody changes: not even below the schema.
    let written = event::Entity::find().one(app.db().writer()).await.unwrap().unwrap();
    let forged = event::Model { amount_minor: 1, ..written }.into_active_model().reset_all();
    assert!(event::Entity::update(forged).exec(app.db().writer()).await.is_err(), "an event was changed");
    let fitted = matching::Entity::delete_many().exec(app.db().writer()).await;
    assert!(fitted.is_err(), "a match was deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_debit_note_on_what_is_owed_lowers_it_and_adds_to_the_evidence() {
    let desk = Desk::new().await;
    let (invoice, payable) = owed(&desk).await;
    let clerk = desk.clerk().await;
    let note = |invoice: &Value, more: Value| {
        let of = over(json!({ "lineId": line_id(invoice, 0) }), more);
        json!({ "invoiceId": invoice["id"], "expectedVersion": invoice["version"], "reason": "QUALITY", "lines": [of] })
    };
    let of_note =
        "debitNote { id version number total { amount } invoice { id version state lines { nodes { id } } } }";
    let first =
        clerk.done("issueDebitNote", of_note, note(&invoice, json!({ "quantity": 10 }))).await["debitNote"].clone();
    assert_eq!(first["total"]["amount"], "113.00");
    let after = desk.one(&clerk, "payable", &payable["id"], PAYABLE).await;
    assert_eq!((amounts(&after), &after["revision"]), (vec!["1130.00", "113.00", "0.00", "1017.00"], &json!(2)));
    let supplier = desk.supplier(0).await;
    let shown = "evidence evidenceSha256 previousSha256";
    let receivable = desk.one(&supplier, "receivable", &payable["id"], shown).await;
    assert_eq!(receivable["previousSha256"], payable["evidenceSha256"], "the evidence before is not named");
    let text = receivable["evidence"].as_str().unwrap();
    assert_eq!(receivable["evidenceSha256"], sha256_hex(text.as_bytes()));
    let evidence: Value = serde_json::from_str(text).unwrap();
    let off = json!([{ "number": first["number"], "total": "113.00", "reason": "QUALITY" }]);
    assert_eq!(evidence["debitNotes"], off);
    // What is owed is not taken back by a note that is; what is bad was delivered all the same, and is billed.
    assert_eq!(clerk.refused("cancelDebitNote", step(&first)).await, refusals(&[("ILLEGAL_TRANSITION", "id")]));
    let lines = desk.one(&clerk, "supplierInvoice", &invoice["id"], "lines { nodes { claimed debited } }").await;
    assert_eq!(lines["lines"]["nodes"], json!([{ "claimed": 100, "debited": 0 }]), "it may be billed twice");
    // Each revision of the evidence is there, and names the one before in what is hashed.
    let events = "events { nodes { kind evidenceSha256 evidence } }";
    let log = desk.one(&supplier, "receivable", &payable["id"], events).await["events"]["nodes"].clone();
    let mut before = Value::Null;
    for (n, (one, kind)) in log.as_array().unwrap().iter().zip(["CREATED", "CREDITED"]).enumerate() {
        let text = one["evidence"].as_str().expect("the evidence of a revision");
        assert_eq!((&one["kind"], &one["evidenceSha256"]), (&json!(kind), &json!(sha256_hex(text.as_bytes()))));
        let said: Value = serde_json::from_str(text).unwrap();
        assert_eq!((&said["revision"], &said["previous"]), (&json!((n + 1).to_string()), &before));
        before = one["evidenceSha256"].clone();
    }
    assert_eq!(before, receivable["evidenceSha256"]);
    let theirs = desk.one(&clerk, "payable", &payable["id"], events).await["events"]["nodes"].clone();
    assert_eq!(theirs[0]["evidence"], Value::Null, "evidence is the supplier's");
    // No more is taken off than is left to pay.
    let half = paid(&clerk, &after, "1000.00", "ICBC-1").await;
    let late = clerk.refused("issueDebitNote", note(&first["invoice"], json!({ "quantity": 10 }))).await;
    assert_eq!(late, refusals(&[("OUT_OF_RANGE", "lines")]));
    let rest = json!({ "amount": yuan("15.04") });
    clerk.done("issueDebitNote", of_note, note(&first["invoice"], rest)).await;
    let left = desk.one(&clerk, "payable", &payable["id"], PAYABLE).await;
    // 15.04 and 1.96 of tax: 17.00 are off, and nothing is left.
    assert_eq!((amounts(&left), &left["state"]), (vec!["1130.00", "130.00", "1000.00", "0.00"], &json!("PAID")));
    assert_eq!(half["revision"], 2);
    let of = desk.one(&clerk, "supplierInvoice", &invoice["id"], "state").await;
    assert_eq!(of["state"], "PAID");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_that_is_taken_back_is_no_evidence_any_more() {
    let desk = Desk::new().await;
    let order = desk.acknowledged_order(&[line(100, "10.00")]).await;
    let kept = desk.received(&order, &[(0, 60)]).await;
    let wrong = desk.received(&order, &[(0, 40)]).await;
    let invoice = desk.invoiced(&order, "INV-1", &[(0, 60, "10.00")]).await;
    let selection = format!("payable {{ {PAYABLE} }}");
    let clerk = desk.clerk().await;
    let payable = clerk.done("approveSupplierInvoice", &selection, step(&invoice)).await["payable"].clone();
    let reversing = over(step(&wrong), json!({ "reason": "录错单" }));
    desk.receiver().await.done("reverseGoodsReceipt", "", reversing).await;
    let after = desk.one(&clerk, "payable", &payable["id"], PAYABLE).await;
    assert_eq!((&after["revision"], amounts(&after)), (&json!(2), amounts(&payable)));
    let supplier = desk.supplier(0).await;
    let shown = "evidence evidenceSha256 previousSha256 events { nodes { kind amount { amount } reference } }";
    let receivable = desk.one(&supplier, "receivable", &payable["id"], shown).await;
    assert_eq!(receivable["previousSha256"], payable["evidenceSha256"]);
    let evidence: Value = serde_json::from_str(receivable["evidence"].as_str().unwrap()).unwrap();
    let numbers: Vec<&Value> =
        evidence["receipts"].as_array().unwrap().iter().map(|receipt| &receipt["number"]).collect();
    assert_eq!(numbers, [&kept["number"]], "a receipt that does not count is evidence");
    assert_eq!((&evidence["revision"], &evidence["previous"]), (&json!("2"), &payable["evidenceSha256"]));
    let last = json!({ "kind": "CORRECTED", "amount": { "amount": "0.00" }, "reference": wrong["number"] });
    assert_eq!(receivable["events"]["nodes"][1], last);
    desk.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_was_reported_wrongly_is_taken_back_once_and_owed_again() {
    let desk = Desk::new().await;
    let (invoice, payable) = owed(&desk).await;
    let clerk = desk.clerk().await;
    let first = paid(&clerk, &payable, "130.00", "ICBC-1").await;
    let all = paid(&clerk, &first, "1000.00", "ICBC-2").await;
    assert_eq!(all["state"], "PAID");
    let withdrawing =
        |of: &Value, reference: &str, reason: &str| over(step(of), json!({ "reference": reference, "reason": reason }));
    let mutation = "withdrawSupplierPayment";
    for (input, expected) in [
        (withdrawing(&all, "ICBC-3", "x"), ("NOT_FOUND", "reference")),
        (withdrawing(&all, "ICBC-2", " "), ("REQUIRED", "reason")),
        (withdrawing(&first, "ICBC-2", "x"), ("STALE_VERSION", "expectedVersion")),
    ] {
        assert_eq!(clerk.refused(mutation, input).await, refusals(&[expected]));
    }
    let theirs = desk.supplier(0).await.refused(mutation, withdrawing(&all, "ICBC-2", "x")).await;
    assert_eq!(theirs, refusals(&[("NOT_FOUND", "id")]));
    let receiver = desk.receiver().await.denied(mutation, withdrawing(&all, "ICBC-2", "x")).await;
    assert_eq!(receiver, "FORBIDDEN");
    let selection = format!("payable {{ {PAYABLE} }}");
    let back = clerk.done(mutation, &selection, withdrawing(&all, "ICBC-2", "it was another's")).await;
    let back = back["payable"].clone();
    assert_eq!((amounts(&back), &back["state"]), (vec!["1130.00", "0.00", "130.00", "1000.00"], &json!("PARTLY_PAID")));
    let of = desk.one(&clerk, "supplierInvoice", &invoice["id"], "state").await;
    assert_eq!(of["state"], "APPROVED", "what is owed counts as paid");
    let twice = clerk.refused(mutation, withdrawing(&back, "ICBC-2", "x")).await;
    assert_eq!(twice, refusals(&[("ALREADY_TAKEN", "reference")]), "a payment is taken back twice");
    let log = desk.one(&clerk, "payable", &payable["id"], "events { nodes { kind amount { amount } note } }").await;
    let last = json!({ "kind": "WITHDRAWN", "amount": { "amount": "1000.00" }, "note": "it was another's" });
    assert_eq!(log["events"]["nodes"][3], last);
    let right = paid(&clerk, &back, "1000.00", "ICBC-4").await;
    assert_eq!(right["state"], "PAID");
    let of = desk.one(&clerk, "supplierInvoice", &invoice["id"], "state").await;
    assert_eq!(of["state"], "PAID");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_is_not_due_sooner_than_its_order_says() {
    let desk = Desk::new().await;
    let order = desk.acknowledged_order(&[line(100, "10.00")]).await;
    desk.received(&order, &[(0, 100)]).await;
    let clerk = desk.clerk().await;
    // Thirty days are agreed.
    for (number, said, expected) in [("D-1", 5, 30), ("D-2", 45, 45)] {
        let more = json!({ "dueDate": desk.day(said) });
        let input = desk.invoicing(&order, number, &[(0, 1, "10.00")], more);
        let done = clerk.done("recordSupplierInvoice", "supplierInvoice { id version }", input).await;
        let selection = "payable { dueDate }";
        let done = clerk.done("approveSupplierInvoice", selection, step(&done["supplierInvoice"])).await;
        assert_eq!(done["payable"]["dueDate"], desk.day(expected), "{number}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sees_the_papers_of_a_receivable_comes_to_the_same_hashes() {
    let desk = Desk::new().await;
    let order = desk.acknowledged_order(&[line(100, "10.00")]).await;
    // What hangs on the order is evidence as well.
    let contract = b"%PDF-1.7 contract".to_vec();
    let (purchaser, hash) = (desk.purchaser().await, sha256_hex(&contract));
    let file = json!({ "subjectId": order["id"], "name": "合同.pdf", "mediaType": "application/pdf",
        "sha256": hash, "size": contract.len() });
    let file = purchaser.done("attachProcurementFile", "file { path }", file).await["file"].clone();
    let brought = purchaser.request(reqwest::Method::POST, file["path"].as_str().unwrap()).body(contract);
    assert_eq!(brought.send().await.unwrap().status().as_u16(), 204);
    let receipt = desk.received(&order, &[(0, 60)]).await;
    let invoice = desk.invoiced(&order, "INV-1", &[(0, 60, "10.00")]).await;
    let done = desk.clerk().await.done("approveSupplierInvoice", "payable { id }", step(&invoice)).await;
    let supplier = desk.supplier(0).await;
    let documents = "documents { role number sha256 mediaType }";
    let shown = desk.one(&supplier, "receivable", &done["payable"]["id"], documents).await;
    let of = |role: &str, n: usize| {
        let all = shown["documents"].as_array().unwrap().iter().filter(|one| one["role"] == role);
        all.map(|one| one["sha256"].clone()).nth(n).expect("a document")
    };
    let said = desk.one(&supplier, "goodsReceipt", &receipt["id"], "canonical").await;
    assert_eq!(of("GRN", 0), sha256_hex(said["canonical"].as_str().unwrap().as_bytes()));
    let said = desk.one(&supplier, "supplierInvoice", &invoice["id"], "linesCanonical").await;
    assert_eq!(of("INVOICE", 0), sha256_hex(said["linesCanonical"].as_str().unwrap().as_bytes()));
    assert_eq!(of("PO", 1), sha256_hex(b"%PDF-1.7 contract"));
}
