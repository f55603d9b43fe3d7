//! The memo ledger (备查账) in double entry: only added to; the database refuses the rest. The platform does not hold the
//! money, so the ledger says where it is and to whom it is owed.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::{
    Currency,
    id::{LedgerEntryId, OrganisationId, PaymentId},
};

/// An account of the memo ledger (备查账科目). What lies somewhere is positive, what is owed is negative.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
    async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "LedgerAccount")]
pub enum Account {
    /// Money at the provider (渠道在途资金).
    Provider,
    /// What a buyer paid, not yet allotted (买家已付款).
    BuyerFunds,
    /// Owed to a seller (应付商户).
    SellerDue,
    /// Commission of the platform (平台佣金).
    Commission,
    /// Taxes that are passed on (代收税款).
    TaxDue,
    /// What providers keep (渠道手续费).
    Fees,
    /// Owed back to buyers (待退款).
    RefundClearing,
    /// Paid out, or on its way to sellers (已结算).
    PaidOut,
    /// Held for us by the buyers' banks (已授权未收款).
    Authorised,
    /// The other side of what is held (授权对冲).
    Held,
}

/// A row of `ledger_entry`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "ledger_entry")]
pub struct Model {
    /// Identifier; ids are made in the order of time.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: LedgerEntryId,
    /// The posting that it is a leg of.
    pub posting: Uuid,
    /// What the posting is known by; unique with the account, so a posting is made once.
    pub posting_key: String,
    /// Of which payment.
    pub payment_id: Option<PaymentId>,
    /// Whose, for what is owed to an organisation.
    pub party_id: Option<OrganisationId>,
    /// The document that says so: a checkout, an order, a payout.
    pub document: String,
    /// Account.
    pub account: Account,
    /// How much, in minor units; its sign is that of the account.
    pub amount_minor: i64,
    /// Its currency.
    pub currency: Currency,
    /// When.
    pub at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
