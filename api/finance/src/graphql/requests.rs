//! Asking for money in the schema: what stands against receivables, what they would make and where, requests.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    finance::{
        Ineligibility, ProgrammeState, RequestState, programme,
        quote::{self, StepKind},
        receivable::{self, MOST},
        request::{self, item},
    },
    party::Action,
    values::{
        Currency, ErrorCode, Refusal,
        id::{FinancingProgrammeId, FinancingRequestId},
    },
};
use party::graphql::Organisation;
use platform::{
    error::{Error, not_found},
    graphql::{
        Connection, ContextExt, Money, MoneyInput,
        connection::{list_cost, times},
        decode, encode,
    },
    page::PageArgs,
    payload,
};

use super::{
    conditions::{FinancingCondition, FinancingRegistration, inside},
    notices::AssignmentNotice,
    offers::FinancingOffer,
    optional, organisation,
    programmes::{FinancingProgramme, FinancingTerms},
    receivables::Receivable,
};
use crate::{
    loaders::{
        self, OffersOf, ProgrammeOf,
        conditions::{ConditionsOf, NoticesOf, RegistrationOf},
    },
    ops::{
        Control,
        eligible::{self, Looked, Wanted},
        programmes::{self, Filter},
        requests::{self as ops, Asked, Reply, Review},
    },
};

/// Receivables that an answer is reckoned with.
const ITEMS: usize = 50;
/// Steps of a formula that an answer is reckoned with.
const STEPS: usize = 20;
/// Programmes that are compared.
const CHOICES: u64 = 20;

fn money(minor: i64, currency: Currency) -> Money {
    entities::values::Money { minor, currency }.into()
}

/// A step of a quote: what is computed, what of, and what it comes to (试算步骤).
#[derive(SimpleObject)]
pub(crate) struct FinancingStep {
    /// What.
    kind: StepKind,
    /// Of which receivable, from one; null: of all.
    item: Option<i32>,
    /// What of, in order: amounts and rates as decimal numbers.
    operands: Vec<String>,
    /// What it comes to.
    result: String,
}

/// A receivable in a quote (试算明细).
#[derive(SimpleObject)]
pub(crate) struct FinancingQuoteItem {
    /// How much of it is financed (融资基数).
    face: Money,
    /// When it is due, after the roll to a working day.
    due_on: NaiveDate,
    /// Days of interest.
    days: i64,
    /// What is advanced (融资本金).
    principal: Money,
    /// Interest until it is due (利息).
    interest: Money,
    /// The fee, with VAT (手续费).
    fee: Money,
    /// What is paid out (实际放款).
    disbursed: Money,
    /// What is held back of the face (保留款).
    reserve: Money,
}

/// What receivables make, what it costs, and how that comes about (融资试算).
#[derive(Clone, Debug)]
pub(crate) struct FinancingQuote(pub(crate) quote::Quote);

/// What receivables make, what it costs, and how that comes about (融资试算).
#[Object]
impl FinancingQuote {
    /// On which day it is paid out.
    async fn funded_on(&self) -> NaiveDate {
        self.0.funded_on
    }

    /// Days of interest of what is due last.
    async fn days(&self) -> i64 {
        self.0.days
    }

    /// What the receivables are over, as far as they are financed.
    async fn face(&self) -> Money {
        money(self.0.face_minor, self.0.currency)
    }

    /// What is advanced (融资本金).
    async fn principal(&self) -> Money {
        money(self.0.principal_minor, self.0.currency)
    }

    /// Interest until they are due (利息).
    async fn interest(&self) -> Money {
        money(self.0.interest_minor, self.0.currency)
    }

    /// The fee, with VAT (手续费).
    async fn fee(&self) -> Money {
        money(self.0.fee.gross_minor, self.0.currency)
    }

    /// The fee without VAT.
    async fn fee_net(&self) -> Money {
        money(self.0.fee.net_minor, self.0.currency)
    }

    /// The VAT in the fee (增值税).
    async fn fee_vat(&self) -> Money {
        money(self.0.fee.vat_minor, self.0.currency)
    }

