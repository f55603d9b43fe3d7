//! Purchase orders in the schema. A supplier sees an order from when it was sent on, and nothing of how it was approved
//! or what it counts for; while a change of it is not approved and sent it sees what was agreed last, and that it is
//! being changed.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use catalog::graphql::Variant;
use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    ordering::Incoterm,
    party::Action,
    procurement::{
        ApprovalState, BillingStatus, FileSubject, OrderState, ReceiptStatus, Side, approval,
        order::{self, Proposal, line, version},
        status,
    },
    values::{
        Currency, ErrorCode, Money as Amount, Refusal,
        id::{OrganisationId, PurchaseOrderId},
    },
};
use inventory::{graphql::StockLocation, ledger::in_line};
use party::graphql::Organisation;
use platform::{
    clock::business_day,
    error::Error,
    graphql::{
        Connection, ContextExt, Money,
        connection::{list_cost, times},
        decode, encode,
    },
    page::PageArgs,
    payload,
    vault::sha256_hex,
};

use super::{
    agreements::SupplyAgreement,
    files::{ProcurementFile, attached},
    shared::{
        ExchangeRate, ExchangeRateInput, ScheduleEntry, ScheduleEntryInput, ToleranceOutput, UnitPriceInput,
        UnitPriceOutput,
    },
};
use crate::{
    loaders::{self, ApprovalsOf, LinesOf, VersionsOf},
    ops::{
        orders::{self as ops, Edit, EditedLine, Filter, NewOrder, NewOrderLine},
        snapshots,
    },
    order_pdf::{self, Language},
};

/// What a supplier is to deliver, at which prices and until when (采购订单).
#[derive(Clone, Debug)]
pub struct PurchaseOrder(pub order::Model);

/// Whether the viewer is on the side of a buyer, or oversees the zone.
pub(super) fn buys(context: &Context<'_>, buyer: OrganisationId) -> bool {
    context.viewer().oversees() || context.viewer().organisation() == Some(buyer)
}

impl PurchaseOrder {
    async fn rows(&self, context: &Context<'_>) -> Result<Vec<line::Model>> {
        Ok(loaders::of(context).load_one(LinesOf(self.0.id)).await?.unwrap_or_default())
    }

    async fn derived(&self, context: &Context<'_>) -> Result<status::Derived> {
        Ok(status::of(&self.rows(context).await?))
    }
}

/// What a supplier is to deliver, at which prices and until when (采购订单).
#[Object]
impl PurchaseOrder {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// What people call it (订单号).
    async fn number(&self) -> &str {
        &self.0.number
    }

    /// State.
    async fn state(&self) -> OrderState {
        self.0.state
    }

    /// Counts up with every change by people.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Which revision of what was agreed it is, from 1 on (版本).
    async fn revision(&self) -> i32 {
        self.0.revision
    }

