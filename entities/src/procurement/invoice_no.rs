//! Numbers of invoices (发票号码): a digital invoice has twenty digits and no code (数电票), the older one a code and eight
//! digits, and others are written as people write them. One invoice has one number however it was typed.

use sea_orm::entity::prelude::*;

use crate::values::{ErrorCode, Refusal, refusal::given};

/// What sort of an invoice it is (发票种类).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
    async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "SupplierInvoiceKind")]
pub enum InvoiceKind {
    /// A digital invoice: twenty digits and no code (数电票).
    DigitalVat,
    /// An older VAT invoice: a code of ten or twelve digits and a number of eight (增值税发票).
    Vat,
    /// An invoice in UBL 2.1.
    Ubl,
    /// Another one, from abroad for instance (其他).
    Other,
}

/// Longest number.
const LONGEST: usize = 64;

/// The number of an invoice, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    /// The number (发票号码).
    pub no: String,
    /// The code (发票代码).
    pub code: Option<String>,
    /// The check code (校验码).
    pub check_code: Option<String>,
}

/// What was typed, without what makes no difference: forms of full width, raised, circled and Roman numbers, small
/// letters, spaces. This is NFKC for what stands in numbers of invoices; what it leaves as it is and another form would
/// be the same as, no number has (`is_plain`).
pub fn folded(written: &str) -> String {
    let mut narrow = String::with_capacity(written.len());
    for c in written.chars() {
        narrowed(c, &mut narrow);
    }
    narrow.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_uppercase).collect()
}

/// A character as NFKC writes it.
fn narrowed(c: char, into: &mut String) {
    const ROMAN: [&str; 16] =
        ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "L", "C", "D", "M"];
    let code = u32::from(c);
    // So many behind the first of its row, and with the number that the first is.
    let nth = |first: u32, number: u32| (code - first + number).to_string();
    let letter = |n: u32| char::from_u32(u32::from('A') + n % 26).unwrap_or(c);
    match code {
        0xff01..=0xff5e => into.push(char::from_u32(code - 0xfee0).unwrap_or(c)),
        0x3000 => into.push(' '),
        0xb9 => into.push('1'),
        0xb2 | 0xb3 => into.push_str(&nth(0xb2, 2)),
        0x2070 | 0x2074..=0x2079 => into.push_str(&nth(0x2070, 0)),
        0x2080..=0x2089 => into.push_str(&nth(0x2080, 0)),
        0x2160..=0x217f => into.push_str(ROMAN[usize::try_from(code - 0x2160).unwrap_or_default() % ROMAN.len()]),
        0x2460..=0x2473 => into.push_str(&nth(0x2460, 1)),
        0x2474..=0x2487 => into.extend(["(", &nth(0x2474, 1), ")"]),
        0x2488..=0x249b => into.extend([nth(0x2488, 1).as_str(), "."]),
        0x249c..=0x24b5 => into.extend(['(', letter(code - 0x249c), ')']),
        0x24b6..=0x24e9 => into.push(letter(code - 0x24b6)),
        0x24ea => into.push('0'),
        0x3251..=0x325f => into.push_str(&nth(0x3251, 21)),
        0x32b1..=0x32bf => into.push_str(&nth(0x32b1, 36)),
        0x1d400..=0x1d6a3 => into.push(letter((code - 0x1d400) % 52)),
        0x1d7ce..=0x1d7ff => into.push_str(&((code - 0x1d7ce) % 10).to_string()),
        _ => into.push(c),
    }
}

/// Whether a letter or digit is written in one way only: of the letters of the world those that NFKC leaves alone.
fn is_plain(c: char) -> bool {
    // Letters that are two in one.
    let twofold = matches!(c, '\u{132}' | '\u{13f}' | '\u{1c4}'..='\u{1cc}' | '\u{1f1}'..='\u{1f3}');
    let latin = matches!(c, '0'..='9' | 'A'..='Z' | '\u{c0}'..='\u{24f}') && !twofold;
    let chinese = matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}');
    let kana = matches!(c, '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}');
    let cyrillic_or_korean = matches!(c, '\u{400}'..='\u{4ff}' | '\u{ac00}'..='\u{d7a3}');
    (latin || chinese || kana || cyrillic_or_korean) && c.is_alphanumeric()
}

