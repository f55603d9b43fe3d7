//! `bench scan`: what a scan of a slot costs, over loopback: a server of its own with a showroom of 200 slots in which
//! something stands, asked what was scanned by many connections, beside the static handler of the same server; and how
//! fast scans are written, in batches and one by one, inside this process.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use api::{
    app::App,
    app::Call,
    config::Config,
    platform::clock::Clock,
    showroom::{
        ops::{
            displays::{self, Installing},
            floor::{self, Floor},
            stores::{self, NewStore},
        },
        scans,
    },
};
use entities::{
    catalog::{OfferStatus, SupplyMode, offer},
    party::{Acting, Actor, MemberRole, OrganisationRole, Viewer},
    showroom::{FixtureKind, StorePattern, layout, scan_event, slot},
    values::{Currency, Money, id::ScanEventId},
};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{
    Failure,
    driver::{self, Connection, Requests, Timings},
    process::{self, Server},
    scenarios, serve,
    tiers::{Kind, Tiers},
    told,
};

const SCAN: &str = "query Scan($code: String!, $device: String) { scanDisplay(code: $code, device: $device) { \
                    state code showroomName attributionToken displays { offerId name picture tag { amount } \
                    price { goods { amount } freight { amount } tax { amount } total { amount } problems } \
                    ways { handOver allowed available } } } }";
/// Who runs the showroom.
const RUNS: &str = "chama-wanda-showroom";
/// How many products the catalog has.
const PRODUCTS: u64 = 2_000;
/// Fixtures of the floor, and slots of each.
const FIXTURES: usize = 20;
const SLOTS: usize = 10;
/// How wide a slot is, in millimetres.
const WIDE: i32 = 400;
/// How many scans wait when they are written together: what a busy moment leaves.
const TOGETHER: usize = 5_000;
/// How long each load runs before it is measured.
const WARM_UP: Duration = Duration::from_secs(1);
/// How long scans may take to be written after a load.
const WRITTEN: Duration = Duration::from_mins(1);

/// What the command line says.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Which tiers the server stands on.
    #[arg(long, value_enum, default_value = "sqlite")]
    tiers: Kind,
    /// How many connections scan at once.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    connections: u16,
    /// How long each line is measured.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=600))]
    seconds: u16,
    /// Starts a PostgreSQL of the bench's own, instead of taking the empty database of `CHAMA_DATABASE_URL`.
    #[arg(long)]
    fresh_postgres: bool,
}

/// Measures and prints.
pub(crate) async fn scan(options: &Options) -> Result<(), Failure> {
    let chama = process::chama()?;
    let tiers = Tiers::start(options.tiers, options.fresh_postgres).await?;
    serve::seed(&chama, &tiers, PRODUCTS)?;
    let time = Duration::from_secs(options.seconds.into());
    let (slots, writing) = {
        let app = app(&tiers).await?;
        let slots = furnished(&app).await?;
        eprintln!("measuring: writing scans");
        let writing = writing(&app, &slots, time).await?;
        app.db().clone().close().await.map_err(|e| told(&e))?;
        (slots, writing)
    };
    tiers.tidy().await?;
    let server = Server::start(&chama, tiers.folder(), &tiers.settings())?;
    let scanning = scanning(options, &tiers, &server, &slots, time).await;
    let scanning = scanning.map_err(|e| format!("{e}\nthe server's log ends with:\n{}", server.told()))?;
    println!("\n{} slots on {}, {} connections", slots.len(), options.tiers.name(), options.connections);
    scanning.print();
    writing.print();
    Ok(())
}

/// An app over the tiers, in this process, before the server is there.
async fn app(tiers: &Tiers) -> Result<App, Failure> {
    let from_outside = std::env::vars().filter(|(name, _)| name.starts_with("CHAMA_"));
    let from_outside = from_outside.filter(|(name, _)| !process::OURS.contains(&name.as_str()));
    let settings = tiers.settings().into_iter().map(|(name, value)| (name.to_owned(), value));
    let config = Config::load(None, from_outside.chain(settings))?;
    App::new(config, Clock::system()).await.map_err(|e| told(&e))
}

/// A floor as it is drawn: shelves, and slots side by side on each.
fn drawn() -> Result<Vec<layout::Zone>, Failure> {
    let mut fixtures = Vec::with_capacity(FIXTURES);
    for n in 0..FIXTURES {
        let mut slots = Vec::with_capacity(SLOTS);
        for place in 0..SLOTS {
            slots.push(layout::Slot {
                code: format!("S{place}"),
                x_mm: i32::try_from(place)? * WIDE,
                y_mm: 0,
                width_mm: WIDE,
                height_mm: 300,
                facings: 1,
            });
        }
        fixtures.push(layout::Fixture {
            code: format!("F{n}"),
            kind: FixtureKind::Shelf,
            width_mm: i32::try_from(SLOTS)? * WIDE,
            height_mm: 300,
            slots,
        });
    }
    Ok(vec![layout::Zone { code: "Z1".into(), name: "bench".into(), fixtures }])
}

