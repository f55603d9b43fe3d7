//! Server-sent events, by the "distinct connections mode" of graphql-sse.

use chrono::Duration;
use serde_json::{Value, json};

use super::RESPONSE;
use crate::support::{Events, SELLER, TestServer, published_rug};

const WATCH: &str = "subscription($id: ID!) { productUpdated(id: $id) { name version } }";

async fn posted(server: &TestServer, token: Option<&str>, query: &str, variables: Value) -> Events {
    let mut request = server.http().post(format!("{}/graphql", server.url)).header("accept", "text/event-stream");
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let body = json!({ "query": query, "variables": variables });
    Events::of(request.header("accept-language", "en").json(&body).send().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_one_event_and_then_complete() {
    let server = TestServer::start().await;
    let by_address = server.http().get(format!("{}/graphql", server.url)).query(&[("query", "{ __typename }")]);
    let by_address = Events::of(by_address.header("accept", "text/event-stream").send().await.unwrap());
    for mut events in [posted(&server, None, "{ __typename }", json!({})).await, by_address] {
        assert_eq!(events.response.status(), 200);
        let headers = events.response.headers();
        assert_eq!(headers["content-type"], "text/event-stream; charset=utf-8");
        assert_eq!(headers["cache-control"], "no-cache");
        assert_eq!(events.block().await.unwrap(), ":", "the connection is not seen to be open");
        assert_eq!(events.block().await.unwrap(), "event: next\ndata: {\"data\":{\"__typename\":\"Query\"}}");
        assert_eq!(events.block().await.unwrap(), "event: complete\ndata:", "EventSource needs the empty line of data");
        assert!(events.block().await.is_none(), "the answer goes on after its end");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_malformed_is_no_stream_and_what_is_not_valid_is() {
    let server = TestServer::start().await;
    for (query, status, code) in [
        ("{", 400, "BAD_INPUT"),
        ("query($n: Int!) { __typename }", 400, "BAD_INPUT"),
        ("subscription { a: __typename b: __typename }", 400, "BAD_INPUT"),
        ("subscription { ...f } fragment f on Subscription { productUpdated(id: \"x\") { id } }", 400, "BAD_INPUT"),
    ] {
        let events = posted(&server, None, query, json!({})).await;
        assert_eq!(events.response.status(), status, "{query}");
        assert!(!events.open(), "{query}");
        let body: Value = events.response.json().await.unwrap();
        assert_eq!(body["errors"][0]["extensions"]["code"], code, "{query}");
    }
    assert_eq!(posted(&server, Some("nonsense"), "{ __typename }", json!({})).await.response.status(), 401);
    let change = [("query", "mutation { endSession(input: {}) { clientMutationId } }")];
    let change = server.http().get(format!("{}/graphql", server.url)).query(&change);
    assert_eq!(change.header("accept", "text/event-stream").send().await.unwrap().status(), 405);

    let mut events = posted(&server, None, "{ nothing }", json!({})).await;
    let (kind, data) = events.next().await.unwrap();
    let data: Value = serde_json::from_str(&data).unwrap();
    assert_eq!((kind.as_str(), &data["errors"][0]["extensions"]["code"]), ("next", &json!("BAD_INPUT")));
    assert!(data.get("data").is_none() && data["errors"][0]["extensions"]["requestId"].is_string());
    assert_eq!(events.next().await.unwrap(), ("complete".into(), String::new()));

    for accept in ["application/json", RESPONSE] {
        let body = json!({ "query": WATCH, "variables": { "id": "x" } });
        let request = server.http().post(format!("{}/graphql", server.url)).header("accept", accept).json(&body);
        let response: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(response["errors"][0]["extensions"]["code"], "BAD_INPUT", "a subscription as {accept}");
        assert!(response.get("data").is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_goes_on_until_its_token_has_run_out() {
    let server = TestServer::start().await;
    let product = published_rug(&server, SELLER, "a").await;
    let tokens = server.sign_in(&format!("owner@{SELLER}.demo.chama.example"), Some(SELLER)).await;
    let token = tokens["accessToken"].as_str().unwrap();
    let mut own = posted(&server, Some(token), WATCH, json!({ "id": product["id"] })).await;
    let mut nobodys = posted(&server, None, WATCH, json!({ "id": product["id"] })).await;
    let version = |(kind, data): (String, String)| {
        assert_eq!(kind, "next", "{data}");
        let data: Value = serde_json::from_str(&data).unwrap();
        (data["data"]["productUpdated"]["version"].clone(), data)
    };
    for events in [&mut own, &mut nobodys] {
        assert_eq!(version(events.next().await.unwrap()).0, product["version"]);
    }
    let operator = server.operator().await;
    let content = json!({ "name": [{ "locale": "en", "text": "Another rug" }] });
    let change = json!({ "id": product["id"], "expectedVersion": product["version"], "content": content });
    operator.done("updateProduct", "product { id }", change).await;
    for events in [&mut own, &mut nobodys] {
        let (version, data) = version(events.next().await.unwrap());
        assert_eq!(version.as_i64(), product["version"].as_i64().map(|version| version + 1));
        assert_eq!(data["data"]["productUpdated"]["name"], "Another rug");
    }

    let version = json!({ "id": product["id"], "expectedVersion": product["version"].as_i64().unwrap() + 1 });
    operator.done("archiveProduct", "product { id }", version).await;
    let (_, data) = nobodys.next().await.unwrap();
    assert_eq!(data, "{\"data\":{\"productUpdated\":null}}", "what may not be seen any more");
    assert_eq!(own.next().await.unwrap().0, "next", "its owner sees it still");

    server.wait(Duration::minutes(11));
    let (kind, data) = own.next().await.unwrap();
    let data: Value = serde_json::from_str(&data).unwrap();
    assert_eq!((kind.as_str(), &data["errors"][0]["extensions"]["code"]), ("next", &json!("UNAUTHENTICATED")));
    assert_eq!(own.next().await.unwrap().0, "complete");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_without_complete_when_the_server_stops() {
    let server = TestServer::start().await;
    let product = published_rug(&server, SELLER, "a").await;
    let mut events = posted(&server, None, WATCH, json!({ "id": product["id"] })).await;
    assert_eq!(events.next().await.unwrap().0, "next");
    drop(server);
    assert!(events.next().await.is_none(), "complete tells the client not to come again");
}
