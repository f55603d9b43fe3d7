//! `chama doctor`: what is configured, reachable and migrated, and what to do about what is not.

use std::process::ExitCode;

use finding::index;
use platform::{
    app::{App, IndexJob},
    clock::Clock,
    config::Config,
    db::Dialect,
    error::Error,
    jobs::{self, Job},
};
use search::Kind;

use crate::{worker, zone};

/// Looks at everything and says what it found; exits with 1 when something needs a hand.
pub(super) async fn doctor(config: Config) -> Result<ExitCode, Error> {
    let mut findings = Findings { bad: 0 };
    let fresh = config.postgres().is_none() && !config.sqlite_file().exists();
    println!("data folder    {}", config.data_dir.display());
    if fresh {
        findings.bad(
            "database",
            "there is no SQLite file yet",
            "chama demo (a demo zone) or chama migrate (an empty one)",
        );
        return Ok(findings.code());
    }
    let listen = config.server.listen;
    let app = match App::new(config, Clock::system()).await {
        Ok(app) => app,
        Err(error) => {
            findings.bad(
                "database",
                &super::told(&error),
                "check database.url (CHAMA_DATABASE_URL) and that the server runs",
            );
            return Ok(findings.code());
        }
    };
    let kind = match app.db().dialect() {
        Dialect::Sqlite => "SQLite in the data folder",
        Dialect::Postgres => "PostgreSQL",
    };
    match app.db().ping().await {
        Ok(()) => findings.good("database", &format!("{kind}, reachable")),
        Err(error) => {
            findings.bad(
                "database",
                &super::told(&error),
                "check database.url (CHAMA_DATABASE_URL) and that the server runs",
            );
            return Ok(findings.code());
        }
    }
    let pending = app.db().pending_migrations().await?;
    if pending > 0 {
        findings.bad("migrations", &format!("{pending} steps behind"), "chama migrate");
        return Ok(findings.code());
    }
    findings.good("migrations", "up to date");
    match zone::operator(&app).await {
        Ok(_) => findings.good("zone", "has an operator"),
        Err(_) => findings.bad(
            "zone",
            "no organisation has the role PLATFORM",
            "chama import zone deploy/demo (or your own folder)",
        ),
    }
    match app.cache().ping().await {
        None => findings.good("cache", "in this process (redis.url is not set)"),
        Some(Ok(())) => findings.good("cache", "Redis, reachable"),
        Some(Err(error)) => findings.bad(
            "cache",
            &format!("Redis: {error}"),
            "check redis.url (CHAMA_REDIS_URL); until then each node caches alone",
        ),
    }
    let products = index::count(app.db().read(), Kind::Product).await?;
    match app.search().ready().await {
        Ok(true) => {
            let indexed = app.search().count(Kind::Product).await.unwrap_or_default();
            let found = format!("{} has {indexed} products, the database {products}", app.search().name());
            if indexed == products {
                findings.good("search", &format!("{}, {indexed} products", app.search().name()));
            } else {
                findings.bad("search", &found, "chama doctor --search (compares and repairs)");
            }
        }
        Ok(false) => findings.bad("search", "there is no index yet", "chama reindex, or start chama serve"),
        Err(error) => findings.bad(
            "search",
            &error.to_string(),
            "check meilisearch.url (CHAMA_MEILISEARCH_URL) and that it runs; until then the database answers searches",
        ),
    }
    match worker::findings(&app, app.clock().now()).await?.first() {
        None => findings.good("books", "stock, allowances, orders and payments add up"),
        Some(first) => findings.bad("books", &format!("{} ({} rows)", first.what, first.rows), "chama reconcile"),
    }
    sandbox(&app, &mut findings);
    promises(&app, &mut findings).await?;
    match (app.config().auth.development_tokens, listen.ip().is_loopback()) {
        (false, _) => findings.good("sign-in", "development tokens are off"),
        (true, true) => findings.good("sign-in", "development tokens are on, for this machine only"),
        (true, false) => findings.bad(
            "sign-in",
            "development tokens are on, and the server listens beyond this machine",
            "switch auth.development_tokens off",
        ),
    }
    Ok(findings.code())
}

/// Whether anyone can pay without money.
fn sandbox(app: &App, findings: &mut Findings) {
    if app.config().payments.sandbox.enabled && !app.config().server.listen.ip().is_loopback() {
        let wrong = "the sandbox is on, and the server listens beyond this machine: anyone can pay without money";
        findings.bad("payments", wrong, "switch payments.sandbox.enabled off");
    }
}

