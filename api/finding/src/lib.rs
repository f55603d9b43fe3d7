//! Finding things by words: products, organisations, brands, categories (搜索).
//!
//! - [`ops`]: a search, and what is suggested while somebody types
//! - [`index`]: how the index follows the database, is rebuilt and compared with it
//! - [`graphql`]: both in the schema
//!
//! Invariants:
//! - what may be found at all is decided from the viewer ([`catalog::indexing::visible`]), never by the client;
//!   what is shown of a find is read from the database, through the same eyes;
//! - no search fails because the index does: the database answers in its place, with fewer words' worth of judgement;
//! - what was committed is in the index within a second while a worker runs, and is never lost.

pub mod graphql;
pub mod index;
pub mod ops;
