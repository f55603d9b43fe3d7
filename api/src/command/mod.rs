//! The subcommands of the binary: what each may be told, and what it says.
//!
//! A command answers on standard output and logs on standard error. When it fails it says what was
//! wrong and, where there is one, what to do next.

mod bar;
mod demo;
mod doctor;
mod evidence;
mod import;

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use chrono::Duration;
use clap::{Parser, Subcommand};
use finding::index;
use platform::{
    app::{App, IndexJob},
    audit,
    clock::Clock,
    config::Config,
    db::Db,
    error::Error,
    jobs::Job,
    telemetry,
};

use entities::party::MemberRole;
use search::Kind;

use crate::{http, seed, worker, zone};

/// Chama (茶马): the backend of a cross-border e-commerce pilot zone.
#[derive(Debug, Parser)]
#[command(name = "chama", version, about, propagate_version = true)]
struct Arguments {
    /// Settings file; without it ./chama.toml when there is one. CHAMA_* variables win over it.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of the embedded tiers (`data_dir`).
    #[arg(long, global = true, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve a demo zone: makes ./chama-data on the first start, reuses it later.
    Demo {
        /// Address and port to listen on.
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<SocketAddr>,
    },
    /// Load the demo zone and end; `demo` runs it on the first start.
    #[command(hide = true)]
    LoadDemo,
    /// Serve with the settings as they are; tables are brought up to date first.
    Serve {
        /// Address and port to listen on.
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<SocketAddr>,
        /// Leave the tables as they are, and refuse to start when they are behind.
        #[arg(long)]
        no_migrate: bool,
    },
    /// Work on background jobs with the settings as they are, serving nothing; beside `serve`, as many as needed.
    Worker,
    /// Invite a person into an organisation: how the zone's first operator and its first owners come in.
    Invite {
        /// Slug of the organisation.
        #[arg(long, value_name = "SLUG")]
        organisation: String,
        /// The e-mail address or mobile number that the person signs in with.
        #[arg(long, value_name = "NAME")]
        contact: String,
        /// In which role, as `owner`; may be given several times.
        #[arg(long, required = true, value_parser = role)]
        role: Vec<MemberRole>,
    },
    /// Look after the audit.
    #[command(subcommand)]
    Audit(Audit),
    /// Bring the tables up to date.
    Migrate,
    /// Load files.
    #[command(subcommand)]
    Import(import::What),
    /// Make a large, deterministic catalog for benches.
    Seed {
        /// How many products there should be.
        #[arg(long, value_name = "N")]
        products: u64,
        /// Leave the search index alone.
        #[arg(long)]
        no_index: bool,
    },
    /// Build the search index anew.
    Reindex,
    /// Say whether stock, allowances, orders and payments add up: balances against moves, promises and entries against
    /// what is reserved, the ledger against payments, money against orders. Exits with 1 when not.
    Reconcile,
    /// Say what is configured, reachable and migrated, and what to do about what is not.
    Doctor {
        /// Compare the search index with the database (counts and a sample of what it says) and repair it.
        #[arg(long)]
        search: bool,
        /// With --search: compare everything, not a sample.
        #[arg(long, requires = "search")]
        all: bool,
    },
    /// Write the schema (api/schema.graphql) to standard output.
    Schema {
        /// What to write.
        #[arg(long, value_enum, default_value = "graphql")]
        what: Document,
    },
    /// Look at evidence that somebody handed on.
    #[command(subcommand)]
    Evidence(evidence::What),
    /// Make a development token; taken where `auth.development_tokens` is on, as in the demo.
    Token {
        /// In which role, as `operator` or `catalog-manager`; may be given several times.
        #[arg(long, required = true, value_parser = role)]
        role: Vec<MemberRole>,
        /// Slug of the organisation to act for.
        #[arg(long, value_name = "SLUG")]
        organisation: String,
        /// For how many hours.
        #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(i64).range(1..=24 * 365))]
        hours: i64,
    },
}

/// What can be done with the audit.
#[derive(Clone, Copy, Debug, Subcommand)]
enum Audit {
    /// Walk every chain and name the first link of each that does not hold.
    Verify,
}

/// A member's role as it is written on the command line.
fn role(text: &str) -> Result<MemberRole, String> {
    let named = |role: MemberRole| role.name().to_lowercase().replace('_', "-");
    let known = || MemberRole::ALL.iter().map(|r| named(*r)).collect::<Vec<_>>().join(", ");
    MemberRole::ALL.iter().copied().find(|r| named(*r) == text).ok_or_else(|| format!("known are {}", known()))
}

