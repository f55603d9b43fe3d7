//! The page for people, its files, the two questions of whoever keeps the process running, and one of the bench.

use poem::{
    IntoResponse, Response, handler,
    http::{StatusCode, header},
    web::{Data, Json, Path, Query},
};
use serde::Deserialize;
use serde_json::json;

use crate::graphql::Gateway;

/// Text as it stands in a page.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// `GET /`: `GraphiQL`.
#[handler]
pub(super) fn graphiql() -> Response {
    Response::builder()
        .content_type("text/html; charset=utf-8")
        .header(header::CONTENT_SECURITY_POLICY, "default-src 'self'; style-src 'self' 'unsafe-inline'; font-src data:; img-src 'self' data:; worker-src blob:")
        .body(include_str!("graphiql.html"))
}

/// `GET /assets/…`: the files of that page, from inside the binary.
#[handler]
pub(super) fn asset(Path(name): Path<String>) -> Response {
    const SCRIPT: &str = "text/javascript; charset=utf-8";
    let (kind, bytes): (&str, &[u8]) = match name.as_str() {
        "graphiql.min.js" => (SCRIPT, include_bytes!("../../assets/graphiql/graphiql.min.js.gz")),
        "graphiql.min.css" => ("text/css; charset=utf-8", include_bytes!("../../assets/graphiql/graphiql.min.css.gz")),
        "react.production.min.js" => (SCRIPT, include_bytes!("../../assets/graphiql/react.production.min.js.gz")),
        "react-dom.production.min.js" => {
            (SCRIPT, include_bytes!("../../assets/graphiql/react-dom.production.min.js.gz"))
        }
        "start.js" => return Response::builder().content_type(SCRIPT).body(include_str!("graphiql.js")),
        _ => return StatusCode::NOT_FOUND.into(),
    };
    Response::builder()
        .content_type(kind)
        .header(header::CONTENT_ENCODING, "gzip")
        .header(header::CACHE_CONTROL, "public, max-age=86400")
        .body(bytes)
}

/// `GET /media/…`: pictures in the data folder. Flat names only, so there is no way out of it.
#[handler]
pub(super) async fn media(Path(name): Path<String>, gateway: Data<&Gateway>) -> Response {
    let plain = name.len() <= 120
        && !name.starts_with('.')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    let kind = match name.rsplit('.').next() {
        Some("svg") => "image/svg+xml",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("png") => "image/png",
        Some("webp") => "image/webp",
        _ => return StatusCode::NOT_FOUND.into(),
    };
    if !plain {
        return StatusCode::NOT_FOUND.into();
    }
    match tokio::fs::read(gateway.app().config().media_folder().join(name)).await {
        Ok(bytes) => Response::builder()
            .content_type(kind)
            .header(header::CACHE_CONTROL, "public, max-age=3600")
            // A drawing may carry a script; as a picture it must not run.
            .header(header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'")
            .body(bytes),
        Err(_) => StatusCode::NOT_FOUND.into(),
    }
}

/// `GET /healthz`: the process lives.
#[handler]
pub(super) fn healthz() -> &'static str {
    "alive\n"
}

/// `GET /readyz`: whether it can do its work, and which tiers are away. 503 only without the database:
/// without the others the work goes on.
#[handler]
pub(super) async fn readyz(gateway: Data<&Gateway>) -> Response {
    let app = gateway.app();
    let (database, cache, search) = tokio::join!(app.db().ping(), app.cache().ping(), app.search().ready());
    let state = |well: bool| if well { "ok" } else { "away" };
    let ready = database.is_ok();
    let degraded = cache.as_ref().is_some_and(Result::is_err) || !matches!(search, Ok(true));
    let body = json!({
        "status": if !ready { "down" } else if degraded { "degraded" } else { "ready" },
        "database": state(ready),
        "cache": cache.map_or("in this process", |c| state(c.is_ok())),
        "search": match search {
            Ok(true) => "ok",
            Ok(false) => "being built",
            Err(_) => "away",
        },
    });
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Json(body).with_status(status).into_response()
}

/// Most bytes of [`filler`].
const MOST_FILLER: usize = 1 << 20;

/// What [`filler`] is asked for.
#[derive(Deserialize)]
pub(super) struct Filler {
    bytes: usize,
}

/// `GET /bench/static?bytes=…`: as many bytes, and nothing else done for them. The bench holds the answers of the API
/// against it: faster than this no answer of this size gets out of the same server.
#[handler]
pub(super) fn filler(Query(Filler { bytes }): Query<Filler>) -> Response {
    Response::builder().content_type("text/plain; charset=utf-8").body(vec![b' '; bytes.min(MOST_FILLER)])
}
