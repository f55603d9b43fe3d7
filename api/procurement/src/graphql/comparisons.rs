//! Comparisons and awards in the schema.
//!
//! A comparison is computed whole before any of its fields is asked for: its cells are plain values in memory, so that
//! they cost less than rows of a list do.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    ordering::Incoterm,
    party::Action,
    procurement::{
        UnitPrice,
        award::{self, MOST_AWARDS},
        comparison::{
            self, Assumptions, Carriage, CarriageBasis, Cell, Duty, Points, Quality, Rate, SupplierColumn, Weights,
        },
        landed::Steps,
        rfq::{MOST_SUPPLIERS, line},
    },
    values::{
        Currency, ErrorCode, Money as Amount, Refusal,
        id::{OrganisationId, RfqAwardId, RfqComparisonId, RfqLineId},
    },
};
use inventory::ledger::in_line;
use party::graphql::Organisation;
use platform::{
    clock::business_day,
    error::Error,
    graphql::{
        Connection, ContextExt, CurrencyCode, Money, UserError,
        connection::{list_cost, times},
        decode, encode,
        errors::settle,
    },
    page::PageArgs,
    payload,
};
use rust_decimal::Decimal;

use super::{
    orders::PurchaseOrder,
    rfqs::Rfq,
    shared::{ExchangeRate, ExchangeRateInput, UnitAmount, UnitPriceOutput, decimal},
};
use crate::{
    loaders,
    ops::{
        awards::{self, NewAward},
        comparisons::{self as ops, Compared},
    },
};

/// How a landed cost comes about, of one piece; decimal numbers with four digits (到岸成本构成).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct LandedSteps {
    /// Price and carriage without insurance, in the quotation's currency (C&F).
    cf: UnitAmount,
    /// Insurance, in the quotation's currency (保险费).
    insurance: UnitAmount,
    /// Both, in the quotation's currency (CIF).
    cif: UnitAmount,
    /// The same in the currency that is compared in, which duty is levied on (完税价格).
    customs_value: UnitAmount,
    /// Import duty (关税).
    duty: UnitAmount,
    /// All of it, with carriage from the port (到岸成本).
    landed: UnitAmount,
}

impl From<&Steps> for LandedSteps {
    fn from(steps: &Steps) -> Self {
        Self {
            cf: UnitAmount(steps.cf.to_string()),
            insurance: UnitAmount(steps.insurance.to_string()),
            cif: UnitAmount(steps.cif.to_string()),
            customs_value: UnitAmount(steps.customs_value.to_string()),
            duty: UnitAmount(steps.duty.to_string()),
            landed: UnitAmount(steps.landed.to_string()),
        }
    }
}

/// More of a line that costs less in all (凑量提示).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct QuantityHint {
    /// How many.
    quantity: i64,
    /// What they cost, before anything is carried.
    amount: Money,
}

/// Points of a supplier, of a hundred; decimal numbers with two digits (得分).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ComparisonPoints {
    /// For the price (价格得分).
    price_points: String,
    /// For the lead time (交期得分).
    lead_points: String,
    /// For the quality (质量得分).
    quality_points: String,
    /// In all (总分).
    score: String,
}

impl From<&Points> for ComparisonPoints {
    fn from(points: &Points) -> Self {
        Self {
            price_points: points.price.to_string(),
            lead_points: points.lead.to_string(),
            quality_points: points.quality.to_string(),
            score: points.score.to_string(),
        }
    }
}

/// A line that is compared (比价行).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ComparisonLine {
    /// Of which line of the request.
    line_id: ID,
    /// Its place, from 0 on.
    position: i32,
    /// In words.
    description: String,
    /// How much is asked for.
    quantity: i64,
    /// The trade unit.
    unit: String,
}

impl From<&line::Model> for ComparisonLine {
    fn from(line: &line::Model) -> Self {
        Self {
            line_id: encode(line.id),
            position: line.position,
            description: line.description.clone(),
            quantity: line.quantity,
            unit: line.unit.clone(),
        }
    }
}

/// What a supplier offers of a line (比价单元格).
#[derive(Clone, Debug)]
pub(crate) struct ComparisonCell {
    cell: Cell,
    line: RfqLineId,
    position: i32,
    supplier: OrganisationId,
    column: usize,
    currency: Currency,
    target: Currency,
}

/// What a supplier offers of a line (比价单元格).
#[Object]
impl ComparisonCell {
    /// Of which line.
    async fn line_id(&self) -> ID {
        encode(self.line)
    }

    /// The place of the line, from 0 on.
    async fn position(&self) -> i32 {
        self.position
    }

    /// Whose.
    async fn supplier_id(&self) -> ID {
        encode(self.supplier)
    }

