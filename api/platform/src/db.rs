//! The database, on both dialects.
//!
//! `SQLite`: one connection writes, a pool reads, WAL lets them work side by side; a write begins
//! IMMEDIATE, so that two writers queue instead of failing at their first UPDATE. `PostgreSQL`: one pool.
//! Where SQL must differ, the function that holds it asks [`Db::dialect`] and has both forms side by side.

use std::time::Duration;

use migration::{Migrator, MigratorTrait};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    SqliteTransactionMode, TransactionOptions, TransactionTrait, TryInsertResult,
    sqlx::{self, sqlite::SqliteConnection},
};

use super::{abandoned::Mark, error::Error, meter};
use crate::config::Config;

/// Which SQL a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// The embedded default.
    Sqlite,
    /// For more than one machine.
    Postgres,
}

/// The dialect of any connection or transaction.
pub fn dialect(connection: &impl ConnectionTrait) -> Dialect {
    match connection.get_database_backend() {
        DbBackend::Postgres => Dialect::Postgres,
        _ => Dialect::Sqlite,
    }
}

/// Whether an INSERT that leaves alone what is there wrote anything.
pub fn wrote(result: Result<TryInsertResult<u64>, DbErr>) -> Result<bool, DbErr> {
    Ok(matches!(result?, TryInsertResult::Inserted(rows) if rows > 0))
}

/// The database.
#[derive(Clone, Debug)]
pub struct Db {
    read: DatabaseConnection,
    write: DatabaseConnection,
}

/// Waiting for a connection longer than this is an accident that the client may repeat.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// After how many instructions of its virtual machine a reading `SQLite` connection looks whether it is still waited
/// for: some tenths of a millisecond.
const LOOKS_AFTER: i32 = 20_000;

/// A connection that nobody used for this long is asked whether it is still there.
const IDLE: Duration = Duration::from_secs(2);

impl Db {
    /// Connects to what the settings name; creates the `SQLite` file and its folder when missing.
    pub async fn connect(config: &Config) -> Result<Self, Error> {
        Self::opened(config, None).await
    }

    /// The same for answering requests. `PostgreSQL` goes on with a statement when the request that sent it is gone, so
    /// it is told how long any may take. What `SQLite` reads is stopped at once, see [`super::abandoned`].
    pub async fn serving(config: &Config) -> Result<Self, Error> {
        Self::opened(config, Some(config.server.operation_timeout() + Duration::from_secs(1))).await
    }

    async fn opened(config: &Config, longest: Option<Duration>) -> Result<Self, Error> {
        if let Some(url) = config.postgres() {
            Self::postgres(url, config.database.connections, longest).await
        } else {
            std::fs::create_dir_all(&config.data_dir).map_err(Error::internal)?;
            let file = config.sqlite_file();
            Self::sqlite(&file.to_string_lossy(), config.database.connections).await
        }
    }

    /// A `PostgreSQL` database; it stops statements that take longer than `longest`.
    pub async fn postgres(url: &str, connections: u32, longest: Option<Duration>) -> Result<Self, Error> {
        let mut options = ConnectOptions::new(url);
        options.max_connections(connections).acquire_timeout(ACQUIRE_TIMEOUT).sqlx_logging(false);
        // A ping before every statement doubles what a short one costs; a connection that was used a moment ago is there.
        options.test_before_acquire_if_idle_for(IDLE);
        if let Some(longest) = longest {
            options.statement_timeout(longest);
        }
        let pool = metered(Database::connect(options).await?);
        Ok(Self { read: pool.clone(), write: pool })
    }

    /// A `SQLite` file.
    pub async fn sqlite(file: &str, readers: u32) -> Result<Self, Error> {
        let connect = async |connections: u32, cache_kib: u32, reads: bool| {
            let mut options = ConnectOptions::new(format!("sqlite://{file}?mode=rwc"));
            options.max_connections(connections).acquire_timeout(ACQUIRE_TIMEOUT).sqlx_logging(false);
            options.map_sqlx_sqlite_opts(move |sqlite| {
                sqlite
                    .foreign_keys(true)
                    .busy_timeout(Duration::from_secs(10))
                    .pragma("journal_mode", "WAL")
                    // In WAL mode this survives a killed process; only a power cut may lose the last moments.
                    .pragma("synchronous", "NORMAL")
                    .pragma("cache_size", format!("-{cache_kib}"))
                    // 40 MB of log between checkpoints: a page that a load touches a hundred times is copied once.
                    .pragma("wal_autocheckpoint", "10000")
                    .pragma("temp_store", "MEMORY")
                    .statement_cache_capacity(200)
            });
            if reads {
                // Instead of the ping that a connection in this process does not need.
                options.test_before_acquire(false);
                options.map_sqlx_sqlite_before_acquire(|connection, _| Box::pin(heeds_the_mark(connection)));
                options.map_sqlx_sqlite_pool_opts(|pool| {
                    pool.after_connect(|connection, _| {
                        Box::pin(async move { heeds_the_mark(connection).await.map(drop) })
                    })
                });
            }
            Database::connect(options).await.map(metered)
        };
        // Readers share the operating system's cache of the file. The writer keeps the indexes that an import
        // goes back to for every row; it takes this much only when it needs it.
        let write = connect(1, 32 * 1024, false).await?;
        let read = connect(readers, 4 * 1024, true).await?;
        Ok(Self { read, write })
    }

