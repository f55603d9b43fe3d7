//! A repeated request has one effect and one answer.

use api::{graphql::Gateway, platform::auth::Caller};
use async_graphql::{Request, Variables};
use entities::{
    catalog::product,
    party::{Acting, Actor, MemberRole, OrganisationRole, Viewer},
    platform::idempotent_request,
    values::Locale,
};
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};

use crate::support::{Client, OTHER_SELLER, SELLER, TestServer, leaf, rug};

const CREATE: &str = "mutation($input: CreateProductInput!) { createProduct(input: $input) \
                      { product { id slug version } clientMutationId userErrors { code retryable } } }";

async fn products(server: &TestServer) -> u64 {
    product::Entity::find().count(server.app.db().read()).await.unwrap()
}

async fn named(client: &Client, id: &str, key: &str) -> Value {
    let content = rug(key, &leaf(client).await);
    json!({ "input": { "content": content, "clientMutationId": id } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_answers_the_same_and_another_request_under_its_id_is_refused() {
    let server = TestServer::start().await;
    let (seller, other) = (server.seller(SELLER).await, server.seller(OTHER_SELLER).await);
    let first = seller.response(CREATE, named(&seller, "order-1", "a").await).await;
    let product = &first["data"]["createProduct"]["product"];
    assert!(product["id"].is_string(), "{first}");
    assert_eq!(seller.response(CREATE, named(&seller, "order-1", "a").await).await, first);
    let reused = seller.response(CREATE, named(&seller, "order-1", "b").await).await;
    assert_eq!(
        reused["data"]["createProduct"],
        json!({ "product": null, "clientMutationId": "order-1", "userErrors": [{ "code": "IDEMPOTENCY_KEY_REUSED", "retryable": false }] })
    );
    // Another operation under the same id is another request too.
    let step = json!({ "id": product["id"], "expectedVersion": 1, "clientMutationId": "order-1" });
    assert_eq!(seller.refused("proposeProduct", step).await[0].0, "IDEMPOTENCY_KEY_REUSED");
    // The answer stays what it was when the thing has moved on.
    let edit = json!({ "id": product["id"], "expectedVersion": 1, "content": { "slug": "renamed" } });
    seller.done("updateProduct", "", edit).await;
    assert_eq!(seller.response(CREATE, named(&seller, "order-1", "a").await).await, first);
    assert_eq!(products(&server).await, 1);
    // Somebody else's id is its own.
    other.response(CREATE, named(&other, "order-1", "c").await).await;
    assert_eq!(products(&server).await, 2);
    // A refused request is not kept: it is decided again.
    let taken = seller.response(CREATE, named(&seller, "order-2", "c").await).await;
    assert_eq!(taken["data"]["createProduct"]["userErrors"][0]["code"], "ALREADY_TAKEN");
    let done = seller.response(CREATE, named(&seller, "order-2", "d").await).await;
    assert_eq!(done["data"]["createProduct"]["userErrors"], json!([]));
    for bad in [String::new(), "x".repeat(129), "a\u{7}".into()] {
        let input = named(&seller, &bad, "e").await;
        let response = seller.response(CREATE, input).await;
        assert!(response["errors"][0]["extensions"]["code"] == "BAD_INPUT", "{response}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_repeats_at_once_have_one_effect_and_one_answer() {
    let server = TestServer::start().await;
    let seller = server.seller(SELLER).await;
    let input = named(&seller, "at-once", "a").await;
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let (client, input) = (seller.clone(), input.clone());
            tokio::spawn(async move {
                for _ in 0..200 {
                    let answer = client.response(CREATE, input.clone()).await["data"]["createProduct"].clone();
                    match answer["userErrors"][0]["code"].as_str() {
                        None => return answer,
                        // What a client is told to do: repeat it in a moment.
                        Some("IN_PROGRESS") => {
                            assert_eq!(answer["userErrors"][0]["retryable"], true);
                            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                        }
                        Some(code) => panic!("{code}"),
                    }
                }
                panic!("in progress for ever");
            })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    assert!(answers.iter().all(|a| *a == answers[0]), "{answers:?}");
    assert_eq!(products(&server).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_know_each_other_s_repeats() {
    let server = TestServer::start().await;
    let seller = server.seller(SELLER).await;
    let input = named(&seller, "nodes", "a").await;
    let gateways = [Gateway::new(server.app.clone()), Gateway::new(server.second_node().await)];
    let organisation = api::party::ops::organisation_by_slug(server.app.db().read(), SELLER).await.unwrap().unwrap();
    let acting = Acting {
        organisation: organisation.id,
        kinds: [OrganisationRole::Seller].into(),
        roles: [MemberRole::Owner].into(),
        approval_level: 0,
        scopes: [].into(),
    };
    let viewer = Viewer { actor: Actor::Tool("node test".into()), acting: Some(acting) };
    let tasks: Vec<_> = (0..20)
        .map(|n| {
            let (gateway, viewer, input) = (gateways[n % 2].clone(), viewer.clone(), input.clone());
            tokio::spawn(async move {
                for _ in 0..200 {
                    let mut request = Request::new(CREATE).variables(Variables::from_json(input.clone()));
                    let operation = Gateway::prepare(&mut request).unwrap();
                    let caller = Caller { viewer: viewer.clone(), session: None, address: None };
                    let response = gateway.execute(request, &operation, caller, Locale::en()).await;
                    let answer = response.data.into_json().unwrap()["createProduct"].clone();
                    match answer["userErrors"][0]["code"].as_str() {
                        None if response.errors.is_empty() => return answer,
                        _ => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
                    }
                }
                panic!("in progress for ever");
            })
        })
        .collect();
    let mut ids = std::collections::BTreeSet::new();
    for task in tasks {
        ids.insert(task.await.unwrap()["product"]["id"].to_string());
    }
    assert_eq!((ids.len(), products(&server).await), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_do_not_share_ids_and_answers_with_secrets_are_not_kept() {
    let server = TestServer::start().await;
    let anyone = server.anonymous();
    let register = |name: &str| json!({ "name": name, "password": "tea bricks by yak", "displayName": "X", "clientMutationId": "1" });
    let first = anyone.done("registerPerson", "person { id }", register("a@example.com")).await;
    let second = anyone.done("registerPerson", "person { id }", register("b@example.com")).await;
    assert_ne!(first["person"]["id"], second["person"]["id"]);
    let again = anyone.done("registerPerson", "person { id }", register("a@example.com")).await;
    assert_eq!(again, first);
    let kept = idempotent_request::Entity::find().count(server.app.db().read()).await.unwrap();
    let input = json!({ "name": "a@example.com", "password": "tea bricks by yak", "clientMutationId": "2" });
    let one = anyone.done("signIn", "tokens { refreshToken }", input.clone()).await;
    let two = anyone.done("signIn", "tokens { refreshToken }", input).await;
    assert_ne!(one["tokens"], two["tokens"]);
    let after = idempotent_request::Entity::find().all(server.app.db().read()).await.unwrap();
    assert_eq!(after.len() as u64, kept, "a sign-in is kept");
    // After their time answers are forgotten.
    server.wait(chrono::Duration::days(91));
    api::worker::tidy(&server.app).await;
    assert_eq!(idempotent_request::Entity::find().count(server.app.db().read()).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_in_which_a_client_writes_its_fields_makes_no_other_request() {
    let server = TestServer::start().await;
    let operator = server.operator().await;
    // Written into the document: variables would be sorted on their way.
    let brand = |input: &str| {
        format!("mutation {{ createBrand(input: {{ {input} }}) {{ brand {{ id slug }} userErrors {{ code }} }} }}")
    };
    let name = r#"name: [{ locale: "en", text: "Tea Horse" }]"#;
    let first =
        operator.data(&brand(&format!(r#"slug: "tea-horse", {name}, clientMutationId: "b-1""#)), json!({})).await;
    assert_eq!(first["createBrand"]["userErrors"], json!([]));
    let turned = r#"clientMutationId: "b-1", name: [{ text: "Tea Horse", locale: "en" }], slug: "tea-horse""#;
    assert_eq!(operator.data(&brand(turned), json!({})).await, first);
    // What is left out and what is null are two things: null takes something away.
    let null = format!(r#"slug: "tea-horse", {name}, country: null, clientMutationId: "b-1""#);
    assert_eq!(
        operator.data(&brand(&null), json!({})).await["createBrand"]["userErrors"][0]["code"],
        "IDEMPOTENCY_KEY_REUSED"
    );
}
