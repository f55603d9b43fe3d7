//! The summary of a month (汇总申报): which lists become one entry, how their lines are merged, and until when it is applied
//! for.
//!
//! Lists are put together by what the head of an entry says once ([`HeadKey`]), their lines by what a line of it says once
//! ([`LineKey`]). Months and days are those of Beijing.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Days, Duration, Months, NaiveDate, NaiveTime, Utc};

use super::facts::{ExportLine, ExportSale, Facts};

/// Day of the next month until which lists are summarised.
const LAST_DAY: u32 = 15;
/// How far Beijing is ahead of UTC, all year.
const AHEAD: Duration = Duration::hours(8);

/// What lists have in common that become one entry: consignor, who made the goods, and how and where they leave.
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

/// What lines have in common that become one line of the entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineKey {
    /// Where the goods end (最终目的国).
    pub destination: String,
    /// Ten digits (商品编码).
    pub hs: String,
    /// The unit in which they are declared (申报计量单位).
    pub unit: String,
    /// The currency (币制).
    pub currency: String,
}

/// A line of the entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MergedLine {
    /// How many, in hundred-thousandths.
    pub quantity_e5: i64,
    /// What they come to, in minor units.
    pub total_minor: i64,
    /// Of how many lines of lists it is made.
    pub lines: usize,
}

/// The lines of an entry that is made of these exports; they have one head.
pub fn merged<'a>(sales: impl IntoIterator<Item = &'a ExportSale>) -> BTreeMap<LineKey, MergedLine> {
    let mut all: BTreeMap<LineKey, MergedLine> = BTreeMap::new();
    for sale in sales {
        for line in &sale.lines {
            let sum = all.entry(line_key(sale, line)).or_default();
            sum.quantity_e5 = sum.quantity_e5.saturating_add(line.quantity_e5);
            sum.total_minor = sum.total_minor.saturating_add(line.total_minor().unwrap_or_default());
            sum.lines += 1;
        }
    }
    all
}

fn line_key(sale: &ExportSale, line: &ExportLine) -> LineKey {
    LineKey {
        destination: sale.facts.destination.as_str().to_owned(),
        hs: line.gcode(),
        unit: line.unit.as_str().to_owned(),
        currency: sale.facts.currency.code().to_owned(),
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

/// Last day on which lists of a month are summarised: the 15th of the next, or the first working day after it. Those of
/// December are not left for later (GACC 2018/194).
///
/// Who knows no calendar of holidays says that every day is a working day: that is never too late.
pub fn deadline(month: NaiveDate, is_working_day: impl Fn(NaiveDate) -> bool) -> NaiveDate {
    let next = after(month);
    let last = next.with_day(LAST_DAY).unwrap_or(next);
    if month.month() == 12 {
        return last;
    }
    // No holiday is longer than two weeks.
    (0..15).filter_map(|days| last.checked_add_days(Days::new(days))).find(|day| is_working_day(*day)).unwrap_or(last)
}

/// Whether so few days are left that somebody must look.
pub fn is_pressing(deadline: NaiveDate, today: NaiveDate, days: u64) -> bool {
    deadline.checked_sub_days(Days::new(days)).is_some_and(|from| today >= from)
}

#[cfg(test)]
mod tests {
    use chrono::Weekday;

    use super::{super::fixtures::carpets, *};

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn sold(quantity: i64, change: fn(&mut ExportSale)) -> ExportSale {
        let mut sale = carpets();
        (sale.lines[0].quantity_e5, sale.lines[0].price_minor) = (quantity * 100_000, 1_000);
        change(&mut sale);
        sale
    }

    #[test]
    fn three_lists_of_one_key_are_one_line_and_another_currency_or_code_is_another() {
        let three = [sold(2, |_| {}), sold(3, |_| {}), sold(5, |_| {})];
        let one = merged(&three);
        assert_eq!(one.len(), 1);
        let line = one.values().next().unwrap();
        assert_eq!((line.quantity_e5, line.total_minor, line.lines), (1_000_000, 10_000, 3), "10 pieces, 100.00");
        let changes: [fn(&mut ExportSale); 4] = [
            |sale| sale.facts.currency = "USD".parse().unwrap(),
            |sale| sale.lines[0].hs = "5702310000".into(),
            |sale| sale.lines[0].unit = "011".parse().unwrap(),
            |sale| sale.facts.destination = "FR".parse().unwrap(),
        ];
        for change in changes {
            let mut all = three.to_vec();
            all.push(sold(1, change));
            assert_eq!(merged(&all).len(), 2);
        }
    }

    #[test]
    fn lists_are_put_together_by_what_an_entry_says_once() {
        let key = |change: fn(&mut ExportSale)| HeadKey::of(&sold(1, change).facts, "6301980001", "6301960002");
        let first = key(|_| {});
        let alike: [fn(&mut ExportSale); 3] = [
            |sale| sale.facts.order_no = "other".into(),
            |sale| sale.lines[0].hs = "5702310000".into(),
            |sale| sale.facts.currency = "USD".parse().unwrap(),
        ];
        for change in alike {
            assert_eq!(key(change), first);
        }
        let apart: [fn(&mut ExportSale); 7] = [
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
        assert_ne!(HeadKey::of(&sold(1, |_| {}).facts, "6301980001", "6301960009"), first);
    }

    #[test]
    fn a_month_is_beijings() {
        let (from, before) = moments(day("2025-11-30"));
        assert_eq!(from.to_rfc3339(), "2025-10-31T16:00:00+00:00");
        assert_eq!(before.to_rfc3339(), "2025-11-30T16:00:00+00:00");
        assert_eq!(moments(day("2025-12-01")).1.to_rfc3339(), "2025-12-31T16:00:00+00:00");
    }

    #[test]
    fn lists_are_summarised_until_the_15th_or_the_working_day_after_and_decembers_no_later() {
        let always = |_| true;
        let weekdays = |day: NaiveDate| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
        for (month, plain, shifted) in [
            ("2025-11-01", "2025-12-15", "2025-12-15"),
            // A Sunday.
            ("2026-01-31", "2026-02-15", "2026-02-16"),
            ("2025-12-10", "2026-01-15", "2026-01-15"),
            // A Saturday, of a December.
            ("2021-12-01", "2022-01-15", "2022-01-15"),
        ] {
            assert_eq!(deadline(day(month), always), day(plain), "{month}");
            assert_eq!(deadline(day(month), weekdays), day(shifted), "{month}");
        }
        assert!(!is_pressing(day("2025-12-15"), day("2025-12-09"), 5));
        assert!(is_pressing(day("2025-12-15"), day("2025-12-10"), 5));
        assert!(is_pressing(day("2025-12-15"), day("2026-01-01"), 5));
    }
}
