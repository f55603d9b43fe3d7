//! Comparing: prices of different terms and currencies beside each other, points beside plain places, nothing guessed,
//! nothing before the opening, and what is kept comes out the same again.

use entities::party::MemberRole;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use super::{Desk, RFQ, over, step};
use crate::support::Client;

const COLUMNS: &str = "columns { supplierId complete priceRank scoreRank landed total { amount currency } \
     points { score } cells { position quantity fits full priceRank landed hint { quantity amount { amount } } \
     steps { cf insurance cif customsValue duty landed } } }";

/// One piece of the first thing.
fn one_piece(desk: &Desk) -> Value {
    json!([{ "variantId": desk.variants[0], "description": "藏毯", "quantity": 1, "unit": "032" }])
}

/// A quotation of the request's lines under other terms: prices in a currency.
fn offer(desk: &Desk, rfq: &Value, currency: &str, prices: &[&str], more: Value) -> Value {
    let lines: Vec<Value> = prices
        .iter()
        .enumerate()
        .map(|(n, amount)| {
            let price = json!({ "amount": amount, "currency": currency });
            let tiers = json!([{ "minQuantity": 1, "price": price }]);
            json!({ "lineId": rfq["lines"]["nodes"][n]["id"], "tiers": tiers, "taxPpm": 130_000 })
        })
        .collect();
    over(desk.quoting(rfq, &[], json!({ "currency": currency, "lines": lines })), more)
}

/// A request for one piece, with the three quotations of the vector; not opened yet.
async fn of_b5(desk: &Desk) -> Value {
    let rfq = desk.published_rfq_of(json!({ "lines": one_piece(desk) })).await;
    for (n, currency, price, incoterm, place, days) in [
        (0, "USD", "10.00", "FOB", "Karachi", 30),
        (1, "USD", "10.95", "CIF", "Shanghai", 12),
        (2, "CNY", "82.00", "DDP", "西宁", 7),
    ] {
        let terms = json!({ "incoterm": incoterm, "namedPlace": place, "leadDays": days });
        let input = offer(desk, &rfq, currency, &[price], terms);
        desk.supplier(n).await.done("submitQuotation", "quotation { id }", input).await;
    }
    rfq
}

/// What the vector assumes.
fn assumptions(desk: &Desk, more: Value) -> Value {
    let quality = |(n, points): (usize, i32)| json!({ "supplierId": desk.suppliers[n], "points": points });
    let input = json!({
        "currency": "CNY",
        "weights": { "pricePercent": 60, "leadPercent": 20, "qualityPercent": 20 },
        "insurancePpm": 3_000,
        "rates": [{ "currency": "USD", "fx": { "rate": "7.10", "source": "SAFE", "on": desk.day(0) } }],
        "carriage": [{ "supplierId": desk.suppliers[0], "freight": "0.80" }],
        "duties": [{ "ratePpm": 50_000, "source": "税则" }],
        "quality": ([(0, 92), (1, 95), (2, 88)].map(quality)),
    });
    over(input, more)
}

fn asked(selection: &str) -> String {
    let compare = "compareQuotations(rfqId: $id, assumptions: $with)";
    format!("query($id: ID!, $with: AssumptionsInput!) {{ {compare} {{ {selection} }} }}")
}

async fn compared(client: &Client, rfq: &Value, with: &Value, selection: &str) -> Value {
    let variables = json!({ "id": rfq["id"], "with": with });
    client.data(&asked(selection), variables).await["compareQuotations"].clone()
}

/// The column of a supplier.
fn column<'a>(desk: &Desk, found: &'a Value, n: usize) -> &'a Value {
    let columns = found["columns"].as_array().unwrap();
    columns.iter().find(|column| column["supplierId"] == desk.suppliers[n]).expect("a column")
}

