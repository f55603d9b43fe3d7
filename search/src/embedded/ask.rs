//! A query as tantivy takes it.
//!
//! Every word of a query must be found, each in any of the ways that a word can be: in the name, in what else names
//! the thing, in the description, by how it sounds, by how it begins, by a synonym; what is not found as written also
//! with a typo or two. When nothing has all words, most of them do, then any. How a word was found decides its
//! weight, so that an exact name comes before a description and a description before a guess.

use std::{collections::BTreeMap, ops::Bound};

use tantivy::{
    DocAddress, DocId, Order, Score, Searcher, SegmentReader, Term,
    collector::{Collector, Count, SegmentSortKeyComputer, SortKeyComputer, TopDocs, sort_key::NaturalComparator},
    columnar::Column,
    query::{
        AllQuery, BooleanQuery, BoostQuery, ConstScoreQuery, EmptyQuery, FuzzyTermQuery, Occur, PhrasePrefixQuery,
        PhraseQuery, Query as IndexQuery, RangeQuery, TermQuery, TermSetQuery,
    },
    schema::{Field, IndexRecordOption},
};

use super::{
    Generation,
    facets::Counts,
    schema::{PRICES, PUBLIC},
};
use crate::{
    Analyzer, Answer, DEEPEST, Facet, Query, SearchError, Sort, Visible,
    analysis::{Cut, Script, Token, code, readings, stem, syllables_of, tokens},
};

type Clause = Box<dyn IndexQuery>;

/// Most words that one typed word can stand for.
const MOST_EXPANSIONS: usize = 40;
/// A word that so many names have is looked for as a word only.
const COMMON: u64 = 1_000;
/// Shortest code of which the beginning is looked for.
const SHORTEST_CODE: usize = 4;

/// How much it weighs where and how a word was found.
mod weight {
    pub(super) const WHOLE_NAME: f32 = 60.0;
    pub(super) const CODE: f32 = 50.0;
    pub(super) const CODE_BEGINS: f32 = 20.0;
    pub(super) const NAME: f32 = 8.0;
    pub(super) const WORDS: f32 = 4.0;
    pub(super) const BODY: f32 = 1.0;
    pub(super) const PHRASE: f32 = 6.0;
    pub(super) const PINYIN: f32 = 20.0;
    pub(super) const SYLLABLES: f32 = 12.0;
    pub(super) const INITIALS: f32 = 10.0;
    pub(super) const BEGINS: f32 = 3.0;
    pub(super) const TYPO: f32 = 6.0;
    pub(super) const TWO_TYPOS: f32 = 3.0;
    pub(super) const ONE_SYLLABLE: f32 = 2.0;
    pub(super) const SYNONYM_NAME: f32 = 5.0;
    pub(super) const SYNONYM_WORDS: f32 = 2.5;
    pub(super) const SYNONYM_BODY: f32 = 0.5;
    pub(super) const SOUND: f32 = 2.0;
    pub(super) const HEAD: f32 = 20.0;
}

/// How much of a query must be found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Demand {
    All,
    Most,
    Any,
}

pub(super) fn answer(live: &Generation, analyzer: &Analyzer, query: &Query) -> Result<Answer, SearchError> {
    let searcher = live.reader.searcher();
    let ask = Ask { live, searcher: &searcher, analyzer };
    let read = analyzer.query(&query.text);
    if read.is_empty() && !query.text.trim().is_empty() {
        return Ok(Answer::default());
    }
    let mut demands = vec![Demand::All];
    if !read.is_empty() {
        demands.extend([Demand::Most, Demand::Any]);
    }
    let mut answer = Answer::default();
    for demand in demands {
        let words = ask.words(&query.text, &read, demand)?;
        answer = ask.answer(&*words, query)?;
        if answer.total > 0 {
            break;
        }
    }
    Ok(answer)
}

/// The best, how many there are in all, and the counted values of each facet.
type Ranked = (Vec<DocAddress>, usize, Vec<Vec<(String, u64)>>);

