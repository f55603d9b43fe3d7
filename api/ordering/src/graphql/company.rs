//! What organisations agree on, in the schema: credit, approval, bundles.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use catalog::graphql::Offer;
use chrono::NaiveDate;
use entities::{
    ordering::{approval_rule, credit::limit},
    party::Action,
    values::Money as Amount,
};
use party::graphql::Organisation;
use platform::{
    error::Error,
    graphql::{
        Connection, ContextExt, Money,
        connection::{list_cost, times},
        decode, encode,
        scalars::MoneyInput,
    },
    page::PageArgs,
    payload,
};

use super::order::Order;
use crate::ops::{
    companies::{self, NewLimit},
    orders,
};

/// How much a seller lets an organisation owe (赊销额度).
#[derive(Clone, Debug)]
pub struct CreditLimit(limit::Model);

impl CreditLimit {
    fn money(&self, minor: i64) -> Money {
        Amount { minor, currency: self.0.currency }.into()
    }
}

/// How much a seller lets an organisation owe (赊销额度).
#[Object]
impl CreditLimit {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Who gives it.
    async fn seller(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.0.seller_id).await?.map(Organisation))
    }

    /// Who has it.
    async fn buyer(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.0.buyer_id).await?.map(Organisation))
    }

    /// Most that may be owed.
    async fn sanctioned(&self) -> Money {
        self.money(self.0.sanctioned_minor)
    }

    /// What is owed or ordered.
    async fn used(&self) -> Money {
        self.money(self.0.used_minor)
    }

    /// Days until an order is to be paid (账期).
    async fn terms_days(&self) -> i32 {
        self.0.terms_days
    }

    /// The last day on which it may be used; null: until it is taken back.
    async fn expires_on(&self) -> Option<NaiveDate> {
        self.0.expires_on
    }

    /// Counts up with every change by people; send it back as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// From which amount on an order needs an approver (审批规则).
#[derive(Clone, Debug, SimpleObject)]
pub struct ApprovalRule {
    /// From this amount on.
    minimum: Money,
    /// Least level of whoever approves, 1 to 9.
    level: i32,
}

impl From<approval_rule::Model> for ApprovalRule {
    fn from(row: approval_rule::Model) -> Self {
        Self { minimum: Amount { minor: row.from_minor, currency: row.currency }.into(), level: row.level }
    }
}

/// Credit that is given (授予赊销额度).
#[derive(InputObject)]
pub(super) struct SetCreditLimitInput {
    /// To whom.
    buyer_id: ID,
    /// Most that may be owed.
    sanctioned: MoneyInput,
    /// Days until an order is to be paid, 0 to 365.
    terms_days: i32,
    /// The last day on which it may be used.
    expires_on: Option<NaiveDate>,
    /// The version that was read; none: it is given for the first time.
    expected_version: Option<i32>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// An order on credit that was paid (赊销结清).
#[derive(InputObject)]
pub(super) struct SettleCreditInput {
    /// Which order.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// From which amount on an order needs an approver (审批规则).
#[derive(InputObject)]
pub(super) struct ApprovalRuleInput {
    /// From this amount on.
    minimum: MoneyInput,
    /// Least level of whoever approves, 1 to 9.
    level: i32,
}

/// All rules of the organisation acted for (设置审批规则).
#[derive(InputObject)]
pub(super) struct SetApprovalRulesInput {
    /// The rules, at most 20; they take the place of those that it had.
    rules: Vec<ApprovalRuleInput>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// So many of a variant in one unit of a bundle (组合商品部件).
#[derive(InputObject)]
pub(super) struct BundlePartInput {
    /// Of what.
    variant_id: ID,
    /// How many.
    quantity: i32,
}

/// What is in one unit of an offer (设置组合商品).
#[derive(InputObject)]
pub(super) struct SetBundlePartsInput {
    /// The offer.
    offer_id: ID,
    /// What is in it, at most 20; nothing: it is no bundle.
    parts: Vec<BundlePartInput>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `setCreditLimit`.
    SetCreditLimitPayload { /// The limit.
        credit_limit: CreditLimit }
    /// The answer to `settleCredit`.
    SettleCreditPayload { /// The order.
        order: Order }
    /// The answer to `setApprovalRules`.
    SetApprovalRulesPayload { /// The rules, by currency and amount.
        rules: Vec<ApprovalRule> }
    /// The answer to `setBundleParts`.
    SetBundlePartsPayload { /// The offer.
        offer: Offer }
}

/// The part of the query root about what organisations agree on.
#[derive(Default)]
pub struct CompanyQuery;

#[Object]
impl CompanyQuery {
    /// Credit that the organisation acted for gives or has, oldest first (赊销额度列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn credit_limits(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<CreditLimit>> {
        context.may(Action::ReadOrders)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = companies::list_limits(context.app().db().read(), context.viewer(), &page).await?;
        Ok(Connection::new(rows, None, |row| (companies::limit_cursor(&row), CreditLimit(row))))
    }

