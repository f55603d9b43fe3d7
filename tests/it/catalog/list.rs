//! The public list: every filter against brute force, every order walked in pages.

use std::collections::BTreeSet;

use api::{graphql::Gateway, platform::auth::Caller};
use async_graphql::Request;
use entities::values::Locale;
use serde_json::{Value, json};

use crate::support::{Client, TestServer, demo_catalog, published_rug};

const WHAT: &str = "id name slug category { slug path { slug } } brand { id slug } tags availability supplyModes \
    price { amount } usd: price(currency: \"USD\") { amount } \
    variants(first: 100) { nodes { origin hsCode gtin } } offers(first: 100) { nodes { supplyMode leadTimeDays seller { id slug } } }";

/// All products of a list, page by page.
async fn walk(client: &Client, arguments: &str, what: &str, size: usize, backward: bool) -> Vec<Value> {
    let (count, place, flag, edge) = if backward {
        ("last", "before", "hasPreviousPage", "startCursor")
    } else {
        ("first", "after", "hasNextPage", "endCursor")
    };
    let query = format!(
        "query($size: Int, $cursor: String) {{ products({arguments} {count}: $size, {place}: $cursor) {{ nodes {{ {what} }} pageInfo {{ {flag} {edge} }} }} }}"
    );
    let (mut all, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let mut data = client.data(&query, json!({ "size": size, "cursor": cursor })).await;
        let page = data["products"].take();
        let nodes = page["nodes"].as_array().unwrap().clone();
        if backward {
            all.splice(0..0, nodes);
        } else {
            all.extend(nodes);
        }
        if page["pageInfo"][flag] == false {
            return all;
        }
        cursor = page["pageInfo"][edge].clone();
        assert!(all.len() < 5_000, "the list does not end");
    }
}

fn slugs(products: &[Value]) -> Vec<String> {
    products.iter().map(|p| p["slug"].as_str().unwrap().to_owned()).collect()
}

fn any(list: &Value, holds: impl Fn(&Value) -> bool) -> bool {
    list.as_array().unwrap().iter().any(holds)
}

fn amount(money: &Value) -> Option<f64> {
    money["amount"].as_str().map(|a| a.parse().unwrap())
}

/// What must hold for a product that a filter lets through.
type Holds<'a> = Box<dyn Fn(&Value) -> bool + 'a>;

