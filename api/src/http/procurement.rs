//! The bytes of what is attached in procurement.

use async_graphql::ID;
use platform::{app::Call, graphql::decode};
use poem::{
    Body, Request, Response, handler,
    http::StatusCode,
    web::{Data, Path},
};
use procurement::ops::files;

use super::{
    files::{Hands, busy, caller, received, refused, shown},
    pushed::plain,
};
use crate::graphql::Gateway;

/// `POST /procurement/files/:id`: the bytes of a file that was attached, as they are.
#[handler]
pub(super) async fn keep_file(
    request: &Request,
    body: Body,
    Path(id): Path<String>,
    gateway: Data<&Gateway>,
    hands: Data<&Hands>,
) -> Response {
    let kept = async {
        let call = Call::by(caller(request, &gateway).await?.viewer);
        let id = decode(&ID(id), "id").map_err(refused)?;
        let found = files::awaited(gateway.app(), &call, id).await.map_err(refused)?;
        let _hand = hands.take(&call.viewer).ok_or_else(busy)?;
        let bytes = received(request, body, found.size, &gateway).await?;
        files::keep(gateway.app(), &call, found.id, bytes).await.map_err(refused)
    };
    kept.await.map_or_else(|answer| answer, |_| plain(StatusCode::NO_CONTENT))
}

/// `GET /procurement/files/:id`: the bytes of a file, for whoever sees what it hangs on.
#[handler]
pub(super) async fn read_file(
    request: &Request,
    Path(id): Path<String>,
    gateway: Data<&Gateway>,
    hands: Data<&Hands>,
) -> Response {
    let read = async {
        let viewer = caller(request, &gateway).await?.viewer;
        let id = decode(&ID(id), "id").map_err(refused)?;
        let _hand = hands.take(&viewer).ok_or_else(busy)?;
        files::read(gateway.app(), &viewer, id).await.map_err(refused)
    };
    read.await.map_or_else(|answer| answer, |(row, bytes)| shown(&row.media_type, bytes))
}
