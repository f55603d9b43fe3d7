//! Quotations in the schema. Before its round is opened a quotation is there for its supplier alone.

use async_graphql::{Context, ID, InputObject, Object, Result};
use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    ordering::Incoterm,
    party::Action,
    procurement::{
        FileSubject, QuotationState, TierMode,
        quotation::{self, QuotationContent},
    },
    values::{Currency, ErrorCode, Money as Amount, Refusal, id::RfqId},
};
use inventory::ledger::in_line;
use party::graphql::Organisation;
use platform::{
    clock::business_day,
    error::Error,
    graphql::{
        Connection, ContextExt, CurrencyCode, Money,
        connection::{list_cost, times},
        decode, encode,
        scalars::MoneyInput,
    },
    page::PageArgs,
    payload,
};

use super::{
    files::{ProcurementFile, attached},
    rfqs::Rfq,
    shared::{QuotedTierInput, QuotedTierOutput},
};
use crate::{loaders, ops::quotations as ops};

/// A version of what a supplier offers for a request (供应商报价).
#[derive(Clone, Debug)]
pub struct Quotation(pub quotation::Model);

/// A version of what a supplier offers for a request (供应商报价).
#[Object]
impl Quotation {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// For which request.
    async fn rfq_id(&self) -> ID {
        encode(self.0.rfq_id)
    }

    /// The request.
    async fn rfq(&self, context: &Context<'_>) -> Result<Option<Rfq>> {
        Ok(loaders::of(context).load_one(self.0.rfq_id).await?.map(Rfq))
    }

    /// Who quotes.
    async fn supplier(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.0.supplier_id).await?.map(Organisation))
    }

    /// In which round.
    async fn round(&self) -> i32 {
        self.0.round
    }

    /// Which version of this round, from 1 on.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// State.
    async fn state(&self) -> QuotationState {
        self.0.state
    }

    /// Who submitted it.
    async fn submitted_by(&self) -> &str {
        &self.0.submitted_by
    }

    /// When.
    async fn submitted_at(&self) -> DateTime<Utc> {
        self.0.submitted_at
    }

    /// When it was opened; null: only its supplier reads it (开标时间).
    async fn opened_at(&self) -> Option<DateTime<Utc>> {
        self.0.opened_at
    }

    /// What it says.
    async fn content(&self, context: &Context<'_>) -> Result<Option<QuotationTerms>> {
        Ok(ops::content(context.app(), context.viewer(), &self.0)?.map(QuotationTerms))
    }

    /// Whether it still holds after the deadline of its request as that is now: a deadline that was put off may leave
    /// some that do not. Null when what it says may not be read (截止后是否有效).
    async fn holds_after_deadline(&self, context: &Context<'_>) -> Result<Option<bool>> {
        let Some(content) = ops::content(context.app(), context.viewer(), &self.0)? else { return Ok(None) };
        let rfq = loaders::of(context).load_one(self.0.rfq_id).await?;
        Ok(rfq.map(|rfq| content.holds_after(business_day(rfq.deadline))))
    }

    /// Its files, first attached first (报价附件).
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
        attached(context, FileSubject::Quotation(self.0.id), page).await
    }
}

/// What a quotation says (报价内容).
#[derive(Clone, Debug)]
pub(crate) struct QuotationTerms(QuotationContent);

/// What a quotation says (报价内容).
#[Object]
impl QuotationTerms {
    /// In which currency.
    async fn currency(&self) -> CurrencyCode {
        CurrencyCode(self.0.currency)
    }

    /// Who pays carriage and bears the risk up to where.
    async fn incoterm(&self) -> Incoterm {
        self.0.incoterm
    }

    /// The place named with it.
    async fn named_place(&self) -> &str {
        &self.0.named_place
    }

    /// How many days after the invoice it is paid (账期).
    async fn payment_days(&self) -> i32 {
        self.0.payment_days
    }

    /// How many days after the order the goods come (交期).
    async fn lead_days(&self) -> i32 {
        self.0.lead_days
    }

