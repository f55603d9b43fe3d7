//! Documents and queries as Meilisearch takes them.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use meilisearch_sdk::settings::{
    FacetSortValue, FacetingSettings, MinWordSizeForTypos, PaginationSetting, Settings, TypoToleranceSettings,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Analyzer, DEEPEST, Document, Facet, Found, Kind, Query, Sort, Visible,
    analysis::{Cut, Script, Token, code, fold, heads, initials, is_han, spelled, spoken, stem, syllables_of, tokens},
    query::MOST_VALUES,
};

/// Longest run of characters that is spelled as one word.
const LONGEST_SPELLED: usize = 8;

/// A document as it is kept there.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    id: Uuid,
    kind: &'static str,
    stamp: String,
    audience: Vec<String>,
    names: Vec<String>,
    codes: Vec<String>,
    words: Vec<String>,
    spelled: BTreeSet<String>,
    initials: BTreeSet<String>,
    heads: BTreeSet<String>,
    chars: Vec<String>,
    syllables: Vec<String>,
    body: Vec<String>,
    prices: BTreeMap<String, i64>,
    listed_at: i64,
    sort_zh: String,
    sort_en: String,
    #[serde(flatten)]
    facets: BTreeMap<&'static str, Vec<String>>,
}

/// What is read back of it.
#[derive(Debug, Deserialize)]
pub(super) struct Key {
    pub(super) id: Uuid,
    kind: Option<String>,
    pub(super) stamp: Option<String>,
}

impl Key {
    pub(super) fn found(self) -> Option<Found> {
        Some(Found { kind: Kind::of_name(&self.kind?)?, id: self.id })
    }
}

impl Row {
    pub(super) fn of(document: &Document) -> Self {
        let named: Vec<&String> = document.names.values().chain(&document.words).collect();
        let mut row = Self {
            id: document.id,
            kind: document.kind.name(),
            stamp: document.stamp(),
            audience: document
                .public
                .then(|| PUBLIC.to_owned())
                .into_iter()
                .chain(document.owner.map(|owner| owner.to_string()))
                .collect(),
            names: document.names.values().map(|text| cut(text, Cut::Fine)).collect(),
            codes: document.codes.iter().map(|text| code(text)).collect(),
            words: document.words.iter().map(|text| cut(text, Cut::Fine)).collect(),
            spelled: BTreeSet::new(),
            initials: BTreeSet::new(),
            heads: BTreeSet::new(),
            chars: named.iter().map(|text| apart(text)).filter(|text| !text.is_empty()).collect(),
            syllables: Vec::new(),
            body: document.body.iter().map(|text| cut(text, Cut::Fine)).collect(),
            prices: document.prices.clone(),
            listed_at: document.listed_at,
            sort_zh: document.sort_zh.clone(),
            sort_en: document.sort_en.clone(),
            facets: Facet::ALL
                .into_iter()
                .map(|facet| (facet.name(), document.facets.get(&facet).cloned().unwrap_or_default()))
                .collect(),
        };
        for text in named {
            row.sounds(text);
        }
        row
    }

    /// How a name sounds: its words, its pairs of words, and itself.
    fn sounds(&mut self, text: &str) {
        for word in spoken(text, LONGEST_SPELLED) {
            self.spelled.extend(spelled(&word));
            self.initials.extend(initials(&word));
        }
        self.heads.extend(heads(text));
        let folded = fold(text);
        let han = folded.chars().filter(|c| is_han(*c));
        let run: Vec<String> = han.filter_map(|c| spelled(&c.to_string()).into_iter().next()).collect();
        if !run.is_empty() {
            self.syllables.push(run.join(" "));
        }
    }
}

/// The audience of what everyone may find.
const PUBLIC: &str = "public";

/// A text as its words, English ones as stems.
fn cut(text: &str, how: Cut) -> String {
    tokens(text, how).iter().map(word).collect::<Vec<_>>().join(" ")
}

fn word(token: &Token) -> Cow<'_, str> {
    if token.script == Script::Letters { stem(&token.text) } else { Cow::Borrowed(&token.text) }
}

/// The Chinese characters of a text, one by one.
fn apart(text: &str) -> String {
    fold(text).chars().filter(|c| is_han(*c)).map(String::from).collect::<Vec<_>>().join(" ")
}

