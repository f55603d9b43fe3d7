//! What every part of the schema is made of. The roots, which know all contexts, are in `crate::graphql`.

pub mod batch;
pub mod connection;
pub mod context;
pub mod errors;
pub mod id;
pub mod scalars;
pub mod text;

pub use batch::Batches;
pub use connection::{Connection, Edge};
pub use context::ContextExt;
pub use errors::UserError;
pub use id::{NodeKind, decode, encode};
pub use scalars::{CurrencyCode, Money, MoneyAmount};
