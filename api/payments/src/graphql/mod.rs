//! Payments in the schema.

mod mutation;
mod query;

use async_graphql::{Context, ID, Object, Result};
use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    catalog::offer::SupplyMode,
    party::Action,
    payments::{
        Account, Method, PaymentState, PayoutState, ProviderKind, ReceiptState, RefundState, commission,
        ledger as entry, payment, payout, payout_line, receipt, refund,
    },
    values::{self, Currency},
};
use party::graphql::Organisation;
use platform::graphql::{ContextExt, CurrencyCode, Money, connection::times, encode};

pub use self::{mutation::PaymentsMutation, query::PaymentsQuery};
use super::{
    loaders::{self, RefundsOf},
    payouts, receipts,
};

/// Whether what only the platform's books say may be seen. Buyers see their own payments without it.
fn keeps_books(context: &Context<'_>) -> bool {
    context.may(Action::ReadPayments).is_ok()
}

fn money(minor: i64, currency: Currency) -> Money {
    values::Money { minor, currency }.into()
}

/// One attempt to be paid for one document (支付单).
#[derive(Clone, Debug)]
pub struct Payment(pub payment::Model);

/// One attempt to be paid for one document (支付单).
#[Object]
impl Payment {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// The merchant's order number, which buyers and banks see (商户订单号).
    async fn number(&self) -> &str {
        &self.0.number
    }

    /// The document that it pays for.
    async fn document(&self) -> &str {
        &self.0.document
    }

    /// Who carries it out (支付渠道).
    async fn provider(&self) -> ProviderKind {
        self.0.provider
    }

    /// How the buyer pays (支付方式).
    async fn method(&self) -> Method {
        self.0.method
    }

    /// State (支付状态).
    async fn state(&self) -> PaymentState {
        self.0.state
    }

    /// What is asked (应付金额).
    async fn amount(&self) -> Money {
        self.0.amount().into()
    }

    /// What came (实收金额).
    async fn captured(&self) -> Money {
        money(self.0.captured_minor, self.0.currency)
    }

    /// What of it is, or is to be, given back (已退金额).
    async fn refunded(&self) -> Money {
        money(self.0.refunded_minor, self.0.currency)
    }

    /// What goes back, or went back, of it, oldest first (退款单列表).
    #[graphql(complexity = "times(20, child_complexity)")]
    async fn refunds(&self, context: &Context<'_>) -> Result<Vec<Refund>> {
        let currency = self.0.currency;
        let rows = loaders::of(context).load_one(RefundsOf(self.0.id)).await?.unwrap_or_default();
        Ok(rows.into_iter().map(|row| Refund { row, currency }).collect())
    }

    /// What of it is allotted to sellers (已分账金额); null for who does not keep the books.
    async fn allotted(&self, context: &Context<'_>) -> Option<Money> {
        keeps_books(context).then(|| money(self.0.allotted_minor, self.0.currency))
    }

    /// What the provider keeps for it (渠道手续费); null for who does not keep the books.
    async fn fee(&self, context: &Context<'_>) -> Option<Money> {
        keeps_books(context).then(|| money(self.0.fee_minor, self.0.currency))
    }

    /// Whether the money came after it had failed or was given up (逾期到账).
    async fn late(&self) -> bool {
        self.0.late
    }

    /// What came instead of what was asked; it is not paid then, and a person decides (金额不符). Null for who does not
    /// keep the books.
    async fn mismatch(&self, context: &Context<'_>) -> Option<&str> {
        self.0.mismatch.as_deref().filter(|_| keeps_books(context))
    }

    /// What the provider knows it by (渠道单号).
    async fn reference(&self) -> Option<&str> {
        self.0.reference.as_deref()
    }

    /// Until when it can be paid.
    async fn expires_at(&self) -> DateTime<Utc> {
        self.0.expires_at
    }

    /// Since when.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }
}

/// What is given back of a payment (退款单).
#[derive(Clone, Debug)]
pub struct Refund {
    row: refund::Model,
    currency: Currency,
}

/// What is given back of a payment (退款单).
#[Object]
impl Refund {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.row.id)
    }

    /// The merchant's number of it (商户退款单号).
    async fn number(&self) -> &str {
        &self.row.number
    }

    /// Of which payment.
    async fn payment_id(&self) -> ID {
        encode(self.row.payment_id)
    }

    /// How much (退款金额).
    async fn amount(&self) -> Money {
        money(self.row.amount_minor, self.currency)
    }

    /// Why (退款原因).
    async fn reason(&self) -> &str {
        &self.row.reason
    }

    /// State (退款状态).
    async fn state(&self) -> RefundState {
        self.row.state
    }

    /// What the provider said when it failed; null for who does not keep the books.
    async fn failure(&self, context: &Context<'_>) -> Option<&str> {
        self.row.failure.as_deref().filter(|_| keeps_books(context))
    }

    /// Since when.
    async fn created_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }

    /// When it last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.row.updated_at
    }
}

/// An entry of the memo ledger, which is never changed (备查账分录).
#[derive(Clone, Debug)]
pub struct LedgerEntry(entry::Model);

/// An entry of the memo ledger, which is never changed (备查账分录).
#[Object]
impl LedgerEntry {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Account (科目).
    async fn account(&self) -> Account {
        self.0.account
    }

