//! The bridge of the e-port, spoken to over HTTP: what goes out, signed and in its envelope; what each answer means; a
//! bridge that stays away; and what is pushed back.

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use api::{
    app::App,
    config::Config,
    platform::{
        customs::{CustomsGateway, Failure, Outgoing, eport::Bridge},
        jobs::MAX_ATTEMPTS,
        xmlsig,
    },
};
use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::Duration;
use entities::{
    customs::{
        ceb::{self, Document, Message, Record, kind},
        codes,
    },
    platform::job,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{
    Border, CARRIER, DECLARER,
    messages::{official, shared},
    paper,
};
use crate::{
    house::root,
    ordering::Market,
    support::{
        OTHER_SELLER, TestServer, dawn,
        receiver::{Received, Receiver},
    },
};

const SENDER: &str = "6301960001";
const SECRET: &str = "both-ends";

/// What the bridge answers when it has a message.
fn taken() -> (String, String) {
    ("200 OK".into(), "OK".into())
}

/// The settings of a house that goes over a bridge, and signs with a key of its own.
fn settings(url: &str) -> [(&'static str, String); 6] {
    let file = |name: &str| root().join("api/platform/src/xmlsig/testdata").join(name).to_string_lossy().into_owned();
    [
        ("CHAMA_CUSTOMS_GATEWAY", "eport".into()),
        ("CHAMA_CUSTOMS_EPORT_URL", format!("{url}/cebcmsg")),
        ("CHAMA_CUSTOMS_EPORT_SENDER_ID", SENDER.into()),
        ("CHAMA_CUSTOMS_EPORT_SECRET", SECRET.into()),
        ("CHAMA_CUSTOMS_SIGNING_KEY_FILE", file("sm2-key.pem")),
        ("CHAMA_CUSTOMS_SIGNING_CERTIFICATE_FILE", file("sm2-cert.pem")),
    ]
}

fn borrowed<'a>(settings: &'a [(&'a str, String)]) -> Vec<(&'a str, &'a str)> {
    settings.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

async fn behind(bridge: &Receiver) -> Border {
    Border::with(&borrowed(&settings(&bridge.url)), json!({})).await
}

/// A bridge that is away while the switch is on.
async fn away() -> (Receiver, Arc<AtomicBool>) {
    let switch = Arc::new(AtomicBool::new(true));
    let is_away = switch.clone();
    let bridge = Receiver::with(move |_, _| {
        if is_away.load(Ordering::SeqCst) { ("503 Service Unavailable".into(), String::new()) } else { taken() }
    });
    (bridge.await, switch)
}

/// A message as it came over the bridge.
struct Handed {
    /// What the JSON around it says.
    head: Value,
    /// Its envelope, `DxpMsg`.
    envelope: String,
    /// The message of customs.
    text: String,
}

impl Handed {
    fn read(&self) -> Message {
        ceb::read(self.text.as_bytes()).unwrap()
    }

    fn number(&self) -> u16 {
        self.read().kind.number
    }
}

fn handed(request: &Received) -> Handed {
    let body: Value = serde_json::from_str(&request.body).unwrap();
    let message = &body["message"];
    let envelope = BASE64_STANDARD.decode(message["messageBody"]["data"].as_str().unwrap()).unwrap();
    let data = ceb::enveloped(&envelope).unwrap().expect("an envelope");
    let text = String::from_utf8(BASE64_STANDARD.decode(data).unwrap()).unwrap();
    Handed { head: message["messageHead"].clone(), envelope: String::from_utf8(envelope).unwrap(), text }
}

/// What came over a bridge of one kind, in its order.
fn of_kind(bridge: &Receiver, number: u16) -> Vec<Handed> {
    bridge.received().iter().map(handed).filter(|one| one.number() == number).collect()
}

/// Holds what went out against the house's certificate and the official schemas.
fn holds(app: &App, sent: &[Handed]) {
    for one in sent {
        let proved = xmlsig::verify(&one.text, &app.signing().own(), app.clock().now());
        assert!(proved.is_ok(), "CEB{} is declared without a signature that holds: {:?}", one.number(), proved.err());
    }
    let named = |(n, one): (usize, &Handed)| (format!("{n}-CEB{}", one.number()), one.text.clone());
    official(&sent.iter().enumerate().map(named).collect::<Vec<_>>());
    let envelopes: Vec<&str> = sent.iter().map(|one| one.envelope.as_str()).collect();
    if let Some(fit) = fit(&envelopes) {
        assert_eq!(fit, vec![true; sent.len()], "an envelope is not as its schema wants it: {envelopes:#?}");
    }
}

/// Says of each file whether the schema of the terminal node takes it.
const VALIDATOR: &str = "import sys\n\
    from lxml import etree\n\
    schema = etree.XMLSchema(etree.parse(sys.argv[1]))\n\
    for file in sys.argv[2:]:\n    \
        print('ok' if schema.validate(etree.parse(file)) else 'FAIL')\n";

/// Whether the official schema takes envelopes; none: it is not beside the project, or there is no validator.
fn fit(envelopes: &[&str]) -> Option<Vec<bool>> {
    let schema = shared("data/ceb/terminal-202205.xsd")?;
    let Ok(python) = std::env::var("CHAMA_TEST_PYTHON") else {
        println!("CHAMA_TEST_PYTHON names no Python with lxml: nothing is tried against the official schemas");
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut told = Command::new(python);
    told.arg("-c").arg(VALIDATOR).arg(schema);
    for (n, envelope) in envelopes.iter().enumerate() {
        let file = folder.path().join(format!("{n}.xml"));
        std::fs::write(&file, envelope).unwrap();
        told.arg(file);
    }
    let told = told.output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    Some(String::from_utf8_lossy(&told.stdout).lines().map(|line| line == "ok").collect())
}

/// What customs says of a message that went out.
fn receipt(app: &App, sent: &Handed, status: &str) -> String {
    let read = sent.read();
    let (number, head) = (read.kind.number + 1, &read.documents[0].head);
    let names: &[&str] = match number {
        312 => &["guid", "ebpCode", "ebcCode", "orderNo"],
        412 => &["guid", "payCode", "payTransactionId"],
        512 => &["guid", "logisticsCode", "logisticsNo"],
        _ => &["guid", "customsCode", "ebpCode", "ebcCode", "agentCode", "copNo"],
    };
    let mut said = names.iter().fold(Record::default(), |said, name| said.with_some(name, head.get(name)));
    if number == 622 {
        said = said.with("preNo", "B20260301000000001").with("invtNo", "97012026I000000001");
    }
    let said = said
        .with("returnStatus", status)
        .with("returnTime", codes::moment_of_receipt(app.clock().now()))
        .with("returnInfo", "海关回执");
    let document = Document { head: said, lines: Vec::new() };
    let guid = format!("55555555-AAAA-4BBB-8CCC-{number:012}");
    Message::new(kind(number).unwrap(), guid, vec![document]).write().unwrap()
}

/// Pushes a message to the house as the bridge does; answers with the status.
async fn pushed(server: &TestServer, secret: &str, text: &str) -> u16 {
    let envelope = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><DxpMsg xmlns=\"http://www.chinaport.gov.cn/dxp\" ver=\"1.0\">\
         <TransInfo><CopMsgId>R-1</CopMsgId><SenderId>CHINAPORT</SenderId><ReceiverIds>\
         <ReceiverId>{SENDER}</ReceiverId></ReceiverIds><CreatTime>2026-03-01T16:00:00</CreatTime>\
         <MsgType>CEBMessage</MsgType></TransInfo><Data>{}</Data></DxpMsg>",
        BASE64_STANDARD.encode(text)
    );
    let body = json!({ "message": {
        "messageHead": { "version": "1.0", "messageId": "R-1", "senderID": "CHINAPORT", "receiverID": SENDER,
            "sendTime": "20260301160000", "messageType": "CEBMessage.xml" },
        "messageBody": { "data": BASE64_STANDARD.encode(envelope) } } });
    let url = format!("{}/customs/receipts", server.url);
    server.http().post(url).bearer_auth(secret).json(&body).send().await.unwrap().status().as_u16()
}

/// Customs says something of a message that went out, and what follows from it is done.
async fn answered(border: &Border, sent: &Handed, status: &str) {
    let text = receipt(border.market.app(), sent, status);
    assert_eq!(pushed(&border.market.server, SECRET, &text).await, 200);
    border.market.worked().await;
}

/// The work list of an operator.
async fn to_do(server: &TestServer) -> Vec<Value> {
    let query = "{ declarations(filter: { toDo: true }) { nodes { id document state alarm overdue } } }";
    let seen = server.operator().await.data(query, json!({})).await;
    seen["declarations"]["nodes"].as_array().unwrap().clone()
}

async fn dead_letters(server: &TestServer) -> Vec<Value> {
    let query = "{ deadLetters { nodes { id kind attempts reason } } }";
    let seen = server.operator().await.data(query, json!({})).await;
    seen["deadLetters"]["nodes"].as_array().unwrap().clone()
}

/// Hands a message over to whatever is behind an address: taken, again, or the code with which it is refused.
async fn fate(url: &str, seconds: &str) -> String {
    let named = settings(url).into_iter().chain([("CHAMA_CUSTOMS_TIMEOUT", seconds.to_owned())]);
    let config = Config::load(None, named.map(|(name, value)| (name.to_owned(), value))).unwrap();
    let text = "<?xml version=\"1.0\"?><a>报文</a>".to_owned();
    let message = Outgoing { id: "M-1".into(), kind: 311, text, document: "XN1".into(), at: dawn() };
    match Bridge::new(&config.customs).unwrap().send(&message).await {
        Ok(()) => "taken".into(),
        Err(Failure::Unavailable(_)) => "again".into(),
        Err(Failure::Refused { code, .. }) => code,
        Err(other) => other.told(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_bridge_answers_is_taken_tried_again_or_refused() {
    let large = "x".repeat(64 * 1024 + 1);
    let cases = [
        ("200 OK", "OK", "taken"),
        ("200 OK", " ok\r\n", "taken"),
        ("202 Accepted", "OK", "taken"),
        // What is about the platform's own state goes away.
        ("200 OK", "3001", "again"),
        ("200 OK", "3002 连接失败", "again"),
        ("400 Bad Request", "3003: timeout", "again"),
        // What is about the message does not.
        ("200 OK", "0001", "0001"),
        ("400 Bad Request", "0002 报文不符合 schema", "0002"),
        ("200 OK", "1001 验签失败", "1001"),
        ("400 Bad Request", "1004", "1004"),
        ("200 OK", "2001 接收方不存在", "2001"),
        ("400 Bad Request", "OK", "OK"),
        ("200 OK", "", ""),
        // Whatever else is wrong at the other end is not the message's fault, whatever stands in the answer.
        ("500 Internal Server Error", "1001", "again"),
        ("502 Bad Gateway", "<html></html>", "again"),
        ("503 Service Unavailable", "OK", "again"),
        ("401 Unauthorized", "", "again"),
        ("404 Not Found", "0002", "again"),
        ("429 Too Many Requests", "", "again"),
        ("200 OK", large.as_str(), "it cannot be read: an answer that is far too large"),
    ];
    for (status, body, expected) in cases {
        let answer = (status.to_owned(), body.to_owned());
        let bridge = Receiver::with(move |_, _| answer.clone()).await;
        assert_eq!(fate(&bridge.url, "15").await, expected, "{status} {}", body.chars().take(20).collect::<String>());
        assert_eq!(bridge.received().len(), 1, "{status}: it was handed over more than once");
    }
    // One that takes connections and says nothing, and one that is not there.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    assert_eq!(fate(&url, "1").await, "again", "a bridge that does not answer has refused");
    drop(silent);
    assert_eq!(fate(&url, "1").await, "again", "a bridge that is not there has refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_goes_over_the_bridge_signed_and_is_released_by_what_is_pushed_back() {
    let bridge = Receiver::with(|_, _| taken()).await;
    let border = behind(&bridge).await;
    let (server, app) = (&border.market.server, border.market.app());
    let buyer = border.market.identified(1).await;
    let order = border.bought(&buyer, 1, "").await;
    let newest = |number: u16| of_kind(&bridge, number).pop().unwrap_or_else(|| panic!("no CEB{number} went out"));
    for (number, kind) in [(311, "ORDER"), (411, "PAYMENT")] {
        let sent = newest(number);
        // Nobody but the bridge says what customs says.
        let text = receipt(app, &sent, "120");
        assert_eq!(pushed(server, "both-endS", &text).await, 401);
        assert_eq!(paper(&border.order(&buyer, &order).await["declaration"], kind)["state"], "SENT");
        answered(&border, &sent, "120").await;
        assert_eq!(paper(&border.order(&buyer, &order).await["declaration"], kind)["state"], "ACCEPTED");
    }
    assert!(of_kind(&bridge, 511).is_empty(), "there is no waybill yet");
    border.waybill(&order, "YT0000000001").await;
    answered(&border, &newest(511), "120").await;
    let declared = border.order(&buyer, &order).await["declaration"].clone();
    assert_eq!(declared["state"], "DECLARING", "three papers were taken in, and no list follows: {declared:#}");
    answered(&border, &newest(621), "800").await;
    let released = border.order(&buyer, &order).await["declaration"].clone();
    let number = json!("97012026I000000001");
    assert_eq!((&released["state"], &released["listNumber"]), (&json!("RELEASED"), &number), "{released:#}");
    assert_eq!(to_do(server).await, Vec::<Value>::new());

    let requests = bridge.received();
    let sent: Vec<Handed> = requests.iter().map(handed).collect();
    assert_eq!(sent.iter().map(Handed::number).collect::<Vec<_>>(), [311, 411, 511, 621]);
    for (request, one) in requests.iter().zip(&sent) {
        assert_eq!(request.target, "POST /cebcmsg");
        assert_eq!(request.header("authorization"), format!("Bearer {SECRET}"));
        assert_eq!((&one.head["senderID"], &one.head["receiverID"]), (&json!(SENDER), &json!("CHINAPORT")));
        assert_eq!(one.head["messageType"], format!("CEB{}Message.xml", one.number()));
        let known_as = format!("<CopMsgId>{}</CopMsgId>", one.head["messageId"].as_str().unwrap());
        assert!(one.envelope.contains(&known_as), "the envelope has another number than what is around it");
        assert_eq!(one.read().documents[0].head.get("appStatus"), Some("2"));
    }
    holds(app, &sent);
    // Why the settings refuse a sender of 18: the envelope does not take it.
    let uscc = sent[0].envelope.replace(&format!(">{SENDER}<"), ">91630100MA75T40X36<");
    if let Some(fit) = fit(&[uscc.as_str()]) {
        assert_eq!(fit, [false], "a social credit code fits into an envelope after all");
    }
    border.market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_that_stays_away_is_asked_again_and_again_until_an_operator_replays_what_was_given_up() {
    let (bridge, is_away) = away().await;
    let border = behind(&bridge).await;
    let market = &border.market;
    let buyer = market.identified(1).await;
    let order = border.bought(&buyer, 1, "").await;
    let last = usize::try_from(MAX_ATTEMPTS).unwrap();
    for n in 1..=last {
        if n > 1 {
            // Longer than any wait between two attempts.
            market.wait(Duration::hours(8));
            market.worked().await;
        }
        assert_eq!(of_kind(&bridge, 311).len(), n, "attempt {n}");
        let todo = to_do(&market.server).await;
        let alarm = todo.first().map_or("", |row| row["alarm"].as_str().unwrap());
        let expected = if n < 6 {
            ""
        } else if n < last {
            "CEB311 does not get to customs; it is sent again"
        } else {
            "CEB311 did not get to customs and is not sent again: it is among the dead letters"
        };
        assert_eq!(alarm, expected, "attempt {n}: {todo:#?}");
        assert_eq!(dead_letters(&market.server).await.len(), usize::from(n == last), "attempt {n}");
    }
    let todo = to_do(&market.server).await;
    assert_eq!((&todo[0]["document"], &todo[0]["overdue"]), (&order["number"], &json!(false)));
    let dead = dead_letters(&market.server).await;
    assert_eq!((&dead[0]["kind"], &dead[0]["attempts"]), (&json!("customs.send"), &json!(MAX_ATTEMPTS)));
    assert!(dead[0]["reason"].as_str().unwrap().contains("503"), "{dead:#?}");
    let buyer = market.server.consumer(1).await;
    let seen = border.order(&buyer, &order).await["declaration"].clone();
    assert_eq!(paper(&seen, "ORDER")["state"], "SENT", "a bridge that is away refused it: {seen:#}");
    // What stands behind the dead letter does not wait for it.
    assert!(!of_kind(&bridge, 411).is_empty());

    is_away.store(false, Ordering::SeqCst);
    let replay = json!({ "id": dead[0]["id"] });
    market.server.operator().await.done("replayDeadLetter", "deadLetter { state attempts }", replay).await;
    market.wait(Duration::minutes(1));
    market.worked().await;
    let sent = of_kind(&bridge, 311);
    assert_eq!(sent.len(), last + 1);
    let same = |one: &Handed| (&one.head["messageId"], &one.text) == (&sent[0].head["messageId"], &sent[0].text);
    assert!(sent.iter().all(same), "what is tried again is another message");
    assert_eq!(dead_letters(&market.server).await, Vec::<Value>::new());
    assert_eq!(to_do(&market.server).await, Vec::<Value>::new(), "it got through, and stays on the work list");
    answered(&border, &sent[0], "120").await;
    let buyer = market.server.consumer(1).await;
    let seen = border.order(&buyer, &order).await["declaration"].clone();
    assert_eq!(paper(&seen, "ORDER")["state"], "ACCEPTED", "{seen:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_bridge_refuses_has_failed_and_goes_out_as_another_message_once_it_is_pushed() {
    let refuses = Arc::new(AtomicBool::new(true));
    let refusing = refuses.clone();
    let bridge = Receiver::with(move |_, request| {
        let refused = refusing.load(Ordering::SeqCst) && handed(request).number() == 311;
        if refused { ("400 Bad Request".into(), "0002 报文不符合 schema".into()) } else { taken() }
    })
    .await;
    let border = behind(&bridge).await;
    let market = &border.market;
    let buyer = market.identified(1).await;
    let order = border.bought(&buyer, 1, "").await;
    let seen = border.order(&buyer, &order).await["declaration"].clone();
    let failed = paper(&seen, "ORDER");
    assert_eq!((&failed["state"], &failed["attempt"]), (&json!("FAILED"), &json!(1)), "{seen:#}");
    assert!(failed["info"].as_str().unwrap().contains("0002"), "nobody is told why: {failed:#}");
    assert_eq!(paper(&seen, "PAYMENT")["state"], "SENT", "one paper that is refused keeps the others");
    let todo = to_do(&market.server).await;
    assert_eq!((&todo[0]["document"], &todo[0]["state"]), (&order["number"], &json!("REJECTED")));
    let query = "{ customsMessages(filter: { verdicts: [UNDELIVERABLE] }) { nodes { reason } } }";
    let kept = market.server.operator().await.data(query, json!({})).await["customsMessages"]["nodes"].clone();
    assert!(kept[0]["reason"].as_str().unwrap().contains("0002"), "{kept:#}");
    market.wait(Duration::hours(8));
    market.worked().await;
    assert_eq!(of_kind(&bridge, 311).len(), 1, "what was refused is handed over again");
    assert_eq!(dead_letters(&market.server).await, Vec::<Value>::new());

    refuses.store(false, Ordering::SeqCst);
    let push = json!({ "id": todo[0]["id"] });
    border.seller().await.done("pushDeclaration", "declaration { state }", push).await;
    market.worked().await;
    let sent = of_kind(&bridge, 311);
    assert_eq!(sent.len(), 2);
    assert_ne!(sent[0].head["messageId"], sent[1].head["messageId"]);
    assert_ne!(sent[0].read().guid, sent[1].read().guid, "what was mended has the number of what was refused");
    holds(market.app(), &sent);
    let buyer = market.server.consumer(1).await;
    let seen = border.order(&buyer, &order).await["declaration"].clone();
    let again = paper(&seen, "ORDER");
    assert_eq!((&again["state"], &again["attempt"]), (&json!("SENT"), &json!(2)), "{seen:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_goes_out_signed_and_rings_while_it_does_not_get_through() {
    let (bridge, is_away) = away().await;
    let market = Market::with(&borrowed(&settings(&bridge.url))).await;
    let server = &market.server;
    let yuan = |amount: &str| json!({ "amount": amount, "currency": "CNY" });
    let sale = json!({ "mode": "PARCEL", "flag": "SUMMARY", "orderNumber": "EX-1", "platformCode": "6301960001",
        "platformName": "示例平台", "ownerName": "示例织造", "currency": "CNY", "freight": yuan("0"),
        "insurance": yuan("0"), "destination": "DE", "portOfDestination": "1502", "customsCode": "9701",
        "portCode": "9701", "trafMode": "5", "grossWeightG": 12_500, "netWeightG": 12_000,
        "waybill": "EE000000001CN", "lines": [{ "itemNo": "RUG-1", "hsCode": "5701100000", "name": "羊毛地毯",
            "specification": "手工打结", "unit": "020", "quantity": "2", "unit1": "032", "quantity1": "12",
            "unitPrice": yuan("1000.00"), "refund": true }] });
    let input = json!({ "declarerId": server.organisation(DECLARER).await,
        "carrierId": server.organisation(CARRIER).await,
        "siteId": server.organisation("xining-bonded-warehouse").await, "sale": sale });
    let made = server.seller(OTHER_SELLER).await.done("declareExport", "declaration { id }", input).await;
    let query = "query($id: ID!) { exportDeclaration(id: $id) { state alarm documents { kind state } } }";
    let seen = async || {
        let id = json!({ "id": made["declaration"]["id"] });
        server.seller(OTHER_SELLER).await.data(query, id).await["exportDeclaration"].clone()
    };
    for n in 1..=6 {
        market.worked().await;
        assert_eq!(bridge.received().len(), n);
        let alarm = seen().await["alarm"].clone();
        let number = handed(&bridge.received()[0]).number();
        let rings = json!(format!("CEB{number} does not get to customs; it is sent again"));
        assert_eq!(alarm, if n < 6 { Value::Null } else { rings }, "attempt {n}");
        // Longer than the wait after the sixth attempt.
        market.wait(Duration::hours(1));
    }
    is_away.store(false, Ordering::SeqCst);
    market.worked().await;
    let through = seen().await;
    assert_eq!(through["alarm"], Value::Null, "it got through, and rings on: {through:#}");
    for kind in ["EXPORT_ORDER", "EXPORT_WAYBILL"] {
        assert_eq!(paper(&through, kind)["state"], "SENT", "{through:#}");
    }
    let sent = [of_kind(&bridge, 303).pop().unwrap(), of_kind(&bridge, 505).pop().unwrap()];
    holds(market.app(), &sent);
}

/// A bridge that is away, and from the switch on takes what comes and never answers; answers with its address.
async fn mute(is_mute: Arc<AtomicBool>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            if !is_mute.load(Ordering::SeqCst) {
                let mut head = [0; 1_024];
                let _ = stream.read(&mut head).await;
                let away = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                let _ = stream.write_all(away.as_bytes()).await;
            }
            held.push(stream);
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn what_its_time_limit_stopped_on_the_last_attempt_is_an_alarm_too() {
    let is_mute = Arc::new(AtomicBool::new(false));
    let settings = settings(&mute(is_mute.clone()).await);
    let slow = [("CHAMA_JOBS_LEASE", "5"), ("CHAMA_WEBHOOKS_TIMEOUT", "3"), ("CHAMA_CUSTOMS_TIMEOUT", "60")];
    let settings: Vec<_> = borrowed(&settings).into_iter().chain(slow).collect();
    let border = Border::with(&settings, json!({})).await;
    let market = &border.market;
    let buyer = market.identified(1).await;
    border.bought(&buyer, 1, "").await;
    assert_eq!(to_do(&market.server).await, Vec::<Value>::new());
    is_mute.store(true, Ordering::SeqCst);
    let nearly = job::Entity::update_many()
        .col_expr(job::Column::Attempts, Expr::val(MAX_ATTEMPTS - 1))
        .filter(job::Column::Kind.eq("customs.send"));
    assert_eq!(nearly.exec(market.app().db().writer()).await.unwrap().rows_affected, 2, "order and payment");
    market.wait(Duration::hours(8));
    market.worked().await;
    let dead = dead_letters(&market.server).await;
    assert!(dead.iter().all(|dead| dead["reason"].as_str().unwrap().contains("too long")), "{dead:#?}");
    assert_eq!(dead.len(), 2);
    let todo = to_do(&market.server).await;
    let alarm = todo.first().map_or("", |row| row["alarm"].as_str().unwrap_or_default());
    assert!(alarm.contains("is not sent again: it is among the dead letters"), "nobody is told: {todo:#?}");
}
