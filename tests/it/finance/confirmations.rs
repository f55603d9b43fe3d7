//! What debtors say: in a batch that holds, in time, once and for good.

use chrono::Duration;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{Desk, RECEIVABLE, asked, batch, confirming, imported, over, refusals, seen, yuan};
use crate::procurement::step;

#[tokio::test(flavor = "multi_thread")]
async fn a_debtor_confirms_a_batch_of_which_nothing_can_be_taken_back() {
    let desk = Desk::new().await;
    let (owner, seller) = (desk.owner().await, desk.supplier(0).await);
    let account = json!({
        "organisationId": desk.suppliers[0], "bank": "中国银行西宁分行", "holder": "河湟云毯织造有限公司",
        "number": "6216600100000012345", "currency": "CNY",
    });
    let account = seller.done("addBankAccount", "bankAccount { id }", account).await["bankAccount"]["id"].clone();
    let first = imported(&desk, "E-1", "100.00").await;
    let second = imported(&desk, "E-2", "200.00").await;
    let selection = format!("receivables {{ {RECEIVABLE} }}");
    let asking = json!({ "receivableIds": [first["id"], second["id"]], "accountId": account, "days": 10 });
    let rows = seller.done("requestConfirmation", &selection, asking.clone()).await["receivables"].clone();
    assert_eq!(
        seller.refused("requestConfirmation", asking).await,
        refusals(&[("ILLEGAL_TRANSITION", "items.0.id")]),
        "asked for twice"
    );
    let item = |row: &Value, amount: &str| json!({ "id": row["id"], "expectedVersion": row["version"], "amount": yuan(amount) });
    let said = |items: &[Value], sum: &str| over(batch(items, sum), json!({ "waiverOfDefences": false }));
    for (input, expected) in [
        (said(&[item(&rows[0], "100.00"), item(&rows[1], "150.00")], "300.00"), ("CONTROL_SUM_MISMATCH", "controlSum")),
        (said(&[item(&rows[0], "100.01"), item(&rows[1], "150.00")], "250.01"), ("OUT_OF_RANGE", "items.0.amount")),
        (said(&[item(&rows[0], "0.00"), item(&rows[1], "150.00")], "150.00"), ("OUT_OF_RANGE", "items.0.amount")),
        (said(&[item(&rows[0], "50.00"), item(&rows[0], "50.00")], "100.00"), ("DUPLICATE", "items.1.id")),
        (said(&[item(&first, "100.00")], "100.00"), ("STALE_VERSION", "items.0.expectedVersion")),
    ] {
        assert_eq!(owner.refused("confirmReceivables", input).await, refusals(&[expected]));
    }
    assert_eq!(seen(&desk, &owner, &rows[0]).await["confirmationStatus"], "REQUESTED", "a refused batch was taken");
    let sellers = seller.refused("confirmReceivables", said(&[item(&rows[0], "100.00")], "100.00")).await;
    assert_eq!(sellers, refusals(&[("NOT_FOUND", "id")]), "a seller confirms its own receivable");
    let input = said(&[item(&rows[0], "100.00"), item(&rows[1], "150.00")], "250.00");
    assert_eq!(desk.clerk().await.denied("confirmReceivables", input.clone()).await, "FORBIDDEN");
    let done = owner.done("confirmReceivables", &selection, input).await["receivables"].clone();
    assert_eq!(
        json!([
            done[0]["confirmationStatus"],
            done[0]["fundable"]["amount"],
            done[1]["confirmationStatus"],
            done[1]["fundable"]["amount"]
        ]),
        json!(["CONFIRMED", "100.00", "PARTIAL", "150.00"])
    );
    // Both see what was stated, and to which account is to be paid; its number nobody.
    let shown = "confirmations { result asked { amount } amount { amount } statement statementSha256 account { maskedNumber } }";
    for client in [&owner, &seller] {
        let one = desk.one(client, "receivable", &done[1]["id"], shown).await["confirmations"][0].clone();
        assert_eq!(
            json!([one["result"], one["asked"]["amount"], one["amount"]["amount"]]),
            json!(["PARTIAL", "200.00", "150.00"])
        );
        assert_eq!(one["account"]["maskedNumber"], "***************2345");
        let statement: Value = serde_json::from_str(one["statement"].as_str().unwrap()).unwrap();
        assert_eq!(
            json!([statement["amount"], statement["currency"], statement["invoiceNumber"]]),
            json!(["150.00", "CNY", "E-2"])
        );
        assert_eq!(statement["payTo"], "中国银行西宁分行 ***************2345");
    }
    for (client, mutation, input) in [
        (&owner, "rejectConfirmation", over(step(&done[0]), json!({ "reason": "x" }))),
        (&seller, "recallConfirmation", step(&done[0])),
    ] {
        assert_eq!(client.refused(mutation, input).await, refusals(&[("ILLEGAL_TRANSITION", "id")]), "{mutation}");
    }
    // A later dispute is noted, and what was confirmed stays so.
    let input = over(step(&done[0]), json!({ "reason": "moths" }));
    let selection = format!("receivable {{ {RECEIVABLE} }}");
    let late = owner.done("disputeReceivable", &selection, input).await["receivable"].clone();
    assert_eq!(
        json!([late["confirmationStatus"], late["disputed"], late["confirmed"]["amount"]]),
        json!(["CONFIRMED", true, "100.00"])
    );
    let input = over(step(&late), json!({ "outcome": "REJECTED", "note": "it was so" }));
    assert_eq!(owner.refused("settleReceivableDispute", input).await, refusals(&[("ILLEGAL_TRANSITION", "outcome")]));
    let input = over(step(&late), json!({ "outcome": "CONFIRMED", "note": "no moths" }));
    let late = owner.done("settleReceivableDispute", &selection, input).await["receivable"].clone();
    assert_eq!(
        json!([late["confirmationStatus"], late["disputed"], late["confirmed"]["amount"]]),
        json!(["CONFIRMED", false, "100.00"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_nobody_answers_runs_out_and_that_is_no_yes() {
    let desk = Desk::new().await;
    let row = asked(&desk, "F-1", "100.00").await;
    desk.wait(Duration::days(15));
    // Before the clock has seen it, too.
    let owner = desk.owner().await;
    assert_eq!(
        owner.refused("confirmReceivables", confirming(&row, "100.00")).await,
        refusals(&[("WINDOW_CLOSED", "items.0.id")])
    );
    assert_eq!(api::finance::jobs::sweep(desk.app(), desk.now()).await.unwrap(), 1);
    assert_eq!(api::finance::jobs::sweep(desk.app(), desk.now()).await.unwrap(), 0);
    let seller = desk.supplier(0).await;
    let row = seen(&desk, &seller, &row).await;
    assert_eq!(json!([row["confirmationStatus"], row["fundable"]["amount"]]), json!(["EXPIRED", "0.00"]));
    // Asked again, the debtor may say no; asked again after that, the seller may take it back.
    let selection = format!("receivables {{ {RECEIVABLE} }}");
    let asking = json!({ "receivableIds": [row["id"]], "days": 1 });
    let row = seller.done("requestConfirmation", &selection, asking.clone()).await["receivables"][0].clone();
    let input = over(step(&row), json!({ "reason": "paid in cash" }));
    let row =
        owner.done("rejectConfirmation", &format!("receivable {{ {RECEIVABLE} }}"), input).await["receivable"].clone();
    assert_eq!(row["confirmationStatus"], "REJECTED");
    let row = seller.done("requestConfirmation", &selection, asking).await["receivables"][0].clone();
    let row =
        seller.done("recallConfirmation", &format!("receivable {{ {RECEIVABLE} }}"), step(&row)).await["receivable"]
            .clone();
    assert_eq!(row["confirmationStatus"], "NONE");
    assert_eq!(seen(&desk, &owner, &row).await, Value::Null, "a debtor sees what it is not asked any more");
    let results = desk.one(&seller, "receivable", &row["id"], "confirmations { result }").await;
    assert_eq!(
        results["confirmations"],
        json!([{ "result": "RECALLED" }, { "result": "REJECTED" }, { "result": "EXPIRED" }])
    );
    for days in [0, 91] {
        let refused =
            seller.refused("requestConfirmation", json!({ "receivableIds": [row["id"]], "days": days })).await;
        assert_eq!(refused, refusals(&[("OUT_OF_RANGE", "days")]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_confirming_rejecting_disputing_and_recalling_at_once_one_is_taken() {
    let desk = Desk::new().await;
    let (owner, seller) = (desk.owner().await, desk.supplier(0).await);
    for n in 0..4 {
        let row = asked(&desk, &format!("G-{n}"), "100.00").await;
        let tries = [
            (&owner, "confirmReceivables", confirming(&row, "100.00"), "CONFIRMED"),
            (&owner, "rejectConfirmation", over(step(&row), json!({ "reason": "no" })), "REJECTED"),
            (&owner, "disputeReceivable", over(step(&row), json!({ "reason": "torn" })), "DISPUTED"),
            (&seller, "recallConfirmation", step(&row), "NONE"),
        ];
        let asked = tries.map(|(client, mutation, input, becomes)| {
            let client = client.clone();
            tokio::spawn(async move { (client.payload(mutation, "clientMutationId", input).await, becomes) })
        });
        let mut won = Vec::new();
        for answer in join_all(asked).await {
            let (answer, becomes) = answer.unwrap();
            match answer["userErrors"].as_array().unwrap().first() {
                None => won.push(becomes),
                Some(error) => {
                    let code = error["code"].as_str().unwrap();
                    assert!(["STALE_VERSION", "ILLEGAL_TRANSITION", "NOT_FOUND"].contains(&code), "{answer}");
                }
            }
        }
        assert_eq!(won.len(), 1, "{won:?}");
        assert_eq!(seen(&desk, &seller, &row).await["confirmationStatus"], won[0]);
    }
}
