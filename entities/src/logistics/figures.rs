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

/// Whether it was there in time; none: nothing was promised, or the time is not up. What is not there when its time is up
/// is late, whatever becomes of it: otherwise who loses what is late would look the better for it.
pub fn in_time(promised: Option<DateTime<Utc>>, signed: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<bool> {
    let promised = promised?;
    match signed {
        Some(signed) => Some(signed <= promised),
        None => (now > promised).then_some(false),
    }
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
pub struct Stop {
    /// When.
    pub at: DateTime<Utc>,
    /// Whether it went from there; otherwise it came.
    pub departs: bool,
    /// Where it was seen.
    pub place: String,
    /// Where that is, when it was said as well: carriers have names of their own for a place, and say its code here.
    pub within: Option<String>,
}

impl Stop {
    /// What an event says of a place; none: neither that it came nor that it went.
    pub fn of(at: DateTime<Utc>, step: BizStep, read_point: Option<&str>, biz_location: Option<&str>) -> Option<Self> {
        let said = |place: Option<&str>| place.filter(|place| !place.is_empty()).map(str::to_owned);
        let (place, within) = match (said(read_point), said(biz_location)) {
            (Some(place), within) => (place, within),
            (None, within) => (within?, None),
        };
        match step {
            BizStep::Departing => Some(Self { at, departs: true, place, within }),
            BizStep::Arriving => Some(Self { at, departs: false, place, within }),
            _ => None,
        }
    }

    fn is_at(&self, place: &str) -> bool {
        self.place == place || self.within.as_deref() == Some(place)
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
        stops.iter().filter(|stop| stop.departs == departs && stop.is_at(place)).map(|stop| stop.at).min()
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
        for (promised, signed, now, expected) in [
            (Some(10), Some(10), 20, Some(true)),
            (Some(10), Some(11), 20, Some(false)),
            (Some(10), None, 10, None),
            (Some(10), None, 11, Some(false)),
            (None, Some(10), 20, None),
            (None, None, 20, None),
        ] {
            let told = in_time(promised.map(at), signed.map(at), at(now));
            assert_eq!(told, expected, "{promised:?} {signed:?} {now}");
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
        let stop = |minute: i64, departs: bool, place: &str| {
            let step = if departs { BizStep::Departing } else { BizStep::Arriving };
            Stop::of(at(minute), step, Some(place), None).unwrap()
        };
        let stops = vec![stop(100, true, "LZH"), stop(40, false, "LZH"), stop(0, true, "XNN"), stop(200, false, "XIY")];
        assert_eq!(dwells(stops.clone()), [("LZH".to_owned(), 60)]);
        assert_eq!(dwells([stop(0, false, "A"), stop(5, true, "B")]), []);
        let legs = [("XNN".to_owned(), "LZH".to_owned()), ("LZH".to_owned(), "XIY".to_owned())];
        let times = leg_times(&legs, Some(at(0)), Some(at(300)), &stops);
        assert_eq!(times, [(Some(at(0)), Some(at(40))), (Some(at(100)), Some(at(300)))]);
    }

    #[test]
    fn a_place_is_known_by_its_code_whatever_its_carrier_calls_it() {
        let legs = [("CNXNN".to_owned(), "CNLZH".to_owned()), ("CNLZH".to_owned(), "310115".to_owned())];
        for (read_point, biz_location, found) in [
            (Some("CNLZH"), None, true),
            (Some("兰州东货场"), Some("CNLZH"), true),
            (None, Some("CNLZH"), true),
            (Some("兰州东货场"), None, false),
        ] {
            let stops = [Stop::of(at(7), BizStep::Arriving, read_point, biz_location).unwrap()];
            let expected = found.then(|| at(7));
            assert_eq!(leg_times(&legs, None, None, &stops)[0].1, expected, "{read_point:?} {biz_location:?}");
        }
        for (step, place) in [(BizStep::Arriving, Some("")), (BizStep::Arriving, None), (BizStep::Storing, Some("A"))] {
            assert_eq!(Stop::of(at(0), step, place, None), None, "{step:?} {place:?}");
        }
    }
}
