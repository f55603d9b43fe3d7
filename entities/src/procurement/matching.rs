//! The three-way match (三单匹配): an invoice against what was ordered and what was accepted.
//!
//! - **Quantity.** What is billed of an order's line, by all invoices together, is no more than was accepted of it,
//!   within the line's tolerance; a line that names a delivery is held against that delivery as well.
//! - **Price.** The price of a unit is the ordered one, within the tolerance; an amount is quantity times price, half
//!   up.
//! - **Tax** is computed anew, once for each rate, from the ordered rates; **the total** without tax may be held to a
//!   tolerance of its own.
//!
//! What debit notes took off does not count. All tolerances are those that were frozen into the order's lines.

use std::collections::{BTreeMap, HashMap};

use crate::Relation;
use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};

use super::{
    invoice, order, receipt,
    terms::{Tolerance, WHOLE_PPM},
    unit_price::UnitPrice,
};
use crate::values::{
    Currency,
    id::{GoodsReceiptLineId, InvoiceMatchId, OrganisationId, PurchaseOrderLineId, SupplierInvoiceId},
};

/// In what an invoice does not fit (匹配异常原因).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, async_graphql::Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "InvoiceMatchIssue")]
pub enum MatchIssue {
    /// It is for no line of an order (无订单行).
    NoOrderLine,
    /// The order is another supplier's (供应商不符).
    OtherSupplier,
    /// The order is in another currency (币种不符).
    OtherCurrency,
    /// The order is not in force (订单未生效).
    OrderNotOpen,
    /// Nothing of it was accepted (尚未验收).
    NothingAccepted,
    /// More is billed than was accepted (数量不符).
    Quantity,
    /// The price of a unit is not the ordered one (单价不符).
    Price,
    /// The amount is not quantity times price, or the amounts do not add up (金额不符).
    Amount,
    /// The tax is not what the rates make it (税额不符).
    Tax,
    /// The total differs by more than it may (总额不符).
    Total,
}

impl MatchIssue {
    /// Whether somebody may let it through: there has to be an order of this supplier in this currency.
    pub fn may_pass(self) -> bool {
        !matches!(self, Self::NoOrderLine | Self::OtherSupplier | Self::OtherCurrency)
    }
}

/// Why an invoice was matched (匹配起因).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "InvoiceMatchCause")]
pub enum MatchCause {
    /// It was recorded (录入).
    Recorded,
    /// Somebody had it matched again (重新匹配).
    Again,
    /// Something was taken off it, or was after all not (借项).
    Debited,
    /// Somebody let it through (强制通过).
    Overridden,
}

/// How a line of an invoice fits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineResult {
    /// The place of the line, from 0 on.
    pub position: i32,
    /// In what it does not fit.
    pub issues: Vec<MatchIssue>,
    /// How much more is billed than was accepted.
    pub quantity_over: i64,
    /// The same in parts per million of what was accepted; none when nothing was.
    pub over_ppm: Option<i64>,
    /// By how much its amount is above that of the ordered price, in minor units.
    pub price_variance_minor: i64,
    /// By how much its price is above the ordered one, in parts per million of that.
    pub price_ppm: i64,
}

/// How an invoice fits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct MatchResult {
    /// Whether it does.
    pub passed: bool,
    /// Its lines.
    pub lines: Vec<LineResult>,
    /// By how much it is above what was ordered, without tax, in minor units.
    pub total_variance_minor: i64,
    /// What the tax should be, in minor units.
    pub tax_expected_minor: i64,
    /// In what it does not fit as a whole.
    pub issues: Vec<MatchIssue>,
}

impl MatchResult {
    /// Every issue, of lines and of the whole.
    pub fn all(&self) -> impl Iterator<Item = MatchIssue> {
        self.issues.iter().chain(self.lines.iter().flat_map(|line| &line.issues)).copied()
    }

    /// The lines that do not fit, counted from 1 as people do; empty when it is the whole that does not.
    pub fn wrong_lines(&self) -> String {
        let wrong = self.lines.iter().filter(|line| !line.issues.is_empty());
        wrong.map(|line| (line.position + 1).to_string()).collect::<Vec<_>>().join(", ")
    }
}

/// What an invoice says as a whole, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Who is to pay.
    pub buyer: OrganisationId,
    /// Who is to be paid.
    pub supplier: OrganisationId,
    /// In which currency.
    pub currency: Currency,
    /// Without tax.
    pub net_minor: i64,
    /// Tax.
    pub tax_minor: i64,
    /// With tax.
    pub total_minor: i64,
    /// What debit notes took off the tax.
    pub debited_tax_minor: i64,
}

