//! Describing, proposing, publishing, changing: who may, who sees, and what is left behind.

use serde_json::{Value, json};

use crate::support::{Client, OTHER_SELLER, SELLER, TestServer, leaf, published_rug, rug};

const PRODUCT: &str = "product { id version status slug name }";

fn step(product: &Value) -> Value {
    json!({ "id": product["id"], "expectedVersion": product["version"] })
}

async fn sees(client: &Client, product: &Value) -> bool {
    let data = client.data("query($id: ID!) { product(by: { id: $id }) { id } }", json!({ "id": product["id"] })).await;
    !data["product"].is_null()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_is_described_proposed_sent_back_and_published() {
    let server = TestServer::start().await;
    let (seller, operator, anyone) = (server.seller(SELLER).await, server.operator().await, server.anonymous());
    let content = rug("a", &leaf(&seller).await);
    let made = seller.done("createProduct", PRODUCT, json!({ "content": content, "clientMutationId": "m-1" })).await;
    assert_eq!(made["clientMutationId"], "m-1");
    assert_eq!(made["product"]["status"], "DRAFT");
    assert!(!sees(&anyone, &made["product"]).await, "a draft is public");
    assert!(!sees(&server.seller(OTHER_SELLER).await, &made["product"]).await, "a draft is seen by a competitor");
    assert!(sees(&operator, &made["product"]).await && sees(&seller, &made["product"]).await);

    let proposed = seller.done("proposeProduct", PRODUCT, step(&made["product"])).await;
    assert_eq!(proposed["product"]["status"], "PROPOSED");
    let rejected = json!({ "id": proposed["product"]["id"], "expectedVersion": 2, "reason": "Which knots?" });
    let rejected = operator.done("rejectProduct", "product { id version status rejectionReason }", rejected).await;
    assert_eq!(rejected["product"]["rejectionReason"], "Which knots?");
    let again = seller.done("proposeProduct", PRODUCT, step(&rejected["product"])).await;
    let published =
        operator.done("publishProduct", "product { id version status publishedAt }", step(&again["product"])).await;
    assert_eq!(published["product"]["status"], "PUBLISHED");
    assert_eq!(published["product"]["publishedAt"], "2026-03-01T08:00:00+00:00");
    assert!(sees(&anyone, &published["product"]).await, "a published product is hidden");

    let archived = operator.done("archiveProduct", PRODUCT, step(&published["product"])).await;
    assert_eq!(archived["product"]["status"], "ARCHIVED");
    assert!(!sees(&anyone, &archived["product"]).await, "an archived product is public");
    let refused = operator.refused("publishProduct", step(&archived["product"])).await;
    assert_eq!(refused, [("ILLEGAL_TRANSITION".into(), "id".into())]);

    let history = "query($id: ID!) { product(by: { id: $id }) { history(first: 10) { nodes { action version actor organisation { slug } } } } }";
    let data = operator.data(history, json!({ "id": made["product"]["id"] })).await;
    let actions: Vec<_> = data["product"]["history"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| (e["action"].as_str().unwrap(), e["organisation"]["slug"].as_str().unwrap()))
        .collect();
    let zone = crate::support::OPERATOR;
    assert_eq!(
        actions,
        [
            ("ARCHIVED", zone),
            ("PUBLISHED", zone),
            ("PROPOSED", SELLER),
            ("REJECTED", zone),
            ("PROPOSED", SELLER),
            ("CREATED", SELLER)
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_may_takes_a_step() {
    let server = TestServer::start().await;
    let (seller, other, anyone) = (server.seller(SELLER).await, server.seller(OTHER_SELLER).await, server.anonymous());
    let content = rug("a", &leaf(&seller).await);
    assert_eq!(anyone.denied("createProduct", json!({ "content": content })).await, "UNAUTHENTICATED");
    let draft = seller.done("createProduct", PRODUCT, json!({ "content": content })).await["product"].clone();
    for mutation in ["proposeProduct", "archiveProduct"] {
        assert_eq!(anyone.denied(mutation, step(&draft)).await, "UNAUTHENTICATED", "{mutation}");
        assert_eq!(
            other.refused(mutation, step(&draft)).await[0].0,
            "NOT_FOUND",
            "{mutation} tells a competitor that a draft exists"
        );
    }
    assert_eq!(seller.denied("publishProduct", step(&draft)).await, "FORBIDDEN", "a seller publishes by itself");
    assert_eq!(other.denied("publishProduct", step(&draft)).await, "FORBIDDEN", "who may not at all learns nothing");
    let public = published_rug(&server, SELLER, "b").await;
    assert_eq!(other.denied("archiveProduct", step(&public)).await, "FORBIDDEN");
    assert_eq!(
        seller.denied("archiveProduct", step(&public)).await,
        "FORBIDDEN",
        "a shared product is taken out by one seller"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_product_is_hidden_on_every_way() {
    let server = TestServer::start().await;
    let seller = server.seller(SELLER).await;
    let mut content = rug("hidden", &leaf(&seller).await);
    content["variants"][0]["gtin"] = "6901234567892".into();
    let selection = "product { id slug variants { nodes { id } } }";
    let draft = seller.done("createProduct", selection, json!({ "content": content })).await["product"].clone();
    let offer = crate::support::offered(&server, SELLER, &draft, "S-1", "10").await;
    let ids = json!({ "product": draft["id"], "variant": draft["variants"]["nodes"][0]["id"], "offer": offer["id"] });
    let query = r#"query($product: ID!, $variant: ID!, $offer: ID!) {
        id: product(by: { id: $product }) { id }
        slug: product(by: { slug: "rug-hidden" }) { id }
        gtin: product(by: { gtin: "6901234567892" }) { id }
        node(id: $product) { id }
        nodes(ids: [$product, $variant, $offer]) { id }
        public: products { totalCount nodes { id } }
        drafts: products(filter: { statuses: [DRAFT] }) { totalCount nodes { id } }
        search: products(filter: { text: "rug", statuses: [DRAFT, PUBLISHED] }) { nodes { id } }
    }"#;
    for client in [server.anonymous(), server.seller(OTHER_SELLER).await] {
        let data = client.data(query, ids.clone()).await;
        for key in ["id", "slug", "gtin", "node"] {
            assert!(data[key].is_null(), "a draft is found by {key}");
        }
        assert_eq!(data["nodes"], json!([null, null, null]));
        assert_eq!(data["public"], json!({ "totalCount": 0, "nodes": [] }));
        assert_eq!(data["drafts"], json!({ "totalCount": 0, "nodes": [] }));
        assert_eq!(data["search"]["nodes"], json!([]));
    }
    let data = seller.data(query, ids).await;
    assert_eq!(data["drafts"]["totalCount"], 1, "its owner does not find its draft");
    assert_eq!(data["nodes"].as_array().unwrap().iter().filter(|n| !n.is_null()).count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sellers_edit_of_a_shared_product_waits_for_the_operator() {
    let server = TestServer::start().await;
    let (owner, other, operator) =
        (server.seller(SELLER).await, server.seller(OTHER_SELLER).await, server.operator().await);
    let product = published_rug(&server, SELLER, "a").await;
    let edit = |name: &str| {
        json!({
            "id": product["id"], "expectedVersion": product["version"],
            "content": { "name": [{ "locale": "en", "text": name }], "variants": [{ "code": "large", "hsCode": "5701100000", "origin": "CN", "netWeightG": 1, "grossWeightG": 2, "unit1": "032" }] },
        })
    };
    let selection = "product { name version } change { id status patch proposer { slug } }";
    let proposed = other.done("updateProduct", selection, edit("Better rug")).await;
    assert_eq!(
        proposed["product"],
        json!({ "name": "Rug a", "version": product["version"] }),
        "a proposal changed the product"
    );
    assert_eq!(proposed["change"]["status"], "PENDING");
    assert_eq!(proposed["change"]["patch"]["name"], json!({ "en": "Better rug" }));
    assert_eq!(other.refused("updateProduct", edit("Better rug")).await[0].0, "CHANGE_PENDING");
    let own = owner.done("updateProduct", selection, edit("Best rug")).await;
    assert!(!own["change"].is_null(), "the owner changes a shared product directly");

    // A competitor's proposals are its own business.
    let listed = "{ productChanges { nodes { id } } }";
    assert_eq!(other.data(listed, json!({})).await["productChanges"]["nodes"].as_array().unwrap().len(), 1);
    assert_eq!(operator.data(listed, json!({})).await["productChanges"]["nodes"].as_array().unwrap().len(), 2);
    assert_eq!(server.anonymous().data(listed, json!({})).await["productChanges"]["nodes"], json!([]));
    let foreign = json!({ "id": proposed["change"]["id"] });
    assert_eq!(owner.refused("withdrawProductChange", foreign.clone()).await[0].0, "NOT_FOUND");
    assert_eq!(other.denied("confirmProductChange", foreign.clone()).await, "FORBIDDEN");

    let confirmed = operator
        .done(
            "confirmProductChange",
            "change { status product { name version variants { totalCount } } }",
            foreign.clone(),
        )
        .await;
    assert_eq!(confirmed["change"]["status"], "CONFIRMED");
    assert_eq!(confirmed["change"]["product"]["name"], "Better rug");
    assert_eq!(confirmed["change"]["product"]["variants"]["totalCount"], 2);
    assert_eq!(
        operator.refused("confirmProductChange", foreign).await[0].0,
        "ILLEGAL_TRANSITION",
        "a change is confirmed twice"
    );
    let rejected = json!({ "id": own["change"]["id"], "reason": "too bold" });
    assert_eq!(
        operator.done("rejectProductChange", "change { status reason }", rejected).await["change"],
        json!({ "status": "REJECTED", "reason": "too bold" })
    );

    let history = "query($id: ID!) { product(by: { id: $id }) { history(first: 1) { nodes { action differences { field before after } } } } }";
    let data = operator.data(history, json!({ "id": product["id"] })).await;
    let entry = &data["product"]["history"]["nodes"][0];
    assert_eq!(entry["action"], "CHANGE_CONFIRMED");
    assert_eq!(entry["differences"][0]["field"], "name");
    assert_eq!(entry["differences"][0]["before"]["en"], "Rug a");
    assert_eq!(entry["differences"][0]["after"]["en"], "Better rug");
    assert_eq!(entry["differences"][1]["field"], "variants.large");
    let data = other.data(history, json!({ "id": product["id"] })).await;
    assert_eq!(data["product"]["history"]["nodes"], json!([]), "a competitor reads the history");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_eight_simultaneous_edits_one_wins() {
    let server = TestServer::start().await;
    let operator = server.operator().await;
    let product = published_rug(&server, SELLER, "a").await;
    let edits = (0..8).map(|n| {
        let (operator, product) = (operator.clone(), product.clone());
        tokio::spawn(async move {
            let content = json!({ "name": [{ "locale": "en", "text": format!("Rug {n}") }] });
            let input = json!({ "id": product["id"], "expectedVersion": product["version"], "content": content });
            operator.payload("updateProduct", "product { version }", input).await
        })
    });
    let mut won = 0;
    for edit in edits.collect::<Vec<_>>() {
        let payload = edit.await.unwrap();
        if payload["userErrors"] == json!([]) {
            won += 1;
        } else {
            assert_eq!(payload["userErrors"][0]["code"], "STALE_VERSION");
            assert_eq!(payload["userErrors"][0]["retryable"], true);
        }
    }
    assert_eq!(won, 1, "an edit was lost without a word");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_product_is_said_all_at_once() {
    let server = TestServer::start().await;
    let seller = server.seller(SELLER).await;
    let content = json!({
        "categoryId": leaf(&seller).await,
        "slug": "No Slug",
        "name": [{ "locale": "en", "text": "x".repeat(201) }],
        "attributes": [{ "code": "colour_of_money", "value": "green" }],
        "media": [{ "kind": "IMAGE", "url": "javascript:alert(1)" }, { "kind": "IMAGE", "url": "//elsewhere.example/x.png" }],
        "variants": [
            { "code": "A B", "hsCode": "7701100000", "origin": "XX", "netWeightG": 0, "unit1": "kg", "gtin": "6901234567891" },
            { "code": "ok", "hsCode": "5701100000", "origin": "CN", "netWeightG": 2, "grossWeightG": 1, "unit1": "032" },
        ],
    });
    let mut refused = seller.refused("createProduct", json!({ "content": content })).await;
    refused.sort();
    let expected = [
        ("ATTRIBUTE_NOT_ALLOWED", "attributes.colour_of_money"),
        ("INVALID_COUNTRY", "variants.0.origin"),
        ("INVALID_GTIN", "variants.0.gtin"),
        ("INVALID_HS_CODE", "variants.0.hsCode"),
        ("INVALID_SLUG", "slug"),
        ("INVALID_UNIT", "variants.0.unit1"),
        ("INVALID_VALUE", "media.0.url"),
        ("INVALID_VALUE", "media.1.url"),
        ("INVALID_VALUE", "variants.0.code"),
        ("OUT_OF_RANGE", "variants.0.netWeightG"),
        ("OUT_OF_RANGE", "variants.1.grossWeightG"),
        ("REQUIRED", "variants.0.grossWeightG"),
        ("TOO_LONG", "name.en"),
    ];
    assert_eq!(refused, expected.map(|(c, f)| (c.to_owned(), f.to_owned())));
    let count =
        server.operator().await.data("{ products(filter: { statuses: [DRAFT] }) { totalCount } }", json!({})).await;
    assert_eq!(count["products"]["totalCount"], 0, "a refused mutation wrote something");
}

#[tokio::test(flavor = "multi_thread")]
async fn references_and_keys_are_held_against_the_catalog() {
    let server = TestServer::start().await;
    let (seller, operator) = (server.seller(SELLER).await, server.operator().await);
    let category = leaf(&seller).await;
    let mut first = rug("a", &category);
    first["variants"][0]["gtin"] = "6901234567892".into();
    let made =
        seller.done("createProduct", "product { id version }", json!({ "content": first })).await["product"].clone();

    let root =
        operator.data("{ category(by: { slug: \"tibetan-carpets-wool\" }) { id } }", json!({})).await["category"]["id"]
            .clone();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut content = rug("b", &category);
        change(&mut content);
        json!({ "content": content })
    };
    for (input, code, field) in [
        (with(&|c| c["slug"] = "rug-a".into()), "ALREADY_TAKEN", "slug"),
        (with(&|c| c["variants"][0]["gtin"] = "6901234567892".into()), "ALREADY_TAKEN", "variants.gtin"),
        (with(&|c| c["categoryId"] = root.clone()), "CATEGORY_NOT_LEAF", "category"),
        (with(&|c| c["categoryId"] = made["id"].clone()), "NOT_FOUND", "categoryId"),
        (with(&|c| c["categoryId"] = Value::Null), "REQUIRED", "categoryId"),
        (with(&|c| c["brandId"] = made["id"].clone()), "NOT_FOUND", "brandId"),
        (
            with(&|c| c["name"] = json!([{ "locale": "zh_Hans_CN_much_too_long_for_a_language_tag", "text": "x" }])),
            "INVALID_VALUE",
            "name.0.locale",
        ),
    ] {
        assert_eq!(seller.refused("createProduct", input).await, [(code.to_owned(), field.to_owned())]);
    }
    let one_language = with(&|c| c["name"] = json!([{ "locale": "en", "text": "Only English" }]));
    let draft = seller.done("createProduct", "product { id version }", one_language).await["product"].clone();
    assert_eq!(seller.refused("proposeProduct", step(&draft)).await[0].0, "INCOMPLETE", "half a product is proposed");
    assert_eq!(operator.refused("publishProduct", step(&draft)).await[0].0, "INCOMPLETE");
    let stale = json!({ "id": made["id"], "expectedVersion": 7, "content": {} });
    assert_eq!(seller.refused("updateProduct", stale).await, [("STALE_VERSION".into(), "expectedVersion".into())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_are_read_in_the_language_asked_for() {
    let server = TestServer::start().await;
    let operator = server.operator().await;
    let product = published_rug(&server, SELLER, "a").await;
    let content = json!({ "name": [{ "locale": "bo", "text": "གདན" }] });
    operator
        .done(
            "updateProduct",
            "",
            json!({ "id": product["id"], "expectedVersion": product["version"], "content": content }),
        )
        .await;
    let query = "query($id: ID!) { product(by: { id: $id }) { name bo: name(locale: \"bo\") description nameTranslations { locale } } }";
    for (language, name) in
        [("zh-CN,zh;q=0.9", "藏毯 a"), ("en-GB", "Rug a"), ("fr", "Rug a"), ("bo", "གདན"), ("", "藏毯 a")]
    {
        let data = server.anonymous().reading(language).data(query, json!({ "id": product["id"] })).await;
        assert_eq!(data["product"]["name"], name, "Accept-Language: {language}");
        assert_eq!(data["product"]["bo"], "གདན");
        assert_eq!(data["product"]["description"], "Knotted by hand.", "a missing translation falls back");
    }
    let zh = server.operator().await.reading("zh-CN").payload("publishProduct", "", step(&product)).await;
    assert_eq!(zh["userErrors"][0]["message"], "内容已被他人修改，请刷新后重试");
}
