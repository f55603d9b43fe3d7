//! The guarantee for bonded displays, in the schema.

use async_graphql::{Context, ID, InputObject, Object, Result};
use chrono::{DateTime, Utc};
use entities::{
    party::Action,
    showroom::{
        DisplayGuaranteeReason,
        display_guarantee::{self, entry},
    },
    values::{Currency, ErrorCode, Refusal},
};
use party::graphql::Organisation;
use platform::{
    graphql::{Connection, ContextExt, Money, connection::list_cost, decode, encode, scalars::MoneyInput},
    page::PageArgs,
    payload,
};

use super::yuan;
use crate::ops::bonded::guarantee as ops;

/// The guarantee of an organisation for what it has on bonded display (保税展示担保账户).
#[derive(Clone, Debug)]
pub(crate) struct DisplayGuarantee(display_guarantee::Model);

/// The guarantee of an organisation for what it has on bonded display (保税展示担保账户).
#[Object]
impl DisplayGuarantee {
    /// Whose.
    async fn organisation(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.0.organisation_id).await?.map(Organisation))
    }

    /// What was put in (担保金额).
    async fn balance(&self) -> Money {
        yuan(self.0.balance_minor)
    }

    /// What of it is in use: all taxes of what is guaranteed, out, or sold and not paid (已占用).
    async fn used(&self) -> Money {
        yuan(self.0.used_minor)
    }

    /// What is left (可用余额).
    async fn free(&self) -> Money {
        yuan(self.0.free_minor())
    }

    /// What happened to it, newest first (流水).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn entries(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<DisplayGuaranteeEntry>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let (db, whose) = (context.app().db().read(), self.0.organisation_id);
        let rows = ops::statement(db, context.viewer(), whose, &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::entry_cursor(&row), DisplayGuaranteeEntry(row))))
    }
}

/// Something that happened to a guarantee for bonded displays, which is never changed (保税展示担保流水).
#[derive(Clone, Debug)]
pub(crate) struct DisplayGuaranteeEntry(entry::Model);

/// Something that happened to a guarantee for bonded displays, which is never changed (保税展示担保流水).
#[Object]
impl DisplayGuaranteeEntry {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Why.
    async fn reason(&self) -> DisplayGuaranteeReason {
        self.0.reason
    }

    /// How much it is about.
    async fn amount(&self) -> Money {
        yuan(self.0.balance_minor.abs().max(self.0.used_minor.abs()))
    }

    /// For which bonded display.
    async fn display_id(&self) -> Option<ID> {
        self.0.display_id.map(encode)
    }

    /// Under which document, or number of the bank.
    async fn document(&self) -> &str {
        &self.0.document
    }

    /// Who did it.
    async fn actor(&self) -> &str {
        &self.0.actor
    }

    /// When.
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }
}

/// Something that is put into a guarantee for bonded displays, or taken out (保税展示担保存取).
#[derive(InputObject)]
pub(crate) struct DepositDisplayGuaranteeInput {
    /// Whose; it runs showrooms.
    organisation_id: ID,
    /// How much, in CNY.
    amount: MoneyInput,
    /// Whether it is taken out.
    #[graphql(default)]
    withdrawal: bool,
    /// Its number at the bank, or of the letter of guarantee: noted once.
    reference: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `depositDisplayGuarantee`.
    DepositDisplayGuaranteePayload { /// The guarantee.
        guarantee: DisplayGuarantee }
}

/// The part of the query root about guarantees for bonded displays.
#[derive(Default)]
pub struct DisplayGuaranteeQuery;

#[Object]
impl DisplayGuaranteeQuery {
    /// The guarantee of an organisation for bonded displays; of the one acted for when none is named (保税展示担保账户).
    async fn display_guarantee(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whose.")] organisation_id: Option<ID>,
    ) -> Result<Option<DisplayGuarantee>> {
        context.may(Action::ReadGuarantees)?;
        let whose = match organisation_id {
            Some(id) => decode(&id, "organisationId").ok(),
            None => context.viewer().organisation(),
        };
        let Some(whose) = whose else { return Ok(None) };
        let row = ops::standing(context.app().db().read(), context.viewer(), whose).await?;
        Ok(Some(DisplayGuarantee(row)))
    }
}

/// The part of the mutation root about guarantees for bonded displays.
#[derive(Default)]
pub struct DisplayGuaranteeMutation;

#[Object]
impl DisplayGuaranteeMutation {
    /// Notes what is put into a guarantee for bonded displays, or taken out of it (保税展示担保存取).
    async fn deposit_display_guarantee(
        &self,
        context: &Context<'_>,
        input: DepositDisplayGuaranteeInput,
    ) -> Result<DepositDisplayGuaranteePayload> {
        let call = context.call(Action::KeepGuarantees)?;
        let result = async {
            let whose = decode(&input.organisation_id, "organisationId")?;
            let amount = input.amount.read("amount")?;
            if amount.currency != Currency::CNY {
                let refusal = Refusal::new(ErrorCode::InvalidCurrency).with("value", amount.currency.code());
                return Err(refusal.at("amount").into());
            }
            let minor = if input.withdrawal { -amount.minor } else { amount.minor };
            ops::deposit(context.app(), &call, whose, minor, &input.reference).await
        };
        let result = result.await.map(DisplayGuarantee);
        DepositDisplayGuaranteePayload::new(context, input.client_mutation_id, result)
    }
}
