//! A line's taxes, step by step (税款说明), with the numbers in place: what a buyer may check with a pocket calculator.
//!
//! A formula is arithmetic: decimal numbers, `%` (a hundredth), `+`, `−`, `×`, `÷` and brackets, from left to right with
//! the usual precedence. Evaluated exactly and rounded half up to the fen it is the step's amount. So the division comes
//! last, as it does where the tax is computed.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{
    fen,
    limits::Passage,
    price::{AssessedLine, GoodsLine},
    tax::{Law, LineTax, Regime, Rounding, TaxPart},
    yuan,
};

/// What a step computes (计算步骤).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, async_graphql::Enum)]
#[graphql(name = "TaxStepKind")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StepKind {
    /// What the goods were sold for, after open discounts (商品总价).
    Goods,
    /// The line's share of freight and insurance (运保费).
    Carriage,
    /// The dutiable price (完税价格).
    Dutiable,
    /// The price from which on consumption tax is levied otherwise; the dutiable price reaches it (达到消费税起征价格).
    TriggerMet,
    /// The same; the dutiable price is below it (未达到消费税起征价格).
    TriggerNotMet,
    /// Duty (关税).
    Duty,
    /// The composition price, which consumption tax and VAT are levied on (组成计税价格).
    Composition,
    /// Consumption tax (消费税).
    ConsumptionTax,
    /// Import VAT (增值税).
    Vat,
    /// Dutiable price and taxes (含税总价).
    Total,
}

/// A step of the calculation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What it computes.
    pub what: StepKind,
    /// The arithmetic.
    pub formula: String,
    /// What it comes to, in fen.
    pub amount_minor: i64,
    /// The law that it rests on.
    pub law: Option<Law>,
    /// The notice that its rates come from.
    pub source: Option<String>,
}

/// How a line's price and taxes come about. `goods` is the line as it was sold, `passage` how its order passes.
pub fn explain(line: &AssessedLine, goods: &GoodsLine, passage: Passage) -> Vec<Step> {
    let (price, tax) = (&line.price, &line.tax);
    let general = passage == Passage::GeneralTrade;
    let valued = if general { Law::CustomsValuation } else { Law::DutiablePrice2016 };
    let mut steps = vec![sold(line, goods)];
    if price.carriage_minor > 0 {
        steps.push(step(StepKind::Carriage, yuan(price.carriage_minor).to_string(), price.carriage_minor, None));
    }
    let parts = format!("{} + {}", yuan(price.goods_minor), yuan(price.carriage_minor));
    steps.push(step(StepKind::Dutiable, parts, price.dutiable_minor, Some(valued)));
    steps.extend(trigger(tax));
    let levied = match passage {
        Passage::WithinLimit => Law::RetailImport2016,
        Passage::SingleItemFullTax => Law::RetailImport2018,
        Passage::GeneralTrade => Law::Tariff,
    };
    let from = Some(tax.tariff_source.clone());
    let duty = format!("{} × {}", yuan(tax.dutiable_minor), percent(tax.duty.rate));
    steps.push(Step { source: from.clone(), ..step(StepKind::Duty, duty, tax.duty.payable_minor, Some(levied)) });
    if taxed_by_consumption(tax) {
        let (landed, rest) = (landed(tax), rest(tax));
        let composed = if tax.consumption.rate.is_zero() { landed } else { format!("{landed} ÷ {rest}") };
        let amount = fen(tax.composition).unwrap_or_default();
        steps.push(step(StepKind::Composition, composed, amount, Some(Law::ConsumptionTax)));
        let law = if general { Law::ConsumptionTax } else { levied };
        steps.push(Step {
            source: from.clone(),
            ..step(StepKind::ConsumptionTax, consumption(tax), tax.consumption.payable_minor, Some(law))
        });
    }
    steps.push(Step { source: from, ..step(StepKind::Vat, vat(tax), tax.vat.payable_minor, Some(levied)) });
    let total = tax.dutiable_minor.saturating_add(tax.total_minor);
    let parts = [tax.dutiable_minor, tax.duty.payable_minor, tax.consumption.payable_minor, tax.vat.payable_minor];
    let parts: Vec<String> = parts.into_iter().map(|minor| yuan(minor).to_string()).collect();
    steps.push(step(StepKind::Total, parts.join(" + "), total, None));
    steps
}

