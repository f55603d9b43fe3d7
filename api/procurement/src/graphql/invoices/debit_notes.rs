//! Debit notes in the schema: what a buyer takes off an invoice.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use entities::{
    party::Action,
    procurement::{DebitNoteState, DebitReason, Side, debit_note},
    values::id::DebitNoteId,
};
use inventory::ledger::in_line;
use party::graphql::Organisation;
use platform::{
    error::Error,
    graphql::{
        Connection, ContextExt, Money, MoneyInput,
        connection::{list_cost, times},
        decode, encode,
    },
    page::PageArgs,
    payload,
};

use super::{SupplierInvoice, inside, organisation};
use crate::{
    loaders,
    ops::debit_notes::{self as ops, Filter, NewLine, NewNote},
};

/// Lines that an answer is reckoned with.
const LINES: usize = 20;

/// What a buyer takes off an invoice (借项通知单).
#[derive(Clone, Debug)]
pub(crate) struct DebitNote(pub debit_note::Model);

/// What a buyer takes off an invoice (借项通知单).
#[Object]
impl DebitNote {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Its number (借项通知单号).
    async fn number(&self) -> &str {
        &self.0.number
    }

    /// The invoice.
    async fn invoice(&self, context: &Context<'_>) -> Result<Option<SupplierInvoice>> {
        Ok(loaders::of(context).load_one(self.0.invoice_id).await?.map(SupplierInvoice))
    }

    /// Who takes off (采购方).
    async fn buyer(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        organisation(context, self.0.buyer_id).await
    }

    /// From whom (供应方).
    async fn supplier(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        organisation(context, self.0.supplier_id).await
    }

    /// State.
    async fn state(&self) -> DebitNoteState {
        self.0.state
    }

    /// Why.
    async fn reason(&self) -> DebitReason {
        self.0.reason
    }

    /// The same in words.
    async fn note(&self) -> Option<&str> {
        self.0.note.as_deref()
    }

    /// Without tax (不含税金额).
    async fn net(&self) -> Money {
        self.0.money(self.0.net_minor).into()
    }

    /// Tax (税额).
    async fn tax(&self) -> Money {
        self.0.money(self.0.tax_minor).into()
    }

    /// With tax (价税合计).
    async fn total(&self) -> Money {
        self.0.money(self.0.total_minor).into()
    }

    /// What of which line.
    #[graphql(complexity = "times(LINES, child_complexity)")]
    async fn lines(&self) -> Vec<DebitNoteLine> {
        let shown = |line: &debit_note::DebitLine| DebitNoteLine {
            line_id: encode(line.line_id),
            quantity: line.quantity,
            amount: self.0.money(line.amount_minor).into(),
        };
        self.0.lines.0.iter().map(shown).collect()
    }

    /// Who issued it; null to its supplier.
    async fn issued_by(&self, context: &Context<'_>) -> Option<&str> {
        inside(context, self.0.buyer_id).then_some(self.0.issued_by.as_str())
    }

    /// When it was issued.
    async fn issued_at(&self) -> DateTime<Utc> {
        self.0.issued_at
    }

    /// Who answered for the supplier; null to its buyer.
    async fn answered_by(&self, context: &Context<'_>) -> Option<&str> {
        self.0.answered_by.as_deref().filter(|_| inside(context, self.0.supplier_id))
    }

    /// When the supplier answered.
    async fn answered_at(&self) -> Option<DateTime<Utc>> {
        self.0.answered_at
    }

    /// What the supplier says to it.
    async fn answer(&self) -> Option<&str> {
        self.0.answer.as_deref()
    }

    /// Counts up with every change.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// What a debit note takes off one line (借项明细).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct DebitNoteLine {
    /// Of which line of the invoice.
    line_id: ID,
    /// How much of its quantity.
    quantity: i64,
    /// How much of its amount, without tax.
    amount: Money,
}

/// Which debit notes (借项通知筛选).
#[derive(Default, InputObject)]
pub(crate) struct DebitNoteFilter {
    /// Only those in which one's organisation is on this side.
    side: Option<Side>,
    /// Only in this state.
    state: Option<DebitNoteState>,
    /// Only of this invoice.
    invoice_id: Option<ID>,
}

/// What is taken off a line (借项行).
#[derive(InputObject)]
pub(crate) struct DebitNoteLineInput {
    /// Of which line of the invoice.
    line_id: ID,
    /// How much of its quantity; by default nothing: only money is taken off. Only what is taken off for its quantity may
    /// be billed by another invoice.
    #[graphql(default)]
    quantity: i64,
    /// How much of its amount, without tax; by default what the quantity is billed at.
    amount: Option<MoneyInput>,
}

