//! Devices of staff (店员设备), which work without a network for hours: what one of them did is carried out in its order,
//! once.

use crate::Relation;
use chrono::{DateTime, Duration, Utc};
use sea_orm::entity::prelude::*;

use crate::values::id::{DeviceId, PersonId, ShowroomId};

/// How long ago something may have happened that a device tells.
pub const OLDEST: Duration = Duration::hours(72);
/// How far a device's clock may be ahead.
pub const AHEAD: Duration = Duration::minutes(5);

/// When something happened that a device says happened then: as it says within what can be, else the nearest moment that
/// can be. What it said is kept beside it.
pub fn happened(said: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    said.clamp(now - OLDEST, now + AHEAD)
}

/// A row of `showroom_device`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "showroom_device")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DeviceId,
    /// Where it is used.
    pub showroom_id: ShowroomId,
    /// Whose it is.
    pub person_id: PersonId,
    /// What people call it.
    pub name: String,
    /// The last that was carried out of what it did, or refused for good.
    pub last_seq: i64,
    /// Since when.
    pub made_at: DateTimeUtc,
    /// When it was last heard of.
    pub seen_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_goes_wrong_moves_nothing_out_of_what_can_be() {
        let now = DateTime::UNIX_EPOCH + Duration::days(1_000);
        for (said, expected) in [
            (now, now),
            (now - Duration::hours(72), now - Duration::hours(72)),
            (now - Duration::hours(73), now - Duration::hours(72)),
            (DateTime::UNIX_EPOCH, now - Duration::hours(72)),
            (now + Duration::minutes(5), now + Duration::minutes(5)),
            (now + Duration::minutes(6), now + Duration::minutes(5)),
        ] {
            assert_eq!(happened(said, now), expected, "{said}");
        }
    }
}
