//! Whoever works in another showroom, or runs showrooms of another organisation, does nothing here: with the right ids
//! neither, and nothing is written. What anyone may do is left out: to open a showroom of one's own, to book a visit.

use super::*;
use crate::{
    ordering::{CHECKOUT, FIRST_ID, paid, placing, put, quoted},
    party::identities::dump,
    support::dawn,
};

/// Who may do something at all, where they work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// Any person.
    Person,
    Staff,
    Manager,
    Owner,
    /// The zone's operator alone.
    Zone,
}
use Rank::{Manager, Owner, Person, Staff, Zone};

/// A mutation, what it is sent with, and who may do so where they work.
type Attempt = (&'static str, Value, Rank);

/// Hires somebody of the demo; answers with the person, and its client that acts for who hired it.
async fn hired(house: &House, organisation: &str, name: &str, role: &str) -> (Value, Client) {
    let (server, name) = (&house.market.server, format!("{name}.demo.chama.example"));
    let invite = json!({ "contact": name, "roles": [role] });
    let boss = house.market.owner(organisation).await;
    let sent = boss.done("inviteMember", "sent { token }", invite).await["sent"]["token"].clone();
    let client = |tokens: &Value| server.anonymous().with_token(tokens["accessToken"].as_str().unwrap().to_owned());
    let oneself = client(&server.sign_in(&name, None).await);
    let joined = oneself.done("acceptInvitation", "membership { person { id } }", json!({ "token": sent })).await;
    let acting = client(&server.sign_in(&name, Some(organisation)).await);
    (joined["membership"]["person"]["id"].clone(), acting)
}

/// Opens a showroom for a team.
async fn branch(boss: &Client, team: &[Value]) -> Value {
    let place = json!({ "code": "haihu", "name": "海湖店", "address": "海湖", "division": "630104" });
    let id = boss.done("openShowroom", "showroom { id }", place).await["showroom"]["id"].clone();
    boss.done("setShowroomTeam", "", json!({ "id": id, "personIds": team })).await;
    id
}

/// Another showroom of the organisation, and everyone who works elsewhere.
async fn strangers(house: &House) -> (Value, Vec<(&'static str, Client, Rank)>) {
    let (_, owner) = hired(house, OTHER_STORE, "owner@qinghai-fair-office", "OWNER").await;
    let (first, their_manager) = hired(house, OTHER_STORE, "receiver@huangdao-trading", "SHOWROOM_MANAGER").await;
    let (second, their_staff) = hired(house, OTHER_STORE, "purchaser@huangdao-trading", "SHOWROOM_STAFF").await;
    branch(&owner, &[first, second]).await;
    let (first, manager) = hired(house, STORE, "catalog-manager@hehuang-carpet", "SHOWROOM_MANAGER").await;
    let (second, staff) = hired(house, STORE, "exhibitor@hehuang-carpet", "SHOWROOM_STAFF").await;
    let (_, idle) = hired(house, STORE, "accounts-clerk@huangdao-trading", "SHOWROOM_STAFF").await;
    let beside = branch(&house.hq, &[first, second]).await;
    let consumer = house.market.server.consumer(2).await;
    let all = vec![
        ("the owner of another organisation", owner, Owner),
        ("a manager of another organisation", their_manager, Manager),
        ("staff of another organisation", their_staff, Staff),
        ("the manager of another showroom", manager, Manager),
        ("staff of another showroom", staff, Staff),
        ("staff in no team", idle, Staff),
        ("another consumer", consumer, Person),
    ];
    (beside, all)
}

/// The balance that lies in a place.
async fn lies(house: &House, place: &Value) -> Value {
    let query = "query($l: ID!) { stock(locationId: $l) { nodes { id } } }";
    house.hq.data(query, json!({ "l": place })).await["stock"]["nodes"][0]["id"].clone()
}

fn with_id(id: &Value) -> Value {
    json!({ "id": id })
}

/// Yuan.
fn cny(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "CNY" })
}

