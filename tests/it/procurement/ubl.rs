//! Invoices in UBL 2.1, from the files in `golden/ubl`: who is who and what they are for is found by what they say, and
//! what does not add up is no invoice.

use serde_json::{Value, json};

use super::{Desk, line, line_id};
use crate::support::Client;

const MATCHED: &str = include_str!("golden/ubl/matched.xml");
const ROUNDED: &str = include_str!("golden/ubl/rounded.xml");

const SHOWN: &str = "supplierInvoice { id kind state invoiceNo issueDate dueDate recordedSide waybills fileSha256 \
     net { amount } tax { amount } total { amount } buyer { id } supplier { id } match { passed issues } \
     lines(first: 10) { nodes { orderLineId receiptLineId quantity description taxPpm \
     price { amount } amount { amount } } } }";

fn filled(xml: &str, order: &Value, receipt: &str) -> String {
    xml.replace("ORDER-NUMBER", order["number"].as_str().unwrap()).replace("RECEIPT-NUMBER", receipt)
}

async fn imported(client: &Client, xml: &str) -> Value {
    client.done("importUblInvoice", SHOWN, json!({ "xml": xml })).await["supplierInvoice"].clone()
}

/// Why a document is refused.
async fn reason(client: &Client, xml: &str) -> String {
    let payload = client.payload("importUblInvoice", "", json!({ "xml": xml })).await;
    let error = &payload["userErrors"][0];
    assert_eq!((&error["code"], &error["field"]), (&json!("MESSAGE_INVALID"), &json!(["xml"])), "{payload}");
    error["message"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_in_ubl_is_recorded_by_either_side_and_finds_its_order_and_its_receipt() {
    let desk = Desk::new().await;
    let order = desk.acknowledged_order(&[line(100, "10.00")]).await;
    let receipt = desk.received(&order, &[(0, 58)]).await;
    let xml = filled(MATCHED, &order, receipt["number"].as_str().unwrap());
    // Nobody else's invoice.
    assert!(reason(&desk.supplier(1).await, &xml).await.contains("another buyer"));
    let invoice = imported(&desk.supplier(0).await, &xml).await;
    assert_eq!((&invoice["buyer"]["id"], &invoice["supplier"]["id"]), (&desk.buyer, &desk.suppliers[0]));
    assert_eq!(
        json!([invoice["kind"], invoice["state"], invoice["invoiceNo"], invoice["recordedSide"], invoice["dueDate"]]),
        json!(["UBL", "MATCHED", "UBL-2026-0001", "SUPPLIER", "2026-03-31"]),
        "{invoice}"
    );
    assert_eq!(
        json!([invoice["net"], invoice["tax"], invoice["total"]]),
        json!([{ "amount": "580.00" }, { "amount": "75.40" }, { "amount": "655.40" }])
    );
    assert_eq!((&invoice["waybills"], &invoice["match"]["passed"]), (&json!(["SF1000000001"]), &json!(true)));
    let of = &invoice["lines"]["nodes"][0];
    assert_eq!((&of["orderLineId"], &of["receiptLineId"]), (line_id(&order, 0), line_id(&receipt, 0)));
    assert_eq!((&of["description"], &of["taxPpm"], &of["quantity"]), (&json!("手工藏毯"), &json!(130_000), &json!(58)));
    // Its bytes are kept, for both sides.
    let files = "files { nodes { name mediaType sha256 path } }";
    let kept = desk.one(&desk.clerk().await, "supplierInvoice", &invoice["id"], files).await["files"]["nodes"].clone();
    assert_eq!(
        json!([kept[0]["name"], kept[0]["mediaType"], kept[0]["sha256"]]),
        json!(["UBL-2026-0001.xml", "application/xml", invoice["fileSha256"]])
    );
    let path = kept[0]["path"].as_str().unwrap();
    for (client, expected) in [(desk.clerk().await, 200), (desk.supplier(0).await, 200), (desk.supplier(1).await, 404)]
    {
        let answer = client.request(reqwest::Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), expected);
        if expected == 200 {
            assert_eq!(answer.bytes().await.unwrap().to_vec(), xml.as_bytes());
        }
    }
    // The same document again, from the other side; and the same number in another document.
    let again = desk.clerk().await.refused("importUblInvoice", json!({ "xml": xml })).await;
    assert_eq!(again, [("DUPLICATE_INVOICE".into(), "invoiceNo".into())]);
    let renumbered = xml.replace("手工藏毯", "机织藏毯");
    let again = desk.clerk().await.refused("importUblInvoice", json!({ "xml": renumbered })).await;
    assert_eq!(again, [("DUPLICATE_INVOICE".into(), "invoiceNo".into())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_an_invoice_in_ubl_are_rounded_one_by_one_and_priced_by_their_base() {
    let desk = Desk::new().await;
    let lines = [0, 1, 2].map(|item| super::Line { item, ..line(3, "3.335") });
    let order = desk.acknowledged_order(&lines).await;
    desk.received(&order, &[(0, 3), (1, 3), (2, 3)]).await;
    let invoice = imported(&desk.clerk().await, &filled(ROUNDED, &order, "")).await;
    assert_eq!(
        json!([invoice["state"], invoice["net"]["amount"], invoice["tax"]["amount"], invoice["total"]["amount"]]),
        json!(["MATCHED", "30.03", "3.90", "33.93"]),
        "{invoice}"
    );
    // No date in it: by the terms of the order, 30 days.
    assert_eq!(invoice["dueDate"], "2026-03-31");
    for (n, of) in invoice["lines"]["nodes"].as_array().unwrap().iter().enumerate() {
        assert_eq!((&of["price"]["amount"], &of["amount"]["amount"]), (&json!("3.335"), &json!("10.01")));
        assert_eq!((&of["orderLineId"], &of["description"]), (line_id(&order, n), &json!("藏毯 & 挂毯")));
        assert_eq!(of["receiptLineId"], Value::Null);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_invoice_in_ubl_is_refused_with_what_is_wrong() {
    let desk = Desk::new().await;
    let order = desk.acknowledged_order(&[line(100, "10.00")]).await;
    let clerk = desk.clerk().await;
    let good = filled(MATCHED, &order, "GRN-0");
    let company = "<cbc:CompanyID>91630103MA75AE4A44</cbc:CompanyID>\n      </cac:PartyLegalEntity>";
    let another = "<cac:PartyLegalEntity><cbc:CompanyID>91630105MA75PB350Q</cbc:CompanyID></cac:PartyLegalEntity>";
    let of_two = good.replace(company, &format!("{company}{another}"));
    assert_ne!(of_two, good);
    let half: String = good.chars().take(good.chars().count() / 2).collect();
    for (xml, why) in [
        (include_str!("golden/ubl/does_not_add_up.xml"), "BR-CO-10"),
        (include_str!("golden/ubl/credit_note.xml"), "credit note"),
        (include_str!("golden/ubl/declares_a_document_type.xml"), "document type"),
        (include_str!("golden/ubl/for_another.xml"), "another buyer"),
        (&good.replace("91630103MA75AE4A44", "91630103MA75AE4A45"), "code of the seller"),
        (&good.replace("91630105MA75PB350Q", "91630105MA75PB350R"), "code of the buyer"),
        (&good.replace("<cbc:CompanyID>91630103MA75AE4A44</cbc:CompanyID>", ""), "code of the seller"),
        (&of_two, "several organisations"),
        (&good.replace(">380<", ">386<"), "prepayment"),
        (&good.replace(">58<", ">57.5<"), "whole units"),
        (&half, "no XML"),
        ("", "ends before"),
    ] {
        let told = reason(&clerk, xml).await;
        assert!(told.contains(why) || (why == "no XML" && told.contains("ends before")), "{why}: {told}");
    }
    // A code that nobody has is not filled in by whoever imports it, and one that is left out is.
    let (unknown, bare) = (
        good.replace("91630105MA75PB350Q", "91630105MA75PB350R"),
        good.replace("<cbc:CompanyID>91630105MA75PB350Q</cbc:CompanyID>", ""),
    );
    let supplier = desk.supplier(0).await;
    let sent = |xml: &str| json!({ "xml": xml, "buyerId": desk.buyer });
    let refused = supplier.refused("importUblInvoice", sent(&unknown)).await;
    assert_eq!(refused, [("MESSAGE_INVALID".into(), "xml".into())]);
    let filled_in = sent(&bare.replace("UBL-2026-0001", "UBL-2026-0002"));
    let filled_in = supplier.done("importUblInvoice", "supplierInvoice { id version buyer { id } }", filled_in).await;
    let filled_in = filled_in["supplierInvoice"].clone();
    assert_eq!(filled_in["buyer"]["id"], desk.buyer);
    let gone = json!({ "id": filled_in["id"], "expectedVersion": filled_in["version"], "reason": "tried" });
    supplier.done("rejectSupplierInvoice", "", gone).await;
    // Nothing else of it was recorded; what names no order that there is, is.
    let all = clerk.data("{ supplierInvoices { nodes { id } } }", json!({})).await;
    assert_eq!(all["supplierInvoices"]["nodes"], json!([{ "id": filled_in["id"] }]));
    let lost = imported(&clerk, &good.replace(order["number"].as_str().unwrap(), "PO-OF-NOBODY")).await;
    assert_eq!((&lost["state"], &lost["lines"]["nodes"][0]["orderLineId"]), (&json!("EXCEPTION"), &Value::Null));
    let outsider = desk.receiver().await.denied("importUblInvoice", json!({ "xml": good })).await;
    assert_eq!(outsider, "FORBIDDEN");
}
