//! Requests for quotations in the schema. Whoever asks sees all of its request; a supplier what it was told and what
//! is its own: to it the rest is null, and how many others quoted as well.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use catalog::graphql::{Category, Variant};
use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    ordering::Incoterm,
    party::{Action, machine_client::Scope},
    procurement::{
        FileSubject, RfqState, Side, invitation, question,
        rfq::{self, line},
    },
    values::{
        Currency, Refusal,
        id::{OrganisationId, QuotationId, RfqId},
    },
};
use inventory::ledger::in_line;
use party::graphql::Organisation;
use platform::{
    error::Error,
    graphql::{Connection, ContextExt, CurrencyCode, connection::list_cost, decode, encode},
    page::PageArgs,
    payload,
};

use super::{
    files::{ProcurementFile, attached},
    quotations::Quotation,
};
use crate::{
    loaders::{
        self,
        rfqs::{InvitationsOf, QuestionsOf, QuotationsOf, RfqLinesOf, Seen},
    },
    ops::{
        intents::Origin,
        questions, quotations,
        rfqs::{self as ops, Filter, NewLine, NewRfq},
    },
};

/// A request for quotations (询价单).
#[derive(Clone, Debug)]
pub struct Rfq(pub rfq::Model);

impl Rfq {
    /// Whether the viewer sees it as whoever asks does.
    fn inside(&self, context: &Context<'_>) -> bool {
        ops::is_buyer(context.viewer(), &self.0)
    }

    fn seen(&self, context: &Context<'_>) -> Seen {
        Seen { rfq: self.0.id, inside: self.inside(context) }
    }
}

/// A request for quotations (询价单).
#[Object]
impl Rfq {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// What people call it (询价单号).
    async fn number(&self) -> &str {
        &self.0.number
    }

