//! Giving back, commission, payouts.

use chrono::Duration;
use entities::payments::{Method, PaymentState, ProviderKind, RefundState};
use sea_orm::ConnectionTrait;
use serde_json::json;

use super::{Ask, Charge, ErrorCode, Till, cny, code, ledger, ops, share};
use crate::support::{OPERATOR, OTHER_SELLER, SELLER};

#[tokio::test(flavor = "multi_thread")]
async fn money_goes_back_once_and_what_the_provider_refuses_can_be_given_back_otherwise() {
    let till = Till::new().await;
    let (good, bad, slow) =
        (till.paid("good", 10_000).await, till.paid("bad", 10_006).await, till.paid("slow", 10_009).await);
    let refund = till.asked_back(good.id, 4_000, "a").await.unwrap();
    assert_eq!(till.asked_back(good.id, 4_000, "a").await.unwrap().id, refund.id, "the same refund twice");
    assert_eq!(code(&till.asked_back(good.id, 4_001, "a").await.unwrap_err()), Some(ErrorCode::IdempotencyKeyReused));
    assert_eq!(code(&till.asked_back(good.id, 6_001, "b").await.unwrap_err()), Some(ErrorCode::OverRefund));
    till.adds_up().await;
    let (refused, waits) =
        (till.asked_back(bad.id, 10_006, "a").await.unwrap(), till.asked_back(slow.id, 9, "a").await.unwrap());
    till.worked().await;
    assert_eq!(till.refund(&refund).await.state, RefundState::Succeeded);
    let refused = till.refund(&refused).await;
    assert_eq!((refused.state, refused.failure.is_some()), (RefundState::Failed, true));
    assert_eq!(till.row(bad.id).await.refunded_minor, 0, "what did not go back is gone");
    assert_eq!(till.refund(&waits).await.state, RefundState::Pending);
    till.adds_up().await;
    till.server.wait(chrono::Duration::minutes(6));
    till.worked().await;
    assert_eq!(till.refund(&waits).await.state, RefundState::Succeeded);
    till.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_is_only_held_is_taken_when_asked_for_once_or_let_go() {
    let till = Till::new().await;
    let app = till.app();
    let mut held = Vec::new();
    for document in ["taken", "let-go"] {
        let now = app.clock().now();
        let charge = Charge {
            document,
            payer: "person:1",
            amount: cny(10_000),
            provider: ProviderKind::Sandbox,
            method: Method::Sandbox,
            expires_at: now + Duration::minutes(30),
            key: "1",
            at_once: false,
        };
        let tx = app.db().begin().await.unwrap();
        let row = ops::open(&tx, now, &charge).await.unwrap();
        tx.commit().await.unwrap();
        let (row, _) = ops::start(app, row.id, &Ask::default()).await.unwrap();
        till.press(&row, "pay").await;
        let row = ops::look(app, row.id).await.unwrap();
        assert_eq!((row.state, row.captured_minor), (PaymentState::Authorised, 0));
        assert_eq!(till.settled(document).await, 1, "nobody is told that the money is held");
        held.push(row.id);
    }
    till.worked().await;
    till.adds_up().await;
    for _ in 0..3 {
        let tx = app.db().begin().await.unwrap();
        ops::capture(&tx, app.clock().now(), held[0]).await.unwrap();
        tx.commit().await.unwrap();
    }
    till.worked().await;
    let taken = till.row(held[0]).await;
    assert_eq!((taken.state, taken.captured_minor), (PaymentState::Captured, 10_000));
    for what in ["authorised", "released", "captured"] {
        assert_eq!(till.legs(&format!("{what}:{}", taken.id)).await, 2, "{what} is not booked once");
    }
    till.adds_up().await;
    // Nobody took the other, and its time is up.
    till.server.wait(Duration::minutes(31));
    ops::look_after(app, app.clock().now()).await.unwrap();
    till.worked().await;
    let gone = till.row(held[1]).await;
    assert_eq!((gone.state, gone.captured_minor), (PaymentState::Cancelled, 0));
    assert_eq!(till.legs(&format!("released:{}", gone.id)).await, 2, "what was let go is still held in the books");
    assert_eq!(till.legs(&format!("captured:{}", gone.id)).await, 0);
    till.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_allotted_is_not_given_back_before_it_is_taken_back() {
    let till = Till::new().await;
    let (one, two) = (till.seller(SELLER).await, till.seller(OTHER_SELLER).await);
    let row = till.paid("split", 20_000).await;
    let shares = [share(one, "o-1", 10_000, 500, 1_000), share(two, "o-2", 9_000, 0, 0)];
    till.allotted(&row, &shares).await.unwrap();
    till.allotted(&row, &shares).await.unwrap();
    assert_eq!(till.row(row.id).await.allotted_minor, 20_000, "allotted twice");
    till.adds_up().await;
    assert!(till.allotted(&row, &[share(one, "o-3", 1, 0, 0)]).await.is_err(), "more is allotted than came");
    assert_eq!(code(&till.asked_back(row.id, 1, "x").await.unwrap_err()), Some(ErrorCode::OverRefund));
    let due = ledger::balances(till.app().db().writer(), one).await.unwrap();
    assert_eq!(due.iter().map(|money| money.minor).collect::<Vec<_>>(), [9_500]);
    for _ in 0..2 {
        let tx = till.app().db().begin().await.unwrap();
        let now = till.app().clock().now();
        ledger::un_allot(&tx, now, "split", row.id, &shares[0], "o-1 cancelled").await.unwrap();
        tx.commit().await.unwrap();
    }
    assert_eq!(till.row(row.id).await.allotted_minor, 9_000, "taken back twice");
    till.asked_back(row.id, 11_000, "o-1").await.unwrap();
    till.worked().await;
    assert_eq!(ledger::balances(till.app().db().writer(), one).await.unwrap()[0].minor, 0);
    till.adds_up().await;
    // Its seller reads it, another does not.
    let owner = till.server.seller(OTHER_SELLER).await;
    let read = owner.data("{ sellerBalances { due { amount currency } } ledgerEntries { nodes { account amount { amount } document } } }", json!({})).await;
    assert_eq!(read["sellerBalances"], json!([{ "due": { "amount": "90.00", "currency": "CNY" } }]));
    assert_eq!(
        read["ledgerEntries"]["nodes"],
        json!([{ "account": "SELLER_DUE", "amount": { "amount": "-90.00" }, "document": "split" }])
    );
    let query = "query($o: ID!) { sellerBalances(organisationId: $o) { due { amount } } }";
    let other = till.server.organisation(SELLER).await;
    assert_eq!(owner.error(query, json!({ "o": other })).await, "FORBIDDEN");
    // What is written stays, whoever writes SQL.
    let db = till.app().db().writer();
    for statement in [
        "UPDATE ledger_entry SET amount_minor = 1",
        "DELETE FROM ledger_entry",
        "UPDATE payment SET refunded_minor = captured_minor + 1",
    ] {
        assert!(db.execute_unprepared(statement).await.is_err(), "{statement}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_is_made_by_one_reported_by_another_and_nothing_is_in_two() {
    let till = Till::new().await;
    let (one, two) = (till.seller(SELLER).await, till.seller(OTHER_SELLER).await);
    let row = till.paid("sold", 30_000).await;
    till.allotted(&row, &[share(one, "o-1", 20_000, 1_000, 0), share(two, "o-2", 10_000, 0, 0)]).await.unwrap();
    let (maker, checker) = (till.server.operator().await, till.server.member("operator", OPERATOR).await);
    let ask = json!({ "currency": "CNY" });
    assert_eq!(maker.refused("createPayout", ask.clone()).await, [("NOTHING_DUE".into(), "currency".into())]);
    let owner = till.server.seller(SELLER).await;
    let account = json!({ "bank": "青海银行", "holder": "=河湟", "number": "6222000033334444", "currency": "CNY" });
    let account = owner.done("addBankAccount", "bankAccount { id }", account).await["bankAccount"]["id"].clone();
    let batch = maker.done("createPayout", "payout { id total { amount } state }", ask.clone()).await["payout"].clone();
    assert_eq!((&batch["total"]["amount"], &batch["state"]), (&json!("190.00"), &json!("DRAFT")));
    assert_eq!(maker.refused("createPayout", ask.clone()).await, [("NOTHING_DUE".into(), "currency".into())]);
    till.adds_up().await;
    let paid = json!({ "id": batch["id"], "bankReference": "P-1" });
    assert_eq!(checker.refused("reportPayoutPaid", paid.clone()).await, [("ILLEGAL_TRANSITION".into(), "id".into())]);
    let exported = maker.done("exportPayout", "exported { csv payout { state } }", json!({ "id": batch["id"] })).await;
    let csv = exported["exported"]["csv"].as_str().unwrap();
    assert!(csv.contains("6222000033334444") && csv.contains("190.00") && csv.contains("'=河湟"), "{csv}");
    let trail = "query($n: ID!) { auditTrail(nodeId: $n) { nodes { action } } }";
    let trail = owner.data(trail, json!({ "n": account })).await["auditTrail"]["nodes"].to_string();
    assert!(trail.contains("exportPayout"), "an account was read in clear and its owner does not know: {trail}");
    assert_eq!(maker.refused("reportPayoutPaid", paid.clone()).await, [("MAKER_CHECKER".into(), "id".into())]);
    let done = checker.done("reportPayoutPaid", "payout { state bankReference }", paid).await;
    assert_eq!(done["payout"], json!({ "state": "PAID", "bankReference": "P-1" }));
    let query =
        "query($p: ID!) { payoutLines(payoutId: $p) { nodes { seller { slug } amount { amount } maskedNumber } } }";
    let lines = checker.data(query, json!({ "p": batch["id"] })).await["payoutLines"]["nodes"].clone();
    let expected =
        json!([{ "seller": { "slug": SELLER }, "amount": { "amount": "190.00" }, "maskedNumber": "************4444" }]);
    assert_eq!(lines, expected);
    assert_eq!(
        maker.refused("cancelPayout", json!({ "id": batch["id"] })).await,
        [("ILLEGAL_TRANSITION".into(), "id".into())]
    );
    till.adds_up().await;
    // A batch that is given up is owed again.
    let more = till.paid("sold more", 5_000).await;
    till.allotted(&more, &[share(one, "o-3", 5_000, 0, 0)]).await.unwrap();
    let batch = maker.done("createPayout", "payout { id }", ask.clone()).await["payout"]["id"].clone();
    maker.done("cancelPayout", "", json!({ "id": batch })).await;
    let again = maker.done("createPayout", "payout { total { amount } }", ask).await;
    assert_eq!(again["payout"]["total"]["amount"], "50.00");
    till.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commission_rules_are_set_as_a_whole_and_a_lost_race_is_told() {
    let till = Till::new().await;
    let operator = till.server.operator().await;
    let seller = till.server.organisation(SELLER).await;
    let rules = json!([
        { "sellerId": seller, "ppm": 10_000 },
        { "ppm": 50_000, "fixed": { "amount": "0.30", "currency": "CNY" }, "supplyMode": "DOMESTIC" },
    ]);
    let input = json!({ "expectedVersion": 0, "rules": rules });
    let selection = "rules { listVersion position ppm seller { slug } fixed { amount } currency }";
    let set = operator.done("setCommissionRules", selection, input.clone()).await["rules"].clone();
    let first = json!({ "listVersion": 1, "position": 0, "ppm": 10_000, "seller": { "slug": SELLER }, "fixed": null, "currency": null });
    assert_eq!((&set[0], &set[1]["fixed"]["amount"], &set[1]["currency"]), (&first, &json!("0.30"), &json!("CNY")));
    let refused = operator.refused("setCommissionRules", input).await;
    assert_eq!(refused, [("STALE_VERSION".into(), "expectedVersion".into())]);
    for (rule, expected) in [
        (json!({ "ppm": 1_000_001 }), ("OUT_OF_RANGE", "rules.0.ppm")),
        (json!({ "ppm": 1, "currency": "XAU" }), ("INVALID_CURRENCY", "rules.0.currency")),
        (
            json!({ "ppm": 1, "sellerId": till.server.organisation(OPERATOR).await, "categoryId": seller }),
            ("NOT_FOUND", "rules.0.categoryId"),
        ),
        (json!({ "ppm": 1, "validFrom": "2026-03-02", "validTo": "2026-03-02" }), ("INVALID_VALUE", "rules.0.validTo")),
    ] {
        let input = json!({ "expectedVersion": 1, "rules": [rule] });
        let expected = (expected.0.to_owned(), expected.1.to_owned());
        assert_eq!(operator.refused("setCommissionRules", input).await, [expected]);
    }
    let listed = operator.data("{ commissionRules { nodes { ppm } } }", json!({})).await;
    assert_eq!(listed["commissionRules"]["nodes"], json!([{ "ppm": 10_000 }, { "ppm": 50_000 }]));
}