    /// The place of its column among `columns`, from 0 on.
    async fn column(&self) -> usize {
        self.column
    }

    /// How much is counted with: what is asked for; what there is, when that is less; or, when neither is sold, the
    /// least above it that is.
    async fn quantity(&self) -> i64 {
        self.cell.quantity
    }

    /// Whether it is sold in a quantity that was asked for (可成交).
    async fn fits(&self) -> bool {
        self.cell.fits
    }

    /// Whether that is all that is asked for.
    async fn full(&self) -> bool {
        self.cell.full
    }

    /// The price of one at this quantity, in the quotation's currency (单价).
    async fn unit_price(&self) -> UnitPriceOutput {
        UnitPriceOutput::of(self.cell.unit, self.currency)
    }

    /// More of it that costs less in all.
    async fn hint(&self) -> Option<QuantityHint> {
        let (quantity, minor) = self.cell.hint?;
        Some(QuantityHint { quantity, amount: Amount { minor, currency: self.currency }.into() })
    }

    /// The landed cost of one, as a decimal number with four digits (单位到岸成本).
    async fn landed(&self) -> String {
        self.cell.steps.landed.to_string()
    }

    /// How it comes about.
    async fn steps(&self) -> LandedSteps {
        (&self.cell.steps).into()
    }

    /// The landed cost of the quantity (到岸总成本).
    async fn total(&self) -> Money {
        Amount { minor: self.cell.total_minor, currency: self.target }.into()
    }

    /// Its place among the offers of this line that fit and hold, by the landed cost of one (价格名次).
    async fn price_rank(&self) -> Option<u32> {
        self.cell.price_rank
    }

    /// How many days after the order it comes (交期).
    async fn lead_days(&self) -> i32 {
        self.cell.lead_days
    }
}

/// What a supplier offers of all lines (比价列).
#[derive(Clone, Debug)]
pub(crate) struct ComparisonColumn {
    of: Arc<Compared>,
    n: usize,
}

impl ComparisonColumn {
    fn column(&self) -> &SupplierColumn {
        &self.of.result.columns[self.n]
    }

    fn all(of: &Arc<Compared>) -> Vec<Self> {
        (0..of.result.columns.len()).map(|n| Self { of: Arc::clone(of), n }).collect()
    }

    fn cell(&self, n: usize, line: &line::Model) -> Option<ComparisonCell> {
        let column = self.column();
        Some(ComparisonCell {
            cell: (*column.lines.get(n)?)?,
            line: line.id,
            position: line.position,
            supplier: column.supplier,
            column: self.n,
            currency: column.currency,
            target: self.of.result.currency,
        })
    }
}

/// What a supplier offers of all lines (比价列).
#[Object]
impl ComparisonColumn {
    /// Who.
    async fn supplier(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.column().supplier).await?.map(Organisation))
    }

    /// The same as an id.
    async fn supplier_id(&self) -> ID {
        encode(self.column().supplier)
    }

    /// In which quotation.
    async fn quotation_id(&self) -> ID {
        encode(self.column().quotation)
    }

    /// In which currency it quotes.
    async fn currency(&self) -> CurrencyCode {
        CurrencyCode(self.column().currency)
    }

    /// Under which Incoterm.
    async fn incoterm(&self) -> Incoterm {
        self.column().incoterm
    }

    /// How many days after the invoice it is paid (账期).
    async fn payment_days(&self) -> i32 {
        self.column().payment_days
    }

    /// Whether it holds on the day of the comparison; if not, it is shown and has neither ranks nor points (报价有效).
    async fn valid(&self) -> bool {
        self.column().valid
    }

    /// Whether its value is below the least order of the supplier (低于最低订单金额).
    async fn below_minimum_value(&self) -> bool {
        self.column().below_mov
    }

    /// Whether it can be awarded as a whole: it holds, and has all lines in full, each in a quantity that is sold, and
    /// enough in all.
    async fn complete(&self) -> bool {
        self.column().complete
    }

    /// The landed cost of all that it offers (到岸总成本).
    async fn total(&self) -> Money {
        Amount { minor: self.column().total_minor, currency: self.of.result.currency }.into()
    }

    /// The same as a decimal number with four digits, which columns are ranked by.
    async fn landed(&self) -> String {
        Decimal::new(self.column().total_e4, 4).to_string()
    }

    /// The longest lead time of its lines (交期).
    async fn lead_days(&self) -> i32 {
        self.column().lead_days
    }

    /// What is thought of its quality, of a hundred (质量评分).
    async fn quality(&self) -> Option<u8> {
        self.column().quality
    }

    /// Its points; null when it is not complete.
    async fn points(&self) -> Option<ComparisonPoints> {
        self.column().points.as_ref().map(ComparisonPoints::from)
    }

    /// Its place among the complete columns by landed cost alone; equal ones share the better place (价格名次).
    async fn price_rank(&self) -> Option<u32> {
        self.column().price_rank
    }

    /// Its place among them by points (综合名次).
    async fn score_rank(&self) -> Option<u32> {
        self.column().score_rank
    }

    /// What it offers of which line, in the order of the lines. Lines that it left out are missing, and those of which
    /// it has less than the least that it sells.
    #[graphql(complexity = "20 + child_complexity")]
    async fn cells(&self) -> Vec<ComparisonCell> {
        self.of.lines.iter().enumerate().filter_map(|(n, line)| self.cell(n, line)).collect()
    }
}