    /// What is paid out (实际放款).
    async fn disbursed(&self) -> Money {
        money(self.0.disbursed_minor, self.0.currency)
    }

    /// What is held back (保留款).
    async fn reserve(&self) -> Money {
        money(self.0.reserve_minor, self.0.currency)
    }

    /// What of that comes back when debtors pay on the day, less interest and fees that are paid then, as a decimal
    /// number; below nothing when it does not cover them (尾款).
    async fn reserve_back(&self) -> String {
        rust_decimal(self.0.reserve_back_minor, self.0.currency)
    }

    /// What the seller has in the end (合计所得).
    async fn total(&self) -> Money {
        money(self.0.total_minor, self.0.currency)
    }

    /// What it costs: interest and fee, with VAT (总成本).
    async fn cost(&self) -> Money {
        money(self.0.cost_minor, self.0.currency)
    }

    /// What that is of the money paid out, by the year of 365 days, in parts per million (年化成本).
    async fn annual_cost_ppm(&self) -> i64 {
        self.0.annual_cost_ppm
    }

    /// The receivables.
    #[graphql(complexity = "times(ITEMS, child_complexity)")]
    async fn items(&self) -> Vec<FinancingQuoteItem> {
        let currency = self.0.currency;
        let shown = |one: &quote::ItemQuote| FinancingQuoteItem {
            face: money(one.face_minor, currency),
            due_on: one.due_on,
            days: one.days,
            principal: money(one.principal_minor, currency),
            interest: money(one.interest_minor, currency),
            fee: money(one.fee.gross_minor, currency),
            disbursed: money(one.disbursed_minor, currency),
            reserve: money(one.reserve_minor, currency),
        };
        self.0.items.iter().map(shown).collect()
    }

    /// How it comes about, step by step; with a pocket calculator it is the same (计算过程).
    #[graphql(complexity = "times(STEPS, child_complexity)")]
    async fn formula(&self) -> Vec<FinancingStep> {
        let shown = |step: &quote::Step| FinancingStep {
            kind: step.what,
            item: step.item,
            operands: step.operands.clone(),
            result: step.result.clone(),
        };
        self.0.formula.iter().map(shown).collect()
    }
}

/// An amount that may be below nothing, as a decimal number.
fn rust_decimal(minor: i64, currency: Currency) -> String {
    let whole = entities::values::Money { minor: minor.abs(), currency }.decimal();
    if minor < 0 { format!("-{whole}") } else { whole.to_string() }
}

/// Whether a receivable can be financed in a programme, and everything that stands against it (准入结果).
#[derive(SimpleObject)]
pub(crate) struct EligibilityResult {
    /// Which.
    receivable: Receivable,
    /// Whether it can be.
    eligible: bool,
    /// Everything that stands against it, not the first only.
    reasons: Vec<Ineligibility>,
    /// How much of it is the base of an advance: what the debtor stands for (可融资基数).
    base: Money,
}

impl EligibilityResult {
    fn all(looked: Vec<Looked>) -> Vec<Self> {
        let shown = |one: Looked| Self {
            eligible: one.reasons.is_empty(),
            reasons: one.reasons,
            base: one.row.money(one.base_minor).into(),
            receivable: Receivable(one.row),
        };
        looked.into_iter().map(shown).collect()
    }
}

/// What one programme would make of receivables (融资方案).
#[derive(SimpleObject)]
pub(crate) struct FinancingChoice {
    /// The programme.
    programme: FinancingProgramme,
    /// Each receivable held against its rules.
    #[graphql(complexity = "times(ITEMS, child_complexity)")]
    eligibility: Vec<EligibilityResult>,
    /// What those that are eligible make; null: none is.
    quote: Option<FinancingQuote>,
}

/// A receivable of a request (融资申请明细).
#[derive(Clone, Debug)]
pub(crate) struct FinancingItem {
    row: item::Model,
    of: Option<receivable::Model>,
    currency: Currency,
}

