//! Invoices of suppliers in the schema: what they say, how they fit, what becomes of them.
//!
//! - [`debit_notes`]: what is taken off them
//! - [`tolerances`]: by how much they may differ

mod debit_notes;
mod tolerances;

use async_graphql::{Context, ID, InputObject, MergedObject, Object, Result, SimpleObject};
use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    party::Action,
    procurement::{
        FileSubject, InvoiceKind, InvoiceState, MatchCause, MatchIssue, Side,
        invoice::{self, line},
        matching::{self, LineResult, MatchResult},
    },
    values::{
        Currency, ErrorCode, Money as Amount, Refusal,
        id::{OrganisationId, SupplierInvoiceId},
    },
};
use inventory::ledger::in_line;
use party::graphql::Organisation;
use platform::{
    error::Error,
    graphql::{
        Connection, ContextExt, Money, MoneyInput, UserError,
        connection::{list_cost, times},
        decode, encode,
        errors::settle,
    },
    page::PageArgs,
    payload,
};

use super::{
    files::{ProcurementFile, attached},
    payables::Payable,
    shared::{UnitPriceInput, UnitPriceOutput},
};
use crate::{
    loaders::{self, MatchOf, OwedFor},
    ops::{
        approve,
        invoices::{self as ops, Bill, Filter, NewInvoice, NewLine, Other},
        matching as matches, payables,
    },
};

/// Lines of a match that an answer is reckoned with.
const LINES: usize = 100;

/// Whether the viewer is of an organisation, or oversees the zone.
pub(super) fn inside(context: &Context<'_>, organisation: OrganisationId) -> bool {
    context.viewer().oversees() || context.viewer().organisation() == Some(organisation)
}

/// An organisation by its id.
pub(super) async fn organisation(context: &Context<'_>, id: OrganisationId) -> Result<Option<Organisation>> {
    Ok(party::loaders::of(context).load_one(id).await?.map(Organisation))
}

/// An invoice of a supplier (供应商发票).
#[derive(Clone, Debug)]
pub struct SupplierInvoice(pub invoice::Model);

/// An invoice of a supplier (供应商发票).
#[Object]
impl SupplierInvoice {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Who is to pay (采购方).
    async fn buyer(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        organisation(context, self.0.buyer_id).await
    }

    /// Who is to be paid (供应方).
    async fn supplier(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        organisation(context, self.0.supplier_id).await
    }

    /// What sort it is (发票种类).
    async fn kind(&self) -> InvoiceKind {
        self.0.kind
    }

    /// Its number (发票号码).
    async fn invoice_no(&self) -> &str {
        &self.0.invoice_no
    }

    /// Its code (发票代码).
    async fn invoice_code(&self) -> Option<&str> {
        self.0.invoice_code.as_deref()
    }

    /// Its check code (校验码).
    async fn check_code(&self) -> Option<&str> {
        self.0.check_code.as_deref()
    }

    /// SHA-256 of its file, in hex.
    async fn file_sha256(&self) -> Option<&str> {
        self.0.file_sha256.as_deref()
    }

    /// State.
    async fn state(&self) -> InvoiceState {
        self.0.state
    }

    /// When it was written (开票日期).
    async fn issue_date(&self) -> NaiveDate {
        self.0.issue_date
    }

    /// When it is to be paid (到期日).
    async fn due_date(&self) -> NaiveDate {
        self.0.due_date
    }

    /// Without tax, as it stands on it (不含税金额).
    async fn net(&self) -> Money {
        self.0.money(self.0.net_minor).into()
    }

    /// Tax, as it stands on it (税额).
    async fn tax(&self) -> Money {
        self.0.money(self.0.tax_minor).into()
    }

    /// With tax, as it stands on it (价税合计).
    async fn total(&self) -> Money {
        self.0.money(self.0.total_minor).into()
    }

    /// Waybills that it names (运单号).
    async fn waybills(&self) -> &[String] {
        &self.0.waybills.0
    }

    /// The invoice that it comes in place of (被更正发票).
    async fn corrects(&self, context: &Context<'_>) -> Result<Option<SupplierInvoice>> {
        let Some(id) = self.0.corrects_id else { return Ok(None) };
        Ok(loaders::of(context).load_one(id).await?.map(SupplierInvoice))
    }

