//! Requests for quotations: what is written down and refused, whom it concerns, what is asked about it, and what it was
//! made of.

use chrono::Duration;
use entities::party::MemberRole;
use serde_json::{Value, json};

use super::{Desk, RFQ, SUPPLIERS, over, step};
use crate::support::Client;

/// A seller that nobody invites in these tests.
const STRANGER: &str = "zhaoguang-goji";

async fn seen(desk: &Desk, client: &Client, rfq: &Value, selection: &str) -> Value {
    desk.one(client, "rfq", &rfq["id"], selection).await
}

async fn listed(client: &Client, filter: Value) -> Vec<Value> {
    let query = "query($filter: RfqFilter) { rfqs(filter: $filter) { nodes { id } } }";
    let nodes = client.data(query, json!({ "filter": filter })).await["rfqs"]["nodes"].clone();
    nodes.as_array().unwrap().iter().map(|row| row["id"].clone()).collect()
}

fn refused(code: &str, field: &str) -> Vec<(String, String)> {
    vec![(code.to_owned(), field.to_owned())]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_seen_by_its_buyer_and_once_published_by_whom_it_invites() {
    let desk = Desk::new().await;
    let buyer = desk.purchaser().await;
    let (supplier, stranger) = (desk.supplier(0).await, desk.market.server.seller(STRANGER).await);
    let rfq = desk.drafted_rfq(json!({})).await;
    assert_eq!((&rfq["state"], &rfq["version"], &rfq["quotationCount"]), (&json!("DRAFT"), &json!(1), &json!(0)));
    assert!(rfq["number"].as_str().unwrap().starts_with("RFQ20260301"), "{rfq}");
    for client in [&supplier, &stranger] {
        assert_eq!(seen(&desk, client, &rfq, "id").await, Value::Null, "somebody else reads a draft");
        assert!(listed(client, Value::Null).await.is_empty(), "somebody else finds a draft");
    }
    let published = buyer.done("publishRfq", &format!("rfq {{ {RFQ} }}"), step(&rfq)).await["rfq"].clone();
    assert_eq!((&published["state"], &published["version"]), (&json!("PUBLISHED"), &json!(2)));
    // Of the same request a supplier reads what it is told.
    let selection = "number title deadline sealed round version quotationCount createdBy updatedAt deliverToId \
         origin { kind } buyer { slug } lines { nodes { position quantity unit awarded variant { id } } } \
         invitations { nodes { supplier { slug } sentAt } }";
    let told = seen(&desk, &supplier, &rfq, selection).await;
    assert_eq!(told["lines"]["nodes"].as_array().unwrap().len(), 2);
    assert_eq!(told["lines"]["nodes"][0]["variant"]["id"], desk.variants[0]);
    for field in ["quotationCount", "createdBy", "updatedAt", "deliverToId", "origin"] {
        assert_eq!(told[field], Value::Null, "a supplier reads {field}");
    }
    assert_eq!(told["lines"]["nodes"][0]["awarded"], Value::Null);
    let invited = told["invitations"]["nodes"].as_array().unwrap();
    assert!(
        invited.len() == 1 && invited[0]["supplier"]["slug"] == SUPPLIERS[0],
        "a supplier reads who else is invited"
    );
    let inside = seen(&desk, &buyer, &rfq, selection).await;
    assert_eq!(inside["invitations"]["nodes"].as_array().unwrap().len(), 3);
    assert_eq!((&inside["quotationCount"], &inside["lines"]["nodes"][0]["awarded"]), (&json!(0), &json!(0)));
    assert!(inside["createdBy"].as_str().unwrap().starts_with("person:"));
    assert_eq!(seen(&desk, &stranger, &rfq, "id").await, Value::Null);
    assert_eq!(seen(&desk, &desk.operator().await, &rfq, "number").await["number"], rfq["number"]);
    // Each side finds it in its list, and only there.
    assert_eq!(listed(&buyer, json!({ "side": "BUYER", "state": "PUBLISHED" })).await, [rfq["id"].clone()]);
    assert!(listed(&buyer, json!({ "side": "SUPPLIER" })).await.is_empty());
    assert_eq!(listed(&supplier, json!({ "side": "SUPPLIER" })).await, [rfq["id"].clone()]);
    assert!(listed(&supplier, json!({ "side": "BUYER" })).await.is_empty());
    // Who may not, may not: and what is another's does not exist.
    assert_eq!(desk.receiver().await.denied("createRfq", desk.asking(json!({}))).await, "FORBIDDEN");
    let again = step(&published);
    assert_eq!(supplier.refused("publishRfq", again.clone()).await, refused("NOT_FOUND", "id"));
    assert_eq!(buyer.refused("publishRfq", again).await, refused("ILLEGAL_TRANSITION", "id"));
    desk.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_refused_where_it_is_wrong() {
    let desk = Desk::new().await;
    let buyer = desk.purchaser().await;
    let line = |more: Value| {
        let line = json!({ "description": "藏毯", "quantity": 10, "unit": "032" });
        json!({ "lines": [over(line, more)] })
    };
    let nobody = desk.category.clone();
    for (more, code, field) in [
        (json!({ "title": " " }), "REQUIRED", "title"),
        (json!({ "deadline": desk.moment(0) }), "OUT_OF_RANGE", "deadline"),
        (json!({ "deadline": desk.moment(24 * 400) }), "OUT_OF_RANGE", "deadline"),
        (json!({ "currency": "XAU" }), "INVALID_CURRENCY", "currency"),
        (json!({ "neededOn": desk.day(-1) }), "OUT_OF_RANGE", "neededOn"),
        (json!({ "deliverToId": desk.category }), "NOT_FOUND", "deliverToId"),
        (json!({ "lines": [] }), "REQUIRED", "lines"),
        (line(json!({ "quantity": 0 })), "OUT_OF_RANGE", "lines.0.quantity"),
        (line(json!({ "description": "" })), "REQUIRED", "lines.0.description"),
        (line(json!({ "unit": "x".repeat(21) })), "TOO_LONG", "lines.0.unit"),
        (line(json!({ "variantId": nobody })), "NOT_FOUND", "lines.0.variantId"),
        (json!({ "supplierIds": [desk.buyer] }), "INVALID_VALUE", "supplierIds.0"),
        (json!({ "supplierIds": [desk.suppliers[0], desk.suppliers[0]] }), "DUPLICATE", "supplierIds.1"),
        (json!({ "supplierIds": [desk.category] }), "NOT_FOUND", "supplierIds.0"),
        (json!({ "origin": { "kind": "RUMOUR", "reference": "1" } }), "INVALID_VALUE", "origin.kind"),
    ] {
        assert_eq!(buyer.refused("createRfq", desk.asking(more)).await, refused(code, field));
    }
    // A draft without suppliers is one; but nobody can be told of it.
    let alone = desk.drafted_rfq(json!({ "supplierIds": [] })).await;
    assert_eq!(buyer.refused("publishRfq", step(&alone)).await, refused("REQUIRED", "suppliers"));
    let late = desk.drafted_rfq(json!({})).await;
    desk.wait(Duration::hours(73));
    let buyer = desk.purchaser().await;
    assert_eq!(buyer.refused("publishRfq", step(&late)).await, refused("OUT_OF_RANGE", "deadline"));
    // Written anew it is all of it, and refused within.
    let mut content = desk.asking(json!({ "title": "夏季补货", "supplierIds": [desk.suppliers[1]] }));
    let anew =
        |content: &Value, version: i32| json!({ "id": late["id"], "expectedVersion": version, "content": content });
    let selection = "rfq { title version lines { nodes { id } } invitations { nodes { supplier { slug } } } }";
    let written = buyer.done("updateRfq", selection, anew(&content, 1)).await["rfq"].clone();
    assert_eq!((&written["title"], &written["version"]), (&json!("夏季补货"), &json!(2)));
    let invited = json!([{ "supplier": { "slug": SUPPLIERS[1] } }]);
    assert_eq!(written["invitations"]["nodes"], invited);
    assert_eq!(buyer.refused("updateRfq", anew(&content, 1)).await, refused("STALE_VERSION", "expectedVersion"));
    content["title"] = json!("");
    assert_eq!(buyer.refused("updateRfq", anew(&content, 2)).await, refused("REQUIRED", "content.title"));
    content["title"] = json!("夏季补货");
    buyer.done("publishRfq", "", json!({ "id": late["id"], "expectedVersion": 2 })).await;
    assert_eq!(buyer.refused("updateRfq", anew(&content, 3)).await, refused("ILLEGAL_TRANSITION", "id"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_answered_to_all_without_saying_who_asked_or_to_who_asked_alone() {
    let desk = Desk::new().await;
    let rfq = desk.published_rfq().await;
    let buyer = desk.purchaser().await;
    let (first, second) = (desk.supplier(0).await, desk.supplier(1).await);
    let selection = "questions { nodes { id text answer published supplier { slug } } }";
    for text in ["尺寸?", "包装?"] {
        first.done("askRfqQuestion", "", json!({ "rfqId": rfq["id"], "text": text })).await;
    }
    let asked = seen(&desk, &buyer, &rfq, selection).await["questions"]["nodes"].clone();
    assert_eq!((asked.as_array().unwrap().len(), &asked[0]["supplier"]["slug"]), (2, &json!(SUPPLIERS[0])));
    assert_eq!(seen(&desk, &second, &rfq, selection).await["questions"]["nodes"], json!([]), "not answered yet");
    let answer = |n: usize, text: &str, publish: bool| {
        let id = &asked[n]["id"];
        json!({ "questionId": id, "answer": text, "publish": publish })
    };
    buyer.done("answerRfqQuestion", "", answer(0, "2 x 3 m", true)).await;
    buyer.done("answerRfqQuestion", "", answer(1, "纸箱", false)).await;
    let to_all = seen(&desk, &second, &rfq, selection).await["questions"]["nodes"].clone();
    assert_eq!(to_all.as_array().unwrap().len(), 1, "what was answered to one is read by another: {to_all}");
    assert_eq!((&to_all[0]["answer"], &to_all[0]["supplier"]), (&json!("2 x 3 m"), &Value::Null));
    let own = seen(&desk, &first, &rfq, selection).await["questions"]["nodes"].clone();
    assert_eq!((&own[1]["answer"], &own[1]["supplier"]["slug"]), (&json!("纸箱"), &json!(SUPPLIERS[0])));
    let twice = buyer.refused("answerRfqQuestion", answer(0, "?", true)).await;
    assert_eq!(twice, refused("ILLEGAL_TRANSITION", "questionId"));
    let stranger = desk.market.server.seller(STRANGER).await;
    let input = json!({ "rfqId": rfq["id"], "text": "?" });
    assert_eq!(stranger.refused("askRfqQuestion", input.clone()).await, refused("NOT_FOUND", "rfqId"));
    let of_another = stranger.refused("answerRfqQuestion", answer(0, "?", true)).await;
    assert_eq!(of_another, refused("NOT_FOUND", "questionId"));
    desk.opened(&rfq).await;
    assert_eq!(desk.supplier(0).await.refused("askRfqQuestion", input).await, refused("WINDOW_CLOSED", "rfqId"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_looked_and_who_declined_is_noted_and_whether_it_quoted_is_not() {
    let desk = Desk::new().await;
    let rfq = desk.published_rfq().await;
    let buyer = desk.purchaser().await;
    let id = json!({ "id": rfq["id"] });
    let selection = "invitations { nodes { viewedAt declinedAt declineReason } }";
    for _ in 0..2 {
        desk.supplier(0).await.done("markRfqViewed", "", id.clone()).await;
    }
    let no = over(id.clone(), json!({ "reason": "没有产能" }));
    desk.supplier(1).await.done("declineRfq", "", no.clone()).await;
    assert_eq!(desk.supplier(1).await.refused("declineRfq", no).await, refused("ILLEGAL_TRANSITION", "id"));
    let quoting = desk.quoting(&rfq, &["12.00", "30.00"], json!({}));
    assert_eq!(
        desk.supplier(1).await.refused("submitQuotation", quoting).await,
        refused("ILLEGAL_TRANSITION", "rfqId")
    );
    let before = seen(&desk, &buyer, &rfq, selection).await;
    desk.quoted(0, &rfq, &["12.00", "30.00"]).await;
    let after = seen(&desk, &buyer, &rfq, selection).await;
    assert_eq!(before, after, "an invitation says that its supplier quoted");
    let count = |seen: &Value, field: &str| {
        let rows = seen["invitations"]["nodes"].as_array().unwrap();
        rows.iter().filter(|row| !row[field].is_null()).count()
    };
    assert_eq!((count(&after, "declinedAt"), count(&after, "declineReason")), (1, 1));
    assert_eq!(count(&after, "viewedAt"), 0, "beside the count who looked says who quoted");
    assert_eq!(count(&seen(&desk, &desk.supplier(0).await, &rfq, selection).await, "viewedAt"), 1);
    // Who quoted takes that back before it declines.
    assert_eq!(desk.supplier(0).await.refused("declineRfq", id.clone()).await, refused("ILLEGAL_TRANSITION", "id"));
    assert_eq!(desk.suppliers_as(0, MemberRole::Auditor).await.denied("declineRfq", id).await, "FORBIDDEN");
    desk.opened(&rfq).await;
    assert_eq!(count(&seen(&desk, &desk.purchaser().await, &rfq, selection).await, "viewedAt"), 1);
    // In another round what was shown stays so.
    let buyer = desk.purchaser().await;
    let closed = seen(&desk, &buyer, &rfq, "id version").await;
    let again = over(step(&closed), json!({ "deadline": desk.moment(48) }));
    buyer.done("startRfqRound", "", again).await;
    desk.supplier(2).await.done("markRfqViewed", "", json!({ "id": rfq["id"] })).await;
    assert_eq!(count(&seen(&desk, &buyer, &rfq, selection).await, "viewedAt"), 1);
    // Of what is not sealed there is nothing to hide.
    let open = desk.published_rfq_of(json!({ "sealed": false })).await;
    desk.supplier(0).await.done("markRfqViewed", "", json!({ "id": open["id"] })).await;
    assert_eq!(count(&seen(&desk, &buyer, &open, selection).await, "viewedAt"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_one_lead_there_is_one_request_however_often_it_is_converted() {
    let desk = Desk::new().await;
    let buyer = desk.purchaser().await;
    let origin = |kind: &str, reference: &str| json!({ "origin": { "kind": kind, "reference": reference } });
    let made = async |client: &Client, more: Value| {
        let selection = "rfq { id origin { kind reference } }";
        client.done("createRfq", selection, desk.asking(more)).await["rfq"].clone()
    };
    let first = made(&buyer, origin("FAIR_INTENT", "lead-7")).await;
    assert_eq!(first["origin"], json!({ "kind": "FAIR_INTENT", "reference": "lead-7" }));
    let again = futures_util::future::join_all((0..8).map(|_| made(&buyer, origin("FAIR_INTENT", " lead-7 ")))).await;
    assert!(again.iter().all(|rfq| rfq["id"] == first["id"]), "a lead became two requests");
    assert_ne!(made(&buyer, origin("EXHIBITION_LEAD", "lead-7")).await["id"], first["id"]);
    assert_ne!(made(&buyer, json!({})).await["id"], made(&buyer, json!({})).await["id"]);
    // Another buyer's lead of that name is another.
    let other = desk.market.server.seller(STRANGER).await;
    let more = over(origin("FAIR_INTENT", "lead-7"), json!({ "supplierIds": [desk.suppliers[0]] }));
    assert_ne!(made(&other, more).await["id"], first["id"]);
    // What was given up is none: then it may become another, and that one is the only one.
    let cancel = json!({ "id": first["id"], "expectedVersion": 1, "reason": "重新询价" });
    buyer.done("cancelRfq", "", cancel).await;
    let anew = made(&buyer, origin("FAIR_INTENT", "lead-7")).await;
    assert_ne!(anew["id"], first["id"], "a lead of what was given up cannot be converted again");
    assert_eq!(made(&buyer, origin("FAIR_INTENT", "lead-7")).await["id"], anew["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_a_supplier_whose_standing_warns_is_told_so_and_the_supplier_is_not() {
    let desk = Desk::new().await;
    let warns = json!([{ "name": "谨慎", "from": 0, "below": 50, "onRfq": "WARN", "onOrder": "NOTHING" },
        { "name": "正常", "from": 50 }]);
    let response = json!([{ "kind": "RESPONSE", "weight": 100 }]);
    let card = json!({ "criteria": response, "period": "MONTH", "standings": warns });
    desk.owner().await.done("setSupplierScorecard", "", card).await;
    // One answers, the others do not.
    let rfq = desk.published_rfq().await;
    desk.quoted(0, &rfq, &["10.00", "20.00"]).await;
    desk.opened(&rfq).await;
    desk.wait(Duration::days(32));
    desk.swept().await;
    let buyer = desk.purchaser().await;
    let selection = "rfq { id version invitations { nodes { warned } } }";
    let warned = |done: &Value| {
        let nodes = done["rfq"]["invitations"]["nodes"].as_array().unwrap();
        nodes.iter().map(|one| one["warned"].clone()).collect::<Vec<_>>()
    };
    let asked = desk.drafted_rfq(json!({ "supplierIds": [desk.suppliers[0], desk.suppliers[1]] })).await;
    let done = buyer.done("publishRfq", selection, step(&asked)).await;
    assert_eq!(warned(&done), [false, true]);
    let more = over(step(&done["rfq"]), json!({ "supplierIds": [desk.suppliers[2]] }));
    assert_eq!(warned(&buyer.done("inviteSuppliers", selection, more).await), [false, true, true]);
    let told = seen(&desk, &desk.supplier(1).await, &asked, "invitations { nodes { warned } }").await;
    assert_eq!(told["invitations"]["nodes"], json!([{ "warned": null }]), "a supplier reads how it stands");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_requests_with_all_that_hangs_on_them_takes_as_many_statements_for_many_as_for_one() {
    let desk = Desk::new().await;
    for n in 0..4 {
        let rfq = desk.published_rfq_of(json!({ "title": format!("补货 {n}") })).await;
        desk.quoted(0, &rfq, &["10.00", "20.00"]).await;
        desk.supplier(1).await.done("askRfqQuestion", "", json!({ "rfqId": rfq["id"], "text": "尺寸?" })).await;
    }
    desk.wait(Duration::hours(72));
    desk.worked().await;
    let query = "query($first: Int!) { rfqs(first: $first) { nodes { lines(first: 5) { nodes { id } } \
                 invitations(first: 5) { nodes { id } } questions(first: 5) { nodes { id } } \
                 files(first: 5) { nodes { id } } \
                 quotations(first: 5) { nodes { holdsAfterDeadline files(first: 5) { nodes { id } } } } } } }";
    for client in [desk.purchaser().await, desk.supplier(0).await] {
        let mut counts = Vec::new();
        // Who is asking is kept for a moment, and is asked for by the first.
        for first in [4, 1, 4] {
            let body = json!({ "query": query, "variables": { "first": first } });
            let sent = client.request(reqwest::Method::POST, "/graphql").header("x-chama-cost", "1").json(&body);
            let answer = sent.send().await.unwrap();
            let statements: u64 = answer.headers()["x-chama-sql"].to_str().unwrap().parse().unwrap();
            let said: Value = answer.json().await.unwrap();
            assert!(said.get("errors").is_none(), "{said}");
            let nodes = said["data"]["rfqs"]["nodes"].as_array().unwrap();
            let quoted = |row: &Value| row["quotations"]["nodes"][0]["holdsAfterDeadline"] == true;
            assert!(nodes.len() == first && nodes.iter().all(quoted), "{said}");
            counts.push(statements);
        }
        assert_eq!(counts[1], counts[2], "each request costs statements: {counts:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_are_invited_and_more_time_is_given_until_the_deadline_and_what_is_given_up_stays_so() {
    let desk = Desk::new().await;
    let buyer = desk.purchaser().await;
    let rfq = desk.published_rfq_of(json!({ "supplierIds": [desk.suppliers[0]] })).await;
    let with = |rfq: &Value, more: Value| over(step(rfq), more);
    let invite = |rfq: &Value, n: usize| with(rfq, json!({ "supplierIds": [desk.suppliers[n]] }));
    assert_eq!(seen(&desk, &desk.supplier(1).await, &rfq, "id").await, Value::Null);
    let selection = format!("rfq {{ {RFQ} }}");
    let rfq = buyer.done("inviteSuppliers", &selection, invite(&rfq, 1)).await["rfq"].clone();
    assert_eq!(seen(&desk, &desk.supplier(1).await, &rfq, "id").await["id"], rfq["id"]);
    assert_eq!(buyer.refused("inviteSuppliers", invite(&rfq, 1)).await, refused("DUPLICATE", "supplierIds.0"));
    let until = |hours: i64| with(&rfq, json!({ "deadline": desk.moment(hours) }));
    assert_eq!(buyer.refused("extendRfqDeadline", until(24)).await, refused("OUT_OF_RANGE", "deadline"));
    let stale = over(until(96), json!({ "expectedVersion": 1 }));
    assert_eq!(buyer.refused("extendRfqDeadline", stale).await, refused("STALE_VERSION", "expectedVersion"));
    let rfq = buyer.done("extendRfqDeadline", &selection, until(96)).await["rfq"].clone();
    // The job of the deadline before does not open it.
    desk.wait(Duration::hours(73));
    desk.swept().await;
    assert_eq!(desk.one(&desk.purchaser().await, "rfq", &rfq["id"], "state").await["state"], "PUBLISHED");
    desk.quoted(1, &rfq, &["12.00", "30.00"]).await;
    desk.wait(Duration::hours(24));
    let buyer = desk.purchaser().await;
    for (mutation, more) in [
        ("extendRfqDeadline", json!({ "deadline": desk.moment(24) })),
        ("inviteSuppliers", json!({ "supplierIds": [desk.suppliers[2]] })),
    ] {
        assert_eq!(buyer.refused(mutation, with(&rfq, more)).await, refused("WINDOW_CLOSED", "id"), "{mutation}");
    }
    desk.worked().await;
    let state =
        "state version quotationCount openedAt cancelledReason quotations { nodes { id state content { currency } } }";
    let opened = seen(&desk, &buyer, &rfq, state).await;
    assert_eq!((&opened["state"], &opened["quotationCount"]), (&json!("CLOSED"), &json!(1)));
    let cancel = json!({ "id": rfq["id"], "expectedVersion": opened["version"], "reason": "预算取消" });
    buyer.done("cancelRfq", "", cancel.clone()).await;
    let gone = seen(&desk, &desk.supplier(1).await, &rfq, state).await;
    assert_eq!((&gone["state"], &gone["cancelledReason"]), (&json!("CANCELLED"), &json!("预算取消")));
    assert_eq!(gone["quotations"]["nodes"][0]["state"], "LOST");
    let again = over(cancel, json!({ "expectedVersion": opened["version"].as_i64().unwrap() + 1 }));
    assert_eq!(buyer.refused("cancelRfq", again).await, refused("ILLEGAL_TRANSITION", "id"));
    desk.adds_up().await;
}
