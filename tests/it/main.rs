//! One test binary: one link, all tests at once.
//!
//! Every test starts the real server on a port of its own over a database of its own: a copy of a
//! migrated template, SQLite by default, PostgreSQL when `CHAMA_TEST_DATABASE_URL` names a server.

// Tests await helpers that await helpers: their futures lie deeper in one another than the compiler looks by itself.
#![recursion_limit = "256"]
#![expect(unreachable_pub, reason = "a test binary has no public face; `pub` marks what other modules use")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop")]

mod binary;
mod caching;
mod catalog;
mod customs;
mod finance;
mod finding;
mod house;
mod http;
mod inventory;
mod logistics;
mod migrations;
mod ordering;
mod party;
mod payments;
mod permissions;
mod platform;
mod procurement;
mod showroom;
mod support;
mod trade;
mod transport;
mod webhooks;
