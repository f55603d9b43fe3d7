//! The whole way of a purchase: asked of three suppliers, quoted under seal, compared, awarded to all three, approved,
//! delivered in two parts of which two pieces are no good, billed wrongly and then rightly, and owed.

use entities::party::MemberRole;
use serde_json::{Value, json};

use super::{Desk, INVOICE, ORDER, RECEIPT, line_id, over, step};
use crate::support::Client;

const ORDERS: &str = "purchaseOrders { id number version state supplier { id } total { amount } \
     lines(first: 100) { nodes { id position quantity } } }";

/// How many tasks of a kind somebody has.
pub async fn waits(client: &Client, kind: &str) -> usize {
    let tasks = client.data("{ myTasks(first: 100) { nodes { kind } } }", json!({})).await;
    tasks["myTasks"]["nodes"].as_array().unwrap().iter().filter(|task| task["kind"] == kind).count()
}

fn ids(nodes: &Value) -> Vec<Value> {
    nodes.as_array().unwrap().iter().map(|node| node["id"].clone()).collect()
}

/// A request that all three quote for, opened and compared: the request, and the quotations in the order of the
/// suppliers.
async fn compared(desk: &Desk) -> (Value, Value, Vec<Value>) {
    let rfq = desk.published_rfq_of(json!({ "deliverToId": desk.location })).await;
    assert_eq!(waits(&desk.supplier(0).await, "QUOTE_RFQ").await, 1);
    let mut quotes = Vec::new();
    for (n, prices) in [["10.00", "21.00"], ["10.60", "20.00"], ["11.00", "20.50"]].iter().enumerate() {
        quotes.push(desk.quoted(n, &rfq, prices).await["id"].clone());
    }
    assert_eq!(waits(&desk.supplier(0).await, "QUOTE_RFQ").await, 0, "what is quoted still waits for a quotation");
    let quality = |(n, points): (usize, i32)| json!({ "supplierId": desk.suppliers[n], "points": points });
    let assumptions = json!({
        "currency": "CNY",
        "weights": { "pricePercent": 60, "leadPercent": 20, "qualityPercent": 20 },
        "quality": ([(0, 92), (1, 95), (2, 88)].map(quality)),
    });
    let compare = "query($id: ID!, $with: AssumptionsInput!) { rfq(id: $id) { quotationCount } \
                   compareQuotations(rfqId: $id, assumptions: $with) { columns { supplierId priceRank } } }";
    let asked = json!({ "id": rfq["id"], "with": assumptions });
    let purchaser = desk.purchaser().await;
    let sealed = purchaser.data(compare, asked.clone()).await;
    assert_eq!(sealed, json!({ "rfq": { "quotationCount": 3 }, "compareQuotations": null }), "it is not opened");
    desk.opened(&rfq).await;
    let purchaser = desk.purchaser().await;
    assert_eq!(waits(&purchaser, "AWARD_RFQ").await, 1);
    let opened = purchaser.data(compare, asked).await;
    assert_eq!(opened["compareQuotations"]["columns"].as_array().unwrap().len(), 3, "{opened}");
    let input = json!({ "rfqId": rfq["id"], "assumptions": assumptions });
    let kept = purchaser.done("keepComparison", "comparison { id reproducible }", input).await;
    assert_eq!(kept["comparison"]["reproducible"], true);
    (rfq, kept["comparison"]["id"].clone(), quotes)
}

