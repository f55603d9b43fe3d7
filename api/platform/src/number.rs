//! Numbers of documents that people read out: orders, requests for quotations, receipts.

use chrono::{DateTime, Utc};

use super::{clock::business_day, error::Error, vault};

/// A number of a document: what it is, the business day, and eight letters that are not mistaken for others
/// (`PO20260301ABCD1234`).
pub fn number(prefix: &str, now: DateTime<Utc>) -> Result<String, Error> {
    const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let random = vault::random::<8>()?;
    let letters: String = random.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
    Ok(format!("{prefix}{}{letters}", business_day(now).format("%Y%m%d")))
}