    /// Who buys.
    async fn buyer(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.0.buyer_id).await?.map(Organisation))
    }

    /// What it is about.
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// State.
    async fn state(&self) -> RfqState {
        self.0.state
    }

    /// Whether nobody but its supplier reads a quotation before the deadline (密封报价).
    async fn sealed(&self) -> bool {
        self.0.sealed
    }

    /// Which round, from 1 on (轮次).
    async fn round(&self) -> i32 {
        self.0.round
    }

    /// Until when suppliers quote in this round (报价截止时间).
    async fn deadline(&self) -> DateTime<Utc> {
        self.0.deadline
    }

    /// In which currency quotations are compared; they may be in another.
    async fn currency(&self) -> CurrencyCode {
        CurrencyCode(self.0.currency)
    }

    /// Who is to pay carriage and bear the risk up to where; null: the supplier says.
    async fn incoterm(&self) -> Option<Incoterm> {
        self.0.incoterm
    }

    /// The place named with it.
    async fn named_place(&self) -> Option<&str> {
        self.0.named_place.as_deref()
    }

    /// What else holds (商务条款).
    async fn terms(&self) -> Option<&str> {
        self.0.terms.as_deref()
    }

    /// By which day it is needed.
    async fn needed_on(&self) -> Option<NaiveDate> {
        self.0.needed_on
    }

    /// To which location of the buyer's; null to suppliers.
    async fn deliver_to_id(&self, context: &Context<'_>) -> Option<ID> {
        self.0.deliver_to_id.filter(|_| self.inside(context)).map(encode)
    }

    /// Of which category most of it is.
    async fn category(&self, context: &Context<'_>) -> Result<Option<Category>> {
        let Some(id) = self.0.category_id else { return Ok(None) };
        Ok(catalog::loaders::of(context).load_one(id).await?.map(Category))
    }

    /// How many quotations of this round there are: all that is known of them before they are opened. Null to suppliers
    /// (报价数).
    async fn quotation_count(&self, context: &Context<'_>) -> Option<i32> {
        self.inside(context).then_some(self.0.quotations)
    }

    /// The intent or lead that it was made of; null to suppliers.
    async fn origin(&self, context: &Context<'_>) -> Option<RfqOrigin> {
        let row = Some(&self.0).filter(|_| self.inside(context))?;
        Some(RfqOrigin { kind: row.origin_kind.clone()?, reference: row.origin_ref.clone()? })
    }

    /// Who wrote it; null to suppliers.
    async fn created_by(&self, context: &Context<'_>) -> Option<&str> {
        self.inside(context).then_some(self.0.created_by.as_str())
    }

    /// When the quotations of this round were opened (开标时间).
    async fn opened_at(&self) -> Option<DateTime<Utc>> {
        self.0.opened_at
    }

    /// Why it was given up.
    async fn cancelled_reason(&self) -> Option<&str> {
        self.0.cancelled_reason.as_deref()
    }

    /// Counts up with every change by the buyer and by the clock; a quotation is none.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Since when.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it last changed; a quotation for a sealed request is no change. Null to suppliers.
    async fn updated_at(&self, context: &Context<'_>) -> Option<DateTime<Utc>> {
        self.inside(context).then_some(self.0.updated_at)
    }

    /// What is asked for, by position.
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn lines(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<RfqLine>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = loaders::of(context).load_one(RfqLinesOf(self.0.id)).await?.unwrap_or_default();
        let rows = ops::lines(rows, &page)?;
        let inside = self.inside(context);
        Ok(Connection::new(rows, None, |row| (ops::line_cursor(&row), RfqLine { row, inside })))
    }

    /// Who is invited, first invited first. A supplier finds itself alone.
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn invitations(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<RfqInvitation>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let seen = self.seen(context);
        let rows = loaders::of(context).load_one(InvitationsOf(seen)).await?.unwrap_or_default();
        let rows = ops::invitations(rows, &page)?;
        let shown = |row: invitation::Model| {
            // To a supplier there is its own alone.
            let viewed = if seen.inside { row.shown_view(&self.0) } else { row.viewed_at };
            (ops::invitation_cursor(&row), RfqInvitation { row, viewed, inside: seen.inside })
        };
        Ok(Connection::new(rows, None, shown))
    }

    /// What was asked about it, first asked first: a supplier reads its own questions and what was published to all.
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn questions(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<RfqQuestion>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = loaders::of(context).load_one(QuestionsOf(self.seen(context))).await?.unwrap_or_default();
        let rows = questions::list(rows, &page)?;
        let own = context.viewer().reads_for(Scope::Procurement);
        let inside = self.inside(context);
        let shown = |row: question::Model| {
            let named = inside || own == Some(row.supplier_id);
            (questions::cursor(&row), RfqQuestion { row, named })
        };
        Ok(Connection::new(rows, None, shown))
    }

    /// Its quotations, newest first: those that were opened, and a supplier's own.
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn quotations(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Quotation>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = if let Some(first) = QuotationsOf::page(self.0.id, &page) {
            page.page(loaders::of(context).load_one(first).await?.unwrap_or_default())
        } else {
            let filter = quotations::Filter { rfq: Some(self.0.id), state: None };
            quotations::list(context.app().db().read(), context.viewer(), filter, &page).await?
        };
        Ok(Connection::new(rows, None, |row| (quotations::cursor(&row), Quotation(row))))
    }

    /// The files that its buyer attached, first attached first (询价附件).
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
        attached(context, FileSubject::Rfq(self.0.id), page).await
    }
}

/// What a request was made of (询价来源).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct RfqOrigin {
    /// An intent of a fair, a lead of an exhibition, a sourcing request.
    kind: String,
    /// Which one, as whoever keeps it names it.
    reference: String,
}

/// A line of a request (询价明细).
#[derive(Clone, Debug)]
pub(crate) struct RfqLine {
    pub(super) row: line::Model,
    pub(super) inside: bool,
}

/// A line of a request (询价明细).
#[Object]
impl RfqLine {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.row.id)
    }

    /// Its place, from 0 on.
    async fn position(&self) -> i32 {
        self.row.position
    }

    /// Of what; null: it is only described.
    async fn variant(&self, context: &Context<'_>) -> Result<Option<Variant>> {
        let Some(id) = self.row.variant_id else { return Ok(None) };
        Ok(catalog::loaders::of(context).load_one(id).await?.map(Variant))
    }

    /// Of which category.
    async fn category(&self, context: &Context<'_>) -> Result<Option<Category>> {
        let Some(id) = self.row.category_id else { return Ok(None) };
        Ok(catalog::loaders::of(context).load_one(id).await?.map(Category))
    }

    /// In words.
    async fn description(&self) -> &str {
        &self.row.description
    }

    /// How much, in trade units.
    async fn quantity(&self) -> i64 {
        self.row.quantity
    }

    /// The trade unit.
    async fn unit(&self) -> &str {
        &self.row.unit
    }

    /// By which day it is needed; null: as the request says.
    async fn needed_on(&self) -> Option<NaiveDate> {
        self.row.needed_on
    }

    /// How much of it is awarded; null to suppliers.
    async fn awarded(&self) -> Option<i64> {
        self.inside.then_some(self.row.awarded)
    }
}

