//! When people may come to a showroom by appointment (预约时段): from when to when, with whom, and how many parties.

use crate::Relation;
use chrono::{DateTime, Duration, Utc};
use sea_orm::entity::prelude::*;

use super::quarter::{QUARTER, begins};
use crate::values::{
    ErrorCode, Refusal, Refusals,
    id::{PersonId, ShowroomId, VisitSlotId},
    refusal::Check,
};

/// Most parties of one slot.
pub const MOST_PARTIES: i32 = 200;
/// The longest that a slot is.
pub const LONGEST: Duration = Duration::hours(12);
/// How far ahead slots are opened.
pub const AHEAD: Duration = Duration::days(180);

/// State of a slot of visits (时段状态).
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
pub enum VisitSlotState {
    /// It can be booked (可预约).
    Open,
    /// It was called off, with all that was booked of it (已关闭).
    Closed,
}

/// A row of `visit_slot`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "visit_slot")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: VisitSlotId,
    /// In which showroom.
    pub showroom_id: ShowroomId,
    /// Who of the team receives visitors; none: whoever is there.
    pub host_id: Option<PersonId>,
    /// From when.
    pub starts_at: DateTimeUtc,
    /// Until when.
    pub ends_at: DateTimeUtc,
    /// How many parties may come.
    pub capacity: i32,
    /// How many have booked, and neither cancelled nor taken another slot.
    pub booked: i32,
    /// Whether who books is confirmed at once.
    pub auto_confirm: bool,
    /// State.
    pub state: VisitSlotState,
    /// Who opened it.
    pub created_by: String,
    /// When.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

/// A slot that is to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns of the slot")]
pub struct Planned {
    pub host: Option<PersonId>,
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    pub capacity: i32,
    pub auto_confirm: bool,
}

fn outside(from: String, to: String) -> Refusal {
    Refusal::new(ErrorCode::OutOfRange).with("min", from).with("max", to)
}

impl Planned {
    /// Everything that is wrong with it.
    pub fn fit(&self, now: DateTime<Utc>) -> Result<(), Refusals> {
        let mut check = Check::default();
        for (field, at) in [("startsAt", self.starts_at), ("endsAt", self.ends_at)] {
            let uneven = || Refusal::new(ErrorCode::InvalidValue).with("value", at.to_rfc3339());
            check.demand(begins(at), field, uneven);
        }
        // Far outside nothing is added to what was sent: it could be the last moment that there is.
        let soon = (now..=now + AHEAD).contains(&self.starts_at);
        check.demand(soon, "startsAt", || outside(now.to_rfc3339(), (now + AHEAD).to_rfc3339()));
        if soon {
            let (first, last) = (self.starts_at + QUARTER, self.starts_at + LONGEST);
            let fits = (first..=last).contains(&self.ends_at);
            check.demand(fits, "endsAt", || outside(first.to_rfc3339(), last.to_rfc3339()));
        }
        // A host receives one party at a time.
        let most = if self.host.is_some() { 1 } else { MOST_PARTIES };
        let fits = (1..=most).contains(&self.capacity);
        check.demand(fits, "capacity", || outside("1".into(), most.to_string()));
        check.done(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_of_whole_quarters_soon_and_not_for_long() {
        let now = DateTime::from_timestamp(1_700_000_100, 0).unwrap();
        let planned = |from: i64, to: i64, capacity: i32| Planned {
            host: None,
            starts_at: now + Duration::minutes(from),
            ends_at: now + Duration::minutes(to),
            capacity,
            auto_confirm: true,
        };
        let half_a_year = 180 * 24 * 60;
        for (slot, expected) in [
            (planned(15, 30, 1), &[][..]),
            (planned(0, 12 * 60, 200), &[]),
            (planned(half_a_year, half_a_year + 60, 1), &[]),
            (planned(10, 30, 1), &["startsAt"]),
            (planned(15, 31, 1), &["endsAt"]),
            (planned(-15, 30, 1), &["startsAt"]),
            (planned(half_a_year + 15, half_a_year + 60, 1), &["startsAt"]),
            (planned(30, 30, 1), &["endsAt"]),
            (planned(30, 15, 1), &["endsAt"]),
            (planned(15, 12 * 60 + 30, 1), &["endsAt"]),
            (planned(15, 30, 0), &["capacity"]),
            (planned(15, 30, 201), &["capacity"]),
        ] {
            let wrong: Vec<String> =
                slot.fit(now).err().unwrap_or_default().into_iter().flat_map(|refusal| refusal.field).collect();
            assert_eq!(wrong, expected, "{slot:?}");
        }
        let never = Planned { starts_at: DateTime::<Utc>::MAX_UTC, ..planned(15, 30, 1) };
        assert!(never.fit(now).is_err());
    }
}
