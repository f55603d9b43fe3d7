//! What the buyer owes on one line (税款计算), and what that rests on.
//!
//! With P the dutiable price, d, v and c the rates of duty, VAT and consumption tax, and S what consumption tax
//! asks by quantity:
//!
//! ```text
//! composition (组成计税价格) = (P + P·d + S) / (1 − c)
//! duty = P·d      consumption tax = composition·c + S      VAT = composition·v
//! ```
//!
//! Within the limits d is 0 and 70 % of both other taxes are levied (财关税〔2016〕18号); above them all of it.
//! Each tax is computed as one fraction, with the division last: 0.05 at c = 30 % owes 0.015, which is half a fen
//! and rounds up; 0.05 / 0.7 has no end, and what comes back from it is a little less.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{
    fen, in_range, out_of_range, rounded,
    tariff::{AppliedTrigger, Contents, Levy, TariffRow},
    yuan,
};
use crate::values::Refusal;

/// Share of VAT and consumption tax that is levied within the limits: 70 % (财关税〔2016〕18号).
pub const RETAIL_SHARE: Decimal = Decimal::from_parts(7, 0, 0, false, 1);

/// The sources of law that an answer names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Law {
    /// Retail import: no duty and 70 % within the limits, limits of 2,000 and 20,000 CNY, full taxation above.
    RetailImport2016,
    /// Limits of 5,000 and 26,000 CNY since 2019-01-01; one item above the single limit, fully taxed.
    RetailImport2018,
    /// What the dutiable price is: open discounts lower it, vouchers do not.
    DutiablePrice2016,
    /// The composition price of goods with consumption tax.
    ConsumptionTax,
    /// Duty and import VAT of goods in general trade.
    Tariff,
    /// What the dutiable price is in general trade: the transaction price with carriage and insurance.
    CustomsValuation,
}

impl Law {
    /// The number or name under which it is published.
    pub fn reference(self) -> &'static str {
        match self {
            Self::RetailImport2016 => "财关税〔2016〕18号",
            Self::RetailImport2018 => "财关税〔2018〕49号",
            Self::DutiablePrice2016 => "税管函〔2016〕73号",
            Self::ConsumptionTax => "中华人民共和国消费税暂行条例",
            Self::Tariff => "中华人民共和国关税法",
            Self::CustomsValuation => "海关总署令第213号",
        }
    }
}

/// Which way goods are taxed (计征方式).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Regime {
    /// Within the limits (限值以内): no duty, 70 % of VAT and consumption tax.
    Retail,
    /// As goods (按货物全额征税): duty, VAT and consumption tax in full.
    Full,
}

impl Regime {
    /// The share of VAT and consumption tax that is levied.
    pub fn share(self) -> Decimal {
        match self {
            Self::Retail => RETAIL_SHARE,
            Self::Full => Decimal::ONE,
        }
    }

    /// The duty rate that is levied on goods of a row.
    pub fn duty_rate(self, row: &TariffRow) -> Decimal {
        match self {
            Self::Retail => Decimal::ZERO,
            Self::Full => row.duty_rate(),
        }
    }
}

/// Where the fen is rounded. For 3,560 of the 19,900 prices from 1.00 to 199.99 with VAT of 13 % the two ways differ
/// by a fen, so the same one must serve the quote, the order and the declaration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Rounding {
    /// Only what is to be paid, half up, each tax of each line.
    #[default]
    Payable,
    /// The statutory tax first, then 70 % of the rounded amount once more.
    StatutoryFirst,
}

/// One tax of one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxPart {
    /// The rate by value, as a fraction.
    pub rate: Decimal,
    /// The statutory amount (法定应征税额) in CNY, before the share. It has digits beyond the fen, unless
    /// [`Rounding::StatutoryFirst`] took them.
    pub statutory: Decimal,
    /// What is to be paid (应缴税额), in fen.
    pub payable_minor: i64,
}

