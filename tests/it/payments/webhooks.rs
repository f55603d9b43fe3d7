//! What providers tell, and what they do not.

use std::sync::Arc;

use api::payments::ops;
use chrono::Duration;
use entities::payments::{PaymentState, ReportState, payment};
use tokio::sync::Barrier;

use super::{Ask, ErrorCode, ProviderKind, Till, Told, cny, code, opened, signed};

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_three_times_at_once_racing_the_clients_return_captures_once_and_books_once() {
    let till = Arc::new(Till::new().await);
    for round in 0..3 {
        let document = format!("race-{round}");
        let row = till.begun(&document, 19_900).await;
        till.press(&row, "pay").await;
        let told = till.told(&row).await;
        let barrier = Arc::new(Barrier::new(7));
        let mut tasks = Vec::new();
        for n in 0..7 {
            let (till, told, barrier, id) = (till.clone(), told.clone(), barrier.clone(), row.id);
            tasks.push(tokio::spawn(async move {
                barrier.wait().await;
                match n {
                    0..3 => assert_eq!(till.notified(&told).await, 200),
                    3..5 => assert_eq!(ops::look(till.app(), id).await.unwrap().state, PaymentState::Captured),
                    // The same under other names: what it says counts, not how often it is said.
                    _ => {
                        let other = Told { event: format!("{}-{n}", told.event), ..told };
                        assert_eq!(till.notified(&other).await, 200);
                    }
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        let paid = till.row(row.id).await;
        assert_eq!((paid.state, paid.captured_minor, paid.late), (PaymentState::Captured, 19_900, false));
        assert_eq!(till.legs(&format!("captured:{}", row.id)).await, 2, "booked more than once, or not");
        assert_eq!(till.legs(&format!("fee:{}", row.id)).await, 2);
        assert_eq!(till.settled(&document).await, 1, "whoever it belongs to is told more than once");
        till.adds_up().await;
    }
    // The jobs of the sandbox bring the same notifications once more.
    till.worked().await;
    till.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn magic_amounts_do_what_they_say() {
    use PaymentState::{Captured, Failed, Waiting};
    let till = Till::new().await;
    for (minor, presses, expected, after_looking, late) in [
        (20_000, &["pay"][..], Captured, Captured, false),
        (20_000, &["decline"], Failed, Failed, false),
        (20_001, &["pay"], Failed, Failed, false),
        (20_002, &["pay"], Waiting, Waiting, false),
        (20_002, &["pay", "pay"], Captured, Captured, false),
        (20_003, &["pay"], Captured, Captured, false),
        (20_004, &["pay"], Waiting, Captured, false),
        (20_005, &["pay"], Captured, Captured, true),
        (20_007, &["pay"], Waiting, Waiting, false),
    ] {
        let document = format!("magic-{minor}-{}", presses.join("-"));
        let row = till.begun(&document, minor).await;
        for press in presses {
            till.press(&row, press).await;
        }
        till.worked().await;
        let told = till.row(row.id).await;
        assert_eq!((told.state, told.late), (expected, late), "{document}: after its notifications");
        let looked = ops::look(till.app(), row.id).await.unwrap();
        assert_eq!(looked.state, after_looking, "{document}: after a look");
        let captured = u64::from(after_looking == Captured) * 2;
        assert_eq!(till.legs(&format!("captured:{}", row.id)).await, captured, "{document}");
        // 07 waits for a person, and is found.
        assert_eq!(looked.mismatch.is_some(), minor == 20_007, "{document}");
    }
    let found = till.found().await;
    assert!(found.len() == 1 && found[0].what.starts_with("another amount came"), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_proved_too_large_or_not_what_was_asked_changes_nothing() {
    let till = Till::new().await;
    let row = till.begun("forged", 10_000).await;
    let good = Told { state: ReportState::Captured, received_minor: Some(10_000), ..till.told(&row).await };
    let body = serde_json::to_string(&good).unwrap();
    let now = till.app().clock().now();
    let headers = |at| signed(till.app().vault(), &body, at);
    let header = |value: &str| vec![("sandbox-signature".to_owned(), value.to_owned())];
    for (what, provider, headers, body, status) in [
        ("no signature", "sandbox", Vec::new(), body.clone(), 400),
        ("a made-up signature", "sandbox", header(&format!("t={},v1=00", now.timestamp())), body.clone(), 400),
        ("a number beyond time", "sandbox", header("t=-9223372036854775808,v1=00"), body.clone(), 400),
        ("an altered body", "sandbox", headers(now), body.replace("10000", "10001"), 400),
        ("an old one", "sandbox", headers(now - Duration::minutes(6)), body.clone(), 400),
        ("one of the future", "sandbox", headers(now + Duration::minutes(6)), body.clone(), 400),
        ("nobody's", "nobody", headers(now), body.clone(), 404),
        ("one that is not switched on", "stripe", headers(now), body.clone(), 404),
        ("one that tells nothing", "bank", headers(now), body.clone(), 400),
        ("too large", "sandbox", headers(now), "x".repeat(256 * 1024 + 1), 413),
    ] {
        assert_eq!(till.posted(provider, &headers, body).await, status, "{what}");
        assert_eq!(till.row(row.id).await, row, "{what} changed a payment");
    }
    // Proved, and not what was asked: never paid.
    for (n, wrong) in [
        Told { received_minor: Some(9_999), ..good.clone() },
        Told { received_minor: Some(10_001), ..good.clone() },
        Told { received_minor: None, ..good.clone() },
        Told { currency: "USD".parse().unwrap(), ..good.clone() },
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(till.notified(&Told { event: format!("wrong-{n}"), ..wrong.clone() }).await, 200);
        let flagged = till.row(row.id).await;
        assert_eq!((flagged.state, flagged.captured_minor), (PaymentState::Waiting, 0), "{wrong:?} pays");
        assert!(flagged.mismatch.is_some(), "{wrong:?} is not noticed");
    }
    assert_eq!(till.settled("forged").await, 0);
    // Of what is not known here nothing is noted: it may be known in a moment.
    let early = Told { reference: "sb_early".into(), event: "early".into(), ..good.clone() };
    assert_eq!(till.notified(&early).await, 200);
    let late = Told { event: "early".into(), ..good };
    assert_eq!(till.notified(&late).await, 200);
    let paid = till.row(row.id).await;
    assert_eq!((paid.state, paid.mismatch), (PaymentState::Captured, None));
    till.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_comes_for_what_was_given_up_is_there_and_late() {
    let till = Till::new().await;
    let row = till.begun("gone", 10_000).await;
    let told = Told { state: ReportState::Captured, received_minor: Some(10_000), ..till.told(&row).await };
    let tx = till.app().db().begin().await.unwrap();
    ops::cancel_open(&tx, till.app().clock().now(), "gone").await.unwrap();
    tx.commit().await.unwrap();
    till.worked().await;
    assert_eq!(till.row(row.id).await.state, PaymentState::Cancelled);
    let page = till.press(&row, "pay").await;
    assert!(page.contains("given up"), "what was given up can be paid");
    assert_eq!(till.notified(&Told { event: "late".into(), ..told }).await, 200);
    let paid = till.row(row.id).await;
    assert_eq!((paid.state, paid.late, paid.captured_minor), (PaymentState::Captured, true, 10_000));
    assert_eq!(till.settled("gone").await, 1, "given up, and paid all the same, and nobody is told");
    // A failure that is told after that takes nothing away.
    let failed = Told { state: ReportState::Failed, event: "failed".into(), ..till.told(&row).await };
    till.notified(&failed).await;
    assert_eq!(till.row(row.id).await, paid);
    till.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_hangs_is_not_waited_for_and_the_payment_can_be_begun_again() {
    let till = Till::with(&[("CHAMA_PAYMENTS_TIMEOUT", "1")]).await;
    let row = opened(till.app(), "hangs", ProviderKind::Sandbox, cny(10_008)).await;
    let begun = std::time::Instant::now();
    let error = ops::start(till.app(), row.id, &Ask::default()).await.unwrap_err();
    assert!(begun.elapsed() < std::time::Duration::from_secs(10));
    assert_eq!(code(&error), Some(ErrorCode::PaymentUnavailable));
    assert!(ErrorCode::PaymentUnavailable.retryable());
    assert_eq!(till.row(row.id).await, row, "a provider that said nothing changed the payment");
    till.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_began_another_finishes_after_a_restart() {
    let till = Till::new().await;
    let row = till.begun("moved", 10_000).await;
    till.press(&row, "pay").await;
    // Nothing is in the first node's memory: another does its jobs.
    let other = till.server.second_node().await;
    api::worker::drain(&other, None, |_| {}).await.unwrap();
    assert_eq!(till.row(row.id).await.state, PaymentState::Captured);
    till.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_without_news_are_asked_about_and_given_up_when_their_time_is_up() {
    use PaymentState::{Cancelled, Captured, Created, Waiting};
    let till = Till::new().await;
    let (silent, idle) = (till.begun("silent", 10_004).await, till.begun("idle", 10_000).await);
    let never = opened(till.app(), "never", ProviderKind::Sandbox, cny(10_000)).await;
    till.press(&silent, "pay").await;
    till.worked().await;
    assert_eq!(ops::look_after(till.app(), till.app().clock().now()).await.unwrap(), 0, "asked at once");
    assert_eq!(till.row(silent.id).await.state, PaymentState::Waiting);
    till.server.wait(Duration::minutes(6));
    assert_eq!(ops::look_after(till.app(), till.app().clock().now()).await.unwrap(), 2);
    assert_eq!(ops::look_after(till.app(), till.app().clock().now()).await.unwrap(), 0, "asked twice");
    till.worked().await;
    let states = async |rows: [&payment::Model; 3]| {
        let mut states = Vec::new();
        for row in rows {
            states.push(till.row(row.id).await.state);
        }
        states
    };
    assert_eq!(states([&silent, &idle, &never]).await, [Captured, Waiting, Created]);
    till.server.wait(Duration::minutes(30));
    ops::look_after(till.app(), till.app().clock().now()).await.unwrap();
    till.worked().await;
    assert_eq!(states([&silent, &idle, &never]).await, [Captured, Cancelled, Cancelled]);
    let error = ops::start(till.app(), never.id, &Ask::default()).await.unwrap_err();
    assert_eq!(code(&error), Some(ErrorCode::IllegalTransition));
    till.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_failed_can_be_begun_again_and_is_not_late_then() {
    let till = Till::new().await;
    let row = till.begun("again", 10_000).await;
    till.press(&row, "decline").await;
    till.worked().await;
    assert_eq!(till.row(row.id).await.state, PaymentState::Failed);
    let (row, _) = ops::start(till.app(), row.id, &Ask::default()).await.unwrap();
    assert_eq!(row.state, PaymentState::Waiting);
    till.press(&row, "pay").await;
    till.worked().await;
    let paid = till.row(row.id).await;
    assert_eq!((paid.state, paid.late), (PaymentState::Captured, false));
    till.adds_up().await;
}
