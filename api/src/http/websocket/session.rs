//! A connection, from `connection_init` to its end.
//!
//! One task reads, writes and keeps the time; operations are tasks of their own that speak through a bounded channel,
//! so a client that reads slowly slows its operations down and nothing else. Ids of operations are one space: one is
//! free again when its last message was written, or when the client completed it; after that nothing is said of it.

use std::{collections::HashMap, time::Duration};

use async_graphql::{Request, ServerError};
use entities::values::Locale;
use futures_util::{SinkExt, StreamExt, future::BoxFuture};
use platform::{
    auth::{Caller, Proof},
    error::Error,
};
use poem::Upgraded;
use serde_json::{Map, Value, json};
use tokio::{
    io::AsyncReadExt,
    sync::mpsc,
    task::{AbortHandle, JoinError, JoinSet},
    time::{Instant, interval_at, sleep, timeout},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error as SocketError, Message,
        error::ProtocolError,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

use super::{
    message::{Heard, read},
    operation::{self, Said, Voice, What},
};
use crate::{
    graphql::{Gateway, refusal},
    http::server::Lasting,
};

/// Most operations of a connection at the same time.
const MOST_OPERATIONS: usize = 64;
/// Messages that wait to be written.
const WAITING: usize = 16;
/// How often the client is asked whether it is there, and after how long without a word it is not.
const ASKS_EVERY: Duration = Duration::from_secs(25);
const SILENT: Duration = Duration::from_mins(1);
/// Longest time for one message to be taken.
const SENDING: Duration = Duration::from_secs(10);
/// Longest time for the client to answer a close.
const CLOSING: Duration = Duration::from_secs(2);
/// Most bytes of a reason, by RFC 6455.
const LONGEST_REASON: usize = 123;

type Socket = WebSocketStream<Upgraded>;
/// What a client shows of itself, and who that is.
type Shown = (Proof, Result<Caller, Error>);

/// What is known of a connection when it begins.
pub(super) struct Opening {
    pub(super) gateway: Gateway,
    /// What the handshake shows of who it is.
    pub(super) proof: Proof,
    pub(super) locale: Locale,
    /// Whether it offered the protocol.
    pub(super) speaks: bool,
}

/// Why a connection is closed: a code of the protocol, with the text that belongs to it.
#[derive(Debug)]
struct Farewell {
    code: u16,
    reason: String,
    /// Whether nothing more can be read, because what came was no WebSocket.
    broken: bool,
}

impl Farewell {
    fn new(code: u16, reason: impl Into<String>) -> Self {
        let mut reason = reason.into();
        let mut end = reason.len().min(LONGEST_REASON);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        reason.truncate(end);
        Self { code, reason, broken: false }
    }

    fn broken(code: u16, reason: &str) -> Self {
        Self { broken: true, ..Self::new(code, reason) }
    }

    fn invalid() -> Self {
        Self::new(4400, "Invalid message received")
    }

    fn forbidden() -> Self {
        Self::new(4403, "Forbidden")
    }
}

/// How a connection ends: with a word, or without one when nobody is there to hear it.
type End = Option<Farewell>;

/// Speaks with a client until one of them has enough.
pub(super) async fn serve(mut socket: Socket, opening: Opening, mut lasting: Lasting) {
    let end = if opening.speaks {
        Session::new(opening).run(&mut socket, &mut lasting).await
    } else {
        Some(Farewell::new(4406, "Subprotocol not acceptable"))
    };
    let _ = timeout(CLOSING, close(&mut socket, end)).await;
}

/// Says farewell and waits for the client to answer: with something unread the connection would break, and the client
/// might not read why.
async fn close(socket: &mut Socket, end: End) {
    let mut broken = false;
    if let Some(farewell) = end {
        broken = farewell.broken;
        let frame = CloseFrame { code: CloseCode::from(farewell.code), reason: farewell.reason.into() };
        if socket.send(Message::Close(Some(frame))).await.is_err() {
            return;
        }
    }
    if broken {
        let mut rest = [0; 4_096];
        while socket.get_mut().read(&mut rest).await.is_ok_and(|read| read > 0) {}
    } else {
        // What it sent before it knew; and this sends back the close of a client that said it first.
        while let Some(Ok(_)) = socket.next().await {}
    }
}

/// Whether the client has begun.
enum Standing {
    /// It has said nothing.
    New,
    /// It has said what it shows of itself, and is being looked at.
    Knocking,
    /// It may ask.
    In(Proof),
}

/// An operation that is carried out.
struct Running {
    number: u64,
    abort: AbortHandle,
}

struct Session {
    opening: Opening,
    standing: Standing,
    knocking: Option<BoxFuture<'static, Shown>>,
    running: HashMap<String, Running>,
    /// The operations; they end with the session.
    tasks: JoinSet<()>,
    sender: mpsc::Sender<Said>,
    receiver: mpsc::Receiver<Said>,
    number: u64,
}

/// What happens next on a connection.
enum Turn {
    Stop,
    Late,
    Read(Option<Result<Message, SocketError>>),
    Say(Said),
    Known(Shown),
    Done(Result<(), JoinError>),
    Tick,
}

impl Session {
    fn new(opening: Opening) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        Self {
            opening,
            standing: Standing::New,
            knocking: None,
            running: HashMap::new(),
            tasks: JoinSet::new(),
            sender,
            receiver,
            number: 0,
        }
    }

    async fn run(mut self, socket: &mut Socket, lasting: &mut Lasting) -> End {
        let mut late = Box::pin(sleep(self.opening.gateway.app().config().server.websocket_init_timeout()));
        let mut ticks = interval_at(Instant::now() + ASKS_EVERY, ASKS_EVERY);
        let mut heard = Instant::now();
        loop {
            let (new, knocks) = (matches!(self.standing, Standing::New), self.knocking.is_some());
            let turn = tokio::select! {
                () = lasting.stopping() => Turn::Stop,
                () = &mut late, if new => Turn::Late,
                message = socket.next() => Turn::Read(message),
                Some(said) = self.receiver.recv() => Turn::Say(said),
                known = known(&mut self.knocking), if knocks => Turn::Known(known),
                Some(done) = self.tasks.join_next() => Turn::Done(done),
                _ = ticks.tick() => Turn::Tick,
            };
            let done = match turn {
                Turn::Stop => Err(Some(Farewell::new(1001, "Going away"))),
                Turn::Late => Err(Some(Farewell::new(4408, "Connection initialisation timeout"))),
                Turn::Tick if heard.elapsed() > SILENT => Err(Some(Farewell::new(1001, "Nothing was heard"))),
                Turn::Tick => send(socket, Message::Ping(Vec::<u8>::new().into())).await,
                Turn::Read(message) => {
                    heard = Instant::now();
                    self.read(socket, message).await
                }
                Turn::Say(said) => self.say(socket, said).await,
                Turn::Known((proof, caller)) => self.known(socket, proof, caller).await,
                Turn::Done(Err(error)) if error.is_panic() => Err(Some(Farewell::new(4500, "Internal server error"))),
                Turn::Done(_) => Ok(()),
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    async fn read(&mut self, socket: &mut Socket, message: Option<Result<Message, SocketError>>) -> Result<(), End> {
        match message {
            Some(Ok(Message::Text(text))) => self.hear(socket, text.as_str()).await,
            Some(Ok(Message::Binary(_))) => Err(Some(Farewell::invalid())),
            // Pings are answered by the library.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(()),
            Some(Ok(Message::Close(_))) | None => Err(None),
            Some(Err(error)) => Err(match error {
                SocketError::Capacity(_) => Some(Farewell::broken(1009, "Message too big")),
                SocketError::Utf8(_) => Some(Farewell::broken(1007, "Invalid UTF-8")),
                // It is gone.
                SocketError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
                SocketError::Protocol(_) => Some(Farewell::broken(1002, "Protocol error")),
                _ => None,
            }),
        }
    }

    async fn hear(&mut self, socket: &mut Socket, text: &str) -> Result<(), End> {
        match read(text).ok_or_else(|| Some(Farewell::invalid()))? {
            Heard::Init(payload) => self.knock(&payload).map_err(Some),
            Heard::Ping(payload) => {
                let pong = match payload {
                    Some(payload) => json!({ "type": "pong", "payload": payload }),
                    None => json!({ "type": "pong" }),
                };
                say(socket, pong.to_string()).await
            }
            Heard::Pong => Ok(()),
            Heard::Subscribe { id, request } => self.subscribe(socket, id, *request).await,
            Heard::Complete { id } => {
                // What is not there is already over, or never was.
                if let Some(running) = self.running.remove(&id) {
                    running.abort.abort();
                }
                Ok(())
            }
        }
    }

    fn knock(&mut self, payload: &Map<String, Value>) -> Result<(), Farewell> {
        if !matches!(self.standing, Standing::New) {
            return Err(Farewell::new(4429, "Too many initialisation requests"));
        }
        let mut named = payload.iter().filter(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        let proof = match named.find(|(_, value)| !value.is_null()) {
            // What is no text is no good token either.
            Some((_, value)) => Proof::header(value.as_str().unwrap_or_default(), self.opening.proof.address),
            None => self.opening.proof.clone(),
        };
        let gateway = self.opening.gateway.clone();
        self.standing = Standing::Knocking;
        self.knocking = Some(Box::pin(async move {
            let caller = gateway.caller(&proof).await;
            (proof, caller)
        }));
        Ok(())
    }

    async fn known(&mut self, socket: &mut Socket, proof: Proof, caller: Result<Caller, Error>) -> Result<(), End> {
        self.knocking = None;
        match caller {
            Ok(_) => {
                self.standing = Standing::In(proof);
                say(socket, json!({ "type": "connection_ack" }).to_string()).await
            }
            Err(Error::Unauthenticated) => {
                // Counted; what comes of it is the same.
                let _ = self.opening.gateway.mistaken(&proof).await;
                Err(Some(Farewell::forbidden()))
            }
            Err(error) => {
                tracing::warn!(cause = error.told(), "it could not be said who connects");
                Err(Some(Farewell::new(1013, "Try again later")))
            }
        }
    }

    async fn subscribe(&mut self, socket: &mut Socket, id: String, request: Request) -> Result<(), End> {
        let Standing::In(proof) = &self.standing else { return Err(Some(Farewell::new(4401, "Unauthorized"))) };
        if self.running.contains_key(&id) {
            return Err(Some(Farewell::new(4409, format!("Subscriber for {id} already exists"))));
        }
        if self.running.len() >= MOST_OPERATIONS {
            let message = format!("a connection has at most {MOST_OPERATIONS} operations at the same time");
            let refused = refusal("BUDGET_EXCEEDED", ServerError::new(message, None));
            return say(socket, operation::error(&id, &refused.errors)).await;
        }
        self.number += 1;
        let (proof, gateway) = (proof.clone(), self.opening.gateway.clone());
        let voice = Voice { id: id.clone(), number: self.number, sender: self.sender.clone() };
        let work = operation::carry_out(gateway, proof, self.opening.locale.clone(), request, voice);
        let abort = self.tasks.spawn(work);
        self.running.insert(id, Running { number: self.number, abort });
        Ok(())
    }

    /// Passes on what an operation says, unless the client has completed it.
    async fn say(&mut self, socket: &mut Socket, said: Said) -> Result<(), End> {
        if self.running.get(&said.id).is_none_or(|running| running.number != said.number) {
            return Ok(());
        }
        match said.what {
            What::More(text) => say(socket, text).await,
            What::Last(text) => {
                self.running.remove(&said.id);
                say(socket, text).await
            }
            What::Expired => Err(Some(Farewell::forbidden())),
        }
    }
}

/// Waits for what is known of who knocks.
async fn known(knocking: &mut Option<BoxFuture<'static, Shown>>) -> Shown {
    match knocking {
        Some(knocking) => knocking.await,
        None => std::future::pending().await,
    }
}

async fn say(socket: &mut Socket, text: String) -> Result<(), End> {
    send(socket, Message::Text(text.into())).await
}

/// Writes a message. A client that does not take it is as good as gone.
async fn send(socket: &mut Socket, message: Message) -> Result<(), End> {
    match timeout(SENDING, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_no_longer_than_a_frame_takes() {
        let reason = Farewell::new(4409, format!("Subscriber for {} already exists", "茶".repeat(80))).reason;
        assert!(reason.len() <= LONGEST_REASON && reason.ends_with('茶'));
        assert_eq!(Farewell::invalid().reason, "Invalid message received");
    }
}
