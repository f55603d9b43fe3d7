//! How Chinese sounds: every reading of every character, without tones.

use std::{collections::HashSet, sync::LazyLock};

use pinyin::{ToPinyin, ToPinyinMulti};

/// Most readings of a character that count.
const MOST_READINGS: usize = 3;
/// Most spellings of a word.
const MOST_SPELLINGS: usize = 8;
/// Most ways in which letters are cut into syllables.
const MOST_CUTS: usize = 6;
/// Longest run of letters that is read as pinyin.
const LONGEST_PINYIN: usize = 60;

/// Every syllable there is.
static SYLLABLES: LazyLock<HashSet<String>> =
    LazyLock::new(|| ('\u{4e00}'..='\u{9fa5}').filter(|c| c.to_pinyin().is_some()).flat_map(readings).collect());

/// The readings of a character, without tones, `v` for `ü`.
pub(crate) fn readings(c: char) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let Some(multi) = c.to_pinyin_multi() else { return all };
    for reading in multi {
        let plain = reading.plain().replace('ü', "v");
        // 嗯 is read `n` and `ng`; whoever types pinyin does not mean it.
        let spoken = plain.bytes().any(|b| b"aeiouv".contains(&b)) && plain.bytes().all(|b| b.is_ascii_lowercase());
        if spoken && !all.contains(&plain) {
            all.push(plain);
        }
        if all.len() == MOST_READINGS {
            break;
        }
    }
    all
}

/// The spellings of a word, its syllables in one: 藏毯 is `cangtan` and `zangtan`.
pub(crate) fn spelled(word: &str) -> Vec<String> {
    product(word, readings)
}

/// The initials of a word: 藏毯 is `ct` and `zt`.
pub(crate) fn initials(word: &str) -> Vec<String> {
    product(word, |c| {
        let mut first: Vec<String> = readings(c).iter().map(|r| r.chars().take(1).collect()).collect();
        first.dedup();
        first
    })
}

fn product(word: &str, of: impl Fn(char) -> Vec<String>) -> Vec<String> {
    let mut spellings = vec![String::new()];
    for c in word.chars() {
        let readings = of(c);
        if readings.is_empty() {
            return Vec::new();
        }
        let mut next = Vec::with_capacity(spellings.len() * readings.len());
        for reading in &readings {
            for spelling in &spellings {
                let longer = format!("{spelling}{reading}");
                if next.len() < MOST_SPELLINGS && !next.contains(&longer) {
                    next.push(longer);
                }
            }
        }
        spellings = next;
    }
    spellings
}

/// The ways in which letters are cut into syllables, those of fewer syllables first. `open`: the last may be the
/// beginning of one, still being typed.
pub(crate) fn syllables_of(letters: &str, open: bool) -> Vec<Vec<String>> {
    if letters.is_empty() || letters.len() > LONGEST_PINYIN || !letters.bytes().all(|b| b.is_ascii_lowercase()) {
        return Vec::new();
    }
    // From each place the ways to the end, built from the end: linear in the length.
    let mut ways: Vec<Vec<Vec<&str>>> = vec![Vec::new(); letters.len() + 1];
    if let Some(end) = ways.last_mut() {
        end.push(Vec::new());
    }
    for from in (0..letters.len()).rev() {
        let mut here: Vec<Vec<&str>> = Vec::new();
        for to in (from + 1..=letters.len().min(from + 6)).rev() {
            let piece = &letters[from..to];
            let whole = SYLLABLES.contains(piece);
            let begun = || open && to == letters.len() && SYLLABLES.iter().any(|s| s.starts_with(piece));
            if !(whole || begun()) {
                continue;
            }
            for rest in ways.get(to).into_iter().flatten() {
                here.push(std::iter::once(piece).chain(rest.iter().copied()).collect());
            }
        }
        here.sort_by_key(Vec::len);
        here.truncate(MOST_CUTS);
        if let Some(place) = ways.get_mut(from) {
            *place = here;
        }
    }
    let all = ways.into_iter().next().unwrap_or_default();
    all.into_iter().map(|cut| cut.into_iter().map(str::to_owned).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_spelled_in_all_their_readings() {
        assert!(spelled("藏毯").contains(&"zangtan".to_owned()) && spelled("藏毯").contains(&"cangtan".to_owned()));
        assert!(initials("藏毯").contains(&"zt".to_owned()));
        assert_eq!(spelled("绿茶"), ["lvcha", "lucha"]);
        assert!(spelled("A茶").is_empty());
    }

    #[test]
    fn letters_are_cut_into_syllables() {
        let cuts = |letters: &str, open: bool| {
            syllables_of(letters, open).into_iter().map(|c| c.join(" ")).collect::<Vec<_>>()
        };
        assert_eq!(cuts("zangtan", false), ["zang tan"]);
        assert_eq!(cuts("xian", false), ["xian", "xi an"]);
        assert!(cuts("yangrongweijin", false).contains(&"yang rong wei jin".to_owned()));
        assert!(cuts("carpet", false).is_empty());
        assert!(cuts("zangt", false).is_empty() && cuts("zangt", true).contains(&"zang t".to_owned()));
        assert!(syllables_of(&"a".repeat(60), true).len() <= MOST_CUTS);
    }
}
