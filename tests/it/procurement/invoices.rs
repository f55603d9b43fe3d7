//! Invoices of suppliers: recorded whether or not they fit, held against what was ordered and accepted, approved only
//! when they fit; numbers that come twice, tolerances, what somebody lets through, what is taken off.

use entities::party::MemberRole;
use serde_json::{Value, json};

use super::{Desk, INVOICE, Line, line, line_id, over, step};
use crate::support::Client;

fn refusals(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(code, field)| ((*code).to_owned(), (*field).to_owned())).collect()
}

const FITS: &str = "passed issues totalVariance { amount } taxExpected { amount } \
     lines { position issues quantityOver overPpm priceVariance { amount } pricePpm }";

/// Records an invoice; answers with it and with how it fits.
async fn recorded(client: &Client, input: Value) -> (Value, Value) {
    let selection = format!("supplierInvoice {{ {INVOICE} }} match {{ {FITS} }}");
    let done = client.done("recordSupplierInvoice", &selection, input).await;
    (done["supplierInvoice"].clone(), done["match"].clone())
}

/// A receipt of which some are accepted and the others rejected.
async fn looked_at(desk: &Desk, order: &Value, accepted: i64, rejected: i64) -> Value {
    let mut of = json!({ "orderLineId": line_id(order, 0), "delivered": accepted + rejected, "accepted": accepted });
    if rejected > 0 {
        of = over(of, json!({ "rejected": rejected, "reason": "DAMAGED" }));
    }
    let input = desk.receiving(order, &[], json!({ "lines": [of] }));
    let selection = format!("goodsReceipt {{ {} }}", super::RECEIPT);
    desk.receiver().await.done("postGoodsReceipt", &selection, input).await["goodsReceipt"].clone()
}

async fn stepped(client: &Client, mutation: &str, invoice: &Value, more: Value) -> Value {
    let selection = format!("supplierInvoice {{ {INVOICE} }}");
    client.done(mutation, &selection, over(step(invoice), more)).await["supplierInvoice"].clone()
}

async fn again(desk: &Desk, invoice: &Value) -> Value {
    desk.one(&desk.clerk().await, "supplierInvoice", &invoice["id"], INVOICE).await
}

/// Accepted and billed of the first line of an order.
async fn billed(desk: &Desk, order: &Value) -> (i64, i64) {
    let of = desk.order(order).await["lines"]["nodes"][0].clone();
    (of["accepted"].as_i64().unwrap(), of["billed"].as_i64().unwrap())
}