/// An order that the showroom brought about.
async fn sales(house: &House, buyer: &Client, offer: &Value) -> Vec<Attempt> {
    house.install("A1", offer, json!({})).await;
    let query = "query($code: String!) { scanDisplay(code: $code) { attributionToken } }";
    let scan = buyer.data(query, json!({ "code": house.code("A1") })).await["scanDisplay"].clone();
    put(buyer, &[(offer, 1)]).await;
    let quote = quoted(buyer).await;
    let input = placing(&quote, json!({ "attributionTokens": [scan["attributionToken"]] }));
    let checkout = buyer.done("placeOrder", CHECKOUT, input).await["checkout"].clone();
    paid(&house.market, buyer, &checkout).await;
    house.worked().await;
    let number = &checkout["orders"][0]["number"];
    let take = json!({ "showroomId": house.showroom, "orderNumber": number, "residentId": FIRST_ID });
    vec![("handOverOrder", take, Staff)]
}

/// The showroom, its floor, what is planned for it and what stands there.
async fn floors(house: &House, offer: &Value) -> Vec<Attempt> {
    let (this, of) = (with_id(&house.showroom), json!({ "showroomId": house.showroom }));
    house.staff.done("openShowroomDay", "", this.clone()).await;
    let draft = json!({ "showroomId": house.showroom, "name": "春", "positions": [] });
    let plan = house.manager.done("draftPlanogram", "planogram { id }", draft.clone()).await["planogram"].clone();
    let display = house.install("A2", offer, json!({ "tag": cny("100.00") })).await["id"].clone();
    let round = house.staff.done("openAuditRound", "round { id }", of.clone()).await["round"]["id"].clone();
    let version = house.inside(&house.hq, "version").await["version"].clone();
    let step = json!({ "id": plan["id"], "expectedVersion": 1 });
    let split = json!({ "id": house.showroom, "showroomPpm": 1, "staffPpm": 1, "expectedVersion": 0 });
    let check = json!({ "roundId": round, "slot": house.code("A1"), "verdict": "AS_PLANNED" });
    vec![
        ("changeShowroom", json!({ "id": house.showroom, "name": "别人的店" }), Owner),
        ("setShowroomTeam", json!({ "id": house.showroom, "personIds": [] }), Manager),
        ("setShowroomSplit", split, Zone),
        ("openShowroomDay", this.clone(), Staff),
        ("closeShowroomDay", this, Staff),
        ("drawShowroom", json!({ "id": house.showroom, "expectedVersion": version, "zones": floor() }), Manager),
        ("draftPlanogram", draft, Manager),
        ("drawPlanogram", json!({ "id": plan["id"], "expectedVersion": 1, "positions": [] }), Manager),
        ("activatePlanogram", step.clone(), Manager),
        ("retirePlanogram", step, Manager),
        ("installDisplay", house.installing("A3", offer, json!({})), Staff),
        ("retagDisplay", json!({ "id": display, "tag": cny("1.00") }), Staff),
        ("removeDisplay", with_id(&display), Staff),
        ("openAuditRound", of, Staff),
        ("checkSlot", check, Staff),
        ("finishAuditRound", with_id(&round), Staff),
    ]
}