    /// Who buys (采购方).
    async fn buyer(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.0.buyer_id).await?.map(Organisation))
    }

    /// Who delivers (供应商).
    async fn supplier(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.0.supplier_id).await?.map(Organisation))
    }

    /// The request for quotations that it comes from.
    async fn rfq_id(&self) -> Option<ID> {
        self.0.rfq_id.map(encode)
    }

    /// The framework agreement that it takes from.
    #[graphql(complexity = "10 + child_complexity")]
    async fn agreement(&self, context: &Context<'_>) -> Result<Option<SupplyAgreement>> {
        let Some(id) = self.0.agreement_id else { return Ok(None) };
        Ok(loaders::of(context).load_one(id).await?.map(SupplyAgreement))
    }

    /// The rate by which it is counted in renminbi; the buyer's business (汇率).
    async fn exchange_rate(&self, context: &Context<'_>) -> Option<ExchangeRate> {
        self.0.fx.as_ref().filter(|_| buys(context, self.0.buyer_id)).map(ExchangeRate::from)
    }

    /// Who pays carriage up to where (贸易术语).
    async fn incoterm(&self) -> Incoterm {
        self.0.incoterm
    }

    /// Up to where (指定地点).
    async fn named_place(&self) -> &str {
        &self.0.named_place
    }

    /// Days until its invoices are to be paid (账期).
    async fn payment_days(&self) -> i32 {
        self.0.payment_days
    }

    /// Where its goods are taken in; the buyer's business.
    async fn deliver_to(&self, context: &Context<'_>) -> Result<Option<StockLocation>> {
        let id = self.0.deliver_to_id.filter(|_| buys(context, self.0.buyer_id));
        let Some(id) = id else { return Ok(None) };
        Ok(inventory::loaders::of(context).load_one(id).await?.map(StockLocation))
    }

    /// What it comes to without tax (不含税金额).
    async fn net(&self) -> Money {
        self.0.money(self.0.net_minor).into()
    }

    /// Tax (税额).
    async fn tax(&self) -> Money {
        self.0.money(self.0.tax_minor).into()
    }

    /// What it comes to with tax (价税合计).
    async fn total(&self) -> Money {
        self.0.money(self.0.total_minor).into()
    }

    /// The same in renminbi, which policies and limits count; the buyer's business.
    async fn base_total(&self, context: &Context<'_>) -> Option<Money> {
        let base = Amount { minor: self.0.base_minor, currency: Currency::CNY };
        buys(context, self.0.buyer_id).then(|| base.into())
    }

    /// What was counted for its approval: it, and what was ordered of the same supplier shortly before; the buyer's
    /// business (合并计算金额).
    async fn counted_total(&self, context: &Context<'_>) -> Option<Money> {
        let counted = Amount { minor: self.0.counted_minor, currency: Currency::CNY };
        buys(context, self.0.buyer_id).then(|| counted.into())
    }

    /// What its supplier would rather deliver (变更提议).
    async fn proposal(&self) -> Option<OrderChangeProposal> {
        self.0.proposal.as_ref().map(|proposal| OrderChangeProposal::of(proposal, self.0.currency))
    }

    /// What there is to say to it.
    async fn note(&self) -> Option<&str> {
        self.0.note.as_deref()
    }

    /// Who submitted it, who does not approve it; the buyer's business.
    async fn requested_by_id(&self, context: &Context<'_>) -> Option<ID> {
        self.0.requested_by.filter(|_| buys(context, self.0.buyer_id)).map(encode)
    }

    /// Who made it; the buyer's business.
    async fn created_by(&self, context: &Context<'_>) -> Option<&str> {
        Some(self.0.created_by.as_str()).filter(|_| buys(context, self.0.buyer_id))
    }

    /// Whether the supplier's standing gave a warning; the buyer's business.
    async fn warned(&self, context: &Context<'_>) -> Option<bool> {
        Some(self.0.warned).filter(|_| buys(context, self.0.buyer_id))
    }

    /// When it was last submitted; the buyer's business.
    async fn submitted_at(&self, context: &Context<'_>) -> Option<DateTime<Utc>> {
        self.0.submitted_at.filter(|_| buys(context, self.0.buyer_id))
    }

    /// When it first went to its supplier.
    async fn sent_at(&self) -> Option<DateTime<Utc>> {
        self.0.sent_at
    }

    /// When its supplier agreed to what it says now.
    async fn acknowledged_at(&self) -> Option<DateTime<Utc>> {
        self.0.acknowledged_at
    }

    /// Why what was sent is being changed, until the change is sent; the buyer's business (变更原因).
    async fn amendment_reason(&self, context: &Context<'_>) -> Option<&str> {
        let agreed = self.0.agreed.as_ref().filter(|_| buys(context, self.0.buyer_id));
        agreed.map(|agreed| agreed.reason.as_str())
    }

    /// When it was over.
    async fn closed_at(&self) -> Option<DateTime<Utc>> {
        self.0.closed_at
    }

    /// Why it was cancelled, rejected, or closed short.
    async fn close_reason(&self) -> Option<&str> {
        self.0.close_reason.as_deref()
    }

    /// Since when.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it, or a quantity of its lines, last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// How far its deliveries are; follows from its lines (收货状态).
    async fn receipt_status(&self, context: &Context<'_>) -> Result<ReceiptStatus> {
        Ok(self.derived(context).await?.receipt)
    }

    /// How far its bills are; follows from its lines (开票状态).
    async fn billing_status(&self, context: &Context<'_>) -> Result<BillingStatus> {
        Ok(self.derived(context).await?.billing)
    }

    /// What of it is delivered, in parts per million.
    async fn received_ppm(&self, context: &Context<'_>) -> Result<i32> {
        Ok(self.derived(context).await?.received_ppm)
    }

    /// What of it is billed, in parts per million.
    async fn billed_ppm(&self, context: &Context<'_>) -> Result<i32> {
        Ok(self.derived(context).await?.billed_ppm)
    }

    /// Whether something of it should have been here by now (逾期).
    async fn overdue(&self, context: &Context<'_>) -> Result<bool> {
        let delivers = matches!(self.0.state, OrderState::Sent | OrderState::Acknowledged | OrderState::InProgress);
        let today = business_day(context.app().clock().now());
        Ok(delivers && status::overdue(&self.rows(context).await?, today))
    }

    /// Its lines, by their places (订单明细).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn lines(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<PurchaseOrderLine>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = ops::lines(self.rows(context).await?, &page)?;
        let (buyer, currency) = (self.0.buyer_id, self.0.currency);
        let shown = |row: line::Model| (ops::line_cursor(&row), PurchaseOrderLine { row, buyer, currency });
        Ok(Connection::new(rows, None, shown))
    }

    /// The steps of its approval, those of the last submission first; none for its supplier (审批记录).
    #[graphql(complexity = "times(10, child_complexity)")]
    async fn approvals(&self, context: &Context<'_>) -> Result<Vec<PurchaseApproval>> {
        if !buys(context, self.0.buyer_id) {
            return Ok(Vec::new());
        }
        let rows = loaders::of(context).load_one(ApprovalsOf(self.0.id)).await?.unwrap_or_default();
        Ok(rows.into_iter().map(PurchaseApproval::from).collect())
    }

    /// What was agreed, each time that it went to its supplier; the last twenty, the last first (历史版本).
    #[graphql(complexity = "10 + times(snapshots::MOST, child_complexity)")]
    async fn versions(&self, context: &Context<'_>) -> Result<Vec<PurchaseOrderVersion>> {
        let rows = loaders::of(context).load_one(VersionsOf(self.0.id)).await?.unwrap_or_default();
        Ok(rows.into_iter().map(PurchaseOrderVersion::from).collect())
    }

    /// Files of both sides, first attached first (订单附件).
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
        attached(context, FileSubject::Order(self.0.id), page).await
    }
}

