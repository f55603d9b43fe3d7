//! Finding what was altered in a file: sums of its blocks, which stand at its end.
//!
//! Where they lie follows from the length of the file alone, so no byte of it is needed to find them. A block whose sum
//! does not fit is tried with every other value of every byte.

use std::{fmt, ops::Range};

use sha2::{Digest, Sha256};

use crate::finance::merkle::sha256;

/// Bytes that one sum is over: few enough to try every byte of them with every value.
const BLOCK: usize = 64;
/// Characters of a sum.
const SUM: usize = 16;
/// What stands between what the sums are over, and them.
const BEFORE: &[u8] = b",\"sums\":\"";
/// What stands after them.
const AFTER: &[u8] = b"\"}";
/// Most blocks that are tried byte by byte: a file of which more is altered was not hit by chance.
const MOST_TRIED: usize = 8;

/// Where a file was altered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which bytes of the file, counted from 0 on: the one, or the block in which they are.
    pub bytes: Range<usize>,
    /// What stands there, when it is one byte.
    pub found: Option<u8>,
    /// What stood there.
    pub expected: Option<u8>,
    /// The field that this is in, as the file reads up to there: `package.docs.2.sha256`.
    pub field: String,
}

impl Place {
    /// The document that this is in, by its place from 0 on.
    pub fn document(&self) -> Option<usize> {
        self.field.strip_prefix("package.docs.")?.split('.').next()?.parse().ok()
    }
}

/// A byte as people read it.
struct Shown(u8);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:02x}", self.0)?;
        if self.0.is_ascii_graphic() { write!(f, " '{}'", char::from(self.0)) } else { Ok(()) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.found, self.expected) {
            (Some(found), Some(expected)) => {
                write!(f, "byte {} is {}, was {}", self.bytes.start, Shown(found), Shown(expected))?;
            }
            _ => write!(f, "something from byte {} up to {} was altered", self.bytes.start, self.bytes.end)?,
        }
        if self.field.is_empty() { Ok(()) } else { write!(f, ", in {}", self.field) }
    }
}

/// The sums of a file whose own are left empty.
pub(super) fn sums(empty: &str) -> String {
    let body = empty.len().saturating_sub(BEFORE.len() + AFTER.len());
    empty.as_bytes().get(..body).unwrap_or_default().chunks(BLOCK).map(sum).collect()
}

/// The sum of a block.
fn sum(block: &[u8]) -> String {
    let mut text = sha256(block);
    text.truncate(SUM);
    text
}

/// Where a file does not fit its sums; and the file as it was, when every byte of that was found.
pub(super) fn altered(bytes: &[u8]) -> (Vec<Place>, Option<Vec<u8>>) {
    match body_length(bytes) {
        Some(body) => replaced(bytes, body),
        None => (resized(bytes).into_iter().collect(), None),
    }
}

/// How long what the sums are over is, by the length of the file: 64 bytes of it have 16 characters of sums. None: a
/// file of this length has no sums, or they are not where they should be.
fn body_length(bytes: &[u8]) -> Option<usize> {
    let summed = bytes.len().checked_sub(BEFORE.len() + AFTER.len())?;
    let blocks = summed.div_ceil(BLOCK + SUM);
    let body = summed.checked_sub(SUM * blocks)?;
    // One byte of what is around the sums may be altered; more than one, and they are elsewhere.
    (body.div_ceil(BLOCK) == blocks && frame(bytes, body).len() <= 1).then_some(body)
}

/// What is altered of what stands around the sums: where, and what should stand there.
fn frame(bytes: &[u8], body: usize) -> Vec<(usize, u8)> {
    let end = bytes.len().saturating_sub(AFTER.len());
    let before = BEFORE.iter().enumerate().map(|(n, expected)| (body + n, *expected));
    let after = AFTER.iter().enumerate().map(|(n, expected)| (end + n, *expected));
    before.chain(after).filter(|(at, expected)| bytes.get(*at) != Some(expected)).collect()
}

/// Everything that does not fit in a file of the right length.
fn replaced(bytes: &[u8], body: usize) -> (Vec<Place>, Option<Vec<u8>>) {
    let mut found = Found { mended: bytes.to_vec(), places: Vec::new(), all: true };
    let mut tried = 0;
    for (n, block) in bytes.get(..body).unwrap_or_default().chunks(BLOCK).enumerate() {
        let (from, of_sum) = (n * BLOCK, body + BEFORE.len() + n * SUM);
        let (stated, computed) = (bytes.get(of_sum..of_sum + SUM).unwrap_or_default(), sum(block));
        let other: Vec<(usize, u8)> =
            computed.bytes().enumerate().filter(|(at, byte)| stated.get(*at) != Some(byte)).collect();
        let exact = match other.as_slice() {
            [] => continue,
            // A block that was altered has another sum, not one that differs in a single character.
            [(at, byte)] => Some((of_sum + at, *byte)),
            _ if tried < MOST_TRIED => {
                tried += 1;
                one_byte(block, stated).map(|(at, byte)| (from + at, byte))
            }
            _ => None,
        };
        if let Some((at, byte)) = exact {
            found.exactly(at, byte);
        } else {
            found.within(from..from + block.len());
        }
    }
    for (at, byte) in frame(bytes, body) {
        found.exactly(at, byte);
    }
    (found.places, found.all.then_some(found.mended))
}

