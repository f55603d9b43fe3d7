//! Financings in the schema: what money is out on, what happened to it and what that makes, its ledger, and what a bank
//! has out in all.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    finance::{
        financing::{self, FactKind, FinancingState, PostingKind, posting},
        ledger::FinanceAccount,
        settlement::{Allocation, Payer},
    },
    party::Action,
    values::{
        self, Currency,
        id::{FinancingId, FinancingProgrammeId, OrganisationId},
    },
};
use party::graphql::Organisation;
use platform::{
    clock::business_day,
    graphql::{
        Connection, ContextExt, Money,
        connection::{list_cost, times},
        decode, encode,
    },
    page::PageArgs,
};

use super::{
    organisation,
    programmes::{FinancingProgramme, FinancingTerms},
    receivables::Receivable,
    requests::FinancingRequest,
};
use crate::{
    loaders::{self, ProgrammeOf, ReceivableOf, RequestOf},
    ops::money::reads::{self, Aged, Dimension, Exposed, Filter},
};

/// Rows of what is out that an answer is reckoned with.
const EXPOSURES: usize = 100;
/// Rows by days overdue that an answer is reckoned with: five for each of a few currencies.
const AGED: usize = 25;
/// Accounts of a ledger.
const ACCOUNTS: usize = 13;

fn money(minor: i64, currency: Currency) -> Money {
    values::Money { minor, currency }.into()
}

/// What a financing comes to (融资余额). Amounts below nothing have a sign.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct FinancingFigures {
    /// What the receivable was assigned or pledged for (融资应收金额).
    face: Money,
    /// What was paid out (实际放款).
    disbursed: Money,
    /// What of the principal is owed (本金余额).
    principal: Money,
    /// What of it was paid (已还本金).
    principal_paid: Money,
    /// Interest so far, what was taken off at the front included (已计利息).
    interest_accrued: Money,
    /// What of it was paid (已收利息).
    interest_paid: Money,
    /// What of it is owed (应收利息).
    interest_due: Money,
    /// Penalty interest so far (已计罚息).
    penalty_accrued: Money,
    /// What of it was paid (已收罚息).
    penalty_paid: Money,
    /// What of it is owed (应收罚息).
    penalty_due: Money,
    /// Fees so far, with VAT (已计费用).
    fees_charged: Money,
    /// What of them was paid (已收费用).
    fees_paid: Money,
    /// What of them is owed (应收费用).
    fees_due: Money,
    /// All that is owed (应收合计).
    due: Money,
    /// What is held back of the face (保留款).
    reserve: Money,
    /// What of that would come back if the debtor paid now (预计尾款).
    reserve_back: Money,
    /// What the debtor paid (债务人已付).
    collected: Money,
    /// What came from whomever (已收款项).
    received: Money,
    /// What of it is the seller's (已释放尾款).
    released: Money,
    /// Interest that is given back because principal came early (退息).
    rebated: Money,
    /// What is to be paid to the seller; below nothing when it had more than was its (应付卖方).
    seller_due: Money,
    /// What came and is nobody's yet: more than the face, or more than was owed (待清分款项).
    suspense: Money,
    /// What was written off and did not come in after all (核销损失).
    loss: Money,
    /// What who covers the debtor paid and did not have back (赔付未回收).
    covered: Money,
}

impl FinancingFigures {
    fn of(row: &financing::Model) -> Self {
        let (figures, due) = (&row.figures, row.figures.due());
        let money = |minor: i64| money(minor, row.currency);
        Self {
            face: money(figures.face_minor),
            disbursed: money(figures.disbursed_minor),
            principal: money(due.principal_minor),
            principal_paid: money(figures.paid.principal_minor),
            interest_accrued: money(figures.charged.interest_minor),
            interest_paid: money(figures.paid.interest_minor),
            interest_due: money(due.interest_minor),
            penalty_accrued: money(figures.charged.penalty_minor),
            penalty_paid: money(figures.paid.penalty_minor),
            penalty_due: money(due.penalty_minor),
            fees_charged: money(figures.charged.fee_minor),
            fees_paid: money(figures.paid.fee_minor),
            fees_due: money(due.fee_minor),
            due: money(due.total_minor()),
            reserve: money(figures.reserve_minor),
            reserve_back: money(figures.reserve_back_minor()),
            collected: money(figures.collected_minor),
            received: money(figures.received_minor),
            released: money(figures.released_minor),
            rebated: money(figures.rebated_minor),
            seller_due: money(figures.seller_due_minor()),
            suspense: money(figures.suspense_minor),
            loss: money(figures.loss_minor()),
            covered: money(figures.covered_minor),
        }
    }
}

