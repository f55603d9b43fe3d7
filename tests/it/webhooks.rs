//! Webhooks out: what partners receive, when again, and where they must not lead.

use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::Duration;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::{
    Client, SELLER, TestServer, published_rug,
    receiver::{Received, Receiver},
};

const ENDPOINT: &str = "created { secret endpoint { id version url events } }";
const DELIVERIES: &str = "{ webhookEndpoints { nodes { enabled failures openUntil deliveries { nodes { id webhookId event state \
                          attempts { status error } } } } } }";

async fn server() -> TestServer {
    TestServer::with(&[("CHAMA_WEBHOOKS_ALLOW_PRIVATE", "true"), ("CHAMA_WEBHOOKS_TIMEOUT", "2")]).await
}

async fn endpoint(owner: &Client, url: &str, events: Value) -> Value {
    let input = json!({ "url": url, "events": events });
    owner.done("createWebhookEndpoint", ENDPOINT, input).await["created"].clone()
}

/// Whether one of the signatures is that of the secret.
fn signed(request: &Received, secret: &Value) -> bool {
    let key = BASE64_STANDARD.decode(secret.as_str().unwrap().strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    let (id, at) = (request.header("webhook-id"), request.header("webhook-timestamp"));
    mac.update(format!("{id}.{at}.{}", request.body).as_bytes());
    let expected = format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()));
    request.header("webhook-signature").split(' ').any(|given| given == expected)
}