async fn tolerating(desk: &Desk, more: Value) -> Value {
    let done = desk.owner().await.done("setMatchTolerance", "matchTolerance { id version }", more).await;
    done["matchTolerance"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_are_billed_where_fifty_eight_are_good_and_a_dearer_price_is_within_two_per_cent() {
    let desk = Desk::new().await;
    tolerating(&desk, json!({ "tolerance": { "pricePpm": 20_000 } })).await;
    let order = desk.acknowledged_order(&[line(100, "10.00")]).await;
    let clerk = desk.clerk().await;
    looked_at(&desk, &order, 58, 2).await;
    let (first, fits) = recorded(&clerk, desk.invoicing(&order, "INV-1", &[(0, 60, "10.00")], json!({}))).await;
    assert_eq!((&first["state"], &fits["passed"]), (&json!("EXCEPTION"), &json!(false)));
    let of = &fits["lines"][0];
    assert_eq!(
        json!([of["issues"], of["quantityOver"], of["overPpm"]]),
        json!([["QUANTITY"], 2, 34_483]),
        "two of sixty are too many, which is 3.45 %"
    );
    assert_eq!(billed(&desk, &order).await, (58, 0), "what does not fit claims something");
    let refused = clerk.payload("approveSupplierInvoice", "", step(&first)).await["userErrors"][0].clone();
    assert_eq!((&refused["code"], &refused["field"]), (&json!("MATCH_EXCEPTION"), &json!(["id"])));
    assert_eq!(refused["details"], json!([{ "name": "lines", "value": "1" }]));

    looked_at(&desk, &order, 40, 0).await;
    let (second, fits) = recorded(&clerk, desk.invoicing(&order, "INV-2", &[(0, 40, "10.15")], json!({}))).await;
    assert_eq!(second["state"], "MATCHED", "{fits}");
    assert_eq!(
        json!([
            fits["lines"][0]["priceVariance"]["amount"],
            fits["totalVariance"]["amount"],
            fits["lines"][0]["pricePpm"]
        ]),
        json!(["6.00", "6.00", 15_000])
    );
    assert_eq!(billed(&desk, &order).await, (98, 40));

    // The first one comes again with what was good; its number is free for it.
    let more = json!({ "correctsId": first["id"] });
    let (third, fits) = recorded(&clerk, desk.invoicing(&order, "INV-1", &[(0, 58, "10.00")], more)).await;
    assert_eq!(third["state"], "MATCHED", "{fits}");
    assert_eq!(again(&desk, &first).await["state"], "SUPERSEDED");
    assert_eq!(billed(&desk, &order).await, (98, 98));
    let (more, fits) = recorded(&clerk, desk.invoicing(&order, "INV-3", &[(0, 1, "10.00")], json!({}))).await;
    assert_eq!((&more["state"], &fits["lines"][0]["quantityOver"]), (&json!("EXCEPTION"), &json!(1)));
    assert_eq!(desk.order(&order).await["billingStatus"], "FULL", "all that was accepted is billed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_most_specific_tolerance_is_taken_along_when_an_order_is_made() {
    let desk = Desk::new().await;
    let owner = desk.owner().await;
    let of = |ppm: i32| json!({ "tolerance": { "quantityPpm": ppm } });
    tolerating(&desk, of(10_000)).await;
    tolerating(&desk, over(of(20_000), json!({ "categoryId": desk.category }))).await;
    tolerating(&desk, over(of(30_000), json!({ "supplierId": desk.suppliers[0], "categoryId": desk.category }))).await;
    let own = tolerating(&desk, over(of(40_000), json!({ "variantId": desk.variants[0] }))).await;
    let order = desk.acknowledged_order(&[line(100, "10.00")]).await;
    // A later change is not this order's.
    tolerating(&desk, over(of(0), json!({ "variantId": desk.variants[0], "expectedVersion": own["version"] }))).await;
    let stale = over(of(1), json!({ "variantId": desk.variants[0], "expectedVersion": own["version"] }));
    assert_eq!(owner.refused("setMatchTolerance", stale).await, refusals(&[("STALE_VERSION", "expectedVersion")]));
    let both = over(of(1), json!({ "variantId": desk.variants[0], "categoryId": desk.category }));
    assert_eq!(owner.refused("setMatchTolerance", both).await, refusals(&[("INVALID_VALUE", "categoryId")]));
    let wrong = over(of(-1), json!({}));
    let refused = owner.refused("setMatchTolerance", wrong).await;
    assert_eq!(refused, refusals(&[("OUT_OF_RANGE", "tolerance.quantityPpm")]));
    assert_eq!(desk.clerk().await.denied("setMatchTolerance", of(1)).await, "FORBIDDEN");
    desk.received(&order, &[(0, 50)]).await;
    for (quantity, state) in [(53, "EXCEPTION"), (52, "MATCHED")] {
        let number = format!("T-{quantity}");
        assert_eq!(
            desk.invoiced(&order, &number, &[(0, quantity, "10.00")]).await["state"],
            state,
            "{quantity} of 50 and 4 %"
        );
    }
    // The rows are found, one for each scope, and go when they are taken away.
    let rows = owner.data("{ matchTolerances { nodes { id version variant { id } } } }", json!({})).await;
    let rows = rows["matchTolerances"]["nodes"].as_array().unwrap().clone();
    assert_eq!(rows.len(), 4);
    let row = rows.iter().find(|row| row["variant"]["id"] == desk.variants[0]).unwrap();
    owner.done("removeMatchTolerance", "matchTolerance { id }", step(row)).await;
    assert_eq!(owner.refused("removeMatchTolerance", step(row)).await, refusals(&[("NOT_FOUND", "id")]));
    let others = desk.supplier(0).await.data("{ matchTolerances { nodes { id } } }", json!({})).await;
    assert_eq!(others["matchTolerances"]["nodes"], json!([]), "a supplier reads its buyer's tolerances");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_comes_once_however_its_number_is_typed() {
    let desk = Desk::new().await;
    let order = desk.acknowledged_order(&[line(100, "10.00")]).await;
    let other = desk.sent_to(1, &[line(100, "10.00")]).await;
    let clerk = desk.clerk().await;
    let file = "a".repeat(64);
    let input = |number: &str, more: Value| desk.invoicing(&order, number, &[(0, 1, "10.00")], more);
    let (first, _) = recorded(&clerk, input("INV-2026-001", json!({ "fileSha256": file }))).await;
    let twice = refusals(&[("DUPLICATE_INVOICE", "invoiceNo")]);
    for number in ["INV-2026-001", "inv-2026-001", " ＩＮＶ-２０２６-００１ ", "INV - 2026 - 001"] {
        assert_eq!(clerk.refused("recordSupplierInvoice", input(number, json!({}))).await, twice, "{number}");
    }
    // From the other side as well: it is one invoice.
    let theirs = json!({ "supplierId": null, "buyerId": desk.buyer });
    let supplier = desk.supplier(0).await;
    assert_eq!(supplier.refused("recordSupplierInvoice", input("INV-2026-001", theirs)).await, twice);
    let file_again = input("INV-2026-002", json!({ "fileSha256": file.to_uppercase() }));
    let refused = clerk.payload("recordSupplierInvoice", "", file_again.clone()).await["userErrors"][0].clone();
    assert_eq!((&refused["code"], &refused["field"]), (&json!("DUPLICATE_INVOICE"), &json!(["fileSha256"])));
    assert_eq!(refused["details"], json!([{ "name": "number", "value": "INV-2026-001" }]));
    // Another year, another supplier: other invoices.
    recorded(&clerk, input("INV-2026-001", json!({ "issueDate": "2025-12-31" }))).await;
    let theirs = desk.invoicing(&other, "INV-2026-001", &[(0, 1, "10.00")], json!({ "supplierId": desk.suppliers[1] }));
    recorded(&clerk, theirs).await;
    // Once it is out of the way, its number and its file are free.
    stepped(&clerk, "rejectSupplierInvoice", &first, json!({ "reason": "typed wrong" })).await;
    recorded(&clerk, input("INV-2026-001", json!({}))).await;
    recorded(&clerk, file_again).await;

    // What the tax authority numbers is one invoice, whatever it was typed as and whenever it is said to be written.
    let (official, last_year) = ("26632000000012345678", json!({ "issueDate": "2025-12-31" }));
    recorded(&clerk, input(official, json!({ "kind": "DIGITAL_VAT" }))).await;
    let coded = json!({ "kind": "VAT", "invoiceCode": "1100231130" });
    recorded(&clerk, input("00777777", coded.clone())).await;
    recorded(&clerk, input("00888888", json!({}))).await;
    for (number, more) in [
        (official, json!({})),
        (official, last_year.clone()),
        (official, over(last_year.clone(), json!({ "kind": "DIGITAL_VAT" }))),
        ("266320000000123４５６⑦⑧", json!({})),
        ("00777777", over(last_year.clone(), coded.clone())),
        ("110023113000777777", last_year),
        // Without the code that it has, and with the one that was left out.
        ("00777777", json!({})),
        ("00888888", coded.clone()),
    ] {
        let refused = clerk.refused("recordSupplierInvoice", input(number, more.clone())).await;
        assert_eq!(refused, twice, "{number} {more}");
    }
    let another = json!({ "kind": "VAT", "invoiceCode": "1100231131" });
    recorded(&clerk, input("00777777", another)).await;

    // Numbers of their kinds.
    let digital = json!({ "kind": "DIGITAL_VAT" });
    recorded(&clerk, input("25632000000012345678", digital.clone())).await;
    let old = json!({ "kind": "VAT", "invoiceCode": "1100231130", "checkCode": "567890" });
    recorded(&clerk, input("00123456", old)).await;
    for (number, more, field) in [
        ("2563200000001234567", digital.clone(), "invoiceNo"),
        ("25632000000012345679", over(digital, json!({ "invoiceCode": "1100231130" })), "invoiceCode"),
        ("00123457", json!({ "kind": "VAT", "invoiceCode": "110023113" }), "invoiceCode"),
        ("", json!({}), "invoiceNo"),
    ] {
        let refused = clerk.refused("recordSupplierInvoice", input(number, more)).await;
        assert_eq!(refused, refusals(&[("INVALID_INVOICE_NUMBER", field)]), "{number}");
    }
    let uncoded = clerk.refused("recordSupplierInvoice", input("00123457", json!({ "kind": "VAT" }))).await;
    assert_eq!(uncoded, refusals(&[("REQUIRED", "invoiceCode")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn recording_is_refused_for_no_mismatch_and_approving_for_every_one() {
    let desk = Desk::new().await;
    let order = desk.acknowledged_order(&[line(100, "10.00")]).await;
    let draft = desk.drafted(0, &[line(100, "10.00")]).await;
    let other = desk.sent_to(1, &[line(100, "10.00")]).await;
    desk.received(&order, &[(0, 50)]).await;
    let untouched = desk.acknowledged_order(&[line(10, "10.00")]).await;
    let clerk = desk.clerk().await;
    let lines = |line: Value| json!({ "lines": [line] });
    let dollars = json!({ "amount": "10.00", "currency": "USD" });
    let one = |more: Value| {
        let price = json!({ "amount": "10.00", "currency": "CNY" });
        let of = json!({ "orderLineId": line_id(&order, 0), "quantity": 1, "price": price,
            "taxPpm": 130_000 });
        over(of, more)
    };
    let yuan = |amount: &str| json!({ "amount": amount, "currency": "CNY" });
    let cases = [
        ("NO_ORDER_LINE", &order, lines(one(json!({ "orderLineId": null }))), false),
        ("OTHER_SUPPLIER", &other, json!({}), false),
        ("OTHER_CURRENCY", &order, json!({ "currency": "USD", "lines": [one(json!({ "price": dollars }))] }), false),
        ("ORDER_NOT_OPEN", &draft, json!({}), false),
        ("NOTHING_ACCEPTED", &untouched, json!({}), true),
        ("QUANTITY", &order, lines(one(json!({ "quantity": 51 }))), true),
        ("PRICE", &order, lines(one(json!({ "price": yuan("10.01") }))), true),
        ("AMOUNT", &order, lines(one(json!({ "amount": yuan("10.01") }))), true),
        ("AMOUNT", &order, json!({ "total": yuan("11.31") }), true),
        ("TAX", &order, lines(one(json!({ "taxPpm": 90_000 }))), true),
        ("TAX", &order, json!({ "tax": yuan("1.31") }), true),
    ];
    for (n, (issue, of, more, passes)) in cases.into_iter().enumerate() {
        let input = desk.invoicing(of, &format!("E-{n}"), &[(0, 1, "10.00")], more);
        let (invoice, fits) = recorded(&clerk, input).await;
        let named =
            fits["lines"].as_array().unwrap().iter().flat_map(|line| line["issues"].as_array().unwrap().clone());
        let named: Vec<Value> = named.chain(fits["issues"].as_array().unwrap().clone()).collect();
        assert_eq!(invoice["state"], "EXCEPTION", "{issue}");
        assert!(named.contains(&json!(issue)), "{issue}: {fits}");
        let refused = clerk.refused("approveSupplierInvoice", step(&invoice)).await;
        assert_eq!(refused, refusals(&[("MATCH_EXCEPTION", "id")]), "{issue}");
        let reason = over(step(&invoice), json!({ "reason": "agreed by telephone" }));
        let approver = desk.approver(1).await;
        if passes {
            approver.done("overrideInvoiceMatch", "supplierInvoice { id }", reason).await;
        } else {
            let refused = approver.refused("overrideInvoiceMatch", reason).await;
            assert_eq!(refused, refusals(&[("MATCH_EXCEPTION", "id")]), "{issue} is let through");
        }
    }
    // What is no invoice of theirs is refused: a supplier names its own orders only, a line its own delivery.
    let supplier = desk.supplier(0).await;
    let theirs = json!({ "supplierId": null, "buyerId": desk.buyer });
    for of in [&other, &draft] {
        let refused =
            supplier.refused("recordSupplierInvoice", desk.invoicing(of, "S-1", &[(0, 1, "10.00")], theirs.clone()));
        assert_eq!(refused.await, refusals(&[("NOT_FOUND", "lines.0.orderLineId")]), "{of}");
    }
    let both = desk.invoicing(&order, "S-1", &[(0, 1, "10.00")], json!({ "buyerId": desk.buyer }));
    assert_eq!(clerk.refused("recordSupplierInvoice", both).await, refusals(&[("INVALID_VALUE", "supplierId")]));
    for (more, expected) in [
        (json!({ "lines": [] }), ("REQUIRED", "lines")),
        (lines(one(json!({ "quantity": 0 }))), ("OUT_OF_RANGE", "lines.0.quantity")),
        (lines(one(json!({ "taxPpm": 1_000_001 }))), ("OUT_OF_RANGE", "lines.0.taxPpm")),
        (
            lines(one(json!({ "price": { "amount": "1", "currency": "USD" } }))),
            ("INVALID_CURRENCY", "lines.0.price.currency"),
        ),
        (json!({ "issueDate": desk.day(2) }), ("OUT_OF_RANGE", "issueDate")),
        (json!({ "dueDate": desk.day(-1) }), ("OUT_OF_RANGE", "dueDate")),
        (json!({ "fileSha256": "abc" }), ("INVALID_VALUE", "fileSha256")),
    ] {
        let input = desk.invoicing(&order, "S-2", &[(0, 1, "10.00")], more);
        assert_eq!(clerk.refused("recordSupplierInvoice", input).await, refusals(&[expected]));
    }
    for role in [MemberRole::Purchaser, MemberRole::Receiver, MemberRole::Approver] {
        let input = desk.invoicing(&order, "S-3", &[(0, 1, "10.00")], json!({}));
        assert_eq!(desk.buyers(role).await.denied("recordSupplierInvoice", input).await, "FORBIDDEN", "{role:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_names_a_delivery_is_held_against_it_and_against_the_order() {
    let desk = Desk::new().await;
    let order = desk.acknowledged_order(&[line(100, "10.00")]).await;
    let first = desk.received(&order, &[(0, 40)]).await;
    let second = desk.received(&order, &[(0, 60)]).await;
    let other = desk.acknowledged_order(&[line(10, "10.00")]).await;
    let elsewhere = desk.received(&other, &[(0, 10)]).await;
    let clerk = desk.clerk().await;
    let naming = |number: &str, receipt: &Value, quantity: i64| {
        let of = json!({ "orderLineId": line_id(&order, 0), "receiptLineId": line_id(receipt, 0), "quantity": quantity,
            "price": { "amount": "10.00", "currency": "CNY" } });
        desk.invoicing(&order, number, &[], json!({ "lines": [of] }))
    };
    let foreign = clerk.refused("recordSupplierInvoice", naming("R-0", &elsewhere, 1)).await;
    assert_eq!(foreign, refusals(&[("NOT_FOUND", "lines.0.receiptLineId")]));
    // A hundred are accepted, and forty of them of the first delivery.
    let (_, fits) = recorded(&clerk, naming("R-1", &first, 41)).await;
    assert_eq!((&fits["lines"][0]["issues"], &fits["lines"][0]["quantityOver"]), (&json!(["QUANTITY"]), &json!(1)));
    let (paid, _) = recorded(&clerk, naming("R-2", &first, 40)).await;
    assert_eq!(paid["state"], "MATCHED", "the rate of tax is not that of the order where nothing is said");
    let (_, fits) = recorded(&clerk, naming("R-3", &first, 1)).await;
    assert_eq!(fits["lines"][0]["issues"], json!(["QUANTITY"]), "a delivery is billed twice");
    // Others bill the order's line, and then less is left of it than of the second delivery.
    assert_eq!(desk.invoiced(&order, "R-4", &[(0, 10, "10.00")]).await["state"], "MATCHED");
    let (_, fits) = recorded(&clerk, naming("R-5", &second, 51)).await;
    assert_eq!(fits["lines"][0]["issues"], json!(["QUANTITY"]), "more of the order is billed than was accepted");
    let (rest, _) = recorded(&clerk, naming("R-6", &second, 50)).await;
    assert_eq!((&rest["state"], billed(&desk, &order).await), (&json!("MATCHED"), (100, 100)));
    assert_eq!(desk.order(&order).await["state"], "CLOSED");
    // What is rejected is free for another, of the delivery as well; the order is billed anew although it is closed.
    stepped(&clerk, "rejectSupplierInvoice", &paid, json!({ "reason": "not ours" })).await;
    assert_eq!(billed(&desk, &order).await, (100, 60));
    assert_eq!(recorded(&clerk, naming("R-7", &first, 40)).await.0["state"], "MATCHED");
    // Two lines of one invoice for the same goods.
    let of = naming("R-8", &elsewhere, 6)["lines"][0].clone();
    let of = over(of, json!({ "orderLineId": line_id(&other, 0) }));
    let (_, fits) = recorded(&clerk, desk.invoicing(&other, "R-8", &[], json!({ "lines": [of, of] }))).await;
    let issues: Vec<&Value> = fits["lines"].as_array().unwrap().iter().map(|line| &line["issues"]).collect();
    assert_eq!(issues, [&json!([]), &json!(["QUANTITY"])]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_lets_an_invoice_through_neither_recorded_it_nor_took_the_goods_in_nor_approves_it() {
    let desk = Desk::new().await;
    let order = desk.acknowledged_order(&[line(100, "10.00")]).await;
    looked_at(&desk, &order, 58, 2).await;
    let (clerk, owner) = (desk.clerk().await, desk.owner().await);
    let input = |number: &str| desk.invoicing(&order, number, &[(0, 60, "10.00")], json!({}));
    let reason = |invoice: &Value| over(step(invoice), json!({ "reason": "two are on the way" }));
    let maker = refusals(&[("MAKER_CHECKER", "id")]);
    let (own, _) = recorded(&owner, input("O-1")).await;
    assert_eq!(owner.refused("overrideInvoiceMatch", reason(&own)).await, maker);
    assert_eq!(clerk.denied("overrideInvoiceMatch", reason(&own)).await, "FORBIDDEN");
    stepped(&clerk, "rejectSupplierInvoice", &own, json!({ "reason": "again" })).await;

    let (invoice, _) = recorded(&clerk, input("O-2")).await;
    let silent = over(step(&invoice), json!({ "reason": " " }));
    assert_eq!(owner.refused("overrideInvoiceMatch", silent).await, refusals(&[("REQUIRED", "reason")]));
    let passed = stepped(&owner, "overrideInvoiceMatch", &invoice, json!({ "reason": "two are on the way" })).await;
    assert_eq!((&passed["state"], billed(&desk, &order).await), (&json!("MATCHED"), (58, 60)));
    let query =
        "overrideReason overriddenBy lines { nodes { claimed overridden } } match { passed cause lines { issues } }";
    let shown = desk.one(&clerk, "supplierInvoice", &invoice["id"], query).await;
    assert_eq!(shown["lines"]["nodes"], json!([{ "claimed": 60, "overridden": 2 }]));
    let cause = json!({ "passed": true, "cause": "OVERRIDDEN", "lines": [{ "issues": ["QUANTITY"] }] });
    assert_eq!((&shown["match"], &shown["overrideReason"]), (&cause, &json!("two are on the way")));
    let theirs = desk.one(&desk.supplier(0).await, "supplierInvoice", &invoice["id"], query).await;
    assert_eq!((&theirs["overrideReason"], &theirs["overriddenBy"]), (&Value::Null, &Value::Null));
    assert_eq!(owner.refused("approveSupplierInvoice", step(&passed)).await, maker);

    // What was let through counts as billed: the two that come later are not paid twice.
    looked_at(&desk, &order, 40, 0).await;
    let (_, fits) = recorded(&clerk, desk.invoicing(&order, "O-3", &[(0, 40, "10.00")], json!({}))).await;
    assert_eq!(fits["lines"][0]["quantityOver"], 2);
    assert_eq!(desk.invoiced(&order, "O-4", &[(0, 38, "10.00")]).await["state"], "MATCHED");
    assert_eq!(billed(&desk, &order).await, (98, 98));
    let approved = desk.approved_invoice(&passed).await;
    assert_eq!(approved["state"], "APPROVED");

    // Who took in goods of an order approves no invoice of it: the owner does everything, and may not do both.
    let mine = desk.acknowledged_order(&[line(10, "10.00")]).await;
    let took = desk.receiving(&mine, &[(0, 10)], json!({ "inspected": true }));
    owner.done("postGoodsReceipt", "goodsReceipt { id }", took).await;
    let fits = desk.invoiced(&mine, "O-5", &[(0, 10, "10.00")]).await;
    assert_eq!(owner.refused("approveSupplierInvoice", step(&fits)).await, maker);
    let dear = desk.invoiced(&mine, "O-6", &[(0, 10, "11.00")]).await;
    assert_eq!(owner.refused("overrideInvoiceMatch", reason(&dear)).await, maker);
    desk.approved_invoice(&fits).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_no_match_is_one_once_the_goods_are_good() {
    let desk = Desk::new().await;
    let order = desk.acknowledged_order(&[line(100, "10.00")]).await;
    let clerk = desk.clerk().await;
    let bill = json!({ "supplierId": desk.suppliers[0], "currency": "CNY", "lines": [{
        "orderLineId": line_id(&order, 0),
        "quantity": 60, "price": { "amount": "10.00", "currency": "CNY" } }] });
    let preview = format!("query($i: MatchPreviewInput!) {{ matchPreview(input: $i) {{ id {FITS} }} }}");
    let tried = clerk.data(&preview, json!({ "i": bill })).await["matchPreview"].clone();
    assert_eq!((&tried["passed"], &tried["id"]), (&json!(false), &Value::Null));
    let early = desk.invoiced(&order, "A-1", &[(0, 60, "10.00")]).await;
    let before = stepped(&clerk, "rematchSupplierInvoice", &early, json!({})).await;
    assert_eq!(before["state"], "EXCEPTION");
    desk.received(&order, &[(0, 60)]).await;
    let tried = clerk.data(&preview, json!({ "i": bill })).await["matchPreview"].clone();
    assert_eq!((&tried["passed"], billed(&desk, &order).await), (&json!(true), (60, 0)), "trying claims something");
    let stale = clerk.refused("rematchSupplierInvoice", step(&early)).await;
    assert_eq!(stale, refusals(&[("STALE_VERSION", "expectedVersion")]));
    let matched = stepped(&clerk, "rematchSupplierInvoice", &before, json!({})).await;
    assert_eq!((&matched["state"], billed(&desk, &order).await), (&json!("MATCHED"), (60, 60)));
    let twice = clerk.refused("rematchSupplierInvoice", step(&matched)).await;
    assert_eq!(twice, refusals(&[("ILLEGAL_TRANSITION", "id")]));
    let log = desk.one(&clerk, "supplierInvoice", &early["id"], "matches { nodes { cause passed sha256 } }").await;
    let causes: Vec<&Value> = log["matches"]["nodes"].as_array().unwrap().iter().map(|one| &one["cause"]).collect();
    assert_eq!(causes, ["RECORDED", "AGAIN", "AGAIN"]);
    // Asked again under the same name, it is the same invoice.
    let again = desk.invoicing(&order, "A-2", &[(0, 1, "10.00")], json!({ "clientMutationId": "a" }));
    let (one, _) = recorded(&clerk, again.clone()).await;
    assert_eq!(recorded(&clerk, again).await.0["id"], one["id"]);
    // Both sides see it, and nobody else.
    for (client, sees) in [
        (desk.supplier(0).await, true),
        (desk.auditor().await, true),
        (desk.operator().await, true),
        (desk.supplier(1).await, false),
    ] {
        let shown = desk.one(&client, "supplierInvoice", &early["id"], "id").await;
        assert_eq!(!shown.is_null(), sees);
        let node = client.data("query($id: ID!) { node(id: $id) { id } }", json!({ "id": early["id"] })).await;
        assert_eq!(!node["node"].is_null(), sees);
        let all = client.data("{ supplierInvoices { nodes { id } } }", json!({})).await;
        assert_eq!(!all["supplierInvoices"]["nodes"].as_array().unwrap().is_empty(), sees);
    }
    let strangers = desk.supplier(1).await;
    assert_eq!(
        strangers.refused("rejectSupplierInvoice", over(step(&one), json!({ "reason": "x" }))).await,
        refusals(&[("NOT_FOUND", "id")])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_debit_note_takes_off_is_not_paid() {
    let desk = Desk::new().await;
    let order = desk.acknowledged_order(&[line(100, "10.00"), Line { item: 1, ..line(40, "10.00") }]).await;
    looked_at(&desk, &order, 58, 2).await;
    desk.received(&order, &[(1, 40)]).await;
    let (clerk, supplier) = (desk.clerk().await, desk.supplier(0).await);
    let invoice = desk.invoiced(&order, "D-1", &[(0, 60, "10.00"), (1, 40, "10.15")]).await;
    assert_eq!(invoice["state"], "EXCEPTION");
    let of = |invoice: &Value, n: usize, more: Value| over(json!({ "lineId": line_id(invoice, n) }), more);
    let note = |invoice: &Value, reason: &str, lines: Value| {
        json!({ "invoiceId": invoice["id"],
        "expectedVersion": invoice["version"], "reason": reason, "lines": lines })
    };
    let shown = "debitNote { id version state number net { amount } tax { amount } total { amount } }";
    for (lines, expected) in [
        (json!([]), ("REQUIRED", "lines")),
        (json!([of(&invoice, 0, json!({ "quantity": 61 }))]), ("OUT_OF_RANGE", "lines.0.quantity")),
        (json!([of(&invoice, 0, json!({}))]), ("REQUIRED", "lines.0.amount")),
        (
            json!([of(&invoice, 0, json!({ "quantity": 2, "amount": { "amount": "19.99", "currency": "CNY" } }))]),
            ("OUT_OF_RANGE", "lines.0.amount"),
        ),
        (
            json!([of(&invoice, 0, json!({ "quantity": 1 })), of(&invoice, 0, json!({ "quantity": 1 }))]),
            ("DUPLICATE", "lines.1.lineId"),
        ),
    ] {
        let refused = clerk.refused("issueDebitNote", note(&invoice, "QUANTITY", lines)).await;
        assert_eq!(refused, refusals(&[expected]));
    }
    let first = note(&invoice, "QUANTITY", json!([of(&invoice, 0, json!({ "quantity": 2 }))]));
    let first = clerk.done("issueDebitNote", shown, first).await["debitNote"].clone();
    assert_eq!(
        json!([first["state"], first["net"]["amount"], first["tax"]["amount"], first["total"]["amount"]]),
        json!(["ISSUED", "20.00", "2.60", "22.60"])
    );
    let left = again(&desk, &invoice).await;
    assert_eq!(left["state"], "EXCEPTION", "the second line is still dearer than ordered");
    // It is taken back, and issued again.
    let cancelled = clerk.done("cancelDebitNote", shown, step(&first)).await;
    assert_eq!(cancelled["debitNote"]["state"], "CANCELLED");
    let left = again(&desk, &left).await;
    assert_eq!(left["lines"]["nodes"][0]["debited"], 0);
    // That they are bad makes them cheaper, and no fewer.
    let two = json!([of(&invoice, 0, json!({ "quantity": 2 }))]);
    let bad = note(&left, "QUALITY", two.clone());
    let bad = clerk.done("issueDebitNote", shown, bad).await["debitNote"].clone();
    assert_eq!(bad["net"]["amount"], "20.00");
    let cheaper = again(&desk, &left).await;
    assert_eq!((&cheaper["state"], &cheaper["lines"]["nodes"][0]["debited"]), (&json!("EXCEPTION"), &json!(0)));
    clerk.done("cancelDebitNote", shown, step(&bad)).await;
    let left = again(&desk, &cheaper).await;
    clerk.done("issueDebitNote", shown, note(&left, "QUANTITY", two)).await;
    let left = again(&desk, &left).await;
    assert_eq!((&left["state"], &left["lines"]["nodes"][0]["debited"]), (&json!("EXCEPTION"), &json!(2)));
    let lines = json!([of(&invoice, 1, json!({ "amount": { "amount": "6.00", "currency": "CNY" } }))]);
    let both = clerk.done("issueDebitNote", shown, note(&left, "PRICE", lines)).await["debitNote"].clone();
    assert_eq!((&both["net"]["amount"], &both["total"]["amount"]), (&json!("6.00"), &json!("6.78")));
    let matched = again(&desk, &left).await;
    assert_eq!(matched["state"], "MATCHED");
    assert_eq!(billed(&desk, &order).await, (58, 58));
    assert_eq!(clerk.refused("cancelDebitNote", step(&both)).await, refusals(&[("ILLEGAL_TRANSITION", "id")]));
    // The supplier sees it, disputes it with a reason, and agrees in the end.
    let answer = |note: &Value, answer: &str, more: Value| over(step(note), over(json!({ "answer": answer }), more));
    let mute = supplier.refused("answerDebitNote", answer(&both, "DISPUTE", json!({}))).await;
    assert_eq!(mute, refusals(&[("REQUIRED", "comment")]));
    let not_mine = clerk.refused("answerDebitNote", answer(&both, "ACKNOWLEDGE", json!({}))).await;
    assert_eq!(not_mine, refusals(&[("NOT_FOUND", "id")]));
    let said = json!({ "comment": "sixty went out" });
    let disputed = supplier.done("answerDebitNote", shown, answer(&both, "DISPUTE", said)).await["debitNote"].clone();
    let agreed = supplier.done("answerDebitNote", shown, answer(&disputed, "ACKNOWLEDGE", json!({}))).await;
    assert_eq!(agreed["debitNote"]["state"], "ACKNOWLEDGED");
    let theirs =
        supplier.data("{ debitNotes(filter: { side: SUPPLIER }) { nodes { number issuedBy } } }", json!({})).await;
    assert_eq!(theirs["debitNotes"]["nodes"].as_array().unwrap().len(), 4);
    assert_eq!(theirs["debitNotes"]["nodes"][0]["issuedBy"], Value::Null, "a supplier learns who works at its buyer's");
    let others = desk.supplier(1).await;
    assert!(desk.one(&others, "debitNote", &both["id"], "id").await.is_null());
    // 1,006.00 and 130.78 of tax are billed; 29.38 are off.
    let approved = clerk.done("approveSupplierInvoice", "payable { face { amount } state }", step(&matched)).await;
    assert_eq!(approved["payable"], json!({ "face": { "amount": "1107.40" }, "state": "OPEN" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supplier_does_not_wipe_away_what_its_buyer_took_off() {
    let desk = Desk::new().await;
    let order = desk.acknowledged_order(&[line(100, "10.00")]).await;
    looked_at(&desk, &order, 58, 2).await;
    let (clerk, supplier) = (desk.clerk().await, desk.supplier(0).await);
    let invoice = desk.invoiced(&order, "C-1", &[(0, 60, "10.00")]).await;
    let off = json!([{ "lineId": line_id(&invoice, 0), "quantity": 1 }]);
    let note = json!({ "invoiceId": invoice["id"], "expectedVersion": invoice["version"], "reason": "QUANTITY",
        "lines": off });
    let note = clerk.done("issueDebitNote", "debitNote { id version }", note).await["debitNote"].clone();
    let agreeing = over(step(&note), json!({ "answer": "ACKNOWLEDGE" }));
    let note = supplier.done("answerDebitNote", "debitNote { id version state }", agreeing).await["debitNote"].clone();
    let invoice = again(&desk, &invoice).await;
    let corrected = |more: Value| {
        let corrects = json!({ "correctsId": invoice["id"] });
        desk.invoicing(&order, "C-1", &[(0, 58, "10.00")], over(corrects, more))
    };
    let theirs = corrected(json!({ "supplierId": null, "buyerId": desk.buyer }));
    let refused = supplier.refused("recordSupplierInvoice", theirs).await;
    assert_eq!(refused, refusals(&[("IN_USE", "correctsId")]));
    let back = over(step(&invoice), json!({ "reason": "wrong" }));
    assert_eq!(supplier.refused("rejectSupplierInvoice", back).await, refusals(&[("IN_USE", "id")]));
    let state = desk.one(&clerk, "debitNote", &note["id"], "state").await;
    assert_eq!(state["state"], "ACKNOWLEDGED");
    // Its buyer takes it off the table with the invoice.
    let (right, _) = recorded(&clerk, corrected(json!({}))).await;
    assert_eq!(right["state"], "MATCHED");
    let after = desk.one(&supplier, "debitNote", &note["id"], "state version").await;
    let version = note["version"].as_i64().unwrap() + 1;
    assert_eq!((&after["state"], &after["version"]), (&json!("CANCELLED"), &json!(version)));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_occupies_the_numbers_of_a_supplier() {
    let desk = Desk::new().await;
    let order = desk.acknowledged_order(&[line(100, "10.00")]).await;
    let (clerk, supplier) = (desk.clerk().await, desk.supplier(0).await);
    // It is for nothing that the supplier sells.
    let nothing = json!({ "quantity": 1, "price": { "amount": "1.00", "currency": "CNY" } });
    let (invented, _) = recorded(&clerk, desk.invoicing(&order, "N-1", &[], json!({ "lines": [nothing] }))).await;
    let theirs = json!({ "supplierId": null, "buyerId": desk.buyer });
    let own = desk.invoicing(&order, "N-1", &[(0, 1, "10.00")], theirs);
    let refused = supplier.refused("recordSupplierInvoice", own.clone()).await;
    assert_eq!(refused, refusals(&[("DUPLICATE_INVOICE", "invoiceNo")]));
    let disowning = over(step(&invented), json!({ "reason": "never written" }));
    let strangers = desk.supplier(1).await;
    assert_eq!(strangers.refused("rejectSupplierInvoice", disowning.clone()).await, refusals(&[("NOT_FOUND", "id")]));
    let selection = "supplierInvoice { state rejectReason }";
    let gone = supplier.done("rejectSupplierInvoice", selection, disowning).await["supplierInvoice"].clone();
    assert_eq!(gone, json!({ "state": "REJECTED", "rejectReason": "never written" }));
    recorded(&supplier, own).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_recorded_an_invoice_neither_takes_in_its_goods_nor_looks_at_them() {
    let desk = Desk::new().await;
    let order = desk.acknowledged_order(&[line(100, "10.00")]).await;
    let waiting = desk.delivered(&order, &[(0, 10)]).await;
    let owner = desk.owner().await;
    let (invoice, _) = recorded(&owner, desk.invoicing(&order, "M-1", &[(0, 10, "10.00")], json!({}))).await;
    let came = desk.receiving(&order, &[(0, 1)], json!({ "inspected": true }));
    let maker = |field: &str| refusals(&[("MAKER_CHECKER", field)]);
    assert_eq!(owner.refused("postGoodsReceipt", came.clone()).await, maker("orderId"));
    let found = json!({ "id": waiting["id"], "lines": [{ "lineId": line_id(&waiting, 0), "accepted": 10 }] });
    assert_eq!(owner.refused("inspectGoodsReceipt", found.clone()).await, maker("id"));
    let mut draft = came.clone();
    draft.as_object_mut().unwrap().remove("inspected");
    let draft = owner.done("createGoodsReceipt", "goodsReceipt { id version }", draft).await["goodsReceipt"].clone();
    assert_eq!(owner.refused("postGoodsReceipt", step(&draft)).await, maker("id"));
    // Of another order it does, and of this one once the invoice is out of the way.
    let other = desk.acknowledged_order(&[line(10, "10.00")]).await;
    owner.done("postGoodsReceipt", "", desk.receiving(&other, &[(0, 1)], json!({}))).await;
    stepped(&desk.clerk().await, "rejectSupplierInvoice", &invoice, json!({ "reason": "typed wrong" })).await;
    owner.done("inspectGoodsReceipt", "", found).await;
    owner.done("postGoodsReceipt", "", came).await;
    desk.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_lets_an_invoice_through_could_have_approved_an_order_of_that_much() {
    let desk = Desk::new().await;
    let order = desk.acknowledged_order(&[line(100, "1000.00")]).await;
    looked_at(&desk, &order, 58, 2).await;
    let input = |number: &str, quantity: i64| desk.invoicing(&order, number, &[(0, quantity, "1000.00")], json!({}));
    // 67,800.00 with tax.
    let (invoice, _) = recorded(&desk.clerk().await, input("L-1", 60)).await;
    assert_eq!(invoice["state"], "EXCEPTION");
    let reason = over(step(&invoice), json!({ "reason": "two are on the way" }));
    let refused = desk.approver(1).await.refused("overrideInvoiceMatch", reason.clone()).await;
    assert_eq!(refused, refusals(&[("LEVEL_TOO_LOW", "id")]), "a clerk's superior lets any amount through");
    desk.approver(2).await.done("overrideInvoiceMatch", "", reason).await;
    // 1,130.00 of what was not accepted.
    let (little, _) = recorded(&desk.clerk().await, input("L-2", 1)).await;
    let reason = over(step(&little), json!({ "reason": "it is on the way" }));
    desk.approver(1).await.done("overrideInvoiceMatch", "", reason).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supplier_that_tries_is_not_told_what_its_buyer_would_let_pass() {
    let desk = Desk::new().await;
    let tolerance = json!({ "tolerance": { "quantityPpm": 50_000, "pricePpm": 20_000, "totalAbsMinor": 100_000 } });
    tolerating(&desk, tolerance).await;
    let order = desk.acknowledged_order(&[line(100, "10.00")]).await;
    desk.received(&order, &[(0, 40)]).await;
    let preview = format!("query($i: MatchPreviewInput!) {{ matchPreview(input: $i) {{ {FITS} }} }}");
    let trying = |quantity: i64, price: &str, more: Value| {
        let of = json!({ "orderLineId": line_id(&order, 0), "quantity": quantity,
            "price": { "amount": price, "currency": "CNY" } });
        over(json!({ "currency": "CNY", "lines": [of] }), more)
    };
    let (clerk, supplier) = (desk.clerk().await, desk.supplier(0).await);
    for (quantity, price, right) in [(40, "10.00", true), (42, "10.00", false), (40, "10.15", false)] {
        let theirs = trying(quantity, price, json!({ "buyerId": desk.buyer }));
        let tried = supplier.data(&preview, json!({ "i": theirs })).await["matchPreview"].clone();
        assert_eq!(tried["passed"], right, "{quantity} at {price}: {tried}");
        let own = trying(quantity, price, json!({ "supplierId": desk.suppliers[0] }));
        let tried = clerk.data(&preview, json!({ "i": own })).await["matchPreview"].clone();
        assert_eq!(tried["passed"], true, "{quantity} at {price}: {tried}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_rounded_and_then_added_and_tax_comes_once() {
    let desk = Desk::new().await;
    let lines = [0, 1, 2].map(|item| Line { item, ..line(3, "3.335") });
    let order = desk.acknowledged_order(&lines).await;
    desk.received(&order, &[(0, 3), (1, 3), (2, 3)]).await;
    let input = desk.invoicing(&order, "V-1", &[(0, 3, "3.335"), (1, 3, "3.335"), (2, 3, "3.335")], json!({}));
    let selection = "supplierInvoice { state net { amount } tax { amount } total { amount } }";
    let done = desk.clerk().await.done("recordSupplierInvoice", selection, input).await["supplierInvoice"].clone();
    assert_eq!(
        json!([done["state"], done["net"]["amount"], done["tax"]["amount"], done["total"]["amount"]]),
        json!(["MATCHED", "30.03", "3.90", "33.93"])
    );
}
