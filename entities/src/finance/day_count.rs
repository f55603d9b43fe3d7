//! Day counts (计息天数): for how many days interest is owed between two dates, and how many a year has for it. The first
//! day is counted and the last is not (算头不算尾), so that periods that follow each other add up to the whole.

use chrono::{Datelike, NaiveDate};
use sea_orm::entity::prelude::*;

/// How days are counted (计息基准).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
    async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DayCount {
    /// Days of the calendar, of a year of 360: what banks do in CNY and USD (实际天数/360).
    #[serde(rename = "ACT_360")]
    Act360,
    /// Days of the calendar, of a year of 365: what banks do in HKD and GBP (实际天数/365).
    #[serde(rename = "ACT_365")]
    Act365,
    /// Every month has 30 days, the year 360: 30E/360 (30/360).
    #[serde(rename = "THIRTY_360")]
    Thirty360,
}

impl DayCount {
    /// Days of interest from a day on until before another (vector F11); below zero when that one is earlier.
    pub fn days(self, from: NaiveDate, to: NaiveDate) -> i64 {
        match self {
            Self::Act360 | Self::Act365 => to.signed_duration_since(from).num_days(),
            Self::Thirty360 => thirty(to) - thirty(from),
        }
    }

    /// Days of a year.
    pub fn basis(self) -> i64 {
        match self {
            Self::Act360 | Self::Thirty360 => 360,
            Self::Act365 => 365,
        }
    }
}

/// The number of a day when every month has 30. The 31st is the 30th: that is the E of 30E/360, and what makes periods
/// add up.
fn thirty(day: NaiveDate) -> i64 {
    i64::from(day.year()) * 360 + i64::from(day.month()) * 30 + i64::from(day.day().min(30))
}

#[cfg(test)]
mod tests {
    use chrono::Days;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_days_of_f11_and_of_30e_360() {
        use DayCount::{Act360, Act365, Thirty360};
        for (from, to, count, expected) in [
            ("2024-02-28", "2024-03-31", Act360, 32),
            ("2025-02-28", "2025-03-31", Act360, 31),
            ("2024-02-28", "2024-03-31", Act365, 32),
            ("2025-06-16", "2025-09-12", Act360, 88),
            ("2025-06-16", "2025-06-16", Act360, 0),
            ("2025-06-16", "2025-06-15", Act360, -1),
            ("2024-02-28", "2024-03-31", Thirty360, 32),
            ("2025-02-28", "2025-03-31", Thirty360, 32),
            ("2025-01-31", "2025-03-31", Thirty360, 60),
            ("2025-01-30", "2025-01-31", Thirty360, 0),
            ("2025-01-15", "2026-01-15", Thirty360, 360),
            ("2025-08-31", "2026-02-28", Thirty360, 178),
        ] {
            assert_eq!(count.days(day(from), day(to)), expected, "{from} to {to} {count:?}");
        }
        assert_eq!([Act360, Act365, Thirty360].map(DayCount::basis), [360, 365, 360]);
    }

    proptest::proptest! {
        #[test]
        fn periods_that_follow_each_other_add_up(first in 0..3_000_u64, second in 0..400_u64, third in 0..400_u64) {
            let from = day("2020-01-01") + Days::new(first);
            let (middle, to) = (from + Days::new(second), from + Days::new(second + third));
            for count in [DayCount::Act360, DayCount::Act365, DayCount::Thirty360] {
                proptest::prop_assert_eq!(count.days(from, middle) + count.days(middle, to), count.days(from, to));
                proptest::prop_assert!(count.days(from, to) >= 0);
            }
        }
    }
}