fn refused(written: &str) -> Refusal {
    Refusal::new(ErrorCode::InvalidInvoiceNumber).with("value", written.chars().take(LONGEST).collect::<String>())
}

/// So many digits.
fn digits(written: &str, lengths: &[usize]) -> Result<String, Refusal> {
    let text = folded(written);
    let fits = lengths.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if fits { Ok(text) } else { Err(refused(written)) }
}

/// Reads the number of an invoice of a kind; what is left empty was not given.
pub fn read(kind: InvoiceKind, no: &str, code: Option<&str>, check_code: Option<&str>) -> Result<Number, Refusal> {
    let (code, check_code) = (given(code).map(str::to_owned), given(check_code).map(str::to_owned));
    let no = match kind {
        InvoiceKind::DigitalVat => digits(no, &[20]),
        InvoiceKind::Vat => digits(no, &[8]),
        InvoiceKind::Ubl | InvoiceKind::Other => free(no),
    };
    let no = no.map_err(|refusal| refusal.at("invoiceNo"))?;
    let code = match (kind, code) {
        (InvoiceKind::Vat, None) => return Err(Refusal::new(ErrorCode::Required).at("invoiceCode")),
        (InvoiceKind::Vat, Some(code)) => Some(digits(&code, &[10, 12]).map_err(|refusal| refusal.at("invoiceCode"))?),
        (_, Some(code)) => return Err(refused(&code).at("invoiceCode")),
        (_, None) => None,
    };
    // All of it, or the six digits at its end that a check asks for.
    let check_code = match (kind, check_code) {
        (InvoiceKind::Vat, Some(check)) => Some(digits(&check, &[6, 20]).map_err(|refusal| refusal.at("checkCode"))?),
        (_, Some(check)) => return Err(refused(&check).at("checkCode")),
        (_, None) => None,
    };
    Ok(Number { no, code, check_code })
}

/// A number as whoever wrote the invoice counts: letters, digits and what is put between them.
fn free(written: &str) -> Result<String, Refusal> {
    let text = folded(written);
    let fits = |c: char| is_plain(c) || (c.is_ascii_punctuation() && c != '|');
    let length = text.chars().count();
    if (1..=LONGEST).contains(&length) && text.chars().all(fits) && text.chars().any(is_plain) {
        Ok(text)
    } else {
        Err(refused(written))
    }
}

/// What one invoice of a supplier is known by. Numbers that the tax authority gives out are given out once, and are the
/// same whichever kind they were typed as: the twenty digits of a digital invoice, and the digits of code and number.
/// Others a supplier begins to count anew each year.
pub fn number_key(no: &str, code: Option<&str>, year: i32) -> String {
    let all = format!("{}{no}", code.unwrap_or_default());
    let official = matches!(all.len(), 18 | 20) && all.bytes().all(|b| b.is_ascii_digit());
    if official { all } else { format!("{all}|{year}") }
}

