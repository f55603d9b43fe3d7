//! What has to be done before money is paid out: the registry, notices to debtors and what these say, the contract; in
//! whichever order it is done, a request is ready once.

use api::{
    app::Call,
    finance::{
        ops::{conditions::demand, notices},
        registry::filing::{self, FileAtRegistry, Filing},
    },
    platform::{clock::business_day, error::Error, graphql::decode, jobs::Verdict},
};
use chrono::Duration;
use entities::{
    finance::{RegistrationKind, RequestState, registry::simulated, request},
    party::MemberRole,
    values::id::FinancingRequestId,
};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};

use super::{
    BANK, Desk, RECEIVABLE, checker, confirmed, limit, maker, offering, over, programme, refusals, seen, submitting,
};
use crate::{procurement::step, support::Client};

/// What is looked at of a request.
const SHOWN: &str = "id number version state conditions { kind met fresh reference sha256 against } \
     notices { id version state } registration { state collateral certNo searchCertNo clear fresh expiresOn failure \
     hits { own same } }";
/// What is looked at of a notice.
const NOTICE: &str = "id version number state requestId account channel reason statement statementSha256 contentSha256 \
     amount { amount } items { invoiceNumber dueOn amount { amount } }";
/// Where the debtor is to pay.
const ACCOUNT: &str = "河湟商业银行 保理回款专户 6222 0000 0000 0001";
/// The unified social credit code of the first supplier.
const SELLER: &str = "91630103MA75AE4A44";
const ALL: [&str; 5] = ["REGISTRY_SEARCH", "REGISTRATION", "NOTICE", "ACKNOWLEDGEMENT", "CONTRACT"];

async fn looked(desk: &Desk, client: &Client, request: &Value) -> Value {
    desk.one(client, "financingRequest", &request["id"], SHOWN).await
}

/// What of a request is not done.
fn open(request: &Value) -> Vec<&str> {
    let all = request["conditions"].as_array().unwrap().iter();
    all.filter(|one| one["met"] == false).map(|one| one["kind"].as_str().unwrap()).collect()
}

/// A condition of a request.
fn condition<'a>(request: &'a Value, kind: &str) -> &'a Value {
    request["conditions"].as_array().unwrap().iter().find(|one| one["kind"] == kind).expect("a condition")
}

fn id_of(request: &Value) -> FinancingRequestId {
    decode(&async_graphql::ID(request["id"].as_str().unwrap().into()), "id").unwrap()
}

/// A programme in which this much can be asked for.
async fn opened(desk: &Desk, more: Value) -> Value {
    limit(desk, "DEBTOR", "10000.00", json!({ "debtorId": desk.buyer })).await;
    programme(desk, "保理", more).await
}

/// A request for money on one receivable, whose offer the seller took.
async fn accepted(desk: &Desk, programme: &Value, number: &str) -> Value {
    let row = confirmed(desk, number, "100.00").await;
    let (seller, maker, checker) = (desk.supplier(0).await, maker(desk).await, checker(desk).await);
    let selection = "request { id version }";
    let input = submitting(desk, programme, &[&row], "100.00");
    let request = seller.done("submitFinancingRequest", selection, input).await["request"].clone();
    let input = over(step(&request), json!({ "review": "BEGIN" }));
    let request = maker.done("reviewFinancingRequest", selection, input).await["request"].clone();
    let input = json!({ "requestId": request["id"], "expectedVersion": request["version"] });
    let offer = maker.done("makeFinancingOffer", "offer { id version termsSha256 }", input).await["offer"].clone();
    checker.done("checkFinancingOffer", "offer { id }", over(step(&offer), json!({ "approve": true }))).await;
    let taking = json!({ "id": offer["id"], "termsSha256": offer["termsSha256"] });
    seller.done("acceptFinancingOffer", "offer { id }", taking).await;
    looked(desk, &maker, &request).await
}

/// Something that the bank does about a request.
async fn done(desk: &Desk, mutation: &str, request: &Value, more: Value) -> Value {
    let selection = format!("request {{ {SHOWN} }}");
    maker(desk).await.done(mutation, &selection, over(step(request), more)).await["request"].clone()
}

fn sending() -> Value {
    json!({ "account": ACCOUNT })
}

fn contract(desk: &Desk) -> Value {
    json!({ "number": "BL-2026-001", "sha256": "ab".repeat(32), "signedOn": desk.day(0) })
}

/// The same with the registry searched, and the request registered there.
async fn registered(desk: &Desk, request: &Value) -> Value {
    done(desk, "searchRegistry", request, json!({})).await;
    done(desk, "registerFinancing", request, json!({})).await;
    desk.worked().await;
    looked(desk, &maker(desk).await, request).await
}