#[tokio::test]
async fn the_cheapest_landed_is_first_by_price_and_the_dearest_wins_by_points() {
    let desk = Desk::new().await;
    let rfq = of_b5(&desk).await;
    desk.opened(&rfq).await;
    let buyer = desk.purchaser().await;
    let found = compared(&buyer, &rfq, &assumptions(&desk, json!({})), COLUMNS).await;
    for (n, landed, total, score, price_rank, score_rank) in [
        (0, "80.7806", "80.78", "83.07", 1, 3),
        (1, "81.6323", "81.63", "90.04", 2, 2),
        (2, "82.0000", "82.00", "96.71", 3, 1),
    ] {
        let column = column(&desk, &found, n);
        let shown = json!({
            "landed": column["landed"], "total": column["total"], "score": column["points"]["score"],
            "ranks": [column["priceRank"], column["scoreRank"]], "cell": column["cells"][0]["landed"],
        });
        let expected = json!({
            "landed": landed, "total": { "amount": total, "currency": "CNY" }, "score": score,
            "ranks": [price_rank, score_rank], "cell": landed,
        });
        assert_eq!(shown, expected, "supplier {n}");
    }
    let steps = &column(&desk, &found, 0)["cells"][0]["steps"];
    let expected = json!({ "cf": "10.8000", "insurance": "0.0358", "cif": "10.8358", "customsValue": "76.9339",
        "duty": "3.8467", "landed": "80.7806" });
    assert_eq!(*steps, expected, "how it comes about is shown");
    let flat = compared(&buyer, &rfq, &assumptions(&desk, json!({})), "cells { column landed total { amount } }").await;
    assert_eq!(flat["cells"].as_array().unwrap().len(), 3, "all cells in one list");
}

#[tokio::test]
async fn before_the_opening_there_is_no_comparison_for_anybody() {
    let desk = Desk::new().await;
    let rfq = of_b5(&desk).await;
    let with = assumptions(&desk, json!({}));
    let sheet = "query($id: ID!, $with: AssumptionsInput!) { comparisonSheet(rfqId: $id, assumptions: $with) }";
    let variables = json!({ "id": rfq["id"], "with": with });
    for client in [desk.purchaser().await, desk.owner().await, desk.operator().await, desk.supplier(0).await] {
        assert_eq!(compared(&client, &rfq, &with, "round").await, Value::Null);
        assert_eq!(client.data(sheet, variables.clone()).await["comparisonSheet"], Value::Null);
    }
    let keep = json!({ "rfqId": rfq["id"], "assumptions": with });
    let buyer = desk.purchaser().await;
    assert_eq!(buyer.refused("keepComparison", keep.clone()).await, [("SEALED".to_owned(), "rfqId".to_owned())]);
    desk.opened(&rfq).await;
    for client in [desk.supplier(0).await, desk.supplier(1).await] {
        assert_eq!(compared(&client, &rfq, &with, "round").await, Value::Null, "a supplier does not compare");
        assert_eq!(client.data(sheet, variables.clone()).await["comparisonSheet"], Value::Null);
        assert_eq!(
            client.refused("keepComparison", keep.clone()).await,
            [("NOT_FOUND".to_owned(), "rfqId".to_owned())]
        );
    }
    for client in [desk.purchaser().await, desk.buyers(MemberRole::Auditor).await, desk.operator().await] {
        assert_eq!(compared(&client, &rfq, &with, "round").await, json!({ "round": 1 }));
    }
    assert_eq!(desk.receiver().await.denied("keepComparison", keep).await, "FORBIDDEN");
    let nobody = desk.market.server.anonymous();
    assert_eq!(nobody.error(&asked("round"), variables).await, "UNAUTHENTICATED");
}

#[tokio::test]
async fn while_another_round_is_sealed_nothing_is_compared_and_what_was_kept_is_not_shown() {
    let desk = Desk::new().await;
    let rfq = of_b5(&desk).await;
    desk.opened(&rfq).await;
    let with = assumptions(&desk, json!({}));
    let keep = json!({ "rfqId": rfq["id"], "assumptions": with });
    let buyer = desk.purchaser().await;
    let kept = buyer.done("keepComparison", "comparison { id resultSha256 }", keep.clone()).await["comparison"].clone();
    let shown = "result { resultSha256 } reproducible";
    let result = json!({ "result": { "resultSha256": kept["resultSha256"] }, "reproducible": true });
    assert_eq!(desk.one(&buyer, "comparison", &kept["id"], shown).await, result);
    let closed = desk.one(&buyer, "rfq", &rfq["id"], RFQ).await;
    let again = over(step(&closed), json!({ "deadline": desk.moment(48) }));
    let second = buyer.done("startRfqRound", &format!("rfq {{ {RFQ} }}"), again).await["rfq"].clone();
    for client in [&buyer, &desk.owner().await, &desk.operator().await] {
        assert_eq!(compared(client, &rfq, &with, "round").await, Value::Null);
        let found = desk.one(client, "comparison", &kept["id"], shown).await;
        assert_eq!(found, json!({ "result": null, "reproducible": null }), "the round before is compared in this one");
    }
    assert_eq!(buyer.refused("keepComparison", keep).await, [("SEALED".to_owned(), "rfqId".to_owned())]);
    // Opened, it comes out the same again.
    desk.opened(&second).await;
    assert_eq!(desk.one(&desk.purchaser().await, "comparison", &kept["id"], shown).await, result);
}

