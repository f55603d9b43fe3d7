//! Figures of carriers (时效指标): how often in time, how long on the way, how long at a place, when it should be there.
//! Each says of how many it was made.

use chrono::{DateTime, Duration, Utc};

use super::BizStep;

/// Fewer than these say nothing of when the next one comes.
pub const ENOUGH: usize = 3;

/// The median; of an even number the mean of the two in the middle, rounded down. None: there is nothing.
pub fn median(mut minutes: Vec<i64>) -> Option<i64> {
    minutes.sort_unstable();
    let upper = *minutes.get(minutes.len() / 2)?;
    if minutes.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *minutes.get(minutes.len() / 2 - 1)?;
    Some(lower + (upper - lower).div_euclid(2))
}

/// How many of so many, in hundredths of a percent, rounded down. None: there are none.
pub fn share(part: usize, all: usize) -> Option<i32> {
    let (part, all) = (i128::try_from(part).ok()?, i128::try_from(all).ok().filter(|all| *all > 0)?);
    i32::try_from(part * 10_000 / all).ok()
}

/// Whether it was there in time; none: it is not there yet, or nothing was promised.
pub fn in_time(promised: Option<DateTime<Utc>>, signed: Option<DateTime<Utc>>) -> Option<bool> {
    Some(signed? <= promised?)
}

/// When a shipment that left at `out` should be there, by the minutes that each leg's like took; and by how many such legs,
/// of the leg that fewest are known of. None: of a leg too few are known.
pub fn eta(out: DateTime<Utc>, legs: Vec<Vec<i64>>) -> Option<(DateTime<Utc>, usize)> {
    let fewest = legs.iter().map(Vec::len).min().filter(|n| *n >= ENOUGH)?;
    let minutes = legs.into_iter().map(median).sum::<Option<i64>>()?;
    Some((out + Duration::minutes(minutes), fewest))
}

/// Something that happened at a place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "when, what, and where")]
pub struct Stop {
    pub at: DateTime<Utc>,
    pub departs: bool,
    pub place: String,
}

impl Stop {
    /// What an event says of a place; none: neither that it came nor that it went.
    pub fn of(at: DateTime<Utc>, step: BizStep, place: Option<&str>) -> Option<Self> {
        let place = place.filter(|place| !place.is_empty())?.to_owned();
        match step {
            BizStep::Departing => Some(Self { at, departs: true, place }),
            BizStep::Arriving => Some(Self { at, departs: false, place }),
            _ => None,
        }
    }
}

/// How many minutes it lay at each place that it came to and went from.
pub fn dwells(stops: impl IntoIterator<Item = Stop>) -> Vec<(String, i64)> {
    let mut stops: Vec<Stop> = stops.into_iter().collect();
    stops.sort_unstable();
    let mut here: Option<Stop> = None;
    let mut found = Vec::new();
    for stop in stops {
        if !stop.departs {
            here = Some(stop);
        } else if let Some(came) = here.take().filter(|came| came.place == stop.place) {
            found.push((stop.place, (stop.at - came.at).num_minutes()));
        }
    }
    found
}

/// When a leg was left for, and when it was come to.
pub type LegTimes = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// When a leg was left for and come to, from where it goes and what happened at places. The first leg begins at the gate,
/// the last ends where the shipment was handed over.
pub fn leg_times(
    ends: &[(String, String)],
    out: Option<DateTime<Utc>>,
    signed: Option<DateTime<Utc>>,
    stops: &[Stop],
) -> Vec<LegTimes> {
    let last = ends.len().saturating_sub(1);
    let first = |departs: bool, place: &str| {
        stops.iter().filter(|stop| stop.departs == departs && stop.place == place).map(|stop| stop.at).min()
    };
    let times = ends.iter().enumerate().map(|(n, (from, to))| {
        let departed = if n == 0 { out } else { first(true, from) };
        let arrived = if n == last { signed } else { first(false, to) };
        (departed, arrived)
    });
    times.collect()
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 3, 1, 8, 0, 0).unwrap() + Duration::minutes(minute)
    }

    #[test]
    fn medians_and_shares_are_what_a_table_says() {
        for (minutes, expected) in
            [(&[][..], None), (&[5], Some(5)), (&[9, 1, 5], Some(5)), (&[1, 2], Some(1)), (&[10, 40, 20, 30], Some(25))]
        {
            assert_eq!(median(minutes.to_vec()), expected, "{minutes:?}");
        }
        for (part, all, expected) in
            [(47, 50, Some(9_400)), (0, 3, Some(0)), (3, 3, Some(10_000)), (2, 3, Some(6_666)), (0, 0, None)]
        {
            assert_eq!(share(part, all), expected, "{part} of {all}");
        }
        for (promised, signed, expected) in [
            (Some(10), Some(10), Some(true)),
            (Some(10), Some(11), Some(false)),
            (Some(10), None, None),
            (None, Some(10), None),
        ] {
            assert_eq!(in_time(promised.map(at), signed.map(at)), expected, "{promised:?} {signed:?}");
        }
    }

    #[test]
    fn a_shipment_should_be_there_after_what_its_legs_took_when_enough_are_known() {
        assert_eq!(eta(at(0), vec![vec![10, 20, 30], vec![100, 110, 120, 130]]), Some((at(135), 3)));
        for few in [vec![], vec![vec![]], vec![vec![10, 20, 30], vec![1, 2]]] {
            assert_eq!(eta(at(0), few.clone()), None, "{few:?}");
        }
    }

    #[test]
    fn what_lies_somewhere_lies_from_its_coming_to_its_going() {
        let stop = |minute: i64, departs: bool, place: &str| Stop { at: at(minute), departs, place: place.into() };
        let stops = vec![stop(100, true, "LZH"), stop(40, false, "LZH"), stop(0, true, "XNN"), stop(200, false, "XIY")];
        assert_eq!(dwells(stops.clone()), [("LZH".to_owned(), 60)]);
        assert_eq!(dwells([stop(0, false, "A"), stop(5, true, "B")]), []);
        let legs = [("XNN".to_owned(), "LZH".to_owned()), ("LZH".to_owned(), "XIY".to_owned())];
        let times = leg_times(&legs, Some(at(0)), Some(at(300)), &stops);
        assert_eq!(times, [(Some(at(0)), Some(at(40))), (Some(at(100)), Some(at(300)))]);
    }
}
