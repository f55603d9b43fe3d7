//! Quotes (融资试算): what a seller gets for receivables today, what it costs, what comes back at maturity, and how each
//! of these numbers comes about.
//!
//! - Lines are rounded, then added up: principal, interest and fee are those of each receivable. The VAT in the fee is
//!   computed once, of the fee of all, and spread so that its shares are its sum.
//! - Whether interest is paid at the front or at the rear, what is paid out and what comes back are the same together.
//! - The formula ([`Step`]) has no words: each step names what it computes, what of, and what it comes to. Computed with
//!   a pocket calculator it is the same number.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{
    day_count::DayCount,
    interest::{annual_ppm, at_least, half_up, interest, out_of_range},
    terms::{FeeBase, Terms, Timing},
};
use crate::{
    procurement::{matching::share, terms::WHOLE_PPM},
    trade::spread::largest_remainder,
    values::{Currency, ErrorCode, Money, Refusal},
};

/// Most receivables of one quote.
pub const MOST_ITEMS: usize = 500;

/// A receivable that is to be financed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Item {
    /// How much of it, in minor units.
    pub face_minor: i64,
    /// When it is due, after the roll.
    pub due_on: NaiveDate,
}

/// A fee and the VAT in it, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fee {
    /// What is paid.
    pub gross_minor: i64,
    /// Without VAT.
    pub net_minor: i64,
    /// The VAT.
    pub vat_minor: i64,
}

impl Fee {
    /// A fee with the VAT of this rate in it: net is fee ÷ (1 + rate), half up, and VAT the rest (vector F3).
    pub fn including(gross_minor: i64, vat_ppm: i32) -> Result<Self, Refusal> {
        let whole = i128::from(WHOLE_PPM);
        let net_minor = half_up(i128::from(gross_minor) * whole, whole + i128::from(vat_ppm))?;
        Ok(Self { gross_minor, net_minor, vat_minor: gross_minor - net_minor })
    }
}

/// What a receivable makes of a quote. Amounts are in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemQuote {
    /// How much of it is financed.
    pub face_minor: i64,
    /// When it is due.
    pub due_on: NaiveDate,
    /// Days of interest.
    pub days: i64,
    /// What is advanced.
    pub principal_minor: i64,
    /// What is held back of the face.
    pub reserve_minor: i64,
    /// Interest until it is due.
    pub interest_minor: i64,
    /// The fee.
    pub fee: Fee,
    /// What is paid out.
    pub disbursed_minor: i64,
    /// What comes back when the debtor pays on the day. Below nothing: the reserve does not cover the interest.
    pub reserve_back_minor: i64,
}

/// A quote. Amounts are in minor units of its currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, sea_orm::FromJsonQueryResult)]
pub struct Quote {
    /// In which currency.
    pub currency: Currency,
    /// On which day it is paid out.
    pub funded_on: NaiveDate,
    /// Days of interest of what is due last.
    pub days: i64,
    /// The receivables, in the order in which they were asked for.
    pub items: Vec<ItemQuote>,
    /// What they are over.
    pub face_minor: i64,
    /// What is advanced.
    pub principal_minor: i64,
    /// Interest until they are due.
    pub interest_minor: i64,
    /// The fee.
    pub fee: Fee,
    /// What is paid out.
    pub disbursed_minor: i64,
    /// What is held back.
    pub reserve_minor: i64,
    /// What of that comes back when debtors pay on the day.
    pub reserve_back_minor: i64,
    /// What the seller has in the end: paid out and given back.
    pub total_minor: i64,
    /// What it costs: interest and fee, with VAT.
    pub cost_minor: i64,
    /// What that is of the money that was paid out, by the year of 365 days of the calendar, in parts per million.
    pub annual_cost_ppm: i64,
    /// How it comes about.
    pub formula: Vec<Step>,
}

