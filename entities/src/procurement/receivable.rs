//! What an approved invoice is to its supplier: money to come, with its evidence (应收账款及其证据).
//!
//! - What identifies it is one text, however the invoice's number was typed ([`fingerprint_text`]); a keyed hash of it
//!   finds a second one.
//! - Its evidence is written in canonical form (RFC 8785), so that whoever has it comes to the same hash. Amounts and
//!   quantities are texts in it: numbers of JSON are floats to others. Each revision names the one before by its hash,
//!   and that is in what is hashed: a chain nobody changes in the middle.

use std::fmt::Write;

use chrono::{Days, NaiveDate};
use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::invoice_no::folded;
use crate::values::Currency;

/// The form of evidence.
pub const VERSION: &str = "1";

/// What identifies a receivable: seller and debtor by their unified social credit codes, the invoice's number behind
/// its code when it has one, when it was written, and how much it is over.
pub fn fingerprint_text(
    (seller, debtor): (&str, &str),
    (code, number): (Option<&str>, &str),
    issued_on: NaiveDate,
    currency: Currency,
    minor: i64,
) -> String {
    let number = format!("{}{}", folded(code.unwrap_or_default()), folded(number));
    format!("v1|{seller}|{debtor}|{number}|{issued_on}|{}|{minor}", currency.code())
}

/// The day on which an invoice is to be paid.
pub fn due(issued_on: NaiveDate, payment_days: i32) -> NaiveDate {
    let days = Days::new(u64::try_from(payment_days).unwrap_or_default());
    issued_on.checked_add_days(days).unwrap_or(issued_on)
}

/// Seller or debtor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields of the evidence, described in the schema")]
pub struct PartyOf {
    pub id: String,
    pub uscc: Option<String>,
}

/// The invoice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields of the evidence, described in the schema")]
pub struct InvoiceOf {
    pub number: String,
    pub code: Option<String>,
    pub kind: String,
    pub issue_date: String,
    pub due_date: String,
    pub currency: String,
    pub net: String,
    pub tax: String,
    pub total: String,
    pub file_sha256: Option<String>,
    pub lines: String,
    pub lines_sha256: String,
}

/// An order that it is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields of the evidence, described in the schema")]
pub struct OrderOf {
    pub number: String,
    pub revision: String,
    pub sha256: String,
}

/// A line of a receipt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields of the evidence, described in the schema")]
pub struct ReceiptLineOf {
    pub position: String,
    pub delivered: String,
    pub accepted: String,
    pub rejected: String,
}

/// A receipt of such an order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields of the evidence, described in the schema")]
pub struct ReceiptOf {
    pub number: String,
    pub delivery_note: String,
    pub arrived_on: String,
    pub sha256: String,
    pub lines: Vec<ReceiptLineOf>,
}

/// A file that belongs to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields of the evidence, described in the schema")]
pub struct FileOf {
    pub role: String,
    pub sha256: String,
    pub media_type: String,
    pub size: String,
}

/// How it was matched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields of the evidence, described in the schema")]
pub struct MatchOf {
    pub id: String,
    pub sha256: String,
    pub cause: String,
}

/// That it was approved, or let through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields of the evidence, described in the schema")]
pub struct ApprovalOf {
    pub what: String,
    pub at: String,
}

/// What was taken off it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields of the evidence, described in the schema")]
pub struct DebitOf {
    pub number: String,
    pub total: String,
    pub reason: String,
}

/// What a receivable is made of. Who in the buying organisation decided is its own business and not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields of the evidence, described in the schema")]
pub struct Evidence {
    pub version: String,
    pub revision: String,
    pub previous: Option<String>,
    pub seller: PartyOf,
    pub debtor: PartyOf,
    pub invoice: InvoiceOf,
    pub orders: Vec<OrderOf>,
    pub receipts: Vec<ReceiptOf>,
    pub files: Vec<FileOf>,
    pub waybills: Vec<String>,
    pub matched: MatchOf,
    pub approvals: Vec<ApprovalOf>,
    pub debit_notes: Vec<DebitOf>,
}