    /// On which side it was recorded.
    async fn recorded_side(&self) -> Side {
        self.0.recorded_side
    }

    /// Who recorded it; null to the other side.
    async fn recorded_by(&self, context: &Context<'_>) -> Option<&str> {
        let own = self.0.recorded_side.of(self.0.buyer_id, self.0.supplier_id);
        inside(context, own).then_some(self.0.recorded_by.as_str())
    }

    /// Why it was let through although it does not fit; null to its supplier.
    async fn override_reason(&self, context: &Context<'_>) -> Option<&str> {
        self.0.override_reason.as_deref().filter(|_| inside(context, self.0.buyer_id))
    }

    /// Who let it through; null to its supplier.
    async fn overridden_by(&self, context: &Context<'_>) -> Option<&str> {
        self.0.overridden_by.as_deref().filter(|_| inside(context, self.0.buyer_id))
    }

    /// Who approved it; null to its supplier.
    async fn approved_by(&self, context: &Context<'_>) -> Option<&str> {
        self.0.approved_by.as_deref().filter(|_| inside(context, self.0.buyer_id))
    }

    /// When it was approved.
    async fn approved_at(&self) -> Option<DateTime<Utc>> {
        self.0.approved_at
    }

    /// Why it was rejected.
    async fn reject_reason(&self) -> Option<&str> {
        self.0.reject_reason.as_deref()
    }

    /// Counts up with every change.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was recorded.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// What its lines say in canonical form (RFC 8785), numbers as texts: evidence of receivables names the SHA-256 of
    /// it (规范文本).
    #[graphql(complexity = "10 + child_complexity")]
    async fn lines_canonical(&self, context: &Context<'_>) -> Result<String> {
        Ok(payables::said_of_lines(context.app().db().read(), &self.0).await?)
    }

    /// What it is for, line by line (发票明细).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn lines(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<SupplierInvoiceLine>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = ops::lines(context.app().db().read(), self.0.id, &page).await?;
        let currency = self.0.currency;
        Ok(Connection::new(rows, None, |row| (ops::line_cursor(&row), SupplierInvoiceLine { row, currency })))
    }

    /// How it fitted when it was looked at last (匹配结果).
    #[graphql(name = "match", complexity = "5 + child_complexity")]
    async fn last_match(&self, context: &Context<'_>) -> Result<Option<InvoiceMatch>> {
        let last = loaders::of(context).load_one(MatchOf(self.0.id)).await?;
        Ok(last.map(|row| InvoiceMatch::of(&self.0, row)))
    }

    /// How it fitted whenever it was looked at, first first (匹配记录).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn matches(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<InvoiceMatch>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = matches::list(context.app().db().read(), self.0.id, &page).await?;
        Ok(Connection::new(rows, None, |row| (matches::cursor(&row), InvoiceMatch::of(&self.0, row))))
    }

    /// What is owed for it, from when it is approved on (应付账款).
    #[graphql(complexity = "5 + child_complexity")]
    async fn payable(&self, context: &Context<'_>) -> Result<Option<Payable>> {
        Ok(loaders::of(context).load_one(OwedFor(self.0.id)).await?.map(Payable))
    }

    /// Files of both sides, first attached first (发票附件).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn files(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<ProcurementFile>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        attached(context, FileSubject::Invoice(self.0.id), page).await
    }
}

/// A line of an invoice (发票明细).
#[derive(Clone, Debug)]
pub(crate) struct SupplierInvoiceLine {
    row: line::Model,
    currency: Currency,
}

