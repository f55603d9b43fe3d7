//! What looks like an invoice that was brought before (相似发票): flags for a person to look at. Nothing is stopped by
//! them; what is the same invoice is stopped by its fingerprint
//! ([`fingerprint_text`](crate::procurement::receivable::fingerprint_text)).

use std::collections::HashSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::{procurement::invoice_no::folded, values::Currency};

/// Within so many days two invoices over one amount look alike (A7).
pub const NEAR_DAYS: i64 = 3;

/// In what an invoice looks like another one (相似标记).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, async_graphql::Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "InvoiceSimilarity")]
pub enum Similarity {
    /// The same two parties and the same amount within a few days (同一买卖双方、同一金额、日期相近).
    SameAmountNearby,
    /// The same number, and something else of it is another: its amount, its day (号码相同、金额或日期不同).
    SameNumber,
    /// The same two parties, and a number that differs in one character (号码仅差一字).
    NumberOneApart,
    /// It names a waybill that the other one names (运单重复使用).
    SameWaybill,
}

/// An invoice, as far as it is held against others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looks<'a> {
    /// Who is to be paid, by its unified social credit code.
    pub seller: &'a str,
    /// Who is to pay, likewise.
    pub debtor: &'a str,
    /// The code, where the invoice has one.
    pub code: Option<&'a str>,
    /// The number, as it was typed.
    pub number: &'a str,
    /// When it was written.
    pub issued_on: NaiveDate,
    /// In which currency.
    pub currency: Currency,
    /// How much it is over, in minor units.
    pub minor: i64,
    /// The waybills that it names.
    pub waybills: &'a [String],
}

impl Looks<'_> {
    /// The number behind its code, as the fingerprint has it.
    fn known_by(&self) -> String {
        format!("{}{}", folded(self.code.unwrap_or_default()), folded(self.number))
    }
}

/// A number that the tax authority gave out: one invoice of all sellers has it.
fn is_official(known_by: &str) -> bool {
    matches!(known_by.len(), 18 | 20) && known_by.bytes().all(|b| b.is_ascii_digit())
}

/// Whether two texts differ in one character: another one, one more or one less.
fn one_apart(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let same = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
    let (mut one, mut other) = (one.into_iter().skip(same).rev(), other.into_iter().skip(same).rev());
    // What is left ends alike but for the one character.
    let (long, short) = (one.len().max(other.len()), one.len().min(other.len()));
    if long == 0 || long - short > 1 {
        return false;
    }
    (0..long - 1).all(|_| one.next() == other.next())
}

