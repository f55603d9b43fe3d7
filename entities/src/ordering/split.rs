//! Which warehouse serves what (拆单): as few parcels as a simple rule finds, always the same for the same stock.
//!
//! A line goes to one warehouse whole when one has enough of it. Of the warehouses the one that can serve most of the
//! lines that are left comes first; of equals, the first in order. Only a line that no warehouse has whole is divided,
//! in whole steps, the fullest warehouse first.

use std::{cmp::Reverse, collections::BTreeMap};

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<V> {
    /// What one unit of it is taken from: one variant, or the parts of a bundle.
    pub parts: Vec<(V, i64)>,
    /// How many units.
    pub units: i64,
    /// Portions of it are multiples of this.
    pub step: i64,
}

/// What is available, by warehouse and variant.
pub type Stock<P, V> = BTreeMap<P, BTreeMap<V, i64>>;

/// So many units of a line from one warehouse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Portion<P> {
    /// Index of the line.
    pub line: usize,
    /// The warehouse.
    pub place: P,
    /// How many.
    pub units: i64,
}

/// A line of which there is not enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Short {
    /// Index of the line.
    pub line: usize,
    /// How many units of it there are, over all warehouses.
    pub available: i64,
}

/// How many units of a line a warehouse has.
fn units<V: Ord>(line: &Line<V>, there: &BTreeMap<V, i64>) -> i64 {
    let of = |(variant, each): &(V, i64)| there.get(variant).copied().unwrap_or_default().max(0) / (*each).max(1);
    line.parts.iter().map(of).min().unwrap_or_default()
}

fn take<V: Ord>(line: &Line<V>, there: &mut BTreeMap<V, i64>, taken: i64) {
    for (variant, each) in &line.parts {
        if let Some(left) = there.get_mut(variant) {
            *left -= each * taken;
        }
    }
}

/// Divides lines over warehouses, and takes what they get from `stock`. Lines of which there is not enough are named, all
/// of them, and get nothing; the others get theirs all the same.
pub fn split<V: Ord + Copy, P: Ord + Copy>(
    lines: &[Line<V>],
    stock: &mut Stock<P, V>,
) -> (Vec<Portion<P>>, Vec<Short>) {
    let mut portions = Vec::new();
    let mut short = Vec::new();
    let mut left: Vec<usize> = (0..lines.len()).collect();
    while let Some(&first) = left.first() {
        let whole = |there: &BTreeMap<V, i64>| serves(lines, &left, there);
        let best =
            stock.iter().map(|(place, there)| (whole(there), *place)).max_by_key(|(n, p)| (n.len(), Reverse(*p)));
        match best {
            Some((served, place)) if !served.is_empty() => {
                let Some(there) = stock.get_mut(&place) else { break };
                for line in &served {
                    take(&lines[*line], there, lines[*line].units);
                    portions.push(Portion { line: *line, place, units: lines[*line].units });
                }
                left.retain(|line| !served.contains(line));
            }
            _ => {
                // Nobody has any of these lines whole.
                match divided(&lines[first], stock) {
                    Ok(some) => {
                        for (place, units) in some {
                            if let Some(there) = stock.get_mut(&place) {
                                take(&lines[first], there, units);
                            }
                            portions.push(Portion { line: first, place, units });
                        }
                    }
                    Err(available) => short.push(Short { line: first, available }),
                }
                left.remove(0);
            }
        }
    }
    portions.sort_by_key(|portion| (portion.place, portion.line));
    (portions, short)
}

/// Which of the lines a warehouse serves whole, when it serves them in their order.
fn serves<V: Ord + Copy>(lines: &[Line<V>], left: &[usize], there: &BTreeMap<V, i64>) -> Vec<usize> {
    let mut there = there.clone();
    let mut served = Vec::new();
    for line in left {
        if units(&lines[*line], &there) >= lines[*line].units {
            take(&lines[*line], &mut there, lines[*line].units);
            served.push(*line);
        }
    }
    served
}

