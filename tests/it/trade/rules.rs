//! Rows that prices are made of: who sets them and how, and what of them everyone reads.

use api::zone::{self, ZoneFiles};
use entities::trade::{import_list, tariff_row};
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use crate::support::{OTHER_SELLER, SELLER, TestServer};

#[tokio::test(flavor = "multi_thread")]
async fn a_tariff_is_set_read_and_replaced_in_the_version_that_was_seen() {
    let server = TestServer::start().await;
    let operator = server.operator().await;
    let tax = json!({ "kind": "SPECIFIC_BY_PRICE", "specific": "0.253", "specificBelow": "0.2227",
                      "triggers": [{ "per": "LITRE", "threshold": "2.6577" }] });
    let row = |version: Value, vat: i32| {
        json!({ "hsCode": "2203000000", "validFrom": "2026-02-01", "mfnPpm": 0, "vatPpm": vat, "consumptionTax": tax,
                "source": " 公告 ", "expectedVersion": version })
    };
    let selection = "tariff { id version source vatPpm consumptionTax { kind specific specificBelow per triggers { per threshold } } }";
    let made = operator.done("setTariff", selection, row(Value::Null, 120_000)).await["tariff"].clone();
    assert_eq!((&made["version"], &made["source"]), (&json!(1), &json!("公告")));
    let expected = json!({ "kind": "SPECIFIC_BY_PRICE", "specific": "0.253", "specificBelow": "0.2227", "per": "LITRE",
                           "triggers": [{ "per": "LITRE", "threshold": "2.6577" }] });
    assert_eq!(made["consumptionTax"], expected);
    for stale in [Value::Null, json!(2)] {
        let refused = operator.refused("setTariff", row(stale, 110_000)).await;
        assert_eq!(refused, [("STALE_VERSION".into(), "expectedVersion".into())]);
    }
    let again = operator.done("setTariff", selection, row(json!(1), 110_000)).await["tariff"].clone();
    assert_eq!((&again["id"], &again["version"], &again["vatPpm"]), (&made["id"], &json!(2), &json!(110_000)));
    let trail = "query($id: ID!) { auditTrail(nodeId: $id) { nodes { action } } }";
    let trail = operator.data(trail, json!({ "id": made["id"] })).await;
    assert_eq!(trail["auditTrail"]["nodes"], json!([{ "action": "setTariff" }, { "action": "setTariff" }]));

    let query = "query($on: Date, $first: Int, $after: String) { tariffs(hsCode: \"2203\", on: $on, first: $first, after: $after) { \
                 nodes { validFrom vatPpm } pageInfo { endCursor hasNextPage } } }";
    let query = query.replace("$on: Date", "$on: NaiveDate");
    let on = server.anonymous().data(&query, json!({ "on": "2018-12-31" })).await["tariffs"]["nodes"].clone();
    assert_eq!(on, json!([{ "validFrom": "2018-05-01", "vatPpm": 160_000 }]));
    let (mut days, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = server.anonymous().data(&query, json!({ "first": 2, "after": after })).await["tariffs"].clone();
        days.extend(page["nodes"].as_array().unwrap().iter().map(|row| row["validFrom"].clone()));
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(days, ["2016-04-08", "2018-05-01", "2019-04-01", "2026-02-01"].map(Value::from));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_cannot_be_meant_are_refused_with_their_fields() {
    let server = TestServer::start().await;
    let operator = server.operator().await;
    let tariff = |more: Value| {
        let mut row =
            json!({ "hsCode": "2203000000", "validFrom": "2026-02-01", "mfnPpm": 0, "vatPpm": 130_000, "source": "s" });
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        row
    };
    let tax = |tax: Value| tariff(json!({ "consumptionTax": tax }));
    for (input, code, field) in [
        (tariff(json!({ "hsCode": "22030" })), "INVALID_HS_CODE", "hsCode"),
        (tariff(json!({ "vatPpm": 13_000_000 })), "OUT_OF_RANGE", "vatRate"),
        (tariff(json!({ "mfnPpm": -1 })), "OUT_OF_RANGE", "mfnRate"),
        (tariff(json!({ "validTo": "2026-02-01" })), "OUT_OF_RANGE", "to"),
        (tariff(json!({ "source": " " })), "REQUIRED", "source"),
        (tax(json!({ "kind": "AD_VALOREM" })), "REQUIRED", "consumptionTax.ratePpm"),
        (tax(json!({ "kind": "AD_VALOREM", "ratePpm": 1_000_000 })), "OUT_OF_RANGE", "consumption"),
        (tax(json!({ "kind": "AD_VALOREM_FROM", "ratePpm": 1 })), "INVALID_VALUE", "consumption"),
        (
            tax(json!({ "kind": "COMPOUND", "ratePpm": 1, "specific": "-1", "per": "LITRE" })),
            "INVALID_VALUE",
            "consumptionTax.specific",
        ),
        (
            tax(json!({ "kind": "SPECIFIC_BY_PRICE", "specific": "1", "specificBelow": "1" })),
            "REQUIRED",
            "consumptionTax.triggers",
        ),
    ] {
        let refused = operator.refused("setTariff", input.clone()).await;
        assert_eq!(refused, [(code.to_owned(), field.to_owned())], "{input}");
    }
    let line = json!({ "hs8": "2203", "validFrom": "2026-02-01", "validTo": "2026-01-01", "source": "" });
    let fields: Vec<String> = operator.refused("setImportListLine", line).await.into_iter().map(|(_, f)| f).collect();
    assert_eq!(fields, ["hs8", "source", "validTo"]);
    let policy = json!({ "place": { "division": "630" }, "mode": "DOMESTIC", "capability": "PICK_UP", "allowed": true,
                         "validFrom": "2026-01-01", "source": "s" });
    assert_eq!(operator.refused("setZonePolicy", policy).await, [("INVALID_VALUE".into(), "division".into())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_decides_for_its_place_and_says_by_what() {
    let server = TestServer::start().await;
    let operator = server.operator().await;
    let query = "query($p: ZonePlaceInput, $on: NaiveDate) { zonePolicy(place: $p, mode: BONDED_IMPORT, capability: PICK_UP, on: $on) { \
                 allowed source since } }";
    let asked = async |place: Value, on: &str| {
        server.anonymous().data(query, json!({ "p": place, "on": on })).await["zonePolicy"].clone()
    };
    let law = asked(Value::Null, "2026-03-01").await;
    assert_eq!((&law["allowed"], &law["since"]), (&json!(false), &Value::Null));
    assert!(law["source"].as_str().unwrap().contains("财关税〔2018〕49号"));
    let showroom = json!({ "code": "S-1", "kind": "SHOWROOM", "name": "店" });
    let owner = server.seller(SELLER).await;
    let showroom = owner.done("createStockLocation", "location { id }", showroom).await["location"]["id"].clone();
    let policy = |place: Value, allowed: bool, from: &str| json!({ "place": place, "mode": "BONDED_IMPORT", "capability": "PICK_UP", "allowed": allowed, "validFrom": from, "source": from });
    let at = json!({ "locationId": showroom });
    operator.done("setZonePolicy", "policy { id }", policy(json!({ "division": "6301" }), false, "2025-01-01")).await;
    operator.done("setZonePolicy", "policy { id }", policy(at.clone(), true, "2025-06-01")).await;
    // Twice the same, without having read it.
    for place in [at.clone(), json!({ "division": "6301" })] {
        let from = if place == at { "2025-06-01" } else { "2025-01-01" };
        let refused = operator.refused("setZonePolicy", policy(place, true, from)).await;
        assert_eq!(refused, [("STALE_VERSION".into(), "expectedVersion".into())]);
    }
    let there = json!({ "division": "630103", "locationId": showroom });
    for (place, on, allowed, source) in [
        (there.clone(), "2026-03-01", true, "2025-06-01"),
        (there, "2025-05-31", false, "2025-01-01"),
        (json!({ "division": "630103" }), "2026-03-01", false, "2025-01-01"),
    ] {
        let decision = asked(place, on).await;
        assert_eq!((&decision["allowed"], &decision["source"]), (&json!(allowed), &json!(source)));
    }
    let all = "{ zonePolicies(capability: PICK_UP) { nodes { division locationId allowed } } }";
    assert_eq!(server.anonymous().data(all, json!({})).await["zonePolicies"]["nodes"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seller_sets_its_own_rates_and_everyone_reads_them() {
    let server = TestServer::start().await;
    let (owner, organisation) = (server.seller(SELLER).await, server.organisation(SELLER).await);
    let rate = json!({ "sellerId": organisation, "mode": "DOMESTIC", "currency": "CNY", "firstWeightG": 500, "first": "8",
                       "stepWeightG": 500, "step": "2.50", "insurancePpm": 3_000 });
    owner.done("setShippingRate", "rate { version }", rate.clone()).await;
    assert_eq!(server.seller(OTHER_SELLER).await.denied("setShippingRate", rate.clone()).await, "FORBIDDEN");
    let mut changed = rate;
    changed["expectedVersion"] = 1.into();
    changed["first"] = "9".into();
    owner.done("setShippingRate", "rate { version }", changed.clone()).await;
    changed["currency"] = "JPY".into();
    changed["step"] = "2.5".into();
    assert_eq!(owner.refused("setShippingRate", changed).await, [("INVALID_AMOUNT".into(), "step".into())]);
    let query = "query($s: ID!) { shippingRates(sellerId: $s) { nodes { mode first { amount } step { amount } freeFrom { amount } version seller { slug } } } }";
    let seen = server.anonymous().data(query, json!({ "s": organisation })).await["shippingRates"]["nodes"].clone();
    let expected = json!([{ "mode": "DOMESTIC", "first": { "amount": "9.00" }, "step": { "amount": "2.50" }, "freeFrom": null,
                            "version": 2, "seller": { "slug": SELLER } }]);
    assert_eq!(seen, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn loading_a_zone_again_changes_nothing_and_an_edited_file_what_was_edited() {
    let server = TestServer::start().await;
    let db = server.app.db().writer();
    let all = async || {
        (tariff_row::Entity::find().all(db).await.unwrap(), import_list::Entity::find().all(db).await.unwrap())
    };
    let before = all().await;
    assert!(before.0.len() > 50 && before.1.len() > 20);
    zone::load(&server.app, &ZoneFiles::demo()).await.unwrap();
    assert_eq!(all().await, before, "loading the same files again changed something");
    let files = ZoneFiles::demo();
    let edited = ZoneFiles {
        import_list: files.import_list.replacen("\"source\"", "\"bonded_only\": true, \"source\"", 1),
        ..files
    };
    zone::load(&server.app, &edited).await.unwrap();
    let after = all().await;
    assert_eq!(after.0, before.0);
    let changed: Vec<_> = after.1.iter().filter(|row| !before.1.contains(row)).collect();
    assert_eq!(changed.len(), 1);
    assert!(changed[0].bonded_only && changed[0].version == 2);
    for (tariffs, told) in [("[{}]", "tariffs.json"), ("not json", "tariffs.json")] {
        let error =
            zone::load(&server.app, &ZoneFiles { tariffs: tariffs.into(), ..ZoneFiles::demo() }).await.unwrap_err();
        assert!(error.told().contains(told));
    }
    for row in &before.0 {
        row.checked().unwrap_or_else(|refusals| panic!("{} from {}: {refusals:?}", row.hs_code, row.valid_from));
    }
}
