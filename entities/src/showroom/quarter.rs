//! Quarters of an hour (刻钟), numbered since 1970. Visits begin and end with them, and footfall is counted in them. What
//! must not overlap holds each quarter that it takes, so that a key of the database refuses it.

use std::ops::Range;

use chrono::{DateTime, Duration, Utc};

/// How long a quarter is.
pub const QUARTER: Duration = Duration::minutes(15);
const SECONDS: i64 = 900;

/// Whether a quarter begins at a moment.
pub fn begins(at: DateTime<Utc>) -> bool {
    at.timestamp() % SECONDS == 0 && at.timestamp_subsec_nanos() == 0
}

/// The number of the quarter in which a moment lies.
pub fn of(at: DateTime<Utc>) -> i64 {
    at.timestamp().div_euclid(SECONDS)
}

/// The numbers of the quarters between two moments at which quarters begin.
pub fn between(from: DateTime<Utc>, to: DateTime<Utc>) -> Range<i64> {
    of(from)..of(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_begins_four_times_an_hour_and_what_follows_it_does_not_overlap() {
        let at = |seconds: i64| DateTime::from_timestamp(1_700_000_100 + seconds, 0).unwrap();
        for (seconds, begun, number) in [(0, true, 0), (1, false, 0), (899, false, 0), (900, true, 1), (-1, false, -1)]
        {
            assert_eq!((begins(at(seconds)), of(at(seconds)) - of(at(0))), (begun, number), "{seconds}");
        }
        assert!(!begins(at(0) + Duration::milliseconds(1)));
        let (first, second) = (between(at(0), at(3_600)), between(at(3_600), at(5_400)));
        assert_eq!((first.clone().count(), second.clone().count()), (4, 2));
        assert!(first.into_iter().all(|step| !second.contains(&step)));
    }
}