/// An invitation to quote; it never says whether the supplier did (询价邀请).
#[derive(Clone, Debug)]
pub(crate) struct RfqInvitation {
    row: invitation::Model,
    /// When its supplier first looked, as far as the viewer may know.
    viewed: Option<DateTime<Utc>>,
    inside: bool,
}

/// An invitation to quote; it never says whether the supplier did (询价邀请).
#[Object]
impl RfqInvitation {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.row.id)
    }

    /// Who is invited.
    async fn supplier(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.row.supplier_id).await?.map(Organisation))
    }

    /// When the supplier was told of this round; null: the request is a draft.
    async fn sent_at(&self) -> Option<DateTime<Utc>> {
        self.row.sent_at
    }

    /// When it first looked; of a sealed round null to all but itself until the opening: beside the count it would say
    /// who quoted.
    async fn viewed_at(&self) -> Option<DateTime<Utc>> {
        self.viewed
    }

    /// When it said that it will not quote.
    async fn declined_at(&self) -> Option<DateTime<Utc>> {
        self.row.declined_at
    }

    /// Why not.
    async fn decline_reason(&self) -> Option<&str> {
        self.row.decline_reason.as_deref()
    }

    /// Whether its standing with the buyer gave a warning when it was asked last; null to suppliers (供应商预警).
    async fn warned(&self) -> Option<bool> {
        self.inside.then_some(self.row.warned)
    }
}

/// A question about a request, and its answer (澄清答疑).
#[derive(Clone, Debug)]
pub(crate) struct RfqQuestion {
    row: question::Model,
    /// Whether the viewer may know who asked.
    named: bool,
}

/// A question about a request, and its answer (澄清答疑).
#[Object]
impl RfqQuestion {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.row.id)
    }

    /// Which supplier asked; null to other suppliers.
    async fn supplier(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        if !self.named {
            return Ok(None);
        }
        Ok(party::loaders::of(context).load_one(self.row.supplier_id).await?.map(Organisation))
    }

    /// The question.
    async fn text(&self) -> &str {
        &self.row.text
    }

    /// The answer.
    async fn answer(&self) -> Option<&str> {
        self.row.answer.as_deref()
    }

    /// When it was answered.
    async fn answered_at(&self) -> Option<DateTime<Utc>> {
        self.row.answered_at
    }

    /// Whether all suppliers read both.
    async fn published(&self) -> bool {
        self.row.published
    }

    /// When it was asked.
    async fn asked_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }
}

/// Which requests (询价筛选).
#[derive(InputObject)]
pub(crate) struct RfqFilter {
    /// Only those that one asks with, or that one is asked with.
    side: Option<Side>,
    /// Only in this state.
    state: Option<RfqState>,
}

/// A line of what is asked for (询价明细).
#[derive(InputObject)]
pub(crate) struct RfqLineInput {
    /// Of what; its category goes with it.
    variant_id: Option<ID>,
    /// Of which category, of what is only described.
    category_id: Option<ID>,
    /// In words.
    description: String,
    /// How much, in trade units.
    quantity: i64,
    /// The trade unit.
    unit: String,
    /// By which day it is needed; left out: as the request says.
    needed_on: Option<NaiveDate>,
}

/// What a request is made of (询价来源).
#[derive(InputObject)]
pub(crate) struct RfqOriginInput {
    /// `EXHIBITION_LEAD`, `FAIR_INTENT` or `SOURCING_REQUEST`.
    kind: String,
    /// Which one, as whoever keeps it names it.
    reference: String,
}

