//! Programmes of financiers in the schema.

use std::collections::BTreeSet;

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use entities::{
    finance::{
        DayCount, FeeBase, Ineligibility, LimitKind, ProgrammeState, ProgrammeStep, Technique, Timing, WaterfallStep,
        eligibility::Rules, programme, terms::Terms,
    },
    party::Action,
    values::{Currency, id::FinancingProgrammeId},
};
use party::graphql::Organisation;
use platform::{
    error::Error,
    graphql::{Connection, ContextExt, CurrencyCode, connection::list_cost, decode, encode},
    page::PageArgs,
    payload,
};

use super::{optional, organisation};
use crate::ops::programmes::{self as ops, Filter, Written};

/// The terms of a programme or an offer; frozen when they are agreed (融资条款).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct FinancingTerms {
    /// How much of a receivable is advanced, in parts per million: 800,000 is 80 % (融资比例).
    advance_ppm: i32,
    /// The rate by the year, in parts per million: 54,000 is 5.4 % (年利率).
    rate_ppm: i32,
    /// How days are counted (计息基础).
    day_count: DayCount,
    /// When interest is paid (收息方式).
    interest_timing: Timing,
    /// For how many days after the due date the rate stays what it is (宽限期).
    grace_days: i32,
    /// What the rate is multiplied with after them, in parts per million (罚息倍数).
    penalty_ppm: i32,
    /// The fee as a share of its base, with VAT, in parts per million (手续费率).
    fee_ppm: i32,
    /// What it is a share of.
    fee_base: FeeBase,
    /// The rate of the VAT in the fee, in parts per million (增值税率).
    vat_ppm: i32,
    /// Whether interest that was paid before is given back for days that are not needed (提前还款退息).
    early_rebate: bool,
    /// Whether the seller pays when the debtor does not (有追索权).
    recourse: bool,
    /// Whether the debtor is told of the assignment (公开型).
    disclosed: bool,
    /// What money that comes is used for, in this order (清偿顺序).
    waterfall: Vec<WaterfallStep>,
}

impl From<&Terms> for FinancingTerms {
    fn from(terms: &Terms) -> Self {
        Self {
            advance_ppm: terms.advance_ppm,
            rate_ppm: terms.rate_ppm,
            day_count: terms.day_count,
            interest_timing: terms.timing,
            grace_days: terms.grace_days,
            penalty_ppm: terms.penalty_ppm,
            fee_ppm: terms.fee_ppm,
            fee_base: terms.fee_base,
            vat_ppm: terms.vat_ppm,
            early_rebate: terms.early_rebate,
            recourse: terms.recourse,
            disclosed: terms.disclosed,
            waterfall: terms.waterfall.clone(),
        }
    }
}

/// The terms of a programme as they are written (融资条款).
#[derive(Clone, Debug, InputObject)]
pub(crate) struct FinancingTermsInput {
    /// How much of a receivable is advanced, in parts per million: 800,000 is 80 % (融资比例).
    advance_ppm: i32,
    /// The rate by the year, in parts per million: 54,000 is 5.4 % (年利率).
    rate_ppm: i32,
    /// How days are counted (计息基础).
    day_count: DayCount,
    /// When interest is paid (收息方式).
    interest_timing: Timing,
    /// For how many days after the due date the rate stays what it is (宽限期).
    #[graphql(default)]
    grace_days: i32,
    /// What the rate is multiplied with after them, in parts per million (罚息倍数).
    #[graphql(default = 1_500_000)]
    penalty_ppm: i32,
    /// The fee as a share of its base, with VAT, in parts per million (手续费率).
    #[graphql(default)]
    fee_ppm: i32,
    /// What it is a share of.
    #[graphql(default_with = "FeeBase::Face")]
    fee_base: FeeBase,
    /// The rate of the VAT in the fee, in parts per million (增值税率).
    #[graphql(default = 60_000)]
    vat_ppm: i32,
    /// Whether interest that was paid before is given back for days that are not needed (提前还款退息).
    #[graphql(default = true)]
    early_rebate: bool,
    /// Whether the seller pays when the debtor does not (有追索权).
    recourse: bool,
    /// Whether the debtor is told of the assignment (公开型).
    disclosed: bool,
    /// What money that comes is used for, each once and the release to the seller last; left out: enforcement cost,
    /// penalty, interest, principal, fees, release (清偿顺序).
    waterfall: Option<Vec<WaterfallStep>>,
}

