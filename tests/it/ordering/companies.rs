//! Organisations that buy: credit, approval, incoterms, general taxation; and bundles that sellers make.

use serde_json::{Value, json};

use super::{CHECKOUT, Market, Sale, checkout, placed, placing, problems, put, quoted};
use crate::support::{OTHER_SELLER, SELLER};

/// The organisation that buys in these tests, and who acts for it.
const BUYER: &str = OTHER_SELLER;

#[tokio::test(flavor = "multi_thread")]
async fn credit_is_taken_by_orders_and_never_exceeded() {
    let market = Market::new().await;
    let (rug, variant) = market.sold(Sale::domestic(SELLER, "rug-k", "1000.00", 50)).await;
    let buyer = market.server.member("owner", BUYER).await;
    let on_credit = json!({ "paymentTerms": "ON_CREDIT", "poNumber": "PO-7" });
    put(&buyer, &[(&rug, 1)]).await;
    let quote = quoted(&buyer).await;
    let none = buyer.refused("placeOrder", placing(&quote, on_credit.clone())).await;
    assert_eq!(none, [("LIMIT_EXCEEDED".to_owned(), "paymentTerms".to_owned())]);
    let seller = market.server.seller(SELLER).await;
    let give = json!({ "buyerId": market.server.organisation(BUYER).await, "termsDays": 30,
                       "sanctioned": { "amount": "2500.00", "currency": "CNY" } });
    seller.done("setCreditLimit", "creditLimit { version }", give).await;
    // Three of 1,000.00 at once on 2,500.00: two go through.
    let mut quotes = Vec::new();
    for _ in 0..3 {
        put(&buyer, &[(&rug, 1)]).await;
        quotes.push(quoted(&buyer).await);
    }
    let tries = quotes.iter().map(|quote| buyer.payload("placeOrder", CHECKOUT, placing(quote, on_credit.clone())));
    let answers: Vec<Value> = futures_util::future::join_all(tries).await;
    let codes: Vec<&Value> = answers.iter().filter_map(|a| a["userErrors"].get(0).map(|e| &e["code"])).collect();
    assert_eq!(codes, [&json!("LIMIT_EXCEEDED")], "{answers:#?}");
    let made = answers.iter().find(|a| !a["checkout"].is_null()).unwrap()["checkout"].clone();
    assert_eq!((&made["state"], &made["orders"][0]["state"]), (&json!("ON_CREDIT"), &json!("CONFIRMED")));
    let query = "{ creditLimits { nodes { used { amount } sanctioned { amount } termsDays } } }";
    let used = buyer.data(query, json!({})).await["creditLimits"]["nodes"][0]["used"]["amount"].clone();
    assert_eq!(used, "2000.00");
    // Sent off and paid by other ways, it is free again; taken back, too.
    let order = made["orders"][0]["id"].clone();
    seller.done("shipOrder", "order { state }", json!({ "id": order, "waybill": "SF" })).await;
    seller.done("settleCredit", "order { state }", json!({ "id": order })).await;
    assert_eq!(seller.refused("settleCredit", json!({ "id": order })).await[0].0, "ILLEGAL_TRANSITION");
    let other =
        answers.iter().filter(|a| !a["checkout"].is_null()).nth(1).unwrap()["checkout"]["orders"][0]["id"].clone();
    buyer.done("cancelOrder", "order { state }", json!({ "id": other, "reason": "no" })).await;
    let used = buyer.data(query, json!({})).await["creditLimits"]["nodes"][0]["used"]["amount"].clone();
    assert_eq!(used, "0.00");
    assert_eq!(market.stock(SELLER, &variant).await, (49, 0));
    market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_order_needs_somebody_else_of_the_right_level() {
    let market = Market::new().await;
    let (rug, _) = market.sold(Sale::domestic(SELLER, "rug-v", "1000.00", 50)).await;
    let owner = market.server.member("owner", BUYER).await;
    let rules = json!({ "rules": [{ "minimum": { "amount": "2000.00", "currency": "CNY" }, "level": 2 }] });
    owner.done("setApprovalRules", "rules { level }", rules).await;
    assert_eq!(placed(&owner, &[(&rug, 1)]).await["state"], "AWAITING_PAYMENT");
    let made = placed(&owner, &[(&rug, 2)]).await;
    assert_eq!((&made["state"], &made["approvalLevel"]), (&json!("AWAITING_APPROVAL"), &json!(2)));
    let own = owner.refused("approveCheckout", json!({ "id": made["id"] })).await;
    assert_eq!(own[0].0, "MAKER_CHECKER", "who placed it approves it");
    // A development token of the owner is another person than the one that placed it.
    let approver = market.owner(BUYER).await;
    let unpaid = json!({ "id": made["id"], "provider": "SANDBOX", "method": "SANDBOX" });
    assert_eq!(owner.refused("payCheckout", unpaid).await[0].0, "ILLEGAL_TRANSITION");
    approver.done("approveCheckout", "checkout { state }", json!({ "id": made["id"] })).await;
    assert_eq!(checkout(&owner, &made).await["state"], "AWAITING_PAYMENT");
    assert_eq!(approver.refused("approveCheckout", json!({ "id": made["id"] })).await[0].0, "ILLEGAL_TRANSITION");
    let stranger = market.server.seller(SELLER).await;
    assert_eq!(stranger.refused("approveCheckout", json!({ "id": made["id"] })).await[0].0, "NOT_FOUND");
    market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_imports_under_general_trade_and_exports_need_an_incoterm() {
    let market = Market::new().await;
    let (water, _) = market.sold(Sale::bonded(SELLER, "water-g", "1000.00", 100)).await;
    let export = Sale { mode: "EXPORT_B2B", ..Sale::domestic(SELLER, "rug-g", "500.00", 9) };
    let (rug, _) = market.sold(export).await;
    let buyer = market.server.member("owner", BUYER).await;
    // Above both limits of retail import: they do not hold for a company.
    let cart = put(&buyer, &[(&water, 30), (&rug, 1)]).await;
    assert_eq!(problems(&cart), [""; 0]);
    // 5 % duty on 30,000.00, and VAT of 13 % on both.
    assert_eq!(cart["totals"]["tax"]["amount"], "5595.00");
    let quote = quoted(&buyer).await;
    let without = buyer.refused("placeOrder", placing(&quote, json!({}))).await;
    assert_eq!(without, [("REQUIRED".to_owned(), "incoterm".to_owned())]);
    buyer.done("placeOrder", CHECKOUT, placing(&quote, json!({ "incoterm": "FOB" }))).await;
    let consumer = market.identified(1).await;
    assert_eq!(problems(&put(&consumer, &[(&rug, 1)]).await), ["NOT_FOR_SALE"], "an export is sold to a consumer");
    market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bundles_share_their_parts_with_what_is_sold_alone() {
    let market = Market::new().await;
    let (cup, cup_variant) = market.sold(Sale::domestic(SELLER, "cup", "10.00", 10)).await;
    let (_, pot_variant) = market.sold(Sale::domestic(SELLER, "pot", "50.00", 3)).await;
    let (set, _) = market.sold(Sale::domestic(SELLER, "set", "80.00", 0)).await;
    let seller = market.server.seller(SELLER).await;
    let parts = json!([{ "variantId": cup_variant, "quantity": 4 }, { "variantId": pot_variant, "quantity": 1 }]);
    seller.done("setBundleParts", "offer { id }", json!({ "offerId": set, "parts": parts })).await;
    let consumer = market.server.consumer(1).await;
    assert_eq!(problems(&put(&consumer, &[(&set, 3)]).await), ["OUT_OF_STOCK"], "twelve cups of ten are sold");
    assert_eq!(problems(&put(&consumer, &[(&set, 2), (&cup, 3)]).await), ["OUT_OF_STOCK"]);
    placed(&consumer, &[(&set, 2), (&cup, 2)]).await;
    assert_eq!(market.stock(SELLER, &cup_variant).await, (10, 10));
    assert_eq!(market.stock(SELLER, &pot_variant).await, (3, 2));
    let (water, _) = market.sold(Sale::bonded(SELLER, "water-i", "1.00", 3)).await;
    let import = json!({ "offerId": water, "parts": [{ "variantId": cup_variant, "quantity": 1 }] });
    assert_eq!(seller.refused("setBundleParts", import).await[0].0, "ILLEGAL_TRANSITION");
    market.adds_up().await;
}
