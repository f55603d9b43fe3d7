//! Papers of other parties: whose they are, whether they are signed, and what is kept of what is refused.

use std::sync::LazyLock;

use api::platform::xmlsig::Signer;
use entities::customs::{
    ceb::{Document, Message, Record, kind},
    codes,
};
use entities::payments::payment as row;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};

use super::{Border, CARRIER, PAYER, paper};
use crate::{
    ordering::{FIRST_ID, SECOND_ID, Sale, paid, placing, put, quoted},
    support::{Client, OTHER_SELLER},
};

const KEY: &str = include_str!("../../../api/platform/src/xmlsig/testdata/rsa-key.pem");
const CERTIFICATE: &str = include_str!("../../../api/platform/src/xmlsig/testdata/rsa-cert.pem");

fn stamp(n: u32) -> Record {
    Record::default()
        .with("guid", format!("22222222-AAAA-4BBB-8CCC-{n:012}"))
        .with("appType", "1")
        .with("appTime", "20260301160000")
        .with("appStatus", "2")
}

fn message(number: u16, n: u32, head: Record) -> String {
    of_document(number, n, Document { head, lines: Vec::new() })
}

fn of_document(number: u16, n: u32, document: Document) -> String {
    let transfer = Record::default()
        .with("copCode", "6301785398")
        .with("copName", "报关")
        .with("dxpMode", "DXP")
        .with("dxpId", "DXPENT0000000001");
    let message = Message {
        transfer: Some(transfer),
        ..Message::new(kind(number).unwrap(), format!("33333333-AAAA-4BBB-8CCC-{n:012}"), vec![document])
    };
    message.write().unwrap()
}

/// A folder with the certificate of the parties of these tests.
static TRUSTED: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("parties.pem"), CERTIFICATE).unwrap();
    folder
});

/// Settings of a house that trusts them.
pub fn trusting() -> [(&'static str, &'static str); 1] {
    [("CHAMA_CUSTOMS_SIGNING_TRUSTED_FOLDER", TRUSTED.path().to_str().unwrap())]
}

/// A message with their signature.
pub fn signed(plain: &str) -> String {
    let signature = Signer::from_pem(KEY, CERTIFICATE).unwrap().sign(plain).unwrap();
    let end = plain.rfind("</ceb:CEB").unwrap();
    format!("{}{signature}{}", &plain[..end], &plain[end..])
}

pub fn waybill(code: &str, order: &Value, number: &str, address: &str, n: u32) -> String {
    let head = stamp(n)
        .with("logisticsCode", code)
        .with("logisticsName", "唐蕃通")
        .with("logisticsNo", number)
        .with("orderNo", order["number"].as_str().unwrap())
        .with("freight", "0")
        .with("insuredFee", "0")
        .with("currency", "142")
        .with("weight", "5.3")
        .with("packNo", "1")
        .with("consignee", "测试甲")
        .with("consigneeAddress", address)
        .with("consigneeTelephone", "13800000000");
    message(511, n, head)
}

pub fn payment(code: &str, order: &Value, transaction: &str, payer: &str, n: u32) -> String {
    let head = stamp(n)
        .with("payCode", code)
        .with("payName", "河湟通商银行")
        .with("payTransactionId", transaction)
        .with("orderNo", order["number"].as_str().unwrap())
        .with("ebpCode", "91630100MA75T40X36")
        .with("ebpName", "平台")
        .with("payerIdType", "1")
        .with("payerIdNumber", payer)
        .with("payerName", "测试甲")
        .with("amountPaid", codes::yuan(4_473))
        .with("currency", "142")
        .with("payTime", "20260301160000");
    message(411, n, head)
}

/// The institution's number of the transaction that paid an order.
async fn transaction(border: &Border, order: &Value) -> String {
    let number = order["number"].as_str().unwrap();
    let of_checkout = row::Entity::find().filter(row::Column::Document.eq(&number[..number.len() - 2]));
    let paid = of_checkout.one(border.market.app().db().read()).await.unwrap().unwrap();
    paid.reference.unwrap()
}

