//! Many at once: the last piece is sold once, one person's allowance is used once, whoever steps first steps alone.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
};

use api::{
    app::App,
    app::Call,
    ordering::ops::{
        carts::{self, Change},
        checkouts,
        place::{self, Placing},
        quotes,
    },
    payments,
    platform::{
        error::Error,
        graphql::{decode, encode},
    },
};
use chrono::Duration;
use entities::{
    ordering::{CheckoutState, PaymentTerms, checkout, quote},
    party::{Actor, Viewer, consumer_identity, person},
    payments::payment,
    values::{
        Consignee,
        id::{OfferId, PersonId},
    },
};
use sea_orm::{EntityTrait, IntoActiveModel};
use serde_json::Value;

use super::{Market, Sale, paid, placed};
use crate::support::{Backend, OTHER_SELLER, SELLER, backend, thorough};

/// So many people who may buy.
pub async fn people(app: &App, n: usize) -> Vec<Viewer> {
    let now = app.clock().now();
    let mut viewers = Vec::new();
    for _ in 0..n {
        let id = PersonId::new(now);
        let row = person::Model { id, display_name: "buyer".into(), password: None, version: 1, created_at: now };
        person::Entity::insert(row.into_active_model()).exec_without_returning(app.db().writer()).await.unwrap();
        viewers.push(Viewer { actor: Actor::Person(id), acting: None });
    }
    viewers
}

fn offer(id: &Value) -> OfferId {
    decode(&async_graphql::ID(id.as_str().unwrap().into()), "id").unwrap()
}

/// Puts, quotes and places, as a client does.
async fn buy(app: &App, viewer: &Viewer, lines: &[(OfferId, i32)]) -> Result<checkout::Model, Error> {
    let call = Call::by(viewer.clone());
    let change = Change { lines: lines.to_vec(), division: Some("630103".into()), ..Change::default() };
    carts::change(app, &call, &change).await?;
    let quote = quotes::request(app, &call, None, "630103").await?;
    place::place(app, &call, &placing(app, &quote)?).await
}

/// A quote that is placed by a person, to be paid before it goes.
pub fn placing(app: &App, quote: &quote::Model) -> Result<Placing, Error> {
    let consignee =
        Consignee { name: "测试甲".into(), mobile: "13800000000".into(), address: "示例路1号".into() };
    Ok(Placing {
        quote: quotes::token(app.vault(), quote)?,
        consignee,
        note: None,
        po_number: None,
        terms: PaymentTerms::Prepaid,
        incoterm: None,
        attribution: Vec::new(),
    })
}

