//! Prices of one unit (单价): exact to a millionth, because people buy for 3.335. Rounded once, when a line's amount is
//! made.

use std::str::FromStr;

use rust_decimal::{Decimal, RoundingStrategy, prelude::ToPrimitive};
use sea_orm::DeriveValueType;

use crate::values::{Currency, ErrorCode, Money, Refusal};

/// Digits that a price of one unit may have.
pub const DIGITS: u32 = 6;
/// Millionths of one.
const ONE: i64 = 1_000_000;

/// The price of one unit in millionths of a currency's unit (单价).
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    DeriveValueType,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(transparent)]
pub struct UnitPrice(pub i64);

impl UnitPrice {
    /// Nothing: what a tolerance may be, and a price never.
    pub const ZERO: Self = Self(0);

    /// A price as it is written: above nothing, at most six digits behind the point.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, Refusal> {
        let price = Self::parse_or_zero(text, currency)?;
        if price == Self::ZERO { Err(refused(text, currency)) } else { Ok(price) }
    }

    /// The same of what may be nothing.
    pub fn parse_or_zero(text: &str, currency: Currency) -> Result<Self, Refusal> {
        let refused = || refused(text, currency);
        let digits = text.trim();
        // `Decimal` also reads exponents and underscores; a price is digits and one point.
        if digits.is_empty() || digits.len() > 20 || !digits.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            return Err(refused());
        }
        let value = Decimal::from_str(digits).map_err(|_| refused())?;
        let scaled = value.checked_mul(Decimal::from(ONE)).filter(Decimal::is_integer).ok_or_else(refused)?;
        let e6 = scaled.to_i64().filter(|n| (0..=Money::MAX_MINOR).contains(n)).ok_or_else(refused)?;
        Ok(Self(e6))
    }

    /// A decimal as a price, half up to six digits; none when it is nothing, below it or too much.
    pub fn of(value: Decimal) -> Option<Self> {
        let rounded = value.round_dp_with_strategy(DIGITS, RoundingStrategy::MidpointAwayFromZero);
        let e6 = rounded.checked_mul(Decimal::from(ONE))?.to_i64()?;
        (1..=Money::MAX_MINOR).contains(&e6).then_some(Self(e6))
    }

    /// As a decimal without needless zeros.
    pub fn decimal(self) -> Decimal {
        Decimal::new(self.0, DIGITS).normalize()
    }

    /// What so many cost, half up to the currency's digits; none when it is beyond what money can be.
    pub fn amount(self, quantity: i64, currency: Currency) -> Option<i64> {
        minor(self.decimal().checked_mul(Decimal::from(quantity))?, currency)
    }
}

fn refused(text: &str, currency: Currency) -> Refusal {
    let start: String = text.chars().take(40).collect();
    Refusal::new(ErrorCode::InvalidAmount).with("value", start).with("currency", currency.code())
}

/// A decimal amount in whole minor units, half up.
pub fn minor(value: Decimal, currency: Currency) -> Option<i64> {
    let rounded = value.round_dp_with_strategy(currency.digits(), RoundingStrategy::MidpointAwayFromZero);
    let minor = rounded.checked_mul(Decimal::from(10_i64.pow(currency.digits())))?.to_i64()?;
    (minor.unsigned_abs() <= Money::MAX_MINOR.unsigned_abs()).then_some(minor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_of_one_unit_has_up_to_six_digits_whatever_its_currency() {
        for (text, expected) in [
            ("3.335", Some(3_335_000)),
            (" 12 ", Some(12_000_000)),
            ("0.000001", Some(1)),
            ("1.0000000", Some(1_000_000)),
            ("0.0000001", None),
            ("0", None),
            ("0.00", None),
            ("", None),
            (".", None),
            ("1e3", None),
            ("1_000", None),
            ("-1", None),
            ("1000000000", Some(1_000_000_000_000_000)),
            ("1000000000.000001", None),
            ("99999999999999999999", None),
        ] {
            for currency in ["CNY", "JPY"] {
                let price = UnitPrice::parse(text, currency.parse().unwrap()).ok();
                assert_eq!(price.map(|price| price.0), expected, "{text} {currency}");
            }
        }
        assert_eq!(UnitPrice::parse_or_zero("0", Currency::CNY).unwrap(), UnitPrice::ZERO);
        assert_eq!(UnitPrice(3_335_000).decimal().to_string(), "3.335");
    }

    #[test]
    fn what_is_bought_is_rounded_once_and_half_up() {
        for (price, quantity, currency, expected) in [
            (3_335_000, 1, "CNY", Some(334)),
            (3_335_000, 10, "CNY", Some(3_335)),
            (10_010_000, 3, "CNY", Some(3_003)),
            (3_335_000, 3, "JPY", Some(10)),
            (500_000, 1, "JPY", Some(1)),
            (499_999, 1, "JPY", Some(0)),
            (1, 1_000_000_000, "CNY", Some(100_000)),
            (Money::MAX_MINOR, 1_000_000_000, "CNY", None),
        ] {
            let amount = UnitPrice(price).amount(quantity, currency.parse().unwrap());
            assert_eq!(amount, expected, "{quantity} at {price} millionths {currency}");
        }
    }

    #[test]
    fn a_decimal_is_a_price_at_six_digits() {
        let dec = |text: &str| Decimal::from_str(text).unwrap();
        for (value, expected) in
            [("11.992", Some(11_992_000)), ("0.0000005", Some(1)), ("0.0000004", None), ("-1", None)]
        {
            assert_eq!(UnitPrice::of(dec(value)).map(|price| price.0), expected, "{value}");
        }
    }
}