/// How much price, lead time and quality count for, of a hundred (权重).
#[derive(Clone, Copy, Debug, SimpleObject)]
#[expect(clippy::struct_field_names, reason = "in the schema a field that is called price is money")]
pub(crate) struct ComparisonWeights {
    /// Of the landed price (价格).
    price_percent: u8,
    /// Of the lead time (交期).
    lead_percent: u8,
    /// Of the quality (质量).
    quality_percent: u8,
}

/// The rate of a currency in a comparison (汇率).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ComparisonRate {
    /// Of which currency.
    currency: CurrencyCode,
    /// What one unit of it is in the currency that is compared in.
    fx: ExchangeRate,
}

/// What carriage costs of a supplier's goods; decimal numbers (运杂费).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ComparisonCarriage {
    /// Whose goods.
    supplier_id: ID,
    /// Of which line; null: of all that are not named.
    line_id: Option<ID>,
    /// What the amounts are for.
    basis: CarriageBasis,
    /// To the port, in the quotation's currency (起运地费用).
    origin: Option<String>,
    /// The main carriage, in the quotation's currency (国际运费).
    freight: Option<String>,
    /// From the port, in the currency that is compared in (目的地费用).
    destination: Option<String>,
}

/// A rate of import duty in a comparison (关税税率).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ComparisonDuty {
    /// Of which line; null: of all.
    line_id: Option<ID>,
    /// Of whose goods; null: of all suppliers.
    supplier_id: Option<ID>,
    /// The rate, in parts per million.
    rate_ppm: i32,
    /// Where it comes from.
    source: String,
}

/// What is thought of a supplier's quality (质量评分).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ComparisonQuality {
    /// Of whom.
    supplier_id: ID,
    /// How much, of a hundred.
    points: u8,
}

/// All that a comparison is computed from beside what was asked and quoted (比价假设).
#[derive(Clone, Debug)]
pub(crate) struct ComparisonAssumptions(Assumptions);

/// All that a comparison is computed from beside what was asked and quoted (比价假设).
#[Object]
impl ComparisonAssumptions {
    /// Of which day.
    async fn on(&self) -> NaiveDate {
        self.0.on
    }

    /// In which currency.
    async fn currency(&self) -> CurrencyCode {
        CurrencyCode(self.0.currency)
    }

    /// How much what counts.
    async fn weights(&self) -> ComparisonWeights {
        let Weights { price, lead, quality } = self.0.weights;
        ComparisonWeights { price_percent: price, lead_percent: lead, quality_percent: quality }
    }

    /// The rate of insurance, in parts per million (保险费率).
    async fn insurance_ppm(&self) -> i32 {
        self.0.insurance_ppm
    }

    /// For how much of the CIF value it is insured, in parts per million (保险加成).
    async fn uplift_ppm(&self) -> i32 {
        self.0.uplift_ppm
    }

    /// Rates of exchange, as they were fixed.
    async fn rates(&self) -> Vec<ComparisonRate> {
        let shown =
            |rate: &Rate| ComparisonRate { currency: CurrencyCode(rate.currency), fx: ExchangeRate::from(&rate.fx) };
        self.0.rates.iter().map(shown).collect()
    }

    /// What carriage costs.
    async fn carriage(&self) -> Vec<ComparisonCarriage> {
        let amount = |amount: Option<Decimal>| amount.map(|amount| amount.normalize().to_string());
        let shown = |carriage: &Carriage| ComparisonCarriage {
            supplier_id: encode(carriage.supplier),
            line_id: carriage.line.map(encode),
            basis: carriage.basis,
            origin: amount(carriage.origin),
            freight: amount(carriage.freight),
            destination: amount(carriage.destination),
        };
        self.0.carriage.iter().map(shown).collect()
    }

