//! Carts: what they come to, what stands in their way, how they are merged, and what they cost.

use api::{
    graphql::Gateway,
    platform::{auth::Caller, meter::Meter},
};
use entities::{
    party::{Actor, Viewer},
    values::Locale,
};
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use super::{CART, Market, Sale, problems, put, quoted};
use crate::support::{OTHER_SELLER, SELLER};

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_fills_a_cart_signs_in_and_takes_it_along() {
    let market = Market::new().await;
    let (rug, _) = market.sold(Sale::domestic(SELLER, "rug-a", "100.00", 10)).await;
    let (mat, _) = market.sold(Sale::domestic(OTHER_SELLER, "mat-a", "5.50", 10)).await;
    let guest = market.server.anonymous();
    let lines = json!([{ "offerId": rug, "quantity": 2 }, { "offerId": mat, "quantity": 1 }]);
    let made = guest.done("setCartLines", CART, json!({ "lines": lines })).await["cart"].clone();
    let token = made["token"].as_str().expect("a token").to_owned();
    assert_eq!(made["totals"]["total"]["amount"], "205.50");
    // The token is shown once, and it is what opens the cart.
    let query = "query($t: String) { cart(token: $t) { token lineCount } }";
    let again = guest.data(query, json!({ "t": token })).await;
    assert_eq!(again["cart"], json!({ "token": null, "lineCount": 2 }));
    let other = format!("{}{}", &token[..42], if token.ends_with('A') { "B" } else { "A" });
    assert_eq!(guest.data(query, json!({ "t": other })).await["cart"], Value::Null, "another token opens the cart");
    assert_eq!(guest.data(query, json!({})).await["cart"], Value::Null, "a guest without a token has a cart");

    let consumer = market.server.consumer(1).await;
    put(&consumer, &[(&rug, 1)]).await;
    let merged = consumer.done("mergeCart", CART, json!({ "token": token })).await["cart"].clone();
    let quantities: Vec<i64> =
        merged["lines"]["nodes"].as_array().unwrap().iter().map(|l| l["quantity"].as_i64().unwrap()).collect();
    assert_eq!(quantities, [3, 1], "what both had is added up");
    assert_eq!(guest.data(query, json!({ "t": token })).await["cart"], Value::Null, "the guest's cart is still there");
    let refused = consumer.refused("mergeCart", json!({ "token": token })).await;
    assert_eq!(refused, [("NOT_FOUND".to_owned(), "token".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cart_says_everything_that_stands_in_the_way() {
    let market = Market::new().await;
    let (rug, _) = market.sold(Sale::domestic(SELLER, "rug-b", "100.00", 3)).await;
    let (water, _) = market.sold(Sale::bonded(OTHER_SELLER, "water-b", "3000.00", 10)).await;
    let unlisted = Sale { hs: "9701210000", ..Sale::bonded(OTHER_SELLER, "art-b", "10.00", 10) };
    let (art, _) = market.sold(unlisted).await;
    let consumer = market.server.consumer(1).await;
    assert_eq!(problems(&put(&consumer, &[(&rug, 4)]).await), ["OUT_OF_STOCK"]);
    assert_eq!(problems(&put(&consumer, &[(&rug, 3)]).await), [""; 0]);
    let cart = put(&consumer, &[(&water, 2), (&art, 1)]).await;
    assert_eq!(problems(&cart), ["IDENTITY_REQUIRED", "NOT_ON_IMPORT_LIST", "OVER_SINGLE_LIMIT"]);
    let blocked = consumer.refused("requestQuote", json!({ "division": "630103" })).await;
    assert_eq!(blocked.len(), 3, "a quote is made of what cannot be ordered: {blocked:?}");

    // One item above the single limit is taxed in full, and one's own allowance is used up.
    let consumer = market.identified(1).await;
    let (car, _) = market.sold(Sale::bonded(OTHER_SELLER, "car-b", "26000.01", 10)).await;
    let (bag, _) = market.sold(Sale::bonded(OTHER_SELLER, "bag-b", "6000.00", 10)).await;
    put(&consumer, &[(&water, 0), (&art, 0), (&rug, 0), (&car, 1)]).await;
    assert_eq!(problems(&put(&consumer, &[]).await), ["OVER_ANNUAL_LIMIT"]);
    let cart = put(&consumer, &[(&car, 0), (&bag, 1)]).await;
    assert_eq!(problems(&cart), [""; 0]);
    // 5 % duty of mineral water, VAT of 13 % on both: 300.00 + 819.00.
    assert_eq!(cart["totals"]["tax"]["amount"], "1119.00");

    // A price that changed is said and does not block.
    put(&consumer, &[(&bag, 0), (&rug, 1)]).await;
    let owner = market.server.seller(SELLER).await;
    let tiers = json!([{ "price": { "amount": "120.00", "currency": "CNY" } }]);
    let change = json!({ "id": rug, "expectedVersion": 1, "terms": { "priceTiers": tiers } });
    owner.done("updateOffer", "offer { version }", change).await;
    let cart = consumer.data(&format!("{{ {CART} }}"), json!({})).await["cart"].clone();
    assert_eq!(problems(&cart), ["PRICE_CHANGED"]);
    assert_eq!(quoted(&consumer).await["totals"]["total"]["amount"], "120.00");
    // Paused, it is not for sale; the line stays, so that the buyer sees what became of it.
    let pause = json!({ "id": rug, "expectedVersion": 2, "status": "PAUSED" });
    owner.done("changeOfferStatus", "offer { version }", pause).await;
    let cart = consumer.data(&format!("{{ {CART} }}"), json!({})).await["cart"].clone();
    assert_eq!((problems(&cart), &cart["lineCount"]), (vec!["NOT_FOR_SALE".to_owned()], &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_zone_says_where_what_may_be_sent() {
    let market = Market::new().await;
    let (water, _) = market.sold(Sale::bonded(OTHER_SELLER, "water-z", "10.00", 10)).await;
    let policy = json!({ "place": { "division": "63" }, "mode": "BONDED_IMPORT", "capability": "CHECKOUT", "allowed": false,
                         "validFrom": "2026-01-01", "source": "通知1号" });
    market.server.operator().await.done("setZonePolicy", "policy { version }", policy).await;
    let consumer = market.identified(1).await;
    assert_eq!(problems(&put(&consumer, &[(&water, 1)]).await), ["NOT_ALLOWED_HERE"]);
    let elsewhere = json!({ "lines": [], "division": "110101" });
    let cart = consumer.done("setCartLines", CART, elsewhere).await["cart"].clone();
    assert_eq!(problems(&cart), [""; 0], "what is not allowed in one division is not allowed in another");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_pad_is_taken_whole_or_not_at_all() {
    let market = Market::new().await;
    market.sold(Sale::domestic(SELLER, "p1", "1.00", 10)).await;
    market.sold(Sale::domestic(SELLER, "p2", "2.00", 10)).await;
    let consumer = market.server.consumer(1).await;
    let csv = format!("seller,sku,quantity\n{SELLER},SKU-p1,3\n,SKU-p2,2\nSKU-p1,1\n");
    let cart = consumer.done("addCartPad", CART, json!({ "csv": csv })).await["cart"].clone();
    assert_eq!(cart["totals"]["total"]["amount"], "8.00");
    let refused = consumer.refused("addCartPad", json!({ "csv": "SKU-p1,1\nSKU-none,1\nSKU-p2,x1" })).await;
    assert_eq!(refused, [("INVALID_VALUE".to_owned(), "csv.3".to_owned())]);
    let refused = consumer.refused("addCartPad", json!({ "csv": "SKU-p1,1\nSKU-none,1" })).await;
    assert_eq!(refused, [("NOT_FOUND".to_owned(), "csv.2".to_owned())]);
    let cart = consumer.data(&format!("{{ {CART} }}"), json!({})).await["cart"].clone();
    assert_eq!(cart["totals"]["total"]["amount"], "8.00", "a refused pad changed the cart");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cart_of_200_lines_is_changed_in_as_many_statements_as_one_of_2() {
    let market = Market::new().await;
    let owner = market.server.seller(SELLER).await;
    let (_, variant) = market.sold(Sale::domestic(SELLER, "wide", "1.00", 1_000)).await;
    let mut offers = Vec::new();
    for chunk in (0..200).collect::<Vec<i32>>().chunks(50) {
        let terms =
            json!({ "supplyMode": "DOMESTIC", "priceTiers": [{ "price": { "amount": "1.00", "currency": "CNY" } }] });
        for n in chunk {
            let input = json!({ "variantId": variant, "sku": format!("W-{n}"), "terms": terms });
            offers.push(owner.done("createOffer", "offer { id }", input).await["offer"]["id"].clone());
        }
    }
    let person = entities::party::person::Entity::find().one(market.app().db().read()).await.unwrap().unwrap();
    let gateway = Gateway::new(market.app().clone());
    let mut counts = Vec::new();
    for size in [2, 200] {
        let lines: Vec<Value> = offers[..size].iter().map(|o| json!({ "offerId": o, "quantity": 2 })).collect();
        let query = "mutation($i: SetCartLinesInput!) { setCartLines(input: $i) { cart { lineCount totals { total { amount } } \
                     problems { error { code } } } userErrors { code } } }";
        let mut request = async_graphql::Request::new(query)
            .variables(async_graphql::Variables::from_json(json!({ "i": { "lines": lines } })));
        let viewer = Viewer { actor: Actor::Person(person.id), acting: None };
        let caller = Caller { viewer, session: None, address: None };
        let operation = Gateway::prepare(&mut request).unwrap();
        let meter = Meter::default();
        let response = meter.measure(gateway.execute(request, &operation, caller, Locale::en())).await;
        let data = serde_json::to_value(&response).unwrap();
        assert_eq!(data["data"]["setCartLines"]["cart"]["lineCount"], json!(size), "{data}");
        counts.push(meter.statements());
    }
    assert_eq!(counts[0], counts[1], "a larger cart takes more statements");
    assert!(counts[1] <= 25, "a cart takes {} statements", counts[1]);
}
