//! Exports: from the facts of an order to what is counted, or to the entry of a month; taken back, refused, hidden.

use api::{customs::receiving, platform::customs::simulator::proved};
use chrono::Duration;
use entities::customs::{
    export::summarised,
    message,
    paper::{self as row, PaperKind},
};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, sea_query::Expr};
use serde_json::{Value, json};

use super::{CARRIER, DECLARER, paper};
use crate::{
    ordering::Market,
    support::{Client, OTHER_SELLER, SELLER},
};

/// Who runs the site that exports leave from.
const SITE: &str = "xining-bonded-warehouse";

const SHOWN: &str = "id version state route flag modeCode orderNumber listNumber entryNumber releasedAt arrivedAt \
     departedAt cancelReason alarm nextActions transport { vehicle totalPackage } \
     documents { kind state status info attempt messageNumber } summary { id state number alarm entries { entryNumber } }";

/// A market with somebody who sells abroad.
struct Quay {
    market: Market,
    number: std::cell::Cell<u32>,
}

impl Quay {
    async fn new() -> Self {
        Self { market: Market::new().await, number: std::cell::Cell::new(0) }
    }

    async fn seller(&self) -> Client {
        self.market.server.seller(OTHER_SELLER).await
    }

    /// What is declared: two carpets to Germany, with other terms.
    #[expect(clippy::needless_pass_by_value, reason = "it is made where it is passed")]
    fn sale(&self, more: Value) -> Value {
        self.number.set(self.number.get() + 1);
        let n = self.number.get();
        let yuan = |amount: &str| json!({ "amount": amount, "currency": "CNY" });
        let mut sale = json!({ "mode": "PARCEL", "flag": "SUMMARY", "orderNumber": format!("EX-{n}"),
            "platformCode": "6301960001", "platformName": "示例平台", "ownerName": "示例织造", "currency": "CNY",
            "freight": yuan("0"), "insurance": yuan("0"), "destination": "DE", "portOfDestination": "1502",
            "customsCode": "9701", "portCode": "9701", "trafMode": "5", "grossWeightG": 12_500, "netWeightG": 12_000,
            "waybill": format!("EE{n:09}CN"),
            "lines": [{ "itemNo": "RUG-1", "hsCode": "5701100000", "name": "羊毛地毯", "specification": "手工打结",
                "unit": "020", "quantity": "2", "unit1": "032", "quantity1": "12", "unitPrice": yuan("1000.00"),
                "refund": true }] });
        sale.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        sale
    }

    /// The same, simplified: nothing of it is refunded.
    #[expect(clippy::needless_pass_by_value, reason = "it is made where it is passed")]
    fn simplified(&self, more: Value) -> Value {
        let mut sale = self.sale(json!({ "flag": "SIMPLIFIED" }));
        sale["lines"][0]["refund"] = json!(false);
        sale["lines"][0]["hsCode"] = json!("5701");
        sale.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        sale
    }

    async fn input(&self, sale: Value) -> Value {
        let server = &self.market.server;
        json!({ "declarerId": server.organisation(DECLARER).await, "carrierId": server.organisation(CARRIER).await,
            "siteId": server.organisation(SITE).await, "sale": sale })
    }

    async fn declared(&self, sale: Value) -> Value {
        let input = self.input(sale).await;
        let selection = format!("declaration {{ {SHOWN} }}");
        let made = self.seller().await.done("declareExport", &selection, input).await["declaration"].clone();
        self.market.worked().await;
        made
    }

    async fn seen(&self, export: &Value) -> Value {
        let query = format!("query($id: ID!) {{ exportDeclaration(id: $id) {{ {SHOWN} }} }}");
        self.seller().await.data(&query, json!({ "id": export["id"] })).await["exportDeclaration"].clone()
    }

    async fn transport(&self, exports: &[&Value]) {
        let ids: Vec<&Value> = exports.iter().map(|export| &export["id"]).collect();
        let transport = json!({ "vehicle": "CA931", "voyage": "1", "bill": "999-1", "totalPackage": "TP1" });
        let input = json!({ "ids": ids, "transport": transport });
        self.seller().await.done("addExportTransport", "declarations { id }", input).await;
        self.market.worked().await;
    }

    async fn arrival(&self, exports: &[&Value], note: &str) {
        let ids: Vec<&Value> = exports.iter().map(|export| &export["id"]).collect();
        let input = json!({ "ids": ids, "vehicle": "青A12345", "note": note });
        let site = self.market.owner(SITE).await;
        site.done("reportExportArrival", "declarations { id }", input).await;
        self.market.worked().await;
    }

    async fn departure(&self, exports: &[&Value]) {
        let ids: Vec<&Value> = exports.iter().map(|export| &export["id"]).collect();
        let input = json!({ "ids": ids, "leftAt": self.market.app().clock().now() });
        let carrier = self.market.owner(CARRIER).await;
        carrier.done("reportExportDeparture", "declarations { id }", input).await;
        self.market.worked().await;
    }

