//! Where an order is with its deliveries and its bills (收货与开票进度): derived from its lines whenever somebody asks, and
//! never kept, so that it cannot say anything else than they do.

use chrono::NaiveDate;

use super::order::line;

/// One, in parts per million.
const ONE_PPM: i128 = 1_000_000;

/// How far the deliveries of an order are (收货状态).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, async_graphql::Enum)]
#[graphql(name = "PurchaseReceiptStatus")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReceiptStatus {
    /// Nothing is there (未收货).
    Pending,
    /// Some of it is (部分收货).
    Partial,
    /// All that is still wanted is there (已收齐).
    Full,
}

/// How far the bills of an order are (开票状态).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, async_graphql::Enum)]
#[graphql(name = "PurchaseBillingStatus")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BillingStatus {
    /// Nothing is billed (未开票).
    Nothing,
    /// Some of it is (部分开票).
    Partial,
    /// All that was accepted is billed, and nothing more is to come (已开齐).
    Full,
}

/// What the lines of an order come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Derived {
    /// Its deliveries.
    pub receipt: ReceiptStatus,
    /// Its bills.
    pub billing: BillingStatus,
    /// What of the quantity wanted is there, in parts per million.
    pub received_ppm: i32,
    /// What of the quantity wanted is billed, in parts per million.
    pub billed_ppm: i32,
    /// Whether something is still to come, to be looked at, or to be billed.
    pub open: bool,
}

/// What of a line is still to come; what went back to its supplier counts as not delivered.
pub fn outstanding(line: &line::Model) -> i64 {
    (line.wanted() - line.here()).max(0)
}

/// What of a line is missing of what is good: what was rejected is, whether or not it went back already.
pub fn missing(line: &line::Model) -> i64 {
    (line.wanted() - (line.received - line.rejected)).max(0)
}

/// Whether something should have been here before a day, and is not. What has a schedule is looked at by that.
pub fn overdue(lines: &[line::Model], today: NaiveDate) -> bool {
    lines.iter().any(|line| {
        let due = match (&line.schedule.0[..], line.needed_on) {
            ([], Some(on)) if on < today => line.wanted(),
            ([], _) => 0,
            (_, _) => today.pred_opt().map_or(0, |before| line.schedule.by(before)).min(line.wanted()),
        };
        line.here() < due
    })
}

/// The day by which the next of a line is to be here: of its schedule the first that is not covered by what is here.
pub fn next_due(line: &line::Model) -> Option<NaiveDate> {
    let mut sum = 0;
    for due in &line.schedule.0 {
        sum += due.quantity;
        if sum > line.here() {
            return Some(due.on);
        }
    }
    line.needed_on
}

/// What the lines of an order come to. Shares are rounded down: what is not all of it never shows as all of it.
pub fn of(lines: &[line::Model]) -> Derived {
    let mut wanted = 0_i128;
    let (mut here, mut billed) = (0_i128, 0_i128);
    let (mut anything, mut bills) = (false, false);
    let (mut all_here, mut all_looked_at, mut all_billed) = (true, true, true);
    for line in lines {
        wanted += i128::from(line.wanted());
        here += i128::from(line.here().min(line.wanted()));
        billed += i128::from(line.billed.min(line.wanted()));
        anything |= line.here() > 0;
        bills |= line.billed > 0;
        all_here &= outstanding(line) == 0;
        all_looked_at &= line.accepted + line.rejected >= line.received;
        all_billed &= line.billed >= line.accepted;
    }
    let share = |part: i128| {
        let ppm = if wanted == 0 { ONE_PPM } else { part * ONE_PPM / wanted };
        i32::try_from(ppm).unwrap_or(i32::MAX)
    };
    let receipt = match (all_here, anything) {
        (true, _) => ReceiptStatus::Full,
        (false, true) => ReceiptStatus::Partial,
        (false, false) => ReceiptStatus::Pending,
    };
    let billing = match (bills, all_here && all_looked_at && all_billed) {
        (false, _) => BillingStatus::Nothing,
        (true, true) => BillingStatus::Full,
        (true, false) => BillingStatus::Partial,
    };
    Derived {
        receipt,
        billing,
        received_ppm: share(here),
        billed_ppm: share(billed),
        open: !(all_here && all_looked_at && all_billed),
    }
}

#[cfg(test)]
mod tests {
    use super::{BillingStatus as B, ReceiptStatus as R, *};
    use crate::procurement::{
        order::tests::a_line,
        terms::{Due, Schedule},
    };

    /// Quantity, received, accepted, rejected, returned, billed, given up.
    type Pieces = [i64; 7];

    fn line([quantity, received, accepted, rejected, returned, billed, short_closed]: Pieces) -> line::Model {
        line::Model { quantity, received, accepted, rejected, returned, billed, short_closed, ..a_line() }
    }

