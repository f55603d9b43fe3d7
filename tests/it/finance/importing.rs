//! What is brought along: a batch is taken as a whole, one invoice is one receivable, and a debtor's word is final.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{Desk, RECEIVABLE, amounts, asked, batch, brought, imported, over, refusals, seen, yuan};
use crate::procurement::step;

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_sums_do_not_hold_is_not_taken_at_all() {
    let desk = Desk::new().await;
    let seller = desk.supplier(0).await;
    let row = |number: &str, amount: &str| brought(&desk, &desk.buyer, number, amount);
    let two = [row("A-1", "100.00"), row("A-2", "50.50")];
    let dollars = over(row("A-2", "50.50"), json!({ "amount": { "amount": "50.50", "currency": "USD" } }));
    for (input, expected) in [
        (batch(&two, "150.49"), vec![("CONTROL_SUM_MISMATCH", "controlSum")]),
        (over(batch(&two, "150.50"), json!({ "itemCount": 3 })), vec![("CONTROL_SUM_MISMATCH", "itemCount")]),
        (batch(&[], "0.00"), vec![("REQUIRED", "items")]),
        (batch(&[two[0].clone(), dollars], "150.50"), vec![("INVALID_CURRENCY", "items.1.amount.currency")]),
        (
            batch(
                &[two[0].clone(), over(two[1].clone(), json!({ "invoiceNo": "a-1", "amount": yuan("100.00") }))],
                "200.00",
            ),
            vec![("DUPLICATE_INVOICE", "items.1.invoiceNo")],
        ),
        (
            batch(&[over(two[0].clone(), json!({ "dueDate": desk.day(356) }))], "100.00"),
            vec![("OUT_OF_RANGE", "items.0.dueDate")],
        ),
        (
            batch(
                &[over(two[0].clone(), json!({ "issueDate": desk.day(1), "invoiceNo": "", "waybills": [" "] }))],
                "100.00",
            ),
            vec![
                ("INVALID_INVOICE_NUMBER", "items.0.invoiceNo"),
                ("INVALID_VALUE", "items.0.issueDate"),
                ("REQUIRED", "items.0.waybills.0"),
            ],
        ),
        (
            batch(&[over(two[0].clone(), json!({ "invoiceKind": "VAT", "invoiceNo": "12345678" }))], "100.00"),
            vec![("REQUIRED", "items.0.invoiceCode")],
        ),
        (
            batch(&[over(two[0].clone(), json!({ "partyId": desk.suppliers[0] }))], "100.00"),
            vec![("INVALID_VALUE", "items.0.partyId")],
        ),
        (
            batch(&[over(two[0].clone(), json!({ "partyId": null, "uscc": "91630103MA75AE4A45" }))], "100.00"),
            vec![("INVALID_USCC", "items.0.uscc")],
        ),
        (
            batch(&[over(two[0].clone(), json!({ "uscc": "91630105MA75PB350Q" }))], "100.00"),
            vec![("REQUIRED", "items.0.partyId")],
        ),
    ] {
        assert_eq!(seller.refused("importReceivables", input.clone()).await, refusals(&expected), "{input}");
    }
    let none = seller.data("{ receivables { nodes { id } } }", json!({})).await;
    assert_eq!(none["receivables"]["nodes"], json!([]), "a part of a refused batch was taken");
    let input = over(batch(&two, "150.50"), json!({ "clientMutationId": "batch-1" }));
    let selection = format!("receivables {{ {RECEIVABLE} }}");
    let done = seller.done("importReceivables", &selection, input.clone()).await["receivables"].clone();
    assert_eq!(json!([done[0]["source"], done[0]["performed"]]), json!(["IMPORTED", false]));
    assert_eq!(
        seller.done("importReceivables", &selection, input).await["receivables"],
        done,
        "a repeat is another batch"
    );
    let clerk = desk.suppliers_as(0, entities::party::MemberRole::CatalogManager).await;
    assert_eq!(clerk.denied("importReceivables", batch(&two, "150.50")).await, "FORBIDDEN");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_debtor_uploads_is_confirmed_at_once_also_what_the_seller_brought_along() {
    let desk = Desk::new().await;
    let (owner, seller) = (desk.owner().await, desk.supplier(0).await);
    let selection =
        format!("receivables {{ {RECEIVABLE} confirmations {{ result waiverOfDefences statement statementSha256 }} }}");
    let waiting = asked(&desk, "B-1", "80.00").await;
    let free = imported(&desk, "B-2", "90.00").await;
    let items = [
        brought(&desk, &desk.suppliers[0], "b-1", "80.00"),
        brought(&desk, &desk.suppliers[0], "B-2", "90.00"),
        over(
            brought(&desk, &desk.suppliers[0], "B-3", "100.00"),
            json!({ "partyId": null, "uscc": "91630103MA75AE4A44" }),
        ),
    ];
    let done = owner.done("uploadPayables", &selection, batch(&items, "270.00")).await["receivables"].clone();
    assert_eq!((&done[0]["id"], &done[1]["id"]), (&waiting["id"], &free["id"]), "one invoice is two receivables");
    for (n, expected) in [("IMPORTED", "80.00"), ("IMPORTED", "90.00"), ("UPLOADED", "100.00")].iter().enumerate() {
        let row = &done[n];
        assert_eq!(
            json!([row["source"], row["confirmed"]["amount"], row["confirmationStatus"], row["performed"]]),
            json!([expected.0, expected.1, "CONFIRMED", true])
        );
        let said = &row["confirmations"][0];
        assert_eq!(json!([said["result"], said["waiverOfDefences"]]), json!(["CONFIRMED", true]));
        let text = said["statement"].as_str().unwrap();
        assert_eq!(said["statementSha256"], api::platform::vault::sha256_hex(text.as_bytes()));
        assert!(text.contains(&format!("\"amount\":\"{}\"", expected.1)), "{text}");
        assert_eq!(seen(&desk, &seller, row).await["confirmationStatus"], "CONFIRMED");
    }
    let again = owner.refused("uploadPayables", batch(&items[2..], "100.00")).await;
    assert_eq!(again, refusals(&[("DUPLICATE_INVOICE", "items.0.invoiceNo")]));
    let clerk = desk.clerk().await.denied("uploadPayables", batch(&items[2..], "100.00")).await;
    assert_eq!(clerk, "FORBIDDEN", "who records invoices signs for the debtor");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_off_a_receivable_is_told_once_and_can_be_taken_back_once() {
    let desk = Desk::new().await;
    let (seller, clerk) = (desk.supplier(0).await, desk.clerk().await);
    let row = asked(&desk, "C-1", "100.00").await;
    let selection = format!("receivable {{ {RECEIVABLE} }}");
    let saying = |of: &Value, kind: &str, amount: &str, reference: &str| {
        over(step(of), json!({ "kind": kind, "amount": yuan(amount), "reference": reference }))
    };
    let row = seller.done("recordReceivableEvent", &selection, saying(&row, "CREDIT_NOTE", "10.00", "CN-1")).await["receivable"].clone();
    let row =
        clerk.done("recordReceivableEvent", &selection, saying(&row, "SET_OFF", "5.00", "SO-1")).await["receivable"]
            .clone();
    let row =
        clerk.done("recordReceivableEvent", &selection, saying(&row, "PAYMENT", "40.00", "ICBC-9")).await["receivable"]
            .clone();
    assert_eq!(amounts(&row), ["100.00", "10.00", "40.00", "5.00", "45.00"]);
    for (client, input, expected) in [
        (&clerk, saying(&row, "PAYMENT", "1.00", "ICBC-9"), ("ALREADY_TAKEN", "reference")),
        (&clerk, saying(&row, "PAYMENT", "45.01", "ICBC-10"), ("OUT_OF_RANGE", "amount")),
        (&clerk, saying(&row, "CREDIT_NOTE", "1.00", "CN-2"), ("ILLEGAL_TRANSITION", "kind")),
        (&seller, saying(&row, "SET_OFF", "1.00", "SO-2"), ("ILLEGAL_TRANSITION", "kind")),
        (
            &seller,
            over(saying(&row, "PAYMENT", "1.00", "X"), json!({ "expectedVersion": 1 })),
            ("STALE_VERSION", "expectedVersion"),
        ),
    ] {
        assert_eq!(client.refused("recordReceivableEvent", input).await, refusals(&[expected]));
    }
    let back = |of: &Value, kind: &str, reference: &str| {
        over(step(of), json!({ "kind": kind, "reference": reference, "reason": "another invoice was meant" }))
    };
    let row =
        clerk.done("withdrawReceivableEvent", &selection, back(&row, "PAYMENT", "ICBC-9")).await["receivable"].clone();
    assert_eq!(amounts(&row), ["100.00", "10.00", "0.00", "5.00", "85.00"]);
    for (input, expected) in [
        (back(&row, "PAYMENT", "ICBC-9"), ("ALREADY_TAKEN", "reference")),
        (back(&row, "PAYMENT", "ICBC-1"), ("NOT_FOUND", "reference")),
        (back(&row, "CREDIT_NOTE", "CN-1"), ("ILLEGAL_TRANSITION", "kind")),
    ] {
        assert_eq!(clerk.refused("withdrawReceivableEvent", input).await, refusals(&[expected]));
    }
    let paying = saying(&row, "PAYMENT", "1.00", "ICBC-12");
    let paid = clerk.done("recordReceivableEvent", &selection, paying).await["receivable"].clone();
    let by_seller = seller.refused("withdrawReceivableEvent", back(&paid, "PAYMENT", "ICBC-12")).await;
    assert_eq!(by_seller, refusals(&[("ILLEGAL_TRANSITION", "kind")]), "a seller takes back what its debtor paid");
    let taking = back(&paid, "PAYMENT", "ICBC-12");
    let row = clerk.done("withdrawReceivableEvent", &selection, taking).await["receivable"].clone();
    // Who waived its defences sets nothing off.
    let owner = desk.owner().await;
    let row = owner
        .done("confirmReceivables", &format!("receivables {{ {RECEIVABLE} }}"), super::confirming(&row, "85.00"))
        .await["receivables"][0]
        .clone();
    assert_eq!(
        clerk.refused("recordReceivableEvent", saying(&row, "SET_OFF", "1.00", "SO-3")).await,
        refusals(&[("ILLEGAL_TRANSITION", "kind")])
    );
    let row = seller.done("recordReceivableEvent", &selection, saying(&row, "PAYMENT", "85.00", "ICBC-11")).await["receivable"].clone();
    assert_eq!(json!([row["commercialStatus"], row["fundable"]["amount"]]), json!(["PAID", "0.00"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_invoice_that_both_sides_bring_along_at_once_is_one_receivable() {
    let desk = Desk::new().await;
    let (seller, owner) = (desk.supplier(0).await, desk.owner().await);
    let sold = batch(&[brought(&desk, &desk.buyer, "D-1", "10.00")], "10.00");
    let bought = batch(&[brought(&desk, &desk.suppliers[0], "D-1", "10.00")], "10.00");
    let tasks = (0..24).map(|n| {
        let (client, mutation, input) = if n % 2 == 0 {
            (seller.clone(), "importReceivables", sold.clone())
        } else {
            (owner.clone(), "uploadPayables", bought.clone())
        };
        tokio::spawn(async move { client.payload(mutation, "receivables { id }", input).await })
    });
    let mut ids = std::collections::BTreeSet::new();
    for answer in join_all(tasks).await {
        let answer = answer.unwrap();
        let errors = answer["userErrors"].as_array().unwrap();
        if errors.is_empty() {
            ids.insert(answer["receivables"][0]["id"].to_string());
        } else {
            assert_eq!(errors[0]["code"], "DUPLICATE_INVOICE", "{answer}");
        }
    }
    assert_eq!(ids.len(), 1, "one invoice is {} receivables", ids.len());
    let all = seller.data("{ receivables { nodes { confirmationStatus } } }", json!({})).await;
    assert_eq!(all["receivables"]["nodes"], json!([{ "confirmationStatus": "CONFIRMED" }]));
}