    /// How much; what is owed to the organisation is less than nothing (金额).
    async fn amount(&self) -> Money {
        money(self.0.amount_minor, self.0.currency)
    }

    /// The document that says so.
    async fn document(&self) -> &str {
        &self.0.document
    }

    /// When.
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }
}

/// What is owed to a seller in one currency (商户应收余额).
#[derive(Clone, Debug)]
pub struct SellerBalance(values::Money);

/// What is owed to a seller in one currency (商户应收余额).
#[Object]
impl SellerBalance {
    /// How much; less than nothing when the seller owes (应收金额).
    async fn due(&self) -> Money {
        self.0.into()
    }
}

/// A rule of the commission (佣金规则). Of a sale the first that matches is the one.
#[derive(Clone, Debug)]
pub struct CommissionRule(commission::Model);

/// A rule of the commission (佣金规则). Of a sale the first that matches is the one.
#[Object]
impl CommissionRule {
    /// Opaque identifier; a list that is set anew has new ones.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// The version of the whole list, for `expectedVersion`.
    async fn list_version(&self) -> i32 {
        self.0.list_version
    }

    /// Place in the list, from 0.
    async fn position(&self) -> i32 {
        self.0.position
    }

    /// Only of this seller.
    async fn seller(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        let Some(seller) = self.0.seller_id else { return Ok(None) };
        Ok(party::loaders::of(context).load_one(seller).await?.map(Organisation))
    }

    /// Only of goods in this category or below it, by its path.
    async fn category_path(&self) -> Option<&str> {
        self.0.category_path.as_deref()
    }

    /// Only of goods that reach the buyer this way (供货模式).
    async fn supply_mode(&self) -> Option<SupplyMode> {
        self.0.supply_mode
    }

    /// How much of the goods' price without tax, in parts per million (百万分比).
    async fn ppm(&self) -> i32 {
        self.0.ppm
    }

    /// And this much for each order (每单固定金额).
    async fn fixed(&self) -> Option<Money> {
        self.0.currency.filter(|_| self.0.fixed_minor > 0).map(|currency| money(self.0.fixed_minor, currency))
    }

    /// The only currency that it is for.
    async fn currency(&self) -> Option<CurrencyCode> {
        self.0.currency.map(CurrencyCode)
    }

    /// The first day on which it holds.
    async fn valid_from(&self) -> Option<NaiveDate> {
        self.0.valid_from
    }

    /// The first day on which it holds no more.
    async fn valid_to(&self) -> Option<NaiveDate> {
        self.0.valid_to
    }
}

/// What is owed to sellers, as a list for the bank (结算批次).
#[derive(Clone, Debug)]
pub struct Payout(payout::Model);

/// What is owed to sellers, as a list for the bank (结算批次).
#[Object]
impl Payout {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Its number, which the bank sees (批次号).
    async fn number(&self) -> &str {
        &self.0.number
    }

    /// State (状态).
    async fn state(&self) -> PayoutState {
        self.0.state
    }

    /// The sum of its lines (合计).
    async fn total(&self) -> Money {
        payouts::total(&self.0).into()
    }

    /// Who made it (经办人).
    async fn made_by(&self) -> &str {
        &self.0.made_by
    }

    /// Who reported that the bank did it (复核人).
    async fn paid_by(&self) -> Option<&str> {
        self.0.paid_by.as_deref()
    }

    /// The bank's own reference.
    async fn bank_reference(&self) -> Option<&str> {
        self.0.bank_reference.as_deref()
    }

    /// Since when.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }
}

/// So much to one seller (结算明细).
#[derive(Clone, Debug)]
pub struct PayoutLine {
    row: payout_line::Model,
    currency: Currency,
}

/// So much to one seller (结算明细).
#[Object]
impl PayoutLine {
    /// To whom.
    async fn seller(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.row.seller_id).await?.map(Organisation))
    }

    /// How much (金额).
    async fn amount(&self) -> Money {
        money(self.row.amount_minor, self.currency)
    }

    /// The number of its account, masked, as it was (银行账号).
    async fn masked_number(&self) -> &str {
        &self.row.masked_number
    }
}

/// Money that came by bank transfer (银行到账).
#[derive(Clone, Debug)]
pub struct BankReceipt(receipt::Model);

/// Money that came by bank transfer (银行到账).
#[Object]
impl BankReceipt {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// The bank's own reference (银行流水号).
    async fn bank_reference(&self) -> &str {
        &self.0.bank_reference
    }

    /// How much (到账金额).
    async fn amount(&self) -> Money {
        money(self.0.amount_minor, self.0.currency)
    }

    /// The business day (到账日).
    async fn received_on(&self) -> NaiveDate {
        self.0.received_on
    }

    /// What the payer wrote (附言); none in the answer to a repeated request.
    async fn remittance_text(&self, context: &Context<'_>) -> Result<Option<String>> {
        Ok(receipts::remittance_of(context.app().vault(), &self.0)?)
    }

    /// What is known of it (匹配状态).
    async fn state(&self) -> ReceiptState {
        self.0.state
    }

    /// The payment that it is for, or that it names.
    async fn payment_id(&self) -> Option<ID> {
        self.0.payment_id.map(encode)
    }

    /// When it was reported.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}
