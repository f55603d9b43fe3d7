//! Bulk upserts: row by row answers, whole batches refused, shared products, races.

use serde_json::{Value, json};

use crate::support::{Client, OPERATOR, OTHER_SELLER, SELLER, TestServer, published_rug};

const RESULTS: &str = "results { index sku outcome userErrors { code field details { name value } } offer { version product { slug status version name } variant { code gtin } price { amount } } }";

fn row(sku: &str, product: &str, amount: &str) -> Value {
    json!({
        "sku": sku,
        "product": product,
        "category": "knotted-area-rugs",
        "name": [{ "locale": "zh-CN", "text": format!("藏毯 {product}") }, { "locale": "en", "text": format!("Rug {product}") }],
        "variant": { "hsCode": "5701100000", "origin": "CN", "netWeightG": 900, "grossWeightG": 950, "unit1": "032" },
        "terms": { "supplyMode": "EXPORT_B2B", "priceTiers": [{ "price": { "amount": amount, "currency": "CNY" } }] },
    })
}

async fn upsert(client: &Client, rows: Value, more: Value) -> Vec<Value> {
    let mut input = json!({ "rows": rows });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let payload = client.done("bulkUpsertOffers", RESULTS, input).await;
    payload["results"].as_array().unwrap().clone()
}

