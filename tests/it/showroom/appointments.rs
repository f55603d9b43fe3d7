//! Visits by appointment: booked once, let in by a code, over once; and nobody of the team learns who came.

use api::{
    app::App,
    app::Call,
    platform::{
        error::Error,
        graphql::{decode, encode, id::NodeId},
    },
    showroom::ops::{
        appointments::{self, Booking, Wishes},
        visit_slots, visits,
    },
};
use chrono::{DateTime, Duration, Utc};
use entities::{
    party::{Actor, Viewer, person},
    platform::audit_entry,
    showroom::visit_slot::Planned,
    values::id::{OrganisationId, PersonId},
};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use serde_json::{Value, json};

use crate::support::{Client, OTHER_SELLER, TestServer, dawn};

/// Who runs a showroom in the reference data.
pub const SHOP: &str = "chama-wanda-showroom";

/// A typed id of what the schema answered.
pub fn typed<I: NodeId>(id: &Value) -> I {
    decode(&async_graphql::ID(id.as_str().unwrap().into()), "id").unwrap()
}

/// A showroom with a manager and somebody who works there.
pub struct Shop {
    pub server: TestServer,
    pub id: Value,
    pub manager_id: Value,
    pub staff_id: Value,
}

impl Shop {
    pub async fn new() -> Self {
        let server = TestServer::start().await;
        let owner = server.member("owner", SHOP).await;
        let place = json!({ "code": "W-1", "name": "万达店", "address": "万达广场 1 楼", "division": "630103" });
        let id = owner.done("openShowroom", "showroom { id }", place).await["showroom"]["id"].clone();
        let mut people = Vec::new();
        for role in ["showroom-manager", "showroom-staff"] {
            let viewer = server.member(role, SHOP).await.data("{ viewer { person { id } } }", json!({})).await;
            people.push(viewer["viewer"]["person"]["id"].clone());
        }
        owner.done("setShowroomTeam", "showroom { id }", json!({ "id": id, "personIds": people })).await;
        let [manager_id, staff_id] = people.try_into().unwrap();
        Self { server, id, manager_id, staff_id }
    }

    pub fn app(&self) -> &App {
        &self.server.app
    }

    /// With a token of this moment: tests let hours pass.
    pub async fn owner(&self) -> Client {
        self.server.member("owner", SHOP).await
    }

    pub async fn manager(&self) -> Client {
        self.server.member("showroom-manager", SHOP).await
    }

    pub async fn staff(&self) -> Client {
        self.server.member("showroom-staff", SHOP).await
    }

    async fn opened(&self, slots: Value) -> Vec<Value> {
        let input = json!({ "showroomId": self.id, "slots": slots });
        let done = self.manager().await.done("openVisitSlots", "slots { id placesLeft }", input).await;
        done["slots"].as_array().unwrap().iter().map(|slot| slot["id"].clone()).collect()
    }

    /// A slot without a host.
    async fn slot(&self, from: i64, to: i64, capacity: i32) -> Value {
        self.opened(json!([{ "startsAt": at(from), "endsAt": at(to), "capacity": capacity }])).await[0].clone()
    }

    async fn left(&self, slot: &Value) -> Value {
        let query = "query($id: ID!) { visitSlots(showroomId: $id) { nodes { id placesLeft } } }";
        let seen = self.server.anonymous().data(query, json!({ "id": self.id })).await;
        let all = seen["visitSlots"]["nodes"].as_array().unwrap().clone();
        all.into_iter().find(|one| one["id"] == *slot).map_or(Value::Null, |one| one["placesLeft"].clone())
    }

    pub async fn adds_up(&self) {
        assert_eq!(visits::findings(self.app().db().writer()).await.unwrap(), []);
    }

    async fn swept(&self) {
        visits::sweep(self.app(), self.app().clock().now()).await.unwrap();
        self.adds_up().await;
    }
}

/// So many minutes after every test began.
fn at(minutes: i64) -> DateTime<Utc> {
    dawn() + Duration::minutes(minutes)
}

const APPOINTMENT: &str = "appointment { id code state partySize startsAt cancelledByShowroom contact note followsId }";

