//! The tiers beside the server: a folder, and where they are wanted a PostgreSQL database and a Redis, given by the
//! environment or private ones that end with the bench.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr, Statement};
use tempfile::TempDir;

use super::{
    Failure,
    process::{self, Stat},
};

/// Which tiers the server stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// SQLite in a folder, cache and search inside the server.
    Sqlite,
    /// PostgreSQL; cache and search inside the server.
    Postgres,
    /// PostgreSQL and Redis; search inside the server.
    #[value(name = "postgres+redis")]
    PostgresRedis,
}

impl Kind {
    /// How it is called in the table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
            Self::PostgresRedis => "PostgreSQL and Redis",
        }
    }

    /// Whether there is a PostgreSQL.
    pub(crate) fn is_postgres(self) -> bool {
        self != Self::Sqlite
    }
}

/// The tiers of one bench.
pub(crate) struct Tiers {
    // In the order in which they end.
    redis: Option<Redis>,
    postgres: Option<Postgres>,
    folder: TempDir,
}

struct Postgres {
    url: String,
    /// The parent of its processes, when it runs on this machine.
    postmaster: Option<u32>,
    _cluster: Option<Cluster>,
}

struct Redis {
    url: String,
    child: Option<Child>,
    _scratch: Option<TempDir>,
}

/// Processor time in microseconds: of one process, and of the tiers beside it where that is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cpu {
    /// Of the process.
    pub(crate) process: u64,
    /// Of PostgreSQL and a private Redis.
    pub(crate) tiers: Option<u64>,
}

impl Cpu {
    /// What was taken since.
    pub(crate) fn since(self, before: Self) -> Self {
        let tiers = self.tiers.zip(before.tiers).map(|(now, then)| now.saturating_sub(then));
        Self { process: self.process.saturating_sub(before.process), tiers }
    }

    /// Both together.
    pub(crate) fn sum(self) -> u64 {
        self.process + self.tiers.unwrap_or_default()
    }
}

impl Tiers {
    /// Starts what is private and finds what is given.
    pub(crate) async fn start(kind: Kind, fresh_postgres: bool) -> Result<Self, Failure> {
        if Stat::of(std::process::id()).is_none() {
            return Err("the bench reads /proc: it runs on Linux".into());
        }
        let folder = scratch("data")?;
        let postgres = match kind {
            Kind::Sqlite => None,
            _ if fresh_postgres => Some(Postgres::fresh()?),
            _ => Some(Postgres::given()?),
        };
        let redis = match kind {
            Kind::PostgresRedis => Some(Redis::start()?),
            _ => None,
        };
        let mut tiers = Self { redis, postgres, folder };
        tiers.check_postgres().await?;
        Ok(tiers)
    }