#[tokio::test]
async fn more_of_a_line_that_costs_less_in_all_is_hinted_at() {
    let desk = Desk::new().await;
    let lines = json!([{ "variantId": desk.variants[0], "description": "藏毯", "quantity": 99, "unit": "032" }]);
    let rfq = desk.published_rfq_of(json!({ "lines": lines })).await;
    let tier = |from: i64, amount: &str| {
        let price = json!({ "amount": amount, "currency": "CNY" });
        json!({ "minQuantity": from, "price": price })
    };
    let tiers = [tier(1, "12.00"), tier(100, "11.20"), tier(500, "10.50")];
    let line = json!({ "lineId": rfq["lines"]["nodes"][0]["id"], "tiers": tiers, "taxPpm": 130_000 });
    let input = desk.quoting(&rfq, &[], json!({ "lines": [line] }));
    desk.supplier(0).await.done("submitQuotation", "quotation { id }", input).await;
    desk.opened(&rfq).await;
    let with = json!({ "currency": "CNY", "weights": { "pricePercent": 80, "leadPercent": 20, "qualityPercent": 0 } });
    let found = compared(&desk.purchaser().await, &rfq, &with, COLUMNS).await;
    let column = column(&desk, &found, 0);
    assert_eq!(column["total"]["amount"], "1188.00");
    let cell = &column["cells"][0];
    assert_eq!((&cell["quantity"], &cell["landed"]), (&json!(99), &json!("12.0000")), "it is what was asked for");
    assert_eq!(cell["hint"], json!({ "quantity": 100, "amount": { "amount": "1120.00" } }));
}

#[tokio::test]
async fn what_is_not_known_is_asked_for_and_never_guessed() {
    let desk = Desk::new().await;
    let rfq = of_b5(&desk).await;
    desk.opened(&rfq).await;
    let buyer = desk.purchaser().await;
    for (more, code, field) in [
        (json!({ "rates": [] }), "INCOMPLETE", "assumptions.rates"),
        (json!({ "carriage": [] }), "INCOMPLETE", "assumptions.carriage"),
        (json!({ "duties": [] }), "INCOMPLETE", "assumptions.duties"),
        (json!({ "quality": [] }), "INCOMPLETE", "assumptions.quality"),
        (
            json!({ "weights": { "pricePercent": 60, "leadPercent": 20, "qualityPercent": 21 } }),
            "INVALID_WEIGHTS",
            "assumptions.weights",
        ),
        (json!({ "currency": "XAU" }), "INVALID_CURRENCY", "assumptions.currency"),
        (json!({ "upliftPpm": 0 }), "OUT_OF_RANGE", "assumptions.upliftPpm"),
        (
            json!({ "duties": [{ "lineId": rfq["id"], "ratePpm": 1, "source": "x" }] }),
            "NOT_FOUND",
            "assumptions.duties.0.lineId",
        ),
        (
            json!({ "carriage": [{ "supplierId": desk.suppliers[0], "freight": "-1" }] }),
            "INVALID_VALUE",
            "assumptions.carriage.0.freight",
        ),
        (
            json!({ "carriage": [{ "supplierId": desk.buyer, "freight": "1" }] }),
            "NOT_FOUND",
            "assumptions.carriage.0.supplierId",
        ),
        (
            json!({ "duties": [{ "supplierId": desk.buyer, "ratePpm": 1, "source": "x" }] }),
            "NOT_FOUND",
            "assumptions.duties.0.supplierId",
        ),
        (
            json!({ "quality": [{ "supplierId": desk.buyer, "points": 1 }] }),
            "NOT_FOUND",
            "assumptions.quality.0.supplierId",
        ),
    ] {
        let keep = json!({ "rfqId": rfq["id"], "assumptions": assumptions(&desk, more.clone()) });
        let mut refused = buyer.refused("keepComparison", keep).await;
        // Each supplier whose quality is not known is named.
        refused.dedup();
        assert_eq!(refused, [(code.to_owned(), field.to_owned())], "{more}");
        let variables = json!({ "id": rfq["id"], "with": assumptions(&desk, more.clone()) });
        assert_eq!(buyer.error(&asked("round"), variables).await, "BAD_INPUT", "{more}");
    }
    let state = desk.one(&buyer, "rfq", &rfq["id"], "state").await;
    assert_eq!(state["state"], "CLOSED", "a comparison that was refused begins nothing");
}

