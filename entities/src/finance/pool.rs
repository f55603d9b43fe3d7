//! How much may be lent at most: against a pool of receivables (借款基数, vector F14), and within several limits at once
//! (额度, vector F13).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::procurement::{matching::share, terms::WHOLE_PPM};

/// Why a receivable does not count in a pool (不合格原因).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, async_graphql::Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "PoolExclusion")]
pub enum Exclusion {
    /// It is overdue for too long (逾期过久).
    Aged,
    /// Too much of what its debtor owes is overdue, so none of that counts (同一债务人交叉逾期).
    CrossAged,
    /// The debtor is of the seller's group (关联交易).
    Affiliate,
    /// The debtor disputes it (有争议).
    Disputed,
}

/// A receivable of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolItem<D> {
    /// Who owes.
    pub debtor: D,
    /// How much, in minor units.
    pub outstanding_minor: i64,
    /// For how many days it is overdue; none and below: it is not.
    pub days_overdue: i64,
    /// Whether the debtor is of the seller's group.
    pub affiliate: bool,
    /// Whether the debtor disputes it.
    pub disputed: bool,
}

/// What does not count in a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolRule {
    /// What is overdue for more days than this does not.
    pub aged_after_days: i64,
    /// Of a debtor that owes more than this share overdue nothing does, in parts per million.
    pub cross_aged_ppm: i32,
}

impl Default for PoolRule {
    /// 90 days, and half of what a debtor owes (A1, A5).
    fn default() -> Self {
        Self { aged_after_days: 90, cross_aged_ppm: WHOLE_PPM / 2 }
    }
}

/// Why each of the receivables does not count; none: it does. For each there is one reason, the first of
/// [`Exclusion`], so that what is taken off is taken off once.
pub fn excluded<D: Ord + Copy>(items: &[PoolItem<D>], rule: &PoolRule) -> Vec<Option<Exclusion>> {
    // Of each debtor: what it owes, and what of that is overdue.
    let mut debtors: BTreeMap<D, (i128, i128)> = BTreeMap::new();
    for item in items {
        let (owed, overdue) = debtors.entry(item.debtor).or_default();
        *owed += i128::from(item.outstanding_minor);
        if item.days_overdue > 0 {
            *overdue += i128::from(item.outstanding_minor);
        }
    }
    let crossed = |debtor: &D| {
        debtors
            .get(debtor)
            .is_some_and(|(owed, overdue)| overdue * i128::from(WHOLE_PPM) > owed * i128::from(rule.cross_aged_ppm))
    };
    let why = |item: &PoolItem<D>| {
        if item.days_overdue > rule.aged_after_days {
            Some(Exclusion::Aged)
        } else if crossed(&item.debtor) {
            Some(Exclusion::CrossAged)
        } else if item.affiliate {
            Some(Exclusion::Affiliate)
        } else {
            item.disputed.then_some(Exclusion::Disputed)
        }
    };
    items.iter().map(why).collect()
}

/// What a pool of receivables is good for. Amounts are in minor units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BorrowingBase {
    /// All receivables.
    pub gross_minor: i64,
    /// What of them does not count, by why.
    pub excluded: BTreeMap<Exclusion, i64>,
    /// What of them counts.
    pub eligible_minor: i64,
    /// How much may be lent against it: a share of that, less a reserve.
    pub base_minor: i64,
    /// How much more may be lent.
    pub headroom_minor: i64,
    /// How much too much is lent: what a margin call is for.
    pub over_minor: i64,
}

/// What a pool is good for: (gross − what does not count) × share − reserve − what is drawn (vector F14).
pub fn borrowing_base(
    gross_minor: i64,
    excluded: &BTreeMap<Exclusion, i64>,
    advance_ppm: i32,
    reserve_minor: i64,
    drawn_minor: i64,
) -> BorrowingBase {
    let off = excluded.values().fold(0, |off: i64, minor| off.saturating_add(*minor));
    let eligible_minor = gross_minor.saturating_sub(off).max(0);
    let base_minor = share(eligible_minor, advance_ppm).saturating_sub(reserve_minor).max(0);
    let free = base_minor.saturating_sub(drawn_minor);
    BorrowingBase {
        gross_minor,
        excluded: excluded.clone(),
        eligible_minor,
        base_minor,
        headroom_minor: free.max(0),
        over_minor: free.saturating_neg().max(0),
    }
}

