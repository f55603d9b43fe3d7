//! Temperatures (温控): what devices measured on the way, and when goods were outside their range for too long.

use crate::Relation;
use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use serde::Serialize;

use crate::values::id::{ShipmentId, TemperatureSampleId};

/// The coldest and the warmest that a device can mean, in tenths of a degree Celsius.
pub const MEASURED: std::ops::RangeInclusive<i32> = -2_000..=2_000;

/// A row of `temperature_sample`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "temperature_sample")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TemperatureSampleId,
    /// Of which shipment.
    pub shipment_id: ShipmentId,
    /// The device.
    pub device: String,
    /// When it measured; in a shipment a device measures once at a moment.
    pub at: DateTimeUtc,
    /// In tenths of a degree Celsius.
    pub deci: i32,
    /// When it came.
    pub record_time: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

/// What goods take, in tenths of a degree Celsius, and for how many minutes they may be outside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the ends of the range")]
pub struct Range {
    pub min: i32,
    pub max: i32,
    pub allowed_minutes: i32,
}

impl Range {
    fn holds(self, deci: i32) -> bool {
        (self.min..=self.max).contains(&deci)
    }
}

/// What one device measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "when, and how much in tenths of a degree Celsius")]
pub struct Sample {
    pub at: DateTime<Utc>,
    pub deci: i32,
}

/// A time outside the range that was longer than allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "from when to when, and the farthest that was measured")]
pub struct Breach {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub worst: i32,
}

impl Breach {
    /// How long it was.
    pub fn minutes(&self) -> i64 {
        (self.to - self.from).num_minutes()
    }
}

/// When the goods were outside for longer than allowed, from what one device measured, in any order. They are outside from
/// the first sample that is until the next that is not: of the time between two samples nobody knows better, so a device
/// that falls silent while it is outside counts until it says that it is inside again.
pub fn breaches(range: Range, samples: impl IntoIterator<Item = Sample>) -> Vec<Breach> {
    let mut samples: Vec<Sample> = samples.into_iter().collect();
    samples.sort_unstable();
    let far = |deci: i32| if deci < range.min { range.min - deci } else { deci - range.max };
    let (mut found, mut open): (Vec<Breach>, Option<Breach>) = (Vec::new(), None);
    for sample in samples {
        let outside = !range.holds(sample.deci);
        match open.as_mut() {
            None if outside => open = Some(Breach { from: sample.at, to: sample.at, worst: sample.deci }),
            None => {}
            Some(breach) => {
                breach.to = sample.at;
                if outside {
                    if far(sample.deci) > far(breach.worst) {
                        breach.worst = sample.deci;
                    }
                } else {
                    found.extend(open.take());
                }
            }
        }
    }
    found.extend(open);
    found.retain(|breach| breach.to - breach.from > chrono::Duration::minutes(range.allowed_minutes.into()));
    found
}

#[cfg(test)]
mod tests {
    use chrono::{Duration, TimeZone};
    use proptest::prelude::*;

    use super::*;

    const RANGE: Range = Range { min: 20, max: 80, allowed_minutes: 10 };

    fn at(minute: i64) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 3, 1, 8, 0, 0).unwrap() + Duration::minutes(minute)
    }

    fn found(samples: &[(i64, i32)]) -> Vec<(i64, i64, i32)> {
        let minute = |moment: DateTime<Utc>| (moment - at(0)).num_minutes();
        let samples = samples.iter().map(|(m, deci)| Sample { at: at(*m), deci: *deci });
        breaches(RANGE, samples).iter().map(|b| (minute(b.from), minute(b.to), b.worst)).collect()
    }

    #[test]
    fn goods_may_be_outside_for_a_while_and_no_longer() {
        type Row = (&'static [(i64, i32)], &'static [(i64, i64, i32)]);
        let table: [Row; 10] = [
            (&[], &[]),
            (&[(0, 79), (30, 79)], &[]),
            // 7.9, then 8.2 for twelve minutes: ten are allowed.
            (&[(0, 79), (5, 82), (11, 82), (17, 82)], &[(5, 17, 82)]),
            (&[(0, 79), (5, 82), (15, 82)], &[]),
            (&[(0, 79), (5, 82), (16, 79)], &[(5, 16, 82)]),
            // Not measured in between: outside until it says otherwise.
            (&[(0, 82), (60, 50)], &[(0, 60, 82)]),
            // Inside in between: two short times.
            (&[(0, 82), (8, 82), (9, 50), (10, 82), (18, 82)], &[]),
            (&[(0, 10), (6, -5), (12, 15)], &[(0, 12, -5)]),
            (&[(0, 90), (6, 5), (12, 15)], &[(0, 12, 5)]),
            // In whatever order they come.
            (&[(17, 82), (0, 79), (11, 82), (5, 82)], &[(5, 17, 82)]),
        ];
        for (samples, expected) in table {
            assert_eq!(found(samples), expected, "{samples:?}");
        }
    }

    proptest! {
        #[test]
        fn breaches_are_long_apart_and_the_same_in_any_order(
            samples in prop::collection::vec((0_i64..300, -50_i32..150), 0..40).prop_shuffle(),
        ) {
            let all: Vec<Sample> = samples.iter().map(|(m, deci)| Sample { at: at(*m), deci: *deci }).collect();
            let made = breaches(RANGE, all.iter().copied());
            prop_assert_eq!(&breaches(RANGE, all.iter().rev().copied()), &made);
            for breach in &made {
                prop_assert!(breach.minutes() > 10 && !RANGE.holds(breach.worst));
            }
            for pair in made.windows(2) {
                prop_assert!(pair[0].to <= pair[1].from);
            }
        }
    }
}