/// A line of an order (采购订单行).
#[derive(Clone, Debug)]
pub(crate) struct PurchaseOrderLine {
    row: line::Model,
    buyer: OrganisationId,
    currency: Currency,
}

/// A line of an order (采购订单行).
#[Object]
impl PurchaseOrderLine {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.row.id)
    }

    /// Its place in the order, from 0 on.
    async fn position(&self) -> i32 {
        self.row.position
    }

    /// Of what; null: it is nothing of the catalogue.
    async fn variant(&self, context: &Context<'_>) -> Result<Option<Variant>> {
        let Some(id) = self.row.variant_id else { return Ok(None) };
        Ok(catalog::loaders::of(context).load_one(id).await?.map(Variant))
    }

    /// Of which category.
    async fn category_id(&self) -> Option<ID> {
        self.row.category_id.map(encode)
    }

    /// What it is, in words.
    async fn description(&self) -> &str {
        &self.row.description
    }

    /// What it is counted in.
    async fn unit(&self) -> &str {
        &self.row.unit
    }

    /// How much is ordered (订购数量).
    async fn quantity(&self) -> i64 {
        self.row.quantity
    }

    /// At which price of one unit (单价).
    async fn price(&self) -> UnitPriceOutput {
        UnitPriceOutput::of(self.row.price, self.currency)
    }

    /// What it comes to without tax (金额).
    async fn amount(&self) -> Money {
        Amount { minor: self.row.amount_minor, currency: self.currency }.into()
    }

    /// Rate of tax, in parts per million (税率).
    async fn tax_ppm(&self) -> i32 {
        self.row.tax_ppm
    }

    /// Until when it is needed (交期).
    async fn needed_on(&self) -> Option<NaiveDate> {
        self.row.needed_on
    }

    /// How much is to come when; empty: all of it at once (交货计划).
    async fn schedule(&self) -> Vec<ScheduleEntry> {
        ScheduleEntry::all(&self.row.schedule)
    }

    /// The line of a framework agreement that it takes from.
    async fn agreement_line_id(&self) -> Option<ID> {
        self.row.agreement_line_id.map(encode)
    }

    /// The award that it comes from; the buyer's business.
    async fn award_id(&self, context: &Context<'_>) -> Option<ID> {
        self.row.award_id.filter(|_| buys(context, self.buyer)).map(encode)
    }

    /// How far deliveries and invoices may differ, as it was when this was ordered; the buyer's business (容差).
    async fn tolerance(&self, context: &Context<'_>) -> Option<ToleranceOutput> {
        buys(context, self.buyer).then(|| ToleranceOutput::from(&self.row.tolerance))
    }

    /// How much was delivered (到货数量).
    async fn received(&self) -> i64 {
        self.row.received
    }

    /// How much of that was accepted (合格数量).
    async fn accepted(&self) -> i64 {
        self.row.accepted
    }

    /// How much of it was rejected (拒收数量).
    async fn rejected(&self) -> i64 {
        self.row.rejected
    }

    /// How much of that went back (已退数量).
    async fn returned(&self) -> i64 {
        self.row.returned
    }

    /// How much is billed (已开票数量).
    async fn billed(&self) -> i64 {
        self.row.billed
    }

    /// How much of what was ordered is given up (短缺关闭数量).
    async fn short_closed(&self) -> i64 {
        self.row.short_closed
    }

    /// What is still to come (待收数量).
    async fn outstanding(&self) -> i64 {
        status::outstanding(&self.row)
    }
}

