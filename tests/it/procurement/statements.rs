//! What comparing, awarding, ordering and matching cost in SQL: a number that does not grow with lines, but for the
//! rows that are written in parts of a few hundred.

use serde_json::{Value, json};

use super::{Desk, line_id, over, step};
use crate::support::Client;

/// How many statements a request takes.
pub async fn statements(client: &Client, query: &str, variables: &Value) -> (u64, Value) {
    let sent = client.request(reqwest::Method::POST, "/graphql").header("x-chama-cost", "1");
    let answer = sent.json(&json!({ "query": query, "variables": variables })).send().await.unwrap();
    let count = answer.headers()["x-chama-sql"].to_str().unwrap().parse().unwrap();
    let said: Value = answer.json().await.unwrap();
    assert!(said.get("errors").is_none(), "{said}");
    (count, said["data"].clone())
}

/// A request for so many lines that all three quote for, opened.
async fn opened(desk: &Desk, lines: usize) -> Value {
    let line = |n: usize| {
        let variant = &desk.variants[n % desk.variants.len()];
        json!({ "variantId": variant, "description": format!("藏毯 {n}"), "quantity": 10, "unit": "032" })
    };
    let lines: Vec<Value> = (0..lines).map(line).collect();
    let rfq = desk.published_rfq_of(json!({ "lines": lines })).await;
    for n in 0..3 {
        let prices: Vec<String> = (0..lines.len()).map(|of| format!("{}.50", 10 + (n + of) % 7)).collect();
        let prices: Vec<&str> = prices.iter().map(String::as_str).collect();
        desk.quoted(n, &rfq, &prices).await;
    }
    desk.opened(&rfq).await;
    rfq
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comparison_takes_as_many_statements_for_a_hundred_lines_as_for_two() {
    let desk = Desk::new().await;
    let (few, many) = (opened(&desk, 2).await, opened(&desk, 100).await);
    let query = "query($id: ID!, $with: AssumptionsInput!) { compareQuotations(rfqId: $id, assumptions: $with) { \
                 resultSha256 columns { supplier { name } complete priceRank scoreRank total { amount } } \
                 cells { position supplierId landed priceRank total { amount } } } }";
    let quality = |supplier: &Value| json!({ "supplierId": supplier, "points": 90 });
    let with = json!({
        "currency": "CNY",
        "weights": { "pricePercent": 60, "leadPercent": 20, "qualityPercent": 20 },
        "quality": desk.suppliers.iter().map(quality).collect::<Vec<_>>(),
    });
    let purchaser = desk.purchaser().await;
    let mut counts = Vec::new();
    for (rfq, cells) in [(&few, 6), (&many, 300), (&few, 6), (&many, 300)] {
        let (count, data) = statements(&purchaser, query, &json!({ "id": rfq["id"], "with": with })).await;
        assert_eq!(data["compareQuotations"]["cells"].as_array().unwrap().len(), cells);
        counts.push(count);
    }
    // Who is asking is kept for a moment, and is asked for by the first.
    assert_eq!(counts[2], counts[3], "lines cost statements: {counts:?}");
    assert!(counts[3] <= 10, "comparing takes {} statements", counts[3]);
}

/// All lines of a request, in turn to the first and to the second quotation.
async fn awarding(desk: &Desk, rfq: &Value) -> Value {
    let buyer = desk.purchaser().await;
    let with = json!({ "currency": "CNY", "weights": { "pricePercent": 80, "leadPercent": 20, "qualityPercent": 0 } });
    let keep = json!({ "rfqId": rfq["id"], "assumptions": with });
    let kept = buyer.done("keepComparison", "comparison { id }", keep).await;
    let seen = desk.one(&buyer, "rfq", &rfq["id"], "quotations(first: 10) { nodes { id } }").await;
    let quotations = &seen["quotations"]["nodes"];
    let lines = rfq["lines"]["nodes"].as_array().unwrap().iter().enumerate();
    let award = |(n, line): (usize, &Value)| {
        let quotation = &quotations[n % 2]["id"];
        json!({ "lineId": line["id"], "quotationId": quotation, "quantity": 10, "reason": "分散风险" })
    };
    json!({ "rfqId": rfq["id"], "comparisonId": kept["comparison"]["id"], "lines": lines.map(award).collect::<Vec<_>>() })
}

#[tokio::test(flavor = "multi_thread")]
async fn awarding_and_ordering_fifty_lines_take_as_many_statements_as_five() {
    let desk = Desk::new().await;
    let award = "mutation($input: AwardRfqInput!) { awardRfq(input: $input) { rfq { state } userErrors { code } } }";
    let convert = "mutation($input: ConvertAwardsToOrdersInput!) { convertAwardsToOrders(input: $input) { \
                   purchaseOrders { id } userErrors { code } } }";
    let mut counts = Vec::new();
    for lines in [5, 50, 5, 50] {
        let rfq = opened(&desk, lines).await;
        let input = awarding(&desk, &rfq).await;
        let buyer = desk.purchaser().await;
        let (awarding, data) = statements(&buyer, award, &json!({ "input": input })).await;
        let done = &data["awardRfq"];
        assert_eq!(json!([done["userErrors"], done["rfq"]["state"]]), json!([[], "AWARDED"]));
        let input = json!({ "rfqId": rfq["id"] });
        let (ordering, data) = statements(&buyer, convert, &json!({ "input": input })).await;
        let done = &data["convertAwardsToOrders"];
        assert_eq!(done["userErrors"], json!([]));
        assert_eq!(done["purchaseOrders"].as_array().unwrap().len(), 2, "one order a supplier");
        counts.push((awarding, ordering));
    }
    // Who is asking is kept for a moment, and is asked for by the first.
    assert_eq!(counts[2], counts[3], "lines cost statements: {counts:?}");
}

/// An order of so many lines that was sent and has come.
async fn arrived(desk: &Desk, lines: usize) -> Value {
    let all: Vec<super::Line<'_>> =
        (0..lines).map(|n| super::Line { item: n % 3, quantity: 10, price: "10.00", tax_ppm: 130_000 }).collect();
    let order = desk.sent_order(&all).await;
    // Only the first hundred lines are on the page; the others are read behind them.
    let query = "query($id: ID!, $after: String) { purchaseOrder(id: $id) { id lines(first: 100, after: $after) { \
                 pageInfo { endCursor hasNextPage } nodes { id } } } }";
    let (mut nodes, mut after) = (Vec::new(), Value::Null);
    loop {
        let variables = json!({ "id": order["id"], "after": after });
        let page = desk.purchaser().await.data(query, variables).await["purchaseOrder"]["lines"].clone();
        nodes.extend(page["nodes"].as_array().unwrap().iter().cloned());
        if page["pageInfo"]["hasNextPage"] != true {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(nodes.len(), lines);
    let order = over(order, json!({ "lines": { "nodes": nodes } }));
    let came: Vec<(usize, i64)> = (0..lines).map(|n| (n, 10)).collect();
    desk.received(&order, &came).await;
    order
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_of_fifty_lines_is_matched_by_as_many_statements_as_one_of_five() {
    let desk = Desk::new().await;
    let (few, many) = (arrived(&desk, 5).await, arrived(&desk, 50).await);
    let query = "mutation($input: RecordSupplierInvoiceInput!) { recordSupplierInvoice(input: $input) { \
                 supplierInvoice { state } match { passed } userErrors { code } } }";
    let clerk = desk.clerk().await;
    let mut counts = Vec::new();
    for (n, (order, lines)) in [(&few, 5), (&many, 50), (&few, 5), (&many, 50)].into_iter().enumerate() {
        let billed: Vec<(usize, i64, &str)> = (0..lines).map(|of| (of, 1, "10.00")).collect();
        let input = desk.invoicing(order, &format!("INV-{n}"), &billed, json!({}));
        let (count, data) = statements(&clerk, query, &json!({ "input": input })).await;
        let done = &data["recordSupplierInvoice"];
        assert_eq!(json!([done["userErrors"], done["supplierInvoice"]["state"]]), json!([[], "MATCHED"]));
        counts.push(count);
    }
    assert_eq!(counts[2], counts[3], "lines cost statements: {counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_of_five_hundred_lines_is_matched_by_few_more_statements_than_one_of_five() {
    let desk = Desk::new().await;
    let (few, many) = (arrived(&desk, 5).await, arrived(&desk, 500).await);
    let query = "mutation($input: RecordSupplierInvoiceInput!) { recordSupplierInvoice(input: $input) { \
                 supplierInvoice { id version state } match { passed } userErrors { code } } }";
    let approve = "mutation($input: ApproveSupplierInvoiceInput!) { approveSupplierInvoice(input: $input) { \
                   payable { id } userErrors { code } } }";
    let clerk = desk.clerk().await;
    let (mut counts, mut approvals) = (Vec::new(), Vec::new());
    for (n, (order, lines)) in [(&few, 5), (&many, 500), (&few, 5), (&many, 500)].into_iter().enumerate() {
        let billed: Vec<(usize, i64, &str)> = (0..lines).map(|of| (of, 1, "10.00")).collect();
        let input = desk.invoicing(order, &format!("INV-{n}"), &billed, json!({}));
        assert_eq!(&input["lines"][0]["orderLineId"], line_id(order, 0));
        let (count, data) = statements(&clerk, query, &json!({ "input": input })).await;
        let done = &data["recordSupplierInvoice"];
        assert_eq!(json!([done["userErrors"], done["supplierInvoice"]["state"]]), json!([[], "MATCHED"]));
        counts.push(count);
        // Who is asking is kept for a moment, and was asked for by the first.
        if n > 1 {
            let input = step(&done["supplierInvoice"]);
            let (count, data) = statements(&clerk, approve, &json!({ "input": input })).await;
            let done = &data["approveSupplierInvoice"];
            assert_eq!(done["userErrors"], json!([]));
            assert!(done["payable"]["id"].is_string(), "nothing is owed: {done}");
            approvals.push(count);
        }
    }
    let (five, hundreds) = (counts[2], counts[3]);
    assert!(five <= 30, "matching five lines takes {five} statements");
    // As many lines are written in one part.
    assert!(hundreds <= five + 2, "five lines take {five} statements, five hundred {hundreds}");
    assert!(approvals[1] <= approvals[0] + 2 && approvals[0] <= 40, "approving takes {approvals:?} statements");
    desk.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_invoices_with_how_they_fit_and_what_is_owed_takes_as_many_statements_for_three_as_for_one() {
    let desk = Desk::new().await;
    let order = arrived(&desk, 1).await;
    let clerk = desk.clerk().await;
    for n in 0..3 {
        let input = desk.invoicing(&order, &format!("INV-{n}"), &[(0, 2, "10.00")], json!({}));
        let done = clerk.done("recordSupplierInvoice", "supplierInvoice { id version }", input).await;
        clerk.done("approveSupplierInvoice", "payable { id }", step(&done["supplierInvoice"])).await;
    }
    let query = "query($first: Int!) { supplierInvoices(first: $first) { nodes { invoiceNo match { passed } \
                 payable { invoice { invoiceNo } } } } }";
    let mut counts = Vec::new();
    for first in [3_usize, 1, 3] {
        let (count, data) = statements(&clerk, query, &json!({ "first": first })).await;
        let nodes = data["supplierInvoices"]["nodes"].as_array().unwrap();
        assert_eq!(nodes.len(), first);
        for node in nodes {
            assert_eq!(node["match"]["passed"], true, "{node}");
            assert_eq!(node["payable"]["invoice"]["invoiceNo"], node["invoiceNo"], "another invoice's money: {node}");
        }
        counts.push(count);
    }
    assert_eq!(counts[1], counts[2], "each invoice asks for itself: {counts:?}");
}
