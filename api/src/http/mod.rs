//! HTTP: the only place that knows poem.
//!
//! - `POST /graphql`, `GET /graphql`: [`graphql`]; as server-sent events: [`sse`]
//! - `GET /graphql/ws`: [`websocket`]
//! - `GET /`: `GraphiQL` with example operations, from this server alone: [`pages`]
//! - `GET /media/…`: files of the data folder
//! - `POST /oauth/token`, `GET /.well-known/jwks.json`: tokens of machine clients, and the keys that verify tokens
//! - `POST /webhooks/…`: notifications of payment providers; `/sandbox/pay/…`: the page of the sandbox: [`payments`]
//! - `POST /customs/receipts`: what customs says; `POST /customs/platDataOpen`: what it asks (announcement 179): [`customs`]
//! - `POST /webhooks/carrier/…`: what carriers push; `POST`, `GET /logistics/proofs/…`: the bytes of proofs: [`logistics`]
//! - `POST`, `GET /procurement/files/…`: the bytes of attached files: [`procurement`]; how files come and go: [`files`]
//! - `GET /s/…`: what a slot of a showroom shows: [`scan`]
//! - `GET /healthz`, `GET /readyz`: for whoever keeps the process running
//! - `GET /bench/static`: for the bench, where `server.bench` is on
//!
//! How a request is read is in [`request`], how it is answered in [`response`] and [`negotiate`]; connections are
//! taken by [`server`].

mod customs;
mod files;
mod graphql;
mod logistics;
mod negotiate;
mod pages;
mod payments;
mod procurement;
mod pushed;
mod request;
mod response;
mod scan;
mod server;
mod sse;
mod tokens;
mod websocket;

use std::net::SocketAddr;

use platform::{app::App, error::Error};
use poem::{
    Endpoint, EndpointExt, IntoEndpoint, Response, Route, RouteMethod,
    error::MethodNotAllowedError,
    get,
    http::{Method, StatusCode, header},
    middleware::{CatchPanic, Cors},
    post,
};
use tokio::net::TcpListener;

use self::server::{Bounds, Lasting};
use crate::graphql::Gateway;

/// The routes over `gateway`.
fn routes(gateway: Gateway, lasting: Lasting) -> impl Endpoint {
    let bench = gateway.app().config().server.bench;
    // Tokens travel in a header and there are no cookies, so any site's page may call: it cannot
    // borrow anyone's standing.
    let cors = Cors::new()
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            "accept",
            "accept-language",
            "authorization",
            "cache-control",
            "content-type",
            "if-none-match",
            "x-chama-cost",
            "x-request-id",
        ])
        .expose_headers(["etag", "retry-after", "x-request-id"]);
    let routes = Route::new()
        .at("/graphql", only("GET, HEAD, POST", get(graphql::get).post(graphql::post)))
        .at("/graphql/ws", only("GET", get(websocket::connect)))
        .at("/", get(pages::graphiql))
        .at("/assets/:name", get(pages::asset))
        .at("/media/:name", get(pages::media))
        .at("/s/:code", only("GET, HEAD", get(scan::page)))
        .at("/oauth/token", only("POST", post(tokens::token)))
        .at("/.well-known/jwks.json", get(tokens::keys))
        .at("/webhooks/carrier/:carrier", only("POST", post(logistics::push)))
        .at("/logistics/proofs/:id", only("GET, HEAD, POST", get(logistics::read_proof).post(logistics::keep_proof)))
        .at("/procurement/files/:id", only("GET, HEAD, POST", get(procurement::read_file).post(procurement::keep_file)))
        .at("/webhooks/:provider", only("POST", post(payments::notification)))
        .at("/customs/receipts", only("POST", post(customs::receipts)))
        .at("/customs/platDataOpen", only("POST", post(customs::plat_data_open)))
        .at("/sandbox/pay/:reference", only("GET, HEAD, POST", get(payments::sandbox_page).post(payments::pressed)))
        .at("/healthz", get(pages::healthz))
        .at("/readyz", get(pages::readyz));
    let routes = if bench { routes.at("/bench/static", get(pages::filler)) } else { routes };
    routes.data(gateway).data(lasting).data(files::Hands::default()).with(cors).with(CatchPanic::new()).into_endpoint()
}

/// A route that says what it takes to who asks otherwise (RFC 9110, section 15.5.6).
fn only(allowed: &'static str, route: RouteMethod) -> impl Endpoint + 'static {
    route.catch_error(move |_: MethodNotAllowedError| async move {
        Response::builder().status(StatusCode::METHOD_NOT_ALLOWED).header(header::ALLOW, allowed).finish()
    })
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
    let bounds = Bounds::of(&app.config().server);
    let (lasting, stopping) = server::lasting();
    let routes = routes(Gateway::new(app.clone()), lasting.clone());
    // What other nodes evict is heard for as long as this one serves.
    tokio::select! {
        served = server::run(listener, routes, bounds, lasting, stopping, stop) => served.map_err(Error::internal),
        () = app.responses().listen() => Ok(()),
    }
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