    /// For queries. What was committed before is seen; several statements are not one snapshot.
    pub fn read(&self) -> &DatabaseConnection {
        &self.read
    }

    /// For a write of one statement. It queues with the transactions of [`Db::begin`].
    pub fn writer(&self) -> &DatabaseConnection {
        &self.write
    }

    /// Begins a write. It is rolled back unless committed.
    pub async fn begin(&self) -> Result<DatabaseTransaction, Error> {
        let options = TransactionOptions {
            sqlite_transaction_mode: (self.dialect() == Dialect::Sqlite).then_some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        Ok(self.write.begin_with_options(options).await?)
    }

    /// Which SQL it speaks.
    pub fn dialect(&self) -> Dialect {
        dialect(&self.write)
    }

    /// Brings the tables up to date.
    pub async fn migrate(&self) -> Result<(), Error> {
        Ok(Migrator::up(&self.write, None).await?)
    }

    /// Steps that are not yet applied.
    pub async fn pending_migrations(&self) -> Result<usize, Error> {
        Ok(Migrator::get_pending_migrations(&self.write).await?.len())
    }

    /// Whether it answers.
    pub async fn ping(&self) -> Result<(), Error> {
        Ok(self.read.ping().await?)
    }

    /// Lets the planner know what the tables hold.
    pub async fn analyze(&self) -> Result<(), Error> {
        Ok(analyze(&self.write).await?)
    }

    /// Closes all connections; a `SQLite` file is left without its side files.
    pub async fn close(self) -> Result<(), Error> {
        self.read.close().await?;
        self.write.close().await?;
        Ok(())
    }
}

/// Lets a reading connection stop when nobody waits any more for what it is used for from here on. Not for the
/// connection that writes: a write that is stopped takes its transaction with it, and the driver would not know.
async fn heeds_the_mark(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let mut connection = connection.lock_handle().await?;
    match Mark::current() {
        Some(mark) => connection.set_progress_handler(LOOKS_AFTER, move || !mark.is_set()),
        None => connection.remove_progress_handler(),
    }
    Ok(true)
}

/// Lets the planner know what the tables hold, on any connection or transaction.
pub async fn analyze(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    db.execute_unprepared("ANALYZE").await.map(drop)
}

/// When a load should let the planner look again: after 2,000 rows, and whenever there are four times as
/// many. Plans (those of foreign-key checks too) that PostgreSQL made for empty tables scan them; kept
/// for a load of 100,000 rows that is six times the time.
#[derive(Debug)]
pub struct Growth {
    next: u64,
}

impl Default for Growth {
    fn default() -> Self {
        Self { next: 2_000 }
    }
}

impl Growth {
    /// Whether the planner should look again now that `rows` are loaded.
    pub fn outgrown(&mut self, rows: u64) -> bool {
        let due = rows >= self.next;
        while rows >= self.next {
            self.next *= 4;
        }
        due
    }
}

fn metered(mut connection: DatabaseConnection) -> DatabaseConnection {
    connection.set_metric_callback(meter::record);
    connection
}

/// That a JSON text holds a word, in any case. The same on both dialects: the text as it is stored.
pub fn holding(column: impl sea_orm::ColumnTrait, word: &str) -> sea_orm::sea_query::SimpleExpr {
    use sea_orm::{
        ExprTrait,
        sea_query::{Expr, Func, LikeExpr},
    };
    let escaped = word.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    let text = Expr::expr(column.into_expr()).cast_as("text");
    Expr::expr(Func::lower(text)).like(LikeExpr::new(format!("%{escaped}%")).escape('\\'))
}