impl From<FinancingTermsInput> for Terms {
    fn from(input: FinancingTermsInput) -> Self {
        Self {
            advance_ppm: input.advance_ppm,
            rate_ppm: input.rate_ppm,
            day_count: input.day_count,
            timing: input.interest_timing,
            grace_days: input.grace_days,
            penalty_ppm: input.penalty_ppm,
            fee_ppm: input.fee_ppm,
            fee_base: input.fee_base,
            vat_ppm: input.vat_ppm,
            early_rebate: input.early_rebate,
            recourse: input.recourse,
            disclosed: input.disclosed,
            waterfall: input.waterfall.unwrap_or_else(|| WaterfallStep::DEFAULT.to_vec()),
        }
    }
}

/// What a programme takes (准入规则).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct EligibilityRules {
    /// Counts up with terms and rules.
    version: i32,
    /// Fewest days from the financing until a receivable is due (最短剩余期限).
    min_remaining_days: i64,
    /// Most days from the financing until it is due (最长期限).
    max_tenor_days: i64,
    /// Most days since its invoice was written (发票最长时间).
    stale_days: i64,
    /// Most of a debtor of what the programme's limit is, in parts per million (集中度上限).
    concentration_ppm: i32,
    /// From which share of what a debtor owes being overdue all of it is out, in parts per million (交叉逾期).
    cross_aged_ppm: i32,
    /// Whether what was financed and is over may be financed again (可再融资).
    refinances: bool,
    /// Which limits there have to be (必备额度).
    required_limits: Vec<LimitKind>,
    /// What the programme does without (豁免).
    waived: Vec<Ineligibility>,
}

/// What a programme takes, as it is written (准入规则).
#[derive(Clone, Debug, InputObject)]
pub(crate) struct EligibilityRulesInput {
    /// Fewest days from the financing until a receivable is due (最短剩余期限).
    #[graphql(default)]
    min_remaining_days: i64,
    /// Most days from the financing until it is due (最长期限).
    #[graphql(default = 180)]
    max_tenor_days: i64,
    /// Most days since its invoice was written (发票最长时间).
    #[graphql(default = 180)]
    stale_days: i64,
    /// Most of a debtor of what the programme's limit is, in parts per million (集中度上限).
    #[graphql(default = 500_000)]
    concentration_ppm: i32,
    /// From which share of what a debtor owes being overdue all of it is out, in parts per million (交叉逾期).
    #[graphql(default = 500_000)]
    cross_aged_ppm: i32,
    /// Whether what was financed and is over may be financed again (可再融资).
    #[graphql(default)]
    refinances: bool,
    /// Which limits there have to be; left out: the debtor's (必备额度).
    required_limits: Option<Vec<LimitKind>>,
    /// What the programme does without; what the law wants it cannot (豁免).
    #[graphql(default)]
    waived: Vec<Ineligibility>,
}

impl From<EligibilityRulesInput> for Rules {
    fn from(input: EligibilityRulesInput) -> Self {
        let limits = input.required_limits.unwrap_or_else(|| vec![LimitKind::Debtor]);
        Self {
            min_remaining_days: input.min_remaining_days,
            max_tenor_days: input.max_tenor_days,
            stale_days: input.stale_days,
            concentration_ppm: input.concentration_ppm,
            cross_aged_ppm: input.cross_aged_ppm,
            refinances: input.refinances,
            limits: limits.into_iter().collect(),
            waived: input.waived.into_iter().collect::<BTreeSet<_>>(),
        }
    }
}

/// What a financier offers to finance, and on which terms (融资项目).
#[derive(Clone, Debug)]
pub struct FinancingProgramme(pub programme::Model);