    /// Rates of import duty; those of the tariff name the notice that they come from.
    async fn duties(&self) -> Vec<ComparisonDuty> {
        let shown = |duty: &Duty| ComparisonDuty {
            line_id: duty.line.map(encode),
            supplier_id: duty.supplier.map(encode),
            rate_ppm: duty.ppm,
            source: duty.source.clone(),
        };
        self.0.duties.iter().map(shown).collect()
    }

    /// What is thought of suppliers.
    async fn quality(&self) -> Vec<ComparisonQuality> {
        let shown =
            |quality: &Quality| ComparisonQuality { supplier_id: encode(quality.supplier), points: quality.points };
        self.0.quality.iter().map(shown).collect()
    }
}

/// Quotations beside each other, each brought to the same place and currency (比价表).
#[derive(Clone, Debug)]
pub(crate) struct Comparison(Arc<Compared>);

/// Quotations beside each other, each brought to the same place and currency (比价表).
#[Object]
impl Comparison {
    /// Of which request.
    async fn rfq_id(&self) -> ID {
        encode(self.0.rfq)
    }

    /// Of which round (轮次).
    async fn round(&self) -> i32 {
        self.0.round
    }

    /// In which currency.
    async fn currency(&self) -> CurrencyCode {
        CurrencyCode(self.0.result.currency)
    }

    /// What it is computed from; rates of duty of the tariff are written in.
    async fn assumptions(&self) -> ComparisonAssumptions {
        ComparisonAssumptions(self.0.assumptions.clone())
    }

    /// The hash of the result, in hex: the same for the same result (结果哈希).
    #[graphql(complexity = 20)]
    async fn result_sha256(&self) -> Result<String> {
        Ok(comparison::hash(&self.0.result).map_err(Error::internal)?)
    }

    /// The lines, in their order.
    #[graphql(complexity = "20 + child_complexity")]
    async fn lines(&self) -> Vec<ComparisonLine> {
        self.0.lines.iter().map(ComparisonLine::from).collect()
    }

    /// A column for each quotation of the round (比价列).
    #[graphql(complexity = "times(MOST_SUPPLIERS, child_complexity)")]
    async fn columns(&self) -> Vec<ComparisonColumn> {
        ComparisonColumn::all(&self.0)
    }

    /// All cells in one list, line by line (比价单元格).
    #[graphql(complexity = "times(500, child_complexity)")]
    async fn cells(&self) -> Vec<ComparisonCell> {
        let columns = ComparisonColumn::all(&self.0);
        let mut cells = Vec::with_capacity(columns.len() * self.0.lines.len());
        for (n, line) in self.0.lines.iter().enumerate() {
            cells.extend(columns.iter().filter_map(|column| column.cell(n, line)));
        }
        cells
    }
}

/// A comparison that was kept with all that it was computed from; it is never changed (存档比价).
#[derive(Clone, Debug)]
pub(crate) struct KeptComparison(comparison::Model);

/// A comparison that was kept with all that it was computed from; it is never changed (存档比价).
#[Object]
impl KeptComparison {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Of which request.
    async fn rfq_id(&self) -> ID {
        encode(self.0.rfq_id)
    }

    /// Of which round (轮次).
    async fn round(&self) -> i32 {
        self.0.round
    }

    /// What it was computed from.
    async fn assumptions(&self) -> ComparisonAssumptions {
        ComparisonAssumptions(self.0.assumptions.clone())
    }

    /// The hash of its result when it was kept, in hex (结果哈希).
    async fn result_sha256(&self) -> &str {
        &self.0.result_sha256
    }

    /// Who made it.
    async fn made_by(&self) -> &str {
        &self.0.made_by
    }

    /// When.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// Its result, computed again; null while another round is sealed.
    #[graphql(complexity = "1_000 + child_complexity")]
    async fn result(&self, context: &Context<'_>) -> Result<Option<Comparison>> {
        let found = ops::again(context.app().db().read(), context.viewer(), &self.0).await?;
        Ok(found.map(|(compared, _)| Comparison(Arc::new(compared))))
    }

    /// Whether it comes out the same when it is computed again; null while another round is sealed (可复现).
    #[graphql(complexity = 1_000)]
    async fn reproducible(&self, context: &Context<'_>) -> Result<Option<bool>> {
        let found = ops::again(context.app().db().read(), context.viewer(), &self.0).await?;
        Ok(found.map(|(_, same)| same))
    }
}

/// What of a line goes to a supplier (定标结果).
#[derive(Clone, Debug)]
pub(crate) struct RfqAward {
    row: award::Model,
    /// Whether whoever asked is looking.
    inside: bool,
}

