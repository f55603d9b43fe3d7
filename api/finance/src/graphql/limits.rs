//! Limits of financiers in the schema.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    finance::{
        LimitEntryKind, LimitKind, LimitState,
        limit::{self, Proposal, entry},
    },
    party::Action,
    values::{Currency, ErrorCode, Refusal, id::OrganisationId},
};
use party::graphql::Organisation;
use platform::{
    clock::business_day,
    graphql::{Connection, ContextExt, Money, MoneyInput, connection::list_cost, decode, encode},
    page::PageArgs,
    payload,
};

use super::{optional, organisation};
use crate::ops::limits::{self as ops, Scope};

/// What was taken of a limit, and given back; never changed (额度流水).
#[derive(Clone, Debug)]
pub(crate) struct FinancingLimitEntry {
    row: entry::Model,
    currency: Currency,
}

/// What was taken of a limit, and given back; never changed (额度流水).
#[Object]
impl FinancingLimitEntry {
    /// What was done.
    async fn kind(&self) -> LimitEntryKind {
        self.row.kind
    }

    /// How much.
    async fn amount(&self) -> Money {
        entities::values::Money { minor: self.row.amount_minor, currency: self.currency }.into()
    }

    /// By which request.
    async fn reference(&self) -> &str {
        &self.row.reference
    }

    /// When.
    async fn at(&self) -> DateTime<Utc> {
        self.row.at
    }
}

/// How a limit is to be, when a second person says so (待复核额度).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct FinancingLimitProposal {
    /// How much.
    sanctioned: Money,
    /// How much more for a time (临时额度).
    adhoc: Money,
    /// First day of that.
    adhoc_from: Option<NaiveDate>,
    /// Last day of that.
    adhoc_to: Option<NaiveDate>,
    /// First day of the limit.
    effective_on: NaiveDate,
    /// Last day of the limit.
    expires_on: NaiveDate,
    /// Whether nothing new is taken of it.
    suspended: bool,
}

/// How much a financier stands for of a debtor, a seller, a programme, or a pair (授信额度).
#[derive(Clone, Debug)]
pub struct FinancingLimit(pub limit::Model);

/// How much a financier stands for of a debtor, a seller, a programme, or a pair (授信额度).
#[Object]
impl FinancingLimit {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Whom or what it is for.
    async fn kind(&self) -> LimitKind {
        self.0.kind
    }

    /// Who gives it (资金方).
    async fn financier(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        organisation(context, self.0.financier_id).await
    }

    /// Of which seller.
    async fn seller(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        match self.0.seller_id {
            Some(id) => organisation(context, id).await,
            None => Ok(None),
        }
    }

    /// Of which debtor.
    async fn debtor(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        match self.0.debtor_id {
            Some(id) => organisation(context, id).await,
            None => Ok(None),
        }
    }

    /// Where it is.
    async fn state(&self) -> LimitState {
        self.0.state
    }

    /// How much (核定额度).
    async fn sanctioned(&self) -> Money {
        self.0.money(self.0.sanctioned_minor).into()
    }

    /// How much more for a time (临时额度).
    async fn adhoc(&self) -> Money {
        self.0.money(self.0.adhoc_minor).into()
    }

    /// First day of that.
    async fn adhoc_from(&self) -> Option<NaiveDate> {
        self.0.adhoc_from
    }

    /// Last day of that.
    async fn adhoc_to(&self) -> Option<NaiveDate> {
        self.0.adhoc_to
    }

    /// First day of the limit.
    async fn effective_on(&self) -> NaiveDate {
        self.0.effective_on
    }

    /// Last day of the limit; what is out then runs off.
    async fn expires_on(&self) -> NaiveDate {
        self.0.expires_on
    }

    /// What requests that are not decided take; null to a debtor, whose debts are financed without it (已占用).
    async fn blocked(&self, context: &Context<'_>) -> Option<Money> {
        self.is_told(context).then(|| self.0.money(self.0.blocked_minor).into())
    }

    /// What is out; null to a debtor (已使用).
    async fn utilised(&self, context: &Context<'_>) -> Option<Money> {
        self.is_told(context).then(|| self.0.money(self.0.utilised_minor).into())
    }

    /// What is left today; null to a debtor (可用额度).
    async fn free(&self, context: &Context<'_>) -> Option<Money> {
        let today = business_day(context.app().clock().now());
        self.is_told(context).then(|| self.0.money(self.0.free_minor(today)).into())
    }

    /// How it is to be, when a second person says so; null to others than its financier.
    async fn proposal(&self, context: &Context<'_>) -> Option<FinancingLimitProposal> {
        let proposal = self.0.proposal.as_ref().filter(|_| inside(context, self.0.financier_id))?;
        Some(FinancingLimitProposal {
            sanctioned: self.0.money(proposal.sanctioned_minor).into(),
            adhoc: self.0.money(proposal.adhoc_minor).into(),
            adhoc_from: proposal.adhoc_from,
            adhoc_to: proposal.adhoc_to,
            effective_on: proposal.effective_on,
            expires_on: proposal.expires_on,
            suspended: proposal.suspended,
        })
    }