/// What a financier offers to finance, and on which terms (融资项目).
#[Object]
impl FinancingProgramme {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// What people call it by (编号).
    async fn number(&self) -> &str {
        &self.0.number
    }

    /// What it is called.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Who gives the money (资金方).
    async fn financier(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        organisation(context, self.0.financier_id).await
    }

    /// Whose debts it is about; null: of whoever the rules let through (核心企业).
    async fn anchor(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        match self.0.anchor_id {
            Some(id) => organisation(context, id).await,
            None => Ok(None),
        }
    }

    /// How money is made of claims (融资方式).
    async fn technique(&self) -> Technique {
        self.0.technique
    }

    /// In which currency.
    async fn currency(&self) -> CurrencyCode {
        CurrencyCode(self.0.currency)
    }

    /// On which terms.
    async fn terms(&self) -> FinancingTerms {
        (&self.0.terms).into()
    }

    /// What it takes.
    async fn rules(&self) -> EligibilityRules {
        let rules = &self.0.rules;
        EligibilityRules {
            version: self.0.rules_version,
            min_remaining_days: rules.min_remaining_days,
            max_tenor_days: rules.max_tenor_days,
            stale_days: rules.stale_days,
            concentration_ppm: rules.concentration_ppm,
            cross_aged_ppm: rules.cross_aged_ppm,
            refinances: rules.refinances,
            required_limits: rules.limits.iter().copied().collect(),
            waived: rules.waived.iter().copied().collect(),
        }
    }

    /// Where it is.
    async fn state(&self) -> ProgrammeState {
        self.0.state
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

/// Which programmes (融资项目筛选).
#[derive(Default, InputObject)]
pub(crate) struct FinancingProgrammeFilter {
    /// Only those of this financier.
    financier_id: Option<ID>,
    /// Only those that are there.
    state: Option<ProgrammeState>,
}

/// A programme that is written (新建融资项目).
#[derive(InputObject)]
pub(crate) struct CreateFinancingProgrammeInput {
    /// What it is called.
    name: String,
    /// How money is made of claims (融资方式).
    technique: Technique,
    /// Whose debts it is about; of payables finance there is one (核心企业).
    anchor_id: Option<ID>,
    /// In which currency.
    currency: String,
    /// On which terms.
    terms: FinancingTermsInput,
    /// What it takes.
    rules: EligibilityRulesInput,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A programme that is changed; somebody else approves it again (修订融资项目).
#[derive(InputObject)]
pub(crate) struct ReviseFinancingProgrammeInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// What it is called.
    name: String,
    /// How money is made of claims; as it was (融资方式).
    technique: Technique,
    /// Whose debts it is about; of payables finance there is one (核心企业).
    anchor_id: Option<ID>,
    /// In which currency; as it was.
    currency: String,
    /// On which terms.
    terms: FinancingTermsInput,
    /// What it takes.
    rules: EligibilityRulesInput,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What is decided about a programme (融资项目决定).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum ProgrammeDecision {
    /// It is open for requests; not by who wrote it (复核通过).
    Approve,
    /// No new requests are taken (暂停).
    Suspend,
    /// Requests are taken again (恢复).
    Resume,
    /// It is over (关闭).
    Close,
}

/// A decision about a programme (融资项目决定).
#[derive(InputObject)]
pub(crate) struct DecideFinancingProgrammeInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// What.
    decision: ProgrammeDecision,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `createFinancingProgramme`.
    CreateFinancingProgrammePayload { /// The programme.
        programme: FinancingProgramme }
    /// The answer to `reviseFinancingProgramme`.
    ReviseFinancingProgrammePayload { /// The programme.
        programme: FinancingProgramme }
    /// The answer to `decideFinancingProgramme`.
    DecideFinancingProgrammePayload { /// The programme.
        programme: FinancingProgramme }
}

/// Queries about programmes.
#[derive(Default)]
pub struct ProgrammeQuery;

#[Object]
impl ProgrammeQuery {
    /// Programmes that are open, and all of one's own organisation, newest first (融资项目列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn financing_programmes(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which.")] filter: Option<FinancingProgrammeFilter>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<FinancingProgramme>> {
        context.may(Action::ReadFinancing)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let filter = filter.unwrap_or_default();
        let financier = filter.financier_id.as_ref().map(|id| decode(id, "financierId")).transpose()?;
        let filter = Filter { financier, state: filter.state };
        let rows = ops::list(context.app().db().read(), context.viewer(), filter, &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::cursor(&row), FinancingProgramme(row))))
    }

    /// A programme; null when there is none or it may not be seen (融资项目).
    async fn financing_programme(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Opaque identifier.")] id: ID,
    ) -> Result<Option<FinancingProgramme>> {
        context.may(Action::ReadFinancing)?;
        let Ok(id) = decode::<FinancingProgrammeId>(&id, "id") else { return Ok(None) };
        Ok(ops::find(context.app().db().read(), context.viewer(), id).await?.map(FinancingProgramme))
    }
}

