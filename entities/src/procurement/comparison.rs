//! Comparing quotations (比价): a column for each supplier, every price brought to the same place and currency, the whole
//! ranked by price and, beside that, by weighted points.
//!
//! - a comparison is computed from what was asked, what was quoted and its [`Assumptions`], and from nothing else: kept
//!   with them, it comes out the same again, which its hash proves;
//! - what it needs and does not know (a rate, freight, a duty, a quality) is refused by name. Nothing is guessed;
//! - of each line those offers are ranked that sell a quantity that fits. Over the whole only complete columns are
//!   ranked and have points: all lines in full, each in a quantity that is sold, and enough in all. A partial offer has
//!   none, not zero;
//! - a quotation that does not hold on the day of the comparison is shown and ranked nowhere: it is nobody's best
//!   price;
//! - of an amount for all goods of a supplier ([`CarriageBasis::Whole`] without a line) those lines bear their share
//!   that have no amount of their own;
//! - a single absurd price hides its own cell and no other.
//!
//! Time goes with the number of cells: what belongs to a supplier or a line is looked up, never searched for.

use std::{
    cmp::{Reverse, max, min},
    collections::{BTreeSet, HashMap},
    fmt::Write,
};

use crate::Relation;
use chrono::NaiveDate;
use rust_decimal::{Decimal, RoundingStrategy};
use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    landed::{self, Needs, Steps, needs},
    quotation::{QuotationContent, QuotedLine},
    terms::Fx,
    tiers,
    unit_price::{UnitPrice, minor},
};
use crate::{
    ordering::Incoterm,
    values::{
        Currency, ErrorCode, Refusal, Refusals,
        id::{OrganisationId, QuotationId, RfqComparisonId, RfqId, RfqLineId},
        refusal::{Check, line},
    },
};

/// Most entries of each list of the assumptions.
pub const MOST_ENTRIES: usize = 4_000;
/// Digits of shares in parts per million.
const PPM_DIGITS: u32 = 6;
/// Highest rate of insurance: a tenth.
const MAX_INSURANCE_PPM: i32 = 100_000;
/// Least and most that is insured of a CIF value.
const UPLIFT_PPM: (i32, i32) = (1_000_000, 2_000_000);
/// Highest duty: ten times the value, for duties against dumping.
const MAX_DUTY_PPM: i32 = 10_000_000;
/// Highest cost of carriage, and the digits that one has.
const MAX_CARRIAGE: i64 = 1_000_000_000;
const CARRIAGE_DIGITS: u32 = 6;
/// Longest name of where a duty comes from.
const MAX_SOURCE: usize = 300;
/// Digits of points.
const POINT_DIGITS: u32 = 2;
/// What weights add up to, and the most points of a quality.
const FULL: u8 = 100;
/// Largest cost of a cell in ten thousandths, so that columns can be added up.
const MAX_E4: i64 = 40_000_000_000_000_000;

/// How much price, lead time and quality count for, of a hundred (权重).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weights {
    /// The landed price (价格).
    pub price: u8,
    /// The lead time (交期).
    pub lead: u8,
    /// The quality (质量).
    pub quality: u8,
}

/// A rate of exchange: one unit of a currency in the one that is compared in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// Of which currency.
    pub currency: Currency,
    /// The rate, who says so, and of which day.
    pub fx: Fx,
}

/// What an amount of carriage is for (运杂费计价方式).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, async_graphql::Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CarriageBasis {
    /// For one piece (按单位).
    Unit,
    /// For the line that is named; or, of no line, for all lines that have no such amount of their own, shared out by
    /// value (按整批，按货值分摊).
    Whole,
}

/// What carriage costs of a supplier's goods, where its Incoterm leaves that to the buyer (运杂费).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carriage {
    /// Whose goods.
    pub supplier: OrganisationId,
    /// Of which line; none: of all that are not named.
    pub line: Option<RfqLineId>,
    /// What the amounts are for.
    pub basis: CarriageBasis,
    /// To the port, in the quotation's currency (起运地费用).
    pub origin: Option<Decimal>,
    /// The main carriage, in the quotation's currency (国际运费).
    pub freight: Option<Decimal>,
    /// From the port, in the currency that is compared in; none: nothing (目的地费用).
    pub destination: Option<Decimal>,
}

/// A rate of import duty (关税). The most exact one holds: of a line and a supplier, of a supplier, of a line, of all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duty {
    /// Of which line; none: of all.
    pub line: Option<RfqLineId>,
    /// Of whose goods; none: of all suppliers. Goods that are delivered within the country bear no duty: 0.
    pub supplier: Option<OrganisationId>,
    /// The rate, in parts per million.
    pub ppm: i32,
    /// Where it comes from: a notice of the tariff, or what people know.
    pub source: String,
}

/// What is thought of a supplier's quality, of a hundred (质量评分).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quality {
    /// Of whom.
    pub supplier: OrganisationId,
    /// How much, 0 to 100.
    pub points: u8,
}

/// All that a comparison is computed from beside what was asked and quoted (比价假设).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Assumptions {
    /// Of which day: tariffs, and whether quotations still hold.
    pub on: NaiveDate,
    /// In which currency.
    pub currency: Currency,
    /// How much what counts.
    pub weights: Weights,
    /// The rate of insurance, in parts per million.
    pub insurance_ppm: i32,
    /// For how much of the CIF value it is insured, in parts per million: 1,100,000 is 110 %.
    pub uplift_ppm: i32,
    /// Rates of exchange, one for each other currency of a quotation.
    pub rates: Vec<Rate>,
    /// What carriage costs.
    pub carriage: Vec<Carriage>,
    /// Rates of import duty.
    pub duties: Vec<Duty>,
    /// What is thought of suppliers.
    pub quality: Vec<Quality>,
}

