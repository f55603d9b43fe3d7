//! The catalog over the real schema.

mod bulk;
mod import;
mod list;
mod offers;
mod products;
mod statements;
mod tally;
mod vocabulary;
