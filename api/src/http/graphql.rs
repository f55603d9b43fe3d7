//! GraphQL over HTTP, by the GraphQL-over-HTTP specification, and over server-sent events, by graphql-sse.
//!
//! A request is one JSON object (no batches, no multipart); GET is for queries and subscriptions only; a POST needs a
//! JSON content type, which no plain form of another site can send.

use std::{sync::Arc, time::Instant};

use async_graphql::{Request, Response as GraphQlResponse, ServerError};
use entities::values::Locale;
use futures_util::stream::{self, BoxStream, StreamExt};
use platform::{
    auth::{Caller, Proof},
    error::Error,
    meter::Meter,
    responses::{Kept, Key, Made, Tag, key},
    vault::hex,
};
use poem::{
    Body, Request as HttpRequest, Response as HttpResponse, handler,
    http::{HeaderMap, StatusCode, header},
    web::Data,
};
use sha2::{Digest, Sha256};

use super::{
    negotiate::{Accepted, Media, accepted},
    request::PERSISTED,
    request::{Refused, in_address, posted, proof},
    response::{REQUEST_ID, Written, kept_written, stamp, status_of, written},
    server::Lasting,
    sse,
};
use crate::graphql::{Gateway, Operation, refusal, unknown_caller};

/// Asks for what the operation costs, in `extensions.cost`.
const COST: &str = "x-chama-cost";
/// Then also how many statements it took.
const SQL: &str = "x-chama-sql";

/// `POST /graphql`.
#[handler]
pub(super) async fn post(
    request: &HttpRequest,
    body: Body,
    gateway: Data<&Gateway>,
    lasting: Data<&Lasting>,
) -> HttpResponse {
    let accepted = accepted(request.headers());
    let read = match acceptable(accepted) {
        Ok(()) => posted(request, body, gateway.0).await,
        Err(refused) => Err(refused),
    };
    answer(request, gateway.0, lasting.0, accepted, read, false).await
}

/// `GET /graphql`.
#[handler]
pub(super) async fn get(request: &HttpRequest, gateway: Data<&Gateway>, lasting: Data<&Lasting>) -> HttpResponse {
    let accepted = accepted(request.headers());
    let read = acceptable(accepted).and_then(|()| in_address(request));
    answer(request, gateway.0, lasting.0, accepted, read, true).await
}

fn acceptable(accepted: Accepted) -> Result<(), Refused> {
    match accepted.best {
        Some(_) => Ok(()),
        None => Err((StatusCode::NOT_ACCEPTABLE, "BAD_INPUT", "accept application/json".to_owned())),
    }
}

/// What a request is answered with.
enum Answer {
    Kept(Arc<Kept>),
    Whole(Box<GraphQlResponse>),
    Events(BoxStream<'static, GraphQlResponse>),
}

async fn answer(
    http: &HttpRequest,
    gateway: &Gateway,
    lasting: &Lasting,
    accepted: Accepted,
    read: Result<Request, Refused>,
    by_get: bool,
) -> HttpResponse {
    let started = Instant::now();
    let id = request_id(http.headers());
    let meter = Meter::default();
    let span = tracing::info_span!("request", request_id = %id);
    let run = meter.measure(Box::pin(run(http, gateway, accepted, read, by_get)));
    let (status, answer, operation) = tracing::Instrument::instrument(run, span).await;
    let errors = match &answer {
        Answer::Whole(response) => response.errors.len(),
        Answer::Kept(_) | Answer::Events(_) => 0,
    };
    if let Answer::Kept(kept) = &answer {
        // Cheap, and many: not worth a line each.
        tracing::debug!(request_id = %id, duration_us = started.elapsed().as_micros(), "answered from the cache");
        let max_age = gateway.app().config().cache.max_age;
        return kept_written(http, accepted.best.unwrap_or(Media::Json), kept, &id, max_age);
    }
    tracing::info!(
        request_id = %id,
        operation = operation.name.as_deref().unwrap_or("-"),
        kind = operation.kind(),
        status = status.as_u16(),
        errors,
        sql = meter.statements(),
        sql_us = meter.sql_micros(),
        duration_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        "graphql"
    );
    match answer {
        Answer::Whole(mut response) => {
            stamp(&mut response, &id);
            let mut answer = written(accepted.best.unwrap_or(Media::Json), status, &response, &id);
            if http.header(COST) == Some("1") {
                answer.headers_mut().insert(SQL, meter.statements().into());
            }
            answer
        }
        // Written above.
        Answer::Kept(_) => HttpResponse::builder().status(StatusCode::INTERNAL_SERVER_ERROR).finish(),
        Answer::Events(events) => sse::written(events, lasting.clone(), id),
    }
}

async fn run(
    http: &HttpRequest,
    gateway: &Gateway,
    accepted: Accepted,
    read: Result<Request, Refused>,
    by_get: bool,
) -> (StatusCode, Answer, Operation) {
    let media = accepted.best.unwrap_or(Media::Json);
    let unknown = Operation::default();
    let mut request = match read {
        Ok(request) => request,
        Err((status, code, message)) => {
            return (status, Answer::Whole(refusal(code, ServerError::new(message, None))), unknown);
        }
    };
    let key = kept_key(http, gateway, media, &request);
    if let Some(kept) = key.as_ref().and_then(|key| gateway.app().responses().get(key)) {
        return (StatusCode::OK, Answer::Kept(kept), unknown);
    }
    let operation = match gateway.opened(&mut request).await {
        Ok(operation) => operation,
        Err(response) => return (status_of(media, &response), Answer::Whole(response), unknown),
    };
    if by_get && operation.changes() {
        let response = refusal("BAD_INPUT", ServerError::new("GET is for queries; send mutations by POST", None));
        return (StatusCode::METHOD_NOT_ALLOWED, Answer::Whole(response), operation);
    }
    if operation.subscribes() && !accepted.events {
        let message = "a subscription is answered more than once: accept text/event-stream, or use /graphql/ws";
        let response = refusal("BAD_INPUT", ServerError::new(message, None));
        return (status_of(media, &response), Answer::Whole(response), operation);
    }
    let (proof, caller) = match caller(gateway, proof(http, gateway), &operation).await {
        Ok(known) => known,
        Err((status, response)) => return (status, Answer::Whole(response), operation),
    };
    let locale = locale(http.headers());
    if operation.subscribes() {
        let events = gateway.stream(request, &operation, proof, caller, locale);
        return (StatusCode::OK, Answer::Events(events), operation);
    }
    if let Some(key) = key.filter(|_| operation.public) {
        let made = gateway.app().responses().get_or_make(key, async |reads| {
            for kind in [search::Kind::Organisation, search::Kind::Brand, search::Kind::Category] {
                reads.note(Tag::Any(kind));
            }
            let mut response = gateway.execute(request.data(reads), &operation, caller, locale).await;
            // What `Cache-Control` says to who sees the headers, for who sees the body alone.
            let max_age = gateway.app().config().cache.max_age;
            let lasting = async_graphql::value!({ "maxAge": max_age, "scope": "PUBLIC" });
            response.extensions.insert("cacheControl".to_owned(), lasting);
            match serde_json::to_vec(&Written::of(&response)) {
                Ok(body) if response.errors.is_empty() => Ok(body),
                _ => {
                    response.extensions.remove("cacheControl");
                    Err(response)
                }
            }
        });
        return match made.await {
            Made::Kept(kept) => (StatusCode::OK, Answer::Kept(kept), operation),
            Made::Loose(response) => (status_of(media, &response), Answer::Whole(Box::new(response)), operation),
        };
    }
    let mut response = gateway.execute(request, &operation, caller, locale).await;
    if http.header(COST) == Some("1") {
        response.extensions.insert("cost".to_owned(), operation.cost.into());
    }
    let status = status_of(media, &response);
    // Who asks too often, or while everything is taken, is told so by the status.
    if media == Media::Events && !matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        return (StatusCode::OK, Answer::Events(stream::iter([response]).boxed()), operation);
    }
    (status, Answer::Whole(Box::new(response)), operation)
}

