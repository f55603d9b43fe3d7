//! What a visitor shows at the door (预约码): six characters that say nothing of who it is. They are of the alphabet of
//! the codes of slots, so they are read aloud without mistakes.

use super::scan_code;
use crate::values::{ErrorCode, Refusal};

/// How many characters a code has.
pub const LENGTH: usize = 6;
/// What a code lacks to be as long as that of a slot.
const REST: &str = "000000";

/// A code of thirty random bits.
pub fn of(random: u64) -> String {
    scan_code::of(random).chars().take(LENGTH).collect()
}

/// A code as people type it.
pub fn read(written: &str) -> Result<String, Refusal> {
    let wrong = || Refusal::new(ErrorCode::InvalidValue).with("value", written.chars().take(40).collect::<String>());
    // Longer texts are none, and are not copied.
    if written.len() > 40 {
        return Err(wrong());
    }
    let code = scan_code::read(&format!("{}{REST}", written.trim())).map_err(|_| wrong())?;
    Ok(code.chars().take(LENGTH).collect())
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
        }
    }

    #[test]
    fn what_looks_alike_is_read_as_meant_and_nothing_else_is_a_code() {
        assert_eq!(read("oIl0Zz").unwrap(), "0110ZZ");
        for wrong in ["", "00000", "0000000", "00000U", "00 000", "零00000", &"0".repeat(1_000)] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
