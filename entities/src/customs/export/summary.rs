//! The summary of a month (汇总申报): which lists become one entry, and until when it is applied for.
//!
//! Lists are put together by what the head of an entry says once ([`HeadKey`]); their lines are merged by customs, which
//! makes the entry. Months and days are those of Beijing.

use chrono::{DateTime, Datelike, Days, Duration, Months, NaiveDate, NaiveTime, Utc};

use super::facts::{ExportMode, Facts};

/// Day of the next month until which lists are summarised.
const LAST_DAY: u32 = 15;
/// How far Beijing is ahead of UTC, all year.
const AHEAD: Duration = Duration::hours(8);

/// What lists have in common that become one entry: under which mode they go, consignor, who made the goods, and how and
/// where they leave.
#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    sea_orm::FromJsonQueryResult,
)]
pub struct HeadKey {
    /// Under which supervision mode (监管方式).
    pub mode: ExportMode,
    /// Out of which account book, of 1210 (账册编号).
    pub book: Option<String>,
    /// Where it is declared (申报地海关).
    pub customs_code: String,
    /// Who declares (申报企业).
    pub declarer: String,
    /// Who sends (收发货人).
    pub merchant: String,
    /// Who made or sold the goods (生产销售单位).
    pub owner: String,
    /// How they leave (运输方式).
    pub traf_mode: String,
    /// Where they go (运抵国).
    pub destination: String,
    /// At which port they arrive (指运港).
    pub port_of_destination: String,
    /// Where they leave the country (出境关别).
    pub port_code: String,
}

impl HeadKey {
    /// The key of an export.
    pub fn of(facts: &Facts, declarer: &str, merchant: &str) -> Self {
        // Of those who are not registered the name tells one from the other.
        let owner = facts.owner.code.clone().unwrap_or_else(|| format!("NO {}", facts.owner.name));
        Self {
            mode: facts.mode,
            book: facts.area.as_ref().map(|area| area.book.clone()),
            customs_code: facts.customs_code.clone(),
            declarer: declarer.to_owned(),
            merchant: merchant.to_owned(),
            owner,
            traf_mode: facts.traf_mode.clone(),
            destination: facts.destination.as_str().to_owned(),
            port_of_destination: facts.port_of_destination.clone(),
            port_code: facts.port_code.clone(),
        }
    }
}

/// The first day of the month of a day.
pub fn month_of(day: NaiveDate) -> NaiveDate {
    day.with_day(1).unwrap_or(day)
}

/// The first day of the next month.
fn after(month: NaiveDate) -> NaiveDate {
    month_of(month).checked_add_months(Months::new(1)).unwrap_or(NaiveDate::MAX)
}

/// From which moment until before which a month is.
pub fn moments(month: NaiveDate) -> (DateTime<Utc>, DateTime<Utc>) {
    let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc() - AHEAD;
    (midnight(month_of(month)), midnight(after(month)))
}

/// Last day on which lists of a month are summarised: the 15th of the next (GACC 2018/194). Customs takes them until the first
/// working day after it, but those of December; the house knows no calendar of holidays, and is never too late.
pub fn deadline(month: NaiveDate) -> NaiveDate {
    let next = after(month);
    next.with_day(LAST_DAY).unwrap_or(next)
}

/// Whether so few days are left that somebody must look.
pub fn is_pressing(deadline: NaiveDate, today: NaiveDate, days: u64) -> bool {
    deadline.checked_sub_days(Days::new(days)).is_some_and(|from| today >= from)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            facts::{ExportSale, SpecialArea},
            fixtures::{carpets, party},
        },
        *,
    };

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn sold(change: fn(&mut ExportSale)) -> ExportSale {
        let mut sale = carpets();
        change(&mut sale);
        sale
    }

    #[test]
    fn lists_are_put_together_by_what_an_entry_says_once() {
        let key = |change: fn(&mut ExportSale)| HeadKey::of(&sold(change).facts, "6301980001", "6301960002");
        let first = key(|_| {});
        let alike: [fn(&mut ExportSale); 3] = [
            |sale| sale.facts.order_no = "other".into(),
            |sale| sale.lines[0].hs = "5702310000".into(),
            |sale| sale.facts.currency = "USD".parse().unwrap(),
        ];
        for change in alike {
            assert_eq!(key(change), first);
        }
        let apart: [fn(&mut ExportSale); 9] = [
            |sale| sale.facts.mode = ExportMode::Business,
            |sale| {
                sale.facts.area =
                    Some(SpecialArea { company: party("6301W60001", "区内企业"), book: "T9701".into() });
            },
            |sale| sale.facts.customs_code = "9700".into(),
            |sale| sale.facts.owner.code = None,
            |sale| sale.facts.traf_mode = "4".into(),
            |sale| sale.facts.destination = "FR".parse().unwrap(),
            |sale| sale.facts.port_of_destination = "1503".into(),
            |sale| sale.facts.port_code = "0100".into(),
            |sale| (sale.facts.owner.code, sale.facts.owner.name) = (None, "别家".into()),
        ];
        for change in apart {
            assert_ne!(key(change), first);
        }
        assert_ne!(HeadKey::of(&sold(|_| {}).facts, "6301980001", "6301960009"), first);
    }

    #[test]
    fn a_month_is_beijings() {
        let (from, before) = moments(day("2025-11-30"));
        assert_eq!(from.to_rfc3339(), "2025-10-31T16:00:00+00:00");
        assert_eq!(before.to_rfc3339(), "2025-11-30T16:00:00+00:00");
        assert_eq!(moments(day("2025-12-01")).1.to_rfc3339(), "2025-12-31T16:00:00+00:00");
    }

    #[test]
    fn lists_are_summarised_until_the_15th_and_it_is_pressing_days_before() {
        for (month, last) in [("2025-11-01", "2025-12-15"), ("2026-01-31", "2026-02-15"), ("2025-12-10", "2026-01-15")]
        {
            assert_eq!(deadline(day(month)), day(last), "{month}");
        }
        assert!(!is_pressing(day("2025-12-15"), day("2025-12-09"), 5));
        assert!(is_pressing(day("2025-12-15"), day("2025-12-10"), 5));
        assert!(is_pressing(day("2025-12-15"), day("2026-01-01"), 5));
    }
}