/// The same where there is no import tax to compute: the goods and their carriage.
pub fn untaxed(unit_price_minor: i64, quantity: u32, goods_minor: i64, carriage_minor: i64) -> Vec<Step> {
    let goods = format!("{} × {quantity}", yuan(unit_price_minor));
    let mut steps = vec![step(StepKind::Goods, goods, goods_minor, None)];
    if carriage_minor > 0 {
        steps.push(step(StepKind::Carriage, yuan(carriage_minor).to_string(), carriage_minor, None));
    }
    let total = format!("{} + {}", yuan(goods_minor), yuan(carriage_minor));
    steps.push(step(StepKind::Total, total, goods_minor.saturating_add(carriage_minor), None));
    steps
}

fn step(what: StepKind, formula: String, amount_minor: i64, law: Option<Law>) -> Step {
    Step { what, formula, amount_minor, law, source: None }
}

/// The price of the items, less what open discounts took.
fn sold(line: &AssessedLine, goods: &GoodsLine) -> Step {
    let full = goods.unit_price_minor.saturating_mul(i64::from(goods.quantity));
    let discount = full.saturating_sub(line.price.goods_minor);
    let mut formula = format!("{} × {}", yuan(goods.unit_price_minor), goods.quantity);
    if discount > 0 {
        formula = format!("{formula} − {}", yuan(discount));
    }
    step(StepKind::Goods, formula, line.price.goods_minor, None)
}

/// The price that was asked for, when the row has one.
fn trigger(tax: &LineTax) -> Option<Step> {
    let asked = tax.trigger?;
    let what = if asked.met { StepKind::TriggerMet } else { StepKind::TriggerNotMet };
    let formula = format!("{} × {}", asked.trigger.threshold.normalize(), asked.quantity.normalize());
    let amount = fen(asked.trigger.threshold.checked_mul(asked.quantity)?)?;
    Some(Step { source: Some(tax.tariff_source.clone()), ..step(what, formula, amount, Some(Law::ConsumptionTax)) })
}

fn taxed_by_consumption(tax: &LineTax) -> bool {
    !tax.consumption.rate.is_zero() || !tax.specific.is_zero()
}

/// Dutiable price, duty, and what consumption tax asks by quantity: in brackets when there is more than one of them.
fn landed(tax: &LineTax) -> String {
    let price = yuan(tax.dutiable_minor).to_string();
    let mut parts = vec![price.clone()];
    if !tax.duty.rate.is_zero() {
        // The duty before it was rounded: this is what the other taxes are computed on.
        parts.push(format!("{price} × {}", percent(tax.duty.rate)));
    }
    if !tax.specific.is_zero() {
        parts.push(tax.specific.normalize().to_string());
    }
    if parts.len() == 1 { price } else { format!("({})", parts.join(" + ")) }
}

/// What the rate by value leaves of the composition price.
fn rest(tax: &LineTax) -> String {
    format!("(1 − {})", percent(tax.consumption.rate))
}

fn consumption(tax: &LineTax) -> String {
    if let Some(formula) = rounded_before(tax, &tax.consumption) {
        return formula;
    }
    let (rate, specific) = (tax.consumption.rate, tax.specific.normalize());
    if rate.is_zero() {
        return format!("{specific}{}", share(tax));
    }
    let by_value = format!("{} × {}", landed(tax), percent(rate));
    let numerator = if specific.is_zero() { by_value } else { format!("({by_value} + {specific} × {})", rest(tax)) };
    format!("{numerator}{} ÷ {}", share(tax), rest(tax))
}

fn vat(tax: &LineTax) -> String {
    if let Some(formula) = rounded_before(tax, &tax.vat) {
        return formula;
    }
    let formula = format!("{} × {}{}", landed(tax), percent(tax.vat.rate), share(tax));
    if tax.consumption.rate.is_zero() { formula } else { format!("{formula} ÷ {}", rest(tax)) }
}

/// Where the statutory tax was rounded first, only the share is left to compute.
fn rounded_before(tax: &LineTax, part: &TaxPart) -> Option<String> {
    (tax.rounding == Rounding::StatutoryFirst).then(|| format!("{:.2}{}", part.statutory, share(tax)))
}

/// The share of the statutory tax that is levied, as a factor.
fn share(tax: &LineTax) -> String {
    match tax.regime {
        Regime::Full => String::new(),
        Regime::Retail => format!(" × {}", percent(tax.regime.share())),
    }
}