#[tokio::test(flavor = "multi_thread")]
async fn every_filter_finds_what_brute_force_finds() {
    let server = TestServer::start().await;
    demo_catalog(&server).await;
    let client = server.anonymous();
    let all = walk(&client, "", WHAT, 25, false).await;
    assert!(all.len() >= 400, "the demo zone has {} products", all.len());
    let ids = "{ category(by: { slug: \"wine-beverages\" }) { id } brand(by: { slug: \"yuntan\" }) { id } organisation(by: { slug: \"hehuang-carpet\" }) { id } }";
    let ids = client.data(ids, json!({})).await;
    let (category, brand, seller) = (&ids["category"]["id"], &ids["brand"]["id"], &ids["organisation"]["id"]);

    let offers = |p: &Value| p["offers"]["nodes"].clone();
    let cases: Vec<(String, Holds<'_>)> = vec![
        (
            format!("categoryId: {category}"),
            Box::new(|p| any(&p["category"]["path"], |c| c["slug"] == "wine-beverages")),
        ),
        (format!("brandIds: [{brand}]"), Box::new(|p| p["brand"]["id"] == *brand)),
        (format!("sellerIds: [{seller}]"), Box::new(|p| any(&offers(p), |o| o["seller"]["id"] == *seller))),
        (
            "origins: [\"FR\", \"NZ\"]".into(),
            Box::new(|p| any(&p["variants"]["nodes"], |v| v["origin"] == "FR" || v["origin"] == "NZ")),
        ),
        (
            "hsPrefix: \"57\"".into(),
            Box::new(|p| any(&p["variants"]["nodes"], |v| v["hsCode"].as_str().unwrap().starts_with("57"))),
        ),
        (
            "hsPrefix: \"2204210000\"".into(),
            Box::new(|p| any(&p["variants"]["nodes"], |v| v["hsCode"] == "2204210000")),
        ),
        (
            "priceBand: { currency: \"CNY\", minimum: \"100\", maximum: \"300.50\" }".into(),
            Box::new(|p| amount(&p["price"]).is_some_and(|a| (100.0..=300.5).contains(&a))),
        ),
        (
            "priceBand: { currency: \"USD\", maximum: \"9.9\" }".into(),
            Box::new(|p| amount(&p["usd"]).is_some_and(|a| a <= 9.9)),
        ),
        (
            "supplyModes: [DIRECT_IMPORT, DOMESTIC]".into(),
            Box::new(|p| any(&p["supplyModes"], |m| m == "DIRECT_IMPORT" || m == "DOMESTIC")),
        ),
        ("supplyModes: [EXPORT_B2B]".into(), Box::new(|p| any(&p["supplyModes"], |m| m == "EXPORT_B2B"))),
        (
            "tags: [PHOTOVOLTAIC_LITHIUM, NEW_MATERIALS]".into(),
            Box::new(|p| any(&p["tags"], |t| t == "PHOTOVOLTAIC_LITHIUM" || t == "NEW_MATERIALS")),
        ),
        ("availability: [IN_STOCK]".into(), Box::new(|p| p["availability"] == "IN_STOCK")),
        ("availability: [TO_ORDER]".into(), Box::new(|p| p["availability"] == "TO_ORDER")),
        ("availability: [UNAVAILABLE]".into(), Box::new(|p| p["availability"] == "UNAVAILABLE")),
        (
            format!("sellerIds: [{seller}], availability: [IN_STOCK]"),
            Box::new(|p| any(&offers(p), |o| o["seller"]["id"] == *seller && o["leadTimeDays"] == 0)),
        ),
        (
            "tags: [TIBETAN_CARPETS_WOOL], supplyModes: [DOMESTIC], priceBand: { currency: \"CNY\", minimum: \"1\" }"
                .into(),
            Box::new(|p| {
                any(&p["tags"], |t| t == "TIBETAN_CARPETS_WOOL")
                    && any(&p["supplyModes"], |m| m == "DOMESTIC")
                    && !p["price"].is_null()
            }),
        ),
        ("statuses: [DRAFT]".into(), Box::new(|_| false)),
        ("tags: []".into(), Box::new(|_| false)),
    ];
    let mut useful = 0;
    for (filter, holds) in cases {
        let expected: BTreeSet<String> =
            slugs(&all.iter().filter(|p| holds(p)).cloned().collect::<Vec<_>>()).into_iter().collect();
        let found = walk(&client, &format!("filter: {{ {filter} }}"), "slug", 50, false).await;
        let found: BTreeSet<String> = slugs(&found).into_iter().collect();
        assert_eq!(found, expected, "filter {filter}");
        let counted = client.data(&format!("{{ products(filter: {{ {filter} }}) {{ totalCount }} }}"), json!({})).await;
        assert_eq!(counted["products"]["totalCount"], expected.len(), "totalCount of {filter}");
        useful += usize::from(!expected.is_empty() && expected.len() < all.len());
    }
    assert!(useful >= 12, "only {useful} filters choose some products and not others");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_order_is_the_same_walked_forward_backward_and_in_any_page_size() {
    let server = TestServer::start().await;
    demo_catalog(&server).await;
    for (language, order) in [
        ("zh-CN", "field: NEWEST"),
        ("zh-CN", "field: NEWEST, direction: ASC"),
        ("zh-CN", "field: NAME"),
        ("en", "field: NAME"),
        ("en", "field: NAME, direction: DESC"),
        ("en", "field: PRICE"),
        ("en", "field: PRICE, direction: DESC, currency: \"USD\""),
    ] {
        let client = server.anonymous().reading(language);
        let arguments = format!("orderBy: {{ {order} }}");
        let what = "slug name price { amount } usd: price(currency: \"USD\") { amount }";
        let whole = walk(&client, &arguments, what, 100, false).await;
        let unique: BTreeSet<String> = slugs(&whole).into_iter().collect();
        assert_eq!(unique.len(), whole.len(), "{order}: a product comes twice");
        assert_eq!(slugs(&walk(&client, &arguments, "slug", 7, false).await), slugs(&whole), "{order}: forward by 7");
        assert_eq!(slugs(&walk(&client, &arguments, "slug", 13, true).await), slugs(&whole), "{order}: backward by 13");
        let counted = client.data(&format!("{{ products({arguments}) {{ totalCount }} }}"), json!({})).await;
        assert_eq!(counted["products"]["totalCount"], whole.len(), "{order}: totalCount");

        let key = |p: &Value| match order {
            o if o.contains("USD") => amount(&p["usd"]).map(|a| -a),
            o if o.contains("PRICE") => amount(&p["price"]),
            _ => None,
        };
        let sorted = whole.windows(2).all(|w| key(&w[0]) <= key(&w[1]));
        assert!(sorted, "{order} is not in order");
        if order.contains("PRICE") {
            assert!(whole.iter().all(|p| key(p).is_some()), "{order}: a product without a price is listed");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_not_shifted_by_what_comes_in_between() {
    let server = TestServer::start().await;
    for n in 0..4 {
        published_rug(&server, crate::support::SELLER, &format!("old-{n}")).await;
        server.wait(chrono::Duration::seconds(1));
    }
    let client = server.anonymous();
    let query = "query($after: String) { products(first: 2, after: $after) { nodes { slug } pageInfo { endCursor hasNextPage hasPreviousPage } } }";
    let first = client.data(query, json!({})).await["products"].clone();
    assert_eq!(first["nodes"], json!([{ "slug": "rug-old-3" }, { "slug": "rug-old-2" }]));
    published_rug(&server, crate::support::SELLER, "new").await;
    let second = client.data(query, json!({ "after": first["pageInfo"]["endCursor"] })).await["products"].clone();
    assert_eq!(
        second["nodes"],
        json!([{ "slug": "rug-old-1" }, { "slug": "rug-old-0" }]),
        "a new product shifted the page"
    );
    assert_eq!(
        (&second["pageInfo"]["hasNextPage"], &second["pageInfo"]["hasPreviousPage"]),
        (&json!(false), &json!(true))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn page_arguments_and_filters_that_cannot_be_meant_are_bad_input() {
    let server = TestServer::start().await;
    published_rug(&server, crate::support::SELLER, "a").await;
    published_rug(&server, crate::support::SELLER, "b").await;
    let client = server.anonymous();
    let cursor = client.data("{ products(first: 1) { pageInfo { endCursor } } }", json!({})).await;
    let cursor = &cursor["products"]["pageInfo"]["endCursor"];
    for arguments in [
        "first: 101".to_owned(),
        "first: -1".to_owned(),
        "first: 1, last: 1".to_owned(),
        "first: 1, after: \"x\"".to_owned(),
        format!("first: 1, after: {cursor}, orderBy: {{ field: NAME }}"),
        "filter: { hsPrefix: \"5x\" }".to_owned(),
        "filter: { origins: [\"Mars\"] }".to_owned(),
        "filter: { categoryId: \"nothing\" }".to_owned(),
        "filter: { priceBand: { currency: \"XXX\" } }".to_owned(),
        "filter: { priceBand: { currency: \"JPY\", minimum: \"1.5\" } }".to_owned(),
        "orderBy: { field: PRICE, currency: \"Euro\" }".to_owned(),
    ] {
        let code = client.error(&format!("{{ products({arguments}) {{ nodes {{ id }} }} }}"), json!({})).await;
        assert_eq!(code, "BAD_INPUT", "{arguments}");
    }
    assert_eq!(
        client.error("{ products(filter: { mine: true }) { nodes { id } } }", json!({})).await,
        "UNAUTHENTICATED"
    );
    let empty =
        client.data("{ products(first: 0) { nodes { id } totalCount pageInfo { hasNextPage } } }", json!({})).await;
    assert_eq!(empty["products"], json!({ "nodes": [], "totalCount": 2, "pageInfo": { "hasNextPage": true } }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_is_found_by_words_in_either_language_and_by_code() {
    let server = TestServer::start().await;
    demo_catalog(&server).await;
    let client = server.anonymous();
    let coded = client.data("{ products(first: 100, filter: { supplyModes: [BONDED_IMPORT] }) { nodes { slug variants { nodes { gtin } } } } }", json!({})).await;
    let coded = coded["products"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|p| !p["variants"]["nodes"][0]["gtin"].is_null())
        .unwrap()
        .clone();
    let gtin = coded["variants"]["nodes"][0]["gtin"].as_str().unwrap();
    for (text, slug) in [
        ("八吉祥 地毯", "eight-auspicious-knotted-rug"),
        ("auspicious rugs", "eight-auspicious-knotted-rug"),
        (gtin, coded["slug"].as_str().unwrap()),
    ] {
        let data = client
            .data(
                "query($text: String) { products(first: 100, filter: { text: $text }) { nodes { slug } } }",
                json!({ "text": text }),
            )
            .await;
        assert!(any(&data["products"]["nodes"], |p| p["slug"] == slug), "{text} does not find {slug}");
    }
    let none = client.data("{ products(filter: { text: \"zzzzqqqq (:^[{\" }) { totalCount } }", json!({})).await;
    assert_eq!(none["products"]["totalCount"], 0);
    let by_gtin =
        client.data("query($gtin: String!) { product(by: { gtin: $gtin }) { slug } }", json!({ "gtin": gtin })).await;
    assert_eq!(by_gtin["product"]["slug"], coded["slug"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_is_fresh_after_every_write() {
    let server = TestServer::start().await;
    let client = server.anonymous();
    for n in 0..3 {
        let data = client.data("{ products { totalCount } }", json!({})).await;
        assert_eq!(data["products"]["totalCount"], n, "a kept count outlived a write");
        published_rug(&server, crate::support::SELLER, &format!("n{n}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_on_one_node_is_fresh_on_another_when_they_share_redis() {
    let server = TestServer::start().await;
    let second = Gateway::new(server.second_node().await);
    let count = async || {
        let mut request = Request::new("{ products { totalCount } }");
        let operation = Gateway::prepare(&mut request).unwrap();
        let response = second.execute(request, &operation, Caller::anonymous(None), Locale::en()).await;
        response.data.into_json().unwrap()["products"]["totalCount"].as_i64().unwrap()
    };
    assert_eq!(count().await, 0);
    published_rug(&server, crate::support::SELLER, "a").await;
    // Alone, a node keeps what it knows for up to a minute; with Redis it hears of the write.
    let shared = std::env::var_os("CHAMA_TEST_REDIS_URL").is_some();
    assert_eq!(count().await, i64::from(shared));
}
