//! From a price with tax on the shelf (含税价) back to the dutiable price and its taxes.
//!
//! Without rounding the way back from the shelf price Ph is, with the letters of [`super::tax`],
//!
//! ```text
//! P = (Ph·(1 − c) − share·S·(1 + v)) / ((1 + d)·(1 − c + share·(c + v)))
//! P = Ph·(1 − c) / (1 − 0.3c + 0.7v)      within the limits, with nothing levied by quantity
//! ```
//!
//! Two things stand in its way:
//!
//! - Each tax is rounded, so some shelf prices are no sum of a price and its taxes. 299.00 at 13 % and 15 % is one:
//!   242.97 with 30.01 and 26.01 is 298.99, and 242.98 with 30.02 and 26.01 is 299.01. There the fen that is left
//!   over goes into the dutiable price (vector T12) and is reported.
//! - Where a price trigger is met the tax leaps, and the shelf prices between its two sides cannot be had. They
//!   are refused with the nearest prices that can.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{
    fen, in_range, out_of_range,
    tariff::{Contents, Levy, TariffRow},
    tax::{LineTax, Regime, Rounding, line_tax},
    yuan,
};
use crate::values::{ErrorCode, Refusal};

/// How far, in fen, the price that belongs to a shelf price can be from the one computed without rounding: at most
/// three taxes are off by half a fen, or two by 0.85 when the statutory tax is rounded as well.
const NEAR: [i64; 5] = [0, -1, 1, -2, 2];

/// A shelf price, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShelfPrice {
    /// The dutiable price in fen. With `tax.total_minor` it is exactly the shelf price.
    pub dutiable_minor: i64,
    /// Fen in the dutiable price that the tax was not computed on, because no price gives the shelf price exactly;
    /// else 0. Customs compute the tax of the declared price, so they may come to a fen or two more or less.
    pub absorbed_minor: i64,
    /// The taxes.
    pub tax: LineTax,
}

/// The dutiable price and taxes of a shelf price in fen, for a line with these contents.
pub fn taken_apart(
    row: &TariffRow,
    shelf_minor: i64,
    contents: &Contents,
    regime: Regime,
    rounding: Rounding,
) -> Result<ShelfPrice, Refusal> {
    let shelf = yuan(in_range(shelf_minor)?);
    let tax = |dutiable| line_tax(row, dutiable, contents, regime, rounding);
    let levy = |dutiable| row.consumption.levy(yuan(dutiable), contents);

    // No dutiable price is above the shelf price, so this is the most that a trigger can come to.
    let most = row.consumption.levy(shelf, contents)?;
    let price = solved(row, shelf, &most, regime).ok_or_else(out_of_range)?;
    let least = levy(price.max(0))?;
    for assumed in [most, least] {
        let price = solved(row, shelf, &assumed, regime).ok_or_else(out_of_range)?;
        for near in NEAR.map(|step| price.saturating_add(step)).into_iter().filter(|near| *near >= 0) {
            let tax = tax(near)?;
            if near.checked_add(tax.total_minor) == Some(shelf_minor) {
                return Ok(ShelfPrice { dutiable_minor: near, absorbed_minor: 0, tax });
            }
        }
        if price >= 0 && levy(price)? == assumed {
            let tax = tax(price)?;
            let dutiable_minor = shelf_minor.checked_sub(tax.total_minor).ok_or_else(out_of_range)?;
            if dutiable_minor >= 0 && levy(dutiable_minor)? == assumed {
                return Ok(ShelfPrice { dutiable_minor, absorbed_minor: dutiable_minor - price, tax });
            }
        }
    }
    let with_tax = |dutiable: i64| dutiable.checked_add(tax(dutiable).ok()?.total_minor);
    Err(not_reachable(shelf_minor, &most, with_tax))
}

/// The dutiable price in fen, as if nothing but itself were rounded; below zero when what is levied by quantity is
/// more than the shelf price.
fn solved(row: &TariffRow, shelf: Decimal, levy: &Levy, regime: Regime) -> Option<i64> {
    let share = regime.share();
    let rest = Decimal::ONE.checked_sub(levy.rate)?;
    let by_quantity = Decimal::ONE.checked_add(row.vat_rate)?.checked_mul(levy.specific)?.checked_mul(share)?;
    let numerator = shelf.checked_mul(rest)?.checked_sub(by_quantity)?;
    let levied = row.vat_rate.checked_add(levy.rate)?.checked_mul(share)?.checked_add(rest)?;
    let divisor = Decimal::ONE.checked_add(regime.duty_rate(row))?.checked_mul(levied)?;
    fen(numerator.checked_div(divisor)?)
}