/// What a step computes (试算步骤). Behind each stand its operands, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, async_graphql::Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "FinancingStepKind")]
pub enum StepKind {
    /// What is advanced on a receivable: face × share (融资本金).
    Advance,
    /// What is held back of it: face − advance (保留款).
    Reserve,
    /// Its days of interest: from this day until before that one, counted this way (计息天数).
    Days,
    /// Its interest: principal × rate × days ÷ days of a year (利息).
    Interest,
    /// Its fee: base × share (手续费).
    Fee,
    /// What is advanced on all, added up (融资本金合计).
    AllAdvances,
    /// What is held back of all, added up (保留款合计).
    AllReserves,
    /// Interest of all, added up (利息合计).
    AllInterest,
    /// Fees of all, added up (手续费合计).
    AllFees,
    /// The fee without VAT: fee ÷ (1 + rate) (不含税手续费).
    FeeNet,
    /// The VAT in it: fee − net (手续费增值税).
    FeeVat,
    /// What is paid out: principal − fee, and − interest when that is paid at the front (实际放款).
    Disbursed,
    /// What comes back: reserve, and − interest when that is paid at the rear (到期返还).
    ReserveBack,
    /// What the seller has in the end: paid out + given back (卖方合计所得).
    Total,
    /// Cost by the year: (interest + fee) × 365 ÷ (paid out × days of the calendar, added up). After interest and fee
    /// stand these two for each receivable (综合年化成本).
    AnnualCost,
}

/// A step of the calculation: no words, only what is computed, what of, and what it comes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What it computes.
    pub what: StepKind,
    /// Of which receivable, from 0 on; none: of all.
    pub item: Option<i32>,
    /// What of: decimal amounts, whole days, shares as `80%`, dates.
    pub operands: Vec<String>,
    /// What it comes to, in the same way.
    pub result: String,
}

/// What receivables make when they are financed on a day (vector F3). The terms hold.
pub fn quote(terms: &Terms, currency: Currency, items: &[Item], funded_on: NaiveDate) -> Result<Quote, Refusal> {
    if items.is_empty() {
        return Err(Refusal::new(ErrorCode::Required).at("items"));
    }
    if items.len() > MOST_ITEMS {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MOST_ITEMS.to_string()).at("items"));
    }
    let each = items
        .iter()
        .enumerate()
        .map(|(n, item)| of_item(terms, item, funded_on).map_err(|refusal| refusal.at(n.to_string()).at("items")));
    let mut items: Vec<ItemQuote> = each.collect::<Result<_, _>>()?;
    let fee = with_vat(terms, &mut items)?;
    let all = |of: fn(&ItemQuote) -> i64| {
        let sum = items.iter().map(of).try_fold(0, i64::checked_add).ok_or_else(out_of_range)?;
        if sum <= Money::MAX_MINOR { Ok(sum) } else { Err(out_of_range()) }
    };
    let interest_minor = all(|item| item.interest_minor)?;
    let (disbursed_minor, reserve_back_minor) =
        (all(|item| item.disbursed_minor)?, all(|item| item.reserve_back_minor)?);
    let cost_minor = interest_minor + fee.gross_minor;
    let money_days =
        items.iter().map(|item| i128::from(item.disbursed_minor) * i128::from(calendar_days(funded_on, item)));
    let mut quote = Quote {
        currency,
        funded_on,
        days: items.iter().map(|item| item.days).max().unwrap_or_default(),
        face_minor: all(|item| item.face_minor)?,
        principal_minor: all(|item| item.principal_minor)?,
        interest_minor,
        fee,
        disbursed_minor,
        reserve_minor: all(|item| item.reserve_minor)?,
        reserve_back_minor,
        total_minor: disbursed_minor + reserve_back_minor,
        cost_minor,
        annual_cost_ppm: annual_ppm(cost_minor, money_days.sum())?,
        items,
        formula: Vec::new(),
    };
    quote.formula = explained(terms, &quote);
    Ok(quote)
}

