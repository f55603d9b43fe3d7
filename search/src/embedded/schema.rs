//! The fields of the index, and how a document becomes a row of it.

use std::collections::BTreeSet;

use tantivy::{
    TantivyDocument, TantivyError,
    schema::{
        FAST, Field, IndexRecordOption, JsonObjectOptions, NumericOptions, OwnedValue, STORED, STRING, Schema,
        TextFieldIndexing, TextOptions, Value,
    },
    tokenizer::{PreTokenizedString, Token as IndexToken},
};
use uuid::Uuid;

use crate::{
    Document, Facet, Found, Kind, SearchError,
    analysis::{Cut, Script, Token, code, heads, initials, readings, spelled, spoken, stem, tokens},
};

/// Longest run of characters that is spelled as one word.
const LONGEST_SPELLED: usize = 8;
/// What lies between two texts of one field, so that no phrase spans them.
const GAP: usize = 10;

/// The name of the field of prices, under which each currency is a column.
pub(super) const PRICES: &str = "prices";

#[derive(Clone, Copy, Debug)]
pub(super) struct Fields {
    pub(super) id: Field,
    pub(super) kind: Field,
    pub(super) stamp: Field,
    /// Who may find it.
    pub(super) audience: Field,
    /// Words of names, English ones as stems.
    pub(super) name: Field,
    /// Words of what else names it.
    pub(super) words: Field,
    /// Words of descriptions.
    pub(super) body: Field,
    /// Chinese characters of names and what else names it, one by one.
    pub(super) chars: Field,
    /// The same as syllables, every reading at its place.
    pub(super) syllables: Field,
    /// Chinese words spelled in one.
    pub(super) pinyin: Field,
    /// Chinese words as their initials.
    pub(super) initials: Field,
    /// Other words as they are written, for typos and beginnings.
    pub(super) letters: Field,
    /// Last characters of Chinese words.
    pub(super) heads: Field,
    /// Whole names.
    pub(super) exact: Field,
    pub(super) code: Field,
    pub(super) prices: Field,
    facets: [Field; Facet::ALL.len()],
    listed_at: Field,
    sort_zh: Field,
    sort_en: Field,
}

pub(super) fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let text = |option: IndexRecordOption, norms: bool| {
        let indexing = TextFieldIndexing::default().set_tokenizer("raw").set_index_option(option).set_fieldnorms(norms);
        TextOptions::default().set_indexing_options(indexing)
    };
    let words = text(IndexRecordOption::WithFreqs, true);
    let places = text(IndexRecordOption::WithFreqsAndPositions, false);
    let terms = text(IndexRecordOption::Basic, false);
    let value = STRING | FAST;
    let fields = Fields {
        id: schema.add_text_field("id", STRING | STORED),
        kind: schema.add_text_field("kind", STRING | STORED),
        stamp: schema.add_text_field("stamp", STORED),
        audience: schema.add_text_field("audience", STRING),
        name: schema.add_text_field("name", words.clone()),
        words: schema.add_text_field("words", words.clone()),
        body: schema.add_text_field("body", words),
        chars: schema.add_text_field("chars", places.clone()),
        syllables: schema.add_text_field("syllables", places),
        pinyin: schema.add_text_field("pinyin", terms.clone()),
        initials: schema.add_text_field("initials", terms.clone()),
        letters: schema.add_text_field("letters", terms.clone()),
        heads: schema.add_text_field("heads", terms),
        exact: schema.add_text_field("exact", STRING),
        code: schema.add_text_field("code", STRING),
        prices: schema.add_json_field(PRICES, JsonObjectOptions::default().set_fast("raw")),
        facets: Facet::ALL.map(|facet| schema.add_text_field(facet.name(), value.clone())),
        listed_at: schema.add_i64_field("listed_at", NumericOptions::default().set_fast()),
        sort_zh: schema.add_text_field("sort_zh", FAST),
        sort_en: schema.add_text_field("sort_en", FAST),
    };
    (schema.build(), fields)
}

impl Fields {
    /// The field of a facet.
    pub(super) fn facet(&self, facet: Facet) -> Field {
        // In the order of `Facet::ALL`.
        let [category, brand, seller, origin, supply_mode, tag, availability, status, hs, role, place] = self.facets;
        match facet {
            Facet::Category => category,
            Facet::Brand => brand,
            Facet::Seller => seller,
            Facet::Origin => origin,
            Facet::SupplyMode => supply_mode,
            Facet::Tag => tag,
            Facet::Availability => availability,
            Facet::Status => status,
            Facet::Hs => hs,
            Facet::Role => role,
            Facet::Place => place,
        }
    }

