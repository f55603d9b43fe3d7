//! Offers, tiers, and the price tag that follows them.

use serde_json::{Value, json};

use crate::support::{OTHER_SELLER, SELLER, TestServer, offered, published_rug};

async fn tag(server: &TestServer, product: &Value) -> Value {
    let query = "query($id: ID!) { product(by: { id: $id }) { price { amount currency } cheapestOffer { sku seller { slug } } availability supplyModes offers { totalCount } } }";
    server.anonymous().data(query, json!({ "id": product["id"] })).await["product"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_price_tag_is_always_the_cheapest_active_offer() {
    let server = TestServer::start().await;
    let (one, two) = (server.seller(SELLER).await, server.seller(OTHER_SELLER).await);
    let product = published_rug(&server, SELLER, "a").await;
    assert_eq!(
        tag(&server, &product).await,
        json!({ "price": null, "cheapestOffer": null, "availability": "UNAVAILABLE", "supplyModes": [], "offers": { "totalCount": 0 } })
    );

    offered(&server, SELLER, &product, "A-1", "120").await;
    let cheap = offered(&server, OTHER_SELLER, &product, "B-1", "99.5").await;
    let now = tag(&server, &product).await;
    assert_eq!(now["price"], json!({ "amount": "99.50", "currency": "CNY" }));
    assert_eq!(now["cheapestOffer"], json!({ "sku": "B-1", "seller": { "slug": OTHER_SELLER } }));
    assert_eq!((&now["availability"], &now["offers"]["totalCount"]), (&json!("IN_STOCK"), &json!(2)));

    let dearer = json!({ "id": cheap["id"], "expectedVersion": 1, "terms": { "priceTiers": [{ "price": { "amount": "130", "currency": "CNY" } }], "leadTimeDays": 3 } });
    two.done("updateOffer", "offer { version }", dearer.clone()).await;
    assert_eq!(tag(&server, &product).await["price"]["amount"], "120.00");
    assert_eq!(two.refused("updateOffer", dearer).await, [("STALE_VERSION".into(), "expectedVersion".into())]);

    let mine = one
        .data(
            "query($id: ID!) { product(by: { id: $id }) { offers { nodes { id sku version isMine } } } }",
            json!({ "id": product["id"] }),
        )
        .await;
    let own =
        mine["product"]["offers"]["nodes"].as_array().unwrap().iter().find(|o| o["isMine"] == true).unwrap().clone();
    let pause = json!({ "id": own["id"], "expectedVersion": own["version"], "status": "PAUSED" });
    let paused = one.done("changeOfferStatus", "offer { status version id }", pause).await["offer"].clone();
    let now = tag(&server, &product).await;
    assert_eq!(
        (&now["price"]["amount"], &now["availability"], &now["offers"]["totalCount"]),
        (&json!("130.00"), &json!("TO_ORDER"), &json!(1)),
        "a paused offer is still sold"
    );

    let end = json!({ "id": paused["id"], "expectedVersion": paused["version"], "status": "ENDED" });
    let ended = one.done("changeOfferStatus", "offer { id version }", end).await["offer"].clone();
    let resume = json!({ "id": ended["id"], "expectedVersion": ended["version"], "status": "ACTIVE" });
    assert_eq!(one.refused("changeOfferStatus", resume).await, [("ILLEGAL_TRANSITION".into(), "status".into())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tiers_are_shown_per_currency_with_the_digits_of_each() {
    let server = TestServer::start().await;
    let product = published_rug(&server, SELLER, "a").await;
    let price = |amount: &str, currency: &str, from: Option<i32>| json!({ "price": { "amount": amount, "currency": currency }, "minimumQuantity": from });
    let terms = json!({
        "supplyMode": "EXPORT_B2B", "minimumOrder": 10, "orderMultiple": 5, "leadTimeDays": 30,
        "priceTiers": [price("128", "USD", None), price("119.5", "USD", Some(50)), price("18000", "JPY", Some(10))],
    });
    let input = json!({ "variantId": product["variants"]["nodes"][0]["id"], "sku": "A-1", "terms": terms });
    let selection = "offer { minimumOrder orderMultiple price(currency: \"JPY\") { amount } cny: price { amount } priceTiers { minimumQuantity price { amount currency } } }";
    let offer = server.seller(SELLER).await.done("createOffer", selection, input).await["offer"].clone();
    assert_eq!(
        offer,
        json!({
            "minimumOrder": 10, "orderMultiple": 5, "price": { "amount": "18000" }, "cny": null,
            "priceTiers": [
                { "minimumQuantity": 10, "price": { "amount": "18000", "currency": "JPY" } },
                { "minimumQuantity": 10, "price": { "amount": "128.00", "currency": "USD" } },
                { "minimumQuantity": 50, "price": { "amount": "119.50", "currency": "USD" } },
            ],
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_is_its_sellers_own() {
    let server = TestServer::start().await;
    let (seller, other, operator) =
        (server.seller(SELLER).await, server.seller(OTHER_SELLER).await, server.operator().await);
    let product = published_rug(&server, SELLER, "a").await;
    let offer = offered(&server, SELLER, &product, "A-1", "10").await;
    let change = json!({ "id": offer["id"], "expectedVersion": 1, "terms": { "leadTimeDays": 9 } });
    assert_eq!(server.anonymous().denied("updateOffer", change.clone()).await, "UNAUTHENTICATED");
    assert_eq!(other.denied("updateOffer", change.clone()).await, "FORBIDDEN", "a competitor changes an offer");
    operator.done("updateOffer", "", change).await;

    let variant = product["variants"]["nodes"][0]["id"].clone();
    let terms = json!({ "supplyMode": "DOMESTIC", "priceTiers": [{ "price": { "amount": "1", "currency": "CNY" } }] });
    let new = |sku: &str| json!({ "variantId": variant, "sku": sku, "terms": terms });
    assert_eq!(seller.refused("createOffer", new("A-1")).await, [("ALREADY_TAKEN".into(), "sku".into())]);
    assert_eq!(seller.refused("createOffer", new("A 1")).await, [("INVALID_VALUE".into(), "sku".into())]);
    assert_eq!(
        operator.refused("createOffer", new("Z-1")).await,
        [("WRONG_ROLE".into(), "sellerId".into())],
        "the operator sells"
    );
    other.done("createOffer", "", new("A-1")).await;
    let without = json!({ "variantId": variant, "sku": "N-1", "terms": {} });
    let mut refused = seller.refused("createOffer", without).await;
    refused.sort();
    assert_eq!(refused, [("REQUIRED".into(), "prices".into()), ("REQUIRED".into(), "supplyMode".into())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_sellers_repricing_at_once_leave_the_true_cheapest() {
    let server = TestServer::start().await;
    let product = published_rug(&server, SELLER, "a").await;
    let mut offers = Vec::new();
    for n in 0..16 {
        offers.push((n, offered(&server, SELLER, &product, &format!("A-{n}"), "500").await));
    }
    let seller = server.seller(SELLER).await;
    let runs: Vec<_> = offers
        .into_iter()
        .map(|(n, offer)| {
            let seller = seller.clone();
            tokio::spawn(async move {
                let amount = (100 + (n * 7) % 16).to_string();
                let terms = json!({ "priceTiers": [{ "price": { "amount": amount, "currency": "CNY" } }] });
                let input = json!({ "id": offer["id"], "expectedVersion": 1, "terms": terms });
                seller.done("updateOffer", "", input).await;
            })
        })
        .collect();
    for run in runs {
        run.await.unwrap();
    }
    let now = tag(&server, &product).await;
    assert_eq!(now["price"]["amount"], "100.00", "the price tag lost a race");
}
