//! How customs writes things: countries by its own numbers, money and quantities as decimals, moments of Beijing time
//! without signs between (section 2.2 of the unified specification, 202205).

use chrono::{DateTime, Duration, NaiveDateTime, Utc};
use rust_decimal::{Decimal, prelude::ToPrimitive};

use crate::values::{CountryCode, Currency};

/// Renminbi, the one currency of retail imports (人民币).
pub const CNY: &str = "142";
/// China as a country of dispatch: what leaves a bonded warehouse (中国).
pub const CHINA: &str = "142";
/// What stands for a barcode where there is none.
pub const NO_BARCODE: &str = "无";
/// Digits of a quantity after the point.
const DECIMALS: u32 = 5;

/// Countries by the numbers of customs (国别代码, three digits), as far as the house knows them.
const COUNTRIES: &[(&str, &str)] = &[
    ("AE", "138"),
    ("AM", "338"),
    ("AR", "402"),
    ("AT", "315"),
    ("AU", "601"),
    ("AZ", "339"),
    ("BD", "103"),
    ("BE", "301"),
    ("BG", "316"),
    ("BR", "410"),
    ("BY", "340"),
    ("CA", "501"),
    ("CH", "331"),
    ("CL", "412"),
    ("CN", "142"),
    ("CZ", "352"),
    ("DE", "304"),
    ("DK", "302"),
    ("EE", "334"),
    ("EG", "215"),
    ("ES", "312"),
    ("FI", "318"),
    ("FR", "305"),
    ("GB", "303"),
    ("GE", "337"),
    ("GR", "310"),
    ("HK", "110"),
    ("HR", "351"),
    ("HU", "321"),
    ("ID", "112"),
    ("IE", "306"),
    ("IL", "115"),
    ("IN", "111"),
    ("IR", "113"),
    ("IS", "322"),
    ("IT", "307"),
    ("JP", "116"),
    ("KG", "146"),
    ("KH", "107"),
    ("KR", "133"),
    ("KZ", "145"),
    ("LA", "119"),
    ("LK", "134"),
    ("LT", "336"),
    ("LU", "308"),
    ("LV", "335"),
    ("MM", "106"),
    ("MN", "124"),
    ("MO", "121"),
    ("MX", "429"),
    ("MY", "122"),
    ("NL", "309"),
    ("NO", "326"),
    ("NP", "125"),
    ("NZ", "609"),
    ("PH", "129"),
    ("PK", "127"),
    ("PL", "327"),
    ("PT", "311"),
    ("RO", "328"),
    ("RU", "344"),
    ("SA", "131"),
    ("SE", "330"),
    ("SG", "132"),
    ("SI", "350"),
    ("SK", "353"),
    ("TH", "136"),
    ("TJ", "147"),
    ("TM", "148"),
    ("TR", "137"),
    ("TW", "143"),
    ("UA", "347"),
    ("US", "502"),
    ("UZ", "149"),
    ("VN", "141"),
    ("ZA", "244"),
];

/// A country by customs' number; none: the house does not know it.
pub fn country(code: &CountryCode) -> Option<&'static str> {
    COUNTRIES.iter().find(|(iso, _)| *iso == code.as_str()).map(|(_, number)| *number)
}

/// Currencies by the numbers of customs (币制代码, three digits), as far as the house knows them.
const CURRENCIES: &[(&str, &str)] = &[
    ("AUD", "601"),
    ("CAD", "501"),
    ("CHF", "331"),
    ("CNY", CNY),
    ("EUR", "300"),
    ("GBP", "303"),
    ("HKD", "110"),
    ("JPY", "116"),
    ("KRW", "133"),
    ("MOP", "121"),
    ("NZD", "609"),
    ("RUB", "344"),
    ("SGD", "132"),
    ("THB", "136"),
    ("USD", "502"),
];

/// A currency by customs' number; none: the house does not know it.
pub fn currency(currency: Currency) -> Option<&'static str> {
    CURRENCIES.iter().find(|(iso, _)| *iso == currency.code()).map(|(_, number)| *number)
}

/// An amount of fen in yuan, without needless zeros: `447.31`, `410`.
pub fn yuan(minor: i64) -> String {
    Decimal::new(minor, 2).normalize().to_string()
}

/// An amount in yuan as fen; none: it is no amount, or has parts of a fen.
pub fn fen(text: &str) -> Option<i64> {
    let exact = decimal(text)?.checked_mul(Decimal::ONE_HUNDRED)?;
    exact.is_integer().then(|| exact.to_i64()).flatten()
}

