//! Orders and their money: placed, paid, sent, taken in, taken back, let go; and what of it is only once.

use api::{
    app::Call,
    inventory,
    ordering::{
        self,
        ops::{
            carts::{self, Change},
            checkouts, place, quotes,
        },
    },
    payments,
    platform::{
        graphql::decode,
        meter::Meter,
        payment::sandbox::{Told, signed},
    },
};
use chrono::Duration;
use entities::{
    ordering::{CheckoutState, checkout as row},
    payments::{Method, PaymentState, ProviderKind, ledger, payment, sandbox},
};
use futures_util::future::{join_all, try_join_all};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};

use super::{CHECKOUT, Market, QUOTE, Sale, checkout, many, paid, placed, placing, put, quoted};
use crate::support::{Client, OTHER_SELLER, SELLER};

async fn order_of(client: &Client, order: &Value) -> Value {
    let query = "query($id: ID!) { order(id: $id) { state timeline { nodes { step state note } } } }";
    client.data(query, json!({ "id": order["id"] })).await["order"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_explains_itself_and_is_placed_once_by_its_buyer_while_it_holds() {
    let market = Market::new().await;
    let (water, _) = market.sold(Sale::bonded(OTHER_SELLER, "water-q", "41.00", 100)).await;
    let consumer = market.identified(1).await;
    put(&consumer, &[(&water, 10)]).await;
    let quote = quoted(&consumer).await;
    // Vector T1.
    assert_eq!(
        quote["totals"],
        json!({ "goods": { "amount": "410.00" }, "tax": { "amount": "37.31" }, "total": { "amount": "447.31" } })
    );
    let line = &quote["parcels"][0]["lines"]["nodes"][0];
    let vat = line["steps"].as_array().unwrap().iter().find(|step| step["kind"] == "VAT").expect("a step of VAT");
    assert_eq!((&vat["amount"]["amount"], &vat["law"]), (&json!("37.31"), &json!("财关税〔2016〕18号")));
    assert!(vat["formula"].as_str().unwrap().contains("410.00"), "the formula does not name the price: {vat}");

    let other = market.identified(2).await;
    let code = |refused: Vec<(String, String)>| refused[0].0.clone();
    assert_eq!(code(other.refused("placeOrder", placing(&quote, json!({}))).await), "QUOTE_INVALID");
    let token = quote["token"].as_str().unwrap();
    let altered = format!("{}{}", &token[..token.len() - 1], if token.ends_with('0') { "1" } else { "0" });
    let forged = placing(&json!({ "token": altered }), json!({}));
    assert_eq!(code(consumer.refused("placeOrder", forged).await), "QUOTE_INVALID");
    // What the price has become meanwhile is not what was promised.
    let tiers = json!([{ "price": { "amount": "99.00", "currency": "CNY" } }]);
    let change = json!({ "id": water, "expectedVersion": 1, "terms": { "priceTiers": tiers } });
    market.server.seller(OTHER_SELLER).await.done("updateOffer", "offer { version }", change).await;
    let input = placing(&quote, json!({ "clientMutationId": "place-1" }));
    let made = consumer.done("placeOrder", CHECKOUT, input.clone()).await["checkout"].clone();
    assert_eq!((&made["total"]["amount"], &made["state"]), (&json!("447.31"), &json!("AWAITING_PAYMENT")));
    assert_eq!(made["consignee"], "测** 138****0000", "who takes it in is shown in clear");
    let repeated = consumer.done("placeOrder", CHECKOUT, input).await["checkout"].clone();
    assert_eq!(repeated["id"], made["id"], "a repeat placed another order");
    assert_eq!(code(consumer.refused("placeOrder", placing(&quote, json!({}))).await), "QUOTE_USED");

    put(&consumer, &[(&water, 1)]).await;
    let quote = quoted(&consumer).await;
    market.wait(Duration::minutes(15));
    let consumer = market.server.consumer(1).await;
    assert_eq!(code(consumer.refused("placeOrder", placing(&quote, json!({}))).await), "QUOTE_EXPIRED");
    market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_checkout_becomes_orders_by_seller_mode_and_warehouse_that_sum_to_it() {
    let market = Market::new().await;
    let (rug, _) = market.sold(Sale::domestic(SELLER, "rug-s", "100.00", 5)).await;
    let far = Sale { warehouse: "WH-2", ..Sale::domestic(SELLER, "mat-s", "7.77", 9) };
    let (mat, _) = market.sold(far).await;
    let (water, water_variant) = market.sold(Sale::bonded(OTHER_SELLER, "water-s", "3.33", 50)).await;
    let (tea, _) = market.sold(Sale::domestic(OTHER_SELLER, "tea-s", "20.00", 5)).await;
    let rate = json!({ "mode": "BONDED_IMPORT", "currency": "CNY", "firstWeightG": 1000, "first": "6.00", "stepWeightG": 1000, "step": "4.00" });
    market.server.seller(OTHER_SELLER).await.done("setShippingRate", "rate { version }", rate).await;
    let consumer = market.identified(1).await;
    let made = placed(&consumer, &[(&rug, 1), (&mat, 3), (&water, 7), (&tea, 2)]).await;
    let orders = made["orders"].as_array().unwrap();
    assert_eq!(orders.len(), 4, "{made:#}");
    let cents = |text: &Value| text.as_str().unwrap().replace('.', "").parse::<i64>().unwrap();
    let sum: i64 = orders.iter().map(|order| cents(&order["amounts"]["total"]["amount"])).sum();
    assert_eq!(sum, cents(&made["total"]["amount"]), "the orders are not the checkout");
    assert_eq!(market.stock(OTHER_SELLER, &water_variant).await, (50, 7));
    let query = "{ orders(filter: { selling: true }) { nodes { number } } }";
    let seen = market.server.seller(SELLER).await.data(query, json!({})).await["orders"]["nodes"].clone();
    assert_eq!(seen.as_array().unwrap().len(), 2, "a seller sees what another sells");
    let second = market.server.consumer(2).await;
    let foreign = second.data("query($id: ID!) { checkout(id: $id) { id } }", json!({ "id": made["id"] })).await;
    assert_eq!(foreign["checkout"], Value::Null, "somebody else's checkout is seen");

    paid(&market, &consumer, &made).await;
    market.worked().await;
    consumer.done("refreshCheckout", "checkout { state }", json!({ "id": made["id"] })).await;
    market.worked().await;
    let after = checkout(&consumer, &made).await;
    assert_eq!(after["state"], "PAID");
    assert!(after["orders"].as_array().unwrap().iter().all(|order| order["state"] == "CONFIRMED"), "{after}");
    market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_order_is_sent_and_taken_in_and_an_import_waits_for_customs() {
    let market = Market::new().await;
    let (rug, variant) = market.sold(Sale::domestic(SELLER, "rug-p", "100.00", 5)).await;
    let (water, _) = market.sold(Sale::bonded(OTHER_SELLER, "water-p", "10.00", 5)).await;
    let rules = json!({ "expectedVersion": 0, "rules": [{ "ppm": 50_000 }] });
    market.server.operator().await.done("setCommissionRules", "rules { ppm }", rules).await;
    let consumer = market.identified(1).await;
    let made = placed(&consumer, &[(&rug, 2), (&water, 1)]).await;
    let of = |mode: &str| made["orders"].as_array().unwrap().iter().find(|o| o["supplyMode"] == mode).unwrap().clone();
    let (domestic, import) = (of("DOMESTIC"), of("BONDED_IMPORT"));
    let seller = market.server.seller(SELLER).await;
    let early = seller.refused("shipOrder", json!({ "id": domestic["id"], "waybill": "SF1" })).await;
    assert_eq!(early[0].0, "ILLEGAL_TRANSITION", "what is not paid is sent off");
    paid(&market, &consumer, &made).await;
    consumer.done("refreshCheckout", "checkout { state }", json!({ "id": made["id"] })).await;
    market.worked().await;
    assert_eq!(market.stock(SELLER, &variant).await, (5, 2));
    seller.done("shipOrder", "order { state }", json!({ "id": domestic["id"], "waybill": "SF1" })).await;
    assert_eq!(market.stock(SELLER, &variant).await, (3, 0));
    let other = market.server.seller(OTHER_SELLER).await;
    let waits = other.refused("shipOrder", json!({ "id": import["id"], "waybill": "SF2" })).await;
    assert_eq!(waits[0].0, "NOT_RELEASED");
    let shown = json!({ "id": domestic["id"], "reason": "label" });
    let label = seller.done("revealConsignee", "consignee { name mobile address }", shown.clone()).await;
    assert_eq!(label["consignee"], json!({ "name": "测试甲", "mobile": "13800000000", "address": "示例路1号" }));
    assert_eq!(other.refused("revealConsignee", shown).await[0].0, "NOT_FOUND");
    consumer.done("completeOrder", "order { state }", json!({ "id": domestic["id"] })).await;
    let told = order_of(&consumer, &domestic).await;
    let steps: Vec<&str> =
        told["timeline"]["nodes"].as_array().unwrap().iter().map(|e| e["step"].as_str().unwrap()).collect();
    assert_eq!(steps, ["PLACE", "CONFIRM", "SHIP", "COMPLETE"]);
    let balances = "{ sellerBalances { due { amount } } }";
    let due = seller.data(balances, json!({})).await["sellerBalances"].clone();
    assert_eq!(due[0]["due"]["amount"], "190.00", "200.00 less 5 % are owed to the seller");
    let again = consumer
        .done("reorder", "cart { lineCount totals { total { amount } } }", json!({ "id": domestic["id"] }))
        .await;
    assert_eq!(again["cart"], json!({ "lineCount": 1, "totals": { "total": { "amount": "200.00" } } }));
    market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_order_that_is_taken_back_gives_its_money_back_and_its_stock() {
    let market = Market::new().await;
    let (rug, variant) = market.sold(Sale::domestic(SELLER, "rug-c", "100.00", 5)).await;
    let (tea, _) = market.sold(Sale::domestic(OTHER_SELLER, "tea-c", "20.00", 5)).await;
    let consumer = market.server.consumer(1).await;
    let made = placed(&consumer, &[(&rug, 2), (&tea, 1)]).await;
    let rug_order = made["orders"]
        .as_array()
        .unwrap()
        .iter()
        .find(|o| o["amounts"]["total"]["amount"] == "200.00")
        .unwrap()
        .clone();
    let unpaid = consumer.refused("cancelOrder", json!({ "id": rug_order["id"], "reason": "no" })).await;
    assert_eq!(unpaid[0].0, "ILLEGAL_TRANSITION", "a part of what is to be paid at once is taken back alone");
    paid(&market, &consumer, &made).await;
    consumer.done("refreshCheckout", "checkout { state }", json!({ "id": made["id"] })).await;
    market.worked().await;
    consumer.done("cancelOrder", "order { state }", json!({ "id": rug_order["id"], "reason": "no" })).await;
    market.worked().await;
    market.worked().await;
    assert_eq!(market.stock(SELLER, &variant).await, (5, 0));
    let payment = payment::Entity::find().one(market.app().db().writer()).await.unwrap().unwrap();
    assert_eq!((payment.captured_minor, payment.refunded_minor), (22_000, 20_000));
    let twice = consumer.refused("cancelOrder", json!({ "id": rug_order["id"], "reason": "no" })).await;
    assert_eq!(twice[0].0, "ILLEGAL_TRANSITION");
    let query = "query($id: ID!) { checkout(id: $id) { payments { state captured { amount } refunded { amount } \
         allotted { amount } refunds { state amount { amount } } } } }";
    let seen = consumer.data(query, json!({ "id": made["id"] })).await["checkout"]["payments"].clone();
    let refund = json!({ "state": "SUCCEEDED", "amount": { "amount": "200.00" } });
    let (captured, refunded) = (json!({ "amount": "220.00" }), json!({ "amount": "200.00" }));
    assert_eq!(
        seen,
        json!([{ "state": "CAPTURED", "captured": captured, "refunded": refunded, "allotted": null, "refunds": [refund] }]),
        "a buyer sees its own payment, and not the platform's books"
    );
    market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_paid_in_time_is_let_go_once_and_the_allowance_with_it() {
    let market = Market::new().await;
    let (water, variant) = market.sold(Sale::bonded(OTHER_SELLER, "water-e", "20000.00", 5)).await;
    let consumer = market.identified(1).await;
    let made = placed(&consumer, &[(&water, 1)]).await;
    let used = "{ myAllowances { annualValue { reserved { amount } } } }";
    let reserved = consumer.data(used, json!({})).await["myAllowances"]["annualValue"]["reserved"]["amount"].clone();
    assert_eq!(reserved, json!("20000.00"));
    put(&consumer, &[(&water, 1)]).await;
    let over = consumer.refused("requestQuote", json!({ "division": "630103" })).await;
    assert_eq!(over[0].0, "OVER_ANNUAL_LIMIT");
    market.wait(Duration::minutes(15));
    let app = market.app();
    let now = app.clock().now();
    // Several workers look at the same time.
    let looks = (0..4).map(|_| ordering::ops::checkouts::expire_due(app, now));
    let gone: usize = futures_util::future::try_join_all(looks).await.unwrap().into_iter().sum();
    assert_eq!(gone, 1, "it is let go {gone} times");
    let consumer = market.server.consumer(1).await;
    assert_eq!(checkout(&consumer, &made).await["state"], "EXPIRED");
    assert_eq!(market.stock(OTHER_SELLER, &variant).await, (5, 0));
    let reserved = consumer.data(used, json!({})).await["myAllowances"]["annualValue"]["reserved"]["amount"].clone();
    assert_eq!(reserved, json!("0.00"));
    let late = json!({ "id": made["id"], "provider": "SANDBOX", "method": "SANDBOX" });
    assert_eq!(consumer.refused("payCheckout", late).await[0].0, "ILLEGAL_TRANSITION");
    market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_comes_late_buys_everything_again_or_goes_back() {
    for (case, left, state, refunded) in [("it is still there", 5, "PAID", 0), ("it is sold out", 1, "EXPIRED", 10_000)]
    {
        let market = Market::new().await;
        let (rug, variant) = market.sold(Sale::domestic(SELLER, "rug-l", "100.00", left)).await;
        let consumer = market.server.consumer(1).await;
        let made = placed(&consumer, &[(&rug, 1)]).await;
        paid(&market, &consumer, &made).await;
        // The notification is lost, and the checkout's time is up.
        market.wait(Duration::minutes(40));
        // Either may be first: who sweeps the stock, or who lets the checkout go.
        let now = market.app().clock().now();
        inventory::promises::sweep(market.app(), now).await.unwrap();
        ordering::ops::checkouts::expire_due(market.app(), now).await.unwrap();
        let second = market.server.consumer(2).await;
        placed(&second, &[(&rug, 1)]).await;
        let payment = payment::Entity::find().one(market.app().db().writer()).await.unwrap().unwrap();
        payments::ops::look(market.app(), payment.id).await.unwrap();
        market.worked().await;
        market.worked().await;
        let consumer = market.server.consumer(1).await;
        assert_eq!(checkout(&consumer, &made).await["state"], state, "{case}");
        let payment = payment::Entity::find_by_id(payment.id).one(market.app().db().writer()).await.unwrap().unwrap();
        assert_eq!((payment.state, payment.refunded_minor), (PaymentState::Captured, refunded), "{case}");
        let (on_hand, reserved) = market.stock(SELLER, &variant).await;
        assert_eq!((on_hand, reserved), (left, if state == "PAID" { 2 } else { 1 }), "{case}");
        market.adds_up().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn told_three_times_at_once_while_the_buyer_asks_it_is_one_order_and_one_entry() {
    let market = Market::new().await;
    let (rug, variant) = market.sold(Sale::domestic(SELLER, "rug-w", "100.00", 50)).await;
    let app = market.app();
    for round in 0..4 {
        let consumer = market.server.consumer(1).await;
        let made = placed(&consumer, &[(&rug, 1)]).await;
        paid(&market, &consumer, &made).await;
        let db = app.db().writer();
        let begun = payment::Entity::find().filter(payment::Column::Document.eq(made["number"].as_str().unwrap()));
        let begun = begun.one(db).await.unwrap().unwrap();
        let charged = sandbox::Entity::find_by_id(begun.reference.clone().unwrap()).one(db).await.unwrap().unwrap();
        let body = serde_json::to_string(&Told::of(&charged)).unwrap();
        let headers = signed(app.vault(), &body, app.clock().now());
        let notice = || Box::pin(payments::ops::receive(app, ProviderKind::Sandbox, &headers, body.as_bytes()));
        let refresh = || consumer.done("refreshCheckout", "checkout { state }", json!({ "id": made["id"] }));
        let settled = payments::jobs::Settled { payment: begun.id, document: begun.document.clone(), refund: None };
        let job = || ordering::jobs::settled(app, settled.clone());
        let (notices, refreshed, jobs) = tokio::join!(
            try_join_all([notice(), notice(), notice()]),
            join_all([refresh(), refresh(), refresh()]),
            try_join_all([job(), job()]),
        );
        assert!(notices.unwrap().iter().all(|taken| taken.status == 200), "round {round}");
        assert!(jobs.is_ok() && refreshed.iter().any(|answer| answer["checkout"]["state"] == "PAID"), "round {round}");
        market.worked().await;
        let of = ledger::Entity::find().filter(ledger::Column::PaymentId.eq(begun.id)).all(db).await.unwrap();
        let mut postings: Vec<&str> = of.iter().filter_map(|leg| leg.posting_key.split(':').next()).collect();
        postings.sort_unstable();
        assert_eq!(
            postings,
            ["allot", "allot", "captured", "captured", "fee", "fee"],
            "round {round}: two legs of each"
        );
        let begun = payment::Entity::find_by_id(begun.id).one(db).await.unwrap().unwrap();
        assert_eq!((begun.captured_minor, begun.refunded_minor), (10_000, 0), "round {round}: money went back");
        let events = order_of(&consumer, &made["orders"][0]).await["timeline"]["nodes"].clone();
        let steps: Vec<_> = events.as_array().unwrap().iter().map(|event| event["step"].clone()).collect();
        assert_eq!(steps, ["PLACE", "CONFIRM"], "round {round}");
    }
    assert_eq!(market.stock(SELLER, &variant).await, (50, 4));
    market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_found_by_its_id_by_who_may_see_it() {
    let market = Market::new().await;
    let (rug, _) = market.sold(Sale::domestic(SELLER, "rug-n", "100.00", 5)).await;
    let (buyer, other) = (market.server.consumer(1).await, market.server.consumer(2).await);
    let made = placed(&buyer, &[(&rug, 1)]).await;
    let order = made["orders"][0].clone();
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Order { number checkout { id } } } }";
    let ids = json!({ "ids": [made["id"], order["id"]] });
    let checkout = json!({ "__typename": "Checkout", "id": made["id"] });
    let seen = |checkout: Value| json!({ "__typename": "Order", "id": order["id"], "number": order["number"], "checkout": checkout });
    let found = buyer.data(query, ids.clone()).await["nodes"].clone();
    assert_eq!(found, json!([checkout, seen(json!({ "id": made["id"] }))]));
    assert_eq!(other.data(query, ids.clone()).await["nodes"], json!([null, null]), "an order is shown to a stranger");
    let seller = market.server.seller(SELLER).await;
    assert_eq!(seller.data(query, ids.clone()).await["nodes"], json!([null, seen(Value::Null)]));
    assert_eq!(market.server.anonymous().data(query, ids).await["nodes"], json!([null, null]));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_payments_of_one_checkout_are_one_order_and_one_refund() {
    let market = Market::new().await;
    let (rug, _) = market.sold(Sale::domestic(SELLER, "rug-d", "100.00", 5)).await;
    let consumer = market.server.consumer(1).await;
    let made = placed(&consumer, &[(&rug, 1)]).await;
    paid(&market, &consumer, &made).await;
    let now = market.app().clock().now();
    let first = payment::Entity::find().one(market.app().db().writer()).await.unwrap().unwrap();
    // Another payment of the same document, by another way.
    let charge = payments::ops::Charge {
        document: &first.document,
        payer: &first.payer,
        amount: first.amount(),
        provider: first.provider,
        method: first.method,
        expires_at: now + Duration::minutes(10),
        key: "another",
        at_once: true,
    };
    let tx = market.app().db().begin().await.unwrap();
    let second = payments::ops::open(&tx, now, &charge).await.unwrap();
    tx.commit().await.unwrap();
    let (second, _) = payments::ops::start(market.app(), second.id, &payments::ops::Ask::default()).await.unwrap();
    let page = format!("{}/sandbox/pay/{}", market.server.url, second.reference.as_deref().unwrap());
    market.server.http().post(page).form(&[("do", "pay")]).send().await.unwrap();
    // Asked about four times each, at once.
    let looks = (0..8).map(|n| payments::ops::look(market.app(), if n % 2 == 0 { first.id } else { second.id }));
    futures_util::future::try_join_all(looks).await.unwrap();
    market.worked().await;
    market.worked().await;
    let all = payment::Entity::find().all(market.app().db().writer()).await.unwrap();
    let refunded: Vec<i64> = all.iter().map(|payment| payment.refunded_minor).collect();
    assert_eq!(refunded.iter().sum::<i64>(), 10_000, "{refunded:?}");
    let done = row::Entity::find()
        .filter(row::Column::State.eq(CheckoutState::Paid))
        .one(market.app().db().writer())
        .await
        .unwrap();
    assert!(done.unwrap().paid_by.is_some());
    market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_taken_back_lets_everything_go_and_its_payment() {
    let market = Market::new().await;
    let (rug, variant) = market.sold(Sale::domestic(SELLER, "rug-x", "100.00", 5)).await;
    let consumer = market.server.consumer(1).await;
    put(&consumer, &[(&rug, 2)]).await;
    let quote = consumer.done("requestQuote", QUOTE, json!({ "division": "630103" })).await["quote"].clone();
    let made = consumer.done("placeOrder", CHECKOUT, placing(&quote, json!({}))).await["checkout"].clone();
    let input = json!({ "id": made["id"], "provider": "SANDBOX", "method": "SANDBOX" });
    consumer.done("payCheckout", "started { redirectUrl }", input).await;
    assert_eq!(market.stock(SELLER, &variant).await, (5, 2));
    let second = market.server.consumer(2).await;
    assert_eq!(second.refused("cancelCheckout", json!({ "id": made["id"] })).await[0].0, "NOT_FOUND");
    consumer
        .done("cancelCheckout", "checkout { state }", json!({ "id": made["id"], "reason": "changed my mind" }))
        .await;
    market.worked().await;
    assert_eq!(market.stock(SELLER, &variant).await, (5, 0));
    let payment = payment::Entity::find().one(market.app().db().writer()).await.unwrap().unwrap();
    assert_eq!(payment.state, PaymentState::Cancelled);
    assert_eq!(consumer.refused("cancelCheckout", json!({ "id": made["id"] })).await[0].0, "ILLEGAL_TRANSITION");
    market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_takes_so_many_statements_from_cart_to_paid() {
    let market = Market::new().await;
    let (rug, _) = market.sold(Sale::domestic(SELLER, "rug-s", "100.00", 50)).await;
    let app = market.app();
    let rug = decode(&async_graphql::ID(rug.as_str().unwrap().into()), "id").unwrap();
    let viewer = many::people(app, 1).await.remove(0);
    let call = Call::by(viewer);
    let meters: [Meter; 5] = Default::default();
    let change = Change { lines: vec![(rug, 1)], division: Some("630103".into()), ..Change::default() };
    meters[0].measure(Box::pin(carts::change(app, &call, &change))).await.unwrap();
    let quote = meters[1].measure(Box::pin(quotes::request(app, &call, None, "630103"))).await.unwrap();
    let placing = many::placing(app, &quote).unwrap();
    let made = meters[2].measure(Box::pin(place::place(app, &call, &placing))).await.unwrap();
    let (provider, method) = (ProviderKind::Sandbox, Method::Sandbox);
    let paying = checkouts::Paying { provider, method, return_url: None, openid: None, client_ip: None };
    let (paid, _) = meters[3].measure(Box::pin(checkouts::pay(app, &call, made.id, &paying))).await.unwrap();
    payments::sandbox::press(app, paid.reference.as_deref().unwrap(), sandbox::Press::Pay).await.unwrap();
    let made = meters[4].measure(Box::pin(checkouts::refresh(app, &call, made.id))).await.unwrap();
    assert_eq!(made.state, CheckoutState::Paid);
    let counts = meters.map(|meter| meter.statements());
    let most = [16, 13, 18, 16, 28];
    assert!(
        counts.iter().zip(most).all(|(count, most)| *count <= most),
        "cart, quote, place, pay and refresh take {counts:?} statements, and are to take at most {most:?}"
    );
}
