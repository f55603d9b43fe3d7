//! Sample loans in the schema. Who borrowed is shown masked.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use catalog::graphql::Variant;
use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    party::Action,
    showroom::loan::{self, Borrower, DepositMeans, LoanState, back, line},
    values::{ErrorCode, Money as Amount, Refusal, id::SampleLoanId},
};
use inventory::{graphql::StockLot, ledger::in_line, ops::transfers::Asked};
use party::graphql::Organisation;
use platform::{
    clock::business_day,
    error::Error,
    graphql::{Connection, ContextExt, Money, connection::list_cost, decode, encode, scalars::MoneyInput},
    page::PageArgs,
    payload,
};

use crate::ops::loans::{self as ops, CameBack, Filter, NewLoan, To};

/// Samples that somebody takes along until a day (样品借出).
#[derive(Clone, Debug)]
pub(crate) struct SampleLoan(pub loan::Model);

/// Samples that somebody takes along until a day (样品借出).
#[Object]
impl SampleLoan {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Of which showroom.
    async fn showroom_id(&self) -> ID {
        encode(self.0.showroom_id)
    }

    /// What its samples are held under, and moved under.
    async fn document(&self) -> &str {
        &self.0.document
    }

    /// State.
    async fn state(&self) -> LoanState {
        self.0.state
    }

    /// Whether some of it should have been back by now (逾期).
    async fn overdue(&self, context: &Context<'_>) -> bool {
        self.0.is_overdue(business_day(context.app().clock().now()))
    }

    /// The organisation that borrows; null: a person does.
    async fn borrower(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        let Some(id) = self.0.borrower_id else { return Ok(None) };
        Ok(party::loaders::of(context).load_one(id).await?.map(Organisation))
    }

    /// The person who borrows, masked; null: an organisation does.
    async fn masked_borrower(&self) -> Option<&str> {
        self.0.masked_borrower.as_deref()
    }

    /// What for.
    async fn purpose(&self) -> &str {
        &self.0.purpose
    }

    /// The last day on which the samples should be back.
    async fn due_on(&self) -> NaiveDate {
        self.0.due_on
    }

    /// The deposit; the house notes it and never holds it (押金).
    async fn deposit(&self) -> Money {
        self.0.taken().into()
    }

    /// How the deposit was taken.
    async fn deposit_means(&self) -> DepositMeans {
        self.0.deposit_means
    }

    /// Why none was.
    async fn waived_reason(&self) -> Option<&str> {
        self.0.waived_reason.as_deref()
    }

    /// What of the deposit went back (已退押金).
    async fn deposit_back(&self) -> Money {
        self.0.money(self.0.back_minor).into()
    }

    /// What of the deposit was kept (扣留押金).
    async fn deposit_kept(&self) -> Money {
        self.0.money(self.0.kept_minor).into()
    }

    /// How many pieces.
    async fn pieces(&self) -> i64 {
        self.0.pieces
    }

    /// How many of them came back, or are lost.
    async fn settled(&self) -> i64 {
        self.0.settled
    }

    /// Who asked for it.
    async fn requested_by(&self) -> &str {
        &self.0.requested_by
    }

    /// Who lent it.
    async fn lent_by(&self) -> Option<&str> {
        self.0.lent_by.as_deref()
    }

    /// Since when.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When the samples went.
    async fn lent_at(&self) -> Option<DateTime<Utc>> {
        self.0.lent_at
    }

    /// When it was over.
    async fn ended_at(&self) -> Option<DateTime<Utc>> {
        self.0.ended_at
    }

    /// What is lent, in the order that it was named in.
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn lines(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<SampleLoanLine>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = ops::lines(context.app().db().read(), self.0.id, &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::line_cursor(&row), SampleLoanLine(row))))
    }

    /// What came back of it, or was lost, first first (归还记录).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn returns(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<SampleLoanReturn>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = ops::returns(context.app().db().read(), self.0.id, &page).await?;
        let shown = |row: back::Model| (ops::return_cursor(&row), SampleLoanReturn::of(&self.0, row));
        Ok(Connection::new(rows, None, shown))
    }
}

/// A line of a loan (借样明细).
#[derive(Clone, Debug)]
pub(crate) struct SampleLoanLine(line::Model);

