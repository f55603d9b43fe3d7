//! Measures, and prints tables: `cargo run --release -p tests --bin bench`, `… --bin bench -- --help`.
//!
//! - `bench serve`, which is what it does when nothing is said: a server of its own, asked over loopback
//! - `bench import`: an import, list pages and signing in, inside this process, on SQLite in a folder of its own or
//!   on the PostgreSQL database that `CHAMA_DATABASE_URL` names (an empty one: it is filled)
//! - `bench order`: carts, quotes, orders and payments, inside this process, in the same way
//! - `bench declare`: declarations and receipts, inside this process, in the same way
//! - `bench scan`: scans of slots in a showroom, of a server of its own as well
//! - `bench purchase`: comparisons of quotations and matches of invoices, of a server of its own as well
//!
//! Figures are for comparing within one run; the ratios travel between machines.

mod bare;
mod declaring;
mod driver;
mod ordering;
mod process;
mod purchasing;
mod report;
mod scan;
mod scenarios;
mod serve;
mod signing_in;
mod tiers;

use std::{
    io::Write,
    path::Path,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use api::{
    app::App,
    app::Call,
    catalog::{
        import::{self, Format},
        ops::bulk,
    },
    config::Config,
    graphql::Gateway,
    platform::{auth::Caller, clock::Clock, meter::Meter},
    worker,
    zone::{self, ZoneFiles},
};
use async_graphql::Request;
use clap::{Parser, Subcommand};
use entities::values::Locale;
use sea_orm::{ConnectionTrait, Statement};
use tokio::{
    runtime::Builder,
    signal::unix::{SignalKind, signal},
    sync::Notify,
};

/// What can go wrong in a bench; it says so and stops.
type Failure = Box<dyn std::error::Error>;

/// Gives memory back to the system, as the real binary does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures what chama can do.
#[derive(Debug, Parser)]
#[command(name = "bench", args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    serve: serve::Options,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Asks a server of its own over loopback; this is what is done when nothing is said.
    Serve(serve::Options),
    /// Imports a catalog and signs people in, inside this process.
    Import {
        /// How many products the catalog has.
        #[arg(default_value_t = 100_000)]
        products: u64,
    },
    /// Puts into carts, quotes, places and pays, inside this process.
    Order {
        /// How many seconds each line takes.
        #[arg(default_value_t = 10)]
        seconds: u64,
    },
    /// Builds, signs and validates declarations, and takes receipts, inside this process.
    Declare {
        /// How many seconds each line takes.
        #[arg(default_value_t = 10)]
        seconds: u64,
    },
    /// Scans the slots of a showroom, at a server of its own over loopback.
    Scan(scan::Options),
    /// Compares quotations and matches invoices, at a server of its own over loopback.
    Purchase(purchasing::Options),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let ended = match arguments.what.unwrap_or(What::Serve(arguments.serve)) {
        What::Serve(options) => asking(serve::serve(&options)),
        What::Import { products } => inside(bench(products)),
        What::Order { seconds } => inside(order(seconds)),
        What::Declare { seconds } => inside(declare(seconds)),
        What::Scan(options) => asking(scan::scan(&options)),
        What::Purchase(options) => asking(purchasing::purchase(&options)),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

/// Asks a server of its own.
fn asking(what: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    // One thread asks: what the driver takes of the machine, the server does not have.
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        // What was started is stopped, also when the bench is.
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            ended = what => ended,
            _ = interrupt.recv() => Err("interrupted".into()),
            _ = terminate.recv() => Err("told to stop".into()),
        }
    })
}

/// Does something on all processors of the machine.
fn inside(what: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    Builder::new_multi_thread().enable_all().build()?.block_on(what)
}

/// Does something with a worker beside it, which does the jobs that are left behind.
async fn with_worker(app: &App, what: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let stop = Arc::new(Notify::new());
    let told_to_stop = stop.clone();
    let worker = tokio::spawn(worker::work(app.clone(), Box::pin(async move { told_to_stop.notified().await })));
    let ended = what.await;
    stop.notify_one();
    worker.await?;
    ended
}

fn told(error: &api::platform::error::Error) -> Failure {
    format!("{error:?}").into()
}

