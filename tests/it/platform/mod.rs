//! The promises of the platform.

mod audit;
mod feed;
mod jobs;
mod repeats;