/// The key under which the answer to this is kept; none when it never is. Only what nobody in particular asks: with a
/// token, even one that is not good, an answer is for its holder alone.
fn kept_key(http: &HttpRequest, gateway: &Gateway, media: Media, request: &Request) -> Option<Key> {
    let headers = http.headers();
    let no = |name: header::HeaderName, value: &str| {
        headers.get(name).and_then(|h| h.to_str().ok()).is_some_and(|h| h.to_ascii_lowercase().contains(value))
    };
    if media == Media::Events
        || gateway.app().config().cache.bytes == 0
        || headers.contains_key(header::AUTHORIZATION)
        || headers.contains_key(COST)
        || no(header::CACHE_CONTROL, "no-cache")
        || no(header::CACHE_CONTROL, "no-store")
    {
        return None;
    }
    // A document is known by its hash, whether it came along or not.
    let hash = match (request.query.as_str(), request.extensions.get(PERSISTED)) {
        ("", Some(async_graphql::Value::Object(named))) => match named.get("sha256Hash") {
            Some(async_graphql::Value::String(hash)) => hash.to_ascii_lowercase(),
            _ => return None,
        },
        (query, _) => hex(&Sha256::digest(query)),
    };
    let variables = serde_json::to_string(&request.variables).ok()?;
    let name = request.operation_name.as_deref().unwrap_or_default();
    Some(key(&["public", locale(headers).as_str(), &hash, name, &variables]))
}

/// Who sent a request. A token that is not good is refused, except by what signs in: who does that again still sends
/// the one that has run out.
pub(super) async fn caller(
    gateway: &Gateway,
    proof: Proof,
    operation: &Operation,
) -> Result<(Proof, Caller), (StatusCode, Box<GraphQlResponse>)> {
    match gateway.caller(&proof).await {
        Ok(caller) => Ok((proof, caller)),
        Err(Error::Unauthenticated) if operation.signs_in => {
            let caller = Caller::anonymous(proof.address);
            Ok((Proof { token: None, ..proof }, caller))
        }
        Err(Error::Unauthenticated) => match gateway.mistaken(&proof).await {
            Ok(()) => Err((StatusCode::UNAUTHORIZED, unknown_caller(Error::Unauthenticated))),
            Err(too_often) => Err((StatusCode::TOO_MANY_REQUESTS, too_often)),
        },
        Err(error) => Err((StatusCode::SERVICE_UNAVAILABLE, unknown_caller(error))),
    }
}

/// The language asked for.
pub(super) fn locale(headers: &HeaderMap) -> Locale {
    let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|h| h.to_str().ok());
    wanted.map_or_else(Locale::zh_cn, Locale::preferred)
}

/// The caller's own id of the request when it is a decent one, else a new one.
pub(super) fn request_id(headers: &HeaderMap) -> String {
    let sent = headers.get(REQUEST_ID).and_then(|h| h.to_str().ok());
    let decent = |id: &&str| {
        (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    sent.filter(decent).map_or_else(new_id, str::to_owned)
}

/// An id that nobody else has.
pub(super) fn new_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}
