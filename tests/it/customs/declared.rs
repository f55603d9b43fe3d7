//! From a paid order to a parcel that was taken in; taken back before the release, given back after it.

use chrono::Duration;
use serde_json::{Value, json};

use super::{Border, paper};
use crate::support::OTHER_SELLER;

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_order_is_declared_matched_released_sent_taxed_and_done() {
    let border = Border::new().await;
    let buyer = border.market.identified(1).await;
    let order = border.bought(&buyer, 10, "").await;
    let waiting = border.order(&buyer, &order).await;
    let declaration = &waiting["declaration"];
    assert_eq!((&waiting["state"], &declaration["state"]), (&json!("CONFIRMED"), &json!("WAITING")));
    assert_eq!(declaration["blockers"], json!(["NO_WAYBILL"]), "it waits for something else");
    assert_eq!(declaration["nextActions"], json!(["ASK_PARTIES", "CANCEL"]));
    assert_eq!(paper(declaration, "ORDER")["state"], "ACCEPTED");
    assert_eq!(paper(declaration, "PAYMENT")["state"], "ACCEPTED");
    assert_eq!(border.book().await, (10, 0, 90), "the account book does not lock what was ordered");
    assert_eq!(border.quota(&buyer).await, ("0.00".into(), "410.00".into()));
    let seller = border.seller().await;
    let ship = json!({ "id": order["id"], "waybill": "YT0000000001" });
    assert_eq!(
        seller.refused("shipOrder", ship.clone()).await[0].0,
        "NOT_RELEASED",
        "goods leave before customs says so"
    );

    let watch = "subscription($id: ID!) { orderUpdated(id: $id) { state declaration { state } } }";
    let seen = buyer.first_event(watch, json!({ "id": order["id"] })).await;
    let expected = json!({ "state": "CONFIRMED", "declaration": { "state": "WAITING" } });
    assert_eq!(seen["data"]["orderUpdated"], expected);
    border.waybill(&order, "YT0000000001").await;
    let released = border.order(&buyer, &order).await;
    let declaration = &released["declaration"];
    assert_eq!(declaration["state"], "RELEASED", "{declaration:#}");
    let verdicts: Vec<&str> =
        declaration["matches"].as_array().unwrap().iter().map(|row| row["verdict"].as_str().unwrap()).collect();
    assert!(!verdicts.contains(&"MISMATCH") && !verdicts.contains(&"WAITING"), "{declaration:#}");
    assert!(!declaration.to_string().contains("63010319900101001X"), "a match shows a resident ID");
    let statuses: Vec<&str> = declaration["receipts"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|receipt| receipt["kind"] == "LIST")
        .map(|receipt| receipt["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["2", "120", "800"]);
    assert_eq!(declaration["taxBill"]["total"]["amount"], "37.31", "customs bills what the buyer paid (vector T1)");
    assert_eq!(declaration["taxBill"]["payableFrom"], "2026-04-01", "day 31 after the release");
    assert_eq!(border.quota(&buyer).await, ("410.00".into(), "0.00".into()), "a release uses up the allowance");
    let steps: Vec<&Value> = released["timeline"]["nodes"].as_array().unwrap().iter().map(|e| &e["step"]).collect();
    assert_eq!(steps, [&json!("PLACE"), &json!("CONFIRM"), &json!("RELEASE")]);

    seller.done("shipOrder", "order { state }", ship).await;
    assert_eq!(border.book().await, (0, 10, 90), "what left is not reduced in the account book");
    buyer.done("completeOrder", "order { state }", json!({ "id": order["id"] })).await;
    border.market.worked().await;
    let done = border.order(&buyer, &order).await;
    assert_eq!(
        paper(&done["declaration"], "WAYBILL_STATUS")["state"],
        "ACCEPTED",
        "customs does not know it was signed for"
    );
    border.market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_named_and_the_declaration_goes_on_when_it_is_there() {
    let border = Border::new().await;
    let buyer = border.market.identified(1).await;
    let operator = border.market.server.operator().await;
    // The filing is suspended: nothing is declared of the goods.
    let filings =
        border.seller().await.data("{ goodsFilings { nodes { id state legal1 { unit quantity } } } }", json!({})).await;
    let filing = &filings["goodsFilings"]["nodes"][0];
    assert_eq!(filing["legal1"], json!({ "unit": "095", "quantity": "0.5" }), "half a litre is the legal quantity");
    let decide = |decision: &str| json!({ "id": filing["id"], "decision": decision, "reason": "to be looked at" });
    operator.done("decideGoodsFiling", "filing { state }", decide("SUSPEND")).await;
    let order = border.declared(&buyer, 2, "").await;
    let stuck = border.order(&buyer, &order).await;
    assert_eq!(stuck["declaration"]["blockers"], json!(["GOODS_NOT_FILED"]));
    assert_eq!(stuck["declaration"]["nextActions"][0], "FILE_GOODS");
    assert_eq!(stuck["declaration"]["documents"], json!([]), "papers were written of goods that are not filed");
    // A day later it is overdue, and on the work list.
    let todo = "{ declarations(filter: { toDo: true }) { nodes { document state overdue nextActions } } }";
    assert_eq!(operator.data(todo, json!({})).await["declarations"]["nodes"], json!([]));
    border.market.wait(Duration::hours(25));
    api::customs::jobs::sweep(border.market.app(), border.market.app().clock().now()).await.unwrap();
    let operator = border.market.server.operator().await;
    let late = operator.data(todo, json!({})).await["declarations"]["nodes"].clone();
    assert_eq!((&late[0]["document"], &late[0]["overdue"]), (&order["number"], &json!(true)));
    // Resumed, it goes on by itself.
    operator.done("decideGoodsFiling", "filing { state }", decide("RESUME")).await;
    border.market.worked().await;
    let buyer = border.market.server.consumer(1).await;
    let gone = border.order(&buyer, &order).await;
    assert_eq!((&gone["declaration"]["state"], &gone["declaration"]["overdue"]), (&json!("RELEASED"), &json!(false)));
    assert_eq!(operator.data(todo, json!({})).await["declarations"]["nodes"], json!([]), "it stays on the work list");
    border.market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_customs_refuses_after_the_release_is_on_the_work_list_as_long_as_it_is_wanted() {
    let border = Border::new().await;
    let (buyer, operator) = (border.market.identified(1).await, border.market.server.operator().await);
    let order = border.declared(&buyer, 2, "return-refused").await;
    let next = async || border.order(&buyer, &order).await["declaration"]["nextActions"].clone();
    let todo = async || {
        let todo = "{ declarations(filter: { toDo: true }) { nodes { document } } }";
        operator.data(todo, json!({})).await["declarations"]["nodes"].clone()
    };
    assert_eq!((next().await, todo().await), (json!(["RETURN"]), json!([])));
    let request = border.asked_back(&buyer, &order, 2).await;
    border.came_back(&request).await;
    border.market.worked().await;
    assert_eq!(border.order(&buyer, &order).await["declaration"]["requests"][0]["state"], "REFUSED");
    assert_eq!(todo().await, json!([{ "document": order["number"] }]), "nobody is told that customs refuses a return");
    assert_eq!(next().await[0], "PUSH");
    buyer.done("withdrawReturn", "request { state }", json!({ "id": request })).await;
    assert_eq!((next().await, todo().await), (json!(["RETURN"]), json!([])));
    border.market.wait(Duration::days(31));
    let buyer = border.market.server.consumer(1).await;
    let late = border.order(&buyer, &order).await;
    assert_eq!(late["declaration"]["nextActions"], json!([]), "a return is offered that would be refused");
    border.market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn taken_back_before_the_release_everything_is_as_it_was() {
    let border = Border::new().await;
    let buyer = border.market.identified(1).await;
    let start = (border.book().await, border.market.stock(OTHER_SELLER, &border.variant).await);
    let cancel = |order: &Value| json!({ "id": order["id"], "reason": "不要了" });
    // Before customs has the list: at once.
    let early = border.bought(&buyer, 3, "").await;
    let taken = buyer.done("cancelOrder", "order { state }", cancel(&early)).await;
    assert_eq!(taken["order"]["state"], "CANCELLED");
    border.market.worked().await;
    assert_eq!(border.order(&buyer, &early).await["declaration"]["state"], "CANCELLED");
    // While customs looks at it: customs is asked, and agrees.
    let looked_at = border.declared(&buyer, 4, "detain-501").await;
    assert_eq!(border.order(&buyer, &looked_at).await["declaration"]["state"], "DETAINED");
    assert_eq!(buyer.refused("cancelOrder", cancel(&looked_at)).await[0].0, "ILLEGAL_TRANSITION");
    let held = border.declared(&buyer, 5, "no-end").await;
    assert_eq!(border.order(&buyer, &held).await["declaration"]["state"], "HELD");
    let asked = buyer.done("cancelOrder", "order { state }", cancel(&held)).await;
    assert_eq!(asked["order"]["state"], "CONFIRMED", "it is taken back before customs agrees");
    buyer.done("cancelOrder", "order { state }", cancel(&held)).await;
    border.market.worked().await;
    let gone = border.order(&buyer, &held).await;
    assert_eq!((&gone["state"], &gone["declaration"]["state"]), (&json!("CANCELLED"), &json!("CANCELLED")));
    let requests = gone["declaration"]["requests"].as_array().unwrap();
    assert_eq!((requests.len(), &requests[0]["state"]), (1, &json!("APPROVED")), "asked twice, it is asked once");
    assert_eq!(border.refunds(&buyer, &held).await, [22_366], "5 of 41 yuan and their taxes");
    assert_eq!(border.refunds(&buyer, &early).await.len(), 1);
    // What is detained is still held; the rest is free.
    let ((locked, reduced, available), (on_hand, reserved)) =
        (border.book().await, border.market.stock(OTHER_SELLER, &border.variant).await);
    assert_eq!((locked, reduced, available), (4, 0, start.0.2 - 4));
    assert_eq!((on_hand, reserved), (start.1.0, 4));
    assert_eq!(border.quota(&buyer).await, ("0.00".into(), "164.00".into()), "only what is detained counts");
    border.market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn given_back_in_parts_all_of_it_comes_back() {
    let border = Border::new().await;
    let buyer = border.market.identified(1).await;
    let start = (border.book().await, border.market.stock(OTHER_SELLER, &border.variant).await);
    let order = border.declared(&buyer, 10, "").await;
    let ask = |quantity: i32| json!({ "id": order["id"], "reason": "消费者退货", "lines": [{ "number": 1, "quantity": quantity }] });
    let seller = border.seller().await;
    let waybill = json!({ "id": order["id"], "waybill": "YT1" });
    seller.done("shipOrder", "order { state }", waybill).await;
    assert_eq!(buyer.refused("requestReturn", ask(11)).await[0], ("OUT_OF_RANGE".into(), "lines.0.quantity".into()));
    buyer.done("requestReturn", "order { state }", ask(3)).await;
    assert_eq!(buyer.refused("requestReturn", ask(8)).await[0].0, "OUT_OF_RANGE", "more is asked for than was bought");
    let request = |order: &Value, n: usize| order["declaration"]["requests"][n].clone();
    let first = request(&border.order(&buyer, &order).await, 0);
    assert_eq!(
        (&first["state"], &first["goodsDue"]),
        (&json!("ASKED"), &json!("2026-04-15")),
        "day 45 after the release"
    );
    let places = seller.data("{ stockLocations(first: 100) { nodes { id code } } }", json!({})).await;
    let place = places["stockLocations"]["nodes"].as_array().unwrap().iter().find(|row| row["code"] == "BW-1").unwrap();
    let inspect =
        |id: &Value, good: bool| json!({ "id": id, "locationId": place["id"], "asSold": good, "note": "完好" });
    seller.done("inspectReturn", "request { state }", inspect(&first["id"], true)).await;
    assert_eq!(seller.refused("inspectReturn", inspect(&first["id"], true)).await[0].0, "ILLEGAL_TRANSITION");
    border.market.worked().await;
    let part = border.order(&buyer, &order).await;
    assert_eq!((&part["state"], &request(&part, 0)["state"]), (&json!("SHIPPED"), &json!("APPROVED")));
    assert_eq!(border.quota(&buyer).await.0, "287.00", "three of ten are credited");
    assert_eq!(border.book().await, (0, 7, 93));
    // One that is not as it was, one that is withdrawn, and the rest.
    buyer.done("requestReturn", "order { state }", ask(2)).await;
    let second = request(&border.order(&buyer, &order).await, 1);
    seller.done("inspectReturn", "request { state }", inspect(&second["id"], false)).await;
    buyer.done("requestReturn", "order { state }", ask(7)).await;
    let third = request(&border.order(&buyer, &order).await, 2);
    buyer.done("withdrawReturn", "request { state }", json!({ "id": third["id"] })).await;
    buyer.done("requestReturn", "order { state }", ask(7)).await;
    let fourth = request(&border.order(&buyer, &order).await, 3);
    seller.done("inspectReturn", "request { state }", inspect(&fourth["id"], true)).await;
    border.market.worked().await;
    let all = border.order(&buyer, &order).await;
    assert_eq!(all["state"], "RETURNED");
    assert_eq!(border.quota(&buyer).await, ("0.00".into(), "0.00".into()));
    assert_eq!((border.book().await, border.market.stock(OTHER_SELLER, &border.variant).await), start);
    let refunds = border.refunds(&buyer, &order).await;
    assert_eq!(refunds.iter().sum::<i64>(), 44_731, "the money is not back to the fen: {refunds:?}");
    border.market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_has_its_days() {
    let border = Border::new().await;
    let buyer = border.market.identified(1).await;
    let order = border.declared(&buyer, 2, "").await;
    border.seller().await.done("shipOrder", "order { state }", json!({ "id": order["id"], "waybill": "YT1" })).await;
    let ask = json!({ "id": order["id"], "reason": "退货", "lines": [{ "number": 1, "quantity": 1 }] });
    // Released on 1 March at 16:00 of Beijing: day 30 is the 31st, to its end.
    border.market.wait(Duration::days(30) + Duration::hours(7));
    let buyer = border.market.server.consumer(1).await;
    buyer.done("requestReturn", "order { state }", ask.clone()).await;
    border.market.wait(Duration::hours(2));
    let buyer = border.market.server.consumer(1).await;
    assert_eq!(buyer.refused("requestReturn", ask).await[0].0, "RETURN_TOO_LATE");
    // Its goods do not come until the end of day 45.
    border.market.wait(Duration::days(15));
    api::customs::jobs::sweep(border.market.app(), border.market.app().clock().now()).await.unwrap();
    let buyer = border.market.server.consumer(1).await;
    let late = border.order(&buyer, &order).await;
    assert_eq!(late["declaration"]["requests"][0]["state"], "FAILED", "{late:#}");
    border.market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_carrier_that_a_program_reaches_the_whole_way_goes_by_itself() {
    let settings = [("CHAMA_LOGISTICS_SIMULATOR_ENABLED", "true"), ("CHAMA_LOGISTICS_SIMULATOR_STEP_MS", "1000")];
    let border = Border::with(&settings, json!({})).await;
    let carrier = border.market.server.seller(super::CARRIER).await;
    carrier.done("setCarrier", "carrier { setting { adapter } }", json!({ "adapter": "SIMULATOR" })).await;
    let buyer = border.market.identified(1).await;
    let parcel = "query($id: ID!) { order(id: $id) { state shipment { id state waybill } declaration { state } } }";
    let order = border.bought(&buyer, 2, "inspect").await;
    let seen = async |client: &crate::support::Client| {
        client.data(parcel, json!({ "id": order["id"] })).await["order"].clone()
    };
    let released = seen(&buyer).await;
    assert_eq!(released["declaration"]["state"], "RELEASED", "{released:#}");
    assert!(released["shipment"]["waybill"].as_str().is_some(), "the carrier gave no number");
    let seller = border.seller().await;
    let ship = json!({ "id": order["id"], "waybill": "X" });
    assert_eq!(seller.refused("shipOrder", ship).await[0].0, "ILLEGAL_TRANSITION", "it leaves beside the gate");
    let id = released["shipment"]["id"].clone();
    let pack = json!({ "id": id, "units": [{ "weightG": 1_800 }] });
    seller.done("packShipment", "shipment { state }", pack).await;
    seller.done("gateOut", "shipment { state }", json!({ "id": id, "weighedG": 1_800 })).await;
    border.market.worked().await;
    assert_eq!(seen(&buyer).await["state"], "SHIPPED");
    assert_eq!(border.book().await, (0, 2, 98));
    for _ in 0..12 {
        border.market.wait(Duration::seconds(2));
        border.market.worked().await;
    }
    let buyer = border.market.server.consumer(1).await;
    let done = seen(&buyer).await;
    assert_eq!((&done["state"], &done["shipment"]["state"]), (&json!("COMPLETED"), &json!("SIGNED")), "{done:#}");
    let told = border.order(&buyer, &order).await;
    assert_eq!(paper(&told["declaration"], "WAYBILL_STATUS")["state"], "ACCEPTED");

    // Released, and given back before it was sent off: its parcel stays, and everything is free again.
    let before = border.book().await;
    let unsent = border.bought(&buyer, 1, "").await;
    let asked = border.asked_back(&buyer, &unsent, 1).await;
    border.came_back(&asked).await;
    border.market.worked().await;
    let back = buyer.data(parcel, json!({ "id": unsent["id"] })).await["order"].clone();
    assert_eq!((&back["state"], &back["shipment"]["state"]), (&json!("RETURNED"), &json!("CANCELLED")));
    assert_eq!(border.book().await, before);

    // Taken back before the release, its parcel does not go either.
    let held = border.bought(&buyer, 1, "no-end").await;
    buyer.done("cancelOrder", "order { state }", json!({ "id": held["id"], "reason": "不要了" })).await;
    border.market.worked().await;
    let gone = buyer.data(parcel, json!({ "id": held["id"] })).await["order"].clone();
    assert_eq!((&gone["state"], &gone["shipment"]["state"]), (&json!("CANCELLED"), &json!("CANCELLED")));
    border.market.adds_up().await;
}
