//! Who someone is: the numbers of persons and of companies, and how to reach them.
//!
//! Numbers of companies are public and are stored, printed and served like every other code. What
//! belongs to a person is not: it has no `Display`, no serde and no column type, its `Debug` is masked
//! and its refusal does not repeat it, so that it reaches a log or a client on purpose only.

use std::{fmt, str::FromStr};

use chrono::NaiveDate;
use sea_orm::DeriveValueType;
use serde::{Deserialize, Serialize};

use super::{
    code::{checked_code, digits},
    refusal::{ErrorCode, Refusal},
};

checked_code! {
    /// Unified social credit code (统一社会信用代码) of GB 32100-2015, 18 characters: the authority, the
    /// kind, six digits of region, the organisation code (GB 11714) and a modulo-31 check character.
    /// Lower-case letters are taken and kept upper-case.
    Uscc, length 18, refused as InvalidUscc, when not |text| uscc_holds(&upper(text)), kept as upper
}

checked_code! {
    /// Organisation code (组织机构代码) of GB 11714, eight digits or upper-case letters and a modulo-11
    /// check character. The standard prints a hyphen before the check character; it is kept without.
    OrganisationCode, length 10, refused as InvalidOrganisationCode, when not |text| {
        organisation_code_holds(&unhyphenated(text))
    }, kept as unhyphenated
}

checked_code! {
    /// Customs registration code (海关注册编码), 10 characters: four digits of the customs division (6301 is
    /// Xining), the economic zone, the kind of company and a serial. The customs give it no check digit.
    CustomsRegistration, length 10, refused as InvalidCustomsRegistration, when not |text| {
        text.len() == 10
            && text.bytes().enumerate().all(|(at, b)| b.is_ascii_digit() || (at >= 4 && b.is_ascii_uppercase()))
    }
}

impl Uscc {
    /// The organisation code within (characters 9 to 17 of GB 32100-2015), without a hyphen.
    pub fn organisation_code(&self) -> &str {
        &self.0[8..17]
    }
}

/// Declares a personal value: read from text, revealed by name only, masked everywhere else.
macro_rules! personal {
    ($(#[$doc:meta])* $name:ident, refused as $code:ident, kept as $kept:expr, masked as $masked:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// The whole value, for where the law or the errand needs it: a declaration, a call, a letter.
            pub fn reveal(&self) -> &str {
                &self.0
            }

            /// Enough to recognise one's own by, as GB/T 35273-2020 section 7.2 wants it shown (去标识化展示).
            pub fn masked(&self) -> String {
                $masked(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = Refusal;
            fn from_str(text: &str) -> Result<Self, Refusal> {
                // Without the value: what a refusal names goes to clients and logs.
                $kept(text).map(Self).ok_or_else(|| Refusal::new(ErrorCode::$code))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.masked())
            }
        }
    };
}

personal! {
    /// Resident identity number (居民身份证号) of GB 11643-1999, 18 characters: six digits of region, the
    /// birth date, a serial that is odd for men, and a check character of ISO 7064 MOD 11-2.
    /// A lower-case x is kept upper-case. The 15 digits of before 1999 are the same person's number
    /// without century and check character; they are kept in the long form.
    ///
    /// Whether the birth date has come yet depends on the day: see [`ResidentId::parse_at`].
    ResidentId, refused as InvalidResidentId, kept as resident_id, masked as masked_resident_id
}

personal! {
    /// Mobile number of mainland China (手机号): 11 digits that start with 13 to 19, as the numbering plan
    /// of the ministry (电信网编号计划) gives them out. A leading +86 or 86 (ITU-T E.164) and spaces or hyphens
    /// between digits are taken; the 11 digits are kept.
    MobileNumber, refused as InvalidMobile, kept as mobile_number, masked as masked_mobile_number
}

personal! {
    /// E-mail address (邮箱), a practical part of RFC 5321: no quoted local parts, no address literals, ASCII.
    /// Kept lower-case: the RFC lets a host tell `A@` from `a@`, but people do not, and one mailbox is one key.
    Email, refused as InvalidEmail, kept as email, masked as masked_email
}

impl ResidentId {
    /// The same as parsing, and the person has been born by `today` (GB 11643-1999: a number is given
    /// to someone who exists).
    pub fn parse_at(text: &str, today: NaiveDate) -> Result<Self, Refusal> {
        let id: Self = text.parse()?;
        if id.born_by(today) { Ok(id) } else { Err(Refusal::new(ErrorCode::InvalidResidentId)) }
    }

    /// The birth date (出生日期), digits 7 to 14 of GB 11643-1999.
    pub fn birth_date(&self) -> NaiveDate {
        // Never the default: a number without a real date is not constructed.
        date_within(&self.0).unwrap_or_default()
    }

    /// True when the birth date is not after `today`.
    pub fn born_by(&self, today: NaiveDate) -> bool {
        self.birth_date() <= today
    }
}

fn upper(text: &str) -> String {
    text.to_ascii_uppercase()
}

/// Σ value × weight over as many characters as there are weights; none when one of them has no value.
fn weighted<const N: usize>(text: &str, weights: [usize; N], value: fn(u8) -> Option<usize>) -> Option<usize> {
    text.bytes().zip(weights).map(|(b, weight)| Some(value(b)? * weight)).sum()
}

/// The digits and letters of GB 32100-2015: I, O, Z, S and V are left out, they look like digits and U.
const USCC_ALPHABET: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";

/// GB 32100-2015: powers of 3 modulo 31, and 1 for the check character, which makes the sum a multiple
/// of 31. The organisation code within has a check character of its own (GB 11714), which this standard does
/// not ask for again: codes that were given out with a wrong one are valid all the same.
fn uscc_holds(text: &str) -> bool {
    const WEIGHTS: [usize; 18] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28, 1];
    let sum = weighted(text, WEIGHTS, |b| USCC_ALPHABET.bytes().position(|known| known == b));
    text.len() == 18 && sum.is_some_and(|s| s.is_multiple_of(31))
}

