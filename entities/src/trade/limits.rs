//! The limits of retail import (交易限值): how much one order and one buyer's year may come to, and how much of some
//! goods one person may buy.
//!
//! They are tested on the dutiable price, before tax. What was reserved at declaration counts like what was used;
//! a cancelled list gives its reservation back, and a return gives back to the year in which the goods were
//! released (海关总署公告2020年第45号).

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{
    in_range, out_of_range, sum,
    tariff::{Contents, Measure},
    tax::{Law, Regime},
    yuan,
};
use crate::values::{ErrorCode, HsCode, Refusal};

/// The limits from a day on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// First day.
    pub from: NaiveDate,
    /// Most that the dutiable price of one order may be (单次交易限值), in fen.
    pub single_minor: i64,
    /// Most that the dutiable prices of one buyer in a calendar year may come to (年度交易限值), in fen.
    pub annual_minor: i64,
    /// The law that sets them.
    pub law: Law,
}

/// The limits of the law, latest first. They are configuration: a zone may know of a change before this list does.
pub const LIMITS: [Limits; 2] = [
    Limits { from: first_day(2019, 1, 1), single_minor: 500_000, annual_minor: 2_600_000, law: Law::RetailImport2018 },
    Limits { from: first_day(2016, 4, 8), single_minor: 200_000, annual_minor: 2_000_000, law: Law::RetailImport2016 },
];

/// A date that is known to exist. One that did not would never come.
const fn first_day(year: i32, month: u32, day: u32) -> NaiveDate {
    let Some(date) = NaiveDate::from_ymd_opt(year, month, day) else { return NaiveDate::MAX };
    date
}

impl Limits {
    /// The law's limits on a day; none before there was retail import.
    pub fn on(date: NaiveDate) -> Option<Self> {
        LIMITS.into_iter().find(|limits| limits.from <= date)
    }
}

/// The limits, and what a buyer has already taken of the annual one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// The limits.
    pub limits: Limits,
    /// Dutiable prices released in this calendar year, less what was returned, in fen.
    pub used_minor: i64,
    /// Dutiable prices declared and neither released nor cancelled, in fen.
    pub reserved_minor: i64,
}

/// How an order may pass (通关方式).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, async_graphql::Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Passage {
    /// Within both limits (限值以内).
    WithinLimit,
    /// Above the single limit with exactly one item (单件超限): taxed in full, and counted to the year.
    SingleItemFullTax,
    /// As goods of general trade (一般贸易): no limits, taxed in full. What a business imports.
    GeneralTrade,
}

impl Passage {
    /// How such an order is taxed.
    pub fn regime(self) -> Regime {
        match self {
            Self::WithinLimit => Regime::Retail,
            Self::SingleItemFullTax | Self::GeneralTrade => Regime::Full,
        }
    }
}

impl Quota {
    /// How an order with this dutiable price in fen and so many items may pass (vectors T13 and T14).
    ///
    /// A figure that is a limit is within it. The annual limit is tested first: who is above it gains nothing by
    /// splitting the order, which is what the other refusal advises.
    pub fn passage(&self, dutiable_minor: i64, items: u64) -> Result<Passage, Refusal> {
        let Limits { single_minor, annual_minor, .. } = self.limits;
        let year = sum([in_range(self.used_minor)?, in_range(self.reserved_minor)?, in_range(dutiable_minor)?])?;
        if year > annual_minor {
            // How much is left stays unsaid: a seller who tries prices would learn what else the buyer bought.
            return Err(Refusal::new(ErrorCode::OverAnnualLimit).with("max", yuan(annual_minor).to_string()));
        }
        if dutiable_minor <= single_minor {
            Ok(Passage::WithinLimit)
        } else if items == 1 {
            Ok(Passage::SingleItemFullTax)
        } else {
            Err(Refusal::new(ErrorCode::OverSingleLimit)
                .with("value", yuan(dutiable_minor).to_string())
                .with("max", yuan(single_minor).to_string()))
        }
    }
}

/// Over what a person's purchases of some goods are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Period {
    /// Over a calendar year (每年).
    CalendarYear,
    /// In one order (每单).
    Order,
}

/// How much of some goods a person may buy: a note of the positive list (零售进口商品清单备注).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuantityCap {
    /// What the HS codes begin with; goods of all of them are counted together.
    pub prefixes: &'static [&'static str],
    /// Most that is allowed, in `measure`.
    pub max: u32,
    /// What it is counted in.
    pub measure: Measure,
    /// Over what.
    pub period: Period,
}

/// The caps of the positive list (财政部等8部门公告2022年第7号) that are known: 20 kg of rice and flour of grain, 2 kg
/// of sugar. Which lines carry the note must be held against the list in force before goods are put on sale.
pub const QUANTITY_CAPS: [QuantityCap; 2] = [
    QuantityCap {
        prefixes: &["1006", "1101", "1102", "1103"],
        max: 20,
        measure: Measure::Kilogram,
        period: Period::CalendarYear,
    },
    QuantityCap { prefixes: &["1701"], max: 2, measure: Measure::Kilogram, period: Period::CalendarYear },
];

impl QuantityCap {
    /// True when goods of the code are counted.
    pub fn counts(&self, hs: &HsCode) -> bool {
        self.prefixes.iter().any(|prefix| hs.as_str().starts_with(*prefix))
    }

