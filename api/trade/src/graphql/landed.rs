//! The price with import taxes, and its explanation.

use async_graphql::SimpleObject;
use chrono::NaiveDate;
use entities::{
    catalog::SupplyMode,
    trade::{Law, Passage, Step, StepKind},
    values::{self, Currency, Locale, Refusals},
};
use platform::graphql::{Money, UserError};

use crate::landed::Landed;

/// A step of how a price with taxes comes about (税款计算步骤).
#[derive(Clone, Debug, SimpleObject)]
pub struct TaxStep {
    /// What it computes.
    kind: StepKind,
    /// Arithmetic with the numbers in place: `410.00 × 13% × 70%`. Evaluated exactly and rounded half up it is the amount.
    formula: String,
    /// What it comes to.
    amount: Money,
    /// The law that it rests on, by its number or name.
    law: Option<&'static str>,
    /// The notice that its rates come from.
    source: Option<String>,
}

impl From<Step> for TaxStep {
    fn from(step: Step) -> Self {
        Self {
            kind: step.what,
            formula: step.formula,
            amount: cny(step.amount_minor),
            law: step.law.map(Law::reference),
            source: step.source,
        }
    }
}

fn cny(minor: i64) -> Money {
    values::Money { minor, currency: Currency::CNY }.into()
}

/// What an offer costs a consumer, import taxes and carriage included (到手价). What the buyer bought before, and what
/// else is in the order, comes in with a quote of the order. Amounts are there when nothing stands in the way.
#[derive(Clone, Debug, SimpleObject)]
pub struct LandedPrice {
    /// How many.
    quantity: i32,
    /// How the goods reach the buyer.
    supply_mode: SupplyMode,
    /// The day whose tariffs, list and policies hold, in Asia/Shanghai.
    date: NaiveDate,
    /// How it passes customs; none for goods that are in the country, and for exports.
    passage: Option<Passage>,
    /// What the goods cost (商品总价).
    goods: Option<Money>,
    /// Freight (运费).
    freight: Option<Money>,
    /// Insurance (保费).
    insurance: Option<Money>,
    /// Duty (关税).
    duty: Option<Money>,
    /// Consumption tax (消费税).
    consumption_tax: Option<Money>,
    /// Import VAT (增值税).
    vat: Option<Money>,
    /// The three taxes (税款).
    tax: Option<Money>,
    /// All of it (含税总价).
    total: Option<Money>,
    /// How it comes about, step by step.
    steps: Vec<TaxStep>,
    /// The laws that it rests on, by their numbers or names.
    laws: Vec<&'static str>,
    /// Why it cannot be had so; empty when it can.
    problems: Vec<UserError>,
}

impl LandedPrice {
    /// What there is to say: amounts, or what stands in the way.
    pub fn new(
        (quantity, supply_mode, date): (i32, SupplyMode, NaiveDate),
        found: Result<Landed, Refusals>,
        locale: &Locale,
    ) -> Self {
        let (landed, problems) = match found {
            Ok(landed) => (Some(landed), Vec::new()),
            Err(refusals) => (None, UserError::all(&refusals, locale)),
        };
        let amount = |of: fn(&Landed) -> i64| landed.as_ref().map(|landed| cny(of(landed)));
        Self {
            quantity,
            supply_mode,
            date,
            passage: landed.as_ref().and_then(|landed| landed.passage),
            goods: amount(|landed| landed.goods_minor),
            freight: amount(|landed| landed.freight_minor),
            insurance: amount(|landed| landed.insurance_minor),
            duty: amount(|landed| landed.duty_minor),
            consumption_tax: amount(|landed| landed.consumption_minor),
            vat: amount(|landed| landed.vat_minor),
            tax: amount(|landed| landed.tax_minor),
            total: amount(|landed| landed.total_minor),
            laws: landed.iter().flat_map(|landed| &landed.laws).map(|law| law.reference()).collect(),
            steps: landed.into_iter().flat_map(|landed| landed.steps).map(TaxStep::from).collect(),
            problems,
        }
    }
}