/// A step of an order's approval (采购审批步骤).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct PurchaseApproval {
    /// Opaque identifier.
    id: ID,
    /// Of which revision of the order.
    revision: i32,
    /// Of which submission, from 1 on.
    round: i32,
    /// Its place among the steps, from 0 on.
    position: i32,
    /// What people call it.
    title: String,
    /// Least level of who decides.
    level: i32,
    /// Who decides; null: anyone of that level.
    person_id: Option<ID>,
    /// State.
    state: ApprovalState,
    /// Who decided.
    decided_by: Option<String>,
    /// What who decided says to it.
    comment: Option<String>,
    /// When.
    decided_at: Option<DateTime<Utc>>,
}

impl From<approval::Model> for PurchaseApproval {
    fn from(row: approval::Model) -> Self {
        Self {
            id: encode(row.id),
            revision: row.revision,
            round: row.round,
            position: row.position,
            title: row.title,
            level: row.level,
            person_id: row.person_id.map(encode),
            state: row.state,
            decided_by: row.decided_by,
            comment: row.comment,
            decided_at: row.decided_at,
        }
    }
}

/// An order as it was agreed; never changed (采购订单版本).
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct PurchaseOrderVersion {
    #[graphql(skip)]
    content: version::OrderSnapshot,
    /// Which revision.
    revision: i32,
    /// What it came to.
    total: Money,
    /// Why there is another revision.
    reason: String,
    /// When.
    at: DateTime<Utc>,
}

impl From<version::Model> for PurchaseOrderVersion {
    fn from(row: version::Model) -> Self {
        let total = Amount { minor: row.total_minor, currency: row.content.currency };
        Self { revision: row.revision, total: total.into(), reason: row.reason, at: row.at, content: row.content }
    }
}

#[ComplexObject]
impl PurchaseOrderVersion {
    /// SHA-256 of `canonical`, in hex: what later papers name as their evidence.
    async fn sha256(&self) -> Result<String> {
        Ok(sha256_hex(snapshots::said(&self.content)?.as_bytes()))
    }

    /// What was agreed in canonical form (RFC 8785), numbers as texts: what both sides see of it.
    async fn canonical(&self) -> Result<String> {
        Ok(snapshots::said(&self.content)?)
    }

    /// Who pays carriage up to where.
    async fn incoterm(&self) -> Incoterm {
        self.content.incoterm
    }

    /// Up to where.
    async fn named_place(&self) -> &str {
        &self.content.named_place
    }

    /// Days until invoices are to be paid.
    async fn payment_days(&self) -> i32 {
        self.content.payment_days
    }

    /// Its lines. They are in memory already, however many there are.
    #[graphql(complexity = "100 + child_complexity")]
    async fn lines(&self) -> Vec<PurchaseOrderVersionLine> {
        let currency = self.content.currency;
        let shown = |line: &version::LineSnapshot| PurchaseOrderVersionLine {
            position: line.position,
            description: line.description.clone(),
            unit: line.unit.clone(),
            quantity: line.quantity,
            price: UnitPriceOutput::of(line.price, currency),
            amount: Amount { minor: line.amount_minor, currency }.into(),
            tax_ppm: line.tax_ppm,
            needed_on: line.needed_on,
        };
        self.content.lines.iter().map(shown).collect()
    }
}