    /// What was taken of it, and given back, first first; null to others than its financier (额度流水).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn entries(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Option<Connection<FinancingLimitEntry>>> {
        if !inside(context, self.0.financier_id) {
            return Ok(None);
        }
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = ops::entries(context.app().db().read(), self.0.id, &page).await?;
        let currency = self.0.currency;
        let shown = |row: entry::Model| (ops::entry_cursor(&row), FinancingLimitEntry { row, currency });
        Ok(Some(Connection::new(rows, None, shown)))
    }

    /// Counts up with every change by people.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

impl FinancingLimit {
    /// Whether the viewer is told what is taken of it: its financier, its seller, who oversees the zone.
    fn is_told(&self, context: &Context<'_>) -> bool {
        let own = context.viewer().organisation();
        inside(context, self.0.financier_id) || (own.is_some() && own == self.0.seller_id)
    }
}

fn inside(context: &Context<'_>, financier: OrganisationId) -> bool {
    context.viewer().oversees() || context.viewer().organisation() == Some(financier)
}

/// How a limit is to be; somebody else approves it (额度申请).
#[derive(InputObject)]
pub(crate) struct ProposeFinancingLimitInput {
    /// Whom or what it is for.
    kind: LimitKind,
    /// Of which seller; of a seller's and a pair's.
    seller_id: Option<ID>,
    /// Of which debtor; of a debtor's and a pair's.
    debtor_id: Option<ID>,
    /// Of which programme; of a programme's.
    programme_id: Option<ID>,
    /// How much (核定额度).
    sanctioned: MoneyInput,
    /// How much more for a time, in the same currency (临时额度).
    adhoc: Option<MoneyInput>,
    /// First day of that.
    adhoc_from: Option<NaiveDate>,
    /// Last day of that.
    adhoc_to: Option<NaiveDate>,
    /// First day of the limit.
    effective_on: NaiveDate,
    /// Last day of the limit.
    expires_on: NaiveDate,
    /// Whether nothing new is taken of it (冻结).
    #[graphql(default)]
    suspended: bool,
    /// The version of the limit that there is; left out: there is none.
    expected_version: Option<i32>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// Whether a limit is to be as it was proposed (额度复核).
#[derive(InputObject)]
pub(crate) struct DecideFinancingLimitInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// Whether it is.
    approve: bool,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `proposeFinancingLimit`.
    ProposeFinancingLimitPayload { /// The limit.
        limit: FinancingLimit }
    /// The answer to `decideFinancingLimit`.
    DecideFinancingLimitPayload { /// The limit.
        limit: FinancingLimit }
}

/// Queries about limits.
#[derive(Default)]
pub struct LimitQuery;

#[Object]
impl LimitQuery {
    /// Limits that one's organisation gives or has, newest first (授信额度列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn financing_limits(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only those for this.")] kind: Option<LimitKind>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<FinancingLimit>> {
        context.may(Action::ReadFinancing)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = ops::list(context.app().db().read(), context.viewer(), kind, &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::cursor(&row), FinancingLimit(row))))
    }
}

/// Mutations of limits.
#[derive(Default)]
pub struct LimitMutation;

#[Object]
impl LimitMutation {
    /// Proposes how a limit is to be, a new one or one that there is; another person has to approve it (额度申请).
    async fn propose_financing_limit(
        &self,
        context: &Context<'_>,
        input: ProposeFinancingLimitInput,
    ) -> Result<ProposeFinancingLimitPayload> {
        let call = context.call(Action::MakeFinancing)?;
        let result = async {
            let scope = Scope {
                kind: input.kind,
                seller: optional(input.seller_id.as_ref(), "sellerId")?,
                debtor: optional(input.debtor_id.as_ref(), "debtorId")?,
                programme: optional(input.programme_id.as_ref(), "programmeId")?,
            };
            let sanctioned = input.sanctioned.read("sanctioned")?;
            let adhoc = input.adhoc.as_ref().map(|adhoc| adhoc.read("adhoc")).transpose()?;
            if let Some(adhoc) = adhoc.filter(|adhoc| adhoc.currency != sanctioned.currency) {
                let refusal = Refusal::new(ErrorCode::InvalidCurrency);
                return Err(refusal.with("value", adhoc.currency.code()).at("currency").at("adhoc").into());
            }
            let proposal = Proposal {
                sanctioned_minor: sanctioned.minor,
                adhoc_minor: adhoc.map_or(0, |adhoc| adhoc.minor),
                adhoc_from: input.adhoc_from,
                adhoc_to: input.adhoc_to,
                effective_on: input.effective_on,
                expires_on: input.expires_on,
                suspended: input.suspended,
                by: String::new(),
            };
            let what = (scope, sanctioned.currency);
            ops::propose(context.app(), &call, what, proposal, input.expected_version).await
        };
        ProposeFinancingLimitPayload::new(context, input.client_mutation_id, result.await.map(FinancingLimit))
    }

    /// Says whether a limit is to be as it was proposed; who proposed it does not (额度复核).
    async fn decide_financing_limit(
        &self,
        context: &Context<'_>,
        input: DecideFinancingLimitInput,
    ) -> Result<DecideFinancingLimitPayload> {
        let call = context.call(Action::CheckFinancing)?;
        let result = async {
            let id = (decode(&input.id, "id")?, input.expected_version);
            ops::decide(context.app(), &call, id, input.approve).await
        };
        DecideFinancingLimitPayload::new(context, input.client_mutation_id, result.await.map(FinancingLimit))
    }
}