/// A line of an invoice (发票明细).
#[Object]
impl SupplierInvoiceLine {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.row.id)
    }

    /// Its place, from 0 on.
    async fn position(&self) -> i32 {
        self.row.position
    }

    /// Which line of an order it is for (采购订单行).
    async fn order_line_id(&self) -> Option<ID> {
        self.row.order_line_id.map(encode)
    }

    /// Which delivery of it (收货行).
    async fn receipt_line_id(&self) -> Option<ID> {
        self.row.receipt_line_id.map(encode)
    }

    /// What for.
    async fn description(&self) -> &str {
        &self.row.description
    }

    /// How much.
    async fn quantity(&self) -> i64 {
        self.row.quantity
    }

    /// How much of it debit notes took off (已借项数量).
    async fn debited(&self) -> i64 {
        self.row.debited
    }

    /// How much of it is claimed of what was accepted (已占用验收数量).
    async fn claimed(&self) -> i64 {
        self.row.claimed
    }

    /// What of that is beyond what may be billed, and somebody let through (强制通过数量).
    async fn overridden(&self) -> i64 {
        self.row.overridden
    }

    /// For what a unit (单价).
    async fn price(&self) -> UnitPriceOutput {
        UnitPriceOutput::of(self.row.price, self.currency)
    }

    /// Together, without tax (金额).
    async fn amount(&self) -> Money {
        Amount { minor: self.row.amount_minor, currency: self.currency }.into()
    }

    /// At which rate of tax, in parts per million (税率).
    async fn tax_ppm(&self) -> i32 {
        self.row.tax_ppm
    }
}

/// How an invoice fits what was ordered and accepted (三单匹配结果).
#[derive(Clone, Debug)]
pub(crate) struct InvoiceMatch {
    /// None: it was only tried.
    row: Option<matching::Model>,
    passed: bool,
    result: MatchResult,
    currency: Currency,
    buyer: Option<OrganisationId>,
}

impl InvoiceMatch {
    fn of(invoice: &invoice::Model, row: matching::Model) -> Self {
        let (passed, result) = (row.passed, row.result.clone());
        Self { row: Some(row), passed, result, currency: invoice.currency, buyer: Some(invoice.buyer_id) }
    }

    fn tried(result: MatchResult, currency: Currency) -> Self {
        Self { row: None, passed: result.passed, result, currency, buyer: None }
    }

    fn money(&self, minor: i64) -> Money {
        Amount { minor, currency: self.currency }.into()
    }
}

/// How an invoice fits what was ordered and accepted (三单匹配结果).
#[Object]
impl InvoiceMatch {
    /// Opaque identifier; null: it was only tried.
    async fn id(&self) -> Option<ID> {
        self.row.as_ref().map(|row| encode(row.id))
    }

    /// Whether it passed, by itself or because somebody let it through.
    async fn passed(&self) -> bool {
        self.passed
    }

    /// Why it was looked at; null: it was only tried.
    async fn cause(&self) -> Option<MatchCause> {
        self.row.as_ref().map(|row| row.cause)
    }

    /// Who had it looked at; null to its supplier.
    async fn made_by(&self, context: &Context<'_>) -> Option<&str> {
        let buyer = self.buyer.filter(|buyer| inside(context, *buyer));
        buyer.and(self.row.as_ref()).map(|row| row.made_by.as_str())
    }

    /// When.
    async fn at(&self) -> Option<DateTime<Utc>> {
        self.row.as_ref().map(|row| row.at)
    }

    /// SHA-256 of the result in canonical form, in hex.
    async fn sha256(&self) -> Option<&str> {
        self.row.as_ref().map(|row| row.result_sha256.as_str())
    }

    /// By how much it is above what was ordered, without tax (差异合计).
    async fn total_variance(&self) -> Money {
        self.money(self.result.total_variance_minor)
    }

    /// What the tax should be (应有税额).
    async fn tax_expected(&self) -> Money {
        self.money(self.result.tax_expected_minor)
    }

    /// In what it does not fit as a whole.
    async fn issues(&self) -> &[MatchIssue] {
        &self.result.issues
    }

    /// How its lines fit. What was found is in memory: of a page of them no more is read.
    #[graphql(complexity = "times(LINES, child_complexity)")]
    async fn lines(
        &self,
        #[graphql(desc = "Only those that do not fit.", default)] wrong_only: bool,
    ) -> Vec<InvoiceMatchLine> {
        let wanted = self.result.lines.iter().filter(|line| !wrong_only || !line.issues.is_empty());
        wanted.map(|line| InvoiceMatchLine::of(line, self.currency)).collect()
    }
}

