//! What comes of an order: no more than may, looked at before it is sold or billed, sent back when it is not good,
//! taken back when it was a mistake; and where the goods lie meanwhile.

use std::collections::BTreeMap;

use entities::party::MemberRole;
use serde_json::{Value, json};

use super::{BUYER, Desk, Line, ORDER, RECEIPT, line, over, step};
use crate::{
    ordering::{problems, put},
    support::Client,
};

fn refusals(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(code, field)| ((*code).to_owned(), (*field).to_owned())).collect()
}

/// Lets so much more come than is ordered, of what is ordered from here on.
pub async fn tolerating(desk: &Desk, over_receipt_ppm: i32) {
    let input = json!({ "tolerance": { "overReceiptPpm": over_receipt_ppm } });
    desk.owner().await.done("setMatchTolerance", "", input).await;
}

/// Where the goods of the buyer lie, by the codes of the places; those where nothing is are left out.
pub async fn lying(desk: &Desk, item: usize) -> BTreeMap<String, i64> {
    let query = "query($v: ID!) { stock(variantId: $v, first: 100) { nodes { onHand location { code } } } }";
    let rows = desk.owner().await.data(query, json!({ "v": desk.variants[item] })).await["stock"]["nodes"].clone();
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    for row in rows.as_array().unwrap() {
        let code = row["location"]["code"].as_str().unwrap().to_owned();
        *sums.entry(code).or_default() += row["onHand"].as_i64().unwrap();
    }
    sums.retain(|_, on_hand| *on_hand != 0);
    sums
}

pub fn there(all: &[(&str, i64)]) -> BTreeMap<String, i64> {
    all.iter().map(|(code, n)| ((*code).to_owned(), *n)).collect()
}

/// A balance of the buyer's, by the code of its place.
async fn balance(desk: &Desk, code: &str) -> Value {
    let query = "query($v: ID!) { stock(variantId: $v, first: 100) { nodes { id onHand location { id code } } } }";
    let rows = desk.owner().await.data(query, json!({ "v": desk.variants[0] })).await["stock"]["nodes"].clone();
    let lies = |row: &&Value| row["location"]["code"] == code && row["onHand"] != 0;
    rows.as_array().unwrap().iter().find(lies).expect("a balance").clone()
}

/// How many may still come, as the refusal says that more may not.
async fn most(desk: &Desk, input: Value) -> (String, String) {
    let payload = desk.receiver().await.payload("postGoodsReceipt", "", input).await;
    let error = payload["userErrors"][0].clone();
    assert_eq!(error["code"], "OVER_RECEIPT", "{payload}");
    let field: Vec<&str> = error["field"].as_array().unwrap().iter().map(|step| step.as_str().unwrap()).collect();
    (field.join("."), error["details"][0]["value"].as_str().unwrap().to_owned())
}

/// What the lines of an order say: received, accepted, rejected, returned.
fn counted(order: &Value) -> Vec<[i64; 4]> {
    let n = |line: &Value, field: &str| line[field].as_i64().unwrap();
    let lines = order["lines"]["nodes"].as_array().unwrap().iter();
    lines.map(|line| ["received", "accepted", "rejected", "returned"].map(|field| n(line, field))).collect()
}

fn inspecting(receipt: &Value, more: Value) -> Value {
    let line = over(json!({ "lineId": receipt["lines"]["nodes"][0]["id"] }), more);
    json!({ "id": receipt["id"], "lines": [line] })
}

async fn inspected(desk: &Desk, receipt: &Value, more: Value) -> Value {
    let selection = format!("goodsReceipt {{ {RECEIPT} }}");
    let done = desk.receiver().await.done("inspectGoodsReceipt", &selection, inspecting(receipt, more)).await;
    done["goodsReceipt"].clone()
}

fn returning(receipt: &Value, quantity: i64) -> Value {
    let line = json!({ "lineId": receipt["lines"]["nodes"][0]["id"], "quantity": quantity });
    json!({ "id": receipt["id"], "lines": [line] })
}

