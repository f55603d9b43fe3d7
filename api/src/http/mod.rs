//! HTTP: the only place that knows poem.
//!
//! - `POST /graphql`, `GET /graphql`: [`graphql`]
//! - `GET /`: `GraphiQL` with example operations, from this server alone: [`pages`]
//! - `GET /media/…`: files of the data folder
//! - `POST /oauth/token`, `GET /.well-known/jwks.json`: tokens of machine clients, and the keys that verify tokens
//! - `GET /healthz`, `GET /readyz`: for whoever keeps the process running

mod graphql;
mod pages;
mod tokens;

use std::net::SocketAddr;

use poem::{
    Endpoint, EndpointExt, IntoEndpoint, Route, Server, get,
    http::Method,
    listener::TcpAcceptor,
    middleware::{CatchPanic, Cors},
    post,
};
use tokio::net::TcpListener;

use crate::{app::App, graphql::Gateway, platform::error::Error};

/// The routes over `app`.
pub fn routes(app: App) -> impl Endpoint {
    let gateway = Gateway::new(app);
    // Tokens travel in a header and there are no cookies, so any site's page may call: it cannot
    // borrow anyone's standing.
    let cors = Cors::new()
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(["accept", "accept-language", "authorization", "content-type", "x-request-id"])
        .expose_headers(["x-request-id"]);
    Route::new()
        .at("/graphql", get(graphql::get).post(graphql::post))
        .at("/", get(pages::graphiql))
        .at("/assets/:name", get(pages::asset))
        .at("/media/:name", get(pages::media))
        .at("/oauth/token", post(tokens::token))
        .at("/.well-known/jwks.json", get(tokens::keys))
        .at("/healthz", get(pages::healthz))
        .at("/readyz", get(pages::readyz))
        .data(gateway)
        .with(cors)
        .with(CatchPanic::new())
        .into_endpoint()
}

/// Opens the address; port 0 takes any free one. Answers with the address that was taken.
pub async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Error> {
    let listener = TcpListener::bind(address).await.map_err(|e| {
        Error::BadInput(format!("cannot listen on {address}: {e}; choose another with --listen or CHAMA_SERVER_LISTEN"))
    })?;
    let address = listener.local_addr().map_err(Error::internal)?;
    Ok((listener, address))
}

/// Serves until `stop` is done; then lets open requests finish within the grace of the settings.
pub async fn serve(app: App, listener: TcpListener, stop: impl Future<Output = ()>) -> Result<(), Error> {
    let grace = app.config().server.shutdown_grace();
    let acceptor = TcpAcceptor::from_tokio(listener).map_err(Error::internal)?;
    Server::new_with_acceptor(acceptor)
        .run_with_graceful_shutdown(routes(app), stop, Some(grace))
        .await
        .map_err(Error::internal)
}

/// Is done when the process is told to stop: Ctrl-C or SIGTERM.
pub async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut terminate) = signal(SignalKind::terminate()) else {
            let _ = interrupt.await;
            return;
        };
        tokio::select! {
            _ = interrupt => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    let _ = interrupt.await;
    tracing::info!("stopping: open requests may finish");
}
