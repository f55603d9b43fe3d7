//! Searches, with both engines: relevance, conformance, how the index follows, and what the schema shows.

mod conformance;
mod engines;
mod following;
mod relevance;
mod searches;
mod standin;