pub async fn code(client: &Client, slug: &str) -> String {
    let query = format!("{{ organisation(by: {{ slug: \"{slug}\" }}) {{ customsCode uscc }} }}");
    let row = client.data(&query, json!({})).await["organisation"].clone();
    row["customsCode"].as_str().or(row["uscc"].as_str()).unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn three_parties_give_their_papers_each_for_itself() {
    let border = Border::with(&trusting(), json!({ "waybillByParty": true })).await;
    let server = &border.market.server;
    let buyer = border.market.identified(1).await;
    let carrier = server.seller(CARRIER).await;
    let own = code(&border.seller().await, CARRIER).await;
    let order = border.bought(&buyer, 10, "").await;
    let give = |text: String| json!({ "message": signed(&text), "forward": true });
    // Another one's waybill is not taken.
    let foreign = waybill("6301980002", &order, "TF1", "示例路1号", 1);
    assert_eq!(
        carrier.refused("giveCustomsPaper", give(foreign)).await[0],
        ("MESSAGE_INVALID".into(), "message".into())
    );
    // The address is another one than that of the order: it does not match, and nothing is declared.
    let odd = waybill(&own, &order, "TF1", "示例路１号", 2);
    let copy = json!({ "message": odd });
    carrier.done("giveCustomsPaper", "paper { id state sentByParty }", copy).await;
    border.market.worked().await;
    let seen = border.order(&buyer, &order).await;
    let declaration = &seen["declaration"];
    assert_eq!((&declaration["state"], &declaration["blockers"]), (&json!("MISMATCHED"), &json!(["MISMATCH"])));
    let wrong: Vec<&Value> =
        declaration["matches"].as_array().unwrap().iter().filter(|row| row["verdict"] == "MISMATCH").collect();
    assert_eq!(wrong.len(), 1, "{wrong:#?}");
    assert!(wrong[0]["reason"].as_str().is_some_and(|reason| !reason.is_empty()));
    assert!(!wrong[0].to_string().contains("示例路1号"), "a match shows an address");
    // Mended as a change, it goes on. The simulator has not been told by the carrier: the house's list is refused as
    // customs would refuse it.
    let mended = waybill(&own, &order, "TF1", "示例路1号", 3).replace("<ceb:appType>1<", "<ceb:appType>2<");
    carrier.done("giveCustomsPaper", "paper { state }", json!({ "message": mended })).await;
    border.market.worked().await;
    let seen = border.order(&buyer, &order).await;
    assert_eq!(seen["declaration"]["state"], "REJECTED");
    assert!(paper(&seen["declaration"], "LIST")["info"].as_str().unwrap().contains("运单不存在"), "{seen:#}");

    // Sent by the house for the carrier, with the carrier's own signature.
    let order = border.bought(&buyer, 10, "").await;
    let text = waybill(&own, &order, "TF2", "示例路1号", 4);
    let given = carrier.done("giveCustomsPaper", "paper { id state }", give(text.clone())).await["paper"].clone();
    let again = carrier.done("giveCustomsPaper", "paper { id state }", give(text)).await["paper"].clone();
    assert_eq!(given["id"], again["id"], "the same waybill is two");
    border.market.worked().await;
    let seen = border.order(&buyer, &order).await;
    assert_eq!(seen["declaration"]["state"], "RELEASED", "{:#}", seen["declaration"]);
    assert_eq!(seen["declaration"]["waybill"], "TF2");
    let twice = waybill(&own, &order, "TF3", "示例路1号", 5);
    assert_eq!(
        carrier.refused("giveCustomsPaper", give(twice)).await[0].0,
        "ALREADY_TAKEN",
        "an order has two waybills"
    );
    border.market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_comes_before_its_order_waits_for_it_and_the_payer_is_the_buyer() {
    let border = Border::with(&trusting(), json!({ "paymentByParty": true })).await;
    let bank = border.market.server.seller(PAYER).await;
    let own = code(&bank, PAYER).await;
    let buyer = border.market.identified(1).await;
    for (n, payer, state) in [(11, "630103199001010028", "MISMATCHED"), (12, "63010319900101001X", "RELEASED")] {
        let order = border.declared(&buyer, 1, "").await;
        assert_eq!(border.order(&buyer, &order).await["declaration"]["blockers"], json!(["NO_PAYMENT"]));
        let text = payment(&own, &order, &transaction(&border, &order).await, payer, n);
        bank.done("giveCustomsPaper", "paper { state }", json!({ "message": signed(&text), "forward": true })).await;
        border.market.worked().await;
        let seen = border.order(&buyer, &order).await;
        assert_eq!(seen["declaration"]["state"], state, "{:#}", seen["declaration"]);
    }
    border.market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_paper_is_refused_kept_and_changes_nothing() {
    let border = Border::with(&trusting(), json!({ "waybillByParty": true })).await;
    let carrier = border.market.server.seller(CARRIER).await;
    let own = code(&carrier, CARRIER).await;
    let buyer = border.market.identified(1).await;
    let order = border.bought(&buyer, 1, "").await;
    let plain = waybill(&own, &order, "TF9", "示例路1号", 9);
    let signed = signed(&plain);
    let own_key = include_str!("../../../api/platform/src/xmlsig/testdata/sm2-key.pem");
    let own_certificate = include_str!("../../../api/platform/src/xmlsig/testdata/sm2-cert.pem");
    let stranger = Signer::from_pem(own_key, own_certificate).unwrap().sign(&plain).unwrap();
    let strange = plain.replace("</ceb:CEB511Message>", &format!("{stranger}</ceb:CEB511Message>"));
    let entity = plain.replacen("?>", "?><!DOCTYPE a [<!ENTITY b \"c\">]>", 1);
    let cases = [
        ("nothing", String::new(), "MESSAGE_INVALID"),
        ("no XML", "{}".into(), "MESSAGE_INVALID"),
        ("a document type", entity, "MESSAGE_INVALID"),
        ("no number", plain.replace("<ceb:logisticsNo>TF9</ceb:logisticsNo>", ""), "MESSAGE_INVALID"),
        ("a receipt", plain.replace("CEB511Message", "CEB512Message"), "MESSAGE_INVALID"),
        ("too large", format!("{plain}{}", " ".repeat(300 * 1024)), "MESSAGE_INVALID"),
        ("changed after it was signed", signed.replace("TF9", "TF8"), "SIGNATURE_INVALID"),
        ("signed by a stranger", strange, "SIGNATURE_INVALID"),
    ];
    for (what, text, expected) in &cases {
        let refused = carrier.refused("giveCustomsPaper", json!({ "message": text })).await;
        assert_eq!(refused[0].0, *expected, "{what}");
    }
    let forward = json!({ "message": plain, "forward": true });
    assert_eq!(
        carrier.refused("giveCustomsPaper", forward).await[0].0,
        "SIGNATURE_INVALID",
        "the house hands on what nobody signed"
    );
    let query = "{ customsMessages(first: 100, filter: { verdicts: [REFUSED] }) { nodes { reason hash size } } }";
    let kept = border.market.server.operator().await.data(query, json!({})).await["customsMessages"]["nodes"].clone();
    assert_eq!(kept.as_array().unwrap().len(), cases.len() + 1, "what was refused is not kept");
    assert!(kept.as_array().unwrap().iter().all(|row| row["reason"].as_str().is_some_and(|why| !why.is_empty())));
    let seen = border.order(&buyer, &order).await;
    assert_eq!(seen["declaration"]["blockers"], json!(["NO_WAYBILL"]), "something of it was taken");
    // With the right signature it is taken.
    carrier.done("giveCustomsPaper", "paper { state }", json!({ "message": signed, "forward": true })).await;
    border.market.worked().await;
    assert_eq!(border.order(&buyer, &order).await["declaration"]["state"], "RELEASED");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_party_gave_is_its_word_and_it_says_when_the_parcel_was_signed_for() {
    let border = Border::with(&trusting(), json!({ "waybillByParty": true })).await;
    let server = &border.market.server;
    let buyer = border.market.identified(1).await;
    let (carrier, bank, seller) = (server.seller(CARRIER).await, server.seller(PAYER).await, border.seller().await);
    let (own, banks) = (code(&carrier, CARRIER).await, code(&bank, PAYER).await);
    let give = |text: String| json!({ "message": signed(&text), "forward": true });
    let order = border.bought(&buyer, 1, "waybill-fails").await;
    let address = "示例路1号 #waybill-fails";
    // Whoever is not arranged to carry it does not speak for its parcel, and does not stand in the carrier's way.
    let stranger = waybill(&banks, &order, "TF0", address, 20);
    assert_eq!(bank.refused("giveCustomsPaper", give(stranger)).await[0].0, "MESSAGE_INVALID");
    carrier.done("giveCustomsPaper", "paper { state }", give(waybill(&own, &order, "TF1", address, 21))).await;
    border.market.worked().await;
    let failed = border.order(&buyer, &order).await["declaration"].clone();
    assert_eq!(paper(&failed, "WAYBILL")["state"], "FAILED", "{failed:#}");
    seller.done("pushDeclaration", "declaration { state }", json!({ "id": failed["id"] })).await;
    border.market.worked().await;
    let still = border.order(&buyer, &order).await["declaration"].clone();
    let stands = |declaration: &Value| {
        let row = paper(declaration, "WAYBILL");
        (row["state"].clone(), row["attempt"].clone())
    };
    assert_eq!(stands(&still), (json!("FAILED"), json!(1)), "the house writes what the carrier should say");
    carrier.done("giveCustomsPaper", "paper { state }", give(waybill(&own, &order, "TF1", address, 22))).await;
    border.market.worked().await;
    let released = border.order(&buyer, &order).await["declaration"].clone();
    assert_eq!(released["state"], "RELEASED", "{released:#}");
    assert_eq!(stands(&released), (json!("ACCEPTED"), json!(2)));

    seller.done("shipOrder", "order { state }", json!({ "id": order["id"], "waybill": "TF1" })).await;
    let head = stamp(23)
        .with("logisticsCode", &own)
        .with("logisticsName", "唐蕃通")
        .with("logisticsNo", "TF1")
        .with("logisticsStatus", "S")
        .with("logisticsTime", "20260301180000");
    carrier.done("giveCustomsPaper", "paper { state }", give(message(513, 23, head))).await;
    border.market.worked().await;
    let done = border.order(&buyer, &order).await;
    assert_eq!(done["state"], "COMPLETED", "the carrier says that it was signed for");
    assert_eq!(paper(&done["declaration"], "WAYBILL_STATUS")["state"], "ACCEPTED");
    let query = "{ customsMessages(first: 100, filter: { verdicts: [REFUSED] }) { nodes { reason } } }";
    let kept = server.operator().await.data(query, json!({})).await["customsMessages"]["nodes"].clone();
    assert_eq!(kept.as_array().unwrap().len(), 1, "what was refused is not kept: {kept:#}");
    border.market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_does_not_carry_an_order_says_that_it_was_taken_in() {
    let border = Border::with(&trusting(), json!({ "waybillByParty": true })).await;
    let server = &border.market.server;
    let bank = server.seller(PAYER).await;
    let banks = code(&bank, PAYER).await;
    let give = |text: String| json!({ "message": signed(&text), "forward": true });
    // A domestic order, which has no declaration.
    let (soap, _) = border.market.sold(Sale::domestic(OTHER_SELLER, "soap-d", "10.00", 10)).await;
    let buyer = border.market.identified(1).await;
    put(&buyer, &[(&soap, 1)]).await;
    let quote = quoted(&buyer).await;
    let consignee = json!({ "name": "测试甲", "mobile": "13800000000", "address": "示例路1号" });
    let input = placing(&quote, json!({ "consignee": consignee }));
    let checkout =
        buyer.done("placeOrder", "checkout { id number orders { id number } }", input).await["checkout"].clone();
    paid(&border.market, &buyer, &checkout).await;
    border.market.worked().await;
    let order = checkout["orders"][0].clone();
    let ship = json!({ "id": order["id"], "waybill": "SF1" });
    border.seller().await.done("shipOrder", "order { state }", ship).await;
    bank.done("giveCustomsPaper", "paper { state }", give(waybill(&banks, &order, "SF1", "示例路1号", 30))).await;
    let fares = |status: &str, n: u32| {
        let head = stamp(n)
            .with("logisticsCode", &banks)
            .with("logisticsName", "河湟通商银行")
            .with("logisticsNo", "SF1")
            .with("logisticsStatus", status)
            .with("logisticsTime", "20260301180000");
        give(message(513, n, head))
    };
    bank.done("giveCustomsPaper", "paper { state }", fares("S", 31)).await;
    border.market.worked().await;
    let query = "query($id: ID!) { order(id: $id) { state } }";
    let seen = buyer.data(query, json!({ "id": order["id"] })).await["order"].clone();
    assert_eq!(seen["state"], "SHIPPED", "a stranger says that it was taken in");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platform_gives_the_order_where_that_is_arranged() {
    let border = Border::with(&trusting(), json!({ "orderByParty": true })).await;
    let operator = border.market.server.operator().await;
    let buyer = border.market.identified(1).await;
    let order = border.declared(&buyer, 1, "").await;
    let waits = border.order(&buyer, &order).await["declaration"].clone();
    assert_eq!((&waits["state"], &waits["blockers"]), (&json!("WAITING"), &json!(["NO_ORDER"])));
    assert_eq!(waits["nextActions"][0], "ASK_PARTIES");
    assert_eq!(*paper(&waits, "ORDER"), Value::Null, "the house writes what the platform should say");
    let platform = code(&operator, "xining-cbec-zone").await;
    let merchant = code(&operator, OTHER_SELLER).await;
    let given = |price: &str, n: u32, kind: &str| {
        let head = stamp(n)
            .with("orderType", "I")
            .with("orderNo", order["number"].as_str().unwrap())
            .with("ebpCode", &platform)
            .with("ebpName", "平台")
            .with("ebcCode", &merchant)
            .with("ebcName", "电商")
            .with("goodsValue", price)
            .with("freight", "0")
            .with("discount", "0")
            .with("taxTotal", "3.73")
            .with("acturalPaid", codes::yuan(if price == "41" { 4_473 } else { 4_373 }))
            .with("currency", "142")
            .with("buyerRegNo", "U1")
            .with("buyerName", "测试甲")
            .with("buyerTelephone", "13800000000")
            .with("buyerIdType", "1")
            .with("buyerIdNumber", FIRST_ID)
            .with("consignee", "测试甲")
            .with("consigneeTelephone", "13800000000")
            .with("consigneeAddress", "示例路1号");
        let line = Record::default()
            .with("gnum", "1")
            .with("itemNo", "SKU1")
            .with("itemName", "矿泉水")
            .with("gmodel", "品名:矿泉水;规格:500ml")
            .with("unit", "142")
            .with("qty", "1")
            .with("price", price)
            .with("totalPrice", price)
            .with("currency", "142")
            .with("country", "305");
        let text = of_document(311, n, Document { head, lines: vec![line] });
        json!({ "message": signed(&text.replace("<ceb:appType>1<", kind)), "forward": true })
    };
    // Another price than the list's does not match; mended as a change, it goes on.
    operator.done("giveCustomsPaper", "paper { state }", given("40", 41, "<ceb:appType>1<")).await;
    border.market.worked().await;
    assert_eq!(border.order(&buyer, &order).await["declaration"]["state"], "MISMATCHED");
    operator.done("giveCustomsPaper", "paper { state }", given("41", 42, "<ceb:appType>2<")).await;
    border.market.worked().await;
    let seen = border.order(&buyer, &order).await["declaration"].clone();
    assert_eq!(seen["state"], "RELEASED", "{seen:#}");
    border.market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn for_a_buyer_whose_identity_was_verified_somebody_else_may_pay() {
    let border = Border::with(&trusting(), json!({ "paymentByParty": true })).await;
    let server = &border.market.server;
    let (operator, bank) = (server.operator().await, server.seller(PAYER).await);
    let own = code(&bank, PAYER).await;
    let buyer = border.market.identified(1).await;
    let order = border.declared(&buyer, 1, "").await;
    let text = payment(&own, &order, &transaction(&border, &order).await, SECOND_ID, 51);
    bank.done("giveCustomsPaper", "paper { state }", json!({ "message": signed(&text), "forward": true })).await;
    border.market.worked().await;
    let seen = border.order(&buyer, &order).await["declaration"].clone();
    assert_eq!(seen["state"], "MISMATCHED", "{seen:#}");

    let query = "query($n: String!) { consumerIdentities(residentId: $n) { personId updatedAt samePerson } }";
    let known = operator.data(query, json!({ "n": FIRST_ID })).await["consumerIdentities"][0].clone();
    assert_eq!(known["samePerson"], Value::Null);
    let check = |same: bool, given: &Value| json!({ "personId": known["personId"], "givenAt": given, "same": same, "source": "NCIIC 1" });
    let selection = "consumerIdentity { samePerson verifiedWith }";
    let early = json!("2020-01-01T00:00:00Z");
    assert_eq!(
        operator.refused("noteIdentityCheck", check(true, &early)).await[0].0,
        "STALE_VERSION",
        "an identity that was given anew counts as verified"
    );
    for (same, state) in [(false, "MISMATCHED"), (true, "RELEASED")] {
        let noted = operator.done("noteIdentityCheck", selection, check(same, &known["updatedAt"])).await;
        assert_eq!(noted["consumerIdentity"], json!({ "samePerson": same, "verifiedWith": "NCIIC 1" }));
        border.seller().await.done("pushDeclaration", "declaration { state }", json!({ "id": seen["id"] })).await;
        border.market.worked().await;
        let after = border.order(&buyer, &order).await["declaration"].clone();
        assert_eq!(after["state"], state, "the base of identities says {same}: {after:#}");
        let row = after["matches"].as_array().unwrap().iter().find(|row| row["rule"] == "PAYER").unwrap().clone();
        assert_eq!(row["verdict"], if same { "NOT_ASKED" } else { "MISMATCH" });
    }
    // Given anew, it is another identity.
    let anew = json!({ "name": "测试甲", "residentId": FIRST_ID });
    let anew = buyer.done("setConsumerIdentity", "consumerIdentity { samePerson }", anew).await;
    assert_eq!(anew["consumerIdentity"]["samePerson"], Value::Null);
}