impl Assumptions {
    /// The assumptions, when each of them can be one of what is asked for and of who quoted; or all that is wrong with
    /// them.
    pub fn checked(&self, asked: &[Asked<'_>], suppliers: &BTreeSet<OrganisationId>) -> Result<(), Refusals> {
        let mut check = Check::default();
        let sum = [self.weights.price, self.weights.lead, self.weights.quality].map(u32::from).iter().sum::<u32>();
        let all = || Refusal::new(ErrorCode::InvalidWeights).with("sum", sum.to_string());
        check.demand(sum == u32::from(FULL), "weights", all);
        demand(&mut check, "insurancePpm", self.insurance_ppm, (0, MAX_INSURANCE_PPM));
        demand(&mut check, "upliftPpm", self.uplift_ppm, UPLIFT_PPM);
        for (field, entries) in [
            ("rates", self.rates.len()),
            ("carriage", self.carriage.len()),
            ("duties", self.duties.len()),
            ("quality", self.quality.len()),
        ] {
            let many = || Refusal::new(ErrorCode::TooMany).with("max", MOST_ENTRIES.to_string());
            check.demand(entries <= MOST_ENTRIES, field, many);
        }
        if !check.0.is_empty() {
            return Err(check.0);
        }
        self.check_rates(&mut check);
        let lines: BTreeSet<RfqLineId> = asked.iter().map(|asked| asked.line).collect();
        self.check_carriage(&mut check, &lines, suppliers);
        self.check_duties(&mut check, &lines, suppliers);
        let mut seen = BTreeSet::new();
        for (n, quality) in self.quality.iter().enumerate() {
            let mut within = Check::default();
            demand(&mut within, "points", i32::from(quality.points), (0, i32::from(FULL)));
            within.demand(suppliers.contains(&quality.supplier), "supplierId", || unknown("supplierId"));
            within.demand(seen.insert(quality.supplier), "supplierId", || twice("supplierId"));
            entry(&mut check, "quality", n, within);
        }
        check.done(())
    }

    fn check_rates(&self, check: &mut Check) {
        let mut seen = BTreeSet::from([self.currency]);
        for (n, rate) in self.rates.iter().enumerate() {
            let wrong = rate.fx.checked().err().unwrap_or_default();
            let mut within = Check(wrong.into_iter().map(|refusal| refusal.at("fx")).collect());
            within.demand(seen.insert(rate.currency), "currency", || twice(rate.currency.code()));
            entry(check, "rates", n, within);
        }
    }

    fn check_carriage(&self, check: &mut Check, lines: &BTreeSet<RfqLineId>, suppliers: &BTreeSet<OrganisationId>) {
        let mut seen = BTreeSet::new();
        for (n, carriage) in self.carriage.iter().enumerate() {
            let mut within = Check::default();
            let amounts =
                [("origin", carriage.origin), ("freight", carriage.freight), ("destination", carriage.destination)];
            for (field, amount) in amounts {
                let most = Decimal::from(MAX_CARRIAGE);
                let fits = |n: Decimal| (Decimal::ZERO..=most).contains(&n) && n.normalize().scale() <= CARRIAGE_DIGITS;
                let range = || Refusal::new(ErrorCode::OutOfRange).with("min", "0").with("max", most.to_string());
                within.demand(amount.is_none_or(fits), field, range);
            }
            within.demand(carriage.line.is_none_or(|line| lines.contains(&line)), "lineId", || unknown("lineId"));
            within.demand(suppliers.contains(&carriage.supplier), "supplierId", || unknown("supplierId"));
            within.demand(seen.insert((carriage.supplier, carriage.line)), "supplierId", || twice("supplierId"));
            entry(check, "carriage", n, within);
        }
    }

    fn check_duties(&self, check: &mut Check, lines: &BTreeSet<RfqLineId>, suppliers: &BTreeSet<OrganisationId>) {
        let mut seen = BTreeSet::new();
        for (n, duty) in self.duties.iter().enumerate() {
            let mut within = Check::default();
            demand(&mut within, "ratePpm", duty.ppm, (0, MAX_DUTY_PPM));
            within.take("source", line(&duty.source, MAX_SOURCE));
            within.demand(duty.line.is_none_or(|line| lines.contains(&line)), "lineId", || unknown("lineId"));
            let quoted = duty.supplier.is_none_or(|supplier| suppliers.contains(&supplier));
            within.demand(quoted, "supplierId", || unknown("supplierId"));
            within.demand(seen.insert((duty.line, duty.supplier)), "lineId", || twice("lineId"));
            entry(check, "duties", n, within);
        }
    }

    /// The lines whose duty neither a line nor all of them say: the tariff may know it.
    pub fn without_duty(&self, asked: &[Asked<'_>]) -> Vec<RfqLineId> {
        let said: BTreeSet<Option<RfqLineId>> =
            self.duties.iter().filter(|duty| duty.supplier.is_none()).map(|duty| duty.line).collect();
        if said.contains(&None) {
            return Vec::new();
        }
        asked.iter().map(|asked| asked.line).filter(|line| !said.contains(&Some(*line))).collect()
    }
}

fn demand(check: &mut Check, field: &str, value: i32, (min, max): (i32, i32)) {
    check.demand((min..=max).contains(&value), field, || {
        Refusal::new(ErrorCode::OutOfRange).with("min", min.to_string()).with("max", max.to_string())
    });
}

fn entry(check: &mut Check, field: &str, n: usize, within: Check) {
    check.0.extend(within.0.into_iter().map(|refusal| refusal.at(n.to_string()).at(field)));
}

fn twice(what: &str) -> Refusal {
    Refusal::new(ErrorCode::Duplicate).with("value", what)
}

fn unknown(what: &str) -> Refusal {
    Refusal::new(ErrorCode::NotFound).with("value", what)
}

/// A line that is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Which.
    pub line: RfqLineId,
    /// Its place, from 1 on; with what it is called a refusal names it.
    pub number: usize,
    /// What it is.
    pub called: &'a str,
    /// How much.
    pub quantity: i64,
}

/// A quotation that is compared.
#[derive(Clone, Copy, Debug)]
pub struct Quoted<'a> {
    /// Which.
    pub quotation: QuotationId,
    /// Whose.
    pub supplier: OrganisationId,
    /// How a refusal names its supplier.
    pub called: &'a str,
    /// What it says.
    pub content: &'a QuotationContent,
}

/// What a supplier offers of a line (比价单元格).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// How much of it is counted with: what is asked for; what there is, when that is less; or, when neither is sold,
    /// the least above it that is.
    pub quantity: i64,
    /// Whether it is sold in a quantity that was asked for.
    pub fits: bool,
    /// Whether that is all that is asked for.
    pub full: bool,
    /// The price of one at this quantity, in the quotation's currency.
    pub unit: UnitPrice,
    /// More of it that costs less in all: how many, and what they cost, in minor units of the quotation's currency.
    pub hint: Option<(i64, i64)>,
    /// How the landed cost of one comes about, as it is shown.
    pub steps: Steps,
    /// The landed cost of one, in ten thousandths.
    pub landed_e4: i64,
    /// The landed cost of the quantity, in minor units.
    pub total_minor: i64,
    /// Its place among the offers of this line that fit and hold, by the landed cost of one; the least is 1.
    pub price_rank: Option<u32>,
    /// How many days after the order it comes.
    pub lead_days: i32,
}

/// What a supplier offers of all lines (比价列).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupplierColumn {
    /// Who.
    pub supplier: OrganisationId,
    /// In which quotation.
    pub quotation: QuotationId,
    /// In which currency.
    pub currency: Currency,
    /// Under which Incoterm.
    pub incoterm: Incoterm,
    /// How many days after the invoice it is paid.
    pub payment_days: i32,
    /// Whether it held on the day of the comparison.
    pub valid: bool,
    /// Whether its value is below the least order of the supplier.
    pub below_mov: bool,
    /// Whether it can be awarded as a whole: it holds, and has all lines in full, each in a quantity that is sold, and
    /// enough in all.
    pub complete: bool,
    /// A cell for each line, in the order of the lines.
    pub lines: Vec<Option<Cell>>,
    /// The landed cost of all, in minor units: the sum of its cells.
    pub total_minor: i64,
    /// The same in ten thousandths, which columns are ranked by.
    pub total_e4: i64,
    /// The longest lead time of its lines.
    pub lead_days: i32,
    /// What is thought of its quality.
    pub quality: Option<u8>,
    /// Its points; none when it is not complete.
    pub points: Option<Points>,
    /// Its place among the complete columns by landed cost.
    pub price_rank: Option<u32>,
    /// The same by points.
    pub score_rank: Option<u32>,
}

/// A comparison (比价结果).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// In which currency.
    pub currency: Currency,
    /// The lines, in the order of the cells.
    pub lines: Vec<RfqLineId>,
    /// A column for each quotation, in the order of the suppliers' ids.
    pub columns: Vec<SupplierColumn>,
}