/// The texts to look for, the first that finds something counts. None: nothing can be looked for.
pub(super) fn texts(analyzer: &Analyzer, typed: &str) -> Option<Vec<String>> {
    let read = analyzer.query(typed);
    if read.is_empty() {
        return typed.trim().is_empty().then(|| vec![String::new()]);
    }
    let written = read.iter().map(word).collect::<Vec<_>>().join(" ");
    let mut texts = Vec::new();
    let whole = code(typed);
    if whole != written && whole.len() > 3 && whole.bytes().any(|b| b.is_ascii_digit()) && whole.is_ascii() {
        texts.push(whole);
    }
    texts.push(written.clone());
    let in_syllables = read.iter().map(|token| match token.script {
        Script::Letters => match syllables_of(&token.text, false).into_iter().next() {
            Some(cut) if cut.len() > 1 => cut.join(" "),
            _ => word(token).into_owned(),
        },
        _ => token.text.clone(),
    });
    let in_syllables = in_syllables.collect::<Vec<_>>().join(" ");
    // Other characters of the same sound, and characters that the dictionary put together otherwise.
    let by_sound = read.iter().map(|token| match token.script {
        Script::Han => {
            token.text.chars().filter_map(|c| spelled(&c.to_string()).into_iter().next()).collect::<Vec<_>>().join(" ")
        }
        _ => word(token).into_owned(),
    });
    let by_sound = by_sound.collect::<Vec<_>>().join(" ");
    let in_characters = read.iter().map(|token| match token.script {
        Script::Han => apart(&token.text),
        _ => word(token).into_owned(),
    });
    let in_characters = in_characters.collect::<Vec<_>>().join(" ");
    for text in [in_syllables, in_characters, by_sound] {
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    Some(texts)
}

/// What the viewer may find and what was chosen, but for one facet. Values are quoted: they cannot end the filter.
pub(super) fn filter(query: &Query, but: Option<Facet>) -> String {
    let mut parts = Vec::new();
    let any = |field: &str, values: &mut dyn Iterator<Item = &str>| {
        let quoted: Vec<String> = values.map(quoted).collect();
        format!("{field} IN [{}]", quoted.join(", "))
    };
    match query.visible {
        Visible::Public => parts.push(format!("audience = {PUBLIC}")),
        Visible::PublicAndOf(own) => parts.push(format!("audience IN [{PUBLIC}, {own}]")),
        Visible::Everything => {}
    }
    parts.push(any("kind", &mut query.kinds.iter().map(|kind| kind.name())));
    for (facet, values) in query.any_of.iter().filter(|(facet, _)| but != Some(**facet)) {
        parts.push(any(facet.name(), &mut values.iter().map(String::as_str)));
    }
    if let Some(band) = &query.band {
        let currency: String = band.currency.chars().filter(char::is_ascii_uppercase).collect();
        parts.push(format!("prices.{currency} >= {}", band.min.unwrap_or_default()));
        if let Some(max) = band.max {
            parts.push(format!("prices.{currency} <= {max}"));
        }
    }
    parts.join(" AND ")
}

fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The order of a query.
pub(super) fn sort(query: &Query) -> Vec<String> {
    let way = |descending: bool| if descending { "desc" } else { "asc" };
    match &query.sort {
        Sort::Relevance if !query.text.trim().is_empty() => Vec::new(),
        Sort::Relevance | Sort::Newest => vec!["listed_at:desc".into()],
        Sort::Price { currency, descending } => {
            let currency: String = currency.chars().filter(char::is_ascii_uppercase).collect();
            vec![format!("prices.{currency}:{}", way(*descending))]
        }
        Sort::Name { chinese, descending } => {
            vec![format!("{}:{}", if *chinese { "sort_zh" } else { "sort_en" }, way(*descending))]
        }
    }
}

/// The settings of an index.
pub(super) fn settings(analyzer: &Analyzer) -> Settings {
    let synonyms: HashMap<String, Vec<String>> = analyzer
        .synonyms()
        .all()
        .map(|(word, others)| (cut(word, Cut::Coarse), others.iter().map(|other| cut(other, Cut::Coarse)).collect()))
        .collect();
    let facets = Facet::ALL.map(Facet::name);
    Settings::new()
        .with_searchable_attributes(["names", "codes", "spelled", "words", "initials", "syllables", "chars", "body"])
        .with_filterable_attributes(facets.into_iter().chain(["id", "kind", "audience", "prices"]))
        .with_sortable_attributes(["listed_at", "sort_zh", "sort_en", "prices"])
        .with_displayed_attributes(["id", "kind", "stamp"])
        // An order that was asked for comes first.
        .with_ranking_rules(["sort", "words", "typo", "proximity", "attribute", "exactness"])
        .with_synonyms(synonyms)
        .with_pagination(PaginationSetting { max_total_hits: DEEPEST })
        .with_faceting(FacetingSettings {
            max_values_per_facet: MOST_VALUES,
            sort_facet_values_by: Some([("*".to_owned(), FacetSortValue::Count)].into()),
        })
        .with_typo_tolerance(TypoToleranceSettings {
            enabled: Some(true),
            disable_on_attributes: Some(["codes", "initials", "chars", "syllables"].map(String::from).to_vec()),
            disable_on_words: Some(Vec::new()),
            min_word_size_for_typos: Some(MinWordSizeForTypos { one_typo: Some(4), two_typos: Some(7) }),
            disable_on_numbers: Some(true),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_ends_the_filter() {
        let mut query = Query::words("x", Visible::Public, &[Kind::Product], 1);
        query.any_of.insert(Facet::Tag, vec!["a\"] OR audience EXISTS OR tag IN [\"b\\".into()]);
        assert_eq!(
            filter(&query, None),
            r#"audience = public AND kind IN ["product"] AND tag IN ["a\"] OR audience EXISTS OR tag IN [\"b\\"]"#
        );
        assert_eq!(filter(&query, Some(Facet::Tag)), r#"audience = public AND kind IN ["product"]"#);
    }
}
