//! What is written off, and whether all of it adds up.

use sea_orm::ConnectionTrait;

use super::{
    lent::{LOAN, asked as loan_asked},
    *,
};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_off_is_held_until_somebody_else_agrees() {
    let shop = Shop::new().await;
    let (saleable, bonded) = (shop.stocked("SALEABLE", 10).await, shop.stocked("BONDED_DISPLAY", 2).await);
    let back = shop.place("SALEABLE").await;
    let asked = |balance: &Value, quantity: i64, reason: &str| {
        json!({ "showroomId": shop.id, "reason": reason,
        "photoSha256": "ab".repeat(32), "lines": [{ "balanceId": balance, "quantity": quantity }] })
    };
    let with = |field: &str, value: Value| {
        let mut input = asked(&saleable, 1, "DAMAGED");
        input[field] = value;
        input
    };
    for (wrong, expected) in [
        (asked(&bonded, 1, "STOLEN"), ("NOT_RELEASED", "lines.0.balanceId")),
        (asked(&saleable, 1, "SAMPLE_USED_UP"), ("INVALID_VALUE", "lines.0.balanceId")),
        (asked(&saleable, 1, "OTHER"), ("REQUIRED", "note")),
        (asked(&saleable, 11, "DAMAGED"), ("OUT_OF_STOCK", "lines.0.quantity")),
        (asked(&saleable, 0, "DAMAGED"), ("OUT_OF_RANGE", "lines.0.quantity")),
        (with("photoSha256", json!("AB")), ("INVALID_VALUE", "photoSha256")),
        (with("lines", json!([])), ("REQUIRED", "lines")),
    ] {
        let refused = shop.staff.refused("requestShowroomWriteOff", wrong.clone()).await;
        assert_eq!(refused, refusals(&[expected]), "{wrong}");
    }
    let request = async |client: &Client, quantity: i64| {
        let made = client
            .done("requestShowroomWriteOff", "writeOff { id state }", asked(&saleable, quantity, "EXPIRED"))
            .await;
        assert_eq!(made["writeOff"]["state"], "REQUESTED");
        made["writeOff"]["id"].clone()
    };
    let decision = |id: &Value, what: &str| json!({ "id": id, "decision": what });
    let state = "writeOff { state decidedBy }";
    let id = request(&shop.staff, 3).await;
    assert_eq!(shop.lies(&back).await["available"], 7, "what is asked for is not held");
    shop.adds_up().await;
    let approve = decision(&id, "APPROVE");
    assert_eq!(shop.staff.denied("decideShowroomWriteOff", approve.clone()).await, "FORBIDDEN");
    shop.manager.done("decideShowroomWriteOff", state, approve.clone()).await;
    assert_eq!(shop.on_hand().await, there(&[("WANDA", 7), ("WANDA.BONDED", 2)]));
    let again = shop.owner.refused("decideShowroomWriteOff", approve).await;
    assert_eq!(again, refusals(&[("ILLEGAL_TRANSITION", "id")]));
    let query = "query($v: ID!) { stockHistory(variantId: $v, first: 1) { nodes { reason quantity to { kind } } } }";
    let told = shop.owner.data(query, json!({ "v": shop.variant })).await["stockHistory"]["nodes"][0].clone();
    assert_eq!(told, json!({ "reason": "WRITE_OFF", "quantity": 3, "to": { "kind": "LOSS" } }));
    shop.adds_up().await;

    // Whoever asked does not decide, also when it runs the showroom; nor does it write off by its own hand.
    let own = request(&shop.manager, 2).await;
    for what in ["APPROVE", "DECLINE"] {
        let refused = shop.manager.refused("decideShowroomWriteOff", decision(&own, what)).await;
        assert_eq!(refused, refusals(&[("MAKER_CHECKER", "id")]));
    }
    let by_hand = json!({ "document": "x", "lines": [{ "balanceId": saleable, "quantity": 1 }] });
    let refused = shop.manager.refused("writeOffStock", by_hand).await;
    assert_eq!(refused, refusals(&[("MAKER_CHECKER", "lines.0.balanceId")]));
    let declined = shop.owner.done("decideShowroomWriteOff", state, decision(&own, "DECLINE")).await;
    assert_eq!(declined["writeOff"]["state"], "DECLINED");
    let taken_back = request(&shop.staff, 2).await;
    let (_, stranger) = shop.another().await;
    let seen = "query($id: ID!) { showroomWriteOff(id: $id) { id } showroomWriteOffs { nodes { id } } }";
    let nothing = stranger.data(seen, json!({ "id": taken_back })).await;
    assert_eq!(nothing, json!({ "showroomWriteOff": null, "showroomWriteOffs": { "nodes": [] } }));
    let foreign = stranger.refused("withdrawShowroomWriteOff", json!({ "id": taken_back })).await;
    assert_eq!(foreign, refusals(&[("NOT_FOUND", "id")]));
    assert_eq!(shop.server.consumer(2).await.error(seen, json!({ "id": taken_back })).await, "FORBIDDEN");
    shop.staff.done("withdrawShowroomWriteOff", state, json!({ "id": taken_back })).await;
    assert_eq!(shop.lies(&back).await["available"], 7);
    shop.adds_up().await;

    // Agreed to and taken back at once: one of it.
    for _ in 0..4 {
        let id = request(&shop.staff, 1).await;
        let (agreed, withdrawn) = futures_util::future::join(
            shop.manager.payload("decideShowroomWriteOff", state, decision(&id, "APPROVE")),
            shop.staff.payload("withdrawShowroomWriteOff", state, json!({ "id": id })),
        )
        .await;
        let done = [agreed, withdrawn].iter().filter(|payload| payload["userErrors"] == json!([])).count();
        assert_eq!(done, 1);
        shop.adds_up().await;
    }
    let query = "query($s: ID!) { showroomWriteOffs(showroomId: $s, state: DECLINED) { nodes { id lines { nodes { unitClass quantity } } } } }";
    let found = shop.staff.data(query, json!({ "s": shop.id })).await["showroomWriteOffs"]["nodes"].clone();
    assert_eq!(found, json!([{ "id": own, "lines": { "nodes": [{ "unitClass": "SALEABLE", "quantity": 2 }] } }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_add_up_in_a_showroom_is_found() {
    let shop = Shop::new().await;
    let (sample, saleable) = (shop.stocked("SAMPLE", 8).await, shop.stocked("SALEABLE", 5).await);
    let request =
        async || shop.staff.done("requestSampleLoan", LOAN, loan_asked(&shop, &sample)).await["loan"]["id"].clone();
    let lent = request().await;
    shop.manager.done("lendSamples", LOAN, json!({ "id": lent })).await;
    request().await;
    let off = json!({ "showroomId": shop.id, "reason": "STOLEN", "lines": [{ "balanceId": saleable, "quantity": 2 }] });
    shop.staff.done("requestShowroomWriteOff", "writeOff { id }", off).await;
    shop.adds_up().await;
    let db = shop.server.app.db().writer();
    for (wrong, right, expected) in [
        (
            "UPDATE showroom_write_off_line SET quantity = quantity + 1",
            "UPDATE showroom_write_off_line SET quantity = quantity - 1",
            "a write-off does not hold",
        ),
        (
            "UPDATE showroom_write_off SET state = 'declined'",
            "UPDATE showroom_write_off SET state = 'requested'",
            "a write-off does not hold",
        ),
        (
            "UPDATE sample_loan_line SET quantity = quantity + 1",
            "UPDATE sample_loan_line SET quantity = quantity - 1",
            "what is on loan",
        ),
        (
            "UPDATE sample_loan SET state = 'requested' WHERE state = 'lent'",
            "UPDATE sample_loan SET state = 'lent' WHERE lent_at IS NOT NULL",
            "a loan does not hold",
        ),
        ("UPDATE sample_loan_line SET good = 1", "UPDATE sample_loan_line SET good = 0", "a line of a loan"),
        (
            "UPDATE sample_loan SET back_minor = 1 WHERE state = 'lent'",
            "UPDATE sample_loan SET back_minor = 0",
            "of a deposit",
        ),
    ] {
        db.execute_unprepared(wrong).await.unwrap();
        let found = sums::findings(db).await.unwrap();
        assert!(found.iter().any(|finding| finding.what.starts_with(expected)), "{wrong} is not found: {found:?}");
        db.execute_unprepared(right).await.unwrap();
    }
    shop.adds_up().await;
}