/// What one receivable makes, but for the VAT in its fee.
fn of_item(terms: &Terms, item: &Item, funded_on: NaiveDate) -> Result<ItemQuote, Refusal> {
    let face_minor = at_least(1, item.face_minor).map_err(|refusal| refusal.at("faceMinor"))?;
    if item.due_on <= funded_on {
        return Err(Refusal::new(ErrorCode::InvalidValue).with("value", item.due_on.to_string()).at("dueOn"));
    }
    let days = terms.day_count.days(funded_on, item.due_on);
    let principal_minor = share(face_minor, terms.advance_ppm);
    let interest_minor = interest(principal_minor, terms.rate_ppm, days, terms.day_count)?;
    let gross_minor = share(fee_base(terms, face_minor, principal_minor), terms.fee_ppm);
    let withheld = terms.withheld(interest_minor);
    // Nobody sells a receivable for nothing: fee and interest leave something to pay out.
    let disbursed_minor = at_least(1, principal_minor - gross_minor - withheld)?;
    let reserve_minor = face_minor - principal_minor;
    Ok(ItemQuote {
        face_minor,
        due_on: item.due_on,
        days,
        principal_minor,
        reserve_minor,
        interest_minor,
        fee: Fee { gross_minor, net_minor: gross_minor, vat_minor: 0 },
        disbursed_minor,
        reserve_back_minor: reserve_minor - (interest_minor - withheld),
    })
}

fn fee_base(terms: &Terms, face_minor: i64, principal_minor: i64) -> i64 {
    match terms.fee_base {
        FeeBase::Face => face_minor,
        FeeBase::Advance => principal_minor,
    }
}

/// The fee of all, with its VAT, and the shares of that for each.
fn with_vat(terms: &Terms, items: &mut [ItemQuote]) -> Result<Fee, Refusal> {
    let fees: Vec<i64> = items.iter().map(|item| item.fee.gross_minor).collect();
    let gross = fees.iter().copied().try_fold(0, i64::checked_add).ok_or_else(out_of_range)?;
    let fee = Fee::including(at_least(0, gross)?, terms.vat_ppm)?;
    for (item, vat_minor) in items.iter_mut().zip(largest_remainder(fee.vat_minor, &fees)?) {
        item.fee = Fee { vat_minor, net_minor: item.fee.gross_minor - vat_minor, ..item.fee };
    }
    Ok(fee)
}

/// Days of the calendar that money is had for, however interest counts them.
fn calendar_days(funded_on: NaiveDate, item: &ItemQuote) -> i64 {
    DayCount::Act365.days(funded_on, item.due_on)
}

/// What writes the steps of a quote.
struct Formula {
    currency: Currency,
    steps: Vec<Step>,
}

impl Formula {
    fn money(&self, minor: i64) -> String {
        Money { minor, currency: self.currency }.decimal().to_string()
    }

    fn add(&mut self, what: StepKind, item: Option<i32>, operands: Vec<String>, result: String) {
        self.steps.push(Step { what, item, operands, result });
    }

    /// A step that has amounts alone.
    fn amounts(&mut self, what: StepKind, item: Option<i32>, operands: &[i64], result: i64) {
        let operands = operands.iter().map(|minor| self.money(*minor)).collect();
        self.add(what, item, operands, self.money(result));
    }

    /// A share of an amount.
    fn part(&mut self, what: StepKind, item: Option<i32>, (of, ppm): (i64, i32), result: i64) {
        self.add(what, item, vec![self.money(of), percent(i64::from(ppm))], self.money(result));
    }
}

/// Parts per million as a percentage: `5.4%`.
fn percent(ppm: i64) -> String {
    format!("{}%", Decimal::new(ppm, 4).normalize())
}

