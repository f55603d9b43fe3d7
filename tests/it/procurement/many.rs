//! Many who receive at the same moment: of one line no more comes than may, of one receipt no more is accepted than
//! came, of two steps that do not go together one is taken. Every answer is looked at, and the stock adds up.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{
    Desk, Line, RECEIPT, line, over,
    receipts::{lying, there, tolerating},
};
use crate::support::{Client, thorough};

/// How many ask at the same moment.
const CLIENTS: usize = 64;

/// What a mutation answered: done, or the one refusal with its field.
fn answer(payload: &Value) -> Result<&Value, (String, String)> {
    let errors = payload["userErrors"].as_array().expect("errors");
    let Some(error) = errors.first() else { return Ok(payload) };
    assert_eq!(errors.len(), 1, "{payload}");
    let field: Vec<&str> = error["field"].as_array().unwrap().iter().map(|step| step.as_str().unwrap()).collect();
    Err((error["code"].as_str().unwrap().to_owned(), field.join(".")))
}

/// What a refusal says may still be.
fn max(payload: &Value) -> i64 {
    let details = payload["userErrors"][0]["details"].as_array().unwrap();
    let max = details.iter().find(|detail| detail["name"] == "max").expect("a maximum");
    max["value"].as_str().unwrap().parse().unwrap()
}

/// Clients that all begin at once, each asking one after the other; what was asked, and the payloads.
async fn all_at_once(client: &Client, mutation: &'static str, asked: Vec<Vec<Value>>) -> Vec<(Value, Value)> {
    let barrier = std::sync::Arc::new(tokio::sync::Barrier::new(asked.len()));
    let tasks = asked.into_iter().map(|inputs| {
        let (client, barrier) = (client.clone(), barrier.clone());
        tokio::spawn(async move {
            let selection = format!("goodsReceipt {{ {RECEIPT} }}");
            barrier.wait().await;
            let mut answers = Vec::with_capacity(inputs.len());
            for input in inputs {
                let payload = client.payload(mutation, &selection, input.clone()).await;
                answers.push((input, payload));
            }
            answers
        })
    });
    let tasks: Vec<_> = tasks.collect();
    join_all(tasks).await.into_iter().flat_map(|answers| answers.expect("a client broke down")).collect()
}

fn n(value: &Value) -> i64 {
    value.as_i64().unwrap()
}