impl Comparison {
    /// What a quotation offers of a line.
    pub fn cell(&self, quotation: QuotationId, line: RfqLineId) -> Option<&Cell> {
        let n = self.lines.iter().position(|one| *one == line)?;
        let column = self.columns.iter().find(|column| column.quotation == quotation)?;
        column.lines.get(n)?.as_ref()
    }
}

/// The hash of a comparison: the same for the same result.
pub fn hash(comparison: &Comparison) -> Result<String, serde_json::Error> {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(serde_json::to_vec(comparison)?) {
        // Writing to a text does not fail.
        let _ = write!(hex, "{byte:02x}");
    }
    Ok(hex)
}

/// The assumptions, so that what belongs to a supplier or a line is looked up.
struct Known<'a> {
    assumed: &'a Assumptions,
    rates: HashMap<Currency, Decimal>,
    carriage: HashMap<(OrganisationId, Option<RfqLineId>), &'a Carriage>,
    duties: HashMap<(Option<RfqLineId>, Option<OrganisationId>), i32>,
    quality: HashMap<OrganisationId, u8>,
}

impl<'a> Known<'a> {
    fn of(assumed: &'a Assumptions) -> Self {
        let rates = assumed.rates.iter().map(|rate| (rate.currency, rate.fx.rate));
        Self {
            assumed,
            rates: rates.chain([(assumed.currency, Decimal::ONE)]).collect(),
            carriage: assumed.carriage.iter().map(|one| ((one.supplier, one.line), one)).collect(),
            duties: assumed.duties.iter().map(|duty| ((duty.line, duty.supplier), duty.ppm)).collect(),
            quality: assumed.quality.iter().map(|quality| (quality.supplier, quality.points)).collect(),
        }
    }

    fn duty(&self, line: RfqLineId, supplier: OrganisationId) -> Option<i32> {
        let keys = [(Some(line), Some(supplier)), (None, Some(supplier)), (Some(line), None), (None, None)];
        keys.iter().find_map(|key| self.duties.get(key).copied())
    }
}