/// A line of a loan (借样明细).
#[Object]
impl SampleLoanLine {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Of what.
    async fn variant(&self, context: &Context<'_>) -> Result<Option<Variant>> {
        Ok(catalog::loaders::of(context).load_one(self.0.variant_id).await?.map(Variant))
    }

    /// Which lot.
    async fn lot(&self, context: &Context<'_>) -> Result<Option<StockLot>> {
        Ok(inventory::loaders::of(context).load_one(self.0.lot_id).await?.map(StockLot))
    }

    /// How much.
    async fn quantity(&self) -> i64 {
        self.0.quantity
    }

    /// How much came back as it went.
    async fn good(&self) -> i64 {
        self.0.good
    }

    /// How much came back damaged.
    async fn damaged(&self) -> i64 {
        self.0.damaged
    }

    /// How much is lost.
    async fn lost(&self) -> i64 {
        self.0.lost
    }

    /// What neither came back nor is lost.
    async fn outstanding(&self) -> i64 {
        self.0.outstanding()
    }
}

/// What came back of a line of a loan at once, or was lost; never changed (归还记录).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct SampleLoanReturn {
    /// Opaque identifier.
    id: ID,
    /// Of which line.
    line_id: ID,
    /// How much came back as it went.
    good: i64,
    /// How much came back damaged.
    damaged: i64,
    /// How much is lost.
    lost: i64,
    /// In which condition, or how it was lost.
    condition: Option<String>,
    /// What of the deposit went back.
    deposit_back: Money,
    /// What of the deposit was kept.
    deposit_kept: Money,
    /// Who noted it.
    noted_by: String,
    /// When.
    at: DateTime<Utc>,
}

impl SampleLoanReturn {
    fn of(loan: &loan::Model, row: back::Model) -> Self {
        Self {
            id: encode(row.id),
            line_id: encode(row.line_id),
            good: row.good,
            damaged: row.damaged,
            lost: row.lost,
            condition: row.condition,
            deposit_back: loan.money(row.back_minor).into(),
            deposit_kept: loan.money(row.kept_minor).into(),
            noted_by: row.noted_by,
            at: row.at,
        }
    }
}

/// A person who borrows, in clear (借用人明文).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct RevealedBorrower {
    /// The name (姓名).
    name: String,
    /// The mobile number (手机号).
    mobile: Option<String>,
}

impl From<Borrower> for RevealedBorrower {
    fn from(it: Borrower) -> Self {
        Self { name: it.name, mobile: it.mobile }
    }
}

/// A person who borrows, by its own word; kept sealed, shown masked (借用人).
#[derive(InputObject)]
pub(crate) struct SampleBorrowerInput {
    /// The name.
    name: String,
    /// The mobile number.
    mobile: Option<String>,
}

/// A deposit (押金).
#[derive(InputObject)]
pub(crate) struct SampleDepositInput {
    /// How it is taken.
    means: DepositMeans,
    /// How much; none when it is waived.
    amount: Option<MoneyInput>,
    /// Why it is waived.
    waived_reason: Option<String>,
}

/// A line of what is to be lent (借样申请行).
#[derive(InputObject)]
pub(crate) struct RequestSampleLoanLine {
    /// From which balance, of samples.
    balance_id: ID,
    /// How much, in trade units.
    quantity: i64,
}