/// What of a line goes to a supplier (定标结果).
#[Object]
impl RfqAward {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.row.id)
    }

    /// Of which request.
    async fn rfq_id(&self) -> ID {
        encode(self.row.rfq_id)
    }

    /// Of which line.
    async fn line_id(&self) -> ID {
        encode(self.row.line_id)
    }

    /// By which quotation.
    async fn quotation_id(&self) -> ID {
        encode(self.row.quotation_id)
    }

    /// To whom.
    async fn supplier(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.row.supplier_id).await?.map(Organisation))
    }

    /// How much.
    async fn quantity(&self) -> i64 {
        self.row.quantity
    }

    /// The price of one at this quantity.
    async fn price(&self) -> UnitPriceOutput {
        UnitPriceOutput::of(self.row.price, self.row.currency)
    }

    /// The landed cost of one in the comparison that it rests on, as a decimal number; null to suppliers, and when what
    /// was compared is another quantity with another price.
    async fn landed(&self) -> Option<String> {
        self.row.landed_e6.filter(|_| self.inside).map(|e6| UnitPrice(e6).decimal().to_string())
    }

    /// The comparison that it rests on; null to suppliers.
    async fn comparison_id(&self) -> Option<ID> {
        self.row.comparison_id.filter(|_| self.inside).map(encode)
    }

    /// Why it goes there; null to suppliers.
    async fn reason(&self) -> Option<&str> {
        self.row.reason.as_deref().filter(|_| self.inside)
    }

    /// The order that it became part of; null when there is none that one may see.
    async fn purchase_order(&self, context: &Context<'_>) -> Result<Option<PurchaseOrder>> {
        let Some(id) = self.row.order_id else { return Ok(None) };
        Ok(loaders::of(context).load_one(id).await?.map(PurchaseOrder))
    }

    /// Who awarded it; null to suppliers.
    async fn awarded_by(&self) -> Option<&str> {
        self.inside.then_some(self.row.awarded_by.as_str())
    }

    /// When.
    async fn created_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }
}

/// How much price, lead time and quality count for; they add up to a hundred (权重).
#[derive(Clone, Debug, InputObject)]
#[expect(clippy::struct_field_names, reason = "in the schema a field that is called price is money")]
pub(crate) struct WeightsInput {
    /// Of the landed price.
    price_percent: i32,
    /// Of the lead time.
    lead_percent: i32,
    /// Of the quality.
    quality_percent: i32,
}

/// The rate of a currency that somebody quotes in (汇率).
#[derive(Clone, Debug, InputObject)]
pub(crate) struct ComparisonRateInput {
    /// ISO 4217 code.
    currency: String,
    /// What one unit of it is in the currency that is compared in.
    fx: ExchangeRateInput,
}

/// What carriage costs of a supplier's goods, where its Incoterm leaves that to the buyer; decimal numbers with at most
/// six digits behind the point (运杂费).
#[derive(Clone, Debug, InputObject)]
pub(crate) struct CarriageInput {
    /// Whose goods: of somebody who quoted.
    supplier_id: ID,
    /// Of which line; none: of all that have no such amount of their own.
    line_id: Option<ID>,
    /// What the amounts are for; by default one piece.
    basis: Option<CarriageBasis>,
    /// To the port, in the quotation's currency: `EXW` and `FAS` need it.
    origin: Option<String>,
    /// The main carriage, in the quotation's currency: `EXW`, `FAS`, `FCA` and `FOB` need it.
    freight: Option<String>,
    /// From the port, in the currency that is compared in; none: nothing.
    destination: Option<String>,
}

/// A rate of import duty (关税税率). The most exact one holds: of a line and a supplier, of a supplier, of a line, of all.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct DutyInput {
    /// Of which line; none: of all.
    line_id: Option<ID>,
    /// Of whose goods, of somebody who quoted; none: of all suppliers.
    supplier_id: Option<ID>,
    /// The rate, in parts per million. Goods that are delivered within the country bear no duty, whatever their
    /// Incoterm: give 0 for their supplier.
    rate_ppm: i32,
    /// Where it comes from.
    source: String,
}

/// What is thought of a supplier's quality (质量评分).
#[derive(Clone, Debug, InputObject)]
pub(crate) struct QualityInput {
    /// Of whom: of somebody who quoted.
    supplier_id: ID,
    /// How much, 0 to 100.
    points: i32,
}

