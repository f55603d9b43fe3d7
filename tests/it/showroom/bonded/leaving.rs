//! How pieces of bonded displays leave a showroom other than by being sold.

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
            "fewer pieces",
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
