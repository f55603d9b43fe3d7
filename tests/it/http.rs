//! GraphQL over HTTP, and the pages around it.

use std::fmt::Write;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{SELLER, TestServer, published_rug};

const RESPONSE: &str = "application/graphql-response+json";

async fn post(
    server: &TestServer,
    content_type: Option<&str>,
    accept: Option<&str>,
    body: impl Into<reqwest::Body>,
) -> (StatusCode, String, Value) {
    let mut request = server.http().post(format!("{}/graphql", server.url)).body(body.into());
    if let Some(kind) = content_type {
        request = request.header("content-type", kind);
    }
    if let Some(accept) = accept {
        request = request.header("accept", accept);
    }
    let response = request.send().await.unwrap();
    let kind = response.headers().get("content-type").map(|k| k.to_str().unwrap().to_owned()).unwrap_or_default();
    (response.status(), kind, response.json().await.unwrap_or(Value::Null))
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_none_are_refused_with_the_right_status() {
    let server = TestServer::start().await;
    let query = json!({ "query": "{ __typename }" }).to_string();
    let json = Some("application/json");
    let huge = json!({ "query": format!("{{ __typename }} #{}", "x".repeat(2_000_000)) }).to_string();
    for (name, kind, body, status) in [
        ("plain text", Some("text/plain"), query.clone(), 415),
        ("a form", Some("application/x-www-form-urlencoded"), "query={__typename}".into(), 415),
        ("no content type", None, query.clone(), 415),
        ("a batch", json, format!("[{query},{query}]"), 400),
        ("a list of texts", json, "[\"{__typename}\"]".into(), 400),
        ("no query", json, "{}".into(), 400),
        ("no text as query", json, "{\"query\":1}".into(), 400),
        ("cut off", json, "{\"query\":\"{ __ty".into(), 400),
        ("two megabytes", json, huge, 413),
        ("with a charset", Some("application/json; charset=utf-8"), query.clone(), 200),
    ] {
        let (got, _, body) = post(&server, kind, None, body).await;
        assert_eq!(got.as_u16(), status, "{name}");
        assert_eq!(body.get("errors").is_some(), status != 200, "{name}: {body}");
        assert!(status == 200 || body["errors"][0]["extensions"]["requestId"].is_string(), "{name}: {body}");
    }
    let (status, _, _) = post(&server, json, None, vec![b'{', 0xff, 0xfe, b'}']).await;
    assert_eq!(status, 400, "invalid UTF-8");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_media_type_decides_the_status_of_what_was_not_executed() {
    let server = TestServer::start().await;
    for (query, executed) in [
        ("{ __typename }", true),
        ("{ nothing }", false),
        ("{ products(first: 101) { nodes { id } } }", true),
        ("{", false),
    ] {
        let body = json!({ "query": query }).to_string();
        let (status, kind, _) = post(&server, Some("application/json"), Some("application/json"), body.clone()).await;
        assert_eq!((status.as_u16(), kind.as_str()), (200, "application/json; charset=utf-8"), "{query}");
        let (status, kind, response) =
            post(&server, Some("application/json"), Some(&format!("{RESPONSE}, application/json;q=0.9")), body).await;
        assert_eq!(status.as_u16(), if executed { 200 } else { 400 }, "{query}");
        assert!(kind.starts_with(RESPONSE));
        assert_eq!(response.get("data").is_some(), executed, "{query}: data without execution");
    }
    let body = json!({ "query": "{ __typename }" }).to_string();
    let (_, kind, _) = post(&server, Some("application/json"), Some(&format!("{RESPONSE};q=0, */*")), body).await;
    assert!(kind.starts_with("application/json"));
}

#[tokio::test(flavor = "multi_thread")]
async fn get_is_for_queries() {
    let server = TestServer::start().await;
    let get = |parameters: &[(&str, &str)]| {
        let request = server.http().get(format!("{}/graphql", server.url)).query(parameters);
        async move {
            let response = request.send().await.unwrap();
            (response.status().as_u16(), response.json::<Value>().await.unwrap())
        }
    };
    let (status, body) = get(&[
        ("query", "query Q($n: Int) { products(first: $n) { nodes { id } } }"),
        ("variables", "{\"n\":1}"),
        ("operationName", "Q"),
    ])
    .await;
    assert_eq!((status, &body["data"]["products"]["nodes"]), (200, &json!([])));
    let (status, body) = get(&[("query", "mutation { createBrand(input: { name: [] }) { clientMutationId } }")]).await;
    assert_eq!(
        (status, &body["errors"][0]["extensions"]["code"]),
        (405, &json!("BAD_INPUT")),
        "a link changes something"
    );
    let two = "query Q { __typename } mutation M { createBrand(input: { name: [] }) { clientMutationId } }";
    assert_eq!(get(&[("query", two), ("operationName", "M")]).await.0, 405);
    assert_eq!(get(&[("query", two), ("operationName", "Q")]).await.0, 200);
    assert_eq!(get(&[("query", "{ __typename }"), ("variables", "{")]).await.0, 400);
    assert_eq!(get(&[("operationName", "Q")]).await.0, 400);
    let put = server.http().request(Method::PUT, format!("{}/graphql", server.url)).send().await.unwrap();
    assert_eq!(put.status(), 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_document_is_refused_before_it_costs() {
    let server = TestServer::start().await;
    let mut bomb = String::from("{ ...f0 }");
    for n in 0..31 {
        write!(bomb, " fragment f{n} on Query {{ ...f{m} ...f{m} }}", m = n + 1).unwrap();
    }
    let deep = format!("{{ categories {{ nodes {{ {} id {} }} }} }}", "parent { ".repeat(40), "} ".repeat(40));
    for (name, query, code) in [
        ("a bomb without its end", bomb.clone(), "BUDGET_EXCEEDED"),
        ("a bomb", format!("{bomb} fragment f31 on Query {{ __typename }}"), "BUDGET_EXCEEDED"),
        ("a cycle", "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }".into(), "BUDGET_EXCEEDED"),
        ("ten thousand aliases", format!("{{ {} }}", (0..10_000).map(|n| format!("a{n}: __typename")).collect::<Vec<_>>().join(" ")), "BUDGET_EXCEEDED"),
        ("forty levels", deep, "BUDGET_EXCEEDED"),
        ("lists in lists in lists", "{ products(first: 100) { nodes { variants(first: 100) { nodes { offers(first: 100) { nodes { id } } } } } } }".into(), "BUDGET_EXCEEDED"),
        ("a thousand values", format!("{{ products(filter: {{ availability: [{}] }}) {{ totalCount }} }}", "IN_STOCK ".repeat(1_000)), "BAD_INPUT"),
        ("a cost that overflows", format!("{{ categories(first:100) {{ nodes {{ {} id {} }} }} }}", "children(first:100) { nodes { ".repeat(7), "} } ".repeat(7)), "BUDGET_EXCEEDED"),
    ] {
        let before = std::time::Instant::now();
        assert_eq!(server.anonymous().error(&query, json!({})).await, code, "{name}");
        assert!(before.elapsed() < std::time::Duration::from_secs(2), "{name} takes {:?}", before.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_named_and_its_fields_come_in_order() {
    let server = TestServer::start().await;
    published_rug(&server, SELLER, "a").await;
    let send = |id: &'static str| {
        let body = json!({ "query": "{ products { edges { node { price { amount } category { slug } name brand { name } slug } } totalCount } b: __typename a: __typename }" });
        let request = server
            .http()
            .post(format!("{}/graphql", server.url))
            .header("accept-language", "en")
            .header("x-request-id", id)
            .json(&body);
        async move {
            let response = request.send().await.unwrap();
            (response.headers()["x-request-id"].to_str().unwrap().to_owned(), response.text().await.unwrap())
        }
    };
    let (id, body) = send("order-7").await;
    assert_eq!(id, "order-7");
    let expected = r#"{"data":{"products":{"edges":[{"node":{"price":null,"category":{"slug":"knotted-area-rugs"},"name":"Rug a","brand":null,"slug":"rug-a"}}],"totalCount":1},"b":"Query","a":"Query"},"extensions":{"cacheControl":{"maxAge":0,"scope":"PUBLIC"}}}"#;
    assert_eq!(body, expected);
    let (id, _) = send("not a decent id").await;
    assert_ne!(id, "not a decent id");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_are_served_from_this_server_alone() {
    let server = TestServer::start().await;
    let get = |path: &str| {
        let request = server.http().get(format!("{}{path}", server.url)).send();
        async move {
            let response = request.await.unwrap();
            (response.status().as_u16(), response.text().await.unwrap_or_default())
        }
    };
    let (status, page) = get("/").await;
    assert_eq!(status, 200);
    assert!(!page.contains("http://") && !page.contains("https://"), "the page needs another server");
    for asset in page.split('"').filter(|part| part.starts_with("/assets/")) {
        assert_eq!(get(asset).await.0, 200, "{asset}");
    }
    assert_eq!(get("/healthz").await, (200, "alive\n".into()));
    let (status, ready) = get("/readyz").await;
    assert_eq!(status, 200);
    let ready: Value = serde_json::from_str(&ready).unwrap();
    assert_eq!((&ready["status"], &ready["database"], &ready["search"]), (&json!("ready"), &json!("ok"), &json!("ok")));

    std::fs::create_dir_all(server.data_dir().join("media")).unwrap();
    std::fs::write(server.data_dir().join("media/rug.svg"), "<svg/>").unwrap();
    assert_eq!(get("/media/rug.svg").await, (200, "<svg/>".into()));
    for path in [
        "/media/..%2fdevelopment.key",
        "/media/%2e%2e%2fchama.sqlite",
        "/media/development.key",
        "/media/none.svg",
        "/nothing",
        "/bench/static?bytes=3",
    ] {
        assert_eq!(get(path).await.0, 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_filler_of_the_bench_is_there_where_it_is_switched_on() {
    let server = TestServer::with(&[("CHAMA_SERVER_BENCH", "true")]).await;
    for (asked, bytes) in [("0", 0), ("3000", 3_000), ("99999999", 1 << 20)] {
        let filler = server.http().get(format!("{}/bench/static?bytes={asked}", server.url)).send().await.unwrap();
        assert_eq!((filler.status(), filler.content_length()), (StatusCode::OK, Some(bytes)), "{asked}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_of_the_page_answer_without_errors() {
    let server = TestServer::start().await;
    crate::support::demo_catalog(&server).await;
    let script =
        server.http().get(format!("{}/assets/start.js", server.url)).send().await.unwrap().text().await.unwrap();
    let examples: Vec<&str> = script.split("query: `").skip(1).map(|rest| rest.split('`').next().unwrap()).collect();
    assert_eq!(examples.len(), 6);
    for example in examples {
        let data = server.anonymous().data(example, json!({})).await;
        assert!(!data.to_string().contains("\"nodes\":[]"), "an example shows nothing: {example}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn losing_redis_and_meilisearch_costs_speed_but_no_page() {
    let away = [("CHAMA_REDIS_URL", "redis://127.0.0.1:9/0"), ("CHAMA_MEILISEARCH_URL", "http://127.0.0.1:9")];
    let server = TestServer::with(&away).await;
    let begun = std::time::Instant::now();
    published_rug(&server, SELLER, "a").await;
    let client = server.anonymous();
    assert_eq!(client.data("{ products { totalCount } }", json!({})).await["products"]["totalCount"], 1);
    assert!(
        begun.elapsed() < std::time::Duration::from_secs(5),
        "every request waits for Redis: {:?}",
        begun.elapsed()
    );
    let found = client
        .data("{ products(filter: { text: \"rug\" }) { totalCount } search(query: \"rug\", filter: { kinds: [PRODUCT] }) { totalCount } }", json!({}))
        .await;
    assert_eq!((&found["products"]["totalCount"], &found["search"]["totalCount"]), (&json!(1), &json!(1)));
    let ready = server.http().get(format!("{}/readyz", server.url)).send().await.unwrap();
    assert_eq!(ready.status(), 200, "a node without its cache is taken out of service");
    let ready: Value = ready.json().await.unwrap();
    assert_eq!(
        (&ready["status"], &ready["cache"], &ready["search"]),
        (&json!("degraded"), &json!("away"), &json!("away"))
    );
}
