//! What every context stands on.
//!
//! - [`clock`]: what time it is, so that a test can say
//! - [`error`]: refusals, denials and accidents, and what of them a client may see
//! - [`db`]: the database on both dialects, and the one way to begin a write
//! - [`meter`]: counts what one request costs
//! - [`page`]: keyset pages and their cursors
//! - [`cache`]: typed, expendable, evicted by generation
//! - [`auth`]: who is behind a token
//! - [`graphql`]: what every part of the schema is made of: ids, pages, errors, scalars
//! - [`telemetry`]: what the log looks like

pub mod auth;
pub mod cache;
pub mod clock;
pub mod db;
pub mod error;
pub mod graphql;
pub mod meter;
pub mod page;
pub mod telemetry;