/// How a line of an invoice fits (匹配明细).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct InvoiceMatchLine {
    /// The place of the line, from 0 on.
    position: i32,
    /// In what it does not fit.
    issues: Vec<MatchIssue>,
    /// How much more is billed than was accepted (超出数量).
    quantity_over: i64,
    /// The same in parts per million of what was accepted; null when nothing was.
    over_ppm: Option<i64>,
    /// By how much its amount is above that of the ordered price (价格差异).
    price_variance: Money,
    /// By how much its price is above the ordered one, in parts per million of that.
    price_ppm: i64,
}

impl InvoiceMatchLine {
    fn of(line: &LineResult, currency: Currency) -> Self {
        Self {
            position: line.position,
            issues: line.issues.clone(),
            quantity_over: line.quantity_over,
            over_ppm: line.over_ppm,
            price_variance: Amount { minor: line.price_variance_minor, currency }.into(),
            price_ppm: line.price_ppm,
        }
    }
}

/// Which invoices (发票筛选).
#[derive(Default, InputObject)]
pub(crate) struct SupplierInvoiceFilter {
    /// Only those in which one's organisation is on this side.
    side: Option<Side>,
    /// Only in this state.
    state: Option<InvoiceState>,
    /// Only of this supplier.
    supplier_id: Option<ID>,
}

/// A line that is billed (发票行).
#[derive(InputObject)]
pub(crate) struct SupplierInvoiceLineInput {
    /// Of which line of an order; without one the invoice does not fit.
    order_line_id: Option<ID>,
    /// Of which delivery of it; then it is held against that, too.
    receipt_line_id: Option<ID>,
    /// What for; by default as the order says.
    description: Option<String>,
    /// How much, in trade units.
    quantity: i64,
    /// For what a unit.
    price: UnitPriceInput,
    /// Together, without tax; by default quantity times price.
    amount: Option<MoneyInput>,
    /// At which rate of tax, in parts per million; by default as the order says.
    tax_ppm: Option<i32>,
}

