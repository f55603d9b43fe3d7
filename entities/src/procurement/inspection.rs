//! Inspections of what came (来货检验): so much of a line is accepted, so much rejected and why. They are added and never
//! changed: looked at again is another one, of what is left.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::{
    ErrorCode, Refusal,
    id::{GoodsReceiptId, GoodsReceiptLineId, PersonId, ReceiptInspectionId},
};

/// Why goods are rejected (拒收原因).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
    async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "GoodsRejectReason")]
pub enum RejectReason {
    /// Broken or spoilt (破损).
    Damaged,
    /// Not what was ordered (错货).
    WrongItem,
    /// Not as good as agreed (质量不合格).
    Quality,
    /// Too old (过期).
    Expired,
    /// Less in it than it says (短装).
    Short,
    /// Something else, which the note says (其他).
    Other,
}

/// Why so much is rejected: said when something is, in words too when no reason of the list says it. What is accepted
/// needs none, and has none.
pub fn reason_for(
    rejected: i64,
    reason: Option<RejectReason>,
    note: Option<&str>,
) -> Result<Option<RejectReason>, Refusal> {
    if rejected <= 0 {
        return Ok(None);
    }
    match reason {
        None => Err(Refusal::new(ErrorCode::Required).at("reason")),
        Some(RejectReason::Other) if note.is_none() => Err(Refusal::new(ErrorCode::Required).at("note")),
        Some(reason) => Ok(Some(reason)),
    }
}

/// A row of `receipt_inspection`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "receipt_inspection")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ReceiptInspectionId,
    /// Of which receipt.
    pub receipt_id: GoodsReceiptId,
    /// Of which line.
    pub line_id: GoodsReceiptLineId,
    /// How much was accepted.
    pub accepted: i64,
    /// How much was rejected.
    pub rejected: i64,
    /// Why.
    pub reason: Option<RejectReason>,
    /// The same in words.
    pub note: Option<String>,
    /// By which plan it was looked at (抽样方案).
    pub plan: Option<String>,
    /// How many pieces were looked at.
    pub sample_size: Option<i64>,
    /// SHA-256 of a photo, in hex.
    pub photo_sha256: Option<String>,
    /// Who looked.
    pub inspected_by: String,
    /// The person who did, when it was one.
    pub inspector_id: Option<PersonId>,
    /// When.
    pub at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn what_is_rejected_is_rejected_for_a_reason() {
        assert_eq!(reason_for(2, None, Some("torn")).unwrap_err().field, ["reason"]);
        assert_eq!(reason_for(2, Some(RejectReason::Other), None).unwrap_err().field, ["note"]);
        assert_eq!(reason_for(2, Some(RejectReason::Other), Some("torn")), Ok(Some(RejectReason::Other)));
        for reason in RejectReason::iter().filter(|reason| *reason != RejectReason::Other) {
            assert_eq!(reason_for(2, Some(reason), None), Ok(Some(reason)));
            assert_eq!(reason_for(0, Some(reason), None), Ok(None), "nothing is rejected because it is {reason:?}");
        }
        assert_eq!(reason_for(0, None, None), Ok(None));
    }
}
