//! Goods are followed from the notice under which they came into the zone to the parcel that they left in, with the numbers
//! that customs has for each step (溯源, section 6.6).

use serde_json::{Value, json};

use super::{Border, CARRIER};

/// Forty bottles of a lot come through the gate into bins; answers with the number of the notice and of its list.
async fn came_in(border: &Border) -> (Value, Value) {
    let seller = border.seller().await;
    let places = seller.data("{ stockLocations(first: 100) { nodes { id code } } }", json!({})).await;
    let places = places["stockLocations"]["nodes"].as_array().unwrap().clone();
    let zone = places.iter().find(|row| row["code"] == "BW-1").unwrap()["id"].clone();
    let selection = "inbound { id number version lines(first: 5) { nodes { id } } \
                     verificationList { number state lines { quantity item { book number } } } }";
    let line = json!({ "variantId": border.variant, "quantity": 40, "lot": "L-1", "expiresOn": "2027-12-31",
        "value": { "amount": "100.00", "currency": "EUR" } });
    let input = json!({ "locationId": zone, "document": "D-1", "lines": [line] });
    let notice = seller.done("declareInbound", selection, input).await["inbound"].clone();
    assert_eq!(
        notice["verificationList"]["lines"],
        json!([{ "quantity": 40, "item": { "book": "T9701W000001", "number": 12 } }])
    );
    let line = notice["lines"]["nodes"][0]["id"].clone();
    let came = json!({ "id": notice["id"], "expectedVersion": notice["version"], "vehicle": "青A12345",
        "lines": [{ "lineId": line, "quantity": 40 }] });
    let came = seller.done("receiveInbound", selection, came).await["inbound"].clone();
    let put = json!({ "id": notice["id"], "expectedVersion": came["version"],
        "lines": [{ "lineId": line, "bin": "A-01-1", "quantity": 40 }] });
    seller.done("putAway", selection, put).await;
    (notice["number"].clone(), notice["verificationList"]["number"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn goods_are_followed_from_the_notice_they_came_under_to_the_parcel_they_left_in() {
    let settings = [("CHAMA_LOGISTICS_SIMULATOR_ENABLED", "true"), ("CHAMA_LOGISTICS_SIMULATOR_STEP_MS", "1000")];
    let border = Border::with(&settings, json!({})).await;
    let carrier = border.market.server.seller(CARRIER).await;
    carrier.done("setCarrier", "carrier { setting { adapter } }", json!({ "adapter": "SIMULATOR" })).await;
    let (notice, first_list) = came_in(&border).await;
    let (buyer, seller) = (border.market.identified(1).await, border.seller().await);
    let (one, two) = (border.bought(&buyer, 3, "").await, border.bought(&buyer, 2, "").await);
    let query = "query($id: ID!) { order(id: $id) { number declaration { listNumber } shipment { id listNumber } } }";
    let mut orders = Vec::new();
    for order in [&one, &two] {
        orders.push(buyer.data(query, json!({ "id": order["id"] })).await["order"].clone());
    }
    let (a, b) = (&orders[0], &orders[1]);
    assert!(a["declaration"]["listNumber"].is_string(), "{a:#}");
    assert_eq!(a["shipment"]["listNumber"], a["declaration"]["listNumber"], "the parcel does not say under which list");

    // At the desk: what ends first is taken first, from where it lies, for both parcels in one walk.
    let places = seller.data("{ stockLocations(first: 100) { nodes { id code } } }", json!({})).await;
    let places = places["stockLocations"]["nodes"].as_array().unwrap().clone();
    let zone = places.iter().find(|row| row["code"] == "BW-1").unwrap()["id"].clone();
    let picks = "query($l: ID!, $s: [ID!]!) { pickList(locationId: $l, shipmentIds: $s) { lot { code expiresOn } \
                 customsStatus bins quantity parcels { shipment { document } quantity } } }";
    let asked = json!({ "l": zone, "s": [a["shipment"]["id"], b["shipment"]["id"]] });
    let expected = json!([{ "lot": { "code": "L-1", "expiresOn": "2027-12-31" }, "customsStatus": "BONDED",
        "bins": ["A-01-1"], "quantity": 5, "parcels": [
            { "shipment": { "document": a["number"] }, "quantity": 3 },
            { "shipment": { "document": b["number"] }, "quantity": 2 }] }]);
    assert_eq!(seller.data(picks, asked.clone()).await["pickList"], expected);
    let stranger = border.market.server.seller(crate::support::SELLER).await;
    assert_eq!(stranger.data(picks, asked.clone()).await["pickList"], json!([]), "others see what is picked");
    assert_eq!(buyer.error(picks, asked.clone()).await, "FORBIDDEN");
    for (order, grams) in [(a, 2_700), (b, 1_800)] {
        let pack = json!({ "id": order["shipment"]["id"], "units": [{ "weightG": grams }] });
        seller.done("packShipment", "shipment { state }", pack).await;
    }
    assert_eq!(seller.data(picks, asked).await["pickList"], json!([]), "what is packed is picked again");

    // Both leave on one vehicle, under one list that is the sum of both.
    let open =
        json!({ "locationId": zone, "vehicle": "青A1", "shipmentIds": [a["shipment"]["id"], b["shipment"]["id"]] });
    let selection = "gatePass { id verificationList { number state lines { quantity item { number } } } }";
    let pass = seller.done("openGatePass", selection, open).await["gatePass"].clone();
    let parcels = json!([{ "shipmentId": a["shipment"]["id"], "weighedG": 2_700 },
        { "shipmentId": b["shipment"]["id"], "weighedG": 1_800 }]);
    let passed =
        seller.done("passGate", selection, json!({ "id": pass["id"], "parcels": parcels })).await["gatePass"].clone();
    let list = &passed["verificationList"];
    assert_eq!(
        (&list["state"], &list["lines"]),
        (&json!("VERIFIED"), &json!([{ "quantity": 5, "item": { "number": 12 } }])),
        "the list is not the sum of its parcels"
    );
    border.market.worked().await;
    border.market.adds_up().await;

    let trace = "query($by: TraceBy!) { trace(by: $by) { shipments { nodes { listNumber } } lots { lot { code } quantity \
                 inboundLists bookItems { book number } \
                 destinations { document quantity verificationLists bookItems { book number } } \
                 sources { document verificationLists } } } }";
    let by = json!({ "by": { "document": a["number"] } });
    let item = json!([{ "book": "T9701W000001", "number": 12 }]);
    let lot = |sources: Value| {
        json!([{ "lot": { "code": "L-1" }, "quantity": 3, "inboundLists": [first_list], "bookItems": item,
            "destinations": [{ "document": a["number"], "quantity": 3, "verificationLists": [list["number"]],
                "bookItems": item }],
            "sources": sources }])
    };
    let sources = json!([{ "document": notice, "verificationLists": [first_list] }]);
    let seen = seller.data(trace, by.clone()).await["trace"].clone();
    assert_eq!(seen["lots"], lot(sources));
    assert_eq!(seen["shipments"]["nodes"][0]["listNumber"], a["declaration"]["listNumber"]);
    // Who bought it sees under which lists, and not the seller's documents.
    assert_eq!(buyer.data(trace, by).await["trace"]["lots"], lot(json!([])));
}