/// What became of money that came, by the waterfall: its parts are what came, but for rebate and reserve (清分结果).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct CollectionAllocation {
    /// What it cost to have it paid (实现债权费用).
    cost: Money,
    /// Penalty interest (罚息).
    penalty: Money,
    /// Interest (利息).
    interest: Money,
    /// Principal (本金).
    principal: Money,
    /// Fees (费用).
    fees: Money,
    /// What made good what was written off (核销收回).
    recovered: Money,
    /// What is the seller's (尾款释放).
    released: Money,
    /// What is nobody's yet (待清分款项).
    suspense: Money,
    /// Interest that is given back (退息).
    rebate: Money,
    /// By how much what is held back changed (保留款变动).
    reserve_change: Money,
}

impl CollectionAllocation {
    fn of(one: &Allocation, currency: Currency) -> Self {
        let money = |minor: i64| money(minor, currency);
        Self {
            cost: money(one.paid.cost_minor),
            penalty: money(one.paid.penalty_minor),
            interest: money(one.paid.interest_minor),
            principal: money(one.paid.principal_minor),
            fees: money(one.paid.fee_minor),
            recovered: money(one.recovered_minor),
            released: money(one.released_minor),
            suspense: money(one.suspense_minor),
            rebate: money(one.rebate_minor),
            reserve_change: money(one.reserve_change_minor),
        }
    }
}

fn inside(context: &Context<'_>, financier: OrganisationId) -> bool {
    context.viewer().oversees() || context.viewer().organisation() == Some(financier)
}

/// What happened to a financing; never changed (融资事实).
#[derive(Clone, Debug)]
pub(crate) struct FinancingFact {
    one: reads::Happened,
    currency: Currency,
}

/// What happened to a financing; never changed (融资事实).
#[Object]
impl FinancingFact {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.one.row.id)
    }

    /// What happened.
    async fn kind(&self) -> FactKind {
        self.one.row.kind
    }

    /// Who paid, of money that came (付款方).
    async fn payer(&self) -> Option<Payer> {
        self.one.row.payer
    }

    /// How much.
    async fn amount(&self) -> Money {
        money(self.one.row.amount_minor, self.currency)
    }

    /// From which day on it counts (起息日).
    async fn value_date(&self) -> NaiveDate {
        self.one.row.value_date
    }

    /// The bank's own reference of the transaction (银行流水号).
    async fn bank_reference(&self) -> Option<&str> {
        self.one.row.bank_reference.as_deref()
    }

    /// Which line of the transaction, from one (明细行号).
    async fn line(&self) -> i32 {
        self.one.row.line
    }

    /// What there is to say to it.
    async fn note(&self) -> Option<&str> {
        self.one.row.note.as_deref()
    }

    /// Which fact it takes back.
    async fn reverses(&self) -> Option<ID> {
        self.one.row.reverses_id.map(encode)
    }

    /// Which fact took it back (冲正).
    async fn reversed_by(&self) -> Option<ID> {
        self.one.reversed_by.map(encode)
    }

    /// What became of money that came, as all that is known now has it; null of other facts, and of what was taken back
    /// (清分结果).
    async fn allocation(&self) -> Option<CollectionAllocation> {
        self.one.allocation.as_ref().map(|one| CollectionAllocation::of(one, self.currency))
    }

    /// Who; null to others than the financier.
    async fn by(&self, context: &Context<'_>) -> Option<&str> {
        inside(context, self.one.row.financier_id).then_some(self.one.row.by.as_str())
    }

    /// When it became known.
    async fn at(&self) -> DateTime<Utc> {
        self.one.row.at
    }
}

