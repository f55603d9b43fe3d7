//! Connections: taken, counted, and given a time for everything that they may be slow with.
//!
//! HTTP/1.1 over a loop of our own, because the library's server has no limit on slow heads and none on connections.
//! What is held here:
//!
//! - the head of a request comes within `server.header_timeout`, which is also how long a connection may be idle;
//!   bodies have a time of their own where they are read ([`super::request`]),
//! - a client that takes nothing of its answer for [`STALLED`] is cut off,
//! - there are at most so many connections, in all and from one address; those of believed proxies are everyone's, so
//!   they count in all only,
//! - when it stops, open requests may finish within the grace; what would last ([`Lasting`]) is told and ends itself.

use std::{
    collections::HashMap,
    convert::Infallible,
    io,
    net::IpAddr,
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use ipnet::IpNet;
use platform::{config, limits::one_address};
use poem::{
    Addr, Endpoint, Request,
    http::uri::Scheme,
    web::{LocalAddr, RemoteAddr},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    time::{Sleep, sleep, timeout},
};

/// Longest time in which a client takes nothing of what is written to it.
const STALLED: Duration = Duration::from_secs(30);
/// Largest head of a request.
const LARGEST_HEAD: usize = 32 * 1024;
/// Wait after a connection could not be taken: mostly there are no more file handles, and trying on is no help.
const BREATH: Duration = Duration::from_millis(50);

/// What connections may cost.
#[derive(Clone, Debug)]
pub(super) struct Bounds {
    header: Duration,
    grace: Duration,
    connections: usize,
    per_address: usize,
    proxies: Vec<IpNet>,
}

impl Bounds {
    /// The bounds of these settings.
    pub(super) fn of(settings: &config::Server) -> Self {
        Self {
            header: settings.header_timeout(),
            grace: settings.shutdown_grace(),
            connections: settings.connections,
            per_address: settings.connections_per_address,
            proxies: settings.trusted_proxies(),
        }
    }

    fn is_proxy(&self, address: IpAddr) -> bool {
        self.proxies.iter().any(|net| net.contains(&address.to_canonical()))
    }
}

/// For what does not end by itself, `WebSocket`s and event streams: it is told when the server stops, and the server
/// waits for whoever holds this.
#[derive(Clone, Debug)]
pub(super) struct Lasting {
    stopping: watch::Receiver<bool>,
    _alive: mpsc::Sender<()>,
}

impl Lasting {
    /// Is done when the server stops.
    pub(super) async fn stopping(&mut self) {
        // The sender goes with the server.
        let _ = self.stopping.wait_for(|stopping| *stopping).await;
    }
}

/// Tells who lasts, and waits for it.
pub(super) struct Stopping {
    stop: watch::Sender<bool>,
    gone: mpsc::Receiver<()>,
}

/// What lasting things hold, and how they are stopped.
pub(super) fn lasting() -> (Lasting, Stopping) {
    let (stop, stopping) = watch::channel(false);
    let (alive, gone) = mpsc::channel(1);
    (Lasting { stopping, _alive: alive }, Stopping { stop, gone })
}

/// Serves until `stop` is done, and then for at most the grace.
pub(super) async fn run(
    listener: TcpListener,
    endpoint: impl Endpoint + 'static,
    bounds: Bounds,
    lasting: Lasting,
    mut stopping: Stopping,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let endpoint = Arc::new(endpoint);
    let local = LocalAddr(Addr::SocketAddr(listener.local_addr()?));
    let held = Arc::new(Mutex::new(Held::default()));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(bounds.header).max_header_size(LARGEST_HEAD);
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        let (io, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                sleep(BREATH).await;
                continue;
            }
        };
        // Dropping it closes it.
        let Some(slot) = Slot::take(&held, peer.ip(), &bounds) else { continue };
        // Small messages are not held back to be sent together.
        let _ = io.set_nodelay(true);
        let io = Guarded { io, stalled: None, _slot: slot };
        let (endpoint, local, remote) = (endpoint.clone(), local.clone(), RemoteAddr(Addr::SocketAddr(peer)));
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let (endpoint, local, remote) = (endpoint.clone(), local.clone(), remote.clone());
            async move {
                let request = Request::from((request, local, remote, Scheme::HTTP));
                let response: hyper::Response<_> = endpoint.get_response(request).await.into();
                Ok::<_, Infallible>(response)
            }
        });
        let connection = http.serve_connection(TokioIo::new(io), service).with_upgrades();
        let (mut lasting, grace) = (lasting.clone(), bounds.grace);
        tokio::spawn(async move {
            let mut connection = pin!(connection);
            let stopped = tokio::select! {
                // What goes wrong on a connection is its client's affair.
                _ = connection.as_mut() => false,
                () = lasting.stopping() => true,
            };
            if stopped {
                connection.as_mut().graceful_shutdown();
                let _ = timeout(grace, connection).await;
            }
        });
    }
    drop((listener, endpoint, lasting));
    stopping.stop.send_replace(true);
    // Nobody ever sends: it is none when the last of them is gone.
    let _ = timeout(bounds.grace + Duration::from_secs(1), stopping.gone.recv()).await;
    Ok(())
}

