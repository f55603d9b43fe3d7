//! Whole documents: many lines held, confirmed, shipped or let go at once.

use api::platform::meter::Meter;
use entities::{inventory::ReservationStep, values::Refusal};

use super::*;

impl Shelf {
    fn of(&self, variant: VariantId, quantity: i64) -> Wanted<'_> {
        Wanted { variant, ..self.wanted(quantity) }
    }
}

fn of_document(document: &str, until: DateTime<Utc>) -> Purpose<'_> {
    Purpose { kind: ReservationKind::Order, document, key: document, until }
}

fn refusal(error: Error) -> Refusal {
    match error {
        Error::Refused(refusals) => refusals.into_iter().next().unwrap(),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_lines_take_as_many_statements_as_one() {
    let house = House::new().await;
    let back = house.location("BACK", "DUTY_PAID_WAREHOUSE").await;
    let variants = house.variants(200).await;
    house.stocked(&back, &variants, 10, "DUTY_PAID").await;
    let (shelf, customer, app) = (house.shelf().await, house.customer().await, &house.server.app);
    let (now, by) = (app.clock().now(), By { actor: "test", at: app.clock().now() });
    let mut took: Vec<Vec<u64>> = Vec::new();
    // Locked beforehand when there are several: one line of one balance is tried without.
    for (n, lines) in [2, 200].into_iter().enumerate() {
        let (sold, gone) = (format!("sold-{n}"), format!("gone-{n}"));
        let wants: Vec<Wanted<'_>> = variants[..lines].iter().map(|id| shelf.of(*id, 2)).collect();
        let until = now + Duration::minutes(15);
        let meters: Vec<Meter> = (0..6).map(|_| Meter::default()).collect();
        let tx = app.db().begin().await.unwrap();
        let held = meters[0].measure(promises::hold_all(&tx, now, &wants, of_document(&sold, until))).await.unwrap();
        assert_eq!(held.len(), lines);
        promises::hold_all(&tx, now, &wants, of_document(&gone, until)).await.unwrap();
        meters[1].measure(promises::extend(&tx, now, &sold, until)).await.unwrap();
        let confirmed = meters[2].measure(promises::confirm_all(&tx, now, &sold)).await.unwrap();
        assert_eq!(confirmed.len(), lines);
        let shipped = meters[3].measure(promises::consume_all(&tx, by, &sold, customer)).await.unwrap();
        assert_eq!(shipped.len(), lines);
        let let_go = meters[4].measure(promises::let_go(&tx, now, &gone, ReservationStep::Release)).await.unwrap();
        assert_eq!(let_go, lines);
        // Once more is nothing more.
        let again = meters[5].measure(promises::let_go(&tx, now, &gone, ReservationStep::Release)).await.unwrap();
        assert_eq!(again, 0);
        tx.commit().await.unwrap();
        took.push(meters.iter().map(Meter::statements).collect());
        house.adds_up().await;
    }
    assert_eq!(took[0], took[1], "statements of hold, extend, confirm, ship, let go");
    assert!(took[1].iter().all(|n| *n <= 11), "{:?}", took[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_short_is_told_by_its_line_and_nothing_of_the_document_is_held() {
    let house = House::new().await;
    let back = house.location("BACK", "DUTY_PAID_WAREHOUSE").await;
    let variants = house.variants(2).await;
    house.stocked(&back, &variants, 10, "DUTY_PAID").await;
    let (shelf, app) = (house.shelf().await, &house.server.app);
    let now = app.clock().now();
    let until = now + Duration::minutes(15);
    let hold = async |wants: &[Wanted<'_>], document: &str| {
        let tx = app.db().begin().await.unwrap();
        let held = promises::hold_all(&tx, now, wants, of_document(document, until)).await;
        match held {
            Ok(rows) => {
                tx.commit().await.unwrap();
                Ok(rows)
            }
            Err(error) => {
                tx.rollback().await.unwrap();
                Err(refusal(error))
            }
        }
    };
    // Three lines of one: 4, 4 and 4 of 10.
    let (a, b) = (variants[0], variants[1]);
    let thrice = [shelf.of(a, 4), shelf.of(b, 1), shelf.of(a, 4), shelf.of(a, 4)];
    let short = hold(&thrice, "o-1").await.unwrap_err();
    assert_eq!(short.code, ErrorCode::OutOfStock);
    assert_eq!(short.field, ["lines", "3", "quantity"]);
    assert_eq!(short.details.get("available").unwrap(), "2", "what earlier lines of the document took is not counted");
    assert_eq!(hold(&thrice[..3], "o-2").await.unwrap().len(), 3);
    assert_eq!(hold(&thrice[..3], "o-2").await.unwrap().len(), 3, "asked for again it is another hold");
    let nothing = hold(&[shelf.of(b, 1), shelf.of(a, 0)], "o-3").await.unwrap_err();
    assert_eq!((nothing.code, nothing.field.join(".")), (ErrorCode::OutOfRange, "lines.1.quantity".into()));
    assert_eq!(hold(&[], "o-4").await.unwrap().len(), 0);
    house.adds_up().await;

    // Paid for in time; a second note of the payment changes nothing.
    let tx = app.db().begin().await.unwrap();
    for _ in 0..2 {
        assert_eq!(promises::confirm_all(&tx, now, "o-2").await.unwrap().len(), 3);
    }
    let expired = promises::let_go(&tx, now, "o-2", ReservationStep::Expire).await.unwrap();
    assert_eq!(expired, 0, "what was paid for expires");
    assert_eq!(refusal(promises::confirm_all(&tx, now, "o-9").await.unwrap_err()).code, ErrorCode::NotFound);
    tx.commit().await.unwrap();
    // Held too long: late whether or not it was swept, and not shipped.
    hold(&[shelf.of(b, 3), shelf.of(b, 2)], "o-5").await.unwrap();
    let late = until + Duration::seconds(1);
    let (customer, by) = (house.customer().await, By { actor: "test", at: late });
    let tx = app.db().begin().await.unwrap();
    assert_eq!(refusal(promises::confirm_all(&tx, late, "o-5").await.unwrap_err()).code, ErrorCode::HoldExpired);
    assert_eq!(refusal(promises::extend(&tx, late, "o-5", late).await.unwrap_err()).code, ErrorCode::HoldExpired);
    let unpaid = refusal(promises::consume_all(&tx, by, "o-5", customer).await.unwrap_err());
    assert_eq!(unpaid.code, ErrorCode::IllegalTransition);
    tx.rollback().await.unwrap();
    promises::sweep(app, late).await.unwrap();
    let tx = app.db().begin().await.unwrap();
    assert_eq!(refusal(promises::confirm_all(&tx, late, "o-5").await.unwrap_err()).code, ErrorCode::HoldExpired);
    assert_eq!(promises::let_go(&tx, late, "o-5", ReservationStep::Release).await.unwrap(), 0);
    // Not after all: let go by one of two.
    assert_eq!(promises::let_go(&tx, late, "o-2", ReservationStep::Release).await.unwrap(), 3);
    assert_eq!(promises::let_go(&tx, late, "o-2", ReservationStep::Release).await.unwrap(), 0);
    tx.commit().await.unwrap();
    let reserved: i64 = house.stock().await.iter().map(|row| row["reserved"].as_i64().unwrap()).sum();
    assert_eq!(reserved, 0);
    house.adds_up().await;
}

/// Holds in a transaction of its own, and again when the database says that it is busy: that is counted.
async fn held(house: &House, wants: &[Wanted<'_>], document: &str) -> Result<i64, Error> {
    let now = house.server.app.clock().now();
    let tx = house.server.app.db().begin().await?;
    let rows = promises::hold_all(&tx, now, wants, of_document(document, now + Duration::minutes(15))).await?;
    tx.commit().await?;
    Ok(rows.iter().map(|row| row.quantity).sum())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_lines_in_opposite_orders_wait_for_each_other_and_do_not_embrace() {
    let house = House::new().await;
    let back = house.location("BACK", "DUTY_PAID_WAREHOUSE").await;
    let variants = house.variants(2).await;
    house.stocked(&back, &variants, 300, "DUTY_PAID").await;
    // A second lot of each: several balances a line.
    let lines: Vec<Value> = variants
        .iter()
        .map(|id| json!({ "variantId": encode(*id), "quantity": 20, "customsStatus": "DUTY_PAID", "lot": "B" }))
        .collect();
    house.receive(&back, json!(lines)).await;
    let (shelf, customer) = (house.shelf().await, house.customer().await);
    let house = Arc::new(house);
    let barrier = Arc::new(tokio::sync::Barrier::new(32));
    let buyers = (0..32_usize).map(|n| {
        let (house, shelf, variants, barrier) = (house.clone(), shelf.clone(), variants.clone(), barrier.clone());
        tokio::spawn(async move {
            barrier.wait().await;
            let (mut sold, mut short) = (0, 0);
            for time in 0..10_usize {
                let mut wants = vec![shelf.of(variants[0], 1), shelf.of(variants[1], 1)];
                if n % 2 == 1 {
                    wants.reverse();
                }
                let document = format!("o-{n}-{time}");
                match held(&house, &wants, &document).await {
                    Ok(pieces) => sold += pieces,
                    Err(error) if code(&error) == Some(ErrorCode::OutOfStock) => {
                        short += 1;
                        continue;
                    }
                    Err(error) => panic!("neither sold nor sold out: {error:?}"),
                }
                // Every third is shipped, every third let go again: they lock the same rows.
                let at = house.server.app.clock().now();
                let tx = house.server.app.db().begin().await.unwrap();
                match time % 3 {
                    0 => {
                        promises::confirm_all(&tx, at, &document).await.unwrap();
                        promises::consume_all(&tx, By { actor: "test", at }, &document, customer).await.unwrap();
                    }
                    1 => {
                        sold -= 2 * i64::try_from(
                            promises::let_go(&tx, at, &document, ReservationStep::Release).await.unwrap() / 2,
                        )
                        .unwrap();
                    }
                    _ => {}
                }
                tx.commit().await.unwrap();
            }
            (sold, short)
        })
    });
    let (mut sold, mut short) = (0, 0);
    for buyer in buyers.collect::<Vec<_>>() {
        let (pieces, refused) = buyer.await.unwrap();
        sold += pieces;
        short += refused;
    }
    // 320 pieces of each, 320 orders of which about a third give theirs back: never short.
    assert_eq!(short, 0, "a false \"sold out\"");
    let left: i64 = house.stock().await.iter().map(|row| row["available"].as_i64().unwrap()).sum();
    assert_eq!(left + sold, 640);
    house.adds_up().await;
}
