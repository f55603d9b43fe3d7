//! Merkle trees and hash chains (默克尔树、哈希链): one hash that stands for many, and a short proof that one of them is in it.
//!
//! - The tree is that of RFC 6962, section 2.1: a leaf is hashed behind a byte 00 and an inner node behind 01, so that
//!   no node passes for a leaf; the left half is as large as the largest power of two that leaves something for the
//!   right.
//! - The chain is that of the audit: `h_n = SHA256(h_{n-1} || SHA256(body))`, and begins at 32 zero bytes ([`link`]).

use std::fmt::Write;

use sha2::{Digest, Sha256};

pub use crate::platform::audit_entry::{Hash, link};

/// What a chain begins with.
pub const START: Hash = [0; 32];

/// Bytes in hex, in small letters.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// A hash that was written in hex, in small letters; none: it is none.
pub fn unhex(text: &str) -> Option<Hash> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut digits = text.bytes().map(digit);
    let mut hash = START;
    for byte in &mut hash {
        *byte = (digits.next()?? << 4) | digits.next()??;
    }
    digits.next().is_none().then_some(hash)
}

/// SHA-256 of bytes, in hex.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The end of a chain over bodies in canonical form.
pub fn chain<'a>(bodies: impl IntoIterator<Item = &'a str>) -> Hash {
    bodies.into_iter().fold(START, |previous, body| link(&previous, body))
}

/// The hash of a leaf.
pub fn leaf(data: &[u8]) -> Hash {
    Sha256::new().chain_update([0_u8]).chain_update(data).finalize().into()
}

/// The hash of a node over two.
fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1_u8]).chain_update(left).chain_update(right).finalize().into()
}

/// How many of so many leaves are on the left: the largest power of two below them. There are at least two.
fn left_of(leaves: usize) -> usize {
    leaves.next_power_of_two() / 2
}

/// The root over the hashes of leaves; of none it is the hash of nothing.
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Sha256::digest(b"").into(),
        [one] => *one,
        _ => {
            let (left, right) = leaves.split_at(left_of(leaves.len()));
            node(&root(left), &root(right))
        }
    }
}

/// What proves that a leaf is in the tree, from the leaf up (RFC 6962, section 2.1.1); none: there is no such leaf.
pub fn proof(leaves: &[Hash], index: usize) -> Option<Vec<Hash>> {
    if index >= leaves.len() {
        return None;
    }
    if leaves.len() == 1 {
        return Some(Vec::new());
    }
    let half = left_of(leaves.len());
    let (left, right) = leaves.split_at(half);
    let (mut path, beside) = match index.checked_sub(half) {
        None => (proof(left, index)?, root(right)),
        Some(within) => (proof(right, within)?, root(left)),
    };
    path.push(beside);
    Some(path)
}

/// The root that a proof leads to from the hash of a leaf at its place among so many; none: it is no proof for that
/// place.
fn climbed(leaf: &Hash, index: usize, leaves: usize, path: &[Hash]) -> Option<Hash> {
    if index >= leaves {
        return None;
    }
    if leaves == 1 {
        return path.is_empty().then_some(*leaf);
    }
    let (beside, below) = path.split_last()?;
    let half = left_of(leaves);
    Some(match index.checked_sub(half) {
        None => node(&climbed(leaf, index, half, below)?, beside),
        Some(within) => node(beside, &climbed(leaf, within, leaves - half, below)?),
    })
}