struct Ask<'a> {
    live: &'a Generation,
    searcher: &'a Searcher,
    analyzer: &'a Analyzer,
}

impl Ask<'_> {
    fn answer(&self, words: &dyn IndexQuery, query: &Query) -> Result<Answer, SearchError> {
        let whole = self.narrowed(words.box_clone(), query, None);
        // A facet of which something is chosen is counted as if nothing of it were.
        let (chosen, free): (Vec<Facet>, Vec<Facet>) =
            query.count.iter().partition(|facet| query.any_of.contains_key(facet));
        let limit = query.limit.min(DEEPEST.saturating_sub(query.offset));
        let top = TopDocs::with_limit(limit.max(1)).and_offset(query.offset);
        let text = !query.text.trim().is_empty();
        let (mut addresses, total, counted) = match &query.sort {
            Sort::Relevance if text => self.ranked(&*whole, top.order_by_score(), &free)?,
            Sort::Relevance | Sort::Newest => {
                self.ranked(&*whole, top.order_by_fast_field::<i64>("listed_at", Order::Desc), &free)?
            }
            Sort::Price { currency, descending } => {
                let by = ByPrice { column: format!("{PRICES}.{currency}"), descending: *descending };
                self.ranked(&*whole, top.order_by(by), &free)?
            }
            Sort::Name { chinese, descending } => {
                let field = if *chinese { "sort_zh" } else { "sort_en" };
                let order = if *descending { Order::Desc } else { Order::Asc };
                self.ranked(&*whole, top.order_by_string_fast_field(field, order), &free)?
            }
        };
        addresses.truncate(limit);
        let mut counts: BTreeMap<Facet, Vec<(String, u64)>> = free.into_iter().zip(counted).collect();
        for facet in chosen {
            let without = self.narrowed(words.box_clone(), query, Some(facet));
            let counted = self.searcher.search(&*without, &Counts(vec![facet]))?;
            counts.extend(counted.into_iter().map(|values| (facet, values)));
        }
        let facets = query.count.iter().map(|facet| (*facet, counts.remove(facet).unwrap_or_default())).collect();
        let found = addresses
            .into_iter()
            .map(|at| self.live.fields.found(&self.searcher.doc(at)?))
            .collect::<Result<_, _>>()?;
        Ok(Answer { found, total: total as u64, facets })
    }

    fn ranked<K>(
        &self,
        query: &dyn IndexQuery,
        top: impl Collector<Fruit = Vec<(K, DocAddress)>>,
        count: &[Facet],
    ) -> Result<Ranked, SearchError> {
        let (top, total, counts) = self.searcher.search(query, &(top, Count, Counts(count.to_vec())))?;
        Ok((top.into_iter().map(|(_, address)| address).collect(), total, counts))
    }

    /// What the words find, within what the viewer may find and what was chosen, but for one facet.
    fn narrowed(&self, words: Clause, query: &Query, but: Option<Facet>) -> Clause {
        let fields = &self.live.fields;
        let mut all = vec![(Occur::Must, words)];
        let mut only = |field: Field, values: Vec<String>| all.push((Occur::Must, any_value(field, &values)));
        match query.visible {
            Visible::Public => only(fields.audience, vec![PUBLIC.to_owned()]),
            Visible::PublicAndOf(own) => only(fields.audience, vec![PUBLIC.to_owned(), own.simple().to_string()]),
            Visible::Everything => {}
        }
        only(fields.kind, query.kinds.iter().map(|kind| kind.name().to_owned()).collect());
        for (facet, values) in query.any_of.iter().filter(|(facet, _)| but != Some(**facet)) {
            only(fields.facet(*facet), values.clone());
        }
        if let Some(band) = &query.band {
            let bound = |minor: Option<i64>| match minor {
                Some(minor) => {
                    let mut term = Term::from_field_json_path(fields.prices, &band.currency, false);
                    term.append_type_and_fast_value(minor);
                    Bound::Included(term)
                }
                None => Bound::Unbounded,
            };
            // Prices are not negative, and a range needs an end to know its currency by.
            let (from, to) = (bound(band.min.or(Some(0))), bound(band.max.or(Some(i64::MAX))));
            all.push((Occur::Must, silent(Box::new(RangeQuery::new(from, to)))));
        }
        Box::new(BooleanQuery::new(all))
    }

    /// What the words of a query find.
    fn words(&self, text: &str, read: &[Token], demand: Demand) -> Result<Clause, SearchError> {
        if read.is_empty() {
            return Ok(Box::new(AllQuery));
        }
        let mut parts = Vec::new();
        let mut at = 0;
        while at < read.len() {
            let (taken, synonyms) = self.synonyms(&read[at..]);
            let group = &read[at..at + taken];
            let mut each = Vec::with_capacity(taken);
            for (n, token) in group.iter().enumerate() {
                each.push(self.word(token, at + n + 1 == read.len(), demand)?);
            }
            let own = if each.len() == 1 { any(each) } else { all(each) };
            let others = synonyms.iter().map(|other| self.synonym(other));
            parts.push(any(std::iter::once(own).chain(others).collect()));
            at += taken;
        }
        let needed = match demand {
            Demand::All => parts.len(),
            Demand::Most => (parts.len() * 3).div_ceil(5),
            Demand::Any => 1,
        };
        let occur = if demand == Demand::All { Occur::Must } else { Occur::Should };
        let mut clauses: Vec<(Occur, Clause)> = parts.into_iter().map(|part| (occur, part)).collect();
        let mut whole: Vec<Clause> =
            vec![fixed(term(self.live.fields.exact, &code(text)), weight::WHOLE_NAME), self.codes(&code(text))];
        whole.extend(self.phrases(read));
        if demand == Demand::All {
            // A whole code finds by itself, however it is cut into words.
            clauses.extend(whole.into_iter().skip(2).map(|phrase| (Occur::Should, phrase)));
            let words: Clause = Box::new(BooleanQuery::new(clauses));
            let exact = fixed(term(self.live.fields.exact, &code(text)), weight::WHOLE_NAME);
            return Ok(any(vec![words, exact, self.codes(&code(text))]));
        }
        let words: Clause = Box::new(BooleanQuery::with_minimum_required_clauses(clauses, needed));
        let mut best = vec![(Occur::Must, words)];
        best.extend(whole.into_iter().map(|clause| (Occur::Should, clause)));
        Ok(Box::new(BooleanQuery::new(best)))
    }

    /// The longest phrase at the beginning that has synonyms, and these; else one word without any.
    fn synonyms(&self, read: &[Token]) -> (usize, &[String]) {
        let synonyms = self.analyzer.synonyms();
        let words: Vec<&str> = read.iter().take(synonyms.longest()).map(|token| token.text.as_str()).collect();
        for length in (1..=words.len()).rev() {
            let others = synonyms.of(&words[..length]);
            if !others.is_empty() {
                return (length, others);
            }
        }
        (1, &[])
    }

    /// The ways in which one word is found.
    fn word(&self, token: &Token, last: bool, demand: Demand) -> Result<Clause, SearchError> {
        let fields = &self.live.fields;
        let word = match token.script {
            Script::Letters => stem(&token.text).into_owned(),
            Script::Han | Script::Measure => token.text.clone(),
        };
        let mut ways = self.anywhere(&word, weight::NAME, weight::WORDS, weight::BODY);
        match token.script {
            Script::Han => {
                // Side by side inside other words; dear, and of no use where many have the word itself.
                let common = self.searcher.doc_freq(&Term::from_field_text(fields.name, &word)).unwrap_or_default();
                if common < COMMON {
                    ways.extend(self.characters(&token.text));
                }
                if token.text.chars().count() > 2 && !self.known(&word) {
                    // A word that the dictionary made and nobody wrote: 枸杞茶 is 枸杞 and 茶.
                    let apart = token.text.chars().map(|c| term(fields.chars, c.encode_utf8(&mut [0; 4])));
                    ways.push(boosted(all(apart.collect()), weight::BODY));
                }
                if demand != Demand::All {
                    // Written with other characters of the same sound.
                    let sound: Vec<String> =
                        token.text.chars().filter_map(|c| readings(c).into_iter().next()).collect();
                    if sound.len() > 1 {
                        ways.push(fixed(phrase(fields.syllables, &sound), weight::SOUND));
                    }
                }
            }
            Script::Measure => {
                ways.extend(self.beginning(fields.letters, &token.text, weight::BEGINS)?);
            }
            Script::Letters => ways.extend(self.letters(&token.text, &word, last)?),
        }
        Ok(any(ways))
    }

    fn letters(&self, text: &str, stem: &str, last: bool) -> Result<Vec<Clause>, SearchError> {
        let fields = &self.live.fields;
        let mut ways = Vec::new();
        let known = self.known(stem);
        if text.len() >= SHORTEST_CODE && text.bytes().any(|b| b.is_ascii_digit()) {
            ways.push(self.codes(text));
        }
        if last && text.len() > 1 {
            ways.extend(self.beginning(fields.letters, text, weight::BEGINS)?);
        }
        let latin = text.bytes().all(|b| b.is_ascii_lowercase());
        let mut heard = false;
        if latin {
            heard = self.is_term(fields.pinyin, text);
            ways.push(fixed(term(fields.pinyin, text), weight::PINYIN));
            for cut in syllables_of(text, last) {
                ways.extend(self.heard(&cut, last, known));
            }
            if (2..=8).contains(&text.len()) {
                ways.push(fixed(term(fields.initials, text), weight::INITIALS));
            }
            if last && text.len() > 3 {
                ways.extend(self.beginning(fields.pinyin, text, weight::BEGINS)?);
            }
        }
        // Typos are thought of only when the word as it is written is none.
        if !known && !heard && !text.bytes().all(|b| b.is_ascii_digit()) {
            let typos = match text.chars().count() {
                0..4 => 0,
                4..7 => 1,
                _ => 2,
            };
            for (field, typos) in [(fields.letters, typos), (fields.pinyin, if latin { typos.min(1) } else { 0 })] {
                ways.extend(self.mistyped(field, text, typos)?);
            }
        }
        Ok(ways)
    }

    /// A run of syllables.
    fn heard(&self, cut: &[String], last: bool, known: bool) -> Option<Clause> {
        let field = self.live.fields.syllables;
        let terms = || cut.iter().map(|syllable| Term::from_field_text(field, syllable)).collect::<Vec<_>>();
        let clause: Clause = match cut {
            [] => return None,
            // One syllable is a word of its own only when it is none in another language.
            [one] if known || !self.is_term(field, one) => return None,
            [one] => return Some(fixed(term(field, one), weight::ONE_SYLLABLE)),
            [.., end] if last && !self.is_term(field, end) => Box::new(PhrasePrefixQuery::new(terms())),
            _ => Box::new(PhraseQuery::new(terms())),
        };
        Some(fixed(clause, weight::SYLLABLES))
    }

    /// Words within some typos of this one.
    fn mistyped(&self, field: Field, text: &str, typos: u8) -> Result<Vec<Clause>, SearchError> {
        let mut ways = Vec::new();
        for allowed in 1..=typos {
            let fuzzy = FuzzyTermQuery::new(Term::from_field_text(field, text), allowed, true);
            let mut terms = Vec::new();
            for segment in self.searcher.segment_readers() {
                let index = segment.inverted_index(field)?;
                let mut found = index.terms().search(fuzzy.automaton()?).into_stream()?;
                while found.advance() && terms.len() < MOST_EXPANSIONS {
                    // The first letter is rarely the wrong one, and much is saved by believing it.
                    let word = std::str::from_utf8(found.key()).unwrap_or_default();
                    if allowed == 1 || word.chars().next() == text.chars().next() {
                        terms.push(Term::from_field_text(field, word));
                    }
                }
            }
            if !terms.is_empty() {
                let weight = if allowed == 1 { weight::TYPO } else { weight::TWO_TYPOS };
                ways.push(fixed(Box::new(TermSetQuery::new(terms)), weight));
                break;
            }
        }
        Ok(ways)
    }

    /// Words that begin so.
    fn beginning(&self, field: Field, text: &str, weight: f32) -> Result<Option<Clause>, SearchError> {
        let mut terms = Vec::new();
        for segment in self.searcher.segment_readers() {
            let index = segment.inverted_index(field)?;
            let mut found = index.terms().range().ge(text.as_bytes()).into_stream()?;
            for _ in 0..MOST_EXPANSIONS {
                if !found.advance() || !found.key().starts_with(text.as_bytes()) {
                    break;
                }
                terms.push(Term::from_field_text(field, std::str::from_utf8(found.key()).unwrap_or_default()));
            }
        }
        Ok((!terms.is_empty()).then(|| fixed(Box::new(TermSetQuery::new(terms)), weight)))
    }

    /// Codes that are this or begin with it.
    fn codes(&self, text: &str) -> Clause {
        let field = self.live.fields.code;
        let whole = fixed(term(field, text), weight::CODE);
        if text.len() < SHORTEST_CODE || !text.bytes().any(|b| b.is_ascii_digit()) {
            return whole;
        }
        let begins = self.beginning(field, text, weight::CODE_BEGINS).ok().flatten();
        any(std::iter::once(whole).chain(begins).collect())
    }

    /// Chinese characters side by side.
    fn characters(&self, text: &str) -> Option<Clause> {
        let field = self.live.fields.chars;
        let chars: Vec<String> = text.chars().map(String::from).collect();
        match chars.as_slice() {
            [] => None,
            [one] => {
                let head = fixed(term(self.live.fields.heads, one), weight::HEAD);
                Some(any(vec![boosted(term(field, one), weight::BODY), head]))
            }
            _ => Some(Box::new(BoostQuery::new(phrase(field, &chars), weight::WORDS))),
        }
    }

    /// Runs of the query that stand together in a name.
    fn phrases(&self, read: &[Token]) -> Vec<Clause> {
        let fields = &self.live.fields;
        let mut clauses = Vec::new();
        let mut run: Vec<String> = Vec::new();
        let mut words = 0;
        let mut end = 0;
        let mut close = |run: &mut Vec<String>, words: &mut usize| {
            if *words > 1 && run.len() > 1 {
                clauses.push(boosted(phrase(fields.chars, run), weight::PHRASE));
            }
            run.clear();
            *words = 0;
        };
        for token in read {
            if token.script != Script::Han || token.start != end {
                close(&mut run, &mut words);
            }
            if token.script == Script::Han {
                run.extend(token.text.chars().map(String::from));
                words += 1;
                end = token.end;
            }
        }
        close(&mut run, &mut words);
        // `zang tan`: syllables that were written apart.
        let syllables: Vec<String> = read.iter().map(|token| token.text.clone()).collect();
        if syllables.len() > 1 && read.iter().all(|token| token.script == Script::Letters) {
            clauses.push(fixed(phrase(fields.syllables, &syllables), weight::SYLLABLES));
        }
        clauses
    }

    /// A synonym: all of its words, as they are.
    fn synonym(&self, text: &str) -> Clause {
        let words = tokens(text, Cut::Coarse).into_iter().map(|token| {
            let word =
                if token.script == Script::Letters { stem(&token.text).into_owned() } else { token.text.clone() };
            let mut ways = self.anywhere(&word, weight::SYNONYM_NAME, weight::SYNONYM_WORDS, weight::SYNONYM_BODY);
            if token.script == Script::Han {
                ways.extend(self.characters(&token.text));
            }
            any(ways)
        });
        all(words.collect())
    }

    fn anywhere(&self, word: &str, name: f32, words: f32, body: f32) -> Vec<Clause> {
        let fields = &self.live.fields;
        [(fields.name, name), (fields.words, words), (fields.body, body)]
            .into_iter()
            .map(|(field, weight)| boosted(term(field, word), weight))
            .collect()
    }

    /// Whether a word is written anywhere.
    fn known(&self, word: &str) -> bool {
        let fields = &self.live.fields;
        [fields.name, fields.words, fields.body].into_iter().any(|field| self.is_term(field, word))
    }

    fn is_term(&self, field: Field, text: &str) -> bool {
        self.searcher.doc_freq(&Term::from_field_text(field, text)).is_ok_and(|n| n > 0)
    }
}

