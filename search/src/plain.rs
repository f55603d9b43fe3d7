//! The same answers computed in memory, from documents at hand: for when the index is away and the database has
//! said which things might be meant, and as the measure that the tests hold the engines to.
//!
//! Filters, facets and orders are those of the engines. Words are found as they are written, by how they begin and by
//! how they sound; there are no typos here.

use std::collections::BTreeMap;

use crate::{
    Analyzer, Answer, DEEPEST, Document, Facet, Found, Query, Sort, Visible,
    analysis::{Cut, Script, Token, code, initials, spelled, stem, tokens},
    query::in_order,
};

/// Answers a query from these documents.
pub fn answer(analyzer: &Analyzer, documents: &[Document], query: &Query) -> Answer {
    let read = analyzer.query(&query.text);
    if read.is_empty() && !query.text.trim().is_empty() {
        return Answer::default();
    }
    let seen: Vec<&Document> = documents.iter().filter(|d| visible(d, query)).collect();
    let mut weighed: Vec<(u32, usize, &Document)> = seen
        .into_iter()
        .map(|document| {
            let (weight, missing) = fit(analyzer, &read, &query.text, document);
            (weight, missing, document)
        })
        .collect();
    // All words when something has all of them, else the most that something has.
    let fewest = weighed.iter().filter(|(_, _, d)| chosen(d, query, None)).map(|(_, missing, _)| *missing).min();
    weighed.retain(|(weight, missing, _)| read.is_empty() || (Some(*missing) <= fewest && *weight > 0));

    let mut found: Vec<&(u32, usize, &Document)> = weighed.iter().filter(|(_, _, d)| chosen(d, query, None)).collect();
    let newest = |a: &Document, b: &Document| b.listed_at.cmp(&a.listed_at);
    found.sort_by(|(a_weight, _, a), (b_weight, _, b)| match &query.sort {
        Sort::Relevance if !read.is_empty() => b_weight.cmp(a_weight).then_with(|| newest(a, b)),
        Sort::Relevance | Sort::Newest => newest(a, b),
        Sort::Price { currency, descending } => {
            let (a, b) = (a.prices.get(currency), b.prices.get(currency));
            let order = if *descending { b.cmp(&a) } else { a.cmp(&b) };
            // What has no price comes last either way.
            a.is_none().cmp(&b.is_none()).then(order)
        }
        Sort::Name { chinese, descending } => {
            let key = |d: &Document| if *chinese { d.sort_zh.clone() } else { d.sort_en.clone() };
            let order = key(a).cmp(&key(b));
            if *descending { order.reverse() } else { order }
        }
    });
    let total = found.len() as u64;
    let limit = query.limit.min(DEEPEST.saturating_sub(query.offset));
    let page = found.iter().skip(query.offset).take(limit).map(|(_, _, d)| Found { kind: d.kind, id: d.id }).collect();
    let facets = query.count.iter().map(|facet| (*facet, counted(&weighed, query, *facet))).collect();
    Answer { found: page, total, facets }
}

fn counted(weighed: &[(u32, usize, &Document)], query: &Query, facet: Facet) -> Vec<(String, u64)> {
    let mut counts: BTreeMap<&String, u64> = BTreeMap::new();
    for (_, _, document) in weighed.iter().filter(|(_, _, d)| chosen(d, query, Some(facet))) {
        for value in document.facets.get(&facet).into_iter().flatten() {
            *counts.entry(value).or_default() += 1;
        }
    }
    in_order(counts.into_iter().map(|(value, count)| (value.clone(), count)).collect())
}

fn visible(document: &Document, query: &Query) -> bool {
    let may = match query.visible {
        Visible::Everything => true,
        Visible::Public => document.public,
        Visible::PublicAndOf(own) => document.public || document.owner == Some(own),
    };
    may && query.kinds.contains(&document.kind)
}

/// Whether a document is among what was chosen, but for one facet.
fn chosen(document: &Document, query: &Query, but: Option<Facet>) -> bool {
    let has = |(facet, wanted): (&Facet, &Vec<String>)| {
        but == Some(*facet)
            || document.facets.get(facet).is_some_and(|values| values.iter().any(|value| wanted.contains(value)))
    };
    let in_band = query.band.as_ref().is_none_or(|band| {
        document
            .prices
            .get(&band.currency)
            .is_some_and(|price| band.min.is_none_or(|min| *price >= min) && band.max.is_none_or(|max| *price <= max))
    });
    in_band && query.any_of.iter().all(has)
}

/// How well a document fits, and how many words it lacks.
fn fit(analyzer: &Analyzer, read: &[Token], text: &str, document: &Document) -> (u32, usize) {
    let whole = code(text);
    let names: Vec<Token> = document.names.values().flat_map(|name| tokens(name, Cut::Fine)).collect();
    let words: Vec<Token> = document.words.iter().flat_map(|word| tokens(word, Cut::Fine)).collect();
    let body: Vec<Token> = document.body.iter().flat_map(|text| tokens(text, Cut::Fine)).collect();
    let is_code = |wanted: &str| document.codes.iter().any(|own| code(own).starts_with(wanted));
    let (mut weight, mut missing) = (0, 0);
    for token in read {
        let others = analyzer.synonyms().of(&[&token.text]);
        let in_any = |of: &[Token]| {
            has(of, token) || others.iter().any(|other| tokens(other, Cut::Coarse).iter().all(|other| has(of, other)))
        };
        match () {
            () if in_any(&names) => weight += 8,
            () if in_any(&words) => weight += 4,
            () if in_any(&body) => weight += 1,
            () if is_code(&token.text) => weight += 20,
            () => missing += 1,
        }
    }
    if whole.len() > 3 && is_code(&whole) {
        return (weight + 50, 0);
    }
    (weight, missing)
}

/// Whether a word is among these.
fn has(among: &[Token], wanted: &Token) -> bool {
    among.iter().any(|token| match (wanted.script, token.script) {
        (Script::Han, Script::Han) => token.text.contains(&wanted.text),
        (Script::Letters, Script::Letters) => {
            stem(&token.text) == stem(&wanted.text) || (wanted.text.len() > 1 && token.text.starts_with(&wanted.text))
        }
        (Script::Letters, Script::Han) => {
            token.text.chars().count() > 1
                && (spelled(&token.text).contains(&wanted.text) || initials(&token.text).contains(&wanted.text))
        }
        _ => token.text == wanted.text,
    })
}
