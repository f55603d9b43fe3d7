//! Figures of a showroom (门店指标): how many came in, scanned and bought, by hours, days, weeks or months of
//! Asia/Shanghai. Rates are whole parts per million, and nothing where there is nothing to compare with.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Days, Duration, Months, NaiveDate, NaiveTime, Utc};

use crate::{
    logistics::figures::median,
    values::{Currency, ErrorCode, Refusal},
};

/// Parts of a whole.
const WHOLE: i128 = 1_000_000;
/// How far the clocks of the zone are ahead, all year.
const AHEAD: Duration = Duration::hours(8);
/// The years of which there can be figures.
const YEARS: std::ops::RangeInclusive<i32> = 2000..=2999;

/// By what figures are told apart (统计粒度).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, async_graphql::Enum)]
#[graphql(name = "FigureGranularity")]
pub enum Granularity {
    /// Hours (小时).
    Hour,
    /// Days (日).
    Day,
    /// Weeks, which begin on Monday (周).
    Week,
    /// Months (月).
    Month,
}

impl Granularity {
    /// Most days of a range.
    pub fn most_days(self) -> u32 {
        match self {
            Self::Hour => 31,
            Self::Day | Self::Week | Self::Month => 400,
        }
    }
}

/// Most spans of a range: the hours of 31 days.
pub const MOST_SPANS: usize = 744;

/// A part of a range: from a moment on until before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "where it begins and ends")]
pub struct Span {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
}

impl Span {
    /// The business day on which it begins.
    pub fn day(&self) -> NaiveDate {
        (self.from + AHEAD).date_naive()
    }
}

/// The moment at which a business day begins.
fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc() - AHEAD
}

/// Where the span ends in which a moment lies that begins one.
fn next(at: DateTime<Utc>, granularity: Granularity) -> Option<DateTime<Utc>> {
    let day = (at + AHEAD).date_naive();
    let until = match granularity {
        Granularity::Hour => return at.checked_add_signed(Duration::hours(1)),
        Granularity::Day => day.checked_add_days(Days::new(1))?,
        Granularity::Week => day.checked_add_days(Days::new(7 - u64::from(day.weekday().num_days_from_monday())))?,
        Granularity::Month => day.with_day(1)?.checked_add_months(Months::new(1))?,
    };
    Some(midnight(until))
}

/// The parts of a range of days, both of which are in it. The first and the last may be less than a whole week or
/// month.
pub fn spans(from: NaiveDate, to: NaiveDate, granularity: Granularity) -> Result<Vec<Span>, Refusal> {
    let outside = |min: String, max: String| Refusal::new(ErrorCode::OutOfRange).with("min", min).with("max", max);
    if !YEARS.contains(&from.year()) {
        let (min, max) = (YEARS.start().to_string(), YEARS.end().to_string());
        return Err(outside(min, max).at("from"));
    }
    let last = from + Days::new(u64::from(granularity.most_days() - 1));
    if !(from..=last).contains(&to) {
        return Err(outside(from.to_string(), last.to_string()).at("to"));
    }
    let (mut at, end) = (midnight(from), midnight(to + Days::new(1)));
    let mut spans = Vec::new();
    while at < end {
        let to = next(at, granularity).map_or(end, |next| next.min(end));
        spans.push(Span { from: at, to });
        at = to;
    }
    Ok(spans)
}

/// So many of so many, in parts per million, rounded down. None: there are none to compare with.
pub fn ppm(part: i64, all: i64) -> Option<i32> {
    if all <= 0 {
        return None;
    }
    // More orders than people were counted say that a counter was off, and that much is said.
    Some(i32::try_from(i128::from(part.max(0)) * WHOLE / i128::from(all)).unwrap_or(i32::MAX))
}

/// What was counted in a span.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// How many came in, without the team.
    pub entered: i64,
    /// How often something was scanned.
    pub scans: i64,
    /// How many people did.
    pub scanners: i64,
    /// How many orders the showroom brought about, of which not all came back.
    pub orders: i64,
    /// What these were sold for and did not come back, in minor units.
    pub revenue: BTreeMap<Currency, i64>,
}

impl Counts {
    /// People who scanned, of those who came in (扫码率).
    pub fn scan_rate(&self) -> Option<i32> {
        ppm(self.scanners, self.entered)
    }

    /// Orders, of those who came in (客流成交率).
    pub fn conversion(&self) -> Option<i32> {
        ppm(self.orders, self.entered)
    }

    /// Orders, of those who scanned (扫码成交率).
    pub fn scan_to_order(&self) -> Option<i32> {
        ppm(self.orders, self.scanners)
    }

    /// All of them together. Who scanned in two spans is one person, so that is counted over the whole range.
    pub fn total<'a>(all: impl IntoIterator<Item = &'a Self>, scanners: i64) -> Self {
        let mut total = Self { scanners, ..Self::default() };
        for one in all {
            total.entered += one.entered;
            total.scans += one.scans;
            total.orders += one.orders;
            for (currency, minor) in &one.revenue {
                *total.revenue.entry(*currency).or_default() += minor;
            }
        }
        total
    }
}

/// How long visits were (停留时长).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dwell {
    /// Of how many visits that is known.
    pub visits: usize,
    /// Their average, in whole minutes, rounded down.
    pub average: Option<i64>,
    /// Their median, in whole minutes.
    pub median: Option<i64>,
}

