//! However customs refuses, it ends in a state that has a name, and somebody can go on from there.

use serde_json::{Value, json};

use super::{Border, last, paper};

/// What a mark of the simulator leads to: the state of the declaration, and of which paper; and what it is after it was sent
/// again.
const PATHS: &[(&str, &str, &str)] = &[
    ("release", "RELEASED", "RELEASED"),
    ("reviewed", "RELEASED", "RELEASED"),
    ("manual", "RELEASED", "RELEASED"),
    ("inspect", "RELEASED", "RELEASED"),
    ("suspend", "RELEASED", "RELEASED"),
    ("only-release", "RELEASED", "RELEASED"),
    ("close", "CLOSED", "CLOSED"),
    ("shuffle", "RELEASED", "RELEASED"),
    ("thrice", "RELEASED", "RELEASED"),
    ("unknown", "RELEASED", "RELEASED"),
    ("tax-void", "RELEASED", "RELEASED"),
    ("no-end", "HELD", "HELD"),
    ("detain-501", "DETAINED", "DETAINED"),
    ("detain-502", "DETAINED", "DETAINED"),
    ("detain-503", "DETAINED", "DETAINED"),
    ("detain-599", "DETAINED", "DETAINED"),
    ("return-abroad", "RETURNED_ABROAD", "RETURNED_ABROAD"),
    ("reject-id", "REJECTED", "RELEASED"),
    ("reject-annual", "REJECTED", "RELEASED"),
    ("reject-lines", "REJECTED", "RELEASED"),
    ("reject-payer", "REJECTED", "RELEASED"),
    ("reject-late", "REJECTED", "RELEASED"),
    ("port-fails", "FAILED", "RELEASED"),
    ("over-single", "FAILED", "RELEASED"),
    ("over-annual", "FAILED", "RELEASED"),
    ("quota-query", "FAILED", "RELEASED"),
    ("quota-count", "FAILED", "RELEASED"),
    ("bad-signature", "FAILED", "RELEASED"),
    ("duplicate", "FAILED", "RELEASED"),
    ("format", "FAILED", "RELEASED"),
    ("silent", "DECLARING", "RELEASED"),
    ("order-rejected", "REJECTED", "RELEASED"),
    ("order-fails", "REJECTED", "RELEASED"),
    ("payment-rejected", "REJECTED", "RELEASED"),
    ("payment-fails", "REJECTED", "RELEASED"),
    ("waybill-rejected", "REJECTED", "RELEASED"),
    ("waybill-fails", "REJECTED", "RELEASED"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_way_that_customs_goes_ends_where_somebody_can_go_on() {
    let border = Border::new().await;
    let buyer = border.market.identified(1).await;
    for (mark, state, after) in PATHS {
        let order = border.declared(&buyer, 1, mark).await;
        let seen = border.order(&buyer, &order).await;
        let declaration = &seen["declaration"];
        assert_eq!(declaration["state"], *state, "{mark}: {declaration:#}");
        let over = *state == "RETURNED_ABROAD";
        assert!(over || !declaration["nextActions"].as_array().unwrap().is_empty(), "{mark} leaves a person alone");
        if over {
            assert_eq!(seen["state"], "CANCELLED", "goods that go back abroad are still owed");
        }
        if state != after {
            let push = json!({ "id": declaration["id"] });
            border.seller().await.done("pushDeclaration", "declaration { state }", push).await;
            border.market.worked().await;
            let mended = border.order(&buyer, &order).await;
            assert_eq!(mended["declaration"]["state"], *after, "{mark}, sent again: {:#}", mended["declaration"]);
        }
        if *mark == "unknown" {
            let operator = border.market.server.operator().await;
            let query = "query($id: ID!) { declaration(id: $id) { alarm } customsMessages(filter: { verdicts: [UNKNOWN] }) \
                         { nodes { reason } } }";
            let kept = operator.data(query, json!({ "id": declaration["id"] })).await;
            assert!(kept["customsMessages"]["nodes"][0]["reason"].as_str().unwrap().contains("777"), "{kept:#}");
        }
        if *mark == "tax-void" {
            assert_eq!(declaration["taxBill"]["state"], "VOID");
        }
    }
    border.market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_or_a_return_that_customs_refuses_can_be_asked_again() {
    let border = Border::new().await;
    let buyer = border.market.identified(1).await;
    let push = |order: &Value| json!({ "id": order["declaration"]["id"] });
    for mark in ["return-refused", "return-fails"] {
        let order = border.declared(&buyer, 2, mark).await;
        let seller = border.seller().await;
        seller.done("shipOrder", "order { state }", json!({ "id": order["id"], "waybill": "YT" })).await;
        let asked = border.asked_back(&buyer, &order, 2).await;
        border.came_back(&asked).await;
        border.market.worked().await;
        let refused = border.order(&buyer, &order).await;
        assert_eq!(refused["declaration"]["requests"][0]["state"], "REFUSED", "{mark}");
        assert_eq!(refused["state"], "SHIPPED", "{mark}: money went back though customs refused");
        seller.done("pushDeclaration", "declaration { state }", push(&refused)).await;
        border.market.worked().await;
        let agreed = border.order(&buyer, &order).await;
        assert_eq!(
            (&agreed["state"], paper(&agreed["declaration"], "RETURN")["state"].as_str()),
            (&json!("RETURNED"), Some("REVIEWED")),
            "{mark}: {:#}",
            agreed["declaration"]["documents"]
        );
        // What customs had taken is changed, under the number that the e-port gave it; what it had not is new.
        let sent = last(&border, 625).await;
        let changed = sent.contains("<ceb:appType>2<");
        assert_eq!(
            (changed, sent.contains("<ceb:preNo>")),
            (mark == "return-refused", mark == "return-refused"),
            "{sent}"
        );
    }
    for mark in ["cancel-refused", "cancel-fails"] {
        // Held by the mark of the list, refused by the mark of the withdrawal: the list waits in between.
        let order = border.declared(&buyer, 1, &format!("{mark}+no-end")).await;
        buyer.done("cancelOrder", "order { state }", json!({ "id": order["id"], "reason": "不要了" })).await;
        border.market.worked().await;
        let refused = border.order(&buyer, &order).await;
        let states = (&refused["state"], &refused["declaration"]["requests"][0]["state"]);
        assert_eq!(states, (&json!("CONFIRMED"), &json!("REFUSED")), "{mark}");
        border.seller().await.done("pushDeclaration", "declaration { state }", push(&refused)).await;
        border.market.worked().await;
        let agreed = border.order(&buyer, &order).await;
        assert_eq!(
            (&agreed["state"], &agreed["declaration"]["state"]),
            (&json!("CANCELLED"), &json!("CANCELLED")),
            "{mark}"
        );
    }
    border.market.adds_up().await;
}
