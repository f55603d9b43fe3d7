//! `bench serve`: a server of its own, asked over loopback.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    path::Path,
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use tests::attacks::{Attack, attacks};

use super::{
    Failure,
    bare::{self, Bare},
    driver::{self, Connection, Requests},
    process::{self, Server},
    report::{self, Asked, BareRow, Measured, Row, Run},
    scenarios::{self, Catalog, What},
    tiers::{Kind, Tiers},
};

/// How long each load runs before it is measured.
const WARM_UP: Duration = Duration::from_secs(1);
/// Longest time over one connection.
const ALONE: Duration = Duration::from_secs(2);
/// How long the server may take to have its search index.
const READY: Duration = Duration::from_mins(5);
/// How long it may take to do what a load left to do.
const SETTLED: Duration = Duration::from_mins(5);
/// Pages of the list that are asked for, and how many products lie between two.
const PAGES: usize = 100;
const STEP: usize = 100;
/// Products that are asked for.
const PRODUCTS: u64 = 500;
const WALK: &str = "query Walk($after: String) { products(first: 100, after: $after) { pageInfo { endCursor } } }";
/// How often each attack is sent.
const ATTACKED: u32 = 100;
/// What is measured in a catalog that is only there to be compared.
const COMPARED: [What; 2] = [What::List, What::ListAndTotal];

/// What the command line says.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// How many products the catalog has.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(2_000..))]
    products: u64,
    /// Which tiers the server stands on.
    #[arg(long, value_enum, default_value = "sqlite")]
    tiers: Kind,
    /// How many connections ask at once.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    connections: u16,
    /// How long each scenario is measured.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=600))]
    seconds: u16,
    /// Starts a PostgreSQL of the bench's own, instead of taking the empty database of `CHAMA_DATABASE_URL`.
    #[arg(long)]
    fresh_postgres: bool,
    /// Measures only what has this in its name: `list`, `uncached`, `product page`.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Measures the list page in catalogs of these two sizes too, and holds one against the other.
    #[arg(long, value_name = "SMALL,LARGE", value_parser = two_sizes)]
    compare: Option<(u64, u64)>,
}

fn two_sizes(text: &str) -> Result<(u64, u64), String> {
    let size = |text: &str| text.trim().parse::<u64>().ok().filter(|size| *size >= 2_000);
    let sizes = text.split_once(',').and_then(|(small, large)| size(small).zip(size(large)));
    sizes.filter(|(small, large)| small < large).ok_or_else(|| "two sizes from 2000 on, as 10000,1000000".to_owned())
}

/// Measures and prints.
pub(crate) async fn serve(options: &Options) -> Result<(), Failure> {
    let chama = process::chama()?;
    let tiers = Tiers::start(options.tiers, options.fresh_postgres).await?;
    let asked = Asked {
        kind: options.tiers,
        connections: options.connections.into(),
        products: options.products,
        compare: options.compare,
    };
    // The smallest first: a seeded catalog grows to the next size.
    let mut sizes = BTreeSet::from([options.products]);
    sizes.extend(options.compare.into_iter().flat_map(|(small, large)| [small, large]));
    let mut runs = Vec::new();
    for products in sizes {
        seed(&chama, &tiers, products)?;
        tiers.tidy().await?;
        let server = Server::start(&chama, tiers.folder(), &tiers.settings())?;
        let run = run(options, &tiers, &server, products).await;
        runs.push(run.map_err(|e| format!("{e}\nthe server's log ends with:\n{}", server.told()))?);
    }
    for run in &runs {
        report::table(&asked, run);
    }
    report::legend();
    report::goals(&asked, &runs);
    Ok(())
}

