//! What stands in slots: lawful, promised, one to a facing.

use std::sync::Arc;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_piece_on_a_shelf_is_promised_for_as_long_as_it_stands_there() {
    let house = House::new().await;
    let (offer, variant) = house.bonded("tea", "100.00", 5).await;
    let sample = json!({ "unitClass": "SAMPLE", "serial": "S-1" });
    let input = house.installing("A1", &offer, sample.clone());
    assert_eq!(house.staff.refused("installDisplay", input).await, [("OUT_OF_STOCK".into(), "balanceId".into())]);
    house.stocked("SAMPLE", &variant, 2).await;
    let first = house.install("A1", &offer, sample.clone()).await;
    assert_eq!((&first["facing"], house.pieces(&variant).await), (&json!(1), (2, 1)));
    // The same piece cannot stand somewhere else, another can.
    let twice = house.installing("A2", &offer, sample.clone());
    assert_eq!(house.staff.refused("installDisplay", twice).await, [("ALREADY_TAKEN".into(), "serial".into())]);
    let second = house.install("A1", &offer, json!({ "unitClass": "SAMPLE", "serial": "S-2" })).await;
    assert_eq!((&second["facing"], house.pieces(&variant).await), (&json!(2), (2, 2)));
    let third = house.installing("A3", &offer, json!({ "unitClass": "SAMPLE" }));
    assert_eq!(house.staff.refused("installDisplay", third).await, [("OUT_OF_STOCK".into(), "balanceId".into())]);
    // What stands on a shelf does not go anywhere.
    let stock = "query($v: ID!) { stock(variantId: $v) { nodes { id location { id } available } } }";
    let rows = house.owner().await.data(stock, json!({ "v": variant })).await["stock"]["nodes"].clone();
    let away = json!({ "showroomId": house.showroom, "balanceId": rows[0]["id"], "to": "DAMAGED", "quantity": 1, "document": "T" });
    let refused = house.staff.refused("changeUnitClass", away).await;
    assert_eq!(refused, [("OUT_OF_STOCK".into(), "quantity".into()), ("IN_USE".into(), "balanceId".into())]);
    // A facing has one; another takes its place when that is asked for, and its piece is free again.
    let taken = house.installing("A1", &offer, json!({ "facing": 1 }));
    assert_eq!(house.staff.refused("installDisplay", taken).await, [("ALREADY_TAKEN".into(), "facing".into())]);
    house.install("A1", &offer, json!({ "facing": 1, "replace": true })).await;
    assert_eq!(house.pieces(&variant).await, (2, 1));
    house.staff.done("removeDisplay", "display { state endedAt }", json!({ "id": second["id"] })).await;
    assert_eq!(house.pieces(&variant).await, (2, 0));
    let again = json!({ "id": second["id"] });
    assert_eq!(house.staff.refused("removeDisplay", again).await, [("ILLEGAL_TRANSITION".into(), "id".into())]);
    let beyond = house.installing("A1", &offer, json!({ "facing": 3 }));
    assert_eq!(house.staff.refused("installDisplay", beyond).await, [("OUT_OF_RANGE".into(), "facing".into())]);
    let states = house.inside(&house.staff, "displays { nodes { state } }").await["displays"]["nodes"].clone();
    let states: Vec<&str> = states.as_array().unwrap().iter().map(|row| row["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["INSTALLED", "REMOVED", "REPLACED"]);
    house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bonded_goods_are_picked_up_with_an_approval_of_customs_only() {
    let house = House::new().await;
    let (offer, variant) = house.bonded("tea", "100.00", 5).await;
    let input = json!({ "code": "BW-9", "kind": "BONDED_WAREHOUSE", "name": "仓" });
    let warehouse = house.hq.done("createStockLocation", "location { id }", input).await["location"]["id"].clone();
    let line = json!({ "variantId": variant, "quantity": 3, "customsStatus": "BONDED" });
    house.hq.done("receiveStock", "", json!({ "locationId": warehouse, "document": "X", "lines": [line] })).await;
    house.hq.done("changeShowroom", "", json!({ "id": house.showroom, "bondedWarehouseId": warehouse })).await;
    let piece = json!({ "pattern": "BACK_WAREHOUSE", "unitClass": "BONDED_STOCK" });
    let refused = house.staff.refused("installDisplay", house.installing("A1", &offer, piece.clone())).await;
    assert_eq!(refused, [("NOT_ALLOWED_HERE".into(), "pattern".into())]);
    house.hq.done("changeShowroom", "", json!({ "id": house.showroom, "approvalNo": "西关〔2026〕1号" })).await;
    let display = house.install("A1", &offer, piece).await;
    assert_eq!(house.pieces(&variant).await, (3, 1));
    // What stands there was lawful with the approval: it is not taken away under it.
    let without = json!({ "id": house.showroom, "approvalNo": "" });
    assert_eq!(
        house.hq.refused("changeShowroom", without.clone()).await,
        [("NOT_ALLOWED_HERE".into(), "approvalNo".into())]
    );
    house.staff.done("removeDisplay", "", json!({ "id": display["id"] })).await;
    house.hq.done("changeShowroom", "", without).await;
    // What does not fit together is said at once.
    let wrong = json!({ "pattern": "DUTY_PAID_RETAIL", "unitClass": "BONDED_STOCK" });
    let refused = house.staff.refused("installDisplay", house.installing("A1", &offer, wrong)).await;
    assert_eq!(refused, [("INVALID_VALUE".into(), "unitClass".into()), ("INVALID_VALUE".into(), "offerId".into())]);
    let none = json!({ "pattern": "BONDED_DISPLAY" });
    let refused = house.staff.refused("installDisplay", house.installing("A1", &offer, none)).await;
    assert_eq!(refused, [("REQUIRED".into(), "unitClass".into()), ("INVALID_VALUE".into(), "offerId".into())]);
    house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_who_put_something_into_one_facing_one_does() {
    let house = Arc::new(House::new().await);
    let (offer, variant) = house.bonded("tea", "100.00", 5).await;
    house.stocked("SAMPLE", &variant, 60).await;
    let offer = Arc::new(offer);
    let tries = (0..50).map(|n| {
        let (house, offer) = (house.clone(), offer.clone());
        tokio::spawn(async move {
            let more = json!({ "facing": 1, "unitClass": "SAMPLE", "serial": format!("S-{n}") });
            let input = house.installing("B1", &offer, more);
            let answer = house.staff.payload("installDisplay", "display { id }", input).await;
            match answer["userErrors"].as_array().unwrap().as_slice() {
                [] => true,
                [error] => {
                    assert_eq!(error["code"], "ALREADY_TAKEN", "{error}");
                    false
                }
                other => panic!("{other:?}"),
            }
        })
    });
    let mut done = 0;
    for one in tries.collect::<Vec<_>>() {
        done += i32::from(one.await.unwrap());
    }
    assert_eq!((done, house.pieces(&variant).await), (1, (60, 1)));
    house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_planograms_that_come_into_force_at_once_one_is_in_force() {
    let house = Arc::new(House::new().await);
    let mut drafts = Vec::new();
    for n in 0..50 {
        let input = json!({ "showroomId": house.showroom, "name": format!("P{n}"), "positions": [] });
        let made = house.manager.done("draftPlanogram", "planogram { id }", input).await;
        drafts.push(made["planogram"]["id"].clone());
    }
    let tries = drafts.into_iter().map(|id| {
        let house = house.clone();
        tokio::spawn(async move {
            let step = json!({ "id": id, "expectedVersion": 1 });
            let answer = house.manager.payload("activatePlanogram", "planogram { state }", step).await;
            match answer["userErrors"].as_array().unwrap().as_slice() {
                [] => {
                    assert_eq!(answer["planogram"]["state"], "ACTIVE", "{answer}");
                    true
                }
                [error] => {
                    assert_eq!(error["code"], "STALE_VERSION", "{error}");
                    false
                }
                other => panic!("{other:?}"),
            }
        })
    });
    let mut done = 0;
    for one in tries.collect::<Vec<_>>() {
        done += usize::from(one.await.unwrap());
    }
    assert!(done > 0, "all of them were refused");
    // Each that came into force had its turn, and made way for the next; what was refused is as it was.
    let all = house.inside(&house.staff, "planograms(first: 50) { nodes { state activatedAt retiredAt } }").await;
    let all = all["planograms"]["nodes"].as_array().unwrap();
    let of = |state: &str| all.iter().filter(|row| row["state"] == state).count();
    assert_eq!((of("ACTIVE"), of("RETIRED"), of("DRAFT")), (1, done - 1, 50 - done));
    for row in all {
        let (was, over) = (row["state"] != "DRAFT", row["state"] == "RETIRED");
        assert_eq!((row["activatedAt"].is_string(), row["retiredAt"].is_string()), (was, over), "{row}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_says_what_goods_cost_with_their_taxes_and_what_is_little_runs_low() {
    let house = House::new().await;
    let (tea, _) = house.bonded("tea", "100.00", 5).await;
    let (salt, salt_variant) = house.bonded("salt", "10.00", 3).await;
    let tag = |amount: &str| json!({ "tag": { "amount": amount, "currency": "CNY" } });
    let gaps = async || {
        let found = house.inside(&house.staff, "gaps { kind pieces slot { code } }").await["gaps"].clone();
        let mut found = found.as_array().unwrap().clone();
        found.sort_by_key(ToString::to_string);
        found
    };
    let gap = |kind: &str, slot: &str| json!({ "kind": kind, "pieces": 1, "slot": { "code": slot } });
    // 13 % of 100.00, of that 70 %: 9.10 of taxes.
    house.install("A1", &tea, tag("109.10")).await;
    assert_eq!(gaps().await, Vec::<Value>::new(), "a tag that is right is said to be wrong");
    let old = house.install("A2", &tea, tag("100.00")).await;
    house.install("A3", &salt, tag("10.91")).await;
    assert_eq!(gaps().await, [gap("RUNNING_LOW", "A3"), gap("STALE_PRICE", "A2")]);
    // What the house prints by itself is what it costs now.
    let printed = house.staff.done("retagDisplay", "display { tag { amount } }", json!({ "id": old["id"] })).await;
    assert_eq!(printed["display"]["tag"]["amount"], "109.10");
    house.market.stocked(SELLER, &salt_variant, "BW-1", 1).await;
    assert_eq!(gaps().await, Vec::<Value>::new(), "four are not little");
    house.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_bonded_is_had_from_where_it_is_shown() {
    let house = House::new().await;
    let operator = house.market.server.operator().await;
    let store = house.market.server.organisation(STORE).await;
    let sells = json!({ "id": store, "roles": ["SHOWROOM_OPERATOR", "SELLER"] });
    operator.done("assignOrganisationRoles", "", sells).await;
    let (offer, variant) = {
        let cup = Sale::domestic(STORE, "cup", "20.00", 0);
        house.market.sold(Sale { hs: "2201101000", ..cup }).await
    };
    let zone = json!({ "code": "ZONE", "kind": "BONDED_WAREHOUSE", "name": "zone" });
    let zone = house.hq.done("createStockLocation", "location { id }", zone).await["location"]["id"].clone();
    let line = json!({ "variantId": variant, "quantity": 5, "customsStatus": "BONDED" });
    house.hq.done("receiveStock", "", json!({ "locationId": zone, "document": "IN-1", "lines": [line] })).await;
    let query = "query($l: ID!) { stock(locationId: $l) { nodes { id } } }";
    let balance = house.hq.data(query, json!({ "l": zone })).await["stock"]["nodes"][0]["id"].clone();
    let guarantee = json!({ "organisationId": store, "amount": { "amount": "10000.00", "currency": "CNY" },
        "reference": "LG-1" });
    operator.done("depositDisplayGuarantee", "", guarantee).await;
    let asked = json!({ "showroomId": house.showroom, "balanceId": balance, "quantity": 5, "returnBy": "2026-03-20",
        "unitPrice": { "amount": "80.00", "currency": "CNY" }, "applicationNumber": "C97012026000001" });
    let display = house.hq.done("applyBondedDisplay", "display { id }", asked).await["display"]["id"].clone();
    house.hq.done("lockBondedDisplay", "", json!({ "id": display })).await;
    let out = json!({ "id": display, "outboundNumber": "CRK-1", "passNumber": "HF-1" });
    house.hq.done("gateOutBondedDisplay", "", out).await;
    let kinds = async || {
        let found = house.inside(&house.staff, "gaps { kind }").await["gaps"].clone();
        found.as_array().unwrap().iter().map(|gap| gap["kind"].clone()).collect::<Vec<_>>()
    };
    // One stands in a slot, four can be sold.
    let piece = json!({ "pattern": "BONDED_DISPLAY", "unitClass": "BONDED_DISPLAY" });
    house.install("A1", &offer, piece.clone()).await;
    assert_eq!(kinds().await, Vec::<Value>::new(), "what lies in the store is said to be short");
    house.install("A2", &offer, piece).await;
    assert_eq!(kinds().await, ["RUNNING_LOW", "RUNNING_LOW"]);
    house.adds_up().await;
}
