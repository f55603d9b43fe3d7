//! What customs says and asks.

use std::sync::{Arc, Mutex, PoisonError};

use customs::{
    payment_data,
    receiving::{self, LARGEST, Unkept},
};
use futures_util::StreamExt;
use platform::{
    error::Error,
    limits::{Class, of_address},
    vault,
};
use poem::{
    Body, Request, Response, handler,
    http::{StatusCode, header},
    web::Data,
};
use sha2::{Digest, Sha256};

use super::{
    pushed::{self, bytes, headers, plain, too_often, unread},
    request::Unread,
    tokens::caller_address,
};
use crate::graphql::Gateway;

/// Largest inquiry about a payment.
const LARGEST_INQUIRY: usize = 8 * 1024;
/// How much larger a message is in its envelope: base64 twice, and what is around it.
const PACKED: usize = 2;

fn broken(error: &Error) -> Response {
    pushed::broken("a message of customs", error)
}

/// What was heard of a body while it was read: so many bytes, and what they hash to.
#[derive(Default)]
struct Heard {
    bytes: u64,
    hash: Sha256,
}

/// A body that is listened to while it is read: of one that is too large nothing else is known.
fn listened(body: Body) -> (Body, Arc<Mutex<Heard>>) {
    let heard = Arc::new(Mutex::new(Heard::default()));
    let listening = Arc::clone(&heard);
    let parts = body.into_bytes_stream().inspect(move |part| {
        if let Ok(part) = part {
            let mut heard = listening.lock().unwrap_or_else(PoisonError::into_inner);
            heard.bytes = heard.bytes.saturating_add(part.len() as u64);
            heard.hash.update(part);
        }
    });
    (Body::from_bytes_stream(parts), heard)
}

/// What is known of a body that is too large.
fn unkept(request: &Request, heard: &Mutex<Heard>) -> Unkept {
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
    Unkept {
        announced: announced.and_then(|length| length.parse().ok()),
        read: heard.bytes,
        hash: vault::hex(&heard.hash.clone().finalize()),
    }
}

/// `POST /customs/receipts`: a message of customs, in the envelope of the gateway. Whatever is from the gateway is taken and
/// kept, or of what is too large that it came; what is wrong with it is noted there, and sending it again would not help.
#[handler]
pub(super) async fn receipts(request: &Request, body: Body, gateway: Data<&Gateway>) -> Response {
    let app = gateway.app();
    let headers = headers(request);
    if !receiving::admits(app, &headers) {
        return plain(StatusCode::UNAUTHORIZED);
    }
    let (body, heard) = listened(body);
    let bytes = match bytes(request, body, LARGEST * PACKED, &gateway).await {
        Ok(bytes) => bytes,
        Err(Unread::TooLarge) => {
            return match receiving::too_large(app, &headers, &unkept(request, &heard)).await {
                Ok(Some(_)) => plain(StatusCode::PAYLOAD_TOO_LARGE),
                Ok(None) => plain(StatusCode::UNAUTHORIZED),
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
