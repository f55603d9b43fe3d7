//! Visits (到访): who is in a showroom, from when to when. Nobody is named, only how many came.

use crate::Relation;
use chrono::Duration;
use sea_orm::entity::prelude::*;

use crate::values::id::{AppointmentId, ShowroomId, VisitId};

/// After this long nobody is there any more: it was forgotten to check them out.
pub const LONGEST: Duration = Duration::hours(12);

/// State of a visit (到访状态).
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
pub enum VisitState {
    /// They are there (在店).
    Here,
    /// They went (已离店).
    Left,
    /// Nobody noted when they went; it counts for no dwell (未登记离店).
    Forgotten,
}

impl VisitState {
    /// The state as the API writes it: `HERE`.
    pub fn name(self) -> String {
        async_graphql::Value::from(self).to_string()
    }
}

/// A row of `visit`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "visit")]
pub struct Model {
    /// Identifier; ids are made in the order of time.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: VisitId,
    /// In which showroom.
    pub showroom_id: ShowroomId,
    /// By which appointment, unique; none: they walked in.
    pub appointment_id: Option<AppointmentId>,
    /// How many came.
    pub party_size: i32,
    /// State.
    pub state: VisitState,
    /// When they came.
    pub arrived_at: DateTimeUtc,
    /// When they went.
    pub left_at: Option<DateTimeUtc>,
    /// Who let them in.
    pub checked_in_by: String,
    /// Who noted that they went.
    pub checked_out_by: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// How long they stayed, in whole minutes (停留时长); none: it is not known.
    pub fn minutes(&self) -> Option<i64> {
        self.left_at.map(|left| (left - self.arrived_at).num_minutes())
    }
}