/// All in which two invoices look alike, in the order of the list. The same invoice twice looks alike, too.
pub fn alike(one: &Looks<'_>, other: &Looks<'_>) -> Vec<Similarity> {
    let seller = one.seller == other.seller;
    let parties = seller && one.debtor == other.debtor;
    let amount = (one.currency, one.minor) == (other.currency, other.minor);
    let apart = one.issued_on.signed_duration_since(other.issued_on).num_days().abs();
    let (number, other_number) = (one.known_by(), other.known_by());
    let same_number = number == other_number && (seller || is_official(&number));
    let named: HashSet<String> = one.waybills.iter().map(|waybill| folded(waybill)).collect();
    let waybill = other.waybills.iter().map(|waybill| folded(waybill)).any(|no| !no.is_empty() && named.contains(&no));
    [
        (parties && amount && apart <= NEAR_DAYS, Similarity::SameAmountNearby),
        (same_number && !(parties && amount && apart == 0), Similarity::SameNumber),
        (parties && one_apart(&number, &other_number), Similarity::NumberOneApart),
        (waybill, Similarity::SameWaybill),
    ]
    .into_iter()
    .filter_map(|(holds, flag)| holds.then_some(flag))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SELLER: &str = "91630100MA0000001X";
    const DEBTOR: &str = "91630100MA0000002Y";

    fn invoice(number: &'static str) -> Looks<'static> {
        Looks {
            seller: SELLER,
            debtor: DEBTOR,
            code: None,
            number,
            issued_on: NaiveDate::from_ymd_opt(2025, 6, 10).unwrap(),
            currency: Currency::CNY,
            minor: 100_000_000,
            waybills: &[],
        }
    }

    #[test]
    fn two_invoices_look_alike_in_amount_number_and_waybill() {
        use Similarity::{NumberOneApart, SameAmountNearby, SameNumber, SameWaybill};
        let day = |text: &str| -> NaiveDate { text.parse().unwrap() };
        let first = invoice("INV-2025-0001");
        let far = Looks { minor: 5, issued_on: day("2025-01-01"), ..invoice("X-7") };
        let (sf, yt) = (["SF 123".to_owned()], ["YT9".to_owned(), "ｓｆ123".to_owned(), String::new()]);
        for (one, other, expected) in [
            (first, invoice("ZZ-9"), vec![SameAmountNearby]),
            (first, Looks { issued_on: day("2025-06-13"), ..invoice("ZZ-9") }, vec![SameAmountNearby]),
            (first, Looks { issued_on: day("2025-06-07"), ..invoice("ZZ-9") }, vec![SameAmountNearby]),
            (first, Looks { issued_on: day("2025-06-14"), ..invoice("ZZ-9") }, vec![]),
            (first, Looks { debtor: "B", ..invoice("ZZ-9") }, vec![]),
            (first, Looks { seller: "B", ..invoice("ZZ-9") }, vec![]),
            (first, Looks { minor: 99, ..invoice("ZZ-9") }, vec![]),
            (first, Looks { currency: "USD".parse().unwrap(), ..invoice("ZZ-9") }, vec![]),
            // One number, however it was typed.
            (first, Looks { minor: 99, ..invoice("ＩＮＶ- 2025-0001") }, vec![SameNumber]),
            (first, Looks { issued_on: day("2025-09-10"), ..invoice("inv-2025-0001") }, vec![SameNumber]),
            (first, Looks { seller: "B", minor: 99, ..invoice("INV-2025-0001") }, vec![]),
            (first, invoice("INV-2025-0001"), vec![SameAmountNearby]),
            (first, Looks { minor: 99, ..invoice("INV-2025-001") }, vec![NumberOneApart]),
            (first, invoice("INV-2025-0002"), vec![SameAmountNearby, NumberOneApart]),
            (first, Looks { debtor: "B", ..invoice("INV-2025-0002") }, vec![]),
            (Looks { waybills: &sf, ..first }, Looks { waybills: &yt, ..far }, vec![SameWaybill]),
            (Looks { waybills: &yt[2..], ..first }, Looks { waybills: &yt[2..], ..far }, vec![]),
        ] {
            assert_eq!(alike(&one, &other), expected, "{one:?} {other:?}");
            assert_eq!(alike(&other, &one), expected, "the other way round: {one:?} {other:?}");
        }
    }

    #[test]
    fn a_number_of_the_tax_authority_is_one_of_all_sellers_with_its_code_or_in_one_piece() {
        let coded = Looks { code: Some("1100231130"), ..invoice("00123456") };
        let whole = Looks { seller: "B", minor: 1, ..invoice("110023113000123456") };
        assert_eq!(alike(&coded, &whole), [Similarity::SameNumber]);
        let other = Looks { code: Some("1100231199"), seller: "B", minor: 1, ..invoice("00123456") };
        assert!(alike(&coded, &other).is_empty(), "another code is another invoice");
    }

    #[test]
    fn numbers_are_one_apart_by_one_character_more_less_or_other() {
        for (one, other, expected) in [
            ("INV-1", "INV-2", true),
            ("INV-1", "INV-12", true),
            ("INV-1", "NV-1", true),
            ("INV-11", "INV-1", true),
            ("A", "", true),
            ("发票-7", "发标-7", true),
            ("INV-1", "INV-1", false),
            ("", "", false),
            ("INV-1", "INV-23", false),
            ("AB", "BA", false),
            ("INV-1", "INV-123", false),
            ("ABC", "BCD", false),
        ] {
            assert_eq!(one_apart(one, other), expected, "{one} {other}");
            assert_eq!(one_apart(other, one), expected, "{other} {one}");
        }
    }

    proptest::proptest! {
        #[test]
        fn one_edit_is_one_apart(text in "[AB0-9]{1,12}", at in 0..12_usize, put in "[CD]") {
            let at = at % text.len();
            let (before, after) = text.split_at(at);
            let (more, other) = (format!("{before}{put}{after}"), format!("{before}{put}{}", &after[1..]));
            proptest::prop_assert!(one_apart(&text, &more) && one_apart(&more, &text) && one_apart(&text, &other));
            let longer = format!("{put}{more}{put}");
            proptest::prop_assert!(!one_apart(&text, &longer));
        }
    }
}
