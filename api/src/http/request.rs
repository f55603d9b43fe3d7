//! A GraphQL request as it comes in: over HTTP, or as the payload of a WebSocket's message.

use std::time::Duration;

use async_graphql::Request;
use platform::auth::Proof;
use poem::{
    Body, Request as HttpRequest,
    http::{HeaderMap, StatusCode, header},
};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::io::AsyncReadExt;

use super::{negotiate::JSON_TYPE, tokens::caller_address};
use crate::graphql::Gateway;

/// A request that cannot be executed: status, code and why.
pub(super) type Refused = (StatusCode, &'static str, String);

/// How much of a body that is too large is still read, in bodies of the largest size. A client that is cut off while
/// it sends does not hear why.
const READ_ON: usize = 4;
const CHUNK: usize = 16 * 1024;

/// The extension in which a persisted document is named by its hash.
pub(super) const PERSISTED: &str = "persistedQuery";

fn bad(message: String) -> Refused {
    (StatusCode::BAD_REQUEST, "BAD_INPUT", message)
}

/// The request of a POST.
pub(super) async fn posted(request: &HttpRequest, body: Body, gateway: &Gateway) -> Result<Request, Refused> {
    if !is_json(request.headers()) {
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, "BAD_INPUT", "send application/json in UTF-8".to_owned()));
    }
    let server = &gateway.app().config().server;
    let bytes = match read(request.headers(), body, server.body_limit, server.body_timeout()).await {
        Ok(bytes) => bytes,
        Err(Unread::TooLarge) => {
            let message = format!("a request has at most {} bytes", server.body_limit);
            return Err((StatusCode::PAYLOAD_TOO_LARGE, "BUDGET_EXCEEDED", message));
        }
        Err(Unread::TooSlow) => {
            return Err((StatusCode::REQUEST_TIMEOUT, "TIMEOUT", "the body did not come in time".to_owned()));
        }
        Err(Unread::Broken) => return Err(bad("the body could not be read".to_owned())),
    };
    let fields: Map<String, Value> = serde_json::from_slice(&bytes)
        .map_err(|error| bad(format!("the body is not one GraphQL request as JSON: {error}")))?;
    of_fields(fields).map_err(bad)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    #[serde(default)]
    query: String,
    operation_name: Option<String>,
    variables: Option<String>,
    extensions: Option<String>,
}

/// The request of a GET: texts in the address; an empty one is none.
pub(super) fn in_address(request: &HttpRequest) -> Result<Request, Refused> {
    let parameters: Parameters =
        request.params().map_err(|error| bad(format!("the address is not a GraphQL request: {error}")))?;
    let mut read = Request::new(parameters.query);
    read.operation_name = parameters.operation_name.filter(|name| !name.is_empty());
    if let Some(text) = parameters.variables.filter(|text| !text.is_empty()) {
        read.variables = serde_json::from_str(&text).map_err(|error| bad(format!("variables: {error}")))?;
    }
    if let Some(text) = parameters.extensions.filter(|text| !text.is_empty()) {
        read.extensions = serde_json::from_str(&text).map_err(|error| bad(format!("extensions: {error}")))?;
    }
    if read.query.is_empty() && !read.extensions.contains_key(PERSISTED) {
        return Err(bad("the address is not a GraphQL request: it has no query".to_owned()));
    }
    Ok(read)
}

/// The request that an object of JSON is; says what is wrong with it. Null is as good as nothing, except for the
/// query; what is not known is not looked at. The library's own type would also take a request without a query.
pub(super) fn of_fields(fields: Map<String, Value>) -> Result<Request, String> {
    let persisted = fields.get("extensions").and_then(|extensions| extensions.get(PERSISTED)).is_some();
    let query = fields.get("query");
    let there = query.is_some_and(Value::is_string);
    if !(there || (persisted && query.is_none_or(Value::is_null))) {
        return Err("the request has no query".to_owned());
    }
    let is = |name: &str, good: fn(&Value) -> bool| fields.get(name).is_none_or(|value| value.is_null() || good(value));
    if !is("operationName", Value::is_string) {
        return Err("operationName is no text".to_owned());
    }
    for name in ["variables", "extensions"] {
        if !is(name, Value::is_object) {
            return Err(format!("{name} is no object"));
        }
    }
    let mut fields = fields;
    fields.entry("query").or_insert_with(|| Value::String(String::new()));
    if fields.get("query").is_some_and(Value::is_null) {
        fields.insert("query".to_owned(), Value::String(String::new()));
    }
    serde_json::from_value(fields.into()).map_err(|error| format!("it is no GraphQL request: {error}"))
}

/// What the request shows of who sends it. No header: nobody in particular.
pub(super) fn proof(request: &HttpRequest, gateway: &Gateway) -> Proof {
    let address = caller_address(request, &gateway.app().config().server.trusted_proxies());
    match request.headers().get(header::AUTHORIZATION) {
        // What is no text is no good token either.
        Some(value) => Proof::header(value.to_str().unwrap_or_default(), address),
        None => Proof { token: None, address },
    }
}

/// Whether the body is JSON in UTF-8, which is what it is when it does not say.
fn is_json(headers: &HeaderMap) -> bool {
    let sent = headers.get(header::CONTENT_TYPE).and_then(|h| h.to_str().ok()).unwrap_or_default();
    let mut parts = sent.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default();
    let charset = parts.filter_map(|part| part.split_once('=')).find(|(name, _)| name.eq_ignore_ascii_case("charset"));
    let charset = charset.map_or("utf-8", |(_, charset)| charset.trim_matches('"'));
    kind.eq_ignore_ascii_case(JSON_TYPE) && ["utf-8", "utf8"].iter().any(|utf| charset.eq_ignore_ascii_case(utf))
}

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    TooLarge,
    TooSlow,
    Broken,
}

/// Reads a body of at most `limit` bytes within `time`.
pub(super) async fn read(headers: &HeaderMap, body: Body, limit: usize, time: Duration) -> Result<Vec<u8>, Unread> {
    let most = limit.saturating_mul(READ_ON);
    let length = headers.get(header::CONTENT_LENGTH).and_then(|h| h.to_str().ok());
    let length = length.and_then(|h| h.parse::<usize>().ok());
    // Who asks first hears at once, before it sends anything.
    let asks_first = headers.contains_key(header::EXPECT);
    if length.is_some_and(|length| length > most || (asks_first && length > limit)) {
        return Err(Unread::TooLarge);
    }
    let reading = async {
        let mut reader = body.into_async_read();
        let (mut bytes, mut chunk, mut seen) = (Vec::new(), vec![0_u8; CHUNK], 0_usize);
        loop {
            let some = match reader.read(&mut chunk).await {
                Ok(0) => break,
                Ok(some) => some,
                Err(_) => return Err(Unread::Broken),
            };
            seen = seen.saturating_add(some);
            if seen > most {
                return Err(Unread::TooLarge);
            }
            if seen <= limit {
                bytes.extend_from_slice(chunk.get(..some).unwrap_or_default());
            } else {
                bytes = Vec::new();
            }
        }
        if seen > limit { Err(Unread::TooLarge) } else { Ok(bytes) }
    };
    tokio::time::timeout(time, reading).await.unwrap_or(Err(Unread::TooSlow))
}
