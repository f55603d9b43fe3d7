//! Tokens of machine clients, and the keys that verify tokens.

use std::net::IpAddr;

use ipnet::IpNet;
use party::ops::machines::{self, Asked, Denied};
use platform::error::Error;
use poem::{
    Body, IntoResponse, Request, Response, handler,
    http::{StatusCode, header},
    web::{Data, Json},
};
use serde_json::{Value, json};

use super::request::{Unread, read};
use crate::graphql::Gateway;

/// Largest body of a token request.
const LARGEST: usize = 16 * 1024;
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// `GET /.well-known/jwks.json`: the public halves of the keys that sign access tokens (RFC 7517).
#[handler]
pub(super) async fn keys(gateway: Data<&Gateway>) -> Response {
    let app = gateway.app();
    match app.gate().key_set(app.db(), app.clock().now()).await {
        Ok(keys) => Json(keys).with_header(header::CACHE_CONTROL, "public, max-age=60").into_response(),
        Err(error) => broken(&error),
    }
}

#[derive(Default)]
struct Form {
    grant_type: Option<String>,
    client_assertion_type: Option<String>,
    client_assertion: Option<String>,
    client_id: Option<String>,
    scope: Option<String>,
}

impl Form {
    /// None when a parameter comes twice (RFC 6749, section 3.2).
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut form = Self::default();
        for (name, value) in url::form_urlencoded::parse(bytes) {
            let field = match &*name {
                "grant_type" => &mut form.grant_type,
                "client_assertion_type" => &mut form.client_assertion_type,
                "client_assertion" => &mut form.client_assertion,
                "client_id" => &mut form.client_id,
                "scope" => &mut form.scope,
                _ => continue,
            };
            if field.replace(value.into_owned()).is_some() {
                return None;
            }
        }
        Some(form)
    }
}

/// `POST /oauth/token`: a token for a machine client, for an assertion that it signed (RFC 6749 section 4.4, RFC 7523).
#[handler]
pub(super) async fn token(request: &Request, body: Body, gateway: Data<&Gateway>) -> Response {
    let bytes = match read(request.headers(), body, LARGEST, gateway.app().config().server.body_timeout()).await {
        Ok(bytes) => bytes,
        Err(Unread::TooLarge) => return refused(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request"),
        Err(Unread::TooSlow) => return refused(StatusCode::REQUEST_TIMEOUT, "invalid_request"),
        Err(Unread::Broken) => return refused(StatusCode::BAD_REQUEST, "invalid_request"),
    };
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|h| h.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let form = kind.eq_ignore_ascii_case("application/x-www-form-urlencoded").then(|| Form::read(&bytes)).flatten();
    let Some(form) = form else { return refused(StatusCode::BAD_REQUEST, "invalid_request") };
    match form.grant_type.as_deref() {
        Some("client_credentials") => {}
        Some(_) => return refused(StatusCode::BAD_REQUEST, "unsupported_grant_type"),
        None => return refused(StatusCode::BAD_REQUEST, "invalid_request"),
    }
    let proof = (form.client_assertion_type.as_deref(), &form.client_assertion);
    let (Some(JWT_BEARER), Some(assertion)) = proof else {
        return refused(StatusCode::UNAUTHORIZED, "invalid_client");
    };
    let address = caller_address(request, &gateway.app().config().server.trusted_proxies());
    let asked = Asked { assertion, client_id: form.client_id.as_deref(), scope: form.scope.as_deref(), address };
    match machines::exchange(gateway.app(), asked).await {
        Ok((access, scopes)) => {
            let left = access.expires_at - gateway.app().clock().now();
            let scope = scopes.iter().map(|s| s.as_str()).collect::<Vec<_>>().join(" ");
            let answer = json!({
                "access_token": access.token, "token_type": "Bearer", "expires_in": left.num_seconds(), "scope": scope,
            });
            written(StatusCode::OK, &answer)
        }
        Err(Denied::InvalidClient) => refused(StatusCode::UNAUTHORIZED, "invalid_client"),
        Err(Denied::InvalidScope) => refused(StatusCode::BAD_REQUEST, "invalid_scope"),
        Err(Denied::Failed(error)) => broken(&error),
    }
}

fn refused(status: StatusCode, code: &str) -> Response {
    written(status, &json!({ "error": code }))
}

fn broken(error: &Error) -> Response {
    tracing::error!(cause = error.told(), "a token request failed");
    let busy = matches!(error, Error::Unavailable(_));
    let status = if busy { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::INTERNAL_SERVER_ERROR };
    refused(status, if busy { "temporarily_unavailable" } else { "server_error" })
}

fn written(status: StatusCode, answer: &Value) -> Response {
    Json(answer).with_status(status).with_header(header::CACHE_CONTROL, "no-store").into_response()
}

/// Where a request comes from: the peer, or what a proxy that is believed says. From the right, each believed proxy
/// vouches for the address before it; the first that is none of ours is the caller.
pub(super) fn caller_address(request: &Request, proxies: &[IpNet]) -> Option<IpAddr> {
    let peer = request.remote_addr().as_socket_addr().map(std::net::SocketAddr::ip)?;
    let forwarded = request.headers().get_all("x-forwarded-for").iter().filter_map(|h| h.to_str().ok());
    let forwarded: Vec<&str> = forwarded.flat_map(|h| h.split(',')).map(str::trim).collect();
    Some(behind(peer, &forwarded, proxies))
}

fn behind(peer: IpAddr, forwarded: &[&str], proxies: &[IpNet]) -> IpAddr {
    let believed = |address: &IpAddr| proxies.iter().any(|net| net.contains(&address.to_canonical()));
    let mut caller = peer;
    for text in forwarded.iter().rev() {
        if !believed(&caller) {
            break;
        }
        // What cannot be read vouches for nothing: the proxy itself is the caller then.
        let Ok(address) = text.parse() else { break };
        caller = address;
    }
    caller
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_believed_proxies_vouch_for_an_address() {
        let proxies: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap()];
        for (peer, forwarded, caller) in [
            ("203.0.113.9", vec!["1.2.3.4"], "203.0.113.9"),
            ("10.0.0.1", vec!["1.2.3.4"], "1.2.3.4"),
            ("10.0.0.1", vec!["6.6.6.6", "1.2.3.4"], "1.2.3.4"),
            ("10.0.0.1", vec!["1.2.3.4", "10.0.0.2"], "1.2.3.4"),
            ("10.0.0.1", vec!["1.2.3.4", "nonsense"], "10.0.0.1"),
            ("10.0.0.1", vec![], "10.0.0.1"),
        ] {
            assert_eq!(behind(peer.parse().unwrap(), &forwarded, &proxies).to_string(), caller, "{peer} {forwarded:?}");
        }
        assert_eq!(behind("10.0.0.1".parse().unwrap(), &["1.2.3.4"], &[]).to_string(), "10.0.0.1");
    }
}