/// Brings the catalog to this size.
pub(crate) fn seed(chama: &Path, tiers: &Tiers, products: u64) -> Result<(), Failure> {
    println!("seeding a catalog of {products} products in {}", tiers.folder().display());
    let begun = Instant::now();
    let mut command = process::command(chama, tiers.folder(), &tiers.settings());
    // It shows its progress on standard error.
    let status = command.args(["seed", "--products", &products.to_string()]).stdout(Stdio::null()).status()?;
    if !status.success() {
        return Err("chama seed failed; what went wrong stands above".into());
    }
    println!("seeded after {} s", begun.elapsed().as_secs());
    Ok(())
}

async fn run(options: &Options, tiers: &Tiers, server: &Server, products: u64) -> Result<Run, Failure> {
    ready(server).await?;
    settled(tiers, server).await;
    let pages = (usize::try_from(products)?.saturating_sub(STEP) / STEP).min(PAGES);
    let slugs: Vec<String> = (0..PRODUCTS).map(|n| format!("seed-{}", n * (products / PRODUCTS))).collect();
    let bare = Bare::new(tiers.connect(options.connections.into()).await?, pages, STEP, slugs.clone()).await?;
    let cursors = cursors(server.address, pages).await?;
    let catalog = Catalog { address: server.address, cursors, slugs };
    let bench = Bench { options, tiers, server, catalog, bare };
    // A catalog that is only compared is asked for less.
    let whole = products == options.products;
    let mut run = Run { products, rows: Vec::new(), bare: Vec::new(), attacks: Vec::new(), memory: 0, peak: 0 };
    let only = |name: &str| options.only.as_ref().is_none_or(|only| name.contains(only.as_str()));
    let compared = |what: &What| whole || COMPARED.contains(what);
    for what in What::ALL.into_iter().filter(|what| compared(what) && only(what.name())) {
        eprintln!("measuring: {}", what.name());
        run.rows.push(bench.row(what).await?);
        run.memory = run.memory.max(process::memory(server.pid(), "VmRSS:"));
        server.forget_log();
    }
    for attack in attacks().into_iter().filter(|attack| whole && (only("attacks") || only(attack.name))) {
        eprintln!("measuring: the attack {:?}", attack.name);
        run.attacks.push((attack.name, bench.attacked(&attack).await?));
    }
    run.peak = process::memory(server.pid(), "VmHWM:");
    for page in [bare::Page::List, bare::Page::Product].into_iter().filter(|page| whole || *page == bare::Page::List) {
        eprintln!("measuring: {}", page.name());
        run.bare.push(bench.bare_row(page).await?);
    }
    Ok(run)
}