fn term(field: Field, text: &str) -> Clause {
    Box::new(TermQuery::new(Term::from_field_text(field, text), IndexRecordOption::WithFreqs))
}

fn phrase(field: Field, words: &[String]) -> Clause {
    match words {
        [] => Box::new(EmptyQuery),
        [one] => term(field, one),
        _ => Box::new(PhraseQuery::new(words.iter().map(|word| Term::from_field_text(field, word)).collect())),
    }
}

fn any(mut clauses: Vec<Clause>) -> Clause {
    match clauses.len() {
        1 => clauses.swap_remove(0),
        _ => Box::new(BooleanQuery::union(clauses)),
    }
}

fn all(mut clauses: Vec<Clause>) -> Clause {
    match clauses.len() {
        1 => clauses.swap_remove(0),
        _ => Box::new(BooleanQuery::intersection(clauses)),
    }
}

fn boosted(clause: Clause, weight: f32) -> Clause {
    Box::new(BoostQuery::new(clause, weight))
}

fn fixed(clause: Clause, weight: f32) -> Clause {
    Box::new(ConstScoreQuery::new(clause, weight))
}

/// Narrows without weighing.
fn silent(clause: Clause) -> Clause {
    fixed(clause, 0.0)
}

fn any_value(field: Field, values: &[String]) -> Clause {
    let narrow = |value: &String| {
        let term: Clause = Box::new(TermQuery::new(Term::from_field_text(field, value), IndexRecordOption::Basic));
        term
    };
    match values {
        [] => Box::new(EmptyQuery),
        [one] => silent(narrow(one)),
        _ => silent(Box::new(TermSetQuery::new(values.iter().map(|value| Term::from_field_text(field, value))))),
    }
}

/// By the price in one currency; what has none comes last either way.
struct ByPrice {
    column: String,
    descending: bool,
}

struct PriceOfSegment {
    prices: Option<Column<i64>>,
    descending: bool,
}

impl SortKeyComputer for ByPrice {
    type SortKey = u64;
    type Child = PriceOfSegment;
    type Comparator = NaturalComparator;

    fn segment_sort_key_computer(&self, segment: &SegmentReader) -> tantivy::Result<PriceOfSegment> {
        let prices = segment.fast_fields().column_opt::<i64>(&self.column)?;
        Ok(PriceOfSegment { prices, descending: self.descending })
    }
}

impl SegmentSortKeyComputer for PriceOfSegment {
    type SortKey = u64;
    type SegmentSortKey = u64;
    type SegmentComparator = NaturalComparator;

    fn segment_sort_key(&mut self, doc: DocId, _: Score) -> u64 {
        let price =
            self.prices.as_ref().and_then(|prices| prices.first(doc)).and_then(|price| u64::try_from(price).ok());
        match price {
            None => 0,
            Some(price) if self.descending => price + 1,
            Some(price) => u64::MAX - price,
        }
    }

    fn convert_segment_sort_key(&self, key: u64) -> u64 {
        key
    }
}
