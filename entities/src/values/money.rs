//! Money: integer minor units and an ISO 4217 currency. There are no floats on the way.

use std::{fmt, str::FromStr};

use rust_decimal::Decimal;
use sea_orm::DeriveValueType;
use serde::{Deserialize, Serialize};

use super::refusal::{ErrorCode, Refusal};

/// An ISO 4217 currency code that has minor units (`CNY`, `USD`, `JPY`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, DeriveValueType)]
#[sea_orm(value_type = "String")]
#[serde(try_from = "String", into = "String")]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// Renminbi (人民币), the zone's own currency.
    pub const CNY: Self = Self(iso_currency::Currency::CNY);

    /// The alphabetic code.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Digits after the decimal point: 2 for CNY, 0 for JPY.
    pub fn digits(self) -> u32 {
        u32::from(self.0.exponent().unwrap_or_default())
    }
}

impl FromStr for Currency {
    type Err = Refusal;

    fn from_str(code: &str) -> Result<Self, Refusal> {
        iso_currency::Currency::from_code(code)
            .filter(|c| c.exponent().is_some()) // gold and test codes have none: nothing can be priced in them
            .map(Self)
            .ok_or_else(|| {
                Refusal::new(ErrorCode::InvalidCurrency).with("value", code.chars().take(60).collect::<String>())
            })
    }
}

impl TryFrom<String> for Currency {
    type Error = Refusal;
    fn try_from(code: String) -> Result<Self, Refusal> {
        code.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.code().to_owned()
    }
}

// sea-orm asks every part of a primary key for this.
impl sea_orm::TryFromU64 for Currency {
    fn try_from_u64(_: u64) -> Result<Self, sea_orm::DbErr> {
        Err(sea_orm::DbErr::ConvertFromU64("Currency"))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount in minor units (分) of a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Whole minor units: 19900 is CNY 199.00 and JPY 19900.
    pub minor: i64,
    /// The currency.
    pub currency: Currency,
}

impl Money {
    /// No amount may exceed this: it leaves room for the sum of a large order in 64 bits.
    pub const MAX_MINOR: i64 = 1_000_000_000_000_000;

    /// An amount written as a decimal (`199`, `199.00`), refused when it has more digits than the
    /// currency, is negative, or is beyond [`Money::MAX_MINOR`].
    pub fn parse(amount: &str, currency: Currency) -> Result<Self, Refusal> {
        let refused = || Refusal::new(ErrorCode::InvalidAmount).with("value", amount).with("currency", currency.code());
        let amount = amount.trim();
        // `Decimal` also reads exponents and underscores; a price is digits and one point.
        if amount.is_empty() || amount.len() > 20 || !amount.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            return Err(refused());
        }
        let value = Decimal::from_str(amount).map_err(|_| refused())?;
        Self::from_decimal(value, currency).ok_or_else(refused)
    }

    /// The same from a decimal value; none when it does not fit.
    pub fn from_decimal(value: Decimal, currency: Currency) -> Option<Self> {
        let scaled = value.checked_mul(Decimal::from(10_i64.pow(currency.digits())))?;
        let minor = i64::try_from(scaled).ok().filter(|_| scaled.is_integer())?;
        (0..=Self::MAX_MINOR).contains(&minor).then_some(Self { minor, currency })
    }

    /// The amount as a decimal with exactly the currency's digits.
    pub fn decimal(self) -> Decimal {
        Decimal::new(self.minor, self.currency.digits())
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.currency, self.decimal())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_the_digits_of_their_currency() {
        for (amount, currency, expected) in [
            ("199", "CNY", Some(19_900)),
            ("199.0", "CNY", Some(19_900)),
            ("0.01", "CNY", Some(1)),
            ("0.001", "CNY", None),
            ("1.10000", "CNY", Some(110)),
            ("12000", "JPY", Some(12_000)),
            ("12000.5", "JPY", None),
            ("1.234", "KWD", Some(1_234)),
            ("-1", "CNY", None),
            ("1e3", "CNY", None),
            ("1_000", "CNY", None),
            ("", "CNY", None),
            (".", "CNY", None),
            ("10000000000000.01", "CNY", None),
            ("99999999999999999999", "CNY", None),
        ] {
            let money = Money::parse(amount, currency.parse().unwrap()).ok();
            assert_eq!(money.map(|m| m.minor), expected, "{amount} {currency}");
        }
        assert!("XAU".parse::<Currency>().is_err(), "gold is no currency to price in");
        assert_eq!(Money { minor: 5, currency: Currency::CNY }.to_string(), "CNY 0.05");
    }

    proptest::proptest! {
        #[test]
        fn every_amount_survives_being_written_and_read(minor in 0..=Money::MAX_MINOR, code in "CNY|JPY|KWD|USD") {
            let money = Money { minor, currency: code.parse().unwrap() };
            let again = Money::parse(&money.decimal().to_string(), money.currency);
            proptest::prop_assert_eq!(again.unwrap(), money);
        }
    }
}
