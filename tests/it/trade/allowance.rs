//! Allowances of buyers: never beyond the year's limit however many order at once, given back exactly once, each in the
//! year in which it counts.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use api::{
    platform::error::Error,
    trade::{
        allowance::{self, Buyer, Taken},
        reconcile,
    },
};
use chrono::{DateTime, Duration, TimeZone, Utc};
use entities::{
    trade::{AllowanceKind, Claim},
    values::ErrorCode,
};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use crate::support::TestServer;

const ANNUAL: i64 = 2_600_000;
const ME: Buyer<'static> =
    Buyer { lookup: "aa00000000000000000000000000000000000000000000000000000000000000", year: 2026 };
const OTHER: Buyer<'static> =
    Buyer { lookup: "bb00000000000000000000000000000000000000000000000000000000000000", year: 2026 };
/// The same person in the next year.
const NEXT: Buyer<'static> = Buyer { year: 2027, ..ME };

/// When that year begins in Asia/Shanghai.
fn midnight() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 12, 31, 16, 0, 0).unwrap()
}

fn annual(amount: i64) -> Claim {
    Claim { kind: AllowanceKind::AnnualValue, amount, most: ANNUAL }
}

fn sugar(amount: i64) -> Claim {
    Claim { kind: AllowanceKind::Sugar, amount, most: 2_000 }
}

