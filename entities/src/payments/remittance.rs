//! Numbers of payments (商户订单号), which buyers copy into a bank's form by hand: letters that cannot be taken for digits,
//! and a check character at the end.

use chrono::NaiveDate;

/// No I, L, O, U, Z: they are read and written as 1, 1, 0, V, 2. 31 of them, a prime, so the check character notices
/// every wrong character and every two that changed places.
const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKMNPQRSTVWXY";
const PREFIX: &str = "CM";
/// Characters of chance in a number.
pub const CHANCE: usize = 8;
/// Length of a number: prefix, day, chance, check.
pub const LENGTH: usize = 2 + 6 + CHANCE + 1;

fn value(c: u8) -> Option<usize> {
    ALPHABET.iter().position(|a| *a == c)
}

fn check(body: &[u8]) -> Option<u8> {
    let mut sum = 0;
    for (n, c) in body.iter().enumerate() {
        sum += (n + 1) * value(*c)?;
    }
    ALPHABET.get(sum % ALPHABET.len()).copied()
}

/// A number of a business day; `chance` makes it its own.
pub fn number(day: NaiveDate, chance: [u8; CHANCE]) -> String {
    let mut number = format!("{PREFIX}{}", day.format("%y%m%d"));
    number.extend(chance.iter().map(|b| char::from(ALPHABET[usize::from(*b) % ALPHABET.len()])));
    // All characters are of the alphabet, so there is a check character.
    number.extend(check(number.as_bytes()).map(char::from));
    number
}

/// The numbers in what a payer wrote, whatever stands around or between their characters; at most a few.
pub fn found(text: &str) -> Vec<String> {
    const MOST: usize = 5;
    let plain: Vec<u8> = text
        .chars()
        .take(1_000)
        .filter_map(|c| match c.to_ascii_uppercase() {
            'O' => Some(b'0'),
            'I' | 'L' => Some(b'1'),
            'U' => Some(b'V'),
            'Z' => Some(b'2'),
            c if c.is_ascii_alphanumeric() => u8::try_from(c).ok(),
            _ => None,
        })
        .collect();
    let mut numbers: Vec<String> = Vec::new();
    for window in plain.windows(LENGTH) {
        let good = window.starts_with(PREFIX.as_bytes())
            && window.split_last().is_some_and(|(last, body)| check(body) == Some(*last));
        let text = String::from_utf8_lossy(window).into_owned();
        if good && numbers.len() < MOST && !numbers.contains(&text) {
            numbers.push(text);
        }
    }
    numbers
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn made(chance: [u8; CHANCE]) -> String {
        number(NaiveDate::from_ymd_opt(2026, 3, 1).unwrap(), chance)
    }

    #[test]
    fn a_number_is_found_in_whatever_stands_around_it() {
        let number = made([0, 1, 2, 3, 10, 20, 30, 17]);
        assert_eq!(number.len(), LENGTH);
        let spaced = format!("货款 {} {}-{} 谢谢", &number[..4], &number[4..9].to_lowercase(), &number[9..]);
        for text in [number.clone(), spaced, format!("Inv 7/{number}."), number.replace('0', "O").replace('1', "l")] {
            assert_eq!(found(&text), std::slice::from_ref(&number), "{text}");
        }
        for text in ["", "CM", "货款", "CM2603010000000", &"CM".repeat(400)] {
            assert!(found(text).is_empty(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn one_wrong_character_or_two_that_changed_places_are_noticed(
            chance in prop::array::uniform8(any::<u8>()), at in 2..LENGTH, other in 0..31_usize,
        ) {
            let number = made(chance);
            let mut wrong = number.clone().into_bytes();
            wrong[at] = ALPHABET[other];
            let wrong = String::from_utf8(wrong).unwrap();
            prop_assert_eq!(found(&wrong).is_empty(), wrong != number);
            let mut swapped = number.clone().into_bytes();
            swapped.swap(at - 1, at);
            let swapped = String::from_utf8(swapped).unwrap();
            prop_assert_eq!(found(&swapped).is_empty(), swapped != number);
        }

        #[test]
        fn whatever_a_payer_writes_is_read(text in "\\PC{0,200}") {
            found(&text);
        }
    }
}
