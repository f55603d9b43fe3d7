//! Working days (工作日): which days are worked, and where a date goes that falls on one that is not.
//!
//! In China the State Council says for every year which days are holidays and which days of weekends are worked
//! instead. What it said is data here ([`Arrangement`]), so that the next year is a matter of configuration. Of a year
//! that nobody entered only the weekends are known; [`Calendar::knows`] says so, and who relies on a date asks.

use std::{collections::BTreeMap, iter::successors};

use chrono::{Datelike, NaiveDate, Weekday};
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::{ErrorCode, Refusal, Refusals, refusal::Check};

/// Where a date goes that is no working day (节假日顺延规则).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "DueDateRoll")]
pub enum Roll {
    /// Nowhere (不调整).
    None,
    /// To the next working day (顺延).
    Following,
    /// To the next working day of the same month, or else to the one before (顺延但不跨月).
    ModifiedFollowing,
    /// To the working day before (提前).
    Preceding,
}

/// What is arranged for a year (节假日安排).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrangement {
    /// For which year.
    pub year: i32,
    /// First and last day of each holiday.
    pub holidays: Vec<(NaiveDate, NaiveDate)>,
    /// Days of weekends that are worked (调休上班).
    pub workdays: Vec<NaiveDate>,
}

impl Arrangement {
    /// The arrangement, when it is one: holidays end after they begin, what is worked instead is a weekend and no
    /// holiday, and all of it lies about its year. A holiday may begin in the last days of the year before.
    pub fn checked(&self) -> Result<(), Refusals> {
        let mut check = Check::default();
        let wrong = |day: NaiveDate| Refusal::new(ErrorCode::InvalidValue).with("value", day.to_string());
        let near = |day: NaiveDate| self.year.abs_diff(day.year()) <= 1;
        for (first, last) in &self.holidays {
            check.demand(first <= last && near(*first) && near(*last), "holidays", || wrong(*first));
        }
        for day in &self.workdays {
            check.demand(is_weekend(*day) && near(*day) && !self.rests(*day), "workdays", || wrong(*day));
        }
        check.done(())
    }

    /// Whether a day is one of its holidays.
    fn rests(&self, day: NaiveDate) -> bool {
        self.holidays.iter().any(|(first, last)| (*first..=*last).contains(&day))
    }
}

/// Month and day.
type Day = (u32, u32);

/// What the State Council arranged for a year: holidays from and to, and weekends that are worked.
struct Arranged {
    year: i32,
    holidays: &'static [(Day, Day)],
    workdays: &'static [Day],
}

impl Arranged {
    fn arrangement(&self) -> Arrangement {
        let date = |(month, day): Day| NaiveDate::from_ymd_opt(self.year, month, day);
        Arrangement {
            year: self.year,
            holidays: self.holidays.iter().filter_map(|(first, last)| Some((date(*first)?, date(*last)?))).collect(),
            workdays: self.workdays.iter().filter_map(|day| date(*day)).collect(),
        }
    }
}

/// The arrangements of the General Office of the State Council (国务院办公厅关于部分节假日安排的通知).
const CHINA: [Arranged; 2] = [
    Arranged {
        year: 2025,
        holidays: &[
            ((1, 1), (1, 1)),
            ((1, 28), (2, 4)),
            ((4, 4), (4, 6)),
            ((5, 1), (5, 5)),
            ((5, 31), (6, 2)),
            ((10, 1), (10, 8)),
        ],
        workdays: &[(1, 26), (2, 8), (4, 27), (9, 28), (10, 11)],
    },
    Arranged {
        year: 2026,
        holidays: &[
            ((1, 1), (1, 3)),
            ((2, 15), (2, 23)),
            ((4, 4), (4, 6)),
            ((5, 1), (5, 5)),
            ((6, 19), (6, 21)),
            ((9, 25), (9, 27)),
            ((10, 1), (10, 7)),
        ],
        workdays: &[(1, 4), (2, 14), (2, 28), (5, 9), (9, 20), (10, 10)],
    },
];

/// A calendar of working days: weekends, and what was arranged for each year. Empty: weekends alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calendar {
    years: BTreeMap<i32, Arrangement>,
}

impl Calendar {
    /// The calendar of mainland China, for the years whose arrangements are in this program.
    pub fn china() -> Self {
        Self::of(CHINA.iter().map(Arranged::arrangement))
    }