/// Waits until the server answers and has its search index.
pub(crate) async fn ready(server: &Server) -> Result<(), Failure> {
    let (begun, request) = (Instant::now(), scenarios::get(server.address, "/readyz"));
    loop {
        let said = asked(server.address, &request).await.unwrap_or_else(|error| error.to_string());
        if said.contains("\"search\":\"ok\"") {
            return Ok(());
        }
        if begun.elapsed() > READY {
            return Err(format!("the server does not get ready: {said}").into());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Waits until server and database have done what a load left to do.
pub(crate) async fn settled(tiers: &Tiers, server: &Server) {
    let begun = Instant::now();
    while begun.elapsed() < SETTLED {
        let before = tiers.cpu(server.pid());
        tokio::time::sleep(Duration::from_secs(1)).await;
        // 3% of a processor.
        if tiers.cpu(server.pid()).since(before).sum() <= 30_000 {
            return;
        }
    }
    println!("note: the server is still busy with work of its own");
}

async fn asked(address: SocketAddr, request: &[u8]) -> std::io::Result<String> {
    let mut connection = Connection::open(address).await?;
    Ok(connection.ask(request).await?.text())
}

/// Where pages begin, all over the first part of the list.
async fn cursors(address: SocketAddr, pages: usize) -> Result<Vec<String>, Failure> {
    let (mut cursors, mut variables) = (Vec::new(), String::new());
    while cursors.len() < pages {
        let said = asked(address, &scenarios::post(address, WALK, &variables, "")).await?;
        let cursor = said.split_once("\"endCursor\":\"").and_then(|(_, rest)| rest.split('"').next());
        let cursor = cursor.ok_or_else(|| format!("the list ends early: {said}"))?;
        variables = format!("\"after\":{}", scenarios::quoted(cursor));
        cursors.push(cursor.to_owned());
    }
    Ok(cursors)
}

/// A server that is asked.
struct Bench<'a> {
    options: &'a Options,
    tiers: &'a Tiers,
    server: &'a Server,
    catalog: Catalog,
    bare: Bare,
}

impl Bench<'_> {
    fn time(&self) -> Duration {
        Duration::from_secs(self.options.seconds.into())
    }

    async fn row(&self, what: What) -> Result<Row, Failure> {
        let address = self.server.address;
        let requests = self.catalog.requests(what);
        let bytes = self.checked(what, &requests).await?;
        let statements = self.statements(what).await?;
        let page = self.measured(&requests).await?;
        let alone = driver::load(address, &requests, 1, self.time().min(ALONE)).await?;
        let filler: Requests = Arc::from([scenarios::get(address, &format!("/bench/static?bytes={bytes}"))]);
        let ceiling = self.measured(&filler).await.map_err(|e| format!("the static handler: {e}"))?;
        Ok(Row { what, bytes, statements, page, alone, ceiling })
    }

    /// Sends every request once and looks at its answer; answers with their size on average.
    async fn checked(&self, what: What, requests: &Requests) -> Result<u64, Failure> {
        let mut connection = Connection::open(self.server.address).await?;
        let mut bytes = 0;
        for request in requests.iter() {
            let answer = connection.ask(request).await?;
            let text = answer.text();
            if answer.status != 200 || text.contains("\"errors\":[") || !text.contains(what.shows()) {
                return Err(answer.unexpected().into());
            }
            bytes += answer.body.len();
        }
        Ok((bytes / requests.len().max(1)) as u64)
    }

    /// SQL statements of a request, when the server says how many.
    async fn statements(&self, what: What) -> Result<Option<String>, Failure> {
        let Some(request) = self.catalog.costing(what) else { return Ok(None) };
        let mut connection = Connection::open(self.server.address).await?;
        Ok(connection.ask(&request).await?.header("x-chama-sql").map(str::to_owned))
    }

    /// Microseconds of the server's processor time that it takes to refuse it.
    async fn attacked(&self, attack: &Attack) -> Result<u64, Failure> {
        let request = scenarios::attack(self.server.address, &attack.body);
        let before = self.tiers.cpu(self.server.pid());
        for _ in 0..ATTACKED {
            // A refusal may close the connection.
            let mut connection = Connection::open(self.server.address).await?;
            let answer = connection.ask(&request).await?;
            if answer.status != attack.status || !answer.text().contains(attack.code) {
                return Err(answer.unexpected().into());
            }
        }
        Ok(self.tiers.cpu(self.server.pid()).since(before).process / u64::from(ATTACKED))
    }

    async fn measured(&self, requests: &Requests) -> Result<Measured, Failure> {
        let (address, connections) = (self.server.address, self.options.connections.into());
        driver::load(address, requests, connections, WARM_UP).await?;
        let before = self.tiers.cpu(self.server.pid());
        let timings = driver::load(address, requests, connections, self.time()).await?;
        Ok(Measured { timings, cpu: self.tiers.cpu(self.server.pid()).since(before) })
    }

    async fn bare_row(&self, page: bare::Page) -> Result<BareRow, Failure> {
        let (bench, connections) = (std::process::id(), self.options.connections.into());
        let statements = self.bare.statements(page).await?;
        self.bare.load(page, connections, WARM_UP).await?;
        let before = self.tiers.cpu(bench);
        let timings = self.bare.load(page, connections, self.time()).await?;
        let measured = Measured { timings, cpu: self.tiers.cpu(bench).since(before) };
        let alone = self.bare.load(page, 1, self.time().min(ALONE)).await?;
        Ok(BareRow { page, statements, measured, alone })
    }
}
