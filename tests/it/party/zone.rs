//! Organisations, places, who is looking, and tokens that are not good.

use entities::party::MemberRole;
use serde_json::json;

use crate::support::{OPERATOR, OTHER_SELLER, SELLER, TestServer};

#[tokio::test(flavor = "multi_thread")]
async fn the_zone_has_the_places_of_the_plan_and_its_organisations() {
    let server = TestServer::start().await;
    let client = server.anonymous().reading("zh-CN");
    let data = client.data("{ places(first: 100) { totalCount nodes { id kind name } } organisations(first: 100) { totalCount nodes { roles } } sellers: organisations(role: SELLER) { totalCount } }", json!({})).await;
    let kinds = |kind: &str| data["places"]["nodes"].as_array().unwrap().iter().filter(|p| p["kind"] == kind).count();
    assert_eq!((kinds("PARK"), kinds("MALL"), kinds("COMMERCIAL_AREA")), (4, 3, 4));
    assert!(data["places"]["nodes"].to_string().contains("南川工业园区"));
    assert!(data["organisations"]["totalCount"].as_i64().unwrap() >= 30);
    assert!(data["organisations"]["nodes"].as_array().unwrap().iter().all(|o| o["roles"] != json!([])));
    assert!(data["sellers"]["totalCount"].as_i64() < data["organisations"]["totalCount"].as_i64());
    let found = client.data(&format!("{{ organisation(by: {{ slug: \"{SELLER}\" }}) {{ id slug place {{ name }} }} none: organisation(by: {{ slug: \"no one\" }}) {{ id }} }}"), json!({})).await;
    assert_eq!((&found["organisation"]["slug"], &found["none"]), (&json!(SELLER), &json!(null)));
    let id = &found["organisation"]["id"];
    let node = client
        .data(
            "query($id: ID!) { node(id: $id) { __typename id } organisation(by: { id: $id }) { slug } }",
            json!({ "id": id }),
        )
        .await;
    assert_eq!(node, json!({ "node": { "__typename": "Organisation", "id": id }, "organisation": { "slug": SELLER } }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_is_who_its_token_says() {
    let server = TestServer::start().await;
    let query = "{ viewer { standing subject organisation { slug } } }";
    assert_eq!(
        server.anonymous().data(query, json!({})).await["viewer"],
        json!({ "standing": "ANONYMOUS", "subject": "anonymous", "organisation": null })
    );
    assert_eq!(
        server.seller(OTHER_SELLER).await.data(query, json!({})).await["viewer"]["organisation"]["slug"],
        OTHER_SELLER
    );
    assert_eq!(server.operator().await.data(query, json!({})).await["viewer"]["standing"], "DEVELOPMENT");
    let (app, now) = (&server.app, server.app.clock().now());
    let issue = async |role, slug: &str| {
        app.gate().for_development(app.db(), &[role], slug, now, chrono::Duration::hours(1)).await
    };
    assert!(issue(MemberRole::Operator, SELLER).await.is_err(), "a seller gets an operator's token");
    assert!(issue(MemberRole::BankMaker, OPERATOR).await.is_err());
    assert!(issue(MemberRole::Owner, "nobody").await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_not_good_is_refused_not_ignored() {
    let server = TestServer::start().await;
    let token = server.token(MemberRole::Operator, OPERATOR).await;
    let query = "{ viewer { standing } }";
    let (head, rest) = token.split_once('.').unwrap();
    let (claims, signature) = rest.split_once('.').unwrap();
    // {"alg":"none","typ":"JWT"}
    let none = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}.");
    let first = signature.chars().next().unwrap();
    let changed = format!("{head}.{claims}.{}{}", if first == 'A' { 'B' } else { 'A' }, &signature[1..]);
    for bad in [none, changed, "garbage".into(), format!("{head}.{claims}"), String::new()] {
        let client = server.anonymous().with_token(bad.clone());
        assert_eq!(client.error(query, json!({})).await, "UNAUTHENTICATED", "token {bad:?}");
    }
    let client = server.anonymous().with_token(token.clone());
    client.data(query, json!({})).await;
    server.wait(chrono::Duration::minutes(61));
    assert_eq!(client.error(query, json!({})).await, "UNAUTHENTICATED", "an expired token is taken");

    let closed = TestServer::with(&[("CHAMA_AUTH_DEVELOPMENT_TOKENS", "false")]).await;
    let token = closed.token(MemberRole::Operator, OPERATOR).await;
    assert_eq!(
        closed.anonymous().with_token(token).error(query, json!({})).await,
        "UNAUTHENTICATED",
        "production takes development tokens"
    );
}