    #[test]
    fn what_an_order_is_follows_from_its_lines() {
        for (lines, receipt, billing, received_ppm, billed_ppm, open) in [
            (&[[100, 0, 0, 0, 0, 0, 0]][..], R::Pending, B::Nothing, 0, 0, true),
            (&[[100, 60, 58, 2, 0, 0, 0]][..], R::Partial, B::Nothing, 600_000, 0, true),
            (&[[100, 60, 58, 2, 0, 58, 0]][..], R::Partial, B::Partial, 600_000, 580_000, true),
            // All there, and not all looked at: what may be billed of it is not known.
            (&[[100, 100, 58, 2, 0, 58, 0]][..], R::Full, B::Partial, 1_000_000, 580_000, true),
            (&[[100, 100, 98, 2, 0, 58, 0]][..], R::Full, B::Partial, 1_000_000, 580_000, true),
            (&[[100, 100, 98, 2, 0, 98, 0]][..], R::Full, B::Full, 1_000_000, 980_000, false),
            // What goes back is to be delivered again, or given up.
            (&[[100, 100, 98, 2, 2, 98, 0]][..], R::Partial, B::Partial, 980_000, 980_000, true),
            (&[[100, 100, 98, 2, 2, 98, 2]][..], R::Full, B::Full, 1_000_000, 1_000_000, false),
            // More than was ordered, within the tolerance, is not more than all.
            (&[[100, 105, 105, 0, 0, 105, 0]][..], R::Full, B::Full, 1_000_000, 1_000_000, false),
            (&[[3, 2, 2, 0, 0, 1, 0], [3, 0, 0, 0, 0, 0, 0]][..], R::Partial, B::Partial, 333_333, 166_666, true),
            (&[[10, 0, 0, 0, 0, 0, 10]][..], R::Full, B::Nothing, 1_000_000, 1_000_000, false),
        ] {
            let lines: Vec<line::Model> = lines.iter().copied().map(line).collect();
            let expected = Derived { receipt, billing, received_ppm, billed_ppm, open };
            assert_eq!(of(&lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn what_was_rejected_is_missing_before_it_went_back_and_is_to_come_after_that() {
        for (pieces, missing_now, to_come) in [
            ([100, 0, 0, 0, 0, 0, 0], 100, 100),
            ([100, 60, 58, 2, 0, 0, 0], 42, 40),
            ([100, 100, 98, 2, 0, 98, 0], 2, 0),
            ([100, 100, 98, 2, 2, 98, 0], 2, 2),
            ([100, 100, 98, 2, 0, 98, 2], 0, 0),
            ([100, 100, 98, 2, 2, 98, 2], 0, 0),
            ([100, 105, 105, 0, 0, 0, 0], 0, 0),
        ] {
            let line = line(pieces);
            assert_eq!((missing(&line), outstanding(&line)), (missing_now, to_come), "{pieces:?}");
        }
    }

    #[test]
    fn what_should_have_been_here_yesterday_is_overdue() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let schedule =
            Schedule(vec![Due { on: day("2026-03-10"), quantity: 60 }, Due { on: day("2026-03-20"), quantity: 40 }]);
        let needed = |received, on: &str| line::Model { received, needed_on: Some(day(on)), ..a_line() };
        let planned = |received| line::Model { received, schedule: schedule.clone(), ..a_line() };
        for (line, today, expected) in [
            (a_line(), "2026-03-10", false),
            (needed(99, "2026-03-10"), "2026-03-10", false),
            (needed(99, "2026-03-10"), "2026-03-11", true),
            (needed(100, "2026-03-10"), "2026-03-11", false),
            (line::Model { short_closed: 1, ..needed(99, "2026-03-10") }, "2026-03-11", false),
            (planned(0), "2026-03-10", false),
            (planned(59), "2026-03-11", true),
            (planned(60), "2026-03-20", false),
            (planned(60), "2026-03-21", true),
        ] {
            assert_eq!(overdue(std::slice::from_ref(&line), day(today)), expected, "{line:?} {today}");
        }
    }

    #[test]
    fn what_is_due_next_is_the_first_of_the_schedule_that_is_not_all_here() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let (early, late, said) = ("2026-03-10", "2026-03-20", "2026-03-31");
        let schedule = Schedule(vec![Due { on: day(early), quantity: 60 }, Due { on: day(late), quantity: 40 }]);
        for (schedule, received, returned, needed_on, expected) in [
            (Schedule::default(), 0, 0, None, None),
            (Schedule::default(), 0, 0, Some(said), Some(said)),
            (schedule.clone(), 0, 0, Some(said), Some(early)),
            (schedule.clone(), 59, 0, None, Some(early)),
            (schedule.clone(), 60, 0, None, Some(late)),
            // What went back is to come again.
            (schedule.clone(), 60, 1, None, Some(early)),
            (schedule.clone(), 100, 0, None, None),
            (schedule, 100, 0, Some(said), Some(said)),
        ] {
            let line = line::Model { schedule, received, returned, needed_on: needed_on.map(day), ..a_line() };
            assert_eq!(next_due(&line), expected.map(day), "{line:?}");
        }
    }
}
