//! Attacks: each is refused with the right code, before it costs.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::attacks::{Attack, attacks};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{Answer, INTROSPECTION, JSON, RESPONSE, post};
use crate::support::TestServer;

#[tokio::test(flavor = "multi_thread")]
async fn each_attack_is_refused_with_its_code() {
    let server = TestServer::start().await;
    for Attack { name, body, status, code } in attacks() {
        let begun = Instant::now();
        for _ in 0..20 {
            let answer = post(&server, Some(RESPONSE), body.clone()).await;
            assert_eq!((answer.status.as_u16(), answer.code()), (status, code), "{name}");
            assert!(answer.body.get("data").is_none(), "{name} was carried out");
        }
        // Far from the time that it would take to carry it out, and from that of a release build.
        assert!(begun.elapsed() < Duration::from_secs(5), "{name} takes {:?}", begun.elapsed() / 20);
    }
    let address = format!("{}/graphql", server.url);
    let change = [("query", "mutation { createBrand(input: { name: [] }) { clientMutationId } }")];
    let by_get = Answer::of(server.http().get(&address).query(&change)).await;
    assert_eq!((by_get.status.as_u16(), by_get.code()), (405, "BAD_INPUT"), "a link that changes something");
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let request = server.http().post(&address).header("content-type", kind).body("{\"query\":\"{ __typename }\"}");
        assert_eq!(Answer::of(request).await.status.as_u16(), 415, "a form of another site: {kind}");
    }
    let many = "{ ".to_owned() + &"a: products(first: 1) { totalCount } ".repeat(31) + "}";
    assert_eq!(server.anonymous().error(&many, json!({})).await, "BUDGET_EXCEEDED");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_tools_and_people_ask_is_no_attack() {
    let server = TestServer::start().await;
    let schema = server.anonymous().data(INTROSPECTION, json!({})).await;
    assert!(schema["__schema"]["types"].as_array().unwrap().len() > 100);
    assert_eq!(schema["__schema"]["subscriptionType"]["name"], "Subscription");
    let brackets_in_text =
        format!("query($t: String) {{ products(filter: {{ text: $t }}) {{ totalCount }} }} # {}", "{".repeat(100));
    let found = server.anonymous().data(&brackets_in_text, json!({ "t": "{[(" })).await;
    assert_eq!(found["products"]["totalCount"], 0);
}

/// Speaks HTTP by hand.
struct Raw(TcpStream);

impl Raw {
    async fn connect(server: &TestServer) -> Self {
        Self(TcpStream::connect(server.url.strip_prefix("http://").unwrap()).await.unwrap())
    }

    /// Everything until the server closes; None when it does not within the time.
    async fn rest(&mut self, within: Duration) -> Option<String> {
        let mut bytes = Vec::new();
        match tokio::time::timeout(within, self.0.read_to_end(&mut bytes)).await {
            // A reset is a close as well.
            Ok(_) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Err(_) => None,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_drips_in_and_one_that_never_comes_are_cut_off() {
    let server = TestServer::with(&[("CHAMA_SERVER_HEADER_TIMEOUT", "1")]).await;
    let mut silent = Raw::connect(&server).await;
    assert_eq!(silent.rest(Duration::from_secs(5)).await.as_deref(), Some(""), "a connection that says nothing stays");

    let slow = Raw::connect(&server).await;
    let (mut reads, mut writes) = slow.0.into_split();
    let dripping = tokio::spawn(async move {
        let _ = writes.write_all(b"POST /graphql HTTP/1.1\r\nhost: x\r\n").await;
        for n in 0..100 {
            if writes.write_all(format!("x-{n}: y\r\n").as_bytes()).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let mut bytes = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(5), reads.read_to_end(&mut bytes)).await;
    assert!(closed.is_ok(), "a head may drip in for ever");
    dripping.abort();

    // A request that comes in time is answered, and then the connection may be idle for as long.
    let mut good = Raw::connect(&server).await;
    good.0.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let answer = good.rest(Duration::from_secs(5)).await.expect("an idle connection stays");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("alive\n"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_drips_in_is_answered_408() {
    let server = TestServer::with(&[("CHAMA_SERVER_BODY_TIMEOUT", "1")]).await;
    for path in ["/graphql", "/oauth/token"] {
        let slow = Raw::connect(&server).await;
        let (mut reads, mut writes) = slow.0.into_split();
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: {JSON}\r\ncontent-length: 1000\r\n\r\n");
        let dripping = tokio::spawn(async move {
            let _ = writes.write_all(head.as_bytes()).await;
            while writes.write_all(b" ").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        let mut bytes = [0; 12];
        let read = tokio::time::timeout(Duration::from_secs(5), reads.read_exact(&mut bytes)).await;
        read.expect("an answer in time").expect("an answer");
        assert_eq!(&bytes, b"HTTP/1.1 408", "{path}");
        dripping.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_has_so_many_connections_and_proxies_have_all() {
    let server = TestServer::with(&[("CHAMA_SERVER_CONNECTIONS_PER_ADDRESS", "3")]).await;
    let alive = async |connection: &mut Raw| {
        let _ = connection.0.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
        let mut bytes = [0; 12];
        let read = tokio::time::timeout(Duration::from_secs(5), connection.0.read_exact(&mut bytes)).await;
        read.expect("an answer or a close").is_ok() && &bytes == b"HTTP/1.1 200"
    };
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut connection = Raw::connect(&server).await;
        assert!(alive(&mut connection).await);
        held.push(connection);
    }
    assert!(!alive(&mut Raw::connect(&server).await).await, "a fourth connection");
    held.pop();
    let mut again = false;
    for _ in 0..100 {
        again = alive(&mut Raw::connect(&server).await).await;
        if again {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(again, "the place of a connection that is gone is not free");

    let settings = [("CHAMA_SERVER_CONNECTIONS_PER_ADDRESS", "1"), ("CHAMA_SERVER_TRUSTED_PROXIES", "127.0.0.0/8")];
    let behind = TestServer::with(&settings).await;
    let mut held = Vec::new();
    for _ in 0..5 {
        let mut connection = Raw::connect(&behind).await;
        assert!(alive(&mut connection).await, "all that comes through a proxy counts as one");
        held.push(connection);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_announced_too_large_is_not_asked_for() {
    let server = TestServer::start().await;
    let mut client = Raw::connect(&server).await;
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: {JSON}\r\nexpect: 100-continue\r\ncontent-length: 2000000\r\n\r\n"
    );
    client.0.write_all(head.as_bytes()).await.unwrap();
    let answer = client.rest(Duration::from_secs(5)).await.expect("an answer and a close");
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    let body: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(body["errors"][0]["extensions"]["code"], "BUDGET_EXCEEDED");
}
