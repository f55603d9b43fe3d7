//! What customs asks about payments (announcement 179), and strangers at the doors that are customs'.

use entities::platform::job;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{
    Border, CARRIER, PAYER,
    papers::{code, payment, signed, trusting, waybill},
};
use crate::{
    house::root,
    ordering::{FIRST_ID, Sale, paid, placing, put, quoted},
    support::{OTHER_SELLER, TestServer, receiver::Receiver},
};

/// What customs answers when it has what it wanted.
const TAKEN: &str = r#"{"code":"10000","message":"上传成功","total":0,"serviceTime":1544519952469}"#;

/// Asks about an order; answers with the code.
async fn asked(server: &TestServer, order: &Value, session: &str) -> String {
    let inquiry = json!({ "orderNo": order["number"], "sessionID": session, "serviceTime": "1544519952469" });
    let answer = posted(server, &inquiry.to_string()).await;
    assert_eq!(answer.status(), 200);
    let answer: Value = answer.json().await.unwrap();
    answer["code"].as_str().unwrap().to_owned()
}

async fn posted(server: &TestServer, inquiry: &str) -> reqwest::Response {
    let url = format!("{}/customs/platDataOpen", server.url);
    server.http().post(url).form(&[("openReq", inquiry)]).send().await.unwrap()
}

/// What was sent to customs, one an inquiry.
fn told(customs: &Receiver) -> Vec<Value> {
    let form = |body: String| {
        let read = reqwest::Url::parse(&format!("http://form/?{body}")).unwrap();
        let field = read.query_pairs().find(|(name, _)| name == "payExInfoStr").expect("a field");
        serde_json::from_str(&field.1).expect("JSON")
    };
    customs.received().into_iter().map(|request| form(request.body)).collect()
}

