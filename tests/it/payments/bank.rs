//! Money that comes by bank transfer.

use api::platform::payment::NextStep;
use entities::payments::{PaymentState, ProviderKind, payment};
use serde_json::{Value, json};

use super::{Ask, Till, cny, encode, opened, ops};

const SELECTION: &str = "receipts { id state paymentId bankReference remittanceText }";

async fn transfer(till: &Till, document: &str, minor: i64) -> payment::Model {
    let row = opened(till.app(), document, ProviderKind::Bank, cny(minor)).await;
    let (row, next) = ops::start(till.app(), row.id, &Ask::default()).await.unwrap();
    let NextStep::BankTransfer { remittance_reference, account_number, .. } = next else { panic!("no transfer") };
    assert_eq!((remittance_reference, account_number.as_str()), (row.number.clone(), "105012345678"));
    row
}

fn line(reference: &str, amount: &str, text: &str) -> Value {
    json!({
        "bankReference": reference, "amount": { "amount": amount, "currency": "CNY" },
        "receivedOn": "2026-03-01", "remittanceText": text,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_exact_amount_under_its_reference_pays_and_each_receipt_counts_once() {
    let till = Till::new().await;
    let operator = till.server.operator().await;
    let (exact, short, over) = (
        transfer(&till, "exact", 1_234_500).await,
        transfer(&till, "short", 50_000).await,
        transfer(&till, "over", 10_000).await,
    );
    let spaced = format!("货款 {} {}", &exact.number[..9].to_lowercase(), &exact.number[9..]);
    let mut dollars = line("B-5", "500.00", &short.number);
    dollars["amount"]["currency"] = json!("USD");
    let rows = json!([
        line("B-1", "12345.00", &spaced),
        line("B-2", "499.99", &short.number),
        line("B-3", "100.01", &over.number),
        line("B-4", "88", "谢谢"),
        dollars,
        line("B-6", "500.00", &format!("{} {}", short.number, over.number)),
    ]);
    let taken = operator.done("reportBankReceipts", SELECTION, json!({ "rows": rows })).await["receipts"].clone();
    let states: Vec<_> = taken.as_array().unwrap().iter().map(|row| row["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["MATCHED", "SHORT", "OVER", "UNMATCHED", "UNMATCHED", "UNMATCHED"]);
    assert_eq!(taken[0]["remittanceText"], spaced);
    assert_eq!(till.row(exact.id).await.state, PaymentState::Captured);
    for row in [&short, &over] {
        assert_eq!(till.row(row.id).await.state, PaymentState::Waiting, "{} is paid with a wrong amount", row.document);
    }
    // The statement once more, with another transfer for what is paid.
    let again = json!({ "rows": [line("B-1", "12345.00", &exact.number), line("B-7", "12345.00", &exact.number)] });
    let again = operator.done("reportBankReceipts", SELECTION, again).await["receipts"].clone();
    assert_eq!(
        (&again[0]["id"], &again[0]["state"], &again[1]["state"]),
        (&taken[0]["id"], &json!("MATCHED"), &json!("OVER"))
    );
    assert_eq!(till.legs(&format!("captured:{}", exact.id)).await, 2);
    let other = json!({ "rows": [line("B-4", "88", ""), line("B-1", "1.00", &exact.number)] });
    let refused = operator.refused("reportBankReceipts", other).await;
    assert_eq!(refused, [("ALREADY_TAKEN".into(), "rows.1.bankReference".into())]);
    let listed = operator.data("{ bankReceipts(state: UNMATCHED) { nodes { bankReference } } }", json!({})).await;
    assert_eq!(listed["bankReceipts"]["nodes"].as_array().unwrap().len(), 3);
    till.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_matches_two_halves_and_nothing_that_does_not_add_up() {
    let till = Till::new().await;
    let operator = till.server.operator().await;
    let row = transfer(&till, "halves", 100_000).await;
    let rows = json!([line("H-1", "600.00", &row.number), line("H-2", "400.00", "second half"), line("H-3", "1", "")]);
    let taken = operator.done("reportBankReceipts", SELECTION, json!({ "rows": rows })).await["receipts"].clone();
    let id = |n: usize| taken[n]["id"].clone();
    let payment = encode(row.id).0;
    let ask = |ids: &[Value]| json!({ "paymentId": payment, "receiptIds": ids });
    for ids in [&[id(0)][..], &[id(0), id(1), id(2)], &[id(0), id(0)]] {
        let refused = operator.refused("matchBankReceipts", ask(ids)).await;
        assert_eq!(refused, [("AMOUNT_MISMATCH".into(), "receiptIds".into())]);
    }
    assert_eq!(till.row(row.id).await.state, PaymentState::Waiting);
    let paid = operator.done("matchBankReceipts", "payment { state captured { amount } }", ask(&[id(0), id(1)])).await;
    assert_eq!(paid["payment"], json!({ "state": "CAPTURED", "captured": { "amount": "1000.00" } }));
    let refused = operator.refused("matchBankReceipts", ask(&[id(0), id(1)])).await;
    assert_eq!(refused, [("ILLEGAL_TRANSITION".into(), "receiptIds".into())]);
    till.adds_up().await;

    // A person gives it back, and says so.
    let amount = json!({ "amount": "250.00", "currency": "CNY" });
    let ask = json!({ "paymentId": payment, "amount": amount, "reason": "returned" });
    let refund = operator.done("refundPayment", "refund { id state }", ask).await["refund"]["id"].clone();
    till.worked().await;
    till.adds_up().await;
    let query = "query($p: ID!) { refunds(paymentId: $p) { nodes { state amount { amount } } } }";
    let listed = operator.data(query, json!({ "p": payment })).await["refunds"]["nodes"].clone();
    assert_eq!(listed, json!([{ "state": "PENDING", "amount": { "amount": "250.00" } }]));
    let done = json!({ "id": refund, "bankReference": "OUT-1" });
    let done = operator.done("reportRefundPaid", "refund { state }", done.clone()).await;
    assert_eq!(done["refund"]["state"], "SUCCEEDED");
    let again = operator.refused("reportRefundPaid", json!({ "id": refund, "bankReference": "OUT-2" })).await;
    assert_eq!(again, [("ILLEGAL_TRANSITION".into(), "id".into())]);
    till.adds_up().await;
}