/// A showroom with something in every slot: pictures of what is sold from bonded warehouses. Answers with its slots.
async fn furnished(app: &App) -> Result<Vec<slot::Model>, Failure> {
    let db = app.db().read();
    let runs = api::party::ops::organisation_by_slug(db, RUNS).await.map_err(|e| told(&e))?;
    let acting = Acting {
        organisation: runs.ok_or("nobody runs showrooms")?.id,
        kinds: BTreeSet::from([OrganisationRole::ShowroomOperator]),
        roles: BTreeSet::from([MemberRole::Owner]),
        approval_level: 0,
        scopes: BTreeSet::new(),
    };
    let call = Call::by(Viewer { actor: Actor::Tool("bench".into()), acting: Some(acting) });
    let new = NewStore {
        code: "BENCH".into(),
        name: "bench".into(),
        address: "bench".into(),
        division: "630104".into(),
        special_zone: false,
        approval_no: None,
    };
    let store = stores::open(app, &call, &new).await.map_err(|e| told(&e))?;
    floor::draw(app, &call, store.id, store.version, drawn()?).await.map_err(|e| told(&e))?;
    let slots = Floor::of(db, store.id).await.map_err(|e| told(&e))?.slots;
    let offers = offer::Entity::find()
        .filter(offer::Column::SupplyMode.eq(SupplyMode::BondedImport))
        .filter(offer::Column::Status.eq(OfferStatus::Active))
        .order_by_asc(offer::Column::Id)
        .limit(slots.len() as u64)
        .all(db)
        .await?;
    if offers.len() < slots.len() {
        return Err("there are too few offers for the floor".into());
    }
    for (slot, offer) in slots.iter().zip(&offers) {
        let new = Installing {
            slot: slot.scan_code.clone(),
            facing: None,
            offer: offer.id,
            pattern: StorePattern::ExperienceOrder,
            class: None,
            balance: None,
            serial: None,
            tag: Some(Money { minor: 10_000, currency: Currency::CNY }),
            replace: false,
        };
        displays::install(app, &call, &new).await.map_err(|e| told(&e))?;
    }
    Ok(slots)
}

/// How fast scans are written.
struct Writing {
    /// Scans a second when many wait.
    together: u64,
    /// The same when each is written by itself.
    alone: u64,
}

async fn writing(app: &App, slots: &[slot::Model], time: Duration) -> Result<Writing, Failure> {
    Ok(Writing { together: written(app, slots, TOGETHER, time).await?, alone: written(app, slots, 1, time).await? })
}

/// Scans a second, when so many wait each time they are written.
async fn written(app: &App, slots: &[slot::Model], waiting: usize, time: Duration) -> Result<u64, Failure> {
    let (mut taken, mut done) = (Duration::ZERO, 0_u128);
    while taken < time {
        // Put here and not noted: a scan that is noted is also written by itself a moment later.
        for slot in slots.iter().cycle().take(waiting) {
            let now = app.clock().now();
            app.scans().put(scan_event::Model {
                id: ScanEventId::new(now),
                showroom_id: slot.showroom_id,
                slot_id: slot.id,
                display_id: None,
                offer_id: None,
                visitor: "0".repeat(64),
                staff: false,
                at: now,
            });
        }
        let begun = Instant::now();
        scans::write(app).await.map_err(|e| told(&e))?;
        taken += begun.elapsed();
        done += waiting as u128;
    }
    Ok(u64::try_from(done * 1_000_000 / taken.as_micros().max(1))?)
}

/// What scans cost.
struct Scanning {
    scans: Timings,
    filler: Timings,
    /// Size of an answer, on average.
    bytes: usize,
    /// Most SQL statements of a scan of what is kept.
    statements: u64,
    /// Processor time of a scan in the server, in microseconds; what is written of it later is in it.
    process: u64,
    /// The same of an answer of the static handler.
    filler_process: u64,
    /// How many scans were answered, and how many of them are in the database.
    asked: u64,
    noted: u64,
}