#[tokio::test]
async fn what_is_missing_is_named_as_people_call_it() {
    let desk = Desk::new().await;
    let rfq = of_b5(&desk).await;
    desk.opened(&rfq).await;
    let bare = json!({ "rates": [], "carriage": [], "duties": [], "quality": [] });
    let keep = json!({ "rfqId": rfq["id"], "assumptions": assumptions(&desk, bare) });
    let payload = desk.purchaser().await.payload("keepComparison", "", keep.clone()).await;
    let missing = |payload: &Value| {
        let errors = payload["userErrors"].as_array().unwrap().iter();
        let told: Vec<String> = errors.map(|error| error["details"][0]["value"].as_str().unwrap().to_owned()).collect();
        told
    };
    // Without a rate what is quoted in dollars is not looked at any further.
    assert_eq!(missing(&payload), ["quality of jiangta-wool", "USD/CNY"]);
    let rates = assumptions(&desk, json!({ "carriage": [], "duties": [], "quality": [] }));
    let payload =
        desk.purchaser().await.payload("keepComparison", "", over(keep, json!({ "assumptions": rates }))).await;
    assert_eq!(missing(&payload), ["freight of hehuang-carpet", "duty of line 1, 藏毯", "quality of jiangta-wool"]);
}

#[tokio::test]
async fn a_quotation_that_does_not_hold_any_more_is_shown_and_takes_nobodys_place() {
    let desk = Desk::new().await;
    let rfq = desk.published_rfq_of(json!({ "lines": one_piece(&desk) })).await;
    for (n, price, days) in [(0, "8.00", 4), (1, "10.00", 30)] {
        let input = offer(&desk, &rfq, "CNY", &[price], json!({ "validUntil": desk.day(days) }));
        desk.supplier(n).await.done("submitQuotation", "quotation { id }", input).await;
    }
    desk.opened(&rfq).await;
    let with = |on: &Value| json!({ "currency": "CNY", "weights": { "pricePercent": 80, "leadPercent": 20, "qualityPercent": 0 }, "on": on });
    let fields =
        "columns { supplierId valid complete priceRank scoreRank points { score } cells { landed priceRank } }";
    let shown = |found: &Value, n: usize| {
        let column = column(&desk, found, n);
        json!([
            column["valid"],
            column["complete"],
            column["priceRank"],
            column["scoreRank"],
            column["points"]["score"],
            column["cells"][0]["priceRank"],
            column["cells"][0]["landed"]
        ])
    };
    let buyer = desk.purchaser().await;
    let found = compared(&buyer, &rfq, &with(&Value::Null), fields).await;
    assert_eq!(shown(&found, 0), json!([true, true, 1, 1, "100.00", 1, "8.0000"]));
    assert_eq!(shown(&found, 1), json!([true, true, 2, 2, "84.00", 2, "10.0000"]));
    let found = compared(&buyer, &rfq, &with(&json!(desk.day(2))), fields).await;
    assert_eq!(shown(&found, 0), json!([false, false, null, null, null, null, "8.0000"]), "it is shown");
    assert_eq!(shown(&found, 1), json!([true, true, 1, 1, "100.00", 1, "10.0000"]), "the best that holds");
}

#[tokio::test]
async fn an_amount_for_all_goods_is_borne_by_the_lines_that_have_none_of_their_own() {
    let desk = Desk::new().await;
    let rfq = desk.published_rfq().await;
    let terms = json!({ "incoterm": "FOB", "namedPlace": "上海" });
    let input = offer(&desk, &rfq, "CNY", &["10.00", "20.00"], terms);
    desk.supplier(0).await.done("submitQuotation", "quotation { id }", input).await;
    desk.opened(&rfq).await;
    let of = |line: &Value, freight: &str| json!({ "supplierId": desk.suppliers[0], "lineId": line, "basis": "WHOLE", "freight": freight });
    let with = json!({
        "currency": "CNY",
        "weights": { "pricePercent": 80, "leadPercent": 20, "qualityPercent": 0 },
        "insurancePpm": 0,
        "carriage": [of(&Value::Null, "100"), of(&rfq["lines"]["nodes"][0]["id"], "50")],
        "duties": [{ "ratePpm": 0, "source": "境内交货" }],
    });
    let found = compared(&desk.purchaser().await, &rfq, &with, COLUMNS).await;
    let cells = column(&desk, &found, 0)["cells"].clone();
    // A hundred at 10.00 with 50 of their own, fifty at 20.00 with all of the hundred.
    assert_eq!(json!([cells[0]["landed"], cells[1]["landed"]]), json!(["10.5000", "22.0000"]));
    assert_eq!(column(&desk, &found, 0)["total"]["amount"], "2150.00", "150 of freight, as it was said");
}