fn percent(fraction: Decimal) -> String {
    let hundredfold = fraction.checked_mul(Decimal::ONE_HUNDRED).unwrap_or(fraction);
    format!("{}%", hundredfold.normalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trade::{
        Contents,
        fixtures::{beer, cosmetics, day, dec, grams, handbag, millilitres, quota, rows, water, whisky},
        price::{RetailOrder, assess, assess_as_goods},
        tariff::TariffRow,
    };

    /// A pocket calculator: numbers, `%`, `+ − × ÷`, brackets.
    struct Calculator<'a>(std::iter::Peekable<std::str::Chars<'a>>);

    impl Calculator<'_> {
        fn evaluated(formula: &str) -> Decimal {
            let compact: String = formula.chars().filter(|c| !c.is_whitespace()).collect();
            let mut calculator = Calculator(compact.chars().peekable());
            let value = calculator.sum();
            assert_eq!(calculator.0.next(), None, "{formula}");
            value
        }

        fn sum(&mut self) -> Decimal {
            let mut value = self.product();
            while let Some(sign) = self.0.next_if(|c| matches!(c, '+' | '−')) {
                let next = self.product();
                value = if sign == '+' { value + next } else { value - next };
            }
            value
        }

        fn product(&mut self) -> Decimal {
            let mut value = self.number();
            while let Some(sign) = self.0.next_if(|c| matches!(c, '×' | '÷')) {
                let next = self.number();
                value = if sign == '×' { value * next } else { value / next };
            }
            value
        }

        fn number(&mut self) -> Decimal {
            let value = if self.0.next_if_eq(&'(').is_some() {
                let value = self.sum();
                assert_eq!(self.0.next(), Some(')'));
                value
            } else {
                let mut text = String::new();
                while let Some(c) = self.0.next_if(|c| c.is_ascii_digit() || *c == '.') {
                    text.push(c);
                }
                dec(&text)
            };
            if self.0.next_if_eq(&'%').is_some() { value / dec("100") } else { value }
        }
    }

    fn sold(row: &TariffRow, unit_price_minor: i64, quantity: u32, contents: Contents) -> GoodsLine {
        GoodsLine { hs: row.hs.clone(), unit_price_minor, quantity, open_discount_minor: 0, contents }
    }

    fn order(goods: &GoodsLine, freight_minor: i64) -> RetailOrder {
        RetailOrder {
            lines: vec![goods.clone()],
            open_discount_minor: 0,
            freight_minor,
            insurance_minor: 0,
            voucher_minor: 0,
            date: day("2024-06-01"),
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "one table: the vectors themselves")]
    fn the_formulas_are_those_of_the_law_with_the_numbers_in_place() {
        use StepKind::{Carriage, Composition, ConsumptionTax, Dutiable, Duty, Goods, Total, TriggerMet, Vat};
        for (vector, row, price, quantity, contents, freight, expected) in [
            (
                "T1",
                water(),
                4_100,
                10,
                Contents::default(),
                0,
                &[
                    (Goods, "41.00 × 10", 41_000),
                    (Dutiable, "410.00 + 0.00", 41_000),
                    (Duty, "410.00 × 0%", 0),
                    (Vat, "410.00 × 13% × 70%", 3_731),
                    (Total, "410.00 + 0.00 + 0.00 + 37.31", 44_731),
                ][..],
            ),
            (
                "T2",
                cosmetics(),
                42_500,
                1,
                grams("20"),
                0,
                &[
                    (Goods, "425.00 × 1", 42_500),
                    (Dutiable, "425.00 + 0.00", 42_500),
                    (TriggerMet, "10 × 20", 20_000),
                    (Duty, "425.00 × 0%", 0),
                    (Composition, "425.00 ÷ (1 − 15%)", 50_000),
                    (ConsumptionTax, "425.00 × 15% × 70% ÷ (1 − 15%)", 5_250),
                    (Vat, "425.00 × 13% × 70% ÷ (1 − 15%)", 4_550),
                    (Total, "425.00 + 0.00 + 52.50 + 45.50", 52_300),
                ],
            ),
            (
                "T7",
                whisky(),
                90_000,
                1,
                millilitres("700"),
                10_000,
                &[
                    (Goods, "900.00 × 1", 90_000),
                    (Carriage, "100.00", 10_000),
                    (Dutiable, "900.00 + 100.00", 100_000),
                    (Duty, "1000.00 × 0%", 0),
                    (Composition, "(1000.00 + 0.6384) ÷ (1 − 20%)", 125_080),
                    (ConsumptionTax, "((1000.00 + 0.6384) × 20% + 0.6384 × (1 − 20%)) × 70% ÷ (1 − 20%)", 17_556),
                    (Vat, "(1000.00 + 0.6384) × 13% × 70% ÷ (1 − 20%)", 11_382),
                    (Total, "1000.00 + 0.00 + 175.56 + 113.82", 128_938),
                ],
            ),
            (
                "T8",
                beer(),
                10_000,
                1,
                millilitres("8000"),
                0,
                &[
                    (Goods, "100.00 × 1", 10_000),
                    (Dutiable, "100.00 + 0.00", 10_000),
                    (TriggerMet, "2.6577 × 8", 2_126),
                    (Duty, "100.00 × 0%", 0),
                    (Composition, "(100.00 + 2.024)", 10_202),
                    (ConsumptionTax, "2.024 × 70%", 142),
                    (Vat, "(100.00 + 2.024) × 13% × 70%", 928),
                    (Total, "100.00 + 0.00 + 1.42 + 9.28", 11_070),
                ],
            ),
            (
                "T9",
                handbag(),
                600_000,
                1,
                Contents::default(),
                0,
                &[
                    (Goods, "6000.00 × 1", 600_000),
                    (Dutiable, "6000.00 + 0.00", 600_000),
                    (Duty, "6000.00 × 6%", 36_000),
                    (Vat, "(6000.00 + 6000.00 × 6%) × 13%", 82_680),
                    (Total, "6000.00 + 360.00 + 0.00 + 826.80", 718_680),
                ],
            ),
        ] {
            let goods = sold(&row, price, quantity, contents);
            let found =
                assess(&order(&goods, freight), &rows(), &quota("2024-06-01", 0, 0), Rounding::Payable).unwrap();
            let steps = explain(&found.lines[0], &goods, found.passage);
            let told: Vec<_> = steps.iter().map(|s| (s.what, s.formula.as_str(), s.amount_minor)).collect();
            assert_eq!(told, expected, "{vector}");
            let law = steps.iter().find(|s| s.what == Vat).and_then(|s| s.law);
            let within = found.passage == Passage::WithinLimit;
            assert_eq!(law, Some(if within { Law::RetailImport2016 } else { Law::RetailImport2018 }), "{vector}");
            assert!(steps.iter().any(|s| s.source.as_deref() == Some("sample")), "{vector} names no notice");
        }
        let goods = sold(&handbag(), 600_000, 2, Contents::default());
        let found = assess_as_goods(&order(&goods, 0), &rows(), Rounding::Payable).unwrap();
        let steps = explain(&found.lines[0], &goods, found.passage);
        assert!(
            steps.iter().all(|s| !s.law.is_some_and(|law| law.reference().contains("财关税"))),
            "retail law for general trade"
        );
    }

    proptest::proptest! {
        #[test]
        fn every_formula_comes_to_its_amount(
            row in proptest::sample::select(rows()),
            price in 1..2_000_000_i64,
            quantity in 1..20_u32,
            carriage in 0..20_000_i64,
            discount in 0..1_000_i64,
            size in 1..2_000_i64,
        ) {
            let size = Decimal::from(size);
            let contents = Contents { grams: Some(size), millilitres: Some(size), pieces: Some(size) };
            let goods = GoodsLine {
                open_discount_minor: discount.min(price - 1),
                ..sold(&row, price, quantity, contents)
            };
            let order = order(&goods, carriage);
            let mut quota = quota("2024-06-01", 0, 0);
            (quota.limits.single_minor, quota.limits.annual_minor) = (crate::values::Money::MAX_MINOR, crate::values::Money::MAX_MINOR);
            for rounding in [Rounding::Payable, Rounding::StatutoryFirst] {
                for found in [assess(&order, &rows(), &quota, rounding), assess_as_goods(&order, &rows(), rounding)] {
                    let found = found.unwrap();
                    for step in explain(&found.lines[0], &goods, found.passage) {
                        let value = fen(Calculator::evaluated(&step.formula));
                        proptest::prop_assert_eq!(value, Some(step.amount_minor), "{:?}: {}", step.what, step.formula);
                    }
                }
            }
        }
    }
}
