//! What is printed on a slot (陈列位码): twelve characters that say nothing of what stands there and are read aloud without
//! mistakes. They fit into the scene of a `WeChat` mini-program code (32 characters, digits and letters).

use crate::values::{ErrorCode, Refusal};

/// Crockford's alphabet: without I, L, O and U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// How many characters a code has.
pub const LENGTH: usize = 12;

/// A code of sixty random bits.
pub fn of(random: u64) -> String {
    let digit = |n: usize| char::from(ALPHABET[usize::from(u8::try_from(random >> (5 * n) & 31).unwrap_or(0))]);
    (0..LENGTH).map(digit).collect()
}

/// A code as people type it: in any case, with O for zero, I and L for one.
pub fn read(written: &str) -> Result<String, Refusal> {
    let read = |c: char| match c.to_ascii_uppercase() {
        'O' => Some('0'),
        'I' | 'L' => Some('1'),
        c => u8::try_from(c).ok().filter(|b| ALPHABET.contains(b)).map(char::from),
    };
    let code: Option<String> = written.trim().chars().take(LENGTH + 1).map(read).collect();
    let wrong = || Refusal::new(ErrorCode::InvalidValue).with("value", written.chars().take(40).collect::<String>());
    code.filter(|code| code.len() == LENGTH).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_code_is_read_as_it_was_made(random: u64) {
            let code = of(random);
            prop_assert_eq!(code.len(), LENGTH);
            prop_assert_eq!(&read(&code).unwrap(), &code);
            prop_assert_eq!(&read(&format!(" {} ", code.to_lowercase())).unwrap(), &code);
            prop_assert_eq!(of(random) == of(random ^ (1 << 59)), false);
        }
    }

    #[test]
    fn what_is_mistaken_for_something_else_is_read_as_meant() {
        assert_eq!(read("OiL000000000").unwrap(), "011000000000");
        for wrong in ["", "0", "00000000000U", "0000000000000", "00000000000-", "零00000000000"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