/// The steps of a quote: those of each receivable, their sums when there are several, then those of all.
fn explained(terms: &Terms, quote: &Quote) -> Vec<Step> {
    let mut formula = Formula { currency: quote.currency, steps: Vec::new() };
    for (n, item) in quote.items.iter().enumerate() {
        explain_item(&mut formula, terms, i32::try_from(n).ok(), quote.funded_on, item);
    }
    if quote.items.len() > 1 {
        let each = |of: fn(&ItemQuote) -> i64| quote.items.iter().map(of).collect::<Vec<i64>>();
        formula.amounts(StepKind::AllAdvances, None, &each(|item| item.principal_minor), quote.principal_minor);
        formula.amounts(StepKind::AllReserves, None, &each(|item| item.reserve_minor), quote.reserve_minor);
        formula.amounts(StepKind::AllInterest, None, &each(|item| item.interest_minor), quote.interest_minor);
        formula.amounts(StepKind::AllFees, None, &each(|item| item.fee.gross_minor), quote.fee.gross_minor);
    }
    let (fee, interest_minor) = (quote.fee, quote.interest_minor);
    formula.part(StepKind::FeeNet, None, (fee.gross_minor, terms.vat_ppm), fee.net_minor);
    formula.amounts(StepKind::FeeVat, None, &[fee.gross_minor, fee.net_minor], fee.vat_minor);
    let (mut out, mut back) = (vec![quote.principal_minor, fee.gross_minor], vec![quote.reserve_minor]);
    match terms.timing {
        Timing::Front => out.push(interest_minor),
        Timing::Rear => back.push(interest_minor),
    }
    formula.amounts(StepKind::Disbursed, None, &out, quote.disbursed_minor);
    formula.amounts(StepKind::ReserveBack, None, &back, quote.reserve_back_minor);
    let both = [quote.disbursed_minor, quote.reserve_back_minor];
    formula.amounts(StepKind::Total, None, &both, quote.total_minor);
    let mut operands = vec![formula.money(interest_minor), formula.money(fee.gross_minor)];
    for item in &quote.items {
        operands.push(formula.money(item.disbursed_minor));
        operands.push(calendar_days(quote.funded_on, item).to_string());
    }
    formula.add(StepKind::AnnualCost, None, operands, percent(quote.annual_cost_ppm));
    formula.steps
}