/// A leg of a posting of the memo ledger; never changed. The legs of a posting sum to nothing (备查账分录).
#[derive(Clone, Debug)]
pub(crate) struct FinancePosting(posting::Model);

/// A leg of a posting of the memo ledger; never changed. The legs of a posting sum to nothing (备查账分录).
#[Object]
impl FinancePosting {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// What the posting is known by: it is made once (记账编号).
    async fn posting(&self) -> &str {
        &self.0.posting_key
    }

    /// Why (记账事由).
    async fn kind(&self) -> PostingKind {
        self.0.kind
    }

    /// Account (科目).
    async fn account(&self) -> FinanceAccount {
        self.0.account
    }

    /// How much; what the financier owes or earned is less than nothing (金额).
    async fn amount(&self) -> Money {
        money(self.0.amount_minor, self.0.currency)
    }

    /// From which day on it counts (起息日).
    async fn value_date(&self) -> NaiveDate {
        self.0.value_date
    }

    /// After which fact.
    async fn fact_id(&self) -> Option<ID> {
        self.0.fact_id.map(encode)
    }

    /// When.
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }
}

/// What an account holds (科目余额).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct FinanceBalance {
    /// Account (科目).
    account: FinanceAccount,
    /// How much; what the financier owes or earned is less than nothing (余额).
    amount: Money,
}

/// The memo ledger of a financing in double entry; the house notes, and never moves money (备查账).
#[derive(Clone, Debug)]
pub(crate) struct FinanceLedger {
    of: FinancingId,
    currency: Currency,
}

impl FinanceLedger {
    /// It is its financier's, and of who oversees the zone.
    fn of(context: &Context<'_>, row: &financing::Model) -> Option<Self> {
        inside(context, row.financier_id).then_some(Self { of: row.id, currency: row.currency })
    }
}

/// The memo ledger of a financing in double entry; the house notes, and never moves money (备查账).
#[Object]
impl FinanceLedger {
    /// What each account holds by the postings; together nothing (科目余额).
    #[graphql(complexity = "times(ACCOUNTS, child_complexity)")]
    async fn balances(&self, context: &Context<'_>) -> Result<Vec<FinanceBalance>> {
        let legs = reads::accounts(context.app().db().read(), self.of).await?;
        let shown = legs
            .into_iter()
            .map(|leg| FinanceBalance { account: leg.account, amount: money(leg.amount_minor, self.currency) });
        Ok(shown.collect())
    }

    /// The legs of its postings, first first (分录).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn postings(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<FinancePosting>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = reads::postings(context.app().db().read(), self.of, &page).await?;
        Ok(Connection::new(rows, None, |row| (reads::posting_cursor(&row), FinancePosting(row))))
    }
}

/// A receivable that money is out on, or was (融资).
#[derive(Clone, Debug)]
pub struct Financing(pub financing::Model);

/// A receivable that money is out on, or was (融资).
#[Object]
impl Financing {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Of which request.
    async fn request(&self, context: &Context<'_>) -> Result<Option<FinancingRequest>> {
        Ok(loaders::of(context).load_one(RequestOf(self.0.request_id)).await?.map(FinancingRequest))
    }

    /// The receivable; null when it may not be seen any more.
    async fn receivable(&self, context: &Context<'_>) -> Result<Option<Receivable>> {
        Ok(loaders::of(context).load_one(ReceivableOf(self.0.receivable_id)).await?.map(Receivable))
    }

    /// In which programme.
    async fn programme(&self, context: &Context<'_>) -> Result<Option<FinancingProgramme>> {
        Ok(loaders::of(context).load_one(ProgrammeOf(self.0.programme_id)).await?.map(FinancingProgramme))
    }

    /// Who gave the money (资金方).
    async fn financier(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        organisation(context, self.0.financier_id).await
    }

    /// Who had it (卖方).
    async fn seller(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        organisation(context, self.0.seller_id).await
    }

    /// Who is to pay (债务人).
    async fn debtor(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        organisation(context, self.0.debtor_id).await
    }

    /// Whether something is owed.
    async fn state(&self) -> FinancingState {
        self.0.state
    }