/// A loan that is asked for (借样申请).
#[derive(InputObject)]
pub(crate) struct RequestSampleLoanInput {
    /// Of which showroom.
    showroom_id: ID,
    /// The organisation that borrows; this, or a person.
    borrower_id: Option<ID>,
    /// The person who borrows; this, or an organisation.
    borrower: Option<SampleBorrowerInput>,
    /// What for.
    purpose: String,
    /// The last day on which the samples should be back; at most a year ahead.
    due_on: NaiveDate,
    /// The deposit.
    deposit: SampleDepositInput,
    /// Which samples, at most 50 lines; all of them or, when one is refused, none.
    lines: Vec<RequestSampleLoanLine>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A loan whose samples go (借出).
#[derive(InputObject)]
pub(crate) struct LendSamplesInput {
    /// Which.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What came back of a line (归还行).
#[derive(InputObject)]
pub(crate) struct ReturnSamplesLine {
    /// Of which line.
    line_id: ID,
    /// How much as it went; by default nothing.
    #[graphql(default)]
    good: i64,
    /// How much damaged; by default nothing.
    #[graphql(default)]
    damaged: i64,
    /// What of the deposit of the damaged ones is kept; who runs the showroom says so. By default nothing.
    kept: Option<MoneyInput>,
    /// In which condition; required for what is damaged.
    condition: Option<String>,
}

/// What came back of a loan (归还).
#[derive(InputObject)]
pub(crate) struct ReturnSamplesInput {
    /// Of which.
    id: ID,
    /// What came back, at most 50 lines.
    lines: Vec<ReturnSamplesLine>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A loan of which the rest is lost (遗失).
#[derive(InputObject)]
pub(crate) struct LoseSampleLoanInput {
    /// Which.
    id: ID,
    /// How it was lost.
    reason: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A loan that is given up before the samples go (取消借样).
#[derive(InputObject)]
pub(crate) struct CancelSampleLoanInput {
    /// Which.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// Whose borrower is read in clear, and why (查看借用人).
#[derive(InputObject)]
pub(crate) struct RevealSampleBorrowerInput {
    /// Of which loan.
    id: ID,
    /// Why; it is in the audit.
    reason: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `requestSampleLoan`.
    RequestSampleLoanPayload { /// The loan.
        loan: SampleLoan }
    /// The answer to `lendSamples`.
    LendSamplesPayload { /// The loan.
        loan: SampleLoan }
    /// The answer to `returnSamples`.
    ReturnSamplesPayload { /// The loan.
        loan: SampleLoan }
    /// The answer to `loseSampleLoan`.
    LoseSampleLoanPayload { /// The loan.
        loan: SampleLoan }
    /// The answer to `cancelSampleLoan`.
    CancelSampleLoanPayload { /// The loan.
        loan: SampleLoan }
    /// The answer to `revealSampleBorrower`.
    RevealSampleBorrowerPayload { /// Who borrowed.
        borrower: RevealedBorrower }
}

/// Queries about sample loans.
#[derive(Default)]
pub(crate) struct LoanQuery;

#[Object]
impl LoanQuery {
    /// Loans of showrooms that one works in, or whose organisation one leads; newest first (借样列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn sample_loans(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only of this showroom.")] showroom_id: Option<ID>,
        #[graphql(desc = "Only in this state.")] state: Option<LoanState>,
        #[graphql(desc = "Only those that are overdue, or are not.")] overdue: Option<bool>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<SampleLoan>> {
        context.may(Action::ReadShowrooms)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let showroom = showroom_id.map(|id| decode(&id, "showroomId")).transpose()?;
        let filter = Filter { showroom, state, overdue };
        let today = business_day(context.app().clock().now());
        let rows = ops::list(context.app().db().read(), context.viewer(), filter, today, &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::cursor(&row), SampleLoan(row))))
    }