    /// A calendar of these years.
    pub fn of(years: impl IntoIterator<Item = Arrangement>) -> Self {
        Self { years: years.into_iter().map(|year| (year.year, year)).collect() }
    }

    /// The same calendar with these years, in place of what it had for them.
    #[must_use]
    pub fn with(mut self, years: impl IntoIterator<Item = Arrangement>) -> Self {
        self.years.extend(years.into_iter().map(|year| (year.year, year)));
        self
    }

    /// Whether the holidays of a year are known. When not, a working day is any that is no weekend.
    pub fn knows(&self, year: i32) -> bool {
        self.years.contains_key(&year)
    }

    /// Whether a day is worked.
    pub fn is_working_day(&self, day: NaiveDate) -> bool {
        // All years are asked: a holiday may begin in the last days of the year before.
        let worked = self.years.values().any(|year| year.workdays.contains(&day));
        worked || !(is_weekend(day) || self.years.values().any(|year| year.rests(day)))
    }

    /// Where a date goes by a rule (vector F12). A working day stays.
    pub fn roll(&self, day: NaiveDate, roll: Roll) -> NaiveDate {
        match roll {
            Roll::None => day,
            Roll::Following => self.first(day, NaiveDate::succ_opt),
            Roll::Preceding => self.first(day, NaiveDate::pred_opt),
            Roll::ModifiedFollowing => {
                let later = self.roll(day, Roll::Following);
                let stays = (later.year(), later.month()) == (day.year(), day.month());
                if stays { later } else { self.roll(day, Roll::Preceding) }
            }
        }
    }

    /// The working day that comes so many working days after a day, or before it when `count` is below zero. The day
    /// itself is not counted, whether it is worked or not; none: the day as it is.
    pub fn add_working_days(&self, day: NaiveDate, count: i32) -> NaiveDate {
        let step: fn(&NaiveDate) -> Option<NaiveDate> =
            if count < 0 { NaiveDate::pred_opt } else { NaiveDate::succ_opt };
        let Some(between) = count.unsigned_abs().checked_sub(1) else { return day };
        let between = usize::try_from(between).unwrap_or(usize::MAX);
        successors(step(&day), step).filter(|next| self.is_working_day(*next)).nth(between).unwrap_or(day)
    }

    /// The first working day from a day on.
    fn first(&self, day: NaiveDate, step: fn(&NaiveDate) -> Option<NaiveDate>) -> NaiveDate {
        successors(Some(day), step).find(|next| self.is_working_day(*next)).unwrap_or(day)
    }
}

fn is_weekend(day: NaiveDate) -> bool {
    matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
}

#[cfg(test)]
mod tests {
    use chrono::Days;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn holidays_are_not_worked_and_some_weekends_are() {
        let china = Calendar::china();
        for (date, worked) in [
            ("2025-01-01", false),
            ("2025-01-26", true),
            ("2025-01-28", false),
            ("2025-02-04", false),
            ("2025-02-05", true),
            ("2025-02-08", true),
            ("2025-02-09", false),
            ("2025-04-27", true),
            ("2025-05-06", true),
            ("2025-06-02", false),
            ("2025-09-28", true),
            ("2025-10-08", false),
            ("2025-10-11", true),
            ("2025-10-12", false),
            ("2026-01-02", false),
            ("2026-01-04", true),
            ("2026-02-14", true),
            ("2026-02-23", false),
            ("2026-02-24", true),
            ("2026-02-28", true),
            ("2026-05-09", true),
            ("2026-06-19", false),
            ("2026-09-20", true),
            ("2026-09-25", false),
            ("2026-10-07", false),
            ("2026-10-08", true),
            ("2026-10-10", true),
        ] {
            assert_eq!(china.is_working_day(day(date)), worked, "{date}");
        }
    }

