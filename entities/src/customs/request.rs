//! What is asked of customs after a list was declared: that it is withdrawn (撤单, CEB623), or that goods come back (退货,
//! CEB625).
//!
//! Deadlines are days of Beijing. The day of release is day 0: a return is asked for until the end of day 30, the goods
//! are back until the end of day 45 (rule 17 of section 0; counting by section 10).

use crate::Relation;
use chrono::{Duration, NaiveDate};
use sea_orm::entity::prelude::*;

use crate::values::{
    ErrorCode, Refusal,
    id::{CustomsPaperId, CustomsRequestId, DeclarationId, StockLocationId},
};

/// Last day, after that of the release, on which a return may be asked for.
pub const ASKED_WITHIN_DAYS: i64 = 30;
/// Last day on which returned goods may arrive.
pub const BACK_WITHIN_DAYS: i64 = 45;

/// What is asked (申请类型).
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
pub enum CustomsRequestKind {
    /// That the list is withdrawn (撤单).
    Cancellation,
    /// That goods come back (退货).
    Return,
}

/// How it stands (申请状态).
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
pub enum CustomsRequestState {
    /// Asked for; the goods of a return are on their way (申请中).
    Asked,
    /// The goods are back and were found as they were (已验收); customs is asked.
    Inspected,
    /// Customs says yes (海关已同意).
    Approved,
    /// Customs says no, or the message did not reach it; it may be asked again, or withdrawn (海关未同意).
    Refused,
    /// The goods did not come in time, or not as they were; or customs let the goods go before it agreed to the
    /// withdrawal (未通过).
    Failed,
    /// Nobody wants it any more (已撤回).
    Withdrawn,
}

impl CustomsRequestState {
    /// Whether it is still about something.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Asked | Self::Inspected | Self::Refused)
    }

    /// Whether an answer is waited for: while it is, the goods stay where they are.
    pub fn waits(self) -> bool {
        matches!(self, Self::Asked | Self::Inspected)
    }
}

/// A line of a return (退货明细).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ReturnedLine {
    /// The number of the order's line.
    pub number: i32,
    /// How many come back.
    pub quantity: i32,
}

/// The lines of a return, as one column; of a cancellation none.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, sea_orm::FromJsonQueryResult)]
#[serde(transparent)]
pub struct ReturnedLines(pub Vec<ReturnedLine>);

/// A row of `customs_request`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "customs_request")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CustomsRequestId,
    /// Of which declaration.
    pub declaration_id: DeclarationId,
    /// What is asked.
    pub kind: CustomsRequestKind,
    /// State.
    pub state: CustomsRequestState,
    /// Why.
    pub reason: String,
    /// What comes back.
    #[sea_orm(column_type = "JsonBinary")]
    pub lines: ReturnedLines,
    /// Last day on which the goods may arrive.
    pub goods_due: Option<Date>,
    /// Where they were taken in.
    pub location_id: Option<StockLocationId>,
    /// The paper that asks.
    pub paper_id: Option<CustomsPaperId>,
    /// What was found, or said.
    pub note: Option<String>,
    /// When what follows from customs' agreement was done by whoever the document belongs to: once. Of several returns
    /// the order of these moments is that in which their parts were counted.
    pub settled_at: Option<DateTimeUtc>,
    /// Counts up with every change.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

/// Until when goods that are asked for today may come back; refused when it is too late to ask. Both days of Beijing.
pub fn goods_due(released: NaiveDate, today: NaiveDate) -> Result<NaiveDate, Refusal> {
    let last = released + Duration::days(ASKED_WITHIN_DAYS);
    if today > last {
        return Err(Refusal::new(ErrorCode::ReturnTooLate).with("last", last.to_string()));
    }
    Ok(released + Duration::days(BACK_WITHIN_DAYS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn returns_are_asked_for_within_30_days_and_back_within_45() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let released = day("2025-11-01");
        assert_eq!(goods_due(released, day("2025-11-01")), Ok(day("2025-12-16")));
        assert_eq!(goods_due(released, day("2025-12-01")), Ok(day("2025-12-16")), "day 30 is in time");
        let late = goods_due(released, day("2025-12-02")).unwrap_err();
        assert_eq!((late.code, late.details["last"].as_str()), (ErrorCode::ReturnTooLate, "2025-12-01"));
    }
}
