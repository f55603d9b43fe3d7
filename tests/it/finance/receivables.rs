//! Receivables for matched invoices: they come with what is owed and follow it, both sides see one truth.

use entities::finance::receivable;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};
use serde_json::{Value, json};

use super::{BUYER, Desk, RECEIVABLE, SUPPLIERS, amounts, batch, brought, over, refusals, seen, yuan};
use crate::{
    procurement::{line, statements::statements, step},
    support::Client,
};

/// An order of a hundred at ten yuan, all of it accepted, billed and approved: 1,130.00. What is owed for it.
async fn owed(desk: &Desk) -> Value {
    let order = desk.acknowledged_order(&[line(100, "10.00")]).await;
    desk.received(&order, &[(0, 100)]).await;
    let input = desk.invoicing(&order, "INV-1", &[(0, 100, "10.00")], json!({}));
    let clerk = desk.clerk().await;
    let invoice = clerk.done("recordSupplierInvoice", "supplierInvoice { id version }", input).await;
    let selection = "payable { id version }";
    clerk.done("approveSupplierInvoice", selection, step(&invoice["supplierInvoice"])).await["payable"].clone()
}

async fn kinds(desk: &Desk, client: &Client, row: &Value) -> Vec<String> {
    let events = desk.one(client, "receivable", &row["id"], "events(first: 100) { nodes { kind } }").await;
    let nodes = events["events"]["nodes"].as_array().unwrap().clone();
    nodes.iter().map(|one| one["kind"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_paid_on_an_approved_invoice_is_paid_on_the_receivable_too() {
    let desk = Desk::new().await;
    let payable = owed(&desk).await;
    let seller = desk.supplier(0).await;
    let row = desk.one(&seller, "receivable", &payable["id"], RECEIVABLE).await;
    assert_eq!(
        json!([
            row["source"],
            row["commercialStatus"],
            row["confirmationStatus"],
            row["encumbranceStatus"],
            row["performed"]
        ]),
        json!(["MATCHED_INVOICE", "OPEN", "NONE", "FREE", true])
    );
    assert_eq!(amounts(&row), ["1130.00", "0.00", "0.00", "0.00", "1130.00"]);
    // By its own id it is the same, as a node too.
    assert_eq!(seen(&desk, &seller, &row).await, row);
    let node = seller.data("query($id: ID!) { node(id: $id) { id __typename } }", json!({ "id": row["id"] })).await;
    assert_eq!(node["node"], json!({ "id": row["id"], "__typename": "Receivable" }));

    let clerk = desk.clerk().await;
    let paying = over(step(&payable), json!({ "amount": yuan("130.00"), "reference": "ICBC-1" }));
    let paid = clerk.done("reportSupplierPayment", "payable { id version }", paying).await["payable"].clone();
    let row = seen(&desk, &seller, &row).await;
    assert_eq!(
        (amounts(&row)[2], amounts(&row)[4], &row["commercialStatus"]),
        ("130.00", "1000.00", &json!("PARTLY_PAID"))
    );
    let disputing = over(step(&paid), json!({ "reason": "the colour is another" }));
    clerk.done("disputePayable", "payable { id }", disputing).await;
    let row = seen(&desk, &seller, &row).await;
    assert_eq!(row["disputed"], true);
    assert_eq!(kinds(&desk, &seller, &row).await, ["CREATED", "PAID", "DISPUTED"]);

    // What is said of it is said of what the buyer owes, and nowhere else.
    let saying = over(step(&row), json!({ "kind": "PAYMENT", "amount": yuan("1.00"), "reference": "X" }));
    assert_eq!(seller.refused("recordReceivableEvent", saying).await, refusals(&[("ILLEGAL_TRANSITION", "id")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_debtor_sees_a_receivable_from_when_it_is_asked_and_nobody_else_does() {
    let desk = Desk::new().await;
    let payable = owed(&desk).await;
    let seller = desk.supplier(0).await;
    let row = desk.one(&seller, "receivable", &payable["id"], RECEIVABLE).await;
    let buyer = desk.owner().await;
    let listed = "{ receivables(filter: { side: DEBTOR }) { nodes { id } } }";
    assert_eq!(seen(&desk, &buyer, &row).await, Value::Null);
    assert_eq!(buyer.data(listed, json!({})).await["receivables"]["nodes"], json!([]));
    let input = json!({ "receivableIds": [row["id"]], "days": 5 });
    seller.done("requestConfirmation", "receivables { id }", input).await;
    assert_eq!(seen(&desk, &buyer, &row).await["confirmationStatus"], "REQUESTED");
    assert_eq!(buyer.data(listed, json!({})).await["receivables"]["nodes"], json!([{ "id": row["id"] }]));
    assert_eq!(
        buyer.data("{ receivables { nodes { id } } }", json!({})).await["receivables"]["nodes"],
        json!([]),
        "what is owed is shown as what is to come"
    );
    let other = desk.supplier(1).await;
    assert_eq!(seen(&desk, &other, &row).await, Value::Null, "{SUPPLIERS:?} and {BUYER}");
    assert_eq!(seen(&desk, &desk.auditor().await, &row).await["id"], row["id"]);
    for (mutation, input) in [
        ("requestConfirmation", json!({ "receivableIds": [row["id"]] })),
        ("recallConfirmation", step(&row)),
        ("rejectConfirmation", over(step(&row), json!({ "reason": "x" }))),
        ("disputeReceivable", over(step(&row), json!({ "reason": "x" }))),
    ] {
        let refused = other.refused(mutation, input).await;
        assert_eq!(refused[0].0, "NOT_FOUND", "{mutation} by a stranger");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispute_of_a_matched_invoice_is_one_of_the_payable_too() {
    let desk = Desk::new().await;
    let payable = owed(&desk).await;
    let seller = desk.supplier(0).await;
    let row = desk.one(&seller, "receivable", &payable["id"], RECEIVABLE).await;
    let input = json!({ "receivableIds": [row["id"]] });
    let selection = format!("receivables {{ {RECEIVABLE} }}");
    let row = seller.done("requestConfirmation", &selection, input).await["receivables"][0].clone();
    let owner = desk.owner().await;
    let input = over(step(&row), json!({ "reason": "two are torn", "amount": yuan("22.60") }));
    let selection = format!("receivable {{ {RECEIVABLE} }}");
    let row = owner.done("disputeReceivable", &selection, input.clone()).await["receivable"].clone();
    assert_eq!(json!([row["confirmationStatus"], row["disputed"]]), json!(["DISPUTED", true]));
    assert_eq!(desk.one(&owner, "payable", &payable["id"], "disputed").await["disputed"], true);
    assert_eq!(owner.refused("disputeReceivable", input).await, refusals(&[("STALE_VERSION", "expectedVersion")]));
    let input =
        over(step(&row), json!({ "outcome": "CONFIRMED", "amount": yuan("1107.40"), "note": "without the two" }));
    let row = owner.done("settleReceivableDispute", &selection, input).await["receivable"].clone();
    assert_eq!(
        json!([row["confirmationStatus"], row["disputed"], row["confirmed"]["amount"], row["fundable"]["amount"]]),
        json!(["PARTIAL", false, "1107.40", "1107.40"])
    );
    assert_eq!(desk.one(&owner, "payable", &payable["id"], "disputed").await["disputed"], false);
    assert_eq!(
        kinds(&desk, &seller, &row).await,
        ["CREATED", "CONFIRMATION_REQUESTED", "DISPUTED", "SETTLED", "PARTLY_CONFIRMED"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_disputed_where_it_is_owed_is_not_confirmed_and_may_be_settled_there() {
    let desk = Desk::new().await;
    let payable = owed(&desk).await;
    let (seller, owner, clerk) = (desk.supplier(0).await, desk.owner().await, desk.clerk().await);
    let row = desk.one(&seller, "receivable", &payable["id"], RECEIVABLE).await;
    let input = json!({ "receivableIds": [row["id"]] });
    seller.done("requestConfirmation", "receivables { id }", input).await;
    let disputing = over(step(&payable), json!({ "reason": "one is missing" }));
    clerk.done("disputePayable", "payable { id }", disputing).await;
    let row = seen(&desk, &owner, &row).await;
    let refused = owner.refused("confirmReceivables", super::confirming(&row, "1130.00")).await;
    assert_eq!(refused, refusals(&[("ILLEGAL_TRANSITION", "items.0.id")]), "what is disputed is confirmed");
    let payable = desk.one(&clerk, "payable", &payable["id"], "id version").await;
    clerk.done("settlePayableDispute", "payable { id }", over(step(&payable), json!({ "note": "it is here" }))).await;
    let row = seen(&desk, &owner, &row).await;
    let input = over(step(&row), json!({ "reason": "another is torn" }));
    let selection = format!("receivable {{ {RECEIVABLE} }}");
    owner.done("disputeReceivable", &selection, input).await;
    let payable = desk.one(&clerk, "payable", &payable["id"], "id version").await;
    clerk.done("settlePayableDispute", "payable { id }", over(step(&payable), json!({ "note": "mended" }))).await;
    let row = seen(&desk, &owner, &row).await;
    assert_eq!(json!([row["disputed"], row["confirmationStatus"]]), json!([false, "DISPUTED"]));
    let input = over(step(&row), json!({ "outcome": "CONFIRMED", "note": "as it is" }));
    let row = owner.done("settleReceivableDispute", &selection, input).await["receivable"].clone();
    assert_eq!(json!([row["confirmationStatus"], row["fundable"]["amount"]]), json!(["CONFIRMED", "1130.00"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_that_the_seller_brought_along_before_is_one_receivable_with_the_approved_one() {
    let desk = Desk::new().await;
    let seller = desk.supplier(0).await;
    // The same number, day and amount as the invoice that is approved later.
    let early = over(
        brought(&desk, &desk.buyer, "inv-1", "1130.00"),
        json!({ "issueDate": desk.day(0), "dueDate": desk.day(30) }),
    );
    let selection = format!("receivables {{ {RECEIVABLE} }}");
    let early =
        seller.done("importReceivables", &selection, batch(&[early], "1130.00")).await["receivables"][0].clone();
    let input = json!({ "receivableIds": [early["id"]] });
    let early = seller.done("requestConfirmation", &selection, input).await["receivables"][0].clone();
    let payable = owed(&desk).await;
    let row = desk.one(&seller, "receivable", &payable["id"], RECEIVABLE).await;
    assert_eq!(row["id"], early["id"], "one invoice is two receivables");
    assert_eq!(
        json!([row["source"], row["confirmationStatus"], row["performed"]]),
        json!(["MATCHED_INVOICE", "REQUESTED", true])
    );
    assert_ne!(row["evidenceSha256"], early["evidenceSha256"]);
    let all = seller.data("{ receivables { nodes { id } } }", json!({})).await;
    assert_eq!(all["receivables"]["nodes"], json!([{ "id": row["id"] }]));
    // And the other way round it is refused.
    let again = over(
        brought(&desk, &desk.buyer, "INV-1", "1130.00"),
        json!({ "issueDate": desk.day(0), "dueDate": desk.day(30) }),
    );
    let again = seller.refused("importReceivables", batch(&[again], "1130.00")).await;
    assert_eq!(again, refusals(&[("DUPLICATE_INVOICE", "items.0.invoiceNo")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_to_a_receivable_is_never_changed_and_no_more_comes_off_it_than_it_has() {
    let desk = Desk::new().await;
    owed(&desk).await;
    let db = desk.app().db().writer();
    let event = receivable::event::Entity::find().one(db).await.unwrap().unwrap();
    let forged = receivable::event::Model { amount_minor: 1, ..event }.into_active_model().reset_all();
    assert!(receivable::event::Entity::update(forged).exec(db).await.is_err(), "an event was changed");
    assert!(receivable::event::Entity::delete_many().exec(db).await.is_err(), "events were deleted");
    let row = receivable::Entity::find().one(db).await.unwrap().unwrap();
    let over = receivable::Model { paid_minor: row.face_minor + 1, ..row }.into_active_model().reset_all();
    assert!(receivable::Entity::update(over).exec(db).await.is_err(), "more was paid than was owed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_receivables_asks_as_often_whatever_its_length() {
    let desk = Desk::new().await;
    let seller = desk.supplier(0).await;
    let query = "{ receivables(first: 50) { nodes { id debtor { slug } seller { slug } invoice { id } evidence \
         documents { role } confirmations { result account { id } } } } }";
    let mut counted = Vec::new();
    for n in 0..2_usize {
        let many: Vec<Value> =
            (0..n * 20 + 2).map(|m| brought(&desk, &desk.buyer, &format!("N-{n}-{m}"), "10.00")).collect();
        let sum = format!("{}.00", many.len() * 10);
        let done = seller.done("importReceivables", "receivables { id }", batch(&many, &sum)).await;
        let ids: Vec<&Value> = done["receivables"].as_array().unwrap().iter().map(|row| &row["id"]).collect();
        seller.done("requestConfirmation", "receivables { id }", json!({ "receivableIds": ids })).await;
        counted.push(statements(&seller, query, &json!({})).await.0);
    }
    assert_eq!(counted[0], counted[1], "a longer page asks more often");
}
