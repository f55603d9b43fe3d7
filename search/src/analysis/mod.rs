//! How text is read: the same for what is put into an index, what is looked for, and what is highlighted.
//!
//! - **Folding** (`fold`): lower case, full-width as half-width, traditional characters (繁体) as simplified, accents
//!   away. One character becomes one character or, for Latin letters, a few.
//! - **Words** ([`Analyzer::tokens`]): Chinese by a dictionary, everything else between blanks and punctuation. A
//!   number and its unit are one word, however they were written: `500 ml`, `500ML` and `500毫升`.
//! - **Sounds** (`pinyin`): every reading of a character counts, so `zangtan` and `cangtan` both find 藏毯.
//! - **Synonyms and stop words** come from files (`words`).

mod fold;
mod pinyin;
mod segmenter;
mod units;
mod words;

use std::{borrow::Cow, collections::BTreeSet, path::Path, sync::OnceLock};

use rust_stemmers::{Algorithm, Stemmer};

pub use self::segmenter::let_go as let_dictionary_go;
pub(crate) use self::{
    fold::{code, fold},
    pinyin::{initials, readings, spelled, syllables_of},
    words::Synonyms,
};
use crate::SearchError;

/// Longest text that is looked for, in characters.
pub(crate) const LONGEST_QUERY: usize = 200;
/// Most words of a query.
pub(crate) const MOST_WORDS: usize = 32;
/// Longest word; what is longer is no word of any language.
const LONGEST_WORD: usize = 60;

/// The shape of what is put into an index. Another number means that an index must be rebuilt.
pub(crate) const SHAPE: u32 = 1;

/// What a word is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Script {
    /// Chinese characters.
    Han,
    /// Letters and digits of other scripts.
    Letters,
    /// A number with its unit.
    Measure,
}

/// A word of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// Folded.
    pub(crate) text: String,
    /// What it is made of.
    pub(crate) script: Script,
    /// Where it begins in the text, in bytes.
    pub(crate) start: usize,
    /// Where it ends.
    pub(crate) end: usize,
}

/// How a Chinese run is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// For an index: the words inside words as well.
    Fine,
    /// For a query: each character in one word.
    Coarse,
}

/// Most words of synonyms that are looked for without an index.
const MOST_OTHERS: usize = 30;

/// A word for whoever looks without an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainWord {
    /// The word, folded.
    pub text: String,
    /// Its syllables with blanks between them and at the end, when it can be pinyin.
    pub spelled: Option<String>,
    /// Whether it may be a code or the beginning of one.
    pub code: bool,
}

/// Reads text, with the synonyms and stop words of one installation.
#[derive(Debug)]
pub struct Analyzer {
    rules: Vec<(Vec<String>, Vec<String>)>,
    stops: Vec<String>,
    /// Read with the dictionary when first needed: a server that nobody searches stays small.
    synonyms: OnceLock<Synonyms>,
    stop_words: OnceLock<Vec<String>>,
}

impl Analyzer {
    /// With the synonyms and stop words of the files; none: those that come with the house.
    pub fn new(synonyms: Option<&Path>, stop_words: Option<&Path>) -> Result<Self, SearchError> {
        let read = |file: Option<&Path>, own: &'static str| match file {
            None => Ok(Cow::Borrowed(own)),
            Some(file) => std::fs::read_to_string(file)
                .map(Cow::Owned)
                .map_err(|error| SearchError::Words(format!("cannot read {}: {error}", file.display()))),
        };
        let stop = read(stop_words, include_str!("../../data/stop-words.txt"))?;
        let stops = words::lines(&stop).map(str::to_owned).collect();
        let rules = words::rules(&read(synonyms, include_str!("../../data/synonyms.txt"))?)?;
        Ok(Self { rules, stops, synonyms: OnceLock::new(), stop_words: OnceLock::new() })
    }

    pub(crate) fn synonyms(&self) -> &Synonyms {
        self.synonyms.get_or_init(|| Synonyms::of_rules(&self.rules))
    }

    /// The words of a query, without stop words when others remain.
    pub(crate) fn query(&self, text: &str) -> Vec<Token> {
        let text: String = text.chars().take(LONGEST_QUERY).collect();
        let mut all = tokens(&text, Cut::Coarse);
        all.truncate(MOST_WORDS);
        let stop_words = self.stop_words.get_or_init(|| self.stops.iter().map(|word| fold(word)).collect());
        let telling: Vec<Token> = all.iter().filter(|t| !stop_words.contains(&t.text)).cloned().collect();
        if telling.is_empty() { all } else { telling }
    }

    /// The words of a query and those of their synonyms, for whoever looks without an index.
    pub fn plain_words(&self, text: &str) -> Vec<PlainWord> {
        let word = |token: Token| PlainWord {
            spelled: syllables_of(&token.text, false).first().map(|cut| format!("{} ", cut.join(" "))),
            code: token.text.len() > 3 && token.text.bytes().any(|b| b.is_ascii_digit()),
            text: token.text,
        };
        let read = self.query(text);
        let others = read.iter().flat_map(|token| self.synonyms().of(&[&token.text]));
        let others: Vec<Token> = others.flat_map(|other| tokens(other, Cut::Coarse)).take(MOST_OTHERS).collect();
        read.into_iter().chain(others).map(word).collect()
    }
}

