//! Scalars and values that the whole schema shares. There is no Float in it.

use async_graphql::{InputObject, InputValueError, InputValueResult, Scalar, ScalarType, SimpleObject, Value};
use entities::values;

/// A decimal number as text (`"199.00"`), exact to the last digit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoneyAmount(pub String);

/// An amount as a decimal number in text (`"199.00"`), exact to the last digit of its currency (金额数值).
#[Scalar(name = "MoneyAmount")]
impl ScalarType for MoneyAmount {
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

/// An ISO 4217 currency code (币种), such as `CNY`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CurrencyCode(pub values::Currency);

/// An ISO 4217 currency code (币种), such as `CNY`.
#[Scalar(name = "CurrencyCode")]
impl ScalarType for CurrencyCode {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        text.parse().map(Self).map_err(|refusal: values::Refusal| InputValueError::custom(refusal.to_string()))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.code().to_owned())
    }
}

/// An amount of money (金额).
#[derive(Clone, Debug, SimpleObject)]
pub struct Money {
    /// The amount with exactly the digits of its currency.
    amount: MoneyAmount,
    /// The currency.
    currency: CurrencyCode,
}

impl From<values::Money> for Money {
    fn from(money: values::Money) -> Self {
        Self { amount: MoneyAmount(money.decimal().to_string()), currency: CurrencyCode(money.currency) }
    }
}

/// An amount of money that is sent (金额).
#[derive(Clone, Debug, InputObject)]
pub struct MoneyInput {
    /// The amount, with at most the digits of its currency.
    pub amount: MoneyAmount,
    /// ISO 4217 code.
    pub currency: String,
}

impl MoneyInput {
    /// The amount that is meant; refused with the field that it was sent in.
    pub fn read(&self, field: &'static str) -> Result<values::Money, crate::error::Error> {
        let currency: values::Currency =
            self.currency.parse().map_err(|refusal: values::Refusal| refusal.at("currency").at(field))?;
        Ok(values::Money::parse(&self.amount.0, currency).map_err(|refusal| refusal.at("amount").at(field))?)
    }
}
