//! `chama demo`: a stranger's first minute.

use std::{
    fmt::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use catalog::{
    import::{self, Format, Language},
    ops::bulk,
};
use chrono::Duration;
use entities::{
    catalog::row::Row,
    logistics::Adapter,
    party::{MemberRole, OrganisationRole},
};
use logistics::ops::carriers::{self, NewSetting};
use party::ops::organisations;
use platform::{
    app::{App, Call},
    clock::Clock,
    config::Config,
    error::Error,
    page::{MAX_SIZE, PageArgs},
};

use super::{bar, until_stopped};
use crate::{
    http,
    zone::{self, ZoneFiles},
};

/// Slug of the demo zone's operator.
const OPERATOR: &str = "xining-cbec-zone";
/// How long a parcel of the demo takes from one report to the next, at most.
const DEMO_STEP_MS: u32 = 1_000;
/// Slug of a seller to try things with.
const SELLER: &str = "hehuang-carpet";

/// Makes the demo zone when it is not there, and serves it.
pub(super) async fn demo(mut config: Config, file: Option<PathBuf>, listen: Option<SocketAddr>) -> Result<(), Error> {
    config.server.listen = listen.unwrap_or(config.server.listen);
    config.auth.development_tokens = true;
    config.payments.sandbox.enabled = true;
    config.logistics.simulator.enabled = true;
    // A parcel of the demo is there within some seconds.
    config.logistics.simulator.step_ms = config.logistics.simulator.step_ms.min(DEMO_STEP_MS);
    let (listener, address) = http::bind(config.server.listen).await?;
    // What machine clients make their assertions for is where this server is.
    if config.server.public_url == Config::PUBLIC_URL {
        config.server.public_url = format!("http://{address}");
    }
    let folder = config.data_dir.clone();
    if !marker(&folder).exists() {
        load_apart(file.as_ref(), &folder)?;
    }
    super::up_to_date(&config, false).await?;
    let app = App::serving(config, Clock::system()).await?;
    if zone::operator(&app).await.is_err() {
        // The marker is of a database that is gone.
        load_apart(file.as_ref(), &folder)?;
    }
    simulate(&app).await?;
    println!("{}", greeting(&app, address, &folder).await?);
    until_stopped(app, listener).await
}

/// Carriers of the demo are simulated, unless somebody has said otherwise.
async fn simulate(app: &App) -> Result<(), Error> {
    let call = Call::by(zone::operator(app).await?);
    let page = PageArgs::first(MAX_SIZE);
    let all = organisations::list_organisations(app.db().read(), Some(OrganisationRole::Logistics), &page).await?;
    for carrier in all.rows {
        if carriers::find(app, &call, carrier.id).await?.is_none() {
            let new = NewSetting {
                carrier: carrier.id,
                adapter: Adapter::Simulator,
                url: None,
                new_secret: true,
                expected_version: None,
            };
            carriers::set(app, &call, &new).await?;
        }
    }
    Ok(())
}

/// The file that says that the zone is loaded.
fn marker(folder: &Path) -> PathBuf {
    folder.join("demo.loaded")
}

/// Loads in a process of its own: the memory that a load needs (the segmenter's dictionary, the index
/// writer's buffers) goes back to the system as a whole, and the server starts as small as it will be.
fn load_apart(file: Option<&PathBuf>, folder: &Path) -> Result<(), Error> {
    let binary = std::env::current_exe().map_err(Error::internal)?;
    let mut command = std::process::Command::new(binary);
    command.arg("load-demo").arg("--data-dir").arg(folder).stdin(std::process::Stdio::null());
    if let Some(file) = file {
        command.arg("--config").arg(file);
    }
    let status = command.status().map_err(Error::internal)?;
    if status.success() {
        return Ok(());
    }
    Err(Error::BadInput("the demo zone could not be loaded; what went wrong stands above".into()))
}

/// Loads the demo zone. A load that was interrupted is completed by the next: everything is an upsert.
pub(super) async fn load(app: &App) -> Result<(), Error> {
    let folder = &app.config().data_dir;
    std::fs::create_dir_all(folder).map_err(Error::internal)?;
    zone::load(app, &ZoneFiles::demo()).await?;
    zone::load_people(app, zone::DEMO_PEOPLE, zone::DEMO_PASSWORD).await?;
    let file = folder.join("demo-catalog.csv");
    std::fs::write(&file, zone::DEMO_CATALOG).map_err(Error::internal)?;
    let shape = import::inspect(&file, Some(Format::Csv)).map_err(|e| Error::BadInput(e.to_string()))?;
    draw(app, &app.config().media_folder())?;

    let viewer = zone::operator(app).await?;
    let options =
        import::Options { bulk: bulk::Options { seller: None, publish: true }, dry_run: false, language: Language::En };
    let loading = bar::counting(shape.rows, "loading the demo zone");
    let errors = folder.join("demo-catalog.errors.csv");
    let told = |s: &import::Summary| loading.set_position(s.rows);
    let call = Call::by(viewer);
    let summary = import::import_file(app, &call, &file, Format::Csv, options, &errors, told).await?;
    loading.finish_and_clear();
    if summary.failed > 0 {
        return Err(Error::BadInput(format!(
            "{} rows of the demo catalog were refused; see {}",
            summary.failed,
            errors.display()
        )));
    }
    std::fs::remove_file(&file).map_err(Error::internal)?;
    app.db().analyze().await?;

    super::followed(app).await?;
    std::fs::write(marker(folder), "The demo zone is loaded. Delete the folder to start over.\n")
        .map_err(Error::internal)
}

/// Draws a picture for every demo product: a stand-in for photographs, so that a front end has
/// something to show without a connection to anywhere.
fn draw(app: &App, folder: &PathBuf) -> Result<(), Error> {
    std::fs::create_dir_all(folder).map_err(Error::internal)?;
    let mut reader = csv::Reader::from_reader(zone::DEMO_CATALOG.as_bytes());
    let columns = reader.headers().map_err(Error::internal)?.clone();
    for record in reader.records() {
        let record = record.map_err(Error::internal)?;
        let Ok(row) = Row::from_cells(columns.iter().zip(record.iter())) else { continue };
        let Some(slug) = &row.product else { continue };
        let file = folder.join(format!("{slug}.svg"));
        if !file.exists() {
            std::fs::write(file, picture(slug, row.category.as_deref().unwrap_or_default(), &row))
                .map_err(Error::internal)?;
        }
    }
    tracing::debug!(folder = %app.config().media_folder().display(), "pictures are drawn");
    Ok(())
}

/// A woven pattern in the colours of the category, with the product's name.
fn picture(slug: &str, category: &str, row: &Row) -> String {
    let sum = |text: &str| text.bytes().fold(7_u32, |n, b| n.wrapping_mul(31).wrapping_add(u32::from(b)));
    let (hue, knots) = (sum(category) % 360, sum(slug));
    let mut pattern = String::new();
    for n in 0..16_u32 {
        let bit = knots.rotate_left(n * 2) & 3;
        let (x, y) = (n % 4 * 25, n / 4 * 25);
        let light = 35 + bit * 12;
        // Infallible: a String takes every write.
        let _ = write!(
            pattern,
            "<path d='M{} {y}l12.5 12.5-12.5 12.5-12.5-12.5z' fill='hsl({hue} 55% {light}%)'/>",
            x + 12
        );
    }
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;");
    let name = |tag: &str| {
        row.patch.name.0.iter().find(|(l, _)| l.as_str() == tag).map(|(_, t)| escaped(t)).unwrap_or_default()
    };
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 400 400' width='400' height='400' role='img'>\
         <defs><pattern id='p' width='100' height='100' patternUnits='userSpaceOnUse'><rect width='100' height='100' fill='hsl({hue} 45% 28%)'/>{pattern}</pattern></defs>\
         <rect width='400' height='400' fill='url(#p)'/><rect y='290' width='400' height='110' fill='#fff' fill-opacity='.92'/>\
         <text x='200' y='336' text-anchor='middle' font-family='sans-serif' font-size='21'>{}</text>\
         <text x='200' y='370' text-anchor='middle' font-family='sans-serif' font-size='13' fill='#555'>{}</text></svg>\n",
        name("zh-CN"),
        name("en")
    )
}

async fn greeting(app: &App, address: SocketAddr, folder: &Path) -> Result<String, Error> {
    let now = app.clock().now();
    let token = async |role, slug| app.gate().for_development(app.db(), &[role], slug, now, Duration::hours(24)).await;
    let (operator, seller) = (token(MemberRole::Operator, OPERATOR).await?, token(MemberRole::Owner, SELLER).await?);
    let password = zone::DEMO_PASSWORD;
    Ok(format!(
        "\n  Chama 茶马 serves the demo zone from {}\n\n  \
         GraphiQL, with examples   http://{address}/\n  \
         GraphQL endpoint          http://{address}/graphql\n  \
         Health                    http://{address}/readyz\n\n  \
         To change things, sign in (mutation signIn) as owner@{SELLER}.demo.chama.example, password {password},\n  \
         or send one of these as the header  authorization: Bearer TOKEN  (good for 24 hours)\n  \
         operator {OPERATOR}\n    {operator}\n  \
         seller {SELLER}\n    {seller}\n\n  \
         Ctrl-C stops it; the data stays.\n",
        folder.display()
    ))
}