/// The notices that somebody sees, newest first.
async fn told(client: &Client) -> Vec<Value> {
    let all = client.data(&format!("{{ assignmentNotices {{ nodes {{ {NOTICE} }} }} }}"), json!({})).await;
    all["assignmentNotices"]["nodes"].as_array().unwrap().clone()
}

/// The debtor acknowledges the newest notice.
async fn acknowledged(desk: &Desk) -> Value {
    let debtor = desk.owner().await;
    let notice = told(&debtor).await.into_iter().next().expect("a notice");
    let input = over(step(&notice), json!({ "noSetOff": true }));
    let selection = format!("notice {{ {NOTICE} }}");
    debtor.done("acknowledgeAssignmentNotice", &selection, input).await["notice"].clone()
}

/// A request of which everything is done.
async fn ready(desk: &Desk, programme: &Value, number: &str) -> Value {
    let request = accepted(desk, programme, number).await;
    prepared(desk, &request).await
}

/// A request whose offer was taken, with everything done.
pub async fn prepared(desk: &Desk, request: &Value) -> Value {
    let request = registered(desk, request).await;
    done(desk, "sendAssignmentNotices", &request, sending()).await;
    acknowledged(desk).await;
    let request = done(desk, "recordFinancingContract", &request, contract(desk)).await;
    assert_eq!(request["state"], "READY", "{request}");
    request
}

/// What somebody else registered of an invoice of the seller.
async fn others(desk: &Desk, cert_no: &str, reference: &str, collateral: &str) {
    let row = simulated::Model {
        cert_no: cert_no.into(),
        reference: reference.into(),
        kind: RegistrationKind::Assignment,
        grantor_code: SELLER.into(),
        grantor_name: "河湟地毯".into(),
        secured_code: "another bank".into(),
        secured_name: "他行".into(),
        collateral: collateral.into(),
        changes: 0,
        registered_at: desk.now() - Duration::days(3),
        expires_on: business_day(desk.now()) + Duration::days(300),
        cancelled_at: None,
    };
    let insert = simulated::Entity::insert(row.into_active_model());
    insert.exec_without_returning(desk.app().db().writer()).await.unwrap();
}

/// What is taken out of the registry.
async fn taken_out(desk: &Desk, reference: &str) {
    simulated::Entity::update_many()
        .col_expr(simulated::Column::CancelledAt, Expr::value(desk.now()))
        .filter(simulated::Column::Reference.eq(reference))
        .exec(desk.app().db().writer())
        .await
        .unwrap();
}

async fn in_the_registry(desk: &Desk) -> Vec<simulated::Model> {
    simulated::Entity::find().all(desk.app().db().read()).await.unwrap()
}

