//! Answers as server-sent events, by the "distinct connections mode" of graphql-sse: one operation a request, each
//! response an event `next`, then an event `complete`.
//!
//! The bytes are written here: `EventSource` throws away an event that has no line `data:`, an empty one included.
//! A client ends an operation by going away; the body is dropped then, and the operation with it.

use std::time::Duration;

use async_graphql::Response as GraphQlResponse;
use futures_util::stream::{self, BoxStream, StreamExt};
use poem::{
    Body, Response as HttpResponse,
    http::{StatusCode, header},
};
use tokio::time::{Instant, Interval, interval_at};

use super::{
    negotiate::EVENTS_TYPE,
    response::{REQUEST_ID, Written, stamp},
    server::Lasting,
};

/// How often something is written when nothing happens, so that nobody between here and there closes the connection.
const KEEPS_ALIVE: Duration = Duration::from_secs(12);
const COMMENT: &str = ":\n\n";
const COMPLETE: &str = "event: complete\ndata:\n\n";

/// Answers with events.
pub(super) fn written(events: BoxStream<'static, GraphQlResponse>, lasting: Lasting, id: String) -> HttpResponse {
    let response = HttpResponse::builder()
        .status(StatusCode::OK)
        .content_type(format!("{EVENTS_TYPE}; charset=utf-8"))
        .header(REQUEST_ID, &id)
        .header(header::CACHE_CONTROL, "no-cache")
        // A proxy that collects answers before it passes them on.
        .header("x-accel-buffering", "no");
    let keeps_alive = interval_at(Instant::now() + KEEPS_ALIVE, KEEPS_ALIVE);
    let writing = Writing { events, lasting, id, keeps_alive, state: State::Opening };
    response.body(Body::from_bytes_stream(stream::unfold(writing, Writing::next)))
}

enum State {
    Opening,
    Running,
    Over,
}

/// An answer that is being written.
struct Writing {
    events: BoxStream<'static, GraphQlResponse>,
    lasting: Lasting,
    id: String,
    keeps_alive: Interval,
    state: State,
}

impl Writing {
    async fn next(mut self) -> Option<(Result<String, std::io::Error>, Self)> {
        match self.state {
            // Some browsers say that the connection is open only when there is something to read.
            State::Opening => {
                self.state = State::Running;
                return Some((Ok(COMMENT.to_owned()), self));
            }
            State::Over => return None,
            State::Running => {}
        }
        let text = tokio::select! {
            // Without `complete`: the client comes again, to another node or to this one after its start.
            () = self.lasting.stopping() => return None,
            event = self.events.next() => if let Some(mut response) = event {
                stamp(&mut response, &self.id);
                match serde_json::to_string(&Written::of(&response)) {
                    Ok(json) => format!("event: next\ndata: {json}\n\n"),
                    Err(error) => return Some((Err(error.into()), self)),
                }
            } else {
                self.state = State::Over;
                COMPLETE.to_owned()
            },
            _ = self.keeps_alive.tick() => COMMENT.to_owned(),
        };
        Some((Ok(text), self))
    }
}
