//! An answer as it is written, and its status.
//!
//! With `application/graphql-response+json` a request that could not be executed answers 400, with `application/json`
//! every well-formed one answers 200. Whoever asks too often or when everything is taken is told so by the status in
//! any case, for that is what proxies and clients go by.

use async_graphql::{Response as GraphQlResponse, ServerError, Value};
use platform::responses::Kept;
use poem::{
    Request as HttpRequest, Response as HttpResponse,
    http::{Method, StatusCode, header},
};

use super::negotiate::{JSON_TYPE, Media, RESPONSE_TYPE};
use crate::graphql::executed;

pub(super) const REQUEST_ID: &str = "x-request-id";

/// The response as it is written: without `data` when nothing was carried out.
#[derive(serde::Serialize)]
pub(super) struct Written<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ServerError],
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    extensions: &'a std::collections::BTreeMap<String, Value>,
}

impl<'a> Written<'a> {
    pub(super) fn of(response: &'a GraphQlResponse) -> Self {
        let data = executed(response).then_some(&response.data);
        Self { data, errors: &response.errors, extensions: &response.extensions }
    }
}

/// Writes the id of the request into each error, so that whoever reports one can name it.
pub(super) fn stamp(response: &mut GraphQlResponse, id: &str) {
    for error in &mut response.errors {
        error.extensions.get_or_insert_with(Default::default).set("requestId", id);
    }
}

fn extension<'a>(response: &'a GraphQlResponse, name: &str) -> Option<&'a Value> {
    response.errors.first().and_then(|error| error.extensions.as_ref()).and_then(|extensions| extensions.get(name))
}

/// In how many seconds it may be asked again, when the answer is that.
fn retry_after(response: &GraphQlResponse) -> Option<u64> {
    match extension(response, "retryAfter") {
        Some(Value::Number(seconds)) => seconds.as_u64(),
        _ => None,
    }
}

/// The status of an answer that was made.
pub(super) fn status_of(media: Media, response: &GraphQlResponse) -> StatusCode {
    if executed(response) {
        return StatusCode::OK;
    }
    let code = match extension(response, "code") {
        Some(Value::String(code)) => code.as_str(),
        _ => "",
    };
    match (code, media) {
        ("RATE_LIMITED", _) => StatusCode::TOO_MANY_REQUESTS,
        ("UNAVAILABLE", _) => StatusCode::SERVICE_UNAVAILABLE,
        (_, Media::Json) => StatusCode::OK,
        ("TIMEOUT", _) => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// Writes an answer.
pub(super) fn written(media: Media, status: StatusCode, response: &GraphQlResponse, id: &str) -> HttpResponse {
    let kind = if media == Media::Response { RESPONSE_TYPE } else { JSON_TYPE };
    let mut built = HttpResponse::builder()
        .status(status)
        .content_type(format!("{kind}; charset=utf-8"))
        .header(REQUEST_ID, id)
        .header(header::VARY, "accept, accept-language, authorization")
        .header(header::CACHE_CONTROL, "no-store");
    if status == StatusCode::UNAUTHORIZED {
        built = built.header(header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"");
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        built = built.header(header::ALLOW, "POST");
    }
    if let Some(seconds) = retry_after(response) {
        built = built.header(header::RETRY_AFTER, seconds);
    }
    if matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::PAYLOAD_TOO_LARGE) {
        // What is left of the body is not waited for.
        built = built.header(header::CONNECTION, "close");
    }
    match serde_json::to_vec(&Written::of(response)) {
        Ok(bytes) => built.body(bytes),
        Err(error) => {
            tracing::error!(%error, "a response could not be written");
            HttpResponse::builder().status(StatusCode::INTERNAL_SERVER_ERROR).finish()
        }
    }
}

/// Writes an answer that is kept, or that the client still has it. The tag says whether; without `cache.max_age` it is
/// asked each time.
pub(super) fn kept_written(http: &HttpRequest, media: Media, kept: &Kept, id: &str, max_age: u32) -> HttpResponse {
    let kind = if media == Media::Response { RESPONSE_TYPE } else { JSON_TYPE };
    let lasting = if max_age == 0 { "public, no-cache".to_owned() } else { format!("public, max-age={max_age}") };
    let built = HttpResponse::builder()
        .header(REQUEST_ID, id)
        .header(header::VARY, "accept, accept-language, authorization")
        .header(header::CACHE_CONTROL, lasting)
        .header(header::ETAG, kept.etag.as_str());
    let read = matches!(*http.method(), Method::GET | Method::HEAD);
    let has = http.headers().get(header::IF_NONE_MATCH).and_then(|h| h.to_str().ok()).is_some_and(|tags| {
        tags.split(',').map(|tag| tag.trim().trim_start_matches("W/")).any(|tag| tag == "*" || tag == kept.etag)
    });
    if read && has {
        return built.status(StatusCode::NOT_MODIFIED).finish();
    }
    built.content_type(format!("{kind}; charset=utf-8")).body(kept.body.clone())
}