fn code(error: &Error) -> String {
    match error {
        Error::Refused(refusals) => refusals.first().map(|refusal| refusal.code.name()).unwrap_or_default(),
        other => format!("an accident: {}", other.told()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_piece_is_sold_once_however_many_order_it() {
    let (stock, clients, tries) = match (backend(), thorough()) {
        (Backend::Postgres(_), false) => (120, 24, 8),
        (Backend::Sqlite, false) => (60, 8, 10),
        (Backend::Postgres(_), true) => (500, 64, 60),
        (Backend::Sqlite, true) => (500, 16, 60),
    };
    let market = Market::new().await;
    let (rug, variant) = market.sold(Sale::domestic(SELLER, "hot", "1.00", stock)).await;
    let people = people(market.app(), clients).await;
    let (sold, refused) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicUsize::new(0)));
    let tasks: Vec<_> = people
        .into_iter()
        .enumerate()
        .map(|(n, viewer)| {
            let (app, sold, refused, rug) = (market.app().clone(), sold.clone(), refused.clone(), offer(&rug));
            tokio::spawn(async move {
                for m in 0..tries {
                    let quantity = i32::try_from((n + m) % 3 + 1).unwrap();
                    match buy(&app, &viewer, &[(rug, quantity)]).await {
                        Ok(_) => _ = sold.fetch_add(quantity.into(), Ordering::Relaxed),
                        Err(error) => {
                            assert_eq!(code(&error), "OUT_OF_STOCK");
                            refused.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let sold = sold.load(Ordering::Relaxed);
    assert!(sold <= stock, "{sold} of {stock} are sold");
    assert_eq!(market.stock(SELLER, &variant).await, (stock, sold));
    // Whoever was refused wanted more than was left; what is left can be had.
    let viewer = &self::people(market.app(), 1).await[0];
    while market.stock(SELLER, &variant).await.1 < stock {
        buy(market.app(), viewer, &[(offer(&rug), 1)]).await.expect("a false sold out");
    }
    assert!(refused.load(Ordering::Relaxed) > 0, "nobody was refused: the test is too small");
    market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_in_opposite_orders_and_bundles_do_not_embrace() {
    let market = Market::new().await;
    let (cup, cup_variant) = market.sold(Sale::domestic(SELLER, "cup-m", "1.00", 150)).await;
    let far = Sale { warehouse: "WH-2", ..Sale::domestic(SELLER, "pot-m", "1.00", 150) };
    let (pot, pot_variant) = market.sold(far).await;
    let (set, _) = market.sold(Sale::domestic(SELLER, "set-m", "1.00", 0)).await;
    // The set is taken from one warehouse, so both parts are put into one.
    market.stocked(SELLER, &pot_variant, "WH-1", 150).await;
    let parts =
        serde_json::json!([{ "variantId": cup_variant, "quantity": 1 }, { "variantId": pot_variant, "quantity": 1 }]);
    let input = serde_json::json!({ "offerId": set, "parts": parts });
    market.server.seller(SELLER).await.done("setBundleParts", "offer { id }", input).await;
    let (cup, pot, set) = (offer(&cup), offer(&pot), offer(&set));
    let tasks: Vec<_> = people(market.app(), 12)
        .await
        .into_iter()
        .enumerate()
        .map(|(n, viewer)| {
            let app = market.app().clone();
            let lines = match n % 3 {
                0 => vec![(cup, 2), (pot, 1)],
                1 => vec![(pot, 2), (cup, 1)],
                _ => vec![(set, 1), (pot, 1)],
            };
            tokio::spawn(async move {
                let mut codes: BTreeMap<String, usize> = BTreeMap::new();
                for _ in 0..6 {
                    let done = buy(&app, &viewer, &lines).await;
                    *codes.entry(done.map_or_else(|error| code(&error), |_| "done".into())).or_default() += 1;
                }
                codes
            })
        })
        .collect();
    for task in tasks {
        let codes = task.await.unwrap();
        assert_eq!(codes.keys().collect::<Vec<_>>(), ["done"], "there is enough for everyone: {codes:?}");
    }
    market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_with_two_accounts_has_one_allowance() {
    let market = Market::new().await;
    let (water, _) = market.sold(Sale::bonded(OTHER_SELLER, "water-m", "4000.00", 500)).await;
    market.identified(1).await;
    let app = market.app();
    let known = consumer_identity::Entity::find().all(app.db().writer()).await.unwrap();
    let known = known.into_iter().find(|row| row.masked_number.ends_with('X')).expect("an identity");
    let accounts = people(app, 8).await;
    for viewer in &accounts {
        let row = consumer_identity::Model { person_id: viewer.person().unwrap(), ..known.clone() };
        consumer_identity::Entity::insert(row.into_active_model())
            .exec_without_returning(app.db().writer())
            .await
            .unwrap();
    }
    // 4,000.00 each: six of them are within 26,000.00.
    let tasks: Vec<_> = accounts
        .into_iter()
        .map(|viewer| {
            let (app, water) = (app.clone(), offer(&water));
            tokio::spawn(async move { buy(&app, &viewer, &[(water, 1)]).await.map(|_| ()).map_err(|e| code(&e)) })
        })
        .collect();
    let mut answers: BTreeMap<String, usize> = BTreeMap::new();
    for task in tasks {
        *answers.entry(task.await.unwrap().err().unwrap_or_else(|| "done".into())).or_default() += 1;
    }
    assert_eq!(answers, BTreeMap::from([("OVER_ANNUAL_LIMIT".into(), 2), ("done".into(), 6)]));
    market.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_payment_expiry_and_taking_back_one_steps_and_the_money_follows() {
    let market = Market::new().await;
    let (rug, _) = market.sold(Sale::domestic(SELLER, "rug-r", "100.00", 100)).await;
    for round in 0..6 {
        let consumer = market.server.consumer(1).await;
        let made = placed(&consumer, &[(&rug, 1)]).await;
        paid(&market, &consumer, &made).await;
        let payment = payment::Entity::find().all(market.app().db().writer()).await.unwrap();
        let payment = payment.into_iter().max_by_key(|row| row.id).unwrap();
        // To the moment at which its time is up, or just before.
        market.wait(Duration::minutes(15) - Duration::seconds(i64::from(round % 2)));
        let app = market.app();
        let now = app.clock().now();
        let viewer = {
            let row = checkout::Entity::find().all(app.db().writer()).await.unwrap();
            let row = row.into_iter().max_by_key(|row| row.id).unwrap();
            assert_eq!(encode(row.id).0, made["id"].as_str().unwrap());
            Viewer { actor: Actor::Person(row.person_id), acting: None }
        };
        let id = decode(&async_graphql::ID(made["id"].as_str().unwrap().into()), "id").unwrap();
        let call = Call::by(viewer);
        let told = payments::jobs::Settled { payment: payment.id, document: payment.document.clone(), refund: None };
        let pay = async {
            payments::ops::look(app, payment.id).await.unwrap();
            let twice = [told.clone(), told.clone()].map(|told| api::ordering::jobs::settled(app, told));
            futures_util::future::join_all(twice).await
        };
        let (_, _, _) = tokio::join!(pay, checkouts::expire_due(app, now), async {
            if round % 3 == 2 { checkouts::cancel(app, &call, id, None).await.map(|_| ()) } else { Ok(()) }
        },);
        market.worked().await;
        market.worked().await;
        let row = checkout::Entity::find_by_id(id).one(app.db().writer()).await.unwrap().unwrap();
        let payment = payment::Entity::find_by_id(payment.id).one(app.db().writer()).await.unwrap().unwrap();
        match row.state {
            CheckoutState::Paid => {
                assert_eq!((row.paid_by, payment.refunded_minor), (Some(payment.id), 0), "round {round}");
            }
            CheckoutState::Expired | CheckoutState::Cancelled => {
                assert_eq!(
                    (row.paid_by, payment.refunded_minor),
                    (None, 10_000),
                    "round {round}: money without an order"
                );
            }
            other => panic!("round {round} ends {other:?}"),
        }
        market.adds_up().await;
    }
}
