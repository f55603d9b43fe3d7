//! How many operations are carried out at the same time.
//!
//! More at once make each slower and none sooner: they wait for the same connections to the database. So a few sit,
//! some stand in line for a moment, and whoever comes after that is told to come again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Longest time in line. A client that hears nothing for longer has mostly gone away.
const LONGEST: Duration = Duration::from_secs(2);

/// The seats, and who stands in line for one.
#[derive(Debug)]
pub(super) struct Seats {
    free: Arc<Semaphore>,
    waiting: AtomicUsize,
    line: usize,
}

impl Seats {
    /// So many seats, and so many places in line.
    pub(super) fn new(seats: usize, line: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(seats)), waiting: AtomicUsize::new(0), line }
    }

    /// A seat, kept until it is dropped; none when the line is full or too slow.
    pub(super) async fn take(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(seat) = self.free.clone().try_acquire_owned() {
            return Some(seat);
        }
        let _place = Place::take(self)?;
        tokio::time::timeout(LONGEST, self.wait()).await.ok()?
    }

    /// A seat, however long it takes: for what happens in subscriptions, of which there are so many and no more.
    pub(super) async fn wait(&self) -> Option<OwnedSemaphorePermit> {
        self.free.clone().acquire_owned().await.ok()
    }
}

/// A place in line.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(seats: &'a Seats) -> Option<Self> {
        // Counted first, so that the place is given back in any case.
        let place = Self(&seats.waiting);
        (seats.waiting.fetch_add(1, Ordering::SeqCst) < seats.line).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_finds_the_line_full_is_sent_away_at_once() {
        let seats = Arc::new(Seats::new(1, 1));
        let seat = seats.take().await.unwrap();
        let second = tokio::spawn({
            let seats = seats.clone();
            async move { seats.take().await.is_some() }
        });
        while seats.waiting.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        assert!(seats.take().await.is_none(), "a third stands behind the second");
        assert_eq!(seats.waiting.load(Ordering::SeqCst), 1, "its place was given back");
        drop(seat);
        assert!(second.await.unwrap());
        assert_eq!(seats.waiting.load(Ordering::SeqCst), 0);
        assert!(seats.take().await.is_some());
    }
}
