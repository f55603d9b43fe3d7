//! Appointments (预约): somebody asks for a place in a slot of visits, is let in with a code, and was there or not.

use crate::Relation;
use chrono::{DateTime, Duration, Utc};
use sea_orm::entity::prelude::*;

use crate::values::{
    ErrorCode, Refusal,
    id::{AppointmentId, PersonId, ShowroomId, VisitSlotId},
};

/// Most people of one party.
pub const MOST_PEOPLE: i32 = 50;
/// How long before the beginning people are let in.
pub const EARLY: Duration = Duration::minutes(60);
/// How long after the end it is clear that nobody comes.
pub const GRACE: Duration = Duration::minutes(30);

/// State of an appointment (预约状态).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
    async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AppointmentState {
    /// Asked for (待确认).
    Requested,
    /// The showroom agreed (已确认).
    Confirmed,
    /// They are there (已到店).
    CheckedIn,
    /// They were there (已完成).
    Done,
    /// Nobody came (爽约).
    NoShow,
    /// It was called off (已取消).
    Cancelled,
    /// Another slot was taken in its place (已改期).
    Rescheduled,
}

impl AppointmentState {
    /// The state as the API writes it: `CHECKED_IN`.
    pub fn name(self) -> String {
        async_graphql::Value::from(self).to_string()
    }

    /// Whether it takes the time of who booked it.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Requested | Self::Confirmed | Self::CheckedIn)
    }
}

/// A step of an appointment (预约操作).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum AppointmentStep {
    /// The showroom agrees.
    Confirm,
    /// They come.
    CheckIn,
    /// They go.
    Finish,
    /// Nobody came.
    Miss,
    /// It is called off.
    Cancel,
    /// Another slot is taken in its place.
    Reschedule,
}

impl AppointmentStep {
    /// The states that it leads from, and where to.
    pub fn leads(self) -> (&'static [AppointmentState], AppointmentState) {
        use AppointmentState::{Cancelled, CheckedIn, Confirmed, Done, NoShow, Requested, Rescheduled};
        match self {
            Self::Confirm => (&[Requested], Confirmed),
            Self::CheckIn => (&[Confirmed], CheckedIn),
            Self::Finish => (&[CheckedIn], Done),
            Self::Miss => (&[Confirmed], NoShow),
            Self::Cancel => (&[Requested, Confirmed], Cancelled),
            Self::Reschedule => (&[Requested, Confirmed], Rescheduled),
        }
    }

    /// The step as refusals name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Confirm => "CONFIRM",
            Self::CheckIn => "CHECK_IN",
            Self::Finish => "FINISH",
            Self::Miss => "MISS",
            Self::Cancel => "CANCEL",
            Self::Reschedule => "RESCHEDULE",
        }
    }

    /// Where it leads from a state, or why not.
    pub fn from(self, state: AppointmentState) -> Result<AppointmentState, Refusal> {
        let (from, to) = self.leads();
        if from.contains(&state) {
            return Ok(to);
        }
        Err(Refusal::new(ErrorCode::IllegalTransition).with("from", state.name()).with("action", self.name()))
    }
}

/// What the showroom says to who asked (预约处理).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, async_graphql::Enum)]
#[graphql(name = "AppointmentDecision")]
pub enum Decision {
    /// They may come (确认).
    Confirm,
    /// They cannot come, also when it was agreed to before (婉拒).
    Decline,
}

/// A row of `appointment`. Who it is the showroom does not see; its team knows the code.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "appointment")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AppointmentId,
    /// In which showroom.
    pub showroom_id: ShowroomId,
    /// Of which slot.
    pub slot_id: VisitSlotId,
    /// Who comes.
    pub person_id: PersonId,
    /// What is shown at the door, unique within the showroom.
    pub code: String,
    /// How many come.
    pub party_size: i32,
    /// A contact and a note for the day, sealed; none: neither was left.
    #[serde(skip)]
    pub wishes: Option<Vec<u8>>,
    /// State.
    pub state: AppointmentState,
    /// From when: that of the slot.
    pub starts_at: DateTimeUtc,
    /// Until when: that of the slot.
    pub ends_at: DateTimeUtc,
    /// The appointment in whose place it came.
    pub follows_id: Option<AppointmentId>,
    /// Whether the showroom called it off.
    pub by_showroom: bool,
    /// Counts up with every change.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When the showroom agreed.
    pub confirmed_at: Option<DateTimeUtc>,
    /// When it was over.
    pub ended_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Whether people are let in with it at a moment; when not, from when to when they are.
    pub fn lets_in(&self, at: DateTime<Utc>) -> Result<(), Refusal> {
        let (from, to) = (self.starts_at - EARLY, self.ends_at + GRACE);
        let refusal =
            || Refusal::new(ErrorCode::OutOfRange).with("min", from.to_rfc3339()).with("max", to.to_rfc3339());
        if (from..to).contains(&at) { Ok(()) } else { Err(refusal()) }
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_appointment_ends_once_and_nobody_is_let_in_who_was_not_confirmed() {
        use AppointmentState::{Cancelled, CheckedIn, Confirmed, Done, NoShow, Requested, Rescheduled};
        use AppointmentStep as S;
        let table = [
            (S::Confirm, Requested, Confirmed),
            (S::CheckIn, Confirmed, CheckedIn),
            (S::Finish, CheckedIn, Done),
            (S::Miss, Confirmed, NoShow),
            (S::Cancel, Requested, Cancelled),
            (S::Cancel, Confirmed, Cancelled),
            (S::Reschedule, Requested, Rescheduled),
            (S::Reschedule, Confirmed, Rescheduled),
        ];
        for step in S::iter() {
            for state in AppointmentState::iter() {
                let expected = table.iter().find(|(s, from, _)| (*s, *from) == (step, state)).map(|(_, _, to)| *to);
                assert_eq!(step.from(state).ok(), expected, "{step:?} of what is {state:?}");
            }
        }
        for state in AppointmentState::iter() {
            let leads_on = S::iter().any(|step| step.from(state).is_ok());
            assert_eq!(leads_on, state.is_live(), "{state:?}");
        }
    }

    #[test]
    fn people_are_let_in_from_an_hour_before_until_half_an_hour_after() {
        let start = DateTime::from_timestamp(1_700_000_100, 0).unwrap();
        let row = Model {
            id: AppointmentId(Uuid::nil()),
            showroom_id: ShowroomId(Uuid::nil()),
            slot_id: VisitSlotId(Uuid::nil()),
            person_id: PersonId(Uuid::nil()),
            code: "000000".into(),
            party_size: 1,
            wishes: None,
            state: AppointmentState::Confirmed,
            starts_at: start,
            ends_at: start + Duration::minutes(60),
            follows_id: None,
            by_showroom: false,
            version: 1,
            created_at: start,
            confirmed_at: None,
            ended_at: None,
        };
        for (minute, expected) in [(-61, false), (-60, true), (0, true), (60, true), (89, true), (90, false)] {
            assert_eq!(row.lets_in(start + Duration::minutes(minute)).is_ok(), expected, "{minute}");
        }
    }
}