/// A request that is written (新建询价单).
#[derive(InputObject)]
pub(crate) struct CreateRfqInput {
    /// What it is about.
    title: String,
    /// Whether nobody but its supplier reads a quotation before the deadline; left out: so it is.
    sealed: Option<bool>,
    /// Until when suppliers quote, at most a year ahead.
    deadline: DateTime<Utc>,
    /// In which currency quotations are compared: ISO 4217 code.
    currency: String,
    /// Who is to pay carriage and bear the risk up to where; left out: the supplier says.
    incoterm: Option<Incoterm>,
    /// The place named with it.
    named_place: Option<String>,
    /// What else holds.
    terms: Option<String>,
    /// By which day it is needed.
    needed_on: Option<NaiveDate>,
    /// To which location of one's own.
    deliver_to_id: Option<ID>,
    /// Of which category most of it is.
    category_id: Option<ID>,
    /// What is asked for, at most 200 lines.
    lines: Vec<RfqLineInput>,
    /// Who is asked, at most 50; more may be invited until the deadline.
    #[graphql(default)]
    supplier_ids: Vec<ID>,
    /// The intent or lead that it is made of. Of one there is one request until that is given up: asked for again, that
    /// is the answer.
    origin: Option<RfqOriginInput>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What a draft says from now on, all of it (询价单内容).
#[derive(InputObject)]
pub(crate) struct RfqContentInput {
    /// What it is about.
    title: String,
    /// Whether nobody but its supplier reads a quotation before the deadline; left out: so it is.
    sealed: Option<bool>,
    /// Until when suppliers quote, at most a year ahead.
    deadline: DateTime<Utc>,
    /// In which currency quotations are compared: ISO 4217 code.
    currency: String,
    /// Who is to pay carriage and bear the risk up to where; left out: the supplier says.
    incoterm: Option<Incoterm>,
    /// The place named with it.
    named_place: Option<String>,
    /// What else holds.
    terms: Option<String>,
    /// By which day it is needed.
    needed_on: Option<NaiveDate>,
    /// To which location of one's own.
    deliver_to_id: Option<ID>,
    /// Of which category most of it is.
    category_id: Option<ID>,
    /// What is asked for, at most 200 lines.
    lines: Vec<RfqLineInput>,
    /// Who is asked, at most 50.
    #[graphql(default)]
    supplier_ids: Vec<ID>,
}

/// A draft that is written anew (修改询价单).
#[derive(InputObject)]
pub(crate) struct UpdateRfqInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// What it says from now on.
    content: RfqContentInput,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A request that suppliers are told of (发布询价).
#[derive(InputObject)]
pub(crate) struct PublishRfqInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A request that suppliers get more time for (延长报价截止时间).
#[derive(InputObject)]
pub(crate) struct ExtendRfqDeadlineInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// Until when; later than before.
    deadline: DateTime<Utc>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// Who else is asked (邀请供应商).
#[derive(InputObject)]
pub(crate) struct InviteSuppliersInput {
    /// With which request.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// Whom.
    supplier_ids: Vec<ID>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A round that is opened (开标).
#[derive(InputObject)]
pub(crate) struct OpenBidsInput {
    /// Of which request.
    id: ID,
    /// The version that was read; left out: whichever it is.
    expected_version: Option<i32>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A request whose suppliers are asked once more (新一轮报价).
#[derive(InputObject)]
pub(crate) struct StartRfqRoundInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// Until when they quote in the new round.
    deadline: DateTime<Utc>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A request that is given up (取消询价).
#[derive(InputObject)]
pub(crate) struct CancelRfqInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// Why; its suppliers read it.
    reason: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A request that one looked at (已查看询价).
#[derive(InputObject)]
pub(crate) struct MarkRfqViewedInput {
    /// Which.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A request that one will not quote for (放弃报价).
#[derive(InputObject)]
pub(crate) struct DeclineRfqInput {
    /// Which.
    id: ID,
    /// Why not.
    reason: Option<String>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A question about a request (提问).
#[derive(InputObject)]
pub(crate) struct AskRfqQuestionInput {
    /// About which.
    rfq_id: ID,
    /// The question.
    text: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// An answer to a question (答疑).
#[derive(InputObject)]
pub(crate) struct AnswerRfqQuestionInput {
    /// To which.
    question_id: ID,
    /// The answer.
    answer: String,
    /// Whether all suppliers read question and answer; left out: they do. Who asked they do not learn.
    publish: Option<bool>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `createRfq`.
    CreateRfqPayload { /// The request.
        rfq: Rfq }
    /// The answer to `updateRfq`.
    UpdateRfqPayload { /// The request.
        rfq: Rfq }
    /// The answer to `publishRfq`.
    PublishRfqPayload { /// The request.
        rfq: Rfq }
    /// The answer to `extendRfqDeadline`.
    ExtendRfqDeadlinePayload { /// The request.
        rfq: Rfq }
    /// The answer to `inviteSuppliers`.
    InviteSuppliersPayload { /// The request.
        rfq: Rfq }
    /// The answer to `openBids`.
    OpenBidsPayload { /// The request.
        rfq: Rfq }
    /// The answer to `startRfqRound`.
    StartRfqRoundPayload { /// The request.
        rfq: Rfq }
    /// The answer to `cancelRfq`.
    CancelRfqPayload { /// The request.
        rfq: Rfq }
    /// The answer to `markRfqViewed`.
    MarkRfqViewedPayload { /// The request.
        rfq: Rfq }
    /// The answer to `declineRfq`.
    DeclineRfqPayload { /// The request.
        rfq: Rfq }
    /// The answer to `askRfqQuestion`.
    AskRfqQuestionPayload { /// The request.
        rfq: Rfq }
    /// The answer to `answerRfqQuestion`.
    AnswerRfqQuestionPayload { /// The request.
        rfq: Rfq }
}

fn suppliers(ids: &[ID]) -> Result<Vec<OrganisationId>, Error> {
    let read = |(n, id): (usize, &ID)| decode(id, &n.to_string()).map_err(|error| error.at("supplierIds"));
    ids.iter().enumerate().map(read).collect()
}

impl RfqLineInput {
    fn read(self) -> Result<NewLine, Error> {
        Ok(NewLine {
            variant: self.variant_id.as_ref().map(|id| decode(id, "variantId")).transpose()?,
            category: self.category_id.as_ref().map(|id| decode(id, "categoryId")).transpose()?,
            description: self.description,
            quantity: self.quantity,
            unit: self.unit,
            needed_on: self.needed_on,
        })
    }
}

impl RfqContentInput {
    /// What is asked for, as it is sent.
    fn read(self) -> Result<NewRfq, Error> {
        let currency: Currency = self.currency.parse().map_err(|refusal: Refusal| refusal.at("currency"))?;
        let line = |(n, line): (usize, RfqLineInput)| line.read().map_err(|error| in_line(error, n));
        Ok(NewRfq {
            title: self.title,
            sealed: self.sealed.unwrap_or(true),
            deadline: self.deadline,
            currency,
            incoterm: self.incoterm,
            named_place: self.named_place,
            terms: self.terms,
            needed_on: self.needed_on,
            deliver_to: self.deliver_to_id.map(|id| decode(&id, "deliverToId")).transpose()?,
            category: self.category_id.map(|id| decode(&id, "categoryId")).transpose()?,
            lines: self.lines.into_iter().enumerate().map(line).collect::<Result<_, Error>>()?,
            suppliers: suppliers(&self.supplier_ids)?,
        })
    }
}

/// A request that is written, as it is sent, and what it is made of.
fn asked(input: CreateRfqInput) -> Result<(NewRfq, Option<Origin>), Error> {
    let origin = input.origin.map(|origin| Origin { kind: origin.kind, reference: origin.reference });
    let content = RfqContentInput {
        title: input.title,
        sealed: input.sealed,
        deadline: input.deadline,
        currency: input.currency,
        incoterm: input.incoterm,
        named_place: input.named_place,
        terms: input.terms,
        needed_on: input.needed_on,
        deliver_to_id: input.deliver_to_id,
        category_id: input.category_id,
        lines: input.lines,
        supplier_ids: input.supplier_ids,
    };
    Ok((content.read()?, origin))
}

/// Which quotations (报价筛选).
#[derive(InputObject)]
pub(crate) struct QuotationFilter {
    /// Only for this request.
    rfq_id: Option<ID>,
}

/// Queries about requests for quotations, and quotations.
#[derive(Default)]
pub(crate) struct RfqQuery;

#[Object]
impl RfqQuery {
    /// Requests for quotations that one's organisation asks with, and those that it is invited to; newest first
    /// (询价单列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn rfqs(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only these.")] filter: Option<RfqFilter>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Rfq>> {
        context.may(Action::ReadProcurement)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let filter = filter.map_or_else(Filter::default, |only| Filter { side: only.side, state: only.state });
        let rows = ops::list(context.app().db().read(), context.viewer(), filter, &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::cursor(&row), Rfq(row))))
    }

