//! What is written off, cleared, or comes back.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn bonded_goods_are_written_off_with_a_permit_and_cleared_with_a_release() {
    let house = House::new().await;
    let (zone, back) =
        (house.location("ZONE", "BONDED_WAREHOUSE").await, house.location("BACK", "DUTY_PAID_WAREHOUSE").await);
    let bonded = json!({ "variantId": house.variant, "quantity": 10, "customsStatus": "BONDED" });
    house.receive(&zone, json!([bonded])).await;
    house.receive(&back, json!([house.line(5, "", None)])).await;
    let at = async |code: &str| house.stock().await.into_iter().find(|row| row["location"]["code"] == code).unwrap();
    let (there, here) = (at("ZONE").await["id"].clone(), at("BACK").await["id"].clone());
    let off = |balance: &Value, permit: Value| json!({ "document": "D-1", "permitNumber": permit, "lines": [{ "balanceId": balance, "quantity": 2 }] });
    let silent = house.owner.refused("writeOffStock", off(&there, Value::Null)).await;
    assert_eq!(silent, [("REQUIRED".into(), "permitNumber".into())]);
    let moves = "moves { reason document to { kind } toStatus }";
    let written = house.owner.done("writeOffStock", moves, off(&there, json!("P-7"))).await["moves"][0].clone();
    assert_eq!((&written["reason"], &written["document"]), (&json!("WRITE_OFF"), &json!("P-7")));
    let written = house.owner.done("writeOffStock", moves, off(&here, Value::Null)).await["moves"][0].clone();
    assert_eq!((&written["document"], &written["to"]["kind"]), (&json!("D-1"), &json!("LOSS")));
    let clear = |balance: &Value, to: &Value| json!({ "releaseNumber": "R-1", "lines": [{ "balanceId": balance, "toId": to, "quantity": 3 }] });
    let paid = house.owner.refused("clearStock", clear(&here, &back)).await;
    assert_eq!(paid, [("ILLEGAL_TRANSITION".into(), "lines.0.balanceId".into())]);
    let wrong = house.owner.refused("clearStock", clear(&there, &zone)).await;
    assert_eq!(wrong, [("WRONG_CUSTOMS_STATUS".into(), "lines.0".into())]);
    let cleared = house.owner.done("clearStock", moves, clear(&there, &back)).await["moves"][0].clone();
    assert_eq!((&cleared["reason"], &cleared["toStatus"]), (&json!("CLEARANCE"), &json!("DUTY_PAID")));
    assert_eq!((at("ZONE").await["onHand"].clone(), at("BACK").await["onHand"].clone()), (json!(5), json!(6)));
    house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_comes_back_than_went_however_many_take_it_in() {
    let house = House::new().await;
    let back = house.location("BACK", "DUTY_PAID_WAREHOUSE").await;
    house.receive(&back, json!([house.line(4, "A", Some("2027-01-01")), house.line(6, "B", None)])).await;
    let (shelf, customer, app) = (house.shelf().await, house.customer().await, &house.server.app);
    let now = app.clock().now();
    let tx = app.db().begin().await.unwrap();
    let purpose =
        Purpose { kind: ReservationKind::Order, document: "O-1", key: "O-1", until: now + Duration::minutes(1) };
    promises::hold_all(&tx, now, &[shelf.wanted(7)], purpose).await.unwrap();
    promises::confirm_all(&tx, now, "O-1").await.unwrap();
    promises::consume_all(&tx, By { actor: "test", at: now }, "O-1", customer).await.unwrap();
    tx.commit().await.unwrap();
    let input = |quantity: i64, lot: Value| {
        let line =
            json!({ "variantId": house.variant, "lot": lot, "customsStatus": "DUTY_PAID", "quantity": quantity });
        json!({ "document": "O-1", "locationId": back, "lines": [line] })
    };
    let over = ("OUT_OF_RANGE".to_owned(), "lines.0.quantity".to_owned());
    for (quantity, lot) in [(8, Value::Null), (5, json!("A")), (4, json!("B"))] {
        let refused = house.owner.refused("returnStock", input(quantity, lot.clone())).await;
        assert_eq!(refused, std::slice::from_ref(&over), "{lot}");
    }
    let mut unknown = input(1, Value::Null);
    unknown["document"] = json!("O-2");
    assert_eq!(house.owner.refused("returnStock", unknown).await, std::slice::from_ref(&over));
    // Five of seven, of both lots; of those who take in three more at once nobody may.
    let moves =
        house.owner.done("returnStock", "moves { id quantity reason lot { code } }", input(5, Value::Null)).await;
    assert_eq!(moves["moves"].as_array().unwrap().len(), 2);
    let tries = futures_util::future::join_all(
        (0..6).map(|_| house.owner.payload("returnStock", "moves { id }", input(1, Value::Null))),
    );
    let done = tries.await.iter().filter(|payload| payload["userErrors"] == json!([])).count();
    assert_eq!(done, 2, "more came back than went");
    // Taken in by mistake: it may come back again.
    let mistake = json!({ "id": moves["moves"][0]["id"], "document": "oops" });
    house.owner.done("reverseStockMove", "reversal { id }", mistake).await;
    let quantity = moves["moves"][0]["quantity"].as_i64().unwrap();
    house.owner.done("returnStock", "moves { id }", input(quantity, Value::Null)).await;
    assert_eq!(house.owner.refused("returnStock", input(1, Value::Null)).await, [over]);
    let on_hand: i64 = house.stock().await.iter().map(|row| row["onHand"].as_i64().unwrap()).sum();
    assert_eq!(on_hand, 10);
    house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_balance_passes_what_a_number_of_the_schema_can_show() {
    let house = House::new().await;
    let back = house.location("BACK", "DUTY_PAID_WAREHOUSE").await;
    house.receive(&back, json!([house.line(1_000_000_000, "", None), house.line(1_000_000_000, "", None)])).await;
    let more = json!({ "locationId": back, "document": "WB", "lines": [house.line(147_483_648, "", None)] });
    assert_eq!(house.owner.refused("receiveStock", more).await, [("OUT_OF_RANGE".into(), "lines.0.quantity".into())]);
    house.receive(&back, json!([house.line(147_483_647, "", None)])).await;
    assert_eq!(house.stock().await[0]["onHand"], 2_147_483_647_i64);
    house.adds_up().await;
}
