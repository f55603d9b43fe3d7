//! What is asked of an engine, and what it answers.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::{Facet, Kind};

/// What the viewer may find at all. Decided by the server, never by the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visible {
    /// What is public.
    Public,
    /// What is public, and what belongs to this organisation.
    PublicAndOf(Uuid),
    /// Everything: for who oversees the zone.
    Everything,
}

/// In which order. Ties are broken by relevance, then by the index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// Best fit first; without words, newest first.
    #[default]
    Relevance,
    /// By when it became public.
    Newest,
    /// By the lowest price in a currency; what has none comes last.
    Price {
        /// ISO 4217 code.
        currency: String,
        /// Dearest first.
        descending: bool,
    },
    /// By name.
    Name {
        /// As Chinese readers expect; else as readers of the Latin alphabet do.
        chinese: bool,
        /// Z first.
        descending: bool,
    },
}

/// Prices between two amounts of minor units, both included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Band {
    /// ISO 4217 code.
    pub currency: String,
    /// From.
    pub min: Option<i64>,
    /// To.
    pub max: Option<i64>,
}

/// A query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// What was typed; nothing finds everything.
    pub text: String,
    /// What the viewer may find at all.
    pub visible: Visible,
    /// Of these kinds.
    pub kinds: Vec<Kind>,
    /// With any of these values, for each of these facets.
    pub any_of: BTreeMap<Facet, Vec<String>>,
    /// With a price in this band.
    pub band: Option<Band>,
    /// What to count. The values of a facet are counted as if nothing of that facet were chosen.
    pub count: Vec<Facet>,
    /// In which order.
    pub sort: Sort,
    /// How many to leave out.
    pub offset: usize,
    /// How many to answer with.
    pub limit: usize,
}

impl Query {
    /// A query for words, and nothing else.
    pub fn words(text: impl Into<String>, visible: Visible, kinds: &[Kind], limit: usize) -> Self {
        Self {
            text: text.into(),
            visible,
            kinds: kinds.to_vec(),
            any_of: BTreeMap::new(),
            band: None,
            count: Vec::new(),
            sort: Sort::Relevance,
            offset: 0,
            limit,
        }
    }
}

/// Something that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Found {
    /// What it is.
    pub kind: Kind,
    /// Which.
    pub id: Uuid,
}

/// The answer to a query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Best first, from `offset` on.
    pub found: Vec<Found>,
    /// How many there are in all.
    pub total: u64,
    /// The values of each facet that was to be counted, most frequent first, then by value.
    pub facets: Vec<(Facet, Vec<(String, u64)>)>,
}

/// Most values of one facet in an answer.
pub(crate) const MOST_VALUES: usize = 100;

/// Counted values in the order of an answer.
pub(crate) fn in_order(mut values: Vec<(String, u64)>) -> Vec<(String, u64)> {
    values.retain(|(_, count)| *count > 0);
    values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    values.truncate(MOST_VALUES);
    values
}
