//! Tax bills and guarantees in the schema.

use async_graphql::{Context, ID, InputObject, Object, Result};
use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    customs::tax_bill::{
        self, TaxBillState,
        guarantee::{self, GuaranteeReason},
        payable_until,
    },
    party::Action,
    values::{Currency, ErrorCode, Money as Amount, Refusal, id::OrganisationId},
};
use party::graphql::Organisation;
use platform::{
    clock::business_day,
    graphql::{Connection, ContextExt, Money, connection::list_cost, decode, encode, scalars::MoneyInput},
    page::PageArgs,
    payload,
};

use crate::{
    lists,
    taxes::{self, Standing},
};

fn yuan(minor: i64) -> Money {
    Amount { minor, currency: Currency::CNY }.into()
}

/// What customs asks for what it released (电子税单).
#[derive(Clone, Debug)]
pub struct TaxBill(pub tax_bill::Model);

/// What customs asks for what it released (电子税单).
#[Object]
impl TaxBill {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Customs' number of it.
    async fn number(&self) -> &str {
        &self.0.tax_no
    }

    /// Customs' number of the list.
    async fn list_number(&self) -> &str {
        &self.0.invt_no
    }

    /// State.
    async fn state(&self) -> TaxBillState {
        self.0.state
    }

    /// Duty (关税).
    async fn duty(&self) -> Money {
        yuan(self.0.duty_minor)
    }

    /// Import VAT (增值税).
    async fn vat(&self) -> Money {
        yuan(self.0.vat_minor)
    }

    /// Consumption tax (消费税).
    async fn consumption_tax(&self) -> Money {
        yuan(self.0.consumption_minor)
    }

    /// All three.
    async fn total(&self) -> Money {
        yuan(self.0.total_minor())
    }

    /// Its lines.
    async fn lines(&self) -> Vec<TaxBillLine> {
        let of = |line: &tax_bill::TaxLine| TaxBillLine {
            number: line.gnum,
            hs_code: line.gcode.clone(),
            dutiable: yuan(line.price_minor),
            tax: yuan(line.duty_minor + line.vat_minor + line.consumption_minor),
        };
        self.0.lines.0.iter().map(of).collect()
    }

    /// From which day on it is to be paid: day 31 after the release (可缴税日).
    async fn payable_from(&self) -> NaiveDate {
        self.0.payable_from
    }

    /// Until which day: day 45 after the release (最迟缴税日).
    async fn payable_until(&self) -> NaiveDate {
        payable_until(self.0.payable_from)
    }

    /// The number of the payment document (企业缴款书编号).
    async fn payment_number(&self) -> Option<&str> {
        self.0.payment_no.as_deref()
    }

    /// When it was paid.
    async fn paid_at(&self) -> Option<DateTime<Utc>> {
        self.0.paid_at
    }
}

/// A line of a tax bill (税单明细).
#[derive(Clone, Debug, async_graphql::SimpleObject)]
pub struct TaxBillLine {
    /// Number of the list's line.
    number: i32,
    /// Tariff code.
    hs_code: String,
    /// The dutiable price (完税价格).
    dutiable: Money,
    /// Its three taxes.
    tax: Money,
}

/// The guarantee of a withholding agent (担保账户).
#[derive(Clone, Debug)]
pub struct GuaranteeAccount {
    whose: OrganisationId,
    standing: Standing,
}

/// The guarantee of a withholding agent (担保账户).
#[Object]
impl GuaranteeAccount {
    /// Whose.
    async fn guarantor(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.whose).await?.map(Organisation))
    }

    /// What was put in (担保金额).
    async fn deposit(&self) -> Money {
        yuan(self.standing.deposit_minor)
    }

    /// What bills bind that are neither paid nor void (已占用).
    async fn bound(&self) -> Money {
        yuan(self.standing.bound_minor)
    }

    /// What is left (可用余额); null: less than nothing, the guarantee does not cover the taxes.
    async fn free(&self) -> Option<Money> {
        let free = self.standing.deposit_minor - self.standing.bound_minor;
        (free >= 0).then(|| yuan(free))
    }

    /// What of what is bound is to be paid by now (应缴税款).
    async fn payable(&self) -> Money {
        yuan(self.standing.payable_minor)
    }

    /// Of that, what should have been paid by now: day 45 is over (逾期税款).
    async fn overdue(&self) -> Money {
        yuan(self.standing.overdue_minor)
    }

    /// What happened to it, newest first (流水).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn statement(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<GuaranteeEntry>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = lists::statement(context.app().db().read(), context.viewer(), self.whose, &page).await?;
        Ok(Connection::new(rows, None, |row| (lists::entry_cursor(&row), GuaranteeEntry(row))))
    }

    /// Its tax bills, newest first (税单).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn bills(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<TaxBill>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = lists::bills(context.app().db().read(), context.viewer(), self.whose, &page).await?;
        Ok(Connection::new(rows, None, |row| (lists::bill_cursor(&row), TaxBill(row))))
    }
}

