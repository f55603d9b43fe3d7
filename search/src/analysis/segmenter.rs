//! Chinese text cut into words, by jieba's dictionary.
//!
//! The dictionary takes some 45 MB and is used in bursts. It is loaded when first needed and let go when
//! nobody searched for [`IDLE`], or right after a bulk load (`let_go`), so that an idle server stays small.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use jieba_rs::{Jieba, TokenizeMode};

/// How long the dictionary stays after its last use.
const IDLE: Duration = Duration::from_mins(5);

struct Held {
    jieba: Arc<Jieba>,
    used: Instant,
}

static DICTIONARY: Mutex<Option<Held>> = Mutex::new(None);

fn held() -> std::sync::MutexGuard<'static, Option<Held>> {
    DICTIONARY.lock().unwrap_or_else(PoisonError::into_inner)
}

fn dictionary() -> Arc<Jieba> {
    let mut held = held();
    let fresh = held.is_none();
    let entry = held.get_or_insert_with(|| Held { jieba: Arc::new(Jieba::new()), used: Instant::now() });
    entry.used = Instant::now();
    if fresh {
        std::thread::spawn(watch);
    }
    entry.jieba.clone()
}

/// Lives as long as the dictionary is held.
fn watch() {
    loop {
        std::thread::sleep(IDLE / 4);
        let mut held = held();
        match held.as_ref() {
            Some(entry) if entry.used.elapsed() < IDLE => {}
            _ => {
                *held = None;
                return;
            }
        }
    }
}

/// Lets the dictionary go now.
pub fn let_go() {
    *held() = None;
}

/// Cuts a Chinese text into words, each with the characters at which it begins and ends. `fine`: the words inside
/// words as well.
pub(super) fn cut(text: &str, fine: bool, mut word: impl FnMut(&str, usize, usize)) {
    let mode = if fine { TokenizeMode::Search } else { TokenizeMode::Default };
    for token in dictionary().tokenize(text, mode, true) {
        word(token.word, token.start, token.end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_inside_words_are_found_when_asked_for() {
        let words = |fine: bool| {
            let mut words = Vec::new();
            cut("青海羊毛衫", fine, |word, from, to| words.push((word.to_owned(), from, to)));
            words
        };
        assert_eq!(words(false), [("青海".to_owned(), 0, 2), ("羊毛衫".to_owned(), 2, 5)]);
        assert!(words(true).contains(&("羊毛".to_owned(), 2, 4)));
        let_go();
    }
}