/// A line of what was agreed (采购订单版本行).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct PurchaseOrderVersionLine {
    /// Its place in the order, from 0 on.
    position: i32,
    /// What it is, in words.
    description: String,
    /// What it is counted in.
    unit: String,
    /// How much.
    quantity: i64,
    /// At which price of one unit.
    price: UnitPriceOutput,
    /// What it came to without tax.
    amount: Money,
    /// Rate of tax, in parts per million.
    tax_ppm: i32,
    /// Until when it was needed.
    needed_on: Option<NaiveDate>,
}

/// What a supplier would rather deliver (供应商变更提议).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct OrderChangeProposal {
    /// Why.
    note: String,
    /// When it was proposed.
    at: DateTime<Utc>,
    /// Which lines otherwise.
    lines: Vec<OrderChangeLine>,
}

impl OrderChangeProposal {
    fn of(proposal: &Proposal, currency: Currency) -> Self {
        let line = |line: &order::ProposedLine| OrderChangeLine {
            line_id: encode(line.line),
            quantity: line.quantity,
            price: line.price.map(|price| UnitPriceOutput::of(price, currency)),
            needed_on: line.needed_on,
            schedule: line.schedule.as_ref().map(ScheduleEntry::all),
        };
        let lines = proposal.lines.iter().map(line).collect();
        Self { note: proposal.note.clone(), at: proposal.at, lines }
    }
}

/// A line as its supplier would rather have it; null: it stays as it is (变更提议行).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct OrderChangeLine {
    /// Which.
    line_id: ID,
    /// How much.
    quantity: Option<i64>,
    /// At which price of one unit.
    price: Option<UnitPriceOutput>,
    /// Until when.
    needed_on: Option<NaiveDate>,
    /// When how much of it comes.
    schedule: Option<Vec<ScheduleEntry>>,
}

/// In which language an order is printed (打印语言).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum PdfLanguage {
    /// Chinese (中文).
    Zh,
    /// English (英文).
    En,
}

/// Which orders (采购订单筛选).
#[derive(Default, InputObject)]
pub(crate) struct PurchaseOrderFilter {
    /// Only those in which one's organisation is on this side.
    side: Option<Side>,
    /// Only in this state.
    state: Option<OrderState>,
    /// Only of this supplier.
    supplier_id: Option<ID>,
    /// Only those of which something is still to be done, or is not.
    open: Option<bool>,
}

/// A line of an order that is written (采购订单行).
#[derive(InputObject)]
pub(crate) struct PurchaseOrderLineInput {
    /// The line that it was, when there is an order already; null: it is new.
    line_id: Option<ID>,
    /// Of what; null: it is nothing of the catalogue.
    variant_id: Option<ID>,
    /// Of which category, when it is nothing of the catalogue.
    category_id: Option<ID>,
    /// What it is, in words.
    description: String,
    /// What it is counted in.
    unit: String,
    /// How much.
    quantity: i64,
    /// At which price of one unit, without tax.
    price: UnitPriceInput,
    /// Rate of tax, in parts per million; by default none.
    #[graphql(default)]
    tax_ppm: i32,
    /// Until when it is needed.
    needed_on: Option<NaiveDate>,
    /// How much is to come when, at most 24 entries.
    schedule: Option<Vec<ScheduleEntryInput>>,
    /// The line of the framework agreement that it takes from.
    agreement_line_id: Option<ID>,
}

impl PurchaseOrderLineInput {
    fn read(&self, currency: Currency) -> Result<EditedLine, Error> {
        let line = NewOrderLine {
            variant: self.variant_id.as_ref().map(|id| decode(id, "variantId")).transpose()?,
            category: self.category_id.as_ref().map(|id| decode(id, "categoryId")).transpose()?,
            description: self.description.clone(),
            unit: self.unit.clone(),
            quantity: self.quantity,
            price: self.price.read_in(currency, "price")?,
            tax_ppm: self.tax_ppm,
            needed_on: self.needed_on,
            schedule: ScheduleEntryInput::read_all(self.schedule.as_deref().unwrap_or_default()),
            agreement_line: self.agreement_line_id.as_ref().map(|id| decode(id, "agreementLineId")).transpose()?,
            award: None,
        };
        Ok(EditedLine { id: self.line_id.as_ref().map(|id| decode(id, "lineId")).transpose()?, line })
    }