/// Who comes, and who counts them.
async fn visits(house: &House, beside: &Value, buyer: &Client) -> Vec<Attempt> {
    let at = |minutes: i64| dawn() + Duration::minutes(minutes);
    let slot = |from: i64| json!({ "startsAt": at(from), "endsAt": at(from + 60), "autoConfirm": false });
    let open = json!({ "showroomId": house.showroom, "slots": [slot(60), slot(120)] });
    let slots = house.manager.done("openVisitSlots", "slots { id }", open.clone()).await["slots"].clone();
    let book = json!({ "slotId": slots[0]["id"] });
    let booked = buyer.done("bookAppointment", "appointment { id code }", book).await["appointment"].clone();
    let door = json!({ "showroomId": house.showroom });
    let visit = house.staff.done("checkIn", "visit { id }", door.clone()).await["visit"]["id"].clone();
    let sample = json!({ "door": "MAIN", "source": "cam-1", "bucketStart": at(0), "in": 7, "out": 0 });
    vec![
        ("openVisitSlots", open, Manager),
        ("closeVisitSlot", with_id(&slots[0]["id"]), Manager),
        ("decideAppointment", json!({ "id": booked["id"], "decision": "CONFIRM" }), Staff),
        ("cancelAppointment", with_id(&booked["id"]), Person),
        ("rescheduleAppointment", json!({ "id": booked["id"], "slotId": slots[1]["id"] }), Person),
        ("checkIn", door, Staff),
        ("checkIn", json!({ "showroomId": house.showroom, "code": booked["code"] }), Staff),
        // At one's own door, with a code of this one.
        ("checkIn", json!({ "showroomId": beside, "code": booked["code"] }), Staff),
        ("checkOut", json!({ "visitId": visit }), Staff),
        ("ingestFootfall", json!({ "showroomId": house.showroom, "samples": [sample] }), Staff),
    ]
}

/// A device with a lease, and a sale that nobody has decided about.
async fn devices(house: &House, saleable: &Value) -> Vec<Attempt> {
    let register = json!({ "showroomId": house.showroom, "name": "柜台" });
    let device = house.staff.done("registerShowroomDevice", "device { id }", register.clone()).await;
    let device = device["device"]["id"].clone();
    let until = dawn() + Duration::hours(8);
    let lend = json!({ "deviceId": device, "balanceId": saleable, "quantity": 2, "until": until });
    let lease = house.staff.done("leaseStock", "lease { id }", lend.clone()).await["lease"]["id"].clone();
    let push = |seq: i32, quantity: i32| {
        let sell = json!({ "balanceId": saleable, "quantity": quantity, "receipt": format!("R-{seq}") });
        let one = json!({ "mutationId": format!("m-{seq}"), "seq": seq, "occurredAt": dawn(),
            "operation": { "sell": sell } });
        json!({ "deviceId": device, "mutations": [one] })
    };
    // More than the lease has.
    let told = house.staff.done("pushMutations", "results { status }", push(1, 3)).await;
    assert_eq!(told["results"], json!([{ "status": "APPLIED" }]));
    let query = "query($id: ID!) { counterSales(showroomId: $id) { nodes { id state } } }";
    let sale = house.manager.data(query, json!({ "id": house.showroom })).await["counterSales"]["nodes"][0].clone();
    assert_eq!(sale["state"], "REQUESTED");
    vec![
        ("registerShowroomDevice", register, Staff),
        ("leaseStock", lend, Staff),
        ("returnStockLease", with_id(&lease), Staff),
        ("pushMutations", push(2, 1), Staff),
        ("decideCounterSale", json!({ "id": sale["id"], "accept": true }), Manager),
    ]
}

