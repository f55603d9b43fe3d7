//! What documents took of allowances (额度占用): one entry for each document and allowance, and one for each return. Of a
//! kind of allowance a document has one that counts: it moves to the allowance of the year in which customs releases the
//! goods.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::{AllowanceEntryId, BuyerAllowanceId};

/// State of an entry (额度占用状态).
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
pub enum AllowanceState {
    /// Ordered (已预占).
    Reserved,
    /// Released by customs (已使用).
    Used,
    /// Cancelled or expired before that (已释放).
    Released,
    /// Not taken but given back, by a return (已退回).
    Returned,
}

/// A row of `allowance_entry`: unique by document and allowance.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "allowance_entry")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AllowanceEntryId,
    /// Of which allowance: reserved, of the year of the order; used, of that of the release; of a return that of what it
    /// gives back of.
    pub allowance_id: BuyerAllowanceId,
    /// The order, or the return.
    pub document: String,
    /// How much: fen, or grams.
    pub amount: i64,
    /// How much of it was given back; of a return nothing.
    pub returned: i64,
    /// State.
    pub state: AllowanceState,
    /// Of a return: what it gives back of.
    pub returns_id: Option<AllowanceEntryId>,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When customs released the goods, or when it was let go or given back.
    pub ended_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