/// Whether a number without a code may be that of an older invoice whose code was left out.
pub fn may_lack_code(no: &str, code: Option<&str>) -> bool {
    code.is_none() && no.len() == 8 && no.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_that_of_its_kind() {
        use InvoiceKind::{DigitalVat, Other, Ubl, Vat};
        let (twenty, eight) = ("25632000000012345678", "00123456");
        for (kind, no, code, expected) in [
            (DigitalVat, twenty, None, Ok((twenty, None))),
            (DigitalVat, "２５６３２０００００００12345678", None, Ok((twenty, None))),
            (DigitalVat, "2563 2000 0000 1234 5678", None, Ok((twenty, None))),
            (DigitalVat, "2563200000001234567", None, Err("invoiceNo")),
            (DigitalVat, "256320000000123456780", None, Err("invoiceNo")),
            (DigitalVat, twenty, Some("1100231130"), Err("invoiceCode")),
            (DigitalVat, twenty, Some("  "), Ok((twenty, None))),
            (Vat, eight, Some("1100231130"), Ok((eight, Some("1100231130")))),
            (Vat, eight, Some("011002300111"), Ok((eight, Some("011002300111")))),
            (Vat, eight, None, Err("invoiceCode")),
            (Vat, eight, Some("11002311301"), Err("invoiceCode")),
            (Vat, "123456", Some("1100231130"), Err("invoiceNo")),
            (Vat, twenty, Some("1100231130"), Err("invoiceNo")),
            (Other, "ＩＮＶ- 2025-0001", None, Ok(("INV-2025-0001", None))),
            (Other, "inv\u{3000}2025/0001", None, Ok(("INV2025/0001", None))),
            (Other, "发票-7", None, Ok(("发票-7", None))),
            (Ubl, "A|B", None, Err("invoiceNo")),
            (Ubl, "  ", None, Err("invoiceNo")),
            (Ubl, "--", None, Err("invoiceNo")),
            (Ubl, "a\u{200b}b", None, Err("invoiceNo")),
            (Ubl, "INV-1", Some("7"), Err("invoiceCode")),
            // One number however it was typed.
            (Other, "INV²⁰₂⑥-①②-Ⅻ", None, Ok(("INV2026-12-XII", None))),
            (Other, "ⅳ/ⓐⒷ/𝟏𝟐𝐀𝓫/⑴", None, Ok(("IV/AB/12AB/(1)", None))),
            (DigitalVat, "2563200000001234567⑧", None, Ok((twenty, None))),
            // What looks like another number, or is written in two ways, is none.
            (Other, "INV-½", None, Err("invoiceNo")),
            (Other, "INV-❶", None, Err("invoiceNo")),
            (Other, "INV-٣", None, Err("invoiceNo")),
            (Other, "ﬁ-1", None, Ok(("FI-1", None))),
            (Other, "é-1", None, Ok(("É-1", None))),
            (Other, "E\u{301}-1", None, Err("invoiceNo")),
        ] {
            let read = read(kind, no, code, None);
            let told = match &read {
                Ok(number) => Ok((number.no.as_str(), number.code.as_deref())),
                Err(refusal) => Err(refusal.field[0].as_str()),
            };
            assert_eq!(told, expected, "{kind:?} {no} {code:?}");
        }
        assert!(free(&"A".repeat(64)).is_ok() && free(&"A".repeat(65)).is_err());
        let checked = |check: &str| read(Vat, eight, Some("1100231130"), Some(check)).map(|number| number.check_code);
        assert_eq!(checked("12345678901234567890").unwrap().as_deref(), Some("12345678901234567890"));
        assert_eq!(checked("567890").unwrap().as_deref(), Some("567890"));
        assert_eq!(checked("56789").unwrap_err().field, ["checkCode"]);
        assert_eq!(read(DigitalVat, twenty, None, Some("567890")).unwrap_err().field, ["checkCode"]);
    }

    #[test]
    fn what_the_tax_authority_numbers_is_one_invoice_of_all_years_and_others_are_one_of_a_year() {
        let twenty = "25632000000012345678";
        assert_eq!(number_key(twenty, None, 2025), number_key(twenty, None, 2026));
        let coded = number_key("00123456", Some("1100231130"), 2026);
        assert_eq!(coded, number_key("110023113000123456", None, 2025), "typed with its code in it");
        assert_ne!(coded, number_key("00123456", Some("1100231131"), 2026));
        let longer = number_key("00123456", Some("011002300111"), 2026);
        assert_eq!(longer, number_key("01100230011100123456", None, 2020));
        assert_ne!(number_key("INV-1", None, 2025), number_key("INV-1", None, 2026));
        assert_ne!(number_key("00123456", None, 2025), number_key("00123456", None, 2026));
        assert!(may_lack_code("00123456", None));
        assert!(!may_lack_code("00123456", Some("1100231130")) && !may_lack_code("123456", None));
    }
}