/// All receipts of an order, whatever page they are on.
async fn receipts_of(desk: &Desk, order: &Value) -> Vec<Value> {
    let query = "query($f: GoodsReceiptFilter, $a: String) { goodsReceipts(filter: $f, first: 100, after: $a) { \
                 nodes { number state lines { nodes { delivered accepted } } } pageInfo { hasNextPage endCursor } } }";
    let (client, mut after, mut all) = (desk.purchaser().await, Value::Null, Vec::new());
    loop {
        let variables = json!({ "f": { "orderId": order["id"] }, "a": after });
        let page = client.data(query, variables).await["goodsReceipts"].clone();
        all.extend(page["nodes"].as_array().unwrap().iter().cloned());
        if page["pageInfo"]["hasNextPage"] == false {
            return all;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_who_receive_one_line_never_take_in_more_than_may_come() {
    let times = if thorough() { 20 } else { 2 };
    // What all of them would like to take in is about twice what may come.
    let ordered = 100 * i64::try_from(times).unwrap();
    let most = ordered + ordered / 20;
    let desk = Desk::new().await;
    tolerating(&desk, 50_000).await;
    let order = desk.acknowledged_order(&[line(ordered, "1.00")]).await;
    let receiver = desk.receiver().await;
    let asked = (0..CLIENTS).map(|client| {
        let one = |time: usize| {
            let quantity = i64::try_from((client + time) % 5 + 1).unwrap();
            // Every other one is looked at as it comes.
            let more = json!({ "inspected": (client + time).is_multiple_of(2), "deliveryNote": format!("SH-{client}-{time}") });
            desk.receiving(&order, &[(0, quantity)], more)
        };
        (0..times).map(one).collect()
    });
    let answers = all_at_once(&receiver, "postGoodsReceipt", asked.collect()).await;
    assert_eq!(answers.len(), CLIENTS * times);

    let (mut came, mut accepted, mut refused) = (0, 0, 0);
    let mut numbers = BTreeSet::new();
    for (input, payload) in &answers {
        let asked = n(&input["lines"][0]["delivered"]);
        match answer(payload) {
            Ok(done) => {
                let receipt = &done["goodsReceipt"];
                let lines = receipt["lines"]["nodes"].as_array().unwrap();
                assert_eq!((lines.len(), n(&lines[0]["delivered"])), (1, asked), "another receipt than was asked for");
                let good = if input["inspected"] == true { asked } else { 0 };
                assert_eq!(n(&lines[0]["accepted"]), good, "{receipt}");
                assert!(numbers.insert(receipt["number"].to_string()), "two receipts have one number");
                came += asked;
                accepted += good;
            }
            Err(refusal) => {
                assert_eq!(refusal, ("OVER_RECEIPT".to_owned(), "lines.0.delivered".to_owned()));
                assert!(max(payload) < asked, "refused although it may come: {payload}");
                refused += 1;
            }
        }
    }
    assert!(refused > 0, "nobody was refused: the test is too small");
    let line_now = |order: &Value| order["lines"]["nodes"][0].clone();
    let after = line_now(&desk.order(&order).await);
    assert_eq!(
        (n(&after["received"]), n(&after["accepted"])),
        (came, accepted),
        "the order counts other than was answered"
    );
    assert!(came <= most, "{came} came of {ordered}, and {most} may");
    // Whoever was refused wanted more than may come; what may still come can.
    while came < most {
        let payload = receiver.payload("postGoodsReceipt", "", desk.receiving(&order, &[(0, 1)], json!({}))).await;
        assert_eq!(answer(&payload).map(|_| ()), Ok(()), "a false over-receipt at {came}");
        came += 1;
    }
    let payload = receiver.payload("postGoodsReceipt", "", desk.receiving(&order, &[(0, 1)], json!({}))).await;
    assert_eq!(answer(&payload).map(|_| ()).unwrap_err().0, "OVER_RECEIPT");
    assert_eq!(max(&payload), 0);
    assert_eq!(n(&line_now(&desk.order(&order).await)["received"]), most);

    // The receipts, the order and the shelves say the same.
    let all = receipts_of(&desk, &order).await;
    let sum = |field: &str| all.iter().map(|row| n(&row["lines"]["nodes"][0][field])).sum::<i64>();
    assert_eq!((sum("delivered"), sum("accepted")), (most, accepted), "a refused receipt is there, or one is missing");
    let mut expected = there(&[("@QC", most - accepted), ("PO-1", accepted)]);
    expected.retain(|_, pieces| *pieces != 0);
    assert_eq!(lying(&desk, 0).await, expected);
    desk.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_lines_in_opposite_orders_do_not_embrace_and_neither_takes_more_than_may_come() {
    let desk = Desk::new().await;
    let lines = [line(60, "1.00"), Line { item: 1, ..line(60, "1.00") }];
    let order = desk.acknowledged_order(&lines).await;
    let receiver = desk.receiver().await;
    let asked = (0..CLIENTS).map(|client| {
        let both = if client % 2 == 0 { [(0, 2), (1, 1)] } else { [(1, 2), (0, 1)] };
        vec![desk.receiving(&order, &both, json!({ "inspected": true }))]
    });
    let (mut came, mut refused) = ([0, 0], 0);
    for (input, payload) in all_at_once(&receiver, "postGoodsReceipt", asked.collect()).await {
        match answer(&payload) {
            Ok(_) => {
                for line in input["lines"].as_array().unwrap() {
                    let which = usize::from(line["orderLineId"] != order["lines"]["nodes"][0]["id"]);
                    came[which] += n(&line["delivered"]);
                }
            }
            Err((code, field)) => {
                assert_eq!(code, "OVER_RECEIPT", "{payload}");
                assert!(field == "lines.0.delivered" || field == "lines.1.delivered", "{field}");
                refused += 1;
            }
        }
    }
    let after = desk.order(&order).await;
    let received = [0, 1].map(|which: usize| n(&after["lines"]["nodes"][which]["received"]));
    assert_eq!(received, came, "half of a refused receipt came");
    assert!(came.iter().all(|pieces| *pieces <= 60), "{came:?}");
    assert!(refused > 0, "nobody was refused: the test is too small");
    for (item, pieces) in came.into_iter().enumerate() {
        assert_eq!(lying(&desk, item).await, there(&[("PO-1", pieces)]));
    }
    desk.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_orders_of_the_same_goods_do_not_embrace_whatever_becomes_of_them() {
    const EACH: usize = 8;
    let rounds = if thorough() { 20 } else { 3 };
    let desk = Desk::new().await;
    let mut orders = Vec::new();
    for _ in 0..2 {
        orders.push(desk.acknowledged_order(&[line(10_000, "1.00")]).await);
    }
    let receiver = desk.receiver().await;
    for round in 0..rounds {
        let mut asked: Vec<(&'static str, Value)> = Vec::new();
        for order in &orders {
            for _ in 0..EACH {
                let waiting = desk.delivered(order, &[(0, 2)]).await;
                let found = json!({ "lineId": waiting["lines"]["nodes"][0]["id"], "accepted": 2 });
                asked.push(("inspectGoodsReceipt", json!({ "id": waiting["id"], "lines": [found] })));
                let wrong = desk.received(order, &[(0, 1)]).await;
                let reversing = json!({ "id": wrong["id"], "expectedVersion": wrong["version"], "reason": "录错单" });
                asked.push(("reverseGoodsReceipt", reversing));
                asked.push(("postGoodsReceipt", desk.receiving(order, &[(0, 1)], json!({ "inspected": true }))));
            }
        }
        let barrier = std::sync::Arc::new(tokio::sync::Barrier::new(asked.len()));
        let tasks = asked.into_iter().map(|(mutation, input)| {
            let (client, barrier) = (receiver.clone(), barrier.clone());
            tokio::spawn(async move {
                barrier.wait().await;
                (mutation, client.payload(mutation, "", input).await)
            })
        });
        let tasks: Vec<_> = tasks.collect();
        for task in join_all(tasks).await {
            let (mutation, payload) = task.expect("a client broke down");
            assert_eq!(answer(&payload).map(|_| ()), Ok(()), "round {round}: {mutation}");
        }
    }
    let pieces = i64::try_from(rounds * EACH).unwrap() * 3;
    for order in &orders {
        let after = &desk.order(order).await["lines"]["nodes"][0];
        assert_eq!(["received", "accepted", "rejected"].map(|field| n(&after[field])), [pieces, pieces, 0]);
    }
    assert_eq!(lying(&desk, 0).await, there(&[("PO-1", 2 * pieces)]));
    desk.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_of_a_lot_comes_by_many_at_once_and_none_is_sent_away() {
    let desk = Desk::new().await;
    let lines = [line(1_000, "1.00"), Line { item: 1, ..line(1_000, "1.00") }];
    let orders = [desk.acknowledged_order(&lines).await, desk.acknowledged_order(&lines).await];
    let receiver = desk.receiver().await;
    let asked = (0..CLIENTS).map(|client| {
        let both = if client % 4 < 2 { [(0, 1), (1, 1)] } else { [(1, 1), (0, 1)] };
        let mut input = desk.receiving(&orders[client % 2], &both, json!({ "inspected": true }));
        for line in input["lines"].as_array_mut().unwrap() {
            line["lot"] = json!("L-1");
        }
        vec![input]
    });
    for (_, payload) in all_at_once(&receiver, "postGoodsReceipt", asked.collect()).await {
        assert_eq!(answer(&payload).map(|_| ()), Ok(()), "of two that bring a new lot one is sent away");
    }
    let pieces = i64::try_from(CLIENTS).unwrap();
    for item in 0..2 {
        assert_eq!(lying(&desk, item).await, there(&[("PO-1", pieces)]));
    }
    desk.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_one_receipt_no_more_is_accepted_and_rejected_than_came_however_many_look_at_it() {
    let desk = Desk::new().await;
    let order = desk.acknowledged_order(&[line(100, "1.00")]).await;
    let receiver = desk.receiver().await;
    let receipt = desk.delivered(&order, &[(0, 100)]).await;
    let of = receipt["lines"]["nodes"][0]["id"].clone();
    let looking = |accepted: i64, rejected: i64| {
        let line = json!({ "lineId": of, "accepted": accepted, "rejected": rejected, "reason": "QUALITY" });
        json!({ "id": receipt["id"], "lines": [line] })
    };
    let asked = (0..CLIENTS).map(|client| {
        let more = i64::try_from(client % 3).unwrap();
        vec![looking(more + 1, more / 2), looking(1, 1)]
    });
    let (mut accepted, mut rejected, mut done, mut refused) = (0, 0, 0, 0);
    for (input, payload) in all_at_once(&receiver, "inspectGoodsReceipt", asked.collect()).await {
        let line = &input["lines"][0];
        match answer(&payload) {
            Ok(_) => {
                accepted += n(&line["accepted"]);
                rejected += n(&line["rejected"]);
                done += 1;
            }
            Err((code, field)) => {
                assert_eq!(code, "OUT_OF_RANGE", "{payload}");
                let asked = field.strip_prefix("lines.0.").expect("a field of the line");
                assert!(max(&payload) < n(&line[asked]), "refused although there is as much: {payload}");
                refused += 1;
            }
        }
    }
    assert!(refused > 0, "nobody was refused: the test is too small");
    assert!(accepted + rejected <= 100, "{accepted} and {rejected} of 100");
    let left = 100 - accepted - rejected;
    if left > 0 {
        let payload = receiver.payload("inspectGoodsReceipt", "", looking(left, 0)).await;
        assert_eq!(answer(&payload).map(|_| ()), Ok(()), "there is still something to look at");
        accepted += left;
        done += 1;
    }
    let after = &desk.order(&order).await["lines"]["nodes"][0];
    let counted = ["received", "accepted", "rejected"].map(|field| n(&after[field]));
    assert_eq!(counted, [100, accepted, rejected]);
    let query = "lines { nodes { accepted rejected uninspected } } \
                 inspections(first: 100) { nodes { accepted rejected } pageInfo { hasNextPage } }";
    let seen = desk.one(&receiver, "goodsReceipt", &receipt["id"], query).await;
    let line_now = json!([{ "accepted": accepted, "rejected": rejected, "uninspected": 0 }]);
    assert_eq!(seen["lines"]["nodes"], line_now);
    assert_eq!(seen["inspections"]["pageInfo"]["hasNextPage"], false);
    let notes = seen["inspections"]["nodes"].as_array().unwrap();
    let sum = |field: &str| notes.iter().map(|note| n(&note[field])).sum::<i64>();
    assert_eq!((notes.len(), sum("accepted"), sum("rejected")), (done, accepted, rejected));
    let mut expected = there(&[("@QC", rejected), ("PO-1", accepted)]);
    expected.retain(|_, pieces| *pieces != 0);
    assert_eq!(lying(&desk, 0).await, expected);
    desk.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_back_and_taken_back_at_the_same_moment_goes_once() {
    let rounds = if thorough() { 60 } else { 8 };
    let desk = Desk::new().await;
    let order = desk.acknowledged_order(&[line(10 * rounds, "1.00")]).await;
    let receiver = desk.receiver().await;
    let mut kept = 0;
    for round in 0..rounds {
        let receipt = desk.delivered(&order, &[(0, 10)]).await;
        let of = receipt["lines"]["nodes"][0]["id"].clone();
        let found = json!({ "lineId": of, "accepted": 6, "rejected": 4, "reason": "DAMAGED" });
        let found = json!({ "id": receipt["id"], "lines": [found] });
        let seen = receiver.done("inspectGoodsReceipt", &format!("goodsReceipt {{ {RECEIPT} }}"), found).await;
        let back = json!({ "id": receipt["id"], "lines": [{ "lineId": of, "quantity": 4 }] });
        let version = seen["goodsReceipt"]["version"].clone();
        let reversing = json!({ "id": receipt["id"], "expectedVersion": version, "reason": "录错单" });
        let racers = (0..6).map(|racer| {
            // The same word by word under one id is one request: these are not.
            let note = json!({ "clientMutationId": format!("{round}-{racer}") });
            match racer % 2 {
                0 => ("returnToSupplier", over(back.clone(), note)),
                _ => ("reverseGoodsReceipt", over(reversing.clone(), note)),
            }
        });
        let tasks = racers.map(|(mutation, input)| {
            let client = receiver.clone();
            tokio::spawn(async move { (mutation, client.payload(mutation, "", input).await) })
        });
        let tasks: Vec<_> = tasks.collect();
        let mut won: BTreeMap<&str, usize> = BTreeMap::new();
        for task in tasks {
            let (mutation, payload) = task.await.unwrap();
            match answer(&payload) {
                Ok(_) => *won.entry(mutation).or_default() += 1,
                Err((code, _)) => {
                    let lawful = ["OUT_OF_RANGE", "ILLEGAL_TRANSITION", "STALE_VERSION", "IN_USE"];
                    assert!(lawful.contains(&code.as_str()), "round {round}: {payload}");
                }
            }
        }
        let read = "state lines { nodes { accepted rejected returned } }";
        let after = desk.one(&receiver, "goodsReceipt", &receipt["id"], read).await;
        let returned = n(&after["lines"]["nodes"][0]["returned"]);
        match won.into_iter().collect::<Vec<_>>()[..] {
            [("returnToSupplier", 1)] => {
                assert_eq!((&after["state"], returned), (&json!("POSTED"), 4), "round {round}");
                kept += 1;
            }
            [("reverseGoodsReceipt", 1)] => {
                assert_eq!((&after["state"], returned), (&json!("REVERSED"), 0), "round {round}");
            }
            ref other => panic!("round {round}: {other:?} were done of what can be done once"),
        }
    }
    let after = &desk.order(&order).await["lines"]["nodes"][0];
    let counted = ["received", "accepted", "rejected", "returned"].map(|field| n(&after[field]));
    assert_eq!(counted, [10 * kept, 6 * kept, 4 * kept, 4 * kept]);
    let mut expected = there(&[("PO-1", 6 * kept)]);
    expected.retain(|_, pieces| *pieces != 0);
    assert_eq!(lying(&desk, 0).await, expected);
    desk.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_sends_its_receipt_many_times_at_once_delivers_once() {
    let desk = Desk::new().await;
    let order = desk.acknowledged_order(&[line(100, "1.00")]).await;
    let receiver = desk.receiver().await;
    let input = desk.receiving(&order, &[(0, 5)], json!({ "clientRef": "pda-7:1", "inspected": true }));
    let asked = vec![vec![input]; CLIENTS];
    let mut ids = BTreeSet::new();
    for (_, payload) in all_at_once(&receiver, "postGoodsReceipt", asked).await {
        let done = answer(&payload).unwrap_or_else(|refusal| panic!("{refusal:?}"));
        ids.insert(done["goodsReceipt"]["id"].as_str().unwrap().to_owned());
    }
    assert_eq!(ids.len(), 1, "it came more than once");
    assert_eq!(n(&desk.order(&order).await["lines"]["nodes"][0]["received"]), 5);
    assert_eq!(lying(&desk, 0).await, there(&[("PO-1", 5)]));
    desk.adds_up().await;
}