/// Something that happened to a guarantee, which is never changed (担保账户流水).
#[derive(Clone, Debug)]
pub struct GuaranteeEntry(guarantee::Model);

/// Something that happened to a guarantee, which is never changed (担保账户流水).
#[Object]
impl GuaranteeEntry {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Why.
    async fn reason(&self) -> GuaranteeReason {
        self.0.reason
    }

    /// How much it is about.
    async fn amount(&self) -> Money {
        yuan(self.0.deposit_minor.abs().max(self.0.bound_minor.abs()))
    }

    /// For which bill, or under which number of the bank.
    async fn document(&self) -> &str {
        &self.0.document
    }

    /// When.
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }
}

/// Something that is put into a guarantee, or taken out (担保存取).
#[derive(InputObject)]
pub(super) struct DepositGuaranteeInput {
    /// Whose.
    guarantor_id: ID,
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

/// A tax bill that was paid (税单缴纳).
#[derive(InputObject)]
pub(super) struct PayTaxBillInput {
    /// Which.
    id: ID,
    /// The number of the payment document (企业缴款书编号).
    payment_number: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `depositGuarantee`.
    DepositGuaranteePayload { /// The account.
        account: GuaranteeAccount }
    /// The answer to `payTaxBill`.
    PayTaxBillPayload { /// The bill.
        bill: TaxBill }
}

/// The part of the query root about guarantees.
#[derive(Default)]
pub struct GuaranteeQuery;

#[Object]
impl GuaranteeQuery {
    /// The guarantee of a withholding agent; of the organisation acted for when none is named (担保账户).
    async fn guarantee_account(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whose.")] guarantor_id: Option<ID>,
    ) -> Result<Option<GuaranteeAccount>> {
        context.may(Action::ReadGuarantees)?;
        let whose = match guarantor_id {
            Some(id) => decode(&id, "guarantorId").ok(),
            None => context.viewer().organisation(),
        };
        let Some(whose) = whose else { return Ok(None) };
        let today = business_day(context.app().clock().now());
        let standing = taxes::standing(context.app().db().read(), context.viewer(), whose, today).await?;
        Ok(Some(GuaranteeAccount { whose, standing }))
    }
}

/// The part of the mutation root about guarantees.
#[derive(Default)]
pub struct GuaranteeMutation;

#[Object]
impl GuaranteeMutation {
    /// Notes what is put into a guarantee, or taken out of it (担保存取).
    async fn deposit_guarantee(
        &self,
        context: &Context<'_>,
        input: DepositGuaranteeInput,
    ) -> Result<DepositGuaranteePayload> {
        let call = context.call(Action::KeepGuarantees)?;
        let result = async {
            let whose = decode(&input.guarantor_id, "guarantorId")?;
            let amount = input.amount.read("amount")?;
            if amount.currency != Currency::CNY {
                let refusal = Refusal::new(ErrorCode::InvalidCurrency).with("value", amount.currency.code());
                return Err(refusal.at("amount").into());
            }
            let minor = if input.withdrawal { -amount.minor } else { amount.minor };
            let standing = taxes::deposit(context.app(), &call, whose, minor, &input.reference).await?;
            Ok(GuaranteeAccount { whose, standing })
        };
        DepositGuaranteePayload::new(context, input.client_mutation_id, result.await)
    }

    /// Notes that a tax bill was paid: what it bound is free again (税单缴纳).
    async fn pay_tax_bill(&self, context: &Context<'_>, input: PayTaxBillInput) -> Result<PayTaxBillPayload> {
        let call = context.call(Action::KeepGuarantees)?;
        let result = async { taxes::paid(context.app(), &call, decode(&input.id, "id")?, &input.payment_number).await };
        PayTaxBillPayload::new(context, input.client_mutation_id, result.await.map(TaxBill))
    }
}
