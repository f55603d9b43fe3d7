//! Chinese text cut into words, by jieba's dictionary.
//!
//! The dictionary takes some 45 MB and is used in bursts. It is loaded when first needed and let go when
//! nobody searched for [`IDLE`], or right after a bulk load (`let_go`), so that an idle server stays small.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use jieba_rs::{Jieba, TokenizeMode};
use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

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
pub(crate) fn let_go() {
    *held() = None;
}

/// Cuts text into words; what is neither letter nor digit is no word.
#[derive(Clone, Debug, Default)]
pub(crate) struct Segmenter;

/// The words of one text.
#[derive(Debug)]
pub(crate) struct Words {
    tokens: Vec<Token>,
    next: usize,
}

impl Tokenizer for Segmenter {
    type TokenStream<'a> = Words;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Words {
        let cut = dictionary();
        let word = |(position, token): (usize, jieba_rs::Token<'_>)| Token {
            offset_from: token.byte_start,
            offset_to: token.byte_end,
            position,
            text: token.word.to_owned(),
            position_length: 1,
        };
        let words = cut.tokenize(text, TokenizeMode::Search, true).into_iter();
        let tokens = words.filter(|t| t.word.chars().any(char::is_alphanumeric)).enumerate().map(word).collect();
        Words { tokens, next: 0 }
    }
}

impl TokenStream for Words {
    fn advance(&mut self) -> bool {
        self.next += 1;
        self.next <= self.tokens.len()
    }

    fn token(&self) -> &Token {
        &self.tokens[self.next - 1]
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.tokens[self.next - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixed_text_is_cut_into_words_with_their_places() {
        let text = "高原 Goji 枸杞礼盒, 500g!";
        let mut segmenter = Segmenter;
        let mut stream = segmenter.token_stream(text);
        let mut words = Vec::new();
        while stream.advance() {
            let token = stream.token();
            assert_eq!(&text[token.offset_from..token.offset_to], token.text);
            words.push(token.text.clone());
        }
        assert_eq!(words, ["高原", "Goji", "枸杞", "礼盒", "500g"]);
        let_go();
    }
}
