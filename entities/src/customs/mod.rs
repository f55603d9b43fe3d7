//! Customs (海关): the messages that the e-port takes and gives.
//!
//! - [`ceb`]: the unified messages of cross-border e-commerce, written exactly as the schemas of 2022-05 want them, and
//!   read as they really come.

pub mod ceb;
