//! What carriers push, and the bytes of proofs.

use async_graphql::ID;
use logistics::{ops::proofs, webhook};
use platform::{app::Call, carrier::signature, graphql::decode};
use poem::{
    Body, Request, Response, handler,
    http::{StatusCode, header},
    web::{Data, Path},
};

use super::{
    files::{Hands, busy, caller, received, refused, shown},
    pushed::{broken, bytes, plain, unread},
};
use crate::graphql::Gateway;

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

/// `POST /logistics/proofs/:id`: the bytes of a proof that was attached, as they are.
#[handler]
pub(super) async fn keep_proof(
    request: &Request,
    body: Body,
    Path(id): Path<String>,
    gateway: Data<&Gateway>,
    hands: Data<&Hands>,
) -> Response {
    let kept = async {
        let call = Call::by(caller(request, &gateway).await?.viewer);
        let id = decode(&ID(id), "id").map_err(refused)?;
        let found = proofs::awaited(gateway.app(), &call, id).await.map_err(refused)?;
        let _hand = hands.take(&call.viewer).ok_or_else(busy)?;
        let bytes = received(request, body, found.size, &gateway).await?;
        proofs::keep(gateway.app(), &call, found.id, bytes).await.map_err(refused)
    };
    kept.await.map_or_else(|answer| answer, |_| plain(StatusCode::NO_CONTENT))
}

/// `GET /logistics/proofs/:id`: the bytes of a proof, for whoever sees who took the parcel in.
#[handler]
pub(super) async fn read_proof(
    request: &Request,
    Path(id): Path<String>,
    gateway: Data<&Gateway>,
    hands: Data<&Hands>,
) -> Response {
    let read = async {
        let viewer = caller(request, &gateway).await?.viewer;
        let id = decode(&ID(id), "id").map_err(refused)?;
        let _hand = hands.take(&viewer).ok_or_else(busy)?;
        proofs::read(gateway.app(), &viewer, id).await.map_err(refused)
    };
    read.await.map_or_else(|answer| answer, |(row, bytes)| shown(&row.media_type, bytes))
}