async fn scanning(
    options: &Options,
    tiers: &Tiers,
    server: &Server,
    slots: &[slot::Model],
    time: Duration,
) -> Result<Scanning, Failure> {
    serve::ready(server).await?;
    serve::settled(tiers, server).await;
    let (address, connections) = (server.address, options.connections.into());
    let db = tiers.connect(1).await?;
    let before = scan_event::Entity::find().count(&db).await?;
    let request = |(n, slot): (usize, &slot::Model), headers: &str| {
        let (code, device) = (scenarios::quoted(&slot.scan_code), scenarios::quoted(&format!("phone-{n}")));
        scenarios::post(address, SCAN, &format!("\"code\":{code},\"device\":{device}"), headers)
    };
    let requests: Requests = slots.iter().enumerate().map(|of| request(of, "")).collect();
    let bytes = checked(server, &requests).await?;
    // What is shown of a slot is kept for a minute: right after the first scan of each there is nothing to ask for.
    let mut statements = 0;
    let mut connection = Connection::open(address).await?;
    for of in slots.iter().enumerate() {
        let answer = connection.ask(&request(of, scenarios::COST)).await?;
        let counted = answer.header("x-chama-sql").and_then(|text| text.parse::<u64>().ok());
        statements = statements.max(counted.ok_or("the server does not say how many statements a scan took")?);
    }
    eprintln!("measuring: scans");
    let warm = driver::load(address, &requests, connections, WARM_UP).await?;
    let cpu = tiers.cpu(server.pid());
    let scans = driver::load(address, &requests, connections, time).await?;
    let process = tiers.cpu(server.pid()).since(cpu).process / scans.done;
    let asked = 2 * slots.len() as u64 + warm.done + scans.done;
    let begun = Instant::now();
    let mut noted = 0;
    // Scans are written a little later.
    while noted < asked && begun.elapsed() < WRITTEN {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = scan_event::Entity::find().count(&db).await?.saturating_sub(before);
        if now == noted {
            break;
        }
        noted = now;
    }
    server.forget_log();
    eprintln!("measuring: the static handler");
    let filler: Requests = Arc::from([scenarios::get(address, &format!("/bench/static?bytes={bytes}"))]);
    driver::load(address, &filler, connections, WARM_UP).await?;
    let cpu = tiers.cpu(server.pid());
    let filler = driver::load(address, &filler, connections, time).await?;
    let filler_process = tiers.cpu(server.pid()).since(cpu).process / filler.done;
    db.close().await?;
    Ok(Scanning { scans, filler, bytes, statements, process, filler_process, asked, noted })
}

/// Scans every slot once and looks at what is shown; answers with its size on average.
async fn checked(server: &Server, requests: &Requests) -> Result<usize, Failure> {
    let mut connection = Connection::open(server.address).await?;
    let mut bytes = 0;
    for request in requests.iter() {
        let answer = connection.ask(request).await?;
        let text = answer.text();
        if answer.status != 200 || text.contains("\"errors\":[") || !text.contains("\"state\":\"LIVE\"") {
            return Err(answer.unexpected().into());
        }
        bytes += answer.body.len();
    }
    Ok(bytes / requests.len().max(1))
}

impl Scanning {
    fn print(&self) {
        println!(
            "{:<44} {:>10} {:>10} {:>10} {:>10} {:>5} {:>7}",
            "", "a second", "p50 ms", "p99 ms", "server ms", "SQL", "bytes"
        );
        let ms = |micros: u64| format!("{}.{:03}", micros / 1_000, micros % 1_000);
        let line = |what: &str, timings: &Timings, process: u64, statements: &str| {
            let (p50, p99) = (ms(timings.p50.into()), ms(timings.p99.into()));
            let (rate, process) = (timings.rate(), ms(process));
            println!("{what:<44} {rate:>10} {p50:>10} {p99:>10} {process:>10} {statements:>5} {:>7}", self.bytes);
        };
        line("scans of slots", &self.scans, self.process, &self.statements.to_string());
        line("the static handler", &self.filler, self.filler_process, "-");
        println!("scans against the static handler: {} %", percent(self.scans.rate(), self.filler.rate()));
        println!("written of {} scans: {} ({} %)", self.asked, self.noted, percent(self.noted, self.asked));
    }
}

impl Writing {
    fn print(&self) {
        println!("\n{:<44} {:>10}", "inside this process", "a second");
        println!("{:<44} {:>10}", format!("scans written, {TOGETHER} waiting"), self.together);
        println!("{:<44} {:>10}", "scans written one by one", self.alone);
        println!("together against one by one: {}x", self.together / self.alone.max(1));
    }
}

fn percent(n: u64, of: u64) -> u64 {
    n * 100 / of.max(1)
}
