//! What every context stands on.
//!
//! - [`config`]: settings; it knows nothing else of this crate. [`app`]: the one struct that holds everything, and
//!   [`Work`](app::Work), in which every change is carried out; of the others only the context of resolvers knows it
//! - [`clock`]: what time it is, so that a test can say
//! - [`error`]: refusals, denials and accidents, and what of them a client may see
//! - [`db`]: the database on both dialects, and the one way to begin a write; [`guarded`]: locks, and guarded changes
//!   of many rows
//! - [`meter`]: counts what one request costs; [`abandoned`]: stops the SQL of what nobody waits for any more
//! - [`limits`]: how often someone may ask
//! - [`page`]: keyset pages and their cursors; [`number`]: numbers of documents
//! - [`cache`]: numbers, evicted by generation; [`responses`]: finished answers, evicted by what they are made of;
//!   [`shared`]: the Redis behind both and behind the limits
//! - [`auth`]: who is behind a token
//! - [`vault`]: what is kept encrypted, and how it is found again
//! - [`jobs`]: what happens after a change, at least once and in order
//! - [`audit`]: who did what, chained
//! - [`feed`]: what happened, readable without a gap; [`gathered`]: rows that are written together
//! - [`web`]: calling the outside world; [`wechat`]: the mini-program's login; [`payment`]: payment providers;
//!   [`customs`]: the way to customs; [`xmlsig`]: signatures of its messages; [`carrier`]: carriers
//! - [`attached`]: files whose bytes come after their hash; [`pdf`]: pages to print
//! - [`reconcile`]: what does not add up
//! - [`graphql`]: what every part of the schema is made of: ids, pages, errors, scalars
//! - [`telemetry`]: what the log looks like

pub mod abandoned;
pub mod app;
pub mod attached;
pub mod audit;
pub mod auth;
pub mod cache;
pub mod carrier;
pub mod clock;
pub mod config;
pub mod customs;
pub mod db;
pub mod error;
pub mod feed;
pub mod gathered;
pub mod graphql;
pub mod guarded;
pub mod jobs;
pub mod limits;
pub mod meter;
pub mod number;
pub mod page;
pub mod payment;
pub mod pdf;
pub mod reconcile;
pub mod responses;
pub mod shared;
pub mod telemetry;
pub mod vault;
pub mod web;
pub mod wechat;
pub mod xmlsig;