/// The portions of a line that nobody has whole, or how many units there are.
fn divided<V: Ord, P: Ord + Copy>(line: &Line<V>, stock: &Stock<P, V>) -> Result<Vec<(P, i64)>, i64> {
    let step = line.step.max(1);
    let mut full: Vec<(P, i64)> =
        stock.iter().map(|(place, there)| (*place, units(line, there) / step * step)).filter(|(_, n)| *n > 0).collect();
    full.sort_by_key(|(place, n)| (Reverse(*n), *place));
    let available = full.iter().map(|(_, n)| n).sum();
    let mut wanted = line.units;
    let mut some = Vec::new();
    for (place, n) in full {
        let taken = n.min(wanted);
        if taken > 0 {
            some.push((place, taken));
            wanted -= taken;
        }
    }
    if wanted > 0 { Err(available) } else { Ok(some) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(parts: &[(char, i64)], units: i64, step: i64) -> Line<char> {
        Line { parts: parts.to_vec(), units, step }
    }

    fn stock(of: &[(u8, char, i64)]) -> Stock<u8, char> {
        let mut stock = Stock::new();
        for (place, variant, n) in of {
            *stock.entry(*place).or_insert_with(BTreeMap::new).entry(*variant).or_default() += n;
        }
        stock
    }

    #[test]
    fn few_parcels_and_nothing_that_is_not_there() {
        let (a, b, c) = (line(&[('a', 1)], 5, 1), line(&[('b', 1)], 5, 1), line(&[('a', 2), ('c', 1)], 2, 1));
        for (case, lines, there, portions, short) in [
            (
                "one warehouse has all",
                vec![&a, &b],
                vec![(1, 'a', 9), (2, 'a', 9), (2, 'b', 9)],
                vec![(0, 2, 5), (1, 2, 5)],
                vec![],
            ),
            ("two are needed", vec![&a, &b], vec![(1, 'a', 9), (2, 'b', 9)], vec![(0, 1, 5), (1, 2, 5)], vec![]),
            ("a line is divided", vec![&a], vec![(1, 'a', 2), (2, 'a', 4)], vec![(0, 1, 1), (0, 2, 4)], vec![]),
            (
                "there is not enough",
                vec![&a, &b],
                vec![(1, 'a', 2), (2, 'a', 2), (2, 'b', 5)],
                vec![(1, 2, 5)],
                vec![(0, 4)],
            ),
            ("a bundle and its part", vec![&a, &c], vec![(1, 'a', 9), (1, 'c', 2)], vec![(0, 1, 5), (1, 1, 2)], vec![]),
            (
                "a bundle that its part left too little for",
                vec![&a, &c],
                vec![(1, 'a', 8), (1, 'c', 2)],
                vec![(0, 1, 5)],
                vec![(1, 1)],
            ),
            ("nothing anywhere", vec![&a], vec![], vec![], vec![(0, 0)]),
        ] {
            let lines: Vec<Line<char>> = lines.into_iter().cloned().collect();
            let found = split(&lines, &mut stock(&there));
            let seen: Vec<_> = found.0.iter().map(|p| (p.line, p.place, p.units)).collect();
            let missing: Vec<_> = found.1.iter().map(|s| (s.line, s.available)).collect();
            assert_eq!((seen, missing), (portions, short), "{case}");
        }
        let packs = line(&[('a', 1)], 12, 6);
        let (portions, _) = split(&[packs], &mut stock(&[(1, 'a', 8), (2, 'a', 7)]));
        assert_eq!(portions.iter().map(|p| p.units).collect::<Vec<_>>(), [6, 6], "a pack is opened");
    }

    proptest! {
        #[test]
        fn what_is_asked_for_is_what_is_given(
            there in prop::collection::vec((0..4_u8, prop::sample::select(vec!['a', 'b', 'c']), 0..20_i64), 0..10),
            asked in prop::collection::vec((prop::sample::subsequence(vec!['a', 'b', 'c'], 1..3), 1..3_i64, 1..15_i64), 1..6),
        ) {
            let lines: Vec<Line<char>> = asked.into_iter()
                .map(|(variants, each, units)| line(&variants.into_iter().map(|v| (v, each)).collect::<Vec<_>>(), units, 1)).collect();
            let before = stock(&there);
            let mut after = before.clone();
            let (portions, short) = split(&lines, &mut after);
            for (n, line) in lines.iter().enumerate() {
                let given: i64 = portions.iter().filter(|p| p.line == n).map(|p| p.units).sum();
                let missing = short.iter().any(|s| s.line == n);
                prop_assert_eq!(given, if missing { 0 } else { line.units });
            }
            for (place, there) in &before {
                for (variant, n) in there {
                    let taken: i64 = portions.iter().filter(|p| p.place == *place)
                        .map(|p| lines[p.line].parts.iter().filter(|(v, _)| v == variant).map(|(_, each)| each * p.units).sum::<i64>()).sum();
                    prop_assert!(taken <= *n, "{taken} of {n} taken");
                    prop_assert_eq!(after[place][variant], n - taken);
                }
            }
        }
    }
}
