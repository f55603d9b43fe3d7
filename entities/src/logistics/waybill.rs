//! Waybill numbers (运单号). Carriers make their own; the simulator makes them as post offices do (UPU standard S10): a
//! service, eight digits, a check digit, the country.

/// Longest number of a carrier.
pub const LONGEST: usize = 40;
/// Serial numbers of S10 begin anew after this.
pub const MOST: i64 = 100_000_000;

const WEIGHTS: [u32; 8] = [8, 6, 4, 2, 3, 5, 9, 7];

/// The check digit of eight digits by S10.
fn check(digits: &[u8]) -> Option<u8> {
    if digits.len() != WEIGHTS.len() {
        return None;
    }
    let mut sum = 0;
    for (digit, weight) in digits.iter().zip(WEIGHTS) {
        sum += u32::from(digit.checked_sub(b'0').filter(|value| *value < 10)?) * weight;
    }
    let value = match 11 - sum % 11 {
        10 => 0,
        11 => 5,
        other => other,
    };
    u8::try_from(value).ok().map(|digit| b'0' + digit)
}

/// The number of a serial number.
pub fn numbered(serial: i64) -> String {
    let digits = format!("{:08}", serial.rem_euclid(MOST));
    let check = check(digits.as_bytes()).map_or('0', char::from);
    format!("CX{digits}{check}CN")
}

/// A carrier's number as it is kept: letters, digits and hyphens, in capitals. None: it is no such number.
pub fn read(text: &str) -> Option<String> {
    let text = text.trim();
    let fits = (4..=LONGEST).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    fits.then(|| text.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Whether it is such a number.
    fn is_s10(text: &str) -> bool {
        let bytes = text.as_bytes();
        bytes.len() == 13
            && bytes[..2].iter().chain(&bytes[11..]).all(u8::is_ascii_uppercase)
            && check(&bytes[2..10]) == Some(bytes[10])
    }

    #[test]
    fn the_standards_own_example_holds() {
        assert!(is_s10("RR473124829CN"));
        for wrong in ["RR473124820CN", "RR473124829C1", "rr473124829CN", "RR47312482", "RR4731248290CN", "", "包裹"] {
            assert!(!is_s10(wrong), "{wrong}");
        }
        assert_eq!(read(" sf-1234 ").as_deref(), Some("SF-1234"));
        for wrong in ["", "abc", "a b c d", "运单1234", &"1".repeat(41)] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn numbers_have_their_check_digit(serial in 0..MOST) {
            prop_assert!(is_s10(&numbered(serial)));
        }
    }
}