/// All that a comparison is computed from beside what was asked and quoted. What it takes and is not named is refused,
/// never guessed (比价假设).
#[derive(Clone, Debug, InputObject)]
pub(crate) struct AssumptionsInput {
    /// In which currency it is compared: ISO 4217 code.
    currency: String,
    /// How much what counts.
    weights: WeightsInput,
    /// Of which day: the tariff, and whether quotations hold; by default today.
    on: Option<NaiveDate>,
    /// The rate of insurance, in parts per million; by default 3,000 (0.3 %).
    #[graphql(default = 3_000)]
    insurance_ppm: i32,
    /// For how much of the CIF value it is insured, in parts per million; by default 1,100,000 (110 %).
    #[graphql(default = 1_100_000)]
    uplift_ppm: i32,
    /// Rates of exchange, one for each other currency of a quotation.
    #[graphql(default)]
    rates: Vec<ComparisonRateInput>,
    /// What carriage costs.
    #[graphql(default)]
    carriage: Vec<CarriageInput>,
    /// Rates of import duty; lines of which none says it have that of the tariff.
    #[graphql(default)]
    duties: Vec<DutyInput>,
    /// What is thought of suppliers.
    #[graphql(default)]
    quality: Vec<QualityInput>,
}

/// A whole number of a hundred.
fn of_hundred(n: i32) -> Result<u8, Refusal> {
    let refused = || Refusal::new(ErrorCode::OutOfRange).with("min", "0").with("max", "100");
    u8::try_from(n).ok().filter(|n| *n <= 100).ok_or_else(refused)
}

/// Each entry of a list, refused with its place.
fn each<T, R>(entries: &[T], field: &'static str, read: impl Fn(&T) -> Result<R, Error>) -> Result<Vec<R>, Error> {
    let one = |(n, entry): (usize, &T)| read(entry).map_err(|error| error.at(n.to_string()).at(field));
    entries.iter().enumerate().map(one).collect()
}

/// Awards that are named. More than are taken are not read, only counted.
fn award_ids(sent: &[ID]) -> Result<Vec<RfqAwardId>, Error> {
    if sent.len() > MOST_AWARDS {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MOST_AWARDS.to_string()).at("awardIds").into());
    }
    let one = |(n, id): (usize, &ID)| decode(id, &n.to_string()).map_err(|error| error.at("awardIds"));
    sent.iter().enumerate().map(one).collect()
}

fn rates(sent: &[ComparisonRateInput]) -> Result<Vec<Rate>, Error> {
    each(sent, "rates", |rate| {
        let currency: Currency = rate.currency.parse().map_err(|refusal: Refusal| refusal.at("currency"))?;
        Ok(Rate { currency, fx: rate.fx.read("fx")? })
    })
}

impl AssumptionsInput {
    /// The assumptions that are meant. `today`: the day of those that name none.
    fn read(&self, today: NaiveDate) -> Result<Assumptions, Error> {
        let carriage = each(&self.carriage, "carriage", |one| {
            let amount = |text: &Option<String>, field: &str| {
                text.as_deref().map(decimal).transpose().map_err(|refusal| refusal.at(field))
            };
            Ok(Carriage {
                supplier: decode(&one.supplier_id, "supplierId")?,
                line: one.line_id.as_ref().map(|id| decode(id, "lineId")).transpose()?,
                basis: one.basis.unwrap_or(CarriageBasis::Unit),
                origin: amount(&one.origin, "origin")?,
                freight: amount(&one.freight, "freight")?,
                destination: amount(&one.destination, "destination")?,
            })
        })?;
        let duties = each(&self.duties, "duties", |duty| {
            Ok(Duty {
                line: duty.line_id.as_ref().map(|id| decode(id, "lineId")).transpose()?,
                supplier: duty.supplier_id.as_ref().map(|id| decode(id, "supplierId")).transpose()?,
                ppm: duty.rate_ppm,
                source: duty.source.trim().to_owned(),
            })
        })?;
        let quality = each(&self.quality, "quality", |quality| {
            let supplier = decode(&quality.supplier_id, "supplierId")?;
            let points = of_hundred(quality.points).map_err(|refusal| refusal.at("points"))?;
            Ok(Quality { supplier, points })
        })?;
        let weight = |n: i32, field: &str| of_hundred(n).map_err(|refusal| refusal.at(field).at("weights"));
        let currency: Currency = self.currency.parse().map_err(|refusal: Refusal| refusal.at("currency"))?;
        Ok(Assumptions {
            on: self.on.unwrap_or(today),
            currency,
            weights: Weights {
                price: weight(self.weights.price_percent, "pricePercent")?,
                lead: weight(self.weights.lead_percent, "leadPercent")?,
                quality: weight(self.weights.quality_percent, "qualityPercent")?,
            },
            insurance_ppm: self.insurance_ppm,
            uplift_ppm: self.uplift_ppm,
            rates: rates(&self.rates)?,
            carriage,
            duties,
            quality,
        })
    }
}