    fn read_all(lines: &[Self], currency: Currency) -> Result<Vec<EditedLine>, Error> {
        let read = |(n, line): (usize, &Self)| line.read(currency).map_err(|error| in_line(error, n));
        lines.iter().enumerate().map(read).collect()
    }
}

/// What is edited of an order: everything but its sides and its currency.
pub(super) struct EditInput<'a> {
    pub fx: Option<&'a ExchangeRateInput>,
    pub incoterm: Incoterm,
    pub named_place: &'a str,
    pub payment_days: i32,
    pub deliver_to: Option<&'a ID>,
    pub note: Option<&'a str>,
    pub lines: &'a [PurchaseOrderLineInput],
}

impl EditInput<'_> {
    /// The edit that is meant. All prices are in the currency of the first.
    pub(super) fn read(&self) -> Result<Edit, Error> {
        let first = self.lines.first().ok_or_else(|| Refusal::new(ErrorCode::Required).at("lines"))?;
        let (_, currency) = first.price.read("price").map_err(|error| in_line(error, 0))?;
        Ok(Edit {
            currency,
            fx: self.fx.map(|fx| fx.read("fx")).transpose()?,
            incoterm: self.incoterm,
            named_place: self.named_place.to_owned(),
            payment_days: self.payment_days,
            deliver_to: self.deliver_to.map(|id| decode(id, "deliverToId")).transpose()?,
            note: self.note.map(str::to_owned),
            lines: PurchaseOrderLineInput::read_all(self.lines, currency)?,
        })
    }
}

