//! Who has to agree to orders, and how much may be spent, in the schema. These are the business of the organisation
//! that is acted for.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::NaiveDate;
use entities::{
    party::Action,
    procurement::{
        LimitPeriod,
        policy::{self, Band, Bands, StepOf},
    },
    values::{Currency, ErrorCode, Money as Amount, Refusal},
};
use platform::{
    error::Error,
    graphql::{ContextExt, Money, connection::times, decode, encode, scalars::MoneyInput},
    payload,
};

use crate::ops::{
    limits::{self, NewLimit, Standing},
    policies::{self, NewPolicy},
};

/// Who has to agree to orders of a category, or of all that have no policy of their own (采购审批策略).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct PurchasePolicy {
    /// Opaque identifier.
    id: ID,
    /// Of which category, with what is below it; null: of all that have no policy of their own.
    category_id: Option<ID>,
    /// What orders need, by what they come to.
    bands: Vec<PurchaseBand>,
    /// For how many days orders of one supplier count together (合并计算天数).
    window_days: i32,
    /// Counts up with every change.
    version: i32,
}

impl From<policy::Model> for PurchasePolicy {
    fn from(row: policy::Model) -> Self {
        Self {
            id: encode(row.id),
            category_id: row.category_id.map(encode),
            bands: row.bands.0.into_iter().map(PurchaseBand::from).collect(),
            window_days: row.window_days,
            version: row.version,
        }
    }
}

/// What orders up to an amount need (金额档).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct PurchaseBand {
    /// Up to how much, itself included; null: whatever it comes to.
    up_to: Option<Money>,
    /// The steps, one after the other; none: nobody has to agree.
    steps: Vec<PurchaseStep>,
}

impl From<Band> for PurchaseBand {
    fn from(band: Band) -> Self {
        let amount = |minor| Amount { minor, currency: Currency::CNY }.into();
        Self { up_to: band.up_to_minor.map(amount), steps: band.steps.into_iter().map(PurchaseStep::from).collect() }
    }
}

/// A step that a band asks for (审批步骤).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct PurchaseStep {
    /// What people call it.
    title: String,
    /// Least level of who decides.
    level: i32,
    /// Who decides; null: anyone of that level.
    person_id: Option<ID>,
}

impl From<StepOf> for PurchaseStep {
    fn from(step: StepOf) -> Self {
        Self { title: step.title, level: step.level, person_id: step.person.map(encode) }
    }
}

/// How much may be ordered in a period (支出限额).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct SpendingLimit {
    /// Opaque identifier.
    id: ID,
    /// Who asks for the orders that it counts; null: whoever does.
    person_id: Option<ID>,
    /// Of which category they are; null: whatever they are of.
    category_id: Option<ID>,
    /// After which time it begins anew.
    period: LimitPeriod,
    /// How much in each.
    amount: Money,
    /// How much of it is spent now (已用).
    spent: Money,
    /// How much of it is left now (剩余).
    free: Money,
    /// When it begins anew; null: it does not.
    resets_on: Option<NaiveDate>,
    /// Its first day.
    valid_from: NaiveDate,
    /// Its last day; null: until it is removed.
    valid_to: Option<NaiveDate>,
    /// Counts up with every change.
    version: i32,
}

impl From<Standing> for SpendingLimit {
    fn from(standing: Standing) -> Self {
        let Standing { limit, period_start, spent_minor } = standing;
        let amount = |minor| Amount { minor, currency: Currency::CNY }.into();
        Self {
            id: encode(limit.id),
            person_id: limit.person_id.map(encode),
            category_id: limit.category_id.map(encode),
            period: limit.period,
            amount: amount(limit.amount_minor),
            spent: amount(spent_minor),
            free: amount((limit.amount_minor - spent_minor).max(0)),
            resets_on: limit.period.next(period_start),
            valid_from: limit.valid_from,
            valid_to: limit.valid_to,
            version: limit.version,
        }
    }
}

/// A step that a band asks for (审批步骤).
#[derive(InputObject)]
pub(crate) struct PurchaseStepInput {
    /// What people call it.
    title: String,
    /// Least level of who decides, from 1 to 9; owners are of any level.
    level: i32,
    /// Who decides, a member of the organisation; null: anyone of that level.
    person_id: Option<ID>,
}