/// GB 11714: 11 − Σ mod 11, where 10 is written X and 11 is written 0. Letters count from A = 10.
fn organisation_code_holds(code: &str) -> bool {
    let value = |b: u8| char::from(b).to_digit(36).filter(|_| !b.is_ascii_lowercase()).map(|v| v as usize);
    let sum = weighted(code, [3, 7, 9, 10, 5, 8, 4, 2], value);
    code.len() == 9 && sum.is_some_and(|s| code.as_bytes()[8] == b"0X987654321"[s % 11])
}

/// `D2143569-X` as `D2143569X`; a hyphen elsewhere stays, and is refused.
fn unhyphenated(text: &str) -> String {
    match text.split_once('-') {
        Some((body, check)) if body.len() == 8 => format!("{body}{check}"),
        _ => text.to_owned(),
    }
}

/// The number in its long form; none when it is no number of GB 11643.
fn resident_id(text: &str) -> Option<String> {
    let number = match text.len() {
        18 => upper(text),
        15 if digits(text) => {
            let data = format!("{}19{}", &text[..6], &text[6..]);
            let check = resident_check(&data)?;
            format!("{data}{}", char::from(check))
        }
        _ => return None,
    };
    let right = resident_check(&number) == number.bytes().last();
    let province = number.get(..2)?.parse::<u8>().ok()?;
    (right && is_province(province) && date_within(&number).is_some()).then_some(number)
}

