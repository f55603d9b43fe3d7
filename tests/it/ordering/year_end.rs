//! A year that ends between an order and its release: to which year it counts, and to which it comes back.

use chrono::{Duration, TimeZone, Utc};
use serde_json::json;

use crate::{
    customs::{Border, deliver, last, replaced},
    support::Client,
};

/// What a buyer has used and reserved of the annual allowance in a year.
async fn annual(buyer: &Client, year: i32) -> (String, String) {
    let query = "query($y: Int) { myAllowances(year: $y) { annualValue { used { amount } reserved { amount } } } }";
    let seen = buyer.data(query, json!({ "y": year })).await["myAllowances"]["annualValue"].clone();
    let text = |field: &str| seen[field]["amount"].as_str().unwrap().to_owned();
    (text("used"), text("reserved"))
}

/// The same of the year that ends and of the one that begins.
async fn years(buyer: &Client) -> [(String, String); 2] {
    [annual(buyer, 2026).await, annual(buyer, 2027).await]
}

fn is(used: &str, reserved: &str) -> (String, String) {
    (used.to_owned(), reserved.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_ordered_on_the_last_evening_and_released_after_midnight_counts_to_the_new_year() {
    let border = Border::new().await;
    // Ten minutes before midnight in Shanghai.
    let evening = Utc.with_ymd_and_hms(2026, 12, 31, 15, 50, 0).unwrap();
    border.market.wait(evening - border.market.app().clock().now());
    let buyer = border.market.identified(1).await;
    let none = || is("0.00", "0.00");
    let gone = border.bought(&buyer, 2, "").await;
    let order = border.bought(&buyer, 10, "").await;
    assert_eq!(
        years(&buyer).await,
        [is("0.00", "492.00"), none()],
        "it is reserved of the year in which it is ordered"
    );

    // Ten minutes after midnight. What is taken back before the release is free in the year of the order.
    border.market.wait(Duration::minutes(20));
    let buyer = border.market.server.consumer(1).await;
    assert_eq!(years(&buyer).await, [is("0.00", "492.00"), none()], "a year that ends changes nothing by itself");
    buyer.done("cancelOrder", "order { state }", json!({ "id": gone["id"], "reason": "不要了" })).await;
    border.market.worked().await;
    assert_eq!(years(&buyer).await, [is("0.00", "410.00"), none()]);
    border.waybill(&order, "YT0000000031").await;
    let released = border.order(&buyer, &order).await;
    assert_eq!(released["declaration"]["state"], "RELEASED", "{released:#}");
    assert_eq!(years(&buyer).await, [none(), is("410.00", "0.00")], "it does not count to the year of its release");
    border.market.adds_up().await;

    // All of it comes back, in two parts: to the year of the release.
    let seller = border.seller().await;
    seller.done("shipOrder", "order { state }", json!({ "id": order["id"], "waybill": "YT0000000031" })).await;
    for (quantity, left) in [(4, "246.00"), (6, "0.00")] {
        let request = border.asked_back(&buyer, &order, quantity).await;
        border.came_back(&request).await;
        border.market.worked().await;
        assert_eq!(years(&buyer).await, [none(), is(left, "0.00")], "it came back to another year");
        border.market.adds_up().await;
    }
    assert_eq!(border.order(&buyer, &order).await["state"], "RETURNED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_of_the_old_year_that_is_heard_second_counts_to_the_old_year() {
    let border = Border::new().await;
    // Ten minutes after midnight in Shanghai.
    let morning = Utc.with_ymd_and_hms(2026, 12, 31, 16, 10, 0).unwrap();
    border.market.wait(morning - border.market.app().clock().now());
    let buyer = border.market.identified(1).await;
    border.declared(&buyer, 10, "").await;
    assert_eq!(years(&buyer).await, [is("0.00", "0.00"), is("410.00", "0.00")]);
    // Customs had let it go before, and that receipt was lost on the way.
    let earlier = replaced(&last(&border, 622).await, "returnTime", "20261231235900000");
    deliver(&border, &earlier).await;
    border.market.worked().await;
    assert_eq!(years(&buyer).await, [is("410.00", "0.00"), is("0.00", "0.00")], "it stays in the year heard first");
    border.market.adds_up().await;
}