/// A document that is generated from the code.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Document {
    /// The schema as sorted SDL.
    Graphql,
    /// The catalogue of error codes.
    Errors,
    /// Who may do what.
    Permissions,
}

/// Runs what the command line says, in a runtime of its own.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match runtime.map_err(Error::internal).and_then(|runtime| runtime.block_on(carry_out(arguments))) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{}", told(&error));
            ExitCode::FAILURE
        }
    }
}

async fn carry_out(arguments: Arguments) -> Result<ExitCode, Error> {
    if let Command::Schema { what } = &arguments.command {
        // Needs no settings and touches nothing.
        match what {
            Document::Graphql => print!("{}", crate::graphql::sdl()),
            Document::Errors => print!("{}", crate::graphql::error_catalogue()),
            Document::Permissions => print!("{}", crate::graphql::permission_matrix()),
        }
        return Ok(ExitCode::SUCCESS);
    }
    if let Command::Evidence(what) = &arguments.command {
        // For who has nothing but a file: needs no settings and touches nothing.
        return evidence::evidence(what);
    }
    let file = arguments.config.clone();
    let mut config = Config::load(arguments.config, std::env::vars()).map_err(|e| Error::BadInput(e.to_string()))?;
    if let Some(folder) = arguments.data_dir {
        config.data_dir = folder;
    }
    telemetry::init(&config.log)?;
    match arguments.command {
        Command::Demo { listen } => demo::demo(config, file, listen).await.map(|()| ExitCode::SUCCESS),
        Command::LoadDemo => demo::load(&migrated(config).await?).await.map(|()| ExitCode::SUCCESS),
        Command::Serve { listen, no_migrate } => serve(config, listen, no_migrate).await.map(|()| ExitCode::SUCCESS),
        Command::Migrate => {
            let app = App::new(config, Clock::system()).await?;
            let pending = app.db().pending_migrations().await?;
            app.db().migrate().await?;
            println!("{pending} migration steps applied; the tables are up to date");
            Ok(ExitCode::SUCCESS)
        }
        Command::Import(what) => import::import(&migrated(config).await?, what).await,
        Command::Seed { products, no_index } => {
            seeded(&migrated(config).await?, products, no_index).await.map(|()| ExitCode::SUCCESS)
        }
        Command::Reindex => {
            let app = migrated(config).await?;
            let indexed = reindexed(&app).await?;
            println!("{indexed} products are in the search index ({})", app.search().name());
            Ok(ExitCode::SUCCESS)
        }
        Command::Reconcile => doctor::reconcile(&migrated(config).await?).await,
        Command::Doctor { search: true, all } => doctor::search(&migrated(config).await?, all).await,
        Command::Doctor { .. } => doctor::doctor(config).await,
        Command::Token { role, organisation, hours } => {
            let app = App::new(config, Clock::system()).await?;
            let now = app.clock().now();
            let valid = Duration::hours(hours);
            println!("{}", app.gate().for_development(app.db(), &role, &organisation, now, valid).await?);
            Ok(ExitCode::SUCCESS)
        }
        Command::Worker => {
            let app = migrated(config).await?;
            println!("chama works on background jobs");
            worker::work(app.clone(), Box::pin(http::stop_signal())).await;
            app.db().clone().close().await.map(|()| ExitCode::SUCCESS)
        }
        Command::Invite { organisation, contact, role } => {
            let app = App::new(config, Clock::system()).await?;
            let token = party::ops::members::invite_from_outside(&app, &organisation, &contact, &role).await?;
            println!(
                "{contact} may join {organisation} within 7 days: register (mutation registerPerson), sign in, and send\n\
                 mutation {{ acceptInvitation(input: {{ token: \"{token}\" }}) {{ userErrors {{ message }} }} }}"
            );
            Ok(ExitCode::SUCCESS)
        }
        Command::Audit(Audit::Verify) => audited(&App::new(config, Clock::system()).await?).await,
        Command::Schema { .. } | Command::Evidence(_) => Ok(ExitCode::SUCCESS),
    }
}

async fn migrated(config: Config) -> Result<App, Error> {
    let app = App::new(config, Clock::system()).await?;
    app.db().migrate().await?;
    Ok(app)
}

/// Brings the tables up to date, or says how far behind they are. Over connections of its own: a migration may take
/// longer than what is asked of a server.
async fn up_to_date(config: &Config, no_migrate: bool) -> Result<(), Error> {
    let db = Db::connect(config).await?;
    if no_migrate {
        let pending = db.pending_migrations().await?;
        if pending > 0 {
            return Err(Error::BadInput(format!(
                "the tables are {pending} migration steps behind; run: chama migrate"
            )));
        }
    } else {
        db.migrate().await?;
    }
    db.close().await
}