/// Mutations of programmes.
#[derive(Default)]
pub struct ProgrammeMutation;

fn currency(code: &str) -> Result<Currency, Error> {
    Ok(code.parse().map_err(|refusal: entities::values::Refusal| refusal.at("currency"))?)
}

#[Object]
impl ProgrammeMutation {
    /// Writes a programme; another person of the financier has to approve it before requests are taken (新建融资项目).
    async fn create_financing_programme(
        &self,
        context: &Context<'_>,
        input: CreateFinancingProgrammeInput,
    ) -> Result<CreateFinancingProgrammePayload> {
        let call = context.call(Action::MakeFinancing)?;
        let result = async {
            let new = Written {
                name: input.name,
                technique: input.technique,
                anchor: optional(input.anchor_id.as_ref(), "anchorId")?,
                currency: currency(&input.currency)?,
                terms: input.terms.into(),
                rules: input.rules.into(),
            };
            ops::create(context.app(), &call, &new).await
        };
        let result = result.await.map(FinancingProgramme);
        CreateFinancingProgrammePayload::new(context, input.client_mutation_id, result)
    }

    /// Changes what a programme says: nothing new is asked in it until another person approves it again. What is agreed
    /// stays as it was agreed (修订融资项目).
    async fn revise_financing_programme(
        &self,
        context: &Context<'_>,
        input: ReviseFinancingProgrammeInput,
    ) -> Result<ReviseFinancingProgrammePayload> {
        let call = context.call(Action::MakeFinancing)?;
        let result = async {
            let id = (decode(&input.id, "id")?, input.expected_version);
            let new = Written {
                name: input.name,
                technique: input.technique,
                anchor: optional(input.anchor_id.as_ref(), "anchorId")?,
                currency: currency(&input.currency)?,
                terms: input.terms.into(),
                rules: input.rules.into(),
            };
            ops::revise(context.app(), &call, id, &new).await
        };
        let result = result.await.map(FinancingProgramme);
        ReviseFinancingProgrammePayload::new(context, input.client_mutation_id, result)
    }

    /// Approves, suspends, resumes or closes a programme; who wrote it does not approve it (融资项目决定).
    async fn decide_financing_programme(
        &self,
        context: &Context<'_>,
        input: DecideFinancingProgrammeInput,
    ) -> Result<DecideFinancingProgrammePayload> {
        let call = context.call(Action::CheckFinancing)?;
        let result = async {
            let id = (decode(&input.id, "id")?, input.expected_version);
            let step = match input.decision {
                ProgrammeDecision::Approve => ProgrammeStep::Approve,
                ProgrammeDecision::Suspend => ProgrammeStep::Suspend,
                ProgrammeDecision::Resume => ProgrammeStep::Resume,
                ProgrammeDecision::Close => ProgrammeStep::Close,
            };
            ops::step(context.app(), &call, id, step).await
        };
        let result = result.await.map(FinancingProgramme);
        DecideFinancingProgrammePayload::new(context, input.client_mutation_id, result)
    }
}
