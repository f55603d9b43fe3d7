//! Categories and brands.

use serde_json::json;

use crate::support::{SELLER, TestServer, published_rug};

#[tokio::test(flavor = "multi_thread")]
async fn the_tree_is_walked_counted_and_extended() {
    let server = TestServer::start().await;
    let operator = server.operator().await;
    published_rug(&server, SELLER, "a").await;
    let query = r#"{
        top: categories(topOnly: true, first: 100) { totalCount nodes { slug productCount } }
        whole: categories(first: 100) { totalCount pageInfo { hasNextPage } }
        category(by: { slug: "knotted-area-rugs" }) {
            productCount parent { slug } path { slug } attributes { code kind choices { code name } } children { totalCount }
        }
    }"#;
    let data = operator.data(query, json!({})).await;
    assert_eq!(data["top"]["totalCount"], data["top"]["nodes"].as_array().unwrap().len());
    let counted: Vec<_> = data["top"]["nodes"].as_array().unwrap().iter().filter(|c| c["productCount"] != 0).collect();
    assert_eq!(
        counted,
        [&json!({ "slug": "tibetan-carpets-wool", "productCount": 1 })],
        "a subtree counts what hangs below it"
    );
    assert!(data["whole"]["totalCount"].as_i64().unwrap() > data["top"]["totalCount"].as_i64().unwrap());
    let path: Vec<_> =
        data["category"]["path"].as_array().unwrap().iter().map(|c| c["slug"].as_str().unwrap()).collect();
    assert_eq!((path.first(), path.last()), (Some(&"tibetan-carpets-wool"), Some(&"knotted-area-rugs")));
    assert!(
        data["category"]["attributes"].as_array().unwrap().iter().any(|a| a["code"] == "material"),
        "attributes are inherited"
    );

    let new = json!({ "name": [{ "locale": "en", "text": "Fresh things" }, { "locale": "zh-CN", "text": "新品" }] });
    let made =
        operator.done("createCategory", "category { id slug version path { slug } }", new.clone()).await["category"]
            .clone();
    assert_eq!(made["slug"], "fresh-things");
    assert_eq!(operator.refused("createCategory", new.clone()).await, [("ALREADY_TAKEN".into(), "slug".into())]);
    let seller = server.seller(SELLER).await;
    assert_eq!(seller.denied("createCategory", new).await, "FORBIDDEN");
    let rename =
        json!({ "id": made["id"], "expectedVersion": 1, "name": [{ "locale": "en", "text": "Newest things" }] });
    assert_eq!(
        operator.done("updateCategory", "category { name version }", rename.clone()).await["category"],
        json!({ "name": "Newest things", "version": 2 })
    );
    assert_eq!(operator.refused("updateCategory", rename).await[0].0, "STALE_VERSION");
    let leaf = crate::support::leaf(&operator).await;
    let under = json!({ "parentId": leaf, "name": [{ "locale": "en", "text": "Under a leaf" }] });
    assert_eq!(operator.refused("createCategory", under).await[0].1, "parentId", "products would hang on a branch");
}

#[tokio::test(flavor = "multi_thread")]
async fn brands_are_kept_by_the_operator() {
    let server = TestServer::start().await;
    let operator = server.operator().await;
    let new = |country: &str| json!({ "name": [{ "locale": "en", "text": "Snow Lotus" }], "country": country });
    assert_eq!(operator.refused("createBrand", new("QQ")).await, [("INVALID_COUNTRY".into(), "country".into())]);
    let made = operator.done("createBrand", "brand { id slug country version }", new("CN")).await["brand"].clone();
    assert_eq!((&made["slug"], &made["country"]), (&json!("snow-lotus"), &json!("CN")));
    let change = json!({ "id": made["id"], "expectedVersion": 1, "slug": "snow-lotus-2" });
    assert_eq!(
        operator.done("updateBrand", "brand { slug country }", change).await["brand"],
        json!({ "slug": "snow-lotus-2", "country": "CN" })
    );
    let found = server
        .anonymous()
        .data(
            "{ brand(by: { slug: \"snow-lotus-2\" }) { id name } none: brand(by: { slug: \"Snow Lotus\" }) { id } }",
            json!({}),
        )
        .await;
    assert_eq!(found, json!({ "brand": { "id": made["id"], "name": "Snow Lotus" }, "none": null }));
    assert_eq!(server.seller(SELLER).await.denied("createBrand", new("CN")).await, "FORBIDDEN");
}
