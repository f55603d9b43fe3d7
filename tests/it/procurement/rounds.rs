//! Rounds: versions of quotations, until when they are taken, who opens them, and another round.

use chrono::Duration;
use entities::{
    platform::job,
    procurement::{QuotationState, quotation},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, sea_query::Expr};
use serde_json::{Value, json};

use super::{Desk, RFQ, over, step};
use crate::support::Client;

const QUOTED: &str = "quotations(first: 50) { nodes { id state round version openedAt \
     content { validUntil minValue { amount } lines { lineId mode moq multiple available taxPpm \
     tiers { minQuantity price { amount currency } } } } } }";

async fn quotations(desk: &Desk, client: &Client, rfq: &Value) -> Vec<Value> {
    let seen = desk.one(client, "rfq", &rfq["id"], QUOTED).await;
    seen["quotations"]["nodes"].as_array().unwrap().clone()
}

fn refused(code: &str, field: &str) -> Vec<(String, String)> {
    vec![(code.to_owned(), field.to_owned())]
}

async fn count(desk: &Desk, rfq: &Value) -> Value {
    desk.one(&desk.purchaser().await, "rfq", &rfq["id"], "quotationCount").await["quotationCount"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supplier_quotes_anew_and_takes_back_until_the_deadline_and_the_last_version_is_opened() {
    let desk = Desk::new().await;
    let rfq = desk.published_rfq().await;
    let supplier = desk.supplier(0).await;
    let first = desk.quoted(0, &rfq, &["12.00", "30.00"]).await;
    let second = desk.quoted(0, &rfq, &["11.20", "29.00"]).await;
    assert_eq!((&first["version"], &second["version"], &second["round"]), (&json!(1), &json!(2), &json!(1)));
    assert_eq!(count(&desk, &rfq).await, 1, "a version is counted as a quotation");
    let gone = json!({ "id": first["id"] });
    assert_eq!(supplier.refused("withdrawQuotation", gone).await, refused("ILLEGAL_TRANSITION", "id"));
    supplier.done("withdrawQuotation", "", json!({ "id": second["id"] })).await;
    assert_eq!(count(&desk, &rfq).await, 0);
    let third = desk.quoted(0, &rfq, &["11.50", ""]).await;
    assert_eq!((&third["version"], count(&desk, &rfq).await), (&json!(3), json!(1)));
    let own = quotations(&desk, &supplier, &rfq).await;
    let states: Vec<&Value> = own.iter().map(|row| &row["state"]).collect();
    assert_eq!(states, ["SUBMITTED", "WITHDRAWN", "SUPERSEDED"], "newest first");
    assert_eq!(own[2]["content"]["lines"][0]["tiers"][0]["price"]["amount"], "12", "its own it reads at any time");
    // Of others nothing is there, and no other takes it back.
    assert!(quotations(&desk, &desk.supplier(1).await, &rfq).await.is_empty());
    let other = desk.supplier(1).await.refused("withdrawQuotation", json!({ "id": third["id"] })).await;
    assert_eq!(other, refused("NOT_FOUND", "id"));
    desk.opened(&rfq).await;
    let opened = quotations(&desk, &desk.purchaser().await, &rfq).await;
    assert_eq!(opened.len(), 1, "what was superseded or taken back is opened: {opened:?}");
    assert_eq!((&opened[0]["id"], &opened[0]["version"]), (&third["id"], &json!(3)));
    let lines = opened[0]["content"]["lines"].as_array().unwrap();
    assert_eq!(lines.len(), 1, "a line that was left out is quoted");
    assert_eq!(lines[0]["tiers"], json!([{ "minQuantity": 1, "price": { "amount": "11.5", "currency": "CNY" } }]));
    desk.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_quotation_is_refused_where_it_is_wrong_and_counted_as_none() {
    let desk = Desk::new().await;
    let rfq = desk.published_rfq().await;
    let supplier = desk.supplier(0).await;
    let line = |more: Value| {
        let line = desk.quoting(&rfq, &["12.00"], json!({}))["lines"][0].clone();
        json!({ "lines": [over(line, more)] })
    };
    let tier = |from: i64, amount: &str, currency: &str| {
        let price = json!({ "amount": amount, "currency": currency });
        json!({ "minQuantity": from, "price": price })
    };
    for (more, code, field) in [
        (json!({ "currency": "XX" }), "INVALID_CURRENCY", "currency"),
        (json!({ "namedPlace": "" }), "REQUIRED", "namedPlace"),
        (json!({ "validUntil": desk.day(3) }), "OUT_OF_RANGE", "validUntil"),
        (json!({ "minValue": { "amount": "100", "currency": "USD" } }), "INVALID_CURRENCY", "minValue.currency"),
        (json!({ "lines": [] }), "REQUIRED", "lines"),
        (line(json!({ "lineId": rfq["id"] })), "NOT_FOUND", "lines.0.lineId"),
        (line(json!({ "moq": 50, "multiple": 20 })), "INVALID_ORDER_STEP", "lines.0.moq"),
        (line(json!({ "available": 101 })), "OUT_OF_RANGE", "lines.0.available"),
        (line(json!({ "tiers": [] })), "INVALID_PRICE_TIERS", "lines.0.tiers"),
        (line(json!({ "tiers": [tier(1, "0", "CNY")] })), "INVALID_AMOUNT", "lines.0.tiers.0.price.amount"),
        (line(json!({ "tiers": [tier(1, "12", "USD")] })), "INVALID_CURRENCY", "lines.0.tiers.0.price.currency"),
        (
            line(json!({ "tiers": [tier(1, "12", "CNY"), tier(100, "13", "CNY")] })),
            "INVALID_PRICE_TIERS",
            "lines.0.tiers",
        ),
    ] {
        let input = desk.quoting(&rfq, &["12.00", "30.00"], more);
        assert_eq!(supplier.refused("submitQuotation", input).await, refused(code, field));
    }
    assert_eq!(count(&desk, &rfq).await, 0);
    // Price breaks, the least that is sold and the least that is ordered stay as they were said.
    let tiers = [tier(1, "12.00", "CNY"), tier(100, "11.20", "CNY"), tier(500, "10.50", "CNY")];
    let more = over(
        line(json!({ "tiers": tiers, "mode": "GRADUATED", "moq": 50, "multiple": 10, "available": 80 })),
        json!({ "minValue": { "amount": "500", "currency": "CNY" } }),
    );
    supplier.done("submitQuotation", "", desk.quoting(&rfq, &["12.00"], more)).await;
    let content = quotations(&desk, &supplier, &rfq).await[0]["content"].clone();
    let line = &content["lines"][0];
    assert_eq!((&content["minValue"]["amount"], &line["mode"]), (&json!("500.00"), &json!("GRADUATED")));
    assert_eq!((&line["moq"], &line["multiple"], &line["available"]), (&json!(50), &json!(10), &json!(80)));
    assert_eq!(line["tiers"][1], tier(100, "11.2", "CNY"));
    let buyer = desk.purchaser().await;
    assert_eq!(buyer.denied("submitQuotation", desk.quoting(&rfq, &["12.00"], json!({}))).await, "FORBIDDEN");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_deadline_no_quotation_is_taken_whoever_opens_and_a_lost_job_keeps_nothing_closed() {
    let desk = Desk::new().await;
    let rfq = desk.published_rfq().await;
    let quotation = desk.quoted(0, &rfq, &["12.00", "30.00"]).await;
    let id = json!({ "id": rfq["id"] });
    desk.wait(Duration::hours(72) - Duration::milliseconds(1));
    assert_eq!(desk.purchaser().await.refused("openBids", id.clone()).await, refused("SEALED", "id"));
    desk.quoted(1, &rfq, &["11.00", "31.00"]).await;
    desk.wait(Duration::milliseconds(1));
    // Nobody opened it yet: too late is too late all the same.
    let late = desk.quoting(&rfq, &["1.00", "1.00"], json!({}));
    for n in 0..2 {
        let refusal = desk.supplier(n).await.refused("submitQuotation", late.clone()).await;
        assert_eq!(refusal, refused("WINDOW_CLOSED", "rfqId"));
    }
    let back = desk.supplier(0).await.refused("withdrawQuotation", json!({ "id": quotation["id"] })).await;
    assert_eq!(back, refused("WINDOW_CLOSED", "id"));
    assert!(quotations(&desk, &desk.purchaser().await, &rfq).await.is_empty(), "read before it is opened");
    // The job is lost; the clock looks again.
    let db = desk.app().db();
    let jobs = job::Entity::delete_many().filter(job::Column::Kind.eq("procurement.open"));
    assert_eq!(jobs.exec(db.writer()).await.unwrap().rows_affected, 1);
    desk.worked().await;
    assert!(quotations(&desk, &desk.purchaser().await, &rfq).await.is_empty());
    desk.swept().await;
    let opened = quotations(&desk, &desk.purchaser().await, &rfq).await;
    assert_eq!(opened.len(), 2);
    assert!(opened.iter().all(|row| !row["openedAt"].is_null() && !row["content"].is_null()), "{opened:?}");
    // Opened it is once.
    desk.swept().await;
    assert_eq!(desk.purchaser().await.refused("openBids", id).await, refused("ILLEGAL_TRANSITION", "id"));
    desk.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_not_sealed_is_read_at_once_and_closed_at_any_time() {
    let desk = Desk::new().await;
    let rfq = desk.published_rfq_of(json!({ "sealed": false })).await;
    desk.quoted(0, &rfq, &["12.00", "30.00"]).await;
    let buyer = desk.purchaser().await;
    let read = quotations(&desk, &buyer, &rfq).await;
    assert_eq!(read[0]["content"]["lines"][0]["tiers"][0]["price"]["amount"], "12");
    assert!(quotations(&desk, &desk.supplier(1).await, &rfq).await.is_empty(), "another supplier reads it");
    let stale = json!({ "id": rfq["id"], "expectedVersion": 1 });
    assert_eq!(buyer.refused("openBids", stale).await, refused("STALE_VERSION", "expectedVersion"));
    buyer.done("openBids", "rfq { state }", step(&rfq)).await;
    let late = desk.quoting(&rfq, &["11.00", "30.00"], json!({}));
    assert_eq!(desk.supplier(1).await.refused("submitQuotation", late).await, refused("WINDOW_CLOSED", "rfqId"));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_round_is_sealed_again_and_what_was_opened_stays_read() {
    let desk = Desk::new().await;
    let rfq = desk.published_rfq().await;
    desk.quoted(0, &rfq, &["12.00", "30.00"]).await;
    desk.quoted(1, &rfq, &["11.00", "31.00"]).await;
    let early = over(step(&rfq), json!({ "deadline": desk.moment(200) }));
    assert_eq!(desk.purchaser().await.refused("startRfqRound", early).await, refused("ILLEGAL_TRANSITION", "id"));
    desk.opened(&rfq).await;
    let buyer = desk.purchaser().await;
    let closed = desk.one(&buyer, "rfq", &rfq["id"], RFQ).await;
    let again = over(step(&closed), json!({ "deadline": desk.moment(48) }));
    let second = buyer.done("startRfqRound", &format!("rfq {{ {RFQ} openedAt }}"), again).await["rfq"].clone();
    assert_eq!(
        (&second["state"], &second["round"], &second["quotationCount"]),
        (&json!("PUBLISHED"), &json!(2), &json!(0))
    );
    assert_eq!(second["openedAt"], Value::Null);
    let quoted = desk.quoted(0, &second, &["10.50", "28.00"]).await;
    assert_eq!((&quoted["round"], &quoted["version"]), (&json!(2), &json!(1)));
    let seen = quotations(&desk, &buyer, &rfq).await;
    assert!(seen.len() == 2 && seen.iter().all(|row| row["round"] == 1), "the new round is read: {seen:?}");
    // What was opened with its round is not taken back in another.
    let own = quotations(&desk, &desk.supplier(1).await, &rfq).await[0]["id"].clone();
    let back = desk.supplier(1).await.refused("withdrawQuotation", json!({ "id": own })).await;
    assert_eq!(back, refused("ILLEGAL_TRANSITION", "id"));
    desk.opened(&second).await;
    let seen = quotations(&desk, &desk.purchaser().await, &rfq).await;
    let rounds: Vec<&Value> = seen.iter().map(|row| &row["round"]).collect();
    assert_eq!(rounds, [2, 1, 1]);
    assert_eq!(count(&desk, &rfq).await, 1);
    desk.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quotation_ends_after_the_last_day_on_which_it_holds() {
    let desk = Desk::new().await;
    let rfq = desk.published_rfq().await;
    let short = desk.quoting(&rfq, &["12.00", "30.00"], json!({ "validUntil": desk.day(5) }));
    desk.supplier(0).await.done("submitQuotation", "", short).await;
    desk.quoted(1, &rfq, &["11.00", "31.00"]).await;
    desk.opened(&rfq).await;
    let states = async || {
        let rows = quotation::Entity::find().order_by_asc(quotation::Column::Id);
        let rows = rows.all(desk.app().db().read()).await.unwrap();
        rows.iter().map(|row| row.state).collect::<Vec<_>>()
    };
    // Its last day ends at midnight in Asia/Shanghai: 16:00 of the day before in UTC, and it is 08:00 now.
    desk.wait(Duration::days(2) + Duration::hours(7));
    desk.swept().await;
    assert_eq!(states().await, [QuotationState::Submitted, QuotationState::Submitted]);
    desk.wait(Duration::hours(1));
    desk.swept().await;
    assert_eq!(states().await, [QuotationState::Expired, QuotationState::Submitted]);
    desk.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_versions_at_once_leave_one_that_stands_and_the_count_right() {
    let desk = Desk::new().await;
    let rfq = desk.published_rfq().await;
    let mut all = Vec::new();
    for n in 0..3 {
        let client = desk.supplier(n).await;
        for price in ["12.00", "11.00", "10.00", "9.00"] {
            let (client, input) = (client.clone(), desk.quoting(&rfq, &[price, "30.00"], json!({})));
            all.push(async move { client.payload("submitQuotation", "quotation { id }", input).await });
        }
    }
    for answer in futures_util::future::join_all(all).await {
        for error in answer["userErrors"].as_array().unwrap() {
            assert_eq!(error["code"], "STALE_VERSION", "{answer}");
        }
    }
    assert_eq!(count(&desk, &rfq).await, 3);
    let rows = quotation::Entity::find().filter(quotation::Column::State.eq(QuotationState::Submitted));
    assert_eq!(rows.all(desk.app().db().read()).await.unwrap().len(), 3, "two versions of one supplier stand");
    desk.opened(&rfq).await;
    assert_eq!(quotations(&desk, &desk.purchaser().await, &rfq).await.len(), 3);
    desk.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quotation_that_is_sent_twice_is_one_and_its_supplier_reads_it_in_both_answers() {
    let desk = Desk::new().await;
    let rfq = desk.published_rfq().await;
    let supplier = desk.supplier(0).await;
    let input = desk.quoting(&rfq, &["12.00", "30.00"], json!({ "clientMutationId": "q-1" }));
    let selection = "quotation { id version content { lines { tiers { price { amount } } } } }";
    let first = supplier.done("submitQuotation", selection, input.clone()).await["quotation"].clone();
    let again = supplier.done("submitQuotation", selection, input).await["quotation"].clone();
    assert_eq!(first, again);
    assert_eq!(again["content"]["lines"][0]["tiers"][0]["price"]["amount"], "12");
    let other = desk.quoting(&rfq, &["11.00", "30.00"], json!({ "clientMutationId": "q-1" }));
    let reused = supplier.refused("submitQuotation", other).await;
    assert_eq!(reused, refused("IDEMPOTENCY_KEY_REUSED", "clientMutationId"));
    assert_eq!(count(&desk, &rfq).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_did_not_read_the_newest_version_does_not_take_its_place_and_versions_come_to_an_end() {
    let desk = Desk::new().await;
    let rfq = desk.published_rfq().await;
    let supplier = desk.supplier(0).await;
    let after = |read: i64| desk.quoting(&rfq, &["12.00", "30.00"], json!({ "expectedVersion": read }));
    let stale = refused("STALE_VERSION", "expectedVersion");
    assert_eq!(supplier.refused("submitQuotation", after(1)).await, stale, "a version is read that is not there");
    supplier.done("submitQuotation", "", after(0)).await;
    let unread = supplier.refused("submitQuotation", after(0)).await;
    assert_eq!(unread, stale, "a colleague's quotation is replaced unread");
    supplier.done("submitQuotation", "", after(1)).await;
    // Two at the same time: one of them finds the other's.
    let both = (0..2).map(|_| supplier.payload("submitQuotation", "quotation { version }", after(2)));
    let both = futures_util::future::join_all(both).await;
    let done = both.iter().filter(|answer| answer["quotation"]["version"] == 3).count();
    assert_eq!(done, 1, "{both:?}");
    let last = quotation::Entity::update_many().col_expr(quotation::Column::Version, Expr::value(99));
    let last = last.filter(quotation::Column::Version.eq(3)).exec(desk.app().db().writer()).await.unwrap();
    assert_eq!(last.rows_affected, 1);
    supplier.done("submitQuotation", "", after(99)).await;
    assert_eq!(supplier.refused("submitQuotation", after(100)).await, refused("TOO_MANY", "rfqId"));
    assert_eq!(count(&desk, &rfq).await, 1);
    // Others are not kept from theirs.
    desk.quoted(1, &rfq, &["11.00", "31.00"]).await;
    desk.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_round_in_which_nobody_quotes_those_of_the_last_one_are_compared_and_awarded() {
    let desk = Desk::new().await;
    let rfq = desk.published_rfq().await;
    let quotation = desk.quoted(0, &rfq, &["12.00", "30.00"]).await;
    desk.opened(&rfq).await;
    let buyer = desk.purchaser().await;
    let closed = desk.one(&buyer, "rfq", &rfq["id"], RFQ).await;
    let again = over(step(&closed), json!({ "deadline": desk.moment(48) }));
    let second = buyer.done("startRfqRound", &format!("rfq {{ {RFQ} }}"), again).await["rfq"].clone();
    desk.opened(&second).await;
    assert_eq!(count(&desk, &rfq).await, 0);
    let buyer = desk.purchaser().await;
    let query = "query($id: ID!, $with: AssumptionsInput!) { compareQuotations(rfqId: $id, assumptions: $with) { \
                 columns { supplier { id } } } }";
    let with = json!({ "currency": "CNY", "weights": { "pricePercent": 80, "leadPercent": 20, "qualityPercent": 0 } });
    let compared = buyer.data(query, json!({ "id": rfq["id"], "with": with })).await;
    let columns = json!([{ "supplier": { "id": desk.suppliers[0] } }]);
    assert_eq!(compared["compareQuotations"]["columns"], columns, "a round without quotations is a dead end");
    let line = |n: usize, quantity: i64| {
        let id = &rfq["lines"]["nodes"][n]["id"];
        json!({ "lineId": id, "quotationId": quotation["id"], "quantity": quantity })
    };
    let award = json!({ "rfqId": rfq["id"], "lines": [line(0, 100), line(1, 50)] });
    let done = buyer.done("awardRfq", "rfq { state round }", award).await;
    assert_eq!(done["rfq"], json!({ "state": "AWARDED", "round": 2 }));
    desk.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supplier_that_was_stopped_since_is_not_asked_in_another_round() {
    let desk = Desk::new().await;
    let rfq = desk.published_rfq().await;
    desk.quoted(0, &rfq, &["12.00", "30.00"]).await;
    desk.opened(&rfq).await;
    let (owner, supplier) = (desk.owner().await, json!({ "supplierId": desk.suppliers[1] }));
    owner.done("blockSupplier", "", over(supplier.clone(), json!({ "reason": "质量问题" }))).await;
    let closed = desk.one(&desk.purchaser().await, "rfq", &rfq["id"], RFQ).await;
    let again = over(step(&closed), json!({ "deadline": desk.moment(48) }));
    let stopped = desk.purchaser().await.refused("startRfqRound", again.clone()).await;
    assert_eq!(stopped, refused("SUPPLIER_BLOCKED", "suppliers.1"));
    owner.done("unblockSupplier", "", supplier).await;
    desk.purchaser().await.done("startRfqRound", "rfq { state }", again).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_was_put_off_leaves_what_no_longer_holds_and_that_is_said_and_not_counted() {
    let desk = Desk::new().await;
    let rfq = desk.published_rfq_of(json!({ "sealed": false })).await;
    let short = desk.quoting(&rfq, &["12.00", "30.00"], json!({ "validUntil": desk.day(5) }));
    desk.supplier(0).await.done("submitQuotation", "", short).await;
    desk.quoted(1, &rfq, &["11.00", "31.00"]).await;
    let holds = async |client: &Client| {
        let seen = desk.one(client, "rfq", &rfq["id"], "quotations { nodes { holdsAfterDeadline } }").await;
        let nodes = seen["quotations"]["nodes"].as_array().unwrap().clone();
        nodes.iter().map(|row| row["holdsAfterDeadline"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(holds(&desk.purchaser().await).await, [true, true]);
    let later = over(step(&rfq), json!({ "deadline": desk.moment(240) }));
    desk.purchaser().await.done("extendRfqDeadline", "", later).await;
    assert_eq!(holds(&desk.purchaser().await).await, [true, false], "newest first");
    assert_eq!(holds(&desk.supplier(0).await).await, [false], "its supplier does not learn that it has to quote anew");
    desk.wait(Duration::days(6));
    desk.swept().await;
    let states = quotations(&desk, &desk.purchaser().await, &rfq).await;
    assert_eq!([&states[0]["state"], &states[1]["state"]], ["SUBMITTED", "EXPIRED"]);
    assert_eq!(count(&desk, &rfq).await, 1, "what ended is counted");
    desk.quoted(0, &rfq, &["12.50", "30.00"]).await;
    assert_eq!(count(&desk, &rfq).await, 2, "who quotes anew is counted twice");
    desk.adds_up().await;
}