    /// From which amounts on orders of the organisation acted for need an approver; at most 20 (审批规则).
    #[graphql(complexity = "times(20, child_complexity)")]
    async fn approval_rules(&self, context: &Context<'_>) -> Result<Vec<ApprovalRule>> {
        context.may(Action::ReadOrders)?;
        let rules = companies::rules_of(context.app().db().read(), context.viewer()).await?;
        Ok(rules.into_iter().map(ApprovalRule::from).collect())
    }
}

/// The part of the mutation root about what organisations agree on.
#[derive(Default)]
pub struct CompanyMutation;

#[Object]
impl CompanyMutation {
    /// Gives an organisation credit, or changes what was given (授予赊销额度).
    async fn set_credit_limit(
        &self,
        context: &Context<'_>,
        input: SetCreditLimitInput,
    ) -> Result<SetCreditLimitPayload> {
        let call = context.call(Action::GiveCredit)?;
        let result = async {
            let new = NewLimit {
                buyer: decode(&input.buyer_id, "buyerId")?,
                sanctioned: input.sanctioned.read("sanctioned")?,
                terms_days: input.terms_days,
                expires_on: input.expires_on,
                expected_version: input.expected_version,
            };
            companies::set_limit(context.app(), &call, &new).await
        };
        SetCreditLimitPayload::new(context, input.client_mutation_id, result.await.map(CreditLimit))
    }

    /// Notes that an order on credit was paid: its amount is free again (赊销结清).
    async fn settle_credit(&self, context: &Context<'_>, input: SettleCreditInput) -> Result<SettleCreditPayload> {
        let call = context.call(Action::GiveCredit)?;
        let result = async { orders::settle_credit(context.app(), &call, decode(&input.id, "id")?).await };
        SettleCreditPayload::new(context, input.client_mutation_id, result.await.map(Order))
    }

    /// Says from which amounts on orders need an approver, and of which level (设置审批规则).
    async fn set_approval_rules(
        &self,
        context: &Context<'_>,
        input: SetApprovalRulesInput,
    ) -> Result<SetApprovalRulesPayload> {
        let call = context.call(Action::KeepApprovalRules)?;
        let result = async {
            let rule = |(n, rule): (usize, ApprovalRuleInput)| match rule.minimum.read("minimum") {
                Ok(from) => Ok((from, rule.level)),
                Err(Error::Refused(refusals)) => {
                    let at = |r: entities::values::Refusal| r.at(n.to_string()).at("rules");
                    Err(Error::Refused(refusals.into_iter().map(at).collect()))
                }
                Err(other) => Err(other),
            };
            let rules: Vec<(Amount, i32)> =
                input.rules.into_iter().enumerate().map(rule).collect::<std::result::Result<_, _>>()?;
            companies::set_rules(context.app(), &call, &rules).await
        };
        let rules = result.await.map(|rules| rules.into_iter().map(ApprovalRule::from).collect());
        SetApprovalRulesPayload::new(context, input.client_mutation_id, rules)
    }

    /// Says what is in one unit of an offer: a bundle takes the stock of its parts (设置组合商品).
    async fn set_bundle_parts(
        &self,
        context: &Context<'_>,
        input: SetBundlePartsInput,
    ) -> Result<SetBundlePartsPayload> {
        let call = context.call(Action::FulfilOrders)?;
        let result = async {
            let part = |part: BundlePartInput| Ok::<_, Error>((decode(&part.variant_id, "parts")?, part.quantity));
            let parts: Vec<_> = input.parts.into_iter().map(part).collect::<std::result::Result<_, _>>()?;
            companies::set_bundle(context.app(), &call, decode(&input.offer_id, "offerId")?, &parts).await
        };
        SetBundlePartsPayload::new(context, input.client_mutation_id, result.await.map(Offer))
    }
}