/// A value in canonical form (RFC 8785): names in order, no space between, numbers as texts.
pub fn canonical(it: &impl Serialize) -> serde_json::Result<String> {
    let mut text = String::new();
    put(&serde_json::to_value(it)?, &mut text)?;
    Ok(text)
}

fn put(value: &Value, into: &mut String) -> serde_json::Result<()> {
    match value {
        Value::Null | Value::Bool(_) => into.push_str(&value.to_string()),
        Value::Number(number) => {
            // Writing into a string cannot fail.
            let _ = write!(into, "\"{number}\"");
        }
        // Escapes are those of RFC 8785: serde writes short ones where there are, and nothing else needlessly.
        Value::String(text) => into.push_str(&serde_json::to_string(text)?),
        Value::Array(all) => {
            into.push('[');
            for (n, one) in all.iter().enumerate() {
                if n > 0 {
                    into.push(',');
                }
                put(one, into)?;
            }
            into.push(']');
        }
        Value::Object(fields) => {
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| name.encode_utf16().collect::<Vec<u16>>());
            into.push('{');
            for (n, (name, one)) in fields.into_iter().enumerate() {
                if n > 0 {
                    into.push(',');
                }
                into.push_str(&serde_json::to_string(name)?);
                into.push(':');
                put(one, into)?;
            }
            into.push('}');
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    fn sha256(text: &str) -> String {
        Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").unwrap();
            hex
        })
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_fingerprint_of_a7() {
        let coded = |code: Option<&str>, number: &str| {
            let parties = ("91630100MA0000001X", "91630100MA0000002Y");
            fingerprint_text(parties, (code, number), day("2025-06-10"), Currency::CNY, 100_000_000)
        };
        let of = |number: &str| coded(None, number);
        let text = of("ＩＮＶ- 2025-0001");
        assert_eq!(text, "v1|91630100MA0000001X|91630100MA0000002Y|INV-2025-0001|2025-06-10|CNY|100000000");
        assert_eq!(sha256(&text), "3d7d33e5ab8581d76d91fc655ccf8358749720eda00eed08c34c9540e2ebea8a");
        assert_eq!(of("inv-2025-0001"), text);
        assert_ne!(of("INV-2025-0002"), text);
        // Invoices of two codes have one number, and one invoice may be typed with its code in it.
        assert_ne!(coded(Some("1100231130"), "00123456"), coded(Some("1100231131"), "00123456"));
        assert_eq!(coded(Some("1100231130"), "00123456"), of("110023113000123456"));
    }

    #[test]
    fn evidence_is_written_in_one_form() {
        let value =
            serde_json::json!({ "b": [1, "2", null, true], "a": { "z": "é", "a": "\"\\\n\u{7}" }, "\u{20ac}": 0 });
        assert_eq!(
            canonical(&value).unwrap(),
            "{\"a\":{\"a\":\"\\\"\\\\\\n\\u0007\",\"z\":\"é\"},\"b\":[\"1\",\"2\",null,true],\"\u{20ac}\":\"0\"}"
        );
        // The hash of an empty one: changed by every change of its form.
        let empty = Evidence { version: VERSION.into(), revision: "1".into(), ..Evidence::default() };
        let empty = canonical(&empty).unwrap();
        assert!(
            empty.starts_with("{\"approvals\":[],\"debitNotes\":[],\"debtor\":{\"id\":\"\",\"uscc\":null}"),
            "{empty}"
        );
        assert!(empty.contains("\"previous\":null,") && empty.contains("\"revision\":\"1\""), "{empty}");
        let again: Evidence = serde_json::from_str(&empty).unwrap();
        assert_eq!(canonical(&again).unwrap(), empty, "what was written is read otherwise");
    }

    #[test]
    fn an_invoice_is_due_so_many_days_after_it_was_written() {
        for (issued, days, expected) in
            [("2026-03-01", 30, "2026-03-31"), ("2026-03-01", 0, "2026-03-01"), ("2024-02-28", 2, "2024-03-01")]
        {
            assert_eq!(due(day(issued), days), day(expected), "{issued} and {days} days");
        }
        assert_eq!(due(day("2026-03-01"), -5), day("2026-03-01"));
    }
}