fn explain_item(formula: &mut Formula, terms: &Terms, n: Option<i32>, funded_on: NaiveDate, item: &ItemQuote) {
    formula.part(StepKind::Advance, n, (item.face_minor, terms.advance_ppm), item.principal_minor);
    formula.amounts(StepKind::Reserve, n, &[item.face_minor, item.principal_minor], item.reserve_minor);
    let counted = async_graphql::Value::from(terms.day_count).to_string();
    let between = vec![funded_on.to_string(), item.due_on.to_string(), counted];
    formula.add(StepKind::Days, n, between, item.days.to_string());
    let factors = vec![
        formula.money(item.principal_minor),
        percent(i64::from(terms.rate_ppm)),
        item.days.to_string(),
        terms.day_count.basis().to_string(),
    ];
    let interest_minor = formula.money(item.interest_minor);
    formula.add(StepKind::Interest, n, factors, interest_minor);
    let base = fee_base(terms, item.face_minor, item.principal_minor);
    formula.part(StepKind::Fee, n, (base, terms.fee_ppm), item.fee.gross_minor);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::RoundingStrategy;

    use super::*;
    use crate::finance::terms::fixtures::f3;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn item(face_minor: i64, due_on: &str) -> Item {
        Item { face_minor, due_on: day(due_on) }
    }

    fn quoted(terms: &Terms, items: &[Item]) -> Quote {
        quote(terms, Currency::CNY, items, day("2025-06-16")).unwrap()
    }

    #[test]
    fn the_three_lines_of_f3() {
        for (timing, count, interest_minor, disbursed, back) in [
            (Timing::Front, DayCount::Act360, 1_056_000, 78_644_000, 20_000_000),
            (Timing::Rear, DayCount::Act360, 1_056_000, 79_700_000, 18_944_000),
            (Timing::Rear, DayCount::Act365, 1_041_534, 79_700_000, 18_958_466),
        ] {
            let terms = Terms { day_count: count, ..f3(timing) };
            let quote = quoted(&terms, &[item(100_000_000, "2025-09-12")]);
            assert_eq!((quote.days, quote.principal_minor, quote.reserve_minor), (88, 80_000_000, 20_000_000));
            assert_eq!(quote.interest_minor, interest_minor, "{timing:?} {count:?}");
            assert_eq!((quote.disbursed_minor, quote.reserve_back_minor), (disbursed, back), "{timing:?} {count:?}");
            assert_eq!(quote.total_minor, disbursed + back);
            assert_eq!(quote.fee, Fee { gross_minor: 300_000, net_minor: 283_019, vat_minor: 16_981 });
            assert_eq!(quote.cost_minor, interest_minor + 300_000);
        }
    }

    #[test]
    fn what_it_costs_in_a_year_is_of_what_was_paid_out() {
        let one = [item(100_000_000, "2025-09-12")];
        for (timing, expected) in [(Timing::Front, 71_516), (Timing::Rear, 70_569)] {
            assert_eq!(quoted(&f3(timing), &one).annual_cost_ppm, expected, "{timing:?}");
        }
        // A day later there is a day less of interest.
        let tomorrow = quote(&f3(Timing::Front), Currency::CNY, &one, day("2025-06-17")).unwrap();
        assert_eq!((tomorrow.days, tomorrow.disbursed_minor), (87, 78_656_000));
    }

    #[test]
    fn a_fee_may_be_a_share_of_what_is_advanced() {
        let terms = Terms { fee_base: FeeBase::Advance, ..f3(Timing::Rear) };
        let quote = quoted(&terms, &[item(100_000_000, "2025-09-12")]);
        assert_eq!(quote.fee, Fee { gross_minor: 240_000, net_minor: 226_415, vat_minor: 13_585 });
    }

    #[test]
    fn several_receivables_are_rounded_each_and_added_up() {
        let items = [item(33, "2025-09-12"), item(33, "2025-09-12"), item(100_000_000, "2025-10-12")];
        let quote = quoted(&f3(Timing::Rear), &items);
        // 80 % of 33 are 26.4: rounded before they are added.
        assert_eq!((quote.principal_minor, quote.days), (26 + 26 + 80_000_000, 118));
        assert_eq!(quote.interest_minor, 1_416_000);
        let vat: i64 = quote.items.iter().map(|item| item.fee.vat_minor).sum();
        assert_eq!((vat, quote.fee.vat_minor), (16_981, 16_981));
    }

    #[test]
    fn what_cannot_be_financed_is_refused_where_it_stands() {
        let rear = f3(Timing::Rear);
        for (items, code, field) in [
            (vec![], ErrorCode::Required, &["items"][..]),
            (vec![item(100, "2025-09-12"); MOST_ITEMS + 1], ErrorCode::TooMany, &["items"]),
            (vec![item(100, "2025-06-16")], ErrorCode::InvalidValue, &["items", "0", "dueOn"]),
            (vec![item(100, "2025-06-17"), item(0, "2025-09-12")], ErrorCode::OutOfRange, &["items", "1", "faceMinor"]),
        ] {
            let refused = quote(&rear, Currency::CNY, &items, day("2025-06-16")).unwrap_err();
            assert_eq!(refused.code, code, "{field:?}");
            assert_eq!(refused.field, field);
        }
        let dear = Terms { fee_ppm: 800_000, ..rear };
        assert!(quote(&dear, Currency::CNY, &[item(100, "2025-09-12")], day("2025-06-16")).is_err(), "nothing is left");
    }

    /// What a step comes to, with a pocket calculator.
    fn computed(step: &Step) -> Decimal {
        let number = |text: &String| match text.strip_suffix('%') {
            Some(share) => share.parse::<Decimal>().unwrap() / Decimal::ONE_HUNDRED,
            None => text.parse::<Decimal>().unwrap(),
        };
        if step.what == StepKind::Days {
            return Decimal::from((day(&step.operands[1]) - day(&step.operands[0])).num_days());
        }
        let all: Vec<Decimal> = step.operands.iter().map(number).collect();
        match step.what {
            StepKind::Advance | StepKind::Fee => all[0] * all[1],
            StepKind::Interest => all[0] * all[1] * all[2] / all[3],
            StepKind::FeeNet => all[0] / (Decimal::ONE + all[1]),
            StepKind::AllAdvances | StepKind::AllReserves | StepKind::AllInterest | StepKind::AllFees => {
                all.iter().sum()
            }
            StepKind::Total => all[0] + all[1],
            StepKind::AnnualCost => {
                let had: Decimal = all[2..].chunks(2).map(|pair| pair[0] * pair[1]).sum();
                (all[0] + all[1]) * Decimal::from(36_500) / had
            }
            StepKind::Reserve | StepKind::FeeVat | StepKind::Disbursed | StepKind::ReserveBack | StepKind::Days => {
                all[0] - all[1..].iter().sum::<Decimal>()
            }
        }
    }

    #[test]
    fn the_formula_is_arithmetic_that_comes_to_the_result() {
        let items = [item(100_000_000, "2025-09-12"), item(12_345_678, "2025-10-12")];
        for (timing, items, steps) in
            [(Timing::Front, &items[..1], 11), (Timing::Rear, &items[..1], 11), (Timing::Rear, &items[..], 20)]
        {
            let quote = quoted(&f3(timing), items);
            assert_eq!(quote.formula.len(), steps);
            for step in &quote.formula {
                let digits = if step.what == StepKind::AnnualCost { 4 } else { 2 };
                let exact = computed(step).round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero);
                let result: Decimal = step.result.trim_end_matches('%').parse().unwrap();
                assert_eq!(exact, result, "{step:?}");
            }
        }
        let quote = quoted(&f3(Timing::Front), &items[..1]);
        let shown = |what| {
            let step = quote.formula.iter().find(|step| step.what == what).unwrap();
            (step.operands.join(" "), step.result.clone())
        };
        for (what, operands, result) in [
            (StepKind::Advance, "1000000.00 80%", "800000.00"),
            (StepKind::Days, "2025-06-16 2025-09-12 ACT_360", "88"),
            (StepKind::Interest, "800000.00 5.4% 88 360", "10560.00"),
            (StepKind::Disbursed, "800000.00 3000.00 10560.00", "786440.00"),
            (StepKind::AnnualCost, "10560.00 3000.00 786440.00 88", "7.1516%"),
        ] {
            assert_eq!(shown(what), (operands.to_owned(), result.to_owned()));
        }
    }

    proptest! {
        #[test]
        fn front_and_rear_come_to_the_same(
            faces in proptest::collection::vec((1_000..1_000_000_000_000_i64, 1..200_u64), 1..6),
            advance_ppm in 500_000..=1_000_000_i32,
            rate_ppm in 0..300_000_i32,
            fee_ppm in 0..20_000_i32,
        ) {
            let funded = day("2025-06-16");
            let items: Vec<Item> = faces.into_iter()
                .map(|(face_minor, days)| Item { face_minor, due_on: funded + chrono::Days::new(days) })
                .collect();
            let [front, rear] = [Timing::Front, Timing::Rear]
                .map(|timing| quoted(&Terms { advance_ppm, rate_ppm, fee_ppm, ..f3(timing) }, &items));
            prop_assert_eq!(front.total_minor, rear.total_minor);
            prop_assert_eq!(front.total_minor, front.face_minor - front.cost_minor);
            prop_assert_eq!(front.interest_minor, rear.interest_minor);
            for quote in [front, rear] {
                prop_assert_eq!(quote.principal_minor + quote.reserve_minor, quote.face_minor);
                prop_assert_eq!(quote.fee.net_minor + quote.fee.vat_minor, quote.fee.gross_minor);
                let vat: i64 = quote.items.iter().map(|item| item.fee.vat_minor).sum();
                prop_assert_eq!(vat, quote.fee.vat_minor);
                prop_assert!(quote.items.iter().all(|item| item.fee.net_minor >= 0 && item.disbursed_minor > 0));
            }
        }
    }
}