    /// A request for quotations; null when there is none or it may not be seen (询价单).
    async fn rfq(&self, context: &Context<'_>, #[graphql(desc = "Opaque identifier.")] id: ID) -> Result<Option<Rfq>> {
        context.may(Action::ReadProcurement)?;
        let Ok(id) = decode::<RfqId>(&id, "id") else { return Ok(None) };
        Ok(ops::find(context.app().db().read(), context.viewer(), id).await?.map(Rfq))
    }

    /// Quotations of one's organisation, and those for its requests that were opened; newest first (报价列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn quotations(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only these.")] filter: Option<QuotationFilter>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Quotation>> {
        context.may(Action::ReadProcurement)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rfq = filter.and_then(|only| only.rfq_id).map(|id| decode(&id, "rfqId")).transpose()?;
        let filter = quotations::Filter { rfq, state: None };
        let rows = quotations::list(context.app().db().read(), context.viewer(), filter, &page).await?;
        Ok(Connection::new(rows, None, |row| (quotations::cursor(&row), Quotation(row))))
    }

    /// A quotation; null when there is none, it may not be seen, or its round is not opened (报价).
    async fn quotation(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Opaque identifier.")] id: ID,
    ) -> Result<Option<Quotation>> {
        context.may(Action::ReadProcurement)?;
        let Ok(id) = decode::<QuotationId>(&id, "id") else { return Ok(None) };
        Ok(quotations::find(context.app().db().read(), context.viewer(), id).await?.map(Quotation))
    }
}

/// Mutations of requests for quotations.
#[derive(Default)]
pub(crate) struct RfqMutation;

#[Object]
impl RfqMutation {
    /// Writes a request for quotations; no supplier knows of it until it is published (新建询价单).
    async fn create_rfq(&self, context: &Context<'_>, input: CreateRfqInput) -> Result<CreateRfqPayload> {
        let call = context.call(Action::SourceGoods)?;
        let known_as = input.client_mutation_id.clone();
        let result = async {
            let (new, origin) = asked(input)?;
            ops::create(context.app(), &call, origin.as_ref(), &new).await
        };
        CreateRfqPayload::new(context, known_as, result.await.map(Rfq))
    }

