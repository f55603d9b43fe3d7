//! Alarms of bonded displays (保税展示预警): what has to be back, or declared, soon. Each is raised once.

use crate::Relation;
use chrono::{Duration, NaiveDate};
use sea_orm::entity::prelude::*;

use crate::values::id::{BondedDisplayAlarmId, BondedDisplayId, BondedDisplayPartId, ShowroomId};

/// So many days before pieces have to be back an alarm is raised.
pub const RETURN_DAYS: [i32; 3] = [30, 7, 0];
/// So many days before what was sold or lost has to be declared.
pub const DECLARE_DAYS: [i32; 2] = [7, 0];

/// What has to be done (预警类型).
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
pub enum BondedDisplayAlarmKind {
    /// Pieces have to be back in the zone (到期回区).
    Return,
    /// What was sold, damaged or lost has to be declared (到期申报).
    Declare,
}

/// A row of `bonded_display_alarm`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "bonded_display_alarm")]
pub struct Model {
    /// Identifier; ids are made in the order of time.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: BondedDisplayAlarmId,
    /// Of which bonded display.
    pub display_id: BondedDisplayId,
    /// Of which part of it, when that is to be declared.
    pub part_id: Option<BondedDisplayPartId>,
    /// In which showroom.
    pub showroom_id: ShowroomId,
    /// What has to be done.
    pub kind: BondedDisplayAlarmKind,
    /// Until which day.
    pub due_on: Date,
    /// So many days before it is raised.
    pub days: i32,
    /// What it is known by: it is raised once.
    #[sea_orm(unique)]
    pub alarm_key: String,
    /// When it was raised.
    pub raised_at: DateTimeUtc,
    /// Who has seen it.
    pub acknowledged_by: Option<String>,
    /// When.
    pub acknowledged_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}

/// The days until which something may be due for one of the alarms of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The alarm: so many days before.
    pub days: i32,
    /// Due after this day; none: whenever.
    pub after: Option<NaiveDate>,
    /// Due on this day at the latest.
    pub until: NaiveDate,
}

/// Which alarms are raised on a day: of what is due within several of these numbers of days, the one with the fewest.
/// So after a time in which nobody looked, the pressing one is raised and not all of them.
pub fn windows(days: &[i32], today: NaiveDate) -> Vec<Window> {
    let mut days = days.to_vec();
    days.sort_unstable();
    let on = |days: i32| today + Duration::days(i64::from(days));
    let fewer = [None].into_iter().chain(days.iter().copied().map(Some));
    days.iter().zip(fewer).map(|(n, fewer)| Window { days: *n, after: fewer.map(on), until: on(*n) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::showroom::bonded_display::fixtures::day;

    #[test]
    fn each_day_has_its_alarm() {
        let today = day("2026-06-01");
        let alarm = |days: &[i32], due: NaiveDate| {
            let within = |w: &Window| w.after.is_none_or(|after| after < due) && due <= w.until;
            let mut found = windows(days, today).into_iter().filter(within).map(|w| w.days);
            (found.next(), found.next())
        };
        for (due, back, declared) in [
            ("2026-07-02", None, None),
            ("2026-07-01", Some(30), None),
            ("2026-06-09", Some(30), None),
            ("2026-06-08", Some(7), Some(7)),
            ("2026-06-02", Some(7), Some(7)),
            ("2026-06-01", Some(0), Some(0)),
            ("2026-05-31", Some(0), Some(0)),
            ("2025-01-01", Some(0), Some(0)),
        ] {
            assert_eq!(alarm(&RETURN_DAYS, day(due)), (back, None), "{due}: at most one");
            assert_eq!(alarm(&DECLARE_DAYS, day(due)), (declared, None), "{due}: at most one");
        }
    }
}