/// What orders up to an amount need (金额档).
#[derive(InputObject)]
pub(crate) struct PurchaseBandInput {
    /// Up to how much, itself included, in renminbi; null in the last band only.
    up_to: Option<MoneyInput>,
    /// The steps, one after the other, at most six; none: nobody has to agree.
    steps: Vec<PurchaseStepInput>,
}

/// Who has to agree to orders (设置采购审批策略).
#[derive(InputObject)]
pub(crate) struct SetPurchasePolicyInput {
    /// Of which category, with what is below it; null: of all that have no policy of their own.
    category_id: Option<ID>,
    /// What orders need, by rising amounts; the last band has no bound. At most ten.
    bands: Vec<PurchaseBandInput>,
    /// For how many days orders of one supplier count together, at most 365.
    window_days: i32,
    /// The version of the policy that there is; null: there is none.
    expected_version: Option<i32>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A policy that is removed (删除采购审批策略).
#[derive(InputObject)]
pub(crate) struct RemovePurchasePolicyInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// How much may be ordered in a period (设置支出限额).
#[derive(InputObject)]
pub(crate) struct SetSpendingLimitInput {
    /// Which; null: another one.
    id: Option<ID>,
    /// The version that was read; required with `id`.
    expected_version: Option<i32>,
    /// Who asks for the orders that it counts, a member of the organisation; null: whoever does.
    person_id: Option<ID>,
    /// Of which category they are, with what is below it; null: whatever they are of.
    category_id: Option<ID>,
    /// After which time it begins anew.
    period: LimitPeriod,
    /// How much in each, in renminbi.
    amount: MoneyInput,
    /// Its first day.
    valid_from: NaiveDate,
    /// Its last day; null: until it is removed.
    valid_to: Option<NaiveDate>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A limit that is removed (删除支出限额).
#[derive(InputObject)]
pub(crate) struct RemoveSpendingLimitInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `setPurchasePolicy`.
    SetPurchasePolicyPayload { /// The policy.
        purchase_policy: PurchasePolicy }
    /// The answer to `removePurchasePolicy`.
    RemovePurchasePolicyPayload { /// The policy as it was.
        purchase_policy: PurchasePolicy }
    /// The answer to `setSpendingLimit`.
    SetSpendingLimitPayload { /// The limit.
        spending_limit: SpendingLimit }
    /// The answer to `removeSpendingLimit`.
    RemoveSpendingLimitPayload { /// The limit as it was.
        spending_limit: SpendingLimit }
}

impl SetPurchasePolicyInput {
    fn read(&self) -> Result<NewPolicy, Error> {
        let step = |(n, step): (usize, &PurchaseStepInput)| {
            let person = step.person_id.as_ref().map(|id| decode(id, "personId")).transpose();
            let person = person.map_err(|error| error.at(n.to_string()).at("steps"))?;
            Ok::<_, Error>(StepOf { title: step.title.trim().to_owned(), level: step.level, person })
        };
        let band = |(n, band): (usize, &PurchaseBandInput)| {
            let read = || {
                let up_to = band.up_to.as_ref().map(|up_to| renminbi(up_to, "upTo")).transpose()?;
                let steps = band.steps.iter().enumerate().map(step).collect::<Result<Vec<_>, Error>>()?;
                Ok::<_, Error>(Band { up_to_minor: up_to.map(|up_to| up_to.minor), steps })
            };
            read().map_err(|error| error.at(n.to_string()).at("bands"))
        };
        Ok(NewPolicy {
            category: self.category_id.as_ref().map(|id| decode(id, "categoryId")).transpose()?,
            bands: Bands(self.bands.iter().enumerate().map(band).collect::<Result<_, Error>>()?),
            window_days: self.window_days,
            expected_version: self.expected_version,
        })
    }
}

/// An amount in renminbi.
fn renminbi(amount: &MoneyInput, field: &'static str) -> Result<Amount, Error> {
    let read = amount.read(field)?;
    if read.currency == Currency::CNY {
        return Ok(read);
    }
    let refusal = Refusal::new(ErrorCode::InvalidCurrency).with("value", read.currency.code());
    Err(refusal.at("currency").at(field).into())
}

/// Queries about who has to agree to orders and how much may be spent.
#[derive(Default)]
pub(crate) struct PurchaseRuleQuery;

#[Object]
impl PurchaseRuleQuery {
    /// Who has to agree to orders of the organisation acted for, the oldest policy first. Where it says nothing: up to
    /// 50,000.00 an approver of level 1, up to 500,000.00 one of level 2 as well, above that one of level 3 too
    /// (采购审批策略列表).
    #[graphql(complexity = "10 + times(20, child_complexity)")]
    async fn purchase_policies(&self, context: &Context<'_>) -> Result<Vec<PurchasePolicy>> {
        context.may(Action::ReadProcurement)?;
        let rows = policies::list(context.app().db().read(), context.viewer()).await?;
        Ok(rows.into_iter().map(PurchasePolicy::from).collect())
    }