    /// Brings exports to the site and out of the country.
    async fn left(&self, exports: &[&Value]) {
        self.transport(exports).await;
        self.arrival(exports, "").await;
        self.departure(exports).await;
    }

    /// Sends again what is not answered or refused of an export, as it is.
    async fn again(&self, seen: &Value) {
        let input = json!({ "id": seen["id"], "expectedVersion": seen["version"] });
        self.seller().await.done("amendExport", "declaration { state }", input).await;
        self.market.worked().await;
    }

    /// The exports at which somebody must do something.
    async fn to_do(&self) -> Vec<Value> {
        let query = "{ exportDeclarations(filter: { toDo: true }) { nodes { id nextActions } } }";
        let all = self.seller().await.data(query, json!({})).await["exportDeclarations"]["nodes"].clone();
        for export in all.as_array().unwrap() {
            let next = export["nextActions"].as_array().unwrap();
            assert!(next.iter().any(|action| action != "CANCEL"), "nobody is told what to do: {export}");
        }
        all.as_array().unwrap().iter().map(|export| export["id"].clone()).collect()
    }

    /// Customs says something more of an export's list: its last receipt with another status, at another time.
    async fn says(&self, export: &Value, status: &str, time: &str) {
        let app = self.market.app();
        let rows = message::Entity::find()
            .filter(message::Column::Kind.eq(604))
            .order_by_desc(message::Column::Id)
            .all(app.db().read())
            .await
            .unwrap();
        let of =
            |row: &message::Model| app.vault().unseal_text(&format!("customs_message:{}", row.id), &row.body).unwrap();
        let order = format!(">{}<", export["orderNumber"].as_str().unwrap());
        let last = rows.iter().map(of).find(|text| text.contains(&order)).expect("nothing was said of its list");
        let text = replaced(&replaced(&last, "returnStatus", status), "returnTime", time);
        receiving::pushed(app, &proved(app.vault(), text.as_bytes()), text.as_bytes()).await.unwrap();
        self.market.worked().await;
    }

    async fn swept(&self) {
        let app = self.market.app();
        api::customs::jobs::sweep(app, app.clock().now()).await.unwrap();
        self.market.worked().await;
    }

    async fn summaries(&self) -> Vec<Value> {
        let query = "{ exportSummaries { nodes { id month state listCount partCount number due alarm \
                     entries { entryNumber state } } } }";
        let all = self.seller().await.data(query, json!({})).await["exportSummaries"]["nodes"].clone();
        all.as_array().unwrap().clone()
    }
}

fn replaced(text: &str, name: &str, value: &str) -> String {
    let (open, close) = (format!("<ceb:{name}>"), format!("</ceb:{name}>"));
    let from = text.find(&open).unwrap() + open.len();
    let to = text.find(&close).unwrap();
    format!("{}{value}{}", &text[..from], &text[to..])
}