/// Whether money may be paid out on a request now; what is missing when it may not.
async fn payable(desk: &Desk, request: &Value) -> Result<(), String> {
    let row = request::Entity::find_by_id(id_of(request)).one(desk.app().db().read()).await.unwrap().unwrap();
    let work = desk.app().begin(&Call::unasked("test")).await.unwrap();
    match demand(&work, &row).await {
        Ok(()) => Ok(()),
        Err(Error::Refused(refusals)) => Err(refusals[0].details["conditions"].clone()),
        Err(error) => panic!("{}", error.told()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_ready_when_everything_is_done_and_not_before() {
    let desk = Desk::new().await;
    let programme = opened(&desk, json!({})).await;
    let request = accepted(&desk, &programme, "C-1").await;
    let (bank, debtor, seller) = (maker(&desk).await, desk.owner().await, desk.supplier(0).await);
    assert_eq!(request["state"], "CONDITIONS_PENDING");
    assert_eq!(open(&request), ALL);
    assert_eq!(request["registration"]["state"], "NONE");
    let text = request["registration"]["collateral"].as_str().unwrap();
    assert!(text.contains("转让应收账款 1 笔，合计 CNY 100.00") && text.contains("发票 C-1，"), "{text}");
    assert_eq!(told(&debtor).await, [] as [Value; 0], "a debtor reads a draft");
    let illegal = refusals(&[("ILLEGAL_TRANSITION", "id")]);
    assert_eq!(bank.refused("registerFinancing", step(&request)).await, illegal, "nobody looked who else is there");
    let searched = done(&desk, "searchRegistry", &request, json!({})).await;
    let registration = &searched["registration"];
    assert_eq!(
        json!([registration["state"], registration["clear"], registration["fresh"], registration["hits"]]),
        json!(["SEARCHED", true, true, []])
    );
    assert!(registration["searchCertNo"].as_str().unwrap().starts_with("CX"));
    let on_its_way = done(&desk, "registerFinancing", &request, json!({})).await;
    assert_eq!(
        json!([on_its_way["registration"]["state"], on_its_way["registration"]["expiresOn"]]),
        json!(["SUBMITTED", desk.day(50 + 15 + 365)])
    );
    assert_eq!(bank.refused("registerFinancing", step(&request)).await, illegal, "it is sent twice");
    desk.worked().await;
    let there = looked(&desk, &bank, &request).await;
    assert_eq!(there["registration"]["state"], "REGISTERED");
    assert_eq!(condition(&there, "REGISTRATION")["reference"], there["registration"]["certNo"]);
    assert_eq!(open(&there), ["NOTICE", "ACKNOWLEDGEMENT", "CONTRACT"]);
    // Told without words is not told.
    let empty = over(step(&request), json!({ "account": " " }));
    assert_eq!(bank.refused("sendAssignmentNotices", empty).await, refusals(&[("REQUIRED", "account")]));
    let sent = done(&desk, "sendAssignmentNotices", &request, sending()).await;
    assert_eq!(open(&sent), ["ACKNOWLEDGEMENT", "CONTRACT"]);
    let signed = over(step(&request), over(contract(&desk), json!({ "clientMutationId": "contract-1" })));
    for (more, field) in [(json!({ "sha256": "x" }), "sha256"), (json!({ "signedOn": desk.day(1) }), "signedOn")] {
        let refused = bank.refused("recordFinancingContract", over(signed.clone(), more)).await;
        assert_eq!(refused, refusals(&[("INVALID_VALUE", field)]));
    }
    acknowledged(&desk).await;
    let selection = format!("request {{ {SHOWN} }}");
    let last = bank.done("recordFinancingContract", &selection, signed.clone()).await["request"].clone();
    assert_eq!((last["state"].as_str(), open(&last)), (Some("READY"), vec![]));
    assert_eq!(last["version"].as_i64(), request["version"].as_i64().map(|version| version + 1), "it is ready twice");
    let again = bank.done("recordFinancingContract", &selection, signed).await["request"].clone();
    assert_eq!(again, last, "a repeat does something else");
    assert_eq!(payable(&desk, &last).await, Ok(()));
    // The seller sees that it is done, and of the registry no more.
    let sellers = looked(&desk, &seller, &request).await;
    assert_eq!(json!([sellers["state"], sellers["registration"]]), json!(["READY", null]));
    assert_eq!(condition(&sellers, "REGISTRY_SEARCH")["reference"], Value::Null);
    assert_eq!(
        json!([condition(&sellers, "CONTRACT")["reference"], condition(&sellers, "CONTRACT")["sha256"]]),
        json!(["BL-2026-001", "ab".repeat(32)])
    );
    for (mutation, more) in [
        ("sendAssignmentNotices", sending()),
        ("recordFinancingContract", contract(&desk)),
        ("registerFinancing", json!({})),
    ] {
        assert_eq!(bank.refused(mutation, over(step(&last), more)).await, illegal, "{mutation}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_debtor_acknowledges_is_kept_and_cannot_be_taken_back() {
    let desk = Desk::new().await;
    let programme = opened(&desk, json!({})).await;
    let request = accepted(&desk, &programme, "A-1").await;
    done(&desk, "sendAssignmentNotices", &request, sending()).await;
    let (debtor, seller, bank) = (desk.owner().await, desk.supplier(0).await, maker(&desk).await);
    let notice = told(&debtor).await[0].clone();
    assert_eq!(
        json!([notice["state"], notice["requestId"], notice["account"], notice["channel"], notice["amount"]["amount"]]),
        json!(["DELIVERED", null, ACCOUNT, "PLATFORM", "100.00"])
    );
    let item = json!([{ "invoiceNumber": "A-1", "dueOn": desk.day(50), "amount": { "amount": "100.00" } }]);
    assert_eq!(notice["items"], item);
    for inside in [&seller, &bank] {
        assert_eq!(told(inside).await[0]["requestId"], request["id"]);
    }
    assert_eq!(told(&desk.supplier(1).await).await, [] as [Value; 0], "a stranger reads it");
    let answering = |more: Value| over(step(&notice), more);
    let yes = json!({ "noSetOff": true });
    for (client, expected) in [(seller.clone(), "NOT_FOUND"), (desk.supplier(1).await, "NOT_FOUND")] {
        let refused = client.refused("acknowledgeAssignmentNotice", answering(yes.clone())).await;
        assert_eq!(refused, refusals(&[(expected, "id")]), "somebody else speaks for the debtor");
    }
    let clerks = desk.clerk().await.denied("acknowledgeAssignmentNotice", answering(yes.clone())).await;
    assert_eq!(clerks, "FORBIDDEN", "a clerk binds its organisation");
    let set_off = debtor.refused("acknowledgeAssignmentNotice", answering(json!({ "noSetOff": false }))).await;
    assert_eq!(set_off, refusals(&[("INVALID_VALUE", "noSetOff")]));
    let mut stale = answering(yes.clone());
    stale["expectedVersion"] = json!(1);
    let refused = debtor.refused("acknowledgeAssignmentNotice", stale).await;
    assert_eq!(refused, refusals(&[("STALE_VERSION", "expectedVersion")]));
    let kept = acknowledged(&desk).await;
    assert_eq!(kept["state"], "ACKNOWLEDGED");
    let statement: Value = serde_json::from_str(kept["statement"].as_str().unwrap()).unwrap();
    assert_eq!(
        json!([statement["noSetOff"], statement["contentSha256"], statement["said"]["payTo"]]),
        json!([true, kept["contentSha256"], ACCOUNT])
    );
    assert_eq!(
        json!([statement["said"]["amount"], statement["said"]["items"][0]["dueDate"], statement["said"]["assignor"]]),
        json!(["100.00", desk.day(50), SELLER])
    );
    assert_eq!(kept["statementSha256"].as_str().map(str::len), Some(64));
    let illegal = refusals(&[("ILLEGAL_TRANSITION", "id")]);
    let object = over(step(&kept), json!({ "reason": "no" }));
    assert_eq!(debtor.refused("objectToAssignmentNotice", object).await, illegal);
    assert_eq!(debtor.refused("acknowledgeAssignmentNotice", over(step(&kept), yes)).await, illegal);
    let trail = "query($id: ID!) { auditTrail(nodeId: $id) { nodes { action } } }";
    let trail = debtor.data(trail, json!({ "id": notice["id"] })).await["auditTrail"]["nodes"].clone();
    assert_eq!(trail, json!([{ "action": "acknowledgeAssignmentNotice" }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_registered_of_the_same_invoice_keeps_the_money_back() {
    let desk = Desk::new().await;
    let programme = opened(&desk, json!({})).await;
    let request = accepted(&desk, &programme, "D-1").await;
    others(&desk, "ZD-1", "other-1", "应收账款，发票 D-10").await;
    let searched = done(&desk, "searchRegistry", &request, json!({})).await;
    assert_eq!(searched["registration"]["hits"], json!([{ "own": false, "same": false }]));
    assert_eq!(searched["registration"]["clear"], true, "another invoice stands against it");
    others(&desk, "ZD-2", "other-2", "应收账款，发票号码 ｄ-1，金额 100 元").await;
    let searched = done(&desk, "searchRegistry", &request, json!({})).await;
    assert_eq!(
        searched["registration"]["hits"],
        json!([{ "own": false, "same": false }, { "own": false, "same": true }])
    );
    assert_eq!(
        json!([condition(&searched, "REGISTRY_SEARCH")["met"], condition(&searched, "REGISTRY_SEARCH")["against"]]),
        json!([false, 1])
    );
    let bank = maker(&desk).await;
    assert_eq!(
        bank.refused("registerFinancing", step(&request)).await,
        refusals(&[("ALREADY_ENCUMBERED", "id")]),
        "two have one invoice"
    );
    taken_out(&desk, "other-2").await;
    let there = registered(&desk, &request).await;
    assert_eq!(there["registration"]["state"], "REGISTERED");
    // One's own is found and stands against nothing.
    let searched = done(&desk, "searchRegistry", &request, json!({})).await;
    let hits = searched["registration"]["hits"].clone();
    assert!(hits.as_array().unwrap().contains(&json!({ "own": true, "same": true })), "{hits}");
    assert_eq!(
        json!([searched["registration"]["state"], searched["registration"]["clear"]]),
        json!(["REGISTERED", true])
    );
    // What comes later is found before money is paid out.
    done(&desk, "sendAssignmentNotices", &request, sending()).await;
    acknowledged(&desk).await;
    let ready = done(&desk, "recordFinancingContract", &request, contract(&desk)).await;
    assert_eq!(ready["state"], "READY");
    others(&desk, "ZD-3", "other-3", "出让人的全部应收账款").await;
    let searched = done(&desk, "searchRegistry", &ready, json!({})).await;
    assert_eq!(open(&searched), ["REGISTRY_SEARCH"]);
    assert_eq!(payable(&desk, &ready).await, Err("REGISTRY_SEARCH".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_counts_for_a_day() {
    let desk = Desk::new().await;
    let programme = opened(&desk, json!({})).await;
    let request = accepted(&desk, &programme, "S-1").await;
    let searched = done(&desk, "searchRegistry", &request, json!({})).await;
    assert_eq!(condition(&searched, "REGISTRY_SEARCH")["fresh"], true);
    desk.wait(Duration::hours(24));
    let old = looked(&desk, &maker(&desk).await, &request).await;
    let search = condition(&old, "REGISTRY_SEARCH");
    assert_eq!(json!([search["met"], search["fresh"], old["registration"]["fresh"]]), json!([true, false, false]));
    let refused = maker(&desk).await.refused("registerFinancing", step(&request)).await;
    assert_eq!(refused, refusals(&[("CONDITIONS_PENDING", "id")]));
    let there = registered(&desk, &request).await;
    assert_eq!(there["registration"]["state"], "REGISTERED");
    done(&desk, "sendAssignmentNotices", &request, sending()).await;
    acknowledged(&desk).await;
    let ready = done(&desk, "recordFinancingContract", &request, contract(&desk)).await;
    assert_eq!(payable(&desk, &ready).await, Ok(()));
    desk.wait(Duration::hours(24));
    assert_eq!(payable(&desk, &ready).await, Err("REGISTRY_SEARCH".into()), "who registered since is not looked for");
    let searched = done(&desk, "searchRegistry", &ready, json!({})).await;
    assert_eq!(json!([searched["state"], searched["version"]]), json!(["READY", ready["version"]]));
    assert_eq!(payable(&desk, &ready).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_what_is_not_disclosed_the_debtor_learns_when_it_is_late() {
    let desk = Desk::new().await;
    let mut terms = offering("", json!({}))["terms"].clone();
    terms["disclosed"] = json!(false);
    let programme = opened(&desk, json!({ "terms": terms })).await;
    let request = accepted(&desk, &programme, "U-1").await;
    assert_eq!(open(&request), ["REGISTRY_SEARCH", "REGISTRATION", "CONTRACT"]);
    assert_eq!(request["notices"], json!([]));
    let illegal = refusals(&[("ILLEGAL_TRANSITION", "id")]);
    let refused = maker(&desk).await.refused("sendAssignmentNotices", over(step(&request), sending())).await;
    assert_eq!(refused, illegal);
    registered(&desk, &request).await;
    let ready = done(&desk, "recordFinancingContract", &request, contract(&desk)).await;
    assert_eq!(ready["state"], "READY");
    let disclosing = over(step(&ready), over(sending(), json!({ "reason": "it did not pay" })));
    assert_eq!(maker(&desk).await.refused("discloseFinancing", disclosing.clone()).await, illegal);
    // The bank pays out.
    request::Entity::update_many()
        .col_expr(request::Column::State, Expr::value(RequestState::Disbursed))
        .filter(request::Column::Id.eq(id_of(&request)))
        .exec(desk.app().db().writer())
        .await
        .unwrap();
    assert_eq!(maker(&desk).await.refused("discloseFinancing", disclosing.clone()).await, illegal, "it is not late");
    assert_eq!(told(&desk.owner().await).await, [] as [Value; 0]);
    desk.wait(Duration::days(51));
    let selection = format!("request {{ {SHOWN} }}");
    let input = disclosing.clone();
    let disclosed = maker(&desk).await.done("discloseFinancing", &selection, input).await["request"].clone();
    assert_eq!(json!([disclosed["state"], disclosed["notices"][0]["state"]]), json!(["DISBURSED", "DELIVERED"]));
    let notice = told(&desk.owner().await).await[0].clone();
    assert_eq!(json!([notice["account"], notice["items"][0]["invoiceNumber"]]), json!([ACCOUNT, "U-1"]));
    assert_eq!(maker(&desk).await.refused("discloseFinancing", disclosing).await, illegal, "it is told twice");
    assert_eq!(acknowledged(&desk).await["state"], "ACKNOWLEDGED");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_debtor_objects_to_is_not_paid_out_until_it_acknowledges() {
    let desk = Desk::new().await;
    let more = json!({ "technique": "PAYABLES_FINANCE", "anchorId": desk.buyer });
    let anchored = opened(&desk, more).await;
    let plain = programme(&desk, "另一项目", json!({})).await;
    let debtor = desk.owner().await;
    for (programme, number, needed, missing) in [
        (&plain, "O-1", &ALL[..], "NOTICE,ACKNOWLEDGEMENT"),
        (&anchored, "O-2", &["REGISTRY_SEARCH", "REGISTRATION", "NOTICE", "CONTRACT"][..], "NOTICE"),
    ] {
        let request = accepted(&desk, programme, number).await;
        assert_eq!(open(&request), needed);
        registered(&desk, &request).await;
        done(&desk, "sendAssignmentNotices", &request, sending()).await;
        let notice = told(&debtor).await[0].clone();
        let none = over(step(&notice), json!({ "reason": " " }));
        assert_eq!(debtor.refused("objectToAssignmentNotice", none).await, refusals(&[("REQUIRED", "reason")]));
        let input = over(step(&notice), json!({ "reason": "the goods went back" }));
        let selection = format!("notice {{ {NOTICE} }}");
        let objected = debtor.done("objectToAssignmentNotice", &selection, input).await["notice"].clone();
        assert_eq!(json!([objected["state"], objected["reason"]]), json!(["OBJECTED", "the goods went back"]));
        let held = done(&desk, "recordFinancingContract", &request, contract(&desk)).await;
        assert_eq!(held["state"], "CONDITIONS_PENDING", "{number}");
        assert_eq!(payable(&desk, &request).await, Err(missing.into()));
        assert_eq!(acknowledged(&desk).await["state"], "ACKNOWLEDGED");
        assert_eq!(looked(&desk, &maker(&desk).await, &request).await["state"], "READY", "{number}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_bank_that_is_asked_does_what_has_to_be_done() {
    const SECOND: &str = "gaoyuan-trade-insurance";
    let desk = Desk::new().await;
    let programme = opened(&desk, json!({})).await;
    let request = accepted(&desk, &programme, "F-1").await;
    let server = &desk.market.server;
    let roles = json!({ "id": server.organisation(SECOND).await, "roles": ["INSURER", "BANK"] });
    desk.operator().await.done("assignOrganisationRoles", "", roles).await;
    let foreign = server.anonymous().with_token(server.token(MemberRole::Owner, SECOND).await);
    let (checks, seller) = (checker(&desk).await, desk.supplier(0).await);
    for (mutation, more) in [
        ("searchRegistry", json!({})),
        ("registerFinancing", json!({})),
        ("amendRegistration", json!({})),
        ("extendRegistration", json!({ "expiresOn": desk.day(1_000) })),
        ("recordFinancingContract", contract(&desk)),
        ("sendAssignmentNotices", sending()),
        ("discloseFinancing", over(sending(), json!({ "reason": "x" }))),
    ] {
        let input = over(step(&request), more);
        assert_eq!(foreign.refused(mutation, input.clone()).await, refusals(&[("NOT_FOUND", "id")]), "{mutation}");
        assert_eq!(checks.denied(mutation, input.clone()).await, "FORBIDDEN", "{mutation}");
        assert_eq!(seller.denied(mutation, input).await, "FORBIDDEN", "{mutation}");
    }
    let notice = request["notices"][0].clone();
    let input = over(step(&notice), json!({ "reference": "EMS 1" }));
    assert_eq!(foreign.refused("recordNoticeDelivery", input).await, refusals(&[("NOT_FOUND", "id")]));
    let draft = over(step(&notice), json!({ "noSetOff": true }));
    let refused = desk.owner().await.refused("acknowledgeAssignmentNotice", draft).await;
    assert_eq!(refused, refusals(&[("NOT_FOUND", "id")]), "a draft is answered");
    assert_eq!(told(&foreign).await, [] as [Value; 0]);
    assert_eq!(open(&looked(&desk, &maker(&desk).await, &request).await), ALL);
    let mut stale = step(&request);
    stale["expectedVersion"] = json!(1);
    let refused = maker(&desk).await.refused("searchRegistry", stale).await;
    assert_eq!(refused, refusals(&[("STALE_VERSION", "expectedVersion")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_called_off_is_free_and_taken_out_of_the_registry() {
    let desk = Desk::new().await;
    let programme = opened(&desk, json!({})).await;
    let first = ready(&desk, &programme, "K-1").await;
    let cancelling = |of: &Value| over(step(of), json!({ "note": "the buyer is insolvent" }));
    checker(&desk).await.done("cancelFinancing", "request { id }", cancelling(&first)).await;
    let bank = maker(&desk).await;
    let off = looked(&desk, &bank, &first).await;
    assert_eq!(json!([off["state"], off["registration"]["state"]]), json!(["CANCELLED", "REGISTERED"]));
    let notice = told(&desk.owner().await).await[0].clone();
    assert_eq!(notice["state"], "REVOKED", "the debtor goes on paying who gave nothing");
    let listed = "{ receivables { nodes { encumbranceStatus } } }";
    let free = desk.supplier(0).await.data(listed, json!({})).await;
    assert_eq!(free["receivables"]["nodes"], json!([{ "encumbranceStatus": "FREE" }]));
    desk.worked().await;
    assert_eq!(looked(&desk, &bank, &first).await["registration"]["state"], "CANCELLED");
    assert!(in_the_registry(&desk).await.iter().all(|row| row.cancelled_at.is_some()));
    assert_eq!(
        bank.refused("searchRegistry", step(&off)).await,
        refusals(&[("ILLEGAL_TRANSITION", "id")]),
        "what is over is looked after"
    );
    // Done twice it is done once; and what is on its way when it is called off does not come to stand there.
    for filing in [Filing::Cancel, Filing::Register, Filing::Amend] {
        let job = FileAtRegistry { request: id_of(&first), filing };
        assert_eq!(filing::file(desk.app(), job).await.unwrap(), Verdict::Done);
    }
    let second = accepted(&desk, &programme, "K-2").await;
    done(&desk, "searchRegistry", &second, json!({})).await;
    done(&desk, "registerFinancing", &second, json!({})).await;
    checker(&desk).await.done("cancelFinancing", "request { id }", cancelling(&second)).await;
    desk.worked().await;
    assert_eq!(looked(&desk, &bank, &second).await["registration"]["state"], "CANCELLED");
    assert!(in_the_registry(&desk).await.iter().all(|row| row.cancelled_at.is_some()), "it is registered for ever");
    // What was never sent nobody has to hear of.
    assert_eq!(told(&desk.owner().await).await.len(), 1);
    // And nothing is left of what never came so far.
    let third = accepted(&desk, &programme, "K-3").await;
    checker(&desk).await.done("cancelFinancing", "request { id }", cancelling(&third)).await;
    desk.worked().await;
    assert_eq!(looked(&desk, &bank, &third).await["registration"]["state"], "NONE");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_registry_refuses_can_be_tried_again_and_is_filed_once() {
    let desk = Desk::new().await;
    let programme = opened(&desk, json!({})).await;
    let request = accepted(&desk, &programme, "R-1").await;
    let number = request["number"].as_str().unwrap();
    others(&desk, "ZD-9", number, "x").await;
    taken_out(&desk, number).await;
    let failed = registered(&desk, &request).await;
    assert_eq!(failed["registration"]["state"], "FAILED");
    assert!(failed["registration"]["failure"].as_str().unwrap().contains("已注销"), "{failed}");
    assert!(open(&failed).contains(&"REGISTRATION"));
    simulated::Entity::delete_by_id("ZD-9".to_owned()).exec(desk.app().db().writer()).await.unwrap();
    done(&desk, "registerFinancing", &request, json!({})).await;
    desk.worked().await;
    let there = looked(&desk, &maker(&desk).await, &request).await;
    assert_eq!(json!([there["registration"]["state"], there["registration"]["failure"]]), json!(["REGISTERED", null]));
    let job = FileAtRegistry { request: id_of(&request), filing: Filing::Register };
    assert_eq!(filing::file(desk.app(), job).await.unwrap(), Verdict::Done);
    assert_eq!(in_the_registry(&desk).await.len(), 1, "one financing is registered twice");
    assert_eq!(looked(&desk, &maker(&desk).await, &request).await, there);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_registry_can_last_longer_and_be_said_anew() {
    let desk = Desk::new().await;
    let programme = opened(&desk, json!({})).await;
    let request = accepted(&desk, &programme, "E-1").await;
    let bank = maker(&desk).await;
    let illegal = refusals(&[("ILLEGAL_TRANSITION", "id")]);
    assert_eq!(bank.refused("amendRegistration", step(&request)).await, illegal);
    done(&desk, "searchRegistry", &request, json!({})).await;
    let short = over(step(&request), json!({ "expiresOn": desk.day(49) }));
    assert_eq!(bank.refused("registerFinancing", short).await, refusals(&[("OUT_OF_RANGE", "expiresOn")]));
    done(&desk, "registerFinancing", &request, json!({ "expiresOn": desk.day(50) })).await;
    desk.worked().await;
    let shorter = over(step(&request), json!({ "expiresOn": desk.day(50) }));
    assert_eq!(bank.refused("extendRegistration", shorter).await, refusals(&[("OUT_OF_RANGE", "expiresOn")]));
    done(&desk, "extendRegistration", &request, json!({ "expiresOn": desk.day(400) })).await;
    desk.worked().await;
    let longer = looked(&desk, &bank, &request).await["registration"].clone();
    assert_eq!(json!([longer["state"], longer["expiresOn"]]), json!(["EXTENDED", desk.day(400)]));
    // A part is paid: what is registered is the rest.
    let seller = desk.supplier(0).await;
    let listed = format!("{{ receivables {{ nodes {{ {RECEIVABLE} }} }} }}");
    let row = seller.data(&listed, json!({})).await["receivables"]["nodes"][0].clone();
    let paid = json!({ "kind": "PAYMENT", "amount": super::yuan("40.00"), "reference": "TX-1" });
    seller.done("recordReceivableEvent", "receivable { id }", over(step(&row), paid)).await;
    assert_eq!(seen(&desk, &seller, &row).await["outstanding"]["amount"], "60.00");
    done(&desk, "amendRegistration", &request, json!({})).await;
    desk.worked().await;
    let anew = looked(&desk, &bank, &request).await["registration"].clone();
    assert_eq!(anew["state"], "AMENDED");
    assert!(anew["collateral"].as_str().unwrap().contains("合计 CNY 60.00"), "{anew}");
    let row = in_the_registry(&desk).await.remove(0);
    assert_eq!((row.collateral.as_str(), row.changes), (anew["collateral"].as_str().unwrap(), 2));
    assert_eq!(row.expires_on.to_string(), desk.day(400));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_on_paper_has_come_when_the_bank_says_so_and_is_answered_late_or_not_at_all() {
    let desk = Desk::new().await;
    let programme = opened(&desk, json!({})).await;
    let request = accepted(&desk, &programme, "P-1").await;
    let posted = over(sending(), json!({ "channel": "POST" }));
    let sent = done(&desk, "sendAssignmentNotices", &request, posted).await;
    assert_eq!(sent["notices"][0]["state"], "SENT");
    assert!(open(&sent).contains(&"NOTICE"), "it is told what is on its way");
    let bank = maker(&desk).await;
    let notice = sent["notices"][0].clone();
    let input = over(step(&notice), json!({ "reference": "EMS 1234567890" }));
    bank.done("recordNoticeDelivery", "notice { state }", input).await;
    let there = looked(&desk, &bank, &request).await;
    assert_eq!(there["notices"][0]["state"], "DELIVERED");
    assert!(!open(&there).contains(&"NOTICE"));
    assert_eq!(notices::lapse_due(desk.app(), desk.now()).await.unwrap(), 0);
    desk.wait(Duration::days(15));
    assert_eq!(notices::lapse_due(desk.app(), desk.now()).await.unwrap(), 1);
    assert_eq!(notices::lapse_due(desk.app(), desk.now()).await.unwrap(), 0);
    assert_eq!(told(&desk.owner().await).await[0]["state"], "UNANSWERED");
    assert_eq!(acknowledged(&desk).await["state"], "ACKNOWLEDGED");
    // Whoever answers has it, however it was sent.
    let other = accepted(&desk, &programme, "P-2").await;
    let posted = over(sending(), json!({ "channel": "POST" }));
    done(&desk, "sendAssignmentNotices", &other, posted).await;
    acknowledged(&desk).await;
    let answered = looked(&desk, &maker(&desk).await, &other).await;
    assert_eq!(open(&answered), ["REGISTRY_SEARCH", "REGISTRATION", "CONTRACT"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_condition_comes_last_a_request_is_ready_once() {
    let desk = Desk::new().await;
    let programme = opened(&desk, json!({})).await;
    let (bank, debtor) = (maker(&desk).await, desk.owner().await);
    for n in 0..6 {
        let request = accepted(&desk, &programme, &format!("N-{n}")).await;
        registered(&desk, &request).await;
        done(&desk, "sendAssignmentNotices", &request, sending()).await;
        let notice = told(&debtor).await[0].clone();
        let signing = over(step(&request), contract(&desk));
        let answering = over(step(&notice), json!({ "noSetOff": true }));
        let (signed, answered) = tokio::join!(
            bank.payload("recordFinancingContract", "request { state }", signing),
            debtor.payload("acknowledgeAssignmentNotice", "notice { state }", answering),
        );
        for answer in [&signed, &answered] {
            assert_eq!(answer["userErrors"], json!([]), "one stands in the other's way");
        }
        let ready = looked(&desk, &bank, &request).await;
        assert_eq!((ready["state"].as_str(), open(&ready)), (Some("READY"), vec![]), "{ready}");
        let once = request["version"].as_i64().map(|version| version + 1);
        assert_eq!(ready["version"].as_i64(), once, "it is ready twice");
    }
    let banks = desk.market.server.anonymous();
    let banks = banks.with_token(desk.market.server.token(MemberRole::Owner, BANK).await);
    assert_eq!(told(&banks).await.len(), 6);
}
