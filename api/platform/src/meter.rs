//! Counts what one request costs: SQL statements and the time spent in them.
//!
//! The counter travels with the task (a task-local); batch loaders run on the request's own task.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use sea_orm::metric::Info;

tokio::task_local! {
    static METER: Meter;
}

/// The costs of one request so far.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    costs: Arc<Costs>,
}

#[derive(Debug, Default)]
struct Costs {
    statements: AtomicU64,
    micros: AtomicU64,
}

impl Meter {
    /// Runs `future` with its statements counted here.
    pub async fn measure<F: Future>(&self, future: F) -> F::Output {
        METER.scope(self.clone(), future).await
    }

    /// SQL statements so far.
    pub fn statements(&self) -> u64 {
        self.costs.statements.load(Ordering::Relaxed)
    }

    /// Microseconds spent waiting for them; statements that ran side by side each count.
    pub fn sql_micros(&self) -> u64 {
        self.costs.micros.load(Ordering::Relaxed)
    }
}

/// The database's metric callback.
pub(crate) fn record(info: &Info<'_>) {
    tracing::trace!(target: "chama::sql", sql = %info.statement.sql, elapsed_us = info.elapsed.as_micros(), "statement");
    let _ = METER.try_with(|meter| {
        meter.costs.statements.fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(info.elapsed.as_micros()).unwrap_or(u64::MAX);
        meter.costs.micros.fetch_add(micros, Ordering::Relaxed);
    });
}