    /// How much of what is counted stands in lines of so many contents; refused when a line does not state them.
    pub fn quantity<'a>(&self, lines: impl IntoIterator<Item = (&'a HsCode, Contents)>) -> Result<Decimal, Refusal> {
        lines.into_iter().filter(|(hs, _)| self.counts(hs)).try_fold(Decimal::ZERO, |quantity, (_, contents)| {
            let line = contents.of(self.measure).ok_or_else(|| {
                Refusal::new(ErrorCode::Incomplete).with("missing", self.measure.unit()).at("contents")
            })?;
            quantity.checked_add(line).ok_or_else(out_of_range)
        })
    }

    /// What the person comes to with `earlier` in the period and `now`; refused above the cap.
    pub fn allow(&self, earlier: Decimal, now: Decimal) -> Result<Decimal, Refusal> {
        let all = earlier.checked_add(now).ok_or_else(out_of_range)?;
        if all <= Decimal::from(self.max) {
            return Ok(all);
        }
        Err(Refusal::new(ErrorCode::OverQuantityCap)
            .with("hs", self.prefixes.join(" / "))
            .with("max", self.max.to_string())
            .with("unit", self.measure.unit()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trade::fixtures::{day, dec, grams, pieces, quota};

    #[test]
    fn the_limits_are_those_of_the_day() {
        for (date, limits) in [
            ("2016-04-07", None),
            ("2016-04-08", Some((200_000, 2_000_000))),
            ("2018-12-31", Some((200_000, 2_000_000))),
            ("2019-01-01", Some((500_000, 2_600_000))),
            ("2024-06-01", Some((500_000, 2_600_000))),
        ] {
            let found = Limits::on(day(date)).map(|l| (l.single_minor, l.annual_minor));
            assert_eq!(found, limits, "{date}");
        }
    }

    #[test]
    fn an_order_passes_within_both_limits() {
        use ErrorCode::{OutOfRange, OverAnnualLimit, OverSingleLimit};
        use Passage::{SingleItemFullTax, WithinLimit};
        for (case, date, used, reserved, dutiable, items, passage) in [
            ("T13", "2024-06-01", 2_550_000, 0, 50_000, 1, Ok(WithinLimit)),
            ("T13 and a fen", "2024-06-01", 2_550_000, 0, 50_001, 1, Err(OverAnnualLimit)),
            ("T13, reserved", "2024-06-01", 2_000_000, 550_000, 50_000, 3, Ok(WithinLimit)),
            ("T13, reserved, and a fen", "2024-06-01", 2_000_000, 550_000, 50_001, 3, Err(OverAnnualLimit)),
            ("T14", "2024-06-01", 0, 0, 520_000, 2, Err(OverSingleLimit)),
            ("T14, one item", "2024-06-01", 0, 0, 520_000, 1, Ok(SingleItemFullTax)),
            ("T9", "2024-06-01", 0, 0, 600_000, 1, Ok(SingleItemFullTax)),
            ("5,000.00", "2024-06-01", 0, 0, 500_000, 9, Ok(WithinLimit)),
            ("5,000.01", "2024-06-01", 0, 0, 500_001, 9, Err(OverSingleLimit)),
            ("5,000.01, one item", "2024-06-01", 0, 0, 500_001, 1, Ok(SingleItemFullTax)),
            ("26,000.00, one item", "2024-06-01", 0, 0, 2_600_000, 1, Ok(SingleItemFullTax)),
            ("26,000.01, one item", "2024-06-01", 0, 0, 2_600_001, 1, Err(OverAnnualLimit)),
            ("above both", "2024-06-01", 2_600_000, 0, 520_000, 2, Err(OverAnnualLimit)),
            ("T4 before 2019", "2018-06-01", 0, 0, 300_000, 1, Ok(SingleItemFullTax)),
            ("T4 since 2019", "2019-01-15", 0, 0, 300_000, 1, Ok(WithinLimit)),
            ("no amount", "2024-06-01", 0, 0, -1, 1, Err(OutOfRange)),
            ("no quota", "2024-06-01", i64::MAX, 1, 1, 1, Err(OutOfRange)),
        ] {
            let found = quota(date, used, reserved).passage(dutiable, items).map_err(|refusal| refusal.code);
            assert_eq!(found, passage, "{case}");
        }
    }

    #[test]
    fn a_person_buys_no_more_than_the_note_allows() {
        let [grain, sugar] = QUANTITY_CAPS;
        let hs = |code: &str| code.parse::<HsCode>().unwrap();
        let (rice, flour, cane) = (hs("1006302001"), hs("1101000001"), hs("1701991010"));
        let lines = || [(&rice, grams("10000")), (&flour, grams("5000")), (&cane, grams("1500"))];
        assert_eq!(grain.quantity(lines()).unwrap(), dec("15"));
        assert_eq!(sugar.quantity(lines()).unwrap(), dec("1.5"));
        let unstated = sugar.quantity([(&cane, pieces("1"))]).unwrap_err();
        assert_eq!(unstated.code, ErrorCode::Incomplete);
        for (cap, earlier, now, all) in [
            (grain, "5", "15", Some("20")),
            (grain, "5.001", "15", None),
            (sugar, "0", "2", Some("2")),
            (sugar, "0", "2.001", None),
        ] {
            let found = cap.allow(dec(earlier), dec(now));
            assert_eq!(found.as_ref().ok().copied(), all.map(dec), "{earlier} and {now}");
            assert!(found.is_ok() || found.unwrap_err().code == ErrorCode::OverQuantityCap, "{earlier} and {now}");
        }
    }
}
