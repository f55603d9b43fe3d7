//! What many do at once, and anything in any order.

use std::sync::Arc;

use api::payments::{ledger, ops, payouts};
use entities::{
    payments::{PaymentState, ReportState, payout_line},
    values::{Currency, id::PaymentId},
};
use sea_orm::EntityTrait;
use serde_json::json;
use tokio::sync::Barrier;

use super::{Call, ErrorCode, Share, Till, Told, asked_back, code, share, zone};
use crate::support::{OTHER_SELLER, SELLER};

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_refunds_at_once_give_back_no_more_than_came() {
    let till = Arc::new(Till::new().await);
    let row = till.paid("many", 160_000).await;
    let (barrier, mut tasks) = (Arc::new(Barrier::new(24)), Vec::new());
    for n in 0..24 {
        let (till, barrier, id) = (till.clone(), barrier.clone(), row.id);
        // 16 each its own, and 8 that are one.
        let key = if n < 16 { n.to_string() } else { "one".into() };
        tasks.push(tokio::spawn(async move {
            barrier.wait().await;
            asked_back(till.app(), id, 20_000, &key).await
        }));
    }
    let (mut ids, mut refused) = (std::collections::BTreeSet::new(), 0);
    for task in tasks {
        match task.await.unwrap() {
            Ok(row) => {
                ids.insert(row.id);
            }
            Err(error) if code(&error) == Some(ErrorCode::OverRefund) => refused += 1,
            Err(error) => panic!("neither given back nor refused: {error:?}"),
        }
    }
    assert_eq!(ids.len(), 8, "of 160,000 there are 8 times 20,000; {refused} were refused");
    assert_eq!(till.row(row.id).await.refunded_minor, 160_000);
    till.adds_up().await;
    till.worked().await;
    till.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_batches_at_once_do_not_pay_the_same_balance() {
    let till = Arc::new(Till::new().await);
    let seller = till.seller(SELLER).await;
    let row = till.paid("owed", 10_000).await;
    till.allotted(&row, &[share(seller, "o", 10_000, 0, 0)]).await.unwrap();
    let account = json!({ "bank": "b", "holder": "h", "number": "6222000033334444", "currency": "CNY" });
    till.server.seller(SELLER).await.done("addBankAccount", "", account).await;
    let operator = zone::operator(till.app()).await.unwrap();
    let (barrier, mut tasks) = (Arc::new(Barrier::new(6)), Vec::new());
    for _ in 0..6 {
        let (till, barrier, operator) = (till.clone(), barrier.clone(), operator.clone());
        tasks.push(tokio::spawn(async move {
            barrier.wait().await;
            payouts::create(till.app(), &Call::by(operator), Currency::CNY).await
        }));
    }
    let mut made = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => made += 1,
            Err(error) => assert_eq!(code(&error), Some(ErrorCode::NothingDue), "{error:?}"),
        }
    }
    let lines = payout_line::Entity::find().all(till.app().db().writer()).await.unwrap();
    assert_eq!((made, lines.len(), lines[0].amount_minor), (1, 1, 10_000), "a balance is paid out twice");
    till.adds_up().await;
}

/// A small generator: the same numbers for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// A document and what was done with it.
struct Deal {
    document: String,
    id: PaymentId,
    shares: Vec<Share>,
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_in_whatever_order_it_adds_up() {
    let till = Till::new().await;
    let sellers = [till.seller(SELLER).await, till.seller(OTHER_SELLER).await];
    let account = json!({ "bank": "b", "holder": "h", "number": "6222000033334444", "currency": "CNY" });
    till.server.seller(SELLER).await.done("addBankAccount", "", account).await;
    let operator = zone::operator(till.app()).await.unwrap();
    let mut dice = Dice(20_260_301);
    let mut deals: Vec<Deal> = Vec::new();
    for n in 0..160_u64 {
        if deals.len() < 3 || dice.roll(8) == 0 {
            let document = format!("deal-{n}");
            let row = till.begun(&document, 10_000 + i64::try_from(dice.roll(10)).unwrap().min(7)).await;
            deals.push(Deal { document, id: row.id, shares: Vec::new() });
            continue;
        }
        let which = usize::try_from(dice.roll(deals.len() as u64)).unwrap();
        let row = till.row(deals[which].id).await;
        match dice.roll(10) {
            0 | 1 => drop(till.press(&row, "pay").await),
            2 => drop(till.press(&row, "decline").await),
            3 => {
                let states = [ReportState::Waiting, ReportState::Captured, ReportState::Failed, ReportState::Cancelled];
                let state = states[usize::try_from(dice.roll(4)).unwrap()];
                let received = (state == ReportState::Captured).then_some(row.amount_minor);
                let event = format!("dice-{}", dice.roll(20));
                till.notified(&Told { event, state, received_minor: received, ..till.told(&row).await }).await;
            }
            4 => till.worked().await,
            5 => {
                let tx = till.app().db().begin().await.unwrap();
                ops::cancel_open(&tx, till.app().clock().now(), &row.document).await.unwrap();
                tx.commit().await.unwrap();
            }
            6 if row.free_minor() > 100 => {
                let goods = row.free_minor() / 2;
                let one = share(sellers[which % 2], &format!("o-{n}"), goods, goods / 20, goods / 10);
                till.allotted(&row, std::slice::from_ref(&one)).await.unwrap();
                deals[which].shares.push(one);
            }
            7 => {
                if let Some(one) = deals[which].shares.pop() {
                    let tx = till.app().db().begin().await.unwrap();
                    let (now, document) = (till.app().clock().now(), &deals[which].document);
                    ledger::un_allot(&tx, now, document, row.id, &one, &one.order).await.unwrap();
                    tx.commit().await.unwrap();
                }
            }
            8 => {
                let much = 1 + i64::try_from(dice.roll(4_000)).unwrap();
                match till.asked_back(row.id, much, &n.to_string()).await {
                    Ok(_) => assert!(much <= row.free_minor()),
                    Err(error) => assert_eq!(code(&error), Some(ErrorCode::OverRefund), "{error:?}"),
                }
            }
            _ => match payouts::create(till.app(), &Call::by(operator.clone()), Currency::CNY).await {
                Ok(batch) if dice.roll(2) == 0 => {
                    payouts::cancel(till.app(), &Call::by(operator.clone()), batch.id).await.unwrap();
                }
                Ok(_) => {}
                Err(error) => assert_eq!(code(&error), Some(ErrorCode::NothingDue), "{error:?}"),
            },
        }
        let found = till.found().await;
        let odd: Vec<_> = found.iter().filter(|finding| !finding.what.starts_with("another amount came")).collect();
        assert!(odd.is_empty(), "after {n} events: {odd:?}");
    }
    let mut paid = 0;
    for deal in &deals {
        paid += usize::from(till.row(deal.id).await.state == PaymentState::Captured);
    }
    assert!(paid > 3, "the dice never paid anything");
}
