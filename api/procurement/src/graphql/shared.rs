//! Values that all of procurement shows and takes: prices of one unit, tiers, rates of exchange, tolerances, schedules.

use std::str::FromStr;

use async_graphql::{InputObject, InputValueError, InputValueResult, Scalar, ScalarType, SimpleObject, Value};
use chrono::NaiveDate;
use entities::{
    procurement::{
        terms::{Due, Fx, Schedule, Tolerance},
        tiers::{Tier, Tiers},
        unit_price::UnitPrice,
    },
    values::{Currency, ErrorCode, Refusal},
};
use platform::{error::Error, graphql::CurrencyCode};
use rust_decimal::Decimal;

/// An amount for one unit, as a decimal number in text: exact, also behind the last digit of its currency (单位金额).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnitAmount(pub String);

/// An amount for one unit, as a decimal number in text: exact, also behind the last digit of its currency (单位金额).
#[Scalar(name = "UnitAmount")]
impl ScalarType for UnitAmount {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) if text.len() <= 40 => Ok(Self(text)),
            // Whole numbers are exact in JSON; a fraction has already been through a float.
            Value::Number(number) if !number.is_f64() => Ok(Self(number.to_string())),
            value => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// The price of one unit, exact to six digits (单价).
#[derive(Clone, Debug, SimpleObject)]
#[graphql(name = "UnitPrice")]
pub(crate) struct UnitPriceOutput {
    /// The price as a decimal number.
    amount: UnitAmount,
    /// The currency.
    currency: CurrencyCode,
}

impl UnitPriceOutput {
    /// A price as it is shown.
    pub(crate) fn of(price: UnitPrice, currency: Currency) -> Self {
        Self { amount: UnitAmount(price.decimal().to_string()), currency: CurrencyCode(currency) }
    }
}

/// The price of one unit that is sent (单价).
#[derive(Clone, Debug, InputObject)]
pub(crate) struct UnitPriceInput {
    /// The price as a decimal number, with at most six digits behind the point.
    amount: UnitAmount,
    /// ISO 4217 code.
    currency: String,
}

impl UnitPriceInput {
    /// The price and its currency; refused with the field that it was sent in.
    pub(crate) fn read(&self, field: &str) -> Result<(UnitPrice, Currency), Error> {
        let currency: Currency = self.currency.parse().map_err(|refusal: Refusal| refusal.at("currency").at(field))?;
        let price = UnitPrice::parse(&self.amount.0, currency).map_err(|refusal| refusal.at("amount").at(field))?;
        Ok((price, currency))
    }

    /// The same of a price that must be in one currency.
    pub(crate) fn read_in(&self, currency: Currency, field: &str) -> Result<UnitPrice, Error> {
        let (price, named) = self.read(field)?;
        if named == currency {
            return Ok(price);
        }
        let refusal = Refusal::new(ErrorCode::InvalidCurrency).with("value", named.code());
        Err(refusal.at("currency").at(field).into())
    }
}

/// A price from a quantity on (阶梯价).
#[derive(Clone, Debug, SimpleObject)]
#[graphql(name = "QuotedTier")]
pub(crate) struct QuotedTierOutput {
    /// From this quantity on.
    min_quantity: i64,
    /// The price of one unit.
    price: UnitPriceOutput,
}

impl QuotedTierOutput {
    /// Tiers as they are shown.
    pub(crate) fn all(tiers: &Tiers, currency: Currency) -> Vec<Self> {
        let shown = |tier: &Tier| Self { min_quantity: tier.from, price: UnitPriceOutput::of(tier.price, currency) };
        tiers.0.iter().map(shown).collect()
    }
}

/// A price from a quantity on that is sent (阶梯价).
#[derive(Clone, Debug, InputObject)]
pub(crate) struct QuotedTierInput {
    /// From this quantity on.
    min_quantity: i64,
    /// The price of one unit.
    price: UnitPriceInput,
}

impl QuotedTierInput {
    /// The tiers that are meant, all in one currency.
    pub(crate) fn read_all(tiers: &[Self], currency: Currency) -> Result<Tiers, Error> {
        let read = |(n, tier): (usize, &Self)| -> Result<Tier, Error> {
            let price = tier.price.read_in(currency, "price").map_err(|error| error.at(n.to_string()).at("tiers"))?;
            Ok(Tier { from: tier.min_quantity, price })
        };
        Ok(Tiers(tiers.iter().enumerate().map(read).collect::<Result<_, Error>>()?))
    }
}

/// A rate of exchange as it was fixed (汇率).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ExchangeRate {
    /// How much one unit of the currency is, as a decimal number.
    rate: String,
    /// Who says so.
    source: String,
    /// Of which day.
    on: NaiveDate,
}

impl From<&Fx> for ExchangeRate {
    fn from(fx: &Fx) -> Self {
        Self { rate: fx.rate.normalize().to_string(), source: fx.source.clone(), on: fx.on }
    }
}

/// A rate of exchange that is sent (汇率).
#[derive(Clone, Debug, InputObject)]
pub(crate) struct ExchangeRateInput {
    /// How much one unit of the currency is, as a decimal number with at most eight digits behind the point.
    rate: String,
    /// Who says so.
    source: String,
    /// Of which day.
    on: NaiveDate,
}