    /// Writes a draft anew, all of it (修改询价单).
    async fn update_rfq(&self, context: &Context<'_>, input: UpdateRfqInput) -> Result<UpdateRfqPayload> {
        let call = context.call(Action::SourceGoods)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            let new = input.content.read().map_err(|error| error.at("content"))?;
            let done = ops::update(context.app(), &call, id, input.expected_version, &new).await;
            done.map_err(in_content)
        };
        UpdateRfqPayload::new(context, input.client_mutation_id, result.await.map(Rfq))
    }

    /// Tells the suppliers of a request: they may quote until its deadline. Of whose standing one is warned its
    /// `invitations` say (发布询价).
    async fn publish_rfq(&self, context: &Context<'_>, input: PublishRfqInput) -> Result<PublishRfqPayload> {
        let call = context.call(Action::SourceGoods)?;
        let result =
            async { ops::publish(context.app(), &call, decode(&input.id, "id")?, input.expected_version).await };
        PublishRfqPayload::new(context, input.client_mutation_id, result.await.map(Rfq))
    }

    /// Gives suppliers more time; never less, and not after the deadline (延长报价截止时间).
    async fn extend_rfq_deadline(
        &self,
        context: &Context<'_>,
        input: ExtendRfqDeadlineInput,
    ) -> Result<ExtendRfqDeadlinePayload> {
        let call = context.call(Action::SourceGoods)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            ops::extend(context.app(), &call, id, input.expected_version, input.deadline).await
        };
        ExtendRfqDeadlinePayload::new(context, input.client_mutation_id, result.await.map(Rfq))
    }

