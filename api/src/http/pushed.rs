//! What providers, customs and carriers push: read, proved by its own content, and answered in a status.

use std::time::Duration;

use platform::error::Error;
use poem::{
    Body, Request, Response,
    http::{StatusCode, header},
};

use super::request::{Unread, read};
use crate::graphql::Gateway;

/// An answer without a body, which nobody keeps.
pub(super) fn plain(status: StatusCode) -> Response {
    Response::builder().status(status).header(header::CACHE_CONTROL, "no-store").finish()
}

/// Why a body was not read, as an answer.
pub(super) fn unread(why: Unread) -> Response {
    plain(match why {
        Unread::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Unread::TooSlow => StatusCode::REQUEST_TIMEOUT,
        Unread::Broken => StatusCode::BAD_REQUEST,
    })
}

/// Who asks too often waits so long.
pub(super) fn too_often(wait: Duration) -> Response {
    // What is left of a second is waited for too.
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    Response::builder()
        .status(StatusCode::TOO_MANY_REQUESTS)
        .header(header::CACHE_CONTROL, "no-store")
        .header(header::RETRY_AFTER, seconds)
        .finish()
}

/// An accident. Whoever sent it sends it again.
pub(super) fn broken(what: &str, error: &Error) -> Response {
    tracing::error!(cause = error.told(), "{what} could not be taken");
    plain(StatusCode::SERVICE_UNAVAILABLE)
}

/// The whole body, of at most `limit` bytes.
pub(super) async fn bytes(request: &Request, body: Body, limit: usize, gateway: &Gateway) -> Result<Vec<u8>, Unread> {
    read(request.headers(), body, limit, gateway.app().config().server.body_timeout()).await
}

/// The headers that are text.
pub(super) fn headers(request: &Request) -> Vec<(String, String)> {
    let all = request.headers().iter();
    all.filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))).collect()
}