/// A number as the schema knows it: digits, a sign, a point; no powers of ten.
fn decimal(text: &str) -> Option<Decimal> {
    let plain = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+');
    text.trim().bytes().all(plain).then(|| text.trim().parse().ok()).flatten()
}

/// A quantity that is kept in hundred-thousandths, without needless zeros.
pub fn quantity(e5: i64) -> String {
    Decimal::new(e5, DECIMALS).normalize().to_string()
}

/// A quantity in hundred-thousandths; none: it is no number, or has more digits than customs takes.
pub fn e5(text: &str) -> Option<i64> {
    let scaled = decimal(text)?.checked_mul(Decimal::from(10_i64.pow(DECIMALS)))?;
    scaled.is_integer().then(|| scaled.to_i64()).flatten()
}

/// Grams in kilograms.
pub fn kilograms(grams: i64) -> String {
    Decimal::new(grams, 3).normalize().to_string()
}

/// Beijing time, which is eight hours ahead all year.
fn beijing(at: DateTime<Utc>) -> NaiveDateTime {
    (at + Duration::hours(8)).naive_utc()
}

/// A moment to the second, 14 digits.
pub fn moment(at: DateTime<Utc>) -> String {
    beijing(at).format("%Y%m%d%H%M%S").to_string()
}

/// A moment to the millisecond, 17 digits.
pub fn moment_of_receipt(at: DateTime<Utc>) -> String {
    beijing(at).format("%Y%m%d%H%M%S%3f").to_string()
}

/// A day, 8 digits.
pub fn day(at: DateTime<Utc>) -> String {
    beijing(at).format("%Y%m%d").to_string()
}

/// What 14 or 17 digits say; none: they are no moment.
pub fn read_moment(text: &str) -> Option<DateTime<Utc>> {
    let (to_second, rest) = text.split_at_checked(14)?;
    if !text.bytes().all(|byte| byte.is_ascii_digit()) || !matches!(rest.len(), 0 | 3) {
        return None;
    }
    let local = NaiveDateTime::parse_from_str(to_second, "%Y%m%d%H%M%S").ok()?;
    let millis: i64 = if rest.is_empty() { 0 } else { rest.parse().ok()? };
    Some(local.and_utc() - Duration::hours(8) + Duration::milliseconds(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_quantities_are_written_as_customs_writes_them() {
        for (minor, text) in [(0, "0"), (1, "0.01"), (41_000, "410"), (44_731, "447.31"), (10, "0.1")] {
            assert_eq!(yuan(minor), text);
            assert_eq!(fen(text), Some(minor));
        }
        for (text, expected) in [("447.310", Some(44_731)), ("447.311", None), ("", None), ("1e3", None), ("x", None)] {
            assert_eq!(fen(text), expected, "{text}");
        }
        for (kept, text) in [(100_000, "1"), (530_000, "5.3"), (1, "0.00001"), (0, "0")] {
            assert_eq!(quantity(kept), text);
            assert_eq!(e5(text), Some(kept));
        }
        assert_eq!(e5("0.000001"), None);
        assert_eq!(kilograms(5_300), "5.3");
    }

    #[test]
    fn moments_are_beijings() {
        let at = DateTime::parse_from_rfc3339("2025-11-01T01:31:05.654Z").unwrap().to_utc();
        assert_eq!(
            (moment(at), moment_of_receipt(at), day(at)),
            ("20251101093105".into(), "20251101093105654".into(), "20251101".into())
        );
        assert_eq!(read_moment("20251101093105654"), Some(at));
        assert_eq!(read_moment("20251101093105"), Some(at - Duration::milliseconds(654)));
        for nonsense in ["", "2025110109310", "20251301093105", "2025110109310565", "2025110109310565x", "２０"] {
            assert_eq!(read_moment(nonsense), None, "{nonsense}");
        }
        let new_year = DateTime::parse_from_rfc3339("2025-12-31T16:00:00Z").unwrap().to_utc();
        assert_eq!(day(new_year), "20260101", "the year begins with Beijing's midnight");
    }

    #[test]
    fn countries_have_customs_numbers() {
        for (iso, number) in [("JP", "116"), ("CN", "142"), ("US", "502"), ("NZ", "609"), ("GB", "303")] {
            assert_eq!(country(&iso.parse().unwrap()), Some(number));
        }
        let mut numbers: Vec<&str> = COUNTRIES.iter().map(|(_, number)| *number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), COUNTRIES.len(), "two countries have one number");
        assert_eq!(country(&"KP".parse().unwrap()), None);
    }
}
