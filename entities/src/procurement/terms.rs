//! Small values that all of procurement speaks in: rates of exchange, tolerances, delivery schedules, sides.

use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;
use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};

use super::unit_price::{UnitPrice, minor};
use crate::values::{
    Currency, ErrorCode, Money, Refusal, Refusals,
    id::PersonId,
    refusal::{Check, line},
};

/// Most units of anything: whole trade units, as stock counts them.
pub const MOST: i64 = 1_000_000_000;
/// Parts of a whole, in parts per million.
pub const WHOLE_PPM: i32 = 1_000_000;
/// Most digits of a rate of exchange, and most that it may be.
const RATE_DIGITS: u32 = 8;
const MAX_RATE: i64 = 1_000_000;
/// Longest name of where a rate comes from.
const MAX_SOURCE: usize = 80;
/// Most entries of a delivery schedule.
const MAX_ENTRIES: usize = 24;

/// A rate of exchange as it was fixed (汇率): how much one unit of a currency is in another. Of an order that other one
/// is the renminbi, of a comparison the currency that it compares in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Fx {
    /// How much one unit is.
    pub rate: Decimal,
    /// Who says so.
    pub source: String,
    /// Of which day.
    pub on: NaiveDate,
}

impl Fx {
    /// The rate, when it is one: above nothing, at most eight digits, with a source that can be named.
    pub fn checked(&self) -> Result<(), Refusals> {
        let mut check = Check::default();
        let fits = self.rate > Decimal::ZERO
            && self.rate <= Decimal::from(MAX_RATE)
            && self.rate.normalize().scale() <= RATE_DIGITS;
        check.demand(fits, "rate", || Refusal::new(ErrorCode::InvalidValue).with("value", self.rate.to_string()));
        check.take("source", line(&self.source, MAX_SOURCE));
        check.done(())
    }

    /// An amount of a currency in renminbi, half up to the fen; none when it is beyond what money can be.
    pub fn base(&self, amount: i64, from: Currency) -> Option<i64> {
        let value = Money { minor: amount, currency: from }.decimal();
        minor(value.checked_mul(self.rate)?, Currency::CNY)
    }
}

/// How far deliveries and invoices may differ from what was ordered (容差). Nothing given: not at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Tolerance {
    /// By how much more than was accepted may be billed, in parts per million.
    pub quantity_ppm: i32,
    /// By how much more than was ordered may be taken in, in parts per million.
    pub over_receipt_ppm: i32,
    /// By how much the price of a unit may differ, in parts per million of the ordered one.
    pub price_ppm: i32,
    /// By how much it may differ in any case.
    pub price_abs: UnitPrice,
    /// By how much the total may differ in any case, in minor units.
    pub total_abs_minor: i64,
    /// By how much the total may differ, in parts per million of the ordered one.
    pub total_ppm: i32,
}

impl Tolerance {
    /// The tolerance, when each of its parts is one: a share is at most the whole, an amount no more than money can be.
    pub fn checked(&self) -> Result<(), Refusals> {
        let mut check = Check::default();
        for (field, ppm) in [
            ("quantityPpm", self.quantity_ppm),
            ("overReceiptPpm", self.over_receipt_ppm),
            ("pricePpm", self.price_ppm),
            ("totalPpm", self.total_ppm),
        ] {
            let range = || Refusal::new(ErrorCode::OutOfRange).with("min", "0").with("max", WHOLE_PPM.to_string());
            check.demand((0..=WHOLE_PPM).contains(&ppm), field, range);
        }
        for (field, amount) in [("priceAbs", self.price_abs.0), ("totalAbsMinor", self.total_abs_minor)] {
            let range =
                || Refusal::new(ErrorCode::OutOfRange).with("min", "0").with("max", Money::MAX_MINOR.to_string());
            check.demand((0..=Money::MAX_MINOR).contains(&amount), field, range);
        }
        check.done(())
    }
}