impl Header {
    /// What an invoice says.
    pub fn of(invoice: &invoice::Model, debited_tax_minor: i64) -> Self {
        Self {
            buyer: invoice.buyer_id,
            supplier: invoice.supplier_id,
            currency: invoice.currency,
            net_minor: invoice.net_minor,
            tax_minor: invoice.tax_minor,
            total_minor: invoice.total_minor,
            debited_tax_minor,
        }
    }
}

/// A line of an order, as far as an invoice is held against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ordered {
    /// Which.
    pub id: PurchaseOrderLineId,
    /// Who ordered.
    pub buyer: OrganisationId,
    /// From whom.
    pub supplier: OrganisationId,
    /// In which currency.
    pub currency: Currency,
    /// Whether the order is in force.
    pub open: bool,
    /// For what a unit.
    pub price: UnitPrice,
    /// At which rate of tax, in parts per million.
    pub tax_ppm: i32,
    /// By how much an invoice may differ.
    pub tolerance: Tolerance,
    /// How much was accepted.
    pub accepted: i64,
    /// How much is billed by other invoices.
    pub billed: i64,
}

impl Ordered {
    /// A line of an order, with what other invoices billed of it.
    pub fn of(order: &order::Model, line: &order::line::Model) -> Self {
        use order::OrderState as State;
        // What was accepted may be billed when the order is closed, too: an invoice that claimed it may be corrected.
        let open = matches!(
            order.state,
            State::Sent
                | State::Acknowledged
                | State::ChangeProposed
                | State::InProgress
                | State::Closed
                | State::ShortClosed
        );
        Self {
            id: line.id,
            buyer: order.buyer_id,
            supplier: order.supplier_id,
            currency: order.currency,
            open,
            price: line.price,
            tax_ppm: line.tax_ppm,
            tolerance: line.tolerance,
            accepted: line.accepted,
            billed: line.billed,
        }
    }
}

/// A delivery of such a line, as far as an invoice is held against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// Which.
    pub id: GoodsReceiptLineId,
    /// How much was accepted.
    pub accepted: i64,
    /// How much is billed by other invoices.
    pub billed: i64,
}

impl Delivered {
    /// A line of a receipt, with what other invoices billed of it.
    pub fn of(line: &receipt::line::Model) -> Self {
        Self { id: line.id, accepted: line.accepted, billed: line.billed }
    }
}

/// A line of an invoice, and what it is held against.
#[derive(Clone, Copy, Debug)]
pub struct Billed<'a> {
    /// The line.
    pub line: &'a invoice::line::Model,
    /// What debit notes took off its amount, in minor units.
    pub debited_minor: i64,
    /// The line of the order that it is for.
    pub order: Option<&'a Ordered>,
    /// The delivery that it names.
    pub receipt: Option<&'a Delivered>,
}

impl Billed<'_> {
    /// Whether debit notes took anything off it.
    fn is_whole(&self) -> bool {
        self.line.debited == 0 && self.debited_minor == 0
    }

    /// What is left of its amount, in minor units.
    fn net_minor(&self) -> i64 {
        self.line.amount_minor - self.debited_minor
    }

    /// What so much costs by the order.
    fn ordered_minor(&self) -> i64 {
        let ordered = self.order.and_then(|order| order.price.amount(self.line.left(), order.currency));
        ordered.unwrap_or_default()
    }

    /// The rate of tax that it should have.
    fn rate(&self) -> i32 {
        self.order.map_or(self.line.tax_ppm, |order| order.tax_ppm)
    }
}

/// A share of an amount in parts per million, half up.
pub fn share(minor: i64, ppm: i32) -> i64 {
    let whole = i128::from(WHOLE_PPM);
    let exact = i128::from(minor) * i128::from(ppm);
    i64::try_from((2 * exact + whole).div_euclid(2 * whole)).unwrap_or(i64::MAX)
}

/// The tax of amounts at their rates: amounts of one rate are added up before it is rounded.
pub fn tax(amounts: impl IntoIterator<Item = (i64, i32)>) -> i64 {
    let mut by_rate: BTreeMap<i32, i64> = BTreeMap::new();
    for (minor, ppm) in amounts {
        let sum = by_rate.entry(ppm).or_default();
        *sum = sum.saturating_add(minor);
    }
    by_rate.into_iter().fold(0, |tax: i64, (ppm, minor)| tax.saturating_add(share(minor, ppm)))
}