/// GB 11643-1999 (ISO 7064 MOD 11-2): the check character of the first 17 digits; none when they are not digits.
fn resident_check(number: &str) -> Option<u8> {
    const WEIGHTS: [usize; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum = weighted(number, WEIGHTS, |b| b.is_ascii_digit().then(|| usize::from(b - b'0')))?;
    Some(b"10X98765432"[sum % 11])
}

/// The first two digits of GB/T 2260: the provinces, 71 Taiwan, 81 Hong Kong, 82 Macao, 83 the residence
/// permits of people from Taiwan, 91 abroad.
fn is_province(code: u8) -> bool {
    matches!(code, 11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 | 81..=83 | 91)
}

/// The date in digits 7 to 14; none when the calendar has no such day.
fn date_within(number: &str) -> Option<NaiveDate> {
    let part = |from: usize, to: usize| number.get(from..to)?.parse::<u32>().ok();
    NaiveDate::from_ymd_opt(i32::try_from(part(6, 10)?).ok()?, part(10, 12)?, part(12, 14)?)
}

/// A person's name as it may be shown: 张三丰 as 张**. The stars end at twenty, so that a long text does not flood a page.
pub fn masked_name(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(String::from).unwrap_or_default();
    first + &"*".repeat(letters.count().clamp(1, 20))
}

/// `6301**********001X`: region and end, not the birth date.
fn masked_resident_id(number: &str) -> String {
    format!("{}{}{}", &number[..4], "*".repeat(10), &number[14..])
}

/// Room for a country code and a separator at every place; what is longer is not looked at.
const LONGEST_MOBILE: usize = 28;

/// The 11 digits; none when they are no mobile number.
fn mobile_number(text: &str) -> Option<String> {
    let separator = |c: char| matches!(c, ' ' | '-');
    if text.len() > LONGEST_MOBILE || text.starts_with(separator) || text.ends_with(separator) {
        return None;
    }
    // No number starts with 86, so taking it away cannot mutilate one.
    let national = text.strip_prefix("+86").or_else(|| text.strip_prefix("86")).unwrap_or(text);
    let number = national.replace(separator, "");
    let holds = number.len() == 11 && digits(&number) && matches!(number.as_bytes(), [b'1', b'3'..=b'9', ..]);
    holds.then_some(number)
}

/// `138****1234`, the form that operators and shops print.
fn masked_mobile_number(number: &str) -> String {
    format!("{}****{}", &number[..3], &number[7..])
}

/// The address in lower case; none when no mail could reach it. Lengths are those of RFC 5321 section
/// 4.5.3.1 (254 is its path of 256 without the angle brackets) and of RFC 1035 for a label.
fn email(text: &str) -> Option<String> {
    // Before anything is looked at: the text may be a hostile megabyte.
    if text.len() > 254 {
        return None;
    }
    let (local, domain) = text.split_once('@')?;
    // The apostrophe is no quote: there are people called O'Brien.
    let local_holds = (1..=64).contains(&local.len())
        && local.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b',' | b'<' | b'>'));
    let domain_holds = domain.contains('.')
        && domain.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        });
    (local_holds && domain_holds).then(|| text.to_ascii_lowercase())
}

