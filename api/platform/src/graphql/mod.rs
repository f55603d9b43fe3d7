//! What every part of the schema is made of. The roots, which know all contexts, are in `api::graphql`.

pub mod batch;
pub mod connection;
pub mod consignee;
pub mod context;
pub mod errors;
pub mod id;
pub mod scalars;
pub mod text;

pub use batch::Batches;
pub use connection::{Connection, Edge};
pub use consignee::RevealedConsignee;
pub use context::ContextExt;
pub use errors::UserError;
pub use id::{NodeKind, decode, decode_all, encode};
pub use scalars::{CurrencyCode, Money, MoneyAmount, MoneyInput};

use super::error::Error;

/// Most values of one list in a filter.
const MAX_CHOICES: usize = 100;

/// Distinct values, in a number that a statement can carry.
pub fn bounded<T: PartialEq>(values: Vec<T>) -> Result<Vec<T>, Error> {
    if values.len() > MAX_CHOICES {
        return Err(Error::BadInput(format!("a list in a filter has at most {MAX_CHOICES} values")));
    }
    let mut distinct = Vec::with_capacity(values.len());
    for value in values {
        if !distinct.contains(&value) {
            distinct.push(value);
        }
    }
    Ok(distinct)
}
