//! Web sockets, by the graphql-transport-ws protocol: every close code, and what is said in which order.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

use crate::{
    customs::Border,
    support::{SELLER, TestServer, published_rug},
};

const WATCH: &str = "subscription($id: ID!) { productUpdated(id: $id) { version } }";

/// A client of the protocol.
struct Peer(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Peer {
    async fn with(server: &TestServer, protocol: Option<&str>, authorization: Option<&str>) -> Self {
        let address = format!("{}/graphql/ws", server.url.replacen("http", "ws", 1));
        let mut request = address.into_client_request().unwrap();
        let headers = [("sec-websocket-protocol", protocol), ("authorization", authorization)];
        for (name, value) in headers {
            if let Some(value) = value {
                request.headers_mut().insert(name, value.parse().unwrap());
            }
        }
        Self(connect_async(request).await.unwrap().0)
    }

    /// One that has not begun.
    async fn new(server: &TestServer) -> Self {
        Self::with(server, Some("graphql-transport-ws"), None).await
    }

    /// One that may ask, as nobody in particular.
    async fn begun(server: &TestServer) -> Self {
        Self::signed_in(server, json!({})).await
    }

    async fn signed_in(server: &TestServer, payload: Value) -> Self {
        let mut peer = Self::new(server).await;
        peer.say(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(peer.hear().await, json!({ "type": "connection_ack" }));
        peer
    }

    async fn say(&mut self, message: Value) {
        self.text(&message.to_string()).await;
    }

    async fn text(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    async fn ask(&mut self, id: &str, query: &str, variables: Value) {
        let payload = json!({ "query": query, "variables": variables });
        self.say(json!({ "type": "subscribe", "id": id, "payload": payload })).await;
    }

    async fn next(&mut self) -> Message {
        let next = tokio::time::timeout(Duration::from_secs(20), self.0.next()).await;
        next.expect("a message in time").expect("a message").expect("a good message")
    }

    async fn hear(&mut self) -> Value {
        match self.next().await {
            Message::Text(text) => serde_json::from_str(text.as_str()).unwrap(),
            other => panic!("not a text: {other:?}"),
        }
    }

    /// The code and the reason of the close; what comes before is passed over.
    async fn closed(&mut self) -> (u16, String) {
        loop {
            if let Message::Close(frame) = self.next().await {
                let frame = frame.expect("a reason");
                return (frame.code.into(), frame.reason.to_string());
            }
        }
    }
}

fn closes(code: u16, reason: &str) -> (u16, String) {
    (code, reason.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_the_protocol_closes_the_connection_with_its_code() {
    let server = TestServer::start().await;
    let mut peer = Peer::with(&server, None, None).await;
    assert_eq!(peer.closed().await, closes(4406, "Subprotocol not acceptable"));

    let subscribe = json!({ "type": "subscribe", "id": "1", "payload": { "query": "{ __typename }" } });
    let mut peer = Peer::new(&server).await;
    peer.say(subscribe.clone()).await;
    assert_eq!(peer.closed().await, closes(4401, "Unauthorized"));

    for text in ["nonsense", "[]", "{\"type\":\"start\"}", "{\"type\":\"subscribe\",\"payload\":{\"query\":\"{ a }\"}}"]
    {
        let mut peer = Peer::begun(&server).await;
        peer.text(text).await;
        assert_eq!(peer.closed().await, closes(4400, "Invalid message received"), "{text}");
    }
    let mut peer = Peer::begun(&server).await;
    peer.0.send(Message::binary(subscribe.to_string().into_bytes())).await.unwrap();
    assert_eq!(peer.closed().await.0, 4400, "a binary message");

    let mut peer = Peer::begun(&server).await;
    peer.say(json!({ "type": "connection_init" })).await;
    assert_eq!(peer.closed().await, closes(4429, "Too many initialisation requests"));

    let product = published_rug(&server, SELLER, "a").await;
    let mut peer = Peer::begun(&server).await;
    peer.ask("same", WATCH, json!({ "id": product["id"] })).await;
    peer.ask("same", "{ __typename }", json!({})).await;
    assert_eq!(peer.closed().await, closes(4409, "Subscriber for same already exists"));

    let long = TestServer::with(&[("CHAMA_SERVER_BODY_LIMIT", "1000")]).await;
    let mut peer = Peer::begun(&long).await;
    peer.text(&json!({ "type": "ping", "payload": { "a": "x".repeat(1_000) } }).to_string()).await;
    assert_eq!(peer.closed().await.0, 1009, "a message that is too large");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_or_shows_a_bad_token_is_sent_away() {
    let server = TestServer::with(&[("CHAMA_SERVER_WEBSOCKET_INIT_TIMEOUT", "1")]).await;
    let mut peer = Peer::new(&server).await;
    assert_eq!(peer.closed().await, closes(4408, "Connection initialisation timeout"));

    for authorization in [json!("Bearer nonsense"), json!("nonsense"), json!(7)] {
        let mut peer = Peer::new(&server).await;
        peer.say(json!({ "type": "connection_init", "payload": { "authorization": authorization } })).await;
        assert_eq!(peer.closed().await, closes(4403, "Forbidden"), "{authorization}");
    }
    let mut peer = Peer::with(&server, Some("graphql-transport-ws"), Some("Bearer nonsense")).await;
    peer.say(json!({ "type": "connection_init" })).await;
    assert_eq!(peer.closed().await, closes(4403, "Forbidden"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_is_none_is_no_upgrade() {
    let server = TestServer::start().await;
    let address = format!("{}/graphql/ws", server.url);
    assert_eq!(server.http().get(&address).send().await.unwrap().status(), 426);
    let request = server.http().get(&address).header("connection", "upgrade").header("upgrade", "websocket");
    let old = request.header("sec-websocket-version", "8").send().await.unwrap();
    assert_eq!((old.status().as_u16(), old.headers()["sec-websocket-version"].to_str().unwrap()), (426, "13"));
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_and_mutations_have_one_answer_and_refused_ones_an_error() {
    let server = TestServer::start().await;
    let mut peer = Peer::begun(&server).await;
    peer.ask("q", "{ __typename }", json!({})).await;
    assert_eq!(
        peer.hear().await,
        json!({ "id": "q", "type": "next", "payload": { "data": { "__typename": "Query" } } })
    );
    assert_eq!(peer.hear().await, json!({ "id": "q", "type": "complete" }));
    for wrong in ["{", "{ nothing }", "query($n: Int!) { __typename }", "query A { __typename } query B { __typename }"]
    {
        // The id is free again after each.
        peer.ask("q", wrong, json!({})).await;
        let error = peer.hear().await;
        assert_eq!((&error["type"], &error["id"]), (&json!("error"), &json!("q")), "{wrong}");
        assert_eq!(error["payload"][0]["extensions"]["code"], "BAD_INPUT", "{wrong}");
        assert!(error["payload"][0]["extensions"]["requestId"].is_string(), "{wrong}");
    }
    // A document is known by its hash here too, once it was told.
    let (query, hash) = ("{ __typename }", "7f56e67dd21ab3f30d1ff8b7bed08893f0a0db86449836189b361dd1e56ddb4b");
    for (query, known) in [("", false), (query, true), ("", true)] {
        let persisted = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
        let payload = json!({ "query": query, "extensions": persisted });
        peer.say(json!({ "type": "subscribe", "id": "h", "payload": payload })).await;
        let answer = peer.hear().await;
        if known {
            assert_eq!(answer["payload"]["data"]["__typename"], "Query", "{answer}");
            assert_eq!(peer.hear().await["type"], "complete");
        } else {
            assert_eq!(answer["payload"][0]["extensions"]["code"], "PERSISTED_QUERY_NOT_FOUND", "{answer}");
        }
    }
    // What goes wrong while it is carried out is part of the answer.
    peer.ask("q", "{ a: __typename products(first: 101) { totalCount } }", json!({})).await;
    let next = peer.hear().await;
    assert_eq!((&next["type"], &next["payload"]["errors"][0]["path"]), (&json!("next"), &json!(["products"])));
    assert_eq!(peer.hear().await["type"], "complete");
    // Nothing was left over.
    peer.say(json!({ "type": "ping", "payload": { "n": 1 } })).await;
    assert_eq!(peer.hear().await, json!({ "type": "pong", "payload": { "n": 1 } }));
    peer.say(json!({ "type": "pong" })).await;
    peer.say(json!({ "type": "complete", "id": "never was" })).await;
    peer.say(json!({ "type": "ping" })).await;
    assert_eq!(peer.hear().await, json!({ "type": "pong" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_payload_or_the_header_signs_a_connection_in() {
    let server = TestServer::start().await;
    let tokens = server.sign_in("consumer-1@demo.chama.example", None).await;
    let bearer = format!("Bearer {}", tokens["accessToken"].as_str().unwrap());
    let who = "{ viewer { subject } }";
    for payload in [json!({ "authorization": bearer }), json!({ "Authorization": bearer })] {
        let mut peer = Peer::signed_in(&server, payload).await;
        peer.ask("1", who, json!({})).await;
        let next = peer.hear().await;
        assert!(next["payload"]["data"]["viewer"]["subject"].as_str().unwrap().starts_with("person:"), "{next}");
    }
    let mut peer = Peer::with(&server, Some("other, graphql-transport-ws"), Some(&bearer)).await;
    peer.say(json!({ "type": "connection_init" })).await;
    assert_eq!(peer.hear().await["type"], "connection_ack");
    let change = "mutation { endSession(input: {}) { userErrors { code } } }";
    peer.ask("1", change, json!({})).await;
    assert_eq!(peer.hear().await["payload"]["data"]["endSession"]["userErrors"], json!([]));
    assert_eq!(peer.hear().await["type"], "complete");
    // Its session is over, so the connection is worth nothing any more.
    peer.ask("2", who, json!({})).await;
    assert_eq!(peer.closed().await, closes(4403, "Forbidden"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_goes_on_until_the_client_has_enough() {
    let server = TestServer::start().await;
    let product = published_rug(&server, SELLER, "a").await;
    let watched = json!({ "id": product["id"] });
    let mut peer = Peer::begun(&server).await;
    peer.ask("w", WATCH, watched.clone()).await;
    assert_eq!(peer.hear().await["payload"]["data"]["productUpdated"]["version"], product["version"]);
    let operator = server.operator().await;
    let mut version = product["version"].as_i64().unwrap();
    let mut change = async || {
        let content = json!({ "name": [{ "locale": "en", "text": format!("Rug {version}") }] });
        let change = json!({ "id": product["id"], "expectedVersion": version, "content": content });
        operator.done("updateProduct", "product { id }", change).await;
        version += 1;
        version
    };
    let now = change().await;
    assert_eq!(peer.hear().await["payload"]["data"]["productUpdated"]["version"], now);
    peer.say(json!({ "type": "complete", "id": "w" })).await;
    peer.say(json!({ "type": "ping" })).await;
    assert_eq!(peer.hear().await, json!({ "type": "pong" }), "complete is not sent back");
    change().await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    // The id may be used again at once, and nothing of the one before comes up.
    peer.ask("w", "{ __typename }", json!({})).await;
    assert_eq!(peer.hear().await["payload"]["data"]["__typename"], "Query");
    assert_eq!(peer.hear().await["type"], "complete");

    let tokens = server.sign_in("consumer-1@demo.chama.example", None).await;
    let bearer = format!("Bearer {}", tokens["accessToken"].as_str().unwrap());
    let mut signed_in = Peer::signed_in(&server, json!({ "authorization": bearer })).await;
    signed_in.ask("w", WATCH, watched.clone()).await;
    assert_eq!(signed_in.hear().await["type"], "next");
    server.wait(chrono::Duration::minutes(11));
    let error = signed_in.hear().await;
    assert_eq!(
        (&error["type"], &error["payload"][0]["extensions"]["code"]),
        (&json!("error"), &json!("UNAUTHENTICATED"))
    );

    peer.ask("w", WATCH, watched).await;
    assert_eq!(peer.hear().await["type"], "next");
    drop(server);
    assert_eq!(peer.closed().await, closes(1001, "Going away"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_has_at_most_sixty_four_operations_at_the_same_time() {
    let server = TestServer::start().await;
    let product = published_rug(&server, SELLER, "a").await;
    let mut peer = Peer::begun(&server).await;
    for n in 0..64 {
        peer.ask(&n.to_string(), WATCH, json!({ "id": product["id"] })).await;
        assert_eq!(peer.hear().await["type"], "next", "{n}");
    }
    peer.ask("one more", WATCH, json!({ "id": product["id"] })).await;
    let error = peer.hear().await;
    assert_eq!((&error["type"], &error["id"]), (&json!("error"), &json!("one more")));
    assert_eq!(error["payload"][0]["extensions"]["code"], "BUDGET_EXCEEDED");
    peer.say(json!({ "type": "complete", "id": "7" })).await;
    peer.ask("one more", "{ __typename }", json!({})).await;
    assert_eq!(peer.hear().await["type"], "next");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_hears_over_a_web_socket_how_an_order_fares_at_customs_and_under_way() {
    let border = Border::new().await;
    let buyer = border.market.identified(1).await;
    let order = border.bought(&buyer, 1, "").await;
    let tokens = border.market.server.sign_in("consumer-1@demo.chama.example", None).await;
    let bearer = format!("Bearer {}", tokens["accessToken"].as_str().unwrap());
    let mut peer = Peer::signed_in(&border.market.server, json!({ "authorization": bearer })).await;
    let watch = "subscription($id: ID!) { orderUpdated(id: $id) { state declaration { state } } }";
    peer.ask("o", watch, json!({ "id": order["id"] })).await;
    let expected = |order: &str, declaration: &str| json!({ "state": order, "declaration": { "state": declaration } });
    assert_eq!(peer.hear().await["payload"]["data"]["orderUpdated"], expected("CONFIRMED", "WAITING"));
    border.waybill(&order, "YT1").await;
    // Each step may be told, or only where it led to.
    let mut until = async |last: Value| {
        for _ in 0..20 {
            if peer.hear().await["payload"]["data"]["orderUpdated"] == last {
                return;
            }
        }
        panic!("the buyer never hears of {last}");
    };
    until(expected("CONFIRMED", "RELEASED")).await;
    let ship = json!({ "id": order["id"], "waybill": "YT1" });
    border.seller().await.done("shipOrder", "order { state }", ship).await;
    until(expected("SHIPPED", "RELEASED")).await;
}
