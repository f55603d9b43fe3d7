//! What customs says and asks.

use poem::{
    Body, Request, Response, handler,
    http::{StatusCode, header},
    web::Data,
};

use super::{
    pushed::{self, bytes, headers, plain, too_often, unread},
    request::Unread,
    tokens::caller_address,
};
use crate::{
    customs::{
        payment_data,
        receiving::{self, LARGEST},
    },
    graphql::Gateway,
    platform::{
        error::Error,
        limits::{Class, of_address},
    },
};

/// Largest inquiry about a payment.
const LARGEST_INQUIRY: usize = 8 * 1024;
/// How much larger a message is in its envelope: base64 twice, and what is around it.
const PACKED: usize = 2;

fn broken(error: &Error) -> Response {
    pushed::broken("a message of customs", error)
}

/// `POST /customs/receipts`: a message of customs, in the envelope of the gateway. Whatever is from the gateway is taken and
/// kept; what is wrong with it is noted there, and sending it again would not help.
#[handler]
pub(super) async fn receipts(request: &Request, body: Body, gateway: Data<&Gateway>) -> Response {
    let app = gateway.app();
    let headers = headers(request);
    if !receiving::admits(app, &headers) {
        return plain(StatusCode::UNAUTHORIZED);
    }
    let bytes = match bytes(request, body, LARGEST * PACKED, &gateway).await {
        Ok(bytes) => bytes,
        Err(Unread::TooLarge) => {
            return match receiving::too_large(app, &headers).await {
                Ok(_) => plain(StatusCode::PAYLOAD_TOO_LARGE),
                Err(error) => broken(&error),
            };
        }
        Err(why) => return unread(why),
    };
    match receiving::pushed(app, &headers, &bytes).await {
        Ok(Some(_)) => Response::builder().header(header::CACHE_CONTROL, "no-store").body("OK"),
        Ok(None) => plain(StatusCode::UNAUTHORIZED),
        Err(error) => broken(&error),
    }
}

/// `POST /customs/platDataOpen`: what customs asks about a payment, as the form field `openReq`. It proves nothing of who
/// asks: each address may ask so often.
#[handler]
pub(super) async fn plat_data_open(request: &Request, body: Body, gateway: Data<&Gateway>) -> Response {
    let app = gateway.app();
    let address = caller_address(request, &app.config().server.trusted_proxies());
    if let Err(wait) = app.limits().take(Class::Inquiry, &of_address(address), 1).await {
        return too_often(wait);
    }
    let bytes = match bytes(request, body, LARGEST_INQUIRY, &gateway).await {
        Ok(bytes) => bytes,
        Err(why) => return unread(why),
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
