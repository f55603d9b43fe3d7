//! Searches as the schema shows them.

use serde_json::{Value, json};

use crate::support::{OTHER_SELLER, SELLER, TestServer, demo_catalog, leaf, offered, published_rug, rug};

const SEARCH: &str = "query($query: String, $filter: SearchFilter, $facets: [SearchFacet!], $sort: SearchSort, \
    $first: Int, $after: String) { search(query: $query, filter: $filter, facets: $facets, sort: $sort, first: $first, \
    after: $after) { totalCount didYouMean pageInfo { hasNextPage hasPreviousPage endCursor } \
    edges { cursor node { __typename ... on Product { slug name price { amount } } ... on Organisation { slug } ... on Brand { slug } \
    ... on Category { slug } } highlights { field locale fragments { text hit } } } \
    facets { field values { value label count chosen } } } }";

fn slugs(answer: &Value) -> Vec<&str> {
    answer["search"]["edges"].as_array().unwrap().iter().map(|e| e["node"]["slug"].as_str().unwrap()).collect()
}

fn facet<'a>(answer: &'a Value, field: &str) -> &'a Vec<Value> {
    let facets = answer["search"]["facets"].as_array().unwrap();
    facets.iter().find(|f| f["field"] == field).expect("the facet")["values"].as_array().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn buyers_search_in_chinese_pinyin_and_english() {
    let server = TestServer::start().await;
    demo_catalog(&server).await;
    let client = server.anonymous();
    let ask = async |variables: Value| client.data(SEARCH, variables).await;

    let answer =
        ask(json!({ "query": "goji", "facets": ["CATEGORY", "ORIGIN", "SELLER", "AVAILABILITY"], "first": 5 })).await;
    let total = answer["search"]["totalCount"].as_u64().unwrap();
    assert!(total > 5 && slugs(&answer)[0].contains("goji"), "{answer:#}");
    assert!(!facet(&answer, "CATEGORY").is_empty() && facet(&answer, "CATEGORY")[0]["label"].is_string());
    assert!(facet(&answer, "ORIGIN")[0]["count"].as_u64().unwrap() <= total);

    // A choice narrows the finds and leaves its own facet as it was.
    let chosen = facet(&answer, "CATEGORY")[1].clone();
    let narrowed = ask(
        json!({ "query": "goji", "facets": ["CATEGORY", "ORIGIN"], "filter": { "categoryIds": [chosen["value"]] } }),
    )
    .await;
    assert_eq!(narrowed["search"]["totalCount"], chosen["count"], "the count of a value is not what choosing it finds");
    let again = facet(&narrowed, "CATEGORY");
    assert_eq!(again.len(), facet(&answer, "CATEGORY").len(), "the other choices are gone");
    assert_eq!(again.iter().filter(|v| v["chosen"] == true).count(), 1);

    // Pages go on where the last ended and end together with the finds.
    let mut seen = Vec::new();
    let mut after = Value::Null;
    loop {
        let page = ask(json!({ "query": "goji", "first": 7, "after": after })).await;
        seen.extend(slugs(&page).into_iter().map(str::to_owned));
        after = page["search"]["pageInfo"]["endCursor"].clone();
        if page["search"]["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(seen.len() as u64, total);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len() as u64, total, "a find comes twice");

    let marked = ask(json!({ "query": "羊絨披肩", "first": 1 })).await;
    let hits: Vec<&Value> = marked["search"]["edges"][0]["highlights"].as_array().unwrap().iter().collect();
    let name = hits.iter().find(|h| h["field"] == "NAME" && h["locale"] == "zh-CN").expect("a highlight of the name");
    assert!(
        name["fragments"]
            .as_array()
            .unwrap()
            .iter()
            .any(|f| f["hit"] == true && f["text"].as_str().unwrap().contains("绒")),
        "{name:#}"
    );
    let typo = ask(json!({ "query": "cashmire stoel" })).await;
    assert_eq!(typo["search"]["didYouMean"], "cashmere stole");
    assert!(ask(json!({ "query": "cashmere" })).await["search"]["didYouMean"].is_null());

    let cheap =
        ask(json!({ "query": "茶", "sort": { "field": "PRICE" }, "first": 10, "filter": { "kinds": ["PRODUCT"] } }))
            .await;
    let prices: Vec<f64> = cheap["search"]["edges"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|e| e["node"]["price"]["amount"].as_str())
        .map(|a| a.parse().unwrap())
        .collect();
    assert!(prices.len() > 3 && prices.is_sorted(), "{prices:?}");
    let band = json!({ "priceBand": { "currency": "CNY", "minimum": "100", "maximum": "200" }, "kinds": ["PRODUCT"] });
    let banded = ask(json!({ "query": "茶", "filter": band, "first": 50 })).await;
    for edge in banded["search"]["edges"].as_array().unwrap() {
        let amount: f64 = edge["node"]["price"]["amount"].as_str().unwrap().parse().unwrap();
        assert!((100.0..=200.0).contains(&amount), "{edge:#}");
    }

    let suggested = client
        .data("{ suggest(text: \"gouq\", first: 5) { text kind node { __typename } } all: suggest(text: \"hehuang\") { text kind } }", json!({}))
        .await;
    assert!(!suggested["suggest"].as_array().unwrap().is_empty(), "gouq is on its way to 枸杞");
    let kinds: Vec<&str> = suggested["all"].as_array().unwrap().iter().map(|s| s["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"ORGANISATION"), "{suggested:#}");

    for (variables, code) in [
        (json!({ "first": 101 }), "BAD_INPUT"),
        (json!({ "after": "nonsense" }), "BAD_INPUT"),
        (json!({ "filter": { "hsPrefixes": ["123"] } }), "BAD_INPUT"),
        (json!({ "filter": { "categoryIds": ["x"] } }), "BAD_INPUT"),
    ] {
        assert_eq!(client.error(SEARCH, variables.clone()).await, code, "{variables}");
    }
    assert_eq!(client.error("{ suggest(text: \"a\", first: 21) { text } }", json!({})).await, "BAD_INPUT");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_finds_what_it_may_not_see() {
    let server = TestServer::start().await;
    let (owner, other) = (server.seller(SELLER).await, server.seller(OTHER_SELLER).await);
    let content = rug("hidden-quasar", &leaf(&owner).await);
    owner.done("createProduct", "product { id }", json!({ "content": content })).await;
    server.settled().await;
    let drafts = json!({ "query": "quasar", "filter": { "statuses": ["DRAFT", "PUBLISHED"], "kinds": ["PRODUCT"] }, "facets": ["CATEGORY"] });
    for (who, client, finds) in [
        ("a stranger", server.anonymous(), 0),
        ("another seller", other.clone(), 0),
        ("a consumer", server.consumer(1).await, 0),
        ("its owner", owner.clone(), 1),
        ("an operator", server.operator().await, 1),
    ] {
        let found = client.data(SEARCH, drafts.clone()).await;
        assert_eq!(found["search"]["totalCount"], finds, "{who} finds the wrong number");
        assert_eq!(slugs(&found).len(), finds, "{who} is shown the wrong number");
        assert_eq!(facet(&found, "CATEGORY").is_empty(), finds == 0, "a facet tells {who} of a draft");
        // Without a word about states it is as for everyone.
        let public = client.data(SEARCH, json!({ "query": "quasar" })).await;
        assert_eq!(public["search"]["totalCount"], 0, "{who}");
        assert_eq!(
            client.data("{ suggest(text: \"quasar\") { text } }", json!({})).await["suggest"],
            json!([]),
            "{who}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_found_within_a_second() {
    let server = TestServer::start().await;
    let product = published_rug(&server, SELLER, "pulsar").await;
    offered(&server, SELLER, &product, "PULSAR-7", "70.00").await;
    let client = server.anonymous();
    let begun = std::time::Instant::now();
    loop {
        let found = client.data(SEARCH, json!({ "query": "PULSAR-7" })).await;
        if found["search"]["totalCount"] == 1 && found["search"]["edges"][0]["node"]["price"]["amount"] == "70.00" {
            break;
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(1), "not found after a second: {found:#}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_answers_when_the_index_is_away() {
    // No worker: nothing brings the index back.
    let server = TestServer::with(&[("CHAMA_JOBS_WORKERS", "0")]).await;
    let product = published_rug(&server, SELLER, "nova").await;
    offered(&server, SELLER, &product, "NOVA-7", "70.00").await;
    let _ = std::fs::remove_dir_all(server.data_dir().join("search"));
    // Whether it is there is looked at ten times a second.
    tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    let client = server.anonymous();
    for text in ["nova", "藏毯", "NOVA-7", "zangtan", "5701", "rugs nova"] {
        let found = client
            .data(SEARCH, json!({ "query": text, "facets": ["ORIGIN"], "filter": { "kinds": ["PRODUCT"] } }))
            .await;
        assert_eq!(slugs(&found), ["rug-nova"], "{text}");
        assert_eq!(facet(&found, "ORIGIN")[0]["count"], 1);
    }
    let listed = client.data("{ products(filter: { text: \"nova\" }) { nodes { slug } } }", json!({})).await;
    assert_eq!(listed["products"]["nodes"][0]["slug"], "rug-nova");
    let none = client.data(SEARCH, json!({ "query": "50%_" })).await;
    assert_eq!(none["search"]["totalCount"], 0, "a wildcard finds everything");
    let suggested = client.data("{ suggest(text: \"河湟\") { kind } }", json!({})).await;
    assert!(!suggested["suggest"].as_array().unwrap().is_empty());
    let state: Value = server.http().get(format!("{}/readyz", server.url)).send().await.unwrap().json().await.unwrap();
    assert_eq!((state["status"].as_str(), state["search"].as_str()), (Some("degraded"), Some("being built")));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_index_synonyms_and_categories_are_found_too() {
    let server = TestServer::with(&[("CHAMA_JOBS_WORKERS", "0")]).await;
    let file = server.data_dir().join("catalog.csv");
    std::fs::write(&file, api::zone::DEMO_CATALOG).unwrap();
    crate::support::imported(&server, &file, false).await;
    let _ = std::fs::remove_dir_all(server.data_dir().join("search"));
    tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    let client = server.anonymous();
    // No product is called 藏毯: its synonyms are, and the category above them.
    for text in ["藏毯", "zangtan", "carpet", "地毯"] {
        let found = client.data(SEARCH, json!({ "query": text, "filter": { "kinds": ["PRODUCT"] } })).await;
        assert!(found["search"]["totalCount"].as_i64().unwrap() > 0, "{text} finds nothing while the index is away");
    }
}