/// What is taken off an invoice (开具借项通知).
#[derive(InputObject)]
pub(crate) struct IssueDebitNoteInput {
    /// Which invoice.
    invoice_id: ID,
    /// The version of the invoice that was read.
    expected_version: i32,
    /// Why.
    reason: DebitReason,
    /// The same in words; required for `OTHER`.
    note: Option<String>,
    /// What of which line, at most 100.
    lines: Vec<DebitNoteLineInput>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A debit note that is taken back (作废借项通知).
#[derive(InputObject)]
pub(crate) struct CancelDebitNoteInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What a supplier says to a debit note (借项答复).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum DebitNoteAnswer {
    /// It agrees (确认).
    Acknowledge,
    /// It does not (提出争议).
    Dispute,
}

/// What a supplier says to a debit note (答复借项通知).
#[derive(InputObject)]
pub(crate) struct AnswerDebitNoteInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// What.
    answer: DebitNoteAnswer,
    /// What there is to say to it; required for `DISPUTE`.
    comment: Option<String>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `issueDebitNote`.
    IssueDebitNotePayload { /// The debit note.
        debit_note: DebitNote }
    /// The answer to `cancelDebitNote`.
    CancelDebitNotePayload { /// The debit note.
        debit_note: DebitNote }
    /// The answer to `answerDebitNote`.
    AnswerDebitNotePayload { /// The debit note.
        debit_note: DebitNote }
}

/// What is taken off, as it is sent.
fn sent(input: IssueDebitNoteInput) -> Result<NewNote, Error> {
    let line = |(n, line): (usize, DebitNoteLineInput)| -> Result<NewLine, Error> {
        let read = || -> Result<NewLine, Error> {
            Ok(NewLine {
                line: decode(&line.line_id, "lineId")?,
                quantity: line.quantity,
                amount: line.amount.as_ref().map(|amount| amount.read("amount")).transpose()?,
            })
        };
        read().map_err(|error| in_line(error, n))
    };
    Ok(NewNote {
        invoice: decode(&input.invoice_id, "invoiceId")?,
        expected: input.expected_version,
        reason: input.reason,
        note: input.note,
        lines: input.lines.into_iter().enumerate().map(line).collect::<Result<_, Error>>()?,
    })
}

/// Queries about debit notes.
#[derive(Default)]
pub(crate) struct DebitNoteQuery;

#[Object]
impl DebitNoteQuery {
    /// Debit notes that one's organisation issued or got, newest first (借项通知列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn debit_notes(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which.")] filter: Option<DebitNoteFilter>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<DebitNote>> {
        context.may(Action::ReadProcurement)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let filter = filter.unwrap_or_default();
        let invoice = filter.invoice_id.map(|id| decode(&id, "invoiceId")).transpose()?;
        let filter = Filter { side: filter.side, state: filter.state, invoice };
        let rows = ops::list(context.app().db().read(), context.viewer(), filter, &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::cursor(&row), DebitNote(row))))
    }

    /// A debit note; null when there is none or it may not be seen (借项通知单).
    async fn debit_note(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Opaque identifier.")] id: ID,
    ) -> Result<Option<DebitNote>> {
        context.may(Action::ReadProcurement)?;
        let Ok(id) = decode::<DebitNoteId>(&id, "id") else { return Ok(None) };
        Ok(ops::find(context.app().db().read(), context.viewer(), id).await?.map(DebitNote))
    }
}

/// Mutations of debit notes.
#[derive(Default)]
pub(crate) struct DebitNoteMutation;

#[Object]
impl DebitNoteMutation {
    /// Takes something off an invoice, in quantity or in money. An exception is matched anew with what is left; of what
    /// is owed already less is owed (开具借项通知).
    async fn issue_debit_note(
        &self,
        context: &Context<'_>,
        input: IssueDebitNoteInput,
    ) -> Result<IssueDebitNotePayload> {
        let call = context.call(Action::RecordInvoices)?;
        let client_mutation_id = input.client_mutation_id.clone();
        let result = async { ops::issue(context.app(), &call, &sent(input)?).await };
        IssueDebitNotePayload::new(context, client_mutation_id, result.await.map(DebitNote))
    }

    /// Takes a debit note back, as long as its invoice is an exception (作废借项通知).
    async fn cancel_debit_note(
        &self,
        context: &Context<'_>,
        input: CancelDebitNoteInput,
    ) -> Result<CancelDebitNotePayload> {
        let call = context.call(Action::RecordInvoices)?;
        let result =
            async { ops::cancel(context.app(), &call, decode(&input.id, "id")?, input.expected_version).await };
        CancelDebitNotePayload::new(context, input.client_mutation_id, result.await.map(DebitNote))
    }

    /// The supplier agrees to a debit note, or says why not (答复借项通知).
    async fn answer_debit_note(
        &self,
        context: &Context<'_>,
        input: AnswerDebitNoteInput,
    ) -> Result<AnswerDebitNotePayload> {
        let call = context.call(Action::RecordInvoices)?;
        let agrees = input.answer == DebitNoteAnswer::Acknowledge;
        let result = async {
            let id = decode(&input.id, "id")?;
            ops::answer(context.app(), &call, id, input.expected_version, agrees, input.comment.as_deref()).await
        };
        AnswerDebitNotePayload::new(context, input.client_mutation_id, result.await.map(DebitNote))
    }
}
