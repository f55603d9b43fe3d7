//! The price with import taxes over the schema: the vectors of the project, and all that may stand in its way.

use serde_json::{Value, json};

use crate::support::{OTHER_SELLER, SELLER, TestServer, leaf, rug};

/// Describes, publishes and offers a variant; answers with the offer's id.
async fn sold(server: &TestServer, seller: &str, key: &str, mode: &str, amount: &str, variant: Value) -> Value {
    let (owner, operator) = (server.seller(seller).await, server.operator().await);
    let mut content = rug(key, &leaf(&owner).await);
    content["variants"] = json!([variant]);
    let made = owner.done("createProduct", "product { id version }", json!({ "content": content })).await;
    let step = json!({ "id": made["product"]["id"], "expectedVersion": made["product"]["version"] });
    let product = operator.done("publishProduct", "product { variants { nodes { id } } }", step).await;
    let (amount, currency) = amount.split_once(' ').unwrap_or((amount, "CNY"));
    let terms = json!({ "supplyMode": mode, "priceTiers": [{ "price": { "amount": amount, "currency": currency } }] });
    let variant = &product["product"]["variants"]["nodes"][0]["id"];
    let input = json!({ "variantId": variant, "sku": format!("SKU-{key}"), "terms": terms });
    owner.done("createOffer", "offer { id }", input).await["offer"]["id"].clone()
}

#[expect(clippy::needless_pass_by_value, reason = "it is made where it is passed")]
fn variant(hs: &str, more: Value) -> Value {
    let mut variant = json!({ "hsCode": hs, "origin": "FR", "netWeightG": 500, "grossWeightG": 900, "unit1": "035" });
    variant.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    variant
}

async fn priced(server: &TestServer, offer: &Value, quantity: i32, division: Option<&str>) -> Value {
    let query = "query($o: ID!, $q: Int!, $d: String) { landedPrice(offerId: $o, quantity: $q, division: $d) { \
                 passage date goods { amount } freight { amount } insurance { amount } duty { amount } \
                 consumptionTax { amount } vat { amount } tax { amount } total { amount currency } laws \
                 steps { kind formula amount { amount } law source } problems { code field } } }";
    let variables = json!({ "o": offer, "q": quantity, "d": division });
    server.anonymous().data(query, variables).await["landedPrice"].clone()
}

