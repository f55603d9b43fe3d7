//! Spending limits (支出限额): how much may be ordered in a period, by a person, in a category, or in all. What is taken of
//! one is counted up by a guarded statement that never passes its ceiling.

use crate::Relation;
use chrono::{Datelike, NaiveDate};
use sea_orm::entity::prelude::*;

use super::terms::{months, quarter_start};
use crate::values::id::{CategoryId, OrganisationId, PersonId, SpendingLimitId};

/// After which time a limit begins anew (限额周期).
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
#[graphql(name = "SpendingPeriod")]
pub enum LimitPeriod {
    /// Never (一次性).
    Once,
    /// With every month (按月).
    Month,
    /// With every quarter of the year (按季).
    Quarter,
    /// With every year (按年).
    Year,
}

impl LimitPeriod {
    /// The first day of the period that a day is in. What never begins anew began when the limit did.
    pub fn start(self, on: NaiveDate, valid_from: NaiveDate) -> NaiveDate {
        match self {
            Self::Once => valid_from,
            Self::Month => months(on),
            Self::Quarter => quarter_start(on),
            Self::Year => NaiveDate::from_ymd_opt(on.year(), 1, 1).unwrap_or(on),
        }
    }

    /// The first day of the period after that; none: there is none.
    pub fn next(self, start: NaiveDate) -> Option<NaiveDate> {
        let later = match self {
            Self::Once => return None,
            Self::Month => 1,
            Self::Quarter => 3,
            Self::Year => 12,
        };
        start.checked_add_months(chrono::Months::new(later))
    }
}

/// A row of `spending_limit`. Its amount is in fen.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "spending_limit")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SpendingLimitId,
    /// Whose orders.
    pub organisation_id: OrganisationId,
    /// Who asks for them; none: whoever does.
    pub person_id: Option<PersonId>,
    /// In which category; none: whatever it is.
    pub category_id: Option<CategoryId>,
    /// After which time it begins anew.
    pub period: LimitPeriod,
    /// How much in each.
    pub amount_minor: i64,
    /// Its first day.
    pub valid_from: Date,
    /// Its last day; none: until it is removed.
    pub valid_to: Option<Date>,
    /// Counts up with every change.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

/// Whether a limit counts what a person orders on a day. `path`: of the limit's category; `paths`: of those of the
/// lines.
pub fn applies(
    limit: &Model,
    path: Option<&str>,
    person: Option<PersonId>,
    paths: &[Option<String>],
    on: NaiveDate,
) -> bool {
    let valid = limit.valid_from <= on && limit.valid_to.is_none_or(|end| on <= end);
    let theirs = limit.person_id.is_none_or(|named| person == Some(named));
    valid && theirs && (limit.category_id.is_none() || paths.iter().any(|of| counts(path, of.as_deref())))
}

/// Whether a limit with a category counts a line. `path`: of the limit's category; `of`: of the line's.
pub fn counts(path: Option<&str>, of: Option<&str>) -> bool {
    path.zip(of).is_some_and(|(path, of)| of.starts_with(path))
}

/// What is taken of limits, by period (限额使用).
pub mod usage {
    use crate::Relation;
    use sea_orm::entity::prelude::*;

    use crate::values::id::SpendingLimitId;

    /// A row of `spending_usage`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
    #[sea_orm(table_name = "spending_usage")]
    pub struct Model {
        /// Of which limit.
        #[sea_orm(primary_key, auto_increment = false)]
        pub limit_id: SpendingLimitId,
        /// In which period, by its first day.
        #[sea_orm(primary_key, auto_increment = false)]
        pub period_start: Date,
        /// How much may be taken.
        pub ceiling_minor: i64,
        /// How much is.
        pub spent_minor: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn periods_begin_where_people_expect_it() {
        use LimitPeriod::{Month, Once, Quarter, Year};
        let from = day("2026-02-15");
        for (period, on, start, next) in [
            (Once, "2026-05-31", "2026-02-15", None),
            (Month, "2026-05-31", "2026-05-01", Some("2026-06-01")),
            (Quarter, "2026-05-31", "2026-04-01", Some("2026-07-01")),
            (Year, "2026-05-31", "2026-01-01", Some("2027-01-01")),
            (Month, "2026-12-01", "2026-12-01", Some("2027-01-01")),
        ] {
            let begins = period.start(day(on), from);
            assert_eq!((begins, period.next(begins)), (day(start), next.map(day)), "{period:?} {on}");
        }
    }

    #[test]
    fn a_limit_counts_its_person_its_category_and_its_days() {
        let person = |n: u128| PersonId(uuid::Uuid::from_u128(n));
        let limit = |person_id: Option<PersonId>, category: bool| Model {
            id: SpendingLimitId(uuid::Uuid::nil()),
            organisation_id: OrganisationId(uuid::Uuid::nil()),
            person_id,
            category_id: category.then(|| CategoryId(uuid::Uuid::nil())),
            period: LimitPeriod::Month,
            amount_minor: 1,
            valid_from: day("2026-03-01"),
            valid_to: Some(day("2026-03-31")),
            version: 1,
            created_at: chrono::DateTime::default(),
        };
        let wine = [Some("wine/red/".to_owned()), None];
        for (row, path, by, paths, on, expected) in [
            (limit(None, false), None, None, &[None][..], "2026-03-01", true),
            (limit(None, false), None, None, &[None][..], "2026-02-28", false),
            (limit(None, false), None, None, &[None][..], "2026-03-31", true),
            (limit(None, false), None, None, &[None][..], "2026-04-01", false),
            (limit(Some(person(1)), false), None, Some(person(1)), &[None][..], "2026-03-02", true),
            (limit(Some(person(1)), false), None, Some(person(2)), &[None][..], "2026-03-02", false),
            (limit(Some(person(1)), false), None, None, &[None][..], "2026-03-02", false),
            (limit(None, true), Some("wine/"), None, &wine[..], "2026-03-02", true),
            (limit(None, true), Some("rugs/"), None, &wine[..], "2026-03-02", false),
            (limit(None, true), Some("wine/"), None, &[None][..], "2026-03-02", false),
        ] {
            assert_eq!(applies(&row, path, by, paths, day(on)), expected, "{row:?} {by:?} {paths:?} {on}");
        }
    }
}
