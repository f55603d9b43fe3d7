//! One operation on a connection.

use std::time::Instant;

use async_graphql::{Request, Response, ServerError};
use entities::values::Locale;
use futures_util::stream::{BoxStream, StreamExt};
use platform::{auth::Proof, meter::Meter};
use poem::http::StatusCode;
use serde::Serialize;
use tokio::sync::mpsc;
use tracing::Instrument;

use crate::{
    graphql::{Gateway, Operation, executed},
    http::{
        graphql::{caller, new_id},
        response::{Written, stamp},
    },
};

/// What an operation says to its connection.
#[derive(Debug)]
pub(super) struct Said {
    /// Its id, and which of those with this id it is: the client may have used the id again.
    pub(super) id: String,
    pub(super) number: u64,
    pub(super) what: What,
}

/// What is said.
#[derive(Debug)]
pub(super) enum What {
    /// A message; there will be others.
    More(String),
    /// The last message.
    Last(String),
    /// The token of the connection is not good any more.
    Expired,
}

/// A message about an operation.
#[derive(Serialize)]
struct Message<'a, P> {
    id: &'a str,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<P>,
}

/// The message that an operation is refused with.
pub(super) fn error(id: &str, errors: &[ServerError]) -> String {
    written(&Message { id, r#type: "error", payload: Some(errors) })
}

fn written(message: &impl Serialize) -> String {
    serde_json::to_string(message).unwrap_or_else(|error| {
        tracing::error!(%error, "a message could not be written");
        String::new()
    })
}

/// How an operation speaks. What it says is taken when the client has taken what was said before.
pub(super) struct Voice {
    pub(super) id: String,
    pub(super) number: u64,
    pub(super) sender: mpsc::Sender<Said>,
}

/// Nobody listens any more.
struct Unheard;

impl Voice {
    async fn say(&self, what: What) -> Result<(), Unheard> {
        let said = Said { id: self.id.clone(), number: self.number, what };
        self.sender.send(said).await.map_err(|_| Unheard)
    }

    async fn next(&self, response: &Response) -> Result<(), Unheard> {
        let message = Message { id: &self.id, r#type: "next", payload: Some(Written::of(response)) };
        self.say(What::More(written(&message))).await
    }

    async fn error(&self, errors: &[ServerError]) -> Result<(), Unheard> {
        self.say(What::Last(error(&self.id, errors))).await
    }

    async fn complete(&self) -> Result<(), Unheard> {
        let message = Message::<()> { id: &self.id, r#type: "complete", payload: None };
        self.say(What::Last(written(&message))).await
    }
}

/// What an operation is answered with.
enum Answer {
    Whole(Box<Response>),
    Events(BoxStream<'static, Response>),
    Expired,
}

/// Carries an operation out and says its answer: `next` for each response and `complete` at the end, or `error` when
/// nothing could be carried out.
pub(super) async fn carry_out(gateway: Gateway, proof: Proof, locale: Locale, request: Request, voice: Voice) {
    let id = new_id();
    let span = tracing::info_span!("request", request_id = %id);
    // Who does not listen any more is told nothing.
    let _ = told(&gateway, proof, locale, request, &id, &voice).instrument(span).await;
}

async fn told(
    gateway: &Gateway,
    proof: Proof,
    locale: Locale,
    mut request: Request,
    id: &str,
    voice: &Voice,
) -> Result<(), Unheard> {
    let (started, meter) = (Instant::now(), Meter::default());
    let (operation, answer) = match gateway.opened(&mut request).await {
        Err(refused) => (Operation::default(), Answer::Whole(refused)),
        Ok(operation) => {
            let answer = meter.measure(Box::pin(answer(gateway, proof, locale, request, &operation))).await;
            (operation, answer)
        }
    };
    let errors = match &answer {
        Answer::Whole(response) => response.errors.len(),
        Answer::Events(_) | Answer::Expired => 0,
    };
    tracing::info!(
        request_id = %id,
        operation = operation.name.as_deref().unwrap_or("-"),
        kind = operation.kind(),
        status = "websocket",
        errors,
        sql = meter.statements(),
        sql_us = meter.sql_micros(),
        duration_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        "graphql"
    );
    match answer {
        Answer::Expired => return voice.say(What::Expired).await,
        Answer::Whole(mut response) => {
            stamp(&mut response, id);
            if !executed(&response) {
                return voice.error(&response.errors).await;
            }
            voice.next(&response).await?;
        }
        Answer::Events(mut events) => {
            while let Some(mut response) = events.next().await {
                stamp(&mut response, id);
                if !executed(&response) {
                    return voice.error(&response.errors).await;
                }
                voice.next(&response).await?;
            }
        }
    }
    voice.complete().await
}

async fn answer(gateway: &Gateway, proof: Proof, locale: Locale, request: Request, operation: &Operation) -> Answer {
    let (proof, caller) = match caller(gateway, proof, operation).await {
        Ok(known) => known,
        Err((StatusCode::UNAUTHORIZED, _)) => return Answer::Expired,
        Err((_, refused)) => return Answer::Whole(refused),
    };
    if operation.subscribes() {
        return Answer::Events(gateway.stream(request, operation, proof, caller, locale));
    }
    Answer::Whole(Box::new(gateway.execute(request, operation, caller, locale).await))
}
