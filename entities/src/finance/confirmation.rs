//! Confirmations (应收账款确认): that a debtor was asked whether it pays, and what it said. A statement of a debtor is
//! never changed; what it said is kept in canonical form with its hash, so that whoever finances the receivable can show it.

use crate::Relation;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::values::id::{BankAccountId, ConfirmationId, PersonId, ReceivableId};

/// Most days that a debtor may be given to answer.
pub const MOST_DAYS: i32 = 90;
/// Days that a debtor has when nobody says otherwise.
pub const DAYS: i32 = 15;

/// What became of the question (确认结果).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ConfirmationResult {
    /// The debtor has not answered (待确认).
    Requested,
    /// The debtor pays all that was outstanding (已确认).
    Confirmed,
    /// The debtor pays a part (部分确认).
    Partial,
    /// The debtor disputes it (有争议).
    Disputed,
    /// The debtor does not owe it (已拒绝).
    Rejected,
    /// The debtor did not answer in time (已过期).
    Expired,
    /// The seller took the question back (已撤回).
    Recalled,
}

/// What a debtor states, as it is hashed (确认书). Amounts are decimal texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields of the statement, described in the schema")]
pub struct Statement {
    pub version: String,
    pub receivable: String,
    pub evidence_sha256: String,
    pub seller: String,
    pub debtor: String,
    pub invoice_number: String,
    pub currency: String,
    pub amount: String,
    pub due_date: String,
    pub pay_to: Option<String>,
    pub waiver_of_defences: bool,
    pub goods_accepted: bool,
    pub signed_by: String,
    pub at: String,
}

/// A row of `receivable_confirmation`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "receivable_confirmation")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ConfirmationId,
    /// Of which receivable.
    pub receivable_id: ReceivableId,
    /// What became of it.
    pub result: ConfirmationResult,
    /// How much was outstanding when it was asked for, in minor units.
    pub asked_minor: i64,
    /// How much the debtor says that it pays, or disputes.
    pub amount_minor: Option<i64>,
    /// The seller's account that the debtor is to pay to.
    pub account_id: Option<BankAccountId>,
    /// Whether the debtor pays whatever it may have against the seller: no set-off, no defences (放弃抗辩).
    pub waiver_of_defences: bool,
    /// Whether the debtor says that the goods were delivered and accepted.
    pub goods_accepted: bool,
    /// What the debtor stated, in canonical form; none: it stated nothing.
    pub statement: Option<String>,
    /// SHA-256 of it, in hex.
    pub statement_sha256: Option<String>,
    /// Why the debtor does not confirm, or how a dispute ended.
    pub reason: Option<String>,
    /// Who asked, or brought it along.
    pub requested_by: String,
    /// When.
    pub requested_at: DateTimeUtc,
    /// Until when it can be answered; none: it was answered at once.
    pub expires_at: Option<DateTimeUtc>,
    /// Who answered.
    pub answered_by: Option<String>,
    /// The person who did.
    pub answerer_id: Option<PersonId>,
    /// When.
    pub answered_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