/// An app of its own with the demo zone and a catalog.
async fn furnished(folder: &Path, products: u64) -> Result<App, Failure> {
    let settings = [
        ("CHAMA_DATA_DIR".to_owned(), folder.to_string_lossy().into_owned()),
        // Nobody pays with money here.
        ("CHAMA_PAYMENTS_SANDBOX_ENABLED".to_owned(), "true".to_owned()),
        // Many sign-ins of one person at once are no guessing here.
        ("CHAMA_AUTH_LOCK_AFTER".to_owned(), "100".to_owned()),
        ("CHAMA_LIMITS_ENABLED".to_owned(), "false".to_owned()),
    ];
    let from_outside = std::env::vars().filter(|(name, _)| name.starts_with("CHAMA_"));
    let config = Config::load(None, from_outside.chain(settings))?;
    let app = App::new(config, Clock::system()).await.map_err(|e| told(&e))?;
    app.db().migrate().await.map_err(|e| told(&e))?;
    zone::load(&app, &ZoneFiles::demo()).await.map_err(|e| told(&e))?;
    println!("database: {:?}, products: {products}", app.db().dialect());
    Ok(app)
}

async fn order(seconds: u64) -> Result<(), Failure> {
    const PRODUCTS: u64 = 1_000;
    let folder = tempfile::tempdir()?;
    let app = furnished(folder.path(), PRODUCTS).await?;
    let file = folder.path().join("catalog.csv");
    write_catalog(&file, PRODUCTS)?;
    import(&app, &file, "import").await?;
    app.db().analyze().await.map_err(|e| told(&e))?;
    with_worker(&app, ordering::ordering(&app, seconds)).await
}

async fn declare(seconds: u64) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let app = furnished(folder.path(), 0).await?;
    with_worker(&app, declaring::declaring(&app, seconds)).await
}

async fn bench(products: u64) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let app = furnished(folder.path(), products).await?;
    let file = folder.path().join("catalog.csv");
    write_catalog(&file, products)?;
    let first = import(&app, &file, "import").await?;
    let again = import(&app, &file, "import again (nothing changes)").await?;
    if first.created != products || again.unchanged != products {
        return Err(format!("the import is not what it should be: {first}; {again}").into());
    }
    app.db().analyze().await.map_err(|e| told(&e))?;
    pages(&app).await?;
    signing_in::signing_in(&app).await
}

/// A catalog file of one offer a product.
fn write_catalog(file: &Path, products: u64) -> Result<(), Failure> {
    let mut out = std::io::BufWriter::new(std::fs::File::create(file)?);
    writeln!(
        out,
        "seller,sku,product,category,brand,name:zh-CN,name:en,description:zh-CN,description:en,tags,hs_code,origin,\
         net_weight_g,gross_weight_g,unit1,supply_mode,prices,moq,lead_time_days"
    )?;
    for n in 0..products {
        let price = 10 + n * 7919 % 90_000;
        let lead = n % 3 * 7;
        writeln!(
            out,
            "hehuang-carpet,B-{n},bench-{n},knotted-area-rugs,yuntan,第{n}号手工藏毯,Hand-knotted rug no. {n},\
             青海高原羊毛手捻纱逐结打结，平剪片凸，水洗定型。第 {n} 款。,\"Highland wool, spun and knotted by hand, sheared \
             flat and washed. Model {n}.\",TIBETAN_CARPETS_WOOL,5701100000,CN,9000,9500,032,EXPORT_B2B,\
             CNY {price}.00; USD {}.50; USD {}.00@50,1,{lead}",
            price / 7 + 2,
            price / 7 + 1
        )?;
    }
    Ok(out.flush()?)
}