async fn serve(mut config: Config, listen: Option<SocketAddr>, no_migrate: bool) -> Result<(), Error> {
    config.server.listen = listen.unwrap_or(config.server.listen);
    let (listener, address) = http::bind(config.server.listen).await?;
    up_to_date(&config, no_migrate).await?;
    let app = App::serving(config, Clock::system()).await?;
    println!("chama is served at http://{address}/graphql (GraphiQL: http://{address}/)");
    until_stopped(app, listener).await
}

/// Serves, with a worker inside, until the process is told to stop.
async fn until_stopped(app: App, listener: tokio::net::TcpListener) -> Result<(), Error> {
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let worker = (app.config().jobs.workers > 0).then(|| {
        let stop = async {
            let _ = stopped.await;
        };
        tokio::spawn(worker::work(app.clone(), Box::pin(stop)))
    });
    http::serve(app.clone(), listener, http::stop_signal()).await?;
    showroom::scans::write(&app).await?;
    let _ = stop.send(());
    if let Some(worker) = worker {
        worker.await.map_err(Error::internal)?;
    }
    app.db().clone().close().await
}

async fn audited(app: &App) -> Result<ExitCode, Error> {
    let bar = bar::counting(0, "walking the audit");
    let (walked, broken) = audit::verify(app.db().read(), |done| bar.set_position(done)).await?;
    bar.finish_and_clear();
    if broken.is_empty() {
        println!("{walked} entries of the audit hold");
        return Ok(ExitCode::SUCCESS);
    }
    for audit::Broken { chain, seq, why } in &broken {
        println!("chain {chain}, entry {seq}: {why}");
    }
    println!("{} chains of the audit are broken; compare with a backup from before", broken.len());
    Ok(ExitCode::FAILURE)
}

async fn seeded(app: &App, products: u64, no_index: bool) -> Result<(), Error> {
    // The demo zone's words, unless the database already has a zone of its own.
    if zone::operator(app).await.is_err() {
        zone::load(app, &zone::ZoneFiles::demo()).await?;
    }
    let viewer = zone::operator(app).await?;
    let present = seed::present(app).await?;
    if present >= products {
        println!("there are already {present} seeded products; nothing to do");
        return Ok(());
    }
    let bar = bar::counting(products - present, "seeding products");
    seed::seed(app, &viewer, present, products, |done| bar.set_position(done)).await?;
    app.db().analyze().await?;
    bar.finish();
    if !no_index {
        reindexed(app).await?;
    }
    println!("the catalog has {products} seeded products");
    Ok(())
}

/// Does what a load left to do for the search index. What cannot be done now waits for the next worker.
async fn followed(app: &App) -> Result<(), Error> {
    if let Err(error) = index::keep_ready(app).await {
        println!("the search index is away ({}); a worker will follow when it is back", told(&error));
        return Ok(());
    }
    let bar = bar::counting(0, "following with the search index");
    worker::drain(app, Some(IndexJob::KIND), |done| bar.set_position(done)).await?;
    bar.finish_and_clear();
    app.search().rest();
    Ok(())
}

/// Builds the index anew, beside the live one; answers with how many products it has. A server that runs meanwhile
/// does parts of it, and goes on answering from the old one until the new one takes its place.
async fn reindexed(app: &App) -> Result<u64, Error> {
    app.search().ready().await.map_err(|e| Error::Unavailable(e.into()))?;
    index::ask_for_rebuild(app).await?;
    let bar = bar::counting(0, "building the search index");
    while let Some((done, total)) = index::progress(app).await? {
        bar.set_length(total);
        bar.set_position(done);
        let begun = worker::drain_some(app, IndexJob::KIND).await?;
        if begun == 0 {
            // Another worker is at it, or the index is away for a moment.
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }
    bar.finish_and_clear();
    app.search().rest();
    app.search().count(Kind::Product).await.map_err(|e| Error::Unavailable(e.into()))
}

/// An error as the command line tells it. Here the cause may be seen: whoever runs the command owns it.
fn told(error: &Error) -> String {
    match error {
        Error::Refused(refusals) => {
            let all: Vec<String> = refusals.iter().map(ToString::to_string).collect();
            format!("refused: {}", all.join("; "))
        }
        Error::Unauthenticated | Error::Forbidden => "not allowed".into(),
        Error::BadInput(message) => message.clone(),
        Error::Unavailable(cause) => format!("not reachable: {cause}\nrun `chama doctor` to see what is configured"),
        Error::Internal(cause) => format!("failed: {cause}\nrun `chama doctor` to see what is configured"),
    }
}