/// What was found so far, and the file with it put back.
struct Found {
    mended: Vec<u8>,
    places: Vec<Place>,
    /// Whether every byte of it is known.
    all: bool,
}

impl Found {
    /// A byte was another one: it is put back.
    fn exactly(&mut self, at: usize, byte: u8) {
        let (field, next) = (field_at(&self.mended, at), at + 1);
        if let Some(here) = self.mended.get_mut(at) {
            self.places.push(Place { bytes: at..next, found: Some(*here), expected: Some(byte), field });
            *here = byte;
        }
    }

    /// Some bytes were others, and nobody knows which. What hangs together is one place.
    fn within(&mut self, bytes: Range<usize>) {
        self.all = false;
        match self.places.last_mut() {
            Some(last) if last.expected.is_none() && last.bytes.end == bytes.start => last.bytes.end = bytes.end,
            _ => {
                let field = field_at(&self.mended, bytes.start);
                self.places.push(Place { bytes, found: None, expected: None, field });
            }
        }
    }
}

/// The one byte of a block that has to be another one for its sum: which, and what it was. None: there is no such byte.
fn one_byte(block: &[u8], stated: &[u8]) -> Option<(usize, u8)> {
    let wanted = u64::from_str_radix(std::str::from_utf8(stated).ok()?, 16).ok()?.to_be_bytes();
    let mut tried = block.to_vec();
    for (at, found) in block.iter().enumerate() {
        for byte in (0..=u8::MAX).filter(|byte| byte != found) {
            *tried.get_mut(at)? = byte;
            if Sha256::digest(&tried).starts_with(&wanted) {
                return Some((at, byte));
            }
        }
        *tried.get_mut(at)? = *found;
    }
    None
}

/// Where a file in which something was put in or left out begins to differ; none: it has no sums to tell.
fn resized(bytes: &[u8]) -> Option<Place> {
    let body = bytes.windows(BEFORE.len()).rposition(|window| window == BEFORE)?;
    let (summed, rest) = (bytes.get(..body)?, bytes.get(body + BEFORE.len()..)?);
    let mut sums = summed.chunks(BLOCK).zip(rest.chunks_exact(SUM));
    let wrong = sums.position(|(block, stated)| sum(block).as_bytes() != stated);
    let altered = if let Some(n) = wrong {
        n * BLOCK..body.min((n + 1) * BLOCK)
    } else {
        // All that is summed is there: it is the end that is another one.
        let sums: String = summed.chunks(BLOCK).map(sum).collect();
        let at = difference(bytes, &[summed, BEFORE, sums.as_bytes(), AFTER].concat())?;
        at..bytes.len()
    };
    let field = field_at(bytes, altered.start);
    Some(Place { bytes: altered, found: None, expected: None, field })
}

/// The first byte in which two texts differ.
pub(super) fn difference(one: &[u8], other: &[u8]) -> Option<usize> {
    let same = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    (same < one.len().max(other.len())).then_some(same)
}

