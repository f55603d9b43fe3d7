//! The operations of the catalog. One function is one transaction, read from top to bottom:
//! load, decide (a pure rule of `entities::catalog`), write, record, commit.

pub mod bulk;
pub mod changes;
pub mod history;
pub mod list;
pub mod offers;
pub mod products;
pub mod vocabulary;
pub mod words;

use entities::values::{ErrorCode, Refusal};
use platform::error::{Error, violates_unique};
use sea_orm::DbErr;

pub(crate) use platform::error::{not_found, stale};

/// What the unique indexes of the catalog refuse, as refusals; other errors stay what they are. `value`:
/// the key that was written.
pub(crate) fn taken(error: Error, value: &str) -> Error {
    let (Error::Internal(cause) | Error::Unavailable(cause)) = &error else { return error };
    let Some(cause) = cause.downcast_ref::<DbErr>() else { return error };
    for (table, columns, field) in [
        ("product", &["slug"][..], "slug"),
        ("variant", &["gtin"], "gtin"),
        ("offer", &["seller_id", "sku"], "sku"),
        ("category", &["slug"], "slug"),
        ("category", &["path"], "slug"),
        ("brand", &["slug"], "slug"),
    ] {
        if violates_unique(cause, table, columns) {
            return Refusal::new(ErrorCode::AlreadyTaken).with("value", value).at(field).into();
        }
    }
    error
}