/// How much is to come when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Due {
    /// The day.
    pub on: NaiveDate,
    /// How much, in trade units.
    pub quantity: i64,
}

/// When the quantity of a line is to come (交货计划). Empty: all at once, on the day that the line says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct Schedule(pub Vec<Due>);

impl Schedule {
    /// The schedule, when it is one of so much: its days rise and its quantities add up.
    pub fn checked(&self, quantity: i64) -> Result<(), Refusal> {
        if self.0.is_empty() {
            return Ok(());
        }
        if self.0.len() > MAX_ENTRIES {
            return Err(Refusal::new(ErrorCode::TooMany).with("max", MAX_ENTRIES.to_string()));
        }
        if let Some(n) = self.0.iter().position(|due| !(1..=MOST).contains(&due.quantity)) {
            let range = Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", MOST.to_string());
            return Err(range.at("quantity").at(n.to_string()));
        }
        if let Some(n) = self.0.windows(2).position(|pair| pair[1].on <= pair[0].on) {
            let wrong = Refusal::new(ErrorCode::InvalidValue).with("value", self.0[n + 1].on.to_string());
            return Err(wrong.at("on").at((n + 1).to_string()));
        }
        let sum: i64 = self.0.iter().map(|due| due.quantity).sum();
        if sum != quantity {
            return Err(Refusal::new(ErrorCode::InvalidValue).with("value", format!("{sum} ≠ {quantity}")));
        }
        Ok(())
    }

    /// How much was to be there by a day.
    pub fn by(&self, day: NaiveDate) -> i64 {
        self.0.iter().filter(|due| due.on <= day).map(|due| due.quantity).sum()
    }
}

/// Several texts in one column: numbers of waybills.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct Texts(pub Vec<String>);

/// Several people in one column, each once: who changed something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct People(pub Vec<PersonId>);

impl People {
    /// The same people and this one; a program is nobody.
    #[must_use]
    pub fn with(&self, person: Option<PersonId>) -> Self {
        let another = person.filter(|person| !self.0.contains(person));
        Self(self.0.iter().copied().chain(another).collect())
    }
}

/// On which side of a purchase somebody is (采购双方).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "ProcurementSide")]
pub enum Side {
    /// Buys (采购方).
    Buyer,
    /// Delivers (供应方).
    Supplier,
}

impl Side {
    /// What of both is this side's.
    pub fn of<T>(self, buyer: T, supplier: T) -> T {
        match self {
            Self::Buyer => buyer,
            Self::Supplier => supplier,
        }
    }
}

/// The first day of a day's month.
pub fn months(day: NaiveDate) -> NaiveDate {
    day.with_day(1).unwrap_or(day)
}

