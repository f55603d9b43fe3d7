//! What the promises of the platform are kept in: repeats, jobs, audit, change feed, signing keys.

pub mod audit_entry;
pub mod audit_head;
pub mod feed_entry;
pub mod feed_head;
pub mod idempotent_request;
pub mod job;
pub mod signing_key;

pub use feed_entry::EventKind;
pub use job::JobState;