/// How many papers of a kind are about an export.
fn count(export: &Value, kind: &str) -> usize {
    export["documents"].as_array().unwrap().iter().filter(|paper| paper["kind"] == kind).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_a_month_are_released_leave_and_become_an_entry() {
    let quay = Quay::new().await;
    let first = quay.declared(quay.sale(json!({}))).await;
    assert_eq!((&first["state"], &first["route"]), (&json!("WAITING"), &json!("LIST")));
    let released = quay.seen(&first).await;
    assert_eq!(released["state"], "RELEASED", "{released:#}");
    for kind in ["EXPORT_ORDER", "EXPORT_WAYBILL"] {
        assert_eq!(paper(&released, kind)["state"], "ACCEPTED", "{kind}");
    }
    assert_eq!(paper(&released, "MONEY_RECEIVED"), &Value::Null, "customs is told of money that it does not ask for");
    assert!(released["listNumber"].as_str().unwrap().contains('E'), "{released:#}");
    let second = quay.declared(quay.sale(json!({}))).await;
    let other = quay.declared(quay.sale(json!({ "destination": "FR" }))).await;

    // Nobody but who runs the site says that it is there, and nothing leaves that is not.
    let ids = json!({ "ids": [first["id"]], "vehicle": "青A12345" });
    let carrier = quay.market.owner(CARRIER).await;
    assert_eq!(carrier.denied("reportExportArrival", ids).await, "FORBIDDEN");
    let away = json!({ "ids": [first["id"]], "leftAt": quay.market.app().clock().now() });
    assert_eq!(carrier.refused("reportExportDeparture", away).await[0].0, "ILLEGAL_TRANSITION");

    quay.transport(&[&first, &second]).await;
    let on_its_way = quay.seen(&first).await;
    assert_eq!(on_its_way["transport"], json!({ "vehicle": "CA931", "totalPackage": "TP1" }));
    assert_eq!(paper(&on_its_way, "CONSIGNMENT")["state"], "ACCEPTED");
    // Once more would be two consignments of one parcel.
    let again = json!({ "ids": [first["id"]], "transport": { "vehicle": "CA1", "voyage": "1", "bill": "2" } });
    assert_eq!(quay.seller().await.refused("addExportTransport", again).await[0].0, "ILLEGAL_TRANSITION");
    quay.arrival(&[&first, &second], "").await;
    assert_eq!(quay.seen(&second).await["state"], "ARRIVED");
    quay.departure(&[&first, &second]).await;
    let gone = quay.seen(&first).await;
    assert_eq!(gone["state"], "DEPARTED", "{gone:#}");
    assert!(gone["departedAt"].is_string() && gone["arrivedAt"].is_string());
    quay.left(&[&other]).await;

    // The month is not over.
    quay.swept().await;
    assert_eq!(quay.summaries().await, Vec::<Value>::new(), "a month is summarised before it is over");
    let operator = quay.market.server.operator().await;
    let this_month = json!({ "month": "2026-03-31" });
    assert_eq!(operator.refused("summariseExports", this_month).await[0], ("OUT_OF_RANGE".into(), "month".into()));
    let before_all = json!({ "month": "2013-12-31" });
    assert_eq!(operator.refused("summariseExports", before_all).await[0], ("OUT_OF_RANGE".into(), "month".into()));
    quay.market.wait(Duration::days(31));
    let late = quay.declared(quay.sale(json!({}))).await;
    for _ in 0..3 {
        quay.swept().await;
    }
    let all = quay.summaries().await;
    assert_eq!(all.len(), 2, "lists to one country are one summary, and are summarised once: {all:#?}");
    for summary in &all {
        assert_eq!((&summary["month"], &summary["due"]), (&json!("2026-03-01"), &json!("2026-04-15")));
        assert_eq!((&summary["state"], &summary["entries"][0]["state"]), (&json!("ANSWERED"), &json!("R")));
    }
    let mut counts: Vec<i64> = all.iter().map(|summary| summary["listCount"].as_i64().unwrap()).collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, 2]);
    let closed = quay.seen(&first).await;
    assert_eq!(closed["state"], "CLOSED", "{closed:#}");
    assert_eq!(closed["entryNumber"], quay.seen(&second).await["entryNumber"]);
    assert_ne!(closed["entryNumber"], quay.seen(&other).await["entryNumber"]);
    assert_eq!(quay.seen(&late).await["summary"], Value::Null, "a list is summarised before its month is over");
    let of = format!("query($id: ID) {{ exportDeclarations(filter: {{ summaryId: $id }}) {{ nodes {{ {SHOWN} }} }} }}");
    let lists = quay.seller().await.data(&of, json!({ "id": closed["summary"]["id"] })).await;
    assert_eq!(lists["exportDeclarations"]["nodes"].as_array().unwrap().len(), 2);
    quay.market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simplified_export_ends_in_statistics_and_is_in_no_summary() {
    let quay = Quay::new().await;
    let export = quay.declared(quay.simplified(json!({}))).await;
    assert_eq!(quay.seen(&export).await["state"], "RELEASED");
    quay.left(&[&export]).await;
    let done = quay.seen(&export).await;
    assert_eq!(done["state"], "STATISTICS_DONE", "{done:#}");
    quay.market.wait(Duration::days(40));
    quay.swept().await;
    assert_eq!(quay.summaries().await, Vec::<Value>::new());

    // What is refunded cannot be simplified; before customs has the list, it can be summarised instead.
    let mut refunded = quay.simplified(json!({}));
    refunded["lines"][0]["refund"] = json!(true);
    let refused = quay.seller().await.refused("declareExport", quay.input(refunded).await).await;
    assert_eq!(refused, [("SIMPLIFIED_NOT_ALLOWED".into(), "lines.0.refund".into())]);
    let mut whole = quay.simplified(json!({ "note": "#reject" }));
    whole["lines"][0]["hsCode"] = json!("5701100000");
    let export = quay.declared(whole).await;
    let rejected = quay.seen(&export).await;
    assert_eq!((&rejected["state"], &rejected["flag"]), (&json!("REJECTED"), &json!("SIMPLIFIED")));
    let switch = json!({ "id": export["id"], "expectedVersion": rejected["version"] });
    quay.seller().await.done("switchExport", "declaration { flag }", switch.clone()).await;
    quay.market.worked().await;
    let switched = quay.seen(&export).await;
    assert_eq!((&switched["state"], &switched["flag"]), (&json!("RELEASED"), &json!("SUMMARY")), "{switched:#}");
    let late = json!({ "id": export["id"], "expectedVersion": switched["version"] });
    let refused = quay.seller().await.refused("switchExport", late).await;
    assert_eq!(refused, [("INVALID_VALUE".into(), "id".into())], "what is summarised is switched once more");
    quay.market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_taken_back_before_its_release_and_not_after() {
    let quay = Quay::new().await;
    let reason = "订单取消";
    let cancel = |export: &Value| json!({ "id": export["id"], "reason": reason });
    // Customs looks at the list: it is asked, and agrees.
    let held = quay.declared(quay.sale(json!({ "note": "#no-end" }))).await;
    assert_eq!(quay.seen(&held).await["state"], "HELD");
    quay.seller().await.done("cancelExport", "declaration { state }", cancel(&held)).await;
    quay.market.worked().await;
    let gone = quay.seen(&held).await;
    assert_eq!((&gone["state"], &gone["cancelReason"]), (&json!("CANCELLED"), &json!(reason)), "{gone:#}");
    assert_eq!(paper(&gone, "EXPORT_CANCELLATION")["messageNumber"], 605);
    // Refused, it can be asked again, as another.
    let refused = quay.declared(quay.sale(json!({ "note": "#no-end" }))).await;
    let input = json!({ "id": refused["id"], "reason": "取消 #cancel-refused" });
    quay.seller().await.done("cancelExport", "declaration { state }", input).await;
    quay.market.worked().await;
    assert_eq!(quay.seen(&refused).await["state"], "HELD");
    quay.seller().await.done("cancelExport", "declaration { state }", cancel(&refused)).await;
    quay.market.worked().await;
    assert_eq!(quay.seen(&refused).await["state"], "CANCELLED");
    // Customs has nothing of it: nothing is asked.
    let early = quay.declared(quay.sale(json!({ "note": "#order-rejected" }))).await;
    assert_eq!(quay.seen(&early).await["state"], "REJECTED");
    quay.seller().await.done("cancelExport", "declaration { state }", cancel(&early)).await;
    quay.market.worked().await;
    let early = quay.seen(&early).await;
    assert_eq!((&early["state"], paper(&early, "EXPORT_CANCELLATION")), (&json!("CANCELLED"), &Value::Null));
    // Released.
    let released = quay.declared(quay.sale(json!({}))).await;
    let too_late = quay.seller().await.refused("cancelExport", cancel(&released)).await;
    assert_eq!(too_late, [("ILLEGAL_TRANSITION".into(), "id".into())]);
    quay.market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_customs_refuses_is_mended_and_sent_again() {
    let quay = Quay::new().await;
    for (mark, state, kind) in [
        ("reject", "REJECTED", "EXPORT_LIST"),
        ("port-fails", "FAILED", "EXPORT_LIST"),
        ("order-rejected", "REJECTED", "EXPORT_ORDER"),
        ("order-fails", "FAILED", "EXPORT_ORDER"),
        ("waybill-rejected", "REJECTED", "EXPORT_WAYBILL"),
        ("silent", "DECLARED", "EXPORT_LIST"),
        ("unknown", "RELEASED", "EXPORT_LIST"),
    ] {
        let export = quay.declared(quay.sale(json!({ "note": format!("#{mark}") }))).await;
        let stuck = quay.seen(&export).await;
        assert_eq!(stuck["state"], state, "{mark}: {stuck:#}");
        let next = match state {
            "RELEASED" => json!(["SEND_AGAIN", "REPORT_ARRIVAL"]),
            "DECLARED" => json!(["CANCEL"]),
            _ => json!(["MEND", "CANCEL"]),
        };
        assert_eq!(stuck["nextActions"], next, "{mark}");
        if state == "RELEASED" {
            assert!(stuck["alarm"].as_str().unwrap().contains("777"), "nobody looks at what customs says");
            quay.again(&stuck).await;
            let looked_at = quay.seen(&export).await;
            assert_eq!((&looked_at["state"], &looked_at["alarm"]), (&json!("RELEASED"), &Value::Null), "it rings on");
            continue;
        }
        let again = json!({ "id": export["id"], "expectedVersion": stuck["version"] });
        quay.seller().await.done("amendExport", "declaration { state }", again).await;
        quay.market.worked().await;
        let mended = quay.seen(&export).await;
        assert_eq!(mended["state"], "RELEASED", "{mark}: {mended:#}");
        let attempts = i64::from(state != "DECLARED") + 1;
        assert_eq!(paper(&mended, kind)["attempt"], attempts, "{mark}");
    }
    // With other goods.
    let export = quay.declared(quay.sale(json!({ "note": "#reject" }))).await;
    let stuck = quay.seen(&export).await;
    let mut sale = quay.sale(json!({ "orderNumber": stuck["orderNumber"] }));
    sale["lines"][0]["quantity"] = json!("3");
    let stale = json!({ "id": export["id"], "expectedVersion": 1, "sale": sale });
    assert_eq!(quay.seller().await.refused("amendExport", stale).await[0].0, "STALE_VERSION");
    let other_waybill = json!({ "id": export["id"], "expectedVersion": stuck["version"], "sale": sale });
    let refused = quay.seller().await.refused("amendExport", other_waybill).await;
    assert_eq!(refused, [("ILLEGAL_TRANSITION".into(), "waybill".into())], "what customs has changes its number");
    let number = quay.number.get() - 1;
    sale["waybill"] = json!(format!("EE{number:09}CN"));
    let mended = json!({ "id": export["id"], "expectedVersion": stuck["version"], "sale": sale });
    quay.seller().await.done("amendExport", "declaration { state }", mended).await;
    quay.market.worked().await;
    let after = quay.seen(&export).await;
    assert_eq!(after["state"], "RELEASED", "{after:#}");
    assert_eq!(paper(&after, "EXPORT_ORDER")["attempt"], 2, "customs has the old order");
    // An arrival that customs refuses is reported again.
    quay.arrival(&[&export], "#arrival-rejected").await;
    assert_eq!(quay.seen(&export).await["state"], "RELEASED");
    quay.arrival(&[&export], "").await;
    assert_eq!(quay.seen(&export).await["state"], "ARRIVED");
    quay.market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_declared_once_and_each_mode_has_what_it_wants() {
    let quay = Quay::new().await;
    let first = quay.declared(quay.sale(json!({}))).await;
    let twice = quay.sale(json!({ "orderNumber": first["orderNumber"] }));
    let seller = quay.seller().await;
    let taken = seller.refused("declareExport", quay.input(twice).await).await;
    assert_eq!(taken, [("ALREADY_TAKEN".into(), "orderNumber".into())]);
    let parcel = quay.sale(json!({ "waybill": "EE000000001CN" }));
    let taken = seller.refused("declareExport", quay.input(parcel).await).await;
    assert_eq!(taken, [("ALREADY_TAKEN".into(), "waybill".into())]);
    // A repeat is the same.
    let mut input = quay.input(quay.sale(json!({}))).await;
    input["clientMutationId"] = json!("once");
    let one = seller.done("declareExport", "declaration { id }", input.clone()).await;
    let two = seller.done("declareExport", "declaration { id }", input).await;
    assert_eq!(one["declaration"]["id"], two["declaration"]["id"]);

    for (more, code, field) in [
        (json!({ "mode": "SPECIAL_AREA" }), "REQUIRED", "area"),
        (json!({ "mode": "OVERSEAS_WAREHOUSE" }), "REQUIRED", "warehouse"),
        (json!({ "destination": "CN" }), "INVALID_COUNTRY", "destination"),
        (json!({ "portCode": "97" }), "INVALID_VALUE", "portCode"),
        (json!({ "freight": { "amount": "10.00", "currency": "USD" } }), "INVALID_CURRENCY", "freight"),
        (json!({ "insurance": { "amount": "1.00", "currency": "USD" } }), "INVALID_CURRENCY", "insurance"),
        (json!({ "flag": "SIMPLIFIED", "licenceNumber": "L-1" }), "SIMPLIFIED_NOT_ALLOWED", "licenceNumber"),
        (json!({ "lines": [] }), "REQUIRED", "lines"),
    ] {
        let found = seller.refused("declareExport", quay.input(quay.sale(more)).await).await;
        assert!(found.contains(&(code.to_owned(), field.to_owned())), "{field}: {found:?}");
    }
    // Of a carrier that is none; a seller is none either, though it may declare for itself.
    for carrier in [SELLER, OTHER_SELLER] {
        let mut input = quay.input(quay.sale(json!({}))).await;
        input["carrierId"] = quay.market.server.organisation(carrier).await;
        input["declarerId"] = quay.market.server.organisation(OTHER_SELLER).await;
        assert_eq!(seller.refused("declareExport", input).await, [("WRONG_ROLE".into(), "carrierId".into())]);
    }

    let warehouse = json!({ "name": "法兰克福海外仓", "bookingNumber": "BK-1" });
    let abroad = json!({ "mode": "OVERSEAS_WAREHOUSE", "warehouse": warehouse, "orderNumber": null,
        "platformName": null, "platformCode": null });
    let abroad = quay.declared(quay.sale(abroad)).await;
    assert_eq!((&abroad["orderNumber"], &abroad["modeCode"]), (&json!("BK-1"), &json!("9810")));
    assert_eq!(quay.seen(&abroad).await["state"], "RELEASED");

    // Above 5,000 yuan between businesses it is an entry, which is made elsewhere.
    let mut large = quay.sale(json!({ "mode": "BUSINESS" }));
    large["lines"][0]["unitPrice"]["amount"] = json!("2500.01");
    let large = quay.declared(large).await;
    let waits = quay.seen(&large).await;
    assert_eq!((&waits["route"], &waits["state"]), (&json!("ENTRY"), &json!("TO_ENTER")), "{waits:#}");
    assert_eq!(paper(&waits, "EXPORT_LIST"), &Value::Null);
    let todo = "{ exportDeclarations(filter: { toDo: true }) { nodes { id } } }";
    let todo = seller.data(todo, json!({})).await["exportDeclarations"]["nodes"].clone();
    assert_eq!(todo, json!([{ "id": large["id"] }]));
    let wrong = json!({ "id": large["id"], "entryNumber": "1" });
    assert_eq!(seller.refused("noteExportEntry", wrong).await[0].1, "entryNumber");
    let entry = json!({ "id": large["id"], "entryNumber": "970120260123456789" });
    seller.done("noteExportEntry", "declaration { state }", entry).await;
    assert_eq!(quay.seen(&large).await["state"], "CLOSED");
    quay.market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_hidden_from_who_has_no_part_in_it() {
    let quay = Quay::new().await;
    let export = quay.declared(quay.sale(json!({}))).await;
    let server = &quay.market.server;
    let query = "query($id: ID!) { exportDeclaration(id: $id) { id } node(id: $id) { id } exportDeclarations { nodes { id } } }";
    for slug in [OTHER_SELLER, DECLARER, CARRIER, SITE] {
        let seen = server.seller(slug).await.data(query, json!({ "id": export["id"] })).await;
        assert_eq!(seen["exportDeclaration"]["id"], export["id"], "{slug} has a part in it");
        assert_eq!(seen["node"]["id"], export["id"]);
    }
    let stranger = server.seller(SELLER).await;
    let seen = stranger.data(query, json!({ "id": export["id"] })).await;
    assert_eq!(seen, json!({ "exportDeclaration": null, "node": null, "exportDeclarations": { "nodes": [] } }));
    let change = json!({ "id": export["id"], "reason": "x" });
    assert_eq!(stranger.refused("cancelExport", change.clone()).await[0].0, "NOT_FOUND");
    // The carrier sees it, and does not declare.
    let carrier = server.seller(CARRIER).await;
    assert_eq!(carrier.denied("cancelExport", change).await, "FORBIDDEN");
    // Nobody is a seller's agent by saying so.
    let mut input = quay.input(quay.sale(json!({}))).await;
    input["sellerId"] = server.organisation(OTHER_SELLER).await;
    let broker = server.seller(DECLARER).await;
    assert_eq!(broker.denied("declareExport", input.clone()).await, "FORBIDDEN");
    let arrange = json!({ "mode": "BONDED_IMPORT", "declarerId": server.organisation(DECLARER).await,
        "carrierId": server.organisation(CARRIER).await,
        "payerId": server.organisation("hehuang-commerce-bank").await,
        "guarantorId": server.organisation(OTHER_SELLER).await, "customsCode": "9701", "portCode": "9701" });
    quay.seller().await.done("arrangeCustoms", "arrangement { version }", arrange).await;
    broker.done("declareExport", "declaration { state }", input).await;
    quay.market.worked().await;
    // The simulator's papers of exports are no import's.
    let imports = row::Entity::find().filter(row::Column::DeclarationId.is_not_null());
    assert_eq!(imports.count(quay.market.app().db().read()).await.unwrap(), 0);
    let lists = row::Entity::find().filter(row::Column::Kind.eq(PaperKind::ExportList));
    assert_eq!(lists.count(quay.market.app().db().read()).await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_that_customs_refuses_is_told_before_its_deadline_and_sent_again() {
    let quay = Quay::new().await;
    let export = quay.declared(quay.sale(json!({ "note": "#summary-rejected" }))).await;
    quay.left(&[&export]).await;
    quay.market.wait(Duration::days(32));
    quay.swept().await;
    let refused = quay.summaries().await;
    assert_eq!((refused.len(), &refused[0]["state"]), (1, &json!("REFUSED")));
    assert_eq!(refused[0]["alarm"], Value::Null, "it is pressing two weeks before the deadline");
    assert_eq!(quay.seen(&export).await["state"], "DEPARTED");
    // Something else is odd about it meanwhile.
    let odd = summarised::Entity::update_many().col_expr(summarised::Column::Alarm, Expr::value("customs said 777"));
    odd.exec(quay.market.app().db().writer()).await.unwrap();
    quay.market.wait(Duration::days(9));
    quay.swept().await;
    let pressing = quay.summaries().await;
    let alarm = pressing[0]["alarm"].as_str().unwrap();
    assert!(alarm.contains("2026-04-15") && alarm.contains("777"), "nobody is told: {pressing:#?}");
    quay.swept().await;
    assert_eq!(quay.summaries().await[0]["alarm"], pressing[0]["alarm"], "it is told twice");
    let month = json!({ "month": "2026-03-15" });
    assert_eq!(quay.seller().await.denied("summariseExports", month.clone()).await, "FORBIDDEN");
    let operator = quay.market.server.operator().await;
    let sent = operator.done("summariseExports", "summaries { id state }", month.clone()).await;
    assert_eq!(sent["summaries"][0]["id"], pressing[0]["id"]);
    quay.market.worked().await;
    let done = quay.summaries().await;
    assert_eq!((done.len(), &done[0]["state"], &done[0]["alarm"]), (1, &json!("ANSWERED"), &Value::Null));
    assert_eq!(quay.seen(&export).await["state"], "CLOSED");
    let nothing = operator.done("summariseExports", "summaries { id }", month).await;
    assert_eq!(nothing["summaries"], json!([]), "a list is summarised twice");
    quay.market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_that_nobody_answers_is_sent_again() {
    let quay = Quay::new().await;
    let export = quay.declared(quay.sale(json!({ "note": "#summary-silent" }))).await;
    quay.left(&[&export]).await;
    quay.market.wait(Duration::days(32));
    quay.swept().await;
    let lost = quay.summaries().await;
    assert_eq!((lost.len(), &lost[0]["state"]), (1, &json!("DRAFT")));
    let operator = quay.market.server.operator().await;
    let sent = operator.done("summariseExports", "summaries { id }", json!({ "month": "2026-03-15" })).await;
    assert_eq!(sent["summaries"], json!([{ "id": lost[0]["id"] }]));
    quay.market.worked().await;
    assert_eq!(quay.summaries().await[0]["state"], "ANSWERED");
    assert_eq!(quay.seen(&export).await["state"], "CLOSED");
    quay.market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_that_customs_refused_is_not_asked_again_by_itself() {
    let quay = Quay::new().await;
    let export = quay.declared(quay.sale(json!({ "note": "#no-end" }))).await;
    let cancel = json!({ "id": export["id"], "reason": "取消 #cancel-refused" });
    quay.seller().await.done("cancelExport", "declaration { state }", cancel).await;
    quay.market.worked().await;
    quay.says(&export, "500", "20260301235901000").await;
    let held = quay.seen(&export).await;
    assert_eq!(held["state"], "HELD", "it is taken back by what customs says of the list: {held:#}");
    assert_eq!(count(&held, "EXPORT_CANCELLATION"), 1, "customs is asked again: {held:#}");
    quay.says(&export, "100", "20260301235902000").await;
    let rejected = quay.seen(&export).await;
    assert_eq!(rejected["state"], "REJECTED");
    // Who sends it again wants it.
    quay.again(&rejected).await;
    let released = quay.seen(&export).await;
    assert_eq!((&released["state"], &released["cancelReason"]), (&json!("RELEASED"), &Value::Null), "{released:#}");
    assert_eq!(count(&released, "EXPORT_CANCELLATION"), 1, "what is wanted is withdrawn: {released:#}");
    quay.market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_that_waits_for_the_number_of_the_list_is_still_wanted_when_it_is_sent_again() {
    let quay = Quay::new().await;
    // The port has the list; customs has not answered, so there is no number to withdraw.
    let export = quay.declared(quay.sale(json!({ "note": "#silent" }))).await;
    let seen = quay.seen(&export).await;
    assert_eq!((paper(&seen, "EXPORT_LIST")["state"].clone(), &seen["listNumber"]), (json!("SENT"), &Value::Null));
    let cancel = json!({ "id": export["id"], "reason": "订单取消" });
    quay.seller().await.done("cancelExport", "declaration { state }", cancel).await;
    let input = json!({ "id": export["id"], "expectedVersion": quay.seen(&export).await["version"] });
    let again = quay.seller().await.done("amendExport", "declaration { state cancelReason }", input).await;
    assert_eq!(again["declaration"], json!({ "state": "DECLARED", "cancelReason": "订单取消" }));
    quay.market.worked().await;
    quay.market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_lost_on_the_way_out_is_to_be_done_and_is_said_again() {
    let quay = Quay::new().await;
    let export = quay.declared(quay.sale(json!({}))).await;
    let held = quay.declared(quay.sale(json!({ "note": "#no-end" }))).await;
    let cancel = json!({ "id": held["id"], "reason": "取消 #cancel-silent" });
    quay.seller().await.done("cancelExport", "declaration { state }", cancel).await;
    let transport = json!({ "ids": [export["id"]], "note": "#consignment-silent",
        "transport": { "vehicle": "CA931", "voyage": "1", "bill": "999-1" } });
    quay.seller().await.done("addExportTransport", "declarations { id }", transport).await;
    quay.market.worked().await;
    assert_eq!(paper(&quay.seen(&export).await, "CONSIGNMENT")["state"], "SENT");
    assert_eq!(quay.to_do().await, Vec::<Value>::new(), "customs may still answer");
    quay.market.wait(Duration::days(8));
    assert_eq!(quay.to_do().await, [held["id"].clone(), export["id"].clone()], "nobody is told that customs is silent");
    quay.again(&quay.seen(&export).await).await;
    let sent = quay.seen(&export).await;
    assert_eq!(paper(&sent, "CONSIGNMENT")["state"], "ACCEPTED", "{sent:#}");
    assert_eq!(paper(&sent, "CONSIGNMENT")["attempt"], 1, "the same is another paper");
    quay.again(&quay.seen(&held).await).await;
    let withdrawn = quay.seen(&held).await;
    assert_eq!(withdrawn["state"], "CANCELLED", "{withdrawn:#}");
    assert_eq!(withdrawn["cancelReason"], "取消 #cancel-silent", "why it was taken back is lost");
    assert_eq!(quay.to_do().await, Vec::<Value>::new());

    quay.arrival(&[&export], "#arrival-silent").await;
    assert_eq!(quay.seen(&export).await["state"], "RELEASED");
    quay.again(&quay.seen(&export).await).await;
    assert_eq!(quay.seen(&export).await["state"], "ARRIVED");
    let away = json!({ "ids": [export["id"]], "leftAt": quay.market.app().clock().now(), "note": "#departure-silent" });
    quay.market.owner(CARRIER).await.done("reportExportDeparture", "declarations { id }", away).await;
    quay.market.worked().await;
    assert_eq!(quay.seen(&export).await["state"], "ARRIVED");
    quay.again(&quay.seen(&export).await).await;
    assert_eq!(quay.seen(&export).await["state"], "DEPARTED");

    // What customs refuses is to be done until it is said anew.
    let other = quay.declared(quay.sale(json!({}))).await;
    quay.arrival(&[&other], "#arrival-rejected").await;
    assert_eq!(quay.to_do().await, [other["id"].clone()]);
    quay.arrival(&[&other], "").await;
    assert_eq!(quay.to_do().await, Vec::<Value>::new());
    quay.market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn customs_that_says_what_cannot_be_both_rings_an_alarm() {
    let quay = Quay::new().await;
    let cancel = |export: &Value| json!({ "id": export["id"], "reason": "订单取消" });
    // It never got there, was taken back, and customs has it after all.
    let failed = quay.declared(quay.sale(json!({ "note": "#port-fails" }))).await;
    quay.seller().await.done("cancelExport", "declaration { state }", cancel(&failed)).await;
    quay.says(&failed, "120", "20260301235901000").await;
    let odd = quay.seen(&failed).await;
    assert_eq!(odd["state"], "CANCELLED");
    assert!(odd["alarm"].as_str().unwrap_or_default().contains("taken back"), "nobody is told: {odd:#}");
    assert_eq!(quay.to_do().await, [failed["id"].clone()]);
    quay.again(&odd).await;
    let looked_at = quay.seen(&failed).await;
    assert_eq!((&looked_at["state"], &looked_at["alarm"]), (&json!("CANCELLED"), &Value::Null));
    let more = json!({ "id": failed["id"], "expectedVersion": looked_at["version"] });
    assert_eq!(quay.seller().await.refused("amendExport", more).await, [("ILLEGAL_TRANSITION".into(), "id".into())]);
    // It let it be withdrawn, and releases it.
    let withdrawn = quay.declared(quay.sale(json!({ "note": "#no-end" }))).await;
    quay.seller().await.done("cancelExport", "declaration { state }", cancel(&withdrawn)).await;
    quay.market.worked().await;
    let agreed = quay.seen(&withdrawn).await;
    assert_eq!((&agreed["state"], &agreed["alarm"]), (&json!("CANCELLED"), &Value::Null));
    quay.says(&withdrawn, "800", "20260301235902000").await;
    let odd = quay.seen(&withdrawn).await;
    assert!(odd["alarm"].as_str().unwrap_or_default().contains("agreed to its withdrawal"), "nobody is told: {odd:#}");
    quay.market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_month_of_a_list_is_that_of_its_earliest_release() {
    let quay = Quay::new().await;
    let export = quay.declared(quay.sale(json!({}))).await;
    assert!(quay.seen(&export).await["releasedAt"].as_str().unwrap().starts_with("2026-03-01"));
    quay.says(&export, "800", "20260228120000000").await;
    let earlier = quay.seen(&export).await;
    assert!(earlier["releasedAt"].as_str().unwrap().starts_with("2026-02-28T04:00:00"), "{earlier:#}");
    quay.says(&export, "899", "20260301235901000").await;
    assert_eq!(quay.seen(&export).await["releasedAt"], earlier["releasedAt"], "that all is done is no release");
    quay.market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_carrier_or_site_is_mended_before_customs_has_the_parcel() {
    let quay = Quay::new().await;
    let server = &quay.market.server;
    let mut sale = quay.sale(json!({ "note": "#waybill-rejected" }));
    let export = quay.declared(sale.clone()).await;
    let stuck = quay.seen(&export).await;
    assert_eq!(stuck["state"], "REJECTED");
    let seller = quay.seller().await;
    let none = json!({ "id": export["id"], "expectedVersion": stuck["version"],
        "carrierId": server.organisation(SELLER).await });
    assert_eq!(seller.refused("amendExport", none).await, [("WRONG_ROLE".into(), "carrierId".into())]);
    sale["note"] = Value::Null;
    let mended = json!({ "id": export["id"], "expectedVersion": stuck["version"], "sale": sale,
        "carrierId": server.organisation(SITE).await, "siteId": server.organisation(CARRIER).await });
    seller.done("amendExport", "declaration { state }", mended).await;
    quay.market.worked().await;
    let query = "query($id: ID!) { exportDeclaration(id: $id) { state carrier { slug } site { slug } \
                 lines(first: 1) { nodes { number itemNo } pageInfo { hasNextPage } } } }";
    let seen = seller.data(query, json!({ "id": export["id"] })).await["exportDeclaration"].clone();
    let lines = json!({ "nodes": [{ "number": 1, "itemNo": "RUG-1" }], "pageInfo": { "hasNextPage": false } });
    let expected = json!({ "state": "RELEASED", "carrier": { "slug": SITE }, "site": { "slug": CARRIER },
        "lines": lines });
    assert_eq!(seen, expected);
    // Customs has this one under its carrier.
    let known = quay.declared(quay.sale(json!({ "note": "#order-rejected" }))).await;
    let stuck = quay.seen(&known).await;
    let late = json!({ "id": known["id"], "expectedVersion": stuck["version"],
        "carrierId": server.organisation(SITE).await });
    assert_eq!(seller.refused("amendExport", late).await, [("ILLEGAL_TRANSITION".into(), "carrierId".into())]);
    quay.market.adds_up().await;
}