/// A receivable of a request (融资申请明细).
#[Object]
impl FinancingItem {
    /// The receivable; null when it may not be seen any more.
    async fn receivable(&self) -> Option<Receivable> {
        self.of.clone().map(Receivable)
    }

    /// How much of it is financed.
    async fn face(&self) -> Money {
        money(self.row.face_minor, self.currency)
    }

    /// What is advanced on it.
    async fn principal(&self) -> Money {
        money(self.row.principal_minor, self.currency)
    }

    /// When it is due, as it was then.
    async fn due_on(&self) -> NaiveDate {
        self.row.due_on
    }
}

/// That a seller asks for money on receivables (融资申请).
#[derive(Clone, Debug)]
pub struct FinancingRequest(pub request::Model);

/// That a seller asks for money on receivables (融资申请).
#[Object]
impl FinancingRequest {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// What people call it by (编号).
    async fn number(&self) -> &str {
        &self.0.number
    }

    /// In which programme; null to the seller while a change of it waits for approval.
    async fn programme(&self, context: &Context<'_>) -> Result<Option<FinancingProgramme>> {
        Ok(loaders::of(context).load_one(ProgrammeOf(self.0.programme_id)).await?.map(FinancingProgramme))
    }

    /// Who is asked (资金方).
    async fn financier(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        organisation(context, self.0.financier_id).await
    }

    /// Who is to have the money (申请方).
    async fn seller(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        organisation(context, self.0.seller_id).await
    }

    /// Where it is.
    async fn state(&self) -> RequestState {
        self.0.state
    }

    /// What its receivables are over, as far as they are financed.
    async fn face(&self) -> Money {
        self.0.money(self.0.face_minor).into()
    }

    /// What is to be advanced.
    async fn principal(&self) -> Money {
        self.0.money(self.0.principal_minor).into()
    }

    /// On which day the money is wanted.
    async fn wanted_on(&self) -> NaiveDate {
        self.0.wanted_on
    }

    /// The terms as they were when it was submitted.
    async fn terms(&self) -> FinancingTerms {
        (&self.0.terms).into()
    }

    /// Which version of the programme's rules it was held against.
    async fn rules_version(&self) -> i32 {
        self.0.rules_version
    }

    /// What it comes to by these terms.
    async fn quote(&self) -> FinancingQuote {
        FinancingQuote(self.0.quote.clone())
    }

    /// What it is about, in the order that was asked.
    #[graphql(complexity = "times(ITEMS, child_complexity)")]
    async fn items(&self, context: &Context<'_>) -> Result<Vec<FinancingItem>> {
        let rows = ops::items(context.app().db().read(), context.viewer(), self.0.id).await?;
        let currency = self.0.currency;
        Ok(rows.into_iter().map(|(row, of)| FinancingItem { row, of, currency }).collect())
    }

    /// The offers to it, the newest first; to the seller those that were approved.
    #[graphql(complexity = "times(5, child_complexity)")]
    async fn offers(&self, context: &Context<'_>) -> Result<Vec<FinancingOffer>> {
        let rows = loaders::of(context).load_one(OffersOf(self.0.id)).await?.unwrap_or_default();
        let currency = self.0.currency;
        Ok(rows.into_iter().map(|row| FinancingOffer { row, currency }).collect())
    }

    /// What has to be done before money is paid out, from when the offer is taken on (放款条件).
    #[graphql(complexity = "times(5, child_complexity)")]
    async fn conditions(&self, context: &Context<'_>) -> Result<Vec<FinancingCondition>> {
        let rows = loaders::of(context).load_one(ConditionsOf(self.0.id)).await?.unwrap_or_default();
        Ok(FinancingCondition::all(context.viewer(), &self.0, rows))
    }

    /// How it stands in the registry of movable property; null to the seller, and before the offer is taken (登记).
    async fn registration(&self, context: &Context<'_>) -> Result<Option<FinancingRegistration>> {
        if !inside(context.viewer(), &self.0) {
            return Ok(None);
        }
        Ok(loaders::of(context).load_one(RegistrationOf(self.0.id)).await?.map(FinancingRegistration))
    }

