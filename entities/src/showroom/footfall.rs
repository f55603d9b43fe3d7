//! Footfall (客流): how many came through a door in a quarter of an hour, as a counter above it said. Said again it is
//! the same; another number takes the place of the one before, however late it comes.

use crate::Relation;
use chrono::{DateTime, Duration, Utc};
use sea_orm::entity::prelude::*;

use super::quarter::begins;
use crate::values::{ErrorCode, Refusal, Refusals, id::ShowroomId, refusal::Check};

/// How old a quarter may be when it is told.
pub const OLDEST: Duration = Duration::days(90);
/// More than this nobody counts in a quarter of an hour.
pub const MOST: i32 = 100_000;
/// Longest name of a door or a counter.
const LONGEST_NAME: usize = 40;

/// What became of one sample (客流上报结果).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, async_graphql::Enum)]
pub enum SampleVerdict {
    /// It was not known before (已采纳).
    Applied,
    /// It says what is known (重复).
    Duplicate,
    /// It took the place of another number (已更正).
    Replaced,
    /// It was refused (已拒绝).
    Rejected,
}

/// A row of `footfall_sample`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "footfall_sample")]
pub struct Model {
    /// In which showroom.
    #[sea_orm(primary_key, auto_increment = false)]
    pub showroom_id: ShowroomId,
    /// In which quarter of an hour: when it begins.
    #[sea_orm(primary_key, auto_increment = false)]
    pub bucket_start: DateTimeUtc,
    /// Through which door.
    #[sea_orm(primary_key, auto_increment = false)]
    pub door: String,
    /// Who counted: two counters above one door count the same people.
    #[sea_orm(primary_key, auto_increment = false)]
    pub source: String,
    /// How many came in.
    pub entered: i32,
    /// How many went out.
    pub exited: i32,
    /// How many of those who came in were of the team.
    pub staff: i32,
    /// Who told it.
    pub told_by: String,
    /// When it was told last.
    pub told_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

/// What a counter says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns of the sample")]
pub struct Sample {
    pub door: String,
    pub source: String,
    pub bucket_start: DateTime<Utc>,
    pub entered: i32,
    pub exited: i32,
    pub staff: i32,
}

impl Sample {
    /// Everything that is wrong with it.
    pub fn fit(&self, now: DateTime<Utc>) -> Result<(), Refusals> {
        let mut check = Check::default();
        let outside = |from: String, to: String| Refusal::new(ErrorCode::OutOfRange).with("min", from).with("max", to);
        for (field, name) in [("door", &self.door), ("source", &self.source)] {
            let fits = (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic());
            check.demand(fits, field, || {
                Refusal::new(ErrorCode::InvalidValue).with("value", name.chars().take(LONGEST_NAME).collect::<String>())
            });
        }
        check.demand(begins(self.bucket_start), "bucketStart", || {
            Refusal::new(ErrorCode::InvalidValue).with("value", self.bucket_start.to_rfc3339())
        });
        let known = (now - OLDEST..=now).contains(&self.bucket_start);
        check.demand(known, "bucketStart", || outside((now - OLDEST).to_rfc3339(), now.to_rfc3339()));
        for (field, number) in [("in", self.entered), ("out", self.exited), ("staff", self.staff)] {
            check.demand((0..=MOST).contains(&number), field, || outside("0".into(), MOST.to_string()));
        }
        check.done(())
    }

    /// What becomes of it, given what is known of its quarter, door and counter.
    pub fn verdict(&self, known: Option<&Model>) -> SampleVerdict {
        let says = (self.entered, self.exited, self.staff);
        match known {
            None => SampleVerdict::Applied,
            Some(row) if (row.entered, row.exited, row.staff) == says => SampleVerdict::Duplicate,
            Some(_) => SampleVerdict::Replaced,
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_100, 0).unwrap()
    }

    fn sample() -> Sample {
        Sample {
            door: "MAIN".into(),
            source: "cam-1".into(),
            bucket_start: now() - Duration::minutes(15),
            entered: 12,
            exited: 9,
            staff: 2,
        }
    }

    #[test]
    fn a_sample_is_of_a_whole_quarter_that_began_in_the_last_ninety_days() {
        let at = |minutes: i64| Sample { bucket_start: now() + Duration::minutes(minutes), ..sample() };
        for (sample, expected) in [
            (sample(), &[][..]),
            (at(0), &[]),
            (at(-90 * 24 * 60), &[]),
            (at(15), &["bucketStart"]),
            (at(-90 * 24 * 60 - 15), &["bucketStart"]),
            (at(-14), &["bucketStart"]),
            (Sample { door: String::new(), ..sample() }, &["door"]),
            (Sample { source: "闸机".into(), ..sample() }, &["source"]),
            (Sample { door: "x".repeat(41), ..sample() }, &["door"]),
            (Sample { entered: -1, exited: 100_001, staff: -1, ..sample() }, &["in", "out", "staff"]),
        ] {
            let wrong: Vec<String> =
                sample.fit(now()).err().unwrap_or_default().into_iter().flat_map(|refusal| refusal.field).collect();
            assert_eq!(wrong, expected, "{sample:?}");
        }
    }

    #[test]
    fn the_same_again_changes_nothing_and_another_number_takes_its_place() {
        let row = Model {
            showroom_id: ShowroomId(Uuid::nil()),
            bucket_start: now(),
            door: "MAIN".into(),
            source: "cam-1".into(),
            entered: 12,
            exited: 9,
            staff: 2,
            told_by: "t".into(),
            told_at: now(),
        };
        assert_eq!(sample().verdict(None), SampleVerdict::Applied);
        assert_eq!(sample().verdict(Some(&row)), SampleVerdict::Duplicate);
        for other in
            [Model { entered: 13, ..row.clone() }, Model { exited: 0, ..row.clone() }, Model { staff: 0, ..row }]
        {
            assert_eq!(sample().verdict(Some(&other)), SampleVerdict::Replaced);
        }
    }
}