/// The first day of a day's quarter of the year.
pub fn quarter_start(day: NaiveDate) -> NaiveDate {
    let first = (day.month() - 1) / 3 * 3 + 1;
    NaiveDate::from_ymd_opt(day.year(), first, 1).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn fx(rate: &str) -> Fx {
        Fx { rate: Decimal::from_str(rate).unwrap(), source: "SAFE".into(), on: day("2026-03-01") }
    }

    #[test]
    fn an_amount_in_another_currency_is_so_much_renminbi_half_up() {
        for (amount, currency, rate, expected) in [
            (1_234_567, "USD", "7.1021", Some(8_768_018)),
            (100, "USD", "7.005", Some(701)),
            (1, "JPY", "0.0465", Some(5)),
            (0, "USD", "7.1021", Some(0)),
            (Money::MAX_MINOR, "USD", "7.1021", None),
        ] {
            assert_eq!(fx(rate).base(amount, currency.parse().unwrap()), expected, "{amount} {currency} at {rate}");
        }
    }

    #[test]
    fn a_rate_is_above_nothing_has_eight_digits_and_a_source() {
        for (rate, source, field) in [
            ("7.1021", "SAFE", None),
            ("0.04650001", "SAFE", None),
            ("7.10210000000", "SAFE", None),
            ("0.046500001", "SAFE", Some("rate")),
            ("0", "SAFE", Some("rate")),
            ("-7", "SAFE", Some("rate")),
            ("1000001", "SAFE", Some("rate")),
            ("7.1021", " ", Some("source")),
        ] {
            let refused = Fx { source: source.into(), ..fx(rate) }.checked().err();
            let named = refused.map(|refusals| refusals[0].field[0].clone());
            assert_eq!(named.as_deref(), field, "{rate} by {source:?}");
        }
    }

    #[test]
    fn a_tolerance_is_at_most_the_whole_and_never_below_nothing() {
        assert_eq!(Tolerance::default().checked(), Ok(()));
        let most = Tolerance { quantity_ppm: WHOLE_PPM, price_abs: UnitPrice(1), ..Tolerance::default() };
        assert_eq!(most.checked(), Ok(()));
        for (wrong, field) in [
            (Tolerance { quantity_ppm: -1, ..Tolerance::default() }, "quantityPpm"),
            (Tolerance { over_receipt_ppm: WHOLE_PPM + 1, ..Tolerance::default() }, "overReceiptPpm"),
            (Tolerance { price_abs: UnitPrice(-1), ..Tolerance::default() }, "priceAbs"),
            (Tolerance { total_abs_minor: Money::MAX_MINOR + 1, ..Tolerance::default() }, "totalAbsMinor"),
        ] {
            assert_eq!(wrong.checked().unwrap_err()[0].field, [field]);
        }
    }

    #[test]
    fn a_schedule_rises_and_adds_up() {
        let schedule = |entries: &[(&str, i64)]| {
            Schedule(entries.iter().map(|(on, quantity)| Due { on: day(on), quantity: *quantity }).collect())
        };
        for (entries, expected) in [
            (&[][..], None),
            (&[("2026-03-10", 60), ("2026-03-20", 40)][..], None),
            (&[("2026-03-10", 60), ("2026-03-20", 41)][..], Some(ErrorCode::InvalidValue)),
            (&[("2026-03-20", 60), ("2026-03-10", 40)][..], Some(ErrorCode::InvalidValue)),
            (&[("2026-03-10", 60), ("2026-03-10", 40)][..], Some(ErrorCode::InvalidValue)),
            (&[("2026-03-10", 100), ("2026-03-20", 0)][..], Some(ErrorCode::OutOfRange)),
        ] {
            let refused = schedule(entries).checked(100).err().map(|refusal| refusal.code);
            assert_eq!(refused, expected, "{entries:?}");
        }
        let many =
            Schedule((0..25).map(|n| Due { on: day("2026-03-01") + chrono::Days::new(n), quantity: 4 }).collect());
        assert_eq!(many.checked(100).unwrap_err().code, ErrorCode::TooMany);
        assert_eq!(schedule(&[("2026-03-10", 60), ("2026-03-20", 40)]).by(day("2026-03-10")), 60);
    }

    #[test]
    fn people_are_named_once() {
        let person = |n: u128| PersonId(Uuid::from_u128(n));
        let both = People::default().with(Some(person(1))).with(None).with(Some(person(2))).with(Some(person(1)));
        assert_eq!(both.0, [person(1), person(2)]);
    }

    #[test]
    fn months_and_quarters_begin_on_their_first_day() {
        for (of, month, quarter) in [
            ("2026-03-31", "2026-03-01", "2026-01-01"),
            ("2026-04-01", "2026-04-01", "2026-04-01"),
            ("2026-12-31", "2026-12-01", "2026-10-01"),
            ("2024-02-29", "2024-02-01", "2024-01-01"),
        ] {
            assert_eq!((months(day(of)), quarter_start(day(of))), (day(month), day(quarter)), "{of}");
        }
    }
}