    /// What a row is of.
    pub(super) fn found(&self, row: &TantivyDocument) -> Result<Found, SearchError> {
        let text = |field: Field| row.get_first(field).and_then(|value| value.as_str());
        let id = text(self.id).and_then(|id| Uuid::parse_str(id).ok());
        match (text(self.kind).and_then(Kind::of_name), id) {
            (Some(kind), Some(id)) => Ok(Found { kind, id }),
            _ => Err(TantivyError::InternalError("a row without an id".into()).into()),
        }
    }

    /// The row of a document.
    pub(super) fn row(&self, document: &Document) -> TantivyDocument {
        let mut row = TantivyDocument::default();
        row.add_text(self.id, document.id.simple().to_string());
        row.add_text(self.kind, document.kind.name());
        row.add_text(self.stamp, document.stamp());
        if document.public {
            row.add_text(self.audience, PUBLIC);
        }
        if let Some(owner) = document.owner {
            row.add_text(self.audience, owner.simple().to_string());
        }
        let mut written = Written::default();
        for name in document.names.values() {
            let read = tokens(name, Cut::Fine);
            row.add_pre_tokenized_text(self.name, stems(&read));
            row.add_text(self.exact, code(name));
            written.take(name, &read);
        }
        for name in &document.words {
            let read = tokens(name, Cut::Fine);
            row.add_pre_tokenized_text(self.words, stems(&read));
            written.take(name, &read);
        }
        for text in &document.body {
            row.add_pre_tokenized_text(self.body, stems(&tokens(text, Cut::Fine)));
        }
        row.add_pre_tokenized_text(self.chars, placed(written.chars));
        row.add_pre_tokenized_text(self.syllables, placed(written.syllables));
        for (field, terms) in [
            (self.pinyin, written.pinyin),
            (self.initials, written.initials),
            (self.letters, written.letters),
            (self.heads, written.heads),
        ] {
            row.add_pre_tokenized_text(field, placed(terms.into_iter().map(|term| (0, term)).collect()));
        }
        for text in &document.codes {
            row.add_text(self.code, code(text));
        }
        for (facet, values) in &document.facets {
            for value in values {
                row.add_text(self.facet(*facet), value);
            }
        }
        if !document.prices.is_empty() {
            let prices = document.prices.iter().map(|(currency, minor)| (currency.clone(), OwnedValue::I64(*minor)));
            row.add_object(self.prices, prices.collect());
        }
        row.add_i64(self.listed_at, document.listed_at);
        row.add_text(self.sort_zh, &document.sort_zh);
        row.add_text(self.sort_en, &document.sort_en);
        row
    }
}

/// The audience of what everyone may find.
pub(super) const PUBLIC: &str = "public";

/// How names are written and sound.
#[derive(Default)]
struct Written {
    chars: Vec<(usize, String)>,
    syllables: Vec<(usize, String)>,
    pinyin: BTreeSet<String>,
    initials: BTreeSet<String>,
    letters: BTreeSet<String>,
    heads: BTreeSet<String>,
    place: usize,
}

impl Written {
    fn take(&mut self, text: &str, read: &[Token]) {
        let mut run = String::new();
        let mut end = None;
        for token in tokens(text, Cut::Coarse) {
            if token.script != Script::Han || end.is_some_and(|end| end != token.start) {
                self.run(&mut run);
            }
            if token.script == Script::Han {
                run.push_str(&token.text);
                end = Some(token.end);
            }
        }
        self.run(&mut run);
        for word in spoken(text, LONGEST_SPELLED) {
            self.pinyin.extend(spelled(&word));
            self.initials.extend(initials(&word));
        }
        self.letters.extend(read.iter().filter(|token| token.script != Script::Han).map(|token| token.text.clone()));
        self.heads.extend(heads(text));
    }

    /// A run of Chinese characters: each at its place.
    fn run(&mut self, run: &mut String) {
        if run.is_empty() {
            return;
        }
        for c in run.chars() {
            self.chars.push((self.place, c.to_string()));
            self.syllables.extend(readings(c).into_iter().map(|reading| (self.place, reading)));
            self.place += 1;
        }
        self.place += GAP;
        run.clear();
    }
}

fn stems(read: &[Token]) -> PreTokenizedString {
    let terms = read.iter().enumerate().map(|(place, token)| {
        let text = if token.script == Script::Letters { stem(&token.text).into_owned() } else { token.text.clone() };
        (place, text)
    });
    placed(terms.collect())
}

fn placed(terms: Vec<(usize, String)>) -> PreTokenizedString {
    let token = |(position, text): (usize, String)| IndexToken { position, text, ..IndexToken::default() };
    PreTokenizedString { text: String::new(), tokens: terms.into_iter().map(token).collect() }
}