/// All of the first line goes to the first supplier, the second line to the two others; the orders of that.
async fn awarded(desk: &Desk) -> Vec<Value> {
    let (rfq, comparison, quotes) = compared(desk).await;
    let of = |line: usize, quote: usize, quantity: i64| json!({ "lineId": line_id(&rfq, line), "quotationId": quotes[quote], "quantity": quantity });
    let purchaser = desk.purchaser().await;
    let lines = json!([of(0, 0, 100), of(1, 1, 30), over(of(1, 2, 20), json!({ "reason": "两家供货" }))]);
    let input = json!({ "rfqId": rfq["id"], "comparisonId": comparison, "lines": lines });
    let awarded = purchaser.done("awardRfq", "rfq { state } awards { quantity }", input).await;
    assert_eq!(awarded["rfq"]["state"], "AWARDED");
    assert_eq!(waits(&purchaser, "CONVERT_AWARDS").await, 1);
    let made = purchaser.done("convertAwardsToOrders", ORDERS, json!({ "rfqId": rfq["id"] })).await;
    assert_eq!(waits(&purchaser, "CONVERT_AWARDS").await, 0);
    assert_eq!(waits(&purchaser, "SUBMIT_ORDER").await, 3, "an order that was made of awards waits for nobody");
    let of = |n: usize| {
        let orders = made["purchaseOrders"].as_array().unwrap();
        orders.iter().find(|order| order["supplier"]["id"] == desk.suppliers[n]).expect("an order").clone()
    };
    let orders: Vec<Value> = (0..3).map(of).collect();
    let totals: Vec<&Value> = orders.iter().map(|order| &order["total"]["amount"]).collect();
    assert_eq!(json!(totals), json!(["1130.00", "678.00", "463.30"]));
    orders
}

/// Submitted, approved by whoever did not ask for it, sent, and agreed to by its supplier.
async fn agreed(desk: &Desk, n: usize, order: &Value) -> Value {
    let (selection, purchaser) = (format!("purchaseOrder {{ {ORDER} }}"), desk.purchaser().await);
    let order = purchaser.done("submitPurchaseOrder", &selection, step(order)).await["purchaseOrder"].clone();
    let input = json!({ "id": order["id"], "decision": "APPROVE" });
    assert_eq!(purchaser.denied("decidePurchaseApproval", input).await, "FORBIDDEN");
    assert_eq!(waits(&desk.approver(1).await, "APPROVE_ORDER").await, 1);
    let order = desk.approve(&order).await;
    assert_eq!(waits(&purchaser, "SEND_ORDER").await, 1);
    let order = purchaser.done("sendPurchaseOrder", &selection, step(&order)).await["purchaseOrder"].clone();
    let supplier = desk.supplier(n).await;
    assert_eq!(waits(&supplier, "ACKNOWLEDGE_ORDER").await, 1);
    supplier.done("acknowledgePurchaseOrder", &selection, step(&order)).await["purchaseOrder"].clone()
}

/// A delivery of the first line of an order, looked at.
async fn came(desk: &Desk, order: &Value, accepted: i64, rejected: i64) -> Value {
    let delivered = json!({ "orderLineId": line_id(order, 0), "delivered": accepted + rejected });
    let mut line = over(delivered, json!({ "accepted": accepted, "rejected": rejected }));
    if rejected > 0 {
        line = over(line, json!({ "reason": "DAMAGED" }));
    }
    let input = desk.receiving(order, &[], json!({ "lines": [line] }));
    let selection = format!("goodsReceipt {{ {RECEIPT} }}");
    desk.receiver().await.done("postGoodsReceipt", &selection, input).await["goodsReceipt"].clone()
}

