//! What can go wrong: refusals (values of the catalogue), denials, and accidents.
//!
//! [`Error`] deliberately has no `Display`: its cause is for the log, and what a client sees is made in
//! `graphql::errors` from the public parts alone.

use std::sync::Arc;

use entities::values::{ErrorCode, Refusal, Refusals};
use sea_orm::{DbErr, RuntimeErr, sqlx};

/// Why an operation did not do what it was asked.
#[derive(Debug)]
pub enum Error {
    /// The rules say no; nothing was changed. Becomes `userErrors`.
    Refused(Refusals),
    /// Needs somebody who is signed in.
    Unauthenticated,
    /// Somebody is signed in, but may not.
    Forbidden,
    /// The request itself is malformed; the text says how and is shown.
    BadInput(String),
    /// A tier is busy or away; the same request may succeed later.
    Unavailable(Cause),
    /// An accident.
    Internal(Cause),
}

/// The cause of an accident: for the log only.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

impl Error {
    /// An accident with this cause.
    pub fn internal(cause: impl Into<Cause>) -> Self {
        Self::Internal(cause.into())
    }

    /// The same in a field, or within it: what lies in the way of its refusals comes before theirs.
    #[must_use]
    pub fn at(self, field: impl Into<String>) -> Self {
        let Self::Refused(refusals) = self else { return self };
        let field = field.into();
        Self::Refused(refusals.into_iter().map(|refusal| refusal.at(field.clone())).collect())
    }

    /// The same of another field: what was refused within is this one's to whoever asked.
    #[must_use]
    pub fn of(self, field: &str) -> Self {
        let Self::Refused(refusals) = self else { return self };
        Self::Refused(refusals.into_iter().map(|one| Refusal { field: vec![field.to_owned()], ..one }).collect())
    }
}

impl Error {
    /// The cause in words, for the log and for operators. Never the whole of a database's error: that repeats the values
    /// of rows.
    pub fn told(&self) -> String {
        match self {
            Self::Refused(refusals) => refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
            Self::BadInput(message) => message.clone(),
            Self::Unauthenticated | Self::Forbidden => "not allowed".into(),
            Self::Unavailable(cause) | Self::Internal(cause) => cause.to_string(),
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(vec![refusal])
    }
}

impl From<Refusals> for Error {
    fn from(refusals: Refusals) -> Self {
        Self::Refused(refusals)
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        if is_transient(&error) { Self::Unavailable(error.into()) } else { Self::Internal(error.into()) }
    }
}

/// A reference that leads nowhere, or to what the viewer may not see.
pub fn not_found(field: &str, value: impl std::fmt::Display) -> Error {
    Refusal::new(ErrorCode::NotFound).with("value", value.to_string()).at(field).into()
}

/// A lost race for a row: someone changed it since it was read.
pub fn stale() -> Error {
    Refusal::new(ErrorCode::StaleVersion).at("expectedVersion").into()
}

/// Refused unless the thing is still in the version that was read.
pub fn fresh(version: i32, expected: i32) -> Result<(), Error> {
    if version == expected { Ok(()) } else { Err(stale()) }
}

/// The violation of the unique index over these columns as a refusal of `field`; other errors stay what
/// they are. `value`: what was written, as it may be shown.
pub fn taken(error: DbErr, table: &str, columns: &[&str], field: &str, value: &str) -> Error {
    if violates_unique(&error, table, columns) {
        return Refusal::new(ErrorCode::AlreadyTaken).with("value", value).at(field).into();
    }
    error.into()
}

/// An accident that several waiting resolvers share: what a batch loader fails with.
#[derive(Clone, Debug)]
pub struct SharedError(pub Arc<Error>);

impl From<DbErr> for SharedError {
    fn from(error: DbErr) -> Self {
        Self(Arc::new(error.into()))
    }
}

impl From<Error> for SharedError {
    fn from(error: Error) -> Self {
        Self(Arc::new(error))
    }
}

fn driver_error(error: &DbErr) -> Option<&dyn sqlx::error::DatabaseError> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(e))
        | DbErr::Exec(RuntimeErr::SqlxError(e))
        | DbErr::Query(RuntimeErr::SqlxError(e)) => e.as_database_error(),
        _ => None,
    }
}

/// True for what goes away by itself: serialization failures and deadlocks (`PostgreSQL` 40001, 40P01), a
/// stopped or overfull server, a busy `SQLite` (5 and its extended codes), a pool with no connection left, a connection that broke.
fn is_transient(error: &DbErr) -> bool {
    if matches!(error, DbErr::ConnectionAcquire(_) | DbErr::Conn(_)) || broke(error) {
        return true;
    }
    driver_error(error).and_then(|e| e.code().map(std::borrow::Cow::into_owned)).is_some_and(|code| {
        matches!(code.as_str(), "40001" | "40P01" | "53300" | "55P03" | "57014" | "57P01" | "57P02" | "57P03")
            || (code.len() == 5 && code.starts_with("08"))
            || code.parse::<u32>().is_ok_and(|c| c & 0xff == 5 && c < 1000)
    })
}

/// True when the connection broke in the middle of a statement.
fn broke(error: &DbErr) -> bool {
    use sqlx::Error as E;
    let (DbErr::Exec(RuntimeErr::SqlxError(e)) | DbErr::Query(RuntimeErr::SqlxError(e))) = error else { return false };
    matches!(&**e, E::Io(_) | E::Tls(_) | E::Protocol(_) | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed)
}

/// True when `error` is the violation of the unique index over these columns of `table`.
pub fn violates_unique(error: &DbErr, table: &str, columns: &[&str]) -> bool {
    let Some(driver) = driver_error(error).filter(|e| e.is_unique_violation()) else { return false };
    // PostgreSQL names the index, SQLite the columns.
    if let Some(name) = driver.constraint() {
        return name == format!("uq_{table}_{}", columns.join("_"));
    }
    let named = columns.iter().map(|c| format!("{table}.{c}")).collect::<Vec<_>>().join(", ");
    driver.message().ends_with(&format!(": {named}"))
}