/// `a***@example.com`, with three stars however long it is: the length would tell something too.
fn masked_email(address: &str) -> String {
    let (local, domain) = address.split_once('@').unwrap_or_default();
    format!("{}***@{domain}", local.chars().take(1).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first is the standard's own example.
    const VALID_RESIDENTS: [(&str, (i32, u32, u32)); 7] = [
        ("11010519491231002X", (1949, 12, 31)),
        ("440524188001010014", (1880, 1, 1)),
        ("53010219200508011X", (1920, 5, 8)),
        ("63010319900101001X", (1990, 1, 1)),
        ("630103199001010028", (1990, 1, 1)),
        ("630104198503150022", (1985, 3, 15)),
        ("630121199202290030", (1992, 2, 29)),
    ];

    /// The first is the standard's own example.
    const VALID_USCCS: [(&str, &str); 8] = [
        ("91350100M000100Y43", "M000100Y4"),
        ("91440300708461136T", "708461136"),
        ("9144030071526726XG", "71526726X"),
        ("91330100799655058B", "799655058"),
        ("914403001922038216", "192203821"),
        ("91630100MA7520005P", "MA7520005"),
        ("91630104MA75AB121A", "MA75AB121"),
        ("916300007104028808", "710402880"),
    ];

    fn day(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    #[test]
    fn resident_numbers_with_a_right_check_character_are_taken() {
        for (number, (y, m, d)) in VALID_RESIDENTS {
            let id: ResidentId = number.parse().unwrap();
            assert_eq!((id.reveal(), id.birth_date()), (number, day(y, m, d)));
            assert_eq!(number.to_lowercase().parse::<ResidentId>().unwrap(), id, "{number}");
        }
        // Abroad, Taiwan, and the leap day of a century that has one.
        for number in ["911123199001010021", "710105194912310021", "630103200002290020"] {
            assert!(number.parse::<ResidentId>().is_ok(), "{number}");
        }
    }

    #[test]
    fn resident_numbers_that_break_a_rule_are_refused() {
        for (number, why) in [
            ("110105194912310021", "check"),
            ("63010319900101002X", "check"),
            ("630104198503150026", "check"),
            // Their check characters are right.
            ("100105194912310028", "no such province"),
            ("110105194902290029", "no leap year"),
            ("630103190002290024", "no leap year"),
            ("110105194913310021", "no such month"),
            // Without a check character, or of another shape.
            ("110105490229002", "no leap year, old form"),
            ("100105491231002", "no such province, old form"),
            ("11010549123100X", "a letter in the old form"),
            ("1101051949123100X2", "an X inside"),
            ("11010519491231002Y", "another letter"),
            (" 11010519491231002X", "a space before"),
            ("11010519491231002X\n", "a line end"),
            ("1101051949123100２", "a full-width digit"),
            ("11010519491231藏é", "18 bytes that are not 18 characters"),
            ("1101051949123100", "16 digits"),
            ("11010519491231002", "17 digits"),
            ("+10105194912310021", "a sign"),
            ("", "nothing"),
        ] {
            let refusal = number.parse::<ResidentId>().unwrap_err();
            assert_eq!(refusal, Refusal::new(ErrorCode::InvalidResidentId), "{number:?}: {why}");
        }
    }

    #[test]
    fn the_old_form_is_the_same_person() {
        let old: ResidentId = "110105491231002".parse().unwrap();
        assert_eq!(old, "11010519491231002X".parse().unwrap());
    }

    #[test]
    fn nobody_has_a_number_before_birth() {
        let number = "630121199202290030";
        let id: ResidentId = number.parse().unwrap();
        for (today, born) in [(day(1992, 2, 28), false), (day(1992, 2, 29), true), (day(2026, 1, 1), true)] {
            assert_eq!((id.born_by(today), ResidentId::parse_at(number, today).is_ok()), (born, born), "{today}");
        }
        assert!("63010320990101002X".parse::<ResidentId>().is_ok());
        assert_eq!(
            ResidentId::parse_at("63010320990101002X", day(2026, 1, 1)),
            Err(Refusal::new(ErrorCode::InvalidResidentId))
        );
        assert!(ResidentId::parse_at("110105194912310021", day(2026, 1, 1)).is_err(), "still parsed");
    }

    #[test]
    fn credit_codes_hold_an_organisation_code() {
        for (code, organisation) in VALID_USCCS {
            let uscc: Uscc = code.parse().unwrap();
            assert_eq!((uscc.as_str(), uscc.organisation_code()), (code, organisation));
            assert_eq!(code.to_lowercase().parse::<Uscc>().unwrap(), uscc, "kept upper-case");
            assert_eq!(organisation.parse::<OrganisationCode>().unwrap().as_str(), organisation);
        }
        for code in [
            "91350100M000100Y44",
            // Its own check character is right, the one of the organisation code is not.
            "9135O100M000100Y43",
            "91350100M000100Y4",
            "91350100M000100Y430",
            " 91350100M000100Y43",
            "91350100-M000100Y43",
            "91350100M000100藏",
            "",
        ] {
            assert_eq!(code.parse::<Uscc>().unwrap_err().code, ErrorCode::InvalidUscc, "{code:?}");
        }
    }

    #[test]
    fn organisation_codes_are_kept_without_their_hyphen() {
        for (written, kept) in [
            ("D2143569X", "D2143569X"),
            ("D2143569-X", "D2143569X"),
            ("71526726-X", "71526726X"),
            ("71040288-0", "710402880"),
        ] {
            assert_eq!(written.parse::<OrganisationCode>().unwrap().as_str(), kept);
        }
        for code in ["D21435690", "d2143569x", "D214356-9X", "D2143569--X", "D2143569X-", "D2143569", "1234567藏", ""]
        {
            let refusal = code.parse::<OrganisationCode>().unwrap_err();
            assert_eq!(refusal.code, ErrorCode::InvalidOrganisationCode, "{code:?}");
        }
    }

    #[test]
    fn customs_registrations_have_their_shape() {
        for (code, ok) in [
            ("1105910159", true),
            ("610496054V", true),
            ("6104W6003C", true),
            ("610138Z005", true),
            ("6301960001", true),
            ("61O138Z005", false),
            ("610138z005", false),
            ("610138Z00", false),
            ("610138Z0055", false),
            ("610138Z0é", false),
            ("", false),
        ] {
            assert_eq!(code.parse::<CustomsRegistration>().is_ok(), ok, "{code:?}");
        }
    }

    #[test]
    fn mobile_numbers_are_kept_as_eleven_digits() {
        for written in
            ["13812341234", "+8613812341234", "8613812341234", "+86 138-1234-1234", "86-138 1234 1234", "138 1234 1234"]
        {
            assert_eq!(written.parse::<MobileNumber>().unwrap().reveal(), "13812341234", "{written}");
        }
        for written in [
            "12812341234",
            "03812341234",
            "1381234123",
            "138123412345",
            "+85213812341234",
            "+13812341234",
            "+86+8613812341234",
            " 13812341234",
            "13812341234-",
            "138\u{a0}12341234",
            "１3812341234",
            "138.1234.1234",
            "+86",
            "-",
            "",
        ] {
            let refusal = written.parse::<MobileNumber>().unwrap_err();
            assert_eq!(refusal, Refusal::new(ErrorCode::InvalidMobile), "{written:?}");
        }
        assert_eq!("13812341234".parse::<MobileNumber>().unwrap().masked(), "138****1234");
    }

    #[test]
    fn addresses_that_mail_can_reach_are_taken() {
        let long_local = format!("{}@example.com", "a".repeat(64));
        let longest = format!("a@{}.{}.{}.{}", "b".repeat(63), "c".repeat(63), "d".repeat(63), "e".repeat(60));
        assert_eq!(longest.len(), 254);
        for (written, kept) in [
            ("a@example.com", "a@example.com"),
            ("First.Last+Tag@Example.CO.uk", "first.last+tag@example.co.uk"),
            ("o'brien@xn--fiq228c.cn", "o'brien@xn--fiq228c.cn"),
            (&long_local, &long_local),
            (&longest, &longest),
        ] {
            assert_eq!(written.parse::<Email>().unwrap().reveal(), kept);
        }
        let long_local = format!("{}@example.com", "a".repeat(65));
        let longer = format!("a{longest}");
        let long_label = format!("a@{}.com", "b".repeat(64));
        for written in [
            "",
            "@",
            "a",
            "a@",
            "@example.com",
            "a@example",
            "a@@example.com",
            "a@b@example.com",
            "a b@example.com",
            "a\t@example.com",
            "\"a\"@example.com",
            "a,b@example.com",
            "<a@example.com>",
            "a@example.com>",
            "a@.example.com",
            "a@example..com",
            "a@example.com.",
            "a@-example.com",
            "a@example-.com",
            "a@exa_mple.com",
            "a@[127.0.0.1]",
            "a@example.com\r\nBcc: b@example.com",
            "藏@example.com",
            "a@藏.cn",
            &long_local,
            &longer,
            &long_label,
        ] {
            assert_eq!(written.parse::<Email>().unwrap_err(), Refusal::new(ErrorCode::InvalidEmail), "{written:?}");
        }
        assert_eq!("Alice@Example.com".parse::<Email>().unwrap().masked(), "a***@example.com");
    }

    #[test]
    fn personal_values_print_masked_only() {
        /// Two of these would fit a type that prints or serialises itself, and the calls below not compile.
        trait Silent<Way> {
            fn silent() {}
        }
        struct Prints;
        struct Serialises;
        impl<T> Silent<()> for T {}
        impl<T: fmt::Display> Silent<Prints> for T {}
        impl<T: Serialize> Silent<Serialises> for T {}
        <ResidentId as Silent<_>>::silent();
        <MobileNumber as Silent<_>>::silent();
        <Email as Silent<_>>::silent();

        let id: ResidentId = "63010319900101001X".parse().unwrap();
        let mobile: MobileNumber = "13812341234".parse().unwrap();
        let email: Email = "alice@example.com".parse().unwrap();
        assert_eq!(
            format!("{:?}", (id, mobile, Some(email))),
            "(6301**********001X, 138****1234, Some(a***@example.com))"
        );
    }

    #[test]
    fn company_codes_are_checked_on_the_way_from_json() {
        let code: Uscc = serde_json::from_str("\"91350100m000100y43\"").unwrap();
        assert_eq!(serde_json::to_string(&code).unwrap(), "\"91350100M000100Y43\"");
        assert!(serde_json::from_str::<Uscc>("\"91350100M000100Y44\"").is_err());
        assert!(serde_json::from_str::<OrganisationCode>("\"D21435690\"").is_err());
        assert!(serde_json::from_str::<CustomsRegistration>("\"630\"").is_err());
    }

    /// `text` with the character at `place` moved `by` places on in `alphabet`.
    fn changed(text: &str, place: usize, alphabet: &str, by: usize) -> String {
        let mut bytes = text.as_bytes().to_vec();
        let at = alphabet.bytes().position(|b| b == bytes[place]).unwrap();
        bytes[place] = alphabet.as_bytes()[(at + by) % alphabet.len()];
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_masked_name_shows_its_first_letter_only() {
        for (name, masked) in [("张三", "张*"), ("欧阳娜娜", "欧***"), ("李", "李*"), ("Ann", "A**")] {
            assert_eq!(masked_name(name), masked);
        }
    }

    proptest::proptest! {
        // 11 is prime and divides no weight and no difference of two digits: no change can hide.
        #[test]
        fn any_changed_digit_of_a_resident_number_is_noticed(
            which in 0..VALID_RESIDENTS.len(), place in 0..17_usize, by in 1..10_usize
        ) {
            let number = changed(VALID_RESIDENTS[which].0, place, "0123456789", by);
            proptest::prop_assert!(number.parse::<ResidentId>().is_err(), "{}", number);
        }

        #[test]
        fn any_changed_check_character_of_a_resident_number_is_noticed(
            which in 0..VALID_RESIDENTS.len(), by in 1..11_usize
        ) {
            let number = changed(VALID_RESIDENTS[which].0, 17, "0123456789X", by);
            proptest::prop_assert!(number.parse::<ResidentId>().is_err(), "{}", number);
        }

        // 31 is prime and larger than every value: the same.
        #[test]
        fn any_changed_character_of_a_credit_code_is_noticed(
            which in 0..VALID_USCCS.len(), place in 0..18_usize, by in 1..31_usize
        ) {
            let code = changed(VALID_USCCS[which].0, place, USCC_ALPHABET, by);
            proptest::prop_assert!(code.parse::<Uscc>().is_err(), "{}", code);
            proptest::prop_assert!(code.to_lowercase().parse::<Uscc>().is_err(), "{}", code);
        }

        // Digits only: A counts 10 and L counts 21, which is the same modulo 11, so a letter can hide.
        #[test]
        fn any_changed_digit_of_an_organisation_code_is_noticed(
            which in 0..VALID_USCCS.len(), place in 0..8_usize, by in 1..10_usize, check_by in 1..11_usize
        ) {
            let code = VALID_USCCS[which].1;
            if code.as_bytes()[place].is_ascii_digit() {
                let digit = changed(code, place, "0123456789", by);
                proptest::prop_assert!(digit.parse::<OrganisationCode>().is_err(), "{}", digit);
            }
            let check = changed(code, 8, "0123456789X", check_by);
            proptest::prop_assert!(check.parse::<OrganisationCode>().is_err(), "{}", check);
        }

        #[test]
        fn both_forms_of_a_resident_number_are_one_and_print_masked(
            region in "(1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5])[0-9]{4}", days in 0..36_524_u64, serial in 0..1000_u16
        ) {
            let birth = day(1900, 1, 1) + chrono::Days::new(days);
            let old: ResidentId = format!("{region}{}{serial:03}", birth.format("%y%m%d")).parse().unwrap();
            proptest::prop_assert_eq!(old.birth_date(), birth);
            let data = format!("{region}{}{serial:03}", birth.format("%Y%m%d"));
            proptest::prop_assert!(old.reveal().starts_with(&data) && old.reveal().len() == 18);
            proptest::prop_assert_eq!(&old.reveal().parse::<ResidentId>().unwrap(), &old);

            let shown = format!("{old:?}");
            proptest::prop_assert_eq!(&shown, &old.masked());
            proptest::prop_assert_eq!(shown.len(), 18);
            proptest::prop_assert!(!shown.contains(&data[4..14]) && shown[4..14].chars().all(|c| c == '*'));
        }

        #[test]
        fn a_mobile_number_is_one_however_it_is_written_and_prints_masked(
            number in "1[3-9][0-9]{9}", prefix in "(\\+?86[ -]?)?", first in 1..11_usize, gap in "[ -]?"
        ) {
            let written = format!("{prefix}{}{gap}{}", &number[..first], &number[first..]);
            let mobile: MobileNumber = written.parse().unwrap();
            proptest::prop_assert_eq!(mobile.reveal(), &number);
            proptest::prop_assert_eq!(format!("{mobile:?}"), format!("{}****{}", &number[..3], &number[7..]));
        }

        #[test]
        fn any_text_is_taken_or_refused(text in "\\PC{0,30}|[0-9Xx@.藏é+-]{0,20}|[0-9]{13,17}[0-9A-Zé]") {
            let taken = [
                text.parse::<ResidentId>().map(|v| v.reveal().to_owned()),
                text.parse::<Uscc>().map(String::from),
                text.parse::<OrganisationCode>().map(String::from),
                text.parse::<CustomsRegistration>().map(String::from),
                text.parse::<MobileNumber>().map(|v| v.reveal().to_owned()),
                text.parse::<Email>().map(|v| v.reveal().to_owned()),
            ];
            for kept in taken.iter().flatten() {
                proptest::prop_assert!(kept.is_ascii());
            }
        }
    }
}
