//! Tax bills of customs (电子税单, CEB816 and CEB818), and the account of who answers for them (担保账户).
//!
//! The taxes of a released list are due from its withholding agent from day 31 after the release on, unless the goods
//! come back before (rule 17 of section 0). Until a bill is paid or void it counts against the agent's guarantee.

use crate::Relation;
use chrono::{Duration, NaiveDate};
use sea_orm::entity::prelude::*;

use crate::values::id::{DeclarationId, OrganisationId, TaxBillId};

/// The first day, after that of the release, on which taxes are to be paid.
pub const PAYABLE_FROM_DAY: i64 = 31;
/// The last.
pub const PAYABLE_UNTIL_DAY: i64 = 45;

/// How a bill stands (税单状态); the numbers are customs' own.
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
pub enum TaxBillState {
    /// 1: made (已生成).
    Made,
    /// 2: summed up with others, to be paid (已汇总).
    SummedUp,
    /// 3: void (作废).
    Void,
}

impl TaxBillState {
    /// By customs' number.
    pub fn of(text: &str) -> Option<Self> {
        match text.trim() {
            "1" => Some(Self::Made),
            "2" => Some(Self::SummedUp),
            "3" => Some(Self::Void),
            _ => None,
        }
    }

    /// Of two that were said at the same moment the later in life holds.
    pub fn rank(self) -> u8 {
        match self {
            Self::Made => 1,
            Self::SummedUp => 2,
            Self::Void => 3,
        }
    }
}

/// A line of a bill, amounts in fen.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[expect(missing_docs, reason = "the names of the message: line, tariff code, dutiable price, the three taxes")]
pub struct TaxLine {
    pub gnum: i32,
    pub gcode: String,
    pub price_minor: i64,
    pub duty_minor: i64,
    pub vat_minor: i64,
    pub consumption_minor: i64,
}

/// The lines of a bill, as one column.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, sea_orm::FromJsonQueryResult)]
#[serde(transparent)]
pub struct TaxLines(pub Vec<TaxLine>);

/// A row of `tax_bill`. Amounts are fen.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "tax_bill")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TaxBillId,
    /// Customs' number of the bill (电子税单编号).
    #[sea_orm(unique)]
    pub tax_no: String,
    /// Of which list.
    pub invt_no: String,
    /// Of which declaration.
    pub declaration_id: DeclarationId,
    /// Who is to pay it.
    pub guarantor_id: Option<OrganisationId>,
    /// Duty (关税).
    pub duty_minor: i64,
    /// Import VAT (增值税).
    pub vat_minor: i64,
    /// Consumption tax (消费税).
    pub consumption_minor: i64,
    /// State.
    pub state: TaxBillState,
    /// When customs said so, 17 digits.
    pub stated_time: String,
    /// The number of the payment document, once it is known (企业缴款书编号).
    pub payment_no: Option<String>,
    /// From which day on it is to be paid.
    pub payable_from: Date,
    /// When it was paid.
    pub paid_at: Option<DateTimeUtc>,
    /// Its lines.
    #[sea_orm(column_type = "JsonBinary")]
    pub lines: TaxLines,
    /// Counts up with every change.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When customs made it; none: it was not kept yet when the bill came.
    pub billed_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// All three taxes.
    pub fn total_minor(&self) -> i64 {
        self.duty_minor + self.vat_minor + self.consumption_minor
    }
}

/// From which day on the taxes of goods that were released on a day are to be paid.
pub fn payable_from(released: NaiveDate) -> NaiveDate {
    released + Duration::days(PAYABLE_FROM_DAY)
}

/// Until which day taxes are to be paid that are from that one on.
pub fn payable_until(from: NaiveDate) -> NaiveDate {
    from + Duration::days(PAYABLE_UNTIL_DAY - PAYABLE_FROM_DAY)
}

/// The first day of taxes whose last day is today.
pub fn first_of_last(today: NaiveDate) -> NaiveDate {
    today - Duration::days(PAYABLE_UNTIL_DAY - PAYABLE_FROM_DAY)
}

/// The guarantee of a withholding agent, as rows that are only added to.
pub mod guarantee {
    use crate::Relation;
    use sea_orm::entity::prelude::*;

    use crate::values::id::{GuaranteeEntryId, OrganisationId};

    /// Why it changed (变动原因).
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
    pub enum GuaranteeReason {
        /// Put in (存入).
        Deposit,
        /// Taken out (取出).
        Withdrawal,
        /// A bill was made: so much of it is bound (占用).
        Bound,
        /// It is void: it is free again (释放).
        Voided,
        /// It was paid: it is free again (缴税释放).
        Paid,
    }

    /// A row of `guarantee_entry`. `deposit_minor` changes what was put in, `bound_minor` what of it is bound.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
    #[sea_orm(table_name = "guarantee_entry")]
    pub struct Model {
        /// Identifier; ids are made in the order of time.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: GuaranteeEntryId,
        /// Whose.
        pub guarantor_id: OrganisationId,
        /// Why.
        pub reason: GuaranteeReason,
        /// By how much the deposit changed.
        pub deposit_minor: i64,
        /// By how much what is bound changed.
        pub bound_minor: i64,
        /// For which bill, or under which number of the bank.
        pub document: String,
        /// What it is known by: an entry is made once.
        #[sea_orm(unique)]
        pub entry_key: String,
        /// When.
        pub at: DateTimeUtc,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taxes_are_payable_from_day_31_to_day_45() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert_eq!(payable_from(day("2025-11-01")), day("2025-12-02"));
        assert_eq!(payable_until(day("2025-12-02")), day("2025-12-16"), "day 45");
        assert_eq!(first_of_last(day("2025-12-16")), day("2025-12-02"));
        assert_eq!(TaxBillState::of("2"), Some(TaxBillState::SummedUp));
        assert_eq!(TaxBillState::of("4"), None);
    }
}
