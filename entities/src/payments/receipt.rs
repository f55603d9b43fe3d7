//! Receipts of the bank (银行到账): money that came by transfer, and which payment it is for.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::{
    Currency, Money,
    id::{BankReceiptId, PaymentId},
};

/// What is known of a receipt (到账匹配状态).
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
pub enum ReceiptState {
    /// It pays a payment, alone or with others (已匹配).
    Matched,
    /// The payment is known, and this is less (少付).
    Short,
    /// The payment is known, and this is more, or it is paid already (多付).
    Over,
    /// It names no payment that it could be for (未匹配).
    Unmatched,
}

/// A row of `bank_receipt`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "bank_receipt")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: BankReceiptId,
    /// The bank's own reference; each is taken once.
    #[sea_orm(unique)]
    pub bank_reference: String,
    /// How much, in minor units.
    pub amount_minor: i64,
    /// Its currency.
    pub currency: Currency,
    /// The business day.
    pub received_on: Date,
    /// What the payer wrote, sealed: it may name people.
    #[serde(skip)]
    pub remittance: Vec<u8>,
    /// State.
    pub state: ReceiptState,
    /// The payment that it is for, or that it names.
    pub payment_id: Option<PaymentId>,
    /// Who reported it.
    pub reported_by: String,
    /// When.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

/// What a receipt means for the payment that it names. `open`: whether that can still be paid.
pub fn judge(asked: Money, open: bool, came: Money) -> ReceiptState {
    if came.currency != asked.currency {
        ReceiptState::Unmatched
    } else if !open || came.minor > asked.minor {
        ReceiptState::Over
    } else if came.minor < asked.minor {
        ReceiptState::Short
    } else {
        ReceiptState::Matched
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_amount_in_its_currency_pays() {
        let cny = |minor| Money { minor, currency: Currency::CNY };
        let usd = Money { minor: 100, currency: "USD".parse().unwrap() };
        for (open, came, expected) in [
            (true, cny(100), ReceiptState::Matched),
            (true, cny(99), ReceiptState::Short),
            (true, cny(101), ReceiptState::Over),
            (false, cny(100), ReceiptState::Over),
            (true, usd, ReceiptState::Unmatched),
        ] {
            assert_eq!(judge(cny(100), open, came), expected, "{came:?}, open: {open}");
        }
    }
}