    /// The last day on which it holds (报价有效期).
    async fn valid_until(&self) -> NaiveDate {
        self.0.valid_until
    }

    /// What an order comes to at least (最低订单金额).
    async fn min_value(&self) -> Option<Money> {
        self.0.min_value_minor.map(|minor| Amount { minor, currency: self.0.currency }.into())
    }

    /// What else there is to say.
    async fn note(&self) -> Option<&str> {
        self.0.note.as_deref()
    }

    /// What is offered of which line; lines may be left out. Of at most 200 lines, all in memory by then.
    #[graphql(complexity = "times(20, child_complexity)")]
    async fn lines(&self) -> Vec<QuotedLine> {
        let currency = self.0.currency;
        self.0.lines.iter().map(|line| QuotedLine { line: line.clone(), currency }).collect()
    }
}

/// What is offered of a line (报价明细).
#[derive(Clone, Debug)]
pub(crate) struct QuotedLine {
    line: quotation::QuotedLine,
    currency: Currency,
}

/// What is offered of a line (报价明细).
#[Object]
impl QuotedLine {
    /// Of which line of the request.
    async fn line_id(&self) -> ID {
        encode(self.line.line)
    }

    /// How its prices count.
    async fn mode(&self) -> TierMode {
        self.line.mode
    }

    /// Its prices before tax, by quantity (阶梯价).
    #[graphql(complexity = "times(3, child_complexity)")]
    async fn tiers(&self) -> Vec<QuotedTierOutput> {
        QuotedTierOutput::all(&self.line.tiers, self.currency)
    }

    /// The least that is sold (起订量).
    async fn moq(&self) -> i64 {
        self.line.moq
    }

    /// Of what quantities are whole multiples (包装倍数).
    async fn multiple(&self) -> i64 {
        self.line.multiple
    }

    /// How many days after the order it comes; null: as the quotation says.
    async fn lead_days(&self) -> Option<i32> {
        self.line.lead_days
    }

    /// How much there is of it; null: as much as is asked for.
    async fn available(&self) -> Option<i64> {
        self.line.available
    }

    /// The rate of the tax that comes on top, in parts per million.
    async fn tax_ppm(&self) -> i32 {
        self.line.tax_ppm
    }

    /// What there is to say.
    async fn note(&self) -> Option<&str> {
        self.line.note.as_deref()
    }
}

/// What is offered of a line (报价明细).
#[derive(InputObject)]
pub(crate) struct QuotedLineInput {
    /// Of which line of the request.
    line_id: ID,
    /// How its prices count; left out: all pieces cost what the quantity comes to.
    mode: Option<TierMode>,
    /// Its prices before tax, by quantity, in the currency of the quotation; at most 20.
    tiers: Vec<QuotedTierInput>,
    /// The least that is sold; left out: 1.
    moq: Option<i64>,
    /// Of what quantities are whole multiples; left out: 1.
    multiple: Option<i64>,
    /// How many days after the order it comes; left out: as the quotation says.
    lead_days: Option<i32>,
    /// How much there is of it, when that is less than what is asked for.
    available: Option<i64>,
    /// The rate of the tax that comes on top, in parts per million.
    #[graphql(default)]
    tax_ppm: i32,
    /// What there is to say.
    note: Option<String>,
}

