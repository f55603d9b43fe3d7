//! Webhooks out (回调): telling partners what happened, by the Standard Webhooks specification.
//!
//! Invariants: an event goes to an endpoint as one delivery, however often the job that makes it runs; every
//! attempt is logged; what is sent is signed; an endpoint in a private network is never called, and no
//! redirect is followed.
//!
//! ```text
//! a change ── Told job ──> one delivery for each endpoint that wants the event
//!                              └── Deliver job ──> attempts: at once, 5 s, 5 min, 30 min, 2 h … 24 h
//! ```
//!
//! An endpoint that failed [`jobs::TRIPS`] times in a row is left alone for a while (the circuit is open), then
//! one delivery tries it. An endpoint that answers 410 is switched off.
//!
//! - [`ops`]: endpoints, their secrets, the delivery log
//! - [`jobs`]: what is sent, and when again

pub mod graphql;
pub mod jobs;
pub mod loaders;
pub mod ops;