/// The words of a text.
pub(crate) fn tokens(text: &str, cut: Cut) -> Vec<Token> {
    let mut found = Vec::new();
    for run in units::runs(text) {
        let piece = &text[run.start..run.end];
        match run.script {
            Script::Han => {
                // Character by character, so that a place in the folded text is one in the text.
                let places: Vec<usize> = piece.char_indices().map(|(at, _)| run.start + at).collect();
                let place = |at: usize| places.get(at).copied().unwrap_or(run.end);
                let folded: String = piece.chars().map(fold::han).collect();
                segmenter::cut(&folded, cut == Cut::Fine, |word, from, to| {
                    found.push(Token {
                        text: word.to_owned(),
                        script: Script::Han,
                        start: place(from),
                        end: place(to),
                    });
                });
            }
            script => {
                let text = run.text.unwrap_or_else(|| fold(piece));
                if text.chars().count() <= LONGEST_WORD && !text.is_empty() {
                    found.push(Token { text, script, start: run.start, end: run.end });
                }
            }
        }
    }
    if cut == Cut::Fine {
        let joined = joined(text, &found);
        found.extend(joined);
    }
    found
}

/// `Ti-6Al-4V` is also `ti6al4v`: what a hyphen, point or slash joins is one word as well.
fn joined(text: &str, tokens: &[Token]) -> Vec<Token> {
    let letters = |token: &Token| token.script != Script::Han;
    let mut all = Vec::new();
    let mut open: Option<Token> = None;
    for token in tokens.iter().filter(|token| letters(token)) {
        let beside = |open: &&mut Token| matches!(text.get(open.end..token.start), Some("-" | "." | "/" | "·"));
        match open.as_mut().filter(beside) {
            Some(open) => {
                open.text.push_str(&token.text);
                open.end = token.end;
            }
            None => all.extend(open.replace(token.clone())),
        }
    }
    all.extend(open);
    all.retain(|word| {
        word.text.len() <= LONGEST_WORD
            && !tokens.iter().any(|token| token.start == word.start && token.end == word.end)
    });
    all
}

/// The Chinese words of a name and what they make together: up to four that stand side by side, of at most `longest`
/// characters. What is spelled in one or by initials is looked for among these.
pub(crate) fn spoken(text: &str, longest: usize) -> BTreeSet<String> {
    let han = |cut| tokens(text, cut).into_iter().filter(|t| t.script == Script::Han).collect::<Vec<_>>();
    let mut all: BTreeSet<String> = han(Cut::Fine).into_iter().map(|token| token.text).collect();
    let coarse = han(Cut::Coarse);
    for from in 0..coarse.len() {
        let mut phrase = String::new();
        let mut end = None;
        for token in coarse.iter().skip(from).take(4) {
            if end.is_some_and(|end| end != token.start) {
                break;
            }
            phrase.push_str(&token.text);
            end = Some(token.end);
            all.insert(phrase.clone());
        }
    }
    all.retain(|word| (2..=longest).contains(&word.chars().count()));
    all
}

/// The last characters of the Chinese words of a name: what a thing is stands at the end (红茶 is 茶).
pub(crate) fn heads(text: &str) -> BTreeSet<String> {
    let words = tokens(text, Cut::Coarse).into_iter().filter(|t| t.script == Script::Han);
    words.filter_map(|token| token.text.chars().last()).map(String::from).collect()
}

/// An English word as its stem; everything else as it is.
pub(crate) fn stem(word: &str) -> Cow<'_, str> {
    if word.len() < 4 || !word.bytes().all(|b| b.is_ascii_lowercase()) {
        return Cow::Borrowed(word);
    }
    Stemmer::create(Algorithm::English).stem(word)
}

/// Whether a character is Chinese.
pub(crate) fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' | '〇')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        tokens(text, Cut::Coarse).into_iter().map(|t| t.text).collect()
    }

    #[test]
    fn text_of_any_script_is_cut_into_folded_words_with_their_places() {
        for (text, expected) in [
            ("高原 Goji 枸杞礼盒", &["高原", "goji", "枸杞", "礼盒"][..]),
            ("Ｆｕｌｌ－ｗｉｄｔｈ　ＡＢＣ", &["full", "width", "abc"]),
            ("Mānuka Crème", &["manuka", "creme"]),
            ("羊絨圍巾", &["羊绒", "围巾"]),
            ("500 ml", &["500ml"]),
            ("500ML", &["500ml"]),
            ("啤酒500毫升装", &["啤酒", "500ml", "装"]),
            ("1.5 L", &["1.5l"]),
            ("10,000 mAh", &["10000mah"]),
            ("M10 螺栓", &["m10", "螺栓"]),
            ("330kW", &["330kw"]),
            ("A2", &["a2"]),
            ("3 rugs", &["3", "rugs"]),
            ("don't", &["dont"]),
            ("  ,.。！ ", &[]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
        let text = "雪山圖案 Rug, 500 ml";
        for token in tokens(text, Cut::Fine) {
            assert!(text.is_char_boundary(token.start) && text.is_char_boundary(token.end));
            assert_eq!(fold(&text[token.start..token.end]).replace(' ', ""), token.text);
        }
    }

    #[test]
    fn english_words_are_stemmed() {
        assert_eq!(
            (stem("carpets"), stem("knotting"), stem("berries")),
            ("carpet".into(), "knot".into(), "berri".into())
        );
        assert_eq!((stem("m10"), stem("gas")), ("m10".into(), "gas".into()));
    }

    #[test]
    fn stop_words_go_only_when_others_remain() {
        let analyzer = Analyzer::new(None, None).unwrap();
        let query = |text: &str| analyzer.query(text).into_iter().map(|t| t.text).collect::<Vec<_>>();
        assert_eq!(query("the rug of the lake"), ["rug", "lake"]);
        assert_eq!(query("the"), ["the"]);
    }
}
