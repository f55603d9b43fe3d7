//! Asks over loopback: connections that are kept open, each with one request after the other.
//!
//! No client library: what the driver takes of the machine, the server does not have. Requests are written out
//! beforehand, of an answer only the status and the length are read.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use super::Failure;

/// Most rounds of one connection in one run.
pub(crate) const MOST: usize = 2_000_000;
/// Longest answer that is read.
const LONGEST: usize = 16 * 1024 * 1024;
/// What a connection reads into at first.
const BUFFER: usize = 64 * 1024;

/// Requests as they are written, sent in turns.
pub(crate) type Requests = Arc<[Vec<u8>]>;

/// How long rounds took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timings {
    /// How many there were.
    pub(crate) done: u64,
    /// How long all of them took together, in microseconds.
    pub(crate) micros: u64,
    /// Median in microseconds.
    pub(crate) p50: u32,
    /// 99th percentile in microseconds.
    pub(crate) p99: u32,
}

impl Timings {
    fn of(mut taken: Vec<u32>, all: Duration) -> Result<Self, Failure> {
        taken.sort_unstable();
        let at = |percent: usize| taken.get(taken.len() * percent / 100).copied();
        let (Some(p50), Some(p99)) = (at(50), at(99)) else {
            return Err("nothing was done within the time; take more --seconds".into());
        };
        let micros = u64::try_from(all.as_micros()).unwrap_or(u64::MAX).max(1);
        Ok(Self { done: taken.len() as u64, micros, p50, p99 })
    }

    /// Rounds a second.
    pub(crate) fn rate(&self) -> u64 {
        self.done * 1_000_000 / self.micros
    }
}

/// Microseconds since then.
pub(crate) fn since(begun: Instant) -> u32 {
    u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX)
}

/// Does so many at once; each answers with how long its rounds took.
pub(crate) async fn at_once<F, E>(connections: usize, one: impl Fn(usize) -> F) -> Result<Timings, Failure>
where
    F: Future<Output = Result<Vec<u32>, E>> + Send + 'static,
    E: std::error::Error + Send + 'static,
{
    let begun = Instant::now();
    let mut open = JoinSet::new();
    for place in 0..connections {
        open.spawn(one(place));
    }
    let mut taken = Vec::new();
    while let Some(ended) = open.join_next().await {
        taken.extend(ended??);
    }
    Timings::of(taken, begun.elapsed())
}

/// Sends these requests in turns over so many connections, for so long.
pub(crate) async fn load(
    address: SocketAddr,
    requests: &Requests,
    connections: usize,
    time: Duration,
) -> Result<Timings, Failure> {
    at_once(connections, |place| rounds(address, requests.clone(), place, time)).await
}

async fn rounds(address: SocketAddr, requests: Requests, place: usize, time: Duration) -> std::io::Result<Vec<u32>> {
    let mut connection = Connection::open(address).await?;
    let mut taken = Vec::new();
    let begun = Instant::now();
    // Each connection begins somewhere else.
    for request in requests.iter().cycle().skip(place * 7 % requests.len().max(1)).take(MOST) {
        if begun.elapsed() >= time {
            break;
        }
        let sent = Instant::now();
        let answer = connection.ask(request).await?;
        if answer.status != 200 {
            return Err(answer.unexpected());
        }
        taken.push(since(sent));
    }
    Ok(taken)
}

/// A connection that is kept open.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer, in the buffer of its connection.
pub(crate) struct Answer<'a> {
    /// Its status.
    pub(crate) status: u16,
    /// Its body.
    pub(crate) body: &'a [u8],
    head: &'a [u8],
}

impl Connection {
    /// Connects. Only to this machine: this is no tool for anything else.
    pub(crate) async fn open(address: SocketAddr) -> std::io::Result<Self> {
        if !address.ip().is_loopback() {
            return Err(std::io::Error::other(format!("{address} is not on this machine")));
        }
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; BUFFER] })
    }

    /// Sends a request and reads its answer.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> std::io::Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        let mut filled = 0;
        let head = loop {
            filled += self.more(filled).await?;
            if let Some(end) = self.buffer[..filled].windows(4).position(|w| w == b"\r\n\r\n") {
                break end + 4;
            }
        };
        let length = header(&self.buffer[..head], "content-length").and_then(|text| text.parse::<usize>().ok());
        let length = length.filter(|n| *n <= LONGEST);
        let length = length.ok_or_else(|| std::io::Error::other("the answer does not say how long it is"))?;
        let end = head + length;
        while filled < end {
            filled += self.more(filled).await?;
        }
        let (head, body) = (&self.buffer[..head], &self.buffer[head..end]);
        // HTTP/1.1 200 OK
        let status = head.get(9..12).and_then(|s| std::str::from_utf8(s).ok()).and_then(|s| s.parse().ok());
        Ok(Answer { status: status.unwrap_or_default(), body, head })
    }

    /// Reads what comes next behind what is there; answers with how much it was.
    async fn more(&mut self, filled: usize) -> std::io::Result<usize> {
        if filled == self.buffer.len() {
            self.buffer.resize(filled * 2, 0);
        }
        match self.stream.read(&mut self.buffer[filled..]).await? {
            0 => Err(std::io::Error::other("the server closed the connection")),
            read => Ok(read),
        }
    }
}

impl Answer<'_> {
    /// A header by its name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(self.head, name)
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(self.body).into_owned()
    }

    /// That it is not what was to come.
    pub(crate) fn unexpected(&self) -> std::io::Error {
        let body: String = self.text().chars().take(400).collect();
        std::io::Error::other(format!("the server answered {}: {body}", self.status))
    }
}

fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    let mut lines = std::str::from_utf8(head).ok()?.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(named, _)| named.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}