/// What is owed on one line, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineTax {
    /// The dutiable price (完税价格) that it is computed on, in fen.
    pub dutiable_minor: i64,
    /// How it is taxed.
    pub regime: Regime,
    /// Where it was rounded.
    pub rounding: Rounding,
    /// Duty (关税).
    pub duty: TaxPart,
    /// Consumption tax (消费税), by value and by quantity together.
    pub consumption: TaxPart,
    /// Import VAT (增值税).
    pub vat: TaxPart,
    /// The composition price (组成计税价格) in CNY, which VAT is levied on.
    pub composition: Decimal,
    /// Consumption tax by quantity, in CNY and before the share.
    pub specific: Decimal,
    /// The price trigger that was asked, and what came of it.
    pub trigger: Option<AppliedTrigger>,
    /// All three taxes, in fen.
    pub total_minor: i64,
    /// The law that it rests on.
    pub laws: Vec<Law>,
    /// The notice that the tariff row comes from.
    pub tariff_source: String,
}

/// The composite rate (综合税率) within the limits for goods without a tax by quantity: 0.7·(c + v) / (1 − c).
/// None for rates that are no fractions below 1.
pub fn composite_rate(vat_rate: Decimal, consumption_rate: Decimal) -> Option<Decimal> {
    let rest = Decimal::ONE.checked_sub(consumption_rate).filter(|rest| *rest > Decimal::ZERO)?;
    vat_rate.checked_add(consumption_rate)?.checked_mul(RETAIL_SHARE)?.checked_div(rest)
}

/// What is owed on a line with this dutiable price, net contents and tariff row. The price includes freight and
/// insurance, so a price trigger is asked with them (vectors T0 to T10).
pub fn line_tax(
    row: &TariffRow,
    dutiable_minor: i64,
    contents: &Contents,
    regime: Regime,
    rounding: Rounding,
) -> Result<LineTax, Refusal> {
    let levy = row.consumption.levy(yuan(in_range(dutiable_minor)?), contents)?;
    computed(row, dutiable_minor, levy, regime, rounding).ok_or_else(out_of_range)
}

/// None where a number does not fit, or where the row's rates are no fractions.
fn computed(row: &TariffRow, dutiable_minor: i64, levy: Levy, regime: Regime, rounding: Rounding) -> Option<LineTax> {
    let price = yuan(dutiable_minor);
    let duty_rate = regime.duty_rate(row);
    let rest = Decimal::ONE.checked_sub(levy.rate).filter(|rest| *rest > Decimal::ZERO)?;
    let statutory_duty = price.checked_mul(duty_rate)?;
    // What `rest` divides into the composition price.
    let landed = price.checked_add(statutory_duty)?.checked_add(levy.specific)?;
    let specific = levy.specific.checked_mul(rest)?;
    let statutory_consumption = landed.checked_mul(levy.rate)?.checked_add(specific)?;

    let share = regime.share();
    let duty = part(duty_rate, statutory_duty, Decimal::ONE, share, rounding)?;
    let consumption = part(levy.rate, statutory_consumption, rest, share, rounding)?;
    let vat = part(row.vat_rate, landed.checked_mul(row.vat_rate)?, rest, share, rounding)?;

    let total_minor = duty.payable_minor.checked_add(consumption.payable_minor)?.checked_add(vat.payable_minor)?;
    let mut laws = vec![Law::RetailImport2016];
    if levy != Levy::default() {
        laws.push(Law::ConsumptionTax);
    }
    Some(LineTax {
        dutiable_minor,
        regime,
        rounding,
        duty,
        consumption,
        vat,
        composition: landed.checked_div(rest)?,
        specific: levy.specific,
        trigger: levy.trigger,
        total_minor,
        laws,
        tariff_source: row.source.clone(),
    })
}

/// One tax: `numerator / rest` by statute, of which `share` is to be paid.
fn part(rate: Decimal, numerator: Decimal, rest: Decimal, share: Decimal, rounding: Rounding) -> Option<TaxPart> {
    let exact = numerator.checked_div(rest)?;
    let (statutory, payable) = match rounding {
        Rounding::Payable => (exact, numerator.checked_mul(share)?.checked_div(rest)?),
        Rounding::StatutoryFirst => (rounded(exact), rounded(exact).checked_mul(share)?),
    };
    Some(TaxPart { rate, statutory, payable_minor: fen(payable)? })
}