impl Dwell {
    /// Of these minutes.
    pub fn of(minutes: Vec<i64>) -> Self {
        let visits = minutes.len();
        let sum: i64 = minutes.iter().sum();
        let average = i64::try_from(visits).ok().filter(|n| *n > 0).map(|n| sum.div_euclid(n));
        Self { visits, average, median: median(minutes) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn rates_are_exact_and_nothing_compared_with_nothing_is_nothing() {
        for (part, all, expected) in [
            (96, 480, Some(200_000)),
            (24, 480, Some(50_000)),
            (24, 96, Some(250_000)),
            (150, 1_000, Some(150_000)),
            (0, 480, Some(0)),
            (1, 3, Some(333_333)),
            (3, 2, Some(1_500_000)),
            (24, 0, None),
            (0, 0, None),
            (-1, 10, Some(0)),
            (i64::MAX, 1, Some(i32::MAX)),
        ] {
            assert_eq!(ppm(part, all), expected, "{part} of {all}");
        }
        let counts = Counts { entered: 480, scans: 130, scanners: 96, orders: 24, revenue: BTreeMap::new() };
        let rates = (counts.scan_rate(), counts.conversion(), counts.scan_to_order());
        assert_eq!(rates, (Some(200_000), Some(50_000), Some(250_000)));
        let nobody = Counts { entered: 0, ..counts };
        assert_eq!((nobody.scan_rate(), nobody.conversion()), (None, None));
    }

    #[test]
    fn a_range_is_cut_at_the_midnights_mondays_and_firsts_of_shanghai() {
        let begin = |from: &str, to: &str, granularity: Granularity| {
            let spans = spans(day(from), day(to), granularity).unwrap();
            spans.into_iter().map(|span| span.day().to_string()).collect::<Vec<_>>()
        };
        let first = spans(day("2026-03-01"), day("2026-03-01"), Granularity::Day).unwrap();
        assert_eq!(first[0].from.to_rfc3339(), "2026-02-28T16:00:00+00:00");
        assert_eq!(first[0].to.to_rfc3339(), "2026-03-01T16:00:00+00:00");
        assert_eq!(spans(day("2026-03-01"), day("2026-03-31"), Granularity::Hour).unwrap().len(), MOST_SPANS);
        assert_eq!(begin("2026-02-28", "2026-03-02", Granularity::Day), ["2026-02-28", "2026-03-01", "2026-03-02"]);
        // 1 March 2026 is a Sunday.
        assert_eq!(begin("2026-03-01", "2026-03-10", Granularity::Week), ["2026-03-01", "2026-03-02", "2026-03-09"]);
        assert_eq!(begin("2026-01-31", "2026-03-01", Granularity::Month), ["2026-01-31", "2026-02-01", "2026-03-01"]);
        for (from, to, granularity, field) in [
            ("2026-03-02", "2026-03-01", Granularity::Day, "to"),
            ("2026-03-01", "2026-04-01", Granularity::Hour, "to"),
            ("2026-01-01", "2027-02-05", Granularity::Day, "to"),
            ("1999-12-31", "2000-01-01", Granularity::Day, "from"),
        ] {
            assert_eq!(spans(day(from), day(to), granularity).unwrap_err().field, [field], "{from} to {to}");
        }
        assert!(spans(NaiveDate::MIN, NaiveDate::MAX, Granularity::Month).is_err());
        assert!(spans(day("2026-01-01"), NaiveDate::MAX, Granularity::Month).is_err());
    }

    #[test]
    fn dwell_is_of_visits_that_are_over() {
        assert_eq!(Dwell::of(vec![]), Dwell { visits: 0, average: None, median: None });
        assert_eq!(Dwell::of(vec![10, 20, 90]), Dwell { visits: 3, average: Some(40), median: Some(20) });
    }

    proptest! {
        #[test]
        fn the_sum_of_the_spans_is_the_total_whatever_they_are(
            start in 0..3_000_u64, length in 1..=31_u64, which in 0..4_usize,
            rows in proptest::collection::vec((0..44_640_i64, 0..9_i64, 0..1_000_i64), 0..60),
        ) {
            let from = day("2020-01-01") + Days::new(start);
            let to = from + Days::new(length - 1);
            let kinds = [Granularity::Hour, Granularity::Day, Granularity::Week, Granularity::Month];
            let spans = spans(from, to, kinds[which]).unwrap();
            // They lie side by side and cover the range.
            prop_assert_eq!((spans[0].from, spans[spans.len() - 1].to), (midnight(from), midnight(to + Days::new(1))));
            prop_assert!(spans.windows(2).all(|two| two[0].to == two[1].from));
            prop_assert!(spans.iter().all(|span| span.from < span.to));
            let mut buckets = vec![Counts::default(); spans.len()];
            let mut whole = Counts::default();
            for (minute, entered, minor) in rows {
                let at = midnight(from) + Duration::minutes(minute);
                let mut within = spans.iter().enumerate().filter(|(_, span)| span.from <= at && at < span.to);
                let Some((place, _)) = within.next() else { continue };
                prop_assert!(within.next().is_none());
                for counts in [&mut buckets[place], &mut whole] {
                    counts.entered += entered;
                    counts.scans += 1;
                    counts.orders += entered / 2;
                    *counts.revenue.entry(Currency::CNY).or_default() += minor;
                }
            }
            whole.scanners = 7;
            prop_assert_eq!(Counts::total(&buckets, 7), whole);
        }
    }
}