/// An order that is written (新建采购订单).
#[derive(InputObject)]
pub(crate) struct CreatePurchaseOrderInput {
    /// Who is to deliver.
    supplier_id: ID,
    /// ISO 4217 code; all prices are in it.
    currency: String,
    /// How much renminbi one unit of the currency is; required when it is another one.
    fx: Option<ExchangeRateInput>,
    /// Who pays carriage up to where.
    incoterm: Incoterm,
    /// Up to where.
    named_place: String,
    /// Days until its invoices are to be paid, at most 365.
    payment_days: i32,
    /// Where its goods are taken in.
    deliver_to_id: Option<ID>,
    /// The framework agreement that it takes from.
    agreement_id: Option<ID>,
    /// What there is to say to it.
    note: Option<String>,
    /// What is ordered, at most 500 lines.
    lines: Vec<PurchaseOrderLineInput>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

impl CreatePurchaseOrderInput {
    fn read(&self, buyer: OrganisationId) -> Result<NewOrder, Error> {
        let currency: Currency = self.currency.parse().map_err(|refusal: Refusal| refusal.at("currency"))?;
        let lines = PurchaseOrderLineInput::read_all(&self.lines, currency)?;
        Ok(NewOrder {
            buyer,
            supplier: decode(&self.supplier_id, "supplierId")?,
            currency,
            fx: self.fx.as_ref().map(|fx| fx.read("fx")).transpose()?,
            incoterm: self.incoterm,
            named_place: self.named_place.clone(),
            payment_days: self.payment_days,
            deliver_to: self.deliver_to_id.as_ref().map(|id| decode(id, "deliverToId")).transpose()?,
            rfq: None,
            agreement: self.agreement_id.as_ref().map(|id| decode(id, "agreementId")).transpose()?,
            note: self.note.clone(),
            lines: lines.into_iter().map(|one| one.line).collect(),
        })
    }
}

/// Another content of an order that was not sent yet (修改采购订单).
#[derive(InputObject)]
pub(crate) struct UpdatePurchaseOrderInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// How much renminbi one unit of its currency is; by default as before.
    fx: Option<ExchangeRateInput>,
    /// Who pays carriage up to where.
    incoterm: Incoterm,
    /// Up to where.
    named_place: String,
    /// Days until its invoices are to be paid, at most 365.
    payment_days: i32,
    /// Where its goods are taken in.
    deliver_to_id: Option<ID>,
    /// What there is to say to it.
    note: Option<String>,
    /// What is ordered, at most 500 lines; those that are not named are taken out.
    lines: Vec<PurchaseOrderLineInput>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

impl UpdatePurchaseOrderInput {
    fn edit(&self) -> Result<Edit, Error> {
        EditInput {
            fx: self.fx.as_ref(),
            incoterm: self.incoterm,
            named_place: &self.named_place,
            payment_days: self.payment_days,
            deliver_to: self.deliver_to_id.as_ref(),
            note: self.note.as_deref(),
            lines: &self.lines,
        }
        .read()
    }
}

payload! {
    /// The answer to `createPurchaseOrder`.
    CreatePurchaseOrderPayload { /// The order.
        purchase_order: PurchaseOrder }
    /// The answer to `updatePurchaseOrder`.
    UpdatePurchaseOrderPayload { /// The order.
        purchase_order: PurchaseOrder }
}

/// Queries about purchase orders.
#[derive(Default)]
pub(crate) struct PurchaseOrderQuery;

#[Object]
impl PurchaseOrderQuery {
    /// Purchase orders that one's organisation buys by, or that were sent to it; newest first (采购订单列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn purchase_orders(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which.")] filter: Option<PurchaseOrderFilter>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<PurchaseOrder>> {
        context.may(Action::ReadProcurement)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let filter = filter.unwrap_or_default();
        let supplier = filter.supplier_id.map(|id| decode(&id, "supplierId")).transpose()?;
        let filter = Filter { side: filter.side, state: filter.state, supplier, open: filter.open };
        let rows = ops::list(context.app().db().read(), context.viewer(), filter, &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::cursor(&row), PurchaseOrder(row))))
    }

    /// A purchase order; null when there is none or it may not be seen (采购订单).
    async fn purchase_order(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Opaque identifier.")] id: ID,
    ) -> Result<Option<PurchaseOrder>> {
        context.may(Action::ReadProcurement)?;
        let Ok(id) = decode::<PurchaseOrderId>(&id, "id") else { return Ok(None) };
        Ok(ops::find(context.app().db().read(), context.viewer(), id).await?.map(PurchaseOrder))
    }

    /// A purchase order to print, as a PDF document in base64; null when there is none or it may not be seen. Its
    /// supplier gets what was sent last (打印采购订单).
    #[graphql(complexity = 500)]
    async fn purchase_order_pdf(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Of which order.")] id: ID,
        #[graphql(desc = "In which language.")] language: PdfLanguage,
    ) -> Result<Option<String>> {
        context.may(Action::ReadProcurement)?;
        let Ok(id) = decode::<PurchaseOrderId>(&id, "id") else { return Ok(None) };
        let language = match language {
            PdfLanguage::Zh => Language::Zh,
            PdfLanguage::En => Language::En,
        };
        Ok(order_pdf::printed(context.app().db().read(), context.viewer(), id, language).await?)
    }
}

/// Mutations that write purchase orders.
#[derive(Default)]
pub(crate) struct PurchaseOrderMutation;

#[Object]
impl PurchaseOrderMutation {
    /// Writes a purchase order; nobody has approved it yet, and its supplier does not see it (新建采购订单).
    async fn create_purchase_order(
        &self,
        context: &Context<'_>,
        input: CreatePurchaseOrderInput,
    ) -> Result<CreatePurchaseOrderPayload> {
        let call = context.call(Action::SourceGoods)?;
        let result = async {
            let buyer = call.viewer.organisation().ok_or(Error::Forbidden)?;
            ops::create(context.app(), &call, &input.read(buyer)?).await
        };
        let result = result.await.map(PurchaseOrder);
        CreatePurchaseOrderPayload::new(context, input.client_mutation_id, result)
    }

    /// Puts another content into a purchase order that was not sent yet. What was approved of it is void (修改采购订单).
    async fn update_purchase_order(
        &self,
        context: &Context<'_>,
        input: UpdatePurchaseOrderInput,
    ) -> Result<UpdatePurchaseOrderPayload> {
        let call = context.call(Action::SourceGoods)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            ops::update(context.app(), &call, id, input.expected_version, &input.edit()?).await
        };
        let result = result.await.map(PurchaseOrder);
        UpdatePurchaseOrderPayload::new(context, input.client_mutation_id, result)
    }
}
