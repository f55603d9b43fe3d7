//! Tolerances in the schema: by how much deliveries and invoices may differ from orders.

use async_graphql::{Context, ID, InputObject, Object, Result};
use catalog::graphql::{Category, Variant};
use entities::{
    party::Action,
    procurement::tolerance::{self, Scope},
};
use party::graphql::Organisation;
use platform::{
    graphql::{Connection, ContextExt, connection::list_cost, decode, encode},
    page::PageArgs,
    payload,
};

use super::organisation;
use crate::{
    graphql::shared::{ToleranceInput, ToleranceOutput},
    ops::tolerances as ops,
};

/// By how much deliveries and invoices may differ from orders (匹配容差).
#[derive(Clone, Debug)]
pub(crate) struct MatchTolerance(pub tolerance::Model);

/// By how much deliveries and invoices may differ from orders (匹配容差).
#[Object]
impl MatchTolerance {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Only from this supplier; null: from any.
    async fn supplier(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        let Some(id) = self.0.supplier_id else { return Ok(None) };
        organisation(context, id).await
    }

    /// Only of this variant; null: of any.
    async fn variant(&self, context: &Context<'_>) -> Result<Option<Variant>> {
        let Some(id) = self.0.variant_id else { return Ok(None) };
        Ok(catalog::loaders::of(context).load_one(id).await?.map(Variant))
    }

    /// Only of this category and what is under it; null: of any.
    async fn category(&self, context: &Context<'_>) -> Result<Option<Category>> {
        let Some(id) = self.0.category_id else { return Ok(None) };
        Ok(catalog::loaders::of(context).load_one(id).await?.map(Category))
    }

    /// By how much.
    async fn tolerance(&self) -> ToleranceOutput {
        ToleranceOutput::from(&self.0.tolerance)
    }

    /// Counts up with every change.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// A tolerance that is set; there is one for each supplier, variant or category, and the most specific one counts.
/// Nothing named: for everything (设置匹配容差).
#[derive(InputObject)]
pub(crate) struct SetMatchToleranceInput {
    /// Only from this supplier.
    supplier_id: Option<ID>,
    /// Only of this variant; this, or a category.
    variant_id: Option<ID>,
    /// Only of this category and what is under it; this, or a variant.
    category_id: Option<ID>,
    /// By how much.
    tolerance: ToleranceInput,
    /// The version that was read, when there is one.
    expected_version: Option<i32>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A tolerance that is taken away (删除匹配容差).
#[derive(InputObject)]
pub(crate) struct RemoveMatchToleranceInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `setMatchTolerance`.
    SetMatchTolerancePayload { /// The tolerance.
        match_tolerance: MatchTolerance }
    /// The answer to `removeMatchTolerance`.
    RemoveMatchTolerancePayload { /// The tolerance as it was.
        match_tolerance: MatchTolerance }
}

/// Queries about tolerances.
#[derive(Default)]
pub(crate) struct ToleranceQuery;

#[Object]
impl ToleranceQuery {
    /// The tolerances of one's organisation, newest first (匹配容差列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn match_tolerances(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<MatchTolerance>> {
        context.may(Action::ReadProcurement)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = ops::list(context.app().db().read(), context.viewer(), &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::cursor(&row), MatchTolerance(row))))
    }
}

/// Mutations of tolerances.
#[derive(Default)]
pub(crate) struct ToleranceMutation;

#[Object]
impl ToleranceMutation {
    /// Sets by how much deliveries and invoices may differ. It counts for lines of orders that are made from then on
    /// (设置匹配容差).
    async fn set_match_tolerance(
        &self,
        context: &Context<'_>,
        input: SetMatchToleranceInput,
    ) -> Result<SetMatchTolerancePayload> {
        let call = context.call(Action::KeepPurchaseRules)?;
        let result = async {
            let scope = Scope {
                supplier: input.supplier_id.map(|id| decode(&id, "supplierId")).transpose()?,
                variant: input.variant_id.map(|id| decode(&id, "variantId")).transpose()?,
                category: input.category_id.map(|id| decode(&id, "categoryId")).transpose()?,
            };
            let tolerance = input.tolerance.read("tolerance")?;
            ops::set(context.app(), &call, scope, tolerance, input.expected_version).await
        };
        SetMatchTolerancePayload::new(context, input.client_mutation_id, result.await.map(MatchTolerance))
    }

    /// Takes a tolerance away; lines of orders that took it along keep it (删除匹配容差).
    async fn remove_match_tolerance(
        &self,
        context: &Context<'_>,
        input: RemoveMatchToleranceInput,
    ) -> Result<RemoveMatchTolerancePayload> {
        let call = context.call(Action::KeepPurchaseRules)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            ops::remove(context.app(), &call, id, input.expected_version).await
        };
        RemoveMatchTolerancePayload::new(context, input.client_mutation_id, result.await.map(MatchTolerance))
    }
}