/// Rows that the demo zone does not have: T3 and T4 have rates of other days, T10 a watch.
async fn rows_of_the_vectors(server: &TestServer) {
    let operator = server.operator().await;
    let watch = json!({ "kind": "AD_VALOREM_FROM", "ratePpm": 200_000, "triggers": [{ "per": "PIECE", "threshold": "10000" }] });
    for (hs, mfn, vat, consumption) in [
        ("6702100000", 100_000, 170_000, json!({ "kind": "AD_VALOREM", "ratePpm": 300_000 })),
        ("6702900000", 100_000, 160_000, Value::Null),
        ("9102110000", 80_000, 130_000, watch),
    ] {
        let tariff = json!({ "hsCode": hs, "validFrom": "2020-01-01", "mfnPpm": mfn, "vatPpm": vat,
                             "consumptionTax": consumption, "source": "vector" });
        operator.done("setTariff", "tariff { version }", tariff).await;
        let line = json!({ "hs8": &hs[..8], "validFrom": "2020-01-01", "source": "vector" });
        operator.done("setImportListLine", "line { version }", line).await;
    }
    // 6.00 up to a kilogram, and 4.00 for each one more: T3 and T6.
    let rate = json!({ "mode": "BONDED_IMPORT", "currency": "CNY", "firstWeightG": 1_000, "first": "6.00",
                       "stepWeightG": 1_000, "step": "4.00" });
    server.seller(OTHER_SELLER).await.done("setShippingRate", "rate { version }", rate).await;
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "one table: the vectors themselves")]
async fn the_vectors_come_out_over_the_schema() {
    let server = TestServer::start().await;
    rows_of_the_vectors(&server).await;
    let none = json!({});
    for (vector, seller, mode, hs, more, amount, quantity, freight, duty, consumption, vat, total) in [
        (
            "t0",
            SELLER,
            "BONDED_IMPORT",
            "2201101000",
            none.clone(),
            "500",
            1,
            "0.00",
            "0.00",
            "0.00",
            "45.50",
            "545.50",
        ),
        (
            "t1",
            SELLER,
            "DIRECT_IMPORT",
            "2201101000",
            none.clone(),
            "41",
            10,
            "0.00",
            "0.00",
            "0.00",
            "37.31",
            "447.31",
        ),
        (
            "t2",
            SELLER,
            "BONDED_IMPORT",
            "3304990039",
            json!({ "netWeightG": 20 }),
            "425",
            1,
            "0.00",
            "0.00",
            "52.50",
            "45.50",
            "523.00",
        ),
        (
            "t3",
            OTHER_SELLER,
            "BONDED_IMPORT",
            "6702100000",
            none.clone(),
            "100",
            1,
            "6.00",
            "0.00",
            "31.80",
            "18.02",
            "155.82",
        ),
        (
            "t4",
            SELLER,
            "BONDED_IMPORT",
            "6702900000",
            none.clone(),
            "3000",
            1,
            "0.00",
            "0.00",
            "0.00",
            "336.00",
            "3336.00",
        ),
        (
            "t5",
            SELLER,
            "BONDED_IMPORT",
            "3304990039",
            json!({ "netVolumeMl": 50 }),
            "700",
            1,
            "0.00",
            "0.00",
            "86.47",
            "74.94",
            "861.41",
        ),
        (
            "t5-by-weight",
            SELLER,
            "BONDED_IMPORT",
            "3304990039",
            json!({ "netWeightG": 84 }),
            "700",
            1,
            "0.00",
            "0.00",
            "0.00",
            "63.70",
            "763.70",
        ),
        (
            "t6",
            OTHER_SELLER,
            "BONDED_IMPORT",
            "2204210000",
            json!({ "netVolumeMl": 750, "grossWeightG": 1_300 }),
            "200",
            1,
            "10.00",
            "0.00",
            "16.33",
            "21.23",
            "247.56",
        ),
        (
            "t7",
            SELLER,
            "BONDED_IMPORT",
            "2208909099",
            json!({ "netVolumeMl": 700 }),
            "1000",
            1,
            "0.00",
            "0.00",
            "175.56",
            "113.82",
            "1289.38",
        ),
        (
            "t8",
            SELLER,
            "BONDED_IMPORT",
            "2203000000",
            json!({ "netVolumeMl": 1_000 }),
            "12.50",
            8,
            "0.00",
            "0.00",
            "1.42",
            "9.28",
            "110.70",
        ),
        (
            "t9",
            SELLER,
            "BONDED_IMPORT",
            "4202210090",
            none.clone(),
            "6000",
            1,
            "0.00",
            "360.00",
            "0.00",
            "826.80",
            "7186.80",
        ),
        (
            "t10",
            SELLER,
            "BONDED_IMPORT",
            "9102110000",
            json!({ "pieceCount": 1 }),
            "12000",
            1,
            "0.00",
            "960.00",
            "3240.00",
            "2106.00",
            "18306.00",
        ),
    ] {
        let offer = sold(&server, seller, vector, mode, amount, variant(hs, more)).await;
        let price = priced(&server, &offer, quantity, None).await;
        assert_eq!(price["problems"], json!([]), "{vector}");
        let found = ["freight", "duty", "consumptionTax", "vat", "total"].map(|field| price[field]["amount"].clone());
        assert_eq!(found, [freight, duty, consumption, vat, total].map(Value::from), "{vector}");
        let passage = if duty == "0.00" { "WITHIN_LIMIT" } else { "SINGLE_ITEM_FULL_TAX" };
        assert_eq!(price["passage"], passage, "{vector}");
        let steps = price["steps"].as_array().unwrap();
        let last = steps.last().unwrap();
        assert_eq!((&last["kind"], &last["amount"]["amount"]), (&json!("TOTAL"), &json!(total)), "{vector}");
        assert!(
            steps.iter().any(|step| step["kind"] == "VAT" && step["law"].is_string() && step["source"].is_string())
        );
        assert!(!price["laws"].as_array().unwrap().is_empty(), "{vector}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_way_is_said_and_no_amount_is_shown() {
    let server = TestServer::start().await;
    let (operator, none) = (server.operator().await, json!({}));
    let line =
        |hs8: &str, bonded: bool| json!({ "hs8": hs8, "validFrom": "2023-01-01", "bondedOnly": bonded, "source": "s" });
    operator.done("setImportListLine", "line { hs8 }", line("67029000", false)).await;
    operator.done("setImportListLine", "line { hs8 }", line("22011010", true)).await;
    let policy = json!({ "place": { "division": "54" }, "mode": "BONDED_IMPORT", "capability": "CHECKOUT", "allowed": false,
                         "validFrom": "2024-01-01", "source": "藏政发〔2024〕1号" });
    operator.done("setZonePolicy", "policy { id }", policy).await;
    for (key, mode, hs, more, amount, quantity, division, code, field) in [
        ("rug", "BONDED_IMPORT", "5701100000", &none, "10", 1, None, "NOT_ON_IMPORT_LIST", "offerId"),
        ("bonded-only", "DIRECT_IMPORT", "2201101000", &none, "10", 1, None, "BONDED_ONLY", "offerId"),
        ("no-tariff", "BONDED_IMPORT", "6702900000", &none, "10", 1, None, "NO_TARIFF", ""),
        ("unstated", "BONDED_IMPORT", "2208909099", &none, "10", 1, None, "INCOMPLETE", "contents"),
        ("t14", "BONDED_IMPORT", "4202210090", &none, "2600", 2, None, "OVER_SINGLE_LIMIT", ""),
        ("year", "BONDED_IMPORT", "4202210090", &none, "26000.01", 1, None, "OVER_ANNUAL_LIMIT", ""),
        (
            "rice",
            "BONDED_IMPORT",
            "1006309000",
            &json!({ "netWeightG": 5_001, "grossWeightG": 5_100 }),
            "60",
            4,
            None,
            "OVER_QUANTITY_CAP",
            "quantity",
        ),
        ("dollars", "DOMESTIC", "5701100000", &none, "10 USD", 1, None, "NOT_PRICED", ""),
        ("nothing", "DOMESTIC", "5701100000", &none, "10", 0, None, "OUT_OF_RANGE", "quantity"),
        ("there", "BONDED_IMPORT", "2201101000", &none, "10", 1, Some("540102"), "NOT_ALLOWED_HERE", "division"),
        ("where", "BONDED_IMPORT", "2201101000", &none, "10", 1, Some("5401x2"), "INVALID_VALUE", "division"),
    ] {
        let offer = sold(&server, SELLER, key, mode, amount, variant(hs, more.clone())).await;
        let price = priced(&server, &offer, quantity, division).await;
        let field = if field.is_empty() { Value::Null } else { json!([field]) };
        assert_eq!(price["problems"], json!([{ "code": code, "field": field }]), "{key}");
        assert_eq!((&price["total"], &price["steps"]), (&Value::Null, &json!([])), "{key}");
    }
    let home = sold(&server, SELLER, "home", "DOMESTIC", "10.50", variant("5701100000", json!({}))).await;
    let price = priced(&server, &home, 3, Some("630103")).await;
    assert_eq!((&price["total"]["amount"], &price["tax"]["amount"]), (&json!("31.50"), &json!("0.00")));
    assert_eq!(price["passage"], Value::Null);
    let query = "query($o: ID!) { landedPrice(offerId: $o) { total { amount } } }";
    let organisation = server.organisation(SELLER).await;
    assert_eq!(server.anonymous().error(query, json!({ "o": organisation })).await, "BAD_INPUT");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_price_is_fresh_after_a_rate_has_changed() {
    let server = TestServer::start().await;
    let offer = sold(&server, SELLER, "kept", "BONDED_IMPORT", "100", variant("2201101000", json!({}))).await;
    let total = async || priced(&server, &offer, 1, None).await["total"]["amount"].clone();
    assert_eq!(total().await, "109.10");
    let rate = json!({ "mode": "BONDED_IMPORT", "currency": "CNY", "firstWeightG": 1_000, "first": "10.00",
                       "stepWeightG": 1_000, "step": "4.00", "freeFrom": "199.00", "insurancePpm": 10_000 });
    server.seller(SELLER).await.done("setShippingRate", "rate { id }", rate).await;
    // 100 and 10 of freight and 1 of insurance, and 9.1 % of it.
    assert_eq!(total().await, "121.10", "a shipping rate changed and the old price is shown");
    let tariff =
        json!({ "hsCode": "2201101000", "validFrom": "2026-01-01", "mfnPpm": 50_000, "vatPpm": 90_000, "source": "s" });
    server.operator().await.done("setTariff", "tariff { id }", tariff).await;
    assert_eq!(total().await, "117.99", "a tariff changed and the old price is shown");
}