/// Imports the file and prints how fast it went at 10,000 rows, at the end, and over the last tenth.
async fn import(app: &App, file: &Path, what: &str) -> Result<import::Summary, Failure> {
    let shape = import::inspect(file, Some(Format::Csv))?;
    let call = Call::by(zone::operator(app).await.map_err(|e| told(&e))?);
    let options = import::Options {
        bulk: bulk::Options { seller: None, publish: true },
        dry_run: false,
        language: import::Language::En,
    };
    let begun = Instant::now();
    let mut marks: Vec<(u64, Duration)> = vec![(0, Duration::ZERO)];
    let progress = |s: &import::Summary| marks.push((s.rows, begun.elapsed()));
    let errors = file.with_extension("errors.csv");
    let summary =
        import::import_file(app, &call, file, Format::Csv, options, &errors, progress).await.map_err(|e| told(&e))?;

    let rate = |from: u64, to: u64| {
        let at = |rows: u64| marks.iter().find(|(done, _)| *done >= rows).copied().unwrap_or_default();
        let (start, end) = (at(from), at(to));
        let micros = end.1.saturating_sub(start.1).as_micros().max(1);
        u128::from(end.0 - start.0) * 1_000_000 / micros
    };
    let rows = shape.rows;
    let tenth = rows / 10;
    let (early, middle, late) = (rate(0, tenth), rate(rows / 2, rows / 2 + tenth), rate(rows - tenth, rows));
    println!("\n{what}: {summary}");
    println!("  rows/s over the first 10,000     {:>9}", rate(0, rows.min(10_000)));
    println!("  rows/s over all {rows:<16} {:>9}", rate(0, rows));
    println!("  last tenth against first tenth   {:>8}%", late * 100 / early.max(1));
    println!("  last tenth against sixth tenth   {:>8}%", late * 100 / middle.max(1));
    println!("  peak resident memory             {:>6} MB", memory("VmHWM:"));
    Ok(summary)
}

/// A list page against its bare SQL, one after the other in one task.
async fn pages(app: &App) -> Result<(), Failure> {
    let gateway = Gateway::new(app.clone());
    println!("\n{:<44} {:>10} {:>10} {:>5}", "one at a time, in this process", "p50 us", "p99 us", "SQL");
    for (name, query) in [
        (
            "list of 20: name, price, category",
            "{ products(first: 20) { nodes { name price { amount } category { name } } } }",
        ),
        (
            "the same, by price",
            "{ products(first: 20, orderBy: { field: PRICE }) { nodes { name price { amount } category { name } } } }",
        ),
        (
            "the same, with totalCount (kept)",
            "{ products(first: 20) { totalCount nodes { name price { amount } category { name } } } }",
        ),
        (
            "list of 100: brand, cheapest offer, seller",
            "{ products(first: 100) { nodes { name brand { name } cheapestOffer { sku seller { name } } } } }",
        ),
    ] {
        let mut statements = 0;
        let times = timed(500, async || {
            let mut request = Request::new(query);
            let operation = Gateway::prepare(&mut request).map_err(|r| format!("{:?}", r.errors))?;
            let meter = Meter::default();
            let response =
                meter.measure(gateway.execute(request, &operation, Caller::anonymous(None), Locale::en())).await;
            statements = meter.statements();
            if response.errors.is_empty() { Ok(()) } else { Err(format!("{:?}", response.errors).into()) }
        })
        .await?;
        println!("{name:<44} {:>10} {:>10} {statements:>5}", times.0.as_micros(), times.1.as_micros());
    }
    let db = app.db().read();
    let bare = "SELECT p.name, t.amount_minor, c.name FROM product p JOIN category c ON c.id = p.category_id \
                LEFT JOIN product_price t ON t.product_id = p.id AND t.currency = 'CNY' \
                WHERE p.status = 'published' ORDER BY p.listed_at DESC, p.id DESC LIMIT 21";
    let times = timed(500, async || {
        db.query_all_raw(Statement::from_string(db.get_database_backend(), bare)).await?;
        Ok(())
    })
    .await?;
    println!(
        "{:<44} {:>10} {:>10} {:>5}",
        "bare SQL of the list of 20, one join",
        times.0.as_micros(),
        times.1.as_micros(),
        1
    );
    println!("\nresident memory after all this {} MB", memory("VmRSS:"));
    Ok(())
}

/// Median and 99th percentile.
async fn timed(
    times: usize,
    mut what: impl AsyncFnMut() -> Result<(), Failure>,
) -> Result<(Duration, Duration), Failure> {
    let mut taken = Vec::with_capacity(times);
    for _ in 0..times {
        let begun = Instant::now();
        what().await?;
        taken.push(begun.elapsed());
    }
    taken.sort_unstable();
    Ok((taken[times / 2], taken[times * 99 / 100]))
}

/// A figure of this process's /proc/PID/status in MB; 0 where there is none.
fn memory(which: &str) -> u64 {
    process::memory(std::process::id(), which)
}