/// An invoice of the first line of an order, and how it fits.
async fn billed(desk: &Desk, order: &Value, number: &str, of: (i64, &str), more: [Value; 2]) -> (Value, Value) {
    let mut input = desk.invoicing(order, number, &[(0, of.0, of.1)], json!({}));
    let [line, head] = more;
    input["lines"][0] = over(input["lines"][0].take(), line);
    let selection = format!(
        "supplierInvoice {{ {INVOICE} }} match {{ passed lines {{ issues quantityOver overPpm }} \
         totalVariance {{ amount }} }}"
    );
    let done = desk.clerk().await.done("recordSupplierInvoice", &selection, over(input, head)).await;
    (done["supplierInvoice"].clone(), done["match"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_becomes_a_receivable() {
    let desk = Desk::new().await;
    let tolerance = json!({ "tolerance": { "pricePpm": 20_000 } });
    desk.owner().await.done("setMatchTolerance", "matchTolerance { id }", tolerance).await;
    let orders = awarded(&desk).await;
    let order = agreed(&desk, 0, &orders[0]).await;
    assert_eq!(order["state"], "ACKNOWLEDGED");

    let first = came(&desk, &order, 58, 2).await;
    assert_eq!(waits(&desk.receiver().await, "RETURN_GOODS").await, 1, "two rejected pieces wait to go back");
    came(&desk, &order, 40, 0).await;
    let seen = desk.order(&order).await;
    assert_eq!(json!([seen["state"], seen["receiptStatus"]]), json!(["IN_PROGRESS", "FULL"]));

    // All that came is billed where two were no good.
    let of_first = json!({ "receiptLineId": line_id(&first, 0) });
    let (wrong, fits) = billed(&desk, &order, "INV-1", (60, "10.00"), [of_first.clone(), json!({})]).await;
    assert_eq!(wrong["state"], "EXCEPTION");
    let one = &fits["lines"][0];
    assert_eq!(json!([one["issues"], one["quantityOver"], one["overPpm"]]), json!([["QUANTITY"], 2, 34_483]));
    assert_eq!(waits(&desk.clerk().await, "RESOLVE_EXCEPTION").await, 1);
    let refused = desk.clerk().await.refused("approveSupplierInvoice", step(&wrong)).await;
    assert_eq!(refused, [("MATCH_EXCEPTION".to_owned(), "id".to_owned())]);

    let corrects = json!({ "correctsId": wrong["id"] });
    let (right, fits) = billed(&desk, &order, "INV-1A", (58, "10.00"), [of_first, corrects]).await;
    assert_eq!((&right["state"], &fits["passed"]), (&json!("MATCHED"), &json!(true)));
    let (second, fits) = billed(&desk, &order, "INV-2", (40, "10.15"), [json!({}), json!({})]).await;
    assert_eq!((&second["state"], &fits["totalVariance"]["amount"]), (&json!("MATCHED"), &json!("6.00")));
    let seen = desk.order(&order).await;
    let line = &seen["lines"]["nodes"][0];
    assert_eq!(json!([line["accepted"], line["billed"], line["rejected"]]), json!([98, 98, 2]));
    assert_eq!(json!([seen["state"], seen["billingStatus"]]), json!(["CLOSED", "FULL"]));

    for invoice in [&right, &second] {
        desk.approved_invoice(invoice).await;
    }
    assert_eq!(waits(&desk.clerk().await, "APPROVE_INVOICE").await, 0);
    let query = "{ receivables(first: 10) { nodes { id face { amount } outstanding { amount } evidenceSha256 \
                 documents { role sha256 } } } }";
    let owed = desk.supplier(0).await.data(query, json!({})).await["receivables"]["nodes"].clone();
    let mut faces: Vec<String> = Vec::new();
    for receivable in owed.as_array().unwrap() {
        assert_eq!(receivable["outstanding"], receivable["face"]);
        assert_eq!(receivable["evidenceSha256"].as_str().unwrap().len(), 64);
        let documents = receivable["documents"].as_array().unwrap();
        for role in ["PO", "GRN", "INVOICE", "MATCH"] {
            assert!(documents.iter().any(|one| one["role"] == role), "no {role} in {documents:?}");
        }
        faces.push(receivable["face"]["amount"].as_str().unwrap().to_owned());
    }
    faces.sort_unstable();
    assert_eq!(faces, ["458.78", "655.40"]);
    // Nobody else sees them but their debtor and who oversees the zone.
    for n in [1, 2] {
        let none = desk.supplier(n).await.data(query, json!({})).await;
        assert_eq!(ids(&none["receivables"]["nodes"]), [Value::Null; 0], "supplier {n} sees what another is owed");
    }
    let auditor = desk.buyers(MemberRole::Auditor).await;
    let payables = auditor.data("{ payables(first: 10) { nodes { id } } }", json!({})).await;
    assert_eq!(ids(&payables["payables"]["nodes"]).len(), 2);
    desk.adds_up().await;
}
