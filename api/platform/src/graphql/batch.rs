//! When batch loaders run: as soon as every resolver of the request has asked, and not before.
//!
//! The library's loader waits a millisecond and then takes what has been asked by then. On a busy machine
//! that cuts a list of 100 rows into a dozen statements, and on an idle one it is a millisecond lost at
//! every level. Here a batch starts when the request's own future has nothing left to do: then all keys
//! of this level are in, whatever the machine is doing, so a list page costs the same statements always.
//!
//! Batches are driven by the request's own task. On a task of their own they would hand out their results
//! while the request already goes on with the first of them, and the next level would come in pieces.

use std::{
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_util::{
    future::BoxFuture,
    stream::{FuturesUnordered, StreamExt},
    task::AtomicWaker,
};

/// How often a request that keeps waking itself is polled before its batches start anyway.
const MAX_ROUNDS: usize = 1_000;

/// The batches of one request that wait to be started.
#[derive(Clone, Default)]
pub struct Batches {
    waiting: Arc<Mutex<Vec<BoxFuture<'static, ()>>>>,
}

impl Batches {
    /// Takes a loader's batch; what loaders are made with.
    pub fn spawner(&self) -> impl Fn(BoxFuture<'static, ()>) + Send + Sync + 'static {
        let waiting = self.waiting.clone();
        move |batch| waiting.lock().unwrap_or_else(PoisonError::into_inner).push(batch)
    }

    /// Runs a request and, whenever it can only wait, the batches that it asked for.
    pub async fn run<F: Future>(&self, request: F) -> F::Output {
        let mut request = pin!(request);
        let mut running = FuturesUnordered::new();
        let alarm = Arc::new(Alarm::default());
        let inner = Waker::from(alarm.clone());
        std::future::poll_fn(|outer| {
            alarm.sleeper.register(outer.waker());
            loop {
                for _ in 0..MAX_ROUNDS {
                    alarm.rung.store(false, Ordering::SeqCst);
                    if let Poll::Ready(output) = request.as_mut().poll(&mut Context::from_waker(&inner)) {
                        return Poll::Ready(output);
                    }
                    // A long list polls its rows in turns and wakes itself in between: not all have asked yet.
                    if !alarm.rung.load(Ordering::SeqCst) {
                        break;
                    }
                }
                running.extend(std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner)));
                // A batch that is done has answered all its keys; the request goes on with all of them.
                match running.poll_next_unpin(outer) {
                    Poll::Ready(Some(())) => {}
                    Poll::Ready(None) | Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await
    }
}

/// Notices that the request was woken, and passes it on.
#[derive(Default)]
struct Alarm {
    rung: AtomicBool,
    sleeper: AtomicWaker,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::SeqCst);
        self.sleeper.wake();
    }
}