    /// A loan; null when there is none or it may not be seen (借样).
    async fn sample_loan(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Opaque identifier.")] id: ID,
    ) -> Result<Option<SampleLoan>> {
        context.may(Action::ReadShowrooms)?;
        let Ok(id) = decode::<SampleLoanId>(&id, "id") else { return Ok(None) };
        Ok(ops::find(context.app().db().read(), context.viewer(), id).await?.map(SampleLoan))
    }
}

/// Mutations of sample loans.
#[derive(Default)]
pub(crate) struct LoanMutation;

/// A loan as it is sent.
fn asked(input: RequestSampleLoanInput) -> Result<NewLoan, Error> {
    let to = match (input.borrower_id, input.borrower) {
        (Some(id), None) => To::Organisation(decode(&id, "borrowerId")?),
        (None, Some(person)) => To::Person(Borrower { name: person.name, mobile: person.mobile }),
        _ => {
            let either = "borrowerId, or borrower";
            let refusal = Refusal::new(ErrorCode::InvalidValue).with("value", either);
            return Err(refusal.at("borrower").into());
        }
    };
    let deposit = input.deposit.amount.as_ref().map(|amount| amount.read("amount")).transpose();
    let line = |(n, line): (usize, RequestSampleLoanLine)| {
        let balance = decode(&line.balance_id, "balanceId").map_err(|error| in_line(error, n))?;
        Ok::<_, Error>(Asked { balance, quantity: line.quantity })
    };
    Ok(NewLoan {
        showroom: decode(&input.showroom_id, "showroomId")?,
        to,
        purpose: input.purpose,
        due_on: input.due_on,
        means: input.deposit.means,
        deposit: deposit.map_err(|error| error.at("deposit"))?,
        waived_reason: input.deposit.waived_reason,
        lines: input.lines.into_iter().enumerate().map(line).collect::<Result<_, _>>()?,
    })
}

/// What came back, as it is sent.
fn came(lines: Vec<ReturnSamplesLine>) -> Result<Vec<CameBack>, Error> {
    let line = |(n, line): (usize, ReturnSamplesLine)| {
        let of = decode(&line.line_id, "lineId").map_err(|error| in_line(error, n))?;
        let kept: Option<Amount> = match &line.kept {
            Some(kept) => Some(kept.read("kept").map_err(|error| in_line(error, n))?),
            None => None,
        };
        Ok::<_, Error>(CameBack { line: of, good: line.good, damaged: line.damaged, kept, condition: line.condition })
    };
    lines.into_iter().enumerate().map(line).collect()
}

#[Object]
impl LoanMutation {
    /// Asks that samples be lent; they are held from here on (借样申请).
    async fn request_sample_loan(
        &self,
        context: &Context<'_>,
        input: RequestSampleLoanInput,
    ) -> Result<RequestSampleLoanPayload> {
        let call = context.call(Action::WorkShowrooms)?;
        let known_as = input.client_mutation_id.clone();
        let result = async { ops::request(context.app(), &call, &asked(input)?).await };
        RequestSampleLoanPayload::new(context, known_as, result.await.map(SampleLoan))
    }

    /// Agrees to a loan, and the samples go: they lie in no place of the showroom from here on (借出).
    async fn lend_samples(&self, context: &Context<'_>, input: LendSamplesInput) -> Result<LendSamplesPayload> {
        let call = context.call(Action::KeepShowrooms)?;
        let result = async { ops::lend(context.app(), &call, decode(&input.id, "id")?).await };
        LendSamplesPayload::new(context, input.client_mutation_id, result.await.map(SampleLoan))
    }

    /// Takes in what came back; the deposit goes back in proportion, less what is kept for what is damaged (归还).
    async fn return_samples(&self, context: &Context<'_>, input: ReturnSamplesInput) -> Result<ReturnSamplesPayload> {
        let call = context.call(Action::WorkShowrooms)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            ops::take_back(context.app(), &call, id, &came(input.lines)?).await
        };
        ReturnSamplesPayload::new(context, input.client_mutation_id, result.await.map(SampleLoan))
    }

    /// What the borrower still has is lost: it is written off, and its deposit is kept. Not who lent it says so (遗失).
    async fn lose_sample_loan(
        &self,
        context: &Context<'_>,
        input: LoseSampleLoanInput,
    ) -> Result<LoseSampleLoanPayload> {
        let call = context.call(Action::KeepShowrooms)?;
        let result = async { ops::lose(context.app(), &call, decode(&input.id, "id")?, &input.reason).await };
        LoseSampleLoanPayload::new(context, input.client_mutation_id, result.await.map(SampleLoan))
    }

    /// Gives a loan up before the samples go; they are not held any more (取消借样).
    async fn cancel_sample_loan(
        &self,
        context: &Context<'_>,
        input: CancelSampleLoanInput,
    ) -> Result<CancelSampleLoanPayload> {
        let call = context.call(Action::WorkShowrooms)?;
        let result = async { ops::cancel(context.app(), &call, decode(&input.id, "id")?).await };
        CancelSampleLoanPayload::new(context, input.client_mutation_id, result.await.map(SampleLoan))
    }

    /// Reads in clear who borrowed; the reason is in the audit (查看借用人).
    async fn reveal_sample_borrower(
        &self,
        context: &Context<'_>,
        input: RevealSampleBorrowerInput,
    ) -> Result<RevealSampleBorrowerPayload> {
        let call = context.call(Action::KeepShowrooms)?;
        let result = async { ops::reveal(context.app(), &call, decode(&input.id, "id")?, &input.reason).await };
        RevealSampleBorrowerPayload::new(context, input.client_mutation_id, result.await.map(RevealedBorrower::from))
    }
}