#[cfg(test)]
mod tests {
    use proptest::strategy::Strategy;

    use super::*;
    use crate::trade::{
        fixtures::{
            beer, cosmetics, day, dec, grams, handbag, millilitres, pieces, row, rows, watch, water, whisky, wine,
        },
        tariff::Consumption,
    };

    /// A row of other days: cosmetics of 2016, the handbag of 2018.
    fn of(vat: &str, duty: &str, consumption: Consumption) -> TariffRow {
        TariffRow { from: day("2016-04-08"), ..row("4202210090", duty, vat, consumption) }
    }

    #[test]
    fn the_vectors_come_out() {
        use Regime::{Full, Retail};
        let none = Contents::default();
        let thirty = of("0.17", "0.10", Consumption::AdValorem { rate: dec("0.30") });
        let bag_of_2018 = of("0.16", "0.10", Consumption::None);
        for (vector, row, dutiable, contents, regime, duty, consumption, vat) in [
            ("T0", water(), 50_000, none, Retail, 0, 0, 4_550),
            ("T1", water(), 41_000, none, Retail, 0, 0, 3_731),
            ("T2", cosmetics(), 42_500, grams("20"), Retail, 0, 5_250, 4_550),
            ("T3", thirty, 10_600, none, Retail, 0, 3_180, 1_802),
            ("T4 before 2019", bag_of_2018.clone(), 300_000, none, Full, 30_000, 0, 52_800),
            ("T4 since 2019", bag_of_2018, 300_000, none, Retail, 0, 0, 33_600),
            ("T5", cosmetics(), 70_000, millilitres("50"), Retail, 0, 8_647, 7_494),
            ("T5 misdeclared", cosmetics(), 70_000, grams("83.5"), Retail, 0, 0, 6_370),
            ("T6", wine(), 21_000, none, Retail, 0, 1_633, 2_123),
            ("T7", whisky(), 100_000, millilitres("700"), Retail, 0, 17_556, 11_382),
            ("T8", beer(), 10_000, millilitres("8000"), Retail, 0, 142, 928),
            ("T9", handbag(), 600_000, none, Full, 36_000, 0, 82_680),
            ("T10", watch(), 1_200_000, pieces("1"), Full, 96_000, 324_000, 210_600),
        ] {
            let tax = line_tax(&row, dutiable, &contents, regime, Rounding::Payable).unwrap();
            let parts = (tax.duty.payable_minor, tax.consumption.payable_minor, tax.vat.payable_minor);
            assert_eq!(parts, (duty, consumption, vat), "{vector}");
            assert_eq!(tax.total_minor, duty + consumption + vat, "{vector}");
        }
    }

    #[test]
    fn the_answer_says_why() {
        let none = Contents::default();
        let thirty = of("0.17", "0.10", Consumption::AdValorem { rate: dec("0.30") });
        for (vector, row, dutiable, contents, composition, consumption, vat) in [
            ("T2", cosmetics(), 42_500, grams("20"), "500.00", "75.00", "65.00"),
            ("T3", thirty, 10_600, none, "151.43", "45.43", "25.74"),
            ("T7", whisky(), 100_000, millilitres("700"), "1250.80", "250.80", "162.60"),
            ("T8", beer(), 10_000, millilitres("8000"), "102.02", "2.02", "13.26"),
        ] {
            let tax = line_tax(&row, dutiable, &contents, Regime::Retail, Rounding::Payable).unwrap();
            let found = [tax.composition, tax.consumption.statutory, tax.vat.statutory].map(rounded);
            assert_eq!(found, [composition, consumption, vat].map(dec), "{vector}");
        }
        let skin_care = line_tax(&cosmetics(), 42_500, &grams("20"), Regime::Retail, Rounding::Payable).unwrap();
        assert!(skin_care.trigger.is_some_and(|t| t.met && t.quantity == dec("20")));
        assert_eq!(skin_care.consumption.rate, dec("0.15"));
        assert_eq!(skin_care.laws, [Law::RetailImport2016, Law::ConsumptionTax]);
        let plain = line_tax(&water(), 41_000, &none, Regime::Retail, Rounding::Payable).unwrap();
        assert_eq!((plain.laws, plain.tariff_source), (vec![Law::RetailImport2016], "sample".to_owned()));
        assert_eq!(Law::RetailImport2018.reference(), "财关税〔2018〕49号");
    }