/// The connections that are open.
#[derive(Debug, Default)]
struct Held {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A connection's place among them, given back when it is dropped.
#[derive(Debug)]
struct Slot {
    held: Arc<Mutex<Held>>,
    address: IpAddr,
}

impl Slot {
    fn take(held: &Arc<Mutex<Held>>, from: IpAddr, bounds: &Bounds) -> Option<Self> {
        let address = one_address(from);
        let mut now = held.lock().unwrap_or_else(PoisonError::into_inner);
        let of_address = now.by_address.get(&address).copied().unwrap_or_default();
        if now.total >= bounds.connections || (of_address >= bounds.per_address && !bounds.is_proxy(from)) {
            return None;
        }
        now.total += 1;
        now.by_address.insert(address, of_address + 1);
        Some(Self { held: held.clone(), address })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut now = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        now.total = now.total.saturating_sub(1);
        match now.by_address.get_mut(&self.address) {
            Some(number) if *number > 1 => *number -= 1,
            _ => {
                now.by_address.remove(&self.address);
            }
        }
    }
}

/// A connection that keeps its place until it is gone, as a `WebSocket` too, and fails when its client takes nothing.
#[derive(Debug)]
struct Guarded {
    io: TcpStream,
    stalled: Option<Pin<Box<Sleep>>>,
    _slot: Slot,
}

impl Guarded {
    fn watched<T>(&mut self, context: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.stalled = None;
            return polled;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(STALLED)));
        match stalled.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Guarded {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_read(context, into)
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.io).poll_write(context, bytes);
        this.watched(context, polled)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.io).poll_write_vectored(context, bytes);
        this.watched(context, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_for_each_address_and_given_back() {
        let bounds = Bounds {
            header: STALLED,
            grace: STALLED,
            connections: 5,
            per_address: 2,
            proxies: vec!["10.0.0.0/8".parse().unwrap()],
        };
        let held = Arc::new(Mutex::new(Held::default()));
        let take = |address: &str| Slot::take(&held, address.parse().unwrap(), &bounds);
        let first = take("203.0.113.9").unwrap();
        let _second = take("::ffff:203.0.113.9").unwrap();
        assert!(take("203.0.113.9").is_none(), "a third of one address");
        drop(first);
        let _third = take("203.0.113.9").unwrap();
        let proxied: Vec<_> = (0..3).map(|_| take("10.0.0.1").unwrap()).collect();
        assert!(take("203.0.113.10").is_none(), "a sixth in all");
        drop(proxied);
        assert!(take("203.0.113.10").is_some());
        assert_eq!(held.lock().unwrap().by_address.len(), 1, "an address without connections is forgotten");
    }
}