    /// Whether the receivable secures what was given, instead of having gone over (质押).
    async fn pledged(&self) -> bool {
        self.0.pledged
    }

    /// The terms as they were agreed.
    async fn terms(&self) -> FinancingTerms {
        (&self.0.terms).into()
    }

    /// When it was paid out (放款日).
    async fn funded_on(&self) -> NaiveDate {
        self.0.funded_on
    }

    /// When the receivable is due, after the roll to a working day (到期日).
    async fn due_on(&self) -> NaiveDate {
        self.0.due_on
    }

    /// The last day of grace (宽限期截止日).
    async fn grace_until(&self) -> NaiveDate {
        self.0.grace_until
    }

    /// Since how many days something that is owed was due, grace or not (逾期天数).
    async fn days_overdue(&self, context: &Context<'_>) -> i64 {
        self.0.days_overdue(business_day(context.app().clock().now()))
    }

    /// Up to which day interest is in the figures, the day not counted (计息至).
    async fn accrued_to(&self) -> NaiveDate {
        self.0.accrued_to
    }

    /// What it comes to on that day (融资余额).
    async fn figures(&self) -> FinancingFigures {
        FinancingFigures::of(&self.0)
    }

    /// How much more is owed than the debtor still has to pay, by what is known here and of the receivable: what a
    /// margin call is for. A credit note, or a payment to somebody else, changes nothing that happened (保证金追缴金额).
    async fn uncovered(&self, context: &Context<'_>) -> Result<Money> {
        let of = loaders::of(context).load_one(ReceivableOf(self.0.receivable_id)).await?;
        // Who may not see the receivable any more has nothing out on it.
        let minor = of.map_or_else(|| self.0.figures.uncovered_minor(), |of| self.0.uncovered_minor(&of));
        Ok(self.0.money(minor).into())
    }

    /// What happened to it, first first (融资事实).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn facts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<FinancingFact>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = reads::facts(context.app().db().read(), &self.0, &page).await?;
        let currency = self.0.currency;
        Ok(Connection::new(rows, None, |one| (reads::fact_cursor(&one), FinancingFact { one, currency })))
    }

    /// Its memo ledger; null to others than the financier (备查账).
    async fn ledger(&self, context: &Context<'_>) -> Option<FinanceLedger> {
        FinanceLedger::of(context, &self.0)
    }

    /// Counts up with every change.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Since when it is known.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}

/// What a bank has out with somebody, or in a programme, in one currency (融资敞口).
#[derive(Clone, Debug)]
pub(crate) struct FinancingExposure {
    row: Exposed,
    by: Dimension,
}

/// What a bank has out with somebody, or in a programme, in one currency (融资敞口).
#[Object]
impl FinancingExposure {
    /// With whom; null of a programme.
    async fn organisation(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        match self.by {
            Dimension::Debtor | Dimension::Seller => organisation(context, OrganisationId(self.row.party)).await,
            Dimension::Programme => Ok(None),
        }
    }

    /// In which programme; null of who is to pay or had the money.
    async fn programme(&self, context: &Context<'_>) -> Result<Option<FinancingProgramme>> {
        match self.by {
            Dimension::Programme => {
                let of = ProgrammeOf(FinancingProgrammeId(self.row.party));
                Ok(loaders::of(context).load_one(of).await?.map(FinancingProgramme))
            }
            Dimension::Debtor | Dimension::Seller => Ok(None),
        }
    }

    /// Principal that is owed (本金余额).
    async fn principal(&self) -> Money {
        money(self.row.principal, self.row.currency)
    }

    /// All that is owed (应收合计).
    async fn owed(&self) -> Money {
        money(self.row.owed, self.row.currency)
    }

    /// What of it should have been paid by now (逾期金额).
    async fn overdue(&self) -> Money {
        money(self.row.overdue, self.row.currency)
    }

    /// On how many receivables (笔数).
    async fn financings(&self) -> i64 {
        self.row.financings
    }
}

/// What a bank has out that is so many days overdue, in one currency (账龄).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct FinancingAgeing {
    /// From so many days on; none at all: it is not overdue.
    from_days: i64,
    /// To so many days; null: and beyond.
    to_days: Option<i64>,
    /// Principal that is owed (本金余额).
    principal: Money,
    /// All that is owed (应收合计).
    owed: Money,
    /// On how many receivables (笔数).
    financings: i64,
}