/// So many parts per million of `of`, half up; none of nothing.
fn parts(part: i64, of: i64) -> Option<i64> {
    let (part, of) = (i128::from(part), i128::from(of));
    if of <= 0 {
        return None;
    }
    i64::try_from((2 * part * i128::from(WHOLE_PPM) + of).div_euclid(2 * of)).ok()
}

/// How much may be billed of what was accepted.
pub fn billable(accepted: i64, quantity_ppm: i32) -> i64 {
    let whole = i128::from(WHOLE_PPM);
    let most = i128::from(accepted) * (whole + i128::from(quantity_ppm)) / whole;
    i64::try_from(most).unwrap_or(i64::MAX)
}

/// How a quantity fits into what was accepted.
struct Fit {
    /// Whether anything was.
    any: bool,
    /// Whether it is within the tolerance.
    within: bool,
    over: i64,
    accepted: i64,
}

fn fit(accepted: i64, before: i64, quantity: i64, quantity_ppm: i32) -> Fit {
    let after = before.saturating_add(quantity);
    Fit {
        any: accepted > 0,
        within: after <= billable(accepted, quantity_ppm),
        over: (after - accepted).clamp(0, quantity),
        accepted,
    }
}

/// What was billed of orders' lines and of deliveries, this invoice's lines before included.
#[derive(Default)]
struct Running {
    orders: HashMap<PurchaseOrderLineId, i64>,
    receipts: HashMap<GoodsReceiptLineId, i64>,
}

impl Running {
    /// Adds a quantity, and says how it fits: into all that it is held against, the worst first.
    fn add(&mut self, billed: &Billed<'_>, quantity: i64) -> Vec<Fit> {
        let Some(order) = billed.order else { return Vec::new() };
        let ppm = order.tolerance.quantity_ppm;
        let mut fits = Vec::with_capacity(2);
        let before = self.orders.entry(order.id).or_insert(order.billed);
        fits.push(fit(order.accepted, *before, quantity, ppm));
        *before = before.saturating_add(quantity);
        if let Some(receipt) = billed.receipt {
            let before = self.receipts.entry(receipt.id).or_insert(receipt.billed);
            fits.push(fit(receipt.accepted, *before, quantity, ppm));
            *before = before.saturating_add(quantity);
        }
        fits.sort_by_key(|fit| std::cmp::Reverse(fit.over));
        fits
    }
}