/// What is not known: the field of the assumptions, and in words.
#[derive(Default)]
struct Gaps(BTreeSet<(&'static str, String)>);

impl Gaps {
    fn done(self) -> Result<(), Refusals> {
        if self.0.is_empty() {
            return Ok(());
        }
        let incomplete = |missing: String| Refusal::new(ErrorCode::Incomplete).with("missing", missing);
        Err(self.0.into_iter().map(|(field, missing)| incomplete(missing).at(field)).collect())
    }
}

/// What is sold of a line, before anything is carried.
struct Offer {
    line: RfqLineId,
    quantity: i64,
    fits: bool,
    full: bool,
    unit: UnitPrice,
    amount_minor: i64,
    hint: Option<(i64, i64)>,
    lead_days: i32,
}

impl Offer {
    /// What a quotation offers of a line; none when it has no price for it that can be counted with, or has less of it
    /// than it sells.
    fn of(asked: &Asked<'_>, quoted: &QuotedLine, content: &QuotationContent) -> Option<Self> {
        let (tiers, mode, currency) = (&quoted.tiers.0, quoted.mode, content.currency);
        let wanted = match quoted.available {
            Some(there) => {
                let most = min(there, asked.quantity);
                let packed = most - most % max(quoted.multiple, 1);
                if packed < quoted.moq {
                    return None;
                }
                packed
            }
            None => asked.quantity,
        };
        let (quantity, fits) = match tiers::fit(wanted, quoted.moq, quoted.multiple) {
            Ok(()) => (wanted, true),
            Err((_, suggested)) => (suggested, false),
        };
        let hint = tiers::hint(tiers, mode, quantity, (quoted.moq, quoted.multiple), currency);
        Some(Self {
            line: asked.line,
            quantity,
            fits,
            full: wanted == asked.quantity,
            unit: tiers::effective(tiers, mode, quantity, currency)?,
            amount_minor: tiers::amount(tiers, mode, quantity, currency)?,
            hint: hint.filter(|(more, _)| quoted.available.is_none_or(|there| there >= *more)),
            lead_days: quoted.lead_days.unwrap_or(content.lead_days),
        })
    }

    /// All that a quotation offers, in the order of what is asked for.
    fn all(asked: &[Asked<'_>], places: &HashMap<RfqLineId, usize>, content: &QuotationContent) -> Vec<Option<Self>> {
        let mut offers: Vec<Option<Self>> = asked.iter().map(|_| None).collect();
        for line in &content.lines {
            if let Some(n) = places.get(&line.line)
                && let (Some(place), Some(asked)) = (offers.get_mut(*n), asked.get(*n))
            {
                *place = Self::of(asked, line, content);
            }
        }
        offers
    }
}

/// What an amount for all goods of a supplier is shared out over: what the lines come to, in its own currency, that
/// have no such amount of their own.
struct Goods {
    origin: Decimal,
    freight: Decimal,
    destination: Decimal,
}

impl Goods {
    fn of(known: &Known<'_>, supplier: OrganisationId, offers: &[Option<Offer>]) -> Self {
        let sum = |pick: fn(&Carriage) -> Option<Decimal>| {
            let own = |offer: &Offer| {
                known.carriage.get(&(supplier, Some(offer.line))).is_some_and(|entry| pick(entry).is_some())
            };
            let rest = offers.iter().flatten().filter(|offer| !own(offer)).try_fold(Decimal::ZERO, |sum, offer| {
                sum.checked_add(offer.unit.decimal().checked_mul(Decimal::from(offer.quantity))?)
            });
            rest.unwrap_or(Decimal::MAX)
        };
        Self { origin: sum(|one| one.origin), freight: sum(|one| one.freight), destination: sum(|one| one.destination) }
    }
}

/// How the prices of a column become landed costs.
struct Way<'a> {
    known: &'a Known<'a>,
    quoted: &'a Quoted<'a>,
    needs: Needs,
    fx: Decimal,
    goods: Goods,
    insurance_rate: Decimal,
    uplift: Decimal,
}

impl<'a> Way<'a> {
    /// None when the rate of its currency is not known.
    fn of(known: &'a Known<'a>, quoted: &'a Quoted<'a>, offers: &[Option<Offer>]) -> Option<Self> {
        Some(Self {
            known,
            quoted,
            needs: needs(quoted.content.incoterm),
            fx: known.rates.get(&quoted.content.currency).copied()?,
            goods: Goods::of(known, quoted.supplier, offers),
            insurance_rate: fraction(known.assumed.insurance_ppm),
            uplift: fraction(known.assumed.uplift_ppm),
        })
    }

    /// What carriage of one piece costs, by the most exact entry that says it. `goods`: what shares an amount for all.
    fn carried(&self, offer: &Offer, pick: fn(&Carriage) -> Option<Decimal>, goods: Decimal) -> Option<Decimal> {
        let supplier = self.quoted.supplier;
        let entries = [(supplier, Some(offer.line)), (supplier, None)];
        let mut said = entries.iter().filter_map(|key| self.known.carriage.get(key).copied());
        let (entry, amount) = said.find_map(|entry| Some((entry, pick(entry)?)))?;
        match (entry.basis, entry.line) {
            (CarriageBasis::Unit, _) => Some(amount),
            (CarriageBasis::Whole, Some(_)) => amount.checked_div(Decimal::from(offer.quantity)),
            (CarriageBasis::Whole, None) => amount.checked_mul(offer.unit.decimal())?.checked_div(goods),
        }
    }

    /// What the landed cost of an offer is made of; notes what is not known.
    fn terms(&self, offer: &Offer, asked: &Asked<'_>, gaps: &mut Gaps) -> Option<landed::Terms> {
        let mut lacks = |field: &'static str, missing: String| {
            gaps.0.insert((field, missing));
        };
        let called = self.quoted.called;
        let part = |needed: bool, pick: fn(&Carriage) -> Option<Decimal>, goods: Decimal| {
            if needed { self.carried(offer, pick, goods) } else { Some(Decimal::ZERO) }
        };
        let origin = part(self.needs.origin, |one| one.origin, self.goods.origin);
        if origin.is_none() {
            lacks("carriage", format!("origin of {called}"));
        }
        let freight = part(self.needs.freight, |one| one.freight, self.goods.freight);
        if freight.is_none() {
            lacks("carriage", format!("freight of {called}"));
        }
        let duty = if self.needs.duty { self.known.duty(offer.line, self.quoted.supplier) } else { Some(0) };
        if duty.is_none() {
            lacks("duties", format!("duty of line {}, {}", asked.number, asked.called));
        }
        let destination = part(self.needs.destination, |one| one.destination, self.goods.destination);
        Some(landed::Terms {
            price: offer.unit.decimal(),
            incoterm: self.quoted.content.incoterm,
            fx: self.fx,
            origin: origin?,
            freight: freight?,
            insurance_rate: self.insurance_rate,
            uplift: self.uplift,
            duty_rate: fraction(duty?),
            destination: destination.unwrap_or_default(),
        })
    }

    /// The cell of an offer, and what its quantity costs in ten thousandths.
    fn cell(&self, offer: &Offer, asked: &Asked<'_>, gaps: &mut Gaps) -> Option<(Cell, i64)> {
        let steps = landed::landed(&self.terms(offer, asked, gaps)?).ok()?;
        let total = steps.landed.checked_mul(Decimal::from(offer.quantity))?;
        let shown = steps.shown();
        let cell = Cell {
            quantity: offer.quantity,
            fits: offer.fits,
            full: offer.full,
            unit: offer.unit,
            hint: offer.hint,
            steps: shown,
            landed_e4: e4(shown.landed)?,
            total_minor: minor(total, self.known.assumed.currency)?,
            price_rank: None,
            lead_days: offer.lead_days,
        };
        Some((cell, e4(landed::shown(total))?))
    }
}

fn fraction(ppm: i32) -> Decimal {
    Decimal::new(i64::from(ppm), PPM_DIGITS)
}

/// An amount with four digits as a whole number of ten thousandths.
fn e4(amount: Decimal) -> Option<i64> {
    i64::try_from(amount.mantissa()).ok().filter(|n| amount.scale() == landed::DIGITS && n.abs() <= MAX_E4)
}

/// Compares quotations by what was asked for; or says what is not known that it takes.
pub fn compare(asked: &[Asked<'_>], quotes: &[Quoted<'_>], assumed: &Assumptions) -> Result<Comparison, Refusals> {
    let (known, places) = (Known::of(assumed), placed(asked));
    let mut gaps = Gaps::default();
    let mut columns: Vec<SupplierColumn> =
        quotes.iter().filter_map(|quoted| column(asked, &places, quoted, &known, &mut gaps)).collect();
    gaps.done()?;
    columns.sort_by_key(|column| (column.supplier, column.quotation));
    rank_lines(&mut columns, asked.len());
    rank_columns(&mut columns, assumed.weights);
    Ok(Comparison { currency: assumed.currency, lines: asked.iter().map(|asked| asked.line).collect(), columns })
}

/// The place of each line.
fn placed(asked: &[Asked<'_>]) -> HashMap<RfqLineId, usize> {
    asked.iter().enumerate().map(|(n, asked)| (asked.line, n)).collect()
}

/// What one of so many pieces of a line costs landed, in ten thousandths, by each quotation that sells so many: all
/// `wanted`, by line, quantity and quotation. The price is that of the quantity; what carriage of a piece costs stays
/// as it was compared, because of another quantity nobody said it.
pub fn landed_at(
    asked: &[Asked<'_>],
    quotes: &[Quoted<'_>],
    assumed: &Assumptions,
    wanted: &BTreeSet<(RfqLineId, i64)>,
) -> HashMap<(RfqLineId, i64, QuotationId), i64> {
    let (known, places) = (Known::of(assumed), placed(asked));
    let mut found = HashMap::new();
    for quoted in quotes {
        let content = quoted.content;
        let offers = Offer::all(asked, &places, content);
        let Some(way) = Way::of(&known, quoted, &offers) else { continue };
        let lines: HashMap<RfqLineId, &QuotedLine> = content.lines.iter().map(|line| (line.line, line)).collect();
        for (line, quantity) in wanted {
            let one = || {
                let (n, sold) = (*places.get(line)?, *lines.get(line)?);
                tiers::fit(*quantity, sold.moq, sold.multiple).ok()?;
                sold.available.is_none_or(|there| there >= *quantity).then_some(())?;
                let price = tiers::effective(&sold.tiers.0, sold.mode, *quantity, content.currency)?;
                let compared = way.terms(offers.get(n)?.as_ref()?, asked.get(n)?, &mut Gaps::default())?;
                let terms = landed::Terms { price: price.decimal(), ..compared };
                e4(landed::shown(landed::landed(&terms).ok()?.landed))
            };
            if let Some(cost) = one() {
                found.insert((*line, *quantity, quoted.quotation), cost);
            }
        }
    }
    found
}

fn column(
    asked: &[Asked<'_>],
    places: &HashMap<RfqLineId, usize>,
    quoted: &Quoted<'_>,
    known: &Known<'_>,
    gaps: &mut Gaps,
) -> Option<SupplierColumn> {
    let (content, assumed) = (quoted.content, known.assumed);
    let offers = Offer::all(asked, places, content);
    let Some(way) = Way::of(known, quoted, &offers) else {
        gaps.0.insert(("rates", format!("{}/{}", content.currency, assumed.currency)));
        return None;
    };
    let value: i64 = offers.iter().flatten().fold(0, |sum, offer| offer.amount_minor.saturating_add(sum));
    let mut column = SupplierColumn {
        supplier: quoted.supplier,
        quotation: quoted.quotation,
        currency: content.currency,
        incoterm: content.incoterm,
        payment_days: content.payment_days,
        valid: assumed.on <= content.valid_until,
        below_mov: content.min_value_minor.is_some_and(|least| value < least),
        complete: true,
        lines: Vec::with_capacity(asked.len()),
        total_minor: 0,
        total_e4: 0,
        lead_days: 0,
        quality: known.quality.get(&quoted.supplier).copied(),
        points: None,
        price_rank: None,
        score_rank: None,
    };
    for (offer, asked) in offers.iter().zip(asked) {
        let cell = offer.as_ref().and_then(|offer| way.cell(offer, asked, gaps));
        column.complete &= cell.is_some_and(|(cell, _)| cell.fits && cell.full);
        if let Some((cell, costs)) = cell {
            column.total_minor = column.total_minor.saturating_add(cell.total_minor);
            column.total_e4 = column.total_e4.saturating_add(costs);
            column.lead_days = column.lead_days.max(cell.lead_days);
        }
        column.lines.push(cell.map(|(cell, _)| cell));
    }
    column.complete &= column.valid && !column.below_mov && !asked.is_empty();
    if column.complete && assumed.weights.quality > 0 && column.quality.is_none() {
        gaps.0.insert(("quality", format!("quality of {}", quoted.called)));
    }
    Some(column)
}

/// The places of values, least first. Equal ones share the better place, and the next one is so much further.
fn places<T: Ord + Copy>(values: &mut [(T, usize)]) -> Vec<(usize, u32)> {
    values.sort_unstable();
    let mut place = 0;
    let mut before: Option<T> = None;
    let ranked = values.iter().zip(1_u32..).map(|(&(value, of), n)| {
        if before != Some(value) {
            place = n;
            before = Some(value);
        }
        (of, place)
    });
    ranked.collect()
}

fn rank_lines(columns: &mut [SupplierColumn], lines: usize) {
    let mut values: Vec<(i64, usize)> = Vec::with_capacity(columns.len());
    for n in 0..lines {
        values.clear();
        let holding = columns.iter().enumerate().filter(|(_, column)| column.valid);
        let cells = holding.filter_map(|(c, column)| Some((c, column.lines.get(n)?.as_ref()?)));
        values.extend(cells.filter(|(_, cell)| cell.fits).map(|(c, cell)| (cell.landed_e4, c)));
        for (c, place) in places(&mut values) {
            if let Some(Some(cell)) = columns.get_mut(c).and_then(|column| column.lines.get_mut(n)) {
                cell.price_rank = Some(place);
            }
        }
    }
}

fn rank_columns(columns: &mut [SupplierColumn], weights: Weights) {
    let whole: Vec<usize> = columns.iter().enumerate().filter(|(_, column)| column.complete).map(|(c, _)| c).collect();
    let mut prices: Vec<(i64, usize)> = Vec::with_capacity(whole.len());
    let mut rows = Vec::with_capacity(whole.len());
    for column in columns.iter().filter(|column| column.complete) {
        prices.push((column.total_e4, rows.len()));
        rows.push(Scored {
            price: Decimal::new(column.total_e4, landed::DIGITS),
            lead: column.lead_days,
            quality: column.quality.unwrap_or_default(),
        });
    }
    let points = score(&rows, weights);
    let mut scores: Vec<(Reverse<Decimal>, usize)> =
        points.iter().enumerate().map(|(n, points)| (Reverse(points.score), n)).collect();
    let at = |n: usize| whole.get(n).copied().unwrap_or(usize::MAX);
    for (n, points) in points.iter().enumerate() {
        if let Some(column) = columns.get_mut(at(n)) {
            column.points = Some(*points);
        }
    }
    for (n, place) in places(&mut prices) {
        if let Some(column) = columns.get_mut(at(n)) {
            column.price_rank = Some(place);
        }
    }
    for (n, place) in places(&mut scores) {
        if let Some(column) = columns.get_mut(at(n)) {
            column.score_rank = Some(place);
        }
    }
}

/// What points are given for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scored {
    /// The landed cost of all.
    pub price: Decimal,
    /// The lead time in days.
    pub lead: i32,
    /// The quality, of a hundred.
    pub quality: u8,
}

/// Points, of a hundred (得分).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Points {
    /// For the price.
    pub price: Decimal,
    /// For the lead time.
    pub lead: Decimal,
    /// For the quality.
    pub quality: Decimal,
    /// In all: of the parts before they were rounded.
    pub score: Decimal,
}

/// The points of each: the least price and the shortest time have all of theirs, the others in proportion. A lead time
/// of nothing counts as a day.
pub fn score(rows: &[Scored], weights: Weights) -> Vec<Points> {
    let days = |row: &Scored| Decimal::from(row.lead.max(1));
    let cheapest = rows.iter().map(|row| row.price).min().unwrap_or_default();
    let shortest = rows.iter().map(days).min().unwrap_or_default();
    let share = |weight: u8, least: Decimal, own: Decimal| {
        let weight = Decimal::from(weight);
        if own == least {
            return weight;
        }
        weight.checked_mul(least).and_then(|most| most.checked_div(own)).unwrap_or_default()
    };
    let quality = |row: &Scored| Decimal::new(i64::from(row.quality) * i64::from(weights.quality), POINT_DIGITS);
    let points = |row: &Scored| {
        let (price, lead) = (share(weights.price, cheapest, row.price), share(weights.lead, shortest, days(row)));
        let quality = quality(row);
        Points {
            price: rounded(price),
            lead: rounded(lead),
            quality: rounded(quality),
            score: rounded(price + lead + quality),
        }
    };
    rows.iter().map(points).collect()
}

fn rounded(points: Decimal) -> Decimal {
    let mut rounded = points.round_dp_with_strategy(POINT_DIGITS, RoundingStrategy::MidpointAwayFromZero);
    rounded.rescale(POINT_DIGITS);
    rounded
}

/// A row of `rfq_comparison`: a comparison that was kept. It is never changed.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "rfq_comparison")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RfqComparisonId,
    /// Of which RFQ.
    pub rfq_id: RfqId,
    /// Of which round.
    pub round: i32,
    /// What it was computed from.
    #[sea_orm(column_type = "JsonBinary")]
    pub assumptions: Assumptions,
    /// The hash of its result, in hex.
    pub result_sha256: String,
    /// Who made it.
    pub made_by: String,
    /// When.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::procurement::{Tier, TierMode, Tiers};

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn of_line(n: u128) -> RfqLineId {
        RfqLineId(Uuid::from_u128(n))
    }

    fn of_supplier(n: u128) -> OrganisationId {
        OrganisationId(Uuid::from_u128(n))
    }

    fn asked(n: u128, quantity: i64) -> Asked<'static> {
        Asked { line: of_line(n), number: usize::try_from(n).unwrap(), called: "rug", quantity }
    }

    fn offered(n: u128, tiers: &[(i64, &str)]) -> QuotedLine {
        let tier = |&(from, price): &(i64, &str)| Tier { from, price: UnitPrice::parse(price, Currency::CNY).unwrap() };
        QuotedLine {
            line: of_line(n),
            mode: TierMode::Volume,
            tiers: Tiers(tiers.iter().map(tier).collect()),
            moq: 1,
            multiple: 1,
            lead_days: None,
            available: None,
            tax_ppm: 130_000,
            note: None,
        }
    }

    fn content(currency: &str, incoterm: Incoterm, lead_days: i32, lines: Vec<QuotedLine>) -> QuotationContent {
        QuotationContent {
            currency: currency.parse().unwrap(),
            incoterm,
            named_place: "西宁".into(),
            payment_days: 30,
            lead_days,
            valid_until: day("2026-04-30"),
            min_value_minor: None,
            note: None,
            lines,
        }
    }

    fn quoted(n: u128, content: &QuotationContent) -> Quoted<'_> {
        Quoted { quotation: QuotationId(Uuid::from_u128(n)), supplier: of_supplier(n), called: "S", content }
    }

    /// The assumptions of the vector: dollars at 7.10, insurance 0.3 % of 110 %, 5 % duty, 0.80 freight of the first.
    fn assumed() -> Assumptions {
        let fx = Fx { rate: dec("7.10"), source: "SAFE".into(), on: day("2026-03-01") };
        Assumptions {
            on: day("2026-03-04"),
            currency: Currency::CNY,
            weights: Weights { price: 60, lead: 20, quality: 20 },
            insurance_ppm: 3_000,
            uplift_ppm: 1_100_000,
            rates: vec![Rate { currency: "USD".parse().unwrap(), fx }],
            carriage: vec![carriage(1, None, CarriageBasis::Unit, "0.80")],
            duties: vec![Duty { line: None, supplier: None, ppm: 50_000, source: "tariff".into() }],
            quality: [(1, 92), (2, 95), (3, 88)]
                .map(|(n, points)| Quality { supplier: of_supplier(n), points })
                .to_vec(),
        }
    }

    fn carriage(n: u128, line: Option<u128>, basis: CarriageBasis, freight: &str) -> Carriage {
        let line = line.map(of_line);
        let freight = Some(dec(freight));
        Carriage { supplier: of_supplier(n), line, basis, origin: None, freight, destination: None }
    }

    fn of_b5() -> [QuotationContent; 3] {
        [
            content("USD", Incoterm::Fob, 30, vec![offered(1, &[(1, "10.00")])]),
            content("USD", Incoterm::Cif, 12, vec![offered(1, &[(1, "10.95")])]),
            content("CNY", Incoterm::Ddp, 7, vec![offered(1, &[(1, "82.00")])]),
        ]
    }

    fn all(contents: &[QuotationContent]) -> Vec<Quoted<'_>> {
        (1..).zip(contents).map(|(n, content)| quoted(n, content)).collect()
    }

    fn missing(asked: &[Asked<'_>], contents: &[QuotationContent], assumed: &Assumptions) -> Vec<String> {
        let refused = compare(asked, &all(contents), assumed).unwrap_err();
        let told = |one: &Refusal| format!("{}: {}", one.field.join("."), one.details["missing"]);
        refused.iter().map(told).collect()
    }

    #[test]
    fn the_dearest_may_win() {
        let quotes = of_b5();
        let found = compare(&[asked(1, 1)], &all(&quotes), &assumed()).unwrap();
        let shown = |column: &SupplierColumn| {
            let cell = column.lines[0].unwrap();
            let points = column.points.unwrap();
            (
                cell.steps.landed.to_string(),
                points.score.to_string(),
                (cell.price_rank.unwrap(), column.price_rank.unwrap(), column.score_rank.unwrap()),
            )
        };
        let columns: Vec<_> = found.columns.iter().map(shown).collect();
        let expected =
            [("80.7806", "83.07", (1, 1, 3)), ("81.6323", "90.04", (2, 2, 2)), ("82.0000", "96.71", (3, 3, 1))];
        assert_eq!(columns, expected.map(|(landed, score, ranks)| (landed.to_owned(), score.to_owned(), ranks)));
        let parts = found.columns[0].points.unwrap();
        assert_eq!([parts.price, parts.lead, parts.quality].map(|n| n.to_string()), ["60.00", "4.67", "18.40"]);
        let first = found.columns[0].lines[0].unwrap();
        let steps = [first.steps.insurance, first.steps.cif, first.steps.customs_value, first.steps.duty];
        assert_eq!(steps.map(|n| n.to_string()), ["0.0358", "10.8358", "76.9339", "3.8467"]);
        assert_eq!(found.columns.iter().map(|column| column.total_minor).collect::<Vec<_>>(), [8_078, 8_163, 8_200]);
    }

    #[test]
    fn a_comparison_comes_out_the_same_again() {
        let quotes = of_b5();
        let found = compare(&[asked(1, 100)], &all(&quotes), &assumed()).unwrap();
        let kept = serde_json::to_string(&assumed()).unwrap();
        let again: Assumptions = serde_json::from_str(&kept).unwrap();
        let mut turned = all(&quotes);
        turned.reverse();
        let second = compare(&[asked(1, 100)], &turned, &again).unwrap();
        assert_eq!(hash(&found).unwrap(), hash(&second).unwrap(), "also when quotations come in another order");
        assert_eq!(hash(&found).unwrap().len(), 64);
        let other = Assumptions { insurance_ppm: 3_001, ..assumed() };
        let third = compare(&[asked(1, 100)], &all(&quotes), &other).unwrap();
        assert_ne!(hash(&found).unwrap(), hash(&third).unwrap());
    }

    #[test]
    fn a_partial_offer_is_ranked_by_line_and_has_no_points() {
        let whole = content("CNY", Incoterm::Ddp, 7, vec![offered(1, &[(1, "12")]), offered(2, &[(1, "5")])]);
        let part = content("CNY", Incoterm::Ddp, 3, vec![offered(2, &[(1, "4")])]);
        let short = QuotedLine { available: Some(55), multiple: 10, moq: 10, ..offered(1, &[(1, "11")]) };
        let short = content("CNY", Incoterm::Ddp, 3, vec![short, offered(2, &[(1, "6")])]);
        let quotes = [whole, part, short];
        let found = compare(&[asked(1, 100), asked(2, 50)], &all(&quotes), &assumed()).unwrap();
        let ranks = |n: usize| found.columns.iter().map(|c| c.lines[n].and_then(|cell| cell.price_rank)).collect();
        let (first, second): (Vec<Option<u32>>, Vec<Option<u32>>) = (ranks(0), ranks(1));
        assert_eq!(first, [Some(2), None, Some(1)]);
        assert_eq!(second, [Some(2), Some(1), Some(3)]);
        let complete: Vec<bool> = found.columns.iter().map(|column| column.complete).collect();
        assert_eq!(complete, [true, false, false]);
        for column in &found.columns[1..] {
            assert_eq!((column.points, column.price_rank, column.score_rank), (None, None, None));
        }
        let there = found.columns[2].lines[0].unwrap();
        assert_eq!((there.quantity, there.fits, there.full), (50, true, false), "whole packs of the 55 that there are");
        assert_eq!(found.columns[0].points.unwrap().score.to_string(), "98.40", "best of those that offer all of it");
    }

    #[test]
    fn who_has_less_than_it_sells_offers_nothing() {
        for (moq, multiple, available, expected) in [
            (60, 10, 55, None),
            (60, 10, 60, Some((60, false))),
            (10, 10, 9, None),
            (10, 10, 103, Some((100, false))),
            (1, 1, 103, Some((103, true))),
        ] {
            let offer = QuotedLine { available: Some(available), moq, multiple, ..offered(1, &[(1, "11")]) };
            let quotes = [content("CNY", Incoterm::Ddp, 3, vec![offer])];
            let found = compare(&[asked(1, 103)], &all(&quotes), &assumed()).unwrap();
            let cell = found.columns[0].lines[0];
            let told = cell.map(|cell| (cell.quantity, cell.full));
            assert_eq!(told, expected, "{available} there, sold from {moq} by {multiple}");
            assert!(cell.is_none_or(|cell| cell.fits && cell.price_rank == Some(1)));
        }
    }

    #[test]
    fn a_quotation_that_does_not_hold_is_shown_and_is_nobodys_best_price() {
        let mut quotes = of_b5();
        quotes[0].valid_until = day("2026-03-03");
        let found = compare(&[asked(1, 1)], &all(&quotes), &assumed()).unwrap();
        let shown = |column: &SupplierColumn| {
            let cell = column.lines[0].unwrap();
            (column.valid, column.complete, cell.price_rank, column.price_rank, column.score_rank)
        };
        assert_eq!(found.columns[0].lines[0].unwrap().steps.landed.to_string(), "80.7806", "it is shown");
        let columns: Vec<_> = found.columns.iter().map(shown).collect();
        let expected = [
            (false, false, None, None, None),
            (true, true, Some(1), Some(1), Some(2)),
            (true, true, Some(2), Some(2), Some(1)),
        ];
        assert_eq!(columns, expected);
        assert_eq!(found.columns[0].points, None);
        assert_eq!(found.columns[1].points.unwrap().price.to_string(), "60.00", "points are of prices that hold");
        let last = Assumptions { on: day("2026-03-03"), ..assumed() };
        assert!(compare(&[asked(1, 1)], &all(&quotes), &last).unwrap().columns[0].complete, "its last day counts");
    }

    #[test]
    fn what_is_not_sold_so_is_shown_as_it_would_be_and_not_ranked() {
        let packs = QuotedLine { moq: 50, multiple: 10, ..offered(1, &[(1, "12.00"), (100, "11.20")]) };
        let quotes = [content("CNY", Incoterm::Ddp, 7, vec![packs])];
        let cell = |quantity| {
            let found = compare(&[asked(1, quantity)], &all(&quotes), &assumed()).unwrap();
            (found.columns[0].complete, found.columns[0].lines[0].unwrap())
        };
        for (quantity, counted, fits, hint) in
            [(37, 50, false, None), (103, 110, false, None), (90, 90, true, None), (100, 100, true, None)]
        {
            let (complete, found) = cell(quantity);
            assert_eq!((found.quantity, found.fits, found.hint), (counted, fits, hint), "{quantity}");
            assert_eq!((complete, found.price_rank.is_some()), (fits, fits), "{quantity}");
        }
        let tiers = [(1, "12.00"), (100, "11.20"), (500, "10.50")];
        let quotes = [content("CNY", Incoterm::Ddp, 7, vec![offered(1, &tiers)])];
        let found = compare(&[asked(1, 99)], &all(&quotes), &assumed()).unwrap();
        assert_eq!(found.columns[0].lines[0].unwrap().hint, Some((100, 112_000)), "a hundred cost less than 99");
    }

    #[test]
    fn below_the_least_order_a_column_is_not_ranked() {
        let mut quotes = of_b5();
        quotes[2].min_value_minor = Some(8_201);
        let found = compare(&[asked(1, 1)], &all(&quotes), &assumed()).unwrap();
        let last = &found.columns[2];
        assert_eq!((last.below_mov, last.complete, last.price_rank, last.points), (true, false, None, None));
        quotes[2].min_value_minor = Some(8_200);
        let found = compare(&[asked(1, 1)], &all(&quotes), &assumed()).unwrap();
        assert!(found.columns[2].complete);
    }

    #[test]
    fn what_is_not_known_is_refused_by_name_and_never_guessed() {
        let quotes = of_b5();
        let lines = [asked(1, 1)];
        for (assumed, expected) in [
            (Assumptions { rates: Vec::new(), ..assumed() }, &["rates: USD/CNY"][..]),
            (Assumptions { carriage: Vec::new(), ..assumed() }, &["carriage: freight of S"]),
            (Assumptions { duties: Vec::new(), ..assumed() }, &["duties: duty of line 1, rug"]),
            (Assumptions { quality: Vec::new(), ..assumed() }, &["quality: quality of S"]),
        ] {
            assert_eq!(missing(&lines, &quotes, &assumed), expected);
        }
        let works = [content("CNY", Incoterm::Exw, 7, vec![offered(1, &[(1, "82.00")])])];
        let carried = Assumptions { carriage: vec![carriage(1, None, CarriageBasis::Unit, "0")], ..assumed() };
        assert_eq!(missing(&lines, &works, &carried), ["carriage: origin of S"]);
        let weights = Weights { price: 80, lead: 20, quality: 0 };
        let cheap = Assumptions { weights, quality: Vec::new(), ..assumed() };
        assert!(compare(&lines, &all(&quotes), &cheap).is_ok(), "what counts for nothing need not be known");
        let paid = [quotes[2].clone()];
        let plain = Assumptions { rates: Vec::new(), carriage: Vec::new(), duties: Vec::new(), ..assumed() };
        assert!(compare(&lines, &all(&paid), &plain).is_ok(), "duty paid needs none of it");
    }

    #[test]
    fn the_most_exact_duty_and_carriage_hold() {
        let quotes = [
            content("CNY", Incoterm::Fob, 7, vec![offered(1, &[(1, "100")]), offered(2, &[(1, "300")])]),
            content("CNY", Incoterm::Fob, 7, vec![offered(1, &[(1, "100")]), offered(2, &[(1, "300")])]),
        ];
        let duty = |line: Option<u128>, supplier: Option<u128>, ppm| {
            let source = "tariff".to_owned();
            Duty { line: line.map(of_line), supplier: supplier.map(of_supplier), ppm, source }
        };
        let duties = vec![
            duty(None, None, 100_000),
            duty(Some(2), None, 200_000),
            duty(None, Some(2), 0),
            duty(Some(1), Some(2), 300_000),
        ];
        let carriage = vec![
            carriage(1, None, CarriageBasis::Whole, "120"),
            carriage(2, None, CarriageBasis::Unit, "7"),
            carriage(2, Some(2), CarriageBasis::Whole, "120"),
        ];
        let assumed = Assumptions { duties, carriage, insurance_ppm: 0, ..assumed() };
        // Of ten at 100 and five at 300, 120 is 4.8 % of the goods.
        let found = compare(&[asked(1, 10), asked(2, 5)], &all(&quotes), &assumed).unwrap();
        let shown = |column: usize, line: usize| {
            let steps = found.columns[column].lines[line].unwrap().steps;
            (steps.cf.to_string(), steps.duty.to_string())
        };
        for (column, line, cf, duty) in [
            (0, 0, "104.8000", "10.4800"),
            (0, 1, "314.4000", "62.8800"),
            (1, 0, "107.0000", "32.1000"),
            (1, 1, "324.0000", "0.0000"),
        ] {
            assert_eq!(shown(column, line), (cf.to_owned(), duty.to_owned()), "column {column}, line {line}");
        }
    }

    #[test]
    fn an_amount_for_all_goods_is_borne_by_lines_without_one_of_their_own() {
        let lines = vec![offered(1, &[(1, "100")]), offered(2, &[(1, "300")]), offered(3, &[(1, "200")])];
        let quotes = [content("CNY", Incoterm::Exw, 7, lines)];
        let said =
            |line: Option<u128>, origin: Option<&str>, freight: Option<&str>, destination: Option<&str>| Carriage {
                origin: origin.map(dec),
                freight: freight.map(dec),
                destination: destination.map(dec),
                ..carriage(1, line, CarriageBasis::Whole, "0")
            };
        let carriage = vec![
            said(None, Some("60"), Some("250"), Some("450")),
            said(Some(1), None, Some("10"), None),
            said(Some(3), Some("40"), None, Some("0")),
        ];
        let duties = vec![Duty { line: None, supplier: None, ppm: 0, source: "made here".into() }];
        let assumed = Assumptions { carriage, duties, insurance_ppm: 0, ..assumed() };
        // Ten at 100, five at 300, ten at 200: 1,000, 1,500 and 2,000.
        let asked = [asked(1, 10), asked(2, 5), asked(3, 10)];
        let found = compare(&asked, &all(&quotes), &assumed).unwrap();
        let shown = |n: usize| {
            let steps = found.columns[0].lines[n].unwrap().steps;
            (steps.cf.to_string(), steps.landed.to_string())
        };
        // Origin: 60 over 2,500 and 40 over ten; freight: ten over ten and 250 over 3,500; destination: 450 over 2,500.
        for (n, cf, landed) in [(0, "103.4000", "121.4000"), (1, "328.6286", "382.6286"), (2, "218.2857", "218.2857")] {
            assert_eq!(shown(n), (cf.to_owned(), landed.to_owned()), "line {n}");
        }
        let total: i64 = found.columns[0].lines.iter().flatten().map(|cell| cell.total_minor).sum();
        assert_eq!(total, 450_000 + 6_000 + 4_000 + 1_000 + 25_000 + 45_000, "all that was said is borne, and once");
    }

    #[test]
    fn another_quantity_costs_what_its_tier_says() {
        let tiers = [(1, "12.00"), (100, "9.00")];
        let quotes = [
            content("CNY", Incoterm::Ddp, 7, vec![offered(1, &tiers)]),
            content("CNY", Incoterm::Ddp, 7, vec![offered(1, &[(1, "10.00")])]),
            content("CNY", Incoterm::Fob, 7, vec![QuotedLine { moq: 50, multiple: 10, ..offered(1, &[(1, "8")]) }]),
        ];
        let carriage = vec![carriage(3, None, CarriageBasis::Whole, "100")];
        let assumed = Assumptions { carriage, insurance_ppm: 0, ..assumed() };
        let wanted = BTreeSet::from([(of_line(1), 60), (of_line(1), 40), (of_line(2), 40)]);
        let found = landed_at(&[asked(1, 100)], &all(&quotes), &assumed, &wanted);
        let at = |n: u128, quantity: i64| found.get(&(of_line(1), quantity, QuotationId(Uuid::from_u128(n)))).copied();
        for (n, quantity, expected) in [
            (1, 60, Some(120_000)),
            (2, 60, Some(100_000)),
            // 8.00 and a piece's share of the freight of a hundred, with 5 % of duty.
            (3, 60, Some(94_500)),
            (1, 40, Some(120_000)),
            (3, 40, None),
        ] {
            assert_eq!(at(n, quantity), expected, "{quantity} of supplier {n}");
        }
        assert_eq!(found.len(), 5, "of a line that was not asked for nothing is said");
    }

    #[test]
    fn equal_ones_share_the_better_place() {
        for (values, expected) in [
            (&[3, 1, 2][..], &[(1, 1), (2, 2), (0, 3)][..]),
            (&[5, 5, 7, 5], &[(0, 1), (1, 1), (3, 1), (2, 4)]),
            (&[], &[]),
        ] {
            let mut values: Vec<(i32, usize)> = values.iter().enumerate().map(|(n, value)| (*value, n)).collect();
            assert_eq!(places(&mut values), expected);
        }
    }

    #[test]
    fn a_lead_time_of_nothing_counts_as_a_day_and_all_have_points() {
        let row = |price: &str, lead| Scored { price: dec(price), lead, quality: 50 };
        let weights = Weights { price: 50, lead: 50, quality: 0 };
        let found = score(&[row("0", 0), row("10", 4)], weights);
        assert_eq!(found.iter().map(|points| points.score.to_string()).collect::<Vec<_>>(), ["100.00", "12.50"]);
        assert!(score(&[], weights).is_empty());
    }

    #[test]
    fn an_absurd_price_hides_its_own_cell_only() {
        let mut quotes = of_b5();
        quotes[1].lines = vec![offered(1, &[(1, "1000000000")])];
        let found = compare(&[asked(1, 1_000_000_000)], &all(&quotes), &assumed()).unwrap();
        let there: Vec<bool> = found.columns.iter().map(|column| column.lines[0].is_some()).collect();
        assert_eq!(there, [true, false, true]);
    }

    #[test]
    fn assumptions_are_what_can_be_assumed() {
        use ErrorCode as E;
        let (lines, suppliers) = ([asked(1, 1)], BTreeSet::from([1, 2, 3].map(of_supplier)));
        let wrong = |change: &dyn Fn(&mut Assumptions)| {
            let mut new = assumed();
            change(&mut new);
            let refused = new.checked(&lines, &suppliers).err().unwrap_or_default();
            refused.iter().map(|one| (one.code, one.field.join("."))).collect::<Vec<_>>()
        };
        assert!(wrong(&|_| ()).is_empty());
        for (refused, code, field) in [
            (wrong(&|new| new.weights.price = 61), E::InvalidWeights, "weights"),
            (wrong(&|new| new.insurance_ppm = -1), E::OutOfRange, "insurancePpm"),
            (wrong(&|new| new.uplift_ppm = 999_999), E::OutOfRange, "upliftPpm"),
            (wrong(&|new| new.rates[0].fx.rate = Decimal::ZERO), E::InvalidValue, "rates.0.fx.rate"),
            (wrong(&|new| new.rates[0].currency = Currency::CNY), E::Duplicate, "rates.0.currency"),
            (wrong(&|new| new.carriage[0].freight = Some(dec("-1"))), E::OutOfRange, "carriage.0.freight"),
            (wrong(&|new| new.carriage[0].origin = Some(dec("0.0000001"))), E::OutOfRange, "carriage.0.origin"),
            (wrong(&|new| new.carriage[0].line = Some(of_line(9))), E::NotFound, "carriage.0.lineId"),
            (wrong(&|new| new.carriage.push(new.carriage[0].clone())), E::Duplicate, "carriage.1.supplierId"),
            (wrong(&|new| new.carriage[0].supplier = of_supplier(9)), E::NotFound, "carriage.0.supplierId"),
            (wrong(&|new| new.duties[0].supplier = Some(of_supplier(9))), E::NotFound, "duties.0.supplierId"),
            (wrong(&|new| new.quality[0].supplier = of_supplier(9)), E::NotFound, "quality.0.supplierId"),
            (wrong(&|new| new.duties[0].ppm = 10_000_001), E::OutOfRange, "duties.0.ratePpm"),
            (wrong(&|new| new.duties[0].source = " ".into()), E::Required, "duties.0.source"),
            (wrong(&|new| new.duties[0].line = Some(of_line(9))), E::NotFound, "duties.0.lineId"),
            (wrong(&|new| new.quality[0].points = 101), E::OutOfRange, "quality.0.points"),
            (wrong(&|new| new.quality[1].supplier = of_supplier(1)), E::Duplicate, "quality.1.supplierId"),
        ] {
            assert_eq!(refused, [(code, field.to_owned())]);
        }
    }

    #[test]
    fn the_tariff_is_asked_for_lines_that_nothing_is_said_of() {
        let lines = [asked(1, 1), asked(2, 1)];
        let duty = |line: Option<u128>, supplier: Option<u128>| Duty {
            line: line.map(of_line),
            supplier: supplier.map(of_supplier),
            ppm: 0,
            source: "tariff".into(),
        };
        for (duties, expected) in [
            (vec![], vec![of_line(1), of_line(2)]),
            (vec![duty(None, None)], vec![]),
            (vec![duty(Some(1), None)], vec![of_line(2)]),
            (vec![duty(None, Some(1)), duty(Some(2), Some(1))], vec![of_line(1), of_line(2)]),
        ] {
            assert_eq!(Assumptions { duties, ..assumed() }.without_duty(&lines), expected);
        }
    }
}