async fn only(owner: &Client) -> Value {
    owner.data(DELIVERIES, json!({})).await["webhookEndpoints"]["nodes"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_is_told_of_what_it_chose_signed_and_once() {
    let server = server().await;
    let owner = server.member("owner", SELLER).await;
    let (all, some) = (Receiver::answering("200 OK").await, Receiver::answering("204 No Content").await);
    let everything = endpoint(&owner, &format!("{}/all", all.url), json!(null)).await;
    endpoint(&owner, &format!("{}/some", some.url), json!(["FILING_CHANGED"])).await;
    let product = published_rug(&server, SELLER, "a").await;
    let request = all.until(1).await[0].clone();
    server.settled().await;
    assert_eq!((all.received().len(), some.received().len()), (1, 0));
    assert_eq!(request.target, "POST /all");
    assert!(signed(&request, &everything["secret"]), "{request:?}");
    assert_eq!(request.header("webhook-timestamp"), server.app.clock().now().timestamp().to_string());
    let body: Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!(
        body,
        json!({ "type": "product.published", "timestamp": "2026-03-01T08:00:00.000Z", "data": { "id": product["id"], "version": 2 } })
    );
    // The feed says the same under the same id.
    let feed = owner.data("{ changeFeed { items { eventId event nodeId version } } }", json!({})).await;
    assert_eq!(
        feed["changeFeed"]["items"],
        json!([{ "eventId": request.header("webhook-id"), "event": "PRODUCT_PUBLISHED", "nodeId": product["id"], "version": 2 }])
    );
    let log = owner.data(DELIVERIES, json!({})).await["webhookEndpoints"]["nodes"][1]["deliveries"]["nodes"].clone();
    assert_eq!(log[0]["state"], "DELIVERED");
    assert_eq!(log[0]["attempts"], json!([{ "status": 200, "error": null }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_tried_again_later_and_later_under_the_same_id() {
    let server = server().await;
    let owner = server.member("owner", SELLER).await;
    let receiver = Receiver::with(|n, _| {
        let status = if n < 3 { "500 Internal Server Error" } else { "200 OK" };
        (status.into(), String::new())
    })
    .await;
    endpoint(&owner, &receiver.url, json!(null)).await;
    published_rug(&server, SELLER, "a").await;
    receiver.until(1).await;
    server.settled().await;
    for (n, wait) in [(2, Duration::seconds(5)), (3, Duration::minutes(5)), (4, Duration::minutes(30))] {
        server.wait(wait - Duration::seconds(1));
        tokio::time::sleep(std::time::Duration::from_millis(700)).await;
        assert_eq!(receiver.received().len(), n - 1, "attempt {n} comes too early");
        server.wait(Duration::seconds(1));
        receiver.until(n).await;
        server.settled().await;
    }
    let received = receiver.received();
    assert!(
        received
            .iter()
            .all(|r| r.header("webhook-id") == received[0].header("webhook-id") && r.body == received[0].body)
    );
    let endpoint = only(&server.member("owner", SELLER).await).await;
    assert_eq!((&endpoint["failures"], &endpoint["deliveries"]["nodes"][0]["state"]), (&json!(0), &json!("DELIVERED")));
    let statuses: Vec<&Value> =
        endpoint["deliveries"]["nodes"][0]["attempts"].as_array().unwrap().iter().map(|a| &a["status"]).collect();
    assert_eq!(statuses, [500, 500, 500, 200]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_stays_away_is_left_alone_given_up_and_replayed() {
    let server = server().await;
    let owner = server.member("owner", SELLER).await;
    let receiver = Receiver::answering("503 Service Unavailable").await;
    let made = endpoint(&owner, &receiver.url, json!(null)).await;
    for n in 0..5 {
        owner.done("testWebhookEndpoint", "", json!({ "id": made["endpoint"]["id"] })).await;
        receiver.until(n + 1).await;
        server.settled().await;
    }
    let open = only(&owner).await;
    assert_eq!(open["failures"], 5);
    assert!(open["openUntil"].is_string(), "the circuit stays closed");
    owner.done("testWebhookEndpoint", "", json!({ "id": made["endpoint"]["id"] })).await;
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    assert_eq!(receiver.received().len(), 5, "an endpoint that is left alone is called");
    // After a minute one delivery tries it; it fails, and the others wait on.
    server.wait(Duration::seconds(61));
    receiver.until(6).await;
    server.settled().await;
    assert_eq!(receiver.received().len(), 6, "everyone probes at once");
    // Days later everything is given up.
    let mut given_up = Value::Null;
    for hours in 0..2_000 {
        server.wait(Duration::hours(1));
        server.settled().await;
        if hours % 20 == 0 {
            given_up = only(&server.member("owner", SELLER).await).await;
            let all = given_up["deliveries"]["nodes"].as_array().unwrap();
            if all.iter().all(|d| d["state"] == "FAILED") {
                break;
            }
        }
    }
    let owner = server.member("owner", SELLER).await;
    let states: Vec<&Value> = given_up["deliveries"]["nodes"].as_array().unwrap().iter().map(|d| &d["state"]).collect();
    assert!(states.iter().all(|s| **s == "FAILED"), "{given_up}");
    let longest = given_up["deliveries"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d["attempts"].as_array().unwrap().len())
        .max();
    assert_eq!(longest, Some(10));
    // Its owner sees what would be sent, then sends it again.
    let delivery = &given_up["deliveries"]["nodes"][0];
    let before = receiver.received().len();
    let preview = "sending { request { url headers { name value } body } delivery { state } }";
    let dry = json!({ "id": delivery["id"], "dryRun": true });
    let shown = owner.done("replayWebhookDelivery", preview, dry).await["sending"].clone();
    assert_eq!(shown["request"]["headers"][0], json!({ "name": "webhook-id", "value": delivery["webhookId"] }));
    assert_eq!((&shown["delivery"]["state"], receiver.received().len()), (&json!("FAILED"), before), "a dry run sends");
    let version = json!({ "id": made["endpoint"]["id"], "expectedVersion": 1, "enabled": true });
    owner.done("updateWebhookEndpoint", "", version).await;
    owner.done("replayWebhookDelivery", "", json!({ "id": delivery["id"] })).await;
    let again = receiver.until(before + 1).await;
    assert_eq!(again[before].header("webhook-id"), delivery["webhookId"]);
    let twice = owner.refused("replayWebhookDelivery", json!({ "id": delivery["id"] })).await;
    assert_eq!(twice[0].0, "ILLEGAL_TRANSITION");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gone_endpoint_is_switched_off_and_a_redirect_is_not_followed() {
    let server = server().await;
    let owner = server.member("owner", SELLER).await;
    let gone = Receiver::answering("410 Gone").await;
    let trap = Receiver::answering("200 OK").await;
    let location = trap.url.clone();
    let redirect =
        Receiver::with(move |_, _| (format!("307 Temporary Redirect\r\nlocation: {location}/"), String::new())).await;
    let (first, second) =
        (endpoint(&owner, &gone.url, json!(null)).await, endpoint(&owner, &redirect.url, json!(null)).await);
    for made in [&first, &second] {
        owner.done("testWebhookEndpoint", "", json!({ "id": made["endpoint"]["id"] })).await;
    }
    gone.until(1).await;
    redirect.until(1).await;
    server.settled().await;
    let endpoints = owner.data(DELIVERIES, json!({})).await["webhookEndpoints"]["nodes"].clone();
    assert_eq!((&endpoints[1]["enabled"], &endpoints[0]["enabled"]), (&json!(false), &json!(true)));
    assert_eq!(endpoints[0]["deliveries"]["nodes"][0]["attempts"], json!([{ "status": 307, "error": null }]));
    assert!(trap.received().is_empty(), "a redirect was followed");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_turn_and_both_sign_for_a_day() {
    let server = server().await;
    let owner = server.member("owner", SELLER).await;
    let receiver = Receiver::answering("200 OK").await;
    let made = endpoint(&owner, &receiver.url, json!(null)).await;
    let id = json!({ "id": made["endpoint"]["id"] });
    let new = owner.done("rotateWebhookSecret", "rotated { secret }", id.clone()).await["rotated"]["secret"].clone();
    assert_ne!(new, made["secret"]);
    owner.done("testWebhookEndpoint", "", id.clone()).await;
    let request = receiver.until(1).await[0].clone();
    assert!(signed(&request, &new) && signed(&request, &made["secret"]), "{request:?}");
    server.wait(Duration::hours(25));
    let owner = server.member("owner", SELLER).await;
    owner.done("testWebhookEndpoint", "", id).await;
    let request = receiver.until(2).await[1].clone();
    assert!(signed(&request, &new) && !signed(&request, &made["secret"]), "the old secret signs for ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_does_not_lead_into_a_private_network() {
    let server = TestServer::start().await;
    let owner = server.member("owner", SELLER).await;
    for url in [
        "http://partner.example/",
        "https://127.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://2130706433/",
        "https://localhost/",
        "https://user:pw@partner.example/",
        "gopher://partner.example/",
        "x",
    ] {
        let refused = owner.refused("createWebhookEndpoint", json!({ "url": url })).await;
        assert_eq!(refused, [("ADDRESS_NOT_ALLOWED".into(), "url".into())], "{url}");
    }
    // A name that leads inside is found out when it is resolved: nothing is sent.
    let made = endpoint(&owner, "https://looks.fine.example.localhost.localdomain/", json!(null)).await;
    owner.done("testWebhookEndpoint", "", json!({ "id": made["endpoint"]["id"] })).await;
    for _ in 0..200 {
        if !only(&owner).await["deliveries"]["nodes"][0]["attempts"].as_array().unwrap().is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    let attempts = only(&owner).await["deliveries"]["nodes"][0]["attempts"].clone();
    assert!(attempts[0]["status"].is_null() && attempts[0]["error"].is_string(), "{attempts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_whose_job_was_given_up_is_sent_when_an_operator_replays_it() {
    use api::platform::jobs::{self, Verdict, Wanted};
    let settings =
        [("CHAMA_WEBHOOKS_ALLOW_PRIVATE", "true"), ("CHAMA_WEBHOOKS_TIMEOUT", "2"), ("CHAMA_JOBS_WORKERS", "0")];
    let server = TestServer::with(&settings).await;
    let owner = server.member("owner", SELLER).await;
    let receiver = Receiver::answering("200 OK").await;
    let made = endpoint(&owner, &receiver.url, json!(null)).await;
    owner.done("testWebhookEndpoint", "", json!({ "id": made["endpoint"]["id"] })).await;
    // Its job is given up by an accident of ours, not by the endpoint.
    let (db, now, worker) = (server.app.db(), server.app.clock().now(), uuid::Uuid::new_v4());
    for job in jobs::claim(db, worker, now, Duration::seconds(60), Wanted::ALL).await.unwrap() {
        let given_up =
            jobs::settle(db.writer(), worker, &job, Verdict::Dead { reason: "an accident".into() }, now).await.unwrap();
        assert!(given_up);
        api::webhooks::jobs::given_up(db.writer(), &job.payload, now).await.unwrap();
    }
    assert_eq!(only(&owner).await["deliveries"]["nodes"][0]["state"], "FAILED");
    let operator = server.member("operator", crate::support::OPERATOR).await;
    let dead =
        operator.data("{ deadLetters { nodes { id } } }", json!({})).await["deadLetters"]["nodes"][0]["id"].clone();
    server.wait(Duration::days(5));
    let operator = server.member("operator", crate::support::OPERATOR).await;
    operator.done("replayDeadLetter", "", json!({ "id": dead })).await;
    api::worker::drain(&server.app, None, |_| {}).await.unwrap();
    assert_eq!(receiver.received().len(), 1, "a replayed dead letter sends nothing");
    let owner = server.member("owner", SELLER).await;
    assert_eq!(only(&owner).await["deliveries"]["nodes"][0]["state"], "DELIVERED");
}