#[tokio::test]
async fn a_kept_comparison_comes_out_the_same_when_the_tariff_has_changed() {
    let desk = Desk::new().await;
    let rfq = of_b5(&desk).await;
    desk.opened(&rfq).await;
    let tariff = |mfn: i32, version: Value| {
        json!({ "hsCode": "5701100000", "validFrom": "2026-01-01", "mfnPpm": mfn, "vatPpm": 130_000,
            "source": "税委会公告", "expectedVersion": version })
    };
    desk.operator().await.done("setTariff", "tariff { version }", tariff(50_000, Value::Null)).await;
    let buyer = desk.purchaser().await;
    let with = assumptions(&desk, json!({ "duties": [] }));
    let now = compared(&buyer, &rfq, &with, "resultSha256").await;
    let keep = json!({ "rfqId": rfq["id"], "assumptions": with, "clientMutationId": "c1" });
    let kept_fields = "comparison { id round resultSha256 reproducible assumptions { duties { lineId ratePpm source } \
                       rates { currency fx { rate source on } } } }";
    let kept = buyer.done("keepComparison", kept_fields, keep.clone()).await["comparison"].clone();
    assert_eq!(kept["resultSha256"], now["resultSha256"], "what is kept is what was shown");
    assert_eq!(kept["reproducible"], true);
    let duty = json!([{ "lineId": rfq["lines"]["nodes"][0]["id"], "ratePpm": 50_000, "source": "税委会公告" }]);
    assert_eq!(kept["assumptions"]["duties"], duty, "the tariff of the day is written in, with its source");
    let rate = json!({ "rate": "7.1", "source": "SAFE", "on": with["rates"][0]["fx"]["on"] });
    assert_eq!(kept["assumptions"]["rates"][0]["fx"], rate, "the rate is fixed with its source and day");
    let again = buyer.done("keepComparison", kept_fields, keep).await["comparison"]["id"].clone();
    assert_eq!(again, kept["id"], "a repeat keeps nothing twice");
    assert_eq!(desk.one(&buyer, "rfq", &rfq["id"], "state").await["state"], "EVALUATING");

    desk.operator().await.done("setTariff", "tariff { version }", tariff(80_000, json!(1))).await;
    let changed = compared(&buyer, &rfq, &with, "resultSha256").await;
    assert_ne!(changed["resultSha256"], kept["resultSha256"], "the tariff is another one");
    let fields = format!("reproducible result {{ resultSha256 {COLUMNS} }}");
    let found = desk.one(&buyer, "comparison", &kept["id"], &fields).await;
    assert_eq!(found["reproducible"], true, "what was kept is not");
    assert_eq!(found["result"]["resultSha256"], kept["resultSha256"]);
    assert_eq!(column(&desk, &found["result"], 0)["landed"], "80.7806");

    let list = "query($id: ID!) { rfqComparisons(rfqId: $id) { nodes { id } } }";
    let listed = buyer.data(list, json!({ "id": rfq["id"] })).await;
    assert_eq!(listed["rfqComparisons"]["nodes"], json!([{ "id": kept["id"] }]));
    let supplier = desk.supplier(0).await;
    assert_eq!(desk.one(&supplier, "comparison", &kept["id"], "id").await, Value::Null, "suppliers do not see it");
    let listed = supplier.data(list, json!({ "id": rfq["id"] })).await;
    assert_eq!(listed["rfqComparisons"]["nodes"], json!([]));
    let db = desk.app().db().writer();
    for change in ["UPDATE rfq_comparison SET round = 9", "DELETE FROM rfq_comparison"] {
        assert!(db.execute_unprepared(change).await.is_err(), "{change}: a kept comparison is never changed");
    }
}

