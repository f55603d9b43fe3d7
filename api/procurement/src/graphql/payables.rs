//! What is owed to suppliers in the schema; from their side it is a receivable, which finance shows.

use async_graphql::{Context, ID, InputObject, Object, Result};
use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    party::Action,
    procurement::{
        PayableEventKind, Side,
        payable::{self, PayableState, event},
        receivable::canonical,
    },
    values::id::PayableId,
};
use party::graphql::Organisation;
use platform::{
    clock::business_day,
    error::Error,
    graphql::{Connection, ContextExt, Money, MoneyInput, connection::list_cost, decode, encode},
    page::PageArgs,
    payload,
};

use super::invoices::{SupplierInvoice, inside, organisation};
use crate::{
    loaders,
    ops::payables::{self as ops, Filter},
};

/// What happened to what is owed; never changed (应付变动).
#[derive(Clone, Debug)]
pub(crate) struct PayableEvent {
    row: event::Model,
    of: payable::Model,
}

/// What happened to what is owed; never changed (应付变动).
#[Object]
impl PayableEvent {
    /// What happened.
    async fn kind(&self) -> PayableEventKind {
        self.row.kind
    }

    /// How much.
    async fn amount(&self) -> Money {
        self.of.money(self.row.amount_minor).into()
    }

    /// The bank's reference, or the number of a debit note.
    async fn reference(&self) -> Option<&str> {
        self.row.reference.as_deref()
    }

    /// What there is to say to it.
    async fn note(&self) -> Option<&str> {
        self.row.note.as_deref()
    }

    /// SHA-256 of the evidence at that time, in hex.
    async fn evidence_sha256(&self) -> Option<&str> {
        self.row.evidence_sha256.as_deref()
    }

    /// The evidence that it led to, in canonical form, of which `evidenceSha256` is the hash; it names the evidence
    /// before. Null: that stayed as it was; null to the buyer (证据).
    async fn evidence(&self, context: &Context<'_>) -> Result<Option<String>> {
        let shown = self.row.evidence.as_ref().filter(|_| inside(context, self.of.supplier_id));
        Ok(shown.map(canonical).transpose().map_err(Error::internal)?)
    }

    /// Who; null to the supplier.
    async fn by(&self, context: &Context<'_>) -> Option<&str> {
        inside(context, self.of.buyer_id).then_some(self.row.by.as_str())
    }

    /// When.
    async fn at(&self) -> DateTime<Utc> {
        self.row.at
    }
}

async fn events(context: &Context<'_>, of: &payable::Model, page: PageArgs) -> Result<Connection<PayableEvent>> {
    let rows = ops::events(context.app().db().read(), of.id, &page).await?;
    Ok(Connection::new(rows, None, |row| (ops::event_cursor(&row), PayableEvent { row, of: of.clone() })))
}

/// What is owed for an approved invoice (应付账款).
#[derive(Clone, Debug)]
pub struct Payable(pub payable::Model);

/// What is owed for an approved invoice (应付账款).
#[Object]
impl Payable {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// The invoice.
    async fn invoice(&self, context: &Context<'_>) -> Result<Option<SupplierInvoice>> {
        Ok(loaders::of(context).load_one(self.0.invoice_id).await?.map(SupplierInvoice))
    }

    /// Who owes (采购方).
    async fn buyer(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        organisation(context, self.0.buyer_id).await
    }

    /// To whom (供应方).
    async fn supplier(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        organisation(context, self.0.supplier_id).await
    }

    /// Where it is, by its amounts.
    async fn state(&self) -> PayableState {
        self.0.state()
    }

    /// How much was owed when the invoice was approved (票面金额).
    async fn face(&self) -> Money {
        self.0.money(self.0.face_minor).into()
    }

    /// What debit notes took off since (已抵减).
    async fn credited(&self) -> Money {
        self.0.money(self.0.credited_minor).into()
    }

    /// What the buyer says that it paid (已付).
    async fn paid(&self) -> Money {
        self.0.money(self.0.paid_minor).into()
    }

    /// What is still owed (未付).
    async fn outstanding(&self) -> Money {
        self.0.money(self.0.outstanding_minor()).into()
    }

    /// When the invoice was written (开票日期).
    async fn issue_date(&self) -> NaiveDate {
        self.0.issue_date
    }

    /// When it is to be paid (到期日).
    async fn due_date(&self) -> NaiveDate {
        self.0.due_date
    }

    /// Whether it should have been paid by now (逾期).
    async fn overdue(&self, context: &Context<'_>) -> bool {
        self.0.is_overdue(business_day(context.app().clock().now()))
    }

    /// Whether the buyer disputes it (有争议).
    async fn disputed(&self) -> bool {
        self.0.disputed
    }

    /// SHA-256 of the evidence in canonical form, in hex.
    async fn evidence_sha256(&self) -> &str {
        &self.0.evidence_sha256
    }

    /// Counts up with the evidence.
    async fn revision(&self) -> i32 {
        self.0.revision
    }

    /// Counts up with every change.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When the invoice was approved.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// What happened to it, first first (应付变动).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn events(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<PayableEvent>> {
        events(context, &self.0, PageArgs::relay(first, after.as_deref(), last, before.as_deref())?).await
    }
}