/// What is lent, and what is to be written off.
async fn papers(house: &House, beside: &Value, sample: &Value) -> Vec<Attempt> {
    let lines = json!([{ "balanceId": sample, "quantity": 1 }]);
    let lend = |showroom: &Value| {
        json!({ "showroomId": showroom, "borrower": { "name": "张三丰" }, "purpose": "试用", "dueOn": "2026-03-08",
            "deposit": { "means": "CASH", "amount": cny("100.00") }, "lines": lines })
    };
    let mut loans = Vec::new();
    for _ in 0..2 {
        let made = house.staff.done("requestSampleLoan", "loan { id }", lend(&house.showroom)).await;
        loans.push(made["loan"]["id"].clone());
    }
    let (asked, lent) = (&loans[0], &loans[1]);
    house.manager.done("lendSamples", "", with_id(lent)).await;
    let query = "query($id: ID!) { sampleLoan(id: $id) { lines { nodes { id } } } }";
    let line = house.staff.data(query, with_id(lent)).await["sampleLoan"]["lines"]["nodes"][0]["id"].clone();
    let off = |showroom: &Value| json!({ "showroomId": showroom, "reason": "STOLEN", "lines": lines });
    let made = house.staff.done("requestShowroomWriteOff", "writeOff { id }", off(&house.showroom)).await;
    let write_off = &made["writeOff"]["id"];
    let change = |showroom: &Value| {
        json!({ "showroomId": showroom, "balanceId": sample, "to": "DAMAGED", "quantity": 1,
            "document": "LB-1" })
    };
    vec![
        ("changeUnitClass", change(&house.showroom), Staff),
        ("requestSampleLoan", lend(&house.showroom), Staff),
        ("requestShowroomWriteOff", off(&house.showroom), Staff),
        // In the name of one's own showroom.
        ("changeUnitClass", change(beside), Staff),
        ("requestSampleLoan", lend(beside), Staff),
        ("requestShowroomWriteOff", off(beside), Staff),
        ("lendSamples", with_id(asked), Manager),
        ("cancelSampleLoan", with_id(asked), Staff),
        ("returnSamples", json!({ "id": lent, "lines": [{ "lineId": line, "good": 1 }] }), Staff),
        ("loseSampleLoan", json!({ "id": lent, "reason": "联系不上" }), Manager),
        ("revealSampleBorrower", json!({ "id": lent, "reason": "催还" }), Manager),
        ("decideShowroomWriteOff", json!({ "id": write_off, "decision": "APPROVE" }), Manager),
        ("withdrawShowroomWriteOff", with_id(write_off), Staff),
    ]
}

/// What lies there is counted, sent from place to place, and moved by hand.
async fn stock(house: &House, variant: &Value, saleable: &Value) -> Vec<Attempt> {
    let (back, samples) = (house.place("SALEABLE").await, house.place("SAMPLE").await);
    let open = json!({ "locationId": back });
    let count = house.staff.done("openStockCount", "count { id }", open.clone()).await["count"]["id"].clone();
    let lines = json!([{ "balanceId": saleable, "quantity": 1 }]);
    let send = json!({ "toId": samples, "document": "T-1", "lines": lines });
    let sent = house.staff.done("requestStockTransfer", "transfer { id }", send.clone()).await;
    let sent = with_id(&sent["transfer"]["id"]);
    house.manager.done("approveStockTransfer", "", sent.clone()).await;
    house.staff.done("shipStockTransfer", "", sent.clone()).await;
    let query = "query($id: ID!) { stockTransfer(id: $id) { lines { nodes { id } } } }";
    let line = house.staff.data(query, sent.clone()).await["stockTransfer"]["lines"]["nodes"][0]["id"].clone();
    let asked = house.staff.done("requestStockTransfer", "transfer { id }", send.clone()).await;
    let asked = with_id(&asked["transfer"]["id"]);
    let came = json!({ "id": sent["id"], "lines": [{ "lineId": line, "quantity": 1 }] });
    let query = "query($v: ID!) { stockHistory(variantId: $v, first: 20) { nodes { id reason to { id } } } }";
    let moves = house.hq.data(query, json!({ "v": variant })).await["stockHistory"]["nodes"].clone();
    let receipt = moves.as_array().unwrap().iter().find(|row| row["reason"] == "RECEIPT" && row["to"]["id"] == back);
    let receipt = &receipt.unwrap()["id"];
    let received = json!([{ "variantId": variant, "quantity": 1, "customsStatus": "DUTY_PAID" }]);
    let moved = json!([{ "balanceId": saleable, "toId": samples, "quantity": 1 }]);
    let counted = json!({ "id": count, "lines": [{ "balanceId": saleable, "counted": 1 }] });
    vec![
        ("openStockCount", open, Staff),
        ("submitStockCount", counted, Staff),
        ("reviewStockCount", json!({ "id": count, "decision": "POST" }), Manager),
        ("cancelStockCount", with_id(&count), Manager),
        ("requestStockTransfer", send, Staff),
        ("approveStockTransfer", asked.clone(), Manager),
        ("shipStockTransfer", asked.clone(), Staff),
        ("cancelStockTransfer", asked, Manager),
        ("receiveStockTransfer", came, Staff),
        ("closeStockTransfer", sent, Manager),
        ("receiveStock", json!({ "locationId": back, "document": "x", "lines": received }), Manager),
        ("transferStock", json!({ "document": "x", "lines": moved }), Manager),
        ("writeOffStock", json!({ "document": "x", "lines": lines }), Manager),
        ("clearStock", json!({ "releaseNumber": "970120260000000002", "lines": moved }), Manager),
        ("returnStock", json!({ "locationId": back, "document": "x", "lines": received }), Manager),
        ("reverseStockMove", json!({ "id": receipt, "document": "x" }), Manager),
    ]
}

