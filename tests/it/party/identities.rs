//! Personal data: sealed at rest, masked everywhere, read in clear only with an entry in the audit.

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Value, json};

use crate::support::{OPERATOR, SELLER, TestServer};

const NUMBER: &str = "63010319900101001X";

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_is_known_by_its_resident_id_and_shown_masked() {
    let server = TestServer::start().await;
    let (one, two) = (server.consumer(1).await, server.consumer(2).await);
    for (number, code) in [
        ("63010319900101002X", "INVALID_RESIDENT_ID"),
        ("110105194912310021", "INVALID_RESIDENT_ID"),
        ("", "INVALID_RESIDENT_ID"),
        // A right check digit, but born tomorrow.
        ("630103203001010010", "INVALID_RESIDENT_ID"),
    ] {
        let input = json!({ "name": "马兰花", "residentId": number });
        assert_eq!(one.refused("setConsumerIdentity", input).await, [(code.into(), "residentId".into())], "{number}");
    }
    let selection = "consumerIdentity { personId maskedName maskedResidentId }";
    let input = json!({ "name": "马兰花", "residentId": NUMBER.to_lowercase() });
    let set = one.done("setConsumerIdentity", selection, input).await["consumerIdentity"].clone();
    assert_eq!((&set["maskedName"], &set["maskedResidentId"]), (&json!("马**"), &json!("6301**********001X")));
    two.done("setConsumerIdentity", "", json!({ "name": "马兰花", "residentId": NUMBER })).await;

    let operator = server.member("operator", OPERATOR).await;
    let find = "query($n: String!) { consumerIdentities(residentId: $n) { personId maskedName maskedResidentId } }";
    let found = operator.data(find, json!({ "n": NUMBER })).await["consumerIdentities"].clone();
    assert_eq!(found.as_array().unwrap().len(), 2);
    assert!(found.as_array().unwrap().contains(&set));
    assert_eq!(operator.data(find, json!({ "n": "630104198503150022" })).await["consumerIdentities"], json!([]));
    for (who, client) in [("a consumer", &two), ("a seller", &server.member("owner", SELLER).await)] {
        assert_eq!(client.error(find, json!({ "n": NUMBER })).await, "FORBIDDEN", "{who} looks people up");
    }

    let reveal = |reason: &str| json!({ "personId": set["personId"], "reason": reason });
    assert_eq!(two.denied("revealConsumerIdentity", reveal("x")).await, "FORBIDDEN", "a consumer reads another's");
    assert_eq!(operator.refused("revealConsumerIdentity", reveal(" ")).await[0].0, "REQUIRED");
    let shown =
        operator.done("revealConsumerIdentity", "identity { name residentId }", reveal("customs query 7")).await;
    assert_eq!(shown["identity"], json!({ "name": "马兰花", "residentId": NUMBER }));
    one.done("revealConsumerIdentity", "identity { name }", reveal("my own")).await;
    let trail = operator
        .data(
            "query($id: ID!) { auditTrail(nodeId: $id) { nodes { action actor body } } }",
            json!({ "id": set["personId"] }),
        )
        .await["auditTrail"]["nodes"]
        .clone();
    let reveals: Vec<&Value> =
        trail.as_array().unwrap().iter().filter(|e| e["action"] == "revealConsumerIdentity").collect();
    assert_eq!(reveals.len(), 2, "reading in clear leaves no trace: {trail}");
    assert!(reveals[1]["body"].as_str().unwrap().contains("customs query 7"));
    assert!(!trail.to_string().contains("199001"), "the audit holds a resident ID");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_personal_lies_in_the_database_in_clear() {
    let server = TestServer::start().await;
    let one = server.consumer(1).await;
    let id = |n: u8| format!("cmid-{n}");
    let input = json!({ "name": "马兰花", "residentId": NUMBER, "clientMutationId": id(1) });
    one.done("setConsumerIdentity", "", input).await;
    let register = json!({ "name": "zhao.lei@example.com", "password": "tea bricks by yak", "displayName": "Z", "clientMutationId": id(2) });
    server.anonymous().done("registerPerson", "", register).await;
    let owner = server.member("owner", SELLER).await;
    let account = json!({ "bank": "河湟通商银行", "holder": "河湟云毯", "number": "6222 0215 0600 1234 567", "currency": "CNY", "clientMutationId": id(3) });
    let account = owner.done("addBankAccount", "bankAccount { id maskedNumber }", account).await["bankAccount"].clone();
    assert_eq!(account["maskedNumber"], "***************4567");
    let filing = json!({ "content": { "legalName": "河湟云毯", "contactName": "桑吉", "contactPhone": "13987654321" }, "clientMutationId": id(4) });
    owner.done("createFiling", "", filing).await;
    let invite = json!({ "contact": "13811112222", "roles": ["RECEIVER"], "clientMutationId": id(5) });
    owner.done("inviteMember", "", invite).await;
    let endpoint = json!({ "url": "https://partner.example/h", "clientMutationId": id(6) });
    let secret = owner.done("createWebhookEndpoint", "created { secret }", endpoint).await["created"]["secret"].clone();

    let dump = dump(&server).await;
    for secret in [
        NUMBER,
        "马兰花",
        "consumer-1@demo",
        "zhao.lei@",
        "6222021506001234567",
        "13987654321",
        "桑吉",
        "13811112222",
        "tea bricks by yak",
        &secret.as_str().unwrap()[6..],
    ] {
        assert!(!dump.contains(secret), "{secret} lies in the database in clear");
    }
    assert!(dump.contains("***************4567"), "the dump sees nothing");
    // Nor can it be found by trying: a repeat's hash is keyed.
    let asked =
        serde_json::json!({ "displayName": "Z", "name": "zhao.lei@example.com", "password": "tea bricks by yak" });
    let plain = api::platform::vault::sha256_hex(format!("registerPerson {asked}").as_bytes());
    assert!(!dump.contains(&plain), "a password lies in the database as a plain hash");

    let reveal = json!({ "id": account["id"], "reason": "payment run" });
    let shown = owner.done("revealBankAccount", "number", reveal.clone()).await;
    assert_eq!(shown["number"], "6222021506001234567");
    let operator = server.member("operator", OPERATOR).await;
    assert_eq!(operator.denied("revealBankAccount", reveal).await, "FORBIDDEN", "the zone reads account numbers");
    owner.done("removeBankAccount", "removedId", json!({ "id": account["id"] })).await;
    assert_eq!(owner.data("{ bankAccounts { id } }", json!({})).await["bankAccounts"], json!([]));
}

/// Every value of every table as text, bytes in hex.
pub async fn dump(server: &TestServer) -> String {
    let db = server.app.db().read();
    let backend = db.get_database_backend();
    let mut dump = String::new();
    let tables = match backend {
        DbBackend::Postgres => "SELECT tablename::text AS t FROM pg_tables WHERE schemaname = 'public' ORDER BY 1",
        _ => "SELECT name AS t FROM sqlite_master WHERE type = 'table' ORDER BY 1",
    };
    for row in db.query_all_raw(Statement::from_string(backend, tables)).await.unwrap() {
        let table: String = row.try_get("", "t").unwrap();
        let text = if backend == DbBackend::Postgres {
            format!("SELECT x::text AS r FROM \"{table}\" x")
        } else {
            let columns = format!("SELECT name AS c FROM pragma_table_info('{table}')");
            let columns = db.query_all_raw(Statement::from_string(backend, columns)).await.unwrap();
            let columns: Vec<String> =
                columns.iter().map(|c| format!("quote(\"{}\")", c.try_get::<String>("", "c").unwrap())).collect();
            format!("SELECT {} AS r FROM \"{table}\"", columns.join(" || ',' || "))
        };
        for row in db.query_all_raw(Statement::from_string(backend, text)).await.unwrap() {
            // A row that cannot be read is none that says nothing.
            dump.push_str(&row.try_get::<String>("", "r").unwrap());
            dump.push('\n');
        }
    }
    dump
}