/// Which payables (应付筛选).
#[derive(Default, InputObject)]
pub(crate) struct PayableFilter {
    /// Only those in which one's organisation is on this side.
    side: Option<Side>,
    /// Only those of which something is still owed, or nothing is.
    open: Option<bool>,
    /// Only those that are to be paid before this day.
    due_before: Option<NaiveDate>,
}

/// What a buyer says that it paid (付款登记).
#[derive(InputObject)]
pub(crate) struct ReportSupplierPaymentInput {
    /// Of which payable.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// How much, at most what is owed.
    amount: MoneyInput,
    /// The bank's reference; each is reported once.
    reference: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A payment that was reported and is not so (撤回付款登记).
#[derive(InputObject)]
pub(crate) struct WithdrawSupplierPaymentInput {
    /// Of which payable.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// The bank's reference under which it was reported; each is taken back once.
    reference: String,
    /// Why.
    reason: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A payable that the buyer disputes (提出争议).
#[derive(InputObject)]
pub(crate) struct DisputePayableInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// Why.
    reason: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A dispute that is over (争议解决).
#[derive(InputObject)]
pub(crate) struct SettlePayableDisputeInput {
    /// Of which payable.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// How.
    note: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `reportSupplierPayment`.
    ReportSupplierPaymentPayload { /// The payable.
        payable: Payable }
    /// The answer to `withdrawSupplierPayment`.
    WithdrawSupplierPaymentPayload { /// The payable.
        payable: Payable }
    /// The answer to `disputePayable`.
    DisputePayablePayload { /// The payable.
        payable: Payable }
    /// The answer to `settlePayableDispute`.
    SettlePayableDisputePayload { /// The payable.
        payable: Payable }
}

/// Queries about what is owed.
#[derive(Default)]
pub(crate) struct PayableQuery;

#[Object]
impl PayableQuery {
    /// What one's organisation owes and is owed for approved invoices, newest first (应付账款列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn payables(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which.")] filter: Option<PayableFilter>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Payable>> {
        context.may(Action::ReadProcurement)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let filter = filter.unwrap_or_default();
        let filter = Filter { side: filter.side, open: filter.open, due_before: filter.due_before };
        let rows = ops::list(context.app().db().read(), context.viewer(), filter, &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::cursor(&row), Payable(row))))
    }

    /// A payable; null when there is none or it may not be seen (应付账款).
    async fn payable(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Opaque identifier.")] id: ID,
    ) -> Result<Option<Payable>> {
        context.may(Action::ReadProcurement)?;
        let Ok(id) = decode::<PayableId>(&id, "id") else { return Ok(None) };
        Ok(ops::find(context.app().db().read(), context.viewer(), id).await?.map(Payable))
    }
}

/// Mutations of what is owed.
#[derive(Default)]
pub(crate) struct PayableMutation;

#[Object]
impl PayableMutation {
    /// Notes that the buyer paid a supplier; the house itself pays nothing. One payment has one reference of the bank
    /// (付款登记).
    async fn report_supplier_payment(
        &self,
        context: &Context<'_>,
        input: ReportSupplierPaymentInput,
    ) -> Result<ReportSupplierPaymentPayload> {
        let call = context.call(Action::RecordInvoices)?;
        let result = async {
            let (id, amount) = (decode(&input.id, "id")?, input.amount.read("amount")?);
            ops::report_payment(context.app(), &call, id, input.expected_version, amount, &input.reference).await
        };
        ReportSupplierPaymentPayload::new(context, input.client_mutation_id, result.await.map(Payable))
    }

    /// Takes back what was reported of a payment and is not so: that much is owed again (撤回付款登记).
    async fn withdraw_supplier_payment(
        &self,
        context: &Context<'_>,
        input: WithdrawSupplierPaymentInput,
    ) -> Result<WithdrawSupplierPaymentPayload> {
        let call = context.call(Action::RecordInvoices)?;
        let result = async {
            let (id, expected) = (decode(&input.id, "id")?, input.expected_version);
            ops::withdraw_payment(context.app(), &call, id, expected, &input.reference, &input.reason).await
        };
        WithdrawSupplierPaymentPayload::new(context, input.client_mutation_id, result.await.map(Payable))
    }

    /// The buyer disputes what it owes (提出争议).
    async fn dispute_payable(
        &self,
        context: &Context<'_>,
        input: DisputePayableInput,
    ) -> Result<DisputePayablePayload> {
        let call = context.call(Action::RecordInvoices)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            ops::dispute(context.app(), &call, id, input.expected_version, true, &input.reason).await
        };
        DisputePayablePayload::new(context, input.client_mutation_id, result.await.map(Payable))
    }

    /// The dispute about what is owed is over (争议解决).
    async fn settle_payable_dispute(
        &self,
        context: &Context<'_>,
        input: SettlePayableDisputeInput,
    ) -> Result<SettlePayableDisputePayload> {
        let call = context.call(Action::RecordInvoices)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            ops::dispute(context.app(), &call, id, input.expected_version, false, &input.note).await
        };
        SettlePayableDisputePayload::new(context, input.client_mutation_id, result.await.map(Payable))
    }
}