    /// Spending limits of the organisation acted for, the oldest first, and how they stand (支出限额列表).
    #[graphql(complexity = "10 + times(50, child_complexity)")]
    async fn spending_limits(&self, context: &Context<'_>) -> Result<Vec<SpendingLimit>> {
        context.may(Action::ReadProcurement)?;
        let app = context.app();
        let rows = limits::list(app.db().read(), context.viewer(), app.clock().now()).await?;
        Ok(rows.into_iter().map(SpendingLimit::from).collect())
    }
}

/// Mutations of who has to agree to orders and how much may be spent.
#[derive(Default)]
pub(crate) struct PurchaseRuleMutation;

#[Object]
impl PurchaseRuleMutation {
    /// Says who has to agree to orders of a category, or of all that have no policy of their own. Orders that wait go
    /// by what held when they were submitted (设置采购审批策略).
    async fn set_purchase_policy(
        &self,
        context: &Context<'_>,
        input: SetPurchasePolicyInput,
    ) -> Result<SetPurchasePolicyPayload> {
        let call = context.call(Action::KeepPurchaseRules)?;
        let result = async { policies::set(context.app(), &call, &input.read()?).await };
        let result = result.await.map(PurchasePolicy::from);
        SetPurchasePolicyPayload::new(context, input.client_mutation_id, result)
    }

    /// Removes a policy: what it was for goes by that of all, or by that of the house (删除采购审批策略).
    async fn remove_purchase_policy(
        &self,
        context: &Context<'_>,
        input: RemovePurchasePolicyInput,
    ) -> Result<RemovePurchasePolicyPayload> {
        let call = context.call(Action::KeepPurchaseRules)?;
        let result =
            async { policies::remove(context.app(), &call, decode(&input.id, "id")?, input.expected_version).await };
        let result = result.await.map(PurchasePolicy::from);
        RemovePurchasePolicyPayload::new(context, input.client_mutation_id, result)
    }

    /// Says how much may be ordered in a period. Orders that were submitted before are not counted (设置支出限额).
    async fn set_spending_limit(
        &self,
        context: &Context<'_>,
        input: SetSpendingLimitInput,
    ) -> Result<SetSpendingLimitPayload> {
        let call = context.call(Action::KeepPurchaseRules)?;
        let result = async {
            let id = input.id.as_ref().map(|id| decode(id, "id")).transpose()?;
            let needs = || Refusal::new(ErrorCode::Required).at("expectedVersion");
            let of = match id {
                Some(id) => Some((id, input.expected_version.ok_or_else(needs)?)),
                None => None,
            };
            let new = NewLimit {
                person: input.person_id.as_ref().map(|id| decode(id, "personId")).transpose()?,
                category: input.category_id.as_ref().map(|id| decode(id, "categoryId")).transpose()?,
                period: input.period,
                amount: renminbi(&input.amount, "amount")?,
                valid_from: input.valid_from,
                valid_to: input.valid_to,
            };
            let row = limits::set(context.app(), &call, of, &new).await?;
            limits::stands(context.app(), row).await
        };
        let result = result.await.map(SpendingLimit::from);
        SetSpendingLimitPayload::new(context, input.client_mutation_id, result)
    }

    /// Removes a spending limit (删除支出限额).
    async fn remove_spending_limit(
        &self,
        context: &Context<'_>,
        input: RemoveSpendingLimitInput,
    ) -> Result<RemoveSpendingLimitPayload> {
        let call = context.call(Action::KeepPurchaseRules)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            let row = limits::remove(context.app(), &call, id, input.expected_version).await?;
            limits::stands(context.app(), row).await
        };
        let result = result.await.map(SpendingLimit::from);
        RemoveSpendingLimitPayload::new(context, input.client_mutation_id, result)
    }
}
