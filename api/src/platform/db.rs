//! The database, on both dialects.
//!
//! `SQLite`: one connection writes, a pool reads, WAL lets them work side by side; a write begins
//! IMMEDIATE, so that two writers queue instead of failing at their first UPDATE. `PostgreSQL`: one pool.
//! Where SQL must differ, the function that holds it asks [`Db::dialect`] and has both forms side by side.

use std::time::Duration;

use migration::{Migrator, MigratorTrait};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
};

use super::{error::Error, meter};
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

/// The database.
#[derive(Clone, Debug)]
pub struct Db {
    read: DatabaseConnection,
    write: DatabaseConnection,
}

/// Waiting for a connection longer than this is an accident that the client may repeat.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

impl Db {
    /// Connects to what the settings name; creates the `SQLite` file and its folder when missing.
    pub async fn connect(config: &Config) -> Result<Self, Error> {
        if let Some(url) = config.postgres() {
            Self::postgres(url, config.database.connections).await
        } else {
            std::fs::create_dir_all(&config.data_dir).map_err(Error::internal)?;
            let file = config.sqlite_file();
            Self::sqlite(&file.to_string_lossy(), config.database.connections).await
        }
    }

    /// A `PostgreSQL` database.
    pub async fn postgres(url: &str, connections: u32) -> Result<Self, Error> {
        let mut options = ConnectOptions::new(url);
        options.max_connections(connections).acquire_timeout(ACQUIRE_TIMEOUT).sqlx_logging(false);
        let pool = metered(Database::connect(options).await?);
        Ok(Self { read: pool.clone(), write: pool })
    }

    /// A `SQLite` file.
    pub async fn sqlite(file: &str, readers: u32) -> Result<Self, Error> {
        let connect = async |connections: u32, cache_kib: u32| {
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
            Database::connect(options).await.map(metered)
        };
        // Readers share the operating system's cache of the file. The writer keeps the indexes that an import
        // goes back to for every row; it takes this much only when it needs it.
        let write = connect(1, 32 * 1024).await?;
        let read = connect(readers, 4 * 1024).await?;
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