    #[test]
    fn composite_rates_are_those_of_the_law() {
        for (vat, consumption, rate) in [
            ("0.13", "0", "0.091"),
            ("0.09", "0", "0.063"),
            ("0.13", "0.05", "0.13263158"),
            ("0.13", "0.10", "0.17888889"),
            ("0.13", "0.15", "0.23058824"),
            ("0.13", "0.20", "0.28875"),
            ("0.17", "0", "0.119"),
            ("0.16", "0", "0.112"),
            ("0.17", "0.15", "0.26352941"),
            ("0.16", "0.15", "0.25529412"),
            ("0.17", "0.30", "0.47"),
            ("0.11", "0", "0.077"),
        ] {
            let found = composite_rate(dec(vat), dec(consumption)).map(|r| r.round_dp(8));
            assert_eq!(found, Some(dec(rate)), "VAT {vat}, consumption tax {consumption}");
        }
        assert_eq!(composite_rate(dec("0.13"), dec("1")), None);
    }

    #[test]
    fn the_two_ways_to_round_differ_for_3560_of_19900_prices() {
        let (row, none) = (water(), Contents::default());
        let both = |price| {
            [Rounding::Payable, Rounding::StatutoryFirst]
                .map(|way| line_tax(&row, price, &none, Regime::Retail, way).unwrap().total_minor)
        };
        assert_eq!(both(104), [9, 10]);
        let apart = (100..20_000).map(both).filter(|[payable, statutory]| payable != statutory);
        assert_eq!(apart.count(), 3_560);
    }

    #[test]
    fn half_a_fen_is_half_a_fen() {
        let row = of("0.17", "0.10", Consumption::AdValorem { rate: dec("0.30") });
        let tax = line_tax(&row, 5, &Contents::default(), Regime::Retail, Rounding::Payable).unwrap();
        assert_eq!(tax.consumption.payable_minor, 2);
    }

    #[test]
    fn no_number_is_too_large_to_be_refused() {
        let none = Contents::default();
        let absurd = of("0.13", "79228162514264337593543950335", Consumption::None);
        let whole = of("0.13", "0.10", Consumption::AdValorem { rate: dec("1") });
        for (row, dutiable) in [(water(), -1), (water(), i64::MAX), (absurd, 100), (whole, 100)] {
            assert!(line_tax(&row, dutiable, &none, Regime::Full, Rounding::Payable).is_err(), "{dutiable}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_higher_price_never_owes_less(
            row in proptest::sample::select(rows()),
            price in 0..1_000_000_i64,
            more in 0..20_000_i64,
            size in (1..2_000_i64).prop_map(Decimal::from),
        ) {
            let contents = Contents { grams: Some(size), millilitres: Some(size), pieces: Some(size) };
            for regime in [Regime::Retail, Regime::Full] {
                for rounding in [Rounding::Payable, Rounding::StatutoryFirst] {
                    let owed = |price| line_tax(&row, price, &contents, regime, rounding).unwrap();
                    let (less, tax) = (owed(price), owed(price + more));
                    proptest::prop_assert!(less.total_minor <= tax.total_minor);
                    let parts = [&tax.duty, &tax.consumption, &tax.vat].map(|part| part.payable_minor);
                    proptest::prop_assert_eq!(parts.iter().sum::<i64>(), tax.total_minor);
                }
            }
        }
    }
}