/// What a test does in one transaction.
enum Step<'a> {
    Reserve(&'a str, &'a [Claim]),
    ReserveAll(&'a [(&'a str, &'a [Claim])]),
    Use(&'a str),
    UseAt(&'a str, DateTime<Utc>),
    Release(&'a [&'a str]),
    GiveBack(&'a str, &'a str, &'a [(AllowanceKind, i64)]),
}

async fn step(server: &TestServer, buyer: Buyer<'_>, step: Step<'_>) -> Result<u64, Error> {
    let now = server.app.clock().now();
    let tx = server.app.db().begin().await?;
    let done = match step {
        Step::Reserve(document, claims) => allowance::reserve(&tx, now, buyer, document, claims).await.map(|()| 0),
        Step::ReserveAll(orders) => allowance::reserve_all(&tx, now, buyer, orders).await.map(|()| 0),
        Step::Use(document) => allowance::use_up(&tx, now, document, now).await,
        Step::UseAt(document, released_at) => allowance::use_up(&tx, now, document, released_at).await,
        Step::Release(documents) => allowance::release(&tx, now, documents).await,
        Step::GiveBack(document, by, parts) => allowance::give_back(&tx, now, document, by, parts).await.map(|()| 0),
    };
    match done {
        Ok(n) => {
            tx.commit().await?;
            Ok(n)
        }
        Err(error) => {
            tx.rollback().await?;
            Err(error)
        }
    }
}

fn code(error: &Error) -> Option<ErrorCode> {
    match error {
        Error::Refused(refusals) => refusals.first().map(|refusal| refusal.code),
        _ => None,
    }
}

async fn taken(server: &TestServer, buyer: Buyer<'_>, kind: AllowanceKind) -> (i64, i64) {
    let all = allowance::left(server.app.db().writer(), buyer).await.unwrap();
    let Taken { used, reserved, .. } = all.into_iter().find(|taken| taken.kind == kind).unwrap();
    (used, reserved)
}

async fn adds_up(server: &TestServer) {
    assert_eq!(reconcile::findings(server.app.db().writer()).await.unwrap(), [], "allowances do not add up");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_reserved_once_used_or_released_once_and_given_back_once() {
    use AllowanceKind::{AnnualValue, Sugar};
    let server = TestServer::start().await;
    step(&server, ME, Step::Reserve("A", &[annual(2_550_000), sugar(500)])).await.unwrap();
    step(&server, ME, Step::Reserve("A", &[annual(2_550_000), sugar(500)])).await.unwrap();
    assert_eq!(taken(&server, ME, AnnualValue).await, (0, 2_550_000), "asked for again it is reserved again");
    assert_eq!(step(&server, ME, Step::Use("A")).await.unwrap(), 2);
    assert_eq!(step(&server, ME, Step::Use("A")).await.unwrap(), 0);
    assert_eq!(step(&server, ME, Step::Release(&["A"])).await.unwrap(), 0, "what is used is not released");
    assert_eq!((taken(&server, ME, AnnualValue).await, taken(&server, ME, Sugar).await), ((2_550_000, 0), (500, 0)));
    // T13: 25,500 used; 500.00 is the last that fits.
    let over = step(&server, ME, Step::Reserve("B", &[annual(50_001)])).await.unwrap_err();
    assert_eq!(code(&over), Some(ErrorCode::OverAnnualLimit));
    step(&server, ME, Step::Reserve("B", &[annual(50_000)])).await.unwrap();
    assert_eq!(
        code(&step(&server, ME, Step::Reserve("C", &[annual(1)])).await.unwrap_err()),
        Some(ErrorCode::OverAnnualLimit)
    );
    assert_eq!(
        code(&step(&server, ME, Step::Reserve("C", &[sugar(1_501)])).await.unwrap_err()),
        Some(ErrorCode::OverQuantityCap)
    );
    // Another person, and another year, have their own.
    step(&server, OTHER, Step::Reserve("D", &[annual(ANNUAL)])).await.unwrap();
    step(&server, NEXT, Step::Reserve("E", &[annual(ANNUAL)])).await.unwrap();
    // Released, and reserved anew for the same document with what it is then.
    assert_eq!(step(&server, ME, Step::Release(&["B", "none"])).await.unwrap(), 1);
    assert_eq!(step(&server, ME, Step::Release(&["B"])).await.unwrap(), 0);
    step(&server, ME, Step::Reserve("B", &[annual(40_000)])).await.unwrap();
    assert_eq!(taken(&server, ME, AnnualValue).await, (2_550_000, 40_000));
    // A return gives back to the year in which customs released it, once, and never more than was used.
    let part = [(AnnualValue, 2_000_000), (Sugar, 200)];
    step(&server, ME, Step::GiveBack("A", "R-1", &part)).await.unwrap();
    step(&server, ME, Step::GiveBack("A", "R-1", &part)).await.unwrap();
    assert_eq!((taken(&server, ME, AnnualValue).await, taken(&server, ME, Sugar).await), ((550_000, 40_000), (300, 0)));
    let more = step(&server, ME, Step::GiveBack("A", "R-2", &[(AnnualValue, 550_001)])).await.unwrap_err();
    assert_eq!(code(&more), Some(ErrorCode::OutOfRange));
    let unused = step(&server, ME, Step::GiveBack("B", "R-3", &[(AnnualValue, 1)])).await.unwrap_err();
    assert_eq!(code(&unused), Some(ErrorCode::NotFound), "what is only reserved was given back");
    step(&server, ME, Step::GiveBack("A", "R-2", &[(AnnualValue, 550_000)])).await.unwrap();
    assert_eq!(taken(&server, ME, AnnualValue).await, (0, 40_000));
    adds_up(&server).await;
    // Several orders of one checkout: all or none.
    let (one, two) = ([annual(2_000_000)], [annual(560_001)]);
    let both: [(&str, &[Claim]); 2] = [("F", &one), ("G", &two)];
    assert_eq!(code(&step(&server, ME, Step::ReserveAll(&both)).await.unwrap_err()), Some(ErrorCode::OverAnnualLimit));
    let two = [annual(560_000), sugar(1_000)];
    step(&server, ME, Step::ReserveAll(&[("F", &one), ("G", &two)])).await.unwrap();
    assert_eq!(taken(&server, ME, AnnualValue).await, (0, ANNUAL));
    let absurd = step(&server, ME, Step::Reserve("H", &[annual(i64::MAX)])).await.unwrap_err();
    assert_eq!(code(&absurd), Some(ErrorCode::OverAnnualLimit));
    adds_up(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn however_many_orders_of_one_person_come_at_once_the_year_holds() {
    let server = Arc::new(TestServer::start().await);
    // 32 orders of 1,000 fit 26 times, the two of 20,000 and 6,000.01 once.
    for (buyer, amounts, passes) in [(ME, vec![100_000; 32], 26), (OTHER, vec![2_000_000, 600_001], 1)] {
        let barrier = Arc::new(tokio::sync::Barrier::new(amounts.len()));
        let passed = Arc::new(AtomicI64::new(0));
        let orders: Vec<_> = amounts
            .into_iter()
            .enumerate()
            .map(|(n, amount)| {
                let (server, barrier, passed) = (server.clone(), barrier.clone(), passed.clone());
                tokio::spawn(async move {
                    barrier.wait().await;
                    let document = format!("{}-{n}", &buyer.lookup[..2]);
                    match step(&server, buyer, Step::Reserve(&document, &[sugar(1), annual(amount)])).await {
                        Ok(_) => {
                            passed.fetch_add(1, Ordering::SeqCst);
                        }
                        Err(error) => assert_eq!(code(&error), Some(ErrorCode::OverAnnualLimit), "{error:?}"),
                    }
                })
            })
            .collect();
        for order in orders {
            order.await.unwrap();
        }
        assert_eq!(passed.load(Ordering::SeqCst), passes);
    }
    assert_eq!(taken(&server, ME, AllowanceKind::AnnualValue).await, (0, ANNUAL));
    assert_eq!(taken(&server, ME, AllowanceKind::Sugar).await, (0, 26), "a refused order left its sugar reserved");
    adds_up(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_releasing_and_repeating_at_once_count_once() {
    let server = Arc::new(TestServer::start().await);
    let claims = [annual(10_000), sugar(10)];
    let documents: Vec<String> = (0..24).map(|n| format!("O-{n}")).collect();
    for document in &documents[..12] {
        step(&server, ME, Step::Reserve(document, &claims)).await.unwrap();
    }
    let barrier = Arc::new(tokio::sync::Barrier::new(24 * 2 + 4));
    let mut tasks = Vec::new();
    for (n, document) in documents.iter().enumerate() {
        for twin in 0..2 {
            let (server, barrier, document) = (server.clone(), barrier.clone(), document.clone());
            tasks.push(tokio::spawn(async move {
                barrier.wait().await;
                // The first dozen is used by one and released by the other; the rest is reserved by both.
                match (n < 12, twin) {
                    (true, 0) => step(&server, ME, Step::Use(&document)).await,
                    (true, _) => step(&server, ME, Step::Release(&[&document])).await,
                    (false, _) => step(&server, ME, Step::Reserve(&document, &claims)).await,
                }
                .unwrap()
            }));
        }
    }
    for backwards in [false, true, false, true] {
        let (server, barrier, mut documents) = (server.clone(), barrier.clone(), documents[..12].to_vec());
        if backwards {
            documents.reverse();
        }
        tasks.push(tokio::spawn(async move {
            barrier.wait().await;
            let documents: Vec<&str> = documents.iter().map(String::as_str).collect();
            step(&server, ME, Step::Release(&documents)).await.unwrap()
        }));
    }
    let mut ended = 0;
    for task in tasks {
        ended += task.await.unwrap();
    }
    assert_eq!(ended, 12 * 2, "each of two entries of twelve orders ends once");
    let (used, reserved) = taken(&server, ME, AllowanceKind::AnnualValue).await;
    assert_eq!(reserved, 12 * 10_000, "two that reserve for one document reserve twice");
    assert!(used <= 12 * 10_000 && used % 10_000 == 0);
    adds_up(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_ordered_in_one_year_and_released_in_the_next_counts_to_the_next() {
    use AllowanceKind::{AnnualValue, Sugar};
    let server = TestServer::start().await;
    let claims = [annual(ANNUAL), sugar(2_000)];
    let years = async |kind: AllowanceKind| (taken(&server, ME, kind).await, taken(&server, NEXT, kind).await);
    // The next year is full already: what customs let go counts all the same, and then nothing more is reserved.
    step(&server, ME, Step::Reserve("A", &claims)).await.unwrap();
    step(&server, NEXT, Step::Reserve("N", &[annual(ANNUAL)])).await.unwrap();
    assert_eq!(step(&server, ME, Step::UseAt("A", midnight())).await.unwrap(), 2);
    assert_eq!(years(AnnualValue).await, ((0, 0), (ANNUAL, ANNUAL)));
    assert_eq!(years(Sugar).await, ((0, 0), (2_000, 0)), "a year of which nothing was known is made");
    assert_eq!(step(&server, ME, Step::UseAt("A", midnight())).await.unwrap(), 0);
    // An earlier release becomes known, and then that it was none.
    assert_eq!(step(&server, ME, Step::UseAt("A", midnight() - Duration::days(9))).await.unwrap(), 0);
    assert_eq!(years(AnnualValue).await, ((ANNUAL, 0), (0, ANNUAL)), "it stays in the year that was known first");
    assert_eq!(years(Sugar).await, ((2_000, 0), (0, 0)));
    adds_up(&server).await;
    assert_eq!(step(&server, ME, Step::UseAt("A", midnight())).await.unwrap(), 0);
    assert_eq!(years(AnnualValue).await, ((0, 0), (ANNUAL, ANNUAL)));
    assert_eq!(step(&server, ME, Step::Release(&["A"])).await.unwrap(), 0, "what is used is not released");
    let over = step(&server, NEXT, Step::Reserve("X", &[annual(1)])).await.unwrap_err();
    assert_eq!(code(&over), Some(ErrorCode::OverAnnualLimit));
    adds_up(&server).await;
    // The old year is free again, for what is released to its last moment, and for what is cancelled whenever.
    step(&server, ME, Step::Reserve("B", &[annual(2_000_000)])).await.unwrap();
    step(&server, ME, Step::Reserve("C", &[annual(600_000)])).await.unwrap();
    assert_eq!(step(&server, ME, Step::UseAt("B", midnight() - Duration::milliseconds(1))).await.unwrap(), 1);
    assert_eq!(step(&server, ME, Step::Release(&["C"])).await.unwrap(), 1);
    assert_eq!(years(AnnualValue).await, ((2_000_000, 0), (ANNUAL, ANNUAL)));
    // What came back goes with what it is of.
    step(&server, ME, Step::GiveBack("A", "R-A1", &[(AnnualValue, 1_000_000), (Sugar, 2_000)])).await.unwrap();
    for (released, old, new) in [
        (midnight() - Duration::days(9), 2_000_000 + ANNUAL - 1_000_000, 0),
        (midnight(), 2_000_000, ANNUAL - 1_000_000),
    ] {
        assert_eq!(step(&server, ME, Step::UseAt("A", released)).await.unwrap(), 0);
        assert_eq!(years(AnnualValue).await, ((old, 0), (new, ANNUAL)));
        adds_up(&server).await;
    }
    // What comes back is credited where it counts, once.
    for _ in 0..2 {
        let part = [(AnnualValue, 1_000_000), (Sugar, 2_000)];
        step(&server, ME, Step::GiveBack("A", "R-A1", &part)).await.unwrap();
        step(&server, ME, Step::GiveBack("A", "R-A2", &[(AnnualValue, ANNUAL - 1_000_000)])).await.unwrap();
        step(&server, ME, Step::GiveBack("B", "R-B", &[(AnnualValue, 2_000_000)])).await.unwrap();
    }
    let more = step(&server, ME, Step::GiveBack("A", "R-A3", &[(AnnualValue, 1)])).await.unwrap_err();
    assert_eq!(code(&more), Some(ErrorCode::OutOfRange));
    assert_eq!((years(AnnualValue).await, years(Sugar).await), (((0, 0), (0, ANNUAL)), ((0, 0), (0, 0))));
    assert_eq!(step(&server, NEXT, Step::Release(&["N"])).await.unwrap(), 1);
    adds_up(&server).await;
    // Let go in the old year and paid late in the new one; by customs' clock it was released in the old one, where the
    // document has an entry already.
    step(&server, ME, Step::Reserve("D", &[annual(700), sugar(70)])).await.unwrap();
    assert_eq!(step(&server, ME, Step::Release(&["D"])).await.unwrap(), 2);
    step(&server, NEXT, Step::Reserve("D", &[annual(800), sugar(80)])).await.unwrap();
    assert_eq!(years(AnnualValue).await, ((0, 0), (0, 800)));
    let before = midnight() - Duration::seconds(1);
    assert_eq!(step(&server, NEXT, Step::UseAt("D", before)).await.unwrap(), 2);
    assert_eq!(step(&server, NEXT, Step::UseAt("D", before)).await.unwrap(), 0);
    assert_eq!((years(AnnualValue).await, years(Sugar).await), (((800, 0), (0, 0)), ((80, 0), (0, 0))));
    step(&server, NEXT, Step::GiveBack("D", "R-D", &[(AnnualValue, 800), (Sugar, 80)])).await.unwrap();
    assert_eq!((years(AnnualValue).await, years(Sugar).await), (((0, 0), (0, 0)), ((0, 0), (0, 0))));
    adds_up(&server).await;
    // What counts to two years is found although each sum is right, and so is what is given back elsewhere.
    step(&server, ME, Step::Reserve("E", &[annual(5)])).await.unwrap();
    step(&server, NEXT, Step::Reserve("E", &[annual(5)])).await.unwrap();
    let found = reconcile::findings(server.app.db().writer()).await.unwrap();
    assert_eq!(found.len(), 1, "what counts to two years is not found: {found:?}");
    assert_eq!(step(&server, ME, Step::UseAt("E", midnight())).await.unwrap(), 2, "both ended");
    assert_eq!(years(AnnualValue).await, ((0, 0), (5, 0)), "it counts once, in the year of the release");
    step(&server, ME, Step::Reserve("F", &[annual(5)])).await.unwrap();
    assert_eq!(step(&server, ME, Step::Use("F")).await.unwrap(), 1);
    step(&server, ME, Step::GiveBack("E", "R-E", &[(AnnualValue, 5)])).await.unwrap();
    adds_up(&server).await;
    for elsewhere in [
        "UPDATE allowance_entry SET allowance_id = (SELECT id FROM buyer_allowance WHERE year = 2026 \
         AND kind = 'annual_value') WHERE document = 'R-E'",
        "UPDATE buyer_allowance SET used = used - 5 WHERE year = 2026 AND kind = 'annual_value'",
        "UPDATE buyer_allowance SET used = used + 5 WHERE year = 2027 AND kind = 'annual_value'",
    ] {
        server.app.db().writer().execute_unprepared(elsewhere).await.unwrap();
    }
    let found = reconcile::findings(server.app.db().writer()).await.unwrap();
    assert_eq!(found.len(), 1, "what is given back elsewhere is not found: {found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_year_that_ends_while_everything_happens_at_once_adds_up() {
    let server = Arc::new(TestServer::start().await);
    let claims = [annual(10_000), sugar(10)];
    let documents: Vec<String> = (0..24).map(|n| format!("Y-{n}")).collect();
    for document in &documents[..16] {
        step(&server, ME, Step::Reserve(document, &claims)).await.unwrap();
    }
    let barrier = Arc::new(tokio::sync::Barrier::new(24 * 2));
    let mut tasks = Vec::new();
    for (n, document) in documents.iter().enumerate() {
        for twin in 0..2 {
            let (server, barrier, document) = (server.clone(), barrier.clone(), document.clone());
            tasks.push(tokio::spawn(async move {
                barrier.wait().await;
                // Eight are released in the new year, told twice; eight are released there or cancelled; and both years are
                // ordered of.
                match (n, twin) {
                    (0..8, _) | (8..16, 0) => step(&server, ME, Step::UseAt(&document, midnight())).await,
                    (8..16, _) => step(&server, ME, Step::Release(&[&document])).await,
                    (_, 0) => step(&server, ME, Step::Reserve(&document, &claims)).await,
                    _ => step(&server, NEXT, Step::Reserve(&format!("{document}-next"), &claims)).await,
                }
                .unwrap()
            }));
        }
    }
    let mut ended = 0;
    for task in tasks {
        ended += task.await.unwrap();
    }
    assert_eq!(ended, 16 * 2, "each of two entries of sixteen orders ends once");
    let (old, new) =
        (taken(&server, ME, AllowanceKind::AnnualValue).await, taken(&server, NEXT, AllowanceKind::AnnualValue).await);
    assert_eq!(old, (0, 8 * 10_000), "something of the new year is left in the old one");
    assert_eq!(new.1, 8 * 10_000);
    assert!((8..=16).contains(&(new.0 / 10_000)) && new.0 % 10_000 == 0, "{new:?}");
    adds_up(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_sees_what_is_left_and_a_wrong_sum_is_found() {
    let server = TestServer::start().await;
    let consumer = server.consumer(1).await;
    let query = "query($y: Int) { myAllowances(year: $y) { maskedResidentId year annualValue { most { amount } used { amount } \
                 reserved { amount } left { amount } } quantities { kind hsCodes mostG usedG reservedG leftG } } }";
    assert_eq!(consumer.data(query, json!({})).await["myAllowances"], Value::Null, "nobody's allowances");
    let identity = json!({ "name": "马兰花", "residentId": "63010319900101001X" });
    consumer.done("setConsumerIdentity", "", identity.clone()).await;
    // The same person with another account has the same allowances.
    server.consumer(2).await.done("setConsumerIdentity", "", identity).await;
    let lookup = server.app.vault().lookup("resident id", "63010319900101001X");
    let me = Buyer { lookup: &lookup, year: 2026 };
    step(&server, me, Step::Reserve("A", &[annual(1_000_000), sugar(500)])).await.unwrap();
    step(&server, me, Step::Use("A")).await.unwrap();
    step(&server, me, Step::Reserve("B", &[annual(1)])).await.unwrap();
    let seen = server.consumer(2).await.data(query, json!({})).await["myAllowances"].clone();
    assert_eq!(seen["maskedResidentId"], "6301**********001X");
    let amounts = ["most", "used", "reserved", "left"].map(|field| seen["annualValue"][field]["amount"].clone());
    assert_eq!(amounts, ["26000.00", "10000.00", "0.01", "15999.99"].map(Value::from));
    let sugar = &seen["quantities"][1];
    assert_eq!(
        (&sugar["kind"], &sugar["leftG"], &sugar["hsCodes"]),
        (&json!("SUGAR"), &json!(1_500), &json!(["1701"]))
    );
    let before =
        consumer.data(query, json!({ "y": 2018 })).await["myAllowances"]["annualValue"]["left"]["amount"].clone();
    assert_eq!(before, "20000.00");
    for year in [2015, -1, i32::MAX] {
        assert_eq!(consumer.error(query, json!({ "y": year })).await, "BAD_INPUT", "{year}");
    }
    adds_up(&server).await;
    let db = server.app.db().writer();
    for (wrong, right) in [
        ("UPDATE buyer_allowance SET used = used + 1", "UPDATE buyer_allowance SET used = used - 1"),
        ("UPDATE buyer_allowance SET reserved = reserved + 1", "UPDATE buyer_allowance SET reserved = reserved - 1"),
        ("UPDATE allowance_entry SET returned = 1", "UPDATE allowance_entry SET returned = 0"),
    ] {
        db.execute_unprepared(wrong).await.unwrap();
        assert_ne!(reconcile::findings(db).await.unwrap(), [], "{wrong} is not found");
        db.execute_unprepared(right).await.unwrap();
    }
    assert!(
        db.execute_unprepared("UPDATE buyer_allowance SET reserved = -1").await.is_err(),
        "less than nothing is reserved"
    );
    adds_up(&server).await;
}