/// What stands there under customs supervision: one that is only applied for, one that is on the shelf and partly sold.
async fn under_customs(house: &House, beside: &Value, variant: &Value) -> Vec<Attempt> {
    let place = json!({ "code": "ZONE", "kind": "BONDED_WAREHOUSE", "name": "zone" });
    let zone = house.hq.done("createStockLocation", "location { id }", place).await["location"]["id"].clone();
    let line = json!({ "variantId": variant, "quantity": 5, "customsStatus": "BONDED" });
    let receipt = json!({ "locationId": zone, "document": "IN-1", "lines": [line] });
    house.hq.done("receiveStock", "", receipt).await;
    let deposit = json!({ "organisationId": house.market.server.organisation(STORE).await,
        "amount": cny("10000.00"), "reference": "LG-1" });
    house.market.server.operator().await.done("depositDisplayGuarantee", "", deposit.clone()).await;
    let balance = lies(house, &zone).await;
    let apply = |quantity: i64| {
        json!({ "showroomId": house.showroom, "balanceId": balance, "quantity": quantity, "returnBy": "2026-03-20",
            "unitPrice": cny("80.00"), "applicationNumber": "C97012026000001" })
    };
    let of = |id: &Value, more: Value| {
        let mut input = with_id(id);
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    let applied = house.hq.done("applyBondedDisplay", "display { id }", apply(1)).await["display"]["id"].clone();
    let shown = house.hq.done("applyBondedDisplay", "display { id }", apply(3)).await["display"]["id"].clone();
    let out = json!({ "outboundNumber": "CRK-1", "passNumber": "HF-1" });
    let sell = of(&shown, json!({ "quantity": 1, "document": "R-1" }));
    house.hq.done("lockBondedDisplay", "", with_id(&shown)).await;
    house.hq.done("gateOutBondedDisplay", "", of(&shown, out.clone())).await;
    house.hq.done("shelveBondedDisplay", "", of(&shown, json!({ "quantity": 2 }))).await;
    house.hq.done("sellBondedDisplay", "", sell.clone()).await;
    let now = house.market.app().clock().now();
    api::showroom::ops::bonded::alarms::alarms(house.market.app(), now).await.unwrap();
    let query = "query($id: ID!) { bondedDisplayAlarms(open: true) { nodes { id } } \
                 bondedDisplay(id: $id) { parts(first: 100) { nodes { id state } } } }";
    let seen = house.hq.data(query, with_id(&shown)).await;
    let alarm = &seen["bondedDisplayAlarms"]["nodes"][0]["id"];
    let parts = seen["bondedDisplay"]["parts"]["nodes"].as_array().unwrap();
    let sold = parts.iter().find(|part| part["state"] == "SOLD").unwrap();
    let part = json!({ "partIds": [sold["id"]] });
    let of_part = |more: Value| {
        let mut input = part.clone();
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    let (number, back) = ("970120260000000001", json!({ "inboundNumber": "CRK-2", "passNumber": "HF-2" }));
    let on = json!({ "quantity": 1, "toShowroomId": beside, "document": "ZD-1" });
    vec![
        ("applyBondedDisplay", apply(1), Manager),
        ("lockBondedDisplay", with_id(&applied), Manager),
        ("gateOutBondedDisplay", of(&applied, out), Manager),
        ("cancelBondedDisplay", with_id(&applied), Manager),
        ("extendBondedDisplay", of(&shown, json!({ "returnBy": "2026-05-01", "document": "d" })), Manager),
        ("shelveBondedDisplay", of(&shown, json!({ "quantity": 1 })), Staff),
        ("sellBondedDisplay", sell, Staff),
        ("clearBondedDisplay", of(&shown, json!({ "quantity": 1, "declarationNumber": number })), Manager),
        ("applyBondedDisplayReturn", of(&shown, json!({ "applicationNumber": "C-2" })), Manager),
        ("gateInBondedDisplay", of(&shown, back), Manager),
        ("transferBondedDisplay", of(&shown, on), Manager),
        ("reportBondedDisplayLoss", of(&shown, json!({ "quantity": 1, "cause": "LOST", "document": "报-1" })), Manager),
        ("declareBondedDisplay", of_part(json!({ "declarationNumber": number })), Manager),
        ("closeBondedDisplay", of_part(json!({ "verificationNumber": "QD-1" })), Manager),
        ("acknowledgeBondedDisplayAlarm", with_id(alarm), Staff),
        ("payBondedDisplayTax", of_part(json!({ "paymentNumber": "SD-1" })), Zone),
        ("decideBondedDisplayLoss", of_part(json!({ "writtenOff": true, "document": "d" })), Zone),
        ("depositDisplayGuarantee", deposit, Zone),
    ]
}

/// All that is written down anywhere.
async fn written(house: &House) -> Vec<String> {
    let mut rows: Vec<String> = dump(&house.market.server).await.lines().map(str::to_owned).collect();
    rows.sort_unstable();
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_works_elsewhere_does_nothing_here() {
    let house = House::new().await;
    let (offer, variant) = house.bonded("tea", "100.00", 5).await;
    let buyer = house.market.identified(1).await;
    let mut attempts = sales(&house, &buyer, &offer).await;
    let (beside, strangers) = strangers(&house).await;
    for class in ["SAMPLE", "SALEABLE"] {
        house.stocked(class, &variant, 20).await;
    }
    let (sample, saleable) =
        (lies(&house, &house.place("SAMPLE").await).await, lies(&house, &house.place("SALEABLE").await).await);
    attempts.extend(floors(&house, &offer).await);
    attempts.extend(visits(&house, &beside, &buyer).await);
    attempts.extend(devices(&house, &saleable).await);
    attempts.extend(papers(&house, &beside, &sample).await);
    attempts.extend(stock(&house, &variant, &saleable).await);
    attempts.extend(under_customs(&house, &beside, &variant).await);
    // What was scanned is written a little later than it is shown.
    api::showroom::scans::write(house.market.app()).await.unwrap();
    let before = written(&house).await;
    for (who, client, rank) in &strangers {
        for (mutation, input, least) in &attempts {
            if rank < least {
                assert_eq!(client.denied(mutation, input.clone()).await, "FORBIDDEN", "{who}: {mutation}");
                continue;
            }
            let answer = client.payload(mutation, "", input.clone()).await;
            let errors = answer["userErrors"].as_array().unwrap();
            let codes: Vec<&str> = errors.iter().map(|error| error["code"].as_str().unwrap()).collect();
            assert_eq!(codes, ["NOT_FOUND"], "{who}: {mutation} with {input}");
        }
    }
    let nobody = house.market.server.anonymous();
    for (mutation, input, _) in &attempts {
        assert_eq!(nobody.denied(mutation, input.clone()).await, "UNAUTHENTICATED", "{mutation}");
    }
    let after = written(&house).await;
    let new: Vec<&String> = after.iter().filter(|row| before.binary_search(row).is_err()).collect();
    assert!(after == before, "it was refused, and yet something is written: {new:?}");
    house.adds_up().await;
}
