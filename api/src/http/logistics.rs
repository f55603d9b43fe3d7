//! What carriers push.

use poem::{
    Body, Request, Response, handler,
    http::{StatusCode, header},
    web::{Data, Path},
};

use super::pushed::{broken, bytes, plain, unread};
use crate::{graphql::Gateway, logistics::webhook, platform::carrier::signature};

/// Largest push.
const LARGEST: usize = 256 * 1024;

/// `POST /webhooks/carrier/:carrier`: a push. It is its own proof; nothing else of the request is believed.
#[handler]
pub(super) async fn push(
    request: &Request,
    body: Body,
    Path(carrier): Path<String>,
    gateway: Data<&Gateway>,
) -> Response {
    let app = gateway.app();
    let bytes = match bytes(request, body, LARGEST, &gateway).await {
        Ok(bytes) => bytes,
        Err(why) => return unread(why),
    };
    let proof = request.headers().get(signature::HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match webhook::receive(app, &carrier, proof, &bytes).await {
        Ok(taken) => {
            let status = StatusCode::from_u16(taken.status).unwrap_or(StatusCode::OK);
            if taken.body.is_empty() {
                return plain(status);
            }
            Response::builder()
                .status(status)
                .header(header::CACHE_CONTROL, "no-store")
                .content_type("application/json")
                .body(taken.body)
        }
        Err(error) => broken("a push of a carrier", &error),
    }
}
