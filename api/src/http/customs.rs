//! What customs says and asks.

use poem::{
    Body, Request, Response, handler,
    http::{StatusCode, header},
    web::Data,
};

use super::request::{Unread, read};
use crate::{
    customs::{
        payment_data,
        receiving::{self, LARGEST},
    },
    graphql::Gateway,
    platform::error::Error,
};

/// Largest inquiry about a payment.
const LARGEST_INQUIRY: usize = 8 * 1024;
/// How much larger a message is in its envelope: base64 twice, and what is around it.
const PACKED: usize = 2;

fn plain(status: StatusCode) -> Response {
    Response::builder().status(status).header(header::CACHE_CONTROL, "no-store").finish()
}

fn broken(error: &Error) -> Response {
    tracing::error!(cause = error.told(), "a message of customs could not be taken");
    // Whoever sent it sends it again.
    plain(StatusCode::SERVICE_UNAVAILABLE)
}

/// `POST /customs/receipts`: a message of customs, in the envelope of the gateway. Whatever is from the gateway is taken and
/// kept; what is wrong with it is noted there, and sending it again would not help.
#[handler]
pub(super) async fn receipts(request: &Request, body: Body, gateway: Data<&Gateway>) -> Response {
    let app = gateway.app();
    let headers: Vec<(String, String)> = request
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect();
    let bytes = match read(request.headers(), body, LARGEST * PACKED, app.config().server.body_timeout()).await {
        Ok(bytes) => bytes,
        Err(Unread::TooLarge) => {
            return match receiving::too_large(app, &headers).await {
                Ok(_) => plain(StatusCode::PAYLOAD_TOO_LARGE),
                Err(error) => broken(&error),
            };
        }
        Err(Unread::TooSlow) => return plain(StatusCode::REQUEST_TIMEOUT),
        Err(Unread::Broken) => return plain(StatusCode::BAD_REQUEST),
    };
    match receiving::pushed(app, &headers, &bytes).await {
        Ok(Some(_)) => Response::builder().header(header::CACHE_CONTROL, "no-store").body("OK"),
        Ok(None) => plain(StatusCode::UNAUTHORIZED),
        Err(error) => broken(&error),
    }
}

/// `POST /customs/platDataOpen`: what customs asks about a payment, as the form field `openReq`.
#[handler]
pub(super) async fn plat_data_open(request: &Request, body: Body, gateway: Data<&Gateway>) -> Response {
    let app = gateway.app();
    let bytes = match read(request.headers(), body, LARGEST_INQUIRY, app.config().server.body_timeout()).await {
        Ok(bytes) => bytes,
        Err(Unread::TooLarge) => return plain(StatusCode::PAYLOAD_TOO_LARGE),
        Err(Unread::TooSlow) => return plain(StatusCode::REQUEST_TIMEOUT),
        Err(Unread::Broken) => return plain(StatusCode::BAD_REQUEST),
    };
    let asked = url::form_urlencoded::parse(&bytes).find(|(name, _)| name == "openReq").map(|(_, value)| value);
    match payment_data::asked(app, &asked.unwrap_or_default()).await {
        Ok(answer) => Response::builder()
            .header(header::CACHE_CONTROL, "no-store")
            .content_type("application/json; charset=utf-8")
            .body(serde_json::to_string(&answer).unwrap_or_default()),
        Err(error) => broken(&error),
    }
}