async fn read(desk: &Desk, client: &Client, receipt: &Value, selection: &str) -> Value {
    desk.one(client, "goodsReceipt", &receipt["id"], selection).await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_with_five_percent_a_hundred_and_five_come_and_not_one_more() {
    let desk = Desk::new().await;
    tolerating(&desk, 50_000).await;
    let order = desk.acknowledged_order(&[line(100, "10.00")]).await;
    let one = |quantity: i64| desk.receiving(&order, &[(0, quantity)], json!({}));
    assert_eq!(most(&desk, one(106)).await, ("lines.0.delivered".into(), "105".into()));
    let after = desk.order(&order).await;
    assert_eq!((&after["state"], counted(&after)), (&json!("ACKNOWLEDGED"), vec![[0; 4]]), "a refusal left something");
    let posted = desk.delivered(&order, &[(0, 104)]).await;
    assert_eq!((&posted["kind"], &posted["state"]), (&json!("RECEIPT"), &json!("POSTED")));
    let after = desk.order(&order).await;
    assert_eq!((&after["state"], &after["receiptStatus"]), (&json!("IN_PROGRESS"), &json!("FULL")));
    assert_eq!(most(&desk, one(2)).await, ("lines.0.delivered".into(), "1".into()));
    desk.delivered(&order, &[(0, 1)]).await;
    assert_eq!(most(&desk, one(1)).await, ("lines.0.delivered".into(), "0".into()));
    assert_eq!(counted(&desk.order(&order).await), [[105, 0, 0, 0]]);
    assert_eq!(lying(&desk, 0).await, there(&[("@QC", 105)]));

    // Lines of one receipt count together, and all of them come or none.
    let order = desk.sent_order(&[line(100, "10.00"), Line { item: 1, ..line(10, "5.00") }]).await;
    let both = desk.receiving(&order, &[(1, 10), (0, 60), (0, 46)], json!({}));
    assert_eq!(most(&desk, both).await, ("lines.2.delivered".into(), "45".into()));
    assert_eq!(counted(&desk.order(&order).await), [[0; 4], [0; 4]]);
    assert_eq!(lying(&desk, 1).await, there(&[]));
    desk.delivered(&order, &[(1, 10), (0, 60), (0, 45)]).await;
    assert_eq!(counted(&desk.order(&order).await), [[105, 0, 0, 0], [10, 0, 0, 0]]);
    desk.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_is_looked_at_and_what_is_rejected_goes_back_and_may_come_again() {
    let desk = Desk::new().await;
    let order = desk.acknowledged_order(&[line(100, "10.00")]).await;
    let first = desk.delivered(&order, &[(0, 60)]).await;
    assert_eq!(lying(&desk, 0).await, there(&[("@QC", 60)]), "what nobody looked at is for sale");
    let receiver = desk.receiver().await;
    for (finding, expected) in [
        (json!({}), ("REQUIRED", "lines.0.accepted")),
        (json!({ "accepted": 61 }), ("OUT_OF_RANGE", "lines.0.accepted")),
        (json!({ "accepted": 59, "rejected": 2, "reason": "DAMAGED" }), ("OUT_OF_RANGE", "lines.0.rejected")),
        (json!({ "accepted": -1, "rejected": 2, "reason": "DAMAGED" }), ("OUT_OF_RANGE", "lines.0.accepted")),
        (json!({ "accepted": 58, "rejected": 2 }), ("REQUIRED", "lines.0.reason")),
        (json!({ "accepted": 58, "rejected": 2, "reason": "OTHER" }), ("REQUIRED", "lines.0.note")),
        (json!({ "accepted": 58, "sampleSize": 0 }), ("OUT_OF_RANGE", "lines.0.sampleSize")),
        (json!({ "accepted": 58, "photoSha256": "x" }), ("INVALID_VALUE", "lines.0.photoSha256")),
    ] {
        let refused = receiver.refused("inspectGoodsReceipt", inspecting(&first, finding.clone())).await;
        assert_eq!(refused, refusals(&[expected]), "{finding}");
    }
    inspected(&desk, &first, json!({ "accepted": 50 })).await;
    let rest = json!({ "accepted": 8, "rejected": 2, "reason": "DAMAGED", "note": "边角开裂", "plan": "GB/T 2828.1",
        "sampleSize": 8 });
    let seen = inspected(&desk, &first, rest).await;
    let line_0 = &seen["lines"]["nodes"][0];
    assert_eq!((&line_0["accepted"], &line_0["rejected"]), (&json!(58), &json!(2)));
    assert_eq!(lying(&desk, 0).await, there(&[("@QC", 2), ("PO-1", 58)]));

    // Looked at as it comes.
    let input = desk.receiving(&order, &[(0, 40)], json!({}));
    let mut input = over(input, json!({ "deliveryNote": "SH-2" }));
    input["lines"][0]["accepted"] = json!(40);
    let second = receiver.done("postGoodsReceipt", &format!("goodsReceipt {{ {RECEIPT} }}"), input).await;
    assert_eq!(second["goodsReceipt"]["lines"]["nodes"][0]["accepted"], 40);
    let after = desk.order(&order).await;
    assert_eq!(counted(&after), [[100, 98, 2, 0]]);
    assert_eq!(lying(&desk, 0).await, there(&[("@QC", 2), ("PO-1", 98)]));

    // No more comes before what was rejected went back.
    assert_eq!(most(&desk, desk.receiving(&order, &[(0, 1)], json!({}))).await.1, "0");
    let refused = receiver.refused("returnToSupplier", returning(&first, 3)).await;
    assert_eq!(refused, refusals(&[("OUT_OF_RANGE", "lines.0.quantity")]));
    let document = "goodsReceipt { id number kind state lines { nodes { delivered ofLineId } } }";
    let back = receiver.done("returnToSupplier", document, returning(&first, 2)).await["goodsReceipt"].clone();
    assert_eq!((&back["kind"], &back["state"]), (&json!("RETURN"), &json!("POSTED")));
    let went = json!([{ "delivered": 2, "ofLineId": first["lines"]["nodes"][0]["id"] }]);
    assert_eq!(back["lines"]["nodes"], went);
    assert_eq!(lying(&desk, 0).await, there(&[("PO-1", 98)]));
    let refused = receiver.refused("returnToSupplier", returning(&first, 1)).await;
    assert_eq!(refused, refusals(&[("OUT_OF_RANGE", "lines.0.quantity")]), "it went back twice");
    assert_eq!(most(&desk, desk.receiving(&order, &[(0, 3)], json!({}))).await.1, "2");
    desk.received(&order, &[(0, 2)]).await;
    assert_eq!(counted(&desk.order(&order).await), [[102, 100, 2, 2]]);
    assert_eq!(lying(&desk, 0).await, there(&[("PO-1", 100)]));
    // What went back is not looked at, sent back or taken back itself.
    for (mutation, input) in [
        ("inspectGoodsReceipt", inspecting(&back, json!({ "accepted": 1 }))),
        ("returnToSupplier", returning(&back, 1)),
        ("reverseGoodsReceipt", json!({ "id": back["id"], "expectedVersion": 1, "reason": "x" })),
    ] {
        let mut input = input;
        if let Some(lines) = input.get_mut("lines") {
            lines[0]["lineId"] = first["lines"]["nodes"][0]["id"].clone();
        }
        assert_eq!(receiver.refused(mutation, input).await, refusals(&[("ILLEGAL_TRANSITION", "id")]), "{mutation}");
    }
    desk.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_supplier_sees_what_was_found_and_not_who_works_there_and_others_see_nothing() {
    let desk = Desk::new().await;
    let order = desk.acknowledged_order(&[line(10, "10.00")]).await;
    let selection = "goodsReceipt { id version state }";
    let mut draft = desk.receiving(&order, &[(0, 10)], json!({ "clientRef": "pda-7:1" }));
    draft.as_object_mut().unwrap().remove("inspected");
    let draft = desk.receiver().await.done("createGoodsReceipt", selection, draft).await["goodsReceipt"].clone();
    let supplier = desk.supplier(0).await;
    assert_eq!(read(&desk, &supplier, &draft, "id").await, Value::Null, "a draft is the buyer's alone");
    let posted = desk.receiver().await.done("postGoodsReceipt", selection, step(&draft)).await["goodsReceipt"].clone();
    assert_eq!(posted["id"], draft["id"]);
    let shown = "id number kind state orderId order { number } supplier { slug } deliveryNote clientRef createdBy \
         postedBy location { code } lines { nodes { delivered accepted rejected uninspected toReturn orderLineId \
         variant { id } stockLot { code } stockMoveId } } \
         inspections { nodes { accepted rejected reason note inspectedBy } }";
    let found = read(&desk, &desk.purchaser().await, &draft, "lines { nodes { id } }").await;
    let receipt = json!({ "id": draft["id"], "lines": found["lines"] });
    inspected(&desk, &receipt, json!({ "accepted": 7, "rejected": 2, "reason": "WRONG_ITEM", "note": "颜色不对" }))
        .await;

    let own = read(&desk, &desk.purchaser().await, &draft, shown).await;
    assert_eq!((&own["clientRef"], &own["location"]["code"]), (&json!("pda-7:1"), &json!("PO-1")));
    assert!(own["postedBy"].as_str().unwrap().starts_with("person:"), "{own}");
    assert!(own["lines"]["nodes"][0]["stockMoveId"].is_string(), "{own}");
    let theirs = read(&desk, &supplier, &draft, shown).await;
    for hidden in ["clientRef", "createdBy", "postedBy", "location"] {
        assert_eq!(theirs[hidden], Value::Null, "{hidden} is not the supplier's business");
    }
    assert_eq!((&theirs["order"]["number"], &theirs["deliveryNote"]), (&order["number"], &json!("SH-1")));
    let line_0 = &theirs["lines"]["nodes"][0];
    let numbers = ["delivered", "accepted", "rejected", "uninspected", "toReturn"].map(|f| line_0[f].as_i64().unwrap());
    assert_eq!(numbers, [10, 7, 2, 1, 2]);
    assert_eq!(line_0["variant"]["id"], desk.variants[0]);
    assert_eq!((&line_0["stockLot"], &line_0["stockMoveId"]), (&Value::Null, &Value::Null));
    let inspection = json!([{ "accepted": 7, "rejected": 2, "reason": "WRONG_ITEM", "note": "颜色不对",
        "inspectedBy": null }]);
    assert_eq!(theirs["inspections"]["nodes"], inspection);
    let list = "query($f: GoodsReceiptFilter) { goodsReceipts(filter: $f) { nodes { id } } }";
    let seen = async |client: &Client, filter: Value| {
        let found = client.data(list, json!({ "f": filter })).await["goodsReceipts"]["nodes"].clone();
        found.as_array().unwrap().len()
    };
    let purchaser = desk.purchaser().await;
    for (client, filter, expected) in [
        (&purchaser, json!(null), 1),
        (&purchaser, json!({ "side": "BUYER", "state": "POSTED", "orderId": order["id"] }), 1),
        (&purchaser, json!({ "side": "SUPPLIER" }), 0),
        (&purchaser, json!({ "kind": "RETURN" }), 0),
        (&supplier, json!({ "side": "SUPPLIER" }), 1),
        (&supplier, json!({ "side": "BUYER" }), 0),
        (&desk.supplier(1).await, json!(null), 0),
        (&desk.operator().await, json!(null), 1),
    ] {
        assert_eq!(seen(client, filter.clone()).await, expected, "{filter}");
    }
    assert_eq!(read(&desk, &desk.supplier(1).await, &draft, "id").await, Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_receives_receives_for_its_own_organisation_and_what_is_under_way() {
    let desk = Desk::new().await;
    let order = desk.drafted(0, &[line(10, "10.00")]).await;
    let input = desk.receiving(&order, &[(0, 1)], json!({}));
    let illegal = refusals(&[("ILLEGAL_TRANSITION", "orderId")]);
    let receiver = desk.receiver().await;
    assert_eq!(receiver.refused("postGoodsReceipt", input.clone()).await, illegal, "goods came of a draft");
    let order = desk.sent_order(&[line(10, "10.00")]).await;
    let input = desk.receiving(&order, &[(0, 1)], json!({}));
    for client in [
        desk.purchaser().await,
        desk.approver(1).await,
        desk.clerk().await,
        desk.buyers(MemberRole::CatalogManager).await,
        desk.suppliers_as(0, MemberRole::CatalogManager).await,
        desk.operator().await,
    ] {
        assert_eq!(client.denied("postGoodsReceipt", input.clone()).await, "FORBIDDEN");
    }
    // Its owner may receive, and not this.
    let unknown = refusals(&[("NOT_FOUND", "orderId")]);
    assert_eq!(desk.supplier(0).await.refused("postGoodsReceipt", input.clone()).await, unknown);
    let receipt = desk.delivered(&order, &[(0, 1)]).await;
    let unknown = refusals(&[("NOT_FOUND", "id")]);
    let supplier = desk.supplier(0).await;
    let reversing = over(step(&receipt), json!({ "reason": "x" }));
    assert_eq!(supplier.refused("reverseGoodsReceipt", reversing).await, unknown);
    let finding = inspecting(&receipt, json!({ "accepted": 1 }));
    assert_eq!(supplier.refused("inspectGoodsReceipt", finding).await, unknown);
    assert_eq!(supplier.refused("returnToSupplier", returning(&receipt, 1)).await, unknown);

    // What it says has to be so.
    let elsewhere = desk.sent_order(&[line(5, "1.00")]).await;
    let foreign = elsewhere["lines"]["nodes"][0]["id"].clone();
    for (more, expected) in [
        (json!({ "lines": [] }), ("REQUIRED", "lines")),
        (json!({ "deliveryNote": " " }), ("REQUIRED", "deliveryNote")),
        (json!({ "arrivedOn": desk.day(1) }), ("OUT_OF_RANGE", "arrivedOn")),
        // Before the supplier knew of the order.
        (json!({ "arrivedOn": desk.day(-1) }), ("OUT_OF_RANGE", "arrivedOn")),
        (json!({ "lines": [{ "orderLineId": foreign, "delivered": 1 }] }), ("NOT_FOUND", "lines.0.orderLineId")),
        (json!({ "locationId": desk.variants[0] }), ("NOT_FOUND", "locationId")),
        (json!({ "orderId": null }), ("REQUIRED", "orderId")),
    ] {
        let refused = receiver.refused("postGoodsReceipt", over(input.clone(), more.clone())).await;
        assert_eq!(refused, refusals(&[expected]), "{more}");
    }
    let nothing = desk.receiving(&order, &[(0, 0)], json!({}));
    let refused = receiver.refused("postGoodsReceipt", nothing).await;
    assert_eq!(refused, refusals(&[("OUT_OF_RANGE", "lines.0.delivered")]));

    // What is given up does not come any more.
    let order = desk.order(&order).await;
    let closing = over(step(&order), json!({ "reason": "不再需要" }));
    desk.purchaser().await.done("shortClosePurchaseOrder", "", closing).await;
    assert_eq!(receiver.refused("postGoodsReceipt", input).await, illegal);
    // What came before is looked at all the same.
    inspected(&desk, &receipt, json!({ "accepted": 1 })).await;
    desk.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_binds_nobody_until_it_is_posted_and_it_is_posted_once() {
    let desk = Desk::new().await;
    let order = desk.sent_order(&[line(10, "10.00"), Line { item: 1, ..line(4, "10.00") }]).await;
    let receiver = desk.receiver().await;
    let mut input = desk.receiving(&order, &[(0, 10), (1, 4)], json!({}));
    input.as_object_mut().unwrap().remove("inspected");
    let mut looked_at = input.clone();
    looked_at["lines"][1]["accepted"] = json!(4);
    let refused = receiver.refused("createGoodsReceipt", looked_at).await;
    assert_eq!(refused, refusals(&[("ILLEGAL_TRANSITION", "lines.1.accepted")]));
    let selection = format!("goodsReceipt {{ {RECEIPT} }}");
    let drafted = async |input: &Value| {
        receiver.done("createGoodsReceipt", &selection, input.clone()).await["goodsReceipt"].clone()
    };
    let (draft, twice) = (drafted(&input).await, drafted(&input).await);
    assert_eq!((&draft["state"], counted(&desk.order(&order).await)), (&json!("DRAFT"), vec![[0; 4], [0; 4]]));
    assert_eq!(lying(&desk, 0).await, there(&[]), "a draft moved goods");
    let early = inspecting(&draft, json!({ "accepted": 1 }));
    assert_eq!(receiver.refused("inspectGoodsReceipt", early).await, refusals(&[("ILLEGAL_TRANSITION", "id")]));
    for (wrong, expected) in [
        (json!({ "id": draft["id"] }), ("REQUIRED", "expectedVersion")),
        (json!({ "id": draft["id"], "expectedVersion": 7 }), ("STALE_VERSION", "expectedVersion")),
        (over(step(&draft), json!({ "orderId": order["id"] })), ("INVALID_VALUE", "id")),
    ] {
        assert_eq!(receiver.refused("postGoodsReceipt", wrong).await, refusals(&[expected]));
    }
    let posting = over(step(&draft), json!({ "inspected": true }));
    let posted = receiver.done("postGoodsReceipt", &selection, posting.clone()).await["goodsReceipt"].clone();
    assert_eq!((&posted["id"], &posted["state"]), (&draft["id"], &json!("POSTED")));
    assert_eq!(counted(&desk.order(&order).await), [[10, 10, 0, 0], [4, 4, 0, 0]]);
    assert_eq!((lying(&desk, 0).await, lying(&desk, 1).await), (there(&[("PO-1", 10)]), there(&[("PO-1", 4)])));
    let again = receiver.refused("postGoodsReceipt", posting).await;
    assert_eq!(again, refusals(&[("ILLEGAL_TRANSITION", "id")]));
    // The other draft says that the same came once more: that is too much by then.
    let refused = receiver.refused("postGoodsReceipt", step(&twice)).await;
    assert_eq!(refused, refusals(&[("OVER_RECEIPT", "lines.0.delivered")]));
    desk.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lots_keep_their_dates_and_what_is_too_old_is_not_accepted() {
    let desk = Desk::new().await;
    let order = desk.sent_order(&[line(40, "10.00")]).await;
    let receiver = desk.receiver().await;
    let with = |quantity: i64, more: Value| {
        let mut input = desk.receiving(&order, &[(0, quantity)], json!({}));
        input["lines"][0] = over(input["lines"][0].clone(), more);
        input
    };
    let selection = format!("goodsReceipt {{ {RECEIPT} }}");
    let known = json!({ "lot": "L-1", "producedOn": "2026-01-01", "expiresOn": "2026-06-01" });
    receiver.done("postGoodsReceipt", &selection, with(10, known.clone())).await;
    receiver.done("postGoodsReceipt", &selection, with(5, json!({ "lot": "L-1" }))).await;
    for (line, expected) in [
        (json!({ "lot": "L-1", "expiresOn": "2026-07-01" }), ("ALREADY_TAKEN", "lines.0.lot")),
        (json!({ "producedOn": "2026-06-01", "expiresOn": "2026-06-01" }), ("INVALID_VALUE", "lines.0.expiresOn")),
        (json!({ "status": "BONDED" }), ("WRONG_CUSTOMS_STATUS", "lines.0.status")),
        (json!({ "status": "ABROAD" }), ("WRONG_CUSTOMS_STATUS", "lines.0.status")),
    ] {
        let refused = receiver.refused("postGoodsReceipt", with(1, line.clone())).await;
        assert_eq!(refused, refusals(&[expected]), "{line}");
    }
    let old = json!({ "lot": "L-0", "expiresOn": desk.day(0) });
    let receipt = receiver.done("postGoodsReceipt", &selection, with(3, old)).await["goodsReceipt"].clone();
    let accepting = inspecting(&receipt, json!({ "accepted": 1, "rejected": 2, "reason": "EXPIRED" }));
    let refused = receiver.refused("inspectGoodsReceipt", accepting).await;
    assert_eq!(refused, refusals(&[("INVALID_VALUE", "lines.0.accepted")]), "what is too old is put on the shelf");
    inspected(&desk, &receipt, json!({ "rejected": 3, "reason": "EXPIRED" })).await;
    assert_eq!(lying(&desk, 0).await, there(&[("@QC", 18)]));
    receiver.done("returnToSupplier", "", returning(&receipt, 3)).await;
    assert_eq!(lying(&desk, 0).await, there(&[("@QC", 15)]));
    let query = "query($v: ID!) { stock(variantId: $v) { nodes { onHand lot { code expiresOn } } } }";
    let rows = desk.owner().await.data(query, json!({ "v": desk.variants[0] })).await["stock"]["nodes"].clone();
    let lot = rows.as_array().unwrap().iter().find(|row| row["onHand"] == 15).expect("a lot")["lot"].clone();
    assert_eq!(lot, json!({ "code": "L-1", "expiresOn": "2026-06-01" }));
    // More of a lot that is known to be too old, and nothing said of that.
    let silent = with(2, json!({ "lot": "L-0" }));
    let receipt = receiver.done("postGoodsReceipt", &selection, silent).await["goodsReceipt"].clone();
    let refused = receiver.refused("inspectGoodsReceipt", inspecting(&receipt, json!({ "accepted": 1 }))).await;
    assert_eq!(refused, refusals(&[("INVALID_VALUE", "lines.0.accepted")]), "silence makes goods fresh");
    let at_once = over(with(1, json!({ "lot": "L-0" })), json!({ "inspected": true }));
    let refused = receiver.refused("postGoodsReceipt", at_once).await;
    assert_eq!(refused, refusals(&[("INVALID_VALUE", "lines.0.accepted")]));
    desk.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_rejected_altogether_goes_back_and_comes_again() {
    let desk = Desk::new().await;
    let order = desk.acknowledged_order(&[line(10, "10.00")]).await;
    let receiver = desk.receiver().await;
    let first = desk.delivered(&order, &[(0, 10)]).await;
    inspected(&desk, &first, json!({ "rejected": 10, "reason": "QUALITY" })).await;
    receiver.done("returnToSupplier", "", returning(&first, 10)).await;
    let waiting = desk.order(&order).await;
    assert_eq!((&waiting["state"], counted(&waiting)), (&json!("IN_PROGRESS"), vec![[10, 0, 10, 10]]));
    desk.received(&order, &[(0, 10)]).await;
    assert_eq!(counted(&desk.order(&order).await), [[20, 10, 10, 10]]);
    assert_eq!(desk.invoiced(&order, "INV-1", &[(0, 10, "10.00")]).await["state"], "MATCHED");
    assert_eq!(desk.order(&order).await["state"], "CLOSED");

    // The same when that it came was a mistake.
    let order = desk.acknowledged_order(&[line(10, "10.00")]).await;
    let wrong = desk.delivered(&order, &[(0, 10)]).await;
    let wrong = inspected(&desk, &wrong, json!({ "rejected": 10, "reason": "WRONG_ITEM" })).await;
    receiver.done("reverseGoodsReceipt", "", over(step(&wrong), json!({ "reason": "录错单" }))).await;
    let waiting = desk.order(&order).await;
    assert_eq!((&waiting["state"], counted(&waiting)), (&json!("IN_PROGRESS"), vec![[0; 4]]));
    let right = desk.received(&order, &[(0, 10)]).await;
    assert_eq!(desk.invoiced(&order, "INV-2", &[(0, 10, "10.00")]).await["state"], "MATCHED");
    assert_eq!(desk.order(&order).await["state"], "CLOSED");
    let reversing = over(step(&right), json!({ "reason": "x" }));
    assert_eq!(receiver.refused("reverseGoodsReceipt", reversing).await, refusals(&[("IN_USE", "id")]));
    desk.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_given_up_and_what_it_was_sent_under_is_free() {
    let desk = Desk::new().await;
    let order = desk.sent_order(&[line(10, "10.00")]).await;
    let receiver = desk.receiver().await;
    let mut input = desk.receiving(&order, &[(0, 10)], json!({ "clientRef": "pda-7:1" }));
    input.as_object_mut().unwrap().remove("inspected");
    let selection = "goodsReceipt { id version state clientRef }";
    let draft = receiver.done("createGoodsReceipt", selection, input.clone()).await["goodsReceipt"].clone();
    assert_eq!(desk.clerk().await.denied("discardGoodsReceipt", step(&draft)).await, "FORBIDDEN");
    let theirs = desk.supplier(0).await.refused("discardGoodsReceipt", step(&draft)).await;
    assert_eq!(theirs, refusals(&[("NOT_FOUND", "id")]));
    let stale = json!({ "id": draft["id"], "expectedVersion": 7 });
    let refused = receiver.refused("discardGoodsReceipt", stale).await;
    assert_eq!(refused, refusals(&[("STALE_VERSION", "expectedVersion")]));
    let gone = receiver.done("discardGoodsReceipt", selection, step(&draft)).await["goodsReceipt"].clone();
    assert_eq!((&gone["state"], &gone["clientRef"]), (&json!("DISCARDED"), &Value::Null));
    let illegal = refusals(&[("ILLEGAL_TRANSITION", "id")]);
    for mutation in ["discardGoodsReceipt", "postGoodsReceipt"] {
        assert_eq!(receiver.refused(mutation, step(&gone)).await, illegal, "{mutation}");
    }
    let supplier = desk.supplier(0).await;
    assert_eq!(read(&desk, &supplier, &draft, "id").await, Value::Null, "a supplier sees what was given up");
    let posted = receiver.done("postGoodsReceipt", selection, input).await["goodsReceipt"].clone();
    assert_eq!((&posted["state"], posted["id"] == draft["id"]), (&json!("POSTED"), false));
    let refused = receiver.refused("discardGoodsReceipt", step(&posted)).await;
    assert_eq!(refused, illegal, "what counts is given up");
    assert_eq!(counted(&desk.order(&order).await), [[10, 0, 0, 0]]);
    desk.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_to_be_looked_at_is_not_sold_and_nobody_moves_it_by_hand() {
    let desk = Desk::new().await;
    let (owner, consumer) = (desk.owner().await, desk.market.server.consumer(1).await);
    let tiers = json!([{ "price": { "amount": "20.00", "currency": "CNY" } }]);
    let terms = json!({ "supplyMode": "DOMESTIC", "priceTiers": tiers });
    let offering = json!({ "variantId": desk.variants[0], "sku": "PO-SKU", "terms": terms });
    let offer = owner.done("createOffer", "offer { id }", offering).await["offer"]["id"].clone();
    let order = desk.sent_order(&[line(10, "10.00")]).await;
    let receipt = desk.delivered(&order, &[(0, 10)]).await;
    assert_eq!(problems(&put(&consumer, &[(&offer, 1)]).await), ["OUT_OF_STOCK"], "it is sold before it is looked at");

    let here = balance(&desk, "@QC").await;
    let by_hand =
        json!({ "document": "x", "lines": [{ "balanceId": here["id"], "toId": desk.location, "quantity": 1 }] });
    let refused = owner.refused("transferStock", by_hand).await;
    assert_eq!(refused, refusals(&[("NOT_FOUND", "lines.0.balanceId")]));
    let lost = json!({ "document": "x", "lines": [{ "balanceId": here["id"], "quantity": 1 }] });
    assert_eq!(owner.refused("writeOffStock", lost).await, refusals(&[("NOT_FOUND", "lines.0.balanceId")]));
    let count = json!({ "locationId": here["location"]["id"] });
    assert_eq!(owner.refused("openStockCount", count).await, refusals(&[("NOT_FOUND", "locationId")]));
    let moved = read(&desk, &owner, &receipt, "lines { nodes { stockMoveId } }").await;
    let (number, moved) = (receipt["number"].clone(), &moved["lines"]["nodes"][0]["stockMoveId"]);
    let taken_back = json!({ "id": moved, "document": "x" });
    assert_eq!(owner.refused("reverseStockMove", taken_back).await, refusals(&[("ILLEGAL_TRANSITION", "id")]));

    inspected(&desk, &receipt, json!({ "accepted": 10 })).await;
    assert_eq!(problems(&put(&consumer, &[(&offer, 1)]).await), [""; 0]);
    let query =
        "query($v: ID!) { stockHistory(variantId: $v) { nodes { document reason from { code } to { code } } } }";
    let moves = owner.data(query, json!({ "v": desk.variants[0] })).await["stockHistory"]["nodes"].clone();
    let told = |row: &Value| {
        assert_eq!(row["document"], number, "its moves are not under its number");
        [&row["reason"], &row["from"]["code"], &row["to"]["code"]].map(|value| value.as_str().unwrap().to_owned())
    };
    let mut moves: Vec<[String; 3]> = moves.as_array().unwrap().iter().map(told).collect();
    moves.sort();
    let expected = [["RECEIPT", "SUPPLIER", "@QC"], ["TRANSFER", "@QC", "PO-1"]].map(|row| row.map(str::to_owned));
    assert_eq!(moves, expected);
    desk.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_that_was_wrong_is_taken_back_once_by_a_document_of_its_own() {
    let desk = Desk::new().await;
    let order = desk.acknowledged_order(&[line(100, "10.00")]).await;
    let receiver = desk.receiver().await;
    let receipt = desk.delivered(&order, &[(0, 60)]).await;
    let receipt = inspected(&desk, &receipt, json!({ "accepted": 50, "rejected": 4, "reason": "QUALITY" })).await;
    let kept = desk.received(&order, &[(0, 40)]).await;
    let reversing = |receipt: &Value| over(step(receipt), json!({ "reason": "录错单" }));
    let silent = over(step(&receipt), json!({ "reason": " " }));
    assert_eq!(receiver.refused("reverseGoodsReceipt", silent).await, refusals(&[("REQUIRED", "reason")]));
    let stale = json!({ "id": receipt["id"], "expectedVersion": 1, "reason": "x" });
    let refused = receiver.refused("reverseGoodsReceipt", stale).await;
    assert_eq!(refused, refusals(&[("STALE_VERSION", "expectedVersion")]));

    // Not while what was accepted is somewhere else.
    let far = json!({ "code": "FAR", "kind": "DUTY_PAID_WAREHOUSE", "name": "FAR" });
    let far = desk.owner().await.done("createStockLocation", "location { id }", far).await["location"]["id"].clone();
    let away = async |code: &str, to: &Value, quantity: i64| {
        let from = balance(&desk, code).await["id"].clone();
        let line = json!({ "balanceId": from, "toId": to, "quantity": quantity });
        desk.owner().await.done("transferStock", "", json!({ "document": "T", "lines": [line] })).await;
    };
    away("PO-1", &far, 41).await;
    let refused = receiver.refused("reverseGoodsReceipt", reversing(&receipt)).await;
    assert_eq!(refused, refusals(&[("OUT_OF_STOCK", "id")]));
    assert_eq!(counted(&desk.order(&order).await), [[100, 90, 4, 0]], "a refusal left something");
    away("FAR", &desk.location, 41).await;

    let selection = "goodsReceipt { id kind state note reverses { id state reversedBy { id } } \
         lines { nodes { delivered ofLineId } } }";
    let done = receiver.done("reverseGoodsReceipt", selection, reversing(&receipt)).await["goodsReceipt"].clone();
    assert_eq!(
        (&done["kind"], &done["state"], &done["note"]),
        (&json!("REVERSAL"), &json!("POSTED"), &json!("录错单"))
    );
    let of = json!({ "id": receipt["id"], "state": "REVERSED", "reversedBy": { "id": done["id"] } });
    assert_eq!(done["reverses"], of);
    assert_eq!(done["lines"]["nodes"][0]["delivered"], 60);
    assert_eq!(counted(&desk.order(&order).await), [[40, 40, 0, 0]]);
    assert_eq!(lying(&desk, 0).await, there(&[("PO-1", 40)]));
    let illegal = refusals(&[("ILLEGAL_TRANSITION", "id")]);
    let now = read(&desk, &receiver, &receipt, "id version").await;
    assert_eq!(receiver.refused("reverseGoodsReceipt", reversing(&now)).await, illegal, "taken back twice");
    let of_document = json!({ "id": done["id"], "expectedVersion": 1, "reason": "x" });
    assert_eq!(receiver.refused("reverseGoodsReceipt", of_document).await, illegal, "taken back and there again");
    let late = inspecting(&receipt, json!({ "accepted": 1 }));
    assert_eq!(receiver.refused("inspectGoodsReceipt", late).await, illegal);

    // What came in its place may come; what is billed stays.
    let again = desk.received(&order, &[(0, 60)]).await;
    desk.invoiced(&order, "INV-1", &[(0, 70, "10.00")]).await;
    let in_use = refusals(&[("IN_USE", "id")]);
    assert_eq!(receiver.refused("reverseGoodsReceipt", reversing(&again)).await, in_use, "a bill hangs in the air");
    let kept_now = read(&desk, &receiver, &kept, "id version").await;
    assert_eq!(receiver.refused("reverseGoodsReceipt", reversing(&kept_now)).await, in_use);
    assert_eq!(counted(&desk.order(&order).await), [[100, 100, 0, 0]]);
    desk.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_of_which_something_went_back_is_not_taken_back() {
    let desk = Desk::new().await;
    let order = desk.sent_order(&[line(10, "10.00")]).await;
    let receiver = desk.receiver().await;
    let receipt = desk.delivered(&order, &[(0, 10)]).await;
    inspected(&desk, &receipt, json!({ "accepted": 6, "rejected": 4, "reason": "QUALITY" })).await;
    receiver.done("returnToSupplier", "", returning(&receipt, 1)).await;
    let now = read(&desk, &receiver, &receipt, "id version").await;
    let reversing = over(step(&now), json!({ "reason": "x" }));
    assert_eq!(receiver.refused("reverseGoodsReceipt", reversing).await, refusals(&[("IN_USE", "id")]));
    assert_eq!(lying(&desk, 0).await, there(&[("@QC", 3), ("PO-1", 6)]));
    desk.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_sends_its_receipt_again_is_told_what_became_of_it() {
    let desk = Desk::new().await;
    let order = desk.sent_order(&[line(10, "10.00")]).await;
    let receiver = desk.receiver().await;
    let sent = |quantity: i64, more: Value| {
        desk.receiving(&order, &[(0, quantity)], over(json!({ "clientRef": "pda-7:1" }), more))
    };
    let selection = "goodsReceipt { id number state }";
    let first = receiver.done("postGoodsReceipt", selection, sent(6, json!({}))).await["goodsReceipt"].clone();
    let again = receiver.done("postGoodsReceipt", selection, sent(6, json!({}))).await["goodsReceipt"].clone();
    assert_eq!(again, first, "it came twice");
    assert_eq!(counted(&desk.order(&order).await), [[6, 0, 0, 0]]);
    let reused = refusals(&[("IDEMPOTENCY_KEY_REUSED", "clientRef")]);
    assert_eq!(receiver.refused("postGoodsReceipt", sent(4, json!({}))).await, reused);
    let other_note = sent(6, json!({ "deliveryNote": "SH-9" }));
    assert_eq!(receiver.refused("postGoodsReceipt", other_note).await, reused);
    // A draft is posted by its id.
    let mut draft = sent(4, json!({ "clientRef": "pda-7:2" }));
    draft.as_object_mut().unwrap().remove("inspected");
    receiver.done("createGoodsReceipt", selection, draft.clone()).await;
    receiver.done("createGoodsReceipt", selection, draft.clone()).await;
    let refused = receiver.refused("postGoodsReceipt", draft).await;
    assert_eq!(refused, refusals(&[("ALREADY_TAKEN", "clientRef")]));
    let drafts = "{ goodsReceipts(filter: { state: DRAFT }) { nodes { id } } }";
    let drafts = receiver.data(drafts, json!({})).await["goodsReceipts"]["nodes"].clone();
    assert_eq!(drafts.as_array().unwrap().len(), 1, "one draft is two");
    // With a clientMutationId the whole answer is the one that was given before.
    let asked = over(sent(2, json!({ "clientRef": "pda-7:3" })), json!({ "clientMutationId": "m-1" }));
    let one = receiver.done("postGoodsReceipt", selection, asked.clone()).await;
    assert_eq!(receiver.done("postGoodsReceipt", selection, asked).await, one);
    assert_eq!(counted(&desk.order(&order).await), [[8, 0, 0, 0]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_nowhere_is_received_and_accepted_too() {
    let desk = Desk::new().await;
    let price = json!({ "amount": "500.00", "currency": "CNY" });
    let service = json!({ "description": "仓库改造", "unit": "项", "quantity": 1, "price": price, "taxPpm": 60_000 });
    let input = desk.ordering(0, &[line(5, "10.00")], json!({}));
    let lines = json!([input["lines"][0], service]);
    let input = over(input, json!({ "lines": lines }));
    let purchaser = desk.purchaser().await;
    let order = desk.stepped("createPurchaseOrder", &purchaser, input).await;
    let order = desk.stepped("submitPurchaseOrder", &purchaser, step(&order)).await;
    let order = desk.approve(&order).await;
    let order = desk.stepped("sendPurchaseOrder", &purchaser, step(&order)).await;
    let receipt = desk.received(&order, &[(1, 1), (0, 5)]).await;
    assert_eq!(counted(&desk.order(&order).await), [[5, 5, 0, 0], [1, 1, 0, 0]]);
    assert_eq!(lying(&desk, 0).await, there(&[("PO-1", 5)]));
    let shown = "version lines { nodes { position variant { id } stockLot { code } } }";
    let lines = read(&desk, &purchaser, &receipt, shown).await;
    let expected = json!([{ "position": 0, "variant": null, "stockLot": null },
        { "position": 1, "variant": { "id": desk.variants[0] }, "stockLot": { "code": "" } }]);
    assert_eq!(lines["lines"]["nodes"], expected);
    // The order says so as well.
    let whole = desk.one(&purchaser, "purchaseOrder", &order["id"], ORDER).await;
    assert_eq!(whole["receiptStatus"], "FULL");
    assert_eq!(desk.market.stock(BUYER, &desk.variants[0]).await, (5, 0));
    let reversing = json!({ "id": receipt["id"], "expectedVersion": lines["version"], "reason": "x" });
    desk.receiver().await.done("reverseGoodsReceipt", "", reversing).await;
    assert_eq!(counted(&desk.order(&order).await), [[0; 4], [0; 4]]);
    assert_eq!(lying(&desk, 0).await, there(&[]));
    desk.adds_up().await;
}
