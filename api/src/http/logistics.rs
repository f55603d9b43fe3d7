//! What carriers push, and the bytes of proofs.

use std::sync::Arc;

use poem::{
    Body, Request, Response, handler,
    http::{StatusCode, header},
    web::{Data, Path},
};

use async_graphql::ID;
use entities::values::Locale;
use serde_json::json;
use tokio::sync::Semaphore;

use super::{
    pushed::{broken, bytes, plain, too_often, unread},
    request,
};
use crate::{
    app::Call,
    graphql::Gateway,
    logistics::{ops::proofs, webhook},
    platform::{
        auth::Caller,
        carrier::signature,
        error::Error,
        graphql::decode,
        limits::{Class, of_address},
    },
};

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

/// How many proofs are in memory at the same time: each is of megabytes, twice while it is sealed.
const HANDS: usize = 8;

/// Whoever carries the bytes of a proof has one.
#[derive(Clone, Debug)]
pub(super) struct Hands(Arc<Semaphore>);

impl Default for Hands {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(HANDS)))
    }
}

/// All hands are full: come again.
fn busy() -> Response {
    Response::builder()
        .status(StatusCode::SERVICE_UNAVAILABLE)
        .header(header::CACHE_CONTROL, "no-store")
        .header(header::RETRY_AFTER, 1)
        .finish()
}

/// Who asks, when it may ask so often; or the answer that it gets instead.
async fn caller(request: &Request, gateway: &Gateway) -> Result<Caller, Response> {
    let shown = request::proof(request, gateway);
    let Ok(caller) = gateway.caller(&shown).await else { return Err(plain(StatusCode::UNAUTHORIZED)) };
    if !caller.viewer.signed_in() {
        return Err(plain(StatusCode::UNAUTHORIZED));
    }
    let limits = gateway.app().limits();
    limits.take(Class::Everything, &of_address(caller.address), 1).await.map_err(too_often)?;
    limits.take(Class::Everything, &caller.viewer.subject(), 1).await.map_err(too_often)?;
    Ok(caller)
}

/// A refusal as an answer: what is not there, or not for the caller, is 404.
fn refused(error: &Error) -> Response {
    let Error::Refused(refusals) = error else {
        return match error {
            Error::Unauthenticated => plain(StatusCode::UNAUTHORIZED),
            Error::Forbidden => plain(StatusCode::FORBIDDEN),
            other => broken("the bytes of a proof", other),
        };
    };
    let gone = refusals.iter().any(|refusal| refusal.code == entities::values::ErrorCode::NotFound);
    let told = |refusal: &entities::values::Refusal| json!({ "code": refusal.code, "field": refusal.field, "message": refusal.message(&Locale::en()) });
    let body = json!({ "errors": refusals.iter().map(told).collect::<Vec<_>>() });
    Response::builder()
        .status(if gone { StatusCode::NOT_FOUND } else { StatusCode::UNPROCESSABLE_ENTITY })
        .header(header::CACHE_CONTROL, "no-store")
        .content_type("application/json; charset=utf-8")
        .body(body.to_string())
}

/// `POST /logistics/proofs/:id`: the bytes of a proof that was attached, as they are.
#[handler]
pub(super) async fn keep_proof(
    request: &Request,
    body: Body,
    Path(id): Path<String>,
    gateway: Data<&Gateway>,
    hands: Data<&Hands>,
) -> Response {
    let caller = match caller(request, &gateway).await {
        Ok(caller) => caller,
        Err(answer) => return answer,
    };
    let call = Call::by(caller.viewer);
    let awaited = async { proofs::awaited(gateway.app(), &call, decode(&ID(id), "id")?).await };
    let found = match awaited.await {
        Ok(found) => found,
        Err(error) => return refused(&error),
    };
    let Ok(_hand) = hands.0.0.try_acquire() else { return busy() };
    let size = usize::try_from(found.size).unwrap_or(usize::MAX);
    let bytes = match bytes(request, body, size, &gateway).await {
        Ok(bytes) => bytes,
        Err(why) => return unread(why),
    };
    match proofs::keep(gateway.app(), &call, found.id, bytes).await {
        Ok(_) => plain(StatusCode::NO_CONTENT),
        Err(error) => refused(&error),
    }
}

/// `GET /logistics/proofs/:id`: the bytes of a proof, for whoever sees who took the parcel in.
#[handler]
pub(super) async fn read_proof(
    request: &Request,
    Path(id): Path<String>,
    gateway: Data<&Gateway>,
    hands: Data<&Hands>,
) -> Response {
    let caller = match caller(request, &gateway).await {
        Ok(caller) => caller,
        Err(answer) => return answer,
    };
    let Ok(_hand) = hands.0.0.try_acquire() else { return busy() };
    let read = async { proofs::read(gateway.app(), &caller.viewer, decode(&ID(id), "id")?).await };
    match read.await {
        Ok((row, bytes)) => Response::builder()
            .header(header::CACHE_CONTROL, "private, no-store")
            .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
            // A document may carry a script; here it is only looked at.
            .header(header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox")
            .content_type(&row.media_type)
            .body(bytes),
        Err(error) => refused(&error),
    }
}
