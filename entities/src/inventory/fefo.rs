//! Which lots to take (先到期先出): what is too old first, and nothing that is too old to be sold.

use chrono::{Days, NaiveDate};

/// Stock of one lot that can be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lot<T> {
    /// What it is taken from.
    pub of: T,
    /// The first day on which it is too old; none: it does not age.
    pub expires_on: Option<NaiveDate>,
    /// When it came: of lots that are as old, the first is taken first.
    pub since: NaiveDate,
    /// How much can be taken.
    pub available: i64,
}

/// Whether a lot may still be sold: it keeps at least `days` more after today (停售, `EMS_EXPIRE_WARN` of section 6.2).
pub fn is_saleable(expires_on: Option<NaiveDate>, today: NaiveDate, days: u32) -> bool {
    let first_bad = today.checked_add_days(Days::new(u64::from(days)));
    expires_on.is_none_or(|end| first_bad.is_some_and(|bad| end > bad))
}

/// How much to take of which, together `wanted`; none when there is not enough. What ages comes before what does not.
pub fn pick<T: Copy>(lots: &[Lot<T>], wanted: i64, today: NaiveDate, days: u32) -> Option<Vec<(T, i64)>> {
    let mut order: Vec<&Lot<T>> =
        lots.iter().filter(|lot| lot.available > 0 && is_saleable(lot.expires_on, today, days)).collect();
    order.sort_by_key(|lot| (lot.expires_on.is_none(), lot.expires_on, lot.since));
    let mut left = wanted;
    let mut taken = Vec::new();
    for lot in order {
        if left <= 0 {
            break;
        }
        let some = lot.available.min(left);
        taken.push((lot.of, some));
        left -= some;
    }
    (left <= 0).then_some(taken)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(n: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, 1).unwrap().checked_add_days(Days::new(n.into())).unwrap()
    }

    #[test]
    fn what_ends_first_goes_first_and_what_is_too_old_stays() {
        let lot = |of, expires: Option<u32>, since, available| Lot {
            of,
            expires_on: expires.map(day),
            since: day(since),
            available,
        };
        let lots =
            [lot('a', None, 0, 5), lot('b', Some(200), 3, 4), lot('c', Some(100), 9, 3), lot('d', Some(30), 1, 9)];
        for (wanted, days, expected) in [
            (2, 60, Some(vec![('c', 2)])),
            (5, 60, Some(vec![('c', 3), ('b', 2)])),
            (10, 60, Some(vec![('c', 3), ('b', 4), ('a', 3)])),
            (13, 60, None),
            (13, 0, Some(vec![('d', 9), ('c', 3), ('b', 1)])),
            (0, 0, Some(vec![])),
        ] {
            assert_eq!(pick(&lots, wanted, day(0), days), expected, "{wanted} with {days} days left");
        }
        assert!(is_saleable(Some(day(61)), day(0), 60) && !is_saleable(Some(day(60)), day(0), 60));
        assert!(!is_saleable(Some(day(0)), day(0), 0), "sold on the day on which it is too old");
    }

    proptest! {
        #[test]
        fn a_pick_takes_what_is_wanted_and_what_is_there(
            stock in prop::collection::vec((prop::option::of(0..400_u32), 0..50_i64), 0..12),
            wanted in 0..300_i64,
        ) {
            let lots: Vec<Lot<usize>> = stock.iter().enumerate()
                .map(|(of, (end, available))| Lot { of, expires_on: end.map(day), since: day(0), available: *available }).collect();
            let there: i64 = lots.iter().filter(|lot| is_saleable(lot.expires_on, day(100), 30)).map(|lot| lot.available).sum();
            match pick(&lots, wanted, day(100), 30) {
                Some(taken) => {
                    prop_assert_eq!(taken.iter().map(|(_, n)| n).sum::<i64>(), wanted);
                    for (of, n) in taken {
                        prop_assert!(n > 0 && n <= lots[of].available && is_saleable(lots[of].expires_on, day(100), 30));
                    }
                }
                None => prop_assert!(there < wanted),
            }
        }
    }
}
