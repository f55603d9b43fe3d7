//! GraphQL over WebSocket, by the graphql-transport-ws protocol (PROTOCOL.md of graphql-ws).
//!
//! - here: the handshake (RFC 6455, section 4.2)
//! - `message`: what a client may say, and what is no message
//! - `session`: a connection from `connection_init` to its end, with the close codes of the protocol
//! - `operation`: one operation on it
//!
//! Queries, mutations and subscriptions go through the same `Gateway` as over HTTP. A connection has no standing of
//! its own: each operation asks anew what its token is worth.

mod message;
mod operation;
mod session;

use base64::{Engine, prelude::BASE64_STANDARD};
use poem::{
    Request as HttpRequest, Response as HttpResponse, handler,
    http::{HeaderMap, StatusCode, Version, header},
    web::{
        Data,
        headers::{HeaderMapExt, SecWebsocketAccept, SecWebsocketKey},
    },
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::protocol::{Role, WebSocketConfig},
};

use self::session::Opening;
use super::{graphql::locale, request::proof, server::Lasting};
use crate::graphql::Gateway;

/// The protocol that is spoken.
const PROTOCOL: &str = "graphql-transport-ws";
/// Read at once; the library makes room for it at the start of every connection.
const READ_BUFFER: usize = 8 * 1024;

/// `GET /graphql/ws`.
#[handler]
pub(super) async fn connect(request: &HttpRequest, gateway: Data<&Gateway>, lasting: Data<&Lasting>) -> HttpResponse {
    let headers = request.headers();
    let asked = request.version() == Version::HTTP_11
        && lists(headers, header::CONNECTION.as_str(), "upgrade")
        && lists(headers, header::UPGRADE.as_str(), "websocket");
    if !asked || !lists(headers, header::SEC_WEBSOCKET_VERSION.as_str(), "13") {
        return HttpResponse::builder()
            .status(StatusCode::UPGRADE_REQUIRED)
            .header(header::CONNECTION, "upgrade")
            .header(header::UPGRADE, "websocket")
            .header(header::SEC_WEBSOCKET_VERSION, "13")
            .body("this address speaks WebSocket, version 13\n");
    }
    let Some(key) = headers.typed_get::<SecWebsocketKey>().filter(|_| has_key(headers)) else {
        return HttpResponse::builder().status(StatusCode::BAD_REQUEST).body("the handshake has no key\n");
    };
    let Ok(upgrade) = request.take_upgrade() else { return StatusCode::BAD_REQUEST.into() };

    let limit = gateway.app().config().server.body_limit;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        // Each message is written as it comes.
        .write_buffer_size(0)
        .max_message_size(Some(limit))
        .max_frame_size(Some(limit));
    let speaks = lists(headers, header::SEC_WEBSOCKET_PROTOCOL.as_str(), PROTOCOL);
    let (proof, locale) = (proof(request, gateway.0), locale(headers));
    let (opening, lasting) = (Opening { gateway: gateway.0.clone(), proof, locale, speaks }, lasting.0.clone());
    tokio::spawn(async move {
        // The client may be gone before it is answered.
        let Ok(io) = upgrade.await else { return };
        let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
        session::serve(socket, opening, lasting).await;
    });

    let response = HttpResponse::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::CONNECTION, "upgrade")
        .header(header::UPGRADE, "websocket")
        .typed_header(SecWebsocketAccept::from(key));
    // Who did not offer the protocol is told so by a close code, which a handshake that fails cannot carry.
    if speaks { response.header(header::SEC_WEBSOCKET_PROTOCOL, PROTOCOL).finish() } else { response.finish() }
}

/// Whether a header that is a list has this in it.
fn lists(headers: &HeaderMap, name: &str, wanted: &str) -> bool {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|item| item.trim().eq_ignore_ascii_case(wanted))
}

/// Whether the handshake has a key: 16 bytes in base64.
fn has_key(headers: &HeaderMap) -> bool {
    let key = headers.get(header::SEC_WEBSOCKET_KEY).and_then(|key| key.to_str().ok());
    key.and_then(|key| BASE64_STANDARD.decode(key.trim()).ok()).is_some_and(|key| key.len() == 16)
}
