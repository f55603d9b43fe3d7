//! A database for each test, copied from a template that is migrated and loaded once.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use api::{
    app::App,
    config::Config,
    platform::clock::Clock,
    worker,
    zone::{self, ZoneFiles},
};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use tokio::sync::OnceCell;

/// Which database the tests run on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    /// Address of a server in which databases may be made, without a database name at its end.
    Postgres(String),
}

/// What `CHAMA_TEST_DATABASE_URL` says.
pub fn backend() -> Backend {
    match std::env::var("CHAMA_TEST_DATABASE_URL") {
        Ok(url) if !url.is_empty() => Backend::Postgres(url),
        _ => Backend::Sqlite,
    }
}

/// Whether races are run with the numbers of an acceptance, as `CHAMA_TEST_THOROUGH` says: minutes that the suite has not.
pub fn thorough() -> bool {
    std::env::var_os("CHAMA_TEST_THOROUGH").is_some_and(|value| !value.is_empty())
}

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A database that goes away with the test.
pub struct TestDatabase {
    postgres: Option<(String, String)>,
}

impl TestDatabase {
    /// A copy of the template. A SQLite one lies in `folder`, where the server looks for it.
    pub async fn make(folder: &Path) -> Self {
        match backend() {
            Backend::Sqlite => {
                let template = sqlite_template().await;
                std::fs::copy(template.join("chama.sqlite"), folder.join("chama.sqlite")).expect("a copy");
                copy(&template.join("search"), &folder.join("search"));
                Self { postgres: None }
            }
            Backend::Postgres(server) => {
                let (template, files) = postgres_template(&server).await;
                let name = fresh_name("t");
                create(&server, &name, Some(template)).await;
                copy(&files.join("search"), &folder.join("search"));
                Self { postgres: Some((server, name)) }
            }
        }
    }

    /// An empty database.
    pub async fn empty() -> Self {
        match backend() {
            Backend::Sqlite => Self { postgres: None },
            Backend::Postgres(server) => {
                let name = fresh_name("e");
                create(&server, &name, None).await;
                Self { postgres: Some((server, name)) }
            }
        }
    }

    /// The setting that names it.
    pub fn setting(&self) -> Option<(String, String)> {
        let (server, name) = self.postgres.as_ref()?;
        Some(("CHAMA_DATABASE_URL".into(), address(server, name)))
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Some((server, name)) = self.postgres.take() {
            // On a thread of its own: the test's runtime is on its way out.
            let drop_it = move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
                runtime.block_on(async {
                    let admin = admin(&server).await;
                    let _ = admin.execute_unprepared(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
                    let _ = admin.close().await;
                });
            };
            let _ = std::thread::spawn(drop_it).join();
        }
    }
}

fn fresh_name(kind: &str) -> String {
    format!("chama_{kind}_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst))
}

/// The server's address with a database in it. The address may carry `?host=…` for a socket.
fn address(server: &str, name: &str) -> String {
    match server.split_once('?') {
        Some((base, query)) => format!("{}/{name}?{query}", base.trim_end_matches('/')),
        None => format!("{}/{name}", server.trim_end_matches('/')),
    }
}

async fn admin(server: &str) -> DatabaseConnection {
    Database::connect(address(server, "postgres")).await.expect("the PostgreSQL server of CHAMA_TEST_DATABASE_URL")
}

async fn create(server: &str, name: &str, template: Option<&str>) {
    let admin = admin(server).await;
    let from = template.map(|t| format!(" TEMPLATE {t}")).unwrap_or_default();
    admin.execute_unprepared(&format!("CREATE DATABASE {name}{from}")).await.expect("a database");
    let _ = admin.close().await;
}

async fn load(config: Config) {
    let app = App::new(config, Clock::fixed(super::dawn())).await.expect("an app");
    app.db().migrate().await.expect("migrations");
    zone::load(&app, &ZoneFiles::demo()).await.expect("the reference data");
    zone::load_people(&app, zone::DEMO_PEOPLE, zone::DEMO_PASSWORD).await.expect("the demo people");
    // The search index is a part of the template: no test has to wait for its own.
    worker::drain(&app, None, |_| ()).await.expect("jobs that are done");
    app.db().clone().close().await.expect("closed connections");
}

async fn sqlite_template() -> &'static PathBuf {
    static TEMPLATE: OnceCell<PathBuf> = OnceCell::const_new();
    TEMPLATE
        .get_or_init(|| async {
            let folder = tempfile::tempdir().expect("a folder for the template").keep();
            let settings = [
                ("CHAMA_DATA_DIR".to_owned(), folder.to_string_lossy().into_owned()),
                ("CHAMA_SECRETS_MASTER_KEY".to_owned(), super::MASTER_KEY.to_owned()),
            ];
            load(Config::load(None, settings).expect("settings")).await;
            folder
        })
        .await
}

async fn postgres_template(server: &str) -> (&'static str, &'static Path) {
    static TEMPLATE: OnceCell<(String, PathBuf)> = OnceCell::const_new();
    let (name, files) = TEMPLATE
        .get_or_init(|| async {
            let name = fresh_name("template");
            create(server, &name, None).await;
            let folder = tempfile::tempdir().expect("a folder for the template").keep();
            let settings = [
                ("CHAMA_DATA_DIR".to_owned(), folder.to_string_lossy().into_owned()),
                ("CHAMA_DATABASE_URL".to_owned(), address(server, &name)),
                ("CHAMA_SECRETS_MASTER_KEY".to_owned(), super::MASTER_KEY.to_owned()),
            ];
            load(Config::load(None, settings).expect("settings")).await;
            (name, folder)
        })
        .await;
    (name, files)
}

/// Copies a folder with all in it.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("the template's index") {
        let entry = entry.expect("a file");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a copy");
        }
    }
}