/// Why no dutiable price has this shelf price: it is less than the tax by quantity alone, or the tax leaps over it.
fn not_reachable(shelf_minor: i64, levy: &Levy, with_tax: impl Fn(i64) -> Option<i64>) -> Refusal {
    let sides = || {
        let boundary = levy.trigger?.boundary_minor()?;
        Some((with_tax(boundary.checked_sub(1)?)?, with_tax(boundary)?))
    };
    let least = with_tax(0).unwrap_or_default();
    match sides() {
        Some((below, from)) if shelf_minor >= least => {
            let refusal = Refusal::new(ErrorCode::PriceInGap).with("below", yuan(below).to_string());
            refusal.with("from", yuan(from).to_string())
        }
        _ => out_of_range().with("min", yuan(least).to_string()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::strategy::Strategy;

    use super::*;
    use crate::trade::fixtures::{beer, cosmetics, grams, millilitres, oil, pieces, rows, watch, water, whisky};

    #[test]
    fn shelf_prices_come_apart_as_in_t12() {
        let retail = Regime::Retail;
        for (vector, row, shelf, contents, dutiable, consumption, vat, absorbed) in [
            ("T12, 13 %", water(), 19_900, Contents::default(), 18_240, 0, 1_660, 0),
            ("T12, 9 %", oil(), 19_900, Contents::default(), 18_721, 0, 1_179, 0),
            ("T12, 13 % and 15 %", cosmetics(), 29_900, millilitres("20"), 24_298, 3_001, 2_601, 1),
            ("T7 back", whisky(), 128_938, millilitres("700"), 100_000, 17_556, 11_382, 0),
            ("T8 back", beer(), 11_070, millilitres("8000"), 10_000, 142, 928, 0),
            ("nothing", water(), 0, Contents::default(), 0, 0, 0, 0),
        ] {
            let price = taken_apart(&row, shelf, &contents, retail, Rounding::Payable).unwrap();
            let tax = &price.tax;
            let parts = (price.dutiable_minor, tax.consumption.payable_minor, tax.vat.payable_minor);
            assert_eq!(parts, (dutiable, consumption, vat), "{vector}");
            assert_eq!(price.absorbed_minor, absorbed, "{vector}");
            assert_eq!(price.dutiable_minor + tax.total_minor, shelf, "{vector}");
        }
        let watch = taken_apart(&watch(), 1_830_600, &pieces("1"), Regime::Full, Rounding::Payable).unwrap();
        assert_eq!(watch.dutiable_minor, 1_200_000, "T10 back");
    }

    #[test]
    fn a_price_in_the_leap_of_a_trigger_is_refused_with_its_neighbours() {
        // 20 g: the trigger is at 200.00, whose tax is 46.12; 199.99 without consumption tax owes 18.20.
        let apart = |shelf| taken_apart(&cosmetics(), shelf, &grams("20"), Regime::Retail, Rounding::Payable);
        assert_eq!(apart(21_819).unwrap().dutiable_minor, 19_999);
        assert_eq!(apart(24_612).unwrap().dutiable_minor, 20_000);
        for shelf in [21_820, 23_000, 24_611] {
            let refusal = apart(shelf).unwrap_err();
            assert_eq!(refusal.code, ErrorCode::PriceInGap, "{shelf}");
            let named: Vec<&str> = refusal.details.values().map(String::as_str).collect();
            assert_eq!(named, ["218.19", "246.12"], "{shelf}");
        }
    }

    #[test]
    fn a_price_below_the_tax_by_quantity_is_out_of_range() {
        let (whisky, litres) = (whisky(), millilitres("100000"));
        let apart = |shelf| taken_apart(&whisky, shelf, &litres, Regime::Retail, Rounding::Payable);
        assert_eq!(apart(1_000).unwrap_err().code, ErrorCode::OutOfRange);
        assert_eq!(apart(-1).unwrap_err().code, ErrorCode::OutOfRange);
    }

    proptest::proptest! {
        #[test]
        fn a_price_put_together_comes_apart_again(
            row in proptest::sample::select(rows()),
            price in 0..2_000_000_i64,
            size in (1..2_000_i64).prop_map(Decimal::from),
        ) {
            let contents = Contents { grams: Some(size), millilitres: Some(size), pieces: Some(size) };
            for regime in [Regime::Retail, Regime::Full] {
                for rounding in [Rounding::Payable, Rounding::StatutoryFirst] {
                    let tax = line_tax(&row, price, &contents, regime, rounding).unwrap();
                    let apart = taken_apart(&row, price + tax.total_minor, &contents, regime, rounding).unwrap();
                    proptest::prop_assert_eq!(apart, ShelfPrice { dutiable_minor: price, absorbed_minor: 0, tax });
                }
            }
        }

        #[test]
        fn price_and_tax_are_the_shelf_price(
            row in proptest::sample::select(rows()),
            shelf in 0..2_000_000_i64,
            size in (1..2_000_i64).prop_map(Decimal::from),
        ) {
            let contents = Contents { grams: Some(size), millilitres: Some(size), pieces: Some(size) };
            for regime in [Regime::Retail, Regime::Full] {
                match taken_apart(&row, shelf, &contents, regime, Rounding::Payable) {
                    Ok(price) => {
                        proptest::prop_assert_eq!(price.dutiable_minor + price.tax.total_minor, shelf);
                        proptest::prop_assert!(price.absorbed_minor.abs() <= 2);
                        let taxed = price.dutiable_minor - price.absorbed_minor;
                        proptest::prop_assert_eq!(taxed, price.tax.dutiable_minor);
                    }
                    Err(refusal) => {
                        let known = [ErrorCode::PriceInGap, ErrorCode::OutOfRange];
                        proptest::prop_assert!(known.contains(&refusal.code));
                    }
                }
            }
        }
    }
}
