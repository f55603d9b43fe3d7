//! Order by name. Databases sort Chinese differently or not at all, so the order is made here:
//! a key of plain ASCII, pinyin for Chinese characters, the same on every database.

use crate::values::romanise::romanised;

/// Longest key that is kept; names that agree so far are ordered by id.
const MAX_LENGTH: usize = 120;

/// The key that `name` is ordered by.
pub fn sort_key(name: &str) -> String {
    let mut key = String::new();
    for c in name.chars() {
        key.push_str(&romanised(c));
        if key.len() >= MAX_LENGTH {
            break;
        }
    }
    key.truncate(MAX_LENGTH);
    key.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::sort_key;

    #[test]
    fn names_are_ordered_as_readers_expect() {
        let mut names = ["藏毯", "枸杞", "青稞", "Ålesund", "apple", "Zoo", "西安", "先"];
        names.sort_by_key(|name| sort_key(name));
        assert_eq!(names, ["Ålesund", "apple", "枸杞", "青稞", "西安", "先", "藏毯", "Zoo"]);
    }
}
