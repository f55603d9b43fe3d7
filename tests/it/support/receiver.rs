//! An HTTP server of a partner: keeps what it is sent and answers as it is told.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Received {
    /// `POST /hook`.
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Received {
    /// A header by its name in lower case.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }
}

/// What to answer: status line and body, for the nth request (from 0).
type Answer = Arc<dyn Fn(usize, &Received) -> (String, String) + Send + Sync>;

/// The server. It goes away with the test.
pub struct Receiver {
    pub url: String,
    received: Arc<Mutex<Vec<Received>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Receiver {
    /// Answers everything with this status.
    pub async fn answering(status: &'static str) -> Self {
        Self::with(move |_, _| (status.to_owned(), String::new())).await
    }

    /// Answers as `answer` says.
    pub async fn with(answer: impl Fn(usize, &Received) -> (String, String) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let received = Arc::new(Mutex::new(Vec::new()));
        let (kept, answer): (_, Answer) = (received.clone(), Arc::new(answer));
        let task = tokio::spawn(async move {
            // Connections end with the server.
            let mut open = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                open.spawn(serve(stream, kept.clone(), answer.clone()));
            }
        });
        Self { url, received, task }
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// Waits until so many requests came.
    pub async fn until(&self, count: usize) -> Vec<Received> {
        for _ in 0..400 {
            let received = self.received();
            if received.len() >= count {
                return received;
            }
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
        panic!("{} of {count} requests came in ten seconds", self.received().len());
    }
}

impl Receiver {
    /// Takes the server away; afterwards nothing is answered any more, on connections that are open neither.
    pub async fn gone(mut self) {
        self.task.abort();
        // It ended as it was told to.
        (&mut self.task).await.ok();
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, kept: Arc<Mutex<Vec<Received>>>, answer: Answer) {
    let mut buffer = Vec::new();
    loop {
        let (head, length) = loop {
            if let Some(end) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
                let length = head
                    .lines()
                    .filter_map(|l| l.split_once(':'))
                    .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                    .map_or(0, |(_, value)| value.trim().parse().unwrap_or(0));
                break (head, end + 4 + length);
            }
            let mut part = [0; 4096];
            match stream.read(&mut part).await {
                Ok(0) | Err(_) => return,
                Ok(n) => buffer.extend_from_slice(&part[..n]),
            }
        };
        while buffer.len() < length {
            let mut part = [0; 4096];
            match stream.read(&mut part).await {
                Ok(0) | Err(_) => return,
                Ok(n) => buffer.extend_from_slice(&part[..n]),
            }
        }
        let body = String::from_utf8_lossy(&buffer[head.len() + 4..length]).into_owned();
        buffer.drain(..length);
        let mut lines = head.lines();
        let target = lines.next().unwrap_or_default().rsplit_once(' ').map_or("", |(t, _)| t).to_owned();
        let headers = lines.filter_map(|l| l.split_once(':'));
        let headers = headers.map(|(n, v)| (n.to_lowercase(), v.trim().to_owned())).collect();
        let request = Received { target, headers, body };
        let number = {
            let mut kept = kept.lock().unwrap();
            kept.push(request.clone());
            kept.len() - 1
        };
        let (status, text) = answer(number, &request);
        let written = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{text}", text.len());
        if stream.write_all(written.as_bytes()).await.is_err() {
            return;
        }
    }
}
