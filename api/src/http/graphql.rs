//! GraphQL over HTTP, by the GraphQL-over-HTTP specification.
//!
//! A request is one JSON object (no batches); GET is for queries only; a POST needs a JSON content type,
//! which no plain form of another site can send. With `application/graphql-response+json` a request that
//! could not be executed answers 400, with `application/json` every well-formed one answers 200.

use std::time::Instant;

use async_graphql::{Request, Response as GraphQlResponse, ServerError};
use entities::values::Locale;
use poem::{
    Body, Request as HttpRequest, Response as HttpResponse, handler,
    http::{HeaderMap, StatusCode, header},
    web::Data,
};
use serde::Deserialize;

use super::tokens::caller_address;
use crate::{
    graphql::{Gateway, Operation, refusal},
    platform::{auth::Caller, error::Error, meter::Meter},
};

const RESPONSE_TYPE: &str = "application/graphql-response+json";
const JSON_TYPE: &str = "application/json";
const REQUEST_ID: &str = "x-request-id";

/// A request that cannot be executed: status, code and why.
type Refused = (StatusCode, &'static str, String);

/// `POST /graphql`.
#[handler]
pub(super) async fn post(request: &HttpRequest, body: Body, gateway: Data<&Gateway>) -> HttpResponse {
    let read = async {
        if !is_json(request.headers()) {
            return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, "BAD_INPUT", "send application/json".to_owned()));
        }
        let limit = gateway.app().config().server.body_limit;
        let too_large =
            || (StatusCode::PAYLOAD_TOO_LARGE, "BUDGET_EXCEEDED", format!("a request has at most {limit} bytes"));
        let bytes = body.into_bytes_limit(limit).await.map_err(|_| too_large())?;
        let bad =
            |e| (StatusCode::BAD_REQUEST, "BAD_INPUT", format!("the body is not one GraphQL request as JSON: {e}"));
        // The library's own type also reads a list and a request without a query.
        let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&bytes).map_err(bad)?;
        if !fields.get("query").is_some_and(serde_json::Value::is_string) {
            return Err((StatusCode::BAD_REQUEST, "BAD_INPUT", "the request has no query".to_owned()));
        }
        serde_json::from_value::<Request>(fields.into()).map_err(bad)
    };
    answer(request, gateway.0, read.await, false).await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    query: String,
    operation_name: Option<String>,
    variables: Option<String>,
    extensions: Option<String>,
}

/// `GET /graphql`.
#[handler]
pub(super) async fn get(request: &HttpRequest, gateway: Data<&Gateway>) -> HttpResponse {
    let bad = |what: &str, e: &dyn std::fmt::Display| (StatusCode::BAD_REQUEST, "BAD_INPUT", format!("{what}: {e}"));
    let read = || {
        let parameters: Parameters = request.params().map_err(|e| bad("the address is not a GraphQL request", &e))?;
        let mut read = Request::new(parameters.query);
        read.operation_name = parameters.operation_name.filter(|name| !name.is_empty());
        if let Some(text) = parameters.variables.filter(|text| !text.is_empty()) {
            read.variables = serde_json::from_str(&text).map_err(|e| bad("variables", &e))?;
        }
        if let Some(text) = parameters.extensions.filter(|text| !text.is_empty()) {
            read.extensions = serde_json::from_str(&text).map_err(|e| bad("extensions", &e))?;
        }
        Ok(read)
    };
    answer(request, gateway.0, read(), true).await
}

async fn answer(
    http: &HttpRequest,
    gateway: &Gateway,
    read: Result<Request, Refused>,
    queries_only: bool,
) -> HttpResponse {
    let started = Instant::now();
    let id = request_id(http.headers());
    let meter = Meter::default();
    let span = tracing::info_span!("request", request_id = %id);
    let (status, mut response, operation) =
        tracing::Instrument::instrument(meter.measure(Box::pin(run(http, gateway, read, queries_only))), span).await;
    for error in &mut response.errors {
        error.extensions.get_or_insert_with(Default::default).set("requestId", id.as_str());
    }
    tracing::info!(
        request_id = %id,
        operation = operation.name.as_deref().unwrap_or("-"),
        kind = if operation.mutation { "mutation" } else { "query" },
        status = status.as_u16(),
        errors = response.errors.len(),
        sql = meter.statements(),
        sql_us = meter.sql_micros(),
        duration_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        "graphql"
    );
    written(http.headers(), status, &response, &id)
}