    /// What its debtors are told (转让通知).
    #[graphql(complexity = "times(5, child_complexity)")]
    async fn notices(&self, context: &Context<'_>) -> Result<Vec<AssignmentNotice>> {
        let rows = loaders::of(context).load_one(NoticesOf(self.0.id)).await?.unwrap_or_default();
        Ok(rows.into_iter().map(AssignmentNotice).collect())
    }

    /// What the financier wants to know, or why it will not.
    async fn note(&self) -> Option<&str> {
        self.0.note.as_deref()
    }

    /// What the seller said to it.
    async fn answer(&self) -> Option<&str> {
        self.0.answer.as_deref()
    }

    /// Counts up with every change.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Since when.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}

/// Which requests (融资申请筛选).
#[derive(Default, InputObject)]
pub(crate) struct FinancingRequestFilter {
    /// Only those that are there.
    state: Option<RequestState>,
    /// Only those in this programme.
    programme_id: Option<ID>,
}

/// A receivable that money is wanted on (融资明细).
#[derive(Clone, InputObject)]
pub(crate) struct FinancingItemInput {
    /// Which.
    receivable_id: ID,
    /// How much of it; left out: all that can be.
    amount: Option<MoneyInput>,
}

fn wanted(items: &[FinancingItemInput]) -> Result<Vec<Wanted>, Error> {
    if items.len() > MOST {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MOST.to_string()).at("items").into());
    }
    let read = |(n, item): (usize, &FinancingItemInput)| -> Result<Wanted, Error> {
        let at = |error: Error| error.at(n.to_string()).at("items");
        Ok(Wanted {
            id: decode(&item.receivable_id, "receivableId").map_err(at)?,
            amount: item.amount.as_ref().map(|amount| amount.read("amount")).transpose().map_err(at)?,
        })
    };
    items.iter().enumerate().map(read).collect()
}