/// The field that a byte is in, as the text reads up to there: `package.docs.2.sha256`.
pub(super) fn field_at(bytes: &[u8], at: usize) -> String {
    /// Of an object the name that was read last, of a list how many entries were.
    enum Within {
        Object(String),
        List(usize),
    }
    let (mut path, mut said): (Vec<Within>, Vec<u8>) = (Vec::new(), Vec::new());
    let (mut quoted, mut escaped, mut naming) = (false, false, false);
    for byte in bytes.iter().take(at).copied() {
        match (quoted, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (true, b'"') => {
                quoted = false;
                if let (true, Some(Within::Object(name))) = (naming, path.last_mut()) {
                    *name = String::from_utf8_lossy(&said).into_owned();
                }
            }
            (true, _) => said.push(byte),
            (false, b'"') => {
                quoted = true;
                said.clear();
            }
            (false, b'{') => {
                path.push(Within::Object(String::new()));
                naming = true;
            }
            (false, b'[') => path.push(Within::List(0)),
            (false, b'}' | b']') => {
                path.pop();
            }
            (false, b':') => naming = false,
            (false, b',') => match path.last_mut() {
                Some(Within::Object(name)) => {
                    name.clear();
                    naming = true;
                }
                Some(Within::List(n)) => *n += 1,
                None => {}
            },
            (false, _) => {}
        }
    }
    let steps = path.into_iter().map(|step| match step {
        Within::Object(name) => name,
        Within::List(n) => n.to_string(),
    });
    steps.filter(|step| !step.is_empty()).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text with its sums, as a file has them.
    fn summed(body: &str) -> Vec<u8> {
        let empty = format!("{body},\"sums\":\"\"}}");
        empty.replace("\"\"}", &format!("\"{}\"}}", sums(&empty))).into_bytes()
    }

    /// So many bytes, of which no two blocks are alike.
    fn body(length: usize) -> String {
        let counted: String = (0..length).map(|n| n.to_string()).collect();
        format!("{{\"a\":\"{}\"", &counted[..length - 7])
    }

    #[test]
    fn sums_are_found_by_the_length_of_a_file() {
        for length in [7, 8, 63, 64, 65, 127, 128, 129, 1_000] {
            let file = summed(&body(length));
            assert_eq!(body_length(&file), Some(length), "{length}");
            assert_eq!(altered(&file), (Vec::new(), Some(file.clone())), "{length}");
        }
        assert_eq!(body_length(b""), None);
        assert_eq!(altered(b"{}"), (Vec::new(), None));
    }

    #[test]
    fn a_sum_is_the_beginning_of_a_sha256() {
        assert_eq!(sum(b""), "e3b0c44298fc1c14");
        assert_eq!(sums(&format!("{},\"sums\":\"\"}}", body(65))).len(), 2 * SUM);
    }

    #[test]
    fn bytes_that_were_altered_together_are_a_place() {
        let file = summed(&body(300));
        let mut other = file.clone();
        // Two in the first block, two in the second, one in the fourth.
        for at in [10, 20, 70, 80, 200] {
            other[at] = b'!';
        }
        let (places, mended) = altered(&other);
        let told: Vec<_> = places.iter().map(|place| (place.bytes.clone(), place.expected)).collect();
        assert_eq!(told, [(0..128, None), (200..201, Some(file[200]))]);
        assert_eq!(mended, None, "what two bytes of a block were, nobody knows");
        // One in each of two blocks, and one of the sum of a third: all of them are known.
        let mut other = file.clone();
        for at in [10, 70, 300 + BEFORE.len() + 3 * SUM + 2] {
            other[at] = b'!';
        }
        let (places, mended) = altered(&other);
        assert_eq!((places.len(), mended), (3, Some(file)));
    }

    #[test]
    fn what_was_put_in_or_left_out_is_looked_for_from_the_first_block_that_does_not_fit() {
        let file = summed(&body(300));
        let cut = &file[..file.len() - 20];
        let mut less = file.clone();
        less.remove(290);
        for (other, from, to, what) in [
            // As many blocks: what is behind it has moved within them.
            ([&file[..150], b"!", &file[150..]].concat(), 128, 301, "a byte more"),
            (less, 256, 299, "a byte less"),
            ([&file[..150], &[b'!'; 30], &file[150..]].concat(), 128, 192, "a block more"),
            ([file.as_slice(), b"\n"].concat(), file.len(), file.len() + 1, "a line feed at the end"),
            (cut.to_vec(), cut.len(), cut.len(), "the end is missing"),
        ] {
            let (places, mended) = altered(&other);
            let told: Vec<_> = places.iter().map(|place| (place.bytes.start, place.bytes.end)).collect();
            assert_eq!((told, mended), (vec![(from, to)], None), "{what}");
        }
    }

    #[test]
    fn a_field_is_named_by_what_is_read_before_it() {
        let text = br#"{"a":[{"b":"x"},{"b":"y\",{","c":[1,[2]]}],"d":{"e":null}}"#;
        for (what, field) in [("x", "a.0.b"), ("y", "a.1.b"), ("1", "a.1.c.0"), ("2", "a.1.c.1.0"), ("null", "d.e")] {
            let at = text.windows(what.len()).position(|window| window == what.as_bytes()).unwrap();
            assert_eq!(field_at(text, at), field, "{what}");
        }
        assert_eq!((field_at(text, 0), field_at(text, text.len())), (String::new(), String::new()));
        let place = |field: &str| Place { bytes: 0..1, found: None, expected: None, field: field.to_owned() };
        assert_eq!(place("package.docs.12.sha256").document(), Some(12));
        assert_eq!(place("package.facts.docs.1").document(), None);
    }
}