    /// The data folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The settings of a server on these tiers.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        let mut settings = vec![
            ("CHAMA_DATA_DIR", self.folder().to_string_lossy().into_owned()),
            ("CHAMA_SERVER_BENCH", "true".to_owned()),
            // The bench is one client that asks a lot.
            ("CHAMA_LIMITS_ENABLED", "false".to_owned()),
        ];
        settings.extend(self.postgres.iter().map(|p| ("CHAMA_DATABASE_URL", p.url.clone())));
        settings.extend(self.redis.iter().map(|r| ("CHAMA_REDIS_URL", r.url.clone())));
        settings
    }

    /// Connects to the database past the server.
    pub(crate) async fn connect(&self, connections: u32) -> Result<DatabaseConnection, DbErr> {
        let url = match &self.postgres {
            Some(postgres) => postgres.url.clone(),
            None => format!("sqlite://{}?mode=rw", self.folder().join("chama.sqlite").display()),
        };
        let mut options = ConnectOptions::new(url);
        options.max_connections(connections).sqlx_logging(false).test_before_acquire(false);
        // As those of the server that read.
        options.map_sqlx_sqlite_opts(|sqlite| {
            sqlite
                .busy_timeout(Duration::from_secs(10))
                .pragma("cache_size", "-4096")
                .pragma("temp_store", "MEMORY")
                .statement_cache_capacity(200)
        });
        Database::connect(options).await
    }

    /// After a load: does now what the database would begin to do while it is measured.
    pub(crate) async fn tidy(&self) -> Result<(), Failure> {
        if self.postgres.is_some() {
            let db = self.connect(1).await?;
            db.execute_unprepared("VACUUM (ANALYZE)").await?;
            db.close().await?;
        }
        Ok(())
    }

    /// Processor time of a process, and of the tiers beside it.
    pub(crate) fn cpu(&self, pid: u32) -> Cpu {
        let postgres = self.postgres.as_ref().and_then(|p| p.postmaster).map(process::used_with_children);
        let redis = self.redis.as_ref().and_then(|r| r.child.as_ref()).map_or(0, |child| process::used(child.id()));
        Cpu { process: process::used(pid), tiers: postgres.map(|used| used + redis) }
    }

    /// Refuses a database that has something in it, and finds the process of one on this machine.
    async fn check_postgres(&mut self) -> Result<(), Failure> {
        if self.postgres.is_none() {
            return Ok(());
        }
        let db = self.connect(1).await?;
        let ask = |sql: &str| Statement::from_string(db.get_database_backend(), sql);
        let tables = "SELECT COUNT(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                      WHERE n.nspname = 'public' AND c.relkind = 'r'";
        let tables = db.query_one_raw(ask(tables)).await?.map(|row| row.try_get_by_index::<i64>(0)).transpose()?;
        if tables != Some(0) {
            return Err("the database of CHAMA_DATABASE_URL is not empty; the bench fills one of its own: name an \
                        empty one, or take --fresh-postgres"
                .into());
        }
        let pid = db.query_one_raw(ask("SELECT pg_backend_pid()")).await?;
        let pid = pid.map(|row| row.try_get_by_index::<i32>(0)).transpose()?;
        let named = |pid: u32| Stat::of(pid).filter(|stat| stat.name == "postgres");
        let postmaster = pid.and_then(|pid| named(u32::try_from(pid).ok()?)).map(|backend| backend.parent);
        let postmaster = postmaster.filter(|pid| named(*pid).is_some());
        db.close().await?;
        if postmaster.is_none() {
            println!("note: PostgreSQL runs somewhere else; what it takes of a processor is not seen");
        }
        if let Some(postgres) = &mut self.postgres {
            postgres.postmaster = postmaster;
        }
        Ok(())
    }
}

/// A folder that goes away with the bench.
fn scratch(what: &str) -> Result<TempDir, Failure> {
    Ok(tempfile::Builder::new().prefix(&format!("chama-bench-{what}.")).tempdir()?)
}

/// What the user names in the environment.
fn given(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|url| !url.is_empty())
}

impl Postgres {
    /// The empty database that the user names.
    fn given() -> Result<Self, Failure> {
        let Some(url) = given("CHAMA_DATABASE_URL") else {
            return Err(
                "name an empty database in CHAMA_DATABASE_URL, or let the bench start a PostgreSQL of its own: \
                        --fresh-postgres"
                    .into(),
            );
        };
        Ok(Self { url, postmaster: None, _cluster: None })
    }

    /// A database of a private cluster.
    fn fresh() -> Result<Self, Failure> {
        let cluster = Cluster::start()?;
        let url = format!("postgres://postgres@localhost/postgres?host={}", cluster.scratch.path().display());
        Ok(Self { url, postmaster: None, _cluster: Some(cluster) })
    }
}

/// A PostgreSQL of this bench's own, reached through a socket in a folder.
struct Cluster {
    programs: PathBuf,
    /// The group of the user `postgres`, when this is root: PostgreSQL refuses to run as root.
    group: Option<String>,
    scratch: TempDir,
}