/// The assumptions of a request, refused under their own name.
fn assumed(context: &Context<'_>, input: &AssumptionsInput) -> Result<Assumptions, Error> {
    let today = business_day(context.app().clock().now());
    input.read(today).map_err(|error| error.at("assumptions"))
}

/// A comparison that is kept (存档比价).
#[derive(InputObject)]
pub(crate) struct KeepComparisonInput {
    /// Of which request.
    rfq_id: ID,
    /// What it is computed from.
    assumptions: AssumptionsInput,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What of a line is to go to a supplier (定标行).
#[derive(InputObject)]
pub(crate) struct AwardLineInput {
    /// Which line.
    line_id: ID,
    /// To whoever gave this quotation.
    quotation_id: ID,
    /// How much, in trade units.
    quantity: i64,
    /// Why; required when another quotation that stands has a lower landed cost of this quantity in the comparison, or
    /// where there is none to show it.
    reason: Option<String>,
}

/// What is awarded (定标).
#[derive(InputObject)]
pub(crate) struct AwardRfqInput {
    /// Of which request.
    rfq_id: ID,
    /// The kept comparison that it rests on.
    comparison_id: Option<ID>,
    /// What goes to whom, at most 500 lines; all of them or, when one is refused, none.
    lines: Vec<AwardLineInput>,
    /// Whether orders are made at once of all that is awarded, one a supplier; by default not.
    #[graphql(default)]
    make_orders: bool,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// Awards that become orders (中标转采购订单).
#[derive(InputObject)]
pub(crate) struct ConvertAwardsToOrdersInput {
    /// Of which request.
    rfq_id: ID,
    /// Which awards, at most 500; by default all that have no order. One whose order was cancelled or rejected has
    /// none.
    award_ids: Option<Vec<ID>>,
    /// Rates of exchange to renminbi, of currencies that no comparison of the awards in renminbi has.
    #[graphql(default)]
    rates: Vec<ComparisonRateInput>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `keepComparison`.
    KeepComparisonPayload { /// The comparison.
        comparison: KeptComparison }
    /// The answer to `convertAwardsToOrders`.
    ConvertAwardsToOrdersPayload { /// The orders, one a supplier.
        purchase_orders: Vec<PurchaseOrder> }
}

/// The answer to `awardRfq`.
#[derive(SimpleObject)]
pub(crate) struct AwardRfqPayload {
    /// The request as it is now.
    rfq: Option<Rfq>,
    /// What was awarded.
    awards: Option<Vec<RfqAward>>,
    /// The orders that were made at once.
    purchase_orders: Option<Vec<PurchaseOrder>>,
    /// The `clientMutationId` of the input.
    client_mutation_id: Option<String>,
    /// Why it was refused; empty when it was done.
    user_errors: Vec<UserError>,
}

/// Queries about comparisons and awards.
#[derive(Default)]
pub(crate) struct ComparisonQuery;

#[Object]
impl ComparisonQuery {
    /// Compares the quotations of the round that was opened, or of the last one before in which somebody quoted; null
    /// while they are sealed, and to who did not ask for them (比价).
    #[graphql(complexity = "100 + child_complexity")]
    async fn compare_quotations(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Of which request.")] rfq_id: ID,
        #[graphql(desc = "What it is computed from.")] assumptions: AssumptionsInput,
    ) -> Result<Option<Comparison>> {
        context.may(Action::ReadProcurement)?;
        let Ok(id) = decode(&rfq_id, "rfqId") else { return Ok(None) };
        let assumed = assumed(context, &assumptions)?;
        let found = ops::compare(context.app().db().read(), context.viewer(), id, &assumed).await?;
        Ok(found.map(|compared| Comparison(Arc::new(compared))))
    }

    /// The same as a table that people open in a spreadsheet, as CSV: with the quantities that prices are of, and at
    /// the end the rates of exchange with their source and the hash of the result (比价表导出).
    #[graphql(complexity = 100)]
    async fn comparison_sheet(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Of which request.")] rfq_id: ID,
        #[graphql(desc = "What it is computed from.")] assumptions: AssumptionsInput,
    ) -> Result<Option<String>> {
        context.may(Action::ReadProcurement)?;
        let Ok(id) = decode(&rfq_id, "rfqId") else { return Ok(None) };
        let assumed = assumed(context, &assumptions)?;
        let (db, viewer, locale) = (context.app().db().read(), context.viewer(), context.locale());
        Ok(ops::sheet(db, viewer, id, &assumed, locale).await?)
    }

