//! What carriers push.

use poem::{
    Body, Request, Response, handler,
    http::{StatusCode, header},
    web::{Data, Path},
};

use super::request::{Unread, read};
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
    let answer = Response::builder().header(header::CACHE_CONTROL, "no-store");
    let bytes = match read(request.headers(), body, LARGEST, app.config().server.body_timeout()).await {
        Ok(bytes) => bytes,
        Err(why) => {
            return answer
                .status(match why {
                    Unread::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
                    Unread::TooSlow => StatusCode::REQUEST_TIMEOUT,
                    Unread::Broken => StatusCode::BAD_REQUEST,
                })
                .finish();
        }
    };
    let proof = request.headers().get(signature::HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match webhook::receive(app, &carrier, proof, &bytes).await {
        Ok(taken) => {
            let status = StatusCode::from_u16(taken.status).unwrap_or(StatusCode::OK);
            let answer = answer.status(status);
            if taken.body.is_empty() {
                answer.finish()
            } else {
                answer.content_type("application/json").body(taken.body)
            }
        }
        Err(error) => {
            tracing::error!(cause = error.told(), "a push of a carrier failed");
            // Whoever sent it sends it again.
            answer.status(StatusCode::SERVICE_UNAVAILABLE).finish()
        }
    }
}