impl Cluster {
    fn start() -> Result<Self, Failure> {
        let root = process::said("id", &["-u"])? == "0";
        let group = if root { Some(process::said("id", &["-g", "postgres"])?) } else { None };
        let cluster = Self { programs: programs(), group, scratch: scratch("postgres")? };
        let folder = cluster.scratch.path().to_string_lossy().into_owned();
        if root {
            process::said("chown", &["postgres", &folder])?;
        }
        process::said("chmod", &["755", &folder])?;
        println!("starting a PostgreSQL in {folder}");
        let data = cluster.data();
        let mut make = cluster.command("initdb");
        make.arg("-D").arg(&data).args(["-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]);
        cluster.run(&mut make, "initdb")?;
        // What a bench writes need not survive a power cut. The rest is as it comes.
        let settings = format!(
            "-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off -c synchronous_commit=off \
             -c full_page_writes=off -c max_connections=400 -c max_wal_size=4GB"
        );
        let mut start = cluster.command("pg_ctl");
        start.arg("-D").arg(&data).args(["-w", "-t", "60", "-l"]).arg(cluster.log("postgres"));
        start.args(["-o", &settings, "start"]);
        cluster.run(&mut start, "postgres")?;
        Ok(cluster)
    }

    fn data(&self) -> PathBuf {
        self.scratch.path().join("pg")
    }

    fn log(&self, of: &str) -> PathBuf {
        self.scratch.path().join(format!("{of}.log"))
    }

    /// One of PostgreSQL's programs, as a user that may run it.
    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = match &self.group {
            None => Command::new(program),
            Some(group) => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid", "postgres", "--regid", group, "--clear-groups", "env"]);
                command.arg(format!("HOME={}", self.scratch.path().display())).arg(program);
                command
            }
        };
        command.current_dir(self.scratch.path()).stdin(Stdio::null());
        command
    }

    /// Runs it; what it says goes to a file, for a server that it starts keeps that open.
    fn run(&self, command: &mut Command, what: &str) -> Result<(), Failure> {
        let said = self.log(&format!("{what}-start"));
        let file = std::fs::File::create(&said)?;
        let status = command.stderr(file.try_clone()?).stdout(file).status();
        let status = status.map_err(|e| format!("{what}: {e}; install PostgreSQL, or name a database"))?;
        if status.success() {
            return Ok(());
        }
        let told = [said, self.log(what)].map(|file| process::last_lines(&file)).join("\n");
        Err(format!("{what} failed: {}", told.trim()).into())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.data().join("postmaster.pid").exists() {
            let mut stop = self.command("pg_ctl");
            stop.arg("-D").arg(self.data()).args(["-m", "immediate", "-w", "stop"]);
            let _ = stop.stdout(Stdio::null()).stderr(Stdio::null()).status();
        }
    }
}

/// Where the newest PostgreSQL of the distribution has its programs; empty: they are found by their names.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let numbered = versions.filter_map(|entry| {
        let number: u32 = entry.file_name().to_str()?.parse().ok()?;
        Some((number, entry.path().join("bin"))).filter(|(_, bin)| bin.join("initdb").exists())
    });
    numbered.max().map(|(_, bin)| bin).unwrap_or_default()
}

impl Redis {
    fn start() -> Result<Self, Failure> {
        if let Some(url) = given("CHAMA_REDIS_URL") {
            return Ok(Self { url, child: None, _scratch: None });
        }
        let scratch = scratch("redis")?;
        // A port that is free now; another process may be quicker, then the start fails and says so.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let log = scratch.path().join("redis.log");
        let mut command = Command::new("redis-server");
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir"]);
        command.arg(scratch.path()).stdin(Stdio::null()).stderr(Stdio::null()).stdout(std::fs::File::create(&log)?);
        let child = command.spawn().map_err(|e| format!("redis-server: {e}; install it, or set CHAMA_REDIS_URL"))?;
        let redis = Self { url: format!("redis://127.0.0.1:{port}/0"), child: Some(child), _scratch: Some(scratch) };
        let begun = Instant::now();
        while !answers(port) {
            if begun.elapsed() > Duration::from_secs(10) {
                return Err(format!("redis-server does not answer: {}", process::last_lines(&log)).into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(redis)
    }
}

fn answers(port: u16) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
        stream.write_all(b"PING\r\n").ok()?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).ok()?;
        Some(answer == *b"+PONG")
    };
    ask().unwrap_or_default()
}

impl Drop for Redis {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            process::stop(child);
        }
    }
}