    /// Asks further suppliers, until the deadline. Of whose standing one is warned the request's `invitations` say
    /// (邀请供应商).
    async fn invite_suppliers(
        &self,
        context: &Context<'_>,
        input: InviteSuppliersInput,
    ) -> Result<InviteSuppliersPayload> {
        let call = context.call(Action::SourceGoods)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            let suppliers = suppliers(&input.supplier_ids)?;
            ops::invite(context.app(), &call, id, input.expected_version, &suppliers).await
        };
        InviteSuppliersPayload::new(context, input.client_mutation_id, result.await.map(Rfq))
    }

    /// Opens a round: quotations may be read from here on. A sealed one not before its deadline, whoever asks; the
    /// clock opens it by itself when that is over (开标).
    async fn open_bids(&self, context: &Context<'_>, input: OpenBidsInput) -> Result<OpenBidsPayload> {
        let call = context.call(Action::SourceGoods)?;
        let result =
            async { ops::open_bids(context.app(), &call, decode(&input.id, "id")?, input.expected_version).await };
        OpenBidsPayload::new(context, input.client_mutation_id, result.await.map(Rfq))
    }

    /// Asks the same suppliers once more, sealed as before; what was quoted stays as it was opened. Refused when one of
    /// them must not be asked any more (新一轮报价).
    async fn start_rfq_round(&self, context: &Context<'_>, input: StartRfqRoundInput) -> Result<StartRfqRoundPayload> {
        let call = context.call(Action::SourceGoods)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            ops::reopen(context.app(), &call, id, input.expected_version, input.deadline).await
        };
        StartRfqRoundPayload::new(context, input.client_mutation_id, result.await.map(Rfq))
    }

    /// Gives a request up; what was quoted and not opened never is. Its intent or lead may become another (取消询价).
    async fn cancel_rfq(&self, context: &Context<'_>, input: CancelRfqInput) -> Result<CancelRfqPayload> {
        let call = context.call(Action::SourceGoods)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            ops::cancel(context.app(), &call, id, input.expected_version, &input.reason).await
        };
        CancelRfqPayload::new(context, input.client_mutation_id, result.await.map(Rfq))
    }

    /// Notes that one looked at a request that one is invited to (已查看询价).
    async fn mark_rfq_viewed(&self, context: &Context<'_>, input: MarkRfqViewedInput) -> Result<MarkRfqViewedPayload> {
        let call = context.call(Action::QuoteGoods)?;
        let result = async { ops::mark_viewed(context.app(), &call, decode(&input.id, "id")?).await };
        MarkRfqViewedPayload::new(context, input.client_mutation_id, result.await.map(Rfq))
    }

    /// Says that one will not quote in this round (放弃报价).
    async fn decline_rfq(&self, context: &Context<'_>, input: DeclineRfqInput) -> Result<DeclineRfqPayload> {
        let call = context.call(Action::QuoteGoods)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            ops::decline(context.app(), &call, id, input.reason.as_deref()).await
        };
        DeclineRfqPayload::new(context, input.client_mutation_id, result.await.map(Rfq))
    }

    /// Asks the buyer about a request, while one may quote (提问).
    async fn ask_rfq_question(
        &self,
        context: &Context<'_>,
        input: AskRfqQuestionInput,
    ) -> Result<AskRfqQuestionPayload> {
        let call = context.call(Action::QuoteGoods)?;
        let result = async { questions::ask(context.app(), &call, decode(&input.rfq_id, "rfqId")?, &input.text).await };
        AskRfqQuestionPayload::new(context, input.client_mutation_id, result.await.map(Rfq))
    }

    /// Answers a question: to all suppliers, or to who asked (答疑).
    async fn answer_rfq_question(
        &self,
        context: &Context<'_>,
        input: AnswerRfqQuestionInput,
    ) -> Result<AnswerRfqQuestionPayload> {
        let call = context.call(Action::SourceGoods)?;
        let result = async {
            let id = decode(&input.question_id, "questionId")?;
            let publish = input.publish.unwrap_or(true);
            questions::answer(context.app(), &call, id, &input.answer, publish).await
        };
        AnswerRfqQuestionPayload::new(context, input.client_mutation_id, result.await.map(Rfq))
    }
}

/// What is refused of a draft's content lies in it; its id and its version do not.
fn in_content(error: Error) -> Error {
    let Error::Refused(refusals) = error else { return error };
    let within = |refusal: Refusal| {
        let outside = refusal.field.first().is_none_or(|field| field == "id" || field == "expectedVersion");
        if outside { refusal } else { refusal.at("content") }
    };
    Error::Refused(refusals.into_iter().map(within).collect())
}
