//! Retail import (跨境电商零售进口) as a calculation: which rates hold, what the buyer owes, whether the order
//! may pass at all.
//!
//! The rules are pure functions over values; tariff rows, what the buyer has used up and the day come in as
//! parameters. Beside them stand the tables that these come from: [`tariff_row`], [`import_list`], [`zone_policy`],
//! [`shipping`], [`allowance`] with [`allowance_entry`]. Invariants:
//! - money is whole fen (分) in an `i64`; between the fen there are exact decimals, and one division that comes
//!   last, so that half a fen is half a fen ([`tax`]);
//! - the row of the day decides, and an answer names the rates, the trigger and the law it rests on ([`tariff`]);
//! - the totals of an order are the sums of its lines ([`price`]), and what is spread over lines loses no fen
//!   ([`spread`]);
//! - the limits are tested on the dutiable price, before tax ([`limits`]);
//! - a price with tax taken apart and put together again is the same price ([`shelf`]);
//! - the explanation of a tax is arithmetic that comes to it ([`mod@explain`]).
//!
//! The tests carry the numbers of the project's test vectors, T0 to T14.

pub mod allowance;
pub mod allowance_entry;
pub mod explain;
pub mod import_list;
pub mod limits;
pub mod price;
pub mod shelf;
pub mod shipping;
pub mod spread;
pub mod tariff;
pub mod tariff_row;
pub mod tax;
pub mod zone_policy;

#[cfg(test)]
mod fixtures;

pub use allowance::{AllowanceKind, Claim};
pub use allowance_entry::AllowanceState;
pub use explain::{Step, StepKind, explain};
pub use limits::{Limits, Passage, Quota};
pub use tariff::{Consumption, Contents, Measure, TariffRow};
pub use tax::{Law, LineTax, Regime, Rounding};
pub use zone_policy::{Decision, ZoneCapability};

use rust_decimal::{Decimal, RoundingStrategy};

use crate::values::{ErrorCode, Money, Refusal};

/// Digits of CNY after the point.
const FEN_DIGITS: u32 = 2;

/// Fen as a decimal amount of CNY.
fn yuan(minor: i64) -> Decimal {
    Decimal::new(minor, FEN_DIGITS)
}

/// The amount at whole fen, half up: how customs round (四舍五入至分).
fn rounded(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(FEN_DIGITS, RoundingStrategy::MidpointAwayFromZero)
}

/// The amount in fen, half up; none when it does not fit.
fn fen(amount: Decimal) -> Option<i64> {
    rounded(amount).checked_mul(Decimal::ONE_HUNDRED).and_then(|fen| i64::try_from(fen).ok())
}

/// An amount below zero, or beyond what money may be: the calculation ends there instead of wrapping.
fn out_of_range() -> Refusal {
    Refusal::new(ErrorCode::OutOfRange).with("min", "0").with("max", yuan(Money::MAX_MINOR).to_string())
}

/// An amount that must not be nothing, and is.
fn below_one_fen() -> Refusal {
    out_of_range().with("min", yuan(1).to_string())
}

/// The amount, when money may be that much.
fn in_range(minor: i64) -> Result<i64, Refusal> {
    at_most(minor, Money::MAX_MINOR)
}

/// The amount, when it is neither below zero nor above `most`.
fn at_most(minor: i64, most: i64) -> Result<i64, Refusal> {
    if (0..=most).contains(&minor) { Ok(minor) } else { Err(out_of_range().with("max", yuan(most).to_string())) }
}

/// The sum of amounts in fen.
fn sum(amounts: impl IntoIterator<Item = i64>) -> Result<i64, Refusal> {
    amounts.into_iter().try_fold(0_i64, i64::checked_add).ok_or_else(out_of_range)
}
