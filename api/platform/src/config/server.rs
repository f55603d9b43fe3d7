//! Settings of what is asked over the network: HTTP, what an operation may cost, how often someone may ask.

use std::{net::SocketAddr, time::Duration};

use ipnet::IpNet;
use serde::Deserialize;

/// HTTP.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described in defaults.toml")]
pub struct Server {
    pub listen: SocketAddr,
    pub public_url: String,
    pub(super) trusted_proxies: String,
    pub body_limit: usize,
    pub bench: bool,
    pub(super) header_timeout: u32,
    pub(super) body_timeout: u32,
    pub connections: usize,
    pub connections_per_address: usize,
    operation_timeout: u64,
    pub operations: usize,
    pub queue: usize,
    pub subscriptions: usize,
    pub(super) websocket_init_timeout: u32,
    pub introspection: Introspection,
    shutdown_grace: u64,
}

/// Who may ask for the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Introspection {
    /// Everyone.
    Open,
    /// Who oversees the zone.
    Staff,
    /// Nobody.
    Off,
}

impl Server {
    /// Longest time for the head of a request.
    pub fn header_timeout(&self) -> Duration {
        Duration::from_secs(self.header_timeout.into())
    }

    /// Longest time for the body of a request.
    pub fn body_timeout(&self) -> Duration {
        Duration::from_secs(self.body_timeout.into())
    }

    /// Longest time until `connection_init`.
    pub fn websocket_init_timeout(&self) -> Duration {
        Duration::from_secs(self.websocket_init_timeout.into())
    }

    /// Longest time of one operation.
    pub fn operation_timeout(&self) -> Duration {
        Duration::from_secs(self.operation_timeout)
    }

    /// Networks of proxies that are believed.
    pub fn trusted_proxies(&self) -> Vec<IpNet> {
        self.trusted_proxies.split(',').filter_map(|net| net.trim().parse().ok()).collect()
    }

    /// Time for open requests after a stop signal.
    pub fn shutdown_grace(&self) -> Duration {
        Duration::from_secs(self.shutdown_grace)
    }
}

/// What one operation may cost.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described in defaults.toml")]
pub struct Budget {
    pub anonymous: u32,
    pub signed_in: u32,
}

/// How often someone may ask: operations a minute, and how many may come at once.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described in defaults.toml")]
pub struct Limits {
    pub enabled: bool,
    pub everything: u32,
    pub everything_burst: u32,
    pub search: u32,
    pub search_burst: u32,
    pub sign_in: u32,
    pub sign_in_burst: u32,
    pub inquiry: u32,
    pub inquiry_burst: u32,
}