    /// A comparison that was kept; null when there is none or it may not be seen (存档比价).
    async fn comparison(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Opaque identifier.")] id: ID,
    ) -> Result<Option<KeptComparison>> {
        context.may(Action::ReadProcurement)?;
        let Ok(id) = decode::<RfqComparisonId>(&id, "id") else { return Ok(None) };
        Ok(ops::find(context.app().db().read(), context.viewer(), id).await?.map(KeptComparison))
    }

    /// Comparisons that were kept of a request, newest first; nothing to who did not ask for quotations (存档比价列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn rfq_comparisons(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Of which request.")] rfq_id: ID,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<KeptComparison>> {
        context.may(Action::ReadProcurement)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let Ok(id) = decode(&rfq_id, "rfqId") else { return Ok(Connection::empty()) };
        let rows = ops::list(context.app().db().read(), context.viewer(), id, &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::cursor(&row), KeptComparison(row))))
    }

    /// What was awarded of a request, first first; a supplier sees what it got (定标列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn rfq_awards(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Of which request.")] rfq_id: ID,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<RfqAward>> {
        context.may(Action::ReadProcurement)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let Ok(id) = decode(&rfq_id, "rfqId") else { return Ok(Connection::empty()) };
        let (rows, inside) = awards::list(context.app().db().read(), context.viewer(), id, &page).await?;
        Ok(Connection::new(rows, None, |row| (awards::cursor(&row), RfqAward { row, inside })))
    }
}

/// Mutations of comparisons and awards.
#[derive(Default)]
pub(crate) struct ComparisonMutation;

#[Object]
impl ComparisonMutation {
    /// Keeps a comparison with all that it is computed from: rates, freight, duties of this day. The first one begins
    /// the evaluation (存档比价).
    async fn keep_comparison(
        &self,
        context: &Context<'_>,
        input: KeepComparisonInput,
    ) -> Result<KeepComparisonPayload> {
        let call = context.call(Action::SourceGoods)?;
        let result = async {
            let id = decode(&input.rfq_id, "rfqId")?;
            let assumed = assumed(context, &input.assumptions)?;
            ops::keep(context.app(), &call, id, &assumed).await
        };
        KeepComparisonPayload::new(context, input.client_mutation_id, result.await.map(KeptComparison))
    }

    /// Awards lines to suppliers, one line to several when it must be; a part now and the rest later (定标).
    async fn award_rfq(&self, context: &Context<'_>, input: AwardRfqInput) -> Result<AwardRfqPayload> {
        let call = context.call(Action::SourceGoods)?;
        let result = async {
            let line = |(n, line): (usize, &AwardLineInput)| {
                let of = decode(&line.line_id, "lineId").map_err(|error| in_line(error, n))?;
                let quotation = decode(&line.quotation_id, "quotationId").map_err(|error| in_line(error, n))?;
                let reason = line.reason.clone();
                Ok::<_, Error>(NewAward { line: of, quotation, quantity: line.quantity, reason })
            };
            let id = decode(&input.rfq_id, "rfqId")?;
            let comparison = input.comparison_id.as_ref().map(|id| decode(id, "comparisonId")).transpose()?;
            let new: Vec<NewAward> = input.lines.iter().enumerate().map(line).collect::<Result<_, _>>()?;
            awards::award(context.app(), &call, id, comparison, &new, input.make_orders).await
        };
        let (done, user_errors) = settle(result.await, context.locale())?;
        let (rfq, awards, purchase_orders) = match done {
            Some(done) => {
                let awards = done.awards.into_iter().map(|row| RfqAward { row, inside: true }).collect();
                let orders = done.orders.into_iter().map(PurchaseOrder).collect();
                (Some(Rfq(done.rfq)), Some(awards), Some(orders))
            }
            None => (None, None, None),
        };
        let client_mutation_id = input.client_mutation_id;
        Ok(AwardRfqPayload { rfq, awards, purchase_orders, client_mutation_id, user_errors })
    }

    /// Makes orders of awards that have none yet, one a supplier: all of them or none. A refusal because of one
    /// supplier has its `supplierId` in the details, so that the others' awards can be named (中标转采购订单).
    async fn convert_awards_to_orders(
        &self,
        context: &Context<'_>,
        input: ConvertAwardsToOrdersInput,
    ) -> Result<ConvertAwardsToOrdersPayload> {
        let call = context.call(Action::SourceGoods)?;
        let result = async {
            let id = decode(&input.rfq_id, "rfqId")?;
            let named = input.award_ids.as_deref().map(award_ids).transpose()?;
            let rates = rates(&input.rates)?;
            awards::convert(context.app(), &call, id, named.as_deref(), &rates).await
        };
        let orders = result.await.map(|orders| orders.into_iter().map(PurchaseOrder).collect());
        ConvertAwardsToOrdersPayload::new(context, input.client_mutation_id, orders)
    }
}