/// What a seller asks for: money on all of these, or on none (提交融资申请).
#[derive(InputObject)]
pub(crate) struct SubmitFinancingRequestInput {
    /// In which programme.
    programme_id: ID,
    /// On which receivables, at most 500.
    items: Vec<FinancingItemInput>,
    /// How many they are (总笔数).
    item_count: i32,
    /// What of them is to be financed in all (总金额).
    control_sum: MoneyInput,
    /// On which day the money is wanted, today or within 30 days.
    wanted_on: NaiveDate,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What a financier does about a request before it makes an offer (审核动作).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum FinancingReview {
    /// It looks at it (开始审核).
    Begin,
    /// It wants to know more (要求补充资料).
    RequestInfo,
    /// It will not (拒绝).
    Reject,
}

/// What a financier does about a request (审核融资申请).
#[derive(InputObject)]
pub(crate) struct ReviewFinancingRequestInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// What.
    review: FinancingReview,
    /// What it wants to know, or why it will not.
    note: Option<String>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What a seller does about its request (答复动作).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum FinancingReply {
    /// It says what the financier wants to know (补充资料).
    SupplyInfo,
    /// It does not want it any more (撤回).
    Withdraw,
    /// It calls it off after it took the offer (取消).
    Cancel,
}

/// What a seller does about its request (答复融资申请).
#[derive(InputObject)]
pub(crate) struct ReplyToFinancingRequestInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// What.
    reply: FinancingReply,
    /// What there is to say.
    note: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What is called off by the financier (取消融资).
#[derive(InputObject)]
pub(crate) struct CancelFinancingInput {
    /// Which request.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// Why.
    note: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `submitFinancingRequest`.
    SubmitFinancingRequestPayload { /// The request.
        request: FinancingRequest }
    /// The answer to `reviewFinancingRequest`.
    ReviewFinancingRequestPayload { /// The request.
        request: FinancingRequest }
    /// The answer to `replyToFinancingRequest`.
    ReplyToFinancingRequestPayload { /// The request.
        request: FinancingRequest }
    /// The answer to `cancelFinancing`.
    CancelFinancingPayload { /// The request.
        request: FinancingRequest }
}

/// Queries about financing.
#[derive(Default)]
pub struct RequestQuery;

async fn programme(context: &Context<'_>, id: &ID) -> Result<programme::Model, Error> {
    let id: FinancingProgrammeId = decode(id, "programmeId")?;
    let row = programmes::find(context.app().db().read(), context.viewer(), id).await?;
    row.ok_or_else(|| not_found("programmeId", encode(id).as_str()))
}

#[Object]
impl RequestQuery {
    /// Whether receivables of one's organisation can be financed in a programme: each with everything that stands
    /// against it (准入预览).
    #[graphql(complexity = "times(ITEMS, child_complexity)")]
    async fn eligibility(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "In which programme.")] programme_id: ID,
        #[graphql(desc = "Which receivables, at most 500.")] receivable_ids: Vec<ID>,
        #[graphql(desc = "On which day the money is wanted; left out: today.")] on: Option<NaiveDate>,
    ) -> Result<Vec<EligibilityResult>> {
        context.may(Action::RequestFinancing)?;
        let programme = programme(context, &programme_id).await?;
        let items = receivable_ids.into_iter().map(|receivable_id| FinancingItemInput { receivable_id, amount: None });
        let wanted = wanted(&items.collect::<Vec<_>>())?;
        let (looked, _) = eligible::preview(context.app(), context.viewer(), &programme, &wanted, on).await?;
        Ok(EligibilityResult::all(looked))
    }

    /// What receivables of one's organisation would make in a programme, and what it costs, with the way it is computed;
    /// null: none of them is eligible (融资试算).
    async fn financing_quote(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "In which programme.")] programme_id: ID,
        #[graphql(desc = "Which receivables, at most 500.")] items: Vec<FinancingItemInput>,
        #[graphql(desc = "On which day the money is wanted; left out: today.")] on: Option<NaiveDate>,
    ) -> Result<Option<FinancingQuote>> {
        context.may(Action::RequestFinancing)?;
        let programme = programme(context, &programme_id).await?;
        let wanted = wanted(&items)?;
        let (_, quote) = eligible::preview(context.app(), context.viewer(), &programme, &wanted, on).await?;
        Ok(quote.map(FinancingQuote))
    }

    /// What one would get for receivables, from whom, at what cost: every open programme in their currency, the cheapest
    /// that takes any of them first (融资方案比较).
    #[graphql(complexity = "times(20, child_complexity)")]
    async fn financing_choices(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which receivables, at most 500.")] items: Vec<FinancingItemInput>,
        #[graphql(desc = "On which day the money is wanted; left out: tomorrow.")] on: Option<NaiveDate>,
    ) -> Result<Vec<FinancingChoice>> {
        context.may(Action::RequestFinancing)?;
        let (app, viewer) = (context.app(), context.viewer());
        let tomorrow = platform::clock::business_day(app.clock().now()).succ_opt();
        let wanted = wanted(&items)?;
        let filter = Filter { financier: None, state: Some(ProgrammeState::Active) };
        let page = PageArgs::first(CHOICES);
        let mut choices = Vec::new();
        for row in programmes::list(app.db().read(), viewer, filter, &page).await?.rows {
            let (looked, quote) = eligible::preview(app, viewer, &row, &wanted, on.or(tomorrow)).await?;
            choices.push((row, looked, quote));
        }
        choices.sort_by_key(|(row, _, quote)| {
            (quote.is_none(), quote.as_ref().map(|quote| quote.annual_cost_ppm), row.number.clone())
        });
        let shown = |(row, looked, quote): (programme::Model, Vec<Looked>, Option<quote::Quote>)| FinancingChoice {
            programme: FinancingProgramme(row),
            eligibility: EligibilityResult::all(looked),
            quote: quote.map(FinancingQuote),
        };
        Ok(choices.into_iter().map(shown).collect())
    }

    /// Requests of one's organisation, on both sides, newest first (融资申请列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn financing_requests(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which.")] filter: Option<FinancingRequestFilter>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<FinancingRequest>> {
        context.may(Action::ReadFinancing)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let filter = filter.unwrap_or_default();
        let programme = optional(filter.programme_id.as_ref(), "programmeId")?;
        let rows = ops::list(context.app().db().read(), context.viewer(), (filter.state, programme), &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::cursor(&row), FinancingRequest(row))))
    }

    /// A request; null when there is none or it may not be seen (融资申请).
    async fn financing_request(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Opaque identifier.")] id: ID,
    ) -> Result<Option<FinancingRequest>> {
        context.may(Action::ReadFinancing)?;
        let Ok(id) = decode::<FinancingRequestId>(&id, "id") else { return Ok(None) };
        Ok(ops::find(context.app().db().read(), context.viewer(), id).await?.map(FinancingRequest))
    }
}

