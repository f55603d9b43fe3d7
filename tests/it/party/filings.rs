//! Filings: filed once, seen by every agency that was granted a view, told once.

use serde_json::{Value, json};

use crate::support::{Client, OPERATOR, OTHER_SELLER, SELLER, TestServer};

const AGENCY: &str = "xining-trade-service-centre";
const FILING: &str = "filing { id status version inForceVersion validUntil reason }";

fn content() -> Value {
    json!({
        "legalName": "河湟云毯织造有限公司", "uscc": "91630100MA7520005P", "representative": "马文海", "contactName": "桑吉",
        "contactPhone": "139 8765 4321", "contactEmail": "Sangji@example.com", "address": "西宁市南川工业园区",
        "documents": [{ "name": "营业执照", "sha256": "ab".repeat(32), "mediaType": "application/pdf", "size": 1024 }],
    })
}

async fn step(client: &Client, mutation: &str, filing: &Value, more: Value) -> Value {
    let mut input = json!({ "id": filing["id"], "expectedVersion": filing["version"] });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    client.done(mutation, FILING, input).await["filing"].clone()
}

async fn feed(client: &Client) -> Vec<Value> {
    let data = client.data("{ changeFeed { items { event nodeId version } hasMore } }", json!({})).await;
    data["changeFeed"]["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filing_goes_from_draft_to_force_and_out_of_it() {
    let server = TestServer::start().await;
    let owner = server.member("owner", SELLER).await;
    let operator = server.member("operator", OPERATOR).await;
    let draft =
        owner.done("createFiling", FILING, json!({ "content": { "legalName": "河湟" } })).await["filing"].clone();
    assert_eq!((&draft["status"], &draft["version"]), (&json!("DRAFT"), &json!(1)));
    let again = json!({ "content": {} });
    assert_eq!(owner.refused("createFiling", again).await[0].0, "ALREADY_TAKEN", "one organisation files twice");
    let early = json!({ "id": draft["id"], "expectedVersion": 1 });
    let missing: Vec<String> = owner.refused("submitFiling", early).await.into_iter().map(|(_, field)| field).collect();
    assert_eq!(missing, ["contactName", "contactPhone", "address", "uscc", "representative", "documents"]);
    let bad =
        json!({ "id": draft["id"], "expectedVersion": 1, "content": { "contactPhone": "123", "contactEmail": "x" } });
    assert_eq!(owner.refused("updateFiling", bad).await.len(), 2);
    let full = step(&owner, "updateFiling", &draft, json!({ "content": content() })).await;
    let submitted = step(&owner, "submitFiling", &full, json!({})).await;
    assert_eq!(submitted["status"], "SUBMITTED");
    let amend = json!({ "id": draft["id"], "expectedVersion": submitted["version"], "content": {} });
    assert_eq!(owner.refused("updateFiling", amend).await[0].0, "ILLEGAL_TRANSITION", "it changes while it is decided");
    let returned = step(&operator, "returnFiling", &submitted, json!({ "reason": "附件不清晰" })).await;
    assert_eq!((&returned["status"], &returned["reason"]), (&json!("RETURNED"), &json!("附件不清晰")));
    let submitted = step(&owner, "submitFiling", &returned, json!({})).await;
    let stale = json!({ "id": draft["id"], "expectedVersion": returned["version"] });
    assert_eq!(operator.refused("approveFiling", stale).await[0].0, "STALE_VERSION");
    let approved = step(&operator, "approveFiling", &submitted, json!({ "validUntil": "2026-12-31" })).await;
    assert_eq!(approved["inForceVersion"], approved["version"]);
    let number = json!({ "id": draft["id"], "agency": "CUSTOMS", "number": "6301-2026-0001" });
    let numbered = operator.done("setFilingNumber", "filing { numbers { agency number } }", number).await;
    assert_eq!(numbered["filing"]["numbers"], json!([{ "agency": "CUSTOMS", "number": "6301-2026-0001" }]));
    let suspended = step(&operator, "suspendFiling", &approved, json!({ "reason": "复核" })).await;
    assert_eq!((&suspended["status"], &suspended["inForceVersion"]), (&json!("SUSPENDED"), &Value::Null));
    let resumed = step(&operator, "resumeFiling", &suspended, json!({})).await;
    // A change is a new draft; what was approved stays in force until it is decided.
    let amended = step(&owner, "updateFiling", &resumed, json!({ "content": { "address": "海东市" } })).await;
    assert_eq!((&amended["status"], &amended["inForceVersion"]), (&json!("DRAFT"), &resumed["version"]));
    let versions = owner
        .data("query($id: ID!) { filing(id: $id) { versions { version status } } }", json!({ "id": draft["id"] }))
        .await;
    let versions = versions["filing"]["versions"].as_array().unwrap().clone();
    assert_eq!(versions.len(), usize::try_from(amended["version"].as_i64().unwrap()).unwrap());
    let submitted = step(&owner, "submitFiling", &amended, json!({})).await;
    step(&operator, "approveFiling", &submitted, json!({ "validUntil": "2026-06-30" })).await;
    // The calendar ends it.
    server.wait(chrono::Duration::days(150));
    api::worker::tidy(&server.app).await;
    let owner = server.member("owner", SELLER).await;
    let over =
        owner.data("query($id: ID!) { filing(id: $id) { status inForceVersion } }", json!({ "id": draft["id"] })).await;
    assert_eq!(over["filing"], json!({ "status": "EXPIRED", "inForceVersion": null }));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agency_sees_its_fields_of_what_is_in_force_and_is_told_of_each_change_once() {
    let server = TestServer::start().await;
    let owner = server.member("owner", SELLER).await;
    let operator = server.member("operator", OPERATOR).await;
    let agency = server.member("owner", AGENCY).await;
    let stranger = server.member("owner", OTHER_SELLER).await;
    let see = "query($id: ID!) { filing(id: $id) { status content { version legalName uscc contactName contactPhone contactEmail address representative } grants { fields } versions { version } } }";
    let draft = owner.done("createFiling", FILING, json!({ "content": content() })).await["filing"].clone();
    let id = json!({ "id": draft["id"] });
    let grant = json!({ "id": draft["id"], "organisationId": server.organisation(AGENCY).await, "fields": ["LEGAL_NAME", "USCC", "CONTACT"] });
    owner.done("grantFilingView", "", grant.clone()).await;
    assert_eq!(agency.data(see, id.clone()).await["filing"], Value::Null, "an agency reads drafts");
    assert!(feed(&agency).await.is_empty());
    let submitted = step(&owner, "submitFiling", &draft, json!({})).await;
    let approved = step(&operator, "approveFiling", &submitted, json!({})).await;
    assert_eq!(
        agency.data(see, id.clone()).await["filing"],
        json!({
            "status": "APPROVED", "grants": [], "versions": [],
            "content": {
                "version": approved["version"], "legalName": "河湟云毯织造有限公司", "uscc": "91630100MA7520005P",
                "contactName": "桑吉", "contactPhone": "139****4321", "contactEmail": "s***@example.com",
                "address": null, "representative": null,
            },
        })
    );
    assert_eq!(stranger.data(see, id.clone()).await["filing"], Value::Null);
    assert_eq!(stranger.data("{ filings { nodes { id } } }", json!({})).await["filings"]["nodes"], json!([]));
    let own = owner.data(see, id.clone()).await["filing"].clone();
    assert_eq!(own["content"]["contactPhone"], "13987654321");
    // While an amendment waits, the agency still sees what is in force.
    let amended = step(&owner, "updateFiling", &approved, json!({ "content": { "legalName": "河湟新名" } })).await;
    let seen = agency.data(see, id.clone()).await["filing"].clone();
    assert_eq!((&seen["status"], &seen["content"]["legalName"]), (&json!("APPROVED"), &json!("河湟云毯织造有限公司")));
    let submitted = step(&owner, "submitFiling", &amended, json!({})).await;
    let second = step(&operator, "approveFiling", &submitted, json!({})).await;
    let suspended = step(&operator, "suspendFiling", &second, json!({ "reason": "复核" })).await;
    assert_eq!(agency.data(see, id.clone()).await["filing"]["content"], Value::Null, "what is out of force is read");
    let told: Vec<Value> = feed(&agency).await.iter().map(|item| item["version"].clone()).collect();
    assert_eq!(
        told,
        [&approved, &second, &suspended].map(|f| f["version"].clone()),
        "a change came twice, or not at all"
    );
    // Its owner is told of what others decided.
    let told = feed(&owner).await;
    assert_eq!(told.iter().filter(|item| item["event"] == "FILING_CHANGED").count(), 3);
    // A view that is taken away is gone.
    let mut none = grant;
    none["fields"] = json!([]);
    owner.done("grantFilingView", "filing { grants { fields } }", none).await;
    assert_eq!(agency.data(see, id).await["filing"], Value::Null);
    let others = json!({ "id": draft["id"], "organisationId": server.organisation(OTHER_SELLER).await, "fields": ["LEGAL_NAME"] });
    assert_eq!(stranger.refused("grantFilingView", others).await[0].0, "NOT_FOUND", "a stranger grants itself a view");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_without_an_organisation_files_for_itself() {
    let server = TestServer::start().await;
    let person = server.consumer(1).await;
    let said = json!({ "legalName": "马兰花", "contactName": "马兰花", "contactPhone": "13811112222", "address": "西宁市城东区" });
    let made = person
        .done("createFiling", "filing { id kind version person { displayName } }", json!({ "content": said }))
        .await["filing"]
        .clone();
    assert_eq!(made["kind"], "INDIVIDUAL");
    let submitted = step(&person, "submitFiling", &made, json!({})).await;
    let other = server.consumer(2).await;
    assert_eq!(
        other.data("query($id: ID!) { filing(id: $id) { id } }", json!({ "id": made["id"] })).await["filing"],
        Value::Null
    );
    let operator = server.member("operator", OPERATOR).await;
    step(&operator, "approveFiling", &submitted, json!({})).await;
    let seen = person.data("{ filings { nodes { status } } }", json!({})).await;
    assert_eq!(seen["filings"]["nodes"], json!([{ "status": "APPROVED" }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn amending_does_not_keep_a_filing_in_force_and_resuming_brings_back_what_was_approved() {
    let server = TestServer::start().await;
    let owner = server.member("owner", SELLER).await;
    let operator = server.member("operator", OPERATOR).await;
    let agency = server.member("owner", AGENCY).await;
    let draft = owner.done("createFiling", FILING, json!({ "content": content() })).await["filing"].clone();
    let grant =
        json!({ "id": draft["id"], "organisationId": server.organisation(AGENCY).await, "fields": ["ADDRESS"] });
    owner.done("grantFilingView", "", grant).await;
    let submitted = step(&owner, "submitFiling", &draft, json!({})).await;
    let approved = step(&operator, "approveFiling", &submitted, json!({})).await;
    let amended = step(&owner, "updateFiling", &approved, json!({ "content": { "address": "不实地址" } })).await;
    let suspended = step(&operator, "suspendFiling", &amended, json!({ "reason": "复核\n第二行" })).await;
    assert_eq!((&suspended["status"], &suspended["inForceVersion"]), (&json!("SUSPENDED"), &Value::Null));
    let see = "query($id: ID!) { filing(id: $id) { status version content { address } } }";
    let seen = agency.data(see, json!({ "id": draft["id"] })).await["filing"].clone();
    assert_eq!((&seen["status"], &seen["content"]), (&json!("SUSPENDED"), &Value::Null));
    let resumed = step(&operator, "resumeFiling", &suspended, json!({})).await;
    let seen = agency.data(see, json!({ "id": draft["id"] })).await["filing"].clone();
    assert_eq!(seen["content"]["address"], "西宁市南川工业园区", "what nobody approved came into force");
    assert_eq!((&seen["status"], &seen["version"]), (&json!("APPROVED"), &resumed["version"]));
    // Every version can be read again by its owner.
    let versions = "query($id: ID!) { filing(id: $id) { versions { version content { address } } } }";
    let versions = owner.data(versions, json!({ "id": draft["id"] })).await["filing"]["versions"].clone();
    let of = |version: &Value| {
        versions.as_array().unwrap().iter().find(|v| v["version"] == *version).unwrap()["content"]["address"].clone()
    };
    assert_eq!((of(&amended["version"]), of(&approved["version"])), (json!("不实地址"), json!("西宁市南川工业园区")));
    for until in ["1999-12-31", "+10000-01-01", "+262142-12-31"] {
        let again = json!({ "id": draft["id"], "expectedVersion": resumed["version"], "validUntil": until });
        let refused = operator.refused("approveFiling", again).await;
        assert!(matches!(refused[0].0.as_str(), "ILLEGAL_TRANSITION" | "INVALID_VALUE"), "{until}: {refused:?}");
    }
    let list = |status: &str| format!("{{ filings(status: {status}) {{ nodes {{ id }} }} }}");
    let step_back = step(&owner, "updateFiling", &resumed, json!({ "content": {} })).await;
    assert_eq!(step_back["status"], "DRAFT");
    assert_eq!(
        agency.data(&list("DRAFT"), json!({})).await["filings"]["nodes"],
        json!([]),
        "an agency learns of a draft"
    );
    assert_eq!(agency.data(&list("APPROVED"), json!({})).await["filings"]["nodes"].as_array().unwrap().len(), 1);
    assert_eq!(owner.data(&list("DRAFT"), json!({})).await["filings"]["nodes"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_filings_costs_the_same_statements_for_any_number() {
    use api::{
        graphql::Gateway,
        platform::{auth::Caller, meter::Meter},
    };
    use async_graphql::Request;
    use entities::values::Locale;

    let server = TestServer::start().await;
    let mut counts = Vec::new();
    for (n, slug) in
        [SELLER, OTHER_SELLER, "chama-wanda-showroom", "hehuang-commerce-bank", AGENCY].into_iter().enumerate()
    {
        let owner = server.member("owner", slug).await;
        let filing = owner.done("createFiling", FILING, json!({ "content": content() })).await["filing"].clone();
        let grant = json!({ "id": filing["id"], "organisationId": server.organisation("qingmai-hotels").await, "fields": ["ADDRESS"] });
        owner.done("grantFilingView", "", grant).await;
        let query = "{ filings(first: 10) { nodes { organisation { name } content { address } numbers { number } \
                     grants { grantee { name } } versions { version content { address } } } } }";
        let viewer = api::zone::operator(&server.app).await.unwrap();
        let mut request = Request::new(query);
        let operation = Gateway::prepare(&mut request).unwrap();
        let meter = Meter::default();
        let caller = Caller { viewer, session: None, address: None };
        let gateway = Gateway::new(server.app.clone());
        let response = meter.measure(gateway.execute(request, &operation, caller, Locale::en())).await;
        assert!(response.errors.is_empty(), "{:?}", response.errors);
        let data = response.data.into_json().unwrap();
        assert_eq!(data["filings"]["nodes"].as_array().unwrap().len(), n + 1);
        counts.push(meter.statements());
    }
    assert!(counts.iter().all(|count| *count <= counts[0] + 1), "1 to 5 filings take {counts:?} statements");
}
