//! Days and alarms of bonded displays, and who sees them.

use super::*;

/// What alarms say, oldest first.
async fn raised(client: &Client, open: bool) -> Vec<(String, i64, String)> {
    let query =
        "query($o: Boolean) { bondedDisplayAlarms(open: $o, first: 50) { nodes { kind days dueOn display { id } } } }";
    let seen = client.data(query, json!({ "o": open })).await["bondedDisplayAlarms"]["nodes"].clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let told = |row: &Value| (text(&row["kind"]), row["days"].as_i64().unwrap(), text(&row["dueOn"]));
    seen.as_array().unwrap().iter().rev().map(told).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn alarms_are_raised_once_each_thirty_seven_and_no_days_before() {
    let house = Store::new("2026-03-02T02:00:00Z", 20, "10000.00").await;
    let id = house.shown(10, "2026-06-01").await;
    // It never left: nothing has to come back.
    house.done("applyBondedDisplay", house.asked(1, "2026-06-01").await).await;
    let back = |days: i64, due: &str| ("RETURN".to_owned(), days, due.to_owned());
    let declared = |days: i64, due: &str| ("DECLARE".to_owned(), days, due.to_owned());
    let swept = async |at: &str| {
        house.wait_until(at).await;
        for _ in 0..2 {
            alarms::alarms(&house.server.app, house.server.app.clock().now()).await.unwrap();
        }
        raised(&house.owner().await, false).await
    };
    let mut expected = Vec::new();
    assert_eq!(swept("2026-05-01T02:00:00Z").await, expected);
    expected.push(back(30, "2026-06-01"));
    // Two o'clock in the morning in Shanghai: it is the second there, and still the first in UTC.
    assert_eq!(swept("2026-05-01T18:00:00Z").await, expected);
    assert_eq!(swept("2026-05-10T02:00:00Z").await, expected);
    expected.push(back(7, "2026-06-01"));
    assert_eq!(swept("2026-05-25T02:00:00Z").await, expected);
    house.step("sellBondedDisplay", &id, json!({ "quantity": 2, "document": "R-1" })).await;
    expected.push(back(0, "2026-06-01"));
    assert_eq!(swept("2026-06-01T02:00:00Z").await, expected);
    let due = async |before: &str| {
        let query = "query($d: NaiveDate!) { bondedDisplaysDue(dueBefore: $d) { nodes { id } } }";
        house.owner().await.data(query, json!({ "d": before })).await["bondedDisplaysDue"]["nodes"].clone()
    };
    assert_eq!((due("2026-06-01").await, due("2026-06-02").await), (json!([]), json!([{ "id": id }])));
    // Put off once, within six months of the day before.
    let extend = |until: &str| with(&id, json!({ "returnBy": until, "document": "西关延〔2026〕1号" }));
    assert_eq!(house.refused("extendBondedDisplay", extend("2026-06-01")).await, said("OUT_OF_RANGE", "returnBy"));
    assert_eq!(house.refused("extendBondedDisplay", extend("2026-12-02")).await, said("OUT_OF_RANGE", "returnBy"));
    house.done("extendBondedDisplay", extend("2026-08-01")).await;
    assert_eq!(house.refused("extendBondedDisplay", extend("2026-09-01")).await, said("ILLEGAL_TRANSITION", "id"));
    assert_eq!(swept("2026-06-10T02:00:00Z").await, expected);
    // What was sold on 25 May is declared by 24 June.
    expected.push(declared(7, "2026-06-24"));
    assert_eq!(swept("2026-06-17T02:00:00Z").await, expected);
    assert_eq!((due("2026-06-24").await, due("2026-06-25").await), (json!([]), json!([{ "id": id }])));
    expected.push(declared(0, "2026-06-24"));
    assert_eq!(swept("2026-06-24T02:00:00Z").await, expected);
    expected.push(back(30, "2026-08-01"));
    assert_eq!(swept("2026-07-02T02:00:00Z").await, expected);

    // Staff have seen one; all of them are back, and nobody is told of more.
    let query = "{ bondedDisplayAlarms(first: 1) { nodes { id days acknowledgedBy } } }";
    let newest = house.owner().await.data(query, json!({})).await["bondedDisplayAlarms"]["nodes"][0].clone();
    let seen = json!({ "id": newest["id"] });
    house.owner().await.done("acknowledgeBondedDisplayAlarm", "alarm { acknowledgedBy }", seen.clone()).await;
    let twice = house.refused("acknowledgeBondedDisplayAlarm", seen).await;
    assert_eq!(twice, said("ILLEGAL_TRANSITION", "id"));
    assert_eq!(raised(&house.owner().await, true).await, expected[..expected.len() - 1]);
    house.step("applyBondedDisplayReturn", &id, json!({ "applicationNumber": "C-2" })).await;
    house.step("gateInBondedDisplay", &id, json!({ "inboundNumber": "CRK-2", "passNumber": "HF-2" })).await;
    assert_eq!(swept("2026-08-01T02:00:00Z").await, expected);
    house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn others_see_nothing_and_staff_see_their_own_showroom() {
    let house = Store::new("2026-03-02T02:00:00Z", 20, "10000.00").await;
    let id = house.out(10, "2026-03-20").await;
    alarms::alarms(&house.server.app, house.server.app.clock().now()).await.unwrap();
    let query = "query($id: ID!) { bondedDisplay(id: $id) { id } bondedDisplays { nodes { id } } \
                 bondedDisplaysDue(dueBefore: \"2027-01-01\") { nodes { id } } bondedDisplayAlarms { nodes { id } } }";
    let seen = async |client: &Client| {
        let seen = client.data(query, json!({ "id": id })).await;
        let list = |name: &str| seen[name]["nodes"].as_array().unwrap().len();
        let lists = [list("bondedDisplays"), list("bondedDisplaysDue"), list("bondedDisplayAlarms")];
        assert!(lists.iter().all(|n| *n == usize::from(seen["bondedDisplay"] != Value::Null)), "{seen:#}");
        seen["bondedDisplay"] != Value::Null
    };
    let other = house.server.seller(RUNS_OTHERS).await;
    let staff = house.server.member("showroom-staff", RUNS).await;
    assert!(!seen(&other).await, "somebody else's showroom");
    assert!(!seen(&staff).await, "not of the team");
    assert!(seen(&house.owner().await).await && seen(&house.server.operator().await).await);
    let shelve = json!({ "id": id });
    for client in [&other, &staff] {
        let refused = client.refused("shelveBondedDisplay", shelve.clone()).await;
        assert_eq!(refused, [said("NOT_FOUND", "id")]);
    }
    let whose = house.server.organisation(RUNS).await;
    let account = "query($o: ID) { displayGuarantee(organisationId: $o) { used { amount } } }";
    assert_eq!(other.error(account, json!({ "o": whose })).await, "FORBIDDEN");
    let read = house.server.operator().await.data(account, json!({ "o": whose })).await;
    assert_eq!(read["displayGuarantee"]["used"]["amount"], "1978.00");
    // Of the team: puts things onto the shelf and sells them, and applies for nothing.
    let db = house.server.app.db().writer();
    let members = membership::Entity::find()
        .filter(membership::Column::OrganisationId.eq(organisation(&house.server, RUNS).await))
        .all(db)
        .await
        .unwrap();
    let works = members.iter().find(|member| member.roles.0.contains(&MemberRole::ShowroomStaff)).unwrap();
    let call = headquarters(&house.server, RUNS).await;
    stores::set_team(&house.server.app, &call, house.store, &[works.person_id]).await.unwrap();
    assert!(seen(&staff).await);
    staff.done("shelveBondedDisplay", DISPLAY, shelve.clone()).await;
    staff.done("sellBondedDisplay", DISPLAY, with(&id, json!({ "quantity": 1, "document": "R" }))).await;
    assert_eq!(staff.denied("applyBondedDisplay", house.asked(1, "2026-06-01").await).await, "FORBIDDEN");
    let back = with(&id, json!({ "applicationNumber": "C-2" }));
    assert_eq!(staff.denied("applyBondedDisplayReturn", back).await, "FORBIDDEN");
    let sold = house.part(&id, "SOLD").await;
    let foreign = json!({ "partIds": [sold["id"]], "declarationNumber": DECLARATION });
    assert_eq!(other.refused("declareBondedDisplay", foreign).await, [said("NOT_FOUND", "partIds")]);
    let only = "query($s: [BondedDisplayState!]) { bondedDisplays(states: $s) { nodes { id } } }";
    for (states, found) in [(json!(["SOLD", "CLOSED"]), 1), (json!(["GATE_OUT"]), 0), (json!([]), 1)] {
        let list = staff.data(only, json!({ "s": states })).await["bondedDisplays"]["nodes"].clone();
        assert_eq!(list.as_array().unwrap().len(), found, "{states}");
    }
}