/// Mutations of requests.
#[derive(Default)]
pub struct RequestMutation;

#[Object]
impl RequestMutation {
    /// Asks for money on receivables: all of them, or none. They are locked and limits blocked until it is decided; one
    /// invoice is financed once, whoever asks and whomever (提交融资申请).
    async fn submit_financing_request(
        &self,
        context: &Context<'_>,
        input: SubmitFinancingRequestInput,
    ) -> Result<SubmitFinancingRequestPayload> {
        let call = context.call(Action::RequestFinancing)?;
        let result = async {
            let asked = Asked {
                programme: decode(&input.programme_id, "programmeId")?,
                items: wanted(&input.items)?,
                control: Control { count: input.item_count, sum: input.control_sum.read("controlSum")? },
                wanted_on: input.wanted_on,
            };
            ops::submit(context.app(), &call, &asked).await
        };
        SubmitFinancingRequestPayload::new(context, input.client_mutation_id, result.await.map(FinancingRequest))
    }

    /// The financier looks at a request, wants to know more, or will not; what it will not finance is free again
    /// (审核融资申请).
    async fn review_financing_request(
        &self,
        context: &Context<'_>,
        input: ReviewFinancingRequestInput,
    ) -> Result<ReviewFinancingRequestPayload> {
        let call = context.call(Action::MakeFinancing)?;
        let result = async {
            let id = (decode(&input.id, "id")?, input.expected_version);
            let note = input.note.unwrap_or_default();
            let what = match input.review {
                FinancingReview::Begin => Review::Begin,
                FinancingReview::RequestInfo => Review::Ask(note),
                FinancingReview::Reject => Review::Reject(note),
            };
            ops::review(context.app(), &call, id, &what).await
        };
        ReviewFinancingRequestPayload::new(context, input.client_mutation_id, result.await.map(FinancingRequest))
    }

    /// The seller says what the financier wants to know, or does not want the money any more; what it withdraws is free
    /// again (答复融资申请).
    async fn reply_to_financing_request(
        &self,
        context: &Context<'_>,
        input: ReplyToFinancingRequestInput,
    ) -> Result<ReplyToFinancingRequestPayload> {
        let call = context.call(Action::RequestFinancing)?;
        let result = async {
            let id = (decode(&input.id, "id")?, input.expected_version);
            let what = match input.reply {
                FinancingReply::SupplyInfo => Reply::Supply(input.note),
                FinancingReply::Withdraw => Reply::Withdraw(input.note),
                FinancingReply::Cancel => Reply::Cancel(input.note),
            };
            ops::reply(context.app(), &call, id, &what).await
        };
        ReplyToFinancingRequestPayload::new(context, input.client_mutation_id, result.await.map(FinancingRequest))
    }

    /// The financier calls off what was agreed before it paid anything out; the receivables are free again (取消融资).
    async fn cancel_financing(
        &self,
        context: &Context<'_>,
        input: CancelFinancingInput,
    ) -> Result<CancelFinancingPayload> {
        let call = context.call(Action::CheckFinancing)?;
        let result = async {
            let id = (decode(&input.id, "id")?, input.expected_version);
            ops::cancel(context.app(), &call, id, &input.note).await
        };
        CancelFinancingPayload::new(context, input.client_mutation_id, result.await.map(FinancingRequest))
    }
}
