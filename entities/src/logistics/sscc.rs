//! The serial shipping container code (SSCC, 系列货运包装箱代码) by the GS1 General Specifications: an extension digit, the
//! company prefix of who packs, a serial number, a check digit; 18 digits.

/// Length of an SSCC.
pub const LENGTH: usize = 18;

/// The check digit of GS1 keys: weights 3 and 1 from the right, to the next ten.
fn check(body: &[u8]) -> Option<u8> {
    let mut sum: u32 = 0;
    for (n, digit) in body.iter().rev().enumerate() {
        let value = u32::from(digit.checked_sub(b'0').filter(|value| *value < 10)?);
        sum += value * if n % 2 == 0 { 3 } else { 1 };
    }
    u8::try_from((10 - sum % 10) % 10).ok().map(|digit| b'0' + digit)
}

/// Whether it is an SSCC.
pub fn is_sscc(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == LENGTH && bytes.split_last().is_some_and(|(last, body)| check(body) == Some(*last))
}

/// Whether an SSCC is under a company prefix, so that who has the prefix may give the same number to another unit.
pub fn is_under(code: &str, prefix: &str) -> bool {
    code.get(1..).is_some_and(|rest| rest.starts_with(prefix))
}

/// The SSCC of a serial number; none when prefix and number do not fit into it.
pub fn numbered(prefix: &str, serial: u64) -> Option<String> {
    // The extension digit is one more digit of the serial number: it is the one that the packer is free in.
    let room = (LENGTH - 2).checked_sub(prefix.len())?;
    let digits = format!("{serial:0width$}", width = room + 1);
    let (extension, rest) = digits.split_at_checked(1)?;
    let body = format!("{extension}{prefix}{rest}");
    if body.len() != LENGTH - 1 {
        return None;
    }
    check(body.as_bytes()).map(|digit| format!("{body}{}", char::from(digit)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn published_codes_hold_and_any_other_digit_does_not() {
        // GS1's own examples.
        for good in ["106141412345678908", "006141411234567890", "376104250021234569"] {
            assert!(is_sscc(good), "{good}");
            for at in 0..LENGTH {
                let mut wrong = good.as_bytes().to_vec();
                wrong[at] = b'0' + (wrong[at] - b'0' + 1) % 10;
                assert!(!is_sscc(std::str::from_utf8(&wrong).unwrap()), "{good} with another digit at {at}");
            }
        }
        for wrong in ["", "10614141234567890", "1061414123456789080", "10614141234567890X"] {
            assert!(!is_sscc(wrong), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn numbers_become_codes_of_their_own(a in 0_u64..10_000_000_000, b in 0_u64..10_000_000_000) {
            let (first, second) = (numbered("6900000", a).unwrap(), numbered("6900000", b).unwrap());
            prop_assert!(is_sscc(&first));
            prop_assert!(is_under(&first, "6900000") && !is_under(&first, "6900001"));
            prop_assert_eq!(first == second, a == b);
        }

        #[test]
        fn nothing_breaks_it(prefix in "\\PC{0,20}", serial: u64, text in "\\PC{0,30}") {
            let _ = numbered(&prefix, serial).is_some_and(|made| is_sscc(&made));
            is_sscc(&text);
        }
    }
}
