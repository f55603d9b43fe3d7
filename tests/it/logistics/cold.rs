//! Temperatures: each kept once, and goods that were outside for too long are noticed.

use api::{logistics::ops::Opening, platform::graphql::encode};
use chrono::{Duration, SecondsFormat};
use entities::logistics::cold::Range;
use serde_json::{Value, json};

use super::{Dock, consignee, open, opening};

#[tokio::test(flavor = "multi_thread")]
async fn goods_that_are_outside_for_longer_than_allowed_are_noticed_and_those_concerned_are_told() {
    let dock = Dock::new().await;
    let to = consignee("示例路1号");
    let range = Range { min: 20, max: 80, allowed_minutes: 10 };
    let cold = Opening { temperature: Some(range), ..opening("C-1", dock.seller_id, dock.carrier_id, &to) };
    let row = open(dock.app(), &cold).await.unwrap();
    dock.pack(&row, 1_000, Some("COLD-1")).await;
    dock.out(&row, 1_000).await;
    dock.server.wait(Duration::minutes(30));
    let start = dock.app().clock().now() - Duration::minutes(30);
    let sample = |minutes: i64, tenths: i32, waybill: &str| {
        let at = (start + Duration::minutes(minutes)).to_rfc3339_opts(SecondsFormat::Millis, true);
        json!({ "waybill": waybill, "device": "T-1", "at": at, "tenths": tenths })
    };
    let reported = async |samples: Value| -> Vec<Value> {
        let selection = "results { taken userErrors { code } }";
        let done = dock.carrier.done("reportTemperature", selection, json!({ "samples": samples })).await;
        let told = |one: &Value| one["userErrors"][0].get("code").cloned().unwrap_or(one["taken"].clone());
        done["results"].as_array().unwrap().iter().map(told).collect()
    };
    let query = "query($id: ID!) { shipment(id: $id) { version temperature { minTenths maxTenths allowedMinutes \
        samples { nodes { device tenths } } breaches { device minutes worstTenths } } } }";
    let seen = async || dock.owner.data(query, json!({ "id": encode(row.id) })).await["shipment"].clone();

    let first = json!([sample(0, 79, "COLD-1"), sample(5, 82, "COLD-1"), sample(15, 82, "COLD-1")]);
    assert_eq!(reported(first).await, [json!(true), json!(true), json!(true)]);
    let before = seen().await;
    assert_eq!(before["temperature"]["breaches"], json!([]), "ten minutes are allowed");
    // Later ones, one that was told before, and what cannot be.
    let more = json!([
        sample(17, 85, "COLD-1"),
        sample(5, 82, "COLD-1"),
        sample(18, 9_000, "COLD-1"),
        sample(19, 50, "NOBODY"),
        sample(300, 50, "COLD-1"),
    ]);
    let told = [json!(true), json!(false), json!("OUT_OF_RANGE"), json!("NOT_FOUND"), json!("OUT_OF_RANGE")];
    assert_eq!(reported(more).await, told);
    let after = seen().await;
    assert_eq!(after["temperature"]["breaches"], json!([{ "device": "T-1", "minutes": 12, "worstTenths": 85 }]));
    assert_eq!(after["temperature"]["samples"]["nodes"].as_array().unwrap().len(), 4);
    assert_eq!(after["version"].as_i64().unwrap(), before["version"].as_i64().unwrap() + 1, "nobody is told");
    // One that comes late and says that it was inside in between.
    assert_eq!(reported(json!([sample(10, 79, "COLD-1")])).await, [json!(true)]);
    assert_eq!(seen().await["temperature"]["breaches"], json!([]));
    // Not who carries it: not its device.
    let samples = json!({ "samples": [sample(1, 50, "COLD-1")] });
    let other = dock.server.seller(super::OTHER_CARRIER).await;
    let foreign = other.done("reportTemperature", "results { userErrors { code } }", samples).await;
    assert_eq!(foreign["results"][0]["userErrors"][0]["code"], "NOT_FOUND");
    dock.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logger_that_is_put_into_two_parcels_measures_in_both() {
    let dock = Dock::new().await;
    let to = consignee("示例路1号");
    let range = Range { min: 20, max: 80, allowed_minutes: 10 };
    for (document, number) in [("C-1", "COLD-1"), ("C-2", "COLD-2")] {
        let cold = Opening { temperature: Some(range), ..opening(document, dock.seller_id, dock.carrier_id, &to) };
        let row = open(dock.app(), &cold).await.unwrap();
        dock.pack(&row, 1_000, Some(number)).await;
        dock.out(&row, 1_000).await;
    }
    let at = dock.app().clock().now().to_rfc3339_opts(SecondsFormat::Millis, true);
    let sample = |waybill: &str| json!({ "waybill": waybill, "device": "T-1", "at": at, "tenths": 50 });
    let samples = json!({ "samples": [sample("COLD-1"), sample("COLD-2"), sample("COLD-1")] });
    let done = dock.carrier.done("reportTemperature", "results { taken userErrors { code } }", samples).await;
    let taken: Vec<&Value> = done["results"].as_array().unwrap().iter().map(|one| &one["taken"]).collect();
    assert_eq!(taken, [&json!(true), &json!(true), &json!(false)], "{done}");
    dock.adds_up().await;
}
