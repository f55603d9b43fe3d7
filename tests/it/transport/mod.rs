//! The transports, by their specifications: what HTTP requests may be, and what becomes of variables. web sockets,
//! server-sent events, attacks and limits have files of their own.

mod attacks;
mod limits;
mod sse;
mod websocket;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{SELLER, TestServer, published_rug};

pub const JSON: &str = "application/json";
pub const RESPONSE: &str = "application/graphql-response+json";
/// The query that tools send.
pub const INTROSPECTION: &str = include_str!("../../../api/src/graphql/introspection.graphql");

/// An answer: status, media type, body.
pub struct Answer {
    pub status: StatusCode,
    pub kind: String,
    pub body: Value,
}

impl Answer {
    async fn of(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let kind = response.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        Self {
            status: response.status(),
            kind: kind.unwrap_or_default(),
            body: response.json().await.unwrap_or(Value::Null),
        }
    }

    /// The code of the first error.
    pub fn code(&self) -> &str {
        self.body["errors"][0]["extensions"]["code"].as_str().unwrap_or("none")
    }
}

/// Posts something as JSON.
pub async fn post(server: &TestServer, accept: Option<&str>, body: impl Into<reqwest::Body>) -> Answer {
    let mut request = server.http().post(format!("{}/graphql", server.url)).header("content-type", JSON);
    if let Some(accept) = accept {
        request = request.header("accept", accept);
    }
    Answer::of(request.body(body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_media_type_is_the_one_that_is_liked_best() {
    let server = TestServer::start().await;
    let query = json!({ "query": "{ __typename }" }).to_string();
    for (accept, status, kind) in [
        (None, 200, JSON),
        (Some("*/*"), 200, JSON),
        (Some("application/*"), 200, JSON),
        (Some(JSON), 200, JSON),
        (Some(RESPONSE), 200, RESPONSE),
        (Some("application/graphql-response+json;q=0.1, application/json"), 200, JSON),
        (Some("text/html,application/xhtml+xml,*/*;q=0.8"), 200, JSON),
        (Some("text/html"), 406, JSON),
        (Some("application/json;q=0"), 406, JSON),
    ] {
        let answer = post(&server, accept, query.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.kind), (status, format!("{kind}; charset=utf-8")), "{accept:?}");
        assert_eq!(answer.body.get("data").is_some(), status == 200, "{accept:?}");
    }
    for (kind, status) in [("application/json; charset=UTF-8", 200), ("application/json; charset=latin1", 415)] {
        let request = server.http().post(format!("{}/graphql", server.url)).header("content-type", kind);
        assert_eq!(Answer::of(request.body(query.clone())).await.status.as_u16(), status, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_are_what_the_specification_says() {
    let server = TestServer::start().await;
    for wrong in [
        json!({ "query": {} }),
        json!({ "query": 0 }),
        json!({ "query": false }),
        json!({ "query": ["{ __typename }"] }),
        json!({ "query": null }),
        json!({ "query": "{ __typename }", "operationName": {} }),
        json!({ "query": "{ __typename }", "operationName": 0 }),
        json!({ "query": "{ __typename }", "operationName": [] }),
        json!({ "query": "{ __typename }", "variables": "string" }),
        json!({ "query": "{ __typename }", "variables": 0 }),
        json!({ "query": "{ __typename }", "variables": false }),
        json!({ "query": "{ __typename }", "variables": [] }),
        json!({ "query": "{ __typename }", "extensions": "string" }),
        json!({ "query": "{ __typename }", "extensions": 0 }),
        json!({ "query": "{ __typename }", "extensions": [] }),
    ] {
        for accept in [None, Some(JSON), Some(RESPONSE)] {
            let answer = post(&server, accept, wrong.to_string()).await;
            assert_eq!((answer.status.as_u16(), answer.code()), (400, "BAD_INPUT"), "{wrong} as {accept:?}");
            assert!(answer.body.get("data").is_none(), "{wrong}");
        }
    }
    let nothing = json!({
        "query": "{ __typename }", "operationName": null, "variables": null, "extensions": null, "somethingNew": [1],
    });
    assert_eq!(post(&server, Some(RESPONSE), nothing.to_string()).await.body["data"], json!({ "__typename": "Query" }));
    let cut: Vec<u8> = [b"{\"query\":\"{ __typename } #".as_slice(), &[0xff, 0xfe], b"\"}"].concat();
    assert_eq!(post(&server, None, cut).await.status.as_u16(), 400, "invalid UTF-8");
    let address = format!("{}/graphql", server.url);
    for (parameters, status) in [
        (vec![("query", "{ __typename }"), ("operationName", ""), ("variables", ""), ("extensions", "")], 200),
        (vec![("query", "{ __typename }"), ("variables", "[]")], 400),
        (vec![("query", "{ __typename }"), ("extensions", "7")], 400),
        (vec![("query", "{ __typename }"), ("query", "{ __typename }")], 400),
    ] {
        let answer = Answer::of(server.http().get(&address).query(&parameters)).await;
        assert_eq!(answer.status.as_u16(), status, "{parameters:?}");
    }
    let put = server.http().put(&address).send().await.unwrap();
    assert_eq!((put.status().as_u16(), put.headers()["allow"].to_str().unwrap()), (405, "GET, HEAD, POST"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variable_that_cannot_be_used_is_refused_before_anything_is_done() {
    let server = TestServer::start().await;
    let operator = server.operator().await;
    let document = "mutation($name: [TranslationInput!]!, $other: [TranslationInput!]!) { \
                    createBrand(input: { name: $name }) { brand { id } } \
                    other: createBrand(input: { name: $other }) { brand { id } } }";
    let name = json!([{ "locale": "en", "text": "Unheard Of" }]);
    for variables in [json!({ "name": name }), json!({ "name": name, "other": null })] {
        let response = operator.response(document, variables).await;
        assert_eq!(response["errors"][0]["extensions"]["code"], "BAD_INPUT");
        assert!(response.get("data").is_none(), "a request error has no data: {response}");
    }
    let brands = server.anonymous().data("{ brands { nodes { slug } } }", json!({})).await;
    assert!(!brands.to_string().contains("unheard-of"), "the first of two was done: {brands}");
    let counted = json!({ "query": "query($n: Int!) { products(first: $n) { totalCount } }" });
    for variables in [json!({}), json!({ "n": null }), json!({ "n": "7" }), json!({ "n": [7] })] {
        let mut request = counted.clone();
        request["variables"] = variables.clone();
        let answer = post(&server, Some(RESPONSE), request.to_string()).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, "BAD_INPUT"), "{variables}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variable_that_was_left_out_changes_nothing_and_null_takes_away() {
    let server = TestServer::start().await;
    let owner = server.seller(SELLER).await;
    let brand =
        owner.data("{ brands(first: 1) { nodes { id } } }", json!({})).await["brands"]["nodes"][0]["id"].clone();
    let category = crate::support::leaf(&owner).await;
    let mut content = crate::support::rug("left", &category);
    content["brandId"] = brand.clone();
    let made = owner.done("createProduct", "product { id version }", json!({ "content": content })).await;
    let document = "mutation($id: ID!, $version: Int!, $slug: String, $brand: ID) { \
                    updateProduct(input: { id: $id, expectedVersion: $version, content: { slug: $slug, brandId: $brand } }) \
                    { product { version slug brand { id } } userErrors { code } } }";
    let change = async |version: i64, more: Value| {
        let mut variables = json!({ "id": made["product"]["id"], "version": version });
        variables.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        owner.data(document, variables).await["updateProduct"]["product"].clone()
    };
    let renamed = change(1, json!({ "slug": "left-rug" })).await;
    assert_eq!((&renamed["slug"], &renamed["brand"]["id"]), (&json!("left-rug"), &brand), "the brand was left out");
    let version = renamed["version"].as_i64().unwrap();
    let cleared = change(version, json!({ "brand": null })).await;
    assert_eq!((&cleared["slug"], &cleared["brand"]), (&json!("left-rug"), &Value::Null), "the brand was null");

    // What is validated is the document as it was sent.
    for wrong in ["query($n: Int) { products(nothing: $n) { totalCount } }", "query($n: Int) { __typename }"] {
        assert_eq!(server.anonymous().error(wrong, json!({})).await, "BAD_INPUT", "{wrong}");
    }
    let good = "query($n: Int, $after: String, $parent: ID) { products(first: $n, after: $after) { totalCount } ...c } \
                fragment c on Query { categories(parentId: $parent) { pageInfo { hasNextPage } } }";
    assert!(server.anonymous().data(good, json!({})).await["categories"].is_object());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_is_told_what_an_operation_costs() {
    let server = TestServer::start().await;
    published_rug(&server, SELLER, "a").await;
    let query = json!({ "query": "{ products(first: 3) { nodes { id } } }" });
    let ask =
        |cost: &str| server.http().post(format!("{}/graphql", server.url)).json(&query).header("x-chama-cost", cost);
    assert_eq!(Answer::of(ask("1")).await.body["extensions"], json!({ "cost": 3 * 2 + 10 }));
    for other in [Answer::of(ask("0")).await, post(&server, None, query.to_string()).await] {
        assert_eq!(other.body["extensions"].get("cost"), None, "a cost is told without having been asked");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_is_shown_to_whom_the_settings_say() {
    for (setting, anonymous, seller, operator) in
        [("open", true, true, true), ("staff", false, false, true), ("off", false, false, false)]
    {
        let server = TestServer::with(&[("CHAMA_SERVER_INTROSPECTION", setting)]).await;
        let clients = [
            (server.anonymous(), anonymous),
            (server.seller(SELLER).await, seller),
            (server.operator().await, operator),
        ];
        for (client, shown) in clients {
            let response = client.response(INTROSPECTION, json!({})).await;
            assert_eq!(response["data"]["__schema"]["types"].is_array(), shown, "{setting}");
            let typename = client.response("{ __typename }", json!({})).await;
            assert_eq!(typename["data"]["__typename"], "Query", "{setting}");
            if !shown {
                assert_eq!(response["errors"][0]["extensions"]["code"], "FORBIDDEN", "{setting}");
            }
        }
    }
}
