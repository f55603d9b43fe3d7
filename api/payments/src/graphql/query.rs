//! What can be asked of payments.

use async_graphql::{Context, ID, Object, Result};
use entities::{
    party::Action,
    payments::{PaymentState, ReceiptState, commission as rule, payment, payout},
    values::{
        id::{PaymentId, PayoutId},
        refusal::line,
    },
};
use platform::{
    error::Error,
    graphql::{Connection, ContextExt, connection::list_cost, decode},
    page::{Cursor, PageArgs},
};
use sea_orm::EntityTrait;

use super::{BankReceipt, CommissionRule, LedgerEntry, Payment, Payout, PayoutLine, Refund, SellerBalance};
use crate::{commission, ledger, lists};

/// Name of the order of the rules, for cursors.
const RULES: &str = "commission-rule";

fn rule_cursor(row: &rule::Model) -> Cursor {
    Cursor::of_id(RULES, row.id)
}

/// The name of a document that is asked for.
fn text(asked: Option<String>, field: &'static str) -> Result<Option<String>, Error> {
    Ok(asked.map(|asked| line(&asked, 120).map_err(|refusal| refusal.at(field))).transpose()?)
}

/// The part of the query root that this context adds.
#[derive(Default)]
pub struct PaymentsQuery;

#[Object]
impl PaymentsQuery {
    /// Payments, newest first (支付单列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn payments(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only of this document.")] document: Option<String>,
        #[graphql(desc = "Only in this state.")] state: Option<PaymentState>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Payment>> {
        context.may(Action::ReadPayments)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let db = context.app().db().read();
        let rows = lists::payments(db, text(document, "document")?, state, &page).await?;
        Ok(Connection::new(rows, None, |row| (lists::payment_cursor(&row), Payment(row))))
    }

    /// Refunds of a payment, newest first (退款单列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn refunds(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Of which payment.")] payment_id: ID,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Refund>> {
        context.may(Action::ReadPayments)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let db = context.app().db().read();
        let Some(paid) = payment::Entity::find_by_id(decode::<PaymentId>(&payment_id, "paymentId")?)
            .one(db)
            .await
            .map_err(Error::from)?
        else {
            return Ok(Connection::empty());
        };
        let rows = lists::refunds(db, paid.id, &page).await?;
        let currency = paid.currency;
        Ok(Connection::new(rows, None, |row| (lists::refund_cursor(&row), Refund { row, currency })))
    }

    /// What came by bank transfer, newest first (银行到账列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn bank_receipts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only in this state.")] state: Option<ReceiptState>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<BankReceipt>> {
        context.may(Action::ReadPayments)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let db = context.app().db().read();
        let rows = lists::receipts(db, state, &page).await?;
        Ok(Connection::new(rows, None, |row| (lists::receipt_cursor(&row), BankReceipt(row))))
    }

    /// Payout batches, newest first (结算批次列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn payouts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Payout>> {
        context.may(Action::ReadPayments)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let db = context.app().db().read();
        let rows = lists::payouts(db, &page).await?;
        Ok(Connection::new(rows, None, |row| (lists::payout_cursor(&row), Payout(row))))
    }

    /// Lines of a payout batch (结算明细列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn payout_lines(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Of which batch.")] payout_id: ID,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<PayoutLine>> {
        context.may(Action::ReadPayments)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let db = context.app().db().read();
        let Some(batch) = payout::Entity::find_by_id(decode::<PayoutId>(&payout_id, "payoutId")?)
            .one(db)
            .await
            .map_err(Error::from)?
        else {
            return Ok(Connection::empty());
        };
        let rows = lists::payout_lines(db, batch.id, &page).await?;
        let currency = batch.currency;
        Ok(Connection::new(rows, None, |row| (lists::line_cursor(&row), PayoutLine { row, currency })))
    }

    /// The commission rules in force, in their order (佣金规则列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn commission_rules(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<CommissionRule>> {
        context.may(Action::ReadPayments)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let db = context.app().db().read();
        let rows = page.slice(commission::rules(db).await?.rules, rule_cursor)?;
        Ok(Connection::new(rows, None, |row| (rule_cursor(&row), CommissionRule(row))))
    }

    /// Entries of the memo ledger that are an organisation's, newest first (备查账).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn ledger_entries(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whose; none: of the organisation acted for.")] organisation_id: Option<ID>,
        #[graphql(desc = "Only of this document.")] document: Option<String>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<LedgerEntry>> {
        context.may(Action::ReadBalances)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let db = context.app().db().read();
        let of = organisation_id.map(|id| decode(&id, "organisationId")).transpose()?;
        let rows = lists::entries(db, context.viewer(), of, text(document, "document")?, &page).await?;
        Ok(Connection::new(rows, None, |row| (lists::entry_cursor(&row), LedgerEntry(row))))
    }

    /// What is owed to a seller, in each currency that it ever sold in (商户应收余额).
    async fn seller_balances(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whose; none: of the organisation acted for.")] organisation_id: Option<ID>,
    ) -> Result<Vec<SellerBalance>> {
        context.may(Action::ReadBalances)?;
        let of = organisation_id.map(|id| decode(&id, "organisationId")).transpose()?;
        let of = lists::whose(context.viewer(), of)?;
        Ok(ledger::balances(context.app().db().read(), of).await?.into_iter().map(SellerBalance).collect())
    }
}