fn outcomes(results: &[Value]) -> Vec<&str> {
    results.iter().map(|r| r["outcome"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_answered_one_by_one_and_a_repeat_changes_nothing() {
    let server = TestServer::start().await;
    let seller = server.seller(SELLER).await;
    let rows = json!([row("A-1", "p-1", "10"), row("A-2", "p-2", "20"), row("A-3", "p-2", "30")]);
    let made = upsert(&seller, rows.clone(), json!({})).await;
    assert_eq!(outcomes(&made), ["CREATED", "CREATED", "CREATED"]);
    assert_eq!(made[0]["offer"]["product"]["status"], "DRAFT", "a seller's rows publish");
    let again = upsert(&seller, rows, json!({})).await;
    assert_eq!(outcomes(&again), ["UNCHANGED", "UNCHANGED", "UNCHANGED"]);
    assert_eq!(again[0]["offer"], made[0]["offer"], "a repeat moved a version");
    let changed = upsert(&seller, json!([row("A-1", "p-1", "11"), row("A-2", "p-2", "20")]), json!({})).await;
    assert_eq!(outcomes(&changed), ["UPDATED", "UNCHANGED"]);
    assert_eq!(
        (&changed[0]["offer"]["version"], &changed[0]["offer"]["price"]["amount"]),
        (&json!(2), &json!("11.00"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_row_costs_itself_or_the_whole_batch_as_asked() {
    let server = TestServer::start().await;
    let seller = server.seller(SELLER).await;
    let mut bad = row("A-2", "p-2", "0");
    bad["variant"]["hsCode"] = "77".into();
    bad["category"] = "tibetan-carpets-wool".into();
    let rows = json!([row("A-1", "p-1", "10"), bad, row("A-1", "p-3", "5"), row("A-4", "p-4", "5")]);
    let refused = upsert(&seller, rows.clone(), json!({})).await;
    assert_eq!(outcomes(&refused), ["FAILED"; 4]);
    assert_eq!(refused[0]["userErrors"][0]["code"], "BATCH_REJECTED");
    let codes: Vec<_> =
        refused[1]["userErrors"].as_array().unwrap().iter().map(|e| e["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["CATEGORY_NOT_LEAF", "INVALID_HS_CODE", "INVALID_AMOUNT"], "a row's errors come together");
    assert_eq!(refused[2]["userErrors"][0]["code"], "DUPLICATE");
    let count = "{ products(filter: { statuses: [DRAFT] }) { totalCount } }";
    assert_eq!(seller.data(count, json!({})).await["products"]["totalCount"], 0, "REJECT_ALL wrote something");

    let skipped = upsert(&seller, rows, json!({ "errorPolicy": "SKIP_FAILED" })).await;
    assert_eq!(outcomes(&skipped), ["CREATED", "FAILED", "FAILED", "CREATED"]);
    assert_eq!(seller.data(count, json!({})).await["products"]["totalCount"], 2);

    let many: Vec<Value> = (0..501).map(|n| row(&format!("M-{n}"), "p", "1")).collect();
    assert_eq!(seller.refused("bulkUpsertOffers", json!({ "rows": many })).await, [("TOO_MANY".into(), "rows".into())]);
    assert_eq!(server.anonymous().denied("bulkUpsertOffers", json!({ "rows": [] })).await, "UNAUTHENTICATED");
    assert_eq!(
        seller.denied("bulkUpsertOffers", json!({ "rows": [row("Z", "z", "1")], "publish": true })).await,
        "FORBIDDEN"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_seller_hangs_its_offer_on_the_shared_product() {
    let server = TestServer::start().await;
    let (operator, other) = (server.operator().await, server.seller(OTHER_SELLER).await);
    let mut first = row("A-1", "p-1", "10");
    first["seller"] = SELLER.into();
    first["variant"]["gtin"] = "6901234567892".into();
    upsert(&operator, json!([first]), json!({ "publish": true })).await;

    let by_barcode = json!([{ "sku": "B-1", "variant": { "gtin": "6901234567892" }, "name": [{ "locale": "en", "text": "My name for it" }],
        "terms": { "supplyMode": "DOMESTIC", "priceTiers": [{ "price": { "amount": "9", "currency": "CNY" } }] } }]);
    let hung = upsert(&other, by_barcode.clone(), json!({})).await;
    assert_eq!(outcomes(&hung), ["CREATED"]);
    assert_eq!(hung[0]["offer"]["product"]["slug"], "p-1");
    assert_eq!(hung[0]["offer"]["product"]["name"], "Rug p-1", "another seller's row renamed a shared product");
    assert_eq!(outcomes(&upsert(&other, by_barcode, json!({})).await), ["UNCHANGED"]);

    // The owner's new description of a public product waits; its new price does not.
    let mut edited = row("A-1", "p-1", "12");
    edited["name"][1]["text"] = "A better rug".into();
    let seller = server.seller(SELLER).await;
    let proposed = upsert(&seller, json!([edited.clone()]), json!({})).await;
    assert_eq!(outcomes(&proposed), ["PROPOSED"]);
    assert_eq!(
        (&proposed[0]["offer"]["product"]["name"], &proposed[0]["offer"]["price"]["amount"]),
        (&json!("Rug p-1"), &json!("12.00"))
    );
    upsert(&seller, json!([edited]), json!({})).await;
    let changes = seller.data("{ productChanges { totalCount } }", json!({})).await;
    assert_eq!(changes["productChanges"]["totalCount"], 1, "the same proposal is made twice");

    let mut foreign = row("C-1", "p-9", "1");
    foreign["seller"] = SELLER.into();
    let refused = upsert(&other, json!([foreign]), json!({ "errorPolicy": "SKIP_FAILED" })).await;
    assert_eq!(refused[0]["userErrors"][0]["field"], json!(["seller"]), "a seller sends rows in another's name");
    let mut none = row("C-1", "p-9", "1");
    none["seller"] = OPERATOR.into();
    let refused = upsert(&operator, json!([none]), json!({ "errorPolicy": "SKIP_FAILED" })).await;
    assert_eq!(refused[0]["userErrors"][0]["code"], "WRONG_ROLE");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_row_may_not_move_stays_where_it_is() {
    let server = TestServer::start().await;
    let (seller, other) = (server.seller(SELLER).await, server.seller(OTHER_SELLER).await);
    let mut draft = row("A-1", "top-secret", "10");
    draft["variant"]["gtin"] = "6901234567892".into();
    draft["variant"]["code"] = "a".into();
    let made = upsert(&seller, json!([draft.clone()]), json!({})).await;

    // A competitor learns that a barcode is taken, not by what.
    for product in [Value::Null, "my-own".into()] {
        let mut probe = row("B-1", "x", "1");
        probe["product"] = product;
        probe["variant"]["gtin"] = "6901234567892".into();
        let refused = upsert(&other, json!([probe]), json!({ "errorPolicy": "SKIP_FAILED" })).await;
        assert_eq!(refused[0]["userErrors"][0]["code"], "ALREADY_TAKEN");
        assert!(!refused[0].to_string().contains("secret"), "a hidden draft's name leaks: {}", refused[0]);
    }
    // An article number does not move to another variant, product or barcode.
    for (path, value) in [("/variant/code", "b"), ("/product", "elsewhere"), ("/variant/gtin", "4006381333931")] {
        let mut moved = draft.clone();
        *moved.pointer_mut(path).unwrap() = value.into();
        moved["variant"]["netWeightG"] = 1.into();
        let refused = upsert(&seller, json!([moved]), json!({ "errorPolicy": "SKIP_FAILED" })).await;
        assert_eq!(refused[0]["userErrors"][0]["code"], "ALREADY_TAKEN", "{path}");
    }
    assert_eq!(outcomes(&upsert(&seller, json!([draft.clone()]), json!({})).await), ["UNCHANGED"]);

    let offer = seller
        .data(
            "{ products(filter: { mine: true, statuses: [DRAFT] }) { nodes { offers { nodes { id version } } } } }",
            json!({}),
        )
        .await;
    let offer = &offer["products"]["nodes"][0]["offers"]["nodes"][0];
    seller
        .done(
            "changeOfferStatus",
            "",
            json!({ "id": offer["id"], "expectedVersion": offer["version"], "status": "ENDED" }),
        )
        .await;
    let mut dearer = draft;
    dearer["terms"]["priceTiers"][0]["price"]["amount"] = "99".into();
    let refused = upsert(&seller, json!([dearer]), json!({ "errorPolicy": "SKIP_FAILED" })).await;
    assert_eq!(refused[0]["userErrors"][0]["code"], "ILLEGAL_TRANSITION", "an ended offer is repriced");
    assert_eq!(made[0]["outcome"], "CREATED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_price_and_a_pause_at_the_same_time_both_count() {
    let server = TestServer::start().await;
    let seller = server.seller(SELLER).await;
    for round in 0..12 {
        let sku = format!("R-{round}");
        let product = published_rug(&server, SELLER, &format!("r{round}")).await;
        let offer = crate::support::offered(&server, SELLER, &product, &sku, "10").await;
        let reprice =
            json!([{ "sku": sku, "terms": { "priceTiers": [{ "price": { "amount": "20", "currency": "CNY" } }] } }]);
        let pause = json!({ "id": offer["id"], "expectedVersion": offer["version"], "status": "PAUSED" });
        let (bulk, step) = tokio::join!(
            upsert(&seller, reprice, json!({ "errorPolicy": "SKIP_FAILED" })),
            seller.payload("changeOfferStatus", "", pause)
        );
        assert_eq!(outcomes(&bulk), ["UPDATED"]);
        let paused = step["userErrors"] == json!([]);
        assert!(paused || step["userErrors"][0]["code"] == "STALE_VERSION");
        let now = seller
            .data(
                "query($id: ID!) { node(id: $id) { ... on Offer { status price { amount } } } }",
                json!({ "id": offer["id"] }),
            )
            .await;
        let status = if paused { "PAUSED" } else { "ACTIVE" };
        assert_eq!(
            now["node"],
            json!({ "status": status, "price": { "amount": "20.00" } }),
            "one write undid the other"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_sellers_creating_the_same_new_barcode_make_one_variant() {
    let server = TestServer::start().await;
    let operator = server.operator().await;
    let runs: Vec<_> = (0..8)
        .map(|n| {
            let operator = operator.clone();
            tokio::spawn(async move {
                let mut same = row(&format!("S-{n}"), &format!("same-{n}"), "10");
                same["seller"] = SELLER.into();
                same["variant"]["gtin"] = "6901234567892".into();
                upsert(&operator, json!([same]), json!({ "errorPolicy": "SKIP_FAILED", "publish": true })).await
            })
        })
        .collect();
    let mut created = 0;
    for run in runs {
        let result = run.await.unwrap();
        created += usize::from(result[0]["outcome"] == "CREATED");
        assert!(
            result[0]["outcome"] == "CREATED" || result[0]["userErrors"][0]["code"] == "ALREADY_TAKEN",
            "{result:?}"
        );
    }
    let count =
        operator.data("{ products { totalCount } product(by: { gtin: \"6901234567892\" }) { slug } }", json!({})).await;
    assert_eq!((created, &count["products"]["totalCount"]), (1, &json!(1)));
}