async fn book(client: &Client, slot: &Value) -> Value {
    client.done("bookAppointment", APPOINTMENT, json!({ "slotId": slot })).await["appointment"].clone()
}

async fn own(client: &Client) -> Vec<Value> {
    let query = format!(
        "{{ myAppointments {{ nodes {{ {} }} }} }}",
        &APPOINTMENT["appointment {".len()..APPOINTMENT.len() - 1]
    );
    client.data(&query, json!({})).await["myAppointments"]["nodes"].as_array().unwrap().clone()
}

const OF_SHOP: &str = "query($id: ID!, $states: [AppointmentState!]) { \
                       appointments(showroomId: $id, states: $states) { nodes { \
                       id code state partySize contact note cancelledByShowroom } } }";

fn refusal(code: &str, field: &str) -> Vec<(String, String)> {
    vec![(code.to_owned(), field.to_owned())]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_is_booked_agreed_to_let_in_by_its_code_and_over_and_nobody_learns_who_it_was() {
    let shop = Shop::new().await;
    let consumer = shop.server.consumer(1).await;
    let slot = json!([{ "hostId": shop.staff_id, "startsAt": at(120), "endsAt": at(180), "autoConfirm": false }]);
    let slot = shop.opened(slot).await[0].clone();
    let query = "query($id: ID!, $from: DateTime, $to: DateTime) { visitSlots(showroomId: $id, from: $from, to: $to) { \
                 nodes { hostName capacity placesLeft autoConfirm state } } }";
    let anonymous = shop.server.anonymous();
    let seen = anonymous.data(query, json!({ "id": shop.id, "from": at(60), "to": at(121) })).await;
    let expected =
        json!({ "hostName": "马小梅", "capacity": 1, "placesLeft": 1, "autoConfirm": false, "state": "OPEN" });
    assert_eq!(seen["visitSlots"]["nodes"], json!([expected]));
    let none = anonymous.data(query, json!({ "id": shop.id, "from": at(121) })).await;
    assert_eq!(none["visitSlots"]["nodes"], json!([]));

    let wishes = json!({ "slotId": slot, "partySize": 3, "contact": "139-0000-1111", "note": "婴儿车",
                         "clientMutationId": "b" });
    let booked = consumer.done("bookAppointment", APPOINTMENT, wishes.clone()).await["appointment"].clone();
    let shown = |field: &str| booked[field].clone();
    assert_eq!(
        (shown("state"), shown("partySize"), shown("contact"), shown("note")),
        (json!("REQUESTED"), json!(3), json!("139-0000-1111"), json!("婴儿车"))
    );
    assert_eq!(shown("code").as_str().unwrap().len(), 6);
    // A repeat is the same, and takes no other place.
    let again = consumer.done("bookAppointment", APPOINTMENT, wishes).await["appointment"].clone();
    assert_eq!(again, booked);
    assert_eq!(shop.left(&slot).await, 0);
    let other = shop.server.consumer(2).await;
    assert_eq!(other.refused("bookAppointment", json!({ "slotId": slot })).await, refusal("ALREADY_TAKEN", "slotId"));

    // The team sees a code and how many come.
    let staff = shop.staff().await;
    let seen =
        staff.data(OF_SHOP, json!({ "id": shop.id, "states": ["REQUESTED"] })).await["appointments"]["nodes"].clone();
    let expected = json!({ "id": booked["id"], "code": booked["code"], "state": "REQUESTED", "partySize": 3,
                           "contact": null, "note": null, "cancelledByShowroom": false });
    assert_eq!(seen, json!([expected]));
    let input = json!({ "id": booked["id"], "decision": "CONFIRM" });
    let agreed = staff.done("decideAppointment", APPOINTMENT, input.clone()).await["appointment"].clone();
    assert_eq!((&agreed["state"], &agreed["contact"]), (&json!("CONFIRMED"), &Value::Null));
    assert_eq!(staff.refused("decideAppointment", input).await, refusal("ILLEGAL_TRANSITION", "id"));

    let code = booked["code"].as_str().unwrap().to_lowercase();
    let door = |code: &str| json!({ "showroomId": shop.id, "code": code });
    assert_eq!(staff.refused("checkIn", door(&code)).await, refusal("OUT_OF_RANGE", "code"), "an hour too early");
    assert_eq!(staff.refused("checkIn", door("00000U")).await, refusal("INVALID_VALUE", "code"));
    shop.server.wait(Duration::minutes(110));
    let staff = shop.staff().await;
    let visit = "visit { id state partySize appointmentId dwellMinutes }";
    let came = staff.done("checkIn", visit, door(&code)).await["visit"].clone();
    let expected = json!({ "id": came["id"], "state": "HERE", "partySize": 3, "appointmentId": booked["id"],
                           "dwellMinutes": null });
    assert_eq!(came, expected);
    assert_eq!(staff.refused("checkIn", door(&code)).await, refusal("ILLEGAL_TRANSITION", "code"));
    let walked = staff.done("checkIn", visit, json!({ "showroomId": shop.id, "partySize": 2 })).await["visit"].clone();
    assert_eq!((&walked["partySize"], &walked["appointmentId"]), (&json!(2), &Value::Null));
    shop.adds_up().await;
    shop.server.wait(Duration::minutes(45));
    let staff = shop.staff().await;
    let left = staff.done("checkOut", visit, json!({ "visitId": came["id"] })).await["visit"].clone();
    assert_eq!((&left["state"], &left["dwellMinutes"]), (&json!("LEFT"), &json!(45)));
    let late = staff.refused("checkOut", json!({ "visitId": came["id"] })).await;
    assert_eq!(late, refusal("ILLEGAL_TRANSITION", "visitId"));
    let here = "query($id: ID!) { visits(showroomId: $id, state: HERE) { nodes { id } } }";
    let here = staff.data(here, json!({ "id": shop.id })).await;
    assert_eq!(here["visits"]["nodes"], json!([{ "id": walked["id"] }]));
    let consumer = shop.server.consumer(1).await;
    assert_eq!(own(&consumer).await[0]["state"], "DONE");
    shop.adds_up().await;

    // Neither what was left nor who left it is anywhere where the team looks.
    assert!(!crate::party::identities::dump(&shop.server).await.contains("139-0000-1111"), "the contact lies in clear");
    let me = consumer.data("{ viewer { subject } }", json!({})).await["viewer"]["subject"].clone();
    let organisation: OrganisationId = typed(&shop.server.organisation(SHOP).await);
    let trail = audit_entry::Entity::find().filter(audit_entry::Column::ChainId.eq(organisation));
    let trail = trail.all(shop.app().db().read()).await.unwrap();
    assert!(trail.iter().any(|entry| entry.action == "checkIn"));
    assert!(trail.iter().all(|entry| !entry.body.contains(me.as_str().unwrap())), "the audit names a visitor");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_books_is_in_one_place_at_a_time_and_changes_the_slot_or_keeps_it() {
    let shop = Shop::new().await;
    let (one, two) = (shop.server.consumer(1).await, shop.server.consumer(2).await);
    let first = shop.slot(60, 120, 2).await;
    let overlapping = shop.slot(105, 150, 2).await;
    let next = shop.slot(120, 180, 1).await;
    let booked = book(&one, &first).await;
    assert_eq!(booked["state"], "CONFIRMED");
    let twice = |slot: &Value| json!({ "slotId": slot });
    for slot in [&first, &overlapping] {
        assert_eq!(one.refused("bookAppointment", twice(slot)).await, refusal("ALREADY_BOOKED", "slotId"));
    }
    // What was refused took no place.
    assert_eq!((shop.left(&first).await, shop.left(&overlapping).await), (json!(1), json!(2)));
    // The one that follows does not overlap; it is somebody else's, though.
    let others = book(&two, &next).await;
    let change = |id: &Value, slot: &Value| json!({ "id": id, "slotId": slot });
    let full = one.refused("rescheduleAppointment", change(&booked["id"], &next)).await;
    assert_eq!(full, refusal("ALREADY_TAKEN", "slotId"));
    assert_eq!(own(&one).await[0]["state"], "CONFIRMED");
    let foreign = one.refused("rescheduleAppointment", change(&others["id"], &first)).await;
    assert_eq!(foreign, refusal("NOT_FOUND", "id"));
    let same = one.refused("rescheduleAppointment", change(&booked["id"], &first)).await;
    assert_eq!(same, refusal("ALREADY_BOOKED", "slotId"));
    // Its own time is no obstacle to itself.
    let moved =
        one.done("rescheduleAppointment", APPOINTMENT, change(&booked["id"], &overlapping)).await["appointment"]
            .clone();
    assert_eq!((&moved["state"], &moved["followsId"]), (&json!("CONFIRMED"), &booked["id"]));
    assert_ne!(moved["code"], booked["code"]);
    assert_eq!((shop.left(&first).await, shop.left(&overlapping).await), (json!(2), json!(1)));
    let states: Vec<Value> = own(&one).await.iter().map(|row| row["state"].clone()).collect();
    assert_eq!(states, [json!("CONFIRMED"), json!("RESCHEDULED")]);
    let again = one.refused("rescheduleAppointment", change(&booked["id"], &overlapping)).await;
    assert_eq!(again, refusal("ILLEGAL_TRANSITION", "id"));
    shop.adds_up().await;

    let off = two.done("cancelAppointment", APPOINTMENT, json!({ "id": others["id"] })).await["appointment"].clone();
    assert_eq!((&off["state"], &off["cancelledByShowroom"]), (&json!("CANCELLED"), &json!(false)));
    assert_eq!(
        two.refused("cancelAppointment", json!({ "id": others["id"] })).await,
        refusal("ILLEGAL_TRANSITION", "id")
    );
    assert_eq!(shop.left(&next).await, 1);
    let staff = shop.staff().await;
    let door = json!({ "showroomId": shop.id, "code": others["code"] });
    assert_eq!(staff.refused("checkIn", door).await, refusal("ILLEGAL_TRANSITION", "code"));
    // The manager calls a slot off, with who booked it.
    let manager = shop.manager().await;
    let closed = manager.done("closeVisitSlot", "slot { state placesLeft }", json!({ "id": overlapping })).await;
    assert_eq!(closed["slot"], json!({ "state": "CLOSED", "placesLeft": 2 }));
    assert_eq!(
        manager.refused("closeVisitSlot", json!({ "id": overlapping })).await,
        refusal("ILLEGAL_TRANSITION", "id")
    );
    let row = own(&one).await[0].clone();
    assert_eq!((&row["state"], &row["cancelledByShowroom"]), (&json!("CANCELLED"), &json!(true)));
    assert_eq!(one.refused("bookAppointment", twice(&overlapping)).await, refusal("ILLEGAL_TRANSITION", "slotId"));
    // The time is free again.
    assert_eq!(book(&one, &first).await["state"], "CONFIRMED");
    shop.adds_up().await;
    for (input, code, field) in [
        (json!({ "slotId": first, "partySize": 0 }), "OUT_OF_RANGE", "partySize"),
        (json!({ "slotId": first, "contact": "x".repeat(121) }), "TOO_LONG", "contact"),
        (json!({ "slotId": shop.id }), "NOT_FOUND", "slotId"),
    ] {
        assert_eq!(two.refused("bookAppointment", input).await, refusal(code, field));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_come_did_not_come_and_nobody_is_there_for_ever() {
    let shop = Shop::new().await;
    let (one, two) = (shop.server.consumer(1).await, shop.server.consumer(2).await);
    let first = shop.slot(60, 120, 2).await;
    let asked = json!([{ "startsAt": at(60), "endsAt": at(120), "capacity": 3, "autoConfirm": false }]);
    let asked = shop.opened(asked).await[0].clone();
    let later = shop.slot(135, 150, 1).await;
    let missed = book(&one, &first).await;
    book(&two, &asked).await;
    let kept = book(&one, &later).await;
    shop.server.wait(Duration::minutes(149));
    shop.swept().await;
    let states =
        async |client: &Client| own(client).await.into_iter().map(|row| row["state"].clone()).collect::<Vec<_>>();
    let (one, two) = (shop.server.consumer(1).await, shop.server.consumer(2).await);
    assert_eq!(states(&one).await, [json!("CONFIRMED"), json!("CONFIRMED")], "half an hour is not over");
    // It has begun, and nobody takes back now that they did not come.
    let cancel = one.refused("cancelAppointment", json!({ "id": missed["id"] })).await;
    assert_eq!(cancel, refusal("ILLEGAL_TRANSITION", "id"));
    let staff = shop.staff().await;
    staff.done("checkIn", "visit { id }", json!({ "showroomId": shop.id, "code": kept["code"] })).await;
    shop.server.wait(Duration::minutes(1));
    shop.swept().await;
    shop.swept().await;
    assert_eq!(states(&one).await, [json!("CHECKED_IN"), json!("NO_SHOW")]);
    assert_eq!(states(&two).await, [json!("CANCELLED")], "nobody agreed to it");
    assert_eq!(own(&two).await[0]["cancelledByShowroom"], true);
    // It was forgotten to check them out.
    shop.server.wait(Duration::hours(12));
    shop.swept().await;
    let one = shop.server.consumer(1).await;
    assert_eq!(states(&one).await, [json!("DONE"), json!("NO_SHOW")]);
    let query = "query($id: ID!) { visits(showroomId: $id) { nodes { state leftAt dwellMinutes } } }";
    let seen = shop.staff().await.data(query, json!({ "id": shop.id })).await["visits"]["nodes"].clone();
    assert_eq!(seen, json!([{ "state": "FORGOTTEN", "leftAt": null, "dwellMinutes": null }]));
    visits::tidy(shop.app(), shop.app().clock().now() + Duration::days(2)).await.unwrap();
    shop.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_are_opened_in_whole_quarters_for_the_team_and_one_host_is_in_one_at_a_time() {
    let shop = Shop::new().await;
    let manager = shop.manager().await;
    let input = |slots: Value| json!({ "showroomId": shop.id, "slots": slots });
    let stranger = shop.server.consumer(1).await.data("{ viewer { person { id } } }", json!({})).await;
    let stranger = stranger["viewer"]["person"]["id"].clone();
    for (slots, code, field) in [
        (json!([]), "REQUIRED", "slots"),
        (json!([{ "startsAt": at(61), "endsAt": at(120) }]), "INVALID_VALUE", "slots.0.startsAt"),
        (json!([{ "startsAt": at(-60), "endsAt": at(120) }]), "OUT_OF_RANGE", "slots.0.startsAt"),
        (json!([{ "startsAt": at(60), "endsAt": at(60) }]), "OUT_OF_RANGE", "slots.0.endsAt"),
        (json!([{ "startsAt": at(60), "endsAt": at(90), "capacity": 0 }]), "OUT_OF_RANGE", "slots.0.capacity"),
        (json!([{ "startsAt": at(60), "endsAt": at(90), "capacity": 201 }]), "OUT_OF_RANGE", "slots.0.capacity"),
        (
            // Who receives visitors has one party at a time.
            json!([{ "startsAt": at(60), "endsAt": at(90), "hostId": shop.staff_id, "capacity": 2 }]),
            "OUT_OF_RANGE",
            "slots.0.capacity",
        ),
        (json!([{ "startsAt": at(60), "endsAt": at(90), "hostId": stranger }]), "NOT_FOUND", "slots.0.hostId"),
        (json!([{ "startsAt": at(60), "endsAt": at(90), "hostId": shop.id }]), "NOT_FOUND", "slots.0.hostId"),
    ] {
        assert_eq!(manager.refused("openVisitSlots", input(slots)).await, refusal(code, field));
    }
    let many: Vec<Value> =
        (0..101).map(|n| json!({ "startsAt": at(60 + 15 * n), "endsAt": at(75 + 15 * n) })).collect();
    assert_eq!(manager.refused("openVisitSlots", input(json!(many))).await, refusal("TOO_MANY", "slots"));
    let host = |from: i64, to: i64| json!({ "hostId": shop.staff_id, "startsAt": at(from), "endsAt": at(to) });
    // All of them or none, also when two of one request overlap.
    let both = input(json!([host(60, 120), host(120, 180), host(165, 195)]));
    assert_eq!(manager.refused("openVisitSlots", both).await, refusal("ALREADY_BOOKED", "slots.2.hostId"));
    let made = shop.opened(json!([host(120, 180), host(60, 120)])).await;
    let within = manager.refused("openVisitSlots", input(json!([host(90, 105)]))).await;
    assert_eq!(within, refusal("ALREADY_BOOKED", "slots.0.hostId"));
    let other = json!([{ "hostId": shop.manager_id, "startsAt": at(60), "endsAt": at(180) }]);
    manager.done("openVisitSlots", "slots { id }", input(other)).await;
    // A slot that is called off gives the time back.
    manager.done("closeVisitSlot", "slot { id }", json!({ "id": made[1] })).await;
    manager.done("openVisitSlots", "slots { id }", input(json!([host(60, 120)]))).await;
    shop.server.wait(Duration::minutes(130));
    let manager = shop.manager().await;
    assert_eq!(manager.refused("closeVisitSlot", json!({ "id": made[0] })).await, refusal("ILLEGAL_TRANSITION", "id"));
    shop.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_showroom_and_other_people_have_nothing_to_do_with_it() {
    let shop = Shop::new().await;
    let slot = shop.slot(60, 120, 5).await;
    let consumer = shop.server.consumer(1).await;
    let booked = book(&consumer, &slot).await;
    // A second showroom of the same organisation, in whose team only the manager is.
    let owner = shop.owner().await;
    let place = json!({ "code": "W-2", "name": "二店", "address": "x", "division": "630103" });
    let second = owner.done("openShowroom", "showroom { id }", place).await["showroom"]["id"].clone();
    owner.done("setShowroomTeam", "showroom { id }", json!({ "id": second, "personIds": [shop.manager_id] })).await;
    owner.done("setShowroomTeam", "showroom { id }", json!({ "id": shop.id, "personIds": [shop.manager_id] })).await;
    let staff = shop.staff().await;
    let foreign = shop.server.member("owner", OTHER_SELLER).await;
    let decide = json!({ "id": booked["id"], "decision": "DECLINE" });
    let door = json!({ "showroomId": shop.id, "code": booked["code"] });
    for (client, field) in [(&staff, "staff of another showroom"), (&foreign, "another organisation")] {
        assert_eq!(client.data(OF_SHOP, json!({ "id": shop.id })).await["appointments"]["nodes"], json!([]), "{field}");
        assert_eq!(client.refused("decideAppointment", decide.clone()).await, refusal("NOT_FOUND", "id"), "{field}");
        assert_eq!(client.refused("checkIn", door.clone()).await, refusal("NOT_FOUND", "showroomId"), "{field}");
    }
    assert_eq!(staff.denied("openVisitSlots", json!({ "showroomId": shop.id, "slots": [] })).await, "FORBIDDEN");
    for mutation in [("decideAppointment", decide), ("checkIn", door)] {
        assert_eq!(consumer.denied(mutation.0, mutation.1).await, "FORBIDDEN");
    }
    assert_eq!(consumer.error(OF_SHOP, json!({ "id": shop.id })).await, "FORBIDDEN");
    assert_eq!(shop.server.anonymous().denied("bookAppointment", json!({ "slotId": slot })).await, "UNAUTHENTICATED");
    let other = shop.server.consumer(2).await;
    assert_eq!(other.refused("cancelAppointment", json!({ "id": booked["id"] })).await, refusal("NOT_FOUND", "id"));
    assert_eq!(own(&other).await, Vec::<Value>::new());
    // A code of one showroom opens no other.
    let manager = shop.manager().await;
    let door = json!({ "showroomId": second, "code": booked["code"] });
    assert_eq!(manager.refused("checkIn", door).await, refusal("NOT_FOUND", "code"));
    assert_eq!(
        manager.data(OF_SHOP, json!({ "id": shop.id })).await["appointments"]["nodes"].as_array().unwrap().len(),
        1
    );
    shop.adds_up().await;
}

/// So many people who may book.
async fn people(app: &App, n: usize) -> Vec<Viewer> {
    let now = app.clock().now();
    let mut viewers = Vec::new();
    for _ in 0..n {
        let id = PersonId::new(now);
        let row = person::Model { id, display_name: "visitor".into(), password: None, version: 1, created_at: now };
        person::Entity::insert(row.into_active_model()).exec_without_returning(app.db().writer()).await.unwrap();
        viewers.push(Viewer { actor: Actor::Person(id), acting: None });
    }
    viewers
}

fn code(error: &Error) -> String {
    match error {
        Error::Refused(refusals) => refusals.first().map(|refusal| refusal.code.name()).unwrap_or_default(),
        other => format!("an accident: {}", other.told()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_who_want_the_last_place_one_has_it() {
    let shop = Shop::new().await;
    let slot = shop.slot(60, 120, 1).await;
    let tries = people(shop.app(), 50).await.into_iter().map(|viewer| {
        let (app, slot) = (shop.app().clone(), typed(&slot));
        tokio::spawn(async move {
            let booking = Booking { slot, party_size: 1, wishes: Wishes::default() };
            appointments::book(&app, &Call::by(viewer), &booking)
                .await
                .map_err(|error| code(&error))
                .map(|row| row.code)
        })
    });
    let mut booked = 0;
    for attempt in tries.collect::<Vec<_>>() {
        match attempt.await.unwrap() {
            Ok(_) => booked += 1,
            Err(code) => assert_eq!(code, "ALREADY_TAKEN"),
        }
    }
    assert_eq!((booked, shop.left(&slot).await), (1, json!(0)));
    shop.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_slots_of_one_host_at_one_time_one_is_opened_and_one_booking_of_one_person() {
    let shop = Shop::new().await;
    let (showroom, host): (_, PersonId) = (typed(&shop.id), typed(&shop.staff_id));
    let now = shop.app().clock().now();
    let manager = Viewer {
        actor: Actor::Person(typed(&shop.manager_id)),
        acting: Some(entities::party::Acting {
            organisation: typed(&shop.server.organisation(SHOP).await),
            kinds: [entities::party::OrganisationRole::ShowroomOperator].into(),
            roles: [entities::party::MemberRole::ShowroomManager].into(),
            approval_level: 0,
            scopes: [].into(),
        }),
    };
    // Each of them overlaps each other in the third hour from now.
    let tries = (0..50).map(|n: i64| {
        let (app, viewer) = (shop.app().clone(), manager.clone());
        let planned = Planned {
            host: Some(host),
            starts_at: now + Duration::minutes(60 + 15 * (n % 5)),
            ends_at: now + Duration::minutes(180 + 15 * (n % 7)),
            capacity: 1,
            auto_confirm: true,
        };
        tokio::spawn(async move {
            let made = visit_slots::open_slots(&app, &Call::by(viewer), showroom, &[planned]).await;
            made.map_err(|error| code(&error))
        })
    });
    let mut opened = Vec::new();
    for attempt in tries.collect::<Vec<_>>() {
        match attempt.await.unwrap() {
            Ok(made) => opened.extend(made),
            Err(code) => assert_eq!(code, "ALREADY_BOOKED"),
        }
    }
    assert_eq!(opened.len(), 1);
    // One person, fifty times, in slots that overlap.
    let visitor = people(shop.app(), 1).await.remove(0);
    let mut slots = vec![encode(opened[0].id).0];
    for n in 1..5 {
        slots.push(shop.slot(90 + 15 * n, 180, 50).await.as_str().unwrap().to_owned());
    }
    let tries = (0..50).map(|n: usize| {
        let (app, viewer, slot) = (shop.app().clone(), visitor.clone(), typed(&json!(slots[n % slots.len()])));
        tokio::spawn(async move {
            let booking = Booking { slot, party_size: 1, wishes: Wishes::default() };
            let made = appointments::book(&app, &Call::by(viewer), &booking).await;
            made.map(|_| ()).map_err(|error| code(&error))
        })
    });
    let mut booked = 0;
    for attempt in tries.collect::<Vec<_>>() {
        match attempt.await.unwrap() {
            Ok(()) => booked += 1,
            Err(code) => assert!(["ALREADY_BOOKED", "ALREADY_TAKEN"].contains(&code.as_str()), "{code}"),
        }
    }
    assert_eq!(booked, 1);
    shop.adds_up().await;
}