/// Whether a proof holds: the hash of a leaf is at this place among so many under the root.
pub fn proves(root: &Hash, leaf: &Hash, index: usize, leaves: usize, path: &[Hash]) -> bool {
    climbed(leaf, index, leaves, path).as_ref() == Some(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(of: &[&str]) -> Vec<Hash> {
        of.iter().map(|text| leaf(text.as_bytes())).collect()
    }

    #[test]
    fn the_tree_of_the_vector_v2() {
        let all = leaves(&["a", "b", "c"]);
        assert_eq!(hex(&all[0]), "022a6979e6dab7aa5ae4c3e5e45f7e977112a7e63593820dbec1ec738a24f93c");
        assert_eq!(hex(&root(&all)), "36642e73c2540ab121e3a6bf9545b0a24982cd830eb13d3cd19de3ce6c021ec1");
        // c stands alone on the right, so it is proved by what is on the left.
        assert_eq!(proof(&all, 2).unwrap(), [node(&all[0], &all[1])]);
        assert_eq!(proof(&all, 0).unwrap(), [all[1], all[2]]);
        assert_eq!(proof(&all, 3), None);
    }

    #[test]
    fn the_chain_of_the_vector_v3() {
        let (first, second) = (r#"{"seq":1,"type":"RECEIVABLE_CREATED"}"#, r#"{"seq":2,"type":"DEBTOR_CONFIRMED"}"#);
        assert_eq!(hex(&chain([first])), "c8d91ebf5d91f2a8adc47a9185a0e676dcef54eecae8cbcb99ff2850f8bbc65e");
        assert_eq!(hex(&chain([first, second])), "ebe5ff45eef27b268cd1683bd1c22a18dee64843ba504ebe1dbfe3a39d3090a5");
        assert_ne!(chain([second, first]), chain([first, second]));
        assert_eq!(chain([]), START);
    }

    #[test]
    fn a_tree_of_nothing_is_the_hash_of_nothing_and_one_of_one_is_its_leaf() {
        assert_eq!(hex(&root(&[])), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(root(&leaves(&["a"])), leaf(b"a"));
        // A leaf that reads like a node is another one.
        let two = leaves(&["a", "b"]);
        let node_like = [two[0].as_slice(), two[1].as_slice()].concat();
        assert_ne!(leaf(&node_like), root(&two));
    }

    #[test]
    fn the_left_half_is_the_largest_power_of_two() {
        for (leaves, left) in [(2, 1), (3, 2), (4, 2), (5, 4), (7, 4), (8, 4), (9, 8), (1_000, 512)] {
            assert_eq!(left_of(leaves), left, "of {leaves}");
        }
    }

    #[test]
    fn a_hash_is_64_small_hexadecimal_digits() {
        let hash = leaf(b"a");
        let text = hex(&hash);
        assert_eq!(unhex(&text), Some(hash));
        for wrong in ["", &text[1..], &format!("{text}0"), &text.to_uppercase(), &text.replace('0', "g")] {
            assert_eq!(unhex(wrong), None, "{wrong}");
        }
        assert_eq!(sha256(b""), hex(&root(&[])));
    }

    proptest::proptest! {
        #[test]
        fn every_leaf_is_proved_at_its_place_and_nothing_else_is(
            size in 1..40_usize, at in 0..40_usize, bit in 0..256_usize
        ) {
            let all: Vec<Hash> = (0..size).map(|n| leaf(n.to_string().as_bytes())).collect();
            let (at, whole) = (at % size, root(&all));
            let path = proof(&all, at).unwrap();
            proptest::prop_assert!(proves(&whole, &all[at], at, size, &path));
            let flipped = |hash: &Hash| {
                let mut other = *hash;
                other[bit / 8] ^= 1 << (bit % 8);
                other
            };
            proptest::prop_assert!(!proves(&whole, &flipped(&all[at]), at, size, &path));
            proptest::prop_assert!(!proves(&flipped(&whole), &all[at], at, size, &path));
            for n in 0..path.len() {
                let mut other = path.clone();
                other[n] = flipped(&other[n]);
                proptest::prop_assert!(!proves(&whole, &all[at], at, size, &other));
            }
            proptest::prop_assert!(!proves(&whole, &all[at], at, size, &[path.as_slice(), &[whole]].concat()));
            for other in (0..size).filter(|n| *n != at) {
                proptest::prop_assert!(!proves(&whole, &all[at], other, size, &path));
            }
            proptest::prop_assert!(!proves(&whole, &all[at], size, size, &path));
        }
    }
}