/// An invoice that is recorded: by the buyer, who names the supplier, or by the supplier, who names the buyer (发票录入).
#[derive(InputObject)]
pub(crate) struct RecordSupplierInvoiceInput {
    /// Whose invoice it is; this, or the buyer.
    supplier_id: Option<ID>,
    /// For whom it is; this, or the supplier.
    buyer_id: Option<ID>,
    /// What sort it is.
    kind: InvoiceKind,
    /// Its number: twenty digits of a digital invoice, eight of an older one.
    invoice_no: String,
    /// Its code: ten or twelve digits of an older invoice, and nothing else has one.
    invoice_code: Option<String>,
    /// Its check code, or the last six digits of it.
    check_code: Option<String>,
    /// SHA-256 of its file, in hex.
    file_sha256: Option<String>,
    /// When it was written.
    issue_date: NaiveDate,
    /// When it is to be paid; by default by the terms of the order.
    due_date: Option<NaiveDate>,
    /// ISO 4217 code.
    currency: String,
    /// Tax; by default as the rates make it.
    tax: Option<MoneyInput>,
    /// With tax; by default as it adds up.
    total: Option<MoneyInput>,
    /// Which invoice it comes in place of: what that claims is free for this one.
    corrects_id: Option<ID>,
    /// Waybills that it names, at most 50.
    waybills: Option<Vec<String>>,
    /// What it is for, at most 500 lines of 20 orders.
    lines: Vec<SupplierInvoiceLineInput>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// An invoice in UBL 2.1 that is recorded (UBL 发票导入).
#[derive(InputObject)]
pub(crate) struct ImportUblInvoiceInput {
    /// The document.
    xml: String,
    /// For whom it is, when the supplier records it and the document does not say so.
    buyer_id: Option<ID>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What would be billed (试匹配).
#[derive(InputObject)]
pub(crate) struct MatchPreviewInput {
    /// Whose invoice it would be; this, or the buyer.
    supplier_id: Option<ID>,
    /// For whom it would be; this, or the supplier.
    buyer_id: Option<ID>,
    /// ISO 4217 code.
    currency: String,
    /// Tax; by default as the rates make it.
    tax: Option<MoneyInput>,
    /// With tax; by default as it adds up.
    total: Option<MoneyInput>,
    /// What for, at most 500 lines.
    lines: Vec<SupplierInvoiceLineInput>,
}

/// An invoice that is matched anew (重新匹配).
#[derive(InputObject)]
pub(crate) struct RematchSupplierInvoiceInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// An invoice that is let through although it does not fit (强制通过).
#[derive(InputObject)]
pub(crate) struct OverrideInvoiceMatchInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// Why.
    reason: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// An invoice that is approved (批准发票).
#[derive(InputObject)]
pub(crate) struct ApproveSupplierInvoiceInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// An invoice that is not accepted (拒绝发票).
#[derive(InputObject)]
pub(crate) struct RejectSupplierInvoiceInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// Why.
    reason: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// The answer to `recordSupplierInvoice`.
#[derive(SimpleObject)]
pub(crate) struct RecordSupplierInvoicePayload {
    /// The invoice.
    supplier_invoice: Option<SupplierInvoice>,
    /// How it fits.
    #[graphql(name = "match")]
    fits: Option<InvoiceMatch>,
    /// The `clientMutationId` of the input.
    client_mutation_id: Option<String>,
    /// Why it was refused; empty when it was done.
    user_errors: Vec<UserError>,
}

/// The answer to `approveSupplierInvoice`.
#[derive(SimpleObject)]
pub(crate) struct ApproveSupplierInvoicePayload {
    /// The invoice.
    supplier_invoice: Option<SupplierInvoice>,
    /// What is owed for it.
    payable: Option<Payable>,
    /// The `clientMutationId` of the input.
    client_mutation_id: Option<String>,
    /// Why it was refused; empty when it was done.
    user_errors: Vec<UserError>,
}

payload! {
    /// The answer to `importUblInvoice`.
    ImportUblInvoicePayload { /// The invoice.
        supplier_invoice: SupplierInvoice }
    /// The answer to `rematchSupplierInvoice`.
    RematchSupplierInvoicePayload { /// The invoice.
        supplier_invoice: SupplierInvoice }
    /// The answer to `overrideInvoiceMatch`.
    OverrideInvoiceMatchPayload { /// The invoice.
        supplier_invoice: SupplierInvoice }
    /// The answer to `rejectSupplierInvoice`.
    RejectSupplierInvoicePayload { /// The invoice.
        supplier_invoice: SupplierInvoice }
}

/// An amount that must be in the invoice's currency, in minor units.
fn amount_in(amount: Option<&MoneyInput>, currency: Currency, field: &'static str) -> Result<Option<i64>, Error> {
    let Some(amount) = amount else { return Ok(None) };
    let read = amount.read(field)?;
    if read.currency == currency {
        return Ok(Some(read.minor));
    }
    let refusal = Refusal::new(ErrorCode::InvalidCurrency).with("value", read.currency.code());
    Err(refusal.at("currency").at(field).into())
}

/// The other side of an invoice.
fn other(supplier: Option<&ID>, buyer: Option<&ID>) -> Result<Other, Error> {
    match (supplier, buyer) {
        (Some(id), None) => Ok(Other::Supplier(decode(id, "supplierId")?)),
        (None, Some(id)) => Ok(Other::Buyer(decode(id, "buyerId")?)),
        _ => {
            let refusal = Refusal::new(ErrorCode::InvalidValue).with("value", "supplierId, or buyerId");
            Err(refusal.at("supplierId").into())
        }
    }
}

/// What is billed, as it is sent.
fn bill(
    other: Other,
    currency: &str,
    tax: Option<&MoneyInput>,
    total: Option<&MoneyInput>,
    lines: Vec<SupplierInvoiceLineInput>,
) -> Result<Bill, Error> {
    let currency: Currency = currency.parse().map_err(|refusal: Refusal| refusal.at("currency"))?;
    let line = |(n, line): (usize, SupplierInvoiceLineInput)| billed(line, currency).map_err(|error| in_line(error, n));
    Ok(Bill {
        other,
        currency,
        tax_minor: amount_in(tax, currency, "tax")?,
        total_minor: amount_in(total, currency, "total")?,
        lines: lines.into_iter().enumerate().map(line).collect::<Result<_, Error>>()?,
    })
}

fn billed(line: SupplierInvoiceLineInput, currency: Currency) -> Result<NewLine, Error> {
    Ok(NewLine {
        order_line: line.order_line_id.map(|id| decode(&id, "orderLineId")).transpose()?,
        receipt_line: line.receipt_line_id.map(|id| decode(&id, "receiptLineId")).transpose()?,
        description: line.description,
        quantity: line.quantity,
        price: line.price.read_in(currency, "price")?,
        amount_minor: amount_in(line.amount.as_ref(), currency, "amount")?,
        tax_ppm: line.tax_ppm,
    })
}

/// An invoice as it is sent.
fn sent(input: RecordSupplierInvoiceInput) -> Result<NewInvoice, Error> {
    let other = other(input.supplier_id.as_ref(), input.buyer_id.as_ref())?;
    Ok(NewInvoice {
        kind: input.kind,
        invoice_no: input.invoice_no,
        invoice_code: input.invoice_code,
        check_code: input.check_code,
        file_sha256: input.file_sha256,
        issue_date: input.issue_date,
        due_date: input.due_date,
        corrects: input.corrects_id.map(|id| decode(&id, "correctsId")).transpose()?,
        waybills: input.waybills.unwrap_or_default(),
        bill: bill(other, &input.currency, input.tax.as_ref(), input.total.as_ref(), input.lines)?,
    })
}

/// Queries about invoices, debit notes and tolerances.
#[derive(MergedObject, Default)]
pub(crate) struct InvoiceQuery(Invoices, debit_notes::DebitNoteQuery, tolerances::ToleranceQuery);

/// Mutations of invoices, debit notes and tolerances.
#[derive(MergedObject, Default)]
pub(crate) struct InvoiceMutation(InvoiceSteps, debit_notes::DebitNoteMutation, tolerances::ToleranceMutation);

/// Queries about invoices.
#[derive(Default)]
pub(crate) struct Invoices;

#[Object]
impl Invoices {
    /// Invoices that one's organisation is to pay, or to be paid by; newest first (供应商发票列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn supplier_invoices(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which.")] filter: Option<SupplierInvoiceFilter>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<SupplierInvoice>> {
        context.may(Action::ReadProcurement)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let filter = filter.unwrap_or_default();
        let supplier = filter.supplier_id.map(|id| decode(&id, "supplierId")).transpose()?;
        let filter = Filter { side: filter.side, state: filter.state, supplier };
        let rows = ops::list(context.app().db().read(), context.viewer(), filter, &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::cursor(&row), SupplierInvoice(row))))
    }

    /// An invoice; null when there is none or it may not be seen (供应商发票).
    async fn supplier_invoice(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Opaque identifier.")] id: ID,
    ) -> Result<Option<SupplierInvoice>> {
        context.may(Action::ReadProcurement)?;
        let Ok(id) = decode::<SupplierInvoiceId>(&id, "id") else { return Ok(None) };
        Ok(ops::find(context.app().db().read(), context.viewer(), id).await?.map(SupplierInvoice))
    }

    /// How an invoice would fit at this moment; nothing is written. For a supplier that tries no tolerances count
    /// (试匹配).
    async fn match_preview(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What would be billed.")] input: MatchPreviewInput,
    ) -> Result<InvoiceMatch> {
        context.may(Action::ReadProcurement)?;
        let other = other(input.supplier_id.as_ref(), input.buyer_id.as_ref())?;
        let bill = bill(other, &input.currency, input.tax.as_ref(), input.total.as_ref(), input.lines)?;
        let now = context.app().clock().now();
        let result = ops::preview(context.app().db().read(), context.viewer(), &bill, now).await?;
        Ok(InvoiceMatch::tried(result, bill.currency))
    }
}

