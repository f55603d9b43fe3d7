//! What operators know of organisations and invoices, and what everybody in trade may ask of an invoice.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::NaiveDate;
use entities::{party::Action, procurement::InvoiceKind};
use platform::{
    graphql::{ContextExt, MoneyInput, decode},
    payload,
};

use super::receivables::Receivable;
use crate::ops::standing::{self as ops, Asked, MatchKind};

/// An invoice that somebody asks about (发票查询).
#[derive(InputObject)]
pub(crate) struct InvoiceFinancedInput {
    /// Unified social credit code of the seller.
    seller_uscc: String,
    /// Unified social credit code of the debtor.
    debtor_uscc: String,
    /// What sort of invoice.
    invoice_kind: InvoiceKind,
    /// Its number (发票号码).
    invoice_no: String,
    /// Its code, of older VAT invoices (发票代码).
    invoice_code: Option<String>,
    /// When it was written (开票日期).
    issue_date: NaiveDate,
    /// Over how much it is, with tax (价税合计).
    amount: MoneyInput,
}

/// Whether an invoice is financed, and never by whom (是否已融资).
#[derive(SimpleObject)]
pub(crate) struct InvoiceFinanced {
    /// Whether it is, or is asked for.
    financed: bool,
    /// How like it is to what is financed.
    match_kind: MatchKind,
}

/// Two organisations that belong together, or do not any more (关联方).
#[derive(InputObject)]
pub(crate) struct SetRelatedPartiesInput {
    /// The one.
    organisation_id: ID,
    /// The other.
    other_id: ID,
    /// Whether they do.
    related: bool,
    /// By what it is known.
    reason: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// An organisation with which nobody deals, or may again (制裁名单).
#[derive(InputObject)]
pub(crate) struct SetSanctionedInput {
    /// Which.
    organisation_id: ID,
    /// Whether nobody deals with it.
    sanctioned: bool,
    /// By which list.
    reason: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What the tax authority said of an invoice (发票查验结果).
#[derive(InputObject)]
pub(crate) struct RecordInvoiceVerificationInput {
    /// Of which receivable.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// Whether it is one.
    verified: bool,
    /// The number of the inquiry (查验流水号).
    reference: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `setRelatedParties`.
    SetRelatedPartiesPayload { /// Whether they belong together now.
        related: bool }
    /// The answer to `setSanctioned`.
    SetSanctionedPayload { /// Whether nobody deals with it now.
        sanctioned: bool }
    /// The answer to `recordInvoiceVerification`.
    RecordInvoiceVerificationPayload { /// The receivable.
        receivable: Receivable }
}

/// Queries about invoices.
#[derive(Default)]
pub struct StandingQuery;

#[Object]
impl StandingQuery {
    /// Whether an invoice is financed already, across sellers and financiers; never by whom. For banks, and for its seller
    /// (重复融资查询).
    async fn invoice_financed(&self, context: &Context<'_>, input: InvoiceFinancedInput) -> Result<InvoiceFinanced> {
        context.may(Action::ReadFinancing)?;
        ops::may_ask(context.app().db().read(), context.viewer(), &input.seller_uscc).await?;
        let asked = Asked {
            seller: input.seller_uscc,
            debtor: input.debtor_uscc,
            kind: input.invoice_kind,
            no: input.invoice_no,
            code: input.invoice_code,
            issue_date: input.issue_date,
            amount: input.amount.read("amount")?,
        };
        let kind = ops::financed(context.app(), context.app().db().read(), &asked).await?;
        Ok(InvoiceFinanced { financed: kind == MatchKind::Exact, match_kind: kind })
    }
}

/// Mutations of what operators know.
#[derive(Default)]
pub struct StandingMutation;

#[Object]
impl StandingMutation {
    /// Notes that two organisations belong together, or do not; for the zone's operators (关联方登记).
    async fn set_related_parties(
        &self,
        context: &Context<'_>,
        input: SetRelatedPartiesInput,
    ) -> Result<SetRelatedPartiesPayload> {
        let call = context.call(Action::KeepStanding)?;
        let result = async {
            let both = (decode(&input.organisation_id, "organisationId")?, decode(&input.other_id, "otherId")?);
            ops::relate(context.app(), &call, both, input.related, &input.reason).await
        };
        SetRelatedPartiesPayload::new(context, input.client_mutation_id, result.await.map(|()| input.related))
    }

    /// Notes that nobody deals with an organisation, or that one may again; for the zone's operators (制裁登记).
    async fn set_sanctioned(&self, context: &Context<'_>, input: SetSanctionedInput) -> Result<SetSanctionedPayload> {
        let call = context.call(Action::KeepStanding)?;
        let result = async {
            let id = decode(&input.organisation_id, "organisationId")?;
            ops::sanction(context.app(), &call, id, input.sanctioned, &input.reason).await
        };
        SetSanctionedPayload::new(context, input.client_mutation_id, result.await.map(|()| input.sanctioned))
    }

    /// Notes what the tax authority said of an invoice; for the zone's operators (发票查验登记).
    async fn record_invoice_verification(
        &self,
        context: &Context<'_>,
        input: RecordInvoiceVerificationInput,
    ) -> Result<RecordInvoiceVerificationPayload> {
        let call = context.call(Action::KeepStanding)?;
        let result = async {
            let id = (decode(&input.id, "id")?, input.expected_version);
            ops::verify(context.app(), &call, id, input.verified, &input.reference).await
        };
        RecordInvoiceVerificationPayload::new(context, input.client_mutation_id, result.await.map(Receivable))
    }
}