#[tokio::test]
async fn a_partial_quotation_is_ranked_by_line_and_has_no_points() {
    let desk = Desk::new().await;
    let rfq = desk.published_rfq().await;
    desk.quoted(0, &rfq, &["12.00", "5.00"]).await;
    desk.quoted(1, &rfq, &["", "4.00"]).await;
    let tiers = json!([{ "minQuantity": 1, "price": { "amount": "11.00", "currency": "CNY" } }]);
    let lines = json!([{ "lineId": rfq["lines"]["nodes"][0]["id"], "tiers": tiers, "moq": 150, "multiple": 50,
        "taxPpm": 130_000 }]);
    let input = desk.quoting(&rfq, &[], json!({ "lines": lines }));
    desk.supplier(2).await.done("submitQuotation", "quotation { id }", input).await;
    desk.opened(&rfq).await;
    let with = json!({ "currency": "CNY", "weights": { "pricePercent": 80, "leadPercent": 20, "qualityPercent": 0 } });
    let found = compared(&desk.purchaser().await, &rfq, &with, COLUMNS).await;
    let ranks = |n: usize| {
        let column = column(&desk, &found, n);
        let cells = column["cells"].as_array().unwrap().iter();
        let cells: Vec<Value> = cells.map(|cell| json!([cell["position"], cell["priceRank"]])).collect();
        (cells, column["complete"].clone(), column["priceRank"].clone(), column["points"]["score"].clone())
    };
    let whole = (vec![json!([0, 1]), json!([1, 2])], json!(true), json!(1), json!("100.00"));
    assert_eq!(ranks(0), whole, "the only one who offers all of it");
    assert_eq!(ranks(1), (vec![json!([1, 1])], json!(false), Value::Null, Value::Null), "no points, not zero");
    assert_eq!(ranks(2), (vec![json!([0, null])], json!(false), Value::Null, Value::Null), "not sold in 100 pieces");
    let cell = &column(&desk, &found, 2)["cells"][0];
    assert_eq!((&cell["quantity"], &cell["fits"]), (&json!(150), &json!(false)), "as it would be sold");
}

#[tokio::test]
async fn the_sheet_has_a_row_for_each_line_and_five_cells_for_each_supplier() {
    let desk = Desk::new().await;
    let lines = json!([{ "variantId": desk.variants[0], "description": "=1+1", "quantity": 10, "unit": "032" }]);
    let rfq = desk.published_rfq_of(json!({ "lines": lines })).await;
    desk.quoted(0, &rfq, &["12.50"]).await;
    desk.opened(&rfq).await;
    let rate = json!({ "rate": "7.10", "source": "=SAFE", "on": desk.day(0) });
    let with = json!({
        "currency": "CNY",
        "weights": { "pricePercent": 100, "leadPercent": 0, "qualityPercent": 0 },
        "rates": [{ "currency": "USD", "fx": rate }],
    });
    let sheet = "query($id: ID!, $with: AssumptionsInput!) { comparisonSheet(rfqId: $id, assumptions: $with) \
                 compareQuotations(rfqId: $id, assumptions: $with) { resultSha256 } }";
    let variables = json!({ "id": rfq["id"], "with": with });
    let data = desk.purchaser().await.data(sheet, variables).await;
    let text = data["comparisonSheet"].as_str().unwrap();
    let rows: Vec<&str> = text.split("\r\n").collect();
    assert!(rows[0].starts_with("line,description,quantity,unit,"), "{text}");
    assert!(rows[0].contains(" quantity\"") && rows[0].contains(" price_rank\""), "{text}");
    assert_eq!(rows[1], "1,'=1+1,10,032,12.5,10,12.5000,125.00,1", "no text is a formula");
    assert_eq!(rows[2], "TOTAL,landed,,,,,,125.00,");
    assert!(rows.contains(&"TOTAL,score,,,,,,100.00,"), "{text}");
    let rate = format!("RATE,USD/CNY,7.1,'=SAFE {},,,,,", desk.day(0));
    let hash = format!("SHA256,{},,,,,,,", data["compareQuotations"]["resultSha256"].as_str().unwrap());
    assert_eq!(rows[rows.len() - 3..], [rate.as_str(), hash.as_str(), ""], "what it is computed from, and its hash");
    let wide = |row: &&str| row.split(',').count() == 9;
    assert!(rows[1..rows.len() - 1].iter().all(wide), "all rows are as wide: {text}");
}
