//! Inbound notices: declared, counted at the gate, put into bins; short, over, taken back, and many at once.

use api::{
    graphql::Gateway,
    inventory::availability,
    platform::{auth::Caller, meter::Meter},
};
use entities::{
    inventory::{BookEvent, bonded_entry},
    party::{Acting, Actor, MemberRole, OrganisationRole, Viewer},
    values::Locale,
};
use futures_util::future::join_all;
use proptest::{strategy::ValueTree, test_runner::TestRunner};

use super::*;

const NOTICE: &str = "inbound { id number state version document \
     verificationList { number state book authority } gatePasses { number vehicle state direction } \
     lines(first: 100) { nodes { id quantity received short missing onDock bins { bin quantity } lot { code expiresOn } } } }";

/// A bonded warehouse with an account book.
struct Quay {
    house: House,
    zone: Value,
    item: Value,
}

impl Quay {
    async fn new() -> Self {
        let house = House::new().await;
        let zone = house.location("ZONE", "BONDED_WAREHOUSE").await;
        let filed = json!({ "locationId": zone, "book": "T9701W000001", "number": 7, "variantId": house.variant });
        let item = house.owner.done("fileBondedItem", "item { id }", filed).await["item"]["id"].clone();
        Self { house, zone, item }
    }

    fn line(&self, quantity: i64, lot: &str) -> Value {
        let lot = if lot.is_empty() { Value::Null } else { json!(lot) };
        json!({ "variantId": self.house.variant, "quantity": quantity, "lot": lot,
            "value": { "amount": "100.00", "currency": "EUR" } })
    }

    fn declaring(&self, document: &str, lines: &[Value]) -> Value {
        json!({ "locationId": self.zone, "document": document, "lines": lines })
    }

    async fn declared(&self, document: &str, lines: &[Value]) -> Value {
        let input = self.declaring(document, lines);
        self.house.owner.done("declareInbound", NOTICE, input).await["inbound"].clone()
    }

    async fn received(&self, notice: &Value, counts: &[i64], more: bool) -> Value {
        self.house.owner.done("receiveInbound", NOTICE, receiving(notice, counts, more)).await["inbound"].clone()
    }

    async fn stored(&self, notice: &Value, into: &[(usize, &str, i64)]) -> Value {
        self.house.owner.done("putAway", NOTICE, putting(notice, into)).await["inbound"].clone()
    }

    /// Expected and come in, as the account book has it.
    async fn book(&self) -> (i64, i64) {
        let query = "{ bondedItems { nodes { id preIncrease increased } } }";
        let rows = self.house.owner.data(query, json!({})).await["bondedItems"]["nodes"].clone();
        let row = rows.as_array().unwrap().iter().find(|row| row["id"] == self.item).unwrap().clone();
        (row["preIncrease"].as_i64().unwrap(), row["increased"].as_i64().unwrap())
    }

    /// On hand by the codes of the places; what is nothing is left out.
    async fn places(&self) -> BTreeMap<String, i64> {
        let mut sums: BTreeMap<String, i64> = BTreeMap::new();
        for row in self.house.stock().await {
            *sums.entry(row["location"]["code"].as_str().unwrap().to_owned()).or_default() +=
                row["onHand"].as_i64().unwrap();
        }
        sums.retain(|_, n| *n != 0);
        sums
    }

    /// What can be sold from bonded warehouses.
    async fn saleable(&self) -> i64 {
        let (app, shelf) = (&self.house.server.app, self.house.variant_id().await);
        let today = app.clock().now().date_naive();
        let rows = availability::saleable(app.db().read(), [shelf.0], [shelf.1], today, 0).await.unwrap();
        rows.iter().filter(|row| row.kind == LocationKind::BondedWarehouse).map(|row| row.available).sum()
    }
}

impl House {
    /// The owner of the first location, and the first variant.
    async fn variant_id(&self) -> (OrganisationId, VariantId) {
        let db = self.server.app.db().read();
        let place = location::Entity::find().one(db).await.unwrap().unwrap();
        let variant = variant::Entity::find().one(db).await.unwrap().unwrap();
        (place.organisation_id, variant.id)
    }
}