/// The same of its receivables.
pub fn of_items<D: Ord + Copy>(
    items: &[PoolItem<D>],
    rule: &PoolRule,
    advance_ppm: i32,
    reserve_minor: i64,
    drawn_minor: i64,
) -> BorrowingBase {
    let mut off: BTreeMap<Exclusion, i64> = BTreeMap::new();
    let mut gross: i64 = 0;
    for (item, why) in items.iter().zip(excluded(items, rule)) {
        gross = gross.saturating_add(item.outstanding_minor);
        if let Some(why) = why {
            let sum = off.entry(why).or_default();
            *sum = sum.saturating_add(item.outstanding_minor);
        }
    }
    borrowing_base(gross, &off, advance_ppm, reserve_minor, drawn_minor)
}

/// How much may be financed, and what says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxFinance<L> {
    /// How much, in minor units.
    pub minor: i64,
    /// Which limit; none: no more is asked.
    pub bound_by: Option<L>,
}

/// How much of what is asked may be financed: no more than is free of any limit, debtor's, seller's, programme's or that
/// of the pair (vector F13). Each comes with what is free of it on the day, what is granted for a time included. Of equal
/// ones the first says so.
pub fn max_finance<L>(asked_minor: i64, limits: impl IntoIterator<Item = (L, i64)>) -> MaxFinance<L> {
    let begin = MaxFinance { minor: asked_minor.max(0), bound_by: None };
    limits.into_iter().fold(begin, |most, (limit, free)| {
        let free = free.max(0);
        if free < most.minor { MaxFinance { minor: free, bound_by: Some(limit) } } else { most }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_borrowing_base_of_f14() {
        use Exclusion::{Affiliate, Aged, CrossAged, Disputed};
        let f14 =
            BTreeMap::from([(Aged, 8_000_000), (CrossAged, 6_000_000), (Affiliate, 4_000_000), (Disputed, 2_000_000)]);
        for (gross, drawn, eligible, base, headroom, over) in [
            (100_000_000, 50_000_000, 80_000_000, 65_000_000, 15_000_000, 0),
            (100_000_000, 65_000_001, 80_000_000, 65_000_000, 0, 1),
            (10_000_000, 0, 0, 0, 0, 0),
        ] {
            let found = borrowing_base(gross, &f14, 850_000, 3_000_000, drawn);
            let numbers = (found.eligible_minor, found.base_minor, found.headroom_minor, found.over_minor);
            assert_eq!(numbers, (eligible, base, headroom, over), "{gross} {drawn}");
        }
    }

    #[test]
    fn what_does_not_count_is_taken_off_once() {
        use Exclusion::{Affiliate, Aged, CrossAged, Disputed};
        let item = |debtor, outstanding_minor, days_overdue, affiliate, disputed| PoolItem {
            debtor,
            outstanding_minor,
            days_overdue,
            affiliate,
            disputed,
        };
        let items = [
            // More than half of what it owes is overdue: none of it counts, and what is old is old.
            item('a', 8_000_000, 91, true, true),
            item('a', 6_000_000, 0, false, false),
            // Half is not more than half, and 90 days are not more than 90.
            item('b', 10_000_000, 90, false, false),
            item('b', 10_000_000, 0, false, false),
            item('c', 4_000_000, -5, true, true),
            item('c', 2_000_000, 0, false, true),
            item('c', 60_000_000, 0, false, false),
        ];
        let expected = [Some(Aged), Some(CrossAged), None, None, Some(Affiliate), Some(Disputed), None];
        assert_eq!(excluded(&items, &PoolRule::default()), expected);
        let base = of_items(&items, &PoolRule::default(), 850_000, 3_000_000, 50_000_000);
        assert_eq!((base.gross_minor, base.eligible_minor), (100_000_000, 80_000_000));
        assert_eq!((base.base_minor, base.headroom_minor), (65_000_000, 15_000_000), "F14");
    }

    #[test]
    fn the_limits_of_f13() {
        let asked = share(250_000_000, 800_000);
        let free = [("debtor", 550_000_000 - 260_000_000 - 40_000_000), ("seller", 180_000_000)];
        let expected = MaxFinance { minor: 180_000_000, bound_by: Some("seller") };
        assert_eq!((asked, max_finance(asked, free)), (200_000_000, expected));
    }

    #[test]
    fn the_least_of_what_is_free_says_how_much() {
        for (asked, limits, minor, bound_by) in [
            (100, &[][..], 100, None),
            (100, &[('a', 100), ('b', 100)], 100, None),
            (100, &[('a', 70), ('b', 50), ('c', 50)], 50, Some('b')),
            (100, &[('a', -5)], 0, Some('a')),
            (-1, &[('a', 5)], 0, None),
        ] {
            let found = max_finance(asked, limits.iter().copied());
            assert_eq!(found, MaxFinance { minor, bound_by }, "{asked} {limits:?}");
        }
    }
}