/// `chama reconcile`: whether stock, allowances, orders and payments add up.
pub(super) async fn reconcile(app: &App) -> Result<ExitCode, Error> {
    let found = worker::findings(app, app.clock().now()).await?;
    for finding in &found {
        println!("{:>8} rows: {}", finding.rows, finding.what);
    }
    if found.is_empty() {
        println!("stock, allowances, orders and payments add up: 0 findings");
        return Ok(ExitCode::SUCCESS);
    }
    println!("next: look at stockHistory of what is named; moves are taken back with reverseStockMove");
    Ok(ExitCode::FAILURE)
}

/// Most things that are compared when not all are.
const SAMPLE: u64 = 2_000;

/// `chama doctor --search`: compares the index with the database and repairs what differs. By counts and a sample of
/// what documents say; when these differ, or with `all`, everything.
pub(super) async fn search(app: &App, all: bool) -> Result<ExitCode, Error> {
    if !app.search().ready().await.map_err(|e| Error::Unavailable(e.into()))? {
        println!("there is no search index; next: chama reindex");
        return Ok(ExitCode::FAILURE);
    }
    // What is already on its way is no drift.
    worker::drain(app, Some(IndexJob::KIND), |_| ()).await?;
    let (mut total, mut alike) = (0, true);
    for kind in Kind::ALL {
        let there = index::count(app.db().read(), kind).await?;
        let indexed = app.search().count(kind).await.map_err(|e| Error::Unavailable(e.into()))?;
        println!("{:<14} {there} in the database, {indexed} in the index", kind.name());
        alike &= there == indexed;
        total += there;
    }
    let step = if all { 1 } else { usize::try_from(total / SAMPLE).unwrap_or(usize::MAX).max(1) };
    let bar = super::bar::counting(total.div_ceil(step as u64), "comparing");
    let mut drift = index::compare(app, step, |done| bar.set_position(done)).await?;
    bar.finish_and_clear();
    println!("{} compared, {} differ", drift.compared, drift.behind.len() + drift.gone.len());
    if step > 1 && !(alike && drift.none()) {
        let bar = super::bar::counting(total, "comparing everything");
        drift = index::compare(app, 1, |done| bar.set_position(done)).await?;
        bar.finish_and_clear();
        println!("{} compared, {} differ", drift.compared, drift.behind.len() + drift.gone.len());
    }
    if !drift.none() {
        index::repair(app, &drift).await?;
        worker::drain(app, Some(IndexJob::KIND), |_| ()).await?;
        let left = index::compare(app, 1, |_| ()).await?;
        println!("{} were put right", drift.behind.len() + drift.gone.len());
        if !left.none() {
            println!("{} still differ; next: chama reindex", left.behind.len() + left.gone.len());
            return Ok(ExitCode::FAILURE);
        }
    }
    println!("index and database agree");
    Ok(ExitCode::SUCCESS)
}

/// The keys, and what background jobs were given up.
async fn promises(app: &App, findings: &mut Findings) -> Result<(), Error> {
    match (app.config().master_key().is_some(), app.db().dialect()) {
        (true, _) => findings.good("master key", "is set"),
        (false, Dialect::Sqlite) => findings.good("master key", "in the data folder; back it up with the database"),
        (false, Dialect::Postgres) => findings.bad(
            "master key",
            "lies in the data folder of this node alone",
            "set secrets.master_key (CHAMA_SECRETS_MASTER_KEY) to the content of master.key, on every node",
        ),
    }
    // A key that does not open what the database holds shows here, not at the first sign-in.
    match app.gate().key_set(app.db(), app.clock().now()).await {
        Ok(_) => findings.good("signing keys", "open with the master key"),
        Err(error) => findings.bad("signing keys", &super::told(&error), "restore the master key from a backup"),
    }
    let dead = jobs::count_dead(app.db().read()).await?;
    if dead == 0 {
        findings.good("jobs", "none was given up");
    } else {
        findings.bad(
            "jobs",
            &format!("{dead} were given up"),
            "look at deadLetters as an operator; replayDeadLetter or discardDeadLetter",
        );
    }
    Ok(())
}

struct Findings {
    bad: u32,
}

impl Findings {
    #[expect(clippy::unused_self, reason = "reads as the pair of `bad`")]
    fn good(&self, what: &str, found: &str) {
        println!("{what:<14} ok   {found}");
    }

    fn bad(&mut self, what: &str, found: &str, next: &str) {
        self.bad += 1;
        println!("{what:<14} !!   {found}\n{:<14}      next: {next}", "");
    }

    fn code(&self) -> ExitCode {
        if self.bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