fn lines(notice: &Value) -> &Vec<Value> {
    notice["lines"]["nodes"].as_array().unwrap()
}

fn receiving(notice: &Value, counts: &[i64], more: bool) -> Value {
    let line = |(line, quantity): (&Value, &i64)| json!({ "lineId": line["id"], "quantity": quantity });
    let counted: Vec<Value> = lines(notice).iter().zip(counts).map(line).collect();
    let vehicle = counts.iter().any(|n| *n > 0).then_some("青A12345");
    json!({ "id": notice["id"], "expectedVersion": notice["version"], "vehicle": vehicle, "lines": counted,
        "moreToCome": more })
}

fn putting(notice: &Value, into: &[(usize, &str, i64)]) -> Value {
    let line = |(n, bin, quantity): &(usize, &str, i64)| json!({ "lineId": lines(notice)[*n]["id"], "bin": bin, "quantity": quantity });
    json!({ "id": notice["id"], "expectedVersion": notice["version"], "lines": into.iter().map(line).collect::<Vec<_>>() })
}

fn numbers(notice: &Value, field: &str) -> Vec<i64> {
    lines(notice).iter().map(|line| line[field].as_i64().unwrap()).collect()
}

fn sums(of: &[(&str, i64)]) -> BTreeMap<String, i64> {
    of.iter().map(|(code, n)| ((*code).to_owned(), *n)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_declared_comes_through_the_gate_onto_the_dock_and_can_be_sold_from_its_bins() {
    let quay = Quay::new().await;
    let mut dated = quay.line(60, "L-1");
    dated["expiresOn"] = json!("2027-01-31");
    let notice = quay.declared("进境备案-1", &[dated, quay.line(40, "L-2")]).await;
    assert_eq!((&notice["state"], &notice["version"]), (&json!("DECLARED"), &json!(1)));
    let list = &notice["verificationList"];
    assert!(list["number"].as_str().unwrap().starts_with("QD9701"), "{list}");
    assert_eq!(
        (&list["state"], &list["book"], &list["authority"]),
        (&json!("DECLARED"), &json!("T9701W000001"), &json!("STAND_IN"))
    );
    assert_eq!((quay.book().await, quay.places().await), ((100, 0), sums(&[])), "it is there before it came");
    quay.house.adds_up().await;

    let mut input = receiving(&notice, &[60, 40], false);
    input["clientMutationId"] = json!("gate-1");
    let received = quay.house.owner.done("receiveInbound", NOTICE, input.clone()).await;
    assert_eq!(quay.house.owner.done("receiveInbound", NOTICE, input).await, received, "a repeat is another answer");
    let received = received["inbound"].clone();
    assert_eq!((&received["state"], &received["verificationList"]["state"]), (&json!("RECEIVED"), &json!("VERIFIED")));
    let passes = received["gatePasses"].as_array().unwrap();
    assert_eq!(passes.len(), 1);
    assert_eq!(
        (&passes[0]["vehicle"], &passes[0]["state"], &passes[0]["direction"]),
        (&json!("青A12345"), &json!("PASSED"), &json!("IN"))
    );
    assert_eq!((quay.book().await, quay.places().await), ((0, 100), sums(&[("@INBOUND", 100)])));
    assert_eq!(quay.saleable().await, 0, "what is on the dock is sold");
    quay.house.adds_up().await;
    // What is on the dock leaves it into bins only.
    let balance = quay.house.stock().await[0]["id"].clone();
    let by_hand = json!({ "document": "x", "lines": [{ "balanceId": balance, "toId": quay.zone, "quantity": 1 }] });
    assert_eq!(
        quay.house.owner.refused("transferStock", by_hand).await,
        [("NOT_FOUND".into(), "lines.0.balanceId".into())]
    );

    let some = quay.stored(&received, &[(0, "a-01", 50), (0, "A-02", 10)]).await;
    assert_eq!((&some["state"], quay.saleable().await), (&json!("RECEIVED"), 60));
    assert_eq!(
        some["lines"]["nodes"][0]["bins"],
        json!([{ "bin": "A-01", "quantity": 50 }, { "bin": "A-02", "quantity": 10 }])
    );
    quay.house.adds_up().await;
    let all = quay.stored(&some, &[(1, "B-01", 40)]).await;
    assert_eq!((&all["state"], quay.saleable().await), (&json!("PUT_AWAY"), 100));
    assert_eq!(quay.places().await, sums(&[("ZONE", 100)]));
    let seen = "{ stock { nodes { customsStatus lot { code expiresOn } bins location { code } onHand } } }";
    let rows = quay.house.owner.data(seen, json!({})).await["stock"]["nodes"].clone();
    let row =
        rows.as_array().unwrap().iter().find(|row| row["location"]["code"] == "ZONE" && row["lot"]["code"] == "L-1");
    assert_eq!(
        row.unwrap(),
        &json!({ "customsStatus": "BONDED", "lot": { "code": "L-1", "expiresOn": "2027-01-31" },
            "bins": ["A-01", "A-02"], "location": { "code": "ZONE" }, "onHand": 60 })
    );
    // Nothing follows.
    let wrong = [("ILLEGAL_TRANSITION".to_owned(), "id".to_owned())];
    assert_eq!(quay.house.owner.refused("cancelInbound", json!({ "id": all["id"] })).await, wrong);
    assert_eq!(quay.house.owner.refused("receiveInbound", receiving(&all, &[0, 0], false)).await, wrong);
    assert_eq!(quay.house.owner.refused("putAway", putting(&all, &[(0, "A", 1)])).await, wrong);
    let trail = "query($id: ID!) { auditTrail(nodeId: $id) { nodes { action } } }";
    let trail = quay.house.owner.data(trail, json!({ "id": all["id"] })).await["auditTrail"]["nodes"].clone();
    let actions: Vec<_> = trail.as_array().unwrap().iter().map(|one| one["action"].as_str().unwrap()).collect();
    for action in ["declareInbound", "receiveInbound", "putAway"] {
        assert!(actions.contains(&action), "{action} is not in the audit: {actions:?}");
    }
    quay.house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_short_is_not_expected_any_more_and_what_is_over_is_not_taken_in() {
    let quay = Quay::new().await;
    let notice = quay.declared("D-1", &[quay.line(100, "L-1"), quay.line(10, "")]).await;
    let over = quay.house.owner.refused("receiveInbound", receiving(&notice, &[101, 10], false)).await;
    assert_eq!(over, [("OUT_OF_RANGE".into(), "lines.0.quantity".into())]);
    let nothing = quay.house.owner.refused("receiveInbound", receiving(&notice, &[0, 0], false)).await;
    assert_eq!(nothing, [("REQUIRED".into(), "lines".into())]);
    let mut no_vehicle = receiving(&notice, &[1, 1], false);
    no_vehicle["vehicle"] = Value::Null;
    assert_eq!(quay.house.owner.refused("receiveInbound", no_vehicle).await, [("REQUIRED".into(), "vehicle".into())]);
    assert_eq!((quay.book().await, quay.places().await), ((110, 0), sums(&[])), "a refused receipt left something");

    // One vehicle of two: the rest is still expected.
    let first = quay.received(&notice, &[60, 0], true).await;
    assert_eq!((&first["state"], &first["verificationList"]["state"]), (&json!("RECEIVING"), &json!("DECLARED")));
    assert_eq!((numbers(&first, "missing"), quay.book().await), (vec![40, 10], (50, 60)));
    quay.house.adds_up().await;
    let told_twice = quay.house.owner.refused("receiveInbound", receiving(&notice, &[40, 0], true)).await;
    assert_eq!(told_twice, [("STALE_VERSION".into(), "expectedVersion".into())]);
    let beyond = quay.house.owner.refused("putAway", putting(&first, &[(0, "A", 50), (0, "B", 11)])).await;
    assert_eq!(beyond, [("OUT_OF_RANGE".into(), "lines.1.quantity".into())]);
    let stored = quay.stored(&first, &[(0, "A", 60)]).await;
    assert_eq!(stored["state"], "RECEIVING", "more is to come");

    // The second brings less than was declared.
    let second = quay.received(&stored, &[37, 10], false).await;
    assert_eq!(
        (&second["state"], numbers(&second, "short"), numbers(&second, "missing")),
        (&json!("RECEIVED"), vec![3, 0], vec![0, 0])
    );
    assert_eq!((quay.book().await, second["gatePasses"].as_array().unwrap().len()), ((0, 107), 2));
    quay.house.adds_up().await;
    let done = quay.stored(&second, &[(0, "A", 37), (1, "C", 10)]).await;
    assert_eq!((&done["state"], quay.places().await), (&json!("PUT_AWAY"), sums(&[("ZONE", 107)])));
    quay.house.adds_up().await;

    // The second vehicle never comes: nothing of it is on the dock, so it is over.
    let notice = quay.declared("D-2", &[quay.line(20, "L-1")]).await;
    let some = quay.received(&notice, &[5], true).await;
    let some = quay.stored(&some, &[(0, "A", 5)]).await;
    let none = json!({ "id": some["id"], "expectedVersion": some["version"], "lines": [] });
    let over = quay.house.owner.done("receiveInbound", NOTICE, none).await["inbound"].clone();
    assert_eq!((&over["state"], numbers(&over, "short"), quay.book().await), (&json!("PUT_AWAY"), vec![15], (0, 112)));
    assert_eq!(over["gatePasses"].as_array().unwrap().len(), 1, "a vehicle that did not come has a pass");
    quay.house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_is_taken_back_leaves_the_book_as_it_was_and_its_document_free() {
    let quay = Quay::new().await;
    let notice = quay.declared("D-1", &[quay.line(30, "L-1")]).await;
    let again = quay.house.owner.refused("declareInbound", quay.declaring("D-1", &[quay.line(1, "L-1")])).await;
    assert_eq!(again, [("ALREADY_TAKEN".into(), "document".into())], "one document has two notices");
    assert_eq!(quay.book().await, (30, 0));
    // Not by hand: the notice has its own steps.
    for event in ["INCREASE", "WITHDRAW", "PRE_INCREASE"] {
        let note = json!({ "itemId": quay.item, "event": event, "quantity": 1, "document": notice["number"] });
        assert_eq!(
            quay.house.owner.refused("noteBondedMovement", note).await,
            [("ALREADY_TAKEN".into(), "document".into())]
        );
    }
    // And what one document declared does not come under another.
    let note = json!({ "itemId": quay.item, "event": "INCREASE", "quantity": 1, "document": "other" });
    assert_eq!(quay.house.owner.refused("noteBondedMovement", note).await, [("BOOK_SHORT".into(), "quantity".into())]);
    let cancelled =
        quay.house.owner.done("cancelInbound", NOTICE, json!({ "id": notice["id"] })).await["inbound"].clone();
    assert_eq!(
        (&cancelled["state"], &cancelled["verificationList"]["state"]),
        (&json!("CANCELLED"), &json!("CANCELLED"))
    );
    assert_eq!((quay.book().await, numbers(&cancelled, "missing")), ((0, 0), vec![0]));
    let twice = quay.house.owner.refused("cancelInbound", json!({ "id": notice["id"] })).await;
    assert_eq!(twice, [("ILLEGAL_TRANSITION".into(), "id".into())]);
    let late = quay.house.owner.refused("receiveInbound", receiving(&cancelled, &[1], false)).await;
    assert_eq!(late, [("ILLEGAL_TRANSITION".into(), "id".into())]);
    let anew = quay.declared("D-1", &[quay.line(5, "L-1")]).await;
    assert_ne!(anew["number"], notice["number"]);
    // What came is not taken back.
    let some = quay.received(&anew, &[1], true).await;
    let after = quay.house.owner.refused("cancelInbound", json!({ "id": some["id"] })).await;
    assert_eq!(after, [("ILLEGAL_TRANSITION".into(), "id".into())]);
    quay.house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_declared_is_refused_with_its_line() {
    let quay = Quay::new().await;
    let back = quay.house.location("BACK", "DUTY_PAID_WAREHOUSE").await;
    let owner = &quay.house.owner;
    let unbonded = json!({ "locationId": back, "document": "D", "lines": [quay.line(1, "")] });
    assert_eq!(owner.refused("declareInbound", unbonded).await, [("INVALID_VALUE".into(), "locationId".into())]);
    let more = quay.house.variants(2).await;
    let mut unfiled = quay.line(1, "");
    unfiled["variantId"] = json!(encode(more[0]));
    let filed = json!({ "locationId": quay.zone, "book": "T9701W000002", "number": 7, "variantId": encode(more[1]) });
    let other = owner.done("fileBondedItem", "item { id }", filed).await["item"]["id"].clone();
    let mut other_book = quay.line(1, "");
    other_book["variantId"] = json!(encode(more[1]));
    let mut not_its_item = quay.line(1, "");
    not_its_item["itemId"] = other;
    let mut late = quay.line(1, "L-9");
    (late["producedOn"], late["expiresOn"]) = (json!("2026-02-01"), json!("2026-02-01"));
    let mut money = quay.line(1, "");
    money["value"]["amount"] = json!("-1");
    for (what, lines, expected) in [
        ("nothing", vec![], ("REQUIRED", "lines")),
        ("none of it", vec![quay.line(0, "")], ("OUT_OF_RANGE", "lines.0.quantity")),
        ("not in the book", vec![quay.line(1, ""), unfiled], ("NOT_FILED", "lines.1")),
        ("two books", vec![quay.line(1, ""), other_book], ("INVALID_VALUE", "lines.1.itemId")),
        ("another's item", vec![not_its_item], ("NOT_FOUND", "lines.0.itemId")),
        ("too old when it was made", vec![late], ("INVALID_VALUE", "lines.0.expiresOn")),
        ("less than nothing", vec![money], ("INVALID_AMOUNT", "lines.0.value.amount")),
    ] {
        let refused = owner.refused("declareInbound", quay.declaring("D", &lines)).await;
        assert_eq!(refused, [(expected.0.to_owned(), expected.1.to_owned())], "{what}");
    }
    let notice = quay.declared("D", &[quay.line(3, "")]).await;
    let twice = json!({ "id": notice["id"], "expectedVersion": 1, "vehicle": "x", "lines": [
        { "lineId": notice["lines"]["nodes"][0]["id"], "quantity": 1 },
        { "lineId": notice["lines"]["nodes"][0]["id"], "quantity": 1 }] });
    assert_eq!(owner.refused("receiveInbound", twice).await, [("DUPLICATE".into(), "lines.1".into())]);
    let received = quay.received(&notice, &[3], false).await;
    let bin = owner.refused("putAway", putting(&received, &[(0, "货位 1", 1)])).await;
    assert_eq!(bin, [("INVALID_VALUE".into(), "lines.0.bin".into())]);
    quay.house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_count_store_or_declare_the_same_at_once_one_does() {
    let quay = Quay::new().await;
    let other = quay.house.server.member("owner", SELLER).await;
    let who = |n: usize| if n.is_multiple_of(2) { &quay.house.owner } else { &other };
    let done = |all: &[Value]| all.iter().filter(|payload| payload["userErrors"] == json!([])).count();

    let input = quay.declaring("D-1", &[quay.line(50, "L-1")]);
    let all = join_all((0..6).map(|n| who(n).payload("declareInbound", NOTICE, input.clone()))).await;
    assert_eq!((done(&all), quay.book().await), (1, (50, 0)), "{all:?}");
    let notice = all.iter().find(|payload| payload["userErrors"] == json!([])).unwrap()["inbound"].clone();

    // Two count the vehicle, one takes the notice back.
    let count = receiving(&notice, &[50], false);
    let cancel = json!({ "id": notice["id"] });
    let all = join_all((0..6).map(|n| {
        let (name, input) = if n == 5 { ("cancelInbound", &cancel) } else { ("receiveInbound", &count) };
        who(n).payload(name, "inbound { state }", input.clone())
    }))
    .await;
    assert_eq!(done(&all), 1, "{all:?}");
    let (expected, came) = quay.book().await;
    assert_eq!((expected, came % 50, came / 50 < 2), (0, 0, true), "the book counted a vehicle twice");
    quay.house.adds_up().await;

    let notice = quay.declared("D-2", &[quay.line(8, "L-2")]).await;
    let received = quay.received(&notice, &[8], false).await;
    let store = putting(&received, &[(0, "A", 8)]);
    let all = join_all((0..6).map(|n| who(n).payload("putAway", "inbound { state }", store.clone()))).await;
    assert_eq!(done(&all), 1, "{all:?}");
    quay.house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_organisation_expects_does_not_exist_for_others() {
    let quay = Quay::new().await;
    let notice = quay.declared("D-1", &[quay.line(10, "L-1")]).await;
    let received = quay.received(&notice, &[10], false).await;
    let query = "query($id: ID!) { inbound(id: $id) { number } inbounds { nodes { number } } gatePasses { nodes { id number } } }";
    let own = quay.house.owner.data(query, json!({ "id": notice["id"] })).await;
    assert_eq!(own["inbounds"]["nodes"], json!([{ "number": notice["number"] }]));
    let pass = own["gatePasses"]["nodes"][0].clone();
    assert_eq!(pass["number"], received["gatePasses"][0]["number"]);
    let stranger = quay.house.server.seller(OTHER_SELLER).await;
    let seen = stranger.data(query, json!({ "id": notice["id"] })).await;
    assert_eq!(seen, json!({ "inbound": null, "inbounds": { "nodes": [] }, "gatePasses": { "nodes": [] } }));
    let found =
        "query($id: ID!) { gatePass(id: $id) { number vehicle inbound { number } verificationList { state } } }";
    assert_eq!(stranger.data(found, json!({ "id": pass["id"] })).await["gatePass"], Value::Null);
    let seen = quay.house.owner.data(found, json!({ "id": pass["id"] })).await["gatePass"].clone();
    assert_eq!(
        seen,
        json!({ "number": pass["number"], "vehicle": "青A12345", "inbound": { "number": notice["number"] },
            "verificationList": { "state": "VERIFIED" } })
    );
    let hidden = [("NOT_FOUND".to_owned(), "id".to_owned())];
    for (name, input) in [
        ("receiveInbound", receiving(&received, &[1], false)),
        ("putAway", putting(&received, &[(0, "A", 1)])),
        ("cancelInbound", json!({ "id": notice["id"] })),
    ] {
        assert_eq!(stranger.refused(name, input).await, hidden, "{name}");
    }
    // Who oversees the zone names whose.
    let operator = quay.house.server.operator().await;
    let of = "query($o: ID!) { inbounds(filter: { organisationId: $o, states: [RECEIVED] }) { nodes { number } } }";
    let seen = operator.data(of, json!({ "o": quay.house.server.organisation(SELLER).await })).await;
    assert_eq!(seen["inbounds"]["nodes"], json!([{ "number": notice["number"] }]));
    assert_eq!(stranger.error(of, json!({ "o": quay.house.server.organisation(SELLER).await })).await, "FORBIDDEN");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_notices_costs_the_same_for_one_and_for_many() {
    let quay = Quay::new().await;
    let query = "{ inbounds { nodes { number location { code } verificationList { number } gatePasses { number } \
                 lines { nodes { quantity variant { code } lot { code } bins { bin } } } } } }";
    let (organisation, _) = quay.house.variant_id().await;
    let count = async || {
        let acting = Acting {
            organisation,
            kinds: [OrganisationRole::Seller].into(),
            roles: [MemberRole::Owner].into(),
            approval_level: 0,
            scopes: [].into(),
        };
        let viewer = Viewer { actor: Actor::Tool("test".into()), acting: Some(acting) };
        let mut request = async_graphql::Request::new(query);
        let operation = Gateway::prepare(&mut request).unwrap();
        let (meter, gateway) = (Meter::default(), Gateway::new(quay.house.server.app.clone()));
        let caller = Caller { viewer, session: None, address: None };
        let response = meter.measure(gateway.execute(request, &operation, caller, Locale::en())).await;
        assert!(response.errors.is_empty(), "{:?}", response.errors);
        let data = response.data.into_json().unwrap();
        (data["inbounds"]["nodes"].as_array().unwrap().len(), meter.statements())
    };
    let mut counts = Vec::new();
    for n in 0..4 {
        let notice = quay.declared(&format!("D-{n}"), &[quay.line(4, "L-1"), quay.line(4, "L-2")]).await;
        let received = quay.received(&notice, &[4, 3], false).await;
        quay.stored(&received, &[(0, "A", 4), (1, "B", 3)]).await;
        let (rows, statements) = count().await;
        assert_eq!(rows, n + 1);
        counts.push(statements);
    }
    assert!(counts.iter().all(|count| *count == counts[0]), "1 to 4 notices take {counts:?} statements");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_a_location_called_inbound_has_a_dock_beside_it() {
    let quay = Quay::new().await;
    let own = quay.house.location("INBOUND", "QUALITY_CHECK").await;
    quay.house.receive(&own, json!([quay.house.line(7, "", None)])).await;
    let notice = quay.declared("D-1", &[quay.line(10, "L-1")]).await;
    let received = quay.received(&notice, &[10], false).await;
    assert_eq!(quay.places().await, sums(&[("@INBOUND", 10), ("INBOUND", 7)]));
    quay.house.adds_up().await;
    let done = quay.stored(&received, &[(0, "A", 10)]).await;
    assert_eq!((&done["state"], quay.places().await), (&json!("PUT_AWAY"), sums(&[("INBOUND", 7), ("ZONE", 10)])));
    quay.house.adds_up().await;
    // Nobody makes one that could be taken for the dock.
    let dock = json!({ "code": "@INBOUND", "kind": "TRANSIT", "name": "x" });
    assert_eq!(quay.house.owner.refused("createStockLocation", dock).await, [("INVALID_VALUE".into(), "code".into())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_bins_the_newest_are_told_each_once() {
    let quay = Quay::new().await;
    let notice = quay.declared("D-1", &[quay.line(60, "L-1"), quay.line(5, "L-2")]).await;
    let mut notice = quay.received(&notice, &[60, 5], false).await;
    // Twice into each, one minute after the other.
    for n in 0..50_usize {
        quay.house.server.wait(Duration::minutes(1));
        let bin = format!("A-{:02}", n % 25);
        let input = putting(&notice, &[(0, &bin, 1)]);
        let owner = quay.house.server.seller(SELLER).await;
        notice = owner.done("putAway", NOTICE, input).await["inbound"].clone();
    }
    let owner = quay.house.server.seller(SELLER).await;
    notice = owner.done("putAway", NOTICE, putting(&notice, &[(1, "B-01", 5)])).await["inbound"].clone();
    let newest: Vec<Value> = (5..25).map(|n| json!({ "bin": format!("A-{n:02}"), "quantity": 2 })).collect();
    assert_eq!(lines(&notice)[0]["bins"], json!(newest));
    assert_eq!(lines(&notice)[1]["bins"], json!([{ "bin": "B-01", "quantity": 5 }]));
    let seen = owner.data("{ stock { nodes { bins lot { code } location { code } } } }", json!({})).await;
    let of = |lot: &str| {
        let rows = seen["stock"]["nodes"].as_array().unwrap();
        let row = rows.iter().find(|row| row["location"]["code"] == "ZONE" && row["lot"]["code"] == lot).unwrap();
        row["bins"].clone()
    };
    assert_eq!(of("L-1"), newest.iter().map(|one| one["bin"].clone()).collect::<Value>());
    assert_eq!(of("L-2"), json!(["B-01"]));
    let by_notice = "query($n: ID!) { gatePasses(filter: { inboundId: $n }) { nodes { number } } }";
    let seen = owner.data(by_notice, json!({ "n": notice["id"] })).await["gatePasses"]["nodes"].clone();
    assert_eq!(seen, json!([{ "number": notice["gatePasses"][0]["number"] }]));
}

#[derive(Clone, Copy, Debug)]
enum Deed {
    Declare(i64, i64),
    Receive { which: usize, first: i64, second: i64, more: bool },
    Store(usize, i64),
    Cancel(usize),
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let which = 0..6_usize;
    let deed = prop_oneof![
        3 => (1..30_i64, 1..30_i64).prop_map(|(a, b)| Deed::Declare(a, b)),
        4 => (which.clone(), 0..32_i64, 0..32_i64, any::<bool>())
            .prop_map(|(which, first, second, more)| Deed::Receive { which, first, second, more }),
        3 => (which.clone(), 1..32_i64).prop_map(|(which, n)| Deed::Store(which, n)),
        1 => which.prop_map(Deed::Cancel),
    ];
    prop::collection::vec(deed, 25..40)
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_declared_counted_stored_and_taken_back_the_book_expects_what_is_still_to_come() {
    let mut runner = TestRunner::default();
    // Whatever is drawn, each is done once.
    let mut all = vec![
        Deed::Declare(5, 5),
        Deed::Cancel(0),
        Deed::Declare(9, 9),
        Deed::Receive { which: 1, first: 4, second: 4, more: true },
        Deed::Store(1, 2),
        Deed::Receive { which: 1, first: 1, second: 0, more: false },
    ];
    all.extend(deeds().new_tree(&mut runner).unwrap().current());
    let deeds = all;
    let quay = Quay::new().await;
    let mut notices: Vec<Value> = Vec::new();
    let mut done: BTreeMap<&str, usize> = BTreeMap::new();
    for (n, deed) in deeds.iter().enumerate() {
        let at = |which: usize| (!notices.is_empty()).then(|| which % notices.len());
        let (place, name, input) = match *deed {
            Deed::Declare(a, b) => {
                let input = quay.declaring(&format!("D-{n}"), &[quay.line(a, "L-1"), quay.line(b, "L-2")]);
                (None, "declareInbound", input)
            }
            Deed::Receive { which, first, second, more } => {
                let Some(at) = at(which) else { continue };
                (Some(at), "receiveInbound", receiving(&notices[at], &[first, second], more))
            }
            Deed::Store(which, quantity) => {
                let Some(at) = at(which) else { continue };
                (Some(at), "putAway", putting(&notices[at], &[(which % 2, "A", quantity)]))
            }
            Deed::Cancel(which) => {
                let Some(at) = at(which) else { continue };
                (Some(at), "cancelInbound", json!({ "id": notices[at]["id"] }))
            }
        };
        let payload = quay.house.owner.payload(name, NOTICE, input).await;
        if payload["userErrors"] == json!([]) {
            *done.entry(name).or_default() += 1;
            match place {
                Some(at) => notices[at] = payload["inbound"].clone(),
                None => notices.push(payload["inbound"].clone()),
            }
        }
        for error in payload["userErrors"].as_array().unwrap() {
            let code = error["code"].as_str().unwrap();
            let fits = matches!(code, "OUT_OF_RANGE" | "ILLEGAL_TRANSITION" | "REQUIRED");
            assert!(fits && place.is_some(), "{deed:?} is refused with {code}, of {deeds:?}");
        }
        let missing: i64 = notices.iter().flat_map(|notice| numbers(notice, "missing")).sum();
        let came: i64 = notices.iter().flat_map(|notice| numbers(notice, "received")).sum();
        assert_eq!(quay.book().await, (missing, came), "after {deed:?} of {deeds:?}");
        let on_dock: i64 = notices.iter().flat_map(|notice| numbers(notice, "onDock")).sum();
        assert_eq!(
            quay.places().await.get("@INBOUND").copied().unwrap_or_default(),
            on_dock,
            "after {deed:?} of {deeds:?}"
        );
        quay.house.adds_up().await;
    }
    assert!(done["receiveInbound"] >= 2 && done.len() == 4, "only so much was done: {done:?}");
    // Sum of what was declared, less what came, less what was withdrawn.
    let entries = bonded_entry::Entity::find().all(quay.house.server.app.db().read()).await.unwrap();
    let of = |event| entries.iter().filter(|entry| entry.event == event).map(|entry| entry.quantity).sum::<i64>();
    let left = of(BookEvent::PreIncrease) - of(BookEvent::Increase) - of(BookEvent::Withdraw);
    assert_eq!(quay.book().await.0, left);
}