    #[test]
    fn the_roll_of_f12_and_the_other_rules() {
        use Roll::{Following, ModifiedFollowing, None, Preceding};
        let china = Calendar::china();
        for (date, roll, expected) in [
            ("2025-10-04", Following, "2025-10-09"),
            ("2025-10-04", ModifiedFollowing, "2025-10-09"),
            ("2025-10-04", Preceding, "2025-09-30"),
            ("2025-10-04", None, "2025-10-04"),
            ("2025-10-11", Following, "2025-10-11"),
            ("2025-05-31", Following, "2025-06-03"),
            ("2025-05-31", ModifiedFollowing, "2025-05-30"),
            ("2025-09-12", Preceding, "2025-09-12"),
            ("2026-02-15", Following, "2026-02-24"),
            ("2026-02-15", Preceding, "2026-02-14"),
            ("2026-01-02", Preceding, "2025-12-31"),
        ] {
            assert_eq!(china.roll(day(date), roll), day(expected), "{date} {roll:?}");
        }
    }

    #[test]
    fn working_days_are_counted_from_the_day_after() {
        let china = Calendar::china();
        for (date, count, expected) in [
            ("2025-09-30", 1, "2025-10-09"),
            ("2025-09-30", 3, "2025-10-11"),
            ("2025-09-30", 4, "2025-10-13"),
            ("2025-10-04", 1, "2025-10-09"),
            ("2025-10-04", 0, "2025-10-04"),
            ("2025-10-09", -1, "2025-09-30"),
            ("2025-10-13", -2, "2025-10-10"),
        ] {
            assert_eq!(china.add_working_days(day(date), count), day(expected), "{date} and {count}");
        }
    }

    #[test]
    fn of_a_year_that_nobody_entered_the_weekends_are_known() {
        let china = Calendar::china();
        assert!(china.knows(2025) && china.knows(2026) && !china.knows(2027));
        assert!(china.is_working_day(day("2027-10-01")), "nobody said that it is a holiday");
        assert_eq!(china.roll(day("2027-10-02"), Roll::Following), day("2027-10-04"));
        let entered = Arrangement {
            year: 2027,
            holidays: vec![(day("2026-12-31"), day("2027-01-03")), (day("2027-10-01"), day("2027-10-07"))],
            workdays: vec![day("2027-10-09")],
        };
        assert_eq!(entered.checked(), Ok(()));
        let longer = china.with([entered]);
        assert!(longer.knows(2027) && longer.knows(2025));
        assert!(!longer.is_working_day(day("2026-12-31")), "it begins in the year before");
        assert_eq!(longer.roll(day("2027-10-02"), Roll::Following), day("2027-10-08"));
        assert!(longer.is_working_day(day("2027-10-09")));
    }

    #[test]
    fn an_arrangement_that_cannot_be_is_refused() {
        let of = |holidays: &[(&str, &str)], workdays: &[&str]| Arrangement {
            year: 2027,
            holidays: holidays.iter().map(|(first, last)| (day(first), day(last))).collect(),
            workdays: workdays.iter().map(|date| day(date)).collect(),
        };
        for arranged in &CHINA {
            assert_eq!(arranged.arrangement().checked(), Ok(()), "{}", arranged.year);
        }
        for (arrangement, field) in [
            (of(&[("2027-10-07", "2027-10-01")], &[]), "holidays"),
            (of(&[("2029-10-01", "2029-10-07")], &[]), "holidays"),
            (of(&[], &["2027-10-08"]), "workdays"),
            (of(&[("2027-10-01", "2027-10-07")], &["2027-10-02"]), "workdays"),
        ] {
            assert_eq!(arrangement.checked().unwrap_err()[0].field, [field], "{arrangement:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_rolled_date_is_worked_and_there_is_no_nearer_one(offset in 0..1_200_u64) {
            let (china, date) = (Calendar::china(), day("2024-12-01") + Days::new(offset));
            let (later, before) = (china.roll(date, Roll::Following), china.roll(date, Roll::Preceding));
            proptest::prop_assert!(china.is_working_day(later) && china.is_working_day(before));
            proptest::prop_assert!(before <= date && date <= later);
            let mut between = before.iter_days().skip(1).take_while(|next| *next < later);
            proptest::prop_assert!(between.all(|next| !china.is_working_day(next)));
        }

        #[test]
        fn working_days_there_and_back_are_the_same_day(offset in 0..1_200_u64, count in 1..60_i32) {
            let china = Calendar::china();
            let from = china.roll(day("2024-12-01") + Days::new(offset), Roll::Following);
            proptest::prop_assert_eq!(china.add_working_days(china.add_working_days(from, count), -count), from);
        }
    }
}