async fn run(
    http: &HttpRequest,
    gateway: &Gateway,
    read: Result<Request, Refused>,
    queries_only: bool,
) -> (StatusCode, GraphQlResponse, Operation) {
    let headers = http.headers();
    let unknown = Operation::default();
    let mut request = match read {
        Ok(request) => request,
        Err((status, code, message)) => return (status, *refusal(code, ServerError::new(message, None)), unknown),
    };
    let operation = match Gateway::prepare(&mut request) {
        Ok(operation) => operation,
        Err(response) => return (status_of(headers, &response), *response, unknown),
    };
    if queries_only && operation.mutation {
        let response = refusal("BAD_INPUT", ServerError::new("GET is for queries; send mutations by POST", None));
        return (StatusCode::METHOD_NOT_ALLOWED, *response, operation);
    }
    let caller = match caller(http, gateway).await {
        Ok(caller) => caller,
        // Who signs in again still sends the token that has run out.
        Err(Error::Unauthenticated) if operation.signs_in => {
            Caller::anonymous(caller_address(http, &gateway.app().config().server.trusted_proxies()))
        }
        Err(Error::Unauthenticated) => {
            let response =
                refusal("UNAUTHENTICATED", ServerError::new("the token is not valid, or not any more", None));
            return (StatusCode::UNAUTHORIZED, *response, operation);
        }
        Err(error) => {
            let error: async_graphql::Error = error.into();
            let response = GraphQlResponse::from_errors(vec![error.into_server_error(async_graphql::Pos::default())]);
            return (StatusCode::SERVICE_UNAVAILABLE, response, operation);
        }
    };
    let locale = headers
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|h| h.to_str().ok())
        .map_or_else(Locale::zh_cn, Locale::preferred);
    let response = gateway.execute(request, &operation, caller, locale).await;
    (status_of(headers, &response), response, operation)
}

/// Who sent the request. No token: anonymous; a token that is not good is refused, not ignored.
async fn caller(http: &HttpRequest, gateway: &Gateway) -> Result<Caller, Error> {
    let app = gateway.app();
    let address = caller_address(http, &app.config().server.trusted_proxies());
    let Some(value) = http.headers().get(header::AUTHORIZATION) else { return Ok(Caller::anonymous(address)) };
    let token = value.to_str().ok().and_then(|v| v.split_once(' ')).filter(|(s, _)| s.eq_ignore_ascii_case("bearer"));
    let (_, token) = token.ok_or(Error::Unauthenticated)?;
    app.gate().caller(app.db(), token.trim(), address, app.clock().now()).await
}

fn is_json(headers: &HeaderMap) -> bool {
    let sent = headers.get(header::CONTENT_TYPE).and_then(|h| h.to_str().ok()).unwrap_or_default();
    let kind = sent.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case(JSON_TYPE)
}

/// Whether the newer media type is accepted. Clients that do not know it say so by not naming it.
fn wants_response_type(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|h| h.to_str().ok()).unwrap_or_default();
    accept.split(',').any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let named = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case(RESPONSE_TYPE));
        named && !parts.any(|p| matches!(p, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

/// Whether anything of the operation was carried out; else the response has no `data`.
fn executed(response: &GraphQlResponse) -> bool {
    response.errors.is_empty()
        || response.data != async_graphql::Value::Null
        || response.errors.iter().any(|e| !e.path.is_empty())
}

/// The status for clients of the newer media type; for those of `application/json` a well-formed request
/// is always 200.
fn status_of(headers: &HeaderMap, response: &GraphQlResponse) -> StatusCode {
    if !wants_response_type(headers) || executed(response) {
        return StatusCode::OK;
    }
    let code = response.errors.first().and_then(|e| e.extensions.as_ref()).and_then(|x| x.get("code"));
    match code {
        Some(async_graphql::Value::String(code)) if code == "TIMEOUT" => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// The response as it is written: without `data` when nothing was carried out.
#[derive(serde::Serialize)]
struct Written<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a async_graphql::Value>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ServerError],
}

fn written(headers: &HeaderMap, status: StatusCode, response: &GraphQlResponse, id: &str) -> HttpResponse {
    let kind = if wants_response_type(headers) { RESPONSE_TYPE } else { JSON_TYPE };
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
    let body = Written { data: executed(response).then_some(&response.data), errors: &response.errors };
    match serde_json::to_vec(&body) {
        Ok(bytes) => built.body(bytes),
        Err(error) => {
            tracing::error!(%error, "a response could not be written");
            HttpResponse::builder().status(StatusCode::INTERNAL_SERVER_ERROR).finish()
        }
    }
}

/// The caller's own id of the request when it is a decent one, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let sent = headers.get(REQUEST_ID).and_then(|h| h.to_str().ok());
    let decent = |id: &&str| {
        (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    sent.filter(decent).map_or_else(|| uuid::Uuid::new_v4().simple().to_string(), str::to_owned)
}
