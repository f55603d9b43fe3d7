//! One's own allowances.

use async_graphql::SimpleObject;
use entities::{
    party::consumer_identity,
    trade::{AllowanceKind, Limits},
    values::{self, Currency},
};
use platform::graphql::Money;

use crate::allowance::Taken;

/// What the person has taken of its allowances in a year (个人额度). Counted by the resident ID, whatever accounts it is
/// used with.
#[derive(Clone, Debug, SimpleObject)]
pub struct MyAllowances {
    /// The resident ID, masked.
    masked_resident_id: String,
    /// The calendar year.
    year: i32,
    /// Dutiable prices of retail import (年度交易限值).
    annual_value: ValueAllowance,
    /// What the notes of the positive list allow one person (限购数量).
    quantities: Vec<QuantityAllowance>,
}

/// An allowance in money (金额额度).
#[derive(Clone, Debug, SimpleObject)]
pub struct ValueAllowance {
    /// Most in the year.
    most: Money,
    /// Released by customs, less what was returned.
    used: Money,
    /// Ordered, and neither released nor cancelled.
    reserved: Money,
    /// What can still be ordered.
    left: Money,
}

/// An allowance by weight (数量额度).
#[derive(Clone, Debug, SimpleObject)]
pub struct QuantityAllowance {
    /// Of what.
    kind: AllowanceKind,
    /// What the HS codes of these goods begin with.
    hs_codes: Vec<&'static str>,
    /// Most in the year, in grams.
    most_g: i64,
    /// Released by customs, less what was returned, in grams.
    used_g: i64,
    /// Ordered, and neither released nor cancelled, in grams.
    reserved_g: i64,
    /// What can still be ordered, in grams.
    left_g: i64,
}

impl MyAllowances {
    /// What was taken, beside what the limits of the year allow.
    pub fn new(identity: &consumer_identity::Model, year: i32, limits: &Limits, taken: &[Taken]) -> Self {
        let cny = |minor: i64| Money::from(values::Money { minor, currency: Currency::CNY });
        let left = |most: i64, taken: &Taken| most.saturating_sub(taken.used).saturating_sub(taken.reserved).max(0);
        let annual = taken.iter().find(|taken| taken.kind == AllowanceKind::AnnualValue).copied();
        let annual = annual.unwrap_or(Taken { kind: AllowanceKind::AnnualValue, used: 0, reserved: 0 });
        let most = annual.kind.most(limits);
        let quantities = taken.iter().filter_map(|taken| {
            let cap = taken.kind.cap()?;
            let most = taken.kind.most(limits);
            Some(QuantityAllowance {
                kind: taken.kind,
                hs_codes: cap.prefixes.to_vec(),
                most_g: most,
                used_g: taken.used,
                reserved_g: taken.reserved,
                left_g: left(most, taken),
            })
        });
        Self {
            masked_resident_id: identity.masked_number.clone(),
            year,
            annual_value: ValueAllowance {
                most: cny(most),
                used: cny(annual.used),
                reserved: cny(annual.reserved),
                left: cny(left(most, &annual)),
            },
            quantities: quantities.collect(),
        }
    }
}
