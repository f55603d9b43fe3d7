//! Counts the values of facets over everything that a query finds.

use std::collections::HashMap;

use tantivy::{
    DocId, Score, SegmentReader,
    collector::{Collector, SegmentCollector},
    columnar::StrColumn,
};

use crate::Facet;

/// The values of these facets with their counts, in the order of the facets.
pub(super) struct Counts(pub(super) Vec<Facet>);

type Values = HashMap<String, u64>;

pub(super) struct SegmentCounts {
    columns: Vec<Option<(StrColumn, Vec<u32>)>>,
}

impl Collector for Counts {
    type Fruit = Vec<Vec<(String, u64)>>;
    type Child = SegmentCounts;

    fn for_segment(&self, _: u32, segment: &SegmentReader) -> tantivy::Result<SegmentCounts> {
        let column = |facet: &Facet| {
            let column = segment.fast_fields().str(facet.name())?;
            Ok(column.map(|column| {
                let values = column.num_terms();
                (column, vec![0; values])
            }))
        };
        Ok(SegmentCounts { columns: self.0.iter().map(column).collect::<tantivy::Result<_>>()? })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, segments: Vec<Vec<Values>>) -> tantivy::Result<Self::Fruit> {
        let mut sums: Vec<Values> = vec![HashMap::new(); self.0.len()];
        for segment in segments {
            for (sum, values) in sums.iter_mut().zip(segment) {
                for (value, count) in values {
                    *sum.entry(value).or_default() += count;
                }
            }
        }
        Ok(sums.into_iter().map(|sum| crate::query::in_order(sum.into_iter().collect())).collect())
    }
}

impl SegmentCollector for SegmentCounts {
    type Fruit = Vec<Values>;

    fn collect(&mut self, doc: DocId, _: Score) {
        for (column, counts) in self.columns.iter_mut().flatten() {
            for value in column.term_ords(doc) {
                if let Some(count) = usize::try_from(value).ok().and_then(|value| counts.get_mut(value)) {
                    *count += 1;
                }
            }
        }
    }

    fn harvest(self) -> Vec<Values> {
        let values = |column: Option<(StrColumn, Vec<u32>)>| {
            let Some((column, counts)) = column else { return Values::new() };
            let (places, counts): (Vec<u64>, Vec<u32>) = (0u64..).zip(counts).filter(|(_, count)| *count > 0).unzip();
            let (mut values, mut next) = (Values::with_capacity(counts.len()), counts.iter());
            // All in one walk of the dictionary: each by itself would be looked for from the start of its block.
            let read = column.dictionary().sorted_ords_to_term_cb(&places, |text| {
                if let (Ok(text), Some(count)) = (std::str::from_utf8(text), next.next()) {
                    values.insert(text.to_owned(), u64::from(*count));
                }
            });
            if let Err(error) = read {
                tracing::warn!(%error, "the values of a facet cannot be read");
            }
            values
        };
        self.columns.into_iter().map(values).collect()
    }
}
