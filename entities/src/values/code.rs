//! Codes of the trade: GTIN, HS code, country, customs unit, slug.

use std::{fmt, str::FromStr};

use sea_orm::DeriveValueType;
use serde::{Deserialize, Serialize};

use super::{
    refusal::{ErrorCode, Refusal},
    romanise::romanised,
};

/// Declares a code that is a checked string: database column, JSON string, `FromStr`, `Display`.
macro_rules! checked_code {
    ($(#[$doc:meta])* $name:ident, length $length:literal, refused as $code:ident, when not $check:expr $(, kept as $kept:expr)?) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, DeriveValueType)]
        #[sea_orm(value_type = "String")]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The code as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Refusal;
            fn from_str(text: &str) -> Result<Self, Refusal> {
                let check: fn(&str) -> bool = $check;
                // Bounded before anything is copied: the text may be a hostile megabyte.
                let short: String = text.chars().take(100).collect();
                if text.len() <= $length && check(text) {
                    $(let short = $kept(&short);)?
                    Ok(Self(short))
                } else {
                    Err(Refusal::new(ErrorCode::$code).with("value", short))
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = Refusal;
            fn try_from(text: String) -> Result<Self, Refusal> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(code: $name) -> Self {
                code.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

pub(super) use checked_code;

checked_code! {
    /// Global Trade Item Number (全球贸易项目代码), 8, 12, 13 or 14 digits with a GS1 modulo-10 check digit.
    /// The same number may be written with leading zeros; it is kept in its shortest form, so that one
    /// article has one key however it was scanned.
    Gtin, length 14, refused as InvalidGtin, when not |text| {
        matches!(text.len(), 8 | 12 | 13 | 14) && digits(text) && gs1_check_holds(text)
    }, kept as shortest_gtin
}

checked_code! {
    /// Chinese tariff code (海关商品编码), 10 digits: 8 of the tariff and 2 national ones.
    /// Chapters run from 01 to 97; 77 is reserved and holds no goods.
    HsCode, length 10, refused as InvalidHsCode, when not |text| {
        text.len() == 10 && digits(text) && !matches!(&text[..2], "00" | "77" | "98" | "99")
    }
}

checked_code! {
    /// Country or region of origin (原产国), ISO 3166-1 alpha-2.
    CountryCode, length 2, refused as InvalidCountry, when not |text| {
        text.len() == 2 && COUNTRIES.as_bytes().chunks(2).any(|c| c == text.as_bytes())
    }
}

checked_code! {
    /// Unit of measure of the customs code table (海关计量单位), 3 digits: 035 is kilogram, 011 is item.
    CustomsUnit, length 3, refused as InvalidUnit, when not |text| text.len() == 3 && digits(text) && text != "000"
}

checked_code! {
    /// A readable key for addresses: lower-case ASCII letters, digits and single hyphens.
    Slug, length 80, refused as InvalidSlug, when not |text| {
        !text.is_empty() && text.split('-').all(|word| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
    }
}

checked_code! {
    /// Number of an account book of customs (账册号, emsNo), 12 characters: T or L, the four digits of the customs
    /// office, then capitals and digits.
    BookNumber, length 12, refused as InvalidValue, when not |text| {
        text.len() == 12
            && text.is_ascii()
            && text.starts_with(['T', 'L'])
            && digits(&text[1..5])
            && text[5..].bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
    }
}

impl HsCode {
    /// The eight digits of the tariff (税则号列), without the two national ones.
    pub fn tariff_line(&self) -> &str {
        &self.0[..8]
    }

    /// The half-open range of codes that start with `prefix` (2 to 10 digits): an index can walk it
    /// on every database, a LIKE cannot.
    pub fn range(prefix: &str) -> Result<(String, String), Refusal> {
        if !(2..=10).contains(&prefix.len()) || !digits(prefix) {
            return Err(
                Refusal::new(ErrorCode::InvalidHsCode).with("value", prefix.chars().take(100).collect::<String>())
            );
        }
        // ':' is the character after '9', so this is above every code with the prefix and below the next one.
        Ok((prefix.to_owned(), format!("{prefix}:")))
    }
}

impl Slug {
    /// A slug made of any name: Latin letters are folded to ASCII, Chinese to pinyin.
    /// None when nothing readable is left.
    pub fn of(name: &str) -> Option<Self> {
        let mut slug = String::new();
        for c in name.chars().flat_map(|c| romanised(c).into_bytes()) {
            if c.is_ascii_alphanumeric() {
                slug.push(char::from(c.to_ascii_lowercase()));
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
            if slug.len() >= 72 {
                break;
            }
        }
        slug.trim_matches('-').parse().ok()
    }
}

pub(crate) fn digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

/// The shortest of the four lengths that the number fits: leading zeros do not change its check digit.
fn shortest_gtin(code: &str) -> String {
    let number = code.trim_start_matches('0');
    let length = [8, 12, 13].into_iter().find(|l| number.len() <= *l).unwrap_or(14);
    format!("{number:0>length$}")
}

/// GS1 General Specifications 7.9: weights 3, 1, 3, … from the right of the data, modulo 10.
fn gs1_check_holds(code: &str) -> bool {
    let sum: u32 = code
        .bytes()
        .rev()
        .zip([1, 3].into_iter().cycle())
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    sum.is_multiple_of(10)
}

/// ISO 3166-1 alpha-2, assigned codes.
const COUNTRIES: &str = "ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCDCFCGCHCICKCLCMCNCOCRCUCVCWCXCYCZDEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHUIDIEILIMINIOIQIRISITJEJMJOJPKEKGKHKIKMKNKPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNANCNENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSISJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVIVNVUWFWSYEYTZAZMZW";

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of GS1 and of the customs tables that the project works with.
    const VALID_GTINS: [&str; 7] = [
        "6291041500213",
        "4006381333931",
        "036000291452",
        "73513537",
        "10614141000415",
        "4901234567894",
        "6901234567892",
    ];

    #[test]
    fn gtins_with_a_right_check_digit_are_taken() {
        for gtin in VALID_GTINS {
            assert!(gtin.parse::<Gtin>().is_ok(), "{gtin}");
        }
        for gtin in
            ["", "0", "6291041500214", "629104150021", "62910415002130", "６291041500213", "6291041500213 ", "ABCDEFGH"]
        {
            assert!(gtin.parse::<Gtin>().is_err(), "{gtin:?}");
        }
    }

    #[test]
    fn a_gtin_is_one_key_however_long_it_is_written() {
        for (written, kept) in [
            ("09421627501144", "9421627501144"),
            ("9421627501144", "9421627501144"),
            ("0036000291452", "036000291452"),
            ("00000073513537", "73513537"),
            ("10614141000415", "10614141000415"),
        ] {
            assert_eq!(written.parse::<Gtin>().unwrap().as_str(), kept);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_changed_digit_of_a_gtin_is_noticed(which in 0..VALID_GTINS.len(), place in 0..14_usize, by in 1..10_u8) {
            let mut bytes = VALID_GTINS[which].as_bytes().to_vec();
            let place = place % bytes.len();
            bytes[place] = (bytes[place] - b'0' + by) % 10 + b'0';
            let changed = String::from_utf8(bytes).unwrap();
            proptest::prop_assert!(changed.parse::<Gtin>().is_err(), "{}", changed);
        }

        #[test]
        fn a_slug_of_any_name_is_a_slug(name in "\\PC{0,120}") {
            if let Some(slug) = Slug::of(&name) {
                proptest::prop_assert!(slug.as_str().parse::<Slug>().is_ok());
            }
        }
    }

    #[test]
    fn account_books_have_numbers_of_customs() {
        for good in ["L9013B19A008", "T6301W000001"] {
            assert!(good.parse::<BookNumber>().is_ok(), "{good}");
        }
        for bad in ["", "L9013B19A00", "L9013B19A0081", "X9013B19A008", "L901AB19A008", "L9013b19a008", "L9013B19A00账"]
        {
            assert!(bad.parse::<BookNumber>().is_err(), "{bad}");
        }
    }

    #[test]
    fn codes_of_other_shapes_are_refused() {
        for (hs, ok) in [
            ("5701100000", true),
            ("0409000000", true),
            ("7701100000", false),
            ("0001100000", false),
            ("9801100000", false),
            ("570110000", false),
            ("57011000A0", false),
        ] {
            assert_eq!(hs.parse::<HsCode>().is_ok(), ok, "HS code {hs}");
        }
        for (country, ok) in [
            ("CN", true),
            ("NZ", true),
            ("cn", false),
            ("XX", false),
            ("EU", false),
            ("NA", true),
            ("DA", false),
            ("CNN", false),
        ] {
            assert_eq!(country.parse::<CountryCode>().is_ok(), ok, "country {country}");
        }
        for (slug, ok) in [
            ("yak-wool-2", true),
            ("-a", false),
            ("a--b", false),
            ("a-", false),
            ("A", false),
            ("", false),
            ("藏毯", false),
        ] {
            assert_eq!(slug.parse::<Slug>().is_ok(), ok, "slug {slug}");
        }
        assert!("a".repeat(81).parse::<Slug>().is_err());
        assert_eq!(Slug::of("藏毯 «Lotus», 2 × 3 m").unwrap().as_str(), "zang-tan-lotus-2-x-3-m");
        assert_eq!(Slug::of("!!!"), None);
        assert_eq!(HsCode::range("57").unwrap(), ("57".into(), "57:".into()));
        assert!(HsCode::range("5").is_err() && HsCode::range("5x").is_err());
    }
}
