//! The floor, its planograms, its days, and whose it is.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_floor_is_drawn_whole_and_a_slot_keeps_what_is_printed_on_it() {
    let house = House::new().await;
    let before = house.slots.clone();
    assert_eq!(before.iter().map(|(code, ..)| code.as_str()).collect::<Vec<_>>(), ["A1", "A2", "A3", "B1"]);
    assert!(before.iter().all(|(_, printed, _)| printed.len() == 12), "it does not fit into a scene: {before:?}");
    // One slot goes, one changes its place, one is new; the table goes to another zone.
    let version = house.inside(&house.manager, "version").await["version"].clone();
    let zones = json!([
        { "code": "z1", "name": "茶", "fixtures": [{ "code": "F1", "kind": "SHELF", "widthMm": 1200, "heightMm": 300,
            "slots": [slot("A2", 0, 1), slot("A1", 400, 2), slot("A4", 800, 1)] }] },
        { "code": "Z2", "name": "新", "fixtures": [{ "code": "F2", "kind": "TABLE", "widthMm": 400, "heightMm": 300,
            "slots": [slot("B1", 0, 1)] }] } ]);
    let draw = json!({ "id": house.showroom, "expectedVersion": version, "zones": zones });
    house.manager.done("drawShowroom", "showroom { version }", draw.clone()).await;
    let after = house.printed().await;
    let printed = |all: &[(String, String, Value)], slot: &str| {
        all.iter().find(|(code, ..)| code == slot).map(|(_, printed, _)| printed.clone())
    };
    for kept in ["A1", "A2", "B1"] {
        assert_eq!(printed(&after, kept), printed(&before, kept), "the code on {kept} would have to be printed again");
    }
    assert_eq!(printed(&after, "A3"), None);
    assert_eq!(house.manager.refused("drawShowroom", draw).await, [("STALE_VERSION".into(), "expectedVersion".into())]);
    // The retired one comes back as what it was.
    let version = house.inside(&house.manager, "version").await["version"].clone();
    let draw = json!({ "id": house.showroom, "expectedVersion": version, "zones": floor() });
    house.manager.done("drawShowroom", "showroom { version }", draw).await;
    assert_eq!(
        house.printed().await.iter().map(|(code, ..)| code.as_str()).collect::<Vec<_>>(),
        ["A1", "A2", "A3", "B1"]
    );
    assert_eq!(printed(&house.printed().await, "A3"), printed(&before, "A3"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_somewhere_keeps_its_place_and_its_showroom() {
    let house = House::new().await;
    let (offer, _) = house.bonded("stays", "100.00", 5).await;
    let display = house.install("A3", &offer, json!({ "facing": 3 })).await;
    let version = house.inside(&house.manager, "version").await["version"].clone();
    let mut fewer = floor();
    fewer[0]["fixtures"][0]["slots"][2]["facings"] = json!(2);
    let mut without = floor();
    without[0]["fixtures"][0]["slots"].as_array_mut().unwrap().pop();
    for zones in [fewer, without, json!([])] {
        let draw = json!({ "id": house.showroom, "expectedVersion": version, "zones": zones });
        assert_eq!(house.manager.refused("drawShowroom", draw).await, [("IN_USE".into(), "zones".into())]);
    }
    let close = json!({ "id": house.showroom, "close": true });
    assert_eq!(house.hq.refused("changeShowroom", close.clone()).await, [("IN_USE".into(), "close".into())]);
    house.staff.done("removeDisplay", "", json!({ "id": display["id"] })).await;
    house.hq.done("changeShowroom", "showroom { state }", close).await;
    let input = house.installing("A1", &offer, json!({}));
    assert_eq!(house.staff.refused("installDisplay", input).await, [("ILLEGAL_TRANSITION".into(), "id".into())]);
    let query = "query($id: ID!) { showroom(id: $id) { id } }";
    let outside = house.market.server.anonymous().data(query, json!({ "id": house.showroom })).await;
    assert_eq!(outside["showroom"], Value::Null, "a closed showroom is shown to everyone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planogram_is_drafted_compared_and_one_is_in_force() {
    let house = House::new().await;
    let (tea, tea_variant) = house.bonded("tea", "100.00", 5).await;
    let (_, salt_variant) = house.bonded("salt", "20.00", 0).await;
    let draft = async |name: &str, positions: Value| {
        let input = json!({ "showroomId": house.showroom, "name": name, "positions": positions });
        house.manager.done("draftPlanogram", "planogram { id number state version }", input).await["planogram"].clone()
    };
    let position = |slot: &str, variant: &Value, facings: i32| json!({ "slotId": house.slot_id(slot), "variantId": variant, "facings": facings });
    let spring = draft("春", json!([position("A1", &tea_variant, 2), position("A2", &salt_variant, 1)])).await;
    let summer = draft("夏", json!([position("A1", &tea_variant, 1), position("B1", &salt_variant, 1)])).await;
    assert_eq!((&spring["number"], &summer["number"]), (&json!(1), &json!(2)));
    let step = |of: &Value, version: i32| json!({ "id": of["id"], "expectedVersion": version });
    house.manager.done("activatePlanogram", "planogram { state }", step(&spring, 1)).await;
    let late = json!({ "id": spring["id"], "expectedVersion": 2, "positions": [] });
    assert_eq!(house.manager.refused("drawPlanogram", late).await, [("ILLEGAL_TRANSITION".into(), "id".into())]);
    let query = "query($before: ID, $after: ID!) { planogramDiff(beforeId: $before, afterId: $after) { \
                 slot { code } before { facings variant { id } } after { facings variant { id } } } }";
    let ids = json!({ "before": spring["id"], "after": summer["id"] });
    let mut diff = house.staff.data(query, ids.clone()).await["planogramDiff"].as_array().unwrap().clone();
    diff.sort_by_key(|row| row["slot"]["code"].to_string());
    let (tea_id, salt_id) = (json!({ "id": tea_variant }), json!({ "id": salt_variant }));
    assert_eq!(
        json!(diff),
        json!([
        { "slot": { "code": "A1" }, "before": { "facings": 2, "variant": tea_id }, "after": { "facings": 1, "variant": tea_id } },
        { "slot": { "code": "A2" }, "before": { "facings": 1, "variant": salt_id }, "after": null },
        { "slot": { "code": "B1" }, "before": null, "after": { "facings": 1, "variant": salt_id } } ])
    );
    let other = house.market.server.seller(OTHER_STORE).await;
    assert_eq!(other.data(query, ids).await["planogramDiff"], Value::Null);
    // What stands there is not what is planned.
    house.install("A1", &tea, json!({ "tag": { "amount": "90.00", "currency": "CNY" } })).await;
    house.stocked("SAMPLE", &salt_variant, 4).await;
    let gaps = "gaps { kind pieces toFillWith slot { code } }";
    let mut found = house.inside(&house.staff, gaps).await["gaps"].as_array().unwrap().clone();
    found.sort_by_key(ToString::to_string);
    let gap = |kind: &str, pieces: i32, fill: i32, slot: &str| json!({ "kind": kind, "pieces": pieces, "toFillWith": fill, "slot": { "code": slot } });
    assert_eq!(found, [gap("MISSING", 1, 0, "A1"), gap("MISSING", 1, 4, "A2"), gap("STALE_PRICE", 1, 0, "A1")]);
    // Another comes into force: the first is retired, and what is planned is another thing.
    house.manager.done("activatePlanogram", "planogram { state }", step(&summer, 1)).await;
    let of = house.inside(&house.staff, "planogram { number } planograms { nodes { number state } }").await;
    assert_eq!(of["planogram"]["number"], 2);
    assert_eq!(
        of["planograms"]["nodes"],
        json!([{ "number": 2, "state": "ACTIVE" }, { "number": 1, "state": "RETIRED" }])
    );
    let again = step(&spring, 3);
    assert_eq!(house.manager.refused("activatePlanogram", again).await, [("ILLEGAL_TRANSITION".into(), "id".into())]);
    let tag = house.inside(&house.staff, "displays { nodes { id } }").await["displays"]["nodes"][0]["id"].clone();
    house.staff.done("retagDisplay", "display { tag { amount } }", json!({ "id": tag })).await;
    let found = house.inside(&house.staff, gaps).await["gaps"].clone();
    assert_eq!(found, json!([gap("MISSING", 1, 4, "B1")]));
    // All that is wrong with a draft is said at once.
    let wrong = json!({ "showroomId": house.showroom, "name": "x", "positions": [
        position("A2", &tea_variant, 2), position("A2", &tea_variant, 1), { "slotId": tag, "variantId": tea_variant } ] });
    let refused = house.manager.refused("draftPlanogram", wrong).await;
    assert_eq!(refused, [("NOT_FOUND".into(), "positions.2.slotId".into())]);
    let wrong = json!({ "showroomId": house.showroom, "name": "x", "positions": [
        position("A2", &tea_variant, 2), position("A2", &tea_variant, 1) ] });
    let refused = house.manager.refused("draftPlanogram", wrong).await;
    assert_eq!(
        refused,
        [("OUT_OF_RANGE".into(), "positions.0.facings".into()), ("DUPLICATE".into(), "positions.1.slotId".into())]
    );
    house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_work_in_their_own_store_and_outsiders_see_its_front_only() {
    let house = House::new().await;
    let inside = "team places { unitClass } zones { code } planogram { id } displays { nodes { id } } gaps { kind } day { date } \
                  auditRounds { nodes { id } } splitRule { version } codeSheet { labels } name";
    let closed = json!({ "team": null, "places": null, "zones": null, "planogram": null, "displays": { "nodes": [] },
        "gaps": null, "day": null, "auditRounds": { "nodes": [] }, "splitRule": null, "codeSheet": null, "name": "万达店" });
    for outsider in [
        house.market.server.anonymous(),
        house.market.server.consumer(1).await,
        house.market.server.member("owner", SELLER).await,
        house.market.server.seller(OTHER_STORE).await,
    ] {
        assert_eq!(house.inside(&outsider, inside).await, closed);
    }
    let open = house.inside(&house.hq, inside).await;
    assert_eq!((open["team"].as_array().unwrap().len(), open["places"].as_array().unwrap().len()), (2, 4));
    // A second store of the organisation, where nobody of the first one works.
    let input = json!({ "code": "haihu", "name": "海湖店", "address": "海湖", "division": "630104" });
    let second = house.hq.done("openShowroom", "showroom { id }", input.clone()).await["showroom"]["id"].clone();
    let query = "query($id: ID!) { showroom(id: $id) { zones { code } } }";
    for (who, sees) in [(&house.staff, false), (&house.manager, false), (&house.hq, true)] {
        let seen = who.data(query, json!({ "id": second })).await["showroom"]["zones"].clone();
        assert_eq!(seen.is_array(), sees);
        let day = who.payload("openShowroomDay", "day { date }", json!({ "id": second })).await;
        assert_eq!(day["userErrors"].as_array().unwrap().is_empty(), sees, "{day}");
    }
    // Staff neither draws nor opens; managers do not open; consumers and other organisations do nothing at all.
    let version = house.inside(&house.hq, "version").await["version"].clone();
    let draw = json!({ "id": house.showroom, "expectedVersion": version, "zones": [] });
    assert_eq!(house.staff.denied("drawShowroom", draw.clone()).await, "FORBIDDEN");
    assert_eq!(house.manager.denied("openShowroom", input.clone()).await, "FORBIDDEN");
    assert_eq!(house.hq.refused("openShowroom", input.clone()).await, [("ALREADY_TAKEN".into(), "code".into())]);
    let seller = house.market.server.member("owner", SELLER).await;
    assert_eq!(seller.denied("openShowroom", input).await, "FORBIDDEN");
    assert_eq!(seller.refused("drawShowroom", draw).await, [("NOT_FOUND".into(), "id".into())]);
    let consumer = house.market.server.consumer(1).await;
    assert_eq!(consumer.denied("openShowroomDay", json!({ "id": house.showroom })).await, "FORBIDDEN");
    // A team is of people who are managers or staff of showrooms.
    let team = json!({ "id": house.showroom, "personIds": [me(&house.hq).await] });
    assert_eq!(house.hq.refused("setShowroomTeam", team).await, [("NOT_FOUND".into(), "personIds.0".into())]);
    let none = json!({ "id": house.showroom, "personIds": [] });
    house.hq.done("setShowroomTeam", "showroom { team }", none).await;
    let left = json!({ "id": house.showroom });
    assert_eq!(house.staff.refused("openShowroomDay", left).await, [("NOT_FOUND".into(), "id".into())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_is_opened_and_closed_once() {
    let house = House::new().await;
    let of = json!({ "id": house.showroom });
    assert_eq!(house.staff.refused("closeShowroomDay", of.clone()).await, [("ILLEGAL_TRANSITION".into(), "id".into())]);
    let first = house.staff.done("openShowroomDay", "day { date openedAt openedBy closedAt }", of.clone()).await;
    house.wait(Duration::minutes(5));
    let again = house.manager.done("openShowroomDay", "day { date openedAt openedBy closedAt }", of.clone()).await;
    assert_eq!(again["day"], first["day"], "a day that is open was opened again");
    house.staff.done("closeShowroomDay", "day { closedAt }", of.clone()).await;
    assert_eq!(house.staff.refused("closeShowroomDay", of).await, [("ILLEGAL_TRANSITION".into(), "id".into())]);
    assert!(house.inside(&house.staff, "day { closedBy }").await["day"]["closedBy"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_says_how_each_slot_is_and_keeps_photos_sealed() {
    use base64::{Engine, prelude::BASE64_STANDARD};
    let house = House::new().await;
    let of = json!({ "showroomId": house.showroom });
    let round = house.staff.done("openAuditRound", "round { id }", of).await["round"]["id"].clone();
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    png.extend_from_slice(&[7; 400]);
    let photo = json!({ "mediaType": "image/png", "content": BASE64_STANDARD.encode(&png) });
    let check = |slot: &str, more: Value| {
        let mut input = json!({ "roundId": round, "slot": house.code(slot), "verdict": "AS_PLANNED" });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    house.staff.done("checkSlot", "", check("A1", json!({}))).await;
    house
        .staff
        .done("checkSlot", "", check("A1", json!({ "verdict": "DAMAGED", "note": "角破损", "photo": photo })))
        .await;
    for (wrong, expected) in [
        (
            json!({ "photo": { "mediaType": "image/jpeg", "content": photo["content"] } }),
            ("INVALID_VALUE", "photo.mediaType"),
        ),
        (json!({ "photo": { "mediaType": "image/png", "content": "%" } }), ("INVALID_VALUE", "photo.content")),
        (json!({ "photo": { "mediaType": "image/png", "content": "" } }), ("OUT_OF_RANGE", "photo.content")),
        (json!({ "slot": "000000000000" }), ("NOT_FOUND", "slot")),
    ] {
        let refused = house.staff.refused("checkSlot", check("A2", wrong)).await;
        assert_eq!(refused, [(expected.0.to_owned(), expected.1.to_owned())]);
    }
    house.staff.done("finishAuditRound", "", json!({ "id": round })).await;
    let late = house.staff.refused("checkSlot", check("A2", json!({}))).await;
    assert_eq!(late, [("ILLEGAL_TRANSITION".into(), "id".into())]);
    let query = "query($id: ID!) { auditRound(id: $id) { state checks { nodes { slot { code } verdict note photo { mediaType content sha256 } } } } }";
    let seen = house.manager.data(query, json!({ "id": round })).await["auditRound"].clone();
    let hash = seen["checks"]["nodes"][0]["photo"]["sha256"].clone();
    assert_eq!(
        seen,
        json!({ "state": "DONE", "checks": { "nodes": [{ "slot": { "code": "A1" }, "verdict": "DAMAGED", "note": "角破损",
        "photo": { "mediaType": "image/png", "content": photo["content"], "sha256": hash } }] } })
    );
    let other = house.market.server.seller(OTHER_STORE).await;
    assert_eq!(other.data(query, json!({ "id": round })).await["auditRound"], Value::Null);
    let stored = crate::party::identities::dump(&house.market.server).await;
    assert!(!stored.contains(&hex(&png[8..60])), "a photo lies open in the database");
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
