//! What becomes of the SQL of an operation that nobody waits for any more: its time was up, or its client is gone.
//!
//! Dropping a query's future frees the caller and nothing else: `SQLite` goes on with the statement on its own thread,
//! and the connection is not free before it is done. So an operation runs with a mark (a task-local, as in
//! [`super::meter`]), the reading connections look at the mark of who uses them while they work (see
//! [`super::db`]), and leaving the operation in any way sets it. `PostgreSQL` has a limit of its own for that.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

tokio::task_local! {
    static MARK: Mark;
}

/// Says whether somebody still waits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mark(Arc<AtomicBool>);

impl Mark {
    /// The mark of the operation that is running; none outside of one: what the command line and jobs do is waited for.
    pub(crate) fn current() -> Option<Self> {
        MARK.try_with(Self::clone).ok()
    }

    /// Whether nobody waits any more.
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Sets the mark on the way out, whichever way that is.
struct Leaving(Mark);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

/// Runs `future`; when it is dropped before it is done, the statements that it left running are stopped.
pub async fn stopped_when_abandoned<F: Future>(future: F) -> F::Output {
    let mark = Mark::default();
    let _leaving = Leaving(mark.clone());
    MARK.scope(mark, future).await
}