impl ExchangeRateInput {
    /// The rate that is meant; refused with the field that it was sent in.
    pub(crate) fn read(&self, field: &str) -> Result<Fx, Error> {
        let rate = decimal(&self.rate).map_err(|refusal| refusal.at("rate").at(field))?;
        let fx = Fx { rate, source: self.source.trim().to_owned(), on: self.on };
        fx.checked().map_err(|refusals| Error::from(refusals).at(field))?;
        Ok(fx)
    }
}

/// A decimal number that is sent: digits and one point, no sign.
pub(crate) fn decimal(text: &str) -> Result<Decimal, Refusal> {
    let refused = || Refusal::new(ErrorCode::InvalidValue).with("value", text.chars().take(40).collect::<String>());
    let digits = text.trim();
    // `Decimal` also reads exponents and underscores.
    if digits.is_empty() || digits.len() > 24 || !digits.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return Err(refused());
    }
    Decimal::from_str(digits).map_err(|_| refused())
}

/// How far deliveries and invoices may differ from what was ordered (容差).
#[derive(Clone, Debug, SimpleObject)]
#[graphql(name = "MatchToleranceValues")]
pub(crate) struct ToleranceOutput {
    /// By how much more than was accepted may be billed, in parts per million.
    quantity_ppm: i32,
    /// By how much more than was ordered may be taken in, in parts per million.
    over_receipt_ppm: i32,
    /// By how much the price of a unit may differ, in parts per million of the ordered one.
    price_ppm: i32,
    /// By how much it may differ in any case, as a decimal number in the order's currency.
    price_abs: String,
    /// By how much the total may differ in any case, in minor units of the order's currency.
    total_abs_minor: i64,
    /// By how much the total may differ, in parts per million of the ordered one.
    total_ppm: i32,
}

impl From<&Tolerance> for ToleranceOutput {
    fn from(tolerance: &Tolerance) -> Self {
        Self {
            quantity_ppm: tolerance.quantity_ppm,
            over_receipt_ppm: tolerance.over_receipt_ppm,
            price_ppm: tolerance.price_ppm,
            price_abs: tolerance.price_abs.decimal().to_string(),
            total_abs_minor: tolerance.total_abs_minor,
            total_ppm: tolerance.total_ppm,
        }
    }
}

/// How far deliveries and invoices may differ from what was ordered; what is left out: not at all (容差).
#[derive(Clone, Debug, InputObject)]
pub(crate) struct ToleranceInput {
    /// By how much more than was accepted may be billed, in parts per million.
    #[graphql(default)]
    quantity_ppm: i32,
    /// By how much more than was ordered may be taken in, in parts per million.
    #[graphql(default)]
    over_receipt_ppm: i32,
    /// By how much the price of a unit may differ, in parts per million of the ordered one.
    #[graphql(default)]
    price_ppm: i32,
    /// By how much it may differ in any case, as a decimal number in the order's currency.
    price_abs: Option<String>,
    /// By how much the total may differ in any case, in minor units of the order's currency.
    #[graphql(default)]
    total_abs_minor: i64,
    /// By how much the total may differ, in parts per million of the ordered one.
    #[graphql(default)]
    total_ppm: i32,
}

impl ToleranceInput {
    /// The tolerance that is meant; refused with the field that it was sent in.
    pub(crate) fn read(&self, field: &str) -> Result<Tolerance, Error> {
        let price_abs = match &self.price_abs {
            Some(text) => {
                UnitPrice::parse_or_zero(text, Currency::CNY).map_err(|refusal| refusal.at("priceAbs").at(field))?
            }
            None => UnitPrice::ZERO,
        };
        let tolerance = Tolerance {
            quantity_ppm: self.quantity_ppm,
            over_receipt_ppm: self.over_receipt_ppm,
            price_ppm: self.price_ppm,
            price_abs,
            total_abs_minor: self.total_abs_minor,
            total_ppm: self.total_ppm,
        };
        tolerance.checked().map_err(|refusals| Error::from(refusals).at(field))?;
        Ok(tolerance)
    }
}

/// How much is to come when (交货计划).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ScheduleEntry {
    /// The day.
    on: NaiveDate,
    /// How much, in trade units.
    quantity: i64,
}

impl ScheduleEntry {
    /// A schedule as it is shown.
    pub(crate) fn all(schedule: &Schedule) -> Vec<Self> {
        schedule.0.iter().map(|due| Self { on: due.on, quantity: due.quantity }).collect()
    }
}

/// How much is to come when, as it is sent (交货计划).
#[derive(Clone, Debug, InputObject)]
pub(crate) struct ScheduleEntryInput {
    /// The day.
    on: NaiveDate,
    /// How much, in trade units.
    quantity: i64,
}

impl ScheduleEntryInput {
    /// The schedule that is meant; whether it adds up is looked at with the line.
    pub(crate) fn read_all(entries: &[Self]) -> Schedule {
        Schedule(entries.iter().map(|entry| Due { on: entry.on, quantity: entry.quantity }).collect())
    }
}