/// The inquiries that are not answered yet.
async fn open(border: &Border) -> Vec<String> {
    let jobs = job::Entity::find().filter(job::Column::Kind.eq("customs.payment_data"));
    let jobs = jobs.all(border.market.app().db().read()).await.unwrap();
    jobs.into_iter().map(|job| job.payload).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn customs_asks_and_is_told_what_was_paid() {
    let customs = Receiver::with(|_, _| ("200 OK".into(), TAKEN.into())).await;
    let border = Border::with(&[("CHAMA_CUSTOMS_PAYMENT_DATA_URL", &customs.url)], json!({})).await;
    let server = &border.market.server;
    let buyer = border.market.identified(1).await;
    let order = border.bought(&buyer, 10, "").await;
    assert_eq!(asked(server, &json!({ "number": "XN0" }), "S1").await, "20002");
    for broken in ["", "{}", "[]", r#"{"orderNo":"X","sessionID":"a|b"}"#, r#"{"orderNo":"X","sessionID":"a\\b"}"#] {
        let answer: Value = posted(server, broken).await.json().await.unwrap();
        assert_eq!(answer["code"], "20001", "{broken}");
    }
    assert_eq!(asked(server, &order, "S2").await, "10000");
    border.market.worked().await;
    let told = told(&customs);
    assert_eq!(told.len(), 1);
    let head = &told[0]["payExchangeInfoHead"];
    assert_eq!(told[0]["sessionID"], "S2");
    assert_eq!(head["totalAmount"].to_string(), "447.31", "{head:#}");
    assert!(head["initalRequest"].as_str().unwrap().contains("SANDBOX"), "what was asked is not told: {head:#}");
    assert_eq!(told[0]["payExchangeInfoLists"][0]["orderNo"], order["number"]);
    assert!(!told[0]["signValue"].as_str().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn all_orders_of_one_payment_are_told_with_what_the_institution_was_asked() {
    let customs = Receiver::with(|_, _| ("200 OK".into(), TAKEN.into())).await;
    let settings = [("CHAMA_CUSTOMS_PAYMENT_DATA_URL", customs.url.as_str()), trusting()[0]];
    let border = Border::with(&settings, json!({ "paymentByParty": true })).await;
    let market = &border.market;
    let bank = market.server.seller(PAYER).await;
    let own = code(&bank, PAYER).await;
    let (soap, _) = market.sold(Sale::domestic(OTHER_SELLER, "soap-d", "10.00", 10)).await;
    let buyer = market.identified(1).await;
    // What is bought at home has no declaration, and was paid in the same request.
    put(&buyer, &[(&border.offer, 1), (&soap, 2)]).await;
    let quote = quoted(&buyer).await;
    let selection = "checkout { id number orders { id number supplyMode } }";
    let checkout = buyer.done("placeOrder", selection, placing(&quote, json!({}))).await["checkout"].clone();
    paid(market, &buyer, &checkout).await;
    market.worked().await;
    let orders = checkout["orders"].as_array().unwrap();
    let import = orders.iter().find(|order| order["supplyMode"] == "BONDED_IMPORT").unwrap();
    assert_eq!(orders.len(), 2);

    let text = signed(&payment(&own, import, "BANK-1", FIRST_ID, 61));
    let original =
        json!({ "request": "{\"amt\":64.73}", "response": "OK", "verifier": "UNION_PAY", "channel": "QR_CODE" });
    let given = |original: &Value| json!({ "message": text, "forward": true, "payment": original });
    let long = json!({ "request": "x".repeat(8_001), "response": "", "verifier": "OTHER", "channel": "OTHER" });
    assert_eq!(bank.refused("giveCustomsPaper", given(&long)).await, [("TOO_LONG".into(), "payment.request".into())]);
    bank.done("giveCustomsPaper", "paper { state }", given(&original)).await;
    market.worked().await;
    assert_eq!(asked(&market.server, import, "S1").await, "10000");
    market.worked().await;
    let told = told(&customs).pop().expect("customs is told nothing");
    let mut numbers: Vec<&Value> = orders.iter().map(|order| &order["number"]).collect();
    let lists = told["payExchangeInfoLists"].as_array().unwrap();
    let mut listed: Vec<&Value> = lists.iter().map(|list| &list["orderNo"]).collect();
    for names in [&mut numbers, &mut listed] {
        names.sort_by_key(ToString::to_string);
    }
    assert_eq!(listed, numbers, "an order of the payment is not told");
    assert!(lists.iter().all(|list| list["goodsInfo"].as_array().is_some_and(|goods| goods.len() == 1)), "{lists:?}");
    let head = &told["payExchangeInfoHead"];
    let said = ["initalRequest", "initalResponse", "verDept", "payType", "payTransactionId"].map(|name| &head[name]);
    assert_eq!(json!(said), json!(["{\"amt\":64.73}", "OK", "1", "3", "BANK-1"]));
    assert_eq!(head["totalAmount"].to_string(), "64.73", "the sum is not that of all orders");
    // Only of payments is there such a thing.
    let carrier = market.server.seller(CARRIER).await;
    let way = signed(&waybill(&code(&carrier, CARRIER).await, import, "TF1", "示例路1号", 62));
    let odd = json!({ "message": way, "forward": true, "payment": original });
    assert_eq!(carrier.refused("giveCustomsPaper", odd).await, [("INVALID_VALUE".into(), "payment".into())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_order_one_inquiry_is_open_and_the_newest_is_answered() {
    let customs = Receiver::with(|n, _| {
        let refused = r#"{"code":"20004","message":"证书未注册"}"#;
        ("200 OK".into(), if n == 0 { refused.into() } else { TAKEN.into() })
    })
    .await;
    let border = Border::with(&[("CHAMA_CUSTOMS_PAYMENT_DATA_URL", &customs.url)], json!({})).await;
    let server = &border.market.server;
    let buyer = border.market.identified(1).await;
    let order = border.bought(&buyer, 1, "").await;
    assert_eq!(asked(server, &order, "S1").await, "10000");
    border.market.worked().await;
    assert_eq!(open(&border).await.len(), 1, "what customs did not take is given up");
    for session in ["S2", "S3", "S4"] {
        assert_eq!(asked(server, &order, session).await, "10000");
        let waiting = open(&border).await;
        assert!(waiting.len() == 1 && waiting[0].contains(session), "inquiries pile up: {waiting:?}");
    }
    border.market.worked().await;
    let sessions: Vec<Value> = told(&customs).iter().map(|told| told["sessionID"].clone()).collect();
    assert_eq!(sessions, ["S1", "S4"]);
    assert_eq!(open(&border).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_about_payments_too_often_has_to_wait() {
    let settings =
        [("CHAMA_LIMITS_ENABLED", "true"), ("CHAMA_LIMITS_INQUIRY_BURST", "3"), ("CHAMA_LIMITS_INQUIRY", "60")];
    // From an address that nobody else has: tests may share a Redis, which remembers.
    let (high, low) = uuid::Uuid::new_v4().as_u64_pair();
    let address = format!("2001:db8:{:x}:{:x}::1", high & 0xffff, low & 0xffff);
    let proxies = [("CHAMA_SERVER_TRUSTED_PROXIES", "127.0.0.0/8")];
    let server = TestServer::with(&[settings.as_slice(), &proxies].concat()).await;
    let ask = async || {
        let url = format!("{}/customs/platDataOpen", server.url);
        let asked = server.http().post(url).header("x-forwarded-for", &address).form(&[("openReq", "{}")]);
        asked.send().await.unwrap()
    };
    for n in 0..3 {
        assert_eq!(ask().await.status(), 200, "inquiry {n}");
    }
    let refused = ask().await;
    assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().unwrap()), (429, "1"));
    server.wait(chrono::Duration::seconds(1));
    assert_eq!(ask().await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_bridge_strangers_are_not_listened_to_and_the_sandbox_is_no_payment() {
    let bridge = Receiver::with(|_, _| ("200 OK".into(), "OK".into())).await;
    let customs = Receiver::with(|_, _| ("200 OK".into(), TAKEN.into())).await;
    let file = |name: &str| root().join("api/platform/src/xmlsig/testdata").join(name).to_string_lossy().into_owned();
    let (key, certificate) = (file("sm2-key.pem"), file("sm2-cert.pem"));
    let settings = [
        ("CHAMA_CUSTOMS_GATEWAY", "eport"),
        ("CHAMA_CUSTOMS_EPORT_URL", bridge.url.as_str()),
        ("CHAMA_CUSTOMS_EPORT_SENDER_ID", "6301960001"),
        ("CHAMA_CUSTOMS_EPORT_SECRET", "both-ends"),
        ("CHAMA_CUSTOMS_SIGNING_KEY_FILE", key.as_str()),
        ("CHAMA_CUSTOMS_SIGNING_CERTIFICATE_FILE", certificate.as_str()),
        ("CHAMA_CUSTOMS_PAYMENT_DATA_URL", customs.url.as_str()),
    ];
    let border = Border::with(&settings, json!({})).await;
    let server = &border.market.server;
    let buyer = border.market.identified(1).await;
    let order = border.bought(&buyer, 1, "").await;
    assert_eq!(bridge.received().len(), 2, "order and payment are not handed over");
    assert_eq!(asked(server, &order, "S1").await, "20003");
    border.market.worked().await;
    assert!(customs.received().is_empty(), "customs is told of money that is none");

    // Nothing of the body is sent; the answer comes all the same.
    for secret in ["", "authorization: Bearer both-endS\r\n"] {
        assert!(refused_unread(server, secret).await.starts_with("HTTP/1.1 401"), "a stranger's body is waited for");
    }
    let url = format!("{}/customs/receipts", server.url);
    let known = server.http().post(&url).bearer_auth("both-ends").body("{}").send().await.unwrap();
    assert_eq!(known.status(), 200, "what the gateway says is kept, whatever it is");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_simulator_who_shows_no_proof_is_not_listened_to_either() {
    let server = TestServer::start().await;
    assert!(refused_unread(&server, "").await.starts_with("HTTP/1.1 401"), "a stranger's body is waited for");
}

/// The answer to a push whose body never comes.
async fn refused_unread(server: &TestServer, header: &str) -> String {
    let address = server.url.strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let head =
        format!("POST /customs/receipts HTTP/1.1\r\nhost: {address}\r\n{header}content-length: 20000000\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 64];
    let read = tokio::time::timeout(std::time::Duration::from_secs(5), stream.read(&mut answer)).await;
    let read = read.map_or(0, |read| read.unwrap_or(0));
    String::from_utf8_lossy(&answer[..read]).into_owned()
}