/// Mutations of invoices.
#[derive(Default)]
pub(crate) struct InvoiceSteps;

#[Object]
impl InvoiceSteps {
    /// Records an invoice of a supplier, and matches it. It is recorded whether or not it fits; what does not fit is
    /// not approved (录入发票).
    async fn record_supplier_invoice(
        &self,
        context: &Context<'_>,
        input: RecordSupplierInvoiceInput,
    ) -> Result<RecordSupplierInvoicePayload> {
        let call = context.call(Action::RecordInvoices)?;
        let client_mutation_id = input.client_mutation_id.clone();
        let result = async { ops::record(context.app(), &call, &sent(input)?).await };
        let (row, user_errors) = settle(result.await, context.locale())?;
        let fits = match &row {
            Some(row) => loaders::of(context).load_one(MatchOf(row.id)).await?,
            None => None,
        };
        let fits = row.as_ref().zip(fits).map(|(row, fits)| InvoiceMatch::of(row, fits));
        let supplier_invoice = row.map(SupplierInvoice);
        Ok(RecordSupplierInvoicePayload { supplier_invoice, fits, client_mutation_id, user_errors })
    }

    /// Records an invoice in UBL 2.1, and matches it. Who is who its codes say; orders and receipts are found by the
    /// numbers that it names (导入 UBL 发票).
    async fn import_ubl_invoice(
        &self,
        context: &Context<'_>,
        input: ImportUblInvoiceInput,
    ) -> Result<ImportUblInvoicePayload> {
        let call = context.call(Action::RecordInvoices)?;
        let result = async {
            let buyer = input.buyer_id.map(|id| decode(&id, "buyerId")).transpose()?;
            ops::import_ubl(context.app(), &call, &input.xml, buyer).await
        };
        ImportUblInvoicePayload::new(context, input.client_mutation_id, result.await.map(SupplierInvoice))
    }

