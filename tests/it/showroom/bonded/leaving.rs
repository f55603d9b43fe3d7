//! How pieces of bonded displays leave a showroom other than by being sold; and how they do not.

use entities::platform::audit_entry;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn what_a_facing_shows_is_not_sold_under_it_and_nothing_is_moved_by_hand() {
    let house = Store::new("2026-03-02T02:00:00Z", 5, "10000.00").await;
    let id = house.shown(5, "2026-06-01").await;
    let app = &house.server.app;
    let now = app.clock().now();
    let there =
        balance::Entity::find().filter(balance::Column::OnHand.eq(5_i64)).filter(balance::Column::Outside.eq(false));
    let there = there.one(app.db().writer()).await.unwrap().unwrap();
    let tx = app.db().begin().await.unwrap();
    let purpose =
        Purpose { kind: ReservationKind::Display, document: "facing", key: "facing", until: now + Duration::hours(1) };
    promises::hold_these(&tx, now, &[(there.clone(), 2)], purpose).await.unwrap();
    tx.commit().await.unwrap();
    let sell = |quantity: i64| with(&id, json!({ "quantity": quantity, "document": "R" }));
    assert_eq!(house.refused("sellBondedDisplay", sell(4)).await, said("OUT_OF_STOCK", "quantity"));
    house.done("sellBondedDisplay", sell(3)).await;
    let line = json!({ "balanceId": encode(there.id), "toId": house.warehouse, "quantity": 1 });
    let by_hand = json!({ "document": "T", "lines": [line] });
    assert_eq!(house.refused("transferStock", by_hand).await, said("NOT_FOUND", "lines.0.balanceId"));
    house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_moves_by_hand_what_is_shown_or_what_is_to_be() {
    let house = Store::new("2026-03-02T02:00:00Z", 10, "10000.00").await;
    house.shown(5, "2026-06-01").await;
    let owner = house.owner().await;
    let query = "query($id: ID!) { showroom(id: $id) { places { unitClass location { id } } } }";
    let places = owner.data(query, json!({ "id": encode(house.store) })).await["showroom"]["places"].clone();
    let shelf = places.as_array().unwrap().iter().find(|row| row["unitClass"] == "BONDED_DISPLAY").unwrap();
    let shelf = shelf["location"]["id"].clone();
    let in_zone = house.balance().await["id"].clone();
    let history = "query($v: ID!) { stockHistory(variantId: $v, first: 1) { nodes { id to { code } } } }";
    let gate = owner.data(history, json!({ "v": house.variant })).await["stockHistory"]["nodes"][0].clone();
    assert_eq!(gate["to"]["code"], "WANDA.BONDED", "the last move is not the one through the gate");
    let received = json!([{ "variantId": house.variant, "quantity": 1, "customsStatus": "BONDED" }]);
    let moved = json!([{ "balanceId": in_zone, "toId": shelf, "quantity": 1 }]);
    let sent = json!([{ "balanceId": in_zone, "quantity": 1 }]);
    for (mutation, input, field) in [
        ("receiveStock", json!({ "locationId": shelf, "document": "x", "lines": received }), "lines.0"),
        ("transferStock", json!({ "document": "x", "lines": moved }), "lines.0"),
        ("requestStockTransfer", json!({ "toId": shelf, "document": "x", "lines": sent }), "lines.0"),
        ("clearStock", json!({ "releaseNumber": "970120260000000002", "lines": moved }), "lines.0"),
        ("returnStock", json!({ "locationId": shelf, "document": "x", "lines": received }), "locationId"),
        ("reverseStockMove", json!({ "id": gate["id"], "document": "x" }), "id"),
    ] {
        assert_eq!(house.refused(mutation, input).await, said("ILLEGAL_TRANSITION", field), "{mutation}");
    }
    // Two are not found: that is reported, and not posted. Somebody counts, and somebody else decides.
    let query = "query($l: ID!) { stock(locationId: $l) { nodes { id } } }";
    let on_shelf = owner.data(query, json!({ "l": shelf })).await["stock"]["nodes"][0]["id"].clone();
    let counter = house.server.member("owner", RUNS).await;
    let counted = async |pieces: i64| {
        let count = counter.done("openStockCount", "count { id }", json!({ "locationId": shelf })).await;
        let id = count["count"]["id"].clone();
        let lines = json!([{ "balanceId": on_shelf, "counted": pieces }]);
        counter.done("submitStockCount", "count { state }", json!({ "id": id, "lines": lines })).await;
        json!({ "id": id, "decision": "POST" })
    };
    let differs = counted(3).await;
    assert_eq!(house.refused("reviewStockCount", differs).await, said("ILLEGAL_TRANSITION", "id"));
    let fits = counted(5).await;
    let posted = owner.done("reviewStockCount", "count { state }", fits).await;
    assert_eq!(posted["count"]["state"], "POSTED", "a count that finds all of it is not posted");
    assert_eq!(house.stock().await, stock(&[("WANDA.BONDED", "BONDED", 5), ("ZONE", "BONDED", 5)]));
    house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_should_be_back_is_neither_shown_nor_sold_nor_sent_on() {
    let house = Store::new("2026-03-02T02:00:00Z", 5, "10000.00").await;
    let mall = opened(&house.server, RUNS, "MALL").await;
    let id = house.out(5, "2026-03-20").await;
    house.step("shelveBondedDisplay", &id, json!({ "quantity": 3 })).await;
    let sell = with(&id, json!({ "quantity": 1, "document": "R" }));
    // Until midnight in Shanghai it is the last day.
    house.wait_until("2026-03-20T15:59:00Z").await;
    house.done("sellBondedDisplay", sell.clone()).await;
    house.wait_until("2026-03-20T16:00:00Z").await;
    let on = json!({ "quantity": 1, "toShowroomId": encode(mall), "document": "ZD-1" });
    for (mutation, input) in [
        ("shelveBondedDisplay", with(&id, json!({ "quantity": 1 }))),
        ("sellBondedDisplay", sell),
        ("transferBondedDisplay", with(&id, on)),
    ] {
        assert_eq!(house.refused(mutation, input).await, said("OUT_OF_RANGE", "id"), "{mutation}");
    }
    assert_eq!(house.pieces(&id).await, pieces(&[("GATE_OUT", 2), ("ON_SHELF", 2), ("SOLD", 1)]));
    // It goes back, and what cannot is declared as lost.
    house.step("reportBondedDisplayLoss", &id, json!({ "quantity": 1, "cause": "LOST", "document": "报-1" })).await;
    house.step("applyBondedDisplayReturn", &id, json!({ "applicationNumber": "C-2" })).await;
    house.step("gateInBondedDisplay", &id, json!({ "inboundNumber": "CRK-2", "passNumber": "HF-2" })).await;
    assert_eq!(house.pieces(&id).await, pieces(&[("IN_WAREHOUSE", 3), ("SOLD", 1), ("TAX_DUE", 1)]));
    house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_left_the_shelf_in_two_years_is_declared_under_two_numbers() {
    let house = Store::new("2026-12-20T02:00:00Z", 5, "10000.00").await;
    let id = house.shown(5, "2027-05-31").await;
    let sell = |receipt: &str| with(&id, json!({ "quantity": 1, "document": receipt }));
    // A minute before the year ends in Shanghai, and a minute after.
    for (at, receipt) in [("2026-12-31T15:59:00Z", "R-1"), ("2026-12-31T16:01:00Z", "R-2")] {
        house.wait_until(at).await;
        house.done("sellBondedDisplay", sell(receipt)).await;
    }
    let mut sold = house.parts(&id, "SOLD").await;
    sold.sort_by_key(|part| part["leftOn"].to_string());
    let days: Vec<(&Value, &Value)> = sold.iter().map(|part| (&part["leftOn"], &part["declareBy"])).collect();
    assert_eq!(json!(days), json!([["2026-12-31", "2026-12-31"], ["2027-01-01", "2027-01-31"]]));
    let declare = |parts: &[Value], number: &str| {
        let ids: Vec<&Value> = parts.iter().map(|part| &part["id"]).collect();
        json!({ "partIds": ids, "declarationNumber": number })
    };
    let both = declare(&sold, DECLARATION);
    assert_eq!(house.refused("declareBondedDisplay", both).await, said("INVALID_VALUE", "partIds"));
    assert_eq!(house.pieces(&id).await, pieces(&[("ON_SHELF", 3), ("SOLD", 2)]));
    for (part, number) in sold.chunks(1).zip([DECLARATION, "970120270000000001"]) {
        house.owner().await.done("declareBondedDisplay", PARTS, declare(part, number)).await;
    }
    assert_eq!(house.pieces(&id).await, pieces(&[("ON_SHELF", 3), ("DECLARED", 2)]));
    // That the first was late is written down.
    let trail = audit_entry::Entity::find().filter(audit_entry::Column::Action.eq("declareBondedDisplay"));
    let mut trail = trail.all(house.server.app.db().read()).await.unwrap();
    trail.sort_by_key(|entry| entry.seq);
    let late: Vec<bool> = trail.iter().map(|entry| entry.body.contains("\"late\":true")).collect();
    assert_eq!(late, [true, false]);
    house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_lost_or_damaged_is_taxed_and_what_force_majeure_took_is_for_customs_to_say() {
    let house = Store::new("2026-03-02T02:00:00Z", 20, "10000.00").await;
    let id = house.shown(20, "2026-06-01").await;
    let lose = async |quantity: i64, cause: &str| {
        let report = json!({ "quantity": quantity, "cause": cause, "document": "报-1" });
        house.step("reportBondedDisplayLoss", &id, report).await;
    };
    lose(2, "LOST").await;
    lose(3, "DAMAGED").await;
    lose(4, "FORCE_MAJEURE").await;
    assert_eq!(house.pieces(&id).await, pieces(&[("ON_SHELF", 11), ("TAX_DUE", 5), ("FORCE_MAJEURE", 4)]));
    assert_eq!(house.guarantee().await.0, 395_600, "what is lost is guaranteed until it is paid");
    assert_eq!(house.stock().await, stock(&[("WANDA.BONDED", "BONDED", 18)]), "what is damaged is there");
    house.adds_up().await;
    let due = house.parts(&id, "TAX_DUE").await;
    assert!(due.iter().all(|part| part["declareBy"] == "2026-04-01"), "{due:?}");
    let both = json!({ "partIds": [due[0]["id"], due[1]["id"]], "declarationNumber": DECLARATION });
    house.owner().await.done("declareBondedDisplay", PARTS, both).await;
    house.pay(&[&due[0], &due[1]]).await;
    assert_eq!(house.guarantee().await.0, 15 * 19_780);
    house.close(&[&due[0], &due[1]]).await;
    let there = stock(&[("WANDA.BONDED", "BONDED", 15), ("WANDA.DAMAGED", "DUTY_PAID", 3)]);
    assert_eq!(house.stock().await, there);
    house.adds_up().await;

    let gone = house.part(&id, "FORCE_MAJEURE").await;
    let decide = |part: &Value, written_off: bool| {
        let ids = [&part["id"]];
        json!({ "partIds": ids, "writtenOff": written_off, "document": "西关核〔2026〕2号" })
    };
    assert_eq!(house.owner().await.denied("decideBondedDisplayLoss", decide(&gone, true)).await, "FORBIDDEN");
    let operator = house.server.operator().await;
    let shelf = house.parts(&id, "ON_SHELF").await;
    let wrong = operator.refused("decideBondedDisplayLoss", decide(&shelf[0], true)).await;
    assert_eq!(wrong, [said("ILLEGAL_TRANSITION", "partIds")]);
    operator.done("decideBondedDisplayLoss", PARTS, decide(&gone, true)).await;
    assert_eq!(house.guarantee().await.0, 11 * 19_780, "what is written off still binds the guarantee");
    let there = stock(&[("WANDA.BONDED", "BONDED", 11), ("WANDA.DAMAGED", "DUTY_PAID", 3)]);
    assert_eq!(house.stock().await, there);
    // Customs does not agree: it is taxed like what is lost.
    lose(1, "FORCE_MAJEURE").await;
    let gone = house.part(&id, "FORCE_MAJEURE").await;
    operator.done("decideBondedDisplayLoss", PARTS, decide(&gone, false)).await;
    let due = house.part(&id, "TAX_DUE").await;
    assert_eq!((&due["cause"], &due["declareBy"]), (&json!("LOSS"), &json!("2026-04-01")));
    assert_eq!(house.guarantee().await.0, 11 * 19_780);
    assert_eq!(house.stock().await[&("WANDA.BONDED".to_owned(), "BONDED".to_owned())], 10);
    house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_go_on_to_another_showroom_under_the_same_papers() {
    let house = Store::new("2026-03-02T02:00:00Z", 20, "10000.00").await;
    let mall = opened(&house.server, RUNS, "MALL").await;
    let foreign = opened(&house.server, RUNS_OTHERS, "OTHER").await;
    let id = house.shown(20, "2026-06-01").await;
    let to = |showroom: ShowroomId, quantity: i64| {
        with(&id, json!({ "quantity": quantity, "toShowroomId": encode(showroom), "document": "ZD-1" }))
    };
    let refused = async |input: Value| house.refused("transferBondedDisplay", input).await;
    assert_eq!(refused(to(foreign, 1)).await, said("NOT_FOUND", "toShowroomId"));
    assert_eq!(refused(to(house.store, 1)).await, said("INVALID_VALUE", "toShowroomId"));
    assert_eq!(refused(to(mall, 21)).await, said("OUT_OF_RANGE", "quantity"));
    let there = house.done("transferBondedDisplay", to(mall, 5)).await;
    assert_eq!(there["returnBy"], "2026-06-01");
    assert_eq!(house.pieces(&id).await, pieces(&[("ON_SHELF", 15), ("TRANSFERRED", 5)]));
    assert_eq!(house.pieces(&there["id"]).await, pieces(&[("GATE_OUT", 5)]));
    assert_eq!(house.stock().await, stock(&[("MALL.BONDED", "BONDED", 5), ("WANDA.BONDED", "BONDED", 15)]));
    assert_eq!(house.guarantee().await.0, 395_600, "nothing is let go on the way");
    let query = "query($id: ID!, $s: ID) { bondedDisplay(id: $id) { originId showroom { code } } \
                 bondedDisplays(showroomId: $s) { nodes { id } } }";
    let seen = house.owner().await.data(query, json!({ "id": there["id"], "s": encode(mall) })).await;
    assert_eq!(seen["bondedDisplay"], json!({ "originId": id, "showroom": { "code": "MALL" } }));
    assert_eq!(seen["bondedDisplays"]["nodes"], json!([{ "id": there["id"] }]));
    house.adds_up().await;
    // From there they go back to where they came from.
    house.step("applyBondedDisplayReturn", &there["id"], json!({ "applicationNumber": "C-2" })).await;
    let back = json!({ "inboundNumber": "CRK-2", "passNumber": "HF-2" });
    house.step("gateInBondedDisplay", &there["id"], back).await;
    assert_eq!(house.guarantee().await.0, 15 * 19_780);
    assert_eq!(house.stock().await, stock(&[("WANDA.BONDED", "BONDED", 15), ("ZONE", "BONDED", 5)]));
    house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_cleared_is_sold_from_the_back_room_once_its_taxes_are_paid() {
    let house = Store::new("2026-03-02T02:00:00Z", 20, "10000.00").await;
    let id = house.shown(20, "2026-06-01").await;
    let clear = |number: &str| with(&id, json!({ "quantity": 4, "declarationNumber": number }));
    assert_eq!(house.refused("clearBondedDisplay", clear("")).await, said("REQUIRED", "declarationNumber"));
    house.done("clearBondedDisplay", clear(DECLARATION)).await;
    let part = house.part(&id, "DECLARED").await;
    assert_eq!(house.stock().await, stock(&[("WANDA.BONDED", "BONDED", 20)]), "it is bonded until it is paid");
    let close = json!({ "partIds": [part["id"]], "verificationNumber": "QD" });
    let early = house.refused("closeBondedDisplay", close).await;
    assert_eq!(early, said("ILLEGAL_TRANSITION", "partIds"));
    house.pay(&[&part]).await;
    assert_eq!(house.guarantee().await.0, 16 * 19_780);
    house.close(&[&part]).await;
    assert_eq!(house.stock().await, stock(&[("WANDA", "DUTY_PAID", 4), ("WANDA.BONDED", "BONDED", 16)]));
    let history = "query($v: ID!) { stockHistory(variantId: $v, first: 1) { nodes { reason document quantity } } }";
    let last =
        house.owner().await.data(history, json!({ "v": house.variant })).await["stockHistory"]["nodes"][0].clone();
    assert_eq!(last, json!({ "reason": "CLEARANCE", "document": DECLARATION, "quantity": 4 }));
    house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_add_up_is_found() {
    let house = Store::new("2026-03-02T02:00:00Z", 20, "10000.00").await;
    house.shown(20, "2026-06-01").await;
    house.adds_up().await;
    let db = house.server.app.db().writer();
    for (wrong, right, expected) in [
        (
            "UPDATE display_guarantee SET used_minor = used_minor - 1",
            "UPDATE display_guarantee SET used_minor = used_minor + 1",
            "in use",
        ),
        (
            "UPDATE bonded_display_part SET quantity = quantity + 1 WHERE quantity > 0",
            "UPDATE bonded_display_part SET quantity = quantity - 1 WHERE quantity > 0",
            "as many pieces",
        ),
        (
            "UPDATE stock_balance SET on_hand = on_hand - 1 WHERE on_hand = 20",
            "UPDATE stock_balance SET on_hand = on_hand + 1 WHERE on_hand = 19",
            "other pieces",
        ),
        (
            "UPDATE stock_balance SET on_hand = on_hand + 1 WHERE on_hand = 20",
            "UPDATE stock_balance SET on_hand = on_hand - 1 WHERE on_hand = 21",
            "other pieces",
        ),
        (
            "UPDATE bonded_display_part SET state = 'closed' WHERE state = 'on_shelf'",
            "UPDATE bonded_display_part SET state = 'on_shelf' WHERE state = 'closed'",
            "under no document",
        ),
    ] {
        db.execute_unprepared(wrong).await.unwrap();
        let found = findings::findings(db).await.unwrap();
        assert!(found.iter().any(|finding| finding.what.contains(expected)), "{wrong} is not found: {found:?}");
        db.execute_unprepared(right).await.unwrap();
    }
    house.adds_up().await;
    let call = headquarters(&house.server, RUNS).await;
    let whose = organisation(&house.server, RUNS).await;
    let denied = guarantee::deposit(&house.server.app, &call, whose, 1, "LG-9").await.unwrap_err();
    assert!(matches!(denied, Error::Forbidden), "who applies puts nothing in");
}