/// A quotation, or another version of it (提交报价).
#[derive(InputObject)]
pub(crate) struct SubmitQuotationInput {
    /// For which request.
    rfq_id: ID,
    /// The newest version of one's own that was read in this round, 0 for none; left out: whichever it is.
    expected_version: Option<i32>,
    /// Whether the files of the version before go along to this one.
    #[graphql(default = true)]
    keep_files: bool,
    /// In which currency: ISO 4217 code.
    currency: String,
    /// Who pays carriage and bears the risk up to where.
    incoterm: Incoterm,
    /// The place named with it.
    named_place: String,
    /// How many days after the invoice it is paid, at most 365.
    payment_days: i32,
    /// How many days after the order the goods come, at most 730.
    lead_days: i32,
    /// The last day on which it holds; after the deadline.
    valid_until: NaiveDate,
    /// What an order comes to at least.
    min_value: Option<MoneyInput>,
    /// What else there is to say.
    note: Option<String>,
    /// What is offered of which line; lines may be left out.
    lines: Vec<QuotedLineInput>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A quotation that is taken back (撤回报价).
#[derive(InputObject)]
pub(crate) struct WithdrawQuotationInput {
    /// Which.
    id: ID,
    /// The version of it that was read; left out: whichever it is.
    expected_version: Option<i32>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `submitQuotation`.
    SubmitQuotationPayload { /// The quotation.
        quotation: Quotation }
    /// The answer to `withdrawQuotation`.
    WithdrawQuotationPayload { /// The quotation.
        quotation: Quotation }
}

impl QuotedLineInput {
    fn read(self, currency: Currency) -> Result<quotation::QuotedLine, Error> {
        Ok(quotation::QuotedLine {
            line: decode(&self.line_id, "lineId")?,
            mode: self.mode.unwrap_or(TierMode::Volume),
            tiers: QuotedTierInput::read_all(&self.tiers, currency)?,
            moq: self.moq.unwrap_or(1),
            multiple: self.multiple.unwrap_or(1),
            lead_days: self.lead_days,
            available: self.available,
            tax_ppm: self.tax_ppm,
            note: self.note,
        })
    }
}

/// What is quoted, as it is sent, and for which request.
fn quoted(input: SubmitQuotationInput) -> Result<(RfqId, QuotationContent), Error> {
    let rfq = decode(&input.rfq_id, "rfqId")?;
    let currency: Currency = input.currency.parse().map_err(|refusal: Refusal| refusal.at("currency"))?;
    let least = input.min_value.as_ref().map(|value| value.read("minValue")).transpose()?;
    if let Some(other) = least.filter(|value| value.currency != currency) {
        let refusal = Refusal::new(ErrorCode::InvalidCurrency).with("value", other.currency.code());
        return Err(refusal.at("currency").at("minValue").into());
    }
    let line = |(n, line): (usize, QuotedLineInput)| line.read(currency).map_err(|error| in_line(error, n));
    let content = QuotationContent {
        currency,
        incoterm: input.incoterm,
        named_place: input.named_place,
        payment_days: input.payment_days,
        lead_days: input.lead_days,
        valid_until: input.valid_until,
        min_value_minor: least.map(|value| value.minor),
        note: input.note,
        lines: input.lines.into_iter().enumerate().map(line).collect::<Result<_, Error>>()?,
    };
    Ok((rfq, content))
}

/// Mutations of quotations.
#[derive(Default)]
pub(crate) struct QuotationMutation;

#[Object]
impl QuotationMutation {
    /// Quotes for a request that one is invited to, or quotes anew: the version before does not stand any more, and its
    /// files go along. Until the round is opened nobody else reads what it says (提交报价).
    async fn submit_quotation(
        &self,
        context: &Context<'_>,
        input: SubmitQuotationInput,
    ) -> Result<SubmitQuotationPayload> {
        let call = context.call(Action::QuoteGoods)?;
        let known_as = input.client_mutation_id.clone();
        let result = async {
            let (expected, keep_files) = (input.expected_version, input.keep_files);
            let (rfq, content) = quoted(input)?;
            ops::submit(context.app(), &call, rfq, expected, keep_files, &content).await
        };
        SubmitQuotationPayload::new(context, known_as, result.await.map(Quotation))
    }

    /// Takes a quotation back, before the deadline (撤回报价).
    async fn withdraw_quotation(
        &self,
        context: &Context<'_>,
        input: WithdrawQuotationInput,
    ) -> Result<WithdrawQuotationPayload> {
        let call = context.call(Action::QuoteGoods)?;
        let result =
            async { ops::withdraw(context.app(), &call, decode(&input.id, "id")?, input.expected_version).await };
        WithdrawQuotationPayload::new(context, input.client_mutation_id, result.await.map(Quotation))
    }
}