impl From<Aged> for FinancingAgeing {
    fn from(row: Aged) -> Self {
        Self {
            from_days: row.from_days,
            to_days: row.to_days,
            principal: money(row.principal, row.currency),
            owed: money(row.owed, row.currency),
            financings: row.financings,
        }
    }
}

/// Which financings (融资筛选).
#[derive(Default, InputObject)]
pub(crate) struct FinancingFilter {
    /// Only those on which something is owed, or nothing is.
    state: Option<FinancingState>,
    /// Only those of this request.
    request_id: Option<ID>,
    /// Only those of this receivable.
    receivable_id: Option<ID>,
    /// Only those that should have been paid by now (逾期).
    #[graphql(default)]
    overdue: bool,
    /// Only those of which more is owed than the debtor still has to pay (需追缴保证金).
    #[graphql(default)]
    uncovered: bool,
}

/// Queries about financings.
#[derive(Default)]
pub struct FinancingQuery;

#[Object]
impl FinancingQuery {
    /// Receivables that one's organisation gave money on or had money on, newest first (融资列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn financings(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which.")] filter: Option<FinancingFilter>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Financing>> {
        context.may(Action::ReadFinancing)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let filter = filter.unwrap_or_default();
        let filter = Filter {
            state: filter.state,
            request: filter.request_id.as_ref().map(|id| decode(id, "requestId")).transpose()?,
            receivable: filter.receivable_id.as_ref().map(|id| decode(id, "receivableId")).transpose()?,
            overdue: filter.overdue,
            uncovered: filter.uncovered,
        };
        let today = business_day(context.app().clock().now());
        let rows = reads::list(context.app().db().read(), context.viewer(), filter, today, &page).await?;
        Ok(Connection::new(rows, None, |row| (reads::cursor(&row), Financing(row))))
    }

    /// A receivable that money is out on, or was; null when there is none or it may not be seen (融资).
    async fn financing(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Opaque identifier.")] id: ID,
    ) -> Result<Option<Financing>> {
        context.may(Action::ReadFinancing)?;
        let Ok(id) = decode::<FinancingId>(&id, "id") else { return Ok(None) };
        Ok(reads::find(context.app().db().read(), context.viewer(), id).await?.map(Financing))
    }

    /// The memo ledger of a financing, to its financier; null when there is none or it may not be seen (备查账).
    async fn finance_ledger(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Of which financing.")] financing_id: ID,
    ) -> Result<Option<FinanceLedger>> {
        context.may(Action::ReadFinancing)?;
        let Ok(id) = decode::<FinancingId>(&financing_id, "financingId") else { return Ok(None) };
        let row = reads::find(context.app().db().read(), context.viewer(), id).await?;
        Ok(row.and_then(|row| FinanceLedger::of(context, &row)))
    }

    /// What the bank acted for has out, the most first, at most a hundred rows; all banks to who oversees the zone
    /// (融资敞口).
    #[graphql(complexity = "times(EXPOSURES, child_complexity)")]
    async fn exposure(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "By what it is summed up.")] by: Dimension,
    ) -> Result<Vec<FinancingExposure>> {
        context.may(Action::ReadFinancing)?;
        let today = business_day(context.app().clock().now());
        let rows = reads::exposure(context.app().db().read(), context.viewer(), by, today).await?;
        Ok(rows.into_iter().map(|row| FinancingExposure { row, by }).collect())
    }

    /// What the bank acted for has out by how many days it is overdue; all banks to who oversees the zone (账龄分析).
    #[graphql(complexity = "times(AGED, child_complexity)")]
    async fn ageing(&self, context: &Context<'_>) -> Result<Vec<FinancingAgeing>> {
        context.may(Action::ReadFinancing)?;
        let today = business_day(context.app().clock().now());
        let rows = reads::ageing(context.app().db().read(), context.viewer(), today).await?;
        Ok(rows.into_iter().map(FinancingAgeing::from).collect())
    }
}