    /// Matches an invoice anew that did not fit: goods may have been accepted since (重新匹配).
    async fn rematch_supplier_invoice(
        &self,
        context: &Context<'_>,
        input: RematchSupplierInvoiceInput,
    ) -> Result<RematchSupplierInvoicePayload> {
        let call = context.call(Action::RecordInvoices)?;
        let result =
            async { matches::again(context.app(), &call, decode(&input.id, "id")?, input.expected_version).await };
        RematchSupplierInvoicePayload::new(context, input.client_mutation_id, result.await.map(SupplierInvoice))
    }

    /// Lets an invoice through although it does not fit: neither who recorded it nor who took in the goods does, and
    /// only who could approve an order of that amount. What has no order of the supplier in its currency cannot be let
    /// through (强制通过).
    async fn override_invoice_match(
        &self,
        context: &Context<'_>,
        input: OverrideInvoiceMatchInput,
    ) -> Result<OverrideInvoiceMatchPayload> {
        let call = context.call(Action::OverrideMatches)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            matches::override_match(context.app(), &call, id, input.expected_version, &input.reason).await
        };
        OverrideInvoiceMatchPayload::new(context, input.client_mutation_id, result.await.map(SupplierInvoice))
    }

    /// Approves an invoice that fits: from then on it is owed, and its supplier has a receivable with evidence. What
    /// does not fit is refused with its lines (批准发票).
    async fn approve_supplier_invoice(
        &self,
        context: &Context<'_>,
        input: ApproveSupplierInvoiceInput,
    ) -> Result<ApproveSupplierInvoicePayload> {
        let call = context.call(Action::RecordInvoices)?;
        let result =
            async { approve::approve(context.app(), &call, decode(&input.id, "id")?, input.expected_version).await };
        let (row, user_errors) = settle(result.await, context.locale())?;
        let payable = match &row {
            Some(row) => loaders::of(context).load_one(OwedFor(row.id)).await?.map(Payable),
            None => None,
        };
        let (supplier_invoice, client_mutation_id) = (row.map(SupplierInvoice), input.client_mutation_id);
        Ok(ApproveSupplierInvoicePayload { supplier_invoice, payable, client_mutation_id, user_errors })
    }

    /// Does not accept an invoice: what it claims is free again, and so is its number. Its supplier does so with one
    /// that it never wrote or takes back, unless a debit note took something off it (拒绝发票).
    async fn reject_supplier_invoice(
        &self,
        context: &Context<'_>,
        input: RejectSupplierInvoiceInput,
    ) -> Result<RejectSupplierInvoicePayload> {
        let call = context.call(Action::RecordInvoices)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            ops::reject(context.app(), &call, id, input.expected_version, &input.reason).await
        };
        RejectSupplierInvoicePayload::new(context, input.client_mutation_id, result.await.map(SupplierInvoice))
    }
}
