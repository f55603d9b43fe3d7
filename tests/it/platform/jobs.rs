//! Jobs: at least once, in order, by several workers, also when one is killed.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use api::{
    app::Call,
    platform::jobs::{self, Job, Verdict, Wanted},
};
use entities::{
    party::Viewer,
    platform::{EventKind, JobState, job},
    webhooks::{DeliveryState, delivery},
};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::{
    binary::chama,
    support::{OPERATOR, SELLER, TestServer, receiver::Receiver},
};

#[derive(Serialize, Deserialize)]
struct Numbered {
    about: String,
    number: usize,
}

impl Job for Numbered {
    const KIND: &'static str = "test.numbered";
    fn aggregate(&self) -> String {
        self.about.clone()
    }
}

async fn quiet() -> TestServer {
    TestServer::with(&[("CHAMA_JOBS_WORKERS", "0")]).await
}

async fn enqueue(server: &TestServer, about: &str, numbers: std::ops::Range<usize>) {
    let tx = server.app.db().begin().await.unwrap();
    for number in numbers {
        jobs::enqueue(&tx, &Numbered { about: about.into(), number }, server.app.clock().now()).await.unwrap();
    }
    tx.commit().await.unwrap();
}

fn number(job: &job::Model) -> usize {
    serde_json::from_str::<Numbered>(&job.payload).unwrap().number
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_of_one_aggregate_are_done_in_order_and_by_one_worker_at_a_time() {
    let server = quiet().await;
    let (db, lease) = (server.app.db(), chrono::Duration::seconds(60));
    let now = server.app.clock().now();
    enqueue(&server, "a", 0..3).await;
    enqueue(&server, "b", 0..2).await;
    let (one, two) = (Uuid::new_v4(), Uuid::new_v4());
    let taken = jobs::claim(db, one, now, lease, Wanted::ALL).await.unwrap();
    assert_eq!(taken.iter().map(number).collect::<Vec<_>>(), [0, 1, 2, 0, 1]);
    enqueue(&server, "a", 3..4).await;
    enqueue(&server, "c", 0..1).await;
    let other = jobs::claim(db, two, now, lease, Wanted::ALL).await.unwrap();
    assert_eq!(other.iter().map(|j| j.aggregate.as_str()).collect::<Vec<_>>(), ["c"], "a job overtook one before it");
    // The first is begun and fails: what stands behind it waits with it.
    jobs::begin(db.writer(), one, &taken[0], now, lease).await.unwrap().unwrap();
    let failed = Verdict::Again { after: Some(chrono::Duration::seconds(5)), reason: "no".into() };
    jobs::settle(db.writer(), one, &taken[0], failed, now).await.unwrap();
    jobs::give_back(db.writer(), one, &taken[1..3]).await.unwrap();
    assert!(
        jobs::claim(db, two, now, lease, Wanted::ALL).await.unwrap().is_empty(),
        "a later job overtakes a failed one"
    );
    let later = now + chrono::Duration::seconds(6);
    let again = jobs::claim(db, two, later, lease, Wanted::ALL).await.unwrap();
    assert_eq!(again.iter().map(|j| (number(j), j.attempts)).collect::<Vec<_>>(), [(0, 1), (1, 0), (2, 0), (3, 0)]);
    // Who lost its lease begins and settles nothing.
    let expired = later + chrono::Duration::seconds(61);
    let three = Uuid::new_v4();
    let taken_over = jobs::claim(db, three, expired, lease, Wanted::ALL).await.unwrap();
    assert_eq!(taken_over.iter().filter(|j| j.aggregate == "a").count(), 4, "a dead worker keeps its jobs");
    assert!(jobs::begin(db.writer(), two, &again[1], expired, lease).await.unwrap().is_none());
    jobs::settle(db.writer(), two, &again[0], Verdict::Done, expired).await.unwrap();
    assert_eq!(job::Entity::find().filter(job::Column::Aggregate.eq("a")).count(db.read()).await.unwrap(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_workers_share_the_work_and_keep_the_order() {
    let server = quiet().await;
    for about in 0..10 {
        enqueue(&server, &format!("g{about}"), 0..30).await;
    }
    let done = std::sync::Arc::new(std::sync::Mutex::new(Vec::<(String, usize)>::new()));
    let workers: Vec<_> = (0..6)
        .map(|_| {
            let (app, done) = (server.app.clone(), done.clone());
            tokio::spawn(async move {
                let worker = Uuid::new_v4();
                let mut idle = 0;
                while idle < 5 {
                    let now = app.clock().now();
                    let Ok(taken) =
                        jobs::claim(app.db(), worker, now, chrono::Duration::seconds(60), Wanted::ALL).await
                    else {
                        continue;
                    };
                    if taken.is_empty() {
                        idle += 1;
                        tokio::time::sleep(Duration::from_millis(20)).await;
                        continue;
                    }
                    for job in taken {
                        done.lock().unwrap().push((job.aggregate.clone(), number(&job)));
                        tokio::task::yield_now().await;
                        while jobs::settle(app.db().writer(), worker, &job, Verdict::Done, now).await.is_err() {}
                    }
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    let done = done.lock().unwrap();
    let mut by_group: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    done.iter().for_each(|(about, number)| by_group.entry(about).or_default().push(*number));
    for (about, numbers) in by_group {
        assert_eq!(numbers, (0..30).collect::<Vec<_>>(), "{about} was done out of order, twice, or not at all");
    }
    assert_eq!(done.len(), 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_succeeds_is_given_up_with_its_reason_and_can_be_replayed() {
    let server = TestServer::start().await;
    enqueue(&server, "x", 0..2).await;
    server.app.jobs_due().notify_one();
    let operator = server.member("operator", OPERATOR).await;
    let list = "{ deadLetters { nodes { id kind aggregate payload attempts reason state } } }";
    let mut dead = json!([]);
    for _ in 0..200 {
        dead = operator.data(list, json!({})).await["deadLetters"]["nodes"].clone();
        if dead.as_array().unwrap().len() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert_eq!(
        (&dead[0]["kind"], &dead[0]["reason"]),
        (&json!("test.numbered"), &json!("no room does test.numbered")),
        "{dead}"
    );
    let auditor = server.member("auditor", OPERATOR).await;
    assert_eq!(auditor.denied("replayDeadLetter", json!({ "id": dead[0]["id"] })).await, "FORBIDDEN");
    let replayed =
        operator.done("replayDeadLetter", "deadLetter { state attempts }", json!({ "id": dead[0]["id"] })).await;
    assert_eq!(replayed["deadLetter"], json!({ "state": "WAITING", "attempts": 0 }));
    operator.done("discardDeadLetter", "discardedId", json!({ "id": dead[1]["id"] })).await;
    assert_eq!(operator.refused("discardDeadLetter", json!({ "id": dead[1]["id"] })).await[0].0, "NOT_FOUND");
    let trail = "query($id: ID!) { auditTrail(nodeId: $id) { nodes { action } } }";
    let trail = operator.data(trail, json!({ "id": dead[1]["id"] })).await;
    assert_eq!(trail["auditTrail"]["nodes"], json!([{ "action": "discardDeadLetter" }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_keeps_failing_is_tried_later_and_later_and_then_no_more() {
    let server = quiet().await;
    enqueue(&server, "x", 0..1).await;
    let (worker, lease) = (Uuid::new_v4(), chrono::Duration::seconds(60));
    let mut tries = 0;
    for _ in 0..100 {
        let now = server.app.clock().now();
        for job in jobs::claim(server.app.db(), worker, now, lease, Wanted::ALL).await.unwrap() {
            let job = jobs::begin(server.app.db().writer(), worker, &job, now, lease).await.unwrap().unwrap();
            tries += 1;
            let verdict = Verdict::Again { after: None, reason: format!("no. {tries}") };
            jobs::settle(server.app.db().writer(), worker, &job, verdict, now).await.unwrap();
        }
        server.wait(chrono::Duration::hours(1));
    }
    let row = job::Entity::find().one(server.app.db().read()).await.unwrap().unwrap();
    assert_eq!((row.state, tries, row.reason.as_deref()), (JobState::Dead, jobs::MAX_ATTEMPTS, Some("no. 12")));
}

/// A worker of its own process, over the tiers of the test's server.
fn worker(server: &TestServer) -> Child {
    let mut command = chama(server.data_dir());
    command.arg("worker").stdout(Stdio::null()).stderr(Stdio::null());
    for (name, value) in server.environment() {
        command.env(name, value);
    }
    command.env("CHAMA_JOBS_WORKERS", "4").spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_in_the_middle_loses_nothing_and_doubles_nothing() {
    const JOBS: usize = 1_000;
    let settings = [
        ("CHAMA_JOBS_WORKERS", "0"),
        ("CHAMA_JOBS_LEASE", "2"),
        ("CHAMA_WEBHOOKS_TIMEOUT", "1"),
        ("CHAMA_WEBHOOKS_ALLOW_PRIVATE", "true"),
    ];
    let server = TestServer::with(&settings).await;
    let receiver = Receiver::answering("200 OK").await;
    let owner = server.member("owner", SELLER).await;
    owner.done("createWebhookEndpoint", "", json!({ "url": format!("{}/hook", receiver.url) })).await;
    let audience = api::party::ops::organisation_by_slug(server.app.db().read(), SELLER).await.unwrap().unwrap().id;
    let mut work = server.app.begin(&Call::by(Viewer::anonymous())).await.unwrap();
    for n in 0..JOBS {
        work.tell(audience, EventKind::FilingChanged, format!("n{n}"), 1).await.unwrap();
    }
    work.commit(()).await.unwrap();

    let distinct =
        || receiver.received().iter().map(|r| r.header("webhook-id").to_owned()).collect::<BTreeSet<_>>().len();
    let reach = async |count: usize, what: &str| {
        let begun = Instant::now();
        while distinct() < count {
            assert!(begun.elapsed() < Duration::from_mins(2), "{what}: {} of {count} came", distinct());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    // Killed three times in the middle, with -9: no worker gets to tidy up.
    for reached in [150, 400, 650] {
        let mut child = worker(&server);
        reach(reached, "before the kill").await;
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(distinct() < JOBS, "everything was done before the last kill");
    let mut last = [worker(&server), worker(&server)];
    reach(JOBS, "after the restart").await;
    let begun = Instant::now();
    let left = async || job::Entity::find().count(server.app.db().read()).await.unwrap();
    while left().await > 0 {
        assert!(begun.elapsed() < Duration::from_mins(1), "{} jobs are left", left().await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for child in &mut last {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert_eq!(distinct(), JOBS, "an effect was lost or invented");
    let delivered = delivery::Entity::find().filter(delivery::Column::State.eq(DeliveryState::Delivered));
    assert_eq!(delivered.count(server.app.db().read()).await.unwrap(), JOBS as u64);
    println!("{} requests for {JOBS} events after three kills", receiver.received().len());
}