/// Holds an invoice against what was ordered and accepted. Several lines for one line of an order count together, in
/// their order.
pub fn check(header: &Header, lines: &[Billed<'_>]) -> MatchResult {
    let mut running = Running::default();
    let results: Vec<LineResult> = lines.iter().map(|billed| of_line(header, billed, &mut running)).collect();
    let (net, ordered) = (added(lines.iter().map(Billed::net_minor)), added(lines.iter().map(Billed::ordered_minor)));
    let tax_expected = tax(lines.iter().map(|billed| (billed.net_minor(), billed.rate())));
    let mut issues = Vec::new();
    let adds_up = added(lines.iter().map(|billed| billed.line.amount_minor)) == header.net_minor
        && header.net_minor.checked_add(header.tax_minor) == Some(header.total_minor);
    if !adds_up {
        issues.push(MatchIssue::Amount);
    }
    let taxed = header.tax_minor - header.debited_tax_minor;
    if taxed.abs_diff(tax_expected) > tax_limit(lines).unsigned_abs() {
        issues.push(MatchIssue::Tax);
    }
    let variance = net.saturating_sub(ordered);
    // Where something was taken off, less than was ordered is what was meant.
    let off = if lines.iter().all(Billed::is_whole) { variance.unsigned_abs() } else { above(variance) };
    if total_limit(lines, ordered).is_some_and(|most| off > most.unsigned_abs()) {
        issues.push(MatchIssue::Total);
    }
    MatchResult {
        passed: issues.is_empty() && results.iter().all(|line| line.issues.is_empty()),
        lines: results,
        total_variance_minor: variance,
        tax_expected_minor: tax_expected,
        issues,
    }
}

fn added(amounts: impl Iterator<Item = i64>) -> i64 {
    amounts.fold(0, i64::saturating_add)
}

/// What of a difference is above nothing.
fn above(variance: i64) -> u64 {
    u64::try_from(variance).unwrap_or_default()
}

fn tolerances(lines: &[Billed<'_>]) -> impl Iterator<Item = Tolerance> {
    lines.iter().filter_map(|billed| billed.order).map(|order| order.tolerance)
}

/// By how much the total may differ: of what its lines allow the least. A line that says nothing of the total leaves it
/// to the others; none: nobody says anything.
fn total_limit(lines: &[Billed<'_>], ordered: i64) -> Option<i64> {
    let says = |one: &Tolerance| one.total_abs_minor > 0 || one.total_ppm > 0;
    // Rounded down: what differs is whole minor units, so nothing passes that is a part of one beyond.
    let part = |ppm: i32| {
        let exact = i128::from(ordered) * i128::from(ppm);
        i64::try_from(exact.div_euclid(i128::from(WHOLE_PPM))).unwrap_or(i64::MAX)
    };
    let allows = |one: Tolerance| std::cmp::max(one.total_abs_minor, part(one.total_ppm));
    tolerances(lines).filter(says).map(allows).min()
}

/// By how much the tax may differ: nothing, unless every line lets the total differ by an amount.
fn tax_limit(lines: &[Billed<'_>]) -> i64 {
    tolerances(lines).map(|one| one.total_abs_minor).min().unwrap_or_default()
}

fn of_line(header: &Header, billed: &Billed<'_>, running: &mut Running) -> LineResult {
    let (line, quantity) = (billed.line, billed.line.left());
    let mut result = LineResult {
        position: line.position,
        issues: Vec::new(),
        quantity_over: 0,
        over_ppm: None,
        price_variance_minor: 0,
        price_ppm: 0,
    };
    let issues = &mut result.issues;
    let Some(order) = billed.order else {
        issues.push(MatchIssue::NoOrderLine);
        issues.extend(amount_issue(header, billed));
        return result;
    };
    if order.supplier != header.supplier || order.buyer != header.buyer {
        issues.push(MatchIssue::OtherSupplier);
    }
    if order.currency != header.currency {
        issues.push(MatchIssue::OtherCurrency);
    }
    if !order.open {
        issues.push(MatchIssue::OrderNotOpen);
    }
    let fits = running.add(billed, quantity);
    if quantity > 0 {
        if fits.iter().any(|fit| !fit.any) {
            issues.push(MatchIssue::NothingAccepted);
        } else if fits.iter().any(|fit| !fit.within) {
            issues.push(MatchIssue::Quantity);
        }
        if let Some(worst) = fits.first() {
            result.quantity_over = worst.over;
            result.over_ppm = parts(worst.over, worst.accepted).filter(|_| worst.over > 0);
        }
    }
    let variance = billed.net_minor().saturating_sub(billed.ordered_minor());
    let dear = i64::saturating_sub(line.price.0, order.price.0);
    result.price_variance_minor = variance;
    result.price_ppm = parts(dear, order.price.0).unwrap_or_default();
    let most = allowed(order);
    let priced = if billed.is_whole() {
        dear.unsigned_abs() <= most.0.unsigned_abs()
    } else {
        // Something was taken off: the money that is left is no more than the quantity that is left may cost. That it
        // is less is what was meant.
        let most = most.amount(quantity, header.currency).unwrap_or_default();
        above(variance) <= most.unsigned_abs()
    };
    if !priced {
        issues.push(MatchIssue::Price);
    }
    issues.extend(amount_issue(header, billed));
    if line.tax_ppm != order.tax_ppm {
        issues.push(MatchIssue::Tax);
    }
    result
}

/// Whether the amount is not what quantity and price make it. Once something was taken off, what is left decides.
fn amount_issue(header: &Header, billed: &Billed<'_>) -> Option<MatchIssue> {
    let line = billed.line;
    let exact = line.price.amount(line.quantity, header.currency) == Some(line.amount_minor);
    (billed.is_whole() && !exact).then_some(MatchIssue::Amount)
}

/// By how much the price of a unit may differ.
fn allowed(order: &Ordered) -> UnitPrice {
    let share = i128::from(order.price.0) * i128::from(order.tolerance.price_ppm) / i128::from(WHOLE_PPM);
    let share = i64::try_from(share).unwrap_or(i64::MAX);
    UnitPrice(share.max(order.tolerance.price_abs.0))
}

/// A row of `invoice_match`: how an invoice fitted at a moment; never changed.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "invoice_match")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: InvoiceMatchId,
    /// Of which invoice.
    pub invoice_id: SupplierInvoiceId,
    /// Whether it was let pass, by itself or by somebody.
    pub passed: bool,
    /// How it fitted.
    #[sea_orm(column_type = "JsonBinary")]
    pub result: MatchResult,
    /// SHA-256 of that in canonical form, in hex.
    pub result_sha256: String,
    /// Why it was looked at.
    pub cause: MatchCause,
    /// By whom.
    pub made_by: String,
    /// When.
    pub at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::values::id::SupplierInvoiceLineId;

    const BUYER: OrganisationId = OrganisationId(Uuid::from_u128(1));
    const SUPPLIER: OrganisationId = OrganisationId(Uuid::from_u128(2));
    const LINE: PurchaseOrderLineId = PurchaseOrderLineId(Uuid::from_u128(3));
    const RECEIPT: GoodsReceiptLineId = GoodsReceiptLineId(Uuid::from_u128(4));

    fn usd() -> Currency {
        "USD".parse().unwrap()
    }

    /// 100 at 10.00, of which so many are accepted and billed; no tolerance, no tax.
    fn ordered(accepted: i64, billed: i64) -> Ordered {
        Ordered {
            id: LINE,
            buyer: BUYER,
            supplier: SUPPLIER,
            currency: Currency::CNY,
            open: true,
            price: UnitPrice(10_000_000),
            tax_ppm: 0,
            tolerance: Tolerance::default(),
            accepted,
            billed,
        }
    }

    fn line(quantity: i64, price: i64) -> invoice::line::Model {
        invoice::line::Model {
            id: SupplierInvoiceLineId(Uuid::from_u128(9)),
            invoice_id: SupplierInvoiceId(Uuid::from_u128(8)),
            position: 0,
            order_line_id: Some(LINE),
            receipt_line_id: None,
            description: String::new(),
            quantity,
            debited: 0,
            price: UnitPrice(price),
            amount_minor: UnitPrice(price).amount(quantity, Currency::CNY).unwrap(),
            tax_ppm: 0,
            claimed: 0,
            overridden: 0,
            noted: 0,
        }
    }

    /// An invoice that adds up, of one order's line.
    fn checked(order: Option<&Ordered>, lines: &[(invoice::line::Model, i64)], debited_tax: i64) -> MatchResult {
        let net = lines.iter().map(|(line, _)| line.amount_minor).sum();
        let tax_minor = tax(lines.iter().map(|(line, _)| (line.amount_minor, line.tax_ppm)));
        let header = Header {
            buyer: BUYER,
            supplier: SUPPLIER,
            currency: Currency::CNY,
            net_minor: net,
            tax_minor,
            total_minor: net + tax_minor,
            debited_tax_minor: debited_tax,
        };
        let billed: Vec<Billed<'_>> = lines
            .iter()
            .map(|(line, debited)| Billed { line, debited_minor: *debited, order, receipt: None })
            .collect();
        check(&header, &billed)
    }

    fn one(order: &Ordered, line: invoice::line::Model) -> MatchResult {
        checked(Some(order), &[(line, 0)], 0)
    }

    #[test]
    fn the_invoices_of_b5() {
        // 60 came and 58 are good: of an invoice over 60 two are too many, which is 3.45 %.
        let first = one(&ordered(58, 0), line(60, 10_000_000));
        assert_eq!(
            (first.passed, &first.lines[0].issues[..], first.lines[0].quantity_over, first.lines[0].over_ppm),
            (false, &[MatchIssue::Quantity][..], 2, Some(34_483))
        );
        // 40 more came and are good. The next invoice is 15 fen a unit dearer, where 2 % are allowed.
        let tolerant = Tolerance { price_ppm: 20_000, ..Tolerance::default() };
        let second = one(&Ordered { tolerance: tolerant, ..ordered(98, 0) }, line(40, 10_150_000));
        assert!(second.passed, "{second:?}");
        assert_eq!((second.lines[0].price_variance_minor, second.total_variance_minor), (600, 600));
        assert_eq!(second.lines[0].price_ppm, 15_000);
        assert_eq!(one(&ordered(98, 0), line(40, 10_150_000)).lines[0].issues, [MatchIssue::Price]);
        // The first one comes again with 58: accepted 98, billed 98, and not one more.
        assert!(one(&ordered(98, 40), line(58, 10_000_000)).passed);
        let more = one(&ordered(98, 98), line(1, 10_000_000));
        assert_eq!((&more.lines[0].issues[..], more.lines[0].quantity_over), (&[MatchIssue::Quantity][..], 1));
    }

    #[test]
    fn more_may_be_billed_than_accepted_by_the_tolerance_and_no_more() {
        for (accepted, billed, quantity, ppm, fits, over) in [
            (100, 0, 100, 0, true, 0),
            (100, 0, 101, 0, false, 1),
            (100, 0, 105, 50_000, true, 5),
            (100, 0, 106, 50_000, false, 6),
            (100, 60, 45, 50_000, true, 5),
            (100, 60, 46, 50_000, false, 6),
            // What somebody let through before counts as billed.
            (58, 60, 5, 0, false, 5),
            (1_000_000_000, 0, 1_000_000_000, 1_000_000, true, 0),
        ] {
            let tolerance = Tolerance { quantity_ppm: ppm, ..Tolerance::default() };
            let result = one(&Ordered { tolerance, ..ordered(accepted, billed) }, line(quantity, 1));
            let result = &result.lines[0];
            let quantity_fits = !result.issues.contains(&MatchIssue::Quantity);
            assert_eq!(
                (quantity_fits, result.quantity_over),
                (fits, over),
                "{billed} + {quantity} of {accepted} at {ppm}"
            );
        }
        let nothing = one(&ordered(0, 0), line(1, 10_000_000));
        assert_eq!(
            (&nothing.lines[0].issues[..], nothing.lines[0].over_ppm),
            (&[MatchIssue::NothingAccepted][..], None)
        );
    }

    #[test]
    fn lines_for_one_line_of_an_order_count_together() {
        let lines = [(line(30, 10_000_000), 0), (line(28, 10_000_000), 0), (line(2, 10_000_000), 0)];
        let result = checked(Some(&ordered(58, 0)), &lines, 0);
        let issues: Vec<usize> = result.lines.iter().map(|line| line.issues.len()).collect();
        assert_eq!((issues, result.lines[2].quantity_over), (vec![0, 0, 1], 2), "{result:?}");
        assert_eq!(result.wrong_lines(), "1", "all three stand at place 0 in this test");
    }

    #[test]
    fn a_line_that_names_a_delivery_is_held_against_it_and_against_the_order() {
        for (of_order, of_receipt, quantity, issues) in [
            ((98, 0), (58, 0), 58, &[][..]),
            // Enough was accepted of the order, but not of this delivery.
            ((98, 0), (58, 0), 60, &[MatchIssue::Quantity][..]),
            ((98, 40), (58, 58), 1, &[MatchIssue::Quantity][..]),
            // Enough of the delivery, but others billed the order's line.
            ((98, 60), (58, 0), 58, &[MatchIssue::Quantity][..]),
            ((98, 0), (0, 0), 1, &[MatchIssue::NothingAccepted][..]),
        ] {
            let order = ordered(of_order.0, of_order.1);
            let receipt = Delivered { id: RECEIPT, accepted: of_receipt.0, billed: of_receipt.1 };
            let line = line(quantity, 10_000_000);
            let net = line.amount_minor;
            let header = Header {
                buyer: BUYER,
                supplier: SUPPLIER,
                currency: Currency::CNY,
                net_minor: net,
                tax_minor: 0,
                total_minor: net,
                debited_tax_minor: 0,
            };
            let billed = Billed { line: &line, debited_minor: 0, order: Some(&order), receipt: Some(&receipt) };
            let result = check(&header, &[billed]);
            assert_eq!(result.lines[0].issues, issues, "{quantity} of {of_order:?} {of_receipt:?}");
            let together = check(&Header { net_minor: 2 * net, total_minor: 2 * net, ..header }, &[billed, billed]);
            assert!(!together.passed, "the same goods of one delivery are billed twice in one invoice");
        }
    }

    #[test]
    fn a_price_may_differ_by_a_share_or_by_an_amount_either_way() {
        let tolerance = |price_ppm, abs| Tolerance { price_ppm, price_abs: UnitPrice(abs), ..Tolerance::default() };
        for (price, price_ppm, abs, fits) in [
            (10_000_000, 0, 0, true),
            (10_000_001, 0, 0, false),
            (9_999_999, 0, 0, false),
            (10_200_000, 20_000, 0, true),
            (10_200_001, 20_000, 0, false),
            (9_800_000, 20_000, 0, true),
            (9_799_999, 20_000, 0, false),
            (10_300_000, 20_000, 300_000, true),
            (10_300_001, 20_000, 300_000, false),
        ] {
            let order = Ordered { tolerance: tolerance(price_ppm, abs), ..ordered(100, 0) };
            let issues = one(&order, line(10, price)).lines.remove(0).issues;
            assert_eq!(issues.contains(&MatchIssue::Price), !fits, "{price} at {price_ppm} or {abs}");
        }
    }

    #[test]
    fn lines_are_rounded_and_then_added_and_tax_is_rounded_once_for_each_rate() {
        let order = Ordered { price: UnitPrice(3_335_000), tax_ppm: 130_000, ..ordered(9, 0) };
        let three = invoice::line::Model { tax_ppm: 130_000, ..line(3, 3_335_000) };
        let result = checked(Some(&order), &[(three.clone(), 0), (three.clone(), 0), (three, 0)], 0);
        // 10.01 three times are 30.03, of which 13 % are 3.9039.
        assert!(result.passed, "{result:?}");
        assert_eq!(result.tax_expected_minor, 390);
        assert_eq!(tax([(3_003, 130_000)]), 390);
        assert_eq!(tax([(1_001, 130_000), (1_001, 130_000), (1_001, 130_000), (100, 60_000)]), 396);
        for (minor, ppm, expected) in [(0, 130_000, 0), (50, 10_000, 1), (49, 10_000, 0), (100, 1_000_000, 100)] {
            assert_eq!(share(minor, ppm), expected, "{minor} at {ppm}");
        }
    }

    #[test]
    fn an_invoice_whose_figures_do_not_hold_is_an_exception() {
        let order = Ordered { tax_ppm: 130_000, ..ordered(100, 0) };
        let right = invoice::line::Model { tax_ppm: 130_000, ..line(10, 10_000_000) };
        let header = Header {
            buyer: BUYER,
            supplier: SUPPLIER,
            currency: Currency::CNY,
            net_minor: 10_000,
            tax_minor: 1_300,
            total_minor: 11_300,
            debited_tax_minor: 0,
        };
        let with = |header: &Header, line: &invoice::line::Model, order: Option<&Ordered>| {
            let result = check(header, &[Billed { line, debited_minor: 0, order, receipt: None }]);
            (result.passed, result.all().collect::<Vec<_>>())
        };
        assert_eq!(with(&header, &right, Some(&order)), (true, vec![]));
        let wrong = invoice::line::Model { amount_minor: 10_001, ..right.clone() };
        let net = Header { net_minor: 10_001, total_minor: 11_301, ..header };
        assert_eq!(with(&net, &wrong, Some(&order)), (false, vec![MatchIssue::Amount]));
        let total = Header { total_minor: 11_301, ..header };
        assert_eq!(with(&total, &right, Some(&order)), (false, vec![MatchIssue::Amount]));
        let taxed = Header { tax_minor: 1_301, total_minor: 11_301, ..header };
        assert_eq!(with(&taxed, &right, Some(&order)), (false, vec![MatchIssue::Tax]));
        let by_a_fen = Tolerance { total_abs_minor: 1, ..Tolerance::default() };
        assert!(with(&taxed, &right, Some(&Ordered { tolerance: by_a_fen, ..order })).0);
        // Another rate than the ordered one.
        let nine = invoice::line::Model { tax_ppm: 90_000, ..right.clone() };
        let at_nine = Header { tax_minor: 900, total_minor: 10_900, ..header };
        assert_eq!(with(&at_nine, &nine, Some(&order)).1, [MatchIssue::Tax, MatchIssue::Tax]);
        for (order, expected) in [
            (Ordered { supplier: BUYER, ..order }, MatchIssue::OtherSupplier),
            (Ordered { buyer: SUPPLIER, ..order }, MatchIssue::OtherSupplier),
            (Ordered { open: false, ..order }, MatchIssue::OrderNotOpen),
        ] {
            assert_eq!(with(&header, &right, Some(&order)), (false, vec![expected]));
        }
        let abroad = with(&header, &right, Some(&Ordered { currency: usd(), ..order })).1;
        assert!(abroad.contains(&MatchIssue::OtherCurrency), "{abroad:?}");
        assert!(with(&header, &right, None).1.contains(&MatchIssue::NoOrderLine));
    }

    #[test]
    fn the_total_is_held_to_a_tolerance_of_its_own_when_there_is_one() {
        let dear = line(40, 10_150_000);
        for (abs, ppm, fits) in
            [(0, 0, true), (599, 0, false), (600, 0, true), (0, 14_999, false), (0, 15_000, true), (1, 15_000, true)]
        {
            let tolerance =
                Tolerance { price_ppm: 20_000, total_abs_minor: abs, total_ppm: ppm, ..Tolerance::default() };
            let result = one(&Ordered { tolerance, ..ordered(100, 0) }, dear.clone());
            assert_eq!(result.passed, fits, "{abs} {ppm}: {result:?}");
        }
    }

    #[test]
    fn of_lines_that_say_different_things_of_the_total_the_strictest_counts_and_silence_leaves_it_to_others() {
        let with =
            |abs, ppm| Tolerance { price_ppm: 1_000_000, total_abs_minor: abs, total_ppm: ppm, ..Tolerance::default() };
        let dear = line(10, 10_150_000);
        // 200.00 are ordered on two lines, and 3.00 more are billed.
        for (one, other, fits) in [
            ((100, 0), (0, 10_000), false),
            ((300, 0), (0, 10_000), false),
            ((300, 0), (0, 15_000), true),
            ((299, 0), (0, 15_000), false),
            ((300, 0), (0, 0), true),
            ((0, 0), (299, 0), false),
            ((0, 0), (0, 0), true),
            // Of one line the wider of its two counts.
            ((300, 1), (1, 15_000), true),
        ] {
            let orders = [(1, one), (2, other)].map(|(id, (abs, ppm))| Ordered {
                id: PurchaseOrderLineId(Uuid::from_u128(id)),
                tolerance: with(abs, ppm),
                ..ordered(100, 0)
            });
            let billed: Vec<Billed<'_>> = orders
                .iter()
                .map(|order| Billed { line: &dear, debited_minor: 0, order: Some(order), receipt: None })
                .collect();
            let header = Header {
                buyer: BUYER,
                supplier: SUPPLIER,
                currency: Currency::CNY,
                net_minor: 20_300,
                tax_minor: 0,
                total_minor: 20_300,
                debited_tax_minor: 0,
            };
            let result = check(&header, &billed);
            assert_eq!(!result.issues.contains(&MatchIssue::Total), fits, "{one:?} {other:?}: {result:?}");
        }
    }

    #[test]
    fn what_is_taken_off_for_its_quality_leaves_less_than_was_ordered_and_that_fits() {
        let all = line(60, 10_000_000);
        let limited = Tolerance { total_abs_minor: 1, ..Tolerance::default() };
        let result = checked(Some(&Ordered { tolerance: limited, ..ordered(60, 0) }), &[(all, 5_000)], 0);
        assert!(result.passed, "{result:?}");
        assert_eq!(result.total_variance_minor, -5_000);
    }

    #[test]
    fn what_debit_notes_take_off_does_not_count() {
        // Two of sixty: 580.00 are left.
        let less = invoice::line::Model { debited: 2, ..line(60, 10_000_000) };
        assert!(checked(Some(&ordered(58, 0)), &[(less, 2_000)], 0).passed);
        // 15 fen a unit: the quantity stays.
        let dear = line(40, 10_150_000);
        let paid = |off| checked(Some(&ordered(98, 0)), &[(dear.clone(), off)], 0);
        assert!(paid(600).passed);
        assert_eq!(paid(599).lines[0].issues, [MatchIssue::Price]);
        assert_eq!((paid(600).lines[0].price_variance_minor, paid(600).total_variance_minor), (0, 0));
        // All of it.
        let nothing = invoice::line::Model { debited: 60, ..line(60, 10_000_000) };
        assert!(checked(Some(&ordered(0, 0)), &[(nothing.clone(), 60_000)], 0).passed);
        assert_eq!(checked(Some(&ordered(0, 0)), &[(nothing, 59_999)], 0).lines[0].issues, [MatchIssue::Price]);
        // With the tax of what was taken off.
        let order = Ordered { tax_ppm: 130_000, ..ordered(58, 0) };
        let taxed = invoice::line::Model { debited: 2, tax_ppm: 130_000, ..line(60, 10_000_000) };
        assert!(checked(Some(&order), &[(taxed.clone(), 2_000)], 260).passed);
        assert_eq!(checked(Some(&order), &[(taxed, 2_000)], 259).issues, [MatchIssue::Tax]);
    }

    #[test]
    fn what_is_nobodys_order_cannot_be_let_through() {
        use MatchIssue::{NoOrderLine, OtherCurrency, OtherSupplier, Price, Quantity};
        assert!(Price.may_pass() && Quantity.may_pass());
        assert!(![NoOrderLine, OtherSupplier, OtherCurrency].iter().any(|issue| issue.may_pass()));
        assert_eq!((billable(98, 0), billable(58, 50_000), billable(0, 50_000)), (98, 60, 0));
    }
}
